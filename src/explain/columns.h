/* SPDX-License-Identifier: MIT
 *
 * In: text. Out: how wide a terminal shows it.
 */
#ifndef WST_EXPLAIN_COLUMNS_H
#define WST_EXPLAIN_COLUMNS_H

#include <stddef.h>

unsigned wst_columns_of(const char *s, size_t n);
/* How many bytes of s fit `columns`, cut between characters. */
size_t wst_columns_fit(const char *s, size_t n, unsigned columns);

#endif
