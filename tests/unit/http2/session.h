/* SPDX-License-Identifier: MIT
 *
 * Connections from a script, and what the room says of them. A script is a list of frames:
 *
 *   C preface; C settings; S settings 8=1; C ask 1; S status 1 200; C data.e 1 hello; S fin; end
 *
 *   ask tunnel get N | status N CODE | trailers N | data N TEXT | rst N CODE | settings K=V …
 *   raw TYPE FLAGS STREAM TEXT | text TEXT | lost N | about N | fin          of C or S
 *   end | reset | new (a segment) | indexed (from here on, blocks use the table)  of both
 *   with .e END_STREAM .p padded .r priority .c in three pieces .x without its end .i invalid index
 *
 * What is said, of each direction by itself and of both:
 *   ?1 ?1! ?1unseen  a request, one not allowed, one that was lost
 *   {1 200} 1=fin     its answer, the end
 *   1:hello 1[5]      bytes, 5 lost
 *   1[~5] 1.          at most 5 lost, no more bytes
 *   !broken !broken/1 a problem, of a stream
 */
#ifndef WST_TEST_HTTP2_SESSION_H
#define WST_TEST_HTTP2_SESSION_H

#include <stdio.h>

#include "fields.h"
#include "guard.h"
#include "http2.h"

enum { BOTH = 2, SEGMENTS = 4200, SCRIPT_BYTES = 1 << 18 };

/* -- scripts ----------------------------------------------------------------------------------- */

enum segment_kind { SEG_BYTES, SEG_LOST, SEG_ABOUT, SEG_FIN, SEG_END, SEG_RESET };
struct segment {
    enum segment_kind kind;
    enum wst_dir dir;
    size_t at, n; /* in script.bytes; lost bytes */
};

struct script {
    uint8_t bytes[SCRIPT_BYTES];
    size_t n;
    struct segment segments[SEGMENTS];
    size_t segments_n;
    nghttp2_hd_deflater *deflater[2]; /* "indexed" */
    char sent[2][8][4096];            /* DATA of stream 2 i + 1 */
    size_t sent_n[2][8];
    enum wst_dir dir;
    bool anew; /* a segment begins */
    char mods[8];
};

static inline struct segment *script_segment(struct script *s, enum segment_kind kind)
{
    struct segment *last = s->segments_n ? &s->segments[s->segments_n - 1] : NULL;
    bool same = last && last->kind == SEG_BYTES && last->dir == s->dir && !s->anew;
    if (kind == SEG_BYTES && same) return last;
    s->anew = false;
    assert_true(s->segments_n < SEGMENTS);
    s->segments[s->segments_n] = (struct segment){kind, s->dir, s->n, 0};
    return &s->segments[s->segments_n++];
}

static inline void script_bytes(struct script *s, const void *p, size_t n)
{
    assert_true(s->n + n <= sizeof s->bytes);
    script_segment(s, SEG_BYTES)->n += n;
    memcpy(s->bytes + s->n, p, n);
    s->n += n;
}

static inline bool script_mod(const struct script *s, char mod)
{
    return strchr(s->mods, mod) != NULL;
}

static inline void script_frame(struct script *s, unsigned type, unsigned flags, unsigned stream,
                                const void *p, size_t n)
{
    uint8_t head[WST_HTTP2_HEADER] = {
        (uint8_t)(n >> 16),      (uint8_t)(n >> 8),      (uint8_t)n,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};
    script_bytes(s, head, sizeof head);
    script_bytes(s, p, n);
}

/* A frame that may be padded and have a priority; `lead` bytes are in front of what it carries. */
static inline void script_carrier(struct script *s, unsigned type, unsigned flags, unsigned stream,
                                  const uint8_t *p, size_t n)
{
    static uint8_t payload[SCRIPT_BYTES];
    bool padded = script_mod(s, 'p'), priority = script_mod(s, 'r') && type == 1;
    size_t at = 0;
    if (padded) payload[at++] = 3;
    if (priority) memcpy(payload + at, "\0\0\0\0\x10", 5);
    if (priority) at += 5;
    memcpy(payload + at, p, n);
    at += n;
    if (padded) memcpy(payload + at, "pad", 3);
    if (padded) at += 3;
    script_frame(s, type, flags | (padded ? 8u : 0) | (priority ? 0x20u : 0), stream, payload, at);
}

static inline void script_block(struct script *s, unsigned stream, const uint8_t *p, size_t n)
{
    unsigned flags = script_mod(s, 'e') ? 1 : 0;
    bool unfinished = script_mod(s, 'x');
    if (!script_mod(s, 'c')) {
        script_carrier(s, 1, flags | (unfinished ? 0 : 4), stream, p, n);
        return;
    }
    script_carrier(s, 1, flags, stream, p, n / 3);
    script_frame(s, 9, 0, stream, p + n / 3, n / 3);
    script_frame(s, 9, unfinished ? 0 : 4, stream, p + n / 3 * 2, n - n / 3 * 2);
}

static inline size_t put_literal(uint8_t *to, const char *name, const char *value)
{
    size_t n = 0, name_n = strlen(name), value_n = strlen(value);
    assert_true(name_n < 127 && value_n < 127);
    to[n++] = 0;
    to[n++] = (uint8_t)name_n;
    memcpy(to + n, name, name_n);
    n += name_n;
    to[n++] = (uint8_t)value_n;
    memcpy(to + n, value, value_n);
    return n + value_n;
}

/* Names and values in turn, up to NULL. */
static inline void script_fields(struct script *s, unsigned stream, const char *const *fields)
{
    uint8_t block[1024];
    size_t n = 0;
    if (script_mod(s, 'i')) block[n++] = 0xff; /* a field that was never sent: 127 + 9 */
    if (script_mod(s, 'i')) block[n++] = 9;
    for (; *fields; fields += 2) {
        if (!s->deflater[s->dir]) {
            n += put_literal(block + n, fields[0], fields[1]);
            continue;
        }
        nghttp2_nv nv = {(uint8_t *)(uintptr_t)fields[0], (uint8_t *)(uintptr_t)fields[1],
                         strlen(fields[0]), strlen(fields[1]), 0};
        ssize_t more =
            nghttp2_hd_deflate_hd(s->deflater[s->dir], block + n, sizeof block - n, &nv, 1);
        assert_true(more > 0);
        n += (size_t)more;
    }
    script_block(s, stream, block, n);
}

static inline void script_data(struct script *s, unsigned stream, const char *text)
{
    size_t n = strlen(text), i = stream / 2;
    if (i < 8 && s->sent_n[s->dir][i] + n < 4096) {
        memcpy(s->sent[s->dir][i] + s->sent_n[s->dir][i], text, n);
        s->sent_n[s->dir][i] += n;
    }
    script_carrier(s, 0, script_mod(s, 'e') ? 1 : 0, stream, (const uint8_t *)text, n);
}

static inline void script_settings(struct script *s, char *rest)
{
    uint8_t entries[120];
    size_t n = 0;
    for (char *word = strtok(rest, " "); word; word = strtok(NULL, " ")) {
        unsigned key, value;
        assert_int_equal(sscanf(word, "%u=%u", &key, &value), 2);
        uint8_t entry[6] = {(uint8_t)(key >> 8),    (uint8_t)key,          (uint8_t)(value >> 24),
                            (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        memcpy(entries + n, entry, 6);
        n += 6;
    }
    script_frame(s, 4, 0, 0, entries, n);
}

static inline void script_headers(struct script *s, const char *verb, unsigned stream, char *rest)
{
    const char *ask[] = {":method",
                         "CONNECT",
                         ":protocol",
                         "websocket",
                         ":scheme",
                         "https",
                         ":path",
                         "/chat",
                         ":authority",
                         "h",
                         "origin",
                         "https://h",
                         "sec-websocket-version",
                         "13",
                         NULL};
    const char *tunnel[] = {":method", "CONNECT", ":authority", "h:443", NULL};
    const char *get[] = {":method", "GET",        ":scheme", "https", ":path",
                         "/",       ":authority", "h",       NULL};
    const char *status[] = {":status", rest, "server", "s", NULL};
    const char *trailers[] = {"checksum", "1", NULL};
    script_fields(s, stream,
                  !strcmp(verb, "ask")      ? ask
                  : !strcmp(verb, "tunnel") ? tunnel
                  : !strcmp(verb, "get")    ? get
                  : !strcmp(verb, "status") ? status
                                            : trailers);
}

static inline bool script_mark(struct script *s, const char *verb, char *rest)
{
    if (!strcmp(verb, "fin"))
        script_segment(s, SEG_FIN);
    else if (!strcmp(verb, "end"))
        script_segment(s, SEG_END);
    else if (!strcmp(verb, "new"))
        s->anew = true;
    else if (!strcmp(verb, "reset"))
        script_segment(s, SEG_RESET);
    else if (!strcmp(verb, "lost"))
        script_segment(s, SEG_LOST)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "about"))
        script_segment(s, SEG_ABOUT)->n = (size_t)atoi(rest);
    else if (!strcmp(verb, "indexed"))
        for (int d = 0; d < 2; d++)
            assert_int_equal(nghttp2_hd_deflate_new(&s->deflater[d], 4096), 0);
    else
        return false;
    return true;
}

static inline void script_verb(struct script *s, const char *verb, char *rest)
{
    unsigned type, flags, stream = 0;
    int at = 0;
    if (script_mark(s, verb, rest)) return;
    if (!strcmp(verb, "preface")) {
        script_bytes(s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    } else if (!strcmp(verb, "settings")) {
        script_settings(s, rest);
    } else if (!strcmp(verb, "ack")) {
        script_frame(s, 4, 1, 0, "", 0);
    } else if (!strcmp(verb, "text")) {
        script_bytes(s, rest, strlen(rest));
    } else if (!strcmp(verb, "raw")) {
        assert_int_equal(sscanf(rest, "%u %u %u%n", &type, &flags, &stream, &at), 3);
        if (rest[at] == ' ') at++;
        script_frame(s, type, flags, stream, rest + at, strlen(rest + at));
    } else {
        assert_int_equal(sscanf(rest, "%u%n", &stream, &at), 1);
        if (rest[at] == ' ') at++;
        unsigned code = (unsigned)atoi(rest + at);
        uint8_t be[4] = {(uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8),
                         (uint8_t)code};
        if (!strcmp(verb, "data"))
            script_data(s, stream, rest + at);
        else if (!strcmp(verb, "rst"))
            script_frame(s, 3, 0, stream, be, 4);
        else
            script_headers(s, verb, stream, rest + at);
    }
}

static inline void script_line(struct script *s, char *line)
{
    while (*line == ' ') line++;
    if ((line[0] == 'C' || line[0] == 'S') && line[1] == ' ') {
        s->dir = *line == 'C' ? WST_C2S : WST_S2C;
        line += 2;
    }
    char *rest = line + strcspn(line, " ");
    if (*rest) *rest++ = '\0';
    char *mods = strchr(line, '.');
    snprintf(s->mods, sizeof s->mods, "%s", mods ? mods + 1 : "");
    if (mods) *mods = '\0';
    script_verb(s, line, rest);
}

static inline struct script *script_new(const char *text)
{
    struct script *s = calloc(1, sizeof *s);
    char *copy = strdup(text);
    assert_true(s && copy);
    for (char *line = copy, *next; line; line = next) {
        next = strchr(line, ';');
        if (next) *next++ = '\0';
        script_line(s, line);
    }
    free(copy);
    for (int d = 0; d < 2; d++)
        if (s->deflater[d]) nghttp2_hd_deflate_del(s->deflater[d]);
    return s;
}

/* -- what is said ------------------------------------------------------------------------------ */

struct followed { /* one stream */
    struct talk *talk;
    uint32_t id;
    bool answered, accepted, fin[2];
    int status;
    size_t from[2], to[2]; /* its next byte is one of these */
};

struct talk {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_http2_env env;
    struct wst_http2 http2;
    struct guard guard;
    struct wst_arrival arrival;
    const struct script *script; /* its DATA is compared with */
    unsigned followed, requests, problems[WST_PROBLEMS], unasked;
    bool unwanted, strict; /* strict: what is said must be what was sent */
    uint32_t open[2];      /* the stream whose bytes were said last */
    char log[3][8192];
    size_t log_n[3];
};

__attribute__((format(printf, 3, 4))) static inline void say(struct talk *t, int where,
                                                             const char *format, ...)
{
    va_list list;
    size_t room = sizeof t->log[where] - t->log_n[where];
    if (where != BOTH) t->open[where] = 0;
    va_start(list, format);
    int n = vsnprintf(t->log[where] + t->log_n[where], room, format, list);
    va_end(list);
    t->log_n[where] += (size_t)n < room ? (size_t)n : room - 1;
}

static inline bool said_request(void *user, void *conversation, struct wst_connect_stream *stream,
                                const struct wst_arrival *a)
{
    static const char *const asks[] = {"", "tunnel", "unseen"};
    struct talk *t = user;
    struct wst_slice fields = wst_buf_slice(&stream->request);
    struct wst_header f;
    assert_ptr_equal(conversation, t);
    assert_non_null(a);
    if (stream->asks == WST_CONNECT_UNSEEN) {
        assert_int_equal(fields.n, 0);
    } else {
        assert_true(wst_fields_next(&fields, &f));
        assert_true(wst_slice_is(f.name, ":method") && wst_slice_is(f.value, "CONNECT"));
    }
    say(t, BOTH, "?%u%s%s ", (unsigned)stream->id, asks[stream->asks], stream->unasked ? "!" : "");
    t->requests++;
    t->unasked += stream->unasked;
    if (t->unwanted) return false;
    struct followed *one = calloc(1, sizeof *one);
    assert_non_null(one);
    *one = (struct followed){.talk = t, .id = (unsigned)stream->id};
    for (int d = 0; t->strict && stream->asks == WST_CONNECT_UNSEEN && d < 2; d++)
        one->to[d] = t->script->sent_n[d][stream->id / 2]; /* nobody saw where it began */
    stream->upper = one;
    t->followed++;
    return true;
}

static inline bool said_answer(void *user, void *conversation, struct wst_connect_stream *stream,
                               struct wst_slice fields, int status, const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    struct wst_header f;
    assert_ptr_equal(conversation, t);
    assert_true(a && one->talk == t && !one->answered);
    assert_true(status >= -1 && status < 1000 && (status <= 0 || status >= 200));
    if (status > 0) assert_true(wst_fields_next(&fields, &f) && wst_slice_is(f.name, ":status"));
    one->answered = true;
    one->accepted = status == 0 || status / 100 == 2;
    one->status = status;
    say(t, BOTH, "{%u %d} ", (unsigned)stream->id, status);
    return one->accepted;
}

/* Bytes of the stream from one of its places on: that is where they were sent. */
static inline void said_true(struct followed *one, enum wst_dir dir, struct wst_slice bytes)
{
    const struct script *s = one->talk->script;
    const char *sent = s->sent[dir][one->id / 2];
    size_t n = s->sent_n[dir][one->id / 2], at = one->from[dir];
    while (at + bytes.n <= n && at <= one->to[dir] && memcmp(sent + at, bytes.p, bytes.n) != 0)
        at++;
    assert_true(at + bytes.n <= n && at <= one->to[dir]);
    one->to[dir] = bytes.n < 8 ? one->to[dir] + bytes.n : at + bytes.n; /* eight lie there once */
    one->from[dir] = at + bytes.n;
}

static inline void said_data(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                             struct wst_slice bytes, const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    assert_true(one->talk == t && one->accepted && !one->fin[dir] && bytes.n && a->from);
    assert_true(a->from <= a->when.pkt);
    if (t->strict) said_true(one, dir, bytes);
    if (t->open[dir] != one->id)
        say(t, dir, "%u:", one->id);
    else
        t->log_n[dir]--; /* the space */
    say(t, dir, "%.*s ", (int)bytes.n, (const char *)bytes.p);
    t->open[dir] = one->id;
}

static inline void said_gap(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                            uint64_t bytes, bool exact, const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    assert_true(one->talk == t && one->accepted && !one->fin[dir] && bytes && a->from);
    if (exact) one->from[dir] += bytes;
    one->to[dir] += bytes;
    say(t, dir, "%u[%s%llu] ", one->id, exact ? "" : "~", (unsigned long long)bytes);
}

static inline void said_fin(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                            const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    assert_true(a && one->talk == t && one->accepted && !one->fin[dir]);
    one->fin[dir] = true;
    say(t, dir, "%u. ", one->id);
}

static inline void said_end(void *user, struct wst_connect_stream *stream, enum wst_tcp_end how,
                            const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    assert_true(a && one->talk == t && one->answered);
    for (int d = 0; t->strict && one->accepted && d < 2; d++) { /* nothing is left out unsaid */
        assert_true(one->from[d] <= t->script->sent_n[d][one->id / 2]);
        assert_true(one->to[d] >= t->script->sent_n[d][one->id / 2]);
    }
    say(t, BOTH, "%u=%s ", one->id, how == WST_TCP_FIN ? "fin" : how == WST_TCP_RST ? "rst" : "?");
    t->followed--;
    free(one);
}

static inline bool said_problem(void *user, void *conversation, struct wst_connect_stream *stream,
                                enum wst_problem problem, enum wst_dir dir, const char *detail,
                                const struct wst_arrival *a)
{
    struct talk *t = user;
    const char *id = wst_problem_row(problem)->id;
    assert_ptr_equal(conversation, t);
    assert_true(a && *detail && !strchr(detail, '\n'));
    t->problems[problem]++;
    say(t, dir, "!%s", strchr(id, '.') + 1);
    if (stream) say(t, dir, "/%u", (unsigned)stream->id);
    say(t, dir, " ");
    return true;
}

/* -- running ----------------------------------------------------------------------------------- */

static inline struct talk *talk_new(const struct script *script)
{
    struct talk *t = calloc(1, sizeof *t);
    assert_non_null(t);
    guard_init(&t->guard, SCRIPT_BYTES);
    t->options.limits.max_head = 4096;
    t->options.limits.max_early = 1 << 20;
    t->budget.max = 1 << 24;
    t->script = script;
    wst_http2_env_init(&t->env, &t->options, &t->budget);
    t->env.sink.user = t;
    t->env.sink.request = said_request;
    t->env.sink.answer = said_answer;
    t->env.sink.data = said_data;
    t->env.sink.gap = said_gap;
    t->env.sink.fin = said_fin;
    t->env.sink.end = said_end;
    t->env.sink.problem = said_problem;
    wst_http2_init(&t->http2, t);
    return t;
}

static inline void talk_free(struct talk *t)
{
    for (uint32_t i = 0; i < t->http2.streams.n; i++, t->followed--) {
        const struct wst_http2_stream *s = t->http2.streams.items[i];
        free(s->base.upper);
    }
    assert_int_equal(t->followed, 0);
    wst_http2_free(&t->http2, &t->env);
    assert_int_equal(t->budget.used, 0); /* everything was given back */
    guard_free(&t->guard);
    free(t);
}

static inline void talk_arrive(struct talk *t)
{
    t->arrival.when.pkt++;
    t->arrival.when.ns += 1000;
    t->arrival.from = t->arrival.when.pkt;
}

static inline void talk_push(struct talk *t, enum wst_dir dir, const uint8_t *p, size_t n)
{
    if (!n) return;
    talk_arrive(t);
    wst_http2_push(&t->http2, &t->env, dir, guard_put(&t->guard, p, n), &t->arrival);
}

static inline void talk_gap(struct talk *t, enum wst_dir dir, uint64_t n, bool exact)
{
    talk_arrive(t);
    wst_http2_gap(&t->http2, &t->env, dir, n, exact, &t->arrival);
}

/* What is no bytes. */
static inline void talk_mark(struct talk *t, const struct segment *g)
{
    if (g->kind == SEG_LOST || g->kind == SEG_ABOUT) {
        talk_gap(t, g->dir, g->n, g->kind == SEG_LOST);
        return;
    }
    talk_arrive(t);
    if (g->kind == SEG_FIN) wst_http2_fin(&t->http2, &t->env, g->dir, &t->arrival);
    if (g->kind == SEG_END) wst_http2_end(&t->http2, &t->env, WST_TCP_FIN, &t->arrival);
    if (g->kind == SEG_RESET) wst_http2_end(&t->http2, &t->env, WST_TCP_RST, &t->arrival);
}

/* In pieces of `piece` bytes, and cut once more at `cut`. */
static inline void talk_run(struct talk *t, size_t piece, size_t cut)
{
    const struct script *s = t->script;
    for (size_t i = 0; i < s->segments_n; i++) {
        const struct segment *g = &s->segments[i];
        if (g->kind != SEG_BYTES) {
            talk_mark(t, g);
            continue;
        }
        for (size_t at = g->at, end = g->at + g->n, n; at < end; at += n) {
            n = end - at < piece ? end - at : piece;
            if (at < cut && cut < at + n) n = cut - at;
            talk_push(t, g->dir, s->bytes + at, n);
        }
    }
}

#endif
