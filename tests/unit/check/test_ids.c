/* SPDX-License-Identifier: MIT
 *
 * The table of ids: many are all found again, those that collide are refused after a while without
 * harm to the others, and what was paid is given back.
 */
#include "ids.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct slot { /* as those who use the table have them */
    uint64_t id;
    uint32_t value;
};

static const size_t size = sizeof(struct slot);

/* Spread as hashes are (the multiplication is one to one), and never 0. */
static uint64_t id_of(uint32_t i)
{
    uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ull;

    return x ^ x >> 32;
}

static void many(void **state)
{
    struct wst_budget budget = {.max = 64 << 20};
    struct wst_ids ids = {0};
    struct slot *slot;

    (void)state;
    for (uint32_t i = 0; i < WST_IDS_MAX / 2; i++) {
        slot = wst_ids_slot(&ids, size, id_of(i), &budget);
        assert_non_null(slot);
        assert_int_equal(slot->id, id_of(i));
        assert_int_equal(slot->value, 0);
        slot->value = i + 1;
        if (i + 1 == WST_IDS_MAX / 2) break; /* now it is full */
        slot = wst_ids_slot(&ids, size, id_of(i / 2), &budget);
        assert_non_null(slot);
        assert_int_equal(slot->value, i / 2 + 1);
    }
    assert_int_equal(ids.n, WST_IDS_MAX / 2);
    assert_int_equal(ids.room, WST_IDS_MAX);
    assert_int_equal(budget.used, ids.room * size);
    assert_null(wst_ids_slot(&ids, size, id_of(WST_IDS_MAX), &budget));
    wst_ids_free(&ids, size, &budget);
    assert_int_equal(budget.used, 0);
}

/* Same lower half: their way through the table is the same however large it is. */
static void colliding(void **state)
{
    struct wst_budget budget = {.max = 64 << 20};
    struct wst_ids ids = {0};
    uint32_t taken = 0;
    struct slot *slot;

    (void)state;
    for (uint64_t i = 0; i < 10000; i++) {
        slot = wst_ids_slot(&ids, size, i << 32 | 77, &budget);
        taken += slot != NULL;
        if (slot) slot->value = (uint32_t)i;
    }
    assert_in_range(taken, 1000, 5000);
    for (uint64_t i = 0; i < taken; i++) {
        slot = wst_ids_slot(&ids, size, i << 32 | 77, &budget);
        assert_non_null(slot);
        assert_int_equal(slot->value, i);
    }
    assert_int_equal(ids.n, taken);
    assert_non_null(wst_ids_slot(&ids, size, 9 << 13, &budget)); /* the others have room */
    wst_ids_free(&ids, size, &budget);
    assert_int_equal(budget.used, 0);
}

static void poor(void **state)
{
    struct wst_budget budget = {.max = 16 * size};
    struct wst_ids ids = {0};
    uint32_t i = 0;

    (void)state;
    while (wst_ids_slot(&ids, size, id_of(i), &budget)) i++;
    assert_int_equal(i, 8); /* half of the first sixteen */
    assert_int_equal(budget.used, 16 * size);
    wst_ids_free(&ids, size, &budget);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many),
        cmocka_unit_test(colliding),
        cmocka_unit_test(poor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
