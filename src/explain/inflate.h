/* SPDX-License-Identifier: MIT
 *
 * Inflating as it is taught: the same work as zlib's (RFC 1951), slower, and every step is told.
 * In: the compressed payload of one message and the text before it. Out: its bytes, and on the way
 * each block, literal and match, with the bits it was read from.
 * Refuses what RFC 1951 refuses, and more output than the caller allows.
 */
#ifndef WST_EXPLAIN_INFLATE_H
#define WST_EXPLAIN_INFLATE_H

#include <wstrace/types.h>

enum { WST_WALK_WINDOW = 32768 };

enum wst_walk_kind {
    WST_WALK_BLOCK,  /* BFINAL and BTYPE */
    WST_WALK_STORED, /* LEN, NLEN and the bytes of a stored block */
    WST_WALK_CODES,  /* HLIT, HDIST, HCLEN and the code lengths of a dynamic block */
    WST_WALK_LITERAL,
    WST_WALK_MATCH,
    WST_WALK_END, /* of a block */
};

struct wst_walk_step {
    enum wst_walk_kind kind;
    uint64_t bit;              /* place of its first bit in the compressed bytes, counted from 0 */
    uint64_t bits;             /* how many */
    uint32_t code;             /* literal, match, end: the Huffman code, first bit highest */
    uint8_t code_bits;         /* its length */
    bool final;                /* BFINAL */
    uint8_t type;              /* BTYPE */
    uint8_t byte;              /* of a literal */
    uint16_t length, distance; /* of a match; length: also of a stored block */
    uint16_t literal_codes, distance_codes, length_codes; /* HLIT + 257, HDIST + 1, HCLEN + 4 */
    uint64_t at; /* place of its first byte in the output */
};

enum wst_walk_end {
    WST_WALK_FINE,         /* ends between two blocks */
    WST_WALK_FINAL,        /* ends with a block that says it is the last */
    WST_WALK_TRUNCATED,    /* ends inside a block */
    WST_WALK_BAD_TYPE,     /* BTYPE 11 */
    WST_WALK_BAD_STORED,   /* LEN and NLEN do not agree */
    WST_WALK_BAD_CODES,    /* code lengths that make no code */
    WST_WALK_BAD_CODE,     /* a code that stands for nothing */
    WST_WALK_BAD_DISTANCE, /* beyond the first byte there is */
    WST_WALK_LIMIT,        /* more output than was allowed */
    WST_WALK_MEMORY,
};

struct wst_walk {
    struct wst_slice history; /* text of earlier messages; at most WST_WALK_WINDOW bytes count */
    const uint8_t *history_doubt; /* for each byte of it 1: it is not known; NULL: all are */
    bool lost;                    /* nobody knows what stood before it: matches may point there */
    size_t max;               /* output allowed */
    void *user;
    void (*step)(void *user, const struct wst_walk_step *step); /* or NULL */
    /* filled */
    uint8_t *out; /* owned by the caller: free() */
    uint8_t *doubt; /* the same of `out`, where there may be such bytes; free() */
    size_t n, room;
    enum wst_walk_end end;
    uint64_t end_bit; /* where it ended */
    bool tail_added;  /* 00 00 ff ff was put back (RFC 7692 section 7.2.2) */
};

/* Inflates the payload of one message. `whole` false: a part of it; nothing is put back and ending
 * inside a block is as it should be. Whatever the end, `out` holds what came out before it. */
void wst_walk_run(struct wst_walk *walk, struct wst_slice in, bool whole);
void wst_walk_free(struct wst_walk *walk); /* out and doubt */
/* "LEN and NLEN do not agree"; "" for the first two. */
const char *wst_walk_end_text(enum wst_walk_end end);

#endif
