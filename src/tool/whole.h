/* SPDX-License-Identifier: MIT
 *
 * Whole files. In: names. Out: their text; or a file that holds the old text or the new one,
 * whatever happens in between. Refuses what is too large, unread; leaves no piece of a file behind.
 */
#ifndef WST_TOOL_WHOLE_H
#define WST_TOOL_WHOLE_H

#include "broker.h"
#include "feed.h"
#include "output.h"

#include <stddef.h>
#include <stdint.h>

/* Reads all of the file that `fd` is open on, and closes it; fd -1: there is only errno to tell of.
 * *text is the caller's, and NULL after trouble. *missing: there is no such file; that is trouble,
 * too. */
void wst_tool_whole_read(int fd, const char *name, size_t most, uint8_t **text, size_t *n,
                         bool *missing, struct wst_tool_trouble *trouble);

struct wst_tool_place { /* a file that may be written anew */
    const char *name;
    struct wst_tool_broker *broker; /* who does it … */
    size_t which;                   /* … and its number there */
};

struct wst_tool_whole { /* a file being written beside the one it will replace */
    struct wst_tool_place place;
    struct wst_tool_output output;
};
/* False after trouble; then there is nothing to end. */
bool wst_tool_whole_begin(struct wst_tool_whole *whole, const struct wst_tool_place *place,
                          struct wst_tool_trouble *trouble);
/* A wst_write_fn. */
int wst_tool_whole_write(void *user, const uint8_t *p, size_t n);
/* Puts the new file in the place of the old one, if `keep` and all was written. */
void wst_tool_whole_end(struct wst_tool_whole *whole, bool keep, struct wst_tool_trouble *trouble);

#endif
