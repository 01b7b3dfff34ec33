/* SPDX-License-Identifier: MIT
 *
 * In: ordered bytes of a flow, and what became of it. Out: the same to whoever they are for, by the
 * kind that its first bytes showed (first.c), never by the port. Rooms do not know each other.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline.h"
#include "seldom.h"

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

void wst_conversation_free(struct wst_context *c, struct wst_flow *f)
{
    void *upper = f->upper;
    f->upper = NULL;
    if (!upper) return;
    switch (f->kind) {
    case KIND_NEW:
    case KIND_SOCKS: wst_first_free(c, upper); break;
    case KIND_HTTP: wst_conversation_http_free(c, upper); break;
    case KIND_PICKUP: wst_pickup_free(c, upper); break;
    case KIND_WS: wst_work_release(c, upper); break;
    case KIND_TLS: wst_encrypted_free(c, upper); break;
    case KIND_HTTP2:
    case KIND_HTTP3: wst_multiplexed_free(c, upper); break;
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

void wst_conversation_is(struct wst_context *c, struct wst_flow *f, uint64_t *count)
{
    ++*count;
    wst_conversation_ignore(c, f);
}

/* The TCP connection, from inside whatever it carries. */
const struct wst_flow *wst_conversation_carrier(const struct wst_flow *f)
{
    while (f->inner) f = wst_conversation_outer(f);
    return f;
}

bool wst_conversation_heard(const struct wst_flow *f, unsigned side)
{
    return wst_conversation_carrier(f)->heard >> side & 1;
}

unsigned wst_conversation_depth(const struct wst_flow *f)
{
    unsigned depth = 0;
    for (; f->inner; f = wst_conversation_outer(f)) depth++;
    return depth;
}

void wst_conversation_inside(struct wst_context *c, struct conversation_inside *inside,
                             struct wst_flow *outer)
{
    struct wst_flow *inner = &inside->flow;
    inside->outer = outer;
    inner->hash = ++c->insides | UINT64_C(1) << 63; /* no stream number of TCP's */
    inner->stream = outer->stream;
    inner->family = outer->family;
    inner->witnessed = inner->inner = true;
    inner->heard = 3;
    memcpy(inner->port, outer->port, sizeof outer->port);
    memcpy(inner->addr, outer->addr, sizeof outer->addr);
}

static struct wst_flow *conversation_unsealed(struct wst_flow *f)
{
    while (f->kind == KIND_TLS) f = &((struct conversation_tls *)f->upper)->inside.flow;
    return f;
}

/* Each WebSocket conversation that the flow carries, until `tell` has had enough of them. */
static bool conversation_each(struct wst_flow *f,
                              bool (*tell)(void *user, struct conversation_ws *w), void *user)
{
    f = conversation_unsealed(f);
    if (f->kind == KIND_WS && !tell(user, f->upper)) return false;
    struct conversation_stream *s;
    uint32_t i = 0;
    while ((s = wst_multiplexed_next(f, &i)))
        if (!conversation_each(&s->inside.flow, tell, user)) return false;
    return true;
}

/* -- what a packet was part of ----------------------------------------------------------------- */

enum wst_fate wst_conversation_fate(const struct wst_flow *f)
{
    if (f->succeeding) return WST_FATE_WEBSOCKET; /* what waits in its place may become one */
    while (f->kind == KIND_TLS && !f->chosen && !f->ignored)
        f = &((const struct conversation_tls *)f->upper)->inside.flow;
    const struct conversation_http *h = f->upper;
    if (f->chosen) return WST_FATE_WEBSOCKET;
    if (f->ignored) return WST_FATE_OTHER;
    if (f->kind == KIND_HTTP2 || f->kind == KIND_HTTP3)
        return ((const struct conversation_multiplexed *)f->upper)->asked ? WST_FATE_WEBSOCKET
                                                                          : WST_FATE_UNDECIDED;
    return f->kind == KIND_HTTP && h->http.request.n ? WST_FATE_WEBSOCKET : WST_FATE_UNDECIDED;
}

/* -- what the flow room says ------------------------------------------------------------------- */

static void flow_data(void *user, struct wst_flow *f, unsigned side, struct wst_slice bytes,
                      const struct wst_arrival *a)
{
    struct wst_context *c = user;
    switch (f->kind) {
    case KIND_WS: {
        struct conversation_ws *w = f->upper;
        if (w->base.worker)
            wst_work_push(c, w, wst_conversation_direction(&w->base, side), bytes, a);
        else
            wst_ws_push(&w->ws, &c->ws, wst_conversation_direction(&w->base, side), bytes, a);
        break;
    }
    case KIND_IDLE0:
    case KIND_IDLE1:
        if (!wst_conversation_http_begin(c, f, f->kind == KIND_IDLE1)) break;
        /* fall through */
    case KIND_HTTP: wst_conversation_http_data(c, f, side, bytes, a); break;
    case KIND_NEW: wst_first_data(c, f, side, bytes, a); break;
    case KIND_SOCKS: wst_first_socks(c, f, side, bytes, a); break;
    case KIND_PICKUP: wst_pickup_data(c, f, side, bytes, a); break;
    case KIND_TLS: wst_encrypted_data(c, f, side, bytes, a); break;
    case KIND_HTTP2: wst_multiplexed_data(c, f, side, bytes, a); break;
    default: break;
    }
}

/* A finding about the TCP connection, to be told of each WebSocket connection that it carries. */
struct finding {
    struct wst_context *c;
    enum wst_problem problem;
    unsigned side;
    const char *detail;
    const struct wst_arrival *arrival;
    bool told, of_one;
};

static bool finding_tell(void *user, struct conversation_ws *w)
{
    struct finding *n = user;
    wst_conversation_problem(n->c, w, n->problem, wst_conversation_direction(&w->base, n->side),
                             n->detail, n->arrival);
    n->c->findings += n->told;
    n->told = true;
    return !n->of_one;
}

/* A packet may bring about a finding, and a connection carry a thousand streams. What that makes
 * together is held to a few lines a packet: beyond, a finding is told of one of the streams. */
static bool finding_of_one(const struct wst_context *c, struct wst_flow *f,
                           const struct wst_arrival *a)
{
    enum { FREE = 10000, EACH = 4 };
    uint64_t more = wst_multiplexed_streams(conversation_unsealed(f));
    return more > 1 && c->findings + more > FREE + EACH * a->when.pkt;
}

bool wst_conversation_tell(struct wst_context *c, struct wst_flow *f, enum wst_problem problem,
                           unsigned side, const char *detail, const struct wst_arrival *a)
{
    struct finding found = {c, problem, side, detail, a, false, finding_of_one(c, f, a)};
    conversation_each(f, finding_tell, &found);
    return found.told;
}

/* Why bytes of the TCP connection are missing, when that is a finding. */
static void gap_finding(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                        enum wst_gap_cause cause, const struct wst_arrival *a)
{
    if (cause != WST_GAP_LIMIT && cause != WST_GAP_ROUND) return;
    bool round = cause == WST_GAP_ROUND;
    char detail[128];
    snprintf(detail, sizeof detail,
             round ? "sequence numbers went round: %llu bytes are missing, or these and a multiple "
                     "of 4 GiB"
                   : "more bytes wait behind a hole than may be kept",
             (unsigned long long)n);
    wst_conversation_tell(c, f,
                          round ? WST_PROBLEM_TCP_SEQUENCE_ROUND : WST_PROBLEM_TCP_REORDER_LIMIT,
                          side, detail, a);
}

/* Hundreds of gaps have one reason then, and it lies in how the capture was made. */
WST_SELDOM static void gap_cut(struct wst_context *c, const struct wst_flow *f, unsigned side,
                               uint64_t n)
{
    char detail[256], one[WST_ENDPOINT + 1], other[WST_ENDPOINT + 1];
    if (f->inner || c->cut) return;
    c->cut = true;
    *wst_endpoint_put(one, f, side) = *wst_endpoint_put(other, f, !side) = '\0';
    snprintf(detail, sizeof detail,
             "%llu byte%s of a segment %s > %s (TCP stream %u) %s cut off by the snap length",
             (unsigned long long)n, n == 1 ? "" : "s", one, other, f->stream,
             n == 1 ? "was" : "were");
    wst_context_problem(c, WST_PROBLEM_CAPTURE_CUT, detail);
}

static void flow_gap(void *user, struct wst_flow *f, unsigned side, uint64_t n,
                     enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    if (cause == WST_GAP_SNAPPED) gap_cut(c, f, side, n);
    switch (f->kind) {
    case KIND_WS: {
        struct conversation_ws *w = f->upper;
        enum wst_dir dir = wst_conversation_direction(&w->base, side);
        wst_work_gap(c, w, dir, n, wst_conversation_missing(&w->base, dir, cause), a);
        wst_wire_gap(c, f, side, n);
        if (!f->inner) gap_finding(c, f, side, n, cause, a);
        break;
    }
    case KIND_IDLE0:
    case KIND_IDLE1:
        if (!wst_conversation_http_begin(c, f, f->kind == KIND_IDLE1)) break;
        /* fall through */
    case KIND_HTTP:
        if (!wst_conversation_http_gap(c, f, side, n, cause, a) && !f->ignored)
            flow_gap(user, f, side, n, cause, a);
        break;
    case KIND_NEW:
        f->witnessed = false; /* what comes first may not be the first */
        wst_first_gap(c, f, side, n, cause);
        wst_wire_gap(c, f, side, n);
        break;
    case KIND_PICKUP: wst_pickup_gap(c, f, side, n, cause, a); break;
    case KIND_TLS:
        wst_encrypted_gap(c, f, side, n, cause, a);
        if (!f->inner) gap_finding(c, f, side, n, cause, a); /* which is TCP's, not a record's */
        break;
    case KIND_HTTP2:
        wst_multiplexed_gap(c, f, side, n, cause, a);
        if (!f->inner) gap_finding(c, f, side, n, cause, a);
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
        const struct wst_half *half = wst_conversation_carrier(f)->half;
        enum wst_dir first =
            w->ws.terms.stream                   ? WST_DIR_NONE
            : half[side].flags & WST_HALF_FIRST  ? wst_conversation_direction(&w->base, side)
            : half[!side].flags & WST_HALF_FIRST ? wst_conversation_direction(&w->base, !side)
                                                 : WST_DIR_NONE;
        wst_work_fin(c, w, wst_conversation_direction(&w->base, side), first, a);
    } else if (f->kind == KIND_HTTP) {
        wst_conversation_http_fin(c, f, side, a);
    } else if (f->kind == KIND_TLS) {
        wst_encrypted_fin(c, f, side, a);
    } else if (f->kind == KIND_HTTP2) {
        wst_multiplexed_fin(c, f, side, a);
    }
}

/* Who reset the stream, or TCP below it. */
static enum wst_dir reset_by(const struct conversation_ws *w, const struct wst_flow *f)
{
    const struct wst_flow *of[] = {f, wst_conversation_carrier(f)};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned side = 0; side < 2; side++)
            if ((of[i]->half[side].flags & WST_HALF_RESET) &&
                !(of[i]->half[!side].flags & WST_HALF_RESET))
                return wst_conversation_direction(&w->base, side);
    return WST_DIR_NONE;
}

/* Who was the first to end the TLS below, which ends that conversation alone. */
static enum wst_dir tls_by(const struct conversation_ws *w, const struct wst_flow *f)
{
    int64_t ns;
    int side = w->ws.terms.stream ? -1 : wst_encrypted_left_by(f, &ns);
    return side < 0 ? WST_DIR_NONE : wst_conversation_direction(&w->base, (unsigned)side);
}

/* Nobody knows how it ended: what is missing may have been the end. */
static bool is_obscure(const struct wst_flow *f)
{
    const struct wst_flow *carrier = wst_conversation_carrier(f);
    if (carrier->kind != KIND_QUIC) return carrier->obscure;
    return wst_datagrams_obscure(f);
}

static void flow_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                     const struct wst_arrival *a)
{
    struct wst_context *c = user;
    bool around = c->http.forgotten;
    c->http.forgotten |= how == WST_TCP_EVICTED;
    if (f->kind == KIND_NEW && !f->upper && !f->inner) wst_standstill_begin(c, f, how, a);
    if (f->kind == KIND_HTTP) wst_conversation_http_end(c, f, a);
    if (f->kind == KIND_PICKUP) wst_pickup_end(c, f, a);
    if (f->kind == KIND_TLS) wst_encrypted_end(c, f, how, a);
    if (f->kind == KIND_HTTP2) wst_multiplexed_end(c, f, how, a);
    if (f->kind == KIND_HTTP3) wst_multiplexed_end3(c, f, how, a);
    if (f->kind == KIND_WS) {
        struct conversation_ws *w = f->upper;
        if (how == WST_TCP_EVICTED)
            wst_conversation_problem(
                c, w, WST_PROBLEM_CAPTURE_EVICTED, WST_DIR_NONE,
                "the connection was forgotten to stay inside the memory budget", a);
        wst_work_end(c, w, how, reset_by(w, f), tls_by(w, f), is_obscure(f), a);
    }
    wst_conversation_free(c, f);
    if (!f->inner) wst_proxied_forget(c, f);
    f->kind = KIND_IGNORED;
    c->http.forgotten = around;
}

static bool shrink_one(void *user, struct conversation_ws *w)
{
    const struct finding *n = user;
    if (wst_work_shrink(n->c, w))
        wst_conversation_problem(n->c, w, n->problem, WST_DIR_NONE, n->detail, n->arrival);
    return true;
}

static void flow_shrink(void *user, struct wst_flow *f, const struct wst_arrival *a)
{
    struct finding found = {.c = user,
                            .problem = WST_PROBLEM_LIMIT_CONTEXT,
                            .detail = "what later messages refer to may be missing",
                            .arrival = a};
    conversation_each(f, shrink_one, &found);
}

/* Its connection has ended, and what it becomes is not known yet: the finding is of none. */
static void end_ignored(struct wst_context *c, const struct wst_flow *f, unsigned side, bool fin)
{
    char detail[256], one[WST_ENDPOINT + 1], other[WST_ENDPOINT + 1];
    if (!f->chosen || c->ends_ignored[fin]++ >= WST_CONTEXT_TOLD) return;
    *wst_endpoint_put(one, f, side) = *wst_endpoint_put(other, f, !side) = '\0';
    snprintf(detail, sizeof detail,
             "%s > %s (TCP stream %u) goes on after %s, or another connection began in its place "
             "unseen",
             one, other, f->stream, fin ? "its FIN" : "a reset");
    wst_context_problem(c, fin ? WST_PROBLEM_TCP_FIN_IGNORED : WST_PROBLEM_TCP_RESET_IGNORED,
                        detail);
}

static void flow_unbelieved(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                            enum wst_unbelieved why, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    if (why == WST_UNBELIEVED_RESET || why == WST_UNBELIEVED_FIN) {
        end_ignored(c, f, side, why == WST_UNBELIEVED_FIN);
        return;
    }
    char detail[192];
    snprintf(detail, sizeof detail,
             why == WST_UNBELIEVED_FAR
                 ? "%llu bytes lie far ahead of all that their receiver acknowledged; they were "
                   "left out"
             : why == WST_UNBELIEVED_CALL
                 ? "%llu bytes lie far from all that was seen, or behind a hole, and begin another "
                   "conversation, which the other side did not answer; they were left out"
                 : "%llu bytes lie behind the end of this direction; they, and all that come "
                   "later, were left out",
             (unsigned long long)bytes);
    wst_conversation_tell(c, f, WST_PROBLEM_TCP_UNBELIEVED, side, detail, a);
}

static void flow_conflict(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                          const struct wst_arrival *a)
{
    char detail[96];
    snprintf(detail, sizeof detail, "%llu bytes differ from what was sent first",
             (unsigned long long)bytes);
    wst_conversation_tell(user, f, WST_PROBLEM_TCP_OVERLAP, side, detail, a);
}

/* Where nobody knows what a response answers, another status may be that to a request of before. */
static bool flow_begins(void *user, struct wst_slice s, bool answer)
{
    static const char accepted[12] = "HTTP/1.1 101";
    (void)user;
    switch (wst_sniff(s)) {
    case WST_SNIFF_HTTP_REQUEST: return wst_sniff_request_line(s);
    case WST_SNIFF_HTTP_RESPONSE:
        return answer || (s.n >= sizeof accepted && memcmp(s.p, accepted, sizeof accepted) == 0);
    case WST_SNIFF_TLS: return true;
    default: return false;
    }
}

const struct wst_flow_sink wst_conversation_sink = {.data = flow_data,
                                                    .gap = flow_gap,
                                                    .fin = flow_fin,
                                                    .end = flow_end,
                                                    .shrink = flow_shrink,
                                                    .conflict = flow_conflict,
                                                    .unbelieved = flow_unbelieved,
                                                    .stalled = wst_standstill,
                                                    .begins = flow_begins};
