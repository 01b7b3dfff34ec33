/* SPDX-License-Identifier: MIT */
#include "kept.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 << 10, ALIGN = 16 };

struct wst_kept_chunk {
    struct wst_kept_chunk *next;
    size_t room; /* a multiple of ALIGN, as is every size below */
    _Alignas(ALIGN) unsigned char bytes[];
};

struct head {                 /* before each event */
    _Alignas(ALIGN) size_t n; /* bytes, the head and all the event points to included */
};

/* A place in the copy: first all are counted, then all are filled. */
struct place {
    unsigned char *at; /* NULL: count only */
    size_t n;
};

static void *place_copy(struct place *p, const void *from, size_t n)
{
    unsigned char *to = p->at ? p->at + p->n : NULL;
    if (to && n) memcpy(to, from, n);
    p->n += n;
    return to;
}

static void place_align(struct place *p)
{
    p->n = (p->n + ALIGN - 1) / ALIGN * ALIGN;
}

static void keep_slice(struct place *p, struct wst_slice *s)
{
    if (!s->p) return;
    const uint8_t *copy = place_copy(p, s->p, s->n);
    if (copy) s->p = copy;
}

static void keep_text(struct place *p, const char **text)
{
    if (!*text) return;
    const char *copy = place_copy(p, *text, strlen(*text) + 1);
    if (copy) *text = copy;
}

static void keep_headers(struct place *p, const struct wst_header **list, size_t n)
{
    if (!*list) return;
    place_align(p);
    struct wst_header *copy = place_copy(p, *list, n * sizeof **list);
    for (size_t i = 0; i < n; i++) {
        struct wst_header one = (*list)[i];
        keep_slice(p, &one.name);
        keep_slice(p, &one.value);
        if (copy) copy[i] = one;
    }
    if (copy) *list = copy;
}

static void keep_tls(struct place *p, const struct wst_tls_info **tls)
{
    if (!*tls) return;
    struct wst_tls_info one = **tls;
    place_align(p);
    struct wst_tls_info *copy = place_copy(p, &one, sizeof one);
    keep_text(p, &one.version);
    keep_text(p, &one.cipher);
    keep_text(p, &one.sni);
    keep_text(p, &one.alpn);
    if (!copy) return;
    *copy = one;
    *tls = copy;
}

static void keep_handshake(struct place *p, struct wst_event_handshake *h)
{
    struct wst_slice *const slices[] = {&h->method,
                                        &h->host,
                                        &h->uri,
                                        &h->origin,
                                        &h->user_agent,
                                        &h->reason,
                                        &h->client_key,
                                        &h->server_accept,
                                        &h->accept_expected,
                                        &h->subprotocol,
                                        &h->client_extensions,
                                        &h->server_extensions};
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) keep_slice(p, slices[i]);
    keep_tls(p, &h->tls);
    if (h->client_protocols) {
        place_align(p);
        struct wst_slice *copy =
            place_copy(p, h->client_protocols, h->client_protocols_n * sizeof *h->client_protocols);
        for (size_t i = 0; i < h->client_protocols_n; i++) {
            struct wst_slice one = h->client_protocols[i];
            keep_slice(p, &one);
            if (copy) copy[i] = one;
        }
        if (copy) h->client_protocols = copy;
    }
    keep_headers(p, &h->request_headers, h->request_headers_n);
    keep_headers(p, &h->response_headers, h->response_headers_n);
}

/* What the event points to. */
static void keep_rest(struct place *p, struct wst_event *e)
{
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: keep_handshake(p, &e->handshake); break;
    case WST_EVENT_FRAME: keep_slice(p, &e->frame.payload); break;
    case WST_EVENT_MESSAGE: keep_slice(p, &e->message.payload); break;
    case WST_EVENT_CLOSE: keep_slice(p, &e->close.reason); break; /* the name is a registry's */
    case WST_EVENT_PROBLEM: keep_text(p, &e->problem.detail); break;
    default: break;
    }
}

/* Bytes of an event of its type: most are much smaller than the largest. */
static size_t keep_size(const struct wst_event *e)
{
    switch (e->type) {
    case WST_EVENT_FRAME: return offsetof(struct wst_event, frame) + sizeof e->frame;
    case WST_EVENT_MESSAGE: return offsetof(struct wst_event, message) + sizeof e->message;
    case WST_EVENT_CLOSE: return offsetof(struct wst_event, close) + sizeof e->close;
    case WST_EVENT_GAP: return offsetof(struct wst_event, gap) + sizeof e->gap;
    case WST_EVENT_PROBLEM: return offsetof(struct wst_event, problem) + sizeof e->problem;
    default: return sizeof *e;
    }
}

/* -- chunks
 * ----------------------------------------------------------------------------------------
 */

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
    struct wst_event copy;
    struct head head;
    size_t size = keep_size(e);
    struct place place = {NULL, sizeof head + size};
    memcpy(&copy, e, size);
    keep_rest(&place, &copy);
    place_align(&place);
    head.n = place.n;
    if (!(place.at = kept_room(k, head.n))) return false;
    place.n = sizeof head + size;
    keep_rest(&place, &copy);
    memcpy(place.at, &head, sizeof head);
    memcpy(place.at + sizeof head, &copy, size);
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
