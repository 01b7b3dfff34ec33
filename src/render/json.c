/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: NDJSON, one line each, docs/EVENTS.md to the letter, fields in its order.
 * Refuses to write a line that is not valid JSON in valid UTF-8, whatever the bytes; that a payload
 * is UTF-8 it believes the event.
 *
 * Half of all lines are frames, the other half messages. Each is written with one reservation,
 * copies of constant pieces and digits: no formatting language, no growth, no second pass.
 */
#include "json.h"

#include <assert.h>
#include <stdlib.h>

#include "app_json.h"
#include "digits.h"
#include "escape.h"
#include "seldom.h"

enum { LINE = 1024 }; /* bytes: more than any frame or message line without its payload */

/* A piece of a line that depends on few bits: copied whole, then only `n` of it counts. */
struct piece {
    char text[63];
    uint8_t n;
};

static uint8_t *put_piece(uint8_t *at, const struct piece *piece)
{
    memcpy(at, piece->text, sizeof piece->text);
    return at + piece->n;
}

#define FLAGS(fin, a, b, c) ",\"fin\":" fin ",\"rsv1\":" a ",\"rsv2\":" b ",\"rsv3\":" c
#define FLAGS_PIECE(fin, a, b, c)                           \
    {                                                       \
        FLAGS(fin, a, b, c), sizeof FLAGS(fin, a, b, c) - 1 \
    }
#define FLAGS_PIECES(fin, a)                                                     \
    FLAGS_PIECE(fin, a, "false", "false"), FLAGS_PIECE(fin, a, "false", "true"), \
        FLAGS_PIECE(fin, a, "true", "false"), FLAGS_PIECE(fin, a, "true", "true")

/* Index: FIN RSV1 RSV2 RSV3, as in the first nibble of a frame. */
static const struct piece flags[16] = {
    FLAGS_PIECES("false", "false"),
    FLAGS_PIECES("false", "true"),
    FLAGS_PIECES("true", "false"),
    FLAGS_PIECES("true", "true"),
};

static const struct piece opcodes[16] = {
#define WST_OPCODE_ROW(number, name, kind, citation)           \
    [number] = {",\"opcode\":" #number ",\"op\":\"" name "\"", \
                sizeof(",\"opcode\":" #number ",\"op\":\"" name "\"") - 1},
#include "opcodes.def"
#undef WST_OPCODE_ROW
};

/* -- what lines have in common -------------------------------------------------------------- */

static uint8_t *put_head(struct wst_json *json, uint8_t *at)
{
    static const struct {
        char text[15];
        uint8_t n;
    } dirs[] = {
        [WST_JSON_C2S] = {",\"dir\":\"c2s\"", 12},
        [WST_JSON_S2C] = {",\"dir\":\"s2c\"", 12},
        [WST_JSON_NULL] = {",\"dir\":null", 11},
        [WST_JSON_NO_DIR] = {"", 0},
    };
    uint32_t rest = wst_clock_set(&json->clock, json->when.ns);
    at = WST_PUT(at, ",\"ts\":\"");
    memcpy(at, json->clock.text, sizeof json->clock.text);
    at += sizeof json->clock.text;
    *at++ = '.';
    at = json->nanos ? wst_digits_fixed(at, rest, 9) : wst_digits_fixed(at, rest / 1000, 6);
    at = wst_digits(WST_PUT(at, "Z\",\"pkt\":"), json->when.pkt);
    at = wst_json_number(WST_PUT(at, ",\"conn\":"), json->conn);
    memcpy(at, dirs[json->dir].text, sizeof dirs[0].text);
    return at + dirs[json->dir].n;
}

uint8_t *wst_json_head(struct wst_json *json, uint8_t *at, const struct wst_event *event,
                       enum wst_json_dir dir)
{
    uint8_t *end;
    if (json->head_n > 0 && json->flushes == json->render.out.flushes &&
        json->when.pkt == event->when.pkt && json->when.ns == event->when.ns &&
        json->conn == event->conn && json->dir == dir && json->nanos == event->nanos) {
        memmove(at, json->head, WST_JSON_HEAD);
        return at + json->head_n;
    }
    json->when = event->when;
    json->conn = event->conn;
    json->dir = dir;
    json->nanos = event->nanos;
    json->flushes = json->render.out.flushes;
    json->head = at;
    end = put_head(json, at);
    json->head_n = (size_t)(end - at);
    return end;
}

/* `text` or `b64` with its key, comma in front. Any size. */
static void put_payload(struct wst_json *json, struct wst_slice payload, bool utf8)
{
    struct wst_out *out = &json->render.out;
    uint8_t *at = wst_out_reserve(out, 16);
    if (utf8) {
        out->at = WST_PUT(at, ",\"text\":\"");
        wst_escape_json_utf8(out, payload);
    } else {
        out->at = WST_PUT(at, ",\"b64\":\"");
        wst_escape_base64(out, payload);
    }
    *wst_out_reserve(out, 1) = '"';
    out->at++;
}

/* -- the hot lines -------------------------------------------------------------------------- */

static uint8_t *put_mask(uint8_t *at, const struct wst_event_frame *f)
{
    if (!f->masked) return WST_PUT(at, ",\"masked\":false,\"mask_key\":null");
    at = WST_PUT(at, ",\"masked\":true,\"mask_key\":\"");
    for (int i = 0; i < 4; i++) at = wst_digits_hex(at, f->mask_key[i]);
    return WST_PUT(at, "\"");
}

static void frame(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_frame *f = &event->frame;
    struct wst_out *out = &json->render.out;
    uint8_t *at = WST_PUT(wst_out_reserve(out, LINE), "{\"type\":\"frame\"");
    at = wst_json_head(json, at, event, wst_json_dir_of(event));
    at = wst_digits(WST_PUT(at, ",\"n\":"), f->n);
    at = put_piece(at, &flags[f->fin << 3 | f->rsv1 << 2 | f->rsv2 << 1 | f->rsv3]);
    at = put_piece(at, &opcodes[f->opcode & 15]);
    at = put_mask(at, f);
    at = wst_digits_few(WST_PUT(at, ",\"header_len\":"), f->header_len);
    at = wst_digits(WST_PUT(at, ",\"len\":"), f->len);
    at = wst_digits(WST_PUT(at, ",\"offset\":"), f->offset);
    at = wst_json_number(WST_PUT(at, ",\"msg\":"), f->msg);
    at = wst_json_bool(WST_PUT(at, ",\"complete\":"), f->complete);
    if (f->payload.p != NULL) {
        out->at = at;
        put_payload(json, f->payload, f->utf8);
        at = wst_out_reserve(out, 64);
    }
    if (f->payload_omitted > 0) at = wst_digits(WST_PUT(at, ",\"omitted\":"), f->payload_omitted);
    out->at = WST_PUT(at, "}\n");
}

/* What is known of a text behind what `text` says. */
static WST_SELDOM void pieces(struct wst_json *json, const struct wst_event_message *m)
{
    struct wst_out *out = &json->render.out;
    const char *before = ",\"pieces\":[";
    size_t at = m->payload.n;
    for (struct wst_slice piece; (piece = wst_event_piece(m->sketch, at)).n; at += piece.n) {
        at = (size_t)(piece.p - m->sketch.p);
        wst_out_text(out, before);
        out->at = wst_digits(WST_PUT(wst_out_reserve(out, 32), "{\"at\":"), at);
        put_payload(json, piece, true);
        wst_out_text(out, "}");
        before = ",";
    }
    wst_out_text(out, "]");
}

static void message(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_message *m = &event->message;
    struct wst_out *out = &json->render.out;
    uint8_t *at = WST_PUT(wst_out_reserve(out, LINE), "{\"type\":\"message\"");
    at = wst_json_head(json, at, event, wst_json_dir_of(event));
    at = wst_digits(WST_PUT(at, ",\"msg\":"), m->msg);
    at = m->opcode == 1 ? WST_PUT(at, ",\"op\":\"text\"") : WST_PUT(at, ",\"op\":\"binary\"");
    at = wst_digits(WST_PUT(at, ",\"first_pkt\":"), m->first_pkt);
    at = wst_digits_few(WST_PUT(at, ",\"frames\":"), m->frames);
    at = wst_digits(WST_PUT(at, ",\"wire_len\":"), m->wire_len);
    at = wst_digits(WST_PUT(at, ",\"len\":"), m->len);
    out->at = wst_json_bool(WST_PUT(at, ",\"compressed\":"), m->compressed);
    put_payload(json, m->payload, m->utf8);
    at = WST_PUT(wst_out_reserve(out, 64), ",\"omitted\":");
    at = wst_digits_few(at, m->omitted);
    out->at = wst_json_bool(WST_PUT(at, ",\"certain\":"), m->certain);
    if (m->sketch.n) pieces(json, m);
    if (m->app) {
        wst_out_text(out, ",\"app\":");
        wst_app_json_said(out, m->app, event->nanos);
    }
    wst_out_text(out, "}\n");
}

static void event_line(void *user, const struct wst_event *event)
{
    struct wst_json *json = user;
    switch (event->type) {
    case WST_EVENT_META: wst_json_meta(json, event); break;
    case WST_EVENT_HANDSHAKE: wst_json_handshake(json, event); break;
    case WST_EVENT_FRAME: frame(json, event); break;
    case WST_EVENT_MESSAGE: message(json, event); break;
    case WST_EVENT_CLOSE: wst_json_close(json, event); break;
    case WST_EVENT_GAP: wst_json_gap(json, event); break;
    case WST_EVENT_PROBLEM: wst_json_problem(json, event); break;
    case WST_EVENT_END: wst_json_end(json, event); break;
    case WST_EVENT_STATS: wst_json_stats(json, event); break;
    case WST_EVENT_TYPES: break;
    }
}

struct wst_render *wst_render_json_new(wst_write_fn write, void *user)
{
    struct wst_json *json = malloc(sizeof *json);
    if (json == NULL) return NULL;
    json->render.event = event_line;
    json->render.settle = NULL;
    json->render.release = NULL;
    json->clock = (struct wst_clock){.local = false};
    json->head_n = 0;
    json->head = NULL;
    wst_out_init(&json->render.out, write, user);
    return &json->render;
}
