/* SPDX-License-Identifier: MIT
 *
 * In: a path. Out: a folder and a name in it.
 * Refuses, as root, links of others: a folder that somebody may write to can lead anywhere.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* O_PATH */
#endif
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef O_PATH
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

/* Root's, or where this root is nobody outside (unshare -r), of whom "/" belongs to: there all that
 * the system brought with it is his. */
static bool trusted(const struct stat *link)
{
    struct stat top;

    return link->st_uid == 0 || (stat("/", &top) == 0 && top.st_uid == link->st_uid);
}

static int open_whole(struct wst_tool_folder *f, const char *path)
{
    struct stat st;

    f->linked = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    if (f->linked && geteuid() == 0 && !trusted(&st)) {
        errno = ELOOP;
        return -1;
    }
    f->name = realpath(path, NULL);
    f->follow = f->linked && f->name == NULL;
    if (f->name == NULL) f->name = strdup(path);
    return f->name ? 0 : -1;
}

#ifdef O_PATH

enum { WALK = O_PATH | O_NOFOLLOW | O_CLOEXEC };

static void move_to(struct wst_tool_folder *f, int fd)
{
    if (f->fd >= 0) close(f->fd);
    f->fd = fd;
}

static bool begin(struct wst_tool_folder *f, const char *path)
{
    move_to(f, open(*path == '/' ? "/" : ".", WALK));
    return f->fd >= 0;
}

/* The last name, with the slashes that only a folder may have behind it. 1: the walk is over. */
static int arrive(struct wst_tool_folder *f, const char *name)
{
    f->name = strdup(*name ? name : ".");
    return f->name ? 1 : -1;
}

/* A folder on the way is opened as one, which makes an automounter mount it. */
static int look(const struct wst_tool_folder *f, const char *name, bool last)
{
    int fd = last ? -1 : openat(f->fd, name, WALK | O_DIRECTORY);

    return fd >= 0 || (!last && errno != ENOTDIR) ? fd : openat(f->fd, name, WALK);
}

/* Links in /proc lead to what is open, not to what they say; nobody can lay one there. */
static bool in_proc(const struct wst_tool_folder *f)
{
    struct statfs fs;

    return fstatfs(f->fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Puts what the link says in front of the rest of the way. */
static int read_link(struct wst_tool_folder *f, int link, char rest[PATH_MAX])
{
    char way[PATH_MAX];
    size_t left = strlen(rest);
    ssize_t n = readlinkat(link, "", way, sizeof way);

    if (n < 0) return -1;
    if ((size_t)n + left >= sizeof way) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memmove(rest + n, rest, left + 1);
    memcpy(rest, way, (size_t)n);
    return n == 0 || *way != '/' || begin(f, "/") ? 0 : -1;
}

static int follow(struct wst_tool_folder *f, int link, const char *name, char rest[PATH_MAX],
                  bool last)
{
    struct stat st;

    f->linked |= last;
    errno = ELOOP;
    if (fstat(link, &st) != 0 || !trusted(&st)) return -1;
    if (!in_proc(f)) return read_link(f, link, rest);
    if (last) {
        f->follow = true;
        return arrive(f, name);
    }
    move_to(f, openat(f->fd, name, O_PATH | O_CLOEXEC));
    return f->fd >= 0 ? 0 : -1;
}

/* One name of the way, taken off `rest`. 1: that was the last one. */
static int step(struct wst_tool_folder *f, char rest[PATH_MAX])
{
    size_t slashes = strspn(rest, "/"), n = strcspn(rest + slashes, "/");
    size_t behind = slashes + n + strspn(rest + slashes + n, "/");
    bool last = rest[behind] == '\0';
    char name[PATH_MAX];
    struct stat st;
    int fd, came, why;

    memcpy(name, rest + slashes, n);
    name[n] = '\0';
    if (n == 0) return arrive(f, name);
    fd = look(f, name, last);
    if (fd < 0) return last && errno == ENOENT ? arrive(f, rest + slashes) : -1;
    if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
        memmove(rest, rest + slashes + n, strlen(rest + slashes + n) + 1);
        came = follow(f, fd, name, rest, last);
    } else if (last) {
        came = arrive(f, rest + slashes);
    } else {
        memmove(rest, rest + behind, strlen(rest + behind) + 1);
        move_to(f, fd);
        return 0;
    }
    why = errno;
    close(fd);
    errno = why;
    return came;
}

static int walk(struct wst_tool_folder *f, const char *path)
{
    char rest[PATH_MAX];
    size_t n = strlen(path);
    int came;

    errno = n ? ENAMETOOLONG : ENOENT;
    if (n == 0 || n >= sizeof rest) return -1;
    memcpy(rest, path, n + 1);
    if (!begin(f, path)) return -1;
    for (int steps = 0; steps < PATH_MAX; steps++)
        if ((came = step(f, rest)) != 0) return came > 0 ? 0 : -1;
    errno = EMLINK; /* links in a circle */
    return -1;
}

#endif

int wst_tool_folder_open(struct wst_tool_folder *f, const char *path)
{
    *f = (struct wst_tool_folder){.fd = AT_FDCWD};
#ifdef O_PATH
    if (geteuid() == 0) return walk(f, path);
#endif
    return open_whole(f, path);
}

void wst_tool_folder_close(struct wst_tool_folder *f)
{
    int why = errno;

    if (f->fd >= 0) close(f->fd);
    free(f->name);
    *f = (struct wst_tool_folder){.fd = AT_FDCWD};
    errno = why;
}
