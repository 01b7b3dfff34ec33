/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: the same ones on another thread. Refuses to keep more than BATCHES batches.
 *
 * Events borrow what they point to, so frames, messages and closes are copied, with their one
 * payload behind them, into a batch; a full batch changes hands. What is rare, or too long for a
 * batch, is told by the first thread itself, once the second has nothing left to do: so the order
 * stays.
 */
#include "relay.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCHES = 8, BATCH = 256 << 10, ALIGN = 16 };

struct batch {
    size_t n;
    _Alignas(ALIGN) uint8_t bytes[BATCH];
};

struct wst_tool_relay {
    struct wst_listener to;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct batch *batches; /* a ring */
    unsigned filled, told; /* batches handed over, and told; under the lock */
    bool over;
};

/* Of each kind: where the bytes of the event end, and which payload it has. NULL: not relayed. */
static struct wst_slice *payload_of(struct wst_event *e, size_t *size)
{
    *size = 0;
    switch (e->type) {
    case WST_EVENT_FRAME:
        *size = offsetof(struct wst_event, frame) + sizeof e->frame;
        return &e->frame.payload;
    case WST_EVENT_MESSAGE:
        *size = offsetof(struct wst_event, message) + sizeof e->message;
        return &e->message.payload;
    case WST_EVENT_CLOSE:
        *size = offsetof(struct wst_event, close) + sizeof e->close;
        return &e->close.reason;
    default: return NULL;
    }
}

static size_t rounded(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* -- the second thread ------------------------------------------------------------------------- */

static void tell(const struct wst_listener *to, const struct batch *b)
{
    struct wst_event e;
    size_t size;

    for (size_t at = 0; at < b->n;) {
        memcpy(&e.type, b->bytes + at + offsetof(struct wst_event, type), sizeof e.type);
        payload_of(&e, &size);
        memcpy(&e, b->bytes + at, size);
        struct wst_slice *payload = payload_of(&e, &size);
        if (payload->p) payload->p = b->bytes + at + rounded(size);
        at += rounded(size) + rounded(payload->p ? payload->n : 0);
        to->event(to->user, &e);
    }
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
        tell(&r->to, b);
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

static void event(void *user, const struct wst_event *e)
{
    struct wst_tool_relay *r = user;
    size_t size, n;
    const struct wst_slice *payload = payload_of((struct wst_event *)e, &size); /* only looked at */
    struct batch *b = &r->batches[r->filled % BATCHES];

    n = payload ? rounded(size) + rounded(payload->p ? payload->n : 0) : 0;
    if (payload == NULL || n > BATCH) {
        hand_over(r, 0);
        r->to.event(r->to.user, e);
        return;
    }
    if (n > BATCH - b->n) {
        hand_over(r, BATCHES - 1);
        b = &r->batches[r->filled % BATCHES];
    }
    memcpy(b->bytes + b->n, e, size);
    if (payload->p && payload->n) memcpy(b->bytes + b->n + rounded(size), payload->p, payload->n);
    b->n += n;
}

struct wst_listener wst_tool_relay_listener(struct wst_tool_relay *r)
{
    return (struct wst_listener){r, event, NULL};
}

struct wst_tool_relay *wst_tool_relay_begin(const struct wst_listener *to)
{
    struct wst_tool_relay *r = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? calloc(1, sizeof *r) : NULL;

    if (r == NULL) return NULL;
    r->to = *to;
    r->batches = malloc(BATCHES * sizeof *r->batches);
    if (r->batches) {
        r->batches[0].n = 0;
        pthread_mutex_init(&r->lock, NULL);
        pthread_cond_init(&r->moved, NULL);
        if (pthread_create(&r->thread, NULL, run, r) == 0) return r;
        pthread_cond_destroy(&r->moved);
        pthread_mutex_destroy(&r->lock);
    }
    free(r->batches);
    free(r);
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
    pthread_cond_destroy(&r->moved);
    pthread_mutex_destroy(&r->lock);
    free(r->batches);
    free(r);
}
