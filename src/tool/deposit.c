/* SPDX-License-Identifier: MIT */
#include "deposit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOW = O_WRONLY | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC, RIGHTS = 0666 };

void wst_tool_deposit_name(const struct wst_tool_deposit *d, char name[WST_TOOL_DEPOSIT_NAME])
{
    const char *dir = d->from_server ? "s2c" : "c2s", *kind = d->text ? "txt" : "bin";

    if (!d->stream)
        snprintf(name, WST_TOOL_DEPOSIT_NAME, "conn%" PRIu64 "-msg%" PRIu64 "-%s%s.%s", d->conn,
                 d->n, dir, d->beginning ? ".beginning" : "", kind);
    else if (d->n > 1)
        snprintf(name, WST_TOOL_DEPOSIT_NAME, "conn%" PRIu64 "-%s.%" PRIu64 ".%s", d->conn, dir,
                 d->n, kind);
    else
        snprintf(name, WST_TOOL_DEPOSIT_NAME, "conn%" PRIu64 "-%s.%s", d->conn, dir, kind);
}

/* Whose folder it is may have put something else in its place. */
static bool is_ours(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

struct wst_tool_deposits wst_tool_deposits(int folder, const char *owner)
{
    const struct passwd *user = owner && geteuid() == 0 ? getpwnam(owner) : NULL;

    if (user == NULL) return (struct wst_tool_deposits){.fd = folder};
    return (struct wst_tool_deposits){folder, true, user->pw_uid, user->pw_gid};
}

static int open_new(const struct wst_tool_deposits *folder, const char *name)
{
    int fd = openat(folder->fd, name, HOW | O_CREAT | O_EXCL, RIGHTS);

    /* Where files have no owners, or root may give none away, it stays root's. */
    if (fd >= 0 && folder->given && fchown(fd, folder->uid, folder->gid) != 0) return fd;
    return fd;
}

int wst_tool_deposit_open(const struct wst_tool_deposits *folder, const struct wst_tool_deposit *d)
{
    char name[WST_TOOL_DEPOSIT_NAME];
    int fd = -1;

    wst_tool_deposit_name(d, name);
    errno = 0;
    switch ((enum wst_tool_deposit_want)d->want) {
    case WST_TOOL_DEPOSIT_NEW: return open_new(folder, name);
    case WST_TOOL_DEPOSIT_AGAIN:
        fd = openat(folder->fd, name, HOW | O_APPEND | O_NONBLOCK); /* a pipe would be waited for */
        if (fd < 0 || is_ours(fd)) return fd;
        close(fd);
        break;
    case WST_TOOL_DEPOSIT_DROP: unlinkat(folder->fd, name, 0); return -1;
    }
    errno = EPERM;
    return -1;
}
