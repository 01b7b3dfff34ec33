/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <stdlib.h>

enum { BUF_FIRST = 256 };

bool wst_buf_reserve(struct wst_buf *buf, struct wst_budget *budget, size_t n, size_t cap)
{
    if (n <= buf->room - buf->n) return buf->n + n <= cap;
    if (n > cap || buf->n > cap - n) return false;
    size_t need = buf->n + n;
    /* Doubling keeps appends linear; large blocks are moved by remapping, not copying. */
    size_t room = buf->room ? buf->room : BUF_FIRST;
    while (room < need) room *= 2;
    if (room > cap) room = cap;
    uint8_t *p = wst_budget_resize(budget, buf->p, buf->room, room);
    if (!p) return false;
    buf->p = p;
    buf->room = room;
    return true;
}

bool wst_buf_room(struct wst_buf *buf, struct wst_budget *budget, size_t n)
{
    wst_buf_free(buf, budget);
    buf->p = wst_budget_resize(budget, NULL, 0, n);
    if (!buf->p) return false;
    buf->room = n;
    return true;
}

bool wst_buf_append(struct wst_buf *buf, struct wst_budget *budget, struct wst_slice s, size_t cap)
{
    if (s.n == 0) return true;
    if (!wst_buf_reserve(buf, budget, s.n, cap)) return false;
    memcpy(buf->p + buf->n, s.p, s.n);
    buf->n += s.n;
    return true;
}

void wst_buf_drop(struct wst_buf *buf, size_t n)
{
    if (n >= buf->n) {
        buf->n = 0;
        return;
    }
    memmove(buf->p, buf->p + n, buf->n - n);
    buf->n -= n;
}

void wst_buf_free(struct wst_buf *buf, struct wst_budget *budget)
{
    if (buf->room) wst_budget_give(budget, buf->room);
    free(buf->p);
    *buf = (struct wst_buf){0};
}
