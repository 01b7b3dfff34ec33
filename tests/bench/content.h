/* SPDX-License-Identifier: MIT
 *
 * What is said in the benchmark captures: ticks, chat, blocks of bytes and text.
 */
#ifndef BENCH_CONTENT_H
#define BENCH_CONTENT_H

#include "wire.h"

enum { CONTENT_WORDS = 4096, CONTENT_WORD = 24, CONTENT_CHAT = 4096 };

struct content {
    char words[CONTENT_WORDS][CONTENT_WORD];
    uint8_t word_n[CONTENT_WORDS];
    size_t block; /* bytes in each of the three */
    uint8_t *binary, *ascii, *utf8;
};

/* Words always; the blocks when `block` is not 0. */
void content_begin(struct content *c, struct wire *w, size_t block);
void content_end(struct content *c);

/* A market tick of about `want` bytes (at least 56) into `to`; returns its length. */
size_t content_tick(struct wire *w, char *to, uint32_t conn, uint32_t i, size_t want);
/* A chat message of about `want` bytes (at least 350, at most CONTENT_CHAT - 64). */
size_t content_chat(const struct content *c, struct wire *w, char *to, uint32_t conn, uint32_t i,
                    size_t want);
/* `n` bytes from the middle of a block of UTF-8, cut between characters: *n may shrink. */
const uint8_t *content_utf8(const struct content *c, struct wire *w, size_t *n);

#endif
