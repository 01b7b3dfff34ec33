/* SPDX-License-Identifier: MIT */
#include "inflater.h"

#include <stdlib.h>

#include "deflate.h"
#include "history.h"

enum {
    LINE = 64,
    STATE_ROOM = 7168,                 /* zlib's state, and the window that it asks for later */
    OWN_STALE = 64 * WST_INFLATERS_OWN /* messages of others after which it is taken away */
};

/* An inflater with what zlib allocates for it, in one piece. Hundreds of them are looked at in
 * turns, and each in a dozen places of its window: in large pages (base/area.h) the processor knows
 * where to find these. */
struct slot {
    struct wst_inflater by;
    size_t taken;
    _Alignas(LINE) unsigned char room[STATE_ROOM + WST_WINDOW];
};

static void *slot_alloc(void *opaque, uInt items, uInt size)
{
    struct slot *s = opaque;
    size_t n = (size_t)items * size, lines = (n + LINE - 1) / LINE * LINE;
    if (lines < n || lines > sizeof s->room - s->taken) return malloc(n); /* another zlib */
    void *p = s->room + s->taken;
    s->taken += lines;
    return p;
}

static void slot_release(void *opaque, void *p)
{
    const struct slot *s = opaque;
    uintptr_t at = (uintptr_t)p, from = (uintptr_t)s->room;
    if (at < from || at - from >= sizeof s->room) free(p);
}

static void inflater_free(struct wst_inflaters *all, struct wst_inflater *by)
{
    inflateEnd(&by->z);
    *(void **)by = all->freed;
    all->freed = by;
}

static struct wst_inflater *inflater_new(struct wst_inflaters *all)
{
    struct slot *s = all->freed;
    if (s)
        all->freed = *(void **)s;
    else
        s = wst_area_take(&all->area, sizeof *s);
    if (s) {
        s->by =
            (struct wst_inflater){.z = {.zalloc = slot_alloc, .zfree = slot_release, .opaque = s}};
        s->taken = 0;
        if (inflateInit2(&s->by.z, -15) == Z_OK) return &s->by;
        *(void **)s = all->freed;
        all->freed = s;
    }
    wst_budget_refused(all->budget, 0);
    return NULL;
}

bool wst_inflaters_init(struct wst_inflaters *all, struct wst_budget *budget, uint64_t max_inflate)
{
    size_t part = budget->max / WST_INFLATERS_OWN_PART / WST_INFLATER_BYTES;
    *all = (struct wst_inflaters){.budget = budget,
                                  .max_inflate = max_inflate,
                                  .own_max = part < WST_INFLATERS_OWN ? (unsigned)part
                                                                      : WST_INFLATERS_OWN};
    all->twin = malloc(WST_INFLATE_CHUNK);
    all->spill = malloc(WST_WINDOW);
    return all->twin && all->spill;
}

void wst_inflaters_free(struct wst_inflaters *all)
{
    for (unsigned i = 0; i < all->n; i++) inflater_free(all, all->idle[i]);
    for (unsigned i = 0; i < all->own_n; i++) inflater_free(all, all->own[i]);
    wst_area_free(&all->area);
    free(all->twin);
    free(all->spill);
    *all = (struct wst_inflaters){0};
}

/* The idle one that still holds this context, else a new one while there are few, else the one used
 * longest ago. */
static struct wst_inflater *inflater_choose(struct wst_inflaters *all, struct wst_deflate *owner)
{
    unsigned best = 0;
    for (unsigned i = 0; i < all->n; i++) {
        if (owner && all->idle[i]->owner == owner) {
            best = i;
            break;
        }
        if (all->idle[i]->used < all->idle[best]->used) best = i;
    }
    bool holds = all->n && owner && all->idle[best]->owner == owner;
    struct wst_inflater *by = !holds && all->n < WST_INFLATERS ? inflater_new(all) : NULL;
    if (!by && all->n) {
        by = all->idle[best];
        all->idle[best] = all->idle[--all->n];
    }
    if (by) by->ready = holds;
    return by;
}

struct wst_inflater *wst_inflater_take(struct wst_inflaters *all, struct wst_deflate *owner)
{
    struct wst_inflater *by = owner ? owner->own : NULL;
    if (by)
        by->ready = true;
    else if (!(by = inflater_choose(all, owner)))
        return NULL;
    by->busy = true;
    by->used = ++all->clock;
    return by;
}

void wst_inflater_give(struct wst_inflaters *all, struct wst_inflater *by,
                       struct wst_deflate *owner)
{
    by->busy = false;
    by->owner = owner;
    if (owner && owner->own == by) return;
    if (all->n < WST_INFLATERS)
        all->idle[all->n++] = by;
    else
        inflater_free(all, by);
}

/* The direction has none of its own any more. */
static void own_free(struct wst_inflaters *all, struct wst_deflate *c)
{
    unsigned i = 0;
    if (!c->own) return;
    while (all->own[i] != c->own) i++;
    all->own[i] = all->own[--all->own_n];
    inflater_free(all, c->own);
    c->own = NULL;
}

/* Room for one more that is somebody's own: the one that the hand points at goes back to a history
 * when it was not used for long. One at a time: with thousands of busy directions none changes
 * hands all the time, which would cost two copies a message instead of one. */
static bool own_room(struct wst_inflaters *all)
{
    if (all->own_n < all->own_max) return true;
    if (!all->own_n) return false;
    all->own_hand = (all->own_hand + 1) % all->own_n;
    struct wst_inflater *by = all->own[all->own_hand];
    if (by->busy || all->clock - by->used < OWN_STALE) return false;
    if (!wst_history_fetch(all, &by->owner->history[0], by)) return false;
    own_free(all, by->owner);
    return true;
}

void wst_inflater_keep(struct wst_inflaters *all, struct wst_deflate *c, struct wst_inflater *by)
{
    if (c->history[0].n < WST_INFLATERS_OWN_FROM || !own_room(all)) return;
    all->own[all->own_n++] = c->own = by;
    free(c->history[0].p);
    c->history[0].p = NULL;
    c->history[0].at = 0;
}

void wst_inflaters_disown(struct wst_inflaters *all, struct wst_deflate *owner)
{
    if (owner->own) {
        own_free(all, owner);
        wst_history_free(all, &owner->history[0]);
    }
    for (unsigned i = 0; i < all->n; i++)
        if (all->idle[i]->owner == owner) all->idle[i]->owner = NULL;
}
