/* SPDX-License-Identifier: MIT
 *
 * In: GRE packets: plain, NVGRE, PPTP's, and mirrored frames (ERSPAN). Out: the packet inside.
 * Refuses versions other than 0 and 1, and payloads without an EtherType it knows.
 */
#include "walk.h"

enum {
    GRE_HEADER = 4,
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGMENT = 0x0080, /* version 1 */
    GRE_VERSION = 0x0007,
    GRE_ROUTE = 4, /* a source route entry's header */
    PPTP_HEADER = 8,
    /* RFC 7637 section 3.2: virtual subnet ids below are reserved. */
    NVGRE_SUBNET_MIN = 0x001000,
};

enum { /* draft-foschiano-erspan-03 */
       ERSPAN_2_HEADER = 8,
       ERSPAN_3_HEADER = 12,
       ERSPAN_3_PLATFORM = 8, /* a sub-header, if the O bit is set */
       ERSPAN_VERSION_2 = 1,
       ERSPAN_VERSION_3 = 2,
       ERSPAN_3_IP = 2, /* frame type; 0 is Ethernet */
};

/* RFC 1701 section "Routing": entries until an empty one of family 0.
 *
 *  | address family 2 | offset 1 | length 1 | routing … */
static bool skip_routes(struct wst_walk *w)
{
    for (;;) {
        if (w->at.n < GRE_ROUTE) return false;
        unsigned family = wst_be16(w->at.p);
        size_t size = GRE_ROUTE + (size_t)w->at.p[3];
        if (size > w->at.n) return false;
        wst_walk_skip(w, size);
        if (family == 0 && size == GRE_ROUTE) return true;
    }
}

/* The mirrored frame's own VLAN, in bits 4 to 15 of either header, is left out of the domain: on
 * a routed port each direction has another. So is the session: two ports of one mirror, or
 * its two directions, may differ in it.
 *
 *  type II:   | 1 4 bits | VLAN 12 | class 3, encapsulation 2, cut 1, session 10 | 0 12, port 20 |
 *  type III:  | 2 4 bits | VLAN 12 | class 3, …, session 10 | time 32 | group 16 |
 *             | P 1 | frame type 5 | hardware 6 | direction 1 | granularity 2 | O 1 | … */
static enum wst_net_result erspan(struct wst_walk *w, size_t header, unsigned version)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < header) return WST_NET_SHORT;
    if (p[0] >> 4 != version) return WST_NET_OTHER;
    bool ip = false;
    if (version == ERSPAN_VERSION_3) {
        ip = (p[10] >> 2 & 31) == ERSPAN_3_IP;
        if (p[11] & 1) header += ERSPAN_3_PLATFORM;
        if (w->at.n < header) return WST_NET_SHORT;
    }
    wst_walk_skip(w, header);
    return ip ? wst_net_inside_ip(w) : wst_net_inside(w, WST_ETHERTYPE_TEB);
}

/* RFC 7637 section 3.2: the key of NVGRE is | virtual subnet 24 bits | flow 8 |, the flow being any
 * number the sender likes; the two ends are one of several each. Whatever cannot be a subnet is a
 * plain key between two addresses. */
static void enter_domain(struct wst_walk *w, unsigned type, uint32_t key)
{
    if (type == WST_ETHERTYPE_TEB && key >> 8 >= NVGRE_SUBNET_MIN)
        wst_net_domain(w, WST_NET_KIND_NVGRE, key >> 8);
    else
        wst_net_domain_pair(w, WST_NET_KIND_GRE, key);
}

static enum wst_net_result payload(struct wst_walk *w, unsigned type, bool sequenced)
{
    switch (type) {
    case WST_ETHERTYPE_PPP:
        if (w->depth == 0) return WST_NET_OTHER;
        w->depth--;
        return wst_net_ppp(w);
    case WST_ETHERTYPE_ERSPAN:
        /* Type I has neither a sequence number nor a header. */
        if (!sequenced) return wst_net_inside(w, WST_ETHERTYPE_TEB);
        return erspan(w, ERSPAN_2_HEADER, ERSPAN_VERSION_2);
    case WST_ETHERTYPE_ERSPAN_3: return erspan(w, ERSPAN_3_HEADER, ERSPAN_VERSION_3);
    default: return type < WST_ETHERTYPE_MIN ? WST_NET_OTHER : wst_net_inside(w, type);
    }
}

/* RFC 2637 section 4.1, behind flags and protocol:
 *
 *  | payload length 2 | call id 2 | sequence number 4, if S | acknowledgment 4, if A | PPP …
 *
 * The call id is the receiver's, so each direction has another. */
static enum wst_net_result pptp(struct wst_walk *w, unsigned flags)
{
    size_t header = PPTP_HEADER;
    if (flags & GRE_SEQUENCE) header += 4;
    if (flags & GRE_ACKNOWLEDGMENT) header += 4;
    if (w->at.n < header) return WST_NET_SHORT;
    size_t length = wst_be16(w->at.p + 4);
    if (wst_be16(w->at.p + 2) != WST_ETHERTYPE_PPP) return WST_NET_OTHER;
    if (!(flags & GRE_SEQUENCE) || length == 0) return WST_NET_OTHER; /* but an acknowledgment */
    wst_net_domain_pair(w, WST_NET_KIND_GRE, 0);
    wst_walk_skip(w, header);
    wst_walk_bound(w, length);
    return payload(w, WST_ETHERTYPE_PPP, true);
}

/* RFC 2784, with key and sequence number of RFC 2890 and the routing of RFC 1701:
 *
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-+-+-+-+-+-----+-+-------+-----+-------------------------------+
 *  |C|R|K|S|s|recur|A| flags |vers.|            protocol           |
 *  +-+-+-+-+-+-----+-+-------+-----+-------------------------------+
 *  |    checksum, if C or R        |       offset, if C or R       |
 *  |                           key, if K                           |
 *  |                     sequence number, if S                     |
 *  |                         routing, if R                         | */
enum wst_net_result wst_net_gre(struct wst_walk *w)
{
    if (w->at.n < GRE_HEADER) return WST_NET_SHORT;
    unsigned flags = wst_be16(w->at.p);
    unsigned type = wst_be16(w->at.p + 2);
    if ((flags & GRE_VERSION) == 1) return pptp(w, flags);
    if ((flags & GRE_VERSION) != 0) return WST_NET_OTHER;

    size_t header = GRE_HEADER;
    if (flags & (GRE_CHECKSUM | GRE_ROUTING)) header += 4;
    size_t key = header;
    if (flags & GRE_KEY) header += 4;
    if (flags & GRE_SEQUENCE) header += 4;
    if (w->at.n < header) return WST_NET_SHORT;
    enter_domain(w, type, flags & GRE_KEY ? wst_be32(w->at.p + key) : 0);
    wst_walk_skip(w, header);
    if ((flags & GRE_ROUTING) && !skip_routes(w)) return WST_NET_SHORT;
    return payload(w, type, flags & GRE_SEQUENCE);
}
