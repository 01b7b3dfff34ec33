/* SPDX-License-Identifier: MIT
 *
 * How far words are apart: known distances, both ways round; never read past their ends.
 */
#include <wstrace/words.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *one, *other;
    size_t apart;
} rows[] = {
    {"", "", 0},
    {"", "abc", 3},
    {"filter", "filter", 0},
    {"filter", "fliter", 1}, /* swapped */
    {"filter", "filtr", 1},  /* left out */
    {"filter", "fillter", 1},
    {"filter", "filder", 1},
    {"filter", "Filter", 1},
    {"ab", "ba", 1},
    {"ca", "abc", 3}, /* what was swapped is not touched again */
    {"kitten", "sitting", 3},
    {"jsno-pahts", "json-paths", 2},
    {"keylog", "snapshot", 7}, /* one "o" stays */
};

static struct wst_slice word(const char *s, char *flush[static 1])
{
    size_t n = strlen(s);

    *flush = malloc(n ? n : 1); /* without a NUL: reading one would be reading too far */
    memcpy(*flush, s, n);
    return (struct wst_slice){(const uint8_t *)*flush, n};
}

static void apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *p, *q;
        struct wst_slice one = word(rows[i].one, &p), other = word(rows[i].other, &q);
        assert_int_equal(wst_words_apart(one, other), rows[i].apart);
        assert_int_equal(wst_words_apart(other, one), rows[i].apart);
        free(p);
        free(q);
    }
}

static void long_ones(void **state)
{
    uint8_t a[WST_WORD_MAX + 1], b[WST_WORD_MAX + 1];

    (void)state;
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    for (size_t n = 0; n <= WST_WORD_MAX; n++) {
        struct wst_slice one = {a, n}, other = {b, WST_WORD_MAX};
        assert_int_equal(wst_words_apart(one, other), WST_WORD_MAX);
        assert_int_equal(wst_words_apart(one, (struct wst_slice){b, sizeof b}), SIZE_MAX);
        assert_int_equal(wst_words_apart((struct wst_slice){b, sizeof b}, one), SIZE_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apart),
        cmocka_unit_test(long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
