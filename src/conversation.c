/* SPDX-License-Identifier: MIT
 *
 * In: ordered bytes of a flow. Out: the same to the room they are for. The first bytes decide,
 * never the port; rooms call forward and do not know each other.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline.h"

enum { EARLY_MAX = 4096 }; /* first bytes of a side; the longest PROXY header in use is far less */

static void new_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a);

/* -- making and letting go --------------------------------------------------------------------- */

void *wst_conversation_alloc(struct wst_context *c, struct wst_flow *f)
{
    struct conversation *base = wst_pool_take(&c->pool, &c->budget);
    if (!base) return NULL;
    base->flow = f;
    f->upper = base;
    return base;
}

void wst_conversation_release(struct wst_context *c, void *conversation)
{
    wst_pool_give(&c->pool, &c->budget, conversation);
}

static void conversation_new_free(struct wst_context *c, struct conversation_new *n)
{
    if (!n) return;
    wst_buf_free(&n->early[0], &c->budget);
    wst_buf_free(&n->early[1], &c->budget);
    wst_conversation_release(c, n);
}

void wst_conversation_http_free(struct wst_context *c, struct conversation_http *h)
{
    wst_http_free(&h->http, &c->http);
    wst_conversation_release(c, h);
}

void wst_conversation_free(struct wst_context *c, struct wst_flow *f)
{
    void *upper = f->upper;
    f->upper = NULL;
    if (!upper) return;
    switch (f->kind) {
    case KIND_NEW:
    case KIND_SOCKS: conversation_new_free(c, upper); break;
    case KIND_HTTP: wst_conversation_http_free(c, upper); break;
    case KIND_PICKUP: wst_pickup_free(c, upper); break;
    case KIND_WS: wst_work_release(c, upper); break;
    case KIND_TLS: wst_encrypted_free(c, upper); break;
    default: break;
    }
}

void wst_conversation_ignore(struct wst_context *c, struct wst_flow *f)
{
    wst_conversation_free(c, f);
    f->kind = KIND_IGNORED;
    if (f->inner)
        f->ignored = true;
    else
        wst_flow_ignore(c->flows, f);
}

static void conversation_is(struct wst_context *c, struct wst_flow *f, uint64_t *count)
{
    ++*count;
    wst_conversation_ignore(c, f);
}

/* -- what the rooms say
 * ------------------------------------------------------------------------------ */

void wst_conversation_emit(void *user, void *conversation, struct wst_event *e)
{
    struct wst_context *c = user;
    uint64_t *conn = &((struct conversation *)conversation)->conn;
    if (c->work)
        wst_work_emit(c, e, conn);
    else
        wst_timeline_emit(&c->timeline, e, conn);
}

enum wst_ws_missing wst_conversation_missing(struct conversation *base, unsigned i,
                                             enum wst_gap_cause cause)
{
    enum wst_ws_missing how = cause == WST_GAP_ROUND    ? WST_WS_AT_LEAST
                              : cause == WST_GAP_SEALED ? WST_WS_AT_MOST
                                                        : WST_WS_EXACTLY;
    if (how > base->missing[i]) base->missing[i] = (uint8_t)how;
    return how;
}

void wst_conversation_lost(struct wst_context *c, void *conversation, const uint64_t lost[2],
                           const struct wst_arrival *a)
{
    for (int d = 0; d < 2; d++) {
        if (!lost[d]) continue;
        struct wst_event e = {.type = WST_EVENT_GAP, .dir = (enum wst_dir)d, .when = a->when};
        uint8_t how = ((struct conversation *)conversation)->missing[d];
        e.gap = (struct wst_event_gap){.bytes = lost[d],
                                       .offset = -1,
                                       .inexact = how != WST_WS_EXACTLY,
                                       .least = how == WST_WS_AT_LEAST};
        wst_conversation_emit(c, conversation, &e);
    }
}

/* It is in the timeline, and so is what it lies in. */
static void mark_chosen(struct wst_flow *f)
{
    for (;; f = wst_encrypted_around(f)->base.flow) {
        f->chosen = true;
        if (!f->inner) return;
    }
}

void wst_conversation_handshake(void *user, void *conversation, struct wst_event_handshake *h,
                                const struct wst_arrival *a)
{
    struct conversation *base = conversation;
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE, .when = a->when};
    base->conn = 0; /* each attempt has a number of its own */
    mark_chosen(base->flow);
    h->tcp_stream = base->flow->stream;
    wst_endpoint_ip(base->flow, base->client, h->client_ip);
    wst_endpoint_ip(base->flow, !base->client, h->server_ip);
    h->client_port = base->flow->port[base->client];
    h->server_port = base->flow->port[!base->client];
    if (base->flow->inner) h->tls = wst_encrypted_info(base->flow);
    e.handshake = *h;
    struct wst_context *c = user;
    if (c->wire.on) wst_wire_handshake(c, base, &e);
    wst_conversation_emit(user, conversation, &e);
    if (base->flow->kind == KIND_HTTP && h->accepted)
        wst_conversation_lost(user, conversation, ((struct conversation_http *)conversation)->lost,
                              a);
}

void wst_conversation_problem(void *user, void *conversation, enum wst_problem problem,
                              enum wst_dir dir, const char *detail, const struct wst_arrival *a)
{
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = dir, .when = a->when};
    e.problem = (struct wst_event_problem){.problem = problem, .detail = detail, .offset = -1};
    wst_conversation_emit(user, conversation, &e);
}

/* The TCP connection, from inside whatever it carries. */
static const struct wst_flow *carrier(const struct wst_flow *f)
{
    while (f->inner) f = wst_encrypted_around(f)->base.flow;
    return f;
}

/* Of what `dir` sent the peer has more than was handed on: the capture lacks it, or it is late. */
bool wst_conversation_behind(void *user, void *conversation, enum wst_dir dir)
{
    (void)user;
    const struct conversation *base = conversation;
    unsigned side = dir == WST_C2S ? base->client : !base->client;
    const struct wst_half *h = &carrier(base->flow)->half[side];
    return (h->flags & WST_HALF_WAITING) ||
           ((h->flags & WST_HALF_ACKED) && (int32_t)(h->acked - h->next) > 0);
}

/* -- WebSocket
 * --------------------------------------------------------------------------------------- */

static enum wst_dir direction(const struct conversation *base, unsigned side)
{
    return side == base->client ? WST_C2S : WST_S2C;
}

struct conversation_ws *wst_conversation_websocket(struct wst_context *c,
                                                   const struct conversation *base,
                                                   const struct wst_ws_terms *terms,
                                                   int64_t began_ns)
{
    struct wst_flow *f = base->flow;
    struct conversation_ws *w = wst_conversation_alloc(c, f);
    if (!w) return NULL;
    w->base.conn = base->conn;
    w->base.client = base->client;
    wst_ws_init(&w->ws, w, terms, began_ns);
    wst_work_take(c, w);
    f->kind = KIND_WS;
    for (;; f = wst_encrypted_around(f)->base.flow) { /* and all that it lies in */
        f->precious = f->remember = true;
        if (!f->inner) break;
    }
    return w;
}

/* It was accepted, but there is no memory to follow it. */
void wst_conversation_stillborn(struct wst_context *c, struct conversation *base,
                                const uint64_t lost[2], const struct wst_arrival *a)
{
    struct wst_event e = {.type = WST_EVENT_END, .dir = WST_DIR_NONE, .when = a->when};
    e.end = (struct wst_event_end){
        .tcp = WST_TCP_EVICTED, .by = WST_DIR_NONE, .code = -1, .tcp_by = WST_DIR_NONE};
    for (int d = 0; d < 2; d++) e.end.dir[d].gaps = lost[d] ? 1 : 0;
    wst_conversation_problem(c, base, WST_PROBLEM_CAPTURE_EVICTED, WST_DIR_NONE,
                             "there was no memory to follow the connection", a);
    wst_conversation_emit(c, base, &e);
}

/* -- what a packet was part of ----------------------------------------------------------------- */

enum wst_fate wst_conversation_fate(const struct wst_flow *f)
{
    while (f->kind == KIND_TLS && !f->chosen && !f->ignored)
        f = &((const struct conversation_tls *)f->upper)->inner;
    const struct conversation_http *h = f->upper;
    if (f->chosen) return WST_FATE_WEBSOCKET;
    if (f->ignored) return WST_FATE_OTHER;
    return f->kind == KIND_HTTP && h->http.request.n ? WST_FATE_WEBSOCKET : WST_FATE_UNDECIDED;
}

/* -- HTTP
 * ---------------------------------------------------------------------------------------------- */

/* The 101 came: bytes that waited, then the rest of this segment, are WebSocket. */
static void http_upgraded(struct wst_context *c, struct wst_flow *f, unsigned side,
                          struct wst_slice rest, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    const struct wst_upgrade_terms *u = &h->http.terms;
    struct wst_ws_terms terms = {
        .deflate = u->deflate, .per_frame = u->per_frame, .unknown = u->unknown};
    struct conversation_ws *w = wst_conversation_websocket(c, &h->base, &terms, a->when.ns);
    if (!w) {
        f->upper = h;
        wst_conversation_stillborn(c, &h->base, h->lost, a);
        wst_conversation_ignore(c, f);
        return;
    }
    c->timeline.stats.http--;
    if (c->wire.on) {
        uint64_t left[2] = {0};
        left[h->base.client] = wst_queue_bytes(&h->http.wait[WST_C2S]);
        left[!h->base.client] = wst_queue_bytes(&h->http.wait[WST_S2C]);
        left[side] += rest.n;
        wst_wire_begin(c, f, left);
    }
    for (int d = 0; d < 2; d++)
        w->ws.side[d].gaps = h->lost[d] ? 1 : 0; /* as one, however many they were */
    /* Without the request nobody knows where the client's frames begin. */
    if (!h->http.request_seen || h->http.early_torn)
        wst_work_join(c, w, WST_C2S, wst_seek_new(&c->budget, 0), a);
    struct wst_arrival carried = *a;
    unsigned d;
    for (struct wst_slice s; (s = wst_queue_take_earliest(h->http.wait, &d, &carried.from)).n;)
        wst_work_push(c, w, (enum wst_dir)d, s, &carried);
    enum wst_dir dir = direction(&h->base, side);
    wst_conversation_http_free(c, h);
    if (rest.n) wst_work_push(c, w, dir, rest, a);
}

/* CONNECT was granted: inside is another conversation, from its first byte. */
static void http_tunnel(struct wst_context *c, struct wst_flow *f, unsigned side,
                        struct wst_slice rest, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    unsigned client = h->base.client;
    f->upper = NULL;
    f->kind = KIND_NEW;
    c->timeline.stats.http--; /* what is inside counts */
    struct wst_arrival carried = *a;
    unsigned d;
    for (struct wst_slice s;
         !f->ignored && (s = wst_queue_take_earliest(h->http.wait, &d, &carried.from)).n;)
        wst_conversation_sink.data(c, f, d == WST_C2S ? client : !client, s, &carried);
    wst_conversation_http_free(c, h);
    if (rest.n && !f->ignored) wst_conversation_sink.data(c, f, side, rest, a);
}

/* After anything that may have moved the HTTP conversation on. */
static void http_settled(struct wst_context *c, struct wst_flow *f, unsigned side,
                         struct wst_slice rest, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    switch (h->http.state) {
    case WST_HTTP_UPGRADED: http_upgraded(c, f, side, rest, a); break;
    case WST_HTTP_TUNNEL: http_tunnel(c, f, side, rest, a); break;
    case WST_HTTP_LOST: /* an attempt without an answer is one all the same */
        wst_http_unanswered(&h->http, &c->http, false, a);
        wst_conversation_ignore(c, f);
        break;
    default:
        if (wst_http_answer_lost(&h->http)) {
            bool asked = h->http.request.n;
            wst_pickup_begin(c, f, asked ? h : NULL);
            if (!asked) wst_conversation_http_free(c, h);
        } else if (wst_http_idle(&h->http) && !h->lost[0] && !h->lost[1]) {
            f->upper = NULL;
            f->kind = h->base.client ? KIND_IDLE1 : KIND_IDLE0;
            wst_conversation_http_free(c, h);
        }
    }
}

static bool http_begin(struct wst_context *c, struct wst_flow *f, unsigned client)
{
    struct conversation_http *h = wst_conversation_alloc(c, f);
    if (!h) {
        wst_conversation_ignore(c, f);
        return false;
    }
    h->base.client = (uint8_t)client;
    wst_http_init(&h->http, h);
    h->http.secure = f->inner;
    f->kind = KIND_HTTP;
    return true;
}

static void http_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    if (wst_http_passes(&h->http, direction(&h->base, side), bytes.n)) return;
    const struct wst_half *half = &carrier(f)->half[side];
    /* The peer acknowledged it before it was captured, or it had to wait. */
    h->http.overtaken = a->from != a->when.pkt || ((half->flags & WST_HALF_ACKED) &&
                                                   (int32_t)(half->acked - half->next) >= 0);
    size_t n = wst_http_push(&h->http, &c->http, direction(&h->base, side), bytes, a);
    http_settled(c, f, side, wst_slice_skip(bytes, n), a);
}

bool wst_conversation_http_again(struct wst_context *c, struct wst_flow *f, unsigned side,
                                 struct wst_slice bytes, const struct wst_arrival *a)
{
    enum wst_sniffed is = wst_sniff(bytes);
    if (is != WST_SNIFF_HTTP_REQUEST && is != WST_SNIFF_HTTP_RESPONSE) return false;
    if (is == WST_SNIFF_HTTP_REQUEST && !wst_sniff_request_line(bytes)) return false;
    wst_conversation_free(c, f);
    if (!http_begin(c, f, is == WST_SNIFF_HTTP_REQUEST ? side : !side)) return true;
    c->timeline.stats.http++;
    struct conversation_http *h = f->upper;
    h->http.request_lost = true; /* what was asked before was not seen */
    http_data(c, f, side, bytes, a);
    return true;
}

/* -- new conversations
 * ---------------------------------------------------------------------------------- */

static struct conversation_new *new_upper(struct wst_context *c, struct wst_flow *f)
{
    return f->upper ? f->upper : wst_conversation_alloc(c, f);
}

static bool new_wait(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = new_upper(c, f);
    if (n && !n->early[side].n) n->from[side] = a->from;
    if (n && wst_buf_append(&n->early[side], &c->budget, bytes, EARLY_MAX)) return true;
    conversation_is(c, f, &c->timeline.stats.other);
    return false;
}

static void new_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n)
{
    struct conversation_new *u = new_upper(c, f);
    if (!u) return;
    u->lost[side] += n;
    wst_buf_free(&u->early[side], &c->budget);
}

/* Whose they are is known: to there, and then what the other side had said before. */
static void new_hand_on(struct wst_context *c, struct wst_flow *f, struct conversation_new *n,
                        unsigned side, struct wst_slice bytes, const struct wst_arrival *a)
{
    wst_conversation_sink.data(c, f, side, bytes, a);
    if (!n) return;
    if (n->early[!side].n && !f->ignored) {
        struct wst_arrival carried = {a->when, n->from[!side]};
        wst_conversation_sink.data(c, f, !side, wst_buf_slice(&n->early[!side]), &carried);
    }
    conversation_new_free(c, n);
}

static bool looks_like_tls(struct wst_slice s) /* a record in mid-stream, RFC 8446 section 5.1 */
{
    return s.n >= 5 && s.p[0] >= 20 && s.p[0] <= 23 && s.p[1] == 3 && s.p[2] <= 4 &&
           wst_be16(s.p + 3) <= 16384 + 256;
}

static void new_other(struct wst_context *c, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    if (f->witnessed) {
        conversation_is(c, f, &c->timeline.stats.other);
    } else if (looks_like_tls(bytes)) {
        wst_encrypted_unseen(c, f, side, a);
        conversation_is(c, f, &c->timeline.stats.tls);
    } else {
        struct conversation_new *n = f->upper;
        f->upper = NULL;
        wst_pickup_begin(c, f, NULL);
        if (n && f->kind == KIND_PICKUP)
            memcpy(((struct conversation_pickup *)f->upper)->lost, n->lost, sizeof n->lost);
        new_hand_on(c, f, n, side, bytes, a);
    }
}

static void new_proxy(struct wst_context *c, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    int n = wst_sniff_proxy_length(bytes);
    if (n < 0) {
        new_other(c, f, side, bytes, a);
    } else if (n == 0) {
        new_wait(c, f, side, bytes, a);
    } else if ((size_t)n < bytes.n) {
        new_data(c, f, side, wst_slice_skip(bytes, (size_t)n), a);
    }
}

/* Sees the first bytes of one side; `bytes` are all of them. */
static void new_first(struct wst_context *c, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    struct conversation_http *h;
    unsigned client = side;
    enum wst_sniffed is = wst_sniff(bytes);
    switch (is) {
    case WST_SNIFF_MORE: new_wait(c, f, side, bytes, a); break;
    case WST_SNIFF_PROXY: new_proxy(c, f, side, bytes, a); break;
    case WST_SNIFF_HTTP_RESPONSE: /* its request comes later, or never */
        client = !side;
        /* fall through */
    case WST_SNIFF_HTTP_REQUEST:
        c->timeline.stats.http++;
        f->upper = NULL;
        if (!http_begin(c, f, client)) {
            conversation_new_free(c, n);
            break;
        }
        /* One direction captured, or joined after the request: nothing to wait for. */
        h = f->upper;
        if (is == WST_SNIFF_HTTP_RESPONSE && (f->heard != 3 || !f->witnessed))
            h->http.request_lost = true;
        for (unsigned s = 0; n && s < 2; s++) h->lost[s == client ? WST_C2S : WST_S2C] = n->lost[s];
        new_hand_on(c, f, n, side, bytes, a);
        break;
    case WST_SNIFF_SOCKS:
        if (!(n = new_upper(c, f))) {
            wst_conversation_ignore(c, f);
            break;
        }
        f->kind = KIND_SOCKS;
        n->base.client = (uint8_t)side;
        wst_conversation_sink.data(c, f, side, bytes, a);
        break;
    case WST_SNIFF_TLS: /* a ClientHello, or the ServerHello that was captured before it */
        c->timeline.stats.tls++;
        if (wst_encrypted_begin(c, f, bytes.p[5] == 1 ? side : !side))
            new_hand_on(c, f, n, side, bytes, a);
        else
            conversation_new_free(c, n);
        break;
    case WST_SNIFF_H2:
        if (f->inner)
            wst_encrypted_http2(c, f, a);
        else
            wst_encrypted_http2_open(c, f, bytes.p[0] == 'P' ? side : !side, a);
        conversation_is(c, f, &c->timeline.stats.other);
        break;
    default: new_other(c, f, side, bytes, a);
    }
}

static void new_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    if (!n || !n->early[side].n) {
        new_first(c, f, side, bytes, a);
        return;
    }
    /* Bytes waited before: look at all of them together. */
    struct wst_buf all = n->early[side];
    struct wst_arrival carried = {a->when, n->from[side]};
    n->early[side] = (struct wst_buf){0};
    if (wst_buf_append(&all, &c->budget, bytes, all.n + bytes.n))
        new_first(c, f, side, wst_buf_slice(&all), &carried);
    else
        conversation_is(c, f, &c->timeline.stats.other);
    wst_buf_free(&all, &c->budget);
}

/* -- SOCKS
 * -----------------------------------------------------------------------------------------------
 */

static void socks_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                       struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    struct wst_buf *early = &n->early[side];
    if (!early->n) n->from[side] = a->from;
    if (!wst_buf_append(early, &c->budget, bytes, EARLY_MAX)) {
        conversation_is(c, f, &c->timeline.stats.other);
        return;
    }
    for (int idle = 0; idle < 2;) { /* until neither side can take a step */
        bool server = side != n->base.client;
        int took = wst_socks_take(&n->socks, server, wst_buf_slice(&n->early[side]));
        if (took == WST_SOCKS_FAILED) {
            conversation_is(c, f, &c->timeline.stats.other);
            return;
        }
        if (took > 0) wst_buf_drop(&n->early[side], (size_t)took);
        idle = took > 0 ? 0 : idle + 1;
        side = !side;
    }
    if (!wst_socks_open(&n->socks, false) || !wst_socks_open(&n->socks, true)) return;
    f->upper = NULL;
    f->kind = KIND_NEW;
    for (unsigned i = 0; i < 2; i++) {
        unsigned from = i ? !n->base.client : n->base.client;
        struct wst_arrival carried = {a->when, n->from[from]};
        if (n->early[from].n && !f->ignored)
            wst_conversation_sink.data(c, f, from, wst_buf_slice(&n->early[from]), &carried);
    }
    conversation_new_free(c, n);
}

/* -- what the flow room says
 * --------------------------------------------------------------------------------- */

static void flow_data(void *user, struct wst_flow *f, unsigned side, struct wst_slice bytes,
                      const struct wst_arrival *a)
{
    struct wst_context *c = user;
    switch (f->kind) {
    case KIND_WS: {
        struct conversation_ws *w = f->upper;
        if (w->base.worker)
            wst_work_push(c, w, direction(&w->base, side), bytes, a);
        else
            wst_ws_push(&w->ws, &c->ws, direction(&w->base, side), bytes, a);
        break;
    }
    case KIND_IDLE0:
    case KIND_IDLE1:
        if (!http_begin(c, f, f->kind == KIND_IDLE1)) break;
        /* fall through */
    case KIND_HTTP: http_data(c, f, side, bytes, a); break;
    case KIND_NEW: new_data(c, f, side, bytes, a); break;
    case KIND_SOCKS: socks_data(c, f, side, bytes, a); break;
    case KIND_PICKUP: wst_pickup_data(c, f, side, bytes, a); break;
    case KIND_TLS: wst_encrypted_data(c, f, side, bytes, a); break;
    default: break;
    }
}

/* Why bytes of the TCP connection are missing, when that is a finding. */
static void gap_finding(struct wst_context *c, const struct wst_flow *f, unsigned side, uint64_t n,
                        enum wst_gap_cause cause, const struct wst_arrival *a)
{
    if (cause != WST_GAP_LIMIT && cause != WST_GAP_ROUND) return;
    while (f->kind == KIND_TLS) f = &((struct conversation_tls *)f->upper)->inner;
    if (f->kind != KIND_WS) return;
    struct conversation_ws *w = f->upper;
    bool round = cause == WST_GAP_ROUND;
    char detail[128];
    snprintf(detail, sizeof detail,
             round ? "sequence numbers went round: %llu bytes are missing, or these and a multiple "
                     "of 4 GiB"
                   : "more bytes wait behind a hole than may be kept",
             (unsigned long long)n);
    wst_conversation_problem(c, w,
                             round ? WST_PROBLEM_TCP_SEQUENCE_ROUND : WST_PROBLEM_TCP_REORDER_LIMIT,
                             direction(&w->base, side), detail, a);
}

static void flow_gap(void *user, struct wst_flow *f, unsigned side, uint64_t n,
                     enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    switch (f->kind) {
    case KIND_WS: {
        struct conversation_ws *w = f->upper;
        enum wst_dir dir = direction(&w->base, side);
        wst_work_gap(c, w, dir, n, wst_conversation_missing(&w->base, dir, cause), a);
        wst_wire_gap(c, f, side, n);
        if (!f->inner) gap_finding(c, f, side, n, cause, a);
        break;
    }
    case KIND_IDLE0:
    case KIND_IDLE1:
        if (!http_begin(c, f, f->kind == KIND_IDLE1)) break;
        /* fall through */
    case KIND_HTTP: {
        struct conversation_http *h = f->upper;
        h->lost[direction(&h->base, side)] += n;
        bool exact =
            wst_conversation_missing(&h->base, direction(&h->base, side), cause) == WST_WS_EXACTLY;
        /* What may be any number fits into no body. */
        bool taken =
            wst_http_gap(&h->http, &c->http, direction(&h->base, side), exact ? n : UINT64_MAX, a);
        if (taken)
            wst_wire_gap(c, f, side, n);
        else
            h->lost[direction(&h->base, side)] -= n;
        http_settled(c, f, side, (struct wst_slice){NULL, 0}, a);
        if (!taken && !f->ignored) flow_gap(user, f, side, n, cause, a);
        break;
    }
    case KIND_NEW:
        f->witnessed = false; /* what comes first may not be the first */
        new_gap(c, f, side, n);
        wst_wire_gap(c, f, side, n);
        break;
    case KIND_PICKUP: wst_pickup_gap(c, f, side, n, cause, a); break;
    case KIND_TLS:
        wst_encrypted_gap(c, f, side, n, cause, a);
        if (!f->inner) gap_finding(c, f, side, n, cause, a); /* which is TCP's, not a record's */
        break;
    case KIND_SOCKS: wst_conversation_ignore(c, f); break;
    default: break;
    }
}

static void flow_fin(void *user, struct wst_flow *f, unsigned side, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    if (f->kind == KIND_WS) {
        struct conversation_ws *w = f->upper;
        /* Delivered they may be the other way round: bytes before one of them were late. */
        const struct wst_half *half = carrier(f)->half;
        enum wst_dir first = half[side].flags & WST_HALF_FIRST    ? direction(&w->base, side)
                             : half[!side].flags & WST_HALF_FIRST ? direction(&w->base, !side)
                                                                  : WST_DIR_NONE;
        wst_work_fin(c, w, direction(&w->base, side), first, a);
    } else if (f->kind == KIND_HTTP) {
        struct conversation_http *h = f->upper;
        wst_http_fin(&h->http, &c->http, direction(&h->base, side), a);
        http_settled(c, f, side, (struct wst_slice){NULL, 0}, a);
    } else if (f->kind == KIND_TLS) {
        wst_encrypted_fin(c, f, side, a);
    }
}

/* HTTP that ends: a server that was never asked may speak now; a question may stay unanswered. */
static void http_end(struct wst_context *c, struct wst_flow *f, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    wst_http_fin(&h->http, &c->http, WST_C2S, a);
    http_settled(c, f, h->base.client, (struct wst_slice){NULL, 0}, a);
    if (f->kind != KIND_HTTP) return;
    h = f->upper;
    if (h->http.awaiting && h->http.request.n && !wst_queue_empty(&h->http.wait[WST_C2S])) {
        wst_pickup_begin(c, f, h);
        return;
    }
    wst_http_unanswered(&h->http, &c->http, false, a);
}

static void flow_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                     const struct wst_arrival *a)
{
    struct wst_context *c = user;
    if (f->kind == KIND_HTTP) http_end(c, f, a);
    if (f->kind == KIND_PICKUP) wst_pickup_end(c, f, a);
    if (f->kind == KIND_TLS) wst_encrypted_end(c, f, how, a);
    if (f->kind == KIND_WS) {
        struct conversation_ws *w = f->upper;
        if (how == WST_TCP_EVICTED)
            wst_conversation_problem(
                c, w, WST_PROBLEM_CAPTURE_EVICTED, WST_DIR_NONE,
                "the connection was forgotten to stay inside the memory budget", a);
        wst_work_end(c, w, how, carrier(f)->obscure, a);
    }
    wst_conversation_free(c, f);
    f->kind = KIND_IGNORED;
}

static void flow_shrink(void *user, struct wst_flow *f, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    while (f->kind == KIND_TLS) f = &((struct conversation_tls *)f->upper)->inner;
    if (f->kind != KIND_WS) return;
    struct conversation_ws *w = f->upper;
    if (wst_work_shrink(c, w))
        wst_conversation_problem(c, w, WST_PROBLEM_LIMIT_CONTEXT, WST_DIR_NONE,
                                 "what later messages refer to may be missing", a);
}

/* Its connection has ended, and what it becomes is not known yet: the finding is of none. */
static void reset_ignored(struct wst_context *c, const struct wst_flow *f, unsigned side)
{
    char detail[192], one[WST_ENDPOINT + 1], other[WST_ENDPOINT + 1];
    if (!f->chosen) return;
    *wst_endpoint_put(one, f, side) = *wst_endpoint_put(other, f, !side) = '\0';
    snprintf(detail, sizeof detail, "%s and %s (TCP stream %u) go on after their reset", one, other,
             f->stream);
    wst_context_problem(c, WST_PROBLEM_TCP_RESET_IGNORED, detail);
}

static void flow_unbelieved(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                            enum wst_unbelieved why, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    if (why == WST_UNBELIEVED_RESET) reset_ignored(c, f, side);
    while (f->kind == KIND_TLS) f = &((struct conversation_tls *)f->upper)->inner;
    if (f->kind != KIND_WS) return;
    struct conversation_ws *w = f->upper;
    char detail[128];
    snprintf(detail, sizeof detail,
             why == WST_UNBELIEVED_FAR
                 ? "%llu bytes lie far ahead of all that their receiver acknowledged; they were "
                   "left out"
                 : "%llu bytes lie behind the end of this direction; they, and all that come "
                   "later, were left out",
             (unsigned long long)bytes);
    wst_conversation_problem(c, w, WST_PROBLEM_TCP_UNBELIEVED, direction(&w->base, side), detail,
                             a);
}

static void flow_conflict(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                          const struct wst_arrival *a)
{
    struct wst_context *c = user;
    if (f->kind == KIND_TLS) {
        flow_conflict(user, &((struct conversation_tls *)f->upper)->inner, side, bytes, a);
        return;
    }
    if (f->kind != KIND_WS) return;
    struct conversation_ws *w = f->upper;
    char detail[96];
    snprintf(detail, sizeof detail, "%llu bytes differ from what was sent first",
             (unsigned long long)bytes);
    wst_conversation_problem(c, w, WST_PROBLEM_TCP_OVERLAP, direction(&w->base, side), detail, a);
}

const struct wst_flow_sink wst_conversation_sink = {.data = flow_data,
                                                    .gap = flow_gap,
                                                    .fin = flow_fin,
                                                    .end = flow_end,
                                                    .shrink = flow_shrink,
                                                    .conflict = flow_conflict,
                                                    .unbelieved = flow_unbelieved};
