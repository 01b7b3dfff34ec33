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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
