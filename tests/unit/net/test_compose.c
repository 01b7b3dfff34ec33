/* SPDX-License-Identifier: MIT
 *
 * Headers for a segment: bytes that tcpdump 4.99 finds right, and the sums that whoever receives
 * them makes (RFC 1071: all words of it together are 0xffff), for data of any length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wstrace/compose.h>

static const uint8_t here[16] = {192, 0, 2, 1}, there[16] = {198, 51, 100, 7};
static const uint8_t here6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
static const uint8_t there6[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 2};

static struct wst_compose_segment segment(uint8_t family)
{
    return (struct wst_compose_segment){.family = family,
                                        .src_ip = family == 6 ? here6 : here,
                                        .dst_ip = family == 6 ? there6 : there,
                                        .src_port = 40001,
                                        .dst_port = 8080,
                                        .id = 0x1234,
                                        .flags = WST_COMPOSE_PSH | WST_COMPOSE_ACK,
                                        .seq = 0xfedcba98,
                                        .ack = 0x01020304};
}

static void test_ip4(void **state)
{
    static const uint8_t right[] = {0x45, 0x00, 0x00, 0x2d, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06,
                                    0x3c, 0x5b, 192,  0,    2,    1,    198,  51,   100,  7,
                                    0x9c, 0x41, 0x1f, 0x90, 0xfe, 0xdc, 0xba, 0x98, 0x01, 0x02,
                                    0x03, 0x04, 0x50, 0x18, 0xff, 0xff, 0x06, 0x6c, 0x00, 0x00};
    struct wst_compose_segment s = segment(4);
    struct wst_slice data = {(const uint8_t *)"hello", 5};
    uint8_t head[WST_COMPOSE_HEAD_MAX];

    (void)state;
    assert_int_equal(wst_compose_head(&s, data, head), sizeof right);
    assert_memory_equal(head, right, sizeof right);
}

/* An acknowledgment is no number where there is none. */
static void test_syn(void **state)
{
    struct wst_compose_segment s = segment(6);
    uint8_t head[WST_COMPOSE_HEAD_MAX];

    (void)state;
    s.flags = WST_COMPOSE_SYN;
    assert_int_equal(wst_compose_head(&s, (struct wst_slice){NULL, 0}, head), 60);
    assert_int_equal(head[0], 0x60);
    assert_memory_equal(head + 4, "\0\x14\x06\x40", 4);
    assert_memory_equal(head + 8, here6, 16);
    assert_memory_equal(head + 24, there6, 16);
    assert_memory_equal(head + 40 + 8, "\0\0\0\0", 4);
    assert_int_equal(head[40 + 13], 0x02);
}

/* Whole words, one after the other, carried over at once. */
static uint32_t word(uint32_t before, uint8_t high, uint8_t low)
{
    before += (uint32_t)high << 8 | low;
    return before > 0xffff ? before - 0xffff : before;
}
static uint32_t words(uint32_t before, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i += 2) before = word(before, p[i], i + 1 < n ? p[i + 1] : 0);
    return before;
}

static void test_sums(void **state)
{
    static uint8_t data[WST_COMPOSE_DATA_MAX + 1];
    uint8_t head[WST_COMPOSE_HEAD_MAX];

    (void)state;
    memset(data, 0xff, sizeof data);
    for (size_t n = 0; n <= WST_COMPOSE_DATA_MAX; n += n < 70 ? 1 : 1871) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            struct wst_compose_segment s = segment(family);
            size_t ip = family == 6 ? 40 : 20, addresses = family == 6 ? 8 : 12;
            uint32_t sum = word(word(0, 0, 6), (uint8_t)((20 + n) >> 8), (uint8_t)(20 + n));
            s.id = (uint16_t)n;
            if (n) data[n - 1] = (uint8_t)n;
            assert_int_equal(wst_compose_head(&s, (struct wst_slice){data, n}, head), ip + 20);
            sum = words(sum, head + addresses, ip + 20 - addresses);
            assert_int_equal(words(sum, data, n), 0xffff);
            if (family == 4) assert_int_equal(words(0, head, 20), 0xffff);
        }
    }
}

static void test_too_long(void **state)
{
    static const uint8_t data[WST_COMPOSE_DATA_MAX + 1];
    uint8_t head[WST_COMPOSE_HEAD_MAX];
    struct wst_compose_segment s = segment(4);
    struct wst_slice all = {data, sizeof data - 1};

    (void)state;
    assert_int_equal(wst_compose_head(&s, all, head), 40);
    assert_memory_equal(head + 2, "\xff\xff", 2);
    all.n++;
    assert_int_equal(wst_compose_head(&s, all, head), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip4),
        cmocka_unit_test(test_syn),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
