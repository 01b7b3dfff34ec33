/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of a flow that is HTTP/2, or those of each stream of one that is HTTP/3. Out: the
 * same to the http2 room or the http3 room, and each stream that a CONNECT opened there as a flow
 * of its own: WebSocket, or a tunnel that is sniffed like any other.
 *
 *   flow ──▶ http2, http3 ──stream──▶ inner flow ──▶ ws
 *                 └─────────stream──▶ inner flow ──▶ tls, http …
 */
#include <stdlib.h>

#include "fields.h"
#include "pipeline.h"

static struct conversation_http2 *http2_of(const struct wst_flow *f)
{
    return f->upper;
}

static struct conversation_http3 *http3_of(const struct wst_flow *f)
{
    return f->upper;
}

static bool is_multiplexed(const struct wst_flow *f)
{
    return f->kind == KIND_HTTP2 || f->kind == KIND_HTTP3;
}

/* The innermost stream that the flow is, or lies in; NULL: none. */
static const struct conversation_stream *stream_of(const struct wst_flow *f)
{
    enum { INSIDE = offsetof(struct conversation_stream, inside) };
    for (; f->inner; f = wst_conversation_outer(f))
        if (is_multiplexed(wst_conversation_outer(f)))
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

struct conversation_stream *wst_multiplexed_next(const struct wst_flow *f, uint32_t *i)
{
    if (!is_multiplexed(f)) return NULL;
    bool h2 = f->kind == KIND_HTTP2;
    const struct wst_sorted *streams =
        h2 ? &http2_of(f)->http2.streams : &http3_of(f)->http3.streams;
    while (*i < streams->n) {
        const struct wst_connect_stream *s = streams->items[(*i)++]; /* both begin with it */
        if (s->upper) return s->upper;
    }
    return NULL;
}

struct wst_flow *wst_multiplexed_inside(const struct wst_flow *f, uint64_t id)
{
    struct conversation_stream *s;
    for (uint32_t i = 0; (s = wst_multiplexed_next(f, &i));)
        if (s->id == id) return &s->inside.flow;
    return NULL;
}

uint32_t wst_multiplexed_streams(const struct wst_flow *f)
{
    if (!is_multiplexed(f)) return 0;
    return f->kind == KIND_HTTP2 ? http2_of(f)->http2.streams.n : http3_of(f)->http3.streams.n;
}

/* -- making and letting go --------------------------------------------------------------------- */

/* A new one of `n` bytes; NULL: no memory, and the flow is ignored. */
static void *multiplexed_new(struct wst_context *c, struct wst_flow *f, size_t n, unsigned client)
{
    bool fits = wst_conversation_depth(f) < WST_TLS_DEPTH;
    struct conversation_multiplexed *m = fits ? wst_budget_new(&c->budget, n) : NULL;
    f->upper = m;
    if (!m) {
        wst_conversation_ignore(c, f);
        return NULL;
    }
    m->base = (struct conversation){.flow = f, .client = (uint8_t)client};
    m->counted = true;
    return m;
}

bool wst_multiplexed_begin(struct wst_context *c, struct wst_flow *f, unsigned client)
{
    struct conversation_http2 *h = multiplexed_new(c, f, sizeof *h, client);
    if (!h) return false;
    wst_http2_init(&h->http2, h);
    f->kind = KIND_HTTP2;
    return true;
}

void wst_multiplexed_late(struct wst_flow *f)
{
    wst_http2_late(&http2_of(f)->http2);
}

bool wst_multiplexed_join(struct wst_context *c, struct wst_flow *f, unsigned client,
                          uint32_t largest, const bool found[2], const uint64_t passed[2])
{
    c->timeline.stats.http++;
    if (!wst_multiplexed_begin(c, f, client)) return false;
    struct conversation_http2 *h = http2_of(f);
    wst_http2_join(&h->http2, largest);
    for (unsigned side = 0; side < 2; side++) {
        enum wst_dir dir = wst_conversation_direction(&h->shared.base, side);
        if (found[side])
            wst_http2_framed(&h->http2, dir, passed[side]);
        else
            wst_http2_passed(&h->http2, dir, passed[side]);
    }
    return true;
}

bool wst_multiplexed_begin3(struct wst_context *c, struct wst_flow *f, unsigned client)
{
    c->timeline.stats.http++;
    struct conversation_http3 *h = multiplexed_new(c, f, sizeof *h, client);
    if (!h) return false;
    wst_http3_init(&h->http3, h);
    f->kind = KIND_HTTP3;
    return true;
}

static void stream_free(struct wst_context *c, struct conversation_stream *s)
{
    wst_buf_free(&s->kept, &c->budget);
    wst_conversation_free(c, &s->inside.flow);
    wst_wire_forget(c, &s->inside.flow);
    wst_budget_give(&c->budget, sizeof *s);
    free(s);
}

/* Its flow has let go of it, but still says what it is. */
void wst_multiplexed_free(struct wst_context *c, struct conversation_multiplexed *m)
{
    struct conversation_stream *s;
    uint32_t i = 0;
    bool h2 = m->base.flow->kind == KIND_HTTP2;
    m->base.flow->upper = m;
    while ((s = wst_multiplexed_next(m->base.flow, &i))) stream_free(c, s);
    if (h2)
        wst_http2_free(&((struct conversation_http2 *)m)->http2, &c->http2);
    else
        wst_http3_free(&((struct conversation_http3 *)m)->http3, &c->http3);
    m->base.flow->upper = NULL;
    wst_budget_give(&c->budget,
                    h2 ? sizeof(struct conversation_http2) : sizeof(struct conversation_http3));
    free(m);
}

/* -- what the http2 and http3 rooms say -------------------------------------------------------- */

static bool multiplexed_request(void *user, void *conversation, struct wst_connect_stream *stream,
                                const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_multiplexed *m = conversation;
    struct conversation_stream *s = wst_budget_new(&c->budget, sizeof *s);
    (void)a;
    if (!s) return false;
    wst_conversation_inside(c, &s->inside, m->base.flow);
    s->inside.flow.ignored = true; /* until it is accepted */
    s->inside.flow.kind = KIND_IGNORED;
    s->base = (struct conversation){.flow = &s->inside.flow, .client = m->base.client};
    s->id = stream->id;
    if (m->base.flow->kind == KIND_HTTP3) s->since = wst_datagrams_newest(&s->inside.flow);
    stream->upper = s;
    m->asked |= stream->asks == WST_CONNECT_WEBSOCKET;
    return true;
}

/* Fields as a list; WST_HTTP_HEADERS of them at most. */
static size_t fields_list(struct wst_slice fields, struct wst_header *list)
{
    size_t n = 0;
    while (n < WST_HTTP_HEADERS && wst_fields_next(&fields, &list[n])) n++;
    return n;
}

/* It is no other traffic: what is inside counts. */
static void multiplexed_chosen(struct wst_context *c, struct conversation_multiplexed *m)
{
    if (m->counted) c->timeline.stats.http--;
    m->counted = false;
}

/* Both: who was first nobody knows. */
static enum wst_dir reset_by_whom(const struct wst_connect_stream *s)
{
    if (s->reset_by[WST_C2S] == s->reset_by[WST_S2C]) return WST_DIR_NONE;
    return s->reset_by[WST_C2S] ? WST_C2S : WST_S2C;
}

static bool answer_websocket(struct wst_context *c, struct conversation_multiplexed *m,
                             struct wst_connect_stream *stream, struct wst_slice fields, int status,
                             const struct wst_arrival *a)
{
    struct conversation_stream *s = stream->upper;
    bool h3 = m->base.flow->kind == KIND_HTTP3;
    enum wst_dir by = reset_by_whom(stream);
    /* Its answer may lie in a packet that was not captured. */
    bool missed = h3 && wst_datagrams_missed(&s->inside.flow, s->since);
    char why[WST_BROKEN];
    struct wst_extended x = {.conversation = &s->base,
                             .carrier = h3 ? WST_CARRIER_H3 : WST_CARRIER_H2,
                             .request = c->http.headers[WST_C2S],
                             .response = status > 0 ? c->http.headers[WST_S2C] : NULL,
                             .request_when = stream->request_when,
                             .secure = h3 || wst_encrypted_info(&s->inside.flow) != NULL,
                             .unasked = stream->unasked,
                             .status = status,
                             .reset = stream->reset && !missed,
                             .reset_by = by,
                             .why = wst_broken_why(stream, by, why),
                             .refused = &s->refused};
    struct wst_upgrade_terms u;
    x.request_n = fields_list(wst_buf_slice(&stream->request), x.request);
    if (x.response) x.response_n = fields_list(fields, x.response);
    if (!wst_extended_report(&c->http, &x, &u, a)) {
        stream->refused = s->refused;
        return false;
    }
    struct wst_ws_terms terms = {
        .deflate = u.deflate, .per_frame = u.per_frame, .unknown = u.unknown, .plain = u.plain};
    s->inside.flow.ignored = false;
    multiplexed_chosen(c, m);
    if (wst_conversation_websocket(c, &s->base, &terms, a->when.ns)) return true;
    wst_conversation_stillborn(c, &s->base, (uint64_t[2]){0, 0}, a);
    wst_conversation_ignore(c, &s->inside.flow);
    return false;
}

static bool multiplexed_answer(void *user, void *conversation, struct wst_connect_stream *stream,
                               struct wst_slice fields, int status, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_multiplexed *m = conversation;
    struct conversation_stream *s = stream->upper;
    if (stream->asks == WST_CONNECT_WEBSOCKET)
        return answer_websocket(c, m, stream, fields, status, a);
    if (status < 0 || (status && status / 100 != 2)) return false;
    s->inside.flow.ignored = false;
    s->inside.flow.kind = KIND_NEW;
    if (stream->asks == WST_CONNECT_UNSEEN) {
        s->inside.flow.witnessed = false;
        wst_pickup_begin(c, &s->inside.flow, NULL);
        return true;
    }
    multiplexed_chosen(c, m);
    return true;
}

static struct wst_refusal refusal_of(struct wst_context *c, struct conversation_stream *s,
                                     const struct wst_arrival *a)
{
    return (struct wst_refusal){&c->http, &s->base, &s->refused, &s->kept, a};
}

static void refusal_over(struct wst_context *c, struct wst_connect_stream *stream, bool whole,
                         const struct wst_arrival *a)
{
    struct wst_refusal r = refusal_of(c, stream->upper, a);
    wst_refusal_end(&r, whole);
    stream->refused = false;
}

static void refusal_bytes(struct wst_context *c, struct wst_connect_stream *stream,
                          struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_refusal r = refusal_of(c, stream->upper, a);
    wst_refusal_bytes(&r, bytes);
    stream->refused = *r.reason;
}

static void multiplexed_bytes(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                              struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    struct wst_flow *f = &s->inside.flow;
    unsigned side = wst_conversation_side(&s->base, dir);
    if (stream->refused) refusal_bytes(c, stream, bytes, a);
    f->half[side].next += (uint32_t)bytes.n;
    if (!f->ignored) c->sink.data(c, f, side, bytes, a);
}

static void multiplexed_hole(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                             uint64_t bytes, bool exact, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    struct wst_flow *f = &s->inside.flow;
    unsigned side = wst_conversation_side(&s->base, dir);
    const struct conversation_multiplexed *m = s->inside.outer->upper;
    enum wst_gap_cause cause = exact           ? WST_GAP_LOST
                               : m->round[dir] ? WST_GAP_ROUND
                                               : WST_GAP_SEALED;
    if (stream->refused) refusal_over(c, stream, false, a);
    f->half[side].next += (uint32_t)bytes;
    if (!f->ignored) c->sink.gap(c, f, side, bytes, cause, a);
}

static void multiplexed_last(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                             const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    struct wst_flow *f = &s->inside.flow;
    unsigned side = wst_conversation_side(&s->base, dir);
    if (stream->refused) refusal_over(c, stream, true, a);
    if (!f->ignored) c->sink.fin(c, f, side, a);
}

static void multiplexed_over(void *user, struct wst_connect_stream *stream, enum wst_tcp_end how,
                             const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_stream *s = stream->upper;
    if (stream->refused) refusal_over(c, stream, false, a);
    for (int d = 0; d < 2; d++)
        if (stream->reset_by[d] && how == WST_TCP_RST)
            s->inside.flow.half[wst_conversation_side(&s->base, (enum wst_dir)d)].flags |=
                WST_HALF_RESET;
    if (!s->inside.flow.ignored) {
        wst_broken_stream(c, stream, a);
        c->sink.end(c, &s->inside.flow, how, a);
    }
    stream_free(c, s);
}

static bool multiplexed_problem(void *user, void *conversation, struct wst_connect_stream *stream,
                                enum wst_problem problem, enum wst_dir dir, const char *detail,
                                const struct wst_arrival *a)
{
    const struct conversation_multiplexed *m = conversation;
    if (!stream) {
        wst_conversation_note(user, &m->base, problem, dir, detail, a);
        return true;
    }
    struct conversation_stream *s = stream->upper;
    return wst_conversation_tell(user, &s->inside.flow, problem,
                                 wst_conversation_side(&s->base, dir), detail, a);
}

void wst_multiplexed_init(struct wst_context *c)
{
    wst_http2_env_init(&c->http2, &c->options, &c->budget);
    wst_http3_env_init(&c->http3, &c->options, &c->budget);
    c->http2.sink = c->http3.sink = (struct wst_connect_sink){.user = c,
                                                              .request = multiplexed_request,
                                                              .answer = multiplexed_answer,
                                                              .proves = wst_pickup_proves,
                                                              .data = multiplexed_bytes,
                                                              .gap = multiplexed_hole,
                                                              .fin = multiplexed_last,
                                                              .end = multiplexed_over,
                                                              .problem = multiplexed_problem};
}

/* -- what the flow room says ------------------------------------------------------------------- */

/* Nothing of a side was captured, and hardly will be: the connection began long ago, or bytes that
 * the other side had were waited for in vain. */
static bool multiplexed_silent(const struct wst_flow *f, unsigned side)
{
    const struct conversation_http2 *h = f->upper;
    enum wst_dir dir = wst_conversation_direction(&h->shared.base, side);
    return !wst_conversation_heard(f, side) &&
           (!wst_conversation_carrier(f)->witnessed || h->shared.missed[dir]);
}

static void multiplexed_reaches(struct wst_context *c, struct wst_flow *f, enum wst_dir dir,
                                const struct wst_arrival *a)
{
    struct conversation_http2 *h = http2_of(f);
    const struct wst_half *half = wst_conversation_carrier(f)->half;
    struct wst_http2_reach reach[2];
    for (unsigned side = 0; side < 2; side++) {
        const struct wst_half *s = &half[side];
        uint32_t acked = s->flags & WST_HALF_ACKED ? s->acked : s->next;
        reach[wst_conversation_direction(&h->shared.base, side)] =
            (struct wst_http2_reach){s->next, acked};
    }
    wst_http2_reaches(&h->http2, &c->http2, dir, reach, a);
}

void wst_multiplexed_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                          struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_http2 *h = http2_of(f);
    enum wst_dir dir = wst_conversation_direction(&h->shared.base, side);
    unsigned client = h->shared.base.client;
    multiplexed_reaches(c, f, dir, a);
    if (multiplexed_silent(f, client)) wst_http2_one_sided(&h->http2, &c->http2, a);
    wst_http2_mute(&h->http2, multiplexed_silent(f, !client));
    wst_http2_push(&h->http2, &c->http2, dir, bytes, a);
    if (!h->http2.side[dir].seeking) h->shared.round[dir] = false;
}

void wst_multiplexed_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                         enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct conversation_http2 *h = http2_of(f);
    bool exact = cause != WST_GAP_ROUND && cause != WST_GAP_SEALED;
    enum wst_dir dir = wst_conversation_direction(&h->shared.base, side);
    if (cause == WST_GAP_ROUND) h->shared.round[dir] = true;
    h->shared.missed[dir] = true;
    wst_http2_mute(&h->http2, multiplexed_silent(f, !h->shared.base.client));
    multiplexed_reaches(c, f, dir, a);
    wst_http2_gap(&h->http2, &c->http2, dir, n, exact, a);
    if (dir == WST_C2S && multiplexed_silent(f, side)) wst_http2_one_sided(&h->http2, &c->http2, a);
}

void wst_multiplexed_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                         const struct wst_arrival *a)
{
    struct conversation_http2 *h = http2_of(f);
    wst_http2_fin(&h->http2, &c->http2, wst_conversation_direction(&h->shared.base, side), a);
}

void wst_multiplexed_end(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                         const struct wst_arrival *a)
{
    struct conversation_http2 *h = http2_of(f);
    wst_http2_mute(&h->http2, !wst_conversation_heard(f, !h->shared.base.client));
    wst_http2_end(&h->http2, &c->http2, how, a);
}

/* -- what is said of streams inside QUIC ------------------------------------------------------- */

void wst_multiplexed_data3(struct wst_context *c, struct wst_flow *f, uint64_t id, enum wst_dir dir,
                           struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_http3 *h = http3_of(f);
    wst_http3_mute(&h->http3, !wst_conversation_heard(f, !h->shared.base.client));
    wst_http3_push(&h->http3, &c->http3, id, dir, bytes, a);
}

void wst_multiplexed_gap3(struct wst_context *c, struct wst_flow *f, uint64_t id, enum wst_dir dir,
                          uint64_t n, const struct wst_arrival *a)
{
    wst_http3_gap(&http3_of(f)->http3, &c->http3, id, dir, n, a);
}

void wst_multiplexed_fin3(struct wst_context *c, struct wst_flow *f, uint64_t id, enum wst_dir dir,
                          const struct wst_arrival *a)
{
    wst_http3_fin(&http3_of(f)->http3, &c->http3, id, dir, a);
}

void wst_multiplexed_reset3(struct wst_context *c, struct wst_flow *f, uint64_t id,
                            enum wst_dir dir, uint64_t code, const struct wst_arrival *a)
{
    wst_http3_reset(&http3_of(f)->http3, &c->http3, id, dir, code, a);
}

void wst_multiplexed_end3(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                          const struct wst_arrival *a)
{
    wst_http3_end(&http3_of(f)->http3, &c->http3, how, a);
}

void wst_multiplexed_midst3(struct wst_context *c, struct wst_flow *f, bool late, bool doubtful,
                            const struct wst_arrival *a)
{
    if (f->kind == KIND_HTTP3) wst_http3_midst(&http3_of(f)->http3, &c->http3, late, doubtful, a);
}

void wst_multiplexed_one_sided3(struct wst_flow *f)
{
    if (f->kind == KIND_HTTP3) wst_http3_one_sided(&http3_of(f)->http3);
}

bool wst_multiplexed_behind3(const struct wst_flow *f, uint64_t id, enum wst_dir dir)
{
    return f->kind == KIND_HTTP3 && wst_http3_behind(&http3_of(f)->http3, id, dir);
}

bool wst_multiplexed_wants3(const struct wst_flow *f, uint64_t id)
{
    return f->kind == KIND_HTTP3 && wst_http3_wants(&http3_of(f)->http3, id);
}
