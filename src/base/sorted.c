/* SPDX-License-Identifier: MIT */
#include "sorted.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

static bool sorted_reserve(struct wst_sorted *s, struct wst_budget *budget)
{
    enum { FIRST = 4 };
    if (s->n < s->room) return true;
    void *p = wst_array_double_paid(budget, s->items, &s->room, sizeof *s->items, FIRST);
    if (p) s->items = p;
    return p;
}

void *wst_sorted_new(struct wst_sorted *s, struct wst_budget *budget, uint64_t number, size_t size)
{
    uint64_t *item = sorted_reserve(s, budget) ? wst_budget_new(budget, size) : NULL;
    if (!item) return NULL;
    *item = number;
    uint32_t i = wst_sorted_place(s, number);
    memmove(s->items + i + 1, s->items + i, (s->n - i) * sizeof *s->items);
    s->items[i] = item;
    s->n++;
    return item;
}

void wst_sorted_take(struct wst_sorted *s, uint64_t number)
{
    uint32_t i = wst_sorted_place(s, number);
    s->n--;
    memmove(s->items + i, s->items + i + 1, (s->n - i) * sizeof *s->items);
}

void wst_sorted_free(struct wst_sorted *s, struct wst_budget *budget)
{
    wst_budget_give(budget, s->room * sizeof *s->items);
    free(s->items);
    *s = (struct wst_sorted){0};
}
