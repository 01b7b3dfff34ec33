/* SPDX-License-Identifier: MIT
 *
 * Whether two segments say the same; their bytes may lie elsewhere.
 */
#ifndef WST_TEST_NET_SAME_H
#define WST_TEST_NET_SAME_H

#include <string.h>

#include "base/segment.h"

static inline bool same_segment(const struct wst_segment *x, const struct wst_segment *y)
{
    size_t n = x->family == 4 ? 4 : 16;
    return x->family == y->family && memcmp(x->src, y->src, n) == 0 &&
           memcmp(x->dst, y->dst, n) == 0 && x->src_port == y->src_port &&
           x->dst_port == y->dst_port && x->domain == y->domain && x->seq == y->seq &&
           x->ack == y->ack && x->flags == y->flags && x->window == y->window &&
           x->ip_id == y->ip_id && x->header_len == y->header_len &&
           x->payload_len == y->payload_len && x->payload.n == y->payload.n &&
           (x->payload.n == 0 || memcmp(x->payload.p, y->payload.p, x->payload.n) == 0);
}

#endif
