/* SPDX-License-Identifier: MIT */
#include "said.h"

#define V1 "/socket/websocket?token=x&vsn=1.0.0"
#define V2 "/live/websocket?vsn=2.0.0"

/* The conversation of the guide "Writing a Channels Client". */
static void two(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "[\"0\",\"0\",\"miami:weather\",\"phx_join\",{\"some\":\"param\"}]",
         "[{\"name\":\"phx_join\",\"fields\":{\"join_ref\":\"0\",\"ref\":\"0\","
         "\"topic\":\"miami:weather\"},\"json\":{\"some\":\"param\"}}]"},
        {WST_S2C,
         "[\"0\",\"0\",\"miami:weather\",\"phx_reply\",{\"response\":{},\"status\":\"ok\"}]",
         "[{\"name\":\"phx_reply\",\"fields\":{\"join_ref\":\"0\",\"ref\":\"0\","
         "\"topic\":\"miami:weather\",\"status\":\"ok\"},\"json\":{},\"answers\":1,"
         "\"after\":1.0}]"},
        {WST_C2S, "[null,\"1\",\"phoenix\",\"heartbeat\",{}]",
         "[{\"name\":\"heartbeat\",\"fields\":{\"ref\":\"1\",\"topic\":\"phoenix\"},"
         "\"json\":{}}]"},
        {WST_C2S, "[\"0\",\"2\",\"miami:weather\",\"report_emergency\",{\"category\":\"sharks\"}]",
         "[{\"name\":\"push\",\"fields\":{\"join_ref\":\"0\",\"ref\":\"2\","
         "\"topic\":\"miami:weather\",\"event\":\"report_emergency\"},"
         "\"json\":{\"category\":\"sharks\"}}]"},
        {WST_S2C, "[null,\"1\",\"phoenix\",\"phx_reply\",{\"response\":{},\"status\":\"ok\"}]",
         "[{\"name\":\"phx_reply\",\"fields\":{\"ref\":\"1\",\"topic\":\"phoenix\","
         "\"status\":\"ok\"},\"json\":{},\"answers\":3,\"after\":2.0}]"},
        {WST_S2C,
         "[\"0\",\"2\",\"miami:weather\",\"phx_reply\",{\"response\":\"no\",\"status\":\"error\"}]",
         "[{\"name\":\"phx_reply\",\"error\":true,\"fields\":{\"join_ref\":\"0\",\"ref\":\"2\","
         "\"topic\":\"miami:weather\",\"status\":\"error\"},\"json\":\"no\",\"answers\":4,"
         "\"after\":2.0}]"},
        {WST_C2S, "[\"0\",\"3\",\"miami:weather\",\"tell\",{}]", /* nobody answers, nobody waits */
         "[{\"name\":\"push\",\"fields\":{\"join_ref\":\"0\",\"ref\":\"3\","
         "\"topic\":\"miami:weather\",\"event\":\"tell\"},\"json\":{}}]"},
        {WST_S2C, "[null,null,\"miami:weather\",\"alert\",{\"a\":1}]",
         "[{\"name\":\"broadcast\",\"fields\":{\"topic\":\"miami:weather\",\"event\":\"alert\"},"
         "\"json\":{\"a\":1}}]"},
        {WST_S2C, "[\"0\",null,\"miami:weather\",\"alert\",{\"a\":1}]",
         "[{\"name\":\"push\",\"fields\":{\"join_ref\":\"0\",\"topic\":\"miami:weather\","
         "\"event\":\"alert\"},\"json\":{\"a\":1}}]"},
        {WST_S2C, "[\"0\",\"0\",\"miami:weather\",\"phx_error\",{}]",
         "[{\"name\":\"phx_error\",\"error\":true,\"fields\":{\"join_ref\":\"0\",\"ref\":\"0\","
         "\"topic\":\"miami:weather\"},\"json\":{}}]"},
        {WST_C2S, "[\"0\",\"4\",\"miami:weather\",\"phx_leave\",{}]",
         "[{\"name\":\"phx_leave\",\"fields\":{\"join_ref\":\"0\",\"ref\":\"4\","
         "\"topic\":\"miami:weather\"},\"json\":{}}]"},
        {WST_S2C, "[\"0\",\"0\",\"miami:weather\",\"phx_close\",{}]",
         "[{\"name\":\"phx_close\",\"fields\":{\"join_ref\":\"0\",\"ref\":\"0\","
         "\"topic\":\"miami:weather\"},\"json\":{}}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (int late = 0; late < 2; late++) {
        said_again(&s);
        if (!late) said_open(&s, NULL, V2);
        said_talk(&s, rows, ARRAY(rows));
        said_is(said_end(&s),
                "phoenix {\"certain\":true,\"c2s\":{\"packets\":5,\"asked\":4,\"answered\":3,"
                "\"slowest_msg\":3,\"slowest\":2.0,\"unanswered_msg\":11},"
                "\"s2c\":{\"packets\":7,\"errors\":2}}");
    }
    said_free(&s);
}

static void one(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S,
         "{\"topic\":\"r:1\",\"event\":\"phx_join\",\"payload\":{},\"ref\":\"1\","
         "\"join_ref\":\"1\"}",
         "[{\"name\":\"phx_join\",\"fields\":{\"join_ref\":\"1\",\"ref\":\"1\",\"topic\":\"r:1\"},"
         "\"json\":{}}]"},
        {WST_S2C,
         "{\"event\":\"phx_reply\",\"payload\":{\"status\":\"error\",\"response\":"
         "{\"reason\":\"unauthorized\"}},\"ref\":\"1\",\"topic\":\"r:1\"}",
         "[{\"name\":\"phx_reply\",\"error\":true,\"fields\":{\"ref\":\"1\",\"topic\":\"r:1\","
         "\"status\":\"error\"},\"json\":{\"reason\":\"unauthorized\"},\"answers\":1,"
         "\"after\":1.0}]"},
        {WST_S2C, "{\"event\":\"presence_state\",\"payload\":{},\"ref\":null,\"topic\":\"r:1\"}",
         "[{\"name\":\"message\",\"fields\":{\"topic\":\"r:1\",\"event\":\"presence_state\"},"
         "\"json\":{}}]"},
        {WST_C2S, "{\"topic\":\"r:1\",\"event\":\"x\",\"payload\":1,\"ref\":7}",
         "[{\"name\":\"push\",\"fields\":{\"ref\":7,\"topic\":\"r:1\",\"event\":\"x\"},"
         "\"json\":1}]"},
        {WST_S2C, "[null,null,\"t\",\"e\",{}]", "[] strange"}, /* of the other version */
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (int late = 0; late < 2; late++) {
        said_again(&s);
        if (!late) said_open(&s, NULL, V1);
        said_talk(&s, rows, ARRAY(rows));
        said_is(said_bytes(&s, WST_C2S, 2, "\0\0\0\0\0", 5), "[] strange");
    }
    said_free(&s);
}

struct bytes {
    enum wst_dir dir;
    struct wst_slice bytes;
    size_t head; /* what may not be missing */
    const char *said;
};

/* The layouts of v2_json_serializer.ex. */
static const struct bytes bytes[] = {
    {WST_C2S,
     SLICE("\0\2\2\3\4"
           "1234topevnt\1\2"),
     16,
     "[{\"name\":\"push\",\"fields\":{\"join_ref\":\"12\",\"ref\":\"34\",\"topic\":\"top\","
     "\"event\":\"evnt\"},\"b64\":\"AQI=\"}]"},
    {WST_S2C,
     SLICE("\1\2\2\3\2"
           "1234topok\1\2"),
     14,
     "[{\"name\":\"phx_reply\",\"fields\":{\"join_ref\":\"12\",\"ref\":\"34\",\"topic\":\"top\","
     "\"status\":\"ok\"},\"b64\":\"AQI=\",\"answers\":1,\"after\":1.0}]"},
    {WST_S2C,
     SLICE("\0\2\3\4"
           "12topevnt\1\2"),
     13,
     "[{\"name\":\"push\",\"fields\":{\"join_ref\":\"12\",\"topic\":\"top\",\"event\":\"evnt\"},"
     "\"b64\":\"AQI=\"}]"},
    {WST_S2C,
     SLICE("\2\3\4"
           "topevnt"),
     10,
     "[{\"name\":\"broadcast\",\"fields\":{\"topic\":\"top\",\"event\":\"evnt\"},\"b64\":\"\"}]"},
    {WST_S2C,
     SLICE("\1\0\1\1\5"
           "9terror"),
     12,
     "[{\"name\":\"phx_reply\",\"error\":true,\"fields\":{\"ref\":\"9\",\"topic\":\"t\","
     "\"status\":\"error\"},\"b64\":\"\"}]"},
};

static void in_bytes(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V2);
    for (size_t i = 0; i < ARRAY(bytes); i++)
        said_is(said_bytes(&s, bytes[i].dir, 2, bytes[i].bytes.p, bytes[i].bytes.n), bytes[i].said);
    for (size_t i = 0; i < ARRAY(bytes); i++)
        for (size_t n = 0; n < bytes[i].head; n++)
            said_is(said_bytes(&s, bytes[i].dir, 2, bytes[i].bytes.p, n), "[] strange");
    said_is(said_bytes(&s, WST_S2C, 2, "\3\0\0\0\0", 5), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, "\1\0\0\0\0", 5), "[] strange");
    said_free(&s);
}

static void strange(void **state)
{
    static const char *const whole = "[\"0\",\"0\",\"t\",\"phx_join\",{\"a\":[1,\"2\"]}]";
    static const char *const texts[] = {"[]",
                                        "{}",
                                        "1",
                                        "[\"0\",\"0\",\"t\",\"e\"]",
                                        "[\"0\",\"0\",\"t\",\"e\",{},1]",
                                        "[\"0\",\"0\",1,\"e\",{}]",
                                        "[\"0\",\"0\",\"t\",null,{}]",
                                        "[[],\"0\",\"t\",\"e\",{}]",
                                        "[\"0\",true,\"t\",\"e\",{}]",
                                        "{\"topic\":\"a\",\"event\":\"b\",\"ref\":\"1\"}"};
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, V2);
    for (size_t i = 0; i < ARRAY(texts); i++)
        said_is(said_text(&s, WST_C2S, texts[i]), "[] strange");
    for (size_t n = 0; n < strlen(whole); n++)
        said_is(said_bytes(&s, WST_C2S, 1, whole, n), "[] strange");
    said_free(&s);
}

static void others(void **state)
{
    static const char *const texts[] = {
        "[1,2,3,4,5]",
        "[null,null,\"t\",\"e\",{}]",
        "[\"0\",\"0\",\"t\",\"heartbeat\",{}]",
        "{\"topic\":\"t\",\"event\":\"e\",\"payload\":{},\"ref\":\"1\"}",
        "{\"topic\":\"t\",\"event\":\"phx_join\",\"payload\":{}}",
        "{\"event\":\"phx_join\"}"};
    static const char *const uris[] = {"/websocket", "/socket?vsn=2.0.0", "/websocket?vsn=3.0.0",
                                       "/websocketx?vsn=2.0.0"};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(texts); i++)
        for (size_t u = 0; u < ARRAY(uris); u++) {
            said_again(&s);
            said_open(&s, NULL, uris[u]);
            said_is(said_text(&s, WST_C2S, texts[i]), "");
        }
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two),     cmocka_unit_test(one),    cmocka_unit_test(in_bytes),
        cmocka_unit_test(strange), cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
