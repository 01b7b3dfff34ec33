/* SPDX-License-Identifier: MIT
 *
 * One TCP segment, as the net room hands it to the flow room (RFC 9293 section 3.1); or one UDP
 * datagram, for the quic room. It lives here because those rooms do not know each other.
 */
#ifndef WST_BASE_SEGMENT_H
#define WST_BASE_SEGMENT_H

#include <wstrace/types.h>

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
    /* The packet captured again has the same, what is sent again has another: IPv4's
     * identification, else the low half of TCP's timestamp. 0: not known. */
    uint16_t mark;
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

#endif
