/* SPDX-License-Identifier: MIT
 *
 * In: the tokens of a line. Out: what rules are made of: signs, times, expressions, values, tests.
 * Refuses what stands at the wrong place, and says which.
 */
#include "rules_read.h"

#include "near.h"

#include <stdio.h>
#include <stdlib.h>

/* -- saying no ------------------------------------------------------------------------------- */

bool wst_read_refuse_at(struct wst_read *r, uint32_t column, const char *what)
{
    r->error->line = r->line;
    r->error->column = column;
    snprintf(r->error->what, sizeof r->error->what, "%s", what);
    return false;
}

/* What may stand inside a rule. */
static void near_words(struct wst_near *near)
{
    static const char *const words[] = {
        "c2s",     "s2c",     "text",      "binary", "json",  "app",    "and",    "within",
        "then",    "message", "of",        "code",   "level", "reason", "except", "header",
        "warning", "error",   "handshake", "note",   "true",  "false",  "null"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) wst_near_try(near, words[i]);
}

bool wst_read_refuse_near(struct wst_read *r, const char *what, const struct wst_near *near)
{
    char meant[WST_NEAR_SIZE], why[256];

    wst_near_put(near, meant, sizeof meant);
    snprintf(why, sizeof why, "%s%s", what, meant);
    return wst_read_refuse_at(r, r->lex.token.column, why);
}

bool wst_read_refuse(struct wst_read *r, const char *what)
{
    const struct wst_token *t = &r->lex.token;
    struct wst_near near = wst_near_to(t->kind == WST_TOKEN_WORD ? t->text : wst_slice_text(""));
    char why[256];

    if (t->kind == WST_TOKEN_WRONG) {
        snprintf(why, sizeof why, "%.*s", (int)t->text.n, (const char *)t->text.p);
        what = why;
    }
    near_words(&near);
    return wst_read_refuse_near(r, what, &near);
}

/* -- pieces ---------------------------------------------------------------------------------- */

bool wst_read_word(struct wst_read *r, const char *text)
{
    if (!wst_lex_is(&r->lex, WST_TOKEN_WORD, text)) return false;
    wst_lex_next(&r->lex);
    return true;
}
bool wst_read_sign(struct wst_read *r, const char *text)
{
    if (!wst_lex_is(&r->lex, WST_TOKEN_SIGN, text)) return false;
    wst_lex_next(&r->lex);
    return true;
}
bool wst_read_must(struct wst_read *r, const char *text, const char *what)
{
    return wst_read_word(r, text) || wst_read_refuse(r, what);
}

bool wst_read_compare(struct wst_read *r, enum wst_compare *to)
{
    static const struct {
        const char *sign;
        enum wst_compare compare;
    } signs[] = {{"==", WST_EQUAL}, {"!=", WST_UNEQUAL}, {"<=", WST_MOST},
                 {">=", WST_LEAST}, {"<", WST_LESS},     {">", WST_MORE}};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (wst_read_sign(r, signs[i].sign)) {
            *to = signs[i].compare;
            return true;
        }
    return wst_read_refuse(r, "==, !=, <, <=, > or >= was expected");
}

bool wst_read_within(struct wst_read *r, int64_t *ns)
{
    if (!wst_read_must(r, "within", "\"within\" and a time were expected")) return false;
    if (!wst_lex_time(&r->lex.token, ns))
        return wst_read_refuse(r, "a time was expected, such as 2s or 100ms");
    wst_lex_next(&r->lex);
    return true;
}

static void direction(struct wst_read *r, struct wst_step *step)
{
    if (step->dir != WST_DIR_NONE) return;
    if (wst_read_word(r, "c2s"))
        step->dir = WST_C2S;
    else if (wst_read_word(r, "s2c"))
        step->dir = WST_S2C;
}

void wst_read_selection(struct wst_read *r, struct wst_step *step, bool types)
{
    step->dir = WST_DIR_NONE;
    direction(r, step);
    if (types && wst_read_word(r, "text"))
        step->opcode = 1;
    else if (types && wst_read_word(r, "binary"))
        step->opcode = 2;
    direction(r, step);
}

/* -- tests ----------------------------------------------------------------------------------- */

bool wst_read_pattern(struct wst_read *r, struct wst_pattern *to)
{
    char error[WST_PATTERN_ERROR], text[WST_CHECK_RULES_LINE];
    const struct wst_token *t = &r->lex.token;
    size_t n = 0;
    const char *bad;

    if (t->kind != WST_TOKEN_REGEX)
        return wst_read_refuse(r, "an expression was expected, such as /[0-9]+/");
    for (size_t i = 0; i < t->text.n; i++) { /* \/ is how a slash is written here */
        if (t->text.p[i] == '\\' && i + 1 < t->text.n && t->text.p[i + 1] == '/') continue;
        text[n++] = (char)t->text.p[i];
    }
    bad = wst_pattern_read(to, wst_slice_of(text, n), t->nocase, error);
    if (bad) return wst_read_refuse(r, bad);
    wst_lex_next(&r->lex);
    return true;
}

/* A string means what it means in JSON, as far as \" \\ \n \t \r go. */
static bool literal(struct wst_read *r, struct wst_test *test)
{
    static const char letters[] = "n\nt\tr\r\"\"\\\\";
    const struct wst_token *t = &r->lex.token;
    bool good = t->kind == WST_TOKEN_STRING || t->kind == WST_TOKEN_NUMBER ||
                (t->kind == WST_TOKEN_WORD &&
                 (wst_slice_is(t->text, "true") || wst_slice_is(t->text, "false") ||
                  wst_slice_is(t->text, "null")));
    size_t n = 0;

    if (!good)
        return wst_read_refuse(r, "a value was expected: \"text\", a number, true, false or null");
    test->value = malloc(t->text.n + 1);
    if (test->value == NULL) return wst_read_refuse(r, "out of memory");
    for (size_t i = 0; i < t->text.n; i++) {
        char c = (char)t->text.p[i];
        if (c == '\\') {
            const char *l = letters;
            i++;
            while (*l && *l != (char)t->text.p[i]) l += 2;
            if (*l == '\0')
                return wst_read_refuse(r, "only \\n \\t \\r \\\" and \\\\ are escapes here");
            c = l[1];
        }
        test->value[n++] = c;
    }
    test->value[n] = '\0';
    test->value_n = n;
    test->string = t->kind == WST_TOKEN_STRING;
    wst_lex_next(&r->lex);
    return true;
}

bool wst_read_test(struct wst_read *r, struct wst_test *test, bool alone)
{
    if (wst_read_sign(r, "~")) {
        test->compare = WST_MATCHES;
        if (wst_read_pattern(r, &test->pattern)) return true;
        test->compare = WST_THERE; /* there is nothing to free */
        return false;
    }
    test->compare = WST_THERE;
    if (r->lex.token.kind != WST_TOKEN_SIGN)
        return alone || wst_read_refuse(r, "~ and an expression, or == and a value, was expected");
    if (!wst_read_compare(r, &test->compare)) return false;
    if (!literal(r, test)) return false;
    if (test->string && test->compare > WST_UNEQUAL)
        return wst_read_refuse(r, "texts are compared with == and != alone");
    return true;
}

struct wst_test *wst_read_new_test(struct wst_read *r, struct wst_step *step)
{
    struct wst_test *tests, *test;

    if (step->n == WST_CHECK_RULES_TESTS) {
        wst_read_refuse(r, "more than 8 conditions");
        return NULL;
    }
    tests = realloc(r->rules->tests, (r->rules->tests_n + 1) * sizeof *tests);
    if (tests == NULL) {
        wst_read_refuse(r, "out of memory");
        return NULL;
    }
    r->rules->tests = tests;
    if (step->n == 0) step->first = r->rules->tests_n;
    test = &tests[r->rules->tests_n++];
    *test = (struct wst_test){.compare = WST_THERE};
    step->n++;
    return test;
}

bool wst_read_path(struct wst_read *r, struct wst_test *test, const char *what)
{
    const char *bad;
    size_t at;

    if (r->lex.token.kind != WST_TOKEN_PATH) return wst_read_refuse(r, what);
    bad = wst_path_read(&test->path, r->lex.token.text, &at);
    if (bad) return wst_read_refuse_at(r, r->lex.token.column + (uint32_t)at, bad);
    test->json = r->rules->json = true;
    wst_lex_next(&r->lex);
    return true;
}

bool wst_read_tests(struct wst_read *r, struct wst_step *step)
{
    do {
        struct wst_test *test = wst_read_new_test(r, step);
        if (test == NULL) return false;
        test->app = wst_read_word(r, "app");
        r->rules->apps |= test->app;
        if (!test->app && !wst_read_word(r, "json")) {
            if (!wst_read_test(r, test, false)) return false;
            if (test->compare != WST_MATCHES && !test->string)
                return wst_read_refuse(
                    r, "a payload is a \"text\"; for a number in JSON write json $.path");
            continue;
        }
        if (!wst_read_path(r, test,
                           test->app ? "a path was expected, such as $.packets[*].name"
                                     : "a path was expected, such as $.type") ||
            !wst_read_test(r, test, true))
            return false;
        test->json = !test->app;
    } while (wst_read_word(r, "and"));
    return true;
}

bool wst_read_tests_follow(const struct wst_read *r)
{
    return wst_lex_is(&r->lex, WST_TOKEN_SIGN, "~") ||
           wst_lex_is(&r->lex, WST_TOKEN_WORD, "json") ||
           wst_lex_is(&r->lex, WST_TOKEN_WORD, "app");
}
