/* SPDX-License-Identifier: MIT
 *
 * In: the times of packets. Out: how time goes by, which silence is measured with; never back.
 * Refuses to believe one packet from the future: time goes on when two in a row agree; and to stand
 * still until the old time is reached when the clock of the capture was set back.
 */
#ifndef WST_BASE_ELAPSED_H
#define WST_BASE_ELAPSED_H

#include <stdbool.h>
#include <stdint.h>

struct wst_elapsed {
    int64_t now;       /* the time by now: of a packet, and `shift` */
    int64_t last_ns;   /* the packet before: one from the future moves nothing */
    int64_t shift;     /* how far the clock of the capture was set back */
    int64_t before;    /* the same, until it was set back last */
    int64_t newest_ns; /* the time reached until then, as packets had it */
    /* Packets in a row that are far behind `now`: so many, the first one's time. */
    uint32_t behind;
    int64_t behind_ns;
};

/* elapsed.c: it lies behind `now`, or far ahead of it. */
void wst_elapsed_far(struct wst_elapsed *e, int64_t ns, int64_t believed);

enum { WST_ELAPSED_FAR_S = 5 }; /* captures joined from several sources are out of order by less */

/* What a packet's time stands for. Hostile times wrap: silence comes out wrong, no more. */
static inline int64_t wst_elapsed_of(const struct wst_elapsed *e, int64_t ns)
{
    return (int64_t)((uint64_t)ns + (uint64_t)e->shift);
}

static inline void wst_elapsed_see(struct wst_elapsed *e, int64_t ns)
{
    int64_t believed = wst_elapsed_of(e, ns < e->last_ns ? ns : e->last_ns);
    if ((uint64_t)believed - (uint64_t)e->now <= (uint64_t)WST_ELAPSED_FAR_S * 1000000000)
        e->now = believed;
    else
        wst_elapsed_far(e, ns, believed);
    e->last_ns = ns;
}

/* The time of all packets, as they have it, that was reached. */
static inline int64_t wst_elapsed_newest(const struct wst_elapsed *e)
{
    int64_t ns = (int64_t)((uint64_t)e->now - (uint64_t)e->shift);
    return e->shift && e->newest_ns > ns ? e->newest_ns : ns;
}

#endif
