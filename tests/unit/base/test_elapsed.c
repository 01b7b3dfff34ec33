/* SPDX-License-Identifier: MIT
 *
 * Time goes by as packets tell it, whatever is done to the clock of the capture.
 */
#include "elapsed.h"

#include <stddef.h>

#include "guard.h"

#define SECOND 1000000000ll
#define HOUR (3600 * SECOND)

static const int64_t began = 1700000000 * SECOND;

/* So many packets, a second apart. */
static int64_t packets(struct wst_elapsed *e, int64_t ns, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int64_t before = e->now;
        wst_elapsed_see(e, ns += SECOND);
        assert_true(e->now >= before);
    }
    return ns;
}

static struct wst_elapsed one(void)
{
    struct wst_elapsed e = {.now = INT64_MIN};
    packets(&e, began - 10 * SECOND, 10);
    assert_int_equal(e.now, began - SECOND); /* a packet late */
    return e;
}

static void test_usual(void **state)
{
    (void)state;
    struct wst_elapsed e = one();
    wst_elapsed_see(&e, began + HOUR); /* from the future */
    packets(&e, began, 1);
    assert_int_equal(e.now, began + SECOND);
    packets(&e, began - 3 * SECOND, 2); /* out of order */
    assert_int_equal(e.now, began + SECOND);
    packets(&e, began + HOUR, 2); /* silence */
    assert_int_equal(e.now, began + HOUR + SECOND);
    assert_int_equal(e.shift, 0);
}

static void test_set_back(void **state)
{
    (void)state;
    struct wst_elapsed e = one();
    int64_t was = e.now, ns = packets(&e, began - HOUR, 15);
    assert_int_equal(e.now, was);
    ns = packets(&e, ns, 15);
    assert_int_equal(e.now, was + 28 * SECOND);
    assert_int_equal(wst_elapsed_newest(&e), began - SECOND);
    was = e.now; /* and right again */
    packets(&e, ns + HOUR, 10);
    assert_true(e.now >= was + 8 * SECOND && e.now <= was + 12 * SECOND);
    assert_int_equal(e.shift, 0);
}

/* Packets that are old, and others are not: nothing was set. */
static void test_mixed(void **state)
{
    (void)state;
    struct wst_elapsed e = one();
    int64_t ns = began;
    for (unsigned i = 0; i < 100; i++) {
        packets(&e, ns - HOUR, 15);
        ns = packets(&e, ns, 1);
    }
    assert_int_equal(e.shift, 0);
    for (unsigned i = 0; i < 100; i++) { /* one side is silent for long */
        packets(&e, ns - HOUR, 30);
        ns = packets(&e, ns + 29 * SECOND, 2);
    }
    assert_true(e.now > ns - 10 * SECOND && e.now <= ns + 10 * SECOND);
}

/* Times that cannot be: any silence may come of them, and no harm. */
static void test_hostile(void **state)
{
    static const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX, INT64_MIN + 5, HOUR, -HOUR};
    struct wst_elapsed e = {.now = INT64_MIN};
    uint32_t chance = 1;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        chance = chance * 1664525 + 1013904223;
        int64_t ns = times[chance >> 29];
        for (unsigned n = 0; n < (i % 7 ? 1 : 20); n++) wst_elapsed_see(&e, ns);
        wst_elapsed_see(&e, ns < INT64_MAX - HOUR ? ns + 2 * SECOND : ns);
        (void)wst_elapsed_newest(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_set_back),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
