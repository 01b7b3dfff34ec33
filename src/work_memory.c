/* SPDX-License-Identifier: MIT
 *
 * In: an operation that shall be given away. Out: whether anything that is told could depend on its
 * being done later, or elsewhere, for want of memory.
 *
 * One thread knows at each packet how much is held; here that is known only within bounds. As long
 * as what is held, and all that the operations under way could add to it, stays below three
 * quarters of the budget, one thread would not have refused or evicted anything, either. When it
 * does not, the operations under way are waited for, and if that is not enough, this thread works
 * alone, with exact figures, until memory is plenty again.
 */
#include "work.h"

enum {
    OP_MARKS = 64,        /* where a segment begins */
    OP_GROWS = 512 << 10, /* beside a message that is inflated as it comes: inflaters */
};

static size_t work_held(const struct wst_work *work)
{
    size_t n = work->context->budget.used;
    for (unsigned i = 0; i < work->n; i++)
        n += atomic_load_explicit(&work->workers[i]->used, memory_order_relaxed) - WST_WORK_ZERO;
    return n;
}

size_t wst_work_memory(const struct wst_context *c)
{
    return c->work ? work_held(c->work) : c->budget.used;
}

uint64_t wst_work_refused(const struct wst_context *c)
{
    uint64_t n = 0;
    for (unsigned i = 0; c->work && i < c->work->n; i++) n += c->work->workers[i]->purse.refused;
    return n;
}

void wst_work_alone(struct wst_work *work)
{
    struct wst_budget *budget = &work->context->budget;
    if (work->alone) return;
    work->alone = true;
    for (unsigned i = 0; i < work->n; i++) {
        struct wst_worker *k = work->workers[i];
        budget->used += k->purse.used - WST_WORK_ZERO;
        k->purse.used = WST_WORK_ZERO;
        atomic_store_explicit(&k->used, WST_WORK_ZERO, memory_order_relaxed);
        wst_ws_env_pay(&k->env, budget);
        k->at_once = true;
    }
}

static void work_together(struct wst_work *work)
{
    if (!work->alone) return;
    work->alone = false;
    for (unsigned i = 0; i < work->n; i++) {
        wst_ws_env_pay(&work->workers[i]->env, &work->workers[i]->purse);
        work->workers[i]->at_once = false;
    }
}

uint32_t wst_work_since(const struct wst_worker *k, const struct conversation_ws *w)
{
    uint32_t since = (uint32_t)k->given - w->latest;
    if (!since || since > k->given - k->told_ops) return 0;
    return wst_worker_op(k, k->given - since)->w == w ? since : 0;
}

/* What an operation may add: a buffer doubles at most, but what was compressed may become a message
 * of any size, as soon as enough of it waits. */
static void op_bound(const struct wst_work *work, struct wst_op *o)
{
    struct conversation_ws *w = o->w;
    bool under_way = wst_work_since(work->workers[w->base.worker - 1], w);
    if (!under_way && o->what != WST_WORK_FREE) w->held = wst_ws_held(&w->ws);
    size_t raw = (size_t)w->held.raw << 10, coming = w->base.unsettled + o->bytes.n;
    o->bound =
        OP_MARKS + 4 * o->bytes.n + 2 * (size_t)w->base.unsettled + ((size_t)w->held.swell << 16);
    bool inflates = raw + coming >= WST_WS_RAW || o->what == WST_WORK_JOIN ||
                    (o->what == WST_WORK_GAP && raw + coming);
    if (inflates) o->bound += OP_GROWS + work->context->options.limits.max_resync + work->message;
}

static bool calm_with(const struct wst_work *work, size_t bound)
{
    return bound <= work->calm && work_held(work) + work->pending <= work->calm - bound;
}

bool wst_work_calm(struct wst_work *work, struct wst_op *o)
{
    for (;;) {
        if (o) op_bound(work, o);
        if (calm_with(work, o ? o->bound + WST_WORK_GROWS : 0)) break;
        if (work->order_out == work->order_in) {
            wst_work_alone(work);
            return false;
        }
        wst_work_tell_next(work);
    }
    work_together(work);
    return true;
}

void wst_work_look_at_memory(struct wst_work *work)
{
    if (!wst_work_calm(work, NULL) || work->context->budget.used <= work->calm) return;
    /* All purses together hold less: workers freed what this one paid for. One purse evens it out.
     */
    wst_work_settle(work->context);
    wst_work_alone(work);
}
