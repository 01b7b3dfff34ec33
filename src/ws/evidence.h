/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room. In: a place in the bytes of a direction whose framing is lost. Out: how much
 * speaks for a frame beginning there, in bits: what chance would have to guess.
 * Refuses headers that no sound endpoint writes in this direction.
 *
 *   evidence of a frame                                        bits (about)
 *   first byte: FIN, reserved bits, opcode are legal           256 / 9 … 13 values    4
 *   mask bit as the direction demands                                                 1
 *   16-bit length, minimal                                     one length in 128      6
 *   64-bit length, minimal and below 2^31                      33 zero bits more     30
 *   control frame: FIN, at most 125 bytes; close: legal code                          2, 6
 *   text payload is UTF-8                                      a bit a byte, up to   24
 *   compressed payload inflates to its end; as a text          about, up to      12, 20
 *   ends where a segment ends: the next; fewer where more edges could be hit          8
 */
#ifndef WST_WS_EVIDENCE_H
#define WST_WS_EVIDENCE_H

#include "frame.h"
#include "seek.h"

enum wst_evidence_bits {
    BITS_HEADER = 5,
    BITS_LENGTH16 = 6,
    BITS_LENGTH64 = 30,
    BITS_CONTROL = 2,
    BITS_CLOSE = 6,
    BITS_TEXT_MAX = 24,
    BITS_DEFLATE = 12,
    BITS_DEFLATE_TEXT = 8,
    BITS_SEGMENT_END = 8,
};

/* Whether two bytes may be the first of such a header: of bytes at random one in twenty is, which
 * spares the others a closer look. */
static inline bool wst_evidence_may_begin(const uint8_t p[2], const struct wst_seek_rules *rules)
{
    return !(p[0] & 0x30) && (p[1] >> 7) == rules->masked && !wst_frame_opcode_reserved(p[0] & 15);
}

/* A header that a sound endpoint may write in such a direction. */
bool wst_evidence_credible(const struct wst_frame *frame, const struct wst_seek_rules *rules);
/* Bits for the frame at `at`, by itself; -1: it is none. `start`: where the frames began that led
 * to it; `at`, when none did. */
int wst_evidence(const struct wst_seek *seek, size_t at, size_t start,
                 const struct wst_frame *frame, const struct wst_seek_rules *rules);

#endif
