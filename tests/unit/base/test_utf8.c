/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define SLICE(literal)                                  \
    {                                                   \
        (const uint8_t *)(literal), sizeof(literal) - 1 \
    }
#define VALID UINT64_MAX
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

struct row {
    struct wst_slice text;
    uint64_t bad;  /* where it breaks, or VALID */
    uint64_t good; /* whole characters before */
    bool done;
};

static const struct row rows[] = {
    {SLICE(""), VALID, 0, true},
    {SLICE("Hello"), VALID, 5, true},
    {SLICE("\x00\x7f"), VALID, 2, true},
    {SLICE("\xc2\x80\xdf\xbf"), VALID, 4, true},
    {SLICE("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), VALID, 12, true},
    {SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), VALID, 8, true},
    /* open at the end */
    {SLICE("a\xc3"), VALID, 1, false},
    {SLICE("a\xe2\x82"), VALID, 1, false},
    {SLICE("\xf0\x9f\x98"), VALID, 0, false},
    /* a tail without a lead, a lead without a tail, leads that are none */
    {SLICE("a\x80"), 1, 1, false},
    {SLICE("\xc3\x28"), 1, 0, false},
    {SLICE("\xe2\x82\x28"), 2, 0, false},
    {SLICE("\xf0\x9f\x98\x28"), 3, 0, false},
    {SLICE("ab\xff"), 2, 2, false},
    {SLICE("ab\xfe"), 2, 2, false},
    {SLICE("ab\xf5\x80\x80\x80"), 2, 2, false},
    {SLICE("\xf8\x88\x80\x80\x80"), 0, 0, false},
    /* overlong: told by the second byte at the latest */
    {SLICE("\xc0\x80"), 0, 0, false},
    {SLICE("\xc1\xbf"), 0, 0, false},
    {SLICE("\xe0\x9f\xbf"), 1, 0, false},
    {SLICE("\xf0\x8f\xbf\xbf"), 1, 0, false},
    /* surrogates; beyond U+10FFFF */
    {SLICE("\xed\xa0\x80"), 1, 0, false},
    {SLICE("\xed\xbf\xbf"), 1, 0, false},
    {SLICE("\xf4\x90\x80\x80"), 1, 0, false},
    /* Autobahn 6.4.1: to fail fast is to fail at the byte 0x90 */
    {SLICE("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
           "edited"),
     12, 11, false},
    /* Autobahn 6.3.1 */
    {SLICE("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
           "edited"),
     12, 11, false},
};

static void expect(const struct wst_utf8 *u, const struct row *row)
{
    assert_int_equal(u->bad, row->bad);
    assert_int_equal(u->good, row->good);
    assert_int_equal(wst_utf8_done(u), row->done);
}

static void whole_and_by_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_utf8 whole, byte;
        wst_utf8_init(&whole);
        wst_utf8_init(&byte);
        assert_int_equal(wst_utf8_feed(&whole, rows[i].text), rows[i].bad == VALID);
        for (size_t k = 0; k < rows[i].text.n; k++) {
            bool fine = wst_utf8_feed(&byte, (struct wst_slice){rows[i].text.p + k, 1});
            assert_int_equal(fine, k < rows[i].bad);
        }
        expect(&whole, &rows[i]);
        expect(&byte, &rows[i]);
        assert_int_equal(wst_utf8_valid(rows[i].text), rows[i].done);
    }
}

/* Every row behind long ASCII, so that the fast path ends at every place in its blocks. */
static void behind_ascii(void **state)
{
    uint8_t text[160];
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (size_t before = 0; before < 100; before++) {
            struct wst_slice s = {text, before + rows[i].text.n};
            struct wst_utf8 u;
            memset(text, 'a', sizeof text);
            memcpy(text + before, rows[i].text.p, rows[i].text.n);
            wst_utf8_init(&u);
            wst_utf8_feed(&u, s);
            assert_int_equal(u.bad, rows[i].bad == VALID ? VALID : rows[i].bad + before);
            assert_int_equal(u.good, rows[i].good + before);
            assert_int_equal(wst_utf8_valid(s), rows[i].done);
            size_t front = wst_utf8_front(s);
            assert_true(rows[i].bad == VALID ? front == u.good : front <= u.good);
            assert_true(wst_utf8_valid((struct wst_slice){text, front}));
        }
}

/* Every row some way behind a character that is not ASCII, in the run of blocks that are judged for
 * its sake, at its end, and behind it; at the end of the text and inside it. */
static void behind_a_character(void **state)
{
    static const size_t firsts[] = {0, 30, 31, 33};
    uint8_t text[700];
    (void)state;
    for (size_t k = 0; k < ARRAY(firsts); k++)
        for (size_t i = 0; i < ARRAY(rows); i++)
            for (size_t before = 40; before < 640; before++) {
                size_t n = before + rows[i].text.n;
                memset(text, 'a', sizeof text);
                memcpy(text + firsts[k], "\xc3\xa9", 2);
                memcpy(text + before, rows[i].text.p, rows[i].text.n);
                assert_int_equal(wst_utf8_valid((struct wst_slice){text, n}), rows[i].done);
                bool valid = wst_utf8_valid_scalar((struct wst_slice){text, n + 40});
                assert_int_equal(wst_utf8_valid((struct wst_slice){text, n + 40}), valid);
                valid = wst_utf8_valid_scalar((struct wst_slice){text, sizeof text});
                assert_int_equal(wst_utf8_valid((struct wst_slice){text, sizeof text}), valid);
            }
}

/* Valid text that comes by and by: what is known of it is all but the character that is open. */
static void fronts_of_what_comes(void **state)
{
    static const char piece[] = "a\xc3\xa9\xe2\x82\xac plain \xf0\x9f\x98\x80";
    uint8_t text[40 * (sizeof piece - 1)];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)piece[i % (sizeof piece - 1)];
    for (size_t step = 1; step < 100; step++) {
        size_t sound = 0;
        for (size_t n = step; n <= sizeof text; n += step) {
            struct wst_utf8 u;
            wst_utf8_init(&u);
            wst_utf8_feed(&u, (struct wst_slice){text, n});
            sound += wst_utf8_front((struct wst_slice){text + sound, n - sound});
            assert_int_equal(sound, u.good);
        }
    }
}

static size_t encode(uint8_t *p, uint32_t c)
{
    if (c < 0x80) return *p = (uint8_t)c, 1;
    if (c < 0x800) return p[0] = (uint8_t)(0xc0 | c >> 6), p[1] = (uint8_t)(0x80 | (c & 63)), 2;
    p[0] = (uint8_t)(0xe0 | c >> 12);
    p[1] = (uint8_t)(0x80 | (c >> 6 & 63));
    p[2] = (uint8_t)(0x80 | (c & 63));
    if (c < 0x10000) return 3;
    p[3] = p[2];
    p[2] = p[1];
    p[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    p[0] = (uint8_t)(0xf0 | c >> 18);
    return 4;
}

/* All code points, and a little beyond: valid but for surrogates and what is too large. */
static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x1fffff; c++) {
        uint8_t p[4];
        size_t n = encode(p, c);
        bool legal = c < 0xd800 || (c > 0xdfff && c < 0x110000);
        if (wst_utf8_valid((struct wst_slice){p, n}) != legal) fail_msg("U+%04X", c);
        if (wst_utf8_char(p, p + n) != (legal ? n : 0)) fail_msg("U+%04X", c);
        if (n > 1 && wst_utf8_char(p, p + n - 1) != 0) fail_msg("U+%04X cut", c);
    }
}

/* The slow twin: is there any text that begins so? */
static uint64_t horrible(const uint8_t *p, size_t n, bool *done)
{
    size_t i = 0;
    *done = false;
    while (i < n) {
        bool found = false, open = false;
        uint8_t c[4];
        for (size_t len = 1; len <= 4 && !found; len++)
            if (i + len <= n && wst_utf8_char(p + i, p + i + len) == len) i += len, found = true;
        if (found) continue;
        /* How far can it be the beginning of one? */
        size_t fit = 0;
        for (uint32_t point = 0x80; point < 0x110000; point += 0x40) {
            size_t len = encode(c, point), k = 0;
            if (point >= 0xd800 && point <= 0xdfff) continue;
            while (k + 1 < len && i + k < n && p[i + k] == c[k]) k++;
            if (k > fit) fit = k;
            if (i + k == n) open = true;
        }
        return open ? UINT64_MAX : i + fit;
    }
    *done = true;
    return UINT64_MAX;
}

static void random_against_the_twin(void **state)
{
    static const uint8_t bytes[] = {'a',  0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2,
                                    0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5};
    (void)state;
    srand(1);
    for (int round = 0; round < 300; round++) {
        uint8_t p[6];
        size_t n = (size_t)rand() % 7;
        struct wst_utf8 u;
        bool done;
        for (size_t i = 0; i < n; i++) p[i] = bytes[(size_t)rand() % sizeof bytes];
        wst_utf8_init(&u);
        wst_utf8_feed(&u, (struct wst_slice){p, n});
        assert_int_equal(u.bad, horrible(p, n, &done));
        assert_int_equal(wst_utf8_done(&u), done);
    }
}

static void feeding_goes_on_defined_after_failure(void **state)
{
    struct wst_utf8 u;
    (void)state;
    wst_utf8_init(&u);
    assert_false(wst_utf8_feed(&u, (struct wst_slice)SLICE("ab\xff")));
    assert_false(wst_utf8_feed(&u, (struct wst_slice)SLICE("cd")));
    assert_false(wst_utf8_feed(&u, (struct wst_slice){NULL, 0}));
    assert_int_equal(u.bad, 2);
    assert_int_equal(u.seen, 2);
    assert_false(wst_utf8_done(&u));
}

static void ascii_twins(void **state)
{
    uint8_t text[300];
    (void)state;
    for (size_t n = 0; n < sizeof text; n++)
        for (size_t at = 0; at <= n; at++) {
            memset(text, 'x', sizeof text);
            if (at < n) text[at] = 0x80;
            assert_int_equal(wst_utf8_ascii(text, n), at);
            assert_int_equal(wst_utf8_ascii_scalar(text, n), at);
            assert_int_equal(wst_utf8_valid((struct wst_slice){text, n}), at == n);
        }
}

static void cuts(void **state)
{
    struct wst_slice s = SLICE("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"); /* 1 2 3 4 1 */
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    struct wst_slice tails = SLICE("\x80\x80\x80\x80\x80\x80\x80\x80");
    (void)state;
    for (size_t max = 0; max < ARRAY(expected); max++)
        assert_int_equal(wst_utf8_cut(s, max), expected[max]);
    assert_int_equal(wst_utf8_cut((struct wst_slice){NULL, 0}, 5), 0);
    assert_int_equal(wst_utf8_cut(tails, 6), 6); /* no character: nothing to spare */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_and_by_the_byte),
        cmocka_unit_test(behind_ascii),
        cmocka_unit_test(behind_a_character),
        cmocka_unit_test(fronts_of_what_comes),
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(random_against_the_twin),
        cmocka_unit_test(feeding_goes_on_defined_after_failure),
        cmocka_unit_test(ascii_twins),
        cmocka_unit_test(cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
