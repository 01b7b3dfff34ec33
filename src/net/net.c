/* SPDX-License-Identifier: MIT
 *
 * In: packets from the corridor. Out: the result of the walk through each.
 * Refuses nothing itself: the readers do.
 */
#include "net.h"
#include "walk.h"
#include <stdlib.h>

enum {
    /* Readers call one another: this keeps the stack below some 50 KiB whatever the limit says. */
    TUNNEL_DEPTH_MAX = 64,
};

struct wst_net *wst_net_new(const struct wst_options *options)
{
    struct wst_net *net = calloc(1, sizeof *net);
    if (!net) return NULL;
    wst_fragments_init(&net->fragments, options);
    net->verify_checksums = options->verify_checksums;
    net->tunnel_depth = options->limits.tunnel_depth;
    if (net->tunnel_depth > TUNNEL_DEPTH_MAX) net->tunnel_depth = TUNNEL_DEPTH_MAX;
    return net;
}

void wst_net_free(struct wst_net *net)
{
    if (!net) return;
    wst_fragments_clear(&net->fragments);
    free(net);
}

size_t wst_net_memory(const struct wst_net *net)
{
    return net->fragments.memory;
}

enum wst_net_result wst_net_segment(struct wst_net *net, const struct wst_packet *packet,
                                    struct wst_segment *out)
{
    struct wst_walk w = {
        .at = packet->data,
        /* A file may lie and call the packet shorter than what it holds of it. */
        .len = packet->wire_len > packet->data.n ? packet->wire_len : packet->data.n,
        .net = net,
        .out = out,
        .now = packet->when.ns,
        .depth = net->tunnel_depth,
    };
    if (net->fragments.whole) wst_fragments_release(&net->fragments);
    out->domain = 0;
    return wst_net_link(&w, packet->link_type);
}

bool wst_net_glance(const struct wst_packet *packet, struct wst_segment *out)
{
    enum { ETHERNET = 1, TYPE = 12, IP = 14, TCP = 34, PLAIN = 0x45, PROTOCOL_TCP = 6 };
    const uint8_t *p = packet->data.p;
    if (packet->link_type != ETHERNET || packet->data.n < TCP + 4) return false;
    if (wst_be16(p + TYPE) != WST_ETHERTYPE_IPV4 || p[IP] != PLAIN || p[IP + 9] != PROTOCOL_TCP)
        return false;
    if (wst_be16(p + IP + 6) & 0x3fff) return false; /* a fragment */
    *out = (struct wst_segment){.src = p + IP + 12,
                                .dst = p + IP + 16,
                                .family = 4,
                                .src_port = wst_be16(p + TCP),
                                .dst_port = wst_be16(p + TCP + 2)};
    return true;
}
