/* SPDX-License-Identifier: MIT
 *
 * Blocks of one size, each on cache lines of its own, a chunk of them allocated at a time: a
 * hundred thousand small things without malloc's overhead and holes. The chunks are the area's.
 * Refuses what the budget refuses. Blocks given back are used again, those of chunks in use first;
 * of chunks that are empty no more are kept than half of those in use, and a few: a burst of a
 * month ago holds no memory.
 *
 *     │ wst_pool_chunk │ block │ block │ …        at a multiple of its size, so a block knows it
 */
#ifndef WST_BASE_POOL_H
#define WST_BASE_POOL_H

#include <stdint.h>
#include <sys/queue.h>

#include "area.h"
#include "budget.h"

enum { WST_POOL_LINE = 64 };

struct wst_pool_chunk;
TAILQ_HEAD(wst_pool_chunks, wst_pool_chunk);

struct wst_pool {
    struct wst_area *area;       /* borrowed */
    size_t size;                 /* of a block, a multiple of WST_POOL_LINE */
    uint32_t blocks;             /* of a chunk */
    uint32_t chunks, empty;      /* all; those of which no block is in use */
    struct wst_pool_chunks some; /* those that have a free block; the empty ones are the last */
};

/* `area` must outlive the pool, which is gone with it. `size` is at most 4 KiB. */
void wst_pool_init(struct wst_pool *pool, struct wst_area *area, size_t size);
/* A block of zeros; NULL: out of memory or over budget. */
void *wst_pool_take(struct wst_pool *pool, struct wst_budget *budget);
void wst_pool_give(struct wst_pool *pool, struct wst_budget *budget, void *block);

#endif
