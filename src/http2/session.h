/* SPDX-License-Identifier: MIT
 *
 * Inside the http2 room: what is done with the frames of a direction, and with what they carry.
 */
#ifndef WST_HTTP2_SESSION_H
#define WST_HTTP2_SESSION_H

#include "http2.h"
#include "slice.h"

#define WST_SESSION_MISFIT "behind what is missing frames do not fit together"

/* One direction of a connection, and who brought what is looked at now. */
struct wst_session_step {
    struct wst_http2 *h;
    struct wst_http2_env *env;
    struct wst_http2_side *side;
    enum wst_dir dir;
    const struct wst_arrival *arrival;
};

/* session.c */
/* Told once of a direction: of each stream that is open, or of the connection when none is. */
void wst_session_tell(struct wst_session_step *t, enum wst_problem what, const char *why);
/* Where bytes are missing it may be our own misreading. */
void wst_session_wrong(struct wst_session_step *t, const char *broken, const char *unread);

/* framing.c: where frames begin and end. */
enum { WST_HTTP2_PREFACE = 24 };
/* Returns how many bytes were taken: fewer when the rest must wait. */
size_t wst_framing_run(struct wst_session_step *t, struct wst_slice bytes);
/* The header of the next one is whole. False: its turn has not come. */
bool wst_framing_begin(struct wst_session_step *t);
void wst_framing_gap(struct wst_session_step *t, uint64_t n, bool exact);
/* No frame is found any more. One that was found behind a loss and is not whole may be none: what
 * of it was told to nobody may be anybody's. */
void wst_framing_stop(struct wst_session_step *t);
/* No stream that a client opened has a larger number, as far as is known. */
uint32_t wst_session_largest(const struct wst_http2 *h);

/* payload.c: what a frame carries. */
/* Bytes in front of it: pad length, priority, the number of a promised stream; or the first of what
 * is read whole. */
uint8_t wst_payload_part(const struct wst_http2_frame *f);
/* Bytes of that; how many were taken. */
size_t wst_payload_part_bytes(struct wst_session_step *t, struct wst_slice bytes);
void wst_payload_bytes(struct wst_session_step *t, struct wst_slice bytes);
/* Whether frames of the type carry a header block, or a part of one. */
bool wst_payload_block(uint8_t type);
/* A frame of such a type begins; bytes of one are missing; the last of them is over. */
void wst_payload_block_begin(struct wst_session_step *t, const struct wst_http2_frame *f);
void wst_payload_block_lose(struct wst_session_step *t);
void wst_payload_block_over(struct wst_session_step *t);
/* A GOAWAY is over. */
void wst_payload_goaway(struct wst_session_step *t);

#endif
