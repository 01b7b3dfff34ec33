/* SPDX-License-Identifier: MIT
 *
 * Packet numbers that were captured and acknowledged, against lists that forget nothing; and
 * acknowledgements that nobody honest sends.
 */
#include "guard.h"
#include "numbers.h"

enum { ALL = 40000 };

static uint8_t seen[ALL], acked[ALL]; /* the slow twin */

static bool twin_lost(uint64_t after, uint64_t before)
{
    bool some = false;
    for (uint64_t i = after + 1; i < before; i++) {
        if (seen[i]) continue;
        if (!acked[i]) return false;
        some = true;
    }
    return some;
}

/* What the ring still knows has to be right; what it does not know is never called lost. */
static void compare(const struct wst_quic_numbers *n, uint64_t *s, uint64_t top)
{
    for (int i = 0; i < 20; i++) {
        uint64_t a = rnd_below(s, top + 1), b = rnd_below(s, top + 1);
        if (i % 2) a = top > 300 ? top - rnd_below(s, 300) : a, b = a + rnd_below(s, 100);
        if (b > top) continue;
        bool lost = wst_quic_numbers_lost(n, a, b);
        if (a + 1 + WST_QUIC_NUMBERS - 64 > top)
            assert_int_equal(lost, twin_lost(a, b));
        else if (lost)
            assert_true(twin_lost(a, b));
    }
}

static void one_run(uint64_t seed)
{
    struct wst_quic_numbers n = {0};
    uint64_t s = seed, top = 0, came = 0, at = 0;
    memset(seen, 0, sizeof seen);
    memset(acked, 0, sizeof acked);
    while (at < ALL - 6000) {
        size_t what = rnd_below(&s, 100);
        at += what < 60 ? 1 : what < 90 ? rnd_below(&s, 5) : what == 99 ? rnd_below(&s, 4300) : 0;
        uint64_t late = rnd_below(&s, 8) ? 0 : rnd_below(&s, 90);
        uint64_t number = at > late ? at - late : 0;
        if (what % 2) {
            bool is_new = wst_quic_numbers_see(&n, number);
            if (number + WST_QUIC_NUMBERS - 64 > top || number >= came)
                assert_int_equal(is_new, !seen[number]);
            else if (is_new)
                assert_false(seen[number]);
            seen[number] = 1;
            if (number >= top) top = number + 1;
            if (number >= came) came = number + 1;
        } else {
            uint64_t to = number + (what == 98 ? rnd_below(&s, 500) : 0);
            uint64_t from = to > 70 ? to - rnd_below(&s, 70) : 0;
            if (to < top + WST_QUIC_NUMBERS) {
                memset(acked + from, 1, to - from + 1);
                if (to >= top) top = to + 1;
            }
            wst_quic_numbers_ack(&n, from, to);
        }
        assert_int_equal(n.top, top);
        compare(&n, &s, top);
    }
}

static void random_numbers(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) one_run(seed);
}

static void doubled(void **state)
{
    struct wst_quic_numbers n = {0};
    (void)state;
    for (uint64_t i = 0; i < 3 * WST_QUIC_NUMBERS; i++) {
        assert_false(wst_quic_numbers_seen(&n, i));
        assert_true(wst_quic_numbers_see(&n, i));
        assert_false(wst_quic_numbers_see(&n, i));
        assert_true(wst_quic_numbers_seen(&n, i));
        assert_true(wst_quic_numbers_seen(&n, i / 2)); /* old ones count as seen */
    }
}

/* An end that acknowledges what was not sent must not make what is sent look old. */
static void acknowledged_ahead(void **state)
{
    struct wst_quic_numbers n = {0};
    (void)state;
    assert_true(wst_quic_numbers_see(&n, 0));
    for (int i = 0; i < 50; i++) wst_quic_numbers_ack(&n, 0, n.top + WST_QUIC_NUMBERS - 1);
    for (uint64_t i = 1; i < 1000; i++) assert_true(wst_quic_numbers_see(&n, i));
    assert_false(wst_quic_numbers_see(&n, 999));
}

static void hostile_ranges(void **state)
{
    static const uint64_t ends[] = {0,
                                    1,
                                    63,
                                    64,
                                    4095,
                                    4096,
                                    1 << 20,
                                    (UINT64_C(1) << 62) - 1,
                                    UINT64_C(1) << 62,
                                    UINT64_MAX - 4096,
                                    UINT64_MAX - 1,
                                    UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY(ends); i++)
        for (size_t k = 0; k < ARRAY(ends); k++)
            for (size_t m = 0; m < 8; m++) {
                struct wst_quic_numbers n = {0};
                if (ends[m] < UINT64_C(1) << 62) wst_quic_numbers_see(&n, ends[m]);
                uint64_t top = n.top;
                wst_quic_numbers_ack(&n, ends[i], ends[k]);
                assert_true(n.top == top ||
                            (n.top == ends[k] + 1 && n.top <= top + WST_QUIC_NUMBERS));
                assert_false(wst_quic_numbers_lost(&n, ends[k], ends[i]) && ends[k] >= ends[i]);
                (void)wst_quic_numbers_seen(&n, ends[i]);
            }
}

static void lost_edges(void **state)
{
    struct wst_quic_numbers n = {0};
    (void)state;
    assert_true(wst_quic_numbers_see(&n, 10));
    assert_true(wst_quic_numbers_see(&n, 13));
    assert_false(wst_quic_numbers_lost(&n, 10, 13)); /* nobody has them */
    wst_quic_numbers_ack(&n, 11, 11);
    assert_false(wst_quic_numbers_lost(&n, 10, 13)); /* one of them */
    assert_true(wst_quic_numbers_lost(&n, 10, 12));
    wst_quic_numbers_ack(&n, 12, 12);
    assert_true(wst_quic_numbers_lost(&n, 10, 13));
    assert_false(wst_quic_numbers_lost(&n, 12, 13)); /* nothing between them */
    assert_false(wst_quic_numbers_lost(&n, 13, 10));
    assert_false(wst_quic_numbers_lost(&n, 0, 1));
    assert_false(wst_quic_numbers_lost(&n, 10, 15)); /* behind all that is known */
}

/* The capture begins amid them: those before are waited for no longer than if they had come. */
static void begins_late(void **state)
{
    (void)state;
    for (uint64_t first = 0; first < 300000; first = 3 * first + 1) {
        struct wst_quic_numbers n = {0};
        wst_quic_numbers_begin(&n, first);
        assert_true(wst_quic_numbers_see(&n, first));
        if (first > 1) {
            uint64_t after = first > 65 ? first - 65 : 0;
            assert_int_equal(wst_quic_numbers_lost(&n, after, first),
                             after + 1 < first ? WST_QUIC_HAS : WST_QUIC_LACKS);
            assert_false(wst_quic_numbers_seen(&n, first - 1));
            assert_true(wst_quic_numbers_see(&n, first - 1));
        }
        assert_true(wst_quic_numbers_see(&n, first + 5));
        assert_int_equal(wst_quic_numbers_lost(&n, first, first + 5), WST_QUIC_LACKS);
    }
}

/* From some packet on: what the other side has, by its own word, and nobody captured. */
static void missed(void **state)
{
    struct wst_quic_numbers n = {0};
    (void)state;
    assert_false(wst_quic_numbers_missed(&n, 0));
    for (uint64_t i = 0; i < 200; i++)
        if (i != 70 && i != 130) wst_quic_numbers_see(&n, i);
    assert_false(wst_quic_numbers_missed(&n, 0)); /* lost on the way, for all that is known */
    wst_quic_numbers_ack(&n, 60, 129);
    assert_true(wst_quic_numbers_missed(&n, 0) && wst_quic_numbers_missed(&n, 70));
    assert_false(wst_quic_numbers_missed(&n, 71));
    wst_quic_numbers_ack(&n, 131, 200); /* one that is newer than all that were captured */
    assert_true(wst_quic_numbers_missed(&n, 71) && wst_quic_numbers_missed(&n, 200));
    assert_false(wst_quic_numbers_missed(&n, 201));
    assert_false(wst_quic_numbers_missed(&n, UINT64_MAX));
    wst_quic_numbers_see(&n, 200);
    assert_false(wst_quic_numbers_missed(&n, 71));
    wst_quic_numbers_told(&n, 60, 200);  /* it lacked 130 … */
    wst_quic_numbers_told(&n, 140, 200); /* … and says nothing of that any more */
    assert_false(wst_quic_numbers_missed(&n, 71));
}

/* What it said of some was not captured, and it says nothing of them any more: it may have had
 * them. */
static void untold(void **state)
{
    struct wst_quic_numbers n = {0};
    (void)state;
    for (uint64_t i = 0; i < 300; i++)
        if (i != 3 && i != 70 && i != 130 && i != 250) wst_quic_numbers_see(&n, i);
    wst_quic_numbers_ack(&n, 4, 69);
    wst_quic_numbers_ack(&n, 71, 100);
    wst_quic_numbers_told(&n, 4, 100);
    assert_true(wst_quic_numbers_missed(&n, 3));
    assert_false(wst_quic_numbers_missed(&n, 4));
    wst_quic_numbers_ack(&n, 140, 249);
    wst_quic_numbers_told(&n, 140, 249);
    assert_true(wst_quic_numbers_missed(&n, 71) && wst_quic_numbers_missed(&n, 130));
    assert_false(wst_quic_numbers_missed(&n, 131));
    wst_quic_numbers_told(&n, 200, UINT64_MAX); /* of what was hardly sent */
    wst_quic_numbers_told(&n, 200, 299);
    assert_false(wst_quic_numbers_missed(&n, 131));
}

/* Nothing was said yet of the newest, and never will be once the connection is closed. */
static void unsaid(void **state)
{
    struct wst_quic_numbers n = {0};
    (void)state;
    assert_false(wst_quic_numbers_unsaid(&n, 0));
    for (uint64_t i = 0; i < 200; i++)
        if (i != 70 && i != 130) wst_quic_numbers_see(&n, i);
    assert_true(wst_quic_numbers_unsaid(&n, 0) && wst_quic_numbers_unsaid(&n, 130));
    assert_false(wst_quic_numbers_unsaid(&n, 131));
    wst_quic_numbers_ack(&n, 60, 69); /* 70 is newer than that */
    wst_quic_numbers_told(&n, 60, 69);
    assert_true(wst_quic_numbers_unsaid(&n, 0));
    wst_quic_numbers_told(&n, 60, 150); /* it lacked 130 */
    assert_false(wst_quic_numbers_unsaid(&n, 0));
    wst_quic_numbers_ack(&n, 200, 220); /* newer than all that were captured: not of this kind */
    assert_false(wst_quic_numbers_unsaid(&n, 0));
    for (uint64_t i = 5000; i < 5010; i++) wst_quic_numbers_see(&n, i);
    assert_true(wst_quic_numbers_unsaid(&n, 0));
    assert_false(wst_quic_numbers_unsaid(&n, 5000) || wst_quic_numbers_unsaid(&n, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missed),
        cmocka_unit_test(untold),
        cmocka_unit_test(unsaid),
        cmocka_unit_test(begins_late),
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(doubled),
        cmocka_unit_test(acknowledged_ahead),
        cmocka_unit_test(hostile_ranges),
        cmocka_unit_test(lost_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
