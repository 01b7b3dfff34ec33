/* SPDX-License-Identifier: MIT
 *
 * In: UDP packets. Out: the packet inside, when the port is a tunnel's and the tunnel header is
 * plausible down to its reserved bits; else the datagram. A port number alone proves nothing.
 */
#include "walk.h"

enum { /* IANA "Service Name and Transport Protocol Port Number Registry" */
       PORT_L2TP = 1701,
       PORT_GTP_U = 2152,
       PORT_TEREDO = 3544,
       PORT_LISP = 4341,
       PORT_VXLAN = 4789,
       PORT_VXLAN_GPE = 4790,
       PORT_CAPWAP = 5247,
       PORT_GENEVE = 6081,
       PORT_MPLS = 6635,
       PORT_VXLAN_LINUX = 8472, /* Linux' default, from before the registration */
       PORT_TZSP = 37008,       /* what routers use; nobody registered it */
};

enum {
    UDP_HEADER = 8,
    VXLAN_HEADER = 8,
    VXLAN_I = 0x08,      /* the network identifier is valid */
    VXLAN_G = 0x80,      /* group policy, draft-smith-vxlan-group-policy */
    VXLAN_G_BITS = 0x48, /* its second byte: do not learn, policy applied */
    GPE_VERSION = 0x30,
    GPE_P = 0x04, /* next protocol is valid */
    GPE_O = 0x01, /* maintenance, no data */
    GPE_RESERVED = 0xc0,
    GENEVE_HEADER = 8,
    GENEVE_O = 0x80, /* control, no data */
    GENEVE_RESERVED = 0x3f,
    GTP_HEADER = 8,
    GTP_OPTIONAL = 4,   /* sequence number, N-PDU number, next extension */
    GTP_V1_USER = 0x30, /* version 1, protocol type GTP */
    GTP_V1_MASK = 0xf8, /* these and the reserved bit */
    GTP_E = 0x04,       /* an extension header follows */
    GTP_E_S_PN = 0x07,
    GTP_G_PDU = 255,
    TEREDO_AUTHENTICATION = 0x0001,
    TEREDO_ORIGIN = 0x0000,
    IPV6_HEADER = 40,
    TOLD_BY = 9,       /* bytes that tell TZSP, L2TP, … from what others send to their ports */
    L2TP_HEADER = 6,   /* flags, tunnel, session */
    L2TP_L = 0x4000,   /* a length is there … */
    L2TP_S = 0x0800,   /* … sequence numbers … */
    L2TP_O = 0x0200,   /* … an offset */
    L2TP_FIX = 0xb4ff, /* all the others, but for P, priority … */
    L2TP_V2 = 2,       /* … say: data, version 2 */
};

/* RFC 7348 section 5:
 *
 *  | flags 8, is 0000 1000 | reserved 24 | network identifier 24 | reserved 8 | Ethernet … */
static enum wst_net_result vxlan(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < VXLAN_HEADER) return WST_NET_SHORT;
    bool policy = p[0] & VXLAN_G;
    if ((p[0] & ~VXLAN_G) != VXLAN_I || p[7] != 0) return WST_NET_OTHER;
    if (policy ? p[1] & ~VXLAN_G_BITS : p[1] | p[2] | p[3]) return WST_NET_OTHER;
    wst_net_domain(w, WST_NET_KIND_VXLAN, wst_be32(p + 4) >> 8);
    wst_walk_skip(w, VXLAN_HEADER);
    return wst_net_inside(w, WST_ETHERTYPE_TEB);
}

/* draft-ietf-nvo3-vxlan-gpe-13 section 3:
 *
 *  | 0 0 ver. ver. I P B O | reserved 16 | next protocol 8 | network identifier 24 | reserved 8 */
static enum wst_net_result vxlan_gpe(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < VXLAN_HEADER) return WST_NET_SHORT;
    if (p[0] & (GPE_RESERVED | GPE_VERSION | GPE_O) || !(p[0] & VXLAN_I)) return WST_NET_OTHER;
    if (p[1] | p[2] | p[7]) return WST_NET_OTHER;
    unsigned type = WST_ETHERTYPE_TEB;
    if (p[0] & GPE_P) type = wst_net_next_protocol(p[3]);
    if (type == 0) return WST_NET_OTHER;
    wst_net_domain(w, WST_NET_KIND_VXLAN, wst_be32(p + 4) >> 8);
    wst_walk_skip(w, VXLAN_HEADER);
    return wst_net_inside(w, type);
}

/* RFC 8926 section 3.4:
 *
 *  | version 2 bits, is 0 | options 6, in units of 4 bytes | O C reserved 6 | EtherType 16 |
 *  | network identifier 24 | reserved 8 | options … | packet … */
static enum wst_net_result geneve(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < GENEVE_HEADER) return WST_NET_SHORT;
    if (p[0] >> 6 != 0 || (p[1] & (GENEVE_O | GENEVE_RESERVED)) || p[7] != 0) return WST_NET_OTHER;
    unsigned type = wst_be16(p + 2);
    if (type < WST_ETHERTYPE_MIN) return WST_NET_OTHER;
    size_t header = GENEVE_HEADER + (size_t)(p[0] & 0x3f) * 4;
    if (header > w->at.n) return WST_NET_SHORT;
    wst_net_domain(w, WST_NET_KIND_GENEVE, wst_be32(p + 4) >> 8);
    wst_walk_skip(w, header);
    return wst_net_inside(w, type);
}

/* 3GPP TS 29.281 section 5.2: | length 1, in units of 4 bytes | … | next type 1 |; 0 ends them. */
static bool skip_gtp_extensions(struct wst_walk *w)
{
    size_t size;
    for (uint8_t next = w->at.p[-1]; next != 0; next = w->at.p[size - 1], wst_walk_skip(w, size)) {
        if (w->at.n < 4) return false;
        size = (size_t)w->at.p[0] * 4;
        if (size == 0 || size > w->at.n) return false;
    }
    return true;
}

/* 3GPP TS 29.281 section 5.1:
 *
 *  | version 3 bits, GTP 1, 0 1, E 1, S 1, PN 1 | type 8 | length 16, of what follows these 8 bytes
 * | | tunnel endpoint 32: the receiver's, so each direction has another | | sequence number 16 |
 * N-PDU 8 | next extension 8 |, if E, S or PN */
static enum wst_net_result gtp(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < GTP_HEADER) return WST_NET_SHORT;
    if ((p[0] & GTP_V1_MASK) != GTP_V1_USER || p[1] != GTP_G_PDU) return WST_NET_OTHER;
    size_t length = wst_be16(p + 2);
    if (length > w->len - GTP_HEADER) return WST_NET_OTHER;
    wst_walk_skip(w, GTP_HEADER);
    wst_walk_bound(w, length);
    if (p[0] & GTP_E_S_PN) {
        if (w->at.n < GTP_OPTIONAL) return WST_NET_SHORT;
        wst_walk_skip(w, GTP_OPTIONAL);
        if ((p[0] & GTP_E) && !skip_gtp_extensions(w)) return WST_NET_SHORT;
    }
    wst_net_domain_pair(w, WST_NET_KIND_GTP, 0);
    return wst_net_inside_ip(w);
}

/* RFC 4380 section 5.1.1, each may be there, in this order:
 *
 *  | 00 01 | id length 1 | value length 1 | id … | value … | nonce 8 | confirmation 1 |
 *  | 00 00 | port 2 | address 4 | */
static bool skip_indications(struct wst_walk *w)
{
    if (w->at.n >= 4 && wst_be16(w->at.p) == TEREDO_AUTHENTICATION) {
        size_t size = 4 + (size_t)w->at.p[2] + w->at.p[3] + 8 + 1;
        if (size > w->at.n) return false;
        wst_walk_skip(w, size);
    }
    if (w->at.n >= 8 && wst_be16(w->at.p) == TEREDO_ORIGIN) wst_walk_skip(w, 8);
    return w->at.n >= IPV6_HEADER;
}

/* One end is always a Teredo client, in 2001::/32 (RFC 4380 section 4). */
static enum wst_net_result teredo(struct wst_walk *w)
{
    static const uint8_t prefix[4] = {0x20, 0x01, 0, 0};
    if (!skip_indications(w)) return WST_NET_OTHER;
    const uint8_t *p = w->at.p;
    if (p[0] >> 4 != 6 || IPV6_HEADER + (size_t)wst_be16(p + 4) > w->len) return WST_NET_OTHER;
    if (memcmp(p + 8, prefix, 4) != 0 && memcmp(p + 24, prefix, 4) != 0) return WST_NET_OTHER;
    wst_net_domain_pair(w, WST_NET_KIND_TEREDO, 0);
    return wst_net_inside(w, WST_ETHERTYPE_IPV6);
}

static bool is_l2tp(struct wst_slice datagram)
{
    return datagram.n >= L2TP_HEADER && (wst_be16(datagram.p) & L2TP_FIX) == L2TP_V2;
}

/* RFC 2661 section 3.1:
 *
 *  | flags, version 2 | length 2, if L, of all | tunnel 2 | session 2 |
 *  | Ns 2, Nr 2, if S | offset 2, if O, to the next field | … | PPP …
 *
 * Tunnel and session are the receiver's numbers, so each direction has others. */
static enum wst_net_result l2tp(struct wst_walk *w)
{
    unsigned flags = wst_be16(w->at.p);
    size_t header = L2TP_HEADER;
    if (flags & L2TP_L) wst_walk_bound(w, wst_be16(w->at.p + 2)), header += 2;
    if (flags & L2TP_S) header += 4;
    if (flags & L2TP_O) header += 2;
    if (w->at.n < header) return WST_NET_SHORT;
    if (flags & L2TP_O) header += wst_be16(w->at.p + header - 2);
    if (w->at.n < header) return WST_NET_SHORT;
    if (w->depth == 0) return WST_NET_OTHER;
    w->depth--;
    wst_net_domain_pair(w, WST_NET_KIND_L2TP, 0);
    wst_walk_skip(w, header);
    return wst_net_ppp(w);
}

/* RFC 7510 section 3: the label stack follows at once. */
static enum wst_net_result mpls(struct wst_walk *w)
{
    wst_net_domain_pair(w, WST_NET_KIND_MPLS_UDP, 0);
    return wst_net_inside(w, WST_ETHERTYPE_MPLS);
}

/* Inline it would drive what every packet passes out of line. */
WST_APART bool wst_net_udp_tunnels(unsigned from, unsigned to)
{
    switch (to) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
    case PORT_VXLAN_GPE:
    case PORT_GENEVE:
    case PORT_GTP_U:
    case PORT_MPLS:
    case PORT_TZSP:
    case PORT_L2TP:
    case PORT_LISP:
    case PORT_CAPWAP:
    case PORT_TEREDO: return true;
    default: return from == PORT_TEREDO || from == PORT_L2TP || from == PORT_CAPWAP;
    }
}

/* RFC 768: | source port 2 | destination port 2 | length 2, with these eight | checksum 2 |
 *
 * A length of 0 is a jumbogram's (RFC 2675 section 4) or offload's: IP's counts. All tunnels send
 * to their port; but a Teredo server or relay answers from it, as do CAPWAP's controllers, and an
 * end of L2TP may. The ports of TZSP, LISP, L2TP and CAPWAP are given to others, too: what is no
 * such packet is a datagram. */
enum wst_net_result wst_net_udp(struct wst_walk *w)
{
    if (w->at.n < UDP_HEADER) return WST_NET_SHORT;
    unsigned from = wst_be16(w->at.p), to = wst_be16(w->at.p + 2);
    size_t length = wst_be16(w->at.p + 4);
    if (length != 0 && length < UDP_HEADER) return WST_NET_SHORT;
    if (length != 0) wst_walk_bound(w, length);
    wst_walk_skip(w, UDP_HEADER);
    switch (to) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX: return vxlan(w);
    case PORT_VXLAN_GPE: return vxlan_gpe(w);
    case PORT_GENEVE: return geneve(w);
    case PORT_GTP_U: return gtp(w);
    case PORT_MPLS: return mpls(w);
    default: break;
    }
    if (to == PORT_TEREDO || from == PORT_TEREDO) return teredo(w);
    bool may_be_l2tp = to == PORT_L2TP || from == PORT_L2TP;
    bool may_be_capwap = to == PORT_CAPWAP || from == PORT_CAPWAP;
    if ((to == PORT_TZSP || to == PORT_LISP || may_be_l2tp || may_be_capwap) && w->at.n < TOLD_BY &&
        wst_walk_is_cut(w))
        return WST_NET_SHORT;
    if (to == PORT_TZSP && wst_net_is_tzsp(w->at)) return wst_net_tzsp(w);
    if (to == PORT_LISP && wst_net_is_lisp(w->at)) return wst_net_lisp(w);
    if (may_be_l2tp && is_l2tp(w->at)) return l2tp(w);
    if (may_be_capwap && wst_net_is_capwap(w->at)) return wst_net_capwap(w);
    w->out->src_port = (uint16_t)from;
    w->out->dst_port = (uint16_t)to;
    w->out->payload = w->at;
    w->out->payload_len = (uint32_t)w->len;
    return WST_NET_UDP;
}
