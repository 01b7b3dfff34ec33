/* SPDX-License-Identifier: MIT
 *
 * In: gaps, problems, ends of connections, the totals. Out: their lines for people.
 * Refuses to show a stranger's words other than through escape.h.
 */
#include "quote.h"
#include "slice.h"
#include "text.h"

#include <wstrace/event.h>

enum { NO_KEYS_TOLD = 10 }; /* a screen has room for them */

/* -- small pieces --------------------------------------------------------------------------- */

/* Time to operation. */
static struct wst_out *begin(struct wst_text *text, const struct wst_event *event)
{
    struct wst_out *out = &text->render.out;
    struct wst_text_left left = wst_text_left_of(event);
    wst_text_fold_begin(text);
    out->at = wst_text_left(text, wst_out_reserve(out, WST_TEXT_LEFT), &left);
    return out;
}

/* A comma or the like, and the blank behind it, at which the line may be broken. */
static struct wst_out *put_mark(struct wst_text *text, const char *mark)
{
    struct wst_out *out = &text->render.out;
    wst_out_text(out, mark);
    wst_text_field(text);
    wst_out_text(out, " ");
    return out;
}

static struct wst_out *put_comma(struct wst_text *text)
{
    return put_mark(text, ",");
}

/* -- gap, problem --------------------------------------------------------------------------- */

void wst_text_gap(struct wst_text *text, const struct wst_event *event)
{
    struct wst_out *out = begin(text, event);
    wst_text_ink(text, WST_TEXT_WARN);
    wst_out_text(out, "gap    ");
    wst_text_fold_here(text);
    if (!text->narrow) wst_out_text(out, "                  ");
    out->at = wst_text_right(wst_out_reserve(out, 32), event->gap.bytes, 7);
    wst_out_text(out, event->gap.bytes == 1 ? "  byte missing" : "  bytes missing");
    wst_out_text(out, event->gap.least     ? " or more from the capture"
                      : event->gap.inexact ? " at most"
                                           : " from the capture");
    if (event->gap.offset >= 0) {
        wst_out_text(put_comma(text), "from offset ");
        wst_out_number(out, (uint64_t)event->gap.offset);
    }
    wst_text_plain(text);
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}

/* "  (frame 1.3, RFC 6455 §5.1)": CONN.N is what `explain` takes. */
static void put_reference(struct wst_text *text, const struct wst_event *event,
                          const struct wst_problem_row *row)
{
    const struct wst_event_problem *p = &event->problem;
    struct wst_out *out = &text->render.out;
    if (p->n == 0 && p->msg == 0 && row->rfc == NULL) return;
    wst_text_field(text);
    wst_out_text(out, "  (");
    if (p->n > 0) {
        wst_out_text(out, "frame ");
        wst_out_number(out, event->conn);
        wst_out_text(out, ".");
        wst_out_number(out, p->n);
    } else if (p->msg > 0) {
        wst_out_text(out, "message ");
        wst_out_number(out, p->msg);
    }
    if (row->rfc) {
        wst_out_text(out, p->n > 0 || p->msg > 0 ? ", " : "");
        wst_out_text(out, row->rfc);
    }
    wst_out_text(out, ")");
}

/* A network is full of TLS that nobody asked about: some are told one by one, all are counted. */
static bool one_of_many(struct wst_text *text, const struct wst_event *event)
{
    if (event->problem.problem != WST_PROBLEM_TLS_NO_KEY || text->options.frames) return false;
    if (++text->no_keys <= NO_KEYS_TOLD) return false;
    if (text->no_keys > NO_KEYS_TOLD + 1) return true;
    wst_out_text(begin(text, event), "note   further connections without a key are only counted\n");
    return true;
}

void wst_text_problem(struct wst_text *text, const struct wst_event *event)
{
    static const struct wst_problem_row unknown = {"unknown", WST_NOTE, WST_NOBODY, NULL, "", ""};
    static const char *const words[WST_LEVELS] = {"note   ", "WARN   ", "ERROR  "};
    static const enum wst_text_ink inks[WST_LEVELS] = {WST_TEXT_DIM, WST_TEXT_WARN, WST_TEXT_BAD};
    const struct wst_problem_row *row = wst_problem_row(event->problem.problem);
    if (one_of_many(text, event) || wst_text_told_before(text, event)) return;
    struct wst_out *out = begin(text, event);
    if (row == NULL) row = &unknown;
    wst_text_ink(text, inks[row->level]);
    wst_out_text(out, words[row->level]);
    wst_text_fold_here(text);
    wst_out_text(out, row->id);
    wst_text_plain(text);
    if (event->problem.detail) {
        wst_text_field(text);
        wst_out_text(out, "  ");
        wst_text_words(text, event->problem.detail);
    }
    wst_text_ink(text, WST_TEXT_DIM);
    put_reference(text, event, row);
    wst_text_plain(text);
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}

/* "; 2 errors, 1 warning": nothing for what there is none of. */
static void put_findings(struct wst_text *text, const uint64_t levels[WST_LEVELS])
{
    static const char *const names[WST_LEVELS] = {"note", "warning", "error"};
    struct wst_out *out = &text->render.out;
    const char *before = ";";
    for (int level = WST_LEVELS - 1; level >= 0; level--) {
        if (levels[level] == 0) continue;
        put_mark(text, before);
        wst_text_count(out, levels[level], names[level]);
        before = ",";
    }
}

/* -- end ------------------------------------------------------------------------------------ */

static const char *no_reply_words(const struct wst_event_end *e)
{
    switch (e->no_reply) {
    case WST_REPLY_NONE: return "not answered";
    case WST_REPLY_NO_TIME: return "no time to answer";
    case WST_REPLY_UNSEEN: return "no answer captured";
    case WST_REPLY_OPEN: return "not answered yet";
    case WST_REPLY_LATE:
        if (e->by == WST_C2S)
            return e->stream ? "server had ended the stream" : "server had ended TCP";
        return e->stream ? "client had ended the stream" : "client had ended TCP";
    case WST_REPLY_NOT_DUE: break;
    }
    return NULL;
}

static void put_closed(struct wst_text *text, const struct wst_event_end *e)
{
    struct wst_out *out = &text->render.out;
    bool http = e->http[WST_C2S] || e->http[WST_S2C];
    const char *why = http ? "answered with HTTP" : no_reply_words(e);
    bool half = (e->tcp == WST_TCP_EOF || e->tcp == WST_TCP_TIMEOUT) && e->tcp_by != WST_DIR_NONE;
    if (e->by != WST_DIR_NONE && e->http[e->by]) {
        wst_out_text(out, e->by == WST_C2S ? "no close frame of the client, but HTTP"
                                           : "no close frame of the server, but HTTP");
        return;
    }
    if (e->by != WST_DIR_NONE || e->clean) {
        const char *both = "closed by client and server"; /* whose was first is not known */
        const char *one = e->by == WST_C2S ? "closed by client" : "closed by server";
        wst_out_text(out, e->by == WST_DIR_NONE ? both : one);
        wst_text_close_code(put_comma(text), e->code);
        if (why) wst_out_text(put_comma(text), why);
        return;
    }
    bool left = e->tls_by != WST_DIR_NONE && e->tls_by != e->tcp_by;
    bool open = e->tcp == WST_TCP_EOF && !half && !e->half && !left;
    wst_out_text(out, open ? "still open" : "no close frame");
    if (left)
        wst_out_text(put_comma(text),
                     e->tls_by == WST_C2S ? "client ended TLS" : "server ended TLS");
    if (half)
        wst_out_text(put_comma(text),
                     e->tcp_by == WST_C2S ? "client ended TCP" : "server ended TCP");
}

static void put_how(struct wst_text *text, const struct wst_event_end *e)
{
    const char *const tcp[] = {
        [WST_TCP_FIN] = e->stream ? "stream closed" : "TCP closed",
        [WST_TCP_RST] = e->stream ? "stream reset" : "TCP reset",
        [WST_TCP_EOF] = "capture over",
        [WST_TCP_TIMEOUT] = "silent too long",
        [WST_TCP_EVICTED] = "forgotten to save memory",
    };
    put_closed(text, e);
    struct wst_out *out = put_comma(text);
    wst_out_text(out, (unsigned)e->tcp <= WST_TCP_EVICTED ? tcp[e->tcp] : "TCP over");
    if (e->tcp == WST_TCP_RST && e->reset_by != WST_DIR_NONE)
        wst_out_text(out, e->reset_by == WST_C2S ? " by client" : " by server");
    if (e->duration_ns < 0) return; /* the clock was set back */
    wst_out_text(out, " after ");
    wst_text_duration(out, e->duration_ns);
}

/* The bytes are those of all frames: where there are no messages, they need a reason. */
static void put_direction(struct wst_text *text, const char *mark,
                          const struct wst_event_direction *d)
{
    struct wst_out *out = &text->render.out;
    wst_text_field(text);
    wst_out_text(out, mark);
    if (d->messages > 0 || d->frames == 0) {
        wst_text_count(out, d->messages, "message");
    } else {
        wst_out_text(out, "no message, ");
        wst_text_count(out, d->frames, "frame");
    }
    wst_out_text(out, " ");
    wst_text_count(out, d->bytes, "byte");
    if (d->bytes != d->wire_bytes) {
        wst_out_text(out, " (");
        wst_out_number(out, d->wire_bytes);
        wst_out_text(out, " on the wire)");
    }
    if (d->gaps == 0) return;
    wst_out_text(out, " ");
    wst_text_count(out, d->gaps, "gap");
}

void wst_text_end(struct wst_text *text, const struct wst_event *event)
{
    const struct wst_event_end *e = &event->end;
    struct wst_out *out = begin(text, event);
    bool broken = !e->clean && e->tcp != WST_TCP_EOF;
    wst_out_text(out, "end    ");
    wst_text_fold_here(text);
    if (broken) wst_text_ink(text, WST_TEXT_WARN);
    put_how(text, e);
    if (broken) wst_text_plain(text);
    put_direction(text, "  > ", &e->dir[WST_C2S]);
    put_direction(text, "  < ", &e->dir[WST_S2C]);
    put_findings(text, e->problems);
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
    if (e->app) wst_text_app_total(text, e->app);
}

/* -- stats ---------------------------------------------------------------------------------- */

static void total_begin(struct wst_text *text)
{
    wst_text_fold_begin(text);
    text->fold.indent = 4;
}

/* "12 TCP connections, 1 QUIC connection, 9 look like TLS, 2 plain HTTP" */
static void put_tcp(struct wst_text *text, const struct wst_event_stats *s)
{
    struct wst_out *out = &text->render.out;
    wst_text_count(out, s->tcp_streams, "TCP connection");
    if (s->quic > 0) {
        put_comma(text);
        wst_text_count(out, s->quic, "QUIC connection");
    }
    if (s->tls > 0) {
        put_comma(text);
        wst_out_number(out, s->tls);
        wst_out_text(out, s->tls == 1 ? " looks like TLS" : " look like TLS");
    }
    if (s->http > 0) {
        put_comma(text);
        wst_out_number(out, s->http);
        wst_out_text(out, " plain HTTP");
    }
    if (s->other > 0 && s->connections == 0) {
        put_comma(text);
        wst_out_number(out, s->other);
        wst_out_text(out, " something else");
    }
}

static void put_found(struct wst_text *text, const struct wst_event_stats *s)
{
    struct wst_out *out = &text->render.out;
    wst_text_count(out, s->connections, "connection");
    if (s->refused > 0) {
        put_comma(text);
        wst_out_number(out, s->refused);
        wst_out_text(out, " refused");
    }
    put_comma(text);
    wst_text_count(out, s->messages, "message");
    wst_out_text(out, " in ");
    wst_text_count(out, s->frames, "frame");
}

/* "12 closed cleanly, 1 reset": of one connection its own line says it. */
static void put_endings(struct wst_text *text, const struct wst_event_stats *s)
{
    static const char *const words[WST_ENDED] = {
        [WST_ENDED_CLEAN] = " closed cleanly",
        [WST_ENDED_ONE] = " with one close frame only",
        [WST_ENDED_NONE] = " ended without a close frame",
        [WST_ENDED_RESET] = " reset",
        [WST_ENDED_OPEN] = " still open",
        [WST_ENDED_SILENT] = " silent too long",
        [WST_ENDED_FORGOTTEN] = " forgotten to save memory",
    };
    bool any = false;
    if (s->connections < 2) return;
    total_begin(text);
    for (int i = 0; i < WST_ENDED; i++) {
        if (s->ended[i] == 0) continue;
        if (any) put_comma(text);
        any = true;
        wst_out_number(&text->render.out, s->ended[i]);
        wst_out_text(&text->render.out, words[i]);
    }
    wst_text_fold_end(text);
    wst_out_text(&text->render.out, any ? "\n" : "");
}

static void put_traffic(struct wst_text *text, const struct wst_event_stats *s, bool tcp)
{
    struct wst_out *out = &text->render.out;
    total_begin(text);
    wst_text_count(out, s->packets, "packet");
    put_comma(text);
    wst_text_count(out, s->bytes, "byte");
    if (s->last_ns > s->first_ns) {
        wst_out_text(out, " in ");
        wst_text_duration(out, s->last_ns - s->first_ns);
    }
    if (tcp) {
        put_mark(text, ";");
        put_tcp(text, s);
    }
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}

/* What was not looked into, and so might have been something. */
static void put_unread(struct wst_text *text, const struct wst_event_stats *s)
{
    struct wst_out *out = &text->render.out;
    if (s->tls_no_key > 0) {
        wst_out_text(out, s->quic ? "TLS or QUIC, no key: " : "TLS, no key: ");
        wst_out_number(out, s->tls_no_key);
        wst_out_text(out, "\n");
    }
    if (s->unknown_link == 0 && s->dropped <= 0) return;
    wst_text_ink(text, WST_TEXT_WARN);
    if (s->unknown_link > 0) {
        wst_text_count(out, s->unknown_link, "packet");
        wst_out_text(out, " of an unknown link type not read");
    }
    if (s->dropped > 0) {
        wst_out_text(out, s->unknown_link > 0 ? "; " : "");
        wst_text_count(out, (uint64_t)s->dropped, "packet");
        wst_out_text(out, " dropped before we saw them");
    }
    wst_text_plain(text);
    wst_out_text(out, "\n");
}

void wst_text_stats(struct wst_text *text, const struct wst_event *event)
{
    const struct wst_event_stats *s = &event->stats;
    struct wst_out *out = &text->render.out;
    bool found = s->connections > 0 || s->refused > 0;
    total_begin(text);
    if (found) {
        put_found(text, s);
    } else {
        wst_out_text(out, "no WebSocket");
        put_mark(text, ";");
        put_tcp(text, s);
    }
    put_findings(text, s->problems);
    if (s->gaps > 0) {
        bool first = !s->problems[WST_NOTE] && !s->problems[WST_WARNING] && !s->problems[WST_ERROR];
        put_mark(text, first ? ";" : ",");
        wst_text_count(out, s->gaps, "gap");
    }
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
    put_endings(text, s);
    put_traffic(text, s, found);
    wst_text_not_again(text);
    put_unread(text, s);
}
