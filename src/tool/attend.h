/* SPDX-License-Identifier: MIT
 *
 * In: a live capture, and how often somebody comes by. Out: what it owes between packets: output
 * that leaves soon, capture time that goes on, the lines of --stats and SIGUSR1, a word when the
 * output does not keep up. Refuses to do any of it more often than it can be seen.
 */
#ifndef WST_TOOL_ATTEND_H
#define WST_TOOL_ATTEND_H

#include <stdbool.h>
#include <stdint.h>
#include <wstrace/wstrace.h>

struct wst_tool_progress;

struct wst_tool_attend {
    struct wst_capture *capture; /* NULL: not live, all calls do nothing */
    struct wst_context *context;
    struct wst_render *render;          /* or NULL */
    struct wst_tool_progress *progress; /* where --stats is drawn on a terminal */
    int64_t period_ns;                  /* of --stats; 0: never */
    /* of a clock that nobody sets */
    int64_t now_ns, flushed_ns, ticked_ns, told_ns, looked_ns, blocked_ns;
    uint64_t frames, bytes; /* when --stats was told last */
    unsigned packets;       /* since the clock was read */
    bool behind;            /* it was said that the output does not keep up */
};

/* SIGUSR1 counts from now on. What is borrowed must outlive the calls. `seconds` 0: no --stats. */
void wst_tool_attend_start(struct wst_tool_attend *attend, struct wst_capture *capture,
                           struct wst_context *context, struct wst_render *render,
                           struct wst_tool_progress *progress, uint64_t seconds);
/* After each packet. Cheap. */
void wst_tool_attend_packet(struct wst_tool_attend *attend);
/* Nothing more is there now; all before `ns` has been seen. */
void wst_tool_attend_pause(struct wst_tool_attend *attend, int64_t ns);
/* The output has been blocked for `ms`, and waits on. */
void wst_tool_attend_blocked(struct wst_tool_attend *attend, unsigned ms);

/* tcpdump's three lines. */
void wst_tool_attend_counters(const struct wst_counters *counters);

#endif
