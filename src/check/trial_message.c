/* SPDX-License-Identifier: MIT
 *
 * In: messages, and the rules about them. Out: what each rule has seen.
 * Refuses to remember more ids than their table takes: the trial fails then.
 */
#include "canon.h"
#include "hash.h"
#include "numbered.h"
#include "trial.h"

static void read_json(struct wst_trial *t, struct wst_trial_said *m)
{
    const struct wst_event_message *message = &m->event->message;
    size_t begins = message->utf8 ? wst_canon_json_begins(message->payload) : SIZE_MAX;

    m->read = true;
    t->tape.n = 0;
    if (begins == SIZE_MAX) return;
    m->json = wst_slice_skip(message->payload, begins);
    if (wst_tape_read(&t->tape, &t->budget, m->json)) return;
    t->tape.n = 0;
    m->too_much = t->tape.full;
}

/* The payload is then its beginning. */
static bool partial(const struct wst_event_message *m)
{
    return !m->certain || m->omitted;
}

/* Whether what matches a beginning matches the whole: not if the end is asked for, or negated. */
static bool of_beginning(const struct wst_test *test)
{
    return !test->json && test->compare == WST_MATCHES && strchr(test->pattern.text, '$') == NULL;
}

/* What keeps a test of a message from being certain, WST_TRIAL_…; 0: nothing. */
static uint8_t doubt_of(const struct wst_trial *t, const struct wst_test *test,
                        const struct wst_trial_said *m, bool good, uint64_t cut_before)
{
    bool part = partial(&m->event->message);
    bool lacks = part || (test->app && m->app_too_much) || (test->json && m->too_much);
    bool stays = test->app && !part ? wst_trial_app_stays(test) : of_beginning(test);

    if (good && (!lacks || stays)) return 0;
    if (lacks) return WST_TRIAL_PARTIAL;
    return t->cut != cut_before ? WST_TRIAL_LONG : 0;
}

static bool test_holds(struct wst_trial *t, const struct wst_test *test, struct wst_trial_said *m,
                       struct wst_slice payload)
{
    if (test->json && !m->read) read_json(t, m);
    if (test->app) return wst_trial_app(t, test, m);
    if (test->json) return wst_trial_json(t, test, &t->tape, m->json);
    return wst_trial_text(t, test, payload);
}

/* Whether the message is what the step asks for. False with m->unsure set: it may be. */
static bool fits(struct wst_trial *t, const struct wst_step *step, struct wst_trial_said *m)
{
    const struct wst_event *e = m->event;
    struct wst_slice payload = e->message.payload.p ? e->message.payload : wst_slice_text("");
    uint8_t unsure = 0;

    m->unsure = 0;
    if (step->dir != WST_DIR_NONE && step->dir != e->dir) return false;
    if (step->opcode && step->opcode != e->message.opcode) return false;
    for (uint32_t i = 0; i < step->n; i++) {
        const struct wst_test *test = &t->rules->tests[step->first + i];
        uint64_t cut = t->cut;
        bool good = test_holds(t, test, m, payload);
        uint8_t doubt = doubt_of(t, test, m, good, cut);

        if (!good && !doubt) return false;
        unsure |= doubt;
    }
    m->unsure = unsure;
    return !unsure;
}

/* -- rows of messages -------------------------------------------------------------------------- */

/* For each step the last time at which the row up to it was there: whatever a later step demands,
 * an earlier time would not serve it better. From the back, so that one message is one step. */
static void advance(struct wst_trial *t, const struct wst_trial_connection *c,
                    const struct wst_check_rule *rule, struct wst_trial_state *s,
                    struct wst_trial_said *m)
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
        if (before == INT64_MIN) continue;
        if (!fits(t, step, m)) {
            s->unsure |= m->unsure;
            continue;
        }
        if (step->of_handshake) before = c->start_ns;
        if (step->within_ns && now - before > step->within_ns) {
            if (s->late < k + 1) {
                s->late = k + 1;
                s->ns = now - before;
                wst_trial_decide(s, m->event, false);
            }
            continue;
        }
        s->reached[k] = now;
        if (k + 1 == rule->steps_n) s->met = true;
    }
}

/* -- replies ----------------------------------------------------------------------------------- */

struct id {                /* the first string, number or word at the path … */
    struct wst_slice json; /* … in this */
    struct wst_slice bytes;
    uint64_t hash;      /* 0: there is none */
    bool asks, answers; /* both: whoever comes first asks */
};

static void find_id(void *user, struct wst_tape_node *node)
{
    struct id *id = user;

    if (id->hash || node->kind < WST_TAPE_STRING) return;
    id->bytes = wst_tape_bytes(id->json, node);
    id->hash = wst_hash_bytes(node->kind, id->bytes) | 1;
}

static struct id id_of(struct wst_trial *t, const struct wst_check_rule *rule,
                       const struct wst_trial_said *m)
{
    struct id id = {.json = m->json, .asks = true, .answers = true};
    struct wst_numbered numbered;
    unsigned dir = m->event->dir == WST_S2C;

    if (rule->step.n) {
        wst_path_select(&t->rules->tests[rule->step.first].path, m->json, &t->tape, find_id, &id);
        return id;
    }
    numbered = wst_numbered_of(m->event->message.payload, &t->tape, m->json);
    if (numbered.id == 0) return id;
    id.bytes = numbered.name;
    id.asks = numbered.asks;
    id.answers = !numbered.asks;
    id.hash = numbered.id ^ (id.asks ? dir : !dir) << 1; /* each side counts for itself */
    return id;
}

/* The first with an id asks, the other side's first with it answers. */
static void reply(struct wst_trial *t, const struct wst_check_rule *rule, struct wst_trial_state *s,
                  struct wst_trial_said *m)
{
    const struct wst_event *e = m->event;
    struct wst_trial_request *request;
    struct id id;
    int64_t took;

    if (partial(&e->message)) s->unsure |= WST_TRIAL_PARTIAL;
    if (!m->read) read_json(t, m);
    if (m->too_much) s->unsure |= WST_TRIAL_PARTIAL;
    if (t->tape.n == 0) return;
    id = id_of(t, rule, m);
    if (id.hash == 0) return;
    request = wst_ids_slot(&s->requests, sizeof *request, id.hash, &t->budget);
    if (request == NULL) {
        t->failed = true;
        return;
    }
    if (!request->asked || (request->answered && request->dir == e->dir)) { /* or used again */
        if (!id.asks) return;
        s->n++;
        *request = (struct wst_trial_request){.id = id.hash,
                                              .pkt = e->when.pkt,
                                              .ns = e->when.ns,
                                              .dir = (int8_t)e->dir,
                                              .asked = true};
        return;
    }
    if (!id.answers || request->answered || request->dir == e->dir) return;
    request->answered = true;
    took = e->when.ns - request->ns;
    if (took > (int64_t)rule->amount && took > s->ns) {
        s->ns = took;
        s->detail = NULL;
        wst_trial_detail(t, s, id.bytes);
        wst_trial_decide(s, e, true);
    }
}

/* -- all rules --------------------------------------------------------------------------------- */

/* It fits. */
static void count(struct wst_trial *t, const struct wst_check_rule *rule, struct wst_trial_state *s,
                  const struct wst_event *e)
{
    switch (rule->kind) {
    case WST_CHECK_RULE_NO_MESSAGE:
        if (s->n++) return;
        wst_trial_decide(s, e, true);
        wst_trial_detail_shown(t, s, e->message.payload);
        return;
    case WST_CHECK_RULE_MESSAGES: s->n++; break;
    case WST_CHECK_RULE_BYTES:
        if (!e->message.certain) s->unsure |= WST_TRIAL_PARTIAL;
        s->n += e->message.len;
        break;
    default: /* the largest */
        if (!e->message.certain) s->unsure |= WST_TRIAL_PARTIAL;
        if (e->message.len <= s->n && s->pkt) return;
        s->n = e->message.len;
    }
    wst_trial_decide(s, e, false);
}

void wst_trial_message(struct wst_trial *t, const struct wst_trial_connection *c,
                       const struct wst_check_rule *rule, struct wst_trial_state *s,
                       struct wst_trial_said *m)
{
    const struct wst_event *e = m->event;
    const struct wst_step *step = &rule->step;

    switch (rule->kind) {
    case WST_CHECK_RULE_MESSAGE:
        if (!s->met) advance(t, c, rule, s, m);
        return;
    case WST_CHECK_RULE_REPLY: reply(t, rule, s, m); return;
    case WST_CHECK_RULE_NO_MESSAGE:
        step = &t->rules->steps[rule->steps];
        if (step->within_ns && e->when.ns - c->start_ns > step->within_ns) return;
        break;
    case WST_CHECK_RULE_MESSAGES:
    case WST_CHECK_RULE_BYTES:
    case WST_CHECK_RULE_LARGEST: break;
    default: return;
    }
    if (fits(t, step, m))
        count(t, rule, s, e);
    else
        s->unsure |= m->unsure;
}
