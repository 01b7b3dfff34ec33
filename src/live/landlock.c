/* SPDX-License-Identifier: MIT
 *
 * In: the files that may still be opened. Out: a kernel that opens no other, and no port.
 * Refuses nothing where the kernel has no Landlock: the wall is then missing, not broken.
 */
#include "sandbox.h"

#include <stdio.h>

#ifdef __linux__

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (Documentation/userspace-api/landlock.rst), written out: the headers of
 * stable distributions know less of it than their kernels do. The numbers of the three calls are
 * the same on all architectures. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)

struct ruleset {
    uint64_t fs;     /* kinds of access that need a rule from now on; since version 1 */
    uint64_t net;    /* since version 4: TCP bind, connect */
    uint64_t scoped; /* since version 6: abstract sockets of, and signals to, those outside */
};
struct __attribute__((packed)) path_beneath {
    uint64_t allowed;
    int32_t parent;
};

/* Bits of `fs` by version: 13 first, then refer, truncate, nothing new, ioctl on devices. A kernel
 * refuses bits that it does not know. Ioctl is left out: terminals were opened before. */
static uint64_t fs_bits(int version)
{
    unsigned n = version >= 3 ? 15 : version == 2 ? 14 : 13;
    return (1ull << n) - 1;
}

static int refuse(char *error, const char *what)
{
    snprintf(error, WST_LIVE_ERROR_SIZE, "Landlock: %.120s: %s", what, strerror(errno));
    return -1;
}

static int allow(int rules, const char *name, uint64_t access, char *error)
{
    struct path_beneath rule = {access, open(name, O_PATH | O_CLOEXEC)};
    long rc;

    if (rule.parent < 0) return 0; /* what is not there need not be read */
    rc = syscall(ADD_RULE, rules, RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent);
    return rc == 0 ? 0 : refuse(error, name);
}

static int allow_all(int rules, const struct wst_live_sandbox *s, char *error)
{
    if (WST_LIVE_SANITIZED) return allow(rules, "/", FS_READ_FILE | FS_READ_DIR, error);
    for (size_t i = 0; i < s->readable_n; i++)
        if (allow(rules, s->readable[i], FS_READ_FILE, error) != 0) return -1;
    return 0;
}

int wst_live_wall_files(const struct wst_live_sandbox *s, char error[WST_LIVE_ERROR_SIZE])
{
    long version = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION), rules;
    struct ruleset attr = {.fs = fs_bits((int)version)};
    int rc = -1;

    if (version < 1) return 0; /* ENOSYS, or switched off at boot */
    if (version >= 4) attr.net = 3;
    if (version >= 6) attr.scoped = 3;
    rules = syscall(CREATE_RULESET, &attr, version >= 6 ? 24 : version >= 4 ? 16 : 8, 0);
    if (rules < 0) return refuse(error, "no rules");
    if (allow_all((int)rules, s, error) == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(RESTRICT_SELF, rules, 0) == 0)
            rc = 1;
        else
            refuse(error, "not enforced");
    }
    close((int)rules);
    return rc;
}

#else

int wst_live_wall_files(const struct wst_live_sandbox *s, char error[WST_LIVE_ERROR_SIZE])
{
    (void)s;
    (void)error;
    return 0;
}

#endif
