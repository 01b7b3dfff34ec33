/* SPDX-License-Identifier: MIT
 *
 * SipHash-1-3 over whole 64-bit words: keyed, so that nobody can choose addresses that collide.
 */
#ifndef WST_BASE_SIPHASH_H
#define WST_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define WST_ROTL64(x, b) (uint64_t)(((x) << (b)) | ((x) >> (64 - (b))))

static inline void wst_sipround(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = WST_ROTL64(v[1], 13) ^ v[0];
    v[0] = WST_ROTL64(v[0], 32);
    v[2] += v[3];
    v[3] = WST_ROTL64(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = WST_ROTL64(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = WST_ROTL64(v[1], 17) ^ v[2];
    v[2] = WST_ROTL64(v[2], 32);
}

static inline uint64_t wst_siphash13(const uint64_t key[2], const uint64_t *words, size_t n)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
                     key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull};
    for (size_t i = 0; i < n; i++) {
        v[3] ^= words[i];
        wst_sipround(v);
        v[0] ^= words[i];
    }
    uint64_t last = (uint64_t)(n * 8) << 56;
    v[3] ^= last;
    wst_sipround(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    wst_sipround(v);
    wst_sipround(v);
    wst_sipround(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
