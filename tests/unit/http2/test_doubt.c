/* SPDX-License-Identifier: MIT
 *
 * Where bytes are missing, or break rules: nothing is put at a wrong place, and nothing is left out
 * without a word.
 */
#include "session.h"

#define LACKED "bytes are missing in which a WebSocket may have been opened"
#define FRAME "\x81\x02ok" /* a server's, of WebSocket */

static const struct row rows[] = {
    {"a frame of four bytes that says it has one, in the midst of a header block",
     OPEN1 "S raw 1 0 2 \x88;raw 3 0 1 \x01;data 1 two;end",
     {"", "!broken/1 1:two ", "?1 {1 200} 1=fin ",
      "a header block is broken off by another frame"}},
    {"a stream is reset while the other direction is sought behind a loss",
     OPEN1 "S data 1 one;lost 50;C rst 1 8;end",
     {"", "1:one 1[~50] ", "?1 {1 200} 1=rst "}},
    {"and what was passed over there since",
     OPEN1 "S data 1 one;lost 50;text abcdefghijklmnop;C data 1 two;rst 1 8;end",
     {"1:two ", "1:one 1[~66] ", "?1 {1 200} 1=rst "}},
    {"or is not read any more",
     OPEN1 "S data 1 one;text.h ffffffffffffffffff;data 1 two;C rst 1 8;end",
     {"", "1:one !broken/1 1[~21] ", "?1 {1 200} 1=rst "}},
    {"what it did not lose it is not told of",
     OPEN1 "S lost 50;data 1 one;C rst 1 8;end",
     {"", "1[~50] 1:one ", "?1 {1 200} 1=rst "}},
    {"a loss before the answer was seen may have taken bytes, too",
     BEGIN "C ask 1;S lost 70;data 1 " FRAME ";C data 1 yes;end",
     {"1:yes ", "1[~70] 1:" FRAME " ", "?1 {1 0} 1=fin "}},
    {"the body of a bad answer is no frame",
     BEGIN "C ask 1;S lost 70;data 1 Bad Request: \x81\x02;end",
     {"", "", "?1 {1 -1} 1=fin "}},
    {"a client that speaks proves that it was a good one",
     BEGIN "C ask 1;S lost 70;data 1 what was it?;C data 1 yes;end",
     {"1:yes ", "1[~82] ", "?1 {1 0} 1=fin "}},
    {"what is lost of the server alone opened nothing where nobody had asked",
     BEGIN "S lost 50;data 9 x;C ask 1;S status 1 200;data 1 " FRAME ";end",
     {"", "1:" FRAME " ", "?1 {1 200} 1=fin "}},
    {"but where requests are lost, too, or none is captured, it may have",
     BEGIN "C lost 70;settings;S lost 50;settings;end",
     {"!unread ", "!unread ", "", LACKED}},
    {"of a server whose client was not captured",
     "S settings 8=1;lost 50;settings;end",
     {"", "!unread ", "", LACKED}},
    {"an interim answer does not say that a request that is lost was refused",
     BEGIN "C lost 70;data 3;raw 1 5 5 \x82;S raw 1 4 3 \x08\x03"
           "103;data 3 " FRAME ";end",
     {"!unread ", "3:" FRAME " ", "?3unseen {3 0} 3=fin ", LACKED}},
    {"but 404 does",
     BEGIN "C lost 70;data 3;raw 1 5 5 \x82;S raw 1 4 3 \x08\x03"
           "404;data 3 " FRAME ";end",
     {"!unread ", "", "", LACKED}},
    {"and 101",
     BEGIN "C lost 70;data 3;raw 1 5 5 \x82;S raw 1 4 3 \x08\x03"
           "101;data 3 " FRAME ";end",
     {"!unread ", "", "", LACKED}},
    {"a request that cannot be read",
     BEGIN "C lost 70;raw 1 4 3 \xbe;S status 3 200;data 3 " FRAME ";end",
     {"!unread ", "3:" FRAME " ", "?3unseen {3 0} 3=fin ", LACKED}},
    {"and behind which the client says nothing more opened none",
     BEGIN "C lost 70;raw 1 5 3 \xbe;S status 3 200;data 3 " FRAME ";end",
     {"!unread ", "", "", LACKED}},
    {"a loss before the answer came",
     BEGIN "C ask 1;data 1 one;lost 50;data 1 two;S status 1 200;C data 1 three;end",
     {"1:one 1[~50] 1:twothree ", "", "?1 {1 200} 1=fin "}},
    {"what follows cannot be read: it is missing, whatever was told of the direction before",
     OPEN1 "S raw 0 0 0 x;data 1 one;text.h ffffffffffffffffff;data 1 two;end",
     {"", "!broken/1 1:one 1[~21] ", "?1 {1 200} 1=fin ",
      "a frame on stream 0 that has none there"}},
    {"behind a loss zeros are no frames, and what looks like one is none when none follows it",
     OPEN1 "S data 1 one;lost 50;text.h 000000000000000001000000000000000002;"
           "text.h 000004080000000001;text abcdefghijklmnop;data 1 two;data 1 three;end",
     {"", "1:one 1[~93] 1:twothree ", "?1 {1 200} 1=fin "}},
    {"what allows extended CONNECT may have been lost: nobody is accused",
     "S settings;lost 15;settings 3=1;C preface;ask 1;S status 1 200;end",
     {"", "", "?1 {1 200} 1=fin "}},
    {"or a part of it",
     "S settings;text.h 00000c040000000000;lost 12;settings 3=1;C preface;ask 1;S status 1 200;end",
     {"", "", "?1 {1 200} 1=fin "}},
};

static void doubts(void **state)
{
    (void)state;
    rows_run(rows, ARRAY(rows));
}

/* Goes on with another script. */
static void talk_on(struct talk *t, const char *text, size_t piece)
{
    struct script *s = script_new(text);
    t->script = s;
    talk_run(t, piece, 0);
    t->script = NULL;
    free(s);
}

/* The fields of other requests and answers are kept by nobody: a byte may stand for very many. */
static void fields_unwanted(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 100; piece += 98) {
        struct talk *t = talk_new(NULL);
        talk_on(t, BEGIN "C raw.h 1 0 1 82", piece);
        size_t method = t->http2.side[WST_C2S].fields.n;
        assert_true(method > 0);
        talk_on(t, "C raw.h 9 0 1 0001610162820001610162", piece);
        assert_int_equal(t->http2.side[WST_C2S].fields.n, method);
        talk_on(t, "C raw.h 9 4 1 820001610162;S raw.h 1 0 1 880001610162", piece);
        assert_int_equal(t->http2.side[WST_S2C].fields.n, 0);
        talk_on(t, "S raw.h 9 4 1 880001610162;C ask 3;S status 3 200;end", piece);
        assert_string_equal(t->log[BOTH], "?3 {3 200} 3=fin ");
        talk_free(t);
    }
}

/* What the client said before an answer that is lost proves it, though there was no room for it. */
static void answer_unkept(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 100; piece += 98) {
        struct talk *t = talk_new(NULL);
        t->options.limits.max_early = 8;
        talk_on(t, BEGIN "C ask 1;data 1 !;S lost 70;data 1 what was it?;data 1 yes;end", piece);
        assert_string_equal(t->log[WST_C2S], "1[1] ");
        assert_string_equal(t->log[WST_S2C], "1[~70] 1:what was it?yes ");
        assert_string_equal(t->log[BOTH], "?1 {1 0} 1=fin ");
        talk_free(t);
    }
}

/* More than may wait for the answer is missing, and all that comes behind it is in its place. */
static void answer_too_late(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 100; piece += 98) {
        struct talk *t = talk_new(NULL);
        t->options.limits.max_early = 64;
        talk_on(t, BEGIN "C ask 1", piece);
        for (int i = 0; i < 100; i++) talk_on(t, "C data 1 0123456789", piece);
        talk_on(t, "S status 1 200", piece);
        uint64_t gap = 0;
        for (const char *at = t->log[WST_C2S]; (at = strchr(at, '[')); at++)
            gap += strtoull(at + 1, NULL, 10);
        assert_memory_equal(t->log[WST_C2S], "1:01", 4);
        assert_true(gap > 900 && gap < 1000);
        talk_on(t, "C data 1 here;end", piece);
        assert_non_null(strstr(t->log[WST_C2S], "] 1:here "));
        talk_free(t);
    }
}

/* Of what cannot be read wholly behind a loss the fields in front count: another method, another
 * protocol, a request that is all its client says, or a refusal is no WebSocket. */
static void ruled_out(void **state)
{
    static const struct {
        const char *request, *answer; /* header blocks */
        bool ends, followed;
    } cases[] = {
        {"be", NULL, false, true},
        {"83be", NULL, false, false}, /* POST */
        {"0207434f4e4e454354be", NULL, false, true},
        {"0207434f4e4e454354" /* CONNECT */ "00093a70726f746f636f6c"
         "0b636f6e6e6563742d756470be", /* :protocol connect-udp */
         NULL, false, false},
        {"be", NULL, true, false},
        {"be", "88be", false, true},       /* 200 */
        {"be", "8dbe", false, false},      /* 404 */
        {"be", "0803313033", false, true}, /* 103: one is still to come */
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY(cases); i++) {
        const bool ends = cases[i / 2].ends;
        char text[512], answer[64] = "";
        if (cases[i / 2].answer)
            snprintf(answer, sizeof answer, "S raw.h 1 4 3 %s;", cases[i / 2].answer);
        snprintf(text, sizeof text,
                 OPEN1 "C lost 20;S lost 20;C raw.h 1 %d 3 %s;%s%c data 3 %s;end", ends ? 5 : 4,
                 cases[i / 2].request, answer, ends ? 'S' : 'C', FRAME);
        struct script *s = script_new(text);
        struct talk *t = talk_new(s);
        talk_run(t, i % 2 ? 1 : SIZE_MAX / 2, 0);
        bool seen = strstr(t->log[BOTH], "?3") != NULL;
        if (seen != cases[i / 2].followed) fail_msg("case %zu: %s", i / 2, t->log[BOTH]);
        talk_free(t);
        free(s);
    }
}

/* What the server says of a stream that nobody saw asked for waits, for the request may come late:
 * until the client goes on behind a loss, no longer. */
static void not_late(void **state)
{
    static const struct {
        const char *client, *log;
    } cases[] = {
        {"C data 1 one", ""}, /* before the loss */
        {"C lost 70;data 1 one;raw 6 1 0 12345678", "3:" FRAME " "},
        {"C lost 70;raw.h 1 0 5 82", ""}, /* the block of a request, its end may be to come */
        {"C lost 70;raw.h 1 4 5 82", "3:" FRAME " "},
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY(cases); i++) {
        struct talk *t = talk_new(NULL);
        size_t piece = i % 2 ? 1 : SIZE_MAX / 2;
        talk_on(t, OPEN1 "S status 3 200;data 3 " FRAME, piece);
        assert_string_equal(t->log[WST_S2C], "");
        talk_on(t, cases[i / 2].client, piece);
        if (strcmp(t->log[WST_S2C], cases[i / 2].log) != 0)
            fail_msg("case %zu: %s", i / 2, t->log[WST_S2C]);
        talk_free(t);
    }
}

/* What the server says proves its answer when it says no more, and not before. */
static bool proves_last(void *user, const struct wst_connect_stream *s, bool end)
{
    return end && said_proves(user, s, end);
}

/* There is no memory for what is accepted. */
static bool accepts_none(void *user, void *conversation, struct wst_connect_stream *s,
                         struct wst_slice fields, int status, const struct wst_arrival *a)
{
    said_answer(user, conversation, s, fields, status, a);
    return told_of(s)->accepted = s->refused = false;
}

/* A lost answer is proven at its stream's end, whatever ends it: it is told once, and so is the
 * end, also where it cannot be followed. */
static void proven_last(void **state)
{
    static const struct {
        const char *end, *client, *server, *how;
    } cases[] = {
        {"end", "", "", "fin"},
        {"reset", "", "", "rst"},
        {"S data.e 1;end", "", "1. ", "fin"},
        {"C data.e 1;S data.e 1;end", "1. ", "1. ", "fin"},
        {"S data.e 1 x;end", "", "x 1. ", "fin"},
        {"S data.e 1 x;C data.e 1 y;end", "1:y 1. ", "x 1. ", "fin"},
        {"C data.e 1;S data.e 1 x;end", "1. ", "x 1. ", "fin"},
        {"S rst 1 8;end", "", "", "rst"},
        {"C rst 1 8;end", "", "", "rst"},
        {"S data.e 1 x;rst 1 0;end", "", "x 1. ", "fin"},
    };
    (void)state;
    for (size_t i = 0; i < 4 * ARRAY(cases); i++) {
        size_t k = i / 4, piece = i % 2 ? 1 : SIZE_MAX / 2;
        bool none = i & 2;
        struct talk *t = talk_new(NULL);
        t->env.sink.proves = proves_last;
        if (none) t->env.sink.answer = accepts_none;
        talk_on(t, BEGIN "C ask 1;ask 3;S lost 70;data 1 " FRAME ";data 3 " FRAME, piece);
        assert_string_equal(t->log[WST_S2C], "");
        talk_on(t, cases[k].end, piece);
        assert_string_equal(t->log[WST_C2S], none ? "" : cases[k].client);
        char server[64];
        snprintf(server, sizeof server, "1[~70] 1:" FRAME "%s%s",
                 *cases[k].server == 'x' ? "" : " ", cases[k].server);
        if (!none)
            assert_memory_equal(t->log[WST_S2C], server, strlen(server));
        else
            assert_string_equal(t->log[WST_S2C], "");
        const char *told = strstr(t->log[BOTH], "{1 0} "), *end = strstr(t->log[BOTH], " 1=");
        assert_true(told && end && told < end);
        assert_null(strstr(told + 1, "{1 "));
        assert_null(strstr(end + 1, " 1="));
        if (!none) assert_memory_equal(end + 3, cases[k].how, 3);
        assert_int_equal(t->http2.streams.n, 0);
        talk_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubts),        cmocka_unit_test(fields_unwanted),
        cmocka_unit_test(answer_unkept), cmocka_unit_test(answer_too_late),
        cmocka_unit_test(ruled_out),     cmocka_unit_test(not_late),
        cmocka_unit_test(proven_last)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
