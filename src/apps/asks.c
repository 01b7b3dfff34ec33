/* SPDX-License-Identifier: MIT
 *
 * In: ids. Out: the message that asked. Refuses to remember more than WST_ASKS_MOST of a side.
 *
 * Answers mostly come in the order of their questions, so the search begins at the oldest.
 */
#include "asks.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST = 8 };

uint64_t wst_asks_id(uint8_t space, struct wst_slice id)
{
    const uint64_t prime = 0x100000001b3ull;
    uint64_t h = (0xcbf29ce484222325ull ^ space) * prime;
    for (size_t i = 0; i < id.n; i++) h = (h ^ id.p[i]) * prime;
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
}

/* Of that id the oldest; asks->n: none. */
static uint32_t find(const struct wst_asks *asks, uint64_t id)
{
    uint32_t i = 0;
    while (i < asks->n && at(asks, i)->id != id) i++;
    return i;
}

bool wst_asks_has(const struct wst_asks *asks, uint64_t id)
{
    return find(asks, id) < asks->n;
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
    asks->first = asks->n = 0;
}

bool wst_asks_take(struct wst_asks *asks, uint64_t id, struct wst_ask *ask)
{
    uint32_t i = find(asks, id);
    if (i == asks->n) return false;
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
    free(asks->ring);
    *asks = (struct wst_asks){0};
}
