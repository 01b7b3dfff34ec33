/* SPDX-License-Identifier: MIT
 *
 * In: words. Out: how many letters have to be put in, taken out, replaced or swapped to make one of
 * the other (Damerau and Levenshtein). Refuses words longer than any that is known.
 */
#include "near.h"

#include <stdio.h>

enum { LONGEST = 48 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(struct wst_slice a, const char *b, size_t n)
{
    unsigned rows[3][LONGEST + 1];

    for (unsigned k = 0; k <= n; k++) rows[0][k] = k;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *before = rows[(i - 1) % 3], *row = rows[i % 3];
        uint8_t c = wst_ascii_lower(a.p[i - 1]);
        row[0] = (unsigned)i;
        for (size_t k = 1; k <= n; k++) {
            uint8_t d = (uint8_t)b[k - 1];
            row[k] = least(least(before[k], row[k - 1]) + 1, before[k - 1] + (c != d));
            if (i > 1 && k > 1 && c == (uint8_t)b[k - 2] && wst_ascii_lower(a.p[i - 2]) == d)
                row[k] = least(row[k], rows[(i - 2) % 3][k - 2] + 1);
        }
    }
    return rows[a.n % 3][n];
}

void wst_near_try(struct wst_near *near, const char *known)
{
    size_t n = strlen(known);
    unsigned d;

    if (near->word.n == 0 || near->word.n > LONGEST || n > LONGEST) return;
    if (wst_slice_is(near->word, known)) { /* it is spelled well, and stands at the wrong place */
        *near = wst_near_to(wst_slice_of(known, 0));
        return;
    }
    d = distance(near->word, known, n);
    if (d > (n < 4 ? 1 : n < 8 ? 2 : 3) || d >= n) return;
    if (near->best && near->distance <= d) return;
    near->best = known;
    near->distance = d;
}

void wst_near_put(const struct wst_near *near, char *to, size_t room)
{
    if (near->best)
        snprintf(to, room, "; did you mean \"%s\"?", near->best);
    else if (room)
        *to = '\0';
}
