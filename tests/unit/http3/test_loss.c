/* SPDX-License-Identifier: MIT
 *
 * Bytes of streams that are missing, at each place; memory that is; streams in any order.
 */
#include "guard.h"
#include "room.h"

/* -- inside frames ----------------------------------------------------------------------------- */

IN_PIECES(inside_data)
{
    room_open();
    begins();
    asks(0);
    answers(0);
    sends(0, WST_C2S, "\0\12hel", 5);
    loses(0, WST_C2S, 4);
    sends(0, WST_C2S, "def\0\2ok", 7);
    sends(0, WST_S2C, "\0\4", 2);
    loses(0, WST_S2C, 4);
    data(0, WST_S2C, "on");
    room_close("0>?hel[4]defok\n0<{200}[4]on=\n");
}

IN_PIECES(inside_what_is_passed_over)
{
    room_open();
    begins();
    asks(0);
    answers(0);
    sends(0, WST_C2S, "\x21\12hel", 5);
    loses(0, WST_C2S, 7);
    data(0, WST_C2S, "ok");
    loses(3, WST_S2C, 100);
    sends(3, WST_S2C, "\2\2\2\2\2", 5);
    room_close("0>?ok\n0<{200}=\n");
}

/* What is missing there was no request. */
IN_PIECES(inside_data_without_a_request)
{
    room_open();
    begins();
    sends(0, WST_C2S, "\0\3", 2);
    loses(0, WST_C2S, 3);
    data(0, WST_C2S, "x");
    asks(0);
    answers(0);
    data(0, WST_C2S, "y");
    room_close("0>?y\n0<{200}=\n!broken: DATA before HEADERS\n");
}

IN_PIECES(inside_an_answer)
{
    struct bytes b = {.n = 0};
    put_headers(&b, WST_S2C, ok);
    room_open();
    begins();
    asks(0);
    data(0, WST_C2S, "a");
    sends(0, WST_S2C, b.p, 2);
    loses(0, WST_S2C, b.n - 2);
    assert_string_equal(room.said[0][0], "?");
    data(0, WST_S2C, "\x81\1x"); /* after a bad one this would not come */
    data(0, WST_C2S, "b");
    room_close("0>?ab\n0<{0}\\81\\01x=\n!unread: a field section that is not whole, or refers to "
               "fields that are missing\n");
}

IN_PIECES(inside_a_request)
{
    struct bytes b = {.n = 0};
    put_headers(&b, WST_C2S, websocket);
    for (size_t at = 2; at < b.n; at++) {
        room_open();
        begins();
        sends(0, WST_C2S, b.p, at);
        loses(0, WST_C2S, 1);
        sends(0, WST_C2S, b.p + at + 1, b.n - at - 1);
        answers(0);
        assert_string_equal(room.said[0][0], "");
        data(0, WST_C2S, "a");
        data(0, WST_S2C, "b");
        room_shut();
        assert_string_equal(room.said[0][0], "?unseena");
        assert_string_equal(room.said[0][1], "{0}b=");
    }
}

IN_PIECES(inside_a_request_for_something_else)
{
    struct bytes b = {.n = 0};
    put_headers(&b, WST_C2S, get);
    room_open();
    begins();
    sends(0, WST_C2S, b.p, b.n - 1);
    loses(0, WST_C2S, 1);
    assert_int_equal(room.http3.streams.n, 0); /* the method was seen */
    sends(4, WST_C2S, b.p, 3);
    loses(4, WST_C2S, b.n - 3);
    ends(4, WST_C2S);
    assert_int_equal(room.http3.streams.n, 0); /* who asks for a stream does not end it so */
    sends(8, WST_C2S, b.p, 3);
    loses(8, WST_C2S, b.n - 3);
    headers(8, WST_S2C, forbidden);
    assert_int_equal(room.http3.streams.n, 0);
    data(8, WST_S2C, "a page");
    room_close(
        "!unread: a field section that is not whole, or refers to fields that are missing\n");
}

/* What the server says proves its answer when it says no more, and not before. */
static bool proves_last(void *user, const struct wst_connect_stream *s, bool end)
{
    return end && on_proves(user, s, end);
}

/* There is no memory for what is accepted. */
static bool accepts_none(void *user, void *conversation, struct wst_connect_stream *s,
                         struct wst_slice fields, int status, const struct wst_arrival *a)
{
    on_answer(user, conversation, s, fields, status, a);
    return told_of(s)->accepted = s->refused = false;
}

/* A lost answer is proven at its stream's end, whatever ends it: it is told once, and so is the
 * end, also where it cannot be followed. */
IN_PIECES(proven_last)
{
    static const char *const said[] = {"{0}\\81\\01x.=", "{0}\\81\\01x.=",
                                       "{0}\\81\\01x=reset by server", "{0}\\81\\01x="},
                             *const none[] = {"{0}=", "{0}=", "{0}= by server", "{0}="};
    for (int i = 0; i < 8; i++) {
        room_open();
        room.env.sink.proves = proves_last;
        if (i & 1) room.env.sink.answer = accepts_none;
        begins();
        asks(0);
        struct bytes b = {.n = 0};
        put_headers(&b, WST_S2C, ok);
        sends(0, WST_S2C, b.p, 2);
        loses(0, WST_S2C, b.n - 2);
        data(0, WST_S2C, "\x81\1x");
        assert_string_equal(room.said[0][1], "");
        if (i / 2 == 1) ends(0, WST_C2S);
        if (i / 2 < 2) ends(0, WST_S2C);
        if (i / 2 == 0) ends(0, WST_C2S);
        if (i / 2 == 2) resets(0, WST_S2C, 0x10c);
        room_shut();
        assert_string_equal(room.said[0][1], i & 1 ? none[i / 2] : said[i / 2]);
    }
}

/* -- the header of a frame --------------------------------------------------------------------- */

IN_PIECES(frames_are_found_again)
{
    static char longer[300];
    struct bytes b = {.n = 0};
    memset(longer, 'x', sizeof longer - 1);
    put_message(&b, WST_S2C, "one");
    put_message(&b, WST_S2C, "two");
    put_message(&b, WST_S2C, longer);
    room_open();
    begins();
    asks(0);
    answers(0);
    asks(4);
    answers(4);
    asks(8);
    answers(8);
    loses(0, WST_S2C, 10);
    sends(0, WST_S2C, "rest\0 of one\0\5abcde", 18);
    sends(0, WST_S2C, b.p, b.n);
    assert_int_equal(strncmp(room.said[0][1], "{200}[~28]\\81\\03one\\81\\03two\\81~\\01+xxx", 37),
                     0);
    loses(4, WST_S2C, 10); /* a frame alone is none while nothing follows it */
    sends(4, WST_S2C, b.p, 7);
    assert_string_equal(room.said[1][1], "{200}");
    ends(4, WST_S2C);
    assert_string_equal(room.said[1][1], "{200}[~10]\\81\\03one.");
    loses(8, WST_S2C, 10);
    sends(8, WST_S2C, b.p, 7); /* the end of everything is one of it, too */
    asks(12);
    answers(12);
    loses(12, WST_S2C, 10);
    sends(12, WST_S2C, b.p, 6);
    asks(16);
    answers(16);
    loses(16, WST_S2C, 10);
    sends(16, WST_S2C, b.p, 7);
    resets(16, WST_C2S, 0x10c);
    resets(16, WST_S2C, 0x10c);
    assert_string_equal(room.said[4][1], "{200}[~10]\\81\\03one=reset by client");
    room_shut();
    assert_string_equal(room.said[3][1], "{200}[~16]=");
    assert_string_equal(room.said[2][1], "{200}[~10]\\81\\03one=");
}

/* One side breaks it off while frames are looked for: what is missing is told all the same. */
IN_PIECES(broken_off_behind_a_loss)
{
    room_open();
    begins();
    asks(0);
    answers(0);
    loses(0, WST_C2S, 10);
    sends(0, WST_C2S, "rest of one", 11);
    resets(0, WST_C2S, 0x10c);
    assert_string_equal(room.said[0][0], "?[~21]");
    data(0, WST_S2C, "late");
    ends(0, WST_S2C);
    asks(4);
    answers(4);
    loses(4, WST_S2C, 10);
    resets(4, WST_S2C, 0x10c);
    ends(4, WST_C2S);
    room_close("0>?[~21]\n0<{200}late.=reset by client\n4>?.\n4<{200}[~10]=reset by server\n");
}

/* What lies in a message may look like DATA. */
IN_PIECES(frames_are_not_made_up)
{
    static const char *const deceits[] = {
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "\0\1a\0\1b\0\1c\0\1d\0\1e\0", "\0\5abcde\0\7abcdefg",
        "\0\2\1\0\0\2\1\0\0\2\1\0\0\2\1\0", "\0\3\x81\2x\0\3\x81\2x\0\3\x81\2x"};
    for (size_t i = 0; i < sizeof deceits / sizeof *deceits; i++) {
        room_open();
        begins();
        asks(0);
        answers(0);
        loses(0, WST_S2C, 10);
        sends(0, WST_S2C, deceits[i], 16);
        ends(0, WST_S2C);
        room_close("0>?\n0<{200}[~26].=\n");
    }
}

IN_PIECES(nothing_is_found_in_a_tunnel)
{
    struct bytes b = {.n = 0};
    for (int i = 0; i < 9; i++) put_message(&b, WST_C2S, "hello");
    room_open();
    begins();
    headers(0, WST_C2S, tunnel);
    answers(0);
    loses(0, WST_C2S, 1);
    sends(0, WST_C2S, b.p, b.n);
    room_shut();
    char text[64];
    snprintf(text, sizeof text, "?tunnel[~%zu]", b.n + 1);
    assert_string_equal(room.said[0][0], text);
}

IN_PIECES(the_beginning_is_missing)
{
    struct bytes c = {.n = 0}, s = {.n = 0};
    put_message(&c, WST_C2S, "one");
    put_message(&c, WST_C2S, "two");
    put_message(&s, WST_S2C, "three");
    put_message(&s, WST_S2C, "four");
    room_open();
    begins();
    loses(0, WST_C2S, 100);
    sends(0, WST_C2S, c.p, c.n);
    loses(0, WST_S2C, 100);
    sends(0, WST_S2C, s.p, s.n);
    room_close("0>?unseen\\81\\83\\00\\00\\00\\00one\\81\\83\\00\\00\\00\\00two\n"
               "0<{0}[~100]\\81\\05three\\81\\04four=\n"
               "!unread: bytes are missing in which a WebSocket may have been opened\n");
}

/* A stream's bytes, and those of a gap at each place of it: what is told is a front of them and a
 * rest of them, and what is said to be missing is what lies between, or more. */
static void at_each_place(enum wst_dir dir)
{
    struct bytes all = {.n = 0};
    static const char *const messages[] = {"hello", "", "two\0", "a longer one than the others"};
    put_headers(&all, dir, dir ? ok : websocket);
    size_t head = all.n;
    room_open();
    begins();
    if (dir) asks(0);
    for (size_t i = 0; i < 12; i++) put_message(&all, dir, messages[i % 4]);
    sends(0, dir, all.p, all.n);
    if (!dir) answers(0);
    static char whole[SAID];
    strcpy(whole, room.said[0][dir]);
    room_shut();
    for (size_t at = 0; at < all.n; at++)
        for (size_t n = 1; n < 40 && at + n <= all.n; n += 1 + n / 4) {
            room_open();
            begins();
            if (dir) asks(0);
            sends(0, dir, all.p, at);
            loses(0, dir, n);
            sends(0, dir, all.p + at + n, all.n - at - n);
            if (!dir) answers(0);
            ends(0, dir);
            room_shut();
            const char *said = room.said[0][dir], *gap = strchr(said, '[');
            if (at >= head) assert_non_null(gap);
            if (at >= head) assert_memory_equal(said, whole, (size_t)(gap - said));
            const char *rest = strrchr(said, ']');
            if (!rest && at < head) rest = dir ? strchr(said, '}') : strstr(said, "?unseen") + 6;
            size_t rest_n = strcspn(++rest, ".=");
            assert_true(rest_n <= strlen(whole));
            assert_memory_equal(whole + strlen(whole) - rest_n, rest, rest_n);
            /* Nothing is missing that is not told: first what is, then at most. */
            unsigned long long missing = 0;
            for (const char *g = gap; g && *g == '['; g = strchr(g, ']') + 1)
                missing += strtoull(g + 1 + (g[1] == '~'), NULL, 10);
            for (const char *g = gap; g && g < rest; g = strchr(g, ']') + 1)
                assert_int_equal(*g, '[');
            bool exact = gap && !strstr(gap, "[~");
            if (at >= head) assert_true(exact ? missing && missing <= n : missing >= n);
        }
}

static void at_each_place_of_the_client(void **state)
{
    (void)state;
    at_each_place(WST_C2S);
}

static void at_each_place_of_the_server(void **state)
{
    (void)state;
    at_each_place(WST_S2C);
}

/* -- the beginning of the connection ----------------------------------------------------------- */

/* Fields that refer to a table wait for settings; those that were before the capture never come. */
static void settings_before_the_capture(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) { /* it begins with the capture; before; long before */
        struct bytes section = {.n = 0}, inserts = {.n = 0}, b = {.n = 0};
        room_open();
        if (how) wst_http3_midst(&room.http3, &room.env, how == 2, false, &room.now);
        put_section(&section, &inserts, WST_C2S, 0, 4096, websocket);
        assert_int_not_equal(section.p[0], 0);
        put_frame(&b, WST_HTTP3_HEADERS, section.p, section.n);
        put_message(&b, WST_C2S, "said");
        sends(0, WST_C2S, b.p, b.n);
        if (how < 2) assert_string_equal(room_text(), "");
        for (uint64_t id = 4; id < 4 + 4 * 20; id += 4) headers(id, WST_C2S, get);
        const char *told = "0>?unseen\\81\\84\\00\\00\\00\\00said\n0<{0}\n";
        size_t n = how ? strlen(told) : 0;
        assert_memory_equal(room_text(), told, n);
        if (!how) assert_string_equal(room_text(), "");
        /* They come after all: what refers to the table is read. */
        settles(WST_S2C, (const uint64_t[]){1, 4096, 8, 1, 0});
        sends(6, WST_C2S, "\2", 1);
        sends(6, WST_C2S, inserts.p, inserts.n);
        b.n = section.n = 0;
        put_section(&section, NULL, WST_C2S, 100, 4096, websocket); /* told as 36 */
        put_frame(&b, WST_HTTP3_HEADERS, section.p, section.n);
        sends(100, WST_C2S, b.p, b.n);
        assert_non_null(strstr(room_text(), "36>?"));
        assert_null(strstr(room_text(), "36>?unseen"));
        room_shut();
    }
}

/* Nobody said that it is HTTP/3: rules are broken by none. */
static void perhaps_not_http3(void **state)
{
    (void)state;
    for (int doubtful = 0; doubtful < 2; doubtful++)
        for (int proven = 0; proven < 2; proven++) {
            room_open();
            wst_http3_midst(&room.http3, &room.env, true, doubtful, &room.now);
            if (proven) settles(WST_S2C, allowing);
            frame(0, WST_C2S, 6, "", 0);
            frame(4, WST_C2S, WST_HTTP3_SETTINGS, "x", 1);
            room_shut();
            assert_int_equal(!strstr(room_text(), "!broken"), doubtful && !proven);
        }
}

/* -- order ------------------------------------------------------------------------------------- */

enum { CHUNKS = 8, TALKS = 5, ROWS = 2 * TALKS + 4 };

/* Six requests, settings and two tables, in pieces that come in any order in which each stream is
 * whole: nothing else is told. */
static void streams_in_any_order(void **state)
{
    (void)state;
    struct bytes row[ROWS] = {{.n = 0}};
    uint64_t ids[ROWS];
    enum wst_dir dirs[ROWS];
    static const uint64_t settings[] = {1, 4096, 7, 100, 8, 1, 0};
    static char expected[SAID];
    uint64_t seed = 7;
    room_open();
    for (int d = 0; d < 2; d++) {
        ids[2 * TALKS + d] = (uint64_t)(CONTROL_C + d);
        ids[2 * TALKS + 2 + d] = (uint64_t)(ENCODER_C + d);
        dirs[2 * TALKS + d] = dirs[2 * TALKS + 2 + d] = (enum wst_dir)d;
        put_settings(&row[2 * TALKS + d], settings);
        put(&row[2 * TALKS + 2 + d], "\2", 1);
        put(&row[2 * TALKS + 2 + d], d ? "" : "", 0);
    }
    for (int i = 0; i < TALKS; i++)
        for (int d = 0; d < 2; d++) {
            struct bytes section = {.n = 0}, *r = &row[2 * i + d];
            ids[2 * i + d] = (uint64_t)(4 * i);
            dirs[2 * i + d] = (enum wst_dir)d;
            put_section(&section, &row[2 * TALKS + 2 + d], (enum wst_dir)d, (uint64_t)(4 * i), 4096,
                        d        ? i == 3 ? forbidden : ok
                        : i == 4 ? get
                                 : websocket);
            put_frame(r, WST_HTTP3_HEADERS, section.p, section.n);
            put_frame(r, WST_HTTP3_DATA, d ? "server" : "client", 6);
            put_frame(r, 0x21, "x", 1);
            put_frame(r, WST_HTTP3_DATA, d ? " said" : " asked", d ? 5 : 6);
        }
    for (int round = 0; round < 2000; round++) {
        size_t at[ROWS] = {0};
        uint8_t left[ROWS];
        int open = 0;
        if (round) room_open();
        for (int i = 0; i < ROWS; i++) left[i] = (uint8_t)i, open++;
        while (open) {
            int k = (int)(rnd(&seed) % (unsigned)open), i = left[k];
            size_t n = round == 0 ? row[i].n : 1 + rnd(&seed) % (row[i].n / 2 + 1);
            if (round == 0) k = open - 1, i = left[k], n = row[i].n;
            if (n > row[i].n - at[i]) n = row[i].n - at[i];
            sends(ids[i], dirs[i], row[i].p + at[i], n);
            if ((at[i] += n) < row[i].n) continue;
            if (ids[i] % 4 == 0) ends(ids[i], dirs[i]);
            left[k] = left[--open];
        }
        room_shut();
        if (!round) strcpy(expected, room_text());
        assert_string_equal(room_text(), expected);
    }
    assert_non_null(strstr(expected, "8>?client asked.\n8<{200}server said."));
    assert_non_null(strstr(expected, "12<{403}"));
    assert_null(strstr(expected, "!"));
    assert_null(strstr(expected, "16>"));
}

/* -- memory ------------------------------------------------------------------------------------ */

static void a_session(void)
{
    static const uint64_t settings[] = {1, 4096, 8, 1, 0};
    struct bytes section = {.n = 0}, inserts = {.n = 0}, b = {.n = 0};
    put(&inserts, "\2", 1);
    put_section(&section, &inserts, WST_C2S, 0, 4096, websocket);
    put_frame(&b, WST_HTTP3_HEADERS, section.p, section.n);
    piece = 5;
    answers(0);
    data(0, WST_S2C, "welcome");
    settles(WST_S2C, settings);
    sends(0, WST_C2S, b.p, b.n);
    data(0, WST_C2S, "early");
    sends(6, WST_C2S, inserts.p, inserts.n);
    loses(0, WST_C2S, 3);
    data(0, WST_C2S, "late");
    asks(4);
    data(4, WST_C2S, "early");
    answers(4);
    ends(4, WST_S2C);
    loses(0, WST_S2C, 3);
    sends(0, WST_S2C, "\0\5\x81\3one", 7);
    piece = SIZE_MAX;
}

static void memory_that_is_missing(void **state)
{
    (void)state;
    size_t most = 0;
    for (size_t max = 0; max < 40000; max += max < 8000 ? 16 : 512) {
        room_open();
        room.budget.max = max;
        a_session();
        if (room.budget.used > most) most = room.budget.used;
        assert_null(strstr(room.problems, "!broken")); /* it is our own */
        room_shut();
    }
    assert_string_equal(room.said[0][0], "?early[~9]");
    assert_string_equal(room.said[1][0], "?early");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_data),
        cmocka_unit_test(inside_what_is_passed_over),
        cmocka_unit_test(inside_data_without_a_request),
        cmocka_unit_test(inside_an_answer),
        cmocka_unit_test(inside_a_request),
        cmocka_unit_test(inside_a_request_for_something_else),
        cmocka_unit_test(frames_are_found_again),
        cmocka_unit_test(broken_off_behind_a_loss),
        cmocka_unit_test(frames_are_not_made_up),
        cmocka_unit_test(nothing_is_found_in_a_tunnel),
        cmocka_unit_test(the_beginning_is_missing),
        cmocka_unit_test(at_each_place_of_the_client),
        cmocka_unit_test(at_each_place_of_the_server),
        cmocka_unit_test(settings_before_the_capture),
        cmocka_unit_test(perhaps_not_http3),
        cmocka_unit_test(streams_in_any_order),
        cmocka_unit_test(proven_last),
        cmocka_unit_test(memory_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
