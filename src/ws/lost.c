/* SPDX-License-Identifier: MIT
 *
 * In: a gap, or bytes whose framing is lost. Out: the framing kept, found again, or given up.
 *
 *      header seen                  header not seen
 *      ├─H─┤─────payload─────┤      ├──?──┤ … ├─H─┤──payload──┤
 *            ├──gap──┤                 ├──gap──┤   ▲
 *      n <= left: framing kept         seek: the next credible frame
 */
#include "judge.h"
#include "side.h"

enum { PROBATION = 16 }; /* frames; each alone would be legal by chance one time in twenty */

static void seek_found(const struct wst_ws_step *s, size_t at)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_seek *k = s->ws->rare[s->dir].seek;
    s->ws->rare[s->dir].seek = NULL;
    side->mode = WST_WS_HEADER;
    side->resumed = true;
    side->probation = PROBATION;
    side->offset = k->offset + at;
    uint64_t skipped = k->skipped + at;
    if (skipped)
        wst_ws_problemf(
            s, WST_PROBLEM_STREAM_RESYNC, 0, 0,
            "frames were found again at offset %llu; %llu bytes before it were not read",
            (unsigned long long)side->offset, (unsigned long long)skipped);
    else if (!side->joined)
        wst_ws_problemf(s, WST_PROBLEM_STREAM_RESYNC, 0, 0,
                        "frames were found again at offset %llu, right behind the gap",
                        (unsigned long long)side->offset);
    side->joined = false;
    wst_judge_frames_lost(s);
    /* Segment by segment, so that every frame knows the packet it began in. */
    for (uint32_t i = 0; i <= k->marks_n; i++) {
        size_t to = i < k->marks_n ? k->marks[i].at : k->bytes.n;
        if (to <= at) continue;
        struct wst_arrival carried = {.when = s->arrival->when, .from = wst_seek_packet(k, at)};
        struct wst_ws_step part = *s;
        part.arrival = &carried;
        wst_side_run(&part, (struct wst_slice){k->bytes.p + at, to - at});
        at = to;
    }
    wst_seek_free(k, s->env->budget);
}

static void seek_give_up(const struct wst_ws_step *s)
{
    struct wst_ws_side *side = wst_side_of(s);
    uint64_t bytes = s->ws->rare[s->dir].seek->skipped + s->ws->rare[s->dir].seek->bytes.n;
    side->mode = WST_WS_OFF;
    side->blind = true;
    wst_seek_free(s->ws->rare[s->dir].seek, s->env->budget);
    s->ws->rare[s->dir].seek = NULL;
    if (bytes)
        wst_ws_problemf(s, WST_PROBLEM_STREAM_LOST, 0, 0,
                        "no credible frame in the %llu bytes that follow",
                        (unsigned long long)bytes);
}

/* Again and again, for what is found may be taken back; every time it is further on. */
static void seek_try(const struct wst_ws_step *s, bool final)
{
    struct wst_seek_rules r = wst_side_rules(s);
    ptrdiff_t at = 0;
    while (at >= 0 && wst_side_of(s)->mode == WST_WS_SEEK) {
        at = wst_seek_find(s->ws->rare[s->dir].seek, &r, final);
        if (at >= 0)
            seek_found(s, (size_t)at);
        else if (final)
            seek_give_up(s);
    }
}

void wst_lost_begin(const struct wst_ws_step *s, struct wst_seek *seek)
{
    struct wst_ws_side *side = wst_side_of(s);
    side->have = 0;
    side->left = 0;
    s->ws->rare[s->dir].seek = seek;
    side->mode = seek ? WST_WS_SEEK : WST_WS_OFF;
    /* Compressed messages may have been lost with the frames. */
    if (s->ws->rare[s->dir].deflate)
        wst_deflate_lose(&s->env->inflaters, s->ws->rare[s->dir].deflate, WST_CONTEXT_LOST);
    else
        side->context_lost = true;
    if (seek && seek->bytes.n) seek_try(s, false);
    if (seek) return;
    side->blind = true;
    wst_ws_problem(s, WST_PROBLEM_STREAM_LOST, 0, 0,
                   "no memory to look for frames in the bytes that follow");
}

void wst_lost_keep(const struct wst_ws_step *s, struct wst_slice bytes)
{
    if (wst_side_of(s)->mode != WST_WS_SEEK) return;
    if (!wst_seek_push(s->ws->rare[s->dir].seek, s->env->budget, bytes, s->arrival->from,
                       s->env->options->limits.max_resync))
        seek_give_up(s);
}

void wst_lost_look(const struct wst_ws_step *s)
{
    seek_try(s, false);
}

void wst_lost_again(const struct wst_ws_step *s)
{
    struct wst_ws_side *side = wst_side_of(s);
    if (side->open && side->open->message) wst_message_abandon(s, &side->open->m, true);
    wst_side_open_free(s->env, side);
    wst_lost_begin(s, wst_seek_new(s->env->budget, side->offset));
}

/* n bytes of the current payload are missing; its header was seen. */
static void gap_inside(const struct wst_ws_step *s, uint64_t n)
{
    struct wst_ws_side *side = wst_side_of(s);
    struct wst_ws_open *open = side->open;
    struct wst_frame f;
    side->left -= n;
    side->wire_bytes += n; /* they were on the wire */
    if (!open || !n || !wst_frame_parse(s->ws->rare[s->dir].head, side->have, &f)) return;
    open->frame_lost += n;
    if (!wst_frame_is_data(&f))
        open->control_omitted += n;
    else if (open->message)
        wst_message_lose(s, &open->m, n);
}

static void gap_apply(const struct wst_ws_step *s, uint64_t n, bool exact)
{
    struct wst_ws_side *side = wst_side_of(s);
    if (exact && side->mode == WST_WS_PAYLOAD && n <= side->left) {
        gap_inside(s, n);
        if (!side->left) wst_side_frame_over(s);
        return;
    }
    uint64_t position = wst_side_position(s->ws, s->dir), inside = 0;
    if (side->mode == WST_WS_PAYLOAD) {
        /* n bytes at most: the payload goes on behind them for certain, if it is longer. */
        inside = n < side->left ? side->left - n : 0;
        gap_inside(s, n < side->left ? n : side->left);
        wst_side_cut(s);
    }
    if (side->open && side->open->message) wst_message_abandon(s, &side->open->m, true);
    wst_side_open_free(s->env, side);
    struct wst_seek *seek = wst_seek_new(s->env->budget, position + n);
    if (seek) seek->inside = inside;
    wst_lost_begin(s, seek);
}

void wst_lost_gap(const struct wst_ws_step *s, uint64_t n, bool exact)
{
    struct wst_ws_side *side = wst_side_of(s);
    while (side->mode == WST_WS_SEEK) { /* what is there must do */
        struct wst_seek_rules r = wst_side_rules(s);
        ptrdiff_t at = wst_seek_find(s->ws->rare[s->dir].seek, &r, true);
        if (at < 0) {
            wst_seek_gap(s->ws->rare[s->dir].seek, n);
            return;
        }
        seek_found(s, (size_t)at);
    }
    if (side->mode != WST_WS_OFF) gap_apply(s, n, exact);
}

/* The direction is over: what is left of it is reported. */
void wst_lost_fin(const struct wst_ws_step *s)
{
    struct wst_ws_side *side = wst_side_of(s);
    if (side->mode == WST_WS_SEEK) seek_try(s, true);
    struct wst_frame f;
    bool cut = false;
    if (side->mode == WST_WS_PAYLOAD && wst_frame_parse(s->ws->rare[s->dir].head, side->have, &f)) {
        uint64_t left = side->left, n = s->ws->frames + 1;
        cut = true;
        if (!wst_side_cut(s)) /* an answer of HTTP has no such length */
            wst_ws_problemf(s, WST_PROBLEM_FRAME_TRUNCATED, n, 0, "%llu of %llu payload bytes %s",
                            (unsigned long long)left, (unsigned long long)f.len,
                            s->ws->stopped ? "had not come yet" : "never came");
    } else if (side->mode == WST_WS_HEADER && side->have) {
        wst_ws_problemf(s, WST_PROBLEM_FRAME_TRUNCATED, 0, 0, "only %u byte%s of a frame header %s",
                        side->have, side->have == 1 ? "" : "s",
                        s->ws->stopped ? "had come" : "came");
    }
    if (side->open && side->open->message && cut && side->open->m.frames == 1)
        wst_message_text_broken(s, &side->open->m);
    else if (side->open && side->open->message)
        wst_message_abandon(s, &side->open->m, false);
    wst_side_open_free(s->env, side);
    side->mode = WST_WS_OFF;
}
