/* SPDX-License-Identifier: MIT
 *
 * Randomness that a seed repeats: a failing case is its seed. splitmix64, so that neighbouring
 * seeds have nothing in common.
 */
#ifndef WST_TEST_ORACLE_RANDOM_H
#define WST_TEST_ORACLE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ORACLE_SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ORACLE_SLOW 1
#endif
#endif
#ifndef ORACLE_SLOW
#define ORACLE_SLOW 0
#endif

struct rnd {
    uint64_t state;
};

static inline uint64_t rnd_next(struct rnd *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
/* 0 … n - 1; 0 when n is 0 */
static inline uint32_t rnd_below(struct rnd *r, uint32_t n)
{
    return (uint32_t)((uint64_t)(uint32_t)rnd_next(r) * n >> 32);
}
/* lo … hi */
static inline uint32_t rnd_between(struct rnd *r, uint32_t lo, uint32_t hi)
{
    return lo + rnd_below(r, hi - lo + 1);
}
/* true in `n` of 1000 cases */
static inline bool rnd_permille(struct rnd *r, uint32_t n)
{
    return rnd_below(r, 1000) < n;
}

/* -- how many cases, and which ----------------------------------------------------------------- */

struct oracle_run {
    uint64_t cases, seed;
    bool one; /* --seed: this one alone, and tell about it */
};

/* prog [--cases N] [--from SEED] [--seed SEED]; the environment's `variable` instead of --cases,
 * for the nightly target. */
static inline struct oracle_run oracle_args(int argc, char **argv, const char *variable,
                                            uint64_t cases)
{
    struct oracle_run run = {.cases = cases, .seed = 1};
    const char *n = getenv(variable);
    if (n && *n) run.cases = strtoull(n, NULL, 0);
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--cases")) run.cases = value;
        if (!strcmp(argv[i], "--from")) run.seed = value;
        if (!strcmp(argv[i], "--seed")) run = (struct oracle_run){1, value, true};
    }
    return run;
}

static inline void *oracle_alloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p) abort();
    return p;
}

#endif
