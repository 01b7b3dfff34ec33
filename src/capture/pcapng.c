/* SPDX-License-Identifier: MIT
 *
 * In: blocks of pcapng, taken one by one out of the source's buffer. Out: packets (never copied),
 * decryption secrets, comments.
 * Refuses a block whose lengths do not agree with each other or with the file's end; everything
 * before it has been told by then.
 *
 * Why not libpcap: 1.10 gives up on a file with two link types or two snap lengths (a plain
 * `dumpcap -i lo -i any` writes one) and drops secrets and comments without a word. Whether a file
 * holds such things is known only after reading all of it, and standard input cannot be read
 * twice; so every pcapng is read here.
 *
 *     +--------+--------------+----------------- - - ---------------+--------------+
 *     |  type  | total length | body, padded to 4 bytes             | total length |
 *     +--------+--------------+----------------- - - ---------------+--------------+
 *      4 bytes   4 bytes                                              4 bytes
 */
#include "pcapng.h"
#include "array.h"
#include "linktype.h"
#include "slice.h"

#include <stdlib.h>

enum block_type {
    SECTION_HEADER = 0x0a0d0d0a, /* reads the same in both byte orders */
    INTERFACE_DESCRIPTION = 1,
    OBSOLETE_PACKET = 2,
    SIMPLE_PACKET = 3,
    NAME_RESOLUTION = 4,
    INTERFACE_STATISTICS = 5,
    ENHANCED_PACKET = 6,
    DECRYPTION_SECRETS = 10,
};

enum option {
    OPT_END = 0,
    OPT_COMMENT = 1,
    OPT_TSRESOL = 9,   /* of an interface */
    OPT_TSOFFSET = 14, /* of an interface */
};

enum { BLOCK_MIN = 12, BYTE_ORDER_MAGIC = 0x1a2b3c4d };

/* One block, whole and with equal lengths at both ends. Its body may be read up to body.n. */
struct block {
    uint32_t type;
    uint64_t offset; /* in the source */
    struct wst_slice body;
};

static uint32_t get32(const struct wst_pcapng *ng, const uint8_t *p)
{
    uint32_t v = wst_be32(p);
    return ng->big ? v : __builtin_bswap32(v);
}
static uint16_t get16(const struct wst_pcapng *ng, const uint8_t *p)
{
    uint16_t v = wst_be16(p);
    return ng->big ? v : __builtin_bswap16(v);
}
static uint64_t get64(const struct wst_pcapng *ng, const uint8_t *p)
{
    uint64_t v = wst_be64(p);
    return ng->big ? v : __builtin_bswap64(v);
}
static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

bool wst_pcapng_is(const uint8_t magic[4])
{
    return wst_be32(magic) == SECTION_HEADER;
}

void wst_pcapng_init(struct wst_pcapng *ng, struct wst_source *source)
{
    *ng = (struct wst_pcapng){.source = source};
}

void wst_pcapng_free(struct wst_pcapng *ng)
{
    free(ng->interfaces);
    *ng = (struct wst_pcapng){0};
}

/* ---- options ----
 *
 *     +------+--------+------------- - -----+
 *     | code | length | value, padded to 4  |  … until code 0 or the end of the block
 *     +------+--------+------------- - -----+
 */
struct walk {
    struct wst_slice left;
    unsigned n;
};

/* 1: an option; 0: no more; -1: it is longer than what is left of the block. */
static int next_option(const struct wst_pcapng *ng, struct walk *w, uint16_t *code,
                       struct wst_slice *value)
{
    size_t n;
    if (w->left.n < 4 || w->n++ == WST_PCAPNG_OPTIONS_MAX) return 0;
    *code = get16(ng, w->left.p);
    n = get16(ng, w->left.p + 2);
    if (*code == OPT_END) return 0;
    w->left = wst_slice_skip(w->left, 4);
    if (n > w->left.n) return -1;
    *value = wst_slice_head(w->left, n);
    w->left = wst_slice_skip(w->left, padded(n)); /* the last one's padding may be missing */
    return 1;
}

static bool damaged(struct wst_feed *feed, const struct block *b, const char *what)
{
    wst_feed_trouble(feed, b->offset, "damaged block: %s", what);
    return false;
}

static const char option_too_long[] = "an option is longer than the block";

/* Tells the comments among the options. False: they are damaged. */
static bool tell_comments(const struct wst_pcapng *ng, struct wst_feed *feed,
                          struct wst_slice options, uint64_t pkt)
{
    struct walk w = {.left = options};
    struct wst_slice value;
    uint16_t code;
    int rc;
    while ((rc = next_option(ng, &w, &code, &value)) > 0)
        if (code == OPT_COMMENT) wst_feed_comment(feed, pkt, value);
    return rc == 0;
}

/* ---- time ---- */

static uint64_t power10(unsigned n)
{
    uint64_t v = 1;
    while (n-- > 0) v *= 10;
    return v;
}

/* if_tsresol: ticks a second are 10^n, or 2^n with the top bit set. 2^64 ticks of 10^-29 s are
 * less than a nanosecond, and 10^20 would not fit a divisor: all such times are 0. */
static void set_resolution(struct wst_pcapng_interface *i, uint8_t resolution)
{
    unsigned n = resolution & 0x7f;
    i->mul = i->div = 1;
    i->shift = 0;
    if (resolution & 0x80) {
        i->mul = 1000000000;
        i->shift = (uint8_t)n;
        i->nanos = n >= 20; /* 2^20 > 10^6 */
        return;
    }
    i->nanos = n > 6;
    if (n <= 9)
        i->mul = (uint32_t)power10(9 - n);
    else if (n - 9 <= 19)
        i->div = power10(n - 9);
    else
        i->mul = 0;
}

/* a * b >> shift, or UINT64_MAX where that is less. The product has up to 94 bits, and not every
 * processor's compiler has a type for it. */
static uint64_t scaled(uint64_t a, uint32_t b, unsigned shift)
{
    uint64_t low = (a & UINT32_MAX) * b;
    uint64_t high = (a >> 32) * b + (low >> 32); /* the product: high * 2^32 + the rest of low */
    low &= UINT32_MAX;
    if (shift >= 96) return 0;
    if (shift >= 32) return high >> (shift - 32);
    if (high >> (32 + shift)) return UINT64_MAX;
    return (high << (32 - shift)) | (low >> shift);
}

/* The first or the last time there is, where it or the offset alone lies 292 years from 1970. */
static int64_t nanoseconds(const struct wst_pcapng_interface *i, uint64_t ticks)
{
    uint64_t ns = i->div > 1 ? ticks / i->div : scaled(ticks, i->mul, i->shift);
    int64_t offset, sum;
    if (__builtin_mul_overflow(i->seconds, 1000000000, &offset))
        return i->seconds < 0 ? INT64_MIN : INT64_MAX;
    return __builtin_add_overflow(ns, offset, &sum) ? INT64_MAX : sum;
}

/* ---- blocks that describe ---- */

/* 0 byte-order magic, 4 major, 6 minor, 8 section length (often unknown; ignored), 16 options.
 * The byte order has been found by then. Minor versions only add. */
static bool section_header(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed)
{
    if (b->body.n < 16) return damaged(feed, b, "its section header is too short");
    if (get16(ng, b->body.p + 4) != 1) {
        wst_feed_trouble(feed, b->offset, "pcapng version %u.%u is unknown",
                         (unsigned)get16(ng, b->body.p + 4), (unsigned)get16(ng, b->body.p + 6));
        return false;
    }
    ng->in_section = true;
    ng->n = 0;
    return tell_comments(ng, feed, wst_slice_skip(b->body, 16), 0) ||
           damaged(feed, b, option_too_long);
}

static bool interface_options(const struct wst_pcapng *ng, struct wst_pcapng_interface *i,
                              struct wst_slice options)
{
    struct walk w = {.left = options};
    struct wst_slice value;
    uint16_t code;
    int rc;
    while ((rc = next_option(ng, &w, &code, &value)) > 0) {
        if (code == OPT_TSRESOL) {
            if (value.n != 1) return false;
            set_resolution(i, value.p[0]);
        } else if (code == OPT_TSOFFSET) {
            if (value.n != 8) return false;
            i->seconds = (int64_t)get64(ng, value.p);
        }
    }
    return rc == 0;
}

static bool grow_interfaces(struct wst_pcapng *ng)
{
    void *p = wst_array_double(ng->interfaces, &ng->cap, sizeof *ng->interfaces, 4);
    if (p) ng->interfaces = p;
    return p;
}

/* 0 link type, 2 reserved, 4 snap length, 8 options */
static bool interface_description(struct wst_pcapng *ng, const struct block *b,
                                  struct wst_feed *feed)
{
    struct wst_pcapng_interface i = {0};
    if (b->body.n < 8) return damaged(feed, b, "its interface description is too short");
    if (ng->n == WST_PCAPNG_INTERFACES_MAX) return damaged(feed, b, "more than 65536 interfaces");
    if (ng->n == ng->cap && !grow_interfaces(ng)) return damaged(feed, b, "out of memory");
    i.link_type = wst_linktype_of_file(get16(ng, b->body.p));
    i.snaplen = get32(ng, b->body.p + 4);
    set_resolution(&i, 6);
    if (!interface_options(ng, &i, wst_slice_skip(b->body, 8)))
        return damaged(feed, b, "an option of its interface has a wrong length");
    ng->interfaces[ng->n++] = i;
    return tell_comments(ng, feed, wst_slice_skip(b->body, 8), 0) ||
           damaged(feed, b, option_too_long);
}

/* 0 type, 4 length, 8 secrets, options */
static bool decryption_secrets(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed)
{
    struct wst_slice secrets;
    if (b->body.n < 8) return damaged(feed, b, "its secrets are too short");
    secrets = wst_slice_skip(b->body, 8);
    if (get32(ng, b->body.p + 4) > secrets.n)
        return damaged(feed, b, "its secrets are longer than the block");
    secrets.n = get32(ng, b->body.p + 4);
    wst_feed_secrets(feed, get32(ng, b->body.p), secrets);
    return true;
}

/* ---- packets ---- */

static bool unknown_interface(const struct wst_pcapng *ng, const struct block *b,
                              struct wst_feed *feed, uint32_t id)
{
    wst_feed_trouble(
        feed, b->offset,
        "damaged block: its packet is of interface %u, but only %zu have been described",
        (unsigned)id, ng->n);
    return false;
}

/* Where both kinds of packet blocks with a time are alike: 4 time (high, low), 12 captured
 * length, 16 length on the wire, 20 bytes, padded, options. Captured lengths beyond the snap length
 * or the one on the wire are the writer's business. */
static bool timed_packet(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed,
                         uint32_t id)
{
    const struct wst_pcapng_interface *i = &ng->interfaces[id];
    struct wst_slice rest = wst_slice_skip(b->body, 20);
    uint32_t captured = get32(ng, b->body.p + 12);
    uint64_t ticks = (uint64_t)get32(ng, b->body.p + 4) << 32 | get32(ng, b->body.p + 8);
    struct wst_packet packet = {
        .data = {rest.p, captured},
        .wire_len = get32(ng, b->body.p + 16),
        .link_type = i->link_type,
        .when.ns = nanoseconds(i, ticks),
        .nanos = i->nanos,
    };
    bool sound;
    if (captured > rest.n) return damaged(feed, b, "its packet is longer than the block");
    rest = wst_slice_skip(rest, padded(captured));
    if (!wst_feed_admit(feed, &packet)) return !wst_feed_over(feed);
    sound = rest.n == 0 || tell_comments(ng, feed, rest, feed->number);
    if (!wst_feed_push(feed, &packet)) return false; /* damaged options do not make it worse */
    return sound || damaged(feed, b, option_too_long);
}

/* 0 interface (32 bits) */
static bool enhanced_packet(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed)
{
    uint32_t id;
    if (b->body.n < 20) return damaged(feed, b, "its packet is too short");
    id = get32(ng, b->body.p);
    if (id >= ng->n) return unknown_interface(ng, b, feed, id);
    return timed_packet(ng, b, feed, id);
}

/* 0 interface (16 bits), 2 drop count */
static bool obsolete_packet(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed)
{
    uint32_t id;
    if (b->body.n < 20) return damaged(feed, b, "its packet is too short");
    id = get16(ng, b->body.p);
    if (id >= ng->n) return unknown_interface(ng, b, feed, id);
    return timed_packet(ng, b, feed, id);
}

/* 0 length on the wire, 4 bytes, padded. No time, no interface: it is the first. No captured
 * length either: the one on the wire, cut at that interface's snap length. */
static bool simple_packet(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed)
{
    struct wst_packet packet = {0};
    uint32_t captured;
    if (b->body.n < 4) return damaged(feed, b, "its packet is too short");
    if (ng->n == 0) return unknown_interface(ng, b, feed, 0);
    captured = packet.wire_len = get32(ng, b->body.p);
    if (ng->interfaces[0].snaplen > 0 && captured > ng->interfaces[0].snaplen)
        captured = ng->interfaces[0].snaplen;
    if (captured > b->body.n - 4) return damaged(feed, b, "its packet is longer than the block");
    packet.data = wst_slice_of(b->body.p + 4, captured);
    packet.link_type = ng->interfaces[0].link_type;
    return wst_feed_take(feed, &packet);
}

/* ---- the row of blocks ---- */

static bool block(struct wst_pcapng *ng, const struct block *b, struct wst_feed *feed)
{
    switch (b->type) {
    case ENHANCED_PACKET: return enhanced_packet(ng, b, feed);
    case SIMPLE_PACKET: return simple_packet(ng, b, feed);
    case OBSOLETE_PACKET: return obsolete_packet(ng, b, feed);
    case SECTION_HEADER: return section_header(ng, b, feed);
    case INTERFACE_DESCRIPTION: return interface_description(ng, b, feed);
    case DECRYPTION_SECRETS: return decryption_secrets(ng, b, feed);
    case NAME_RESOLUTION:
    case INTERFACE_STATISTICS:
    default: return true; /* custom and future ones: their length is enough to step over them */
    }
}

/* Too few bytes for what was wanted: the end, or the middle of something. A source that broke is
 * the cause, if it did. */
static bool cut(struct wst_pcapng *ng, struct wst_feed *feed, const struct block *b, size_t want,
                size_t have)
{
    bool packet =
        b->type == ENHANCED_PACKET || b->type == SIMPLE_PACKET || b->type == OBSOLETE_PACKET;
    if (wst_feed_over(feed)) return false;
    if (ng->source->error[0])
        wst_feed_trouble(feed, b->offset, "%s", ng->source->error);
    else if (have > 0)
        wst_feed_trouble(feed, b->offset,
                         "truncated: the file ends in the middle of a %s (%zu of %zu bytes)",
                         packet ? "packet" : "block", have, want);
    return false;
}

/* The byte order of the section that begins here. */
static bool find_byte_order(struct wst_pcapng *ng, struct wst_feed *feed, const struct block *b)
{
    size_t have = wst_feed_want(feed, ng->source, BLOCK_MIN);
    uint32_t magic;
    if (have < BLOCK_MIN) return cut(ng, feed, b, BLOCK_MIN, have);
    magic = wst_be32(wst_source_at(ng->source) + 8);
    ng->big = magic == BYTE_ORDER_MAGIC;
    if (ng->big || __builtin_bswap32(magic) == BYTE_ORDER_MAGIC) return true;
    return damaged(feed, b, "its section header has no byte-order magic");
}

static bool sound_length(struct wst_feed *feed, const struct block *b, uint32_t length)
{
    const char *why = length < BLOCK_MIN              ? "less than a block has"
                      : length % 4 != 0               ? "not a multiple of 4"
                      : length > WST_PCAPNG_BLOCK_MAX ? "more than 64 MiB"
                                                      : NULL;
    if (why)
        wst_feed_trouble(feed, b->offset, "damaged block: its length, %u, is %s", (unsigned)length,
                         why);
    return !why;
}

/* The next block, whole. False at the end of the source, or after a trouble. */
static bool next_block(struct wst_pcapng *ng, struct wst_feed *feed, struct block *b)
{
    size_t have = wst_feed_want(feed, ng->source, 8);
    uint32_t length, trailer;
    const uint8_t *p;
    *b = (struct block){.offset = wst_source_offset(ng->source)};
    if (have < 8) return cut(ng, feed, b, 8, have);
    b->type = get32(ng, wst_source_at(ng->source));
    if (b->type == SECTION_HEADER && !find_byte_order(ng, feed, b)) return false;
    if (b->type != SECTION_HEADER && !ng->in_section)
        return damaged(feed, b, "no section has begun");
    length = get32(ng, wst_source_at(ng->source) + 4);
    if (!sound_length(feed, b, length)) return false;
    have = wst_feed_want(feed, ng->source, length);
    if (have < length) return cut(ng, feed, b, length, have);
    p = wst_source_at(ng->source);
    trailer = get32(ng, p + length - 4);
    if (trailer != length) {
        wst_feed_trouble(feed, b->offset,
                         "damaged block: it begins with length %u and ends with %u",
                         (unsigned)length, (unsigned)trailer);
        return false;
    }
    b->body = wst_slice_of(p + 8, length - BLOCK_MIN);
    wst_source_skip(ng->source, length); /* the bytes stay until the next want */
    return true;
}

void wst_pcapng_run(struct wst_pcapng *ng, struct wst_feed *feed)
{
    struct block b;
    while (next_block(ng, feed, &b) && block(ng, &b, feed)) {
    }
    wst_feed_flush(feed);
}
