/* SPDX-License-Identifier: MIT
 *
 * Bytes of a stream, by offset, into their order (RFC 9000 section 2.2). In: pieces as packets
 * bring them. Out: the same from the front on; those in order are handed on where they lie, only
 * the others are copied. Refuses to keep more than its caps: then the first hole has to be given
 * up.
 */
#ifndef WST_QUIC_ORDER_H
#define WST_QUIC_ORDER_H

#include "budget.h"
#include "slice.h"

struct wst_quic_piece;

struct wst_quic_order {
    uint64_t next;               /* offset of the first byte not handed on yet */
    struct wst_quic_piece **all; /* what waits, by offset, apart from each other … */
    uint32_t first, pieces;      /* … from all[first] on, so many */
    uint32_t room;               /* of all[] */
    size_t kept;                 /* bytes of them */
};

struct wst_quic_caps {
    size_t bytes;
    uint32_t pieces;
};

/* Bytes at offset `at`, from packet `pkt` of the capture. *now: what of them is next, up to what is
 * kept already; when it was passed, the same bytes are put again, until there is none: what of them
 * is not next is kept then. False: there is no room for all of that, and what is in order->next's
 * way has to be given up. */
bool wst_quic_order_put(struct wst_quic_order *order, struct wst_budget *budget, uint64_t at,
                        struct wst_slice bytes, uint64_t pkt, const struct wst_quic_caps *caps,
                        struct wst_slice *now);
/* So many bytes were handed on. */
void wst_quic_order_pass(struct wst_quic_order *order, struct wst_budget *budget, uint64_t n);
/* What was kept and is next, and the packet that brought it; n == 0: nothing is. It stays until it
 * is passed. */
struct wst_slice wst_quic_order_next(const struct wst_quic_order *order, uint64_t *pkt);
/* Bytes missing before what is kept; 0: nothing is kept, or it is next. */
uint64_t wst_quic_order_hole(const struct wst_quic_order *order);
void wst_quic_order_free(struct wst_quic_order *order, struct wst_budget *budget);

#endif
