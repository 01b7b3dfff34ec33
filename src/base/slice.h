/* SPDX-License-Identifier: MIT
 *
 * In: a slice of a stranger's bytes. Out: integers and shorter slices.
 * Refuses to read past the end: a reader goes short and says so.
 */
#ifndef WST_BASE_SLICE_H
#define WST_BASE_SLICE_H

#include <string.h>
#include <wstrace/types.h>

/* Unchecked reads of big-endian numbers: the caller has seen that the bytes are there. */
static inline uint16_t wst_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t wst_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t wst_be64(const uint8_t *p)
{
    return (uint64_t)wst_be32(p) << 32 | wst_be32(p + 4);
}
/* The same of a little-endian one. */
static inline uint32_t wst_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline struct wst_slice wst_slice_of(const void *p, size_t n)
{
    return (struct wst_slice){p, n};
}
static inline struct wst_slice wst_slice_text(const char *s)
{
    return (struct wst_slice){(const uint8_t *)s, s ? strlen(s) : 0};
}
/* The bytes after the first `n`; empty when there are fewer. */
static inline struct wst_slice wst_slice_skip(struct wst_slice s, size_t n)
{
    if (n > s.n) n = s.n;
    return (struct wst_slice){n ? s.p + n : s.p, s.n - n}; /* NULL + 0 is undefined */
}
/* The first `n` bytes, or all when there are fewer. A stranger's length may be more than a size. */
static inline struct wst_slice wst_slice_head(struct wst_slice s, uint64_t n)
{
    return (struct wst_slice){s.p, n < s.n ? (size_t)n : s.n};
}
/* Without the blanks and tabs around it. */
static inline struct wst_slice wst_slice_trimmed(struct wst_slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) s = wst_slice_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}
static inline bool wst_slice_is(struct wst_slice s, const char *text)
{
    size_t n = strlen(text);
    return s.n == n && memcmp(s.p, text, n) == 0;
}
static inline bool wst_slice_same(struct wst_slice a, struct wst_slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); /* of NULL it is undefined */
}
/* A number of decimal digits, at least one and at most `most` (<= 18), and nothing else; -1: it is
 * none. */
static inline int64_t wst_slice_decimal(struct wst_slice s, size_t most)
{
    int64_t value = 0;
    if (s.n == 0 || s.n > most) return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}
static inline uint8_t wst_ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}
static inline bool wst_same_nocase(const uint8_t *p, const char *text, size_t n)
{
    if (memcmp(p, text, n) == 0) return true; /* written as everybody writes it */
    for (size_t i = 0; i < n; i++)
        if (wst_ascii_lower(p[i]) != wst_ascii_lower((uint8_t)text[i])) return false;
    return true;
}
/* Equal but for the case of ASCII letters. */
static inline bool wst_slice_is_nocase(struct wst_slice s, const char *text)
{
    return s.n == strlen(text) && wst_same_nocase(s.p, text, s.n);
}
static inline bool wst_slice_starts(struct wst_slice s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && memcmp(s.p, text, n) == 0;
}

#endif
