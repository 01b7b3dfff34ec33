/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room: rules that one frame cannot answer. In: masking keys, pings and
 * pongs. Out: the problems they raise, with the evidence.
 * Refuses to blame anybody for what may be missing from the capture.
 */
#ifndef WST_WS_JUDGE_H
#define WST_WS_JUDGE_H

#include "message.h"

/* A frame of the client whose key is not yet known to be as good as random, or is zero. */
void wst_judge_key(const struct wst_ws_step *step, const struct wst_frame *frame, uint64_t n,
                   uint64_t msg);
/* A ping or pong; `payload` is whole. `at_once`: all of the frame came in one segment; else when it
 * was begun, which counts for being late, is not known. */
void wst_judge_ping(const struct wst_ws_step *step, uint64_t n, struct wst_slice payload);
/* Whether a ping waits for this pong, `whole` or not, or may: then it is sent after its sender's
 * close frame, too, for who has received none must answer (RFC 6455 section 5.5.2). */
bool wst_judge_pong_due(const struct wst_ws_step *step, struct wst_slice payload, bool whole);
void wst_judge_pong(const struct wst_ws_step *step, uint64_t n, struct wst_slice payload,
                    bool at_once);
/* Some of its payload is missing: nothing can be said about the pings around it. */
void wst_judge_control_torn(const struct wst_ws_step *step, uint8_t opcode);
/* The connection's first close frame: no pong is owed from here on. */
void wst_judge_closing(const struct wst_ws_step *step);
/* Frames of `dir` were lost, or passed over: pings that wait may be answered already. */
void wst_judge_frames_lost(const struct wst_ws_step *step);
/* The connection is over: were the pings of `dir` answered? */
void wst_judge_pings_end(const struct wst_ws_step *step, enum wst_dir dir);
void wst_judge_free(struct wst_ws *ws, struct wst_ws_env *env);

/* Whether that direction's close frame, or anything else of it, may have been sent unseen. */
bool wst_judge_blind(const struct wst_ws_side *side);

#endif
