/* SPDX-License-Identifier: MIT
 *
 * In: datagrams that are no known connection's. Out: between how many pairs of addresses they look
 * like QUIC whose first packets were not captured: what no secret opens (pickup.c) the user should
 * know of. The first byte tells: its first bit is not set, its second is (RFC 9000 section 17.3)
 * unless it may be anything (RFC 9287), and its last five are under a mask, so that in a few
 * packets each of them is seen both ways.
 */
#include <stdlib.h>

#include "connection.h"

enum {
    PLACES = 1024,
    ENOUGH = 32,  /* packets that look like it; before, another pair may take the place */
    MASKED = 0x1f /* of the first byte */
};

struct quic_stranger {
    uint64_t hash;
    uint32_t n;            /* packets, ENOUGH at most */
    uint8_t first, varies; /* bits of the first bytes: the first one's; those that changed */
    bool other;            /* it is no QUIC */
    bool certain;          /* it is: a long header of a known version */
};

static struct quic_stranger *place_of(struct wst_quic *q, uint64_t hash)
{
    if (!q->strangers) q->strangers = wst_budget_new(q->budget, PLACES * sizeof *q->strangers);
    return q->strangers ? &q->strangers[hash % PLACES] : NULL;
}

/* Whether it is counted. */
static bool is_counted(const struct quic_stranger *p)
{
    return p->certain || (p->n >= ENOUGH && !p->other && (p->varies & MASKED) == MASKED);
}

/* The first is told at once: who listens to an interface will not see the end soon. */
static void stranger_tell(struct wst_quic *q, const struct wst_segment *s,
                          const struct wst_arrival *a)
{
    struct wst_quic_ends ends = wst_quic_ends_of(s);
    if (q->stranger_told) return;
    q->stranger_told = true;
    q->sink.problem(q->sink.user, NULL, &ends, WST_PROBLEM_QUIC_UNREAD, WST_DIR_NONE,
                    "UDP that looks like QUIC whose beginning is not in the capture, and no secret "
                    "that is known opens it",
                    a);
}

bool wst_quic_stranger(struct wst_quic *q, const struct wst_segment *s, bool certain,
                       const struct wst_arrival *a)
{
    enum { SHORTEST = 21 };
    uint64_t hash = wst_quic_pair(q, s);
    struct quic_stranger *p = place_of(q, hash);
    if (!p || !s->payload.n) return false;
    uint8_t first = s->payload.p[0];
    if (p->hash != hash) {
        if (is_counted(p)) return true;
        *p = (struct quic_stranger){.hash = hash, .first = first};
    }
    bool counted = is_counted(p), is_long = first & WST_QUIC_LONG;
    p->certain |= is_long && certain;
    p->other |= !counted && (is_long || s->payload_len < SHORTEST); /* else it would count twice */
    p->varies |= first ^ p->first;
    if (p->n < ENOUGH) p->n++;
    if (is_counted(p) && !counted) q->strangers_n++;
    if (is_counted(p) && p->n >= ENOUGH) stranger_tell(q, s, a);
    return p->certain || !p->other;
}

void wst_quic_stranger_known(struct wst_quic *q, const struct wst_segment *s)
{
    uint64_t hash = wst_quic_pair(q, s);
    struct quic_stranger *p = q->strangers ? place_of(q, hash) : NULL;
    if (!p || p->hash != hash) return;
    if (is_counted(p) && p->n < ENOUGH) q->strangers_n--;
    *p = (struct quic_stranger){0};
}

void wst_quic_cut(struct wst_quic *q)
{
    q->cut = q->stranger_told = true;
}

uint64_t wst_quic_strangers(const struct wst_quic *q)
{
    if (q->cut) return 0;
    return q->strangers_n - (q->stranger_told && q->strangers_n ? 1 : 0);
}

void wst_quic_strangers_free(struct wst_quic *q)
{
    if (!q->strangers) return;
    wst_budget_give(q->budget, PLACES * sizeof *q->strangers);
    free(q->strangers);
    q->strangers = NULL;
}
