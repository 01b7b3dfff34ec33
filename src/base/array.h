/* SPDX-License-Identifier: MIT
 *
 * An array that is full becomes one of twice as many, so that each item is moved about once. In:
 * the array and its room. Out: a larger one, whose new items are not set. Refuses what memory, or
 * the budget, has none for: then NULL, and the array and its room are as they were.
 */
#ifndef WST_BASE_ARRAY_H
#define WST_BASE_ARRAY_H

#include "budget.h"

/* `each`: bytes of an item. `first`: the room of the first array, where `array` is NULL and *room
 * 0. To be freed. */
void *wst_array_double(void *array, size_t *room, size_t each, size_t first);
/* The same, paid for; to be freed, and *room items given back. */
void *wst_array_double_paid(struct wst_budget *budget, void *array, uint32_t *room, size_t each,
                            uint32_t first);
/* Room for one more in an array whose items are taken from its front: n of them, from *first on.
 * Where half of the room lies before them they move down, *first is 0, and nothing is paid for. The
 * rest as above. */
void *wst_array_behind_paid(struct wst_budget *budget, void *array, uint32_t *first, uint32_t n,
                            uint32_t *room, size_t each, uint32_t first_room);

#endif
