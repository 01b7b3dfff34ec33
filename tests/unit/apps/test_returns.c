/* SPDX-License-Identifier: MIT
 *
 * Questions without ids, and with ids that are used again: which of two an answer belongs to.
 */
#include "said.h"

static const struct row {
    const char *chosen, *uri;
    enum wst_dir asker;
    const char *question, *answer;
} rows[] = {
    {NULL, "/socket.io/?EIO=4&transport=websocket", WST_S2C, "2", "3"},
    {NULL, "/socket.io/?EIO=3&transport=websocket", WST_C2S, "2", "3"},
    {NULL, "/engine.io/?EIO=4&transport=websocket", WST_S2C, "2", "3"},
    {"actioncable-v1-json", "/", WST_C2S, "{\"command\":\"subscribe\",\"identifier\":\"{}\"}",
     "{\"type\":\"reject_subscription\",\"identifier\":\"{}\"}"},
    {"graphql-transport-ws", "/", WST_C2S, "{\"type\":\"ping\"}", "{\"type\":\"pong\"}"},
    {"graphql-transport-ws", "/", WST_C2S,
     "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{a}\"}}",
     "{\"type\":\"next\",\"id\":\"1\",\"payload\":{}}"},
    {"wamp.2.json", "/", WST_C2S, "[1,\"r\",{}]", "[2,1,{}]"},
    {"wamp.2.json", "/", WST_C2S, "[6,{},\"wamp.close.a\"]",
     "[6,{},\"wamp.close.goodbye_and_out\"]"},
    {"xmpp", "/", WST_C2S, "<open/>", "<open/>"},
    {"xmpp", "/", WST_S2C, "<r/>", "<a h=\"1\"/>"},
    {"jsonrpc", "/", WST_C2S, "{\"id\":1,\"method\":\"a\"}", "{\"id\":1,\"result\":1}"},
};

/* Of two questions between which an answer was lost, to which side's loss it may be due: what comes
 * is not put to the first. */
static void lost(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (int gap = 0; gap < 2; gap++) {
            enum wst_dir other = rows[i].asker == WST_C2S ? WST_S2C : WST_C2S;
            said_again(&s);
            said_open(&s, rows[i].chosen, rows[i].uri);
            said_text(&s, rows[i].asker, rows[i].question);
            said_gap(&s, gap ? WST_S2C : WST_C2S);
            said_text(&s, rows[i].asker, rows[i].question);
            const char *said = said_text(&s, other, rows[i].answer);
            if (!strstr(said, "\"answers\":2")) fail_msg("%s: %s", rows[i].answer, said);
        }
    said_free(&s);
}

/* The first is never answered, and each after it is asked by the same id: none can be told to be
 * the one that was. Where each has its answer before the next, all are. */
static void same_id(void **state)
{
    static const char question[] = "{\"id\":1,\"method\":\"a\"}",
                      answer[] = "{\"id\":1,\"result\":1}";
    static const char none[] = "[{\"name\":\"result\",\"fields\":{\"id\":1},\"json\":1}]";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "jsonrpc", "/");
    said_text(&s, WST_C2S, question);
    for (int i = 0; i < 2; i++) {
        said_text(&s, WST_C2S, question);
        said_is(said_text(&s, WST_S2C, answer), none);
    }
    said_is(said_end(&s), "json-rpc {\"c2s\":{\"packets\":3,\"asked\":3,\"answered\":2},"
                          "\"s2c\":{\"packets\":2}}");
    said_again(&s);
    said_open(&s, "jsonrpc", "/");
    for (int i = 0; i < 3; i++) {
        said_text(&s, WST_C2S, question);
        assert_non_null(strstr(said_text(&s, WST_S2C, answer), "\"after\":1.0"));
    }
    said_is(said_end(&s), "json-rpc {\"certain\":true,\"c2s\":{\"packets\":3,\"asked\":3,"
                          "\"answered\":3,\"slowest_msg\":1,\"slowest\":1.0},"
                          "\"s2c\":{\"packets\":3}}");
    said_free(&s);
}

/* A session of WAMP numbers anew, and what another left open is not answered in it. */
static void sessions(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "wamp.2.json", "/");
    said_text(&s, WST_C2S, "[1,\"r\",{}]");
    said_text(&s, WST_S2C, "[2,1,{}]");
    said_text(&s, WST_C2S, "[48,1,{},\"a\"]");
    said_text(&s, WST_C2S, "[6,{},\"wamp.close.a\"]"); /* to which there is no answer, either */
    said_text(&s, WST_C2S, "[1,\"r\",{}]");
    said_text(&s, WST_S2C, "[2,2,{}]");
    said_text(&s, WST_C2S, "[48,1,{},\"b\"]");
    said_is(said_text(&s, WST_S2C, "[50,1,{}]"),
            "[{\"name\":\"RESULT\",\"fields\":{\"request\":1},\"answers\":7,\"after\":1.0}]");
    said_is(said_text(&s, WST_S2C, "[6,{},\"wamp.close.b\"]"),
            "[{\"name\":\"GOODBYE\",\"fields\":{\"reason\":\"wamp.close.b\"}}]");
    said_free(&s);
}

/* The client of Rails asks again while nothing comes, of which its server says nothing. */
static void subscribed_again(void **state)
{
    static const char subscribe[] = "{\"command\":\"subscribe\",\"identifier\":\"{}\"}";
    static const char confirm[] = "{\"type\":\"confirm_subscription\",\"identifier\":\"{}\"}";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "actioncable-v1-json", "/");
    said_text(&s, WST_C2S, subscribe);
    said_text(&s, WST_C2S, subscribe);
    assert_null(strstr(said_text(&s, WST_S2C, confirm), "answers"));
    said_text(&s, WST_C2S, "{\"command\":\"unsubscribe\",\"identifier\":\"{}\"}");
    said_text(&s, WST_C2S, subscribe);
    assert_non_null(strstr(said_text(&s, WST_S2C, confirm), "\"answers\":5"));
    said_is(said_end(&s), "action-cable {\"certain\":true,\"c2s\":{\"packets\":4,\"asked\":2,"
                          "\"answered\":2,\"slowest_msg\":5,\"slowest\":1.0},"
                          "\"s2c\":{\"packets\":2}}");
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lost), cmocka_unit_test(same_id),
                                       cmocka_unit_test(sessions),
                                       cmocka_unit_test(subscribed_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
