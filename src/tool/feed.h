/* SPDX-License-Identifier: MIT
 *
 * In: the name of a capture. Out: everything in it, pushed to a listener, and in words what was
 * wrong. Refuses to speak: several captures are read at a time, and who asked tells in good order.
 */
#ifndef WST_TOOL_FEED_H
#define WST_TOOL_FEED_H

#include "keys.h"

#include <stdbool.h>
#include <wstrace/wstrace.h>

struct wst_tool_trouble {
    char what[1024]; /* the first one; "": none */
    unsigned more;   /* others after it */
};
/* Adds one; the first is kept. */
void wst_tool_trouble_add(struct wst_tool_trouble *trouble, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool wst_tool_trouble_is(const struct wst_tool_trouble *trouble)
{
    return trouble->what[0] != '\0';
}

struct wst_tool_source { /* how captures are read */
    const char *filter;  /* BPF, or NULL */
    const struct wst_tool_key_options *keys;
    bool alone; /* one capture is read at a time: another processor may help */
};

/* Pushes `file` ("-": standard input) through a context of its own. Any number of threads at a
 * time. What can be read is pushed, whatever trouble there is. */
void wst_tool_feed(const char *file, const struct wst_tool_source *source,
                   const struct wst_options *options, const struct wst_listener *listener,
                   struct wst_tool_trouble *trouble);

#endif
