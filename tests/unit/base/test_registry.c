/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "registry.h"

static void opcodes(void **state)
{
    char reserved[16];
    (void)state;
    assert_string_equal(wst_opcode_name(0), "continuation");
    assert_string_equal(wst_opcode_name(1), "text");
    assert_string_equal(wst_opcode_name(2), "binary");
    assert_string_equal(wst_opcode_name(8), "close");
    assert_string_equal(wst_opcode_name(9), "ping");
    assert_string_equal(wst_opcode_name(10), "pong");
    for (uint8_t i = 3; i < 16; i++) {
        if (i >= 8 && i <= 10) continue;
        snprintf(reserved, sizeof reserved, "reserved-%d", i);
        assert_string_equal(wst_opcode_name(i), reserved);
    }
    assert_string_equal(wst_opcode_name(200), "reserved");
}

/* RFC 6455 section 7.4 in words of its own, against the table. */
static void close_codes_that_may_be_sent(void **state)
{
    (void)state;
    for (int32_t code = -2; code < 70000; code++) {
        bool expected = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                        (code >= 3000 && code <= 4999);
        if (wst_close_code_may_be_sent(code) != expected) fail_msg("%d", code);
    }
}

static void close_code_names(void **state)
{
    (void)state;
    assert_string_equal(wst_close_code_name(1000), "normal closure");
    assert_string_equal(wst_close_code_name(1006), "abnormal closure");
    assert_string_equal(wst_close_code_name(1015), "TLS handshake");
    assert_string_equal(wst_close_code_name(3003), "forbidden");
    for (int32_t code = 1000; code <= 1015; code++) assert_non_null(wst_close_code_name(code));
    assert_null(wst_close_code_name(-1));
    assert_null(wst_close_code_name(999));
    assert_null(wst_close_code_name(1016));
    assert_null(wst_close_code_name(3001));
    assert_null(wst_close_code_name(4000));
}

static void problems(void **state)
{
    (void)state;
    for (int i = 0; i < WST_PROBLEMS; i++) {
        const struct wst_problem_row *row = wst_problem_row((enum wst_problem)i);
        assert_non_null(row);
        assert_non_null(strchr(row->id, '.'));
        assert_int_equal(strspn(row->id, "abcdefghijklmnopqrstuvwxyz0123456789.-"),
                         strlen(row->id));
        assert_true(row->level >= WST_NOTE && row->level <= WST_ERROR);
        assert_true(strlen(row->meaning) > 0 && !strchr(row->meaning, '\n'));
        assert_true(strlen(row->advice) > 0 && !strchr(row->advice, '\n'));
        if (row->rfc) assert_memory_equal(row->rfc, "RFC ", 4);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(row->id, wst_problem_row((enum wst_problem)k)->id);
    }
    assert_null(wst_problem_row(WST_PROBLEMS));
    assert_null(wst_problem_row((enum wst_problem) - 1));
}

/* WebSocket's, or of the HTTP that carries it. */
static bool of_websocket(const char *rfc)
{
    static const char *const rfcs[] = {"RFC 6455 ", "RFC 7692 ", "RFC 8441 ", "RFC 9220 ",
                                       "RFC 9110 ", "RFC 9112 ", "RFC 9113 ", "RFC 9114 "};
    for (size_t i = 0; rfc && i < sizeof rfcs / sizeof *rfcs; i++)
        if (!strncmp(rfc, rfcs[i], strlen(rfcs[i]))) return true;
    return false;
}

/* Who is blamed broke what is written there; and a MUST of theirs, or a SHOULD, nobody breaks but a
 * peer. Of the notes only the first half is known. */
static void blame(void **state)
{
    (void)state;
    for (int i = 0; i < WST_PROBLEMS; i++) {
        const struct wst_problem_row *row = wst_problem_row((enum wst_problem)i);
        bool peer = wst_problem_of_peer((enum wst_problem)i);
        if (i == WST_PROBLEM_HANDSHAKE_HIXIE) { /* a draft's, and no RFC says that it may not */
            assert_true(peer && row->level == WST_WARNING && !row->rfc);
        } else if (i == WST_PROBLEM_MESSAGE_CONTEXT_LOST) { /* the RFC says what is not known */
            assert_true(!peer && row->level == WST_WARNING && of_websocket(row->rfc));
        } else {
            if (peer) assert_true(of_websocket(row->rfc));
            if (row->level == WST_ERROR) assert_true(peer);
            if (row->level == WST_WARNING) assert_int_equal(peer, of_websocket(row->rfc));
        }
    }
    assert_false(wst_problem_of_peer(WST_PROBLEMS));
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(wst_event_type_name(WST_EVENT_META), "meta");
    assert_string_equal(wst_event_type_name(WST_EVENT_STATS), "stats");
    assert_string_equal(wst_carrier_name(WST_CARRIER_UNKNOWN), "unknown");
    assert_string_equal(wst_carrier_name(WST_CARRIER_HTTP1), "http/1.1");
    assert_string_equal(wst_carrier_name(WST_CARRIER_H3), "h3");
    assert_string_equal(wst_tcp_end_name(WST_TCP_EVICTED), "evicted");
    assert_string_equal(wst_level_name(WST_WARNING), "warning");
    assert_string_equal(wst_level_name((enum wst_level)99), "unknown");
    assert_string_equal(wst_event_type_name((enum wst_event_type)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opcodes),  cmocka_unit_test(close_codes_that_may_be_sent),
        cmocka_unit_test(problems), cmocka_unit_test(close_code_names),
        cmocka_unit_test(blame),    cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
