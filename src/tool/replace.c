/* SPDX-License-Identifier: MIT
 *
 * In: a name. Out: a file of that name that is never seen half written: rename(2).
 * Refuses devices, pipes, folders, strangers' links, and links that lead nowhere.
 */
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 1000 };

static void forget(struct wst_tool_replacement *r)
{
    wst_tool_folder_close(&r->folder);
    free(r->temporary);
    r->temporary = NULL;
}

/* A new file has the rights that open() would give it, a renewed one those it had, and as far as
 * that can be done its owner. */
static void give_rights(int fd, const struct wst_tool_folder *at, const char *owner)
{
    const struct passwd *user = owner ? getpwnam(owner) : NULL;
    struct stat old;
    mode_t mask;

    if (fstatat(at->fd, at->name, &old, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(old.st_mode)) {
        if (fchmod(fd, old.st_mode & 0777) != 0) return; /* a file system without rights */
        if (fchown(fd, old.st_uid, old.st_gid) != 0) return; /* it is the caller's, then */
        return;
    }
    mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0) return;
    if (user && fchown(fd, user->pw_uid, user->pw_gid) != 0) return; /* it stays root's */
}

/* mkstemp(3), in a folder. */
static int make_beside(struct wst_tool_replacement *r)
{
    size_t room = strlen(r->folder.name) + sizeof ".XXXXXX";
    struct timespec t;
    int fd = -1;

    r->temporary = malloc(room);
    if (r->temporary == NULL) return -1;
    errno = EEXIST;
    for (int i = 0; i < TRIES && fd < 0 && errno == EEXIST; i++) {
        clock_gettime(CLOCK_REALTIME, &t);
        snprintf(r->temporary, room, "%s.%06x", r->folder.name,
                 (unsigned)(t.tv_nsec ^ ((long)getpid() << 8)) & 0xffffff);
        fd = openat(r->folder.fd, r->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    return fd;
}

static int make_temporary(struct wst_tool_replacement *r, const char *name)
{
    struct stat st;
    bool there;

    /* A link goes on pointing to the file. */
    if (wst_tool_folder_open(&r->folder, name) != 0) {
        if (errno == ENOENT && r->folder.linked) errno = EOPNOTSUPP;
        return -1;
    }
    there = fstatat(r->folder.fd, r->folder.name, &st, AT_SYMLINK_NOFOLLOW) == 0;
    /* /dev/stdout leads nowhere in a process without one, and must not become a file for all. */
    if (there ? !S_ISREG(st.st_mode) : r->folder.linked) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return make_beside(r);
}

int wst_tool_replace_begin(struct wst_tool_replacement *r, const char *name, const char *owner)
{
    int fd, why;

    wst_tool_replace_end(r, false);
    fd = make_temporary(r, name);
    why = errno;
    if (fd >= 0) {
        give_rights(fd, &r->folder, owner);
        return fd;
    }
    forget(r);
    errno = why;
    return -1;
}

int wst_tool_replace_end(struct wst_tool_replacement *r, bool keep)
{
    int why = 0;

    if (r->temporary == NULL) return 0;
    if (keep && renameat(r->folder.fd, r->temporary, r->folder.fd, r->folder.name) != 0)
        why = errno;
    if (!keep || why) unlinkat(r->folder.fd, r->temporary, 0);
    forget(r);
    errno = why;
    return why ? -1 : 0;
}
