/* SPDX-License-Identifier: MIT
 *
 * In: open files. Out: whole texts, read or written. Refuses what is too large.
 */
#include "whole.h"

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
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

/* Files are opened without waiting; a pipe's other end may write later. */
static void wait_for_bytes(int fd)
{
    int how = fcntl(fd, F_GETFL);

    if (how >= 0) fcntl(fd, F_SETFL, how & ~O_NONBLOCK);
}

void wst_tool_whole_read(int fd, const char *name, size_t most, uint8_t **text, size_t *n,
                         bool *missing, struct wst_tool_trouble *trouble)
{
    struct stat st;

    *text = NULL;
    *n = 0;
    *missing = fd < 0 && errno == ENOENT;
    if (fd < 0 || fstat(fd, &st) != 0) {
        wst_tool_trouble_add(trouble, "%s: %s", name, strerror(errno));
        if (fd >= 0) close(fd);
        return;
    }
    wait_for_bytes(fd);
    size_t size = S_ISREG(st.st_mode) && st.st_size > 0 ? (size_t)st.st_size : 0;
    if (size > most)
        wst_tool_trouble_add(trouble, "%s: has %zu MiB, more than the %zu MiB that are read", name,
                             size / MEBI, most / MEBI);
    else
        *text = read_all(fd, name, size ? size + 1 : FIRST, most, n, trouble);
    close(fd);
}

/* -- writing ----------------------------------------------------------------------------------- */

bool wst_tool_whole_begin(struct wst_tool_whole *w, const struct wst_tool_place *place,
                          struct wst_tool_trouble *trouble)
{
    *w = (struct wst_tool_whole){.place = *place};
    w->output.fd = wst_tool_broker_replace(place->broker, place->which);
    if (w->output.fd >= 0) return true;
    if (errno == EOPNOTSUPP)
        wst_tool_trouble_add(trouble, "%s: is no file that can be replaced", place->name);
    else if (errno == ELOOP)
        wst_tool_trouble_add(trouble, "%s: " WST_TOOL_CROSSED, place->name);
    else
        wst_tool_trouble_add(trouble, "%s: cannot be written: %s", place->name, strerror(errno));
    return false;
}

int wst_tool_whole_write(void *user, const uint8_t *p, size_t n)
{
    struct wst_tool_whole *w = user;

    return wst_tool_output_write(&w->output, p, n);
}

void wst_tool_whole_end(struct wst_tool_whole *w, bool keep, struct wst_tool_trouble *trouble)
{
    const struct wst_tool_place *place = &w->place;
    int *error = &w->output.error;

    if (keep && *error == 0 && fsync(w->output.fd) != 0 && errno != EINVAL) *error = errno;
    if (close(w->output.fd) != 0 && *error == 0) *error = errno;
    if (wst_tool_broker_settle(place->broker, place->which, keep && *error == 0) != 0)
        *error = errno;
    if (*error)
        wst_tool_trouble_add(trouble, "%s: cannot be written: %s", place->name, strerror(*error));
    *w = (struct wst_tool_whole){.output.fd = -1};
}
