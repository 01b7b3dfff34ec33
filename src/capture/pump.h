/* SPDX-License-Identifier: MIT
 *
 * In: a supply. Out: its bytes in blocks, read and unzipped by a thread of its own, in order.
 * Refuses to run farther ahead than its few blocks.
 *
 *     supply ──▶ pump's thread ──▶ blocks ──▶ the thread that parses
 *
 *     a block  |  front, the taker's  |  bytes …  |
 */
#ifndef WST_CAPTURE_PUMP_H
#define WST_CAPTURE_PUMP_H

#include "supply.h"

enum wst_pump_cap {
    /* What a block holds, and how many there are. With half as many the threads wake each other too
     * often (noise takes 10 % longer), with four times as many it is 5 % faster, for 1.5 MiB. */
    WST_PUMP_BLOCK = 1 << 16,
    WST_PUMP_BLOCKS = 8,
    /* Room before a block's bytes for what the taker has left of the one before: the longest packet
     * there usually is. Costs no memory until it is used. */
    WST_PUMP_FRONT = 1 << 16,
};

struct wst_pump_block {
    uint8_t *bytes;    /* WST_PUMP_FRONT bytes before them may be written, too */
    size_t n;          /* fewer than WST_PUMP_BLOCK only in the last */
    uint64_t consumed; /* supply->consumed when it was filled */
    bool last;         /* the supply has ended behind it; it is the caller's again */
};

struct wst_pump;

/* Begins to fill blocks. The supply, which is not a pipe, is the pump's until the last block has
 * been taken, wst_pump_rest, or wst_pump_end. NULL when there is no memory or thread to be had:
 * nothing has happened then. */
struct wst_pump *wst_pump_begin(struct wst_supply *supply);
/* Takes the next block, for which it may wait; not called again after the last one. All blocks
 * taken stay until they are given back, and there must not be more than two of them. */
const struct wst_pump_block *wst_pump_take(struct wst_pump *pump);
/* Gives back the block that was taken first. */
void wst_pump_give_back(struct wst_pump *pump);
/* The supply is wanted back for a while. May wait for what is being read. True: it is the caller's,
 * for all blocks have been taken, until wst_pump_go_on. False: there is one to take first. As
 * little as wst_pump_take after the last one. */
bool wst_pump_rest(struct wst_pump *pump);
/* Only where the supply has not ended meanwhile. */
void wst_pump_go_on(struct wst_pump *pump);
/* At any time: nothing more is read. The blocks are gone. NULL does nothing. */
void wst_pump_end(struct wst_pump *pump);

#endif
