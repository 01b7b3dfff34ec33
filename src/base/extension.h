/* SPDX-License-Identifier: MIT
 *
 * In: a Sec-WebSocket-Extensions list. Out: one extension after the other, and its parameters.
 * Refuses what RFC 6455 section 9.1 does not allow.
 */
#ifndef WST_BASE_EXTENSION_H
#define WST_BASE_EXTENSION_H

#include "slice.h"

struct wst_extension {
    struct wst_slice name, params; /* params: from the first ';' on; lies behind the name */
};
/* Takes the next from the front of *list. 1: one was taken; 0: the end; -1: malformed. */
int wst_extension_next(struct wst_slice *list, struct wst_extension *extension);
/* Takes the next parameter from the front of *params; value.p == NULL: it has none. */
int wst_extension_param(struct wst_slice *params, struct wst_slice *name, struct wst_slice *value);

#endif
