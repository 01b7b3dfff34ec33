/* SPDX-License-Identifier: MIT
 *
 * In: open devices. Out: their packets, in the order in which they were read, as they come.
 * Refuses nothing; a device that goes away is a trouble, and the others go on.
 *
 *   kernel ──▶ reading thread ──▶ ring ──▶ the caller's thread ──▶ feed
 */
#ifndef WST_CAPTURE_LISTEN_H
#define WST_CAPTURE_LISTEN_H

#include "feed.h"
#include "live.h"
#include "ring.h"

/* The kernel counts what it drops. Looked at this often, so that it is known when. */
#define WST_LISTEN_COUNT_NS 50000000ll

struct wst_listen_device {
    struct wst_live *live; /* borrowed */
    bool gone, down;
    bool has;                   /* a packet of it waits for older ones of others: … */
    struct wst_packet head;     /* … this */
    int64_t until_ns;           /* without one: none that passed before can come */
    uint64_t received, dropped; /* at the last look */
};

struct wst_listen {
    struct wst_listen_device *devices;
    size_t n;
    size_t queue; /* bytes, as asked for */
    struct wst_ring ring;

    /* The reading thread's. */
    const struct wst_capture_sink *sink;
    uint32_t now;          /* device being read */
    int64_t counted_ns;    /* when it looked at the counters last */
    uint64_t lost;         /* dropped packets not told yet, … */
    int64_t lost_since_ns; /* … which passed at this time or later */

    /* Told from one thread to the other. */
    atomic_bool over;                   /* nobody takes packets any more */
    atomic_bool ended;                  /* nothing will come any more */
    atomic_int_least64_t read_until_ns; /* everything before it is in the ring */
    atomic_uint_least64_t received, dropped;
    uint64_t captured;
    bool running, done;
};

/* The listener keeps `live` but does not own it. 0, or -1 when out of memory. */
int wst_listen_add(struct wst_listen *listen, struct wst_live *live);
void wst_listen_free(struct wst_listen *listen);
/* Until wst_feed_over, or all devices are gone. Once. */
void wst_listen_run(struct wst_listen *listen, struct wst_feed *feed);
void wst_listen_counters(struct wst_listen *listen, uint64_t *captured, uint64_t *received,
                         uint64_t *dropped);
void wst_listen_queue(const struct wst_listen *listen, size_t *used, size_t *size);

#endif
