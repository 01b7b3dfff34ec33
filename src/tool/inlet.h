/* SPDX-License-Identifier: MIT
 *
 * In: names of what snapshot, diff and check read and write. Out: captures that are open, and a
 * broker for the rest. Refuses an output that is an input, while that can still be seen; what comes
 * after wst_tool_confine can open nothing itself.
 */
#ifndef WST_TOOL_INLET_H
#define WST_TOOL_INLET_H

#include "feed.h"

struct wst_tool_inlet {
    struct wst_tool_source source;
    const char **readable, **replaced; /* owned; the names in them are not */
    size_t readable_n, replaced_n;
};

/* Room for so many names beside those of the keys, which come first in `readable`. False: out of
 * memory. End in either case. */
bool wst_tool_inlet_begin(struct wst_tool_inlet *inlet, const char *filter,
                          const struct wst_tool_key_options *keys, size_t readable,
                          size_t replaced);
/* Adds a name. Returns its number, for the broker. */
size_t wst_tool_inlet_readable(struct wst_tool_inlet *inlet, const char *name);
size_t wst_tool_inlet_replaced(struct wst_tool_inlet *inlet, const char *name);
/* Whether `output` is one of `readable`, or of `captures` (NULL among them is passed over): tells
 * that it was not written to. */
bool wst_tool_inlet_crossed(const struct wst_tool_inlet *inlet, const char *output,
                            const char *const *captures, size_t captures_n,
                            struct wst_tool_trouble *trouble);
/* Starts the broker; new files shall be the owner's (see replace.h). False after trouble. */
bool wst_tool_inlet_serve(struct wst_tool_inlet *inlet, const char *owner,
                          struct wst_tool_trouble *trouble);
void wst_tool_inlet_end(struct wst_tool_inlet *inlet);

#endif
