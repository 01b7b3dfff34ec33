/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room: zlib's decoders, and who has which. zlib's own state is 40 KiB a stream and
 * cold when its turn comes. So a few are shared by all directions, and each direction keeps only
 * its history, the last 32 KiB it inflated. Some hundred busy ones have an inflater to themselves,
 * whose window is their history: nothing is copied.
 * Refuses more than its own figures and the budget's part allow.
 */
#ifndef WST_WS_INFLATER_H
#define WST_WS_INFLATER_H

#include <zlib.h>

#include "area.h"
#include "budget.h"

enum {
    WST_WINDOW = 32768,          /* whatever was agreed: a sender that uses more is still read */
    WST_INFLATE_CHUNK = 16384,   /* output of one call when it is compared or thrown away */
    WST_INFLATERS = 16,          /* shared; more are made only for messages inflated as they come */
    WST_INFLATERS_OWN = 512,     /* directions with one of their own: 20 MiB at most */
    WST_INFLATERS_OWN_PART = 32, /* and no more than this part of the budget */
    WST_INFLATERS_OWN_FROM = 8192,         /* bytes of history from which on it pays */
    WST_INFLATER_BYTES = 7160 + WST_WINDOW /* zlib's own figure, for the budget */
};

struct wst_deflate;

struct wst_inflater {
    z_stream z;
    struct wst_deflate *owner; /* whose context it still holds; NULL: nobody's */
    uint64_t used;             /* when it was used last */
    bool ready;                /* it was taken with the context in it */
    bool busy;
};

struct wst_inflaters { /* of one thread */
    struct wst_inflater *idle[WST_INFLATERS];
    unsigned n;
    struct wst_inflater *own[WST_INFLATERS_OWN]; /* of one direction each */
    unsigned own_n, own_max, own_hand;           /* hand: the next one to be taken away again */
    uint64_t clock;
    struct wst_area area; /* they lie here … */
    void *freed;          /* … and the first of those that are gone, each of which has the next */
    uint8_t *twin;  /* WST_INFLATE_CHUNK: output of the second inflation, held against the first */
    uint8_t *spill; /* WST_WINDOW: output beyond the cap; a window's room */
    struct wst_budget *budget;
    uint64_t max_inflate;
};

/* False: no memory; free it nevertheless. */
bool wst_inflaters_init(struct wst_inflaters *all, struct wst_budget *budget, uint64_t max_inflate);
void wst_inflaters_free(struct wst_inflaters *all);

/* One for a message: `ready` if it holds the owner's context. owner == NULL: any. NULL: no memory.
 */
struct wst_inflater *wst_inflater_take(struct wst_inflaters *all, struct wst_deflate *owner);
/* Done with it; what it holds is `owner`'s. */
void wst_inflater_give(struct wst_inflaters *all, struct wst_inflater *by,
                       struct wst_deflate *owner);
/* `by` holds the whole context of a direction that says much: from now on nobody else uses it. */
void wst_inflater_keep(struct wst_inflaters *all, struct wst_deflate *c, struct wst_inflater *by);
/* Nothing that any of them holds is the owner's any more. */
void wst_inflaters_disown(struct wst_inflaters *all, struct wst_deflate *owner);

#endif
