/* SPDX-License-Identifier: MIT
 *
 * Blocks of one size, each on cache lines of its own, a chunk of them allocated at a time: a
 * hundred thousand small things without malloc's overhead and holes. The chunks are the area's.
 * Refuses what the budget refuses. Blocks given back are used again, not returned to the system.
 */
#ifndef WST_BASE_POOL_H
#define WST_BASE_POOL_H

#include "area.h"
#include "budget.h"

enum { WST_POOL_LINE = 64, WST_POOL_CHUNK = 64 * 1024 };

struct wst_pool {
    struct wst_area *area; /* borrowed */
    size_t size;           /* of a block, a multiple of WST_POOL_LINE */
    void *free;            /* the first free block; each holds the next */
};

/* `area` must outlive the pool, which is gone with it. */
void wst_pool_init(struct wst_pool *pool, struct wst_area *area, size_t size);
/* A block of zeros; NULL: out of memory or over budget. */
void *wst_pool_take(struct wst_pool *pool, struct wst_budget *budget);
void wst_pool_give(struct wst_pool *pool, struct wst_budget *budget, void *block);

#endif
