/* SPDX-License-Identifier: MIT
 *
 *      +-----------------------------------------------+
 *      |                 Length (24)                   |
 *      +---------------+---------------+---------------+
 *      |   Type (8)    |   Flags (8)   |
 *      +-+-------------+---------------+-------------------------------+
 *      |R|                 Stream Identifier (31)                      |
 *      +=+=============================================================+
 *      |                   Frame Payload (0...)                      ...
 *      +---------------------------------------------------------------+
 *                                                   RFC 9113 section 4.1
 */
#include "http2.h"
#include "slice.h"

enum { EITHER, STREAM, CONNECTION };

static const struct {
    uint8_t flags, on;
    uint8_t least, step;
} rows[WST_HTTP2_TYPES] = {
#define WST_HTTP2_ROW(NAME, type, flags, on, least, step) {flags, on, least, step},
#include "frames.def"
#undef WST_HTTP2_ROW
};

struct wst_http2_frame wst_http2_frame_read(const uint8_t head[WST_HTTP2_HEADER])
{
    return (struct wst_http2_frame){.length = wst_be32(head) >> 8,
                                    .type = head[3],
                                    .flags = head[4],
                                    .stream = wst_be32(head + 5) & 0x7fffffff,
                                    .reserved = head[5] & 0x80};
}

static bool frame_length_fits(const struct wst_http2_frame *f)
{
    unsigned least = rows[f->type].least, step = rows[f->type].step;
    if (f->length < least) return false;
    return step == 0 || (step == 1 ? f->length == least : (f->length - least) % step == 0);
}

const char *wst_http2_frame_wrong(const struct wst_http2_frame *f)
{
    if (f->type >= WST_HTTP2_TYPES) return NULL;
    if (rows[f->type].on == STREAM && !f->stream) return "a frame on stream 0 that has none there";
    if (rows[f->type].on == CONNECTION && f->stream) return "a frame of the connection on a stream";
    return frame_length_fits(f) ? NULL : "a frame whose length is not that of its type";
}

/* Of a thousand million million nines of bytes one looks like this: its length is one of 2^14 in
 * 2^24, its type one of ten, its flags one of few, its stream one of a few hundred in 2^32. */
bool wst_http2_frame_plausible(const struct wst_http2_frame *f, uint32_t length_max,
                               uint32_t last_client)
{
    if (f->type >= WST_HTTP2_TYPES || f->length > length_max || f->reserved ||
        f->flags & ~rows[f->type].flags)
        return false;
    if (wst_http2_frame_wrong(f)) return false;
    return f->stream <= last_client + WST_HTTP2_AHEAD || last_client > INT32_MAX - WST_HTTP2_AHEAD;
}

bool wst_http2_frame_idle(const struct wst_http2_frame *f)
{
    bool reason = (f->type == WST_HTTP2_DATA && f->flags == WST_HTTP2_END_STREAM) ||
                  (f->type == WST_HTTP2_SETTINGS && f->flags == WST_HTTP2_ACK);
    return !f->length && !reason;
}
