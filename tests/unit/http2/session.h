/* SPDX-License-Identifier: MIT
 *
 * Connections from a script (script.h), and what the room says of them, of each direction by itself
 * and of both:
 *
 *   ?1 ?1! ?1unseen  a request, one not allowed, one that was lost
 *   {1 200} 1=fin     its answer, the end
 *   {1 -1@}           none, and the server said that it did nothing on it
 *   {1 -1?}           none, though it may be missing, and a side reset the stream
 *   1:hello 1[5]      bytes, 5 lost
 *   1[~5] 1.          at most 5 lost, no more bytes
 *   !broken !broken/1 a problem, of a stream; the words of the last are t->why
 */
#ifndef WST_TEST_HTTP2_SESSION_H
#define WST_TEST_HTTP2_SESSION_H

#include "script.h"
#include "told.h"

enum { BOTH = 2 };

/* What most scripts begin with. */
#define BEGIN "C preface;settings;S settings 8=1;S ack;C ack;"
#define OPEN1 BEGIN "C ask 1;S status 1 200;"

struct followed { /* one stream */
    struct told told;
    struct talk *talk;
    uint32_t id;
    bool unasked;
    size_t from[2], to[2]; /* its next byte is one of these */
};

struct talk {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_http2_env env;
    struct wst_http2 http2;
    struct guard guard;
    struct wst_arrival arrival;
    uint64_t held;               /* packets between what carries bytes and when they are read */
    const struct script *script; /* its DATA is compared with */
    unsigned followed, requests, problems[WST_PROBLEMS], unasked;
    bool unwanted, strict; /* strict: what is said must be what was sent */
    uint32_t open[2];      /* the stream whose bytes were said last */
    char log[3][8192];
    size_t log_n[3];
    uint64_t told; /* the packet with which something was told last */
    char why[256];
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
    told_request(stream, a, t->options.limits.max_head);
    if (wst_fields_next(&fields, &f))
        assert_true(wst_slice_is(f.name, ":method") && wst_slice_is(f.value, "CONNECT"));
    say(t, BOTH, "?%u%s%s ", (unsigned)stream->id, asks[stream->asks], stream->unasked ? "!" : "");
    t->requests++;
    t->unasked += stream->unasked;
    if (t->unwanted) return false;
    struct followed *one = calloc(1, sizeof *one);
    assert_non_null(one);
    *one = (struct followed){.talk = t, .id = (unsigned)stream->id, .unasked = stream->unasked};
    told_begin(stream, one);
    for (int d = 0; t->strict && stream->asks == WST_CONNECT_UNSEEN && d < 2; d++)
        one->to[d] = t->script->sent_n[d][stream->id / 2]; /* nobody saw where it began */
    t->followed++;
    return true;
}

/* Proof enough for a script: bytes that begin as a frame does. */
static inline bool said_proves(void *user, const struct wst_connect_stream *s, bool end)
{
    uint64_t from;
    struct wst_slice said = wst_queue_first(&s->said, &from);
    (void)user;
    (void)end;
    return said.n && said.p[0] >> 4 == 8;
}

static inline bool said_answer(void *user, void *conversation, struct wst_connect_stream *stream,
                               struct wst_slice fields, int status, const struct wst_arrival *a)
{
    struct talk *t = user;
    const struct followed *one = stream->upper;
    struct wst_header f;
    assert_ptr_equal(conversation, t);
    t->unasked += stream->unasked && !one->unasked;
    bool accepted = told_answer(stream, fields, status, a, t->options.limits.max_head);
    if (status > 0) assert_true(wst_fields_next(&fields, &f) && wst_slice_is(f.name, ":status"));
    bool missed = status < 0 && !stream->reset && (stream->reset_by[0] || stream->reset_by[1]);
    say(t, BOTH, "{%u%s %d%s%s} ", (unsigned)stream->id,
        stream->unasked && !one->unasked ? "!" : "", status, stream->unserved ? "@" : "",
        missed ? "?" : "");
    return accepted;
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

/* Events come in the order of the packets that complete them. */
static inline void in_order(struct talk *t, const struct wst_arrival *a)
{
    assert_true(a->when.pkt >= t->told);
    t->told = a->when.pkt;
}

static inline void said_data(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                             struct wst_slice bytes, const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    told_data(stream, dir, bytes, a);
    in_order(t, a);
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
    told_gap(stream, dir, bytes, a);
    if (exact) one->from[dir] += bytes;
    one->to[dir] += bytes;
    say(t, dir, "%u[%s%llu] ", one->id, exact ? "" : "~", (unsigned long long)bytes);
}

static inline void said_fin(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                            const struct wst_arrival *a)
{
    told_fin(stream, dir, a);
    say(user, dir, "%u. ", (unsigned)stream->id);
}

static inline void said_end(void *user, struct wst_connect_stream *stream, enum wst_tcp_end how,
                            const struct wst_arrival *a)
{
    struct talk *t = user;
    struct followed *one = stream->upper;
    told_end(stream, a);
    in_order(t, a);
    for (int d = 0; t->strict && one->told.accepted && d < 2;
         d++) { /* nothing is left out unsaid */
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
    snprintf(t->why, sizeof t->why, "%s", detail);
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
    t->env.sink.proves = said_proves;
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
    t->arrival.from = t->arrival.when.pkt - t->held;
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
    if (g->kind == SEG_WAIT) t->arrival.when.ns += (int64_t)g->n * 1000000;
    if (g->kind == SEG_HELD) t->held = g->n;
    if (g->kind == SEG_LATE) wst_http2_late(&t->http2);
    if (g->kind == SEG_JOIN) wst_http2_join(&t->http2, (uint32_t)g->n);
    if (g->kind == SEG_FRAMED) wst_http2_framed(&t->http2, g->dir, g->n);
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

/* -- tables ------------------------------------------------------------------------------------ */

struct row {
    const char *name, *script;
    const char *said[4]; /* of the client's bytes, of the server's, of both; the last problem's
                          * words, where they matter */
};

static inline void row_run(const struct row *r, const struct script *s, size_t piece, size_t cut)
{
    struct talk *t = talk_new(s);
    talk_run(t, piece, cut);
    for (int i = 0; i < 3; i++) {
        if (!strcmp(t->log[i], r->said[i])) continue;
        print_error("%s, pieces of %zu, cut at %zu:\n", r->name, piece, cut);
        assert_string_equal(t->log[i], r->said[i]);
    }
    if (r->said[3]) assert_string_equal(t->why, r->said[3]);
    talk_free(t);
}

/* Whole, by the byte, and cut in two at every place. */
static inline void rows_run(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct script *s = script_new(rows[i].script);
        row_run(&rows[i], s, SIZE_MAX / 2, 0);
        row_run(&rows[i], s, 1, 0);
        for (size_t cut = 1; cut < s->n; cut++) row_run(&rows[i], s, SIZE_MAX / 2, cut);
        free(s);
    }
}

#endif
