/* SPDX-License-Identifier: MIT
 *
 * Memory that is given back all at once. In: sizes, texts. Out: places that do not move.
 * Refuses past the budget; returns NULL then.
 */
#ifndef WST_CHECK_ARENA_H
#define WST_CHECK_ARENA_H

#include "budget.h"

#include <wstrace/types.h>

struct wst_arena_block;
struct wst_arena {
    struct wst_arena_block *last;
    struct wst_budget *budget;
};

/* n bytes, zeroed, aligned for any pointer or integer. */
void *wst_arena_take(struct wst_arena *arena, size_t n);
/* A copy, aligned for nothing. */
const uint8_t *wst_arena_bytes(struct wst_arena *arena, struct wst_slice bytes);
/* The text and a NUL. */
const char *wst_arena_text(struct wst_arena *arena, struct wst_slice text);
void wst_arena_free(struct wst_arena *arena);

#endif
