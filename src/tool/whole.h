/* SPDX-License-Identifier: MIT
 *
 * Whole files. In: names. Out: their text; or a file that holds the old text or the new one,
 * whatever happens in between. Refuses what is too large, unread; leaves no piece of a file behind.
 */
#ifndef WST_TOOL_WHOLE_H
#define WST_TOOL_WHOLE_H

#include "feed.h"

#include <stddef.h>
#include <stdint.h>

/* Reads all of `name`. *text is the caller's, and NULL after trouble. *missing: there is no such
 * file; that is trouble, too. */
void wst_tool_whole_read(const char *name, size_t most, uint8_t **text, size_t *n, bool *missing,
                         struct wst_tool_trouble *trouble);

struct wst_tool_whole {     /* a file being written beside the one it will replace */
    char *name, *temporary; /* owned; resolved through links */
    int fd, error;
};
/* False after trouble; then there is nothing to end. */
bool wst_tool_whole_begin(struct wst_tool_whole *whole, const char *name,
                          struct wst_tool_trouble *trouble);
/* A wst_write_fn. */
int wst_tool_whole_write(void *user, const uint8_t *p, size_t n);
/* Puts the new file in the place of the old one, if `keep` and all was written. */
void wst_tool_whole_end(struct wst_tool_whole *whole, bool keep, struct wst_tool_trouble *trouble);

/* Whether both names are one file. */
bool wst_tool_whole_same(const char *a, const char *b);

#endif
