/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of a frame's payload, by the piece. Out: header blocks, taken apart; DATA and
 * resets of streams; what the server allows.
 */
#include "session.h"
#include "stalls.h"
#include "streams.h"

/* -- header blocks ----------------------------------------------------------------------------- */

void wst_payload_block_begin(struct wst_session_step *t, const struct wst_http2_frame *f)
{
    struct wst_http2_side *s = t->side;
    if (f->type == WST_HTTP2_CONTINUATION) {
        if (!s->block) wst_hpack_lose(s); /* its beginning was not seen */
        return;
    }
    if (s->block) wst_hpack_lose(s); /* its end was not sent */
    s->block = f->stream;
    s->block_ends = f->type == WST_HTTP2_HEADERS && f->flags & WST_HTTP2_END_STREAM;
    s->block_pushed = f->type == WST_HTTP2_PUSH_PROMISE;
    s->connects = t->dir == WST_C2S;
    s->unwanted = s->block_pushed || !wst_streams_heeded(t->h, t->dir, s->block);
    s->unreadable = false;
    s->fields.n = 0;
}

static void block_bytes(struct wst_session_step *t, struct wst_slice bytes)
{
    struct wst_http2_side *s = t->side;
    if (!s->unreadable && !wst_hpack_push(s, t->env, bytes, false)) s->unreadable = true;
}

void wst_payload_block_lose(struct wst_session_step *t)
{
    t->side->unreadable = t->side->holed = true;
    wst_hpack_lose(t->side);
}

void wst_payload_block_over(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    uint32_t id = s->block;
    s->block = 0;
    if (!s->unreadable && !wst_hpack_push(s, t->env, (struct wst_slice){NULL, 0}, true))
        s->unreadable = true;
    if (s->unreadable)
        wst_session_wrong(t, "a header block that cannot be taken apart (RFC 7541)",
                          "a header block that is not whole, or refers to fields that are missing");
    if (!s->block_pushed)
        wst_streams_headers(t->h, t->env, t->dir, id, !s->unreadable, s->block_ends, t->arrival);
    s->fields.n = 0;
    if (s->fields.room > 4096) wst_buf_free(&s->fields, t->env->budget);
}

/* -- payloads ---------------------------------------------------------------------------------- */

bool wst_payload_block(uint8_t type)
{
    return type == WST_HTTP2_HEADERS || type == WST_HTTP2_PUSH_PROMISE ||
           type == WST_HTTP2_CONTINUATION;
}

uint8_t wst_payload_part(const struct wst_http2_frame *f)
{
    uint8_t padded = f->flags & WST_HTTP2_PADDED ? 1 : 0;
    switch (f->type) {
    case WST_HTTP2_DATA: return padded;
    case WST_HTTP2_HEADERS: return padded + (f->flags & WST_HTTP2_PRIORITY_FLAG ? 5 : 0);
    case WST_HTTP2_PUSH_PROMISE: return padded + 4;
    case WST_HTTP2_RST_STREAM: return 4;
    case WST_HTTP2_SETTINGS: return f->length ? WST_HTTP2_SETTING : 0;
    case WST_HTTP2_GOAWAY:
    case WST_HTTP2_PING: return 8;
    case WST_HTTP2_WINDOW_UPDATE: return 4;
    default: return 0;
    }
}

static void settings_entry(struct wst_session_step *t, const uint8_t p[6])
{
    enum { INITIAL_WINDOW_SIZE = 4, MAX_FRAME_SIZE = 5, ENABLE_CONNECT_PROTOCOL = 8 };
    uint16_t what = wst_be16(p);
    uint32_t value = wst_be32(p + 2);
    /* It binds the other side once it knows; until then it sends less. */
    if (what == MAX_FRAME_SIZE && value > t->h->side[!t->dir].frame_max && value < 1u << 24)
        t->h->side[!t->dir].frame_max = value;
    if (what == INITIAL_WINDOW_SIZE && value <= INT32_MAX)
        wst_stalls_initial(t->h, t->env, t->dir, value, t->arrival);
    if (what == ENABLE_CONNECT_PROTOCOL && t->dir == WST_S2C) t->h->enabled = value == 1;
}

/* The bytes in front of the payload are whole. */
static void part_over(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    if (s->type == WST_HTTP2_SETTINGS) {
        settings_entry(t, s->part);
        s->part_have = 0;
        if (s->left < WST_HTTP2_SETTING) s->part_n = 0;
    } else if (s->type == WST_HTTP2_WINDOW_UPDATE) {
        wst_stalls_update(t->h, t->env, t->dir, s->stream, wst_be32(s->part), t->arrival);
    } else if (s->type == WST_HTTP2_PING) {
        wst_stalls_ping(t->h, t->dir, s->flags & WST_HTTP2_ACK, t->arrival);
    } else if (s->type == WST_HTTP2_RST_STREAM) {
        wst_streams_reset(t->h, t->env, t->dir, s->stream, wst_be32(s->part), t->arrival);
    } else if (s->flags & WST_HTTP2_PADDED) {
        s->pad = s->part[0];
        if (s->pad <= s->left) return;
        s->opaque = true;
        s->pad = 0;
        wst_session_wrong(t, "a frame has more padding than bytes", WST_SESSION_MISFIT);
        if (wst_payload_block(s->type)) wst_payload_block_lose(t);
    }
}

size_t wst_payload_part_bytes(struct wst_session_step *t, struct wst_slice bytes)
{
    struct wst_http2_side *s = t->side;
    size_t n = s->part_n - s->part_have;
    if (n > bytes.n) n = bytes.n;
    memcpy(s->part + s->part_have, bytes.p, n);
    s->part_have = (uint8_t)(s->part_have + n);
    s->left -= (uint32_t)n;
    if (s->part_have == s->part_n) part_over(t);
    return n;
}

void wst_payload_bytes(struct wst_session_step *t, struct wst_slice bytes)
{
    struct wst_http2_side *s = t->side;
    if (s->opaque) return;
    if (s->type == WST_HTTP2_DATA)
        wst_streams_data(t->h, t->env, t->dir, s->stream, bytes, t->arrival);
    else if (wst_payload_block(s->type) && s->block)
        block_bytes(t, bytes);
    else if (s->type == WST_HTTP2_GOAWAY && !s->block && s->fields.n < WST_HTTP2_SAID)
        wst_buf_append(&s->fields, t->env->budget,
                       wst_slice_head(bytes, WST_HTTP2_SAID - s->fields.n), WST_HTTP2_SAID);
}

void wst_payload_goaway(struct wst_session_step *t)
{
    struct wst_http2_side *s = t->side;
    if (s->opaque || s->part_have < s->part_n || s->block || s->doubtful) return;
    wst_stalls_goaway(t->h, t->env, t->dir, s->part, wst_buf_slice(&s->fields), t->arrival);
    s->fields.n = 0;
}
