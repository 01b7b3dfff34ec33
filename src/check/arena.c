/* SPDX-License-Identifier: MIT
 *
 * In: sizes, texts. Out: places that do not move until all are given back.
 * Refuses past the budget.
 */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096, ALIGN = 16 }; /* bytes */

struct wst_arena_block {
    struct wst_arena_block *before;
    size_t size, used;
    _Alignas(16) uint8_t bytes[];
};

void *wst_arena_take(struct wst_arena *arena, size_t n)
{
    struct wst_arena_block *block = arena->last;
    void *p;

    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (block == NULL || block->size - block->used < n) {
        size_t size = n > BLOCK ? n : BLOCK;
        if (!wst_budget_take(arena->budget, size + sizeof *block)) return NULL;
        block = calloc(1, sizeof *block + size);
        if (block == NULL) {
            wst_budget_give(arena->budget, size + sizeof *block);
            return NULL;
        }
        block->size = size;
        block->before = arena->last;
        arena->last = block;
    }
    p = block->bytes + block->used;
    block->used += n;
    return p;
}

const char *wst_arena_text(struct wst_arena *arena, struct wst_slice text)
{
    char *p = wst_arena_take(arena, text.n + 1);

    if (p && text.n) memcpy(p, text.p, text.n);
    return p;
}

void wst_arena_free(struct wst_arena *arena)
{
    while (arena->last) {
        struct wst_arena_block *block = arena->last;
        arena->last = block->before;
        wst_budget_give(arena->budget, block->size + sizeof *block);
        free(block);
    }
}
