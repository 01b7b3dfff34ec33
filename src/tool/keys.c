/* SPDX-License-Identifier: MIT
 *
 * In: key logs, private keys, and the secrets a capture holds. Out: the same in a context.
 * Refuses files that cannot be read; bytes are wiped as soon as they are handed over.
 */
#include "keys.h"

#include "broker.h"
#include "now.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum {
    CHUNK = 64 * 1024,
    PEM_MAX = 64 * 1024,
    LOOK_NS =
        1000 * 1000, /* between two looks at logs that grow: a pipe's next packet may be far */
    STAT_NS = 100 * 1000 * 1000, /* between two at whether it is still the same file: a connection
                                    may be over soon, and waits for no secrets then */
};

struct wst_tool_keylog {
    const char *name;
    int fd;       /* -1: not there yet */
    size_t n;     /* bytes of a line that is not whole */
    uint8_t *buf; /* CHUNK bytes, owned */
};

/* Secrets must not lie in a core file. */
static void no_core(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) /* whose leak check needs ptrace */
    prctl(PR_SET_DUMPABLE, 0); /* a core_pattern that is a pipe minds no limit */
#endif
}

/* Plain memset on memory that is not read again may be left out by the compiler. */
static void wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

static void warn(const char *name, int fd)
{
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)))
        wst_tool_say("warning: %s can be read by others, and opens this traffic to them", name);
}

/* `which`: its number among wst_tool_keys_names. */
static int open_file(const struct wst_tool_keys *keys, size_t which, const char *name)
{
    if (keys->broker) return wst_tool_broker_read(keys->broker, which);
    return open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
}

/* Everything from where reading stopped to the end. */
static void read_log(struct wst_tool_keys *keys, struct wst_tool_keylog *log, bool final)
{
    ssize_t n;

    while ((n = read(log->fd, log->buf + log->n, CHUNK - log->n)) > 0) {
        log->n += (size_t)n;
        size_t taken =
            wst_context_keylog(keys->context, (struct wst_slice){log->buf, log->n}, false);
        log->n -= taken;
        memmove(log->buf, log->buf + taken, log->n);
        wipe(log->buf + log->n, taken);
    }
    if (!final) return;
    wst_context_keylog(keys->context, (struct wst_slice){log->buf, log->n}, true);
    wipe(log->buf, log->n);
    log->n = 0;
}

/* A log that was cut or replaced is read from its beginning: what is known does no harm twice.
 * Returns whether it was. */
static bool begin_again(const struct wst_tool_keys *keys, size_t which)
{
    struct wst_tool_keylog *log = &keys->logs[which];
    struct stat here, there;
    off_t at = lseek(log->fd, 0, SEEK_CUR);
    int fd;

    if (at < 0 || fstat(log->fd, &here) != 0 || !S_ISREG(here.st_mode)) return false; /* a pipe */
    fd = open_file(keys, which, log->name);
    if (fd < 0 || fstat(fd, &there) != 0) there = here;
    if (here.st_ino != there.st_ino || here.st_dev != there.st_dev) {
        close(log->fd);
        log->fd = fd;
        log->n = 0;
        return true;
    }
    if (fd >= 0) close(fd);
    if (at <= here.st_size) return false;
    lseek(log->fd, 0, SEEK_SET);
    log->n = 0;
    return true;
}

static int open_log(struct wst_tool_keys *keys, const char *name, bool from_environment)
{
    struct wst_tool_keylog *log = &keys->logs[keys->logs_n];
    int fd = open_file(keys, keys->logs_n, name), why = errno;

    *log = (struct wst_tool_keylog){name, fd, 0, malloc(CHUNK)};
    warn(name, fd);
    if (log->buf == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    keys->logs_n++;
    if (log->fd >= 0) {
        read_log(keys, log, !keys->follow);
        return 0;
    }
    if (from_environment) return 0; /* meant for whoever writes it */
    if (keys->follow && why == ENOENT) {
        wst_tool_say("%s is not there yet; waiting for it", name);
        return 0;
    }
    wst_tool_say("%s: %s", name, strerror(why));
    return WST_TOOL_TROUBLE;
}

static int load_rsa_key(struct wst_tool_keys *keys, size_t which, const char *name)
{
    uint8_t pem[PEM_MAX];
    int fd = open_file(keys, which, name), status = WST_TOOL_TROUBLE;
    ssize_t n = fd < 0 ? -1 : read(fd, pem, sizeof pem);

    if (n < 0)
        wst_tool_say("%s: %s", name, strerror(errno));
    else if (wst_context_rsa_key(keys->context, (struct wst_slice){pem, (size_t)n}) != 0)
        wst_tool_say("%s: no RSA private key that can be read (PEM, without a password)", name);
    else
        status = 0;
    warn(name, fd);
    wipe(pem, sizeof pem);
    if (fd >= 0) close(fd);
    return status;
}

static const char *environment_log(void)
{
    const char *name = getenv("SSLKEYLOGFILE");

    return name && *name ? name : NULL;
}

bool wst_tool_keys_may_come(const struct wst_tool_key_options *options, bool growing)
{
    return growing && (options->keylogs_n || environment_log());
}

size_t wst_tool_keys_names(const struct wst_tool_key_options *options, const char **names)
{
    size_t n = 0;

    for (; n < options->keylogs_n; n++) names[n] = options->keylogs[n];
    if (environment_log()) names[n++] = environment_log();
    for (size_t i = 0; i < options->rsa_keys_n; i++) names[n++] = options->rsa_keys[i];
    return n;
}

int wst_tool_keys_open(struct wst_tool_keys *keys, struct wst_context *context,
                       const struct wst_tool_key_options *options, struct wst_tool_broker *broker,
                       bool follow)
{
    const char *environment = environment_log();
    int status = 0;

    *keys = (struct wst_tool_keys){.context = context, .broker = broker, .follow = follow};
    keys->logs = calloc(options->keylogs_n + 1, sizeof *keys->logs);
    if (keys->logs == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    if (environment || options->keylogs_n || options->rsa_keys_n) no_core();
    for (size_t i = 0; i < options->keylogs_n && status == 0; i++)
        status = open_log(keys, options->keylogs[i], false);
    if (environment && status == 0) status = open_log(keys, environment, true);
    for (size_t i = 0; i < options->rsa_keys_n && status == 0; i++)
        status = load_rsa_key(keys, keys->logs_n + i, options->rsa_keys[i]);
    if (status == 0 && options->keylogs_n && !follow && wst_context_secrets(context) == 0)
        wst_tool_say("warning: no secret was found in the key log");
    return status;
}

static bool time_to_look(struct wst_tool_keys *keys)
{
    int64_t ns = wst_tool_now_steady();

    if (ns - keys->looked_ns < LOOK_NS) return false;
    keys->looked_ns = ns;
    return true;
}

void wst_tool_keys_look(struct wst_tool_keys *keys, bool now)
{
    bool others;

    if (!keys->follow || keys->logs_n == 0 || (!time_to_look(keys) && !now)) return;
    others = now || keys->looked_ns - keys->stat_ns >= STAT_NS;
    if (others) keys->stat_ns = keys->looked_ns;
    for (size_t i = 0; i < keys->logs_n; i++) {
        struct wst_tool_keylog *log = &keys->logs[i];
        if (log->fd < 0) warn(log->name, log->fd = open_file(keys, i, log->name));
        if (log->fd < 0) continue;
        read_log(keys, log, now);
        if (others && begin_again(keys, i)) read_log(keys, log, now);
    }
}

void wst_tool_keys_close(struct wst_tool_keys *keys)
{
    for (size_t i = 0; i < keys->logs_n; i++) {
        if (keys->logs[i].fd >= 0) close(keys->logs[i].fd);
        if (keys->logs[i].buf) wipe(keys->logs[i].buf, CHUNK);
        free(keys->logs[i].buf);
    }
    free(keys->logs);
    *keys = (struct wst_tool_keys){0};
}

void wst_tool_keys_secrets(void *user, uint32_t type, struct wst_slice secrets)
{
    struct wst_tool_keys *keys = user;

    if (type != WST_CAPTURE_KEY_LOG) return;
    no_core();
    wst_context_keylog(keys->context, secrets, true);
}

void wst_tool_keys_say_closed(const struct wst_event_stats *stats, const char *what_not)
{
    if (stats->tls_no_key)
        wst_tool_say("%" PRIu64 " TLS %sconnection%s stayed closed and %s not %s: no key",
                     stats->tls_no_key, stats->quic ? "or QUIC " : "",
                     stats->tls_no_key == 1 ? "" : "s", stats->tls_no_key == 1 ? "was" : "were",
                     what_not);
}
