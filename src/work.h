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
    WST_WORK_OPS = 512,       /* operations of one thread under way, when none are batched */
    WST_WORK_ORDER = 1 << 17, /* operations under way of all workers, and events between them */
    WST_WORK_BYTES = 4 << 20, /* bytes of operations under way, of one worker */
    /* Bytes of events that wait for their turn: of all workers, but of each at least so many. */
    WST_WORK_TOLD_MAX = 16 << 20,
    WST_WORK_TOLD_MIN = 4 << 20,
    WST_WORK_ROUND = 2048,    /* operations after which it is asked again what pays */
    WST_WORK_WAKE_AT = 16,    /* operations for which it is worth waking a thread */
    WST_WORK_AWAIT_PART = 4,  /* who must wait waits for one part in so many of what is under way */
    WST_WORK_LOOK_EACH = 32,  /* operations after which it is looked for what can be told */
    WST_WORK_OWN = UINT8_MAX, /* in wst_work.order: an event of the caller's thread */
    /* Bytes that a conversation may come to hold beside buffers that grow with what is pushed: four
     * histories, marks, windows, pings. */
    WST_WORK_GROWS = 256 << 10,
    WST_WORK_SLACK = 4 << 20 /* bytes that one message may take beside the room for it */
};
/* Where a worker's purse begins to count: it may give back what another one took, and must not come
 * below 0. */
#define WST_WORK_ZERO (SIZE_MAX / 2)

enum wst_op_what {
    WST_WORK_PUSH,
    WST_WORK_GAP,
    WST_WORK_FIN,
    WST_WORK_END,
    WST_WORK_JOIN,
    WST_WORK_FREE
};

/* One call of the ws room, to be made later. It is filled by the caller's thread, and from
 * wst_worker.issued on its worker's; from wst_worker.done on it is the caller's again, to be told.
 * "Under way" is what lies between being given and being told. */
struct wst_op {
    struct conversation_ws *w;
    struct wst_arrival arrival;
    struct wst_slice bytes; /* PUSH: a copy, in wst_worker.bytes or, with `owned`, by malloc */
    uint64_t n;             /* GAP: bytes missing */
    struct wst_seek *seek;  /* JOIN: taken over by the ws room */
    size_t bytes_end;       /* wst_worker.bytes_in behind its bytes */
    size_t bound;           /* bytes it may add to the memory held, at most (work_memory.c) */
    /* Operations of the worker since the one before of the same conversation; 0: that one is told.
     */
    uint32_t since;
    uint8_t what;    /* enum wst_op_what */
    uint8_t dir;     /* enum wst_dir; not of END and FREE */
    uint8_t how;     /* GAP: enum wst_ws_missing; END: enum wst_tcp_end */
    int8_t by;       /* enum wst_dir; FIN: whose came first; END: who ended TLS first */
    int8_t reset_by; /* END: enum wst_dir */
    bool flag;       /* END: obscure */
    bool nanos;      /* as the timeline's when it was given: of the capture */
    bool owned;
    struct wst_ws_place place[2]; /* of each direction when it was given, for the flow goes on */
    /* What the worker fills in: */
    bool done;     /* else it comes to its turn undone: too much was kept before it */
    bool last;     /* of a batch: when this one is told, all of the batch is */
    uint32_t next; /* operations to the next one of its conversation in the batch; 0: none */
    uint32_t told; /* how many events it told … */
    struct wst_kept_place from; /* … and where they begin */
    struct wst_kept_place upto; /* of the last: where the events of the batch end */
    struct wst_ws_held held;    /* of the conversation, behind it */
};

/* Its fields stand in groups by who may touch them while its thread runs. Without a thread of its
 * own the caller's thread is both. */
struct wst_worker {
    struct wst_work *work;
    struct wst_ws_env env;
    struct wst_budget purse;
    struct wst_kept told;
    pthread_t thread;
    pthread_cond_t wake;
    unsigned index;
    /* The worker's. */
    uint64_t mine;      /* operations done, and all before them */
    uint64_t ahead;     /* bytes of events told by operations done before their turn */
    struct wst_trial trial; /* a thread's: do batches pay? */
    uint32_t round;         /* operations in it … */
    uint64_t round_bytes;   /* … and their bytes */
    uint32_t op_events; /* of the one being done */
    const struct wst_ws_place *place; /* of the one being done, as it was given; NULL: as it is */
    bool at_once; /* what it says is told, not kept; changes only when nothing is under way */
    bool stop;    /* under wst_work.lock: the thread is to end */
    atomic_bool sleeping; /* it has nothing to do, and waits for `wake` */
    atomic_bool stuffed;  /* what it told is not taken, and it waits for `wake` */
    /* Each written by one of the two, read by the other. */
    _Alignas(64) atomic_uint_fast64_t issued; /* operations given to it */
    _Alignas(64) atomic_uint_fast64_t done;
    atomic_size_t used;         /* its purse after the last of them */
    atomic_uint_fast64_t taken; /* bytes of events told */
    /* The caller's thread's. Counts of operations: issued; known to be done; told. */
    _Alignas(64) uint64_t given, seen, told_ops;
    size_t bytes_in, bytes_out; /* of `bytes`, counted on and on: used so far; free again so far */
    uint8_t *bytes;             /* a ring of WST_WORK_BYTES for what operations carry */
    struct wst_op *ops;         /* a ring of wst_work.ring; number i is wst_worker_op(k, i) */
};

/* All of it is the caller's thread's but `lock`, `progress`, `awaited` and `until`, and what does
 * not change while workers run: threads, batch, ring, told_max. */
struct wst_work {
    struct wst_context *context;
    unsigned n, planned; /* workers: that there are; that there shall be */
    unsigned next;       /* counts on: whose the next conversation is, modulo n */
    bool threads;    /* … of their own; else the caller's does the one worker's operations */
    bool alone;      /* nothing is given away: memory is short, or it does not pay */
    bool pays;       /* without threads: operations are batched, for that pays */
    uint32_t batch;  /* operations done together at most; 1: each in its turn */
    uint32_t most;   /* operations of one worker that are not told yet */
    uint32_t ring;   /* places for them: a power of two */
    size_t told_max; /* bytes of events of one worker that wait */
    size_t message;  /* bytes that the buffer of one message may take: it doubles until then */
    size_t calm;     /* memory up to which nothing can depend on the budget */
    size_t pending;  /* what the operations under way may add */
    /* Of the round under way (work.c): operations, conversations they touched, events of the
     * caller's thread, bytes of operations. */
    uint32_t round, round_conns, round_own;
    uint64_t round_bytes;
    bool trying; /* rounds may be batched: `trial` is under way */
    struct wst_trial trial;
    struct wst_kept own;                    /* events of the caller's thread that wait */
    /* Whose turn it is: a ring of worker indices and WST_WORK_OWN, in the order of the capture.
     * What was put in and not taken out is under way. */
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
/* Gives it a thread of its own. False: there is none to be had. */
bool wst_worker_start(struct wst_worker *k);
/* Ends that thread, when it has done all it was given. */
void wst_worker_stop(struct wst_worker *k);
/* Wakes it, if it sleeps. */
void wst_worker_wake(struct wst_worker *k);
/* Without a thread: what waits for it is done, in the order that is best. */
void wst_worker_catch_up(struct wst_worker *k);
/* Now, and what it says is told at once. */
void wst_worker_do_now(struct wst_worker *k, struct wst_op *o);
/* Makes the call that the operation stands for. */
void wst_op_do(struct wst_ws_env *env, const struct wst_op *o);

/* work_order.c */
/* Tells what has its turn and is done; waits for nothing. */
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
