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

#endif
