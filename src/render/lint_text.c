/* SPDX-License-Identifier: MIT
 *
 * In: what lint.c collected. Out: lines for people.
 *
 *     Fail        #1  10.1.0.1:50001 > 10.1.0.2:8080  /chat
 *       ERROR  frame.rsv  > RSV2 set, …  (frame 1.2, packet 7, RFC 6455 §5.2; the first of 3)
 */
#include <stdio.h>

#include "lint.h"
#include "quote.h"
#include "slice.h"

static struct wst_out *out_of(struct wst_lint *l)
{
    return &l->text.render.out;
}

static void put_padded(struct wst_out *out, const char *word, size_t width)
{
    wst_out_text(out, word);
    for (size_t n = strlen(word); n < width; n++) wst_out_text(out, " ");
}

static void put_verdict(struct wst_lint *l, enum wst_verdict verdict, size_t width)
{
    static const enum wst_text_ink inks[WST_VERDICTS] = {WST_TEXT_SERVER, WST_TEXT_DIM,
                                                         WST_TEXT_WARN, WST_TEXT_BAD};
    wst_text_ink(&l->text, inks[verdict]);
    put_padded(out_of(l), wst_verdict_name(verdict), width);
    wst_text_plain(&l->text);
}

static void put_endpoint(struct wst_out *out, const char *ip, uint16_t port)
{
    bool six = strchr(ip, ':') != NULL;
    wst_out_text(out, six ? "[" : "");
    wst_escape_plain(out, wst_slice_text(ip));
    wst_out_text(out, six ? "]:" : ":");
    wst_out_number(out, port);
}

/* "(frame 1.2, packet 7, offset 0, RFC 6455 §5.2; the first of 3)" */
static void put_place(struct wst_text *text, const struct wst_lint_conn *c,
                      const struct wst_lint_finding *f, const struct wst_problem_row *row)
{
    struct wst_out *out = &text->render.out;
    wst_text_field(text);
    wst_out_text(out, "  (");
    if (f->n) {
        wst_out_text(out, "frame ");
        wst_out_number(out, c->node.conn);
        wst_out_text(out, ".");
        wst_out_number(out, f->n);
        wst_out_text(out, ", ");
    } else if (f->msg) {
        wst_out_text(out, "message ");
        wst_out_number(out, f->msg);
        wst_out_text(out, ", ");
    }
    wst_out_text(out, "packet ");
    wst_out_number(out, f->pkt);
    if (f->offset >= 0) {
        wst_out_text(out, ", offset ");
        wst_out_number(out, (uint64_t)f->offset);
    }
    if (row->rfc) {
        wst_out_text(out, ",");
        wst_text_field(text);
        wst_out_text(out, " ");
        wst_out_text(out, row->rfc);
    }
    if (f->times > 1) {
        wst_out_text(out, ";");
        wst_text_field(text);
        wst_out_text(out, " ");
        wst_out_text(out, "the first of ");
        wst_out_number(out, f->times);
    }
    wst_out_text(out, ")");
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}

static void put_finding(struct wst_lint *l, const struct wst_lint_conn *c,
                        const struct wst_lint_finding *f)
{
    static const char *const words[WST_LEVELS] = {"note   ", "WARN   ", "ERROR  "};
    static const enum wst_text_ink inks[WST_LEVELS] = {WST_TEXT_DIM, WST_TEXT_WARN, WST_TEXT_BAD};
    const struct wst_problem_row *row = wst_problem_row(f->problem);
    struct wst_out *out = out_of(l);
    wst_text_fold_begin(&l->text);
    wst_out_text(out, "  ");
    wst_text_ink(&l->text, inks[row->level]);
    wst_out_text(out, words[row->level]);
    wst_text_fold_here(&l->text);
    wst_out_text(out, row->id);
    wst_text_plain(&l->text);
    wst_text_field(&l->text);
    wst_out_text(out, f->dir == WST_C2S ? "  > " : f->dir == WST_S2C ? "  < " : "  ");
    if (f->detail) wst_text_words(&l->text, f->detail);
    wst_text_ink(&l->text, WST_TEXT_DIM);
    put_place(&l->text, c, f, row);
    wst_text_plain(&l->text);
}

void wst_lint_text_conn(struct wst_lint *l, const struct wst_lint_conn *c)
{
    struct wst_out *out = out_of(l);
    if (!c->node.conn) {
        wst_out_text(out, "of the capture\n");
    } else {
        put_verdict(l, wst_lint_verdict(c), 12);
        wst_out_text(out, "#");
        wst_out_number(out, c->node.conn);
    }
    if (c->known) {
        wst_out_text(out, "  ");
        put_endpoint(out, c->client_ip, c->client_port);
        wst_out_text(out, " > ");
        put_endpoint(out, c->server_ip, c->server_port);
        if (c->uri.p) {
            wst_out_text(out, "  ");
            wst_escape_word(out, c->uri);
            if (c->uri_cut) wst_out_text(out, "…");
        }
        if (!c->accepted)
            wst_out_text(out, c->status < 0      ? "  no response"
                              : c->status == 101 ? "  not followed"
                                                 : "  refused");
    }
    if (c->node.conn) wst_out_text(out, "\n");
    for (int level = WST_ERROR; level >= WST_NOTE; level--)
        for (size_t i = 0; i < c->findings_n; i++)
            if ((int)wst_problem_row(c->findings[i].problem)->level == level)
                put_finding(l, c, &c->findings[i]);
}

/* -- the summary ------------------------------------------------------------------------------- */

static void put_number(struct wst_out *out, uint64_t n, unsigned width)
{
    out->at = wst_text_right(wst_out_reserve(out, 32), n, width);
}

static bool put_table(struct wst_lint *l)
{
    struct wst_out *out = out_of(l);
    bool any = false;
    for (int level = WST_ERROR; level >= WST_NOTE; level--)
        for (int p = 0; p < WST_PROBLEMS; p++) {
            const struct wst_problem_row *row = wst_problem_row((enum wst_problem)p);
            if (!l->times[p] || (int)row->level != level) continue;
            if (!any) wst_out_text(out, "\nlevel      times  connections  finding\n");
            any = true;
            put_padded(out, wst_level_name(row->level), 7);
            put_number(out, l->times[p], 9);
            put_number(out, l->conns[p], 13);
            wst_out_text(out, "  ");
            wst_out_text(out, row->id);
            wst_out_text(out, "\n");
        }
    return any;
}

void wst_lint_text_summary(struct wst_lint *l, const struct wst_event_stats *s)
{
    struct wst_out *out = out_of(l);
    if (put_table(l)) wst_out_text(out, "\n");
    wst_text_count(out, s->connections, "connection");
    wst_out_text(out, ", ");
    wst_out_number(out, s->refused);
    wst_out_text(out, " refused: ");
    for (int v = WST_VERDICT_FAIL; v >= WST_VERDICT_PASS; v--) {
        wst_out_number(out, l->verdicts[v]);
        wst_out_text(out, " ");
        put_verdict(l, (enum wst_verdict)v, 0);
        wst_out_text(out, v ? ", " : "\n");
    }
    if (!l->forgotten) return;
    wst_text_count(out, l->forgotten, "finding");
    wst_out_text(out, " in connections that there was no memory for\n");
}
