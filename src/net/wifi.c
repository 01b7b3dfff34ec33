/* SPDX-License-Identifier: MIT
 *
 * In: IEEE 802.11 frames, bare or behind a radio's header. Out: the packet inside a data frame.
 * Refuses management, control and null frames, encrypted ones, and 802.11's own fragments.
 */
#include "walk.h"

enum { /* IEEE 802.11-2020 section 9.2.4.1; little-endian, so the first byte is the low one */
       FC0_VERSION = 0x03,
       FC0_TYPE = 0x0c,
       FC0_TYPE_DATA = 0x08,
       FC0_NULL = 0x40, /* in the subtype of data frames: carries none */
       FC0_QOS = 0x80,  /* likewise: a QoS control field is there */
       FC1_TO_DS = 0x01,
       FC1_FROM_DS = 0x02,
       FC1_MORE_FRAGMENTS = 0x04,
       FC1_PROTECTED = 0x40,
       FC1_ORDER = 0x80, /* in QoS frames: an HT control field is there */
};

enum {
    WIFI_HEADER = 24,
    WIFI_ADDRESS = 6,
    WIFI_QOS = 2,
    WIFI_HT_CONTROL = 4,
    WIFI_FCS = 4,
    QOS_AMSDU = 0x80,
    AMSDU_HEADER = 14,
};

enum { /* www.radiotap.org */
       RADIOTAP_HEADER = 8,
       RADIOTAP_TSFT = 0x00000001, /* presence bits */
       RADIOTAP_FLAGS = 0x00000002,
       RADIOTAP_MORE = 0x80000000u, /* another word of them follows */
       RADIOTAP_F_FCS = 0x10,       /* the frame ends with its check sequence */
       RADIOTAP_F_DATAPAD = 0x20,   /* the frame's header is padded to a multiple of 4 */
       RADIOTAP_F_BAD_FCS = 0x40,
};

enum {
    PRISM_HEADER = 8,        /* message code, length of all; the rest tells of the radio */
    PRISM_MIN = 24,          /* with the device name */
    AVS_MAGIC = 0x80211000u, /* and a version in the last four bits */
};

/* IEEE 802.11-2020 section 9.3.2.2.2: frames in a frame, each from LLC on.
 *
 *  | destination 6 | source 6 | length 2 | LLC … | padding to a multiple of 4 | next
 *
 * Steps behind the first of them, with its padding, and reads what is in it. */
static enum wst_net_result subframe(struct wst_walk *w)
{
    size_t length = wst_be16(w->at.p + 12);
    wst_walk_skip(w, AMSDU_HEADER);
    struct wst_walk inner = *w;
    wst_walk_bound(&inner, length);
    size_t padded = (AMSDU_HEADER + length + 3) / 4 * 4 - AMSDU_HEADER;
    wst_walk_skip(w, padded < w->at.n ? padded : w->at.n);
    return wst_net_llc(&inner);
}

/* One that stands in another is a sniffer's that was overheard: its first frame is read. */
static enum wst_net_result aggregate(struct wst_walk *w)
{
    struct wst_net *net = w->net;
    if (w->at.n < AMSDU_HEADER) return WST_NET_SHORT;
    size_t first = (AMSDU_HEADER + (size_t)wst_be16(w->at.p + 12) + 3) / 4 * 4;
    if (net->several_under_way || w->at.n < first + AMSDU_HEADER) return subframe(w);
    net->several = *w;
    net->several_domain = w->out->domain;
    net->several_whole = net->fragments.whole;
    return WST_NET_SEVERAL;
}

bool wst_net_next(struct wst_net *net, enum wst_net_result *result, struct wst_segment *out)
{
    struct wst_walk *w = &net->several;
    wst_fragments_release(&net->fragments, net->several_whole);
    if (w->at.n < AMSDU_HEADER) return false;
    w->out = out;
    out->domain = net->several_domain;
    net->several_under_way = true;
    *result = subframe(w);
    net->several_under_way = false;
    return true;
}

/* IEEE 802.11-2020 section 9.3.2.1:
 *
 *  | frame control 2 | duration 2 | address 6 | address 6 | address 6 | sequence 2 |
 *  | address 4, if to and from DS | QoS control 2 | HT control 4 | LLC or A-MSDU … */
static enum wst_net_result frame(struct wst_walk *w, bool padded, bool turned)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < WIFI_HEADER) return WST_NET_SHORT;
    unsigned fc0 = p[turned], fc1 = p[!turned];
    if ((fc0 & (FC0_VERSION | FC0_TYPE | FC0_NULL)) != FC0_TYPE_DATA) return WST_NET_OTHER;
    if (fc1 & (FC1_PROTECTED | FC1_MORE_FRAGMENTS)) return WST_NET_OTHER;
    if (p[22] & 0x0f) return WST_NET_OTHER; /* fragment number: not the first */

    bool qos = fc0 & FC0_QOS;
    size_t header = WIFI_HEADER;
    if ((fc1 & FC1_TO_DS) && (fc1 & FC1_FROM_DS)) header += WIFI_ADDRESS;
    size_t control = header;
    if (qos) header += WIFI_QOS;
    if (qos && (fc1 & FC1_ORDER)) header += WIFI_HT_CONTROL;
    if (padded) header = (header + 3) / 4 * 4;
    if (w->at.n < header) return WST_NET_SHORT;
    bool aggregated = qos && (p[control] & QOS_AMSDU);
    wst_walk_skip(w, header);
    return aggregated ? aggregate(w) : wst_net_llc(w);
}

/* Control and acknowledgment frames are shorter than a data frame's header and no less sound. */
static enum wst_net_result any_frame(struct wst_walk *w, bool padded)
{
    if (w->at.n > 0 && (w->at.p[0] & FC0_TYPE) != FC0_TYPE_DATA) return WST_NET_OTHER;
    return frame(w, padded, false);
}

enum wst_net_result wst_net_wifi(struct wst_walk *w)
{
    return any_frame(w, false);
}

/* What goes to an access point or comes from one says so in the second byte; there the first byte
 * of the other order has the version, which is 0. */
enum wst_net_result wst_net_wifi_either(struct wst_walk *w)
{
    bool turned = w->at.n > 0 && (w->at.p[0] & FC0_VERSION) != 0;
    return turned ? frame(w, false, true) : any_frame(w, false);
}

/* The flags byte, or 0 where there is none. Fields follow the presence words in the order of their
 * bits, each aligned to its size; flags are the second, behind an 8-byte timer. */
static uint8_t radiotap_flags(struct wst_slice header)
{
    size_t at = 4;
    uint32_t present = wst_le32(header.p + at), more = present;
    for (at += 4; more & RADIOTAP_MORE; at += 4) {
        if (header.n - at < 4) return 0;
        more = wst_le32(header.p + at);
    }
    if (present & RADIOTAP_TSFT) at = (at + 7) / 8 * 8 + 8;
    return (present & RADIOTAP_FLAGS) && at < header.n ? header.p[at] : 0;
}

/*  | version 1, is 0 | 0 1 | length of all 2 | presence words 4 … | fields … | frame
 *  all little-endian */
enum wst_net_result wst_net_radiotap(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < RADIOTAP_HEADER) return WST_NET_SHORT;
    if (p[0] != 0) return WST_NET_OTHER;
    size_t header = (size_t)p[3] << 8 | p[2];
    if (header < RADIOTAP_HEADER || header > w->at.n) return WST_NET_SHORT;
    uint8_t flags = radiotap_flags(wst_slice_head(w->at, header));
    if (flags & RADIOTAP_F_BAD_FCS) return WST_NET_OTHER;
    wst_walk_skip(w, header);
    if ((flags & RADIOTAP_F_FCS) && w->len >= WIFI_FCS) wst_walk_bound(w, w->len - WIFI_FCS);
    return any_frame(w, flags & RADIOTAP_F_DATAPAD);
}

/* Two headers go by this link type: Prism's own, in the byte order of its host, and the one of the
 * AVS capture format, big-endian. Either begins with a code and its length. */
enum wst_net_result wst_net_prism(struct wst_walk *w)
{
    const uint8_t *p = w->at.p;
    if (w->at.n < PRISM_HEADER) return WST_NET_SHORT;
    bool avs = (wst_be32(p) & 0xfffffff0u) == AVS_MAGIC;
    uint32_t header = avs || p[0] == 0 ? wst_be32(p + 4) : wst_le32(p + 4);
    if (header < (avs ? PRISM_HEADER : PRISM_MIN) || header > w->at.n) return WST_NET_SHORT;
    wst_walk_skip(w, header);
    return any_frame(w, false);
}
