/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include "utf8.h"

struct range {
    uint32_t first, last;
    unsigned columns;
};

/* Characters that take no column, or two; all others take one. */
static const struct range ranges[] = {
    {0x300, 0x36f, 0},     /* combining marks */
    {0x1100, 0x115f, 2},   /* Hangul Jamo */
    {0x200b, 0x200f, 0},   /* of no width, and directions */
    {0x2e80, 0xa4cf, 2},   /* CJK, kana, Yi */
    {0xac00, 0xd7a3, 2},   /* Hangul syllables */
    {0xf900, 0xfaff, 2},   /* CJK, compatible */
    {0xfe00, 0xfe0f, 0},   /* variation selectors */
    {0xfe30, 0xfe6f, 2},   /* forms of vertical text, small ones */
    {0xff00, 0xff60, 2},   /* full width */
    {0xffe0, 0xffe6, 2},   /* full width */
    {0x1f300, 0x1faff, 2}, /* emoji */
    {0x20000, 0x3fffd, 2}, /* CJK, more of it */
};

static unsigned columns_of_char(uint32_t c)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last) return ranges[i].columns;
    return 1;
}

/* How many columns the character at s takes; *n: how many bytes it has. A byte that begins none
 * takes one. */
static unsigned char_columns(const uint8_t *s, const uint8_t *end, size_t *n)
{
    *n = wst_utf8_char(s, end);
    if (*n <= 1) {
        *n = 1;
        return 1;
    }
    uint32_t c = s[0] & (*n == 2 ? 0x1fu : *n == 3 ? 0x0fu : 0x07u);
    for (size_t i = 1; i < *n; i++) c = c << 6 | (s[i] & 0x3fu);
    return columns_of_char(c);
}

unsigned wst_columns_of(const char *s, size_t n)
{
    const uint8_t *at = (const uint8_t *)s, *end = at + n;
    unsigned sum = 0;
    while (at < end) {
        size_t k;
        sum += char_columns(at, end, &k);
        at += k;
    }
    return sum;
}

size_t wst_columns_fit(const char *s, size_t n, unsigned columns)
{
    const uint8_t *at = (const uint8_t *)s, *end = at + n;
    while (at < end) {
        size_t k;
        unsigned wide = char_columns(at, end, &k);
        if (wide > columns) break;
        columns -= wide;
        at += k;
    }
    return (size_t)(at - (const uint8_t *)s);
}
