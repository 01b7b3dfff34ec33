/* SPDX-License-Identifier: MIT */
#include "said.h"

#define EVENT(name) "{\"event\":\"" name "\""
#define SUBSCRIBE(more) EVENT("pusher:subscribe") ",\"data\":{" more "}}"

/* As pusher.com's description of the protocol has them, and what it has of cache channels,
 * subscription counts and watchlists; pusher:subscription_error as Soketi sends it. */
static const struct said_row rows[] = {
    {WST_S2C,
     EVENT("pusher:connection_established") ",\"data\":\"{\\\"socket_id\\\":\\\"23.54\\\","
                                            "\\\"activity_timeout\\\":120}\"}",
     "[{\"name\":\"pusher:connection_established\",\"fields\":{\"socket_id\":\"23.54\","
     "\"activity_timeout\":120}}]"},
    {WST_C2S,
     SUBSCRIBE("\"channel\":\"presence-a\",\"auth\":\"key:secret\",\"channel_data\":\"{\\\"user_"
               "id\\\":\\\"7\\\"}\""),
     "[{\"name\":\"pusher:subscribe\",\"fields\":{\"channel\":\"presence-a\",\"auth\":true},"
     "\"json\":{\"user_id\":\"7\"}}]"},
    {WST_C2S, SUBSCRIBE("\"auth\":\"\",\"channel\":\"private-App\\/x\""),
     "[{\"name\":\"pusher:subscribe\",\"fields\":{\"channel\":\"private-App/x\"}}]"},
    {WST_S2C,
     EVENT("pusher_internal:subscription_succeeded") ",\"data\":\"{\\\"presence\\\":{\\\"count\\\":"
                                                     "1}}\",\"channel\":\"presence-a\"}",
     "[{\"name\":\"pusher_internal:subscription_succeeded\",\"fields\":{\"channel\":\"presence-a\"}"
     ","
     "\"json\":{\"presence\":{\"count\":1}},\"answers\":2,\"after\":2.0}]"},
    {WST_S2C,
     EVENT("pusher:subscription_error") ",\"channel\":\"private-App/"
                                        "x\",\"data\":{\"type\":\"AuthError\","
                                        "\"error\":\"no\",\"status\":403}}",
     "[{\"name\":\"pusher:subscription_error\",\"error\":true,\"fields\":{\"channel\":\"private-"
     "App/x\","
     "\"type\":\"AuthError\",\"error\":\"no\",\"status\":403},\"answers\":3,\"after\":2.0}]"},
    {WST_S2C,
     EVENT("price") ",\"channel\":\"presence-a\",\"data\":\"{\\\"n\\\":1}\",\"user_id\":\"7\"}",
     "[{\"name\":\"event\",\"fields\":{\"event\":\"price\",\"channel\":\"presence-a\",\"user_id\":"
     "\"7\"},"
     "\"json\":{\"n\":1}}]"},
    {WST_C2S, EVENT("client-typing") ",\"data\":{\"x\":[1]},\"channel\":\"presence-a\"}",
     "[{\"name\":\"event\",\"fields\":{\"event\":\"client-typing\",\"channel\":\"presence-a\"},"
     "\"json\":{\"x\":[1]}}]"},
    {WST_S2C, EVENT("news") ",\"channel\":\"a\",\"data\":\"plain words\"}",
     "[{\"name\":\"event\",\"fields\":{\"event\":\"news\",\"channel\":\"a\"},\"text\":\"plain "
     "words\"}]"},
    {WST_S2C,
     EVENT("pusher_internal:member_added") ",\"channel\":\"presence-a\",\"data\":\"{\\\"user_"
                                           "id\\\":\\\"8\\\"}\"}",
     "[{\"name\":\"pusher_internal:member_added\",\"fields\":{\"channel\":\"presence-a\"},"
     "\"json\":{\"user_id\":\"8\"}}]"},
    {WST_C2S, EVENT("pusher:ping") ",\"data\":{}}", "[{\"name\":\"pusher:ping\"}]"},
    {WST_S2C, EVENT("pusher:pong") ",\"data\":\"{}\"}",
     "[{\"name\":\"pusher:pong\",\"answers\":10,\"after\":1.0}]"},
    {WST_C2S,
     EVENT("pusher:signin") ",\"data\":{\"auth\":\"key:s\",\"user_data\":\"{\\\"id\\\":\\\"7\\\"}"
                            "\"}}",
     "[{\"name\":\"pusher:signin\",\"fields\":{\"auth\":true},\"json\":{\"id\":\"7\"}}]"},
    {WST_S2C,
     EVENT("pusher:signin_success") ",\"data\":{\"user_data\":\"{\\\"id\\\":\\\"7\\\"}\"}}",
     "[{\"name\":\"pusher:signin_success\",\"json\":{\"id\":\"7\"},\"answers\":12,\"after\":1.0}]"},
    {WST_S2C,
     EVENT("pusher:error") ",\"data\":{\"message\":\"Existing subscription\",\"code\":null}}",
     "[{\"name\":\"pusher:error\",\"error\":true,\"fields\":{\"code\":null,"
     "\"message\":\"Existing subscription\"}}]"},
    {WST_S2C,
     EVENT("pusher:error") ",\"channel\":\"presence-a\",\"data\":{\"type\":\"ServerError\","
                           "\"error\":\"A server error\",\"code\":4302}}",
     "[{\"name\":\"pusher:error\",\"error\":true,\"fields\":{\"channel\":\"presence-a\","
     "\"code\":4302,\"error\":\"A server error\"}}]"},
    {WST_S2C,
     EVENT("pusher:subscription_error") ",\"channel\":\"b\",\"data\":{\"type\":\"LimitReached\","
                                        "\"error\":\"too long\",\"code\":4009}}",
     "[{\"name\":\"pusher:subscription_error\",\"error\":true,\"fields\":{\"channel\":\"b\","
     "\"type\":\"LimitReached\",\"error\":\"too long\",\"code\":4009}}]"},
    {WST_S2C, EVENT("pusher:cache_miss") ",\"channel\":\"cache-a\"}",
     "[{\"name\":\"pusher:cache_miss\",\"fields\":{\"channel\":\"cache-a\"}}]"},
    {WST_S2C,
     EVENT("pusher_internal:subscription_count") ",\"channel\":\"a\","
                                                 "\"data\":\"{\\\"subscription_count\\\":2}\"}",
     "[{\"name\":\"pusher_internal:subscription_count\",\"fields\":{\"channel\":\"a\"},"
     "\"json\":{\"subscription_count\":2}}]"},
    {WST_S2C,
     EVENT("pusher_internal:watchlist_events") ",\"data\":{\"events\":[{\"name\":\"online\","
                                               "\"user_ids\":[\"8\"]}]}}",
     "[{\"name\":\"pusher_internal:watchlist_events\","
     "\"json\":{\"events\":[{\"name\":\"online\",\"user_ids\":[\"8\"]}]}}]"},
    {WST_S2C,
     EVENT(
         "news") ",\"channel\":\"private-encrypted-a\",\"data\":\"{\\\"ciphertext\\\":\\\"YQ==\\\","
                 "\\\"nonce\\\":\\\"Yg==\\\"}\"}",
     "[{\"name\":\"event\",\"fields\":{\"event\":\"news\",\"channel\":\"private-encrypted-a\","
     "\"encrypted\":true},\"json\":{\"ciphertext\":\"YQ==\",\"nonce\":\"Yg==\"}}]"},
    {WST_C2S, EVENT("pusher:unsubscribe") ",\"data\":{\"channel\":\"presence-a\"}}",
     "[{\"name\":\"pusher:unsubscribe\",\"fields\":{\"channel\":\"presence-a\"}}]"},
};

static void all(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/app/key?protocol=7&client=js&version=8.4.0&flash=false");
    for (size_t i = 0; i < ARRAY(rows); i++)
        said_is(said_text(&s, rows[i].dir, rows[i].text), rows[i].said);
    said_is(said_end(&s),
            "pusher {\"certain\":true,\"c2s\":{\"packets\":6,\"asked\":4,\"answered\":4,"
            "\"slowest_msg\":2,\"slowest\":2.0},\"s2c\":{\"packets\":15,\"errors\":4}}");
    said_free(&s);
}

static void strange(void **state)
{
    static const struct said_row none[] = {
        {WST_C2S, "{}", ""},
        {WST_C2S, "[\"event\"]", ""},
        {WST_C2S, "{\"event\":1}", ""},
        {WST_S2C, SUBSCRIBE("\"channel\":\"a\""), ""},
        {WST_C2S, EVENT("pusher:error") "}", ""},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/app/key?protocol=7&client=js&version=8.4.0");
    for (size_t i = 0; i < ARRAY(none); i++)
        said_is(said_text(&s, none[i].dir, none[i].text), "[] strange");
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (size_t n = 0; n < strlen(rows[i].text); n++)
            said_is(said_bytes(&s, rows[i].dir, 1, rows[i].text, n), "[] strange");
    said_is(said_text(&s, WST_C2S, SUBSCRIBE("")), "[{\"name\":\"pusher:subscribe\"}] strange");
    said_free(&s);
}

/* By the events that are its own; by an address only where all that its clients say stands in it.
 */
static void sound(void **state)
{
    static const struct {
        const char *uri;
        bool named;
    } paths[] = {
        {"/app/key?protocol=7&client=js&version=8.4.0", true},
        {"/ws/app/key?protocol=7&client=js&version=8.4.0", true}, /* its clients' wsPath */
        {"/app/key?protocol=7", false},
        {"/app/?protocol=7&client=js&version=8.4.0", false},
        {"/app/key/more?protocol=7&client=js&version=8.4.0", false},
        {"/app?protocol=7&client=js&version=8.4.0", false},
        {"app/key?protocol=7&client=js&version=8.4.0", false},
    };
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        bool tells = strstr(rows[i].text, "\"pusher") != NULL;
        said_again(&s);
        said_open(&s, NULL, "/app/key");
        assert_true(!*said_text(&s, rows[i].dir, rows[i].text) == !tells);
    }
    for (size_t i = 0; i < ARRAY(paths); i++) {
        said_again(&s);
        said_open(&s, NULL, paths[i].uri);
        assert_true(!*said_text(&s, WST_S2C, "{\"event\":\"x\",\"data\":1}") == !paths[i].named);
    }
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all),
        cmocka_unit_test(strange),
        cmocka_unit_test(sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
