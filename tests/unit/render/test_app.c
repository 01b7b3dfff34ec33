/* SPDX-License-Identifier: MIT
 *
 * What is said in an application's protocol, in text and in JSON: every kind of value, hostile
 * ones, narrow terminals.
 */
#include "sink.h"

#include <jansson.h>
#include <stdio.h>
#include <wstrace/apps.h>

#include "utf8.h"

#define TEXT(literal)                                 \
    {                                                 \
        .kind = WST_APP_TEXT, .slice = SLICE(literal) \
    }
#define JSON(literal)                                 \
    {                                                 \
        .kind = WST_APP_JSON, .slice = SLICE(literal) \
    }
#define NUMBER(n)                             \
    {                                         \
        .kind = WST_APP_NUMBER, .number = (n) \
    }
#define FLAG(is)                           \
    {                                      \
        .kind = WST_APP_FLAG, .flag = (is) \
    }

enum { FIELDS = 8 };

static struct wst_event message(const struct wst_app_said *said, uint8_t opcode)
{
    struct wst_event e = {
        .type = WST_EVENT_MESSAGE, .conn = 1, .dir = WST_S2C, .when = {1, 1000000000}};
    e.message = (struct wst_event_message){.msg = 5,
                                           .opcode = opcode,
                                           .certain = true,
                                           .first_pkt = 1,
                                           .frames = 1,
                                           .utf8 = opcode == 1,
                                           .payload = SLICE(""),
                                           .app = said};
    return e;
}

static struct wst_app_said said_of(const struct wst_app_packet *packets, size_t n)
{
    return (struct wst_app_said){.app = WST_APP_JSONRPC, .packets = packets, .packets_n = n};
}

/* All that a renderer writes for an event, which is freed. */
static char *rendered(struct wst_render *(*make)(wst_write_fn, void *), const struct wst_event *e)
{
    struct sink sink = {.fail_after = -1};
    struct wst_render *render = make(sink_write, &sink);
    assert_non_null(render);
    struct wst_listener l = wst_render_listener(render);
    l.event(l.user, e);
    assert_int_equal(wst_render_flush(render), 0);
    wst_render_free(render);
    return sink.p;
}

static struct wst_render *wide(wst_write_fn write, void *user)
{
    struct wst_text_options options = {.max_text = 64, .time = WST_TIME_NONE};
    return wst_render_text_new(&options, write, user);
}

static struct wst_render *narrow(wst_write_fn write, void *user)
{
    struct wst_text_options options = {.max_text = 64, .time = WST_TIME_NONE, .width = 60};
    return wst_render_text_new(&options, write, user);
}

/* What stands below the line of the message. */
static void text_is(struct wst_render *(*make)(wst_write_fn, void *), const struct wst_event *e,
                    const char *expected)
{
    char *all = rendered(make, e), *below = strchr(all, '\n');
    assert_non_null(below);
    assert_string_equal(below + 1, expected);
    free(all);
}

/* The member "app", as jansson reads it, in short. */
static void json_is(const struct wst_event *e, const char *expected)
{
    char *all = rendered(wst_render_json_new, e);
    json_t *line = json_loads(all, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(line);
    assert_int_equal(strlen(strchr(all, '\n')), 1);
    char *app = json_dumps(json_object_get(line, "app"), JSON_COMPACT);
    assert_string_equal(app ? app : "", expected);
    free(app);
    json_decref(line);
    free(all);
}

/* -- what is said ------------------------------------------------------------------------------ */

static void every_kind(void **state)
{
    static const struct wst_app_field fields[] = {
        {"topic", TEXT("a/b")},      {"name", TEXT("two words")},
        {"id", JSON("{\"a\" : 1}")}, {"qos", NUMBER(1)},
        {"delta", NUMBER(-7)},       {"retain", FLAG(true)},
        {"dup", FLAG(false)},        {"token", {.kind = WST_APP_BYTES, .slice = SLICE("\x01\xff")}},
    };
    struct wst_app_packet p = {.name = SLICE("PUBLISH"), .fields = fields, .fields_n = FIELDS};
    p.body = (struct wst_app_value)TEXT("21.5");
    p.answers = 3;
    p.after_ns = 1204000;
    struct wst_app_said said = said_of(&p, 1);
    struct wst_event e = message(&said, 2);
    (void)state;
    text_is(wide, &e,
            "    JSON-RPC  PUBLISH  topic a/b  name \"two words\"  id {\"a\" : 1}  qos 1  delta -7"
            "  retain  dup no  token \"\\x01\\xff\"  answer after 1.204 ms  \"21.5\"\n");
    json_is(&e, "{\"protocol\":\"json-rpc\",\"packets\":[{\"name\":\"PUBLISH\",\"error\":false,"
                "\"fields\":{\"topic\":\"a/b\",\"name\":\"two words\",\"id\":{\"a\":1},\"qos\":1,"
                "\"delta\":-7,\"retain\":true,\"dup\":false,\"token\":{\"b64\":\"Af8=\"}},"
                "\"text\":\"21.5\",\"first_msg\":null,\"answers\":3,\"after\":0.001204}],"
                "\"omitted\":0,\"unfinished\":false,\"strange\":false}");
}

static void bodies(void **state)
{
    struct wst_app_packet p[] = {
        {.name = SLICE("a"), .body = TEXT("text"), .body_omitted = 9},
        {.name = SLICE("b"), .body = {.kind = WST_APP_BYTES, .slice = SLICE("\0\xff")}},
        {.name = SLICE("c"), .body = JSON("[1,\n 2]")},
        {.name = SLICE("d"), .body = TEXT("begun"), .first_msg = 2, .error = true},
    };
    struct wst_app_said said = said_of(p, 4);
    struct wst_event e = message(&said, 2);
    (void)state;
    text_is(wide, &e,
            "    JSON-RPC  a  \"text\"… +9 bytes\n"
            "    JSON-RPC  b  \"\\x00\\xff\"\n"
            "    JSON-RPC  c  [1,  2]\n"
            "    JSON-RPC  d  begun in a message before  \"begun\"\n");
    e = message(&said, 1); /* a text shows them itself, but for what began before */
    text_is(wide, &e,
            "    JSON-RPC  a\n    JSON-RPC  b\n    JSON-RPC  c\n"
            "    JSON-RPC  d  begun in a message before  \"begun\"\n");
    json_is(&e, "{\"protocol\":\"json-rpc\",\"packets\":["
                "{\"name\":\"a\",\"error\":false,\"fields\":{},\"text\":\"text\",\"omitted\":9,"
                "\"first_msg\":null,\"answers\":null,\"after\":null},"
                "{\"name\":\"b\",\"error\":false,\"fields\":{},\"b64\":\"AP8=\","
                "\"first_msg\":null,\"answers\":null,\"after\":null},"
                "{\"name\":\"c\",\"error\":false,\"fields\":{},\"json\":[1,2],"
                "\"first_msg\":null,\"answers\":null,\"after\":null},"
                "{\"name\":\"d\",\"error\":true,\"fields\":{},\"text\":\"begun\","
                "\"first_msg\":2,\"answers\":null,\"after\":null}],"
                "\"omitted\":0,\"unfinished\":false,\"strange\":false}");
}

/* What the line above had no room for: it ends behind 64 bytes, or where the terminal does. */
static void bodies_unseen(void **state)
{
    static const char text[] =
        "SEND destination:/a/very/long/one content-type:text/plain 4 begins behind it";
    struct wst_app_packet p = {.name = SLICE("SEND")};
    struct wst_app_said said = said_of(&p, 1);
    struct wst_event e = message(&said, 1);
    (void)state;
    e.message.payload = (struct wst_slice){(const uint8_t *)text, sizeof text - 1};
    for (size_t at = 0; at < sizeof text - 1; at++) {
        char unseen[128] = "    JSON-RPC  SEND\n";
        p.body = (struct wst_app_value){
            .kind = WST_APP_TEXT, .slice = {(const uint8_t *)text + at, sizeof text - 1 - at}};
        if (at >= 64) sprintf(unseen, "    JSON-RPC  SEND  \"%s\"\n", text + at);
        text_is(wide, &e, unseen);
    }
    p.body = (struct wst_app_value)TEXT("of no place in the message");
    text_is(wide, &e, "    JSON-RPC  SEND\n");
    p.body.slice = (struct wst_slice){(const uint8_t *)text + 50, 3};
    text_is(narrow, &e, "    JSON-RPC  SEND  \"t/p\"\n");
    p.body.slice = (struct wst_slice){(const uint8_t *)text, 3};
    text_is(narrow, &e, "    JSON-RPC  SEND\n");
}

static void notes(void **state)
{
    struct wst_app_said said = said_of(NULL, 0);
    struct wst_event e = message(&said, 1);
    (void)state;
    text_is(wide, &e, "");
    said.unfinished = said.strange = true;
    said.omitted = 12;
    text_is(wide, &e,
            "    JSON-RPC  and 12 packets more\n"
            "    JSON-RPC  something here is not of the protocol\n");
    json_is(&e, "{\"protocol\":\"json-rpc\",\"packets\":[],\"omitted\":12,\"unfinished\":true,"
                "\"strange\":true}");
    const struct wst_app_packet whole = {.name = SLICE("p")};
    said = said_of(&whole, 1);
    said.unfinished = true;
    text_is(wide, &e,
            "    JSON-RPC  p\n    JSON-RPC  another goes on in the next message\n");
    e.message.app = NULL;
    text_is(wide, &e, "");
    json_is(&e, "");
}

static void long_values(void **state)
{
    char text[200], json[200];
    memset(text, 'x', sizeof text);
    memset(json, '1', sizeof json);
    struct wst_app_field fields[] = {
        {"text", {.kind = WST_APP_TEXT, .slice = {(uint8_t *)text, sizeof text}}},
        {"json", {.kind = WST_APP_JSON, .slice = {(uint8_t *)json, sizeof json}}},
    };
    struct wst_app_packet p = {.name = SLICE("p"), .fields = fields, .fields_n = 2};
    struct wst_app_said said = said_of(&p, 1);
    struct wst_event e = message(&said, 1);
    char expected[400];
    (void)state;
    snprintf(expected, sizeof expected,
             "    JSON-RPC  p  text \"%.48s\"… +152 bytes  json %.48s… +152 bytes\n", text, json);
    text_is(wide, &e, expected);
    snprintf(expected, sizeof expected,
             "    JSON-RPC  p\n      text \"%.48s\"… +152 bytes\n      json %.48s… +152 bytes\n",
             text, json);
    text_is(narrow, &e, expected);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void totals(void **state)
{
    struct wst_app_total total = {.app = WST_APP_JSONRPC, .certain = true};
    struct wst_event e = {
        .type = WST_EVENT_END, .conn = 1, .dir = WST_DIR_NONE, .when = {1, 1000000000}};
    e.end = (struct wst_event_end){.by = WST_DIR_NONE, .code = -1, .app = &total};
    (void)state;
    total.dir[WST_C2S] = (struct wst_app_side){.packets = 5,
                                               .asked = 3,
                                               .answered = 2,
                                               .slowest_ns = 2000000,
                                               .slowest_msg = 1,
                                               .unanswered_msg = 9};
    total.dir[WST_S2C] = (struct wst_app_side){.packets = 2, .errors = 1};
    text_is(wide, &e,
            "    JSON-RPC  client: 2 of 3 questions answered, the slowest after 2.000 ms;"
            " server: 1 error\n");
    json_is(&e, "{\"protocol\":\"json-rpc\",\"certain\":true,"
                "\"c2s\":{\"packets\":5,\"errors\":0,\"asked\":3,\"answered\":2,"
                "\"slowest_msg\":1,\"slowest\":0.002,\"unanswered_msg\":9},"
                "\"s2c\":{\"packets\":2,\"errors\":1,\"asked\":0,\"answered\":0,"
                "\"slowest_msg\":null,\"slowest\":null,\"unanswered_msg\":null}}");
    total.certain = false;
    total.dir[WST_C2S] = total.dir[WST_S2C] = (struct wst_app_side){.packets = 1};
    text_is(wide, &e, "    JSON-RPC  client: 1 packet; server: 1 packet; not all was seen\n");
}

/* -- strangers --------------------------------------------------------------------------------- */

/* Whatever a value holds, the terminal gets printable UTF-8 and whole lines, and JSON stays JSON.
 */
static void hostile_values(void **state)
{
    uint64_t dice = 0x9e3779b97f4a7c15;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[40];
        random_bytes(&dice, bytes, sizeof bytes);
        struct wst_slice s = {bytes, random_next(&dice) % sizeof bytes};
        if (!wst_utf8_valid(s)) s.n = wst_utf8_front(s);
        char quoted[300];
        json_t *string = json_stringn((const char *)s.p, s.n);
        assert_non_null(string);
        size_t n = json_dumpb(string, quoted, sizeof quoted, JSON_ENCODE_ANY);
        assert_in_range(n, 2, sizeof quoted);
        json_decref(string);
        const struct wst_app_field fields[] = {
            {"text", {.kind = WST_APP_TEXT, .slice = s}},
            {"json", {.kind = WST_APP_JSON, .slice = {(uint8_t *)quoted, n}}},
            {"bytes", {.kind = WST_APP_BYTES, .slice = {bytes, sizeof bytes}}},
        };
        struct wst_app_packet p = {.name = SLICE("p"), .fields = fields, .fields_n = 3};
        p.body = fields[1].value;
        struct wst_app_said said = said_of(&p, 1);
        struct wst_event e = message(&said, 2);
        char *text = rendered(round % 2 ? wide : narrow, &e), *json;
        size_t length = strlen(text), lines = 0;
        for (size_t i = 0; i < length; i++) {
            /* what goes on below a field begins further right than any other line */
            lines += text[i] == '\n' && strncmp(text + i + 1, "      ", 6) != 0;
            assert_true(text[i] == '\n' || ((uint8_t)text[i] >= 0x20 && text[i] != 0x7f));
        }
        assert_int_equal(lines, 2);
        assert_true(wst_utf8_valid((struct wst_slice){(uint8_t *)text, length}));
        assert_null(strstr(text, "\u202e"));
        free(text);

        json = rendered(wst_render_json_new, &e);
        assert_null(strstr(json, "\u202e"));
        json_t *line = json_loads(json, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        assert_non_null(line);
        json_t *packet =
            json_array_get(json_object_get(json_object_get(line, "app"), "packets"), 0);
        json_t *read = json_object_get(json_object_get(packet, "fields"), "text");
        json_t *same = json_object_get(json_object_get(packet, "fields"), "json");
        assert_int_equal(json_string_length(read), s.n);
        assert_memory_equal(json_string_value(read), s.p, s.n);
        assert_true(json_equal(read, same));
        json_decref(line);
        free(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),     cmocka_unit_test(bodies),
        cmocka_unit_test(bodies_unseen),  cmocka_unit_test(notes),
        cmocka_unit_test(long_values),    cmocka_unit_test(totals),
        cmocka_unit_test(hostile_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
