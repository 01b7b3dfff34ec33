/* SPDX-License-Identifier: MIT
 *
 * In: words. Out: the one that another one nearly is.
 * Refuses those that are further away than a slip of the fingers.
 */
#include "spelling.h"

#include <string.h>
#include <wstrace/words.h>

enum { A_SLIP = 3 /* letters to one that may be wrong */ };

struct wst_tool_spelling wst_tool_spelling_of(const char *text, size_t n)
{
    return (struct wst_tool_spelling){.word = {(const uint8_t *)text, n}};
}

void wst_tool_spelling_try(struct wst_tool_spelling *s, const char *known)
{
    struct wst_slice word = {(const uint8_t *)known, strlen(known)};
    size_t apart = wst_words_apart(s->word, word),
           shorter = s->word.n < word.n ? s->word.n : word.n;

    if (apart > shorter / A_SLIP || (s->meant && s->apart <= apart)) return;
    s->meant = known;
    s->apart = apart;
}
