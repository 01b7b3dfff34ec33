/* SPDX-License-Identifier: MIT
 *
 * The door of the http3 room. In: the bytes of each stream of an HTTP/3 connection (RFC 9114), in
 * order. Out: each stream that a CONNECT opened (RFC 9220; RFC 9114 section 4.4): its request, its
 * answer, the bytes of its DATA frames, what is missing among them, how it ended.
 */
#ifndef WST_HTTP3_HTTP3_H
#define WST_HTTP3_HTTP3_H

#include <nghttp3/nghttp3.h>
#include <wstrace/wstrace.h>

#include "arrival.h"
#include "buf.h"
#include "connect.h"
#include "queue.h"

struct wst_http3_stream {
    struct wst_connect_stream base;
};

/* Shared by all connections of one context. */
struct wst_http3_env {
    const struct wst_options *options;
    struct wst_budget *budget;
    nghttp3_mem memory; /* paid for from the budget */
    struct wst_connect_sink sink;
};
void wst_http3_env_init(struct wst_http3_env *env, const struct wst_options *options,
                        struct wst_budget *budget);

struct wst_http3 { /* one connection */
    void *conversation;
    struct wst_http3_stream **streams; /* by number; those with base.upper were asked for */
    uint32_t streams_n, streams_room;
};

/* `http3` is all zeros. */
void wst_http3_init(struct wst_http3 *http3, void *conversation);
void wst_http3_free(struct wst_http3 *http3, struct wst_http3_env *env); /* tells nothing */
/* The next bytes of stream `id`. */
void wst_http3_push(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                    enum wst_dir dir, struct wst_slice bytes, const struct wst_arrival *arrival);
/* n bytes of it are missing. */
void wst_http3_gap(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                   enum wst_dir dir, uint64_t n, const struct wst_arrival *arrival);
/* The side sends nothing more on it. */
void wst_http3_fin(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                   enum wst_dir dir, const struct wst_arrival *arrival);
/* The side broke it off, or wants to read no more of it. */
void wst_http3_reset(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                     enum wst_dir dir, uint64_t code, const struct wst_arrival *arrival);
/* The client was not captured: nothing waits for its requests. */
void wst_http3_one_sided(struct wst_http3 *http3);
/* The connection is over; so is every stream. */
void wst_http3_end(struct wst_http3 *http3, struct wst_http3_env *env, enum wst_tcp_end how,
                   const struct wst_arrival *arrival);

#endif
