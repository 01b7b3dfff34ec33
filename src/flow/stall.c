/* SPDX-License-Identifier: MIT
 *
 * In: segments that bring nothing new, of flows that matter. Out: how long a side sent the same
 * bytes again, or took none, and whether that came to an end. Refuses to speak of less than a
 * second, of keep-alives, and of what the other side was not captured to acknowledge.
 *
 *   one side    ├─bytes─┤  again   again        again   …   new bytes
 *   the other                                        └ acknowledged: STALL_RESENT ends here
 *                 └ acknowledged before: STALL_UNHEARD ─────────┘ ends here
 *
 *   one side    window 0 ────────────────────────── window opens: STALL_SHUT
 */
#include <stdlib.h>

#include "seldom.h"
#include "table.h"

/* Stalls under way at a time, of all flows. They lie in a hash table without chains: a new one
 * takes the place of whichever lies there, of which nothing is told then. */
enum { STALLS = 1024 };
static const int64_t told_from_ns = 1000000000; /* shorter ones are a network's everyday life */
static const int64_t copy_ns = 10000000; /* sooner nobody sends again: the capture has it twice */
/* Each time a sender waits twice as long, and it does not give up so soon: who is silent for longer
 * has got an acknowledgment that was not captured. */
static const int64_t silent_ns = 1000000000;
enum { SILENT_STEPS = 4, GIVES_UP = 6 };
enum { MARKS = 8 }; /* of what was sent again last; copies may be a second late, behind a queue */
/* So often something must have been sent again to be told: what was acknowledged once more often
 * than what was not, for one acknowledgment may be missing. */
static const uint32_t times_told[] = {
    [WST_FLOW_STALL_RESENT] = 2, [WST_FLOW_STALL_UNHEARD] = 3, [WST_FLOW_STALL_SHUT] = 0};

struct wst_stall {
    uint32_t stream;      /* of the flow; with `side` and `what` it says whose stall this is */
    uint8_t side;         /* that stands still */
    uint8_t what;         /* enum wst_flow_stall; 0: the place is free */
    bool first_twice;     /* the capture has the first that was sent again twice: it was indeed */
    uint16_t mark[MARKS]; /* of the first that was sent again, and of the last ones */
    uint32_t copies;      /* segments that the capture has twice */
    /* Sequence numbers. RESENT: up to `seq` it was acknowledged, and more ends the stall. UNHEARD:
     * up to `seq` it had sent, and more ends the stall. */
    uint32_t seq;
    uint32_t first; /* of the segment that is sent again */
    uint32_t bytes; /* of that segment */
    uint32_t times; /* that it was sent again */
    /* Capture time, ns: when it was sent again first, for the second time, last but one, and last.
     */
    int64_t since, second, before, last;
};

static const uint16_t stall_flag[] = {[WST_FLOW_STALL_RESENT] = WST_HALF_RESENT,
                                      [WST_FLOW_STALL_UNHEARD] = WST_HALF_UNHEARD,
                                      [WST_FLOW_STALL_SHUT] = WST_HALF_SHUT};

static struct wst_stall *stall_place(const struct wst_flow_table *t, const struct wst_flow *f,
                                     unsigned side, enum wst_flow_stall what)
{
    uint32_t key = (f->stream * 2 + side) * 4 + (uint32_t)what;
    return &t->stalls[key * 0x9e3779b1u >> 22];
}
static_assert(STALLS == 1 << (32 - 22), "ten bits of the hash");

/* The stall that the half's flag says is under way; NULL: none is, or another one took its place.
 */
static struct wst_stall *stall_find(const struct wst_flow_table *t, struct wst_flow *f,
                                    unsigned side, enum wst_flow_stall what)
{
    struct wst_stall *x = t->stalls ? stall_place(t, f, side, what) : NULL;
    if (!(f->half[side].flags & stall_flag[what])) return NULL;
    if (x && x->what == what && x->stream == f->stream && x->side == side) return x;
    f->half[side].flags &= (uint16_t)~stall_flag[what];
    return NULL;
}

static struct wst_stall *stall_begin(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                     enum wst_flow_stall what, const struct wst_arrival *a)
{
    if (!t->stalls) t->stalls = wst_budget_new(t->budget, STALLS * sizeof *t->stalls);
    if (!t->stalls) return NULL;
    struct wst_stall *x = stall_place(t, f, side, what);
    *x = (struct wst_stall){
        .stream = f->stream, .side = (uint8_t)side, .what = (uint8_t)what, .since = a->when.ns};
    f->half[side].flags |= stall_flag[what];
    return x;
}

static bool stall_went_silent(const struct wst_stall *x, const struct wst_arrival *a)
{
    int64_t step = wst_ns_between(x->before, x->last), room = INT64_MAX - silent_ns;
    if (!x->times || x->times >= GIVES_UP || step > room / SILENT_STEPS) return false;
    return wst_ns_between(x->last, a->when.ns) > SILENT_STEPS * step + silent_ns;
}

static void stall_end(struct wst_flow_table *t, struct wst_flow *f, struct wst_stall *x, bool over,
                      const struct wst_arrival *a)
{
    enum wst_flow_stall what = (enum wst_flow_stall)x->what;
    /* The capture has segments twice: the first that was sent again may be a copy of what had been
     * sent before. It surely is, where it is the only one that came once. */
    bool less = x->copies && !x->first_twice && x->times > 1;
    struct wst_flow_stalled s = {.what = what,
                                 .bytes = x->bytes,
                                 .times = x->times - less,
                                 .ns = wst_ns_between(less ? x->second : x->since, a->when.ns),
                                 .least = less && x->copies + 1 < x->times,
                                 .over = over};
    bool long_enough = s.ns >= told_from_ns && s.times >= times_told[what];
    unsigned side = x->side;
    f->half[side].flags &= (uint16_t)~stall_flag[what];
    x->what = 0;
    if (!over && stall_went_silent(x, a)) return;
    if (long_enough && t->sink.stalled) t->sink.stalled(t->sink.user, f, side, &s, a);
}

/* Captured again, at once or with a mark that was there before: a copy, not sent again. */
static bool stall_is_copy(const struct wst_stall *x, uint16_t mark, const struct wst_arrival *a)
{
    unsigned known = x->times < MARKS ? x->times : MARKS;
    if (x->times && wst_ns_between(x->last, a->when.ns) < copy_ns) return true;
    for (unsigned i = 0; i < known && mark; i++)
        if (x->mark[i] == mark) return true;
    return false;
}

/* Bytes that were captured before. Of those that were not acknowledged only the first count: what
 * follows may be there, or be sent again to ask. */
static void stall_again(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                        const struct wst_segment *s, const struct wst_arrival *a)
{
    const struct wst_half *h = &f->half[side];
    const uint32_t until = s->seq + s->payload_len;
    bool acked = wst_seq_diff(until, h->acked) <= 0;
    enum wst_flow_stall what = acked ? WST_FLOW_STALL_UNHEARD : WST_FLOW_STALL_RESENT;
    bool probe = s->payload_len == 1 && until == h->next;
    if (probe || (f->half[!side].flags & WST_HALF_SHUT)) return; /* it asks, no more */
    if (!acked && wst_seq_diff(s->seq, h->acked) > 0) return;
    struct wst_stall *x = stall_find(t, f, side, what);
    if (x && acked && s->seq != x->first) { /* what it sent again before it has heard of */
        stall_end(t, f, x, true, a);
        x = NULL;
    }
    if (!x && !(x = stall_begin(t, f, side, what, a))) return;
    uint16_t mark = wst_segment_mark(s);
    if (stall_is_copy(x, mark, a)) {
        x->copies++;
        x->first_twice |= x->times == 1 || (mark && mark == x->mark[0]);
        return;
    }
    if (!x->times) {
        x->seq = acked ? h->next : h->acked;
        x->first = s->seq;
        x->bytes = s->payload_len;
    }
    if (x->times == 1) x->second = a->when.ns;
    x->mark[x->times < MARKS ? x->times : 1 + x->times % (MARKS - 1)] = mark;
    x->before = x->times ? x->last : a->when.ns;
    x->last = a->when.ns;
    x->times++;
}

/* An acknowledgment from before one that was seen, if that one is to be believed: it is no further
 * ahead than what was sent. */
static bool old_news(const struct wst_half *o, uint32_t ack)
{
    return (o->flags & WST_HALF_ACKED) && wst_seq_diff(ack, o->acked) < 0 &&
           wst_seq_diff(o->acked, o->next) <= 1; /* a FIN takes a number, too */
}

static void stall_window(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                         const struct wst_segment *s, const struct wst_arrival *a)
{
    const struct wst_half *o = &f->half[!side];
    if (old_news(o, s->ack)) return;
    bool all = (o->flags & WST_HALF_FIN) && wst_seq_diff(s->ack, f->rare[!side].fin) >= 0;
    struct wst_stall *x = stall_find(t, f, side, WST_FLOW_STALL_SHUT);
    if (x && (s->window || all)) /* nobody waits any more */
        stall_end(t, f, x, true, a);
    else if (!x && !s->window && !(s->flags & WST_TCP_FLAG_FIN) && !all)
        stall_begin(t, f, side, WST_FLOW_STALL_SHUT, a);
}

WST_APART void wst_stall_segment(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                 const struct wst_segment *s, const struct wst_arrival *a)
{
    const struct wst_half *h = &f->half[side];
    const unsigned known = WST_HALF_STARTED | WST_HALF_ACKED;
    struct wst_stall *x;
    if ((s->flags & (WST_TCP_FLAG_SYN | WST_TCP_FLAG_ACK)) != WST_TCP_FLAG_ACK) return;
    stall_window(t, f, side, s, a);
    if ((x = stall_find(t, f, !side, WST_FLOW_STALL_RESENT)) && wst_seq_diff(s->ack, x->seq) > 0)
        stall_end(t, f, x, true, a);
    if (!s->payload_len || (h->flags & known) != known) return;
    if ((x = stall_find(t, f, side, WST_FLOW_STALL_UNHEARD)) &&
        wst_seq_diff(s->seq + s->payload_len, x->seq) > 0)
        stall_end(t, f, x, true, a);
    int32_t old = wst_seq_diff(h->next, s->seq + s->payload_len);
    if (old >= 0 && old < STALE_FAR && f->heard == 3) stall_again(t, f, side, s, a);
}

WST_APART void wst_stall_over(struct wst_flow_table *t, struct wst_flow *f,
                              const struct wst_arrival *a)
{
    for (unsigned side = 0; side < 2; side++)
        for (int what = WST_FLOW_STALL_RESENT; what <= WST_FLOW_STALL_SHUT; what++) {
            struct wst_stall *x = stall_find(t, f, side, (enum wst_flow_stall)what);
            if (x) stall_end(t, f, x, false, a);
        }
}

void wst_stall_free(struct wst_flow_table *t)
{
    if (t->stalls) wst_budget_give(t->budget, STALLS * sizeof *t->stalls);
    free(t->stalls);
}
