/* SPDX-License-Identifier: MIT
 *
 * In: nothing. Out: the time, in nanoseconds. The tool reads clocks; the library reads none.
 */
#ifndef WST_TOOL_NOW_H
#define WST_TOOL_NOW_H

#include <stdint.h>
#include <time.h>

static inline int64_t wst_tool_now_of(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
/* Since 1970, as packets have it. Somebody may set it. */
static inline int64_t wst_tool_now(void)
{
    return wst_tool_now_of(CLOCK_REALTIME);
}
/* Since some time or other: for what lasts, or is done every so often. Nobody sets it. */
static inline int64_t wst_tool_now_steady(void)
{
    return wst_tool_now_of(CLOCK_MONOTONIC);
}

#endif
