/* SPDX-License-Identifier: MIT */
#include "lint.h"

#include <stdlib.h>

#include "array.h"

enum {
    LINT_OPEN_MAX = 1 << 18, /* connections open at a time */
    LINT_URI = 256,          /* bytes of a URI kept */
    LINT_OF_CAPTURE = 10,    /* of an id that are of no connection: a screen has room for them */
};

static const char *const verdict_names[WST_VERDICTS] = {
    [WST_VERDICT_PASS] = "Pass",
    [WST_VERDICT_INFO] = "Info",
    [WST_VERDICT_NON_STRICT] = "Non-Strict",
    [WST_VERDICT_FAIL] = "Fail",
};

const char *wst_verdict_name(enum wst_verdict verdict)
{
    return (unsigned)verdict < WST_VERDICTS ? verdict_names[verdict] : "unknown";
}

enum wst_verdict wst_lint_verdict(const struct wst_lint_conn *c)
{
    enum wst_verdict worst = WST_VERDICT_PASS;
    for (size_t i = 0; i < c->findings_n; i++) {
        enum wst_problem p = c->findings[i].problem;
        const struct wst_problem_row *row = wst_problem_row(p);
        enum wst_verdict is = WST_VERDICT_INFO;
        if (row && wst_problem_of_peer(p))
            is = row->level == WST_ERROR     ? WST_VERDICT_FAIL
                 : row->level == WST_WARNING ? WST_VERDICT_NON_STRICT
                                             : WST_VERDICT_INFO;
        if (is > worst) worst = is;
    }
    return worst;
}

/* -- connections that are not over ----------------------------------------------------------- */

static struct wst_lint_conn *conn_of(struct wst_lint *l, uint64_t conn)
{
    struct wst_lint_conn *c = wst_conns_find(&l->open, conn);
    if (c || l->open.n >= LINT_OPEN_MAX) return c;
    c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->node.conn = conn;
    if (wst_conns_add(&l->open, &c->node)) return c;
    free(c);
    return NULL;
}

static void conn_free(struct wst_lint_conn *c)
{
    for (size_t i = 0; i < c->findings_n; i++) free(c->findings[i].detail);
    free(c->findings);
    free((void *)(uintptr_t)c->uri.p);
    free(c);
}

/* The connection is over: it is told, counted and let go of. */
static void conn_over(struct wst_lint *l, struct wst_lint_conn *c)
{
    bool seen[WST_PROBLEMS] = {false};
    if (c->known) l->verdicts[wst_lint_verdict(c)]++;
    for (size_t i = 0; i < c->findings_n; i++) {
        enum wst_problem p = c->findings[i].problem;
        if (!seen[p] && c->node.conn) l->conns[p]++;
        seen[p] = true;
    }
    if (l->json)
        wst_lint_json_conn(l, c);
    else if (c->findings_n || (l->all && c->known))
        wst_lint_text_conn(l, c);
    wst_conns_take(&l->open, &c->node);
    conn_free(c);
}

static void refused_over(struct wst_lint *l)
{
    struct wst_lint_conn *c = l->refused;
    l->refused = NULL;
    if (c) conn_over(l, c);
}

/* -- events ---------------------------------------------------------------------------------- */

static void on_handshake(struct wst_lint *l, const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;
    refused_over(l);
    struct wst_lint_conn *c = conn_of(l, e->conn);
    if (!c) return;
    memcpy(c->client_ip, h->client_ip, sizeof c->client_ip);
    memcpy(c->server_ip, h->server_ip, sizeof c->server_ip);
    c->client_port = h->client_port;
    c->server_port = h->server_port;
    c->known = true;
    c->accepted = h->accepted;
    c->status = (int16_t)h->status;
    size_t n = h->uri.n < LINT_URI ? h->uri.n : LINT_URI;
    uint8_t *uri = h->uri.p && !c->uri.p ? malloc(n + 1) : NULL;
    if (uri) {
        memcpy(uri, h->uri.p, n);
        c->uri = (struct wst_slice){uri, n};
        c->uri_cut = n < h->uri.n;
    }
    if (!h->accepted) l->refused = c;
}

static bool findings_room(struct wst_lint_conn *c)
{
    if (c->findings_n < c->findings_room) return true;
    void *more = wst_array_double(c->findings, &c->findings_room, sizeof *c->findings, 4);
    if (more) c->findings = more;
    return more;
}

/* One of those kept that is like this one, whose place it takes, or `findings_n`. What is of no
 * connection is of many: only what says the same is the same, until there are too many to show. */
static size_t like(const struct wst_lint_conn *c, const struct wst_event *e)
{
    const char *detail = e->problem.detail ? e->problem.detail : "";
    size_t kept = 0, last = c->findings_n;
    for (size_t i = 0; i < c->findings_n; i++) {
        const struct wst_lint_finding *f = &c->findings[i];
        if (f->problem != e->problem.problem || f->dir != e->dir) continue;
        if (c->node.conn || strcmp(f->detail ? f->detail : "", detail) == 0) return i;
        last = i;
        kept++;
    }
    return kept < LINT_OF_CAPTURE ? c->findings_n : last;
}

static void on_problem(struct wst_lint *l, const struct wst_event *e)
{
    const struct wst_event_problem *p = &e->problem;
    if ((unsigned)p->problem >= WST_PROBLEMS) return;
    struct wst_lint_conn *c = conn_of(l, e->conn);
    l->times[p->problem]++;
    if (!c) {
        l->forgotten++;
        return;
    }
    size_t i = like(c, e);
    if (i == c->findings_n) {
        if (!findings_room(c)) {
            l->forgotten++;
            return;
        }
        c->findings[c->findings_n++] =
            (struct wst_lint_finding){.problem = p->problem,
                                      .dir = e->dir,
                                      .pkt = e->when.pkt,
                                      .n = p->n,
                                      .msg = p->msg,
                                      .offset = p->offset,
                                      .detail = p->detail ? strdup(p->detail) : NULL};
    }
    c->findings[i].times++;
}

static void on_stats(struct wst_lint *l, const struct wst_event *e)
{
    refused_over(l);
    struct wst_lint_conn *none = wst_conns_find(&l->open, 0);
    if (none) conn_over(l, none);
    for (struct wst_lint_conn *c = wst_conns_next(&l->open, NULL), *after; c; c = after) {
        after = wst_conns_next(&l->open, &c->node);
        conn_over(l, c); /* a selection may have kept back its end */
    }
    if (l->json)
        wst_lint_json_summary(l, &e->stats);
    else
        wst_lint_text_summary(l, &e->stats);
}

static void lint_event(void *render, const struct wst_event *e)
{
    struct wst_lint *l = render;
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: on_handshake(l, e); break;
    case WST_EVENT_PROBLEM: on_problem(l, e); break;
    case WST_EVENT_END: {
        struct wst_lint_conn *c = wst_conns_find(&l->open, e->conn);
        if (c && c != l->refused) conn_over(l, c);
        break;
    }
    case WST_EVENT_STATS: on_stats(l, e); break;
    default: break;
    }
}

/* What is wrong with a refused upgrade was told within one packet. */
static void lint_settle(struct wst_render *render)
{
    refused_over((struct wst_lint *)render);
}

static void lint_release(struct wst_render *render)
{
    struct wst_lint *l = (struct wst_lint *)render;
    for (struct wst_lint_conn *c = wst_conns_next(&l->open, NULL), *after; c; c = after) {
        after = wst_conns_next(&l->open, &c->node);
        conn_free(c);
    }
    wst_conns_free(&l->open);
}

struct wst_render *wst_render_lint_new(const struct wst_lint_options *options, wst_write_fn write,
                                       void *user)
{
    struct wst_lint *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->json = options->json;
    l->all = options->all;
    l->text.options.colour = options->colour;
    l->text.options.width = options->width;
    struct wst_render *render = &l->text.render;
    render->event = lint_event;
    render->settle = lint_settle;
    render->release = lint_release;
    wst_out_init(&render->out, write, user);
    return render;
}

uint64_t wst_render_lint_errors(const struct wst_render *render)
{
    if (!render || render->event != lint_event) return 0;
    const struct wst_lint *l = (const struct wst_lint *)render;
    uint64_t errors = 0;
    for (int p = 0; p < WST_PROBLEMS; p++)
        if (wst_problem_row((enum wst_problem)p)->level == WST_ERROR) errors += l->times[p];
    return errors;
}
