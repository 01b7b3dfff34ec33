/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of a flow that is HTTP/2, from the corridor. Out: the same to the http2 room, and
 * each stream that a CONNECT opened there as a flow of its own: WebSocket, or a tunnel that is
 * sniffed like any other.
 *
 *   flow ──▶ http2 ──stream 1──▶ inner flow ──▶ ws
 *              └─────stream 3──▶ inner flow ──▶ tls, http …
 */
#include <stdlib.h>

#include "pipeline.h"

static struct conversation_http2 *multiplexed_of(const struct wst_flow *f)
{
    return f->upper;
}

/* The innermost stream that the flow is, or lies in; NULL: none. */
static const struct conversation_stream *stream_of(const struct wst_flow *f)
{
    enum { INSIDE = offsetof(struct conversation_stream, inside) };
    for (; f->inner; f = wst_conversation_outer(f))
        if (wst_conversation_outer(f)->kind == KIND_HTTP2)
            return (const void *)((const char *)f - INSIDE);
    return NULL;
}

int64_t wst_multiplexed_stream(const struct wst_flow *f)
{
    const struct conversation_stream *s = stream_of(f);
    return s ? (int64_t)s->id : -1;
}

int wst_multiplexed_client(const struct wst_flow *f)
{
    const struct conversation_stream *s = stream_of(f);
    return s ? s->base.client : -1;
}

/* -- making and letting go --------------------------------------------------------------------- */

bool wst_multiplexed_begin(struct wst_context *c, struct wst_flow *f, unsigned client)
{
    bool fits = wst_conversation_depth(f) < WST_TLS_DEPTH;
    struct conversation_http2 *h = fits ? wst_budget_new(&c->budget, sizeof *h) : NULL;
    f->upper = h;
    if (!h) {
        wst_conversation_ignore(c, f);
        return false;
    }
    h->base = (struct conversation){.flow = f, .client = (uint8_t)client};
    h->counted = true;
    wst_http2_init(&h->http2, h);
    f->kind = KIND_HTTP2;
    return true;
}

static void stream_free(struct wst_context *c, struct conversation_stream *s)
{
    wst_conversation_free(c, &s->inside.flow);
    wst_wire_forget(c, &s->inside.flow);
    wst_budget_give(&c->budget, sizeof *s);
    free(s);
}

void wst_multiplexed_free(struct wst_context *c, struct conversation_http2 *h)
{
    for (uint32_t i = 0; i < h->http2.streams_n; i++) stream_free(c, h->http2.streams[i]->upper);
    wst_http2_free(&h->http2, &c->http2);
    wst_budget_give(&c->budget, sizeof *h);
    free(h);
}

/* -- what the http2 room says ------------------------------------------------------------------ */

static bool multiplexed_request(void *user, void *conversation, struct wst_http2_stream *stream,
                                const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_http2 *h = conversation;
    struct conversation_stream *s = wst_budget_new(&c->budget, sizeof *s);
    (void)a;
    if (!s) return false;
    wst_conversation_inside(c, &s->inside, h->base.flow);
    s->inside.flow.ignored = true; /* until it is accepted */
    s->inside.flow.kind = KIND_IGNORED;
    s->base = (struct conversation){.flow = &s->inside.flow, .client = h->base.client};
    s->id = stream->id;
    stream->upper = s;
    h->asked |= stream->asks == WST_HTTP2_WEBSOCKET;
    return true;
}

/* Fields as a list; WST_HTTP_HEADERS of them at most. */
static size_t fields_list(struct wst_slice fields, struct wst_header *list)
{
    size_t n = 0;
    while (n < WST_HTTP_HEADERS && wst_http2_field(&fields, &list[n])) n++;
    return n;
}

/* It is no other traffic: what is inside counts. */
static void multiplexed_chosen(struct wst_context *c, struct conversation_http2 *h)
{
    if (h->counted) c->timeline.stats.http--;
    h->counted = false;
}

static bool answer_websocket(struct wst_context *c, struct conversation_http2 *h,
                             const struct wst_http2_stream *stream, struct wst_slice fields,
                             int status, const struct wst_arrival *a)
{
    struct conversation_stream *s = stream->upper;
    struct wst_extended x = {.conversation = &s->base,
                             .carrier = WST_CARRIER_H2,
                             .request = c->http.headers[WST_C2S],
                             .response = status > 0 ? c->http.headers[WST_S2C] : NULL,
                             .request_when = stream->request_when,
                             .secure = wst_encrypted_info(&s->inside.flow) != NULL,
                             .unasked = stream->unasked,
                             .status = status,
                             .reset = stream->reset};
    struct wst_upgrade_terms u;
    x.request_n = fields_list(wst_buf_slice(&stream->request), x.request);
    if (x.response) x.response_n = fields_list(fields, x.response);
    if (!wst_extended_report(&c->http, &x, &u, a)) return false;
    struct wst_ws_terms terms = {
        .deflate = u.deflate, .per_frame = u.per_frame, .unknown = u.unknown};
    s->inside.flow.ignored = false;
    multiplexed_chosen(c, h);
    if (wst_conversation_websocket(c, &s->base, &terms, a->when.ns)) return true;
    wst_conversation_stillborn(c, &s->base, (uint64_t[2]){0, 0}, a);
    wst_conversation_ignore(c, &s->inside.flow);
    return false;
}

static bool multiplexed_answer(void *user, void *conversation, struct wst_http2_stream *stream,
                               struct wst_slice fields, int status, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_http2 *h = conversation;
    struct conversation_stream *s = stream->upper;
    if (stream->asks == WST_HTTP2_WEBSOCKET)
        return answer_websocket(c, h, stream, fields, status, a);
    if (status < 0 || (status && status / 100 != 2)) return false;
    s->inside.flow.ignored = false;
    s->inside.flow.kind = KIND_NEW;
    if (stream->asks == WST_HTTP2_UNSEEN) {
        s->inside.flow.witnessed = false;
        wst_pickup_begin(c, &s->inside.flow, NULL);
        return true;
    }
    multiplexed_chosen(c, h);
    return true;
}

static void multiplexed_bytes(void *user, struct wst_http2_stream *stream, enum wst_dir dir,
                              struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    struct wst_flow *f = &s->inside.flow;
    unsigned side = wst_conversation_side(&s->base, dir);
    f->half[side].next += (uint32_t)bytes.n;
    if (!f->ignored) c->sink.data(c, f, side, bytes, a);
}

static void multiplexed_hole(void *user, struct wst_http2_stream *stream, enum wst_dir dir,
                             uint64_t bytes, bool exact, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    struct wst_flow *f = &s->inside.flow;
    unsigned side = wst_conversation_side(&s->base, dir);
    enum wst_gap_cause cause = exact                                         ? WST_GAP_LOST
                               : multiplexed_of(s->inside.outer)->round[dir] ? WST_GAP_ROUND
                                                                             : WST_GAP_SEALED;
    f->half[side].next += (uint32_t)bytes;
    if (!f->ignored) c->sink.gap(c, f, side, bytes, cause, a);
}

static void multiplexed_last(void *user, struct wst_http2_stream *stream, enum wst_dir dir,
                             const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    struct wst_flow *f = &s->inside.flow;
    unsigned side = wst_conversation_side(&s->base, dir);
    if (!f->ignored) c->sink.fin(c, f, side, a);
}

static void multiplexed_over(void *user, struct wst_http2_stream *stream, enum wst_tcp_end how,
                             const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    if (!s->inside.flow.ignored) c->sink.end(c, &s->inside.flow, how, a);
    stream_free(c, s);
}

static bool multiplexed_problem(void *user, void *conversation, struct wst_http2_stream *stream,
                                enum wst_problem problem, enum wst_dir dir, const char *detail,
                                const struct wst_arrival *a)
{
    const struct conversation_http2 *h = conversation;
    if (!stream) {
        wst_conversation_note(user, &h->base, problem, dir, detail, a);
        return true;
    }
    struct conversation_stream *s = stream->upper;
    return wst_conversation_tell(user, &s->inside.flow, problem,
                                 wst_conversation_side(&s->base, dir), detail, a);
}

void wst_multiplexed_init(struct wst_context *c)
{
    wst_http2_env_init(&c->http2, &c->options, &c->budget);
    c->http2.user = c;
    c->http2.request = multiplexed_request;
    c->http2.answer = multiplexed_answer;
    c->http2.data = multiplexed_bytes;
    c->http2.gap = multiplexed_hole;
    c->http2.fin = multiplexed_last;
    c->http2.end = multiplexed_over;
    c->http2.problem = multiplexed_problem;
}

/* -- what the flow room says ------------------------------------------------------------------- */

void wst_multiplexed_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                          struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_http2 *h = multiplexed_of(f);
    enum wst_dir dir = wst_conversation_direction(&h->base, side);
    bool client_heard = wst_conversation_carrier(f)->heard >> h->base.client & 1;
    if (!client_heard) wst_http2_one_sided(&h->http2);
    wst_http2_push(&h->http2, &c->http2, dir, bytes, a);
    if (!h->http2.side[dir].seeking) h->round[dir] = false;
}

void wst_multiplexed_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                         enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct conversation_http2 *h = multiplexed_of(f);
    bool exact = cause != WST_GAP_ROUND && cause != WST_GAP_SEALED;
    enum wst_dir dir = wst_conversation_direction(&h->base, side);
    if (cause == WST_GAP_ROUND) h->round[dir] = true;
    wst_http2_gap(&h->http2, &c->http2, dir, n, exact, a);
}

void wst_multiplexed_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                         const struct wst_arrival *a)
{
    struct conversation_http2 *h = multiplexed_of(f);
    wst_http2_fin(&h->http2, &c->http2, wst_conversation_direction(&h->base, side), a);
}

void wst_multiplexed_end(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                         const struct wst_arrival *a)
{
    struct conversation_http2 *h = multiplexed_of(f);
    wst_http2_end(&h->http2, &c->http2, how, a);
}
