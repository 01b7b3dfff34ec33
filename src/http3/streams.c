/* SPDX-License-Identifier: MIT
 *
 * In: what the frames of a request's stream are. Out: requests, answers, bytes and ends of those
 * that a CONNECT opened; the others are let go as soon as they show themselves.
 *
 *      CONNECT ──▶ asked ──2xx──▶ accepted ──both ended, a reset──▶ over
 *                    └──any other answer, a reset──▶ refused
 */
#include "streams.h"

#include <assert.h>
#include <stdlib.h>

#include "fields.h"

static_assert(offsetof(struct wst_http3_stream, base.id) == 0, "as wst_sorted has it");

enum { NO_ERROR = 0x100 }; /* H3_NO_ERROR, RFC 9114 section 8.1 */

/* -- the list ---------------------------------------------------------------------------------- */

static void stream_free(struct wst_http3_env *env, struct wst_http3_stream *s)
{
    for (int d = 0; d < 2; d++) {
        wst_buf_free(&s->frames[d].part, env->budget);
        wst_queue_free(&s->behind[d], env->budget);
    }
    wst_buf_free(&s->base.request, env->budget);
    wst_queue_free(&s->wait, env->budget);
    wst_queue_free(&s->base.said, env->budget);
    wst_budget_give(env->budget, sizeof *s);
    free(s);
}

struct wst_http3_stream *wst_streams3_find(const struct wst_http3 *h, uint64_t id)
{
    return wst_sorted_find(&h->streams, id);
}

static void stream_passes(struct wst_http3 *h, struct wst_http3_env *env,
                          const struct wst_arrival *a)
{
    if (!h->crowded)
        env->sink.problem(env->sink.user, h->conversation, NULL, WST_PROBLEM_HTTP3_UNREAD, WST_C2S,
                          "more streams of HTTP/3 than are followed may carry WebSocket", a);
    h->crowded = true;
}

struct wst_http3_stream *wst_streams3_new(struct wst_http3 *h, struct wst_http3_env *env,
                                          uint64_t id, const struct wst_arrival *a)
{
    struct wst_http3_stream *s = NULL;
    if (h->streams.n < WST_HTTP3_STREAMS)
        s = wst_sorted_new(&h->streams, env->budget, id, sizeof *s);
    if (s) return s;
    wst_http3_done(&h->done, id / 4);
    stream_passes(h, env, a);
    return NULL;
}

/* Nobody wants it any more. */
static void stream_drop(struct turn *t)
{
    struct wst_http3 *h = t->h;
    struct wst_http3_stream *s = t->s;
    wst_sorted_take(&h->streams, s->base.id);
    wst_http3_done(&h->done, s->base.id / 4);
    for (int d = 0; d < 2; d++) h->blocked -= s->blocked[d];
    h->waiting -= s->held;
    h->asked -= s->base.upper != NULL;
    stream_free(t->env, s);
    t->s = NULL;
}

void wst_streams3_free(struct wst_http3 *h, struct wst_http3_env *env)
{
    while (h->streams.n) stream_free(env, h->streams.items[--h->streams.n]);
    wst_sorted_free(&h->streams, env->budget);
}

void wst_streams3_tell(struct turn *t, enum wst_problem what, const char *why)
{
    const struct wst_connect_sink *to = &t->env->sink;
    bool *told = &t->h->side[t->dir].told;
    if (t->s->told[t->dir]) return;
    t->s->told[t->dir] = true;
    if (t->s->base.upper &&
        to->problem(to->user, t->h->conversation, &t->s->base, what, t->dir, why, t->arrival))
        return;
    if (!*told && !t->h->doubtful)
        to->problem(to->user, t->h->conversation, NULL, what, t->dir, why, t->arrival);
    *told = true;
}

/* -- requests and answers ---------------------------------------------------------------------- */

static void tell_data(struct turn *t, enum wst_dir dir, struct wst_slice bytes,
                      const struct wst_arrival *a)
{
    t->env->sink.data(t->env->sink.user, &t->s->base, dir, bytes, a);
}

static void tell_gap(struct turn *t, enum wst_dir dir, uint64_t n, bool exact,
                     const struct wst_arrival *a)
{
    t->env->sink.gap(t->env->sink.user, &t->s->base, dir, n, exact, a);
}

static bool tell_answer(struct turn *t, struct wst_slice fields, int status)
{
    return t->env->sink.answer(t->env->sink.user, t->h->conversation, &t->s->base, fields, status,
                               t->arrival);
}

/* n bytes of the client are missing, and it has no answer yet. */
static void stream_lacks(struct turn *t, uint64_t n, bool exact)
{
    struct wst_http3_stream *s = t->s;
    struct wst_budget *budget = t->env->budget;
    size_t cap = 2 * t->env->options->limits.max_early;
    if (!exact) s->wait_inexact = true;
    if (s->untold[WST_C2S] || !wst_queue_push_gap(&s->wait, budget, n, t->arrival->from, cap))
        s->untold[WST_C2S] += n;
}

static bool stream_answered(struct turn *t, struct wst_slice fields, int status);

/* The answer is lost, and was a good one: what speaks for it is all that there is. */
static bool stream_proven(const struct turn *t)
{
    const struct wst_http3_stream *s = t->s;
    if (s->base.answered || s->base.asks != WST_CONNECT_WEBSOCKET) return false;
    return (t->h->mute && s->spoke) ||
           (s->base.said_n && t->env->sink.proves(t->env->sink.user, &s->base, true));
}

/* An end without an answer is one, too, unless it is the capture that lacks it. */
void wst_streams3_over(struct turn *t, enum wst_tcp_end how)
{
    struct wst_http3_stream *s = t->s;
    if (s->broken) how = WST_TCP_RST;
    s->base.reset |= how == WST_TCP_RST && !s->answer_lost; /* else it may have come before */
    if (s->base.upper && stream_proven(t) && !stream_answered(t, (struct wst_slice){NULL, 0}, 0))
        return;
    if (s->base.upper) {
        if (!s->base.answered) tell_answer(t, (struct wst_slice){NULL, 0}, -1);
        for (int d = 0; d < 2 && s->base.accepted; d++) {
            const struct wst_http3_frames *f = &s->frames[d];
            uint64_t lost = f->seeking ? f->lost + f->part.n : 0;
            if (lost && !s->ended[d]) tell_gap(t, (enum wst_dir)d, lost, false, t->arrival);
        }
        t->env->sink.end(t->env->sink.user, &s->base, how, t->arrival);
    }
    stream_drop(t);
}

/* It is wanted from here on. */
static bool stream_asked(struct turn *t, enum wst_connect_asks asks)
{
    struct wst_http3_stream *s = t->s;
    const struct wst_connect_sink *to = &t->env->sink;
    s->base.asks = (uint8_t)asks;
    s->base.request_when = wst_arrival_there(t->arrival);
    if (!to->request(to->user, t->h->conversation, &s->base, t->arrival)) {
        stream_drop(t);
        return false;
    }
    t->h->asked += s->base.upper != NULL;
    return true;
}

static void request_came(struct turn *t)
{
    struct wst_http3 *h = t->h;
    struct wst_http3_stream *s = t->s;
    struct wst_slice fields = wst_buf_slice(&h->fields);
    size_t cap = 2 * t->env->options->limits.max_head;
    if (!wst_fields_named(fields, ":method").p || wst_connect_is_other(fields)) {
        stream_drop(t);
        return;
    }
    s->known = WST_HTTP3_ASKED;
    h->doubtful = false;
    s->base.unasked = h->side[WST_S2C].settled && !h->enabled;
    s->base.unserved = s->base.id >= h->served;
    if (!wst_buf_append(&s->base.request, t->env->budget, fields, cap)) {
        stream_drop(t);
        stream_passes(h, t->env, t->arrival);
    } else if (!stream_asked(t, wst_connect_asked(fields))) {
        stream_passes(h, t->env, t->arrival);
    }
}

/* The answer is known: what was said before it is handed on. False: it was refused, and the
 * stream is gone, or only its answer's body is awaited. */
static bool stream_answered(struct turn *t, struct wst_slice fields, int status)
{
    struct wst_http3_stream *s = t->s;
    s->base.answered = true;
    s->base.accepted = tell_answer(t, fields, status);
    wst_buf_free(&s->base.request, t->env->budget);
    if (s->base.refused) {
        wst_queue_free(&s->wait, t->env->budget);
        return false;
    }
    if (!s->base.accepted) {
        wst_streams3_over(t, WST_TCP_FIN);
        return false;
    }
    wst_connect_waited(&s->base, &t->env->sink, t->env->budget, WST_C2S, &s->wait, !s->wait_inexact,
                       t->arrival);
    if (s->untold[WST_C2S]) tell_gap(t, WST_C2S, s->untold[WST_C2S], !s->wait_inexact, t->arrival);
    if (s->ended[WST_C2S] && !s->broken)
        t->env->sink.fin(t->env->sink.user, &s->base, WST_C2S, t->arrival);
    uint64_t before = s->untold[WST_S2C] + s->unseen;
    if (before) tell_gap(t, WST_S2C, before, false, t->arrival);
    wst_connect_waited(&s->base, &t->env->sink, t->env->budget, WST_S2C, &s->base.said, false,
                       t->arrival);
    return true;
}

static void answer_came(struct turn *t, bool whole)
{
    struct wst_slice fields = wst_buf_slice(&t->h->fields);
    int status = wst_connect_status(fields);
    if (status >= 100 && status < 200 && status != 101) return; /* one is still to come */
    if (!whole && status >= 200 && status < 300) status = 0; /* a good one, and no more is known */
    if (status >= 0) { /* what was lost before it was nothing of the stream's */
        t->s->unseen = t->s->untold[WST_S2C] = 0;
        wst_connect_unsaid(&t->s->base, t->env->budget);
        stream_answered(t, fields, status);
    } else {
        t->s->answer_lost = true;
    }
}

void wst_streams3_fields(struct turn *t, bool whole)
{
    struct wst_http3_stream *s = t->s;
    struct wst_slice fields = wst_buf_slice(&t->h->fields);
    if (t->dir == WST_C2S && s->known != WST_HTTP3_ASKING) { /* it was not waited for */
        if (!s->base.upper && whole && wst_connect_is_other(fields)) stream_drop(t);
        return;
    }
    if (t->dir == WST_C2S && whole)
        request_came(t);
    else if (t->dir == WST_C2S && wst_connect_is_other(fields))
        stream_drop(t);
    else if (t->dir == WST_C2S)
        wst_streams3_lose(t);
    else if (s->known == WST_HTTP3_ASKED)
        answer_came(t, whole);
    else if (wst_connect_is_refused(fields, whole))
        stream_drop(t);
}

void wst_streams3_lose(struct turn *t)
{
    if (t->dir == WST_S2C)
        t->s->answer_lost = true;
    else if (t->s->known == WST_HTTP3_ASKING)
        t->s->known = WST_HTTP3_UNKNOWN;
}

/* -- bytes ------------------------------------------------------------------------------------- */

/* The request was lost: its bytes must tell what it is. False: it is gone. */
static bool stream_unseen(struct turn *t)
{
    return stream_asked(t, WST_CONNECT_UNSEEN) &&
           stream_answered(t, (struct wst_slice){NULL, 0}, 0);
}

/* Whether bytes may be handed on. The answer may be missing: after a bad one a client has nothing
 * to say. False: not, or the stream is gone. */
static bool stream_speaks(struct turn *t)
{
    struct wst_http3_stream *s = t->s;
    if (s->base.accepted) return true;
    bool proof = t->dir == WST_C2S || s->spoke;
    return s->answer_lost && proof && stream_answered(t, (struct wst_slice){NULL, 0}, 0);
}

/* What the server says first, its answer missing: as many frames prove that it was a good one as in
 * a connection that was joined; the body of another may look like one. */
static void stream_says(struct turn *t, struct wst_slice bytes)
{
    struct wst_http3_stream *s = t->s;
    struct wst_http3_env *env = t->env;
    if (!s->answer_lost)
        s->untold[WST_S2C] += bytes.n;
    else if (wst_connect_says(&s->base, &env->sink, env->budget, bytes, t->arrival->from,
                              env->options->limits.max_early, &s->untold[WST_S2C]))
        stream_answered(t, (struct wst_slice){NULL, 0}, 0);
}

/* What the answer that refuses it goes on with; bytes.p == NULL: as many are missing. */
static void stream_refused(struct turn *t, struct wst_slice bytes)
{
    if (t->dir == WST_C2S) return;
    if (bytes.p)
        tell_data(t, WST_S2C, bytes, t->arrival);
    else
        tell_gap(t, WST_S2C, bytes.n, false, t->arrival);
    if (!t->s->base.refused) wst_streams3_over(t, WST_TCP_FIN);
}

void wst_streams3_data(struct turn *t, struct wst_slice bytes)
{
    struct wst_http3_stream *s = t->s;
    size_t cap = t->env->options->limits.max_early;
    if (!bytes.n || s->ended[t->dir]) return;
    if (!s->base.upper && !stream_unseen(t)) return;
    if (s->base.refused) {
        stream_refused(t, bytes);
        return;
    }
    if (stream_speaks(t)) {
        tell_data(t, t->dir, bytes, t->arrival);
    } else if (t->s && t->dir == WST_C2S) {
        s->spoke = true;
        if (s->untold[WST_C2S] ||
            !wst_queue_push(&s->wait, t->env->budget, bytes, t->arrival->from, cap))
            stream_lacks(t, bytes.n, true);
    } else if (t->s) {
        stream_says(t, bytes);
    }
}

void wst_streams3_hole(struct turn *t, uint64_t n, bool exact)
{
    struct wst_http3_stream *s = t->s;
    if (!n || s->ended[t->dir] || !s->base.upper) return;
    if (s->base.refused)
        stream_refused(t, (struct wst_slice){NULL, (size_t)n});
    else if (stream_speaks(t))
        tell_gap(t, t->dir, n, exact, t->arrival);
    else if (t->s && t->dir == WST_C2S)
        stream_lacks(t, n, exact);
    else if (t->s && exact)
        s->untold[WST_S2C] += n + wst_connect_unsaid(&s->base, t->env->budget);
    else if (t->s) /* the answer's bytes, and who knows what else */
        s->unseen += n + wst_connect_unsaid(&s->base, t->env->budget);
}

/* -- ends -------------------------------------------------------------------------------------- */

void wst_streams3_fin(struct turn *t)
{
    struct wst_http3_stream *s = t->s;
    if (s->ended[t->dir]) return;
    if (s->base.upper && t->dir == WST_S2C && stream_proven(t) &&
        !stream_answered(t, (struct wst_slice){NULL, 0}, 0))
        return;
    s->ended[t->dir] = true;
    if (!s->base.upper) { /* a request that asks for no stream ends so */
        stream_drop(t);
        return;
    }
    if (s->base.accepted || (s->base.refused && t->dir == WST_S2C))
        t->env->sink.fin(t->env->sink.user, &s->base, t->dir, t->arrival);
    if (!s->ended[!t->dir] && (s->base.accepted || t->dir == WST_C2S)) return;
    wst_streams3_over(t, WST_TCP_FIN);
}

/* A server that has said all may ask its client to say no more (RFC 9114 section 4.1). */
void wst_streams3_reset(struct turn *t, uint64_t code)
{
    struct wst_http3_stream *s = t->s;
    bool orderly = code == NO_ERROR && s->ended[t->dir];
    bool asked = s->base.upper && t->dir == WST_C2S; /* its answer may be missing, or late */
    if ((s->base.accepted || asked) && !s->ended[!t->dir] && !orderly) {
        s->base.reset_by[t->dir] = true;
        s->base.reset_code[t->dir] = (int64_t)code;
        s->broken = s->ended[t->dir] = true; /* what the other side has sent may still come */
        return;
    }
    s->base.reset_by[t->dir] = !orderly && !s->base.reset_by[!t->dir];
    s->base.reset_code[t->dir] = (int64_t)code;
    wst_streams3_over(t, orderly ? WST_TCP_FIN : WST_TCP_RST);
}
