/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: the same ones on another thread. Refuses to keep more than BATCHES batches.
 *
 * Events borrow what they point to, so all of it is copied behind them into a batch; a full batch
 * changes hands. What happens once a capture, or is longer than a batch may become, is told by the
 * first thread itself when the second has nothing left to do: so the order stays.
 *
 *     batch   | size | event | payload | size | event | uri | headers | … |
 */
#include "relay.h"

#include "processors.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCHES = 8,
    BATCH = 256 << 10,     /* bytes, as they are filled: what the second cache holds */
    BATCH_KEPT = 2 << 20,  /* bytes that one keeps when it grew for a single message */
    BATCH_MAX = 8 << 20,   /* bytes that it may grow to then */
    HEAD = WST_EVENT_ALIGN /* the size, where the event behind it is aligned */
};

struct batch {
    size_t n, room;
    uint8_t *bytes; /* owned */
};

struct wst_tool_relay {
    struct wst_tool_relay_end_point end;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct batch batches[BATCHES]; /* a ring */
    unsigned filled, told;         /* batches handed over, and told; under the lock */
    bool over;
};

/* The size and the event, with all that it points to. Returns the bytes that this takes; more than
 * `room`: nothing that could be used was written. */
static size_t pack(uint8_t *to, size_t room, const struct wst_event *e)
{
    size_t n = HEAD;

    n += room > HEAD ? wst_event_copy(to + HEAD, room - HEAD, e) : wst_event_copy(NULL, 0, e);
    if (n <= room) memcpy(to, &n, sizeof n);
    return n;
}

/* -- the second thread ------------------------------------------------------------------------- */

/* What grew for one huge message is given back: BATCHES of them would be more than any budget knows
 * of. */
static void shrink(struct batch *b)
{
    uint8_t *bytes = b->room > BATCH_KEPT ? realloc(b->bytes, BATCH) : NULL;

    if (bytes == NULL) return;
    b->bytes = bytes;
    b->room = BATCH;
}

static void tell(const struct wst_listener *to, struct batch *b)
{
    size_t size;

    for (size_t at = 0; at < b->n; at += size) {
        memcpy(&size, b->bytes + at, sizeof size);
        to->event(to->user, (struct wst_event *)(void *)(b->bytes + at + HEAD));
    }
    shrink(b);
}

static void *run(void *user)
{
    struct wst_tool_relay *r = user;

    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->told == r->filled && !r->over) pthread_cond_wait(&r->moved, &r->lock);
        if (r->told == r->filled) break;
        struct batch *b = &r->batches[r->told % BATCHES];
        pthread_mutex_unlock(&r->lock);
        tell(&r->end.to, b);
        pthread_mutex_lock(&r->lock);
        r->told++;
        pthread_cond_broadcast(&r->moved);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* -- the first --------------------------------------------------------------------------------- */

/* Hands over the batch at hand; afterwards no more than `left` wait to be told. */
static void hand_over(struct wst_tool_relay *r, unsigned left)
{
    pthread_mutex_lock(&r->lock);
    if (r->batches[r->filled % BATCHES].n) {
        r->filled++;
        pthread_cond_broadcast(&r->moved);
    }
    while (r->filled - r->told > left) pthread_cond_wait(&r->moved, &r->lock);
    pthread_mutex_unlock(&r->lock);
    r->batches[r->filled % BATCHES].n = 0;
}

/* An empty batch that holds `n` bytes; false: it cannot. */
static bool widen(struct batch *b, size_t n)
{
    if (n <= b->room) return true;
    if (n > BATCH_MAX) return false;
    free(b->bytes);
    b->bytes = malloc(n);
    b->room = b->bytes ? n : 0;
    return b->bytes != NULL;
}

/* Into the batch at hand, or the next one. */
static bool add(struct wst_tool_relay *r, const struct wst_event *e)
{
    struct batch *b = &r->batches[r->filled % BATCHES];
    size_t n = b->n < BATCH ? pack(b->bytes + b->n, b->room - b->n, e) : SIZE_MAX;

    if (n > b->room - b->n) {
        hand_over(r, BATCHES - 1);
        b = &r->batches[r->filled % BATCHES];
        n = pack(b->bytes, b->room, e);
        if (n > b->room && (!widen(b, n) || pack(b->bytes, b->room, e) > b->room)) return false;
    }
    b->n += n;
    return true;
}

static void event(void *user, const struct wst_event *e)
{
    struct wst_tool_relay *r = user;

    if (r->end.wants && !r->end.wants(r->end.to.user, e)) return;
    if (e->type != WST_EVENT_META && e->type != WST_EVENT_STATS && add(r, e)) return;
    hand_over(r, 0);
    r->end.to.event(r->end.to.user, e);
}

struct wst_listener wst_tool_relay_listener(struct wst_tool_relay *r)
{
    return (struct wst_listener){r, event, NULL};
}

static void let_go(struct wst_tool_relay *r)
{
    for (int i = 0; i < BATCHES; i++) free(r->batches[i].bytes);
    pthread_cond_destroy(&r->moved);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

struct wst_tool_relay *wst_tool_relay_begin(const struct wst_tool_relay_end_point *end)
{
    struct wst_tool_relay *r = wst_tool_processors() > 1 ? calloc(1, sizeof *r) : NULL;
    bool good = r != NULL;

    if (r == NULL) return NULL;
    r->end = *end;
    for (int i = 0; i < BATCHES; i++) good = widen(&r->batches[i], BATCH) && good;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->moved, NULL);
    if (good && pthread_create(&r->thread, NULL, run, r) == 0) return r;
    let_go(r);
    return NULL;
}

void wst_tool_relay_end(struct wst_tool_relay *r)
{
    if (r == NULL) return;
    hand_over(r, 0);
    pthread_mutex_lock(&r->lock);
    r->over = true;
    pthread_cond_broadcast(&r->moved);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    let_go(r);
}
