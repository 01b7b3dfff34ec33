/* SPDX-License-Identifier: MIT
 *
 * In: the head of a request to upgrade and of its answer. Out: WebSocket or not, on what terms;
 * one handshake event (RFC 6455 section 4). rules.h judges it.
 */
/* OpenSSL's plain SHA-1, deprecated since 3.0: the way it prefers loads every algorithm it has
 * before the first hash, which took longer than all else a small capture needs. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <assert.h>

#include "report.h"

#define WEBSOCKET_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */
enum { KEY_MAX = 256 };

/* base64(SHA-1(key + GUID)), RFC 6455 section 4.2.2 item 5. */
static bool upgrade_accept(struct wst_slice key, char out[WST_ACCEPT_LENGTH + 1])
{
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX sha;
    if (key.n > KEY_MAX) return false;
    if (!SHA1_Init(&sha) || !SHA1_Update(&sha, key.p, key.n) ||
        !SHA1_Update(&sha, WEBSOCKET_GUID, sizeof WEBSOCKET_GUID - 1) || !SHA1_Final(digest, &sha))
        return false;
    return EVP_EncodeBlock((uint8_t *)out, digest, sizeof digest) == WST_ACCEPT_LENGTH;
}

/* Room for every value of both heads with its ", ". */
static size_t upgrade_text_cap(const struct wst_http_env *env)
{
    return 2 * (env->options->limits.max_head + 2 * WST_HTTP_HEADERS);
}

/* All values of a repeated header joined with ", "; borrowed when there is only one. */
static struct wst_slice upgrade_joined(struct wst_http_env *env, const struct wst_head *head,
                                       const char *name)
{
    size_t from = 0, from2;
    struct wst_slice first = wst_head_find(head, name, &from);
    from2 = from;
    if (!first.p || !wst_head_find(head, name, &from2).p) return first;
    if (!env->text.room) return first;                /* no memory: the first line must do */
    size_t begin = env->text.n, cap = env->text.room; /* growing would move what was borrowed */
    wst_buf_append(&env->text, env->budget, first, cap);
    for (struct wst_slice v; (v = wst_head_find(head, name, &from)).p;) {
        wst_buf_append(&env->text, env->budget, wst_slice_of(", ", 2), cap);
        wst_buf_append(&env->text, env->budget, v, cap);
    }
    return (struct wst_slice){env->text.p + begin, env->text.n - begin};
}

static size_t upgrade_protocols(struct wst_slice list, struct wst_slice out[WST_PROTOCOLS_MAX])
{
    size_t n = 0;
    while (list.n && n < WST_PROTOCOLS_MAX) {
        const uint8_t *comma = memchr(list.p, ',', list.n);
        struct wst_slice one = {list.p, comma ? (size_t)(comma - list.p) : list.n};
        list = wst_slice_skip(list, one.n + 1);
        one = wst_slice_trimmed(one);
        if (one.n) out[n++] = one;
    }
    return n;
}

static int32_t upgrade_version(const struct wst_head *head)
{
    struct wst_slice v = wst_head_find(head, "Sec-WebSocket-Version", NULL);
    int32_t n = 0;
    if (!v.n || v.n > 5) return -1;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9') return -1;
        n = n * 10 + (v.p[i] - '0');
    }
    return n;
}

static uint8_t upgrade_http(const struct wst_event_handshake *e, const struct wst_head *head)
{
    bool digit = head->minor >= 0 && head->minor <= 9; /* or whatever else stands there */
    return e->carrier == WST_CARRIER_HTTP1 && digit ? (uint8_t)(10 + head->minor) : 0;
}

void wst_upgrade_request(struct wst_report *r)
{
    struct wst_event_handshake *e = &r->event;
    const struct wst_head *q = r->request;
    e->request_pkt = r->request_when.pkt;
    e->request_ns = r->request_when.ns;
    e->method = q->method;
    e->uri = q->target;
    e->request_http = upgrade_http(e, q);
    e->host = wst_head_find(q, "Host", NULL);
    e->origin = wst_head_find(q, "Origin", NULL);
    if (!e->origin.p) e->origin = wst_head_find(q, "Sec-WebSocket-Origin", NULL); /* version 8 */
    e->user_agent = wst_head_find(q, "User-Agent", NULL);
    e->version = upgrade_version(q);
    e->client_key = wst_head_find(q, "Sec-WebSocket-Key", NULL);
    e->client_protocols = r->protocols;
    e->client_protocols_n =
        upgrade_protocols(upgrade_joined(r->env, q, "Sec-WebSocket-Protocol"), r->protocols);
    e->client_extensions = upgrade_joined(r->env, q, "Sec-WebSocket-Extensions");
    r->hixie = !e->client_key.p && wst_head_find(q, "Sec-WebSocket-Key1", NULL).p;
    if (e->client_key.p && upgrade_accept(e->client_key, r->accept))
        e->accept_expected = wst_slice_of(r->accept, WST_ACCEPT_LENGTH);
    if (r->env->options->headers) {
        e->request_headers = q->headers;
        e->request_headers_n = q->headers_n;
    }
}

/* The lines of a refusal that tell a person who refused, and what would help. */
static void upgrade_refusal(struct wst_report *r)
{
    static const char *const names[] = {
        "Location",    "WWW-Authenticate",      "Proxy-Authenticate",
        "Retry-After", "Sec-WebSocket-Version", "Server",
        "Via"};
    static_assert(sizeof names / sizeof *names <= WST_REFUSAL_LINES, "each has a place");
    struct wst_event_handshake *e = &r->event;
    e->refusal = r->refusal;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct wst_slice value = upgrade_joined(r->env, r->response, names[i]);
        if (value.n)
            r->refusal[e->refusal_n++] = (struct wst_header){wst_slice_text(names[i]), value};
    }
}

void wst_upgrade_response(struct wst_report *r)
{
    struct wst_event_handshake *e = &r->event;
    const struct wst_head *a = r->response;
    e->status = a->status;
    e->reason = a->reason;
    e->response_http = upgrade_http(e, a);
    e->server_accept = wst_head_find(a, "Sec-WebSocket-Accept", NULL);
    e->subprotocol = wst_head_find(a, "Sec-WebSocket-Protocol", NULL);
    e->server_extensions = upgrade_joined(r->env, a, "Sec-WebSocket-Extensions");
    /* Captured before its request, or before what the request had waited for: no time between. */
    if (r->request && r->arrival->from > r->request_when.pkt)
        e->rtt_ns = wst_ns_between(r->request_when.ns, wst_arrival_there(r->arrival).ns);
    if (a->status >= 300 || (a->status != 101 && e->carrier == WST_CARRIER_HTTP1))
        upgrade_refusal(r);
    if (r->env->options->headers) {
        e->response_headers = a->headers;
        e->response_headers_n = a->headers_n;
    }
}

/* Whether a 101 accepts the request. */
static void report_accepted(struct wst_report *r)
{
    struct wst_event_handshake *e = &r->event;
    const struct wst_head *a = r->response;
    if (e->server_accept.p && e->accept_expected.p)
        e->accept_ok = wst_slice_is(e->server_accept, r->accept);
    if (a->status != 101) return;
    if (!r->request && !e->server_accept.p)
        r->hixie = wst_head_find(a, "Sec-WebSocket-Location", NULL).p;
    struct wst_slice upgrade = wst_head_find(a, "Upgrade", NULL);
    /* Under another name, too: nobody but a WebSocket server computes what the key demands. */
    bool websocket = wst_head_has_token(a, "Upgrade", "websocket") ||
                     (e->server_accept.p && (!upgrade.p || e->accept_ok == 1));
    e->accepted = websocket && !r->hixie;
    if (e->accepted && e->accept_expected.p && !e->server_accept.p) e->accept_ok = 0;
}

/* What the server chose, and the terms of compression that follow from it. */
void wst_upgrade_agreed(struct wst_report *r)
{
    struct wst_upgrade_terms *t = r->terms;
    struct wst_slice list = r->event.server_extensions;
    struct wst_extension x;
    while (wst_extension_next(&list, &x) > 0) {
        if (wst_slice_is_nocase(x.name, "permessage-deflate") && !t->deflate.agreed) {
            r->deflate_wrong = wst_extension_deflate(x.params, &t->deflate);
        } else if (wst_slice_is_nocase(x.name, "x-webkit-deflate-frame") ||
                   wst_slice_is_nocase(x.name, "deflate-frame")) {
            t->per_frame = true;
        }
    }
    r->event.deflate = t->deflate;
}

struct wst_event_handshake wst_upgrade_event(const struct wst_http_env *env,
                                             enum wst_carrier carrier)
{
    return (struct wst_event_handshake){.carrier = carrier,
                                        .tcp_stream = -1,
                                        .stream_id = -1,
                                        .version = -1,
                                        .status = -1,
                                        .accept_ok = -1,
                                        .rtt_ns = -1,
                                        .headers = env->options->headers};
}

void wst_upgrade_text(struct wst_http_env *env)
{
    env->text.n = 0;
    wst_buf_reserve(&env->text, env->budget, upgrade_text_cap(env), upgrade_text_cap(env));
}

bool wst_upgrade_report(struct wst_http *h, struct wst_http_env *env,
                        const struct wst_head *response, bool accepted_unseen,
                        const struct wst_arrival *a)
{
    struct wst_slice protocols[WST_PROTOCOLS_MAX];
    struct wst_report r = {.http = h,
                           .env = env,
                           .conversation = h->conversation,
                           .request_when = h->request_when,
                           .terms = &h->terms,
                           .secure = h->secure,
                           .arrival = a,
                           .response = response,
                           .protocols = protocols,
                           .event = wst_upgrade_event(env, WST_CARRIER_HTTP1)};
    struct wst_head request;
    wst_upgrade_text(env);
    h->terms = (struct wst_upgrade_terms){0};
    if (h->request.n &&
        wst_head_read(&request, env->headers[WST_C2S], wst_buf_slice(&h->request)) &&
        request.http) {
        r.request = &request;
        h->request_seen = true;
        wst_upgrade_request(&r);
    }
    if (response) {
        wst_upgrade_response(&r);
        report_accepted(&r);
    }
    if (!response && accepted_unseen) {
        r.event.accepted = true;
        h->terms.unknown = true;
        h->terms.plain = r.request && !r.event.client_extensions.n;
    }
    if (r.event.accepted && (!r.request || !response)) r.event.carrier = WST_CARRIER_UNKNOWN;
    if (r.event.accepted && response) wst_upgrade_agreed(&r);
    env->handshake(env->user, h->conversation, &r.event, a);
    wst_report_judge(&r);
    return r.event.accepted;
}
