/* SPDX-License-Identifier: MIT
 *
 * The ws room by itself, and what it says, in one line:
 *
 *   >F1 text.fin 5@0 m1       a frame of the client: number, opcode and flags, length at offset,
 *                             message; `cut` when not complete; a control frame's payload
 *   <M1 text "Hello"          a message of the server; z compressed, ? not certain, -n omitted,
 *                             xN frames, ~ not UTF-8
 *   >C 1000 "bye"   >G 10@5   a close; a gap
 *   !frame.rsv                a problem; F2@8: bad text in frame 2, at offset 8
 *   E fin clean client 1000   the end
 */
#ifndef WST_TEST_WS_ROOM_H
#define WST_TEST_WS_ROOM_H

#include <stdio.h>
#include <zlib.h>

#include "guard.h"
#include "ws.h"

struct room {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_ws_env env;
    struct wst_ws ws;
    struct guard guard;
    struct wst_arrival arrival;
    /* NULL: events are written to the log */
    void (*event)(struct room *room, const struct wst_event *event);
    void *user;
    char *log;
    size_t log_n, log_room;
    uint64_t problems[WST_PROBLEMS];
    bool notes; /* notes about endpoints are written, too */
};

static inline void room_say(struct room *r, const char *p, size_t n)
{
    while (r->log_n + n + 1 > r->log_room) {
        r->log_room = r->log_room ? r->log_room * 2 : 4096;
        r->log = realloc(r->log, r->log_room);
        assert_non_null(r->log);
    }
    if (n) memcpy(r->log + r->log_n, p, n);
    r->log_n += n;
    r->log[r->log_n] = '\0';
}
__attribute__((format(printf, 2, 3))) static inline void room_sayf(struct room *r, const char *f,
                                                                   ...)
{
    char text[256];
    va_list args;
    va_start(args, f);
    int n = vsnprintf(text, sizeof text, f, args);
    va_end(args);
    room_say(r, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}
static inline void room_say_quoted(struct room *r, struct wst_slice s)
{
    room_say(r, " \"", 2);
    for (size_t i = 0; i < s.n && i < 40; i++) {
        if (s.p[i] >= 0x20 && s.p[i] < 0x7f)
            room_say(r, (const char *)s.p + i, 1);
        else
            room_sayf(r, "\\%02x", s.p[i]);
    }
    if (s.n > 40) room_sayf(r, "...%zu", s.n);
    room_say(r, "\"", 1);
}

static inline void room_say_frame(struct room *r, const struct wst_event *e)
{
    const struct wst_event_frame *f = &e->frame;
    room_sayf(r, "F%llu %s%s%s%s%s%s %llu@%llu", (unsigned long long)f->n,
              wst_opcode_name(f->opcode), f->fin ? ".fin" : "", f->rsv1 ? ".rsv1" : "",
              f->rsv2 ? ".rsv2" : "", f->rsv3 ? ".rsv3" : "",
              f->masked == (e->dir == WST_C2S) ? ""
              : f->masked                      ? ".masked"
                                               : ".unmasked",
              (unsigned long long)f->len, (unsigned long long)f->offset);
    if (f->msg) room_sayf(r, " m%llu", (unsigned long long)f->msg);
    if (f->payload.p && f->payload.n) room_say_quoted(r, f->payload);
    if (f->payload_omitted) room_sayf(r, " -%llu", (unsigned long long)f->payload_omitted);
    if (!f->complete) room_sayf(r, " cut");
}

static inline void room_say_message(struct room *r, const struct wst_event_message *m)
{
    room_sayf(r, "M%llu %s", (unsigned long long)m->msg, wst_opcode_name(m->opcode));
    room_say_quoted(r, m->payload);
    if (m->compressed) room_sayf(r, " z");
    if (m->frames > 1) room_sayf(r, " x%llu", (unsigned long long)m->frames);
    if (m->omitted) room_sayf(r, " -%llu", (unsigned long long)m->omitted);
    if (m->opcode == 1 && !m->utf8) room_sayf(r, " ~");
    if (!m->certain) room_sayf(r, " ?");
    assert_int_equal(m->len, m->payload.n + m->omitted);
}

/* About an endpoint, and no more than a note: most tables mask with zeros and do not close. */
static inline bool room_note(const struct wst_event *e)
{
    return wst_problem_of_peer(e->problem.problem) &&
           wst_problem_row(e->problem.problem)->level == WST_NOTE;
}

static inline void room_emit(void *user, void *conversation, struct wst_event *e)
{
    struct room *r = user;
    assert_ptr_equal(conversation, r);
    assert_int_equal(e->when.pkt, r->arrival.when.pkt);
    if (e->type == WST_EVENT_PROBLEM) {
        r->problems[e->problem.problem]++;
        assert_true(e->problem.detail[0] && !strchr(e->problem.detail, '\n'));
    }
    if (r->event) {
        r->event(r, e);
        return;
    }
    if (e->type == WST_EVENT_PROBLEM && room_note(e) && !r->notes) return;
    if (r->log_n) room_say(r, " ", 1);
    if (e->type != WST_EVENT_PROBLEM && e->type != WST_EVENT_END)
        room_say(r, e->dir == WST_C2S ? ">" : "<", 1);
    switch (e->type) {
    case WST_EVENT_FRAME: room_say_frame(r, e); break;
    case WST_EVENT_MESSAGE: room_say_message(r, &e->message); break;
    case WST_EVENT_CLOSE:
        room_sayf(r, "C %d", (int)e->close.code);
        if (e->close.reason.n) room_say_quoted(r, e->close.reason);
        if (e->close.omitted) room_sayf(r, " -%llu", (unsigned long long)e->close.omitted);
        if (!e->close.utf8) room_sayf(r, " ~");
        break;
    case WST_EVENT_GAP:
        room_sayf(r, "G %llu@%lld", (unsigned long long)e->gap.bytes, (long long)e->gap.offset);
        break;
    case WST_EVENT_PROBLEM:
        room_sayf(r, "!%s", wst_problem_row(e->problem.problem)->id);
        if (e->problem.problem == WST_PROBLEM_MESSAGE_INVALID_UTF8)
            room_sayf(r, " F%llu@%lld", (unsigned long long)e->problem.n,
                      (long long)e->problem.offset);
        break;
    case WST_EVENT_END:
        room_sayf(r, "E %s%s %s %d", wst_tcp_end_name(e->end.tcp), e->end.clean ? " clean" : "",
                  e->end.by == WST_DIR_NONE ? "nobody"
                  : e->end.by == WST_C2S    ? "client"
                                            : "server",
                  (int)e->end.code);
        break;
    default: fail_msg("event %d", e->type);
    }
}

static inline void room_open(struct room *r, const struct wst_ws_terms *terms)
{
    guard_init(&r->guard, 1 << 17);
    r->options = (struct wst_options){.max_payload = UINT64_MAX};
    r->options.limits.max_message = 16 << 20;
    r->options.limits.max_inflate = 1 << 30;
    r->options.limits.max_resync = 256 * 1024;
    r->budget = (struct wst_budget){.max = (size_t)1 << 30};
    assert_true(wst_ws_env_init(&r->env, &r->options, &r->budget));
    r->env.user = r;
    r->env.emit = room_emit;
    wst_ws_init(&r->ws, r, terms, 0);
}

static inline void room_close(struct room *r)
{
    wst_ws_free(&r->ws, &r->env);
    wst_ws_env_free(&r->env);
    assert_int_equal(r->budget.used, 0);
    guard_free(&r->guard);
    free(r->log);
    r->log = NULL;
    r->log_n = r->log_room = 0;
}

static inline void room_arrive(struct room *r)
{
    r->arrival.when.pkt++;
    r->arrival.when.ns += 1000000;
    r->arrival.from = r->arrival.when.pkt;
}
/* One segment. */
static inline void room_push(struct room *r, enum wst_dir d, const void *p, size_t n)
{
    room_arrive(r);
    if (n <= r->guard.room) {
        wst_ws_push(&r->ws, &r->env, d, guard_put(&r->guard, p, n), &r->arrival);
        return;
    }
    uint8_t *exact = malloc(n);
    assert_non_null(exact);
    memcpy(exact, p, n);
    wst_ws_push(&r->ws, &r->env, d, (struct wst_slice){exact, n}, &r->arrival);
    free(exact);
}
static inline void room_gap(struct room *r, enum wst_dir d, uint64_t n)
{
    room_arrive(r);
    wst_ws_gap(&r->ws, &r->env, d, n, WST_WS_EXACTLY, &r->arrival);
}
static inline void room_end(struct room *r)
{
    room_arrive(r);
    wst_ws_end(&r->ws, &r->env, WST_TCP_FIN, &r->arrival);
}

/* -- bytes of a direction -- */

struct wire {
    uint8_t *p;
    size_t n, room;
};
static inline void wire_put(struct wire *w, const void *p, size_t n)
{
    while (w->n + n > w->room) {
        w->room = w->room ? w->room * 2 : 4096;
        w->p = realloc(w->p, w->room);
        assert_non_null(w->p);
    }
    if (n) memcpy(w->p + w->n, p, n);
    w->n += n;
}
static inline void wire_free(struct wire *w)
{
    free(w->p);
    *w = (struct wire){0};
}
/* A frame, its length in the shortest form; key NULL: not masked. */
static inline void wire_frame(struct wire *w, unsigned first, const uint8_t *key,
                              const void *payload, size_t n)
{
    uint8_t h[14] = {(uint8_t)first};
    size_t k = 2;
    uint8_t mask = key ? 0x80 : 0;
    if (n < 126) {
        h[1] = (uint8_t)(mask | n);
    } else if (n < 65536) {
        h[1] = mask | 126;
        h[2] = (uint8_t)(n >> 8);
        h[3] = (uint8_t)n;
        k = 4;
    } else {
        h[1] = mask | 127;
        for (int i = 0; i < 8; i++) h[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
        k = 10;
    }
    if (key) memcpy(h + k, key, 4);
    wire_put(w, h, k + (key ? 4 : 0));
    size_t at = w->n;
    wire_put(w, payload, n);
    for (size_t i = 0; key && i < n; i++) w->p[at + i] ^= key[i & 3];
}

/* -- what senders do (RFC 7692 section 7.2.1) -- */

struct deflater {
    z_stream z;
    bool anew; /* no context takeover */
};
static inline void deflater_init(struct deflater *d, int bits, int level, int strategy, bool anew)
{
    memset(d, 0, sizeof *d);
    d->anew = anew;
    assert_int_equal(deflateInit2(&d->z, level, Z_DEFLATED, -bits, 8, strategy), Z_OK);
}
static inline void deflater_free(struct deflater *d)
{
    deflateEnd(&d->z);
}
/* The message's compressed payload goes to the end of `to`. */
static inline void deflater_message(struct deflater *d, const void *p, size_t n, struct wire *to)
{
    uint8_t out[4096];
    d->z.next_in = (Bytef *)(uintptr_t)p;
    d->z.avail_in = (uInt)n;
    do {
        d->z.next_out = out;
        d->z.avail_out = sizeof out;
        assert_true(deflate(&d->z, Z_SYNC_FLUSH) != Z_STREAM_ERROR);
        wire_put(to, out, sizeof out - d->z.avail_out);
    } while (d->z.avail_out == 0);
    if (n == 0 && (to->n < 4 || memcmp(to->p + to->n - 4, "\0\0\xff\xff", 4) != 0)) {
        wire_put(to, "\0", 1); /* zlib flushes nothing twice; the empty message is one byte */
    } else {
        assert_memory_equal(to->p + to->n - 4, "\0\0\xff\xff", 4);
        to->n -= 4;
    }
    if (d->anew) assert_int_equal(deflateReset(&d->z), Z_OK);
}

/* Text like what is sent in practice: words, repeated; or bytes that do not compress. */
static inline void fill_message(uint64_t *seed, uint8_t *p, size_t n, bool random)
{
    static const char words[] =
        "{\"type\":\"message\",\"user\":\"anna\",\"text\":\"hello there, how are you\",\"id\":";
    if (random) {
        rnd_fill(seed, p, n);
        return;
    }
    for (size_t i = 0; i < n;) {
        size_t from = rnd_below(seed, sizeof words - 1), k = 1 + rnd_below(seed, 20);
        if (rnd_below(seed, 4) == 0) {
            p[i++] = (uint8_t)('0' + rnd_below(seed, 75));
            continue;
        }
        while (k-- && from < sizeof words - 1 && i < n) p[i++] = (uint8_t)words[from++];
    }
}

#endif
