/* SPDX-License-Identifier: MIT
 *
 * The last delivered bytes of the flows that matter, kept in one ring, so that a retransmission
 * can be held against what was delivered first. In: delivered slices. Out: how many bytes differ.
 * Forgets the oldest; what it has forgotten it cannot accuse.
 */
#ifndef WST_FLOW_OVERLAP_H
#define WST_FLOW_OVERLAP_H

#include <wstrace/types.h>

enum { OVERLAP_RECORDS = 2048, OVERLAP_CHAINS = 1024 };

struct wst_overlap_record {
    uint64_t at;     /* place of its first byte, counting all bytes ever written */
    uint32_t stream; /* of the flow; shared only with one that began anew under its number */
    uint32_t seq, len;
    uint8_t side;
    /* How many records ago the one before it in its chain was put down, and one from far before
     * it; 0: none that is remembered. */
    uint16_t before, far;
};

struct wst_overlap {
    uint8_t *ring;
    size_t size;      /* a power of two, or 0: remembers nothing */
    uint64_t written; /* bytes ever */
    uint64_t records_n;
    struct wst_overlap_record *records; /* OVERLAP_RECORDS, a ring too */
    /* The newest record of the directions that share a chain. A mirror that shows every packet
     * twice asks as often as it delivers: it must not look through all records each time. Nor may
     * whoever sends again what lies far back. */
    uint64_t newest[OVERLAP_CHAINS];
};

bool wst_overlap_init(struct wst_overlap *o, size_t size);
void wst_overlap_free(struct wst_overlap *o);
void wst_overlap_remember(struct wst_overlap *o, uint32_t stream, unsigned side, uint32_t seq,
                          struct wst_slice bytes);
/* How many of `bytes`, sent again at `seq`, differ from those remembered. */
uint64_t wst_overlap_differing(struct wst_overlap *o, uint32_t stream, unsigned side, uint32_t seq,
                               struct wst_slice bytes);

#endif
