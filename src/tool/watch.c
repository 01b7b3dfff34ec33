/* SPDX-License-Identifier: MIT
 *
 * In: a timeline. Out: what top shows: each connection in figures, and its latest lines.
 * Refuses to grow: so many connections, so many bytes of lines; the oldest go first.
 */
#include "watch.h"

#include "say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/apps.h>

static struct wst_tool_watch_conn **place(struct wst_tool_watch *w, uint64_t number)
{
    struct wst_tool_watch_conn **at = &w->buckets[number % WST_WATCH_BUCKETS];

    while (*at && (*at)->number != number) at = &(*at)->next;
    return at;
}

struct wst_tool_watch_conn *wst_tool_watch_find(const struct wst_tool_watch *w, uint64_t number)
{
    struct wst_tool_watch_conn *c = w->buckets[number % WST_WATCH_BUCKETS];

    while (c && c->number != number) c = c->next;
    return c;
}

/* -- lines ------------------------------------------------------------------------------------- */

/* The oldest line of all is the first of its connection. */
static void drop_oldest(struct wst_tool_watch *w)
{
    struct wst_tool_watch_line *l = w->oldest;
    struct wst_tool_watch_conn *c = wst_tool_watch_find(w, l->conn);

    w->oldest = l->newer;
    if (!w->oldest) w->newest = NULL;
    if (c && c->first == l) {
        c->first = l->next;
        if (!c->first) c->newest = NULL;
    }
    w->line_bytes -= sizeof *l + l->n;
    free(l);
}

static struct wst_tool_watch_line *add_line(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                                            const struct wst_event *e, struct wst_slice bytes)
{
    size_t n = bytes.n < WST_WATCH_DETAIL ? bytes.n : WST_WATCH_DETAIL;
    struct wst_tool_watch_line *l = calloc(1, sizeof *l + n);

    if (!l) return NULL;
    l->conn = c->number;
    l->number = ++w->numbers;
    l->when = e->when;
    l->dir = e->dir;
    l->type = e->type;
    l->certain = true;
    l->n = n;
    if (n) memcpy(l->bytes, bytes.p, n);
    if (c->newest)
        c->newest->next = l;
    else
        c->first = l;
    c->newest = l;
    if (w->newest)
        w->newest->newer = l;
    else
        w->oldest = l;
    w->newest = l;
    w->line_bytes += sizeof *l + n;
    while (w->line_bytes > WST_WATCH_BYTES && w->oldest != l) drop_oldest(w);
    return l;
}

static struct wst_tool_watch_line *add_words(struct wst_tool_watch *w,
                                             struct wst_tool_watch_conn *c,
                                             const struct wst_event *e, const char *words)
{
    struct wst_tool_watch_line *l =
        add_line(w, c, e, (struct wst_slice){(const uint8_t *)words, strlen(words)});

    if (l) l->text = true;
    return l;
}

/* -- connections ------------------------------------------------------------------------------- */

static struct wst_tool_watch_row *row_of(struct wst_tool_watch *w,
                                         const struct wst_tool_watch_conn *c)
{
    return c->ended ? &w->over : &w->open;
}

static void forget(struct wst_tool_watch *w, struct wst_tool_watch_conn *c)
{
    *place(w, c->number) = c->next;
    TAILQ_REMOVE(row_of(w, c), c, place);
    w->n--;
    w->forgotten++;
    free(c); /* its lines stay in the row of all until their turn */
}

/* An ended one, else the one that was silent for longest. */
static void make_room(struct wst_tool_watch *w)
{
    struct wst_tool_watch_conn *worst = TAILQ_FIRST(&w->over);

    if (!worst) worst = TAILQ_FIRST(&w->open);
    if (worst) forget(w, worst);
}

/* With more connections open than are kept, most that speak were forgotten before. */
static struct wst_tool_watch_conn *add_conn(struct wst_tool_watch *w, const struct wst_event *e)
{
    struct wst_tool_watch_conn **at, *c;

    if (w->n >= WST_WATCH_CONNS) make_room(w);
    at = place(w, e->conn);
    if (!(c = calloc(1, sizeof *c))) return NULL;
    c->number = e->conn;
    c->began_ns = e->when.ns;
    *at = c;
    TAILQ_INSERT_TAIL(&w->open, c, place);
    w->n++;
    if (e->conn > w->newest_conn) {
        strcpy(c->path, "joined in the middle");
        w->newest_conn = e->conn;
        w->all++;
    } else {
        strcpy(c->path, "was forgotten for others");
    }
    return c;
}

static struct wst_tool_watch_conn *conn_of(struct wst_tool_watch *w, const struct wst_event *e)
{
    struct wst_tool_watch_conn *c = *place(w, e->conn);

    if (!c && !(c = add_conn(w, e))) return NULL;
    c->last_ns = e->when.ns;
    TAILQ_REMOVE(row_of(w, c), c, place);
    TAILQ_INSERT_TAIL(row_of(w, c), c, place);
    return c;
}

static void over(struct wst_tool_watch *w, struct wst_tool_watch_conn *c)
{
    TAILQ_REMOVE(row_of(w, c), c, place);
    c->ended = true;
    TAILQ_INSERT_TAIL(&w->over, c, place);
}

static void safe(char *to, size_t size, struct wst_slice s)
{
    wst_tool_safe(to, size, (const char *)s.p, s.n < 4 * size ? s.n : 4 * size);
}

static const char *fate_of(const struct wst_event_handshake *h)
{
    if (h->accepted) return h->status < 0 ? "picked up" : "accepted";
    if (h->status < 0) return "no response";
    return h->status == 101 ? "not followed" : "refused";
}

static void handshake(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                      const struct wst_event *e)
{
    const struct wst_event_handshake *h = &e->handshake;
    char words[512], method[32], status[16] = "";

    snprintf(c->client, sizeof c->client, "%s:%u", h->client_ip, h->client_port);
    snprintf(c->server, sizeof c->server, "%s:%u", h->server_ip, h->server_port);
    safe(c->path, sizeof c->path, h->uri);
    if (!h->uri.n) strcpy(c->path, "joined in the middle");
    safe(c->protocol, sizeof c->protocol, h->subprotocol);
    safe(method, sizeof method, h->method);
    if (h->status >= 0) snprintf(status, sizeof status, "%d ", (int)h->status);
    if (!h->accepted) {
        over(w, c); /* no end is told of it */
        snprintf(c->last, sizeof c->last, "%s%s", status, fate_of(h));
    }
    snprintf(words, sizeof words, "%s%s%s  %s%s%s%s", method, method[0] ? " " : "", c->path, status,
             fate_of(h), c->protocol[0] ? "  " : "", c->protocol);
    add_words(w, c, e, words);
}

/* -- what is said ------------------------------------------------------------------------------ */

/* Of bytes, what they are in the application's protocol says more than their number alone. */
static size_t put_known(uint8_t *to, size_t n, const void *p, size_t more)
{
    if (more > WST_WATCH_DETAIL - n) more = WST_WATCH_DETAIL - n; /* who shows it cuts it, too */
    if (more) memcpy(to + n, p, more);
    return n + more;
}

/* What is known of a message: its payload; of text known by the piece the pieces, with … between.
 */
static struct wst_slice known_of(const struct wst_event_message *m, uint8_t *room)
{
    size_t n = 0, at = m->payload.n;

    if (!m->sketch.n) return m->payload;
    n = put_known(room, n, m->payload.p, m->payload.n);
    for (struct wst_slice piece;
         n < WST_WATCH_DETAIL && (piece = wst_event_piece(m->sketch, at)).n;) {
        n = put_known(room, n, "…", strlen("…"));
        n = put_known(room, n, piece.p, piece.n);
        at = (size_t)(piece.p - m->sketch.p) + piece.n;
    }
    return (struct wst_slice){room, n};
}

static void keep_last(struct wst_tool_watch_conn *c, enum wst_dir dir,
                      const struct wst_event_message *m, struct wst_slice known)
{
    char shown[112], name[64];

    snprintf(name, sizeof name, "%s", wst_opcode_name(m->opcode));
    if (m->app && m->app->packets_n) safe(name, sizeof name, m->app->packets[0].name);
    if (m->utf8)
        safe(shown, sizeof shown, known);
    else
        snprintf(shown, sizeof shown, "%s, %zu bytes", name, m->payload.n);
    snprintf(c->last, sizeof c->last, "%s %s", dir == WST_C2S ? ">" : "<", shown);
}

static void keep_app(struct wst_tool_watch_conn *c, const struct wst_app_said *said)
{
    const struct wst_app_row *row = said ? wst_app_row(said->app) : NULL;

    if (row) snprintf(c->app, sizeof c->app, "%s", row->title);
}

/* Its message or close is not told with it. */
static void frame_alone(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                        const struct wst_event *e)
{
    struct wst_tool_watch_line *l = add_line(w, c, e, e->frame.payload);

    if (!l) return;
    l->has_frame = true;
    l->frame = e->frame;
    l->frame.payload = (struct wst_slice){NULL, 0};
    l->opcode = e->frame.opcode;
    l->len = e->frame.len;
    l->text = e->frame.utf8;
}

static void settle(struct wst_tool_watch *w)
{
    const struct wst_event *e = &w->held.event;
    struct wst_tool_watch_conn *c = w->held.waiting ? wst_tool_watch_find(w, e->conn) : NULL;

    w->held.waiting = false;
    if (c) frame_alone(w, c, e);
}

static void frame(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                  const struct wst_event *e)
{
    const struct wst_event_frame *f = &e->frame;

    c->frames++;
    w->frames++;
    c->bytes += f->len;
    w->bytes += f->len;
    if (f->payload.n || f->opcode > 8)
        frame_alone(w, c, e);
    else
        wst_held_frame_keep(&w->held, e);
}

static void give_frame(struct wst_tool_watch *w, struct wst_tool_watch_line *l, bool held)
{
    if (!l || !held) return;
    l->has_frame = true;
    l->frame = w->held.event.frame;
}

static void message(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                    const struct wst_event *e, bool held)
{
    const struct wst_event_message *m = &e->message;
    uint8_t room[WST_WATCH_DETAIL];
    struct wst_slice known = known_of(m, room);
    struct wst_tool_watch_line *l = add_line(w, c, e, known);

    c->messages++;
    keep_last(c, e->dir, m, known);
    keep_app(c, m->app);
    give_frame(w, l, held);
    if (!l) return;
    l->opcode = m->opcode;
    l->len = m->len;
    l->wire_len = m->wire_len;
    l->frames = m->frames;
    l->text = m->utf8;
    l->compressed = m->compressed;
    l->certain = m->certain;
}

static void closing(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                    const struct wst_event *e, bool held)
{
    struct wst_tool_watch_line *l = add_line(w, c, e, e->close.reason);

    give_frame(w, l, held);
    if (!l) return;
    l->opcode = 8;
    l->code = e->close.code;
    l->text = e->close.utf8;
}

static void problem(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                    const struct wst_event *e)
{
    const struct wst_problem_row *row = wst_problem_row(e->problem.problem);
    char words[512];
    struct wst_tool_watch_line *l;

    if (!row) return;
    if (row->level > WST_NOTE) c->problems++;
    snprintf(words, sizeof words, "%s: %s", row->id, e->problem.detail ? e->problem.detail : "");
    l = add_words(w, c, e, words);
    if (l) l->level = row->level;
}

static void gap(struct wst_tool_watch *w, struct wst_tool_watch_conn *c, const struct wst_event *e)
{
    char words[96];

    snprintf(words, sizeof words, "%" PRIu64 " bytes missing from the capture", e->gap.bytes);
    add_words(w, c, e, words);
}

static void ended(struct wst_tool_watch *w, struct wst_tool_watch_conn *c,
                  const struct wst_event *e)
{
    char words[128];

    over(w, c);
    snprintf(words, sizeof words, "%s, %s %s",
             e->end.clean ? "closed cleanly" : "not closed cleanly",
             e->end.stream ? "stream" : "TCP", wst_tcp_end_name(e->end.tcp));
    add_words(w, c, e, words);
}

static void on_event(void *user, const struct wst_event *e)
{
    struct wst_tool_watch *w = user;
    bool held = wst_held_frame_take(&w->held, e);
    struct wst_tool_watch_conn *c;

    settle(w);
    if (e->when.ns > w->now_ns) w->now_ns = e->when.ns;
    if (!e->conn || !(c = conn_of(w, e))) return;
    switch (e->type) {
    case WST_EVENT_HANDSHAKE: handshake(w, c, e); break;
    case WST_EVENT_FRAME: frame(w, c, e); break;
    case WST_EVENT_MESSAGE: message(w, c, e, held); break;
    case WST_EVENT_CLOSE: closing(w, c, e, held); break;
    case WST_EVENT_GAP: gap(w, c, e); break;
    case WST_EVENT_PROBLEM: problem(w, c, e); break;
    case WST_EVENT_END: ended(w, c, e); break;
    default: break;
    }
}

struct wst_listener wst_tool_watch_listener(struct wst_tool_watch *w)
{
    return (struct wst_listener){w, on_event, NULL};
}

void wst_tool_watch_rates(struct wst_tool_watch *w, double seconds)
{
    for (size_t i = 0; i < WST_WATCH_BUCKETS; i++)
        for (struct wst_tool_watch_conn *c = w->buckets[i]; c; c = c->next) {
            c->rate = seconds > 0 ? (double)(c->bytes - c->bytes_before) / seconds : 0;
            c->bytes_before = c->bytes;
        }
}

struct wst_tool_watch *wst_tool_watch_new(void)
{
    struct wst_tool_watch *w = calloc(1, sizeof *w);

    if (!w) return NULL;
    TAILQ_INIT(&w->open);
    TAILQ_INIT(&w->over);
    return w;
}

void wst_tool_watch_free(struct wst_tool_watch *w)
{
    if (!w) return;
    while (w->oldest) drop_oldest(w);
    for (size_t i = 0; i < WST_WATCH_BUCKETS; i++)
        while (w->buckets[i]) forget(w, w->buckets[i]);
    free(w);
}
