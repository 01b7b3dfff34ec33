/* SPDX-License-Identifier: MIT
 *
 * In: places between the fields of a line. Out: on a terminal, a line that is longer than its goes
 * on below, under its first field; any other line as it is.
 * Refuses to break inside a field: one that is wider than the terminal by itself stays so, but
 * for words of a sentence.
 */
#include "text.h"

#include "digits.h"
#include "slice.h"

enum {
    MOST = 24 << 10,   /* bytes of a line that can be folded, with its colours */
    FIELDS_LEAST = 40, /* columns for fields: where there are fewer, they begin further left */
    INDENT_LEAST = 6,
    MARK = 9, /* "… + bytes", without the number */
    LEAST = 10,
    PIECE = 8 /* columns of a word that is broken */
};

void wst_text_fold_begin(struct wst_text *text)
{
    if (text->options.width == 0) return;
    wst_out_reserve(&text->render.out, MOST);
    text->fold.flushes = text->render.out.flushes;
    text->fold.indent = text->fold.place = 0;
}

void wst_text_fold_here(struct wst_text *text)
{
    unsigned width = text->options.width;
    if (width == 0) return;
    size_t column = wst_text_columns(&text->render.out);
    bool room = column + FIELDS_LEAST <= width;
    text->fold.indent = (unsigned)(room ? column : INDENT_LEAST);
}

/* The rest of the line, from `place` on, goes below; blanks there stood between the fields. What is
 * too wide to begin under the first field begins further left. */
static void fold_at(struct wst_text *text, size_t place)
{
    struct wst_out *out = &text->render.out;
    uint8_t *to = out->buffer + place, *from = to;
    size_t room = (size_t)(out->buffer + WST_OUT_SIZE - out->at), indent = text->fold.indent;
    while (from < out->at && *from == ' ') from++;
    size_t rest = (size_t)(out->at - from);
    size_t columns = wst_text_columns(out) - wst_text_columns_to(out, from);
    if (indent + columns > text->options.width && indent > INDENT_LEAST) indent = INDENT_LEAST;
    if (room <= indent) return;
    memmove(to + 1 + indent, from, rest);
    *to = '\n';
    memset(to + 1, ' ', indent);
    out->at = to + 1 + indent + rest;
}

/* Whether something stands before the place. */
static bool begun(const struct wst_text *text)
{
    const struct wst_out *out = &text->render.out;
    size_t columns = wst_text_columns_to(out, out->buffer + text->fold.place);
    return columns > text->fold.indent;
}

void wst_text_fold_end(struct wst_text *text)
{
    struct wst_out *out = &text->render.out;
    size_t place = text->fold.place;
    if (text->options.width == 0 || place == 0 || text->fold.flushes != out->flushes) return;
    if (wst_text_columns(out) > text->options.width && begun(text)) fold_at(text, place);
    text->fold.place = 0;
}

void wst_text_field(struct wst_text *text)
{
    if (text->options.width == 0) return;
    wst_text_fold_end(text);
    if (text->fold.flushes == text->render.out.flushes)
        text->fold.place = (size_t)(text->render.out.at - text->render.out.buffer);
}

/* A word. One that no line can hold, as JSON without blanks is one, is broken anywhere. */
static void put_word(struct wst_text *text, struct wst_slice word)
{
    struct wst_out *out = &text->render.out;
    size_t most = text->options.width > text->fold.indent + LEAST
                      ? text->options.width - text->fold.indent
                      : LEAST;
    if (text->options.width > 0 && !wst_escape_fits(word, WST_ESCAPE_TEXT, most)) {
        size_t n;
        while ((n = wst_escape_fitting(word, WST_ESCAPE_TEXT, PIECE)) > 0 && n < word.n) {
            wst_escape_plain(out, wst_slice_head(word, n));
            wst_text_field(text);
            word = wst_slice_skip(word, n);
        }
    }
    wst_escape_plain(out, word);
}

void wst_text_words(struct wst_text *text, const char *words)
{
    const char *blank;
    while (text->options.width > 0 && (blank = strchr(words, ' '))) {
        put_word(text, wst_slice_of((const uint8_t *)words, (size_t)(blank - words)));
        wst_text_field(text);
        wst_out_text(&text->render.out, " ");
        words = blank + 1;
    }
    put_word(text, wst_slice_text(words));
}

void wst_text_word(struct wst_text *text, struct wst_slice value, size_t beside)
{
    struct wst_out *out = &text->render.out;
    size_t taken = text->fold.indent + beside, most = text->options.width;
    most = most > taken ? most - taken : 0;
    if (text->options.width == 0 || wst_escape_fits(value, WST_ESCAPE_TEXT, most)) {
        wst_escape_word(out, value);
        return;
    }
    taken = MARK + wst_digits_count(value.n) + 2;
    most = most > taken + LEAST ? most - taken : LEAST;
    size_t n = wst_escape_fitting(value, WST_ESCAPE_TEXT, most);
    wst_escape_word(out, wst_slice_head(value, n));
    if (n < value.n) wst_escape_missing(out, value.n - n);
}

void wst_text_fold_payload(struct wst_text *text)
{
    struct wst_out *out = &text->render.out;
    unsigned width = text->options.width;
    if (width == 0) return;
    wst_text_field(text);
    if (text->fold.place && wst_text_columns(out) + 2 * LEAST + MARK > width && begun(text)) {
        fold_at(text, text->fold.place);
        text->fold.place = 0;
    }
}
