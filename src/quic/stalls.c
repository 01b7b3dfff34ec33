/* SPDX-License-Identifier: MIT
 *
 * In: what a sender says of windows that hold it up (RFC 9000 section 4.1), and what opens them.
 * Out: that one stayed closed. Refuses to say so where a packet that opened it may be missing.
 */
#include <stdio.h>

#include "connection.h"
#include "dir.h"

enum {
    LEAST_MS = 1000, /* less is nothing to tell of */
    TOLD_MAX = 16    /* so often a window is told to have been closed */
};

/* NULL: nothing more is sent there, or it is not known. */
static struct quic_window *window_of(const struct quic_step *t, uint64_t id, enum wst_dir dir)
{
    struct wst_quic_connection *c = t->connection;
    if (id == QUIC_ALL) return &c->side[dir].window;
    struct quic_stream *s = wst_sorted_find(&c->streams, id);
    return s && !s->half[dir].over ? &s->half[dir].window : NULL;
}

/* Of what `dir` sends, since it was closed. */
static void window_tell(const struct quic_step *t, struct quic_window *w, uint64_t id,
                        enum wst_dir dir, bool last)
{
    const struct wst_quic_connection *c = t->connection;
    const struct wst_quic_sink *sink = &t->quic->sink;
    enum wst_dir reader = wst_dir_other(dir);
    long long ms = wst_ns_between(w->since_ns, wst_arrival_there(t->arrival).ns) / 1000000;
    char detail[160];
    if (!c->upper || ms < LEAST_MS || w->told == TOLD_MAX) return;
    if (!c->side[reader].opened || wst_quic_missed(c, reader, w->newest)) return;
    w->told++;
    snprintf(detail, sizeof detail,
             "its window for %s was closed for %s%lld.%03lld s: the %s had more to send",
             id == QUIC_ALL ? "the connection" : "the stream", last ? "the last " : "", ms / 1000,
             ms % 1000, wst_dir_sender(dir));
    sink->stalled(sink->user, c->upper, id, reader, detail, t->arrival);
}

void wst_quic_stalls_blocked(struct quic_step *t, uint64_t id, uint64_t limit)
{
    struct quic_window *w = window_of(t, id, t->dir);
    if (!w || limit < w->allowed || limit < w->limit || (w->closed && limit == w->limit)) return;
    w->closed = true;
    w->limit = limit;
    w->since_ns = wst_arrival_there(t->arrival).ns;
    w->newest = wst_quic_newest(t->connection, wst_dir_other(t->dir));
}

void wst_quic_stalls_moved(struct quic_step *t, struct quic_half *h, uint64_t until)
{
    if (until > h->order.next) t->connection->side[t->dir].window.closed = false;
    if (until > h->window.limit) h->window.closed = false;
}

void wst_quic_stalls_allowed(struct quic_step *t, uint64_t id, uint64_t limit)
{
    enum wst_dir dir = wst_dir_other(t->dir);
    struct quic_window *w = window_of(t, id, dir);
    if (!w || limit <= w->allowed) return;
    w->allowed = limit;
    if (!w->closed || limit <= w->limit) return;
    w->closed = false;
    window_tell(t, w, id, dir, false);
}

void wst_quic_stalls_over(struct quic_step *t, struct quic_stream *s)
{
    for (int d = 0; d < 2; d++) {
        struct quic_window *w = s ? &s->half[d].window : &t->connection->side[d].window;
        if (w->closed && !(s && s->half[d].over))
            window_tell(t, w, s ? s->id : QUIC_ALL, (enum wst_dir)d, true);
        w->closed = false;
    }
}
