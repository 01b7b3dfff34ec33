/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: yes, no, and where. See utf8.h for what is refused.
 *
 * RFC 3629 section 4, which this file follows row by row:
 *
 *     lead      second    third     fourth
 *     00..7F
 *     C2..DF    80..BF
 *     E0        A0..BF    80..BF             (80..9F would be overlong)
 *     E1..EC    80..BF    80..BF
 *     ED        80..9F    80..BF             (A0..BF would be surrogates)
 *     EE..EF    80..BF    80..BF
 *     F0        90..BF    80..BF    80..BF   (80..8F would be overlong)
 *     F1..F3    80..BF    80..BF    80..BF
 *     F4        80..8F    80..BF    80..BF   (90..BF would be beyond U+10FFFF)
 *
 * Only the second byte's range depends on the lead: `need`, `lo` and `hi` are all the state.
 */
#include "utf8.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

size_t wst_utf8_ascii_scalar(const uint8_t *p, size_t n)
{
    size_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        if (word & 0x8080808080808080u) break;
    }
    while (i < n && p[i] < 0x80) i++;
    return i;
}

size_t wst_utf8_ascii(const uint8_t *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n - i >= 64; i += 64) {
        const __m128i *at = (const __m128i *)(const void *)(p + i);
        __m128i a = _mm_or_si128(_mm_loadu_si128(at), _mm_loadu_si128(at + 1));
        __m128i b = _mm_or_si128(_mm_loadu_si128(at + 2), _mm_loadu_si128(at + 3));
        if (_mm_movemask_epi8(_mm_or_si128(a, b))) break;
    }
    for (; n - i >= 16; i += 16) {
        int high = _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + i)));
        if (high) return i + (size_t)__builtin_ctz((unsigned)high);
    }
#endif
    return i + wst_utf8_ascii_scalar(p + i, n - i);
}

static bool tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* What must follow a lead byte >= 0x80; 0 when it is no lead. */
static uint8_t lead(uint8_t byte, uint8_t *lo, uint8_t *hi)
{
    *lo = 0x80;
    *hi = 0xbf;
    if (byte < 0xc2 || byte > 0xf4) return 0;
    if (byte < 0xe0) return 1;
    if (byte == 0xe0) *lo = 0xa0;
    if (byte == 0xed) *hi = 0x9f;
    if (byte < 0xf0) return 2;
    if (byte == 0xf0) *lo = 0x90;
    if (byte == 0xf4) *hi = 0x8f;
    return 3;
}

size_t wst_utf8_char(const uint8_t *p, const uint8_t *end)
{
    uint8_t lo, hi, more;
    if (*p < 0x80) return 1;
    more = lead(*p, &lo, &hi);
    if (more == 0 || (size_t)(end - p) <= more) return 0;
    if (p[1] < lo || p[1] > hi) return 0;
    if (more >= 2 && !tail(p[2])) return 0;
    if (more == 3 && !tail(p[3])) return 0;
    return (size_t)more + 1;
}

void wst_utf8_init(struct wst_utf8 *u)
{
    *u = (struct wst_utf8){.bad = UINT64_MAX};
}

/* One byte through the table above. False when it has no place there. */
static bool step(struct wst_utf8 *u, uint8_t byte)
{
    if (u->need > 0) {
        if (byte < u->lo || byte > u->hi) return false;
        u->need--;
        u->lo = 0x80;
        u->hi = 0xbf;
        return true;
    }
    if (byte < 0x80) return true;
    u->need = lead(byte, &u->lo, &u->hi);
    return u->need > 0;
}

bool wst_utf8_feed(struct wst_utf8 *u, struct wst_slice s)
{
    const uint8_t *p = s.p, *end = s.n ? s.p + s.n : s.p;
    if (u->bad != UINT64_MAX) return false;
    while (p < end) {
        size_t whole = 0;
        if (u->need == 0)
            whole = *p < 0x80 ? wst_utf8_ascii(p, (size_t)(end - p)) : wst_utf8_char(p, end);
        if (whole > 0) {
            p += whole;
            u->seen += whole;
            u->good = u->seen;
            continue;
        }
        if (!step(u, *p)) {
            u->bad = u->seen;
            return false;
        }
        p++;
        u->seen++;
        if (u->need == 0) u->good = u->seen;
    }
    return true;
}

bool wst_utf8_done(const struct wst_utf8 *u)
{
    return u->bad == UINT64_MAX && u->need == 0;
}

bool wst_utf8_valid(struct wst_slice s)
{
    const uint8_t *p = s.p, *end = s.n ? s.p + s.n : s.p;
    while (p < end) {
        size_t whole = *p < 0x80 ? wst_utf8_ascii(p, (size_t)(end - p)) : wst_utf8_char(p, end);
        if (whole == 0) return false;
        p += whole;
    }
    return true;
}

size_t wst_utf8_cut(struct wst_slice s, size_t max)
{
    size_t n = max;
    if (s.n <= max) return s.n;
    /* s.p[n] is the first byte left out: a tail byte there means the cut is inside a character,
     * whose lead is at most three bytes before. */
    while (n > 0 && max - n < 3 && tail(s.p[n])) n--;
    return tail(s.p[n]) ? max : n;
}
