/* SPDX-License-Identifier: MIT
 *
 * A word that nobody knows is often one letter away from one that is known.
 */
#ifndef WSTRACE_WORDS_H
#define WSTRACE_WORDS_H

#include <wstrace/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WST_WORD_MAX = 48 }; /* letters; names here are short */

/* How many letters have to be put in, taken out, replaced or swapped with their neighbour to make
 * one word of the other (Damerau and Levenshtein; no letter twice). Letters are bytes, and a
 * capital one is another one. SIZE_MAX when one of the words is longer than WST_WORD_MAX. How far
 * is too far depends on what the words are for: about one letter in three. */
WST_API size_t wst_words_apart(struct wst_slice one, struct wst_slice other);

#ifdef __cplusplus
}
#endif
#endif
