/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room: one direction, from bytes to frames (side.c), and what becomes of it when
 * bytes are missing (lost.c).
 */
#ifndef WST_WS_SIDE_H
#define WST_WS_SIDE_H

#include "message.h"

static inline struct wst_ws_side *wst_side_of(const struct wst_ws_step *s)
{
    return &s->ws->side[s->dir];
}
/* What the frames of this direction should look like. */
struct wst_seek_rules wst_side_rules(const struct wst_ws_step *s);
/* Bytes in order, at the place where the framing stands. */
void wst_side_run(const struct wst_ws_step *s, struct wst_slice bytes);
/* The current frame will not be completed: emits it as it is. True: it was HTTP, and that is told.
 */
bool wst_side_cut(const struct wst_ws_step *s);
/* The current frame's payload has come to its end, with or without holes. */
void wst_side_frame_over(const struct wst_ws_step *s);
/* Offset of the next byte. */
uint64_t wst_side_position(const struct wst_ws *ws, enum wst_dir dir);
void wst_side_open_free(struct wst_ws_env *env, struct wst_ws_side *side);

/* lost.c */
void wst_lost_gap(const struct wst_ws_step *s, uint64_t n, bool exact);
/* Bytes to look for frames in: kept, and looked at. */
void wst_lost_keep(const struct wst_ws_step *s, struct wst_slice bytes);
void wst_lost_look(const struct wst_ws_step *s);
/* The framing was found in the wrong place: at the current offset is no frame. */
void wst_lost_again(const struct wst_ws_step *s);
void wst_lost_fin(const struct wst_ws_step *s);
/* Looks for frames from now on, first in what `seek` holds (taken over; NULL: no memory). */
void wst_lost_begin(const struct wst_ws_step *s, struct wst_seek *seek);

#endif
