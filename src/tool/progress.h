/* SPDX-License-Identifier: MIT
 *
 * In: how far reading has come. Out: one line on a terminal, rewritten in place.
 * Refuses to show itself where standard error is no terminal, and in the first second.
 */
#ifndef WST_TOOL_PROGRESS_H
#define WST_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <wstrace/capture.h>

struct wst_tool_progress {
    const struct wst_capture *capture; /* NULL: never shows anything */
    int64_t next_ns;                   /* when to draw again, by a clock of this machine's own */
    uint64_t packets;
    bool shown;
};

/* `wanted` false: all calls do nothing. */
void wst_tool_progress_start(struct wst_tool_progress *progress, const struct wst_capture *capture,
                             bool wanted);
/* So many packets more. Cheap. */
void wst_tool_progress_step(struct wst_tool_progress *progress, size_t packets);
/* Shows `text` (trusted: nobody's payload) in place of the line; where standard error is no
 * terminal, as a line of its own. */
void wst_tool_progress_show(struct wst_tool_progress *progress, const char *text);
/* Takes the line off the screen, if it is there. */
void wst_tool_progress_erase(struct wst_tool_progress *progress);

#endif
