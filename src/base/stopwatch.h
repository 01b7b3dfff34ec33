/* SPDX-License-Identifier: MIT
 *
 * In: nothing. Out: how much time has gone by, in ns from anywhere: only differences mean
 * something.
 *
 * For trials (trial.h) alone: what is told depends on no clock, so no other file of a library reads
 * one (tests/house/walls.py).
 */
#ifndef WST_BASE_STOPWATCH_H
#define WST_BASE_STOPWATCH_H

#include <stdint.h>

/* 0 where there is no such clock. */
uint64_t wst_stopwatch_wall(void);
/* Processor time of the calling thread: of two threads it cannot be compared. */
uint64_t wst_stopwatch_thread(void);

#endif
