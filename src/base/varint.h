/* SPDX-License-Identifier: MIT
 *
 * Integers of QUIC and HTTP/3 (RFC 9000 section 16): the two highest bits of the first byte say
 * whether it has 1, 2, 4 or 8 bytes.
 */
#ifndef WST_BASE_VARINT_H
#define WST_BASE_VARINT_H

#include "slice.h"

enum { WST_VARINT = 8 }; /* bytes at most */

/* The bytes of the one that begins at p; 0: it has more than the n there are. */
static inline size_t wst_varint_read(const uint8_t *p, size_t n, uint64_t *value)
{
    size_t size = n ? (size_t)1 << (p[0] >> 6) : 0;
    if (!n || n < size) return 0;
    switch (size) {
    case 1: *value = p[0] & 0x3f; break;
    case 2: *value = wst_be16(p) & 0x3fff; break;
    case 4: *value = wst_be32(p) & 0x3fffffff; break;
    default: *value = wst_be64(p) & UINT64_C(0x3fffffffffffffff); break;
    }
    return size;
}

/* Takes one from the front. False: there is no whole one, and nothing was taken. */
static inline bool wst_varint_take(struct wst_slice *s, uint64_t *value)
{
    size_t n = wst_varint_read(s->p, s->n, value);
    *s = wst_slice_skip(*s, n);
    return n;
}

#endif
