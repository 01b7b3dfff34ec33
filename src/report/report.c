/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: one HTML file: the page's head, the events as a JSON array, the page's tail.
 * Refuses to grow without end: payloads and events beyond the caps are counted, and the page says
 * so.
 *
 * Elements of the array are of two sorts. Rare events are the objects of docs/EVENTS.md, made by
 * the JSON renderer. Frames and messages, of which there are many, are arrays without names;
 * model.js reads them:
 *
 *     ["f", conn, dir, t, pkt, n, byte0, header_len, len, mask_key or 0, offset, msg, complete,
 *      first_pkt, wire]  and behind it, of control and reserved frames: utf8, payload, omitted
 *     ["m", conn, dir, t, pkt, msg, opcode, flags, first_pkt, frames, wire_len, len, omitted,
 *      utf8, payload]  and behind it, where more of a text is known: [place, piece, place, piece,
 * …]
 *
 * Behind a message comes, as a rare event, what it says in its application's protocol.
 * dir: 0 from the client. t: nanoseconds since `base`, which the last element tells. byte0: the
 * frame's first byte; with header_len, len and mask_key it makes the whole header. flags: 1
 * compressed, 2 certain. payload: text if utf8, else base64. wire: the first bytes of the payload
 * as they were on the wire, base64, where they follow from nothing else. 0 stands for none.
 * The last element is {"type":"report"}: base, how long the packets last, caps, what was left out,
 * the words of the findings.
 */
#include <wstrace/report.h>

#include <stdlib.h>

#include "app.h"
#include "out.h"
#include "page.h"
#include "slice.h"
#include "utf8.h"

enum {
    PREVIEW = 256, /* bytes of a payload kept when half of the page is full */
    WIRE = 128     /* bytes of a frame's payload as on the wire: eight lines of a dump */
};

struct kept_wire { /* what the wire said of the frame whose event comes next */
    uint64_t conn, n, first_pkt;
    size_t len;
    uint8_t bytes[WIRE];
};

struct wst_report {
    struct wst_report_options options;
    struct wst_render *json;
    bool begun, based, done;
    int64_t base;        /* where times begin: the first event, or its request */
    uint64_t start;      /* of the data in out.total */
    uint64_t short_from; /* packet from which on payloads are PREVIEW bytes; 0: none */
    uint64_t left_from;  /* packet of the first event left out; 0: none */
    uint64_t left_out[WST_EVENT_TYPES];
    bool used[WST_PROBLEMS]; /* findings the page must explain */
    struct wst_wire wire;
    struct kept_wire kept;
    struct wst_report_app app;
    struct wst_report_out out;
};

void wst_report_options_init(struct wst_report_options *options)
{
    *options = (struct wst_report_options){.max_payload = 64 * 1024, .max_page = 64 << 20};
}

/* -- the elements ------------------------------------------------------------------------------ */

/* A comma before each but the first. */
static void element(struct wst_report *r, const char *opening)
{
    wst_report_text(&r->out, r->out.total == r->start ? "\n" : ",\n");
    wst_report_text(&r->out, opening);
}

static void put(struct wst_report *r, uint64_t value)
{
    wst_report_text(&r->out, ",");
    wst_report_number(&r->out, value);
}

static void put_payload(struct wst_report *r, struct wst_slice payload, bool utf8)
{
    put(r, utf8);
    wst_report_text(&r->out, ",");
    if (utf8)
        wst_report_string(&r->out, payload);
    else
        wst_report_base64(&r->out, payload);
}

static void put_head(struct wst_report *r, const struct wst_event *event)
{
    put(r, event->conn);
    put(r, event->dir == WST_S2C);
    wst_report_text(&r->out, ",");
    wst_report_signed(&r->out, event->when.ns - r->base);
    put(r, event->when.pkt);
}

/* Everything else follows: control frames from their payload, a message in one plain frame from the
 * message. */
static bool is_riddle(const struct wst_event_frame *f)
{
    if (f->opcode >= 8 && f->opcode <= 10) return !f->complete;
    return !f->fin || f->opcode == 0 || f->rsv1 || !f->complete;
}

static void put_wire(struct wst_report *r, const struct wst_event *event)
{
    bool known = r->kept.conn == event->conn && r->kept.n == event->frame.n;
    put(r, known ? r->kept.first_pkt : 0);
    wst_report_text(&r->out, ",");
    if (known && is_riddle(&event->frame) && r->kept.len > 0)
        wst_report_base64(&r->out, wst_slice_of(r->kept.bytes, r->kept.len));
    else
        wst_report_text(&r->out, "0");
}

static void frame(struct wst_report *r, const struct wst_event *event)
{
    const struct wst_event_frame *f = &event->frame;
    element(r, "[\"f\"");
    put_head(r, event);
    put(r, f->n);
    put(r, (uint64_t)f->fin << 7 | (uint64_t)f->rsv1 << 6 | (uint64_t)f->rsv2 << 5 |
               (uint64_t)f->rsv3 << 4 | f->opcode);
    put(r, f->header_len);
    put(r, f->len);
    wst_report_text(&r->out, ",");
    if (f->masked)
        wst_report_hex(&r->out, wst_slice_of(f->mask_key, sizeof f->mask_key));
    else
        wst_report_text(&r->out, "0");
    put(r, f->offset);
    put(r, f->msg);
    put(r, f->complete);
    put_wire(r, event);
    if (f->payload.p != NULL) {
        put_payload(r, f->payload, f->utf8);
        put(r, f->payload_omitted);
    }
    wst_report_text(&r->out, "]");
}

/* How much of a payload there is room for. */
static size_t payload_most(struct wst_report *r, const struct wst_event *event)
{
    const struct wst_event_message *m = &event->message;
    uint64_t most = r->options.max_payload;
    if (r->out.total - r->start >= r->options.max_page / 2 && most > PREVIEW) {
        most = PREVIEW;
        if (r->short_from == 0 && (m->payload.n > PREVIEW || m->sketch.n > PREVIEW))
            r->short_from = event->when.pkt;
    }
    return most < SIZE_MAX ? (size_t)most : SIZE_MAX;
}

static struct wst_slice shorten(const struct wst_event_message *m, size_t most)
{
    if (m->payload.n <= most) return m->payload;
    return wst_slice_head(m->payload, m->utf8 ? wst_utf8_cut(m->payload, most) : most);
}

/* What is known of a text behind its beginning, as far as there is room for it. */
static void put_pieces(struct wst_report *r, struct wst_slice sketch, size_t at)
{
    const char *before = ",[";
    bool any = false;
    for (struct wst_slice piece; (piece = wst_event_piece(sketch, at)).n; at += piece.n) {
        at = (size_t)(piece.p - sketch.p);
        wst_report_text(&r->out, before);
        wst_report_number(&r->out, at);
        wst_report_text(&r->out, ",");
        wst_report_string(&r->out, piece);
        before = ",";
        any = true;
    }
    if (any) wst_report_text(&r->out, "]");
}

static void message(struct wst_report *r, const struct wst_event *event)
{
    const struct wst_event_message *m = &event->message;
    size_t most = payload_most(r, event);
    struct wst_slice payload = shorten(m, most);
    element(r, "[\"m\"");
    put_head(r, event);
    put(r, m->msg);
    put(r, m->opcode);
    put(r, (uint64_t)m->compressed | (uint64_t)m->certain << 1);
    put(r, m->first_pkt);
    put(r, m->frames);
    put(r, m->wire_len);
    put(r, m->len);
    put(r, m->omitted + (m->payload.n - payload.n));
    put_payload(r, payload, m->utf8);
    put_pieces(r, wst_slice_head(m->sketch, most), m->payload.n);
    wst_report_text(&r->out, "]");
}

/* The JSON renderer's line; its writer is json_line below. */
static void rare(struct wst_report *r, const struct wst_event *event)
{
    struct wst_listener json = wst_render_listener(r->json);
    if (event->type == WST_EVENT_PROBLEM && event->problem.problem < WST_PROBLEMS)
        r->used[event->problem.problem] = true;
    element(r, "");
    json.event(json.user, event);
    json.flush(json.user);
}

/* The same message once more, without what its element has. */
static void said(struct wst_report *r, const struct wst_event *event)
{
    struct wst_event again = *event;
    const struct wst_app_said *app = event->message.app;
    again.message.payload.n = again.message.sketch.n = 0;
    again.message.app = wst_report_app_shorten(&r->app, app, event->message.opcode == 1);
    if (app->packets_n > 0 || app->strange) rare(r, &again);
}

static int json_line(void *user, const uint8_t *p, size_t n)
{
    struct wst_report *r = user;
    wst_report_json(&r->out, p, n);
    return r->out.failed;
}

/* -- the last element -------------------------------------------------------------------------- */

static void put_key(struct wst_report *r, const char *key, uint64_t value)
{
    wst_report_text(&r->out, key);
    wst_report_number(&r->out, value);
}

static void put_words(struct wst_report *r, const struct wst_problem_row *row, bool first)
{
    if (!first) wst_report_text(&r->out, ",");
    wst_report_string(&r->out, wst_slice_text(row->id));
    wst_report_text(&r->out, ":{\"meaning\":");
    wst_report_string(&r->out, wst_slice_text(row->meaning));
    wst_report_text(&r->out, ",\"advice\":");
    wst_report_string(&r->out, wst_slice_text(row->advice));
    wst_report_text(&r->out, "}");
}

static void last(struct wst_report *r, const struct wst_event *event)
{
    const struct wst_event_stats *s = &event->stats;
    bool first = true;
    element(r, "{\"type\":\"report\",\"base\":\"");
    wst_report_signed(&r->out, r->base);
    wst_report_text(&r->out, event->nanos ? "\",\"nanos\":true" : "\",\"nanos\":false");
    put_key(r, ",\"lasts\":",
            s->last_ns > s->first_ns ? (uint64_t)s->last_ns - (uint64_t)s->first_ns : 0);
    put_key(r, ",\"max_payload\":", r->options.max_payload);
    put_key(r, ",\"max_page\":", r->options.max_page);
    put_key(r, ",\"preview\":", PREVIEW);
    put_key(r, ",\"short_from\":", r->short_from);
    put_key(r, ",\"left_from\":", r->left_from);
    wst_report_text(&r->out, ",\"left_out\":{");
    for (int i = 0; i < WST_EVENT_TYPES; i++) {
        if (r->left_out[i] == 0) continue;
        if (!first) wst_report_text(&r->out, ",");
        first = false;
        wst_report_string(&r->out, wst_slice_text(wst_event_type_name((enum wst_event_type)i)));
        put_key(r, ":", r->left_out[i]);
    }
    first = true;
    wst_report_text(&r->out, "},\"findings\":{");
    for (int i = 0; i < WST_PROBLEMS; i++) {
        if (!r->used[i]) continue;
        put_words(r, wst_problem_row((enum wst_problem)i), first);
        first = false;
    }
    wst_report_text(&r->out, "}}\n]");
}

/* -- the page ---------------------------------------------------------------------------------- */

/* The rest of the room is for what gives the others their place: handshakes, ends, findings. */
static bool is_common(enum wst_event_type type)
{
    return type == WST_EVENT_FRAME || type == WST_EVENT_MESSAGE || type == WST_EVENT_CLOSE ||
           type == WST_EVENT_GAP;
}

static bool has_room(struct wst_report *r, const struct wst_event *event)
{
    uint64_t used = r->out.total - r->start, most = r->options.max_page;
    if (event->type == WST_EVENT_META || event->type == WST_EVENT_STATS) return true;
    if (used < (is_common(event->type) ? most - most / 8 : most)) return true;
    if (r->left_from == 0) r->left_from = event->when.pkt;
    r->left_out[event->type]++;
    return false;
}

static void begin(struct wst_report *r)
{
    if (r->begun) return;
    r->begun = true;
    wst_report_bytes(&r->out, wst_report_head, wst_report_head_n);
    wst_report_text(&r->out, "[");
    r->start = r->out.total;
}

static void end(struct wst_report *r, const struct wst_event *event)
{
    last(r, event);
    wst_report_bytes(&r->out, wst_report_tail, wst_report_tail_n);
    wst_report_flush(&r->out);
    r->done = true;
}

static void on_event(void *user, const struct wst_event *event)
{
    struct wst_report *r = user;
    if (r->done) return;
    begin(r);
    if (!r->based && event->when.pkt > 0) {
        r->base = event->when.ns;
        if (event->type == WST_EVENT_HANDSHAKE && event->handshake.rtt_ns > 0)
            r->base -= event->handshake.rtt_ns; /* from the request on */
        r->based = true;
    }
    if (!has_room(r, event)) return;
    if (event->type == WST_EVENT_FRAME)
        frame(r, event);
    else if (event->type == WST_EVENT_MESSAGE)
        message(r, event);
    else
        rare(r, event);
    if (event->type == WST_EVENT_MESSAGE && event->message.app) said(r, event);
    if (event->type == WST_EVENT_STATS) end(r, event);
}

static void on_wire(void *user, const struct wst_wire_frame *w)
{
    struct wst_report *r = user;
    struct wst_slice head = wst_slice_head(w->payload, WIRE);
    r->kept.conn = w->event->conn;
    r->kept.n = w->event->frame.n;
    r->kept.first_pkt = w->segments_n > 0 ? w->segments[0].pkt : 0;
    r->kept.len = head.n;
    if (head.n > 0) memcpy(r->kept.bytes, head.p, head.n);
}

static void on_flush(void *user)
{
    struct wst_report *r = user;
    wst_report_flush(&r->out);
}

struct wst_report *wst_report_new(const struct wst_report_options *options, wst_write_fn write,
                                  void *user)
{
    struct wst_report *r = calloc(1, sizeof *r);
    if (r == NULL) return NULL;
    r->json = wst_render_json_new(json_line, r);
    if (r->json == NULL) {
        free(r);
        return NULL;
    }
    wst_report_options_init(&r->options);
    if (options) r->options = *options;
    if (r->options.max_page > WST_REPORT_PAGE_MOST) r->options.max_page = WST_REPORT_PAGE_MOST;
    r->wire = (struct wst_wire){.user = r, .frame = on_wire};
    r->out.write = write;
    r->out.user = user;
    return r;
}

struct wst_listener wst_report_listener(struct wst_report *report)
{
    return (struct wst_listener){report, on_event, on_flush};
}

const struct wst_wire *wst_report_wire(struct wst_report *report)
{
    return &report->wire;
}

bool wst_report_failed(const struct wst_report *report)
{
    return report->out.failed != 0;
}

void wst_report_free(struct wst_report *report)
{
    if (report == NULL) return;
    wst_render_free(report->json);
    free(report);
}
