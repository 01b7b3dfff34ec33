/* SPDX-License-Identifier: MIT
 *
 * In: the machine. Out: how many threads pay.
 * Refuses to count processors that are somebody else's.
 */
#include "processors.h"

#include <sched.h>
#include <unistd.h>
#include <wstrace/wstrace.h>

/* Bytes. Fewer are read in an instant; and from here on a capture takes the memory of all its
 * threads, so that a larger one takes no more. */
enum { JOBS_FROM = 16 << 20 };

unsigned wst_tool_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

#ifdef __linux__
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) n = CPU_COUNT(&cpus);
#endif
    return n < 1 ? 1 : (unsigned)n;
}

uint32_t wst_tool_jobs_for(uint64_t bytes)
{
    unsigned n = bytes < JOBS_FROM ? 1 : wst_tool_processors();

    return n < WST_JOBS_MAX ? n : WST_JOBS_MAX;
}
