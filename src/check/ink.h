/* SPDX-License-Identifier: MIT
 *
 * Text being made. In: pieces. Out: one growing text. Refuses to grow past the budget: the failure
 * sticks, later pieces are dropped, and who needs the text asks once, at the end.
 */
#ifndef WST_CHECK_INK_H
#define WST_CHECK_INK_H

#include "buf.h"

struct wst_ink {
    struct wst_buf buf;
    struct wst_budget *budget;
    bool failed;
};

/* Room for n bytes behind the text; NULL after a failure. Add what was used to ink->buf.n. */
static inline uint8_t *wst_ink_room(struct wst_ink *ink, size_t n)
{
    if (n > ink->buf.room - ink->buf.n &&
        (ink->failed || !wst_buf_reserve(&ink->buf, ink->budget, n, SIZE_MAX))) {
        ink->failed = true;
        return NULL;
    }
    return ink->buf.p + ink->buf.n;
}
static inline void wst_ink_bytes(struct wst_ink *ink, struct wst_slice s)
{
    uint8_t *at = s.n ? wst_ink_room(ink, s.n) : NULL;
    if (at == NULL) return;
    memcpy(at, s.p, s.n);
    ink->buf.n += s.n;
}
static inline void wst_ink_text(struct wst_ink *ink, const char *text)
{
    wst_ink_bytes(ink, wst_slice_text(text));
}
static inline void wst_ink_byte(struct wst_ink *ink, char c)
{
    uint8_t *at = wst_ink_room(ink, 1);
    if (at == NULL) return;
    *at = (uint8_t)c;
    ink->buf.n++;
}
static inline void wst_ink_blanks(struct wst_ink *ink, unsigned n)
{
    while (n--) wst_ink_byte(ink, ' ');
}
void wst_ink_number(struct wst_ink *ink, uint64_t value);
void wst_ink_format(struct wst_ink *ink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct wst_slice wst_ink_slice(const struct wst_ink *ink)
{
    return wst_buf_slice(&ink->buf);
}
static inline void wst_ink_cut(struct wst_ink *ink, size_t n)
{
    if (n < ink->buf.n) ink->buf.n = n;
}
static inline void wst_ink_free(struct wst_ink *ink)
{
    if (ink->budget) wst_buf_free(&ink->buf, ink->budget);
}

/* -- strangers' text, made visible ----------------------------------------------------------- */

/* Hidden: control characters, and what wst_utf8_hidden() knows. */
/* The inside of a JSON string: valid UTF-8 as it is; quotes, backslashes and hidden characters as
 * escapes; a byte that is not UTF-8 as \xff, which is no JSON, and nothing else is written so. */
void wst_ink_escaped(struct wst_ink *ink, struct wst_slice text);
/* As above, of what stands in a JSON string (valid UTF-8) already: escapes that are not needed are
 * undone, the others written one way. */
void wst_ink_unescaped(struct wst_ink *ink, struct wst_slice json);
/* What such a string means. A surrogate without its other half (RFC 8259 section 8.2) stays the
 * escape that it is. */
void wst_ink_decoded(struct wst_ink *ink, struct wst_slice json);
/* The order of what two such strings mean, byte for byte, whatever escapes they are written with.
 */
int wst_ink_compare(struct wst_slice a, struct wst_slice b);
/* One line for people, of text that should be clean already (a golden's): hidden characters and
 * broken UTF-8 are escaped, newlines and quotes stay what they are. */
void wst_ink_safe(struct wst_ink *ink, struct wst_slice text);

#endif
