/* SPDX-License-Identifier: MIT
 *
 * In: a payload, and the line so far. Out: as much of it, in quotes, as the line has room for.
 * Refuses to let the terminal break the line, unless next to nothing of the payload would be left.
 */
#include "text.h"

#include "digits.h"

enum {
    QUOTES = 2,
    MARK = 9,   /* "… + bytes", without the number */
    LEAST = 10, /* fewer columns than these say nothing */
    WIDE = 110, /* a line with all its columns, and room for a payload */
};

bool wst_text_narrow(const struct wst_text_options *options)
{
    return options->width > 0 && options->width < WIDE && !options->frames;
}

/* Columns of the line so far: without inks, a character each, for only arrows are more than ASCII.
 */
static size_t columns_so_far(const struct wst_out *out)
{
    const uint8_t *at = out->at;
    size_t n = 0;
    while (at > out->buffer && at[-1] != '\n') at--;
    for (; at < out->at; at++) {
        if (*at == 0x1b)
            while (at < out->at - 1 && *at != 'm') at++;
        else
            n += (*at & 0xc0) != 0x80;
    }
    return n;
}

/* That wst_escape_quote will put before quotes and backslashes, and does not count, in so many
 * columns. */
static size_t backslashes(struct wst_slice s, size_t columns)
{
    size_t n = 0, shown = 0;
    for (size_t i = 0; i < s.n && shown + n < columns; i++) {
        n += s.p[i] == '"' || s.p[i] == '\\';
        shown += (s.p[i] & 0xc0) != 0x80;
    }
    return n;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* On a terminal as many as its line has left, beside the quotes and, if not all can be shown, what
 * says so; where that is next to nothing, the line is continued on the next. */
static size_t room(const struct wst_text *text, struct wst_slice payload, enum wst_escape_kind kind,
                   uint64_t omitted)
{
    size_t most = text->options.max_text ? text->options.max_text : SIZE_MAX;
    size_t taken = columns_so_far(&text->render.out) + QUOTES, left, whole;
    if (text->options.width < taken + LEAST) return text->options.max_text;
    left = text->options.width - taken;
    whole = least(most, left - backslashes(payload, left));
    if (omitted == 0 && wst_escape_fits(payload, kind, whole)) return whole;
    taken = MARK + wst_digits_count(payload.n + omitted);
    if (left < taken + LEAST) return text->options.max_text;
    left -= taken;
    return least(most, left - backslashes(payload, left));
}

void wst_text_quote(struct wst_text *text, struct wst_slice s, enum wst_escape_kind kind,
                    uint64_t omitted)
{
    size_t most = text->options.max_text;
    if (text->options.width) most = room(text, s, kind, omitted);
    wst_escape_quote(&text->render.out, s, kind, most, omitted);
}

void wst_text_payload(struct wst_text *text, struct wst_slice payload, enum wst_escape_kind kind,
                      uint64_t omitted)
{
    struct wst_out *out = &text->render.out;
    out->at = WST_PUT(wst_out_reserve(out, 2), "  ");
    wst_text_quote(text, payload, kind, omitted);
}
