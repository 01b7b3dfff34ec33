/* SPDX-License-Identifier: MIT
 *
 * In: a text with a byte FF for each that is not known. Out: what is known of it, by the piece.
 */
#include <string.h>
#include <wstrace/event.h>

#include "utf8.h"

enum { UNKNOWN = 0xff };

/* Nothing begins there: not known, or the rest of a character whose beginning is not. */
static bool sketch_passes(uint8_t byte)
{
    return byte == UNKNOWN || (byte & 0xc0) == 0x80;
}

struct wst_slice wst_event_piece(struct wst_slice sketch, size_t at)
{
    while (at < sketch.n) {
        if (sketch_passes(sketch.p[at])) {
            at++;
            continue;
        }
        struct wst_slice piece = {sketch.p + at, sketch.n - at};
        const uint8_t *end = memchr(piece.p, UNKNOWN, piece.n);
        if (end) piece.n = (size_t)(end - piece.p);
        at += piece.n;
        piece.n = wst_utf8_front(piece);
        if (piece.n >= WST_PIECE_LEAST) return piece;
    }
    return (struct wst_slice){NULL, 0};
}
