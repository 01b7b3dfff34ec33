/* SPDX-License-Identifier: MIT
 *
 * In: a frame header or close payload, and where it stands. Out: the problems it raises.
 */
#include <stdarg.h>
#include <stdio.h>

#include "judge.h"
#include "registry.h"

enum { CONTROL_LEGAL = 125 }; /* payload bytes of a control frame (section 5.5) */

static void rules_tell(const struct wst_ws_step *s, enum wst_problem problem, uint64_t n,
                       uint64_t msg, int64_t offset, const char *detail)
{
    struct wst_event e;
    bool note = wst_problem_row(problem)->level == WST_NOTE;
    if (s->dir != WST_DIR_NONE && !note) s->ws->faulty |= 1u << s->dir;
    e.type = WST_EVENT_PROBLEM;
    e.dir = s->dir;
    e.when = s->arrival->when;
    e.problem = (struct wst_event_problem){problem, n, msg, detail, offset};
    s->env->emit(s->env->user, s->ws->conversation, &e);
}

/* With a frame's number: while it is the current one, or just over. */
static int64_t rules_offset(const struct wst_ws_step *s, uint64_t n)
{
    if (!n || s->dir == WST_DIR_NONE) return -1;
    return (int64_t)(s->ws->side[s->dir].offset & INT64_MAX);
}

void wst_ws_problem(const struct wst_ws_step *s, enum wst_problem problem, uint64_t n, uint64_t msg,
                    const char *detail)
{
    rules_tell(s, problem, n, msg, rules_offset(s, n), detail);
}

void wst_ws_problemf(const struct wst_ws_step *s, enum wst_problem problem, uint64_t n,
                     uint64_t msg, const char *format, ...)
{
    char detail[240];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    rules_tell(s, problem, n, msg, rules_offset(s, n), detail);
}

void wst_ws_problem_at(const struct wst_ws_step *s, enum wst_problem problem, uint64_t n,
                       uint64_t msg, int64_t offset, const char *format, ...)
{
    char detail[240];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    rules_tell(s, problem, n, msg, offset, detail);
}

static bool rules_length_minimal(const struct wst_frame *f)
{
    return f->length_bits == 7 || (f->length_bits == 16 ? f->len > 125 : f->len > 65535);
}

/* Whether RSV1 has its place on such a frame: where there is compression, on the first of a message
 * only (RFC 7692 section 6), or on each, where each is compressed by itself. */
static bool rules_rsv1_fits(const struct wst_ws_terms *t, const struct wst_frame *f)
{
    return f->opcode == WST_OP_TEXT || f->opcode == WST_OP_BINARY ||
           (f->opcode == WST_OP_CONTINUATION && t->per_frame);
}

static bool rules_rsv_fine(const struct wst_ws_step *s, const struct wst_frame *f)
{
    const struct wst_ws_terms *t = &s->ws->terms;
    return !f->rsv || (f->rsv == WST_RSV1 && wst_ws_may_compress(t) && rules_rsv1_fits(t, f));
}

static void rules_rsv(const struct wst_ws_step *s, const struct wst_frame *f,
                      const struct wst_frame_context *c)
{
    const struct wst_ws_terms *t = &s->ws->terms;
    bool compression = wst_ws_may_compress(t);
    if ((f->rsv & WST_RSV1) && compression && !rules_rsv1_fits(t, f))
        wst_ws_problemf(s, WST_PROBLEM_FRAME_RSV1_MISPLACED, c->n, c->msg,
                        "RSV1 is set on a %s frame", wst_opcode_name(f->opcode));
    unsigned stray = wst_frame_rsv_stray(f, compression);
    bool one = stray == WST_RSV1 || stray == WST_RSV2 || stray == WST_RSV3;
    if (stray)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_RSV, c->n, c->msg,
                        "%s%s%sset, and no extension that was agreed on uses %s%s",
                        stray & WST_RSV1 ? "RSV1 " : "", stray & WST_RSV2 ? "RSV2 " : "",
                        stray & WST_RSV3 ? "RSV3 " : "", one ? "it" : "them",
                        stray == WST_RSV1 && wst_frame_is_data(f)
                            ? "; permessage-deflate would, and was not agreed on"
                            : "");
}

/* A client's key that has to be looked at: one of the first, or zero. */
static bool rules_key_open(const struct wst_ws_step *s, const struct wst_frame *f)
{
    return f->masked && s->dir == WST_C2S &&
           (!s->ws->keys_judged || !(f->key[0] | f->key[1] | f->key[2] | f->key[3]));
}

/* Whether nothing that wst_rules_frame asks one by one can be wrong: so it is of nearly every
 * frame.
 */
static bool rules_clean(const struct wst_ws_step *s, const struct wst_frame *f,
                        const struct wst_frame_context *c)
{
    return f->masked == (s->dir == WST_C2S) && rules_rsv_fine(s, f) &&
           !wst_frame_opcode_reserved(f->opcode) &&
           (wst_frame_is_data(f) || (f->fin && f->len <= CONTROL_LEGAL)) &&
           rules_length_minimal(f) && !(f->len >> 63) && !c->orphan && !c->interrupts &&
           !c->after_close && !rules_key_open(s, f);
}

void wst_rules_frame(const struct wst_ws_step *s, const struct wst_frame *f,
                     const struct wst_frame_context *c)
{
    if (rules_clean(s, f, c) || c->http) return;
    const char *name = wst_opcode_name(f->opcode), *side = wst_dir_sender(s->dir);
    if (rules_key_open(s, f)) wst_judge_key(s, f, c->n, c->msg);
    if (s->dir == WST_C2S && !f->masked)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_UNMASKED_CLIENT, c->n, c->msg,
                        "the client's %s frame of %llu bytes has no mask", name,
                        (unsigned long long)f->len);
    if (s->dir == WST_S2C && f->masked)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_MASKED_SERVER, c->n, c->msg,
                        "the server's %s frame is masked with %02x%02x%02x%02x", name, f->key[0],
                        f->key[1], f->key[2], f->key[3]);
    rules_rsv(s, f, c);
    if (wst_frame_opcode_reserved(f->opcode))
        wst_ws_problemf(s, WST_PROBLEM_FRAME_RESERVED_OPCODE, c->n, c->msg,
                        "opcode %u (0x%x) is reserved", f->opcode, f->opcode);
    if (!rules_length_minimal(f))
        wst_ws_problemf(s, WST_PROBLEM_FRAME_LENGTH_NOT_MINIMAL, c->n, c->msg,
                        "%llu bytes, written with %u bits", (unsigned long long)f->len,
                        f->length_bits);
    if (f->len >> 63)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_LENGTH_MSB, c->n, c->msg, "the length is 0x%016llx",
                        (unsigned long long)f->len);
    if (wst_frame_is_control(f) && f->len > CONTROL_LEGAL)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_CONTROL_TOO_LONG, c->n, c->msg,
                        "a %s frame of %llu bytes", name, (unsigned long long)f->len);
    if (wst_frame_is_control(f) && !f->fin)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_CONTROL_FRAGMENTED, c->n, c->msg,
                        "a %s frame without FIN", name);
    if (c->orphan)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_ORPHAN_CONTINUATION, c->n, c->msg,
                        "a continuation frame of %llu bytes, and no message is open",
                        (unsigned long long)f->len);
    if (c->interrupts)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_NEW_MESSAGE_INSIDE, c->n, c->msg,
                        "a %s frame begins a message before the last one was finished", name);
    if (c->after_close && f->opcode != WST_OP_CLOSE) /* a second close has a problem of its own */
        wst_ws_problemf(s, WST_PROBLEM_FRAME_AFTER_CLOSE, c->n, c->msg,
                        "a %s frame after the %s's close frame", name, side);
}

static bool printable(uint8_t c)
{
    return c >= ' ' && c <= '~';
}

/* "HT" is the header of a close frame: without FIN, with RSV1, of 84 bytes. */
bool wst_rules_http(const struct wst_ws_step *s, const struct wst_frame *f, uint64_t n,
                    struct wst_slice payload)
{
    bool ht = !f->fin && f->rsv == WST_RSV1 && !f->masked && f->len == 'T';
    if (s->dir != WST_S2C || !ht || !wst_slice_starts(payload, "TP/1.")) return false;
    size_t line = 0;
    while (line < payload.n && printable(payload.p[line])) line++;
    wst_ws_problemf(s, WST_PROBLEM_FRAME_HTTP, n, 0,
                    "the server sends HTTP in place of a frame: \"HT%.*s\"", (int)line,
                    (const char *)payload.p);
    return true;
}

/* "GE" is the header of a frame of opcode 7: without FIN, with RSV1, of 69 bytes; "PO" that of a
 * continuation, with RSV1 and RSV3, of 79; "HE" that of a close frame. NULL: it is none of RFC 9110
 * section 9.1, or RFC 5789. */
static const char *rules_method(const struct wst_frame *f)
{
    static const char *const methods[] = {"GET /",    "HEAD /",    "POST /", "PUT /",
                                          "DELETE /", "OPTIONS /", "PATCH /"};
    unsigned first = (f->fin ? 0x80u : 0) | (unsigned)f->rsv << 4 | f->opcode;
    if (f->masked || f->length_bits != 7) return NULL;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if ((unsigned char)methods[i][0] == first && (unsigned char)methods[i][1] == f->len)
            return methods[i];
    return NULL;
}

/* Its line is whole and names the version, or longer than what is known of it. */
bool wst_rules_http_asked(const struct wst_ws_step *s, const struct wst_frame *f, uint64_t n,
                          struct wst_slice payload)
{
    enum { VERSION = sizeof " HTTP/1.1" - 1 };
    const char *method = s->dir == WST_C2S ? rules_method(f) : NULL;
    if (!method || !wst_slice_starts(payload, method + 2)) return false;
    size_t line = 0;
    while (line < payload.n && printable(payload.p[line])) line++;
    struct wst_slice end = wst_slice_skip(payload, line < VERSION ? 0 : line - VERSION);
    if (line < payload.n &&
        (payload.p[line] != '\r' || line < VERSION || !wst_slice_starts(end, " HTTP/1.")))
        return false;
    wst_ws_problemf(s, WST_PROBLEM_FRAME_HTTP, n, 0,
                    "the client sends HTTP in place of a frame: \"%.2s%.*s\"", method, (int)line,
                    (const char *)payload.p);
    return true;
}

static void rules_close_code(const struct wst_ws_step *s, uint64_t n, struct wst_slice payload)
{
    unsigned code = wst_be16(payload.p);
    const char *name = wst_close_code_name((int32_t)code);
    if (wst_close_code_may_be_sent((int32_t)code)) return;
    if (printable(payload.p[0]) && printable(payload.p[1])) /* a reason without a code */
        wst_ws_problemf(s, WST_PROBLEM_CLOSE_CODE_INVALID, n, 0,
                        "close code %u, the characters '%c%c'", code, payload.p[0], payload.p[1]);
    else
        wst_ws_problemf(s, WST_PROBLEM_CLOSE_CODE_INVALID, n, 0, "close code %u%s%s%s", code,
                        name ? " (" : "", name ? name : "", name ? ")" : "");
}

void wst_rules_close(const struct wst_ws_step *s, uint64_t n, struct wst_slice payload, bool second,
                     bool http)
{
    if (payload.n == 1)
        wst_ws_problemf(s, WST_PROBLEM_CLOSE_ONE_BYTE, n, 0, "the payload is the one byte %02x",
                        payload.p[0]);
    if (payload.n >= 2 && !http) {
        rules_close_code(s, n, payload);
        if (!wst_utf8_valid(wst_slice_skip(payload, 2)))
            wst_ws_problemf(s, WST_PROBLEM_CLOSE_REASON_INVALID_UTF8, n, 0,
                            "the reason of %zu bytes is not UTF-8", payload.n - 2);
    }
    if (second)
        wst_ws_problemf(s, WST_PROBLEM_CLOSE_AFTER_CLOSE, n, 0,
                        "the %s had sent a close frame before", wst_dir_sender(s->dir));
}
