/* SPDX-License-Identifier: MIT
 *
 * In: a timeline. Out: a session: each message, control frame and finding as canonical text.
 * Refuses what is chance: times, packets, ports, keys, masks; and, unless asked, frames and
 * headers.
 */
#include "hash.h"
#include "recording.h"
#include "session.h"

#include <stdlib.h>

struct at { /* the place of one event */
    struct wst_session *s;
    struct wst_connection *c;
    const struct wst_event *event;
};

static struct wst_recording *recording(const struct at *at)
{
    struct wst_recording *r = wst_recording_of(at->c, &at->s->budget);

    if (r == NULL) at->s->failed = true;
    return r;
}

/* -- items ----------------------------------------------------------------------------------- */

/* Where it stands among those recorded: of one that was picked there are no others. */
static uint32_t index_of(const struct wst_session *s, const struct wst_event *e)
{
    return s->settings->conn ? 0 : (uint32_t)e->conn - 1;
}

static struct wst_connection *connection_of(struct wst_session *s, const struct wst_event *e)
{
    uint64_t before = s->settings->conn ? s->settings->conn - 1 : 0;

    while (before + s->n < e->conn && !s->failed) {
        struct wst_connection *c = wst_session_add_connection(s);
        if (c == NULL) break;
        c->conn = before + s->n;
        c->last_ns = e->when.ns;
    }
    return e->conn && e->conn <= before + s->n ? s->connections[index_of(s, e)] : NULL;
}

/* Begins an item; its text is what is written to the session's ink until end(). */
static struct wst_item *begin(const struct at *at, enum wst_item_kind kind)
{
    struct wst_item *item = wst_session_add_item(at->s, index_of(at->s, at->event), kind);

    if (item == NULL) return NULL;
    item->dir = kind == WST_ITEM_HEAD ? WST_DIR_NONE : (int8_t)at->event->dir;
    item->first_pkt = item->pkt = at->event->when.pkt;
    item->ns = at->event->when.ns;
    item->silence_ns = item->ns - at->c->last_ns;
    at->c->last_ns = item->ns;
    at->s->ink.buf.n = 0;
    at->s->canon.redacted = false;
    if (item->dir == WST_DIR_NONE)
        wst_ink_text(&at->s->ink, "  ");
    else
        wst_ink_text(&at->s->ink, item->dir == WST_C2S ? "  > " : "  < ");
    return item;
}

static void end(const struct at *at, struct wst_item *item)
{
    struct wst_slice text;

    wst_ink_byte(&at->s->ink, '\n');
    text = wst_ink_slice(&at->s->ink);
    item->text = text.n > UINT32_MAX ? NULL : wst_arena_bytes(&at->s->pages, text);
    item->n = item->text ? (uint32_t)text.n : 0;
    item->redacted = at->s->canon.redacted;
    if (item->text == NULL || at->s->ink.failed) at->s->failed = true;
}

/* -- the handshake --------------------------------------------------------------------------- */

static void head_line(const struct at *at, const char *word, struct wst_slice value)
{
    struct wst_item *item = begin(at, WST_ITEM_HEAD);

    if (item == NULL) return;
    wst_ink_text(&at->s->ink, word);
    wst_canon_bare(&at->s->canon, value);
    end(at, item);
}

/* The name it is recorded by: HTTP/2 has :authority in the place of Host, and a golden that asks
 * for Host means it. Empty: not at all. */
static struct wst_slice header_name(const struct wst_check_settings *settings,
                                    struct wst_slice name)
{
    if (wst_settings_header(settings, name)) return name;
    if (wst_slice_is(name, ":authority") && !settings->keep_all) {
        name = wst_slice_text("host");
        if (wst_settings_header(settings, name)) return name;
    }
    return (struct wst_slice){NULL, 0};
}

static void headers(const struct at *at, const char *whose, const struct wst_header *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct wst_item *item;
        struct wst_slice name = header_name(at->s->settings, list[i].name);
        if (name.n == 0) continue;
        item = begin(at, WST_ITEM_HEAD);
        if (item == NULL) return;
        wst_ink_text(&at->s->ink, whose);
        for (size_t k = 0; k < name.n; k++) { /* HTTP/2 and some proxies send lower case */
            char c = (char)wst_ascii_lower(name.p[k]);
            wst_ink_escaped(&at->s->ink, wst_slice_of(&c, 1));
        }
        wst_ink_text(&at->s->ink, ": ");
        wst_canon_bare(&at->s->canon, list[i].value);
        end(at, item);
    }
}

static void deflate_line(const struct at *at, const struct wst_deflate_terms *d)
{
    struct wst_item *item = d->agreed ? begin(at, WST_ITEM_HEAD) : NULL;

    if (item == NULL) return;
    wst_ink_format(
        &at->s->ink, "deflate client %u bits%s, server %u bits%s", d->client_max_window_bits,
        d->client_no_context_takeover ? " without takeover" : "", d->server_max_window_bits,
        d->server_no_context_takeover ? " without takeover" : "");
    end(at, item);
}

static void outcome(const struct at *at, const struct wst_event_handshake *h)
{
    struct wst_item *item;

    if (h->carrier == WST_CARRIER_UNKNOWN) return;
    item = begin(at, WST_ITEM_HEAD);
    if (item == NULL) return;
    if (h->accepted)
        wst_ink_text(&at->s->ink, "accepted");
    else if (h->status < 0)
        wst_ink_text(&at->s->ink, "no response");
    else /* 101: agreed, but on something that is not RFC 6455 */
        wst_ink_format(&at->s->ink,
                       h->status == 101 ? "not followed, status %d" : "refused with status %d",
                       (int)h->status);
    end(at, item);
}

static void offered(const struct at *at, const struct wst_event_handshake *h)
{
    struct wst_item *item = h->client_protocols_n ? begin(at, WST_ITEM_HEAD) : NULL;

    if (item == NULL) return;
    wst_ink_text(&at->s->ink, "offered ");
    for (size_t i = 0; i < h->client_protocols_n; i++) {
        if (i) wst_ink_text(&at->s->ink, ", ");
        wst_canon_bare(&at->s->canon, h->client_protocols[i]);
    }
    end(at, item);
}

static void handshake(const struct at *at)
{
    const struct wst_event_handshake *h = &at->event->handshake;
    struct wst_item *item = begin(at, WST_ITEM_HEAD);

    if (item == NULL) return;
    at->s->ink.buf.n = 0; /* the connection's own line is not indented */
    wst_ink_text(&at->s->ink, "connection ");
    at->s->opened |= h->tls != NULL;
    if (h->uri.p)
        wst_canon_bare(&at->s->canon, h->uri);
    else
        wst_ink_text(&at->s->ink, "(joined in the middle)");
    end(at, item);
    outcome(at, h);
    offered(at, h);
    if (h->subprotocol.p) head_line(at, "subprotocol ", h->subprotocol);
    if (at->s->settings->frames) deflate_line(at, &h->deflate);
    headers(at, "request ", h->request_headers, h->request_headers_n);
    headers(at, "response ", h->response_headers, h->response_headers_n);
}

/* -- messages and frames --------------------------------------------------------------------- */

static void frames_line(const struct at *at, const struct wst_event_message *m)
{
    unsigned dir = at->event->dir == WST_S2C;
    struct wst_recording *r = at->s->settings->frames ? recording(at) : NULL;
    struct wst_ink *lengths = r ? &r->frames[dir] : NULL;

    if (r == NULL) return;
    wst_ink_text(&at->s->ink, "\n      ");
    if (m->compressed) wst_ink_text(&at->s->ink, "compressed, ");
    wst_ink_text(&at->s->ink, m->frames == 1 ? "frame" : "frames");
    wst_ink_bytes(&at->s->ink, wst_ink_slice(lengths));
    if (r->frames_n[dir] > WST_RECORDING_FRAMES)
        wst_ink_format(&at->s->ink, " ... %llu in all", (unsigned long long)m->frames);
    if (lengths->failed) at->s->failed = true;
    lengths->buf.n = 0;
    r->frames_n[dir] = 0;
}

static void message(const struct at *at)
{
    const struct wst_event_message *m = &at->event->message;
    struct wst_canon_payload payload = {.bytes = m->payload,
                                        .op = m->opcode == 1 ? "text" : "binary",
                                        .len = m->len,
                                        .text = m->opcode == 1,
                                        .utf8 = m->utf8,
                                        .certain = m->certain};
    struct wst_item *item = begin(at, WST_ITEM_MESSAGE);

    if (item == NULL) return;
    item->first_pkt = m->first_pkt;
    wst_canon_payload(&at->s->canon, &payload);
    frames_line(at, m);
    end(at, item);
    wst_causes(at->s, at->c, at->event, item);
}

static void control(const struct at *at, const char *op)
{
    const struct wst_event_frame *f = &at->event->frame;
    bool pong = f->opcode == 10;
    enum wst_item_kind kind = f->opcode == 9 ? WST_ITEM_PING
                              : pong         ? WST_ITEM_PONG
                                             : WST_ITEM_OTHER;
    unsigned dir = at->event->dir == WST_S2C;
    uint64_t hash = wst_hash_bytes(0, f->payload);
    struct wst_recording *r;
    struct wst_item *item;

    if (at->s->settings->no_control && kind != WST_ITEM_OTHER) return;
    item = begin(at, kind);
    if (item == NULL) return;
    if (f->payload.n) {
        struct wst_canon_payload payload = {f->payload, op, f->len, false, f->utf8, f->complete};
        wst_canon_payload(&at->s->canon, &payload);
    } else {
        wst_ink_text(&at->s->ink, op);
    }
    end(at, item);
    r = recording(at);
    if (r && pong) item->answers = wst_recording_pong(r, dir, hash);
    item->floats = item->answers != 0;
    if (r && kind == WST_ITEM_PING) wst_recording_ping(r, dir, hash, at->c->n);
}

static void frame(const struct at *at)
{
    const struct wst_event_frame *f = &at->event->frame;
    unsigned dir = at->event->dir == WST_S2C;

    if (f->opcode < 3) {
        struct wst_recording *r = recording(at);
        if (r && r->frames_n[dir]++ < WST_RECORDING_FRAMES)
            wst_ink_format(&r->frames[dir], " %llu", (unsigned long long)f->len);
    } else {
        control(at, wst_opcode_name(f->opcode));
    }
}

static void close_frame(const struct at *at)
{
    const struct wst_event_close *e = &at->event->close;
    struct wst_item *item = begin(at, WST_ITEM_CLOSE);

    if (item == NULL) return;
    wst_ink_text(&at->s->ink, "close");
    if (e->code >= 0) wst_ink_format(&at->s->ink, " %d", (int)e->code);
    if (e->reason.n) {
        wst_ink_byte(&at->s->ink, ' ');
        wst_canon_quoted(&at->s->canon, e->reason);
    }
    uint64_t missing = e->omitted + (e->code == -2 ? 2 : 0);
    if (missing)
        wst_ink_format(&at->s->ink, " and %llu bytes that were not captured",
                       (unsigned long long)missing);
    end(at, item);
}

static void problem(const struct at *at)
{
    const struct wst_problem_row *row = wst_problem_row(at->event->problem.problem);
    struct wst_item *item;

    item = begin(at, at->event->dir == WST_DIR_NONE ? WST_ITEM_HEAD : WST_ITEM_OTHER);
    if (item == NULL) return;
    wst_ink_text(&at->s->ink, "error ");
    wst_ink_text(&at->s->ink, row->id);
    end(at, item);
}

/* What is of no connection passes. */
static bool picked(const struct wst_session *s, const struct wst_event *event)
{
    return s->settings->conn == 0 || event->conn == 0 || event->conn == s->settings->conn;
}

bool wst_session_wants(const struct wst_session *s, const struct wst_event *event)
{
    const struct wst_problem_row *row;

    if (!picked(s, event)) return event->type == WST_EVENT_HANDSHAKE;
    switch (event->type) {
    case WST_EVENT_HANDSHAKE:
    case WST_EVENT_MESSAGE:
    case WST_EVENT_CLOSE:
    case WST_EVENT_GAP:
    case WST_EVENT_STATS: return true;
    case WST_EVENT_FRAME:
        if (event->frame.opcode < 3) return s->settings->frames;
        return event->frame.opcode != 8;
    case WST_EVENT_PROBLEM: /* broken MUSTs are the peers' doing; lesser findings tell of the
                               capture as often as of them */
        row = wst_problem_row(event->problem.problem);
        return row && row->level == WST_ERROR;
    default: return false;
    }
}

static void record(void *user, const struct wst_event *event)
{
    struct wst_session *s = user;
    struct at at = {s, NULL, event};

    if (s->failed || s->sealed || !wst_session_wants(s, event)) return;
    if (event->conn > s->known) s->known = event->conn;
    if (!picked(s, event)) return;
    if (event->type == WST_EVENT_GAP) s->gaps++;
    if (event->type == WST_EVENT_STATS) {
        s->unread = event->stats.tls_no_key;
        s->quic = event->stats.quic > 0;
    }
    if (event->type == WST_EVENT_HANDSHAKE)
        s->late += event->handshake.carrier == WST_CARRIER_UNKNOWN;
    at.c = connection_of(s, event);
    if (at.c == NULL || s->failed) return;
    switch (event->type) {
    case WST_EVENT_HANDSHAKE: handshake(&at); break;
    case WST_EVENT_FRAME: frame(&at); break;
    case WST_EVENT_MESSAGE: message(&at); break;
    case WST_EVENT_CLOSE: close_frame(&at); break;
    case WST_EVENT_PROBLEM: problem(&at); break;
    default: break;
    }
}

struct wst_listener wst_session_listener(struct wst_session *session)
{
    return (struct wst_listener){session, record, NULL};
}
