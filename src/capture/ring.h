/* SPDX-License-Identifier: MIT
 *
 * In: records of the thread that reads devices. Out: the same records, in order, to the thread
 * that parses them. Refuses to grow: when it is full the reader waits, and then the kernel's own
 * buffer fills. So nothing is ever lost here, and what is lost the kernel has counted.
 *
 *              tail                     head
 *   bytes  |    ├──────┬────┬────────────┤ room              |      size
 *                ▲ taken by the parser    ▲ written by the reader
 *
 * A record lies in one piece. What is too short for the next one at the end is skipped; and when
 * the ring has run empty, the reader goes back to its front: as long as the parser keeps up, the
 * same few pages of it stay in the processor's cache.
 */
#ifndef WST_CAPTURE_RING_H
#define WST_CAPTURE_RING_H

#include <stdatomic.h>
#include <wstrace/types.h>

enum wst_ring_kind {
    WST_RING_SKIP,    /* no record: go on at the front */
    WST_RING_PACKET,  /* data: captured bytes */
    WST_RING_DROPPED, /* `count` packets were dropped since `ns` */
    WST_RING_TROUBLE, /* data: a sentence about `device`, which is gone */
};

struct wst_ring_record {
    uint32_t room;      /* bytes to the next record; a multiple of 8. Set by the ring */
    uint32_t n;         /* of the data behind this head */
    int64_t ns;         /* time of the packet */
    uint64_t count;     /* packets dropped */
    uint32_t wire_len;  /* of the packet */
    uint32_t link_type; /* LINKTYPE_ number */
    uint32_t device;    /* which of them */
    uint8_t kind;       /* enum wst_ring_kind */
    bool nanos;
};

struct wst_ring {
    uint8_t *bytes; /* mapped; pages count once they are written to */
    size_t size;
    size_t reached; /* the reader's: how far it has written since pages were last given back */
    _Alignas(64) atomic_uint_least64_t head; /* bytes ever written; the reader's */
    _Alignas(64) atomic_uint_least64_t tail; /* bytes ever taken; the parser's */
    atomic_bool parser_sleeps, reader_sleeps;
    int parser_bell[2], reader_bell[2]; /* pipes: sleep on [0], ring at [1] */
};

enum wst_ring_cap {
    WST_RING_MIN = 1 << 20,   /* the longest record several times over */
    WST_RING_KEEP = 1 << 20,  /* what a burst filled beyond this is given back when it is over */
    WST_RING_FRONT = 1 << 19, /* how far an idle ring wanders: what a second-level cache holds */
};

/* `size` is rounded up to whole pages, WST_RING_MIN at least. 0; -1: out of memory or files. */
int wst_ring_init(struct wst_ring *ring, size_t size);
void wst_ring_free(struct wst_ring *ring); /* also one that is all zero */

/* -- the reader's side ------------------------------------------------------------------------ */

/* Room for a record with head->n bytes, `head` copied to it, pointer to its data; NULL: none now.
 */
uint8_t *wst_ring_begin(struct wst_ring *ring, const struct wst_ring_record *head);
/* The record is there to be taken. The parser may sleep on until wst_ring_wake. */
void wst_ring_commit(struct wst_ring *ring);
void wst_ring_wake(struct wst_ring *ring);
/* Waits until something was taken, `ms` at most. */
void wst_ring_wait_room(struct wst_ring *ring, int ms);

/* -- the parser's side ------------------------------------------------------------------------ */

/* The oldest record, its data behind it; NULL: empty. Stays until wst_ring_take. */
const struct wst_ring_record *wst_ring_look(struct wst_ring *ring);
void wst_ring_take(struct wst_ring *ring);
/* Waits until something was written, `ms` at most. A signal ends it early. */
void wst_ring_wait_record(struct wst_ring *ring, int ms);

/* Either side: bytes that wait. */
size_t wst_ring_used(const struct wst_ring *ring);

#endif
