/* SPDX-License-Identifier: MIT
 *
 * In: what watch.c gathered, and keys. Out: a full screen on the terminal.
 * Refuses to show a stranger's bytes as they are; where there is no terminal it says so.
 *
 *   table of connections ── enter ──▶ lines of one, and the chosen one in detail ── esc ──▶ table
 */
#ifndef WST_TOOL_SCREEN_H
#define WST_TOOL_SCREEN_H

#include "watch.h"

#include <wstrace/capture.h>

struct wst_tool_screen; /* owned by the caller; one at a time: ncurses has globals */

/* What the first line of the screen says beside what the watch knows. */
struct wst_tool_screen_status {
    const char *source;
    bool live; /* time goes on without packets */
    int64_t now_ns;
    uint64_t dropped;
    size_t memory;
};

/* Takes the terminal over; standard error is kept aside meanwhile. NULL after a complaint: there is
 * no terminal, or no memory, or this build has no ncurses. */
struct wst_tool_screen *wst_tool_screen_new(struct wst_tool_watch *watch);
/* Gives the terminal back, and shows what standard error was told. */
void wst_tool_screen_free(struct wst_tool_screen *screen);

/* Obeys the keys pressed; draws when a fifth of a second has passed or something was pressed. Cheap
 * to call often. Returns true when the user wants to leave. */
bool wst_tool_screen_attend(struct wst_tool_screen *screen,
                            const struct wst_tool_screen_status *status);
/* Until the user leaves. */
void wst_tool_screen_stay(struct wst_tool_screen *screen,
                          const struct wst_tool_screen_status *status);

#endif
