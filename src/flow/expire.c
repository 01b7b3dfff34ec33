/* SPDX-License-Identifier: MIT
 *
 * In: capture time. Out: flows that were silent too long are ended, holes that waited too long
 * are declared, a few at a time so that no single packet pays for a million records.
 * Refuses to believe one packet from the future: time advances when two in a row agree.
 */
#include <stdlib.h>

#include "seldom.h"
#include "table.h"
#include "waiting.h"

enum {
    SWEEP_STEPS = 16,  /* records looked at per tick while a round is on */
    HOLES_STEPS = 128, /* holes looked at per tick: those not acknowledged yet stand in line, too */
    IDLE_STEPS = 8192, /* records looked at per tick of a silent line: a round takes seconds */
    RECORD_STEPS = 4096, /* records looked at for one that can be used again, per call */
    ROOM_STEPS = 1 << 18 /* of those that matter, to make room for bytes, per call */
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
    int64_t idle = (int64_t)wst_flow_coarse(t->time.now) - f->active, may = 0;
    switch (f->state) {
    case WST_FLOW_EMBRYONIC: may = l->idle_embryonic_ns; break;
    case WST_FLOW_CLOSED:
        if (f->copy && wst_flow_original(t, f)->state != WST_FLOW_CLOSED) return false;
        may = l->idle_closed_ns;
        break;
    case WST_FLOW_OPEN: may = f->precious ? l->idle_websocket_ns : l->idle_other_ns; break;
    }
    return idle > may / FLOW_COARSE_NS; /* the times of a hostile capture overflow a product */
}

static inline bool holes_are_due(const struct wst_flow_table *t)
{
    return !TAILQ_EMPTY(&t->holes) && t->time.now >= t->holes_due;
}

static void expire_holes(struct wst_flow_table *t, const struct wst_when *when)
{
    t->holes_due =
        t->time.now > INT64_MAX - HOLES_EVERY_NS ? INT64_MAX : t->time.now + HOLES_EVERY_NS;
    /* Chosen first: what one of them brings about may take others out of the list. */
    struct {
        struct wst_waiting *w;
        struct wst_flow *flow;
        unsigned side;
    } due[HOLES_STEPS];
    unsigned n = 0;
    struct wst_waiting *w;
    TAILQ_FOREACH (w, &t->holes, place) {
        if (n == HOLES_STEPS) break;
        if (w->since_ns > t->time.now) w->since_ns = t->time.now; /* in a packet from the future */
        if (wst_ns_between(w->since_ns, t->time.now) < t->limits->reorder_acked_ns) break;
        due[n].w = w;
        due[n].flow = w->flow;
        due[n++].side = w->side;
    }
    for (unsigned i = 0; i < n; i++) {
        struct wst_flow *f = due[i].flow;
        if (f->rare[due[i].side].waiting != due[i].w) continue;
        struct wst_arrival a = {.when = *when, .from = when->pkt};
        wst_half_waited(t, f, due[i].side, t->time.now, &a);
        wst_flow_settle(t, f, &a);
    }
}

static inline bool sweep_is_due(const struct wst_flow_table *t)
{
    return t->hand != 0 || t->time.now >= t->hand_due;
}

static void expire_sweep(struct wst_flow_table *t, const struct wst_when *when, uint32_t steps)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    uint32_t n = t->chunks_n * FLOW_CHUNK;
    while (steps-- && t->hand < n) {
        struct wst_flow *f = wst_flow_at(t, t->hand++);
        if (f->state == WST_FLOW_FREE) continue;
        int32_t now = wst_flow_coarse(t->time.now);
        if (f->active > now) f->active = now; /* last heard of in a packet from the future */
        if (!expire_due(t, f) || (f->succeeding && wst_flow_succeeded(t, f, &a))) continue;
        expire_remove(t, f, WST_TCP_TIMEOUT, &a);
    }
    if (t->hand >= n) {
        t->hand = 0;
        t->hand_due =
            t->time.now > INT64_MAX - SWEEP_EVERY_NS ? INT64_MAX : t->time.now + SWEEP_EVERY_NS;
    }
}

WST_SELDOM static void expire_look(struct wst_flow_table *t, const struct wst_when *when,
                                   uint32_t steps)
{
    if (holes_are_due(t)) expire_holes(t, when);
    if (sweep_is_due(t)) expire_sweep(t, when, steps);
    t->due = t->hand ? INT64_MIN : t->hand_due;
    if (!TAILQ_EMPTY(&t->holes) && t->holes_due < t->due) t->due = t->holes_due;
}

static inline void expire_tick(struct wst_flow_table *t, const struct wst_when *when,
                               uint32_t steps)
{
    wst_elapsed_see(&t->time, when->ns);
    if (t->time.now >= t->due) expire_look(t, when, steps);
}

void wst_flow_tick(struct wst_flow_table *t, const struct wst_when *when)
{
    expire_tick(t, when, SWEEP_STEPS);
}

void wst_flow_tick_idle(struct wst_flow_table *t, const struct wst_when *when)
{
    expire_tick(t, when, IDLE_STEPS);
}

void wst_flow_dropped(struct wst_flow_table *t, const struct wst_when *when)
{
    t->dropped_ns = wst_elapsed_of(&t->time, when->ns);
}

static int by_stream(const void *x, const void *y)
{
    uint32_t a = (*(struct wst_flow *const *)x)->stream, b = (*(struct wst_flow *const *)y)->stream;
    return a < b ? -1 : a > b;
}

void wst_flow_finish(struct wst_flow_table *t, const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
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
        if (open[i]->succeeding) wst_flow_succeeded(t, open[i], &a);
        bool both =
            (open[i]->half[0].flags & WST_HALF_FIN) && (open[i]->half[1].flags & WST_HALF_FIN);
        wst_flow_close(t, open[i], both ? WST_TCP_FIN : WST_TCP_EOF, &a);
    }
    free(open);
}

/* -- room -------------------------------------------------------------------------------------- */

void wst_flow_evict(struct wst_flow_table *t, struct wst_flow *f, uint64_t *count,
                    const struct wst_arrival *a)
{
    if (!f->precious && f->state != WST_FLOW_CLOSED) ++*count;
    expire_remove(t, f, WST_TCP_EVICTED, a);
}

static bool room_enough(const struct wst_flow_table *t, size_t bytes)
{
    return bytes ? wst_budget_left(t->budget) >= bytes : t->free_first != FLOW_NONE;
}

static bool room_is_silent(const struct wst_flow_table *t, const struct wst_flow *f, int64_t ns)
{
    return (int64_t)wst_flow_coarse(t->time.now) - f->active >= ns / FLOW_COARSE_NS;
}

/* One pass of the hand over at most so many records, for `bytes` or, when 0, for a record;
 * `precious` ones only when asked, and silent for so long. Records never go back to the budget: one
 * that holds nothing else has no bytes to give. True: some had their second chance. */
static bool room_pass(struct wst_flow_table *t, size_t bytes, uint32_t steps, bool precious,
                      int64_t silent_ns, const struct wst_arrival *a)
{
    uint32_t n = t->chunks_n * FLOW_CHUNK;
    bool again = false;
    t->due = INT64_MIN; /* the hand moves */
    for (uint32_t i = 0; i < n && i < steps && !room_enough(t, bytes); i++) {
        if (t->hand >= n) t->hand = 0;
        struct wst_flow *f = wst_flow_at(t, t->hand++);
        if (f->state == WST_FLOW_FREE || f->precious != precious) continue;
        if (bytes && !f->upper && !f->rare[0].waiting && !f->rare[1].waiting) continue;
        if (f->touched && !precious) {
            f->touched = false; /* a second chance */
            again = true;
            continue;
        }
        if (precious && silent_ns && !room_is_silent(t, f, silent_ns)) continue;
        wst_flow_evict(t, f, &t->evicted, a);
    }
    return again;
}

/* No record is free, and there may be no more: flows nobody heard of lately go first, then the
 * oldest that never said anything, and only then one that matters. */
void wst_flow_free_record(struct wst_flow_table *t, const struct wst_arrival *a)
{
    room_pass(t, 0, RECORD_STEPS, false, 0, a);
    if (t->free_first == FLOW_NONE && t->embryos)
        wst_flow_evict(t, wst_flow_at(t, t->embryo_oldest), &t->evicted, a);
    if (t->free_first == FLOW_NONE)
        room_pass(t, 0, RECORD_STEPS, false, 0, a); /* all had their second chance */
    if (t->free_first == FLOW_NONE) room_pass(t, 0, RECORD_STEPS, true, 0, a);
}

/* Flows that matter, but were quiet lately, let go of what they can do without. */
static void room_shrink(struct wst_flow_table *t, size_t bytes, const struct wst_arrival *a)
{
    uint32_t n = t->chunks_n * FLOW_CHUNK;
    t->due = INT64_MIN;
    for (uint32_t i = 0; i < n && i < ROOM_STEPS && t->sink.shrink && !room_enough(t, bytes); i++) {
        if (t->hand >= n) t->hand = 0;
        struct wst_flow *f = wst_flow_at(t, t->hand++);
        if (f->state == WST_FLOW_FREE || !f->precious) continue;
        if (f->touched)
            f->touched = false; /* a second chance */
        else
            t->sink.shrink(t->sink.user, f, a);
    }
}

bool wst_flow_make_room(struct wst_flow_table *t, size_t bytes, int64_t silent_ns,
                        const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    if (silent_ns == INT64_MAX) { /* all of them: none that matters shall go before */
        if (room_pass(t, bytes, UINT32_MAX, false, 0, &a))
            room_pass(t, bytes, UINT32_MAX, false, 0, &a);
        return room_enough(t, bytes);
    }
    /* Holes, the oldest first: what waits behind them is handed on. */
    struct wst_waiting *w;
    while (wst_budget_left(t->budget) < bytes && (w = TAILQ_FIRST(&t->holes))) {
        struct wst_flow *f = w->flow;
        wst_half_let_go(t, f, w->side, &a);
        wst_flow_settle(t, f, &a); /* its end may have waited for those bytes */
    }
    room_shrink(t, bytes, &a);
    room_pass(t, bytes, ROOM_STEPS, true, silent_ns, &a);
    return wst_budget_left(t->budget) >= bytes;
}
