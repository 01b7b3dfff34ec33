/* SPDX-License-Identifier: MIT
 *
 * For the tests of the capture room: a builder of captures in memory, and a sink that writes down
 * all it is told as text, one line each, so that a test is a capture and its expected text.
 */
#ifndef WST_TEST_CAPTURE_BYTES_H
#define WST_TEST_CAPTURE_BYTES_H

#include "capture/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <setjmp.h> /* cmocka wants it before */

#include <cmocka.h>

/* ---- bytes ---- */

struct bytes {
    uint8_t b[1 << 17];
    size_t n;
    bool big; /* byte order of what is put next */
};

static inline void put(struct bytes *o, const void *p, size_t n)
{
    assert_true(n <= sizeof o->b - o->n);
    memcpy(o->b + o->n, p, n);
    o->n += n;
}
static inline void put_uint(struct bytes *o, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)(v >> 8 * (o->big ? n - 1 - i : i));
        put(o, &byte, 1);
    }
}
static inline void put16(struct bytes *o, unsigned v)
{
    put_uint(o, v, 2);
}
static inline void put32(struct bytes *o, uint64_t v)
{
    put_uint(o, v, 4);
}
static inline void pad4(struct bytes *o)
{
    while (o->n % 4) put(o, "", 1);
}
static inline void set32(struct bytes *o, size_t at, uint32_t v)
{
    struct bytes t = {.big = o->big};
    put32(&t, v);
    memcpy(o->b + at, t.b, 4);
}

/* ---- classic pcap ---- */

static inline void pcap_head(struct bytes *o, uint32_t magic, uint32_t snaplen, uint32_t link_type)
{
    put32(o, magic);
    put16(o, 2);
    put16(o, 4);
    put32(o, 0);
    put32(o, 0);
    put32(o, snaplen);
    put32(o, link_type);
}
static inline void pcap_packet(struct bytes *o, uint32_t sec, uint32_t frac, const char *data)
{
    put32(o, sec);
    put32(o, frac);
    put32(o, strlen(data));
    put32(o, strlen(data));
    put(o, data, strlen(data));
}

/* ---- pcapng: begin … end writes both lengths ---- */

static inline size_t begin(struct bytes *o, uint32_t type)
{
    size_t at = o->n;
    put32(o, type);
    put32(o, 0);
    return at;
}
static inline void end(struct bytes *o, size_t at)
{
    put32(o, o->n - at + 4);
    set32(o, at + 4, (uint32_t)(o->n - at));
}
static inline void option(struct bytes *o, unsigned code, const void *value, size_t n)
{
    put16(o, code);
    put16(o, (unsigned)n);
    put(o, value, n);
    pad4(o);
}
static inline void comment(struct bytes *o, const char *text)
{
    option(o, 1, text, strlen(text));
}
/* To be ended. */
static inline size_t section_begin(struct bytes *o)
{
    size_t at = begin(o, 0x0a0d0d0a);
    put32(o, 0x1a2b3c4d);
    put16(o, 1);
    put16(o, 0);
    put_uint(o, UINT64_MAX, 8);
    return at;
}
static inline void section(struct bytes *o)
{
    end(o, section_begin(o));
}
static inline size_t interface_begin(struct bytes *o, unsigned link_type, uint32_t snaplen)
{
    size_t at = begin(o, 1);
    put16(o, link_type);
    put16(o, 0);
    put32(o, snaplen);
    return at;
}
static inline void interface(struct bytes *o, unsigned link_type, uint32_t snaplen)
{
    end(o, interface_begin(o, link_type, snaplen));
}
static inline size_t packet_begin(struct bytes *o, uint32_t id, uint64_t ticks, const char *data)
{
    size_t at = begin(o, 6);
    put32(o, id);
    put32(o, ticks >> 32);
    put32(o, ticks & UINT32_MAX);
    put32(o, strlen(data));
    put32(o, strlen(data));
    put(o, data, strlen(data));
    pad4(o);
    return at;
}
static inline void packet(struct bytes *o, uint32_t id, uint64_t ticks, const char *data)
{
    end(o, packet_begin(o, id, ticks, data));
}

/* ---- gzip: as members of `piece` bytes each ---- */

static inline void gzip(struct bytes *o, const struct bytes *in, size_t piece)
{
    for (size_t at = 0; at < in->n; at += piece) {
        size_t n = in->n - at < piece ? in->n - at : piece;
        z_stream z = {0};
        assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (Bytef *)(uintptr_t)(in->b + at);
        z.avail_in = (uInt)n;
        z.next_out = o->b + o->n;
        z.avail_out = (uInt)(sizeof o->b - o->n);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        o->n += z.total_out;
        deflateEnd(&z);
    }
}

/* ---- what was told ---- */

struct told {
    char text[1 << 16];
    size_t n;
    uint64_t packets, troubles, stop_after; /* 0: never */
    struct wst_capture *stop;               /* call wst_capture_stop on it, after stop_after */
    bool quiet;                             /* only count */
    bool by_row;                            /* packets are told by the row */
};

__attribute__((format(printf, 2, 3))) static inline void tell(struct told *t, const char *text, ...)
{
    va_list args;
    if (t->quiet) return;
    va_start(args, text);
    t->n += (size_t)vsnprintf(t->text + t->n, sizeof t->text - t->n, text, args);
    va_end(args);
    assert_true(t->n < sizeof t->text);
}
static inline int told_packet(void *user, const struct wst_packet *p)
{
    struct told *t = user;
    tell(t, "%" PRIu64 " %" PRId64 "%s link %u len %u %.*s\n", p->when.pkt, p->when.ns,
         p->nanos ? " ns" : "", (unsigned)p->link_type, (unsigned)p->wire_len,
         (int)(p->data.n < 40 ? p->data.n : 40), (const char *)p->data.p);
    if (++t->packets != t->stop_after) return 0;
    if (!t->stop) return 1;
    wst_capture_stop(t->stop);
    return 0;
}
static inline int told_packets(void *user, const struct wst_packet *packets, size_t n)
{
    const struct told *t = user;
    assert_in_range(n, 1, WST_CAPTURE_ROW);
    for (size_t i = 0; i < n; i++) {
        if (t->stop && t->packets >= t->stop_after) return 0; /* one by one they would not come */
        if (told_packet(user, &packets[i]) != 0) return 1;
    }
    return 0;
}
static inline void told_secrets(void *user, uint32_t type, struct wst_slice s)
{
    tell(user, "secrets %08x %.*s\n", (unsigned)type, (int)s.n, (const char *)s.p);
}
static inline void told_comment(void *user, uint64_t pkt, struct wst_slice s)
{
    tell(user, "comment %" PRIu64 " %.*s\n", pkt, (int)s.n, (const char *)s.p);
}
static inline void told_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                                const char *what)
{
    struct told *t = user;
    t->troubles++;
    tell(t, "trouble %s %" PRIu64 " @%" PRIu64 " %s\n", source, pkt, byte, what);
}
static inline struct wst_capture_sink told_sink(struct told *t)
{
    return (struct wst_capture_sink){.user = t,
                                     .packet = told_packet,
                                     .packets = t->by_row ? told_packets : NULL,
                                     .secrets = told_secrets,
                                     .comment = told_comment,
                                     .trouble = told_trouble};
}

/* Opens and runs; a capture that cannot be opened tells "error …". Frees it. */
static inline void run(struct wst_capture *c, struct told *t)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct wst_capture_sink sink = told_sink(t);
    if (wst_capture_open(c, error) < 0) {
        tell(t, "error %s\n", error);
    } else {
        int troubles = wst_capture_run(c, &sink);
        assert_int_equal(troubles, t->troubles);
    }
    wst_capture_free(c);
}
static inline void run_bytes_once(const uint8_t *p, size_t n, const char *filter, bool read_ahead,
                                  struct told *t)
{
    struct wst_capture *c = wst_capture_new();
    /* Flush against the end of its own allocation, so that a sanitizer sees one byte too many. */
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    if (n) memcpy(exact, p, n);
    assert_non_null(c);
    wst_capture_set_read_ahead(c, read_ahead);
    assert_int_equal(wst_capture_set_filter(c, filter), 0);
    assert_int_equal(wst_capture_add_memory(c, "m", (struct wst_slice){exact, n}, NULL), 0);
    run(c, t);
    free(exact);
}
/* With and without a thread that reads ahead, by the row and one by one: the same is told. */
static inline void run_bytes(const uint8_t *p, size_t n, const char *filter, struct told *t)
{
    static struct told ahead;
    ahead = *t;
    ahead.by_row = true;
    run_bytes_once(p, n, filter, true, &ahead);
    run_bytes_once(p, n, filter, false, t);
    assert_string_equal(ahead.text, t->text);
    assert_int_equal(ahead.packets, t->packets);
}

/* The capture tells exactly this: whole, and gzipped so that it comes byte by byte. */
static inline void assert_tells(const struct bytes *in, const char *filter, const char *expected)
{
    static struct bytes pieces;
    static struct told t;
    t = (struct told){.n = 0};
    run_bytes(in->b, in->n, filter, &t);
    assert_string_equal(t.text, expected);
    if (in->n > 4000) return; /* each byte costs 21 */
    pieces.n = 0;
    gzip(&pieces, in, 1);
    t = (struct told){.n = 0};
    run_bytes(pieces.b, pieces.n, filter, &t);
    assert_string_equal(t.text, expected);
}

#endif
