/* SPDX-License-Identifier: MIT
 *
 * In: nothing. Out: a process that may only make the system calls on the lists below.
 * Refuses the others with EPERM: an attacker gains nothing by it, and a C library that tries
 * something new has a chance to do without.
 */
#include "sandbox.h"

#include <stdio.h>

#if WST_HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)

/* Whatever their arguments: they work on what is open, on memory, on time, on this process. Those
 * an architecture lacks have negative numbers and are passed over. */
static const int calls[] = {
    /* what is open */
    CALL(read),
    CALL(readv),
    CALL(pread64),
    CALL(write),
    CALL(writev),
    CALL(close),
    CALL(lseek),
    CALL(_llseek),
    CALL(ftruncate),
    CALL(ftruncate64),
    CALL(fstat),
    CALL(fstat64),
    CALL(fcntl),
    CALL(fcntl64),
    CALL(dup),
    CALL(dup2),
    CALL(dup3),
    CALL(fsync),
    CALL(fdatasync),
    CALL(fadvise64),
    CALL(fadvise64_64),
    CALL(poll),
    CALL(ppoll),
    CALL(ppoll_time64),
    CALL(select),
    CALL(_newselect),
    CALL(pselect6),
    CALL(pselect6_time64),
    CALL(pipe),
    CALL(pipe2),
    /* the packet socket, and descriptors handed over by the broker; a connection that was made
     * before, for replay */
    CALL(getsockopt),
    CALL(shutdown),
    CALL(recv),
    CALL(recvfrom),
    CALL(recvmsg),
    /* memory */
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    CALL(membarrier),
    /* threads */
    CALL(futex),
    CALL(futex_time64),
    CALL(set_robust_list),
    CALL(get_robust_list),
    CALL(rseq),
    CALL(set_tid_address),
    CALL(sched_yield),
    CALL(sched_getaffinity),
    CALL(gettid),
    CALL(exit),
    CALL(exit_group),
    CALL(restart_syscall),
    /* signals to oneself */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigtimedwait),
    CALL(sigaltstack),
    CALL(sigreturn),
    /* time, chance, who am I */
    CALL(clock_gettime),
    CALL(clock_gettime64),
    CALL(clock_getres),
    CALL(gettimeofday),
    CALL(time),
    CALL(nanosleep),
    CALL(clock_nanosleep),
    CALL(clock_nanosleep_time64),
    CALL(getrandom),
    CALL(getpid),
    CALL(getppid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
    CALL(uname),
    CALL(sysinfo),
    CALL(getrusage),
    CALL(times),
};

/* Questions to terminals and interfaces, and the terminal's modes; nothing that types for the user
 * (TIOCSTI). */
static const unsigned long ioctls[] = {
    TCGETS,    TCSETS,   TCSETSW,      TCSETSF,      TIOCGWINSZ,
    TIOCGPGRP, FIONREAD, SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFNAME,
};

/* In builds with sanitizers only: what these do at their end (trace their own process, read its
 * libraries, start a symbolizer's thread) changes from release to release. There everything else
 * is allowed but this, so that tests with sanitizers meet a wall, too. */
static const int refused_calls[] = {
    CALL(socket),      CALL(socketpair), CALL(connect),        CALL(bind),      CALL(listen),
    CALL(accept),      CALL(accept4),    CALL(execve),         CALL(execveat),  CALL(fork),
    CALL(vfork),       CALL(creat),      CALL(mkdir),          CALL(mkdirat),   CALL(unlink),
    CALL(unlinkat),    CALL(rename),     CALL(renameat),       CALL(renameat2), CALL(symlink),
    CALL(symlinkat),   CALL(link),       CALL(linkat),         CALL(chmod),     CALL(fchmod),
    CALL(fchmodat),    CALL(chown),      CALL(fchown),         CALL(fchownat),  CALL(mount),
    CALL(init_module), CALL(bpf),        CALL(io_uring_setup), CALL(setuid),    CALL(setgid),
};

/* libseccomp's macros, written out whole: its own leave the second datum of a comparison unsaid. */
static struct scmp_arg_cmp bits_are(unsigned argument, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, mask, value};
}
static struct scmp_arg_cmp is(unsigned argument, uint64_t value)
{
    return (struct scmp_arg_cmp){argument, SCMP_CMP_EQ, value, 0};
}

/* One call, when one argument (or some bits of it) is as said. */
static int add_when(scmp_filter_ctx filter, int call, struct scmp_arg_cmp when)
{
    return call < 0 ? 0 : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &when);
}

static int add_conditions(scmp_filter_ctx f)
{
    const uint64_t exec = PROT_EXEC;
    int rc = 0;

    rc |= add_when(f, CALL(mmap), bits_are(2, exec, 0));
    rc |= add_when(f, CALL(mmap2), bits_are(2, exec, 0));
    rc |= add_when(f, CALL(mprotect), bits_are(2, exec, 0));
    rc |= add_when(f, CALL(clone), bits_are(0, CLONE_THREAD, CLONE_THREAD));
    rc |= add_when(f, CALL(tgkill), is(0, (uint64_t)getpid()));
    rc |= add_when(f, CALL(prctl), is(0, PR_SET_NAME));
    rc |= add_when(f, CALL(prlimit64), is(2, 0));              /* asks */
    rc |= add_when(f, CALL(newfstatat), is(3, AT_EMPTY_PATH)); /* of what is open */
    rc |= add_when(f, CALL(statx), bits_are(2, AT_EMPTY_PATH, AT_EMPTY_PATH));
    for (size_t i = 0; i < sizeof ioctls / sizeof *ioctls; i++)
        rc |= add_when(f, CALL(ioctl), bits_are(1, 0xffffffff, ioctls[i]));
    /* Its flags lie in memory, where a filter cannot look: the C library then takes clone. */
    rc |= seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
    return rc;
}

static const uint64_t writes = O_ACCMODE | O_CREAT | O_TRUNC;

/* Only to read, and of these Landlock lets those named through. */
static int add_open(scmp_filter_ctx f)
{
    return add_when(f, CALL(openat), bits_are(2, writes, O_RDONLY)) |
           add_when(f, CALL(open), bits_are(1, writes, O_RDONLY));
}

static int allow_list(scmp_filter_ctx f, const struct wst_live_sandbox *sandbox)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof calls / sizeof *calls && rc == 0; i++)
        if (calls[i] >= 0) rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
    if (rc == 0) rc = add_conditions(f);
    return rc == 0 && sandbox->readable_n > 0 ? add_open(f) : rc;
}

static int refuse_list(scmp_filter_ctx f)
{
    const uint32_t no = SCMP_ACT_ERRNO(EPERM);
    int rc = 0;

    for (size_t i = 0; i < sizeof refused_calls / sizeof *refused_calls && rc == 0; i++)
        if (refused_calls[i] >= 0) rc = seccomp_rule_add(f, no, refused_calls[i], 0);
    for (uint64_t how = O_WRONLY; how <= O_RDWR && rc == 0; how++)
        rc = seccomp_rule_add(f, no, CALL(openat), 1, bits_are(2, O_ACCMODE, how));
    return rc;
}

static int refuse(char *error, int rc)
{
    snprintf(error, WST_LIVE_ERROR_SIZE, "seccomp: %s", strerror(rc < 0 ? -rc : EINVAL));
    return -1;
}

int wst_live_wall_calls(const struct wst_live_sandbox *sandbox, char error[WST_LIVE_ERROR_SIZE])
{
    scmp_filter_ctx f = seccomp_init(WST_LIVE_SANITIZED ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM));
    int rc;

    if (!f) return refuse(error, -ENOMEM);
    rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1); /* for all threads, if there are any */
    if (rc == 0) rc = WST_LIVE_SANITIZED ? refuse_list(f) : allow_list(f, sandbox);
    if (rc == 0) rc = seccomp_load(f);
    seccomp_release(f);
    return rc == 0 ? 1 : refuse(error, rc);
}

#else

int wst_live_wall_calls(const struct wst_live_sandbox *sandbox, char error[WST_LIVE_ERROR_SIZE])
{
    (void)sandbox;
    (void)error;
    return 0;
}

#endif
