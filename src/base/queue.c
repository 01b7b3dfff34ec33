/* SPDX-License-Identifier: MIT */
#include "queue.h"

struct stretch {
    uint64_t from;
    uint64_t n : 63, missing : 1; /* the bytes of what is missing are not there */
};

static struct stretch queue_stretch(const struct wst_queue *q, size_t at)
{
    struct stretch s;
    memcpy(&s, q->buf.p + at, sizeof s);
    return s;
}

bool wst_queue_push(struct wst_queue *q, struct wst_budget *budget, struct wst_slice bytes,
                    uint64_t from, size_t cap)
{
    struct stretch s = {.from = from, .n = bytes.n};
    if (!bytes.n) return true;
    if (bytes.n > cap || !wst_buf_reserve(&q->buf, budget, sizeof s + bytes.n, cap)) return false;
    memcpy(q->buf.p + q->buf.n, &s, sizeof s);
    memcpy(q->buf.p + q->buf.n + sizeof s, bytes.p, bytes.n);
    q->buf.n += sizeof s + bytes.n;
    q->bytes += bytes.n;
    return true;
}

bool wst_queue_push_at(struct wst_queue *q, struct wst_budget *budget, struct wst_slice bytes,
                       struct wst_when there, size_t cap)
{
    struct stretch s = {.from = there.pkt, .n = sizeof there.ns + bytes.n};
    if (s.n > cap || !wst_buf_reserve(&q->buf, budget, sizeof s + s.n, cap)) return false;
    uint8_t *to = q->buf.p + q->buf.n;
    memcpy(to, &s, sizeof s);
    memcpy(to + sizeof s, &there.ns, sizeof there.ns);
    if (bytes.n) memcpy(to + sizeof s + sizeof there.ns, bytes.p, bytes.n);
    q->buf.n += sizeof s + s.n;
    q->bytes += s.n;
    return true;
}

struct wst_when wst_queue_when(struct wst_slice *stretch, uint64_t from)
{
    struct wst_when there = {.pkt = from};
    if (stretch->n < sizeof there.ns) return there;
    memcpy(&there.ns, stretch->p, sizeof there.ns);
    *stretch = wst_slice_skip(*stretch, sizeof there.ns);
    return there;
}

bool wst_queue_push_gap(struct wst_queue *q, struct wst_budget *budget, uint64_t n, uint64_t from,
                        size_t cap)
{
    struct stretch s = {.from = from, .n = n & INT64_MAX, .missing = 1};
    if (!n) return true;
    if (!wst_buf_append(&q->buf, budget, wst_slice_of(&s, sizeof s), cap)) return false;
    q->bytes += s.n;
    return true;
}

struct wst_slice wst_queue_first(const struct wst_queue *q, uint64_t *from)
{
    if (wst_queue_empty(q)) return (struct wst_slice){NULL, 0};
    struct stretch s = queue_stretch(q, q->at);
    *from = s.from;
    size_t n = (size_t)s.n;
    if (n != s.n) n = SIZE_MAX;
    return (struct wst_slice){s.missing ? NULL : q->buf.p + q->at + sizeof s, n};
}

size_t wst_queue_front(const struct wst_queue *q, uint8_t *to, size_t n)
{
    struct wst_queue walk = *q;
    struct wst_slice s;
    uint64_t from;
    size_t at = 0;
    while (at < n && (s = wst_queue_first(&walk, &from)).p) {
        size_t take = s.n < n - at ? s.n : n - at;
        memcpy(to + at, s.p, take);
        at += take;
        walk.at += sizeof(struct stretch) + s.n;
    }
    return at;
}

void wst_queue_take(struct wst_queue *q, size_t n)
{
    if (!n) return;
    struct stretch s = queue_stretch(q, q->at);
    q->bytes -= n < s.n ? n : s.n;
    q->at += s.missing ? 0 : n;
    if (n < s.n) { /* what is left moves its head up to itself */
        s.n -= n;
        memcpy(q->buf.p + q->at, &s, sizeof s);
    } else {
        q->at += sizeof s;
    }
    if (wst_queue_empty(q)) q->at = q->buf.n = 0;
}

struct wst_slice wst_queue_take_earliest(struct wst_queue q[2], unsigned *which, uint64_t *from)
{
    uint64_t at[2] = {UINT64_MAX, UINT64_MAX};
    struct wst_slice first[2];
    for (int i = 0; i < 2; i++) first[i] = wst_queue_first(&q[i], &at[i]);
    *which = !first[0].n || (first[1].n && at[1] < at[0]);
    *from = at[*which];
    wst_queue_take(&q[*which], first[*which].n);
    return first[*which];
}

bool wst_queue_holds(const struct wst_queue *q)
{
    for (size_t at = q->at; at < q->buf.n; at += sizeof(struct stretch))
        if (!queue_stretch(q, at).missing) return true;
    return false;
}

void wst_queue_free(struct wst_queue *q, struct wst_budget *budget)
{
    wst_buf_free(&q->buf, budget);
    q->at = q->bytes = 0;
}
