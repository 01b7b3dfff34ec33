/* SPDX-License-Identifier: MIT
 *
 * In: handshakes, and the rules about them. Out: what each rule has seen. Refuses nothing.
 */
#include "trial.h"

#include <stdio.h>

/* HTTP/2 and HTTP/3 have :authority in the place of Host (RFC 9113 section 8.3.1, RFC 9114 section
 * 4.3.1). */
static bool is_named(const struct wst_event_handshake *h, struct wst_slice name, const char *wanted)
{
    if (wst_slice_is_nocase(name, wanted)) return true;
    return h->carrier >= WST_CARRIER_H2 && wst_slice_is(name, ":authority") &&
           wst_slice_is_nocase(wst_slice_text(wanted), "host");
}

static struct wst_slice header_of(const struct wst_event_handshake *h,
                                  const struct wst_check_rule *rule)
{
    const struct wst_header *list = rule->response ? h->response_headers : h->request_headers;
    size_t n = rule->response ? h->response_headers_n : h->request_headers_n;
    char name[WST_CHECK_RULES_LINE + 1];

    memcpy(name, rule->name.p, rule->name.n);
    name[rule->name.n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (is_named(h, list[i].name, name))
            return list[i].value.p ? list[i].value : wst_slice_text("");
    return (struct wst_slice){NULL, 0};
}

static void text_rule(struct wst_trial *t, const struct wst_check_rule *rule,
                      struct wst_trial_state *s, const struct wst_event *e, struct wst_slice text)
{
    bool good = true;

    for (uint32_t i = 0; i < rule->step.n; i++)
        good &= wst_trial_text(t, &t->rules->tests[rule->step.first + i], text);
    wst_trial_decide(s, e, !good);
    if (text.p)
        wst_trial_detail_shown(t, s, text);
    else
        wst_trial_detail(t, s, wst_slice_text("none"));
}

void wst_trial_handshake(struct wst_trial *t, const struct wst_check_rule *rule,
                         struct wst_trial_state *s, const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;
    struct wst_slice value;
    char number[16];

    switch (rule->kind) {
    case WST_CHECK_RULE_STATUS:
        snprintf(number, sizeof number, "%d", (int)h->status);
        wst_trial_detail(t, s, wst_slice_text(h->status < 0 ? "not in the capture" : number));
        wst_trial_decide(s, e,
                         h->status < 0 ||
                             !wst_trial_holds(rule->compare, (uint64_t)h->status, rule->amount));
        return;
    case WST_CHECK_RULE_SUBPROTOCOL: text_rule(t, rule, s, e, h->subprotocol); return;
    case WST_CHECK_RULE_NO_SUBPROTOCOL:
        wst_trial_decide(s, e, h->subprotocol.p != NULL);
        if (h->subprotocol.p) wst_trial_detail_shown(t, s, h->subprotocol);
        return;
    case WST_CHECK_RULE_DEFLATE: wst_trial_decide(s, e, !h->deflate.agreed); return;
    case WST_CHECK_RULE_NO_DEFLATE: wst_trial_decide(s, e, h->deflate.agreed); return;
    case WST_CHECK_RULE_HEADER: text_rule(t, rule, s, e, header_of(h, rule)); return;
    case WST_CHECK_RULE_NO_HEADER:
        value = header_of(h, rule);
        wst_trial_decide(s, e, value.p != NULL);
        if (value.p) wst_trial_detail_shown(t, s, value);
        return;
    case WST_CHECK_RULE_HANDSHAKE:
        s->ns = h->rtt_ns;
        wst_trial_decide(s, e, h->rtt_ns < 0 || h->rtt_ns > (int64_t)rule->amount);
        return;
    default: return;
    }
}
