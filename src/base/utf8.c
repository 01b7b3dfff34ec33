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
#if defined(__x86_64__) && defined(__GNUC__)
#define WITH_AVX2 1
#include <immintrin.h>
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

#ifdef __SSE2__
/* Fewer than sixteen bytes, by halves that overlap: no loop whose length nobody can foresee. */
static bool few_ascii(const uint8_t *p, size_t n)
{
    if (n >= 8) {
        uint64_t first, last;
        memcpy(&first, p, 8);
        memcpy(&last, p + n - 8, 8);
        return !((first | last) & 0x8080808080808080u);
    }
    if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        return !((first | last) & 0x80808080u);
    }
    return n == 0 || (p[0] | p[n / 2] | p[n - 1]) < 0x80;
}
#endif

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
    if (few_ascii(p + i, n - i)) return n;
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

#ifdef WITH_AVX2
/* Each pair of neighbours is judged by three look-ups of four bits: the first byte's halves and
 * the second's upper half (Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per
 * Byte", 2021). A bit is one way to be wrong; where all three agree on one, the pair is wrong.
 *
 *   TOO_SHORT  lead, no tail       OVERLONG_2  C0 C1       SURROGATE  ED A0
 *   TOO_LONG   ASCII, tail         OVERLONG_3  E0 80       TOO_LARGE  F4 90, F5 on
 *   TWO_TAILS  right only as third or fourth byte          OVERLONG_4  F0 80
 */
enum {
    TOO_SHORT = 1,
    TOO_LONG = 2,
    OVERLONG_3 = 4,
    SURROGATE = 16,
    OVERLONG_2 = 32,
    TWO_TAILS = 128,
    TOO_LARGE = 8,
    TOO_LARGE_1000 = 64,
    OVERLONG_4 = 64,
    CARRY = TOO_SHORT | TOO_LONG | TWO_TAILS
};
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* `x` shifted up by `n` bytes, the last of the block before moving in. */
#define PREVIOUS(x, before, n) \
    _mm256_alignr_epi8((x), _mm256_permute2x128_si256((before), (x), 0x21), 16 - (n))

__attribute__((target("avx2"))) static __m256i wrong_pairs(__m256i x, __m256i before)
{
    const __m256i first_high =
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
              (char)TWO_TAILS, (char)TWO_TAILS, (char)TWO_TAILS, (char)TWO_TAILS,
              TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
              TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const __m256i first_low = TWICE(
        (char)(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), (char)(CARRY | OVERLONG_2),
        (char)CARRY, (char)CARRY, (char)(CARRY | TOO_LARGE),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE),
        (char)(CARRY | TOO_LARGE | TOO_LARGE_1000), (char)(CARRY | TOO_LARGE | TOO_LARGE_1000));
    const __m256i second_high = TWICE(
        TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
        (char)(TOO_LONG | OVERLONG_2 | TWO_TAILS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),
        (char)(TOO_LONG | OVERLONG_2 | TWO_TAILS | OVERLONG_3 | TOO_LARGE),
        (char)(TOO_LONG | OVERLONG_2 | TWO_TAILS | SURROGATE | TOO_LARGE),
        (char)(TOO_LONG | OVERLONG_2 | TWO_TAILS | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
        TOO_SHORT, TOO_SHORT);
    const __m256i four = _mm256_set1_epi8(0x0f);
    __m256i one = PREVIOUS(x, before, 1);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(one, 4), four);
    __m256i wrong = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(first_high, high),
                         _mm256_shuffle_epi8(first_low, _mm256_and_si256(one, four))),
        _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(x, 4), four)));
    /* Two tails in a row are right where the second is the third byte of E0… or fourth of F0…. */
    __m256i third = _mm256_subs_epu8(PREVIOUS(x, before, 2), _mm256_set1_epi8((char)(0xe0 - 0x80)));
    __m256i fourth =
        _mm256_subs_epu8(PREVIOUS(x, before, 3), _mm256_set1_epi8((char)(0xf0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, wrong);
}

/* Whether the whole blocks of 32 at the front hold nothing wrong. *n: their bytes, less a character
 * that the last of them may have begun. */
__attribute__((target("avx2"))) static bool valid_blocks(const uint8_t *p, size_t *n)
{
    enum { RUN = 8 * 32 }; /* behind a block that is not all ASCII there are more: nobody asks */
    __m256i before = _mm256_setzero_si256(), wrong = before;
    size_t i = 0, end = *n - *n % 32;
    while (i < end) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        if (!_mm256_movemask_epi8(_mm256_or_si256(x, before))) {
            before = x;
            i += 32;
            continue;
        }
        for (size_t run = end - i < RUN ? end : i + RUN; i < run; i += 32) {
            x = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
            wrong = _mm256_or_si256(wrong, wrong_pairs(x, before));
            before = x;
        }
    }
    for (size_t back = 1; back <= 3 && back <= i; back++)
        if (p[i - back] >= 0xc0) { /* a lead this near to the end: judged again, with its tails */
            i -= back;
            break;
        }
    *n = i;
    return _mm256_testz_si256(wrong, wrong);
}

/* All ASCII: 32 bytes at least, the last 32 read first, whatever of them is read again. */
__attribute__((target("avx2"))) static bool all_ascii(const uint8_t *p, size_t n)
{
    __m256i any = _mm256_loadu_si256((const __m256i *)(const void *)(p + n - 32));
    for (size_t i = 0; i + 32 < n; i += 32)
        any = _mm256_or_si256(any, _mm256_loadu_si256((const __m256i *)(const void *)(p + i)));
    return !_mm256_movemask_epi8(any);
}
#endif

enum { SHORT = 256 }; /* bytes: such texts are ASCII so often that they are asked for it first */

/* Where the whole, valid characters from byte i on end. */
static size_t front(struct wst_slice s, size_t i)
{
    for (size_t whole; i < s.n; i += whole) {
        whole =
            s.p[i] < 0x80 ? wst_utf8_ascii(s.p + i, s.n - i) : wst_utf8_char(s.p + i, s.p + s.n);
        if (whole == 0) break;
    }
    return i;
}

size_t wst_utf8_front(struct wst_slice s)
{
    size_t i = 0;
#ifdef WITH_AVX2
    if (s.n >= 32 && __builtin_cpu_supports("avx2")) {
        i = s.n;
        if (!valid_blocks(s.p, &i)) return 0;
    }
#endif
    return front(s, i);
}

bool wst_utf8_valid(struct wst_slice s)
{
#ifdef WITH_AVX2
    if (s.n >= 32 && s.n <= SHORT && __builtin_cpu_supports("avx2") && all_ascii(s.p, s.n))
        return true;
#endif
    return wst_utf8_front(s) == s.n;
}

bool wst_utf8_valid_scalar(struct wst_slice s)
{
    return front(s, 0) == s.n;
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

bool wst_utf8_hidden(uint32_t c)
{
    if (c < 0x300) return (c >= 0x80 && c <= 0x9f) || c == 0xad; /* C1; soft hyphen */
    if (c == 0x061c || c == 0x180e) return true;                 /* Arabic mark; Mongolian vowel */
    if (c < 0x200b) return false;
    if (c <= 0x200f) return c != 0x200c && c != 0x200d; /* zero-width space; direction marks */
    if (c >= 0x2028 && c <= 0x202e) return true;        /* separators; overrides */
    if (c >= 0x2060 && c <= 0x206f) return true;        /* word joiner; isolates */
    if (c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb)) return true; /* BOM; annotations */
    return (c >= 0x1bca0 && c <= 0x1bca3) ||
           (c >= 0x1d173 && c <= 0x1d17a) || /* shorthand; music */
           (c >= 0xe0000 && c <= 0xe007f);   /* tags */
}
