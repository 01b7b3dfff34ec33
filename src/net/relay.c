/* SPDX-License-Identifier: MIT
 *
 * In: frames of Frame Relay, ATM's AAL5, Token Ring and FDDI. Out: the packet inside.
 * Refuses fragments of multilink Frame Relay, and frames that carry no data. A circuit's number is
 * no domain: each direction may have another.
 */
#include "walk.h"

enum {
    Q922_ADDRESS = 2,
    Q922_END = 0x01, /* in the last byte of an address */
    Q922_MAX = 4,
    FRELAY_UI = 0x03,  /* unnumbered information; … */
    FRELAY_PAD = 0x00, /* … this may follow, and then what comes: */
    NLPID_SNAP = 0x80, /* ISO/IEC TR 9577 */
    NLPID_IPV4 = 0xcc,
    NLPID_IPV6 = 0x8e,
    NLPID_PPP = 0xcf,
    MFR_HEADER = 2,   /* FRF.16 */
    MFR_BITS = 0xe0,  /* begin, end, control */
    MFR_WHOLE = 0xc0, /* begin and end */
    SNAP_HEADER = 5,  /* organisation, type */
    BRIDGED_CHECKED =
        1,       /* types of 802.1's organisation: an Ethernet frame, its check behind it … */
    BRIDGED = 7, /* … or not */
    LLC_HEADER = 3,
    ATM_PAD = 2, /* before a bridged frame */
    SUNATM_HEADER = 4,
    SUNATM_TYPE = 0x0f,
    SUNATM_LANE = 1,
    SUNATM_LLC = 2,
    LANE_HEADER = 2,
    RING_HEADER = 14,
    RING_TYPE = 0xc0,
    RING_LLC = 0x40,
    RING_ROUTED = 0x80,       /* in the source: where the frame went follows … */
    RING_ROUTE_LENGTH = 0x1f, /* … and this says how long it is */
    FDDI_HEADER = 13,
    FDDI_TYPE = 0xf0,
    FDDI_LLC = 0x50,
    FDDI_LLC_SYNC = 0xd0,
};

static const uint8_t bridge[] = {0x00, 0x80, 0xc2}; /* 802.1's organisation */

/* Whether SNAP at `snap` announces an Ethernet frame. */
static bool is_bridged(const uint8_t *snap)
{
    unsigned type = wst_be16(snap + 3);
    return memcmp(snap, bridge, sizeof bridge) == 0 && (type == BRIDGED || type == BRIDGED_CHECKED);
}

/* RFC 2427 section 4.1:
 *
 *  | address 2 … 4 | control 1 | padding 0 or 1 | protocol 1 | organisation 3, type 2, if SNAP | …
 *
 * Cisco's own has an EtherType behind the address. */
enum wst_net_result wst_net_frelay(struct wst_walk *w)
{
    size_t at = 1;
    while (at < w->at.n && at < Q922_MAX && !(w->at.p[at] & Q922_END)) at++;
    if (w->at.n < at + 3) return WST_NET_SHORT;
    if (!(w->at.p[at] & Q922_END)) return WST_NET_OTHER;
    wst_walk_skip(w, at + 1);
    if (w->at.p[0] != FRELAY_UI) {
        unsigned type = wst_be16(w->at.p);
        wst_walk_skip(w, 2);
        return type < WST_ETHERTYPE_MIN ? WST_NET_OTHER : wst_net_ethertype(w, type);
    }
    at = w->at.p[1] == FRELAY_PAD ? 2 : 1;
    if (w->at.n < at + 1) return WST_NET_SHORT;
    uint8_t protocol = w->at.p[at];
    wst_walk_skip(w, at + 1);
    switch (protocol) {
    case NLPID_IPV4: return wst_net_ipv4(w);
    case NLPID_IPV6: return wst_net_ipv6(w);
    case NLPID_PPP: return wst_net_ppp(w); /* RFC 1973 */
    case NLPID_SNAP: break;
    default: return WST_NET_OTHER;
    }
    if (w->at.n < SNAP_HEADER) return WST_NET_SHORT;
    const uint8_t *snap = w->at.p;
    wst_walk_skip(w, SNAP_HEADER);
    if (is_bridged(snap)) return wst_net_inside(w, WST_ETHERTYPE_TEB);
    unsigned type = wst_be16(snap + 3);
    if (wst_be32(snap) >> 8 != 0 || type < WST_ETHERTYPE_MIN) return WST_NET_OTHER;
    return wst_net_ethertype(w, type);
}

/* FRF.16.1 section 4.1: | begin 1 bit, end 1, control 1, number 4, 0 1, number 8 | frame … */
enum wst_net_result wst_net_mfr(struct wst_walk *w)
{
    if (w->at.n < MFR_HEADER) return WST_NET_SHORT;
    if ((w->at.p[0] & MFR_BITS) != MFR_WHOLE) return WST_NET_OTHER;
    wst_walk_skip(w, MFR_HEADER);
    return wst_net_frelay(w);
}

/* RFC 2684 section 5: what Ethernet has, or a bridged frame behind two bytes of padding; or PPP
 * (RFC 2364 section 6). */
enum wst_net_result wst_net_aal5(struct wst_walk *w)
{
    static const uint8_t ppp[] = {0xfe, 0xfe, 0x03, NLPID_PPP}, snap[] = {0xaa, 0xaa, 0x03};
    const uint8_t *p = w->at.p;
    if (w->at.n >= sizeof ppp && memcmp(p, ppp, sizeof ppp) == 0) {
        wst_walk_skip(w, sizeof ppp);
        return wst_net_ppp(w);
    }
    if (w->at.n < LLC_HEADER + SNAP_HEADER + ATM_PAD || memcmp(p, snap, sizeof snap) != 0 ||
        !is_bridged(p + LLC_HEADER))
        return wst_net_llc(w);
    wst_walk_skip(w, LLC_HEADER + SNAP_HEADER + ATM_PAD);
    return wst_net_inside(w, WST_ETHERTYPE_TEB);
}

/*  | direction 1 bit, …, type 4 | path 8 | circuit 16 | LANE: | client 2 | Ethernet … */
enum wst_net_result wst_net_sunatm(struct wst_walk *w)
{
    if (w->at.n < SUNATM_HEADER) return WST_NET_SHORT;
    unsigned type = w->at.p[0] & SUNATM_TYPE;
    wst_walk_skip(w, SUNATM_HEADER);
    if (type == SUNATM_LLC) return wst_net_aal5(w);
    if (type != SUNATM_LANE) return WST_NET_OTHER;
    if (w->at.n < LANE_HEADER) return WST_NET_SHORT;
    wst_walk_skip(w, LANE_HEADER);
    return wst_net_ether(w);
}

/* IEEE 802.5: | access control 1 | frame control 1 | destination 6 | source 6 | route … | LLC … */
enum wst_net_result wst_net_token_ring(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    size_t header = RING_HEADER;
    if (w->at.n < header + 1) return WST_NET_SHORT;
    if ((p[1] & RING_TYPE) != RING_LLC) return WST_NET_OTHER;
    if (p[8] & RING_ROUTED) header += p[RING_HEADER] & RING_ROUTE_LENGTH;
    if (w->at.n < header) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return wst_net_llc(w);
}

/* ISO 9314-2: | frame control 1 | destination 6 | source 6 | LLC … */
enum wst_net_result wst_net_fddi(struct wst_walk *w)
{
    if (w->at.n < FDDI_HEADER) return WST_NET_SHORT;
    unsigned type = w->at.p[0] & FDDI_TYPE;
    if (type != FDDI_LLC && type != FDDI_LLC_SYNC) return WST_NET_OTHER;
    wst_walk_skip(w, FDDI_HEADER);
    return wst_net_llc(w);
}
