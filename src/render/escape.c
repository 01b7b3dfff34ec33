/* SPDX-License-Identifier: MIT
 *
 * In: any bytes. Out: the inside of a JSON string, always valid UTF-8 and valid JSON.
 * Refuses to let a control character, a terminal escape or a hidden character pass raw.
 */
#include "escape.h"

#include "digits.h"
#include "scan.h"
#include "utf8.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WITH_AVX2 1
#include <immintrin.h>
#endif

enum { PIECE = 8192 }; /* bytes at a time: escaped they are 48 KiB, less than half the buffer */

/* What each ASCII byte becomes. */
/* clang-format off */
#define U(hex) {"\\u00" hex, 6}
static const struct wst_scan_row rows[128] = {
    U("00"), U("01"), U("02"), U("03"), U("04"), U("05"), U("06"), U("07"),
    {"\\b", 2}, {"\\t", 2}, {"\\n", 2}, U("0b"), {"\\f", 2}, {"\\r", 2}, U("0e"), U("0f"),
    U("10"), U("11"), U("12"), U("13"), U("14"), U("15"), U("16"), U("17"),
    U("18"), U("19"), U("1a"), U("1b"), U("1c"), U("1d"), U("1e"), U("1f"),
    WST_SCAN_PRINTABLE(U("7f")),
};
#undef U
/* clang-format on */

static uint8_t *put_u16(uint8_t *at, uint32_t unit)
{
    at = WST_PUT(at, "\\u");
    at = wst_digits_hex(at, (uint8_t)(unit >> 8));
    return wst_digits_hex(at, (uint8_t)unit);
}

/* RFC 8259 section 7: beyond U+FFFF as a surrogate pair. */
static uint8_t *put_escaped(uint8_t *at, uint32_t c)
{
    if (c < 0x10000) return put_u16(at, c);
    c -= 0x10000;
    at = put_u16(at, 0xd800 | c >> 10);
    return put_u16(at, 0xdc00 | (c & 0x3ff));
}

/* Whether a character that begins with this byte may be hidden at all; most scripts go by here. */
static bool lead_may_hide(uint8_t c)
{
    return c == 0xc2 || c == 0xd8 || c == 0xe1 || c == 0xe2 || c == 0xef || c == 0xf0 || c == 0xf3;
}

/* wst_scan_how.high */
static uint8_t *put_high(uint8_t *at, const uint8_t **p, const uint8_t *end)
{
    const uint8_t *c = *p;
    size_t n = wst_scan_common(at, c, end);
    if (n == 0) {
        n = wst_utf8_char(c, end);
        if (n == 0) {
            *p = c + 1;
            return WST_PUT(at, "\\ufffd");
        }
        if (lead_may_hide(*c) && wst_utf8_hidden(wst_scan_code_point(c, n))) {
            *p = c + n;
            return put_escaped(at, wst_scan_code_point(c, n));
        }
        for (size_t i = 0; i < n; i++) at[i] = c[i];
    }
    *p = c + n;
    return at + n;
}

static const struct wst_scan_how plainly = {rows, put_high, false, false};

#ifdef WITH_AVX2
/* -- 32 bytes at a time ------------------------------------------------------------------------
 * Each byte is looked up by its two halves; a bit that both agree on says what it is. */

enum {
    QUOTE = 1,    /* 22 */
    SLASH = 2,    /* 5c */
    LETTER = 4,   /* 08 09 0a 0c 0d: \b \t \n \f \r */
    SEVEN_EF = 8, /* 7f; leads of characters some of which are hidden (lead_may_hide): ef, */
    C2_E2 = 16,   /* c2 e2, */
    D8 = 32,      /* d8, */
    E1 = 64,      /* e1, */
    F0_F3 = 128,  /* f0 f3 */
    TWO = QUOTE | SLASH | LETTER /* become two bytes: '\' and one more */
};
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

struct found {                /* a bit for each of 32 bytes */
    uint32_t two, hard, high; /* hard: neither plain nor two, provided that all of it is UTF-8 */
};

__attribute__((target("avx2"))) static inline struct found look(__m256i x)
{
    const __m256i lower =
        TWICE((char)F0_F3, E1, QUOTE | C2_E2, (char)F0_F3, 0, 0, 0, 0, LETTER | D8, LETTER, LETTER,
              0, LETTER | SLASH, LETTER, 0, SEVEN_EF);
    const __m256i upper = TWICE(LETTER, 0, QUOTE, 0, 0, SLASH, 0, SEVEN_EF, 0, 0, 0, 0, C2_E2, D8,
                                SEVEN_EF | C2_E2 | E1, (char)F0_F3);
    const __m256i four = _mm256_set1_epi8(0x0f), zero = _mm256_setzero_si256();
    __m256i is = _mm256_and_si256(
        _mm256_shuffle_epi8(lower, _mm256_and_si256(x, four)),
        _mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(x, 4), four)));
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x1f)), x);
    __m256i any = _mm256_or_si256(is, control);
    struct found f = {0, ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, zero)),
                      (uint32_t)_mm256_movemask_epi8(x)};
    if (!f.hard) return f;
    __m256i two = _mm256_and_si256(is, _mm256_set1_epi8(TWO));
    f.two = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(two, zero));
    f.hard &= ~f.two;
    return f;
}

/* Where the bytes of four come to lie when '\' (byte 8 of the shuffled) is put before those whose
 * bit is set; `o`: place of the four among eight. */
#define B 8
#define FOURS(o)                                                                            \
    {                                                                                       \
        {o, o + 1, o + 2, o + 3}, {B, o, o + 1, o + 2, o + 3}, {o, B, o + 1, o + 2, o + 3}, \
            {B, o, B, o + 1, o + 2, o + 3}, {o, o + 1, B, o + 2, o + 3},                    \
            {B, o, o + 1, B, o + 2, o + 3}, {o, B, o + 1, B, o + 2, o + 3},                 \
            {B, o, B, o + 1, B, o + 2, o + 3}, {o, o + 1, o + 2, B, o + 3},                 \
            {B, o, o + 1, o + 2, B, o + 3}, {o, B, o + 1, o + 2, B, o + 3},                 \
            {B, o, B, o + 1, o + 2, B, o + 3}, {o, o + 1, B, o + 2, B, o + 3},              \
            {B, o, o + 1, B, o + 2, B, o + 3}, {o, B, o + 1, B, o + 2, B, o + 3},           \
        {                                                                                   \
            B, o, B, o + 1, B, o + 2, B, o + 3                                              \
        }                                                                                   \
    }
static const uint8_t fours[2][16][8] = {FOURS(0), FOURS(4)};
#undef FOURS
#undef B

/* The 32 bytes at p, those in `two` escaped: eight at a time, whatever the number of escapes. */
__attribute__((target("avx2,popcnt"))) static inline uint8_t *put_two(uint8_t *at, __m256i x,
                                                                      uint32_t two)
{
    const __m256i letters = TWICE(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x0f)), x);
    x = _mm256_blendv_epi8(x, _mm256_shuffle_epi8(letters, x), control);
    uint8_t bytes[32];
    _mm256_storeu_si256((__m256i *)(void *)bytes, x);
    for (unsigned i = 0; i < 32; i += 8, two >>= 8) {
        unsigned low = two & 15, high = two >> 4 & 15;
        uint64_t eight, first, second;
        memcpy(&eight, bytes + i, 8);
        memcpy(&first, fours[0][low], 8);
        memcpy(&second, fours[1][high], 8);
        __m128i from = _mm_set_epi64x(0x5c5c5c5c5c5c5c5c, (int64_t)eight);
        __m128i to = _mm_shuffle_epi8(from, _mm_set_epi64x((int64_t)second, (int64_t)first));
        uint8_t *half = at + 4 + __builtin_popcount(low);
        _mm_storel_epi64((__m128i *)(void *)at, to);
        _mm_storel_epi64((__m128i *)(void *)half, _mm_unpackhi_epi64(to, to));
        at = half + 4 + __builtin_popcount(high);
    }
    return at;
}

/* Up to `stop` and the end of the character there, the careful way. May begin inside a character,
 * whose beginning was plain. */
static uint8_t *put_hard(uint8_t *at, const uint8_t **p, const uint8_t *stop, const uint8_t *end)
{
    while (*p < stop && wst_scan_tail(**p)) *at++ = *(*p)++;
    while (*p < stop) {
        at = wst_scan_bytes(at, p, stop, plainly);
        if (*p < stop) at = put_high(at, p, end);
    }
    return at;
}

/* As wst_escape_json_at. ASCII needs no judgement: whether it is UTF-8 is asked at the first byte
 * beyond. */
__attribute__((target("avx2,popcnt"))) static uint8_t *escape_wide(uint8_t *at, struct wst_slice s)
{
    const uint8_t *p = s.p, *end = s.p + s.n;
    bool valid = false;
    while (end - p >= 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        struct found f = look(x);
        if (f.high && !valid) {
            valid = wst_utf8_valid((struct wst_slice){p, (size_t)(end - p)});
            if (!valid) break;
        }
        if (f.hard) {
            at = put_hard(at, &p, p + 32, end);
            continue;
        }
        if (f.two) {
            at = put_two(at, x, f.two);
        } else {
            _mm256_storeu_si256((__m256i *)(void *)at, x);
            at += 32;
        }
        p += 32;
    }
    return wst_scan_escape(at, p, end, (struct wst_scan_how){rows, put_high, true, valid});
}
#endif

uint8_t *wst_escape_json_at(uint8_t *at, struct wst_slice s)
{
    if (s.n == 0) return at;
#ifdef WITH_AVX2
    if (s.n >= 32 && __builtin_cpu_supports("avx2")) return escape_wide(at, s);
#endif
    bool valid = s.n >= 64 && wst_utf8_valid(s);
    return wst_scan_escape(at, s.p, s.p + s.n, (struct wst_scan_how){rows, put_high, true, valid});
}

uint8_t *wst_escape_json_scalar(uint8_t *at, struct wst_slice s)
{
    if (s.n == 0) return at;
    return wst_scan_escape(at, s.p, s.p + s.n, plainly);
}

void wst_escape_json(struct wst_out *out, struct wst_slice s)
{
    while (s.n > 0) {
        size_t n = wst_utf8_cut(s, PIECE);
        uint8_t *at = wst_out_reserve(out, WST_ESCAPE_JSON_ROOM(n));
        out->at = wst_escape_json_at(at, (struct wst_slice){s.p, n});
        s.p += n;
        s.n -= n;
    }
}

static uint8_t *put_latin1(uint8_t *at, uint8_t c)
{
    if (c < 0x80) {
        memcpy(at, &rows[c], sizeof rows[c]);
        return at + rows[c].n;
    }
    if (wst_utf8_hidden(c)) return put_u16(at, c);
    at[0] = (uint8_t)(0xc0 | c >> 6);
    at[1] = (uint8_t)(0x80 | (c & 0x3f));
    return at + 2;
}

void wst_escape_json_loose(struct wst_out *out, struct wst_slice s)
{
    if (wst_utf8_valid(s)) {
        wst_escape_json(out, s);
        return;
    }
    for (size_t i = 0; i < s.n; i++)
        out->at = put_latin1(wst_out_reserve(out, WST_ESCAPE_JSON_ROOM(1)), s.p[i]);
}
