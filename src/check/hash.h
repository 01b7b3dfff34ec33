/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: 64 bits that stand for them where looking is enough; who must be sure compares.
 * Refuses nothing.
 */
#ifndef WST_CHECK_HASH_H
#define WST_CHECK_HASH_H

#include "slice.h"

/* FNV-1a by words, with the mixing of MurmurHash3 at the end. Equal keys are always compared byte
 * by byte, so that chosen collisions cost time at worst. */
static inline uint64_t wst_hash_bytes(uint64_t seed, struct wst_slice s)
{
    uint64_t h = 0xcbf29ce484222325ull ^ (seed * 0x9e3779b97f4a7c15ull) ^ s.n;
    size_t i = 0;

    for (; i + 8 <= s.n; i += 8) {
        uint64_t w;
        memcpy(&w, s.p + i, 8);
        h = (h ^ w) * 0x100000001b3ull;
        h ^= h >> 29;
    }
    for (; i < s.n; i++) h = (h ^ s.p[i]) * 0x100000001b3ull;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    return h;
}

#endif
