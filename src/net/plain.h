/* SPDX-License-Identifier: MIT
 *
 * The plainest packets, and nearly all there are; private to this room. In them everything lies in
 * a known place, so it is taken from there without a walk: the same that the walk would find.
 *
 *      Ethernet, with a VLAN tag or without │ Linux cooked capture │ nothing
 *      IPv4 without options and fragments   │ IPv6 without extension headers
 *      TCP, all of it captured              │ UDP that is no tunnel's
 */
#ifndef WST_NET_PLAIN_H
#define WST_NET_PLAIN_H

#include "walk.h"

enum {
    PLAIN_IPV4 = 20,
    PLAIN_IPV6 = 40,
    PLAIN_TCP = 20, /* at least so much of it is captured, whatever the protocol is */
    PLAIN_UDP = 8,
};
enum { PLAIN_PROTOCOL_TCP = 6, PLAIN_PROTOCOL_UDP = 17 };

struct wst_plain {
    const uint8_t *src; /* the destination lies behind it */
    const uint8_t *transport;
    size_t size;     /* of the transport, its header included, as IP says … */
    size_t captured; /* … and what is there of it */
    uint32_t domain;
    uint16_t id;    /* IPv4's; 0: none */
    uint8_t family; /* 4 or 6 */
    uint8_t protocol;
};

/* RFC 791 section 3.1, drawn in ip.c. */
static inline bool plain_ipv4(struct wst_plain *x, const uint8_t *p, size_t n)
{
    enum { NO_OPTIONS = 0x45, FRAGMENT_BITS = 0x3fff };
    size_t total = wst_be16(p + 2);
    if (p[0] != NO_OPTIONS || (wst_be16(p + 6) & FRAGMENT_BITS) || total < PLAIN_IPV4) return false;
    x->id = wst_be16(p + 4);
    x->family = 4;
    x->protocol = p[9];
    x->src = p + 12;
    x->transport = p + PLAIN_IPV4;
    x->size = total - PLAIN_IPV4;
    x->captured = n - PLAIN_IPV4;
    return true;
}

/* RFC 8200 section 3. A length of 0 says nothing: a jumbogram, or offload. */
static inline bool plain_ipv6(struct wst_plain *x, const uint8_t *p, size_t n)
{
    if (p[0] >> 4 != 6 || n < PLAIN_IPV6 + PLAIN_TCP) return false;
    x->id = 0;
    x->family = 6;
    x->protocol = p[6];
    x->src = p + 8;
    x->transport = p + PLAIN_IPV6;
    x->size = wst_be16(p + 4);
    x->captured = n - PLAIN_IPV6;
    return x->size != 0;
}

/* The EtherType of what lies behind the link header, whose end is put into `at`; 0: not so plain.
 * There are PLAIN_IPV4 + PLAIN_TCP bytes at least. */
static inline unsigned plain_link(const struct wst_packet *packet, size_t *at, uint32_t *domain)
{
    enum { ETHER = 14, TAGGED = ETHER + 4, SLL = 16, SLL2 = 20 };
    const uint8_t *p = packet->data.p;
    unsigned type, id;
    switch (packet->link_type) {
    case WST_LINKTYPE_ETHERNET:
        *at = ETHER;
        type = wst_be16(p + ETHER - 2);
        if (type != WST_ETHERTYPE_CVLAN) return type;
        *at = TAGGED; /* ether.c says what its id means */
        id = wst_be16(p + ETHER) & 0x0fff;
        if (id) *domain = wst_net_domain_of(0, WST_NET_KIND_VLAN, id);
        return wst_be16(p + TAGGED - 2);
    case WST_LINKTYPE_LINUX_SLL: *at = SLL; return wst_be16(p + SLL - 2);
    case WST_LINKTYPE_LINUX_SLL2: *at = SLL2; return wst_be16(p);
    case WST_LINKTYPE_RAW: *at = 0; return p[0] >> 4 == 4 ? WST_ETHERTYPE_IPV4 : WST_ETHERTYPE_IPV6;
    default: return 0;
    }
}

/* The plainest of all. False: any other packet. */
static inline bool wst_plain_ethernet4(const struct wst_packet *packet, struct wst_plain *x)
{
    enum { ETHER = 14 };
    const uint8_t *p = packet->data.p;
    size_t n = packet->data.n;
    x->domain = 0;
    return packet->link_type == WST_LINKTYPE_ETHERNET && n >= ETHER + PLAIN_IPV4 + PLAIN_TCP &&
           wst_be16(p + ETHER - 2) == WST_ETHERTYPE_IPV4 && plain_ipv4(x, p + ETHER, n - ETHER);
}

/* False: the packet is not of these kinds. */
static inline bool wst_plain_find(const struct wst_packet *packet, struct wst_plain *x)
{
    size_t n = packet->data.n, at;
    if (n < PLAIN_IPV4 + PLAIN_TCP) return false;
    x->domain = 0;
    unsigned type = plain_link(packet, &at, &x->domain);
    if (type == WST_ETHERTYPE_IPV4)
        return n - at >= PLAIN_IPV4 + PLAIN_TCP && plain_ipv4(x, packet->data.p + at, n - at);
    return type == WST_ETHERTYPE_IPV6 && plain_ipv6(x, packet->data.p + at, n - at);
}

static inline void plain_ends(const struct wst_plain *x, struct wst_segment *out)
{
    out->src = x->src;
    out->dst = x->src + (x->family == 4 ? 4 : 16);
    out->family = x->family;
    out->domain = x->domain;
    out->src_port = wst_be16(x->transport);
    out->dst_port = wst_be16(x->transport + 2);
}

/* Of TCP: false when it is not all there, or the header says what cannot be. */
static inline bool wst_plain_segment(const struct wst_plain *x, struct wst_segment *out)
{
    size_t header = (size_t)(x->transport[12] >> 4) * 4;
    if (header < PLAIN_TCP || x->size < header || x->captured < x->size) return false;
    plain_ends(x, out);
    out->ip_id = x->id;
    wst_net_take_tcp(out, (struct wst_slice){x->transport, x->size}, header);
    out->payload_len = (uint32_t)out->payload.n;
    return true;
}

/* Of UDP: false when it is a tunnel, is not all there, or its lengths do not agree. */
static inline bool wst_plain_datagram(const struct wst_plain *x, struct wst_segment *out)
{
    const uint8_t *p = x->transport;
    size_t n = wst_be16(p + 4);
    if (n < PLAIN_UDP || n > x->size || n > x->captured ||
        wst_net_udp_tunnels(wst_be16(p), wst_be16(p + 2)))
        return false;
    plain_ends(x, out);
    out->payload = wst_slice_of(p + PLAIN_UDP, n - PLAIN_UDP);
    out->payload_len = (uint32_t)out->payload.n;
    return true;
}

/* Of TCP: its ends, and the length of its payload, whether captured or not. */
static inline void wst_plain_glance(const struct wst_plain *x, struct wst_segment *out)
{
    size_t header = (size_t)(x->transport[12] >> 4) * 4;
    plain_ends(x, out);
    out->payload_len = x->size > header ? (uint32_t)(x->size - header) : 0;
}

#endif
