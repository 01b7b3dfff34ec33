/* SPDX-License-Identifier: MIT
 *
 * In: differences and words. Out: an outcome. Refuses to keep more than WST_DIFFERENCES_MAX
 * differences; the others are counted.
 */
#include "compare.h"

#include <stdlib.h>

#include "array.h"

struct wst_outcome *wst_outcome_new(void)
{
    struct wst_outcome *v = calloc(1, sizeof *v);

    if (v == NULL) return NULL;
    v->budget.max = WST_CHECK_MEMORY;
    v->arena.budget = &v->budget;
    return v;
}

void wst_outcome_free(struct wst_outcome *v)
{
    if (v == NULL) return;
    wst_arena_free(&v->arena);
    free(v->list);
    free(v->left);
    free(v);
}

static struct wst_difference *add(struct wst_outcome *v, struct wst_difference **list, size_t *n,
                                  size_t *room)
{
    struct wst_difference *d;

    if (*n == WST_DIFFERENCES_MAX) return NULL;
    if (*n == *room) {
        d = wst_array_double(*list, room, sizeof *d, 16);
        if (d == NULL) {
            v->failed = true;
            return NULL;
        }
        *list = d;
    }
    d = &(*list)[(*n)++];
    *d = (struct wst_difference){.connection = "", .what = "", .context = ""};
    return d;
}

struct wst_difference *wst_outcome_add(struct wst_outcome *v, enum wst_difference_kind kind)
{
    struct wst_difference *d = add(v, &v->list, &v->n, &v->room);

    v->count++;
    if (d) d->kind = kind;
    return d;
}

struct wst_difference *wst_outcome_leave(struct wst_outcome *v)
{
    struct wst_difference *d = add(v, &v->left, &v->left_n, &v->left_room);

    if (d) d->kind = WST_DIFFERENCE_RULE;
    return d;
}

const char *wst_outcome_text(struct wst_outcome *v, struct wst_slice text)
{
    struct wst_ink ink = {.budget = &v->budget};
    const char *copy;

    wst_ink_safe(&ink, text);
    copy = ink.failed ? NULL : wst_arena_text(&v->arena, wst_ink_slice(&ink));
    wst_ink_free(&ink);
    if (copy) return copy;
    v->failed = true;
    return "";
}

bool wst_outcome_settings_newer(const struct wst_outcome *v)
{
    return v->settings_newer;
}

uint64_t wst_outcome_count(const struct wst_outcome *v)
{
    return v->count;
}

const struct wst_difference *wst_outcome_difference(const struct wst_outcome *v, size_t i)
{
    return i < v->n ? &v->list[i] : NULL;
}

const struct wst_difference *wst_outcome_undecided(const struct wst_outcome *v, size_t i)
{
    return i < v->left_n ? &v->left[i] : NULL;
}

const char *wst_difference_kind_name(enum wst_difference_kind kind)
{
    static const char *const names[WST_DIFFERENCE_KINDS] = {
        [WST_DIFFERENCE_CHANGED] = "changed",
        [WST_DIFFERENCE_MISSING] = "missing",
        [WST_DIFFERENCE_EXTRA] = "extra",
        [WST_DIFFERENCE_MOVED] = "moved",
        [WST_DIFFERENCE_VALUE] = "value",
        [WST_DIFFERENCE_NO_CONNECTION] = "no-connection",
        [WST_DIFFERENCE_MORE_CONNECTION] = "more-connection",
        [WST_DIFFERENCE_TIMING] = "timing",
        [WST_DIFFERENCE_RULE] = "rule",
    };

    return (unsigned)kind < WST_DIFFERENCE_KINDS ? names[kind] : "unknown";
}
