/* SPDX-License-Identifier: MIT
 *
 * Inside the http1 room: what one side is in the middle of, and the bodies of its messages, which
 * are passed over untouched.
 */
#ifndef WST_HTTP1_BODY_H
#define WST_HTTP1_BODY_H

#include "http1.h"

/* Of a struct wst_http_side. */
enum wst_http_mode {
    WST_HTTP_HEAD,
    WST_HTTP_BODY,       /* `left` bytes */
    WST_HTTP_CHUNK_SIZE, /* hex digits, then perhaps an extension, to the line's end */
    WST_HTTP_CHUNK,      /* `left` bytes */
    WST_HTTP_CHUNK_END,  /* CRLF after a chunk */
    WST_HTTP_TRAILER,    /* lines up to an empty one */
    WST_HTTP_TO_END,     /* the body ends with the connection */
    WST_HTTP_BLIND,      /* after a gap: until a segment begins with a head */
};

/* What follows a head (RFC 9112 section 6.3). `of_head`: it answers a HEAD request, so that nothing
 * does, whatever it announces. False: a length that is none. */
bool wst_body_begin(struct wst_http_side *side, const struct wst_head *head, bool of_head);
/* Are the next n bytes content whose rest is known? */
static inline bool wst_body_holds(const struct wst_http_side *side, uint64_t n)
{
    return (side->mode == WST_HTTP_BODY || side->mode == WST_HTTP_CHUNK) && side->left >= n;
}
/* Passes over n bytes that it holds. */
void wst_body_skip(struct wst_http_side *side, uint64_t n);
/* Bytes (one at least) of a side that is not at a head; *taken: how many of them are of its body.
 * False: a chunk size or the end of a chunk is none. */
bool wst_body_bytes(struct wst_http_side *side, struct wst_slice bytes, size_t *taken);

#endif
