/* SPDX-License-Identifier: MIT */
#include "conns.h"

#include "guard.h"

enum { NUMBERS = 2000 }; /* many times what the first row of buckets has */

struct item {
    struct wst_conn_node node;
    uint64_t mark;
};

/* The same, by place. */
struct plain {
    struct item *items[NUMBERS];
    size_t n;
};

/* Those that follow each other, those that share a bucket in every row, the largest, and none. */
static uint64_t number_of(size_t i)
{
    return i < NUMBERS / 2 ? i : i < NUMBERS - 1 ? (uint64_t)i << 32 : UINT64_MAX;
}

static size_t place_of(uint64_t number)
{
    return number == UINT64_MAX ? NUMBERS - 1 : (size_t)(number >> 32 ? number >> 32 : number);
}

static void put(struct wst_conns *c, struct plain *p, size_t i)
{
    struct item *item = malloc(sizeof *item);
    assert_non_null(item);
    *item = (struct item){{number_of(i), &item->node}, ~number_of(i)}; /* `next` is not believed */
    assert_true(wst_conns_add(c, &item->node));
    p->items[i] = item;
    p->n++;
}

static void take(struct wst_conns *c, struct plain *p, size_t i)
{
    wst_conns_take(c, &p->items[i]->node);
    free(p->items[i]);
    p->items[i] = NULL;
    p->n--;
}

static void same(const struct wst_conns *c, const struct plain *p)
{
    size_t met = 0;
    assert_int_equal(c->n, p->n);
    for (size_t i = 0; i < NUMBERS; i++) {
        struct item *found = wst_conns_find(c, number_of(i));
        assert_ptr_equal(found, p->items[i]);
        if (found) assert_true(found->node.conn == number_of(i) && found->mark == ~number_of(i));
    }
    assert_null(wst_conns_find(c, (uint64_t)1 << 20));
    for (struct item *item = wst_conns_next(c, NULL); item; item = wst_conns_next(c, &item->node)) {
        assert_ptr_equal(item, p->items[place_of(item->node.conn)]);
        assert_true(++met <= p->n); /* none twice: then another would be left out */
    }
    assert_int_equal(met, p->n);
}

static void as_a_plain_row(void **state)
{
    static struct plain p;
    struct wst_conns c = {0};
    uint64_t random = 1;
    (void)state;
    same(&c, &p);
    for (int step = 0; step < 40000; step++) {
        size_t i = (size_t)rnd_below(&random, NUMBERS);
        bool grows = step / 10000 % 2 == 0; /* nearly full at times, and nearly empty */
        if (p.items[i] && (!grows || rnd_below(&random, 8) == 0))
            take(&c, &p, i);
        else if (!p.items[i] && (grows || rnd_below(&random, 8) == 0))
            put(&c, &p, i);
        if (step % 100 == 0) same(&c, &p);
    }
    assert_true(c.buckets_n > NUMBERS / 2);
    for (size_t i = 0; i < NUMBERS; i++)
        if (p.items[i]) take(&c, &p, i);
    same(&c, &p);
    wst_conns_free(&c);
    same(&c, &p);
    assert_null(c.buckets);
}

/* Each is taken out, and gone, before the next one is looked at. */
static void taken_on_the_way(void **state)
{
    struct plain p = {.n = 0};
    struct wst_conns c = {0};
    (void)state;
    for (size_t i = 0; i < NUMBERS; i++) put(&c, &p, i);
    for (struct item *item = wst_conns_next(&c, NULL), *after; item; item = after) {
        after = wst_conns_next(&c, &item->node);
        take(&c, &p, place_of(item->node.conn));
    }
    same(&c, &p);
    wst_conns_free(&c);
}

/* Refused, nothing is changed, and nothing of it kept; a row that cannot grow holds more all the
 * same. */
static void without_room(void **state)
{
    struct wst_budget budget = {.max = 256 * sizeof(void *)};
    struct wst_conns c = {.budget = &budget};
    struct plain p = {.n = 0};
    struct wst_conn_node one = {.conn = 1};
    (void)state;
    budget.max--;
    assert_false(wst_conns_add(&c, &one));
    assert_null(wst_conns_find(&c, 1));
    assert_null(wst_conns_next(&c, NULL));
    assert_int_equal(budget.used, 0);
    budget.max++;
    for (size_t i = 0; i < NUMBERS; i++) put(&c, &p, i);
    assert_int_equal(c.buckets_n, 256);
    same(&c, &p);
    budget.max *= 3; /* two rows, while one follows the other */
    take(&c, &p, 7);
    put(&c, &p, 7);
    assert_int_equal(c.buckets_n, 512);
    assert_int_equal(budget.used, 512 * sizeof(void *));
    same(&c, &p);
    for (size_t i = 0; i < NUMBERS; i++) take(&c, &p, i);
    wst_conns_free(&c);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_a_plain_row),
                                       cmocka_unit_test(taken_on_the_way),
                                       cmocka_unit_test(without_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
