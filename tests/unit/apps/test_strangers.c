/* SPDX-License-Identifier: MIT
 *
 * What others say first, in JSON and texts, of which nothing may be taken for a protocol that it is
 * not.
 */
#include "said.h"

static const struct row {
    const char *who, *client, *server; /* NULL: that side says nothing yet */
} rows[] = {
    {"chat", "{\"type\":\"login\",\"user\":\"a\"}", "{\"type\":\"connection_ack\"}"},
    {"chat", "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"topic\":\"a\"}}",
     "{\"type\":\"connected\",\"payload\":{}}"},
    {"chat", "{\"id\":1,\"method\":\"login\",\"params\":{}}", "{\"id\":1,\"result\":{}}"},
    {"chat", "{\"topic\":\"a\",\"event\":\"join\",\"payload\":{},\"ref\":1}",
     "{\"topic\":\"a\",\"event\":\"heartbeat\",\"payload\":{},\"ref\":null}"},
    {"chat", "{\"command\":\"subscribe\",\"identifier\":\"a\"}", "{\"type\":\"welcome\",\"id\":7}"},
    {"Slack", "{\"id\":1,\"type\":\"ping\"}", "{\"type\":\"hello\",\"num_connections\":1}"},
    {"Discord", "{\"op\":2,\"d\":{\"intents\":7}}",
     "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":41250,\"_trace\":[]}}"},
    {"Home Assistant", "{\"type\":\"auth\",\"access_token\":\"x\"}",
     "{\"type\":\"auth_required\",\"ha_version\":\"2024.1.0\"}"},
    {"Home Assistant", "{\"id\":18,\"type\":\"subscribe_events\",\"event_type\":\"a\"}",
     "{\"id\":18,\"type\":\"result\",\"success\":true,\"result\":null}"},
    {"Jupyter",
     "{\"header\":{\"msg_id\":\"a\",\"msg_type\":\"kernel_info_request\"},"
     "\"parent_header\":{},\"metadata\":{},\"content\":{},\"channel\":\"shell\"}",
     "{\"header\":{\"msg_type\":\"status\"},\"parent_header\":{},\"metadata\":{},\"content\":"
     "{\"execution_state\":\"busy\"},\"channel\":\"iopub\"}"},
    {"NestJS", "{\"event\":\"subscribe\",\"data\":{\"channel\":\"a\"}}",
     "{\"event\":\"subscribed\",\"channel\":\"a\",\"data\":\"{}\"}"},
    {"Centrifugo", "{\"id\":1,\"connect\":{\"name\":\"js\"}}",
     "{\"id\":1,\"connect\":{\"client\":\"a\",\"version\":\"5\",\"ping\":25,\"pong\":true}}"},
    {"Centrifugo 2", "{\"id\":1,\"params\":{\"token\":\"a\"}}",
     "{\"id\":1,\"result\":{\"client\":\"a\",\"version\":\"2\"}}"},
    {"Nostr", "[\"REQ\",\"1\",{\"kinds\":[1]}]", "[\"EOSE\",\"1\"]"},
    {"Bayeux", "[{\"id\":\"1\",\"version\":\"1.0\",\"channel\":\"/meta/handshake\"}]",
     "[{\"id\":\"1\",\"channel\":\"/meta/handshake\",\"successful\":true}]"},
    {"SockJS", "[\"CONNECT\\naccept-version:1.2\\n\\n\\u0000\"]", "o"},
    {"SockJS", "[\"{\\\"jsonrpc\\\":\\\"2.0\\\"}\"]", "a[\"{}\"]"},
    {"DDP", "{\"msg\":\"connect\",\"version\":\"1\",\"support\":[\"1\"]}", "{\"server_id\":\"0\"}"},
    {"DDP", "{\"msg\":\"method\",\"id\":\"1\",\"method\":\"login\",\"params\":[]}",
     "{\"msg\":\"result\",\"id\":\"1\",\"result\":{}}"},
    {"WAMP 1", "[1,\"a\",\"http://example.com/a#\"]", "[0,\"v59mbCGDXZ7WTyxB\",1,\"Autobahn\"]"},
    {"WAMP 1", "[2,\"7DK6TdN4wLiUJgNM\",\"http://example.com/api#a\",{}]",
     "[3,\"7DK6TdN4wLiUJgNM\",{}]"},
    {"Mattermost", "{\"seq\":1,\"action\":\"authentication_challenge\",\"data\":{\"token\":\"x\"}}",
     "{\"event\":\"hello\",\"data\":{},\"broadcast\":{},\"seq\":0}"},
    {"SocketCluster", "{\"event\":\"#handshake\",\"data\":{\"authToken\":null},\"cid\":1}",
     "{\"rid\":1,\"data\":{\"id\":\"a\",\"pingTimeout\":20000,\"isAuthenticated\":false}}"},
    {"obs-websocket", "{\"op\":1,\"d\":{\"rpcVersion\":1}}",
     "{\"op\":0,\"d\":{\"obsWebSocketVersion\":\"5.1.0\",\"rpcVersion\":1}}"},
    {"rosbridge",
     "{\"op\":\"subscribe\",\"id\":\"1\",\"topic\":\"/a\",\"type\":\"std_msgs/String\"}",
     "{\"op\":\"publish\",\"topic\":\"/a\",\"msg\":{\"data\":\"b\"}}"},
    {"Binance", "{\"method\":\"SUBSCRIBE\",\"params\":[\"a@trade\"],\"id\":1}",
     "{\"result\":null,\"id\":1}"},
    {"Coinbase", "{\"type\":\"subscribe\",\"channels\":[\"ticker\"]}",
     "{\"type\":\"subscriptions\",\"channels\":[]}"},
    {"Firebase", "{\"t\":\"d\",\"d\":{\"r\":1,\"a\":\"s\",\"b\":{\"c\":{}}}}",
     "{\"t\":\"c\",\"d\":{\"t\":\"h\",\"d\":{\"ts\":1,\"v\":\"5\",\"h\":\"a\",\"s\":\"b\"}}}"},
    {"Ably", "{\"action\":10,\"channel\":\"a\"}", "{\"action\":4,\"connectionId\":\"a\"}"},
    {"Vite", NULL, "{\"type\":\"connected\"}"},
    {"Janus", "{\"janus\":\"create\",\"transaction\":\"a\"}",
     "{\"janus\":\"success\",\"transaction\":\"a\",\"data\":{\"id\":1}}"},
    {"Twitch EventSub", NULL,
     "{\"metadata\":{\"message_id\":\"a\",\"message_type\":\"session_welcome\"},\"payload\":{}}"},
    {"ShareDB", "{\"a\":\"hs\",\"id\":null}", "{\"a\":\"init\",\"protocol\":1,\"id\":\"a\"}"},
    {"Guacamole", "6.select,3.vnc;", "4.args,8.hostname;"},
    {"NATS", "CONNECT {\"verbose\":false}\r\nPING\r\n", "INFO {\"server_id\":\"a\"}\r\n"},
    {"IRC", "NICK a\r\n", ":irc.example.com 001 a :Welcome\r\n"},
    {"XML", "<message type=\"chat\">a</message>", "<open/>"},
    {"numbers", "42", "2"},
    {"numbers", "[2,\"1\",\"Heartbeat\"]", "[1,\"a\",{}]"},
};

static void none(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (int first = 0; first < 2; first++) {
            said_again(&s);
            said_open(&s, NULL, "/ws");
            for (int j = 0; j < 4; j++) {
                enum wst_dir dir = (first + j) % 2 ? WST_S2C : WST_C2S;
                const char *text = dir == WST_C2S ? rows[i].client : rows[i].server;
                if (!text) continue;
                const char *said = said_text(&s, dir, text);
                if (*said) fail_msg("%s: %s is said of %s", rows[i].who, said, text);
            }
        }
    said_free(&s);
}

/* An address that is as those of Phoenix and of Engine.IO, and a choice of something else. */
static void chosen(void **state)
{
    static const char *const uris[] = {"/graphql/websocket?vsn=2.0.0",
                                       "/x/?EIO=4&transport=websocket", "/devtools/page/1"};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(uris); i++) {
        said_again(&s);
        said_open(&s, "graphql-transport-ws", uris[i]);
        said_is(said_text(&s, WST_C2S, "{\"type\":\"connection_init\"}"),
                "[{\"name\":\"connection_init\"}]");
    }
    said_free(&s);
}

/* Deeper than is read: not strange, but what is counted is not all. */
static void too_deep(void **state)
{
    char text[1000] = "{\"id\":1,\"result\":";
    size_t n = strlen(text);
    struct said s;
    (void)state;
    memset(text + n, '[', 200);
    memset(text + n + 200, ']', 200);
    strcpy(text + n + 400, "}");
    said_new(&s);
    said_open(&s, "jsonrpc", "/");
    said_is(said_text(&s, WST_C2S, text), "[]");
    said_is(said_end(&s), "json-rpc {}");
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(none), cmocka_unit_test(chosen),
                                       cmocka_unit_test(too_deep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
