/* SPDX-License-Identifier: MIT
 *
 * Bytes laid flush against a page that cannot be read: a parser that looks one byte too far dies.
 * What was handed out last is overwritten by the next, so that a parser that keeps what it only
 * borrowed is found out, too. And random numbers that are the same on every run.
 */
#ifndef WST_TEST_GUARD_H
#define WST_TEST_GUARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wstrace/types.h>

#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))
#define SLICE(literal)                                  \
    {                                                   \
        (const uint8_t *)(literal), sizeof(literal) - 1 \
    }

struct guard {
    uint8_t *p;
    size_t room, page, used;
};

static inline void guard_init(struct guard *g, size_t room)
{
    g->page = (size_t)sysconf(_SC_PAGESIZE);
    g->room = (room + g->page - 1) / g->page * g->page;
    g->used = 0;
    g->p =
        mmap(NULL, g->room + g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->p != MAP_FAILED);
    assert_int_equal(mprotect(g->p + g->room, g->page, PROT_NONE), 0);
}

static inline void guard_free(struct guard *g)
{
    munmap(g->p, g->room + g->page);
}

/* A copy that ends where reading ends. Valid until the next one. */
static inline struct wst_slice guard_put(struct guard *g, const void *p, size_t n)
{
    assert_true(n <= g->room);
    memset(g->p + g->room - g->used, 0xdd, g->used);
    if (n) memcpy(g->p + g->room - n, p, n);
    g->used = n;
    return (struct wst_slice){g->p + g->room - n, n};
}

/* xorshift64*: the state must not be 0. */
static inline uint64_t rnd(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}
/* 0 … n - 1 */
static inline size_t rnd_below(uint64_t *state, size_t n)
{
    return (size_t)((rnd(state) >> 11) % n);
}
static inline void rnd_fill(uint64_t *state, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(rnd(state) >> 56);
}

#endif
