/* SPDX-License-Identifier: MIT
 *
 * In: a text or the values in a JSON message, and a test. Out: whether it holds.
 * Refuses to convert a number before its digits have been compared as they are written.
 */
#include "trial.h"

#include <stdlib.h>

_Static_assert(WST_CHECK_PATTERN_WINDOW == WST_PATTERN_WINDOW, "what users are told");

bool wst_trial_holds(enum wst_compare compare, uint64_t seen, uint64_t amount)
{
    switch (compare) {
    case WST_EQUAL: return seen == amount;
    case WST_UNEQUAL: return seen != amount;
    case WST_LESS: return seen < amount;
    case WST_MOST: return seen <= amount;
    case WST_MORE: return seen > amount;
    case WST_LEAST: return seen >= amount;
    default: return true;
    }
}

bool wst_trial_matches(struct wst_trial *t, const struct wst_pattern *pattern,
                       struct wst_slice text)
{
    struct wst_pattern_text looked;
    size_t from, to;
    int found = wst_pattern_text(&looked, text, &t->string, &t->budget)
                    ? wst_pattern_find(pattern, &looked, 0, &from, &to)
                    : -1;

    if (found < 0) t->failed = true;
    t->cut += found == 0 && !wst_pattern_sure(pattern, &looked);
    return found > 0;
}

static bool equal(struct wst_slice a, const struct wst_test *test)
{
    return a.n == test->value_n && memcmp(a.p, test->value, a.n) == 0;
}

/* A header's value, a subprotocol, a reason, a payload; p == NULL: it is not there. */
bool wst_trial_text(struct wst_trial *t, const struct wst_test *test, struct wst_slice text)
{
    if (text.p == NULL) return test->compare == WST_UNEQUAL;
    if (test->compare == WST_MATCHES) return wst_trial_matches(t, &test->pattern, text);
    return test->compare == WST_THERE || equal(text, test) == (test->compare == WST_EQUAL);
}

static bool test_number(const struct wst_test *test, struct wst_slice digits)
{
    char text[64];
    double seen, value;

    if (equal(digits, test))
        return test->compare == WST_EQUAL || test->compare == WST_MOST ||
               test->compare == WST_LEAST;
    if (digits.n >= sizeof text) return test->compare == WST_UNEQUAL;
    memcpy(text, digits.p, digits.n);
    text[digits.n] = '\0';
    seen = strtod(text, NULL);
    value = strtod(test->value, NULL);
    switch (test->compare) {
    case WST_EQUAL: return seen == value;
    case WST_UNEQUAL: return seen != value;
    case WST_LESS: return seen < value;
    case WST_MOST: return seen <= value;
    case WST_MORE: return seen > value;
    default: return seen >= value;
    }
}

struct at_path { /* the values that a path leads to */
    struct wst_trial *t;
    const struct wst_test *test;
    struct wst_slice json;
    uint32_t n, good;
};

static void look(void *user, struct wst_tape_node *node)
{
    struct at_path *at = user;
    const struct wst_test *test = at->test;
    struct wst_slice bytes = wst_tape_bytes(at->json, node);
    bool number = node->kind == WST_TAPE_NUMBER && !test->string && test->compare < WST_MATCHES;

    at->n++;
    if (number) {
        char first = test->value[0];
        at->good += (first == '-' || (first >= '0' && first <= '9')) ? test_number(test, bytes)
                                                                     : test->compare == WST_UNEQUAL;
        return;
    }
    if (test->compare >= WST_LESS && test->compare <= WST_LEAST) return; /* what is no number */
    if (node->kind == WST_TAPE_STRING) {
        if (test->compare < WST_MATCHES && !test->string) {
            at->good += test->compare == WST_UNEQUAL;
            return;
        }
        at->t->scratch.buf.n = 0;
        wst_ink_decoded(&at->t->scratch, wst_slice_of(bytes.p + 1, bytes.n - 2));
        bytes = wst_ink_slice(&at->t->scratch);
        if (bytes.p == NULL) bytes = wst_slice_text("");
    } else if (test->string) {
        at->good += test->compare == WST_UNEQUAL;
        return;
    }
    at->good += wst_trial_text(at->t, test, bytes);
}

/* One of the values is good; with != none may be bad. */
bool wst_trial_json(struct wst_trial *t, const struct wst_test *test, struct wst_tape *tape,
                    struct wst_slice json)
{
    struct at_path at = {t, test, json, 0, 0};

    if (tape->n == 0) return false;
    wst_path_select(&test->path, json, tape, look, &at);
    return test->compare == WST_UNEQUAL ? at.n && at.good == at.n : at.good > 0;
}
