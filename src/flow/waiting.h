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

#include "flow.h"

struct wst_piece {
    uint32_t seq, len;
    uint8_t *bytes; /* owned; NULL: cut off */
    uint64_t pkt;   /* that carried it */
};

struct wst_waiting {
    struct wst_piece *pieces; /* [first, first + n) are in use */
    uint32_t first, n, room;
    size_t bytes;     /* held by pieces */
    int64_t since_ns; /* when the first hole opened */
    uint32_t packets; /* of the flow since it was acknowledged; 0: it is not */
    uint32_t acked;   /* then: how far it was acknowledged … */
    int64_t acked_ns; /* … and when */
    uint8_t doubts;   /* acknowledgments in a row that take back what an earlier one said */
    uint8_t side;
    struct wst_flow *flow;
    struct wst_waiting *newer, *older; /* all halves with a hole, by since_ns */
};

struct wst_flow_table;

/* The half's, made when it has none; `now`: when its hole opened. NULL: no memory. */
struct wst_waiting *wst_waiting_of(struct wst_flow_table *table, struct wst_flow *flow,
                                   unsigned side, int64_t now);
/* Lets go of all that waits; the half has no hole any more. */
void wst_waiting_drop(struct wst_flow_table *table, struct wst_flow *flow, unsigned side);
/* The clock comes a packet late (expire.c). Ages are held against it: one packet from the future
 * makes nothing old. */
int64_t wst_waiting_now(const struct wst_flow_table *table, const struct wst_arrival *arrival);
/* Another hole is the first now: its time begins. */
void wst_waiting_restart(struct wst_flow_table *table, struct wst_waiting *waiting,
                         const struct wst_arrival *arrival);
/* A piece: `bytes`, or, when those are NULL, `len` bytes that were cut off. Where other bytes are
 * there already the sink is told of a conflict. False: a limit; what came before it is kept. */
bool wst_waiting_keep(struct wst_flow_table *table, struct wst_flow *flow, unsigned side,
                      uint32_t seq, struct wst_slice bytes, uint32_t len,
                      const struct wst_arrival *arrival);
/* How many bytes the pieces stand for. */
uint64_t wst_waiting_bytes(const struct wst_waiting *waiting); /* NULL: none */

#endif
