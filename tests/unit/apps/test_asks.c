/* SPDX-License-Identifier: MIT */
#include "said.h"

#include "asks.h"

#include <time.h>

static struct wst_ask ask(const char *id, uint64_t msg, bool may)
{
    struct wst_slice s = {(const uint8_t *)id, strlen(id)};
    return (struct wst_ask){wst_asks_id(1, s), msg, (int64_t)msg, may, false};
}

/* The oldest of an id goes first; what nobody has to answer is not waited for. */
static void order(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_asks asks = {0};
    struct wst_ask got;
    (void)state;
    struct wst_ask all[] = {ask("a", 1, true), ask("b", 2, false), ask("a", 3, false)};
    for (size_t i = 0; i < ARRAY(all); i++) wst_asks_put(&asks, &budget, &all[i]);
    assert_int_equal(wst_asks_first(&asks)->msg, 2);
    assert_true(wst_asks_take(&asks, all[0].id, &got));
    assert_int_equal(got.msg, 1);
    assert_true(got.may);
    assert_true(wst_asks_take(&asks, all[0].id, &got));
    assert_int_equal(got.msg, 3);
    assert_false(wst_asks_take(&asks, all[0].id, &got));
    assert_true(wst_asks_take(&asks, all[1].id, &got));
    assert_null(wst_asks_first(&asks));
    wst_asks_free(&asks, &budget);
    assert_int_equal(budget.used, 0);
}

/* More than are remembered: the oldest are forgotten, and counted. */
static void many(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_asks asks = {0};
    struct wst_ask got;
    char id[16];
    (void)state;
    for (unsigned i = 1; i <= WST_ASKS_MOST + 10; i++) {
        snprintf(id, sizeof id, "%u", i);
        struct wst_ask one = ask(id, i, false);
        wst_asks_put(&asks, &budget, &one);
    }
    assert_int_equal(asks.forgotten, 10);
    assert_int_equal(wst_asks_first(&asks)->msg, 11);
    assert_false(wst_asks_take(&asks, ask("10", 0, false).id, &got));
    assert_true(wst_asks_take(&asks, ask("11", 0, false).id, &got));
    wst_asks_free(&asks, &budget);

    for (unsigned i = 1; i <= WST_ASKS_MOST + 10; i++) { /* nobody had to answer the first five */
        struct wst_ask one = ask("x", i, i <= 5);
        wst_asks_put(&asks, &budget, &one);
    }
    assert_int_equal(asks.forgotten, 5);
    wst_asks_free(&asks, &budget);
    assert_int_equal(budget.used, 0);
}

/* Held against a plain row, over which everything is moved. */
static void oracle(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_asks asks = {0};
    struct wst_ask row[WST_ASKS_MOST];
    size_t n = 0;
    uint64_t dice = 88172645463325252u, forgotten = 0;
    (void)state;
    for (uint64_t i = 1; i < 60000; i++) {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        uint64_t id = dice % 997;
        if ((dice >> 32) % 100 < (i / 20000 == 1 ? 40 : 60)) {
            struct wst_ask one = {id, i, (int64_t)i, dice >> 60 == 0, false};
            wst_asks_put(&asks, &budget, &one);
            if (n == WST_ASKS_MOST) {
                forgotten += !row[0].may;
                memmove(row, row + 1, --n * sizeof *row);
            }
            row[n++] = one;
            continue;
        }
        struct wst_ask got = {0};
        size_t k = 0;
        for (uint64_t many = i % 50 ? 0 : 20; many > 0; many--) {
            for (k = 0; k < n && row[k].id != dice % 997 + many;) k++;
            assert_int_equal(wst_asks_has(&asks, dice % 997 + many), k < n);
            if (k == n) assert_false(wst_asks_take(&asks, dice % 997 + many, &got));
        }
        for (k = 0; k < n && row[k].id != id;) k++;
        assert_int_equal(wst_asks_has(&asks, id), k < n);
        assert_int_equal(wst_asks_take(&asks, id, &got), k < n);
        if (k == n) continue;
        assert_int_equal(got.msg, row[k].msg);
        memmove(row + k, row + k + 1, (--n - k) * sizeof *row);
    }
    assert_int_equal(asks.n, n);
    assert_int_equal(asks.forgotten, forgotten);
    assert_true(forgotten > 0);
    for (size_t i = 0; i < n; i++) {
        struct wst_ask got;
        assert_true(wst_asks_take(&asks, row[i].id, &got));
        assert_int_equal(got.msg, row[i].msg);
    }
    wst_asks_free(&asks, &budget);
}

/* Millions of answers to nothing, while as many as are remembered are open. */
static void flood(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_asks asks = {0};
    struct wst_ask got;
    (void)state;
    for (uint64_t i = 1; i <= WST_ASKS_MOST; i++)
        wst_asks_put(&asks, &budget, &(struct wst_ask){.id = 2 * i, .msg = i});
    clock_t before = clock();
    for (uint64_t i = 0; i < 1000000; i++)
        assert_false(wst_asks_take(&asks, 2 * (i % 1000) + 1, &got));
    assert_true(clock() - before < 2 * CLOCKS_PER_SEC);
    assert_true(wst_asks_take(&asks, 4, &got));
    assert_int_equal(got.msg, 2);
    assert_false(wst_asks_take(&asks, 4, &got));
    wst_asks_free(&asks, &budget);
    assert_int_equal(budget.used, 0);
}

/* The same id in another space, and no memory. */
static void apart(void **state)
{
    struct wst_budget none = {.max = 0};
    struct wst_asks asks = {0};
    struct wst_ask one = ask("a", 1, false);
    (void)state;
    assert_true(wst_asks_id(1, (struct wst_slice)SLICE("a")) !=
                wst_asks_id(2, (struct wst_slice)SLICE("a")));
    wst_asks_put(&asks, &none, &one);
    assert_int_equal(asks.forgotten, 1);
    assert_null(wst_asks_first(&asks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order), cmocka_unit_test(many),  cmocka_unit_test(oracle),
        cmocka_unit_test(apart), cmocka_unit_test(flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
