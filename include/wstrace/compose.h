/* SPDX-License-Identifier: MIT
 *
 * The way back: a TCP segment as an IP packet, checksums and all, as a capture of link type
 * RAW (101) holds it. For whoever has bytes of a connection and wants every reader of captures to
 * put them together again: what was decrypted, what a replay said.
 */
#ifndef WSTRACE_COMPOSE_H
#define WSTRACE_COMPOSE_H

#include <wstrace/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WST_COMPOSE_LINK_TYPE = 101 };       /* LINKTYPE_RAW: IP, without anything around it */
enum { WST_COMPOSE_HEAD_MAX = 60 };         /* bytes of both headers: with IPv6 */
enum { WST_COMPOSE_DATA_MAX = 65535 - 40 }; /* bytes that a segment can have: with IPv4 */

/* RFC 9293 section 3.1. */
enum wst_compose_flag {
    WST_COMPOSE_FIN = 0x01,
    WST_COMPOSE_SYN = 0x02,
    WST_COMPOSE_RST = 0x04,
    WST_COMPOSE_PSH = 0x08,
    WST_COMPOSE_ACK = 0x10
};

struct wst_compose_segment {
    uint8_t family;              /* 4 or 6 */
    const uint8_t *src_ip;       /* 4 or 16 bytes, network byte order; borrowed */
    const uint8_t *dst_ip;       /* as many */
    uint16_t src_port, dst_port; /* host byte order, as all numbers here */
    uint16_t id;                 /* IPv4 identification */
    uint8_t flags;               /* enum wst_compose_flag */
    uint32_t seq, ack;           /* ack goes out only with WST_COMPOSE_ACK */
};

/* The IP header (RFC 791, RFC 8200) and the TCP header (RFC 9293) that go before `data`, without
 * options, the window as wide as it can be. Returns their length, 40 or 60; 0: more data than
 * WST_COMPOSE_DATA_MAX. */
WST_API size_t wst_compose_head(const struct wst_compose_segment *segment, struct wst_slice data,
                                uint8_t head[WST_COMPOSE_HEAD_MAX]);

#ifdef __cplusplus
}
#endif

#endif
