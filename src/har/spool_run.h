/* SPDX-License-Identifier: MIT
 *
 * Inside the spool: what memory and runs are made of (spool.c fills them, spool_merge.c reads
 * them).
 */
#ifndef WST_HAR_SPOOL_RUN_H
#define WST_HAR_SPOOL_RUN_H

#include "spool.h"

/* In memory, by places counted from its front; 0: none. */
struct wst_spool_head {
    struct wst_spool_key key;
    uint32_t first, last;
    uint64_t n;
};
struct wst_spool_piece {
    uint32_t next, n, room, unused;
    uint8_t bytes[]; /* `room` of them */
};

struct wst_spool_record { /* in a run; its bytes follow */
    struct wst_spool_key key;
    uint64_t n;
};

/* The places of the heads: as they came, backwards; in order of their keys when sorted. */
uint32_t *wst_spool_heads(const struct wst_spool *spool);
void wst_spool_sort(struct wst_spool *spool);

#endif
