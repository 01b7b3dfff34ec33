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

/*  Ethernet | IPv4, 20 bytes, no fragment | TCP or UDP
 *  0    12  14 … 23 protocol, 26 addresses  34 ports …
 *
 * The plainest kinds of packet, and nearly all of them. */
enum { TYPE = 12, IP = 14, TCP = 34, UDP = TCP, TCP_HEADER = 20, UDP_HEADER = 8, PLAIN_IP = 0x45 };
enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };

/* The protocol of such a packet, whatever it is; 0: any other. */
static inline unsigned plain_protocol(const struct wst_packet *packet)
{
    enum { ETHERNET = 1 };
    static const uint8_t plain[] = {WST_ETHERTYPE_IPV4 >> 8, WST_ETHERTYPE_IPV4 & 0xff, PLAIN_IP};
    const uint8_t *p = packet->data.p;
    if (packet->link_type != ETHERNET || packet->data.n < TCP + TCP_HEADER ||
        memcmp(p + TYPE, plain, sizeof plain) != 0 || (wst_be16(p + IP + 6) & 0x3fff))
        return 0;
    return p[IP + 9];
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

/* A segment, all of it captured: what the walk would find, without walking. */
static inline bool plain_segment(const struct wst_packet *packet, struct wst_segment *out)
{
    const uint8_t *p = packet->data.p;
    size_t total = wst_be16(p + IP + 2), header = (size_t)(p[TCP + 12] >> 4) * 4;
    if (header < TCP_HEADER || total < TCP - IP + header || IP + total > packet->data.n)
        return false;
    take_addresses(p, out);
    wst_net_take_tcp(out, (struct wst_slice){p + TCP, total - (TCP - IP)}, header);
    out->payload_len = (uint32_t)out->payload.n;
    return true;
}

/* The same of a datagram in which there is nothing for this room. */
static inline bool plain_datagram(const uint8_t *p)
{
    return wst_be16(p + IP + 2) >= UDP - IP + UDP_HEADER && wst_be16(p + UDP + 4) >= UDP_HEADER &&
           !wst_net_udp_tunnels(wst_be16(p + UDP), wst_be16(p + UDP + 2));
}

WST_APART static enum wst_net_result net_walk(struct wst_net *net, const struct wst_packet *packet,
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
    return wst_net_link(&w, packet->link_type);
}

enum wst_net_result wst_net_segment(struct wst_net *net, const struct wst_packet *packet,
                                    struct wst_segment *out)
{
    unsigned protocol = plain_protocol(packet);
    if (net->fragments.whole) wst_fragments_release(&net->fragments);
    if (!net->verify_checksums) {
        if (protocol == PROTOCOL_TCP && plain_segment(packet, out)) return WST_NET_TCP;
        if (protocol == PROTOCOL_UDP && plain_datagram(packet->data.p)) return WST_NET_OTHER;
    }
    return net_walk(net, packet, out);
}

bool wst_net_glance(const struct wst_packet *packet, struct wst_segment *out)
{
    const uint8_t *p = packet->data.p;
    if (plain_protocol(packet) != PROTOCOL_TCP) return false;
    take_addresses(p, out);
    int n = wst_be16(p + IP + 2) - (TCP - IP) - (p[TCP + 12] >> 4) * 4;
    out->payload_len = n > 0 ? (uint32_t)n : 0;
    return true;
}
