/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <stdlib.h>

void wst_history_free(struct wst_inflaters *all, struct wst_history *h)
{
    if (h->room) wst_budget_give(all->budget, h->room);
    free(h->p);
    *h = (struct wst_history){0};
}

/* Room for n bytes in all; what is seen first costs little. `held`: an inflater has the bytes. */
static bool history_pay(struct wst_inflaters *all, struct wst_history *h, size_t n, bool held)
{
    if (n > WST_WINDOW) n = WST_WINDOW;
    if (n <= h->room) return true;
    uint32_t room = h->room ? h->room : 128;
    while (room < n) room *= 2;
    if (!wst_budget_take(all->budget, room - h->room)) return false;
    uint8_t *p = held ? NULL : realloc(h->p, room);
    if (!p && !held) {
        wst_budget_refused(all->budget, room - h->room);
        return false;
    }
    h->p = p;
    h->room = room;
    return true;
}

static bool history_room(struct wst_inflaters *all, struct wst_history *h, size_t n)
{
    return history_pay(all, h, n, false);
}

bool wst_history_append(struct wst_inflaters *all, struct wst_history *h, struct wst_slice s)
{
    if (!s.n) return true;
    if (s.n >= WST_WINDOW) s = wst_slice_skip(s, s.n - WST_WINDOW);
    if (!history_room(all, h, h->n + s.n)) return false;
    size_t end = (h->at + h->n) % h->room; /* at is 0 until the ring is full */
    size_t first = h->room - end < s.n ? h->room - end : s.n;
    memcpy(h->p + end, s.p, first);
    memcpy(h->p, s.p + first, s.n - first);
    size_t n = h->n + s.n;
    if (n > h->room) {
        h->at = (uint32_t)((h->at + (n - h->room)) % h->room);
        n = h->room;
    }
    h->n = (uint32_t)n;
    return true;
}

void wst_history_make_up(struct wst_inflaters *all, struct wst_history *h, uint8_t with)
{
    wst_history_free(all, h);
    *h = (struct wst_history){.n = WST_WINDOW, .made_up = true, .with = with};
}

bool wst_history_take(struct wst_inflaters *all, struct wst_history *h, struct wst_inflater *by)
{
    uInt n = WST_WINDOW;
    if (!history_room(all, h, WST_WINDOW)) return false;
    if (inflateGetDictionary(&by->z, h->p, &n) != Z_OK) return false;
    h->n = n;
    h->at = 0;
    h->made_up = false;
    return true;
}

bool wst_history_give(struct wst_inflaters *all, const struct wst_history *h,
                      struct wst_inflater *by)
{
    if (h->made_up) {
        memset(all->spill, h->with, WST_WINDOW);
        return inflateSetDictionary(&by->z, all->spill, WST_WINDOW) == Z_OK;
    }
    uint32_t first = h->room - h->at < h->n ? h->room - h->at : h->n;
    if (first && inflateSetDictionary(&by->z, h->p + h->at, first) != Z_OK) return false;
    return h->n == first || inflateSetDictionary(&by->z, h->p, h->n - first) == Z_OK;
}

bool wst_history_fetch(struct wst_inflaters *all, struct wst_history *h, struct wst_inflater *by)
{
    uint8_t *window = all->spill;
    uInt n = 0;
    if (inflateGetDictionary(&by->z, window, &n) != Z_OK || n < h->n) return false;
    if (!(h->p = malloc(h->room))) {
        wst_budget_refused(all->budget, 0);
        return false;
    }
    memcpy(h->p, window + (n - h->n), h->n);
    h->at = 0;
    return true;
}

bool wst_history_held(struct wst_inflaters *all, struct wst_history *h, uint64_t len, bool whole)
{
    uint64_t n = h->n + (len < WST_WINDOW ? len : WST_WINDOW);
    if (n > WST_WINDOW) n = WST_WINDOW;
    if (!history_pay(all, h, whole ? (size_t)n : WST_WINDOW, true)) return false;
    h->n = (uint32_t)n;
    return true;
}
