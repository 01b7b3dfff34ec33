/* SPDX-License-Identifier: MIT
 *
 * In: the first bytes of each side of a flow. Out: whose they are: a conversation of the kind that
 * they show, which gets them, what the other side said before and what was missing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pipeline.h"

enum {
    EARLY_MAX = 4096, /* first bytes of a side; the longest PROXY header in use is far less */
    TUNNELS_MAX = 8   /* proxies one behind another; two or three are in use */
};

void wst_first_free(struct wst_context *c, struct conversation_new *n)
{
    if (!n) return;
    wst_buf_free(&n->early[0], &c->budget);
    wst_buf_free(&n->early[1], &c->budget);
    wst_conversation_release(c, n);
}

/* Each tunnel is entered by a call from inside the one around it, and hands on all that waits: a
 * segment of thousands of CONNECTs would take as much stack, and copy its end thousands of times.
 */
bool wst_first_tunnel(struct wst_context *c, struct wst_flow *f)
{
    char detail[256], one[WST_ENDPOINT + 1], other[WST_ENDPOINT + 1];
    if (f->tunnels < TUNNELS_MAX) {
        f->tunnels++;
        return true;
    }
    wst_conversation_is(c, f, &c->timeline.stats.other);
    if (c->proxies_many++ >= WST_CONTEXT_TOLD) return false;
    *wst_endpoint_put(one, f, 0) = *wst_endpoint_put(other, f, 1) = '\0';
    snprintf(detail, sizeof detail, "more than %d proxies between %s and %s (TCP stream %u)",
             TUNNELS_MAX, one, other, f->stream);
    wst_context_problem(c, WST_PROBLEM_LIMIT_PROXIES, detail);
    return false;
}

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
    wst_conversation_is(c, f, &c->timeline.stats.other);
    return false;
}

void wst_first_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                   enum wst_gap_cause cause)
{
    struct conversation_new *u = new_upper(c, f);
    if (!u) return;
    wst_conversation_missing(&u->base, side, cause);
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
        struct wst_arrival carried = {.when = a->when, .from = n->from[!side]};
        wst_conversation_sink.data(c, f, !side, wst_buf_slice(&n->early[!side]), &carried);
    }
    wst_first_free(c, n);
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
        wst_conversation_is(c, f, &c->timeline.stats.other);
    } else if (looks_like_tls(bytes)) {
        struct conversation_new *n = f->upper;
        if (wst_encrypted_midst(c, f, side)) {
            new_hand_on(c, f, n, side, bytes, a);
        } else {
            wst_encrypted_unseen(c, f, side, a);
            wst_conversation_is(c, f, &c->timeline.stats.tls);
        }
    } else {
        struct conversation_new *n = f->upper;
        f->upper = NULL;
        wst_pickup_begin(c, f, NULL);
        if (n && f->kind == KIND_PICKUP) {
            struct conversation_pickup *p = f->upper;
            memcpy(p->lost, n->lost, sizeof n->lost);
            memcpy(p->base.missing, n->base.missing, sizeof n->base.missing);
        }
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
    } else {
        wst_proxied_note(c, f, wst_slice_head(bytes, (size_t)n));
        bytes = wst_slice_skip(bytes, (size_t)n);
        if (wst_first_tunnel(c, f) && bytes.n) wst_first_data(c, f, side, bytes, a);
    }
}

/* Bytes of that side were captured before its SYN, and before what acknowledges them: others may
 * have been sent before. */
static bool new_overtook(const struct wst_flow *f, unsigned side)
{
    return !(wst_conversation_carrier(f)->half[side].flags & (WST_HALF_SYN | WST_HALF_ACKED));
}

static bool new_http2(struct wst_context *c, struct wst_flow *f, const struct conversation_new *n,
                      unsigned client, const struct wst_arrival *a)
{
    c->timeline.stats.http++;
    if (!wst_multiplexed_begin(c, f, client)) return false;
    if (!f->witnessed || new_overtook(f, !client)) wst_multiplexed_late(f);
    for (unsigned s = 0; n && s < 2; s++) {
        bool exact = n->base.missing[s] == WST_WS_EXACTLY;
        if (n->lost[s])
            wst_multiplexed_gap(c, f, s, n->lost[s], exact ? WST_GAP_LOST : WST_GAP_SEALED, a);
    }
    return true;
}

void wst_first_http2(struct wst_context *c, struct wst_flow *f, unsigned client,
                     const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    new_http2(c, f, n, client, a);
    wst_first_free(c, n);
}

/* Whose beginning nobody saw may be a client that says its settings, too. */
static bool new_http2_asks(const struct wst_flow *f, unsigned side, struct wst_slice bytes)
{
    struct wst_http2_midst m;
    if (bytes.p[0] == 'P') return true;
    if (wst_encrypted_client(f) >= 0) return wst_encrypted_client(f) == (int)side;
    return !f->witnessed && wst_http2_midst_look(bytes, &m) && m.client > 0;
}

/* `client`: the side that asks. What was missing goes with it. */
static void new_http(struct wst_context *c, struct wst_flow *f, struct conversation_new *n,
                     unsigned side, unsigned client, struct wst_slice bytes,
                     const struct wst_arrival *a)
{
    c->timeline.stats.http++;
    f->upper = NULL;
    if (!wst_conversation_http_begin(c, f, client)) {
        wst_first_free(c, n);
        return;
    }
    struct conversation_http *h = f->upper;
    /* Where the capture began behind its request there is nothing to wait for. */
    if (side != client && !f->witnessed) h->http.request_lost = true;
    for (unsigned s = 0; n && s < 2; s++) {
        enum wst_dir dir = s == client ? WST_C2S : WST_S2C;
        h->lost[dir] = n->lost[s];
        h->base.missing[dir] = n->base.missing[s];
    }
    new_hand_on(c, f, n, side, bytes, a);
}

static void new_socks(struct wst_context *c, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = new_upper(c, f);
    if (!n) {
        wst_conversation_ignore(c, f);
        return;
    }
    f->kind = KIND_SOCKS;
    n->base.client = (uint8_t)side;
    wst_conversation_sink.data(c, f, side, bytes, a);
}

/* Sees the first bytes of one side; `bytes` are all of them. */
static void new_first(struct wst_context *c, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    switch (wst_sniff(bytes)) {
    case WST_SNIFF_MORE: new_wait(c, f, side, bytes, a); break;
    case WST_SNIFF_PROXY: new_proxy(c, f, side, bytes, a); break;
    case WST_SNIFF_HTTP_REQUEST: new_http(c, f, n, side, side, bytes, a); break;
    case WST_SNIFF_HTTP_RESPONSE: /* its request comes later, or never */
        new_http(c, f, n, side, !side, bytes, a);
        break;
    case WST_SNIFF_SOCKS: new_socks(c, f, side, bytes, a); break;
    case WST_SNIFF_TLS: /* a ClientHello, or the ServerHello that was captured before it */
        c->timeline.stats.tls++;
        if (wst_encrypted_begin(c, f, bytes.p[5] == 1 ? side : !side))
            new_hand_on(c, f, n, side, bytes, a);
        else
            wst_first_free(c, n);
        break;
    case WST_SNIFF_H2: /* the client's preface, or the server's settings */
        if (new_http2(c, f, n, new_http2_asks(f, side, bytes) ? side : !side, a))
            new_hand_on(c, f, n, side, bytes, a);
        else
            wst_first_free(c, n);
        break;
    default: new_other(c, f, side, bytes, a);
    }
}

void wst_first_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                    struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    if (!n || !n->early[side].n) {
        new_first(c, f, side, bytes, a);
        return;
    }
    /* Bytes waited before: look at all of them together. */
    struct wst_buf all = n->early[side];
    struct wst_arrival carried = {.when = a->when, .from = n->from[side], .there = a->there};
    n->early[side] = (struct wst_buf){0};
    if (wst_buf_append(&all, &c->budget, bytes, all.n + bytes.n))
        new_first(c, f, side, wst_buf_slice(&all), &carried);
    else
        wst_conversation_is(c, f, &c->timeline.stats.other);
    wst_buf_free(&all, &c->budget);
}

/* -- SOCKS ------------------------------------------------------------------------------------- */

void wst_first_socks(struct wst_context *c, struct wst_flow *f, unsigned side,
                     struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_new *n = f->upper;
    struct wst_buf *early = &n->early[side];
    if (!early->n) n->from[side] = a->from;
    if (!wst_buf_append(early, &c->budget, bytes, EARLY_MAX)) {
        wst_conversation_is(c, f, &c->timeline.stats.other);
        return;
    }
    for (int idle = 0; idle < 2;) { /* until neither side can take a step */
        bool server = side != n->base.client;
        int took = wst_socks_take(&n->socks, server, wst_buf_slice(&n->early[side]));
        if (took == WST_SOCKS_FAILED) {
            wst_conversation_is(c, f, &c->timeline.stats.other);
            return;
        }
        if (took > 0) wst_buf_drop(&n->early[side], (size_t)took);
        idle = took > 0 ? 0 : idle + 1;
        side = !side;
    }
    if (!wst_socks_open(&n->socks, false) || !wst_socks_open(&n->socks, true)) return;
    f->upper = NULL;
    f->kind = KIND_NEW;
    wst_first_tunnel(c, f);
    for (unsigned i = 0; i < 2; i++) {
        unsigned from = i ? !n->base.client : n->base.client;
        struct wst_arrival carried = {.when = a->when, .from = n->from[from]};
        if (n->early[from].n && !f->ignored)
            wst_conversation_sink.data(c, f, from, wst_buf_slice(&n->early[from]), &carried);
    }
    wst_first_free(c, n);
}
