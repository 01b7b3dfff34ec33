/* SPDX-License-Identifier: MIT */
#include "stopwatch.h"

#include <time.h>

static uint64_t stopwatch(clockid_t which)
{
    struct timespec t;
    if (clock_gettime(which, &t) != 0) return 0;
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t wst_stopwatch_wall(void)
{
    return stopwatch(CLOCK_MONOTONIC);
}

uint64_t wst_stopwatch_thread(void)
{
    return stopwatch(CLOCK_THREAD_CPUTIME_ID);
}
