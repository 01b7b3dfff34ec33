/* SPDX-License-Identifier: MIT
 *
 * In: Ethernet frames, and whatever else names its payload by EtherType or LLC. Out: the packet
 * inside, tags taken off and remembered as domain.
 * Refuses service access points other than SNAP and IP, and EtherTypes it does not list.
 */
#include "walk.h"

enum {
    ETHER_HEADER = 14,
    VLAN_TAG = 4, /* tag control information, next EtherType */
    PBB_TAG = 4,
    DSA_TAG = 4,
    LLC_HEADER = 3,
    SNAP_HEADER = 8, /* with LLC */
};

enum { /* IEEE 802.2 service access points */
       LLC_SAP_IP = 0x06,
       LLC_SAP_SNAP = 0xaa,
       LLC_UI = 0x03, /* unnumbered information */
};

enum {                            /* organisation codes after which an EtherType follows */
       SNAP_ETHERTYPE = 0x000000, /* RFC 1042 */
       SNAP_BRIDGE = 0x0000f8,    /* IEEE 802.1H */
};

enum wst_net_result wst_net_inside(struct wst_walk *w, unsigned type)
{
    if (w->depth == 0) return WST_NET_OTHER;
    w->depth--;
    return type == WST_ETHERTYPE_TEB ? wst_net_ether(w) : wst_net_ethertype(w, type);
}

/*  | destination 6 | source 6 | EtherType or length 2 | payload … */
enum wst_net_result wst_net_ether(struct wst_walk *w)
{
    if (w->at.n < ETHER_HEADER) return WST_NET_SHORT;
    unsigned type = wst_be16(w->at.p + 12);
    wst_walk_skip(w, ETHER_HEADER);
    if (type == WST_ETHERTYPE_IPV4) return wst_net_ipv4(w);
    return wst_net_ethertype(w, type);
}

/* IEEE 802.1Q section 9.6; p points at the tag control information:
 *
 *  | priority 3 bits | drop eligible 1 | VLAN id 12 |  EtherType 16  |
 *
 * Id 0 is a priority tag. It names no network, and one direction may carry it alone. */
static bool vlan(struct wst_walk *w, unsigned *type)
{
    if (w->at.n < VLAN_TAG) return false;
    unsigned id = wst_be16(w->at.p) & 0x0fff;
    if (id != 0) wst_net_domain(w, WST_NET_KIND_VLAN, id);
    *type = wst_be16(w->at.p + 2);
    wst_walk_skip(w, VLAN_TAG);
    return true;
}

/* IEEE 802.1Q section 9.7, a provider backbone bridge's tag: a customer's frame follows.
 *
 *  | priority 3, drop 1, use customer address 1, reserved 3 bits | I-SID 24 | C-DA … */
static enum wst_net_result backbone(struct wst_walk *w)
{
    if (w->at.n < PBB_TAG) return WST_NET_SHORT;
    wst_net_domain(w, WST_NET_KIND_ISID, wst_be32(w->at.p) & 0x00ffffff);
    wst_walk_skip(w, PBB_TAG);
    return wst_net_inside(w, WST_ETHERTYPE_TEB);
}

enum wst_net_result wst_net_ethertype(struct wst_walk *w, unsigned type)
{
    for (;;) {
        switch (type) {
        case WST_ETHERTYPE_IPV4: return wst_net_ipv4(w);
        case WST_ETHERTYPE_IPV6: return wst_net_ipv6(w);
        case WST_ETHERTYPE_CVLAN:
        case WST_ETHERTYPE_SVLAN:
        case WST_ETHERTYPE_QINQ_9100:
        case WST_ETHERTYPE_QINQ_9200:
        case WST_ETHERTYPE_QINQ_9300:
            if (!vlan(w, &type)) return WST_NET_SHORT;
            continue;
        case WST_ETHERTYPE_MPLS:
        case WST_ETHERTYPE_MPLS_UP: return wst_net_mpls(w);
        case WST_ETHERTYPE_PPPOE: return wst_net_pppoe(w);
        case WST_ETHERTYPE_PBB: return backbone(w);
        case WST_ETHERTYPE_NSH: return wst_net_nsh(w);
        case WST_ETHERTYPE_BATMAN: return wst_net_batman(w);
        case WST_ETHERTYPE_TEB: return wst_net_inside(w, type);
        default: break;
        }
        if (type <= WST_ETHERTYPE_LENGTH_MAX) {
            wst_walk_bound(w, type);
            return wst_net_llc(w);
        }
        size_t tag = wst_net_tag(w, type);
        if (tag == 0) return WST_NET_OTHER;
        if (w->at.n < tag) return WST_NET_SHORT;
        type = wst_be16(w->at.p + tag - 2);
        wst_walk_skip(w, tag);
    }
}

/* Linux, net/dsa: | destination 6 | source 6 | switch, port, VLAN 4 | EtherType 2 | payload … */
enum wst_net_result wst_net_dsa(struct wst_walk *w)
{
    if (w->at.n < ETHER_HEADER + DSA_TAG) return WST_NET_SHORT;
    unsigned type = wst_be16(w->at.p + ETHER_HEADER + DSA_TAG - 2);
    wst_walk_skip(w, ETHER_HEADER + DSA_TAG);
    return wst_net_ethertype(w, type);
}

/* The same with the tag before the addresses. */
enum wst_net_result wst_net_dsa_front(struct wst_walk *w)
{
    if (w->at.n < DSA_TAG) return WST_NET_SHORT;
    wst_walk_skip(w, DSA_TAG);
    return wst_net_ether(w);
}

/* IEEE 802.2 section 3.2, RFC 1042:
 *
 *  | DSAP 1 | SSAP 1 | control 1 | organisation 3 | EtherType 2 |
 *  |<---------- LLC ------------>|<----------- SNAP ----------->| */
enum wst_net_result wst_net_llc(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < LLC_HEADER) return WST_NET_SHORT;
    if (p[0] != p[1] || p[2] != LLC_UI) return WST_NET_OTHER;
    if (p[0] == LLC_SAP_IP) { /* RFC 948 */
        wst_walk_skip(w, LLC_HEADER);
        return wst_net_ipv4(w);
    }
    if (p[0] != LLC_SAP_SNAP) return WST_NET_OTHER;
    if (w->at.n < SNAP_HEADER) return WST_NET_SHORT;
    uint32_t organisation = wst_be32(p + 2) & 0x00ffffff;
    if (organisation != SNAP_ETHERTYPE && organisation != SNAP_BRIDGE) return WST_NET_OTHER;
    unsigned type = wst_be16(p + 6);
    if (type < WST_ETHERTYPE_MIN) return WST_NET_OTHER;
    wst_walk_skip(w, SNAP_HEADER);
    if (type == WST_ETHERTYPE_IPV4) return wst_net_ipv4(w);
    if (type == WST_ETHERTYPE_IPV6) return wst_net_ipv6(w);
    return wst_net_inside(w, type);
}
