/* SPDX-License-Identifier: MIT
 *
 * In: a file descriptor or memory. Out: unzipped bytes, counted on both sides of the unzipping.
 * Refuses nothing; see source.h for what happens to broken input.
 */
#include "source.h"

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
    uint8_t in[WST_SOURCE_GZIP_CHUNK];
};

/* Ends the bytes; the first reason stays. */
__attribute__((format(printf, 2, 3))) static void fail(struct wst_source *s, const char *text, ...)
{
    va_list args;
    s->ended = true;
    if (s->error[0]) return;
    va_start(args, text);
    vsnprintf(s->error, sizeof s->error, text, args);
    va_end(args);
}

static bool stopped(const struct wst_source *s)
{
    return s->stop && atomic_load_explicit(s->stop, memory_order_relaxed);
}

/* ---- opening ---- */

static void clear(struct wst_source *s)
{
    memset(s, 0, sizeof *s);
    s->fd = -1;
}

void wst_source_open_memory(struct wst_source *s, struct wst_slice bytes)
{
    clear(s);
    s->memory = bytes;
}

static int refuse(struct wst_source *s, const char *why)
{
    fail(s, "%s", why);
    wst_source_close(s);
    return -1;
}

static int open_descriptor(struct wst_source *s)
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

int wst_source_open(struct wst_source *s, const char *name, const atomic_bool *stop)
{
    clear(s);
    s->stop = stop;
    s->close_fd = strcmp(name, "-") != 0;
    s->fd = s->close_fd ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    return open_descriptor(s);
}

int wst_source_open_fd(struct wst_source *s, int fd, const atomic_bool *stop)
{
    clear(s);
    s->stop = stop;
    s->close_fd = true;
    s->fd = fd;
    return lseek(fd, 0, SEEK_SET) == 0 ? open_descriptor(s) : refuse(s, strerror(errno));
}

void wst_source_close(struct wst_source *s)
{
    if (s->fd >= 0 && s->close_fd) close(s->fd);
    s->fd = -1;
    s->memory.n = 0;
    s->ended = true;
    if (s->gzip) inflateEnd(&s->gzip->z);
    free(s->gzip);
    s->gzip = NULL;
    free(s->buf);
    s->buf = NULL;
    s->base += s->pos;
    s->pos = s->end = s->cap = 0;
}

/* ---- bytes as they lie in the file ---- */

/* Waits for a pipe in short turns: read() itself might sleep through wst_capture_stop, since a
 * signal can come before it, be handled with SA_RESTART, or another thread may have called. */
static bool readable(struct wst_source *s)
{
    struct pollfd fd = {.fd = s->fd, .events = POLLIN};
    while (!stopped(s)) {
        int n = poll(&fd, 1, WST_SOURCE_POLL_MS);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return true; /* read() will say what is wrong */
    }
    return false;
}

static size_t read_memory(struct wst_source *s, uint8_t *to, size_t n)
{
    if (n > s->memory.n) n = s->memory.n;
    if (n == 0) return 0; /* an empty source may have no address */
    memcpy(to, s->memory.p, n);
    s->memory.p += n;
    s->memory.n -= n;
    return n;
}

/* 0: at the end, stopped, or failed. */
static size_t read_raw(struct wst_source *s, uint8_t *to, size_t n)
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
    } while (got < 0 && (errno == EINTR || errno == EAGAIN) && !stopped(s));
    if (got < 0) {
        if (!stopped(s)) fail(s, "reading failed: %s", strerror(errno));
        return 0;
    }
    s->consumed += (uint64_t)got;
    return (size_t)got;
}

/* ---- gzip (RFC 1952): members one after another ---- */

/* Takes over the raw bytes that lie in buf. */
static void start_gzip(struct wst_source *s)
{
    struct wst_gzip *g = calloc(1, sizeof *g);
    if (!g || inflateInit2(&g->z, 16 + MAX_WBITS) != Z_OK) { /* 16: gzip, nothing else */
        free(g);
        fail(s, "out of memory");
        return;
    }
    memcpy(g->in, s->buf, s->end); /* no more than WST_SOURCE_FIRST_CHUNK */
    g->z.next_in = g->in;
    g->z.avail_in = (uInt)s->end;
    s->end = 0;
    s->gzip = g;
}

static void refill_gzip(struct wst_source *s)
{
    struct wst_gzip *g = s->gzip;
    size_t n = read_raw(s, g->in, sizeof g->in);
    g->z.next_in = g->in;
    g->z.avail_in = (uInt)n;
    if (n > 0) return;
    if (!g->between && !stopped(s))
        fail(s, "truncated gzip data: the file ends in the middle of it, at compressed byte %llu",
             (unsigned long long)s->consumed);
    s->ended = true;
}

/* After a member: zeros are padding (tapes have it), anything but another member is foreign. */
static void next_member(struct wst_source *s)
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

static void inflate_some(struct wst_source *s)
{
    struct wst_gzip *g = s->gzip;
    int rc = inflate(&g->z, Z_NO_FLUSH);
    if (rc == Z_STREAM_END)
        g->between = true;
    else if (rc != Z_OK && rc != Z_BUF_ERROR) /* the latter only asks for more input */
        fail(s, "corrupt gzip data: %s, at compressed byte %llu", g->z.msg ? g->z.msg : "no reason",
             (unsigned long long)(s->consumed - g->z.avail_in));
}

static size_t read_gzip(struct wst_source *s, uint8_t *to, size_t n)
{
    struct wst_gzip *g = s->gzip;
    g->z.next_out = to;
    g->z.avail_out = (uInt)n;
    while (g->z.avail_out == (uInt)n && !s->ended) {
        if (g->z.avail_in == 0)
            refill_gzip(s);
        else if (g->between)
            next_member(s);
        else
            inflate_some(s);
    }
    return n - g->z.avail_out;
}

/* ---- the buffer ---- */

static size_t produce(struct wst_source *s, uint8_t *to, size_t n)
{
    size_t got;
    if (s->ended) return 0;
    if (n > WST_SOURCE_CHUNK) n = WST_SOURCE_CHUNK;
    if (s->base + s->end < WST_SOURCE_FIRST_CHUNK && n > WST_SOURCE_FIRST_CHUNK)
        n = WST_SOURCE_FIRST_CHUNK;
    if (s->gzip) return read_gzip(s, to, n);
    got = read_raw(s, to, n);
    if (got == 0) s->ended = true;
    return got;
}

static bool grow(struct wst_source *s, size_t cap)
{
    uint8_t *buf = realloc(s->buf, cap);
    if (!buf) {
        fail(s, "out of memory");
        return false;
    }
    s->buf = buf;
    s->cap = cap;
    return true;
}

/* Looks whether the first two bytes are those of gzip. A pipe may bring them one by one. */
static void start(struct wst_source *s)
{
    s->started = true;
    if (!grow(s, WST_SOURCE_FIRST_CHUNK)) return;
    while (s->end < 2) {
        size_t got = produce(s, s->buf + s->end, WST_SOURCE_FIRST_CHUNK - s->end);
        if (got == 0) return;
        s->end += got;
    }
    if (s->buf[0] == 0x1f && s->buf[1] == 0x8b) start_gzip(s);
}

/* Room behind `end`: first by dropping what is taken, then by doubling, so that a block's claimed
 * length costs no more memory than twice the bytes that did come. */
static bool make_room(struct wst_source *s)
{
    size_t cap = s->cap * 2;
    if (s->pos > 0 && !s->hold) {
        memmove(s->buf, s->buf + s->pos, s->end - s->pos);
        s->base += s->pos;
        s->end -= s->pos;
        s->pos = 0;
    }
    if (s->cap < WST_SOURCE_CHUNK && s->base > 0) return grow(s, WST_SOURCE_CHUNK);
    if (s->end < s->cap) return true;
    s->full = s->hold && s->cap >= WST_SOURCE_HOLD_MAX;
    if (s->full) return false;
    return grow(s, s->hold && cap > WST_SOURCE_HOLD_MAX ? WST_SOURCE_HOLD_MAX : cap);
}

size_t wst_source_fill(struct wst_source *s, size_t n)
{
    if (!s->started) start(s);
    while (s->end - s->pos < n && !s->ended) {
        if (!make_room(s)) break;
        s->end += produce(s, s->buf + s->end, s->cap - s->end);
    }
    return s->end - s->pos;
}

size_t wst_source_read(struct wst_source *s, uint8_t *to, size_t n)
{
    size_t have = s->end - s->pos;
    /* Straight into the reader's buffer, unless bytes wait here or must be kept here. */
    if (have == 0 && s->started && !s->hold) {
        size_t got = produce(s, to, n);
        s->base += got;
        return got;
    }
    if (have == 0) have = wst_source_want(s, 1);
    if (n > have) n = have;
    if (n == 0) return 0;
    memcpy(to, s->buf + s->pos, n);
    s->pos += n;
    return n;
}

void wst_source_hold(struct wst_source *s)
{
    s->hold = true;
}

void wst_source_rewind(struct wst_source *s)
{
    s->pos = 0;
    s->hold = false;
}
