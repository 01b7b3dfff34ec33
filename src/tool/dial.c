/* SPDX-License-Identifier: MIT
 *
 * In: messages. Out: bytes on a connection; and the other way round.
 * Refuses to hold more than one message in each direction: who does not take what comes is sent
 * nothing more, on either side.
 *
 * The name is looked up and the connection made as a user without rights; what the server says is
 * read behind the same walls as a capture, and not understood here but for TLS.
 */
#include "dial.h"

#include "secure.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { DESCRIPTORS = 1024, MINUTE_MS = 60000 };
enum {
    LINGER_MS = 500,       /* behind our end, for the server's … */
    LINGER_BYTES = 1 << 20 /* … and what it says until then */
};
enum {
    END = WST_TOOL_SECURE_END,
    READ = WST_TOOL_SECURE_WANTS_READ,
    WRITE = WST_TOOL_SECURE_WANTS_WRITE,
    BROKEN = WST_TOOL_SECURE_FAILED
};

struct line { /* the connection */
    const struct wst_tool_dialled *to;
    int parser, fd;
    struct wst_replay_ends ends;
    struct wst_tool_secure *secure; /* or NULL */
    char error[WST_TOOL_SECURE_ERROR];
    struct wst_tool_dial_message out, in;
    size_t sent; /* of `out`; `out.n` 0: there is none */
    int read_wants, write_wants;
    bool in_due;    /* `in` waits for the parser */
    bool heard_end; /* the server's, and it was told or is due */
    bool said_end;  /* ours */
    bool cut;       /* the server takes no more; what it said before can still be read */
    int64_t said_end_ms;
    size_t lingered;
};

/* -- messages ---------------------------------------------------------------------------------- */

int wst_tool_dial_send(int dial, enum wst_tool_dial_kind kind, struct wst_slice bytes)
{
    struct wst_tool_dial_message m;
    ssize_t n;

    if (bytes.n > sizeof m.wire.bytes) bytes.n = sizeof m.wire.bytes;
    m.wire.kind = (uint8_t)kind;
    if (bytes.n) memcpy(m.wire.bytes, bytes.p, bytes.n);
    n = write(dial, &m.wire, bytes.n + 1);
    if (n >= 0) return 1;
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

int wst_tool_dial_take(int dial, struct wst_tool_dial_message *m)
{
    ssize_t n = read(dial, &m->wire, sizeof m->wire);

    if (n == 0) return -1;
    if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
    m->n = (size_t)n - 1;
    return 1;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- connecting -------------------------------------------------------------------------------- */

/* Whether `fd` is ready before the time is over; who asked for it may be gone before that. */
static bool ready(const struct line *l, int fd, short events, int64_t end_ms)
{
    struct pollfd polls[2] = {{fd, events, 0}, {l->parser, 0, 0}};

    for (int64_t now = now_ms(); now < end_ms; now = now_ms()) {
        int64_t left = end_ms - now;
        if (poll(polls, 2, left < MINUTE_MS ? (int)left : MINUTE_MS) < 0) continue;
        if (polls[1].revents) _exit(0);
        if (polls[0].revents) return true;
    }
    return false;
}

static int try_address(struct line *l, const struct addrinfo *a)
{
    int one = 1, why = 0;
    socklen_t size = sizeof why;

    l->fd = socket(a->ai_family, SOCK_STREAM, 0);
    if (l->fd < 0) return errno;
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(l->fd, a->ai_addr, a->ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS)
        why = errno;
    else if (!ready(l, l->fd, POLLOUT, now_ms() + l->to->timeout_ms))
        why = ETIMEDOUT;
    else if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
        why = errno;
    if (why) close(l->fd);
    return why;
}

static bool connect_any(struct line *l)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    char port[8];
    int rc, why = 0;

    const struct wst_replay_proxy *proxy = l->to->proxy;
    const char *whose = proxy ? "the proxy's " : "";

    snprintf(port, sizeof port, "%u", (unsigned)(proxy ? proxy->port : l->to->port));
    rc = getaddrinfo(proxy ? proxy->host : l->to->host, port, &hints, &all);
    if (rc != 0) {
        snprintf(l->error, sizeof l->error, "%s%s", proxy ? "proxy: " : "",
                 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return false;
    }
    for (const struct addrinfo *a = all; a; a = a->ai_next)
        if ((why = try_address(l, a)) == 0) break;
    freeaddrinfo(all);
    if (why) snprintf(l->error, sizeof l->error, "%sport %s: %s", whose, port, strerror(why));
    return why == 0;
}

/* All of it: what it says first is short. */
static bool write_all(struct line *l, struct wst_slice bytes, int64_t end_ms)
{
    while (bytes.n > 0) {
        ssize_t n = write(l->fd, bytes.p, bytes.n);
        if (n > 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
        } else if ((errno != EAGAIN && errno != EINTR) || !ready(l, l->fd, POLLOUT, end_ms)) {
            return false;
        }
    }
    return true;
}

static bool pass_proxy(struct line *l)
{
    int64_t end_ms = now_ms() + l->to->timeout_ms;
    struct wst_replay_tunnel t;
    const char *failure = NULL;
    bool answers = false; /* what was said last */
    size_t want;

    wst_replay_tunnel_begin(&t, l->to->proxy, l->to->host, l->to->port);
    for (;;) {
        struct wst_slice said = wst_replay_tunnel_says(&t);
        uint8_t bytes[512];
        ssize_t n;
        if (said.n) answers = false;
        if (!write_all(l, said, end_ms)) failure = "the proxy takes nothing";
        if (failure || (want = wst_replay_tunnel_wants(&t)) == 0) break;
        n = read(l->fd, bytes, want < sizeof bytes ? want : sizeof bytes);
        if (n > 0) {
            answers = true;
            wst_replay_tunnel_hears(&t, (struct wst_slice){bytes, (size_t)n});
        } else if (n == 0) {
            failure = "the proxy ended the connection";
        } else if (errno != EAGAIN && errno != EINTR) {
            failure = "the proxy reset the connection";
        } else if (!ready(l, l->fd, POLLIN, end_ms)) {
            failure =
                answers ? "the proxy does not go on with its answer" : "the proxy does not answer";
        }
    }
    if (failure == NULL) failure = wst_replay_tunnel_failure(&t);
    if (failure) snprintf(l->error, sizeof l->error, "%s", failure);
    return failure == NULL;
}

static bool shake_hands(struct line *l)
{
    int64_t end_ms = now_ms() + l->to->timeout_ms;
    int state = BROKEN;

    if (!wst_tool_secure_attach(l->secure, l->fd)) {
        snprintf(l->error, sizeof l->error, "TLS: '%.100s' is no name for it", l->to->host);
        return false;
    }
    while ((state = wst_tool_secure_handshake(l->secure, l->error)) < 0 && state != BROKEN)
        if (!ready(l, l->fd, state == READ ? POLLIN : POLLOUT, end_ms)) {
            snprintf(l->error, sizeof l->error,
                     "TLS: the server does not go on with the handshake");
            return false;
        }
    return state > 0;
}

static void take_end(const struct sockaddr_storage *s, uint8_t *ip, uint16_t *port)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)s;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)s;

    if (s->ss_family == AF_INET6)
        memcpy(ip, &six->sin6_addr, 16);
    else
        memcpy(ip, &four->sin_addr, 4);
    *port = ntohs(s->ss_family == AF_INET6 ? six->sin6_port : four->sin_port);
}

/* Nobody answers that behind the walls. */
static bool note_ends(struct line *l)
{
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_size = sizeof own, peer_size = sizeof peer;

    if (getsockname(l->fd, (struct sockaddr *)&own, &own_size) != 0 ||
        getpeername(l->fd, (struct sockaddr *)&peer, &peer_size) != 0) {
        snprintf(l->error, sizeof l->error, "%s", strerror(errno));
        return false;
    }
    l->ends.family = own.ss_family == AF_INET6 ? 6 : 4;
    take_end(&own, l->ends.client_ip, &l->ends.client_port);
    take_end(&peer, l->ends.server_ip, &l->ends.server_port);
    return true;
}

/* -- carrying ---------------------------------------------------------------------------------- */

static int receive(struct line *l, uint8_t *p, size_t n)
{
    ssize_t got;

    if (l->secure) return wst_tool_secure_read(l->secure, p, n);
    got = read(l->fd, p, n);
    if (got >= 0) return (int)got;
    return errno == EAGAIN || errno == EINTR ? READ : BROKEN;
}

static int transmit(struct line *l, const uint8_t *p, size_t n)
{
    ssize_t done;

    if (l->secure) return wst_tool_secure_write(l->secure, p, n);
    done = write(l->fd, p, n);
    if (done > 0) return (int)done;
    return done == 0 || errno == EAGAIN || errno == EINTR ? WRITE : BROKEN;
}

static void hear(struct line *l)
{
    int n = receive(l, l->in.wire.bytes, sizeof l->in.wire.bytes);

    l->read_wants = n;
    if (n == READ || n == WRITE) return;
    l->in_due = true;
    l->in.n = n > 0 ? (size_t)n : 0;
    l->in.wire.kind = n > 0                   ? WST_TOOL_DIAL_DATA
                      : n == BROKEN || l->cut ? WST_TOOL_DIAL_RESET
                                              : WST_TOOL_DIAL_END;
    l->heard_end = n <= 0;
    if (l->said_end) l->lingered += l->in.n;
}

static void speak(struct line *l)
{
    int n = transmit(l, l->out.wire.bytes + l->sent, l->out.n - l->sent);

    l->write_wants = n;
    l->cut = l->cut || n == BROKEN || n == END;
    if (n > 0) l->sent += (size_t)n;
    if (l->cut || l->sent >= l->out.n) l->out.n = l->sent = 0;
}

static void end_ours(struct line *l)
{
    l->said_end = true;
    l->said_end_ms = now_ms();
    if (l->secure) wst_tool_secure_shut(l->secure);
    shutdown(l->fd, SHUT_WR);
}

/* Returns false when there is nobody any more to carry for. */
static bool take(struct line *l)
{
    int rc = wst_tool_dial_take(l->parser, &l->out);

    if (rc <= 0 || l->out.wire.kind != WST_TOOL_DIAL_DATA) l->out.n = 0;
    l->sent = 0;
    if (rc > 0 && l->out.wire.kind == WST_TOOL_DIAL_END) end_ours(l);
    return rc >= 0;
}

static bool tell(struct line *l)
{
    struct wst_slice bytes = {l->in.wire.bytes, l->in.n};
    int rc = wst_tool_dial_send(l->parser, (enum wst_tool_dial_kind)l->in.wire.kind, bytes);

    if (rc > 0) l->in_due = false;
    return rc >= 0;
}

static bool carried(const struct line *l)
{
    if (!l->said_end || l->in_due) return false;
    return l->heard_end || l->lingered > LINGER_BYTES || now_ms() - l->said_end_ms >= LINGER_MS;
}

static void carry(struct line *l)
{
    while (!carried(l)) {
        bool hears = !l->in_due && !l->heard_end, speaks = l->out.n > 0;
        struct pollfd polls[2] = {{l->fd, 0, 0}, {l->parser, 0, 0}};
        int wait = l->said_end ? LINGER_MS : -1;

        if (hears) polls[0].events |= l->read_wants == WRITE ? POLLOUT : POLLIN;
        if (speaks) polls[0].events |= l->write_wants == READ ? POLLIN : POLLOUT;
        if (polls[0].events == 0) polls[0].fd = -1; /* else its end would be told again and again */
        if (!speaks && !l->said_end) polls[1].events |= POLLIN;
        if (l->in_due) polls[1].events |= POLLOUT;
        if (hears && l->secure && wst_tool_secure_pending(l->secure)) wait = 0;
        if (poll(polls, 2, wait) < 0) continue;
        if (hears && (polls[0].revents || wait == 0)) hear(l);
        if (speaks && l->out.n > 0 && polls[0].revents) speak(l);
        if (polls[1].revents & POLLIN && !take(l)) return;
        if (l->in_due && !tell(l)) return;
        if (polls[1].revents & (POLLERR | POLLHUP) && !(polls[1].revents & POLLIN)) return;
    }
}

/* -- the process ------------------------------------------------------------------------------- */

static void hold_nothing_but(int parser)
{
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        if (fd != parser && fd != STDERR_FILENO) close(fd);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* Whoever is sent away while a name is being looked up does not come back for it. */
static void end_with_parser(void)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

static bool open_line(struct line *l)
{
    const struct wst_tool_dialled *to = l->to;
    struct wst_tool_dial_message go;

    /* Files first: what may be root's. */
    if (to->secure && (l->secure = wst_tool_secure_new(to->host, to->insecure, l->error)) == NULL)
        return false;
    if (wst_tool_confine_drop(to->confinement) != 0) _exit(0);
    end_with_parser();
    if (!ready(l, l->parser, POLLIN, INT64_MAX / 2) || wst_tool_dial_take(l->parser, &go) <= 0 ||
        go.wire.kind != WST_TOOL_DIAL_GO)
        _exit(0);
    if (!connect_any(l) || !note_ends(l)) return false;
    if (!to->confinement->no_sandbox && /* the parser has said so */
        wst_tool_confine_wall(to->confinement, NULL, 0) != 0)
        _exit(0);
    if (to->proxy && !pass_proxy(l)) return false;
    return l->secure == NULL || shake_hands(l);
}

static void serve(const struct wst_tool_dialled *to, int parser)
{
    struct line *l = calloc(1, sizeof *l);

    if (l == NULL) return;
    l->to = to;
    l->parser = parser;
    l->fd = -1;
    hold_nothing_but(parser);
    if (open_line(l)) {
        wst_tool_dial_send(parser, WST_TOOL_DIAL_OPEN,
                           (struct wst_slice){(const uint8_t *)&l->ends, sizeof l->ends});
        carry(l);
    } else {
        wst_tool_dial_send(parser, WST_TOOL_DIAL_FAILED,
                           (struct wst_slice){(const uint8_t *)l->error, strlen(l->error)});
    }
    if (l->fd >= 0) close(l->fd);
    wst_tool_secure_free(l->secure);
    free(l);
}

int wst_tool_dial_start(const struct wst_tool_dialled *to)
{
    int ends[2], why;
    pid_t child;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return -1;
    child = fork();
    if (child == 0) {
        serve(to, ends[1]);
        _exit(0);
    }
    why = errno;
    close(ends[1]);
    if (child > 0) return ends[0];
    close(ends[0]);
    errno = why;
    return -1;
}
