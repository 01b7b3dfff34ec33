/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: the same events in the same order, told by another thread: a golden is held
 * against what is said while the next packets are read.
 * Refuses to run ahead by more than a few batches: then the reader waits.
 */
#ifndef WST_TOOL_RELAY_H
#define WST_TOOL_RELAY_H

#include <stdbool.h>
#include <wstrace/wstrace.h>

struct wst_tool_relay; /* owned by who began it */

/* Who is told, and what it has no use for: `wants` (NULL: everything) is asked by the first thread
 * while the second one tells, and sees to->user. */
struct wst_tool_relay_end_point {
    struct wst_listener to;
    bool (*wants)(const void *user, const struct wst_event *event);
};

/* NULL when there is no thread or memory to be had, or one processor alone: feed `to` itself then.
 */
struct wst_tool_relay *wst_tool_relay_begin(const struct wst_tool_relay_end_point *end);
/* Feeds the relay, from one thread. */
struct wst_listener wst_tool_relay_listener(struct wst_tool_relay *relay);
/* Everything has been told when this returns. NULL: does nothing. */
void wst_tool_relay_end(struct wst_tool_relay *relay);

#endif
