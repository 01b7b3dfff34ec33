/* SPDX-License-Identifier: MIT
 *
 * Packets built from the inside out: begin with TCP and put one header after another before it.
 * Each header takes its lengths and checksums from what is already there.
 */
#ifndef WST_TEST_NET_BUILD_H
#define WST_TEST_NET_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/walk.h"
#include "same.h"

enum { BUILD_ROOM = 300000 };

struct build {
    size_t at;  /* the packet is room[at .. BUILD_ROOM) */
    bool reply; /* addresses and ports swapped, and whatever else a real answer changes */
    uint8_t room[BUILD_ROOM];
};

static const char *const build_text = "GET /chat HTTP/1.1\r\n";
enum { BUILD_SEQ = 0xfedcba98, BUILD_ACK = 0x01020304, BUILD_CLIENT = 40001, BUILD_SERVER = 80 };

static inline size_t build_size(const struct build *b)
{
    return BUILD_ROOM - b->at;
}
static inline uint8_t *build_packet(struct build *b)
{
    return b->room + b->at;
}

static inline void put(struct build *b, const void *p, size_t n)
{
    assert_true(b->at >= n);
    b->at -= n;
    memcpy(b->room + b->at, p, n);
}
static inline void put8(struct build *b, unsigned v)
{
    uint8_t p = (uint8_t)v;
    put(b, &p, 1);
}
static inline void put16(struct build *b, unsigned v)
{
    put(b, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}
static inline void put32(struct build *b, uint32_t v)
{
    put16(b, v & 0xffff);
    put16(b, v >> 16);
}
static inline void put_zero(struct build *b, size_t n)
{
    while (n--) put8(b, 0);
}
/* Bytes written out, in the order they are read. */
#define PUT(b, ...) put(b, (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static inline uint16_t build_sum(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++) sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* -- TCP and UDP; the checksum comes with the IP header -- */

static inline void put_tcp(struct build *b, const void *payload, size_t n, size_t options)
{
    put(b, payload, n);
    for (size_t i = 0; i < options; i++) put8(b, 1); /* no operation */
    PUT(b, (uint8_t)((5 + options / 4) << 4), WST_TCP_FLAG_ACK | WST_TCP_FLAG_PSH | 0xc0, 0x12,
        0x34, 0, 0, 0, 0);
    put32(b, BUILD_ACK);
    put32(b, (uint32_t)BUILD_SEQ);
    put16(b, b->reply ? BUILD_CLIENT : BUILD_SERVER);
    put16(b, b->reply ? BUILD_SERVER : BUILD_CLIENT);
}
static inline void put_segment(struct build *b)
{
    put_tcp(b, build_text, strlen(build_text), 12);
}

/* The source port is the sender's own in each direction, as with tunnels. */
static inline void put_udp(struct build *b, unsigned to)
{
    size_t n = build_size(b);
    put16(b, 0);
    put16(b, (unsigned)(n + 8));
    put16(b, to);
    put16(b, b->reply ? 51000 : 52000);
}

/* -- IP; `net` picks the two addresses -- */

static inline void build_tcp_sum(struct build *b, size_t header, const uint8_t *addresses, size_t n)
{
    uint8_t *tcp = b->room + b->at + header;
    size_t size = build_size(b) - header;
    uint32_t sum = 6 + (uint32_t)(size >> 16) + (uint32_t)(size & 0xffff);
    for (size_t i = 0; i < n; i++) sum += i & 1 ? addresses[i] : (uint32_t)addresses[i] << 8;
    uint16_t check = build_sum(tcp, size, sum);
    tcp[16] = (uint8_t)(check >> 8);
    tcp[17] = (uint8_t)check;
}

static inline void build_ipv4_sum(struct build *b)
{
    uint8_t *p = build_packet(b);
    p[10] = p[11] = 0;
    uint16_t check = build_sum(p, (p[0] & 15) * 4u, 0);
    p[10] = (uint8_t)(check >> 8);
    p[11] = (uint8_t)check;
}

static inline void put_ipv4_full(struct build *b, unsigned net, unsigned protocol, unsigned id,
                                 unsigned fragment, size_t options)
{
    size_t total = build_size(b) + 20 + options;
    for (size_t i = 0; i < options; i++) put8(b, 1);
    PUT(b, 10, (uint8_t)net, 0, b->reply ? 1 : 2);
    PUT(b, 10, (uint8_t)net, 0, b->reply ? 2 : 1);
    PUT(b, 64, (uint8_t)protocol, 0, 0);
    put16(b, fragment);
    put16(b, id);
    put16(b, (unsigned)total);
    PUT(b, (uint8_t)(0x45 + options / 4), 0);
    build_ipv4_sum(b);
    if (protocol == 6 && (fragment & 0x3fff) == 0)
        build_tcp_sum(b, 20 + options, build_packet(b) + 12, 8);
}
static inline void put_ipv4(struct build *b, unsigned net, unsigned protocol)
{
    put_ipv4_full(b, net, protocol, 0x4242, 0x4000, 0);
}

static inline void put_ipv6_prefix(struct build *b, uint32_t prefix, unsigned net, unsigned next)
{
    size_t n = build_size(b);
    for (int side = 1; side >= 0; side--) { /* destination first: we go backward */
        put8(b, (side == 1) != b->reply ? 2 : 1);
        put8(b, net);
        put_zero(b, 10);
        put32(b, prefix);
    }
    PUT(b, (uint8_t)next, 64);
    put16(b, (unsigned)n);
    put32(b, 0x60012345);
    if (next == 6) build_tcp_sum(b, 40, build_packet(b) + 8, 32);
}
static inline void put_ipv6(struct build *b, unsigned net, unsigned next)
{
    put_ipv6_prefix(b, 0xfd000000, net, next);
}

/* A whole plain packet. */
static inline void put_plain4(struct build *b)
{
    put_segment(b);
    put_ipv4(b, 1, 6);
}
static inline void put_plain6(struct build *b)
{
    put_segment(b);
    put_ipv6(b, 1, 6);
}

/* -- links -- */

static inline void put_ether(struct build *b, unsigned type)
{
    put16(b, type);
    PUT(b, 2, 0, 0, 0, 0, b->reply ? 1 : 2);
    PUT(b, 2, 0, 0, 0, 0, b->reply ? 2 : 1);
}
static inline void put_vlan(struct build *b, unsigned id, unsigned type)
{
    put16(b, type);
    put16(b, id | (b->reply ? 0xa000 : 0)); /* priorities differ */
}
static inline void put_snap(struct build *b, unsigned type)
{
    put16(b, type);
    PUT(b, 0xaa, 0xaa, 3, 0, 0, 0);
}

/* -- running -- */

static inline struct wst_options build_options(void)
{
    struct wst_options options = {.max_payload = UINT64_MAX};
    options.limits.fragment_bytes = 4 << 20;
    options.limits.fragment_ns = 30 * (int64_t)1000000000;
    options.limits.tunnel_depth = 8;
    return options;
}

struct shot {
    uint8_t *bytes; /* of exactly the captured size, so that a sanitizer sees the end */
    enum wst_net_result result;
    struct wst_segment segment;
};

static inline enum wst_net_result last_of_several(struct wst_net *net, struct wst_segment *out)
{
    enum wst_net_result result = WST_NET_SEVERAL;
    while (wst_net_next(net, &result, out)) assert_int_not_equal(result, WST_NET_SEVERAL);
    assert_int_not_equal(result, WST_NET_SEVERAL);
    return result;
}

/* What is taken from a plain packet without a walk is what the walk finds, to the bit. */
static inline void check_walk(const struct wst_packet *packet)
{
    static struct wst_net *door, *walk; /* they see the same packets, fragments among them */
    struct wst_options options = build_options();
    if (!door) door = wst_net_new(&options), walk = wst_net_new(&options);
    assert_true(door && walk);
    struct wst_segment x, y;
    enum wst_net_result result = wst_net_segment(door, packet, &x);
    if (walk->fragments.whole) wst_fragments_release(&walk->fragments, NULL);
    assert_int_equal(result, wst_net_walk(walk, packet, &y));
    if (result == WST_NET_SEVERAL) result = last_of_several(door, &x), last_of_several(walk, &y);
    if (result == WST_NET_TCP) assert_true(same_segment(&x, &y));
}

static inline struct shot shoot(struct wst_net *net, uint32_t link, const uint8_t *bytes, size_t n,
                                size_t wire, int64_t ns)
{
    struct shot shot = {.bytes = malloc(n ? n : 1)};
    assert_non_null(shot.bytes);
    if (n) memcpy(shot.bytes, bytes, n);
    struct wst_packet packet = {.data = {n ? shot.bytes : shot.bytes + 1, n},
                                .wire_len = (uint32_t)wire,
                                .link_type = link,
                                .when = {1, ns}};
    check_walk(&packet);
    shot.result = wst_net_segment(net, &packet, &shot.segment);
    if (shot.result == WST_NET_SEVERAL) shot.result = last_of_several(net, &shot.segment);
    return shot;
}

static inline void assert_text(const struct shot *shot, const char *text, size_t n)
{
    const struct wst_segment *s = &shot->segment;
    assert_int_equal(shot->result, WST_NET_TCP);
    assert_int_equal(s->payload_len, n);
    assert_true(s->payload.n <= n);
    if (s->payload.n) assert_memory_equal(s->payload.p, text, s->payload.n);
}

static inline void assert_segment(const struct shot *shot, bool reply, const char *name)
{
    const struct wst_segment *s = &shot->segment;
    if (shot->result != WST_NET_TCP) fail_msg("%s: result %d", name, shot->result);
    assert_text(shot, build_text, strlen(build_text));
    assert_int_equal(s->src_port, reply ? BUILD_SERVER : BUILD_CLIENT);
    assert_int_equal(s->dst_port, reply ? BUILD_CLIENT : BUILD_SERVER);
    assert_true(s->seq == (uint32_t)BUILD_SEQ && s->ack == BUILD_ACK && s->window == 0x1234);
    assert_int_equal(s->flags, WST_TCP_FLAG_ACK | WST_TCP_FLAG_PSH);
    size_t last = s->family == 4 ? 3 : 15;
    assert_int_equal(s->src[last], reply ? 2 : 1);
    assert_int_equal(s->dst[last], reply ? 1 : 2);
    assert_int_equal(s->src[last == 3 ? 1 : 14], 1); /* of the inner network */
}

/* -- one way to wrap a segment -- */

enum where { APART, PLAIN }; /* a domain of its own, or 0 */

struct wrapping {
    const char *name;
    uint32_t link;
    void (*put)(struct build *b);
    enum where where;
};

static inline uint32_t wrapping_domain(struct wst_net *net, const struct wrapping *c, bool reply)
{
    static struct build b;
    b.at = BUILD_ROOM;
    b.reply = reply;
    c->put(&b);
    struct shot shot = shoot(net, c->link, build_packet(&b), build_size(&b), build_size(&b), 0);
    assert_segment(&shot, reply, c->name);
    free(shot.bytes);
    return shot.segment.domain;
}

/* Cut anywhere, a packet is short, or says what the whole one says with less payload. */
static inline void check_cuts(struct wst_net *net, const struct wrapping *c, bool reply)
{
    static struct build b;
    b.at = BUILD_ROOM;
    b.reply = reply;
    c->put(&b);
    size_t size = build_size(&b), seen = 0;
    for (size_t n = 0; n < size; n++) {
        struct shot shot = shoot(net, c->link, build_packet(&b), n, size, 0);
        if (shot.result == WST_NET_TCP) {
            assert_segment(&shot, reply, c->name);
            assert_true(shot.segment.payload.n >= seen);
            seen = shot.segment.payload.n;
        } else {
            assert_true(shot.result == WST_NET_SHORT || shot.result == WST_NET_OTHER);
        }
        free(shot.bytes);
        /* A file that calls a cut packet whole: anything but a crash. */
        shot = shoot(net, c->link, build_packet(&b), n, n, 0);
        free(shot.bytes);
    }
}

/* Every header byte set to every value, one at a time: nothing crashes or reads past the end. */
static inline void check_mutations(struct wst_net *net, const struct wrapping *c)
{
    static struct build b;
    b.at = BUILD_ROOM;
    b.reply = false;
    c->put(&b);
    size_t size = build_size(&b);
    for (size_t i = 0; i < size; i++) {
        uint8_t *byte = build_packet(&b) + i, kept = *byte;
        for (unsigned v = 0; v < 256; v++) {
            *byte = (uint8_t)v;
            struct shot shot = shoot(net, c->link, build_packet(&b), size, size, 0);
            if (shot.result == WST_NET_TCP) {
                const struct wst_segment *s = &shot.segment;
                assert_true(s->payload.n <= s->payload_len);
                assert_true(s->payload.p >= shot.bytes);
                assert_true(s->payload.p + s->payload.n <= shot.bytes + size);
            }
            free(shot.bytes);
        }
        *byte = kept;
    }
}

static inline void check_wrapping(const struct wrapping *c)
{
    struct wst_options options = build_options();
    options.verify_checksums = true; /* what the builder makes is right */
    struct wst_net *net = wst_net_new(&options);
    assert_non_null(net);
    assert_true(wst_net_knows_link(c->link));
    uint32_t domain = wrapping_domain(net, c, false);
    if ((domain == 0) != (c->where == PLAIN)) fail_msg("%s: domain %08x", c->name, domain);
    if (wrapping_domain(net, c, true) != domain) fail_msg("%s: domain of the reply", c->name);
    check_cuts(net, c, false);
    check_cuts(net, c, true);
    check_mutations(net, c);
    wst_net_free(net);
}

/* All domains differ, and none is 0. */
static inline void check_distinct(const struct wrapping *c, size_t n)
{
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    assert_non_null(net);
    for (size_t i = 0; i < n; i++) {
        uint32_t domain = wrapping_domain(net, &c[i], false);
        assert_true(domain != 0);
        for (size_t k = 0; k < i; k++)
            if (wrapping_domain(net, &c[k], true) == domain)
                fail_msg("%s and %s share a domain", c[i].name, c[k].name);
    }
    wst_net_free(net);
}

#endif
