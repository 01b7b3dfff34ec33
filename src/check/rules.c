/* SPDX-License-Identifier: MIT
 *
 * In: the text of a rule file. Out: rules.
 * Refuses what docs/CHECKS.md does not describe, with its line and column, and more than the caps
 * of rules.h.
 */
#include "near.h"
#include "rules_read.h"

#include <stdlib.h>

/* -- rules ----------------------------------------------------------------------------------- */

static bool amount(struct wst_read *r, bool (*read)(const struct wst_token *, uint64_t *),
                   const char *what)
{
    if (!wst_read_compare(r, &r->rule->compare)) return false;
    if (!read(&r->lex.token, &r->rule->amount)) return wst_read_refuse(r, what);
    wst_lex_next(&r->lex);
    return true;
}

static bool count(struct wst_read *r)
{
    bool messages = r->rule->kind == WST_CHECK_RULE_MESSAGES;

    wst_read_selection(r, &r->rule->step, messages);
    if (messages && wst_read_tests_follow(r) && !wst_read_tests(r, &r->rule->step)) return false;
    return amount(r, wst_lex_integer, "a number was expected");
}

static bool plain_count(struct wst_read *r)
{
    return amount(r, wst_lex_integer, "a number was expected");
}

static bool size(struct wst_read *r)
{
    wst_read_selection(r, &r->rule->step, true);
    return amount(r, wst_lex_size, "a number of bytes was expected, such as 500 or 64K");
}

static bool span(struct wst_read *r)
{
    int64_t ns;

    if (!wst_read_compare(r, &r->rule->compare)) return false;
    if (!wst_lex_time(&r->lex.token, &ns))
        return wst_read_refuse(r, "a time was expected, such as 2s or 100ms");
    r->rule->amount = (uint64_t)ns;
    wst_lex_next(&r->lex);
    return true;
}

/* One message of a chain, behind the word. */
static bool step(struct wst_read *r, bool first)
{
    struct wst_step *steps = realloc(r->rules->steps, (r->rules->steps_n + 1) * sizeof *steps),
                    one = {.n = 0};

    if (steps == NULL) return wst_read_refuse(r, "out of memory");
    r->rules->steps = steps;
    if (r->rule->steps_n == WST_CHECK_RULES_STEPS)
        return wst_read_refuse(r, "more than 16 messages in a row");
    wst_read_selection(r, &one, true);
    if ((wst_read_tests_follow(r) || r->lex.token.kind == WST_TOKEN_SIGN) &&
        !wst_read_tests(r, &one))
        return false;
    if (wst_lex_is(&r->lex, WST_TOKEN_WORD, "within")) {
        if (!wst_read_within(r, &one.within_ns)) return false;
        one.of_handshake = first;
        if (wst_read_word(r, "of")) {
            if (!wst_read_must(r, "handshake", "\"handshake\" was expected")) return false;
            one.of_handshake = true;
        }
    }
    r->rules->steps[r->rules->steps_n++] = one;
    r->rule->steps_n++;
    return true;
}

static bool message(struct wst_read *r)
{
    r->rule->steps = r->rules->steps_n;
    if (!step(r, true)) return false;
    while (r->rule->kind == WST_CHECK_RULE_MESSAGE && wst_read_word(r, "then"))
        if (!wst_read_must(r, "message", "\"message\" was expected") || !step(r, false))
            return false;
    return true;
}

static bool subprotocol(struct wst_read *r)
{
    struct wst_test *test = wst_read_new_test(r, &r->rule->step);

    return test && wst_read_test(r, test, true);
}

static bool header(struct wst_read *r)
{
    struct wst_test *test;

    if (!wst_read_must(r, "header", "\"header\" was expected")) return false;
    if (r->lex.token.kind != WST_TOKEN_WORD)
        return wst_read_refuse(r, "the name of a header was expected");
    r->rule->name = r->lex.token.text;
    r->rules->headers = true;
    wst_lex_next(&r->lex);
    if (r->rule->kind == WST_CHECK_RULE_NO_HEADER) return true;
    test = wst_read_new_test(r, &r->rule->step);
    return test && wst_read_test(r, test, true);
}

static bool header_of_response(struct wst_read *r)
{
    r->rule->response = true;
    return header(r);
}

static bool add_to_list(struct wst_read *r, uint32_t value)
{
    if (r->rule->list_n == WST_CHECK_RULES_LIST) return wst_read_refuse(r, "more than 16 of them");
    r->rule->list[r->rule->list_n++] = value;
    wst_lex_next(&r->lex);
    return true;
}

static bool close_frame(struct wst_read *r)
{
    struct wst_test *test;
    uint64_t code;

    wst_read_selection(r, &r->rule->step, false);
    if (wst_read_word(r, "code")) do {
            if (!wst_lex_integer(&r->lex.token, &code) || code > 65535)
                return wst_read_refuse(r, "a close code was expected, such as 1000");
            if (!add_to_list(r, (uint32_t)code)) return false;
        } while (wst_read_sign(r, ","));
    if (!wst_read_word(r, "reason")) return true;
    test = wst_read_new_test(r, &r->rule->step);
    return test && wst_read_test(r, test, false);
}

static bool unknown_id(struct wst_read *r)
{
    struct wst_near near = wst_near_to(r->lex.token.text);

    if (r->lex.token.kind != WST_TOKEN_WORD) near.word.n = 0;
    for (int i = 0; i < WST_PROBLEMS; i++)
        wst_near_try(&near, wst_problem_row((enum wst_problem)i)->id);
    return wst_read_refuse_near(
        r, "the id of a finding was expected; \"wstrace problems\" lists them", &near);
}

static bool ids(struct wst_read *r)
{
    do {
        uint32_t i = 0;
        while (i < WST_PROBLEMS &&
               !wst_slice_is(r->lex.token.text, wst_problem_row((enum wst_problem)i)->id))
            i++;
        if (r->lex.token.kind != WST_TOKEN_WORD || i == WST_PROBLEMS) return unknown_id(r);
        if (!add_to_list(r, i)) return false;
    } while (wst_read_sign(r, ","));
    return true;
}

static bool problems(struct wst_read *r)
{
    r->rule->level = WST_ERROR;
    if (wst_read_word(r, "of")) {
        if (!wst_read_must(r, "level", "\"level\" was expected")) return false;
        if (wst_read_word(r, "warning"))
            r->rule->level = WST_WARNING;
        else if (wst_read_word(r, "note"))
            r->rule->level = WST_NOTE;
        else if (!wst_read_word(r, "error"))
            return wst_read_refuse(r, "error, warning or note was expected");
    }
    return !wst_read_word(r, "except") || ids(r);
}

static bool only_within(struct wst_read *r)
{
    int64_t ns;

    if (!wst_read_within(r, &ns)) return false;
    r->rule->amount = (uint64_t)ns;
    return true;
}

/* Without a path: by the numbers that protocols have. */
static bool reply(struct wst_read *r)
{
    struct wst_test *test;

    if (wst_lex_is(&r->lex, WST_TOKEN_WORD, "within")) return only_within(r);
    test = wst_read_new_test(r, &r->rule->step);
    return test && wst_read_path(r, test, "a path was expected, such as $.id") && only_within(r);
}

static bool nothing(struct wst_read *r)
{
    (void)r;
    return true;
}

static const struct {
    const char *word;
    bool no; /* behind "no" */
    enum wst_check_rule_kind kind;
    bool (*read)(struct wst_read *r);
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

/* "no" may be what is wrong, too. */
static bool unknown_rule(struct wst_read *r, bool no)
{
    struct wst_near near = wst_near_to(r->lex.token.text);

    if (r->lex.token.kind != WST_TOKEN_WORD) near.word.n = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (wst_slice_is(near.word, table[i].word))
            return wst_read_refuse(r, no ? "this rule cannot stand behind \"no\""
                                         : "this rule stands only behind \"no\"");
        if (table[i].no == no) wst_near_try(&near, table[i].word);
    }
    if (!no) wst_near_try(&near, "connection");
    if (near.best) return wst_read_refuse_near(r, "no such rule", &near);
    return wst_read_refuse(
        r,
        no ? "no such rule behind \"no\": message, subprotocol, deflate, request header, response "
             "header, close, problems, problem, gaps"
           : "no such rule; docs/CHECKS.md has them all");
}

static bool read_rule(struct wst_read *r)
{
    struct wst_check_rules *rules = r->rules;
    uint32_t column = r->lex.token.column;
    bool no = wst_read_word(r, "no");

    if (rules->n == WST_CHECK_RULES) return wst_read_refuse_at(r, column, "more than 1000 rules");
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
            return wst_read_refuse(r, "the rule is complete before this");
        r->rule->text = trimmed(r->lex.line, r->lex.at);
        scope->may_lack |= about_scope(r->rule->kind);
        scope->may_lack_pings |= r->rule->kind == WST_CHECK_RULE_PINGS;
        scope->rules_n += !about_scope(r->rule->kind);
        return true;
    }
    return unknown_rule(r, no);
}

/* connection * | "URI" | ~ /re/, behind the word. */
static bool read_scope(struct wst_read *r)
{
    struct wst_check_rules *rules = r->rules;
    struct wst_scope *scope = &rules->scopes[rules->scopes_n];

    if (rules->scopes_n == WST_CHECK_RULES_SCOPES)
        return wst_read_refuse(r, "more than 100 sorts of connections");
    *scope = (struct wst_scope){.kind = WST_SCOPE_ALL, .line = r->line};
    if (r->lex.token.kind == WST_TOKEN_STRING) {
        scope->kind = WST_SCOPE_URI;
        scope->uri = r->lex.token.text;
        wst_lex_next(&r->lex);
    } else if (wst_read_sign(r, "~")) {
        if (!wst_read_pattern(r, &scope->pattern)) return false;
        scope->kind = WST_SCOPE_PATTERN;
    } else if (!wst_read_sign(r, "*")) {
        return wst_read_refuse_at(r, r->lex.token.column,
                                  "*, a \"URI\" in quotes, or ~ and an expression was expected");
    }
    rules->scopes_n++;
    if (r->lex.token.kind != WST_TOKEN_END)
        return wst_read_refuse(r, "the line is complete before this");
    scope->text = trimmed(r->lex.line, r->lex.at);
    return true;
}

static bool read_line(struct wst_read *r, struct wst_slice line)
{
    if (line.n > WST_CHECK_RULES_LINE)
        return wst_read_refuse_at(r, 1, "the line is longer than 4096 bytes");
    wst_lex_begin(&r->lex, line);
    if (r->lex.token.kind == WST_TOKEN_END) return true;
    if (wst_read_word(r, "connection")) return read_scope(r);
    return read_rule(r);
}

static bool read_all(struct wst_read *r, struct wst_slice text)
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
    return wst_read_refuse_at(r, 0, "there is no rule in it");
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
    struct wst_read r = {.rules = rules, .error = error};

    *error = (struct wst_check_error){0, 0, "out of memory"};
    if (rules == NULL) return NULL;
    rules->text = malloc(text.n + 1);
    rules->rules = calloc(WST_CHECK_RULES, sizeof *rules->rules);
    rules->scopes = calloc(WST_CHECK_RULES_SCOPES, sizeof *rules->scopes);
    if (rules->text && rules->rules && rules->scopes) {
        if (text.n) memcpy(rules->text, text.p, text.n);
        rules->scopes_n = 1; /* before the first "connection": all of them */
        struct wst_slice lines = wst_slice_of(rules->text, text.n);
        if (wst_slice_starts(lines, "\xef\xbb\xbf")) lines = wst_slice_skip(lines, 3);
        if (read_all(&r, lines)) return rules;
    }
    wst_check_rules_free(rules);
    return NULL;
}

bool wst_check_rules_apps(const struct wst_check_rules *rules)
{
    return rules->apps;
}

void wst_check_rules_options(const struct wst_check_rules *rules, struct wst_options *options)
{
    options->headers = rules->headers;
}
