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

/* A loss before the answer was seen may have taken bytes, too. */
static void test_answer_lost(void **state)
{
    (void)state;
    room_open();
    begins();
    asks(1);
    loses(WST_S2C, 70);
    data(WST_S2C, 1, "\x81\2ok");
    data(WST_C2S, 1, "yes");
    room_close("1 request\n"
               "1 answer 0\n"
               "1 < gap up to 70\n"
               "1 < \"\x81\2ok\"\n"
               "1 > \"yes\"\n"
               "1 end\n");
}

/* The body of a bad answer is no frame; a client that speaks proves that it was a good one. */
static void test_answer_unproven(void **state)
{
    (void)state;
    room_open();
    begins();
    asks(1);
    loses(WST_S2C, 70);
    data(WST_S2C, 1, "Bad Request: \x81\2");
    room_close("1 request\n"
               "1 answer -1\n"
               "1 end\n");
    room_open();
    begins();
    asks(1);
    loses(WST_S2C, 70);
    data(WST_S2C, 1, "what was it?");
    data(WST_C2S, 1, "yes");
    room_close("1 request\n"
               "1 answer 0\n"
               "1 < gap up to 82\n"
               "1 > \"yes\"\n"
               "1 end\n");
}

/* What the client said before an answer that is lost proves it, though there was no room for it. */
static void test_answer_unkept(void **state)
{
    (void)state;
    room_open();
    room.options.limits.max_early = 8;
    begins();
    asks(1);
    data(WST_C2S, 1, "!");
    loses(WST_S2C, 70);
    data(WST_S2C, 1, "what was it?");
    data(WST_S2C, 1, "yes");
    room_close("1 request\n"
               "1 answer 0\n"
               "1 > gap 1\n"
               "1 < gap up to 70\n"
               "1 < \"what was it?yes\"\n"
               "1 end\n");
}

/* Of a request that is lost an interim answer does not say that it was refused. */
static void test_request_lost_interim(void **state)
{
    (void)state;
    for (int status = 0; status < 3; status++) {
        static const char *const answers[] = {"\10\003103", "\10\003404", "\10\003101"};
        room_open();
        begins();
        loses(WST_C2S, 70);
        data(WST_C2S, 3, "");
        frame(WST_C2S, WST_HTTP2_HEADERS, WST_HTTP2_END_HEADERS | WST_HTTP2_END_STREAM, 5, "\x82",
              1);
        frame(WST_S2C, WST_HTTP2_HEADERS, WST_HTTP2_END_HEADERS, 3, answers[status], 5);
        data(WST_S2C, 3, "\x81\2ok");
        room_close(status
                       ? "0 unread: bytes are missing in which a WebSocket may have been opened\n"
                       : "0 unread: bytes are missing in which a WebSocket may have been opened\n"
                         "3 request\n"
                         "3 answer 0\n"
                         "3 < \"\x81\2ok\"\n"
                         "3 end\n");
    }
}

/* A request that cannot be read, and behind which the client says nothing more, opened none. */
static void test_request_unread_ended(void **state)
{
    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        room_open();
        begins();
        loses(WST_C2S, 70);
        frame(WST_C2S, WST_HTTP2_HEADERS, WST_HTTP2_END_HEADERS | (ends ? WST_HTTP2_END_STREAM : 0),
              3, "\xbe", 1);
        answers(3);
        data(WST_S2C, 3, "\x81\2ok");
        room_close(ends ? "0 unread: bytes are missing in which a WebSocket may have been opened\n"
                        : "0 unread: bytes are missing in which a WebSocket may have been opened\n"
                          "3 request\n"
                          "3 answer 0\n"
                          "3 < \"\x81\2ok\"\n"
                          "3 end\n");
    }
}

/* The fields of other requests and answers are kept by nobody: a byte may stand for very many. */
static void test_fields_unwanted(void **state)
{
    static const char get[] = "\x82\0\1a\1b", ok[] = "\x88\0\1a\1b";
    (void)state;
    room_open();
    begins();
    frame(WST_C2S, WST_HTTP2_HEADERS, 0, 1, get, sizeof get - 1);
    size_t method = room.http2.side[WST_C2S].fields.n;
    frame(WST_C2S, WST_HTTP2_CONTINUATION, WST_HTTP2_END_HEADERS, 1, get, sizeof get - 1);
    assert_true(method > 0 && method < 32);
    frame(WST_S2C, WST_HTTP2_HEADERS, 0, 1, ok, sizeof ok - 1);
    assert_int_equal(room.http2.side[WST_S2C].fields.n, 0);
    frame(WST_S2C, WST_HTTP2_CONTINUATION, WST_HTTP2_END_HEADERS, 1, ok, sizeof ok - 1);
    asks(3);
    answers(3);
    room_close("3 request\n"
               "3 answer 200\n"
               "3 end\n");
}

static void test_answer_late(void **state)
{
    (void)state;
    room_open();
    begins();
    asks(1);
    data(WST_C2S, 1, "one");
    loses(WST_C2S, 50);
    data(WST_C2S, 1, "two");
    answers(1);
    data(WST_C2S, 1, "three");
    room_close("1 request\n"
               "1 answer 200\n"
               "1 > \"one\"\n"
               "1 > gap up to 50\n"
               "1 > \"twothree\"\n"
               "1 end\n");
}

/* More than may wait for the answer is missing, and all that comes behind it is in its place. */
static void test_answer_too_late(void **state)
{
    (void)state;
    room_open();
    room.options.limits.max_early = 64;
    begins();
    asks(1);
    for (int i = 0; i < 100; i++) data(WST_C2S, 1, "0123456789");
    answers(1);
    uint64_t before = strlen(strchr(room.text, '"')), gap = 0;
    for (const char *at = room.text; (at = strstr(at, "gap ")); at++)
        gap += strtoull(at + 4, NULL, 10);
    assert_true(before > 0 && gap > 900);
    data(WST_C2S, 1, "here");
    assert_non_null(strstr(room.text, "1 > \"here\"\n"));
    room.text[0] = '\0';
    room_close("1 end\n");
}

/* What follows cannot be read: it is missing, whatever was told of the direction before. */
static void test_dead(void **state)
{
    static const uint8_t noise[9] = {255, 255, 255, 255, 255, 255, 255, 255, 255};
    (void)state;
    room_open();
    begins();
    asks(1);
    answers(1);
    data(WST_S2C, 0, "x");
    data(WST_S2C, 1, "one");
    sends(WST_S2C, noise, sizeof noise);
    data(WST_S2C, 1, "two");
    room_close("1 request\n"
               "1 answer 200\n"
               "1 broken: a frame on stream 0 that has none there\n"
               "1 < \"one\"\n"
               "1 < gap up to 21\n"
               "1 end\n");
}

/* Behind a loss zeros are no frames, and what looks like one is none when none follows it. */
static void test_zeros(void **state)
{
    static const char zeros[] = "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\2", /* DATA? */
        likely[] = "\0\0\4\10\0\0\0\0\1abcdefghijklmnop";               /* WINDOW_UPDATE? */
    (void)state;
    room_open();
    begins();
    asks(1);
    answers(1);
    data(WST_S2C, 1, "one");
    loses(WST_S2C, 50);
    sends(WST_S2C, zeros, sizeof zeros - 1);
    sends(WST_S2C, likely, sizeof likely - 1);
    data(WST_S2C, 1, "two");
    data(WST_S2C, 1, "three");
    room_close("1 request\n"
               "1 answer 200\n"
               "1 < \"one\"\n"
               "1 < gap up to 93\n"
               "1 < \"twothree\"\n"
               "1 end\n");
}

/* What allows extended CONNECT may have been lost: nobody is accused. */
static void test_settings_lost(void **state)
{
    (void)state;
    for (int torn = 0; torn < 2; torn++) {
        room_open();
        frame(WST_S2C, WST_HTTP2_SETTINGS, 0, 0, NULL, 0);
        sends(WST_S2C, "\0\0\14\4\0\0\0\0\0", torn ? 9 : 0);
        loses(WST_S2C, torn ? 12 : 15);
        frame(WST_S2C, WST_HTTP2_SETTINGS, 0, 0, "\0\3\0\0\0\1", 6);
        sends(WST_C2S, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        asks(1);
        answers(1);
        room_close("1 request\n"
                   "1 answer 200\n"
                   "1 end\n");
    }
}

/* Of what cannot be read wholly behind a loss the fields in front count: another method, another
 * protocol, a request that is all its client says, or a refusal is no WebSocket. */
static void test_ruled_out(void **state)
{
    static const struct {
        const char *request, *answer;
        uint8_t flags;
        bool followed;
    } rows[] = {
        {"\xbe", NULL, 0, true},
        {"\x83\xbe", NULL, 0, false}, /* POST */
        {"\x02\7CONNECT\xbe", NULL, 0, true},
        {"\x02\7CONNECT\0\x09:protocol\x0b"
         "connect-udp\xbe",
         NULL, 0, false},
        {"\xbe", NULL, WST_HTTP2_END_STREAM, false},
        {"\xbe", "\x88\xbe", 0, true},  /* 200 */
        {"\xbe", "\x8d\xbe", 0, false}, /* 404 */
        {"\xbe", "\x08\3103", 0, true}, /* one is still to come */
    };
    static const size_t lengths[] = {1, 2, 10, 33, 1, 1, 1, 1};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        room_open();
        begins();
        asks(1);
        answers(1);
        loses(WST_C2S, 20);
        loses(WST_S2C, 20);
        uint8_t flags = WST_HTTP2_END_HEADERS;
        frame(WST_C2S, WST_HTTP2_HEADERS, flags | rows[i].flags, 3, rows[i].request, lengths[i]);
        if (rows[i].answer)
            frame(WST_S2C, WST_HTTP2_HEADERS, flags, 3, rows[i].answer, strlen(rows[i].answer));
        data(rows[i].flags ? WST_S2C : WST_C2S, 3, "\x81\2ok");
        bool seen = strstr(room.text, "3 request") != NULL;
        if (seen != rows[i].followed) fail_msg("row %zu:\n%s", i, room.text);
        wst_http2_end(&room.http2, &room.env, WST_TCP_FIN, &room.now);
        wst_http2_free(&room.http2, &room.env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken_and_short),
        cmocka_unit_test(test_answer_lost),
        cmocka_unit_test(test_answer_unproven),
        cmocka_unit_test(test_answer_unkept),
        cmocka_unit_test(test_request_lost_interim),
        cmocka_unit_test(test_request_unread_ended),
        cmocka_unit_test(test_fields_unwanted),
        cmocka_unit_test(test_answer_late),
        cmocka_unit_test(test_answer_too_late),
        cmocka_unit_test(test_dead),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_settings_lost),
        cmocka_unit_test(test_ruled_out),
    };
    int failed = cmocka_run_group_tests_name("whole", tests, NULL, NULL);
    piece = 1;
    return failed + cmocka_run_group_tests_name("by the byte", tests, NULL, NULL);
}
