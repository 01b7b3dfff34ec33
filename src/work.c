/* SPDX-License-Identifier: MIT
 *
 * In: what happens to WebSocket conversations, in the order of the capture. Out: their events in
 * the same order, byte for byte as if each were told at once.
 *
 *   the caller's thread      capture ▶ net ▶ flow ▶ http1 ─┬─▶ order ─▶ timeline ▶ render
 *                                                         │             ▲
 *   a worker                                              └─▶ ops ▶ ws ─┘
 *
 * Inflating is what takes time, so only conversations that may carry compressed messages are given
 * away, each to one worker for good: a thread, or the caller's own, later, when many operations
 * wait (worker.c says what that is good for). Everything else stays in the caller's thread, where
 * the order is made: which connection has which number, what is evicted, which packet is lost. It
 * cannot depend on the workers, for nothing comes back from them but events, and these wait for
 * their turn; and nothing but memory is shared (work_memory.c).
 *
 * Batches in the caller's thread pay when contexts of many conversations push each other out of the
 * cache. So operations go in rounds of WST_WORK_ROUND: if one touched more than options.batch_from
 * conversations, but not so many that each has but one, and not mostly plain ones, the next one may
 * be batched: EACH operations a conversation, if there is room for so many.
 *
 * A batch spares the windows of the inflaters a way through memory, and pays with one for what
 * comes out of them. Which way is longer is a matter of the processor: of two that were measured
 * one gains an eighth by batches, the other loses a tenth. So both are tried (base/trial.h).
 */
#include "work.h"

#include "stopwatch.h"

#include <stdlib.h>

enum {
    EACH =
        16, /* operations of a conversation in a batch, on average, if there is room for so many */
    /* Conversations that WST_WORK_ROUND operations touched. When they are more, hardly any comes
     * twice in a batch: there are two or three thousand busy ones. */
    CONNS_MAX = 1400,
    /* Events in a round that need no worker, and must wait for their turn when others are batched.
     * When they are more, most of the traffic is plain, and copying it costs more than is gained.
     */
    OWN_MAX = 2 * WST_WORK_ROUND,
    MESSAGE_FIRST = 64 << 10 /* bytes: what the buffer of a message doubles from (work_start) */
};

/* A place in the ring for the n bytes of an operation; NULL: not until others are told. A piece
 * never wraps: what is left at the end of the ring stays empty. */
static uint8_t *bytes_room(struct wst_worker *k, size_t n)
{
    size_t at = k->bytes_in % WST_WORK_BYTES,
           skip = at + n > WST_WORK_BYTES ? WST_WORK_BYTES - at : 0;
    if (k->bytes_in == k->bytes_out) k->bytes_out += skip; /* nothing is there */
    if (k->bytes_in + skip + n - k->bytes_out > WST_WORK_BYTES) return NULL;
    k->bytes_in += skip + n;
    return k->bytes + (at + skip) % WST_WORK_BYTES;
}

/* Bytes too many to lie in line have a place of their own. False: no memory. */
static bool op_bytes(struct wst_work *work, struct wst_worker *k, struct wst_op *o)
{
    uint8_t *to = NULL;
    if (o->bytes.n > WST_WORK_BYTES / 4) {
        to = malloc(o->bytes.n);
        o->owned = to != NULL;
        if (!to) return false;
    }
    while (!to && !(to = bytes_room(k, o->bytes.n))) wst_work_tell_next(work);
    memcpy(to, o->bytes.p, o->bytes.n);
    o->bytes.p = to;
    return true;
}

static void op_give(struct wst_work *work, struct wst_worker *k, struct wst_op *o)
{
    o->since = wst_work_since(k, o->w);
    o->bytes_end = k->bytes_in;
    o->nanos = work->context->timeline.nanos;
    o->w->base.unsettled += (uint32_t)o->bytes.n;
    o->w->latest = (uint32_t)k->given;
    work->pending += o->bound + (o->since ? 0 : WST_WORK_GROWS);
    *wst_worker_op(k, k->given++) = *o;
    work->order[work->order_in++ % WST_WORK_ORDER] = (uint8_t)k->index;
    if (!work->threads) return;
    atomic_store(&k->issued, k->given);
    if (atomic_load(&k->sleeping) && k->given - k->seen >= WST_WORK_WAKE_AT) wst_worker_wake(k);
    if (work->order_in % WST_WORK_LOOK_EACH == 0) wst_work_tell_ready(work);
}

/* It is done now: nothing waits. */
static void op_now(struct wst_context *c, struct wst_ws_env *env, const struct wst_op *o)
{
    wst_op_do(env, o);
    if (o->what == WST_WORK_FREE) wst_conversation_release(c, o->w);
}

static void work_give(struct wst_context *c, struct wst_op *o)
{
    struct wst_work *work = c->work;
    struct wst_worker *k = work->workers[o->w->base.worker - 1];
    for (int d = 0; d < 2 && o->what != WST_WORK_FREE; d++)
        o->place[d] = wst_conversation_place(c, o->w, (enum wst_dir)d);
    bool calm = wst_work_calm(work, o);
    while (calm && (k->given - k->told_ops >= work->most ||
                    work->order_in - work->order_out == WST_WORK_ORDER))
        wst_work_tell_next(work);
    if (calm && (!o->bytes.n || op_bytes(work, k, o))) {
        op_give(work, k, o);
        return;
    }
    wst_work_settle(c);
    wst_work_alone(work);
    op_now(c, &k->env, o);
}

/* -- rounds ------------------------------------------------------------------------------------ */

/* Stretches long enough for several batches; these take memory, so they have to gain something. */
static const struct wst_trial_rules batches = {
    .stretch = 4, .pairs = 1, .kept = 32, .kept_most = 4096, .gain = 0.02};

/* Rounds like this one may be batched: does it pay? */
static bool round_pays(struct wst_work *work)
{
    struct wst_trial *t = &work->trial;
    if (!work->context->options.batch_from) return true; /* whoever asks for that wants it so */
    if (!work->trying) {
        wst_trial_begin(t, &batches, wst_stopwatch_thread());
        work->trying = true;
    } else if (wst_trial_round(t, work->round_bytes)) {
        wst_work_settle(work->context); /* each stretch pays for what it began */
        wst_trial_next(t, wst_stopwatch_thread());
    }
    return wst_trial_second(t);
}

/* At the end of a round: whether the next one is batched. */
static void round_over(struct wst_work *work)
{
    const struct wst_options *o = &work->context->options;
    uint32_t conns = work->round_conns;
    bool may = conns > o->batch_from && conns <= CONNS_MAX && work->round_own <= OWN_MAX;
    work->trying = work->trying && may;
    work->pays = may && round_pays(work);
    work->most = EACH * conns < work->batch ? EACH * conns : work->batch;
    work->round = work->round_conns = work->round_own = 0;
    work->round_bytes = 0;
    if (work->pays) return;
    wst_work_settle(work->context);
    wst_work_alone(work);
}

/* Who does what is next for the conversation, n bytes of it, now; NULL: it is given away. */
static struct wst_ws_env *env_here(struct wst_context *c, struct conversation_ws *w, size_t n)
{
    struct wst_work *work = c->work;
    if (!w->base.worker) return &c->ws;
    if (work->threads) return NULL;
    struct wst_worker *k = work->workers[0];
    work->round_bytes += n;
    work->round_conns += (uint32_t)k->given - w->latest >= work->round;
    if (++work->round == WST_WORK_ROUND) round_over(work);
    if (work->pays) return NULL;
    w->latest = (uint32_t)k->given++;
    k->mine = k->seen = k->told_ops = k->given;
    return &k->env;
}

/* -- what the corridor calls ------------------------------------------------------------------- */

void wst_work_packet(struct wst_context *c)
{
    struct wst_work *work = c->work;
    if (work->alone) return;
    if (!work->threads && work->round_own > OWN_MAX)
        round_over(work); /* compressed connections have become few */
    else
        wst_work_look_at_memory(work);
}

static void work_do(struct wst_context *c, struct wst_op *o)
{
    struct wst_ws_env *env = env_here(c, o->w, o->bytes.n);
    if (env)
        op_now(c, env, o);
    else
        work_give(c, o);
}

void wst_work_push(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                   struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_ws_env *env = env_here(c, w, bytes.n);
    if (env) {
        wst_ws_push(&w->ws, env, dir, bytes, a);
        return;
    }
    struct wst_op o = {
        .w = w, .arrival = *a, .what = WST_WORK_PUSH, .dir = (uint8_t)dir, .bytes = bytes};
    work_give(c, &o);
}

void wst_work_gap(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir, uint64_t n,
                  enum wst_ws_missing how, const struct wst_arrival *a)
{
    struct wst_op o = {.w = w,
                       .arrival = *a,
                       .what = WST_WORK_GAP,
                       .dir = (uint8_t)dir,
                       .n = n,
                       .how = (uint8_t)how};
    work_do(c, &o);
}

void wst_work_fin(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                  enum wst_dir first, const struct wst_arrival *a)
{
    struct wst_op o = {
        .w = w, .arrival = *a, .what = WST_WORK_FIN, .dir = (uint8_t)dir, .by = (int8_t)first};
    work_do(c, &o);
}

void wst_work_end(struct wst_context *c, struct conversation_ws *w, enum wst_tcp_end how,
                  enum wst_dir reset_by, enum wst_dir tls_by, bool obscure,
                  const struct wst_arrival *a)
{
    struct wst_op o = {.w = w,
                       .arrival = *a,
                       .what = WST_WORK_END,
                       .how = (uint8_t)how,
                       .reset_by = (int8_t)reset_by,
                       .by = (int8_t)tls_by,
                       .flag = obscure};
    work_do(c, &o);
}

void wst_work_join(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                   struct wst_seek *seek, const struct wst_arrival *a)
{
    struct wst_op o = {
        .w = w, .arrival = *a, .what = WST_WORK_JOIN, .dir = (uint8_t)dir, .seek = seek};
    work_do(c, &o);
}

void wst_work_release(struct wst_context *c, struct conversation_ws *w)
{
    struct wst_op o = {.w = w, .what = WST_WORK_FREE};
    work_do(c, &o);
}

/* Only when memory is short: then nothing is given away. */
bool wst_work_shrink(struct wst_context *c, struct conversation_ws *w)
{
    struct wst_work *work = c->work;
    if (!w->base.worker) return wst_ws_shrink(&w->ws, &c->ws);
    wst_work_settle(c);
    wst_work_alone(work);
    return wst_ws_shrink(&w->ws, &work->workers[w->base.worker - 1]->env);
}

/* -- beginning and end ------------------------------------------------------------------------- */

/* As many workers as can be had. */
static void work_start(struct wst_work *work)
{
    const struct wst_options *o = &work->context->options;
    while (work->n < work->planned) {
        struct wst_worker *k = wst_worker_new(work, work->n);
        if (!k) break;
        if (work->threads && !wst_worker_start(k)) {
            wst_worker_free(k);
            break;
        }
        work->workers[work->n++] = k;
    }
    work->told_max = WST_WORK_TOLD_MAX / (work->n ? work->n : 1);
    if (work->told_max < WST_WORK_TOLD_MIN) work->told_max = WST_WORK_TOLD_MIN;
    size_t most = o->limits.memory / 4 * 3, message = MESSAGE_FIRST;
    while (message < o->limits.max_message && message < most) message *= 2;
    work->message = message;
    size_t each = message + WST_WORK_SLACK;
    work->calm = work->n && each <= most / work->n ? most - work->n * each : 0;
}

static struct wst_work *work_new(struct wst_context *c)
{
    const struct wst_options *o = &c->options;
    struct wst_work *work = calloc(1, sizeof *work);
    if (!work || !wst_kept_init(&work->own)) {
        free(work);
        return NULL;
    }
    work->context = c;
    work->threads = o->jobs > 1;
    work->planned = !work->threads ? 1 : o->jobs < WST_JOBS_MAX ? o->jobs : WST_JOBS_MAX;
    work->batch = o->batch < WST_BATCH_MAX ? o->batch : WST_BATCH_MAX;
    work->most = work->batch;
    if (work->threads) {
        work->most /= work->planned;
        if (work->most < WST_WORK_OPS) work->most = WST_WORK_OPS;
        work->batch = work->batch > 1 ? work->most / 2 : 1; /* one is done, one is told */
    }
    for (work->ring = 1; work->ring < work->most;) work->ring *= 2;
    work->pays = !o->batch_from;
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->progress, NULL);
    work_start(work);
    if (!work->threads && !work->pays) wst_work_alone(work);
    return work;
}

/* All begins with the first conversation that is for a worker. Without memory for that there is
 * none, here and for good. */
void wst_work_take(struct wst_context *c, struct conversation_ws *w)
{
    if (c->wire.on || (c->options.jobs < 2 && !c->options.batch)) return;
    /* A frame compressed by itself may become anything, and may stay: no bound could be given. */
    if (!wst_ws_may_compress(&w->ws.terms) || w->ws.terms.per_frame) return;
    if (!c->work) c->work = work_new(c);
    if (c->work && c->work->n) w->base.worker = (uint8_t)(1 + c->work->next++ % c->work->n);
}

void wst_work_free(struct wst_context *c)
{
    struct wst_work *work = c->work;
    if (!work) return;
    if (work->threads)
        for (unsigned i = 0; i < work->n; i++) wst_worker_stop(work->workers[i]);
    wst_work_alone(work); /* what one purse paid for another one may have had back */
    for (unsigned i = 0; i < work->n; i++) wst_worker_free(work->workers[i]);
    wst_kept_free(&work->own);
    pthread_cond_destroy(&work->progress);
    pthread_mutex_destroy(&work->lock);
    free(work);
    c->work = NULL;
}
