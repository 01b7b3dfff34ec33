/* SPDX-License-Identifier: MIT
 *
 * In: what the flow room says of TCP connections that stood still, or never began. Out: findings,
 * of each WebSocket connection they carry, or of none.
 */
#include <stdio.h>

#include "pipeline.h"

/* "2.734 s" */
static const char *seconds(char text[32], int64_t ns)
{
    long long ms = ns / 1000000;
    snprintf(text, 32, "%lld.%03lld s", ms / 1000, ms % 1000);
    return text;
}

/* `times`: that the SYN was sent, and nothing came back; 0: it was refused. */
static void unopened(struct wst_context *c, struct wst_flow *f, unsigned client, unsigned times,
                     bool again, const struct wst_arrival *a)
{
    struct conversation base = {.flow = f, .client = (uint8_t)client};
    bool refused = !times;
    char detail[128];
    if (c->unopened[refused]++ >= WST_CONTEXT_TOLD) return;
    snprintf(detail, sizeof detail,
             refused ? "the SYN was answered with a reset: connection refused"
             : again ? "in the place of a connection whose end was not captured another SYN was "
                       "sent %u times, and nothing came back"
                     : "the SYN was sent %u times, and nothing came back",
             times);
    wst_conversation_note(c, &base, refused ? WST_PROBLEM_TCP_REFUSED : WST_PROBLEM_TCP_UNANSWERED,
                          WST_DIR_NONE, detail, a);
}

void wst_standstill(void *user, struct wst_flow *f, unsigned side, const struct wst_flow_stalled *x,
                    const struct wst_arrival *a)
{
    char detail[192], time[32];
    const char *least = x->least ? "at least " : "";
    enum wst_problem problem = x->over ? WST_PROBLEM_TCP_RESENT : WST_PROBLEM_TCP_UNACKNOWLEDGED;
    seconds(time, x->ns);
    switch (x->what) {
    case WST_FLOW_STALL_RESENT:
        snprintf(detail, sizeof detail,
                 x->over ? "%u bytes were sent again %s%u times, until they were acknowledged "
                           "after %s"
                         : "%u bytes were sent again %s%u times and not acknowledged in the %s "
                           "until the end",
                 x->bytes, least, x->times, time);
        break;
    case WST_FLOW_STALL_UNHEARD:
        snprintf(detail, sizeof detail,
                 "%u bytes were sent again %s%u times in %s%s, though they had been "
                 "acknowledged: that did not arrive",
                 x->bytes, least, x->times, x->over ? "" : "the last ", time);
        break;
    case WST_FLOW_STALL_ASKED: unopened(user, f, side, x->times, true, a); return;
    case WST_FLOW_STALL_SHUT:
        problem = WST_PROBLEM_TCP_WINDOW_CLOSED;
        snprintf(detail, sizeof detail,
                 "its receive window was 0 for %s%s: the other side had to wait",
                 x->over ? "" : "the last ", time);
        break;
    }
    wst_conversation_tell(user, f, problem, side, detail, a);
}

void wst_standstill_begin(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                          const struct wst_arrival *a)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct wst_half *h = &f->half[side], *o = &f->half[!side];
        if (!(h->flags & WST_HALF_SYN) || (o->flags & WST_HALF_SYN)) continue;
        if (how == WST_TCP_RST && o->flags == WST_HALF_RESET) /* its SYN may not be captured */
            unopened(c, f, side, 0, false, a);
        else if (how != WST_TCP_EVICTED && f->heard == 1u << side && !o->flags && h->stale)
            unopened(c, f, side, h->stale + 1u, false, a);
    }
}
