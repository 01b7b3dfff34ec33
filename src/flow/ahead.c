/* SPDX-License-Identifier: MIT
 *
 * In: segments before their turn. Out: nothing but time: a packet needs a slot of the table, then a
 * record, then what the pipeline keeps, each found by the one before and none in a cache when there
 * are many connections. Fetched some packets ahead, they have come when they are needed.
 *
 *     told      n         n - 5        n - 10
 *     fetches   slot      record       upper
 */
#include "slice.h"
#include "table.h"

enum { LINE = 64, UPPER_LINES = 4 }; /* a packet in order seldom touches more of a conversation */

static struct wst_flow *ahead_find(const struct wst_flow_table *t, uint64_t hash)
{
    uint32_t low = (uint32_t)hash;
    for (uint32_t i = low & t->slots_mask; t->slots[i].index; i = (i + 1) & t->slots_mask)
        if (t->slots[i].hash == low) return wst_flow_at(t, t->slots[i].index - 1);
    return NULL;
}

/* A record may be another conversation's by now: that costs a needless fetch, no more. */
static void ahead_fetch(struct wst_flow_table *t, struct wst_flow_ahead *a)
{
    struct wst_flow *f;
    unsigned k = (a->told - AHEAD_RECORD) % AHEAD_ROW;
    __builtin_prefetch(&t->slots[(uint32_t)a->hash[a->told % AHEAD_ROW] & t->slots_mask]);
    if (a->place[k]) {
        f = ahead_find(t, a->hash[k]);
        if (f) __builtin_prefetch(f, 1);
        a->flow[k] = a->payload[k] ? f : NULL;
        if (a->place[k]->hash == a->hash[k]) a->place[k]->flow = f;
    }
    f = a->flow[(a->told - AHEAD_UPPER) % AHEAD_ROW];
    for (int i = 0; f && f->upper && i < UPPER_LINES; i++)
        __builtin_prefetch((const char *)f->upper + (size_t)i * LINE, 1);
}

bool wst_flow_ahead(struct wst_flow_table *t, struct wst_segment *s)
{
    struct wst_flow_ahead *a = &t->ahead;
    if (t->used < AHEAD_FROM) return false;
    unsigned k = a->told % AHEAD_ROW, side;
    if (t->networks.joined) s->domain = wst_flow_network_as(t, s->domain);
    a->place[k] = wst_flow_recall(t, s, &side);
    a->hash[k] = a->place[k]->hash;
    a->payload[k] = s->payload_len != 0;
    a->flow[k] = NULL;
    ahead_fetch(t, a);
    a->told++;
    return true;
}
