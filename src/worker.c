/* SPDX-License-Identifier: MIT
 *
 * In: operations on conversations, in the order of the capture. Out: their events, kept until they
 * have their turn.
 *
 * What inflating waits for is memory: a context is 40 KiB, and with hundreds of them each is out of
 * the cache again when its next message comes. So of the operations that wait, those of one
 * conversation are done one behind another, and each notes where its events lie.
 *
 *   waiting       a1 b1 c1 a2 c2 b2 a3
 *   done          a1 a2 a3 b1 b2 c1 c2
 *   told          a1 b1 c1 a2 c2 b2 a3
 *
 * What is done in its turn is told sooner, and from a cache that is still warm. Which of the two is
 * worth more is a matter of the processor (work.c), so a thread tries both.
 *
 * Refuses to keep events without end: after work->told_max bytes of them what is left of a batch is
 * done in its turn.
 */
#include "work.h"

#include "stopwatch.h"

#include <signal.h>
#include <stdlib.h>

/* What a thread says is kept in any case, so a batch costs it little, and may pay with so many
 * times fewer conversations. */
enum { CHEAP = 8 };

/* By its own clock: what waits for its turn fills the cache of the thread that tells it, too, so a
 * batch has to gain more than nothing. */
static const struct wst_trial_rules batches = {
    .warm = 8, .stretch = 4, .pairs = 1, .kept = 32, .kept_most = 4096, .gain = 0.05};

static void worker_emit(void *user, void *conversation, struct wst_event *e)
{
    struct wst_worker *k = user;
    const struct conversation *base = conversation;
    uint64_t conn = base->conn;
    if (k->at_once) {
        wst_timeline_emit(&k->work->context->timeline, e, &conn);
        return;
    }
    e->conn = conn;
    if (wst_kept_put(&k->told, e)) {
        k->op_events++;
        return;
    }
    wst_budget_refused(&k->purse, 0);
    if (e->type == WST_EVENT_MESSAGE) { /* at least that there was one */
        e->message.payload.n = 0;
        e->message.omitted = e->message.len;
        if (wst_kept_put(&k->told, e)) k->op_events++;
    }
}

/* As it was when the operation was given: by now the flow has gone on. */
static struct wst_ws_place worker_place(void *user, void *conversation, enum wst_dir dir)
{
    const struct wst_worker *k = user;
    return k->place ? k->place[dir] : wst_conversation_place(NULL, conversation, dir);
}

void wst_op_do(struct wst_ws_env *env, const struct wst_op *o)
{
    struct wst_ws *ws = &o->w->ws;
    enum wst_dir dir = (enum wst_dir)o->dir;
    switch ((enum wst_op_what)o->what) {
    case WST_WORK_PUSH: wst_ws_push(ws, env, dir, o->bytes, &o->arrival); break;
    case WST_WORK_GAP:
        wst_ws_gap(ws, env, dir, o->n, (enum wst_ws_missing)o->how, &o->arrival);
        break;
    case WST_WORK_FIN:
        ws->fin_by = o->by;
        wst_ws_fin(ws, env, dir, &o->arrival);
        break;
    case WST_WORK_END:
        ws->obscure = o->flag;
        ws->reset_by = o->reset_by;
        ws->tls_by = o->by;
        wst_ws_end(ws, env, (enum wst_tcp_end)o->how, &o->arrival);
        break;
    case WST_WORK_JOIN: wst_ws_join(ws, env, dir, o->seek, &o->arrival); break;
    case WST_WORK_FREE: wst_ws_free(ws, env); break;
    }
}

/* -- in the order that is best ----------------------------------------------------------------- */

/* Links the operations of each conversation. Returns how many conversations there are. */
static uint32_t batch_link(const struct wst_worker *k, uint64_t end)
{
    uint32_t conns = 0;
    for (uint64_t i = k->mine; i != end; i++) {
        struct wst_op *o = wst_worker_op(k, i);
        o->next = 0;
        if (o->since && o->since <= i - k->mine)
            wst_worker_op(k, i - o->since)->next = o->since;
        else
            conns++;
    }
    return conns;
}

static void op_keep(struct wst_worker *k, struct wst_op *o)
{
    k->op_events = 0;
    k->place = o->place;
    o->from = wst_kept_end(&k->told);
    wst_op_do(&k->env, o);
    k->place = NULL;
    o->told = k->op_events;
    if (o->what != WST_WORK_FREE) o->held = wst_ws_held(&o->w->ws);
    o->done = true;
}

/* Those of one conversation, from number `i` on. False: enough was told out of its order. */
static bool chain_keep(struct wst_worker *k, uint64_t i, uint64_t told_before)
{
    for (;;) {
        struct wst_op *o = wst_worker_op(k, i);
        op_keep(k, o);
        if (k->told.put - told_before > k->work->told_max) return false;
        if (!o->next) return true;
        i += o->next;
    }
}

void wst_worker_catch_up(struct wst_worker *k)
{
    uint64_t before = k->told.put;
    batch_link(k, k->given);
    for (uint64_t i = k->mine; i != k->given; i++)
        if (!wst_worker_op(k, i)->done && !chain_keep(k, i, before)) break;
    wst_worker_op(k, k->given - 1)->upto = wst_kept_end(&k->told);
    wst_worker_op(k, k->given - 1)->last = true;
    k->mine = k->given;
    atomic_store_explicit(&k->used, k->purse.used, memory_order_relaxed);
}

void wst_worker_do_now(struct wst_worker *k, struct wst_op *o)
{
    k->at_once = true;
    k->place = o->place;
    wst_op_do(&k->env, o);
    k->place = NULL;
    k->at_once = k->work->alone;
    if (o->what != WST_WORK_FREE) o->held = wst_ws_held(&o->w->ws);
    atomic_store_explicit(&k->used, k->purse.used, memory_order_relaxed);
}

/* -- a thread ---------------------------------------------------------------------------------- */

/* Waits until `ready`. The flag says so to whoever could make it true. */
static void worker_wait(struct wst_worker *k, atomic_bool *flag, bool (*ready)(struct wst_worker *))
{
    struct wst_work *work = k->work;
    pthread_mutex_lock(&work->lock);
    while (atomic_store(flag, true), !ready(k) && !k->stop) {
        pthread_cond_signal(&work->progress); /* it may be this that the other waits for */
        pthread_cond_wait(&k->wake, &work->lock);
    }
    atomic_store(flag, false);
    pthread_mutex_unlock(&work->lock);
}

static bool has_work(struct wst_worker *k)
{
    return atomic_load(&k->issued) != k->mine;
}

/* What was told before its turn cannot be waited for. */
static bool has_room(struct wst_worker *k)
{
    return k->told.put - atomic_load(&k->taken) <= k->work->told_max + k->ahead;
}

/* All operations up to number `mine` are done. */
static void worker_publish(struct wst_worker *k, uint64_t mine)
{
    struct wst_work *work = k->work;
    k->mine = mine;
    atomic_store_explicit(&k->used, k->purse.used, memory_order_relaxed);
    atomic_store(&k->done, k->mine);
    if (atomic_load(&work->awaited) == k->index + 1 && k->mine >= atomic_load(&work->until)) {
        pthread_mutex_lock(&work->lock);
        pthread_cond_signal(&work->progress);
        pthread_mutex_unlock(&work->lock);
    }
}

/* In their turn, from `mine` to `end`; those of the same conversation at once while it `pays`. */
static void worker_batch(struct wst_worker *k, uint64_t end, bool pays)
{
    uint64_t before = k->told.put;
    while (k->mine != end) {
        struct wst_op *o = wst_worker_op(k, k->mine);
        if (!o->done && pays) {
            pays = chain_keep(k, k->mine, before);
            k->ahead = k->told.put - before;
        } else if (!o->done) {
            op_keep(k, o);
        }
        if (k->mine + 1 == end) {
            o->last = true;
            o->upto = wst_kept_end(&k->told);
            k->ahead = 0;
        }
        worker_publish(k, k->mine + 1);
        if (!pays && !has_room(k)) worker_wait(k, &k->stuffed, has_room);
    }
}

/* What was done is counted before that: its bytes are the caller's again when it is told. */
static void worker_counts(struct wst_worker *k, uint64_t end)
{
    for (uint64_t i = k->mine; i != end; i++) k->round_bytes += wst_worker_op(k, i)->bytes.n;
    k->round += (uint32_t)(end - k->mine);
}

static void worker_round_over(struct wst_worker *k)
{
    if (wst_trial_round(&k->trial, k->round_bytes))
        wst_trial_next(&k->trial, wst_stopwatch_thread());
    k->round = 0;
    k->round_bytes = 0;
}

static void *worker_run(void *user)
{
    struct wst_worker *k = user;
    const struct wst_work *work = k->work;
    const uint32_t from = work->context->options.batch_from;
    wst_trial_begin(&k->trial, &batches, wst_stopwatch_thread());
    for (;;) {
        if (!has_work(k)) worker_wait(k, &k->sleeping, has_work);
        if (!has_work(k)) return NULL; /* told to stop */
        uint32_t most = !from || wst_trial_second(&k->trial) ? work->batch : 1;
        uint64_t end = atomic_load(&k->issued);
        if (end - k->mine > most) end = k->mine + most;
        uint32_t conns = batch_link(k, end);
        worker_counts(k, end);
        worker_batch(k, end, most > 1 && conns > from / CHEAP);
        if (k->round >= WST_WORK_ROUND) worker_round_over(k);
        if (!has_room(k)) worker_wait(k, &k->stuffed, has_room);
    }
}

void wst_worker_wake(struct wst_worker *k)
{
    pthread_mutex_lock(&k->work->lock);
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->work->lock);
}

/* Signals are for the caller's thread. */
bool wst_worker_start(struct wst_worker *k)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&k->thread, NULL, worker_run, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

void wst_worker_stop(struct wst_worker *k)
{
    pthread_mutex_lock(&k->work->lock);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->work->lock);
    pthread_join(k->thread, NULL);
}

void wst_worker_free(struct wst_worker *k)
{
    if (!k) return;
    wst_ws_env_free(&k->env);
    wst_kept_free(&k->told);
    pthread_cond_destroy(&k->wake);
    free(k->bytes);
    free(k->ops);
    free(k);
}

struct wst_worker *wst_worker_new(struct wst_work *work, unsigned index)
{
    struct wst_context *c = work->context;
    struct wst_worker *k = aligned_alloc(64, sizeof *k);
    if (!k) return NULL;
    memset(k, 0, sizeof *k);
    k->work = work;
    k->index = index;
    k->purse = (struct wst_budget){.used = WST_WORK_ZERO, .max = SIZE_MAX};
    atomic_init(&k->used, WST_WORK_ZERO);
    pthread_cond_init(&k->wake, NULL);
    k->bytes = malloc(WST_WORK_BYTES);
    k->ops = malloc(work->ring * sizeof *k->ops);
    k->env.user = k;
    k->env.emit = worker_emit;
    k->env.place = worker_place;
    if (!k->bytes || !k->ops || !wst_kept_init(&k->told) ||
        !wst_ws_env_init(&k->env, &c->options, &k->purse)) {
        wst_worker_free(k);
        return NULL;
    }
    k->env.inflaters.own_max = c->ws.inflaters.own_max / work->planned;
    return k;
}
