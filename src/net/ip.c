/* SPDX-License-Identifier: MIT
 *
 * In: IPv4 and IPv6 packets. Out: their payload, behind options and extension headers, fragments
 * put together, IP-in-IP unwrapped.
 * Refuses encrypted payloads (ESP), and headers which are not all there.
 */
#include "walk.h"

enum {
    IPV4_HEADER = 20,
    IPV4_NO_OPTIONS = 0x45,      /* the first byte: version 4, five words of header */
    IPV4_FRAGMENT_BITS = 0x3fff, /* more fragments, offset */
    IPV4_MORE = 0x2000,
    IPV4_OFFSET = 0x1fff, /* in units of 8 bytes */
    IPV4_LOOSE_ROUTE = 0x83,
    IPV4_STRICT_ROUTE = 0x89,
    IPV6_HEADER = 40,
    IPV6_EXTENSION = 8,  /* the least there is, and their unit but for AH */
    IPV6_JUMBO = 0xc2,   /* RFC 2675: option type, 4 bytes of length */
    JUMBO_MAX = 1 << 30, /* see TCP_PAYLOAD_MAX in tcp.c */
    AH_HEADER = 12,
    ETHERIP_HEADER = 2,
};

enum { /* IANA "Assigned Internet Protocol Numbers" */
       PROTOCOL_HOP_BY_HOP = 0,
       PROTOCOL_IPIP = 4, /* RFC 2003 */
       PROTOCOL_TCP = 6,
       PROTOCOL_UDP = 17,
       PROTOCOL_IPV6 = 41, /* RFC 4213 */
       PROTOCOL_ROUTING = 43,
       PROTOCOL_FRAGMENT = 44,
       PROTOCOL_GRE = 47,
       PROTOCOL_AH = 51,
       PROTOCOL_DESTINATION = 60,
       PROTOCOL_ETHERIP = 97, /* RFC 3378 */
       PROTOCOL_MOBILITY = 135,
       PROTOCOL_MPLS = 137, /* RFC 4023 */
       PROTOCOL_HIP = 139,
       PROTOCOL_SHIM6 = 140,
       PROTOCOL_ETHERNET = 143, /* RFC 8986 section 4.9 */
};

uint16_t wst_net_sum(struct wst_slice s, uint32_t sum)
{
    uint64_t wide = sum;
    size_t i = 0;
    for (; i + 2 <= s.n; i += 2) wide += wst_be16(s.p + i);
    if (i < s.n) wide += (uint64_t)s.p[i] << 8;
    while (wide >> 16) wide = (wide & 0xffff) + (wide >> 16);
    return (uint16_t)wide;
}

static void entered(struct wst_walk *w, uint8_t family, uint16_t id, const uint8_t *src,
                    const uint8_t *dst)
{
    w->out->family = family;
    w->out->src = src;
    w->out->dst = dst;
    w->out->ip_id = id;
    w->quirks = 0;
}

/* -- version 4 -- */

/* RFC 791 section 3.1: | type 1 | length 1, of all | … |, but types 0 (end) and 1 (filler). */
WST_SELDOM static void ipv4_options(struct wst_walk *w, size_t header)
{
    struct wst_slice options = wst_slice_skip(wst_slice_head(w->at, header), IPV4_HEADER);
    while (options.n >= 2 && options.p[0] != 0) {
        uint8_t type = options.p[0];
        if (type == IPV4_LOOSE_ROUTE || type == IPV4_STRICT_ROUTE) w->quirks |= WST_NET_ROUTED;
        if (type != 1 && options.p[1] == 0) return;
        options = wst_slice_skip(options, type == 1 ? 1 : options.p[1]);
    }
}

/* A header which is cut or otherwise too long is no matter of its checksum. */
WST_SELDOM static bool ipv4_checksum_holds(struct wst_slice packet)
{
    size_t header = (size_t)(packet.p[0] & 15) * 4;
    return header > packet.n || wst_net_sum(wst_slice_head(packet, header), 0) == 0xffff;
}

WST_SELDOM static enum wst_net_result ipv4_fragment(struct wst_walk *w, const uint8_t *header)
{
    unsigned bits = wst_be16(header + 6);
    struct wst_fragment fragment = {
        .id = wst_be16(header + 4),
        .start = (bits & IPV4_OFFSET) * 8,
        .protocol = header[9],
        .more = bits & IPV4_MORE,
    };
    return wst_net_fragment(w, &fragment);
}

/*   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------+-------+---------------+-------------------------------+
 *  |   4   | words |type of service|         total length          |  0
 *  +-------+-------+---------------+-----+-------------------------+
 *  |         identification        |0 D M|     fragment offset     |  4
 *  +---------------+---------------+-----+-------------------------+
 *  |  time to live |    protocol   |            checksum           |  8
 *  +---------------+---------------+-------------------------------+
 *  |                        source address                         | 12
 *  |                      destination address                      | 16
 *  |  options, until byte 4 * words                                | 20
 *  RFC 791 section 3.1
 *
 * A total length of 0 comes from a host whose network card cuts segments (TSO), captured before it
 * did, or from a packet longer than 65535 bytes within a host (BIG TCP): the packet's end counts.
 */
enum wst_net_result wst_net_ipv4(struct wst_walk *w)
{
    if (w->at.n < IPV4_HEADER) return WST_NET_SHORT;
    if (w->net->verify_checksums && !ipv4_checksum_holds(w->at)) return WST_NET_BAD_CHECKSUM;
    const uint8_t *p = w->at.p;
    size_t header = IPV4_HEADER, total = wst_be16(p + 2);
    entered(w, 4, wst_be16(p + 4), p + 12, p + 16);
    if (p[0] != IPV4_NO_OPTIONS) {
        header = (size_t)(p[0] & 15) * 4;
        if (p[0] >> 4 != 4 || header < IPV4_HEADER || header > w->at.n) return WST_NET_SHORT;
        ipv4_options(w, header);
    }
    if (total == 0) {
        total = w->len;
        w->quirks |= WST_NET_GUESSED;
    }
    if (total < header) return WST_NET_SHORT;
    wst_walk_bound(w, total);
    wst_walk_skip(w, header);
    if (wst_be16(p + 6) & IPV4_FRAGMENT_BITS) return ipv4_fragment(w, p);
    return wst_net_transport(w, p[9]);
}

/* -- version 6 -- */

/* RFC 2675 section 2: the length of the payload in an option of the hop-by-hop header, which then
 * stands first. 0 when there is none.
 *
 *  hop-by-hop:  | next 1 | length 1, in units of 8 bytes, the first not counted | options … |
 *  option:      | type 1 | length 1, of the rest | … |, but type 0 (one byte of padding) */
static size_t jumbo_length(struct wst_slice packet)
{
    if (packet.p[6] != PROTOCOL_HOP_BY_HOP) return 0;
    struct wst_slice options = wst_slice_skip(packet, IPV6_HEADER);
    if (options.n < IPV6_EXTENSION) return 0;
    options = wst_slice_head(options, ((size_t)options.p[1] + 1) * IPV6_EXTENSION);
    options = wst_slice_skip(options, 2);
    while (options.n >= 2) {
        if (options.p[0] == IPV6_JUMBO && options.p[1] == 4 && options.n >= 6) {
            uint32_t length = wst_be32(options.p + 2);
            return length <= JUMBO_MAX ? length : 0;
        }
        options = wst_slice_skip(options, options.p[0] == 0 ? 1 : 2 + (size_t)options.p[1]);
    }
    return 0;
}

/*   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------+---------------+---------------------------------------+
 *  |   6   | traffic class |              flow label               |  0
 *  +-------+---------------+-------+---------------+---------------+
 *  |         payload length        |  next header  |   hop limit   |  4
 *  +-------------------------------+---------------+---------------+
 *  |                    source address, 16 bytes                   |  8
 *  |                 destination address, 16 bytes                 | 24
 *  RFC 8200 section 3
 *
 * A payload length of 0 belongs to a jumbogram; without its option, to offload as in IPv4. */
enum wst_net_result wst_net_ipv6(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < IPV6_HEADER || p[0] >> 4 != 6) return WST_NET_SHORT;
    size_t length = wst_be16(p + 4);
    entered(w, 6, 0, p + 8, p + 24);
    if (length == 0) length = jumbo_length(w->at);
    if (length == 0) {
        length = w->len - IPV6_HEADER;
        w->quirks |= WST_NET_GUESSED;
    }
    wst_walk_bound(w, IPV6_HEADER + length);
    wst_walk_skip(w, IPV6_HEADER);
    return wst_net_transport(w, p[6]);
}

enum wst_net_result wst_net_ip(struct wst_walk *w)
{
    if (w->at.n == 0) return WST_NET_SHORT;
    if (w->at.p[0] >> 4 == 4) return wst_net_ipv4(w);
    return w->at.p[0] >> 4 == 6 ? wst_net_ipv6(w) : WST_NET_OTHER;
}

enum wst_net_result wst_net_inside_ip(struct wst_walk *w)
{
    if (w->depth == 0) return WST_NET_OTHER;
    w->depth--;
    return wst_net_ip(w);
}

/* RFC 8200 section 4.5, behind the length byte which is reserved here:
 *
 *  | next header 8 | reserved 8 | offset 13 bits, in units of 8 bytes | 0 0 | more 1 | id 32 |
 *
 * One with neither offset nor more is no fragment at all (RFC 6946): the walk goes on. */
static enum wst_net_result ipv6_fragment(struct wst_walk *w, const uint8_t *header)
{
    /* One fragment header is all a packet may have; more would fold a packet endlessly. */
    if (w->quirks & WST_NET_JOINED) return WST_NET_SHORT;
    unsigned bits = wst_be16(header + 2);
    struct wst_fragment fragment = {
        .id = wst_be32(header + 4),
        .start = bits & 0xfff8,
        .protocol = header[0],
        .more = bits & 1,
    };
    return wst_net_fragment(w, &fragment);
}

/* Steps over an extension header of version 6:
 *
 *  | next header 1 | length 1, in units of 8 bytes, the first not counted | …
 *  routing, RFC 8200 section 4.4:  … | type 1 | segments left 1 | … */
static bool extension(struct wst_walk *w, unsigned *protocol)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < IPV6_EXTENSION) return false;
    size_t size = ((size_t)p[1] + 1) * IPV6_EXTENSION;
    if (size > w->at.n) return false;
    if (*protocol == PROTOCOL_ROUTING && p[3] != 0) w->quirks |= WST_NET_ROUTED;
    *protocol = p[0];
    wst_walk_skip(w, size);
    return true;
}

/* RFC 4302 section 2: | next header 1 | length 1, in units of 4 bytes, two not counted | … */
static bool authentication(struct wst_walk *w, unsigned *protocol)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < AH_HEADER) return false;
    size_t size = ((size_t)p[1] + 2) * 4;
    if (size < AH_HEADER || size > w->at.n) return false;
    *protocol = p[0];
    wst_walk_skip(w, size);
    return true;
}

/* -- what IP carries -- */

/* RFC 3378 section 3: | version 4 bits, is 3 | 0 12 bits | Ethernet … */
static enum wst_net_result etherip(struct wst_walk *w)
{
    if (w->at.n < ETHERIP_HEADER) return WST_NET_SHORT;
    if (wst_be16(w->at.p) != 0x3000) return WST_NET_OTHER;
    wst_net_domain_pair(w, WST_NET_KIND_ETHERIP, 0);
    wst_walk_skip(w, ETHERIP_HEADER);
    return wst_net_inside(w, WST_ETHERTYPE_TEB);
}

/* Segment routing sends each direction through addresses of its own: behind a routing header the
 * pair of addresses names no tunnel. */
static enum wst_net_result tunnel(struct wst_walk *w, enum wst_net_kind kind, unsigned ethertype)
{
    if (!(w->quirks & WST_NET_ROUTED)) wst_net_domain_pair(w, kind, 0);
    return wst_net_inside(w, ethertype);
}

enum wst_net_result wst_net_transport(struct wst_walk *w, unsigned protocol)
{
    if (protocol == PROTOCOL_TCP) return wst_net_tcp(w);
    for (;;) {
        switch (protocol) {
        case PROTOCOL_TCP: return wst_net_tcp(w);
        case PROTOCOL_UDP: return wst_net_udp(w);
        case PROTOCOL_GRE: return wst_net_gre(w);
        case PROTOCOL_IPIP: return tunnel(w, WST_NET_KIND_IPIP, WST_ETHERTYPE_IPV4);
        case PROTOCOL_IPV6: return tunnel(w, WST_NET_KIND_IPIP, WST_ETHERTYPE_IPV6);
        case PROTOCOL_MPLS: return tunnel(w, WST_NET_KIND_MPLS_IP, WST_ETHERTYPE_MPLS);
        case PROTOCOL_ETHERIP: return etherip(w);
        case PROTOCOL_ETHERNET: return wst_net_inside(w, WST_ETHERTYPE_TEB); /* as in tunnel() */
        case PROTOCOL_AH:
            if (!authentication(w, &protocol)) return WST_NET_SHORT;
            continue;
        default: break;
        }
        if (w->out->family != 6) return WST_NET_OTHER;
        const uint8_t *p = w->at.p;
        switch (protocol) {
        case PROTOCOL_HOP_BY_HOP:
        case PROTOCOL_ROUTING:
        case PROTOCOL_DESTINATION:
        case PROTOCOL_MOBILITY:
        case PROTOCOL_HIP:
        case PROTOCOL_SHIM6:
            if (!extension(w, &protocol)) return WST_NET_SHORT;
            continue;
        case PROTOCOL_FRAGMENT:
            if (w->at.n < IPV6_EXTENSION) return WST_NET_SHORT;
            wst_walk_skip(w, IPV6_EXTENSION);
            if ((wst_be16(p + 2) & 0xfff9) != 0) return ipv6_fragment(w, p);
            protocol = p[0];
            continue;
        default: return WST_NET_OTHER; /* ESP and "no next header" among them */
        }
    }
}
