/* SPDX-License-Identifier: MIT
 *
 * The walk through one packet, private to this room. A reader finds its header at `at`, checks
 * that it is there, steps behind it and calls the reader of the next one; the TCP reader ends the
 * walk. Nothing is copied on the way: a walk is a window that shrinks.
 */
#ifndef WST_NET_WALK_H
#define WST_NET_WALK_H

#include "fragment.h"
#include "net.h"
#include "seldom.h"
#include "slice.h"

/* What is out of the ordinary about the innermost IP header passed. */
enum wst_net_quirk {
    WST_NET_GUESSED = 1, /* it gives no length (offload): the packet's end was taken */
    WST_NET_ROUTED = 2,  /* it is source routed: its destination is but the next stop */
    WST_NET_JOINED = 4,  /* its payload has been put together from fragments */
};

/*       |<-------------------- len ------------------>|
 *       |<---------- at.n --------->|  cut away by    |
 *  read |  captured, still to read  |  the snap length|  padding, never looked at
 *       ^ at.p
 *
 * Always: at.n <= len. */
struct wst_walk {
    struct wst_slice at;
    size_t len; /* bytes from here to the end of what encloses them, as on the wire */
    struct wst_net *net;
    struct wst_segment *out; /* addresses, family and domain are filled in on the way */
    int64_t now;             /* the packet's time, ns */
    uint32_t depth;          /* encapsulations that may still follow */
    uint8_t quirks;          /* enum wst_net_quirk */
};

struct wst_net {
    struct wst_fragments fragments;
    uint32_t tunnel_depth;
    bool verify_checksums;
    struct wst_walk several; /* at the next frame of an A-MSDU … */
    uint32_t several_domain; /* … which is in this one; 0 bytes: there is none */
    struct wst_whole *several_whole; /* they lie in this datagram, which was fragmented; or NULL */
    bool several_under_way;
};

/* How a packet begins: https://www.tcpdump.org/linktypes.html. */
enum wst_linktype {
    WST_LINKTYPE_NULL = 0,
    WST_LINKTYPE_ETHERNET = 1,
    WST_LINKTYPE_TOKEN_RING = 6,
    WST_LINKTYPE_SLIP = 8,
    WST_LINKTYPE_PPP = 9,
    WST_LINKTYPE_FDDI = 10,
    WST_LINKTYPE_RAW_BSD = 12,     /* what DLT_RAW is on most systems … */
    WST_LINKTYPE_RAW_OPENBSD = 14, /* … and on OpenBSD; files hold both by mistake */
    WST_LINKTYPE_PPP_HDLC = 50,
    WST_LINKTYPE_PPP_ETHER = 51,
    WST_LINKTYPE_ATM_RFC1483 = 100,
    WST_LINKTYPE_RAW = 101,
    WST_LINKTYPE_C_HDLC = 104,
    WST_LINKTYPE_IEEE802_11 = 105,
    WST_LINKTYPE_FRELAY = 107,
    WST_LINKTYPE_LOOP = 108,
    WST_LINKTYPE_ENC = 109,
    WST_LINKTYPE_LINUX_SLL = 113,
    WST_LINKTYPE_PFLOG = 117,
    WST_LINKTYPE_IEEE802_11_PRISM = 119,
    WST_LINKTYPE_IP_OVER_FC = 122,
    WST_LINKTYPE_SUNATM = 123,
    WST_LINKTYPE_IEEE802_11_RADIOTAP = 127,
    WST_LINKTYPE_APPLE_IP_OVER_IEEE1394 = 138,
    WST_LINKTYPE_IEEE802_11_AVS = 163,
    WST_LINKTYPE_PPP_PPPD = 166,
    WST_LINKTYPE_JUNIPER_PPPOE = 167,
    WST_LINKTYPE_JUNIPER_ETHER = 178,
    WST_LINKTYPE_JUNIPER_PPP = 179,
    WST_LINKTYPE_JUNIPER_FRELAY = 180,
    WST_LINKTYPE_JUNIPER_CHDLC = 181,
    WST_LINKTYPE_MFR = 182,
    WST_LINKTYPE_PPI = 192,
    WST_LINKTYPE_PPP_WITH_DIR = 204,
    WST_LINKTYPE_C_HDLC_WITH_DIR = 205,
    WST_LINKTYPE_FRELAY_WITH_DIR = 206,
    WST_LINKTYPE_MPLS = 219,
    WST_LINKTYPE_IPNET = 226,
    WST_LINKTYPE_IPV4 = 228,
    WST_LINKTYPE_IPV6 = 229,
    WST_LINKTYPE_NFLOG = 239,
    WST_LINKTYPE_NETANALYZER = 240,
    WST_LINKTYPE_NETANALYZER_TRANSPARENT = 241,
    WST_LINKTYPE_IPOIB = 242,
    WST_LINKTYPE_PKTAP = 258,
    WST_LINKTYPE_LINUX_SLL2 = 276,
    WST_LINKTYPE_DSA_TAG_BRCM = 281,
    WST_LINKTYPE_DSA_TAG_BRCM_PREPEND = 282,
    WST_LINKTYPE_DSA_TAG_DSA = 284,
    WST_LINKTYPE_DSA_TAG_EDSA = 285,
};

/* EtherTypes, IEEE 802 registry (iana.org/assignments/ieee-802-numbers). */
enum wst_ethertype {
    WST_ETHERTYPE_LENGTH_MAX = 1500,  /* up to here a length, IEEE 802.3 section 3.2.6 */
    WST_ETHERTYPE_MIN = 0x0600,       /* from here a type */
    WST_ETHERTYPE_IPV4 = 0x0800,      /* RFC 894 */
    WST_ETHERTYPE_IPV6 = 0x86dd,      /* RFC 2464 */
    WST_ETHERTYPE_CVLAN = 0x8100,     /* IEEE 802.1Q customer tag */
    WST_ETHERTYPE_SVLAN = 0x88a8,     /* IEEE 802.1ad service tag */
    WST_ETHERTYPE_QINQ_9100 = 0x9100, /* service tags of before 802.1ad */
    WST_ETHERTYPE_QINQ_9200 = 0x9200,
    WST_ETHERTYPE_QINQ_9300 = 0x9300,
    WST_ETHERTYPE_TEB = 0x6558,      /* a whole Ethernet frame, RFC 1701 */
    WST_ETHERTYPE_PPP = 0x880b,      /* in GRE, RFC 2637 */
    WST_ETHERTYPE_MPLS = 0x8847,     /* RFC 3032, RFC 5332 */
    WST_ETHERTYPE_MPLS_UP = 0x8848,  /* upstream-assigned label */
    WST_ETHERTYPE_PPPOE = 0x8864,    /* session stage, RFC 2516 */
    WST_ETHERTYPE_PBB = 0x88e7,      /* IEEE 802.1ah I-TAG */
    WST_ETHERTYPE_ERSPAN = 0x88be,   /* draft-foschiano-erspan, type I and II */
    WST_ETHERTYPE_ERSPAN_3 = 0x22eb, /* type III */
    WST_ETHERTYPE_MACSEC = 0x88e5,   /* IEEE 802.1AE */
    WST_ETHERTYPE_CMD = 0x8909,      /* Cisco MetaData */
    WST_ETHERTYPE_VN_TAG = 0x8926,   /* Cisco */
    WST_ETHERTYPE_NSH = 0x894f,      /* RFC 8300 */
    WST_ETHERTYPE_BATMAN = 0x4305,   /* ETH_P_BATMAN of linux/if_ether.h */
    WST_ETHERTYPE_E_TAG = 0x893f,    /* IEEE 802.1BR */
    WST_ETHERTYPE_EDSA = 0xdada,     /* Marvell's switches, ETH_P_EDSA of linux/if_ether.h */
};

/* What sets one network apart from another; see wst_net_domain. */
enum wst_net_kind {
    WST_NET_KIND_VLAN = 1,
    WST_NET_KIND_PPPOE,
    WST_NET_KIND_ISID,
    WST_NET_KIND_VXLAN,
    WST_NET_KIND_GENEVE,
    WST_NET_KIND_NVGRE,
    WST_NET_KIND_GRE,
    WST_NET_KIND_IPIP,
    WST_NET_KIND_ETHERIP,
    WST_NET_KIND_MPLS_IP,
    WST_NET_KIND_GTP,
    WST_NET_KIND_TEREDO,
    WST_NET_KIND_L2TP,
    WST_NET_KIND_MPLS_UDP,
    WST_NET_KIND_LISP,
    WST_NET_KIND_CAPWAP,
};

/* Steps behind `n` bytes the caller has seen to be captured. */
static inline void wst_walk_skip(struct wst_walk *w, size_t n)
{
    w->at.p += n;
    w->at.n -= n;
    w->len -= n;
}

/* A header says that `n` bytes follow in all. What lies beyond is padding. What is missing counts
 * as cut away, even where the enclosing header has no room for it: mirrors (ERSPAN, cloud traffic
 * mirroring) cut the inner packet and wrap it in a sound outer one. */
static inline void wst_walk_bound(struct wst_walk *w, size_t n)
{
    w->at = wst_slice_head(w->at, n);
    w->len = n;
}

static inline bool wst_walk_is_cut(const struct wst_walk *w)
{
    return w->at.n < w->len;
}

/* A good mixer of 64 bits: the finisher of splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t wst_net_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* The domain of the network `id` of a kind inside `domain`: another one, never 0. */
static inline uint32_t wst_net_domain_of(uint32_t domain, enum wst_net_kind kind, uint32_t id)
{
    uint64_t x = (uint64_t)domain << 32 | id;
    x = wst_net_mix(x + 0x9e3779b97f4a7c15u * (uint64_t)kind) >> 32;
    return x ? (uint32_t)x : 1;
}

/* Enters it. */
void wst_net_domain(struct wst_walk *w, enum wst_net_kind kind, uint32_t id);
/* The same for a tunnel known by the two addresses of the last IP header, in no order. `id`: what
 * else tells it from other tunnels between the two, or 0. */
void wst_net_domain_pair(struct wst_walk *w, enum wst_net_kind kind, uint32_t id);

/* The walk through a whole packet, however plain it is. */
enum wst_net_result wst_net_walk(struct wst_net *net, const struct wst_packet *packet,
                                 struct wst_segment *out);

/* The readers. Each finds its header at w->at and ends the walk, through others or by itself. */
enum wst_net_result wst_net_link(struct wst_walk *w, uint32_t link_type);     /* link.c */
enum wst_net_result wst_net_wifi(struct wst_walk *w);                         /* wifi.c */
/* The same where some turn the two bytes of its frame control round. */
enum wst_net_result wst_net_wifi_either(struct wst_walk *w);                  /* wifi.c */
enum wst_net_result wst_net_radiotap(struct wst_walk *w);                     /* wifi.c */
enum wst_net_result wst_net_prism(struct wst_walk *w);                        /* wifi.c */
enum wst_net_result wst_net_ether(struct wst_walk *w);                        /* ether.c */
enum wst_net_result wst_net_ethertype(struct wst_walk *w, unsigned type);     /* ether.c */
enum wst_net_result wst_net_llc(struct wst_walk *w);                          /* ether.c */
enum wst_net_result wst_net_dsa(struct wst_walk *w);                          /* ether.c */
enum wst_net_result wst_net_dsa_front(struct wst_walk *w);                    /* ether.c */
enum wst_net_result wst_net_pktap(struct wst_walk *w);                        /* envelope.c */
enum wst_net_result wst_net_ppi(struct wst_walk *w);                          /* envelope.c */
enum wst_net_result wst_net_tzsp(struct wst_walk *w);                         /* envelope.c */
enum wst_net_result wst_net_frelay(struct wst_walk *w);                       /* relay.c */
enum wst_net_result wst_net_mfr(struct wst_walk *w);                          /* relay.c */
enum wst_net_result wst_net_aal5(struct wst_walk *w);                         /* relay.c */
enum wst_net_result wst_net_sunatm(struct wst_walk *w);                       /* relay.c */
enum wst_net_result wst_net_token_ring(struct wst_walk *w);                   /* relay.c */
enum wst_net_result wst_net_fddi(struct wst_walk *w);                         /* relay.c */
enum wst_net_result wst_net_nsh(struct wst_walk *w);                          /* overlay.c */
unsigned wst_net_next_protocol(uint8_t next); /* of NSH and VXLAN-GPE; 0: not known. overlay.c */
enum wst_net_result wst_net_batman(struct wst_walk *w);                       /* overlay.c */
enum wst_net_result wst_net_lisp(struct wst_walk *w);                         /* overlay.c */
enum wst_net_result wst_net_capwap(struct wst_walk *w);                       /* overlay.c */
enum wst_net_result wst_net_mpls(struct wst_walk *w);                         /* mpls.c */
enum wst_net_result wst_net_pppoe(struct wst_walk *w);                        /* ppp.c */
enum wst_net_result wst_net_ppp(struct wst_walk *w);                          /* ppp.c */
enum wst_net_result wst_net_hdlc(struct wst_walk *w);                         /* ppp.c */
enum wst_net_result wst_net_pppd(struct wst_walk *w);                         /* ppp.c */
enum wst_net_result wst_net_ip(struct wst_walk *w);                           /* ip.c */
enum wst_net_result wst_net_ipv4(struct wst_walk *w);                         /* ip.c */
enum wst_net_result wst_net_ipv6(struct wst_walk *w);                         /* ip.c */
enum wst_net_result wst_net_transport(struct wst_walk *w, unsigned protocol); /* ip.c */
enum wst_net_result wst_net_gre(struct wst_walk *w);                          /* gre.c */
enum wst_net_result wst_net_udp(struct wst_walk *w);                          /* udp.c */
enum wst_net_result wst_net_tcp(struct wst_walk *w);                          /* tcp.c */

/* Whether the port numbers of a UDP packet may be a tunnel's; udp.c. */
bool wst_net_udp_tunnels(unsigned from, unsigned to);
/* Whether a datagram is what wst_net_tzsp, … want to find; their ports may also be anybody's. */
bool wst_net_is_tzsp(struct wst_slice datagram);
bool wst_net_is_lisp(struct wst_slice datagram);
bool wst_net_is_capwap(struct wst_slice datagram);
/* How long the tag is that an EtherType announces, with the one behind it, which is its end; it may
 * not all be there. 0: it announces none, or one that seals what follows; tag.c. */
size_t wst_net_tag(const struct wst_walk *w, unsigned type);

/* What a TCP header at the front of `tcp` says, but for the ports; `header`: its length, of
 * which 20 bytes at least were captured. RFC 9293 section 3.1, drawn in tcp.c. */
static inline void wst_net_take_tcp(struct wst_segment *out, struct wst_slice tcp, size_t header)
{
    const uint8_t *p = tcp.p;
    out->seq = wst_be32(p + 4);
    out->ack = wst_be32(p + 8);
    out->flags = p[13] & (WST_TCP_FLAG_FIN | WST_TCP_FLAG_SYN | WST_TCP_FLAG_RST |
                          WST_TCP_FLAG_PSH | WST_TCP_FLAG_ACK);
    out->window = wst_be16(p + 14);
    if (header > tcp.n) header = tcp.n; /* its options were cut away */
    out->header_len = (uint8_t)header;
    out->payload = (struct wst_slice){p + header, tcp.n - header};
}

/* Goes one encapsulation deeper, into a packet of this EtherType (a whole Ethernet frame:
 * WST_ETHERTYPE_TEB). Every way back to an outer layer leads through here or
 * wst_net_inside_ip, so that recursion ends. WST_NET_OTHER when it is too deep. */
enum wst_net_result wst_net_inside(struct wst_walk *w, unsigned type);
/* The same into an IP packet; its first four bits tell the version. */
enum wst_net_result wst_net_inside_ip(struct wst_walk *w);

/* The ones' complement sum of RFC 1071 over `s`, begun with `sum`, folded to 16 bits: 0xffff over
 * bytes which hold their own right checksum. */
uint16_t wst_net_sum(struct wst_slice s, uint32_t sum);

#endif
