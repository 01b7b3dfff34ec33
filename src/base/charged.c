/* SPDX-License-Identifier: MIT
 *
 * In: a number of bytes. Out: as many, and in front of them what was paid.
 */
#include "charged.h"

#include <stdlib.h>
#include <string.h>

struct charged { /* stands in front of what was handed out */
    _Alignas(max_align_t) size_t n;
};

void *wst_charged_new(size_t n, void *user)
{
    struct charged *p = n < SIZE_MAX / 2 ? wst_budget_new(user, n + sizeof *p) : NULL;
    if (!p) return NULL;
    p->n = n + sizeof *p;
    return p + 1;
}

void wst_charged_free(void *what, void *user)
{
    struct charged *p = what;
    if (!p) return;
    wst_budget_give(user, p[-1].n);
    free(p - 1);
}

void *wst_charged_array(size_t n, size_t each, void *user) /* wst_budget_new clears it */
{
    return each && n > SIZE_MAX / 2 / each ? NULL : wst_charged_new(n * each, user);
}

void *wst_charged_resize(void *what, size_t n, void *user)
{
    void *more = wst_charged_new(n, user);
    if (!more || !what) return more;
    size_t was = ((struct charged *)what)[-1].n - sizeof(struct charged);
    memcpy(more, what, was < n ? was : n);
    wst_charged_free(what, user);
    return more;
}
