/* SPDX-License-Identifier: MIT */
#include "deflate.h"

#include <stdlib.h>

#include "history.h"
#include "inflater.h"

enum {
    OUT_FIRST = 2048, /* room to begin with */
    MADE_UP_A = 0x00, /* two made-up histories: no byte in common */
    MADE_UP_B = 0xff
};

static const uint8_t sync_tail[4] = {0x00, 0x00, 0xff, 0xff}; /* RFC 7692 section 7.2.2 */

/* -- contexts ---------------------------------------------------------------------------------- */

struct wst_deflate *wst_deflate_new(struct wst_inflaters *all, bool takeover, bool whole)
{
    struct wst_deflate *c = wst_budget_new(all->budget, sizeof *c);
    if (!c) return NULL;
    c->takeover = takeover;
    if (!whole) wst_deflate_lose(all, c, WST_CONTEXT_LOST);
    return c;
}

void wst_deflate_hold(struct wst_inflaters *all, struct wst_deflate *c, unsigned bits)
{
    if (c->window) return;
    c->window = wst_budget_resize(all->budget, NULL, 0, sizeof *c->window);
    if (c->window) wst_window_init(c->window, bits);
}

void wst_deflate_free(struct wst_inflaters *all, struct wst_deflate *c)
{
    if (!c) return;
    wst_inflaters_disown(all, c);
    wst_history_free(all, &c->history[0]);
    wst_history_free(all, &c->history[1]);
    if (c->window) wst_budget_give(all->budget, sizeof *c->window);
    free(c->window);
    wst_budget_give(all->budget, sizeof *c);
    free(c);
}

bool wst_deflate_remembers(const struct wst_deflate *c)
{
    return c->takeover && (c->own || c->history[0].n);
}

void wst_deflate_lose(struct wst_inflaters *all, struct wst_deflate *c, enum wst_deflate_state why)
{
    wst_inflaters_disown(all, c);
    if (!c->takeover) return; /* every message begins anew */
    c->state = (uint8_t)why;
    c->agreed = 0;
    c->doubted = false;
    wst_history_make_up(all, &c->history[0], MADE_UP_A);
    wst_history_make_up(all, &c->history[1], MADE_UP_B);
    c->starved = wst_budget_left(all->budget) < 2 * WST_WINDOW; /* the next message needs it */
}

/* -- one message ------------------------------------------------------------------------------- */

static bool inflation_load(struct wst_inflaters *all, struct wst_inflation *f, unsigned which)
{
    struct wst_inflater *by = f->by[which];
    if (by->ready) return true;
    by->owner = NULL;
    if (inflateReset(&by->z) != Z_OK) return false;
    return !f->context->takeover || wst_history_give(all, &f->context->history[which], by);
}

void wst_inflation_begin(struct wst_inflaters *all, struct wst_inflation *f, struct wst_deflate *c,
                         struct wst_buf *out, size_t cap, bool spans)
{
    *f = (struct wst_inflation){.context = c, .out = out, .cap = cap, .begin = out->n};
    bool whole = c->state <= WST_CONTEXT_SHAKEN;
    size_t price = spans ? (whole ? 1 : 2) * WST_INFLATER_BYTES : 0;
    if (c->window) wst_window_begin(c->window);
    f->end = WST_INFLATE_STARVED;
    if (c->starved || !wst_budget_take(all->budget, price)) return;
    f->paid = price;
    if (!(f->by[0] = wst_inflater_take(all, whole && c->takeover ? c : NULL))) return;
    if (!whole && !(f->by[1] = wst_inflater_take(all, NULL))) return;
    if (!inflation_load(all, f, 0) || (f->by[1] && !inflation_load(all, f, 1))) return;
    f->end = WST_INFLATE_OK;
}

/* Where the next output goes. In doubt and beyond the cap it goes in small pieces. */
static size_t inflation_room(struct wst_inflaters *all, struct wst_inflation *f, uint8_t **to)
{
    size_t kept = f->out->n - f->begin;
    if (f->len == kept && kept < f->cap) {
        size_t want = f->out->room - f->out->n;
        if (!want) want = kept < OUT_FIRST ? OUT_FIRST : kept;
        if (want > f->cap - kept) want = f->cap - kept;
        if (wst_buf_reserve(f->out, all->budget, want, SIZE_MAX)) {
            *to = f->out->p + f->out->n;
            return f->by[1] && want > WST_INFLATE_CHUNK ? WST_INFLATE_CHUNK : want;
        }
    }
    *to = all->spill;
    return WST_INFLATE_CHUNK;
}

/* Notes what came out at `to`: n bytes. */
static void inflation_note(struct wst_inflaters *all, struct wst_inflation *f, uint8_t *to,
                           size_t n)
{
    if (to != all->spill) f->out->n += n;
    if (f->by[1])
        for (size_t i = 0; i < n; i++)
            if (to[i] != all->twin[i]) {
                if (!f->last_doubt) f->known = f->len + i;
                f->last_doubt = f->len + i + 1;
                to[i] = MADE_UP_B; /* in no UTF-8: whoever shows text can tell what is known */
            }
    f->len += n;
    if (!f->last_doubt) f->known = f->len;
}

/* A final block ended, the message goes on: the next block sees the same history (section 7.2.3.4).
 * ResetKeep forgets where the decoder stood, not the window. */
static bool inflater_go_on(struct wst_inflater *by)
{
    return inflateResetKeep(&by->z) == Z_OK;
}

static void inflation_fail(struct wst_inflation *f, enum wst_inflate_end end)
{
    if (f->end == WST_INFLATE_OK) f->end = end;
}

/* A step may overshoot the limit, by how much depends on how the bytes came. What is told must not:
 * the message ends at the limit. */
static bool inflation_over(struct wst_inflaters *all, struct wst_inflation *f)
{
    uint64_t max = all->max_inflate;
    if (f->len <= max) return false;
    if (f->out->n - f->begin > max) f->out->n = f->begin + (size_t)max;
    if (f->known > max) f->known = max;
    f->len = max;
    inflation_fail(f, WST_INFLATE_LIMIT);
    return true;
}

/* zlib says in data_type whether it stands between two blocks. That is promised of a call which may
 * stop there (Z_BLOCK); another call looks at what follows, and some of zlib's heirs then say that
 * they stand inside it. */
static bool inflation_between_blocks(const struct wst_inflation *f)
{
    return f->by[0]->z.data_type & 128;
}

/* … and with no bit of the last byte left: a message ends so, and the next one begins. */
static bool inflation_at_boundary(const struct wst_inflation *f)
{
    return inflation_between_blocks(f) && !(f->by[0]->z.data_type & 63);
}

/* One step of one or both inflaters. False: the input is used up, or there is no going on. */
static bool inflation_step(struct wst_inflaters *all, struct wst_inflation *f, struct wst_slice *in)
{
    uint8_t *to;
    size_t room = inflation_room(all, f, &to);
    z_stream *z = &f->by[0]->z;
    z->next_in = (Bytef *)(uintptr_t)in->p;
    z->avail_in = (uInt)(in->n > UINT32_MAX / 2 ? UINT32_MAX / 2 : in->n);
    z->next_out = to;
    z->avail_out = (uInt)room;
    uInt in_before = z->avail_in;
    int ret = inflate(z, Z_BLOCK);
    size_t made = room - z->avail_out, eaten = in_before - z->avail_in;
    if (f->by[1]) { /* the same steps, for codes do not depend on the history */
        z_stream *y = &f->by[1]->z;
        y->next_in = (Bytef *)(uintptr_t)in->p;
        y->avail_in = in_before;
        y->next_out = all->twin;
        y->avail_out = (uInt)room;
        int ret2 = inflate(y, Z_BLOCK);
        if (ret2 != ret || y->avail_out != z->avail_out) ret = Z_DATA_ERROR;
    }
    inflation_note(all, f, to, made);
    if (inflation_over(all, f)) return false;
    if (ret == Z_DATA_ERROR || ret == Z_NEED_DICT || ret == Z_STREAM_ERROR || ret == Z_MEM_ERROR) {
        inflation_fail(f, WST_INFLATE_BAD);
        f->why = z->msg;
        return false;
    }
    *in = wst_slice_skip(*in, eaten);
    f->stopped = ret == Z_STREAM_END;
    if (f->stopped && in->n) {
        if (!inflater_go_on(f->by[0]) || (f->by[1] && !inflater_go_on(f->by[1]))) {
            inflation_fail(f, WST_INFLATE_BAD);
            return false;
        }
        f->stopped = false;
        return true;
    }
    if (!eaten && !made) return false;
    /* Between two blocks nothing is held back, but a final block's end is told by one more call. */
    bool held = inflation_between_blocks(f) ? z->data_type & 64 : z->avail_out == 0;
    return !f->stopped && (in->n || held);
}

static void inflation_put(struct wst_inflaters *all, struct wst_inflation *f, struct wst_slice in)
{
    if (!in.n || f->end != WST_INFLATE_OK) return;
    if (f->stopped) {
        if (!inflater_go_on(f->by[0]) || (f->by[1] && !inflater_go_on(f->by[1]))) {
            inflation_fail(f, WST_INFLATE_BAD);
            return;
        }
        f->stopped = false;
    }
    while (inflation_step(all, f, &in)) {
    }
}

void wst_inflation_feed(struct wst_inflaters *all, struct wst_inflation *f, struct wst_slice in)
{
    if (in.n >= 4)
        memcpy(f->tail, in.p + in.n - 4, 4);
    else
        for (size_t i = 0; i < in.n; i++) {
            memmove(f->tail, f->tail + 1, 3);
            f->tail[3] = in.p[i];
        }
    f->in += in.n;
    if (f->context->window) wst_window_feed(f->context->window, in);
    inflation_put(all, f, in);
}

/* Puts back the four bytes the sender took off (section 7.2.2), unless it forgot to. They must
 * bring the decoder to a block's end without a byte coming out. */
static void inflation_end_message(struct wst_inflaters *all, struct wst_inflation *f)
{
    if (f->end != WST_INFLATE_OK || f->stopped) return;
    if (f->in >= 4 && !memcmp(f->tail, sync_tail, 4) && inflation_at_boundary(f)) return;
    uint64_t len = f->len, known = f->known;
    size_t kept = f->out->n;
    inflation_put(all, f, (struct wst_slice){sync_tail, 4});
    if (f->end == WST_INFLATE_OK && f->len == len && inflation_at_boundary(f)) return;
    f->len = len;
    f->known = known < len ? known : len;
    f->out->n = kept;
    f->end = WST_INFLATE_TRUNCATED;
}

/* The output becomes history. */
static bool inflation_remember(struct wst_inflaters *all, struct wst_inflation *f)
{
    struct wst_deflate *c = f->context;
    struct wst_slice out = {NULL, f->out->n - f->begin};
    if (out.n) out.p = f->out->p + f->begin;
    if (c->own)
        return wst_history_held(all, &c->history[0], f->len, out.n == f->len) &&
               (!f->stopped || inflater_go_on(c->own));
    if (!f->by[1]) {
        if (out.n == f->len) return wst_history_append(all, &c->history[0], out);
        return wst_history_take(all, &c->history[0], f->by[0]);
    }
    if (!wst_history_take(all, &c->history[0], f->by[0]) ||
        !wst_history_take(all, &c->history[1], f->by[1]))
        return false;
    uint64_t agreed = f->last_doubt ? f->len - f->last_doubt : c->agreed + f->len;
    c->agreed = agreed < WST_WINDOW ? (uint32_t)agreed : WST_WINDOW;
    if (c->agreed < WST_WINDOW) return true;
    c->state = WST_CONTEXT_WHOLE; /* nothing that was lost can be referred to any more */
    wst_history_free(all, &c->history[1]);
    return true;
}

/* A compressed message without a bit (Mojolicious sends empty ones so) is none: with the four bytes
 * put back it ends inside a block. But nothing was compressed, so the sender's history is ours. */
static void inflation_nothing(struct wst_inflation *f)
{
    struct wst_deflate *c = f->context;
    f->end = WST_INFLATE_TRUNCATED;
    if (!c->takeover || c->state != WST_CONTEXT_WHOLE) return;
    c->state = WST_CONTEXT_SHAKEN;
    c->agreed = 0;
}

/* As long as it takes after other bad data. */
static void inflation_recover(const struct wst_inflation *f)
{
    struct wst_deflate *c = f->context;
    uint64_t agreed = c->agreed + f->len;
    c->agreed = agreed < WST_WINDOW ? (uint32_t)agreed : WST_WINDOW;
    if (c->agreed == WST_WINDOW) c->state = WST_CONTEXT_WHOLE;
}

void wst_inflation_finish(struct wst_inflaters *all, struct wst_inflation *f, bool whole)
{
    struct wst_deflate *c = f->context;
    bool nothing = whole && !f->in && f->end == WST_INFLATE_OK;
    if (nothing)
        inflation_nothing(f);
    else if (whole)
        inflation_end_message(all, f);
    bool good = whole && f->end == WST_INFLATE_OK;
    if (good && c->takeover && !inflation_remember(all, f)) {
        c->starved = true;
        good = false;
    }
    if (good && c->state == WST_CONTEXT_SHAKEN) inflation_recover(f);
    bool holds = good && c->takeover && c->state == WST_CONTEXT_WHOLE && !f->by[1] &&
                 (c->own || !f->stopped);
    if (holds && !c->own) wst_inflater_keep(all, c, f->by[0]);
    for (int i = 0; i < 2; i++)
        if (f->by[i]) wst_inflater_give(all, f->by[i], holds || f->by[i] == c->own ? c : NULL);
    wst_budget_give(all->budget, f->paid);
    f->paid = 0;
    if (!good && !nothing && c->takeover)
        wst_deflate_lose(all, c, whole ? WST_CONTEXT_BROKEN : WST_CONTEXT_LOST);
    f->by[0] = f->by[1] = NULL;
}

bool wst_deflate_plausible(struct wst_inflaters *all, struct wst_slice in, struct wst_slice *out)
{
    struct wst_deflate any = {.takeover = true};
    struct wst_buf kept = {.p = all->spill, .room = WST_INFLATE_CHUNK};
    struct wst_inflation f;
    *out = (struct wst_slice){NULL, 0};
    wst_history_make_up(all, &any.history[0], ' ');
    wst_inflation_begin(all, &f, &any, &kept, 0, false);
    f.out = &kept;
    wst_inflation_feed(all, &f, in);
    if (f.end == WST_INFLATE_OK) inflation_end_message(all, &f);
    bool good = f.end == WST_INFLATE_OK && !f.stopped;
    size_t n = f.len < WST_INFLATE_CHUNK ? (size_t)f.len : 0; /* more went over the front of it */
    if (f.by[0]) wst_inflater_give(all, f.by[0], NULL);
    wst_history_free(all, &any.history[0]);
    *out = (struct wst_slice){all->spill, n};
    return good;
}
