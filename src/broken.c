/* SPDX-License-Identifier: MIT
 *
 * In: the codes with which streams of HTTP/2 and HTTP/3, and QUIC connections, were broken off.
 * Out: what they mean, in words: as a finding of each WebSocket that ended so, and as the reason
 * why one was never answered. Who only says that it needs a stream no more is not told of.
 */
#include <stdio.h>

#include "dir.h"
#include "pipeline.h"

enum { H2_NO_ERROR = 0, H2_CANCEL = 8, H3_NO_ERROR = 0x100, H3_CANCELLED = 0x10c };
enum { ALERTS = 0x100, ALERTS_END = 0x200 }; /* RFC 9001 section 4.8 */

/* -- streams ----------------------------------------------------------------------------------- */

static bool in_http3(const struct conversation_stream *s)
{
    return s->inside.outer->kind == KIND_HTTP3;
}

static void put_code(const struct conversation_stream *s, uint64_t code, char *to, size_t room)
{
    if (in_http3(s))
        wst_http3_error(code, to, room);
    else
        wst_http2_error(code, to, room);
}

const char *wst_broken_why(const struct wst_connect_stream *stream, enum wst_dir by,
                           char to[WST_BROKEN])
{
    const struct conversation_stream *s = stream->upper;
    if (by == WST_DIR_NONE && stream->unserved)
        return "the server ended the connection with GOAWAY, by which nothing was done on this "
               "stream: it may be asked for again on another connection";
    if (by == WST_DIR_NONE) return wst_datagrams_ended(&s->inside.flow);
    if (stream->reset_code[by] < 0) return NULL;
    put_code(s, (uint64_t)stream->reset_code[by], to, WST_BROKEN);
    return to;
}

void wst_broken_stream(struct wst_context *c, const struct wst_connect_stream *stream,
                       const struct wst_arrival *a)
{
    struct conversation_stream *s = stream->upper;
    bool h3 = in_http3(s);
    for (int d = 0; d < 2; d++) {
        int64_t code = stream->reset_code[d];
        bool needless = h3 ? code == H3_NO_ERROR || code == H3_CANCELLED
                           : code == H2_NO_ERROR || code == H2_CANCEL;
        if (!stream->reset_by[d] || code < 0 || needless) continue;
        enum wst_dir dir = (enum wst_dir)d;
        char text[WST_BROKEN], detail[WST_BROKEN + 64];
        put_code(s, (uint64_t)code, text, sizeof text);
        snprintf(detail, sizeof detail, "the %s broke off the stream with %s", wst_dir_sender(dir),
                 text);
        wst_conversation_tell(c, &s->inside.flow,
                              h3 ? WST_PROBLEM_HTTP3_RESET : WST_PROBLEM_HTTP2_RESET,
                              wst_conversation_side(&s->base, dir), detail, a);
    }
}

/* -- QUIC connections -------------------------------------------------------------------------- */

static bool is_alert(const struct wst_quic_close *x)
{
    return !x->application && x->code >= ALERTS && x->code < ALERTS_END;
}

bool wst_broken_orderly(const struct wst_quic_close *x)
{
    if (x->stateless) return false;
    return x->code == 0 || (x->application && x->code == H3_NO_ERROR);
}

/* A stranger's words, between quotes; a `?` stands for what is not printable ASCII. */
static void put_said(char *to, size_t room, struct wst_slice said)
{
    size_t n = strlen(to);
    if (!said.n || n + said.n + 6 > room) return;
    memcpy(to + n, " (\"", 3);
    n += 3;
    for (size_t i = 0; i < said.n; i++)
        to[n++] = said.p[i] >= ' ' && said.p[i] < 0x7f ? (char)said.p[i] : '?';
    memcpy(to + n, "\")", 3);
}

void wst_broken_close(const struct wst_quic_close *x, char to[WST_BROKEN])
{
    char code[200];
    const char *who = wst_dir_sender(x->dir);
    if (x->stateless) {
        snprintf(to, WST_BROKEN,
                 "the %s knows nothing of the connection any more: a stateless reset", who);
    } else if (is_alert(x)) {
        wst_tls_alert_put(to, WST_BROKEN, x->dir, x->handshake, (uint8_t)x->code);
    } else if (wst_broken_orderly(x)) {
        snprintf(to, WST_BROKEN, "the %s closed the connection", who);
    } else {
        if (x->application)
            wst_http3_error(x->code, code, sizeof code);
        else
            wst_quic_error(x->code, code, sizeof code);
        snprintf(to, WST_BROKEN, "the %s closed the connection with %s", who, code);
    }
    put_said(to, WST_BROKEN, x->reason);
}

enum wst_problem wst_broken_problem(const struct wst_quic_close *x)
{
    if (x->stateless) return WST_PROBLEM_QUIC_STATELESS_RESET;
    return is_alert(x) ? WST_PROBLEM_TLS_ALERT : WST_PROBLEM_QUIC_CLOSED;
}
