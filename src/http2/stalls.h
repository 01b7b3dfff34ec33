/* SPDX-License-Identifier: MIT
 *
 * Inside the http2 room: what holds the streams of a connection up, or announces its end.
 */
#ifndef WST_HTTP2_STALLS_H
#define WST_HTTP2_STALLS_H

#include "http2.h"
#include "slice.h"

void wst_stalls_init(struct wst_http2 *h);
/* A stream begins. */
void wst_stalls_stream(struct wst_http2 *h, struct wst_http2_stream *s,
                       const struct wst_arrival *arrival);
/* Frames of `dir`: DATA with n bytes, padding included; WINDOW_UPDATE, on stream 0, too; the
 * setting INITIAL_WINDOW_SIZE; PING. */
void wst_stalls_data(struct wst_http2 *h, enum wst_dir dir, uint32_t id, uint32_t n,
                     const struct wst_arrival *arrival);
void wst_stalls_update(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       uint32_t id, uint32_t n, const struct wst_arrival *arrival);
void wst_stalls_initial(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                        uint32_t value, const struct wst_arrival *arrival);
void wst_stalls_ping(struct wst_http2 *h, enum wst_dir dir, bool ack,
                     const struct wst_arrival *arrival);
/* GOAWAY: its eight bytes, and the beginning of what is said behind them. */
void wst_stalls_goaway(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       const uint8_t part[8], struct wst_slice said,
                       const struct wst_arrival *arrival);
/* A stream ends, and is still what it was. */
void wst_stalls_over(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                     const struct wst_arrival *arrival);

#endif
