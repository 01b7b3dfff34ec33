/* SPDX-License-Identifier: MIT
 *
 * In: messages, control frames, gaps, findings. Out: lines of an entry's lists.
 * Refuses to write bytes as text that are none, and half a message without saying so.
 */
#include "digits.h"
#include "escape.h"
#include "har.h"
#include "utf8.h"

enum {
    LINE = 512,    /* bytes: more than any line without what the wire put into it */
    PIECE = 16384, /* bytes of a payload at a time */
    FULL = 16384,  /* bytes of the item's buffer: what a piece can become has room behind them */
    COUNTED = 1024 /* the same, where only their room is asked for */
};

static uint8_t *put_time(uint8_t *at, int64_t ns)
{
    return wst_digits_seconds(WST_PUT(at, ",\"time\":"), ns, false);
}

/* {"type":"send","time":… */
static struct wst_out *begin(struct wst_har *har, struct wst_har_conn *conn, enum wst_har_part part,
                             const struct wst_event *event)
{
    struct wst_out *out = wst_har_item(har, conn, part);
    uint8_t *at = wst_out_reserve(out, LINE);
    if (event->dir == WST_S2C)
        at = WST_PUT(at, "{\"type\":\"receive\"");
    else if (event->dir == WST_C2S)
        at = WST_PUT(at, "{\"type\":\"send\"");
    else
        at = WST_PUT(at, "{\"type\":null");
    out->at = put_time(at, event->when.ns);
    return out;
}

static bool end(struct wst_har *har)
{
    *wst_out_reserve(&har->item, 1) = '}';
    har->item.at++;
    return wst_har_item_end(har);
}

/* Inside a string that says `before` bytes of the payload. */
static void put_bytes(struct wst_har *har, struct wst_slice payload, bool utf8, uint64_t before)
{
    struct wst_slice rest = payload;
    while (rest.n > 0) {
        struct wst_slice piece = wst_slice_head(rest, PIECE / 3 * 3);
        if (utf8) piece.n = wst_utf8_cut(rest, PIECE);
        if (utf8)
            wst_escape_json_utf8(&har->item, piece);
        else
            wst_escape_base64(&har->item, piece);
        rest = wst_slice_skip(rest, piece.n);
        if (rest.n > 0 && !wst_har_item_more(har, before + payload.n - rest.n)) return;
    }
}

/* Bytes of the item so far. */
static uint64_t length(const struct wst_har *har)
{
    return har->taken + (uint64_t)(har->item.at - har->item.buffer);
}

/* Behind the payload's last byte. `omitted`: bytes of it that the string does not say. */
static void end_payload(struct wst_har *har, bool utf8, uint64_t omitted)
{
    *wst_out_reserve(&har->item, LINE) = '"'; /* all that follows comes with it */
    har->item.at++;
    if (!utf8 && har->part != WST_HAR_MESSAGES)
        wst_har_text(&har->item, ",\"_encoding\":", "base64");
    if (omitted) wst_har_number(&har->item, ",\"_omitted\":", omitted);
}

/* Behind `"data":`. With `omitted` bytes that the event does not have. */
static void put_payload(struct wst_har *har, struct wst_slice payload, bool utf8, uint64_t omitted)
{
    har->payload = payload.n;
    har->omitted = omitted;
    wst_out_text(&har->item, "\"");
    put_bytes(har, payload, utf8, 0);
    end_payload(har, utf8, omitted);
}

/* -- text known by the piece ------------------------------------------------------------------- */

/* What is known of it behind its first `*end` bytes, one piece after the other; the first is its
 * beginning. Then *end is where that ends. Empty: no more. */
static struct wst_slice next_known(const struct wst_event_message *m, size_t *end)
{
    struct wst_slice piece = *end == 0 && m->payload.n ? wst_slice_head(m->sketch, m->payload.n)
                                                       : wst_event_piece(m->sketch, *end);
    if (piece.n) *end = (size_t)(piece.p - m->sketch.p) + piece.n;
    return piece;
}

/* A viewer shows a string: all that is known, with … for what is not. */
static void put_known(struct wst_har *har, const struct wst_event_message *m)
{
    struct wst_slice piece;
    size_t end = 0;
    uint64_t n = 0;
    har->payload = 0;
    while ((piece = next_known(m, &end)).n) har->payload += piece.n;
    har->omitted = m->len - har->payload;
    wst_out_text(&har->item, "\"");
    end = 0;
    for (size_t at = 0; (piece = next_known(m, &end)).n; at = end, n += piece.n) {
        if (har->item.at - har->item.buffer > FULL && !wst_har_item_more(har, n)) return;
        if (piece.p != m->sketch.p + at) wst_out_text(&har->item, "…");
        put_bytes(har, piece, true, n);
    }
    if (end < m->len) wst_out_text(&har->item, "…");
    end_payload(har, true, har->omitted);
}

/* Behind all other members: each piece, and where in the message it is. */
static void put_pieces(struct wst_har *har, const struct wst_event_message *m)
{
    struct wst_slice piece;
    size_t end = 0;
    uint64_t n = 0;
    wst_out_text(&har->item, ",\"_pieces\":[");
    har->in_piece = true;
    for (; (piece = next_known(m, &end)).n; n += piece.n) {
        wst_har_number(&har->item,
                       n ? "\"},{\"at\":" : "{\"at\":", (uint64_t)(piece.p - m->sketch.p));
        wst_out_text(&har->item, ",\"text\":\"");
        if (har->item.at - har->item.buffer > FULL && !wst_har_item_more(har, n)) return;
        put_bytes(har, piece, true, n);
    }
    wst_out_text(&har->item, "\"}]");
}

/* -- how large an archive becomes -------------------------------------------------------------- */

/* With its quotes. */
static uint64_t as_written(struct wst_slice payload, bool utf8)
{
    uint8_t piece[WST_ESCAPE_JSON_ROOM(COUNTED)];
    uint64_t n = 2;

    if (!utf8) return n + WST_ESCAPE_BASE64_ROOM((uint64_t)payload.n);
    while (payload.n > 0) {
        struct wst_slice head = wst_slice_head(payload, wst_utf8_cut(payload, COUNTED));
        n += (uint64_t)(wst_escape_json_at(piece, head) - piece);
        payload = wst_slice_skip(payload, head.n);
    }
    return n;
}

/* Both what a viewer shows and the pieces themselves. */
static uint64_t as_known(const struct wst_event_message *m)
{
    const uint64_t around = sizeof "{'at':,'text':},…" + 20;
    struct wst_slice piece;
    uint64_t n = sizeof ",'_pieces':[]";
    for (size_t end = 0; (piece = next_known(m, &end)).n;)
        n += 2 * as_written(piece, true) + around;
    return n;
}

/* Text with pieces that a string can say. */
static bool by_the_piece(const struct wst_event_message *m)
{
    return m->sketch.n > 0 && m->opcode == 1 && (m->utf8 || m->payload.n == 0);
}

/* What a few bytes on the wire can become has no end; what an archive of them takes has one. */
static bool too_much(struct wst_har *har, const struct wst_event_message *m)
{
    uint64_t most = har->options.max_total, left;

    har->wire += m->wire_len;
    if (most == 0) most = WST_HAR_TOTAL;
    if (har->options.max_total == 0 && har->wire > most / WST_HAR_GROWTH)
        most = har->wire < UINT64_MAX / WST_HAR_GROWTH ? har->wire * WST_HAR_GROWTH : UINT64_MAX;
    left = most > har->total ? most - har->total : 0;
    if (by_the_piece(m)) return as_known(m) > left;
    if (m->payload.n == 0) return false;
    if (left >= WST_ESCAPE_JSON_ROOM((uint64_t)m->payload.n)) return false; /* at its worst */
    return m->payload.n > left || as_written(m->payload, m->utf8 && m->opcode == 1) > left;
}

/* Why its data is not all of the message; NULL: it is. */
static const char *message_comment(const struct wst_event_message *m, bool bare, bool pieces)
{
    if (!m->certain)
        return pieces ? "not all of this message is known; data is what is, with … for what is not"
                      : "not all of this message is known; data is its beginning, as far as it is "
                        "known to be right";
    if (bare) return "its payload would have made the archive too large";
    return m->omitted ? "a limit cut this message; data is its beginning" : NULL;
}

bool wst_har_message(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event)
{
    const struct wst_event_message *m = &event->message;
    struct wst_out *out = begin(har, conn, WST_HAR_MESSAGES, event);
    bool bare = too_much(har, m), pieces = !bare && by_the_piece(m);
    const char *comment = message_comment(m, bare, pieces);
    uint64_t before;
    out->at = m->opcode == 1 ? WST_PUT(out->at, ",\"opcode\":1,\"data\":")
                             : WST_PUT(out->at, ",\"opcode\":2,\"data\":");
    har->doubtful_item = !m->certain;
    before = length(har);
    if (bare)
        put_payload(har, wst_slice_head(m->payload, 0), true, m->omitted + m->payload.n);
    else if (pieces)
        put_known(har, m);
    else
        put_payload(har, m->payload, m->utf8, m->omitted);
    conn->bare += bare;
    har->left.payloads += bare;
    if (m->opcode == 1 && !m->utf8 && !bare) /* readers take opcode 1 for text, and 2 for base64 */
        wst_har_text(out, ",\"_encoding\":", "base64");
    if (!m->certain) {
        conn->doubtful++;
        wst_har_bool(out, ",\"_certain\":", false);
    }
    if (comment) wst_har_text(out, ",\"comment\":", comment);
    if (pieces) put_pieces(har, m);
    if (!bare) har->total += length(har) - before; /* else of little ones nothing would be left */
    return end(har);
}

bool wst_har_frame(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event)
{
    const struct wst_event_frame *f = &event->frame;
    if (f->opcode == 8) conn->cut_close = !f->complete; /* its close is told next */
    if (f->payload.p == NULL) return true;              /* of a message, or a close */
    struct wst_out *out = begin(har, conn, WST_HAR_CONTROL, event);
    wst_har_number(out, ",\"opcode\":", f->opcode);
    wst_out_text(out, ",\"data\":");
    put_payload(har, f->payload, f->utf8, f->payload_omitted);
    if (!f->complete) wst_har_bool(out, ",\"_complete\":", false);
    return end(har);
}

static void put_reason(struct wst_har *har, const char *key, const struct wst_event_close *c)
{
    wst_out_text(&har->item, key);
    put_payload(har, c->reason, c->utf8 || c->reason.n == 0, c->omitted);
}

bool wst_har_close(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event)
{
    const struct wst_event_close *c = &event->close;
    struct wst_out *out = begin(har, conn, WST_HAR_CONTROL, event);
    wst_har_number(out, ",\"opcode\":", 8);
    if (c->code >= 0) wst_har_number(out, ",\"code\":", (uint64_t)c->code);
    if (c->name) wst_har_text(out, ",\"name\":", c->name);
    put_reason(har, ",\"data\":", c);
    if (conn->cut_close) wst_har_bool(out, ",\"_complete\":", false);
    if (!end(har)) return false;
    if (conn->strands[WST_HAR_CLOSE].round) return true; /* the first one counts */
    out = wst_har_item(har, conn, WST_HAR_CLOSE);
    wst_out_text(out, ",\"_webSocketClose\":{\"code\":");
    if (c->code >= 0)
        wst_out_number(out, (uint64_t)c->code);
    else
        wst_out_text(out, "null");
    put_reason(har, ",\"reason\":", c);
    wst_har_seconds(out, ",\"timestamp\":", event->when.ns);
    if (conn->cut_close) wst_har_bool(out, ",\"_complete\":", false);
    return end(har);
}

bool wst_har_gap(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event)
{
    const struct wst_event_gap *g = &event->gap;
    struct wst_out *out = begin(har, conn, WST_HAR_GAPS, event);
    conn->gaps++;
    wst_har_number(out, ",\"bytes\":", g->bytes);
    if (g->offset >= 0) wst_har_number(out, ",\"offset\":", (uint64_t)g->offset);
    if (g->inexact) wst_har_bool(out, ",\"exact\":", false);
    if (g->least) wst_har_bool(out, ",\"least\":", true);
    return end(har);
}

bool wst_har_problem(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event)
{
    const struct wst_event_problem *p = &event->problem;
    const struct wst_problem_row *row = wst_problem_row(p->problem);
    struct wst_out *out = begin(har, conn, WST_HAR_PROBLEMS, event);
    wst_har_text(out, ",\"id\":", row ? row->id : "unknown");
    wst_har_text(out, ",\"level\":", wst_level_name(row ? row->level : WST_NOTE));
    if (row && row->rfc) wst_har_text(out, ",\"rfc\":", row->rfc);
    if (p->n) wst_har_number(out, ",\"frame\":", p->n);
    if (p->msg) wst_har_number(out, ",\"message\":", p->msg);
    wst_har_text(out, ",\"detail\":", p->detail ? p->detail : "");
    return end(har);
}
