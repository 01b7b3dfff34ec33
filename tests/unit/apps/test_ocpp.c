/* SPDX-License-Identifier: MIT */
#include "said.h"

#define BOOT "[2,\"19223201\",\"BootNotification\",{\"chargePointVendor\":\"VendorX\"}]"

/* Section 4.2 of the specifications, and what only 2.1 has. */
static void types(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, BOOT,
         "[{\"name\":\"CALL\",\"fields\":{\"message_id\":\"19223201\","
         "\"action\":\"BootNotification\"},\"json\":{\"chargePointVendor\":\"VendorX\"}}]"},
        {WST_S2C, "[3,\"19223201\",{\"status\":\"Accepted\",\"interval\":300}]",
         "[{\"name\":\"CALLRESULT\",\"fields\":{\"message_id\":\"19223201\"},"
         "\"json\":{\"status\":\"Accepted\",\"interval\":300},\"answers\":1,\"after\":1.0}]"},
        {WST_S2C, "[2,\"19223201\",\"Reset\",{\"type\":\"Hard\"}]",
         "[{\"name\":\"CALL\",\"fields\":{\"message_id\":\"19223201\",\"action\":\"Reset\"},"
         "\"json\":{\"type\":\"Hard\"}}]"},
        {WST_C2S, "[4,\"19223201\",\"NotSupported\",\"no\",{}]",
         "[{\"name\":\"CALLERROR\",\"error\":true,\"fields\":{\"message_id\":\"19223201\","
         "\"error_code\":\"NotSupported\",\"error_description\":\"no\"},\"answers\":3,"
         "\"after\":1.0}]"},
        {WST_S2C, "[2,\"8\",\"GetVariables\",{}]",
         "[{\"name\":\"CALL\",\"fields\":{\"message_id\":\"8\",\"action\":\"GetVariables\"},"
         "\"json\":{}}]"},
        {WST_C2S, "[4,\"-1\",\"RpcFrameworkError\",\"\",{\"cause\":\"x\"}]",
         "[{\"name\":\"CALLERROR\",\"error\":true,\"fields\":{\"message_id\":\"-1\","
         "\"error_code\":\"RpcFrameworkError\",\"error_description\":\"\"},"
         "\"json\":{\"cause\":\"x\"}}]"},
    };
    static const struct said_row newer[] = {
        {WST_S2C, "[5,\"8\",\"TypeConstraintViolation\",\"d\",{}]",
         "[{\"name\":\"CALLRESULTERROR\",\"error\":true,\"fields\":{\"message_id\":\"8\","
         "\"error_code\":\"TypeConstraintViolation\",\"error_description\":\"d\"}}]"},
        {WST_C2S, "[6,\"9\",\"NotifyPeriodicEventStream\",{\"id\":1}]",
         "[{\"name\":\"SEND\",\"fields\":{\"message_id\":\"9\","
         "\"action\":\"NotifyPeriodicEventStream\"},\"json\":{\"id\":1}}]"},
    };
    static const char *const versions[] = {"ocpp1.5", "ocpp1.6",   "ocpp2.0",
                                           "ocpp2.1", "ocpp2.0.1", NULL};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t v = 0; v < ARRAY(versions); v++) {
        bool five = !versions[v] || strcmp(versions[v], "ocpp2.1") == 0;
        said_again(&s);
        said_open(&s, versions[v], "/CP001");
        for (size_t i = 0; i < ARRAY(rows); i++)
            said_is(said_text(&s, rows[i].dir, rows[i].text), rows[i].said);
        for (size_t i = 0; i < ARRAY(newer); i++)
            said_is(said_text(&s, newer[i].dir, newer[i].text),
                    five ? newer[i].said : "[] strange");
        said_is(said_end(&s),
                five ? "ocpp {\"certain\":true,\"c2s\":{\"packets\":4,\"errors\":2,\"asked\":1,"
                       "\"answered\":1,\"slowest_msg\":1,\"slowest\":1.0},\"s2c\":{\"packets\":4,"
                       "\"errors\":1,\"asked\":2,\"answered\":1,\"slowest_msg\":3,\"slowest\":1.0,"
                       "\"unanswered_msg\":5}}"
                     : "ocpp {\"certain\":true,\"c2s\":{\"packets\":3,\"errors\":2,\"asked\":1,"
                       "\"answered\":1,\"slowest_msg\":1,\"slowest\":1.0},\"s2c\":{\"packets\":3,"
                       "\"asked\":2,\"answered\":1,\"slowest_msg\":3,\"slowest\":1.0,"
                       "\"unanswered_msg\":5}}");
    }
    said_free(&s);
}

static void strangers(void **state)
{
    static const char *const rows[] = {
        "",
        "{}",
        "[]",
        "[2]",
        "[1,\"1\",\"Heartbeat\",{}]",
        "[7,\"1\",\"Heartbeat\",{}]",
        "[\"2\",\"1\",\"Heartbeat\",{}]",
        "[2,1,\"Heartbeat\",{}]",
        "[2,\"1\",null,{}]",
        "[2,\"1\",\"Heartbeat\"]",
        "[2,\"1\",\"Heartbeat\",[]]",
        "[2,\"1\",\"Heartbeat\",{},{}]",
        "[3,\"1\"]",
        "[3,\"1\",[]]",
        "[3,\"1\",{},{}]",
        "[4,\"1\",\"GenericError\",\"\"]",
        "[4,\"1\",\"GenericError\",\"\",[]]",
        "[4,\"1\",\"GenericError\",{},{}]",
        "[4,\"1\",7,\"\",{}]",
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "ocpp2.1", "/");
    for (size_t i = 0; i < ARRAY(rows); i++) said_is(said_text(&s, WST_C2S, rows[i]), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, BOOT, sizeof BOOT - 1), "[] strange");
    for (size_t n = 0; n + 1 < sizeof BOOT; n++) {
        said_is(said_bytes(&s, WST_C2S, 1, BOOT, n), "[] strange");
        said_is(said_cut(&s, WST_C2S, 1, BOOT, sizeof BOOT - 1, sizeof BOOT - 1 - n), "[]");
    }
    said_is(said_end(&s), "ocpp {}");
    said_free(&s);
}

static void by_sound(void **state)
{
    static const struct {
        enum wst_dir dir;
        const char *subprotocol, *text;
        bool is;
    } rows[] = {
        {WST_C2S, NULL, BOOT, true},
        {WST_C2S, NULL, "[2,\"1\",\"Heartbeat\",{}]", true},
        {WST_S2C, NULL, BOOT, false}, /* no station */
        {WST_C2S, NULL, "[2,\"1\",\"heartbeat\",{}]", false},
        {WST_C2S, NULL, "[2,\"1\",\"http://example.com/api#howdy\",{}]", false}, /* WAMP 1 */
        {WST_C2S, NULL, "[3,\"1\",{}]", false},
        {WST_C2S, NULL, "[6,\"1\",\"Heartbeat\",{}]", false},
        {WST_C2S, "ocpp1.6", "{}", true},
        {WST_C2S, "ocpp", "{}", false},
        {WST_C2S, "ocppx", "{}", false},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(&s);
        said_open(&s, rows[i].subprotocol, "/CP001");
        assert_int_equal(*said_text(&s, rows[i].dir, rows[i].text) != '\0', rows[i].is);
    }
    said_free(&s);
}

/* OCPP-J 1.6 section 4.2: null is a notation of no payload, if not the best. */
static void null_payload(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "ocpp1.6", "/CP1");
    said_is(said_text(&s, WST_C2S, "[2,\"1\",\"Heartbeat\",null]"),
            "[{\"name\":\"CALL\",\"fields\":{\"message_id\":\"1\",\"action\":\"Heartbeat\"},"
            "\"json\":null}]");
    said_is(said_text(&s, WST_S2C, "[3,\"1\",null]"),
            "[{\"name\":\"CALLRESULT\",\"fields\":{\"message_id\":\"1\"},\"json\":null,"
            "\"answers\":1,\"after\":1.0}]");
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(null_payload),
        cmocka_unit_test(strangers),
        cmocka_unit_test(by_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
