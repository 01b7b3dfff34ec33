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
    bool cut;    /* behind it there was more, or may have been */
    bool within; /* and before it */
};

/* False: it has none. */
static bool searched_of(struct searched *s, const struct wst_event *event)
{
    switch (event->type) {
    case WST_EVENT_MESSAGE:
        s->payload = event->message.payload;
        s->cut = event->message.omitted || !event->message.certain;
        return true;
    case WST_EVENT_CLOSE:
        s->payload = event->close.reason;
        s->cut = event->close.omitted;
        return true;
    case WST_EVENT_FRAME:
        s->payload = event->frame.payload;
        s->cut = event->frame.payload_omitted || !event->frame.complete;
        return true;
    default: return false;
    }
}

/* 1, 0; -1: nobody knows. */
static int search(struct wst_grep *grep, const struct searched *s, size_t *from, size_t *to)
{
    struct wst_pattern_text text;
    if (!wst_pattern_text(&text, s->payload, &grep->copy, &grep->budget)) return -1;
    text.more = s->cut;
    text.before = s->within;
    int found = wst_pattern_find(&grep->pattern, &text, 0, from, to);
    bool edge = found > 0 && ((s->cut && *to == text.n) || (s->within && *from == 0));
    if (edge && wst_pattern_asks_behind(&grep->pattern)) return -1;
    if (found == 0 && (s->cut || !wst_pattern_sure(&grep->pattern, &text))) return -1;
    return found;
}

/* In what is known of a text behind its payload. */
static int search_pieces(struct wst_grep *grep, struct searched *s, struct wst_slice sketch,
                         size_t *from, size_t *to)
{
    size_t at = s->payload.n;
    for (struct wst_slice piece; (piece = wst_event_piece(sketch, at)).n; at += piece.n) {
        at = (size_t)(piece.p - sketch.p);
        *s = (struct searched){.payload = piece, .cut = true, .within = true};
        if (search(grep, s, from, to) > 0) return 1;
    }
    return -1;
}

bool wst_grep_event(struct wst_grep *grep, const struct wst_event *event)
{
    struct searched s = {.within = false};
    size_t from = 0, to = 0;
    grep->found = (struct wst_slice){NULL, 0};
    if (!searched_of(&s, event)) return false;
    int found = search(grep, &s, &from, &to);
    if (found <= 0 && event->type == WST_EVENT_MESSAGE && event->message.sketch.n)
        found = search_pieces(grep, &s, event->message.sketch, &from, &to);
    grep->unsure += found < 0;
    if (found <= 0) return false;
    grep->matches++;
    if (s.payload.n) grep->found = wst_slice_of(s.payload.p + from, to - from);
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
