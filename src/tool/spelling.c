/* SPDX-License-Identifier: MIT
 *
 * In: two words. Out: their distance, by Damerau and Levenshtein (neighbours swap once).
 * Refuses long words: names here are short.
 */
#include "spelling.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 31, A_SLIP = 3 /* letters to one that may be wrong */ };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t wst_tool_spelling(const char *text, size_t n, const char *word)
{
    size_t m = strlen(word), apart[LONGEST + 1][LONGEST + 1]; /* of the first i and the first k */

    if (n > LONGEST || m > LONGEST) return WST_TOOL_SPELLING_FAR;
    for (size_t i = 0; i <= n; i++) {
        for (size_t k = 0; k <= m; k++) {
            if (i == 0 || k == 0) {
                apart[i][k] = i + k;
                continue;
            }
            bool swapped =
                i > 1 && k > 1 && text[i - 1] == word[k - 2] && text[i - 2] == word[k - 1];
            apart[i][k] = apart[i - 1][k - 1] + (text[i - 1] != word[k - 1]);
            apart[i][k] = least(apart[i][k], least(apart[i - 1][k], apart[i][k - 1]) + 1);
            if (swapped) apart[i][k] = least(apart[i][k], apart[i - 2][k - 2] + 1);
        }
    }
    return apart[n][m] * A_SLIP <= least(n, m) ? apart[n][m] : WST_TOOL_SPELLING_FAR;
}
