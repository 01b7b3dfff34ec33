/* SPDX-License-Identifier: MIT
 *
 * In: packets from the corridor. Out: the result of the walk through each.
 * Refuses nothing itself: the readers do.
 */
#include "plain.h"

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

uint64_t wst_net_refused(const struct wst_net *net)
{
    return net->fragments.refused;
}

WST_APART enum wst_net_result wst_net_walk(struct wst_net *net, const struct wst_packet *packet,
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
    out->domain = 0;
    net->several.at.n = 0;
    return wst_net_link(&w, packet->link_type);
}

/* What a plain packet holds; WST_NET_SHORT: not so plain after all. */
static inline enum wst_net_result net_take(const struct wst_plain *plain, struct wst_segment *out)
{
    if (plain->protocol == PLAIN_PROTOCOL_TCP && wst_plain_segment(plain, out)) return WST_NET_TCP;
    if (plain->protocol == PLAIN_PROTOCOL_UDP && wst_plain_datagram(plain, out)) return WST_NET_UDP;
    return WST_NET_SHORT;
}

WST_APART static enum wst_net_result
net_less_plain(struct wst_net *net, const struct wst_packet *packet, struct wst_segment *out)
{
    struct wst_plain plain;
    enum wst_net_result result = WST_NET_SHORT;
    if (wst_plain_find(packet, &plain)) result = net_take(&plain, out);
    return result != WST_NET_SHORT ? result : wst_net_walk(net, packet, out);
}

enum wst_net_result wst_net_segment(struct wst_net *net, const struct wst_packet *packet,
                                    struct wst_segment *out)
{
    struct wst_plain plain;
    if (net->fragments.whole) wst_fragments_release(&net->fragments, NULL);
    if (net->verify_checksums) return wst_net_walk(net, packet, out);
    if (!wst_plain_ethernet4(packet, &plain)) return net_less_plain(net, packet, out);
    enum wst_net_result result = net_take(&plain, out);
    return result != WST_NET_SHORT ? result : wst_net_walk(net, packet, out);
}

WST_APART static bool net_glance_less_plain(const struct wst_packet *packet,
                                            struct wst_segment *out)
{
    struct wst_plain plain = {0};
    if (!wst_plain_find(packet, &plain) || plain.protocol != PLAIN_PROTOCOL_TCP) return false;
    wst_plain_glance(&plain, out);
    return true;
}

bool wst_net_glance(const struct wst_packet *packet, struct wst_segment *out)
{
    struct wst_plain plain;
    if (!wst_plain_ethernet4(packet, &plain)) return net_glance_less_plain(packet, out);
    if (plain.protocol != PLAIN_PROTOCOL_TCP) return false;
    wst_plain_glance(&plain, out);
    return true;
}
