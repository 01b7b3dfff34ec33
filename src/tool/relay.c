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
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCHES = 8,
    BATCH = 256 << 10,   /* bytes, as they are filled: what the second cache holds */
    BATCH_MAX = 8 << 20, /* bytes that one may grow to for a single message */
    ALIGN = 16
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

static size_t rounded(size_t n)
{
    return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* -- copies ------------------------------------------------------------------------------------ */

struct packer { /* counts what there is no room for */
    uint8_t *to;
    size_t n, room;
};

/* The copy; what was given, when it does not fit. */
static void *take(struct packer *k, const void *p, size_t n)
{
    size_t at = k->n;

    if (p == NULL) return NULL;
    k->n += rounded(n);
    return k->n > k->room ? (void *)p : memcpy(k->to + at, p, n);
}

static void take_slice(struct packer *k, struct wst_slice *s)
{
    s->p = take(k, s->p, s->n);
}

static void take_text(struct packer *k, const char **text)
{
    if (*text) *text = take(k, *text, strlen(*text) + 1);
}

static void take_headers(struct packer *k, const struct wst_header **list, size_t n)
{
    struct wst_header one, *copy = take(k, *list, n * sizeof *copy);

    for (size_t i = 0; i < n; i++) {
        one = (*list)[i];
        take_slice(k, &one.name);
        take_slice(k, &one.value);
        if (k->n <= k->room) copy[i] = one;
    }
    *list = copy;
}

static void take_protocols(struct packer *k, struct wst_event_handshake *h)
{
    struct wst_slice one,
        *copy = take(k, h->client_protocols, h->client_protocols_n * sizeof *copy);

    for (size_t i = 0; i < h->client_protocols_n; i++) {
        one = h->client_protocols[i];
        take_slice(k, &one);
        if (k->n <= k->room) copy[i] = one;
    }
    h->client_protocols = copy;
}

static void take_handshake(struct packer *k, struct wst_event_handshake *h)
{
    struct wst_slice *const slices[] = {
        &h->method,
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
        &h->server_extensions,
    };
    struct wst_tls_info tls;

    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) take_slice(k, slices[i]);
    take_protocols(k, h);
    take_headers(k, &h->request_headers, h->request_headers_n);
    take_headers(k, &h->response_headers, h->response_headers_n);
    if (h->tls == NULL) return;
    tls = *h->tls;
    take_text(k, &tls.version);
    take_text(k, &tls.cipher);
    take_text(k, &tls.sni);
    take_text(k, &tls.alpn);
    h->tls = take(k, &tls, sizeof tls);
}

/* Bytes of an event of each type; 0: not relayed. */
static size_t size_of(enum wst_event_type type)
{
#define UP_TO(member) (offsetof(struct wst_event, member) + sizeof((struct wst_event *)0)->member)
    switch (type) {
    case WST_EVENT_HANDSHAKE: return UP_TO(handshake);
    case WST_EVENT_FRAME: return UP_TO(frame);
    case WST_EVENT_MESSAGE: return UP_TO(message);
    case WST_EVENT_CLOSE: return UP_TO(close);
    case WST_EVENT_GAP: return UP_TO(gap);
    case WST_EVENT_PROBLEM: return UP_TO(problem);
    case WST_EVENT_END: return UP_TO(end);
    default: return 0;
    }
#undef UP_TO
}

/* Copies the event and all that it points to. Returns the bytes that this takes; more than `room`:
 * nothing that could be used was written. */
static size_t pack(uint8_t *to, size_t room, const struct wst_event *e)
{
    size_t size = size_of(e->type);
    struct packer k = {to, rounded(sizeof k.n) + rounded(size), room};
    struct wst_event *copy;

    if (k.n > room) return k.n;
    copy = memcpy(to + rounded(sizeof k.n), e, size);
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: take_handshake(&k, &copy->handshake); break;
    case WST_EVENT_FRAME: take_slice(&k, &copy->frame.payload); break;
    case WST_EVENT_MESSAGE: take_slice(&k, &copy->message.payload); break;
    case WST_EVENT_CLOSE: take_slice(&k, &copy->close.reason); break;
    case WST_EVENT_PROBLEM: take_text(&k, &copy->problem.detail); break;
    case WST_EVENT_END:
        copy->end.findings =
            take(&k, copy->end.findings, copy->end.findings_n * sizeof *copy->end.findings);
        break;
    default: break;
    }
    memcpy(to, &k.n, sizeof k.n);
    return k.n;
}

/* -- the second thread ------------------------------------------------------------------------- */

/* What grew for one message is given back: BATCHES of them would be more than any budget knows of.
 */
static void shrink(struct batch *b)
{
    uint8_t *bytes = b->room > BATCH ? realloc(b->bytes, BATCH) : NULL;

    if (bytes == NULL) return;
    b->bytes = bytes;
    b->room = BATCH;
}

static void tell(const struct wst_listener *to, struct batch *b)
{
    size_t size;

    for (size_t at = 0; at < b->n; at += size) {
        memcpy(&size, b->bytes + at, sizeof size);
        to->event(to->user, (struct wst_event *)(void *)(b->bytes + at + rounded(sizeof size)));
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
    if (size_of(e->type) && add(r, e)) return;
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
