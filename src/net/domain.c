/* SPDX-License-Identifier: MIT
 *
 * In: the tags, sessions and tunnels a walk passes. Out: one number for the network inside.
 * Refuses what differs between the two directions of one connection (MPLS labels, GTP tunnel
 * endpoints, PPTP call ids, UDP source ports): it would tear the connection in two.
 *
 * Two networks meet in one number once in 2^32; then their flows still differ by addresses,
 * ports and sequence numbers.
 */
#include "walk.h"

void wst_net_domain(struct wst_walk *w, enum wst_net_kind kind, uint32_t id)
{
    w->out->domain = wst_net_domain_of(w->out->domain, kind, id);
}

static void domain_address(struct wst_walk *w, enum wst_net_kind kind, const uint8_t *address,
                           size_t size)
{
    for (size_t i = 0; i < size; i += 4) wst_net_domain(w, kind, wst_be32(address + i));
}

void wst_net_domain_pair(struct wst_walk *w, enum wst_net_kind kind, uint32_t id)
{
    size_t size = w->out->family == 4 ? 4 : 16;
    bool in_order = memcmp(w->out->src, w->out->dst, size) < 0;
    domain_address(w, kind, in_order ? w->out->src : w->out->dst, size);
    domain_address(w, kind, in_order ? w->out->dst : w->out->src, size);
    wst_net_domain(w, kind, id);
}
