/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <stdlib.h>

bool wst_scratch_init(struct wst_buf *scratch)
{
    scratch->p = malloc(WST_WS_SCRATCH);
    scratch->room = scratch->p ? WST_WS_SCRATCH : 0;
    return scratch->p != NULL;
}

void wst_scratch_settle(struct wst_ws_env *env, struct wst_buf *scratch)
{
    scratch->n = 0;
    if (scratch->room <= WST_WS_SCRATCH) return;
    uint8_t *p = realloc(scratch->p, WST_WS_SCRATCH);
    if (p) scratch->p = p;
    wst_budget_give(env->budget, scratch->room - WST_WS_SCRATCH);
    scratch->room = WST_WS_SCRATCH;
}

void wst_spare_take(struct wst_ws_env *env, struct wst_buf *bytes, uint64_t n)
{
    struct wst_buf *best = &env->spare[0];
    for (int i = 1; i < WST_WS_SPARES; i++) {
        struct wst_buf *other = &env->spare[i];
        bool enough = best->room >= n;
        if (other->room >= n ? !enough || other->room < best->room
                             : !enough && other->room > best->room)
            best = other;
    }
    *bytes = *best;
    *best = (struct wst_buf){0};
}

void wst_spare_give(struct wst_ws_env *env, struct wst_buf *bytes)
{
    struct wst_buf *place = NULL;
    size_t all = bytes->room;
    for (int i = 0; i < WST_WS_SPARES; i++) {
        all += env->spare[i].room;
        if (!env->spare[i].room) place = &env->spare[i];
    }
    if (!place || bytes->room < WST_WS_SPARE_MIN || all > WST_WS_SPARE_MAX) {
        wst_buf_free(bytes, env->budget);
        return;
    }
    *place = *bytes;
    place->n = 0;
    *bytes = (struct wst_buf){0};
}
