/* SPDX-License-Identifier: MIT
 *
 * Fragments: in every order, against a slow twin; what is refused; what is forgotten, and when.
 */
#include "build.h"

enum { WHOLE_MAX = 66000, MTU = 256 };
static const int64_t ms = 1000000, second = 1000 * (int64_t)1000000;

struct datagram {
    int family;
    uint32_t id;
    size_t n; /* TCP header and payload */
    uint8_t bytes[WHOLE_MAX];
};

struct fragment {
    size_t start, n;
    bool more;
    uint8_t flip; /* changes the payload bytes */
};

static struct datagram *datagram_new(int family, uint32_t id, size_t payload)
{
    static struct build b;
    struct datagram *d = calloc(1, sizeof *d);
    uint8_t *text = malloc(payload);
    assert_true(d && text);
    for (size_t i = 0; i < payload; i++) text[i] = (uint8_t)(i * 7 + id);
    b.at = BUILD_ROOM;
    b.reply = false;
    put_tcp(&b, text, payload, 0);
    *d = (struct datagram){.family = family, .id = id, .n = payload + 20};
    memcpy(d->bytes, build_packet(&b), d->n);
    free(text);
    return d;
}

static void put_fragment(struct build *b, const struct datagram *d, struct fragment f,
                         unsigned protocol)
{
    for (size_t i = f.start + f.n; i-- > f.start;)
        put8(b, i < 20 ? d->bytes[i] : d->bytes[i] ^ f.flip);
    if (d->family == 4) {
        put_ipv4_full(b, 1, protocol, d->id, (unsigned)(f.start / 8) | (f.more ? 0x2000 : 0), 0);
    } else {
        put32(b, d->id), put16(b, (unsigned)f.start | f.more), PUT(b, (uint8_t)protocol, 0);
        put_ipv6(b, 1, 44);
    }
}

static struct shot send(struct wst_net *net, const struct datagram *d, struct fragment f,
                        int64_t when)
{
    static struct build b;
    b.at = BUILD_ROOM;
    put_fragment(&b, d, f, 6);
    return shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), when);
}

/* Sends one fragment and expects just this. */
static void expect(struct wst_net *net, const struct datagram *d, size_t start, size_t n, bool more,
                   int64_t when, enum wst_net_result result)
{
    struct shot shot = send(net, d, (struct fragment){start, n, more, 0}, when);
    assert_int_equal(shot.result, result);
    if (result == WST_NET_TCP) assert_text(&shot, (const char *)d->bytes + 20, d->n - 20);
    free(shot.bytes);
}

/* -- the slow twin: a byte at a time, no caps, no time -- */

struct twin {
    uint8_t bytes[WHOLE_MAX];
    int owner[WHOLE_MAX]; /* number of the fragment whose byte this is; 0: none */
    size_t starts[1000], ends[1000];
    size_t total;
    int n;
    bool dropped;
};

static bool twin_take(struct twin *t, const struct datagram *d, struct fragment f)
{
    if (t->dropped) return false;
    bool overlap = false, same = f.n > 0;
    int owner = t->owner[f.start];
    for (size_t i = f.start; i < f.start + f.n; i++) {
        uint8_t byte = i < 20 ? d->bytes[i] : d->bytes[i] ^ f.flip;
        overlap |= t->owner[i] != 0;
        same &= owner != 0 && t->owner[i] == owner && t->bytes[i] == byte;
    }
    if (same) same = t->starts[owner] == f.start && t->ends[owner] == f.start + f.n;
    if (d->family == 6 && overlap && !same) t->dropped = true;
    t->n++;
    t->starts[t->n] = f.start;
    t->ends[t->n] = f.start + f.n;
    for (size_t i = f.start; i < f.start + f.n; i++) {
        if (t->owner[i]) continue;
        t->owner[i] = t->n;
        t->bytes[i] = i < 20 ? d->bytes[i] : d->bytes[i] ^ f.flip;
    }
    if (!f.more) t->total = f.start + f.n;
    for (size_t i = 0; i < t->total; i++)
        if (!t->owner[i]) return false;
    return t->total != 0 && !t->dropped;
}

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)*seed * below) >> 32);
}

/* The fragments of a datagram, and `extra` repeated or overlapping ones. */
static size_t cut_up(const struct datagram *d, struct fragment *out, size_t extra, bool overlaps,
                     uint32_t *seed)
{
    size_t n = 0, units = (d->n + 7) / 8;
    for (size_t at = 0; at < d->n;) {
        size_t size = 8 * (1 + chance(seed, MTU / 8));
        if (size > d->n - at) size = d->n - at;
        out[n++] = (struct fragment){at, size, at + size < d->n, 0};
        at += size;
    }
    for (size_t plain = n; extra--; n++) {
        if (!overlaps) {
            out[n] = out[chance(seed, (uint32_t)plain)];
            continue;
        }
        size_t start = 8 * chance(seed, (uint32_t)units), size = 8 * (1 + chance(seed, 64));
        if (size > d->n - start) size = d->n - start;
        out[n] = (struct fragment){start, size, start + size < d->n, (uint8_t)chance(seed, 3)};
    }
    for (size_t i = n; i > 1; i--) {
        size_t k = chance(seed, (uint32_t)i);
        struct fragment kept = out[i - 1];
        out[i - 1] = out[k];
        out[k] = kept;
    }
    return n;
}

static void one_random(uint32_t seed, int family, bool overlaps)
{
    static struct twin twin;
    static struct fragment fragments[1000];
    memset(&twin, 0, sizeof twin);
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    struct datagram *d = datagram_new(family, seed, 20 + chance(&seed, 6000));
    size_t n = cut_up(d, fragments, chance(&seed, 12), overlaps, &seed);
    bool whole = false;
    for (size_t i = 0; i < n; i++) {
        struct shot shot = send(net, d, fragments[i], (int64_t)i);
        if (!whole && twin_take(&twin, d, fragments[i])) {
            whole = true;
            assert_text(&shot, (const char *)twin.bytes + 20, d->n - 20);
            assert_int_equal(shot.segment.payload.n, d->n - 20);
        } else {
            assert_true(shot.result == WST_NET_HELD || shot.result == WST_NET_SHORT);
        }
        free(shot.bytes);
    }
    assert_true(whole || (family == 6 && overlaps));
    wst_net_free(net);
    free(d);
}

static void test_random(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 500; seed++) {
        one_random(seed, 4, false);
        one_random(seed, 4, true);
        one_random(seed, 6, false);
        one_random(seed, 6, true);
    }
}

/* -- one rule each -- */

static struct wst_net *net_with(size_t bytes, int64_t ns)
{
    struct wst_options options = build_options();
    if (bytes) options.limits.fragment_bytes = bytes;
    if (ns) options.limits.fragment_ns = ns;
    struct wst_net *net = wst_net_new(&options);
    assert_non_null(net);
    return net;
}

static void test_repeated_after_the_end(void **state)
{
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        struct wst_net *net = net_with(0, 0);
        struct datagram *d = datagram_new(family, 7, 140);
        expect(net, d, 0, 80, true, 0, WST_NET_HELD);
        expect(net, d, 0, 80, true, 1, WST_NET_HELD);
        expect(net, d, 80, 80, false, 2, WST_NET_TCP);
        expect(net, d, 80, 80, false, 3, WST_NET_HELD); /* a copy from another interface … */
        d->bytes[100] ^= 0xff;
        expect(net, d, 0, 80, true, second, WST_NET_HELD); /* … is not mixed into the next */
        expect(net, d, 80, 80, false, second, WST_NET_TCP);
        /* The moment of memory begins with the end, however long that took. */
        expect(net, d, 0, 80, true, 2 * second, WST_NET_HELD);
        expect(net, d, 80, 80, false, 3 * second, WST_NET_TCP);
        expect(net, d, 80, 80, false, 3 * second + 90 * ms, WST_NET_HELD);
        expect(net, d, 0, 80, true, 3 * second + 91 * ms, WST_NET_HELD);
        wst_net_free(net);
        free(d);
    }
}

/* Version 6, the same range with other bytes: an overlap, though it looks like a repetition. */
static void test_forged_repetition(void **state)
{
    (void)state;
    struct wst_net *net = net_with(0, 0);
    struct datagram *d = datagram_new(6, 7, 140);
    expect(net, d, 80, 80, false, 0, WST_NET_HELD);
    expect(net, d, 80, 80, false, 0, WST_NET_HELD);
    d->bytes[100] ^= 1;
    expect(net, d, 80, 80, false, 0, WST_NET_SHORT);
    expect(net, d, 0, 80, true, 0, WST_NET_HELD);
    wst_net_free(net);
    free(d);
}

/* Version 6: what follows is what the first fragment says (RFC 8200 section 4.5). */
static void test_next_header(void **state)
{
    (void)state;
    static struct build b;
    struct datagram *d = datagram_new(6, 7, 140);
    for (int first = 0; first < 2; first++) {
        struct wst_net *net = net_with(0, 0);
        for (int i = 0; i < 2; i++) {
            bool begin = i == first;
            b.at = BUILD_ROOM;
            b.reply = false;
            put_fragment(&b, d, (struct fragment){begin ? 0 : 80, 80, begin, 0}, begin ? 6 : 17);
            struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
            assert_int_equal(shot.result, i == 0 ? WST_NET_HELD : WST_NET_TCP);
            free(shot.bytes);
        }
        wst_net_free(net);
    }
    free(d);
}

static void test_timeout(void **state)
{
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        struct wst_net *net = net_with(0, second);
        struct datagram *d = datagram_new(family, 7, 140), *e = datagram_new(family, 8, 140);
        expect(net, d, 0, 80, true, 5 * second, WST_NET_HELD);
        expect(net, d, 80, 80, false, 6 * second, WST_NET_TCP); /* just in time */
        expect(net, e, 0, 80, true, 7 * second, WST_NET_HELD);
        size_t waiting = wst_net_memory(net);
        expect(net, e, 80, 80, false, 8 * second + 1, WST_NET_HELD); /* too late */
        assert_true(wst_net_memory(net) <= waiting);
        expect(net, e, 0, 80, true, 8 * second + 2, WST_NET_TCP); /* completes the new one */
        /* Time jumps back, so that a stale one stands behind a fresh one, … */
        expect(net, e, 0, 80, true, 20 * second, WST_NET_HELD);
        expect(net, d, 0, 80, true, 20 * second - 500 * ms, WST_NET_HELD);
        expect(net, d, 80, 80, false, 20 * second + 600 * ms, WST_NET_HELD);
        expect(net, e, 80, 80, false, 20 * second + 600 * ms, WST_NET_TCP);
        /* … or as far as it can. */
        expect(net, d, 0, 80, true, second, WST_NET_HELD);
        expect(net, d, 80, 80, false, INT64_MIN, WST_NET_HELD);
        expect(net, d, 80, 80, false, INT64_MAX, WST_NET_HELD);
        expect(net, d, 0, 80, true, INT64_MAX, WST_NET_TCP);
        wst_net_free(net);
        free(d);
        free(e);
    }
}

static void test_kept_apart(void **state)
{
    (void)state;
    static struct build b;
    struct wst_net *net = net_with(0, 0);
    struct datagram *d = datagram_new(4, 7, 140), *other_id = datagram_new(4, 8, 140);
    struct datagram *v6 = datagram_new(6, 7, 140);
    struct fragment last = {80, 80, false, 0};
    expect(net, d, 0, 80, true, 0, WST_NET_HELD);
    expect(net, other_id, 80, 80, false, 0, WST_NET_HELD);
    expect(net, v6, 80, 80, false, 0, WST_NET_HELD);
    for (int i = 0; i < 3; i++) { /* other direction, other protocol, other VLAN */
        b.at = BUILD_ROOM;
        b.reply = i == 0;
        put_fragment(&b, d, last, i == 1 ? 17 : 6);
        if (i == 2) put_vlan(&b, 5, 0x0800);
        put_ether(&b, i == 2 ? 0x8100 : 0x0800);
        struct shot shot = shoot(net, 1, build_packet(&b), build_size(&b), build_size(&b), 0);
        assert_int_equal(shot.result, WST_NET_HELD);
        free(shot.bytes);
    }
    expect(net, d, 80, 80, false, 0, WST_NET_TCP);
    wst_net_free(net);
    free(d);
    free(other_id);
    free(v6);
}

static void test_malformed(void **state)
{
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        struct wst_net *net = net_with(0, 0);
        struct datagram *d = datagram_new(family, 7, WHOLE_MAX - 20);
        expect(net, d, 0, 0, true, 0, WST_NET_SHORT);        /* empty */
        expect(net, d, 80, 0, false, 0, WST_NET_SHORT);      /* empty */
        expect(net, d, 0, 81, true, 0, WST_NET_SHORT);       /* not in units of 8 */
        expect(net, d, 65528, 8, false, 0, WST_NET_SHORT);   /* the ping of death */
        expect(net, d, 64000, 1600, true, 0, WST_NET_SHORT); /* likewise */
        assert_int_equal(wst_net_memory(net), 0);
        expect(net, d, 65528, 7, false, 0, WST_NET_HELD); /* the longest there is */
        wst_net_free(net);
        free(d);
    }
}

/* Two ends, or bytes beyond the end: version 4 begins anew, version 6 hears no more of it. */
static void test_contradiction(void **state)
{
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        struct datagram *d = datagram_new(family, 7, 140);
        for (int i = 0; i < 3; i++) {
            struct wst_net *net = net_with(0, 0);
            expect(net, d, 80, 80, i == 2, 0, WST_NET_HELD);
            if (i == 0) expect(net, d, 80, 88, false, 0, WST_NET_SHORT);
            if (i == 1) expect(net, d, 160, 80, true, 0, WST_NET_SHORT);
            if (i == 2) expect(net, d, 144, 8, false, 0, WST_NET_SHORT);
            expect(net, d, 0, 80, true, 0, WST_NET_HELD);
            expect(net, d, 80, 80, false, 0, family == 4 ? WST_NET_TCP : WST_NET_HELD);
            expect(net, d, 0, 80, true, 31 * second, WST_NET_HELD);
            expect(net, d, 80, 80, false, 31 * second, WST_NET_TCP);
            wst_net_free(net);
        }
        free(d);
    }
}

static void test_snap_length(void **state)
{
    (void)state;
    static struct build b;
    struct wst_net *net = net_with(0, 0);
    struct datagram *d = datagram_new(4, 7, 140);
    b.at = BUILD_ROOM;
    b.reply = false;
    put_fragment(&b, d, (struct fragment){0, 80, true, 0}, 6);
    size_t n = build_size(&b);
    for (size_t cut = 0; cut < n; cut++) {
        struct shot shot = shoot(net, 101, build_packet(&b), cut, n, 0);
        assert_int_equal(shot.result, WST_NET_SHORT);
        free(shot.bytes);
    }
    assert_int_equal(wst_net_memory(net), 0);
    wst_net_free(net);
    free(d);
}

/* -- caps -- */

static void test_memory(void **state)
{
    (void)state;
    enum { LIMIT = 20000 };
    struct wst_net *net = net_with(LIMIT, 0);
    struct datagram *d = datagram_new(4, 0, 1980);
    for (d->id = 1; d->id <= 100; d->id++) {
        expect(net, d, 0, 1000, true, d->id, WST_NET_HELD);
        assert_true(wst_net_memory(net) <= LIMIT);
    }
    assert_true(wst_net_memory(net) > LIMIT - 2000);
    d->id = 100; /* the youngest are still there, the oldest are not */
    expect(net, d, 1000, 1000, false, 200, WST_NET_TCP);
    d->id = 1;
    expect(net, d, 1000, 1000, false, 201, WST_NET_HELD);
    assert_true(wst_net_memory(net) <= LIMIT);
    wst_net_free(net);

    net = net_with(1, 0); /* nothing can wait at all */
    expect(net, d, 0, 1000, true, 0, WST_NET_HELD);
    assert_int_equal(wst_net_memory(net), 0);
    expect(net, d, 1000, 1000, false, 0, WST_NET_HELD);
    wst_net_free(net);
    free(d);
}

static void test_datagrams(void **state)
{
    (void)state;
    for (int family = 4; family <= 6; family += 2) {
        struct wst_net *net = net_with(0, 0);
        struct datagram *d = datagram_new(family, 0, 140);
        for (d->id = 1; d->id <= 5000; d->id++) expect(net, d, 0, 80, true, 0, WST_NET_HELD);
        assert_true(wst_net_memory(net) < 1024 * 400);
        d->id = 5000 - 1023;
        expect(net, d, 80, 80, false, 0, WST_NET_TCP);
        d->id = 5000 - 1024;
        expect(net, d, 80, 80, false, 0, WST_NET_HELD);
        for (d->id = 10000; d->id <= 15000; d->id++) { /* and as many finished ones */
            expect(net, d, 0, 80, true, 0, WST_NET_HELD);
            expect(net, d, 80, 80, false, 0, WST_NET_TCP);
        }
        assert_true(wst_net_memory(net) < 1024 * 800);
        wst_net_free(net);
        free(d);
    }
}

static void test_pieces(void **state)
{
    (void)state;
    struct wst_net *net = net_with(0, 0);
    struct datagram *d = datagram_new(4, 7, 20000);
    for (size_t i = 0; i < 256; i++) expect(net, d, i * 16, 8, true, 0, WST_NET_HELD);
    expect(net, d, 256 * 16, 8, true, 0, WST_NET_SHORT);
    assert_int_equal(wst_net_memory(net), 0);
    wst_net_free(net);
    free(d);
}

/* -- with everything else -- */

/* Cuts the packet of IP in `b` in two fragments of IP. */
static void halves(struct build *b, size_t half, struct build *first, struct build *last)
{
    size_t n = build_size(b) - 20;
    uint8_t *p = build_packet(b);
    *first = *last = *b;
    first->at = last->at = BUILD_ROOM;
    put(first, p + 20, half), put_ipv4_full(first, 99, p[9], 1, 0x2000, 0);
    put(last, p + 20 + half, n - half), put_ipv4_full(last, 99, p[9], 1, (unsigned)half / 8, 0);
    memcpy(build_packet(first) + 12, p + 12, 8), build_ipv4_sum(first);
    memcpy(build_packet(last) + 12, p + 12, 8), build_ipv4_sum(last);
}

/* A VXLAN packet fragmented outside which completes a datagram fragmented inside: the segment
 * lies in a buffer in a buffer. */
static void test_tunnels(void **state)
{
    (void)state;
    static struct build whole, inner[2], outer[2];
    struct wst_options options = build_options();
    options.verify_checksums = true;
    struct wst_net *net = wst_net_new(&options);
    whole.at = BUILD_ROOM;
    put_plain4(&whole);
    halves(&whole, 24, &inner[0], &inner[1]);
    for (int i = 0; i < 2; i++) {
        put_ether(&inner[i], 0x0800);
        put32(&inner[i], 42 << 8), put32(&inner[i], 8u << 24);
        put_udp(&inner[i], 4789), put_ipv4(&inner[i], 70, 17);
    }
    struct shot shot =
        shoot(net, 101, build_packet(&inner[0]), build_size(&inner[0]), build_size(&inner[0]), 0);
    assert_int_equal(shot.result, WST_NET_HELD);
    free(shot.bytes);
    halves(&inner[1], 32, &outer[0], &outer[1]);
    for (int i = 1; i >= 0; i--) {
        size_t n = build_size(&outer[i]);
        shot = shoot(net, 101, build_packet(&outer[i]), n, n, 0);
        if (i == 1)
            assert_int_equal(shot.result, WST_NET_HELD);
        else
            assert_segment(&shot, false, "in a buffer in a buffer");
        if (i == 0) assert_true(shot.segment.domain != 0);
        free(shot.bytes);
    }
    wst_net_free(net);
}

/* One fragment header in another: a whole packet made of fragments is no fragment. */
static void test_nested_header(void **state)
{
    (void)state;
    static struct build b;
    struct wst_net *net = net_with(0, 0);
    for (unsigned i = 0; i < 2; i++) {
        b.at = BUILD_ROOM;
        put_zero(&b, 8), put32(&b, 9), put16(&b, i * 16 | 1), PUT(&b, 6, 0);
        put32(&b, 7), put16(&b, i * 16 | (i == 0)), PUT(&b, 44, 0), put_ipv6(&b, 1, 44);
        struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
        assert_int_equal(shot.result, i == 0 ? WST_NET_HELD : WST_NET_SHORT);
        free(shot.bytes);
    }
    wst_net_free(net);
}

/* Memory goes back to what it was; a whole packet is let go with the next one. */
static void test_release(void **state)
{
    (void)state;
    static struct build b;
    struct wst_net *net = net_with(0, 0);
    struct datagram *d = datagram_new(4, 7, 60000);
    expect(net, d, 0, 30000, true, 0, WST_NET_HELD);
    expect(net, d, 30000, d->n - 30000, false, 0, WST_NET_TCP);
    assert_true(wst_net_memory(net) >= d->n);
    b.at = BUILD_ROOM;
    put_plain4(&b);
    struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 200 * ms);
    assert_segment(&shot, false, "plain");
    free(shot.bytes);
    assert_true(wst_net_memory(net) < 500);
    wst_net_free(net);
    free(d);
}

/* Frames that 802.11 sends as one, in a tunnel whose packet was fragmented: they lie in what was
 * put together until the last of them is out. */
static void test_aggregate(void **state)
{
    (void)state;
    static struct build b, one, half[2];
    struct wst_net *net = net_with(0, 0);
    b.at = BUILD_ROOM;
    for (int i = 0; i < 2; i++) {
        one.at = BUILD_ROOM;
        put_plain4(&one), put_snap(&one, 0x0800);
        unsigned n = (unsigned)build_size(&one);
        if (i) put_zero(&b, (4 - (14 + n) % 4) % 4);
        put(&b, build_packet(&one), n), put16(&b, n), put_zero(&b, 12);
    }
    PUT(&b, 0x80, 0), put_zero(&b, 22), PUT(&b, 0x88, 0x02);
    PUT(&b, 1, 0, 0, 18, 1), put_udp(&b, 37008), put_ipv4(&b, 70, 17); /* TZSP */
    halves(&b, 64, &half[0], &half[1]);
    struct wst_packet packet = {.link_type = 101};
    struct wst_segment s;
    enum wst_net_result result;
    for (int i = 0; i < 2; i++) {
        packet.data = (struct wst_slice){build_packet(&half[i]), build_size(&half[i])};
        assert_int_equal(wst_net_segment(net, &packet, &s), i ? WST_NET_SEVERAL : WST_NET_HELD);
    }
    for (int i = 0; i < 2; i++) {
        assert_true(wst_net_next(net, &result, &s));
        assert_int_equal(result, WST_NET_TCP);
        assert_int_equal(s.payload.n, strlen(build_text));
        assert_memory_equal(s.payload.p, build_text, s.payload.n);
    }
    assert_false(wst_net_next(net, &result, &s));
    wst_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_repeated_after_the_end),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_kept_apart),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_contradiction),
        cmocka_unit_test(test_snap_length),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_tunnels),
        cmocka_unit_test(test_nested_header),
        cmocka_unit_test(test_aggregate),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_forged_repetition),
        cmocka_unit_test(test_next_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
