/* SPDX-License-Identifier: MIT
 *
 * In: two words. Out: how many slips of the fingers lie between them.
 * Refuses long ones: the time goes with the product of their lengths.
 */
#include <wstrace/words.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Row i, column k: from the first i letters of one to the first k of the other. A swap looks back
 * two rows, so three are kept. */
size_t wst_words_apart(struct wst_slice one, struct wst_slice other)
{
    size_t rows[3][WST_WORD_MAX + 1];

    if (one.n > WST_WORD_MAX || other.n > WST_WORD_MAX) return SIZE_MAX;
    for (size_t k = 0; k <= other.n; k++) rows[0][k] = k;
    for (size_t i = 1; i <= one.n; i++) {
        size_t *row = rows[i % 3], *before = rows[(i - 1) % 3];
        const uint8_t *c = &one.p[i - 1];
        row[0] = i;
        for (size_t k = 1; k <= other.n; k++) {
            const uint8_t *d = &other.p[k - 1];
            row[k] = least(least(before[k], row[k - 1]) + 1, before[k - 1] + (*c != *d));
            if (i > 1 && k > 1 && c[0] == d[-1] && c[-1] == d[0])
                row[k] = least(row[k], rows[(i - 2) % 3][k - 2] + 1);
        }
    }
    return rows[one.n % 3][other.n];
}
