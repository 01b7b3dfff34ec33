/* SPDX-License-Identifier: MIT
 *
 * In: a pattern, and events. Out: in whose payload it is found, and where.
 * Refuses to say "not there" of bytes that nobody has seen: such events are counted.
 */
#include <wstrace/render.h>

#include "pattern.h"

#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)WST_GREP_ERROR == (int)WST_PATTERN_ERROR, "one is given for the other");

struct wst_grep {
    struct wst_pattern pattern;
    struct wst_budget budget; /* of the copy: one payload */
    struct wst_buf copy;
    struct wst_slice found;
    uint64_t matches, unsure;
};

struct wst_grep *wst_grep_new(const char *pattern, bool ignore_case, char error[WST_GREP_ERROR])
{
    struct wst_grep *grep = calloc(1, sizeof *grep);
    const char *wrong = "out of memory";
    if (grep)
        wrong = wst_pattern_read(&grep->pattern, wst_slice_of(pattern, strlen(pattern)),
                                 ignore_case, error);
    if (wrong) {
        if (wrong != error) snprintf(error, WST_GREP_ERROR, "%s", wrong);
        free(grep);
        return NULL;
    }
    grep->budget.max = SIZE_MAX;
    return grep;
}

void wst_grep_free(struct wst_grep *grep)
{
    if (!grep) return;
    wst_pattern_free(&grep->pattern);
    wst_buf_free(&grep->copy, &grep->budget);
    free(grep);
}

struct searched {
    struct wst_slice payload;
    uint64_t omitted;
};

static struct searched searched_of(const struct wst_event *event)
{
    switch (event->type) {
    case WST_EVENT_MESSAGE:
        return (struct searched){event->message.payload, event->message.omitted};
    case WST_EVENT_CLOSE: return (struct searched){event->close.reason, event->close.omitted};
    case WST_EVENT_FRAME:
        return (struct searched){event->frame.payload, event->frame.payload_omitted};
    default: return (struct searched){{NULL, 0}, 0};
    }
}

bool wst_grep_event(struct wst_grep *grep, const struct wst_event *event)
{
    struct searched s = searched_of(event);
    struct wst_pattern_text text;
    size_t from = 0, to = 0;
    bool read = wst_pattern_text(&text, s.payload, &grep->copy, &grep->budget);
    int found = read ? wst_pattern_find(&grep->pattern, &text, 0, &from, &to) : -1;
    if (found <= 0) {
        grep->unsure += s.omitted || found < 0 || !wst_pattern_sure(&grep->pattern, &text);
        return false;
    }
    grep->matches++;
    grep->found = s.payload.n ? wst_slice_of(s.payload.p + from, to - from) : s.payload;
    return true;
}

const struct wst_slice *wst_grep_found(const struct wst_grep *grep)
{
    return &grep->found;
}

uint64_t wst_grep_matches(const struct wst_grep *grep)
{
    return grep->matches;
}

uint64_t wst_grep_unsure(const struct wst_grep *grep)
{
    return grep->unsure;
}
