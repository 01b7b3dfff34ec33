/* SPDX-License-Identifier: MIT
 *
 * In: a request to upgrade (RFC 6455 section 4.1), or an extended CONNECT (RFC 8441, RFC 9220).
 * Out: the problems it raises. Remembers keys, of which each should be new.
 */
#include "rules.h"

#include "fnv.h"

#include <string.h>

static const int64_t key_apart_ns = 1000000000; /* so far apart no capture turns packets around */

/* -- of HTTP/1 --------------------------------------------------------------------------------- */

static void request_line(struct wst_report *r)
{
    struct wst_shown a;
    const struct wst_head *q = r->request;
    if (!wst_slice_is(q->method, "GET"))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_METHOD, WST_C2S, "the method is %s",
                           wst_upgrade_show(q->method, &a));
    if (q->minor < 1)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_HTTP_VERSION, WST_C2S,
                           "the request is HTTP/1.%d", q->minor);
    if (q->bare)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_LINE_END, WST_C2S,
                           "lines of the request end with LF instead of CR LF");
    unsigned hosts = wst_upgrade_header_count(q, "Host");
    if (hosts != 1)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_HOST, WST_C2S,
                           "the request has %u Host headers", hosts);
}

/* A proxy that was not told to drops both headers, for they concern one hop only: what is left is
 * a plain request, and another fault than a client's that forgets one of them. */
static bool request_stripped(struct wst_report *r)
{
    if (wst_head_has_token(r->request, "Upgrade", "websocket") ||
        wst_head_has_token(r->request, "Connection", "upgrade"))
        return false;
    wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_STRIPPED, WST_C2S,
                       "the request has a Sec-WebSocket-Key, but neither Upgrade: websocket nor "
                       "Connection: Upgrade");
    return true;
}

static void request_upgrade(struct wst_report *r)
{
    struct wst_shown a;
    bool upgrade = wst_head_has_token(r->request, "Upgrade", "websocket");
    bool connection = wst_head_has_token(r->request, "Connection", "upgrade");
    if (!upgrade)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_UPGRADE, WST_C2S,
                           "the request's Upgrade is \"%s\"",
                           wst_upgrade_show(wst_head_find(r->request, "Upgrade", NULL), &a));
    if (!connection)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_CONNECTION, WST_C2S,
                           "the request's Connection is \"%s\"",
                           wst_upgrade_show(wst_head_find(r->request, "Connection", NULL), &a));
}

static bool base64_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* 16 bytes are 22 characters and two '='. */
static bool key_sound(struct wst_slice key)
{
    if (key.n != 24 || key.p[22] != '=' || key.p[23] != '=') return false;
    for (size_t i = 0; i < 22; i++)
        if (!base64_char(key.p[i])) return false;
    return true;
}

/* Where a key is remembered. NULL: nowhere. */
static struct wst_key_seen *key_place(struct wst_http_env *env, const char *accept)
{
    uint64_t hash;
    uint32_t max = env->options->limits.max_keys;
    if (!max) return NULL;
    if (!env->keys) {
        env->keys = wst_budget_new(env->budget, max * sizeof *env->keys);
        if (!env->keys) return NULL;
    }
    memcpy(&hash, accept, sizeof hash);
    return &env->keys[(hash * 0x9e3779b97f4a7c15u >> 32) % max];
}

static uint64_t key_hash(uint64_t h, const char *text)
{
    for (; *text; text++) h = wst_fnv_byte(h, (uint8_t)*text);
    return h;
}

/* Who asked whom, whatever port the client took. */
static uint64_t key_ends(const struct wst_event_handshake *e)
{
    uint64_t client = key_hash(WST_FNV_BEGIN, e->client_ip) ^ e->server_port;
    return key_hash(wst_fnv_byte(client, 0), e->server_ip);
}

static uint64_t key_network(const struct wst_report *r)
{
    return r->env->network ? r->env->network(r->env->user, r->conversation) : 0;
}

/* Two handshakes with one key, one begun while the other waits for its answer: the legs of a
 * proxy, or one connection captured twice. One after the other: the client used it again. Between
 * other hosts captures may have turned the order around, but not for long. From the same port, in
 * two networks, it is one connection, captured twice: it may have asked again after a pause, and a
 * copy may lack the first request. Who was refused may ask again on the same connection. */
static void request_key_again(struct wst_report *r)
{
    struct wst_shown a;
    struct wst_key_seen *seen = r->accept[0] ? key_place(r->env, r->accept) : NULL;
    if (!seen) return;
    struct wst_key_seen now = {.request_pkt = r->request_when.pkt,
                               .answer_pkt = r->arrival->when.pkt,
                               .ends = key_ends(&r->event),
                               .network = key_network(r),
                               .answer_ns = r->arrival->when.ns,
                               .stream = r->event.tcp_stream,
                               .client_port = r->event.client_port};
    memcpy(now.accept, r->accept, sizeof now.accept);
    bool same = seen->answer_pkt && !memcmp(seen->accept, now.accept, sizeof now.accept);
    int64_t apart = wst_ns_between(seen->answer_ns, r->request_when.ns);
    bool host = seen->ends == now.ends, port = host && seen->client_port == now.client_port;
    bool copy = port && seen->network != now.network;
    bool sure = (port ? apart > 0 : host) || apart >= key_apart_ns || apart <= -key_apart_ns;
    bool later = seen->answer_pkt < now.request_pkt && seen->stream != now.stream;
    if (same && sure && !copy && later &&
        r->response) /* without, it may be a late copy of the first */
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_KEY_REUSED, WST_C2S,
                           "the key %s stood in the request of packet %llu, too",
                           wst_upgrade_show(r->event.client_key, &a),
                           (unsigned long long)seen->request_pkt);
    *seen = now;
}

static void request_key(struct wst_report *r)
{
    struct wst_shown a;
    struct wst_slice key = r->event.client_key;
    if (!key.p)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_KEY_MISSING, WST_C2S,
                           "the request has no Sec-WebSocket-Key");
    else if (!key_sound(key))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_KEY_INVALID, WST_C2S,
                           "the key \"%s\" of %zu characters is not 16 bytes in base64",
                           wst_upgrade_show(key, &a), key.n);
    request_key_again(r);
}

static void request_version(struct wst_report *r)
{
    struct wst_shown a;
    int version = (int)r->event.version;
    if (version == 13) return;
    struct wst_slice named = wst_head_find(r->request, "Sec-WebSocket-Version", NULL);
    if (version < 0 && named.n)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_VERSION, WST_C2S,
                           "the request's version is \"%s\", which is no number",
                           wst_upgrade_show(named, &a));
    else
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_VERSION, WST_C2S,
            version < 0 ? "the request names no version" : "the request names version %d", version);
    /* 400 and 426 are how servers refuse a version; other refusals have other reasons. */
    if (version < 0 || !r->response || (r->response->status != 400 && r->response->status != 426))
        return;
    if (!wst_head_find(r->response, "Sec-WebSocket-Version", NULL).p)
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_VERSION_UNLISTED, WST_S2C,
            "version %d was refused with %d, and no Sec-WebSocket-Version says what would do",
            version, r->response->status);
}

static bool token_char(uint8_t c) /* RFC 2616 section 2.2, which RFC 6455 refers to */
{
    return c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
}

static bool token(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!token_char(s.p[i])) return false;
    return s.n > 0;
}

static void request_protocols(struct wst_report *r)
{
    struct wst_shown a;
    for (size_t i = 0; i < r->event.client_protocols_n; i++) {
        size_t twin = 0;
        while (twin < i && !wst_slice_same(r->protocols[twin], r->protocols[i])) twin++;
        if (twin == i && token(r->protocols[i])) continue;
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_BAD, WST_C2S,
                           twin < i ? "\"%s\" is offered twice" : "\"%s\" is no token",
                           wst_upgrade_show(r->protocols[i], &a));
    }
}

static void request_extensions(struct wst_report *r)
{
    struct wst_shown a;
    struct wst_slice list = r->event.client_extensions;
    struct wst_extension x;
    struct wst_deflate_params p;
    const char *wrong = NULL;
    int is;
    while ((is = wst_extension_next(&list, &x)) > 0)
        if (!wrong && wst_slice_is_nocase(x.name, "permessage-deflate"))
            wrong = wst_extension_params(x.params, true, &p);
    if (is < 0 || wrong)
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_EXTENSION_BAD, WST_C2S, "the client's offer \"%s\": %s",
            wst_upgrade_show(r->event.client_extensions, &a), is < 0 ? "it is malformed" : wrong);
}

/* Crawlers and Tcl's http call themselves Mozilla, too; of an engine only browsers speak. */
static bool names_browser(struct wst_slice agent)
{
    if (!wst_slice_starts(agent, "Mozilla/")) return false;
    for (; agent.n; agent = wst_slice_skip(agent, 1))
        if (wst_slice_starts(agent, "Gecko") || wst_slice_starts(agent, "Trident/")) return true;
    return false;
}

static void request_who(struct wst_report *r)
{
    struct wst_shown a;
    struct wst_slice agent = r->event.user_agent;
    if (!r->event.origin.p && names_browser(agent))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_ORIGIN_MISSING, WST_C2S,
                           "no Origin from the browser \"%s\"", wst_upgrade_show(agent, &a));
    if (r->secure) return;
    bool cookie = wst_head_find(r->request, "Cookie", NULL).p;
    bool password = wst_head_find(r->request, "Authorization", NULL).p;
    if (cookie || password)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_CREDENTIALS, WST_C2S,
                           "the request carries %s%s%s", cookie ? "Cookie" : "",
                           cookie && password ? " and " : "", password ? "Authorization" : "");
}

void wst_upgrade_judge_request(struct wst_report *r)
{
    if (request_stripped(r)) return;
    request_line(r);
    request_upgrade(r);
    request_key(r);
    request_version(r);
    wst_upgrade_header_once(r, r->request, WST_C2S, "Sec-WebSocket-Key");
    wst_upgrade_header_once(r, r->request, WST_C2S, "Sec-WebSocket-Version");
    request_protocols(r);
    request_extensions(r);
    request_who(r);
}

/* -- an extended CONNECT ----------------------------------------------------------------------- */

void wst_extended_judge_request(struct wst_report *r, const struct wst_extended *x)
{
    static const char *const needed[] = {":scheme", ":path", ":authority"}; /* section 4 */
    static const char *const hop[] = {"connection", "upgrade"}; /* RFC 9113 section 8.2.2,
                                                                 * RFC 9114 section 4.2 */
    bool h3 = x->carrier == WST_CARRIER_H3;
    if (x->unasked)
        wst_upgrade_broken(r, h3 ? WST_PROBLEM_HTTP3_NOT_ENABLED : WST_PROBLEM_HTTP2_NOT_ENABLED,
                           WST_C2S,
                           "the server's settings do not have SETTINGS_ENABLE_CONNECT_PROTOCOL");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!wst_head_find(r->request, needed[i], NULL).p)
            wst_upgrade_broken(
                r, h3 ? WST_PROBLEM_HTTP3_PSEUDO_MISSING : WST_PROBLEM_HTTP2_PSEUDO_MISSING,
                WST_C2S, "the request has no %s", needed[i]);
    for (size_t i = 0; i < sizeof hop / sizeof *hop; i++)
        if (wst_head_find(r->request, hop[i], NULL).p)
            wst_upgrade_broken(r, h3 ? WST_PROBLEM_HTTP3_HOP_HEADER : WST_PROBLEM_HTTP2_HOP_HEADER,
                               WST_C2S, "the request has the field \"%s\"", hop[i]);
    request_version(r);
    wst_upgrade_header_once(r, r->request, WST_C2S, "Sec-WebSocket-Version");
    request_protocols(r);
    request_extensions(r);
    request_who(r);
}
