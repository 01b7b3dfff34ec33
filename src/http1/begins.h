/* SPDX-License-Identifier: MIT
 *
 * In: bytes where no head is due. Out: whether a head, or a frame, begins there.
 */
#ifndef WST_HTTP1_BEGINS_H
#define WST_HTTP1_BEGINS_H

#include "dir.h"
#include "http1.h"
#include "request_line.h"

/* After a gap, or when a body seems to last for ever: does this begin a head of that side? */
static inline bool wst_begins_head(struct wst_slice s, enum wst_dir dir)
{
    if (dir == WST_S2C) return wst_slice_starts(s, "HTTP/1.");
    size_t i = 0;
    while (i < s.n && i < 20 && s.p[i] >= 'A' && s.p[i] <= 'Z') i++;
    if (i < 3 || i + 1 >= s.n || s.p[i] != ' ') return false;
    return s.p[i + 1] == '/' || s.p[i + 1] == 'h' || wst_request_line(s);
}

/* The same of bytes that may go on: whether they begin a request is not known yet. */
static inline bool wst_begins_head_yet(struct wst_slice s)
{
    size_t i = 0;
    while (i < s.n && i < 20 && s.p[i] >= 'A' && s.p[i] <= 'Z') i++;
    if (i == s.n) return i < 20;
    if (i < 3 || s.p[i] != ' ') return false;
    return i + 1 == s.n || !memchr(s.p, '\n', s.n);
}

/* The upgrade was granted before anything came of the body that the request announced: a client
 * that then begins with a masked frame will not send it. */
static inline bool wst_begins_frame(struct wst_slice s)
{
    if (s.n < 2 || (s.p[0] & 0x30) || !(s.p[1] & 0x80)) return false;
    unsigned opcode = s.p[0] & 0x0f;
    bool control = opcode >= 8 && opcode <= 10 && (s.p[0] & 0x80) && s.p[1] <= (0x80 | 125);
    return control || opcode == 1 || opcode == 2;
}

static inline bool wst_begins_frame_yet(struct wst_slice s)
{
    const uint8_t both[] = {s.p[0], 0x80};
    return s.n == 1 && wst_begins_frame(wst_slice_of(both, sizeof both));
}

/* Where a head may begin though none is due: after a gap; when a body seems to last for ever, and
 * something was asked since; when a request was answered before its body was sent, for then it may
 * never be (Expect: 100-continue, RFC 9110 section 10.1.1). */
bool wst_http_may_begin_head(const struct wst_http *http, enum wst_dir dir);
/* In place of a client's body that is untouched, and may never be sent, something else may begin:
 * its first bytes are too few to tell, and wait for more, for segments may be cut anywhere. `s`:
 * what waits, or came. Where a request begins the side is at a head from now on. */
bool wst_http_body_or_not(struct wst_http *http, struct wst_slice s);
/* … or it is a frame. */
bool wst_http_frame_begins(const struct wst_http *http, struct wst_slice s);

#endif
