/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

struct wst_quic_piece {
    uint64_t at, pkt;
    size_t n;
    uint8_t bytes[];
};

static struct wst_quic_piece *piece_of(const struct wst_quic_order *o, uint32_t i)
{
    return o->all[o->first + i];
}

static uint64_t piece_end(const struct wst_quic_piece *p)
{
    return p->at + p->n;
}

/* For one more. */
static bool order_reserve(struct wst_quic_order *o, struct wst_budget *budget)
{
    enum { FIRST = 4 };
    void *p = wst_array_behind_paid(budget, o->all, &o->first, o->pieces, &o->room, sizeof *o->all,
                                    FIRST);
    if (p) o->all = p;
    return p;
}

/* Of [at, at + n), as the one with index `i`, a copy. */
static bool piece_put(struct wst_quic_order *o, struct wst_budget *budget, uint32_t i, uint64_t at,
                      struct wst_slice s, uint64_t pkt)
{
    if (!order_reserve(o, budget)) return false;
    struct wst_quic_piece *p = wst_budget_piece(budget, sizeof *p + s.n);
    if (!p) return false;
    p->at = at;
    p->pkt = pkt;
    p->n = s.n;
    memcpy(p->bytes, s.p, s.n);
    struct wst_quic_piece **to = o->all + o->first + i;
    memmove(to + 1, to, (o->pieces - i) * sizeof *to);
    *to = p;
    o->kept += s.n;
    o->pieces++;
    return true;
}

static void order_empty(struct wst_quic_order *o, struct wst_budget *budget)
{
    wst_budget_give(budget, o->room * sizeof *o->all);
    free(o->all);
    o->all = NULL;
    o->first = o->room = 0;
}

static void piece_drop(struct wst_quic_order *o, struct wst_budget *budget)
{
    struct wst_quic_piece *p = piece_of(o, 0);
    o->first++;
    o->kept -= p->n;
    o->pieces--;
    wst_budget_piece_free(budget, p, sizeof *p + p->n);
}

/* Index of the first behind `at`. Most come behind all others; but whoever sends bytes one by one,
 * in no order, has thousands wait. */
static uint32_t order_place(const struct wst_quic_order *o, uint64_t at)
{
    uint32_t from = 0, to = o->pieces;
    if (to && piece_of(o, to - 1)->at <= at) return to;
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (piece_of(o, mid)->at <= at)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* Keeps what of the bytes is not kept yet: what came first stays. */
static bool order_keep(struct wst_quic_order *o, struct wst_budget *budget, uint64_t at,
                       struct wst_slice s, uint64_t pkt, const struct wst_quic_caps *caps)
{
    uint32_t i = order_place(o, at);
    while (s.n) {
        while (i < o->pieces && piece_of(o, i)->at <= at) i++;
        uint64_t kept = i ? piece_end(piece_of(o, i - 1)) : 0;
        if (kept > at) {
            uint64_t skip = kept - at;
            if (skip >= s.n) return true;
            at += skip;
            s = wst_slice_skip(s, (size_t)skip);
            continue;
        }
        struct wst_slice part = s;
        if (i < o->pieces && piece_of(o, i)->at - at < s.n)
            part.n = (size_t)(piece_of(o, i)->at - at);
        if (o->kept + part.n > caps->bytes || o->pieces >= caps->pieces ||
            !piece_put(o, budget, i, at, part, pkt))
            return false;
        at += part.n;
        s = wst_slice_skip(s, part.n);
    }
    return true;
}

bool wst_quic_order_put(struct wst_quic_order *o, struct wst_budget *budget, uint64_t at,
                        struct wst_slice s, uint64_t pkt, const struct wst_quic_caps *caps,
                        struct wst_slice *now)
{
    *now = (struct wst_slice){NULL, 0};
    if (at < o->next) {
        uint64_t old = o->next - at;
        if (old >= s.n) return true;
        s = wst_slice_skip(s, (size_t)old);
        at = o->next;
    }
    if (at > o->next) return order_keep(o, budget, at, s, pkt, caps);
    if (o->pieces && piece_of(o, 0)->at - at < s.n) s.n = (size_t)(piece_of(o, 0)->at - at);
    *now = s;
    return true;
}

void wst_quic_order_pass(struct wst_quic_order *o, struct wst_budget *budget, uint64_t n)
{
    o->next += n;
    if (!o->pieces) return;
    while (o->pieces && piece_end(piece_of(o, 0)) <= o->next) piece_drop(o, budget);
    if (!o->pieces) order_empty(o, budget);
}

struct wst_slice wst_quic_order_next(const struct wst_quic_order *o, uint64_t *pkt)
{
    const struct wst_quic_piece *p = o->pieces ? piece_of(o, 0) : NULL;
    if (!p || p->at > o->next) return (struct wst_slice){NULL, 0};
    *pkt = p->pkt;
    return wst_slice_skip(wst_slice_of(p->bytes, p->n), (size_t)(o->next - p->at));
}

uint64_t wst_quic_order_hole(const struct wst_quic_order *o)
{
    const struct wst_quic_piece *p = o->pieces ? piece_of(o, 0) : NULL;
    return p && p->at > o->next ? p->at - o->next : 0;
}

void wst_quic_order_free(struct wst_quic_order *o, struct wst_budget *budget)
{
    while (o->pieces) piece_drop(o, budget);
    order_empty(o, budget);
}
