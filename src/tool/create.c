/* SPDX-License-Identifier: MIT
 *
 * In: a name. Out: a file, opened with no more rights than it needs.
 * Refuses links that are not root's, when it is root that opens.
 */
#include "create.h"

#include "folder.h"
#include "say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOW = O_WRONLY | O_NOCTTY | O_CLOEXEC, RIGHTS = 0666 };
enum { FOLDER = O_RDONLY | O_DIRECTORY | O_CLOEXEC, FOLDER_RIGHTS = 0777 };

static int open_file(const char *name)
{
    return open(name, HOW | O_CREAT, RIGHTS);
}

/* Who may only read it is not who may have files put there, by root least of all. */
static int open_folder(const char *name)
{
    int fd = mkdir(name, FOLDER_RIGHTS) == 0 || errno == EEXIST ? open(name, FOLDER) : -1, why;

    if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0) return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* A directory that others may write to can hold whatever they put there under this name, and may
 * do so at any moment: a link that the walk has not seen is not followed. */
static int open_in(const struct wst_tool_folder *at, const struct passwd *owner)
{
    int fd;

    if (at->follow) return openat(at->fd, at->name, HOW | O_CREAT, RIGHTS);
    fd = openat(at->fd, at->name, HOW | O_CREAT | O_EXCL | O_NOFOLLOW, RIGHTS);
    /* Where files have no owners, or root may give none away, it stays root's. */
    if (fd >= 0 && owner && fchown(fd, owner->pw_uid, owner->pw_gid) != 0) return fd;
    if (fd >= 0 || errno != EEXIST) return fd;
    return openat(at->fd, at->name, HOW | O_NOFOLLOW);
}

/* With a slash behind its name a link is followed, O_NOFOLLOW or not. */
static void drop_slashes(char *name)
{
    for (size_t n = strlen(name); n > 1 && name[n - 1] == '/';) name[--n] = '\0';
}

static int open_folder_in(const struct wst_tool_folder *at, const struct passwd *owner)
{
    drop_slashes(at->name);
    bool made = mkdirat(at->fd, at->name, FOLDER_RIGHTS) == 0;
    int fd = made || errno == EEXIST ? openat(at->fd, at->name, FOLDER | O_NOFOLLOW) : -1;

    if (fd >= 0 && made && owner && fchown(fd, owner->pw_uid, owner->pw_gid) != 0) return fd;
    return fd;
}

static int open_as_root(const char *name, const struct passwd *owner,
                        int (*open_in_it)(const struct wst_tool_folder *, const struct passwd *))
{
    struct wst_tool_folder at;
    int fd = -1;

    if (wst_tool_folder_open(&at, name) == 0) fd = open_in_it(&at, owner);
    wst_tool_folder_close(&at);
    return fd;
}

/* With his rights, and his groups'. -1: he may not, or root may not become him. */
static int open_as(const char *name, const struct passwd *user, int (*open_it)(const char *))
{
    gid_t before[256];
    int groups = getgroups(sizeof before / sizeof *before, before), fd = -1, why = EPERM;

    /* In a container root may lack the right, or have groups that nobody can have there and that
     * could not be had back; then nothing has changed yet. */
    if (groups < 0 || setgroups((size_t)groups, before) != 0 ||
        initgroups(user->pw_name, user->pw_gid) != 0)
        return -1;
    if (setegid(user->pw_gid) == 0 && seteuid(user->pw_uid) == 0) {
        fd = open_it(name);
        why = errno;
    }
    /* Who cannot go back must not go on: what follows would be somebody else's work. */
    if (seteuid(0) != 0 || setegid(0) != 0 || setgroups((size_t)groups, before) != 0) {
        wst_tool_say("cannot be root again after %s was opened as %s: %s", name, user->pw_name,
                     strerror(errno));
        _exit(WST_TOOL_TROUBLE); /* maybe the broker's, who must not flush what it inherited */
    }
    errno = why;
    return fd;
}

int wst_tool_create(const char *name, const char *owner)
{
    const struct passwd *user = owner ? getpwnam(owner) : NULL;
    int fd = -1;

    if (geteuid() != 0) return open_file(name);
    if (user) fd = open_as(name, user, open_file);
    return fd >= 0 ? fd : open_as_root(name, user, open_in);
}

static bool is_empty(int fd)
{
    int other = openat(fd, ".", FOLDER); /* to be read from its beginning, and closed */
    DIR *folder = other >= 0 ? fdopendir(other) : NULL;
    const struct dirent *entry;
    bool empty = folder != NULL;

    if (folder == NULL && other >= 0) close(other);
    while (empty && (entry = readdir(folder)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (folder) closedir(folder);
    return empty;
}

int wst_tool_create_folder(const char *name, const char *owner)
{
    const struct passwd *user = owner ? getpwnam(owner) : NULL;
    int fd = -1;

    if (geteuid() != 0)
        fd = open_folder(name);
    else if (!user || (fd = open_as(name, user, open_folder)) < 0)
        fd = open_as_root(name, user, open_folder_in);
    if (fd < 0 || is_empty(fd)) return fd;
    close(fd);
    errno = ENOTEMPTY;
    return -1;
}
