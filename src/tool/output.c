/* SPDX-License-Identifier: MIT
 *
 * In: finished output. Out: the same bytes in a file descriptor.
 * Refuses to write into one of its own inputs; a closed pipe ends it without a word.
 */
#include "output.h"

#include "attend.h"
#include "create.h"
#include "folder.h"
#include "progress.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCKED_MS = 100 };

/* Reading what oneself writes never ends, or destroys the capture. Only regular files: two ends
 * of one terminal or one /dev/null are no harm. */
bool wst_tool_output_is_input(const struct stat *out, const char *const *inputs, size_t inputs_n)
{
    for (size_t i = 0; i < inputs_n && S_ISREG(out->st_mode); i++) {
        struct stat in;
        int rc = strcmp(inputs[i], "-") == 0 ? fstat(STDIN_FILENO, &in) : stat(inputs[i], &in);
        if (rc == 0 && in.st_dev == out->st_dev && in.st_ino == out->st_ino) return true;
    }
    return false;
}

static int refuse(const struct wst_tool_output *output, const char *why)
{
    wst_tool_say("%s: %s", output->name, why);
    return WST_TOOL_TROUBLE;
}

static int refuse_open(const struct wst_tool_output *output)
{
    int why = errno;

    if (why == ELOOP && geteuid() == 0) return refuse(output, WST_TOOL_CROSSED);
    return refuse(output, strerror(why));
}

static int64_t start_of(int fd, const struct stat *st)
{
    int how = fcntl(fd, F_GETFL);

    if (!S_ISREG(st->st_mode)) return -1;
    return how >= 0 && (how & O_APPEND) ? (int64_t)st->st_size : (int64_t)lseek(fd, 0, SEEK_CUR);
}

/* Whoever empties the file while it grows, as logrotate does with copytruncate, is not to find a
 * hole as long as all that was there. */
static void append(int fd)
{
    int how = fcntl(fd, F_GETFL);

    if (how >= 0) (void)fcntl(fd, F_SETFL, how | O_APPEND);
}

int wst_tool_output_open(struct wst_tool_output *output, const char *name, const char *owner,
                         const char *const *inputs, size_t inputs_n)
{
    bool standard = name == NULL || strcmp(name, "-") == 0;
    struct stat st;

    *output =
        (struct wst_tool_output){.fd = STDOUT_FILENO, .name = standard ? "standard output" : name};
    if (!standard) output->fd = wst_tool_create(name, owner);
    if (output->fd < 0) return refuse_open(output);
    if (fstat(output->fd, &st) != 0) return refuse(output, strerror(errno));
    if (wst_tool_output_is_input(&st, inputs, inputs_n))
        return refuse(output, "is input and output at once; nothing was written");
    if (!standard && S_ISREG(st.st_mode) && ftruncate(output->fd, 0) != 0)
        return refuse(output, strerror(errno));
    output->named = !standard && S_ISREG(st.st_mode) && st.st_nlink > 0;
    output->start = start_of(output->fd, &st);
    if (!standard) append(output->fd);
    return 0;
}

/* Live: only as much at a time as a pipe takes without blocking, so that this can wait and speak.
 * Returns what may be written now; 0: nothing, and a moment has passed. */
static size_t piece(const struct wst_tool_output *output, size_t n, unsigned *ms)
{
    struct pollfd wait = {.fd = output->fd, .events = POLLOUT};

    if (output->attend == NULL) return n;
    if (n > PIPE_BUF) n = PIPE_BUF;
    if (poll(&wait, 1, BLOCKED_MS) > 0) return n;
    wst_tool_attend_blocked(output->attend, *ms += BLOCKED_MS);
    return 0;
}

int wst_tool_output_write(void *user, const uint8_t *p, size_t n)
{
    struct wst_tool_output *output = user;
    unsigned ms = 0; /* blocked so far */

    if (output->progress) wst_tool_progress_erase(output->progress);
    while (n > 0 && output->error == 0) {
        size_t now = piece(output, n, &ms);
        if (now == 0) continue;
        ssize_t written = write(output->fd, p, now);
        if (written >= 0) {
            p += written;
            n -= (size_t)written;
        } else if (errno == EAGAIN) { /* somebody left the pipe non-blocking */
            poll(&(struct pollfd){.fd = output->fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            output->error = errno;
        }
    }
    return output->error ? -1 : 0;
}

int wst_tool_output_cut(void *user, uint64_t n)
{
    struct wst_tool_output *output = user;
    off_t end = (off_t)(output->start + (int64_t)n);

    if (output->start < 0 || output->error == 0 || lseek(output->fd, 0, SEEK_END) < end ||
        ftruncate(output->fd, end) != 0 || lseek(output->fd, end, SEEK_SET) != end)
        return -1;
    output->cut = output->error;
    output->error = 0;
    return 0;
}

bool wst_tool_output_unwanted(const struct wst_tool_output *output)
{
    return output->error == EPIPE;
}

/* Somebody took the name away while it was written: nobody will find what is in it. */
static bool removed(const struct wst_tool_output *output)
{
    struct stat st;
    return output->named && fstat(output->fd, &st) == 0 && st.st_nlink == 0;
}

int wst_tool_output_close(struct wst_tool_output *output)
{
    if (output->fd < 0) return 0;
    bool gone = removed(output);
    if (close(output->fd) != 0 && output->error == 0) output->error = errno; /* quota, NFS */
    if (output->error == 0) output->error = output->cut;
    output->fd = -1;
    if (output->error && !wst_tool_output_unwanted(output))
        return refuse(output, strerror(output->error));
    if (gone) return refuse(output, "was removed while it was written, and what was in it is gone");
    return 0;
}

int wst_tool_stdout_done(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
    if (errno == EPIPE) return 0;
    wst_tool_say("standard output: %s", errno ? strerror(errno) : "cannot be written");
    return WST_TOOL_TROUBLE;
}
