/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include <stdlib.h>

void *wst_budget_new(struct wst_budget *b, size_t n)
{
    if (!wst_budget_take(b, n)) return NULL;
    void *p = calloc(1, n);
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
