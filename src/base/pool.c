/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <string.h>

void wst_pool_init(struct wst_pool *pool, struct wst_area *area, size_t size)
{
    size_t lines = (size + WST_POOL_LINE - 1) / WST_POOL_LINE;
    *pool = (struct wst_pool){.area = area, .size = lines * WST_POOL_LINE};
}

static bool pool_grow(struct wst_pool *pool)
{
    unsigned char *chunk = wst_area_take(pool->area, WST_POOL_CHUNK);
    if (!chunk) return false;
    /* Pushed from the end, so that blocks are taken in the order of their addresses. */
    size_t n = WST_POOL_CHUNK / pool->size;
    while (n--) {
        void *block = chunk + n * pool->size;
        *(void **)block = pool->free;
        pool->free = block;
    }
    return true;
}

void *wst_pool_take(struct wst_pool *pool, struct wst_budget *budget)
{
    if (!wst_budget_take(budget, pool->size)) return NULL;
    if (!pool->free && !pool_grow(pool)) {
        wst_budget_refused(budget, pool->size);
        return NULL;
    }
    void *block = pool->free;
    pool->free = *(void **)block;
    return memset(block, 0, pool->size);
}

void wst_pool_give(struct wst_pool *pool, struct wst_budget *budget, void *block)
{
    *(void **)block = pool->free;
    pool->free = block;
    wst_budget_give(budget, pool->size);
}
