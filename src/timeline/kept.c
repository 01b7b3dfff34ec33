/* SPDX-License-Identifier: MIT */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 64 << 10,
    LARGE = 9 << 20, /* one of up to so many bytes is kept: fresh pages cost more than copying */
    ALIGN = WST_EVENT_ALIGN
};

struct wst_kept_chunk {
    struct wst_kept_chunk *next;
    size_t room; /* a multiple of ALIGN, as is every size below */
    _Alignas(ALIGN) unsigned char bytes[];
};

struct head {                 /* before each event */
    _Alignas(ALIGN) size_t n; /* bytes, the head and all the event points to included */
};

static struct wst_kept_chunk *chunk_new(size_t room)
{
    if (room < CHUNK) room = CHUNK;
    if (room > SIZE_MAX / 2) return NULL;
    struct wst_kept_chunk *c = aligned_alloc(ALIGN, sizeof *c + room);
    if (!c) return NULL;
    c->room = room;
    return c;
}

/* Only the thread that puts in takes an empty one, so none comes back while it looks. */
static struct wst_kept_chunk *chunk_again(struct wst_kept *k)
{
    struct wst_kept_chunk *c = atomic_load(&k->empty);
    while (c && !atomic_compare_exchange_weak(&k->empty, &c, c->next)) {
    }
    return c;
}

/* The one for a large event that is kept, if it has the room and not much more. */
static struct wst_kept_chunk *chunk_large(struct wst_kept *k, size_t n)
{
    struct wst_kept_chunk *c = atomic_exchange(&k->large, NULL);
    if (c && c->room >= n && c->room / 2 <= n) return c;
    free(c);
    return NULL;
}

static void chunk_over(struct wst_kept *k, struct wst_kept_chunk *c)
{
    if (c->room != CHUNK) {
        free(c->room <= LARGE ? atomic_exchange(&k->large, c) : c);
        return;
    }
    c->next = atomic_load(&k->empty);
    while (!atomic_compare_exchange_weak(&k->empty, &c->next, c)) {
    }
}

bool wst_kept_init(struct wst_kept *k)
{
    memset(k, 0, sizeof *k);
    atomic_init(&k->empty, NULL);
    atomic_init(&k->large, NULL);
    k->in.chunk = k->out.chunk = k->oldest = chunk_new(CHUNK);
    if (k->oldest) k->oldest->next = NULL;
    return k->oldest != NULL;
}

static void chunks_free(struct wst_kept_chunk *c)
{
    while (c) {
        struct wst_kept_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void wst_kept_free(struct wst_kept *k)
{
    chunks_free(atomic_load(&k->empty));
    free(atomic_load(&k->large));
    chunks_free(k->oldest);
    memset(k, 0, sizeof *k);
}

/* Each event has a head with its size; a head of 0 says that the next chunk goes on. */
static unsigned char *kept_room(struct wst_kept *k, size_t n)
{
    static const struct head over = {0};
    struct wst_kept_chunk *in = k->in.chunk;
    if (in->room - k->in.n < n) {
        struct wst_kept_chunk *c = n > CHUNK ? chunk_large(k, n) : chunk_again(k);
        if (!c && !(c = chunk_new(n))) return NULL;
        c->next = NULL;
        if (k->in.n < in->room) memcpy(in->bytes + k->in.n, &over, sizeof over);
        in->next = c;
        k->in = (struct wst_kept_place){c, 0};
    }
    return k->in.chunk->bytes + k->in.n;
}

bool wst_kept_put(struct wst_kept *k, const struct wst_event *e)
{
    struct head head = {sizeof head + wst_event_copy(NULL, 0, e)};
    unsigned char *at = kept_room(k, head.n);
    if (!at) return false;
    memcpy(at, &head, sizeof head);
    wst_event_copy(at + sizeof head, head.n - sizeof head, e);
    k->in.n += head.n;
    k->put += head.n;
    return true;
}

struct wst_event *wst_kept_take(struct wst_kept *k)
{
    struct head head = {0};
    if (k->out.n < k->out.chunk->room) memcpy(&head, k->out.chunk->bytes + k->out.n, sizeof head);
    if (!head.n) {
        k->out = (struct wst_kept_place){k->out.chunk->next, 0};
        memcpy(&head, k->out.chunk->bytes, sizeof head);
    }
    void *event = k->out.chunk->bytes + k->out.n + sizeof head;
    k->out.n += head.n;
    k->taken += head.n;
    return event;
}

void wst_kept_drop(struct wst_kept *k, struct wst_kept_place place)
{
    while (k->oldest != place.chunk) {
        struct wst_kept_chunk *next = k->oldest->next;
        chunk_over(k, k->oldest);
        k->oldest = next;
    }
}
