/* SPDX-License-Identifier: MIT
 *
 * In: bytes where no head is due. Out: whether a head, or a frame, begins there.
 */
#ifndef WST_HTTP1_BEGINS_H
#define WST_HTTP1_BEGINS_H

#include "dir.h"
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

/* The upgrade was granted before anything came of the body that the request announced: a client
 * that then begins with a masked frame will not send it. */
static inline bool wst_begins_frame(struct wst_slice s)
{
    if (s.n < 2 || (s.p[0] & 0x30) || !(s.p[1] & 0x80)) return false;
    unsigned opcode = s.p[0] & 0x0f;
    bool control = opcode >= 8 && opcode <= 10 && (s.p[0] & 0x80) && s.p[1] <= (0x80 | 125);
    return control || opcode == 1 || opcode == 2;
}

#endif
