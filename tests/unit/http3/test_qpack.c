/* SPDX-License-Identifier: MIT
 *
 * Field sections with a table: in time, late, lost, filled against the rules.
 */
#include "room.h"

static const uint64_t settings[] = {1, 4096, 7, 100, 8, 1, 0};

/* A request of stream `id` that uses the table, and what fills it. */
static void put_request(struct bytes *request, struct bytes *inserts, uint64_t id)
{
    struct bytes section = {.n = 0};
    put_section(&section, inserts, WST_C2S, id, 4096, websocket);
    assert_true(section.p[0]); /* it needs the table */
    put_frame(request, WST_HTTP3_HEADERS, section.p, section.n);
}

IN_PIECES(the_table_in_time)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    settles(WST_S2C, settings);
    put(&inserts, "\2", 1);
    put_request(&b, &inserts, 0);
    sends(6, WST_C2S, inserts.p, inserts.n);
    sends(0, WST_C2S, b.p, b.n);
    assert_int_equal(room.http3.blocked, 0);
    answers(0);
    room_close("0>?\n0<{200}=\n");
}

IN_PIECES(the_table_late)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    settles(WST_S2C, settings);
    put(&inserts, "\2", 1);
    put_request(&b, &inserts, 0);
    sends(0, WST_C2S, b.p, b.n);
    assert_int_equal(room.http3.blocked, 1);
    data(0, WST_C2S, "hello");
    loses(0, WST_C2S, 3);
    ends(0, WST_C2S);
    answers(0);
    data(0, WST_S2C, "hi");
    sends(6, WST_C2S, inserts.p, inserts.n - 1);
    assert_string_equal(room_text(), "");
    sends(6, WST_C2S, inserts.p + inserts.n - 1, 1);
    assert_string_equal(room_text(), "0>?hello[~3].\n0<{200}hi\n");
    room_close("0>?hello[~3].\n0<{200}hi=\n");
}

/* Where there are too many streams, those that tell how the others are read are kept, and those
 * whose request waits. */
IN_PIECES(streams_that_matter)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    settles(WST_C2S, settings);
    settles(WST_S2C, settings);
    put(&inserts, "\2", 1);
    sends(6, WST_C2S, inserts.p, inserts.n);
    put_request(&b, &inserts, 0);
    sends(0, WST_C2S, b.p, b.n);
    headers(4, WST_C2S, get);
    asks(8);
    static const uint64_t kept[] = {0, 2, 3, 6, 8}, others[] = {4, 7, 10, 11, 12, 1};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_true(wst_http3_wants(&room.http3, kept[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(wst_http3_wants(&room.http3, others[i]));
    sends(6, WST_C2S, inserts.p + 1, inserts.n - 1);
    answers(0);
    answers(8);
    room_close("0>?\n0<{200}=\n8>?\n8<{200}=\n");
}

/* A stream is broken off while what it refers to is not there yet: that is told when it comes, or
 * when it never does. */
IN_PIECES(broken_off_while_it_waits)
{
    static const char *const fields[] = {":status", "200", "server", "a value", NULL};
    struct bytes b = {.n = 0}, inserts = {.n = 0}, section = {.n = 0}, said = {.n = 0};
    room_open();
    settles(WST_C2S, settings);
    settles(WST_S2C, settings);
    put(&inserts, "\2", 1);
    put_request(&b, &inserts, 0);
    sends(0, WST_C2S, b.p, b.n);
    data(0, WST_C2S, "hello");
    resets(0, WST_C2S, 0x10c);
    answers(0);
    data(0, WST_S2C, "hi");
    assert_string_equal(room_text(), "");
    sends(6, WST_C2S, inserts.p, inserts.n);
    assert_string_equal(room_text(), "0>?hello\n0<{200}hi\n");
    asks(4);
    put(&said, "\2", 1);
    put_section(&section, &said, WST_S2C, 4, 4096, fields);
    frame(4, WST_S2C, WST_HTTP3_HEADERS, section.p, section.n);
    data(4, WST_S2C, "hi");
    resets(4, WST_S2C, 0x10c);
    assert_string_equal(room.said[1][1], "");
    sends(7, WST_S2C, said.p, said.n);
    assert_string_equal(room.said[1][1], "{200}hi");
    ends(4, WST_C2S);
    room_close("0>?hello\n0<{200}hi=reset by client\n4>?.\n4<{200}hi=reset by server\n");
}

IN_PIECES(the_settings_late)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    put(&inserts, "\2", 1);
    put_request(&b, &inserts, 0);
    sends(6, WST_C2S, inserts.p, inserts.n);
    sends(0, WST_C2S, b.p, b.n);
    assert_string_equal(room_text(), "");
    settles(WST_S2C, settings);
    answers(0);
    room_close("0>?\n0<{200}=\n");
}

/* An answer that uses the table of the server, which the client's settings allow. */
IN_PIECES(the_answer_late)
{
    static const char *const fields[] = {":status", "200", "server", "a value", NULL};
    struct bytes section = {.n = 0}, inserts = {.n = 0};
    room_open();
    settles(WST_C2S, settings);
    settles(WST_S2C, allowing);
    asks(0);
    put(&inserts, "\2", 1);
    put_section(&section, &inserts, WST_S2C, 0, 4096, fields);
    assert_true(section.p[0]);
    frame(0, WST_S2C, WST_HTTP3_HEADERS, section.p, section.n);
    data(0, WST_S2C, "hi");
    assert_string_equal(room_text(), "0>?\n");
    sends(7, WST_S2C, inserts.p, inserts.n);
    room_close("0>?\n0<{200}hi=\n");
}

#define UNREADABLE \
    "!unread: a field section that is not whole, or refers to fields that are missing\n"

IN_PIECES(the_table_lost)
{
    for (size_t at = 0; at < 20; at++) {
        struct bytes b = {.n = 0}, c = {.n = 0}, inserts = {.n = 0};
        room_open();
        settles(WST_S2C, settings);
        put(&inserts, "\2", 1);
        put_request(&b, &inserts, 0);
        put_request(&c, &inserts, 4);
        sends(0, WST_C2S, b.p, b.n);
        data(0, WST_C2S, "a");
        sends(6, WST_C2S, inserts.p, at);
        loses(6, WST_C2S, 1);
        sends(6, WST_C2S, inserts.p + at + 1, inserts.n - at - 1);
        sends(4, WST_C2S, c.p, c.n);
        data(4, WST_C2S, "b");
        asks(8); /* this one needs none */
        answers(8);
        data(8, WST_C2S, "c");
        room_close("0>?unseena\n0<{0}=\n4>?unseenb\n4<{0}=\n8>?c\n8<{200}=\n" UNREADABLE);
    }
}

/* A stream whose type is missing was not the encoder's, when that comes later. */
IN_PIECES(another_stream_lost)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    loses(14, WST_C2S, 5);
    loses(15, WST_S2C, 5);
    settles(WST_S2C, settings);
    put(&inserts, "\2", 1);
    put_request(&b, &inserts, 0);
    sends(6, WST_C2S, inserts.p, inserts.n);
    sends(0, WST_C2S, b.p, b.n);
    answers(0);
    room_close("0>?\n0<{200}=\n");
}

IN_PIECES(the_settings_lost)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    loses(3, WST_S2C, 9);
    put(&inserts, "\2", 1);
    put_request(&b, &inserts, 0);
    sends(6, WST_C2S, inserts.p, inserts.n);
    sends(0, WST_C2S, b.p, b.n);
    data(0, WST_C2S, "a");
    asks(4);
    answers(4);
    room_close("0>?unseena\n0<{0}=\n4>?\n4<{200}=\n" UNREADABLE);
}

IN_PIECES(the_table_never)
{
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    settles(WST_S2C, settings);
    put_request(&b, &inserts, 0);
    sends(0, WST_C2S, b.p, b.n);
    data(0, WST_C2S, "a");
    room_close("0>?unseena\n0<{0}=\n" UNREADABLE);
}

static void more_than_may_wait(void **state)
{
    (void)state;
    struct bytes inserts = {.n = 0};
    room_open();
    settles(WST_S2C, settings);
    put(&inserts, "\2", 1);
    for (uint64_t id = 0; id < 4 * (WST_HTTP3_BLOCKED + 10); id += 4) {
        struct bytes b = {.n = 0};
        put_request(&b, &inserts, id);
        sends(id, WST_C2S, b.p, b.n);
    }
    assert_int_equal(room.http3.blocked, WST_HTTP3_BLOCKED);
    room.deny = true;
    room_shut();
    assert_string_equal(room_text(), UNREADABLE);
}

IN_PIECES(a_table_against_the_rules)
{
    static const char told[] =
        "!broken: a table of fields that is filled against the rules (RFC 9204)\n";
    struct bytes b = {.n = 0}, inserts = {.n = 0};
    room_open();
    settles(WST_S2C, settings);
    sends(6, WST_C2S, "\2\x3f\xe1\x1f\0\x10\x10", 7); /* place 0 again, of none */
    put_request(&b, &inserts, 0);
    sends(0, WST_C2S, b.p, b.n);
    asks(4);
    room_close("4>?\n4<{-1}=\n!broken: a table of fields that is filled against the rules (RFC "
               "9204)\n");
    room_open();
    sends(6, WST_C2S, "\2\x3f\xe1\x1f", 4); /* a capacity that is not allowed */
    assert_string_equal(room_text(), "");
    settles(WST_S2C, allowing);
    room_close(told);
}

/* Fields of which each costs a byte, and stands for many. */
static void bombs(void **state)
{
    (void)state;
    /* A capacity of 2^30, a field; the newest once more. */
    static const uint8_t fill[] = "\2\x3f\xe1\xff\xff\xff\x03\x43x-a\3xyz";
    static const uint64_t generous[] = {1, UINT64_C(1) << 30, 8, 1, 0};
    static uint8_t again[60000], value[3000];
    struct bytes inserts = {.n = 0}, section = {.n = 0};
    size_t most = 0;
    room_open();
    settles(WST_S2C, generous);
    sends(6, WST_C2S, fill, sizeof fill - 1);
    for (int i = 0; i < 40; i++) {
        sends(6, WST_C2S, again, 1000);
        if (room.budget.used > most) most = room.budget.used;
    }
    assert_true(most > 100000 && most < 2 * WST_HTTP3_TABLE_MAX);
    sends(6, WST_C2S, again, sizeof again);
    assert_true(room.budget.used < 100000); /* it is let go */
    asks(0);
    room_close("0>?\n0<{-1}=\n");

    memset(value, 'v', sizeof value);
    room_open();
    room.options.limits.max_head = 20000;
    settles(WST_S2C, settings);
    put(&inserts, "\2\x3f\xe1\x1f\x43x-a\x7f\xb9\x16", 12);
    put(&inserts, value, 127 + 0x39 + (0x16 << 7));
    sends(6, WST_C2S, inserts.p, inserts.n);
    put(&section, "\2\0\xcf", 3); /* needs one; :method CONNECT */
    for (int i = 0; i < 4000; i++) put(&section, "\x80", 1);
    frame(0, WST_C2S, WST_HTTP3_HEADERS, section.p, section.n);
    assert_string_equal(room_text(), "0>?tunnel\n");
    assert_true(room.budget.used < 100000);
    room_close("0>?tunnel\n0<{-1}=\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_in_time),
        cmocka_unit_test(the_table_late),
        cmocka_unit_test(streams_that_matter),
        cmocka_unit_test(broken_off_while_it_waits),
        cmocka_unit_test(the_settings_late),
        cmocka_unit_test(the_answer_late),
        cmocka_unit_test(the_table_lost),
        cmocka_unit_test(another_stream_lost),
        cmocka_unit_test(the_settings_lost),
        cmocka_unit_test(the_table_never),
        cmocka_unit_test(more_than_may_wait),
        cmocka_unit_test(a_table_against_the_rules),
        cmocka_unit_test(bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
