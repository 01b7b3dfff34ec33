/* SPDX-License-Identifier: MIT
 *
 * In: ids. Out: the slots that are theirs. Refuses to look far: ids come from strangers.
 */
#include "ids.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16, LOOK_MAX = 4096 /* slots in a row; only chosen ids need so many */ };

static uint64_t *slot_at(const struct wst_ids *ids, size_t size, uint32_t i)
{
    return (void *)((uint8_t *)ids->slots + (i & (ids->room - 1)) * size);
}

/* The empty slot that an id takes when the table grows: one of two is empty. */
static uint64_t *place(const struct wst_ids *ids, size_t size, uint64_t id)
{
    uint32_t i = (uint32_t)id;

    while (*slot_at(ids, size, i)) i++;
    return slot_at(ids, size, i);
}

static bool grow(struct wst_ids *ids, size_t size, struct wst_budget *budget)
{
    struct wst_ids grown = {.n = ids->n, .room = ids->room ? ids->room * 2 : FIRST_ROOM};
    size_t more = (grown.room - ids->room) * size;

    if (grown.room > WST_IDS_MAX || !wst_budget_take(budget, more)) return false;
    grown.slots = calloc(grown.room, size);
    if (grown.slots == NULL) {
        wst_budget_refused(budget, more);
        return false;
    }
    for (uint32_t i = 0; i < ids->room; i++) {
        const uint64_t *slot = slot_at(ids, size, i);
        if (*slot) memcpy(place(&grown, size, *slot), slot, size);
    }
    free(ids->slots);
    *ids = grown;
    return true;
}

void *wst_ids_slot(struct wst_ids *ids, size_t size, uint64_t id, struct wst_budget *budget)
{
    if (ids->n * 2 >= ids->room && !grow(ids, size, budget)) return NULL;
    for (uint32_t looked = 0; looked < LOOK_MAX; looked++) {
        uint64_t *slot = slot_at(ids, size, (uint32_t)id + looked);
        if (*slot == id) return slot;
        if (*slot) continue;
        *slot = id;
        ids->n++;
        return slot;
    }
    return NULL;
}

void wst_ids_free(struct wst_ids *ids, size_t size, struct wst_budget *budget)
{
    wst_budget_give(budget, ids->room * size);
    free(ids->slots);
    *ids = (struct wst_ids){0};
}
