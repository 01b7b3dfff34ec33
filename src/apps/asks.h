/* SPDX-License-Identifier: MIT
 *
 * What each side asked and has no answer to yet. In: ids. Out: the message that asked.
 * Refuses to remember more than WST_ASKS_MOST of a side: the oldest is forgotten, and counted if it
 * had to be answered.
 */
#ifndef WST_APPS_ASKS_H
#define WST_APPS_ASKS_H

#include "budget.h"

#include <wstrace/event.h>

enum { WST_ASKS_MOST = 1024 }; /* 32 KiB: more are under way nowhere but where none is answered */

struct wst_ask {
    uint64_t id; /* a hash of it */
    uint64_t msg;
    int64_t ns;
    bool may;  /* nobody has to answer */
    bool twin; /* another of the same id was open with it: who can tell which was answered */
};

struct wst_asks { /* zeroed: empty. In order of time, in a ring */
    struct wst_ask *ring;
    uint32_t first, n, room; /* room: a power of two */
    uint64_t *sorted;        /* the ids, when they were looked through often enough … */
    uint32_t sorted_room;
    uint32_t looks; /* … since one came or went */
    uint64_t forgotten;
};

/* FNV-1a, 64 bits: that two of a few hundred ids meet is as likely as that a memory cell flips; who
 * chooses them so deceives himself about his own answers alone. */
uint64_t wst_asks_id(uint8_t space, struct wst_slice id);

void wst_asks_put(struct wst_asks *asks, struct wst_budget *budget, const struct wst_ask *ask);
/* Whether one of that id is open; all that are become twins. */
bool wst_asks_twins(struct wst_asks *asks, uint64_t id);
/* None is open any more. */
void wst_asks_clear(struct wst_asks *asks);
/* The oldest that has to be answered; NULL: none. */
const struct wst_ask *wst_asks_first(const struct wst_asks *asks);
bool wst_asks_has(struct wst_asks *asks, uint64_t id);
/* Takes out the oldest of that id. False: there is none. */
bool wst_asks_take(struct wst_asks *asks, uint64_t id, struct wst_ask *ask);
void wst_asks_free(struct wst_asks *asks, struct wst_budget *budget);

#endif
