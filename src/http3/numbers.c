/* SPDX-License-Identifier: MIT
 *
 * In: numbers of streams that nobody wants any more. Out: whether one is among them. What is far
 * behind the largest one is.
 */
#include "http3.h"

enum { WORDS = WST_HTTP3_DONE / 64 };

bool wst_http3_is_done(const struct wst_http3_numbers *s, uint64_t n)
{
    if (n < s->from) return true;
    n -= s->from;
    return n < WST_HTTP3_DONE && s->bits[n / 64] >> n % 64 & 1;
}

/* The window ends behind n; it moves by whole words. */
static void numbers_reach(struct wst_http3_numbers *s, uint64_t n)
{
    if (n < s->from + WST_HTTP3_DONE) return;
    uint64_t words = (n - s->from) / 64 - WORDS + 1;
    size_t keep = words < WORDS ? (size_t)(WORDS - words) : 0;
    if (keep) memmove(s->bits, s->bits + words, keep * sizeof *s->bits);
    memset(s->bits + keep, 0, (WORDS - keep) * sizeof *s->bits);
    s->from += words * 64;
}

void wst_http3_done(struct wst_http3_numbers *s, uint64_t n)
{
    if (n < s->from) return;
    numbers_reach(s, n);
    n -= s->from;
    s->bits[n / 64] |= UINT64_C(1) << n % 64;
}
