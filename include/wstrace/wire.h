/* SPDX-License-Identifier: MIT
 *
 * What events leave out: the bytes of a frame and of a handshake as they were on the wire, and
 * the TCP segments that carried them. For showing frames bit by bit, not for tracing: it is asked
 * for with options.wire, and copies every byte of every conversation that may be WebSocket.
 *
 *     struct wst_wire wire = {.user = me, .frame = on_frame};
 *     options.wire = &wire;
 *
 * Without it nothing is kept, and a packet costs one branch.
 */
#ifndef WSTRACE_WIRE_H
#define WSTRACE_WIRE_H

#include <wstrace/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run of bytes that one packet carried. Runs follow one another without a hole; a run that is
 * not in the capture has pkt 0. Of bytes that came twice, the packet that brought them first. */
struct wst_wire_segment {
    uint64_t pkt; /* 1-based; 0: these bytes are not in the capture */
    uint64_t at;  /* offset of the first of them, in the frame (0: its first header byte) or head */
    uint64_t n;   /* how many; >= 1 */
    uint32_t seq; /* TCP sequence number of the first, as sent (RFC 9293 section 3.4); inside TLS
                   * the place among the decrypted bytes, from 0 */
    int64_t relative; /* the same counted from the SYN, as Wireshark shows it: the first byte of the
                       * conversation is 1. -1: the SYN is not in the capture */
};

/* Told immediately before the frame's event. Borrowed, all of it, until the callback returns. */
struct wst_wire_frame {
    const struct wst_event *event; /* of type WST_EVENT_FRAME: conn, dir, when, frame */
    struct wst_slice header;  /* event->frame.header_len bytes; NULL: not known (then nothing is) */
    struct wst_slice payload; /* as on the wire, masked if it was: from the front, up to the first
                               * byte that is missing from the capture or beyond limits.max_wire */
    const struct wst_wire_segment *segments; /* of header and payload, in order */
    size_t segments_n;
    uint64_t unlisted; /* bytes at the end whose segments are not listed: there are too many */
};

/* Told immediately before the handshake's event. Heads are as sent, first line to empty line;
 * NULL when that side's was not captured, or was HTTP/2's or HTTP/3's, where nothing of it stands
 * there as it is told: options.headers lists its fields in the event. */
struct wst_wire_handshake {
    const struct wst_event *event; /* of type WST_EVENT_HANDSHAKE */
    uint8_t client_side;           /* which `side` of wst_wire_packet the client is: 0 or 1 */
    struct wst_slice request, response;
    const struct wst_wire_segment *request_segments, *response_segments; /* may be none */
    size_t request_segments_n, response_segments_n;
};

/* One TCP segment of any conversation, told before the events it completes. */
struct wst_wire_packet {
    struct wst_when when;
    int64_t tcp_stream; /* as in the handshake event */
    uint64_t conn;      /* the WebSocket connection, when it is known by now; else 0 */
    enum wst_dir dir;   /* as far as it is known by now; else WST_DIR_NONE */
    uint8_t side;       /* 0 or 1: the conversation's two ends, in no order */
    uint8_t flags;     /* the header's: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK (RFC 9293 section 3.1) */
    uint16_t window;   /* as sent, not scaled */
    uint32_t seq, ack; /* as sent */
    /* Counted from each side's SYN (the SYN is 0); -1: unknown. */
    int64_t relative_seq, relative_ack;
    uint32_t len;     /* payload bytes on the wire */
};

/* Any callback may be NULL. None may call back into the context. */
struct wst_wire {
    void *user;
    void (*packet)(void *user, const struct wst_wire_packet *packet);
    void (*handshake)(void *user, const struct wst_wire_handshake *handshake);
    void (*frame)(void *user, const struct wst_wire_frame *frame);
};

#ifdef __cplusplus
}
#endif
#endif
