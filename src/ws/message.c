/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <stdlib.h>

#include "scratch.h"

enum {
    INFLATE_AT = WST_WS_RAW, /* compressed bytes that may wait */
    SPILL = 16384,
    HOLE_MOST = 1 << 16 /* bytes missing that are kept room for: more would be memory for nothing */
};

void wst_message_begin(struct wst_ws_message *m, uint8_t opcode, bool compressed, uint64_t pkt)
{
    *m = (struct wst_ws_message){.first_pkt = pkt, .opcode = opcode, .compressed = compressed};
}

static size_t message_cap(const struct wst_ws_step *s)
{
    return s->env->options->limits.max_message;
}

static struct wst_ws_side *message_side(const struct wst_ws_step *s)
{
    return &s->ws->side[s->dir];
}

static bool message_takeover(const struct wst_ws_step *s)
{
    const struct wst_deflate_terms *t = &s->ws->terms.deflate;
    return !(s->dir == WST_C2S ? t->client_no_context_takeover : t->server_no_context_takeover);
}

/* The window that was agreed on, as a power of two. */
static unsigned message_bits(const struct wst_ws_step *s)
{
    const struct wst_deflate_terms *t = &s->ws->terms.deflate;
    if (!t->agreed) return 15;
    return s->dir == WST_C2S ? t->client_max_window_bits : t->server_max_window_bits;
}

/* The direction's compression context, made with its first compressed message. */
static struct wst_deflate *message_deflate(const struct wst_ws_step *s)
{
    struct wst_ws_rare *rare = &s->ws->rare[s->dir];
    struct wst_ws_side *side = message_side(s);
    if (!rare->deflate) {
        rare->deflate =
            wst_deflate_new(&s->env->inflaters, message_takeover(s), !side->context_lost);
        if (rare->deflate && message_bits(s) < 15)
            wst_deflate_hold(&s->env->inflaters, rare->deflate, message_bits(s));
    }
    if (!rare->deflate) side->context_lost = true; /* no memory: this message will be missing */
    return rare->deflate;
}

/* -- plain payload ----------------------------------------------------------------------------- */

/* Adds payload without its mask to what has room for it. */
static void message_put(struct wst_buf *to, const struct wst_frame *f, struct wst_slice payload,
                        uint64_t phase)
{
    if (f->masked)
        wst_frame_unmask(to->p + to->n, payload.p, payload.n, f->key, phase);
    else
        memcpy(to->p + to->n, payload.p, payload.n);
    to->n += payload.n;
}

/* Bytes that are not kept are still looked at: a text message must be judged whole. */
static void message_overflow(struct wst_ws_message *m, const struct wst_frame *f,
                             struct wst_slice payload, uint64_t phase)
{
    if (!m->overflow) {
        m->overflow = true;
        wst_utf8_init(&m->utf8);
        wst_utf8_feed(&m->utf8, wst_buf_slice(&m->bytes));
    }
    if (m->opcode != WST_OP_TEXT || m->torn) return;
    uint8_t piece[SPILL];
    while (payload.n) {
        struct wst_slice part = wst_slice_head(payload, sizeof piece);
        if (f->masked) {
            wst_frame_unmask(piece, part.p, part.n, f->key, phase);
            wst_utf8_feed(&m->utf8, (struct wst_slice){piece, part.n});
        } else {
            wst_utf8_feed(&m->utf8, part);
        }
        phase += part.n;
        payload = wst_slice_skip(payload, part.n);
    }
}

/* Text is judged while it is in the cache: by its end it may have left it. */
static void message_judge_text(struct wst_ws_message *m)
{
    if (m->opcode != WST_OP_TEXT || m->unsound) return;
    struct wst_slice rest = wst_slice_skip(wst_buf_slice(&m->bytes), (size_t)m->sound);
    m->sound += wst_utf8_front(rest);
    m->unsound = m->bytes.n - m->sound > 3; /* more than a character that is not whole */
}

static void message_keep(const struct wst_ws_step *s, struct wst_ws_message *m,
                         const struct wst_frame *f, struct wst_slice payload, uint64_t phase)
{
    m->len += payload.n;
    if (m->torn) return;
    size_t cap = message_cap(s), room = m->bytes.n < cap ? cap - m->bytes.n : 0;
    struct wst_slice kept = wst_slice_head(payload, m->overflow ? 0 : room);
    if (!m->bytes.room && f->len >= WST_WS_SPARE_MIN && !wst_ws_may_compress(&s->ws->terms)) {
        m->lends = true;
        wst_spare_take(s->env, &m->bytes, f->len);
    }
    if (kept.n && !wst_buf_reserve(&m->bytes, s->env->budget, kept.n, cap)) kept.n = 0;
    if (kept.n) {
        message_put(&m->bytes, f, kept, phase);
        message_judge_text(m);
    }
    if (kept.n < payload.n) message_overflow(m, f, wst_slice_skip(payload, kept.n), phase + kept.n);
}

/* -- compressed payload ------------------------------------------------------------------------ */

static void message_inflation_begin(const struct wst_ws_step *s, struct wst_ws_message *m)
{
    struct wst_deflate *c = message_deflate(s);
    m->inflation = c ? calloc(1, sizeof *m->inflation) : NULL;
    if (c && !m->inflation) wst_budget_refused(s->env->budget, 0);
    if (m->inflation)
        wst_inflation_begin(&s->env->inflaters, m->inflation, c, &m->bytes,
                            m->overflow ? 0 : message_cap(s) - m->bytes.n, true);
}

static void message_inflate_raw(const struct wst_ws_step *s, struct wst_ws_message *m)
{
    if (!m->inflation) message_inflation_begin(s, m);
    if (m->inflation) wst_inflation_feed(&s->env->inflaters, m->inflation, wst_buf_slice(&m->raw));
    m->raw.n = 0;
}

static void message_deflated(const struct wst_ws_step *s, struct wst_ws_message *m,
                             const struct wst_frame *f, struct wst_slice payload, uint64_t phase)
{
    if (m->torn) return;
    while (payload.n) {
        struct wst_slice part = wst_slice_head(payload, INFLATE_AT - m->raw.n);
        if (!wst_buf_reserve(&m->raw, s->env->budget, part.n, INFLATE_AT)) {
            wst_message_lose(s, m, payload.n); /* no memory: as if it had not arrived */
            m->wire_len -= payload.n;
            return;
        }
        message_put(&m->raw, f, part, phase);
        phase += part.n;
        payload = wst_slice_skip(payload, part.n);
        if (m->raw.n == INFLATE_AT) message_inflate_raw(s, m);
    }
}

void wst_message_append(const struct wst_ws_step *s, struct wst_ws_message *m,
                        const struct wst_frame *f, struct wst_slice payload, uint64_t phase)
{
    m->wire_len += payload.n;
    if (s->ws->terms.per_frame ? f->rsv & WST_RSV1 : m->compressed)
        message_deflated(s, m, f, payload, phase);
    else
        message_keep(s, m, f, payload, phase);
}

/* Text goes on behind a hole, for no text has a byte FF. Of what is not text nobody could tell. */
static bool message_hole(const struct wst_ws_step *s, struct wst_ws_message *m, uint64_t n)
{
    size_t cap = message_cap(s);
    bool text = m->opcode == WST_OP_TEXT && !m->overflow && !s->ws->terms.per_frame;
    if (!text || !n || n > HOLE_MOST || m->bytes.n > cap || n > cap - m->bytes.n) return false;
    if (!wst_buf_reserve(&m->bytes, s->env->budget, (size_t)n, cap)) return false;
    if (!m->holed) m->known = m->bytes.n;
    m->holed = true;
    memset(m->bytes.p + m->bytes.n, 0xff, (size_t)n);
    m->bytes.n += (size_t)n;
    return true;
}

void wst_message_lose(const struct wst_ws_step *s, struct wst_ws_message *m, uint64_t n)
{
    m->wire_len += n;
    m->lost += n;
    if (m->torn) {
        if (!m->compressed) m->len += n;
        return;
    }
    /* What was inflated up to here is right; what follows cannot be read. */
    if (m->compressed && (m->raw.n || m->inflation)) message_inflate_raw(s, m);
    if (!m->compressed) m->len += n;
    m->torn = m->compressed || !message_hole(s, m, n);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void message_take_inflation(struct wst_inflation *f, uint8_t context, struct wst_outcome *r)
{
    r->len = f->len;
    r->known = f->known;
    r->inflated = f->end;
    r->why = f->why;
    r->doubt = f->known < f->len || (f->end == WST_INFLATE_STARVED);
    /* After data that broke the rules an endpoint would have failed: what it says later may be
     * readable, but it is not certain. */
    r->certain = f->end == WST_INFLATE_OK && !r->doubt && context != WST_CONTEXT_BROKEN &&
                 context != WST_CONTEXT_SHAKEN;
}

/* What is kept, without compression. */
static struct wst_outcome message_plain(const struct wst_ws_message *m, struct wst_slice payload)
{
    return (struct wst_outcome){.payload = payload,
                                .len = m->len,
                                .known = m->holed ? m->known : payload.n,
                                .certain = !m->lost && !m->endless,
                                .judged = m->overflow && !m->compressed && !m->lost && !m->endless};
}

/* Compressed bytes will not be inflated: what follows may refer to what they held. */
static void message_context_gone(const struct wst_ws_step *s)
{
    struct wst_ws_side *side = message_side(s);
    struct wst_deflate *c = s->ws->rare[s->dir].deflate;
    if (c)
        wst_deflate_lose(&s->env->inflaters, c, WST_CONTEXT_LOST);
    else
        side->context_lost = true;
}

static struct wst_outcome message_finish_inflation(const struct wst_ws_step *s,
                                                   struct wst_ws_message *m)
{
    struct wst_outcome r = {.payload = {NULL, 0}, .inflated = WST_INFLATE_STARVED, .doubt = true};
    if (!m->torn) message_inflate_raw(s, m);
    if (m->inflation) {
        uint8_t context = m->inflation->context->state;
        wst_inflation_finish(&s->env->inflaters, m->inflation, !m->torn);
        message_take_inflation(m->inflation, context, &r);
        free(m->inflation);
        m->inflation = NULL;
    } else {
        message_context_gone(s); /* no memory */
    }
    if (m->torn) {
        r.certain = false;
        message_context_gone(s);
    }
    r.payload = wst_buf_slice(&m->bytes);
    return r;
}

void wst_message_thrown_away(const struct wst_ws_step *s)
{
    if (wst_ws_may_compress(&s->ws->terms)) message_context_gone(s);
}

void wst_message_drop(const struct wst_ws_step *s, struct wst_ws_message *m)
{
    bool compressed = m->compressed || s->ws->terms.per_frame;
    wst_message_free(s->env, m);
    if (compressed) message_context_gone(s);
}

/* The first frame that was not read says why the message is not. */
static void message_fails(struct wst_ws_message *m, enum wst_inflate_end end, const char *why)
{
    m->torn = true;
    if (m->failed != WST_INFLATE_OK) return;
    m->failed = (uint8_t)end;
    m->why = why;
}

/* What came of one frame is put behind the others. `whole`: all of it was there. */
static void message_frame_inflated(const struct wst_ws_step *s, struct wst_ws_message *m,
                                   bool whole)
{
    struct wst_inflation *one = m->inflation;
    struct wst_outcome r;
    if (!one) return;
    uint8_t context = one->context->state;
    wst_inflation_finish(&s->env->inflaters, one, whole);
    message_take_inflation(one, context, &r);
    if (r.doubt && !m->doubt) m->sure = m->len + r.known;
    m->doubt |= r.doubt;
    m->unsure |= !r.certain;
    m->len += r.len;
    if (m->bytes.n - one->begin != r.len) m->overflow = true; /* nothing goes behind a hole */
    if (r.inflated != WST_INFLATE_OK) message_fails(m, r.inflated, r.why);
    free(one);
    m->inflation = NULL;
}

/* One frame of x-webkit-deflate-frame, inflated by itself. Others of the message may be plain. */
void wst_message_frame_over(const struct wst_ws_step *s, struct wst_ws_message *m,
                            const struct wst_frame *f)
{
    if (!s->ws->terms.per_frame || !(f->rsv & WST_RSV1)) return;
    m->compressed = true;
    bool whole = !m->torn;
    if (whole) message_inflate_raw(s, m);
    bool gone = !whole || !m->inflation; /* torn before, or no memory */
    if (whole && gone) message_fails(m, WST_INFLATE_STARVED, NULL);
    message_frame_inflated(s, m, whole);
    if (gone) message_context_gone(s);
    m->raw.n = 0;
}

/* Of frames that are as they are, or inflated by themselves. */
static struct wst_outcome message_finish_frames(const struct wst_ws_step *s,
                                                struct wst_ws_message *m)
{
    message_frame_inflated(s, m, false);
    struct wst_outcome r = message_plain(m, wst_buf_slice(&m->bytes));
    r.certain = r.certain && !m->torn && !m->unsure;
    r.inflated = (enum wst_inflate_end)m->failed;
    r.why = m->why;
    r.doubt = m->doubt;
    if (m->doubt && r.known > m->sure) r.known = m->sure;
    return r;
}

void wst_message_finish(const struct wst_ws_step *s, struct wst_ws_message *m, uint64_t n)
{
    bool one = m->compressed && !s->ws->terms.per_frame;
    struct wst_outcome r = one ? message_finish_inflation(s, m) : message_finish_frames(s, m);
    wst_outcome_emit(s, m, &r, n);
    wst_message_free(s->env, m);
}

static void message_whole_deflated(const struct wst_ws_step *s, struct wst_ws_message *m,
                                   struct wst_slice payload, uint64_t n)
{
    struct wst_outcome r = {.inflated = WST_INFLATE_STARVED, .doubt = true};
    struct wst_deflate *c = message_deflate(s);
    struct wst_buf *out = &s->env->inflated;
    if (c) {
        struct wst_inflation f;
        uint8_t context = c->state;
        wst_inflation_begin(&s->env->inflaters, &f, c, out, message_cap(s), false);
        wst_inflation_feed(&s->env->inflaters, &f, payload);
        wst_inflation_finish(&s->env->inflaters, &f, true);
        message_take_inflation(&f, context, &r);
    }
    r.payload = wst_buf_slice(out);
    wst_outcome_emit(s, m, &r, n);
    wst_scratch_settle(s->env, out);
}

void wst_message_whole(const struct wst_ws_step *s, struct wst_ws_message *m,
                       const struct wst_frame *f, struct wst_slice payload, uint64_t n)
{
    m->wire_len = m->len = payload.n;
    m->header_len = f->header_len;
    struct wst_buf *scratch = &s->env->unmasked;
    if (f->masked && payload.n) {
        if (!wst_buf_reserve(scratch, s->env->budget, payload.n, SIZE_MAX)) {
            m->lost = payload.n;
            payload = (struct wst_slice){NULL, 0};
        } else {
            wst_frame_unmask(scratch->p, payload.p, payload.n, f->key, 0);
            payload.p = scratch->p;
        }
    }
    if (m->compressed) {
        message_whole_deflated(s, m, payload, n);
    } else {
        struct wst_outcome r = message_plain(m, wst_slice_head(payload, message_cap(s)));
        r.judged = r.payload.n < payload.n && m->opcode == WST_OP_TEXT;
        if (r.judged) {
            wst_utf8_init(&m->utf8);
            wst_utf8_feed(&m->utf8, payload);
        }
        wst_outcome_emit(s, m, &r, n);
    }
    wst_scratch_settle(s->env, scratch);
}

void wst_message_simple(const struct wst_ws_step *s, const struct wst_frame *f,
                        struct wst_slice payload, uint64_t pkt, uint64_t no, uint64_t n)
{
    struct wst_buf *scratch = &s->env->unmasked;
    struct wst_slice shown = payload;
    bool text = f->opcode == WST_OP_TEXT, fits = payload.n <= message_cap(s);
    if (fits && f->masked && payload.n) {
        fits = wst_buf_reserve(scratch, s->env->budget, payload.n, SIZE_MAX);
        if (fits) wst_frame_unmask(scratch->p, payload.p, payload.n, f->key, 0);
        shown.p = scratch->p;
    }
    if (!fits || payload.n > s->env->options->max_payload || (text && !wst_utf8_valid(shown))) {
        struct wst_ws_message m;
        wst_message_begin(&m, f->opcode, false, pkt);
        m.no = no;
        m.frames = 1;
        wst_message_whole(s, &m, f, payload, n);
        return;
    }
    struct wst_ws_side *side = message_side(s);
    struct wst_event e;
    e.type = WST_EVENT_MESSAGE;
    e.dir = s->dir;
    e.when = s->arrival->when;
    struct wst_event_message *told = &e.message; /* each by itself: a literal is cleared before */
    told->msg = no;
    told->opcode = f->opcode;
    told->compressed = false;
    told->certain = true;
    told->utf8 = text;
    told->first_pkt = pkt;
    told->frames = 1;
    told->wire_len = told->len = payload.n;
    told->omitted = 0;
    told->payload = shown;
    told->app = NULL;
    told->sketch = (struct wst_slice){NULL, 0};
    side->messages++;
    side->bytes += payload.n;
    s->env->emit(s->env->user, s->ws->conversation, &e);
    wst_scratch_settle(s->env, scratch);
}

bool wst_message_text_broken(const struct wst_ws_step *s, struct wst_ws_message *m)
{
    if (m->opcode != WST_OP_TEXT || m->lost || m->torn || m->odd || s->ws->terms.per_frame)
        return false;
    struct wst_outcome r = {.len = m->len, .judged = m->overflow && !m->compressed};
    if (m->compressed) {
        if (m->raw.n) message_inflate_raw(s, m);
        if (!m->inflation || m->inflation->by[1] || m->inflation->context->state) return false;
        r.len = m->inflation->len;
    }
    r.payload = wst_buf_slice(&m->bytes);
    if (!r.judged) {
        wst_utf8_init(&m->utf8);
        wst_utf8_feed(&m->utf8, r.payload);
        r.judged = true;
    }
    if (m->utf8.bad == UINT64_MAX) return false;
    wst_outcome_bad_text(s, m, &r, 0);
    return true;
}

void wst_message_abandon(const struct wst_ws_step *s, struct wst_ws_message *m, bool damaged)
{
    if (damaged && m->no) {
        wst_message_lose(s, m, 0);
        m->endless = true;
        wst_message_finish(s, m, 0);
    } else if (m->no && !wst_message_text_broken(s, m)) {
        bool unseen = s->ws->stopped || s->ws->obscure; /* it may have been sent */
        wst_ws_problemf(s, unseen ? WST_PROBLEM_MESSAGE_INCOMPLETE : WST_PROBLEM_MESSAGE_UNFINISHED,
                        0, m->no, "%llu frame%s with %llu bytes came, the last did not",
                        (unsigned long long)m->frames, m->frames == 1 ? "" : "s",
                        (unsigned long long)m->wire_len);
    }
    wst_message_drop(s, m);
}

void wst_message_free(struct wst_ws_env *env, struct wst_ws_message *m)
{
    if (m->inflation) {
        wst_inflation_finish(&env->inflaters, m->inflation, false);
        free(m->inflation);
    }
    if (m->lends)
        wst_spare_give(env, &m->bytes);
    else
        wst_buf_free(&m->bytes, env->budget);
    wst_buf_free(&m->raw, env->budget);
    *m = (struct wst_ws_message){0};
}
