/* SPDX-License-Identifier: MIT
 *
 * In: headers that a network puts before a packet to lead it through itself: service chains (NSH),
 * B.A.T.M.A.N.'s mesh, LISP, and CAPWAP, in which access points send what they receive. Out: that
 * packet.
 * Refuses maintenance, what is encrypted, and fragments of B.A.T.M.A.N. and CAPWAP.
 */
#include "walk.h"

enum { /* RFC 8300 */
       NSH_HEADER = 8,
       NSH_VERSION = 0xc0,
       NSH_O = 0x20,      /* maintenance, no data */
       NSH_LENGTH = 0x3f, /* in units of 4 bytes */
};

enum { /* linux/batadv_packet.h */
       BATADV_VERSION = 15,
       BATADV_UNICAST = 0x40,
       BATADV_UNICAST_4ADDR = 0x42,
       BATADV_HEADER = 10,
       BATADV_4ADDR = 8, /* source, kind, reserved */
};

enum { /* RFC 9300 section 5.1 */
       LISP_HEADER = 8,
       LISP_N = 0x80,       /* a nonce … */
       LISP_V = 0x10,       /* … or versions of the map */
       LISP_I = 0x08,       /* the instance is valid */
       LISP_REFUSED = 0x07, /* reserved; encrypted (RFC 8061) */
};

enum { /* RFC 5415 section 4.3 */
       CAPWAP_MIN = 8,
       CAPWAP_T = 0x01,     /* in the third byte: the radio's own frame, else 802.3 */
       CAPWAP_RADIO = 0x3e, /* what the radio is, there: … */
       CAPWAP_80211 = 0x02, /* … IEEE 802.11 */
       CAPWAP_F = 0x80,     /* in the fourth: a fragment */
       CAPWAP_K = 0x08,     /* keeps the tunnel alive, no data */
       CAPWAP_RESERVED = 0x07,
};

/* The EtherType of what RFC 8300 section 2.2 numbers; draft-ietf-nvo3-vxlan-gpe-13 numbers the same
 * five alike. */
unsigned wst_net_next_protocol(uint8_t next)
{
    static const uint16_t types[] = {0,
                                     WST_ETHERTYPE_IPV4,
                                     WST_ETHERTYPE_IPV6,
                                     WST_ETHERTYPE_TEB,
                                     WST_ETHERTYPE_NSH,
                                     WST_ETHERTYPE_MPLS};
    return next < sizeof types / sizeof *types ? types[next] : 0;
}

/* RFC 8300 section 2.2:
 *
 *  | version 2 bits, O 1, U 1, time to live 6, length 6 | U 4, kind of metadata 4 | next 8 |
 *  | path 24 | index 8 | metadata … | packet
 *
 * The path is no domain: each direction has another. */
enum wst_net_result wst_net_nsh(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < NSH_HEADER) return WST_NET_SHORT;
    if (p[0] & (NSH_VERSION | NSH_O)) return WST_NET_OTHER;
    size_t header = (size_t)(p[1] & NSH_LENGTH) * 4;
    unsigned type = wst_net_next_protocol(p[3]);
    if (header < NSH_HEADER || type == 0) return WST_NET_OTHER;
    if (header > w->at.n) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return wst_net_inside(w, type);
}

/*  | type 1 | version 1 | time to live 1 | table 1 | destination 6 |
 *  | source 6 | kind 1 | reserved 1 |, with four addresses | Ethernet … */
enum wst_net_result wst_net_batman(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    size_t header = BATADV_HEADER;
    if (w->at.n < header) return WST_NET_SHORT;
    if (p[1] != BATADV_VERSION) return WST_NET_OTHER;
    if (p[0] == BATADV_UNICAST_4ADDR)
        header += BATADV_4ADDR;
    else if (p[0] != BATADV_UNICAST)
        return WST_NET_OTHER;
    if (w->at.n < header) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return wst_net_inside(w, WST_ETHERTYPE_TEB);
}

bool wst_net_is_lisp(struct wst_slice datagram)
{
    const uint8_t *p = datagram.p;
    if (datagram.n <= LISP_HEADER || p[0] & LISP_REFUSED) return false;
    if ((p[0] & LISP_N) && (p[0] & LISP_V)) return false;
    return p[LISP_HEADER] >> 4 == 4 || p[LISP_HEADER] >> 4 == 6;
}

/* RFC 9300 section 5.1:
 *
 *  | N L E V I R K K | nonce or versions 24 | instance 24 | locators 8 | IP …
 *
 * A site may have several locators, and each direction takes another pair: they are no domain. */
enum wst_net_result wst_net_lisp(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    wst_net_domain(w, WST_NET_KIND_LISP, p[0] & LISP_I ? wst_be32(p + 4) >> 8 : 0);
    wst_walk_skip(w, LISP_HEADER);
    return wst_net_inside_ip(w);
}

bool wst_net_is_capwap(struct wst_slice datagram)
{
    const uint8_t *p = datagram.p;
    if (datagram.n < CAPWAP_MIN || p[0] != 0 || (p[3] & CAPWAP_RESERVED)) return false;
    return p[1] >> 3 >= CAPWAP_MIN / 4;
}

/* RFC 5415 section 4.3:
 *
 *  | version 4 bits, is 0, type 4, is 0 | length 5, in units of 4 bytes | radio 5 | its kind 5 |
 *  | T F L W M K, reserved 3 | fragment id 16 | offset 13, reserved 3 |
 *  | radio's address …, if M | what it heard …, if W | frame
 *
 * In 802.11's frames some have the two bytes of the frame control the other way round. */
enum wst_net_result wst_net_capwap(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    size_t header = (size_t)(p[1] >> 3) * 4;
    if (p[3] & (CAPWAP_F | CAPWAP_K)) return WST_NET_OTHER;
    if ((p[2] & CAPWAP_T) && (p[2] & CAPWAP_RADIO) != CAPWAP_80211) return WST_NET_OTHER;
    if (header > w->at.n) return WST_NET_SHORT;
    wst_net_domain_pair(w, WST_NET_KIND_CAPWAP, 0);
    wst_walk_skip(w, header);
    if (!(p[2] & CAPWAP_T)) return wst_net_inside(w, WST_ETHERTYPE_TEB);
    if (w->depth == 0) return WST_NET_OTHER;
    w->depth--;
    return wst_net_wifi_either(w);
}
