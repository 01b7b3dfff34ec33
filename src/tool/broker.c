/* SPDX-License-Identifier: MIT
 *
 * In: requests made of numbers. Out: descriptors of new files, or of those that may be read; files
 * that have taken the place of old ones.
 * Refuses what create.h and replace.h refuse: it may be root that opens a file here.
 */
#include "broker.h"

#include "create.h"
#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { CREATE, READ, REPLACE, KEEP, DROP, DEPOSIT };
enum { DESCRIPTORS = 1024 }; /* of a process, by default */

struct request {
    int64_t second; /* CREATE only */
    uint64_t count; /* all others: which file, but … */
    uint64_t kind;
    struct wst_tool_deposit deposit; /* … DEPOSIT: this one */
};

struct wst_tool_broker {
    int fd;
    pthread_mutex_t lock; /* from a request to its answer */
};

/* What the other process is: */
struct service {
    const struct wst_tool_brokered *files;
    struct wst_tool_replacement *begun; /* as many as files->replaced */
    struct wst_tool_deposits deposits;
    int at;
};

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

static int create(const struct service *s, const struct request *request)
{
    const struct wst_tool_naming *naming = &s->files->naming;
    char name[WST_TOOL_NAME_SIZE];
    int fd;

    if (!naming->pattern ||
        wst_tool_naming(naming, request->second, (unsigned)request->count, name) != 0) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = wst_tool_create(name, s->files->owner);
    if (fd >= 0 && ftruncate(fd, 0) != 0 && errno != EINVAL) { /* a pipe or device has no length */
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* What the request asks for: a descriptor; -1 with errno, 0 for what has none. */
static int obey(struct service *s, const struct request *request)
{
    const struct wst_tool_brokered *files = s->files;
    uint64_t i = request->count;
    bool replaced = i < files->replaced_n && files->replaced[i]; /* or standard output */

    errno = 0;
    switch ((enum kind)request->kind) {
    case CREATE: return create(s, request);
    case READ:
        if (i >= files->readable_n) break;
        return open(files->readable[i], O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    case REPLACE:
        if (!replaced) break;
        return wst_tool_replace_begin(&s->begun[i], files->replaced[i], files->owner);
    case KEEP:
    case DROP:
        if (!replaced) break;
        wst_tool_replace_end(&s->begun[i], request->kind == KEEP);
        return -1; /* no descriptor; errno is 0 when all is well */
    case DEPOSIT:
        if (!files->deposits) break;
        return wst_tool_deposit_open(&s->deposits, &request->deposit);
    }
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

/* What a shell writes for <(…): the name of a descriptor. -1: it is none. */
static int descriptor_of(const char *name)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

    if (strcmp(name, "/dev/stdin") == 0) return STDIN_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t n = strlen(folders[i]);
        char *end = NULL;
        if (strncmp(name, folders[i], n) != 0) continue;
        unsigned long fd = strtoul(name + n, &end, 10);
        if (end != name + n && *end == '\0' && fd < DESCRIPTORS) return (int)fd;
    }
    return -1;
}

/* Holds nothing but its socket, and descriptors that have names: no other pipe is kept open, no
 * packet read. An interrupt from the keyboard is for the other process. */
static void hold_nothing_but(const struct service *s)
{
    bool kept[DESCRIPTORS] = {false};

    if (s->at < DESCRIPTORS) kept[s->at] = true;
    if (s->files->deposits && s->files->folder < DESCRIPTORS) kept[s->files->folder] = true;
    for (size_t i = 0; i < s->files->readable_n; i++) {
        int fd = descriptor_of(s->files->readable[i]);
        if (fd >= 0) kept[fd] = true;
    }
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (!kept[fd]) close(fd);
    tzset();
}

static void serve(struct service *s)
{
    struct request request;

    hold_nothing_but(s);
    if (s->files->deposits) s->deposits = wst_tool_deposits(s->files->folder, s->files->owner);
    while (read(s->at, &request, sizeof request) == (ssize_t)sizeof request) {
        int fd = obey(s, &request);
        int rc = answer(s->at, fd);
        if (fd >= 0) close(fd);
        if (rc != 0) break;
    }
    for (size_t i = 0; i < s->files->replaced_n; i++) wst_tool_replace_end(&s->begun[i], false);
}

static pid_t start(const struct wst_tool_brokered *files, const int ends[2])
{
    struct service s = {.files = files, .at = ends[1]};
    pid_t child;

    s.begun = calloc(files->replaced_n + 1, sizeof *s.begun);
    if (s.begun == NULL) return -1;
    child = fork();
    if (child == 0) {
        serve(&s);
        _exit(0);
    }
    free(s.begun);
    return child;
}

struct wst_tool_broker *wst_tool_broker_start(const struct wst_tool_brokered *files)
{
    struct wst_tool_broker *broker = calloc(1, sizeof *broker);
    int ends[2], why;

    if (broker == NULL) return NULL;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
        broker->fd = ends[0];
        pid_t child = start(files, ends);
        why = errno;
        close(ends[1]);
        if (child > 0) {
            pthread_mutex_init(&broker->lock, NULL);
            return broker;
        }
        close(ends[0]);
        errno = why;
    }
    free(broker);
    return NULL;
}

void wst_tool_broker_end(struct wst_tool_broker *broker)
{
    if (broker == NULL) return;
    close(broker->fd);
    pthread_mutex_destroy(&broker->lock);
    free(broker);
}

/* A descriptor, or -1 with errno: 0 when there is none to be had and all is well. */
static int ask_alone(int broker, const struct request *request)
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

    if (write(broker, request, sizeof *request) != (ssize_t)sizeof *request) return -1;
    do n = recvmsg(broker, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof error) {
        if (n >= 0) errno = EIO;
        return -1;
    }
    head = CMSG_FIRSTHDR(&message);
    if (error == 0 && head && head->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    else if (message.msg_flags & MSG_CTRUNC) /* one came, and there was no number left for it */
        error = EMFILE;
    errno = error;
    return fd;
}

static int ask(struct wst_tool_broker *broker, struct request request)
{
    pthread_mutex_lock(&broker->lock);
    int fd = ask_alone(broker->fd, &request), why = errno;
    pthread_mutex_unlock(&broker->lock);
    errno = why;
    return fd;
}

int wst_tool_broker_create(struct wst_tool_broker *broker, int64_t second, unsigned count)
{
    return ask(broker, (struct request){second, count, CREATE, {0}});
}

int wst_tool_broker_read(struct wst_tool_broker *broker, size_t which)
{
    return ask(broker, (struct request){0, which, READ, {0}});
}

int wst_tool_broker_deposit(struct wst_tool_broker *broker, const struct wst_tool_deposit *which)
{
    return ask(broker, (struct request){0, 0, DEPOSIT, *which});
}

int wst_tool_broker_replace(struct wst_tool_broker *broker, size_t which)
{
    return ask(broker, (struct request){0, which, REPLACE, {0}});
}

int wst_tool_broker_settle(struct wst_tool_broker *broker, size_t which, bool keep)
{
    ask(broker, (struct request){0, which, keep ? KEEP : DROP, {0}});
    return errno == 0 ? 0 : -1;
}
