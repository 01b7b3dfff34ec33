/* SPDX-License-Identifier: MIT
 *
 * In: a packet as captured, and its link type. Out: the packet inside the link header.
 * Refuses link types it does not list. Numbers and layouts: the registry of
 * https://www.tcpdump.org/linktypes.html.
 */
#include "walk.h"

enum {
    NULL_HEADER = 4,
    ENC_HEADER = 12,
    SLL_HEADER = 16,
    SLL2_HEADER = 20,
    SLL_LLC = 4,        /* ETH_P_802_2 of linux/if_ether.h: an LLC header follows */
    IPNET_HEADER = 24,  /* zones and interfaces of Solaris */
    IPOIB_ADDRESS = 40, /* whom a packet is sent to, as the interface has it */
    IPOIB_HEADER = 4,
    JUNIPER_HEADER = 4,
    JUNIPER_MAGIC = 0x4d4743,
    JUNIPER_EXTENDED = 0x80, /* flags: fields follow, each with its length … */
    JUNIPER_NO_LINK = 0x02,  /* … and there is no link header: … */
    JUNIPER_FAMILY = 4,      /* … this is in its place */
    SLIP_HEADER = 16,        /* direction 1, the header as it was compressed 15 */
    FC_HEADER = 16,          /* RFC 2625 section 3.2: addresses */
    IEEE1394_ADDRESSES = 16,
    DIRECTION = 1, /* 0 is in, else out */
    NETANALYZER_HEADER = 4,
    NETANALYZER_DAMAGED =
        0x17, /* errors: of a symbol, of alignment, of the FCS, no start of a frame */
    NETANALYZER_GPIO = 0x01, /* no frame, but what a pin did */
    PREAMBLE = 0x55,         /* seven of these by rule, … */
    PREAMBLE_OVER = 0xd5,    /* … and the start of a frame */
    PFLOG_SHORT = 45,        /* where the direction is the last: NetBSD, the first of OpenBSD */
    NFLOG_HEADER = 4,
    NFLOG_TLV = 4,
    NFLOG_PAYLOAD = 9, /* NFULA_PAYLOAD of linux/netfilter/nfnetlink_log.h */
};

/* Address families as written by the system that captured. */
enum {
    AF_IPV4 = 2,
    AF_IPV6_LINUX = 10,
    AF_IPV6_BSD = 24, /* NetBSD, OpenBSD, BSD/OS; Npcap */
    AF_IPV6_FREEBSD = 28,
    AF_IPV6_DARWIN = 30,
};

/* LINKTYPE_NULL writes the family in the byte order of its host, LINKTYPE_LOOP in that of the
 * network. Families are small numbers, so either order tells itself from the other. */
static enum wst_net_result by_family(struct wst_walk *w, size_t header)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < header) return WST_NET_SHORT;
    uint32_t family = wst_be32(p);
    if (family > 0xffff) family = (uint32_t)p[1] << 8 | p[0];
    wst_walk_skip(w, header);
    switch (family) {
    case AF_IPV4: return wst_net_ipv4(w);
    case AF_IPV6_LINUX:
    case AF_IPV6_BSD:
    case AF_IPV6_FREEBSD:
    case AF_IPV6_DARWIN: return wst_net_ipv6(w);
    default: return WST_NET_OTHER;
    }
}

static enum wst_net_result null_loop(struct wst_walk *w)
{
    return by_family(w, NULL_HEADER);
}

/* What IPsec has opened, or will seal: | family 4, as above | SPI 4 | flags 4 | IP … */
static enum wst_net_result enc(struct wst_walk *w)
{
    return by_family(w, ENC_HEADER);
}

/* Not every protocol is an EtherType here: below 0x600 they are Linux's own. */
static enum wst_net_result cooked_protocol(struct wst_walk *w, unsigned protocol)
{
    if (protocol == SLL_LLC) return wst_net_llc(w);
    return protocol < WST_ETHERTYPE_MIN ? WST_NET_OTHER : wst_net_ethertype(w, protocol);
}

/*  | packet type 2 | ARPHRD 2 | address length 2 | address 8 | protocol 2 | */
static enum wst_net_result cooked(struct wst_walk *w)
{
    if (w->at.n < SLL_HEADER) return WST_NET_SHORT;
    unsigned protocol = wst_be16(w->at.p + 14);
    wst_walk_skip(w, SLL_HEADER);
    return cooked_protocol(w, protocol);
}

/*  | protocol 2 | 0 2 | interface 4 | ARPHRD 2 | packet type 1 | address length 1 | address 8 |
 *
 * The interface is no domain: what comes in by one may be answered by another. */
static enum wst_net_result cooked2(struct wst_walk *w)
{
    if (w->at.n < SLL2_HEADER) return WST_NET_SHORT;
    unsigned protocol = wst_be16(w->at.p);
    wst_walk_skip(w, SLL2_HEADER);
    return cooked_protocol(w, protocol);
}

static enum wst_net_result ipnet(struct wst_walk *w)
{
    if (w->at.n < IPNET_HEADER) return WST_NET_SHORT;
    wst_walk_skip(w, IPNET_HEADER);
    return wst_net_ip(w);
}

/* RFC 4391 section 6, behind the receiver: | EtherType 2 | reserved 2 | */
static enum wst_net_result infiniband(struct wst_walk *w)
{
    if (w->at.n < IPOIB_ADDRESS + IPOIB_HEADER) return WST_NET_SHORT;
    unsigned type = wst_be16(w->at.p + IPOIB_ADDRESS);
    wst_walk_skip(w, IPOIB_ADDRESS + IPOIB_HEADER);
    return wst_net_ethertype(w, type);
}

/* Of routers: | "MGC" | flags 1 | length 2, fields …, if extended | what the interface has … */
static enum wst_net_result juniper(struct wst_walk *w,
                                   enum wst_net_result (*inside)(struct wst_walk *w))
{
    const uint8_t *p = w->at.p;
    size_t header = JUNIPER_HEADER;
    if (w->at.n < header) return WST_NET_SHORT;
    if (wst_be32(p) >> 8 != JUNIPER_MAGIC) return WST_NET_OTHER;
    if (p[3] & JUNIPER_EXTENDED) {
        if (w->at.n < header + 2) return WST_NET_SHORT;
        header += 2 + (size_t)wst_be16(p + header);
    }
    bool bare = p[3] & JUNIPER_NO_LINK;
    if (bare) header += JUNIPER_FAMILY;
    if (w->at.n < header) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return bare ? wst_net_ip(w) : inside(w);
}

static enum wst_net_result juniper_ether(struct wst_walk *w)
{
    return juniper(w, wst_net_ether);
}

static enum wst_net_result juniper_ppp(struct wst_walk *w)
{
    return juniper(w, wst_net_ppp);
}

static enum wst_net_result juniper_frelay(struct wst_walk *w)
{
    return juniper(w, wst_net_frelay);
}

static enum wst_net_result juniper_chdlc(struct wst_walk *w)
{
    return juniper(w, wst_net_hdlc);
}

/* What BSD's packet filter has logged:
 *
 *  | length 1 | family 1 | action 1 | reason 1 | interface 16 | rule … direction 1 … | IP …
 *
 * Each system has other fields behind the direction. The length may be without what fills the
 * header up to a multiple of 4. */
static enum wst_net_result pflog(struct wst_walk *w)
{
    if (w->at.n < 1) return WST_NET_SHORT;
    size_t header = ((size_t)w->at.p[0] + 3) & ~(size_t)3;
    if (w->at.p[0] < PFLOG_SHORT) return WST_NET_OTHER;
    if (w->at.n < header) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return wst_net_ip(w);
}

/* Apple's IP over IEEE 1394: | addresses 16 | EtherType 2 | */
static enum wst_net_result ieee1394(struct wst_walk *w)
{
    if (w->at.n < IEEE1394_ADDRESSES + 2) return WST_NET_SHORT;
    unsigned type = wst_be16(w->at.p + IEEE1394_ADDRESSES);
    wst_walk_skip(w, IEEE1394_ADDRESSES + 2);
    return wst_net_ethertype(w, type);
}

/* Hilscher's: | errors 8 | GPIO 1, transparent 1, version 4, port 2 | length 12, type 4 | frame …
 *
 * Little-endian, lowest bits first. From version 2 on the type tells frames, 0, from what is none.
 * No host has taken a damaged frame for its own: what it carried is sent again. */
static enum wst_net_result netanalyzer(struct wst_walk *w,
                                       enum wst_net_result (*frame)(struct wst_walk *w))
{
    enum { TYPED = 2 };
    const uint8_t *p = w->at.p;
    if (w->at.n < NETANALYZER_HEADER) return WST_NET_SHORT;
    bool typed = (p[1] >> 2 & 0xf) >= TYPED;
    if (p[0] & NETANALYZER_DAMAGED || p[1] & NETANALYZER_GPIO || (typed && p[3] >> 4))
        return WST_NET_OTHER;
    wst_walk_skip(w, NETANALYZER_HEADER);
    return frame(w);
}

static enum wst_net_result netanalyzer_ether(struct wst_walk *w)
{
    return netanalyzer(w, wst_net_ether);
}

/* The first bytes of a preamble may be lost on the way. */
static enum wst_net_result preamble(struct wst_walk *w)
{
    size_t n = 0;
    while (n < w->at.n && w->at.p[n] == PREAMBLE) n++;
    if (n == w->at.n) return WST_NET_SHORT;
    if (w->at.p[n] != PREAMBLE_OVER) return WST_NET_OTHER;
    wst_walk_skip(w, n + 1);
    return wst_net_ether(w);
}

static enum wst_net_result netanalyzer_transparent(struct wst_walk *w)
{
    return netanalyzer(w, preamble);
}

/*  | family 1 | version 1, is 0 | resource id 2 | TLV … TLV |
 *
 *  TLV:  | length 2, with these four | type 2 | value … | padding to a multiple of 4 |
 *
 * Length and type are in the byte order of the host. There are less than 256 types, none is 0:
 * the byte of the type which is not 0 tells the order. */
static enum wst_net_result nflog(struct wst_walk *w)
{
    if (w->at.n < NFLOG_HEADER) return WST_NET_SHORT;
    if (w->at.p[1] != 0) return WST_NET_OTHER;
    wst_walk_skip(w, NFLOG_HEADER);
    while (w->at.n >= NFLOG_TLV) {
        const uint8_t *p = w->at.p;
        bool little = p[3] == 0;
        size_t length = little ? (size_t)p[1] << 8 | p[0] : wst_be16(p);
        unsigned type = little ? p[2] : wst_be16(p + 2);
        if (length < NFLOG_TLV) return WST_NET_SHORT;
        if (type == NFLOG_PAYLOAD) {
            wst_walk_bound(w, length);
            wst_walk_skip(w, NFLOG_TLV);
            return wst_net_ip(w);
        }
        length = (length + 3) & ~(size_t)3;
        if (length > w->at.n) return WST_NET_SHORT;
        wst_walk_skip(w, length);
    }
    return wst_walk_is_cut(w) ? WST_NET_SHORT : WST_NET_OTHER;
}

static const struct {
    enum wst_linktype type;
    size_t header; /* bytes that are passed over */
    enum wst_net_result (*read)(struct wst_walk *w);
} links[] = {
    {WST_LINKTYPE_NULL, 0, null_loop},
    {WST_LINKTYPE_ETHERNET, 0, wst_net_ether},
    {WST_LINKTYPE_TOKEN_RING, 0, wst_net_token_ring},
    {WST_LINKTYPE_SLIP, SLIP_HEADER, wst_net_ip},
    {WST_LINKTYPE_PPP, 0, wst_net_ppp},
    {WST_LINKTYPE_FDDI, 0, wst_net_fddi},
    {WST_LINKTYPE_RAW_BSD, 0, wst_net_ip},
    {WST_LINKTYPE_RAW_OPENBSD, 0, wst_net_ip},
    {WST_LINKTYPE_PPP_HDLC, 0, wst_net_hdlc},
    {WST_LINKTYPE_PPP_ETHER, 0, wst_net_pppoe},
    {WST_LINKTYPE_ATM_RFC1483, 0, wst_net_aal5},
    {WST_LINKTYPE_RAW, 0, wst_net_ip},
    {WST_LINKTYPE_C_HDLC, 0, wst_net_hdlc},
    {WST_LINKTYPE_IEEE802_11, 0, wst_net_wifi},
    {WST_LINKTYPE_FRELAY, 0, wst_net_frelay},
    {WST_LINKTYPE_LOOP, 0, null_loop},
    {WST_LINKTYPE_ENC, 0, enc},
    {WST_LINKTYPE_LINUX_SLL, 0, cooked},
    {WST_LINKTYPE_PFLOG, 0, pflog},
    {WST_LINKTYPE_IEEE802_11_PRISM, 0, wst_net_prism},
    {WST_LINKTYPE_IP_OVER_FC, FC_HEADER, wst_net_llc},
    {WST_LINKTYPE_SUNATM, 0, wst_net_sunatm},
    {WST_LINKTYPE_IEEE802_11_RADIOTAP, 0, wst_net_radiotap},
    {WST_LINKTYPE_APPLE_IP_OVER_IEEE1394, 0, ieee1394},
    {WST_LINKTYPE_IEEE802_11_AVS, 0, wst_net_prism},
    {WST_LINKTYPE_PPP_PPPD, 0, wst_net_pppd},
    {WST_LINKTYPE_JUNIPER_PPPOE, 0, juniper_ether},
    {WST_LINKTYPE_JUNIPER_ETHER, 0, juniper_ether},
    {WST_LINKTYPE_JUNIPER_PPP, 0, juniper_ppp},
    {WST_LINKTYPE_JUNIPER_FRELAY, 0, juniper_frelay},
    {WST_LINKTYPE_JUNIPER_CHDLC, 0, juniper_chdlc},
    {WST_LINKTYPE_MFR, 0, wst_net_mfr},
    {WST_LINKTYPE_PPI, 0, wst_net_ppi},
    {WST_LINKTYPE_PPP_WITH_DIR, DIRECTION, wst_net_ppp},
    {WST_LINKTYPE_C_HDLC_WITH_DIR, DIRECTION, wst_net_hdlc},
    {WST_LINKTYPE_FRELAY_WITH_DIR, DIRECTION, wst_net_frelay},
    {WST_LINKTYPE_MPLS, 0, wst_net_mpls},
    {WST_LINKTYPE_IPNET, 0, ipnet},
    {WST_LINKTYPE_IPV4, 0, wst_net_ipv4},
    {WST_LINKTYPE_IPV6, 0, wst_net_ipv6},
    {WST_LINKTYPE_NFLOG, 0, nflog},
    {WST_LINKTYPE_NETANALYZER, 0, netanalyzer_ether},
    {WST_LINKTYPE_NETANALYZER_TRANSPARENT, 0, netanalyzer_transparent},
    {WST_LINKTYPE_IPOIB, 0, infiniband},
    {WST_LINKTYPE_PKTAP, 0, wst_net_pktap},
    {WST_LINKTYPE_LINUX_SLL2, 0, cooked2},
    {WST_LINKTYPE_DSA_TAG_BRCM, 0, wst_net_dsa},
    {WST_LINKTYPE_DSA_TAG_BRCM_PREPEND, 0, wst_net_dsa_front},
    {WST_LINKTYPE_DSA_TAG_DSA, 0, wst_net_dsa},
    {WST_LINKTYPE_DSA_TAG_EDSA, 0, wst_net_ether}, /* its tag has an EtherType */
};

enum { LINKS = sizeof links / sizeof *links };

enum wst_net_result wst_net_link(struct wst_walk *w, uint32_t link_type)
{
    if (link_type == WST_LINKTYPE_ETHERNET) return wst_net_ether(w);
    for (size_t i = 0; i < LINKS; i++) {
        if (links[i].type != link_type) continue;
        if (w->at.n < links[i].header) return WST_NET_SHORT;
        wst_walk_skip(w, links[i].header);
        return links[i].read(w);
    }
    return WST_NET_UNKNOWN_LINK;
}

bool wst_net_knows_link(uint32_t link_type)
{
    for (size_t i = 0; i < LINKS; i++)
        if (links[i].type == link_type) return true;
    return false;
}
