/* SPDX-License-Identifier: MIT
 *
 * Packets of undecided conversations: kept in order, forgotten within bounds, written when it is
 * known what they are. And a writer that fails is not asked again.
 */
#include "guard.h"

#include "hold.h"

struct file {
    uint8_t bytes[1 << 16];
    size_t n;
    int calls, fail_from; /* the call that fails first; 0: none */
};

static int write_file(void *user, const uint8_t *p, size_t n)
{
    struct file *f = user;
    if (++f->calls >= f->fail_from && f->fail_from) return -5;
    assert_true(f->n + n <= sizeof f->bytes);
    memcpy(f->bytes + f->n, p, n);
    f->n += n;
    return 0;
}

static struct wst_packet packet(uint64_t number, size_t n)
{
    static uint8_t bytes[4096];
    memset(bytes, (int)number, sizeof bytes);
    return (struct wst_packet){.data = {bytes, n},
                               .wire_len = (uint32_t)n,
                               .link_type = 1,
                               .when = {number, (int64_t)number * 1000}};
}

static void keep(struct wst_hold *h, uint64_t stream, uint64_t number, size_t n)
{
    struct wst_packet p = packet(number, n);
    wst_hold_keep(h, stream, &p);
}

static void test_in_order_and_by_conversation(void **state)
{
    struct wst_hold h;
    struct wst_packet p;
    (void)state;
    assert_int_equal(wst_hold_init(&h, 1 << 20), 0);
    for (uint64_t i = 1; i <= 9; i++) keep(&h, i % 3, i, 60);
    wst_hold_forget(&h, 1);
    for (uint64_t i = 2; i <= 8; i += 3) {
        assert_true(wst_hold_take(&h, 2, &p));
        assert_int_equal(p.when.pkt, i);
        assert_int_equal(p.data.p[59], i);
    }
    assert_false(wst_hold_take(&h, 2, &p));
    assert_false(wst_hold_take(&h, 1, &p));
    assert_true(wst_hold_take(&h, 0, &p) && p.when.pkt == 3);
    assert_int_equal(h.forgotten, 0);
    wst_hold_free(&h);
}

/* One may have a sixteenth, its oldest go first; all together the whole, the quietest goes first.
 */
static void test_bounds(void **state)
{
    const size_t max = 256 * 1024;
    struct wst_hold h;
    struct wst_packet p;
    (void)state;
    assert_int_equal(wst_hold_init(&h, max), 0);
    for (uint64_t i = 1; i <= 100; i++) keep(&h, 7, i, 1000);
    assert_true(h.bytes <= max / 16 + 200);
    assert_true(wst_hold_take(&h, 7, &p) && p.when.pkt > 80);
    while (wst_hold_take(&h, 7, &p)) continue;
    assert_int_equal(p.when.pkt, 100);
    assert_true(h.forgotten > 80); /* of a conversation that mattered: said */
    assert_int_equal(h.given_up, 0);
    for (uint64_t i = 1; i <= 1000; i++) {
        keep(&h, 100 + i, i, 1000);
        assert_true(h.bytes <= max);
    }
    assert_false(wst_hold_take(&h, 101, &p));
    assert_true(wst_hold_take(&h, 1100, &p));
    assert_true(h.given_up > 500 && h.given_up == h.given_up_streams); /* a packet each */
    wst_hold_free(&h);
}

/* A scan fills the usual 32 MiB with SYNs, each of another conversation; the next one is found
 * among a few of them all the same. */
static void test_a_scan(void **state)
{
    enum { SYN = 54, MOST = 4 };
    struct wst_hold h;
    (void)state;
    assert_int_equal(wst_hold_init(&h, 32 << 20), 0);
    for (uint64_t i = 0; !h.given_up; i++) keep(&h, i, i, SYN);
    for (size_t i = 0; i < WST_HOLD_BUCKETS; i++) {
        size_t n = 0;
        for (const struct wst_hold_stream *s = h.buckets[i]; s; s = s->next) n++;
        assert_true(n <= MOST);
    }
    wst_hold_free(&h);
}

static void test_chosen_writes_what_waited_first(void **state)
{
    struct file f = {.n = 0};
    struct wst_save *s = wst_save_new(WST_SAVE_PCAP, 262144, 0, write_file, &f);
    struct wst_packet p;
    (void)state;
    assert_int_equal(wst_save_begin(s, 1), 0);
    for (uint64_t i = 1; i <= 4; i++) {
        p = packet(i, 40);
        wst_save_chosen(s, &p, WST_FATE_UNDECIDED, i % 2);
    }
    p = packet(5, 40);
    wst_save_chosen(s, &p, WST_FATE_OTHER, 0);
    wst_save_chosen(s, &p, WST_FATE_WEBSOCKET, 1);
    p = packet(6, 40);
    p.link_type = 113;
    assert_int_equal(wst_save_packet(s, &p), WST_SAVE_LINK_TYPE);
    assert_int_equal(wst_save_bytes(s), 24 + 3 * (16 + 40));
    assert_int_equal(wst_save_end(s, NULL, NULL), 0);
    assert_int_equal(f.n, 24 + 3 * (16 + 40));
    assert_int_equal(f.bytes[24 + 16], 1);
    assert_int_equal(f.bytes[24 + 56 + 16], 3);
    assert_int_equal(f.bytes[24 + 112 + 16], 5);
    wst_save_free(s);
}

static void test_release_and_what_is_left(void **state)
{
    struct file f = {.n = 0};
    struct wst_save *s = wst_save_new(WST_SAVE_PCAP, 262144, 0, write_file, &f);
    struct wst_save_undecided u;
    (void)state;
    assert_int_equal(wst_save_begin(s, 1), 0);
    for (uint64_t i = 1; i <= 6; i++) {
        struct wst_packet p = packet(i, 40);
        if (i == 4) p.link_type = 113;
        wst_save_chosen(s, &p, WST_FATE_UNDECIDED, i % 2);
    }
    u = wst_save_undecided(s);
    assert_true(u.packets == 6 && u.connections == 2 && !u.at_most);
    assert_int_equal(wst_save_release(s, 1), 0);
    assert_int_equal(wst_save_release(s, 1), 0);
    assert_int_equal(wst_save_bytes(s), 24 + 3 * (16 + 40));
    u = wst_save_undecided(s);
    assert_true(u.packets == 3 && u.connections == 1 && !u.at_most);
    assert_int_equal(wst_save_release(s, 0), WST_SAVE_LINK_TYPE); /* the others are written */
    assert_int_equal(wst_save_bytes(s), 24 + 5 * (16 + 40));
    assert_int_equal(wst_save_undecided(s).packets, 0);
    assert_int_equal(wst_save_end(s, NULL, NULL), 0);
    wst_save_free(s);
}

static void test_a_failure_sticks(void **state)
{
    struct file f = {.fail_from = 1};
    struct wst_save *s = wst_save_new(WST_SAVE_PCAPNG, 0, 0, write_file, &f);
    struct wst_packet p = packet(1, 40);
    (void)state;
    assert_int_equal(wst_save_begin(s, 1), 0); /* buffered */
    assert_int_equal(wst_save_flush(s), -5);
    assert_int_equal(wst_save_packet(s, &p), -5);
    assert_int_equal(wst_save_flush(s), -5);
    assert_int_equal(f.calls, 1);
    wst_save_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_and_by_conversation),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_a_scan),
        cmocka_unit_test(test_chosen_writes_what_waited_first),
        cmocka_unit_test(test_release_and_what_is_left),
        cmocka_unit_test(test_a_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
