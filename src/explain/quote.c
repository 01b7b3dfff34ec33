/* SPDX-License-Identifier: MIT
 *
 * In: bytes of strangers, and numbers. Out: how they stand on the paper: characters that a terminal
 * would obey as \n, \x1b, \u{202e}; hex; bits in fours.
 */
#include <stdio.h>
#include <string.h>

#include "paper.h"
#include "slice.h"
#include "utf8.h"

static char *quote_next(struct wst_paper *p)
{
    p->quote = (p->quote + 1) % 8;
    return p->quotes[p->quote];
}

static uint32_t code_point(const uint8_t *c, size_t n)
{
    uint32_t v = c[0] & (n == 1 ? 0x7fu : n == 2 ? 0x1fu : n == 3 ? 0x0fu : 0x07u);
    for (size_t i = 1; i < n; i++) v = v << 6 | (c[i] & 0x3fu);
    return v;
}

enum quoting {
    QUOTE_TEXT,
    QUOTE_ASCII, /* of bytes that are no text */
    QUOTE_WORDS, /* our own: what they cite is quoted already */
};

/* One character or byte as it may be shown; returns how many bytes it took. */
static size_t quote_one(char to[16], const uint8_t *c, const uint8_t *end, enum quoting how)
{
    const char *named = how == QUOTE_WORDS ? "\nn\tt\rr" : "\nn\tt\rr\\\\\"\"";
    size_t n = how == QUOTE_ASCII ? *c < 0x80 : wst_utf8_char(c, end);
    if (n == 0) {
        snprintf(to, 16, "\\x%02x", *c);
        return 1;
    }
    for (const char *k = named; n == 1 && *k; k += 2)
        if (*c == (uint8_t)k[0]) {
            snprintf(to, 16, "\\%c", k[1]);
            return 1;
        }
    if (*c < 0x20 || *c == 0x7f) {
        snprintf(to, 16, "\\x%02x", *c);
    } else if (n > 1 && wst_utf8_hidden(code_point(c, n))) {
        snprintf(to, 16, "\\u{%x}", (unsigned)code_point(c, n));
    } else {
        memcpy(to, c, n);
        to[n] = '\0';
    }
    return n;
}

static const char *quote(struct wst_paper *p, struct wst_slice s, size_t max, enum quoting how)
{
    char *start = quote_next(p), *to = start, one[16];
    const uint8_t *c = s.p, *end = s.n ? s.p + s.n : s.p;
    const char *stop = start + sizeof p->quotes[0] - 8;
    while (c < end) {
        size_t n = quote_one(one, c, end, how), k = strlen(one);
        if (to + k > stop || (size_t)(c - s.p) + n > max) {
            memcpy(to, "…", sizeof "…");
            return start;
        }
        memcpy(to, one, k);
        to += k;
        c += n;
    }
    *to = '\0';
    return start;
}

const char *wst_paper_quote(struct wst_paper *p, struct wst_slice s, size_t max)
{
    return quote(p, s, max, QUOTE_TEXT);
}

const char *wst_paper_words(struct wst_paper *p, const char *words)
{
    return quote(p, wst_slice_text(words), sizeof p->quotes[0], QUOTE_WORDS);
}

const char *wst_paper_known(struct wst_paper *p, struct wst_slice s, const uint8_t *doubt,
                            size_t max, bool text)
{
    enum quoting how = text ? QUOTE_TEXT : QUOTE_ASCII;
    if (!doubt || !s.n) return quote(p, s, max, how);
    char *start = quote_next(p), *to = start, one[16];
    const char *stop = start + sizeof p->quotes[0] - 8;
    for (size_t i = 0, n, k; i < s.n; i += n, to += k) {
        const uint8_t *next = memchr(doubt + i, !doubt[i], s.n - i);
        size_t end = next ? (size_t)(next - doubt) : s.n;
        n = doubt[i] ? end - i : quote_one(one, s.p + i, s.p + end, how);
        if (doubt[i]) strcpy(one, "…");
        k = strlen(one);
        if (to + k > stop || i + n > max) {
            memcpy(to, "…", sizeof "…");
            return start;
        }
        memcpy(to, one, k);
    }
    *to = '\0';
    return start;
}

const char *wst_paper_hex(struct wst_paper *p, struct wst_slice s, size_t max)
{
    char *start = quote_next(p), *to = start;
    if (max > 320) max = 320;
    *to = '\0';
    for (size_t i = 0; i < s.n && i < max; i++) to += sprintf(to, i ? " %02x" : "%02x", s.p[i]);
    if (s.n > max) strcpy(to, " …");
    return start;
}

const char *wst_paper_bits(struct wst_paper *p, uint64_t value, unsigned bits)
{
    char *start = quote_next(p), *to = start;
    for (unsigned i = bits; i-- > 0;) {
        *to++ = value >> i & 1 ? '1' : '0';
        if (i && i % 4 == 0) *to++ = ' ';
    }
    *to = '\0';
    return start;
}
