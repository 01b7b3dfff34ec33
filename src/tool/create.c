/* SPDX-License-Identifier: MIT
 *
 * In: a name. Out: a file, opened with no more rights than it needs.
 * Refuses links that are not root's, when it is root that opens.
 */
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOW = O_WRONLY | O_NOCTTY | O_CLOEXEC, RIGHTS = 0666 };

bool wst_tool_create_crossed(const char *name)
{
    struct stat st;

    return geteuid() == 0 && lstat(name, &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid != 0;
}

/* A directory that others may write to can hold whatever they put there under this name. */
static int open_as_root(const char *name, const struct passwd *owner)
{
    int fd = open(name, HOW | O_CREAT | O_EXCL | O_NOFOLLOW, RIGHTS);

    /* Where files have no owners, or root may give none away, it stays root's. */
    if (fd >= 0 && owner && fchown(fd, owner->pw_uid, owner->pw_gid) != 0) return fd;
    if (fd >= 0 || errno != EEXIST) return fd;
    fd = open(name, HOW | O_NOFOLLOW);
    if (fd >= 0 || errno != ELOOP) return fd;
    if (!wst_tool_create_crossed(name)) return open(name, HOW | O_CREAT, RIGHTS);
    errno = ELOOP;
    return -1;
}

/* With his rights, and his groups'. -1: he may not, or root may not become him. */
static int open_as(const char *name, const struct passwd *user)
{
    gid_t before[256];
    int groups = getgroups(sizeof before / sizeof *before, before), fd = -1, why = EPERM;

    /* In a container root may lack the right; then nothing has changed yet. */
    if (groups < 0 || initgroups(user->pw_name, user->pw_gid) != 0) return -1;
    if (setegid(user->pw_gid) == 0 && seteuid(user->pw_uid) == 0) {
        fd = open(name, HOW | O_CREAT, RIGHTS);
        why = errno;
    }
    /* Who cannot go back must not go on: what follows would be somebody else's work. */
    if (seteuid(0) != 0 || setegid(0) != 0 || setgroups((size_t)groups, before) != 0) abort();
    errno = why;
    return fd;
}

int wst_tool_create(const char *name, const char *owner)
{
    const struct passwd *user = owner ? getpwnam(owner) : NULL;
    int fd = -1;

    if (geteuid() != 0) return open(name, HOW | O_CREAT, RIGHTS);
    if (user) fd = open_as(name, user);
    return fd >= 0 ? fd : open_as_root(name, user);
}
