/* SPDX-License-Identifier: MIT
 *
 * In: the time of a packet that is not a little later than the one before. Out: whether the clock
 * of the capture was set back, and time goes on from where it was.
 * Refuses to take two taps with clocks far apart, or files in the wrong order, for it at once:
 * nothing may come of the time of before for a while, and when that goes on, so does time.
 */
#include "elapsed.h"

#include "arrival.h"

#define FAR_NS (WST_ELAPSED_FAR_S * 1000000000ll)
#define SURE_NS 1000000000ll /* so long … */
#define APART_NS 60000000000ll /* … without a silence of so long, which would hide another step … \
                                */
enum { SURE_PACKETS = 16 };    /* … and by so many packets the new time is known */

/* Time went on far: by silence, or the clock is what it was before it was set back. */
static void elapsed_on(struct wst_elapsed *e, int64_t believed)
{
    int64_t again = (int64_t)((uint64_t)believed - (uint64_t)e->shift + (uint64_t)e->before);
    bool back = e->shift != e->before && wst_ns_between(again, e->now) < FAR_NS;
    if (back) e->shift = e->before;
    believed = back ? again : believed;
    if (believed > e->now) e->now = believed;
}

/* One packet that is not behind is enough to begin anew. */
static bool elapsed_is_behind(struct wst_elapsed *e, int64_t ns)
{
    int64_t after = wst_ns_between(e->last_ns, ns);
    if (wst_ns_between(wst_elapsed_of(e, ns), e->now) <= FAR_NS) {
        e->behind = 0;
        return false;
    }
    if (after < -FAR_NS || after > APART_NS) e->behind = 0;
    if (!e->behind++) e->behind_ns = ns;
    return e->behind >= SURE_PACKETS && wst_ns_between(e->behind_ns, ns) >= SURE_NS;
}

void wst_elapsed_far(struct wst_elapsed *e, int64_t ns, int64_t believed)
{
    if (believed > e->now) {
        elapsed_on(e, believed);
    } else if (elapsed_is_behind(e, ns)) {
        e->newest_ns = wst_elapsed_newest(e);
        e->before = e->shift;
        e->shift = (int64_t)((uint64_t)e->now - (uint64_t)e->behind_ns);
        e->behind = 0;
        believed = wst_elapsed_of(e, ns < e->last_ns ? ns : e->last_ns);
        if (believed > e->now) e->now = believed;
    }
}
