/* SPDX-License-Identifier: MIT */
#include "said.h"

#define V4 "/socket.io/?EIO=4&transport=websocket"
#define V3 "/socket.io/?EIO=3&transport=websocket"
#define OPEN                                                           \
    "0{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"]," \
    "\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}"
#define OPEN_SAID                                                                  \
    "[{\"name\":\"open\",\"fields\":{\"sid\":\"lv_VI97HAXpY6yYWAAAC\","            \
    "\"upgrades\":[\"websocket\"],\"ping_interval\":25000,\"ping_timeout\":20000," \
    "\"max_payload\":1000000}}]"

/* python-socketio's client sends {} when it has nothing to show: nobody is told that there is a
 * secret. */
static void nothing_shown(void **state)
{
    static const struct said_row rows[] = {
        {WST_S2C, OPEN, OPEN_SAID},
        {WST_C2S, "40{}", "[{\"name\":\"CONNECT\"}]"},
        {WST_C2S, "40/a,{}", "[{\"name\":\"CONNECT\",\"fields\":{\"namespace\":\"/a\"}}]"},
        {WST_C2S, "40/b,{\"\":0}",
         "[{\"name\":\"CONNECT\",\"fields\":{\"namespace\":\"/b\",\"auth\":true}}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_talk(&s, rows, ARRAY(rows));
    said_free(&s);
}

/* The sample session of the specification of Engine.IO 4, and the examples of Socket.IO 5. */
static void five(void **state)
{
    static const struct said_row rows[] = {
        {WST_S2C, OPEN, OPEN_SAID},
        {WST_C2S, "40", "[{\"name\":\"CONNECT\"}]"},
        {WST_S2C, "40{\"sid\":\"oSO0OpakMV_3jnilAAAA\"}",
         "[{\"name\":\"CONNECT\",\"fields\":{\"sid\":\"oSO0OpakMV_3jnilAAAA\"},"
         "\"json\":{\"sid\":\"oSO0OpakMV_3jnilAAAA\"},\"answers\":2,\"after\":1.0}]"},
        {WST_C2S, "40/admin,{\"token\":\"123\"}",
         "[{\"name\":\"CONNECT\",\"fields\":{\"namespace\":\"/admin\",\"auth\":true}}]"},
        {WST_S2C, "44/admin,{\"message\":\"Not authorized\"}",
         "[{\"name\":\"CONNECT_ERROR\",\"error\":true,\"fields\":{\"namespace\":\"/admin\","
         "\"message\":\"Not authorized\"},\"json\":{\"message\":\"Not authorized\"},"
         "\"answers\":4,\"after\":1.0}]"},
        {WST_S2C, "2", "[{\"name\":\"ping\"}]"},
        {WST_C2S, "3", "[{\"name\":\"pong\",\"answers\":6,\"after\":1.0}]"},
        {WST_C2S, "42[\"hello\",1]",
         "[{\"name\":\"EVENT\",\"fields\":{\"event\":\"hello\"},\"json\":[\"hello\",1]}]"},
        {WST_C2S, "42/admin,456[\"project:delete\",123]",
         "[{\"name\":\"EVENT\",\"fields\":{\"namespace\":\"/admin\",\"event\":\"project:delete\","
         "\"id\":\"456\"},\"json\":[\"project:delete\",123]}]"},
        {WST_C2S, "42456[\"here\"]",
         "[{\"name\":\"EVENT\",\"fields\":{\"event\":\"here\",\"id\":\"456\"},"
         "\"json\":[\"here\"]}]"},
        {WST_S2C, "43/admin,456[]",
         "[{\"name\":\"ACK\",\"fields\":{\"namespace\":\"/admin\",\"id\":\"456\"},\"json\":[],"
         "\"answers\":9,\"after\":2.0}]"},
        {WST_S2C, "43/,456[1]",
         "[{\"name\":\"ACK\",\"fields\":{\"namespace\":\"/\",\"id\":\"456\"},\"json\":[1],"
         "\"answers\":10,\"after\":2.0}]"},
        {WST_S2C, "41/admin,", "[{\"name\":\"DISCONNECT\",\"fields\":{\"namespace\":\"/admin\"}}]"},
        {WST_S2C, "6", "[{\"name\":\"noop\"}]"},
        {WST_S2C, "42[7]", "[{\"name\":\"EVENT\",\"fields\":{\"event\":7},\"json\":[7]}]"},
        {WST_S2C, "429[\"who\"]",
         "[{\"name\":\"EVENT\",\"fields\":{\"event\":\"who\",\"id\":\"9\"},\"json\":[\"who\"]}]"},
        {WST_C2S, "41", "[{\"name\":\"DISCONNECT\"}]"},
        {WST_C2S, "1", "[{\"name\":\"close\"}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s),
            "socket.io {\"certain\":true,\"c2s\":{\"packets\":8,\"asked\":4,\"answered\":4,"
            "\"slowest_msg\":9,\"slowest\":2.0},\"s2c\":{\"packets\":10,\"errors\":1,\"asked\":2,"
            "\"answered\":1,\"slowest_msg\":6,\"slowest\":1.0,\"unanswered_msg\":16}}");
    said_free(&s);
}

/* Engine.IO 3: the client pings, the server connects unasked, errors are ERROR. */
static void four(void **state)
{
    static const struct said_row rows[] = {
        {WST_S2C, "40", "[{\"name\":\"CONNECT\"}]"},
        {WST_C2S, "2", "[{\"name\":\"ping\"}]"},
        {WST_S2C, "3", "[{\"name\":\"pong\",\"answers\":2,\"after\":1.0}]"},
        {WST_C2S, "40/admin?a=1,",
         "[{\"name\":\"CONNECT\",\"fields\":{\"namespace\":\"/admin\",\"query\":true}}]"},
        {WST_S2C, "40/admin,",
         "[{\"name\":\"CONNECT\",\"fields\":{\"namespace\":\"/admin\"},"
         "\"answers\":4,\"after\":1.0}]"},
        {WST_S2C, "44/no,\"Invalid namespace\"",
         "[{\"name\":\"ERROR\",\"error\":true,\"fields\":{\"namespace\":\"/no\"},"
         "\"json\":\"Invalid namespace\"}]"},
        {WST_C2S, "b4AAEC",
         "[{\"name\":\"message\",\"fields\":{\"base64\":true},"
         "\"text\":\"AAEC\"}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V3);
    said_talk(&s, rows, ARRAY(rows));
    /* An attachment has the byte 4 before it, or is none. */
    said_is(said_text(&s, WST_S2C, "451-[\"b\",{\"_placeholder\":true,\"num\":0}]"),
            "[] unfinished");
    said_is(said_bytes(&s, WST_S2C, 2, "\1\2", 2), "[] strange");
    said_is(said_bytes(&s, WST_S2C, 2, "\4\1\2", 3),
            "[{\"name\":\"BINARY_EVENT\",\"fields\":{\"event\":\"b\",\"attachments\":1},"
            "\"json\":[\"b\",{\"_placeholder\":true,\"num\":0}],\"first_msg\":8}]");
    said_is(said_text(&s, WST_C2S, "451-[\"b\",{\"_placeholder\":true,\"num\":0}]"),
            "[] unfinished");
    said_is(said_text(&s, WST_C2S, "b4AAEC"),
            "[{\"name\":\"BINARY_EVENT\",\"fields\":{\"event\":\"b\",\"attachments\":1},"
            "\"json\":[\"b\",{\"_placeholder\":true,\"num\":0}],\"first_msg\":11}]");
    said_free(&s);
}

#define TWO "452-/a,7[\"up\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]"
#define TWO_SAID(msg)                                                                     \
    "[{\"name\":\"BINARY_EVENT\",\"fields\":{\"namespace\":\"/a\",\"event\":\"up\","      \
    "\"id\":\"7\",\"attachments\":2},\"json\":[\"up\",{\"_placeholder\":true,\"num\":0}," \
    "{\"_placeholder\":true,\"num\":1}],\"first_msg\":" msg "}]"

/* An event is told with its last attachment; packets of Engine.IO may come between. */
static void attachments(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_text(&s, WST_C2S, "40/a,");
    said_is(said_text(&s, WST_C2S, TWO), "[] unfinished");
    said_is(said_text(&s, WST_C2S, "3"), "[{\"name\":\"pong\"}]");
    said_is(said_bytes(&s, WST_C2S, 2, "\4x", 2), "[] unfinished");
    said_is(said_text(&s, WST_S2C, "461-/a,7[{\"_placeholder\":true,\"num\":0}]"), "[] unfinished");
    said_is(said_bytes(&s, WST_C2S, 2, "", 0), TWO_SAID("2"));
    said_is(said_bytes(&s, WST_S2C, 2, "abc", 3),
            "[{\"name\":\"BINARY_ACK\",\"fields\":{\"namespace\":\"/a\",\"id\":\"7\","
            "\"attachments\":1},\"json\":[{\"_placeholder\":true,\"num\":0}],\"first_msg\":5,"
            "\"answers\":6,\"after\":1.0}]");
    said_is(said_text(&s, WST_C2S, "450-[\"none\"]"),
            "[{\"name\":\"BINARY_EVENT\",\"fields\":{\"event\":\"none\",\"attachments\":0},"
            "\"json\":[\"none\"]}]");
    /* One too many belongs to nothing; an event that is interrupted never comes. */
    said_is(said_bytes(&s, WST_C2S, 2, "abc", 3),
            "[{\"name\":\"message\",\"b64\":\"YWJj\"}] strange");
    said_text(&s, WST_C2S, TWO);
    said_is(said_text(&s, WST_C2S, "42[\"x\"]"),
            "[{\"name\":\"EVENT\",\"fields\":{\"event\":\"x\"},\"json\":[\"x\"]}] strange");
    said_free(&s);
}

/* What was lost may have been an attachment, or what it belongs to. */
static void gaps(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_text(&s, WST_C2S, "40/a,");
    said_text(&s, WST_C2S, TWO);
    said_gap(&s, WST_S2C);
    said_bytes(&s, WST_C2S, 2, "1", 1);
    said_gap(&s, WST_C2S);
    said_is(said_bytes(&s, WST_C2S, 2, "2", 1), "[{\"name\":\"message\",\"b64\":\"Mg==\"}]");
    said_is(said_text(&s, WST_C2S, TWO), "[] unfinished");
    said_is(said_cut(&s, WST_C2S, 2, "12", 2, 1), "[]");
    said_is(said_bytes(&s, WST_C2S, 2, "2", 1), "[{\"name\":\"message\",\"b64\":\"Mg==\"}]");
    said_is(said_text(&s, WST_C2S, TWO), "[] unfinished");
    said_bytes(&s, WST_C2S, 2, "1", 1);
    said_is(said_bytes(&s, WST_C2S, 2, "2", 1), TWO_SAID("8"));
    said_is(said_end(&s), "socket.io {\"c2s\":{\"packets\":4,\"asked\":2,\"unanswered_msg\":10}}");
    said_free(&s);
}

/* Engine.IO without Socket.IO: by its address, or because its first message is no CONNECT. */
static void bare(void **state)
{
    static const char *const uris[] = {"/engine.io/?EIO=4&transport=websocket",
                                       "/x/?EIO=4&transport=websocket"};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(uris); i++) {
        said_again(&s);
        said_open(&s, NULL, uris[i]);
        said_is(said_text(&s, WST_S2C, OPEN), OPEN_SAID);
        said_is(said_text(&s, WST_S2C, "4hello"), "[{\"name\":\"message\",\"text\":\"hello\"}]");
        assert_non_null(strstr(s.line, "\"protocol\":\"engine.io\""));
        said_is(said_text(&s, WST_C2S, "40"), "[{\"name\":\"message\",\"text\":\"0\"}]");
        said_is(said_text(&s, WST_C2S, "42[\"a\"]"),
                "[{\"name\":\"message\",\"text\":\"2[\\\"a\\\"]\"}]");
        said_is(said_bytes(&s, WST_C2S, 2, "\4a", 2), "[{\"name\":\"message\",\"b64\":\"BGE=\"}]");
        said_is(said_end(&s), "engine.io {\"certain\":true,\"c2s\":{\"packets\":3},"
                              "\"s2c\":{\"packets\":2}}");
    }
    said_again(&s);
    said_open(&s, NULL, "/engine.io/?EIO=3&transport=websocket");
    said_is(said_bytes(&s, WST_C2S, 2, "\4a", 2), "[{\"name\":\"message\",\"b64\":\"YQ==\"}]");
    said_free(&s);
}

/* After an upgrade, the CONNECT went another way. */
static void upgraded(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "2probe", "[{\"name\":\"ping\",\"text\":\"probe\"}]"},
        {WST_S2C, "3probe", "[{\"name\":\"pong\",\"text\":\"probe\",\"answers\":1,\"after\":1.0}]"},
        {WST_C2S, "5", "[{\"name\":\"upgrade\"}]"},
        {WST_C2S, "420[\"hello\"]",
         "[{\"name\":\"EVENT\",\"fields\":{\"event\":\"hello\",\"id\":\"0\"},"
         "\"json\":[\"hello\"]}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (int late = 0; late < 2; late++) { /* the handshake was seen, or was not */
        said_again(&s);
        if (!late) said_open(&s, NULL, V4 "&sid=x");
        said_talk(&s, rows, ARRAY(rows));
        said_is(said_text(&s, WST_C2S, "4other"),
                "[{\"name\":\"message\",\"text\":\"other\"}] strange");
    }
    /* Of which version is not known, nor then whether a first byte 4 is of the data. */
    said_is(said_text(&s, WST_C2S, "451-[\"b\",{\"_placeholder\":true,\"num\":0}]"),
            "[] unfinished");
    said_is(said_bytes(&s, WST_C2S, 2, "\4a", 2),
            "[{\"name\":\"BINARY_EVENT\",\"fields\":{\"event\":\"b\",\"attachments\":1},"
            "\"json\":[\"b\",{\"_placeholder\":true,\"num\":0}],\"first_msg\":6}]");
    said_gap(&s, WST_C2S);
    said_is(said_bytes(&s, WST_C2S, 2, "\4a", 2), "[{\"name\":\"message\"}]");
    said_free(&s);
}

/* Nothing of it is a packet of Socket.IO. */
static void strange(void **state)
{
    static const char *const none[] = {"", "7", "x", "0", "0[]", "0{", "/"};
    static const char *const engine[] = {"4",
                                         "47",
                                         "42",
                                         "42{}",
                                         "42[]",
                                         "42[{}]",
                                         "42[\"a\"",
                                         "42/a",
                                         "43[]",
                                         "430{}",
                                         "40[1]",
                                         "405",
                                         "41{}",
                                         "415",
                                         "45[\"a\"]",
                                         "451[\"a\"]",
                                         "45-[\"a\"]",
                                         "451-",
                                         "461-[\"a\"]",
                                         "451-{}",
                                         "44",
                                         "44[1]",
                                         "459999999999-[\"a\"]",
                                         "42,[\"a\"]",
                                         "42a[\"a\"]"};
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_text(&s, WST_C2S, "40");
    for (size_t i = 0; i < ARRAY(none); i++) said_is(said_text(&s, WST_S2C, none[i]), "[] strange");
    for (size_t i = 0; i < ARRAY(engine); i++) {
        const char *got = said_text(&s, WST_C2S, engine[i]);
        assert_non_null(strstr(got, "[{\"name\":\"message\",\"text\":\""));
        assert_non_null(strstr(got, " strange"));
    }
    said_is(said_bytes(&s, WST_C2S, 1, "42[\"\xff\"]", 7), "[] strange");
    said_free(&s);
}

/* JSON that is too deep to be read may be JSON all the same. */
static void deep(void **state)
{
    char text[400] = "42[\"a\",";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_text(&s, WST_C2S, "40");
    memset(text + 7, '[', 150);
    memset(text + 157, ']', 151);
    assert_null(strstr(said_text(&s, WST_C2S, text), "strange"));
    assert_non_null(strstr(s.shown, "\"message\""));
    said_free(&s);
}

/* Every beginning of a packet: another packet, or none; never what is not there. */
static void cut(void **state)
{
    static const char *const whole[] = {OPEN, "40/admin,{\"token\":\"1\"}", TWO,
                                        "43/admin,456[1,2]", "44{\"message\":\"x\"}"};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(whole); i++)
        for (size_t n = 0; n < strlen(whole[i]); n++) {
            said_again(&s);
            said_open(&s, NULL, V4);
            said_text(&s, WST_C2S, "40");
            const char *got = said_bytes(&s, WST_S2C, 1, whole[i], n);
            assert_null(strstr(got, "\"json\":[\"up\""));
            assert_null(strstr(got, "EVENT"));
            assert_null(strstr(got, "ERROR"));
            assert_null(strstr(got, "open"));
            assert_null(strstr(got, "unfinished"));
        }
    said_free(&s);
}

/* What other protocols and people say first is not taken for it. */
static void others(void **state)
{
    static const char *const texts[] = {
        "0",         "2",     "40",     "0{}",         "0{\"sid\":\"a\"}",
        "42[\"a\"]", "probe", "3probe", "[\"hello\"]", "{\"sid\":\"a\"}"};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(texts); i++) {
        said_again(&s);
        said_open(&s, NULL, "/socket.io/?EIO=5&transport=websocket");
        said_is(said_text(&s, WST_C2S, texts[i]), "");
        said_is(said_end(&s), "");
    }
    said_again(&s);
    said_is(said_text(&s, WST_S2C, OPEN), OPEN_SAID);
    said_free(&s);
}

/* Found by its probe, as where the handshake was not seen: attachments of what came by HTTP polling
 * may be the first. */
static void probed(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_text(&s, WST_C2S, "2probe");
    said_text(&s, WST_S2C, "3probe");
    said_is(said_bytes(&s, WST_S2C, 2, "\1\2", 2), "[{\"name\":\"message\",\"b64\":\"AQI=\"}]");
    said_is(said_text(&s, WST_S2C, "42[\"a\"]"),
            "[{\"name\":\"EVENT\",\"fields\":{\"event\":\"a\"},\"json\":[\"a\"]}]");
    said_free(&s);
}

/* What servers say to clients, of a client. */
static void turned(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V4);
    said_text(&s, WST_C2S, "40");
    said_is(said_text(&s, WST_C2S, OPEN), "[] strange");
    said_is(said_text(&s, WST_C2S, "44{\"message\":\"no\"}"),
            "[{\"name\":\"message\",\"text\":\"4{\\\"message\\\":\\\"no\\\"}\"}] strange");
    said_is(said_end(&s), "socket.io {\"certain\":true,\"c2s\":{\"packets\":2,\"asked\":1,"
                          "\"unanswered_msg\":1}}");
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_shown), cmocka_unit_test(five), cmocka_unit_test(four),
        cmocka_unit_test(attachments),   cmocka_unit_test(gaps), cmocka_unit_test(probed),
        cmocka_unit_test(turned),        cmocka_unit_test(bare), cmocka_unit_test(upgraded),
        cmocka_unit_test(strange),       cmocka_unit_test(deep), cmocka_unit_test(cut),
        cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
