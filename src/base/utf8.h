/* SPDX-License-Identifier: MIT
 *
 * In: bytes, in as many slices as they like to come. Out: whether they are UTF-8 (RFC 3629), and
 * if not, where they stopped being it: at the first byte that no valid text could have there,
 * which is where RFC 6455 section 8.1 lets an endpoint fail, without waiting for the rest.
 * Refuses overlong forms, surrogates, and everything beyond U+10FFFF.
 */
#ifndef WST_BASE_UTF8_H
#define WST_BASE_UTF8_H

#include <wstrace/types.h>

struct wst_utf8 {
    uint64_t seen;  /* bytes fed so far; stands still once invalid */
    uint64_t good;  /* bytes of whole, valid characters: where the open or offending one begins */
    uint64_t bad;   /* offset of the byte that broke it; UINT64_MAX while there is none */
    uint8_t need;   /* bytes the open character still lacks, 0–3 */
    uint8_t lo, hi; /* the next byte must lie in lo–hi; read only while need > 0 */
};

void wst_utf8_init(struct wst_utf8 *u);

/* Feeds the next bytes. False from the first bad byte on; more bytes then change nothing. */
bool wst_utf8_feed(struct wst_utf8 *u, struct wst_slice s);

/* Valid so far, and not inside a character: this may be the end of the text. */
bool wst_utf8_done(const struct wst_utf8 *u);

/* The whole slice is valid UTF-8. The empty slice is. */
bool wst_utf8_valid(struct wst_slice s);
bool wst_utf8_valid_scalar(struct wst_slice s); /* the plain twin that it is tested against */
/* Bytes of whole, valid characters at the front, as many as there are; where something is not
 * valid, perhaps fewer. */
size_t wst_utf8_front(struct wst_slice s);

/* The largest length <= max that does not cut a character of `s` in two (s.n when that is not more
 * than max). In bytes that are not UTF-8 it steps back by at most three. */
size_t wst_utf8_cut(struct wst_slice s, size_t max);

/* Length 1–4 of the valid character at p; 0 when there is none, or `end` cuts it. p < end. */
size_t wst_utf8_char(const uint8_t *p, const uint8_t *end);

/* Characters that must not be shown as they are: C1 controls, bidirectional overrides and
 * isolates, marks and fillers that take no room, U+2028 and U+2029. Not the joiners U+200C and
 * U+200D: Persian, Indic scripts and emoji are spelled with them. */
bool wst_utf8_hidden(uint32_t character);

/* Length of the run of ASCII bytes (0x00–0x7f) at p. The second is the plain twin that the first
 * is tested against. */
size_t wst_utf8_ascii(const uint8_t *p, size_t n);
size_t wst_utf8_ascii_scalar(const uint8_t *p, size_t n);

#endif
