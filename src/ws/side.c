/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of one direction. Out: its frames, each handed to its message or shown by itself.
 */
#include "side.h"
#include "ending.h"
#include "evidence.h"
#include "judge.h"

#include <stdlib.h>

#include "registry.h"
#include "scratch.h"

enum {
    CONTROL_MAX = 1 << 20, /* payload kept of a control frame; legal ones have 125 bytes */
    LETTER = 'Z',        /* … or of what may be a request: its length is a letter of its method */
    MARKS_MAX = 24 << 10 /* of a message: its first thousand fragments */
};

static struct wst_ws_open *side_open(struct wst_ws_env *env, struct wst_ws_side *side)
{
    if (!side->open) side->open = wst_budget_new(env->budget, sizeof *side->open);
    return side->open;
}

void wst_side_open_free(struct wst_ws_env *env, struct wst_ws_side *side)
{
    struct wst_ws_open *open = side->open;
    if (!open) return;
    side->open = NULL;
    wst_message_free(env, &open->m);
    wst_buf_free(&open->control, env->budget);
    wst_buf_free(&open->marks, env->budget);
    wst_budget_give(env->budget, sizeof *open);
    free(open);
}

static inline bool step_odd(const struct wst_ws_step *s, const struct wst_frame *f)
{
    return (f->rsv & WST_RSV1) && !wst_ws_may_compress(&s->ws->terms);
}

static bool step_compressed(const struct wst_ws_step *s, const struct wst_frame *f)
{
    return (f->rsv & WST_RSV1) && !s->ws->terms.per_frame && wst_ws_may_compress(&s->ws->terms);
}

struct wst_seek_rules wst_side_rules(const struct wst_ws_step *s)
{
    return (struct wst_seek_rules){.masked = s->dir == WST_C2S,
                                   .compressed = wst_ws_may_compress(&s->ws->terms),
                                   .inflaters = &s->env->inflaters};
}

/* -- a frame is over --------------------------------------------------------------------------- */

struct frame_end { /* all that is known of a frame when it is over */
    const struct wst_frame *frame;
    bool whole; /* all of it came in one piece: most do. Else it was given away as it came */
    /* Borrowed. When `whole`: as on the wire, masked. Else of a control frame what was kept, with
     * the mask taken off, and of a data frame nothing, for its message has it, if it is of one. */
    struct wst_slice payload;
    bool complete;    /* every byte of the payload came */
    bool cut;         /* it is over because its end will not be seen */
    uint64_t pkt;     /* in which it began */
    uint64_t omitted; /* bytes of a control frame that are not in `payload` */
};

static void emit_frame(const struct wst_ws_step *s, const struct frame_end *x,
                       const struct wst_frame_context *c, struct wst_slice shown)
{
    const struct wst_frame *f = x->frame;
    struct wst_event e;
    e.type = WST_EVENT_FRAME;
    e.dir = s->dir;
    e.when = s->arrival->when;
    e.frame = (struct wst_event_frame){.n = c->n,
                                       .len = f->len,
                                       .offset = wst_side_of(s)->offset,
                                       .msg = c->msg,
                                       .opcode = f->opcode,
                                       .header_len = f->header_len,
                                       .fin = f->fin,
                                       .rsv1 = f->rsv & WST_RSV1,
                                       .rsv2 = f->rsv & WST_RSV2,
                                       .rsv3 = f->rsv & WST_RSV3,
                                       .masked = f->masked,
                                       .complete = x->complete};
    memcpy(e.frame.mask_key, f->key, 4);
    if (shown.p) {
        e.frame.payload = shown;
        e.frame.utf8 = wst_utf8_valid(shown);
        e.frame.payload_omitted = x->omitted;
    }
    s->env->emit(s->env->user, s->ws->conversation, &e);
}

/* This close frame was captured before the one that was told first. */
static bool closed_before(const struct wst_ws_step *s)
{
    return (int32_t)(((uint32_t)s->arrival->from - s->ws->close_pkt) << 8) < 0; /* of 24 bits */
}

static void closed_first(const struct wst_ws_step *s, int32_t code)
{
    s->ws->close_code = code;
    wst_ending_close(s);
}

static void closed_too(const struct wst_ws_step *s, int32_t code)
{
    enum wst_dir first = wst_ending_first(s, closed_before(s));
    s->ws->crossed = first == WST_DIR_NONE;
    if (first == s->dir)
        closed_first(s, code); /* it came late; the other one is its answer */
    else if (s->ws->crossed && code != s->ws->close_code)
        s->ws->close_code = -1;
}

/* `code`: -1: none, -2: not captured; that the side closed is known all the same. `http`: it did
 * not, but whoever reads frames is done with it. True: it had closed before. */
static bool close_seen(const struct wst_ws_step *s, int32_t code, bool http)
{
    struct wst_ws_side *side = wst_side_of(s);
    bool second = side->closed;
    if (http) {
        if (!second && s->ws->closed_by == WST_DIR_NONE && s->ws->http_first == WST_DIR_NONE)
            s->ws->http_first = (int8_t)s->dir;
        if (!second) s->ws->http |= (uint8_t)(1 << s->dir);
    } else if (s->ws->closed_by == WST_DIR_NONE) {
        closed_first(s, code);
        wst_judge_closing(s);
    } else if (!second) {
        closed_too(s, code);
    }
    side->closed = true;
    return second;
}

/* `omitted`: bytes of the reason that are not known. */
static void emit_close(const struct wst_ws_step *s, int32_t code, struct wst_slice reason,
                       uint64_t omitted)
{
    struct wst_event e;
    e.type = WST_EVENT_CLOSE;
    e.dir = s->dir;
    e.when = s->arrival->when;
    e.close = (struct wst_event_close){.code = code,
                                       .name = wst_close_code_name(code),
                                       .reason = reason,
                                       .omitted = omitted,
                                       .utf8 = wst_utf8_valid(reason)};
    s->env->emit(s->env->user, s->ws->conversation, &e);
}

/* `omitted`: bytes at its end that are not known. True: it is HTTP. */
static bool close_read(const struct wst_ws_step *s, const struct wst_frame *f, uint64_t n,
                       struct wst_slice payload, uint64_t omitted)
{
    int32_t code = payload.n >= 2 ? wst_be16(payload.p) : -1;
    struct wst_slice reason = payload.n > 2 ? wst_slice_skip(payload, 2) : wst_slice_text("");
    emit_close(s, code, reason, omitted);
    if (wst_rules_http_asked(s, f, n, payload)) { /* HEAD, of a proxy, which knows of no closing */
        wst_side_of(s)->mode = WST_WS_OFF;
        close_seen(s, code, true);
        return true;
    }
    bool http = wst_rules_http(s, f, n, payload);
    wst_rules_close(s, n, payload, close_seen(s, code, http), http);
    return http;
}

/* Of a close payload whose end is missing: the code, and the reason up to its last whole character.
 */
static struct wst_slice close_known(struct wst_slice payload)
{
    struct wst_utf8 u;
    wst_utf8_init(&u);
    wst_utf8_feed(&u, wst_slice_skip(payload, 2));
    return u.bad == UINT64_MAX ? wst_slice_head(payload, 2 + (size_t)u.good) : payload;
}

/* What follows a request is told with its beginning. */
static void look_for_request(const struct wst_ws_step *s, const struct wst_frame *f,
                             struct wst_frame_context *c, struct wst_slice payload)
{
    c->http = wst_rules_http_asked(s, f, c->n, payload);
    if (c->http) wst_side_of(s)->mode = WST_WS_OFF;
}

/* A control frame, or one of a reserved opcode: it stands by itself. */
static void end_control(const struct wst_ws_step *s, struct frame_end *x,
                        struct wst_frame_context *c)
{
    const struct wst_frame *f = x->frame;
    struct wst_slice payload = x->payload;
    struct wst_buf *scratch = &s->env->unmasked;
    if (x->whole && f->masked && payload.n) {
        if (wst_buf_reserve(scratch, s->env->budget, payload.n, SIZE_MAX)) {
            wst_frame_unmask(scratch->p, payload.p, payload.n, f->key, 0);
            payload.p = scratch->p;
        } else { /* no memory: better nothing than something masked */
            payload.n = 0;
            x->complete = false;
        }
    }
    if (!payload.p) payload = (struct wst_slice){(const uint8_t *)"", 0};
    wst_side_of(s)->bytes += payload.n;
    bool close = f->opcode == WST_OP_CLOSE;
    if (close) wst_side_of(s)->closed_odd = f->masked != (s->dir == WST_C2S);
    emit_frame(s, x, c, close ? (struct wst_slice){NULL, 0} : payload);
    if (close && x->complete) {
        c->http = close_read(s, f, c->n, payload, 0);
    } else if (close && payload.n >= 2) { /* the code says why, without all of the reason, too */
        payload = close_known(payload);
        c->http = close_read(s, f, c->n, payload, f->len - payload.n);
    } else if (close) {
        int32_t code = f->len < 2 ? -1 : -2;
        emit_close(s, code, wst_slice_text(""), f->len < 2 ? 0 : f->len - 2);
        close_seen(s, code, false);
    }
    if (close && wst_side_of(s)->closed) wst_ending_answer(s, c->n, x->whole && !c->http);
    if (!close) look_for_request(s, f, c, payload);
    if (c->after_close && f->opcode == WST_OP_PONG)
        c->after_close = !wst_judge_pong_due(s, payload, x->complete && !x->omitted);
    wst_rules_frame(s, f, c);
    if (f->opcode != WST_OP_PING && f->opcode != WST_OP_PONG) return;
    if (!x->complete || x->omitted)
        wst_judge_control_torn(s, f->opcode);
    else if (f->opcode == WST_OP_PING)
        wst_judge_ping(s, c->n, payload);
    else
        wst_judge_pong(s, c->n, payload, x->whole);
}

/* Finds the message a data frame belongs to; `single` serves for one that needs no keeping. */
static struct wst_ws_message *data_message(const struct wst_ws_step *s, const struct frame_end *x,
                                           struct wst_ws_message *single,
                                           struct wst_frame_context *c)
{
    struct wst_ws_side *side = wst_side_of(s);
    const struct wst_frame *f = x->frame;
    bool open = side->open && side->open->message;
    if (f->opcode == WST_OP_CONTINUATION) c->orphan = !open && !side->resumed;
    if (!x->whole && open) c->interrupts = side->open->interrupts;
    if (!x->whole || f->opcode == WST_OP_CONTINUATION) return open ? &side->open->m : NULL;
    if (open) {
        c->interrupts = true;
        wst_message_drop(s, &side->open->m);
        side->open->message = false;
        side->open->marks.n = 0;
    }
    side->resumed = false;
    bool compressed = step_compressed(s, f);
    if (f->fin) {
        wst_message_begin(single, f->opcode,
                          compressed || ((f->rsv & WST_RSV1) && s->ws->terms.per_frame), x->pkt);
        single->odd = step_odd(s, f);
        return single;
    }
    if (!side_open(s->env, side)) return NULL;
    side->open->message = true;
    side->open->marks.n = 0;
    wst_message_begin(&side->open->m, f->opcode, compressed, x->pkt);
    side->open->m.odd = step_odd(s, f);
    return &side->open->m;
}

/* A fragment of a message is over. */
static void fragment_over(const struct wst_ws_step *s, struct wst_ws_message *m,
                          const struct wst_frame *f, uint64_t n)
{
    struct wst_ws_side *side = wst_side_of(s);
    if (!f->fin && !f->len && m->empty < UINT16_MAX) m->empty++;
    bool all = f->fin && m->frames == 1 && !side->left;
    if (m->opcode != WST_OP_TEXT || m->compressed || all) return;
    struct wst_ws_mark mark = {n, m->len, side->offset + f->header_len + f->len - side->left};
    /* Without room a byte's frame is not told, that is all. */
    (void)wst_buf_append(&side->open->marks, s->env->budget, wst_slice_of(&mark, sizeof mark),
                         MARKS_MAX);
}

static bool data_is_simple(const struct wst_ws_side *side, const struct frame_end *x)
{
    const struct wst_frame *f = x->frame;
    return x->whole && f->fin && f->opcode != WST_OP_CONTINUATION && !(f->rsv & WST_RSV1) &&
           !(side->open && side->open->message);
}

static void end_data(const struct wst_ws_step *s, const struct frame_end *x,
                     struct wst_frame_context *c)
{
    struct wst_ws_side *side = wst_side_of(s);
    if (data_is_simple(side, x)) {
        side->resumed = false;
        c->msg = ++s->ws->messages;
        emit_frame(s, x, c, (struct wst_slice){NULL, 0});
        wst_message_simple(s, x->frame, x->payload, x->pkt, c->msg, c->n);
        wst_rules_frame(s, x->frame, c);
        return;
    }
    struct wst_ws_message single, *m = data_message(s, x, &single, c);
    const struct wst_frame *f = x->frame;
    if (!m) { /* of no message: as it is on the wire, and as far as it came */
        side->bytes += f->len - side->left;
        wst_message_thrown_away(s);
    }
    if (m && !m->no) m->no = ++s->ws->messages;
    if (m) {
        m->frames++;
        c->msg = m->no;
    }
    emit_frame(s, x, c, (struct wst_slice){NULL, 0});
    if (!m) look_for_request(s, f, c, x->payload);
    if (m == &single) {
        wst_message_whole(s, m, f, x->payload, c->n);
    } else if (m) {
        if (x->whole) wst_message_append(s, m, f, x->payload, 0);
        wst_message_frame_over(s, m, f);
        fragment_over(s, m, f, c->n);
        if (f->fin && !x->cut) {
            wst_message_finish(s, m, c->n);
            side->open->message = false;
        }
    }
    wst_rules_frame(s, f, c);
}

/* True: it was HTTP. */
static bool frame_over(const struct wst_ws_step *s, struct frame_end *x)
{
    struct wst_ws_side *side = wst_side_of(s);
    const struct wst_frame *f = x->frame;
    struct wst_frame_context c = {.n = ++s->ws->frames, .after_close = side->closed};
    side->frames++;
    if (wst_frame_is_data(f)) {
        end_data(s, x, &c);
    } else {
        end_control(s, x, &c);
        wst_scratch_settle(s->env, &s->env->unmasked);
    }
    side->offset += f->header_len + f->len;
    if (side->open && !side->open->message) wst_side_open_free(s->env, side);
    return c.http;
}

/* -- a frame that spans segments --------------------------------------------------------------- */

/* Its header is whole, its payload is not. What a spanning data frame belongs to is settled now,
 * for its payload must go somewhere. */
static void span_begin(const struct wst_ws_step *s, const struct wst_frame *f, uint64_t pkt)
{
    struct wst_ws_side *side = wst_side_of(s);
    side->mode = WST_WS_PAYLOAD;
    side->left = f->len;
    struct wst_ws_open *open = side_open(s->env, side);
    if (!open) return;
    open->frame_pkt = pkt;
    open->frame_lost = 0;
    open->control.n = 0;
    open->control_omitted = 0;
    open->interrupts = false;
    if (!wst_frame_is_data(f) || f->opcode == WST_OP_CONTINUATION) return;
    open->interrupts = open->message;
    if (open->message) wst_message_drop(s, &open->m);
    side->resumed = false;
    open->message = true;
    open->marks.n = 0;
    wst_message_begin(&open->m, f->opcode, step_compressed(s, f), pkt);
    open->m.odd = step_odd(s, f);
    open->m.header_len = f->header_len;
}

static void span_payload(const struct wst_ws_step *s, const struct wst_frame *f,
                         struct wst_slice part)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_ws_open *open = side->open;
    uint64_t phase = f->len - side->left;
    side->left -= part.n;
    side->wire_bytes += part.n;
    if (!open) return;
    if (wst_frame_is_data(f)) {
        if (open->message) wst_message_append(s, &open->m, f, part, phase);
        if (open->message || s->dir != WST_C2S || f->masked || f->len > LETTER) return;
    }
    size_t before = open->control.n;
    if (!open->frame_lost && wst_buf_append(&open->control, s->env->budget, part, CONTROL_MAX)) {
        if (f->masked)
            wst_frame_unmask(open->control.p + before, open->control.p + before, part.n, f->key,
                             phase);
    } else {
        open->control_omitted += part.n;
    }
}

static bool span_over(const struct wst_ws_step *s, const struct wst_frame *f, bool cut)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_ws_open *open = side->open;
    struct frame_end x = {.frame = f, .complete = !cut, .cut = cut};
    side->have = 0;
    side->mode = WST_WS_HEADER;
    if (open) {
        x.payload = wst_buf_slice(&open->control);
        x.complete = !cut && !open->frame_lost;
        x.pkt = open->frame_pkt;
        x.omitted = open->control_omitted;
    }
    return frame_over(s, &x);
}

/* -- bytes ------------------------------------------------------------------------------------- */

/* After a close frame came something that no frame of this direction can be. */
static bool header_is_foreign(const struct wst_ws_step *s, const struct wst_frame *f)
{
    struct wst_seek_rules r = wst_side_rules(s);
    const struct wst_ws_side *side = wst_side_of(s);
    if (!side->closed) return false;
    return wst_frame_rsv_stray(f, r.compressed) || f->masked != (r.masked != side->closed_odd) ||
           wst_frame_opcode_reserved(f->opcode);
}

/* True: this is no frame of the direction. After a close, something else follows; soon after the
 * framing was found again, it was found in the wrong place, and is looked for once more. */
static bool header_refused(const struct wst_ws_step *s, const struct wst_frame *f)
{
    struct wst_ws_side *side = wst_side_of(s);
    if (side->probation) {
        struct wst_seek_rules r = wst_side_rules(s);
        side->probation--;
        if (!wst_evidence_credible(f, &r)) {
            wst_lost_again(s);
            return true;
        }
    }
    if (!header_is_foreign(s, f)) return false;
    side->mode = WST_WS_OFF;
    if (!(s->ws->http & 1 << s->dir)) /* the rest of which is told with its beginning */
        wst_ws_problem(s, WST_PROBLEM_CLOSE_TRAILING_BYTES, 0, 0,
                       "after the close frame come bytes that are no frame");
    return true;
}

static size_t take_header(const struct wst_ws_step *s, struct wst_slice bytes)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_frame f;
    if (!side->have) {
        size_t n = wst_frame_parse(bytes.p, bytes.n, &f);
        if (n) {
            if ((side->probation || side->closed) && header_refused(s, &f))
                return side->mode == WST_WS_SEEK ? 0 : bytes.n;
            if (bytes.n - n >= f.len) { /* nearly always: the whole frame lies here */
                struct frame_end x = {.frame = &f,
                                      .whole = true,
                                      .complete = true,
                                      .pkt = s->arrival->from,
                                      .payload = {bytes.p + n, (size_t)f.len}};
                side->wire_bytes += f.len;
                frame_over(s, &x);
                return n + (size_t)f.len;
            }
            memcpy(s->ws->rare[s->dir].head, bytes.p, n);
            side->have = (uint8_t)n;
            span_begin(s, &f, s->arrival->from);
            return n;
        }
        s->ws->rare[s->dir].head_pkt = s->arrival->from;
    }
    size_t taken = 0, n = 0;
    while (!n && taken < bytes.n) {
        s->ws->rare[s->dir].head[side->have++] = bytes.p[taken++];
        n = wst_frame_parse(s->ws->rare[s->dir].head, side->have, &f);
    }
    if (!n) return taken;
    uint8_t have = side->have;
    if (header_refused(s, &f)) {
        if (side->mode != WST_WS_SEEK) return bytes.n;
        wst_lost_keep(s, (struct wst_slice){s->ws->rare[s->dir].head, have});
        return taken;
    }
    span_begin(s, &f, s->ws->rare[s->dir].head_pkt);
    if (!f.len) span_over(s, &f, false);
    return taken;
}

static size_t take_payload(const struct wst_ws_step *s, struct wst_slice bytes)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_frame f;
    wst_frame_parse(s->ws->rare[s->dir].head, side->have, &f);
    struct wst_slice part = wst_slice_head(bytes, side->left);
    span_payload(s, &f, part);
    if (!side->left) span_over(s, &f, false);
    return part.n;
}

void wst_side_run(const struct wst_ws_step *s, struct wst_slice bytes)
{
    const struct wst_ws_side *side = wst_side_of(s);
    while (bytes.n) {
        size_t n = bytes.n;
        switch (side->mode) {
        case WST_WS_HEADER: n = take_header(s, bytes); break;
        case WST_WS_PAYLOAD: n = take_payload(s, bytes); break;
        case WST_WS_SEEK: wst_lost_keep(s, bytes); break; /* it was found in the wrong place */
        default: break;
        }
        bytes = wst_slice_skip(bytes, n);
    }
}

uint64_t wst_side_position(const struct wst_ws *ws, enum wst_dir dir)
{
    const struct wst_ws_side *side = &ws->side[dir];
    const struct wst_ws_rare *rare = &ws->rare[dir];
    struct wst_frame f;
    if (side->mode == WST_WS_SEEK) return rare->seek->offset + rare->seek->bytes.n;
    if (side->mode != WST_WS_PAYLOAD || !wst_frame_parse(rare->head, side->have, &f))
        return side->offset + side->have;
    return side->offset + f.header_len + (f.len - side->left);
}

bool wst_side_cut(const struct wst_ws_step *s)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_frame f;
    bool http = false;
    if (side->mode == WST_WS_PAYLOAD && wst_frame_parse(s->ws->rare[s->dir].head, side->have, &f))
        http = span_over(s, &f, true);
    side->have = 0;
    return http;
}

void wst_side_frame_over(const struct wst_ws_step *s)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_frame f;
    if (wst_frame_parse(s->ws->rare[s->dir].head, side->have, &f)) span_over(s, &f, false);
}
