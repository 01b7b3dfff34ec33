/* SPDX-License-Identifier: MIT
 *
 * In: UDP datagrams, from the context. Out: the same to the quic room; what it says of a QUIC
 * connection as a flow that no TCP connection carries, with HTTP/3 inside. Without any secret QUIC
 * is not looked into: how much of it there was is told at the end.
 *
 *   datagram ──▶ quic ──stream 0──▶ ┐
 *                 ▲  └──stream 4──▶ ┴ http3 ──▶ a flow for each WebSocket …
 *       tls: hellos, key log
 */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline.h"

/* -- what the quic room asks about TLS --------------------------------------------------------- */

static void client_hello(struct wst_quic_terms *terms, struct wst_slice body)
{
    struct wst_tls_client_hello h;
    if (!wst_tls_client_hello(body, &h)) return;
    memcpy(terms->random, h.random, sizeof terms->random);
    wst_tls_name(terms->sni, sizeof terms->sni, h.sni);
    if (!terms->chosen && wst_tls_offers(h.alpn, "h3")) strcpy(terms->alpn, "h3");
    terms->client = true;
}

static void server_hello(struct wst_quic_terms *terms, struct wst_slice body)
{
    struct wst_tls_server_hello h;
    if (!wst_tls_server_hello(body, &h)) return;
    if (h.retry) return; /* another one comes */
    terms->suite = h.suite;
    terms->server = true;
}

static void encrypted_extensions(struct wst_quic_terms *terms, struct wst_slice body)
{
    struct wst_tls_encrypted_extensions x;
    if (!wst_tls_encrypted_extensions(body, &x)) return;
    wst_tls_name(terms->alpn, sizeof terms->alpn, x.alpn);
    terms->chosen = true;
    wst_quic_parameters(terms, x.quic);
}

static void datagrams_message(void *user, struct wst_quic_terms *terms, enum wst_dir dir,
                              struct wst_slice message)
{
    enum { HEAD = 4 };
    struct wst_slice body = wst_slice_skip(message, HEAD);
    (void)user;
    if (dir == WST_C2S && message.p[0] == WST_TLS_CLIENT_HELLO)
        client_hello(terms, body);
    else if (dir == WST_S2C && message.p[0] == WST_TLS_SERVER_HELLO)
        server_hello(terms, body);
    else if (dir == WST_S2C && message.p[0] == WST_TLS_ENCRYPTED_EXTENSIONS)
        encrypted_extensions(terms, body);
}

static const enum wst_secret_label labels[WST_QUIC_LABELS] = {
    [WST_QUIC_SECRET_EARLY] = WST_SECRET_EARLY,
    [WST_QUIC_SECRET_CLIENT_HS] = WST_SECRET_CLIENT_HS,
    [WST_QUIC_SECRET_SERVER_HS] = WST_SECRET_SERVER_HS,
    [WST_QUIC_SECRET_CLIENT] = WST_SECRET_CLIENT,
    [WST_QUIC_SECRET_SERVER] = WST_SECRET_SERVER,
};

static bool datagrams_secret(void *user, const struct wst_quic_terms *terms,
                             enum wst_quic_label label, struct wst_quic_secret *secret)
{
    struct wst_context *c = user;
    struct wst_slice random = wst_slice_of(terms->random, sizeof terms->random);
    const struct wst_secret *known = wst_keylog_find(c->tls.keylog, labels[label], random);
    if (!known && wst_tls_ask(&c->tls))
        known = wst_keylog_find(c->tls.keylog, labels[label], random);
    if (!known || known->n > sizeof secret->bytes) return false;
    secret->n = known->n;
    memcpy(secret->bytes, known->bytes, known->n);
    return true;
}

static uint32_t datagrams_offers(void *user)
{
    return wst_keylog_secrets(((const struct wst_context *)user)->tls.keylog);
}

static enum wst_quic_offered datagrams_offer(void *user, uint32_t i, struct wst_quic_offer *offer)
{
    const struct wst_context *c = user;
    enum wst_secret_label label;
    const uint8_t *random;
    if (i >= wst_keylog_secrets(c->tls.keylog)) return WST_QUIC_LAST;
    if (i < wst_keylog_gone(c->tls.keylog)) return WST_QUIC_GONE;
    const struct wst_secret *s = wst_keylog_unasked(c->tls.keylog, i, &label, &random);
    if (!s || s->n > sizeof offer->secret.bytes) return WST_QUIC_TAKEN;
    for (int l = WST_QUIC_SECRET_CLIENT_HS; l < WST_QUIC_LABELS; l++) { /* early data: not tried */
        if (labels[l] != label) continue;
        offer->label = (enum wst_quic_label)l;
        offer->secret.n = s->n;
        memcpy(offer->secret.bytes, s->bytes, s->n);
        memcpy(offer->random, random, sizeof offer->random);
        return WST_QUIC_OFFERED;
    }
    return WST_QUIC_TAKEN;
}

static void datagrams_opening(void *user, const struct wst_quic_terms *terms)
{
    struct wst_context *c = user;
    wst_tls_tell_secrets(&c->tls, terms->random);
}

/* -- a connection ------------------------------------------------------------------------------ */

enum { CLIENT, SERVER }; /* sides of its flow */

static void put_ends(struct wst_flow *f, const struct wst_quic_ends *ends)
{
    f->family = ends->family;
    f->port[CLIENT] = ends->client_port;
    f->port[SERVER] = ends->server_port;
    memcpy(f->addr[CLIENT], ends->client, sizeof ends->client);
    memcpy(f->addr[SERVER], ends->server, sizeof ends->server);
}

static void *datagrams_open(void *user, const struct wst_quic_connection *connection,
                            const struct wst_quic_ends *ends, const struct wst_quic_terms *terms,
                            const struct wst_arrival *a)
{
    struct wst_context *c = user;
    bool unseen = terms->midst && !terms->alpn[0]; /* what is found in it tells */
    if (!unseen &&
        strncmp(terms->alpn, "h3", 2) != 0) { /* RFC 9114 section 3.1; drafts had numbers */
        c->timeline.stats.other++;
        return NULL;
    }
    struct conversation_quic *q = wst_budget_new(&c->budget, sizeof *q);
    if (!q) return NULL;
    q->base = (struct conversation){.flow = &q->flow, .client = CLIENT};
    q->connection = connection;
    q->terms = terms;
    q->flow.upper = q;
    q->flow.kind = KIND_QUIC;
    put_ends(&q->flow, ends);
    wst_conversation_inside(c, &q->inside, &q->flow);
    wst_multiplexed_begin3(c, &q->inside.flow, CLIENT); /* no memory: it is ignored */
    if (terms->midst) wst_multiplexed_midst3(c, &q->inside.flow, terms->late, unseen, a);
    return q;
}

static void datagrams_data(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                           struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_quic *q = upper;
    struct wst_flow *f = &q->inside.flow;
    q->flow.heard |= 1u << (dir == WST_C2S ? CLIENT : SERVER);
    if (!f->ignored) wst_multiplexed_data3(user, f, stream, dir, bytes, a);
}

static void datagrams_gap(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                          uint64_t bytes, const struct wst_arrival *a)
{
    struct wst_flow *f = &((struct conversation_quic *)upper)->inside.flow;
    if (!f->ignored) wst_multiplexed_gap3(user, f, stream, dir, bytes, a);
}

static void datagrams_fin(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                          const struct wst_arrival *a)
{
    struct wst_flow *f = &((struct conversation_quic *)upper)->inside.flow;
    if (!f->ignored) wst_multiplexed_fin3(user, f, stream, dir, a);
}

static void datagrams_reset(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                            uint64_t code, const struct wst_arrival *a)
{
    struct wst_flow *f = &((struct conversation_quic *)upper)->inside.flow;
    if (!f->ignored) wst_multiplexed_reset3(user, f, stream, dir, code, a);
}

static void datagrams_stalled(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                              const char *detail, const struct wst_arrival *a)
{
    struct wst_flow *f = &((struct conversation_quic *)upper)->inside.flow;
    if (f->ignored || (stream != UINT64_MAX && !(f = wst_multiplexed_inside(f, stream)))) return;
    wst_conversation_tell(user, f, WST_PROBLEM_QUIC_WINDOW_CLOSED, dir == WST_S2C ? SERVER : CLIENT,
                          detail, a);
}

static bool datagrams_follows(void *user, const void *upper, uint64_t stream)
{
    const struct wst_flow *f = &((const struct conversation_quic *)upper)->inside.flow;
    (void)user;
    return !f->ignored && wst_multiplexed_wants3(f, stream);
}

static bool datagrams_precious(void *user, const void *upper)
{
    (void)user;
    return ((const struct conversation_quic *)upper)->flow.precious;
}

static bool datagrams_end(void *user, void *upper, enum wst_tcp_end how,
                          const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_quic *q = upper;
    bool wanted = wst_conversation_fate(&q->inside.flow) == WST_FATE_WEBSOCKET;
    if (!q->inside.flow.ignored) c->sink.end(c, &q->inside.flow, how, a);
    wst_conversation_free(c, &q->inside.flow);
    wst_wire_forget(c, &q->inside.flow);
    wst_budget_give(&c->budget, sizeof *q);
    free(q);
    return wanted;
}

static void datagrams_problem(void *user, void *upper, const struct wst_quic_ends *ends,
                              enum wst_problem problem, enum wst_dir dir, const char *detail,
                              const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_quic *q = upper;
    char more[WST_QUIC_SNI + 128 + WST_KEYLOG_MISSING], missing[WST_KEYLOG_MISSING];
    if (problem == WST_PROBLEM_TLS_NO_KEY && wst_keylog_gone(c->tls.keylog)) {
        wst_keylog_missing(c->tls.keylog, missing);
        snprintf(more, sizeof more, "%s%s", detail, missing);
        detail = more;
    }
    if (q) {
        /* What the client asks for will not be read: the server need not wait for it. */
        if (dir == WST_C2S && problem == WST_PROBLEM_TLS_NO_KEY)
            wst_multiplexed_one_sided3(&q->inside.flow);
        unsigned side = dir == WST_S2C ? SERVER : CLIENT;
        if (wst_conversation_tell(c, &q->inside.flow, problem, side, detail, a)) return;
    } else if (problem == WST_PROBLEM_TLS_NO_KEY) {
        c->timeline.stats.tls_no_key++;
    } else if (problem == WST_PROBLEM_QUIC_UNANSWERED && c->unopened_quic++ >= WST_CONTEXT_TOLD) {
        return;
    }
    struct wst_flow f = {0};
    struct conversation base = {.flow = &f, .client = CLIENT};
    put_ends(&f, ends);
    wst_conversation_note(c, &base, problem, dir, detail, a);
}

/* Of a connection that carried no WebSocket only a handshake that failed is told: nobody knows what
 * it would have carried. */
static void datagrams_closed(void *user, void *upper, const struct wst_quic_ends *ends,
                             const struct wst_quic_terms *terms, bool open,
                             const struct wst_quic_close *x, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_quic *q = upper;
    char text[WST_BROKEN], detail[WST_BROKEN + WST_QUIC_SNI + 16];
    bool named = terms->sni[0];
    wst_broken_close(x, text);
    if (q) memcpy(q->ended, text, sizeof q->ended);
    if (wst_broken_orderly(x)) return;
    unsigned side = x->dir == WST_S2C ? SERVER : CLIENT;
    if (q) q->flow.half[side].flags |= WST_HALF_RESET;
    if (!open) return;
    snprintf(detail, sizeof detail, "QUIC%s%s: %s", named ? " to " : "", named ? terms->sni : "",
             text);
    if (q) {
        wst_conversation_tell(c, &q->inside.flow, wst_broken_problem(x), side, detail, a);
        return;
    }
    struct wst_flow f = {0};
    struct conversation base = {.flow = &f, .client = CLIENT};
    put_ends(&f, ends);
    wst_conversation_note(c, &base, wst_broken_problem(x), x->dir, detail, a);
}

const char *wst_datagrams_ended(const struct wst_flow *f)
{
    f = wst_conversation_carrier(f);
    if (f->kind != KIND_QUIC) return NULL;
    const struct conversation_quic *q = f->upper;
    return q->ended[0] ? q->ended : NULL;
}

/* -- the corridor's part ----------------------------------------------------------------------- */

bool wst_datagrams_init(struct wst_context *c)
{
    const struct wst_quic_sink sink = {.user = c,
                                       .message = datagrams_message,
                                       .secret = datagrams_secret,
                                       .offers = datagrams_offers,
                                       .offer = datagrams_offer,
                                       .opening = datagrams_opening,
                                       .open = datagrams_open,
                                       .data = datagrams_data,
                                       .gap = datagrams_gap,
                                       .fin = datagrams_fin,
                                       .reset = datagrams_reset,
                                       .follows = datagrams_follows,
                                       .stalled = datagrams_stalled,
                                       .closed = datagrams_closed,
                                       .end = datagrams_end,
                                       .precious = datagrams_precious,
                                       .problem = datagrams_problem};
    c->quic = wst_quic_new(&c->options, &c->budget, &sink);
    return c->quic;
}

/* Whether there are secrets, or may be. */
static bool datagrams_hope(const struct wst_context *c)
{
    return c->tls.keys_may_come || wst_keylog_count(c->tls.keylog);
}

/* Said once, when it is seen first; how often, at the end. */
static void datagrams_note(struct wst_context *c, const struct wst_segment *s, uint64_t *n,
                           const char *detail)
{
    struct wst_arrival a = {.when = c->now, .from = c->now.pkt};
    struct wst_quic_ends ends = wst_quic_ends_of(s);
    if ((*n)++) return;
    datagrams_problem(c, NULL, &ends, WST_PROBLEM_QUIC_UNREAD, WST_DIR_NONE, detail, &a);
}

void wst_datagrams_push(struct wst_context *c, const struct wst_segment *s)
{
    if (!datagrams_hope(c)) {
        if (!wst_quic_packet_begins(s->payload)) return;
        if (!wst_tls_ask(&c->tls) || !datagrams_hope(c)) {
            datagrams_note(
                c, s, &c->quic_closed,
                "QUIC: no secrets are known, and without them nothing of it (HTTP/3) is read");
            return;
        }
    }
    if (s->payload.n < s->payload_len) { /* no tag would fit */
        if (!wst_quic_packet_begins(s->payload)) return;
        wst_quic_cut(c->quic);
        datagrams_note(c, s, &c->quic_cut,
                       "QUIC that the snap length cut: only whole packets can be opened");
        return;
    }
    wst_quic_push(c->quic, s, &c->now);
}

static uint64_t no_tcp_stream(uint64_t number)
{
    return UINT64_C(1) << 33 | number; /* their numbers have 32 bits, and these one more */
}

uint64_t wst_datagrams_number(const struct wst_flow *f)
{
    return no_tcp_stream(
        wst_quic_number_of(((const struct conversation_quic *)f->upper)->connection));
}

enum wst_fate wst_datagrams_fate(const struct wst_context *c, uint64_t *number)
{
    struct wst_quic_last last = wst_quic_last(c->quic);
    *number = last.number ? no_tcp_stream(last.number) : UINT64_MAX;
    if (last.upper)
        return wst_conversation_fate(&((const struct conversation_quic *)last.upper)->inside.flow);
    return last.wanted ? WST_FATE_WEBSOCKET : last.undecided ? WST_FATE_UNDECIDED : WST_FATE_OTHER;
}

bool wst_datagrams_behind(const struct wst_flow *f, enum wst_dir dir)
{
    const struct conversation_quic *q = wst_conversation_carrier(f)->upper;
    int64_t stream = wst_multiplexed_stream(f);
    return wst_quic_behind(q->connection, (uint64_t)stream, dir) ||
           wst_multiplexed_behind3(&q->inside.flow, (uint64_t)stream, dir);
}

bool wst_datagrams_obscure(const struct wst_flow *f)
{
    const struct conversation_quic *q = wst_conversation_carrier(f)->upper;
    uint64_t stream = (uint64_t)wst_multiplexed_stream(f);
    for (int d = 0; d < 2; d++)
        if (wst_quic_obscure(q->connection, stream, (enum wst_dir)d) ||
            wst_multiplexed_behind3(&q->inside.flow, stream, (enum wst_dir)d))
            return true;
    return false;
}

uint64_t wst_datagrams_newest(const struct wst_flow *f)
{
    const struct conversation_quic *q = wst_conversation_carrier(f)->upper;
    return wst_quic_newest(q->connection, WST_S2C);
}

bool wst_datagrams_missed(const struct wst_flow *f, uint64_t since)
{
    const struct conversation_quic *q = wst_conversation_carrier(f)->upper;
    return wst_quic_missed(q->connection, WST_S2C, since);
}

const struct wst_tls_info *wst_datagrams_info(const struct wst_flow *f)
{
    if (f->kind != KIND_QUIC) return NULL;
    struct conversation_quic *q = f->upper;
    const struct wst_tls_suite *suite = wst_tls_suite(q->terms->suite);
    q->info = (struct wst_tls_info){.version = wst_tls_version_name(WST_TLS_1_3),
                                    .cipher = suite ? suite->name : NULL,
                                    .sni = q->terms->sni[0] ? q->terms->sni : NULL,
                                    .alpn = q->terms->alpn[0] ? q->terms->alpn : NULL};
    return &q->info;
}

static void datagrams_more(struct wst_context *c, uint64_t n, const char *one, const char *many)
{
    char detail[160];
    if (!n) return;
    snprintf(detail, sizeof detail, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
    wst_context_problem(c, WST_PROBLEM_QUIC_UNREAD, detail);
}

void wst_datagrams_finish(struct wst_context *c)
{
    wst_quic_finish(c->quic, &c->now);
    datagrams_more(c, wst_quic_strangers(c->quic),
                   "UDP conversation looks like QUIC whose beginning is not in the capture",
                   "UDP conversations look like QUIC whose beginning is not in the capture");
    datagrams_more(c, c->quic_cut ? c->quic_cut - 1 : 0,
                   "more packet that begins a QUIC connection is cut",
                   "more packets that begin QUIC connections are cut");
    datagrams_more(c, c->quic_closed ? c->quic_closed - 1 : 0,
                   "more packet that begins a QUIC connection, and no secrets",
                   "more packets that begin QUIC connections, and no secrets");
}
