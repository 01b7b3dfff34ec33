/* SPDX-License-Identifier: MIT
 *
 * In: "cap-*.pcapng". Out: the files meant, in the order in which their packets came.
 * Refuses nothing: what matches nothing stays a name, and is missed as one.
 */
#ifndef WST_TOOL_PATTERN_H
#define WST_TOOL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct wst_tool_pattern {
    char **names; /* owned */
    size_t n;
};

/* Fills *pattern. False: `name` is the name of a file, not a pattern, or matches nothing; or there
 * is no memory. Free in either case. */
bool wst_tool_pattern_find(struct wst_tool_pattern *pattern, const char *name);
void wst_tool_pattern_free(struct wst_tool_pattern *pattern);

#endif
