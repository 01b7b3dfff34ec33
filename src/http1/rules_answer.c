/* SPDX-License-Identifier: MIT
 *
 * In: the answer to a request to upgrade, or what came in its place. Out: the problems it raises
 * (RFC 6455 sections 4.1 and 4.2.2, RFC 7692 section 7.1).
 */
#include "rules.h"

#include "dir.h"

#include <stdio.h>
#include <strings.h>

enum { AT_ONCE_US = 10000 };
enum { EXTENSION_LOOKS = 1 << 16 }; /* 256 names of an answer, each among 256 that were offered */

/* -- that accepts ------------------------------------------------------------------------------ */

static void answer_headers(struct wst_report *r)
{
    struct wst_shown a;
    const struct wst_head *h = r->response;
    if (!wst_head_has_token(h, "Upgrade", "websocket"))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_UPGRADE, WST_S2C,
                           "the answer's Upgrade is \"%s\"",
                           wst_upgrade_show(wst_head_find(h, "Upgrade", NULL), &a));
    if (!wst_head_has_token(h, "Connection", "upgrade"))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_CONNECTION, WST_S2C,
                           "the answer's Connection is \"%s\"",
                           wst_upgrade_show(wst_head_find(h, "Connection", NULL), &a));
    struct wst_slice length = wst_head_find(h, "Content-Length", NULL);
    if (length.p)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_BODY, WST_S2C,
                           "the answer 101 has Content-Length: %s", wst_upgrade_show(length, &a));
    else if (wst_head_find(h, "Transfer-Encoding", NULL).p)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_BODY, WST_S2C,
                           "the answer 101 has Transfer-Encoding: %s",
                           wst_upgrade_show(wst_head_find(h, "Transfer-Encoding", NULL), &a));
    wst_upgrade_header_once(r, h, WST_S2C, "Sec-WebSocket-Accept");
    wst_upgrade_header_once(r, h, WST_S2C, "Sec-WebSocket-Protocol");
    wst_upgrade_header_once(r, h, WST_S2C,
                            "Sec-WebSocket-Extensions"); /* section 11.3.2: in answers */
}

static void answer_accept(struct wst_report *r)
{
    struct wst_shown a;
    if (r->event.server_accept.p && r->event.accept_ok == 0)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_ACCEPT_WRONG, WST_S2C,
                           "the server sent %s; the key demands %s",
                           wst_upgrade_show(r->event.server_accept, &a), r->accept);
    else if (!r->event.server_accept.p && r->request) /* else it may answer an older draft */
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_ACCEPT_MISSING, WST_S2C,
                           "the server sent no accept value%s%s",
                           r->accept[0] ? "; the key demands " : "", r->accept);
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
    struct wst_shown a;
    struct wst_slice list = r->event.server_extensions;
    struct wst_extension x;
    struct wst_deflate_params answer;
    const char *unmatched = NULL;
    unsigned deflates = 0, looks = EXTENSION_LOOKS;
    bool unsaid = false;
    int is;
    while ((is = wst_extension_next(&list, &x)) > 0) {
        if (r->request && answer_was_offered(r, x.name, &looks) == 0)
            wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_EXTENSION_NOT_OFFERED, WST_S2C,
                               "the server chose %s, which was not offered",
                               wst_upgrade_show(x.name, &a));
        if (!wst_slice_is_nocase(x.name, "permessage-deflate") || deflates++) continue;
        if (r->request && !wst_extension_params(x.params, false, &answer))
            unmatched = answer_unmatched(r, &answer, &unsaid);
    }
    const char *answered = wst_upgrade_show(r->event.server_extensions, &a);
    if (is < 0 || r->deflate_wrong)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_EXTENSION_BAD, WST_S2C,
                           "the server's answer \"%s\": %s", answered,
                           is < 0 ? "it is malformed" : r->deflate_wrong);
    if (deflates > 1)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_EXTENSION_TWICE, WST_S2C,
                           "the server's answer \"%s\" has permessage-deflate %u times", answered,
                           deflates);
    if (unmatched)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_DEFLATE_UNMATCHED, WST_S2C,
                           "the server's answer \"%s\": %s", answered, unmatched);
    if (unsaid)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_DEFLATE_UNSAID, WST_S2C,
                           "the server's answer \"%s\" says nothing of server_max_window_bits=15",
                           answered);
}

static void answer_subprotocol(struct wst_report *r)
{
    struct wst_shown a;
    struct wst_slice chosen = r->event.subprotocol;
    if (!r->request) return;
    if (!chosen.p && r->event.client_protocols_n)
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_NONE, WST_S2C,
            "the client offered \"%s\"; the answer names no subprotocol",
            wst_upgrade_show(wst_head_find(r->request, "Sec-WebSocket-Protocol", NULL), &a));
    if (!chosen.p) return;
    if (memchr(chosen.p, ',', chosen.n)) {
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_SEVERAL, WST_S2C,
                           "the server chose \"%s\"", wst_upgrade_show(chosen, &a));
        return;
    }
    for (size_t i = 0; i < r->event.client_protocols_n; i++)
        if (wst_slice_same(r->protocols[i], chosen)) return;
    if (r->event.client_protocols_n == WST_PROTOCOLS_MAX) return; /* there may have been more */
    wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_NOT_OFFERED, WST_S2C,
                       "the server chose \"%s\", which was not offered",
                       wst_upgrade_show(chosen, &a));
}

void wst_upgrade_judge_accepted(struct wst_report *r)
{
    answer_headers(r);
    answer_accept(r);
    answer_extensions(r);
    answer_subprotocol(r);
}

void wst_extended_judge_accepted(struct wst_report *r)
{
    wst_upgrade_header_once(r, r->response, WST_S2C, "Sec-WebSocket-Protocol");
    wst_upgrade_header_once(r, r->response, WST_S2C, "Sec-WebSocket-Extensions");
    answer_extensions(r);
    answer_subprotocol(r);
}

/* -- any, and none ----------------------------------------------------------------------------- */

/* From the request until somebody ended TCP: "1.502 s", "0.310 ms". */
static const char *waited(const struct wst_report *r, struct wst_shown *to)
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

/* Who asks for what was asked for has not seen that: something between them took it away. But
 * from HTTP/1.0 nobody may take it (RFC 9110 section 7.8), and what is no GET, or has no key, asks
 * for no WebSocket: servers say 426 to that, too. */
static void answer_unseen(struct wst_report *r)
{
    const struct wst_head *q = r->request;
    if (r->event.status != 426 || !q || q->minor < 1 || r->event.version != 13) return;
    if (!wst_slice_is(q->method, "GET") || !wst_head_find(q, "Sec-WebSocket-Key", NULL).p) return;
    if (!wst_head_has_token(q, "Upgrade", "websocket") ||
        !wst_head_has_token(q, "Connection", "upgrade"))
        return;
    struct wst_slice versions = wst_head_find(r->response, "Sec-WebSocket-Version", NULL);
    if (versions.p && !wst_head_has_token(r->response, "Sec-WebSocket-Version", "13")) return;
    wst_upgrade_broken(
        r, WST_PROBLEM_HANDSHAKE_UPGRADE_UNSEEN, WST_S2C,
        "426 for a request that asks to upgrade to WebSocket, version 13: whoever answers has not "
        "seen that, as behind a proxy that drops Upgrade and Connection");
}

/* A client that says at once that this was all it had to ask does not give up. */
static void answer_late(struct wst_report *r)
{
    struct wst_shown w;
    if (!r->request || r->http->left_us <= AT_ONCE_US || r->http->left_by != WST_C2S ||
        r->http->overtaken)
        return;
    wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_LATE, WST_S2C,
                       "the client waited %s and ended %s before this answer came", waited(r, &w),
                       r->http->left_tls ? "TLS" : "TCP");
}

void wst_upgrade_judge_answer(struct wst_report *r)
{
    if (r->response->bare)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_LINE_END, WST_S2C,
                           "lines of the answer end with LF instead of CR LF");
    answer_unseen(r);
    answer_late(r);
}

/* What is no answer in HTTP/1. A server, or a proxy, that upgrades and does not say so goes on with
 * its frames, none of which is masked (RFC 6455 section 5.1). */
static void answer_foreign(struct wst_report *r, struct wst_slice sent, struct wst_slice line)
{
    enum { BYTES = 8 };
    struct wst_shown a;
    bool text = true;
    char *to = a.text;
    for (size_t i = 0; i < sent.n && i < BYTES; i++) {
        text &= i >= line.n || (line.p[i] >= 0x20 && line.p[i] < 0x7f);
        to += sprintf(to, i ? " %02x" : "%02x", sent.p[i]);
    }
    unsigned opcode = sent.p[0] & 0x0f;
    if (sent.n > 1 && (sent.p[0] & 0xf0) == 0x80 && opcode && sent.p[1] <= 127 &&
        (opcode <= 2 || (opcode >= 8 && opcode <= 10 && sent.p[1] <= 125)))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "what the server sent is no answer in HTTP/1, but begins like a %s "
                           "frame (%s): a 101 must come before it",
                           wst_opcode_name((uint8_t)opcode), a.text);
    else if (text)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "what the server sent is no answer in HTTP/1; it begins with \"%s\"",
                           wst_upgrade_show(line, &a));
    else
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "what the server sent is no answer in HTTP/1; its bytes begin with %s",
                           a.text);
}

void wst_upgrade_forgotten(struct wst_report *r)
{
    wst_upgrade_broken(r, WST_PROBLEM_CAPTURE_EVICTED, WST_DIR_NONE,
                       "the connection was forgotten to stay inside the memory budget, before an "
                       "answer was read");
}

/* What came in place of an answer, if anything did, has been kept. */
void wst_upgrade_judge_no_answer(struct wst_report *r)
{
    struct wst_shown a, w;
    struct wst_slice sent = wst_buf_slice(&r->http->side[WST_S2C].head);
    size_t line = 0;
    while (line < sent.n && sent.p[line] != '\r' && sent.p[line] != '\n') line++;
    if (!sent.n && r->http->left_before)
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
            "no answer to the upgrade request: the server had ended TCP before it came");
    else if (!sent.n && given_up(r))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "no answer to the upgrade request in %s; then the %s %s %s",
                           waited(r, &w), wst_dir_sender((enum wst_dir)r->http->left_by),
                           r->http->left_reset ? "reset" : "ended",
                           r->http->left_tls ? "TLS" : "TCP");
    else if (r->env->forgotten && (!sent.n || wst_slice_starts(sent, "HTTP/1.")))
        wst_upgrade_forgotten(r);
    else if (!sent.n)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "no answer to the upgrade request was captured");
    else if (wst_slice_starts(sent, "HTTP/1.") && line < sent.n)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "the answer \"%s\" has no end: %zu bytes of its head were captured",
                           wst_upgrade_show(wst_slice_head(sent, line), &a), sent.n);
    else if (wst_slice_starts(sent, "HTTP/1."))
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
            "the answer to the upgrade request has no end: %zu bytes of its head were captured",
            sent.n);
    else if (sent.n > 1 && sent.p[0] == 21 && sent.p[1] == 3) /* RFC 8446 section 5.1 */
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
            "the server answers with an alert of TLS: its port expects TLS, as of wss");
    else
        answer_foreign(r, sent, wst_slice_head(sent, line));
}
