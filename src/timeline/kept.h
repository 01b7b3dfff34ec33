/* SPDX-License-Identifier: MIT
 *
 * In: events whose turn has not come, borrowed bytes and all. Out: the same, in the order they came
 * in. One thread may put in while another takes out what it was told is there: neither waits.
 * Refuses an event for which there is no memory.
 */
#ifndef WST_TIMELINE_KEPT_H
#define WST_TIMELINE_KEPT_H

#include <stdatomic.h>
#include <wstrace/event.h>

struct wst_kept_chunk;

struct wst_kept {
    struct wst_kept_chunk *in;  /* whoever puts in: the newest chunk … */
    size_t in_n;                /* … bytes of it used … */
    uint64_t put;               /* … and bytes so far */
    struct wst_kept_chunk *out; /* whoever takes out: the oldest, and the same */
    size_t out_n;
    uint64_t taken;
    _Atomic(struct wst_kept_chunk *) empty; /* one to use again */
};

/* False: no memory. */
bool wst_kept_init(struct wst_kept *kept);
void wst_kept_free(struct wst_kept *kept);
/* A copy of the event and all it points to. No `meta`, no `stats`. */
bool wst_kept_put(struct wst_kept *kept, const struct wst_event *event);
/* The next one, valid until the next call; may be changed. Only when it is known to be there. */
struct wst_event *wst_kept_take(struct wst_kept *kept);

#endif
