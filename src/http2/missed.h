/* SPDX-License-Identifier: MIT
 *
 * Inside the http2 room: streams whose requests nobody saw.
 */
#ifndef WST_HTTP2_MISSED_H
#define WST_HTTP2_MISSED_H

#include "http2.h"

/* It may have been opened before the capture, and is not over. */
bool wst_missed_early(const struct wst_http2 *h, uint32_t id);
/* It is over: what comes of it later is no other stream. */
void wst_missed_early_over(struct wst_http2 *h, uint32_t id);
/* The first request seen of a connection that began before the capture: streams of smaller numbers
 * were opened before. */
void wst_missed_joins(struct wst_http2 *h, uint32_t id);

/* The stream's request was lost. */
void wst_missed_add(struct wst_http2 *h, uint32_t id);
bool wst_missed_is(const struct wst_http2 *h, uint32_t id);
/* False: it was not; from here on it is not any more. */
bool wst_missed_take(struct wst_http2 *h, uint32_t id);
/* The client's next request is that of stream `id`: those it left out were lost. */
void wst_missed_before(struct wst_http2 *h, uint32_t id);
/* The request of stream `id`, and of those between it and the last one seen, was lost. */
void wst_missed_request(struct wst_http2 *h, uint32_t id);

#endif
