/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "queue.h"

static struct wst_budget budget = {.max = 1 << 20};

static void push(struct wst_queue *q, const char *text, uint64_t from)
{
    assert_true(wst_queue_push(q, &budget, wst_slice_text(text), from, 4096));
}

static void expect(struct wst_slice s, const char *text)
{
    assert_int_equal(s.n, strlen(text));
    assert_memory_equal(s.p, text, s.n);
}

/* Stretches keep their packets, whatever the bites they are taken in. */
static void in_bites(void **state)
{
    (void)state;
    for (size_t bite = 1; bite < 8; bite++) {
        struct wst_queue q = {0};
        char got[32] = "";
        size_t n = 0;
        push(&q, "ab", 7);
        push(&q, "", 8);
        push(&q, "cdefg", 9);
        assert_int_equal(wst_queue_bytes(&q), 7);
        while (!wst_queue_empty(&q)) {
            uint64_t from;
            struct wst_slice s = wst_queue_first(&q, &from);
            assert_int_equal(from, n < 2 ? 7 : 9);
            size_t take = s.n < bite ? s.n : bite;
            memcpy(got + n, s.p, take);
            n += take;
            wst_queue_take(&q, take);
            assert_int_equal(wst_queue_bytes(&q), 7 - n);
        }
        assert_string_equal(got, "abcdefg");
        push(&q, "again", 10);
        uint64_t from;
        expect(wst_queue_first(&q, &from), "again");
        wst_queue_free(&q, &budget);
    }
    assert_int_equal(budget.used, 0);
}

/* What is missing waits among what came, and is taken as a whole. */
static void with_a_gap(void **state)
{
    struct wst_queue q = {0};
    uint64_t from;
    (void)state;
    push(&q, "ab", 7);
    assert_true(wst_queue_push_gap(&q, &budget, (uint64_t)5 << 32, 8, 4096));
    push(&q, "cd", 9);
    assert_int_equal(wst_queue_bytes(&q), ((uint64_t)5 << 32) + 4);
    wst_queue_take(&q, 2);
    uint64_t missing = 0; /* at once, unless it is more than a size holds */
    for (struct wst_slice s; (s = wst_queue_first(&q, &from)).n && !s.p; missing += s.n) {
        uint64_t left = ((uint64_t)5 << 32) - missing;
        assert_int_equal(s.n, left < SIZE_MAX ? left : SIZE_MAX);
        assert_int_equal(from, 8);
        wst_queue_take(&q, s.n);
    }
    assert_int_equal(missing, (uint64_t)5 << 32);
    expect(wst_queue_first(&q, &from), "cd");
    wst_queue_free(&q, &budget);
    assert_int_equal(budget.used, 0);
}

static void earliest_of_two(void **state)
{
    (void)state;
    struct wst_queue q[2] = {{{0}, 0, 0}};
    static const struct {
        const char *text;
        unsigned which;
        uint64_t from;
    } rows[] = {{"a", 1, 3}, {"b", 0, 4}, {"c", 0, 6}, {"d", 1, 9}, {"e", 1, 9}};
    unsigned which;
    uint64_t from;
    assert_int_equal(wst_queue_take_earliest(q, &which, &from).n, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        push(&q[rows[i].which], rows[i].text, rows[i].from);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect(wst_queue_take_earliest(q, &which, &from), rows[i].text);
        assert_int_equal(which, rows[i].which);
        assert_int_equal(from, rows[i].from);
    }
    assert_int_equal(wst_queue_take_earliest(q, &which, &from).n, 0);
    for (int i = 0; i < 2; i++) wst_queue_free(&q[i], &budget);
}

static void caps(void **state)
{
    (void)state;
    struct wst_queue q = {0};
    uint8_t bytes[100] = {0};
    size_t kept = 0;
    while (wst_queue_push(&q, &budget, (struct wst_slice){bytes, 100}, 1, 1000)) kept++;
    assert_int_equal(kept, 8); /* each with what it is kept with */
    assert_int_equal(wst_queue_bytes(&q), 800);
    wst_queue_free(&q, &budget);
    struct wst_budget poor = {.max = 100};
    assert_false(wst_queue_push(&q, &poor, (struct wst_slice){bytes, 100}, 1, 1000));
    assert_true(wst_queue_empty(&q));
    assert_int_equal(poor.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_bites), cmocka_unit_test(with_a_gap),
                                       cmocka_unit_test(earliest_of_two), cmocka_unit_test(caps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
