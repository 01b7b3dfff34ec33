/* SPDX-License-Identifier: MIT
 *
 * In: the close frames and the last TCP packets of a connection. Out: who did what first: the
 * closing handshake (RFC 6455 sections 5.5.1 and 7) and the end of TCP (RFC 9293 section 3.6).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "explain.h"

static struct wst_ending *ending_of(const struct wst_explain *x, uint64_t conn)
{
    struct wst_ending *e = x->endings;
    while (e && e->conn != conn) e = e->next;
    return e;
}

void wst_closing_handshake(struct wst_explain *x, const struct wst_wire_handshake *h)
{
    struct wst_ending *e = ending_of(x, h->event->conn);
    if (!e) return;
    e->seen = true;
    e->accepted = h->event->handshake.accepted;
    e->status = h->event->handshake.status;
    e->tcp_stream = h->event->handshake.tcp_stream;
    e->client_side = h->client_side;
    e->stream = h->event->handshake.stream_id >= 0;
}

static struct wst_ending_row *row_new(struct wst_ending *e)
{
    return e->rows_n < EXPLAIN_CLOSING ? &e->rows[e->rows_n++] : NULL;
}

/* FIN, RST, and the bare acknowledgments that come after the first of them. */
void wst_closing_packet(struct wst_explain *x, const struct wst_wire_packet *p)
{
    struct wst_ending *e = x->endings;
    while (e && (!e->seen || e->tcp_stream != p->tcp_stream)) e = e->next;
    if (!e || e->stream) return;
    bool ending = p->flags & (1 | 4), after = e->fin[0] || e->fin[1];
    enum wst_dir dir = p->side == e->client_side ? WST_C2S : WST_S2C;
    if (p->len) {
        e->end[dir] = p->relative_seq < 0 ? -1 : p->relative_seq + p->len;
        e->ack[dir] = p->relative_ack;
    }
    if (p->flags & 1) e->fin[dir] = true;
    if (!ending && !(after && !p->len)) return;
    e->told = e->told || (e->ended && !ending);
    struct wst_ending_row *row = row_new(e);
    if (!row) return;
    *row = (struct wst_ending_row){.pkt = p->when.pkt,
                                   .ns = p->when.ns,
                                   .dir = dir,
                                   .flags = p->flags,
                                   .seq = p->relative_seq,
                                   .ack = p->relative_ack,
                                   .len = p->len};
}

/* A stream of HTTP/2 or HTTP/3 is over: its own end, of which the packet is known and nothing else.
 */
static void closing_stream(struct wst_ending *e, const struct wst_event *event)
{
    enum wst_tcp_end how = event->end.tcp;
    e->told = true;
    struct wst_ending_row *row = how == WST_TCP_FIN || how == WST_TCP_RST ? row_new(e) : NULL;
    if (!row) return;
    *row = (struct wst_ending_row){.pkt = event->when.pkt,
                                   .ns = event->when.ns,
                                   .dir = WST_DIR_NONE,
                                   .stream = true,
                                   .quic = e->tcp_stream < 0,
                                   .flags = how == WST_TCP_RST ? 4 : 1};
}

void wst_closing_event(struct wst_explain *x, const struct wst_event *event)
{
    struct wst_ending *e = x->endings ? ending_of(x, event->conn) : NULL;
    if (!e) return;
    if (event->type == WST_EVENT_END) {
        e->ended = true;
        e->clean = event->end.clean;
        e->tcp = event->end.tcp;
        e->by = event->end.by;
        e->tls_by = event->end.tls_by;
        e->no_reply = event->end.no_reply;
        if (e->stream) closing_stream(e, event);
    }
    if (event->type == WST_EVENT_PROBLEM && event->problem.problem == WST_PROBLEM_CLOSE_MISSING)
        e->missing = true;
    if (event->type != WST_EVENT_CLOSE) return;
    struct wst_ending_row *row = row_new(e);
    if (!row) return;
    *row = (struct wst_ending_row){.pkt = event->when.pkt,
                                   .ns = event->when.ns,
                                   .dir = event->dir,
                                   .frame = true,
                                   .code = event->close.code};
    if (event->dir != WST_DIR_NONE) {
        row->seq = e->end[event->dir];
        row->ack = e->ack[event->dir];
    }
    snprintf(row->reason, sizeof row->reason, "%s",
             wst_paper_quote(&x->paper, event->close.reason, 100));
}

/* -- telling ----------------------------------------------------------------------------------- */

struct story { /* what has happened up to a row */
    bool closed[2], fin[2], acked[2];
    int64_t fin_seq[2];
    int64_t close_end[2]; /* behind the close frame; -1: not known */
};

static const char *flags_text(uint8_t flags, char to[24])
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK"};
    to[0] = '\0';
    for (int i = 0; i < 5; i++)
        if (flags >> i & 1) {
            if (to[0]) strcat(to, " ");
            strcat(to, names[i]);
        }
    return to;
}

static void tell_close(const struct wst_ending_row *r, struct story *t, char *to, size_t size)
{
    const char *name = wst_close_code_name(r->code),
               *other = r->dir == WST_C2S ? "server" : "client";
    char code[64];
    bool crossed = t->closed[!r->dir] && r->ack >= 0 && r->ack < t->close_end[!r->dir];
    if (r->code >= 0)
        snprintf(code, sizeof code, "%d%s%s", (int)r->code, name ? " " : "", name ? name : "");
    else
        snprintf(code, sizeof code, "%s", r->code == -2 ? "code not captured" : "no code");
    snprintf(to, size, "%s%s%s%s: %s", code, r->reason[0] ? " \"" : "", r->reason,
             r->reason[0] ? "\"" : "",
             t->closed[r->dir]    ? "a second close frame: wrong (section 5.5.1)"
             : crossed            ? "crossed the other's on the way: both have begun, and the "
                                    "closing handshake is complete (section 7.1.4)"
             : t->closed[!r->dir] ? "the answer; the closing handshake is complete (section 7.1.4)"
                                  : "");
    if (!t->closed[r->dir] && !t->closed[!r->dir])
        snprintf(
            to + strlen(to), size - strlen(to),
            "begins the closing handshake; it sends no more data, and waits for the %s's close "
            "frame (section 5.5.1)",
            other);
    if (!t->closed[r->dir]) t->close_end[r->dir] = r->seq;
    t->closed[r->dir] = true;
}

static void tell_stream(const struct wst_ending_row *r, char *to, size_t size)
{
    static const char *const words[2][2] = {
        {"both sides have sent END_STREAM; other streams go on (RFC 8441 section 5)",
         "reset: by RST_STREAM, or with the whole connection; what was on the way is lost "
         "(RFC 9113 section 5.4)"},
        {"both sides have sent their last byte, or the connection was closed in order "
         "(RFC 9220 section 3)",
         "reset: by RESET_STREAM, or with the whole connection; what was on the way is lost "
         "(RFC 9114 section 8)"},
    };
    snprintf(to, size, "%s", words[r->quic][r->flags & 4 ? 1 : 0]);
}

static void tell_packet(const struct wst_ending_row *r, struct story *t, char *to, size_t size)
{
    const char *me = r->dir == WST_C2S ? "client" : "server";
    if (r->flags & 4) {
        snprintf(to, size,
                 "reset: the %s drops the connection at once; what was on the way is lost "
                 "(RFC 9293 section 3.5.2)",
                 me);
        return;
    }
    bool acks = (r->flags & 16) && t->fin[!r->dir] && !t->acked[!r->dir] &&
                (r->ack < 0 || r->ack > t->fin_seq[!r->dir]);
    if (r->flags & 1) {
        snprintf(to, size, "%sthe %s has sent its last byte%s",
                 t->fin[r->dir] ? "again: "
                 : acks         ? "heard; and "
                                : "",
                 me,
                 t->fin[!r->dir] ? ", too"
                 : r->dir == WST_C2S && t->closed[WST_C2S]
                     ? " (the server should be first: section 7.1.1)"
                     : "");
        t->fin[r->dir] = true;
        t->fin_seq[r->dir] = r->seq + r->len;
    } else {
        snprintf(to, size,
                 acks ? "the %s has heard the other's FIN%s" : "an acknowledgment by the %s%s", me,
                 acks && t->fin[r->dir] ? "; TCP is over" : "");
    }
    if (acks) t->acked[!r->dir] = true;
}

static void ending_rows(struct wst_paper *p, const struct wst_ending *e)
{
    static const struct wst_column columns[] = {
        {"pkt", "packet", WST_COLUMN_NUMBER},    {"ms", "ms", WST_COLUMN_WORD},
        {"who", "from", WST_COLUMN_WORD},        {"what", "what", WST_COLUMN_WORD},
        {"meaning", "meaning", WST_COLUMN_WORD}, {"code", "", WST_COLUMN_COUNT},
    };
    struct story t = {0};
    wst_paper_table(p, "closing", columns, 6);
    for (unsigned i = 0; i < e->rows_n; i++) {
        const struct wst_ending_row *r = &e->rows[i];
        char meaning[400], flags[24];
        if (r->frame)
            tell_close(r, &t, meaning, sizeof meaning);
        else if (r->stream)
            tell_stream(r, meaning, sizeof meaning);
        else
            tell_packet(r, &t, meaning, sizeof meaning);
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, r->pkt);
        wst_paper_cell(p, WST_INK_DIM, "%.3f", (double)(r->ns - e->rows[0].ns) / 1e6);
        wst_paper_cell(p, r->dir == WST_C2S ? WST_INK_CLIENT : WST_INK_SERVER, "%s",
                       r->stream           ? ""
                       : r->dir == WST_C2S ? "client"
                                           : "server");
        wst_paper_cell(p, r->frame ? WST_INK_BOLD : WST_INK_NONE, "%s",
                       r->frame    ? "close frame"
                       : r->stream ? "end of stream"
                                   : flags_text(r->flags, flags));
        wst_paper_cell(p, WST_INK_NONE, "%s", meaning);
        wst_paper_cell_number(p, r->frame && r->code >= 0, (uint64_t)r->code);
    }
    wst_paper_table_end(p);
}

static const char *tcp_end_text(const struct wst_ending *e)
{
    static const char *const texts[] = {
        [WST_TCP_FIN] = "ended with FIN",
        [WST_TCP_RST] = "reset",
        [WST_TCP_EOF] = "still open when the capture ended",
        [WST_TCP_TIMEOUT] = "silent for so long that it was not followed further",
        [WST_TCP_EVICTED] = "not followed further, for want of memory",
    };
    if (e->ended && e->stream && e->tcp == WST_TCP_FIN) return "ended by both sides";
    return e->ended && e->tcp < sizeof texts / sizeof *texts ? texts[e->tcp] : "not told";
}

static const char *unanswered(const struct wst_ending *e)
{
    bool server = e->by == WST_C2S;
    switch (e->no_reply) {
    case WST_REPLY_LATE:
        return server ? "the server had ended by then" : "the client had ended by then";
    case WST_REPLY_NO_TIME: return "left no time to answer it (section 7.1.1)";
    case WST_REPLY_UNSEEN: return "what came of it was not captured";
    default: return "it was not answered";
    }
}

static void verdict_text(const struct wst_ending *e, enum wst_ink *ink, char *to, size_t size)
{
    const char *first = e->by == WST_C2S ? "the client" : "the server";
    bool open = e->ended && e->tcp != WST_TCP_FIN && e->tcp != WST_TCP_RST;
    /* What the capture lacks may have been a close frame: only a finding says that none was sent.
     */
    bool unseen = e->by == WST_DIR_NONE ? !e->missing : e->no_reply == WST_REPLY_UNSEEN;
    *ink = e->clean ? WST_INK_GOOD : open || (e->ended && unseen) ? WST_INK_NONE : WST_INK_BAD;
    if (!e->accepted && e->status < 0)
        snprintf(to, size, "no WebSocket connection: the capture has no answer to the handshake");
    else if (!e->accepted && e->status == 101)
        snprintf(to, size, "no WebSocket connection: the answer is not that of RFC 6455");
    else if (!e->accepted)
        snprintf(to, size, "no WebSocket connection: the handshake was refused with %d",
                 (int)e->status);
    else if (!e->ended)
        snprintf(to, size, "the capture does not tell how it ended");
    else if (e->clean && e->by == WST_DIR_NONE)
        snprintf(to, size,
                 "clean: both sent a close frame (section 7.1.4); whose was first is not known");
    else if (e->clean)
        snprintf(to, size, "clean: %s closed first, and both sent a close frame (section 7.1.4)",
                 first);
    else if (open && e->by == WST_DIR_NONE)
        snprintf(to, size, "not told: the capture ends before the connection does");
    else if (open)
        snprintf(to, size, "not told: %s sent a close frame, and no answer is in the capture",
                 first);
    else if (e->by == WST_DIR_NONE && unseen)
        snprintf(
            to, size,
            "not told: no close frame was found, and not all that was sent last could be read");
    else if (e->by == WST_DIR_NONE)
        snprintf(to, size,
                 "not clean: nobody sent a close frame; an endpoint reports 1006 (section "
                 "7.1.5)");
    else
        snprintf(to, size, "not %s: %s sent a close frame, and %s", unseen ? "told" : "clean",
                 first, unanswered(e));
}

static void verdict(struct wst_paper *p, const struct wst_ending *e)
{
    enum wst_ink ink;
    char text[160];
    verdict_text(e, &ink, text, sizeof text);
    wst_paper_line(p, "verdict", "In short", ink, "%s", text);
    wst_paper_bool(p, "clean", e->ended && e->clean);
    wst_paper_word(p, "tcp", e->ended ? wst_tcp_end_name(e->tcp) : "open");
    /* Without an end there is nothing to say but what the table shows. */
    if (e->ended || e->accepted)
        wst_paper_line(p, NULL, e->stream ? "Stream" : "TCP", WST_INK_NONE, "%s", tcp_end_text(e));
    if (e->ended && e->tls_by != WST_DIR_NONE) /* its alerts are no rows: they are sealed */
        wst_paper_line(p, "tls", "TLS", WST_INK_NONE,
                       "ended by the %s first: its close_notify alert came before the other's, and "
                       "before the end of TCP",
                       wst_dir_sender(e->tls_by));
}

void wst_closing_write(struct wst_explain *x)
{
    struct wst_paper *p = &x->paper;
    for (struct wst_ending *e = x->endings; e; e = e->next) {
        if (!e->seen) continue;
        wst_paper_begin(p, "closing");
        wst_paper_number(p, "conn", e->conn);
        wst_paper_title(p, "Connection %" PRIu64 ": how it ended", e->conn);
        wst_paper_put(p, WST_INK_NONE, "\n");
        ending_rows(p, e);
        if (e->rows_n) wst_paper_put(p, WST_INK_NONE, "\n");
        verdict(p, e);
        wst_paper_end(p);
        x->found++;
    }
}

void wst_closing_free(struct wst_explain *x)
{
    while (x->endings) {
        struct wst_ending *e = x->endings;
        x->endings = e->next;
        free(e);
    }
}
