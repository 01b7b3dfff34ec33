/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: whether their first line is there, and ends as a request line of HTTP/1 does (RFC
 * 9112 section 3), whatever it asks for ("OPTIONS *").
 */
#ifndef WST_BASE_REQUEST_LINE_H
#define WST_BASE_REQUEST_LINE_H

#include <string.h>

#include "slice.h"

static inline bool wst_request_line(struct wst_slice s)
{
    const uint8_t *lf = s.n ? memchr(s.p, '\n', s.n) : NULL;
    size_t n = lf ? (size_t)(lf - s.p) : 0;
    if (n && s.p[n - 1] == '\r') n--;
    return n > 9 && !memcmp(s.p + n - 9, " HTTP/1.", 8);
}

#endif
