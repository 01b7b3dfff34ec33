/* SPDX-License-Identifier: MIT
 *
 * Memory for very many small things that stay: taken in chunks, given back all at once, but for
 * grains, which may come and go. Refuses only what the system refuses; who takes a chunk has paid
 * for it from the budget.
 *
 * From 1 MiB on, chunks are cut from regions of 2 MiB that ask for a page of that size. With tens
 * of thousands of connections each packet is another one's, and its few lines lie in pages that the
 * processor has forgotten where to find: looking that up cost a tenth of the run.
 */
#ifndef WST_BASE_AREA_H
#define WST_BASE_AREA_H

#include <stddef.h>

enum { WST_AREA_REGION = 2 << 20, WST_AREA_GRAIN = 64 << 10 };

struct wst_area { /* zeroed: empty */
    void **regions;
    size_t n, room;
    unsigned char *cut; /* the next chunk of the newest region … */
    size_t left;        /* … and how much of it there is */
    unsigned char *gap; /* what was left out before a grain, for chunks that fit */
    size_t gap_left;
    void **given; /* grains whose memory the system has; there is room for all that were taken */
    size_t given_n, given_room, grains;
};

/* n bytes on a cache line of their own, with anything in them; n is a multiple of 64, and at most
 * 256 KiB: what is left of a region when it does not fit is lost. NULL: no memory. */
void *wst_area_take(struct wst_area *area, size_t n);
/* WST_AREA_GRAIN bytes at a multiple of it, with anything in them. NULL: no memory. */
void *wst_area_grain(struct wst_area *area);
/* The system has its memory back at once, and the region of it asks for no large page any more; the
 * place is used again for the next grain. */
void wst_area_give(struct wst_area *area, void *grain);
void wst_area_free(struct wst_area *area);

#endif
