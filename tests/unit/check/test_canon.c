/* SPDX-License-Identifier: MIT
 *
 * JSON in canonical form: the short way says what the long way says; the tape takes what another
 * reader (jansson) takes; what comes out means what went in, and is its own canonical form.
 */
#include "canon.h"
#include "utf8.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROUNDS = 20000 };

static uint64_t seed = 1;
static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33) % n;
}

/* -- made-up JSON ---------------------------------------------------------------------------- */

struct text {
    char bytes[8192];
    size_t n;
};

static void put(struct text *t, const char *s)
{
    size_t n = strlen(s);

    if (t->n + n >= sizeof t->bytes) return;
    memcpy(t->bytes + t->n, s, n);
    t->n += n;
}

static void put_blanks(struct text *t)
{
    static const char *const blanks[] = {"", "", "", " ", "\n", "\t ", "\r\n"};

    put(t, blanks[below(7)]);
}

static void put_string(struct text *t)
{
    static const char *const pieces[] = {"a",
                                         "name",
                                         "x y",
                                         "<tag>",
                                         "jsonrpc",
                                         "\\n",
                                         "\\\"",
                                         "\\/",
                                         "\\u00e9",
                                         "é",
                                         "日",
                                         "😀",
                                         "\\ud83d\\ude00",
                                         "\\u0000",
                                         "\\ud800",
                                         "\u202e",
                                         "\u200b",
                                         "0123456789abcdef0123456789",
                                         "%s",
                                         "'"};

    put(t, "\"");
    for (uint32_t i = below(below(16) ? 4 : 60); i > 0; i--)
        put(t, pieces[below(below(2) ? 5 : 20)]);
    put(t, "\"");
}

static void put_value(struct text *t, unsigned depth)
{
    static const char *const words[] = {"true",
                                        "false",
                                        "null",
                                        "0",
                                        "-0",
                                        "1",
                                        "-17",
                                        "3.50",
                                        "1e5",
                                        "1E+02",
                                        "12345678901234567890",
                                        "0.1"};
    uint32_t what = below(depth ? 8 : 5);

    put_blanks(t);
    if (what < 2) {
        put_string(t);
    } else if (what < 5) {
        put(t, words[below(12)]);
    } else {
        bool object = what > 5;
        put(t, object ? "{" : "[");
        for (uint32_t i = 0, n = below(7); i < n; i++) {
            if (i) put(t, ",");
            put_blanks(t);
            if (object) {
                put_string(t);
                put_blanks(t);
                put(t, ":");
            }
            put_value(t, depth - 1);
        }
        put_blanks(t);
        put(t, object ? "}" : "]");
    }
    put_blanks(t);
}

/* One in three is what most programs say: an object of scalars with plain names. */
static void make_object(struct text *t)
{
    static const char *const names[] = {"\"id\"",  "\"a\"", "\"type\"",   "\"ts\"",
                                        "\"x y\"", "\"\"",  "\"jsonrpc\""};
    static const char *const values[] = {"1",       "-2.50",
                                         "true",    "null",
                                         "\"\"",    "\"some words\"",
                                         "\"é\"",   "1e5",
                                         "\"\\n\"", "12345678901234567890123456"};

    if (below(3) == 0) {
        t->n = 0;
        put(t, "{");
        for (uint32_t i = 0, n = below(9) + 1; i < n; i++) {
            if (i) put(t, ",");
            put_blanks(t);
            put(t, names[below(below(20) ? 6 : 7)]);
            put_blanks(t);
            put(t, ":");
            put_blanks(t);
            put(t, values[below(below(10) ? 6 : 10)]);
            put_blanks(t);
        }
        put(t, "}");
        return;
    }
    do {
        t->n = 0;
        put_value(t, below(3) + 1);
    } while (t->n < 2 || t->n > 4000);
}

/* -- both ways ------------------------------------------------------------------------------- */

struct way {
    struct wst_check_settings *settings;
    struct wst_budget budget;
    struct wst_canon canon;
    struct wst_ink ink;
};

static void begin(struct way *w, const char *setting)
{
    struct wst_check_error error;

    *w = (struct way){.settings = wst_check_settings_new(), .budget = {0, 1 << 26}};
    if (setting) assert_int_equal(wst_check_set(w->settings, wst_slice_text(setting), &error), 0);
    wst_canon_init(&w->canon, w->settings, &w->budget);
    w->ink.budget = &w->budget;
    w->canon.ink = &w->ink;
}

static struct wst_slice canonical(struct way *w, struct wst_slice text)
{
    struct wst_canon_payload payload = {
        .bytes = text, .op = "text", .len = text.n, .text = true, .utf8 = true, .certain = true};

    w->ink.buf.n = 0;
    wst_canon_payload(&w->canon, &payload);
    return wst_ink_slice(&w->ink);
}

static void end(struct way *w)
{
    wst_canon_free(&w->canon);
    wst_ink_free(&w->ink);
    wst_check_settings_free(w->settings);
    assert_int_equal(w->budget.used, 0);
}

static void test_short_way(void **state)
{
    struct way quick, slow;
    struct text t;
    int flat = 0;

    (void)state;
    begin(&quick, NULL);
    begin(&slow, "reply $.no-such-name"); /* asks something of the JSON: the long way */
    for (int i = 0; i < ROUNDS; i++) {
        make_object(&t);
        struct wst_slice a = canonical(&quick, wst_slice_of(t.bytes, t.n));
        struct wst_slice b = canonical(&slow, wst_slice_of(t.bytes, t.n));
        flat += quick.canon.tape.n == 0 && t.bytes[0] == '{';
        if (a.n != b.n || memcmp(a.p, b.p, a.n) != 0)
            fail_msg("%.*s\nshort %.*s\nlong  %.*s", (int)t.n, t.bytes, (int)a.n, a.p, (int)b.n,
                     b.p);
    }
    assert_true(flat > ROUNDS / 100);
    end(&quick);
    end(&slow);
}

/* Its own canonical form, and the same to a reader that is not ours. */
static void test_means_the_same(void **state)
{
    struct way w;
    struct text t;
    int compared = 0;

    (void)state;
    begin(&w, NULL);
    for (int i = 0; i < ROUNDS / 4; i++) {
        json_error_t error;
        make_object(&t);
        struct wst_slice once = canonical(&w, wst_slice_of(t.bytes, t.n));
        if (!wst_slice_starts(once, "json ")) continue;
        struct text copy = {.n = once.n - 5};
        if (copy.n >= sizeof copy.bytes) continue;
        memcpy(copy.bytes, once.p + 5, copy.n);
        struct wst_slice twice = canonical(&w, wst_slice_of(copy.bytes, copy.n));
        assert_int_equal(twice.n, copy.n + 5);
        assert_memory_equal(twice.p + 5, copy.bytes, copy.n);
        json_t *before = json_loadb(t.bytes, t.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
        json_t *after =
            json_loadb(copy.bytes, copy.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
        if (before && after) {
            assert_true(json_equal(before, after));
            compared++;
        }
        json_decref(before);
        json_decref(after);
    }
    assert_true(compared > ROUNDS / 40);
    end(&w);
}

/* What jansson takes, the tape takes; what it refuses, only for reasons that are its own. */
static void test_tape(void **state)
{
    static const char odd[] = "{}[]\",:\\ue0 -+.1tfn\x01\x80";
    struct wst_budget budget = {.max = 1 << 26};
    struct wst_tape tape = {0};
    struct text t;
    int both = 0, neither = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        json_error_t error;
        make_object(&t);
        for (uint32_t k = below(3); k > 0; k--)
            t.bytes[below((uint32_t)t.n)] = odd[below(sizeof odd - 1)];
        if (!wst_utf8_valid(wst_slice_of(t.bytes, t.n))) continue;
        json_t *json = json_loadb(t.bytes, t.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
        bool taken = wst_tape_read(&tape, &budget, wst_slice_of(t.bytes, t.n));
        bool own = !json && (json_error_code(&error) == json_error_numeric_overflow ||
                             strstr(error.text, "Unicode") || strstr(error.text, "NUL") ||
                             strstr(error.text, "surrogate"));
        if (json ? !taken : taken && !own)
            fail_msg("%s: %.*s", json ? "accepted" : error.text, (int)t.n, t.bytes);
        both += json && taken;
        neither += !json && !taken;
        json_decref(json);
    }
    assert_true(both > ROUNDS / 20 && neither > ROUNDS / 20);
    wst_tape_free(&tape, &budget);
    assert_int_equal(budget.used, 0);
}

/* Cut anywhere, laid against the end of the memory: nothing is read behind it (ASan looks). */
static void test_cut(void **state)
{
    struct wst_budget budget = {.max = 1 << 26};
    struct wst_tape tape = {0};
    struct way w;
    struct text t;

    (void)state;
    begin(&w, NULL);
    for (int i = 0; i < 200; i++) {
        make_object(&t);
        for (size_t n = 0; n < t.n && n < 400; n++) {
            char *exact = malloc(n ? n : 1);
            memcpy(exact, t.bytes, n);
            wst_tape_read(&tape, &budget, wst_slice_of(exact, n));
            wst_canon_flat(&w.ink, wst_slice_of(exact, n), 90, 4);
            w.ink.buf.n = 0;
            free(exact);
        }
    }
    wst_tape_free(&tape, &budget);
    end(&w);
}

static void test_depth(void **state)
{
    struct wst_budget budget = {.max = 1 << 26};
    struct wst_tape tape = {0};
    char text[4 * WST_TAPE_DEPTH];

    (void)state;
    for (unsigned depth = WST_TAPE_DEPTH - 1; depth <= WST_TAPE_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(wst_tape_read(&tape, &budget, wst_slice_of(text, 2 * depth)),
                         depth <= WST_TAPE_DEPTH);
    }
    wst_tape_free(&tape, &budget);
}

static void test_forms(void **state)
{
    static const struct {
        const char *text, *form;
    } rows[] = {
        {"{\"b\":1,\"a\":[ ]}", "json {\"a\": [], \"b\": 1}"},
        {" [1.0, 1e5 ,12345678901234567890]", "json [1.0, 1e5, 12345678901234567890]"},
        {"{\"a\":1,\"a\":2}", "json {\"a\": 1, \"a\": 2}"},
        {"{\"\\u0061\":\"\\/\\u00e9\\n\"}", "json {\"a\": \"/é\\n\"}"},
        {"42[\"x\",{\"b\":1,\"a\":2}]", "json 42[\"x\", {\"a\": 2, \"b\": 1}]"},
        {"[\"\\ud800\"]", "json [\"\\ud800\"]"},
        {"[\"\u202e\"]", "json [\"\\u202e\"]"},
        {"{\"a\":01}", "text \"{\\\"a\\\":01}\""},
        {"[[\"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
         "0123456789 "
         "0123456789\"]]",
         "json [\n      [\n        \"0123456789 0123456789 0123456789 0123456789 0123456789 "
         "0123456789 "
         "0123456789 0123456789 0123456789\"\n      ]\n    ]"},
        {"12", "text \"12\""},
        {"\"x\"", "text \"\\\"x\\\"\""},
        {"", "text \"\""},
        {"a\nb", "text \"a\\n\"\n         \"b\""},
    };
    struct way w;

    (void)state;
    begin(&w, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wst_slice form = canonical(&w, wst_slice_text(rows[i].text));
        if (!wst_slice_is(form, rows[i].form))
            fail_msg("%s: %.*s", rows[i].text, (int)form.n, form.p);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_short_way),
        cmocka_unit_test(test_means_the_same),
        cmocka_unit_test(test_tape),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
