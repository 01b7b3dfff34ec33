/* SPDX-License-Identifier: MIT
 *
 * In: a replay, and a dialer. Out: the conversation, as packets of a capture.
 * Refuses to wait for a server that takes nothing, or for a dialer that is gone.
 */
#ifndef WST_TOOL_TALK_H
#define WST_TOOL_TALK_H

#include "save.h"

#include <stdint.h>
#include <wstrace/replay.h>
#include <wstrace/wstrace.h>

struct wst_tool_talk {
    int dial; /* descriptor */
    struct wst_replay *replay;
    struct wst_context *context; /* begun, and finished by whoever made it */
    struct wst_tool_save *save;
    void (*flush)(void *user); /* when nothing more is here; or NULL */
    void *user;
    int64_t timeout_ns;
    bool *opened; /* set when there was a connection; or NULL */
};

/* Until both sides are done, or somebody stops the tool. Returns the exit status, after a word
 * about what went wrong. */
int wst_tool_talk(const struct wst_tool_talk *talk, const char *url);

#endif
