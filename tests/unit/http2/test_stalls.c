/* SPDX-License-Identifier: MIT
 *
 * What holds streams up: windows of flow control that stay closed, PINGs without an answer; and
 * what GOAWAY says of them. Nothing is told where it may be the capture that lacks what would
 * explain it.
 */
#include "session.h"

/* The client lets a stream of the server have so many bytes. */
#define WINDOW(n) "C preface;settings 4=" #n ";S settings 8=1;S ack;C ack;C ask 1;S status 1 200;"
#define FIVE_MORE "C raw.h 8 0 1 00000005;"

enum { WINDOW_ALL = 65535, PIECE = 4095 }; /* what a connection begins with; a frame of it */

static const struct row rows[] = {
    {"a stream's window is closed, and opened again",
     WINDOW(5) "S data 1 hello;wait 2000;" FIVE_MORE "S data 1 world;end",
     {"!window-closed/1 ", "1:helloworld ", "?1 {1 200} 1=fin ",
      "its window for the stream was closed for 2.000 s: the server could not send"}},
    {"soon enough",
     WINDOW(5) "S data 1 hello;wait 990;" FIVE_MORE "S data 1 world;end",
     {"", "1:helloworld ", "?1 {1 200} 1=fin "}},
    {"never again",
     WINDOW(5) "S data 1 he;data 1 llo;wait 3000;end",
     {"!window-closed/1 ", "1:hello ", "?1 {1 200} 1=fin ",
      "its window for the stream was closed for the last 3.000 s: the server could not send"}},
    {"padding takes of it, too",
     WINDOW(5) "S raw.h 0 8 1 0268690000;wait 2000;" FIVE_MORE "end",
     {"!window-closed/1 ", "1:hi ", "?1 {1 200} 1=fin "}},
    {"there is a byte left",
     WINDOW(6) "S data 1 hello;wait 2000;end",
     {"", "1:hello ", "?1 {1 200} 1=fin "}},
    {"it has said all",
     WINDOW(5) "S data.e 1 hello;wait 2000;C data 1 x;end",
     {"1:x ", "1:hello 1. ", "?1 {1 200} 1=fin "}},
    {"the client's, by the settings of the server",
     "C preface;settings;S settings 8=1 4=3;S ack;C ack;C ask 1;S status 1 200;C data 1 abc;"
     "wait 1500;S raw.h 8 0 1 00000001;end",
     {"1:abc ", "!window-closed/1 ", "?1 {1 200} 1=fin ",
      "its window for the stream was closed for 1.500 s: the client could not send"}},
    {"closed from the beginning, opened by settings",
     WINDOW(0) "wait 1200;C settings 4=9;S data 1 hello;end",
     {"!window-closed/1 ", "1:hello ", "?1 {1 200} 1=fin ",
      "its window for the stream was closed for 1.200 s: the server could not send"}},
    {"settings close it",
     WINDOW(9) "S data 1 hello;C settings 4=2;wait 1100;C settings 4=8;end",
     {"!window-closed/1 ", "1:hello ", "?1 {1 200} 1=fin ",
      "its window for the stream was closed for 1.100 s: the server could not send"}},
    {"more was sent than was seen to be allowed: what allowed it was captured later",
     WINDOW(5) "S data 1 hello!;wait 2000;" FIVE_MORE "S data 1 you;wait 2000;end",
     {"", "1:hello!you ", "?1 {1 200} 1=fin "}},
    {"what opens it may be missing",
     WINDOW(5) "S data 1 hello;C lost 20;wait 2000;C raw 6 1 0 12345678;end",
     {"1[~20] ", "1:hello ", "?1 {1 200} 1=fin "}},
    {"or a part of it",
     WINDOW(5) "S data 1 hello;C text.h 0000040800000000;C text.h 01;lost 4;wait 2000;end",
     {"", "1:hello ", "?1 {1 200} 1=fin "}},
    {"what opened it waited for a hole: when it came nobody knows",
     WINDOW(5) "S data 1 hello;wait 2000;held 1;" FIVE_MORE "held 0;S data 1 world;end",
     {"", "1:helloworld ", "?1 {1 200} 1=fin "}},
    {"a window that cannot be",
     WINDOW(5) "S data 1 hello;C raw.h 8 0 1 ffffffff;wait 2000;end",
     {"", "1:hello ", "?1 {1 200} 1=fin "}},
    /* PING */
    {"a PING without an answer",
     OPEN1 "S raw 6 0 0 12345678;wait 2500;end",
     {"!ping-unanswered/1 ", "", "?1 {1 200} 1=fin ",
      "the PING of the server was not acknowledged in the 2.500 s until the end"}},
    {"the first of several counts",
     OPEN1 "C raw 6 0 0 12345678;wait 2000;raw 6 0 0 23456789;wait 2000;reset",
     {"", "!ping-unanswered/1 ", "?1 {1 200} 1=rst ",
      "the PING of the client was not acknowledged in the 4.000 s until the end"}},
    {"the second of two",
     OPEN1 "C raw 6 0 0 12345678;wait 500;raw 6 0 0 23456789;wait 2000;S raw 6 1 0 12345678;"
           "wait 1500;end",
     {"", "!ping-unanswered/1 ", "?1 {1 200} 1=fin ",
      "the PING of the client was not acknowledged in the 1.500 s until the end"}},
    {"its answer was captured before it, from a tap that is early",
     OPEN1 "S raw 6 1 0 12345678;C raw 6 0 0 12345678;wait 2000;end",
     {"", "", "?1 {1 200} 1=fin "}},
    {"an answer",
     OPEN1 "S raw 6 0 0 12345678;wait 2500;C raw 6 1 0 12345678;wait 2500;end",
     {"", "", "?1 {1 200} 1=fin "}},
    {"there was no time for one",
     OPEN1 "S raw 6 0 0 12345678;wait 900;end",
     {"", "", "?1 {1 200} 1=fin "}},
    {"a second is too long, for an answer and for a window",
     WINDOW(5) "S data 1 hello;S raw 6 0 0 12345678;wait 1000;" FIVE_MORE "end",
     {"!window-closed/1 !ping-unanswered/1 ", "1:hello ", "?1 {1 200} 1=fin "}},
    {"it may be missing",
     OPEN1 "S raw 6 0 0 12345678;C lost 17;wait 2500;end",
     {"1[~17] ", "", "?1 {1 200} 1=fin "}},
    /* GOAWAY */
    {"the server ends the connection, once it says so",
     OPEN1 "S raw.h 7 0 0 7fffffff00000000;S raw.h 7 0 0 0000000100000000;S data 1 b;end",
     {"", "!goaway/1 1:b ", "?1 {1 200} 1=fin ",
      "the server ends the connection: GOAWAY with NO_ERROR (0x0)"}},
    {"with an error, and words",
     OPEN1 "S raw.h 7 0 0 000000010000000b6d61785f616765;end",
     {"", "!goaway/1 ", "?1 {1 200} 1=fin ",
      "the server ends the connection: GOAWAY with ENHANCE_YOUR_CALM (0xb): the other side sends "
      "too much of something, as pings, it says (\"max_age\")"}},
    {"words that are none",
     OPEN1 "S raw.h 7 0 0 00000001000000021b5b324a;end",
     {"", "!goaway/1 ", "?1 {1 200} 1=fin ",
      "the server ends the connection: GOAWAY with INTERNAL_ERROR (0x2): something failed inside "
      "of it"}},
    {"the client",
     OPEN1 "C raw.h 7 0 0 0000000000000000;C raw.h 7 0 0 00000000000000ff;end",
     {"!goaway/1 ", "", "?1 {1 200} 1=fin ", "the client ends the connection: GOAWAY with 0xff"}},
    {"the client, once for an error and once for its end",
     OPEN1 "C raw.h 7 0 0 0000000000000002;C raw.h 7 0 0 0000000000000001;"
           "S raw.h 7 0 0 0000000100000001;C data 1 a;end",
     {"!goaway/1 1:a ", "!goaway/1 ", "?1 {1 200} 1=fin "}},
    {"too short to be one",
     OPEN1 "S raw.h 7 0 0 0000000100;S data 1 b;end",
     {"", "!broken/1 1:b ", "?1 {1 200} 1=fin "}},
    {"the client, and the server answers it",
     OPEN1 "C raw.h 7 0 0 0000000000000000;S raw.h 7 0 0 0000000100000000;end",
     {"", "", "?1 {1 200} 1=fin "}},
    {"nothing is open",
     BEGIN "C ask 1;S raw.h 7 0 0 0000000100000002;S status.e 1 404;end",
     {"", "", "?1 {1 404} 1=fin "}},
    {"streams that the server did nothing on, and one that it may have",
     BEGIN "C ask 1;C ask 3;S raw.h 7 0 0 0000000100000000;C ask 5;end",
     {"", "", "?1 ?3 ?5 {1 -1} 1=fin {3 -1@} 3=fin {5 -1@} 5=fin "}},
    {"of what it says something is missing",
     OPEN1 "S text.h 00000f0700000000000000000100000002;S text not ;lost 3;data 1 b;end",
     {"", "!goaway/1 1:b ", "?1 {1 200} 1=fin ",
      "the server ends the connection: GOAWAY with INTERNAL_ERROR (0x2): something failed inside "
      "of it (\"not \")"}},
    {"it is not whole",
     OPEN1 "S text.h 0000080700000000;S text.h 0000000001;lost 4;data 1 b;end",
     {"", "1:b ", "?1 {1 200} 1=fin "}},
};

static void stalls(void **state)
{
    (void)state;
    rows_run(rows, ARRAY(rows));
}

/* The window of the connection is all streams': what holds the WebSocket up is another one. */
static void window_of_all(void **state)
{
    static char text[WINDOW_ALL + 4096];
    (void)state;
    for (int row = 0; row < 2; row++) {
        memset(text, 0, sizeof text);
        strcpy(text, OPEN1 "C get 3;");
        for (size_t left = WINDOW_ALL; left > (size_t)row;) {
            size_t n = left - (size_t)row < PIECE ? left - (size_t)row : PIECE;
            strcat(text, "S raw 0 0 3 ");
            memset(text + strlen(text), 'x', n);
            strcat(text, ";");
            left -= n;
        }
        strcat(text, "wait 4000;C raw.h 8 0 0 00010000;S data 1 at last;end");
        struct script *s = script_new(text);
        struct talk *t = talk_new(s);
        talk_run(t, SIZE_MAX / 2, 0);
        assert_string_equal(t->log[WST_C2S], row ? "" : "!window-closed/1 ");
        assert_string_equal(t->log[WST_S2C], "1:at last ");
        if (!row)
            assert_string_equal(t->why, "its window for the connection was closed for 4.000 s: the "
                                        "server could not send");
        talk_free(t);
        free(s);
    }
}

static unsigned times(const char *log, const char *what)
{
    unsigned n = 0;
    while ((log = strstr(log, what))) log++, n++;
    return n;
}

/* What is done for each of many streams cannot be asked for without end. */
static void limits(void **state)
{
    (void)state;
    static char text[1 << 17];
    strcpy(text, OPEN1 "C get 3;");
    for (size_t left = WINDOW_ALL; left;) {
        size_t n = left < PIECE ? left : PIECE;
        strcat(text, "S raw 0 0 3 ");
        memset(text + strlen(text), 'x', n);
        strcat(text, ";");
        left -= n;
    }
    for (int i = 0; i < 20; i++) strcat(text, "wait 2000;C raw.h 8 0 0 00000001;S data 1 x;");
    strcat(text, "C raw.h 8 0 0 00000001;end");
    struct script *s = script_new(text);
    struct talk *t = talk_new(s);
    talk_run(t, SIZE_MAX / 2, 0);
    assert_int_equal(times(t->log[WST_C2S], "!window-closed/1 "), 16);
    talk_free(t);
    free(s);

    for (int pairs = 127; pairs <= 128; pairs++) { /* and one change that WINDOW is */
        strcpy(text, WINDOW(5));
        for (int i = 0; i < pairs; i++) strcat(text, "C settings 4=6 4=5;");
        strcat(text, "S data 1 hello;wait 2000;" FIVE_MORE "end");
        s = script_new(text);
        t = talk_new(s);
        talk_run(t, SIZE_MAX / 2, 0);
        assert_int_equal(times(t->log[WST_C2S], "!window-closed/1 "), pairs == 127);
        talk_free(t);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stalls), cmocka_unit_test(window_of_all),
                                       cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
