/* SPDX-License-Identifier: MIT */
#include "timeline.h"

void wst_timeline_init(struct wst_timeline *t, const struct wst_listener *listener)
{
    *t = (struct wst_timeline){0};
    if (listener) t->listener = *listener;
    t->stats.captured = t->stats.received = t->stats.dropped = -1;
}

static void timeline_count(struct wst_event_stats *s, const struct wst_event *e)
{
    switch (e->type) {
    case WST_EVENT_HANDSHAKE:
        if (e->handshake.accepted)
            s->connections++;
        else
            s->refused++;
        break;
    case WST_EVENT_FRAME: s->frames++; break;
    case WST_EVENT_MESSAGE: s->messages++; break;
    case WST_EVENT_GAP: s->gaps++; break;
    case WST_EVENT_PROBLEM: {
        const struct wst_problem_row *row = wst_problem_row(e->problem.problem);
        if (row) s->problems[row->level]++;
        break;
    }
    default: break;
    }
}

void wst_timeline_emit(struct wst_timeline *t, struct wst_event *e, uint64_t *conn)
{
    if (conn && !*conn) *conn = ++t->conns;
    e->conn = conn ? *conn : 0;
    e->nanos = t->nanos;
    timeline_count(&t->stats, e);
    if (t->listener.event) t->listener.event(t->listener.user, e);
}
