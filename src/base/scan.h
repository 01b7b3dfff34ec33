/* SPDX-License-Identifier: MIT
 *
 * In: bytes and a table that says what becomes of each. Out: the escaped copy.
 * The one loop under JSON strings and quotes; inline, so that each gets its own with its table.
 *
 * Most bytes are plain: printable ASCII but for '"' and '\'. Sixteen at a time they are stored
 * as they are and tested together; behind each escape the copy goes on with what follows. Around
 * bytes from 0x80 on it goes byte by byte through the table without a branch.
 */
#ifndef WST_BASE_SCAN_H
#define WST_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a byte becomes: eight bytes to store, `n` of them to keep. */
struct wst_scan_row {
    char text[7];
    uint8_t n;
};

/* clang-format off */
/* Rows for bytes that stay what they are: one, four, eight, sixteen from `c` on. */
#define WST_SCAN_SAME(c) {{(char)(c)}, 1}
#define WST_SCAN_SAME_4(c) \
    WST_SCAN_SAME(c), WST_SCAN_SAME(c + 1), WST_SCAN_SAME(c + 2), WST_SCAN_SAME(c + 3)
#define WST_SCAN_SAME_8(c) WST_SCAN_SAME_4(c), WST_SCAN_SAME_4(c + 4)
#define WST_SCAN_SAME_16(c) WST_SCAN_SAME_8(c), WST_SCAN_SAME_8(c + 8)
/* Rows 0x20–0x7f of a table in which only '"', '\' and 0x7f change. */
#define WST_SCAN_PRINTABLE(del) \
    WST_SCAN_SAME(0x20), WST_SCAN_SAME(0x21), {"\\\"", 2}, WST_SCAN_SAME(0x23), \
    WST_SCAN_SAME_4(0x24), WST_SCAN_SAME_8(0x28), WST_SCAN_SAME_16(0x30), \
    WST_SCAN_SAME_16(0x40), WST_SCAN_SAME_8(0x50), WST_SCAN_SAME_4(0x58), \
    {"\\\\", 2}, WST_SCAN_SAME(0x5d), WST_SCAN_SAME(0x5e), WST_SCAN_SAME(0x5f), \
    WST_SCAN_SAME_16(0x60), WST_SCAN_SAME_8(0x70), WST_SCAN_SAME_4(0x78), \
    WST_SCAN_SAME(0x7c), WST_SCAN_SAME(0x7d), WST_SCAN_SAME(0x7e), del
/* clang-format on */

struct wst_scan_how {
    const struct wst_scan_row *rows; /* 128, or 256 where `high` is NULL */
    /* Writes the character from 0x80 up at *p, or what stands for a byte that is none, and moves
     * *p on by at least one. NULL: the table has rows for these bytes. */
    uint8_t *(*high)(uint8_t *at, const uint8_t **p, const uint8_t *end);
    bool simd; /* false: the plain twin that the fast one is tested against */
    /* All of it is UTF-8, and `high` changes only characters that begin with a byte for which
     * wst_scan_may_hide says yes. */
    bool valid;
};

/* Through the table until `end`, or a high byte. *p moves on. */
static inline uint8_t *wst_scan_bytes(uint8_t *at, const uint8_t **p, const uint8_t *end,
                                      struct wst_scan_how how)
{
    const uint8_t *c = *p;
    for (; c < end && (!how.high || *c < 0x80); c++) {
        memcpy(at, &how.rows[*c], 8);
        at += how.rows[*c].n;
    }
    *p = c;
    return at;
}

#ifdef __SSE2__
/* A bit for each byte that is not plain. Signed: bytes from 0x80 on are less than 0x20, too. */
static inline unsigned wst_scan_mask(__m128i x)
{
    __m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
    __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));
    __m128i any = _mm_or_si128(_mm_or_si128(low, quote), _mm_or_si128(slash, del));
    return (unsigned)_mm_movemask_epi8(any);
}

static inline __m128i wst_scan_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static inline void wst_scan_store(uint8_t *at, __m128i x)
{
    _mm_storeu_si128((__m128i *)(void *)at, x);
}

/* The 1–15 bytes at p, zeros behind, reading nothing beyond. */
static inline __m128i wst_scan_few(const uint8_t *p, size_t n)
{
    uint64_t low = 0, high = 0;
    if (n >= 8) {
        memcpy(&low, p, 8);
        memcpy(&high, p + n - 8, 8);
        high = n == 8 ? 0 : high >> 8 * (16 - n);
    } else if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        low = first | (uint64_t)last << 8 * (n - 4);
    } else { /* 1–3: first, middle and last may be the same byte */
        low = p[0] | (uint64_t)p[n / 2] << 8 * (n / 2) | (uint64_t)p[n - 1] << 8 * (n - 1);
    }
    return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

/* Sixteen bytes of which the bits in `mask` are to be escaped, and none is high; 32 can be read
 * (the latter sixteen only to be overwritten).
 * Each store takes along what is plain behind the escape. */
static inline uint8_t *wst_scan_gaps(uint8_t *at, const uint8_t *p, unsigned mask,
                                     const struct wst_scan_row *rows)
{
    unsigned from = 0;
    for (; mask; mask &= mask - 1) {
        unsigned to = (unsigned)__builtin_ctz(mask);
        const struct wst_scan_row *row = &rows[p[to]];
        at += to - from;
        memcpy(at, row, 8);
        at += row->n;
        from = to + 1;
        wst_scan_store(at, wst_scan_load(p + from));
    }
    return at + (16 - from);
}

/* Some byte is a lead of characters some of which are hidden (escape.c, lead_may_hide). */
static inline bool wst_scan_may_hide(__m128i x)
{
    static const uint8_t leads[] = {0xc2, 0xd8, 0xe1, 0xe2, 0xef, 0xf0, 0xf3};
    __m128i any = _mm_setzero_si128();
    for (size_t i = 0; i < sizeof leads; i++)
        any = _mm_or_si128(any, _mm_cmpeq_epi8(x, _mm_set1_epi8((char)leads[i])));
    return _mm_movemask_epi8(any) != 0;
}

/* The plain and the escaped from *p on; stops where the table must take over: before a high byte.
 * Sets *n to how many bytes from *p on are worth that. */
static inline uint8_t *wst_scan_blocks(uint8_t *at, const uint8_t **p, const uint8_t *end,
                                       size_t *n, struct wst_scan_how how)
{
    const uint8_t *c = *p;
    for (*n = 16; end - c >= 16; c += 16) {
        __m128i x = wst_scan_load(c);
        unsigned mask = wst_scan_mask(x);
        wst_scan_store(at, x);
        if (mask == 0) {
            at += 16;
            continue;
        }
        if (_mm_movemask_epi8(x) != 0) {
            if (!how.valid || wst_scan_may_hide(x)) break;
            mask &= ~(unsigned)_mm_movemask_epi8(x);
            if (mask == 0) {
                at += 16;
                continue;
            }
        }
        if (end - c >= 32) {
            at = wst_scan_gaps(at, c, mask, how.rows);
        } else { /* the last but one: what lies behind the end must not be read */
            uint8_t room[32];
            wst_scan_store(room, x);
            wst_scan_store(room + 16, x);
            at = wst_scan_gaps(at, room, mask, how.rows);
        }
    }
    /* The rest of a character that a block above began. */
    while (how.valid && c < end && (*c & 0xc0) == 0x80) *at++ = *c++;
    *p = c;
    if (end - c >= 16) return at;
    *n = (size_t)(end - c);
    if (*n == 0) return at;
    __m128i x = wst_scan_few(c, *n);
    unsigned mask = wst_scan_mask(x) & ((1u << *n) - 1);
    wst_scan_store(at, x);
    if (mask) {
        if (_mm_movemask_epi8(x) != 0) return at;
        uint8_t room[32];
        wst_scan_store(room, x);
        wst_scan_store(room + 16, x);
        at = wst_scan_gaps(at, room, mask, how.rows) - (16 - *n);
        *p = end;
        return at;
    }
    *p = end;
    return at + *n;
}
#else
static inline uint8_t *wst_scan_blocks(uint8_t *at, const uint8_t **p, const uint8_t *end,
                                       size_t *n, struct wst_scan_how how)
{
    (void)how;
    *n = (size_t)(end - *p);
    return at;
}
#endif

/* Everything from p to end. Room at `at`: 16 more bytes than can come out. */
static inline __attribute__((always_inline)) uint8_t *
wst_scan_escape(uint8_t *at, const uint8_t *p, const uint8_t *end, struct wst_scan_how how)
{
    while (p < end) {
        size_t n = (size_t)(end - p);
        if (how.simd) at = wst_scan_blocks(at, &p, end, &n, how);
        if (p == end) break;
        at = wst_scan_bytes(at, &p, p + n, how);
        while (how.high && p < end && *p >= 0x80) {
            at = how.high(at, &p, end);
            /* One blank between two words: not worth going back to the blocks. */
            if (end - p >= 2 && *p < 0x80 && p[1] >= 0x80) at = wst_scan_bytes(at, &p, p + 1, how);
        }
    }
    return at;
}

static inline bool wst_scan_tail(uint8_t c)
{
    return (c & 0xc0) == 0x80;
}

/* Length of the character at p if it is one of the many that need no second look: two bytes without
 * C1 controls and the Arabic mark, three bytes from U+3000 to U+CFFF, and four can be read; else
 * 0. */
static inline size_t wst_scan_common_length(const uint8_t *p, const uint8_t *end)
{
    uint8_t c = *p;
    if (end - p < 4) return 0;
    if (c >= 0xc3 && c <= 0xdf) return c != 0xd8 && wst_scan_tail(p[1]) ? 2 : 0;
    if (c >= 0xe3 && c <= 0xec) return wst_scan_tail(p[1]) && wst_scan_tail(p[2]) ? 3 : 0;
    return 0;
}
/* Copies it, if it is one; returns its length, or 0. Room: 4 bytes. */
static inline size_t wst_scan_common(uint8_t *at, const uint8_t *p, const uint8_t *end)
{
    size_t n = wst_scan_common_length(p, end);
    if (n) memcpy(at, p, 4);
    return n;
}

/* The code point of a character that wst_utf8_char found `n` bytes long. */
static inline uint32_t wst_scan_code_point(const uint8_t *p, size_t n)
{
    switch (n) {
    case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3: return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default: return p[0];
    }
}

#endif
