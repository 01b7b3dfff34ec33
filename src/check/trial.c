/* SPDX-License-Identifier: MIT
 *
 * In: a timeline, and rules. Out: what each connection shows of each rule: each event goes to the
 * rules whose connection it is about. Refuses to remember more than the caps; what did not fit
 * makes the trial fail as a whole.
 */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "array.h"

struct wst_trial *wst_trial_new(const struct wst_check_rules *rules, size_t memory)
{
    struct wst_trial *t = calloc(1, sizeof *t);

    if (t == NULL) return NULL;
    t->rules = rules;
    t->budget.max = memory;
    t->arena.budget = t->scratch.budget = t->said.budget = &t->budget;
    return t;
}

void wst_trial_free(struct wst_trial *t)
{
    if (t == NULL) return;
    for (uint32_t i = 0; i < t->n; i++)
        for (uint32_t k = 0; t->connections[i]->states && k < t->rules->n; k++)
            wst_ids_free(&t->connections[i]->states[k].requests, sizeof(struct wst_trial_request),
                         &t->budget);
    free(t->connections);
    wst_buf_free(&t->string, &t->budget);
    wst_ink_free(&t->scratch);
    wst_tape_free(&t->tape, &t->budget);
    wst_tape_free(&t->said_tape, &t->budget);
    wst_ink_free(&t->said);
    free(t->said_out);
    wst_arena_free(&t->arena);
    free(t);
}

/* -- connections ----------------------------------------------------------------------------- */

static struct wst_trial_connection *add(struct wst_trial *t, int64_t ns)
{
    struct wst_trial_connection *c = wst_arena_take(&t->arena, sizeof *c);

    if (t->n == t->room) {
        void *list =
            wst_array_double_paid(&t->budget, t->connections, &t->room, sizeof *t->connections, 16);
        if (list == NULL) c = NULL;
        if (list) t->connections = list;
    }
    if (c) c->in = wst_arena_take(&t->arena, t->rules->scopes_n * sizeof *c->in);
    if (c) c->states = wst_arena_take(&t->arena, (t->rules->n + 1) * sizeof *c->states);
    if (c == NULL || c->in == NULL || c->states == NULL) {
        t->failed = true;
        return NULL;
    }
    c->uri = "";
    c->start_ns = c->last_ns = ns;
    t->connections[t->n++] = c;
    c->conn = t->n;
    return c;
}

static struct wst_trial_connection *connection_of(struct wst_trial *t, const struct wst_event *e)
{
    while (t->n < e->conn && !t->failed) add(t, e->when.ns);
    return e->conn && e->conn <= t->n ? t->connections[e->conn - 1] : NULL;
}

static bool in_scope(struct wst_trial *t, const struct wst_scope *scope, struct wst_slice uri)
{
    const uint8_t *query;

    if (scope->kind == WST_SCOPE_ALL) return true;
    if (uri.p == NULL) return false;
    if (scope->kind == WST_SCOPE_PATTERN) {
        uint64_t cut = t->cut;
        bool in = wst_trial_matches(t, &scope->pattern, uri);
        t->long_uri |= t->cut > cut && t->long_uri == 0 ? scope->line : 0;
        return in;
    }
    query = memchr(uri.p, '?', uri.n);
    if (wst_slice_same(uri, scope->uri)) return true;
    return query && wst_slice_same(wst_slice_head(uri, (size_t)(query - uri.p)), scope->uri);
}

static void handshake(struct wst_trial *t, struct wst_trial_connection *c,
                      const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;

    c->accepted = h->accepted;
    c->start_ns = c->last_ns = e->when.ns;
    c->pkt = e->when.pkt;
    c->uri = h->uri.p ? wst_trial_keep(t, h->uri) : "(joined in the middle)";
    for (uint32_t i = 0; i < t->rules->scopes_n; i++)
        c->in[i] = in_scope(t, &t->rules->scopes[i], h->uri);
}

/* -- findings, gaps, ends, silence ------------------------------------------------------------- */

static bool listed(const struct wst_check_rule *rule, uint32_t value)
{
    for (uint32_t i = 0; i < rule->list_n; i++)
        if (rule->list[i] == value) return true;
    return false;
}

static void problem_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                         struct wst_trial_state *s, const struct wst_event *e)
{
    const struct wst_problem_row *row = wst_problem_row(e->problem.problem);
    char words[512];

    if (row == NULL) return;
    if (rule->kind == WST_CHECK_RULE_NO_PROBLEM
            ? !listed(rule, e->problem.problem)
            : rule->kind != WST_CHECK_RULE_NO_PROBLEMS || row->level < rule->level ||
                  listed(rule, e->problem.problem))
        return;
    if (s->n++) return;
    snprintf(words, sizeof words, "%s: %s", row->id,
             e->problem.detail ? e->problem.detail : row->meaning);
    wst_trial_detail(t, s, wst_slice_text(words));
    wst_trial_decide(s, e, true);
}

static void gap_rule(const struct wst_check_rule *rule, struct wst_trial_state *s,
                     const struct wst_event *e)
{
    if (rule->kind != WST_CHECK_RULE_NO_GAPS || s->n++) return;
    s->ns = (int64_t)e->gap.bytes;
    wst_trial_decide(s, e, true);
}

static void end_rule(const struct wst_check_rule *rule, struct wst_trial_state *s,
                     const struct wst_event *e)
{
    if (rule->kind != WST_CHECK_RULE_DURATION) return;
    s->n = e->end.duration_ns > 0 ? (uint64_t)e->end.duration_ns : 0;
    wst_trial_decide(s, e, false);
}

static void silence_rule(const struct wst_trial_connection *c, const struct wst_check_rule *rule,
                         struct wst_trial_state *s, const struct wst_event *e)
{
    int64_t silence = e->when.ns - c->last_ns;

    if (rule->kind != WST_CHECK_RULE_SILENCE || silence <= (int64_t)s->n) return;
    s->n = (uint64_t)silence;
    wst_trial_decide(s, e, false);
}

/* -- listening --------------------------------------------------------------------------------- */

static void apply(struct wst_trial *t, struct wst_trial_connection *c,
                  const struct wst_check_rule *rule, struct wst_trial_state *s,
                  struct wst_trial_said *m)
{
    const struct wst_event *e = m->event;

    silence_rule(c, rule, s, e);
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: wst_trial_handshake(t, rule, s, e); return;
    case WST_EVENT_FRAME: wst_trial_frame(t, rule, s, e); return;
    case WST_EVENT_MESSAGE: wst_trial_message(t, c, rule, s, m); return;
    case WST_EVENT_CLOSE: wst_trial_close(t, rule, s, e); return;
    case WST_EVENT_PROBLEM: problem_rule(t, rule, s, e); return;
    case WST_EVENT_GAP: gap_rule(rule, s, e); return;
    case WST_EVENT_END: end_rule(rule, s, e); return;
    default: return;
    }
}

static void listen(void *user, const struct wst_event *e)
{
    struct wst_trial *t = user;
    struct wst_trial_said m = {.event = e};
    struct wst_trial_connection *c;

    if (t->failed) return;
    t->gaps += e->type == WST_EVENT_GAP;
    t->messages += e->type == WST_EVENT_MESSAGE;
    if (e->type == WST_EVENT_STATS) {
        t->unread = e->stats.tls_no_key;
        t->quic = e->stats.quic > 0;
    }
    if (e->type == WST_EVENT_HANDSHAKE) t->late += e->handshake.carrier == WST_CARRIER_UNKNOWN;
    c = connection_of(t, e);
    if (c == NULL || t->failed) return;
    if (e->type == WST_EVENT_HANDSHAKE) handshake(t, c, e);
    wst_trial_lack(&c->lack, e);
    if (e->type == WST_EVENT_MESSAGE) {
        c->said = true;
        c->known |= e->message.app != NULL;
    }
    for (uint32_t i = 0; i < t->rules->n; i++)
        if (c->in[t->rules->rules[i].scope]) apply(t, c, &t->rules->rules[i], &c->states[i], &m);
    if (e->when.ns > c->last_ns) c->last_ns = e->when.ns;
    if (e->when.pkt) c->last_pkt = e->when.pkt;
}

struct wst_listener wst_trial_listener(struct wst_trial *t)
{
    return (struct wst_listener){t, listen, NULL};
}

static bool asks_app(const struct wst_trial *t, const struct wst_check_rule *rule)
{
    const struct wst_step *step;

    if (rule->kind != WST_CHECK_RULE_NO_MESSAGE) return false;
    step = &t->rules->steps[rule->steps];
    for (uint32_t i = 0; i < step->n; i++)
        if (t->rules->tests[step->first + i].app) return true;
    return false;
}

static uint32_t kept_by_anything(const struct wst_trial *t)
{
    for (uint32_t i = 0; i < t->rules->n; i++) {
        const struct wst_check_rule *rule = &t->rules->rules[i];
        bool said = false, known = false;
        if (!asks_app(t, rule)) continue;
        for (uint32_t k = 0; k < t->n; k++) {
            const struct wst_trial_connection *c = t->connections[k];
            said |= c->in[rule->scope] && c->said;
            known |= c->in[rule->scope] && c->known;
        }
        if (said && !known) return rule->line;
    }
    return 0;
}

struct wst_session_facts wst_trial_facts(const struct wst_trial *t)
{
    return (struct wst_session_facts){.connections = t->n,
                                      .items = t->messages,
                                      .messages = t->messages,
                                      .gaps = t->gaps,
                                      .late = t->late,
                                      .unread = t->unread,
                                      .quic = t->quic,
                                      .cut = t->cut,
                                      .undecided = t->undecided,
                                      .unknown = kept_by_anything(t)};
}
