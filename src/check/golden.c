/* SPDX-License-Identifier: MIT
 *
 * In: the text of a golden. Out: a session. The body is read only when a
 * capture was seen that does not say just the same: comparing bytes is all that is needed then.
 * Refuses what does not begin with its first line, settings that cannot be read, lines of no
 * connection.
 *
 *     wstrace golden 1
 *     # comments
 *     ignore $.ts                 settings
 *
 *     connection /chat            items, as session.h shows them
 *
 * The settings stand here, not in a file beside it: a golden that was made with them is wrong
 * without them, and what is one thing cannot be committed by half.
 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

/* Some editors begin each file with U+FEFF. */
static struct wst_slice without_mark(struct wst_slice text)
{
    return wst_slice_skip(text, wst_slice_starts(text, "\xef\xbb\xbf") ? 3 : 0);
}

bool wst_golden_is(struct wst_slice text)
{
    return wst_slice_starts(without_mark(text), "wstrace golden");
}

/* -- reading --------------------------------------------------------------------------------- */

struct reader {
    struct wst_session *s;
    struct wst_slice rest; /* behind the line */
    uint32_t line;         /* number of the line */
    struct wst_check_error *error;
};

static bool wrong(const struct reader *r, uint32_t column, const char *what)
{
    r->error->line = r->line;
    r->error->column = column;
    snprintf(r->error->what, sizeof r->error->what, "%s", what);
    return false;
}

/* The next line, its newline with it; n == 0 at the end. */
static struct wst_slice next_line(struct reader *r)
{
    const uint8_t *end = r->rest.n ? memchr(r->rest.p, '\n', r->rest.n) : NULL;
    struct wst_slice line =
        wst_slice_head(r->rest, end ? (size_t)(end - r->rest.p) + 1 : r->rest.n);

    r->rest = wst_slice_skip(r->rest, line.n);
    r->line++;
    return line;
}

/* Version control may have written \r\n. */
static struct wst_slice without_newline(struct wst_slice line)
{
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) line.n--;
    return line;
}

static bool read_setting(struct reader *r, struct wst_slice line)
{
    line = without_newline(line);
    while (line.n && line.p[line.n - 1] == ' ') line.n--;
    if (line.n == 0 || line.p[0] == '#') return true;
    if (wst_check_set(r->s->own, line, r->error) == 0) return true;
    r->error->line = r->line;
    return false;
}

static enum wst_item_kind kind_of(struct wst_slice what)
{
    static const struct {
        const char *word;
        enum wst_item_kind kind;
    } words[] = {
        {"json ", WST_ITEM_MESSAGE}, {"text", WST_ITEM_MESSAGE}, {"binary ", WST_ITEM_MESSAGE},
        {"ping", WST_ITEM_PING},     {"pong", WST_ITEM_PONG},    {"close", WST_ITEM_CLOSE},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (wst_slice_starts(what, words[i].word)) return words[i].kind;
    return WST_ITEM_OTHER;
}

static bool begin_item(struct reader *r, struct wst_slice line)
{
    bool directed = line.n > 4 && (line.p[2] == '>' || line.p[2] == '<') && line.p[3] == ' ';
    enum wst_item_kind kind = directed ? kind_of(wst_slice_skip(line, 4)) : WST_ITEM_HEAD;
    struct wst_item *item = wst_session_add_item(r->s, r->s->n - 1, kind);

    if (item == NULL) return wrong(r, 0, "more than fits into memory");
    item->text = line.p;
    item->n = (uint32_t)line.n;
    item->line = r->line;
    if (directed) item->dir = line.p[2] == '>' ? WST_C2S : WST_S2C;
    return true;
}

static bool begin_connection(struct reader *r, struct wst_slice line)
{
    struct wst_connection *c = wst_session_add_connection(r->s);

    if (c == NULL) return wrong(r, 0, "more than fits into memory");
    c->line = r->line;
    return begin_item(r, line);
}

/* A line of a connection. 4 blanks: more of the item before. */
static bool read_line(struct reader *r, struct wst_slice line)
{
    struct wst_item *last = r->s->items_n ? &r->s->items[r->s->items_n - 1] : NULL;

    if (wst_slice_starts(line, "connection ")) return begin_connection(r, line);
    if (line.p[0] == '\n' || line.p[0] == '#') return true;
    if (!wst_slice_starts(line, "  "))
        return wrong(r, 1, "'connection', or a line that is indented, was expected");
    if (last == NULL) return wrong(r, 1, "no connection begins before this line");
    if (!wst_slice_starts(line, "    ")) return begin_item(r, line);
    if (last->text + last->n != line.p || last->n + line.n > UINT32_MAX)
        return wrong(r, 1, "this line goes on with nothing");
    last->n += (uint32_t)line.n;
    return true;
}

static bool read_head(struct reader *r)
{
    struct wst_slice line = next_line(r);

    if (!wst_slice_is(without_newline(line), WST_GOLDEN_FIRST_LINE))
        return wrong(r, 1, "a golden of this version begins with \"" WST_GOLDEN_FIRST_LINE "\"");
    while (r->rest.n && !wst_slice_starts(r->rest, "connection ")) {
        line = next_line(r);
        if (!read_setting(r, line)) return false;
    }
    return true;
}

static bool read_body(struct reader *r)
{
    struct wst_item *first;

    while (r->rest.n) {
        struct wst_slice line = next_line(r);
        if (!read_line(r, line)) return false;
    }
    first = r->s->items;
    for (uint32_t i = 0; i < r->s->n; i++) {
        r->s->connections[i]->items = first;
        first += r->s->connections[i]->n;
    }
    return true;
}

static struct wst_session *golden_new(size_t memory)
{
    struct wst_check_settings *settings = wst_check_settings_new();
    struct wst_session *s = settings ? wst_session_new(settings, memory) : NULL;

    if (s == NULL) {
        wst_check_settings_free(settings);
        return NULL;
    }
    s->own = settings;
    s->sealed = true;
    return s;
}

int wst_session_refilter(struct wst_session *s, const char *filter, struct wst_check_error *error)
{
    char *before = s->own->filter;
    struct wst_ink line = {.budget = &s->budget};
    int status = 0;

    *error = (struct wst_check_error){0, 0, "more than fits into memory"};
    s->own->filter = NULL;
    if (filter && *filter) {
        wst_ink_text(&line, "filter ");
        wst_ink_text(&line, filter);
        status = line.failed ? -1 : wst_check_set(s->own, wst_ink_slice(&line), error);
    }
    wst_ink_free(&line);
    s->refiltered |= status == 0;
    if (status == 0)
        free(before);
    else
        s->own->filter = before;
    return status;
}

/* From s->golden. Frees the session when it cannot. */
static struct wst_session *with_head(struct wst_session *s, struct wst_check_error *error)
{
    struct reader r = {.s = s, .rest = without_mark(s->golden), .error = error};

    if (s->golden.n <= WST_CHECK_FILE_MAX && read_head(&r)) {
        s->head = wst_slice_head(s->golden, s->golden.n - r.rest.n);
        s->head_lines = r.line;
        return s;
    }
    wst_session_free(s);
    return NULL;
}

struct wst_session *wst_golden_read(struct wst_slice text, size_t memory,
                                    struct wst_check_error *error)
{
    struct wst_session *s = golden_new(memory);

    *error = (struct wst_check_error){0, 0, "more than fits into memory"};
    if (s == NULL) return NULL;
    s->golden = text;
    return with_head(s, error);
}

/* -- one that lies elsewhere ------------------------------------------------------------------- */

enum { BEGINNING = 64 << 10, PIECE = 256 << 10 }; /* bytes; the latter stays in the second cache */

/* The source's text into `to`, `most` bytes of it. */
static bool fetch(struct wst_session *s, struct wst_buf *to, size_t most)
{
    int64_t n = 1;

    while (n > 0 && to->n < most) {
        size_t room = most - to->n < PIECE ? most - to->n : PIECE;
        if (!wst_buf_reserve(to, &s->budget, room, most)) return false;
        n = s->source.read(s->source.user, to->n, to->p + to->n, room);
        if (n > 0) to->n += (size_t)n;
    }
    return n >= 0;
}

static bool has_whole_head(struct wst_slice text)
{
    static const char first[] = "\nconnection ";

    return text.n && memmem(text.p, text.n, first, sizeof first - 1) != NULL;
}

struct wst_session *wst_golden_open(const struct wst_golden_source *source, size_t memory,
                                    struct wst_check_error *error)
{
    struct wst_session *s = golden_new(memory);

    *error = (struct wst_check_error){0, 0, "cannot be read, or is more than fits into memory"};
    if (s == NULL) return NULL;
    s->source = *source;
    if (!fetch(s, &s->beginning, BEGINNING) || (!has_whole_head(wst_buf_slice(&s->beginning)) &&
                                                !fetch(s, &s->beginning, WST_CHECK_FILE_MAX + 1))) {
        wst_session_free(s);
        return NULL;
    }
    s->golden = wst_buf_slice(&s->beginning);
    return with_head(s, error);
}

/* -- the body ---------------------------------------------------------------------------------- */

/* All of it into s->text; what lies elsewhere must still begin as it did. */
static bool take_text(struct wst_session *s)
{
    if (s->source.read == NULL)
        return wst_buf_room(&s->text, &s->budget, s->golden.n + 1) &&
               wst_buf_append(&s->text, &s->budget, s->golden, s->golden.n);
    return fetch(s, &s->text, WST_CHECK_FILE_MAX + 1) && s->text.n <= WST_CHECK_FILE_MAX &&
           s->text.n >= s->head.n && memcmp(s->text.p, s->head.p, s->head.n) == 0;
}

/* A \r is never in a golden's own text. The last line gets the newline that an editor may have
 * taken from it. */
static bool clean_text(struct wst_session *s)
{
    uint8_t *p = s->text.p;
    size_t n = 0, all = s->text.n, head = s->head.n;

    for (size_t i = 0; i < all; i++) {
        if (i == head) s->head.n = n;
        if (p[i] != '\r') p[n++] = p[i];
    }
    if (head == all) s->head.n = n;
    s->text.n = n;
    if (n && p[n - 1] != '\n' &&
        !wst_buf_append(&s->text, &s->budget, wst_slice_text("\n"), SIZE_MAX))
        return false;
    s->head.p = s->text.p;
    return true;
}

bool wst_golden_read_body(struct wst_session *s, struct wst_check_error *error)
{
    struct reader r = {.s = s, .line = s->head_lines, .error = error};

    if (s->golden.p == NULL || s->read) return true; /* it is none, or was read */
    *error =
        (struct wst_check_error){0, 0, "changed while it was read, or does not fit into memory"};
    if (s->source.read == NULL)
        *error = (struct wst_check_error){0, 0, "more than fits into memory"};
    if (!take_text(s) || !clean_text(s)) return false;
    s->read = true;
    r.rest = wst_slice_skip(wst_buf_slice(&s->text), s->head.n);
    return read_body(&r);
}

/* -- whether a capture says just the same ------------------------------------------------------ */

struct walk {
    const struct wst_golden_source *source;
    uint64_t at;           /* of the source, behind `rest` */
    struct wst_slice rest; /* of what is here */
    uint8_t *piece;        /* owned */
};

/* False: there is no more. */
static bool more(struct walk *w)
{
    int64_t n = w->piece ? w->source->read(w->source->user, w->at, w->piece, PIECE) : 0;

    if (n <= 0) return false;
    w->rest = wst_slice_of(w->piece, (size_t)n);
    w->at += (uint64_t)n;
    return true;
}

static bool goes_on_with(struct walk *w, struct wst_slice text)
{
    while (text.n) {
        size_t n = text.n;
        if (w->rest.n == 0 && !more(w)) return false;
        if (n > w->rest.n) n = w->rest.n;
        if (memcmp(w->rest.p, text.p, n) != 0) return false;
        w->rest = wst_slice_skip(w->rest, n);
        text = wst_slice_skip(text, n);
    }
    return true;
}

static bool same_text(struct walk *w, const struct wst_session *seen)
{
    for (uint32_t i = 0; i < seen->n; i++) {
        const struct wst_connection *c = seen->connections[i];
        if (i && !goes_on_with(w, wst_slice_text("\n"))) return false;
        for (uint32_t k = 0; k < c->n; k++)
            if (!goes_on_with(w, wst_item_text(wst_connection_ahead(c, k)))) return false;
    }
    return w->rest.n == 0 && !more(w);
}

bool wst_golden_is_text_of(const struct wst_session *golden, const struct wst_session *seen)
{
    struct walk w = {.source = &golden->source,
                     .at = golden->golden.n,
                     .rest = wst_slice_skip(golden->golden, golden->head.n)};
    bool same;

    if (golden->golden.p == NULL || golden->read) return false;
    if (golden->source.read) w.piece = malloc(PIECE);
    if (golden->source.read && w.piece == NULL) return false;
    same = same_text(&w, seen);
    free(w.piece);
    return same;
}
