/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <wstrace/report.h>
#include <wstrace/wstrace.h>

#include "app.h"
#include "out.h"
#include "slice.h"
#include "utf8.h"

struct sink {
    char *p;
    size_t n;
    int calls, fail_at; /* the call that fails; 0: none */
};

static int sink_write(void *user, const uint8_t *p, size_t n)
{
    struct sink *s = user;
    if (++s->calls == s->fail_at) return -5;
    s->p = realloc(s->p, s->n + n + 1);
    assert_non_null(s->p);
    memcpy(s->p + s->n, p, n);
    s->n += n;
    s->p[s->n] = '\0';
    return 0;
}

/* -- strings -------------------------------------------------------------------------------- */

static char *string_of(struct wst_slice s)
{
    static struct wst_report_out out;
    struct sink sink = {0};
    out = (struct wst_report_out){.write = sink_write, .user = &sink};
    wst_report_string(&out, s);
    wst_report_flush(&out);
    assert_int_equal(out.total, sink.n);
    return sink.p;
}

static void strings(void **state)
{
    static const char *const rows[][2] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"</script>", "\"\\u003c/script\\u003e\""},
        {"a&b", "\"a\\u0026b\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\x01\n\x1f\x7f", "\"\\u0001\\u000a\\u001f\\u007f\""},
        {"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa",
         "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\""},
        {"gr\xc3\xb6\xc3\x9f", "\"gr\xc3\xb6\xc3\x9f\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\""},
        {"\xff\xc3", "\"\\ufffd\\ufffd\""},
        {"\xe2\x80", "\"\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *got = string_of(wst_slice_text(rows[i][0]));
        assert_string_equal(got, rows[i][1]);
        free(got);
    }
}

/* Whatever the text: JSON that reads back the same, and nothing in it that could be markup. */
static void strings_read_back(void **state)
{
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < 4000; round++) {
        uint8_t text[40];
        size_t n = 0;
        while (n < 32) { /* characters that matter, and any byte */
            static const char often[] = "<>&\"\\/\n\0\x7f\xe2\x80\xa8\xa9script!--";
            seed = seed * 1664525 + 1013904223;
            text[n++] = seed >> 31 ? (uint8_t)often[(seed >> 16) % (sizeof often - 1)]
                                   : (uint8_t)(seed >> 20);
        }
        char *got = string_of(wst_slice_of(text, n));
        json_t *value = json_loads(got, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        assert_null(strpbrk(got, "<>&"));
        assert_null(strstr(got, "\xe2\x80\xa8"));
        assert_null(strstr(got, "\xe2\x80\xa9"));
        if (wst_utf8_valid(wst_slice_of(text, n))) {
            assert_int_equal(json_string_length(value), n);
            assert_memory_equal(json_string_value(value), text, n);
        }
        json_decref(value);
        free(got);
    }
}

static void pieces(void **state)
{
    static struct wst_report_out out;
    struct sink sink = {0};
    (void)state;
    out = (struct wst_report_out){.write = sink_write, .user = &sink};
    /* RFC 4648 section 10 */
    wst_report_base64(&out, wst_slice_text(""));
    wst_report_base64(&out, wst_slice_text("f"));
    wst_report_base64(&out, wst_slice_text("fo"));
    wst_report_base64(&out, wst_slice_text("foo"));
    wst_report_base64(&out, wst_slice_text("foobar"));
    wst_report_hex(&out, wst_slice_text("\x37\xfa\x21\x3d"));
    wst_report_number(&out, 0);
    wst_report_number(&out, (UINT64_C(1) << 53) - 1);
    wst_report_number(&out, UINT64_MAX);
    wst_report_signed(&out, INT64_MIN);
    wst_report_json(&out, (const uint8_t *)"{\"<\":\"&>\"}", 10);
    wst_report_flush(&out);
    assert_string_equal(sink.p, "\"\"\"Zg==\"\"Zm8=\"\"Zm9v\"\"Zm9vYmFy\"\"37fa213d\"0"
                                "9007199254740991\"18446744073709551615\"-9223372036854775808"
                                "{\"\\u003c\":\"\\u0026\\u003e\"}");
    free(sink.p);
}

/* -- a report -------------------------------------------------------------------------------- */

static void tell(struct wst_report *report, struct wst_event event)
{
    struct wst_listener listener = wst_report_listener(report);
    listener.event(listener.user, &event);
}

static void talk(struct wst_report *report, unsigned messages)
{
    static uint8_t payload[1000];
    memset(payload, '<', sizeof payload);
    tell(report, (struct wst_event){.type = WST_EVENT_META, .dir = WST_DIR_NONE});
    for (unsigned i = 1; i <= messages; i++)
        tell(report, (struct wst_event){.type = WST_EVENT_MESSAGE,
                                        .dir = WST_S2C,
                                        .conn = 1,
                                        .when = {i, i},
                                        .message = {.msg = i,
                                                    .opcode = 1,
                                                    .certain = true,
                                                    .utf8 = true,
                                                    .frames = 1,
                                                    .len = sizeof payload,
                                                    .payload = {payload, sizeof payload}}});
    tell(report, (struct wst_event){.type = WST_EVENT_STATS, .dir = WST_DIR_NONE});
}

/* The data of the page, read. */
static json_t *data_of(const char *page)
{
    const char *from = strstr(page, "id=\"data\">"), *to = from ? strstr(from, "</script>") : NULL;
    assert_non_null(to);
    json_t *data = json_loadb(from + 10, (size_t)(to - from - 10), 0, NULL);
    assert_true(json_is_array(data));
    return data;
}

static void caps(void **state)
{
    struct wst_report_options options = {.max_payload = 500, .max_page = 1 << 20};
    struct sink sink = {0};
    struct wst_report *report = wst_report_new(&options, sink_write, &sink);
    (void)state;
    talk(report, 2000);
    json_t *data = data_of(sink.p), *last = json_array_get(data, json_array_size(data) - 1);
    json_t *left = json_object_get(json_object_get(last, "left_out"), "message");
    assert_int_equal(json_array_size(data) - 3 + (size_t)json_integer_value(left), 2000);
    assert_int_equal(json_string_length(json_array_get(json_array_get(data, 1), 14)), 500);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(data, 1), 12)), 500);
    assert_int_equal(
        json_string_length(json_array_get(json_array_get(data, json_array_size(data) - 3), 14)),
        256);
    assert_true(sink.n < (1 << 20) + (1 << 18)); /* the data and the page around them */
    assert_string_equal(sink.p + sink.n - 8, "</html>\n");
    tell(report, (struct wst_event){.type = WST_EVENT_GAP}); /* after the end: nothing */
    wst_report_listener(report).flush(report);
    assert_string_equal(sink.p + sink.n - 8, "</html>\n");
    json_decref(data);
    wst_report_free(report);
    free(sink.p);
}

static void empty(void **state)
{
    struct sink sink = {0};
    struct wst_report *report = wst_report_new(NULL, sink_write, &sink);
    (void)state;
    talk(report, 0);
    json_t *data = data_of(sink.p);
    assert_int_equal(json_array_size(data), 3); /* meta, stats, report */
    json_decref(data);
    assert_false(wst_report_failed(report));
    wst_report_free(report);
    free(sink.p);
}

/* The failure sticks: no byte is written after it. */
static void failure(void **state)
{
    (void)state;
    for (int at = 1; at < 4; at++) {
        struct sink sink = {.fail_at = at};
        struct wst_report *report = wst_report_new(NULL, sink_write, &sink);
        talk(report, 1000);
        assert_true(wst_report_failed(report));
        assert_int_equal(sink.calls, at);
        wst_report_free(report);
        free(sink.p);
    }
    wst_report_free(NULL);
}

/* -- applications ------------------------------------------------------------------------------ */

/* A packet is there with all its fields or counted; a value that is cut says so, and a short one is
 * what it was. */
static void app_shortened(void **state)
{
    enum { FIELDS = 20, LONG = WST_REPORT_APP_VALUE + 1 };
    static struct wst_report_app room;
    static struct wst_app_field fields[FIELDS];
    static char text[LONG + 1];
    struct wst_app_packet packets[WST_REPORT_APP_PACKETS + 1];
    (void)state;
    memset(text, 'a', LONG);
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = (struct wst_app_field){"a", {.kind = i % 2 ? WST_APP_TEXT : WST_APP_BYTES}};
    for (size_t i = 0; i < FIELDS; i++)
        fields[i].value.slice = wst_slice_of(text, i < 2 ? LONG : LONG - 1);
    for (size_t i = 0; i <= WST_REPORT_APP_PACKETS; i++)
        packets[i] = (struct wst_app_packet){
            .name = wst_slice_text("x"), .fields = fields, .fields_n = FIELDS};
    struct wst_app_said said = {
        .packets = packets, .packets_n = WST_REPORT_APP_PACKETS + 1, .omitted = 5};
    const struct wst_app_said *is = wst_report_app_shorten(&room, &said, false);
    assert_int_equal(is->packets_n, WST_REPORT_APP_FIELDS / FIELDS);
    assert_int_equal(is->packets_n + is->omitted, said.packets_n + said.omitted);
    for (size_t i = 0; i < is->packets_n; i++) {
        assert_int_equal(is->packets[i].fields_n, FIELDS);
        for (size_t k = 0; k < FIELDS; k++) {
            const struct wst_app_value *value = &is->packets[i].fields[k].value;
            assert_true(value->slice.n <= WST_REPORT_APP_VALUE + 3);
            bool mark = value->slice.n >= 3 &&
                        memcmp(value->slice.p + value->slice.n - 3, "\xe2\x80\xa6", 3) == 0;
            assert_int_equal(mark, k < 2);
            assert_int_equal(value->kind, mark ? WST_APP_TEXT : fields[k].value.kind);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings),       cmocka_unit_test(strings_read_back),
        cmocka_unit_test(pieces),        cmocka_unit_test(caps),
        cmocka_unit_test(empty),         cmocka_unit_test(failure),
        cmocka_unit_test(app_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
