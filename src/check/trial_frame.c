/* SPDX-License-Identifier: MIT
 *
 * In: pings, pongs and closes, and the rules about them. Out: what each rule has seen.
 * Refuses to remember more than WST_TRIAL_PINGS unanswered pings of a side.
 */
#include "hash.h"
#include "trial.h"

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
            wst_trial_decide(s, e, true);
        }
        /* RFC 6455 section 5.5.3: it may answer only the last of several pings. */
        for (; back <= WST_TRIAL_PINGS && back <= s->pings_n[asked]; back++)
            pings[(s->pings_n[asked] - back) % WST_TRIAL_PINGS].waits = false;
        return;
    }
}

void wst_trial_frame(struct wst_trial *t, const struct wst_check_rule *rule,
                     struct wst_trial_state *s, const struct wst_event *e)
{
    static const enum wst_check_rule_kind counted[] = {
        [8] = WST_CHECK_RULE_CLOSES, [9] = WST_CHECK_RULE_PINGS, [10] = WST_CHECK_RULE_PONGS};
    uint8_t op = e->frame.opcode;

    if (op < 8 || op > 10) return;
    if (rule->kind == WST_CHECK_RULE_PONG && op > 8) ping_rule(t, rule, s, e);
    if (rule->step.dir != WST_DIR_NONE && rule->step.dir != e->dir) return;
    if (rule->kind == WST_CHECK_RULE_CLOSE && op == 8 && !e->frame.complete && !s->met)
        s->unsure |= WST_TRIAL_PARTIAL; /* its close event comes next */
    if (rule->kind != counted[op]) return;
    s->n++;
    wst_trial_decide(s, e, false);
}

void wst_trial_close(struct wst_trial *t, const struct wst_check_rule *rule,
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
        good &= wst_trial_text(t, &t->rules->tests[rule->step.first + i],
                               c->reason.p ? c->reason : wst_slice_text(""));
    if (c->code >= 0)
        wst_ink_format(&words, "%d", (int)c->code);
    else
        wst_ink_text(&words,
                     c->code == -2 ? "with a code that was not captured" : "without a code");
    if (c->reason.n) wst_ink_byte(&words, ' ');
    if (c->reason.n) wst_ink_bytes(&words, wst_trial_shown(t, c->reason));
    wst_trial_detail(t, s, wst_ink_slice(&words));
    wst_ink_free(&words);
    wst_trial_decide(s, e, rule->kind == WST_CHECK_RULE_NO_CLOSE || !good);
}
