/* SPDX-License-Identifier: MIT
 *
 * In: SIGINT, SIGTERM, SIGHUP. Out: a capture that stops, so that the run ends in good order.
 * Refuses a second time: the next signal of the sort ends the program as it always would.
 */
#ifndef WST_TOOL_STOP_H
#define WST_TOOL_STOP_H

#include <wstrace/capture.h>

/* From now on the signals stop `capture`; with NULL, nothing. */
void wst_tool_stop_on_signals(struct wst_capture *capture);
/* Whether one has come. */
bool wst_tool_stopped(void);

#endif
