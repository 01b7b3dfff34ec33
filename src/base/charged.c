/* SPDX-License-Identifier: MIT
 *
 * In: a number of bytes. Out: as many, and in front of them what was paid.
 */
#include "charged.h"

#include <stdlib.h>
#include <string.h>

struct wst_charged_piece { /* stands in front of what was handed out */
    _Alignas(max_align_t) struct wst_charged_piece *newer;
    struct wst_charged_piece *older;
    size_t n;
};

void *wst_charged_new(size_t n, void *user)
{
    struct wst_charged *c = user;
    struct wst_charged_piece *p =
        n < SIZE_MAX / 2 ? wst_budget_new(c->budget, n + sizeof *p) : NULL;
    if (!p) return NULL;
    p->n = n + sizeof *p;
    p->older = c->newest;
    if (p->older) p->older->newer = p;
    c->newest = p;
    c->used += p->n;
    return p + 1;
}

static void piece_free(struct wst_charged *c, struct wst_charged_piece *p)
{
    if (p->newer)
        p->newer->older = p->older;
    else
        c->newest = p->older;
    if (p->older) p->older->newer = p->newer;
    c->used -= p->n;
    wst_budget_give(c->budget, p->n);
    free(p);
}

void wst_charged_free(void *what, void *user)
{
    if (what) piece_free(user, (struct wst_charged_piece *)what - 1);
}

void *wst_charged_array(size_t n, size_t each, void *user) /* wst_budget_new clears it */
{
    return each && n > SIZE_MAX / 2 / each ? NULL : wst_charged_new(n * each, user);
}

void *wst_charged_resize(void *what, size_t n, void *user)
{
    void *more = wst_charged_new(n, user);
    if (!more || !what) return more;
    size_t was = ((struct wst_charged_piece *)what)[-1].n - sizeof(struct wst_charged_piece);
    memcpy(more, what, was < n ? was : n);
    wst_charged_free(what, user);
    return more;
}

void wst_charged_free_all(struct wst_charged *c)
{
    while (c->newest) piece_free(c, c->newest);
}
