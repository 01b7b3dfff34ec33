/* SPDX-License-Identifier: MIT
 *
 * In: a supply, read by a thread. Out: full blocks to another thread.
 * Refuses to wait busily: who finds nothing to do sleeps until half of the blocks are his.
 */
#include "pump.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { HALF = WST_PUMP_BLOCKS / 2 };

/* Blocks go round: number i is blocks[i % WST_PUMP_BLOCKS]. The first `given` have been given back,
 * `taken` were taken, `filled` were filled. */
struct wst_pump {
    struct wst_supply *supply;
    struct wst_pump_block blocks[WST_PUMP_BLOCKS];
    uint8_t *bytes; /* of all blocks */
    pthread_t thread;
    atomic_bool over; /* nobody takes any more */

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t more, room;
    uint64_t filled, taken, given;
    bool ended; /* the block filled last is the last */
    bool rests; /* the taker has the supply, or wants it … */
    bool idle;  /* … and the thread will not touch it */
};

/* ---- the pump's thread ---- */

/* A block that nobody has any more; NULL: nobody wants one. */
static struct wst_pump_block *empty_block(struct wst_pump *p)
{
    pthread_mutex_lock(&p->lock);
    bool full = p->filled - p->given == WST_PUMP_BLOCKS;
    while (!atomic_load(&p->over) && (p->rests || (full && p->filled - p->given > HALF))) {
        if (p->rests && !p->idle) {
            p->idle = true;
            pthread_cond_signal(&p->more);
        }
        pthread_cond_wait(&p->room, &p->lock);
    }
    p->idle = false;
    pthread_mutex_unlock(&p->lock);
    return atomic_load(&p->over) ? NULL : &p->blocks[p->filled % WST_PUMP_BLOCKS];
}

static void fill(struct wst_pump *p, struct wst_pump_block *b)
{
    struct wst_supply *s = p->supply;
    b->n = 0;
    while (b->n < WST_PUMP_BLOCK && !s->ended && !wst_supply_stopped(s) && !atomic_load(&p->over))
        b->n += wst_supply_read(s, b->bytes + b->n, WST_PUMP_BLOCK - b->n);
    b->consumed = s->consumed;
    b->last = b->n < WST_PUMP_BLOCK;
}

static void hand_over(struct wst_pump *p, bool last)
{
    pthread_mutex_lock(&p->lock);
    p->filled++;
    p->ended = last;
    if (p->filled - p->taken >= HALF || last) pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
}

static void *pump_thread(void *user)
{
    struct wst_pump *p = user;
    struct wst_pump_block *b;
    bool last = false;
    while (!last && (b = empty_block(p)) != NULL) {
        fill(p, b);
        last = b->last; /* once handed over it is the taker's */
        hand_over(p, last);
    }
    return NULL;
}

/* ---- the taker's ---- */

const struct wst_pump_block *wst_pump_take(struct wst_pump *p)
{
    const struct wst_pump_block *b;
    pthread_mutex_lock(&p->lock);
    if (p->filled == p->taken)
        while (p->filled - p->taken < HALF && !p->ended) pthread_cond_wait(&p->more, &p->lock);
    b = &p->blocks[p->taken++ % WST_PUMP_BLOCKS];
    pthread_mutex_unlock(&p->lock);
    return b;
}

void wst_pump_give_back(struct wst_pump *p)
{
    pthread_mutex_lock(&p->lock);
    p->given++;
    if (p->filled - p->given <= HALF) pthread_cond_signal(&p->room);
    pthread_mutex_unlock(&p->lock);
}

bool wst_pump_rest(struct wst_pump *p)
{
    bool rests;
    pthread_mutex_lock(&p->lock);
    if (!p->rests) {
        p->rests = true;
        pthread_cond_signal(&p->room);
    }
    while (p->filled == p->taken && !p->idle && !p->ended) pthread_cond_wait(&p->more, &p->lock);
    rests = p->filled == p->taken && !p->ended;
    pthread_mutex_unlock(&p->lock);
    return rests;
}

void wst_pump_go_on(struct wst_pump *p)
{
    pthread_mutex_lock(&p->lock);
    p->rests = false;
    pthread_cond_signal(&p->room);
    pthread_mutex_unlock(&p->lock);
}

/* ---- beginning and end ---- */

static void release(struct wst_pump *p)
{
    pthread_cond_destroy(&p->room);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
    free(p->bytes);
    free(p);
}

/* Signals are for the caller's thread. */
static int start(struct wst_pump *p)
{
    sigset_t all, before;
    int rc;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&p->thread, NULL, pump_thread, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

struct wst_pump *wst_pump_begin(struct wst_supply *supply)
{
    const size_t each = WST_PUMP_FRONT + WST_PUMP_BLOCK;
    struct wst_pump *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->supply = supply;
    p->bytes = malloc(WST_PUMP_BLOCKS * each);
    for (size_t i = 0; i < WST_PUMP_BLOCKS && p->bytes; i++)
        p->blocks[i].bytes = p->bytes + i * each + WST_PUMP_FRONT;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_cond_init(&p->room, NULL);
    if (p->bytes && start(p) == 0) return p;
    release(p);
    return NULL;
}

void wst_pump_end(struct wst_pump *p)
{
    if (!p) return;
    atomic_store(&p->over, true);
    pthread_mutex_lock(&p->lock);
    pthread_cond_signal(&p->room);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    release(p);
}
