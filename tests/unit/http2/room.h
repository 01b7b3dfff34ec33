/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of an HTTP/2 connection. Out: a line for each thing the http2 room says of it.
 */
#ifndef HTTP2_ROOM_H
#define HTTP2_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget.h"
#include "fields.h"
#include "http2/http2.h"
#include "slice.h"

static struct {
    char text[8192];
    struct wst_http2 http2;
    struct wst_http2_env env;
    struct wst_budget budget;
    struct wst_options options;
    struct wst_arrival now;
} room;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    size_t n = strlen(room.text);
    va_list args;
    va_start(args, format);
    vsnprintf(room.text + n, sizeof room.text - n, format, args);
    va_end(args);
}

static bool on_request(void *user, void *conversation, struct wst_connect_stream *s,
                       const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)a;
    say("%u request%s\n", (unsigned)s->id, s->unasked ? " unasked" : "");
    return true;
}

static bool on_answer(void *user, void *conversation, struct wst_connect_stream *s,
                      struct wst_slice fields, int status, const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)fields, (void)a;
    say("%u answer %d\n", (unsigned)s->id, status);
    return status == 0 || status / 100 == 2;
}

/* What comes byte by byte is one line, too. */
static void on_data(void *user, struct wst_connect_stream *s, enum wst_dir dir, struct wst_slice b,
                    const struct wst_arrival *a)
{
    char begin[16];
    (void)user, (void)a;
    snprintf(begin, sizeof begin, "%u %c \"", (unsigned)s->id, dir == WST_C2S ? '>' : '<');
    size_t n = strlen(room.text), line = n ? n - 1 : 0;
    while (line && room.text[line - 1] != '\n') line--;
    if (n && !strncmp(room.text + line, begin, strlen(begin)))
        room.text[n - 2] = '\0';
    else
        say("%s", begin);
    say("%.*s\"\n", (int)b.n, (const char *)b.p);
}

static void on_gap(void *user, struct wst_connect_stream *s, enum wst_dir dir, uint64_t n,
                   bool exact, const struct wst_arrival *a)
{
    (void)user, (void)a;
    say("%u %c gap %s%llu\n", (unsigned)s->id, dir == WST_C2S ? '>' : '<', exact ? "" : "up to ",
        (unsigned long long)n);
}

static void on_fin(void *user, struct wst_connect_stream *s, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    (void)user, (void)a;
    say("%u %c fin\n", (unsigned)s->id, dir == WST_C2S ? '>' : '<');
}

static void on_end(void *user, struct wst_connect_stream *s, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    (void)user, (void)a;
    say("%u end%s\n", (unsigned)s->id, how == WST_TCP_RST ? " reset" : "");
}

static bool on_problem(void *user, void *conversation, struct wst_connect_stream *s,
                       enum wst_problem problem, enum wst_dir dir, const char *detail,
                       const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)a, (void)dir;
    say("%u %s: %s\n", s ? (unsigned)s->id : 0,
        problem == WST_PROBLEM_HTTP2_BROKEN ? "broken" : "unread", detail);
    return true;
}

static void room_open(void)
{
    memset(&room, 0, sizeof room);
    wst_options_init(&room.options);
    room.budget.max = 64 << 20;
    wst_http2_env_init(&room.env, &room.options, &room.budget);
    room.env.sink.request = on_request;
    room.env.sink.answer = on_answer;
    room.env.sink.data = on_data;
    room.env.sink.gap = on_gap;
    room.env.sink.fin = on_fin;
    room.env.sink.end = on_end;
    room.env.sink.problem = on_problem;
    wst_http2_init(&room.http2, NULL);
}

/* The connection ends, and this was said of it. */
static void room_close(const char *expected)
{
    wst_http2_end(&room.http2, &room.env, WST_TCP_FIN, &room.now);
    wst_http2_free(&room.http2, &room.env);
    assert_string_equal(room.text, expected);
    assert_int_equal(room.budget.used, 0);
}

static size_t piece = SIZE_MAX; /* bytes of a push */

static void sends(enum wst_dir dir, const void *bytes, size_t n)
{
    struct wst_slice s = wst_slice_of(bytes, n);
    for (room.now.when.pkt++; s.n; s = wst_slice_skip(s, piece))
        wst_http2_push(&room.http2, &room.env, dir, wst_slice_head(s, piece), &room.now);
}

static inline void loses(enum wst_dir dir, uint64_t n)
{
    wst_http2_gap(&room.http2, &room.env, dir, n, true, &room.now);
}

/* One frame, appended at `at`; returns its end. */
static uint8_t *put_frame(uint8_t *at, unsigned type, unsigned flags, uint32_t stream,
                          const void *payload, size_t n)
{
    const uint8_t head[9] = {
        (uint8_t)(n >> 16),      (uint8_t)(n >> 8),      (uint8_t)n,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    memcpy(at, head, sizeof head);
    if (n) memcpy(at + sizeof head, payload, n);
    return at + sizeof head + n;
}

static void frame(enum wst_dir dir, unsigned type, unsigned flags, uint32_t stream,
                  const void *payload, size_t n)
{
    uint8_t bytes[4096];
    sends(dir, bytes, (size_t)(put_frame(bytes, type, flags, stream, payload, n) - bytes));
}

static inline void data(enum wst_dir dir, uint32_t stream, const char *text)
{
    frame(dir, WST_HTTP2_DATA, 0, stream, text, strlen(text));
}

/* Literals without indexing, RFC 7541 section 6.2.2. */
static inline void asks(uint32_t stream)
{
    static const char fields[] = "\0\7:method\7CONNECT\0\11:protocol\11websocket";
    frame(WST_C2S, WST_HTTP2_HEADERS, WST_HTTP2_END_HEADERS, stream, fields, sizeof fields - 1);
}

static inline void answers(uint32_t stream)
{
    frame(WST_S2C, WST_HTTP2_HEADERS, WST_HTTP2_END_HEADERS, stream, "\x88", 1); /* 200 */
}

/* Both prefaces. */
static inline void begins(void)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    sends(WST_C2S, preface, sizeof preface - 1);
    frame(WST_C2S, WST_HTTP2_SETTINGS, 0, 0, NULL, 0);
    frame(WST_S2C, WST_HTTP2_SETTINGS, 0, 0, "\0\10\0\0\0\1", 6);
}

#endif
