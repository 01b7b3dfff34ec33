/* SPDX-License-Identifier: MIT
 *
 * In: ids. Out: the message that asked. Refuses to remember more than WST_ASKS_MOST of a side.
 *
 * Answers mostly come in the order of their questions, so the search begins at the oldest. A
 * message may hold millions that answer nothing: for these the ids are sorted after the first few,
 * until a question comes or goes.
 */
#include "asks.h"

#include "fnv.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST = 8,
    LOOKS = 16 /* as long as sorting takes */
};

uint64_t wst_asks_id(uint8_t space, struct wst_slice id)
{
    uint64_t h = wst_fnv_byte(WST_FNV_BEGIN, space);
    for (size_t i = 0; i < id.n; i++) h = wst_fnv_byte(h, id.p[i]);
    return h;
}

static struct wst_ask *at(const struct wst_asks *asks, uint32_t i)
{
    return &asks->ring[(asks->first + i) & (asks->room - 1)];
}

static bool grow(struct wst_asks *asks, struct wst_budget *budget)
{
    uint32_t room = asks->room ? 2 * asks->room : FIRST;
    struct wst_ask *ring;
    if (room > WST_ASKS_MOST) return false;
    ring = wst_budget_resize(budget, asks->ring, asks->room * sizeof *ring, room * sizeof *ring);
    if (!ring) return false;
    /* It was full: what lay before the first goes behind the last. */
    if (asks->room) asks->first &= asks->room - 1;
    if (asks->first) memcpy(ring + asks->room, ring, asks->first * sizeof *ring);
    asks->ring = ring;
    asks->room = room;
    uint64_t *sorted = wst_budget_resize(budget, asks->sorted, asks->sorted_room * sizeof *sorted,
                                         room * sizeof *sorted);
    if (!sorted) return true; /* it is a matter of speed */
    asks->sorted = sorted;
    asks->sorted_room = room;
    return true;
}

void wst_asks_put(struct wst_asks *asks, struct wst_budget *budget, const struct wst_ask *ask)
{
    if (asks->n == asks->room && !grow(asks, budget)) {
        if (asks->n == 0 || !at(asks, 0)->may) asks->forgotten++;
        if (asks->n == 0) return;
        asks->first++;
        asks->n--;
    }
    *at(asks, asks->n++) = *ask;
    asks->looks = 0;
}

/* Of that id the oldest; asks->n: none. */
static uint32_t find(const struct wst_asks *asks, uint64_t id)
{
    uint32_t i = 0;
    while (i < asks->n && at(asks, i)->id != id) i++;
    return i;
}

static int by_id(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

bool wst_asks_has(struct wst_asks *asks, uint64_t id)
{
    if (asks->looks < LOOKS || asks->sorted_room < asks->n) {
        if (++asks->looks < LOOKS || asks->sorted_room < asks->n) return find(asks, id) < asks->n;
        for (uint32_t i = 0; i < asks->n; i++) asks->sorted[i] = at(asks, i)->id;
        if (asks->n) qsort(asks->sorted, asks->n, sizeof id, by_id);
    }
    return asks->n && bsearch(&id, asks->sorted, asks->n, sizeof id, by_id);
}

bool wst_asks_twins(struct wst_asks *asks, uint64_t id)
{
    bool any = false;
    for (uint32_t i = 0; i < asks->n; i++) {
        struct wst_ask *ask = at(asks, i);
        if (ask->id == id) any = ask->twin = true;
    }
    return any;
}

void wst_asks_clear(struct wst_asks *asks)
{
    asks->first = asks->n = asks->looks = 0;
}

bool wst_asks_take(struct wst_asks *asks, uint64_t id, struct wst_ask *ask)
{
    if (asks->looks >= LOOKS - 1 && !wst_asks_has(asks, id)) return false;
    uint32_t i = find(asks, id);
    if (i == asks->n) {
        asks->looks++;
        return false;
    }
    asks->looks = 0;
    *ask = *at(asks, i);
    for (; i > 0; i--) *at(asks, i) = *at(asks, i - 1);
    asks->first++;
    asks->n--;
    return true;
}

const struct wst_ask *wst_asks_first(const struct wst_asks *asks)
{
    for (uint32_t i = 0; i < asks->n; i++)
        if (!at(asks, i)->may) return at(asks, i);
    return NULL;
}

void wst_asks_free(struct wst_asks *asks, struct wst_budget *budget)
{
    wst_budget_give(budget, asks->room * sizeof *asks->ring);
    wst_budget_give(budget, asks->sorted_room * sizeof *asks->sorted);
    free(asks->ring);
    free(asks->sorted);
    *asks = (struct wst_asks){0};
}
