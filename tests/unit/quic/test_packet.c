/* SPDX-License-Identifier: MIT
 *
 * Headers (RFC 9000 section 17, RFC 9369 section 3.2) whole and cut at each byte; packet numbers
 * against the examples of appendix A and a slow search.
 */
#include "guard.h"
#include "packet.h"

static size_t put_head(uint8_t *p, unsigned type, uint32_t version, size_t to, size_t from,
                       size_t token, size_t length)
{
    size_t n = 0;
    p[n++] = (uint8_t)(0xc1 | type << 4);
    for (int i = 3; i >= 0; i--) p[n++] = (uint8_t)(version >> (8 * i));
    p[n++] = (uint8_t)to;
    memset(p + n, 0xaa, to);
    n += to;
    p[n++] = (uint8_t)from;
    memset(p + n, 0xbb, from);
    n += from;
    if (token != SIZE_MAX) {
        p[n++] = (uint8_t)(0x40 | token >> 8), p[n++] = (uint8_t)token;
        memset(p + n, 0xcc, token);
        n += token;
    }
    if (length == SIZE_MAX) return n;
    p[n++] = (uint8_t)(0x40 | length >> 8), p[n++] = (uint8_t)length;
    memset(p + n, 0xdd, length);
    return n;
}

static void long_headers(void **state)
{
    static const struct {
        uint32_t version;
        unsigned types[4]; /* as on the wire: Initial, early, Handshake, Retry */
    } rows[] = {{WST_QUIC_V1, {0, 1, 2, 3}},
                {WST_QUIC_DRAFT_29, {0, 1, 2, 3}},
                {WST_QUIC_V2, {1, 2, 3, 0}},
                {WST_QUIC_V2_DRAFT, {1, 2, 3, 0}}};
    static const size_t ids[] = {0, 1, 8, 19, 20};
    struct guard g;
    uint8_t p[700];
    struct wst_quic_packet packet;
    (void)state;
    guard_init(&g, sizeof p);
    for (size_t v = 0; v < ARRAY(rows); v++)
        for (unsigned type = 0; type < 3; type++)
            for (size_t i = 0; i < ARRAY(ids); i++)
                for (size_t k = 0; k < ARRAY(ids); k++) {
                    size_t token = type == WST_QUIC_INITIAL ? i * 20 : SIZE_MAX;
                    size_t head = put_head(p, rows[v].types[type], rows[v].version, ids[i], ids[k],
                                           token, 100);
                    for (size_t n = 0; n <= head + 130; n++) {
                        enum wst_quic_read is = wst_quic_packet_read(guard_put(&g, p, n), &packet);
                        assert_int_equal(is, n < head + 100 ? WST_QUIC_ABSENT : WST_QUIC_READ);
                        if (is != WST_QUIC_READ) continue;
                        assert_int_equal(packet.type, type);
                        assert_int_equal(packet.version, rows[v].version);
                        assert_int_equal(packet.bytes.n, head + 100); /* what follows is another */
                        assert_int_equal(packet.number, head);
                        assert_int_equal(packet.to.n, ids[i]);
                        assert_int_equal(packet.from.n, ids[k]);
                        if (ids[i]) assert_int_equal(packet.to.p[ids[i] - 1], 0xaa);
                        if (ids[k]) assert_int_equal(packet.from.p[0], 0xbb);
                    }
                    for (size_t n = 0; n < 10; n++)
                        assert_int_equal(wst_quic_packet_begins(guard_put(&g, p, n)),
                                         n >= 7 && type == WST_QUIC_INITIAL);
                }
    guard_free(&g);
}

static void retries(void **state)
{
    struct guard g;
    uint8_t p[200] = {0};
    struct wst_quic_packet packet;
    (void)state;
    guard_init(&g, sizeof p);
    for (int second = 0; second < 2; second++) {
        size_t head = put_head(p, second ? 0 : 3, second ? WST_QUIC_V2 : WST_QUIC_V1, 8, 20,
                               SIZE_MAX, SIZE_MAX);
        for (size_t n = 0; n < head + 40; n++) {
            enum wst_quic_read is = wst_quic_packet_read(guard_put(&g, p, n), &packet);
            assert_int_equal(is, n < head ? WST_QUIC_ABSENT : WST_QUIC_READ);
            if (is != WST_QUIC_READ) continue;
            assert_int_equal(packet.type, WST_QUIC_RETRY);
            assert_int_equal(packet.bytes.n, n);
            assert_int_equal(packet.from.n, 20);
        }
    }
    guard_free(&g);
}

static void others(void **state)
{
    static const uint32_t unknown[] = {0, 2, 0xff00001c, 0x1a2a3a4a, UINT32_MAX};
    uint8_t p[200];
    struct wst_quic_packet packet;
    (void)state;
    for (size_t i = 0; i < ARRAY(unknown); i++) { /* negotiation is version 0 */
        size_t n = put_head(p, 0, unknown[i], 8, 8, 0, 30) + 30;
        assert_int_equal(wst_quic_packet_read(wst_slice_of(p, n), &packet), WST_QUIC_NOT);
        assert_false(wst_quic_packet_begins(wst_slice_of(p, n)));
    }
    for (unsigned id = 21; id < 256; id++)
        for (int which = 0; which < 2; which++) {
            put_head(p, 0, WST_QUIC_V1, 0, 0, 0, 0);
            p[5 + which] = (uint8_t)id;
            assert_int_equal(wst_quic_packet_read(wst_slice_of(p, sizeof p), &packet),
                             WST_QUIC_ABSENT);
        }
    size_t n = put_head(p, 0, WST_QUIC_V1, 0, 0, 0, 0);
    for (int which = 0; which < 2; which++) { /* a token, a length of 2^62 - 1 */
        size_t at = which ? n - 2 : n - 4;
        memset(p + at, 0xff, 8);
        assert_int_equal(wst_quic_packet_read(wst_slice_of(p, sizeof p), &packet), WST_QUIC_ABSENT);
        put_head(p, 0, WST_QUIC_V1, 0, 0, 0, 0);
    }
    for (n = 1; n < 40; n++) { /* a short header goes on to the end */
        p[0] = 0x40;
        assert_int_equal(wst_quic_packet_read(wst_slice_of(p, n), &packet), WST_QUIC_READ);
        assert_int_equal(packet.type, WST_QUIC_SHORT);
        assert_int_equal(packet.bytes.n, n);
        wst_quic_packet_named(&packet, 8);
        assert_int_equal(packet.number, 9);
        assert_int_equal(packet.to.n, n - 1 < 8 ? n - 1 : 8);
    }
}

/* Of all numbers with that end the one that is nearest to what is expected. */
static uint64_t slow_number(uint64_t next, uint32_t low, size_t n)
{
    uint64_t window = UINT64_C(1) << (8 * n), best = 0, off = UINT64_MAX;
    for (int i = -3; i <= 3; i++) {
        uint64_t at = (next & ~(window - 1)) + (uint64_t)(int64_t)i * window + low;
        if (at >> 62) continue; /* behind the last, or before 0 */
        uint64_t d = at > next ? at - next : next - at;
        if (d < off || (d == off && at > best)) best = at, off = d;
    }
    return best;
}

static void numbers(void **state)
{
    uint64_t s = 3;
    (void)state;
    assert_true(wst_quic_number(0xa82f30ea + 1, 0x9b32, 2) == 0xa82f9b32);
    assert_true(wst_quic_number(0, 0, 1) == 0);
    assert_true(wst_quic_number(0, 255, 1) == 255);
    for (int i = 0; i < 2000000; i++) {
        size_t n = 1 + rnd_below(&s, 4);
        uint64_t window = UINT64_C(1) << (8 * n), next = rnd(&s) >> (2 + rnd_below(&s, 62));
        if (i % 5 == 0) next = (UINT64_C(1) << 62) - 1 - rnd_below(&s, 600);
        uint32_t low = (uint32_t)(rnd(&s) & (window - 1));
        if (i % 3 == 0) low = (uint32_t)((next + window / 2 + rnd_below(&s, 5) - 2) & (window - 1));
        assert_true(wst_quic_number(next, low, n) == slow_number(next, low, n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_headers),
        cmocka_unit_test(retries),
        cmocka_unit_test(others),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
