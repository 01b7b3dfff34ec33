/* SPDX-License-Identifier: MIT */
#include "said.h"

#include "say.h"

#define ID "\"{\\\"channel\\\":\\\"ChatChannel\\\",\\\"room\\\":\\\"<1>\\\"}\""
/* The same as ActiveSupport writes it. */
#define RUBY "\"{\\\"channel\\\":\\\"ChatChannel\\\",\\\"room\\\":\\\"\\u003c1\\u003e\\\"}\""
#define FIELDS "\"identifier\":" ID ",\"channel\":\"ChatChannel\""

static const struct said_row rows[] = {
    {WST_S2C, "{\"type\":\"welcome\"}", "[{\"name\":\"welcome\"}]"},
    {WST_C2S, "{\"command\":\"subscribe\",\"identifier\":" ID "}",
     "[{\"name\":\"subscribe\",\"fields\":{" FIELDS "}}]"},
    {WST_S2C, "{\"identifier\":" RUBY ",\"type\":\"confirm_subscription\"}",
     "[{\"name\":\"confirm_subscription\",\"fields\":{" FIELDS "},\"answers\":2,\"after\":1.0}]"},
    {WST_S2C, "{\"type\":\"ping\",\"message\":1763828000}",
     "[{\"name\":\"ping\",\"fields\":{\"message\":1763828000}}]"},
    {WST_C2S,
     "{\"command\":\"message\",\"identifier\":" ID
     ",\"data\":\"{\\\"body\\\":\\\"\\u00e9\\\",\\\"action\\\":\\\"speak\\\"}\"}",
     "[{\"name\":\"message\",\"fields\":{\"action\":\"speak\"," FIELDS "},"
     "\"json\":{\"body\":\"\xc3\xa9\",\"action\":\"speak\"}}]"},
    {WST_S2C, "{\"identifier\":" ID ",\"message\":{\"body\":[1]}}",
     "[{\"name\":\"message\",\"fields\":{" FIELDS "},\"json\":{\"body\":[1]}}]"},
    {WST_C2S, "{\"command\":\"message\",\"identifier\":\"x\",\"data\":\"no JSON\"}",
     "[{\"name\":\"message\",\"fields\":{\"identifier\":\"x\"},\"text\":\"no JSON\"}]"},
    {WST_C2S, "{\"command\":\"subscribe\",\"identifier\":\"{\\\"channel\\\":\\\"No\\\"}\"}",
     "[{\"name\":\"subscribe\",\"fields\":{\"identifier\":\"{\\\"channel\\\":\\\"No\\\"}\","
     "\"channel\":\"No\"}}]"},
    {WST_S2C, "{\"type\":\"reject_subscription\",\"identifier\":\"{\\\"channel\\\":\\\"No\\\"}\"}",
     "[{\"name\":\"reject_subscription\",\"error\":true,\"fields\":{\"identifier\":"
     "\"{\\\"channel\\\":\\\"No\\\"}\",\"channel\":\"No\"},\"answers\":8,\"after\":1.0}]"},
    {WST_C2S, "{\"command\":\"unsubscribe\",\"identifier\":" ID "}",
     "[{\"name\":\"unsubscribe\",\"fields\":{" FIELDS "}}]"},
    {WST_S2C, "{\"type\":\"disconnect\",\"reason\":\"server_restart\",\"reconnect\":true}",
     "[{\"name\":\"disconnect\",\"fields\":{\"reason\":\"server_restart\",\"reconnect\":true}}]"},
    {WST_S2C, "{\"type\":\"disconnect\",\"reason\":\"unauthorized\",\"reconnect\":false}",
     "[{\"name\":\"disconnect\",\"error\":true,\"fields\":{\"reason\":\"unauthorized\","
     "\"reconnect\":false}}]"},
};

static void all(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "actioncable-v1-json", "/cable");
    for (size_t i = 0; i < ARRAY(rows); i++)
        said_is(said_text(&s, rows[i].dir, rows[i].text), rows[i].said);
    said_is(said_end(&s),
            "action-cable {\"certain\":true,\"c2s\":{\"packets\":5,\"asked\":2,\"answered\":2,"
            "\"slowest_msg\":2,\"slowest\":1.0},\"s2c\":{\"packets\":7,\"errors\":2}}");
    said_free(&s);
}

static void strange(void **state)
{
    static const struct said_row none[] = {
        {WST_C2S, "{}", ""},
        {WST_C2S, "1", ""},
        {WST_C2S, "{\"command\":\"x\",\"identifier\":\"a\"}", ""},
        {WST_C2S, "{\"command\":\"subscribe\"}", ""},
        {WST_C2S, "{\"command\":\"message\",\"identifier\":\"a\"}", ""},
        {WST_C2S, "{\"command\":\"message\",\"identifier\":\"a\",\"data\":{}}", ""},
        {WST_C2S, "{\"type\":\"welcome\"}", ""},
        {WST_S2C, "{\"command\":\"subscribe\",\"identifier\":\"a\"}", ""},
        {WST_S2C, "{\"type\":\"pong\"}", ""},
        {WST_S2C, "{\"type\":\"confirm_subscription\"}", ""},
        {WST_S2C, "{\"type\":\"x\",\"identifier\":\"a\",\"message\":1}", ""},
        {WST_S2C, "{\"identifier\":\"a\"}", ""},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "actioncable-v1-json", "/cable");
    for (size_t i = 0; i < ARRAY(none); i++)
        said_is(said_text(&s, none[i].dir, none[i].text), "[] strange");
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (size_t n = 0; n < strlen(rows[i].text); n++)
            said_is(said_bytes(&s, rows[i].dir, 1, rows[i].text, n), "[] strange");
    said_is(said_bytes(&s, WST_S2C, 2, "{\"type\":\"welcome\"}", 18), "[] strange");
    said_free(&s);
}

/* By what it says: an identifier with a channel. */
static void sound(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        bool tells = strstr(rows[i].text, "channel") && !strstr(rows[i].text, "\"message\":{");
        said_again(&s);
        said_open(&s, NULL, "/cable");
        assert_true(!*said_text(&s, rows[i].dir, rows[i].text) == !tells);
    }
    said_free(&s);
}

/* What strings of JSON mean (RFC 8259 section 7), and what means nothing. */
static void meant(void **state)
{
    static const struct {
        const char *inside, *means;
    } strings[] = {
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC\\uD83D\\uDE00!", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"},
        {"\\ud83d", NULL},
        {"\\ud83dx", NULL},
        {"\\ud83d\\n", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\ude00", NULL},
    };
    struct wst_say *say = calloc(1, sizeof *say);
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(strings); i++) {
        struct wst_slice got =
            wst_say_meant(say, guard_put(&g, strings[i].inside, strlen(strings[i].inside)));
        if (!strings[i].means) {
            assert_null(got.p);
            continue;
        }
        assert_int_equal(got.n, strlen(strings[i].means));
        assert_memory_equal(got.p, strings[i].means, got.n);
    }
    assert_null(wst_say_meant(say, (struct wst_slice){NULL, 0}).p);
    say->scratch_n = WST_SAY_SCRATCH - 1;
    assert_null(wst_say_meant(say, guard_put(&g, "\\n", 2)).p);
    guard_free(&g);
    free(say);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all),
        cmocka_unit_test(strange),
        cmocka_unit_test(sound),
        cmocka_unit_test(meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
