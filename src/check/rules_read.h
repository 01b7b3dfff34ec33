/* SPDX-License-Identifier: MIT
 *
 * Inside the room: a file of rules at work. rules.c knows the rules, rules_read.c what they are
 * made of.
 */
#ifndef WST_CHECK_RULES_READ_H
#define WST_CHECK_RULES_READ_H

#include "lex.h"
#include "rules.h"

struct wst_read {
    struct wst_check_rules *rules;
    struct wst_check_rule *rule; /* the one being read */
    struct wst_lex lex;
    struct wst_check_error *error;
    uint32_t line;
};

/* All of these return false after a complaint, with its place in the error. */
bool wst_read_refuse_at(struct wst_read *read, uint32_t column, const char *what);
/* At the token at hand; a word is held against those that may stand in a rule … */
bool wst_read_refuse(struct wst_read *read, const char *what);
/* … or was held against others. */
struct wst_near;
bool wst_read_refuse_near(struct wst_read *read, const char *what, const struct wst_near *near);

/* Whether the token at hand is this; it is taken then. No complaint. */
bool wst_read_word(struct wst_read *read, const char *text);
bool wst_read_sign(struct wst_read *read, const char *text);
/* It must be. */
bool wst_read_must(struct wst_read *read, const char *text, const char *what);
bool wst_read_compare(struct wst_read *read, enum wst_compare *to);
bool wst_read_within(struct wst_read *read, int64_t *ns);
/* [c2s|s2c] [text|binary], in either order */
void wst_read_selection(struct wst_read *read, struct wst_step *step, bool types);
bool wst_read_pattern(struct wst_read *read, struct wst_pattern *to);

/* The next test of the step, to be filled in; what is half read is freed with the rules. */
struct wst_test *wst_read_new_test(struct wst_read *read, struct wst_step *step);
/* Where in JSON it looks; `what` complains that no path is there. */
bool wst_read_path(struct wst_read *read, struct wst_test *test, const char *what);
/* Behind what is tested: ~ /re/, == value, or nothing at all when `alone` is enough. */
bool wst_read_test(struct wst_read *read, struct wst_test *test, bool alone);
/* ~ /re/ | == "text" | json PATH [~ /re/ | == value], and more of them behind "and". */
bool wst_read_tests(struct wst_read *read, struct wst_step *step);
bool wst_read_tests_follow(const struct wst_read *read);

#endif
