/* SPDX-License-Identifier: MIT
 *
 * Connections, each run whole, by the byte, and cut in two at every place; an example from which
 * every piece is missing in turn; no memory at any point.
 */
#include "session.h"

static const struct row rows[] = {
    {"accepted",
     OPEN1 "C data 1 hello;S data 1 world;C data.e 1 bye;S data.e 1 ciao;end",
     {"1:hellobye 1. ", "1:worldciao 1. ", "?1 {1 200} 1=fin "}},
    {"the server ends first",
     OPEN1 "S data.e 1 world;C data 1 hello;C data.e 1;C raw 6 0 0 12345678;end",
     {"1:hello 1. ", "1:world 1. ", "?1 {1 200} 1=fin "}},
    {"201 is as good", BEGIN "C ask 1;S status 1 201;end", {"", "", "?1 {1 201} 1=fin "}},
    {"refused",
     BEGIN "C ask 1;S status 1 404;S data.e 1 nothing;C data 1 x;end",
     {"", "", "?1 {1 404} 1=fin "}},
    {"refused without a body",
     BEGIN "C ask 1;S status.e 1 500;end",
     {"", "1. ", "?1 {1 500} 1=fin "}},
    {"refused, and the body is wanted; not what the client says",
     BEGIN "C ask 1;C data 1 x;S status 1 500;S data 1 not;C data 1 y;S data.ep 1 here;end",
     {"", "1:nothere 1. ", "?1 {1 500} 1=fin "}},
    {"and has trailers, and the client ends first",
     BEGIN "C ask 1;S status 1 500;C data.e 1;S data 1 no;S trailers.e 1;end",
     {"", "1:no 1. ", "?1 {1 500} 1=fin "}},
    {"until there was enough of it: the stream is nobody's",
     BEGIN "C ask 1;S status 1 500;S data 1 no!;S data 1 more;S data.e 1 x;end",
     {"", "1:no! ", "?1 {1 500} 1=fin "}},
    {"and is broken off by the server",
     BEGIN "C ask 1;S status 1 500;S data 1 no;S rst 1 2;end",
     {"", "1:no ", "?1 {1 500} 1=rst "}},
    {"by the client",
     BEGIN "C ask 1;S status 1 500;S data 1 no;C rst 1 8;S data 1 x;end",
     {"", "1:no ", "?1 {1 500} 1=rst "}},
    {"by TCP: it is not whole",
     BEGIN "C ask 1;S status 1 500;S data 1 no;S fin;C fin;end",
     {"", "1:no ", "?1 {1 500} 1=fin "}},
    {"by a loss",
     BEGIN "C ask 1;S status 1 500;S data 1 no;lost 50;data.e 1 x;end",
     {"", "1:no 1[~1] ", "?1 {1 500} 1=fin "}},
    {"by a loss inside of it",
     BEGIN "C ask 1;S status 1 500;S data 1 no;S text.h 0000040001;S text.h 00000001;S lost 4;"
           "S data 3 x;C ask 3;end",
     {"", "1:no 1[~4] ", "?1 {1 500} 1=fin ?3 {3 -1} 3=fin "}},
    {"101 is none of HTTP/2, and no answer to wait with",
     BEGIN "C ask 1;S status 1 101;S data 1 x;end",
     {"", "", "?1 {1 101} 1=fin "}},
    {"accepted, and over at once",
     BEGIN "C ask 1;S status.e 1 200;C data 1 a;C data.e 1 b;end",
     {"1:ab 1. ", "1. ", "?1 {1 200} 1=fin "}},
    {"reset by the server before an answer",
     BEGIN "C ask 1;C data 1 early;S rst 1 8;S status 1 200;end",
     {"", "", "?1 {1 -1} 1=rst "}},
    {"or behind one that is missing",
     BEGIN "C ask 1;S lost 40;S data 3 x;S rst 1 8;C get 3;end",
     {"", "", "?1 {1 -1?} 1=rst "}},
    {"reset by the client before an answer",
     BEGIN "C ask 1;C rst 1 8;S status 1 200;S data 1 x;end",
     {"", "", "?1 {1 -1} 1=rst "}},
    {"reset while open",
     OPEN1 "C data 1 a;S data 1 b;S rst 1 0;C data 1 c;end",
     {"1:a ", "1:b ", "?1 {1 200} 1=rst "}},
    {"the server has said all, and asks for no more",
     OPEN1 "C data 1 a;S data.e 1 b;S rst 1 0;end",
     {"1:a ", "1:b 1. ", "?1 {1 200} 1=fin "}},
    {"unanswered", BEGIN "C ask 1;C data 1 early;reset", {"", "", "?1 {1 -1} 1=rst "}},
    {"unanswered, and the server ends",
     BEGIN "C ask 1;S fin;C fin;end",
     {"", "", "?1 {1 -1} 1=fin "}},
    {"the ends of TCP",
     OPEN1 "C data 1 a;C fin;S data 1 b;S fin;end",
     {"1:a 1. ", "1:b 1. ", "?1 {1 200} 1=fin "}},
    {"the end of the connection", OPEN1 "S data 1 b;reset", {"", "1:b ", "?1 {1 200} 1=rst "}},
    {"a server that never said it may be asked",
     "C preface;settings;S settings;C ask 1;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1! {1 200} 1=fin "}},
    {"a server that may have said it",
     "C preface;settings;S lost 15;S settings;C ask 1;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1 {1 200} 1=fin "}},
    {"a server that forbids it again",
     BEGIN "S settings 8=0;C ask 1;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1! {1 200} 1=fin "}},
    {"a client that does not wait, of a server that forbids it",
     "C preface;settings;C ask 1;S settings;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1 {1! 200} 1=fin "}},
    {"the same, and the server resets the stream",
     "C preface;settings;C ask 1;S settings;S rst 1 1;end",
     {"", "", "?1 {1! -1} 1=rst "}},
    {"the same of a server that allows it",
     "C preface;settings;C ask 1;S settings 8=1;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1 {1 200} 1=fin "}},
    {"the same of a server that may have allowed it",
     "C preface;settings;C ask 1;S lost 15;S settings;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1 {1 200} 1=fin "}},
    {"a server that forbids it when it was asked",
     BEGIN "C ask 1;S settings 8=0;S status 1 200;C data 1 a;end",
     {"1:a ", "", "?1 {1 200} 1=fin "}},
    {"nobody wants it", BEGIN "C get 1;S status 1 200;S data.e 1 page;end", {"", "", ""}},

    /* before the answer */
    {"bytes before the answer",
     BEGIN "C ask 1;C data 1 ear;data 1 ly;S status 1 200;C data 1 late;end",
     {"1:earlylate ", "", "?1 {1 200} 1=fin "}},
    {"bytes and the end before the answer",
     BEGIN "C ask 1;C data.e 1 all;S status 1 200;S data.e 1 x;end",
     {"1:all 1. ", "1:x 1. ", "?1 {1 200} 1=fin "}},
    {"1xx",
     BEGIN "C ask 1;S status 1 100;S status 1 103;S status 1 200;S data 1 x;end",
     {"", "1:x ", "?1 {1 200} 1=fin "}},
    {"trailers",
     OPEN1 "C data 1 a;C trailers.e 1;S data 1 b;S trailers.e 1;end",
     {"1:a 1. ", "1:b 1. ", "?1 {1 200} 1=fin "}},
    {"bytes of a server that has not answered",
     BEGIN "C ask 1;S data 1 x;S status 1 200;S data 1 y;end",
     {"", "1:y ", "?1 {1 200} 1=fin "}},

    /* several */
    {"streams in turn",
     BEGIN "C ask 1;C ask 3;C get 5;S status 3 200;S status 5 200;C data 3 c;S data 3 d;"
           "S status 1 200;C data 1 a;C data 3 e;S data 1 b;S data 5 page;S data.e 3 f;"
           "C data.e 1 g;C data.e 3 h;S data.e 1 i;end",
     {"3:c 1:a 3:e 1:g 1. 3:h 3. ", "3:d 1:b 3:f 3. 1:i 1. ",
      "?1 ?3 {3 200} {1 200} 3=fin 1=fin "}},
    {"a tunnel",
     BEGIN "C tunnel 1;S status 1 200;C data 1 GET;S data 1 HTTP;C rst 1 8;end",
     {"1:GET ", "1:HTTP ", "?1tunnel {1 200} 1=rst "}},
    {"a tunnel that is refused",
     BEGIN "C tunnel 1;S status 1 502;S data.e 1 x;end",
     {"", "", "?1tunnel {1 502} 1=fin "}},
    {"a stream's number that is used again",
     OPEN1 "C data.e 1 a;S data.e 1 b;C ask 1;S status 1 200;C data 1 c;end",
     {"1:a 1. ", "1:b 1. ", "?1 {1 200} 1=fin "}},

    /* frames */
    {"padding, priority, pieces",
     BEGIN "C ask.prc 1;S status.pc 1 200;C data.p 1 hello;S data.p 1;S data.pe 1 world;"
           "C data.pe 1;end",
     {"1:hello 1. ", "1:world 1. ", "?1 {1 200} 1=fin "}},
    {"END_STREAM on pieces",
     BEGIN "C ask.c 1;S status.ce 1 200;C trailers.cer 1;end",
     {"1. ", "1. ", "?1 {1 200} 1=fin "}},
    {"an index",
     "indexed;" BEGIN "C ask 1;S status 1 200;C data 1 a;C ask 3;S status 3 200;S data 3 b;end",
     {"1:a ", "3:b ", "?1 {1 200} ?3 {3 200} 1=fin 3=fin "}},
    {"types that nobody knows",
     OPEN1 "C raw 10 255 1 abc;C data 1 a;C raw 250 1 0;S raw 16 8 77 xyz;S data 1 b;end",
     {"1:a ", "1:b ", "?1 {1 200} 1=fin "}},
    {"frames that say nothing of a stream",
     OPEN1 "C raw 2 0 1 prior;C raw 6 0 0 12345678;S raw 6 1 0 12345678;C raw 8 0 1 1234;"
           "S raw 8 0 0 1234;C data 1 a;S raw 7 0 0 12345678why;S data 1 b;end",
     {"1:a ", "!goaway/1 1:b ", "?1 {1 200} 1=fin "}},
    {"a promise, and what was promised",
     OPEN1 "S raw 5 4 1 \x7f\x7f\x7f\x02;S status 2 200;S data 1 b;S data.e 2 page;S data 1 c;end",
     {"", "1:bc ", "?1 {1 200} 1=fin "}},
    {"a promise in pieces",
     OPEN1 "S raw 5 0 1 \x7f\x7f\x7f\x02;S raw 9 4 1;S data 1 b;end",
     {"", "1:b ", "?1 {1 200} 1=fin "}},

    /* what is wrong */
    {"DATA behind END_STREAM",
     OPEN1 "C data.e 1 a;C data 1 b;C data 1 c;S data 1 d;end",
     {"1:a 1. !broken/1 ", "1:d ", "?1 {1 200} 1=fin "}},
    {"no HTTP/2", "C text GET / HTTP/1.1;S text HTTP/1.1 200 OK;end", {"!broken ", "!broken ", ""}},
    {"no preface", "C settings;C ask 1;end", {"!broken ", "", ""}},
    {"more padding than bytes",
     OPEN1 "C raw 0 8 1 \x09xxx;C data 1 a;end",
     {"!broken/1 1:a ", "", "?1 {1 200} 1=fin "}},
    {"nothing but padding",
     OPEN1 "C raw 0 8 1 \x03xxx;C data 1 a;end",
     {"1:a ", "", "?1 {1 200} 1=fin "}},
    {"padded without a length of it",
     OPEN1 "C raw 0 8 1;C data 1 a;end",
     {"!broken/1 1:a ", "", "?1 {1 200} 1=fin "}},
    {"DATA on stream 0",
     OPEN1 "C raw 0 0 0 x;C data 1 a;end",
     {"!broken/1 1:a ", "", "?1 {1 200} 1=fin "}},
    {"and in the midst of a header block",
     BEGIN "S status.x 2 200;S raw 0 0 0 x;end",
     {"", "!broken ", ""}},
    {"lengths that are wrong",
     OPEN1 "C raw 3 0 1 abc;C raw 4 0 0 abc;C raw 8 0 1;C data 1 a;S raw 3 0 1 abcde;end",
     {"!broken/1 1:a ", "!broken/1 ", "?1 {1 200} 1=fin "}},
    {"a header block that another frame breaks off",
     BEGIN "C ask.x 1;C raw 6 0 0 12345678;C raw 9 4 1;S status 1 200;end",
     {"!broken ", "", "?1 {1 200} 1=fin "}},
    {"and one that a request breaks off",
     BEGIN "C ask.x 1;C ask 3;S status 3 200;C data 3 a;end",
     {"!broken 3:a ", "", "?3 {3 200} 3=fin "}},
    {"and frames that are too short, while one is open",
     BEGIN "C ask.x 1;C raw 3 0 1 ab;C raw 4 0 0 a;C raw 1 44 1 abc;C raw 5 12 1 ab;C ask 3;"
           "S status 3 200;C data 3 a;end",
     {"!broken 3:a ", "", "?3 {3 200} 3=fin "}},
    {"CONTINUATION of nothing",
     OPEN1 "C raw 9 4 1 abc;C raw 9 0 1;C data 1 a;end",
     {"1:a ", "", "?1 {1 200} 1=fin "}},
    {"a field that was never sent",
     BEGIN "C ask.i 1;C ask 3;S status.i 3 200;S data 3 x;end",
     {"!broken ", "!broken/3 ", "?3 {3 -1} 3=fin "}},
    {"and what follows is not from a page",
     BEGIN "C ask 3;S status.i 3 200;S data 3 \x81x;end",
     {"", "!broken/3 3:\x81x ", "?3 {3 0} 3=fin "}},
    {"a status that is none",
     BEGIN "C ask 1;S status 1 20;S data 1 x;end",
     {"", "", "?1 {1 -1} 1=fin "}},
    {"and a client that goes on",
     BEGIN "C ask 1;S status 1 20;S data 1 x;C data 1 a;S data 1 y;end",
     {"1:a ", "1[~1] 1:y ", "?1 {1 0} 1=fin "}},

    /* the server's bytes first */
    {"the answer before its request",
     "C preface;settings;S settings 8=1;S status 1 200;S data 1 hello;C ask 1;C data 1 a;"
     "S data 1 bye;end",
     {"1:a ", "1:hellobye ", "?1 {1 200} 1=fin "}},
    {"all that the server said, and its end",
     "S settings 8=1;S status 1 200;S data 1 a;S status 3 404;S data.e 1 b;S rst 5 1;S fin;"
     "C preface;settings;ask 1;new;ask 3;new;ask 5;new;data.e 1 c;end",
     {"1:c 1. ", "1:ab 1. ", "?1 {1 200} ?3 {3 404} 3=fin ?5 {5 -1} 5=rst 1=fin "}},
    {"a loss among them",
     BEGIN "S status 1 200;raw 0 0 1 ab;lost 11;S data 1 cd;C ask 1;end",
     {"", "1:ab 1[~11] 1:cd ", "?1 {1 200} 1=fin "}},
    {"a request that never comes",
     BEGIN "S status 1 200;S data 1 a;C get 3;S data 1 b;C fin;S data 1 c;end",
     {"", "", ""}},
    {"a request that was lost",
     BEGIN "S status 1 200;S data 1 a;C lost 70;C ask 3;S data 1 b;S status 3 200;S data 3 c;end",
     {"!unread ", "1:ab 3:c ", "?3 ?1unseen {1 0} {3 200} 1=fin 3=fin "}},
    {"a loss, and then the request",
     BEGIN "C raw 6 0 0 12345678;S status 1 200;S data 1 a;C lost 9;C ask 1;C data 1 b;end",
     {"!unread 1:b ", "1:a ", "?1 {1 200} 1=fin "}},
    {"a reset of what was not asked yet",
     BEGIN "S rst 1 7;C ask 1;end",
     {"", "", "?1 {1 -1} 1=rst "}},

    /* losses */
    {"the answer, and bytes behind it",
     "C preface;settings;S settings 8=1;C ask 1;C data 1 a;S lost 50;S data 1 x;C data 1 b;end",
     {"1:ab ", "1[~50] 1:x ", "?1 {1 0} 1=fin "}},
    {"something before the answer",
     "C preface;settings;S settings 8=1;C ask 1;S lost 50;S status 1 200;S data 1 x;end",
     {"", "1:x ", "?1 {1 200} 1=fin "}},
    {"some of what waits for the answer",
     "C preface;settings;S settings 8=1;C ask 1;data 1 ab;about 30;data 1 cd;S status 1 200;end",
     {"1:ab 1[~30] 1:cd ", "", "?1 {1 200} 1=fin "}},
    {"the request",
     "C preface;settings;lost 60;S settings 8=1;S status 1 200;S data 1 x;C ask 3;S status 3 200;"
     "C data 3 a;end",
     {"3:a ", "1:x ", "?3 ?1unseen {1 0} {3 200} 1=fin 3=fin "}},
};

static void connections(void **state)
{
    (void)state;
    rows_run(rows, ARRAY(rows));
}

/* -- limits ------------------------------------------------------------------------------------ */

/* Of what waits, so much is kept; what is not is told as missing, and not forgotten: in pieces that
 * leave no room even for that. */
static void early_bytes(void **state)
{
    struct script *s = script_new(OPEN1 "end");
    (void)state;
    for (size_t early = 0; early < 3000; early += 100) {
        char text[16384] = BEGIN "C ask 1;";
        for (int i = 0; i < 400; i++) snprintf(text + strlen(text), 32, "C data 1 %08d;", i);
        snprintf(text + strlen(text), 64, "S status 1 200;C data.e 1 and so on;end");
        free(s);
        s = script_new(text);
        struct talk *t = talk_new(s);
        t->strict = true;
        t->options.limits.max_early = early;
        talk_run(t, early % 200 ? 1 : SIZE_MAX / 2, 0);
        assert_string_equal(t->log[WST_C2S] + t->log_n[WST_C2S] - 13, "and so on 1. ");
        talk_free(t);
    }
    free(s);
}

/* The server's bytes are held up to a limit, too; then its streams pass by, whose requests come. */
static void held_bytes(void **state)
{
    struct script *s =
        script_new(BEGIN "S status 1 200;data 1 aaaaaaaa;new;data 1 bbbbbbbb;new;data 1 cccccccc;"
                         "C ask 1;S data 1 dddddddd;C ask 3;S status 3 200;S data 3 x;end");
    (void)state;
    for (size_t early = 0; early < 300; early++) {
        struct talk *t = talk_new(s);
        t->strict = true;
        t->options.limits.max_early = early;
        talk_run(t, SIZE_MAX / 2, 0);
        assert_non_null(strstr(t->log[WST_S2C], "3:x "));
        if (t->log[WST_S2C][0] == '1') assert_memory_equal(t->log[WST_S2C], "1:aaaaaaaabbbbb", 15);
        if (early > 200) assert_int_equal(t->log[WST_S2C][0], '1');
        if (early < 30) assert_int_equal(t->log[WST_S2C][0], '3');
        talk_free(t);
    }
    free(s);
}

/* A thousand at a time; when one is over another may begin. */
static void many_streams(void **state)
{
    (void)state;
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    strcpy(text, BEGIN);
    size_t n = strlen(text);
    for (unsigned i = 0; i < WST_HTTP2_STREAMS + 3; i++)
        n += (size_t)sprintf(text + n, "C ask %u;", 2 * i + 1);
    n += (size_t)sprintf(text + n, "S status 2001 200;S status 999 200;S status 1999 404;");
    n += (size_t)sprintf(text + n, "S status 2005 200;C ask 2007;S status 2007 200;S data 2007 x;");
    sprintf(text + n, "S data 2005 y;end");
    struct script *s = script_new(text);
    struct talk *t = talk_new(s);
    talk_run(t, SIZE_MAX / 2, 0);
    assert_int_equal(t->requests, WST_HTTP2_STREAMS + 1);
    assert_int_equal(t->problems[WST_PROBLEM_HTTP2_UNREAD], 1);
    assert_string_equal(t->log[WST_C2S], "!unread ");
    assert_string_equal(t->log[WST_S2C], "2007:x ");
    talk_free(t);
    free(s);
    free(text);
}

/* How long a frame may be the other side's settings say (RFC 9113 section 4.2): where nobody saw
 * them, whoever sends long ones is not blamed, and is read. */
static void long_frames(void **state)
{
    static const struct {
        const char *before, *dir, *said;
    } with[] = {
        {"C preface;settings;", "C", ""},
        {"C preface;settings;S settings;", "C", "!broken "},
        {"C preface;settings;S settings 5=20000;", "C", ""},
        {"C preface;settings;S text.h 00000c040000000000;lost 6;text.h 000300000064;", "C", ""},
        {"C preface;S settings 8=1;", "S", ""},
        {"C preface;settings;S settings 8=1;", "S", "!broken "},
    };
    char *text = malloc(1 << 16), *x = malloc(17001);
    (void)state;
    assert_true(text && x);
    memset(x, 'x', 17000);
    x[17000] = '\0';
    for (size_t i = 0; i < ARRAY(with); i++) {
        int side = *with[i].dir == 'C' ? WST_C2S : WST_S2C;
        sprintf(text, "%sC get 3;%s raw 0 0 3 %s;C ask 5;end", with[i].before, with[i].dir, x);
        struct script *s = script_new(text);
        for (size_t piece = 1; piece < 3; piece++) {
            struct talk *t = talk_new(s);
            talk_run(t, piece == 1 ? 1 : SIZE_MAX / 2, 0);
            print_message("%s\n", with[i].before);
            assert_string_equal(t->log[side], with[i].said);
            assert_non_null(strstr(t->log[BOTH], "?5")); /* it was read on */
            talk_free(t);
        }
        free(s);
    }
    free(text);
    free(x);
}

static void nobody_wants(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct script *s = script_new(rows[i].script);
        struct talk *t = talk_new(s);
        t->unwanted = true;
        talk_run(t, SIZE_MAX / 2, 0);
        assert_true(!strchr(t->log[BOTH], '{') && !strchr(t->log[BOTH], '='));
        talk_free(t);
        free(s);
    }
}

/* No memory from any point on: defined, what is said is true, and everything is given back. */
static void starved(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct script *s = script_new(rows[i].script);
        for (size_t memory = 0; memory < 9000; memory += 40) {
            struct talk *t = talk_new(s);
            t->budget.max = memory;
            talk_run(t, memory % 80 ? 1 : SIZE_MAX / 2, 0);
            talk_free(t);
        }
        free(s);
    }
}

/* -- losses ------------------------------------------------------------------------------------ */

/* With fields that refer to earlier ones, two answers, bytes before one, padding, pieces; enough
 * of each text to be found only where it was sent. */
static const char example[] =
    "indexed;" BEGIN "C ask.c 1;C data 1 <before the answer>;S status.p 1 200;C ask 3;"
    "S data 1 [first words of the server];C data.p 1 <then the client's>;S status 3 200;"
    "S settings 5=20000;C ack;S data.p 3 [now on the other stream];C data 3 <to which it says>;"
    "C get 5;S status.c 5 404;S data 1 [between];S data.e 5 (nothing found);C raw 6 0 0 12345678;"
    "C data 1 <once more, the first>;S data.pe 1 [and that was all];C data.e 1 <so it was>;"
    "C ask 7;S status 7 200;S data 7 [the last of them];C data.pe 7 <is this one>;"
    "S trailers.e 7;C data 3 <the other goes on>;S data 3 [until the end];end";

/* The piece of a side's bytes that is missing. */
struct piece {
    enum wst_dir dir;
    size_t from, to;
    bool exact;
};

static size_t overlap(size_t at, size_t n, const struct piece *p)
{
    size_t from = at > p->from ? at : p->from, to = at + n < p->to ? at + n : p->to;
    return from < to ? to - from : 0;
}

/* As talk_run; the gap is told when it is known to be one: before the next bytes of that side. */
static void run_without(struct talk *t, const struct piece *p)
{
    const struct script *s = t->script;
    size_t at[2] = {0, 0}, lost = 0;
    for (size_t i = 0; i < s->segments_n; i++) {
        const struct segment *g = &s->segments[i];
        size_t gone = g->kind == SEG_BYTES && g->dir == p->dir ? overlap(at[g->dir], g->n, p) : 0;
        size_t before = gone && p->from > at[g->dir] ? p->from - at[g->dir] : 0;
        if (g->kind == SEG_BYTES) at[g->dir] += g->n;
        if (before) talk_push(t, g->dir, s->bytes + g->at, before);
        lost += gone;
        if (lost && (g->kind != SEG_BYTES || (g->dir == p->dir && before + gone < g->n))) {
            talk_gap(t, p->dir, lost, p->exact);
            lost = 0;
        }
        if (g->kind != SEG_BYTES)
            talk_mark(t, g);
        else
            talk_push(t, g->dir, s->bytes + g->at + before + gone, g->n - before - gone);
    }
}

/* Whatever is missing, nobody is accused, and bytes are said to be where they were sent. */
static void without(const struct script *s, const struct piece *p)
{
    struct talk *t = talk_new(s);
    t->strict = true;
    run_without(t, p);
    if (t->problems[WST_PROBLEM_HTTP2_BROKEN] || t->unasked)
        print_error("%d: %zu to %zu, %d\n", p->dir, p->from, p->to, p->exact);
    assert_int_equal(t->problems[WST_PROBLEM_HTTP2_BROKEN], 0);
    assert_int_equal(t->unasked, 0);
    talk_free(t);
}

static size_t side_bytes(const struct script *s, enum wst_dir dir)
{
    size_t n = 0;
    for (size_t i = 0; i < s->segments_n; i++)
        if (s->segments[i].kind == SEG_BYTES && s->segments[i].dir == dir) n += s->segments[i].n;
    return n;
}

/* Every piece is missing in turn: of a length up to 40 each, and fewer of the longer ones. */
static void losses(void **state)
{
    struct script *s = script_new(example);
    (void)state;
    for (int dir = 0; dir < 2; dir++) {
        size_t n = side_bytes(s, (enum wst_dir)dir);
        for (size_t from = 0; from < n; from++)
            for (size_t to = from + 1; to <= n; to += to < from + 40 ? 1 : 7) {
                struct piece p = {(enum wst_dir)dir, from, to, true};
                without(s, &p);
                p.exact = false;
                without(s, &p);
            }
    }
    free(s);
}

/* A loss inside DATA costs what is missing; one between frames a search, and no more. */
static void losses_told(void **state)
{
    static const struct {
        size_t from, to; /* of the server's bytes, behind the answer */
        bool exact;
        const char *said;
    } cuts[] = {
        {12, 14, true, "3:abc 3[2] 3:fghijkl 3. "}, {9, 18, true, "3[9] 3:jkl 3. "},
        {12, 14, false, "3:abc 3[~6] 3:jkl 3. "},   {12, 19, true, "3:abc 3[6] 3[~12] "},
        {0, 9, true, "3[~18] 3:jkl 3. "},           {4, 18, true, "3[~18] 3:jkl 3. "},
        {18, 30, true, "3:abcdefghi 3[~12] "},
    };
    struct script *s =
        script_new(BEGIN "C ask 3;S status 3 200;S data 3 abcdefghi;data.e 3 jkl;C data.e 3;end");
    size_t base = side_bytes(s, WST_S2C) - 9 - 9 - 9 - 3;
    (void)state;
    for (size_t i = 0; i < ARRAY(cuts); i++) {
        struct talk *t = talk_new(s);
        struct piece p = {WST_S2C, base + cuts[i].from, base + cuts[i].to, cuts[i].exact};
        t->strict = true;
        run_without(t, &p);
        assert_string_equal(t->log[WST_S2C], cuts[i].said);
        assert_string_equal(t->log[BOTH], "?3 {3 200} 3=fin ");
        talk_free(t);
    }
    free(s);
}

/* Without its first byte the header of one byte of stream 1 is that of 256 of stream 0x181: behind
 * those no frame begins, so they were none. Nobody waits for that stream, and none is opened. */
static void losses_of_a_byte(void **state)
{
    static const char text[] = "123456789abcdefghijklmnopqrstuv", first[] = "\x81";
    char lines[2048] = OPEN1 "C get 201;";
    (void)state;
    for (int dir = 0; dir < 2; dir++) {
        snprintf(lines + strlen(lines), 64, "%c data 1 abc;data 1 %s;", "CS"[dir], first);
        for (int i = 'A'; i < 'I'; i++)
            snprintf(lines + strlen(lines), 64, "data 1 %c%s;", i, text);
    }
    strcat(lines, "end");
    struct script *s = script_new(lines);
    for (int dir = 0; dir < 2; dir++) {
        struct talk *t = talk_new(s);
        size_t from = side_bytes(s, (enum wst_dir)dir) - 8 * (9 + 32) - 10;
        struct piece p = {(enum wst_dir)dir, from, from + 1, true};
        t->strict = true;
        run_without(t, &p);
        assert_string_equal(t->log[dir], "1:abc 1[~297] 1:H123456789abcdefghijklmnopqrstuv ");
        assert_string_equal(t->log[BOTH], "?1 {1 200} 1=fin ");
        talk_free(t);
    }
    free(s);
}

/* What is missing behind END_STREAM is nobody's. */
static void losses_behind_the_end(void **state)
{
    struct script *s = script_new(OPEN1 "S data.e 1 a;data 1 bcdefghi;C data 1 x;end");
    size_t n = side_bytes(s, WST_S2C);
    (void)state;
    for (size_t k = 1; k <= 8; k++) {
        struct talk *t = talk_new(s);
        struct piece p = {WST_S2C, n - 8, n - 8 + k, true};
        run_without(t, &p);
        assert_string_equal(t->log[WST_S2C], k < 8 ? "1:a 1. !broken/1 " : "1:a 1. ");
        assert_string_equal(t->log[WST_C2S], "1:x ");
        talk_free(t);
    }
    free(s);
}

/* RST_STREAM, captured before bytes that its sender had (`ahead` of the server's), which come
 * first. */
static void resets_wait(void **state)
{
    static const struct {
        const char *script;
        uint32_t ahead;
        const char *said;
    } resets[] = {
        {OPEN1 "C rst 1 8;S data 1 cd;C raw 6 0 0 12345678;end", 11, "1:cd "},
        {OPEN1 "C rst 1 8;S data 1 cd;C raw 6 0 0 12345678;S data 1 ef;end", 11, "1:cd "},
        {OPEN1 "C rst 1 8;S data 1 cd;new;data 1 ef;C raw 6 0 0 12345678;end", 22, "1:cdef "},
        {OPEN1 "C rst 1 8;C raw 6 0 0 12345678;end", 11, ""},
        {OPEN1 "C rst 1 8;S data 1 cd;end", 0, ""},
        {OPEN1 "C rst 1 8;S data 1 cd;end", WST_HTTP2_HEADER - 1, ""}, /* no frame */
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY(resets); i++) {
        struct script *s = script_new(resets[i / 2].script);
        struct talk *t = talk_new(s);
        struct wst_http2_reach reach[2] = {{UINT32_MAX - 20, 0}, {UINT32_MAX - 200, 0}};
        bool asked = false;
        for (size_t k = 0; k < s->segments_n; k++) {
            const struct segment *g = &s->segments[k];
            reach[g->dir].next += (uint32_t)g->n;
            for (int d = 0; d < 2; d++)
                if ((int32_t)(reach[d].acked - reach[d].next) < 0 || !asked)
                    reach[d].acked = reach[d].next;
            if (t->http2.last_client == 1 && g->dir == WST_C2S && !asked && t->log_n[BOTH] > 4) {
                reach[WST_S2C].acked += resets[i / 2].ahead;
                asked = true;
            }
            wst_http2_reaches(&t->http2, &t->env, g->dir, reach, &t->arrival);
            size_t piece = i % 2 ? 1 : SIZE_MAX / 2; /* as records of TLS */
            for (size_t at = 0, n; g->kind == SEG_BYTES && at < g->n; at += n) {
                n = g->n - at < piece ? g->n - at : piece;
                talk_push(t, g->dir, s->bytes + g->at + at, n);
            }
            if (g->kind != SEG_BYTES) talk_mark(t, g);
        }
        assert_string_equal(t->log[WST_S2C], resets[i / 2].said);
        assert_string_equal(t->log[BOTH], "?1 {1 200} 1=rst ");
        talk_free(t);
        free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections),
        cmocka_unit_test(early_bytes),
        cmocka_unit_test(held_bytes),
        cmocka_unit_test(many_streams),
        cmocka_unit_test(long_frames),
        cmocka_unit_test(nobody_wants),
        cmocka_unit_test(starved),
        cmocka_unit_test(losses),
        cmocka_unit_test(losses_told),
        cmocka_unit_test(losses_of_a_byte),
        cmocka_unit_test(losses_behind_the_end),
        cmocka_unit_test(resets_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
