/* SPDX-License-Identifier: MIT
 *
 * In: the name of a file. Out: the old text in it or the new one, whatever happens in between.
 * Refuses what is no file, and links that are not root's when it is root that writes; leaves no
 * piece of a file behind.
 */
#ifndef WST_TOOL_REPLACE_H
#define WST_TOOL_REPLACE_H

#include "folder.h"

#include <stdbool.h>

struct wst_tool_replacement {
    struct wst_tool_folder folder; /* where it is, resolved through links */
    char *temporary;               /* owned; its name there. NULL: nothing was begun */
};

/* A new file beside the old one, with the rights it will have. As root: whose file it will be when
 * there is no old one (a user's name; NULL: root's). Returns a descriptor, or -1 with errno;
 * EOPNOTSUPP: the name is no file that could be replaced; ELOOP: see folder.h. */
int wst_tool_replace_begin(struct wst_tool_replacement *replacement, const char *name,
                           const char *owner);
/* Puts it in the place of the old one, if `keep`, or throws it away. Returns 0, or -1 with errno.
 * Does nothing when nothing was begun. */
int wst_tool_replace_end(struct wst_tool_replacement *replacement, bool keep);

#endif
