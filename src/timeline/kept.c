/* SPDX-License-Identifier: MIT */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 << 10, ALIGN = WST_EVENT_ALIGN };

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

bool wst_kept_init(struct wst_kept *k)
{
    memset(k, 0, sizeof *k);
    atomic_init(&k->empty, NULL);
    k->in = k->out = chunk_new(CHUNK);
    if (k->in) k->in->next = NULL;
    return k->in != NULL;
}

void wst_kept_free(struct wst_kept *k)
{
    free(atomic_load(&k->empty));
    while (k->out) {
        struct wst_kept_chunk *next = k->out->next;
        free(k->out);
        k->out = next;
    }
    k->in = NULL;
}

/* Each event has a head with its size; a head of 0 says that the next chunk goes on. */
static unsigned char *kept_room(struct wst_kept *k, size_t n)
{
    static const struct head over = {0};
    if (k->in->room - k->in_n < n) {
        struct wst_kept_chunk *c = n <= CHUNK ? atomic_exchange(&k->empty, NULL) : NULL;
        if (!c && !(c = chunk_new(n))) return NULL;
        c->next = NULL;
        if (k->in_n < k->in->room) memcpy(k->in->bytes + k->in_n, &over, sizeof over);
        k->in->next = c;
        k->in = c;
        k->in_n = 0;
    }
    return k->in->bytes + k->in_n;
}

bool wst_kept_put(struct wst_kept *k, const struct wst_event *e)
{
    struct head head = {sizeof head + wst_event_copy(NULL, 0, e)};
    unsigned char *at = kept_room(k, head.n);
    if (!at) return false;
    memcpy(at, &head, sizeof head);
    wst_event_copy(at + sizeof head, head.n - sizeof head, e);
    k->in_n += head.n;
    k->put += head.n;
    return true;
}

struct wst_event *wst_kept_take(struct wst_kept *k)
{
    struct head head = {0};
    if (k->out_n < k->out->room) memcpy(&head, k->out->bytes + k->out_n, sizeof head);
    if (!head.n) {
        struct wst_kept_chunk *next = k->out->next;
        free(k->out->room == CHUNK ? atomic_exchange(&k->empty, k->out) : k->out);
        k->out = next;
        k->out_n = 0;
        memcpy(&head, next->bytes, sizeof head);
    }
    void *event = k->out->bytes + k->out_n + sizeof head;
    k->out_n += head.n;
    k->taken += head.n;
    return event;
}
