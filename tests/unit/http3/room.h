/* SPDX-License-Identifier: MIT
 *
 * In: the streams of an HTTP/3 connection. Out: what the http3 room says of them, of each stream
 * and direction by itself, for between these there is no order:
 *
 *   0>?hello[5][~7].  stream 0, the client: it asks, says hello, 5 bytes are missing, at most 7
 *                     are, it says no more
 *   0<{200}hi.=       the server: its answer, hi, no more; the stream is over
 *   ?! ?tunnel ?unseen  a request not allowed, of these kinds
 *   =reset by client  an end that was a reset, and who did it first
 *   !broken: why      a finding of the connection; 0!broken: of a stream
 */
#ifndef HTTP3_ROOM_H
#define HTTP3_ROOM_H

#include <stdio.h>

#include "guard.h"
#include "http3/http3.h"
#include "told.h"

enum { SAID = 8192, STREAMS = 16, CONTROL = 0, ENCODER = 2, CONTROL_C = 2, ENCODER_C = 6 };

static struct {
    char said[STREAMS][2][SAID];
    char problems[SAID];
    struct told told[STREAMS];
    struct wst_http3 http3;
    struct wst_http3_env env;
    struct wst_budget budget;
    struct wst_options options;
    struct wst_arrival now;
    nghttp3_qpack_encoder *encoder[2];
    bool begun[2]; /* the encoder's stream is */
    bool deny;     /* requests cannot be followed */
} room;

static size_t piece = SIZE_MAX; /* bytes of a push */

__attribute__((format(printf, 2, 3))) static void say(char *to, const char *format, ...)
{
    size_t n = strlen(to);
    va_list args;
    va_start(args, format);
    vsnprintf(to + n, SAID - n, format, args);
    va_end(args);
}

static char *said_of(const struct wst_connect_stream *s, enum wst_dir dir)
{
    return room.said[s->id / 4 % STREAMS][dir];
}

static bool on_request(void *user, void *conversation, struct wst_connect_stream *s,
                       const struct wst_arrival *a)
{
    static const char *const asks[] = {"", "tunnel", "unseen"};
    (void)user, (void)conversation;
    told_request(s, a, room.options.limits.max_head);
    if (room.deny) return false;
    told_begin(s, &room.told[s->id / 4 % STREAMS]);
    say(said_of(s, WST_C2S), "?%s%s", asks[s->asks], s->unasked ? "!" : "");
    return true;
}

/* Proof enough for a script: bytes that begin as a frame does. */
static bool on_proves(void *user, const struct wst_connect_stream *s, bool end)
{
    uint64_t from;
    struct wst_slice said = wst_queue_first(&s->said, &from);
    (void)user;
    (void)end;
    return said.n && said.p[0] >> 4 == 8;
}

static bool on_answer(void *user, void *conversation, struct wst_connect_stream *s,
                      struct wst_slice fields, int status, const struct wst_arrival *a)
{
    (void)user, (void)conversation;
    say(said_of(s, WST_S2C), "{%d}", status);
    return told_answer(s, fields, status, a, room.options.limits.max_head);
}

static void on_data(void *user, struct wst_connect_stream *s, enum wst_dir dir, struct wst_slice b,
                    const struct wst_arrival *a)
{
    (void)user;
    told_data(s, dir, b, a);
    for (size_t i = 0; i < b.n; i++)
        say(said_of(s, dir), b.p[i] >= ' ' && b.p[i] < 0x7f ? "%c" : "\\%02x", b.p[i]);
}

static void on_gap(void *user, struct wst_connect_stream *s, enum wst_dir dir, uint64_t n,
                   bool exact, const struct wst_arrival *a)
{
    (void)user;
    told_gap(s, dir, n, a);
    say(said_of(s, dir), "[%s%llu]", exact ? "" : "~", (unsigned long long)n);
}

static void on_fin(void *user, struct wst_connect_stream *s, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    (void)user;
    told_fin(s, dir, a);
    say(said_of(s, dir), ".");
}

static void on_end(void *user, struct wst_connect_stream *s, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    (void)user;
    told_end(s, a);
    bool client = s->reset_by[WST_C2S], server = s->reset_by[WST_S2C];
    say(said_of(s, WST_S2C), "=%s%s%s%s", s->unserved ? "unserved" : "",
        how == WST_TCP_RST ? "reset" : "", client ? " by client" : "", server ? " by server" : "");
}

static bool on_problem(void *user, void *conversation, struct wst_connect_stream *s,
                       enum wst_problem problem, enum wst_dir dir, const char *detail,
                       const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)a, (void)dir;
    assert_true(problem == WST_PROBLEM_HTTP3_BROKEN || problem == WST_PROBLEM_HTTP3_UNREAD ||
                problem == WST_PROBLEM_HTTP3_GOAWAY);
    if (s && !told_of(s)->accepted) return false;
    if (s) say(room.problems, "%u", (unsigned)s->id);
    say(room.problems, "!%s: %s\n",
        problem == WST_PROBLEM_HTTP3_BROKEN   ? "broken"
        : problem == WST_PROBLEM_HTTP3_UNREAD ? "unread"
                                              : "goaway",
        detail);
    return true;
}

static void room_open(void)
{
    for (int d = 0; d < 2; d++)
        if (room.encoder[d]) nghttp3_qpack_encoder_del(room.encoder[d]);
    memset(&room, 0, sizeof room);
    wst_options_init(&room.options);
    room.budget.max = 64 << 20;
    wst_http3_env_init(&room.env, &room.options, &room.budget);
    room.env.sink = (struct wst_connect_sink){.request = on_request,
                                              .answer = on_answer,
                                              .proves = on_proves,
                                              .data = on_data,
                                              .gap = on_gap,
                                              .fin = on_fin,
                                              .end = on_end,
                                              .problem = on_problem};
    wst_http3_init(&room.http3, NULL);
}

/* All that was said, behind the last call. */
static const char *room_text(void)
{
    static char text[(2 * STREAMS + 1) * SAID];
    size_t n = 0;
    for (int i = 0; i < STREAMS; i++)
        for (int d = 0; d < 2; d++)
            if (*room.said[i][d])
                n += (size_t)sprintf(text + n, "%d%c%s\n", 4 * i, d ? '<' : '>', room.said[i][d]);
    sprintf(text + n, "%s", room.problems);
    return text;
}

static void room_shut(void)
{
    wst_http3_end(&room.http3, &room.env, WST_TCP_FIN, &room.now);
    assert_int_equal(room.http3.streams.n, 0);
    assert_int_equal(room.http3.blocked, 0);
    assert_int_equal(room.http3.waiting, 0);
    assert_int_equal(room.http3.asked, 0);
    wst_http3_free(&room.http3, &room.env);
    assert_int_equal(room.budget.used, 0);
    for (int i = 0; i < STREAMS; i++) assert_false(room.told[i].live);
}

/* The connection ends, and this was said of it. */
static void room_close(const char *expected)
{
    room_shut();
    assert_string_equal(room_text(), expected);
}

/* -- bytes ------------------------------------------------------------------------------------- */

static void sends(uint64_t id, enum wst_dir dir, const void *bytes, size_t n)
{
    struct wst_slice s = wst_slice_of(bytes, n);
    for (; s.n; s = wst_slice_skip(s, piece)) {
        struct wst_slice one = wst_slice_head(s, piece);
        uint8_t *exact = malloc(one.n); /* no byte behind it may be read */
        memcpy(exact, one.p, one.n);
        room.now.from = ++room.now.when.pkt;
        wst_http3_push(&room.http3, &room.env, id, dir, wst_slice_of(exact, one.n), &room.now);
        free(exact);
    }
}

static inline void loses(uint64_t id, enum wst_dir dir, uint64_t n)
{
    wst_http3_gap(&room.http3, &room.env, id, dir, n, &room.now);
}

static inline void ends(uint64_t id, enum wst_dir dir)
{
    wst_http3_fin(&room.http3, &room.env, id, dir, &room.now);
}

static inline void resets(uint64_t id, enum wst_dir dir, uint64_t code)
{
    wst_http3_reset(&room.http3, &room.env, id, dir, code, &room.now);
}

struct bytes {
    uint8_t p[SAID];
    size_t n;
};

static inline void put(struct bytes *to, const void *p, size_t n)
{
    assert_true(to->n + n <= sizeof to->p);
    if (n) memcpy(to->p + to->n, p, n);
    to->n += n;
}

/* As short as can be. */
static void put_varint(struct bytes *to, uint64_t v)
{
    unsigned form = v < 64 ? 0 : v < 16384 ? 1 : v < 1u << 30 ? 2 : 3;
    size_t n = (size_t)1 << form;
    uint8_t b[8];
    for (size_t i = 0; i < n; i++) b[i] = (uint8_t)(v >> 8 * (n - 1 - i));
    b[0] |= (uint8_t)(form << 6);
    put(to, b, n);
}

static void put_frame(struct bytes *to, uint64_t type, const void *payload, size_t n)
{
    put_varint(to, type);
    put_varint(to, n);
    put(to, payload, n);
}

static inline void frame(uint64_t id, enum wst_dir dir, uint64_t type, const void *p, size_t n)
{
    struct bytes b = {.n = 0};
    put_frame(&b, type, p, n);
    sends(id, dir, b.p, b.n);
}

static inline void data(uint64_t id, enum wst_dir dir, const char *text)
{
    frame(id, dir, WST_HTTP3_DATA, text, strlen(text));
}

/* A frame of WebSocket in DATA of its own; the client's mask is 0, so that it can be read. */
static inline void put_message(struct bytes *to, enum wst_dir dir, const char *text)
{
    struct bytes b = {.n = 0};
    size_t n = strlen(text);
    uint8_t mask = dir == WST_C2S ? 0x80 : 0;
    uint8_t small[] = {0x81, (uint8_t)(mask | n)};
    uint8_t large[] = {0x81, (uint8_t)(mask | 126), (uint8_t)(n >> 8), (uint8_t)n};
    put(&b, n < 126 ? small : large, n < 126 ? sizeof small : sizeof large);
    if (mask) put(&b, "\0\0\0", 4);
    put(&b, text, n);
    put_frame(to, WST_HTTP3_DATA, b.p, b.n);
}

/* -- fields ------------------------------------------------------------------------------------ */

static void free_buf(nghttp3_buf *b)
{
    nghttp3_buf_free(b, nghttp3_mem_default());
}

static nghttp3_qpack_encoder *encoder_of(enum wst_dir dir, size_t capacity)
{
    nghttp3_qpack_encoder **e = &room.encoder[dir];
    if (*e) return *e;
    assert_int_equal(nghttp3_qpack_encoder_new(e, capacity, nghttp3_mem_default()), 0);
    nghttp3_qpack_encoder_set_max_dtable_capacity(*e, capacity);
    nghttp3_qpack_encoder_set_max_blocked_streams(*e, 1000);
    return *e;
}

/* Names and values in turn, up to NULL. What fills the table is appended to `inserts`. */
static void put_section(struct bytes *to, struct bytes *inserts, enum wst_dir dir, uint64_t id,
                        size_t capacity, const char *const *fields)
{
    nghttp3_nv nv[16];
    nghttp3_buf prefix, section, said;
    size_t n = 0;
    for (; fields[2 * n]; n++) {
        nv[n] = (nghttp3_nv){(uint8_t *)(uintptr_t)fields[2 * n],
                             (uint8_t *)(uintptr_t)fields[2 * n + 1], strlen(fields[2 * n]),
                             strlen(fields[2 * n + 1]), 0};
    }
    nghttp3_buf_init(&prefix);
    nghttp3_buf_init(&section);
    nghttp3_buf_init(&said);
    assert_int_equal(nghttp3_qpack_encoder_encode(encoder_of(dir, capacity), &prefix, &section,
                                                  &said, (int64_t)id, nv, n),
                     0);
    put(to, prefix.pos, nghttp3_buf_len(&prefix));
    put(to, section.pos, nghttp3_buf_len(&section));
    if (inserts) put(inserts, said.pos, nghttp3_buf_len(&said));
    free_buf(&prefix);
    free_buf(&section);
    free_buf(&said);
}

static const char *const websocket[] = {":method",    "CONNECT",   ":protocol", "websocket",
                                        ":scheme",    "https",     ":path",     "/chat",
                                        ":authority", "a.example", NULL};
static const char *const tunnel[] = {":method", "CONNECT", ":authority", "a.example:80", NULL};
static const char *const get[] = {":method", "GET",        ":scheme",   "https", ":path",
                                  "/",       ":authority", "a.example", NULL};
static const char *const ok[] = {":status", "200", NULL};
static const char *const forbidden[] = {":status", "403", NULL};

/* A HEADERS frame whose fields need no table. */
static inline void put_headers(struct bytes *to, enum wst_dir dir, const char *const *fields)
{
    struct bytes b = {.n = 0};
    nghttp3_qpack_encoder *kept = room.encoder[dir];
    room.encoder[dir] = NULL;
    put_section(&b, NULL, dir, 0, 0, fields);
    nghttp3_qpack_encoder_del(room.encoder[dir]);
    room.encoder[dir] = kept;
    put_frame(to, WST_HTTP3_HEADERS, b.p, b.n);
}

static inline void headers(uint64_t id, enum wst_dir dir, const char *const *fields)
{
    struct bytes b = {.n = 0};
    put_headers(&b, dir, fields);
    sends(id, dir, b.p, b.n);
}

static inline void asks(uint64_t id)
{
    headers(id, WST_C2S, websocket);
}

static inline void answers(uint64_t id)
{
    headers(id, WST_S2C, ok);
}

/* The control stream of a side, with these settings. */
static inline void put_settings(struct bytes *to, const uint64_t *settings)
{
    struct bytes b = {.n = 0};
    for (; settings && settings[0]; settings += 2) {
        put_varint(&b, settings[0]);
        put_varint(&b, settings[1]);
    }
    put_varint(to, CONTROL);
    put_frame(to, WST_HTTP3_SETTINGS, b.p, b.n);
}

static inline void settles(enum wst_dir dir, const uint64_t *settings)
{
    struct bytes b = {.n = 0};
    put_settings(&b, settings);
    sends(CONTROL_C + dir, dir, b.p, b.n);
}

static const uint64_t allowing[] = {8, 1, 0};

static inline void begins(void)
{
    settles(WST_C2S, NULL);
    settles(WST_S2C, allowing);
}

/* Each test, with pieces of all sizes. */
static inline void in_pieces(void (*test)(void))
{
    static const size_t sizes[] = {SIZE_MAX, 1, 2, 3, 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        piece = sizes[i];
        test();
    }
    piece = SIZE_MAX;
}
#define IN_PIECES(name)            \
    static void name##_once(void); \
    static void name(void **state) \
    {                              \
        (void)state;               \
        in_pieces(name##_once);    \
    }                              \
    static void name##_once(void)

#endif
