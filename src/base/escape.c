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
    uint32_t two, hard, high; /* hard: neither plain nor two, provided that all of it is UTF-8; of
                               * high ones those that may begin a hidden character */
};

/* The bits that the tables have in common for each byte's lower and upper half. */
__attribute__((target("avx2"))) static inline __m256i agreed(__m256i x, __m256i lower,
                                                             __m256i upper)
{
    const __m256i four = _mm256_set1_epi8(0x0f);
    __m256i up = _mm256_and_si256(_mm256_srli_epi16(x, 4), four);
    return _mm256_and_si256(_mm256_shuffle_epi8(lower, _mm256_and_si256(x, four)),
                            _mm256_shuffle_epi8(upper, up));
}

__attribute__((target("avx2"))) static inline struct found look(__m256i x)
{
    const __m256i lower =
        TWICE((char)F0_F3, E1, QUOTE | C2_E2, (char)F0_F3, 0, 0, 0, 0, LETTER | D8, LETTER, LETTER,
              0, LETTER | SLASH, LETTER, 0, SEVEN_EF);
    const __m256i upper = TWICE(LETTER, 0, QUOTE, 0, 0, SLASH, 0, SEVEN_EF, 0, 0, 0, 0, C2_E2, D8,
                                SEVEN_EF | C2_E2 | E1, (char)F0_F3);
    const __m256i zero = _mm256_setzero_si256();
    __m256i is = agreed(x, lower, upper);
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

/* Which leads, among the 32 bytes x at p, begin what may be hidden: most characters that share a
 * lead with a hidden one, like quotation marks and emoji, are told from it by the byte behind.
 *
 *   C1 controls      c2 80–9f       vowel separator  e1 a0    byte order mark, annotations
 *   soft hyphen      c2 ad          e2 80 and 81: below                        ef bb, ef bf
 *   Arabic mark      d8 9c          tags             f3 a0    shorthand, music f0 9b, f0 9d
 *
 * Two bytes behind the 32 can be read. */
__attribute__((target("avx2"))) static uint32_t may_hide(__m256i x, const uint8_t *p)
{
    enum { C1 = 1, HYPHEN = 2, MARK = 4, VOWEL = 8, E2 = 16, EF = 32, F0 = 64, TAGS = 128 };
    const __m256i first_lower =
        TWICE(F0, VOWEL, C1 | HYPHEN | E2, (char)TAGS, 0, 0, 0, 0, MARK, 0, 0, 0, 0, 0, 0, EF);
    const __m256i first_upper = TWICE(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, C1 | HYPHEN, MARK,
                                      VOWEL | E2 | EF, (char)(F0 | TAGS));
    const __m256i second_lower =
        TWICE((char)(C1 | VOWEL | E2 | TAGS), C1 | E2, C1, C1, C1, C1, C1, C1, C1, C1, C1,
              C1 | EF | F0, C1 | MARK, C1 | HYPHEN | F0, C1, C1 | EF);
    const __m256i second_upper = TWICE(0, 0, 0, 0, 0, 0, 0, 0, C1 | E2, C1 | MARK | F0,
                                       (char)(HYPHEN | VOWEL | TAGS), EF, 0, 0, 0, 0);
    const __m256i zero = _mm256_setzero_si256();
    __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)(p + 1));
    __m256i z = _mm256_loadu_si256((const __m256i *)(const void *)(p + 2));
    /* Behind e2 80 only third bytes 88–8f and a8–af may: not dashes, quotation marks, dots. */
    __m256i third =
        _mm256_cmpeq_epi8(_mm256_and_si256(z, _mm256_set1_epi8(0x18)), _mm256_set1_epi8(0x08));
    __m256i calm = _mm256_andnot_si256(third, _mm256_cmpeq_epi8(y, _mm256_set1_epi8((char)0x80)));
    calm = _mm256_and_si256(calm, _mm256_set1_epi8(E2));
    __m256i is = _mm256_and_si256(agreed(x, first_lower, first_upper),
                                  agreed(y, second_lower, second_upper));
    is = _mm256_andnot_si256(calm, is);
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(is, zero));
}

/* Where eight bytes come to lie when '\' (byte 8 of the shuffled) is put before those whose bit is
 * set in the row's number. */
/* clang-format off */
#define BYTE_0(i) i,
#define BYTE_1(i) 8, i,
#define ROW(h, g, f, e, d, c, b, a) \
    {BYTE_##a(0) BYTE_##b(1) BYTE_##c(2) BYTE_##d(3) \
     BYTE_##e(4) BYTE_##f(5) BYTE_##g(6) BYTE_##h(7)},
#define ROWS_2(...) ROW(__VA_ARGS__, 0) ROW(__VA_ARGS__, 1)
#define ROWS_4(...) ROWS_2(__VA_ARGS__, 0) ROWS_2(__VA_ARGS__, 1)
#define ROWS_8(...) ROWS_4(__VA_ARGS__, 0) ROWS_4(__VA_ARGS__, 1)
#define ROWS_16(...) ROWS_8(__VA_ARGS__, 0) ROWS_8(__VA_ARGS__, 1)
#define ROWS_32(...) ROWS_16(__VA_ARGS__, 0) ROWS_16(__VA_ARGS__, 1)
#define ROWS_64(...) ROWS_32(__VA_ARGS__, 0) ROWS_32(__VA_ARGS__, 1)
#define ROWS_128(h) ROWS_64(h, 0) ROWS_64(h, 1)
/* clang-format on */
static const _Alignas(16) uint8_t spread[256][16] = {ROWS_128(0) ROWS_128(1)};
#undef ROWS_128
#undef ROWS_64
#undef ROWS_32
#undef ROWS_16
#undef ROWS_8
#undef ROWS_4
#undef ROWS_2
#undef ROW
#undef BYTE_1
#undef BYTE_0

/* What stands behind '\' for those that become two bytes; the others as they are. */
__attribute__((target("avx2"))) static inline __m256i second_of_two(__m256i x)
{
    const __m256i letters = TWICE(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0);
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(0x0f)), x);
    return _mm256_blendv_epi8(x, _mm256_shuffle_epi8(letters, x), control);
}

static inline bool has_vbmi2(void)
{
    return __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("bmi2");
}

/* What stands behind '\' for each ASCII byte that becomes two; 0: it stays, LONGER: neither. */
enum { LONGER = 0x80 };
#define LONGER_8 LONGER, LONGER, LONGER, LONGER, LONGER, LONGER, LONGER, LONGER
static const _Alignas(64) uint8_t seconds[128] = {
    LONGER_8, 'b',    't',      'n',      LONGER,      'f',           'r',
    LONGER,   LONGER, LONGER_8, LONGER_8, ['"'] = '"', ['\\'] = '\\', [0x7f] = LONGER};
#undef LONGER_8
/* The bytes from c0 on: leads of characters some of which are hidden (lead_may_hide). */
static const _Alignas(64) uint8_t leads[64] = {
    [0x02] = LONGER, [0x18] = LONGER, [0x21] = LONGER, [0x22] = LONGER,
    [0x2f] = LONGER, [0x30] = LONGER, [0x33] = LONGER};

#define ZMM "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi2,popcnt"

/* 32 bytes, of which those in `two` are their second bytes: '\\' is put before each, and those that
 * nobody wants are left out. */
__attribute__((target(ZMM))) static inline uint8_t *put_two_zmm(uint8_t *at, __m256i x,
                                                                uint32_t two)
{
    __m512i pairs =
        _mm512_or_si512(_mm512_slli_epi16(_mm512_cvtepu8_epi16(x), 8), _mm512_set1_epi16('\\'));
    uint64_t keep = _pdep_u64(two, 0x5555555555555555) | 0xaaaaaaaaaaaaaaaa;
    _mm512_storeu_si512(at, _mm512_maskz_compress_epi8(keep, pairs));
    return at + 32 + __builtin_popcount(two);
}

/* The same as put_two. */
__attribute__((target(ZMM))) static uint8_t *put_two_vbmi2(uint8_t *at, __m256i x, uint32_t two)
{
    return put_two_zmm(at, second_of_two(x), two);
}

/* 64 bytes at a time, up to those of which one becomes more than two, or may; unless all is known
 * to be UTF-8, to those of which one is not ASCII. */
__attribute__((target(ZMM))) static uint8_t *escape_zmm(uint8_t *at, const uint8_t **from,
                                                        const uint8_t *end, bool valid)
{
    const __m512i lower = _mm512_load_si512(seconds), upper = _mm512_load_si512(seconds + 64),
                  beyond = _mm512_load_si512(leads);
    const uint8_t *p = *from;
    for (; end - p >= 64; p += 64) {
        __m512i x = _mm512_loadu_si512(p);
        __m512i second = _mm512_permutex2var_epi8(lower, x, upper); /* of the seven lower bits */
        __mmask64 high = _mm512_movepi8_mask(x);
        if (!valid && high) break;
        __mmask64 lead = _mm512_cmpge_epu8_mask(x, _mm512_set1_epi8((char)0xc0));
        second =
            _mm512_mask_permutexvar_epi8(_mm512_maskz_mov_epi8(~high, second), lead, x, beyond);
        if (_mm512_movepi8_mask(second)) break;
        __mmask64 two = _mm512_test_epi8_mask(second, second);
        x = _mm512_mask_mov_epi8(x, two, second);
        at = put_two_zmm(at, _mm512_castsi512_si256(x), (uint32_t)two);
        at = put_two_zmm(at, _mm512_extracti64x4_epi64(x, 1), (uint32_t)(two >> 32));
    }
    *from = p;
    return at;
}

/* The 32 bytes x, those in `two` escaped: eight at a time, whatever the number of escapes. */
__attribute__((target("avx2,popcnt"))) static inline uint8_t *put_two(uint8_t *at, __m256i x,
                                                                      uint32_t two)
{
    const __m128i slashes = _mm_set1_epi8('\\');
    x = second_of_two(x);
    __m128i half = _mm256_castsi256_si128(x);
    __m128i eights[4] = {half, _mm_unpackhi_epi64(half, half)};
    half = _mm256_extracti128_si256(x, 1);
    eights[2] = half;
    eights[3] = _mm_unpackhi_epi64(half, half);
    for (unsigned i = 0; i < 4; i++, two >>= 8) {
        __m128i to = _mm_load_si128((const __m128i *)(const void *)spread[two & 255]);
        to = _mm_shuffle_epi8(_mm_unpacklo_epi64(eights[i], slashes), to);
        _mm_storeu_si128((__m128i *)(void *)at, to);
        at += 8 + __builtin_popcount(two & 255);
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
 * beyond, unless it is known. */
__attribute__((target("avx2,popcnt"))) static uint8_t *escape_wide(uint8_t *at, struct wst_slice s,
                                                                   bool valid, bool vbmi2)
{
    const uint8_t *p = s.p, *end = s.p + s.n;
    for (bool wider = vbmi2;;) {
        if (wider) at = escape_zmm(at, &p, end, valid);
        if (end - p < 32) break;
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        struct found f = look(x);
        wider = vbmi2 && !(f.hard & f.high);
        if (f.high && !valid) {
            valid = wst_utf8_valid((struct wst_slice){p, (size_t)(end - p)});
            if (!valid) break;
        }
        if ((f.hard & f.high) && end - p >= 32 + 2) f.hard = (f.hard & ~f.high) | may_hide(x, p);
        if (f.hard) {
            at = put_hard(at, &p, p + 32, end);
            continue;
        }
        if (f.two) {
            at = vbmi2 ? put_two_vbmi2(at, x, f.two) : put_two(at, x, f.two);
        } else {
            _mm256_storeu_si256((__m256i *)(void *)at, x);
            at += 32;
        }
        p += 32;
    }
    return wst_scan_escape(at, p, end, (struct wst_scan_how){rows, put_high, true, valid});
}

__attribute__((target("avx2,popcnt"))) static uint8_t *
usual_wide(uint8_t *at, const uint8_t **from, const uint8_t *end, bool vbmi2)
{
    const __m256i b = _mm256_set1_epi8('\b'), f = _mm256_set1_epi8('\f');
    const uint8_t *p = *from;
    for (; end - p >= 32; p += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        struct found is = look(x);
        __m256i other = _mm256_or_si256(_mm256_cmpeq_epi8(x, b), _mm256_cmpeq_epi8(x, f));
        if (is.hard || is.high || !_mm256_testz_si256(other, other)) break;
        if (is.two) {
            at = vbmi2 ? put_two_vbmi2(at, x, is.two) : put_two(at, x, is.two);
        } else {
            _mm256_storeu_si256((__m256i *)(void *)at, x);
            at += 32;
        }
    }
    *from = p;
    return at;
}
#endif

static uint8_t *usual(uint8_t *at, const uint8_t **p, const uint8_t *end, bool vbmi2)
{
#ifdef WITH_AVX2
    if (end - *p >= 32 && __builtin_cpu_supports("avx2"))
        return usual_wide(at, p, end, vbmi2 && has_vbmi2());
#else
    (void)p, (void)end, (void)vbmi2;
#endif
    return at;
}

uint8_t *wst_escape_usual(uint8_t *at, const uint8_t **p, const uint8_t *end)
{
    return usual(at, p, end, true);
}

uint8_t *wst_escape_usual_narrow(uint8_t *at, const uint8_t **p, const uint8_t *end)
{
    return usual(at, p, end, false);
}

/* `valid`: known to be UTF-8. */
static uint8_t *escape(uint8_t *at, struct wst_slice s, bool valid)
{
    if (s.n == 0) return at;
#ifdef WITH_AVX2
    if (s.n >= 32 && __builtin_cpu_supports("avx2")) return escape_wide(at, s, valid, has_vbmi2());
#endif
    valid = valid || (s.n >= 64 && wst_utf8_valid(s));
    return wst_scan_escape(at, s.p, s.p + s.n, (struct wst_scan_how){rows, put_high, true, valid});
}

uint8_t *wst_escape_json_at(uint8_t *at, struct wst_slice s)
{
    return escape(at, s, false);
}

uint8_t *wst_escape_json_narrow(uint8_t *at, struct wst_slice s)
{
#ifdef WITH_AVX2
    if (s.n >= 32 && __builtin_cpu_supports("avx2")) return escape_wide(at, s, false, false);
#endif
    return escape(at, s, false);
}

uint8_t *wst_escape_json_scalar(uint8_t *at, struct wst_slice s)
{
    if (s.n == 0) return at;
    return wst_scan_escape(at, s.p, s.p + s.n, plainly);
}

static inline void escape_pieces(struct wst_out *out, struct wst_slice s, bool valid)
{
    while (s.n > 0) {
        size_t n = wst_utf8_cut(s, PIECE);
        uint8_t *at = wst_out_reserve(out, WST_ESCAPE_JSON_ROOM(n));
        out->at = escape(at, (struct wst_slice){s.p, n}, valid);
        s.p += n;
        s.n -= n;
    }
}

void wst_escape_json(struct wst_out *out, struct wst_slice s)
{
    escape_pieces(out, s, false);
}

void wst_escape_json_utf8(struct wst_out *out, struct wst_slice s)
{
    escape_pieces(out, s, true);
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
        wst_escape_json_utf8(out, s);
        return;
    }
    for (size_t i = 0; i < s.n; i++)
        out->at = put_latin1(wst_out_reserve(out, WST_ESCAPE_JSON_ROOM(1)), s.p[i]);
}

void wst_escape_json_member(struct wst_out *out, const char *key, struct wst_slice value)
{
    enum { SHORT = 256 }; /* nearly all that stands in a handshake */
    size_t n = strlen(key);
    if (value.p && value.n <= SHORT && wst_utf8_ascii(value.p, value.n) == value.n) {
        uint8_t *at = wst_out_reserve(out, n + 2 + WST_ESCAPE_JSON_ROOM(SHORT));
        memcpy(at, key, n);
        at += n;
        *at++ = '"';
        at = escape(at, value, true);
        *at++ = '"';
        out->at = at;
        return;
    }
    wst_out_bytes(out, key, n);
    if (!value.p) {
        wst_out_text(out, "null");
        return;
    }
    wst_out_text(out, "\"");
    wst_escape_json_loose(out, value);
    wst_out_text(out, "\"");
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f;
}

void wst_escape_json_value(struct wst_out *out, struct wst_slice json)
{
    const uint8_t *p = json.p, *end = json.p + json.n;
    while (p < end) {
        const uint8_t *from = p;
        while (p < end && is_plain(*p)) p++;
        wst_out_bytes(out, from, (size_t)(p - from));
        for (; p < end && (*p == '\t' || *p == '\n' || *p == '\r'); p++) wst_out_text(out, " ");
        for (from = p; p < end && *p >= 0x7f;) p++; /* inside a string, and whole characters */
        wst_escape_json(out, (struct wst_slice){from, (size_t)(p - from)});
        if (p < end && *p < 0x20 && *p != '\t' && *p != '\n' && *p != '\r') p++; /* not JSON */
    }
}
