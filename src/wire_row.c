/* SPDX-License-Identifier: MIT */
#include "wire_row.h"

#include <stdlib.h>

#include "array.h"

static void piece_let_go(struct wst_wire_row *s, struct wst_budget *budget,
                         struct wst_wire_piece *p)
{
    if (!p->bytes) return;
    wst_budget_piece_free(budget, p->bytes, p->n);
    s->kept -= p->n;
    p->bytes = NULL;
}

void wst_wire_row_trim(struct wst_wire_row *s, struct wst_budget *budget, uint64_t place)
{
    while (s->n && s->pieces[s->first].at + s->pieces[s->first].n <= place) {
        piece_let_go(s, budget, &s->pieces[s->first++]);
        s->n--;
    }
    if (!s->n) s->first = 0;
    if (s->unlisted <= place) s->unlisted = 0;
}

static bool row_grow(struct wst_wire_row *s, struct wst_budget *budget)
{
    void *pieces = wst_array_double_paid(budget, s->pieces, &s->room, sizeof *s->pieces, 8);
    if (pieces) s->pieces = pieces;
    return pieces;
}

/* It moves down when it leaves more room before it than it takes, so that no piece is moved twice
 * before as many were added; sooner only for want of memory. */
static bool row_room(struct wst_wire_row *s, struct wst_budget *budget)
{
    if (s->n == WST_WIRE_PIECES) return false;
    if (s->first + s->n < s->room) return true;
    if (s->first <= s->n && row_grow(s, budget)) return true;
    if (!s->first) return false;
    memmove(s->pieces, s->pieces + s->first, s->n * sizeof *s->pieces);
    s->first = 0;
    return true;
}

/* The newest piece is always kept, for in it the next frame begins; what gives way to it is the
 * piece before: a frame keeps its front. */
void wst_wire_row_add(struct wst_wire_row *s, struct wst_budget *budget, struct wst_slice bytes,
                      uint32_t seq, uint64_t pkt, size_t max)
{
    struct wst_wire_piece p = {s->end, pkt, NULL, seq, (uint32_t)bytes.n};
    s->end += bytes.n;
    if (!row_room(s, budget)) {
        if (!s->n) {
            s->unlisted = s->end;
            return;
        }
        piece_let_go(s, budget, &s->pieces[s->first + --s->n]);
        s->unlisted = p.at;
    } else if (s->n && s->kept + bytes.n > max) {
        piece_let_go(s, budget, &s->pieces[s->first + s->n - 1]);
    }
    p.bytes = wst_budget_piece(budget, bytes.n);
    if (p.bytes) {
        memcpy(p.bytes, bytes.p, bytes.n);
        s->kept += bytes.n;
    }
    s->pieces[s->first + s->n++] = p;
}

size_t wst_wire_row_find(const struct wst_wire_row *s, uint64_t place)
{
    size_t lo = s->first, hi = s->first + s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->pieces[mid].at + s->pieces[mid].n <= place)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo - s->first;
}

void wst_wire_row_free(struct wst_wire_row *s, struct wst_budget *budget)
{
    wst_wire_row_trim(s, budget, UINT64_MAX);
    wst_budget_give(budget, s->room * sizeof *s->pieces);
    free(s->pieces);
}
