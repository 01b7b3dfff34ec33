/* SPDX-License-Identifier: MIT
 *
 * Where bytes are missing, or break rules: nothing is put at a wrong place, and nothing is left out
 * without a word. Each case whole and byte by byte.
 */
#include "room.h"

/* A frame of four bytes that says it has one, in the midst of a header block: the next is read. */
static void test_broken_and_short(void **state)
{
    uint8_t bytes[128], *at = bytes;
    (void)state;
    room_open();
    begins();
    asks(1);
    answers(1);
    at = put_frame(at, WST_HTTP2_HEADERS, 0, 2, "\x88", 1);
    at = put_frame(at, WST_HTTP2_RST_STREAM, 0, 1, "\1", 1);
    at = put_frame(at, WST_HTTP2_DATA, 0, 1, "two", 3);
    sends(WST_S2C, bytes, (size_t)(at - bytes));
    room_close("1 request\n"
               "1 answer 200\n"
               "1 broken: a header block is broken off by another frame\n"
               "1 < \"two\"\n"
               "1 end\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_and_short),
    };
    int failed = cmocka_run_group_tests_name("whole", tests, NULL, NULL);
    piece = 1;
    return failed + cmocka_run_group_tests_name("by the byte", tests, NULL, NULL);
}
