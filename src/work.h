/* SPDX-License-Identifier: MIT
 *
 * Inside work.c and its neighbours: operations on conversations that may carry compressed messages,
 * who does them, and the order in which what they say is told.
 *
 *   work.c         gives operations away; beginning and end
 *   worker.c       does them
 *   work_order.c   tells what they said, in the order of the capture
 *   work_memory.c  how much may be under way without anything depending on it
 */
#ifndef WST_WORK_H
#define WST_WORK_H

#include <pthread.h>
#include <stdatomic.h>

#include "pipeline.h"
#include "timeline/kept.h"
#include "trial.h"

enum {
    WST_WORK_OPS = 512,           /* of one thread, not told yet, when none are batched */
    WST_WORK_ORDER = 1 << 17,     /* of all workers, and events between them */
    WST_WORK_BYTES = 4 << 20,     /* that wait for one worker */
    WST_WORK_TOLD_MAX = 16 << 20, /* bytes of events that wait for their turn, of all workers … */
    WST_WORK_TOLD_MIN = 4 << 20,  /* … but of each at least */
    WST_WORK_ROUND = 2048,        /* operations after which it is asked what pays */
    WST_WORK_WAKE_AT = 16,        /* operations worth waking somebody for */
    WST_WORK_AWAIT_PART = 4,      /* of what is under way that part is waited for */
    WST_WORK_LOOK_EACH = 32,      /* operations after which it is looked for what can be told */
    WST_WORK_OWN = UINT8_MAX,     /* in the order: an event of the caller's thread */
    WST_WORK_GROWS = 256 << 10,   /* what a conversation may add but bytes, whatever is done to it:
                                   * four histories, marks, windows, pings */
    WST_WORK_SLACK = 4 << 20      /* what one message may take beside the room for it */
};
#define WST_WORK_ZERO \
    (SIZE_MAX / 2) /* a worker's purse begins here: it may give what others took */

enum wst_op_what {
    WST_WORK_PUSH,
    WST_WORK_GAP,
    WST_WORK_FIN,
    WST_WORK_END,
    WST_WORK_JOIN,
    WST_WORK_FREE
};

struct wst_op {
    struct conversation_ws *w;
    struct wst_arrival arrival;
    struct wst_slice bytes;
    uint64_t n;
    struct wst_seek *seek;
    size_t bytes_end; /* where the next bytes may lie */
    size_t bound;     /* what it may add to the memory held */
    uint32_t since; /* operations since the one before of the same conversation; 0: that is told */
    uint8_t what, dir, how;
    int8_t by;       /* FIN: whose came first */
    int8_t reset_by; /* END: enum wst_dir */
    bool flag;      /* END: obscure */
    bool nanos;     /* of the capture */
    bool owned;     /* bytes are by malloc */
    struct wst_ws_place place[2]; /* of each direction */
    /* what the worker says */
    bool done, last; /* last: of those that were done out of their order */
    uint32_t next;   /* operations to the next one of the same conversation in the batch; 0: none */
    uint32_t told;   /* events … */
    struct wst_kept_place from, upto; /* … that begin here; last: where all of them end */
    struct wst_ws_held held;
};

struct wst_worker {
    struct wst_work *work;
    struct wst_ws_env env;
    struct wst_budget purse;
    struct wst_kept told;
    pthread_t thread;
    pthread_cond_t wake;
    unsigned index;
    uint64_t mine;      /* operations done, all before it too; the worker's */
    uint64_t ahead;     /* bytes of events told by operations done before their turn */
    struct wst_trial trial; /* a thread's: do batches pay? */
    uint32_t round;         /* operations in it … */
    uint64_t round_bytes;   /* … and their bytes */
    uint32_t op_events; /* of the one being done */
    const struct wst_ws_place *place; /* of the one being done, as it was given; NULL: as it is */
    bool at_once;       /* what it says is told, not kept */
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
    struct wst_op *ops;
};

struct wst_work {
    struct wst_context *context;
    unsigned n, planned, next; /* workers; next: of them, for the next conversation */
    bool threads;    /* … of their own; else the caller's does the one worker's operations */
    bool alone;      /* nothing is given away: memory is short, or it does not pay */
    bool pays;       /* to batch, when there are no threads */
    uint32_t batch;  /* operations done together at most; 1: each in its turn */
    uint32_t most;   /* operations of one worker that are not told yet */
    uint32_t ring;   /* places for them: a power of two */
    size_t told_max; /* bytes of events of one worker that wait */
    size_t message;  /* what the bytes of one may take: its buffer doubles */
    size_t calm;     /* memory up to which nothing can depend on the budget */
    size_t pending;  /* what the operations under way may add */
    uint32_t round, round_conns, round_own; /* operations, conversations, own events in it */
    uint64_t round_bytes;                   /* … and of those that came */
    bool trying;                            /* rounds may be batched: `trial` is under way */
    struct wst_trial trial;
    struct wst_kept own;                    /* events of the caller's thread that wait */
    uint64_t order_in, order_out;
    uint8_t order[WST_WORK_ORDER];
    pthread_mutex_t lock;
    pthread_cond_t progress;
    atomic_uint_fast64_t awaited; /* worker index + 1, that the caller's thread waits for */
    atomic_uint_fast64_t until;   /* … to have done so many */
    struct wst_worker *workers[WST_JOBS_MAX];
};

static inline struct wst_op *wst_worker_op(const struct wst_worker *k, uint64_t number)
{
    return &k->ops[number & (k->work->ring - 1)];
}

/* worker.c */
struct wst_worker *wst_worker_new(struct wst_work *work, unsigned index); /* NULL: no memory */
void wst_worker_free(struct wst_worker *k);
bool wst_worker_start(struct wst_worker *k); /* a thread of its own */
void wst_worker_stop(struct wst_worker *k);
void wst_worker_wake(struct wst_worker *k);
/* Without a thread: what waits for it is done, in the order that is best. */
void wst_worker_catch_up(struct wst_worker *k);
/* Now, and what it says is told at once. */
void wst_worker_do_now(struct wst_worker *k, struct wst_op *o);
void wst_op_do(struct wst_ws_env *env, const struct wst_op *o);

/* work_order.c */
void wst_work_tell_ready(struct wst_work *work);
/* Waits for whatever has its turn, and tells it. */
void wst_work_tell_next(struct wst_work *work);

/* work_memory.c */
/* Whether an operation (NULL: a packet) cannot bring the memory held near the budget. Waits until
 * that is so, or until it is sure that it is not. */
bool wst_work_calm(struct wst_work *work, struct wst_op *o);
/* Before a packet, which may add to what the caller's thread holds. */
void wst_work_look_at_memory(struct wst_work *work);
/* From now on this thread does all, and there is one purse. Nothing may be under way. */
void wst_work_alone(struct wst_work *work);
/* How many operations ago the conversation's last one that is under way was given; 0: none is. */
uint32_t wst_work_since(const struct wst_worker *k, const struct conversation_ws *w);

#endif
