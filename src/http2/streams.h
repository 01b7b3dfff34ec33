/* SPDX-License-Identifier: MIT
 *
 * Inside the http2 room: the streams that a CONNECT opened, and what frames mean to them.
 */
#ifndef WST_HTTP2_STREAMS_H
#define WST_HTTP2_STREAMS_H

#include "http2.h"
#include "slice.h"

/* A header block of stream `id` is over; its fields lie in the side. Not `whole`: no more than the
 * first of them could be read. `ends`: END_STREAM. */
void wst_streams_headers(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                         uint32_t id, bool whole, bool ends, const struct wst_arrival *arrival);
/* Whether the fields of a header block of stream `id` that begins now can be a request or an answer
 * that anybody reads. */
bool wst_streams_heeded(const struct wst_http2 *h, enum wst_dir dir, uint32_t id);
void wst_streams_data(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint32_t id,
                      struct wst_slice bytes, const struct wst_arrival *arrival);
/* n bytes of DATA are missing; not `exact`: so many at most. */
void wst_streams_hole(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint32_t id,
                      uint64_t n, bool exact, const struct wst_arrival *arrival);
void wst_streams_fin(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir, uint32_t id,
                     const struct wst_arrival *arrival);
/* `code`: -1: not captured. */
void wst_streams_reset(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       uint32_t id, int64_t code, const struct wst_arrival *arrival);
/* Ends those whose reset waited, as far as what it waited for was read. */
void wst_streams_resets(struct wst_http2 *h, struct wst_http2_env *env,
                        const struct wst_arrival *a);
void wst_streams_fin_all(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                         const struct wst_arrival *arrival);
void wst_streams_end_all(struct wst_http2 *h, struct wst_http2_env *env, enum wst_tcp_end how,
                         const struct wst_arrival *arrival);
void wst_streams_free(struct wst_http2 *h, struct wst_http2_env *env);

#endif
