/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: base64, RFC 4648 section 4: the standard alphabet, padded, no line breaks.
 *
 *     |76543210|76543210|76543210|    three bytes
 *     |  a   |  b   |  c   |  d   |   four letters of six bits
 *
 * With AVX2, 24 bytes at a time, with AVX-512 48 (both after Wojciech Muła); the processor is asked
 * at run time.
 */
#include "escape.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WITH_AVX2 1
#include <immintrin.h>
#endif

enum { PIECE = 24 * 1024 }; /* bytes at a time: a multiple of 3, so that only the last is padded */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint8_t *wst_escape_base64_scalar(uint8_t *at, struct wst_slice s)
{
    const uint8_t *p = s.p;
    size_t n = s.n;
    for (; n >= 3; n -= 3, p += 3, at += 4) {
        uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        at[0] = (uint8_t)letters[bits >> 18];
        at[1] = (uint8_t)letters[bits >> 12 & 63];
        at[2] = (uint8_t)letters[bits >> 6 & 63];
        at[3] = (uint8_t)letters[bits & 63];
    }
    if (n == 0) return at;
    at[0] = (uint8_t)letters[p[0] >> 2];
    at[1] = (uint8_t)letters[(p[0] & 3) << 4 | (n > 1 ? p[1] >> 4 : 0)];
    at[2] = n > 1 ? (uint8_t)letters[(p[1] & 15) << 2] : '=';
    at[3] = '=';
    return at + 4;
}

#ifdef WITH_AVX2
/* The letter of each six-bit number: a letter is its number plus what its range is shifted by
 * (A–Z 65, a–z 71, 0–9 -4, + -19, / -16), and the range is told by comparing. */
__attribute__((target("avx2"))) static __m256i letters_of(__m256i six)
{
    const __m256i shifts =
        _mm256_setr_epi8(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0, 71, -4, -4,
                         -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0);
    __m256i range = _mm256_subs_epu8(six, _mm256_set1_epi8(51)); /* 0: A–z, 1–10: digits, 11, 12 */
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), six);
    range = _mm256_or_si256(range, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(_mm256_shuffle_epi8(shifts, range), six);
}

/* As many whole blocks of 24 bytes as can be loaded without reading past the end (28 bytes). */
__attribute__((target("avx2"))) static size_t blocks(uint8_t *at, const uint8_t *p, size_t n)
{
    /* b1 b0 b2 b1: every 16-bit half then holds the bits of two letters. */
    const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0,
                                            2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    size_t i = 0;
    for (; n - i >= 28; i += 24, at += 32) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(p + i + 12));
        __m256i x = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
        x = _mm256_shuffle_epi8(x, spread);
        /* Multiplying moves each field to its byte: a and c down, b and d up. */
        __m256i ac = _mm256_mulhi_epu16(_mm256_and_si256(x, _mm256_set1_epi32(0x0fc0fc00)),
                                        _mm256_set1_epi32(0x04000040));
        __m256i bd = _mm256_mullo_epi16(_mm256_and_si256(x, _mm256_set1_epi32(0x003f03f0)),
                                        _mm256_set1_epi32(0x01000010));
        _mm256_storeu_si256((__m256i *)(void *)at, letters_of(_mm256_or_si256(ac, bd)));
    }
    return i;
}

static inline bool has_vbmi(void)
{
    return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw");
}

/* Whole blocks of 48 bytes: each letter's byte is looked up, for one of 64 is all that is known of
 * it then. */
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static size_t
blocks_zmm(uint8_t *at, const uint8_t *p, size_t n)
{
    enum { BLOCK = 48 };
    static const _Alignas(64)
        uint8_t spread[64] = {1,  0,  2,  1,  4,  3,  5,  4,  7,  6,  8,  7,  10, 9,  11, 10, 13,
                              12, 14, 13, 16, 15, 17, 16, 19, 18, 20, 19, 22, 21, 23, 22, 25, 24,
                              26, 25, 28, 27, 29, 28, 31, 30, 32, 31, 34, 33, 35, 34, 37, 36, 38,
                              37, 40, 39, 41, 40, 43, 42, 44, 43, 46, 45, 47, 46}; /* as above */
    const __m512i places = _mm512_load_si512(spread), all = _mm512_loadu_si512(letters);
    /* Where the six bits of each letter begin, in 64: 10, 4, 22, 16, and 32 more. */
    const __m512i from = _mm512_set1_epi64(0x3036242a1016040a);
    size_t i = 0;
    for (; n - i >= BLOCK; i += BLOCK, at += 64) {
        __m512i x = _mm512_maskz_loadu_epi8(((__mmask64)1 << BLOCK) - 1, p + i);
        x = _mm512_permutexvar_epi8(places, x);
        x = _mm512_multishift_epi64_epi8(from, x);
        _mm512_storeu_si512(at, _mm512_permutexvar_epi8(x, all));
    }
    return i;
}
#endif

uint8_t *wst_escape_base64_at(uint8_t *at, struct wst_slice s)
{
#ifdef WITH_AVX2
    if (s.n >= 48 && has_vbmi()) {
        size_t done = blocks_zmm(at, s.p, s.n);
        at += done / 3 * 4;
        s.p += done;
        s.n -= done;
    }
    if (s.n >= 28 && __builtin_cpu_supports("avx2")) {
        size_t done = blocks(at, s.p, s.n);
        at += done / 3 * 4;
        s.p += done;
        s.n -= done;
    }
#endif
    return wst_escape_base64_scalar(at, s);
}

void wst_escape_base64(struct wst_out *out, struct wst_slice s)
{
    while (s.n > 0) {
        size_t n = s.n < PIECE ? s.n : PIECE;
        uint8_t *at = wst_out_reserve(out, WST_ESCAPE_BASE64_ROOM(n));
        out->at = wst_escape_base64_at(at, (struct wst_slice){s.p, n});
        s.p += n;
        s.n -= n;
    }
}
