/* SPDX-License-Identifier: MIT */
#include "ending.h"
#include "judge.h"
#include "scratch.h"
#include "side.h"

#include <stdlib.h>

bool wst_ws_env_init(struct wst_ws_env *env, const struct wst_options *options,
                     struct wst_budget *budget)
{
    env->options = options;
    env->budget = budget;
    return wst_inflaters_init(&env->inflaters, budget, options->limits.max_inflate) &&
           wst_scratch_init(&env->unmasked) && wst_scratch_init(&env->inflated);
}

void wst_ws_env_free(struct wst_ws_env *env)
{
    wst_inflaters_free(&env->inflaters);
    free(env->unmasked.p);
    free(env->inflated.p);
    for (int i = 0; i < WST_WS_SPARES; i++) wst_buf_free(&env->spare[i], env->budget);
}

void wst_ws_env_pay(struct wst_ws_env *env, struct wst_budget *budget)
{
    env->budget = env->inflaters.budget = budget;
}

void wst_ws_init(struct wst_ws *ws, void *conversation, const struct wst_ws_terms *terms,
                 int64_t began_ns)
{
    *ws = (struct wst_ws){.conversation = conversation,
                          .terms = *terms,
                          .faulty = terms->early ? 1 << WST_C2S : 0,
                          .began_ns = began_ns,
                          .close_code = -1,
                          .closed_by = WST_DIR_NONE,
                          .fin_by = WST_DIR_NONE,
                          .http_first = WST_DIR_NONE,
                          .tls_by = WST_DIR_NONE,
                          .reset_by = WST_DIR_NONE};
}

void wst_ws_free(struct wst_ws *ws, struct wst_ws_env *env)
{
    wst_judge_free(ws, env);
    if (ws->control) wst_budget_give(env->budget, sizeof *ws->control);
    free(ws->control);
    ws->control = NULL;
    for (int d = 0; d < 2; d++) {
        wst_side_open_free(env, &ws->side[d]);
        wst_deflate_free(&env->inflaters, ws->rare[d].deflate);
        wst_seek_free(ws->rare[d].seek, env->budget);
        ws->rare[d].deflate = NULL;
        ws->rare[d].seek = NULL;
    }
}

void wst_ws_join(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir, struct wst_seek *seek,
                 const struct wst_arrival *arrival)
{
    struct wst_ws_step s = {ws, env, dir, arrival};
    ws->side[dir].joined = ws->partial = true;
    wst_lost_begin(&s, seek);
}

void wst_ws_push(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir,
                 struct wst_slice bytes, const struct wst_arrival *arrival)
{
    struct wst_ws_step s = {ws, env, dir, arrival};
    ws->last_ms = wst_ending_age(ws, arrival);
    wst_side_run(&s, bytes);
    if (ws->side[dir].mode == WST_WS_SEEK) wst_lost_look(&s);
}

void wst_ws_gap(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir, uint64_t n,
                enum wst_ws_missing how, const struct wst_arrival *arrival)
{
    struct wst_ws_step s = {ws, env, dir, arrival};
    struct wst_ws_side *side = &ws->side[dir];
    struct wst_event e;
    ws->last_ms = wst_ending_age(ws, arrival); /* somebody spoke */
    e.type = WST_EVENT_GAP;
    e.dir = dir;
    e.when = arrival->when;
    e.gap = (struct wst_event_gap){n, (int64_t)(wst_side_position(ws, dir) & INT64_MAX),
                                   how != WST_WS_EXACTLY, how == WST_WS_AT_LEAST};
    if (n) { /* not of lost records of TLS that had no room for a byte */
        side->gaps++;
        env->emit(env->user, ws->conversation, &e);
    }
    wst_lost_gap(&s, n, how == WST_WS_EXACTLY);
}

void wst_ws_fin(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir,
                const struct wst_arrival *arrival)
{
    struct wst_ws_step s = {ws, env, dir, arrival};
    if (ws->side[dir].finished) return;
    wst_ending_fin(&s);
    ws->side[dir].finished = true;
    wst_lost_fin(&s);
}

struct wst_ws_held wst_ws_held(const struct wst_ws *ws)
{
    size_t swell = 0, raw = 0;
    for (int d = 0; d < 2; d++) {
        const struct wst_ws_open *open = ws->side[d].open;
        if (open)
            swell += open->m.bytes.room + open->m.raw.room + open->control.room + open->marks.room;
        if (open && open->m.raw.n > raw) raw = open->m.raw.n;
        if (ws->rare[d].seek) raw = SIZE_MAX / 2;
    }
    swell = (swell + UINT16_MAX) >> 16;
    raw = (raw + 1023) >> 10;
    return (struct wst_ws_held){(uint16_t)(swell < UINT16_MAX ? swell : UINT16_MAX),
                                (uint16_t)(raw < UINT16_MAX ? raw : UINT16_MAX)};
}

bool wst_ws_shrink(struct wst_ws *ws, struct wst_ws_env *env)
{
    bool any = false;
    for (int d = 0; d < 2; d++) {
        struct wst_deflate *context = ws->rare[d].deflate;
        if (!context || ws->side[d].open) continue;
        if (wst_deflate_remembers(context)) ws->side[d].context_lost = any = true;
        wst_deflate_free(&env->inflaters, context);
        ws->rare[d].deflate = NULL;
    }
    return any;
}

bool wst_ws_closed(const struct wst_ws *ws, enum wst_dir dir)
{
    return ws->side[dir].closed && !(ws->http & 1 << dir);
}

/* What decodes as a close frame counts as one in what programs read, HTTP or not. */
static void end_http(const struct wst_ws *ws, struct wst_event_end *e)
{
    enum { HEAD_CODE = 'A' << 8 | 'D', HTTP_CODE = 'T' << 8 | 'P' }; /* behind the frame's header */
    e->no_reply = e->clean ? WST_REPLY_NOT_DUE : WST_REPLY_NONE;
    if (ws->http_first == WST_DIR_NONE) return;
    e->by = (enum wst_dir)ws->http_first;
    e->code = ws->http_first == WST_C2S ? HEAD_CODE : HTTP_CODE;
}

void wst_ws_end(struct wst_ws *ws, struct wst_ws_env *env, enum wst_tcp_end how,
                const struct wst_arrival *arrival)
{
    ws->stopped = how != WST_TCP_FIN && how != WST_TCP_RST;
    for (int d = 0; d < 2; d++)
        if (!ws->side[d].finished)
            wst_lost_fin(&(struct wst_ws_step){ws, env, (enum wst_dir)d, arrival});
    struct wst_ws_step s = {ws, env, WST_DIR_NONE, arrival};
    wst_judge_pings_end(&s, WST_C2S);
    wst_judge_pings_end(&s, WST_S2C);
    enum wst_no_reply why = wst_ending_judge(&s, how);
    bool half = ws->side[0].finished != ws->side[1].finished && !ws->terms.stream;
    ws->side[0].finished = ws->side[1].finished = true;
    struct wst_event e;
    e.type = WST_EVENT_END;
    e.dir = WST_DIR_NONE;
    e.when = arrival->when;
    e.end = (struct wst_event_end){.tcp = how,
                                   .stream = ws->terms.stream,
                                   .clean = ws->side[0].closed && ws->side[1].closed,
                                   .http = {ws->http & 1 << WST_C2S, ws->http & 1 << WST_S2C},
                                   .no_reply = why,
                                   .by = ws->crossed ? WST_DIR_NONE : (enum wst_dir)ws->closed_by,
                                   .code = ws->close_code,
                                   .tcp_by = (enum wst_dir)ws->fin_by,
                                   .tls_by = (enum wst_dir)ws->tls_by,
                                   .half = half,
                                   .reset_by = (enum wst_dir)ws->reset_by,
                                   .duration_ns = wst_ns_between(ws->began_ns, arrival->when.ns)};
    if (ws->http) end_http(ws, &e.end);
    for (int d = 0; d < 2; d++)
        e.end.dir[d] = (struct wst_event_direction){ws->side[d].frames, ws->side[d].messages,
                                                    ws->side[d].wire_bytes, ws->side[d].bytes,
                                                    ws->side[d].gaps};
    env->emit(env->user, ws->conversation, &e);
}
