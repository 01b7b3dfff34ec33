/* SPDX-License-Identifier: MIT
 *
 * In: the text of a golden. Out: a session; and the other way round. The body is read only when a
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

#define FIRST_LINE "wstrace golden 1"

bool wst_golden_is(struct wst_slice text)
{
    return wst_slice_starts(text, "wstrace golden");
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

    if (!wst_slice_is(without_newline(line), FIRST_LINE))
        return wrong(r, 1, "a golden of this version begins with \"" FIRST_LINE "\"");
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

struct wst_session *wst_golden_read(struct wst_slice text, size_t memory,
                                    struct wst_check_error *error)
{
    struct wst_check_settings *settings = wst_check_settings_new();
    struct wst_session *s = settings ? wst_session_new(settings, memory) : NULL;
    struct reader r = {.s = s, .rest = text, .error = error};

    *error = (struct wst_check_error){0, 0, "more than fits into memory"};
    if (s == NULL) {
        wst_check_settings_free(settings);
        return NULL;
    }
    s->own = settings;
    s->golden = text;
    s->sealed = true;
    if (text.n <= WST_CHECK_FILE_MAX && read_head(&r)) {
        s->head = wst_slice_head(text, text.n - r.rest.n);
        s->head_lines = r.line;
        return s;
    }
    wst_session_free(s);
    return NULL;
}

/* A \r is never in a golden's own text. The last line gets the newline that an editor may have
 * taken from it. */
static bool copy_text(struct wst_session *s)
{
    struct wst_slice text = s->golden;
    size_t n = 0, head = s->head.n;

    if (!wst_buf_room(&s->text, &s->budget, text.n + 1)) return false;
    for (size_t i = 0; i < text.n; i++) {
        if (i == head) s->head.n = n;
        if (text.p[i] != '\r') s->text.p[n++] = text.p[i];
    }
    if (head == text.n) s->head.n = n;
    if (n && s->text.p[n - 1] != '\n') s->text.p[n++] = '\n';
    s->text.n = n;
    s->head.p = s->text.p;
    return true;
}

bool wst_golden_read_body(struct wst_session *s, struct wst_check_error *error)
{
    struct reader r = {.s = s, .line = s->head_lines, .error = error};

    if (s->golden.p == NULL) return true; /* it was read, or is none */
    *error = (struct wst_check_error){0, 0, "more than fits into memory"};
    if (!copy_text(s)) return false;
    s->golden.p = NULL;
    r.rest = wst_slice_skip(wst_buf_slice(&s->text), s->head.n);
    return read_body(&r);
}

bool wst_golden_is_text_of(const struct wst_session *golden, const struct wst_session *seen)
{
    struct wst_slice rest = wst_slice_skip(golden->golden, golden->head.n);

    if (golden->golden.p == NULL) return false;
    for (uint32_t i = 0; i < seen->n; i++) {
        const struct wst_connection *c = seen->connections[i];
        if (i && (rest.n == 0 || rest.p[0] != '\n')) return false;
        if (i) rest = wst_slice_skip(rest, 1);
        for (uint32_t k = 0; k < c->n; k++) {
            struct wst_slice text = wst_item_text(wst_connection_ahead(c, k));
            if (rest.n < text.n || memcmp(rest.p, text.p, text.n) != 0) return false;
            rest = wst_slice_skip(rest, text.n);
        }
    }
    return rest.n == 0;
}

/* -- writing --------------------------------------------------------------------------------- */

struct writer {
    wst_write_fn write;
    void *user;
    struct wst_ink ink;
    int failed;
};

enum { PIECE = 1 << 16 };

static void flush(struct writer *w)
{
    if (w->ink.failed && w->failed == 0) w->failed = -1;
    if (w->failed == 0 && w->ink.buf.n) w->failed = w->write(w->user, w->ink.buf.p, w->ink.buf.n);
    w->ink.buf.n = 0;
}

#define LACKS "# Bytes are missing from the capture"

/* Behind the first line, and only as long as it is true. */
static void write_lacks(struct writer *w, const struct wst_session *s)
{
    if (s->gaps)
        wst_ink_format(&w->ink, LACKS " (%llu gap%s), and what they held is missing here, too.\n",
                       (unsigned long long)s->gaps, s->gaps == 1 ? "" : "s");
}

/* The head of a golden once more, with what is true now. */
static void write_old_head(struct writer *w, const struct wst_session *s, struct wst_slice head)
{
    struct reader r = {.rest = head};

    wst_ink_bytes(&w->ink, next_line(&r));
    write_lacks(w, s);
    if (wst_slice_starts(r.rest, LACKS)) next_line(&r);
    wst_ink_bytes(&w->ink, r.rest);
}

/* Without folders: the same golden wherever somebody keeps the captures. */
static void write_head(struct writer *w, const struct wst_session *s, const char *source)
{
    const char *slash = strrchr(source, '/');

    wst_ink_text(&w->ink, FIRST_LINE "\n");
    write_lacks(w, s);
    wst_ink_text(&w->ink, "#\n# What was said in ");
    wst_ink_safe(&w->ink, wst_slice_text(slash ? slash + 1 : source));
    wst_ink_text(&w->ink,
                 ": > by the client, < by the server.\n# Without times, packets, ports, keys, "
                 "fragmentation and compression.\n");
    wst_ink_text(&w->ink,
                 s->settings->strict_order
                     ? "# The order is the capture's.\n"
                     : "# Each side's order counts; between the sides only that an answer stands "
                       "behind what it answers.\n");
    wst_ink_text(&w->ink,
                 "#\n#     wstrace check CAPTURE GOLDEN            holds a capture against it\n"
                 "#     wstrace check --update CAPTURE GOLDEN   renews it, and keeps these "
                 "lines\n#\n");
    wst_settings_write(s->settings, &w->ink);
    wst_ink_byte(&w->ink, '\n');
}

int wst_golden_write(struct wst_session *s, const struct wst_session *old, const char *source,
                     wst_write_fn write, void *user)
{
    struct writer w = {.write = write, .user = user, .ink = {.budget = &s->budget}};

    if (old)
        write_old_head(&w, s, old->head);
    else
        write_head(&w, s, source);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct wst_connection *c = s->connections[i];
        if (i) wst_ink_byte(&w.ink, '\n');
        for (uint32_t k = 0; k < c->n; k++) {
            wst_ink_bytes(&w.ink, wst_item_text(wst_connection_ahead(c, k)));
            if (w.ink.buf.n >= PIECE) flush(&w);
        }
    }
    flush(&w);
    wst_ink_free(&w.ink);
    return w.failed;
}
