/* SPDX-License-Identifier: MIT
 *
 * In: what lint.c collected. Out: a line of JSON for each connection, and one for everything
 * (docs/EVENTS.md, "wstrace lint --json").
 */
#include "escape.h"
#include "lint.h"
#include "slice.h"

static void put_number(struct wst_out *out, const char *key, uint64_t value)
{
    wst_out_text(out, key);
    wst_out_number(out, value);
}

/* 0: null. */
static void put_number_or_null(struct wst_out *out, const char *key, uint64_t value)
{
    if (value)
        put_number(out, key, value);
    else
        wst_escape_json_member(out, key, (struct wst_slice){NULL, 0});
}

static void put_endpoint(struct wst_out *out, const char *key, const char *ip, uint16_t port)
{
    wst_escape_json_member(out, key, wst_slice_text(ip));
    put_number(out, ",\"port\":", port);
    wst_out_text(out, "}");
}

static void put_finding(struct wst_out *out, const struct wst_lint_finding *f)
{
    const struct wst_problem_row *row = wst_problem_row(f->problem);
    const char *dir = f->dir == WST_C2S ? "c2s" : f->dir == WST_S2C ? "s2c" : NULL;
    wst_escape_json_member(out, "{\"id\":", wst_slice_text(row->id));
    wst_escape_json_member(out, ",\"level\":", wst_slice_text(wst_level_name(row->level)));
    wst_escape_json_member(out, ",\"rfc\":", wst_slice_text(row->rfc));
    wst_escape_json_member(out, ",\"dir\":", wst_slice_text(dir));
    put_number(out, ",\"times\":", f->times);
    put_number(out, ",\"pkt\":", f->pkt);
    put_number_or_null(out, ",\"n\":", f->n);
    put_number_or_null(out, ",\"msg\":", f->msg);
    if (f->offset >= 0)
        put_number(out, ",\"offset\":", (uint64_t)f->offset);
    else
        wst_out_text(out, ",\"offset\":null");
    wst_escape_json_member(out, ",\"detail\":", wst_slice_text(f->detail ? f->detail : ""));
    wst_out_text(out, "}");
}

void wst_lint_json_conn(struct wst_lint *l, const struct wst_lint_conn *c)
{
    struct wst_out *out = &l->text.render.out;
    put_number_or_null(out, "{\"type\":\"lint\",\"conn\":", c->node.conn);
    wst_escape_json_member(
        out, ",\"verdict\":",
        wst_slice_text(c->node.conn ? wst_verdict_name(wst_lint_verdict(c)) : NULL));
    if (c->known) {
        put_endpoint(out, ",\"client\":{\"ip\":", c->client_ip, c->client_port);
        put_endpoint(out, ",\"server\":{\"ip\":", c->server_ip, c->server_port);
        wst_escape_json_member(out, ",\"uri\":", c->uri);
        wst_out_text(out, c->accepted ? ",\"accepted\":true" : ",\"accepted\":false");
    } else {
        wst_out_text(out, ",\"client\":null,\"server\":null,\"uri\":null,\"accepted\":null");
    }
    wst_out_text(out, ",\"findings\":[");
    for (size_t i = 0; i < c->findings_n; i++) {
        wst_out_text(out, i ? "," : "");
        put_finding(out, &c->findings[i]);
    }
    wst_out_text(out, "]}\n");
}

void wst_lint_json_summary(struct wst_lint *l, const struct wst_event_stats *s)
{
    struct wst_out *out = &l->text.render.out;
    put_number(out, "{\"type\":\"summary\",\"connections\":", s->connections);
    put_number(out, ",\"refused\":", s->refused);
    wst_out_text(out, ",\"verdicts\":{");
    for (int v = WST_VERDICT_FAIL; v >= WST_VERDICT_PASS; v--) {
        wst_out_text(out, v == WST_VERDICT_FAIL ? "\"" : ",\"");
        wst_out_text(out, wst_verdict_name((enum wst_verdict)v));
        put_number(out, "\":", l->verdicts[v]);
    }
    wst_out_text(out, "},\"findings\":[");
    bool any = false;
    for (int p = 0; p < WST_PROBLEMS; p++) {
        const struct wst_problem_row *row = wst_problem_row((enum wst_problem)p);
        if (!l->times[p]) continue;
        wst_out_text(out, any ? "," : "");
        any = true;
        wst_escape_json_member(out, "{\"id\":", wst_slice_text(row->id));
        wst_escape_json_member(out, ",\"level\":", wst_slice_text(wst_level_name(row->level)));
        put_number(out, ",\"times\":", l->times[p]);
        put_number(out, ",\"connections\":", l->conns[p]);
        wst_out_text(out, "}");
    }
    put_number(out, "],\"forgotten\":", l->forgotten);
    wst_out_text(out, "}\n");
}
