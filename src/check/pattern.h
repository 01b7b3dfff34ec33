/* SPDX-License-Identifier: MIT
 *
 * In: a regular expression (POSIX extended, IEEE 1003.1 chapter 9.4). Out: where it matches.
 * Refuses what would cost more than its length lets expect: back references, which search
 * exponentially, and repetitions inside repetitions that unfold into more than
 * WST_PATTERN_STATES states.
 */
#ifndef WST_CHECK_PATTERN_H
#define WST_CHECK_PATTERN_H

#include "buf.h"

#include <regex.h>

enum {
    WST_PATTERN_STATES = 20000, /* "[0-9a-f]{32}" is 32 */
    WST_PATTERN_ERROR = 128     /* bytes of what is wrong */
};

struct wst_pattern {
    char *text; /* owned: as written */
    regex_t compiled;
};

/* NULL, or what is wrong (in `error` or static); then there is nothing to free. */
const char *wst_pattern_read(struct wst_pattern *pattern, struct wst_slice text, bool nocase,
                             char error[WST_PATTERN_ERROR]);
void wst_pattern_free(struct wst_pattern *pattern);

/* A copy of `text` in `scratch` that ends at a NUL, as regexec wants it; a NUL inside counts as
 * another control character. NULL: no memory. */
const char *wst_pattern_string(struct wst_buf *scratch, struct wst_budget *budget,
                               struct wst_slice text);

#endif
