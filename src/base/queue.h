/* SPDX-License-Identifier: MIT
 *
 * Bytes that wait for their turn, stretch by stretch, each with the packet that carried it.
 * In: slices. Out: the stretches again, in order. Refuses to grow past its cap or the budget.
 */
#ifndef WST_BASE_QUEUE_H
#define WST_BASE_QUEUE_H

#include <wstrace/types.h>

#include "buf.h"

struct wst_queue {
    struct wst_buf buf; /* each stretch: its packet and its length, then its bytes */
    size_t at;          /* what lies before it is used up */
    uint64_t bytes;     /* of all stretches, those that are missing included */
};

/* False: its bytes and what they are kept with would pass `cap` or the budget; nothing was kept. */
bool wst_queue_push(struct wst_queue *queue, struct wst_budget *budget, struct wst_slice bytes,
                    uint64_t from, size_t cap);
/* The same with the time of their packet, which wst_queue_when() takes off the stretch again. */
bool wst_queue_push_at(struct wst_queue *queue, struct wst_budget *budget, struct wst_slice bytes,
                       struct wst_when there, size_t cap);
struct wst_when wst_queue_when(struct wst_slice *stretch, uint64_t from);
/* n bytes that are missing there: a stretch whose p is NULL. */
bool wst_queue_push_gap(struct wst_queue *queue, struct wst_budget *budget, uint64_t n,
                        uint64_t from, size_t cap);
/* The first stretch, or, of more than a size holds that are missing, as many as it does; n == 0:
 * none. Valid until the queue is pushed to or freed. */
struct wst_slice wst_queue_first(const struct wst_queue *queue, uint64_t *from);
/* Copies what it begins with, n bytes at most, up to what is missing; how many. */
size_t wst_queue_front(const struct wst_queue *queue, uint8_t *to, size_t n);
/* The first n bytes of the first stretch are used up. */
void wst_queue_take(struct wst_queue *queue, size_t n);
/* Takes the whole stretch that came first of two queues'. n == 0: both are empty. Its bytes are
 * valid until the queue is pushed to or freed. */
struct wst_slice wst_queue_take_earliest(struct wst_queue queues[2], unsigned *which,
                                         uint64_t *from);
/* Some are not missing. */
bool wst_queue_holds(const struct wst_queue *queue);
void wst_queue_free(struct wst_queue *queue, struct wst_budget *budget);

static inline uint64_t wst_queue_bytes(const struct wst_queue *queue)
{
    return queue->bytes;
}
static inline bool wst_queue_empty(const struct wst_queue *queue)
{
    return queue->at == queue->buf.n;
}

#endif
