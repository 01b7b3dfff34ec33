/* SPDX-License-Identifier: MIT */
#include "sorted.h"

#include "guard.h"

enum { MOST = 64, NUMBERS = 100 }; /* at once; of all */

struct item {
    uint64_t number, mark;
};

/* The same, in the order they came. */
struct plain {
    struct item *items[MOST];
    uint32_t n;
};

static struct item *plain_find(const struct plain *p, uint64_t number)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (p->items[i]->number == number) return p->items[i];
    return NULL;
}

static uint32_t plain_below(const struct plain *p, uint64_t number)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) n += p->items[i]->number < number;
    return n;
}

static void plain_take(struct plain *p, const struct item *item)
{
    uint32_t i = 0;
    while (p->items[i] != item) i++;
    p->items[i] = p->items[--p->n];
}

/* Numbers of all sizes: those of QUIC have 62 bits. */
static uint64_t number_of(size_t i)
{
    return i < NUMBERS / 2 ? i : i < NUMBERS ? (uint64_t)i << 32 | 7 : UINT64_MAX;
}

static void same(const struct wst_sorted *s, const struct plain *p)
{
    assert_int_equal(s->n, p->n);
    for (size_t i = 0; i <= NUMBERS; i++) {
        uint64_t number = number_of(i);
        struct item *found = wst_sorted_find(s, number);
        assert_ptr_equal(found, plain_find(p, number));
        assert_int_equal(wst_sorted_place(s, number), plain_below(p, number));
        if (!found) continue;
        assert_true(found->number == number && found->mark == ~number);
        assert_ptr_equal(s->items[wst_sorted_place(s, number)], found);
    }
}

static void item_free(struct wst_budget *budget, struct item *item)
{
    wst_budget_give(budget, sizeof *item);
    free(item);
}

static void as_a_plain_list(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_sorted s = {0};
    struct plain p = {.n = 0};
    uint64_t random = 1;
    (void)state;
    for (int step = 0; step < 20000; step++) {
        uint64_t number = number_of(rnd_below(&random, NUMBERS + 1));
        struct item *item = wst_sorted_find(&s, number);
        bool grows = step / 500 % 2 == 0; /* full at times, and empty */
        if (item && (!grows || rnd_below(&random, 2))) {
            wst_sorted_take(&s, number);
            plain_take(&p, item);
            item_free(&budget, item);
        } else if (!item && p.n < MOST && (grows || rnd_below(&random, 8) == 0)) {
            item = wst_sorted_new(&s, &budget, number, sizeof *item);
            assert_non_null(item);
            assert_int_equal(item->mark, 0);
            item->mark = ~number;
            p.items[p.n++] = item;
        }
        same(&s, &p);
        assert_true(s.n <= s.room);
        assert_int_equal(budget.used, s.room * sizeof(void *) + s.n * sizeof *item);
    }
    assert_int_equal(s.room, MOST); /* it was full */
    while (s.n) item_free(&budget, s.items[--s.n]);
    wst_sorted_free(&s, &budget);
    assert_int_equal(budget.used, 0);
    assert_null(s.items);
    assert_int_equal(s.room, 0);
}

/* Whatever the budget allows, what is refused changes nothing. */
static void refused(void **state)
{
    (void)state;
    for (size_t max = 0; max < 600; max += 8) {
        struct wst_budget budget = {.max = max};
        struct wst_sorted s = {0};
        struct plain p = {.n = 0};
        for (uint64_t i = 0; i < 20; i++) {
            uint64_t number = number_of(19 - i);
            struct item *item = wst_sorted_new(&s, &budget, number, sizeof *item);
            if (item) {
                item->mark = ~number;
                p.items[p.n++] = item;
            } else { /* it did not fit */
                size_t more = s.n < s.room ? sizeof *item : (s.room ? s.room : 4) * sizeof(void *);
                assert_true(budget.used + more > max);
            }
            same(&s, &p);
            assert_int_equal(budget.used, s.room * sizeof(void *) + s.n * sizeof *item);
            assert_true(budget.used <= max);
        }
        while (s.n) item_free(&budget, s.items[--s.n]);
        wst_sorted_free(&s, &budget);
        assert_int_equal(budget.used, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_a_plain_list),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
