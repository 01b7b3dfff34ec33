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

void *wst_budget_resize(struct wst_budget *b, void *p, size_t was, size_t n)
{
    if (!wst_budget_take(b, n - was)) return NULL;
    void *larger = realloc(p, n);
    if (!larger) wst_budget_refused(b, n - was);
    return larger;
}
