/* SPDX-License-Identifier: MIT
 *
 * Hand-made TCP conversations, packet by packet, through the public door.
 */
#ifndef WST_TEST_PIPELINE_FLOWS_H
#define WST_TEST_PIPELINE_FLOWS_H

#include <stdio.h>
#include <wstrace/wstrace.h>

#include "guard.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { RAW = 101 }; /* LINKTYPE_RAW: begins with the IP header */

struct packets { /* a capture in memory */
    struct {
        uint8_t *p;
        size_t n;
    } * all;
    size_t n, room;
};

struct tcp { /* one conversation that writes packets */
    struct packets *to;
    uint32_t seq[2];
    uint16_t port; /* of the client */
};

static inline void tcp_open(struct tcp *t, struct packets *to, uint16_t port)
{
    *t = (struct tcp){to, {0x10000000u + port, 0xfffff000u}, port};
}

static inline void tcp_packet(struct tcp *t, int server, unsigned flags, const void *p, size_t n)
{
    size_t size = 40 + n;
    uint8_t *b = calloc(1, size);
    uint16_t ports[2] = {t->port, 8080};
    assert_true(b && size < 65536);
    b[0] = 0x45;
    b[2] = (uint8_t)(size >> 8);
    b[3] = (uint8_t)size;
    b[4] = (uint8_t)(t->to->n >> 8); /* another identification for each */
    b[5] = (uint8_t)(t->to->n + 1);
    b[8] = 64;
    b[9] = 6;
    memcpy(b + 12, server ? "\x0a\0\0\2\x0a\0\0\1" : "\x0a\0\0\1\x0a\0\0\2", 8);
    for (int i = 0; i < 2; i++) {
        uint16_t port = ports[server ? !i : i];
        b[20 + 2 * i] = (uint8_t)(port >> 8);
        b[21 + 2 * i] = (uint8_t)port;
    }
    uint32_t words[2] = {t->seq[server], t->seq[!server]};
    for (int w = 0; w < 2; w++)
        for (int i = 0; i < 4; i++) b[24 + 4 * w + i] = (uint8_t)(words[w] >> (24 - 8 * i));
    b[32] = 0x50;
    b[33] = (uint8_t)flags;
    b[34] = 0xff;
    if (n) memcpy(b + 40, p, n);
    t->seq[server] += (uint32_t)n + (flags & (SYN | FIN) ? 1 : 0);
    struct packets *to = t->to;
    if (to->n == to->room) {
        to->room = to->room ? 2 * to->room : 64;
        to->all = realloc(to->all, to->room * sizeof *to->all);
        assert_non_null(to->all);
    }
    to->all[to->n].p = b;
    to->all[to->n++].n = size;
}
/* They were captured the other way round. */
static inline void packets_swap(struct packets *k, size_t a, size_t b)
{
    uint8_t *p = k->all[a].p;
    size_t n = k->all[a].n;
    k->all[a] = k->all[b];
    k->all[b].p = p;
    k->all[b].n = n;
}
static inline void tcp_data(struct tcp *t, int server, const void *p, size_t n)
{
    const uint8_t *at = p;
    for (size_t k; n; n -= k, at += k) {
        k = n < 60000 ? n : 60000;
        tcp_packet(t, server, ACK | PSH, at, k);
    }
}
static inline void tcp_syn(struct tcp *t)
{
    uint32_t server = t->seq[1];
    t->seq[1] = 0;
    tcp_packet(t, 0, SYN, NULL, 0);
    t->seq[1] = server;
    tcp_packet(t, 1, SYN | ACK, NULL, 0);
    tcp_packet(t, 0, ACK, NULL, 0);
}
static inline void tcp_fin(struct tcp *t)
{
    tcp_packet(t, 0, FIN | ACK, NULL, 0);
    tcp_packet(t, 1, FIN | ACK, NULL, 0);
    tcp_packet(t, 0, ACK, NULL, 0);
}

static inline void packets_free(struct packets *k)
{
    for (size_t i = 0; i < k->n; i++) free(k->all[i].p);
    free(k->all);
    *k = (struct packets){0};
}

/* `memory`: 0 for the usual. */
static inline struct wst_context *context_open_in(struct wst_listener listener, size_t memory)
{
    static const char *const sources[] = {"made up"};
    struct wst_options options;
    struct wst_event_meta meta = {.sources = sources, .sources_n = 1};
    wst_options_init(&options);
    if (memory) options.limits.memory = memory;
    options.hash_seed[0] = 1;
    struct wst_context *c = wst_context_new(&options, &listener);
    assert_non_null(c);
    wst_context_begin(c, &meta);
    return c;
}
static inline struct wst_context *context_open(struct wst_listener listener)
{
    return context_open_in(listener, 0);
}
/* Packet i of the capture, numbered as it stands there; `ns` after it began. */
static inline void context_feed_at(struct wst_context *c, const struct packets *k, size_t i,
                                   int64_t ns)
{
    struct wst_packet packet = {.data = {k->all[i].p, k->all[i].n},
                                .wire_len = (uint32_t)k->all[i].n,
                                .link_type = RAW,
                                .when = {i + 1, 1700000000000000000 + ns}};
    wst_context_packet(c, &packet);
}
/* … and timed. */
static inline void context_feed(struct wst_context *c, const struct packets *k, size_t i)
{
    context_feed_at(c, k, i, (int64_t)i * 1000000);
}
static inline void context_close(struct wst_context *c)
{
    wst_context_finish(c, NULL);
    wst_context_free(c);
}

/* A frame at `p`; returns its size. */
static inline size_t put_frame(uint8_t *p, unsigned first, bool masked, uint64_t *seed,
                               const void *payload, size_t n)
{
    size_t k = 2;
    uint8_t key[4];
    p[0] = (uint8_t)first;
    p[1] = (uint8_t)(n < 126 ? n : n < 65536 ? 126 : 127);
    if (n >= 126 && n < 65536) {
        p[k++] = (uint8_t)(n >> 8);
        p[k++] = (uint8_t)n;
    } else if (n >= 65536) {
        for (int i = 0; i < 8; i++) p[k++] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    }
    if (masked) {
        p[1] |= 0x80;
        rnd_fill(seed, key, 4);
        memcpy(p + k, key, 4);
        k += 4;
    }
    for (size_t i = 0; i < n; i++)
        p[k + i] = ((const uint8_t *)payload)[i] ^ (masked ? key[i & 3] : 0);
    return k + n;
}

static inline void send_text(struct tcp *t, int server, const char *text)
{
    static uint64_t seed = 5;
    uint8_t frame[2000];
    tcp_data(t, server, frame, put_frame(frame, 0x81, !server, &seed, text, strlen(text)));
}
/* What the listener is told of packets `from` on; they are freed. */
static inline void packets_play(struct packets *k, size_t from, struct wst_listener listener)
{
    struct wst_context *c = context_open(listener);
    for (size_t i = from; i < k->n; i++) context_feed(c, k, i);
    context_close(c);
    packets_free(k);
}

#define REQUEST                                                                      \
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define ANSWER                                                                          \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

#endif
