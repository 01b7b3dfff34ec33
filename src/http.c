/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of a flow that is HTTP, from the corridor. Out: the same to the http1 room, and,
 * when it says that something else begins, what that is: WebSocket, a tunnel, a search for frames.
 */
#include <stdlib.h>

#include "pipeline.h"
#include "seldom.h"

void wst_conversation_http_free(struct wst_context *c, struct conversation_http *h)
{
    wst_http_free(&h->http, &c->http);
    wst_conversation_release(c, h);
}

/* The 101 came: bytes that waited, then the rest of this segment, are WebSocket. */
static void http_upgraded(struct wst_context *c, struct wst_flow *f, unsigned side,
                          struct wst_slice rest, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    const struct wst_upgrade_terms *u = &h->http.terms;
    struct wst_ws_terms terms = {.deflate = u->deflate,
                                 .per_frame = u->per_frame,
                                 .unknown = u->unknown,
                                 .plain = u->plain,
                                 .early = wst_queue_bytes(&h->http.wait[WST_C2S]) ||
                                          wst_conversation_place(c, &h->base, WST_C2S).behind};
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
    for (struct wst_slice s; (s = wst_queue_take_earliest(h->http.wait, &d, &carried.from)).n;) {
        if (s.p)
            wst_work_push(c, w, (enum wst_dir)d, s, &carried);
        else
            wst_work_gap(c, w, (enum wst_dir)d, s.n, WST_WS_EXACTLY, &carried);
    }
    enum wst_dir dir = wst_conversation_direction(&h->base, side);
    wst_conversation_http_free(c, h);
    if (rest.n) wst_work_push(c, w, dir, rest, a);
}

void wst_conversation_waited(struct wst_context *c, struct wst_flow *f, struct wst_queue wait[2],
                             unsigned client, const struct wst_arrival *a)
{
    struct wst_arrival carried = *a;
    unsigned d;
    for (d = 0; d < 2; d++)
        wst_wire_waits(c, f, d == WST_C2S ? client : !client, wst_queue_bytes(&wait[d]));
    for (struct wst_slice s;
         !f->ignored && (s = wst_queue_take_earliest(wait, &d, &carried.from)).n;)
        wst_wire_waited(c, f, d == WST_C2S ? client : !client, s, &carried);
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
    if (wst_first_tunnel(c, f)) {
        /* Nobody saw the request: what was passed over since, to find the next, may be of this. */
        if (wst_http_blind(&h->http, WST_C2S))
            wst_conversation_sink.gap(c, f, client, 1, WST_GAP_SEALED, a);
        wst_wire_waits(c, f, side, rest.n);
        wst_conversation_waited(c, f, h->http.wait, client, a);
    }
    wst_conversation_http_free(c, h);
    if (rest.n && !f->ignored) wst_wire_waited(c, f, side, rest, a);
}

/* It is HTTP no more. */
WST_APART static void http_over(struct wst_context *c, struct wst_flow *f, unsigned side,
                                struct wst_slice rest, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    switch (h->http.state) {
    case WST_HTTP_UPGRADED: http_upgraded(c, f, side, rest, a); break;
    case WST_HTTP_TUNNEL: http_tunnel(c, f, side, rest, a); break;
    default: /* lost; an attempt without an answer is one all the same */
        wst_http_unanswered(&h->http, &c->http, false, a);
        wst_conversation_ignore(c, f);
    }
}

/* The client's head was not read, and no packet of its server was captured: nobody else will tell
 * what becomes of it. */
static bool http_alone(const struct wst_flow *f)
{
    const struct conversation_http *h = f->upper;
    return wst_http_blind(&h->http, WST_C2S) && !h->http.awaiting &&
           !wst_conversation_heard(f, !h->base.client);
}

/* No request of WebSocket was read, and what follows may be anything: what waited, and what is
 * known to be missing, is handed on. */
static void http_unread(struct wst_context *c, struct wst_flow *f, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    unsigned client = h->base.client;
    struct wst_queue wait[2] = {h->http.wait[WST_C2S], h->http.wait[WST_S2C]};
    memset(h->http.wait, 0, sizeof h->http.wait);
    wst_pickup_begin(c, f, NULL);
    if (f->kind == KIND_PICKUP) {
        struct conversation_pickup *p = f->upper;
        p->http = true;
        for (unsigned d = 0; d < 2; d++) {
            unsigned side = wst_conversation_side(&h->base, (enum wst_dir)d);
            p->lost[side] = h->lost[d];
            p->base.missing[side] = h->base.missing[d];
        }
        c->timeline.stats.http--; /* until it is known again */
        wst_conversation_waited(c, f, wait, client, a);
    }
    for (unsigned d = 0; d < 2; d++) wst_queue_free(&wait[d], &c->budget);
    wst_conversation_http_free(c, h);
}

/* After anything that may have moved the HTTP conversation on. */
static inline void http_settled(struct wst_context *c, struct wst_flow *f, unsigned side,
                                struct wst_slice rest, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    if (h->http.state != WST_HTTP_RUNNING) {
        http_over(c, f, side, rest, a);
    } else if (wst_http_answer_lost(&h->http) || http_alone(f)) {
        if (h->http.request.n)
            wst_pickup_begin(c, f, h);
        else
            http_unread(c, f, a);
        if (rest.n && !f->ignored) wst_conversation_sink.data(c, f, side, rest, a);
    } else if (wst_http_idle(&h->http) && !h->lost[0] && !h->lost[1]) {
        f->upper = NULL;
        f->kind = h->base.client ? KIND_IDLE1 : KIND_IDLE0;
        wst_conversation_http_free(c, h);
    }
}

bool wst_conversation_http_begin(struct wst_context *c, struct wst_flow *f, unsigned client)
{
    struct conversation_http *h = wst_conversation_alloc(c, f);
    if (!h) {
        wst_conversation_ignore(c, f);
        return false;
    }
    h->base.client = (uint8_t)client;
    wst_http_init(&h->http, h);
    h->http.secure = wst_encrypted_info(f) != NULL;
    f->kind = KIND_HTTP;
    return true;
}

/* The answer was captured before its request, which stands behind a proxy's header. */
static struct wst_slice http_unproxied(struct wst_context *c, const struct wst_flow *f,
                                       enum wst_dir dir, struct wst_slice bytes)
{
    const struct wst_http *h = &((const struct conversation_http *)f->upper)->http;
    bool first = dir == WST_C2S && !h->asked_n && !h->side[WST_C2S].head.n;
    if (!first || wst_queue_empty(&h->wait[WST_S2C]) || wst_sniff(bytes) != WST_SNIFF_PROXY)
        return bytes;
    int n = wst_sniff_proxy_length(bytes);
    if (n <= 0 || (size_t)n > bytes.n) return bytes;
    wst_proxied_note(c, f, wst_slice_head(bytes, (size_t)n));
    return wst_slice_skip(bytes, (size_t)n);
}

/* So much of an answer waits for a request while no packet of the client was captured: it is
 * hardly late, and one direction of a download is nothing to keep. */
static bool http_unasked(const struct wst_flow *f)
{
    enum { UNASKED = 256 * 1024 };
    const struct conversation_http *h = f->upper;
    return !wst_conversation_heard(f, h->base.client) &&
           wst_queue_bytes(&h->http.wait[WST_S2C]) >= UNASKED;
}

/* A hole among the client's bytes is still waited for, or just given up, and bytes wait behind it:
 * a request may be among them. */
static bool http_more(const struct wst_flow *f)
{
    const struct conversation_http *h = f->upper;
    return !h->http.skewed && wst_flow_waits(wst_conversation_carrier(f), h->base.client);
}

/* Bytes that must be looked at. */
WST_APART static void http_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                                struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    const struct wst_half *half = &wst_conversation_carrier(f)->half[side],
                          *peer = &wst_conversation_carrier(f)->half[!side];
    /* The peer acknowledged it before it was captured, or it had to wait. */
    bool acked = (half->flags & WST_HALF_ACKED) && (int32_t)(half->acked - half->next) >= 0;
    h->http.overtaken = a->from != a->when.pkt || acked;
    h->http.skewed |= acked && a->from == a->when.pkt;
    enum wst_dir dir = wst_conversation_direction(&h->base, side);
    /* What was read late may have been sent before that. */
    if (dir == WST_C2S && (peer->flags & WST_HALF_ENDED) && !h->http.overtaken &&
        !h->http.request.n)
        h->http.left_before = true;
    bytes = http_unproxied(c, f, dir, bytes);
    if (dir == WST_S2C && http_unasked(f)) h->http.request_lost = true;
    h->http.more = h->http.request_lost && http_more(f);
    size_t n = wst_http_push(&h->http, &c->http, dir, bytes, a);
    http_settled(c, f, side, wst_slice_skip(bytes, n), a);
}

void wst_conversation_http_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                                struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    if (wst_http_passes(&h->http, wst_conversation_direction(&h->base, side), bytes.n)) return;
    http_data(c, f, side, bytes, a);
}

void wst_conversation_http_anew(struct wst_context *c, struct wst_flow *f, unsigned client,
                                const uint64_t lost[2], unsigned side, struct wst_slice bytes,
                                const struct wst_arrival *a)
{
    wst_conversation_free(c, f);
    if (!wst_conversation_http_begin(c, f, client)) return;
    c->timeline.stats.http++;
    struct conversation_http *h = f->upper;
    h->http.request_lost = true; /* what was asked before was not seen */
    h->http.torn = lost[WST_S2C] > 0;
    for (int d = 0; d < 2; d++) h->lost[d] = lost[d];
    wst_conversation_http_data(c, f, side, bytes, a);
}

bool wst_conversation_http_again(struct wst_context *c, struct wst_flow *f, unsigned side,
                                 struct wst_slice bytes, const struct wst_arrival *a)
{
    static const uint64_t nothing[2];
    enum wst_sniffed is = wst_sniff(bytes);
    if (is != WST_SNIFF_HTTP_REQUEST && is != WST_SNIFF_HTTP_RESPONSE) return false;
    if (is == WST_SNIFF_HTTP_REQUEST && !wst_sniff_request_line(bytes)) return false;
    unsigned client = is == WST_SNIFF_HTTP_REQUEST ? side : !side;
    wst_conversation_http_anew(c, f, client, nothing, side, bytes, a);
    return true;
}

/* False: not taken, for the conversation became something else whose gap it is. */
bool wst_conversation_http_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                               enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    enum wst_dir dir = wst_conversation_direction(&h->base, side);
    bool exact = wst_conversation_missing(&h->base, dir, cause) == WST_WS_EXACTLY;
    if (exact && wst_http_gap_waits(&h->http, &c->http, dir, n, a)) {
        wst_wire_gap(c, f, side, n);
        return true;
    }
    h->http.more = http_more(f);
    uint64_t fits = exact ? n : UINT64_MAX; /* what may be any number fits into no body */
    bool taken = wst_http_before_gap(&h->http, &c->http, dir, fits, a);
    if (taken) {
        h->lost[dir] += n; /* not before: a handshake tells what was lost before it */
        wst_http_gap(&h->http, &c->http, dir, fits, a);
        wst_wire_gap(c, f, side, n);
    }
    http_settled(c, f, side, (struct wst_slice){NULL, 0}, a);
    return taken;
}

/* That side was the first to end TCP, or the other one TLS before: how long after the client had
 * asked? Nobody knows when that waited to be read, as for keys. */
static void http_left(const struct wst_flow *f, unsigned side, bool reset,
                      const struct wst_arrival *a)
{
    struct wst_http *h = &((struct conversation_http *)f->upper)->http;
    const struct conversation *base = f->upper;
    int64_t ended_ns = a->when.ns;
    int by = wst_encrypted_left_by(f, &ended_ns);
    bool late = a->from != a->when.pkt, tls = by >= 0 && by != (int)side;
    int64_t us = wst_ns_between(h->request_when.ns, tls ? ended_ns : a->when.ns) / 1000;
    if (h->left_us || !h->request.n) return;
    if (tls) side = (unsigned)by;
    h->left_us = late || us < 0 ? 1 : us < UINT32_MAX - 1 ? (uint32_t)us + 1 : UINT32_MAX;
    h->left_by = (int8_t)wst_conversation_direction(base, side);
    h->left_reset = reset && !tls;
    h->left_tls = tls;
    h->heard = !late && wst_conversation_heard(f, !base->client);
}

void wst_conversation_http_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                               const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    http_left(f, side, false, a);
    wst_http_fin(&h->http, &c->http, wst_conversation_direction(&h->base, side), a);
    http_settled(c, f, side, (struct wst_slice){NULL, 0}, a);
}

/* A reset ends it when no FIN did before. */
static void http_reset(const struct wst_flow *f, const struct wst_arrival *a)
{
    const struct wst_half *half = wst_conversation_carrier(f)->half;
    for (unsigned side = 0; side < 2; side++)
        if ((half[side].flags & WST_HALF_RESET) && !(half[!side].flags & WST_HALF_RESET))
            http_left(f, side, true, a);
}

/* All that the server ever sent, and all that the client acknowledged, is what stands in the head
 * that is no answer, mostly nothing: then what the client sent behind its request waited for none
 * that the capture lacks. */
static bool http_unspoken(const struct wst_flow *f)
{
    const struct conversation_http *h = f->upper;
    unsigned server = !h->base.client;
    const struct wst_flow *tcp = f->inner ? wst_conversation_outer(f) : f;
    const struct wst_half *half = &tcp->half[server];
    uint32_t said = (uint32_t)h->http.side[WST_S2C].head.n;
    if (tcp->inner || !(half->flags & WST_HALF_SYN)) return false;
    if (f->inner && (tcp->kind != KIND_TLS || !wst_encrypted_read(tcp, server))) return false;
    if (f->half[server].next != said + (f->inner ? 0 : f->rare[server].isn + 1)) return false;
    return !(half->flags & WST_HALF_ACKED) ||
           (int32_t)(half->acked - half->next) <= 1; /* its FIN */
}

/* HTTP that ends: a server that was never asked may speak now; a question may stay unanswered. */
void wst_conversation_http_end(struct wst_context *c, struct wst_flow *f,
                               const struct wst_arrival *a)
{
    struct conversation_http *h = f->upper;
    http_reset(f, a);
    for (int d = 0; d < 2; d++) {
        wst_http_fin(&h->http, &c->http, (enum wst_dir)d, a);
        http_settled(c, f, h->base.client, (struct wst_slice){NULL, 0}, a);
        if (f->kind != KIND_HTTP) return;
    }
    if (h->http.awaiting && h->http.request.n && wst_queue_holds(&h->http.wait[WST_C2S]) &&
        !http_unspoken(f)) {
        wst_pickup_begin(c, f, h);
        return;
    }
    wst_http_unanswered(&h->http, &c->http, false, a);
}
