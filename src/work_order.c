/* SPDX-License-Identifier: MIT
 *
 * In: operations that were done, and events of the caller's thread. Out: all events, in the order
 * of the capture. Refuses nothing.
 */
#include "work.h"

#include <stdlib.h>

static void tell(struct wst_work *work, struct wst_event *e, bool nanos)
{
    struct wst_timeline *t = &work->context->timeline;
    bool before = t->nanos;
    uint64_t conn = e->conn;
    t->nanos = nanos;
    wst_timeline_emit(t, e, conn ? &conn : NULL);
    t->nanos = before;
}

/* Enough was kept before it had its turn. */
static void op_late(struct wst_worker *k, struct wst_op *o)
{
    struct wst_timeline *t = &k->work->context->timeline;
    bool before = t->nanos;
    t->nanos = o->nanos;
    wst_worker_do_now(k, o);
    t->nanos = before;
}

static void op_told(struct wst_worker *k, const struct wst_op *o)
{
    if (o->told) wst_kept_seek(&k->told, o->from);
    for (uint32_t i = 0; i < o->told; i++) tell(k->work, wst_kept_take(&k->told), o->nanos);
}

static void tell_op(struct wst_worker *k)
{
    struct wst_work *work = k->work;
    struct wst_op *o = wst_worker_op(k, k->told_ops);
    if (o->done)
        op_told(k, o);
    else
        op_late(k, o);
    if (o->last) wst_kept_drop(&k->told, o->upto);
    if (o->owned) free((void *)(uintptr_t)o->bytes.p);
    work->pending -= o->bound;
    k->bytes_out = o->bytes_end;
    if (o->w->latest == (uint32_t)k->told_ops) work->pending -= WST_WORK_GROWS;
    if (++k->told_ops == k->given)
        k->bytes_in = k->bytes_out = 0; /* from the front, where it is warm */
    if (o->what == WST_WORK_FREE) {
        wst_conversation_release(work->context, o->w);
        return;
    }
    o->w->base.unsettled -= (uint32_t)o->bytes.n;
    o->w->held = o->held;
}

static void tell_own(struct wst_work *work)
{
    struct wst_event *e = wst_kept_take(&work->own);
    tell(work, e, e->nanos);
    wst_kept_drop(&work->own, work->own.out);
}

static uint64_t worker_done(const struct wst_worker *k)
{
    return k->work->threads ? atomic_load(&k->done) : k->mine;
}

/* Whoever waited for what it has told to be taken. */
static void workers_go_on(struct wst_work *work)
{
    for (unsigned i = 0; i < work->n; i++) {
        struct wst_worker *k = work->workers[i];
        atomic_store(&k->taken, k->told.taken);
        if (atomic_exchange(&k->stuffed, false)) wst_worker_wake(k);
    }
}

/* False: nothing had its turn. */
static bool tell_ready(struct wst_work *work)
{
    uint64_t before = work->order_out;
    while (work->order_out != work->order_in) {
        unsigned who = work->order[work->order_out % WST_WORK_ORDER];
        if (who == WST_WORK_OWN) {
            tell_own(work);
        } else {
            struct wst_worker *k = work->workers[who];
            if (k->seen == k->told_ops) k->seen = worker_done(k);
            if (k->seen == k->told_ops) break;
            tell_op(k);
        }
        work->order_out++;
    }
    if (work->threads) workers_go_on(work);
    return work->order_out != before;
}

void wst_work_tell_ready(struct wst_work *work)
{
    tell_ready(work);
}

/* A part of what is under way: whoever waits for less is woken all the time, and takes a core from
 * a worker each time; for more, and the other workers come to the end of what they have. */
static uint64_t worth_waiting(uint64_t under_way)
{
    uint64_t some = under_way / WST_WORK_AWAIT_PART;
    if (some < WST_WORK_WAKE_AT) some = WST_WORK_WAKE_AT;
    return some < under_way ? some : under_way;
}

/* … until the worker has done some of what waits for it. */
static void worker_await(struct wst_worker *k)
{
    struct wst_work *work = k->work;
    uint64_t some = worth_waiting(k->given - k->told_ops);
    for (unsigned i = 0; i < work->n; i++)
        if (atomic_load(&work->workers[i]->sleeping)) wst_worker_wake(work->workers[i]);
    pthread_mutex_lock(&work->lock);
    atomic_store(&work->until, k->told_ops + some);
    atomic_store(&work->awaited, k->index + 1);
    while (atomic_load(&k->done) < k->told_ops + some && !atomic_load(&k->stuffed))
        pthread_cond_wait(&work->progress, &work->lock);
    atomic_store(&work->awaited, 0);
    pthread_mutex_unlock(&work->lock);
}

void wst_work_tell_next(struct wst_work *work)
{
    if (tell_ready(work)) return;
    struct wst_worker *k = work->workers[work->order[work->order_out % WST_WORK_ORDER]];
    if (work->threads)
        worker_await(k);
    else
        wst_worker_catch_up(k);
    tell_ready(work);
}

void wst_work_settle(struct wst_context *c)
{
    while (c->work && c->work->order_out != c->work->order_in) wst_work_tell_next(c->work);
}

void wst_work_emit(struct wst_context *c, struct wst_event *e, uint64_t *conn)
{
    struct wst_work *work = c->work;
    if (work) work->round_own++;
    if (!work || work->order_out == work->order_in) {
        wst_timeline_emit(&c->timeline, e, conn);
        return;
    }
    if (conn && !*conn) *conn = ++c->timeline.conns; /* in the order of the capture */
    e->conn = conn ? *conn : 0;
    e->nanos = c->timeline.nanos;
    while (
        work->order_in - work->order_out == WST_WORK_ORDER ||
        (work->own.put - work->own.taken > WST_WORK_TOLD_MAX && work->order_out != work->order_in))
        wst_work_tell_next(work);
    if (!wst_kept_put(&work->own, e)) { /* no memory: at once, when all before it is told */
        wst_work_settle(c);
        wst_timeline_emit(&c->timeline, e, conn);
        return;
    }
    work->order[work->order_in++ % WST_WORK_ORDER] = WST_WORK_OWN;
}
