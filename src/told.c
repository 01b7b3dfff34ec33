/* SPDX-License-Identifier: MIT
 *
 * In: what the rooms say of a conversation. Out: events of its connection, with the addresses of
 * its flow and the bytes that were missing before it was known.
 */
#include "pipeline.h"

enum { NOTE_MAX = 2 * WST_ENDPOINT + 680 }; /* the longest detail of the tls room has 640 */

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
static void mark_chosen(const struct wst_context *c, struct wst_flow *f)
{
    for (; f->inner; f = wst_conversation_outer(f)) f->chosen = true;
    if (!f->chosen && c->chosen)
        c->chosen(c->chosen_user, f->kind == KIND_QUIC ? wst_datagrams_number(f) : f->stream);
    f->chosen = true;
}

void wst_conversation_handshake(void *user, void *conversation, struct wst_event_handshake *h,
                                const struct wst_arrival *a)
{
    struct conversation *base = conversation;
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE, .when = a->when};
    base->conn = 0; /* each attempt has a number of its own */
    mark_chosen(user, base->flow);
    const struct wst_flow *carrier = wst_conversation_carrier(base->flow);
    h->tcp_stream = carrier->kind == KIND_QUIC ? -1 : (int64_t)carrier->stream;
    h->stream_id = wst_multiplexed_stream(base->flow);
    wst_endpoint_ip(base->flow, base->client, h->client_ip);
    wst_endpoint_ip(base->flow, !base->client, h->server_ip);
    h->client_port = base->flow->port[base->client];
    h->server_port = base->flow->port[!base->client];
    h->tls = wst_encrypted_info(base->flow);
    struct wst_context *c = user;
    if (c->proxied.n) wst_proxied_tell(c, base->flow, h);
    e.handshake = *h;
    if (c->wire.on) wst_wire_handshake(c, base, &e);
    wst_conversation_emit(user, conversation, &e);
    if (base->flow->kind != KIND_HTTP || !h->accepted) return;
    if (wst_conversation_depth(base->flow) == 0) wst_proxied_forget(c, base->flow);
    wst_conversation_lost(user, conversation, ((struct conversation_http *)conversation)->lost, a);
}

uint64_t wst_conversation_network(void *user, void *conversation)
{
    (void)user;
    return wst_conversation_carrier(((struct conversation *)conversation)->flow)->hash;
}

void wst_conversation_problem(void *user, void *conversation, enum wst_problem problem,
                              enum wst_dir dir, const char *detail, const struct wst_arrival *a)
{
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = dir, .when = a->when};
    e.problem = (struct wst_event_problem){.problem = problem, .detail = detail, .offset = -1};
    wst_conversation_emit(user, conversation, &e);
}

/* "10.0.0.1:40002 > 192.0.2.1:443: …". A network has as many such connections as any other kind. */
static void put_ends(char text[NOTE_MAX], const struct conversation *base, const char *detail)
{
    char *at = wst_endpoint_put(text, base->flow, base->client);
    memcpy(at, " > ", 3);
    at = wst_endpoint_put(at + 3, base->flow, !base->client);
    memcpy(at, ": ", 2);
    at += 2;
    size_t n = strnlen(detail, (size_t)(text + NOTE_MAX - at) - 1);
    memcpy(at, detail, n);
    at[n] = '\0';
}

void wst_conversation_note(struct wst_context *c, const struct conversation *base,
                           enum wst_problem problem, enum wst_dir dir, const char *detail,
                           const struct wst_arrival *a)
{
    char text[NOTE_MAX];
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = dir, .when = a->when};
    put_ends(text, base, detail);
    e.problem = (struct wst_event_problem){.problem = problem, .detail = text, .offset = -1};
    wst_work_emit(c, &e, NULL);
}

/* behind: of what `dir` sent the peer has more than was handed on; the capture lacks it, or it is
 * late. QUIC's acknowledgments are of packets, not of bytes. */
struct wst_ws_place wst_conversation_place(void *user, void *conversation, enum wst_dir dir)
{
    (void)user;
    const struct conversation *base = conversation;
    const struct wst_flow *carrier = wst_conversation_carrier(base->flow);
    const struct wst_half *h = &carrier->half[wst_conversation_side(base, dir)];
    bool acked = h->flags & WST_HALF_ACKED;
    if (carrier->kind == KIND_QUIC)
        return (struct wst_ws_place){.behind = wst_datagrams_behind(base->flow, dir),
                                     .later = true,
                                     .over = h->flags & WST_HALF_FIN};
    return (struct wst_ws_place){
        .end = h->next,
        .acked = h->acked,
        .known = acked && (h->flags & WST_HALF_STARTED),
        .over = h->flags & WST_HALF_FIN,
        .again = (h->flags & WST_HALF_FIN) &&
                 (carrier->skipped & 1u << wst_conversation_side(base, dir)),
        .behind = (h->flags & WST_HALF_WAITING) || (acked && (int32_t)(h->acked - h->next) > 0) ||
                  wst_encrypted_behind(base->flow, wst_conversation_side(base, dir))};
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
    w->ws.terms.stream = wst_multiplexed_stream(f) >= 0;
    wst_work_take(c, w);
    f->kind = KIND_WS;
    for (;; f = wst_conversation_outer(f)) { /* and all that it lies in */
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
    e.end = (struct wst_event_end){.tcp = WST_TCP_EVICTED,
                                   .by = WST_DIR_NONE,
                                   .code = -1,
                                   .tcp_by = WST_DIR_NONE,
                                   .tls_by = WST_DIR_NONE,
                                   .reset_by = WST_DIR_NONE};
    for (int d = 0; d < 2; d++) e.end.dir[d].gaps = lost[d] ? 1 : 0;
    wst_conversation_problem(c, base, WST_PROBLEM_CAPTURE_EVICTED, WST_DIR_NONE,
                             "there was no memory to follow the connection", a);
    wst_conversation_emit(c, base, &e);
}
