/* SPDX-License-Identifier: MIT
 *
 * Pieces of a stream, in any order and over each other, against an array of all its bytes: whose
 * byte came first stays, nothing is handed on twice, nothing that came is missing. Caps, and memory
 * that is refused at each request.
 */
#include "guard.h"
#include "order.h"

enum { SIZE = 6000 };

struct taker {
    struct wst_quic_order order;
    struct wst_budget budget;
    struct wst_quic_caps caps;
    uint8_t owner[SIZE]; /* the slow twin: which piece brought it, 0: none did */
    uint64_t at;         /* so much was handed on */
    bool refused;
};

static uint8_t byte_of(uint64_t at, uint8_t piece)
{
    return (uint8_t)(at * 7 + piece * 31);
}

static void take(struct taker *t, struct wst_slice s, uint64_t pkt)
{
    assert_int_equal(t->order.next, t->at);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(t->owner[t->at + i], pkt);
        assert_int_equal(s.p[i], byte_of(t->at + i, (uint8_t)pkt));
    }
    t->at += s.n;
    wst_quic_order_pass(&t->order, &t->budget, s.n);
}

static void drain(struct taker *t)
{
    uint64_t pkt = 0;
    for (struct wst_slice w; (w = wst_quic_order_next(&t->order, &pkt)).n;) take(t, w, pkt);
}

static void put(struct taker *t, struct guard *g, uint64_t at, size_t n, uint8_t piece)
{
    uint8_t bytes[SIZE];
    struct wst_slice now;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = byte_of(at + i, piece);
        if (at + i >= t->at && !t->owner[at + i]) t->owner[at + i] = piece;
    }
    struct wst_slice s = guard_put(g, bytes, n);
    for (;;) {
        if (!wst_quic_order_put(&t->order, &t->budget, at, s, piece, &t->caps, &now)) {
            t->refused = true;
            return;
        }
        if (!now.n) break;
        take(t, now, piece);
        drain(t);
    }
}

static void taker_init(struct taker *t)
{
    memset(t, 0, sizeof *t);
    t->budget.max = 1 << 20;
    t->caps = (struct wst_quic_caps){1 << 20, 4096};
}

static void taker_free(struct taker *t)
{
    wst_quic_order_free(&t->order, &t->budget);
    assert_int_equal(t->budget.used, 0);
    assert_int_equal(t->order.kept, 0);
    assert_int_equal(t->order.pieces, 0);
}

/* What lies in front of what is kept, and what is kept, byte by byte. */
static void compare(const struct taker *t)
{
    uint64_t end = t->at;
    size_t kept = 0;
    while (end < SIZE && t->owner[end]) end++;
    assert_int_equal(end, t->at); /* nothing that could be handed on waits */
    while (end < SIZE && !t->owner[end]) end++;
    assert_int_equal(wst_quic_order_hole(&t->order), end < SIZE ? end - t->at : 0);
    for (uint64_t i = t->at; i < SIZE; i++) kept += t->owner[i] != 0;
    assert_int_equal(t->order.kept, kept);
}

static void random_pieces(void **state)
{
    static struct taker t;
    struct guard g;
    (void)state;
    guard_init(&g, SIZE);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t s = seed;
        size_t longest = 1 + rnd_below(&s, seed % 3 ? 90 : 1500);
        taker_init(&t);
        for (unsigned piece = 1; t.at < SIZE; piece = piece % 255 + 1) {
            uint64_t from = t.at > 50 ? t.at - rnd_below(&s, 50) : t.at;
            uint64_t at = from + rnd_below(&s, rnd_below(&s, 6) ? 400 : SIZE);
            if (at >= SIZE) at = SIZE - 1;
            size_t n = rnd_below(&s, longest + 1);
            if (n > SIZE - at) n = SIZE - at;
            put(&t, &g, at, n, (uint8_t)piece);
            assert_false(t.refused);
            compare(&t);
        }
        taker_free(&t);
    }
    guard_free(&g);
}

/* One frame before, over and behind what waits: nothing of it is lost. */
static void over_what_waits(void **state)
{
    static struct taker t;
    struct guard g;
    (void)state;
    guard_init(&g, SIZE);
    taker_init(&t);
    put(&t, &g, 10, 10, 1);
    put(&t, &g, 40, 10, 2);
    put(&t, &g, 0, 100, 3);
    assert_int_equal(t.at, 100);
    assert_int_equal(t.order.pieces, 0);
    taker_free(&t);
    guard_free(&g);
}

static void caps(void **state)
{
    static struct taker t;
    struct guard g;
    (void)state;
    guard_init(&g, SIZE);
    for (int bytes = 0; bytes < 2; bytes++) {
        taker_init(&t);
        t.caps = bytes ? (struct wst_quic_caps){100, 4096} : (struct wst_quic_caps){4096, 10};
        for (unsigned i = 0; i < 50; i++) put(&t, &g, 100 + 20 * i, 10, 1);
        assert_true(t.refused);
        assert_int_equal(t.order.pieces, 10);
        assert_int_equal(t.order.kept, 100);
        t.refused = false;
        put(&t, &g, 0, 100, 2); /* what is next never needs room */
        assert_false(t.refused);
        assert_int_equal(t.at, 110);
        taker_free(&t);
    }
    guard_free(&g);
}

/* Memory is refused from the n-th request on: what is said stays in order and right. */
static void refused(void **state)
{
    static struct taker t;
    struct guard g;
    (void)state;
    guard_init(&g, SIZE);
    for (size_t max = 0; max < 4000; max += 37) {
        uint64_t s = max + 1;
        taker_init(&t);
        t.budget.max = max;
        for (unsigned piece = 1; piece < 100; piece++) {
            uint64_t at = t.at + rnd_below(&s, 500);
            if (at >= SIZE - 100) break;
            uint8_t was[SIZE];
            memcpy(was, t.owner, sizeof was);
            size_t kept = t.order.kept;
            t.refused = false;
            put(&t, &g, at, 100, (uint8_t)piece);
            assert_true(t.budget.used <= max);
            if (!t.refused) continue;
            assert_true(t.order.kept >=
                        kept); /* a part of it may be kept: then it is at its place */
            uint64_t end = t.at + wst_quic_order_hole(&t.order);
            memcpy(t.owner, was, sizeof was);
            t.at = t.order.next = end; /* the hole is given up; what waits is as it was */
            for (uint64_t pkt, first = 1; first;) {
                struct wst_slice w = wst_quic_order_next(&t.order, &pkt);
                first = w.n;
                for (size_t i = 0; i < w.n; i++)
                    assert_int_equal(w.p[i], byte_of(t.at + i, (uint8_t)pkt));
                t.at += w.n;
                wst_quic_order_pass(&t.order, &t.budget, w.n);
            }
            memset(t.owner, 0, sizeof t.owner);
            wst_quic_order_free(&t.order, &t.budget);
        }
        taker_free(&t);
    }
    guard_free(&g);
}

/* Offsets are below 2^62 (RFC 9000 section 4.5). */
static void far_offsets(void **state)
{
    static struct taker t;
    static const uint8_t bytes[16];
    struct wst_slice now;
    (void)state;
    taker_init(&t);
    uint64_t far = (UINT64_C(1) << 62) - 16;
    assert_true(
        wst_quic_order_put(&t.order, &t.budget, far, wst_slice_of(bytes, 16), 1, &t.caps, &now));
    assert_int_equal(now.n, 0);
    assert_true(wst_quic_order_put(&t.order, &t.budget, far - 8, wst_slice_of(bytes, 16), 2,
                                   &t.caps, &now));
    assert_int_equal(t.order.kept, 24);
    assert_true(wst_quic_order_hole(&t.order) == far - 8);
    taker_free(&t);
}

/* Each before the last of those that wait, and behind all others: no one of them is looked at to
 * find where. One after the other, that would take a quarter of an hour, and more. */
static void before_the_last(void **state)
{
    enum { PIECES = 500000 };
    static struct taker t;
    static const uint8_t byte = 7;
    struct wst_slice now, one = wst_slice_of(&byte, 1);
    uint64_t at = 2, pkt;
    (void)state;
    taker_init(&t);
    t.budget.max = 1 << 30;
    t.caps = (struct wst_quic_caps){1 << 30, PIECES};
    assert_true(wst_quic_order_put(&t.order, &t.budget, 4 * PIECES, one, 1, &t.caps, &now));
    for (; t.order.pieces < PIECES; at += 2)
        assert_true(wst_quic_order_put(&t.order, &t.budget, at, one, at, &t.caps, &now));
    assert_false(wst_quic_order_put(&t.order, &t.budget, at, one, at, &t.caps, &now));
    for (uint64_t i = 2; i < at; i += 2) {
        assert_int_equal(wst_quic_order_hole(&t.order), i == 2 ? 2 : 1);
        wst_quic_order_pass(&t.order, &t.budget, i - t.order.next);
        assert_int_equal(wst_quic_order_next(&t.order, &pkt).n, 1);
        assert_int_equal(pkt, i);
        wst_quic_order_pass(&t.order, &t.budget, 1);
    }
    assert_int_equal(t.order.pieces, 1);
    assert_int_equal(wst_quic_order_hole(&t.order), 4 * PIECES - t.order.next);
    taker_free(&t);
}

/* Of a byte that waits a pointer, its place, its packet and its length are kept, in a block that
 * has a length of its own: the budget knows. */
static void small_pieces(void **state)
{
    enum { PIECES = 1024, LEAST = 5 * 8 };
    static struct taker t;
    static const uint8_t byte = 7;
    struct wst_slice now, one = wst_slice_of(&byte, 1);
    (void)state;
    taker_init(&t);
    t.caps = (struct wst_quic_caps){1 << 20, PIECES};
    for (uint64_t i = 0; i < PIECES; i++)
        assert_true(wst_quic_order_put(&t.order, &t.budget, 1 + 2 * i, one, i, &t.caps, &now));
    assert_true(t.budget.used > PIECES * LEAST);
    taker_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_pieces), cmocka_unit_test(over_what_waits),
        cmocka_unit_test(caps),          cmocka_unit_test(refused),
        cmocka_unit_test(far_offsets),   cmocka_unit_test(before_the_last),
        cmocka_unit_test(small_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
