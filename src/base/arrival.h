/* SPDX-License-Identifier: MIT
 *
 * How bytes come to a layer: every layer is pushed `data`, `gap` and `fin`, each with an arrival.
 */
#ifndef WST_BASE_ARRIVAL_H
#define WST_BASE_ARRIVAL_H

#include <wstrace/types.h>

struct wst_arrival {
    struct wst_when when;  /* the packet that made the bytes readable: it completes events */
    uint64_t from;         /* the packet that carried them: earlier when they waited for a hole */
    struct wst_when there; /* the packet with which they were whole, where they then waited for a
                              key, or for an answer; number 0: `when` */
};

/* When they were said: with what is known now they could have been read then. */
static inline struct wst_when wst_arrival_there(const struct wst_arrival *a)
{
    return a->there.pkt ? a->there : a->when;
}

/* Of what waited, and is told when `now` comes: all that came before that, of others too, has been
 * told by then. */
static inline struct wst_arrival wst_arrival_waited(const struct wst_arrival *of,
                                                    const struct wst_arrival *now)
{
    return (struct wst_arrival){
        .when = now->when, .from = of->from, .there = wst_arrival_there(of)};
}

/* later - earlier, held at the ends of the range: a hostile capture has any times it likes. */
static inline int64_t wst_ns_between(int64_t earlier, int64_t later)
{
    int64_t d;
    if (!__builtin_sub_overflow(later, earlier, &d)) return d;
    return later > earlier ? INT64_MAX : INT64_MIN;
}

#endif
