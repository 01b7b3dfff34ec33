/* SPDX-License-Identifier: MIT
 *
 * In: the folders where a file may lie. Out: a file without a name.
 * Refuses to follow a name that somebody else may have laid there.
 */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Folders are told from files by what opening does: one without names asks for a folder. */
static int open_in(const char *folder)
{
    char name[PATH_MAX];
    int fd = -1, n;

#ifdef O_TMPFILE
    fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
#endif
    n = snprintf(name, sizeof name, "%s/wstrace-XXXXXX", folder);
    if (n < 0 || (size_t)n >= sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkstemp(name); /* O_EXCL: no link is followed */
    if (fd < 0) return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    unlink(name);
    return fd;
}

static int open_beside(const char *file)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(file, '/');
    size_t n = slash ? (size_t)(slash - file) : 0;

    if (strcmp(file, "-") == 0 || strncmp(file, "/dev/", 5) == 0 || n >= sizeof folder) return -1;
    if (slash == NULL) return open_in(".");
    memcpy(folder, file, n);
    folder[n] = '\0';
    return open_in(n ? folder : "/");
}

/* -- as the archive uses it -------------------------------------------------------------------- */

static int on_write(void *user, const uint8_t *p, size_t n)
{
    struct wst_tool_scratch *scratch = user;

    return wst_tool_output_write(&scratch->output, p, n);
}

static int64_t on_read(void *user, uint64_t at, uint8_t *p, size_t n)
{
    struct wst_tool_scratch *scratch = user;
    ssize_t got;

    do {
        got = pread(scratch->output.fd, p, n, (off_t)at);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) scratch->output.error = got < 0 ? errno : EIO;
    return got > 0 ? got : -1;
}

/* That it cannot be done leaves it as large as it is. */
static void on_cut(void *user, uint64_t n)
{
    struct wst_tool_scratch *scratch = user;
    int why = errno;

    if (ftruncate(scratch->output.fd, (off_t)n) != 0) errno = why;
}

bool wst_tool_scratch_open(struct wst_tool_scratch *scratch, const char *beside)
{
    const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    int *fd = &scratch->output.fd;

    *scratch = (struct wst_tool_scratch){
        .output.fd = -1,
        .spool = {.user = scratch, .write = on_write, .read = on_read, .cut = on_cut}};
    if (beside) *fd = open_beside(beside);
    for (size_t i = 0; *fd < 0 && i < sizeof folders / sizeof *folders; i++)
        if (folders[i] && *folders[i]) *fd = open_in(folders[i]);
    return *fd >= 0;
}

void wst_tool_scratch_close(struct wst_tool_scratch *scratch)
{
    if (scratch->output.fd >= 0) close(scratch->output.fd);
    scratch->output.fd = -1;
}
