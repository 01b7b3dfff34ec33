/* SPDX-License-Identifier: MIT
 *
 * In: the segments of one half. Out: its bytes in order, or a stated gap.
 * Refuses to wait for ever: a hole is declared lost when
 *   - the other side acknowledged it, and the late segment did not come within
 *     limits.reorder_acked_ns (the capture lacks it), or, where bytes wait behind it, within
 *     limits.reorder_packets packets of the flow;
 *   - nobody acknowledged it for limits.reorder_ns (one direction captured), or only for
 *     reorder_acked_ns after the capture said that it dropped packets;
 *   - more bytes or pieces wait behind it than the limits allow;
 *   - the flow ends;
 *   - all that comes lies so far behind what was acknowledged that sequence numbers must have gone
 *     round: more than 2 GiB are missing.
 *
 * Overlaps: the byte that arrived first is kept, as BSD and Windows do; where a later one differs,
 * `conflict` says so. RFC 9293 leaves the choice open.
 */
#include <string.h>

#include "slice.h"
#include "table.h"
#include "waiting.h"

/* A hole that opens so soon after the capture dropped packets is taken to be what it dropped. */
#define DROPPED_NEAR_NS 1000000000ll
enum {
    /* Bytes so far ahead of what the receiver has that they are not the sender's: more than a usual
     * window, so they cannot have been on their way, unless the sender was seen to have as much. */
    DENIED_FAR = 256 * 1024,
    /* No window is wider (RFC 7323 section 2.3), so nobody had more on its way. */
    WINDOW_MAX = 1 << 30,
    /* So many segments in a row that seem to be from long ago are not: the numbers went round. */
    STALE_RUN = 8
};

void wst_half_joined(struct wst_half *h, uint32_t seq)
{
    if (h->flags & WST_HALF_STARTED) return;
    int32_t missing = h->flags & WST_HALF_HINT ? wst_seq_diff(seq, h->next) : 0;
    if (missing <= 0 || missing > FIN_NEAR) {
        h->next = seq;
        h->flags &= (uint16_t)~WST_HALF_HINT;
    }
    h->flags |= WST_HALF_STARTED;
}

bool wst_half_skips(const struct wst_half *h, uint32_t until)
{
    int32_t ahead = wst_seq_diff(until, h->next);
    return (h->flags & (WST_HALF_STARTED | WST_HALF_HINT)) && ahead > 0 && ahead <= FIN_NEAR;
}

void wst_flow_ignore(struct wst_flow_table *t, struct wst_flow *f)
{
    f->ignored = true;
    wst_waiting_drop(t, f, 0);
    wst_waiting_drop(t, f, 1);
}

bool wst_flow_waits(const struct wst_flow *f, unsigned side)
{
    const struct wst_waiting *w = f->rare[side].waiting;
    return w && w->n;
}

/* -- delivering ------------------------------------------------------------------------------- */

void wst_half_deliver(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (f->remember) wst_overlap_remember(&t->overlap, f->stream, side, h->next, bytes);
    h->next += (uint32_t)bytes.n;
    h->stale = 0;
    t->sink.data(t->sink.user, f, side, bytes, a);
}

static void half_gap(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t n,
                     enum wst_gap_cause cause, const struct wst_arrival *a)
{
    f->half[side].next += n;
    f->half[side].flags &= (uint16_t)~WST_HALF_HINT;
    t->sink.gap(t->sink.user, f, side, n, cause, a);
}

/* Bytes behind the end: whose they are, or whose end it was, nobody knows. Told once. */
static void half_behind(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint64_t n,
                        const struct wst_arrival *a)
{
    if (f->half[side].flags & WST_HALF_BEHIND) return;
    f->half[side].flags |= WST_HALF_BEHIND;
    t->sink.unbelieved(t->sink.user, f, side, n, WST_UNBELIEVED_BEHIND, a);
}

static void half_end(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                     const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (f->ignored || !(h->flags & WST_HALF_FIN) || (h->flags & WST_HALF_ENDED)) return;
    if (wst_seq_diff(f->rare[side].fin, h->next) > 0) return;
    h->flags |= WST_HALF_ENDED;
    uint64_t behind = wst_waiting_bytes(f->rare[side].waiting);
    wst_waiting_drop(t, f, side); /* bytes behind the end are nobody's */
    if (behind) half_behind(t, f, side, behind, a);
    if (!f->ignored) t->sink.fin(t->sink.user, f, side, a);
}

/* What was waited for may have come. `moved`: if not all, the next hole is another. */
static void half_moved(struct wst_flow_table *t, struct wst_flow *f, unsigned side, bool moved,
                       const struct wst_arrival *a)
{
    const struct wst_half *h = &f->half[side];
    struct wst_waiting *w = f->rare[side].waiting;
    if (!w) return;
    bool acked_ahead = (h->flags & WST_HALF_ACKED) && wst_seq_diff(h->acked, h->next) > 0;
    if (!w->n && !acked_ahead) {
        wst_waiting_drop(t, f, side);
    } else if (moved) {
        wst_waiting_restart(t, w, a);
    }
}

/* Hands on every piece whose turn has come. */
static void half_drain(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                       const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    struct wst_waiting *w = f->rare[side].waiting;
    bool moved = false;
    while (w && w->n) {
        struct wst_piece p = w->pieces[w->first];
        if (wst_seq_diff(p.seq, h->next) > 0) break;
        moved = true;
        w->first++;
        w->n--;
        struct wst_arrival carried = {.when = a->when, .from = p.pkt};
        if (p.bytes) {
            /* Out of the count before the callback: it may drop all that waits. */
            w->bytes -= p.len;
            wst_half_deliver(t, f, side, (struct wst_slice){p.bytes, p.len}, &carried);
            wst_budget_piece_free(t->budget, p.bytes, p.len);
        } else {
            half_gap(t, f, side, p.len, WST_GAP_SNAPPED, &carried);
        }
        w = f->rare[side].waiting;
    }
    if (moved) h->flags &= (uint16_t)~WST_HALF_HINT;
    half_moved(t, f, side, moved, a);
}

/* -- holes ------------------------------------------------------------------------------------ */

/* Where the bytes that surely existed end: the FIN's own number is not a byte. */
static uint32_t half_acked_end(const struct wst_flow *f, unsigned side)
{
    const struct wst_half *h = &f->half[side];
    uint32_t fin = f->rare[side].fin;
    if (!(h->flags & WST_HALF_ACKED)) return h->next;
    if ((h->flags & WST_HALF_FIN) && wst_seq_diff(h->acked, fin) > 0) return fin;
    return h->acked;
}

/* The same at the connection's end: when both sides have said all, the last number is that of a
 * FIN, captured or not. */
static uint32_t half_acked_last(const struct wst_flow *f, unsigned side)
{
    const struct wst_half *h = &f->half[side], *o = &f->half[!side];
    uint32_t end = half_acked_end(f, side);
    bool reset = (h->flags | o->flags) & WST_HALF_RESET;
    bool unseen = !(h->flags & WST_HALF_FIN) && (o->flags & WST_HALF_FIN) && !reset;
    return unseen && (h->flags & WST_HALF_ACKED) ? end - 1 : end;
}

/* An acknowledgment just one past the last byte, with nothing behind it, is most likely that of a
 * FIN that was not captured. */
bool wst_half_lacks(const struct wst_flow *f, unsigned side)
{
    const struct wst_half *h = &f->half[side];
    if (h->flags & WST_HALF_ENDED) return false;
    int32_t n = wst_seq_diff(half_acked_end(f, side), h->next);
    bool behind = f->rare[side].waiting && f->rare[side].waiting->n;
    return n > 1 || (n == 1 && (behind || (h->flags & WST_HALF_FIN)));
}

static void half_declare(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                         uint32_t until, enum wst_gap_cause cause, const struct wst_arrival *a)
{
    uint32_t fin = f->rare[side].fin;
    if ((f->half[side].flags & WST_HALF_FIN) && wst_seq_diff(until, fin) > 0) until = fin;
    int32_t n = wst_seq_diff(until, f->half[side].next);
    if (n > 0) half_gap(t, f, side, (uint32_t)n, cause, a);
    if (f->ignored) return;
    half_drain(t, f, side, a);
    half_end(t, f, side, a);
}

/* The first hole: up to the first piece, but no further than was acknowledged when the count began:
 * what was acknowledged since has its own time to wait for a late segment. */
static void half_declare_acked(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                               const struct wst_arrival *a)
{
    struct wst_waiting *w = f->rare[side].waiting;
    uint32_t until = w->acked;
    if (w->n && wst_seq_diff(w->pieces[w->first].seq, until) < 0) until = w->pieces[w->first].seq;
    half_declare(t, f, side, until, WST_GAP_LOST, a);
    if ((w = f->rare[side].waiting)) wst_waiting_restart(t, w, a);
}

static void half_declare_first(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                               enum wst_gap_cause cause, const struct wst_arrival *a)
{
    const struct wst_waiting *w = f->rare[side].waiting;
    half_declare(t, f, side, w->pieces[w->first].seq, cause, a);
}

/* The other side acknowledged: is something missing that it has? */
void wst_half_acked(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                    const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (!(h->flags & WST_HALF_STARTED) || !wst_half_lacks(f, side)) return;
    wst_waiting_of(t, f, side, wst_waiting_now(t, a));
}

/* The other side is heard, and keeps saying that it lacks the bytes of the hole: then nobody has
 * them yet, and what waits behind is still on its way to being sent again, or not the sender's. */
static bool half_denied(const struct wst_flow *f, unsigned side)
{
    const struct wst_half *h = &f->half[side];
    return f->heard == 3 && !(h->flags & WST_HALF_HINT) && (h->flags & WST_HALF_ACKED) &&
           wst_seq_diff(h->acked, h->next) <= 0;
}

/* How long a hole waits that nobody acknowledged. Where the capture dropped packets in the second
 * before it opened, what is missing was dropped, too: it was sent, and is not sent again. */
static int64_t half_patience(const struct wst_flow_table *t, const struct wst_waiting *w)
{
    bool dropped = t->dropped_ns != INT64_MIN && w->since_ns >= t->dropped_ns &&
                   wst_ns_between(t->dropped_ns, w->since_ns) <= DROPPED_NEAR_NS;
    return dropped ? t->limits->reorder_acked_ns : t->limits->reorder_ns;
}

/* Has an acknowledged hole waited for its late segment? The directions may come from two taps, and
 * all of this one be captured later than the acknowledgments of it: so no number of packets says so
 * while nothing waits behind the hole, or while that is seen. */
static bool half_waited_enough(const struct wst_flow_table *t, const struct wst_flow *f,
                               unsigned side)
{
    const struct wst_waiting *w = f->rare[side].waiting;
    const struct wst_limits *l = t->limits;
    if (wst_ns_between(w->acked_ns, t->time.now) >= l->reorder_acked_ns) return true;
    if (!w->n || w->packets < l->reorder_packets) return false;
    return !(f->half[side].flags & WST_HALF_LATE) || w->bytes >= l->reorder_bytes / 2;
}

/* A packet of the flow, or the time until `now`, went by while this half has a hole. */
void wst_half_waited(struct wst_flow_table *t, struct wst_flow *f, unsigned side, int64_t now,
                     const struct wst_arrival *a)
{
    struct wst_waiting *w = f->rare[side].waiting;
    if (!w) return;
    if (wst_half_lacks(f, side)) {
        if (!w->packets++) {
            w->acked = half_acked_end(f, side);
            w->acked_ns = now;
        }
        if (half_waited_enough(t, f, side) && !w->doubts) half_declare_acked(t, f, side, a);
    } else if (w->n && !half_denied(f, side) &&
               wst_ns_between(w->since_ns, t->time.now) >= half_patience(t, w)) {
        half_declare_first(t, f, side, WST_GAP_LOST, a);
    } else if (!w->n) {
        wst_waiting_drop(t, f, side); /* the late segment came */
    }
}

/* What waits lies far ahead of what the receiver had: not the sender's. */
static void half_disown(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                        const struct wst_arrival *a)
{
    uint64_t n = wst_waiting_bytes(f->rare[side].waiting);
    wst_waiting_drop(t, f, side);
    t->sink.unbelieved(t->sink.user, f, side, n, WST_UNBELIEVED_FAR, a);
}

/* At the end nothing will say any more whether bytes at `seq` are the sender's. They are not when
 * no hole of a connection explains that they lie so far ahead: of what it said in its reset, or of
 * what its receiver said that it had. */
static bool half_beyond(const struct wst_flow *f, unsigned side, uint32_t seq)
{
    const struct wst_half *h = &f->half[side];
    int32_t ahead = wst_seq_diff(seq, h->next);
    if (half_denied(f, side)) return ahead > DENIED_FAR && ahead > wst_seq_diff(h->next, h->acked);
    if (ahead <= FIN_NEAR || ahead > WINDOW_MAX) return ahead > FIN_NEAR;
    if ((h->flags & WST_HALF_ACKED) && !(h->flags & WST_HALF_HINT) && f->heard == 3)
        return wst_seq_diff(seq, h->acked) > FIN_NEAR;
    return h->flags & WST_HALF_RESET;
}

void wst_half_flush(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                    const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    while (!f->ignored && f->rare[side].waiting && f->rare[side].waiting->n) {
        const struct wst_waiting *w = f->rare[side].waiting;
        if (half_beyond(f, side, w->pieces[w->first].seq))
            half_disown(t, f, side, a);
        else
            half_declare_first(t, f, side, WST_GAP_LOST, a);
    }
    if (f->ignored) return;
    if (h->flags & WST_HALF_HINT) h->flags |= WST_HALF_STARTED;
    /* A FIN from far ahead: with one direction captured nobody could have confirmed it. */
    if ((h->flags & WST_HALF_FAR) && f->heard != 3) h->flags |= WST_HALF_FIN;
    if (!(h->flags & WST_HALF_FIN)) f->rare[side].fin = h->next; /* before what was only said */
    uint32_t last = half_acked_last(f, side);
    if ((h->flags & WST_HALF_STARTED) && wst_half_lacks(f, side) &&
        wst_seq_diff(last, h->next) <= WINDOW_MAX) /* else it was not the receiver's */
        half_declare(t, f, side, last, WST_GAP_LOST, a);
    if (!f->ignored && (h->flags & WST_HALF_FIN) && !(h->flags & WST_HALF_ENDED))
        half_declare(t, f, side, f->rare[side].fin, WST_GAP_LOST, a);
    wst_waiting_drop(t, f, side);
}

/* Memory is short: what waits is handed on, and takes no more of it. */
void wst_half_let_go(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                     const struct wst_arrival *a)
{
    while (f->rare[side].waiting && f->rare[side].waiting->n)
        half_declare_first(t, f, side, WST_GAP_LIMIT, a);
    wst_waiting_drop(t, f, side);
}

/* What comes next is at `seq`, more than half of all numbers ahead. How many times they went round
 * nobody knows. */
void wst_half_round(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                    const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    while (!f->ignored && f->rare[side].waiting && f->rare[side].waiting->n)
        half_declare_first(t, f, side, WST_GAP_LOST, a);
    if (f->ignored || (h->flags & WST_HALF_ENDED)) return;
    wst_waiting_drop(t, f, side);
    h->flags &= (uint16_t) ~(WST_HALF_FIN | WST_HALF_FAR);
    h->flags |= WST_HALF_ACKED;
    h->acked = seq;
    h->stale = h->stale_acks = 0;
    half_gap(t, f, side, seq - h->next, WST_GAP_ROUND, a);
}

/* -- segments --------------------------------------------------------------------------------- */

/* A limit: what waits longest gives way. The first hole is given up, and no other:
 *
 *      next        segment      first piece         the hole ends where the first of them begins;
 *       │◀── hole ──▶├─────┤       ├─────┤          the segment is handed on where it is that
 */
static void half_make_way(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                          struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    const struct wst_waiting *w = f->rare[side].waiting;
    const struct wst_piece *first = w && w->n ? &w->pieces[w->first] : NULL;
    if (first && wst_seq_diff(first->seq, seq) <= 0) {
        half_declare_first(t, f, side, WST_GAP_LIMIT, a);
        return;
    }
    if (first && first->seq - seq < len) len = first->seq - seq;
    bytes = wst_slice_head(bytes, len);
    int32_t hole = wst_seq_diff(seq, f->half[side].next);
    if (hole > 0) half_gap(t, f, side, (uint32_t)hole, WST_GAP_LIMIT, a);
    if (!f->ignored && bytes.n) wst_half_deliver(t, f, side, bytes, a);
    if (!f->ignored && bytes.n < len)
        half_gap(t, f, side, len - (uint32_t)bytes.n, WST_GAP_SNAPPED, a);
    if (!f->ignored) half_drain(t, f, side, a);
}

/* A segment that cannot simply be handed on: something waits, or it came early. */
static void half_order(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                       struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    while (!f->ignored) {
        if (bytes.n && wst_waiting_keep(t, f, side, seq, bytes, (uint32_t)bytes.n, a)) {
            /* They wait, and where they differ that was told: what was cut off is left. */
            seq += (uint32_t)bytes.n;
            len -= (uint32_t)bytes.n;
            bytes = wst_slice_skip(bytes, bytes.n);
            if (f->ignored) return; /* because of a conflict */
        }
        if (!bytes.n &&
            (!len || wst_waiting_keep(t, f, side, seq, (struct wst_slice){NULL, 0}, len, a))) {
            half_drain(t, f, side, a);
            return;
        }
        half_make_way(t, f, side, seq, bytes, len, a);
        int32_t old = wst_seq_diff(f->half[side].next, seq);
        if (old <= 0) continue;
        if ((uint32_t)old >= len) return;
        seq += (uint32_t)old;
        len -= (uint32_t)old;
        bytes = wst_slice_skip(bytes, (uint32_t)old);
    }
}

/* A segment from long before what was acknowledged. True: it is not old, and `next` now. */
static bool half_stale(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                       const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if ((h->flags & WST_HALF_ACKED) && wst_seq_diff(seq, h->acked) >= -STALE_FAR) return false;
    if ((h->flags & WST_HALF_ENDED) || !wst_flow_stale(t, a, wst_seq_diff(seq, h->next)) ||
        ++h->stale < STALE_RUN)
        return false;
    wst_half_round(t, f, side, seq, a);
    return h->next == seq;
}

/* The next bytes: does the capture have them later than their acknowledgment? One segment that was
 * overtaken is no sign that all are. */
static void half_on_time(struct wst_half *h, uint32_t end)
{
    bool late = (h->flags & WST_HALF_ACKED) && wst_seq_diff(end, h->acked) <= 0;
    if (!late)
        h->flags &= (uint16_t) ~(WST_HALF_LATE | WST_HALF_LATE_ONCE);
    else
        h->flags |= h->flags & WST_HALF_LATE_ONCE ? WST_HALF_LATE : WST_HALF_LATE_ONCE;
}

/* Bytes that were delivered before: a retransmission, a keep-alive. */
static void half_again(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                       struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    if (!f->remember) return;
    uint64_t n = wst_overlap_differing(&t->overlap, f->stream, side, seq, bytes);
    /* A keep-alive's one byte is garbage by design (RFC 9293 section 3.8.4). */
    if (n && len > 1) t->sink.conflict(t->sink.user, f, side, n, a);
}

/* Of `len` bytes that begin at seq, how many stand before the FIN: nothing comes behind the end.
 * One byte that does is a keep-alive. */
static uint32_t half_before_fin(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                uint32_t seq, uint32_t len, const struct wst_arrival *a)
{
    int32_t left = wst_seq_diff(f->rare[side].fin, seq);
    if (left < 0 || (f->half[side].flags & WST_HALF_ENDED)) left = 0;
    if (len <= (uint32_t)left) return len;
    if (len > 1) half_behind(t, f, side, len - (uint32_t)left, a);
    return (uint32_t)left;
}

void wst_half_data(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                   struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    int32_t early = wst_seq_diff(seq, h->next);
    if (early < 0 && !half_stale(t, f, side, seq, a)) {
        uint32_t old = 0u - (uint32_t)early;
        if (old > len) old = len;
        half_again(t, f, side, seq, wst_slice_head(bytes, old), len, a);
        seq += old;
        len -= old;
        bytes = wst_slice_skip(bytes, old);
    }
    if (early < 0) early = 0;
    if (f->ignored || !len) return;
    if (h->flags & WST_HALF_FIN) {
        len = half_before_fin(t, f, side, seq, len, a);
        bytes = wst_slice_head(bytes, len);
        if (f->ignored || !len) return;
    }
    /* Pieces are put in order by the signed difference of their numbers, and one that ended more
     * than half of all numbers ahead would be taken for the oldest. A little further on the whole
     * segment would look old, and not be believed either. */
    if (len > (uint32_t)(INT32_MAX - early)) return;
    const struct wst_waiting *w = f->rare[side].waiting;
    if (early == 0) half_on_time(h, seq + len);
    if (early == 0 && (!w || !w->n) && bytes.n == len) {
        wst_half_deliver(t, f, side, bytes, a);
        if (!f->ignored) half_moved(t, f, side, true, a);
    } else if (early == 0 && !w) {
        uint32_t cut = len - (uint32_t)bytes.n;
        if (bytes.n) wst_half_deliver(t, f, side, bytes, a);
        if (!f->ignored) half_gap(t, f, side, cut, WST_GAP_SNAPPED, a);
    } else {
        half_order(t, f, side, seq, bytes, len, a);
    }
    half_end(t, f, side, a);
}

void wst_half_fin(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                  const struct wst_arrival *a)
{
    half_end(t, f, side, a);
}
