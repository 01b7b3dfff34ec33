/* SPDX-License-Identifier: MIT
 *
 * In: the events of a capture. Out: what the client of one connection sent, and what it had heard
 * by then.
 * Refuses to guess: what is not whole is told, and nothing is played unless that was asked for.
 *
 * A message of the client waits for as many of the server's as were there before it. Nothing else
 * in a capture tells cause from chance, and more than this a client cannot have known.
 */
#include "extension.h"
#include "replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MEMORY = 1 << 30,
    PINGS = 16, /* of the server, to know the client's pongs by */
    PING_MOST = 125,
    URI_SHOWN = 60,
};

struct kept {
    struct wst_replay_step step;
    size_t at;      /* of its payload, in the script's bytes … */
    size_t lengths; /* … and of its frames' among the lengths */
};

struct ping {
    uint8_t payload[PING_MOST];
    size_t n;
};

struct wst_replay_script {
    struct wst_replay_script_options options;
    struct wst_budget budget;
    struct wst_buf bytes, steps, fields, lengths;
    struct wst_replay_span target, origin, protocols, deflate;
    size_t frames; /* of the client's message that has begun: its lengths are the last ones */
    struct wst_replay_facts facts;
    uint64_t accepted;        /* connections */
    int32_t refused;          /* status of the one that was asked for; 0: it was not refused */
    struct ping pings[PINGS]; /* of the server, not answered yet; the oldest first */
    unsigned pings_n;
    bool pings_lost; /* there were more */
    bool open;       /* the client has begun a message in several frames */
    bool full;
    bool taken[WST_PROBLEMS]; /* what the recorded server did, and its client put up with */
    int64_t before_ns;
    char first[256]; /* what is not whole; "": all is */
    bool many_more;
    char many[384]; /* the connections there are */
};

struct wst_replay_script *wst_replay_script_new(const struct wst_replay_script_options *options)
{
    struct wst_replay_script *s = calloc(1, sizeof *s);

    if (s == NULL) return NULL;
    s->options = *options;
    s->budget.max = options->memory ? options->memory : MEMORY;
    return s;
}

void wst_replay_script_free(struct wst_replay_script *s)
{
    if (s == NULL) return;
    wst_buf_free(&s->bytes, &s->budget);
    wst_buf_free(&s->steps, &s->budget);
    wst_buf_free(&s->fields, &s->budget);
    wst_buf_free(&s->lengths, &s->budget);
    free(s);
}

/* -- what is kept ------------------------------------------------------------------------------ */

static struct wst_replay_span keep(struct wst_replay_script *s, struct wst_slice text)
{
    struct wst_replay_span span = {s->bytes.n, text.n, text.p != NULL};

    if (!wst_buf_append(&s->bytes, &s->budget, text, s->budget.max)) s->full = true;
    return span;
}

static void __attribute__((format(printf, 3, 4)))
uncertain(struct wst_replay_script *s, const struct wst_event *e, const char *format, ...)
{
    va_list arguments;
    size_t n;

    s->facts.skipped++;
    if (s->first[0]) return;
    va_start(arguments, format);
    vsnprintf(s->first, sizeof s->first, format, arguments);
    va_end(arguments);
    n = strlen(s->first);
    snprintf(s->first + n, sizeof s->first - n, " (packet %" PRIu64 ")", e->when.pkt);
}

/* How many lengths are kept; the last of a message's frames goes without saying. */
static size_t lengths(const struct wst_replay_script *s)
{
    return s->lengths.n / sizeof(uint64_t);
}

static void add_step(struct wst_replay_script *s, const struct wst_event *e, uint8_t opcode,
                     struct wst_slice payload)
{
    bool message = opcode < 8;
    struct kept kept = {.step = {.opcode = opcode,
                                 .closed = s->facts.closed,
                                 .said = s->facts.said,
                                 .pkt = e->when.pkt,
                                 .compressed = message && e->message.compressed,
                                 .lengths_n = message && s->frames ? s->frames - 1 : 0}};
    struct wst_replay_span span = keep(s, payload);

    kept.at = span.at;
    kept.lengths = lengths(s) - kept.step.lengths_n;
    kept.step.payload.n = payload.n;
    if (e->when.ns > s->before_ns) kept.step.after_ns = e->when.ns - s->before_ns;
    s->before_ns = e->when.ns;
    if (!wst_buf_append(&s->steps, &s->budget, wst_slice_of(&kept, sizeof kept), s->budget.max))
        s->full = true;
    s->facts.steps++;
}

/* -- which connection -------------------------------------------------------------------------- */

static void list(struct wst_replay_script *s, const struct wst_event *e)
{
    struct wst_slice uri = wst_slice_head(e->handshake.uri, URI_SHOWN);
    size_t n = strlen(s->many), room = sizeof s->many - n;

    if (room > URI_SHOWN + 40)
        snprintf(s->many + n, room, "%s#%" PRIu64 " %.*s%s", n ? ", " : "", e->conn, (int)uri.n,
                 uri.p ? (const char *)uri.p : "", uri.n < e->handshake.uri.n ? "..." : "");
    else if (!s->many_more)
        s->many_more = snprintf(s->many + n, room, ", ...") > 0;
}

/* What else was offered, nobody here could speak. */
static void keep_offers(struct wst_replay_script *s, struct wst_slice list)
{
    struct wst_extension x;

    while (wst_extension_next(&list, &x) > 0) {
        size_t n = (size_t)(x.params.p + x.params.n - x.name.p);
        struct wst_replay_span span;
        if (!wst_slice_is_nocase(x.name, "permessage-deflate")) continue;
        if (s->deflate.there) keep(s, wst_slice_text(", "));
        span = keep(s, wst_slice_trimmed(wst_slice_of(x.name.p, n)));
        if (!s->deflate.there) s->deflate = span;
        s->deflate.n = span.at + span.n - s->deflate.at;
    }
}

static void keep_request(struct wst_replay_script *s, const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;
    struct wst_replay_field field;

    if (h->uri.p) s->target = keep(s, h->uri);
    if (h->origin.p) s->origin = keep(s, h->origin);
    for (size_t i = 0; i < h->client_protocols_n; i++) {
        struct wst_replay_span span;
        if (i > 0) keep(s, wst_slice_text(", "));
        span = keep(s, h->client_protocols[i]);
        if (i == 0) s->protocols = span;
        s->protocols.n = span.at + span.n - s->protocols.at;
    }
    if (h->deflate.agreed) keep_offers(s, h->client_extensions);
    for (size_t i = 0; i < h->request_headers_n; i++) {
        field.name = keep(s, h->request_headers[i].name);
        field.value = keep(s, h->request_headers[i].value);
        if (!wst_buf_append(&s->fields, &s->budget, wst_slice_of(&field, sizeof field),
                            s->budget.max))
            s->full = true;
    }
}

static void on_handshake(struct wst_replay_script *s, const struct wst_event *e)
{
    if (!e->handshake.accepted) {
        if (e->conn == s->options.conn) s->refused = e->handshake.status;
        return;
    }
    s->accepted++;
    list(s, e);
    if (s->options.conn ? e->conn != s->options.conn : s->accepted > 1) return;
    s->facts.conn = e->conn;
    s->before_ns = e->when.ns;
    if (e->handshake.request_pkt == 0)
        uncertain(s, e, "the beginning of the connection is not in the capture");
    keep_request(s, e);
}

/* -- what both sides said ---------------------------------------------------------------------- */

static void on_message(struct wst_replay_script *s, const struct wst_event *e)
{
    const struct wst_event_message *m = &e->message;

    if (e->dir == WST_S2C) {
        s->facts.said++;
        return;
    }
    s->open = false;
    if (s->frames) s->lengths.n -= sizeof(uint64_t); /* of the last one */
    if (m->omitted || !m->certain)
        uncertain(s, e, "message %" PRIu64 " (%s) of the client is not whole", m->msg,
                  wst_opcode_name(m->opcode));
    else
        add_step(s, e, m->opcode, m->payload);
    s->frames = 0;
}

static void on_close(struct wst_replay_script *s, const struct wst_event *e)
{
    const struct wst_event_close *c = &e->close;
    uint8_t payload[PING_MOST] = {(uint8_t)(c->code >> 8), (uint8_t)c->code};
    size_t n = c->code >= 0 ? 2 : 0;

    if (e->dir == WST_S2C) {
        s->facts.closed = true;
        return;
    }
    if (c->code == -2 || c->omitted || c->reason.n > sizeof payload - 2) {
        uncertain(s, e, "the client's close is not whole");
        return;
    }
    if (n && c->reason.n) memcpy(payload + n, c->reason.p, c->reason.n);
    add_step(s, e, 8, wst_slice_of(payload, n ? n + c->reason.n : 0));
}

static void drop_pings(struct wst_replay_script *s, unsigned n)
{
    s->pings_n -= n;
    memmove(s->pings, s->pings + n, s->pings_n * sizeof *s->pings);
}

static void on_ping_of_server(struct wst_replay_script *s, struct wst_slice payload)
{
    struct ping *ping;

    if (payload.n > PING_MOST) return;
    if (s->pings_n == PINGS) {
        drop_pings(s, 1);
        s->pings_lost = true;
    }
    ping = &s->pings[s->pings_n++];
    ping->n = payload.n;
    if (payload.n) memcpy(ping->payload, payload.p, payload.n);
}

/* A pong answers earlier pings, too (RFC 6455 section 5.5.3). The server's own pings will be
 * answered; only a pong that nobody asked for is the client's to say. */
static bool answers(struct wst_replay_script *s, struct wst_slice payload)
{
    for (unsigned i = s->pings_n; i-- > 0;)
        if (s->pings[i].n == payload.n &&
            (payload.n == 0 || memcmp(s->pings[i].payload, payload.p, payload.n) == 0)) {
            drop_pings(s, i + 1);
            return true;
        }
    return s->pings_lost;
}

static void on_frame_of_message(struct wst_replay_script *s, const struct wst_event_frame *f)
{
    if (f->opcode) {
        s->open = true;
        s->lengths.n -= s->frames * sizeof f->len; /* of one that was never ended */
        s->frames = 0;
    }
    if (!wst_buf_append(&s->lengths, &s->budget, wst_slice_of(&f->len, sizeof f->len),
                        s->budget.max))
        s->full = true;
    s->frames++;
}

static void on_frame(struct wst_replay_script *s, const struct wst_event *e)
{
    const struct wst_event_frame *f = &e->frame;
    bool whole = f->complete && f->payload_omitted == 0;

    if (e->dir == WST_S2C) {
        if (f->opcode == 9) on_ping_of_server(s, f->payload);
    } else if (f->opcode <= 2) {
        on_frame_of_message(s, f);
    } else if (f->opcode == 8) {
        if (f->len == 1) uncertain(s, e, "the client's close has half a code");
    } else if (f->opcode != 9 && f->opcode != 10) {
        uncertain(s, e, "a frame of the client has the reserved opcode %u", f->opcode);
    } else if (!whole) {
        uncertain(s, e, "a %s of the client is not whole", wst_opcode_name(f->opcode));
    } else if (f->opcode == 9 || !answers(s, f->payload)) {
        add_step(s, e, f->opcode, f->payload);
    }
}

static void on_event(void *user, const struct wst_event *e)
{
    struct wst_replay_script *s = user;

    if (s->full) return;
    if (e->type == WST_EVENT_HANDSHAKE) on_handshake(s, e);
    if (e->type == WST_EVENT_STATS) s->facts.unread = e->stats.tls_no_key;
    if (e->conn == 0 || e->conn != s->facts.conn) return;
    switch (e->type) {
    case WST_EVENT_MESSAGE: on_message(s, e); break;
    case WST_EVENT_CLOSE: on_close(s, e); break;
    case WST_EVENT_FRAME: on_frame(s, e); break;
    case WST_EVENT_GAP:
        uncertain(s, e, "%s%" PRIu64 " bytes of the %s are missing",
                  e->gap.inexact && !e->gap.least ? "up to " : "", e->gap.bytes,
                  e->dir == WST_C2S ? "client" : "server");
        break;
    case WST_EVENT_PROBLEM:
        if (e->dir == WST_S2C && e->problem.problem < WST_PROBLEMS)
            s->taken[e->problem.problem] = true;
        break;
    case WST_EVENT_END:
        if (s->open) uncertain(s, e, "the client's last message has no end");
        break;
    default: break;
    }
}

struct wst_listener wst_replay_script_listener(struct wst_replay_script *s)
{
    return (struct wst_listener){s, on_event, NULL};
}

/* -- the end ----------------------------------------------------------------------------------- */

static enum wst_replay_end none(const struct wst_replay_script *s, char *error)
{
    uint64_t conn = s->options.conn;

    if (conn == 0)
        snprintf(error, WST_REPLAY_ERROR_SIZE, "has no WebSocket connection that was accepted");
    else if (s->refused > 0)
        snprintf(error, WST_REPLAY_ERROR_SIZE,
                 "connection #%" PRIu64 " was refused with status %" PRId32, conn, s->refused);
    else
        snprintf(error, WST_REPLAY_ERROR_SIZE, "has no accepted connection #%" PRIu64, conn);
    return WST_REPLAY_NONE;
}

enum wst_replay_end wst_replay_script_end(struct wst_replay_script *s,
                                          char error[WST_REPLAY_ERROR_SIZE])
{
    struct kept *kept = (struct kept *)(void *)s->steps.p;

    error[0] = '\0';
    if (s->options.conn == 0 && s->accepted > 1) {
        snprintf(error, WST_REPLAY_ERROR_SIZE, "has %" PRIu64 " connections: %s", s->accepted,
                 s->many);
        return WST_REPLAY_MANY;
    }
    if (s->full) {
        snprintf(error, WST_REPLAY_ERROR_SIZE,
                 "what the client sent takes more memory than it may");
        return WST_REPLAY_MEMORY;
    }
    if (s->facts.conn == 0) return none(s, error);
    if (s->first[0] && !s->options.skip_uncertain) {
        snprintf(error, WST_REPLAY_ERROR_SIZE, "%s", s->first);
        return WST_REPLAY_UNCERTAIN;
    }
    snprintf(error, WST_REPLAY_ERROR_SIZE, "%s", s->first);
    for (size_t i = 0; i < s->facts.steps; i++) {
        kept[i].step.payload.p = s->bytes.p ? s->bytes.p + kept[i].at : NULL;
        if (kept[i].step.lengths_n)
            kept[i].step.lengths = (const uint64_t *)(const void *)s->lengths.p + kept[i].lengths;
    }
    return WST_REPLAY_FINE;
}

struct wst_replay_facts wst_replay_script_facts(const struct wst_replay_script *s)
{
    return s->facts;
}

const struct wst_replay_step *wst_replay_script_step(const struct wst_replay_script *s, size_t i)
{
    const struct kept *kept = (const struct kept *)(const void *)s->steps.p;

    return i < s->facts.steps ? &kept[i].step : NULL;
}

struct wst_slice wst_replay_script_text(const struct wst_replay_script *s,
                                        struct wst_replay_span span)
{
    if (!span.there) return (struct wst_slice){NULL, 0};
    return wst_slice_of(s->bytes.p ? s->bytes.p + span.at : (const uint8_t *)"", span.n);
}

struct wst_slice wst_replay_script_target(const struct wst_replay_script *s)
{
    return wst_replay_script_text(s, s->target);
}

struct wst_slice wst_replay_script_origin(const struct wst_replay_script *s)
{
    return wst_replay_script_text(s, s->origin);
}

struct wst_slice wst_replay_script_protocols(const struct wst_replay_script *s)
{
    return wst_replay_script_text(s, s->protocols);
}

bool wst_replay_script_taken(const struct wst_replay_script *s, enum wst_problem problem)
{
    return s->taken[problem];
}

struct wst_slice wst_replay_script_deflate(const struct wst_replay_script *s)
{
    return wst_replay_script_text(s, s->deflate);
}

const struct wst_replay_field *wst_replay_script_fields(const struct wst_replay_script *s,
                                                        size_t *n)
{
    *n = s->fields.n / sizeof(struct wst_replay_field);
    return (const struct wst_replay_field *)(const void *)s->fields.p;
}
