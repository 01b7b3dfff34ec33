/* SPDX-License-Identifier: MIT
 *
 * In: connections of which two networks have both SYNs, or of which one begins without. Out: which
 * of them are one, seen twice: by a capture of all interfaces, on the way through a tunnel or a
 * VLAN and before or behind it; or on both sides of a router.
 *
 *      SYN       10.0.0.1 > 10.0.0.2         seq x
 *      SYN       VXLAN 42, the same ends     seq x
 *      SYN ACK   VXLAN 42                    seq y, ack x + 1
 *      SYN ACK   10.0.0.2 > 10.0.0.1         seq y, ack x + 1: another's has both once in 2^64
 *
 * Where the first of a record is no SYN, the other network has the same ends now, and both numbers
 * of the segment lie where that connection is: another's do once in 2^28. So a connection that
 * began before the capture is one, too, also where each of its directions has a network of its own.
 *
 * From then on the segments of both are one's, which so lacks less than each. The record of the
 * other says whose they are, in what it has no use for any more. Refuses two of which both have
 * carried bytes: these were told already.
 */
#include "seldom.h"
#include "table.h"

enum {
    /* Bytes that one network is behind the other, or that are on their way to who acknowledges
     * them: twice what one segment has, where the host puts small ones together. */
    JOINED_NEAR = 1 << 17,
    JOINED_COARSE = 1 /* wst_flow_coarse: the other one was heard of as lately */
};

/* Over, as far as anybody is told; it stands in no line, for it lives on while its original does
 * (expire.c). The place of that, and which connection it was then. */
static void copy_make(struct wst_flow_table *t, struct wst_flow *f, const struct wst_flow *of,
                      const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    f->precious = true;
    wst_flow_close(t, f, WST_TCP_EVICTED, &a);
    f->copy = true;
    f->half[0].next = wst_flow_index(t, of);
    f->half[0].acked = of->stream;
}

const struct wst_flow *wst_flow_original(const struct wst_flow_table *t, const struct wst_flow *f)
{
    if (!f->copy) return f;
    const struct wst_flow *of = wst_flow_at(t, f->half[0].next);
    return of->state != WST_FLOW_FREE && of->stream == f->half[0].acked && !of->copy ? of : f;
}

/* The same connection? `f` has the client's SYN, and `s` is the server's. */
static bool copy_fits(const struct wst_flow_asker *q, const struct wst_flow *f, unsigned side,
                      const struct wst_segment *s)
{
    const struct wst_flow *of = q->flow;
    return of != f && of->hash == q->hash && of->state != WST_FLOW_FREE && !of->copy &&
           (of->half[0].flags & of->half[1].flags & WST_HALF_SYN) &&
           of->rare[!side].isn == f->rare[!side].isn && of->rare[side].isn == s->seq;
}

WST_APART struct wst_flow *wst_flow_copy_found(struct wst_flow_table *t,
                                               const struct wst_flow_asked *asked,
                                               struct wst_flow *f, unsigned side,
                                               const struct wst_segment *s,
                                               const struct wst_when *when)
{
    for (unsigned i = 0; i < asked->n; i++) {
        struct wst_flow *other = asked->by[i].flow;
        if (!copy_fits(&asked->by[i], f, side, s)) continue;
        if (f->state == WST_FLOW_EMBRYONIC) {
            copy_make(t, f, other, when);
            return other;
        }
        if (other->state == WST_FLOW_EMBRYONIC) copy_make(t, other, f, when);
    }
    return f;
}

/* `first`: a number of the side in the first segment of the other network; NULL: its SYN was seen,
 * or none of its. */
static bool joined_is_near(const struct wst_half *h, const uint32_t *first, uint32_t seq)
{
    uint32_t at = first ? *first : h->next;
    if (h->flags & WST_HALF_STARTED)
        at = h->next;
    else if (h->flags & WST_HALF_HINT)
        at = h->acked;
    else if (!first)
        return false;
    int32_t ahead = wst_seq_diff(seq, at);
    return ahead >= -JOINED_NEAR && ahead <= JOINED_NEAR;
}

/* Is `s`, the first of a record, of the connection that another network has? `at`: the numbers with
 * which that began; NULL: with a SYN. */
static bool joined_fits(const struct wst_flow_table *t, const struct wst_flow_asker *q,
                        const uint32_t *at, const struct wst_flow *f, unsigned side,
                        const struct wst_segment *s, const struct wst_when *when)
{
    const struct wst_flow *of = q->flow;
    if (!of || of == f || of->hash != q->hash || of->copy || of->ignored) return false;
    if (of->state != WST_FLOW_EMBRYONIC && of->state != WST_FLOW_OPEN) return false;
    int64_t later = (int64_t)wst_flow_coarse(wst_elapsed_of(&t->time, when->ns)) - of->active;
    return later >= -JOINED_COARSE && later <= JOINED_COARSE &&
           joined_is_near(&of->half[side], at ? &at[side] : NULL, s->seq) &&
           joined_is_near(&of->half[!side], at ? &at[!side] : NULL, s->ack);
}

WST_APART struct wst_flow *wst_flow_copy_joined(struct wst_flow_table *t, struct wst_flow *f,
                                                unsigned side, const struct wst_segment *s,
                                                const struct wst_when *when)
{
    const uint64_t ends = wst_flow_network_ends(t, s, f);
    struct wst_flow_asked *place = wst_flow_network_place(t, s);
    struct wst_flow *of = NULL;
    if (!(s->flags & WST_TCP_FLAG_ACK)) return f;
    for (unsigned i = 0; place->ends == ends && i < place->n && !of; i++)
        if (joined_fits(t, &place->by[i], NULL, f, side, s, when)) of = place->by[i].flow;
    if (place->joined_ends == ends &&
        joined_fits(t, &place->joined, place->joined_at, f, side, s, when))
        of = place->joined.flow;
    if (of) {
        copy_make(t, f, of, when);
        return of;
    }
    place->joined_ends = ends;
    place->joined = (struct wst_flow_asker){.hash = f->hash, .domain = s->domain, .flow = f};
    place->joined_at[side] = s->seq;
    place->joined_at[!side] = s->ack;
    return f;
}

WST_APART struct wst_flow *wst_flow_copy_of(struct wst_flow_table *t, struct wst_flow *f,
                                            unsigned side, const struct wst_segment *s,
                                            const struct wst_when *when)
{
    struct wst_flow *of = wst_flow_at(t, f->half[0].next);
    bool anew = (s->flags & (WST_TCP_FLAG_SYN | WST_TCP_FLAG_ACK)) == WST_TCP_FLAG_SYN &&
                s->seq != f->rare[side].isn;
    if (!anew && wst_flow_original(t, f) == of) {
        f->active = wst_flow_coarse(wst_elapsed_of(&t->time, when->ns));
        return of;
    }
    f->copy = false; /* over: it takes what is late, as any that is closed */
    f->half[0].flags = f->half[1].flags = 0;
    if (!f->lined_up) wst_flow_line_up(t, f);
    return f;
}
