/* SPDX-License-Identifier: MIT
 *
 * Inside the room: how an outcome is made. pair.c pairs connections, align.c their items, match.c
 * what is left over of those, tell.c tells, fields.c looks into JSON.
 */
#ifndef WST_CHECK_COMPARE_H
#define WST_CHECK_COMPARE_H

#include "session.h"

enum {
    WST_COMPARE_CONTEXT = 2, /* items before and after a difference */
    WST_COMPARE_LINES = 40,  /* lines shown of one item */
    WST_COMPARE_FIELDS = 20, /* JSON fields told of one message */
    WST_COMPARE_VALUE = 80,  /* bytes shown of one value */
    WST_ALIGN_EDITS = 1500   /* insertions and deletions looked for; more: item by item */
};
/* The place on the other side of what has none there. */
enum { WST_ALONE = UINT32_MAX };

struct wst_outcome {
    struct wst_budget budget;
    struct wst_arena arena;
    struct wst_difference *list; /* owned */
    size_t n, room;
    uint64_t count;
    struct wst_difference *left; /* owned: what has no verdict */
    size_t left_n, left_room;
    bool settings_newer; /* see wst_outcome_settings_newer */
    bool failed;
};

struct wst_outcome *wst_outcome_new(void);
/* A new difference, zeroed but for empty strings; NULL when it is only counted. */
struct wst_difference *wst_outcome_add(struct wst_outcome *outcome, enum wst_difference_kind kind);
/* Likewise of what has no verdict. */
struct wst_difference *wst_outcome_leave(struct wst_outcome *outcome);
/* A copy of what is in the ink, made safe; "" when there is no memory. */
const char *wst_outcome_text(struct wst_outcome *outcome, struct wst_slice text);

/* pair.c: fills in `pair` of both sessions' connections. */
bool wst_pair(struct wst_session *expected, struct wst_session *seen);

/* align.c: to[i] of the first row is the place in the second that equals it, or WST_ALONE; grows
 * with i. The longest such row when there are at most WST_ALIGN_EDITS differences, else a good one.
 * `same` decides; rows are compared by place in canonical order. False: no memory. */
struct wst_align {
    uint32_t n, m;
    bool (*same)(const void *user, uint32_t i, uint32_t j);
    const void *user;
    uint32_t *to; /* n of them */
};
bool wst_align(struct wst_align *align);

/* values.c: of sessions that are otherwise the same; those seen are the pairs of the expected. */
void wst_compare_values(struct wst_outcome *outcome, struct wst_session *expected);

/* fields.c: what changed between two items' JSON. False: one of them is none. */
struct wst_field_list {
    struct wst_field_change list[WST_COMPARE_FIELDS];
    size_t n;
    uint64_t count; /* of all */
};
bool wst_fields(struct wst_outcome *outcome, struct wst_session *session, struct wst_slice before,
                struct wst_slice after, struct wst_field_list *fields);

/* lines.c: the line at the beginning of *text, without its newline; *text goes on behind it. */
struct wst_slice wst_lines_take(struct wst_slice *text);
/* An item's lines behind `sign`, `most` of them. */
void wst_lines_item(struct wst_ink *ink, const char *sign, struct wst_slice text, unsigned most);
/* A changed item: its lines, the changed ones among them marked. */
void wst_lines_change(struct wst_ink *ink, struct wst_slice before, struct wst_slice after);
/* What an item says, on one line and without its direction, cut. */
void wst_lines_short(struct wst_ink *ink, struct wst_slice text);

/* tell.c: a connection that has no pair. */
void wst_tell_connection(struct wst_outcome *outcome, const struct wst_connection *connection,
                         bool missing);

#endif
