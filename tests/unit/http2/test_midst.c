/* SPDX-License-Identifier: MIT
 *
 * Connections that began before the capture: what is taken for frames and what is not, who asks,
 * and what is read of streams that nobody saw opened.
 */
#include "session.h"

/* -- evidence ---------------------------------------------------------------------------------- */

enum { LITTLE = 16, ENOUGH = 48, ENOUGH_LAST = 36 };

/* What lies there, and what it says: bits at least and at most, whose it is. */
static const struct {
    const char *name, *script;
    bool frames;
    int least, most, client;
} looks[] = {
    {"two pings", "S raw 6 0 0 12345678;raw 6 1 0 87654321", true, 40, 60, 0},
    {"one, four times",
     "S raw 6 0 0 12345678;raw 6 0 0 12345678;raw 6 0 0 12345678;raw 6 0 0 "
     "12345678",
     true, 20, 30, 0},
    {"windows", "C raw.h 8 0 0 00000fff;raw.h 8 0 5 00000fff;raw.h 8 0 0 00000001", true, ENOUGH,
     80, 0},
    {"a window of nothing", "C raw.h 8 0 0 00000000;raw 6 0 0 12345678", false, 0, 0, 0},
    {"a client's message", "C data 5 \x81\x82key!ko", true, LITTLE, 40, 1},
    {"a server's", "S data 5 \x81\x02ok", true, LITTLE, 40, -1},
    {"what is a frame and a byte", "S data 5 \x81\x02ok!", true, 0, LITTLE, 0},
    {"a body", "S data 5 <html>", true, 0, LITTLE, 0},
    {"of a pushed stream nobody knows more", "S data 4 <html>", true, 0, 0, 0},
    {"a request", "C get 5", true, 0, 30, 0},
    {"one as browsers write it", "C raw.h 1 5 5 82848790", true, 12, 30, 1},
    {"an answer", "S raw.h 1 4 5 8890", true, 12, 30, -1},
    {"one with a literal", "S raw.h 1 4 5 0803313031", true, 12, 30, -1},
    {"a literal that is kept: :authority", "C raw.h 1 4 5 410168", true, 12, 30, 1},
    {"accept-charset may be either's", "C raw.h 1 4 5 4f0168", true, 0, 0, 0},
    {"behind padding and a priority", "C raw.h 1 45 5 020000000010820000", true, 12, 30, 1},
    {"padding and nothing", "C raw.h 1 12 5 02", false, 0, 0, 0},
    {"a block that goes on", "C raw.h 1 0 5 82;raw.h 9 4 5 84;data 5 x", true, 20, 40, 1},
    {"and is broken off", "C raw.h 1 0 5 82;data 5 x", false, 0, 0, 0},
    {"by another stream's", "C raw.h 1 0 5 82;raw.h 9 4 7 84", false, 0, 0, 0},
    {"the rest of a block", "C raw.h 9 4 5 8284;data 5 x;raw 6 0 0 12345678", true, 20, 60, 0},
    {"settings of a client", "C settings 2=0 4=65535", true, 14, 30, 1},
    {"of a server", "S settings 3=100 8=1", true, 14, 30, -1},
    {"in any order", "S settings 8=1 2=0", true, 14, 30, -1},
    {"of a client that writes all there are", "C settings 2=1 8=0", true, 14, 30, 1},
    {"of either", "S settings 2=0 8=0", true, 14, 30, 0},
    {"rows of a table", "S data 1 abc;data 1 abd;data 1 abe;data 1 abf;data 1 abg", true, 0, LITTLE,
     0},
    {"settings that there are not", "S settings 777=1", false, 0, 0, 0},
    {"but to train others", "S settings 2570=1", true, 14, 30, 0},
    {"a promise", "S raw.h 5 4 5 0000000282", true, 0, 10, -1},
    {"a priority", "C raw.h 2 0 5 0000000010", true, 20, 40, 1},
    {"as others write it", "C raw 16 0 0 abcdu=1", true, 0, 0, 1},
    {"an origin", "S raw 12 0 0 ab", true, 0, 0, -1},
    {"with a flag", "S raw 12 1 0 ab", false, 0, 0, 0},
    {"what nobody knows", "S raw 11 0 0 ab", false, 0, 0, 0},
    {"a reset", "S raw.h 3 0 5 00000008", true, 20, 40, 0},
    {"for no reason there is", "S raw.h 3 0 5 10000008", false, 0, 0, 0},
    {"a stream with a large number", "S raw 0 0 123456789 abc", false, 0, 0, 0},
    {"behind frames something else", "S raw 6 0 0 12345678;text GET / HTTP/1.1", false, 0, 0, 0},
    {"or the beginning of it", "S raw 6 0 0 12345678;text GET", false, 0, 0, 0},
    {"the beginning of a frame", "S raw 6 0 0 12345678;text.h 000004", true, 20, 30, 0},
    {"zeros", "S text.h 0000000000000000000000000000000000000000000000000000", false, 0, 0, 0},
    {"numbers", "S text.h 00000005000000010000000300000004000000050000000600000007", false, 0, 0,
     0},
    {"longer than is allowed", "S text.h 004001000000000001;text abc", false, 0, 0, 0},
    {"a text", "S text The quick brown fox jumps", false, 0, 0, 0},
};

static void evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(looks); i++) {
        struct script *s = script_new(looks[i].script);
        struct guard g;
        struct wst_http2_midst m;
        guard_init(&g, SCRIPT_BYTES);
        bool frames = wst_http2_midst_look(guard_put(&g, s->bytes, s->n), &m);
        if (frames != looks[i].frames) fail_msg("%s: %d", looks[i].name, frames);
        if (frames && (m.bits < looks[i].least || m.bits > looks[i].most))
            fail_msg("%s: %d bits", looks[i].name, m.bits);
        if (frames && (m.client > 0) - (m.client < 0) != looks[i].client)
            fail_msg("%s: says %d", looks[i].name, m.client);
        /* No piece of it is read beyond its end, or says more than the whole. */
        for (size_t n = 0; n < s->n; n++) {
            struct wst_http2_midst part;
            bool good = wst_http2_midst_look(guard_put(&g, s->bytes, n), &part);
            assert_true(good || !frames);
            if (good && frames) assert_true(part.bits <= m.bits + 8);
        }
        guard_free(&g);
        free(s);
    }
}

/* Bytes of other kinds: numbers of 16, 24 or 32 bits, small ones most of them, zeros, and units
 * with their length in front. */
static void stranger(uint8_t *p, size_t n, unsigned kind, uint64_t *seed)
{
    unsigned width = 2 + kind % 3;
    for (size_t at = 0; at < n;) {
        uint32_t v = (uint32_t)rnd_below(seed, 1u << (1 + (uint32_t)rnd_below(seed, 9)));
        size_t left = kind < 6 ? 0 : v;
        for (unsigned i = width; i-- && at < n;) p[at++] = (uint8_t)(v >> (8 * i));
        if (kind >= 3 && at < n) p[at++] = (uint8_t)rnd_below(seed, 10);
        for (unsigned i = 0; kind >= 3 && i < 4 && at < n; i++)
            p[at++] = (uint32_t)rnd_below(seed, 3) ? 0 : (uint8_t)rnd_below(seed, 8);
        while (left-- && at < n) p[at++] = (uint8_t)rnd_below(seed, kind % 2 ? 256 : 16);
    }
}

/* None of them says enough, wherever it is begun. */
static void strangers(void **state)
{
    static uint8_t bytes[4096];
    uint64_t seed = 1;
    int most = 0;
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        stranger(bytes, sizeof bytes, i % 9, &seed);
        for (size_t at = 0; at < sizeof bytes; at++) {
            struct wst_http2_midst m;
            struct wst_slice s = {bytes + at, sizeof bytes - at};
            if (wst_http2_midst_look(s, &m) && m.frames > 1 && m.bits > most) most = m.bits;
        }
    }
    print_message("strangers say %d bits at most\n", most);
    assert_true(most > 0 && most < ENOUGH_LAST);
}

/* The number of the largest stream that a client opened; a pushed one's frame says nothing. */
static void largest(void **state)
{
    struct script *s = script_new("C data 7 a;data 301 b;data 9 c;data 400 d");
    struct wst_http2_midst m;
    (void)state;
    assert_true(wst_http2_midst_look(wst_slice_of(s->bytes, s->n), &m));
    assert_int_equal(m.largest, 301);
    assert_int_equal(m.frames, 3);
    free(s);
}

/* From each frame that leads to the last, and from the rest of one in front of them. */
static void back(void **state)
{
    struct script *s = script_new("S text abcdefgh;raw 6 0 0 12345678;data 5 abc;data 5 efgh");
    struct wst_slice all = wst_slice_of(s->bytes, s->n);
    (void)state;
    assert_int_equal(wst_http2_midst_back(all, 8 + 17 + 12), 8);
    assert_int_equal(wst_http2_midst_back(all, 8 + 17), 8);
    assert_int_equal(wst_http2_midst_back(all, 8), 8);
    assert_int_equal(wst_http2_midst_back(all, 8 + 16), 8 + 16);
    assert_int_equal(wst_http2_midst_back(wst_slice_skip(all, 9), 16 + 12), 16);
    free(s);
}

/* -- connections ------------------------------------------------------------------------------- */

#define FRAMED "C framed 0;S framed 0;"
#define FRAME "\x81\x02ok"

static const struct row rows[] = {
    {"what goes on",
     "join 5;" FRAMED "S data 3 " FRAME ";C data 3 yes;S data 5 x;end",
     {"3:yes ", "3:" FRAME " 5:x ", "?3unseen {3 0} ?5unseen {5 0} 3=fin 5=fin "}},
    {"behind the rest of a frame",
     "join 3;S text abcdefghij;data 3 " FRAME ";C text 1234;data 3 yes;data 3 no;end",
     {"3[~4] 3:yesno ", "3:" FRAME " ", "?3unseen {3 0} 3=fin "}},
    {"behind what others passed over",
     "join 3;S framed 10;data 3 " FRAME ";C framed 4;data 3 yes;data 3 no;end",
     {"3[~4] 3:yesno ", "3:" FRAME " ", "?3unseen {3 0} 3=fin "}},
    {"a new one is read whole",
     "join 5;" FRAMED "C data 3 a;C ask 7;S status 7 200;S data 7 b;C data 7 c;S data 3 d;end",
     {"3:a 7:c ", "7:b 3:d ", "?3unseen {3 0} ?7 {7 200} 3=fin 7=fin "}},
    {"one older than all that said something goes on behind it, too",
     "join 5;" FRAMED "C ask 7;S status 7 200;C data 1 x;S data 5 " FRAME ";end",
     {"1:x ", "5:" FRAME " ", "?7 {7 200} ?1unseen {1 0} ?5unseen {5 0} 1=fin 5=fin 7=fin "}},
    {"its answer was captured before it",
     "join 5;" FRAMED "S status 7 200;C ask 7;C data 7 x;S data 7 " FRAME ";end",
     {"7:x ", "7:" FRAME " ", "?7 {7 0} 7=fin "}},
    {"what was refused carries nothing",
     "join 5;" FRAMED "S status 3 404;S data.e 3 " FRAME ";status.e 5 200;C data 7 x;end",
     {"7:x ", "", "?7unseen {7 0} 7=fin "}},
    {"what is over does not begin again",
     "join 5;" FRAMED "C data 3 a;rst 3 8;S data 3 " FRAME ";data 3 b;C data 5 c;end",
     {"3:a 5:c ", "", "?3unseen {3 0} 3=rst ?5unseen {5 0} 5=fin "}},
    {"trailers ask for nothing",
     "join 5;" FRAMED "C trailers.e 5;C data 9 a;S data 3 b;end",
     {"9:a ", "3:b ", "?9unseen {9 0} ?3unseen {3 0} 3=fin 9=fin "}},
    {"a request that refers to what was before: its bytes tell, and nobody is told of it",
     "join 5;" FRAMED "C raw.h 1 4 7 be;S raw.h 1 4 7 be;C data 7 x;S data 7 " FRAME ";end",
     {"7:x ", "7:" FRAME " ", "?7unseen {7 0} 7=fin "}},
    {"numbers may be large",
     "join 3001;" FRAMED "C data 2999 a;C ask 3003;S status 3003 200;S data 5 b;end",
     {"2999:a ", "5:b ",
      "?2999unseen {2999 0} ?3003 {3003 200} ?5unseen {5 0} 5=fin 2999=fin "
      "3003=fin "}},
    {"also where frames are sought",
     "join 3001;S text abcdefghij;data 2999 " FRAME ";C text 1234;data 2999 yes;data 3001 x;end",
     {"2999[~4] 2999:yes 3001:x ", "2999:" FRAME " ",
      "?2999unseen {2999 0} ?3001unseen {3001 0} 2999=fin 3001=fin "}},
    {"pushes are nobody's",
     "join 5;" FRAMED "S raw.h 5 4 5 0000000282;S data 2 x;end",
     {"", "", ""}},
    {"nobody saw its first packet, but it begins",
     "late;" OPEN1 "C data 1 x;S data 1 y;end",
     {"1:x ", "1:y ", "?1 {1 200} 1=fin "}},
    {"nobody saw it, and it does not",
     "late;S settings 8=1;C data 3 x;data 5 y;S data 3 z;end",
     {"3:x 5:y ", "3:z ", "?3unseen {3 0} ?5unseen {5 0} 3=fin 5=fin "}},
    {"it begins with what a preface begins with",
     "late;S settings 8=1;C text PRI * HTTP;C data 3 x;data 5 y;end",
     {"3:x 5:y ", "", "?3unseen {3 0} ?5unseen {5 0} 3=fin 5=fin "}},
    {"the rest of one",
     "late;S settings 8=1;C text.h 4d0d0a0d0a;settings;C ask 1;S status 1 200;C data 1 y;end",
     {"1:y ", "", "?1 {1 200} 1=fin "}},
    {"one that was seen must", BEGIN "end", {"", "", ""}},
};

static void connections(void **state)
{
    (void)state;
    rows_run(rows, ARRAY(rows));
}

/* A capture of the server alone begins in the midst: nothing waits for a client. */
static void server_alone(void **state)
{
    (void)state;
    struct script *s = script_new("late;S settings 8=1;S status 1 200;data 1 " FRAME);
    struct talk *t = talk_new(s);
    talk_mark(t, &s->segments[0]);
    wst_http2_one_sided(&t->http2, &t->env, &t->arrival);
    t->script = s;
    s->segments[0].kind = SEG_BYTES; /* it was run */
    talk_run(t, SIZE_MAX / 2, 0);
    assert_string_equal(t->log[WST_S2C], "1:" FRAME " ");
    assert_string_equal(t->log[BOTH], "?1unseen {1 0} ");
    talk_free(t);
    free(s);
}

/* The client of a connection that is seen from its beginning is not heard: what its server says
 * waited for the request, and does no more. */
static void client_unheard(void **state)
{
    (void)state;
    struct script *s = script_new("S settings 8=1;S status 1 200;data 1 " FRAME);
    struct talk *t = talk_new(s);
    talk_run(t, SIZE_MAX / 2, 0);
    assert_string_equal(t->log[WST_S2C], "");
    wst_http2_gap(&t->http2, &t->env, WST_C2S, 200, true, &t->arrival);
    assert_string_equal(t->log[WST_S2C], "");
    wst_http2_one_sided(&t->http2, &t->env, &t->arrival);
    assert_string_equal(t->log[WST_S2C], "1:" FRAME " ");
    talk_free(t);
    free(s);
}

/* Begun at each byte of both: nobody is accused, and bytes are said to be where they were sent. */
static void every_beginning(void **state)
{
    static const char talk[] =
        "C preface;settings 2=0;S settings 8=1;S ack;C ack;C ask 1;get.e 3;S status 1 200;"
        "status 3 200;data.e 3 <html>;C data 1 one of the client;S data 1 one of the server;"
        "C ask.p 5;data.p 1 another of the client;S status 5 200;data 5 the second stream speaks;"
        "C data 5 and is answered;raw 6 0 0 12345678;S raw 6 1 0 12345678;data 1 a last word;"
        "C ask 7;S status 7 404;data.e 7 no;C data.e 1 goodbye;S data.e 1 farewell;end";
    struct script *s = script_new(talk);
    (void)state;
    for (size_t from = 0; from < s->n; from++) {
        struct talk *t = talk_new(s);
        size_t told = 0;
        t->strict = true;
        wst_http2_join(&t->http2, 7);
        for (size_t i = 0; i < s->segments_n; i++) {
            const struct segment *g = &s->segments[i];
            size_t at = g->at > from ? g->at : from;
            if (g->kind == SEG_END)
                talk_mark(t, g);
            else if (at < g->at + g->n)
                talk_push(t, g->dir, s->bytes + at, g->at + g->n - at);
        }
        for (int d = 0; d < 2; d++) told += strlen(t->log[d]);
        assert_int_equal(t->problems[WST_PROBLEM_HTTP2_BROKEN], 0);
        assert_int_equal(t->unasked, 0);
        if (from < s->n * 3 / 4) assert_true(told > 12);
        talk_free(t);
    }
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence),       cmocka_unit_test(strangers),
        cmocka_unit_test(largest),        cmocka_unit_test(back),
        cmocka_unit_test(connections),    cmocka_unit_test(server_alone),
        cmocka_unit_test(client_unheard), cmocka_unit_test(every_beginning)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
