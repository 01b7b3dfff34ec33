/* SPDX-License-Identifier: MIT
 *
 * In: events of all connections, in the order of the packets that complete them. Out: the same,
 * numbered and counted, to one listener.
 */
#ifndef WST_TIMELINE_TIMELINE_H
#define WST_TIMELINE_TIMELINE_H

#include <wstrace/render.h>

struct wst_timeline {
    struct wst_listener listener;
    uint64_t conns; /* numbers given out */
    bool nanos;     /* the capture counts nanoseconds */
    struct wst_event_stats stats;
};

void wst_timeline_init(struct wst_timeline *timeline, const struct wst_listener *listener);
/* Passes an event on. *conn is its connection's number, given out when it is 0 and the event
 * belongs to one; conn NULL: it belongs to none. */
void wst_timeline_emit(struct wst_timeline *timeline, struct wst_event *event, uint64_t *conn);

#endif
