/* SPDX-License-Identifier: MIT
 *
 * What is known of a text, by the piece: whole characters, none that touches what is not known.
 */
#include <wstrace/event.h>

#include <stdio.h>
#include <string.h>

#include "guard.h"

/* '.' is a byte that is not known. Each piece as `place:text`, a blank between two. */
static void expect_pieces(const char *sketch, const char *expected)
{
    uint8_t bytes[256];
    char got[512] = "";
    size_t n = strlen(sketch), at = 0, used = 0;
    for (size_t i = 0; i < n; i++) bytes[i] = sketch[i] == '.' ? 0xff : (uint8_t)sketch[i];
    struct wst_slice all = {bytes, n}, piece;
    while ((piece = wst_event_piece(all, at)).n) {
        size_t place = (size_t)(piece.p - all.p);
        assert_true(place >= at && place + piece.n <= n);
        used += (size_t)snprintf(got + used, sizeof got - used, "%s%zu:%.*s", used ? " " : "",
                                 place, (int)piece.n, (const char *)piece.p);
        at = place + piece.n;
    }
    assert_string_equal(got, expected);
}

static void pieces(void **state)
{
    (void)state;
    expect_pieces("", "");
    expect_pieces("....", "");
    expect_pieces("whole", "0:whole");
    expect_pieces("...b43e1f1...........6504....0..", "3:b43e1f1 21:6504");
    expect_pieces("abc.defg", "4:defg"); /* three bytes say nothing */
    expect_pieces("abcd.efg", "0:abcd");
    /* Characters of which a part is not known are not known. */
    expect_pieces("..\x97\xa5 tick..", "4: tick");
    expect_pieces("tick \xe6\x97..", "0:tick ");
    expect_pieces("\xe6.\xa5\xe6\x97\xa5x", "3:\xe6\x97\xa5x");
    expect_pieces("\xe6\x97\xa5.", ""); /* one character of three bytes */
    /* What is no UTF-8 ends a piece. */
    expect_pieces("good\xc0\xc0more..next", "0:good 12:next");
}

/* From any place on: the same as of the rest alone. */
static void from_any_place(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        static const uint8_t some[] = {'a', 'b', 0xff, 0xe6, 0x97, 0xa5, 'c', ' '};
        uint8_t bytes[64];
        size_t n = rnd_below(&seed, sizeof bytes + 1);
        for (size_t i = 0; i < n; i++) bytes[i] = some[rnd_below(&seed, sizeof some)];
        for (size_t at = 0; at <= n; at++) {
            struct wst_slice piece = wst_event_piece((struct wst_slice){bytes, n}, at);
            struct wst_slice rest = wst_event_piece((struct wst_slice){bytes + at, n - at}, 0);
            assert_ptr_equal(piece.p, rest.p);
            assert_int_equal(piece.n, rest.n);
            for (size_t i = 0; i < piece.n; i++) assert_int_not_equal(piece.p[i], 0xff);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),
        cmocka_unit_test(from_any_place),
    };
    return cmocka_run_group_tests_name("timeline/sketch", tests, NULL, NULL);
}
