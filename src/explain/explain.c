/* SPDX-License-Identifier: MIT
 *
 * The door of the explain room. In: the wire, the events of a timeline, and what is wanted of them.
 * Out: explanations, in the order of the capture.
 * Refuses to look after more than EXPLAIN_CONNS connections when it is not said which.
 *
 *   wire ──frame──▶ its stream (message so far, text before) ──▶ subject ──▶ grid, fields, walks
 */
#include "explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* -- connections looked after ------------------------------------------------------------------ */

static struct wst_conn **conn_place(struct wst_explain *x, uint64_t conn)
{
    struct wst_conn **at = &x->conns[conn % EXPLAIN_CHAINS];
    while (*at && (*at)->conn != conn) at = &(*at)->next;
    return at;
}

static void conn_over(struct wst_explain *x, uint64_t conn)
{
    struct wst_conn **at = conn_place(x, conn), *c = *at;
    if (!c) return;
    *at = c->next;
    x->conns_n--;
    wst_stream_free(&c->stream[0]);
    wst_stream_free(&c->stream[1]);
    free(c);
}

static void conn_begin(struct wst_explain *x, const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;
    if (!h->accepted || !wst_wants_frames_of(x, e->conn) || x->conns_n >= EXPLAIN_CONNS) return;
    struct wst_conn *c = calloc(1, sizeof *c);
    if (!c) {
        x->starved = true;
        return;
    }
    c->conn = e->conn;
    c->deflate = h->deflate.agreed ? WST_YES : h->status > 0 ? WST_NO : WST_UNKNOWN;
    c->inside = wst_inside_of(h);
    c->takeover[WST_C2S] = !h->deflate.client_no_context_takeover;
    c->takeover[WST_S2C] = !h->deflate.server_no_context_takeover;
    /* Without the handshake nobody knows what was said before. */
    for (int d = 0; d < 2; d++)
        c->stream[d].history_lost = c->stream[d].unsure = c->deflate == WST_UNKNOWN;
    struct wst_conn **chain = &x->conns[c->conn % EXPLAIN_CHAINS];
    c->next = *chain;
    *chain = c;
    x->conns_n++;
}

/* -- one frame --------------------------------------------------------------------------------- */

static void settle(struct wst_explain *x)
{
    if (!x->now.open) return;
    if (x->now.findings) wst_paper_table_end(&x->paper);
    x->now.open = x->now.findings = false;
    wst_paper_end(&x->paper);
}

static const char *clock_text(const struct wst_event *e, char to[32])
{
    int64_t ns = e->when.ns % 86400000000000;
    if (ns < 0) ns += 86400000000000;
    unsigned s = (unsigned)(ns / 1000000000);
    snprintf(to, 32, "%02u:%02u:%02u.%06u UTC", s / 3600, s / 60 % 60, s % 60,
             (unsigned)(ns % 1000000000 / 1000));
    return to;
}

static void title(struct wst_paper *p, const struct wst_subject *s)
{
    const struct wst_header_bits *h = &s->header;
    const char *who = s->dir == WST_C2S || (s->dir == WST_DIR_NONE && h->masked)
                          ? "client to server"
                          : "server to client";
    char time[32];
    if (s->conn)
        wst_paper_title(p, "Frame %" PRIu64 ".%" PRIu64 ": %s, %s", s->conn, s->n,
                        wst_opcode_name(h->opcode), who);
    else
        wst_paper_title(p, "Frame %" PRIu64 ": %s, %s", s->n, wst_opcode_name(h->opcode), who);
    wst_paper_number_if(p, "conn", s->conn, s->conn);
    wst_paper_number(p, "n", s->n);
    wst_paper_word(p, "dir", *who == 'c' ? "c2s" : "s2c");
    wst_paper_word(p, "op", wst_opcode_name(h->opcode));
    if (!s->event) return;
    const struct wst_event_frame *f = &s->event->frame;
    wst_paper_number(p, "pkt", s->event->when.pkt);
    wst_paper_number_if(p, "msg", f->msg, f->msg);
    wst_paper_number(p, "offset", f->offset);
    if (f->msg)
        wst_paper_say(
            p, "complete with packet %" PRIu64 " at %s; frame %" PRIu64 " of message %" PRIu64,
            s->event->when.pkt, clock_text(s->event, time),
            s->stream && s->stream->frames ? s->stream->frames : 1, f->msg);
    else
        wst_paper_say(p, "complete with packet %" PRIu64 " at %s", s->event->when.pkt,
                      clock_text(s->event, time));
}

static struct wst_slice unmasked(struct wst_explain *x, const struct wst_subject *s, uint8_t **own)
{
    *own = NULL;
    if (!s->header.masked || !s->payload.n) return s->payload;
    *own = malloc(s->payload.n);
    if (!*own) {
        x->starved = true;
        return (struct wst_slice){s->payload.p, 0};
    }
    for (size_t i = 0; i < s->payload.n; i++) (*own)[i] = s->payload.p[i] ^ s->header.key[i % 4];
    return (struct wst_slice){*own, s->payload.n};
}

/* The text of a frame by itself, or what the message inflates to. */
static void walks(struct wst_explain *x, const struct wst_subject *s, const struct wst_walk *walk,
                  bool deflated)
{
    bool text = s->header.opcode == 1 || (s->header.opcode == 0 && s->stream->text);
    bool more = s->plain.n < s->header.len || !s->header.fin;
    struct wst_slice bytes = s->plain, open = {s->stream->open_char, s->stream->open_char_n};
    if (!x->options.utf8) return;
    if (deflated && walk->doubt && walk->n && memchr(walk->doubt, 1, walk->n)) return;
    if (deflated) bytes = (struct wst_slice){walk->out, walk->n};
    if (s->header.opcode == 8 && bytes.n >= 2) {
        bytes = (struct wst_slice){bytes.p + 2, bytes.n - 2};
        text = true;
    }
    if (s->header.opcode != 0 || deflated) open.n = 0;
    if (text || (s->header.opcode >= 9 && wst_utf8_valid(bytes)))
        wst_utf8_explain(&x->paper, open, bytes, more, x->options.all);
}

static void frame_write(struct wst_explain *x, const struct wst_subject *s,
                        const struct wst_walk *walk, bool deflated, bool whole)
{
    struct wst_paper *p = &x->paper;
    settle(x);
    wst_paper_begin(p, "frame");
    title(p, s);
    wst_paper_put(p, WST_INK_NONE, "\n");
    wst_grid_draw(p, s);
    wst_fields_explain(p, s);
    wst_bytes_explain(p, s);
    if (s->segments_n) {
        wst_paper_heading(p, "Carried by");
        wst_segments_explain(p, "segments", s->segments, s->segments_n, s->unlisted, s->inside);
    }
    wst_payload_explain(p, s);
    if (deflated && !s->stream->torn) {
        struct wst_walk again;
        wst_deflate_explain(p, s, whole, &again);
        wst_walk_free(&again);
    } else if (deflated) {
        wst_paper_say(p, "Bytes of the message are missing: it cannot be inflated.");
    }
    walks(x, s, walk, deflated);
    x->now.open = true;
    x->now.findings = false;
    x->now.conn = s->conn;
    x->now.n = s->n;
    x->found++;
}

/* The next frame of a text may have to go on with a character. */
static void open_char(const struct wst_subject *s, struct wst_stream *stream, bool deflated)
{
    struct wst_slice open = {stream->open_char, s->header.opcode ? 0 : stream->open_char_n};
    uint8_t left[4];
    bool goes_on = stream->open && stream->text && !deflated && !s->header.fin && !stream->torn;
    size_t n = goes_on ? wst_utf8_left_open(open, s->plain, left) : 0;
    memcpy(stream->open_char, left, n);
    stream->open_char_n = n;
}

/* Takes the frame into its stream, explains it when `wanted`, and remembers its message. */
void wst_explain_frame(struct wst_explain *x, struct wst_subject *s, struct wst_stream *stream,
                       bool wanted)
{
    struct wst_walk walk = {0};
    uint8_t *own;
    s->options = &x->options;
    s->stream = stream;
    s->before_open = stream->open;
    s->before_closed = stream->closed;
    s->before_unsure = stream->unsure;
    s->plain = unmasked(x, s, &own);
    bool data = s->header.opcode <= 2;
    wst_stream_frame(stream, &s->header, s->plain, s->deflate != WST_NO,
                     s->event ? s->event->frame.msg : s->n);
    bool deflated = data && stream->open && stream->compressed;
    bool whole = s->header.fin && s->header.have >= s->header.need && s->plain.n == s->header.len;
    bool walked = deflated && !stream->torn && (wanted || (whole && s->takeover));
    if (walked) wst_deflate_explain(NULL, s, whole, &walk);
    if (wanted) frame_write(x, s, &walk, deflated, whole);
    if (data) open_char(s, stream, deflated);
    if (data && stream->open && s->header.fin) {
        bool good = walked && whole && (walk.end == WST_WALK_FINE || walk.end == WST_WALK_FINAL);
        if (deflated && good)
            wst_stream_remember(stream, (struct wst_slice){walk.out, walk.n}, walk.doubt,
                                s->takeover);
        else if (deflated && s->takeover) {
            wst_stream_remember(stream, (struct wst_slice){NULL, 0}, NULL, false); /* forgets */
            stream->history_lost = true;
        }
        wst_stream_over(stream);
    }
    wst_walk_free(&walk);
    free(own);
}

static void on_frame(void *user, const struct wst_wire_frame *f)
{
    struct wst_explain *x = user;
    const struct wst_event *e = f->event;
    struct wst_conn *c = *conn_place(x, e->conn);
    bool wanted = wst_wants_frame(x, f, c && f->header.p);
    settle(x);
    if (!c) return;
    struct wst_subject s = {.dir = e->dir,
                            .deflate = c->deflate,
                            .takeover = c->takeover[e->dir],
                            .conn = e->conn,
                            .n = e->frame.n,
                            .event = e,
                            .payload = f->payload,
                            .segments = f->segments,
                            .segments_n = f->segments_n,
                            .unlisted = f->unlisted,
                            .inside = c->inside};
    if (!f->header.p) { /* cannot be shown; and what it was part of is not whole */
        c->stream[e->dir].torn = c->stream[e->dir].unsure = true;
        c->stream[e->dir].history_lost = true;
        return;
    }
    wst_header_bits(&s.header, f->header.p, f->header.n);
    wst_explain_frame(x, &s, &c->stream[e->dir], wanted);
}

/* -- the other events -------------------------------------------------------------------------- */

static void on_handshake(void *user, const struct wst_wire_handshake *h)
{
    struct wst_explain *x = user;
    const struct wst_event *e = h->event;
    int64_t stream = e->handshake.tcp_stream;
    settle(x);
    conn_begin(x, e);
    wst_closing_handshake(x, h);
    if (!wst_wants_handshake(x, h)) return;
    unsigned place = (unsigned)(stream % EXPLAIN_SYNS), n = 0;
    if (stream >= 0 && x->syns && x->syns[place].stream == stream + 1) n = x->syns[place].n;
    wst_handshake_explain(&x->paper, h, &x->options, n ? x->syns[place].packets : NULL, n);
    x->now.open = true;
    x->now.findings = false;
    x->now.conn = e->conn;
    x->now.n = 0;
    x->found++;
}

static void on_packet(void *user, const struct wst_wire_packet *p)
{
    struct wst_explain *x = user;
    wst_closing_packet(x, p);
    if (!x->syns || p->tcp_stream < 0) return;
    unsigned place = (unsigned)(p->tcp_stream % EXPLAIN_SYNS);
    if ((p->flags & 2) && !(p->flags & 16)) {
        x->syns[place].stream = p->tcp_stream + 1;
        x->syns[place].n = 0;
    }
    bool ours = x->syns[place].stream == p->tcp_stream + 1;
    if (ours && x->syns[place].n < EXPLAIN_SYN) x->syns[place].packets[x->syns[place].n++] = *p;
}

static void finding(struct wst_explain *x, const struct wst_event_problem *e)
{
    static const struct wst_column columns[] = {
        {"level", "", WST_COLUMN_WORD},
        {"id", "", WST_COLUMN_WORD},
        {"rfc", "", WST_COLUMN_WORD},
        {"detail", "", WST_COLUMN_WORD},
    };
    const struct wst_problem_row *row = wst_problem_row(e->problem);
    struct wst_paper *p = &x->paper;
    if (!row) return;
    if (!x->now.findings) {
        wst_paper_heading(p, "Findings");
        wst_paper_table(p, "findings", columns, 4);
    }
    x->now.findings = true;
    wst_paper_cell(p, row->level == WST_ERROR ? WST_INK_BAD : WST_INK_RSV, "%s",
                   wst_level_name(row->level));
    wst_paper_cell(p, WST_INK_NONE, "%s", row->id);
    wst_paper_cell(p, WST_INK_NONE, "%s", row->rfc ? row->rfc : "");
    wst_paper_cell(p, WST_INK_NONE, "%s", wst_paper_words(p, e->detail));
}

static void on_gap(struct wst_explain *x, const struct wst_event *e)
{
    struct wst_conn *c = *conn_place(x, e->conn);
    if (!c || e->dir == WST_DIR_NONE) return;
    struct wst_stream *s = &c->stream[e->dir];
    s->torn = s->unsure = true;
    wst_stream_remember(s, (struct wst_slice){NULL, 0}, NULL, false);
    s->history_lost = c->deflate != WST_NO;
}

/* Whether it is about what is open on the paper: the frame, or the handshake, which is frame 0. */
static bool concerns(const struct wst_explain *x, const struct wst_event_problem *e)
{
    const struct wst_problem_row *row = wst_problem_row(e->problem);
    return e->n == x->now.n && (e->n || (row && !strncmp(row->id, "handshake.", 10)));
}

static void on_event(void *user, const struct wst_event *e)
{
    struct wst_explain *x = user;
    bool same = x->now.open && e->conn == x->now.conn;
    if (e->type == WST_EVENT_PROBLEM && same && concerns(x, &e->problem))
        finding(x, &e->problem);
    else if (!same || (e->type != WST_EVENT_MESSAGE && e->type != WST_EVENT_CLOSE &&
                       e->type != WST_EVENT_FRAME && e->type != WST_EVENT_HANDSHAKE))
        settle(x);
    if (e->type == WST_EVENT_GAP) on_gap(x, e);
    if (!x->wants_n) wst_listing_event(x, e);
    wst_closing_event(x, e);
    if (e->type == WST_EVENT_END) conn_over(x, e->conn);
}

/* -- made, used, let go ------------------------------------------------------------------------ */

struct wst_explain *wst_explain_new(const struct wst_explain_options *options, wst_write_fn write,
                                    void *user)
{
    struct wst_explain *x = calloc(1, sizeof *x);
    if (!x) return NULL;
    x->options = *options;
    wst_paper_init(&x->paper, write, user, options->json, options->colour, options->width);
    x->syns = calloc(EXPLAIN_SYNS, sizeof *x->syns);
    x->typed.deflate = WST_UNKNOWN;
    x->typed.takeover[0] = x->typed.takeover[1] = true;
    x->typed.stream[0].unsure = x->typed.stream[1].unsure = true;
    return x;
}

struct wst_wire wst_explain_wire(struct wst_explain *x)
{
    return (struct wst_wire){x, on_packet, on_handshake, on_frame};
}

struct wst_listener wst_explain_listener(struct wst_explain *x)
{
    return (struct wst_listener){x, on_event, NULL};
}

int64_t wst_explain_finish(struct wst_explain *x)
{
    settle(x);
    wst_closing_write(x);
    if (!x->wants_n && !x->typed_n[0] && !x->typed_n[1]) wst_listing_write(x);
    wst_paper_end(&x->paper);
    int failed = wst_paper_flush(&x->paper);
    return failed || x->starved ? -1 : x->found;
}

void wst_explain_free(struct wst_explain *x)
{
    if (!x) return;
    for (unsigned i = 0; i < EXPLAIN_CHAINS; i++)
        while (x->conns[i]) conn_over(x, x->conns[i]->conn);
    wst_stream_free(&x->typed.stream[0]);
    wst_stream_free(&x->typed.stream[1]);
    wst_closing_free(x);
    wst_paper_free(&x->paper);
    free(x->syns);
    free(x->wants);
    free(x->listed);
    free(x);
}
