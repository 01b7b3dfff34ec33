/* SPDX-License-Identifier: MIT
 *
 * A table of ids, each with what is remembered of it. In: ids, which are hashes. Out: their slots.
 * Refuses more than WST_IDS_MAX slots, and ids that were chosen to collide.
 */
#ifndef WST_CHECK_IDS_H
#define WST_CHECK_IDS_H

#include "budget.h"

#include <stdint.h>

enum { WST_IDS_MAX = 1 << 20 }; /* slots; half of them may be taken */

struct wst_ids {
    void *slots; /* owned; open addressing. Each begins with its uint64_t id; 0: it is empty */
    uint32_t n, room;
};

/* The slot of an id that is not 0, `size` bytes large, as all of this table; made if need be, and
 * then zero but for the id. It stays until the next one is asked for. NULL: no room. */
void *wst_ids_slot(struct wst_ids *ids, size_t size, uint64_t id, struct wst_budget *budget);
void wst_ids_free(struct wst_ids *ids, size_t size, struct wst_budget *budget);

#endif
