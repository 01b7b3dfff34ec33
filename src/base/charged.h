/* SPDX-License-Identifier: MIT
 *
 * Memory for libraries that ask for it by a function: paid for from the budget, which is `user`.
 * NULL: the budget or the system has none.
 */
#ifndef WST_BASE_CHARGED_H
#define WST_BASE_CHARGED_H

#include "budget.h"

void *wst_charged_new(size_t n, void *user);
void wst_charged_free(void *what, void *user);
void *wst_charged_array(size_t n, size_t each, void *user); /* zeroed */
void *wst_charged_resize(void *what, size_t n, void *user);

#endif
