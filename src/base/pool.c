/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <assert.h>
#include <string.h>

#include "seldom.h"

enum { KEPT = 4 }; /* empty chunks, however few are in use */

struct wst_pool_chunk {
    TAILQ_ENTRY(wst_pool_chunk) place;
    void *free;     /* blocks given back; each holds the next */
    uint32_t used;  /* blocks in use */
    uint32_t fresh; /* blocks never used yet, the last ones: pages nobody wrote to take no memory */
};
static_assert(sizeof(struct wst_pool_chunk) <= WST_POOL_LINE, "in front of the first block");

void wst_pool_init(struct wst_pool *pool, struct wst_area *area, size_t size)
{
    size_t lines = (size + WST_POOL_LINE - 1) / WST_POOL_LINE;
    *pool = (struct wst_pool){.area = area, .size = lines * WST_POOL_LINE};
    pool->blocks = (uint32_t)((WST_AREA_GRAIN - WST_POOL_LINE) / pool->size);
    TAILQ_INIT(&pool->some);
}

WST_SELDOM static struct wst_pool_chunk *pool_grow(struct wst_pool *pool)
{
    struct wst_pool_chunk *c = wst_area_grain(pool->area);
    if (!c) return NULL;
    *c = (struct wst_pool_chunk){.fresh = pool->blocks};
    TAILQ_INSERT_HEAD(&pool->some, c, place);
    pool->chunks++;
    pool->empty++;
    return c;
}

static struct wst_pool_chunk *chunk_of(void *block)
{
    return (void *)((unsigned char *)block - (uintptr_t)block % WST_AREA_GRAIN);
}

static void *chunk_take(const struct wst_pool *pool, struct wst_pool_chunk *c)
{
    void *block = c->free;
    if (block)
        c->free = *(void **)block;
    else
        block = (unsigned char *)c + WST_AREA_GRAIN - c->fresh-- * pool->size;
    return block;
}

void *wst_pool_take(struct wst_pool *pool, struct wst_budget *budget)
{
    if (!wst_budget_take(budget, pool->size)) return NULL;
    struct wst_pool_chunk *c = TAILQ_FIRST(&pool->some);
    if (!c && !(c = pool_grow(pool))) {
        wst_budget_refused(budget, pool->size);
        return NULL;
    }
    if (!c->used++) pool->empty--;
    if (c->used == pool->blocks) TAILQ_REMOVE(&pool->some, c, place);
    return memset(chunk_take(pool, c), 0, pool->size);
}

/* The fewer are in use, the fewer are kept: those that were emptied before go, too. */
WST_SELDOM static void pool_emptied(struct wst_pool *pool, struct wst_pool_chunk *c)
{
    TAILQ_REMOVE(&pool->some, c, place);
    TAILQ_INSERT_TAIL(&pool->some, c, place);
    pool->empty++;
    while (pool->empty > KEPT + (pool->chunks - pool->empty) / 2) {
        c = TAILQ_LAST(&pool->some, wst_pool_chunks);
        TAILQ_REMOVE(&pool->some, c, place);
        pool->chunks--;
        pool->empty--;
        wst_area_give(pool->area, c);
    }
}

void wst_pool_give(struct wst_pool *pool, struct wst_budget *budget, void *block)
{
    struct wst_pool_chunk *c = chunk_of(block);
    *(void **)block = c->free;
    c->free = block;
    if (c->used == pool->blocks) TAILQ_INSERT_HEAD(&pool->some, c, place);
    if (!--c->used) pool_emptied(pool, c);
    wst_budget_give(budget, pool->size);
}
