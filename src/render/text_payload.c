/* SPDX-License-Identifier: MIT
 *
 * In: a payload, and the line so far. Out: as much of it, in quotes, as the line has room for.
 * Refuses to let the terminal break the line: where it has room for next to nothing of the payload,
 * that goes below.
 */
#include "text.h"

#include "digits.h"
#include "slice.h"

enum {
    QUOTES = 2,
    MARK = 9,    /* "… + bytes", without the number */
    LEAST = 10,  /* fewer columns than these say nothing */
    BEFORE = 16, /* bytes shown before what was found */
    WIDE = 110,  /* a line with all its columns, and room for a payload */
};

bool wst_text_narrow(const struct wst_text_options *options)
{
    return options->width > 0 && options->width < WIDE && !options->frames;
}

/* Without inks, a character each: what is more than ASCII in it is one column wide, mostly. */
size_t wst_text_columns_between(const uint8_t *at, const uint8_t *end)
{
    size_t n = 0;
    for (; at < end; at++) {
        if (*at == 0x1b)
            while (at < end - 1 && *at != 'm') at++;
        else
            n += (*at & 0xc0) != 0x80;
    }
    return n;
}

size_t wst_text_columns_to(const struct wst_out *out, const uint8_t *end)
{
    const uint8_t *at = end;
    while (at > out->buffer && at[-1] != '\n') at--;
    return wst_text_columns_between(at, end);
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
 * says so; 0: that is next to nothing. */
static size_t room(const struct wst_text *text, struct wst_slice payload, enum wst_escape_kind kind,
                   uint64_t omitted)
{
    size_t most = text->options.max_text ? text->options.max_text : SIZE_MAX;
    size_t taken = wst_text_columns(&text->render.out) + QUOTES, left, whole;
    if (text->options.width < taken + LEAST) return 0;
    left = text->options.width - taken;
    whole = least(most, left - backslashes(payload, left));
    if (omitted == 0 && wst_escape_fits(payload, kind, whole)) return whole;
    taken = MARK + wst_digits_count(payload.n + omitted);
    if (left < taken + LEAST) return 0;
    left -= taken;
    return least(most, left - backslashes(payload, left));
}

/* The line goes on below, under its first field. */
static void go_below(struct wst_text *text)
{
    struct wst_out *out = &text->render.out;
    while (out->at > out->buffer && out->at[-1] == ' ') out->at--;
    wst_out_text(out, "\n");
    memset(wst_out_reserve(out, text->fold.indent), ' ', text->fold.indent);
    out->at += text->fold.indent;
}

/* The same, below if there is none here. */
static size_t room_for(struct wst_text *text, struct wst_slice payload, enum wst_escape_kind kind,
                       uint64_t omitted)
{
    size_t most = room(text, payload, kind, omitted);
    if (most || wst_text_columns(&text->render.out) <= text->fold.indent + QUOTES) return most;
    if (payload.n == 0 && omitted == 0) return text->options.max_text;
    go_below(text);
    most = room(text, payload, kind, omitted);
    return most ? most : LEAST; /* a terminal of a few columns */
}

/* -- what was looked for ----------------------------------------------------------------------- */

static bool is_inside(struct wst_slice part, struct wst_slice s)
{
    return (uintptr_t)part.p >= (uintptr_t)s.p &&
           (uintptr_t)part.p + part.n <= (uintptr_t)s.p + s.n && part.p;
}

/* Steps to the front or end of the character that `at` may lie inside. */
static size_t inside_character(struct wst_slice s, size_t at, int step)
{
    size_t n = 0;
    while (n < 3 && at > 0 && at < s.n && (s.p[at] & 0xc0) == 0x80) {
        at = step < 0 ? at - 1 : at + 1;
        n++;
    }
    return n;
}

static struct wst_slice part_of(struct wst_slice s, size_t from, size_t to)
{
    return wst_slice_of(s.p + from, to - from);
}

/* Of so many columns those that are left for what is shown from here on. */
static size_t less_backslashes(const struct wst_text *text, struct wst_slice s, size_t most)
{
    return text->options.width ? most - least(most - 1, backslashes(s, most)) : most;
}

/* The same as room(), for a payload that is not shown from its beginning on: `before` bytes are
 * passed over, and what says so takes columns, too. *brief: too many, so it does not say how many.
 */
static size_t room_behind(const struct wst_text *text, size_t before, uint64_t n, size_t most,
                          bool *brief)
{
    size_t counts = 2 * MARK + wst_digits_count(before) + wst_digits_count(n), left;
    if (!text->options.width) return most;
    size_t taken = wst_text_columns(&text->render.out) + QUOTES;
    *brief = text->options.width < taken + counts + LEAST;
    taken += *brief ? QUOTES : counts;
    left = text->options.width > taken + LEAST ? text->options.width - taken : LEAST;
    return least(text->options.max_text ? text->options.max_text : SIZE_MAX, left);
}

/* From where on it is shown: from its beginning if what was found is then seen, too, else a little
 * before that. *most: columns there are; 0: any number. */
static size_t quote_from(const struct wst_text *text, struct wst_slice s, size_t found, size_t end,
                         enum wst_escape_kind kind, uint64_t omitted, size_t *most, bool *brief)
{
    if (*most == 0 || wst_escape_fits(wst_slice_head(s, end), kind, *most)) return 0;
    *most = room_behind(text, found, s.n + omitted, *most, brief);
    if (*most == 0) return 0;
    size_t spare = *most > end - found ? (*most - (end - found)) / 2 : 0;
    size_t from = found - least(least(BEFORE, spare), found);
    if (kind == WST_ESCAPE_TEXT) from -= inside_character(s, from, -1);
    /* A byte may take several columns. */
    while (from < found &&
           !wst_escape_fits(part_of(s, from, end), kind,
                            less_backslashes(text, wst_slice_skip(s, from), *most))) {
        from++;
        if (kind == WST_ESCAPE_TEXT) from += inside_character(s, from, 1);
    }
    if (from) *most = less_backslashes(text, wst_slice_skip(s, from), *most);
    return from;
}

static void quote_found(struct wst_text *text, struct wst_slice s, enum wst_escape_kind kind,
                        uint64_t omitted, size_t most)
{
    struct wst_out *out = &text->render.out;
    size_t found = (size_t)(text->options.found->p - s.p), end = found + text->options.found->n;
    if (kind == WST_ESCAPE_TEXT && end > found) { /* bytes are searched, characters shown */
        found -= inside_character(s, found, -1);
        end += inside_character(s, end, 1);
    }
    bool brief = false;
    size_t from = quote_from(text, s, found, end, kind, omitted, &most, &brief);
    size_t to = from + (most ? wst_escape_fitting(wst_slice_skip(s, from), kind, most) : s.n);
    found = found < to ? found : to;
    end = end < to ? end : to;
    if (from && brief) {
        wst_out_text(out, "…");
    } else if (from) {
        out->at = wst_digits(WST_PUT(wst_out_reserve(out, 32), "+"), from);
        wst_out_text(out, from == 1 ? " byte …" : " bytes …");
    }
    wst_out_text(out, "\"");
    wst_escape_part(out, part_of(s, from, found), kind);
    wst_text_ink(text, WST_TEXT_FOUND);
    wst_escape_part(out, part_of(s, found, end), kind);
    wst_text_plain(text);
    wst_escape_part(out, part_of(s, end, to), kind);
    wst_out_text(out, "\"");
    if (s.n - to + omitted && brief)
        wst_out_text(out, "…");
    else if (s.n - to + omitted)
        wst_escape_missing(out, s.n - to + omitted);
}

void wst_text_quote(struct wst_text *text, struct wst_slice s, enum wst_escape_kind kind,
                    uint64_t omitted)
{
    size_t most = text->options.max_text;
    if (text->options.width) most = room_for(text, s, kind, omitted);
    text->most = most;
    if (text->options.found && is_inside(*text->options.found, s)) {
        quote_found(text, s, kind, omitted, most);
        text->most = 0; /* who looks for something has found it */
        return;
    }
    wst_escape_quote(&text->render.out, s, kind, most, omitted);
}

void wst_text_payload(struct wst_text *text, struct wst_slice payload, enum wst_escape_kind kind,
                      uint64_t omitted)
{
    struct wst_out *out = &text->render.out;
    out->at = WST_PUT(wst_out_reserve(out, 2), "  ");
    wst_text_quote(text, payload, kind, omitted);
}
