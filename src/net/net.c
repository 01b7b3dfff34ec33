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

/*  Ethernet | IPv4, 20 bytes, no fragment | TCP
 *  0    12  14 … 23 protocol, 26 addresses  34 ports …
 *
 * The plainest kind of packet, and nearly all of them. */
enum { TYPE = 12, IP = 14, TCP = 34, TCP_HEADER = 20, PLAIN_IP = 0x45, PROTOCOL_TCP = 6 };

static inline bool is_plain(const struct wst_packet *packet)
{
    enum { ETHERNET = 1 };
    const uint8_t *p = packet->data.p;
    return packet->link_type == ETHERNET && packet->data.n >= TCP + TCP_HEADER &&
           wst_be16(p + TYPE) == WST_ETHERTYPE_IPV4 && p[IP] == PLAIN_IP &&
           p[IP + 9] == PROTOCOL_TCP && !(wst_be16(p + IP + 6) & 0x3fff);
}

static inline void take_addresses(const uint8_t *p, struct wst_segment *out)
{
    out->src = p + IP + 12;
    out->dst = p + IP + 16;
    out->family = 4;
    out->domain = 0;
    out->src_port = wst_be16(p + TCP);
    out->dst_port = wst_be16(p + TCP + 2);
}

/* Such a packet, all of it captured: what the walk would find, without walking. */
static inline bool plain_segment(const struct wst_packet *packet, struct wst_segment *out)
{
    if (!is_plain(packet)) return false;
    const uint8_t *p = packet->data.p;
    size_t total = wst_be16(p + IP + 2), header = (size_t)(p[TCP + 12] >> 4) * 4;
    if (header < TCP_HEADER || total < TCP - IP + header || IP + total > packet->data.n)
        return false;
    take_addresses(p, out);
    wst_net_take_tcp(out, (struct wst_slice){p + TCP, total - (TCP - IP)}, header);
    out->payload_len = (uint32_t)out->payload.n;
    return true;
}

enum wst_net_result wst_net_segment(struct wst_net *net, const struct wst_packet *packet,
                                    struct wst_segment *out)
{
    if (plain_segment(packet, out) && !net->verify_checksums) {
        if (net->fragments.whole) wst_fragments_release(&net->fragments);
        return WST_NET_TCP;
    }
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
    const uint8_t *p = packet->data.p;
    if (!is_plain(packet)) return false;
    take_addresses(p, out);
    int n = wst_be16(p + IP + 2) - (TCP - IP) - (p[TCP + 12] >> 4) * 4;
    out->payload_len = n > 0 ? (uint32_t)n : 0;
    return true;
}
