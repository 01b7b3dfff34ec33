/* SPDX-License-Identifier: MIT
 *
 * One frame, one handshake, one ending, taught bit by bit. A listener like any other:
 *
 *     struct wst_explain *x = wst_explain_new(&how, write, user);
 *     wst_explain_frames(x, 1, 7, 7);                   connection 1, frame 7
 *     struct wst_wire wire = wst_explain_wire(x);       options.wire = &wire
 *     options.headers = true;                           the heads of HTTP/2 and /3
 *     struct wst_listener listener = wst_explain_listener(x);
 *     … a context is told both and reads a capture …
 *     found = wst_explain_finish(x);
 *     wst_explain_free(x);
 *
 * What is explained is written as the capture goes by, in its order. Text is for a terminal of 80
 * columns or more; JSON is one object a line for each thing explained (docs/EXPLAIN.md). Bytes of
 * the peers are shown with \n, \x1b, \u{202e} in place of what a terminal would obey, in both.
 */
#ifndef WSTRACE_EXPLAIN_H
#define WSTRACE_EXPLAIN_H

#include <wstrace/render.h>
#include <wstrace/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wst_explain_options {
    bool json;
    bool colour;    /* a field and its bytes have the same */
    unsigned width; /* terminal columns; less than 80 counts as 80 */
    bool all;       /* every row of every table */
    bool base64;    /* handshakes: the base64 of key and accept value, step by step */
    bool utf8;      /* frames: the text, byte by byte */
};

struct wst_explain; /* owned by the caller */

/* `options` is copied. NULL when out of memory. */
WST_API struct wst_explain *wst_explain_new(const struct wst_explain_options *options,
                                            wst_write_fn write, void *user);

/* What is wanted; may be called several times, before the capture is read. Without any, what there
 * is to explain is listed. Each returns 0, or -1 when out of memory. */
/* Frames `first` to `last` of connection `conn`, counted from 1. */
WST_API int wst_explain_frames(struct wst_explain *explain, uint64_t conn, uint64_t first,
                               uint64_t last);
/* The handshake of the connection. */
WST_API int wst_explain_handshake(struct wst_explain *explain, uint64_t conn);
/* Its closing handshake and the end of its TCP connection. */
WST_API int wst_explain_closing(struct wst_explain *explain, uint64_t conn);
/* Whatever packet `pkt` carries a byte of: frames, a handshake. */
WST_API int wst_explain_packet(struct wst_explain *explain, uint64_t pkt);

/* Both must be told to the context. Valid as long as `explain`. */
WST_API struct wst_wire wst_explain_wire(struct wst_explain *explain);
WST_API struct wst_listener wst_explain_listener(struct wst_explain *explain);

/* Whether all that was wanted has been explained, so that nothing more of the capture is needed. To
 * be asked between packets. Never so of a list, and of what a packet carries. */
WST_API bool wst_explain_enough(const struct wst_explain *explain);

#define WST_EXPLAIN_ERROR_SIZE 160

/* Frames typed by hand, one after the other: hex digits in any spelling ("81 85", "0x81,0x85",
 * "8185", "81:85", newlines between). A mask means that a client sent it. Returns how many frames
 * were explained (a frame that is cut counts, and is explained as far as it goes); -1 with a
 * sentence in `error` when it is no hex. */
WST_API int wst_explain_hex(struct wst_explain *explain, const char *text,
                            char error[WST_EXPLAIN_ERROR_SIZE]);

/* The capture is over: writes what is left. Returns how many things were explained (or listed), or
 * -1 when they could not be written or memory ran out. */
WST_API int64_t wst_explain_finish(struct wst_explain *explain);
/* After wst_explain_finish: what was wanted and is not there. Puts the i-th of these, from 0, into
 * `text` as a sentence without a full stop; false beyond the last. */
WST_API bool wst_explain_missing(const struct wst_explain *explain, size_t i,
                                 char text[WST_EXPLAIN_ERROR_SIZE]);
WST_API void wst_explain_free(struct wst_explain *explain);

#ifdef __cplusplus
}
#endif
#endif
