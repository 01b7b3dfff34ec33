/* SPDX-License-Identifier: MIT
 *
 * A connection's streams, by number. An array is enough: they are few, and a new one nearly always
 * has the largest number. Refuses to grow past the budget; how many there may be, the room says.
 */
#ifndef WST_BASE_SORTED_H
#define WST_BASE_SORTED_H

#include "budget.h"

struct wst_sorted { /* zeroed: empty */
    void **items;   /* each begins with its number, a uint64_t */
    uint32_t n, room;
};

/* Index of the one with that number, or of the first with a larger one. */
static inline uint32_t wst_sorted_place(const struct wst_sorted *s, uint64_t number)
{
    uint32_t from = 0, to = s->n;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (*(const uint64_t *)s->items[mid] < number)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* NULL: there is none. */
static inline void *wst_sorted_find(const struct wst_sorted *s, uint64_t number)
{
    uint32_t i = wst_sorted_place(s, number);
    return i < s->n && *(const uint64_t *)s->items[i] == number ? s->items[i] : NULL;
}

/* A new one of `size` bytes, zeroed but for its number, which none has yet. NULL: the budget or the
 * system has none. */
void *wst_sorted_new(struct wst_sorted *s, struct wst_budget *budget, uint64_t number, size_t size);
/* Takes one out that is there; it is to be freed, and given back. */
void wst_sorted_take(struct wst_sorted *s, uint64_t number);
/* Gives back what held them; those that are left are nobody's. */
void wst_sorted_free(struct wst_sorted *s, struct wst_budget *budget);

#endif
