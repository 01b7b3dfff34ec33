/* SPDX-License-Identifier: MIT
 *
 * In: a file descriptor or memory. Out: unzipped bytes, counted on both sides of the unzipping.
 * Refuses nothing; see supply.h for what happens to broken input.
 */
#include "supply.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct wst_gzip {
    z_stream z;
    bool between; /* a member has ended; another one, zeros or nothing may follow */
    bool brimful; /* what it unfolds to did not fit: there is more, even without input */
    uint8_t in[WST_SUPPLY_GZIP_CHUNK];
};

/* Ends the bytes; the first reason stays. */
__attribute__((format(printf, 2, 3))) static void fail(struct wst_supply *s, const char *text, ...)
{
    va_list args;
    s->ended = true;
    if (s->error[0]) return;
    va_start(args, text);
    vsnprintf(s->error, sizeof s->error, text, args);
    va_end(args);
}

/* ---- opening ---- */

static void clear(struct wst_supply *s)
{
    memset(s, 0, sizeof *s);
    s->fd = -1;
}

void wst_supply_open_memory(struct wst_supply *s, struct wst_slice bytes)
{
    clear(s);
    s->memory = bytes;
}

static int refuse(struct wst_supply *s, const char *why)
{
    fail(s, "%s", why);
    wst_supply_close(s);
    return -1;
}

static int open_descriptor(struct wst_supply *s)
{
    struct stat st;
    if (s->fd < 0 || fstat(s->fd, &st) != 0) return refuse(s, strerror(errno));
    if (S_ISDIR(st.st_mode)) return refuse(s, "it is a directory");
    s->regular = S_ISREG(st.st_mode);
    if (s->regular) s->size = (uint64_t)st.st_size;
#ifdef POSIX_FADV_SEQUENTIAL
    if (s->regular) (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
    return 0;
}

int wst_supply_open(struct wst_supply *s, const char *name, const atomic_bool *stop)
{
    clear(s);
    s->stop = stop;
    s->close_fd = strcmp(name, "-") != 0;
    s->fd = s->close_fd ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    return open_descriptor(s);
}

int wst_supply_open_fd(struct wst_supply *s, int fd, const atomic_bool *stop)
{
    clear(s);
    s->stop = stop;
    s->close_fd = true;
    s->fd = fd;
    return lseek(fd, 0, SEEK_SET) == 0 ? open_descriptor(s) : refuse(s, strerror(errno));
}

void wst_supply_close(struct wst_supply *s)
{
    if (s->fd >= 0 && s->close_fd) close(s->fd);
    s->fd = -1;
    s->memory.n = 0;
    s->ended = true;
    if (s->gzip) inflateEnd(&s->gzip->z);
    free(s->gzip);
    s->gzip = NULL;
}

/* ---- bytes as they lie in the file ---- */

/* Waits for a pipe in short turns: read() itself might sleep through wst_capture_stop, since a
 * signal can come before it, be handled with SA_RESTART, or another thread may have called. */
static bool readable(struct wst_supply *s)
{
    struct pollfd fd = {.fd = s->fd, .events = POLLIN};
    while (!wst_supply_stopped(s)) {
        int n = poll(&fd, 1, WST_SUPPLY_POLL_MS);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return true; /* read() will say what is wrong */
    }
    return false;
}

static size_t read_memory(struct wst_supply *s, uint8_t *to, size_t n)
{
    if (n > s->memory.n) n = s->memory.n;
    if (n == 0) return 0; /* an empty source may have no address */
    memcpy(to, s->memory.p, n);
    s->memory.p += n;
    s->memory.n -= n;
    return n;
}

/* 0: at the end, stopped, or failed. */
static size_t read_raw(struct wst_supply *s, uint8_t *to, size_t n)
{
    ssize_t got;
    if (s->fd < 0) {
        got = (ssize_t)read_memory(s, to, n);
        s->consumed += (uint64_t)got;
        return (size_t)got;
    }
    do {
        if (!s->regular && !readable(s)) return 0;
        got = read(s->fd, to, n);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN) && !wst_supply_stopped(s));
    if (got < 0) {
        if (!wst_supply_stopped(s)) fail(s, "reading failed: %s", strerror(errno));
        return 0;
    }
    s->consumed += (uint64_t)got;
    return (size_t)got;
}

/* ---- gzip (RFC 1952): members one after another ---- */

/* Takes over the raw bytes read first, WST_SUPPLY_GZIP_CHUNK at most. */
static void start_gzip(struct wst_supply *s, const uint8_t *first, size_t n)
{
    struct wst_gzip *g = calloc(1, sizeof *g);
    if (!g || inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK) { /* 16: gzip, nothing else */
        free(g);
        fail(s, "out of memory");
        return;
    }
    memcpy(g->in, first, n);
    g->z.next_in = g->in;
    g->z.avail_in = (uInt)n;
    s->gzip = g;
}

static void refill_gzip(struct wst_supply *s)
{
    struct wst_gzip *g = s->gzip;
    size_t n = read_raw(s, g->in, sizeof g->in);
    g->z.next_in = g->in;
    g->z.avail_in = (uInt)n;
    if (n > 0) return;
    if (!g->between && !wst_supply_stopped(s))
        fail(s, "truncated gzip data: the file ends in the middle of it, at compressed byte %llu",
             (unsigned long long)s->consumed);
    s->ended = true;
}

/* After a member: zeros are padding (tapes have it), anything but another member is foreign. */
static void next_member(struct wst_supply *s)
{
    struct wst_gzip *g = s->gzip;
    while (g->z.avail_in > 0 && *g->z.next_in == 0) {
        g->z.next_in++;
        g->z.avail_in--;
    }
    if (g->z.avail_in == 0) return;
    if (*g->z.next_in != 0x1f) {
        fail(s, "corrupt gzip data: foreign bytes follow it at compressed byte %llu",
             (unsigned long long)(s->consumed - g->z.avail_in));
        return;
    }
    inflateReset(&g->z);
    g->between = false;
}

static void inflate_some(struct wst_supply *s)
{
    struct wst_gzip *g = s->gzip;
    int rc = inflate(&g->z, Z_NO_FLUSH);
    g->brimful = g->z.avail_out == 0 && rc == Z_OK;
    if (rc == Z_STREAM_END)
        g->between = true;
    else if (rc != Z_OK && rc != Z_BUF_ERROR) /* the latter only asks for more input */
        fail(s, "corrupt gzip data: %s, at compressed byte %llu", g->z.msg ? g->z.msg : "no reason",
             (unsigned long long)(s->consumed - g->z.avail_in));
}

static size_t read_gzip(struct wst_supply *s, uint8_t *to, size_t n)
{
    struct wst_gzip *g = s->gzip;
    g->z.next_out = to;
    g->z.avail_out = (uInt)n;
    while (g->z.avail_out == (uInt)n && !s->ended) {
        if (g->z.avail_in == 0 && !g->brimful)
            refill_gzip(s);
        else if (g->between)
            next_member(s);
        else
            inflate_some(s);
    }
    return n - g->z.avail_out;
}

/* ---- both ---- */

/* Looks whether the first two bytes are those of gzip. A pipe may bring them one by one. */
static size_t read_first(struct wst_supply *s, uint8_t *to, size_t n)
{
    size_t have = 0, got;
    size_t most = n < WST_SUPPLY_GZIP_CHUNK ? n : WST_SUPPLY_GZIP_CHUNK;
    s->started = true;
    while (have < 2 && (got = read_raw(s, to + have, most - have)) > 0) have += got;
    if (have < 2 || to[0] != 0x1f || to[1] != 0x8b) return have;
    start_gzip(s, to, have);
    return s->gzip ? read_gzip(s, to, n) : 0;
}

size_t wst_supply_read(struct wst_supply *s, uint8_t *to, size_t n)
{
    size_t got;
    if (s->ended) return 0;
    if (!s->started)
        got = read_first(s, to, n);
    else
        got = s->gzip ? read_gzip(s, to, n) : read_raw(s, to, n);
    if (got == 0) s->ended = true;
    return got;
}
