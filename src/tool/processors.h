/* SPDX-License-Identifier: MIT
 *
 * In: the machine, and how much there is to read. Out: how many threads pay.
 * Refuses to start any where one is enough.
 */
#ifndef WST_TOOL_PROCESSORS_H
#define WST_TOOL_PROCESSORS_H

#include <stdint.h>

/* Processors that this program may use; 1 at least. */
unsigned wst_tool_processors(void);
/* What options.jobs shall be for captures of so many bytes when nobody said it. */
uint32_t wst_tool_jobs_for(uint64_t bytes);

#endif
