/* SPDX-License-Identifier: MIT
 *
 * In: the networks (domains) of the two SYNs of a connection. Out: which networks are one. A mirror
 * port may tag what its host receives and not what it sends, or both, each with another VLAN:
 *
 *      SYN       VLAN 100   client > server    seq x
 *      SYN ACK   no tag     server > client    ack x + 1     its SYN was sent in no network but 100
 *
 * The number is proof enough: another's SYN ACK, between the same ports, has it once in 2^32.
 * Refuses to join two networks in which connections are complete: there the same packets are seen
 * before and behind a router, and a SYN is missing.
 */
#include <string.h>

#include "seldom.h"
#include "table.h"

/* NULL: not known, and none free when `add`. */
static struct wst_flow_network *network_find(struct wst_flow_table *t, uint32_t domain, bool add)
{
    struct wst_flow_networks *n = &t->networks;
    for (uint32_t i = 0; i < n->n; i++)
        if (n->at[i].domain == domain) return &n->at[i];
    if (!add || n->n == NETWORKS_MAX) return NULL;
    n->at[n->n] = (struct wst_flow_network){.domain = domain, .as = domain};
    return &n->at[n->n++];
}

WST_APART uint32_t wst_flow_network_as(struct wst_flow_table *t, uint32_t domain)
{
    const struct wst_flow_network *n = network_find(t, domain, false);
    return n ? n->as : domain;
}

static bool network_whole(struct wst_flow_table *t, uint32_t domain)
{
    const struct wst_flow_network *n = network_find(t, domain, false);
    return domain ? n && n->whole : t->networks.plain;
}

static void network_is_whole(struct wst_flow_table *t, uint32_t domain)
{
    if (!domain) {
        t->networks.plain = true;
        return;
    }
    struct wst_flow_network *n = network_find(t, domain, true);
    if (n) n->whole = true;
}

/* What is told of `domain` is `as`'s from here on. False: too many. */
static bool network_join(struct wst_flow_table *t, uint32_t domain, uint32_t as)
{
    struct wst_flow_networks *n = &t->networks;
    if (!network_find(t, domain, true)) return false;
    for (uint32_t i = 0; i < n->n; i++)
        if (n->at[i].as == domain) n->at[i].as = as;
    network_is_whole(t, as);
    return n->joined = true;
}

static uint64_t network_hash(struct wst_flow_table *t, const struct wst_segment *s, uint32_t domain)
{
    struct wst_segment there = *s;
    unsigned side;
    there.domain = domain;
    return wst_flow_recall(t, &there, &side)->hash;
}

/* Where what was asked between these ends is noted, whichever of them sends. Not by their hash,
 * whose seed is another at each run: chance would say which of two that meet there is forgotten. */
struct wst_flow_asked *wst_flow_network_place(struct wst_flow_table *t, const struct wst_segment *s)
{
    uint32_t ends = wst_be32(s->src) ^ wst_be32(s->dst) ^ (uint32_t)s->src_port << 8 ^
                    (uint32_t)s->dst_port << 8;
    return &t->networks.asked[(ends * 0x9e3779b1u) >> 16 & (NETWORKS_ASKED - 1)];
}

uint64_t wst_flow_network_ends(struct wst_flow_table *t, const struct wst_segment *s,
                               const struct wst_flow *f)
{
    return s->domain ? network_hash(t, s, 0) : f->hash;
}

WST_APART void wst_flow_network_asked(struct wst_flow_table *t, const struct wst_segment *s,
                                      struct wst_flow *f)
{
    uint64_t ends = wst_flow_network_ends(t, s, f);
    struct wst_flow_asked *q = wst_flow_network_place(t, s);
    unsigned n = 0;
    if (q->ends != ends) q->n = 0;
    q->ends = ends;
    if (q->n) {
        while (n < q->n && n < NETWORKS_ONE - 1 && q->by[n].flow != f) n++;
        t->networks.several |= n > 0;
        memmove(q->by + 1, q->by, n * sizeof *q->by);
    }
    q->by[0] = (struct wst_flow_asker){.hash = f->hash, .domain = s->domain, .flow = f};
    if (q->n <= n) q->n = n + 1;
}

/* Its SYN was seen, and no other packet of the server; `s` answers it. */
static bool asked_fits(const struct wst_flow_asker *q, unsigned side, const struct wst_segment *s)
{
    const struct wst_flow *f = q->flow;
    return f->hash == q->hash && f->state != WST_FLOW_FREE && f->state != WST_FLOW_CLOSED &&
           f->heard == 1u << !side && wst_flow_answers(f, side, s);
}

/* Who asked for it. Where the SYN was seen without a tag, too, who answers with one answers one. */
static struct wst_flow_asker *asked_by(struct wst_flow_asked *asked, unsigned side,
                                       const struct wst_segment *s)
{
    struct wst_flow_asker *best = NULL;
    for (unsigned i = 0; i < asked->n; i++) {
        struct wst_flow_asker *q = &asked->by[i];
        if (asked_fits(q, side, s) && (!best || (!best->domain && q->domain))) best = q;
    }
    return best;
}

/* The SYN that `q` sent in its network is answered in another. False: these are two. */
static bool network_answered(struct wst_flow_table *t, struct wst_flow_asker *q,
                             const struct wst_segment *s, const struct wst_when *when)
{
    uint32_t from = wst_flow_network_as(t, q->domain), to = s->domain;
    if (from != to) {
        bool whole = network_whole(t, to);
        if (whole && network_whole(t, from)) return false;
        if (!network_join(t, whole ? from : to, whole ? to : from)) return false;
        if (!whole) to = from;
    }
    uint64_t hash = network_hash(t, s, to);
    if (hash != q->flow->hash) wst_flow_move(t, q->flow, hash, when);
    q->hash = hash;
    return true;
}

WST_APART struct wst_flow *wst_flow_network_answer(struct wst_flow_table *t, struct wst_flow *f,
                                                   unsigned side, const struct wst_segment *s,
                                                   const struct wst_when *when)
{
    bool known = f && (f->half[!side].flags & WST_HALF_SYN),
         answers = known && wst_flow_answers(f, side, s);
    if (answers) network_is_whole(t, s->domain);
    if (known && !(answers && t->networks.several)) return f;
    struct wst_flow_asked *asked = wst_flow_network_place(t, s);
    if (!asked->n || asked->ends != network_hash(t, s, 0)) return f;
    if (known) return wst_flow_copy_found(t, asked, f, side, s, when);
    struct wst_flow_asker *q = asked_by(asked, side, s);
    if (!q || !network_answered(t, q, s, when)) return f;
    return t->networks.several ? wst_flow_copy_found(t, asked, q->flow, side, s, when) : q->flow;
}
