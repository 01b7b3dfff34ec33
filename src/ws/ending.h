/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room: how a connection ends (RFC 6455 sections 1.4, 5.5.1 and 7.1). In: close
 * frames, who sends nothing more, the end. Out: the problems that are in their order.
 * Refuses to blame anybody for an answer that could not be sent, or may not have been captured.
 */
#ifndef WST_WS_ENDING_H
#define WST_WS_ENDING_H

#include "message.h"

/* Milliseconds since the handshake, as far as they are counted. */
static inline uint32_t wst_ending_age(const struct wst_ws *ws, const struct wst_arrival *a)
{
    int64_t ms = wst_ns_between(ws->began_ns, a->when.ns) / 1000000;
    return ms < 0 ? 0 : ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* Made when it is not there yet; NULL: no memory. */
struct wst_ws_control *wst_ending_control(const struct wst_ws_step *step);
/* The connection's first close frame, of step->dir. */
void wst_ending_close(const struct wst_ws_step *step);
/* A close frame of step->dir is here, and one of the other side was; `before`: by the number of its
 * packet it came before that. Whose was sent first, as the acknowledgments tell; none: not known.
 */
enum wst_dir wst_ending_first(const struct wst_ws_step *step, bool before);
/* Any close frame of step->dir, its frame n; `at_once`: all of it came in one segment, else its end
 * may have been lost for a while. Raises what is to be said of the other side's answer. */
void wst_ending_answer(const struct wst_ws_step *step, uint64_t n, bool at_once);
/* step->dir sends nothing more, and is not known to be finished yet. */
void wst_ending_fin(const struct wst_ws_step *step);
/* It is over; neither side is finished for that reason. Raises what is to be said about it.
 * step->dir is none. Returns why the first close frame has no answer. */
enum wst_no_reply wst_ending_judge(const struct wst_ws_step *step, enum wst_tcp_end how);

#endif
