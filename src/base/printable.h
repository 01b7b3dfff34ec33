/* SPDX-License-Identifier: MIT
 *
 * In: a text. Out: how many bytes at its beginning are plain: printable ASCII without quotes and
 * backslashes, which mean themselves in JSON and hide nothing. Most of what is said is.
 * Refuses nothing.
 */
#ifndef WST_BASE_PRINTABLE_H
#define WST_BASE_PRINTABLE_H

#include "slice.h"
#include "utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Eight at a time: a byte below 0x20, above 0x7e or equal to a quote or backslash sets its highest
 * bit; the lowest one set is exact, those above it may be borrowed. (S. Anderson, "Bit Twiddling
 * Hacks": determine if a word has a byte less than n, equal to n.) */
static inline uint64_t wst_printable_odd(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\'), del = w ^ (ones * 0x7f);

    return (w | (w - ones * 0x20) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
            ((del - ones) & ~del)) &
           highs;
}

#ifdef __SSE2__
static inline __m128i wst_printable_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
/* A bit for each of sixteen bytes that is not plain. Signed: from 0x80 on they are below 0x20. */
static inline unsigned wst_printable_mask(__m128i x)
{
    __m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_or_si128(low, quote), _mm_or_si128(slash, del)));
}
#endif

static inline bool wst_printable_byte(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static inline size_t wst_plain(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = p;

#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        unsigned odd = wst_printable_mask(wst_printable_load(at));
        if (odd) return (size_t)(at - p) + (unsigned)__builtin_ctz(odd);
    }
#endif
    for (; end - at >= 8; at += 8) {
        uint64_t w, odd;
        memcpy(&w, at, 8);
        odd = wst_printable_odd(w);
        if (odd == 0) continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return (size_t)(at - p) + ((unsigned)__builtin_ctzll(odd) >> 3);
#else
        break;
#endif
    }
    while (at < end && wst_printable_byte(*at)) at++;
    return (size_t)(at - p);
}

/* Whether a byte of valid UTF-8 may begin a character that wst_utf8_hidden() knows; the others need
 * no look. U+0080 begins with C2, U+061C with D8, U+180E with E1, U+2000 with E2, U+FEFF with EF,
 * U+1BCA0 with F0, U+E0000 with F3. */
static inline bool wst_printable_suspect(uint8_t c)
{
    return c == 0xc2 || c == 0xd8 || c == 0xe1 || c == 0xe2 || c == 0xef || c == 0xf0 || c == 0xf3;
}

/* The length of the character at p, of valid UTF-8, which begins with such a byte; 0: it is one of
 * the hidden ones. Emoji and dashes are not. */
static inline size_t wst_printable_shown(const uint8_t *p, const uint8_t *end)
{
    size_t n = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    uint32_t c = *p & (0x7fu >> n);

    if ((size_t)(end - p) < n) return 0;
    for (size_t i = 1; i < n; i++) c = c << 6 | (p[i] & 0x3f);
    return wst_utf8_hidden(c) ? 0 : n;
}

/* How many bytes are certain to be as wst_printable_text() wants them: sixteen at a time. */
static inline size_t wst_printable_blocks(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = p;

#ifdef __SSE2__
    static const uint8_t leads[] = {0xc2, 0xd8, 0xe1, 0xe2, 0xef, 0xf0, 0xf3};
    for (; end - at >= 16; at += 16) {
        __m128i x = wst_printable_load(at), suspect = _mm_setzero_si128();
        unsigned odd = wst_printable_mask(x), high = (unsigned)_mm_movemask_epi8(x);
        if (odd == 0) continue;
        for (size_t i = 0; high && i < sizeof leads; i++)
            suspect = _mm_or_si128(suspect, _mm_cmpeq_epi8(x, _mm_set1_epi8((char)leads[i])));
        odd = (odd & ~high) | (unsigned)_mm_movemask_epi8(suspect);
        if (odd) return (size_t)(at - p) + (unsigned)__builtin_ctz(odd);
    }
#endif
    for (at += wst_plain(at, end); at < end && *at >= 0x80 && !wst_printable_suspect(*at);) at++;
    return (size_t)(at - p);
}

/* As wst_plain(), of valid UTF-8, from the beginning of a character: what is beyond ASCII is plain,
 * too, unless it is hidden. */
static inline size_t wst_printable_text(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = p;

    for (;;) {
        at += wst_printable_blocks(at, end);
        if (at == end) break;
        if (*at < 0x80 && !wst_printable_byte(*at)) break;
        if (!wst_printable_suspect(*at)) continue;
        size_t n = wst_printable_shown(at, end);
        if (n == 0) break;
        at += n;
    }
    return (size_t)(at - p);
}

/* The first eight bytes of a key as a number that is ordered as they are; 0 behind its end. Up to
 * `end` may be read. */
static inline uint64_t wst_printable_first(struct wst_slice key, const uint8_t *end)
{
    uint64_t first = 0;

    if (key.n >= 8) return wst_be64(key.p);
    if (key.n == 0) return 0;
    if (end - key.p >= 8) return wst_be64(key.p) >> (64 - 8 * key.n) << (64 - 8 * key.n);
    for (size_t i = 0; i < key.n; i++) first |= (uint64_t)key.p[i] << (56 - 8 * i);
    return first;
}

static inline bool wst_printable_digits(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *from = *at;

    while (*at < end && **at >= '0' && **at <= '9') ++*at;
    return *at > from;
}

/* A number up to its exponent, of RFC 8259 section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? */
static inline bool wst_printable_decimal(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *first;

    if (**at == '-') ++*at;
    first = *at;
    if (!wst_printable_digits(at, end) || (*first == '0' && *at - first > 1)) return false;
    if (*at == end || **at != '.') return true;
    ++*at;
    return wst_printable_digits(at, end);
}

#endif
