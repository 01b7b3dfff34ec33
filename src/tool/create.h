/* SPDX-License-Identifier: MIT
 *
 * In: the name of a file to be written, or of a folder for many, and whom root works for. Out: a
 * descriptor.
 * Refuses to let root follow a link that somebody else has laid.
 */
#ifndef WST_TOOL_CREATE_H
#define WST_TOOL_CREATE_H

/* Opens `name` to be written, and makes it when it is not there; nothing is cut off it. As root
 * with an `owner` (a user's name): as that user, if he may; else root does it for him, and a new
 * file is given to him, where that can be done. Returns -1 with errno; ELOOP: see folder.h. */
int wst_tool_create(const char *name, const char *owner);

/* A folder with nothing in it: makes `name`, unless it is there and empty. `owner` as above.
 * Returns -1 with errno; ENOTEMPTY: it holds something. */
int wst_tool_create_folder(const char *name, const char *owner);

#endif
