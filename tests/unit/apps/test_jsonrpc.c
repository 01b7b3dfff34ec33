/* SPDX-License-Identifier: MIT */
#include "said.h"

#define V "\"jsonrpc\":\"2.0\","
#define PARSE "{" V "\"error\":{\"code\":-32700,\"message\":\"Parse error\"},\"id\":null}"
#define PARSE_SAID                                                                            \
    "{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":null,\"code\":-32700,\"message\":" \
    "\"Parse error\"}}"
#define INVALID "{" V "\"error\":{\"code\":-32600,\"message\":\"Invalid Request\"},\"id\":null}"
#define INVALID_SAID                                                                          \
    "{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":null,\"code\":-32600,\"message\":" \
    "\"Invalid "                                                                              \
    "Request\"}}"

/* Section 7 of the specification, in its order. */
static void section_7(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "{" V "\"method\":\"subtract\",\"params\":[42,23],\"id\":1}",
         "[{\"name\":\"request\",\"fields\":{\"id\":1,\"method\":\"subtract\"},"
         "\"json\":[42,23]}]"},
        {WST_S2C, "{" V "\"result\":19,\"id\":1}",
         "[{\"name\":\"result\",\"fields\":{\"id\":1},\"json\":19,\"answers\":1,\"after\":1.0}]"},
        {WST_C2S,
         "{" V "\"method\":\"subtract\",\"params\":{\"subtrahend\":23,\"minuend\":42},\"id\":3}",
         "[{\"name\":\"request\",\"fields\":{\"id\":3,\"method\":\"subtract\"},"
         "\"json\":{\"subtrahend\":23,\"minuend\":42}}]"},
        {WST_S2C, "{" V "\"result\":19,\"id\":3}",
         "[{\"name\":\"result\",\"fields\":{\"id\":3},\"json\":19,\"answers\":3,\"after\":1.0}]"},
        {WST_C2S, "{" V "\"method\":\"update\",\"params\":[1,2,3,4,5]}",
         "[{\"name\":\"notification\",\"fields\":{\"method\":\"update\"},\"json\":[1,2,3,4,5]}]"},
        {WST_C2S, "{" V "\"method\":\"foobar\"}",
         "[{\"name\":\"notification\",\"fields\":{\"method\":\"foobar\"}}]"},
        {WST_C2S, "{" V "\"method\":\"foobar\",\"id\":\"1\"}",
         "[{\"name\":\"request\",\"fields\":{\"id\":\"1\",\"method\":\"foobar\"}}]"},
        {WST_S2C,
         "{" V "\"error\":{\"code\":-32601,\"message\":\"Method not found\"},\"id\":\"1\"}",
         "[{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":\"1\",\"code\":-32601,"
         "\"message\":\"Method not found\"},\"answers\":7,\"after\":1.0}]"},
        {WST_C2S, "{" V "\"method\":\"foobar,\"params\":\"bar\",\"baz]", "[] strange"},
        {WST_S2C, PARSE, "[" PARSE_SAID "]"},
        {WST_C2S, "{" V "\"method\":1,\"params\":\"bar\"}", "[] strange"},
        {WST_S2C, INVALID, "[" INVALID_SAID "]"},
        {WST_C2S, "[{" V "\"method\":\"sum\",\"params\":[1,2,4],\"id\":\"1\"},{" V "\"method\"",
         "[] strange"},
        {WST_S2C, PARSE, "[" PARSE_SAID "]"},
        {WST_C2S, "[]", "[] strange"},
        {WST_S2C, INVALID, "[" INVALID_SAID "]"},
        {WST_C2S, "[1]", "[] strange"},
        {WST_S2C, "[" INVALID "]", "[" INVALID_SAID "]"},
        {WST_C2S, "[1,2,3]", "[] strange"},
        {WST_S2C, "[" INVALID "," INVALID "," INVALID "]",
         "[" INVALID_SAID "," INVALID_SAID "," INVALID_SAID "]"},
        {WST_C2S,
         "[{" V "\"method\":\"sum\",\"params\":[1,2,4],\"id\":\"1\"},"
         "{" V "\"method\":\"notify_hello\",\"params\":[7]},"
         "{" V "\"method\":\"subtract\",\"params\":[42,23],\"id\":\"2\"},"
         "{\"foo\":\"boo\"},"
         "{" V "\"method\":\"foo.get\",\"params\":{\"name\":\"myself\"},\"id\":\"5\"},"
         "{" V "\"method\":\"get_data\",\"id\":\"9\"}]",
         "[{\"name\":\"request\",\"fields\":{\"id\":\"1\",\"method\":\"sum\"},\"json\":[1,2,4]},"
         "{\"name\":\"notification\",\"fields\":{\"method\":\"notify_hello\"},\"json\":[7]},"
         "{\"name\":\"request\",\"fields\":{\"id\":\"2\",\"method\":\"subtract\"},"
         "\"json\":[42,23]},"
         "{\"name\":\"request\",\"fields\":{\"id\":\"5\",\"method\":\"foo.get\"},"
         "\"json\":{\"name\":\"myself\"}},"
         "{\"name\":\"request\",\"fields\":{\"id\":\"9\",\"method\":\"get_data\"}}] strange"},
        {WST_S2C,
         "[{" V "\"result\":7,\"id\":\"1\"},{" V "\"result\":19,\"id\":\"2\"}," INVALID ","
         "{" V "\"error\":{\"code\":-32601,\"message\":\"Method not found\"},\"id\":\"5\"},"
         "{" V "\"result\":[\"hello\",5],\"id\":\"9\"}]",
         "[{\"name\":\"result\",\"fields\":{\"id\":\"1\"},\"json\":7,\"answers\":21,\"after\":1.0},"
         "{\"name\":\"result\",\"fields\":{\"id\":\"2\"},\"json\":19,\"answers\":21,"
         "\"after\":1.0}," INVALID_SAID ","
         "{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":\"5\",\"code\":-32601,"
         "\"message\":\"Method not found\"},\"answers\":21,\"after\":1.0},"
         "{\"name\":\"result\",\"fields\":{\"id\":\"9\"},\"json\":[\"hello\",5],\"answers\":21,"
         "\"after\":1.0}]"},
        {WST_C2S, "[{" V "\"method\":\"notify_sum\",\"params\":[1]},{" V "\"method\":\"n\"}]",
         "[{\"name\":\"notification\",\"fields\":{\"method\":\"notify_sum\"},\"json\":[1]},"
         "{\"name\":\"notification\",\"fields\":{\"method\":\"n\"}}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s), "json-rpc {\"certain\":true,\"c2s\":{\"packets\":12,\"asked\":7,"
                          "\"answered\":7,\"slowest_msg\":1,\"slowest\":1.0},"
                          "\"s2c\":{\"packets\":16,\"errors\":11}}");
    said_free(&s);
}

/* Null is the id of what could not be read: it answers nothing, not even a request of that id. An
 * id of another kind, or of the wrong side, is nobody's answer. */
static void ids(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "{" V "\"method\":\"a\",\"id\":null}",
         "[{\"name\":\"request\",\"fields\":{\"id\":null,\"method\":\"a\"}}]"},
        {WST_S2C, PARSE, "[" PARSE_SAID "]"},
        {WST_C2S, "{" V "\"method\":\"a\",\"id\":1}",
         "[{\"name\":\"request\",\"fields\":{\"id\":1,\"method\":\"a\"}}]"},
        {WST_S2C, "{" V "\"result\":null,\"id\":\"1\"}",
         "[{\"name\":\"result\",\"fields\":{\"id\":\"1\"},\"json\":null}]"},
        {WST_C2S, "{" V "\"result\":null,\"id\":1}",
         "[{\"name\":\"result\",\"fields\":{\"id\":1},\"json\":null}]"},
        {WST_S2C, "{" V "\"method\":\"b\",\"id\":1}",
         "[{\"name\":\"request\",\"fields\":{\"id\":1,\"method\":\"b\"}}]"},
        {WST_C2S, "{" V "\"result\":true,\"id\":1}",
         "[{\"name\":\"result\",\"fields\":{\"id\":1},\"json\":true,\"answers\":6,\"after\":1.0}]"},
        {WST_S2C, "{" V "\"result\":false,\"id\":1}",
         "[{\"name\":\"result\",\"fields\":{\"id\":1},\"json\":false,\"answers\":3,"
         "\"after\":5.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "jsonrpc", "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s), "json-rpc {\"certain\":true,\"c2s\":{\"packets\":4,\"asked\":1,"
                          "\"answered\":1,\"slowest_msg\":3,\"slowest\":5.0},"
                          "\"s2c\":{\"packets\":4,\"errors\":1,\"asked\":1,\"answered\":1,"
                          "\"slowest_msg\":6,\"slowest\":1.0}}");
    said_free(&s);
}

/* Sessions number apart; errors may have no id; null stands for what is not there. */
static void devtools(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "{\"id\":1,\"method\":\"Page.enable\",\"sessionId\":\"A\"}",
         "[{\"name\":\"request\",\"fields\":{\"id\":1,\"method\":\"Page.enable\","
         "\"session_id\":\"A\"}}]"},
        {WST_C2S, "{\"id\":1,\"method\":\"Page.enable\",\"sessionId\":\"B\",\"params\":{}}",
         "[{\"name\":\"request\",\"fields\":{\"id\":1,\"method\":\"Page.enable\","
         "\"session_id\":\"B\"},\"json\":{}}]"},
        {WST_C2S, "{\"id\":1,\"method\":\"Page.enable\"}",
         "[{\"name\":\"request\",\"fields\":{\"id\":1,\"method\":\"Page.enable\"}}]"},
        {WST_S2C, "{\"method\":\"Page.frameResized\",\"params\":{},\"sessionId\":\"B\"}",
         "[{\"name\":\"notification\",\"fields\":{\"method\":\"Page.frameResized\","
         "\"session_id\":\"B\"},\"json\":{}}]"},
        {WST_S2C, "{\"id\":1,\"result\":{},\"sessionId\":\"B\"}",
         "[{\"name\":\"result\",\"fields\":{\"id\":1,\"session_id\":\"B\"},\"json\":{},"
         "\"answers\":2,\"after\":3.0}]"},
        {WST_S2C, "{\"id\":1,\"result\":{}}",
         "[{\"name\":\"result\",\"fields\":{\"id\":1},\"json\":{},\"answers\":3,\"after\":3.0}]"},
        {WST_S2C,
         "{\"id\":1,\"error\":{\"code\":-32000,\"message\":\"m\",\"data\":\"d\"},"
         "\"sessionId\":\"A\"}",
         "[{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":1,\"session_id\":\"A\","
         "\"code\":-32000,\"message\":\"m\"},\"json\":\"d\",\"answers\":1,\"after\":6.0}]"},
        {WST_S2C, "{\"error\":{\"code\":-32700,\"message\":\"JSON: syntax\"}}",
         "[{\"name\":\"error\",\"error\":true,\"fields\":{\"code\":-32700,"
         "\"message\":\"JSON: syntax\"}}]"},
        {WST_C2S, "{\"id\":2,\"method\":\"m\",\"params\":null}",
         "[{\"name\":\"request\",\"fields\":{\"id\":2,\"method\":\"m\"},\"json\":null}]"},
        {WST_S2C, "{\"id\":2,\"result\":5,\"error\":null}",
         "[{\"name\":\"result\",\"fields\":{\"id\":2},\"json\":5,\"answers\":9,\"after\":1.0}]"},
        {WST_S2C, "{\"id\":3,\"result\":null,\"error\":{\"code\":1,\"message\":\"m\"}}",
         "[{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":3,\"code\":1,"
         "\"message\":\"m\"}}]"},
        {WST_S2C, "{\"id\":4,\"result\":null,\"error\":null}",
         "[{\"name\":\"result\",\"fields\":{\"id\":4},\"json\":null}]"},
        /* a member that JSON-RPC knows nothing of is no part of the id */
        {WST_C2S, "{" V "\"id\":5,\"method\":\"m\",\"sessionId\":\"A\"}",
         "[{\"name\":\"request\",\"fields\":{\"id\":5,\"method\":\"m\"}}]"},
        {WST_S2C, "{" V "\"id\":5,\"result\":0}",
         "[{\"name\":\"result\",\"fields\":{\"id\":5},\"json\":0,\"answers\":13,\"after\":1.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/devtools/page/28026DAF");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s), "json-rpc {\"certain\":true,\"c2s\":{\"packets\":5,\"asked\":5,"
                          "\"answered\":5,\"slowest_msg\":1,\"slowest\":6.0},"
                          "\"s2c\":{\"packets\":9,\"errors\":3}}");
    said_free(&s);
}

static void strangers(void **state)
{
    static const char *const rows[] = {
        "",
        "7",
        "{}",
        "[[]]",
        "{\"id\":1}",
        "{\"result\":1}",
        "{\"id\":{},\"method\":\"a\"}",
        "{\"id\":true,\"method\":\"a\"}",
        "{\"id\":1,\"method\":[]}",
        "{\"id\":1,\"method\":\"a\",\"params\":1}",
        "{\"id\":1,\"method\":\"a\",\"result\":1}",
        "{\"id\":1,\"method\":\"a\",\"error\":{}}",
        "{\"id\":1,\"result\":1,\"error\":{}}",
        "{\"id\":1,\"error\":\"no\"}",
        "{\"id\":1,\"error\":null}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}",
        "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}",
        "{\"notification\":\"news\",\"params\":[]}",
        "{\"id\":1,\"method\":\"\xff\"}",
    };
    static const char whole[] = "{" V "\"method\":\"subtract\",\"params\":[42,23],\"id\":1}";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "jsonrpc", "/");
    for (size_t i = 0; i < ARRAY(rows); i++) said_is(said_text(&s, WST_C2S, rows[i]), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, whole, sizeof whole - 1), "[] strange");
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        said_is(said_bytes(&s, WST_C2S, 1, whole, n), "[] strange");
        said_is(said_cut(&s, WST_C2S, 1, whole, sizeof whole - 1, sizeof whole - 1 - n), "[]");
    }
    said_is(said_end(&s), "json-rpc {}");
    said_free(&s);
}

static void by_sound(void **state)
{
    static const struct {
        enum wst_dir dir;
        const char *text;
        bool is;
    } rows[] = {
        {WST_C2S, "{" V "\"method\":\"a\"}", true},
        {WST_S2C, "{" V "\"method\":\"a\"}", true},
        {WST_S2C, PARSE, true},
        {WST_C2S, "[{" V "\"method\":\"a\"}]", true},
        {WST_C2S, "{\"id\":1,\"method\":\"Runtime.enable\"}", true},
        {WST_C2S, "{\"id\":1,\"method\":\"Debugger.enable\",\"params\":{}}", true},
        {WST_S2C, "{\"id\":1,\"method\":\"Runtime.enable\"}", false},
        {WST_C2S, "{\"id\":1,\"method\":\"Runtime.enable\",\"guid\":\"a\"}", false},
        {WST_C2S, "{\"id\":\"1\",\"method\":\"Runtime.enable\"}", false},
        {WST_C2S, "{\"id\":1,\"method\":\"Runtime.enable\",\"params\":[]}", false},
        {WST_C2S, "{\"method\":\"Runtime.enable\"}", false},
        {WST_C2S, "{\"id\":1,\"method\":\"User.login\"}", false},
        {WST_C2S, "{\"id\":1,\"method\":\"session.new\",\"params\":{}}",
         false}, /* WebDriver BiDi */
        {WST_C2S, "{" V "\"id\":1}", false},
        {WST_C2S, "{\"jsonrpc\":\"1.0\",\"method\":\"a\"}", false},
        {WST_C2S, "{\"method\":\"a\"}", false},
        {WST_C2S, "[]", false},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(&s);
        said_open(&s, NULL, "/rpc");
        assert_int_equal(*said_text(&s, rows[i].dir, rows[i].text) != '\0', rows[i].is);
    }
    said_free(&s);
}

/* What was lost before it was known what is spoken was lost, too; and not of another connection. */
static void missed(void **state)
{
    static const char text[] = "{" V "\"method\":\"a\"}";
    struct said s;
    (void)state;
    said_new(&s);
    for (int how = 0; how < 5; how++) {
        said_again(&s);
        said_open(&s, NULL, "/");
        if (how == 1) said_gap(&s, WST_S2C);
        if (how == 2) said_cut(&s, WST_S2C, 1, text, sizeof text - 1, 5);
        if (how == 3) { /* joined late */
            struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE};
            e.handshake.accepted = true;
            e.handshake.status = -1;
            said_event(&s, &e);
        }
        if (how == 4) { /* the one before it, of the same number */
            said_gap(&s, WST_S2C);
            said_end(&s);
        }
        said_text(&s, WST_C2S, text);
        assert_int_equal(strstr(said_end(&s), "\"certain\":true") != NULL, how == 0 || how == 4);
    }
    said_free(&s);
}

/* More sessions than there is room for: what has no id of its own is not held against others. */
static void no_room(void **state)
{
    enum { SESSION = 60000 };
    static char session[SESSION + 1], text[2 * SESSION];
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/devtools/browser/1");
    memset(session, 'a', SESSION);
    said_text(&s, WST_C2S, "[{\"id\":1,\"method\":\"m\"}]");
    snprintf(text, sizeof text,
             "[{\"id\":9,\"result\":0,\"sessionId\":\"%.5600s\"},"
             "{\"id\":1,\"result\":0,\"sessionId\":\"%s\"}]",
             session, session);
    const char *said = said_text(&s, WST_S2C, text);
    assert_non_null(strstr(said, "\"name\":\"result\""));
    assert_null(strstr(said, "answers"));
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_7), cmocka_unit_test(ids),      cmocka_unit_test(devtools),
        cmocka_unit_test(strangers), cmocka_unit_test(by_sound), cmocka_unit_test(no_room),
        cmocka_unit_test(missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
