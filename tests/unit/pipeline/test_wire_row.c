/* SPDX-License-Identifier: MIT
 *
 * The row of a direction's bytes, beside a list of all pieces there ever were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "wire_row.h"

enum { STEPS = 3 * WST_WIRE_PIECES, MAX = 1 << 16 };

static struct wst_budget budget = {.max = 64 << 20};

static struct {
    uint64_t at;
    uint32_t n;
} all[STEPS];

/* What is kept of the newest pieces says where it lies and which bytes it has. */
static void held(const struct wst_wire_row *row, size_t added)
{
    assert_in_range(row->n, 1, WST_WIRE_PIECES);
    for (size_t i = row->n < 3 ? row->n : 3; i > 0; i--) {
        const struct wst_wire_piece *p = &row->pieces[row->first + row->n - i];
        assert_true(p->pkt < added);
        assert_int_equal(p->at, all[p->pkt].at);
        assert_int_equal(p->n, all[p->pkt].n);
        for (uint32_t k = 0; p->bytes && k < p->n; k++)
            assert_int_equal(p->bytes[k], (uint8_t)p->pkt);
    }
}

/* The slow way to the first piece that reaches behind a place. */
static void found(const struct wst_wire_row *row, uint64_t place)
{
    size_t i = 0;
    while (i < row->n && row->pieces[row->first + i].at + row->pieces[row->first + i].n <= place)
        i++;
    assert_int_equal(wst_wire_row_find(row, place), i);
}

/* `window`: bytes before the end that may still be needed. */
static void goes_by(uint64_t window, uint32_t longest)
{
    struct wst_wire_row row = {0};
    uint8_t bytes[16];
    srand(1);
    for (size_t i = 0; i < STEPS; i++) {
        all[i].at = row.end;
        all[i].n = 1 + (uint32_t)rand() % longest;
        memset(bytes, (uint8_t)i, sizeof bytes);
        wst_wire_row_add(&row, &budget, wst_slice_of(bytes, all[i].n), 0, i, MAX);
        assert_int_equal(row.end, all[i].at + all[i].n);
        held(&row, i + 1);
        if (i % 997 == 0) {
            found(&row, row.end - (uint64_t)rand() % (window < row.end ? window : row.end));
            found(&row, row.end);
            found(&row, 0);
        }
        if (row.end > window) wst_wire_row_trim(&row, &budget, row.end - window);
        if (row.n)
            assert_true(row.pieces[row.first].at + row.pieces[row.first].n + window > row.end);
    }
    assert_true(row.room <= 2 * WST_WIRE_PIECES);
    wst_wire_row_free(&row, &budget);
    assert_int_equal(budget.used, 0);
}

static void test_windows(void **state)
{
    (void)state;
    goes_by(1, 16);
    goes_by(1000, 16);
    goes_by(100000, 16);
    goes_by(WST_WIRE_PIECES, 1); /* as many pieces as there may be, one trimmed for each added */
    goes_by(2 * WST_WIRE_PIECES, 1); /* more: the row is full */
}

/* Without memory for a larger row what lies before its first piece is used again. */
static void test_poor(void **state)
{
    struct wst_wire_row row = {0};
    struct wst_budget poor = {.max = 8 * sizeof *row.pieces + 8};
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        wst_wire_row_add(&row, &poor, wst_slice_of("x", 1), 0, i, MAX);
        assert_int_equal(row.pieces[row.first + row.n - 1].pkt, i);
        assert_int_equal(row.unlisted, 0);
        wst_wire_row_trim(&row, &poor, row.end > 5 ? row.end - 5 : 0);
        assert_int_equal(row.n, i < 5 ? i + 1 : 5);
    }
    wst_wire_row_free(&row, &poor);
    assert_int_equal(poor.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_poor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
