/* SPDX-License-Identifier: MIT
 *
 * Inside the http1 room: what the answer that refuses an upgrade says in its body. It is where
 * servers explain themselves ("Session ID unknown"), and browsers show none of it.
 */
#ifndef WST_HTTP1_REFUSAL_H
#define WST_HTTP1_REFUSAL_H

#include "http1.h"

/* Behind a head that refuses: if a body follows that can be read, it is. */
void wst_refusal_begin(struct wst_http *http, const struct wst_head *head);
/* Bytes of that body, not of chunk sizes. */
void wst_refusal_bytes(struct wst_http *http, struct wst_http_env *env, struct wst_slice bytes,
                       const struct wst_arrival *arrival);
/* It is over (`whole`), or nobody knows how it goes on: tells what was read of it, if that is text
 * and says more than the status line did. Nothing is being read: nothing. */
void wst_refusal_end(struct wst_http *http, struct wst_http_env *env, bool whole,
                     const struct wst_arrival *arrival);

#endif
