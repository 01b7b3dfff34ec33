/* SPDX-License-Identifier: MIT
 *
 * In: sizes, texts. Out: places that do not move until all are given back.
 * Refuses past the budget.
 */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4 << 10, BLOCK_MAX = 1 << 20, ALIGN = 16 }; /* bytes; each is twice the one before */

struct wst_arena_block {
    struct wst_arena_block *before;
    size_t size, used;
    _Alignas(16) uint8_t bytes[];
};

/* A block with room for n bytes, which becomes the last one. */
static struct wst_arena_block *add(struct wst_arena *arena, size_t n)
{
    size_t size = arena->last ? arena->last->size * 2 : BLOCK;
    struct wst_arena_block *block;

    if (size > BLOCK_MAX) size = BLOCK_MAX;
    if (size < n) size = n;
    if (!wst_budget_take(arena->budget, size + sizeof *block)) return NULL;
    block = calloc(1, sizeof *block + size);
    if (block == NULL) {
        wst_budget_give(arena->budget, size + sizeof *block);
        return NULL;
    }
    block->size = size;
    block->before = arena->last;
    arena->last = block;
    return block;
}

static void *take(struct wst_arena *arena, size_t n, size_t align)
{
    struct wst_arena_block *block = arena->last;
    size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;

    if (block == NULL || at > block->size || block->size - at < n) {
        block = add(arena, n);
        at = 0;
    }
    if (block == NULL) return NULL;
    block->used = at + n;
    return block->bytes + at;
}

void *wst_arena_take(struct wst_arena *arena, size_t n)
{
    return take(arena, n, ALIGN);
}

const uint8_t *wst_arena_bytes(struct wst_arena *arena, struct wst_slice bytes)
{
    uint8_t *p = take(arena, bytes.n, 1);

    return p && bytes.n ? memcpy(p, bytes.p, bytes.n) : p;
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
