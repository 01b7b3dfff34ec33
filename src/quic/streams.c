/* SPDX-License-Identifier: MIT
 *
 * In: STREAM frames, in any order. Out: each stream's bytes in order (RFC 9000 section 2). A hole
 * is given up when the other side has all of the packets that may have filled it, or says nothing
 * of them any more, and time has passed, as in the flow room; or nobody filled it for long; or more
 * waits behind it than may.
 */
#include <assert.h>
#include <stdlib.h>

#include "connection.h"

static_assert(offsetof(struct quic_stream, id) == 0, "as wst_sorted has it");

enum {
    STREAM_SERVER = 1,  /* bits of a stream's id, section 2.1: who opened it … */
    STREAM_ONE_WAY = 2, /* … and whether only he sends on it */
    BEFORE = 64,        /* packets before the first bytes of a stream that may have carried it */
    SETTLE_EVERY = 16,  /* datagrams, while there are holes */
};

/* -- finding and making ------------------------------------------------------------------------ */

static void stream_remove(struct quic_step *t, struct quic_stream *s)
{
    struct wst_quic_connection *c = t->connection;
    for (int d = 0; d < 2; d++) {
        if (s->half[d].waits) c->holes--;
        if (s->half[d].reset) c->resets--;
        wst_quic_order_free(&s->half[d].order, t->quic->budget);
    }
    wst_sorted_take(&c->streams, s->id);
    wst_budget_give(t->quic->budget, sizeof *s);
    free(s);
}

/* Those that were silent longest give way, of those that nobody follows: several at once, since
 * all have to be looked at to find them. */
static void streams_cap(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    uint64_t least = UINT64_MAX;
    if (c->streams.n < WST_QUIC_STREAMS || c->packets < c->crowded) return;
    c->crowded = c->packets + SETTLE_EVERY;
    for (uint32_t i = 0; i < c->streams.n; i++) {
        struct quic_stream *s = c->streams.items[i];
        s->followed = c->upper && q->sink.follows(q->sink.user, c->upper, s->id);
        if (!s->followed && s->touched < least) least = s->touched;
    }
    if (least == UINT64_MAX) return;
    c->crowded = 0;
    uint64_t most = least + (c->packets - least) / 8;
    for (uint32_t i = c->streams.n; i-- > 0;) {
        struct quic_stream *s = c->streams.items[i];
        if (!s->followed && s->touched <= most) stream_remove(t, s);
    }
}

static struct quic_stream *stream_new(struct quic_step *t, uint64_t id)
{
    struct wst_quic_connection *c = t->connection;
    streams_cap(t);
    if (c->streams.n >= WST_QUIC_STREAMS) return NULL;
    struct quic_stream *s = wst_sorted_new(&c->streams, t->quic->budget, id, sizeof *s);
    if (!s) return NULL;
    s->touched = c->packets;
    for (int d = 0; d < 2; d++) {
        s->half[d].size = UINT64_MAX;
        s->half[d].over = id & STREAM_ONE_WAY && (id & STREAM_SERVER) != (d == WST_S2C);
    }
    return s;
}

bool wst_quic_behind(const struct wst_quic_connection *c, uint64_t id, enum wst_dir dir)
{
    const struct quic_stream *s = wst_sorted_find(&c->streams, id);
    const struct quic_half *h = s ? &s->half[dir] : NULL;
    return h && (h->waits || (!h->over && wst_quic_missed(c, dir, h->tail + 1)));
}

bool wst_quic_obscure(const struct wst_quic_connection *c, uint64_t id, enum wst_dir dir)
{
    const struct quic_stream *s = wst_sorted_find(&c->streams, id);
    const struct quic_half *h = s ? &s->half[dir] : NULL;
    return wst_quic_behind(c, id, dir) ||
           (h && !h->over &&
            wst_quic_numbers_unsaid(wst_quic_connection_numbers(c, dir), h->tail + 1));
}

/* Whoever opens a stream opens those of its kind before it (section 2.1). NULL: it is over, or
 * there is no memory. */
static struct quic_stream *stream_of(struct quic_step *t, uint64_t id)
{
    struct wst_quic_connection *c = t->connection;
    struct quic_stream *s = wst_sorted_find(&c->streams, id);
    if (s) return s;
    uint64_t *opened =
        &c->side[id & STREAM_SERVER ? WST_S2C : WST_C2S].streams[id & STREAM_ONE_WAY ? 1 : 0];
    uint64_t index = id >> 2;
    if (index < *opened) return NULL;
    uint64_t may = WST_QUIC_SKIPPED - t->skipped, from = index > may ? index - may : 0;
    for (uint64_t at = *opened > from ? *opened : from; at < index; at++, t->skipped++)
        stream_new(t, at << 2 | (id & 3));
    s = stream_new(t, id);
    *opened = index + (s != NULL); /* no memory: its next bytes begin it, behind a hole */
    return s;
}

void wst_quic_streams_free(struct wst_quic *q, struct wst_quic_connection *c)
{
    struct quic_step t = {.quic = q, .connection = c};
    while (c->streams.n) stream_remove(&t, c->streams.items[c->streams.n - 1]);
    wst_sorted_free(&c->streams, q->budget);
}

/* -- handing on -------------------------------------------------------------------------------- */

/* False: nobody wants it. */
static bool begun(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    if (!c->began) c->upper = q->sink.open(q->sink.user, c, &c->ends, &c->terms, t->arrival);
    c->began = true;
    if (!c->upper && c->state < QUIC_SEALED) c->state = QUIC_SEALED;
    return c->upper;
}

static void half_pass(struct quic_step *t, struct quic_stream *s, enum wst_dir dir,
                      struct wst_slice bytes, uint64_t pkt)
{
    struct wst_quic *q = t->quic;
    struct wst_arrival a = *t->arrival;
    a.from = pkt;
    q->sink.data(q->sink.user, t->connection->upper, s->id, dir, bytes, &a);
    wst_quic_order_pass(&s->half[dir].order, q->budget, bytes.n);
}

static uint64_t half_hole(const struct quic_half *h)
{
    if (h->order.pieces) return wst_quic_order_hole(&h->order);
    return h->size != UINT64_MAX ? h->size - h->order.next : 0;
}

/* What waited and is in order now; and the end. */
static void half_drain(struct quic_step *t, struct quic_stream *s, enum wst_dir dir)
{
    struct wst_quic *q = t->quic;
    struct quic_half *h = &s->half[dir];
    uint64_t pkt;
    for (struct wst_slice w; (w = wst_quic_order_next(&h->order, &pkt)).n;)
        half_pass(t, s, dir, w, pkt);
    if (h->order.next < h->size || h->over) return;
    h->over = true;
    q->sink.fin(q->sink.user, t->connection->upper, s->id, dir, t->arrival);
}

/* A hole begins, goes on, or is filled. */
static void half_look(struct quic_step *t, struct quic_half *h, enum wst_dir dir, bool moved)
{
    uint64_t next = t->connection->side[dir].next[SPACE_APPLICATION];
    bool waits = !h->over && half_hole(h);
    if (waits && (!h->waits || moved)) {
        h->hole = next ? next - 1 : 0; /* the packet that is worked on may be the other side's */
        h->hole_ns = t->quic->time.now;
        h->acked_at = 0;
    }
    if (waits != h->waits) t->connection->holes += waits ? 1 : UINT32_MAX;
    h->waits = waits;
}

/* So many bytes that are missing next. */
static void half_give_up(struct quic_step *t, struct quic_stream *s, enum wst_dir dir, uint64_t n)
{
    struct wst_quic *q = t->quic;
    struct quic_half *h = &s->half[dir];
    q->sink.gap(q->sink.user, t->connection->upper, s->id, dir, n, t->arrival);
    wst_quic_order_pass(&h->order, q->budget, n);
    half_drain(t, s, dir);
}

static void stream_settled(struct quic_step *t, struct quic_stream *s)
{
    const struct quic_half *h = s->half;
    if (h[0].over && h[1].over && !h[0].reset && !h[1].reset) stream_remove(t, s);
}

void wst_quic_stream_bytes(struct quic_step *t, uint64_t id, uint64_t at, struct wst_slice bytes,
                           bool fin)
{
    const struct wst_limits *l = &t->quic->options->limits;
    const struct wst_quic_caps caps = {l->reorder_bytes, l->reorder_segments};
    struct quic_stream *s = t->connection->state < QUIC_SEALED ? stream_of(t, id) : NULL;
    struct quic_half *h = s ? &s->half[t->dir] : NULL;
    struct wst_slice now;
    if (!s || h->over || !begun(t)) return;
    s->touched = t->connection->packets;
    wst_quic_stalls_moved(t, h, at + bytes.n);
    if (h->size != UINT64_MAX && at + bytes.n > h->size) /* behind the end: section 4.5 */
        bytes.n = at < h->size ? (size_t)(h->size - at) : 0;
    if (fin && h->size == UINT64_MAX && at + bytes.n >= h->order.next) h->size = at + bytes.n;
    uint64_t before = h->order.next;
    for (;;) {
        if (!wst_quic_order_put(&h->order, t->quic->budget, at, bytes, t->arrival->from, &caps,
                                &now)) {
            /* No room: what is missing before these bytes, or before those that wait, is given up.
             */
            uint64_t n = wst_quic_order_hole(&h->order), here = at - h->order.next;
            half_give_up(t, s, t->dir, n && n < here ? n : here);
        } else if (now.n) {
            h->tail = t->number;
            half_pass(t, s, t->dir, now, t->arrival->from);
            half_drain(t, s, t->dir);
        } else {
            break;
        }
    }
    half_drain(t, s, t->dir);
    half_look(t, h, t->dir, h->order.next != before);
    stream_settled(t, s);
}

/* RESET_STREAM says how many bytes were sent (section 4.5): those that never came are missing. */
void wst_quic_stream_reset(struct quic_step *t, uint64_t id, uint64_t code, uint64_t size)
{
    struct quic_stream *s = t->connection->state < QUIC_SEALED ? stream_of(t, id) : NULL;
    struct quic_half *h = s ? &s->half[t->dir] : NULL;
    if (!s || h->over || !begun(t)) return;
    wst_quic_stalls_over(t, s);
    h->size = UINT64_MAX; /* its end is no FIN */
    while (h->order.pieces) half_give_up(t, s, t->dir, wst_quic_order_hole(&h->order));
    if (size > h->order.next) half_give_up(t, s, t->dir, size - h->order.next);
    h->over = h->reset = true;
    h->reset_code = code;
    h->reset_behind = wst_quic_newest(t->connection, (enum wst_dir) !t->dir);
    h->reset_arrival = *t->arrival;
    t->connection->resets++;
    half_look(t, h, t->dir, true);
}

static void half_reset(struct quic_step *t, const struct quic_stream *s, struct quic_half *h,
                       enum wst_dir dir)
{
    const struct wst_quic_sink *sink = &t->quic->sink;
    struct wst_arrival a = wst_arrival_waited(&h->reset_arrival, t->arrival);
    h->reset = false;
    t->connection->resets--;
    sink->reset(sink->user, t->connection->upper, s->id, dir, h->reset_code, &a);
}

/* The directions may come from two taps: a reset is told when what its sender had was captured. */
void wst_quic_streams_resets(struct quic_step *t, bool all)
{
    struct wst_quic_connection *c = t->connection;
    for (uint32_t i = 0; i < c->streams.n && c->resets; i++) {
        struct quic_stream *s = c->streams.items[i];
        for (int d = 0; d < 2; d++) {
            struct quic_half *h = &s->half[d];
            if (h->reset &&
                (all || wst_quic_connection_numbers(c, (enum wst_dir) !d)->came >= h->reset_behind))
                half_reset(t, s, h, (enum wst_dir)d);
        }
        uint32_t n = c->streams.n;
        stream_settled(t, s);
        i -= n - c->streams.n;
    }
}

/* -- holes ------------------------------------------------------------------------------------- */

static bool hole_is_lost(struct quic_step *t, struct quic_half *h, enum wst_dir dir)
{
    const struct wst_limits *l = &t->quic->options->limits;
    struct wst_quic_connection *c = t->connection;
    int64_t now = t->quic->time.now;
    if (wst_ns_between(h->hole_ns, now) >= l->reorder_ns) return true;
    uint64_t after = h->tail ? h->tail : h->hole > BEFORE ? h->hole - BEFORE : 0;
    enum wst_quic_lost lost =
        wst_quic_numbers_lost(wst_quic_connection_numbers(c, dir), after, h->hole);
    if (lost == WST_QUIC_LACKS) return false;
    if (!h->acked_at) {
        h->acked_at = c->packets;
        h->acked_ns = now;
    }
    /* What it only stays silent about may still be sent again, and soon. */
    if (lost == WST_QUIC_SILENT) return wst_ns_between(h->acked_ns, now) >= 2 * l->reorder_acked_ns;
    return c->packets - h->acked_at >= l->reorder_packets ||
           wst_ns_between(h->acked_ns, now) >= l->reorder_acked_ns;
}

void wst_quic_streams_stalled(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    wst_quic_stalls_over(t, NULL);
    for (uint32_t i = 0; i < c->streams.n; i++) wst_quic_stalls_over(t, c->streams.items[i]);
}

void wst_quic_streams_settle(struct quic_step *t, bool all)
{
    struct wst_quic_connection *c = t->connection;
    if (!all && c->packets % SETTLE_EVERY) return;
    for (uint32_t i = 0; i < c->streams.n && c->holes; i++) {
        struct quic_stream *s = c->streams.items[i];
        for (int d = 0; d < 2; d++) {
            struct quic_half *h = &s->half[d];
            while (h->waits && (all || hole_is_lost(t, h, (enum wst_dir)d))) {
                half_give_up(t, s, (enum wst_dir)d, half_hole(h));
                half_look(t, h, (enum wst_dir)d, true);
            }
        }
        uint32_t n = c->streams.n;
        stream_settled(t, s);
        i -= n - c->streams.n;
    }
}
