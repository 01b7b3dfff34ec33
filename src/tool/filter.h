/* SPDX-License-Identifier: MIT
 *
 * In: the file of -F. Out: its text as one BPF expression.
 * Refuses what cannot be read, is larger than a filter ever is, or holds a zero byte.
 */
#ifndef WST_TOOL_FILTER_H
#define WST_TOOL_FILTER_H

/* "-" is standard input. Comments from '#' to the end of the line become blanks, as in tcpdump.
 * *text is malloc'ed, or NULL after a complaint. Returns 0, or the exit status. */
int wst_tool_filter_read(const char *name, char **text);

#endif
