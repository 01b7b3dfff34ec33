/* SPDX-License-Identifier: MIT
 *
 * In: a stack of MPLS labels. Out: the packet below it, as far as its first bytes tell what it is:
 * the labels themselves do not.
 * Refuses what looks like neither IP nor a pseudowire's Ethernet frame.
 *
 * Labels are given hop by hop and differ by direction, so they say nothing about the domain.
 */
#include "walk.h"

enum {
    MPLS_LABEL = 4,
    MPLS_BOTTOM = 0x01, /* in the third byte */
    CONTROL_WORD = 4,
};

static bool is_listed(unsigned ethertype)
{
    switch (ethertype) {
    case WST_ETHERTYPE_IPV4:
    case WST_ETHERTYPE_IPV6:
    case WST_ETHERTYPE_CVLAN:
    case WST_ETHERTYPE_SVLAN:
    case WST_ETHERTYPE_QINQ_9100:
    case WST_ETHERTYPE_QINQ_9200:
    case WST_ETHERTYPE_MPLS:
    case WST_ETHERTYPE_PPPOE: return true;
    default: return false;
    }
}

static bool is_ether(struct wst_slice s)
{
    return s.n >= 14 && is_listed(wst_be16(s.p + 12));
}

/* An address 4x:… or 6x:… at the front of an Ethernet frame must not pass for an IP version. */
static bool is_ip(const struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (p[0] >> 4 == 6) return w->at.n < 6 || 40u + wst_be16(p + 4) <= w->len;
    if (p[0] >> 4 != 4 || (p[0] & 15) < 5) return false;
    return w->at.n < 4 || wst_be16(p + 2) <= w->len;
}

/* RFC 3985 section 5.4.3: below the labels lies IP (4 or 6 in the first four bits), or a
 * pseudowire with the control word of RFC 4448 section 4.6 (0), or one without (anything).
 *
 *  |0 0 0 0| reserved 12 bits | sequence number 16 | Ethernet … */
static enum wst_net_result below(struct wst_walk *w)
{
    if (w->at.n == 0) return WST_NET_SHORT;
    bool control_word = w->at.p[0] >> 4 == 0 && is_ether(wst_slice_skip(w->at, CONTROL_WORD));
    if (is_ip(w)) return wst_net_ip(w);
    if (control_word)
        wst_walk_skip(w, CONTROL_WORD);
    else if (!is_ether(w->at))
        return wst_net_ip(w); /* perhaps one whose end a mirror cut */
    return wst_net_inside(w, WST_ETHERTYPE_TEB);
}

/* RFC 3032 section 2.1:
 *
 *  | label 20 bits | traffic class 3 | bottom 1 | time to live 8 | */
enum wst_net_result wst_net_mpls(struct wst_walk *w)
{
    bool bottom;
    do {
        if (w->at.n < MPLS_LABEL) return WST_NET_SHORT;
        bottom = w->at.p[2] & MPLS_BOTTOM;
        wst_walk_skip(w, MPLS_LABEL);
    } while (!bottom);
    return below(w);
}
