/* SPDX-License-Identifier: MIT
 *
 * In: the text of a rule file. Out: rules.
 * Refuses what docs/CHECKS.md does not describe, with its line and column, and more than the caps
 * of rules.h.
 */
#include "rules.h"
#include "lex.h"

#include <stdio.h>
#include <stdlib.h>

struct reader {
    struct wst_check_rules *rules;
    struct wst_check_rule *rule; /* the one being read */
    struct wst_lex lex;
    struct wst_check_error *error;
    uint32_t line;
};

/* -- saying no ------------------------------------------------------------------------------- */

static bool refuse_at(struct reader *r, uint32_t column, const char *what)
{
    r->error->line = r->line;
    r->error->column = column;
    snprintf(r->error->what, sizeof r->error->what, "%s", what);
    return false;
}

/* At the token at hand. */
static bool refuse(struct reader *r, const char *what)
{
    char why[256];

    if (r->lex.token.kind == WST_TOKEN_WRONG) {
        snprintf(why, sizeof why, "%.*s", (int)r->lex.token.text.n,
                 (const char *)r->lex.token.text.p);
        what = why;
    }
    return refuse_at(r, r->lex.token.column, what);
}

/* -- pieces ---------------------------------------------------------------------------------- */

static bool word(struct reader *r, const char *text)
{
    if (!wst_lex_is(&r->lex, WST_TOKEN_WORD, text)) return false;
    wst_lex_next(&r->lex);
    return true;
}
static bool sign(struct reader *r, const char *text)
{
    if (!wst_lex_is(&r->lex, WST_TOKEN_SIGN, text)) return false;
    wst_lex_next(&r->lex);
    return true;
}
static bool must_word(struct reader *r, const char *text, const char *what)
{
    return word(r, text) || refuse(r, what);
}

static bool compare(struct reader *r, enum wst_compare *to)
{
    static const struct {
        const char *sign;
        enum wst_compare compare;
    } signs[] = {{"==", WST_EQUAL}, {"!=", WST_UNEQUAL}, {"<=", WST_MOST},
                 {">=", WST_LEAST}, {"<", WST_LESS},     {">", WST_MORE}};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (sign(r, signs[i].sign)) {
            *to = signs[i].compare;
            return true;
        }
    return refuse(r, "==, !=, <, <=, > or >= was expected");
}

static bool within(struct reader *r, int64_t *ns)
{
    if (!must_word(r, "within", "\"within\" and a time were expected")) return false;
    if (!wst_lex_time(&r->lex.token, ns))
        return refuse(r, "a time was expected, such as 2s or 100ms");
    wst_lex_next(&r->lex);
    return true;
}

/* [c2s|s2c] [text|binary] */
static void selection(struct reader *r, struct wst_step *step, bool types)
{
    step->dir = WST_DIR_NONE;
    if (word(r, "c2s")) step->dir = WST_C2S;
    if (word(r, "s2c")) step->dir = WST_S2C;
    if (types && word(r, "text")) step->opcode = 1;
    if (types && word(r, "binary")) step->opcode = 2;
}

/* -- tests ----------------------------------------------------------------------------------- */

static bool pattern(struct reader *r, struct wst_pattern *to)
{
    char error[WST_PATTERN_ERROR], text[WST_CHECK_RULES_LINE];
    const struct wst_token *t = &r->lex.token;
    size_t n = 0;
    const char *bad;

    if (t->kind != WST_TOKEN_REGEX)
        return refuse(r, "an expression was expected, such as /[0-9]+/");
    for (size_t i = 0; i < t->text.n; i++) { /* \/ is how a slash is written here */
        if (t->text.p[i] == '\\' && i + 1 < t->text.n && t->text.p[i + 1] == '/') continue;
        text[n++] = (char)t->text.p[i];
    }
    bad = wst_pattern_read(to, wst_slice_of(text, n), t->nocase, error);
    if (bad) return refuse(r, bad);
    wst_lex_next(&r->lex);
    return true;
}

/* A string means what it means in JSON, as far as \" \\ \n \t \r go. */
static bool literal(struct reader *r, struct wst_test *test)
{
    static const char letters[] = "n\nt\tr\r\"\"\\\\";
    const struct wst_token *t = &r->lex.token;
    bool good = t->kind == WST_TOKEN_STRING || t->kind == WST_TOKEN_NUMBER ||
                (t->kind == WST_TOKEN_WORD &&
                 (wst_slice_is(t->text, "true") || wst_slice_is(t->text, "false") ||
                  wst_slice_is(t->text, "null")));
    size_t n = 0;

    if (!good) return refuse(r, "a value was expected: \"text\", a number, true, false or null");
    test->value = malloc(t->text.n + 1);
    if (test->value == NULL) return refuse(r, "out of memory");
    for (size_t i = 0; i < t->text.n; i++) {
        char c = (char)t->text.p[i];
        if (c == '\\') {
            const char *l = letters;
            i++;
            while (*l && *l != (char)t->text.p[i]) l += 2;
            if (*l == '\0') return refuse(r, "only \\n \\t \\r \\\" and \\\\ are escapes here");
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

/* Behind what is tested: ~ /re/, == value, or nothing at all when `alone` is enough. */
static bool what_of_it(struct reader *r, struct wst_test *test, bool alone)
{
    if (sign(r, "~")) {
        test->compare = WST_MATCHES;
        if (pattern(r, &test->pattern)) return true;
        test->compare = WST_THERE; /* there is nothing to free */
        return false;
    }
    test->compare = WST_THERE;
    if (r->lex.token.kind != WST_TOKEN_SIGN)
        return alone || refuse(r, "~ and an expression, or == and a value, was expected");
    if (!compare(r, &test->compare)) return false;
    if (!literal(r, test)) return false;
    if (test->string && test->compare > WST_UNEQUAL)
        return refuse(r, "texts are compared with == and != alone");
    return true;
}

/* The next test of the list; what is half read is freed with the rules. */
static struct wst_test *add_test(struct reader *r, struct wst_step *step)
{
    struct wst_test *tests, *test;

    if (step->n == WST_CHECK_RULES_TESTS) {
        refuse(r, "more than 8 conditions");
        return NULL;
    }
    tests = realloc(r->rules->tests, (r->rules->tests_n + 1) * sizeof *tests);
    if (tests == NULL) {
        refuse(r, "out of memory");
        return NULL;
    }
    r->rules->tests = tests;
    if (step->n == 0) step->first = r->rules->tests_n;
    test = &tests[r->rules->tests_n++];
    *test = (struct wst_test){.compare = WST_THERE};
    step->n++;
    return test;
}

/* ~ /re/ | == "text" | json PATH [~ /re/ | == value], and more of them behind "and". */
static bool tests(struct reader *r, struct wst_step *step)
{
    do {
        struct wst_test *test = add_test(r, step);
        const char *bad;
        size_t at;
        if (test == NULL) return false;
        if (!word(r, "json")) {
            if (!what_of_it(r, test, false)) return false;
            if (test->compare != WST_MATCHES && !test->string)
                return refuse(r, "a payload is a \"text\"; for a number in JSON write json $.path");
            continue;
        }
        if (r->lex.token.kind != WST_TOKEN_PATH)
            return refuse(r, "a path was expected, such as $.type");
        bad = wst_path_read(&test->path, r->lex.token.text, &at);
        if (bad) return refuse_at(r, r->lex.token.column + (uint32_t)at, bad);
        test->json = r->rules->json = true;
        wst_lex_next(&r->lex);
        if (!what_of_it(r, test, true)) return false;
    } while (word(r, "and"));
    return true;
}

static bool tests_follow(const struct reader *r)
{
    return wst_lex_is(&r->lex, WST_TOKEN_SIGN, "~") || wst_lex_is(&r->lex, WST_TOKEN_WORD, "json");
}

/* -- rules ----------------------------------------------------------------------------------- */

static bool amount(struct reader *r, bool (*read)(const struct wst_token *, uint64_t *),
                   const char *what)
{
    if (!compare(r, &r->rule->compare)) return false;
    if (!read(&r->lex.token, &r->rule->amount)) return refuse(r, what);
    wst_lex_next(&r->lex);
    return true;
}

static bool count(struct reader *r)
{
    bool messages = r->rule->kind == WST_CHECK_RULE_MESSAGES;

    selection(r, &r->rule->step, messages);
    if (messages && tests_follow(r) && !tests(r, &r->rule->step)) return false;
    return amount(r, wst_lex_integer, "a number was expected");
}

static bool plain_count(struct reader *r)
{
    return amount(r, wst_lex_integer, "a number was expected");
}

static bool size(struct reader *r)
{
    selection(r, &r->rule->step, true);
    return amount(r, wst_lex_size, "a number of bytes was expected, such as 500 or 64K");
}

static bool span(struct reader *r)
{
    int64_t ns;

    if (!compare(r, &r->rule->compare)) return false;
    if (!wst_lex_time(&r->lex.token, &ns))
        return refuse(r, "a time was expected, such as 2s or 100ms");
    r->rule->amount = (uint64_t)ns;
    wst_lex_next(&r->lex);
    return true;
}

/* One message of a chain, behind the word. */
static bool step(struct reader *r, bool first)
{
    struct wst_step *steps = realloc(r->rules->steps, (r->rules->steps_n + 1) * sizeof *steps),
                    one = {.n = 0};

    if (steps == NULL) return refuse(r, "out of memory");
    r->rules->steps = steps;
    if (r->rule->steps_n == WST_CHECK_RULES_STEPS)
        return refuse(r, "more than 16 messages in a row");
    selection(r, &one, true);
    if ((tests_follow(r) || r->lex.token.kind == WST_TOKEN_SIGN) && !tests(r, &one)) return false;
    if (wst_lex_is(&r->lex, WST_TOKEN_WORD, "within")) {
        if (!within(r, &one.within_ns)) return false;
        one.of_handshake = first;
        if (word(r, "of")) {
            if (!must_word(r, "handshake", "\"handshake\" was expected")) return false;
            one.of_handshake = true;
        }
    }
    r->rules->steps[r->rules->steps_n++] = one;
    r->rule->steps_n++;
    return true;
}

static bool message(struct reader *r)
{
    r->rule->steps = r->rules->steps_n;
    if (!step(r, true)) return false;
    while (r->rule->kind == WST_CHECK_RULE_MESSAGE && word(r, "then"))
        if (!must_word(r, "message", "\"message\" was expected") || !step(r, false)) return false;
    return true;
}

static bool subprotocol(struct reader *r)
{
    struct wst_test *test = add_test(r, &r->rule->step);

    return test && what_of_it(r, test, true);
}

static bool header(struct reader *r)
{
    struct wst_test *test;

    if (!must_word(r, "header", "\"header\" was expected")) return false;
    if (r->lex.token.kind != WST_TOKEN_WORD) return refuse(r, "the name of a header was expected");
    r->rule->name = r->lex.token.text;
    r->rules->headers = true;
    wst_lex_next(&r->lex);
    if (r->rule->kind == WST_CHECK_RULE_NO_HEADER) return true;
    test = add_test(r, &r->rule->step);
    return test && what_of_it(r, test, true);
}

static bool header_of_response(struct reader *r)
{
    r->rule->response = true;
    return header(r);
}

static bool add_to_list(struct reader *r, uint32_t value)
{
    if (r->rule->list_n == WST_CHECK_RULES_LIST) return refuse(r, "more than 16 of them");
    r->rule->list[r->rule->list_n++] = value;
    wst_lex_next(&r->lex);
    return true;
}

static bool close_frame(struct reader *r)
{
    struct wst_test *test;
    uint64_t code;

    selection(r, &r->rule->step, false);
    if (word(r, "code")) do {
            if (!wst_lex_integer(&r->lex.token, &code) || code > 65535)
                return refuse(r, "a close code was expected, such as 1000");
            if (!add_to_list(r, (uint32_t)code)) return false;
        } while (sign(r, ","));
    if (!word(r, "reason")) return true;
    test = add_test(r, &r->rule->step);
    return test && what_of_it(r, test, false);
}

static bool ids(struct reader *r)
{
    do {
        uint32_t i = 0;
        while (i < WST_PROBLEMS &&
               !wst_slice_is(r->lex.token.text, wst_problem_row((enum wst_problem)i)->id))
            i++;
        if (r->lex.token.kind != WST_TOKEN_WORD || i == WST_PROBLEMS)
            return refuse(r, "the id of a finding was expected; \"wstrace problems\" lists them");
        if (!add_to_list(r, i)) return false;
    } while (sign(r, ","));
    return true;
}

static bool problems(struct reader *r)
{
    r->rule->level = WST_ERROR;
    if (word(r, "of")) {
        if (!must_word(r, "level", "\"level\" was expected")) return false;
        if (word(r, "warning"))
            r->rule->level = WST_WARNING;
        else if (word(r, "note"))
            r->rule->level = WST_NOTE;
        else if (!word(r, "error"))
            return refuse(r, "error, warning or note was expected");
    }
    return !word(r, "except") || ids(r);
}

static bool only_within(struct reader *r)
{
    int64_t ns;

    if (!within(r, &ns)) return false;
    r->rule->amount = (uint64_t)ns;
    return true;
}

static bool reply(struct reader *r)
{
    struct wst_test *test = add_test(r, &r->rule->step);
    const char *bad;
    size_t at;

    if (test == NULL) return false;
    if (r->lex.token.kind != WST_TOKEN_PATH) return refuse(r, "a path was expected, such as $.id");
    bad = wst_path_read(&test->path, r->lex.token.text, &at);
    if (bad) return refuse_at(r, r->lex.token.column + (uint32_t)at, bad);
    test->json = r->rules->json = true;
    wst_lex_next(&r->lex);
    return only_within(r);
}

static bool nothing(struct reader *r)
{
    (void)r;
    return true;
}

static const struct {
    const char *word;
    bool no; /* behind "no" */
    enum wst_check_rule_kind kind;
    bool (*read)(struct reader *r);
} table[] = {
    {"message", false, WST_CHECK_RULE_MESSAGE, message},
    {"message", true, WST_CHECK_RULE_NO_MESSAGE, message},
    {"messages", false, WST_CHECK_RULE_MESSAGES, count},
    {"pings", false, WST_CHECK_RULE_PINGS, count},
    {"pongs", false, WST_CHECK_RULE_PONGS, count},
    {"closes", false, WST_CHECK_RULE_CLOSES, count},
    {"bytes", false, WST_CHECK_RULE_BYTES, size},
    {"largest", false, WST_CHECK_RULE_LARGEST, size},
    {"connections", false, WST_CHECK_RULE_CONNECTIONS, plain_count},
    {"refused", false, WST_CHECK_RULE_REFUSED, plain_count},
    {"status", false, WST_CHECK_RULE_STATUS, plain_count},
    {"subprotocol", false, WST_CHECK_RULE_SUBPROTOCOL, subprotocol},
    {"subprotocol", true, WST_CHECK_RULE_NO_SUBPROTOCOL, nothing},
    {"deflate", false, WST_CHECK_RULE_DEFLATE, nothing},
    {"deflate", true, WST_CHECK_RULE_NO_DEFLATE, nothing},
    {"request", false, WST_CHECK_RULE_HEADER, header},
    {"request", true, WST_CHECK_RULE_NO_HEADER, header},
    {"response", false, WST_CHECK_RULE_HEADER, header_of_response},
    {"response", true, WST_CHECK_RULE_NO_HEADER, header_of_response},
    {"close", false, WST_CHECK_RULE_CLOSE, close_frame},
    {"close", true, WST_CHECK_RULE_NO_CLOSE, nothing},
    {"problems", true, WST_CHECK_RULE_NO_PROBLEMS, problems},
    {"problem", true, WST_CHECK_RULE_NO_PROBLEM, ids},
    {"gaps", true, WST_CHECK_RULE_NO_GAPS, nothing},
    {"pong", false, WST_CHECK_RULE_PONG, only_within},
    {"reply", false, WST_CHECK_RULE_REPLY, reply},
    {"handshake", false, WST_CHECK_RULE_HANDSHAKE, only_within},
    {"duration", false, WST_CHECK_RULE_DURATION, span},
    {"silence", false, WST_CHECK_RULE_SILENCE, span},
};

static bool about_scope(enum wst_check_rule_kind kind)
{
    return kind == WST_CHECK_RULE_CONNECTIONS || kind == WST_CHECK_RULE_REFUSED;
}

static struct wst_slice trimmed(struct wst_slice line, size_t end)
{
    line = wst_slice_head(line, end);
    while (line.n && (line.p[0] == ' ' || line.p[0] == '\t')) line = wst_slice_skip(line, 1);
    while (line.n &&
           (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
        line.n--;
    return line;
}

static bool read_rule(struct reader *r)
{
    struct wst_check_rules *rules = r->rules;
    uint32_t column = r->lex.token.column;
    bool no = word(r, "no");

    if (rules->n == WST_CHECK_RULES) return refuse_at(r, column, "more than 1000 rules");
    r->rule = &rules->rules[rules->n];
    *r->rule = (struct wst_check_rule){
        .line = r->line, .scope = rules->scopes_n - 1, .step.dir = WST_DIR_NONE};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct wst_scope *scope = &rules->scopes[r->rule->scope];
        if (table[i].no != no || !wst_lex_is(&r->lex, WST_TOKEN_WORD, table[i].word)) continue;
        r->rule->kind = table[i].kind;
        wst_lex_next(&r->lex);
        rules->n++; /* so that what is half read is freed */
        if (!table[i].read(r)) return false;
        if (r->lex.token.kind != WST_TOKEN_END)
            return refuse(r, "the rule is complete before this");
        r->rule->text = trimmed(r->lex.line, r->lex.at);
        scope->may_lack |= about_scope(r->rule->kind);
        scope->rules_n += !about_scope(r->rule->kind);
        return true;
    }
    return refuse(
        r,
        no ? "no such rule behind \"no\": message, subprotocol, deflate, request header, response "
             "header, close, problems, problem, gaps"
           : "no such rule; docs/CHECKS.md has them all");
}

/* connection * | "URI" | ~ /re/, behind the word. */
static bool read_scope(struct reader *r)
{
    struct wst_check_rules *rules = r->rules;
    struct wst_scope *scope = &rules->scopes[rules->scopes_n];

    if (rules->scopes_n == WST_CHECK_RULES_SCOPES)
        return refuse(r, "more than 100 sorts of connections");
    *scope = (struct wst_scope){.kind = WST_SCOPE_ALL, .line = r->line};
    if (r->lex.token.kind == WST_TOKEN_STRING) {
        scope->kind = WST_SCOPE_URI;
        scope->uri = r->lex.token.text;
        wst_lex_next(&r->lex);
    } else if (sign(r, "~")) {
        if (!pattern(r, &scope->pattern)) return false;
        scope->kind = WST_SCOPE_PATTERN;
    } else if (!sign(r, "*")) {
        return refuse(r, "*, a \"URI\" or ~ and an expression was expected");
    }
    rules->scopes_n++;
    if (r->lex.token.kind != WST_TOKEN_END) return refuse(r, "the line is complete before this");
    scope->text = trimmed(r->lex.line, r->lex.at);
    return true;
}

static bool read_line(struct reader *r, struct wst_slice line)
{
    if (line.n > WST_CHECK_RULES_LINE) return refuse_at(r, 1, "the line is longer than 4096 bytes");
    wst_lex_begin(&r->lex, line);
    if (r->lex.token.kind == WST_TOKEN_END) return true;
    if (word(r, "connection")) return read_scope(r);
    return read_rule(r);
}

static bool read_all(struct reader *r, struct wst_slice text)
{
    while (text.n) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        r->line++;
        if (!read_line(r, wst_slice_head(text, n))) return false;
        text = wst_slice_skip(text, n + 1);
    }
    if (r->rules->n) return true;
    r->line = 0;
    return refuse_at(r, 0, "there is no rule in it");
}

void wst_check_rules_free(struct wst_check_rules *rules)
{
    if (rules == NULL) return;
    for (uint32_t i = 0; i < rules->tests_n; i++) {
        struct wst_test *test = &rules->tests[i];
        wst_path_free(&test->path);
        free(test->value);
        if (test->compare == WST_MATCHES) wst_pattern_free(&test->pattern);
    }
    for (uint32_t i = 0; i < rules->scopes_n; i++)
        if (rules->scopes[i].kind == WST_SCOPE_PATTERN) wst_pattern_free(&rules->scopes[i].pattern);
    free(rules->tests);
    free(rules->steps);
    free(rules->rules);
    free(rules->scopes);
    free(rules->text);
    free(rules);
}

struct wst_check_rules *wst_check_rules_read(struct wst_slice text, struct wst_check_error *error)
{
    struct wst_check_rules *rules = calloc(1, sizeof *rules);
    struct reader r = {.rules = rules, .error = error};

    *error = (struct wst_check_error){0, 0, "out of memory"};
    if (rules == NULL) return NULL;
    rules->text = malloc(text.n + 1);
    rules->rules = calloc(WST_CHECK_RULES, sizeof *rules->rules);
    rules->scopes = calloc(WST_CHECK_RULES_SCOPES, sizeof *rules->scopes);
    if (rules->text && rules->rules && rules->scopes) {
        if (text.n) memcpy(rules->text, text.p, text.n);
        rules->scopes_n = 1; /* before the first "connection": all of them */
        if (read_all(&r, wst_slice_of(rules->text, text.n))) return rules;
    }
    wst_check_rules_free(rules);
    return NULL;
}

void wst_check_rules_options(const struct wst_check_rules *rules, struct wst_options *options)
{
    options->headers = rules->headers;
}
