/* SPDX-License-Identifier: MIT
 *
 * In: a word that nobody knows, and one that is known. Out: how far they are apart.
 * Refuses to guess where a word would have to be another one altogether.
 */
#ifndef WST_TOOL_SPELLING_H
#define WST_TOOL_SPELLING_H

#include <stddef.h>

/* Letters left out, put in, changed or swapped with their neighbour that turn text[0..n) into the
 * word; WST_TOOL_SPELLING_FAR: more than a slip of the fingers, which is one in three letters. */
enum { WST_TOOL_SPELLING_FAR = 99 };
size_t wst_tool_spelling(const char *text, size_t n, const char *word);

#endif
