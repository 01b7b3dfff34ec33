/* SPDX-License-Identifier: MIT
 *
 * The sandbox and the loss of privileges, tried from inside: each case is a process of its own that
 * gives everything up, and then reaches for it.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

/* Runs `inside` in a child; its result is the number of the expectation that failed first, or 0. */
static int in_child(int (*inside)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) _exit(inside());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) fail_msg("killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* The number of the line that was not as it should be. */
#define EXPECT(what)                                                            \
    do {                                                                        \
        if (!(what)) {                                                          \
            dprintf(2, "line %d: %s (%s)\n", __LINE__, #what, strerror(errno)); \
            return 1;                                                           \
        }                                                                       \
    } while (0)

static bool denied(long result)
{
    return result < 0 && (errno == EPERM || errno == EACCES);
}

static int enter(const char *readable)
{
    char error[WST_LIVE_ERROR_SIZE] = "";
    struct wst_live_sandbox sandbox = {&readable, readable ? 1 : 0};
    int walls = wst_live_sandbox(&sandbox, error);
    if (walls < 0) dprintf(2, "%s\n", error);
    return walls;
}

static void skip_without_walls(void)
{
#ifndef __linux__
    skip();
#endif
}

/* -- what is refused --------------------------------------------------------------------------- */

static long maps_code(void)
{
    const int how = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, how, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int reach_out(void)
{
    char name[] = "true", *const argv[] = {name, NULL}, *const envp[] = {NULL};
    EXPECT(enter(NULL) & WST_LIVE_WALL_CALLS);
    if (!WST_LIVE_SANITIZED) EXPECT(denied(open("/etc/passwd", O_RDONLY)));
    EXPECT(denied(open("/tmp/wstrace-must-not-be", O_WRONLY | O_CREAT, 0600)));
    EXPECT(denied(open("/dev/null", O_RDWR)));
    EXPECT(denied(socket(AF_INET, SOCK_STREAM, 0)));
    EXPECT(denied(socket(AF_UNIX, SOCK_STREAM, 0)));
    EXPECT(denied(socket(AF_PACKET, SOCK_RAW, 0)));
    EXPECT(denied(execve("/bin/true", argv, envp)));
    EXPECT(denied(unlink("/tmp/wstrace-must-not-be")));
    EXPECT(denied(chmod("/", 0777)));
    if (!WST_LIVE_SANITIZED) EXPECT(denied(fork()));
    if (!WST_LIVE_SANITIZED) EXPECT(denied(kill(getppid(), 0)));
    if (!WST_LIVE_SANITIZED) EXPECT(denied(maps_code()));
    return 0;
}

static void test_nothing_can_be_reached(void **state)
{
    (void)state;
    skip_without_walls();
    assert_int_equal(in_child(reach_out), 0);
}

static pthread_barrier_t barrier;
static void *socket_of_thread(void *result)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    *(int *)result = denied(socket(AF_INET, SOCK_STREAM, 0));
    return NULL;
}

static int in_a_thread_of_before(void)
{
    pthread_t thread;
    int refused = 0;
    pthread_barrier_init(&barrier, NULL, 2);
    EXPECT(pthread_create(&thread, NULL, socket_of_thread, &refused) == 0);
    pthread_barrier_wait(&barrier);
    EXPECT(enter(NULL) & WST_LIVE_WALL_CALLS);
    pthread_barrier_wait(&barrier);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(refused);
    return 0;
}

static void test_threads_are_inside(void **state)
{
    (void)state;
    skip_without_walls();
    assert_int_equal(in_child(in_a_thread_of_before), 0);
}

/* -- what must go on --------------------------------------------------------------------------- */

static void *work(void *user)
{
    void *volatile bytes = malloc(1 << 20);
    free(bytes);
    return user;
}

static int live_on(void)
{
    int ends[2];
    char byte = 0;
    struct timespec t;
    pthread_t thread;
    void *returned = NULL, *volatile bytes;
    EXPECT(pipe(ends) == 0);
    EXPECT(enter(NULL) >= 0);
    EXPECT(write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'x');
    EXPECT((bytes = malloc(64 << 20)) != NULL);
    bytes = realloc(bytes, 96 << 20);
    EXPECT(bytes != NULL);
    free(bytes);
    EXPECT(clock_gettime(CLOCK_REALTIME, &t) == 0);
    EXPECT(pthread_create(&thread, NULL, work, &byte) == 0);
    EXPECT(pthread_join(thread, &returned) == 0 && returned == &byte);
    EXPECT(close(ends[0]) == 0);
    return 0;
}

static void test_work_goes_on(void **state)
{
    (void)state;
    assert_int_equal(in_child(live_on), 0);
}

static int read_what_was_named(void)
{
    int walls = enter("/etc/passwd"), fd;
    EXPECT(walls >= 0);
    EXPECT((fd = open("/etc/passwd", O_RDONLY)) >= 0);
    EXPECT(denied(open("/etc/passwd", O_WRONLY)));
    if (!WST_LIVE_SANITIZED && (walls & WST_LIVE_WALL_FILES))
        EXPECT(denied(open("/etc/group", O_RDONLY)));
    return 0;
}

static void test_named_files_stay_readable(void **state)
{
    (void)state;
    skip_without_walls();
    assert_int_equal(in_child(read_what_was_named), 0);
}

/* -- privileges -------------------------------------------------------------------------------- */

static bool no_capability_is_left(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    unsigned long long caps, sum = 0;
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "Cap%*3[A-Za-z]: %llx", &caps) == 1) sum |= caps;
    return status && fclose(status) == 0 && sum == 0;
}

static int become_nobody(void)
{
    char error[WST_LIVE_ERROR_SIZE] = "";
    EXPECT(wst_live_drop_privileges("nobody", error) == 0);
    EXPECT(getuid() != 0 && geteuid() != 0 && getgid() != 0 && getegid() != 0);
    EXPECT(getgroups(0, NULL) == 0);
    EXPECT(setuid(0) != 0 && seteuid(0) != 0);
    EXPECT(no_capability_is_left());
    EXPECT(access("/etc/shadow", R_OK) != 0);
    return 0;
}

static int stay_root(void)
{
    char error[WST_LIVE_ERROR_SIZE] = "";
    EXPECT(wst_live_drop_privileges("root", error) == 0);
    EXPECT(geteuid() == 0 && no_capability_is_left());
    return 0;
}

static int no_such_user(void)
{
    char error[WST_LIVE_ERROR_SIZE] = "";
    EXPECT(wst_live_drop_privileges("no-such-user-here", error) == -1);
    EXPECT(strstr(error, "there is no user no-such-user-here"));
    return 0;
}

static void test_privileges_are_given_up(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    assert_int_equal(in_child(become_nobody), 0);
    assert_int_equal(in_child(stay_root), 0);
    assert_int_equal(in_child(no_such_user), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_can_be_reached),
        cmocka_unit_test(test_threads_are_inside),
        cmocka_unit_test(test_work_goes_on),
        cmocka_unit_test(test_named_files_stay_readable),
        cmocka_unit_test(test_privileges_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
