/* SPDX-License-Identifier: MIT
 *
 * In: what a capture lacks of a connection, and what it has shown of a rule. Out: whether what is
 * lacking could have decided otherwise, and what it is, in words.
 * Refuses to call a rule kept, or not, on the strength of what was not seen.
 *
 * What stands in the capture stays: a message that was seen was said, a bound that was passed is
 * passed. What a capture lacks can only add to it. Behind the capture's end nothing is asked for,
 * except by those rules that are about the end.
 */
#include "trial.h"

enum { C2S = 1, S2C = 2, BOTH = 3 }; /* directions */

static unsigned directions(int8_t dir)
{
    return dir == WST_DIR_NONE ? BOTH : dir == WST_C2S ? C2S : S2C;
}

/* -- what is lacking --------------------------------------------------------------------------- */

static void lack_gap(struct wst_trial_lack *lack, const struct wst_event *e)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        bool this = directions((int8_t)e->dir) & (1u << dir);
        /* RFC 6455 section 5.5.1: nothing is said behind a close. */
        if (!this || lack->closed[dir]) continue;
        lack->gaps[dir]++;
        lack->bytes[dir] += e->gap.bytes;
        lack->inexact |= e->gap.inexact;
    }
}

void wst_trial_lack(struct wst_trial_lack *lack, const struct wst_event *e)
{
    switch (e->type) {
    case WST_EVENT_HANDSHAKE:
        lack->late = e->handshake.carrier == WST_CARRIER_UNKNOWN;
        lack->no_request = e->handshake.request_pkt == 0;
        lack->no_response = e->handshake.status < 0;
        return;
    case WST_EVENT_GAP: lack_gap(lack, e); return;
    case WST_EVENT_CLOSE:
        if (e->dir != WST_DIR_NONE) lack->closed[e->dir == WST_S2C] = true;
        return;
    case WST_EVENT_END:
        lack->ended = e->end.clean || e->end.tcp == WST_TCP_FIN || e->end.tcp == WST_TCP_RST;
        return;
    default: return;
    }
}

static bool gaps(const struct wst_trial_lack *lack, unsigned dirs)
{
    return (dirs & C2S && lack->gaps[0]) || (dirs & S2C && lack->gaps[1]);
}

/* -- in words ---------------------------------------------------------------------------------- */

static bool say(const struct wst_trial_connection *c, struct wst_ink *why, const char *before,
                const char *behind)
{
    wst_ink_format(why, "%s connection #%llu %s", before, (unsigned long long)c->conn, behind);
    return true;
}

static bool say_gaps(const struct wst_trial_connection *c, unsigned dirs, struct wst_ink *why)
{
    const struct wst_trial_lack *lack = &c->lack;
    uint64_t n = (dirs & C2S ? lack->bytes[0] : 0) + (dirs & S2C ? lack->bytes[1] : 0);

    wst_ink_format(why, "%s%llu byte%s", lack->inexact ? "about " : "", (unsigned long long)n,
                   n == 1 ? "" : "s");
    return say(c, why, " of",
               n == 1 ? "is missing from the capture" : "are missing from the capture");
}

static bool say_late(const struct wst_trial_connection *c, struct wst_ink *why)
{
    return say(c, why, "the beginning of", "is not in the capture");
}

static bool say_handshake(const struct wst_trial_connection *c, struct wst_ink *why)
{
    return say(c, why, "the handshake of", "is not in the capture");
}

static bool say_end(const struct wst_trial_connection *c, struct wst_ink *why)
{
    return say(c, why, "the end of", "is not in the capture");
}

/* Whether more may have been said in these directions, or something of what was said is not known.
 */
static bool more(const struct wst_trial_connection *c, const struct wst_trial_state *s,
                 unsigned dirs, struct wst_ink *why)
{
    if (gaps(&c->lack, dirs)) return say_gaps(c, dirs, why);
    if (c->lack.late) return say_late(c, why);
    if (s->unsure & WST_TRIAL_PARTIAL)
        return say(c, why, "a message of", "could not be read in full");
    if (!(s->unsure & WST_TRIAL_LONG)) return false;
    wst_ink_format(why,
                   "a text of connection #%llu is longer than %zu KiB, and what matches may be "
                   "longer than can be found in it",
                   (unsigned long long)c->conn, WST_CHECK_PATTERN_WINDOW >> 10);
    return true;
}

/* -- whether it matters ------------------------------------------------------------------------ */

bool wst_trial_may_turn(const struct wst_check_rule *rule, uint64_t least)
{
    switch (rule->compare) {
    case WST_EQUAL:
    case WST_UNEQUAL: return least <= rule->amount;
    default:
        return wst_trial_holds(rule->compare, least, rule->amount) ==
               (rule->compare == WST_LESS || rule->compare == WST_MOST);
    }
}

/* The same of a number that may be too large. */
static bool may_turn_down(const struct wst_check_rule *rule, uint64_t most)
{
    switch (rule->compare) {
    case WST_EQUAL:
    case WST_UNEQUAL: return most >= rule->amount;
    default:
        return wst_trial_holds(rule->compare, most, rule->amount) ==
               (rule->compare == WST_MORE || rule->compare == WST_LEAST);
    }
}

static bool row(const struct wst_trial *t, const struct wst_trial_connection *c,
                const struct wst_check_rule *rule, const struct wst_trial_state *s,
                struct wst_ink *why)
{
    unsigned dirs = 0;

    for (uint32_t k = 0; k < rule->steps_n; k++) {
        const struct wst_step *step = &t->rules->steps[rule->steps + k];
        if (c->lack.late && step->within_ns && step->of_handshake) return say_handshake(c, why);
        dirs |= directions(step->dir);
    }
    if (rule->kind == WST_CHECK_RULE_MESSAGE ? s->met : s->broken) return false;
    return more(c, s, dirs, why);
}

static bool closing(const struct wst_trial_connection *c, const struct wst_check_rule *rule,
                    const struct wst_trial_state *s, struct wst_ink *why)
{
    unsigned dirs = directions(rule->step.dir);

    if (s->met) {
        if (!s->broken || !(s->unsure & WST_TRIAL_PARTIAL)) return false;
        return say(c, why, "the close frame of", "could not be read in full");
    }
    if (gaps(&c->lack, dirs)) return say_gaps(c, dirs, why);
    return rule->kind == WST_CHECK_RULE_CLOSE && !c->lack.ended && say_end(c, why);
}

static bool opening(const struct wst_trial_connection *c, const struct wst_check_rule *rule,
                    const struct wst_trial_state *s, struct wst_ink *why)
{
    bool header = rule->kind == WST_CHECK_RULE_HEADER || rule->kind == WST_CHECK_RULE_NO_HEADER;

    if (rule->kind == WST_CHECK_RULE_HANDSHAKE ? s->ns >= 0
        : header && !rule->response            ? !c->lack.no_request
                                               : !c->lack.no_response)
        return false;
    return say_handshake(c, why);
}

static bool duration(const struct wst_trial_connection *c, const struct wst_check_rule *rule,
                     const struct wst_trial_state *s, struct wst_ink *why)
{
    if (!wst_trial_may_turn(rule, s->n)) return false;
    if (c->lack.late) return say_late(c, why);
    return !c->lack.ended && say_end(c, why);
}

bool wst_trial_undecided(const struct wst_trial *t, const struct wst_trial_connection *c,
                         const struct wst_check_rule *rule, const struct wst_trial_state *s,
                         struct wst_ink *why)
{
    switch (rule->kind) {
    case WST_CHECK_RULE_MESSAGE:
    case WST_CHECK_RULE_NO_MESSAGE: return row(t, c, rule, s, why);
    case WST_CHECK_RULE_MESSAGES:
    case WST_CHECK_RULE_PINGS:
    case WST_CHECK_RULE_PONGS:
    case WST_CHECK_RULE_CLOSES:
    case WST_CHECK_RULE_BYTES:
    case WST_CHECK_RULE_LARGEST:
        return wst_trial_may_turn(rule, s->n) && more(c, s, directions(rule->step.dir), why);
    case WST_CHECK_RULE_STATUS:
    case WST_CHECK_RULE_SUBPROTOCOL:
    case WST_CHECK_RULE_NO_SUBPROTOCOL:
    case WST_CHECK_RULE_DEFLATE:
    case WST_CHECK_RULE_NO_DEFLATE:
    case WST_CHECK_RULE_HEADER:
    case WST_CHECK_RULE_NO_HEADER:
    case WST_CHECK_RULE_HANDSHAKE: return opening(c, rule, s, why);
    case WST_CHECK_RULE_CLOSE:
    case WST_CHECK_RULE_NO_CLOSE: return closing(c, rule, s, why);
    case WST_CHECK_RULE_NO_PROBLEMS:
    case WST_CHECK_RULE_NO_PROBLEM:
    case WST_CHECK_RULE_PONG:
    case WST_CHECK_RULE_REPLY: return !s->broken && more(c, s, BOTH, why);
    case WST_CHECK_RULE_DURATION: return duration(c, rule, s, why);
    case WST_CHECK_RULE_SILENCE: /* what is missing may have been said in it */
        return gaps(&c->lack, BOTH) && may_turn_down(rule, s->n) && say_gaps(c, BOTH, why);
    case WST_CHECK_RULE_NO_GAPS:
    case WST_CHECK_RULE_CONNECTIONS:
    case WST_CHECK_RULE_REFUSED: return false;
    }
    return false;
}
