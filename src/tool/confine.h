/* SPDX-License-Identifier: MIT
 *
 * In: a run with everything open. Out: the same run, without root and without a way out.
 * Refuses to go on when what should be given up cannot be.
 */
#ifndef WST_TOOL_CONFINE_H
#define WST_TOOL_CONFINE_H

#include "options.h"

#include <wstrace/capture.h>

/* Who a run as root becomes: -Z, the user of sudo, or nobody. NULL: it is not root. */
const char *wst_tool_confine_user(const struct wst_tool_options *options);

/* Whose new files shall be: who it becomes, unless that is nobody or root. NULL: the caller's. */
const char *wst_tool_confine_owner(const struct wst_tool_options *options);

/* Before the first packet is looked at, and before the first thread. Returns 0 or the exit status
 * after a complaint. */
int wst_tool_confine(const struct wst_tool_options *options, struct wst_capture *capture);

#endif
