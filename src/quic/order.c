/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <stdlib.h>

struct wst_quic_piece {
    struct wst_quic_piece *next;
    uint64_t at, pkt;
    size_t n;
    uint8_t bytes[];
};

static uint64_t piece_end(const struct wst_quic_piece *p)
{
    return p->at + p->n;
}

/* Of [at, at + n), behind `before`, a copy; `before` NULL: at the front. */
static bool piece_put(struct wst_quic_order *o, struct wst_budget *budget,
                      struct wst_quic_piece *before, uint64_t at, struct wst_slice s, uint64_t pkt)
{
    struct wst_quic_piece *p = wst_budget_new(budget, sizeof *p + s.n);
    if (!p) return false;
    p->at = at;
    p->pkt = pkt;
    p->n = s.n;
    memcpy(p->bytes, s.p, s.n);
    struct wst_quic_piece **link = before ? &before->next : &o->first;
    p->next = *link;
    *link = p;
    if (!p->next) o->last = p;
    o->kept += s.n;
    o->pieces++;
    return true;
}

static void piece_drop(struct wst_quic_order *o, struct wst_budget *budget)
{
    struct wst_quic_piece *p = o->first;
    o->first = p->next;
    if (!o->first) o->last = NULL;
    o->kept -= p->n;
    o->pieces--;
    wst_budget_give(budget, sizeof *p + p->n);
    free(p);
}

/* Keeps what of the bytes is not kept yet: what came first stays. */
static bool order_keep(struct wst_quic_order *o, struct wst_budget *budget, uint64_t at,
                       struct wst_slice s, uint64_t pkt, const struct wst_quic_caps *caps)
{
    struct wst_quic_piece *before = NULL, *next = o->first;
    if (o->last && at >= o->last->at) { /* most come behind all others */
        before = o->last;
        next = NULL;
    }
    while (s.n) {
        while (next && next->at <= at) {
            before = next;
            next = next->next;
        }
        if (before && piece_end(before) > at) {
            uint64_t skip = piece_end(before) - at;
            if (skip >= s.n) return true;
            at += skip;
            s = wst_slice_skip(s, (size_t)skip);
            continue;
        }
        struct wst_slice part = s;
        if (next && next->at - at < s.n) part.n = (size_t)(next->at - at);
        if (o->kept + part.n > caps->bytes || o->pieces >= caps->pieces ||
            !piece_put(o, budget, before, at, part, pkt))
            return false;
        at += part.n;
        s = wst_slice_skip(s, part.n);
        before = before ? before->next : o->first;
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
    if (o->first && o->first->at - at < s.n) s.n = (size_t)(o->first->at - at);
    *now = s;
    return true;
}

void wst_quic_order_pass(struct wst_quic_order *o, struct wst_budget *budget, uint64_t n)
{
    o->next += n;
    while (o->first && piece_end(o->first) <= o->next) piece_drop(o, budget);
}

struct wst_slice wst_quic_order_next(const struct wst_quic_order *o, uint64_t *pkt)
{
    const struct wst_quic_piece *p = o->first;
    if (!p || p->at > o->next) return (struct wst_slice){NULL, 0};
    *pkt = p->pkt;
    return wst_slice_skip(wst_slice_of(p->bytes, p->n), (size_t)(o->next - p->at));
}

uint64_t wst_quic_order_hole(const struct wst_quic_order *o)
{
    return o->first && o->first->at > o->next ? o->first->at - o->next : 0;
}

void wst_quic_order_free(struct wst_quic_order *o, struct wst_budget *budget)
{
    while (o->first) piece_drop(o, budget);
}
