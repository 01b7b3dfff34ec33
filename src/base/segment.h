/* SPDX-License-Identifier: MIT
 *
 * One TCP segment, as the net room hands it to the flow room (RFC 9293 section 3.1); or one UDP
 * datagram, for the quic room. It lives here because those rooms do not know each other.
 */
#ifndef WST_BASE_SEGMENT_H
#define WST_BASE_SEGMENT_H

#include "slice.h"

/* RFC 9293 section 3.1. */
enum wst_tcp_flag {
    WST_TCP_FLAG_FIN = 0x01,
    WST_TCP_FLAG_SYN = 0x02,
    WST_TCP_FLAG_RST = 0x04,
    WST_TCP_FLAG_PSH = 0x08,
    WST_TCP_FLAG_ACK = 0x10,
};

struct wst_segment {
    const uint8_t *src, *dst; /* 4 or 16 bytes, network byte order */
    uint8_t family;           /* 4 or 6 */
    uint8_t flags;            /* enum wst_tcp_flag */
    uint16_t src_port, dst_port;
    uint16_t ip_id;     /* IPv4's identification; 0: it has none */
    uint8_t header_len; /* of the TCP header as far as captured; it lies before the payload */
    /* Which VLAN, PPPoE session, tunnel: flows of different domains are different flows. 0: the
     * plain network. The same number for both directions, as far as the packets tell;
     * flow/network.c finds out what they do not. */
    uint32_t domain;
    uint32_t seq, ack;
    uint16_t window; /* as sent, not scaled */
    /* As the IP header says; more than payload.n when the snap length cut it. */
    uint32_t payload_len;
    struct wst_slice payload; /* captured part */
};

/* The low half of the timestamp (RFC 7323 section 3), where the stacks that there are put it:
 * alone, or in a SYN behind one or two words of other options. 0: not there. */
static inline uint16_t wst_segment_stamp(const struct wst_segment *s)
{
    enum { FIRST = 22, LAST = 30, KIND_AND_LENGTH = 0x080a };
    const uint8_t *header = s->header_len ? s->payload.p - s->header_len : NULL;
    for (size_t at = FIRST; at <= LAST && at + 6 <= s->header_len; at += 4)
        if (wst_be16(header + at) == KIND_AND_LENGTH) return wst_be16(header + at + 4);
    return 0;
}

/* A packet that was captured again has the same, one that was sent again another. 0: not known. */
static inline uint16_t wst_segment_mark(const struct wst_segment *s)
{
    return s->ip_id ? s->ip_id : wst_segment_stamp(s);
}

#endif
