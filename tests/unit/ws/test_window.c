/* SPDX-License-Identifier: MIT
 *
 * How far compressed bytes refer back, held against zlib: an inflater whose window is as large as
 * the limit, which writes one byte a time, refuses the first distance beyond it.
 */
#include "window.h"

#include "room.h"

enum { TEXT = 70000, MESSAGES = 8, BITS_LEAST = 8, BITS_MOST = 15 };

struct said {
    uint8_t all[(MESSAGES + 1) * TEXT]; /* of all messages */
    size_t n;
};

/* Whether zlib refuses the message for a distance, and behind how many bytes. */
static bool refused(struct said *s, const struct wire *wire, unsigned bits, uint64_t *at)
{
    z_stream z = {0};
    size_t known = s->n < (size_t)1 << bits ? s->n : (size_t)1 << bits;
    uint8_t byte;
    int end;
    assert_int_equal(inflateInit2(&z, -(int)bits), Z_OK);
    if (known) assert_int_equal(inflateSetDictionary(&z, s->all + s->n - known, (uInt)known), Z_OK);
    z.next_in = wire->p;
    z.avail_in = (uInt)wire->n;
    do {
        z.next_out = &byte;
        z.avail_out = 1;
        end = inflate(&z, Z_SYNC_FLUSH);
    } while (end == Z_OK);
    *at = z.total_out;
    bool far = end == Z_DATA_ERROR && strstr(z.msg, "too far back");
    assert_true(far || end == Z_BUF_ERROR || end == Z_STREAM_END);
    inflateEnd(&z);
    return far;
}

static void feed(struct wst_window *w, const struct wire *wire, size_t n, uint64_t *seed)
{
    static struct guard g;
    if (!g.p) guard_init(&g, sizeof((struct said *)0)->all);
    for (size_t at = 0, piece; at < n; at += piece) {
        piece = 1 + rnd_below(seed, rnd_below(seed, 2) ? 9 : 5000);
        if (piece > n - at) piece = n - at;
        wst_window_feed(w, guard_put(&g, wire->p + at, piece));
    }
}

/* One sender's messages, some of which stop in their midst; true if one refers too far back. */
static unsigned talk(unsigned limit, unsigned bits, int level, int strategy, uint64_t *seed)
{
    static struct said s;
    static uint8_t text[TEXT];
    struct wst_window w;
    struct deflater d;
    struct wire wire = {0};
    unsigned far = 0;
    s.n = 0;
    deflater_init(&d, (int)bits, level, strategy, false);
    wst_window_init(&w, limit);
    for (unsigned i = 0; i < MESSAGES; i++) {
        size_t n = 1 + rnd_below(seed, rnd_below(seed, 4) ? 3000 : TEXT);
        uint64_t at;
        fill_message(seed, text, n, !rnd_below(seed, 4));
        if (s.n > n && rnd_below(seed, 2)) /* something of what was said before, once more */
            memcpy(text, s.all + rnd_below(seed, s.n - n), n / 2);
        wire.n = 0;
        deflater_message(&d, text, n, &wire);
        wst_window_begin(&w);
        if (rnd_below(seed, 5)) {
            feed(&w, &wire, wire.n, seed);
            bool wanted = refused(&s, &wire, limit, &at);
            assert_int_equal(w.exceeded, wanted);
            if (wanted) assert_int_equal(w.at, at);
            if (wanted) assert_in_range(w.worst, (1u << limit) + 1, 1u << bits);
            if (!wanted) assert_int_equal(w.out, n);
            far += wanted;
        } else {
            feed(&w, &wire, rnd_below(seed, wire.n), seed);
        }
        memcpy(s.all + s.n, text, n);
        s.n += n;
    }
    deflater_free(&d);
    wire_free(&wire);
    return far;
}

static void against_zlib(void **state)
{
    static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY};
    static const int levels[] = {0, 1, 6, 9};
    uint64_t seed = 7;
    unsigned far = 0;
    (void)state;
    for (unsigned limit = BITS_LEAST; limit <= BITS_MOST; limit++)
        for (unsigned bits = limit > 9 ? limit : 9; bits <= BITS_MOST; bits++)
            for (unsigned i = 0; i < ARRAY(strategies) * ARRAY(levels); i++) {
                unsigned seen = talk(limit, bits, levels[i % 4], strategies[i / 4], &seed);
                if (bits == limit) assert_int_equal(seen, 0);
                far += seen;
            }
    assert_true(far > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_zlib)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
