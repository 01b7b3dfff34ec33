/* SPDX-License-Identifier: MIT
 *
 * In: requests of three numbers. Out: descriptors of new files, or of those that may be read.
 * Refuses symbolic links in place of a new file: it may be root that opens it.
 */
#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct request {
    int64_t second; /* READ: nothing */
    uint64_t count; /* READ: which file */
    uint64_t kind;
};
enum { WRITE, READ };

int wst_tool_naming(const struct wst_tool_naming *n, int64_t second, unsigned count,
                    char name[WST_TOOL_NAME_SIZE])
{
    size_t length = strlen(n->pattern);
    time_t when = (time_t)second;
    struct tm tm;
    int more = 0;

    if (length >= WST_TOOL_NAME_SIZE) return -1;
    memcpy(name, n->pattern, length + 1);
    if (n->by_time) {
        if (!localtime_r(&when, &tm)) return -1;
        length = strftime(name, WST_TOOL_NAME_SIZE, n->pattern, &tm);
        if (length == 0) return -1;
    }
    if (n->counted && (count > 0 || n->digits > 0))
        more = snprintf(name + length, WST_TOOL_NAME_SIZE - length, "%0*u", n->digits, count);
    return more >= 0 && (size_t)more < WST_TOOL_NAME_SIZE - length ? 0 : -1;
}

static int open_file(const struct wst_tool_naming *naming, const struct passwd *owner,
                     const struct request *request)
{
    char name[WST_TOOL_NAME_SIZE];
    int fd;

    if (!naming->pattern ||
        wst_tool_naming(naming, request->second, (unsigned)request->count, name) != 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0644);
    if (fd >= 0 && owner && fchown(fd, owner->pw_uid, owner->pw_gid) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_readable(const struct wst_tool_brokered *b, const struct request *request)
{
    if (request->count < b->readable_n)
        return open(b->readable[request->count], O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    errno = EPERM;
    return -1;
}

/* The answer is an errno, and beside it, when that is 0, the descriptor (unix(7), SCM_RIGHTS). */
static int answer(int to, int fd)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } rights = {0};
    int error = fd < 0 ? errno : 0;
    struct iovec data = {&error, sizeof error};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

    if (fd >= 0) {
        struct cmsghdr *head;
        message.msg_control = rights.space;
        message.msg_controllen = sizeof rights.space;
        head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    return sendmsg(to, &message, 0) == (ssize_t)sizeof error ? 0 : -1;
}

/* Holds nothing but its socket: no pipe is kept open, no packet read. An interrupt from the
 * keyboard is for the other process. */
static void serve(const struct wst_tool_brokered *b, int at)
{
    struct request request;
    const struct passwd *owner = b->owner ? getpwnam(b->owner) : NULL;

    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    for (int fd = 0; fd < 1024; fd++)
        if (fd != at) close(fd);
    tzset();
    while (read(at, &request, sizeof request) == (ssize_t)sizeof request) {
        int fd = request.kind == READ ? open_readable(b, &request)
                                      : open_file(&b->naming, owner, &request);
        int rc = answer(at, fd);
        if (fd >= 0) close(fd);
        if (rc != 0) break;
    }
}

int wst_tool_broker_start(const struct wst_tool_brokered *brokered)
{
    int ends[2];
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0) return -1;
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    child = fork();
    if (child == 0) {
        serve(brokered, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    if (child > 0) return ends[0];
    close(ends[0]);
    return -1;
}

static int ask(int broker, struct request request)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } rights;
    int error = EIO, fd = -1;
    struct iovec data = {&error, sizeof error};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = rights.space,
                             .msg_controllen = sizeof rights.space};
    const struct cmsghdr *head;
    ssize_t n;

    if (write(broker, &request, sizeof request) != (ssize_t)sizeof request) return -1;
    do n = recvmsg(broker, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof error) return -1;
    errno = error;
    head = CMSG_FIRSTHDR(&message);
    if (error == 0 && head && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

int wst_tool_broker_create(int broker, int64_t second, unsigned count)
{
    return ask(broker, (struct request){second, count, WRITE});
}

int wst_tool_broker_read(int broker, size_t which)
{
    return ask(broker, (struct request){0, which, READ});
}
