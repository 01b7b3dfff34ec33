/* SPDX-License-Identifier: MIT
 *
 * In: events whose turn has not come, borrowed bytes and all. Out: the same, from any place that
 * was noted, in the order they came in. One thread may put in while another takes out what it was
 * told is there: neither waits.
 * Refuses an event for which there is no memory.
 */
#ifndef WST_TIMELINE_KEPT_H
#define WST_TIMELINE_KEPT_H

#include <stdatomic.h>
#include <wstrace/event.h>

struct wst_kept_chunk;

struct wst_kept_place { /* between two events */
    struct wst_kept_chunk *chunk;
    size_t n;
};

struct wst_kept {
    struct wst_kept_place in; /* whoever puts in: where the next one goes … */
    uint64_t put;             /* … and bytes so far */
    struct wst_kept_chunk *oldest;
    struct wst_kept_place out; /* whoever takes out: the same */
    uint64_t taken;
    /* To be used again: taken by one, given by the other. */
    _Atomic(struct wst_kept_chunk *) empty, large;
};

/* False: no memory. */
bool wst_kept_init(struct wst_kept *kept);
void wst_kept_free(struct wst_kept *kept);
/* A copy of the event and all it points to. No `meta`, no `stats`. */
bool wst_kept_put(struct wst_kept *kept, const struct wst_event *event);
/* The next one, valid until it is dropped; may be changed. Only when it is known to be there. */
struct wst_event *wst_kept_take(struct wst_kept *kept);

/* The next one will be put in here. */
static inline struct wst_kept_place wst_kept_end(const struct wst_kept *kept)
{
    return kept->in;
}

/* The next one is taken from here; nothing behind it was dropped. */
static inline void wst_kept_seek(struct wst_kept *kept, struct wst_kept_place place)
{
    kept->out = place;
}

/* Whoever takes out: nothing before that place will be asked for again. */
void wst_kept_drop(struct wst_kept *kept, struct wst_kept_place place);

#endif
