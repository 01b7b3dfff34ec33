/* SPDX-License-Identifier: MIT
 *
 * In: a timeline, and rules. Out: what each connection shows of each rule.
 * Refuses to remember more than the caps; what did not fit makes the trial fail as a whole.
 */
#include "trial.h"

#include "canon.h"
#include "hash.h"

#include <stdio.h>
#include <stdlib.h>

struct wst_trial *wst_trial_new(const struct wst_check_rules *rules, size_t memory)
{
    struct wst_trial *t = calloc(1, sizeof *t);

    if (t == NULL) return NULL;
    t->rules = rules;
    t->budget.max = memory;
    t->arena.budget = t->scratch.budget = &t->budget;
    return t;
}

void wst_trial_free(struct wst_trial *t)
{
    if (t == NULL) return;
    for (uint32_t i = 0; i < t->n; i++)
        for (uint32_t k = 0; t->connections[i]->states && k < t->rules->n; k++)
            free(t->connections[i]->states[k].requests);
    free(t->connections);
    wst_buf_free(&t->string, &t->budget);
    wst_ink_free(&t->scratch);
    wst_tape_free(&t->tape, &t->budget);
    wst_arena_free(&t->arena);
    free(t);
}

/* -- connections ----------------------------------------------------------------------------- */

static struct wst_trial_connection *add(struct wst_trial *t, int64_t ns)
{
    struct wst_trial_connection *c = wst_arena_take(&t->arena, sizeof *c);

    if (t->n == t->room) {
        uint32_t room = t->room ? t->room * 2 : 16;
        struct wst_trial_connection **list =
            wst_budget_take(&t->budget, (room - t->room) * sizeof(void *))
                ? realloc(t->connections, room * sizeof *list)
                : NULL;
        if (list == NULL) c = NULL;
        if (list) t->connections = list;
        if (list) t->room = room;
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

static const char *keep(struct wst_trial *t, struct wst_slice text)
{
    const char *copy;

    t->scratch.buf.n = 0;
    wst_ink_safe(&t->scratch, text);
    copy = t->scratch.failed ? NULL : wst_arena_text(&t->arena, wst_ink_slice(&t->scratch));
    if (copy == NULL) t->failed = true;
    return copy ? copy : "";
}

/* What was seen, in words; the first stays. Strangers' text comes through `shown`. */
static void detail(struct wst_trial *t, struct wst_trial_state *s, struct wst_slice words)
{
    if (s->detail == NULL) s->detail = (char *)keep(t, words);
}

/* A payload in quotes, cut. */
static struct wst_slice shown(struct wst_trial *t, struct wst_slice payload)
{
    size_t n = payload.n < WST_TRIAL_DETAIL ? payload.n : WST_TRIAL_DETAIL;

    while (n < payload.n && n > 0 && (payload.p[n] & 0xc0) == 0x80) n--;
    t->scratch.buf.n = 0;
    wst_ink_byte(&t->scratch, '"');
    wst_ink_escaped(&t->scratch, wst_slice_head(payload, n));
    wst_ink_text(&t->scratch, n < payload.n ? "...\"" : "\"");
    return wst_ink_slice(&t->scratch);
}

static void detail_shown(struct wst_trial *t, struct wst_trial_state *s, struct wst_slice payload)
{
    struct wst_ink copy = {.budget = &t->budget};

    if (s->detail) return;
    wst_ink_bytes(&copy, shown(t, payload));
    detail(t, s, wst_ink_slice(&copy));
    wst_ink_free(&copy);
}

static void decide(struct wst_trial_state *s, const struct wst_event *e, bool broken)
{
    s->broken |= broken;
    s->pkt = e->when.pkt;
    s->first_pkt = e->type == WST_EVENT_MESSAGE ? e->message.first_pkt : e->when.pkt;
}

/* -- tests ----------------------------------------------------------------------------------- */

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

static bool matches(struct wst_trial *t, const struct wst_pattern *pattern, struct wst_slice text)
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
static bool test_text(struct wst_trial *t, const struct wst_test *test, struct wst_slice text)
{
    if (text.p == NULL) return test->compare == WST_UNEQUAL;
    if (test->compare == WST_MATCHES) return matches(t, &test->pattern, text);
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
    at->good += test_text(at->t, test, bytes);
}

/* One of the values is good; with != none may be bad. */
static bool test_json(struct wst_trial *t, const struct wst_test *test, struct wst_slice json)
{
    struct at_path at = {t, test, json, 0, 0};

    if (t->tape.n == 0) return false;
    wst_path_select(&test->path, json, &t->tape, look, &at);
    return test->compare == WST_UNEQUAL ? at.n && at.good == at.n : at.good > 0;
}

struct said { /* a message, read as far as somebody asked */
    const struct wst_event *event;
    struct wst_slice json; /* of t->tape */
    bool read;
    bool unsure; /* it does not fit only because an expression may have missed a long match */
};

static void read_json(struct wst_trial *t, struct said *m)
{
    const struct wst_event_message *message = &m->event->message;
    size_t begins = message->utf8 ? wst_canon_json_begins(message->payload) : SIZE_MAX;

    m->read = true;
    t->tape.n = 0;
    if (begins == SIZE_MAX) return;
    m->json = wst_slice_skip(message->payload, begins);
    if (!wst_tape_read(&t->tape, &t->budget, m->json)) t->tape.n = 0;
}

static bool fits(struct wst_trial *t, const struct wst_step *step, struct said *m)
{
    const struct wst_event *e = m->event;
    struct wst_slice payload = e->message.payload.p ? e->message.payload : wst_slice_text("");
    bool unsure = false;

    m->unsure = false;
    if (step->dir != WST_DIR_NONE && step->dir != e->dir) return false;
    if (step->opcode && step->opcode != e->message.opcode) return false;
    for (uint32_t i = 0; i < step->n; i++) {
        const struct wst_test *test = &t->rules->tests[step->first + i];
        uint64_t cut = t->cut;
        if (test->json && !m->read) read_json(t, m);
        if (test->json ? test_json(t, test, m->json) : test_text(t, test, payload)) continue;
        if (t->cut == cut) return false;
        unsure = true;
    }
    m->unsure = unsure;
    return !unsure;
}

/* -- a message and its rules ------------------------------------------------------------------- */

/* For each step the last time at which the row up to it was there: whatever a later step demands,
 * an earlier time would not serve it better. From the back, so that one message is one step. */
static void advance(struct wst_trial *t, const struct wst_trial_connection *c,
                    const struct wst_check_rule *rule, struct wst_trial_state *s, struct said *m)
{
    int64_t now = m->event->when.ns;

    if (s->reached == NULL) {
        s->reached = wst_arena_take(&t->arena, rule->steps_n * sizeof *s->reached);
        if (s->reached == NULL) {
            t->failed = true;
            return;
        }
        for (uint32_t k = 0; k < rule->steps_n; k++) s->reached[k] = INT64_MIN;
    }
    for (uint32_t k = rule->steps_n; k-- > 0;) {
        const struct wst_step *step = &t->rules->steps[rule->steps + k];
        int64_t before = k ? s->reached[k - 1] : c->start_ns;
        if (before == INT64_MIN || !fits(t, step, m)) continue;
        if (step->of_handshake) before = c->start_ns;
        if (step->within_ns && now - before > step->within_ns) {
            if (s->late < k + 1) {
                s->late = k + 1;
                s->ns = now - before;
                decide(s, m->event, false);
            }
            continue;
        }
        s->reached[k] = now;
        if (k + 1 == rule->steps_n) s->met = true;
    }
}

static void find_id(void *user, struct wst_tape_node *node)
{
    struct at_path *at = user;

    if (at->n == 0 && node->kind >= WST_TAPE_STRING) {
        struct wst_slice bytes = wst_tape_bytes(at->json, node);
        at->n = 1;
        at->good = node->kind;
        at->json = bytes;
    }
}

static struct wst_trial_request *request_of(struct wst_trial *t, struct wst_trial_state *s,
                                            uint64_t id)
{
    uint32_t i;

    if (s->requests_n * 2 >= s->requests_room) {
        uint32_t room = s->requests_room ? s->requests_room * 2 : 16;
        struct wst_trial_request *slots = NULL;
        if (room <= WST_TRIAL_REQUESTS &&
            wst_budget_take(&t->budget, (room - s->requests_room) * sizeof *slots))
            slots = calloc(room, sizeof *slots);
        if (slots == NULL) {
            t->failed = true;
            return NULL;
        }
        for (uint32_t k = 0; k < s->requests_room; k++) {
            uint32_t to = (uint32_t)s->requests[k].id & (room - 1);
            if (s->requests[k].id == 0) continue;
            while (slots[to].id) to = (to + 1) & (room - 1);
            slots[to] = s->requests[k];
        }
        free(s->requests);
        s->requests = slots;
        s->requests_room = room;
    }
    for (i = (uint32_t)id & (s->requests_room - 1); s->requests[i].id && s->requests[i].id != id;
         i = (i + 1) & (s->requests_room - 1))
        continue;
    return &s->requests[i];
}

/* The first with an id asks, the other side's first with it answers. */
static void reply(struct wst_trial *t, const struct wst_check_rule *rule, struct wst_trial_state *s,
                  struct said *m)
{
    const struct wst_event *e = m->event;
    struct at_path at = {t, NULL, {NULL, 0}, 0, 0};
    struct wst_trial_request *request;
    int64_t took;

    if (!m->read) read_json(t, m);
    at.json = m->json;
    if (t->tape.n == 0) return;
    wst_path_select(&t->rules->tests[rule->step.first].path, m->json, &t->tape, find_id, &at);
    if (at.n == 0) return;
    request = request_of(t, s, wst_hash_bytes(at.good, at.json) | 1);
    if (request == NULL) return;
    if (request->id == 0 ||
        (request->answered && request->dir == e->dir)) { /* or an id used again */
        s->requests_n += request->id == 0;
        *request = (struct wst_trial_request){wst_hash_bytes(at.good, at.json) | 1, e->when.pkt,
                                              e->when.ns, (int8_t)e->dir, false};
        return;
    }
    if (request->answered || request->dir == e->dir) return;
    request->answered = true;
    took = e->when.ns - request->ns;
    if (took > (int64_t)rule->amount && took > s->ns) {
        s->ns = took;
        s->detail = NULL;
        detail(t, s, at.json);
        decide(s, e, true);
    }
}

static void message_rule(struct wst_trial *t, const struct wst_trial_connection *c,
                         const struct wst_check_rule *rule, struct wst_trial_state *s,
                         struct said *m)
{
    const struct wst_event *e = m->event;
    const struct wst_step *only =
        rule->kind == WST_CHECK_RULE_NO_MESSAGE ? &t->rules->steps[rule->steps] : &rule->step;

    switch (rule->kind) {
    case WST_CHECK_RULE_MESSAGE:
        if (!s->met) advance(t, c, rule, s, m);
        return;
    case WST_CHECK_RULE_REPLY: reply(t, rule, s, m); return;
    case WST_CHECK_RULE_NO_MESSAGE:
    case WST_CHECK_RULE_MESSAGES:
    case WST_CHECK_RULE_BYTES:
    case WST_CHECK_RULE_LARGEST: break;
    default: return;
    }
    if (rule->kind == WST_CHECK_RULE_NO_MESSAGE && only->within_ns &&
        e->when.ns - c->start_ns > only->within_ns)
        return;
    if (!fits(t, only, m)) {
        s->undecided |= m->unsure;
        return;
    }
    if (rule->kind == WST_CHECK_RULE_NO_MESSAGE) {
        if (s->n++ == 0) {
            decide(s, e, true);
            detail_shown(t, s, e->message.payload);
        }
    } else if (rule->kind == WST_CHECK_RULE_MESSAGES) {
        s->n++;
        decide(s, e, false);
    } else if (rule->kind == WST_CHECK_RULE_BYTES) {
        s->n += e->message.len;
        decide(s, e, false);
    } else if (e->message.len > s->n || s->pkt == 0) {
        s->n = e->message.len;
        decide(s, e, false);
    }
}

/* -- control frames ---------------------------------------------------------------------------- */

static void ping_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                      struct wst_trial_state *s, const struct wst_event *e)
{
    bool pong = e->frame.opcode == 10;
    unsigned asked = (e->dir == WST_S2C) != pong; /* whose ping it is */
    uint64_t hash = wst_hash_bytes(0, e->frame.payload);
    struct wst_trial_ping *pings;

    if (s->pings == NULL)
        s->pings = wst_arena_take(&t->arena, 2 * WST_TRIAL_PINGS * sizeof *s->pings);
    if (s->pings == NULL) {
        t->failed = true;
        return;
    }
    pings = s->pings + asked * WST_TRIAL_PINGS;
    if (!pong) {
        pings[s->pings_n[asked]++ % WST_TRIAL_PINGS] =
            (struct wst_trial_ping){hash, e->when.pkt, e->when.ns, true};
        return;
    }
    for (uint32_t back = 1; back <= WST_TRIAL_PINGS && back <= s->pings_n[asked]; back++) {
        struct wst_trial_ping *ping = &pings[(s->pings_n[asked] - back) % WST_TRIAL_PINGS];
        int64_t took = e->when.ns - ping->ns;
        if (!ping->waits || ping->payload != hash) continue;
        if (took > (int64_t)rule->amount && took > s->ns) {
            s->ns = took;
            decide(s, e, true);
        }
        /* RFC 6455 section 5.5.3: it may answer only the last of several pings. */
        for (; back <= WST_TRIAL_PINGS && back <= s->pings_n[asked]; back++)
            pings[(s->pings_n[asked] - back) % WST_TRIAL_PINGS].waits = false;
        return;
    }
}

static void frame_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                       struct wst_trial_state *s, const struct wst_event *e)
{
    static const enum wst_check_rule_kind counted[] = {
        [8] = WST_CHECK_RULE_CLOSES, [9] = WST_CHECK_RULE_PINGS, [10] = WST_CHECK_RULE_PONGS};
    uint8_t op = e->frame.opcode;

    if (op < 8 || op > 10) return;
    if (rule->kind == WST_CHECK_RULE_PONG && op > 8) ping_rule(t, rule, s, e);
    if (rule->kind != counted[op] || (rule->step.dir != WST_DIR_NONE && rule->step.dir != e->dir))
        return;
    s->n++;
    decide(s, e, false);
}

static void close_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                       struct wst_trial_state *s, const struct wst_event *e)
{
    const struct wst_event_close *c = &e->close;
    bool good = rule->list_n == 0;
    struct wst_ink words = {.budget = &t->budget};

    if (rule->kind != WST_CHECK_RULE_CLOSE && rule->kind != WST_CHECK_RULE_NO_CLOSE) return;
    if (s->met || (rule->step.dir != WST_DIR_NONE && rule->step.dir != e->dir)) return;
    s->met = true;
    for (uint32_t i = 0; i < rule->list_n; i++) good |= c->code == (int32_t)rule->list[i];
    for (uint32_t i = 0; i < rule->step.n; i++)
        good &= test_text(t, &t->rules->tests[rule->step.first + i],
                          c->reason.p ? c->reason : wst_slice_text(""));
    if (c->code >= 0)
        wst_ink_format(&words, "%d", (int)c->code);
    else
        wst_ink_text(&words, "without a code");
    if (c->reason.n) wst_ink_byte(&words, ' ');
    if (c->reason.n) wst_ink_bytes(&words, shown(t, c->reason));
    detail(t, s, wst_ink_slice(&words));
    wst_ink_free(&words);
    decide(s, e, rule->kind == WST_CHECK_RULE_NO_CLOSE || !good);
}

/* -- the handshake ----------------------------------------------------------------------------- */

static struct wst_slice header_of(const struct wst_event_handshake *h,
                                  const struct wst_check_rule *rule)
{
    const struct wst_header *list = rule->response ? h->response_headers : h->request_headers;
    size_t n = rule->response ? h->response_headers_n : h->request_headers_n;
    char name[WST_CHECK_RULES_LINE + 1];

    memcpy(name, rule->name.p, rule->name.n);
    name[rule->name.n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (wst_slice_is_nocase(list[i].name, name))
            return list[i].value.p ? list[i].value : wst_slice_text("");
    return (struct wst_slice){NULL, 0};
}

static void text_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                      struct wst_trial_state *s, const struct wst_event *e, struct wst_slice text)
{
    bool good = true;

    for (uint32_t i = 0; i < rule->step.n; i++)
        good &= test_text(t, &t->rules->tests[rule->step.first + i], text);
    decide(s, e, !good);
    if (text.p)
        detail_shown(t, s, text);
    else
        detail(t, s, wst_slice_text("none"));
}

static void handshake_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                           struct wst_trial_state *s, const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;
    struct wst_slice value;
    char number[16];

    switch (rule->kind) {
    case WST_CHECK_RULE_STATUS:
        snprintf(number, sizeof number, "%d", (int)h->status);
        detail(t, s, wst_slice_text(h->status < 0 ? "not in the capture" : number));
        decide(s, e,
               h->status < 0 || !wst_trial_holds(rule->compare, (uint64_t)h->status, rule->amount));
        return;
    case WST_CHECK_RULE_SUBPROTOCOL: text_rule(t, rule, s, e, h->subprotocol); return;
    case WST_CHECK_RULE_NO_SUBPROTOCOL:
        decide(s, e, h->subprotocol.p != NULL);
        if (h->subprotocol.p) detail_shown(t, s, h->subprotocol);
        return;
    case WST_CHECK_RULE_DEFLATE: decide(s, e, !h->deflate.agreed); return;
    case WST_CHECK_RULE_NO_DEFLATE: decide(s, e, h->deflate.agreed); return;
    case WST_CHECK_RULE_HEADER: text_rule(t, rule, s, e, header_of(h, rule)); return;
    case WST_CHECK_RULE_NO_HEADER:
        value = header_of(h, rule);
        decide(s, e, value.p != NULL);
        if (value.p) detail_shown(t, s, value);
        return;
    case WST_CHECK_RULE_HANDSHAKE:
        s->ns = h->rtt_ns;
        decide(s, e, h->rtt_ns < 0 || h->rtt_ns > (int64_t)rule->amount);
        return;
    default: return;
    }
}

static bool in_scope(struct wst_trial *t, const struct wst_scope *scope, struct wst_slice uri)
{
    const uint8_t *query;

    if (scope->kind == WST_SCOPE_ALL) return true;
    if (uri.p == NULL) return false;
    if (scope->kind == WST_SCOPE_PATTERN) {
        uint64_t cut = t->cut;
        bool in = matches(t, &scope->pattern, uri);
        if (t->cut > cut && t->undecided == 0) t->undecided = scope->line;
        return in;
    }
    query = memchr(uri.p, '?', uri.n);
    if (uri.n == scope->uri.n && memcmp(uri.p, scope->uri.p, uri.n) == 0) return true;
    return query && (size_t)(query - uri.p) == scope->uri.n &&
           memcmp(uri.p, scope->uri.p, scope->uri.n) == 0;
}

static void handshake(struct wst_trial *t, struct wst_trial_connection *c,
                      const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;

    c->accepted = h->accepted;
    c->start_ns = c->last_ns = e->when.ns;
    c->pkt = e->when.pkt;
    c->uri = h->uri.p ? keep(t, h->uri) : "(joined in the middle)";
    for (uint32_t i = 0; i < t->rules->scopes_n; i++)
        c->in[i] = in_scope(t, &t->rules->scopes[i], h->uri);
}

/* -- everything else --------------------------------------------------------------------------- */

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
    detail(t, s, wst_slice_text(words));
    decide(s, e, true);
}

static void gap_rule(const struct wst_check_rule *rule, struct wst_trial_state *s,
                     const struct wst_event *e)
{
    if (rule->kind != WST_CHECK_RULE_NO_GAPS || s->n++) return;
    s->ns = (int64_t)e->gap.bytes;
    decide(s, e, true);
}

static void end_rule(const struct wst_check_rule *rule, struct wst_trial_state *s,
                     const struct wst_event *e)
{
    if (rule->kind != WST_CHECK_RULE_DURATION) return;
    s->n = e->end.duration_ns > 0 ? (uint64_t)e->end.duration_ns : 0;
    decide(s, e, false);
}

static void silence_rule(const struct wst_trial_connection *c, const struct wst_check_rule *rule,
                         struct wst_trial_state *s, const struct wst_event *e)
{
    int64_t silence = e->when.ns - c->last_ns;

    if (rule->kind != WST_CHECK_RULE_SILENCE || silence <= (int64_t)s->n) return;
    s->n = (uint64_t)silence;
    decide(s, e, false);
}

static void apply(struct wst_trial *t, struct wst_trial_connection *c,
                  const struct wst_check_rule *rule, struct wst_trial_state *s, struct said *m)
{
    const struct wst_event *e = m->event;

    silence_rule(c, rule, s, e);
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: handshake_rule(t, rule, s, e); return;
    case WST_EVENT_FRAME: frame_rule(t, rule, s, e); return;
    case WST_EVENT_MESSAGE: message_rule(t, c, rule, s, m); return;
    case WST_EVENT_CLOSE: close_rule(t, rule, s, e); return;
    case WST_EVENT_PROBLEM: problem_rule(t, rule, s, e); return;
    case WST_EVENT_GAP: gap_rule(rule, s, e); return;
    case WST_EVENT_END: end_rule(rule, s, e); return;
    default: return;
    }
}

static void listen(void *user, const struct wst_event *e)
{
    struct wst_trial *t = user;
    struct said m = {.event = e};
    struct wst_trial_connection *c;

    if (t->failed) return;
    t->gaps += e->type == WST_EVENT_GAP;
    t->messages += e->type == WST_EVENT_MESSAGE;
    c = connection_of(t, e);
    if (c == NULL || t->failed) return;
    if (e->type == WST_EVENT_HANDSHAKE) handshake(t, c, e);
    for (uint32_t i = 0; i < t->rules->n; i++)
        if (c->in[t->rules->rules[i].scope]) apply(t, c, &t->rules->rules[i], &c->states[i], &m);
    if (e->when.ns > c->last_ns) c->last_ns = e->when.ns;
    if (e->when.pkt) c->last_pkt = e->when.pkt;
    if (e->type == WST_EVENT_END) c->ended = true;
}

struct wst_listener wst_trial_listener(struct wst_trial *t)
{
    return (struct wst_listener){t, listen, NULL};
}

struct wst_session_facts wst_trial_facts(const struct wst_trial *t)
{
    return (struct wst_session_facts){.connections = t->n,
                                      .items = t->messages,
                                      .messages = t->messages,
                                      .gaps = t->gaps,
                                      .cut = t->cut,
                                      .undecided = t->undecided};
}
