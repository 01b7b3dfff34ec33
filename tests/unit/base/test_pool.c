/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"

enum { SIZE = 300, LINES = 320, MANY = 20000 };

/* Every block that was handed out; NULL: given back. */
struct made {
    struct wst_area area;
    struct wst_pool pool;
    struct wst_budget budget;
    unsigned char *blocks[MANY];
};

static struct made *made_new(void)
{
    struct made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->budget.max = SIZE_MAX;
    wst_pool_init(&m->pool, &m->area, SIZE);
    return m;
}

static void made_free(struct made *m)
{
    wst_area_free(&m->area);
    free(m);
}

static void take(struct made *m, size_t i)
{
    m->blocks[i] = wst_pool_take(&m->pool, &m->budget);
    assert_non_null(m->blocks[i]);
    assert_int_equal((uintptr_t)m->blocks[i] % WST_POOL_LINE, 0);
    for (size_t k = 0; k < LINES; k++) assert_int_equal(m->blocks[i][k], 0);
    memset(m->blocks[i], (int)(i % 255 + 1), LINES);
}

static void give(struct made *m, size_t i)
{
    for (size_t k = 0; k < LINES; k++) assert_int_equal(m->blocks[i][k], i % 255 + 1);
    wst_pool_give(&m->pool, &m->budget, m->blocks[i]);
    m->blocks[i] = NULL;
}

/* Taken and given back in any order, each is zeros when it is taken, and nobody else writes to it.
 */
static void apart(void **state)
{
    (void)state;
    struct made *m = made_new();
    uint64_t dice = 88172645463325252u;
    size_t open = 0;
    for (int step = 0; step < 100000; step++) {
        dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
        size_t i = dice % (step / 10000 % 2 ? 50 : 3000); /* few, and many again */
        if (m->blocks[i])
            give(m, i), open--;
        else
            take(m, i), open++;
        assert_int_equal(m->budget.used, open * LINES);
    }
    made_free(m);
}

/* Kilobytes that the system counts as ours, of those that hold a block of `at`. */
static size_t resident(unsigned char *const at[MANY])
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    for (size_t i = 0; i < MANY; i++) {
        unsigned char is = 0, *from = at[i] - (uintptr_t)at[i] % page;
        if (i && from == at[i - 1] - (uintptr_t)at[i - 1] % page) continue;
        assert_int_equal(mincore(from, page, &is), 0);
        n += is & 1;
    }
    return n * page / 1024;
}

/* What the kernel does by itself with regions that ask for large pages, some time later: one page
 * over all of each, whatever is left in it. Linux 6.1. */
static void collapse(const struct wst_area *a)
{
    enum { COLLAPSE = 25 };
    for (size_t i = 0; i < a->n; i++)
        if ((uintptr_t)a->regions[i] % WST_AREA_REGION == 0)
            (void)madvise(a->regions[i], WST_AREA_REGION, COLLAPSE);
}

/* A burst of which a few stay: what the others had is the system's again, at most half as much as
 * is in use is kept, and it can be used once more. */
static void calm(void **state)
{
    (void)state;
    struct made *m = made_new();
    unsigned char **at = malloc(MANY * sizeof *at);
    assert_non_null(at);
    for (int burst = 0; burst < 3; burst++) {
        for (size_t i = 0; i < MANY; i++) {
            if (!m->blocks[i]) take(m, i);
            at[i] = m->blocks[i];
        }
        assert_true(resident(at) >= MANY / 1024 * LINES);
        for (size_t i = 0; i + 1 < MANY; i++)
            if (i >= 100 && i % 5000) give(m, i);
        collapse(&m->area);
        assert_true(resident(at) <= 12 * WST_AREA_GRAIN / 1024);
    }
    for (size_t i = 0; i < MANY; i++)
        if (m->blocks[i]) give(m, i);
    assert_int_equal(m->budget.used, 0);
    free(at);
    made_free(m);
}

/* One that comes and goes costs the system nothing: its chunk is kept. */
static void kept(void **state)
{
    (void)state;
    struct made *m = made_new();
    take(m, 0);
    const unsigned char *first = m->blocks[0];
    for (int i = 0; i < 10; i++) {
        give(m, 0);
        take(m, 0);
        assert_ptr_equal(m->blocks[0], first);
        assert_int_equal(m->area.given_n, 0);
    }
    made_free(m);
}

/* Chunks of other sizes between them: none overlaps another, and what lies before a grain is used.
 */
static void mixed(void **state)
{
    (void)state;
    enum { EACH = 100, HALF = WST_AREA_GRAIN / 2 };
    struct wst_area area = {0};
    unsigned char *grains[EACH], *halves[EACH];
    for (int i = 0; i < EACH; i++) {
        halves[i] = wst_area_take(&area, HALF);
        grains[i] = wst_area_grain(&area);
        assert_non_null(halves[i]);
        assert_non_null(grains[i]);
        assert_int_equal((uintptr_t)grains[i] % WST_AREA_GRAIN, 0);
        memset(halves[i], i, HALF);
        memset(grains[i], EACH + i, WST_AREA_GRAIN);
    }
    for (int i = 0; i < EACH; i++) {
        for (size_t k = 0; k < HALF; k++) assert_int_equal(halves[i][k], i);
        for (size_t k = 0; k < WST_AREA_GRAIN; k++) assert_int_equal(grains[i][k], EACH + i);
    }
    assert_true(area.n <= 4 + EACH * 3 / 2 * (WST_AREA_GRAIN >> 10) / (WST_AREA_REGION >> 10) + 1);
    wst_area_free(&area);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apart),
        cmocka_unit_test(calm),
        cmocka_unit_test(kept),
        cmocka_unit_test(mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
