/* SPDX-License-Identifier: MIT */
#include "paper.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

enum { INDENT = 2, GAP = 2, LAST_MIN = 18, FLUSH_AT = 65536, PROSE = 100 };

static const char *const inks[] = {
    [WST_INK_NONE] = "",           [WST_INK_BOLD] = "\x1b[1m",    [WST_INK_DIM] = "\x1b[2m",
    [WST_INK_FIN] = "\x1b[1;36m",  [WST_INK_RSV] = "\x1b[33m",    [WST_INK_OPCODE] = "\x1b[32m",
    [WST_INK_MASK] = "\x1b[35m",   [WST_INK_LENGTH] = "\x1b[94m", [WST_INK_EXTENDED] = "\x1b[96m",
    [WST_INK_KEY] = "\x1b[95m",    [WST_INK_PAYLOAD] = "",        [WST_INK_CLIENT] = "\x1b[36m",
    [WST_INK_SERVER] = "\x1b[32m", [WST_INK_GOOD] = "\x1b[32m",   [WST_INK_BAD] = "\x1b[31m",
};

void wst_paper_init(struct wst_paper *p, wst_write_fn write, void *user, bool json, bool colour,
                    unsigned width)
{
    *p = (struct wst_paper){.write = write,
                            .user = user,
                            .json = json,
                            .colour = colour && !json,
                            .width = width < 80 ? 80 : width};
}

int wst_paper_flush(struct wst_paper *p)
{
    if (p->n && !p->failed && p->write(p->user, (const uint8_t *)p->text, p->n) < 0)
        p->failed = true;
    p->n = 0;
    return p->failed || p->starved ? -1 : 0;
}

void wst_paper_free(struct wst_paper *p)
{
    free(p->text);
    free(p->cells);
    p->text = p->cells = NULL;
}

/* -- bytes ------------------------------------------------------------------------------------- */

static bool grow(struct wst_paper *p, char **at, size_t *room, size_t need)
{
    size_t more = *room ? *room : 4096;
    if (need <= *room) return true;
    while (more < need) more *= 2;
    char *bigger = realloc(*at, more);
    if (!bigger) {
        p->starved = true;
        return false;
    }
    *at = bigger;
    *room = more;
    return true;
}

static void put_bytes(struct wst_paper *p, const char *s, size_t n)
{
    if (p->n + n > FLUSH_AT) wst_paper_flush(p);
    if (!grow(p, &p->text, &p->room, p->n + n)) return;
    memcpy(p->text + p->n, s, n);
    p->n += n;
}

static void put(struct wst_paper *p, const char *s)
{
    put_bytes(p, s, strlen(s));
}

static void blanks(struct wst_paper *p, unsigned n)
{
    while (n--) put_bytes(p, " ", 1);
}

/* Words of ours, in which a stranger's were quoted: nothing here may speak to a terminal. */
static void put_safe(struct wst_paper *p, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)s[i];
        put_bytes(p, (c < 0x20 && c != '\n') || c == 0x7f ? "?" : s + i, 1);
    }
}

static void put_inked(struct wst_paper *p, enum wst_ink ink, const char *s, size_t n)
{
    bool inked = p->colour && inks[ink][0] && n;
    if (inked) put(p, inks[ink]);
    put_safe(p, s, n);
    if (inked) put(p, "\x1b[0m");
}

/* printf into memory of its own; NULL: none. */
static char *format_text(struct wst_paper *p, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *s = n < 0 ? NULL : malloc((size_t)n + 1);
    if (s)
        vsnprintf(s, (size_t)n + 1, format, args);
    else
        p->starved = true;
    return s;
}

/* -- JSON -------------------------------------------------------------------------------------- */

static void json_string(struct wst_paper *p, const char *s)
{
    char hex[8];
    put(p, "\"");
    for (; *s; s++) {
        uint8_t c = (uint8_t)*s;
        if (c == '"' || c == '\\') {
            put_bytes(p, "\\", 1);
            put_bytes(p, s, 1);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(hex, sizeof hex, "\\u%04x", c);
            put(p, hex);
        } else {
            put_bytes(p, s, 1);
        }
    }
    put(p, "\"");
}

static void json_key(struct wst_paper *p, const char *key)
{
    bool *comma = &p->comma[p->depth];
    if (*comma) put(p, ",");
    *comma = true;
    if (!key) return;
    json_string(p, key);
    put(p, ":");
}

static void json_open(struct wst_paper *p, const char *key, const char *bracket)
{
    json_key(p, key);
    put(p, bracket);
    if (p->depth + 1 < WST_PAPER_DEPTH) p->depth++;
    p->comma[p->depth] = false;
}

void wst_paper_object(struct wst_paper *p, const char *key)
{
    if (p->json) json_open(p, key, "{");
}

void wst_paper_array(struct wst_paper *p, const char *key)
{
    if (p->json) json_open(p, key, "[");
}

void wst_paper_close(struct wst_paper *p, char bracket)
{
    if (!p->json) return;
    put_bytes(p, &bracket, 1);
    if (p->depth) p->depth--;
}

void wst_paper_word(struct wst_paper *p, const char *key, const char *word)
{
    if (!p->json) return;
    json_key(p, key);
    json_string(p, word);
}

static void json_bare(struct wst_paper *p, const char *key, const char *value)
{
    if (!p->json) return;
    json_key(p, key);
    put(p, value);
}

void wst_paper_number(struct wst_paper *p, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    json_bare(p, key, digits);
}

void wst_paper_bool(struct wst_paper *p, const char *key, bool value)
{
    json_bare(p, key, value ? "true" : "false");
}

void wst_paper_null(struct wst_paper *p, const char *key)
{
    json_bare(p, key, "null");
}

void wst_paper_number_if(struct wst_paper *p, const char *key, bool known, uint64_t value)
{
    if (known)
        wst_paper_number(p, key, value);
    else
        wst_paper_null(p, key);
}

/* -- one explained thing ----------------------------------------------------------------------- */

void wst_paper_begin(struct wst_paper *p, const char *type)
{
    wst_paper_end(p);
    p->begun = true;
    p->depth = 0;
    if (!p->json) return;
    put(p, "{");
    p->depth = 1;
    p->comma[1] = false;
    wst_paper_word(p, "type", type);
}

void wst_paper_end(struct wst_paper *p)
{
    if (!p->begun) return;
    p->begun = false;
    put(p, p->json ? "}\n" : "\n");
}

/* -- prose ------------------------------------------------------------------------------------- */

/* Of the first `fits` bytes of a word, those up to the last escape (\n, \xNN, \u{N…}) that is
 * whole: half of one reads as something else. */
static size_t whole_escapes(const char *s, size_t fits)
{
    for (size_t i = 0, n; i < fits; i += n) {
        n = s[i] != '\\' ? 1 : s[i + 1] == 'x' ? 4 : s[i + 1] == 'u' ? strcspn(s + i, "}") + 1 : 2;
        if (i + n > fits) return i ? i : fits;
    }
    return fits;
}

/* Breaks s at blanks: the first line begins where the cursor stands, at column `from`, the others
 * there, too. A word that is longer than a line is cut. */
static void wrapped(struct wst_paper *p, enum wst_ink ink, const char *s, unsigned from,
                    unsigned width)
{
    unsigned room = width > from + 8 ? width - from : 8;
    for (;;) {
        size_t n = strlen(s), fits = wst_columns_fit(s, n, room), cut = fits;
        if (fits < n) {
            while (cut && s[cut] != ' ') cut--;
            if (!cut) cut = fits ? whole_escapes(s, fits) : 1;
        }
        size_t shown = cut;
        while (shown && s[shown - 1] == ' ') shown--;
        put_inked(p, ink, s, shown);
        put(p, "\n");
        s += cut;
        while (*s == ' ') s++;
        if (!*s) return;
        blanks(p, from);
    }
}

void wst_paper_title(struct wst_paper *p, const char *format, ...)
{
    va_list args;
    if (p->json) return;
    va_start(args, format);
    char *s = format_text(p, format, args);
    va_end(args);
    if (s) wrapped(p, WST_INK_BOLD, s, 0, p->width);
    free(s);
}

void wst_paper_heading(struct wst_paper *p, const char *format, ...)
{
    va_list args;
    if (p->json) return;
    va_start(args, format);
    char *s = format_text(p, format, args);
    va_end(args);
    put(p, "\n");
    if (s) put_inked(p, WST_INK_BOLD, s, strlen(s));
    put(p, "\n");
    free(s);
}

void wst_paper_say(struct wst_paper *p, const char *format, ...)
{
    va_list args;
    if (p->json) return;
    va_start(args, format);
    char *s = format_text(p, format, args);
    va_end(args);
    blanks(p, INDENT);
    if (s) wrapped(p, WST_INK_NONE, s, INDENT, p->width < PROSE ? p->width : PROSE);
    free(s);
}

void wst_paper_under(struct wst_paper *p, unsigned indent, enum wst_ink ink, const char *text)
{
    if (p->json) return;
    blanks(p, indent);
    wrapped(p, ink, text, indent, p->width);
}

void wst_paper_put(struct wst_paper *p, enum wst_ink ink, const char *format, ...)
{
    va_list args;
    if (p->json) return;
    va_start(args, format);
    char *s = format_text(p, format, args);
    va_end(args);
    if (s) put_inked(p, ink, s, strlen(s));
    free(s);
}

void wst_paper_line(struct wst_paper *p, const char *key, const char *label, enum wst_ink ink,
                    const char *format, ...)
{
    va_list args;
    enum { LABEL = 17 };
    va_start(args, format);
    char *s = format_text(p, format, args);
    va_end(args);
    if (p->json && key) {
        json_key(p, key);
        json_string(p, s ? s : "");
    } else if (!p->json) {
        blanks(p, INDENT);
        put(p, label);
        unsigned n = wst_columns_of(label, strlen(label));
        blanks(p, n < LABEL ? LABEL - n : 1);
        wrapped(p, ink, s ? s : "", INDENT + (n < LABEL ? LABEL : n + 1), p->width);
    }
    free(s);
}

/* -- tables ------------------------------------------------------------------------------------ */

static const char *next_cell(const char *cell)
{
    return cell + 1 + strlen(cell + 1) + 1;
}

static void table_widths(struct wst_paper *p)
{
    const char *cell = p->cells;
    for (unsigned i = 0; i < p->columns_n && !p->headed; i++)
        p->widths[i] = wst_columns_of(p->columns[i].head, strlen(p->columns[i].head));
    for (unsigned row = 0; row < p->rows; row++)
        for (unsigned i = 0; i < p->columns_n; i++, cell = next_cell(cell)) {
            unsigned n = wst_columns_of(cell + 1, strlen(cell + 1));
            if (n > p->widths[i]) p->widths[i] = n;
        }
}

static bool shown_in_text(const struct wst_column *c)
{
    return c->kind != WST_COLUMN_DATA && c->kind != WST_COLUMN_COUNT;
}

static unsigned last_shown(const struct wst_paper *p)
{
    unsigned i = p->columns_n;
    while (i > 1 && !shown_in_text(&p->columns[i - 1])) i--;
    return i - 1;
}

/* The last column gets what is left, `pending` blanks after the one before; too little for the
 * `widest`, and all of them go under the others. */
static void put_last(struct wst_paper *p, const char *cell, unsigned at, unsigned pending,
                     unsigned widest)
{
    unsigned n = wst_columns_of(cell + 1, strlen(cell + 1));
    if (!n) {
        put(p, "\n");
    } else if (at + LAST_MIN > p->width && at + widest > p->width) {
        put(p, "\n");
        blanks(p, 3 * INDENT);
        wrapped(p, (enum wst_ink)cell[0], cell + 1, 3 * INDENT, p->width);
    } else {
        blanks(p, pending);
        wrapped(p, (enum wst_ink)cell[0], cell + 1, at, p->width);
    }
}

static void put_row(struct wst_paper *p, const char **cell, unsigned last)
{
    unsigned at = INDENT, pending = 0;
    blanks(p, INDENT);
    for (unsigned i = 0; i < p->columns_n; i++) {
        const char *c = *cell;
        *cell = next_cell(c);
        if (!shown_in_text(&p->columns[i])) continue;
        unsigned n = wst_columns_of(c + 1, strlen(c + 1)), pad = p->widths[i] - n;
        bool right = p->columns[i].kind == WST_COLUMN_NUMBER;
        if (!n && i != last) { /* nothing, not even blanks, which would end a line */
            pending += p->widths[i] + GAP;
            at += p->widths[i] + GAP;
            continue;
        }
        if (i == last && !right) {
            put_last(p, c, at, pending, p->widths[i]);
            continue;
        }
        blanks(p, pending + (right ? pad : 0));
        put_inked(p, (enum wst_ink)c[0], c + 1, n ? strlen(c + 1) : 0);
        pending = (right ? 0 : pad) + GAP;
        at += p->widths[i] + GAP;
        if (i == last) put(p, "\n");
    }
}

static void put_head(struct wst_paper *p, unsigned last)
{
    unsigned pending = INDENT;
    p->headed = true;
    bool any = false;
    for (unsigned i = 0; i < p->columns_n; i++) any = any || p->columns[i].head[0];
    if (!any) return;
    for (unsigned i = 0; i < p->columns_n; i++) {
        const char *head = p->columns[i].head;
        if (!shown_in_text(&p->columns[i])) continue;
        unsigned pad = p->widths[i] - wst_columns_of(head, strlen(head));
        bool right = p->columns[i].kind == WST_COLUMN_NUMBER;
        blanks(p, pending + (right ? pad : 0));
        put_inked(p, WST_INK_DIM, head, strlen(head));
        pending = (right ? 0 : pad) + GAP;
        if (i == last) break;
    }
    put(p, "\n");
}

static void table_spill(struct wst_paper *p)
{
    unsigned last = last_shown(p);
    const char *cell = p->cells;
    table_widths(p);
    if (!p->headed && p->rows) put_head(p, last);
    for (unsigned row = 0; row < p->rows; row++) put_row(p, &cell, last);
    p->rows = 0;
    p->cells_n = 0;
}

void wst_paper_table(struct wst_paper *p, const char *key, const struct wst_column *columns,
                     unsigned n)
{
    p->columns = columns;
    p->columns_n = n < WST_PAPER_COLUMNS ? n : WST_PAPER_COLUMNS;
    p->cell = p->rows = 0;
    p->cells_n = 0;
    p->headed = false;
    wst_paper_array(p, key);
}

static void cell_json(struct wst_paper *p, const struct wst_column *c, const char *s)
{
    if (p->cell == 0) wst_paper_object(p, NULL);
    if (c->kind == WST_COLUMN_NUMBER || c->kind == WST_COLUMN_COUNT)
        json_bare(p, c->key, *s ? s : "null");
    else if (c->kind != WST_COLUMN_TEXT) {
        json_key(p, c->key);
        json_string(p, s);
    }
    if (++p->cell < p->columns_n) return;
    p->cell = 0;
    wst_paper_close(p, '}');
}

void wst_paper_cell(struct wst_paper *p, enum wst_ink ink, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *s = format_text(p, format, args);
    va_end(args);
    const char *text = s ? s : "";
    size_t n = strlen(text);
    if (p->json) {
        cell_json(p, &p->columns[p->cell], text);
    } else if (grow(p, &p->cells, &p->cells_room, p->cells_n + n + 2)) {
        p->cells[p->cells_n] = (char)ink;
        memcpy(p->cells + p->cells_n + 1, text, n + 1);
        p->cells_n += n + 2;
        if (++p->cell == p->columns_n) {
            p->cell = 0;
            if (++p->rows == WST_PAPER_ROWS) table_spill(p);
        }
    }
    free(s);
}

void wst_paper_cell_number(struct wst_paper *p, bool known, uint64_t value)
{
    if (known)
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, value);
    else
        wst_paper_cell(p, WST_INK_NONE, "%s", "");
}

void wst_paper_table_end(struct wst_paper *p)
{
    if (p->json)
        wst_paper_close(p, ']');
    else
        table_spill(p);
}
