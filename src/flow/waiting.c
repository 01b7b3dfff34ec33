/* SPDX-License-Identifier: MIT
 *
 * In: pieces of one half that came before their turn. Out: the same, sorted and without overlap.
 * Refuses more pieces or bytes than limits.reorder_segments and limits.reorder_bytes, and what the
 * budget has no room for.
 */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "slice.h"
#include "table.h"

struct wst_waiting *wst_waiting_of(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                   int64_t now)
{
    struct wst_waiting *w = f->rare[side].waiting;
    if (w) return w;
    w = wst_budget_new(t->budget, sizeof *w);
    if (!w) return NULL;
    w->flow = f;
    w->side = (uint8_t)side;
    w->since_ns = now;
    TAILQ_INSERT_TAIL(&t->holes, w, place);
    t->due = INT64_MIN;
    f->half[side].flags |= WST_HALF_WAITING;
    return f->rare[side].waiting = w;
}

int64_t wst_waiting_now(const struct wst_flow_table *t, const struct wst_arrival *a)
{
    int64_t ns = wst_elapsed_of(&t->time, a->when.ns);
    return ns > t->time.now ? ns : t->time.now;
}

void wst_waiting_restart(struct wst_flow_table *t, struct wst_waiting *w,
                         const struct wst_arrival *a)
{
    w->since_ns = wst_waiting_now(t, a);
    w->packets = 0;
    TAILQ_REMOVE(&t->holes, w, place);
    TAILQ_INSERT_TAIL(&t->holes, w, place);
}

static void piece_free(struct wst_flow_table *t, struct wst_waiting *w, struct wst_piece *p)
{
    if (!p->bytes) return;
    w->bytes -= p->len;
    wst_budget_piece_free(t->budget, p->bytes, p->len);
    p->bytes = NULL;
}

void wst_waiting_drop(struct wst_flow_table *t, struct wst_flow *f, unsigned side)
{
    struct wst_waiting *w = f->rare[side].waiting;
    if (!w) return;
    f->rare[side].waiting = NULL;
    f->half[side].flags &= (uint16_t)~WST_HALF_WAITING;
    TAILQ_REMOVE(&t->holes, w, place);
    for (uint32_t i = 0; i < w->n; i++) piece_free(t, w, &w->pieces[w->first + i]);
    wst_budget_give(t->budget, sizeof *w + w->room * sizeof *w->pieces);
    free(w->pieces);
    free(w);
}

static bool pieces_room(struct wst_flow_table *t, struct wst_waiting *w)
{
    void *pieces = wst_array_behind_paid(t->budget, w->pieces, &w->first, w->n, &w->room,
                                         sizeof *w->pieces, 8);
    if (pieces) w->pieces = pieces;
    return pieces;
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
        copy = wst_budget_piece(t->budget, bytes.n);
        if (!copy) return false;
        memcpy(copy, bytes.p, bytes.n);
        w->bytes += bytes.n;
    }
    struct wst_piece *at = &w->pieces[w->first + i];
    memmove(at + 1, at, (w->n - i) * sizeof *at);
    *at = (struct wst_piece){seq, bytes.n ? (uint32_t)bytes.n : len, copy, pkt};
    w->n++;
    return true;
}

/* Bytes came for a part of a piece that was cut off: it makes room for them. */
static bool piece_yield(struct wst_flow_table *t, struct wst_waiting *w, uint32_t i, uint32_t from,
                        uint32_t to)
{
    const struct wst_piece p = w->pieces[w->first + i];
    uint32_t before = from - p.seq, after = p.seq + p.len - to;
    if (before && after &&
        !piece_insert(t, w, i + 1, to, (struct wst_slice){NULL, 0}, after, p.pkt))
        return false;
    struct wst_piece *at = &w->pieces[w->first + i];
    if (before) {
        at->len = before;
    } else if (after) {
        at->seq = to;
        at->len = after;
    } else {
        memmove(at, at + 1, (w->n - i - 1) * sizeof *at);
        w->n--;
    }
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

/* Keeps of a segment what no piece has yet:
 *
 *      pieces          ├──────┤      ├────┤
 *      segment     ├──────────────────────────┤
 *      kept        ├──┤        ├────┤      ├──┤
 *
 * A piece that was cut off yields to the bytes. */
bool wst_waiting_keep(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                      struct wst_slice bytes, uint32_t len, const struct wst_arrival *a)
{
    struct wst_waiting *w = wst_waiting_of(t, f, side, wst_waiting_now(t, a));
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
            if (!p->bytes && bytes.p) {
                if (!piece_yield(t, w, i, seq, seq + n)) return false;
                i = pieces_search(w, seq);
                continue;
            }
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

uint64_t wst_waiting_bytes(const struct wst_waiting *w)
{
    uint64_t n = 0;
    for (uint32_t i = 0; w && i < w->n; i++) n += w->pieces[w->first + i].len;
    return n;
}
