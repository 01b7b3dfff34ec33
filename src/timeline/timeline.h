/* SPDX-License-Identifier: MIT
 *
 * In: events of all connections, in the order of the packets that complete them. Out: the same,
 * numbered and counted, to one listener; of findings, those that were asked for.
 */
#ifndef WST_TIMELINE_TIMELINE_H
#define WST_TIMELINE_TIMELINE_H

#include <wstrace/wstrace.h>

#include "tally.h"

struct wst_timeline {
    struct wst_listener listener;
    uint64_t conns; /* numbers given out */
    bool nanos;     /* the capture counts nanoseconds */
    struct wst_event_stats stats;
    const struct wst_options *options;
    struct wst_counts counts;   /* of everything; stats.findings */
    struct wst_tallies tallies; /* of connections that may go on */
    uint64_t refused;           /* has no `end`: its tally goes with the next handshake. 0: none */
};

/* `options` and `budget` must outlive it. */
void wst_timeline_init(struct wst_timeline *timeline, const struct wst_listener *listener,
                       const struct wst_options *options, struct wst_budget *budget);
void wst_timeline_free(struct wst_timeline *timeline);
/* Passes an event on. *conn is its connection's number, given out when it is 0 and the event
 * belongs to one; conn NULL: it belongs to none. */
void wst_timeline_emit(struct wst_timeline *timeline, struct wst_event *event, uint64_t *conn);

#endif
