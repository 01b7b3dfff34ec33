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
    size_t size, used; /* of `bytes` */
    _Alignas(16) uint8_t bytes[];
};

/* A block with room for n bytes, which becomes the last one. What is longer than the largest gets
 * one of its own. */
static struct wst_arena_block *add(struct wst_arena *arena, size_t n)
{
    size_t size = arena->last ? 2 * (arena->last->size + sizeof *arena->last) : BLOCK;
    struct wst_arena_block *block;

    if (size > BLOCK_MAX) size = BLOCK_MAX;
    if (n > SIZE_MAX - sizeof *block) return NULL;
    if (size < n + sizeof *block) size = n + sizeof *block;
    if (!wst_budget_take(arena->budget, size)) return NULL;
    block = malloc(size);
    if (block == NULL) {
        wst_budget_give(arena->budget, size);
        return NULL;
    }
    *block = (struct wst_arena_block){.before = arena->last, .size = size - sizeof *block};
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
    void *p = take(arena, n, ALIGN);

    return p ? memset(p, 0, n) : NULL;
}

const uint8_t *wst_arena_bytes(struct wst_arena *arena, struct wst_slice bytes)
{
    uint8_t *p = take(arena, bytes.n, 1);

    return p && bytes.n ? memcpy(p, bytes.p, bytes.n) : p;
}

const char *wst_arena_text(struct wst_arena *arena, struct wst_slice text)
{
    char *p = take(arena, text.n + 1, 1);

    if (p == NULL) return NULL;
    if (text.n) memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    return p;
}

void wst_arena_free(struct wst_arena *arena)
{
    while (arena->last) {
        struct wst_arena_block *block = arena->last;
        size_t size = block->size + sizeof *block;
        arena->last = block->before;
        wst_budget_give(arena->budget, size);
        free(block);
    }
}
