/* SPDX-License-Identifier: MIT
 *
 * Fields of a request or an answer, packed one behind the other. In: names and values. Out: the
 * same, in order. Refuses a field that would pass the cap or the budget: nothing of it is kept.
 */
#ifndef WST_BASE_FIELDS_H
#define WST_BASE_FIELDS_H

#include <wstrace/wstrace.h>

#include "buf.h"

/* False: there is no room for it. */
bool wst_fields_put(struct wst_buf *fields, struct wst_budget *budget, struct wst_slice name,
                    struct wst_slice value, size_t cap);
/* Takes the next field from the front of `fields`; false: that was the last. */
bool wst_fields_next(struct wst_slice *fields, struct wst_header *field);
/* The value of the first one with that name; p == NULL: there is none. */
struct wst_slice wst_fields_named(struct wst_slice fields, const char *name);

#endif
