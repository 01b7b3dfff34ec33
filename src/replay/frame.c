/* SPDX-License-Identifier: MIT
 *
 * In: a payload, or a piece of it. Out: the bytes of one masked frame, by the piece.
 * Refuses nothing: what the recording's client said is sent, right or wrong.
 *
 *      0                   1                   2                   3
 *     |F|C 0 0|opcode |1| length      | length of 16 or 64 bits …
 *     | masking key                                                   |
 *     | payload, masked …                               RFC 6455 section 5.2
 */
#include "replay.h"

#include <string.h>

static size_t head(const struct wst_replay_frame *f, uint8_t *to)
{
    uint64_t length = f->payload.n;
    size_t n = 2;
    int bits = 0;

    to[0] = (uint8_t)((f->more ? 0 : 0x80) | (f->compressed ? 0x40 : 0) | f->opcode);
    if (length < 126) {
        to[1] = (uint8_t)(0x80 | length);
    } else {
        to[1] = length <= UINT16_MAX ? 0x80 | 126 : 0x80 | 127;
        bits = length <= UINT16_MAX ? 16 : 64;
    }
    while (bits > 0) to[n++] = (uint8_t)(length >> (bits -= 8));
    memcpy(to + n, f->mask, sizeof f->mask);
    return n + sizeof f->mask;
}

size_t wst_replay_frame_next(struct wst_replay_frame *f, uint8_t to[WST_REPLAY_PIECE])
{
    size_t n = f->begun ? 0 : head(f, to);

    f->begun = true;
    while (n < WST_REPLAY_PIECE && f->at < f->payload.n) {
        to[n++] = (uint8_t)(f->payload.p[f->at] ^ f->mask[f->at % 4]);
        f->at++;
    }
    return n;
}
