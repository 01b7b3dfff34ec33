/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of a flow as they are delivered, and the frames and handshakes found in them.
 * Out: each with its bytes as they were on the wire and the segments that carried it.
 * Refuses to keep more than limits.max_wire a direction: then the rest of a frame is only counted.
 *
 *   flow ──bytes──▶ tap ──the same──▶ conversation … ws ──frame──▶ tap ──wire──▶ who asked
 *                    └ pieces: ├─pkt 7─┤├─pkt 9─┤      ╎   ├─pkt 12──┤
 *                                  ├────frame, at origin + offset───┤
 *
 * A tap stands between two rooms only when somebody asked; else they speak to each other.
 */
#include <stdlib.h>

#include "array.h"
#include "pipeline.h"
#include "wire_row.h"

enum { TAP_BUCKETS = 64 }; /* to begin with */

struct tap_side {
    struct wst_wire_row row;
    uint64_t origin;     /* place of WebSocket offset 0 */
    uint64_t waits;      /* bytes before the row's end that will be handed on again */
    struct wst_buf head; /* the last HTTP head of this side */
};

struct wst_tap { /* of one flow, or of what lies inside one */
    struct wst_tap *next;
    uint64_t key;
    struct tap_side side[2];
    bool again; /* a gap that waited is told: it was counted when it came */
};

/* -- taps -------------------------------------------------------------------------------------- */

/* Its stream number; of what lies inside another, its own. */
static uint64_t tap_key(const struct wst_flow *f)
{
    return f->inner ? f->hash : f->stream;
}

static struct wst_tap **tap_place(struct wst_wire_room *w, uint64_t key)
{
    struct wst_tap **at = &w->taps[key & w->taps_mask];
    while (*at && (*at)->key != key) at = &(*at)->next;
    return at;
}

static struct wst_tap *tap_find(struct wst_context *c, const struct wst_flow *f)
{
    return c->wire.taps ? *tap_place(&c->wire, tap_key(f)) : NULL;
}

static void taps_grow(struct wst_context *c)
{
    struct wst_wire_room *w = &c->wire;
    uint32_t room = w->taps ? 2 * (w->taps_mask + 1) : TAP_BUCKETS;
    if (w->taps && (w->taps_n <= w->taps_mask || !room)) return;
    struct wst_tap **old = w->taps, **taps = calloc(room, sizeof *taps);
    uint32_t old_n = old ? w->taps_mask + 1 : 0;
    if (!taps) return; /* the chains grow longer */
    w->taps = taps;
    w->taps_mask = room - 1;
    for (uint32_t i = 0; i < old_n; i++)
        for (struct wst_tap *t = old[i], *next; t; t = next) {
            next = t->next;
            t->next = taps[t->key & w->taps_mask];
            taps[t->key & w->taps_mask] = t;
        }
    free(old);
}

static struct wst_tap *tap_of(struct wst_context *c, const struct wst_flow *f)
{
    struct wst_tap *t = tap_find(c, f);
    if (t) return t;
    taps_grow(c);
    t = c->wire.taps ? wst_budget_new(&c->budget, sizeof *t) : NULL;
    if (!t) return NULL;
    t->key = tap_key(f);
    *tap_place(&c->wire, tap_key(f)) = t;
    c->wire.taps_n++;
    return t;
}

static void tap_free(struct wst_context *c, struct wst_tap *t)
{
    for (int i = 0; i < 2; i++) {
        wst_wire_row_free(&t->side[i].row, &c->budget);
        wst_buf_free(&t->side[i].head, &c->budget);
    }
    wst_budget_give(&c->budget, sizeof *t);
    free(t);
}

static void tap_forget(struct wst_context *c, const struct wst_flow *f)
{
    struct wst_tap **at = c->wire.taps ? tap_place(&c->wire, tap_key(f)) : NULL, *t;
    if (!at || !(t = *at)) return;
    *at = t->next;
    c->wire.taps_n--;
    tap_free(c, t);
}

/* -- bytes go by ------------------------------------------------------------------------------- */

/* The first byte of the side that may still become part of a frame or head. */
static uint64_t side_needs(const struct wst_context *c, const struct wst_flow *f,
                           const struct tap_side *s, unsigned side)
{
    const struct wst_limits *l = &c->options.limits;
    uint64_t keep = l->max_head + l->max_early; /* what may wait elsewhere before it is known */
    switch (f->kind) {
    case KIND_IDLE0:
    case KIND_IDLE1:
    case KIND_HTTP2:
    case KIND_HTTP3:
    case KIND_TLS: return s->row.end;
    case KIND_HTTP: {
        const struct conversation_http *h = f->upper;
        enum wst_dir dir = side == h->base.client ? WST_C2S : WST_S2C;
        if (dir == WST_S2C || !h->http.awaiting)
            keep = h->http.side[dir].head.n + wst_queue_bytes(&h->http.wait[dir]);
        break;
    }
    case KIND_WS: {
        const struct conversation_ws *w = f->upper;
        enum wst_dir dir = side == w->base.client ? WST_C2S : WST_S2C;
        if (w->ws.side[dir].mode == WST_WS_OFF) return s->row.end;
        if (w->ws.side[dir].mode == WST_WS_SEEK) return s->origin + w->ws.rare[dir].seek->offset;
        return s->origin + w->ws.side[dir].offset;
    }
    default: keep += l->max_resync; break;
    }
    return s->row.end > keep ? s->row.end - keep : 0;
}

static void tap_settle(struct wst_context *c, struct wst_flow *f)
{
    struct wst_tap *t = tap_find(c, f);
    if (!t) return;
    if (f->ignored) {
        tap_forget(c, f);
        return;
    }
    for (unsigned side = 0; side < 2; side++)
        wst_wire_row_trim(&t->side[side].row, &c->budget, side_needs(c, f, &t->side[side], side));
}

static void wire_data(void *user, struct wst_flow *f, unsigned side, struct wst_slice bytes,
                      const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct wst_tap *t = tap_of(c, f);
    if (t) /* the flow counts bytes before it hands them on */
        wst_wire_row_add(&t->side[side].row, &c->budget, bytes,
                         f->half[side].next - (uint32_t)bytes.n, a->from,
                         c->options.limits.max_wire);
    wst_conversation_sink.data(user, f, side, bytes, a);
    tap_settle(c, f);
}

void wst_wire_gap(struct wst_context *c, const struct wst_flow *f, unsigned side, uint64_t n)
{
    struct wst_tap *t = c->wire.on ? tap_of(c, f) : NULL;
    if (t && !t->again)
        t->side[side].row.end += n;
    else if (t)
        t->side[side].waits -= n;
}

void wst_wire_waits(struct wst_context *c, const struct wst_flow *f, unsigned side, uint64_t n)
{
    struct wst_tap *t = c->wire.on ? tap_find(c, f) : NULL;
    if (t) t->side[side].waits += n;
}

void wst_wire_waited(struct wst_context *c, struct wst_flow *f, unsigned side, struct wst_slice s,
                     const struct wst_arrival *a)
{
    struct wst_tap *t = c->wire.on ? tap_find(c, f) : NULL;
    if (s.p) {
        if (t) t->side[side].waits -= s.n;
        wst_conversation_sink.data(c, f, side, s, a);
        return;
    }
    uint64_t waits = t ? t->side[side].waits - s.n : 0;
    if (t) t->again = true;
    wst_conversation_sink.gap(c, f, side, s.n, WST_GAP_LOST, a);
    t = c->wire.on ? tap_find(c, f) : NULL;
    if (!t) return;
    t->again = false;
    t->side[side].waits = waits; /* whoever took it, and whether they counted it */
}

void wst_wire_forget(struct wst_context *c, const struct wst_flow *f)
{
    if (c->wire.on) tap_forget(c, f);
}

static void wire_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                     const struct wst_arrival *a)
{
    wst_conversation_sink.end(user, f, how, a);
    tap_forget(user, f);
}

static int64_t relative(const struct wst_flow *f, unsigned side, uint32_t seq)
{
    return f->half[side].flags & WST_HALF_SYN ? (int64_t)(seq - f->rare[side].isn) : -1;
}

static void wire_segment(void *user, struct wst_flow *f, unsigned side, const struct wst_segment *s,
                         const struct wst_arrival *a)
{
    struct wst_context *c = user;
    const struct conversation *base = f->upper;
    struct wst_wire_packet p = {.when = a->when,
                                .tcp_stream = f->stream,
                                .dir = WST_DIR_NONE,
                                .side = (uint8_t)side,
                                .flags = s->flags,
                                .window = s->window,
                                .seq = s->seq,
                                .ack = s->ack,
                                .relative_seq = relative(f, side, s->seq),
                                .relative_ack = relative(f, !side, s->ack),
                                .len = s->payload_len};
    if (!c->wire.to.packet) return;
    if (base && (f->kind == KIND_HTTP || f->kind == KIND_WS)) {
        p.conn = base->conn;
        p.dir = side == base->client ? WST_C2S : WST_S2C;
    }
    c->wire.to.packet(c->wire.to.user, &p);
}

/* -- what is found in them --------------------------------------------------------------------- */

struct gathering { /* the bytes and segments of [from, to) */
    struct wst_context *c;
    const struct wst_flow *flow;
    unsigned side;
    int list; /* which of wire.segments */
    uint64_t from, to;
    size_t segments_n;
    bool whole; /* every byte so far lies in wire.scratch */
};

static bool gather_segment(struct gathering *g, uint64_t at, uint64_t n,
                           const struct wst_wire_piece *piece)
{
    struct wst_wire_room *w = &g->c->wire;
    size_t *room = &w->segments_room[g->list];
    if (g->segments_n == *room) {
        void *p = wst_array_double(w->segments[g->list], room, sizeof *w->segments[0], 16);
        if (!p) return false;
        w->segments[g->list] = p;
    }
    struct wst_wire_segment s = {.at = at - g->from, .n = n, .relative = -1};
    if (piece) {
        s.pkt = piece->pkt;
        s.seq = piece->seq + (uint32_t)(at - piece->at);
        s.relative = relative(g->flow, g->side, s.seq);
    }
    w->segments[g->list][g->segments_n++] = s;
    return true;
}

static void gather_bytes(struct gathering *g, uint64_t at, uint64_t n,
                         const struct wst_wire_piece *p)
{
    size_t cap = g->c->options.limits.max_wire + WST_FRAME_HEADER_MAX;
    if (g->whole && p && p->bytes)
        g->whole = wst_buf_append(&g->c->wire.scratch, &g->c->budget,
                                  wst_slice_of(p->bytes + (at - p->at), (size_t)n), cap);
    else
        g->whole = false;
}

/* Returns the place up to which segments could be listed. */
static uint64_t gather(struct gathering *g, const struct wst_wire_row *s)
{
    uint64_t at = g->from;
    g->c->wire.scratch.n = 0;
    g->whole = true;
    for (size_t i = wst_wire_row_find(s, at); i < s->n && at < g->to; i++) {
        const struct wst_wire_piece *p = &s->pieces[s->first + i];
        if (p->at > at) {
            uint64_t hole = (p->at < g->to ? p->at : g->to) - at;
            if (at < s->unlisted || !gather_segment(g, at, hole, NULL)) return at;
            g->whole = false;
            at += hole;
            if (at == g->to) break;
        }
        uint64_t n = p->at + p->n - at < g->to - at ? p->at + p->n - at : g->to - at;
        if (!gather_segment(g, at, n, p)) return at;
        gather_bytes(g, at, n, p);
        at += n;
    }
    if (at < g->to && at >= s->unlisted && gather_segment(g, at, g->to - at, NULL)) at = g->to;
    return at;
}

static bool header_is(struct wst_slice bytes, const struct wst_event_frame *e)
{
    struct wst_frame f;
    return bytes.n >= e->header_len && wst_frame_parse(bytes.p, bytes.n, &f) == e->header_len &&
           f.len == e->len && f.opcode == e->opcode && f.masked == e->masked && f.fin == e->fin &&
           !memcmp(f.key, e->mask_key, 4);
}

static void wire_frame(struct wst_context *c, const struct conversation *base,
                       const struct wst_event *e)
{
    const struct wst_tap *t = tap_find(c, base->flow);
    unsigned side = e->dir == WST_C2S ? base->client : !base->client;
    struct wst_wire_frame w = {.event = e};
    if (t) {
        uint64_t from = t->side[side].origin + e->frame.offset;
        struct gathering g = {.c = c,
                              .flow = base->flow,
                              .side = side,
                              .from = from,
                              .to = from + e->frame.header_len + e->frame.len};
        if (g.to < from) g.to = UINT64_MAX; /* a length that cannot be */
        uint64_t listed = gather(&g, &t->side[side].row);
        struct wst_slice bytes = wst_buf_slice(&c->wire.scratch);
        /* What was found must be the frame that is told of; else nothing is said. */
        if (header_is(bytes, &e->frame)) {
            w.header = wst_slice_head(bytes, e->frame.header_len);
            w.payload = wst_slice_skip(bytes, e->frame.header_len);
            w.segments = c->wire.segments[0];
            w.segments_n = g.segments_n;
            w.unlisted = g.to - listed;
        }
    }
    c->wire.to.frame(c->wire.to.user, &w);
}

static void wire_emit(void *user, void *conversation, struct wst_event *e)
{
    struct wst_context *c = user;
    const struct conversation *base = conversation;
    if (e->type == WST_EVENT_FRAME && c->wire.to.frame) {
        e->conn = base->conn;
        e->nanos = c->timeline.nanos;
        wire_frame(c, base, e);
    }
    wst_conversation_emit(user, conversation, e);
}

/* A head, as the http1 room found it; kept for the handshake it may turn out to belong to. */
static void wire_head(void *user, void *conversation, enum wst_dir dir, struct wst_slice bytes)
{
    struct wst_context *c = user;
    const struct conversation *base = conversation;
    struct wst_tap *t = tap_find(c, base->flow);
    if (!t) return;
    struct wst_buf *head = &t->side[dir == WST_C2S ? base->client : !base->client].head;
    head->n = 0;
    wst_buf_append(head, &c->budget, bytes, c->options.limits.max_head);
}

/* Where in the bytes of its side the head lies: the last place that holds its bytes. */
static size_t head_segments(struct wst_context *c, const struct wst_flow *f, struct wst_tap *t,
                            unsigned side, int list)
{
    const struct wst_wire_row *s = &t->side[side].row;
    struct wst_slice head = wst_buf_slice(&t->side[side].head);
    struct gathering g = {.c = c, .flow = f, .side = side, .list = list, .to = s->end};
    g.from = s->n ? s->pieces[s->first].at : s->end;
    gather(&g, s);
    const struct wst_buf *all = &c->wire.scratch;
    for (size_t at = all->n >= head.n ? all->n - head.n + 1 : 0; head.n && at-- > 0;)
        if (!memcmp(all->p + at, head.p, head.n)) {
            g.from += at;
            g.to = g.from + head.n;
            g.segments_n = 0;
            gather(&g, s);
            return g.segments_n;
        }
    return 0;
}

void wst_wire_handshake(struct wst_context *c, const struct conversation *base, struct wst_event *e)
{
    struct wst_wire_handshake w = {.event = e, .client_side = base->client};
    struct wst_tap *t = tap_find(c, base->flow);
    if (!c->wire.to.handshake) return;
    e->conn = c->timeline.conns + 1; /* the number it is about to be given */
    e->nanos = c->timeline.nanos;
    if (t && e->handshake.request_pkt) {
        w.request_segments_n = head_segments(c, base->flow, t, base->client, 0);
        w.request_segments = c->wire.segments[0];
        w.request = wst_buf_slice(&t->side[base->client].head);
    }
    if (t && e->handshake.status >= 0) {
        w.response_segments_n = head_segments(c, base->flow, t, !base->client, 1);
        w.response_segments = c->wire.segments[1];
        w.response = wst_buf_slice(&t->side[!base->client].head);
    }
    c->wire.to.handshake(c->wire.to.user, &w);
}

void wst_wire_begin(struct wst_context *c, const struct wst_flow *f, const uint64_t left[2])
{
    struct wst_tap *t = tap_find(c, f);
    for (int side = 0; t && side < 2; side++)
        t->side[side].origin = t->side[side].row.end - t->side[side].waits - left[side];
}

/* -- put in, taken out ------------------------------------------------------------------------- */

void wst_wire_init(struct wst_context *c, const struct wst_wire *to, struct wst_flow_sink *sink)
{
    c->wire.to = *to;
    c->wire.on = true;
    sink->data = wire_data;
    sink->end = wire_end;
    sink->segment = wire_segment;
    c->ws.emit = wire_emit;
    c->http.head = wire_head;
}

void wst_wire_free(struct wst_context *c)
{
    struct wst_wire_room *w = &c->wire;
    for (uint32_t i = 0; w->taps && i <= w->taps_mask; i++)
        for (struct wst_tap *t = w->taps[i], *next; t; t = next) {
            next = t->next;
            tap_free(c, t);
        }
    free(w->taps);
    free(w->segments[0]);
    free(w->segments[1]);
    wst_buf_free(&w->scratch, &c->budget);
}
