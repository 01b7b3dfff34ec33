/* SPDX-License-Identifier: MIT
 *
 * In: the segments of one half. Out: its bytes in order, or a stated gap.
 * Refuses to wait for ever: a hole is declared lost when
 *   - the other side acknowledged it, and the late segment did not come within
 *     limits.reorder_packets packets of the flow or limits.reorder_acked_ns (the capture lacks it);
 *   - nobody acknowledged it for limits.reorder_ns (one direction captured), or only for
 *     reorder_acked_ns after the capture said that it dropped packets;
 *   - more bytes or pieces wait behind it than the limits allow;
 *   - the flow ends.
 *
 * Overlaps: the byte that arrived first is kept, as BSD and Windows do; where a later one differs,
 * `conflict` says so. RFC 9293 leaves the choice open.
 */
#include <stdlib.h>
#include <string.h>

#include "slice.h"
#include "table.h"
#include "waiting.h"

#define DROPPED_NEAR_NS 1000000000ll /* so soon after a loss of the capture, a hole is that loss \
                                      */
enum { DENIED_FAR = 256 * 1024 };    /* a usual window: nearer, it may have been on its way */

/* -- waiting, made only when needed --------------------------------------------------------- */

static void holes_link(struct wst_flow_table *t, struct wst_waiting *w)
{
    w->older = t->holes_newest;
    w->newer = NULL;
    if (t->holes_newest)
        t->holes_newest->newer = w;
    else
        t->holes_oldest = w;
    t->holes_newest = w;
}

static void holes_unlink(struct wst_flow_table *t, struct wst_waiting *w)
{
    if (w->older)
        w->older->newer = w->newer;
    else
        t->holes_oldest = w->newer;
    if (w->newer)
        w->newer->older = w->older;
    else
        t->holes_newest = w->older;
}

static struct wst_waiting *half_waiting(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                        int64_t now)
{
    struct wst_waiting *w = f->rare[side].waiting;
    if (w) return w;
    if (!wst_budget_take(t->budget, sizeof *w)) return NULL;
    w = calloc(1, sizeof *w);
    if (!w) {
        wst_budget_give(t->budget, sizeof *w);
        return NULL;
    }
    w->flow = f;
    w->side = (uint8_t)side;
    w->since_ns = now;
    holes_link(t, w);
    f->half[side].flags |= WST_HALF_WAITING;
    return f->rare[side].waiting = w;
}

/* The clock comes a packet late (expire.c). Ages are held against it: one packet from the future
 * makes nothing old. */
static int64_t hole_now(const struct wst_flow_table *t, const struct wst_arrival *a)
{
    return a->when.ns > t->clock ? a->when.ns : t->clock;
}

/* Another hole is the first now: its time begins. */
static void hole_restart(struct wst_flow_table *t, struct wst_waiting *w,
                         const struct wst_arrival *a)
{
    w->since_ns = hole_now(t, a);
    w->packets = 0;
    holes_unlink(t, w);
    holes_link(t, w);
}

static void piece_free(struct wst_flow_table *t, struct wst_waiting *w, struct wst_piece *p)
{
    if (!p->bytes) return;
    w->bytes -= p->len;
    wst_budget_give(t->budget, p->len);
    free(p->bytes);
    p->bytes = NULL;
}

static void half_drop_waiting(struct wst_flow_table *t, struct wst_flow *f, unsigned side)
{
    struct wst_waiting *w = f->rare[side].waiting;
    if (!w) return;
    f->rare[side].waiting = NULL;
    f->half[side].flags &= (uint8_t)~WST_HALF_WAITING;
    holes_unlink(t, w);
    for (uint32_t i = 0; i < w->n; i++) piece_free(t, w, &w->pieces[w->first + i]);
    wst_budget_give(t->budget, sizeof *w + w->room * sizeof *w->pieces);
    free(w->pieces);
    free(w);
}

void wst_flow_ignore(struct wst_flow_table *t, struct wst_flow *f)
{
    f->ignored = true;
    half_drop_waiting(t, f, 0);
    half_drop_waiting(t, f, 1);
}

/* -- delivering ------------------------------------------------------------------------------- */

static void half_deliver(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                         struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (f->remember) wst_overlap_remember(&t->overlap, f->stream, side, h->next, bytes);
    h->next += (uint32_t)bytes.n;
    t->sink.data(t->sink.user, f, side, bytes, a);
}

static void half_gap(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t n,
                     enum wst_gap_cause cause, const struct wst_arrival *a)
{
    f->half[side].next += n;
    t->sink.gap(t->sink.user, f, side, n, cause, a);
}

static void half_end(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                     const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (f->ignored || !(h->flags & WST_HALF_FIN) || (h->flags & WST_HALF_ENDED)) return;
    if (wst_seq_diff(f->rare[side].fin, h->next) > 0) return;
    h->flags |= WST_HALF_ENDED;
    half_drop_waiting(t, f, side); /* bytes behind the end are nobody's */
    t->sink.fin(t->sink.user, f, side, a);
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
        struct wst_arrival carried = {a->when, p.pkt};
        if (p.bytes) {
            /* Out of the count before the callback: it may drop all that waits. */
            w->bytes -= p.len;
            wst_budget_give(t->budget, p.len);
            half_deliver(t, f, side, (struct wst_slice){p.bytes, p.len}, &carried);
            free(p.bytes);
        } else {
            half_gap(t, f, side, p.len, WST_GAP_SNAPPED, &carried);
        }
        w = f->rare[side].waiting;
    }
    if (!w) return;
    bool acked_ahead = (h->flags & WST_HALF_ACKED) && wst_seq_diff(h->acked, h->next) > 0;
    if (!w->n && !acked_ahead) {
        half_drop_waiting(t, f, side);
    } else if (moved) {
        hole_restart(t, w, a);
    }
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

/* An acknowledgment just one past the last byte, with nothing behind it, is most likely that of a
 * FIN that was not captured. */
static bool half_acked_hole(const struct wst_flow *f, unsigned side)
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
    if ((w = f->rare[side].waiting)) hole_restart(t, w, a);
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
    if (!(h->flags & WST_HALF_STARTED) || !half_acked_hole(f, side)) return;
    half_waiting(t, f, side, hole_now(t, a));
}

/* The other side is heard, and keeps saying that it lacks the bytes of the hole: then nobody has
 * them yet, and what waits behind is still on its way to being sent again, or not the sender's. */
static bool half_denied(const struct wst_flow *f, unsigned side)
{
    const struct wst_half *h = &f->half[side];
    return f->heard == 3 && (h->flags & WST_HALF_ACKED) && wst_seq_diff(h->acked, h->next) <= 0;
}

/* How long a hole waits that nobody acknowledged. Where the capture dropped packets in the second
 * before it opened, what is missing was dropped, too: it was sent, and is not sent again. */
static int64_t half_patience(const struct wst_flow_table *t, const struct wst_waiting *w)
{
    bool dropped = t->dropped_ns != INT64_MIN && w->since_ns >= t->dropped_ns &&
                   wst_ns_between(t->dropped_ns, w->since_ns) <= DROPPED_NEAR_NS;
    return dropped ? t->limits->reorder_acked_ns : t->limits->reorder_ns;
}

/* A packet of the flow went by while this half has a hole. */
void wst_half_waited(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                     const struct wst_arrival *a)
{
    struct wst_waiting *w = f->rare[side].waiting;
    if (!w) return;
    if (half_acked_hole(f, side)) {
        if (!w->packets++) {
            w->acked = half_acked_end(f, side);
            w->acked_ns = hole_now(t, a);
        }
        bool long_enough = w->packets >= t->limits->reorder_packets ||
                           wst_ns_between(w->acked_ns, t->clock) >= t->limits->reorder_acked_ns;
        if (long_enough && !w->doubts) half_declare_acked(t, f, side, a);
    } else if (w->n && !half_denied(f, side) &&
               wst_ns_between(w->since_ns, t->clock) >= half_patience(t, w)) {
        half_declare_first(t, f, side, WST_GAP_LOST, a);
    } else if (!w->n) {
        half_drop_waiting(t, f, side); /* the late segment came */
    }
}

void wst_half_flush(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                    const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    while (!f->ignored && f->rare[side].waiting && f->rare[side].waiting->n) {
        const struct wst_waiting *w = f->rare[side].waiting;
        if (half_denied(f, side) && wst_seq_diff(w->pieces[w->first].seq, h->next) > DENIED_FAR)
            half_drop_waiting(t, f,
                              side); /* far ahead of what the receiver had: not the sender's */
        else
            half_declare_first(t, f, side, WST_GAP_LOST, a);
    }
    if (f->ignored) return;
    if (h->flags & WST_HALF_HINT) h->flags |= WST_HALF_STARTED;
    if ((h->flags & WST_HALF_STARTED) && half_acked_hole(f, side))
        half_declare(t, f, side, half_acked_end(f, side), WST_GAP_LOST, a);
    if (!f->ignored && (h->flags & WST_HALF_FIN) && !(h->flags & WST_HALF_ENDED))
        half_declare(t, f, side, f->rare[side].fin, WST_GAP_LOST, a);
    half_drop_waiting(t, f, side);
}

/* Memory is short: what waits is handed on, and takes no more of it. */
void wst_half_let_go(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                     const struct wst_arrival *a)
{
    while (f->rare[side].waiting && f->rare[side].waiting->n)
        half_declare_first(t, f, side, WST_GAP_LIMIT, a);
    half_drop_waiting(t, f, side);
}

/* -- segments --------------------------------------------------------------------------------- */

static bool pieces_room(struct wst_flow_table *t, struct wst_waiting *w)
{
    if (w->first + w->n < w->room) return true;
    if (w->first >= w->room / 2 && w->first) { /* the front half is used up: move down */
        memmove(w->pieces, w->pieces + w->first, w->n * sizeof *w->pieces);
        w->first = 0;
        return true;
    }
    uint32_t room = w->room ? w->room * 2 : 8;
    size_t more = (room - w->room) * sizeof *w->pieces;
    if (!wst_budget_take(t->budget, more)) return false;
    struct wst_piece *pieces = realloc(w->pieces, room * sizeof *pieces);
    if (!pieces) {
        wst_budget_give(t->budget, more);
        return false;
    }
    w->pieces = pieces;
    w->room = room;
    return true;
}

/* Puts one piece at place `i`, where it overlaps nothing. */
static bool piece_insert(struct wst_flow_table *t, struct wst_waiting *w, uint32_t i, uint32_t seq,
                         struct wst_slice bytes, uint32_t len, uint64_t pkt)
{
    if (w->n >= t->limits->reorder_segments || w->bytes + bytes.n > t->limits->reorder_bytes)
        return false;
    if (!pieces_room(t, w)) return false;
    uint8_t *copy = NULL;
    if (bytes.n) {
        if (!wst_budget_take(t->budget, bytes.n)) return false;
        copy = malloc(bytes.n);
        if (!copy) {
            wst_budget_give(t->budget, bytes.n);
            return false;
        }
        memcpy(copy, bytes.p, bytes.n);
        w->bytes += bytes.n;
    }
    struct wst_piece *at = &w->pieces[w->first + i];
    memmove(at + 1, at, (w->n - i) * sizeof *at);
    *at = (struct wst_piece){seq, bytes.n ? (uint32_t)bytes.n : len, copy, pkt};
    w->n++;
    return true;
}

/* The first piece that ends after seq. */
static uint32_t pieces_search(const struct wst_waiting *w, uint32_t seq)
{
    uint32_t lo = 0, hi = w->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct wst_piece *p = &w->pieces[w->first + mid];
        if (wst_seq_diff(p->seq + p->len, seq) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Keeps of a segment what no piece covers yet:
 *
 *      pieces          ├──────┤      ├────┤
 *      segment     ├──────────────────────────┤
 *      kept        ├──┤        ├────┤      ├──┤
 *
 * Bytes: `bytes`, or, when those are NULL, `len` bytes that were cut off. False: a limit. */
static bool half_keep(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                      struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    struct wst_waiting *w = half_waiting(t, f, side, hole_now(t, a));
    if (!w) return false;
    uint32_t end = seq + len, i = pieces_search(w, seq);
    uint64_t differing = 0;
    while (wst_seq_diff(end, seq) > 0) {
        const struct wst_piece *p = i < w->n ? &w->pieces[w->first + i] : NULL;
        uint32_t until = p && wst_seq_diff(p->seq, end) < 0 ? p->seq : end;
        if (wst_seq_diff(until, seq) > 0) { /* free up to the next piece */
            uint32_t n = until - seq;
            if (!piece_insert(t, w, i, seq, wst_slice_head(bytes, n), n, a->from)) return false;
            if (bytes.p) bytes = wst_slice_skip(bytes, n);
            seq = until;
        } else { /* covered by piece p */
            uint32_t n = p->seq + p->len - seq;
            if (n > end - seq) n = end - seq;
            if (p->bytes && bytes.p)
                for (uint32_t k = 0; k < n; k++)
                    differing += p->bytes[seq - p->seq + k] != bytes.p[k];
            if (bytes.p) bytes = wst_slice_skip(bytes, n);
            seq += n;
        }
        i++;
    }
    if (differing) t->sink.conflict(t->sink.user, f, side, differing, a);
    return true;
}

/* A segment that cannot simply be handed on: something waits, or it came early. */
static void half_order(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                       struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    uint32_t cut = len - (uint32_t)bytes.n;
    for (int tries = 0; tries < 2 && !f->ignored; tries++) {
        bool kept = !bytes.n || half_keep(t, f, side, seq, bytes, (uint32_t)bytes.n, a);
        if (f->ignored) return; /* because of a conflict */
        if (kept && (!cut || half_keep(t, f, side, seq + (uint32_t)bytes.n,
                                       (struct wst_slice){NULL, 0}, cut, a))) {
            half_drain(t, f, side, a);
            return;
        }
        /* A limit: what waits longest gives way, then the segment may try again. */
        if (!f->rare[side].waiting || !f->rare[side].waiting->n) break;
        while (!f->ignored && f->rare[side].waiting && f->rare[side].waiting->n)
            half_declare_first(t, f, side, WST_GAP_LIMIT, a);
        int32_t old = wst_seq_diff(h->next, seq);
        if (old > 0) {
            if ((uint32_t)old >= len) return;
            seq += (uint32_t)old;
            len -= (uint32_t)old;
            bytes = wst_slice_skip(bytes, (uint32_t)old);
            cut = len - (uint32_t)bytes.n;
        }
    }
    if (f->ignored) return;
    /* Nothing can be kept at all: state the hole and hand the segment on. */
    int32_t hole = wst_seq_diff(seq, h->next);
    if (hole > 0) half_gap(t, f, side, (uint32_t)hole, WST_GAP_LIMIT, a);
    if (!f->ignored && bytes.n) half_deliver(t, f, side, bytes, a);
    if (!f->ignored && cut) half_gap(t, f, side, cut, WST_GAP_SNAPPED, a);
}

void wst_half_data(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                   struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    int32_t early = wst_seq_diff(seq, h->next);
    if (early < 0) { /* bytes that were delivered before: a retransmission, a keep-alive */
        uint32_t old = 0u - (uint32_t)early;
        if (old > len) old = len;
        if (f->remember) {
            uint64_t n = wst_overlap_differing(&t->overlap, f->stream, side, seq,
                                               wst_slice_head(bytes, old));
            /* A keep-alive's one byte is garbage by design (RFC 9293 section 3.8.4). */
            if (n && len > 1) t->sink.conflict(t->sink.user, f, side, n, a);
            if (f->ignored) return;
        }
        seq += old;
        len -= old;
        bytes = wst_slice_skip(bytes, old);
        early = 0;
    }
    if (h->flags & WST_HALF_ENDED) return;
    if (h->flags & WST_HALF_FIN) { /* nothing comes behind the end */
        int32_t left = wst_seq_diff(f->rare[side].fin, seq);
        if (left < 0) left = 0;
        if (len > (uint32_t)left) len = (uint32_t)left;
        bytes = wst_slice_head(bytes, len);
    }
    if (!len) return;
    bool waits = h->flags & WST_HALF_WAITING;
    if (early == 0 && !waits && bytes.n == len) {
        half_deliver(t, f, side, bytes, a);
    } else if (early == 0 && !waits) {
        uint32_t cut = len - (uint32_t)bytes.n;
        if (bytes.n) half_deliver(t, f, side, bytes, a);
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
