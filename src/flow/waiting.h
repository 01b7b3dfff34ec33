/* SPDX-License-Identifier: MIT
 *
 * The bytes of one half that came before their turn: pieces sorted by sequence number, never
 * overlapping, with the hole before the first of them.
 *
 *      next                first piece          second piece
 *       │◀───── hole ──────▶├──────────┤◀ hole ▶├─────┤
 *
 * A piece without bytes is one the snap length cut off: known to exist, not captured.
 */
#ifndef WST_FLOW_WAITING_H
#define WST_FLOW_WAITING_H

#include <sys/queue.h>

#include "flow.h"

struct wst_piece {
    uint32_t seq, len;
    uint8_t *bytes; /* owned, `len` of them, paid from the budget; NULL: cut off */
    uint64_t pkt;   /* that carried it */
};

/* A half that waits. There may be no piece: then the other side has acknowledged bytes that were
 * not captured so far. All numbers of a half lie within 2^31 - 1 behind wst_half.next, so that
 * signed differences put them in order. */
struct wst_waiting {
    struct wst_piece *pieces; /* owned; [first, first + n) of `room` are in use */
    uint32_t first, n, room;
    size_t bytes;     /* held by pieces */
    int64_t since_ns; /* capture time: when the first hole became the first */
    /* From when on the first hole is known to be acknowledged, so that what it lacks is late or not
     * in the capture. */
    uint32_t packets; /* of the flow that went by since then; 0: it is not acknowledged */
    uint32_t acked;   /* how far the acknowledgments went then … */
    int64_t acked_ns; /* … and the capture time */
    uint8_t doubts;   /* acknowledgments in a row that take back what an earlier one said */
    uint8_t side;
    struct wst_flow *flow;
    TAILQ_ENTRY(wst_waiting) place; /* among all halves with a hole, by since_ns */
};

struct wst_flow_table;

/* The half's, made when it has none; `now`: when its hole opened. NULL: no memory. */
struct wst_waiting *wst_waiting_of(struct wst_flow_table *table, struct wst_flow *flow,
                                   unsigned side, int64_t now);
/* Lets go of all that waits; the half has no hole any more. */
void wst_waiting_drop(struct wst_flow_table *table, struct wst_flow *flow, unsigned side);
/* When something that happens now is noted to have happened: the packet's time or the table's
 * clock, whichever is later. Ages are held against the clock, which comes a packet late (expire.c):
 * so one packet from the future makes nothing old. */
int64_t wst_waiting_now(const struct wst_flow_table *table, const struct wst_arrival *arrival);
/* Another hole is the first now: its time begins. */
void wst_waiting_restart(struct wst_flow_table *table, struct wst_waiting *waiting,
                         const struct wst_arrival *arrival);
/* Keeps a copy of `bytes`, which are `len`; or, where bytes.p is NULL, notes `len` bytes that were
 * cut off. Where a piece is there already it stays, and the sink is told if it differs. False: a
 * limit of the flow or the budget was met on the way; the front that was kept by then stays. */
bool wst_waiting_keep(struct wst_flow_table *table, struct wst_flow *flow, unsigned side,
                      uint32_t seq, struct wst_slice bytes, uint32_t len,
                      const struct wst_arrival *arrival);
/* How many bytes the pieces stand for. */
uint64_t wst_waiting_bytes(const struct wst_waiting *waiting); /* NULL: none */

#endif
