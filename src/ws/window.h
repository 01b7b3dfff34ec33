/* SPDX-License-Identifier: MIT
 *
 * In: compressed bytes (RFC 1951). Out: how far back they refer, at most: what zlib does not tell,
 * for it reads any distance up to 32 KiB whatever was agreed on. Only for directions that agreed on
 * a smaller window (RFC 7692 section 7.1.2).
 * Refuses nothing: data that are not deflate end the walk, inflating them says what is wrong.
 */
#ifndef WST_WS_WINDOW_H
#define WST_WS_WINDOW_H

#include "slice.h"

enum { WST_WINDOW_LENGTHS = 320, WST_WINDOW_CODES = 16 };

struct wst_codes {                    /* a canonical Huffman code, RFC 1951 section 3.2.2 */
    uint16_t count[WST_WINDOW_CODES]; /* codes of each length */
    uint16_t symbol[288];             /* in the order of the codes */
};

struct wst_window {
    uint32_t limit; /* 2 to the window bits */
    bool exceeded;  /* in this message */
    uint32_t worst; /* the first distance beyond the limit */
    uint64_t at;    /* and where in the output */
    /* the walk */
    uint64_t bits; /* not used yet, the next one lowest */
    unsigned bits_n;
    uint8_t state;
    bool last;              /* the block is the final one */
    uint16_t stored;        /* bytes left of a stored block */
    uint16_t literals, all; /* code lengths: of literals and lengths; of distances, too */
    uint16_t sizes;         /* lengths of the code for code lengths */
    uint16_t n;             /* code lengths read */
    uint64_t out;           /* bytes that came out */
    uint8_t lengths[WST_WINDOW_LENGTHS];
    struct wst_codes literal, distance; /* `literal` serves for the code lengths first */
};

void wst_window_init(struct wst_window *window, unsigned bits);
/* A message begins: at a byte, between two blocks. */
void wst_window_begin(struct wst_window *window);
/* Goes on; stops for good at the first distance beyond the limit. */
void wst_window_feed(struct wst_window *window, struct wst_slice in);

#endif
