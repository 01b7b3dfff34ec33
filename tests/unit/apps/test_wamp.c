/* SPDX-License-Identifier: MIT */
#include "said.h"

#define JSON "wamp.2.json"
#define ROLES "{\"roles\":{\"caller\":{}}}"

/* The specification's examples, with both ways to be let in. */
static void sessions(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "[1,\"somerealm\"," ROLES "]",
         "[{\"name\":\"HELLO\",\"fields\":{\"realm\":\"somerealm\"},\"json\":" ROLES "}]"},
        {WST_S2C, "[4,\"wampcra\",{\"challenge\":\"c\",\"authmethod\":\"x\"}]",
         "[{\"name\":\"CHALLENGE\",\"fields\":{\"authmethod\":\"wampcra\"},"
         "\"json\":{\"challenge\":\"c\",\"authmethod\":\"x\"},\"answers\":1,\"after\":1.0}]"},
        {WST_C2S, "[5,\"gir1mSx+deCDUV7wRM5SGIn/+R/ClqLZuH4m7FJeBVI=\",{\"x\":1}]",
         "[{\"name\":\"AUTHENTICATE\",\"fields\":{\"signature\":true},\"answers\":2,\"after\":1.0}"
         "]"},
        {WST_S2C, "[2,9129137332,{\"authid\":\"joe\",\"authrole\":\"user\",\"authmethod\":\"a\"}]",
         "[{\"name\":\"WELCOME\",\"fields\":{\"session\":9129137332,\"authid\":\"joe\","
         "\"authrole\":\"user\",\"authmethod\":\"a\"},\"json\":{\"authid\":\"joe\","
         "\"authrole\":\"user\",\"authmethod\":\"a\"},\"answers\":3,\"after\":1.0}]"},
        {WST_C2S, "[6, {\"message\": \"off\"}, \"wamp.close.system_shutdown\"]",
         "[{\"name\":\"GOODBYE\",\"fields\":{\"details\":{\"message\":\"off\"},"
         "\"reason\":\"wamp.close.system_shutdown\"}}]"},
        {WST_S2C, "[6, {}, \"wamp.close.goodbye_and_out\"]",
         "[{\"name\":\"GOODBYE\",\"fields\":{\"reason\":\"wamp.close.goodbye_and_out\"},"
         "\"answers\":5,\"after\":1.0}]"},
        {WST_C2S, "[1,\"r\",{}]", "[{\"name\":\"HELLO\",\"fields\":{\"realm\":\"r\"}}]"},
        {WST_S2C, "[3, {}, \"wamp.error.no_such_realm\"]",
         "[{\"name\":\"ABORT\",\"error\":true,\"fields\":{\"reason\":\"wamp.error.no_such_realm\"},"
         "\"answers\":7,\"after\":1.0}]"},
        {WST_S2C, "[6,{},\"wamp.close.normal\"]",
         "[{\"name\":\"GOODBYE\",\"fields\":{\"reason\":\"wamp.close.normal\"}}]"},
        {WST_C2S, "[6,{},\"wamp.close.normal\"]",
         "[{\"name\":\"GOODBYE\",\"fields\":{\"reason\":\"wamp.close.normal\"},\"answers\":9,"
         "\"after\":1.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, JSON, "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s),
            "wamp {\"certain\":true,\"c2s\":{\"packets\":5,\"asked\":4,\"answered\":4,"
            "\"slowest_msg\":1,\"slowest\":1.0},\"s2c\":{\"packets\":5,\"errors\":1,\"asked\":2,"
            "\"answered\":2,\"slowest_msg\":2,\"slowest\":1.0}}");
    said_free(&s);
}

static void topics(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "[32, 713845233, {}, \"com.myapp.mytopic1\"]",
         "[{\"name\":\"SUBSCRIBE\",\"fields\":{\"request\":713845233,"
         "\"topic\":\"com.myapp.mytopic1\"}}]"},
        {WST_S2C, "[33, 713845233, 5512315355]",
         "[{\"name\":\"SUBSCRIBED\",\"fields\":{\"request\":713845233,\"subscription\":5512315355},"
         "\"answers\":1,\"after\":1.0}]"},
        {WST_C2S, "[34, 85346237, 5512315355]",
         "[{\"name\":\"UNSUBSCRIBE\",\"fields\":{\"request\":85346237,"
         "\"subscription\":5512315355}}]"},
        {WST_S2C, "[8, 34, 85346237, {}, \"wamp.error.no_such_subscription\"]",
         "[{\"name\":\"ERROR\",\"error\":true,\"fields\":{\"request_type\":\"UNSUBSCRIBE\","
         "\"request\":85346237,\"error\":\"wamp.error.no_such_subscription\"},\"answers\":3,"
         "\"after\":1.0}]"},
        {WST_C2S, "[16, 239714735, {}, \"com.myapp.mytopic1\"]",
         "[{\"name\":\"PUBLISH\",\"fields\":{\"request\":239714735,"
         "\"topic\":\"com.myapp.mytopic1\"}}]"},
        {WST_C2S, "[16, 7, {\"acknowledge\": true}, \"t\", [], {\"color\": \"orange\"}]",
         "[{\"name\":\"PUBLISH\",\"fields\":{\"request\":7,\"options\":{\"acknowledge\":true},"
         "\"topic\":\"t\",\"arguments_kw\":{\"color\":\"orange\"}},\"json\":[]}]"},
        {WST_S2C, "[17, 7, 4429313566]",
         "[{\"name\":\"PUBLISHED\",\"fields\":{\"request\":7,\"publication\":4429313566},"
         "\"answers\":6,\"after\":1.0}]"},
        {WST_S2C, "[36, 5512315355, 4429313566, {\"topic\":\"t\"}, [\"Hello\"]]",
         "[{\"name\":\"EVENT\",\"fields\":{\"subscription\":5512315355,"
         "\"publication\":4429313566,\"details\":{\"topic\":\"t\"}},\"json\":[\"Hello\"]}]"},
        {WST_S2C, "[36, 5, 6, {}, \"\\u0000cmFuZG9t\"]", /* encrypted end to end */
         "[{\"name\":\"EVENT\",\"fields\":{\"subscription\":5,\"publication\":6},"
         "\"json\":\"\\u0000cmFuZG9t\"}]"},
        {WST_C2S, "[34, 9, 5]",
         "[{\"name\":\"UNSUBSCRIBE\",\"fields\":{\"request\":9,\"subscription\":5}}]"},
        {WST_S2C, "[35, 0, {\"subscription\":5}]", /* the router's own wish */
         "[{\"name\":\"UNSUBSCRIBED\",\"fields\":{\"request\":0,"
         "\"details\":{\"subscription\":5}}}]"},
        {WST_S2C, "[35, 9]",
         "[{\"name\":\"UNSUBSCRIBED\",\"fields\":{\"request\":9},\"answers\":10,\"after\":2.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, JSON, "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s), "wamp {\"certain\":true,\"c2s\":{\"packets\":5,\"asked\":4,"
                          "\"answered\":4,\"slowest_msg\":10,\"slowest\":2.0},"
                          "\"s2c\":{\"packets\":7,\"errors\":1}}");
    said_free(&s);
}

/* Calls, with progress: only the last of a request wants an answer, only the last is one. */
static void calls(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "[64, 1, {}, \"com.p\"]",
         "[{\"name\":\"REGISTER\",\"fields\":{\"request\":1,\"procedure\":\"com.p\"}}]"},
        {WST_S2C, "[65, 1, 21]",
         "[{\"name\":\"REGISTERED\",\"fields\":{\"request\":1,\"registration\":21},\"answers\":1,"
         "\"after\":1.0}]"},
        {WST_C2S, "[48, 2, {\"progress\":true}, \"com.p\", [1]]",
         "[{\"name\":\"CALL\",\"fields\":{\"request\":2,\"options\":{\"progress\":true},"
         "\"procedure\":\"com.p\"},\"json\":[1]}]"},
        {WST_C2S, "[48, 2, {}, \"com.p\", [2]]",
         "[{\"name\":\"CALL\",\"fields\":{\"request\":2,\"procedure\":\"com.p\"},\"json\":[2]}]"},
        {WST_S2C, "[68, 2, 21, {}]",
         "[{\"name\":\"INVOCATION\",\"fields\":{\"request\":2,\"registration\":21}}]"},
        {WST_C2S, "[70, 2, {\"progress\":true}, [3]]",
         "[{\"name\":\"YIELD\",\"fields\":{\"request\":2,\"options\":{\"progress\":true}},"
         "\"json\":[3]}]"},
        {WST_S2C, "[50, 2, {\"progress\":true}, [3]]",
         "[{\"name\":\"RESULT\",\"fields\":{\"request\":2,\"details\":{\"progress\":true}},"
         "\"json\":[3]}]"},
        {WST_C2S, "[70, 2, {}]",
         "[{\"name\":\"YIELD\",\"fields\":{\"request\":2},\"answers\":5,\"after\":3.0}]"},
        {WST_S2C, "[50, 2, {}]",
         "[{\"name\":\"RESULT\",\"fields\":{\"request\":2},\"answers\":4,\"after\":5.0}]"},
        {WST_C2S, "[48, 3, {}, \"com.p\", [], {}]",
         "[{\"name\":\"CALL\",\"fields\":{\"request\":3,\"procedure\":\"com.p\","
         "\"arguments_kw\":{}},\"json\":[]}]"},
        {WST_S2C, "[68, 3, 21, {}]",
         "[{\"name\":\"INVOCATION\",\"fields\":{\"request\":3,\"registration\":21}}]"},
        {WST_C2S, "[49, 3, {\"mode\":\"kill\"}]",
         "[{\"name\":\"CANCEL\",\"fields\":{\"request\":3,\"options\":{\"mode\":\"kill\"}}}]"},
        {WST_S2C, "[69, 3, {}]", "[{\"name\":\"INTERRUPT\",\"fields\":{\"request\":3}}]"},
        {WST_C2S, "[8, 68, 3, {}, \"wamp.error.canceled\", [\"a\"], {\"b\":1}]",
         "[{\"name\":\"ERROR\",\"error\":true,\"fields\":{\"request_type\":\"INVOCATION\","
         "\"request\":3,\"error\":\"wamp.error.canceled\",\"arguments_kw\":{\"b\":1}},"
         "\"json\":[\"a\"],\"answers\":11,\"after\":3.0}]"},
        {WST_S2C, "[8, 48, 3, {}, \"wamp.error.canceled\"]",
         "[{\"name\":\"ERROR\",\"error\":true,\"fields\":{\"request_type\":\"CALL\",\"request\":3,"
         "\"error\":\"wamp.error.canceled\"},\"answers\":10,\"after\":5.0}]"},
        {WST_C2S, "[66, 4, 21]",
         "[{\"name\":\"UNREGISTER\",\"fields\":{\"request\":4,\"registration\":21}}]"},
        {WST_S2C, "[67, 4]",
         "[{\"name\":\"UNREGISTERED\",\"fields\":{\"request\":4},\"answers\":16,\"after\":1.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, JSON, "/");
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s),
            "wamp {\"certain\":true,\"c2s\":{\"packets\":9,\"errors\":1,\"asked\":4,"
            "\"answered\":4,\"slowest_msg\":4,\"slowest\":5.0},\"s2c\":{\"packets\":8,"
            "\"errors\":1,\"asked\":2,\"answered\":2,\"slowest_msg\":5,\"slowest\":3.0}}");
    said_free(&s);
}

/* RS behind each, and what some write instead. A message alone is no batch. */
static void batches(void **state)
{
    static const char *const none = "[] strange";
    static const char *const two = "[{\"name\":\"UNREGISTERED\",\"fields\":{\"request\":4}},"
                                   "{\"name\":\"RESULT\",\"fields\":{\"request\":5}}]";
    static const char text[] = "[67,4]\x1e[50,5,{}]\x1e";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "wamp.2.json.batched", "/");
    said_is(said_text(&s, WST_S2C, text), two);
    said_is(said_text(&s, WST_S2C, "[67,4]\x1e[50,5,{}]"), two);
    said_is(said_text(&s, WST_S2C, "[67,4]\x18[50,5,{}]\x18"), two);
    said_is(said_text(&s, WST_S2C, "[67,4]\x1e"),
            "[{\"name\":\"UNREGISTERED\",\"fields\":{\"request\":4}}]");
    said_is(said_text(&s, WST_S2C, "\x1e"), none);
    said_is(said_text(&s, WST_S2C, "[67,4]\x1e\x1e[50,5,{}]\x1e"),
            "[{\"name\":\"UNREGISTERED\",\"fields\":{\"request\":4}},"
            "{\"name\":\"RESULT\",\"fields\":{\"request\":5}}] strange");
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        const char *said = said_bytes(&s, WST_S2C, 1, text, n);
        bool first = strstr(said, "UNREGISTERED"), second = strstr(said, "RESULT");
        assert_int_equal(first, n >= 6);
        assert_int_equal(second, n >= 16);
        assert_int_equal(strstr(said, "strange") == NULL, n == 6 || n == 7 || n == 16);
    }
    said_again(&s);
    said_open(&s, JSON, "/");
    said_is(said_text(&s, WST_S2C, text), none);
    said_free(&s);
}

static void strangers(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "", NULL},
        {WST_C2S, "[]", NULL},
        {WST_C2S, "{}", NULL},
        {WST_C2S, "48", NULL},
        {WST_C2S, "[7,1,2]", NULL},
        {WST_C2S, "[-1,\"r\",{}]", NULL},
        {WST_C2S, "[1.0,\"r\",{}]", NULL},
        {WST_C2S, "[\"1\",\"r\",{}]", NULL},
        {WST_C2S, "[1,\"r\"]", NULL},
        {WST_C2S, "[1,\"r\",{},{}]", NULL},
        {WST_C2S, "[1,\"r\",[]]", NULL},
        {WST_S2C, "[1,\"r\",{}]", NULL},
        {WST_C2S, "[2,1,{}]", NULL},
        {WST_C2S, "[48,1,{}]", NULL},
        {WST_C2S, "[48,-1,{},\"p\"]", NULL},
        {WST_C2S, "[48,1.5,{},\"p\"]", NULL},
        {WST_C2S, "[48,12345678901234567,{},\"p\"]", NULL},
        {WST_C2S, "[48,1,{},\"p\",{}]", NULL},
        {WST_C2S, "[48,1,{},\"p\",[],[]]", NULL},
        {WST_C2S, "[48,1,{},\"p\",[],{},1]", NULL},
        {WST_S2C, "[8,9,1,{},\"e\"]", NULL},
        {WST_S2C, "[8,300,1,{},\"e\"]", NULL},
        {WST_S2C, "[67]", NULL},
        {WST_S2C, "[67,1,{},1]", NULL},
        {WST_S2C, "[304,1,{}]", NULL}, /* 48, but for the bits above a byte */
        {WST_C2S, "[48,1,{},\"\xff\"]", NULL},
    };
    static const char whole[] = "[48,7814135,{},\"com.myapp.ping\",[23],{\"verbose\":true}]";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, JSON, "/");
    for (size_t i = 0; i < ARRAY(rows); i++)
        said_is(said_text(&s, rows[i].dir, rows[i].text), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, whole, sizeof whole - 1), "[] strange");
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        said_is(said_bytes(&s, WST_C2S, 1, whole, n), "[] strange");
        said_is(said_cut(&s, WST_C2S, 1, whole, sizeof whole - 1, sizeof whole - 1 - n), "[]");
    }
    said_is(said_end(&s), "wamp {}");
    said_free(&s);
}

/* The same in MessagePack, alone and in batches; other forms are there, and no more is said. */
static void message_pack(void **state)
{
    static const char *const none = "[] strange";
    static const char call[] = "\x95\x30\x07\x80\xa5"
                               "com.p"
                               "\x92\xc4\x01\xff\xcd\x01\x00";
    static const char *const call_said =
        "[{\"name\":\"CALL\",\"fields\":{\"request\":7,\"procedure\":\"com.p\"},"
        "\"json\":[{\"b64\":\"/w==\"},256]}]";
    static const char two[] = "\0\0\0\x03\x92\x43\x04\0\0\0\x04\x93\x32\x07\x80";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "wamp.2.msgpack", "/");
    said_is(said_bytes(&s, WST_C2S, 2, call, sizeof call - 1), call_said);
    said_is(said_bytes(&s, WST_S2C, 2, "\x93\x32\x07\x80", 4),
            "[{\"name\":\"RESULT\",\"fields\":{\"request\":7},\"answers\":1,\"after\":1.0}]");
    said_is(said_bytes(&s, WST_C2S, 1, call, sizeof call - 1), none);
    said_is(said_bytes(&s, WST_C2S, 2, call, sizeof call), none);
    said_is(said_bytes(&s, WST_S2C, 2, two, sizeof two - 1), none);
    for (size_t n = 0; n + 1 < sizeof call; n++) said_is(said_bytes(&s, WST_C2S, 2, call, n), none);
    said_again(&s);
    said_open(&s, "wamp.2.msgpack.batched", "/");
    for (size_t n = 0; n < sizeof two; n++) {
        const char *said = said_bytes(&s, WST_S2C, 2, two, n);
        assert_int_equal(strstr(said, "UNREGISTERED") != NULL, n >= 7);
        assert_int_equal(strstr(said, "RESULT") != NULL, n >= 15);
        assert_int_equal(strstr(said, "strange") == NULL, n == 7 || n == 15);
    }
    said_is(said_bytes(&s, WST_S2C, 2, "\xff\xff\xff\xff\x92", 5), none);
    said_is(said_bytes(&s, WST_S2C, 2, "\0\0\0\0", 4), none);
    said_again(&s);
    said_open(&s, "wamp.2.cbor", "/");
    said_is(said_bytes(&s, WST_S2C, 2, "\x82\x18\x43\x04", 4), "[]");
    said_is(said_text(&s, WST_S2C, "[67,4]"), none);
    said_free(&s);
}

/* Without a handshake that says so: not WAMP 1, nor other lists. */
static void by_sound(void **state)
{
    static const struct {
        enum wst_dir dir;
        const char *text;
        bool is;
    } rows[] = {
        {WST_C2S, "[1,\"realm1\"," ROLES "]", true},
        {WST_S2C, "[2,1,{\"roles\":{\"broker\":{}}}]", true},
        {WST_S2C, "[1,\"realm1\"," ROLES "]", false},
        {WST_C2S, "[1,\"realm1\",{}]", false},
        {WST_C2S, "[1,\"realm1\",{\"roles\":{}}]", false},
        {WST_C2S, "[1,\"realm1\",{\"roles\":[1]}]", false},
        {WST_C2S, "[6,{},\"wamp.close.normal\"]", false},
        {WST_S2C, "[0,\"v59mbCGDXZ7WTyxB\",1,\"Autobahn/0.5.1\"]", false},
        {WST_C2S, "[2,\"7DK6TdN4wLiUJgNM\",\"http://example.com/api#howdy\"]", false},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(&s);
        said_open(&s, NULL, "/ws");
        assert_int_equal(*said_text(&s, rows[i].dir, rows[i].text) != '\0', rows[i].is);
    }
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions),     cmocka_unit_test(topics),    cmocka_unit_test(calls),
        cmocka_unit_test(batches),      cmocka_unit_test(strangers), cmocka_unit_test(by_sound),
        cmocka_unit_test(message_pack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
