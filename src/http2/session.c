/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of both sides. Out: the same in the order of questions and answers.
 */
#include "session.h"
#include "missed.h"
#include "stalls.h"
#include "streams.h"

void wst_http2_init(struct wst_http2 *h, void *conversation)
{
    h->conversation = conversation;
    wst_stalls_init(h);
    h->side[WST_C2S].preface = WST_HTTP2_PREFACE;
    h->side[WST_C2S].frame_max = h->side[WST_S2C].frame_max = WST_HTTP2_FRAME_MAX;
}

void wst_http2_free(struct wst_http2 *h, struct wst_http2_env *env)
{
    for (int d = 0; d < 2; d++) {
        wst_hpack_lose(&h->side[d]);
        wst_buf_free(&h->side[d].fields, env->budget);
    }
    wst_queue_free(&h->held, env->budget);
    wst_streams_free(h, env);
}

void wst_http2_mute(struct wst_http2 *h, bool mute)
{
    h->mute = mute;
}

/* -- what cannot be read ----------------------------------------------------------------------- */

void wst_session_tell(struct wst_session_step *t, enum wst_problem what, const char *why)
{
    struct wst_http2 *h = t->h;
    bool heard = false;
    if (t->side->told) return;
    for (uint32_t i = 0; i < h->streams.n; i++) {
        struct wst_http2_stream *s = h->streams.items[i];
        heard |= t->env->sink.problem(t->env->sink.user, h->conversation, &s->base, what, t->dir,
                                      why, t->arrival);
    }
    /* Of one that began before the capture nobody expects that all of it can be read. */
    t->side->told = heard || !h->joined;
    if (t->side->told && !heard)
        t->env->sink.problem(t->env->sink.user, h->conversation, NULL, what, t->dir, why,
                             t->arrival);
}

void wst_session_wrong(struct wst_session_step *t, const char *broken, const char *unread)
{
    wst_session_tell(t, t->side->holed ? WST_PROBLEM_HTTP2_UNREAD : WST_PROBLEM_HTTP2_BROKEN,
                     t->side->holed ? unread : broken);
}

/* -- how it began ------------------------------------------------------------------------------ */

void wst_http2_late(struct wst_http2 *h)
{
    h->late = true;
}

void wst_http2_join(struct wst_http2 *h, uint32_t largest)
{
    h->joined = h->midst = h->lacking = true;
    h->ahead = largest;
    h->side[WST_C2S].preface = 0;
    for (int d = 0; d < 2; d++) {
        h->side[d].seeking = h->side[d].holed = true;
        h->side[d].frame_max = UINT32_MAX; /* what allows them was before */
    }
}

void wst_http2_framed(struct wst_http2 *h, enum wst_dir dir, uint64_t n)
{
    h->side[dir].seeking = false;
    h->side[dir].gone += n;
}

void wst_http2_passed(struct wst_http2 *h, enum wst_dir dir, uint64_t n)
{
    h->side[dir].lost += n;
}

/* -- both sides -------------------------------------------------------------------------------- */

static struct wst_session_step session_of(struct wst_http2 *h, struct wst_http2_env *env,
                                          enum wst_dir dir, const struct wst_arrival *a)
{
    return (struct wst_session_step){h, env, &h->side[dir], dir, a};
}

static void session_fin(struct wst_session_step *t)
{
    wst_framing_stop(t);
    wst_streams_fin_all(t->h, t->env, t->dir, t->arrival);
}

/* The client's side went on: does the server's go on, too? */
static void session_release(struct wst_http2 *h, struct wst_http2_env *env,
                            const struct wst_arrival *a)
{
    struct wst_arrival carried = {.when = a->when};
    struct wst_session_step t = session_of(h, env, WST_S2C, &carried);
    while (h->holding) {
        h->holding = false;
        if (!wst_framing_begin(&t)) return;
        struct wst_slice s;
        while (!h->holding && (s = wst_queue_first(&h->held, &carried.from)).n) {
            size_t n = s.n;
            if (s.p)
                n = wst_framing_run(&t, s);
            else
                wst_framing_gap(&t, s.n, true);
            wst_queue_take(&h->held, n);
        }
    }
    wst_queue_free(&h->held, env->budget);
    if (h->fin_held) session_fin(&t);
    h->fin_held = false;
}

/* Behind a loss, and not with a request that is not whole yet. */
static bool client_goes_on(const struct wst_http2 *h)
{
    const struct wst_http2_side *s = &h->side[WST_C2S];
    return h->lacking && !s->seeking && !s->block && (s->begun || !s->have);
}

static void session_give_up_holding(struct wst_http2 *h, struct wst_http2_env *env,
                                    const struct wst_arrival *a)
{
    h->deaf = true;
    session_release(h, env, a);
}

/* What lies in one segment may be pushed in parts, as records of TLS: it was read when another
 * segment comes. */
void wst_http2_reaches(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       const struct wst_http2_reach reach[2], const struct wst_arrival *a)
{
    for (int d = 0; d < 2; d++) {
        if (d != (int)dir)
            h->read[d] = reach[d].next;
        else if (reach[d].next != h->reach[d].next)
            h->read[d] = h->reach[d].next;
        h->reach[d] = reach[d];
    }
    if (h->resets) wst_streams_resets(h, env, a);
}

void wst_http2_one_sided(struct wst_http2 *h, struct wst_http2_env *env,
                         const struct wst_arrival *a)
{
    if (h->deaf) return;
    if (h->late && h->side[WST_C2S].preface == WST_HTTP2_PREFACE) {
        wst_http2_join(h, wst_session_largest(h));
        wst_http2_framed(h, WST_S2C, 0);
    }
    session_give_up_holding(h, env, a);
}

void wst_http2_push(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                    struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_session_step t = session_of(h, env, dir, a);
    bytes = wst_slice_skip(bytes, wst_framing_run(&t, bytes));
    if (dir == WST_C2S) {
        if (h->holding) session_release(h, env, a);
        while (h->holding && client_goes_on(h)) {
            struct wst_http2_frame f = wst_http2_frame_read(h->side[WST_S2C].head);
            wst_missed_request(h, f.stream); /* it is not late, but lost */
            session_release(h, env, a);
        }
        return;
    }
    if (!bytes.n ||
        wst_queue_push(&h->held, env->budget, bytes, a->from, env->options->limits.max_early))
        return;
    session_give_up_holding(h, env, a);
    wst_framing_run(&t, bytes);
}

void wst_http2_gap(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint64_t n,
                   bool exact, const struct wst_arrival *a)
{
    struct wst_session_step t = session_of(h, env, dir, a);
    if (!n && exact) return;
    if (dir == WST_S2C && h->holding) {
        if (exact &&
            wst_queue_push_gap(&h->held, env->budget, n, a->from, env->options->limits.max_early))
            return;
        session_give_up_holding(h, env, a);
    }
    wst_framing_gap(&t, n, exact);
    if (dir == WST_C2S && !exact) session_give_up_holding(h, env, a); /* all of it, perhaps */
}

void wst_http2_fin(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    struct wst_session_step t = session_of(h, env, dir, a);
    if (t.side->finished) return;
    t.side->finished = true;
    if (dir == WST_C2S) session_give_up_holding(h, env, a); /* who is silent asks no more */
    if (h->holding)
        h->fin_held = true;
    else
        session_fin(&t);
}

void wst_http2_end(struct wst_http2 *h, struct wst_http2_env *env, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    session_give_up_holding(h, env, a);
    for (int d = 0; d < 2; d++) {
        struct wst_session_step t = session_of(h, env, (enum wst_dir)d, a);
        wst_framing_stop(&t);
    }
    wst_streams_end_all(h, env, how, a);
}
