/* SPDX-License-Identifier: MIT
 *
 * In: a program and where its input and output go. Out: what the operating system says it spent,
 * on descriptor 3: "user-seconds system-seconds wall-seconds peak-RSS-KiB exit-status".
 * A program and not a function of the script: Linux lets a child inherit the peak of whoever
 * forked it, and an interpreter's is larger than the tool's.
 *
 *   spent [-c CORE] [-i FILE] [-o FILE | -p] PROGRAM [ARGUMENT...] 3> REPORT
 *
 * -p: output to a pipe that another process, not counted and not pinned, empties.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPORT = 3, TROUBLE = 125 };

static void fail(const char *what)
{
    fprintf(stderr, "spent: %s: %s\n", what, strerror(errno));
    _exit(TROUBLE);
}

static void become(int fd, int target)
{
    if (fd < 0 || dup2(fd, target) < 0) fail("descriptor");
    if (fd != target) close(fd);
}

static void pin(int core)
{
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) fail("pinning");
#else
    (void)core;
#endif
}

/* Returns the end to write to. */
static int drain(void)
{
    static char bytes[65536];
    int ends[2];
    if (pipe(ends) != 0) fail("pipe");
    pid_t reader = fork();
    if (reader < 0) fail("fork");
    if (reader == 0) {
        close(ends[1]);
        while (read(ends[0], bytes, sizeof bytes) > 0) continue;
        _exit(0);
    }
    close(ends[0]);
    return ends[1];
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static int report(pid_t child, const struct timespec *began)
{
    struct timespec ended;
    struct rusage u;
    int status;
    while (wait4(child, &status, 0, &u) < 0)
        if (errno != EINTR) fail("waiting");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
#ifdef __APPLE__
    u.ru_maxrss /= 1024; /* bytes there */
#endif
    dprintf(REPORT, "%.6f %.6f %.6f %ld %d\n", seconds(u.ru_utime), seconds(u.ru_stime),
            (double)(ended.tv_sec - began->tv_sec) +
                1e-9 * (double)(ended.tv_nsec - began->tv_nsec),
            u.ru_maxrss, status);
    return status;
}

int main(int argc, char **argv)
{
    struct timespec began;
    int core = -1, in = -1, out = -1, letter;
    while ((letter = getopt(argc, argv, "+c:i:o:p")) != -1) switch (letter) {
        case 'c': core = atoi(optarg); break;
        case 'i':
            if ((in = open(optarg, O_RDONLY)) < 0) fail(optarg);
            break;
        case 'o':
            if ((out = open(optarg, O_WRONLY | O_CREAT | O_TRUNC, 0666)) < 0) fail(optarg);
            break;
        case 'p': out = drain(); break;
        default: return TROUBLE;
        }
    if (optind == argc || fcntl(REPORT, F_GETFD) < 0) {
        fputs("usage: spent [-c CORE] [-i FILE] [-o FILE | -p] PROGRAM [ARGUMENT...] 3> REPORT\n",
              stderr);
        return TROUBLE;
    }
    clock_gettime(CLOCK_MONOTONIC, &began);
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        if (core >= 0) pin(core);
        if (in >= 0) become(in, STDIN_FILENO);
        if (out >= 0) become(out, STDOUT_FILENO);
        close(REPORT);
        execvp(argv[optind], argv + optind);
        fail(argv[optind]);
    }
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    return report(child, &began);
}
