/* SPDX-License-Identifier: MIT
 *
 * What the tests of the render room share: a writer that keeps what it is given, and random bytes
 * that are the same on every run.
 */
#ifndef WST_TEST_SINK_H
#define WST_TEST_SINK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/render.h>

struct sink {
    char *p;
    size_t n, room, largest; /* largest: of one call's bytes */
    int fail_after;          /* calls that succeed before one fails; negative: none fails */
};

static inline int sink_write(void *user, const uint8_t *p, size_t n)
{
    struct sink *sink = user;
    if (sink->fail_after == 0) return -7;
    if (sink->fail_after > 0) sink->fail_after--;
    if (sink->n + n + 1 > sink->room) {
        sink->room = 2 * (sink->n + n + 1);
        sink->p = realloc(sink->p, sink->room);
        assert_non_null(sink->p);
    }
    memcpy(sink->p + sink->n, p, n);
    sink->n += n;
    sink->p[sink->n] = '\0';
    if (n > sink->largest) sink->largest = n;
    return 0;
}

/* xorshift64: the state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Random bytes of several moods: anything, mostly ASCII, mostly pieces of UTF-8. */
static inline void random_bytes(uint64_t *state, uint8_t *p, size_t n)
{
    static const uint8_t pieces[] = {0xc2, 0x85, 0xe2, 0x80, 0xae, 0xf0, 0x9f, 0x98, 0x80, 0xed,
                                     0xa0, 0x1b, '[',  '"',  '\\', 0x7f, 0,    '\n', 0xc3, 0xa9,
                                     0xe4, 0xb8, 0x96, 0xd8, 0x9c, 0xf4, 0x90, 0xef, 0xbb, 0xbf};
    uint64_t mood = random_next(state) % 3;
    for (size_t i = 0; i < n; i++) {
        uint64_t r = random_next(state) >> 8;
        p[i] = (uint8_t)r;
        if (mood == 1 && r % 16 != 0) p[i] = (uint8_t)(0x20 + (r >> 8) % 0x5f);
        if (mood == 2) p[i] = pieces[(r >> 8) % sizeof pieces];
    }
}

#define SLICE(literal) ((struct wst_slice){(const uint8_t *)(literal), sizeof(literal) - 1})

#endif
