/* SPDX-License-Identifier: MIT
 *
 * In: a conversation whose beginning was not captured. Out: WebSocket, or HTTP/2 that may carry it,
 * when the evidence of its frames is overwhelming; else ignored.
 *
 * Evidence is counted in bits (ws/seek.h). Masked frames are rare in other traffic, unmasked ones
 * look like many a binary protocol: so the masked direction convinces sooner, and both together
 * sooner than one alone.
 */
#include <stdlib.h>

#include "pipeline.h"

enum {
    PICKUP_BYTES = 8 << 20, /* seen without success: it is something else */
    PICKUPS_MAX = 4096,     /* at a time; the oldest is given up */
    LOOK_EACH = 16,         /* segments looked at one by one; then when a quarter more has come */
};
/* bits that convince: while it goes on, and at its end */
enum {
    BITS_MASKED = 36,
    BITS_UNMASKED = 56,
    BITS_BOTH = 46,
    BITS_EACH = 15,
    BITS_MASKED_END = 30,
    BITS_UNMASKED_END = 50,
    BITS_BOTH_END = 36,
    BITS_ASKED = 20, /* the request was seen: that it asked for WebSocket is evidence, too */
    /* … of HTTP/2 */
    BITS_HTTP2 = 48,
    BITS_HTTP2_BOTH = 44,
    BITS_HTTP2_EACH = 16,
    BITS_HTTP2_END = 36,
    BITS_HTTP2_BOTH_END = 30,
    BITS_HTTP2_EACH_END = 14,
};

void wst_pickup_free(struct wst_context *c, struct conversation_pickup *p)
{
    TAILQ_REMOVE(&c->pickups, p, place);
    c->pickups_n--;
    wst_seek_free(p->seek[0], &c->budget);
    wst_seek_free(p->seek[1], &c->budget);
    if (p->asked) wst_conversation_http_free(c, p->asked);
    wst_conversation_release(c, p);
}

static void pickup_unanswered(struct wst_context *c, struct wst_flow *f,
                              const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    f->kind = KIND_HTTP; /* whose handshake it reports */
    wst_http_unanswered(&p->asked->http, &c->http, false, a);
    f->kind = KIND_PICKUP;
}

static void pickup_give_up(struct wst_context *c, struct wst_flow *f)
{
    struct conversation_pickup *p = f->upper;
    struct wst_arrival a = {.when = c->now, .from = c->now.pkt};
    if (p->asked) pickup_unanswered(c, f, &a);
    if (p->http)
        c->timeline.stats.http++;
    else
        c->timeline.stats.other++;
    wst_conversation_ignore(c, f);
}

void wst_pickup_begin(struct wst_context *c, struct wst_flow *f, struct conversation_http *asked)
{
    const struct conversation_pickup *oldest = TAILQ_FIRST(&c->pickups);
    if (c->pickups_n >= PICKUPS_MAX && oldest->base.flow != f) pickup_give_up(c, oldest->base.flow);
    struct conversation_pickup *p = wst_conversation_alloc(c, f);
    if (!p) {
        f->upper = asked;
        f->kind = asked ? KIND_HTTP : KIND_NEW;
        wst_conversation_ignore(c, f);
        return;
    }
    f->kind = KIND_PICKUP;
    p->asked = asked;
    if (asked) c->timeline.stats.http--; /* it is something else from here on */
    TAILQ_INSERT_TAIL(&c->pickups, p, place);
    c->pickups_n++;
    if (!asked) return;
    /* `asked` may be gone before all that waited was handed on. */
    struct wst_queue wait[2] = {asked->http.wait[WST_C2S], asked->http.wait[WST_S2C]};
    memset(asked->http.wait, 0, sizeof asked->http.wait);
    struct wst_arrival a = {.when = c->now};
    p->base.client = asked->base.client;
    wst_conversation_waited(c, f, wait, p->base.client, &a);
    for (unsigned d = 0; d < 2; d++) wst_queue_free(&wait[d], &c->budget);
}

/* A stream of HTTP/2 or HTTP/3 whose request is lost hardly carries HTTP/2 as it is. */
static bool pickup_may_be_framed(const struct wst_flow *f)
{
    const struct conversation_pickup *p = f->upper;
    return !p->asked && (!f->inner || wst_encrypted_client(f) >= 0);
}

static const struct wst_seek_rules rules_masked = {.masked = true, .compressed = true},
                                   rules_unmasked = {.masked = false, .compressed = true};

/* Evidence that `client` is the side that masks. Many write the header of an HTTP/2 frame and what
 * it carries by themselves, which then are segments, or records. */
static bool pickup_convinced(const struct wst_flow *f, unsigned client, bool end)
{
    const struct conversation_pickup *p = f->upper;
    bool beyond = !end && pickup_may_be_framed(f);
    int m = p->seek[client] ? wst_seek_evidence(p->seek[client], &rules_masked, beyond) : -1;
    int u = p->seek[!client] ? wst_seek_evidence(p->seek[!client], &rules_unmasked, beyond) : -1;
    int asked = p->asked && p->asked->base.client == client ? BITS_ASKED : 0;
    if (m + asked >= (end ? BITS_MASKED_END : BITS_MASKED)) return true;
    if (u + asked >= (end ? BITS_UNMASKED_END : BITS_UNMASKED)) return true;
    return m >= BITS_EACH && u >= BITS_EACH && m + u + asked >= (end ? BITS_BOTH_END : BITS_BOTH);
}

bool wst_pickup_proves(void *user, const struct wst_connect_stream *stream, bool end)
{
    struct wst_context *c = user;
    struct wst_queue walk = stream->said;
    if (stream->asks != WST_CONNECT_WEBSOCKET) return false; /* a tunnel's client speaks first */
    struct wst_seek *k = wst_seek_new(&c->budget, 0);
    uint64_t from;
    bool kept = k != NULL;
    for (struct wst_slice s; kept && (s = wst_queue_first(&walk, &from)).n;
         wst_queue_take(&walk, s.n))
        kept = wst_seek_push(k, &c->budget, s, from, c->options.limits.max_resync);
    int bits = kept ? wst_seek_evidence(k, &rules_unmasked, false) : 0;
    wst_seek_free(k, &c->budget);
    return bits + BITS_ASKED >= (end ? BITS_UNMASKED_END : BITS_UNMASKED);
}

static void pickup_handshake(struct wst_context *c, struct conversation_pickup *p,
                             const struct wst_arrival *a)
{
    struct wst_event_handshake h = {.carrier = WST_CARRIER_UNKNOWN,
                                    .stream_id = -1,
                                    .version = -1,
                                    .status = -1,
                                    .accept_ok = -1,
                                    .rtt_ns = -1,
                                    .accepted = true,
                                    .headers = c->options.headers};
    wst_conversation_handshake(c, p, &h, a);
    wst_conversation_problem(c, p, WST_PROBLEM_HANDSHAKE_PICKED_UP, WST_DIR_NONE,
                             "its frames were recognised; the handshake is not in the capture", a);
}

/* There is no memory to follow it. */
static void pickup_stillborn(struct wst_context *c, struct wst_flow *f, struct conversation *base,
                             struct wst_seek *const seek[2], const uint64_t lost[2],
                             const struct wst_arrival *a)
{
    wst_seek_free(seek[0], &c->budget);
    wst_seek_free(seek[1], &c->budget);
    f->upper = NULL;
    wst_conversation_lost(c, base, lost, a);
    wst_conversation_stillborn(c, base, lost, a);
    wst_conversation_ignore(c, f);
}

/* Offsets of the bytes of the wire count from where the search began. */
static void pickup_wire(struct wst_context *c, struct wst_flow *f, unsigned client,
                        struct wst_seek *const seek[2])
{
    uint64_t left[2] = {0, 0};
    for (int d = 0; d < 2; d++)
        if (seek[d]) left[d ? !client : client] = seek[d]->offset + seek[d]->bytes.n;
    wst_wire_begin(c, f, left);
}

/* It is WebSocket: from here on by direction, what was by side. */
static void pickup_accept(struct wst_context *c, struct wst_flow *f, unsigned client,
                          const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    struct wst_ws_terms terms = {.unknown = true};
    struct conversation base = p->base;
    base.client = p->base.client = (uint8_t)client;
    if (p->asked) {
        f->kind = KIND_HTTP;
        wst_http_unanswered(&p->asked->http, &c->http, true, a);
        terms.plain = p->asked->http.terms.plain;
        base.conn = p->asked->base.conn;
    } else {
        pickup_handshake(c, p, a);
        base.conn = p->base.conn;
    }
    uint64_t lost[2] = {p->lost[client], p->lost[!client]};
    uint8_t before[2] = {0}; /* gaps that were told with the handshake */
    for (int d = 0; p->asked && d < 2; d++) before[d] = p->asked->lost[d] ? 1 : 0;
    uint8_t missing[2] = {p->base.missing[client], p->base.missing[!client]};
    struct wst_seek *seek[2] = {p->seek[client], p->seek[!client]};
    p->seek[0] = p->seek[1] = NULL;
    struct conversation_ws *w = wst_conversation_websocket(c, &base, &terms, a->when.ns);
    wst_pickup_free(c, p);
    if (!w) {
        memcpy(base.missing, missing, sizeof missing);
        pickup_stillborn(c, f, &base, seek, lost, a);
        return;
    }
    memcpy(w->base.missing, missing, sizeof missing);
    wst_conversation_lost(c, w, lost, a);
    if (c->wire.on) pickup_wire(c, f, client, seek);
    for (int d = 0; d < 2; d++) w->ws.side[d].gaps = before[d] + (lost[d] ? 1 : 0);
    for (int d = 0; d < 2; d++)
        wst_work_join(c, w, (enum wst_dir)d, seek[d] ? seek[d] : wst_seek_new(&c->budget, 0), a);
}

/* -- HTTP/2 ------------------------------------------------------------------------------------ */

/* Where frames of HTTP/2 begin in the bytes of a side, and what speaks for them. */
struct framed {
    struct wst_http2_midst midst;
    size_t at;
    bool found;
};

/* `beyond`: as for wst_seek_evidence. */
static struct framed framed_look(const struct wst_seek *k, bool beyond)
{
    enum { MARKS = 64 /* looked at from either end */ };
    struct framed best = {.found = false};
    for (uint32_t i = 0; k && i + beyond < k->marks_n; i++) {
        if (i == MARKS && k->marks_n > 2 * MARKS) i = k->marks_n - MARKS;
        struct wst_slice s = wst_slice_skip(wst_buf_slice(&k->bytes), k->marks[i].at);
        struct wst_http2_midst m;
        if (!wst_http2_midst_may_begin(s) || !wst_http2_midst_look(s, &m)) continue;
        if (m.bits > best.midst.bits) best = (struct framed){m, k->marks[i].at, true};
    }
    return best;
}

static bool framed_convinced(const struct framed side[2], bool end)
{
    int a = side[0].midst.bits, b = side[1].midst.bits, least = a < b ? a : b;
    const struct wst_http2_midst *most = a < b ? &side[1].midst : &side[0].midst;
    if (end && most->bits >= BITS_HTTP2_END && most->frames > 1) return true;
    if (most->bits >= BITS_HTTP2 && most->frames > 2) return true;
    return least >= (end ? BITS_HTTP2_EACH_END : BITS_HTTP2_EACH) &&
           a + b >= (end ? BITS_HTTP2_BOTH_END : BITS_HTTP2_BOTH);
}

/* The side that asks: secrets of TLS know it, and what only one of both sends tells it; in the end
 * servers have the smaller port, nearly always. -1: not known yet. */
static int framed_client(const struct wst_flow *f, const struct framed side[2], bool end)
{
    enum { SURE = 2 };
    int says = side[0].midst.client - side[1].midst.client;
    if (wst_encrypted_client(f) >= 0) return wst_encrypted_client(f);
    if (says >= SURE || says <= -SURE) return says < 0;
    if (!end) return -1;
    return says ? says < 0 : f->port[1] > f->port[0];
}

/* What waited, in the order in which it came. */
static void framed_replay(struct wst_context *c, struct wst_flow *f, struct wst_seek *const seek[2],
                          const size_t from[2], const struct wst_arrival *a)
{
    uint32_t next[2] = {0, 0};
    size_t at[2] = {from[0], from[1]};
    while (f->kind == KIND_HTTP2 && !f->ignored) {
        uint64_t pkt[2] = {UINT64_MAX, UINT64_MAX};
        for (unsigned s = 0; s < 2; s++) {
            const struct wst_seek *k = seek[s];
            if (!k || at[s] >= k->bytes.n) continue;
            while (next[s] < k->marks_n && k->marks[next[s]].at <= at[s]) next[s]++;
            pkt[s] = wst_seek_packet(k, at[s]);
        }
        unsigned s = pkt[1] < pkt[0];
        if (pkt[s] == UINT64_MAX) return;
        const struct wst_seek *k = seek[s];
        size_t end = next[s] < k->marks_n ? k->marks[next[s]].at : k->bytes.n;
        struct wst_arrival carried = {.when = a->when, .from = pkt[s]};
        wst_multiplexed_data(c, f, s, (struct wst_slice){k->bytes.p + at[s], end - at[s]},
                             &carried);
        at[s] = end;
    }
}

static void framed_accept(struct wst_context *c, struct wst_flow *f, unsigned client,
                          const struct framed side[2], const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    struct wst_seek *seek[2] = {p->seek[0], p->seek[1]};
    uint32_t largest = 0;
    uint64_t passed[2];
    const bool found[2] = {side[0].found, side[1].found};
    size_t from[2] = {0, 0};
    for (unsigned s = 0; s < 2; s++) {
        if (side[s].midst.largest > largest) largest = side[s].midst.largest;
        if (side[s].found)
            from[s] = wst_http2_midst_back(wst_buf_slice(&seek[s]->bytes), side[s].at);
        passed[s] = p->lost[s] + (seek[s] ? seek[s]->skipped : 0) + from[s];
    }
    p->seek[0] = p->seek[1] = NULL;
    wst_pickup_free(c, p);
    f->upper = NULL;
    if (wst_multiplexed_join(c, f, client, largest, found, passed))
        framed_replay(c, f, seek, from, a);
    for (unsigned s = 0; s < 2; s++) wst_seek_free(seek[s], &c->budget);
}

static bool pickup_framed(struct wst_context *c, struct wst_flow *f, bool end, bool beyond,
                          bool *framed, const struct wst_arrival *a)
{
    const struct conversation_pickup *p = f->upper;
    if (!pickup_may_be_framed(f)) return false;
    struct framed side[2] = {framed_look(p->seek[0], beyond), framed_look(p->seek[1], beyond)};
    *framed = framed_convinced(side, end);
    int client = *framed ? framed_client(f, side, end) : -1;
    if (client >= 0) framed_accept(c, f, (unsigned)client, side, a);
    return client >= 0;
}

/* -- both -------------------------------------------------------------------------------------- */

static bool pickup_look(struct wst_context *c, struct wst_flow *f, bool end,
                        const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    bool framed = false;
    if (pickup_framed(c, f, end, true, &framed, a)) return true;
    if (framed) return false;
    int side = wst_multiplexed_client(f);
    for (unsigned client = 0; client < 2; client++) {
        if (p->asked && client != p->asked->base.client) continue;
        if (side >= 0 && client != (unsigned)side) continue;
        if (!pickup_convinced(f, client, end)) continue;
        pickup_accept(c, f, client, a);
        return true;
    }
    return end && pickup_framed(c, f, end, false, &framed, a);
}

/* A request that follows one for WebSocket; no frame of a client begins so, for its second byte
 * says that it is masked. The line may go on in the next segment. */
static bool asks_again(struct wst_slice s)
{
    while (s.n && (s.p[0] == '\r' || s.p[0] == '\n')) s = wst_slice_skip(s, 1);
    if (wst_sniff(s) != WST_SNIFF_HTTP_REQUEST) return false;
    return !memchr(s.p, '\n', s.n) || wst_sniff_request_line(s);
}

/* It is HTTP. A client that was asked for credentials, or sent elsewhere, asks again: the answer
 * that is lost refused. */
static bool pickup_is_http(struct wst_context *c, struct wst_flow *f, unsigned side,
                           struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    if (!p->asked) return wst_conversation_http_again(c, f, side, bytes, a);
    if (side != p->asked->base.client || p->seek[side]) return false;
    if (!asks_again(bytes)) return false;
    uint64_t lost[2] = {p->asked->lost[WST_C2S] + p->lost[side],
                        p->asked->lost[WST_S2C] + p->lost[!side]};
    pickup_unanswered(c, f, a);
    wst_conversation_http_anew(c, f, side, lost, side, bytes, a);
    return true;
}

/* A segment that begins with application data of TLS 1.3 (RFC 8446 section 5.2): the capture began
 * inside a record before, and the key log may have what opens this one. */
static bool pickup_sealed(struct wst_context *c, struct wst_flow *f, unsigned side,
                          struct wst_slice s, const struct wst_arrival *a)
{
    enum { HEAD = 5, LEAST = 17, MOST = 16384 + 256 };
    struct conversation_pickup *p = f->upper;
    if (p->asked || s.n < HEAD + LEAST || s.p[0] != 23 || s.p[1] != 3 || s.p[2] != 3) return false;
    unsigned n = wst_be16(s.p + 3);
    if (n < LEAST || n > MOST || !wst_encrypted_midst(c, f, side)) return false;
    wst_pickup_free(c, p);
    wst_conversation_sink.data(c, f, side, s, a);
    return true;
}

void wst_pickup_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    if (pickup_is_http(c, f, side, bytes, a) || pickup_sealed(c, f, side, bytes, a)) return;
    if (!p->seek[side]) p->seek[side] = wst_seek_new(&c->budget, 0);
    p->bytes += bytes.n;
    p->segments++;
    if (!p->seek[side] || p->bytes > PICKUP_BYTES ||
        !wst_seek_push(p->seek[side], &c->budget, bytes, a->from, c->options.limits.max_resync)) {
        pickup_give_up(c, f);
        return;
    }
    if (p->segments > LOOK_EACH && p->segments < p->look_at) return;
    p->look_at = p->segments + p->segments / 4;
    pickup_look(c, f, false, a);
}

void wst_pickup_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                    enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct conversation_pickup *p = f->upper;
    if (pickup_look(c, f, true, a)) {
        wst_conversation_sink.gap(c, f, side, n, cause, a);
        return;
    }
    wst_conversation_missing(&p->base, side, cause);
    p->lost[side] += n;
    wst_wire_gap(c, f, side, n);
    if (!p->seek[side]) p->seek[side] = wst_seek_new(&c->budget, 0);
    if (p->seek[side]) wst_seek_gap(p->seek[side], n);
}

bool wst_pickup_end(struct wst_context *c, struct wst_flow *f, const struct wst_arrival *a)
{
    if (pickup_look(c, f, true, a)) return f->kind == KIND_WS;
    pickup_give_up(c, f);
    return false;
}
