/* SPDX-License-Identifier: MIT
 *
 * In: PPP frames, bare, in HDLC-like framing or in PPPoE. Out: the packet inside.
 * Refuses control protocols, and compressed, encrypted and multilink frames.
 */
#include "walk.h"

enum {
    PPPOE_HEADER = 6,
    PPPOE_VERSION_TYPE = 0x11,
    PPPOE_SESSION = 0,  /* code of the session stage */
    PPP_ADDRESS = 0xff, /* RFC 1662 section 3.1: all stations … */
    PPP_CONTROL = 0x03, /* … unnumbered information; both may be compressed away */
    CISCO_HDLC_HEADER = 4,
    CISCO_UNICAST = 0x0f, /* RFC 1547 section 4.3.1 */
    CISCO_MULTICAST = 0x8f,
};

enum {                    /* IANA "PPP DLL Protocol Numbers" */
       PPP_IPV4 = 0x0021, /* RFC 1332 */
       PPP_IPV6 = 0x0057, /* RFC 5072 */
       PPP_MPLS = 0x0281, /* RFC 3032 section 4.3 */
       PPP_MPLS_MULTI = 0x0283,
};

/* RFC 1661 section 2. A protocol number is even in its first byte and odd in its second, so an odd
 * first byte is a number compressed to one (section 6.5). */
enum wst_net_result wst_net_ppp(struct wst_walk *w)
{
    if (w->at.n >= 2 && w->at.p[0] == PPP_ADDRESS && w->at.p[1] == PPP_CONTROL) wst_walk_skip(w, 2);
    if (w->at.n < 1) return WST_NET_SHORT;
    size_t size = w->at.p[0] & 1 ? 1 : 2;
    if (w->at.n < size) return WST_NET_SHORT;
    unsigned protocol = size == 1 ? w->at.p[0] : wst_be16(w->at.p);
    wst_walk_skip(w, size);
    switch (protocol) {
    case PPP_IPV4: return wst_net_ipv4(w);
    case PPP_IPV6: return wst_net_ipv6(w);
    case PPP_MPLS:
    case PPP_MPLS_MULTI: return wst_net_mpls(w);
    default: return WST_NET_OTHER;
    }
}

/* LINKTYPE_PPP_HDLC holds PPP as in RFC 1662, or Cisco's HDLC, which names EtherTypes. */
enum wst_net_result wst_net_hdlc(struct wst_walk *w)
{
    if (w->at.n < 1) return WST_NET_SHORT;
    if (w->at.p[0] != CISCO_UNICAST && w->at.p[0] != CISCO_MULTICAST) return wst_net_ppp(w);
    if (w->at.n < CISCO_HDLC_HEADER) return WST_NET_SHORT;
    unsigned type = wst_be16(w->at.p + 2);
    wst_walk_skip(w, CISCO_HDLC_HEADER);
    return type < WST_ETHERTYPE_MIN ? WST_NET_OTHER : wst_net_ethertype(w, type);
}

/* LINKTYPE_PPP_PPPD has the direction where the address was: 0 is in, 1 is out. */
enum wst_net_result wst_net_pppd(struct wst_walk *w)
{
    if (w->at.n < 2) return WST_NET_SHORT;
    if (w->at.p[0] <= 1 && w->at.p[1] == PPP_CONTROL) wst_walk_skip(w, 2);
    return wst_net_ppp(w);
}

/* RFC 2516 section 4:
 *
 *  | version 4 bits, type 4 | code 8 | session id 16 | length 16 | PPP … */
enum wst_net_result wst_net_pppoe(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < PPPOE_HEADER) return WST_NET_SHORT;
    if (p[0] != PPPOE_VERSION_TYPE || p[1] != PPPOE_SESSION) return WST_NET_OTHER;
    wst_net_domain(w, WST_NET_KIND_PPPOE, wst_be16(p + 2));
    size_t length = wst_be16(p + 4);
    wst_walk_skip(w, PPPOE_HEADER);
    wst_walk_bound(w, length);
    return wst_net_ppp(w);
}
