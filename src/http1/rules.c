/* SPDX-License-Identifier: MIT
 *
 * In: a request to upgrade and its answer. Out: the problems they raise (RFC 6455 section 4,
 * RFC 7692 section 7.1). Refuses to blame anybody for what was not captured.
 */
#include "rules.h"

#include "begins.h"
#include "dir.h"

#include <stdarg.h>
#include <stdio.h>

/* -- how it is told ---------------------------------------------------------------------------- */

void wst_upgrade_broken(struct wst_report *r, enum wst_problem p, enum wst_dir dir,
                        const char *format, ...)
{
    char detail[240];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    r->env->problem(r->env->user, r->conversation, p, dir, detail, r->arrival);
}

const char *wst_upgrade_show(struct wst_slice s, struct wst_shown *to)
{
    size_t n = s.n < 60 ? s.n : 60, i;
    for (i = 0; i < n; i++)
        to->text[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '"' ? (char)s.p[i] : '?';
    memcpy(to->text + i, n < s.n ? "..." : "", n < s.n ? 4 : 1);
    return to->text;
}

unsigned wst_upgrade_header_count(const struct wst_head *h, const char *name)
{
    unsigned n = 0;
    for (size_t from = 0; wst_head_find(h, name, &from).p;) n++;
    return n;
}

void wst_upgrade_header_once(struct wst_report *r, const struct wst_head *h, enum wst_dir dir,
                             const char *name)
{
    unsigned n = wst_upgrade_header_count(h, name);
    if (n > 1)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_HEADER_REPEATED, dir,
                           "%s stands there %u times", name, n);
}

/* -- a handshake ------------------------------------------------------------------------------- */

/* Of who has the answer, or had to wait for one: frames that were sent before. */
static void judge_early(struct wst_report *r)
{
    const struct wst_event_handshake *e = &r->event;
    const struct wst_queue *wait = &r->http->wait[WST_C2S];
    unsigned long long early = wst_queue_bytes(wait);
    uint64_t from;
    if (!early || r->http->overtaken) return;
    struct wst_slice first = wst_queue_first(wait, &from); /* its p is NULL where it is missing */
    bool frame = first.p && wst_begins_frame(first);       /* others are the next request */
    if (e->accepted && r->response)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_EARLY_DATA, WST_C2S,
                           "%llu bytes came before the answer", early);
    else if (!e->accepted && !r->response && frame)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_EARLY_DATA, WST_C2S,
                           "%llu bytes came behind the request, and no answer had come", early);
    else if (!e->accepted && r->response && frame)
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_EARLY_DATA, WST_C2S,
            "%llu bytes that begin like a frame came before the answer, which refuses", early);
}

void wst_report_judge(struct wst_report *r)
{
    const struct wst_event_handshake *e = &r->event;
    if (r->hixie) {
        if (r->request)
            wst_upgrade_broken(
                r, WST_PROBLEM_HANDSHAKE_HIXIE, WST_C2S,
                "the request carries Sec-WebSocket-Key1 instead of Sec-WebSocket-Key");
        else
            wst_upgrade_broken(
                r, WST_PROBLEM_HANDSHAKE_HIXIE, WST_S2C,
                "the answer carries Sec-WebSocket-Location instead of Sec-WebSocket-Accept");
        return;
    }
    if (r->request) wst_upgrade_judge_request(r);
    if (r->response) wst_upgrade_judge_answer(r);
    if (e->accepted && r->response) wst_upgrade_judge_accepted(r);
    if (e->accepted && (!r->request || !r->response))
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_PICKED_UP, WST_DIR_NONE,
                           "the %supgrade request %s", r->request ? "answer to the " : "",
                           r->secure ? "was not captured, or not decrypted"
                                     : "is not in the capture");
    else if (!r->response)
        wst_upgrade_judge_no_answer(r);
    judge_early(r);
}

void wst_extended_judge(struct wst_report *r, const struct wst_extended *x)
{
    wst_extended_judge_request(r, x);
    if (r->event.accepted && r->response) wst_extended_judge_accepted(r);
    if (r->event.accepted && !r->response)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_PICKED_UP, WST_DIR_NONE,
                           "the answer to the extended CONNECT could not be read");
    else if (!r->response && x->reset_by != WST_DIR_NONE && (x->reset || !r->env->forgotten))
        wst_upgrade_broken(
            r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
            x->reset ? "the %s reset the stream before the extended CONNECT was answered%s%s"
                     : "no answer to the extended CONNECT was captured, and the %s reset the "
                       "stream%s%s",
            wst_dir_sender(x->reset_by), x->why ? ", with " : "", x->why ? x->why : "");
    else if (!r->response && r->env->forgotten && !x->reset)
        wst_upgrade_forgotten(r);
    else if (!r->response && x->why)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           "no answer to the extended CONNECT was captured, and %s", x->why);
    else if (!r->response)
        wst_upgrade_broken(r, WST_PROBLEM_HANDSHAKE_NO_RESPONSE, WST_S2C,
                           x->reset
                               ? "the stream was reset before the extended CONNECT was answered"
                               : "no answer to the extended CONNECT was captured");
}
