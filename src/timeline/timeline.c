/* SPDX-License-Identifier: MIT */
#include "timeline.h"

#include "seldom.h"

void wst_timeline_init(struct wst_timeline *t, const struct wst_listener *listener,
                       const struct wst_options *options, struct wst_budget *budget)
{
    *t = (struct wst_timeline){
        .options = options,
        .tallies = {.conns.budget = budget, .max = options->limits.max_findings}};
    if (listener) t->listener = *listener;
    t->stats.captured = t->stats.received = t->stats.dropped = -1;
}

void wst_timeline_free(struct wst_timeline *t)
{
    if (!t->tallies.conns.budget) return; /* never begun */
    wst_counts_free(&t->counts, t->tallies.conns.budget);
    wst_tallies_free(&t->tallies);
}

/* Counts a finding. True: it is to be told. Apart, for inside the emit its registers would be saved
 * for each event. */
WST_APART static bool timeline_problem(struct wst_timeline *t, const struct wst_event *e)
{
    enum wst_problem problem = e->problem.problem;
    const struct wst_problem_row *row = wst_problem_row(problem);
    if (!row) return true;
    t->stats.problems[row->level]++;
    if (wst_counts_add(&t->counts, t->tallies.conns.budget, problem)) {
        t->stats.findings = t->counts.row;
        t->stats.findings_n = t->counts.n;
    }
    struct wst_tally *tally = e->conn ? wst_tally_of(&t->tallies, e->conn, true) : NULL;
    bool first = true;
    if (tally) {
        wst_counts_add(&tally->counts, t->tallies.conns.budget, problem);
        first = wst_tally_tell(tally, problem, e->dir);
    }
    return t->options->problems == WST_PROBLEMS_ALL ||
           (first && t->options->problems == WST_PROBLEMS_FIRST) || row->of == WST_NOBODY;
}

/* A refused upgrade has no end, but what is wrong with it is told at once: before the next one. */
static void timeline_handshake(struct wst_timeline *t, const struct wst_event *e)
{
    if (t->refused) wst_tally_drop(&t->tallies, t->refused);
    t->refused = e->handshake.accepted ? 0 : e->conn;
    if (e->handshake.accepted)
        t->stats.connections++;
    else
        t->stats.refused++;
}

static enum wst_ended ending_of(const struct wst_event_end *end)
{
    if (end->clean) return WST_ENDED_CLEAN;
    if (end->by != WST_DIR_NONE && !end->http[end->by]) return WST_ENDED_ONE;
    switch (end->tcp) {
    case WST_TCP_RST: return WST_ENDED_RESET;
    case WST_TCP_EOF:
        if (end->half || end->tcp_by != WST_DIR_NONE || end->tls_by != WST_DIR_NONE) break;
        return WST_ENDED_OPEN;
    case WST_TCP_TIMEOUT: return WST_ENDED_SILENT;
    case WST_TCP_EVICTED: return WST_ENDED_FORGOTTEN;
    case WST_TCP_FIN: break;
    }
    return WST_ENDED_NONE;
}

static void timeline_end(struct wst_timeline *t, struct wst_event_end *end, uint64_t conn)
{
    const struct wst_tally *tally = wst_tally_of(&t->tallies, conn, false);
    t->stats.ended[ending_of(end)]++;
    if (!tally) return;
    wst_counts_levels(&tally->counts, end->problems);
    end->findings = tally->counts.row;
    end->findings_n = tally->counts.n;
}

/* True: the event is to be told. */
static bool timeline_count(struct wst_timeline *t, struct wst_event *e)
{
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: timeline_handshake(t, e); break;
    case WST_EVENT_FRAME: t->stats.frames++; break;
    case WST_EVENT_MESSAGE: t->stats.messages++; break;
    case WST_EVENT_GAP: t->stats.gaps++; break;
    case WST_EVENT_PROBLEM: return timeline_problem(t, e);
    case WST_EVENT_END: timeline_end(t, &e->end, e->conn); break;
    default: break;
    }
    return true;
}

void wst_timeline_emit(struct wst_timeline *t, struct wst_event *e, uint64_t *conn)
{
    if (conn && !*conn) *conn = ++t->conns;
    e->conn = conn ? *conn : 0;
    e->nanos = t->nanos;
    if (timeline_count(t, e) && t->listener.event) t->listener.event(t->listener.user, e);
    if (e->type == WST_EVENT_END) wst_tally_drop(&t->tallies, e->conn);
}
