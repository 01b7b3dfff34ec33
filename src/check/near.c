/* SPDX-License-Identifier: MIT
 *
 * In: words. Out: the one of them that another one nearly is. Capitals in it are no difference.
 * Refuses long words, and those that are nearly another word altogether.
 */
#include "near.h"

#include <stdio.h>
#include <wstrace/words.h>

static size_t distance(struct wst_slice word, struct wst_slice known)
{
    uint8_t lower[WST_WORD_MAX];

    if (word.n > sizeof lower) return SIZE_MAX;
    for (size_t i = 0; i < word.n; i++) lower[i] = wst_ascii_lower(word.p[i]);
    return wst_words_apart(wst_slice_of(lower, word.n), known);
}

void wst_near_try(struct wst_near *near, const char *known)
{
    size_t n = strlen(known), d;

    if (near->word.n == 0) return;
    if (wst_slice_is(near->word, known)) { /* it is spelled well, and stands at the wrong place */
        *near = wst_near_to(wst_slice_of(known, 0));
        return;
    }
    d = distance(near->word, wst_slice_of(known, n));
    if (n > near->word.n && known[near->word.n] == '-' &&
        strncmp(known, (const char *)near->word.p, near->word.n) == 0)
        d = 1; /* all but its last words */
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
