/* SPDX-License-Identifier: MIT
 *
 * In: a stranger's bytes. Out: text for people, "as strace quotes": nothing in it that a terminal
 * would obey, nothing that hides or reorders what stands beside it.
 */
#ifndef WST_RENDER_QUOTE_H
#define WST_RENDER_QUOTE_H

#include "outlet.h"

/* How to read the bytes: as text, where printable UTF-8 passes, or as bytes, where only ASCII does.
 */
enum wst_escape_kind { WST_ESCAPE_TEXT, WST_ESCAPE_BYTES };

/* "Hello\n\x1b[31m\u{202e}" in quotes. Shows as much of `s` as fits into `max` columns of a
 * terminal (0: all), cut between characters; what is not shown, and `omitted` bytes that the caller
 * does not have, are counted behind it: "Hel"… +2 bytes */
void wst_escape_quote(struct wst_out *out, struct wst_slice s, enum wst_escape_kind kind,
                      size_t max, uint64_t omitted);
/* A part of it, without quotes; how many bytes of `s` fit into `max` columns; what counts bytes
 * that are not shown. */
void wst_escape_part(struct wst_out *out, struct wst_slice s, enum wst_escape_kind kind);
size_t wst_escape_fitting(struct wst_slice s, enum wst_escape_kind kind, size_t max);
void wst_escape_missing(struct wst_out *out, uint64_t missing);
/* Whether all of `s` fits into `max` columns so. */
bool wst_escape_fits(struct wst_slice s, enum wst_escape_kind kind, size_t max);
/* The same without quotes, for words of our own that quote a stranger (a problem's detail). */
void wst_escape_plain(struct wst_out *out, struct wst_slice s);
/* Plain if it is one word, else in quotes: so that a value never looks like two. */
void wst_escape_word(struct wst_out *out, struct wst_slice s);

#endif
