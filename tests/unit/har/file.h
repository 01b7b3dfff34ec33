/* SPDX-License-Identifier: MIT
 *
 * What the tests of the har room share: a file in memory that can be full, and random numbers that
 * are the same on every run.
 */
#ifndef WST_TEST_HAR_FILE_H
#define WST_TEST_HAR_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/har.h>

struct file {
    uint8_t *p;
    size_t n, room;
    size_t most;     /* bytes it takes */
    size_t unread;   /* bytes from the front that it gives back; SIZE_MAX: all */
    unsigned shorts; /* reads give at most so many bytes; 0: any number */
};

static inline int file_write(void *user, const uint8_t *p, size_t n)
{
    struct file *f = user;
    size_t fits = f->most - f->n < n ? f->most - f->n : n;
    if (f->n + fits > f->room) {
        f->room = 2 * (f->n + fits);
        f->p = realloc(f->p, f->room);
        assert_non_null(f->p);
    }
    if (fits) memcpy(f->p + f->n, p, fits);
    f->n += fits;
    return fits == n ? 0 : -1;
}

static inline int64_t file_read(void *user, uint64_t at, uint8_t *p, size_t n)
{
    struct file *f = user;
    if (at >= f->n || at >= f->unread) return -1;
    if (n > f->n - at) n = f->n - (size_t)at;
    if (n > f->unread - at) n = f->unread - (size_t)at;
    if (f->shorts && n > f->shorts) n = f->shorts;
    memcpy(p, f->p + at, n);
    return (int64_t)n;
}

static inline void file_cut(void *user, uint64_t n)
{
    struct file *f = user;
    assert_true(n <= f->n);
    f->n = (size_t)n;
}

/* xorshift64: the state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
