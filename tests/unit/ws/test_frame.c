/* SPDX-License-Identifier: MIT
 *
 * Frame headers at every length, masks at every phase and alignment.
 */
#include "frame.h"
#include "guard.h"

struct row {
    struct wst_slice bytes;
    size_t header; /* length of the header; 0: never whole */
    uint64_t len;
    unsigned opcode, rsv, bits;
    bool fin, masked;
};

static const struct row rows[] = {
    {SLICE("\x81\x05Hello"), 2, 5, 1, 0, 7, true, false},
    {SLICE("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 6, 5, 1, 0, 7, true, true},
    {SLICE("\x01\x03Hel"), 2, 3, 1, 0, 7, false, false},
    {SLICE("\x80\x00"), 2, 0, 0, 0, 7, true, false},
    {SLICE("\x00\x00"), 2, 0, 0, 0, 7, false, false},
    {SLICE("\x82\x7d"), 2, 125, 2, 0, 7, true, false},
    {SLICE("\x82\x7e\x00\x7e"), 4, 126, 2, 0, 16, true, false},
    {SLICE("\x82\x7e\x01\x00"), 4, 256, 2, 0, 16, true, false},
    {SLICE("\x82\x7e\xff\xff"), 4, 65535, 2, 0, 16, true, false},
    {SLICE("\x82\xfe\xff\xfe\x01\x02\x03\x04"), 8, 65534, 2, 0, 16, true, true},
    {SLICE("\x82\x7f\0\0\0\0\0\1\0\0"), 10, 65536, 2, 0, 64, true, false},
    {SLICE("\x82\xff\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c"), 14, 0x0102030405060708, 2, 0, 64, true,
     true},
    {SLICE("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), 10, INT64_MAX, 2, 0, 64, true, false},
    /* not minimal; the highest bit: a header is a header */
    {SLICE("\x82\x7e\x00\x00"), 4, 0, 2, 0, 16, true, false},
    {SLICE("\x82\x7e\x00\x7d"), 4, 125, 2, 0, 16, true, false},
    {SLICE("\x82\x7f\0\0\0\0\0\0\xff\xff"), 10, 65535, 2, 0, 64, true, false},
    {SLICE("\x82\x7f\0\0\0\0\0\0\0\0"), 10, 0, 2, 0, 64, true, false},
    {SLICE("\x82\x7f\x80\0\0\0\0\0\0\0"), 10, 0x8000000000000000, 2, 0, 64, true, false},
    {SLICE("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), 10, UINT64_MAX, 2, 0, 64, true, false},
    /* reserved bits, opcodes */
    {SLICE("\xc1\x00"), 2, 0, 1, 4, 7, true, false},
    {SLICE("\xa1\x00"), 2, 0, 1, 2, 7, true, false},
    {SLICE("\x91\x00"), 2, 0, 1, 1, 7, true, false},
    {SLICE("\x7f\x00"), 2, 0, 15, 7, 7, false, false},
    {SLICE("\x88\x02\x03\xe8"), 2, 2, 8, 0, 7, true, false},
    /* not whole */
    {SLICE("\x81"), 0, 0, 0, 0, 0, false, false},
    {SLICE("\x81\x85\x37\xfa\x21"), 0, 0, 0, 0, 0, false, false},
    {SLICE("\x82\x7e\x01"), 0, 0, 0, 0, 0, false, false},
    {SLICE("\x82\xff\1\2\3\4\5\6\7\x08\x09\x0a\x0b"), 0, 0, 0, 0, 0, false, false},
};

static void headers(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        for (size_t n = 0; n <= r->bytes.n; n++) {
            struct wst_frame f;
            memset(&f, 0xa5, sizeof f);
            struct wst_slice s = guard_put(&g, r->bytes.p, n);
            size_t is = wst_frame_parse(s.p, s.n, &f);
            if (is != (r->header && n >= r->header ? r->header : 0))
                fail_msg("row %zu, %zu bytes: %zu", i, n, is);
            if (!is) continue;
            if (f.len != r->len || f.opcode != r->opcode || f.rsv != r->rsv || f.fin != r->fin ||
                f.masked != r->masked || f.length_bits != r->bits || f.header_len != r->header)
                fail_msg("row %zu: %llu %u %u %d %d %u %u", i, (unsigned long long)f.len, f.opcode,
                         f.rsv, f.fin, f.masked, f.length_bits, f.header_len);
            static const uint8_t none[4];
            assert_memory_equal(f.key, f.masked ? r->bytes.p + r->header - 4 : none, 4);
        }
    }
    guard_free(&g);
}

/* All of the first two bytes: what RFC 6455 section 5.2 says of each bit. */
static void first_two_bytes(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 65536; v++) {
        uint8_t p[14] = {(uint8_t)(v >> 8), (uint8_t)v, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        struct wst_frame f;
        unsigned len7 = v & 0x7f;
        size_t want = 2 + (len7 == 126 ? 2 : len7 == 127 ? 8 : 0) + (v & 0x80 ? 4 : 0);
        assert_int_equal(wst_frame_parse(p, 14, &f), want);
        assert_int_equal(wst_frame_parse(p, want - 1, &f), 0);
        assert_int_equal(wst_frame_parse(p, want, &f), want);
        assert_int_equal(f.fin, (v & 0x8000) != 0);
        assert_int_equal(f.rsv, v >> 12 & 7);
        assert_int_equal(f.opcode, v >> 8 & 15);
        assert_int_equal(f.masked, (v & 0x80) != 0);
        assert_int_equal(f.len, len7 < 126 ? len7 : 0);
    }
}

static void naive(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4], uint64_t phase)
{
    for (size_t i = 0; i < n; i++) dst[i] = src[i] ^ key[(phase + i) % 4];
}

/* Every length across the fast path's steps, every alignment of both ends, every phase; in place,
 * too. The source ends where reading ends; what lies around the destination stays. */
static void masks(void **state)
{
    static const uint64_t phases[] = {0, 1, 2, 3, 4, 7, 0xffffffff, UINT64_MAX};
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t src[256], want[256], dst[256];
    uint64_t seed = 5;
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    rnd_fill(&seed, src, sizeof src);
    for (size_t n = 0; n <= 140; n++)
        for (size_t p = 0; p < ARRAY(phases); p++)
            for (size_t align = 0; align < 9; align++) {
                naive(want, src, n, key, phases[p]);
                struct wst_slice s = guard_put(&g, src, n);
                memset(dst, 0xee, sizeof dst);
                wst_frame_unmask(dst + 16 + align, s.p, n, key, phases[p]);
                assert_memory_equal(dst + 16 + align, want, n);
                for (size_t i = 0; i < sizeof dst; i++)
                    if (i < 16 + align || i >= 16 + align + n) assert_int_equal(dst[i], 0xee);
                memcpy(dst + 16 + align, src, n);
                wst_frame_unmask(dst + 16 + align, dst + 16 + align, n, key, phases[p]);
                assert_memory_equal(dst + 16 + align, want, n);
            }
    /* In pieces, as segments come. */
    for (unsigned round = 0; round < 2000; round++) {
        size_t n = rnd_below(&seed, 200);
        naive(want, src, n, key, 0);
        for (size_t at = 0; at < n;) {
            size_t k = 1 + rnd_below(&seed, n - at);
            wst_frame_unmask(dst + at, src + at, k, key, at);
            at += k;
        }
        assert_memory_equal(dst, want, n);
    }
    guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(first_two_bytes),
        cmocka_unit_test(masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
