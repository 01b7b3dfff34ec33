/* SPDX-License-Identifier: MIT
 *
 * Numbers, headers of frames, which streams are over, what looks like DATA.
 */
#include "guard.h"
#include "http3/http3.h"
#include "slice.h"

static void numbers_of_all_lengths(void **state)
{
    (void)state;
    /* RFC 9000 appendix A.1 */
    static const struct {
        uint8_t p[8];
        size_t n;
        uint64_t value;
    } rows[] = {
        {{0x25}, 1, 37},
        {{0x40, 0x25}, 2, 37},
        {{0x7b, 0xbd}, 2, 15293},
        {{0x9d, 0x7f, 0x3e, 0x7d}, 4, 494878333},
        {{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 8, UINT64_C(151288809941952652)}};
    struct guard g;
    guard_init(&g, 16);
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (size_t n = 0; n <= 8; n++) {
            uint64_t value = 1;
            struct wst_slice s = guard_put(&g, rows[i].p, n);
            size_t used = wst_varint_read(s.p, n, &value);
            assert_int_equal(used, n < rows[i].n ? 0 : rows[i].n);
            assert_int_equal(value, n < rows[i].n ? 1 : rows[i].value);
        }
    guard_free(&g);
}

static void headers_in_pieces(void **state)
{
    (void)state;
    static const uint8_t bytes[] = "\xc0\0\0\0\0\0\0\1\x80\0\1\0rest";
    for (size_t at = 0; at < 12; at++) {
        struct wst_http3_frames f = {.have = 0};
        assert_int_equal(wst_http3_header(&f, wst_slice_of(bytes, at)), at);
        assert_false(f.begun);
        assert_int_equal(wst_http3_header(&f, wst_slice_of(bytes + at, 16 - at)), 12 - at);
        assert_true(f.begun);
        assert_int_equal(f.type, 1);
        assert_int_equal(f.left, 256);
    }
}

/* Against a list of all of them. */
static void streams_that_are_over(void **state)
{
    (void)state;
    enum { ALL = 20000 };
    static bool over[ALL];
    struct wst_http3_numbers numbers = {.from = 0};
    uint64_t seed = 3, largest = 0;
    for (int i = 0; i < 30000; i++) {
        uint64_t n = largest + rnd_below(&seed, 40) - rnd_below(&seed, 40);
        if (rnd_below(&seed, 500) == 0) n = largest + rnd_below(&seed, 1500);
        if (n >= ALL) n = rnd_below(&seed, ALL);
        if (n > largest) largest = n;
        wst_http3_done(&numbers, n);
        over[n] = true;
        for (int k = 0; k < 10; k++) {
            uint64_t one = largest + 10 - rnd_below(&seed, 1000);
            if (one >= ALL) continue;
            bool is = wst_http3_is_done(&numbers, one);
            if (over[one]) assert_true(is);
            if (!over[one] && one + WST_HTTP3_DONE - 64 > largest) assert_false(is);
        }
    }
    assert_true(largest > 10000);
    wst_http3_done(&numbers, (UINT64_C(1) << 60) - 1);
    assert_true(wst_http3_is_done(&numbers, (UINT64_C(1) << 60) - 1));
    assert_true(wst_http3_is_done(&numbers, 5));
    assert_false(wst_http3_is_done(&numbers, (UINT64_C(1) << 60) - 2));
}

static void what_looks_like_data(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        enum wst_dir dir;
        bool last;
        enum wst_http3_found found;
    } rows[] = {
        {"", 0, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"", 0, WST_S2C, true, WST_HTTP3_NONE},
        {"\0", 1, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5", 2, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5\x81", 3, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5\x81\3", 4, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5\x81\3abc", 7, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5\x81\3abc", 7, WST_S2C, true, WST_HTTP3_FOUND},
        {"\0\5\x81\3abc\0", 8, WST_S2C, true, WST_HTTP3_NONE},
        {"\0\5\x81\3abc\0\2\x89", 10, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5\x81\3abc\0\2\x89\0", 11, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\5\x81\3abc\0\2\x89\1", 11, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\5\x81\3abc\0\2\x89\1", 11, WST_S2C, true, WST_HTTP3_NONE},
        {"\0\5\x81\3abc\0\3\x89\2", 11, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\5\x81\3abcd", 8, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\5\x81\4abc", 7, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\5\x81\3abc", 7, WST_C2S, true, WST_HTTP3_NONE}, /* a client masks */
        {"\0\11\x81\x83....abc", 11, WST_C2S, true, WST_HTTP3_FOUND},
        {"\0\11\x81\x83....abc", 11, WST_S2C, true, WST_HTTP3_NONE},
        {"\0\x40\5\x81\3abc", 8, WST_S2C, true, WST_HTTP3_NONE}, /* nobody writes 5 so */
        {"\0\x44\4\x82\x7e\4\0", 7, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\x44\5\x82\x7e\4\0", 7, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\x44\4\x88\x7e\4\0", 7, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\x80\1\0\12\x82\x7f\0\0\0\0\0\1\0\0", 15, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\x80\1\0\12\x82\x7f\1\0\0\0\0\1\0\0", 15, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\2\1\0\0\2\1\0", 8, WST_S2C, true, WST_HTTP3_NONE},
        {"\0\5\1\3abc\0\2\x89\0", 11, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\5\x81\3abc\0\3\1\1", 11, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\5\x80\3abc\0\2\0\0", 11, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\11\1\x83....abc\0\6\x80\x80", 15, WST_C2S, false, WST_HTTP3_FOUND},
        {"\0\5\xc8\3abc\0\2\x89\0", 11, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\5\x83\3abc\0\2\x89\0", 11, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\2\x81\3", 4, WST_S2C, false, WST_HTTP3_PERHAPS}, /* its header by itself */
        {"\0\2\x81\3\0", 5, WST_S2C, false, WST_HTTP3_PERHAPS},
        {"\0\2\x81\3\0\3", 6, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\2\x81\3\0\4", 6, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\2\x81\3\1\3", 6, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\3\x81\3a\0\2", 7, WST_S2C, false, WST_HTTP3_NONE}, /* nobody cuts there */
        {"\0\4\x82\x7e\4\0\0\x44\0", 9, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\2\1\3\0\3", 6, WST_S2C, false, WST_HTTP3_FOUND},
        {"\0\2\0\3\0\3", 6, WST_S2C, false, WST_HTTP3_NONE},
        {"\0\6\x81\x83....\0\3", 10, WST_C2S, false, WST_HTTP3_FOUND},
        {"\0\4\x81\x7e\1\0\0\x41\0", 9, WST_S2C, false, WST_HTTP3_FOUND},
        {"\1\5\x81\3abc", 7, WST_S2C, true, WST_HTTP3_NONE},
    };
    struct guard g;
    guard_init(&g, 64);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_slice s = guard_put(&g, rows[i].bytes, rows[i].n);
        enum wst_http3_found found = wst_http3_sought(s, rows[i].dir, rows[i].last);
        if (found != rows[i].found) print_message("row %zu\n", i);
        assert_int_equal(found, rows[i].found);
    }
    guard_free(&g);
}

/* It makes up its mind before what is kept is full. */
static void it_is_never_undecided(void **state)
{
    (void)state;
    uint64_t seed = 5;
    static const uint8_t likely[] = {0,   0,    2,    5,    6,    125,  126,
                                     127, 0x40, 0x80, 0x81, 0x82, 0x88, 0xfe};
    size_t found = 0;
    for (int i = 0; i < 300000; i++) {
        uint8_t bytes[WST_HTTP3_SOUGHT];
        enum wst_dir dir = i % 2 ? WST_S2C : WST_C2S;
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = likely[rnd_below(&seed, sizeof likely)];
        if (i % 3) { /* one that may be followed by another */
            size_t n = 2 + rnd_below(&seed, 60), header = dir == WST_C2S ? 6 : 2;
            uint8_t mask = dir == WST_C2S ? 0x80 : 0;
            if (n < header) n = header;
            const uint8_t one[] = {0, (uint8_t)n, 0x81, (uint8_t)(mask | (n - header))};
            memcpy(bytes, one, sizeof one);
            memcpy(bytes + 2 + n, i % 3 == 1 ? (uint8_t[]){0, (uint8_t)header, 0x89, mask} : one,
                   4);
        }
        enum wst_http3_found is = wst_http3_sought(wst_slice_of(bytes, sizeof bytes), dir, false);
        assert_int_not_equal(is, WST_HTTP3_PERHAPS);
        if (i % 3 == 1) assert_int_equal(is, WST_HTTP3_FOUND);
        found += is == WST_HTTP3_FOUND;
    }
    assert_true(found < 290000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_all_lengths), cmocka_unit_test(headers_in_pieces),
        cmocka_unit_test(streams_that_are_over),  cmocka_unit_test(what_looks_like_data),
        cmocka_unit_test(it_is_never_undecided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
