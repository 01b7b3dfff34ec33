/* SPDX-License-Identifier: MIT
 *
 * The frames of an opened packet (RFC 9000 section 12.4). In: its payload. Out: one frame at a
 * time, taken apart. Refuses a frame that ends behind the packet, and types it does not know: what
 * follows one cannot be found.
 */
#ifndef WST_QUIC_FRAMES_H
#define WST_QUIC_FRAMES_H

#include "slice.h"

enum wst_quic_frame_type {
#define WST_QUIC_ROW(NAME, type, layout) WST_QUIC_##NAME = type,
#include "frames.def"
#undef WST_QUIC_ROW
    WST_QUIC_STREAM_FIN = 0x01, /* bits of STREAM's types */
    WST_QUIC_STREAM_LENGTH = 0x02,
    WST_QUIC_STREAM_OFFSET = 0x04
};

enum { WST_QUIC_VALUES = 4, WST_QUIC_TOKEN = 16 };

struct wst_quic_frame {
    uint64_t type;
    /* Its integers, in their order. Of STREAM: stream, offset. Of ACK: the largest number. */
    uint64_t v[WST_QUIC_VALUES];
    struct wst_slice bytes; /* data, reason, ID; of ACK its ranges, see wst_quic_ack */
    const uint8_t *token;   /* WST_QUIC_TOKEN bytes, of NEW_CONNECTION_ID */
};

/* Takes a frame from the front of `payload`. False: there is none that can be read. */
bool wst_quic_frame_take(struct wst_slice *payload, struct wst_quic_frame *frame);

/* The ranges of an ACK frame, from the newest on. */
struct wst_quic_ack {
    struct wst_slice rest;
    uint64_t next; /* the largest number of the range */
    bool more;
};
struct wst_quic_ack wst_quic_ack_of(const struct wst_quic_frame *frame);
/* False: that was the last, or the rest says what cannot be. */
bool wst_quic_ack_next(struct wst_quic_ack *ack, uint64_t *from, uint64_t *to);

#endif
