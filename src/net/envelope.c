/* SPDX-License-Identifier: MIT
 *
 * In: headers that say of which link type the packet behind them is: Apple's PKTAP, PPI, and TZSP,
 * in which routers and access points send what they overhear. Out: that packet, read as such.
 * Refuses link types link.c does not list, and records without a packet.
 */
#include "walk.h"

enum {                      /* https://www.tcpdump.org/linktypes/LINKTYPE_PKTAP.html */
       PKTAP_KNOWN = 12,    /* of the header this much is read */
       PKTAP_PACKET = 1,    /* a packet follows */
       PKTAP_HOST = 0xffff, /* larger lengths are in the other byte order */
};

enum { /* PPI Packet Header Description, 1.0.7, section 3.1 */
       PPI_HEADER = 8,
       PPI_VERSION = 0,
};

enum { /* TaZmen Sniffer Protocol, as Wireshark reads it */
       TZSP_HEADER = 4,
       TZSP_VERSION = 1,
       TZSP_RECEIVED = 0, /* a packet that was overheard */
       TZSP_PADDING = 0,  /* tags without a length … */
       TZSP_END = 1,      /* … and the last of all */
};

/* One in another is nothing that is captured; so the walk cannot go round. */
static enum wst_net_result inside(struct wst_walk *w, uint32_t link_type)
{
    if (link_type == WST_LINKTYPE_PKTAP || link_type == WST_LINKTYPE_PPI) return WST_NET_OTHER;
    return wst_net_link(w, link_type);
}

/*  | length of all 4 | kind 4 | link type 4 | interface, process … | packet
 *  in the byte order of the host */
enum wst_net_result wst_net_pktap(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < PKTAP_KNOWN) return WST_NET_SHORT;
    bool little = wst_le32(p) <= PKTAP_HOST;
    size_t header = little ? wst_le32(p) : wst_be32(p);
    uint32_t kind = little ? wst_le32(p + 4) : wst_be32(p + 4);
    uint32_t link_type = little ? wst_le32(p + 8) : wst_be32(p + 8);
    if (header < PKTAP_KNOWN || kind != PKTAP_PACKET) return WST_NET_OTHER;
    if (header > w->at.n) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return inside(w, link_type);
}

/*  | version 1 | flags 1 | length of all 2 | link type 4 | fields … | packet
 *  all little-endian */
enum wst_net_result wst_net_ppi(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < PPI_HEADER) return WST_NET_SHORT;
    size_t header = (size_t)p[3] << 8 | p[2];
    if (p[0] != PPI_VERSION || header < PPI_HEADER) return WST_NET_OTHER;
    if (header > w->at.n) return WST_NET_SHORT;
    uint32_t link_type = wst_le32(p + 4);
    wst_walk_skip(w, header);
    return inside(w, link_type);
}

/* The link type of what TZSP calls encapsulated; WST_LINKTYPE_NULL: none of those. */
static enum wst_linktype tzsp_link(unsigned encapsulated)
{
    switch (encapsulated) {
    case 1: return WST_LINKTYPE_ETHERNET;
    case 4: return WST_LINKTYPE_PPP;
    case 7: return WST_LINKTYPE_RAW;
    case 18: return WST_LINKTYPE_IEEE802_11;
    case 119: return WST_LINKTYPE_IEEE802_11_PRISM;
    case 127: return WST_LINKTYPE_IEEE802_11_AVS;
    default: return WST_LINKTYPE_NULL;
    }
}

bool wst_net_is_tzsp(struct wst_slice datagram)
{
    const uint8_t *p = datagram.p;
    return datagram.n > TZSP_HEADER && p[0] == TZSP_VERSION && p[1] == TZSP_RECEIVED &&
           tzsp_link(wst_be16(p + 2)) != WST_LINKTYPE_NULL;
}

/*  | version 1 | type 1 | encapsulated 2 | tag 1, length 1, value … | … | 1 1 | packet
 *
 * Who sends and who receives is no domain: one sender may mirror one direction only. */
enum wst_net_result wst_net_tzsp(struct wst_walk *w)
{
    enum wst_linktype link_type = tzsp_link(wst_be16(w->at.p + 2));
    wst_walk_skip(w, TZSP_HEADER);
    for (;;) {
        if (w->at.n < 1) return WST_NET_SHORT;
        uint8_t tag = w->at.p[0];
        size_t size = 1;
        if (tag != TZSP_PADDING && tag != TZSP_END) {
            if (w->at.n < 2) return WST_NET_SHORT;
            size = 2 + (size_t)w->at.p[1];
        }
        if (size > w->at.n) return WST_NET_SHORT;
        wst_walk_skip(w, size);
        if (tag == TZSP_END) break;
    }
    if (w->depth == 0) return WST_NET_OTHER;
    w->depth--;
    return wst_net_link(w, link_type);
}
