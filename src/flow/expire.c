/* SPDX-License-Identifier: MIT
 *
 * In: capture time. Out: flows that were silent too long are ended, holes that waited too long
 * are declared, a few at a time so that no single packet pays for a million records.
 * Refuses to believe one packet from the future: time advances when two in a row agree.
 */
#include <stdlib.h>

#include "table.h"
#include "waiting.h"

enum {
    SWEEP_STEPS = 16, /* records looked at per tick while a round is on */
    HOLES_STEPS = 16, /* holes looked at per tick */
    ROOM_STEPS = 4096 /* records looked at to make room, per call */
};
#define HOLES_EVERY_NS 250000000ll   /* holes are looked at this often */
#define SWEEP_EVERY_NS 15000000000ll /* a round of the sweep begins this often */

static void expire_remove(struct wst_flow_table *t, struct wst_flow *f, enum wst_tcp_end how,
                          const struct wst_arrival *a)
{
    wst_flow_close(t, f, how, a);
    wst_flow_remove(t, f);
}

static bool expire_due(const struct wst_flow_table *t, const struct wst_flow *f)
{
    const struct wst_limits *l = t->limits;
    int64_t idle = ((int64_t)wst_flow_coarse(t->clock) - f->active) * FLOW_COARSE_NS;
    switch (f->state) {
    case WST_FLOW_EMBRYONIC: return idle > l->idle_embryonic_ns;
    case WST_FLOW_CLOSED: return idle > l->idle_closed_ns;
    case WST_FLOW_OPEN: return idle > (f->precious ? l->idle_websocket_ns : l->idle_other_ns);
    default: return false;
    }
}

static void expire_holes(struct wst_flow_table *t, const struct wst_arrival *a)
{
    if (!t->holes_oldest || t->clock < t->holes_due) return;
    t->holes_due = t->clock > INT64_MAX - HOLES_EVERY_NS ? INT64_MAX : t->clock + HOLES_EVERY_NS;
    for (int i = 0; i < HOLES_STEPS && t->holes_oldest; i++) {
        struct wst_waiting *w = t->holes_oldest;
        if (wst_ns_between(w->since_ns, t->clock) < t->limits->reorder_acked_ns) break;
        struct wst_flow *f = w->flow;
        struct wst_arrival at = {{a->when.pkt, t->clock}, a->from};
        wst_half_waited(t, f, w->side, &at);
        bool over = (f->half[0].flags & WST_HALF_ENDED) && (f->half[1].flags & WST_HALF_ENDED);
        if (over)
            wst_flow_close(t, f, WST_TCP_FIN, a);
        else if (t->holes_oldest == w)
            break; /* not yet acknowledged: it has more time */
    }
}

static void expire_sweep(struct wst_flow_table *t, const struct wst_arrival *a, uint32_t steps)
{
    uint32_t n = t->chunks_n * FLOW_CHUNK;
    if (t->hand == 0 && t->clock < t->hand_due) return;
    while (steps-- && t->hand < n) {
        struct wst_flow *f = wst_flow_at(t, t->hand++);
        if (f->state != WST_FLOW_FREE && expire_due(t, f)) expire_remove(t, f, WST_TCP_TIMEOUT, a);
    }
    if (t->hand >= n) {
        t->hand = 0;
        t->hand_due = t->clock > INT64_MAX - SWEEP_EVERY_NS ? INT64_MAX : t->clock + SWEEP_EVERY_NS;
    }
}

void wst_flow_tick(struct wst_flow_table *t, const struct wst_when *when)
{
    int64_t believed = when->ns < t->last_ns ? when->ns : t->last_ns;
    t->last_ns = when->ns;
    if (believed > t->clock) t->clock = believed;
    struct wst_arrival a = {*when, when->pkt};
    expire_holes(t, &a);
    expire_sweep(t, &a, SWEEP_STEPS);
}

static int by_stream(const void *x, const void *y)
{
    uint32_t a = (*(struct wst_flow *const *)x)->stream, b = (*(struct wst_flow *const *)y)->stream;
    return a < b ? -1 : a > b;
}

void wst_flow_finish(struct wst_flow_table *t, const struct wst_when *when)
{
    struct wst_arrival a = {*when, when->pkt};
    uint32_t n = 0;
    struct wst_flow **open = malloc(((size_t)t->used + 1) * sizeof *open);
    for (uint32_t i = 0; i < t->chunks_n * FLOW_CHUNK; i++) {
        struct wst_flow *f = wst_flow_at(t, i);
        if (f->state != WST_FLOW_EMBRYONIC && f->state != WST_FLOW_OPEN) continue;
        if (open)
            open[n++] = f;
        else
            wst_flow_close(t, f, WST_TCP_EOF, &a); /* no memory to sort: in table order */
    }
    if (n) qsort(open, n, sizeof *open, by_stream);
    for (uint32_t i = 0; i < n; i++) {
        bool both =
            (open[i]->half[0].flags & WST_HALF_FIN) && (open[i]->half[1].flags & WST_HALF_FIN);
        wst_flow_close(t, open[i], both ? WST_TCP_FIN : WST_TCP_EOF, &a);
    }
    free(open);
}

/* One pass of the hand over some records; `precious` ones only when asked. */
static void room_pass(struct wst_flow_table *t, size_t bytes, bool precious,
                      const struct wst_arrival *a)
{
    uint32_t n = t->chunks_n * FLOW_CHUNK;
    for (uint32_t i = 0; i < ROOM_STEPS && n; i++) {
        if (wst_budget_left(t->budget) >= bytes && t->free_first != FLOW_NONE) return;
        if (t->hand >= n) t->hand = 0;
        struct wst_flow *f = wst_flow_at(t, t->hand++);
        if (f->state == WST_FLOW_FREE || f->precious != precious) continue;
        if (f->touched && !precious) {
            f->touched = false; /* a second chance */
            continue;
        }
        if (!f->precious) t->evicted++;
        expire_remove(t, f, WST_TCP_EVICTED, a);
    }
}

bool wst_flow_make_room(struct wst_flow_table *t, size_t bytes, const struct wst_when *when)
{
    struct wst_arrival a = {*when, when->pkt};
    room_pass(t, bytes, false, &a);
    /* Then holes, the oldest first: what waits behind them is handed on. */
    while (wst_budget_left(t->budget) < bytes && t->holes_oldest) {
        struct wst_waiting *w = t->holes_oldest;
        wst_half_flush(t, w->flow, w->side, &a);
    }
    if (wst_budget_left(t->budget) < bytes) room_pass(t, bytes, true, &a);
    return wst_budget_left(t->budget) >= bytes;
}
