/* SPDX-License-Identifier: MIT
 *
 * In: a path. Out: the folder it leads to, held open, and the name in it.
 * Refuses to let root pass through a link that somebody else has laid.
 */
#ifndef WST_TOOL_FOLDER_H
#define WST_TOOL_FOLDER_H

#include <stdbool.h>

struct wst_tool_folder {
    int fd;      /* for openat(2) and the like; AT_FDCWD: the name is a whole path */
    char *name;  /* owned; NULL: nothing is open */
    bool linked; /* the last name given was a link; `name` is where it leads, … */
    bool follow; /* … unless it can only be followed: "/proc/self/fd/1" */
};

/* Where the last name is a link, goes where it leads. As root every link on the way (elsewhere than
 * on Linux only the last name) is refused that is not root's own, and nobody can lay one behind its
 * back: the folder is opened name by name. Returns 0, or -1 with errno: ELOOP, when there is such a
 * link. Close in either case. */
int wst_tool_folder_open(struct wst_tool_folder *folder, const char *path);
void wst_tool_folder_close(struct wst_tool_folder *folder);

/* What is said of ELOOP, as root. */
#define WST_TOOL_CROSSED "leads through a symbolic link of another user, which root does not follow"

#endif
