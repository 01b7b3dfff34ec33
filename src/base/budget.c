/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include <stdlib.h>
#include <string.h>

/* malloc finds quickly what was freed lately, glibc's calloc (2.36) does not look there; but
 * calloc knows fresh pages to be zero. */
static void *zeroed(size_t n)
{
    enum { SMALL = 1024 };
    if (n > SMALL) return calloc(1, n);
    void *p = malloc(n);
    return p ? memset(p, 0, n) : NULL;
}

void *wst_budget_new(struct wst_budget *b, size_t n)
{
    if (!wst_budget_take(b, n)) return NULL;
    void *p = zeroed(n);
    if (!p) wst_budget_refused(b, n);
    return p;
}

/* A word of its own, and full grains, as glibc and most others do: of a piece of one byte that is
 * nearly all. */
static size_t piece_price(size_t n)
{
    enum { OWN = sizeof(size_t), GRAIN = 2 * OWN, LEAST = 2 * GRAIN };
    size_t price = (n + OWN + GRAIN - 1) / GRAIN * GRAIN;
    return price < LEAST ? LEAST : price;
}

void *wst_budget_piece(struct wst_budget *b, size_t n)
{
    if (!wst_budget_take(b, piece_price(n))) return NULL;
    void *p = malloc(n);
    if (!p) wst_budget_refused(b, piece_price(n));
    return p;
}

void wst_budget_piece_free(struct wst_budget *b, void *p, size_t n)
{
    wst_budget_give(b, piece_price(n));
    free(p);
}

void *wst_budget_resize(struct wst_budget *b, void *p, size_t was, size_t n)
{
    if (!wst_budget_take(b, n - was)) return NULL;
    void *larger = realloc(p, n);
    if (!larger) wst_budget_refused(b, n - was);
    return larger;
}
