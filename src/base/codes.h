/* SPDX-License-Identifier: MIT
 *
 * In: a number from the wire, and the registry it belongs to: rows of a *.def file. Out: its name,
 * and what it means to a person. Refuses nothing: what has no name is a number.
 */
#ifndef WST_BASE_CODES_H
#define WST_BASE_CODES_H

#include <stddef.h>
#include <stdint.h>

struct wst_code {
    uint64_t value;
    const char *name, *words; /* words NULL: the name says it all */
};

/* NULL: it has no name. */
const struct wst_code *wst_code_find(const struct wst_code *rows, size_t n, uint64_t value);
/* "REFUSED_STREAM (0x7): nothing was done on it …", "0x1234"; cut where `room` ends. */
void wst_code_put(char *to, size_t room, const struct wst_code *rows, size_t n, uint64_t value);

#endif
