/* SPDX-License-Identifier: MIT
 *
 * Connections that go well, end early, break rules; in pieces of all sizes.
 */
#include "room.h"

IN_PIECES(a_websocket)
{
    room_open();
    begins();
    asks(0);
    answers(0);
    data(0, WST_C2S, "hello");
    data(0, WST_S2C, "hi");
    frame(0, WST_C2S, 0x21, "grease", 6);
    data(0, WST_C2S, "");
    data(0, WST_C2S, " again");
    ends(0, WST_C2S);
    data(0, WST_S2C, " you");
    ends(0, WST_S2C);
    assert_int_equal(room.http3.streams.n, 0);
    room_close("0>?hello again.\n0<{200}hi you.=\n");
}

IN_PIECES(other_requests_pass)
{
    room_open();
    begins();
    for (uint64_t id = 0; id < 40; id += 4) {
        headers(id, WST_C2S, get);
        assert_int_equal(room.http3.streams.n, 0);
        headers(id, WST_S2C, ok);
        data(id, WST_S2C, "a page");
        ends(id, WST_C2S);
        ends(id, WST_S2C);
    }
    size_t used = room.budget.used;
    assert_int_equal(room.http3.streams.n, 0);
    for (uint64_t id = 40; id < 40000; id += 4) {
        headers(id, WST_C2S, get);
        ends(id, WST_C2S);
        data(id, WST_S2C, "a page");
    }
    assert_int_equal(room.budget.used, used);
    room_close("");
}

IN_PIECES(tunnels_and_refusals)
{
    room_open();
    begins();
    headers(0, WST_C2S, tunnel);
    asks(4);
    asks(8);
    headers(0, WST_S2C, ok);
    data(0, WST_C2S, "x");
    headers(4, WST_S2C, forbidden);
    data(4, WST_S2C, "a page that says why");
    ends(4, WST_S2C);
    ends(8, WST_S2C);
    asks(12);
    room_close("0>?tunnelx\n0<{200}=\n4>?\n4<{403}=\n8>?\n8<{-1}=\n12>?\n12<{-1}=\n");
}

/* What refuses goes on, and is wanted: up to its end, or what breaks it off, or enough of it. */
IN_PIECES(bodies_of_refusals)
{
    static const char *const unable[] = {":status", "503", NULL};
    room_open();
    begins();
    for (uint64_t id = 0; id < 24; id += 4) {
        asks(id);
        if (id == 4) data(id, WST_C2S, "early");
        headers(id, WST_S2C, unable);
        data(id, WST_S2C, "why");
        data(id, WST_C2S, "x");
    }
    data(0, WST_S2C, " not");
    ends(0, WST_C2S);
    ends(0, WST_S2C);
    ends(4, WST_S2C);
    resets(8, WST_S2C, 0x102);
    resets(12, WST_C2S, 0x10c);
    data(12, WST_S2C, ", late");
    ends(12, WST_S2C);
    data(16, WST_S2C, "!");
    data(16, WST_S2C, "more");
    ends(16, WST_S2C);
    room_close("0>?\n0<{503}why not.=\n4>?\n4<{503}why.=\n8>?\n8<{503}why=reset by server\n"
               "12>?\n12<{503}why, late.=reset by client\n16>?\n16<{503}why!=\n"
               "20>?\n20<{503}why=\n");
}

IN_PIECES(streams_broken_off)
{
    room_open();
    begins();
    for (uint64_t id = 0; id < 16; id += 4) asks(id);
    resets(0, WST_S2C, 0x10c);
    answers(4);
    resets(4, WST_C2S, 0x10c);
    data(4, WST_S2C, "late"); /* sent before it heard of that */
    resets(4, WST_S2C, 0x10c);
    answers(8);
    ends(8, WST_S2C);
    resets(8, WST_S2C, 0x100);
    answers(12);
    resets(12, WST_S2C, 0x100);
    resets(16, WST_C2S, 0x10c);
    asks(16);
    asks(20);
    resets(20, WST_C2S, 0x10c); /* captured before the answer that it heard */
    answers(20);
    data(20, WST_S2C, "said");
    resets(20, WST_S2C, 0x10c);
    room_close("0>?\n0<{-1}=reset by server\n4>?\n4<{200}late=reset by client\n8>?\n8<{200}.=\n"
               "12>?\n12<{200}=reset by server\n20>?\n20<{200}said=reset by client\n");
}

IN_PIECES(interim_answers)
{
    static const char *const wait[] = {":status", "103", NULL};
    static const char *const odd[] = {":status", "2000", NULL};
    room_open();
    begins();
    asks(0);
    headers(0, WST_S2C, wait);
    headers(0, WST_S2C, ok);
    data(0, WST_S2C, "x");
    asks(4);
    headers(4, WST_S2C, odd);
    room_close("0>?\n0<{200}x=\n4>?\n4<{-1}=\n");
}

IN_PIECES(the_client_may_be_ahead)
{
    room_open();
    begins();
    asks(0);
    data(0, WST_C2S, "early ");
    frame(0, WST_C2S, WST_HTTP3_DATA, "bi", 2);
    ends(0, WST_C2S);
    assert_string_equal(room_text(), "0>?\n");
    answers(0);
    data(0, WST_S2C, "x");
    room_close("0>?early bi.\n0<{200}x=\n");
}

IN_PIECES(the_server_may_be_ahead)
{
    room_open();
    answers(0);
    data(0, WST_S2C, "welcome");
    headers(4, WST_S2C, ok);
    data(4, WST_S2C, "a page");
    ends(4, WST_S2C);
    resets(8, WST_S2C, 0x10c);
    begins();
    assert_string_equal(room_text(), "");
    headers(4, WST_C2S, get);
    asks(0);
    assert_string_equal(room_text(), "0>?\n0<{200}welcome\n");
    asks(8);
    ends(0, WST_S2C);
    room_close("0>?\n0<{200}welcome.=\n8>?\n8<{-1}=reset by server\n");
}

/* What the server says waits for the request, but not for ever. */
IN_PIECES(a_request_that_never_comes)
{
    room_open();
    begins();
    answers(0);
    data(0, WST_S2C, "\x81\2hi");
    headers(4, WST_S2C, forbidden);
    data(4, WST_S2C, "\x81\2no");
    for (uint64_t id = 8; id < 8 + 4 * 200; id += 4) headers(id, WST_C2S, get);
    assert_string_equal(room_text(), "0>?unseen\n0<{0}\\81\\02hi\n");
    asks(0);
    room_close("0>?unseen\n0<{0}\\81\\02hi=\n");
}

IN_PIECES(a_client_that_is_not_heard)
{
    room_open();
    wst_http3_one_sided(&room.http3);
    answers(0);
    data(0, WST_S2C, "\x81\2hi");
    headers(4, WST_S2C, forbidden);
    data(4, WST_S2C, "a page");
    room_close("0>?unseen\n0<{0}\\81\\02hi=\n");
}

/* More than may wait. */
IN_PIECES(waiting_has_an_end)
{
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    room_open();
    room.options.limits.max_early = 400;
    begins();
    answers(0);
    data(0, WST_S2C, text);
    answers(4);
    asks(4);
    asks(8);
    data(8, WST_C2S, text);
    answers(8);
    assert_non_null(strstr(room_text(), "0>?unseen\n"));
    assert_non_null(strstr(room_text(), "4>?\n4<{200}\n"));
    if (piece > 600) assert_non_null(strstr(room_text(), "8>?[599]\n"));
    room_shut();
}

/* -- settings ---------------------------------------------------------------------------------- */

IN_PIECES(a_server_that_does_not_allow_it)
{
    static const uint64_t forbids[] = {6, 70000, 8, 0, 0x4040, 5, 0};
    room_open();
    asks(0);
    settles(WST_S2C, forbids);
    asks(4);
    room_close("0>?\n0<{-1}=\n4>?!\n4<{-1}=\n");
    room_open();
    asks(0);
    settles(WST_S2C, NULL);
    asks(4);
    settles(WST_C2S, allowing); /* it is the server's to say */
    asks(8);
    room_close("0>?\n0<{-1}=\n4>?!\n4<{-1}=\n8>?!\n8<{-1}=\n");
}

IN_PIECES(settings_that_are_missing)
{
    struct bytes b = {.n = 0};
    put_settings(&b, allowing);
    for (size_t at = 0; at < b.n; at++) {
        room_open();
        sends(3, WST_S2C, b.p, at);
        loses(3, WST_S2C, 1);
        sends(3, WST_S2C, b.p + at + 1, b.n - at - 1);
        asks(0);
        room_close("0>?\n0<{-1}=\n"); /* nobody knows that it was not allowed */
    }
}

/* -- rules ------------------------------------------------------------------------------------- */

static void is_told(const char *what)
{
    room_shut();
    char *at = strstr(room.problems, what);
    if (!at) print_message("not told: %s\nbut:\n%s", what, room_text());
    assert_non_null(at);
    assert_null(strchr(strchr(at, '\n') + 1, '\n')); /* and nothing behind it */
}

IN_PIECES(frames_that_break_rules)
{
    static const struct {
        uint64_t id;
        enum wst_dir dir;
        uint64_t type;
        const char *told;
    } wrong[] = {
        {4, WST_C2S, 0x0, "!broken: DATA before HEADERS"},
        {0, WST_C2S, 0x1, "0!broken: HEADERS on a stream that a CONNECT opened"},
        {0, WST_S2C, 0x1, "0!broken: HEADERS on a stream that a CONNECT opened"},
        {0, WST_C2S, 0x2, "0!broken: a frame of HTTP/2 that HTTP/3 does not have"},
        {0, WST_C2S, 0x6, "0!broken: a frame of HTTP/2 that HTTP/3 does not have"},
        {0, WST_S2C, 0x8, "0!broken: a frame of HTTP/2 that HTTP/3 does not have"},
        {4, WST_C2S, 0x9, "!broken: a frame of HTTP/2 that HTTP/3 does not have"},
        {0, WST_C2S, 0x3, "0!broken: a frame of the control stream elsewhere"},
        {0, WST_S2C, 0x4, "0!broken: a frame of the control stream elsewhere"},
        {0, WST_C2S, 0x5, "0!broken: a client that promises a push"},
        {0, WST_C2S, 0x7, "0!broken: a frame of the control stream elsewhere"},
        {0, WST_C2S, 0xd, "0!broken: a frame of the control stream elsewhere"},
        {2, WST_C2S, 0x0, "0!broken: a frame of a request on the control stream"},
        {2, WST_C2S, 0x1, "0!broken: a frame of a request on the control stream"},
        {3, WST_S2C, 0x5, "0!broken: a frame of a request on the control stream"},
        {3, WST_S2C, 0x6, "0!broken: a frame of HTTP/2 that HTTP/3 does not have"},
        {2, WST_C2S, 0x4, "0!broken: SETTINGS that come again"},
        {3, WST_S2C, 0xd, "0!broken: a server that sends MAX_PUSH_ID"},
        {6, WST_C2S, 0x1, "0!broken: a client that pushes"},
        {6, WST_C2S, 0x0, "0!broken: a second stream of a kind of which each side has one"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        room_open();
        begins();
        asks(0);
        answers(0);
        frame(wrong[i].id, wrong[i].dir, wrong[i].type, "xyz", 3);
        data(0, WST_C2S, "on");
        data(0, WST_S2C, "on");
        is_told(wrong[i].told);
        assert_string_equal(room.said[0][0], "?on");
        assert_string_equal(room.said[0][1], "{200}on=");
    }
}

IN_PIECES(frames_that_break_none)
{
    room_open();
    begins();
    asks(0);
    answers(0);
    frame(0, WST_S2C, WST_HTTP3_PUSH_PROMISE, "xyz", 3);
    frame(0, WST_S2C, 0x4040, "xyz", 3);
    frame(2, WST_C2S, WST_HTTP3_GOAWAY, "\3", 1);
    frame(2, WST_C2S, WST_HTTP3_MAX_PUSH_ID, "\5", 1);
    frame(2, WST_C2S, WST_HTTP3_CANCEL_PUSH, "\5", 1);
    frame(2, WST_C2S, 0x21, "xyz", 3);
    frame(7, WST_S2C, 1, "a push", 6);
    sends(10, WST_C2S, "\x40\x54 another's", 12);
    ends(10, WST_C2S);
    sends(14, WST_C2S, "\xc0\0\0", 3);
    sends(1, WST_S2C, "a kind that HTTP/3 has not", 26);
    sends(18, WST_C2S, "\x40", 1);
    ends(18, WST_C2S);
    room_close("0>?\n0<{200}=\n");
}

/* RFC 9114 section 5.2: that it will end, then from which stream on nothing was done. */
IN_PIECES(a_server_that_goes_away)
{
    room_open();
    begins();
    frame(3, WST_S2C, WST_HTTP3_GOAWAY, "\xff\xff\xff\xff\xff\xff\xff\xfc", 8); /* none is open */
    asks(0);
    room_close("0>?\n0<{-1}=\n");
    room_open();
    begins();
    asks(0), answers(0), asks(4), asks(8);
    frame(3, WST_S2C, WST_HTTP3_GOAWAY, "\xff\xff\xff\xff\xff\xff\xff\xfc", 8);
    frame(3, WST_S2C, WST_HTTP3_GOAWAY, "\x40\x08", 2);
    answers(4);
    data(0, WST_S2C, "on");
    asks(12); /* the client had not heard of it yet */
    room_close("0>?\n0<{200}on=\n4>?\n4<{200}=\n8>?\n8<{-1}=unserved\n12>?\n12<{-1}=unserved\n"
               "0!goaway: the server is about to end the connection: GOAWAY\n");
    room_open();
    begins();
    asks(0), answers(0);
    frame(3, WST_S2C, WST_HTTP3_GOAWAY, "\4", 1);
    room_close("0>?\n0<{200}=\n0!goaway: the server ends the connection: GOAWAY, and no request "
               "is answered from stream 4 on\n");
    static const char *const wrong[] = {"", "\4\4", "\x40", "\5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        room_open();
        begins();
        asks(0), answers(0);
        frame(3, WST_S2C, WST_HTTP3_GOAWAY, wrong[i], strlen(wrong[i]));
        is_told("0!broken: a GOAWAY ");
    }
    for (int d = 0; d < 2; d++) { /* it takes back what it said: stream 4, or push 4, is served */
        room_open();
        begins();
        asks(0), answers(0);
        frame(d ? 3 : 2, (enum wst_dir)d, WST_HTTP3_GOAWAY, "\4", 1);
        frame(d ? 3 : 2, (enum wst_dir)d, WST_HTTP3_GOAWAY, "\4", 1);
        frame(d ? 3 : 2, (enum wst_dir)d, WST_HTTP3_GOAWAY, "\10", 1);
        is_told("0!broken: a GOAWAY with a greater number");
    }
    room_open(); /* part of it is missing */
    begins();
    asks(0), answers(0);
    sends(3, WST_S2C, "\7\2\x40", 3);
    loses(3, WST_S2C, 1);
    frame(3, WST_S2C, WST_HTTP3_GOAWAY, "\4", 1);
    is_told("0!goaway: the server ends");
}

IN_PIECES(streams_that_break_rules)
{
    room_open();
    begins();
    ends(3, WST_S2C);
    sends(4, WST_S2C, "\0", 1);
    is_told("!broken: the end of a stream that has to stay open");
    room_open();
    begins();
    sends(6, WST_C2S, "\2", 1);
    resets(6, WST_C2S, 0x104);
    sends(4, WST_C2S, "\0", 1);
    is_told("!broken: the end of a stream that has to stay open");
    room_open();
    frame(2, WST_C2S, 0, "\0\1", 2); /* type 0, then a frame of type 2 */
    is_told("!broken: a control stream that does not begin with SETTINGS");
    room_open();
    settles(WST_C2S, (const uint64_t[]){2, 0, 0});
    is_told("!broken: a setting of HTTP/2 that HTTP/3 does not have");
    room_open();
    sends(2, WST_C2S, "\0\4\3\1\x40\x40", 6);
    sends(2, WST_C2S, "\0\4\1\1", 4);
    is_told("!broken:");
    room_open();
    asks(0);
    answers(0);
    sends(0, WST_C2S, "\0\5on", 4);
    ends(0, WST_C2S);
    is_told("0!broken: a frame that is longer than what is left of its stream");
    assert_string_equal(room.said[0][0], "?on.");
    room_open();
    asks(0);
    answers(0);
    sends(0, WST_C2S, "\0\x40", 2);
    ends(0, WST_C2S);
    is_told("0!broken: a frame that is longer than what is left of its stream");
    room_open();
    sends(0, WST_C2S, "\1\0", 2);
    is_told("!broken: a field section that breaks rules of RFC 9204");
    room_open();
    sends(0, WST_C2S, "\1\3\0\0\xbe", 5); /* place 62 of a table that is empty */
    is_told("!broken: a field section that breaks rules of RFC 9204");
}

/* -- hostile ----------------------------------------------------------------------------------- */

IN_PIECES(lengths_that_lead_nowhere)
{
    static const uint8_t types[] = {WST_HTTP3_DATA, WST_HTTP3_HEADERS, 0x21, WST_HTTP3_SETTINGS};
    char text[400];
    memset(text, 1, sizeof text);
    for (size_t i = 0; i < sizeof types; i++) {
        uint8_t huge[] = {types[i], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
        for (int place = 0; place < 3; place++) {
            room_open();
            room.options.limits.max_head = 200;
            if (place == 1) asks(0);
            if (place == 1) answers(0);
            if (place == 2) sends(2, WST_C2S, "\0", 1);
            sends(place == 2 ? 2 : 0, WST_C2S, huge, sizeof huge);
            for (int n = 0; n < 20; n++) sends(place == 2 ? 2 : 0, WST_C2S, text, sizeof text);
            assert_true(room.budget.used < 10000);
            loses(place == 2 ? 2 : 0, WST_C2S, UINT64_C(1) << 61);
            if (place != 2) ends(0, WST_C2S);
            room_shut();
        }
    }
}

static void streams_without_end(void **state)
{
    (void)state;
    room_open();
    begins();
    for (uint64_t id = 0; id < 4 * 3000; id += 4) sends(id, WST_C2S, "\1\x20", 2);
    assert_int_equal(room.http3.streams.n, WST_HTTP3_STREAMS);
    for (uint64_t id = 3; id < 4 * 3000; id += 4) sends(id, WST_S2C, "\x40", 1);
    sends(UINT64_C(1) << 61, WST_C2S, "\1\x20", 2);
    room_shut();
    assert_string_equal(room_text(), "!unread: more streams of HTTP/3 than are followed may carry "
                                     "WebSocket\n");
}

/* What nobody can follow costs nothing. */
IN_PIECES(denied)
{
    room_open();
    room.deny = true;
    begins();
    asks(0);
    assert_int_equal(room.http3.streams.n, 0);
    answers(0);
    room_close("!unread: more streams of HTTP/3 than are followed may carry WebSocket\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_websocket),
        cmocka_unit_test(other_requests_pass),
        cmocka_unit_test(tunnels_and_refusals),
        cmocka_unit_test(bodies_of_refusals),
        cmocka_unit_test(streams_broken_off),
        cmocka_unit_test(interim_answers),
        cmocka_unit_test(the_client_may_be_ahead),
        cmocka_unit_test(the_server_may_be_ahead),
        cmocka_unit_test(a_request_that_never_comes),
        cmocka_unit_test(a_client_that_is_not_heard),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(a_server_that_does_not_allow_it),
        cmocka_unit_test(settings_that_are_missing),
        cmocka_unit_test(frames_that_break_rules),
        cmocka_unit_test(frames_that_break_none),
        cmocka_unit_test(a_server_that_goes_away),
        cmocka_unit_test(streams_that_break_rules),
        cmocka_unit_test(lengths_that_lead_nowhere),
        cmocka_unit_test(streams_without_end),
        cmocka_unit_test(denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
