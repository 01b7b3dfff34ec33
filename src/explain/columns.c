/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include "utf8.h"

/* Of a character at s, and how many bytes it has. Wide ones take two columns, marks none. */
static unsigned char_columns(const uint8_t *s, const uint8_t *end, size_t *n)
{
    *n = wst_utf8_char(s, end);
    if (*n <= 1) {
        *n = 1;
        return 1;
    }
    uint32_t c = s[0] & (*n == 2 ? 0x1fu : *n == 3 ? 0x0fu : 0x07u);
    for (size_t i = 1; i < *n; i++) c = c << 6 | (s[i] & 0x3fu);
    if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200f) || (c >= 0xfe00 && c <= 0xfe0f))
        return 0;
    bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
                (c >= 0x20000 && c <= 0x3fffd);
    return wide ? 2 : 1;
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
