/* SPDX-License-Identifier: MIT
 *
 * In: the number of a running thread. Out: a line for each thing it was made to try, and what came
 * of it: "open refused". Nothing in the tool helps with that: its registers are borrowed
 * (ptrace(2)), the call is made in its place, and it goes on as if nothing had been. Refuses with
 * status 77 where this cannot be done: another processor, no right to trace.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_WORK = 3, SKIP = 77, STEP_BACK = 4096 };

static int give_up(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return SKIP;
}

/* -- registers: a stopped thread has just made a call, so its instruction lies before it ----------
 */

#if defined(__x86_64__)
typedef struct user_regs_struct registers;
static uint64_t stack(const registers *r)
{
    return r->rsp;
}
static bool in_call(pid_t thread, const registers *r)
{
    return (ptrace(PTRACE_PEEKTEXT, thread, r->rip - 2, NULL) & 0xffff) == 0x050f; /* syscall */
}
static void prepare(registers *r, long number, const uint64_t a[6])
{
    r->rip -= 2;
    r->rax = (unsigned long)number;
    r->orig_rax = (unsigned long)-1; /* nothing to be taken up again */
    r->rdi = a[0], r->rsi = a[1], r->rdx = a[2], r->r10 = a[3], r->r8 = a[4], r->r9 = a[5];
}
static long result(const registers *r)
{
    return (long)r->rax;
}
#elif defined(__aarch64__)
typedef struct user_regs_struct registers;
static uint64_t stack(const registers *r)
{
    return r->sp;
}
static bool in_call(pid_t thread, const registers *r)
{
    long words = ptrace(PTRACE_PEEKTEXT, thread, r->pc - 4, NULL);
    return (words & 0xffffffff) == 0xd4000001; /* svc #0 */
}
static void prepare(registers *r, long number, const uint64_t a[6])
{
    r->pc -= 4;
    r->regs[8] = (unsigned long)number;
    for (int i = 0; i < 6; i++) r->regs[i] = a[i];
}
static long result(const registers *r)
{
    return (long)r->regs[0];
}
#else
#define NO_REGISTERS 1
#endif

#ifndef NO_REGISTERS

static int get(pid_t thread, registers *r)
{
    struct iovec all = {r, sizeof *r};
    return ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &all) == 0 ? 0 : -1;
}
static int set(pid_t thread, registers *r)
{
    struct iovec all = {r, sizeof *r};
    return ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &all) == 0 ? 0 : -1;
}

/* To the beginning of the call, or to its end; what else stops it is passed over. */
static int go(pid_t thread)
{
    int status;

    do {
        if (ptrace(PTRACE_SYSCALL, thread, NULL, NULL) != 0) return -1;
        if (waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) return -1;
    } while (WSTOPSIG(status) != (SIGTRAP | 0x80));
    return 0;
}

/* The call's result, as the kernel has it: -EPERM, not -1. 1: it could not be made. */
static long try(pid_t thread, const registers *before, long number, const uint64_t a[6])
{
    registers r = *before;

    prepare(&r, number, a);
    if (set(thread, &r) != 0 || go(thread) != 0 || go(thread) != 0 || get(thread, &r) != 0)
        return 1;
    return result(&r);
}

/* A text in its memory, far below its stack. Returns where; 0: no. */
static uint64_t put(pid_t thread, const registers *r, const char *text)
{
    uint64_t at = (stack(r) - STEP_BACK) & ~(uint64_t)7;
    char words[32] = "";
    long word;

    snprintf(words, sizeof words, "%s", text);
    for (size_t i = 0; i < sizeof words; i += sizeof word) {
        memcpy(&word, words + i, sizeof word);
        if (ptrace(PTRACE_POKEDATA, thread, at + i, word) != 0) return 0;
    }
    return at;
}

#define HERE (uint64_t) AT_FDCWD

static void reach(pid_t thread, const registers *r)
{
    const struct {
        const char *what, *text;
        long number;
        uint64_t a[6];
        int text_at; /* which argument the text is; -1: none */
    } calls[] = {
        {"itself",
         "",
         SYS_gettid,
         {0},
         -1}, /* allowed: so that the others' refusal means something */
        {"open", "/etc/passwd", SYS_openat, {HERE, 0, O_RDONLY}, 1},
        {"create", "/tmp/wstrace-reached", SYS_openat, {HERE, 0, O_WRONLY | O_CREAT, 0600}, 1},
        {"unlink", "/tmp/wstrace-reached", SYS_unlinkat, {HERE, 0, 0}, 1},
        {"socket", "", SYS_socket, {AF_INET, SOCK_STREAM, 0}, -1},
        {"local-socket", "", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, -1},
        {"packet-socket", "", SYS_socket, {AF_PACKET, SOCK_RAW, 0}, -1},
        {"exec", "/bin/true", SYS_execve, {0, 0, 0}, 0},
        {"fork", "", SYS_clone, {SIGCHLD, 0, 0, 0, 0}, -1},
        {"kill", "", SYS_kill, {(uint64_t)getppid(), 0}, -1},
        {"code",
         "",
         SYS_mmap,
         {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0},
         -1},
    };

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        uint64_t a[6], text = put(thread, r, calls[i].text);
        memcpy(a, calls[i].a, sizeof a);
        if (calls[i].text_at >= 0) a[calls[i].text_at] = text;
        long rc = text ? try(thread, r, calls[i].number, a) : 1;
        if (i == 0 && rc == thread)
            puts("itself done");
        else if (rc == -EPERM || rc == -EACCES)
            printf("%s refused\n", calls[i].what);
        else
            printf("%s %ld\n", calls[i].what, rc);
    }
}

int main(int argc, char **argv)
{
    pid_t thread = argc == 2 ? atoi(argv[1]) : 0;
    registers before;
    int status;

    if (thread <= 0) return fprintf(stderr, "usage: reach THREAD\n"), 2;
    if (ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACESYSGOOD) != 0)
        return give_up("may not trace");
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
        waitpid(thread, &status, __WALL) != thread || get(thread, &before) != 0)
        return give_up("cannot stop it");
    if (!in_call(thread, &before)) return AT_WORK;
    reach(thread, &before);
    if (set(thread, &before) != 0 || ptrace(PTRACE_DETACH, thread, NULL, NULL) != 0)
        return give_up("cannot let it go");
    return 0;
}

#else

int main(void)
{
    return give_up("the registers of this processor are not known here");
}

#endif
