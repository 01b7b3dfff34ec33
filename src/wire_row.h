/* SPDX-License-Identifier: MIT
 *
 * Inside wire.c: the latest bytes of a direction, a piece for each packet that carried some.
 * In: bytes as they are delivered. Out: the piece that holds a place. Refuses to keep more bytes
 * than it is told, or more pieces than WST_WIRE_PIECES: then some are only counted, or not listed.
 */
#ifndef WST_WIRE_ROW_H
#define WST_WIRE_ROW_H

#include "buf.h"

enum { WST_WIRE_PIECES = 65536 }; /* of a direction: 90 MB of full segments */

struct wst_wire_piece { /* bytes that one packet carried */
    uint64_t at;        /* in the direction's bytes, from the first one seen */
    uint64_t pkt;
    uint8_t *bytes; /* NULL: more than may be kept */
    uint32_t seq, n;
};

struct wst_wire_row {
    struct wst_wire_piece *pieces; /* [first, first + n) of `room` */
    size_t first, n;
    uint32_t room;
    uint64_t end;      /* place behind the last byte delivered */
    uint64_t kept;     /* bytes in pieces */
    uint64_t unlisted; /* pieces that begin before this place may be missing; 0: none */
};

void wst_wire_row_add(struct wst_wire_row *row, struct wst_budget *budget, struct wst_slice bytes,
                      uint32_t seq, uint64_t pkt, size_t max);
/* What lies wholly before `place` is not needed any more. */
void wst_wire_row_trim(struct wst_wire_row *row, struct wst_budget *budget, uint64_t place);
/* The first piece, from `first` on, that does not lie wholly before `place`; n: none. */
size_t wst_wire_row_find(const struct wst_wire_row *row, uint64_t place);
void wst_wire_row_free(struct wst_wire_row *row, struct wst_budget *budget);

#endif
