/* SPDX-License-Identifier: MIT */
#include "codes.h"

#include <stdio.h>

const struct wst_code *wst_code_find(const struct wst_code *rows, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].value == value) return &rows[i];
    return NULL;
}

void wst_code_put(char *to, size_t room, const struct wst_code *rows, size_t n, uint64_t value)
{
    const struct wst_code *row = wst_code_find(rows, n, value);
    unsigned long long number = value;
    if (!row)
        snprintf(to, room, "0x%llx", number);
    else
        snprintf(to, room, "%s (0x%llx)%s%s", row->name, number, row->words ? ": " : "",
                 row->words ? row->words : "");
}
