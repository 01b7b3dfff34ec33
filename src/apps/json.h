/* SPDX-License-Identifier: MIT
 *
 * In: a text. Out: the members and items of its JSON, as they were sent.
 * Refuses what is not JSON in UTF-8 as a whole (base/tape.h).
 */
#ifndef WST_APPS_JSON_H
#define WST_APPS_JSON_H

#include "slice.h"
#include "tape.h"

struct wst_json_text {
    struct wst_tape tape;
    struct wst_slice text;
};

/* The whole as a node, until the next reading; NULL: not JSON, or no memory. */
const struct wst_tape_node *wst_json_text_read(struct wst_json_text *j, struct wst_budget *budget,
                                               struct wst_slice text);

/* All of these take NULL for a node that is not there, and are then not there themselves. */

/* A member of an object: the last of that name, as JSON.parse has it. The name is written without
 * escapes. */
const struct wst_tape_node *wst_json_text_get(const struct wst_json_text *j,
                                              const struct wst_tape_node *object, const char *name);
/* Item i of an array, from 0 on. */
const struct wst_tape_node *wst_json_text_at(const struct wst_json_text *j,
                                             const struct wst_tape_node *array, uint32_t i);
/* Its bytes, quotes and brackets with them; null: not there. */
struct wst_slice wst_json_text_raw(const struct wst_json_text *j, const struct wst_tape_node *node);
/* What stands between the quotes of a string, escapes as they are; null: no string. */
struct wst_slice wst_json_text_inside(const struct wst_json_text *j,
                                      const struct wst_tape_node *node);
/* A string that is written so. */
bool wst_json_text_is(const struct wst_json_text *j, const struct wst_tape_node *node,
                      const char *text);
/* A whole number without sign and exponent, of at most nine digits; -1: something else. */
int32_t wst_json_text_number(const struct wst_json_text *j, const struct wst_tape_node *node);

/* There is a value, and it is null. */
bool wst_json_text_is_null(const struct wst_json_text *j, const struct wst_tape_node *node);

static inline bool wst_json_text_kind(const struct wst_tape_node *node, enum wst_tape_kind kind)
{
    return node && node->kind == kind;
}

#endif
