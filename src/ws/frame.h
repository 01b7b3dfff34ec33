/* SPDX-License-Identifier: MIT
 *
 * In: bytes at a frame boundary. Out: one frame header (RFC 6455 section 5.2), and payload with
 * its mask taken off (section 5.3). Refuses nothing: an odd header is a header, the rules judge it.
 */
#ifndef WST_WS_FRAME_H
#define WST_WS_FRAME_H

#include "slice.h"

enum { WST_FRAME_HEADER_MAX = 14 };

enum wst_opcode {
    WST_OP_CONTINUATION = 0x0,
    WST_OP_TEXT = 0x1,
    WST_OP_BINARY = 0x2,
    WST_OP_CLOSE = 0x8,
    WST_OP_PING = 0x9,
    WST_OP_PONG = 0xa,
};

/* Bits of wst_frame.rsv, in the order in which they stand in the header. */
enum wst_rsv {
    WST_RSV1 = 4, /* of a message that is compressed: RFC 7692 section 6 */
    WST_RSV2 = 2, /* means nothing so far, as RSV3 */
    WST_RSV3 = 1,
};

struct wst_frame {
    uint64_t len;   /* payload length as declared */
    uint8_t opcode; /* 0–15 */
    uint8_t rsv;    /* of enum wst_rsv */
    bool fin, masked;
    uint8_t length_bits; /* how the length was written: 7, 16 or 64 */
    uint8_t header_len;  /* 2–14 */
    uint8_t key[4];
};

/* Reads the header at the front of p[0, n). Returns its length; 0: it is not whole yet. */
size_t wst_frame_parse(const uint8_t *p, size_t n, struct wst_frame *frame);

/* dst[i] = src[i] ^ key[(phase + i) mod 4] (section 5.3). dst == src is allowed. */
void wst_frame_unmask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4],
                      uint64_t phase);

static inline bool wst_frame_is_control(const struct wst_frame *f)
{
    return f->opcode >= 8;
}
static inline bool wst_frame_is_data(const struct wst_frame *f)
{
    return f->opcode <= 2;
}
/* The bits of rsv that mean nothing: all, or all but RSV1 where compression was agreed on. */
static inline unsigned wst_frame_rsv_stray(const struct wst_frame *f, bool compression)
{
    return compression ? f->rsv & (WST_RSV2 | WST_RSV3) : f->rsv;
}
/* RFC 6455 section 5.2: 3 to 7 and 11 to 15. */
static inline bool wst_frame_opcode_reserved(unsigned opcode)
{
    return (opcode > 2 && opcode < 8) || opcode > 10;
}

#endif
