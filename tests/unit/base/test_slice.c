/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "slice.h"

static void decimal(void **state)
{
    static const struct {
        const char *text;
        size_t most;
        int64_t value;
    } rows[] = {
        {"", 9, -1},           {"0", 1, 0},
        {"7", 1, 7},           {"10", 1, -1},
        {"007", 3, 7},         {"-1", 9, -1},
        {"+1", 9, -1},         {"1.0", 9, -1},
        {"1e3", 9, -1},        {" 1", 9, -1},
        {"1 ", 9, -1},         {"999999999", 9, 999999999},
        {"1/", 9, -1},         {":1", 9, -1},
        {"1234567890", 9, -1}, {"999999999999999999", 18, INT64_C(999999999999999999)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(wst_slice_decimal(wst_slice_text(rows[i].text), rows[i].most),
                         rows[i].value);
    assert_int_equal(wst_slice_decimal((struct wst_slice){NULL, 0}, 9), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decimal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
