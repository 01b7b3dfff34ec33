/* SPDX-License-Identifier: MIT
 *
 * Rows held against each other: what is aligned is equal and in order, and as long as the longest
 * common row, which is computed the slow way; with more differences than are looked for, what
 * stands at the same place.
 */
#include "compare.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { SHORT = 40, LONG = 2 * WST_ALIGN_EDITS };

struct rows {
    uint32_t a[LONG], b[LONG], n, m;
};

static bool same(const void *user, uint32_t i, uint32_t j)
{
    const struct rows *r = user;

    assert_in_range(i, 0, r->n - 1);
    assert_in_range(j, 0, r->m - 1);
    return r->a[i] == r->b[j];
}

/* How many are aligned; each with an equal one, and in order. */
static uint32_t aligned(const struct rows *r, uint32_t *to)
{
    struct wst_align align = {r->n, r->m, same, r, to};
    uint32_t count = 0, next = 0;

    assert_true(wst_align(&align));
    for (uint32_t i = 0; i < r->n; i++) {
        if (to[i] == WST_ALONE) continue;
        assert_in_range(to[i], next, r->m - 1);
        assert_int_equal(r->a[i], r->b[to[i]]);
        next = to[i] + 1;
        count++;
    }
    return count;
}

static uint32_t longest(const struct rows *r)
{
    uint32_t best[SHORT + 1][SHORT + 1] = {{0}};

    for (uint32_t i = r->n; i-- > 0;)
        for (uint32_t j = r->m; j-- > 0;) {
            uint32_t skip = best[i + 1][j] > best[i][j + 1] ? best[i + 1][j] : best[i][j + 1];
            best[i][j] = r->a[i] == r->b[j] ? best[i + 1][j + 1] + 1 : skip;
        }
    return best[0][0];
}

static void as_long_as_can_be(void **state)
{
    static struct rows r;
    uint32_t to[SHORT], seed = 1;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t kinds = 1 + round % 9;
        r.n = round % (SHORT + 1);
        r.m = round / 41 % (SHORT + 1);
        for (uint32_t i = 0; i < SHORT; i++) {
            seed = seed * 1664525 + 1013904223;
            r.a[i] = (seed >> 16) % kinds;
            r.b[i] = (seed >> 24) % 8 ? r.a[i] : (seed >> 8) % kinds;
        }
        assert_int_equal(aligned(&r, to), longest(&r));
    }
}

/* All are different but two; so many of either row go. What stays is `behind` in the second row. */
static void different(struct rows *r, uint32_t go, uint32_t come, uint32_t behind)
{
    r->n = go + 2;
    r->m = come + 2;
    for (uint32_t i = 0; i < r->n; i++) r->a[i] = i;
    for (uint32_t i = 0; i < r->m; i++) r->b[i] = LONG + i;
    r->b[7 + behind] = 7;
    r->b[300 + behind] = 300;
}

/* As many edits as are looked for, and more: then what stands at the same place is aligned. */
static void too_many(void **state)
{
    static struct rows r;
    static uint32_t to[LONG];
    const uint32_t half = WST_ALIGN_EDITS / 2;

    (void)state;
    different(&r, half, half, 1);
    assert_int_equal(aligned(&r, to), 2);
    assert_int_equal(to[7], 8);
    different(&r, half + 1, half, 1);
    assert_int_equal(aligned(&r, to), 0);
    for (unsigned k = 0; k < 3; k++) {
        different(&r, half + 1 + 50 * (k == 1), half + 1 + 50 * (k == 2), 0);
        assert_int_equal(aligned(&r, to), 2);
        assert_int_equal(to[7], 7);
        assert_int_equal(to[300], 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_long_as_can_be),
                                       cmocka_unit_test(too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
