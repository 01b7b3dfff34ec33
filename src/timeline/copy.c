/* SPDX-License-Identifier: MIT
 *
 *     | event | array of headers | name, value, … | text NUL | …   arrays at multiples of 16
 *
 * One walk both counts and copies: what finds no room is only counted.
 */
#include <stddef.h>
#include <string.h>
#include <wstrace/event.h>

enum { ALIGN = WST_EVENT_ALIGN };

struct place {
    uint8_t *to;
    size_t n, room;
};

static size_t rounded(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* The copy; what was given, when there is no room for it. */
static void *put(struct place *p, const void *from, size_t n)
{
    size_t at = p->n;
    if (!from) return NULL;
    p->n += n;
    if (p->n > p->room) return (void *)(uintptr_t)from;
    return memcpy(p->to + at, from, n);
}

static void *put_array(struct place *p, const void *from, size_t n, size_t size)
{
    p->n = rounded(p->n);
    return put(p, from, n * size);
}

static void put_slice(struct place *p, struct wst_slice *s)
{
    s->p = put(p, s->p, s->n);
}

static void put_text(struct place *p, const char **text)
{
    if (*text) *text = put(p, *text, strlen(*text) + 1);
}

static const struct wst_header *put_headers(struct place *p, const struct wst_header *list,
                                            size_t n)
{
    struct wst_header *copy = put_array(p, list, n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        struct wst_header one = list[i];
        put_slice(p, &one.name);
        put_slice(p, &one.value);
        if (p->n <= p->room) copy[i] = one;
    }
    return copy;
}

static const struct wst_slice *put_slices(struct place *p, const struct wst_slice *list, size_t n)
{
    struct wst_slice *copy = put_array(p, list, n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        struct wst_slice one = list[i];
        put_slice(p, &one);
        if (p->n <= p->room) copy[i] = one;
    }
    return copy;
}

static const struct wst_tls_info *put_tls(struct place *p, const struct wst_tls_info *tls)
{
    if (!tls) return NULL;
    struct wst_tls_info one = *tls, *copy = put_array(p, tls, 1, sizeof *tls);
    put_text(p, &one.version);
    put_text(p, &one.cipher);
    put_text(p, &one.sni);
    put_text(p, &one.alpn);
    if (p->n <= p->room) *copy = one;
    return copy;
}

static void put_handshake(struct place *p, struct wst_event_handshake *h)
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
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) put_slice(p, slices[i]);
    h->tls = put_tls(p, h->tls);
    h->client_protocols = put_slices(p, h->client_protocols, h->client_protocols_n);
    h->refusal = put_headers(p, h->refusal, h->refusal_n);
    h->request_headers = put_headers(p, h->request_headers, h->request_headers_n);
    h->response_headers = put_headers(p, h->response_headers, h->response_headers_n);
}

/* Bytes of an event of each type: most are much smaller than the largest. */
static size_t own_size(enum wst_event_type type)
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

size_t wst_event_copy(void *to, size_t room, const struct wst_event *e)
{
    size_t size = own_size(e->type);
    struct place p = {to, size, room};
    struct wst_event counted, *copy = size <= room ? to : &counted;
    if (!size) return 0;
    memcpy(copy, e, size);
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: put_handshake(&p, &copy->handshake); break;
    case WST_EVENT_FRAME: put_slice(&p, &copy->frame.payload); break;
    case WST_EVENT_MESSAGE:
        copy->message.app = NULL;
        put_slice(&p, &copy->message.payload);
        put_slice(&p, &copy->message.sketch);
        break;
    case WST_EVENT_CLOSE: put_slice(&p, &copy->close.reason); break;
    case WST_EVENT_PROBLEM: put_text(&p, &copy->problem.detail); break;
    case WST_EVENT_END:
        copy->end.app = NULL;
        copy->end.findings =
            put_array(&p, copy->end.findings, copy->end.findings_n, sizeof *copy->end.findings);
        break;
    default: break;
    }
    return rounded(p.n);
}
