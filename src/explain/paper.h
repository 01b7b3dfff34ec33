/* SPDX-License-Identifier: MIT
 *
 * What explanations are written on. In: headings, sentences, tables. Out: text for a terminal, or
 * the same as one JSON object a line: each table an array of objects, its columns the keys.
 * Refuses a stranger's bytes: they pass through wst_paper_quote first; a control character that
 * gets here all the same becomes a question mark.
 */
#ifndef WST_EXPLAIN_PAPER_H
#define WST_EXPLAIN_PAPER_H

#include <wstrace/render.h>

/* A colour ties a field to its bytes wherever either is shown. */
enum wst_ink {
    WST_INK_NONE,
    WST_INK_BOLD,
    WST_INK_DIM,
    WST_INK_FIN,
    WST_INK_RSV,
    WST_INK_OPCODE,
    WST_INK_MASK,
    WST_INK_LENGTH,
    WST_INK_EXTENDED,
    WST_INK_KEY,
    WST_INK_PAYLOAD,
    WST_INK_CLIENT,
    WST_INK_SERVER,
    WST_INK_GOOD,
    WST_INK_BAD,
};

enum wst_column_kind {
    WST_COLUMN_WORD,
    WST_COLUMN_NUMBER, /* digits, or "" for null */
    WST_COLUMN_TEXT,   /* of the text only; no key */
    WST_COLUMN_DATA,   /* of the JSON only: a word */
    WST_COLUMN_COUNT,  /* of the JSON only: digits, or "" for null */
};

struct wst_column {
    const char *key, *head;
    enum wst_column_kind kind;
};

enum { WST_PAPER_COLUMNS = 12, WST_PAPER_DEPTH = 8, WST_PAPER_ROWS = 512 };

struct wst_paper {
    wst_write_fn write;
    void *user;
    bool json, colour, failed, starved;
    unsigned width;
    char *text; /* not yet written */
    size_t n, room;
    bool begun;                  /* an object of JSON is open */
    unsigned depth;              /* of JSON */
    bool comma[WST_PAPER_DEPTH]; /* something stands before */
    /* the table that is open */
    const struct wst_column *columns;
    unsigned columns_n, cell;
    bool headed;
    unsigned widths[WST_PAPER_COLUMNS];
    char *cells; /* NUL-terminated, one after the other; the first byte is the ink */
    size_t cells_n, cells_room;
    unsigned rows;
    char quotes[8][1024]; /* of wst_paper_quote, in turn */
    unsigned quote;
};

void wst_paper_init(struct wst_paper *p, wst_write_fn write, void *user, bool json, bool colour,
                    unsigned width);
/* Writes out what waits. Returns 0, or a negative number. */
int wst_paper_flush(struct wst_paper *p);
void wst_paper_free(struct wst_paper *p);

/* One explained thing; JSON: {"type": …}. An open one is ended first. */
void wst_paper_begin(struct wst_paper *p, const char *type);
void wst_paper_end(struct wst_paper *p);

/* -- text only: what is told by it stands in tables and values, too, or is prose --------------- */
void wst_paper_title(struct wst_paper *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void wst_paper_heading(struct wst_paper *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A paragraph, broken at the width. */
void wst_paper_say(struct wst_paper *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same under a line, `indent` columns in. */
void wst_paper_under(struct wst_paper *p, unsigned indent, enum wst_ink ink, const char *text);
/* As it stands: drawings. No newline is added. */
void wst_paper_put(struct wst_paper *p, enum wst_ink ink, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* -- JSON only --------------------------------------------------------------------------------- */
void wst_paper_word(struct wst_paper *p, const char *key, const char *word);
void wst_paper_number(struct wst_paper *p, const char *key, uint64_t value);
void wst_paper_bool(struct wst_paper *p, const char *key, bool value);
void wst_paper_null(struct wst_paper *p, const char *key);
/* null where `known` is false. */
void wst_paper_number_if(struct wst_paper *p, const char *key, bool known, uint64_t value);
void wst_paper_object(struct wst_paper *p, const char *key); /* opens {…; NULL key: in an array */
void wst_paper_array(struct wst_paper *p, const char *key);
void wst_paper_close(struct wst_paper *p, char bracket); /* '}' or ']' */

/* -- both -------------------------------------------------------------------------------------- */
/* "Label    value" in text, "key": value in JSON. */
void wst_paper_line(struct wst_paper *p, const char *key, const char *label, enum wst_ink ink,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));
void wst_paper_table(struct wst_paper *p, const char *key, const struct wst_column *columns,
                     unsigned n);
/* The next cell; the row is over with its last. In text the last column is broken at the width. */
void wst_paper_cell(struct wst_paper *p, enum wst_ink ink, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a number that may not be known: then nothing, in JSON null. */
void wst_paper_cell_number(struct wst_paper *p, bool known, uint64_t value);
void wst_paper_table_end(struct wst_paper *p);

/* A stranger's bytes as they may be shown, at most about `max` bytes of them, "…" for the rest.
 * Printable UTF-8 passes; the rest is \n, \x1b, \u{202e}. Valid for eight calls. */
const char *wst_paper_quote(struct wst_paper *p, struct wst_slice s, size_t max);
/* The same of a finding's words, all of them: quotes and backslashes pass, too. */
const char *wst_paper_words(struct wst_paper *p, const char *words);
/* Of text, or of bytes that are none: then only ASCII passes; with … for a run of bytes that are
 * not known: those whose `doubt` is 1; NULL: none. */
const char *wst_paper_known(struct wst_paper *p, struct wst_slice s, const uint8_t *doubt,
                            size_t max, bool text);
/* "37 fa 21 3d"; likewise. */
const char *wst_paper_hex(struct wst_paper *p, struct wst_slice s, size_t max);
/* "0101 1011", `bits` of value, highest first; a blank after each fourth from the right. */
const char *wst_paper_bits(struct wst_paper *p, uint64_t value, unsigned bits);

#endif
