/* SPDX-License-Identifier: MIT
 *
 * In: the command line of a command that reads captures as trace does, and shows them in its own
 * way. Out: its exit status.
 * Refuses to pour over a terminal what belongs into a file.
 */
#ifndef WST_TOOL_READING_H
#define WST_TOOL_READING_H

#include "options.h"

struct wst_tool_reading {
    const char *help;               /* what stands above the rows */
    const struct wst_tool_arg *own; /* rows in place of trace's group "Output"; may be NULL */
    size_t own_n;
    const char *thing; /* what is not for a terminal: "page"; NULL: nothing */
    int (*settle)(struct wst_tool_options *); /* what the options come to: 0, or the exit status
                                               * after a complaint; NULL: nothing to settle */
};

/* `options` hold their defaults and what the command sets; they are freed. */
int wst_tool_reading_run(const struct wst_tool_reading *reading, struct wst_tool_options *options,
                         int argc, char **argv);

#endif
