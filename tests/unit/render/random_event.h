/* SPDX-License-Identifier: MIT
 *
 * Any event, with any bytes in every string: what a renderer must bear.
 */
#ifndef WST_TEST_RANDOM_EVENT_H
#define WST_TEST_RANDOM_EVENT_H

#include "sink.h"

/* The strings of one event; each its own allocation, so that a sanitizer sees its ends. */
struct random_event {
    struct wst_event event;
    struct wst_tls_info tls;
    struct wst_slice protocols[3];
    struct wst_header headers[3];
    const char *texts[3];
    void *blocks[64];
    size_t blocks_n;
};

static inline uint8_t *random_block(struct random_event *r, uint64_t *seed, size_t n)
{
    uint8_t *p = malloc(n ? n : 1);
    assert_non_null(p);
    assert_true(r->blocks_n < 64);
    r->blocks[r->blocks_n++] = p;
    random_bytes(seed, p, n);
    return p;
}

static inline struct wst_slice random_slice(struct random_event *r, uint64_t *seed)
{
    size_t n = random_next(seed) % 90;
    if (random_next(seed) % 8 == 0) return (struct wst_slice){NULL, 0};
    return (struct wst_slice){random_block(r, seed, n), n};
}

static inline const char *random_text(struct random_event *r, uint64_t *seed)
{
    size_t n = random_next(seed) % 60;
    uint8_t *p = random_block(r, seed, n + 1);
    for (size_t i = 0; i < n; i++)
        if (p[i] == 0) p[i] = 1;
    p[n] = 0;
    return (const char *)p;
}

static inline int64_t random_number(uint64_t *seed)
{
    return (int64_t)(random_next(seed) >> 1 >> random_next(seed) % 63);
}

static inline void random_handshake(struct random_event *r, uint64_t *seed)
{
    struct wst_event_handshake *h = &r->event.handshake;
    struct wst_slice *const strings[] = {
        &h->method,
        &h->host,
        &h->uri,
        &h->origin,
        &h->user_agent,
        &h->reason,
        &h->client_key,
        &h->server_accept,
        &h->subprotocol,
        &h->accept_expected,
        &h->client_extensions,
        &h->server_extensions,
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i] = random_slice(r, seed);
    h->carrier = (enum wst_carrier)(random_next(seed) % 4);
    r->tls = (struct wst_tls_info){random_text(r, seed), random_text(r, seed), random_text(r, seed),
                                   random_next(seed) % 2 ? random_text(r, seed) : NULL};
    h->tls = random_next(seed) % 2 ? &r->tls : NULL;
    h->tcp_stream = random_number(seed) - 1;
    h->stream_id = random_number(seed) - 1;
    memcpy(h->client_ip, "2001:db8::1", 12);
    memcpy(h->server_ip, "10.0.0.2", 9);
    h->status = (int32_t)(random_next(seed) % 700) - 1;
    h->version = (int32_t)(random_next(seed) % 15) - 1;
    h->accepted = random_next(seed) % 2;
    h->accept_ok = (int8_t)(random_next(seed) % 3) - 1;
    for (size_t i = 0; i < 3; i++) {
        r->protocols[i] = (struct wst_slice){random_block(r, seed, 5), 5};
        r->headers[i] = (struct wst_header){random_slice(r, seed), random_slice(r, seed)};
    }
    h->client_protocols = r->protocols;
    h->client_protocols_n = random_next(seed) % 4;
    h->deflate.agreed = random_next(seed) % 2;
    h->deflate.client_no_context_takeover = random_next(seed) % 2;
    h->deflate.server_no_context_takeover = random_next(seed) % 2;
    h->rtt_ns = random_number(seed) - 1;
    h->headers = random_next(seed) % 2;
    h->request_headers = h->response_headers = h->refusal = r->headers;
    h->refusal_n = random_next(seed) % 4;
    h->request_headers_n = h->response_headers_n = h->headers ? random_next(seed) % 4 : 0;
}

static inline void random_frame(struct random_event *r, uint64_t *seed)
{
    struct wst_event_frame *f = &r->event.frame;
    random_bytes(seed, f->mask_key, 4);
    f->n = (uint64_t)random_number(seed);
    f->len = random_next(seed);
    f->offset = random_next(seed);
    f->msg = random_next(seed) % 2;
    f->opcode = random_next(seed) % 16;
    f->header_len = (uint8_t)random_next(seed);
    f->fin = random_next(seed) % 2;
    f->rsv1 = random_next(seed) % 2;
    f->rsv2 = random_next(seed) % 2;
    f->rsv3 = random_next(seed) % 2;
    f->masked = random_next(seed) % 2;
    f->complete = random_next(seed) % 2;
    f->payload = random_slice(r, seed);
    f->utf8 = random_next(seed) % 2;
    f->payload_omitted = random_next(seed) % 2 ? (uint64_t)random_number(seed) : 0;
}

static inline void random_message(struct random_event *r, uint64_t *seed)
{
    struct wst_event_message *m = &r->event.message;
    m->msg = random_next(seed) % 2;
    m->opcode = (uint8_t)(1 + random_next(seed) % 2);
    m->compressed = random_next(seed) % 2;
    m->certain = random_next(seed) % 2;
    m->utf8 = random_next(seed) % 2;
    m->first_pkt = random_next(seed);
    m->frames = 1 + random_next(seed) % 2;
    m->wire_len = random_next(seed);
    m->len = random_next(seed);
    m->omitted = (uint64_t)random_number(seed);
    m->payload = random_slice(r, seed);
}

static inline void random_rest(struct random_event *r, uint64_t *seed)
{
    struct wst_event *e = &r->event;
    switch (e->type) {
    case WST_EVENT_META:
        for (int i = 0; i < 3; i++) r->texts[i] = random_text(r, seed);
        e->meta = (struct wst_event_meta){r->texts, 3, r->texts, 2, r->texts[0]};
        break;
    case WST_EVENT_CLOSE:
        e->close.code = (int32_t)(random_next(seed) % 70000) - 1;
        e->close.name = wst_close_code_name(e->close.code);
        e->close.reason = random_slice(r, seed);
        e->close.utf8 = random_next(seed) % 2;
        break;
    case WST_EVENT_GAP:
        e->gap = (struct wst_event_gap){random_next(seed), random_number(seed) - 1,
                                        random_next(seed) % 2, false};
        e->gap.least = e->gap.inexact && e->gap.bytes % 2;
        break;
    case WST_EVENT_PROBLEM:
        e->problem.problem = (enum wst_problem)(random_next(seed) % WST_PROBLEMS);
        e->problem.n = random_next(seed) % 2;
        e->problem.msg = random_next(seed) % 2;
        e->problem.detail = random_text(r, seed);
        break;
    case WST_EVENT_END:
        e->end.tcp = (enum wst_tcp_end)(random_next(seed) % 5);
        e->end.clean = random_next(seed) % 2;
        e->end.by = (enum wst_dir)((int)(random_next(seed) % 3) - 1);
        e->end.code = (int32_t)(random_next(seed) % 70000) - 1;
        e->end.duration_ns = random_number(seed);
        break;
    case WST_EVENT_STATS:
        e->stats.packets = random_next(seed);
        e->stats.connections = random_next(seed) % 2;
        e->stats.dropped = random_number(seed) - 1;
        e->stats.unknown_link = random_next(seed) % 3;
        break;
    default: break;
    }
}

static inline void random_event_make(struct random_event *r, uint64_t *seed)
{
    memset(r, 0, sizeof *r);
    r->event.type = (enum wst_event_type)(random_next(seed) % WST_EVENT_TYPES);
    r->event.nanos = random_next(seed) % 2;
    r->event.dir = (enum wst_dir)((int)(random_next(seed) % 3) - 1);
    r->event.conn = (uint64_t)random_number(seed) % 3;
    r->event.when.pkt = random_next(seed) % 4;
    r->event.when.ns = random_next(seed) % 2 ? (int64_t)random_next(seed) : 1795176001123456789;
    if (r->event.type == WST_EVENT_HANDSHAKE)
        random_handshake(r, seed);
    else if (r->event.type == WST_EVENT_FRAME)
        random_frame(r, seed);
    else if (r->event.type == WST_EVENT_MESSAGE)
        random_message(r, seed);
    else
        random_rest(r, seed);
}

static inline void random_event_free(struct random_event *r)
{
    while (r->blocks_n > 0) free(r->blocks[--r->blocks_n]);
}

#endif
