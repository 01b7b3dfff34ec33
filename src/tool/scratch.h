/* SPDX-License-Identifier: MIT
 *
 * In: bytes that memory has no room for. Out: the same, from any place.
 * Refuses to leave anything behind: the file has no name, from the beginning where the system can.
 */
#ifndef WST_TOOL_SCRATCH_H
#define WST_TOOL_SCRATCH_H

#include "output.h"

#include <wstrace/har.h>

struct wst_tool_scratch {
    struct wst_tool_output output; /* its error: of reading, too */
    struct wst_har_spool spool;
};

/* Before the sandbox. In the folder of `beside` (NULL: none), else in TMPDIR, /var/tmp or /tmp.
 * False: nowhere, and errno says why. Close in either case. */
bool wst_tool_scratch_open(struct wst_tool_scratch *scratch, const char *beside);
void wst_tool_scratch_close(struct wst_tool_scratch *scratch);

#endif
