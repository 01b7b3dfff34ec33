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
    const char *golden;  /* whose head names it; NULL: nobody's, it was an option */
    const struct wst_tool_key_options *keys;
    struct wst_tool_broker *broker; /* opens the keys (see keys.h), or NULL */
    bool alone;                     /* one capture is read at a time: another processor may help */
};

/* Opens `file` ("-": standard input), which is not looked into beyond the first packet's link type:
 * the rest is for a process that has been confined. NULL after trouble. */
struct wst_capture *wst_tool_feed_open(const char *file, const struct wst_tool_source *source,
                                       struct wst_tool_trouble *trouble);
/* Pushes the capture through a context of its own, and frees it; `file` is its name. Any number of
 * threads at a time. What can be read is pushed, whatever trouble there is. */
void wst_tool_feed(struct wst_capture *capture, const char *file,
                   const struct wst_tool_source *source, const struct wst_options *options,
                   const struct wst_listener *listener, struct wst_tool_trouble *trouble);

#endif
