/* SPDX-License-Identifier: MIT
 *
 * Owned bytes that wait. In: slices. Out: one contiguous slice.
 * Refuses to grow past its cap or past the budget: the append fails and nothing changes.
 */
#ifndef WST_BASE_BUF_H
#define WST_BASE_BUF_H

#include "budget.h"
#include "slice.h"

struct wst_buf {
    uint8_t *p;
    size_t n, room; /* used, allocated */
};

/* Makes room for `n` more bytes after buf->n. False: over cap, over budget, out of memory. */
bool wst_buf_reserve(struct wst_buf *buf, struct wst_budget *budget, size_t n, size_t cap);
/* Makes an empty buffer exactly `n` bytes large. */
bool wst_buf_room(struct wst_buf *buf, struct wst_budget *budget, size_t n);
/* Copies `s` to the end. False: as above, and nothing was appended. */
bool wst_buf_append(struct wst_buf *buf, struct wst_budget *budget, struct wst_slice s, size_t cap);
/* Drops the first `n` bytes. */
void wst_buf_drop(struct wst_buf *buf, size_t n);
void wst_buf_free(struct wst_buf *buf, struct wst_budget *budget);

static inline struct wst_slice wst_buf_slice(const struct wst_buf *buf)
{
    return (struct wst_slice){buf->p, buf->n};
}

#endif
