/* SPDX-License-Identifier: MIT
 *
 * In: the events that come once a connection or once a capture. Out: their lines of JSON.
 * Speed is little concern here: each helper writes a key, comma in front, and one value. But for
 * findings: a network tells one of each TLS connection that nobody has the keys of.
 */
#include "app_json.h"
#include "digits.h"
#include "dir.h"
#include "escape.h"
#include "json.h"
#include "slice.h"

#include <wstrace/wstrace.h>

enum { LINE = 256 }; /* bytes: more than any piece of a line that is written in one go */

/* -- a key and a value ---------------------------------------------------------------------- */

/* Keys are written as ",\"key\":", or "\"key\":" where they are the first. */

static void put_text(struct wst_out *out, const char *key, const char *value)
{
    wst_escape_json_member(out, key, wst_slice_text(value));
}

static void put_number(struct wst_out *out, const char *key, uint64_t value)
{
    wst_out_text(out, key);
    wst_out_number(out, value);
}

/* Negative: null. */
static void put_number_or_null(struct wst_out *out, const char *key, int64_t value)
{
    wst_out_text(out, key);
    if (value < 0)
        wst_out_text(out, "null");
    else
        wst_out_number(out, (uint64_t)value);
}

static void put_bool(struct wst_out *out, const char *key, bool value)
{
    wst_out_text(out, key);
    wst_out_text(out, value ? "true" : "false");
}

static void put_seconds(struct wst_out *out, const char *key, int64_t ns, bool nanos)
{
    wst_out_text(out, key);
    out->at = wst_digits_seconds(wst_out_reserve(out, 32), ns, nanos);
}

static void put_texts(struct wst_out *out, const char *key, const char *const *values, size_t n)
{
    wst_out_text(out, key);
    wst_out_text(out, "[");
    for (size_t i = 0; i < n; i++) put_text(out, i ? "," : "", values[i]);
    wst_out_text(out, "]");
}

/* The common fields behind `type`, which is `{"type":"…"`. */
static inline struct wst_out *begin(struct wst_json *json, const char *type,
                                    const struct wst_event *event, enum wst_json_dir dir)
{
    struct wst_out *out = &json->render.out;
    wst_out_text(out, type);
    out->at = wst_json_head(json, wst_out_reserve(out, WST_JSON_HEAD), event, dir);
    return out;
}

/* -- handshake ------------------------------------------------------------------------------ */

static void put_tls(struct wst_out *out, const struct wst_tls_info *tls)
{
    wst_out_text(out, ",\"tls\":");
    if (tls == NULL) {
        wst_out_text(out, "null");
        return;
    }
    put_text(out, "{\"version\":", tls->version);
    put_text(out, ",\"cipher\":", tls->cipher);
    put_text(out, ",\"sni\":", tls->sni);
    put_text(out, ",\"alpn\":", tls->alpn);
    wst_out_text(out, "}");
}

static void put_deflate(struct wst_out *out, const struct wst_deflate_terms *d)
{
    wst_out_text(out, ",\"deflate\":");
    if (!d->agreed) {
        wst_out_text(out, "null");
        return;
    }
    put_bool(out, "{\"server_no_context_takeover\":", d->server_no_context_takeover);
    put_bool(out, ",\"client_no_context_takeover\":", d->client_no_context_takeover);
    put_number(out, ",\"server_max_window_bits\":", d->server_max_window_bits);
    put_number(out, ",\"client_max_window_bits\":", d->client_max_window_bits);
    wst_out_text(out, "}");
}

static void put_headers(struct wst_out *out, const char *key, const struct wst_header *headers,
                        size_t n)
{
    wst_out_text(out, key);
    wst_out_text(out, "[");
    for (size_t i = 0; i < n; i++) {
        struct wst_slice name = headers[i].name, value = headers[i].value;
        /* Contract: two strings; a header without a value has an empty one. */
        wst_escape_json_member(out, i ? ",[" : "[", name.p ? name : wst_slice_text(""));
        wst_escape_json_member(out, ",", value.p ? value : wst_slice_text(""));
        wst_out_text(out, "]");
    }
    wst_out_text(out, "]");
}

static void put_request(struct wst_out *out, const struct wst_event_handshake *h)
{
    put_number_or_null(out, ",\"request_pkt\":", h->request_pkt ? (int64_t)h->request_pkt : -1);
    wst_escape_json_member(out, ",\"method\":", h->method);
    wst_escape_json_member(out, ",\"host\":", h->host);
    wst_escape_json_member(out, ",\"uri\":", h->uri);
    wst_escape_json_member(out, ",\"origin\":", h->origin);
    wst_escape_json_member(out, ",\"user_agent\":", h->user_agent);
    put_number_or_null(out, ",\"version\":", h->version);
}

static void put_answer(struct wst_out *out, const struct wst_event_handshake *h)
{
    put_number_or_null(out, ",\"status\":", h->status);
    put_bool(out, ",\"accepted\":", h->accepted);
    wst_escape_json_member(out, ",\"client_key\":", h->client_key);
    wst_escape_json_member(out, ",\"server_accept\":", h->server_accept);
    wst_escape_json_member(out, ",\"accept_expected\":", h->accept_expected);
    if (h->accept_ok < 0)
        wst_out_text(out, ",\"accept_ok\":null");
    else
        put_bool(out, ",\"accept_ok\":", h->accept_ok);
}

static void put_terms(struct wst_out *out, const struct wst_event_handshake *h)
{
    wst_out_text(out, ",\"client_protocols\":[");
    for (size_t i = 0; i < h->client_protocols_n; i++)
        wst_escape_json_member(out, i ? "," : "", h->client_protocols[i]);
    wst_escape_json_member(out, "],\"subprotocol\":", h->subprotocol);
    wst_escape_json_member(out, ",\"client_extensions\":", h->client_extensions);
    wst_escape_json_member(out, ",\"server_extensions\":", h->server_extensions);
    put_deflate(out, &h->deflate);
}

void wst_json_handshake(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_handshake *h = &event->handshake;
    struct wst_out *out = begin(json, "{\"type\":\"handshake\"", event, WST_JSON_NO_DIR);
    put_text(out, ",\"carrier\":", wst_carrier_name(h->carrier));
    put_tls(out, h->tls);
    put_number_or_null(out, ",\"tcp_stream\":", h->tcp_stream);
    put_number_or_null(out, ",\"stream_id\":", h->stream_id);
    put_text(out, ",\"client_ip\":", h->client_ip);
    put_number(out, ",\"client_port\":", h->client_port);
    put_text(out, ",\"server_ip\":", h->server_ip);
    put_number(out, ",\"server_port\":", h->server_port);
    if (*h->proxied_ip) {
        put_text(out, ",\"proxied_ip\":", h->proxied_ip);
        put_number(out, ",\"proxied_port\":", h->proxied_port);
    }
    put_request(out, h);
    put_answer(out, h);
    put_terms(out, h);
    if (h->rtt_ns < 0)
        wst_out_text(out, ",\"rtt\":null");
    else
        put_seconds(out, ",\"rtt\":", h->rtt_ns, event->nanos);
    if (h->refusal_n) put_headers(out, ",\"refusal\":", h->refusal, h->refusal_n);
    if (h->headers) {
        put_headers(out, ",\"request_headers\":", h->request_headers, h->request_headers_n);
        put_headers(out, ",\"response_headers\":", h->response_headers, h->response_headers_n);
    }
    wst_out_text(out, "}\n");
}

/* -- the others ----------------------------------------------------------------------------- */

void wst_json_meta(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_meta *m = &event->meta;
    struct wst_out *out = &json->render.out;
    put_number(out, "{\"type\":\"meta\",\"schema\":", WST_SCHEMA);
    put_text(out, ",\"tool\":\"wstrace\",\"version\":", wst_version());
    put_texts(out, ",\"sources\":", m->sources, m->sources_n);
    put_texts(out, ",\"link_types\":", m->link_types, m->link_types_n);
    put_text(out, ",\"filter\":", m->filter);
    wst_out_text(out, "}\n");
}

void wst_json_close(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_close *c = &event->close;
    struct wst_out *out = begin(json, "{\"type\":\"close\"", event, wst_json_dir_of(event));
    put_number_or_null(out, ",\"code\":", c->code);
    put_text(out, ",\"name\":", c->name);
    if (c->utf8 || c->reason.n == 0) {
        wst_out_text(out, ",\"reason\":\"");
        wst_escape_json(out, c->reason);
    } else {
        wst_out_text(out, ",\"reason\":null,\"reason_b64\":\"");
        wst_escape_base64(out, c->reason);
    }
    wst_out_text(out, "\"");
    if (c->omitted) put_number(out, ",\"omitted\":", c->omitted);
    wst_out_text(out, "}\n");
}

void wst_json_gap(struct wst_json *json, const struct wst_event *event)
{
    struct wst_out *out = begin(json, "{\"type\":\"gap\"", event, wst_json_dir_of(event));
    put_number(out, ",\"bytes\":", event->gap.bytes);
    put_number_or_null(out, ",\"offset\":", event->gap.offset);
    if (event->gap.inexact) wst_out_text(out, ",\"exact\":false");
    if (event->gap.least) wst_out_text(out, ",\"least\":true");
    wst_out_text(out, "}\n");
}

/* `,"id":"…","level":"…","rfc":` of each finding; the names are those of wst_level_name(). */
#define WST_NOTE_NAME "note"
#define WST_WARNING_NAME "warning"
#define WST_ERROR_NAME "error"
#define KIND(id, level) ",\"id\":\"" id "\",\"level\":\"" level "\",\"rfc\":"
static const struct kind {
    const char *text;
    size_t n;
} kinds[] = {
#define WST_PROBLEM_ROW(NAME, id, level, of, rfc, meaning, advice) \
    {KIND(id, level##_NAME), sizeof KIND(id, level##_NAME) - 1},
#include <wstrace/problems.def>
#undef WST_PROBLEM_ROW
    {KIND("unknown", "note"), sizeof KIND("unknown", "note") - 1}};

void wst_json_problem(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_problem *p = &event->problem;
    const struct wst_problem_row *row = wst_problem_row(p->problem);
    const struct kind *kind = &kinds[row ? p->problem : WST_PROBLEMS];
    struct wst_out *out = &json->render.out;
    uint8_t *at = WST_PUT(wst_out_reserve(out, LINE), "{\"type\":\"problem\"");
    at = wst_json_head(json, at, event, wst_json_dir_of(event));
    memcpy(at, kind->text, kind->n);
    out->at = at + kind->n;
    put_text(out, "", row ? row->rfc : NULL);
    at = wst_json_number(WST_PUT(wst_out_reserve(out, LINE), ",\"n\":"), p->n);
    out->at = wst_json_number(WST_PUT(at, ",\"msg\":"), p->msg);
    put_text(out, ",\"detail\":", p->detail ? p->detail : "");
    put_number_or_null(out, ",\"offset\":", p->offset);
    wst_out_text(out, "}\n");
}

static void put_direction(struct wst_out *out, const char *key, const struct wst_event_direction *d)
{
    wst_out_text(out, key);
    put_number(out, "{\"frames\":", d->frames);
    put_number(out, ",\"messages\":", d->messages);
    put_number(out, ",\"wire_bytes\":", d->wire_bytes);
    put_number(out, ",\"bytes\":", d->bytes);
    put_number(out, ",\"gaps\":", d->gaps);
    wst_out_text(out, "}");
}

static void put_levels(struct wst_out *out, const uint64_t levels[WST_LEVELS])
{
    put_number(out, ",\"problems\":{\"error\":", levels[WST_ERROR]);
    put_number(out, ",\"warning\":", levels[WST_WARNING]);
    put_number(out, ",\"note\":", levels[WST_NOTE]);
    wst_out_text(out, "}");
}

static void put_findings(struct wst_out *out, const struct wst_finding *findings, size_t n)
{
    wst_out_text(out, ",\"findings\":{");
    for (size_t i = 0; i < n; i++) {
        const struct wst_problem_row *row = wst_problem_row(findings[i].problem);
        wst_out_text(out, i ? ",\"" : "\"");
        wst_out_text(out, row ? row->id : "unknown");
        put_number(out, "\":", findings[i].times);
    }
    wst_out_text(out, "}");
}

void wst_json_end(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_end *e = &event->end;
    struct wst_out *out = begin(json, "{\"type\":\"end\"", event, WST_JSON_NO_DIR);
    put_text(out, ",\"tcp\":", wst_tcp_end_name(e->tcp));
    put_bool(out, ",\"clean\":", e->clean);
    if (e->no_reply) put_text(out, ",\"no_reply\":", wst_no_reply_name(e->no_reply));
    put_text(out, ",\"by\":", wst_dir_sender(e->by));
    put_number_or_null(out, ",\"code\":", e->code);
    put_seconds(out, ",\"duration\":", e->duration_ns < 0 ? 0 : e->duration_ns, event->nanos);
    put_direction(out, ",\"c2s\":", &e->dir[WST_C2S]);
    put_direction(out, ",\"s2c\":", &e->dir[WST_S2C]);
    put_text(out, ",\"tcp_by\":", wst_dir_sender(e->tcp_by));
    if (e->tls_by != WST_DIR_NONE) put_text(out, ",\"tls_by\":", wst_dir_sender(e->tls_by));
    if (e->tcp == WST_TCP_RST) put_text(out, ",\"reset_by\":", wst_dir_sender(e->reset_by));
    put_levels(out, e->problems);
    put_findings(out, e->findings, e->findings_n);
    if (e->app) {
        wst_out_text(out, ",\"app\":");
        wst_app_json_total(out, e->app, event->nanos);
    }
    wst_out_text(out, "}\n");
}

void wst_json_stats(struct wst_json *json, const struct wst_event *event)
{
    const struct wst_event_stats *s = &event->stats;
    struct wst_out *out = &json->render.out;
    put_number(out, "{\"type\":\"stats\",\"packets\":", s->packets);
    put_number(out, ",\"bytes\":", s->bytes);
    put_number(out, ",\"tcp_streams\":", s->tcp_streams);
    put_number(out, ",\"connections\":", s->connections);
    put_number(out, ",\"refused\":", s->refused);
    put_number(out, ",\"frames\":", s->frames);
    put_number(out, ",\"messages\":", s->messages);
    put_levels(out, s->problems);
    put_number(out, ",\"gaps\":", s->gaps);
    put_number_or_null(out, ",\"captured\":", s->captured);
    put_number_or_null(out, ",\"received\":", s->received);
    put_number_or_null(out, ",\"dropped\":", s->dropped);
    put_number(out, ",\"tls\":", s->tls);
    put_number(out, ",\"http\":", s->http);
    put_number(out, ",\"other\":", s->other);
    put_number(out, ",\"tls_no_key\":", s->tls_no_key);
    if (s->quic) put_number(out, ",\"quic\":", s->quic);
    put_findings(out, s->findings, s->findings_n);
    wst_out_text(out, "}\n");
}
