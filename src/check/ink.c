/* SPDX-License-Identifier: MIT
 *
 * In: pieces. Out: one growing text, in which nothing hides.
 * Refuses nothing but growth past the budget.
 */
#include "ink.h"

#include "printable.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>

void wst_ink_number(struct wst_ink *ink, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    wst_ink_bytes(ink, wst_slice_of(digits + at, sizeof digits - at));
}

void wst_ink_format(struct wst_ink *ink, const char *format, ...)
{
    char text[1024]; /* words of our own and numbers; a stranger's text never goes through here */
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    wst_ink_text(ink, text);
}

static const uint8_t *behind(struct wst_slice s)
{
    return s.n ? s.p + s.n : s.p; /* NULL + 0 is undefined */
}

static uint32_t code_point(const uint8_t *p, size_t n)
{
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

    for (size_t i = 1; i < n; i++) c = c << 6 | (p[i] & 0x3f);
    return c;
}

static const char hex[] = "0123456789abcdef";

static void escape_unit(struct wst_ink *ink, uint32_t unit)
{
    const char text[] = {'\\', 'u', hex[unit >> 12 & 15], hex[unit >> 8 & 15], hex[unit >> 4 & 15],
                         hex[unit & 15]};

    wst_ink_bytes(ink, wst_slice_of(text, sizeof text));
}

static void escape_byte(struct wst_ink *ink, uint8_t byte)
{
    const char text[] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};

    wst_ink_bytes(ink, wst_slice_of(text, sizeof text));
}

static void escape_hidden(struct wst_ink *ink, uint32_t c)
{
    static const char letters[] = "\bb\tt\nn\ff\rr";
    const char *letter;

    for (letter = letters; *letter; letter += 2)
        if (c == (uint8_t)*letter) {
            wst_ink_byte(ink, '\\');
            wst_ink_byte(ink, letter[1]);
            return;
        }
    if (c > 0xffff) { /* a pair of surrogates, RFC 8259 section 7 */
        escape_unit(ink, 0xd800 + ((c - 0x10000) >> 10));
        escape_unit(ink, 0xdc00 + ((c - 0x10000) & 0x3ff));
    } else {
        escape_unit(ink, c);
    }
}

/* Length of the printable ASCII. */
static size_t plain(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = p;

    while (at < end && *at >= 0x20 && *at < 0x7f) at++;
    return (size_t)(at - p);
}

/* One character at p, which is not plain; returns its length. */
static size_t character(struct wst_ink *ink, const uint8_t *p, const uint8_t *end)
{
    const char escaped[] = {'\\', (char)*p};
    size_t n;
    uint32_t c;

    if (*p == '"' || *p == '\\') {
        wst_ink_bytes(ink, wst_slice_of(escaped, sizeof escaped));
        return 1;
    }
    n = wst_utf8_char(p, end);
    if (n == 0) {
        escape_byte(ink, *p);
        return 1;
    }
    c = code_point(p, n);
    if (c < 0x20 || c == 0x7f || wst_utf8_hidden(c))
        escape_hidden(ink, c);
    else
        wst_ink_bytes(ink, wst_slice_of(p, n));
    return n;
}

void wst_ink_escaped(struct wst_ink *ink, struct wst_slice text)
{
    const uint8_t *p = text.p, *end = behind(text);
    bool valid = wst_utf8_valid(text);

    while (p < end) {
        size_t n = valid ? wst_printable_text(p, end) : wst_plain(p, end);
        wst_ink_bytes(ink, wst_slice_of(p, n));
        p += n;
        if (p < end) p += character(ink, p, end);
        while (p < end && *p < 0x80 && !wst_printable_byte(*p)) p += character(ink, p, end);
    }
}

void wst_ink_safe(struct wst_ink *ink, struct wst_slice text)
{
    const uint8_t *p = text.p, *end = behind(text);

    while (p < end) {
        size_t n = plain(p, end);
        wst_ink_bytes(ink, wst_slice_of(p, n));
        p += n;
        if (p == end) return;
        if (*p == '\n')
            wst_ink_byte(ink, (char)*p++);
        else
            p += character(ink, p, end);
    }
}

static uint32_t hex4(const uint8_t *p)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return v;
}

/* The character that the escape at p (a backslash) means; its length in *n. A lone surrogate is
 * returned as such. */
static uint32_t escape_at(const uint8_t *p, const uint8_t *end, size_t *n)
{
    static const char letters[] = "b\bf\fn\nr\rt\t";
    uint32_t high, low;

    *n = 2;
    for (const char *l = letters; *l; l += 2)
        if (p[1] == (uint8_t)*l) return (uint8_t)l[1];
    if (p[1] != 'u') return p[1];
    *n = 6;
    high = hex4(p + 2);
    if (high < 0xd800 || high > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u') return high;
    low = hex4(p + 8);
    if (low < 0xdc00 || low > 0xdfff) return high;
    *n = 12;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t utf8(uint8_t to[4], uint32_t c)
{
    static const uint8_t lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6) to[i] = (uint8_t)(0x80 | (c & 0x3f));
    to[0] = (uint8_t)(lead[n] | c);
    return n;
}

static void translate(struct wst_ink *ink, struct wst_slice json, bool decode)
{
    const uint8_t *p = json.p, *end = behind(json);
    uint8_t bytes[4];

    while (p < end) {
        size_t n = wst_printable_text(p, end);
        uint32_t c;
        wst_ink_bytes(ink, wst_slice_of(p, n));
        p += n;
        if (p == end) return;
        if (*p != '\\') {
            n = wst_utf8_char(p, end);
            if (decode)
                wst_ink_bytes(ink, wst_slice_of(p, n ? n : 1));
            else
                character(ink, p, end);
            p += n ? n : 1;
            continue;
        }
        c = escape_at(p, end, &n);
        p += n;
        n = utf8(bytes, c);
        if (c >= 0xd800 && c <= 0xdfff)
            escape_unit(ink, c);
        else if (decode)
            wst_ink_bytes(ink, wst_slice_of(bytes, n));
        else
            character(ink, bytes, bytes + n);
    }
}

void wst_ink_unescaped(struct wst_ink *ink, struct wst_slice json)
{
    translate(ink, json, false);
}

void wst_ink_decoded(struct wst_ink *ink, struct wst_slice json)
{
    translate(ink, json, true);
}

/* What is meant, piece by piece. */
struct meaning {
    const uint8_t *at, *end;
    uint8_t piece[8]; /* of the escape at hand */
    size_t n, used;
};

static int next_byte(struct meaning *m)
{
    uint32_t c;

    if (m->used < m->n) return m->piece[m->used++];
    if (m->at == m->end) return -1;
    if (*m->at != '\\') return *m->at++;
    c = escape_at(m->at, m->end, &m->n);
    m->at += m->n;
    if (c >= 0xd800 && c <= 0xdfff) { /* as it is written when it has no other half */
        m->piece[0] = '\\';
        m->piece[1] = 'u';
        for (int i = 0; i < 4; i++) m->piece[2 + i] = (uint8_t)hex[c >> (12 - 4 * i) & 15];
        m->n = 6;
    } else {
        m->n = utf8(m->piece, c);
    }
    m->used = 1;
    return m->piece[0];
}

int wst_ink_compare(struct wst_slice a, struct wst_slice b)
{
    struct meaning x = {.at = a.p, .end = behind(a)}, y = {.at = b.p, .end = behind(b)};
    int c, d;

    do {
        c = next_byte(&x);
        d = next_byte(&y);
    } while (c == d && c >= 0);
    return c < d ? -1 : c > d;
}
