/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room: buffers of the environment that go from message to message. In: how many
 * bytes one needs. Out: room that earlier ones had, for fresh pages cost more than what is written
 * to them. Refuses to keep more than WST_WS_SCRATCH, and WST_WS_SPARE_MAX, of it.
 */
#ifndef WST_WS_SCRATCH_H
#define WST_WS_SCRATCH_H

#include "ws.h"

/* WST_WS_SCRATCH bytes, which are not paid for; to be freed. False: no memory. */
bool wst_scratch_init(struct wst_buf *scratch);
/* What was in it is not needed any more; what it grew by is given back. */
void wst_scratch_settle(struct wst_ws_env *env, struct wst_buf *scratch);

/* Into `bytes`, which has no room yet: a spare buffer for a message of at least n bytes, the
 * smallest that has the room, or else the largest; or none. It is paid for. */
void wst_spare_take(struct wst_ws_env *env, struct wst_buf *bytes, uint64_t n);
/* Keeps the room of `bytes`, which has none afterwards, or frees it. */
void wst_spare_give(struct wst_ws_env *env, struct wst_buf *bytes);

#endif
