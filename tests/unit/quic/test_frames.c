/* SPDX-License-Identifier: MIT
 *
 * Each frame (RFC 9000 section 19 and others), written down here once more: whole, cut at each
 * byte, followed by others; ranges of acknowledgements against a list; types nobody knows.
 */
#include "frames.h"
#include "guard.h"
#include "sealer.h"

enum { NONE = -1 };

static const struct row {
    const char *bytes; /* hexadecimal; `*`: it goes on to the end of the packet */
    uint64_t type, v[WST_QUIC_VALUES];
    int data; /* place of its bytes, NONE: it has none */
    size_t n; /* how many */
} rows[] = {
    {"00", 0x00, {0}, NONE, 0},
    {"01", 0x01, {0}, NONE, 0},
    {"0205000003", 0x02, {5}, 4, 1},
    {"020a0002010203 04 05", 0x02, {10}, 4, 5},
    {"0305000003070809", 0x03, {5}, 4, 1},
    {"0407414 0 05", 0x04, {7, 0x140, 5}, NONE, 0},
    {"050480000001", 0x05, {4, 1}, NONE, 0},
    {"060a03616263", 0x06, {10}, 3, 3},
    {"0703616263", 0x07, {0}, 2, 3},
    {"0804616263*", 0x08, {4}, 2, 3},
    {"0904616263*", 0x09, {4}, 2, 3},
    {"0a0403616263", 0x0a, {4}, 3, 3},
    {"0b0400", 0x0b, {4}, NONE, 0},
    {"0c0409616263*", 0x0c, {4, 9}, 3, 3},
    {"0d0409616263*", 0x0d, {4, 9}, 3, 3},
    {"0e040903616263", 0x0e, {4, 9}, 4, 3},
    {"0f040903616263", 0x0f, {4, 9}, 4, 3},
    {"1005", 0x10, {5}, NONE, 0},
    {"110506", 0x11, {5, 6}, NONE, 0},
    {"1205", 0x12, {5}, NONE, 0},
    {"1305", 0x13, {5}, NONE, 0},
    {"1405", 0x14, {5}, NONE, 0},
    {"150506", 0x15, {5, 6}, NONE, 0},
    {"1605", 0x16, {5}, NONE, 0},
    {"1705", 0x17, {5}, NONE, 0},
    {"180201 04 61626364 000102030405060708090a0b0c0d0e0f", 0x18, {2, 1}, 4, 4},
    {"1905", 0x19, {5}, NONE, 0},
    {"1a0001020304050607", 0x1a, {0}, NONE, 0},
    {"1b0001020304050607", 0x1b, {0}, NONE, 0},
    {"1c0a0603616263", 0x1c, {10, 6}, 4, 3},
    {"1d41 0003616263", 0x1d, {0x100}, 4, 3},
    {"1e", 0x1e, {0}, NONE, 0},
    {"1f", 0x1f, {0}, NONE, 0},
    {"30616263*", 0x30, {0}, 1, 3},
    {"3103616263", 0x31, {0}, 2, 3},
    {"40af01020304", 0xaf, {1, 2, 3, 4}, NONE, 0},
};

static size_t hex(uint8_t *to, const char *text, bool *to_end)
{
    size_t n = 0, digits = 0;
    *to_end = false;
    for (; *text; text++) {
        char one[2] = {*text, '\0'};
        if (*text == ' ') continue;
        if (*text == '*') {
            *to_end = true;
            continue;
        }
        uint8_t v = (uint8_t)strtoul(one, NULL, 16);
        to[n] = (uint8_t)(digits % 2 ? to[n] << 4 | v : v);
        n += digits++ % 2;
    }
    assert_true(digits % 2 == 0);
    return n;
}

static void same(const struct row *r, const struct wst_quic_frame *f, struct wst_slice all)
{
    assert_true(f->type == r->type);
    for (int i = 0; i < WST_QUIC_VALUES; i++) assert_true(f->v[i] == r->v[i]);
    assert_int_equal(f->bytes.n, r->n);
    if (r->data != NONE) assert_ptr_equal(f->bytes.p, all.p + r->data);
}

static void each(void **state)
{
    struct guard g;
    uint8_t p[128];
    bool to_end;
    struct wst_quic_frame f;
    (void)state;
    guard_init(&g, sizeof p);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        size_t n = hex(p, rows[i].bytes, &to_end);
        for (size_t cut = 0; cut <= n; cut++) {
            struct wst_slice all = guard_put(&g, p, cut), rest = all;
            bool taken = wst_quic_frame_take(&rest, &f);
            if (cut == n) {
                assert_true(taken);
                assert_int_equal(rest.n, 0);
                same(&rows[i], &f, all);
            } else if (!to_end) {
                assert_false(taken);
            } else if (taken) {
                assert_int_equal(rest.n, 0);
            }
        }
        if (to_end) continue;
        for (size_t k = 0; k < ARRAY(rows); k++) { /* another behind it */
            bool ignored;
            size_t more = hex(p + n, rows[k].bytes, &ignored);
            struct wst_slice all = guard_put(&g, p, n + more), rest = all;
            assert_true(wst_quic_frame_take(&rest, &f));
            same(&rows[i], &f, all);
            assert_int_equal(rest.n, more);
            all = rest;
            assert_true(wst_quic_frame_take(&rest, &f));
            same(&rows[k], &f, all);
        }
    }
    guard_free(&g);
}

static bool known(uint64_t type)
{
    for (size_t i = 0; i < ARRAY(rows); i++)
        if (rows[i].type == type) return true;
    return false;
}

static void unknown(void **state)
{
    uint8_t p[64] = {0};
    struct wst_quic_frame f;
    (void)state;
    for (uint64_t type = 0; type < 70000; type += type < 300 ? 1 : 97) {
        struct wst_slice s = wst_slice_of(p, sizeof p);
        memset(p, 0, sizeof p);
        seal_varint(p, type, 1);
        bool taken = wst_quic_frame_take(&s, &f);
        assert_int_equal(taken, known(type));
        assert_true(f.type == type); /* the note names it */
    }
    memset(p, 0xff, sizeof p);
    struct wst_slice s = wst_slice_of(p, sizeof p);
    assert_false(wst_quic_frame_take(&s, &f));
    s = wst_slice_of(p, 0);
    assert_false(wst_quic_frame_take(&s, &f));
}

/* Lengths that no packet has, offsets behind 2^62. */
static void too_large(void **state)
{
    static const uint8_t types[] = {0x06, 0x07, 0x0a, 0x0e, 0x1c, 0x1d, 0x31, 0x02, 0x03};
    uint8_t p[64];
    struct wst_quic_frame f;
    (void)state;
    for (size_t i = 0; i < ARRAY(types); i++) {
        struct wst_slice s = wst_slice_of(p, sizeof p);
        memset(p, 0xff, sizeof p);
        p[0] = types[i];
        assert_false(wst_quic_frame_take(&s, &f));
    }
    for (int over = 0; over < 2; over++) {
        size_t n = 0;
        p[n++] = 0x0e;
        p[n++] = 0;
        n += seal_varint(p + n, (UINT64_C(1) << 62) - 5 + (uint64_t)over, 8);
        p[n++] = 4;
        memset(p + n, 0, 4);
        struct wst_slice s = wst_slice_of(p, n + 4);
        assert_int_equal(wst_quic_frame_take(&s, &f), !over);
    }
}

static void ranges(void **state)
{
    static uint8_t sent[4096], p[8192];
    uint64_t s = 9;
    (void)state;
    for (int run = 0; run < 300; run++) {
        size_t count = 0, at = 0, n, top = 100 + rnd_below(&s, 3900);
        static uint8_t body[8192];
        memset(sent, 0, sizeof sent);
        uint64_t from, to = top, low;
        low = to - rnd_below(&s, 20);
        for (uint64_t i = low; i <= to; i++) sent[i] = 1;
        at += seal_varint(body, to - low, 1);
        while (low > 60) {
            uint64_t gap = rnd_below(&s, 20), length = rnd_below(&s, 20);
            to = low - gap - 2;
            low = to - length;
            for (uint64_t i = low; i <= to; i++) sent[i] = 1;
            at += seal_varint(body + at, gap, 1);
            at += seal_varint(body + at, length, 1);
            count++;
        }
        n = 0;
        p[n++] = 0x02;
        n += seal_varint(p + n, top, 1);
        p[n++] = 0;
        n += seal_varint(p + n, count, 1);
        memcpy(p + n, body, at);
        struct wst_slice all = wst_slice_of(p, n + at);
        struct wst_quic_frame f;
        assert_true(wst_quic_frame_take(&all, &f));
        struct wst_quic_ack a = wst_quic_ack_of(&f);
        while (wst_quic_ack_next(&a, &from, &to))
            for (uint64_t i = from; i <= to; i++) {
                assert_int_equal(sent[i], 1);
                sent[i] = 2;
            }
        for (size_t i = 0; i < sizeof sent; i++) assert_int_not_equal(sent[i], 1);
    }
}

/* Ranges below 0 end the list; what was said before them counts. */
static void impossible_ranges(void **state)
{
    static const struct {
        uint8_t bytes[24];
        size_t n;
        int many;
    } lists[] = {
        {{0x02, 5, 0, 0, 6}, 5, 0},       /* first range below 0 */
        {{0x02, 5, 0, 1, 2, 3, 0}, 7, 1}, /* gap below 0 */
        {{0x02, 5, 0, 1, 2, 2, 0}, 7, 1}, /* … by one */
        {{0x02, 5, 0, 1, 2, 1, 0}, 7, 2}, /* just so */
        {{0x02, 5, 0, 1, 2, 1, 1}, 7, 1}, /* length below 0 */
        {{0x02, 5, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, 14, 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(lists); i++) {
        struct wst_slice s = wst_slice_of(lists[i].bytes, lists[i].n);
        struct wst_quic_frame f;
        uint64_t from, to;
        int many = 0;
        assert_true(wst_quic_frame_take(&s, &f));
        for (struct wst_quic_ack a = wst_quic_ack_of(&f); wst_quic_ack_next(&a, &from, &to); many++)
            assert_true(from <= to && to <= 5);
        assert_int_equal(many, lists[i].many);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each),   cmocka_unit_test(unknown),           cmocka_unit_test(too_large),
        cmocka_unit_test(ranges), cmocka_unit_test(impossible_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
