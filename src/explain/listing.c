/* SPDX-License-Identifier: MIT
 *
 * In: the events of a capture. Out: what there is to explain: its connections, and the first frame
 * of each kind that is worth a look.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "explain.h"

/* Connections are numbered as their handshakes come, and so they are listed. */
static struct wst_listed *listed_of(struct wst_explain *x, uint64_t conn)
{
    struct wst_listed *l = conn <= x->listed_n ? &x->listed[conn - 1] : NULL;
    return l && l->conn == conn ? l : NULL;
}

static void listed_new(struct wst_explain *x, const struct wst_event *e)
{
    if (x->listed_n == EXPLAIN_LISTED) {
        x->unlisted++;
        return;
    }
    if (x->listed_n == x->listed_room) {
        void *more = wst_array_double(x->listed, &x->listed_room, sizeof *x->listed, 16);
        if (!more) {
            x->starved = true;
            return;
        }
        x->listed = more;
    }
    struct wst_listed *l = &x->listed[x->listed_n++];
    const struct wst_event_handshake *h = &e->handshake;
    *l = (struct wst_listed){.conn = e->conn,
                             .status = h->status,
                             .accepted = h->accepted,
                             .deflate = h->deflate.agreed};
    snprintf(l->uri, sizeof l->uri, "%s", h->uri.p ? wst_paper_quote(&x->paper, h->uri, 40) : "?");
}

static void sight(struct wst_explain *x, const char *what, const struct wst_event *e)
{
    for (int i = 0; i < EXPLAIN_SIGHTS; i++) {
        struct wst_sight *s = &x->sights[i];
        if (s->what && !strcmp(s->what, what)) return;
        if (s->what) continue;
        *s = (struct wst_sight){what, e->conn, e->frame.n, e->when.pkt};
        return;
    }
}

static void sights_frame(struct wst_explain *x, const struct wst_event *e, bool deflate)
{
    const struct wst_event_frame *f = &e->frame;
    unsigned plain_header = f->masked ? 6 : 2;
    bool data = f->opcode == 1 || f->opcode == 2;
    if (data && f->rsv1 && deflate)
        sight(x, "compressed", e);
    else if (f->opcode == 1 && f->fin)
        sight(x, f->masked ? "text, masked" : "text, not masked", e);
    else if (f->opcode == 2 && f->fin)
        sight(x, "binary", e);
    if (f->header_len == plain_header + 2u) sight(x, "length in 16 bits", e);
    if (f->header_len == plain_header + 8u) sight(x, "length in 64 bits", e);
    if (data && !f->fin) sight(x, "first fragment", e);
    if (f->opcode == 0) sight(x, f->fin ? "last fragment" : "middle fragment", e);
    if (f->opcode == 9) sight(x, "ping", e);
    if (f->opcode == 10) sight(x, "pong", e);
    if (f->opcode == 8) sight(x, "close", e);
}

void wst_listing_event(struct wst_explain *x, const struct wst_event *e)
{
    if (e->type == WST_EVENT_HANDSHAKE) listed_new(x, e);
    if (e->type == WST_EVENT_STATS) {
        x->closed_tls = e->stats.tls_no_key;
        x->quic = e->stats.quic > 0;
    }
    struct wst_listed *l = e->conn ? listed_of(x, e->conn) : NULL;
    if (!l) return;
    if (e->type == WST_EVENT_FRAME) {
        l->frames++;
        sights_frame(x, e, l->deflate);
    } else if (e->type == WST_EVENT_MESSAGE) {
        l->messages++;
        l->compressed += e->message.compressed;
    } else if (e->type == WST_EVENT_PROBLEM) {
        const struct wst_problem_row *row = wst_problem_row(e->problem.problem);
        l->problems++;
        if (row && row->level == WST_ERROR && e->problem.n) {
            struct wst_event at = {.conn = e->conn, .when = e->when};
            at.frame.n = e->problem.n;
            sight(x, "breaks a rule", &at);
        }
    }
}

static void connections(struct wst_explain *x)
{
    static const struct wst_column columns[] = {
        {"explain", "explain", WST_COLUMN_WORD},
        {"status", "status", WST_COLUMN_NUMBER},
        {"frames", "frames", WST_COLUMN_WORD},
        {"messages", "messages", WST_COLUMN_NUMBER},
        {"compressed", "compressed", WST_COLUMN_NUMBER},
        {"problems", "problems", WST_COLUMN_NUMBER},
        {"uri", "path", WST_COLUMN_WORD}, /* the last: it is broken at the width */
        {"frames_n", "", WST_COLUMN_COUNT},
        {"conn", "", WST_COLUMN_COUNT},
    };
    struct wst_paper *p = &x->paper;
    wst_paper_table(p, "connections", columns, 9);
    for (size_t i = 0; i < x->listed_n; i++) {
        const struct wst_listed *l = &x->listed[i];
        wst_paper_cell(p, WST_INK_BOLD, "%" PRIu64, l->conn);
        wst_paper_cell_number(p, l->status >= 0, (uint64_t)l->status);
        if (l->frames == 1 && !p->json)
            wst_paper_cell(p, WST_INK_NONE, "%" PRIu64 ".1", l->conn);
        else if (l->frames)
            wst_paper_cell(p, WST_INK_NONE, "%" PRIu64 ".1-%" PRIu64 ".%" PRIu64, l->conn, l->conn,
                           l->frames);
        else
            wst_paper_cell(p, WST_INK_NONE, "none");
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, l->messages);
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, l->compressed);
        wst_paper_cell(p, l->problems ? WST_INK_BAD : WST_INK_NONE, "%" PRIu64, l->problems);
        wst_paper_cell(p, WST_INK_NONE, "%s", l->uri);
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, l->frames);
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, l->conn);
        x->found++;
    }
    wst_paper_table_end(p);
    if (x->unlisted) wst_paper_say(p, "… and %" PRIu64 " connections more", x->unlisted);
}

void wst_listing_write(struct wst_explain *x)
{
    static const struct wst_column columns[] = {
        {"frame", "frame", WST_COLUMN_WORD},
        {"pkt", "packet", WST_COLUMN_NUMBER},
        {"what", "what", WST_COLUMN_WORD},
    };
    struct wst_paper *p = &x->paper;
    wst_paper_begin(p, "list");
    wst_paper_title(p, "What there is to explain");
    wst_paper_number(p, "tls_no_key", x->closed_tls);
    if (!x->listed_n) wst_paper_say(p, "Nothing: no WebSocket handshake or frame was found.");
    if (x->closed_tls)
        wst_paper_say(p,
                      "%" PRIu64
                      " TLS %sconnection%s could not be opened; --keylog names a file with "
                      "the keys.",
                      x->closed_tls, x->quic ? "or QUIC " : "", x->closed_tls == 1 ? "" : "s");
    if (x->listed_n) wst_paper_put(p, WST_INK_NONE, "\n");
    connections(x);
    if (x->sights[0].what) wst_paper_heading(p, "Worth a look");
    wst_paper_table(p, "sights", columns, 3);
    for (int i = 0; i < EXPLAIN_SIGHTS && x->sights[i].what; i++) {
        wst_paper_cell(p, WST_INK_BOLD, "%" PRIu64 ".%" PRIu64, x->sights[i].conn, x->sights[i].n);
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, x->sights[i].pkt);
        wst_paper_cell(p, WST_INK_NONE, "%s", x->sights[i].what);
    }
    wst_paper_table_end(p);
    if (x->listed_n) {
        wst_paper_put(p, WST_INK_NONE, "\n");
        wst_paper_say(p,
                      "A number alone explains the connection's handshake, --close with it how it "
                      "ended; 1.7 explains frame 7 of connection 1, 1.3-1.7 some.");
    }
    wst_paper_end(p);
}
