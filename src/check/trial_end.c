/* SPDX-License-Identifier: MIT
 *
 * In: what a capture has shown of each rule. Out: the rules that were not kept, in words.
 * Refuses to be content with nothing: rules for connections that did not come are not kept.
 */
#include "trial.h"

#include <stdlib.h>

struct telling {
    struct wst_trial *t;
    struct wst_outcome *outcome;
    const struct wst_trial_connection *c;
    const struct wst_check_rule *rule;
    const struct wst_trial_state *s;
    struct wst_ink words;
};

/* The rule, a colon, and what the words hold. */
static void tell(struct telling *x, uint64_t first_pkt, uint64_t pkt)
{
    struct wst_difference *d = wst_outcome_add(x->outcome, WST_DIFFERENCE_RULE);
    struct wst_ink what = {.budget = &x->outcome->budget};

    if (d == NULL) return;
    wst_ink_bytes(&what, x->rule->text);
    wst_ink_text(&what, ": ");
    wst_ink_bytes(&what, wst_ink_slice(&x->words));
    d->what = wst_outcome_text(x->outcome, wst_ink_slice(&what));
    d->line = x->rule->line;
    if (x->c) d->connection = wst_outcome_text(x->outcome, wst_slice_text(x->c->uri));
    if (x->c) d->conn = x->c->conn;
    d->pkt_first = first_pkt;
    d->pkt = pkt;
    if (what.failed || x->words.failed) x->outcome->failed = true;
    wst_ink_free(&what);
}

static void put_time(struct wst_ink *ink, int64_t ns)
{
    if (ns < 1000000000)
        wst_ink_format(ink, "%.3f ms", (double)ns / 1e6);
    else
        wst_ink_format(ink, "%.3f s", (double)ns / 1e9);
}

static void put_detail(struct telling *x)
{
    wst_ink_text(&x->words, x->s->detail ? x->s->detail : "");
}

/* -- of each kind ------------------------------------------------------------------------------ */

static void tell_chain(struct telling *x)
{
    uint32_t reached = 0;

    while (x->s->reached && reached < x->rule->steps_n && x->s->reached[reached] != INT64_MIN)
        reached++;
    if (x->s->late && x->s->late > reached) {
        wst_ink_text(&x->words, x->rule->steps_n > 1 ? "message " : "it ");
        if (x->rule->steps_n > 1) wst_ink_format(&x->words, "%u of the row ", (unsigned)x->s->late);
        wst_ink_text(&x->words, "came too late, after ");
        put_time(&x->words, x->s->ns);
        tell(x, x->s->first_pkt, x->s->pkt);
        return;
    }
    if (x->rule->steps_n == 1)
        wst_ink_text(&x->words, "there is no such message");
    else
        wst_ink_format(&x->words, "message %u of the row did not come", (unsigned)reached + 1);
    tell(x, 0, x->c->last_pkt);
}

static void tell_count(struct telling *x, const char *what)
{
    if (wst_trial_holds(x->rule->compare, x->s->n, x->rule->amount)) return;
    wst_ink_format(&x->words, what, (unsigned long long)x->s->n);
    tell(x, x->s->first_pkt, x->s->pkt ? x->s->pkt : x->c->pkt);
}

static void tell_span(struct telling *x)
{
    if (wst_trial_holds(x->rule->compare, x->s->n, x->rule->amount)) return;
    wst_ink_text(&x->words, "it was ");
    put_time(&x->words, (int64_t)x->s->n);
    tell(x, 0, x->s->pkt);
}

/* An unanswered ping is a fault when there was time enough to answer it. */
static void tell_pong(struct telling *x)
{
    for (int i = 0; x->s->pings && i < 2 * WST_TRIAL_PINGS; i++) {
        const struct wst_trial_ping *ping = &x->s->pings[i];
        if (!ping->waits || x->c->last_ns - ping->ns <= (int64_t)x->rule->amount) continue;
        wst_ink_text(&x->words, "a ping was not answered");
        tell(x, ping->pkt, ping->pkt);
        return;
    }
    if (!x->s->broken) return;
    wst_ink_text(&x->words, "a pong came after ");
    put_time(&x->words, x->s->ns);
    tell(x, x->s->first_pkt, x->s->pkt);
}

static void tell_reply(struct telling *x)
{
    const struct wst_trial_request *first = NULL, *requests = x->s->requests.slots;
    uint32_t n = 0;

    for (uint32_t i = 0; i < x->s->requests.room; i++) {
        const struct wst_trial_request *r = &requests[i];
        if (!r->asked || r->answered || x->c->last_ns - r->ns <= (int64_t)x->rule->amount) continue;
        if (first == NULL || r->pkt < first->pkt) first = r;
        n++;
    }
    if (first) {
        wst_ink_format(&x->words,
                       n == 1 ? "%u message was not answered"
                              : "%u messages were not answered, this is the first",
                       (unsigned)n);
        tell(x, first->pkt, first->pkt);
    } else if (x->s->broken) {
        wst_ink_text(&x->words, "the answer to ");
        put_detail(x);
        wst_ink_text(&x->words, " came after ");
        put_time(&x->words, x->s->ns);
        tell(x, x->s->first_pkt, x->s->pkt);
    }
}

static void tell_broken(struct telling *x, const char *before, bool with_detail)
{
    if (!x->s->broken) return;
    wst_ink_text(&x->words, before);
    if (with_detail) put_detail(x);
    if (x->s->n > 1)
        wst_ink_format(&x->words, " (and %llu more)", (unsigned long long)(x->s->n - 1));
    tell(x, x->s->first_pkt, x->s->pkt);
}

static void tell_close(struct telling *x)
{
    if (x->s->met) {
        tell_broken(x, "it was ", true);
        return;
    }
    wst_ink_text(&x->words, "there was no close");
    tell(x, 0, x->c->last_pkt);
}

static void tell_handshake_time(struct telling *x)
{
    if (!x->s->broken) return;
    if (x->s->ns < 0) {
        wst_ink_text(&x->words, "the capture does not have all of it");
    } else {
        wst_ink_text(&x->words, "it took ");
        put_time(&x->words, x->s->ns);
    }
    tell(x, x->s->first_pkt, x->s->pkt);
}

static void tell_gaps(struct telling *x)
{
    if (!x->s->broken) return;
    wst_ink_format(&x->words,
                   x->s->n == 1 ? "%llu gap, of %lld bytes" : "%llu gaps, the first of %lld bytes",
                   (unsigned long long)x->s->n, (long long)x->s->ns);
    tell(x, x->s->first_pkt, x->s->pkt);
}

/* What the words hold is why the line has no verdict. */
static void tell_undecided(struct telling *x, uint32_t line)
{
    struct wst_difference *d = wst_outcome_leave(x->outcome);

    if (x->t->undecided == 0) x->t->undecided = line;
    if (d == NULL) return;
    d->what = wst_outcome_text(x->outcome, wst_ink_slice(&x->words));
    d->line = line;
    if (x->c) d->connection = wst_outcome_text(x->outcome, wst_slice_text(x->c->uri));
    if (x->c) d->conn = x->c->conn;
}

static void tell_rule(struct telling *x)
{
    x->words.buf.n = 0;
    if (wst_trial_undecided(x->t, x->c, x->rule, x->s, &x->words)) {
        tell_undecided(x, x->rule->line);
        return;
    }
    switch (x->rule->kind) {
    case WST_CHECK_RULE_MESSAGE:
        if (!x->s->met) tell_chain(x);
        return;
    case WST_CHECK_RULE_NO_MESSAGE: tell_broken(x, "there is one: ", true); return;
    case WST_CHECK_RULE_MESSAGES:
    case WST_CHECK_RULE_PINGS:
    case WST_CHECK_RULE_PONGS:
    case WST_CHECK_RULE_CLOSES:
        tell_count(x, x->s->n == 1 ? "there is %llu" : "there are %llu");
        return;
    case WST_CHECK_RULE_BYTES: tell_count(x, "there are %llu"); return;
    case WST_CHECK_RULE_LARGEST: tell_count(x, "the largest has %llu bytes"); return;
    case WST_CHECK_RULE_STATUS:
    case WST_CHECK_RULE_SUBPROTOCOL:
    case WST_CHECK_RULE_NO_SUBPROTOCOL:
    case WST_CHECK_RULE_HEADER:
    case WST_CHECK_RULE_NO_HEADER: tell_broken(x, "it is ", true); return;
    case WST_CHECK_RULE_DEFLATE: tell_broken(x, "it was not agreed on", false); return;
    case WST_CHECK_RULE_NO_DEFLATE: tell_broken(x, "it was agreed on", false); return;
    case WST_CHECK_RULE_CLOSE: tell_close(x); return;
    case WST_CHECK_RULE_NO_CLOSE: tell_broken(x, "there was one: ", true); return;
    case WST_CHECK_RULE_NO_PROBLEMS:
    case WST_CHECK_RULE_NO_PROBLEM: tell_broken(x, "", true); return;
    case WST_CHECK_RULE_NO_GAPS: tell_gaps(x); return;
    case WST_CHECK_RULE_PONG: tell_pong(x); return;
    case WST_CHECK_RULE_REPLY: tell_reply(x); return;
    case WST_CHECK_RULE_HANDSHAKE: tell_handshake_time(x); return;
    case WST_CHECK_RULE_DURATION:
    case WST_CHECK_RULE_SILENCE: tell_span(x); return;
    case WST_CHECK_RULE_CONNECTIONS:
    case WST_CHECK_RULE_REFUSED: return; /* of the scope */
    }
}

/* -- scopes ------------------------------------------------------------------------------------ */

/* Those joined in the middle may be to any address; a very long one may match, too. */
static bool strangers(struct telling *x, const struct wst_scope *scope)
{
    x->words.buf.n = 0;
    for (uint32_t i = 0; i < x->t->n && scope->kind != WST_SCOPE_ALL; i++) {
        if (!x->t->connections[i]->lack.late) continue;
        wst_ink_format(&x->words, "the address of connection #%llu is not in the capture",
                       (unsigned long long)x->t->connections[i]->conn);
        return true;
    }
    if (x->t->long_uri != scope->line) return false;
    wst_ink_text(&x->words, "the address of a connection is longer than can be searched");
    return scope->line;
}

static void tell_scope_count(struct telling *x, const struct wst_scope *scope, const uint64_t n[2])
{
    uint64_t seen = n[x->rule->kind == WST_CHECK_RULE_REFUSED];

    if (wst_trial_may_turn(x->rule, seen) && strangers(x, scope)) {
        tell_undecided(x, x->rule->line);
        return;
    }
    x->words.buf.n = 0;
    if (wst_trial_holds(x->rule->compare, seen, x->rule->amount)) return;
    wst_ink_format(&x->words, seen == 1 ? "there is %llu" : "there are %llu",
                   (unsigned long long)seen);
    tell(x, 0, 0);
}

/* Before the first part the first rule stands for it. */
static uint32_t line_of(const struct wst_check_rules *rules, uint32_t index)
{
    for (uint32_t i = 0; i < rules->n && rules->scopes[index].line == 0; i++)
        if (rules->rules[i].scope == index) return rules->rules[i].line;
    return rules->scopes[index].line;
}

static void tell_nobody(struct telling *x, uint32_t index, uint64_t refused)
{
    const struct wst_scope *scope = &x->t->rules->scopes[index];
    struct wst_difference *d;

    if (strangers(x, scope)) {
        tell_undecided(x, scope->line);
        return;
    }
    d = wst_outcome_add(x->outcome, WST_DIFFERENCE_RULE);
    if (d == NULL) return;
    x->words.buf.n = 0;
    wst_ink_bytes(&x->words, scope->line ? scope->text : wst_slice_text("connection *"));
    wst_ink_text(&x->words, refused ? ": it was refused" : ": there is no such connection");
    wst_ink_text(&x->words, ", so that nothing speaks for the rules");
    d->what = wst_outcome_text(x->outcome, wst_ink_slice(&x->words));
    d->line = line_of(x->t->rules, index);
}

/* A time in which something is answered says nothing when nobody asked. */
static void tell_unasked(struct telling *x, uint32_t at, uint32_t scope)
{
    bool pong = x->rule->kind == WST_CHECK_RULE_PONG;

    if (pong && x->t->rules->scopes[scope].may_lack_pings) return;
    for (uint32_t i = 0; i < x->t->n; i++) {
        const struct wst_trial_connection *c = x->t->connections[i];
        const struct wst_trial_state *s = &c->states[at];
        x->words.buf.n = 0;
        if (!c->accepted || !c->in[scope]) continue;
        if (pong ? s->pings_n[0] + s->pings_n[1] : s->n) return;
        if (wst_trial_undecided(x->t, c, x->rule, s, &x->words)) return; /* and told there */
    }
    x->words.buf.n = 0;
    wst_ink_text(&x->words, pong              ? "there was no ping"
                            : x->rule->step.n ? "no message has a value there"
                                              : "no message asks");
    wst_ink_text(&x->words, ", so that nothing speaks for the rule");
    tell(x, 0, 0);
}

static void tell_scope(struct telling *x, uint32_t index)
{
    const struct wst_scope *scope = &x->t->rules->scopes[index];
    uint64_t n[2] = {0, 0};

    for (uint32_t i = 0; i < x->t->n; i++)
        if (x->t->connections[i]->in[index]) n[!x->t->connections[i]->accepted]++;
    x->c = NULL;
    for (uint32_t i = 0; i < x->t->rules->n; i++) {
        x->rule = &x->t->rules->rules[i];
        if (x->rule->scope != index) continue;
        if (x->rule->kind == WST_CHECK_RULE_CONNECTIONS || x->rule->kind == WST_CHECK_RULE_REFUSED)
            tell_scope_count(x, scope, n);
        if (n[0] && (x->rule->kind == WST_CHECK_RULE_PONG || x->rule->kind == WST_CHECK_RULE_REPLY))
            tell_unasked(x, i, index);
    }
    if (n[0] == 0 && scope->rules_n && !scope->may_lack) tell_nobody(x, index, n[1]);
}

struct wst_outcome *wst_trial_end(struct wst_trial *t)
{
    struct telling x = {.t = t, .outcome = wst_outcome_new()};

    if (x.outcome == NULL) return NULL;
    x.words.budget = &x.outcome->budget;
    for (uint32_t i = 0; i < t->rules->scopes_n; i++) tell_scope(&x, i);
    for (uint32_t k = 0; k < t->n; k++) {
        x.c = t->connections[k];
        for (uint32_t i = 0; i < t->rules->n && x.c->accepted; i++) {
            x.rule = &t->rules->rules[i];
            x.s = &x.c->states[i];
            if (x.c->in[x.rule->scope]) tell_rule(&x);
        }
    }
    wst_ink_free(&x.words);
    if (!t->failed && !x.outcome->failed) return x.outcome;
    wst_outcome_free(x.outcome);
    return NULL;
}
