/* SPDX-License-Identifier: MIT
 *
 * In: the name of a file to be written, and whom root works for. Out: a descriptor.
 * Refuses to let root follow a link that somebody else has laid.
 */
#ifndef WST_TOOL_CREATE_H
#define WST_TOOL_CREATE_H

#include <stdbool.h>

/* Opens `name` to be written, and makes it when it is not there; nothing is cut off it. As root
 * with an `owner` (a user's name): as that user, if he may; else root does it for him, and a new
 * file is given to him, where that can be done. Returns -1 with errno; ELOOP: see
 * wst_tool_create_crossed. */
int wst_tool_create(const char *name, const char *owner);

/* Whether root would follow a symbolic link here that is not root's; and what is said then. */
#define WST_TOOL_CROSSED "is a symbolic link of another user, which root does not follow"
bool wst_tool_create_crossed(const char *name);

#endif
