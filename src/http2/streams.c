/* SPDX-License-Identifier: MIT
 *
 * In: what the frames of a connection say of each stream. Out: requests, answers, bytes and ends of
 * those that a CONNECT opened.
 *
 *      CONNECT ──▶ asked ──2xx──▶ accepted ──END_STREAM twice, RST_STREAM──▶ over
 *                    └──any other answer, RST_STREAM──▶ refused
 */
#include "streams.h"

#include <assert.h>
#include <stdlib.h>

#include "fields.h"
#include "missed.h"
#include "stalls.h"

static_assert(offsetof(struct wst_http2_stream, base.id) == 0, "as wst_sorted has it");

static void stream_free(struct wst_http2_env *env, struct wst_http2_stream *s)
{
    wst_buf_free(&s->base.request, env->budget);
    wst_queue_free(&s->wait, env->budget);
    wst_queue_free(&s->base.said, env->budget);
    wst_budget_give(env->budget, sizeof *s);
    free(s);
}

static struct wst_http2_stream *stream_find(const struct wst_http2 *h, uint32_t id)
{
    return wst_sorted_find(&h->streams, id);
}

/* -- streams ----------------------------------------------------------------------------------- */

static struct wst_http2_stream *stream_new(struct wst_http2 *h, struct wst_http2_env *env,
                                           uint32_t id)
{
    if (h->streams.n >= WST_HTTP2_STREAMS) return NULL;
    struct wst_http2_stream *s = wst_sorted_new(&h->streams, env->budget, id, sizeof *s);
    for (int d = 0; s && d < 2; d++) s->gone[d] = h->side[d].gone;
    return s;
}

static void stream_remove(struct wst_http2 *h, struct wst_http2_env *env,
                          struct wst_http2_stream *s)
{
    if (s->base.id <= h->before) wst_missed_early_over(h, (uint32_t)s->base.id);
    wst_sorted_take(&h->streams, s->base.id);
    stream_free(env, s);
}

void wst_streams_free(struct wst_http2 *h, struct wst_http2_env *env)
{
    while (h->streams.n) stream_free(env, h->streams.items[--h->streams.n]);
    wst_sorted_free(&h->streams, env->budget);
}

/* n bytes of the client are missing, and it has no answer yet. */
static void stream_lacks(struct wst_http2_env *env, struct wst_http2_stream *s, uint64_t n,
                         bool exact, const struct wst_arrival *a)
{
    size_t cap = 2 * env->options->limits.max_early;
    if (!exact) s->wait_inexact = true;
    if (s->untold[WST_C2S] || !wst_queue_push_gap(&s->wait, env->budget, n, a->from, cap))
        s->untold[WST_C2S] += n;
}

/* n bytes more that were lost, at most so many of them the stream's. Before its answer the server's
 * are its answer's, or as good as that. */
static void stream_gone(struct wst_http2_env *env, struct wst_http2_stream *s, enum wst_dir dir,
                        uint64_t n, const struct wst_arrival *a)
{
    if (!n || s->ended[dir] || s->base.refused || (dir == WST_S2C && !s->base.accepted)) return;
    s->gone[dir] += n;
    if (s->base.accepted)
        env->sink.gap(env->sink.user, &s->base, dir, n, false, a);
    else
        stream_lacks(env, s, n, false, a);
}

/* Tells the stream of what was lost since its last bytes. */
static void stream_catch_up(struct wst_http2 *h, struct wst_http2_env *env,
                            struct wst_http2_stream *s, enum wst_dir dir,
                            const struct wst_arrival *a)
{
    stream_gone(env, s, dir, h->side[dir].gone - s->gone[dir], a);
}

/* The same of one that is over: where frames are still sought, or no more, it is not known whose
 * the bytes are that were passed over so far. */
static void stream_catch_up_last(struct wst_http2 *h, struct wst_http2_env *env,
                                 struct wst_http2_stream *s, enum wst_dir dir,
                                 const struct wst_arrival *a)
{
    const struct wst_http2_side *side = &h->side[dir];
    uint64_t sought = side->seeking ? side->lost + side->have : side->dead ? side->lost : 0;
    stream_gone(env, s, dir, side->gone - s->gone[dir] + sought, a);
}

static bool stream_judged(struct wst_http2 *h, struct wst_http2_env *env,
                          struct wst_http2_stream *s, struct wst_slice fields, int status,
                          const struct wst_arrival *a);
static bool stream_answered(struct wst_http2 *h, struct wst_http2_env *env,
                            struct wst_http2_stream *s, struct wst_slice fields, int status,
                            const struct wst_arrival *a);

/* The server's answer may be among what is missing. */
static bool answer_missed(const struct wst_http2 *h, const struct wst_http2_stream *s)
{
    const struct wst_http2_side *side = &h->side[WST_S2C];
    return s->answer_lost || side->gone != s->gone[WST_S2C] || side->seeking || side->dead;
}

/* The answer is lost, and was a good one: what speaks for it is all that there is. */
static bool stream_proven(const struct wst_http2 *h, const struct wst_http2_env *env,
                          const struct wst_http2_stream *s)
{
    if (s->base.answered || s->base.asks != WST_CONNECT_WEBSOCKET) return false;
    return (h->mute && s->spoke) ||
           (s->base.said_n && env->sink.proves(env->sink.user, &s->base, true));
}

/* An end without an answer is one, too, unless it is the capture that lacks it. */
static void stream_over(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                        enum wst_tcp_end how, const struct wst_arrival *a)
{
    struct wst_arrival reset = wst_arrival_waited(&s->reset_arrival, a);
    if (s->reset) {
        how = (enum wst_tcp_end)s->reset_how;
        a = &reset;
        s->reset = false;
        s->base.reset_by[s->reset_by] = true;
        s->base.reset_code[s->reset_by] = s->reset_code;
        h->resets--;
    }
    s->base.reset |= how == WST_TCP_RST && !answer_missed(h, s); /* else it may have come before */
    if (stream_proven(h, env, s) && !stream_answered(h, env, s, (struct wst_slice){NULL, 0}, 0, a))
        return;
    if (!s->base.answered) stream_judged(h, env, s, (struct wst_slice){NULL, 0}, -1, a);
    for (int d = 0; d < 2 && s->base.accepted; d++)
        stream_catch_up_last(h, env, s, (enum wst_dir)d, a);
    wst_stalls_over(h, env, s, a);
    env->sink.end(env->sink.user, &s->base, how, a);
    stream_remove(h, env, s);
}

/* -- requests and answers ---------------------------------------------------------------------- */

static void request_passes(struct wst_http2 *h, struct wst_http2_env *env,
                           const struct wst_arrival *a)
{
    if (!h->crowded)
        env->sink.problem(env->sink.user, h->conversation, NULL, WST_PROBLEM_HTTP2_UNREAD, WST_C2S,
                          "more streams of HTTP/2 carry WebSocket than are followed", a);
    h->crowded = true;
}

/* Joined in the midst, nobody knows which stream is the last; trailers open none. */
static bool request_is_new(const struct wst_http2 *h, uint32_t id, bool whole,
                           struct wst_slice fields)
{
    bool trailers = h->midst && whole && !wst_fields_named(fields, ":method").p;
    return id % 2 && id > h->last_client && !trailers;
}

/* Where nothing was lost that may have allowed it. */
static bool not_enabled(const struct wst_http2 *h)
{
    return h->settled && !h->enabled && !h->side[WST_S2C].holed;
}

/* The server's answer, or that there is none. A client that did not wait for the settings is judged
 * by those that came since. */
static bool stream_judged(struct wst_http2 *h, struct wst_http2_env *env,
                          struct wst_http2_stream *s, struct wst_slice fields, int status,
                          const struct wst_arrival *a)
{
    if (s->hasty && !h->joined) s->base.unasked = not_enabled(h);
    s->base.unserved = s->base.id > h->served;
    return env->sink.answer(env->sink.user, h->conversation, &s->base, fields, status, a);
}

/* `early`: what the server says to it may have been captured before, and passed. */
static void request_came(struct wst_http2 *h, struct wst_http2_env *env, uint32_t id, bool early,
                         struct wst_slice fields, const struct wst_arrival *a)
{
    if (!wst_fields_named(fields, ":method").p || wst_connect_is_other(fields)) return;
    struct wst_http2_stream *s = stream_new(h, env, id);
    size_t cap = 2 * env->options->limits.max_head;
    if (!s) {
        request_passes(h, env, a);
        return;
    }
    s->base.asks = wst_connect_asked(fields);
    s->base.request_when = wst_arrival_there(a);
    wst_stalls_stream(h, s, a);
    s->hasty = !h->settled;
    s->base.unasked = not_enabled(h);
    s->answer_lost = h->deaf || early; /* it may have passed … */
    if (early) s->gone[WST_S2C] = 0;   /* … with more of the stream's behind it */
    s->untold[WST_S2C] = h->passed;
    if (!wst_buf_append(&s->base.request, env->budget, fields, cap) ||
        !env->sink.request(env->sink.user, h->conversation, &s->base, a)) {
        stream_remove(h, env, s);
        request_passes(h, env, a);
    }
}

/* What the server said before bytes that are lost since is not handed on. */
static void stream_stale(const struct wst_http2 *h, struct wst_http2_env *env,
                         struct wst_http2_stream *s)
{
    if (s->said_at != h->side[WST_S2C].gone)
        s->untold[WST_S2C] += wst_connect_unsaid(&s->base, env->budget);
    s->said_at = h->side[WST_S2C].gone;
}

/* The answer is known: what was said before it is handed on. False: it was refused, and the
 * stream is gone, or only its answer's body is awaited. */
static bool stream_answered(struct wst_http2 *h, struct wst_http2_env *env,
                            struct wst_http2_stream *s, struct wst_slice fields, int status,
                            const struct wst_arrival *a)
{
    stream_catch_up(h, env, s, WST_C2S, a);
    s->base.answered = true;
    s->base.accepted = stream_judged(h, env, s, fields, status, a);
    wst_buf_free(&s->base.request, env->budget);
    if (s->base.refused) {
        wst_queue_free(&s->wait, env->budget);
        return false;
    }
    if (!s->base.accepted) {
        stream_over(h, env, s, WST_TCP_FIN, a);
        return false;
    }
    wst_connect_waited(&s->base, &env->sink, env->budget, WST_C2S, &s->wait, !s->wait_inexact, a);
    if (s->untold[WST_C2S])
        env->sink.gap(env->sink.user, &s->base, WST_C2S, s->untold[WST_C2S], !s->wait_inexact, a);
    if (s->ended[WST_C2S]) env->sink.fin(env->sink.user, &s->base, WST_C2S, a);
    stream_stale(h, env, s);
    uint64_t before = s->untold[WST_S2C] + h->side[WST_S2C].gone - s->gone[WST_S2C];
    s->gone[WST_S2C] = h->side[WST_S2C].gone;
    if (before) env->sink.gap(env->sink.user, &s->base, WST_S2C, before, false, a);
    wst_connect_waited(&s->base, &env->sink, env->budget, WST_S2C, &s->base.said, false, a);
    return true;
}

static void answer_came(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                        bool whole, bool ends, const struct wst_arrival *a)
{
    struct wst_slice fields = wst_buf_slice(&h->side[WST_S2C].fields);
    int status = wst_connect_status(fields);
    if (s->base.answered) return;                               /* trailers */
    if (status >= 100 && status < 200 && status != 101) return; /* one is still to come */
    if (!whole && status >= 200 && status < 300) status = 0; /* a good one, and no more is known */
    if (status >= 0) { /* what was lost before it was nothing of the stream's */
        s->gone[WST_S2C] = h->side[WST_S2C].gone;
        s->untold[WST_S2C] = 0;
        wst_connect_unsaid(&s->base, env->budget);
        stream_answered(h, env, s, fields, status, a);
    } else {
        s->answer_lost = !ends;
    }
}

bool wst_streams_heeded(const struct wst_http2 *h, enum wst_dir dir, uint32_t id)
{
    const struct wst_http2_stream *s = stream_find(h, id);
    if (dir == WST_C2S) return id % 2 && id > h->last_client;
    if (s) return !s->base.answered;
    return wst_missed_is(h, id) || wst_missed_early(h, id) ||
           (h->midst && id % 2 && id > h->last_client);
}

void wst_streams_headers(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                         uint32_t id, bool whole, bool ends, const struct wst_arrival *a)
{
    struct wst_http2_stream *s = stream_find(h, id);
    struct wst_slice fields = wst_buf_slice(&h->side[dir].fields);
    if (dir == WST_C2S && request_is_new(h, id, whole, fields)) {
        bool early = h->midst; /* its answer may have been captured before it */
        wst_missed_joins(h, id);
        wst_missed_before(h, id);
        h->last_client = id;
        h->lacking = false;
        if (whole && !s)
            request_came(h, env, id, early, fields, a);
        else if (!whole && !ends && !wst_connect_is_other(fields))
            wst_missed_add(h, id);
    } else if (dir == WST_S2C && s) {
        answer_came(h, env, s, whole, ends, a);
    } else if (dir == WST_S2C && (ends || wst_connect_is_refused(fields, whole))) {
        wst_missed_take(h, id);
        if (h->midst && id % 2 && id > h->last_client) wst_missed_request(h, id);
        wst_missed_early_over(h, id);
    }
    if (ends) wst_streams_fin(h, env, dir, id, a);
}

/* -- bytes ------------------------------------------------------------------------------------- */

/* The stream that bytes are of; if its request was lost, one whose bytes must tell what it is. */
static struct wst_http2_stream *stream_of(struct wst_http2 *h, struct wst_http2_env *env,
                                          uint32_t id, const struct wst_arrival *a)
{
    struct wst_http2_stream *s = stream_find(h, id);
    if (!s && h->side[WST_C2S].holed && id % 2 && id > h->last_client) wst_missed_request(h, id);
    if (s || (!wst_missed_take(h, id) && !wst_missed_early(h, id))) return s;
    if (!(s = stream_new(h, env, id))) {
        request_passes(h, env, a);
        return NULL;
    }
    s->base.asks = WST_CONNECT_UNSEEN;
    s->base.request_when = wst_arrival_there(a);
    if (!env->sink.request(env->sink.user, h->conversation, &s->base, a)) {
        stream_remove(h, env, s);
        return NULL;
    }
    return stream_answered(h, env, s, (struct wst_slice){NULL, 0}, 0, a) ? s : NULL;
}

/* Its answer was among what is missing, for bytes came that stand behind it. */
static bool answer_passed(const struct wst_http2 *h, const struct wst_http2_stream *s)
{
    return s->answer_lost || h->side[WST_S2C].gone != s->gone[WST_S2C];
}

/* Whether bytes may be handed on. The answer may be missing: after a bad one a client has nothing
 * to say. */
static bool stream_speaks(struct wst_http2 *h, struct wst_http2_env *env,
                          struct wst_http2_stream *s, enum wst_dir dir, const struct wst_arrival *a)
{
    if (!s->base.accepted) {
        bool proof = dir == WST_C2S || s->spoke;
        if (!answer_passed(h, s) || !proof ||
            !stream_answered(h, env, s, (struct wst_slice){NULL, 0}, 0, a))
            return false;
    }
    stream_catch_up(h, env, s, dir, a);
    return true;
}

/* What the server says first, its answer missing: as many frames prove that it was a good one as in
 * a connection that was joined; the body of another may look like one. */
static void stream_says(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                        struct wst_slice bytes, const struct wst_arrival *a)
{
    stream_stale(h, env, s);
    if (!answer_passed(h, s))
        s->untold[WST_S2C] += bytes.n;
    else if (wst_connect_says(&s->base, &env->sink, env->budget, bytes, a->from,
                              env->options->limits.max_early, &s->untold[WST_S2C]))
        stream_answered(h, env, s, (struct wst_slice){NULL, 0}, 0, a);
}

/* What the answer that refuses it goes on with; bytes.p == NULL: as many are missing. */
static void stream_refused(struct wst_http2 *h, struct wst_http2_env *env,
                           struct wst_http2_stream *s, struct wst_slice bytes,
                           const struct wst_arrival *a)
{
    if (bytes.p && h->side[WST_S2C].gone == s->gone[WST_S2C])
        env->sink.data(env->sink.user, &s->base, WST_S2C, bytes, a);
    else
        env->sink.gap(env->sink.user, &s->base, WST_S2C, bytes.n, false, a);
    if (!s->base.refused) stream_over(h, env, s, WST_TCP_FIN, a);
}

void wst_streams_data(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint32_t id,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_http2_stream *s = bytes.n ? stream_of(h, env, id, a) : NULL;
    size_t cap = env->options->limits.max_early;
    if (!s && h->deaf && dir == WST_S2C && id % 2 && id > h->last_client) h->passed += bytes.n;
    if (!s) return;
    if (s->base.refused) {
        if (dir == WST_S2C) stream_refused(h, env, s, bytes, a);
        return;
    }
    if (s->ended[dir]) {
        if (!s->late[dir])
            s->late[dir] = env->sink.problem(env->sink.user, h->conversation, &s->base,
                                             WST_PROBLEM_HTTP2_BROKEN, dir,
                                             "DATA behind END_STREAM, which is left out", a);
        return;
    }
    if (stream_speaks(h, env, s, dir, a)) {
        env->sink.data(env->sink.user, &s->base, dir, bytes, a);
    } else if ((s = stream_find(h, id)) && dir == WST_C2S) {
        stream_catch_up(h, env, s, dir, a);
        s->spoke = true;
        if (s->untold[dir] || !wst_queue_push(&s->wait, env->budget, bytes, a->from, cap))
            stream_lacks(env, s, bytes.n, true, a);
    } else if (s) {
        stream_says(h, env, s, bytes, a);
    }
}

void wst_streams_hole(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint32_t id,
                      uint64_t n, bool exact, const struct wst_arrival *a)
{
    struct wst_http2_stream *s = stream_find(h, id);
    if (!s || s->ended[dir]) return;
    if (s->base.refused) {
        struct wst_slice missing = {NULL, (size_t)n};
        if (dir == WST_S2C) stream_refused(h, env, s, missing, a);
        return;
    }
    if (stream_speaks(h, env, s, dir, a)) {
        env->sink.gap(env->sink.user, &s->base, dir, n, exact, a);
    } else if ((s = stream_find(h, id)) && dir == WST_C2S) {
        stream_catch_up(h, env, s, dir, a);
        stream_lacks(env, s, n, exact, a);
    } else if (s) {
        s->untold[dir] += n + wst_connect_unsaid(&s->base, env->budget);
    }
}

/* -- ends -------------------------------------------------------------------------------------- */

/* False: the stream is gone. */
static bool stream_fin(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                       enum wst_dir dir, const struct wst_arrival *a)
{
    if (s->ended[dir]) return true;
    stream_catch_up(h, env, s, dir, a);
    if (dir == WST_S2C && stream_proven(h, env, s) &&
        !stream_answered(h, env, s, (struct wst_slice){NULL, 0}, 0, a))
        return false;
    s->ended[dir] = true;
    if (s->base.accepted) env->sink.fin(env->sink.user, &s->base, dir, a);
    if (!s->ended[!dir] && (s->base.accepted || dir == WST_C2S)) return true;
    stream_over(h, env, s, WST_TCP_FIN, a);
    return false;
}

void wst_streams_fin(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint32_t id,
                     const struct wst_arrival *a)
{
    struct wst_http2_stream *s = stream_find(h, id);
    if (s && s->base.refused && dir == WST_S2C && h->side[dir].gone == s->gone[dir])
        env->sink.fin(env->sink.user, &s->base, dir, a); /* it is whole */
    if (s) stream_fin(h, env, s, dir, a);
}

/* Whether a frame lies between what was read of the other direction and what the sender of the
 * reset had. In fewer bytes there is none; one number may be a FIN's. */
static bool comes_before(const struct wst_http2_stream *s, uint32_t read)
{
    return (int32_t)(s->reset_behind - read) >= WST_HTTP2_HEADER;
}

/* A server that has said all may ask its client to say no more (RFC 9113 section 8.1). */
void wst_streams_reset(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       uint32_t id, int64_t code, const struct wst_arrival *a)
{
    struct wst_http2_stream *s = stream_find(h, id);
    bool orderly = s && code == NGHTTP2_NO_ERROR && s->ended[dir];
    const struct wst_http2_reach *other = &h->reach[!dir];
    if (!s || s->reset) return;
    s->reset = true;
    s->reset_by = (uint8_t)dir;
    s->reset_code = code;
    s->reset_how = orderly ? WST_TCP_FIN : WST_TCP_RST;
    s->reset_behind = other->acked;
    s->reset_arrival = *a;
    h->resets++;
    if (!comes_before(s, other->next)) stream_over(h, env, s, WST_TCP_RST, a);
}

void wst_streams_resets(struct wst_http2 *h, struct wst_http2_env *env, const struct wst_arrival *a)
{
    for (uint32_t i = 0; i < h->streams.n && h->resets;) {
        struct wst_http2_stream *s = h->streams.items[i];
        if (s->reset && !comes_before(s, h->read[!s->reset_by]))
            stream_over(h, env, s, WST_TCP_RST, a);
        else
            i++;
    }
}

/* The TCP connection's end is told of each stream that had none of its own. */
void wst_streams_fin_all(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                         const struct wst_arrival *a)
{
    for (uint32_t i = 0; i < h->streams.n;)
        if (stream_fin(h, env, h->streams.items[i], dir, a)) i++;
}

void wst_streams_end_all(struct wst_http2 *h, struct wst_http2_env *env, enum wst_tcp_end how,
                         const struct wst_arrival *a)
{
    while (h->streams.n) stream_over(h, env, h->streams.items[0], how, a);
}
