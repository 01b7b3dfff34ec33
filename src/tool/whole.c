/* SPDX-License-Identifier: MIT
 *
 * In: names. Out: whole texts, read or written. Refuses what is too large.
 */
#include "whole.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEBI = 1 << 20, FIRST = 1 << 16 };

/* -- reading ----------------------------------------------------------------------------------- */

static uint8_t *read_all(int fd, const char *name, size_t room, size_t most, size_t *n,
                         struct wst_tool_trouble *trouble)
{
    uint8_t *text = malloc(room);

    for (*n = 0; text;) {
        ssize_t got = read(fd, text + *n, room - *n);
        if (got == 0) return text;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 || *n + (size_t)got > most) {
            if (got < 0)
                wst_tool_trouble_add(trouble, "%s: %s", name, strerror(errno));
            else
                wst_tool_trouble_add(trouble, "%s: more than the %zu MiB that are read", name,
                                     most / MEBI);
            free(text);
            return NULL;
        }
        *n += (size_t)got;
        if (*n < room) continue;
        uint8_t *more = realloc(text, room *= 2);
        if (more == NULL) free(text);
        text = more;
    }
    wst_tool_trouble_add(trouble, "%s: out of memory", name);
    return NULL;
}

void wst_tool_whole_read(const char *name, size_t most, uint8_t **text, size_t *n, bool *missing,
                         struct wst_tool_trouble *trouble)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat st;

    *text = NULL;
    *n = 0;
    *missing = fd < 0 && errno == ENOENT;
    if (fd < 0 || fstat(fd, &st) != 0) {
        wst_tool_trouble_add(trouble, "%s: %s", name, strerror(errno));
        if (fd >= 0) close(fd);
        return;
    }
    size_t size = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0;
    if (size > most)
        wst_tool_trouble_add(trouble, "%s: has %zu MiB, more than the %zu MiB that are read", name,
                             size / MEBI, most / MEBI);
    else
        *text = read_all(fd, name, size ? size + 1 : FIRST, most, n, trouble);
    close(fd);
}

/* -- writing ----------------------------------------------------------------------------------- */

static void let_go(struct wst_tool_whole *w)
{
    free(w->name);
    free(w->temporary);
    *w = (struct wst_tool_whole){.fd = -1};
}

/* A new file has the rights that open() would give it, a renewed one those it had. */
static void give_rights(int fd, const char *name)
{
    struct stat old;
    mode_t mask;

    if (stat(name, &old) == 0) {
        if (fchmod(fd, old.st_mode & 07777) != 0) return; /* a file system without rights */
        return;
    }
    mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0) return;
}

bool wst_tool_whole_begin(struct wst_tool_whole *w, const char *name,
                          struct wst_tool_trouble *trouble)
{
    static const char tail[] = ".XXXXXX";
    struct stat st;

    *w = (struct wst_tool_whole){.fd = -1};
    w->name = realpath(name, NULL); /* a link goes on pointing to the file */
    if (w->name == NULL) w->name = strdup(name);
    if (w->name) w->temporary = malloc(strlen(w->name) + sizeof tail);
    if (w->temporary == NULL) {
        wst_tool_trouble_add(trouble, "out of memory");
        let_go(w);
        return false;
    }
    if (stat(w->name, &st) == 0 && !S_ISREG(st.st_mode)) {
        wst_tool_trouble_add(trouble, "%s: is no file that can be replaced", name);
        let_go(w);
        return false;
    }
    strcat(strcpy(w->temporary, w->name), tail);
    w->fd = mkstemp(w->temporary);
    if (w->fd < 0) {
        wst_tool_trouble_add(trouble, "%s: cannot be written: %s", name, strerror(errno));
        let_go(w);
        return false;
    }
    give_rights(w->fd, w->name);
    return true;
}

int wst_tool_whole_write(void *user, const uint8_t *p, size_t n)
{
    struct wst_tool_whole *w = user;

    while (n > 0 && w->error == 0) {
        ssize_t written = write(w->fd, p, n);
        if (written >= 0) {
            p += written;
            n -= (size_t)written;
        } else if (errno != EINTR) {
            w->error = errno;
        }
    }
    return w->error ? -1 : 0;
}

void wst_tool_whole_end(struct wst_tool_whole *w, bool keep, struct wst_tool_trouble *trouble)
{
    if (keep && w->error == 0 && fsync(w->fd) != 0 && errno != EINVAL) w->error = errno;
    if (close(w->fd) != 0 && w->error == 0) w->error = errno;
    if (keep && w->error == 0 && rename(w->temporary, w->name) != 0) w->error = errno;
    if (!keep || w->error) unlink(w->temporary);
    if (w->error)
        wst_tool_trouble_add(trouble, "%s: cannot be written: %s", w->name, strerror(w->error));
    let_go(w);
}

bool wst_tool_whole_same(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}
