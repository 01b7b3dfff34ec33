/* SPDX-License-Identifier: MIT
 *
 * From events to a script: what is sent, what each step waits for, and when nothing is sent.
 */
#include "events.h"

static struct wst_replay_script *script_of(struct wst_listener *to, uint64_t conn, bool skip)
{
    struct wst_replay_script_options options = {conn, 0, skip};
    struct wst_replay_script *s = wst_replay_script_new(&options);

    assert_non_null(s);
    *to = wst_replay_script_listener(s);
    event_pkt = 0;
    return s;
}

static void is_step(const struct wst_replay_script *s, size_t i, uint8_t opcode,
                    const char *payload, uint64_t said, bool closed)
{
    const struct wst_replay_step *step = wst_replay_script_step(s, i);

    assert_non_null(step);
    assert_int_equal(step->opcode, opcode);
    assert_int_equal(step->payload.n, strlen(payload));
    if (*payload) assert_memory_equal(step->payload.p, payload, strlen(payload));
    assert_int_equal(step->said, said);
    assert_int_equal(step->closed, closed);
}

static void test_steps(void **state)
{
    struct wst_listener to;
    struct wst_replay_script *s = script_of(&to, 0, false);
    char error[WST_REPLAY_ERROR_SIZE];
    struct wst_replay_facts facts;

    (void)state;
    tell_handshake(&to, 1, "/no", 404, false);
    tell_handshake(&to, 2, "/chat", 101, true);
    tell_message(&to, 2, WST_C2S, "one", 5);
    tell_message(&to, 2, WST_S2C, "a", 6);
    tell_message(&to, 1, WST_C2S, "of another", 6);
    tell(&to, control(2, WST_C2S, 9, "p"), 7);
    tell_message(&to, 2, WST_S2C, "b", 8);
    tell(&to, control(2, WST_S2C, 9, "q1"), 8);
    tell(&to, control(2, WST_S2C, 9, "q2"), 8);
    tell(&to, control(2, WST_C2S, 10, "q2"), 9); /* answers both */
    tell(&to, control(2, WST_C2S, 10, "q1"), 9); /* answers nothing any more */
    tell_message(&to, 2, WST_C2S, "", 20);
    tell_close(&to, 2, WST_S2C, 1000, "bye", 21);
    tell_close(&to, 2, WST_C2S, 1000, "so long", 25);
    assert_int_equal(wst_replay_script_end(s, error), WST_REPLAY_FINE);
    assert_string_equal(error, "");
    facts = wst_replay_script_facts(s);
    assert_int_equal(facts.conn, 2);
    assert_int_equal(facts.steps, 5);
    assert_int_equal(facts.said, 2);
    assert_int_equal(facts.skipped, 0);
    assert_true(facts.closed);
    is_step(s, 0, 1, "one", 0, false);
    is_step(s, 1, 9, "p", 1, false);
    is_step(s, 2, 10, "q1", 2, false);
    is_step(s, 3, 1, "", 2, false);
    is_step(s, 4, 8, "\x03\xe8so long", 2, true);
    assert_null(wst_replay_script_step(s, 5));
    assert_int_equal(wst_replay_script_step(s, 0)->after_ns, 5 * MS);
    assert_int_equal(wst_replay_script_step(s, 1)->after_ns, 2 * MS);
    assert_int_equal(wst_replay_script_step(s, 3)->after_ns, 11 * MS);
    wst_replay_script_free(s);
}

static void test_which_connection(void **state)
{
    static const struct {
        uint64_t conn;
        enum wst_replay_end end;
        const char *word;
    } rows[] = {
        {0, WST_REPLAY_MANY, "#1 /a, #3 /c"},
        {1, WST_REPLAY_FINE, ""},
        {2, WST_REPLAY_NONE, "refused with status 403"},
        {3, WST_REPLAY_FINE, ""},
        {4, WST_REPLAY_NONE, "#4"},
    };
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wst_listener to;
        struct wst_replay_script *s = script_of(&to, rows[i].conn, false);
        tell_handshake(&to, 1, "/a", 101, true);
        tell_handshake(&to, 2, "/b", 403, false);
        tell_handshake(&to, 3, "/c", 200, true);
        tell_message(&to, 3, WST_C2S, "three", 1);
        tell_message(&to, 1, WST_C2S, "one", 1);
        assert_int_equal(wst_replay_script_end(s, error), rows[i].end);
        assert_non_null(strstr(error, rows[i].word));
        if (rows[i].end == WST_REPLAY_FINE)
            is_step(s, 0, 1, rows[i].conn == 1 ? "one" : "three", 0, false);
        wst_replay_script_free(s);
    }
}

static void test_no_connection(void **state)
{
    struct wst_listener to;
    struct wst_replay_script *s = script_of(&to, 0, false);
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    tell_handshake(&to, 1, "/a", 404, false);
    assert_int_equal(wst_replay_script_end(s, error), WST_REPLAY_NONE);
    wst_replay_script_free(s);
}

/* A crowd of connections is listed as far as there is room. */
static void test_crowd(void **state)
{
    struct wst_listener to;
    struct wst_replay_script *s = script_of(&to, 0, false);
    char error[WST_REPLAY_ERROR_SIZE], uri[200];

    (void)state;
    memset(uri, 'u', sizeof uri - 1);
    uri[sizeof uri - 1] = '\0';
    for (uint64_t i = 1; i <= 1000; i++) tell_handshake(&to, i, i % 2 ? uri : "/", 101, true);
    assert_int_equal(wst_replay_script_end(s, error), WST_REPLAY_MANY);
    assert_non_null(strstr(error, "1000 connections: #1 uuu"));
    assert_memory_equal(error + strlen(error) - 5, ", ...", 5);
    wst_replay_script_free(s);
}

/* -- what is not whole ------------------------------------------------------------------------- */

static void gap(const struct wst_listener *to, enum wst_dir dir)
{
    struct wst_event e = {.type = WST_EVENT_GAP, .conn = 1, .dir = dir};

    e.gap.bytes = 77;
    tell(to, e, 1);
}

static void half_message(const struct wst_listener *to, bool certain, uint64_t omitted)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .conn = 1, .dir = WST_C2S};

    e.message.opcode = 2;
    e.message.msg = 9;
    e.message.certain = certain;
    e.message.omitted = omitted;
    e.message.payload = wst_slice_text("hal");
    tell(to, e, 1);
}

static void make_uncertain(const struct wst_listener *to, int how)
{
    struct wst_event e;

    switch (how) {
    case 0: gap(to, WST_C2S); break;
    case 1: gap(to, WST_S2C); break;
    case 2: half_message(to, false, 0); break;
    case 3: half_message(to, true, 3); break;
    case 4: tell(to, control(1, WST_C2S, 11, "x"), 1); break;
    case 5:
        e = control(1, WST_C2S, 9, "x");
        e.frame.complete = false;
        tell(to, e, 1);
        break;
    case 6:
        e = control(1, WST_C2S, 10, "x");
        e.frame.payload_omitted = 1;
        tell(to, e, 1);
        break;
    case 7:
        e = (struct wst_event){.type = WST_EVENT_CLOSE, .conn = 1, .dir = WST_C2S};
        e.close.code = 1000;
        e.close.omitted = 2;
        tell(to, e, 1);
        break;
    case 8:
        e = control(1, WST_C2S, 8, "");
        e.frame.len = 1;
        tell(to, e, 1);
        break;
    case 9: /* begun in several frames, and never ended */
        e = control(1, WST_C2S, 1, "");
        e.frame.fin = false;
        tell(to, e, 1);
        break;
    }
}
enum { WAYS = 10 };

static void test_uncertain(void **state)
{
    static const char *const words[WAYS] = {
        "77 bytes of the client",
        "77 bytes of the server",
        "message 9 (binary)",
        "message 9",
        "opcode 11",
        "a ping",
        "a pong",
        "close",
        "half a code",
        "has no end",
    };
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    for (int how = 0; how < WAYS; how++)
        for (int skip = 0; skip < 2; skip++) {
            struct wst_listener to;
            struct wst_replay_script *s = script_of(&to, 0, skip);
            tell_handshake(&to, 1, "/", 101, true);
            tell_message(&to, 1, WST_C2S, "whole", 1);
            make_uncertain(&to, how);
            if (how != 9) tell_message(&to, 1, WST_C2S, "too", 2);
            tell(&to, (struct wst_event){.type = WST_EVENT_END, .conn = 1}, 3);
            assert_int_equal(wst_replay_script_end(s, error),
                             skip ? WST_REPLAY_FINE : WST_REPLAY_UNCERTAIN);
            assert_non_null(strstr(error, words[how]));
            assert_non_null(strstr(error, "(packet "));
            assert_int_equal(wst_replay_script_facts(s).skipped, 1);
            assert_int_equal(wst_replay_script_facts(s).steps, how == 9 ? 1 : 2);
            if (skip) is_step(s, 0, 1, "whole", 0, false);
            if (skip && how != 9) is_step(s, 1, 1, "too", 0, false);
            wst_replay_script_free(s);
        }
}

/* Other connections may lack what they like. */
static void test_uncertain_elsewhere(void **state)
{
    struct wst_listener to;
    struct wst_replay_script *s = script_of(&to, 2, false);
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    tell_handshake(&to, 1, "/", 101, true);
    for (int how = 0; how < WAYS; how++) make_uncertain(&to, how);
    tell_handshake(&to, 2, "/", 101, true);
    tell_message(&to, 2, WST_C2S, "whole", 1);
    assert_int_equal(wst_replay_script_end(s, error), WST_REPLAY_FINE);
    wst_replay_script_free(s);
}

static void test_memory(void **state)
{
    struct wst_replay_script_options options = {0, 10000, true};
    struct wst_replay_script *s = wst_replay_script_new(&options);
    struct wst_listener to = wst_replay_script_listener(s);
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    tell_handshake(&to, 1, "/", 101, true);
    for (int i = 0; i < 10000; i++) tell_message(&to, 1, WST_C2S, "some bytes of text", i);
    assert_true(wst_replay_script_facts(s).steps < 200);
    assert_int_equal(wst_replay_script_end(s, error), WST_REPLAY_MEMORY);
    wst_replay_script_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),         cmocka_unit_test(test_which_connection),
        cmocka_unit_test(test_no_connection), cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_uncertain),     cmocka_unit_test(test_uncertain_elsewhere),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
