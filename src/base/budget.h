/* SPDX-License-Identifier: MIT
 *
 * The one purse all waiting bytes are paid from (limits.memory). Rooms ask before they keep
 * something and give back when they let go; who has to go when the purse is empty is decided in
 * one place, the pipeline.
 */
#ifndef WST_BASE_BUDGET_H
#define WST_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wst_budget {
    size_t used, max; /* bytes */
    uint64_t refused; /* times the system refused what the budget would have allowed */
};

/* Takes n bytes; false, and nothing taken, when they are not there. */
static inline bool wst_budget_take(struct wst_budget *b, size_t n)
{
    if (n > b->max || b->used > b->max - n) return false;
    b->used += n;
    return true;
}
static inline size_t wst_budget_left(const struct wst_budget *b)
{
    return b->used < b->max ? b->max - b->used : 0;
}
static inline void wst_budget_give(struct wst_budget *b, size_t n)
{
    b->used -= n;
}
/* What was taken is not there after all: the system refused it. */
static inline void wst_budget_refused(struct wst_budget *b, size_t n)
{
    b->used -= n;
    b->refused++;
}

/* n bytes, zeroed and paid for; NULL: the budget or the system has none. To be freed, and given
 * back. */
void *wst_budget_new(struct wst_budget *b, size_t n);
/* n bytes, anything in them, of which very many small ones may wait: what malloc itself takes for
 * each is paid, too. NULL: as above. And back. */
void *wst_budget_piece(struct wst_budget *b, size_t n);
void wst_budget_piece_free(struct wst_budget *b, void *p, size_t n);
/* The same as realloc from `was` bytes to n, which are more; NULL: `p` is as it was. */
void *wst_budget_resize(struct wst_budget *b, void *p, size_t was, size_t n);

#endif
