/* SPDX-License-Identifier: MIT
 *
 * In: differences and words. Out: an outcome. Refuses to keep more than WST_DIFFERENCES_MAX
 * differences; the others are counted.
 */
#include "compare.h"

#include <stdlib.h>

struct wst_outcome *wst_outcome_new(size_t memory)
{
    struct wst_outcome *v = calloc(1, sizeof *v);

    if (v == NULL) return NULL;
    v->budget.max = memory;
    v->arena.budget = &v->budget;
    return v;
}

void wst_outcome_free(struct wst_outcome *v)
{
    if (v == NULL) return;
    wst_arena_free(&v->arena);
    free(v->list);
    free(v);
}

struct wst_difference *wst_outcome_add(struct wst_outcome *v, enum wst_difference_kind kind)
{
    struct wst_difference *d;

    v->count++;
    if (v->n == WST_DIFFERENCES_MAX) return NULL;
    if (v->n == v->room) {
        size_t room = v->room ? v->room * 2 : 16;
        d = realloc(v->list, room * sizeof *d);
        if (d == NULL) {
            v->failed = true;
            return NULL;
        }
        v->list = d;
        v->room = room;
    }
    d = &v->list[v->n++];
    *d = (struct wst_difference){.kind = kind, .connection = "", .what = "", .context = ""};
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

uint64_t wst_outcome_count(const struct wst_outcome *v)
{
    return v->count;
}

const struct wst_difference *wst_outcome_difference(const struct wst_outcome *v, size_t i)
{
    return i < v->n ? &v->list[i] : NULL;
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
