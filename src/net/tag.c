/* SPDX-License-Identifier: MIT
 *
 * In: the EtherTypes by which switches say what else they put into a frame: ports, groups, a check
 * of its integrity. Out: how long that is; the EtherType of the packet ends it.
 * Refuses MACsec that is encrypted. Ports and groups are no domain: each direction has others.
 */
#include "walk.h"

enum {               /* how long each is behind its EtherType: */
       EDSA_TAG = 8, /* | reserved 2 | switch, port, VLAN 4 | EtherType 2 |, Linux, net/dsa */
       VN_TAG = 6,   /* | interfaces 4 | EtherType 2 |, Cisco's forerunner of 802.1BR */
       E_TAG = 8,    /* | priority, channels 6 | EtherType 2 |, IEEE 802.1BR section 7.5 */
       CMD_TAG = 8,  /* | version 1 | length 1 | option 2 | group 2 | EtherType 2 |, Cisco */
};

enum { /* Cisco MetaData with one option, the group */
       CMD_VERSION = 1,
       CMD_LENGTH = 1,
};

enum { /* IEEE 802.1AE section 9.5 */
       MACSEC_V = 0x80,
       MACSEC_SC = 0x20, /* an identifier of 8 bytes is there */
       MACSEC_E = 0x08,  /* encrypted … */
       MACSEC_C = 0x04,  /* … or changed otherwise */
       MACSEC_TAG = 6,
       MACSEC_CHANNEL = 8,
};

/*  | V, ES, SC, SCB, E, C, AN 2 | short length 1 | packet number 4 | channel 8, if SC |
 *  EtherType 2 | … | integrity check 16 |
 *
 * The check at the end is padding to IP. */
static size_t macsec(const struct wst_walk *w)
{
    if (w->at.n == 0) return MACSEC_TAG + 2;
    uint8_t control = w->at.p[0];
    if (control & (MACSEC_V | MACSEC_E | MACSEC_C)) return 0;
    return MACSEC_TAG + (control & MACSEC_SC ? MACSEC_CHANNEL : 0) + 2;
}

static size_t metadata(const struct wst_walk *w)
{
    if (w->at.n < 2) return CMD_TAG;
    return w->at.p[0] == CMD_VERSION && w->at.p[1] == CMD_LENGTH ? CMD_TAG : 0;
}

size_t wst_net_tag(const struct wst_walk *w, unsigned type)
{
    switch (type) {
    case WST_ETHERTYPE_EDSA: return EDSA_TAG;
    case WST_ETHERTYPE_VN_TAG: return VN_TAG;
    case WST_ETHERTYPE_E_TAG: return E_TAG;
    case WST_ETHERTYPE_CMD: return metadata(w);
    case WST_ETHERTYPE_MACSEC: return macsec(w);
    default: return 0;
    }
}
