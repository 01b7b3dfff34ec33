/* SPDX-License-Identifier: MIT
 *
 * In: texts and numbers, one by one. Out: a field that is a JSON array of them.
 * Refuses a list that there is no room for: then there is no such field.
 */
#ifndef WST_APPS_LIST_H
#define WST_APPS_LIST_H

#include "say.h"

struct wst_list { /* lies in what is left of the scratch: one at a time */
    struct wst_say *say;
    uint8_t *at, *end; /* at NULL: it has no room, or there is no packet to say it of */
    bool begun;        /* the next item is not the first of its array */
};

struct wst_list wst_list_new(struct wst_say *say);
void wst_list_text(struct wst_list *list, struct wst_slice text);
void wst_list_number(struct wst_list *list, uint64_t number);
void wst_list_pair(struct wst_list *list, struct wst_slice name, struct wst_slice value);
/* Says it. `name`: static storage. */
void wst_list_say(struct wst_list *list, const char *name);

#endif
