/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: line by line where each ends, and the first colon in it.
 * Refuses to read beyond the end. Twice: plainly, and 64 bytes at a time.
 */
#ifndef WST_HTTP1_LINE_H
#define WST_HTTP1_LINE_H

#include "slice.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WST_LINES_WIDE 64 /* bytes looked at together; so many, up to `end`, must be readable */
#include <immintrin.h>
#endif

struct wst_line {
    const uint8_t *lf;
    const uint8_t *colon; /* NULL: it has none */
};

struct wst_lines {
    const uint8_t *p, *end; /* p: where the next line begins */
    uint64_t lf, colon;     /* which of the bytes from p on are known to be one: lowest bit first */
};

/* Takes the next line, p < end. False: it is not whole, and no more can be asked. */
typedef bool wst_lines_next(struct wst_lines *lines, struct wst_line *line);

static inline bool wst_lines_next_plain(struct wst_lines *l, struct wst_line *line)
{
    line->lf = memchr(l->p, '\n', (size_t)(l->end - l->p));
    if (!line->lf) return false;
    line->colon = memchr(l->p, ':', (size_t)(line->lf - l->p));
    l->p = line->lf + 1;
    return true;
}

#ifdef WST_LINES_WIDE
/* Which of 64 bytes are `c`. */
__attribute__((target("avx2"))) static inline uint64_t wst_lines_same(__m256i low, __m256i high,
                                                                      char c)
{
    __m256i is = _mm256_set1_epi8(c);
    uint64_t more = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, is));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, is)) | more << 32;
}

/* Looks at the next 64 bytes, or at the last 64, of which some come before p. */
__attribute__((target("avx2"))) static inline void wst_lines_look(struct wst_lines *l)
{
    size_t n = (size_t)(l->end - l->p), before = n < WST_LINES_WIDE ? WST_LINES_WIDE - n : 0;
    const __m256i *at = (const __m256i *)(const void *)(l->p - before);
    __m256i low = _mm256_loadu_si256(at), high = _mm256_loadu_si256(at + 1);
    l->lf = wst_lines_same(low, high, '\n') >> before;
    l->colon = wst_lines_same(low, high, ':') >> before;
}

__attribute__((target("avx2"))) static inline bool wst_lines_next_wide(struct wst_lines *l,
                                                                       struct wst_line *line)
{
    if (!l->lf) wst_lines_look(l);
    if (!l->lf) return wst_lines_next_plain(l, line); /* longer, or none */
    unsigned lf = (unsigned)__builtin_ctzll(l->lf);
    unsigned colon = (unsigned)__builtin_ctzll(l->colon | l->lf);
    line->lf = l->p + lf;
    line->colon = colon < lf ? l->p + colon : NULL;
    l->p += lf + 1;
    l->lf = l->lf >> lf >> 1;
    l->colon = l->colon >> lf >> 1;
    return true;
}
#endif

#endif
