/* SPDX-License-Identifier: MIT
 *
 * In: texts and regular expressions. Out: the texts with numbered values in place of what matched.
 * Refuses bad expressions and too many.
 */
#include "redact.h"

#include "hash.h"

#include <stdlib.h>
#include <string.h>

enum { LOOK_MAX = 4096 }; /* slots in a row; only values chosen to collide need so many */

/* -- the rules ------------------------------------------------------------------------------- */

static bool good_name(struct wst_slice name)
{
    if (name.n == 0 || name.n >= WST_REDACT_NAME) return false;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i], lower = c | 0x20;
        bool letter = lower >= 'a' && lower <= 'z';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '_'))) return false;
    }
    return true;
}

static const char *add(struct wst_redact *redact, struct wst_slice name, struct wst_slice regex,
                       char error[WST_PATTERN_ERROR])
{
    struct wst_redact_rule *rules, *rule;
    const char *wrong;

    if (redact->n == WST_REDACT_RULES) return "more than 64 expressions";
    rules = realloc(redact->rules, (redact->n + 1) * sizeof *rules);
    if (rules == NULL) return "out of memory";
    redact->rules = rules;
    rule = &rules[redact->n];
    *rule = (struct wst_redact_rule){.name = ""};
    wrong = wst_pattern_read(&rule->pattern, regex, false, error);
    if (wrong) return wrong;
    if (name.n) memcpy(rule->name, name.p, name.n);
    redact->n++;
    return NULL;
}

const char *wst_redact_add(struct wst_redact *redact, struct wst_slice name, struct wst_slice regex,
                           char error[WST_PATTERN_ERROR])
{
    if (!good_name(name)) return "a name is a letter, then up to 30 letters, digits or _";
    return add(redact, name, regex, error);
}

const char *wst_redact_ignore(struct wst_redact *redact, struct wst_slice regex,
                              char error[WST_PATTERN_ERROR])
{
    return add(redact, wst_slice_of(NULL, 0), regex, error);
}

void wst_redact_free(struct wst_redact *redact)
{
    for (uint32_t i = 0; i < redact->n; i++) wst_pattern_free(&redact->rules[i].pattern);
    free(redact->rules);
    *redact = (struct wst_redact){0};
}

/* -- the values ------------------------------------------------------------------------------ */

static bool grow(struct wst_redact_values *v)
{
    uint32_t room = v->room ? v->room * 2 : 64;
    struct wst_redact_value *slots;

    if (!wst_budget_take(v->budget, (size_t)(room - v->room) * sizeof *slots)) return false;
    slots = calloc(room, sizeof *slots);
    if (slots == NULL) {
        wst_budget_give(v->budget, (size_t)(room - v->room) * sizeof *slots);
        return false;
    }
    for (uint32_t i = 0; i < v->room; i++) {
        uint32_t to = (uint32_t)v->slots[i].hash & (room - 1);
        if (v->slots[i].rule == 0) continue;
        while (slots[to].rule) to = (to + 1) & (room - 1);
        slots[to] = v->slots[i];
    }
    free(v->slots);
    v->slots = slots;
    v->room = room;
    return true;
}

/* The number of a value: the one it has, or the next. */
static uint32_t number_of(struct wst_redact_values *v, uint32_t rule, struct wst_slice value)
{
    uint64_t hash = wst_hash_bytes(rule, value);
    uint32_t i, looked = 0;

    if (v->n * 2 >= v->room && v->n < WST_REDACT_VALUES && !grow(v)) v->failed = true;
    if (v->room == 0) return 0;
    for (i = (uint32_t)hash & (v->room - 1); v->slots[i].rule; i = (i + 1) & (v->room - 1)) {
        const struct wst_redact_value *slot = &v->slots[i];
        if (++looked == LOOK_MAX) return v->n;
        if (slot->hash == hash && slot->rule == rule + 1 && slot->n == value.n &&
            memcmp(v->bytes.p + slot->at, value.p, value.n) == 0)
            return slot->number;
    }
    if (v->n >= WST_REDACT_VALUES || v->failed) return v->n;
    v->slots[i] = (struct wst_redact_value){hash, v->bytes.n, (uint32_t)value.n, rule + 1, v->n};
    if (!wst_buf_append(&v->bytes, v->budget, value, SIZE_MAX)) v->failed = true;
    return v->n++;
}

void wst_redact_values_free(struct wst_redact_values *v)
{
    if (v->budget == NULL) return;
    wst_budget_give(v->budget, v->room * sizeof *v->slots);
    free(v->slots);
    wst_buf_free(&v->bytes, v->budget);
    wst_buf_free(&v->scratch, v->budget);
}

/* -- a text ---------------------------------------------------------------------------------- */

struct match { /* from == SIZE_MAX: none */
    size_t from, to;
};

/* The next match of one rule at or behind `at`. */
static struct match next_match(struct wst_redact_values *v, const struct wst_redact_rule *rule,
                               const struct wst_pattern_text *text, size_t at)
{
    while (at <= text->n) {
        struct match m;
        int found = wst_pattern_find(&rule->pattern, text, at, &m.from, &m.to);
        if (found < 0) v->failed = true;
        if (found <= 0) break;
        if (m.to > m.from) return m;
        at = m.to + 1; /* an empty match names nothing */
    }
    return (struct match){SIZE_MAX, SIZE_MAX};
}

static bool all_sure(const struct wst_redact *redact, const struct wst_pattern_text *text)
{
    for (uint32_t i = 0; i < redact->n; i++)
        if (!wst_pattern_sure(&redact->rules[i].pattern, text)) return false;
    return true;
}

static void tell_match(const struct wst_redact *redact, struct wst_redact_values *v, uint32_t rule,
                       struct wst_slice value, const struct wst_redact_sink *sink)
{
    static const char ignored[] = WST_REDACT_IGNORED;

    if (redact->rules[rule].name[0])
        sink->value(sink->user, rule, number_of(v, rule, value));
    else
        sink->literal(sink->user, wst_slice_of((const uint8_t *)ignored, sizeof ignored - 1));
}

/* The leftmost match of all rules; of several at one place the first rule's. */
bool wst_redact_text(const struct wst_redact *redact, struct wst_redact_values *v,
                     struct wst_slice text, const struct wst_redact_sink *sink)
{
    struct match next[WST_REDACT_RULES];
    struct wst_pattern_text looked;
    bool found = false, looks = redact->n && text.n;
    size_t at = 0;

    if (looks && !wst_pattern_text(&looked, text, &v->scratch, v->budget)) {
        v->failed = true;
        looks = false;
    }
    for (uint32_t i = 0; looks && i < redact->n; i++)
        next[i] = next_match(v, &redact->rules[i], &looked, 0);
    v->cut += looks && !all_sure(redact, &looked);
    while (looks) {
        uint32_t first = 0;
        for (uint32_t i = 0; i < redact->n; i++) {
            if (next[i].from < at) next[i] = next_match(v, &redact->rules[i], &looked, at);
            if (next[i].from < next[first].from) first = i;
        }
        if (next[first].from == SIZE_MAX) break;
        if (next[first].from > at)
            sink->literal(sink->user, wst_slice_of(text.p + at, next[first].from - at));
        tell_match(redact, v, first,
                   wst_slice_of(text.p + next[first].from, next[first].to - next[first].from),
                   sink);
        found = true;
        at = next[first].to;
    }
    if (at < text.n) sink->literal(sink->user, wst_slice_skip(text, at));
    return found;
}
