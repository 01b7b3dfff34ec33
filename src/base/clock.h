/* SPDX-License-Identifier: MIT
 *
 * In: nanoseconds since 1970. Out: dates and times of day. Reads no clock.
 */
#ifndef WST_BASE_CLOCK_H
#define WST_BASE_CLOCK_H

#include <wstrace/types.h>

enum { WST_CLOCK_DATE = 10, WST_CLOCK_TIME = 8 }; /* bytes of "2026-11-21" and of "12:00:01" */

/* The last second formatted: packets come many to the second, so most events only add a fraction.
 * Zero it, then set `local` at will. */
struct wst_clock {
    int64_t second; /* since 1970 */
    bool valid;
    bool local; /* in the time zone of the process instead of UTC */
    char text[WST_CLOCK_DATE + 1 + WST_CLOCK_TIME]; /* "2026-11-21T12:00:01" */
};

/* Brings clock->text up to date. Returns the nanoseconds into that second. Any int64_t will do:
 * 1677 to 2262. */
uint32_t wst_clock_set(struct wst_clock *clock, int64_t ns);

#endif
