/* SPDX-License-Identifier: MIT */
#include "array.h"

#include <stdlib.h>
#include <string.h>

void *wst_array_double(void *array, size_t *room, size_t each, size_t first)
{
    if (*room > SIZE_MAX / 2 / each) return NULL;
    size_t more = *room ? 2 * *room : first;
    void *p = realloc(array, more * each);
    if (p) *room = more;
    return p;
}

void *wst_array_double_paid(struct wst_budget *budget, void *array, uint32_t *room, size_t each,
                            uint32_t first)
{
    if (*room > UINT32_MAX / 2 || *room > SIZE_MAX / 2 / each) return NULL;
    uint32_t more = *room ? 2 * *room : first;
    void *p = wst_budget_resize(budget, array, *room * each, more * each);
    if (p) *room = more;
    return p;
}

void *wst_array_behind_paid(struct wst_budget *budget, void *array, uint32_t *first, uint32_t n,
                            uint32_t *room, size_t each, uint32_t first_room)
{
    if (*first + n < *room) return array;
    if (!*first || *first < *room / 2)
        return wst_array_double_paid(budget, array, room, each, first_room);
    memmove(array, (const uint8_t *)array + *first * each, n * each);
    *first = 0;
    return array;
}
