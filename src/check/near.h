/* SPDX-License-Identifier: MIT
 *
 * In: a word that nobody knows, and those that are known. Out: which of them was meant.
 * Refuses to guess when too many letters differ.
 */
#ifndef WST_CHECK_NEAR_H
#define WST_CHECK_NEAR_H

#include "slice.h"

enum { WST_NEAR_SIZE = 80 }; /* of what is written at most */

struct wst_near {
    struct wst_slice word;
    const char *best; /* the nearest so far; NULL: none is near */
    size_t distance;
};

static inline struct wst_near wst_near_to(struct wst_slice word)
{
    return (struct wst_near){word, NULL, 0};
}
/* `known` must outlive it. */
void wst_near_try(struct wst_near *near, const char *known);
/* Writes "; did you mean "X"?" to `to`, or nothing. */
void wst_near_put(const struct wst_near *near, char *to, size_t room);

#endif
