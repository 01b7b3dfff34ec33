/* SPDX-License-Identifier: MIT
 *
 * In: what happens to WebSocket conversations, in the order of the capture. Out: their events in
 * the same order, byte for byte as one thread would tell them.
 *
 *   the caller's thread      capture ▶ net ▶ flow ▶ http1 ─┬─▶ order ─▶ timeline ▶ render
 *                                                         │             ▲
 *   a worker                                              └─▶ ops ▶ ws ─┘
 *
 * Inflating is what takes time, so only conversations that may carry compressed messages are given
 * away, each to one worker for good. Everything else stays in the caller's thread, where the order
 * is made: which connection has which number, what is evicted, which packet is lost. It cannot
 * depend on the workers, for nothing comes back from them but events, and these wait for their
 * turn.
 *
 * Nothing but memory. One thread knows at each packet how much is held; here that is known only
 * within bounds. As long as what is held, and all that the operations under way could add to it,
 * stays below three quarters of the budget, one thread would not have refused or evicted anything,
 * either. When it does not, the operations under way are waited for, and if that is not enough,
 * this thread works alone, with exact figures, until memory is plenty again.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pipeline.h"
#include "timeline/kept.h"

enum {
    OPS = 512,            /* of one worker, not told yet */
    ORDER = 4096,         /* of all workers, and events between them */
    BYTES = 1 << 20,      /* that wait for one worker */
    TOLD_MAX = 4 << 20,   /* bytes of events that wait for their turn; then the worker does */
    WAKE_AT = 16,         /* operations worth waking somebody for */
    LOOK_EACH = 32,       /* operations after which it is looked for what can be told */
    OWN = UINT8_MAX,      /* in the order: an event of the caller's thread */
    OP_GROWS = 512 << 10, /* contexts, windows, a header, pings: what any operation may add */
    SLACK = 4 << 20       /* what one message may take beside the room for it */
};
#define ZERO (SIZE_MAX / 2) /* a worker's purse begins here: it may give back what others took */

enum what { PUSH, GAP, FIN, END, JOIN, FREE };

struct op {
    struct conversation_ws *w;
    struct wst_arrival arrival;
    struct wst_slice bytes;
    uint64_t n;
    struct wst_seek *seek;
    size_t bytes_end; /* where the next bytes may lie */
    size_t bound;     /* what it may add to the memory held */
    uint8_t what, dir, how;
    int8_t by;      /* FIN: whose came first */
    bool flag;      /* END: obscure */
    bool nanos;     /* of the capture */
    bool behind[2]; /* by direction: bytes of it wait behind a hole */
    bool owned;     /* bytes are by malloc */
    /* what the worker says */
    uint32_t told; /* events */
    struct wst_ws_held held;
};

struct worker {
    struct wst_work *work;
    struct wst_ws_env env;
    struct wst_budget purse;
    struct wst_kept told;
    pthread_t thread;
    pthread_cond_t wake;
    unsigned index;
    uint64_t mine; /* operations done; the worker's */
    const struct op *doing;
    uint32_t op_events; /* of the one being done */
    bool stop;
    atomic_bool sleeping, stuffed;
    _Alignas(64) atomic_uint_fast64_t issued; /* operations given to it */
    _Alignas(64) atomic_uint_fast64_t done;
    atomic_size_t used;         /* its purse after the last of them */
    atomic_uint_fast64_t taken; /* bytes of events told */
    /* the caller's thread's */
    _Alignas(64) uint64_t given, seen, told_ops; /* issued; known to be done; told */
    size_t bytes_in, bytes_out;                  /* counted from the beginning */
    uint8_t *bytes;
    struct op ops[OPS];
};

struct wst_work {
    struct wst_context *context;
    unsigned n, next;
    bool started;        /* the threads run */
    bool alone;          /* … and have nothing to do: memory is short */
    size_t calm;         /* memory up to which nothing can depend on the budget */
    size_t pending;      /* what the operations under way may add */
    struct wst_kept own; /* events of the caller's thread that wait */
    uint64_t order_in, order_out;
    uint8_t order[ORDER];
    pthread_mutex_t lock;
    pthread_cond_t progress;
    atomic_uint_fast64_t awaited; /* worker index + 1, that the caller's thread waits for */
    atomic_uint_fast64_t until;   /* … to have done so many */
    struct worker *workers[WST_JOBS_MAX];
};

/* -- a worker ---------------------------------------------------------------------------------- */

static void worker_emit(void *user, void *conversation, struct wst_event *e)
{
    struct worker *k = user;
    const struct conversation *base = conversation;
    uint64_t conn = base->conn;
    if (k->work->alone) {
        wst_timeline_emit(&k->work->context->timeline, e, &conn);
        return;
    }
    e->conn = conn;
    if (wst_kept_put(&k->told, e)) {
        k->op_events++;
        return;
    }
    if (e->type == WST_EVENT_MESSAGE) { /* no memory: at least that there was one */
        e->message.payload.n = 0;
        e->message.omitted = e->message.len;
        if (wst_kept_put(&k->told, e)) k->op_events++;
    }
}

/* As it was when the operation was given: by now the flow has gone on. */
static bool worker_behind(void *user, void *conversation, enum wst_dir dir)
{
    (void)conversation;
    return ((struct worker *)user)->doing->behind[dir];
}

static void op_do(struct wst_ws_env *env, const struct op *o)
{
    struct wst_ws *ws = &o->w->ws;
    enum wst_dir dir = (enum wst_dir)o->dir;
    switch ((enum what)o->what) {
    case PUSH: wst_ws_push(ws, env, dir, o->bytes, &o->arrival); break;
    case GAP: wst_ws_gap(ws, env, dir, o->n, (enum wst_ws_missing)o->how, &o->arrival); break;
    case FIN:
        ws->fin_by = o->by;
        wst_ws_fin(ws, env, dir, &o->arrival);
        break;
    case END:
        ws->obscure = o->flag;
        wst_ws_end(ws, env, (enum wst_tcp_end)o->how, &o->arrival);
        break;
    case JOIN: wst_ws_join(ws, env, dir, o->seek, &o->arrival); break;
    case FREE: wst_ws_free(ws, env); break;
    }
}

/* Waits until `ready`. The flag says so to whoever could make it true. */
static void worker_wait(struct worker *k, atomic_bool *flag, bool (*ready)(struct worker *))
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

static bool has_work(struct worker *k)
{
    return atomic_load(&k->issued) != k->mine;
}

static bool has_room(struct worker *k)
{
    return k->told.put - atomic_load(&k->taken) <= TOLD_MAX;
}

static void *worker_run(void *user)
{
    struct worker *k = user;
    struct wst_work *work = k->work;
    for (;;) {
        if (!has_work(k)) worker_wait(k, &k->sleeping, has_work);
        if (!has_work(k)) return NULL; /* told to stop */
        struct op *o = &k->ops[k->mine % OPS];
        k->op_events = 0;
        k->doing = o;
        op_do(&k->env, o);
        o->told = k->op_events;
        if (o->what != FREE) o->held = wst_ws_held(&o->w->ws);
        k->mine++;
        atomic_store_explicit(&k->used, k->purse.used, memory_order_relaxed);
        atomic_store(&k->done, k->mine);
        if (atomic_load(&work->awaited) == k->index + 1 && k->mine >= atomic_load(&work->until)) {
            pthread_mutex_lock(&work->lock);
            pthread_cond_signal(&work->progress);
            pthread_mutex_unlock(&work->lock);
        }
        if (!has_room(k)) worker_wait(k, &k->stuffed, has_room);
    }
}

/* -- telling ----------------------------------------------------------------------------------- */

static void worker_wake(struct worker *k)
{
    pthread_mutex_lock(&k->work->lock);
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->work->lock);
}

static void tell(struct wst_work *work, struct wst_event *e, bool nanos)
{
    struct wst_timeline *t = &work->context->timeline;
    bool before = t->nanos;
    uint64_t conn = e->conn;
    t->nanos = nanos;
    wst_timeline_emit(t, e, conn ? &conn : NULL);
    t->nanos = before;
}

static void tell_op(struct wst_work *work, struct worker *k)
{
    struct op *o = &k->ops[k->told_ops % OPS];
    for (uint32_t i = 0; i < o->told; i++) tell(work, wst_kept_take(&k->told), o->nanos);
    if (o->owned) free((void *)(uintptr_t)o->bytes.p);
    work->pending -= o->bound;
    k->bytes_out = o->bytes_end;
    k->told_ops++;
    if (o->what == FREE) {
        wst_conversation_release(work->context, o->w);
        return;
    }
    o->w->base.unsettled -= (uint32_t)o->bytes.n;
    o->w->held = o->held;
}

/* Tells whatever has its turn. False: nothing had. */
static bool tell_ready(struct wst_work *work)
{
    uint64_t before = work->order_out;
    while (work->order_out != work->order_in) {
        unsigned who = work->order[work->order_out % ORDER];
        if (who == OWN) {
            struct wst_event *e = wst_kept_take(&work->own);
            tell(work, e, e->nanos);
        } else {
            struct worker *k = work->workers[who];
            if (k->seen == k->told_ops) k->seen = atomic_load(&k->done);
            if (k->seen == k->told_ops) break;
            tell_op(work, k);
        }
        work->order_out++;
    }
    for (unsigned i = 0; i < work->n; i++) {
        struct worker *k = work->workers[i];
        atomic_store(&k->taken, k->told.taken);
        if (atomic_exchange(&k->stuffed, false)) worker_wake(k);
    }
    return work->order_out != before;
}

/* Waits for the worker whose turn it is, and tells what it has done. */
static void tell_next(struct wst_work *work)
{
    if (tell_ready(work)) return;
    struct worker *k = work->workers[work->order[work->order_out % ORDER]];
    uint64_t under_way = k->given - k->told_ops, some = under_way < WAKE_AT ? under_way : WAKE_AT;
    for (unsigned i = 0; i < work->n; i++)
        if (atomic_load(&work->workers[i]->sleeping)) worker_wake(work->workers[i]);
    pthread_mutex_lock(&work->lock);
    atomic_store(&work->until, k->told_ops + some);
    atomic_store(&work->awaited, k->index + 1);
    while (atomic_load(&k->done) < k->told_ops + some && !atomic_load(&k->stuffed))
        pthread_cond_wait(&work->progress, &work->lock);
    atomic_store(&work->awaited, 0);
    pthread_mutex_unlock(&work->lock);
    tell_ready(work);
}

void wst_work_settle(struct wst_context *c)
{
    while (c->work && c->work->order_out != c->work->order_in) tell_next(c->work);
}

void wst_work_emit(struct wst_context *c, struct wst_event *e, uint64_t *conn)
{
    struct wst_work *work = c->work;
    if (!work || work->order_out == work->order_in) {
        wst_timeline_emit(&c->timeline, e, conn);
        return;
    }
    if (conn && !*conn) *conn = ++c->timeline.conns; /* in the order of the capture */
    e->conn = conn ? *conn : 0;
    e->nanos = c->timeline.nanos;
    while (work->order_in - work->order_out == ORDER ||
           (work->own.put - work->own.taken > TOLD_MAX && work->order_out != work->order_in))
        tell_next(work);
    if (!wst_kept_put(&work->own, e)) { /* no memory: at once, when all before it is told */
        wst_work_settle(c);
        wst_timeline_emit(&c->timeline, e, conn);
        return;
    }
    work->order[work->order_in++ % ORDER] = OWN;
}

/* -- memory ------------------------------------------------------------------------------------ */

static size_t work_held(const struct wst_work *work)
{
    size_t n = work->context->budget.used;
    for (unsigned i = 0; i < work->n; i++)
        n += atomic_load_explicit(&work->workers[i]->used, memory_order_relaxed) - ZERO;
    return n;
}

size_t wst_work_memory(const struct wst_context *c)
{
    return c->work && c->work->started ? work_held(c->work) : c->budget.used;
}

/* From now on this thread does all, and there is one purse. Nothing may be under way. */
static void work_alone(struct wst_work *work)
{
    struct wst_budget *budget = &work->context->budget;
    if (work->alone) return;
    work->alone = true;
    for (unsigned i = 0; i < work->n; i++) {
        struct worker *k = work->workers[i];
        budget->used += k->purse.used - ZERO;
        k->purse.used = ZERO;
        atomic_store_explicit(&k->used, ZERO, memory_order_relaxed);
        wst_ws_env_pay(&k->env, budget);
    }
}

static void work_together(struct wst_work *work)
{
    if (!work->alone) return;
    work->alone = false;
    for (unsigned i = 0; i < work->n; i++)
        wst_ws_env_pay(&work->workers[i]->env, &work->workers[i]->purse);
}

/* What an operation may add: a buffer doubles at most, but what was compressed may become a message
 * of any size, as soon as enough of it waits. */
static size_t op_bound(const struct wst_work *work, const struct op *o)
{
    const struct wst_limits *l = &work->context->options.limits;
    const struct wst_ws_held *held = &o->w->held;
    uint32_t unsettled = o->w->base.unsettled;
    size_t bound = OP_GROWS + l->max_resync + 4 * o->bytes.n + 2 * (size_t)unsettled +
                   ((size_t)held->swell_kib << 10);
    bool inflates = held->raw + (uint64_t)unsettled + o->bytes.n >= WST_WS_RAW || o->what == JOIN ||
                    (o->what == GAP && (held->raw || unsettled));
    return inflates ? bound + l->max_message : bound;
}

static bool calm_with(const struct wst_work *work, size_t bound)
{
    return bound <= work->calm && work_held(work) + work->pending <= work->calm - bound;
}

/* Whether an operation (NULL: a packet) cannot bring the memory held near the budget. Waits until
 * that is so, or until it is sure that it is not. */
static bool work_calm(struct wst_work *work, struct op *o)
{
    for (;;) {
        if (o) o->bound = op_bound(work, o);
        if (calm_with(work, o ? o->bound : 0)) break;
        if (work->order_out == work->order_in) {
            work_alone(work);
            return false;
        }
        tell_next(work);
    }
    work_together(work);
    return true;
}

void wst_work_packet(struct wst_context *c)
{
    struct wst_work *work = c->work;
    if (!work->started || work->alone) return;
    if (!work_calm(work, NULL) || c->budget.used <= work->calm) return;
    /* All purses together hold less: workers freed what this one paid for. One purse evens it out. */
    wst_work_settle(c);
    work_alone(work);
}

/* -- giving work ------------------------------------------------------------------------------- */

/* A place for n bytes of which none is told yet; NULL: not now. A piece never wraps: what is left
 * at the end stays empty. */
static uint8_t *bytes_room(struct worker *k, size_t n)
{
    size_t at = k->bytes_in % BYTES, skip = at + n > BYTES ? BYTES - at : 0;
    if (k->bytes_in == k->bytes_out) k->bytes_out += skip; /* nothing is there */
    if (k->bytes_in + skip + n - k->bytes_out > BYTES) return NULL;
    k->bytes_in += skip + n;
    return k->bytes + (at + skip) % BYTES;
}

/* Bytes too many to lie in line have a place of their own. False: no memory. */
static bool op_bytes(struct wst_work *work, struct worker *k, struct op *o)
{
    uint8_t *to = NULL;
    if (o->bytes.n > BYTES / 4) {
        to = malloc(o->bytes.n);
        o->owned = to != NULL;
        if (!to) return false;
    }
    while (!to && !(to = bytes_room(k, o->bytes.n))) tell_next(work);
    memcpy(to, o->bytes.p, o->bytes.n);
    o->bytes.p = to;
    return true;
}

static void op_give(struct wst_work *work, struct worker *k, struct op *o)
{
    o->bytes_end = k->bytes_in;
    o->nanos = work->context->timeline.nanos;
    o->w->base.unsettled += (uint32_t)o->bytes.n;
    work->pending += o->bound;
    k->ops[k->given++ % OPS] = *o;
    work->order[work->order_in++ % ORDER] = (uint8_t)k->index;
    atomic_store(&k->issued, k->given);
    if (atomic_load(&k->sleeping) && k->given - k->seen >= WAKE_AT) worker_wake(k);
    if (work->order_in % LOOK_EACH == 0) tell_ready(work);
}

static void work_do(struct wst_context *c, struct op *o)
{
    struct wst_work *work = c->work;
    if (!o->w->base.worker) { /* this thread's, for good */
        op_do(&c->ws, o);
        if (o->what == FREE) wst_conversation_release(c, o->w);
        return;
    }
    struct worker *k = work->workers[o->w->base.worker - 1];
    for (int d = 0; d < 2 && o->what != FREE; d++)
        o->behind[d] = wst_conversation_behind(c, o->w, (enum wst_dir)d);
    bool calm = work_calm(work, o);
    while (calm && (k->given - k->told_ops == OPS || work->order_in - work->order_out == ORDER))
        tell_next(work);
    if (calm && (!o->bytes.n || op_bytes(work, k, o))) {
        op_give(work, k, o);
        return;
    }
    wst_work_settle(c);
    work_alone(work);
    k->doing = o;
    op_do(&k->env, o);
    if (o->what == FREE)
        wst_conversation_release(c, o->w);
    else
        o->w->held = wst_ws_held(&o->w->ws);
}

void wst_work_push(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                   struct wst_slice bytes, const struct wst_arrival *a)
{
    if (!w->base.worker) {
        wst_ws_push(&w->ws, &c->ws, dir, bytes, a);
        return;
    }
    struct op o = {.w = w, .arrival = *a, .what = PUSH, .dir = (uint8_t)dir, .bytes = bytes};
    work_do(c, &o);
}

void wst_work_gap(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir, uint64_t n,
                  enum wst_ws_missing how, const struct wst_arrival *a)
{
    struct op o = {
        .w = w, .arrival = *a, .what = GAP, .dir = (uint8_t)dir, .n = n, .how = (uint8_t)how};
    work_do(c, &o);
}

void wst_work_fin(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                  enum wst_dir first, const struct wst_arrival *a)
{
    struct op o = {.w = w, .arrival = *a, .what = FIN, .dir = (uint8_t)dir, .by = (int8_t)first};
    work_do(c, &o);
}

void wst_work_end(struct wst_context *c, struct conversation_ws *w, enum wst_tcp_end how,
                  bool obscure, const struct wst_arrival *a)
{
    struct op o = {.w = w, .arrival = *a, .what = END, .how = (uint8_t)how, .flag = obscure};
    work_do(c, &o);
}

void wst_work_join(struct wst_context *c, struct conversation_ws *w, enum wst_dir dir,
                   struct wst_seek *seek, const struct wst_arrival *a)
{
    struct op o = {.w = w, .arrival = *a, .what = JOIN, .dir = (uint8_t)dir, .seek = seek};
    work_do(c, &o);
}

void wst_work_release(struct wst_context *c, struct conversation_ws *w)
{
    struct op o = {.w = w, .what = FREE};
    work_do(c, &o);
}

/* Only when memory is short: then nothing is given away. */
bool wst_work_shrink(struct wst_context *c, struct conversation_ws *w)
{
    struct wst_work *work = c->work;
    if (!w->base.worker) return wst_ws_shrink(&w->ws, &c->ws);
    wst_work_settle(c);
    work_alone(work);
    return wst_ws_shrink(&w->ws, &work->workers[w->base.worker - 1]->env);
}

/* -- beginning and end ------------------------------------------------------------------------- */

static void worker_free(struct worker *k)
{
    if (!k) return;
    wst_ws_env_free(&k->env);
    wst_kept_free(&k->told);
    pthread_cond_destroy(&k->wake);
    free(k->bytes);
    free(k);
}

static struct worker *worker_new(struct wst_work *work, unsigned index)
{
    struct wst_context *c = work->context;
    struct worker *k = aligned_alloc(64, sizeof *k);
    if (!k) return NULL;
    memset(k, 0, sizeof *k);
    k->work = work;
    k->index = index;
    k->purse = (struct wst_budget){ZERO, SIZE_MAX};
    atomic_init(&k->used, ZERO);
    pthread_cond_init(&k->wake, NULL);
    k->bytes = malloc(BYTES);
    k->env.user = k;
    k->env.emit = worker_emit;
    k->env.behind = worker_behind;
    if (!k->bytes || !wst_kept_init(&k->told) ||
        !wst_ws_env_init(&k->env, &c->options, &k->purse)) {
        worker_free(k);
        return NULL;
    }
    k->env.inflaters.own_max = c->ws.inflaters.own_max / c->options.jobs;
    return k;
}

/* Signals are for the caller's thread. */
static bool worker_start(struct worker *k)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&k->thread, NULL, worker_run, k);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0;
}

/* As many as can be had. */
static void work_start(struct wst_work *work)
{
    const struct wst_options *o = &work->context->options;
    work->started = true;
    while (work->n < o->jobs) {
        struct worker *k = worker_new(work, work->n);
        if (!k) break;
        if (!worker_start(k)) {
            worker_free(k);
            break;
        }
        work->workers[work->n++] = k;
    }
    size_t most = o->limits.memory / 4 * 3, each = o->limits.max_message;
    each = each < most ? each + SLACK : most;
    work->calm = work->n && each <= most / work->n ? most - work->n * each : 0;
}

bool wst_work_init(struct wst_context *c)
{
    if (c->options.jobs > WST_JOBS_MAX) c->options.jobs = WST_JOBS_MAX;
    if (c->options.jobs < 2 || c->wire.on) return true;
    struct wst_work *work = calloc(1, sizeof *work);
    if (!work) return false;
    work->context = c;
    pthread_mutex_init(&work->lock, NULL);
    pthread_cond_init(&work->progress, NULL);
    c->work = work;
    return wst_kept_init(&work->own);
}

/* Threads begin with the first conversation that is for them. */
void wst_work_take(struct wst_context *c, struct conversation_ws *w)
{
    struct wst_work *work = c->work;
    if (!work || !wst_ws_may_compress(&w->ws.terms)) return;
    if (!work->started) work_start(work);
    if (work->n) w->base.worker = (uint8_t)(1 + work->next++ % work->n);
}

void wst_work_free(struct wst_context *c)
{
    struct wst_work *work = c->work;
    if (!work) return;
    for (unsigned i = 0; i < work->n; i++) {
        struct worker *k = work->workers[i];
        pthread_mutex_lock(&work->lock);
        k->stop = true;
        pthread_cond_signal(&k->wake);
        pthread_mutex_unlock(&work->lock);
        pthread_join(k->thread, NULL);
        worker_free(k);
    }
    wst_kept_free(&work->own);
    pthread_cond_destroy(&work->progress);
    pthread_mutex_destroy(&work->lock);
    free(work);
    c->work = NULL;
}
