/* SPDX-License-Identifier: MIT
 *
 * In: a regular expression (POSIX extended, IEEE 1003.1 chapter 9.4). Out: where it matches.
 * Refuses what would cost more than its length lets expect: back references, which search
 * exponentially, and repetitions inside repetitions that unfold into more than
 * WST_PATTERN_STATES states.
 */
#ifndef WST_BASE_PATTERN_H
#define WST_BASE_PATTERN_H

#include "buf.h"

#include <regex.h>

enum {
    WST_PATTERN_STATES = 20000, /* "[0-9a-f]{32}" is 32 */
    WST_PATTERN_ERROR = 128     /* bytes of what is wrong */
};
/* Bytes searched at a time, for regexec's memory grows with them. */
#define WST_PATTERN_WINDOW ((size_t)16 << 10)

struct wst_pattern {
    char *text;       /* owned: as written */
    uint64_t longest; /* bytes that it can match at most, or more; UINT64_MAX: any number */
    regex_t compiled;
};

/* NULL, or what is wrong (in `error` or static); then there is nothing to free. */
const char *wst_pattern_read(struct wst_pattern *pattern, struct wst_slice text, bool nocase,
                             char error[WST_PATTERN_ERROR]);
void wst_pattern_free(struct wst_pattern *pattern);

/* What is searched. A NUL counts as another control character. */
struct wst_pattern_text {
    char *p; /* of the scratch */
    size_t n;
    bool more;   /* it goes on, and nobody knows how: $ does not match at its end */
    bool before; /* something stands before it, and nobody knows what: ^ does not match */
};
/* Copies it into `scratch`, with the NUL behind it that regexec wants. False: no memory. */
bool wst_pattern_text(struct wst_pattern_text *to, struct wst_slice text, struct wst_buf *scratch,
                      struct wst_budget *budget);
/* The leftmost match that begins at `at` or behind it, of those that are no longer than half a
 * WST_PATTERN_WINDOW; a longer one may be found, too, or its beginning. Returns 1, 0: there
 * is none, -1: no memory. */
int wst_pattern_find(const struct wst_pattern *pattern, const struct wst_pattern_text *text,
                     size_t at, size_t *from, size_t *to);
/* Whether the expression may ask what stands behind a match, as \b does, other than by $. */
bool wst_pattern_asks_behind(const struct wst_pattern *pattern);
/* Whether there can be no match in the text that is too long to be found. */
bool wst_pattern_sure(const struct wst_pattern *pattern, const struct wst_pattern_text *text);

#endif
