/* SPDX-License-Identifier: MIT */
#include "said.h"

/* PROTOCOL.md of graphql-ws: its messages, and an operation that two of them fail. */
static void transport(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "{\"type\":\"connection_init\",\"payload\":{\"a\":1}}",
         "[{\"name\":\"connection_init\",\"fields\":{\"payload\":true}}]"},
        {WST_S2C, "{\"type\":\"connection_ack\"}",
         "[{\"name\":\"connection_ack\",\"answers\":1,\"after\":1.0}]"},
        {WST_C2S, "{\"type\":\"ping\"}", "[{\"name\":\"ping\"}]"},
        {WST_S2C, "{\"type\":\"pong\",\"payload\":null}",
         "[{\"name\":\"pong\",\"answers\":3,\"after\":1.0}]"},
        {WST_S2C, "{\"type\":\"pong\"}", "[{\"name\":\"pong\"}]"}, /* unasked: a heartbeat */
        {WST_S2C, "{\"type\":\"ping\"}", "[{\"name\":\"ping\"}]"},
        {WST_C2S, "{\"type\":\"pong\"}", "[{\"name\":\"pong\",\"answers\":6,\"after\":1.0}]"},
        {WST_C2S,
         "{\"id\":\"x\",\"type\":\"subscribe\",\"payload\":{\"operationName\":\"A\","
         "\"query\":\"query A{b}\"}}",
         "[{\"name\":\"subscribe\",\"fields\":{\"id\":\"x\",\"operation_name\":\"A\"},"
         "\"json\":{\"operationName\":\"A\",\"query\":\"query A{b}\"}}]"},
        {WST_S2C, "{\"id\":\"x\",\"type\":\"next\",\"payload\":{\"data\":{\"b\":1},\"errors\":[]}}",
         "[{\"name\":\"next\",\"fields\":{\"id\":\"x\"},\"json\":{\"data\":{\"b\":1},"
         "\"errors\":[]},\"answers\":8,\"after\":1.0}]"},
        {WST_S2C, "{\"id\":\"x\",\"type\":\"complete\"}",
         "[{\"name\":\"complete\",\"fields\":{\"id\":\"x\"}}]"},
        {WST_C2S, "{\"id\":\"y\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{c}\"}}",
         "[{\"name\":\"subscribe\",\"fields\":{\"id\":\"y\"},\"json\":{\"query\":\"{c}\"}}]"},
        {WST_S2C,
         "{\"id\":\"y\",\"type\":\"next\",\"payload\":{\"data\":null,\"errors\":["
         "{\"message\":\"no c\"},{\"message\":\"at all\"}]}}",
         "[{\"name\":\"next\",\"error\":true,\"fields\":{\"id\":\"y\",\"errors\":2,"
         "\"message\":\"no c\"},\"json\":{\"data\":null,\"errors\":[{\"message\":\"no c\"},"
         "{\"message\":\"at all\"}]},\"answers\":11,\"after\":1.0}]"},
        {WST_C2S, "{\"id\":\"z\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{d}\"}}",
         "[{\"name\":\"subscribe\",\"fields\":{\"id\":\"z\"},\"json\":{\"query\":\"{d}\"}}]"},
        {WST_S2C, "{\"id\":\"z\",\"type\":\"error\",\"payload\":[{\"message\":\"no d\"}]}",
         "[{\"name\":\"error\",\"error\":true,\"fields\":{\"id\":\"z\",\"errors\":1,"
         "\"message\":\"no d\"},\"json\":[{\"message\":\"no d\"}],\"answers\":13,\"after\":1.0}]"},
        {WST_C2S, "{\"id\":\"w\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{e}\"}}",
         "[{\"name\":\"subscribe\",\"fields\":{\"id\":\"w\"},\"json\":{\"query\":\"{e}\"}}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "graphql-transport-ws", "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s),
            "graphql {\"certain\":true,\"c2s\":{\"packets\":7,\"asked\":6,\"answered\":5,"
            "\"slowest_msg\":1,\"slowest\":1.0,\"unanswered_msg\":15},"
            "\"s2c\":{\"packets\":8,\"errors\":2,\"asked\":1,\"answered\":1,\"slowest_msg\":6,"
            "\"slowest\":1.0}}");
    said_free(&s);
}

/* PROTOCOL.md of subscriptions-transport-ws, and start_ack of AppSync. */
static void older(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "{\"type\":\"connection_init\",\"payload\":{}}",
         "[{\"name\":\"connection_init\",\"fields\":{\"payload\":true}}]"},
        {WST_S2C, "{\"type\":\"connection_error\",\"payload\":{\"message\":\"Prohibited!\"}}",
         "[{\"name\":\"connection_error\",\"error\":true,\"fields\":{\"message\":\"Prohibited!\"},"
         "\"json\":{\"message\":\"Prohibited!\"},\"answers\":1,\"after\":1.0}]"},
        {WST_S2C, "{\"type\":\"ka\"}", "[{\"name\":\"ka\"}]"},
        {WST_C2S, "{\"id\":\"1\",\"type\":\"start\",\"payload\":{\"query\":\"{a}\"}}",
         "[{\"name\":\"start\",\"fields\":{\"id\":\"1\"},\"json\":{\"query\":\"{a}\"}}]"},
        {WST_S2C, "{\"id\":\"1\",\"type\":\"start_ack\"}",
         "[{\"name\":\"start_ack\",\"fields\":{\"id\":\"1\"},\"answers\":4,\"after\":1.0}]"},
        {WST_S2C, "{\"id\":\"1\",\"type\":\"data\",\"payload\":{\"data\":{\"a\":1}}}",
         "[{\"name\":\"data\",\"fields\":{\"id\":\"1\"},\"json\":{\"data\":{\"a\":1}}}]"},
        {WST_S2C, "{\"id\":\"1\",\"type\":\"complete\",\"payload\":null}",
         "[{\"name\":\"complete\",\"fields\":{\"id\":\"1\"}}]"},
        {WST_C2S, "{\"id\":2,\"type\":\"start\",\"payload\":{\"query\":\"{a}\"}}",
         "[{\"name\":\"start\",\"fields\":{\"id\":2},\"json\":{\"query\":\"{a}\"}}]"},
        {WST_S2C, "{\"id\":2,\"type\":\"data\",\"payload\":{\"errors\":[{\"message\":\"m\"}]}}",
         "[{\"name\":\"data\",\"error\":true,\"fields\":{\"id\":2,\"errors\":1,\"message\":\"m\"},"
         "\"json\":{\"errors\":[{\"message\":\"m\"}]},\"answers\":8,\"after\":1.0}]"},
        {WST_C2S, "{\"id\":2,\"type\":\"stop\"}", "[{\"name\":\"stop\",\"fields\":{\"id\":2}}]"},
        {WST_S2C, "{\"id\":null,\"type\":\"error\",\"payload\":{\"message\":\"what?\"}}",
         "[{\"name\":\"error\",\"error\":true,\"fields\":{\"message\":\"what?\"},"
         "\"json\":{\"message\":\"what?\"}}]"},
        {WST_C2S, "{\"type\":\"connection_terminate\"}", "[{\"name\":\"connection_terminate\"}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "graphql-ws", "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s), "graphql {\"certain\":true,\"c2s\":{\"packets\":5,\"asked\":3,"
                          "\"answered\":3,\"slowest_msg\":1,\"slowest\":1.0},"
                          "\"s2c\":{\"packets\":7,\"errors\":3}}");
    said_free(&s);
}

/* What becomes of an operation that its client ends before there was an answer, of one whose id is
 * not known, and of subscriptions, which may never have an event. */
static void questions(void **state)
{
    static const char *const rows[] = {
        "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\"}}",
        "{\"id\":\"1\",\"type\":\"complete\"}",
        "{\"id\":\"2\",\"type\":\"subscribe\",\"payload\":{\"query\":\"subscription{a}\"}}",
        "{\"id\":\"3\",\"type\":\"subscribe\",\"payload\":{\"query\":\"\\u0073ubscription{a}\"}}",
        "{\"id\":\"4\",\"type\":\"subscribe\",\"payload\":{\"query\":\"subscription{b}\"}}",
        "{\"id\":\"4\",\"type\":\"complete\"}",
        "{\"id\":\"5\",\"type\":\"complete\"}",
        "{\"id\":\"6\",\"type\":\"subscribe\",\"payload\":{\"extensions\":{}}}",
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "graphql-transport-ws", "/");
    for (size_t i = 0; i < ARRAY(rows); i++)
        assert_non_null(strstr(said_text(&s, WST_C2S, rows[i]), "\"fields\":{\"id\":\""));
    assert_null(strstr(said_text(&s, WST_S2C, "{\"id\":\"1\",\"type\":\"complete\"}"), "answers"));
    assert_non_null(strstr(said_text(&s, WST_S2C, "{\"id\":\"2\",\"type\":\"complete\"}"),
                           "\"answers\":3,\"after\":7.0"));
    said_is(said_end(&s), "graphql {\"certain\":true,\"c2s\":{\"packets\":8,\"asked\":1,"
                          "\"answered\":1,\"slowest_msg\":3,\"slowest\":7.0},"
                          "\"s2c\":{\"packets\":2}}");
    said_free(&s);
}

static void strangers(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "", "[] strange"},
        {WST_C2S, "[]", "[] strange"},
        {WST_C2S, "{}", "[] strange"},
        {WST_C2S, "\"ping\"", "[] strange"},
        {WST_C2S, "{\"type\":1}", "[] strange"},
        {WST_C2S, "{\"type\":\"Ping\"}", "[] strange"},
        {WST_C2S, "{\"type\":\"pin\"}", "[] strange"},
        {WST_C2S, "{\"type\":\"next\",\"id\":\"1\"}", "[] strange"},
        {WST_S2C, "{\"type\":\"subscribe\",\"id\":\"1\"}", "[] strange"},
        {WST_S2C, "{\"type\":\"connection_init\"}", "[] strange"},
        {WST_C2S, "{\"type\":\"subscribe\",\"payload\":{}}", "[] strange"},
        {WST_C2S, "{\"type\":\"subscribe\",\"id\":{}}", "[] strange"},
        {WST_S2C, "{\"type\":\"complete\",\"id\":null}", "[] strange"},
        {WST_S2C, "{\"type\":\"error\"}", "[{\"name\":\"error\",\"error\":true}]"},
        {WST_S2C, "{\"type\":\"next\",\"id\":\"1\",\"payload\":{\"errors\":7}}",
         "[{\"name\":\"next\",\"fields\":{\"id\":\"1\"},\"json\":{\"errors\":7}}]"},
    };
    static const char whole[] =
        "{\"id\":\"x\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{b}\"}}";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "graphql-ws", "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_bytes(&s, WST_C2S, 2, whole, sizeof whole - 1), "[] strange");
    said_is(said_text(&s, WST_C2S, "{\"type\":\"ping\",\"a\":\"\xff\"}"), "[] strange");
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        said_is(said_bytes(&s, WST_C2S, 1, whole, n), "[] strange");
        said_is(said_cut(&s, WST_C2S, 1, whole, sizeof whole - 1, sizeof whole - 1 - n), "[]");
    }
    said_is(said_end(&s), "graphql {\"s2c\":{\"packets\":2,\"errors\":1}}");
    said_free(&s);
}

/* Without a handshake that says so. */
static void by_sound(void **state)
{
    static const struct {
        enum wst_dir dir;
        const char *text;
        bool is;
    } rows[] = {
        {WST_C2S, "{\"type\":\"connection_init\",\"payload\":{\"a\":1}}", true},
        {WST_S2C, "{\"type\":\"connection_ack\"}", false},
        {WST_C2S, "{\"id\":\"1\",\"type\":\"start\",\"payload\":{\"query\":\"{a}\"}}", true},
        {WST_C2S, "{\"id\":\"1\",\"type\":\"subscribe\",\"payload\":{\"query\":\"{a}\"}}", true},
        {WST_S2C, "{\"type\":\"connection_init\"}", false},
        {WST_C2S, "{\"type\":\"connection_init\",\"version\":3}", false},
        {WST_C2S, "{\"type\":\"ping\"}", false},
        {WST_S2C, "{\"type\":\"error\",\"payload\":\"no\"}", false},
        {WST_S2C, "{\"type\":\"data\",\"id\":\"1\",\"payload\":{}}", false},
        {WST_C2S, "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"channel\":\"a\"}}", false},
        {WST_C2S, "{\"type\":\"subscribe\",\"payload\":{\"query\":\"a\"}}", false},
        {WST_C2S, "[{\"type\":\"connection_init\"}]", false},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(&s);
        said_open(&s, NULL, "/graphql");
        assert_int_equal(*said_text(&s, rows[i].dir, rows[i].text) != '\0', rows[i].is);
    }
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transport), cmocka_unit_test(older),    cmocka_unit_test(questions),
        cmocka_unit_test(strangers), cmocka_unit_test(by_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
