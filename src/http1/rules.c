/* SPDX-License-Identifier: MIT
 *
 * In: a request to upgrade and its answer. Out: the problems they raise (RFC 6455 section 4,
 * RFC 7692 section 7.1). Refuses to blame anybody for what was not captured.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dir.h"
#include "report.h"

enum { AT_ONCE_US = 10000 };
enum { EXTENSION_LOOKS = 1 << 16 }; /* 256 names of an answer, each among 256 that were offered */

static const int64_t key_apart_ns = 1000000000; /* so far apart no capture turns packets around */

__attribute__((format(printf, 4, 5))) static void rule(struct wst_report *r, enum wst_problem p,
                                                       enum wst_dir dir, const char *format, ...)
{
    char detail[240];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    r->env->problem(r->env->user, r->conversation, p, dir, detail, r->arrival);
}

struct shown { /* room for a stranger's value in a sentence */
    char text[64];
};

/* Printable ASCII of it. */
static const char *show(struct wst_slice s, struct shown *to)
{
    size_t n = s.n < 60 ? s.n : 60, i;
    for (i = 0; i < n; i++)
        to->text[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '"' ? (char)s.p[i] : '?';
    memcpy(to->text + i, n < s.n ? "..." : "", n < s.n ? 4 : 1);
    return to->text;
}

static unsigned header_count(const struct wst_head *h, const char *name)
{
    unsigned n = 0;
    for (size_t from = 0; wst_head_find(h, name, &from).p;) n++;
    return n;
}

/* -- the request, section 4.1 ------------------------------------------------------------------ */

static void request_line(struct wst_report *r)
{
    struct shown a;
    const struct wst_head *q = r->request;
    if (!wst_slice_is(q->method, "GET"))
        rule(r, WST_PROBLEM_HANDSHAKE_METHOD, WST_C2S, "the method is %s", show(q->method, &a));
    if (q->minor < 1)
        rule(r, WST_PROBLEM_HANDSHAKE_HTTP_VERSION, WST_C2S, "the request is HTTP/1.%d", q->minor);
    if (q->bare)
        rule(r, WST_PROBLEM_HANDSHAKE_LINE_END, WST_C2S,
             "lines of the request end with LF instead of CR LF");
    unsigned hosts = header_count(q, "Host");
    if (hosts != 1)
        rule(r, WST_PROBLEM_HANDSHAKE_HOST, WST_C2S, "the request has %u Host headers", hosts);
}

/* A proxy that was not told to drops both headers, for they concern one hop only: what is left is
 * a plain request, and another fault than a client's that forgets one of them. */
static bool request_stripped(struct wst_report *r)
{
    if (wst_head_has_token(r->request, "Upgrade", "websocket") ||
        wst_head_has_token(r->request, "Connection", "upgrade"))
        return false;
    rule(r, WST_PROBLEM_HANDSHAKE_STRIPPED, WST_C2S,
         "the request has a Sec-WebSocket-Key, but neither Upgrade: websocket nor "
         "Connection: Upgrade");
    return true;
}

static void request_upgrade(struct wst_report *r)
{
    struct shown a;
    bool upgrade = wst_head_has_token(r->request, "Upgrade", "websocket");
    bool connection = wst_head_has_token(r->request, "Connection", "upgrade");
    if (!upgrade)
        rule(r, WST_PROBLEM_HANDSHAKE_UPGRADE, WST_C2S, "the request's Upgrade is \"%s\"",
             show(wst_head_find(r->request, "Upgrade", NULL), &a));
    if (!connection)
        rule(r, WST_PROBLEM_HANDSHAKE_CONNECTION, WST_C2S, "the request's Connection is \"%s\"",
             show(wst_head_find(r->request, "Connection", NULL), &a));
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

static uint64_t key_hash(uint64_t h, const char *text) /* FNV-1a */
{
    for (; *text; text++) h = (h ^ (uint8_t)*text) * 0x100000001b3u;
    return h;
}

/* Who asked whom, whatever port the client took. */
static uint64_t key_ends(const struct wst_event_handshake *e)
{
    uint64_t client = key_hash(0xcbf29ce484222325u, e->client_ip) ^ e->server_port;
    return key_hash(client * 0x100000001b3u, e->server_ip);
}

/* Two handshakes with one key, one begun while the other waits for its answer: the legs of a
 * proxy, or one connection captured twice. One after the other: the client used it again. Between
 * other hosts or ports captures may have turned the order around, but not for long. Who was refused
 * may ask again on the same connection. */
static void request_key_again(struct wst_report *r)
{
    struct shown a;
    struct wst_key_seen *seen = r->accept[0] ? key_place(r->env, r->accept) : NULL;
    if (!seen) return;
    struct wst_key_seen now = {.request_pkt = r->request_when.pkt,
                               .answer_pkt = r->arrival->when.pkt,
                               .ends = key_ends(&r->event),
                               .answer_ns = r->arrival->when.ns,
                               .stream = r->event.tcp_stream};
    memcpy(now.accept, r->accept, sizeof now.accept);
    bool same = seen->answer_pkt && !memcmp(seen->accept, now.accept, sizeof now.accept);
    int64_t apart = wst_ns_between(seen->answer_ns, r->request_when.ns);
    bool sure = seen->ends == now.ends || apart >= key_apart_ns || apart <= -key_apart_ns;
    bool later = seen->answer_pkt < now.request_pkt && seen->stream != now.stream;
    if (same && sure && later && r->response) /* without, it may be a late copy of the first */
        rule(r, WST_PROBLEM_HANDSHAKE_KEY_REUSED, WST_C2S,
             "the key %s stood in the request of packet %llu, too", show(r->event.client_key, &a),
             (unsigned long long)seen->request_pkt);
    *seen = now;
}

static void request_key(struct wst_report *r)
{
    struct shown a;
    struct wst_slice key = r->event.client_key;
    if (!key.p)
        rule(r, WST_PROBLEM_HANDSHAKE_KEY_MISSING, WST_C2S, "the request has no Sec-WebSocket-Key");
    else if (!key_sound(key))
        rule(r, WST_PROBLEM_HANDSHAKE_KEY_INVALID, WST_C2S,
             "the key \"%s\" of %zu characters is not 16 bytes in base64", show(key, &a), key.n);
    request_key_again(r);
}

static void request_version(struct wst_report *r)
{
    struct shown a;
    int version = (int)r->event.version;
    if (version == 13) return;
    struct wst_slice named = wst_head_find(r->request, "Sec-WebSocket-Version", NULL);
    if (version < 0 && named.n)
        rule(r, WST_PROBLEM_HANDSHAKE_VERSION, WST_C2S,
             "the request's version is \"%s\", which is no number", show(named, &a));
    else
        rule(r, WST_PROBLEM_HANDSHAKE_VERSION, WST_C2S,
             version < 0 ? "the request names no version" : "the request names version %d",
             version);
    /* 400 and 426 are how servers refuse a version; other refusals have other reasons. */
    if (version < 0 || !r->response || (r->response->status != 400 && r->response->status != 426))
        return;
    if (!wst_head_find(r->response, "Sec-WebSocket-Version", NULL).p)
        rule(r, WST_PROBLEM_HANDSHAKE_VERSION_UNLISTED, WST_S2C,
             "version %d was refused with %d, and no Sec-WebSocket-Version says what would do",
             version, r->response->status);
}

static void header_once(struct wst_report *r, const struct wst_head *h, enum wst_dir dir,
                        const char *name)
{
    unsigned n = header_count(h, name);
    if (n > 1)
        rule(r, WST_PROBLEM_HANDSHAKE_HEADER_REPEATED, dir, "%s stands there %u times", name, n);
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

static bool same(struct wst_slice a, struct wst_slice b)
{
    return a.n == b.n && !memcmp(a.p, b.p, a.n);
}

static void request_protocols(struct wst_report *r)
{
    struct shown a;
    for (size_t i = 0; i < r->event.client_protocols_n; i++) {
        size_t twin = 0;
        while (twin < i && !same(r->protocols[twin], r->protocols[i])) twin++;
        if (twin == i && token(r->protocols[i])) continue;
        rule(r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_BAD, WST_C2S,
             twin < i ? "\"%s\" is offered twice" : "\"%s\" is no token",
             show(r->protocols[i], &a));
    }
}

static void request_extensions(struct wst_report *r)
{
    struct shown a;
    struct wst_slice list = r->event.client_extensions;
    struct wst_extension x;
    struct wst_deflate_params p;
    const char *wrong = NULL;
    int is;
    while ((is = wst_extension_next(&list, &x)) > 0)
        if (!wrong && wst_slice_is_nocase(x.name, "permessage-deflate"))
            wrong = wst_extension_params(x.params, true, &p);
    if (is < 0 || wrong)
        rule(r, WST_PROBLEM_HANDSHAKE_EXTENSION_BAD, WST_C2S, "the client's offer \"%s\": %s",
             show(r->event.client_extensions, &a), is < 0 ? "it is malformed" : wrong);
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
    struct shown a;
    struct wst_slice agent = r->event.user_agent;
    if (!r->event.origin.p && names_browser(agent))
        rule(r, WST_PROBLEM_HANDSHAKE_ORIGIN_MISSING, WST_C2S, "no Origin from the browser \"%s\"",
             show(agent, &a));
    if (r->secure) return;
    bool cookie = wst_head_find(r->request, "Cookie", NULL).p;
    bool password = wst_head_find(r->request, "Authorization", NULL).p;
    if (cookie || password)
        rule(r, WST_PROBLEM_HANDSHAKE_CREDENTIALS, WST_C2S, "the request carries %s%s%s",
             cookie ? "Cookie" : "", cookie && password ? " and " : "",
             password ? "Authorization" : "");
}

static void judge_request(struct wst_report *r)
{
    if (request_stripped(r)) return;
    request_line(r);
    request_upgrade(r);
    request_key(r);
    request_version(r);
    header_once(r, r->request, WST_C2S, "Sec-WebSocket-Key");
    header_once(r, r->request, WST_C2S, "Sec-WebSocket-Version");
    request_protocols(r);
    request_extensions(r);
    request_who(r);
}

/* -- the answer 101, sections 4.1 and 4.2.2 ---------------------------------------------------- */

static void answer_headers(struct wst_report *r)
{
    struct shown a;
    const struct wst_head *h = r->response;
    if (!wst_head_has_token(h, "Upgrade", "websocket"))
        rule(r, WST_PROBLEM_HANDSHAKE_UPGRADE, WST_S2C, "the answer's Upgrade is \"%s\"",
             show(wst_head_find(h, "Upgrade", NULL), &a));
    if (!wst_head_has_token(h, "Connection", "upgrade"))
        rule(r, WST_PROBLEM_HANDSHAKE_CONNECTION, WST_S2C, "the answer's Connection is \"%s\"",
             show(wst_head_find(h, "Connection", NULL), &a));
    struct wst_slice length = wst_head_find(h, "Content-Length", NULL);
    if (length.p)
        rule(r, WST_PROBLEM_HANDSHAKE_BODY, WST_S2C, "the answer 101 has Content-Length: %s",
             show(length, &a));
    else if (wst_head_find(h, "Transfer-Encoding", NULL).p)
        rule(r, WST_PROBLEM_HANDSHAKE_BODY, WST_S2C, "the answer 101 has Transfer-Encoding: %s",
             show(wst_head_find(h, "Transfer-Encoding", NULL), &a));
    header_once(r, h, WST_S2C, "Sec-WebSocket-Accept");
    header_once(r, h, WST_S2C, "Sec-WebSocket-Protocol");
    header_once(r, h, WST_S2C, "Sec-WebSocket-Extensions"); /* section 11.3.2: in answers */
}

static void answer_accept(struct wst_report *r)
{
    struct shown a;
    if (r->event.server_accept.p && r->event.accept_ok == 0)
        rule(r, WST_PROBLEM_HANDSHAKE_ACCEPT_WRONG, WST_S2C,
             "the server sent %s; the key demands %s", show(r->event.server_accept, &a), r->accept);
    else if (!r->event.server_accept.p && r->request) /* else it may answer an older draft */
        rule(r, WST_PROBLEM_HANDSHAKE_ACCEPT_MISSING, WST_S2C,
             "the server sent no accept value%s%s", r->accept[0] ? "; the key demands " : "",
             r->accept);
}

/* 1: offered, 0: not; -1: not known, for *looks at offers are used up. Each name of the answer is
 * looked for among all that were offered: two lists as long as heads may be would take minutes. */
static int answer_was_offered(const struct wst_report *r, struct wst_slice name, unsigned *looks)
{
    struct wst_slice list = r->event.client_extensions;
    struct wst_extension x;
    for (; *looks && wst_extension_next(&list, &x) > 0; --*looks)
        if (x.name.n == name.n &&
            !strncasecmp((const char *)x.name.p, (const char *)name.p, name.n))
            return 1;
    return *looks ? 0 : -1;
}

/* Which of the offers the terms answer. NULL: one; else why not the first. *unsaid: none by the
 * letter, but one demands a window of 15 bits, which is what no word about it means. */
static const char *answer_unmatched(const struct wst_report *r,
                                    const struct wst_deflate_params *answer, bool *unsaid)
{
    struct wst_slice list = r->event.client_extensions;
    struct wst_extension x;
    struct wst_deflate_params offer;
    const char *why = NULL;
    while (wst_extension_next(&list, &x) > 0) {
        if (!wst_slice_is_nocase(x.name, "permessage-deflate")) continue;
        const char *wrong = wst_extension_params(x.params, true, &offer);
        wrong = wrong ? "an offer that is not sound had to be declined"
                      : wst_extension_mismatch(answer, &offer);
        if (!why) why = wrong;
        if (wrong) continue;
        *unsaid = offer.has_server_bits && !answer->has_server_bits;
        if (!*unsaid) return NULL;
    }
    return *unsaid ? NULL : why;
}

static void answer_extensions(struct wst_report *r)
{
    struct shown a;
    struct wst_slice list = r->event.server_extensions;
    struct wst_extension x;
    struct wst_deflate_params answer;
    const char *unmatched = NULL;
    unsigned deflates = 0, looks = EXTENSION_LOOKS;
    bool unsaid = false;
    int is;
    while ((is = wst_extension_next(&list, &x)) > 0) {
        if (r->request && answer_was_offered(r, x.name, &looks) == 0)
            rule(r, WST_PROBLEM_HANDSHAKE_EXTENSION_NOT_OFFERED, WST_S2C,
                 "the server chose %s, which was not offered", show(x.name, &a));
        if (!wst_slice_is_nocase(x.name, "permessage-deflate") || deflates++) continue;
        if (r->request && !wst_extension_params(x.params, false, &answer))
            unmatched = answer_unmatched(r, &answer, &unsaid);
    }
    const char *answered = show(r->event.server_extensions, &a);
    if (is < 0 || r->deflate_wrong)
        rule(r, WST_PROBLEM_HANDSHAKE_EXTENSION_BAD, WST_S2C, "the server's answer \"%s\": %s",
             answered, is < 0 ? "it is malformed" : r->deflate_wrong);
    if (deflates > 1)
        rule(r, WST_PROBLEM_HANDSHAKE_EXTENSION_TWICE, WST_S2C,
             "the server's answer \"%s\" has permessage-deflate %u times", answered, deflates);
    if (unmatched)
        rule(r, WST_PROBLEM_HANDSHAKE_DEFLATE_UNMATCHED, WST_S2C, "the server's answer \"%s\": %s",
             answered, unmatched);
    if (unsaid)
        rule(r, WST_PROBLEM_HANDSHAKE_DEFLATE_UNSAID, WST_S2C,
             "the server's answer \"%s\" says nothing of server_max_window_bits=15", answered);
}

static void answer_subprotocol(struct wst_report *r)
{
    struct shown a;
    struct wst_slice chosen = r->event.subprotocol;
    if (!chosen.p || !r->request) return;
    if (memchr(chosen.p, ',', chosen.n)) {
        rule(r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_SEVERAL, WST_S2C, "the server chose \"%s\"",
             show(chosen, &a));
        return;
    }
    for (size_t i = 0; i < r->event.client_protocols_n; i++)
        if (same(r->protocols[i], chosen)) return;
    if (r->event.client_protocols_n == WST_PROTOCOLS_MAX) return; /* there may have been more */
    rule(r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_NOT_OFFERED, WST_S2C,
         "the server chose \"%s\", which was not offered", show(chosen, &a));
}

/* -- both -------------------------------------------------------------------------------------- */

/* From the request until somebody ended TCP: "1.502 s", "0.310 ms". */
static const char *waited(const struct wst_report *r, struct shown *to)
{
    uint32_t us = r->http->left_us - 1, n = us >= 1000000 ? us / 1000 : us;
    snprintf(to->text, sizeof to->text, "%u.%03u %s", n / 1000, n % 1000, n < us ? "s" : "ms");
    return to->text;
}

/* Nothing of the server is missing: it did not answer before this. */
static bool given_up(const struct wst_report *r)
{
    return r->request && r->http->left_us && r->http->heard && !r->http->answers_lost;
}

/* Who asks for what was asked for has not seen that: something between them took it away. */
static void answer_unseen(struct wst_report *r)
{
    const struct wst_head *q = r->request;
    if (r->event.status != 426 || !q || r->event.version != 13) return;
    if (!wst_head_has_token(q, "Upgrade", "websocket") ||
        !wst_head_has_token(q, "Connection", "upgrade"))
        return;
    struct wst_slice versions = wst_head_find(r->response, "Sec-WebSocket-Version", NULL);
    if (versions.p && !wst_head_has_token(r->response, "Sec-WebSocket-Version", "13")) return;
    rule(r, WST_PROBLEM_HANDSHAKE_UPGRADE_UNSEEN, WST_S2C,
         "426 for a request that asks to upgrade to WebSocket, version 13: whoever answers has not "
         "seen that, as behind a proxy that drops Upgrade and Connection");
}

/* A client that says at once that this was all it had to ask does not give up. */
static void answer_late(struct wst_report *r)
{
    struct shown w;
    if (!r->request || r->http->left_us <= AT_ONCE_US || r->http->left_by != WST_C2S ||
        r->http->overtaken)
        return;
    rule(r, WST_PROBLEM_HANDSHAKE_LATE, WST_S2C,
         "the client waited %s and ended TCP before this answer came", waited(r, &w));
}

/* What came in place of an answer, if anything did, has been kept. */
static void no_response(struct wst_report *r)
{
    struct shown a, w;
    struct wst_slice sent = wst_buf_slice(&r->http->side[WST_S2C].head);
    size_t line = 0;
    while (line < sent.n && sent.p[line] != '\r' && sent.p[line] != '\n') line++;
    if (!sent.n && r->http->left_before)
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "no answer to the upgrade request: the server had ended TCP before it came");
    else if (!sent.n && given_up(r))
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "no answer to the upgrade request in %s; then the %s %s TCP", waited(r, &w),
             wst_dir_sender((enum wst_dir)r->http->left_by),
             r->http->left_reset ? "reset" : "ended");
    else if (!sent.n)
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "no answer to the upgrade request was captured");
    else if (wst_slice_starts(sent, "HTTP/1.") && line < sent.n)
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "the answer \"%s\" has no end: %zu bytes of its head were captured",
             show(wst_slice_head(sent, line), &a), sent.n);
    else if (wst_slice_starts(sent, "HTTP/1."))
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "the answer to the upgrade request has no end: %zu bytes of its head were captured",
             sent.n);
    else if (sent.n > 1 && sent.p[0] == 21 && sent.p[1] == 3) /* RFC 8446 section 5.1 */
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "the server answers with an alert of TLS: its port expects TLS, as of wss");
    else
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "what the server sent is no answer in HTTP/1; it begins with \"%s\"",
             show(wst_slice_head(sent, line), &a));
}

void wst_report_judge(struct wst_report *r)
{
    const struct wst_event_handshake *e = &r->event;
    if (r->hixie) {
        if (r->request)
            rule(r, WST_PROBLEM_HANDSHAKE_HIXIE, WST_C2S,
                 "the request carries Sec-WebSocket-Key1 instead of Sec-WebSocket-Key");
        else
            rule(r, WST_PROBLEM_HANDSHAKE_HIXIE, WST_S2C,
                 "the answer carries Sec-WebSocket-Location instead of Sec-WebSocket-Accept");
        return;
    }
    if (r->request) judge_request(r);
    if (r->response && r->response->bare)
        rule(r, WST_PROBLEM_HANDSHAKE_LINE_END, WST_S2C,
             "lines of the answer end with LF instead of CR LF");
    if (r->response) answer_unseen(r);
    if (r->response) answer_late(r);
    if (e->accepted && r->response) {
        answer_headers(r);
        answer_accept(r);
        answer_extensions(r);
        answer_subprotocol(r);
    }
    if (e->accepted && (!r->request || !r->response))
        rule(r, WST_PROBLEM_HANDSHAKE_PICKED_UP, WST_DIR_NONE, "the %supgrade request %s",
             r->request ? "answer to the " : "",
             r->secure ? "was not captured, or not decrypted" : "is not in the capture");
    else if (!r->response)
        no_response(r);
    size_t early = wst_queue_bytes(&r->http->wait[WST_C2S]);
    if (e->accepted && r->response && early && !r->http->overtaken)
        rule(r, WST_PROBLEM_HANDSHAKE_EARLY_DATA, WST_C2S, "%zu bytes came before the answer",
             early);
}

/* -- an extended CONNECT, RFC 8441 and RFC 9220 ------------------------------------------------ */

static void extended_request(struct wst_report *r, const struct wst_extended *x)
{
    static const char *const needed[] = {":scheme", ":path", ":authority"}; /* section 4 */
    static const char *const hop[] = {"connection", "upgrade"}; /* RFC 9113 section 8.2.2,
                                                                 * RFC 9114 section 4.2 */
    bool h3 = x->carrier == WST_CARRIER_H3;
    if (x->unasked)
        rule(r, h3 ? WST_PROBLEM_HTTP3_NOT_ENABLED : WST_PROBLEM_HTTP2_NOT_ENABLED, WST_C2S,
             "the server's settings do not have SETTINGS_ENABLE_CONNECT_PROTOCOL");
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!wst_head_find(r->request, needed[i], NULL).p)
            rule(r, h3 ? WST_PROBLEM_HTTP3_PSEUDO_MISSING : WST_PROBLEM_HTTP2_PSEUDO_MISSING,
                 WST_C2S, "the request has no %s", needed[i]);
    for (size_t i = 0; i < sizeof hop / sizeof *hop; i++)
        if (wst_head_find(r->request, hop[i], NULL).p)
            rule(r, h3 ? WST_PROBLEM_HTTP3_HOP_HEADER : WST_PROBLEM_HTTP2_HOP_HEADER, WST_C2S,
                 "the request has the field \"%s\"", hop[i]);
    request_version(r);
    header_once(r, r->request, WST_C2S, "Sec-WebSocket-Version");
    request_protocols(r);
    request_extensions(r);
    request_who(r);
}

void wst_extended_judge(struct wst_report *r, const struct wst_extended *x)
{
    extended_request(r, x);
    if (r->event.accepted && r->response) {
        header_once(r, r->response, WST_S2C, "Sec-WebSocket-Protocol");
        header_once(r, r->response, WST_S2C, "Sec-WebSocket-Extensions");
        answer_extensions(r);
        answer_subprotocol(r);
    }
    if (r->event.accepted && !r->response)
        rule(r, WST_PROBLEM_HANDSHAKE_PICKED_UP, WST_DIR_NONE,
             "the answer to the extended CONNECT could not be read");
    else if (!r->response && x->reset && x->reset_by != WST_DIR_NONE)
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             "the %s reset the stream before the extended CONNECT was answered",
             wst_dir_sender(x->reset_by));
    else if (!r->response)
        rule(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
             x->reset ? "the stream was reset before the extended CONNECT was answered"
                      : "no answer to the extended CONNECT was captured");
}
