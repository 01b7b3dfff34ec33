/* SPDX-License-Identifier: MIT */
#include "array.h"

#include "guard.h"

enum { EACH = sizeof(uint64_t), FIRST = 4 };

static void doubles(void **state)
{
    (void)state;
    size_t room = 0, wanted = FIRST;
    uint64_t *all = NULL;
    for (uint64_t i = 0; i < 1000; i++) {
        if (i == room) {
            all = wst_array_double(all, &room, EACH, FIRST);
            assert_non_null(all);
            assert_int_equal(room, wanted);
            wanted *= 2;
        }
        all[i] = i * i;
    }
    for (uint64_t i = 0; i < 1000; i++) assert_true(all[i] == i * i);
    free(all);
}

/* What it holds is paid for, neither more nor less; and what there is no budget for stays as it is.
 */
static void paid(void **state)
{
    (void)state;
    struct wst_budget budget = {.max = 16 * EACH};
    uint32_t room = 0;
    uint64_t *all = NULL, *more;
    for (uint32_t wanted = FIRST; wanted <= 16; wanted *= 2) {
        more = wst_array_double_paid(&budget, all, &room, EACH, FIRST);
        assert_non_null(more);
        all = more;
        assert_int_equal(room, wanted);
        assert_int_equal(budget.used, wanted * EACH);
        all[wanted - 1] = wanted;
    }
    assert_null(wst_array_double_paid(&budget, all, &room, EACH, FIRST));
    assert_int_equal(room, 16);
    assert_int_equal(budget.used, 16 * EACH);
    assert_int_equal(budget.refused, 0); /* it was the budget, not the system */
    assert_true(all[3] == 4 && all[7] == 8 && all[15] == 16);
    free(all);
}

/* A queue that is as long as ever needs no more room than twice that: what was taken in front gives
 * room again. */
static void behind(void **state)
{
    (void)state;
    enum { LONG = 3 };
    struct wst_budget budget = {.max = 8 * EACH};
    uint32_t first = 0, n = 0, room = 0;
    uint64_t *all = NULL, next = 0, put = 0;
    while (put < 100) {
        uint64_t *more = wst_array_behind_paid(&budget, all, &first, n, &room, EACH, FIRST);
        assert_non_null(more);
        all = more;
        assert_true(first + n < room);
        assert_int_equal(budget.used, room * EACH);
        all[first + n++] = put++;
        for (uint32_t i = 0; i < n; i++) assert_true(all[first + i] == next + i);
        if (n <= LONG) continue;
        first++;
        n--;
        next++;
    }
    assert_int_equal(room, 8);
    while (n + first < room) all[first + n++] = put++;
    first = 0; /* all of it is in use, and there is no budget for more */
    n = room;
    assert_null(wst_array_behind_paid(&budget, all, &first, n, &room, EACH, FIRST));
    assert_int_equal(room, 8);
    free(all);
}

/* Twice as many bytes, or items, as can be counted are refused before anything is done. */
static void uncountable(void **state)
{
    (void)state;
    struct wst_budget budget = {.max = SIZE_MAX};
    uint64_t item = 7;
    size_t room = SIZE_MAX / 2 / EACH + 1;
    assert_null(wst_array_double(&item, &room, EACH, FIRST));
    assert_true(room == SIZE_MAX / 2 / EACH + 1);
    uint32_t few = UINT32_MAX / 2 + 1;
    assert_null(wst_array_double_paid(&budget, &item, &few, EACH, FIRST));
    assert_true(few == UINT32_MAX / 2 + 1 && budget.used == 0 && item == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles),
        cmocka_unit_test(paid),
        cmocka_unit_test(behind),
        cmocka_unit_test(uncountable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
