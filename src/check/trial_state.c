/* SPDX-License-Identifier: MIT
 *
 * In: what decides a rule. Out: what is remembered of it for the report.
 * Refuses to keep more words than WST_TRIAL_DETAIL of what a stranger said.
 */
#include "trial.h"

const char *wst_trial_keep(struct wst_trial *t, struct wst_slice text)
{
    const char *copy;

    t->scratch.buf.n = 0;
    wst_ink_safe(&t->scratch, text);
    copy = t->scratch.failed ? NULL : wst_arena_text(&t->arena, wst_ink_slice(&t->scratch));
    if (copy == NULL) t->failed = true;
    return copy ? copy : "";
}

void wst_trial_detail(struct wst_trial *t, struct wst_trial_state *s, struct wst_slice words)
{
    if (s->detail == NULL) s->detail = (char *)wst_trial_keep(t, words);
}

struct wst_slice wst_trial_shown(struct wst_trial *t, struct wst_slice payload)
{
    size_t n = payload.n < WST_TRIAL_DETAIL ? payload.n : WST_TRIAL_DETAIL;

    while (n < payload.n && n > 0 && (payload.p[n] & 0xc0) == 0x80) n--;
    t->scratch.buf.n = 0;
    wst_ink_byte(&t->scratch, '"');
    wst_ink_escaped(&t->scratch, wst_slice_head(payload, n));
    wst_ink_text(&t->scratch, n < payload.n ? "...\"" : "\"");
    return wst_ink_slice(&t->scratch);
}

void wst_trial_detail_shown(struct wst_trial *t, struct wst_trial_state *s,
                            struct wst_slice payload)
{
    struct wst_ink copy = {.budget = &t->budget};

    if (s->detail) return;
    wst_ink_bytes(&copy, wst_trial_shown(t, payload));
    wst_trial_detail(t, s, wst_ink_slice(&copy));
    wst_ink_free(&copy);
}

void wst_trial_decide(struct wst_trial_state *s, const struct wst_event *e, bool broken)
{
    s->broken |= broken;
    s->pkt = e->when.pkt;
    s->first_pkt = e->type == WST_EVENT_MESSAGE ? e->message.first_pkt : e->when.pkt;
}
