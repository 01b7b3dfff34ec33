/* SPDX-License-Identifier: MIT
 *
 * In: a name. Out: a file of that name that is never seen half written: rename(2).
 * Refuses devices, pipes, folders, strangers' links, and links that lead nowhere.
 */
#include "replace.h"

#include "create.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(struct wst_tool_replacement *r)
{
    free(r->name);
    free(r->temporary);
    *r = (struct wst_tool_replacement){0};
}

/* The file's name, and one beside it. A link goes on pointing to the file. */
static bool find_names(struct wst_tool_replacement *r, const char *name)
{
    static const char tail[] = ".XXXXXX";

    r->name = realpath(name, NULL);
    if (r->name == NULL) r->name = strdup(name);
    if (r->name) r->temporary = malloc(strlen(r->name) + sizeof tail);
    if (r->temporary == NULL) return false;
    strcat(strcpy(r->temporary, r->name), tail);
    return true;
}

/* A new file has the rights that open() would give it, a renewed one those it had, and as far as
 * that can be done its owner. */
static void give_rights(int fd, const char *name, const char *owner)
{
    const struct passwd *user = owner ? getpwnam(owner) : NULL;
    struct stat old;
    mode_t mask;

    if (stat(name, &old) == 0) {
        if (fchown(fd, old.st_uid, old.st_gid) != 0) old.st_mode &= 0777; /* not s for another */
        if (fchmod(fd, old.st_mode & 07777) != 0) return; /* a file system without rights */
        return;
    }
    mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0) return;
    if (user && fchown(fd, user->pw_uid, user->pw_gid) != 0) return; /* it stays root's */
}

static bool is_link(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0 && S_ISLNK(st.st_mode);
}

static int make_temporary(struct wst_tool_replacement *r, const char *name)
{
    struct stat st;

    errno = ELOOP;
    if (wst_tool_create_crossed(name)) return -1;
    errno = ENOMEM;
    if (!find_names(r, name)) return -1;
    /* /dev/stdout leads nowhere in a process without one, and must not become a file for all. */
    if (is_link(r->name) || (stat(r->name, &st) == 0 && !S_ISREG(st.st_mode))) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return mkstemp(r->temporary);
}

int wst_tool_replace_begin(struct wst_tool_replacement *r, const char *name, const char *owner)
{
    int fd, why;

    wst_tool_replace_end(r, false);
    fd = make_temporary(r, name);
    why = errno;
    if (fd >= 0) {
        give_rights(fd, r->name, owner);
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
    if (keep && rename(r->temporary, r->name) != 0) why = errno;
    if (!keep || why) unlink(r->temporary);
    forget(r);
    errno = why;
    return why ? -1 : 0;
}
