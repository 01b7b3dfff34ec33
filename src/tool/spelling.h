/* SPDX-License-Identifier: MIT
 *
 * In: a word that nobody knows, and those that are known. Out: which of them was meant.
 * Refuses to guess where a word would have to be another one altogether.
 */
#ifndef WST_TOOL_SPELLING_H
#define WST_TOOL_SPELLING_H

#include <wstrace/types.h>

struct wst_tool_spelling {
    struct wst_slice word;
    const char *meant; /* the nearest so far, the first of those; NULL: none is near */
    size_t apart;
};

struct wst_tool_spelling wst_tool_spelling_of(const char *text, size_t n);
/* `known` is what was meant if it is nearer than those before, and no further from the word than
 * the fingers slip: in one letter of three. It must outlive the answer. */
void wst_tool_spelling_try(struct wst_tool_spelling *spelling, const char *known);

#endif
