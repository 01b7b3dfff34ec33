/* SPDX-License-Identifier: MIT
 *
 * In: packets of conversations nobody knows yet. Out: the same, when it is known.
 * Refuses to keep more than its cap: the conversation that said nothing for longest is forgotten
 * first, and of one that says too much the oldest packets.
 */
#ifndef WST_SAVE_HOLD_H
#define WST_SAVE_HOLD_H

#include <wstrace/save.h>

enum {
    WST_HOLD_BUCKETS = 1 << 16, /* a third of the conversations that a scan may have wait */
    WST_HOLD_SHARE = 16         /* a conversation may have this part of the whole */
};

struct wst_held; /* one packet */
struct wst_hold_stream {
    uint64_t stream;
    struct wst_held *first, *last;
    size_t bytes;
    uint64_t packets, lost;                /* kept; forgotten */
    struct wst_hold_stream *next;          /* in the bucket */
    struct wst_hold_stream *newer, *older; /* by last packet */
};

struct wst_hold {
    struct wst_hold_stream **buckets;
    struct wst_hold_stream *oldest, *newest;
    size_t bytes, max;
    struct wst_held *out; /* handed out last */
    uint64_t forgotten;   /* packets of conversations that were WebSocket after all */
    uint64_t given_up;    /* packets, and … */
    uint64_t given_up_streams; /* … whole conversations that made room, whatever they were */
};

int wst_hold_init(struct wst_hold *hold, size_t max);
void wst_hold_free(struct wst_hold *hold);
/* Copies the packet. Out of memory: forgets it. */
void wst_hold_keep(struct wst_hold *hold, uint64_t stream, const struct wst_packet *packet);
void wst_hold_forget(struct wst_hold *hold, uint64_t stream);
/* The oldest packet of a conversation, until the next call; false: it has no more, and is gone. */
bool wst_hold_take(struct wst_hold *hold, uint64_t stream, struct wst_packet *packet);

#endif
