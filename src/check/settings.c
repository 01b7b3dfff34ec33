/* SPDX-License-Identifier: MIT
 *
 * In: lines of a golden's head, or the tool's options as such lines. Out: settings.
 * Refuses unknown words, paths and expressions that cannot be read, more than the caps allow.
 */
#include "settings.h"

#include "near.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wst_check_settings *wst_check_settings_new(void)
{
    struct wst_check_settings *s = calloc(1, sizeof *s);

    if (s) s->max_payload = WST_SETTINGS_PAYLOAD;
    return s;
}

void wst_check_settings_free(struct wst_check_settings *s)
{
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->ignore_n; i++) wst_path_free(&s->ignore[i]);
    for (uint32_t i = 0; i < s->reply_n; i++) wst_path_free(&s->reply[i]);
    for (uint32_t i = 0; i < s->keep_n; i++) free(s->keep[i]);
    for (uint32_t i = 0; i < s->drop_n; i++) free(s->drop[i]);
    free(s->ignore);
    free(s->reply);
    free(s->filter);
    wst_redact_free(&s->redact);
    free(s);
}

/* -- one line -------------------------------------------------------------------------------- */

struct line {
    struct wst_check_settings *settings;
    struct wst_slice rest;         /* behind the first word, without blanks around it */
    size_t at;                     /* where it begins; where it is wrong */
    char words[WST_PATTERN_ERROR]; /* of the regex library */
};

static const char *add_path(struct wst_path **paths, uint32_t *n, struct line *line)
{
    struct wst_path *more;
    const char *wrong;
    size_t at;

    if (*n == WST_SETTINGS_PATHS) return "more than 256 paths";
    more = realloc(*paths, (*n + 1) * sizeof *more);
    if (more == NULL) return "out of memory";
    *paths = more;
    wrong = wst_path_read(&more[*n], line->rest, &at);
    line->at += at;
    if (wrong == NULL) ++*n;
    return wrong;
}

/* ignore /REGEX/: nothing between the outer slashes is special to us. */
static const char *take_ignored_text(struct line *line)
{
    size_t n = line->rest.n;

    if (n < 3 || line->rest.p[n - 1] != '/') {
        bool open = n == 1 || line->rest.p[n - 1] != '/';
        line->at += open ? n : 1;
        return open ? "'/' was expected at the end" : "a regular expression was expected";
    }
    return wst_redact_ignore(&line->settings->redact, wst_slice_of(line->rest.p + 1, n - 2),
                             line->words);
}

static const char *take_ignore(struct line *line)
{
    if (wst_slice_starts(line->rest, "/")) return take_ignored_text(line);
    return add_path(&line->settings->ignore, &line->settings->ignore_n, line);
}
static const char *take_reply(struct line *line)
{
    return add_path(&line->settings->reply, &line->settings->reply_n, line);
}

/* redact NAME REGEX: the name first, so that the expression may hold anything, blanks too. */
static const char *take_redact(struct line *line)
{
    const uint8_t *blank = memchr(line->rest.p, ' ', line->rest.n);
    size_t n = blank ? (size_t)(blank - line->rest.p) : line->rest.n, skip = n;

    while (skip < line->rest.n && line->rest.p[skip] == ' ') skip++;
    return wst_redact_add(&line->settings->redact, wst_slice_head(line->rest, n),
                          wst_slice_skip(line->rest, skip), line->words);
}

/* RFC 9110 section 5.6.2; a pseudo-header field of HTTP/2 begins with a colon. */
static bool token(struct wst_slice s)
{
    if (wst_slice_starts(s, ":")) s = wst_slice_skip(s, 1);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i], lower = c | 0x20;
        if (!((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) &&
            (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return s.n > 0;
}

static const char *add_header(char **names, uint32_t *n, struct wst_slice name)
{
    if (!token(name)) return "the name of a header was expected";
    if (*n == WST_SETTINGS_HEADERS) return "more than 64 headers";
    names[*n] = malloc(name.n + 1);
    if (names[*n] == NULL) return "out of memory";
    memcpy(names[*n], name.p, name.n);
    names[(*n)++][name.n] = '\0';
    return NULL;
}

static const char *take_header(struct line *line)
{
    if (wst_slice_is(line->rest, "*")) {
        line->settings->keep_all = true;
        return NULL;
    }
    return add_header(line->settings->keep, &line->settings->keep_n, line->rest);
}
static const char *take_drop_header(struct line *line)
{
    if (wst_slice_is(line->rest, "*"))
        return "the name of one header was expected; without any setting none is kept";
    return add_header(line->settings->drop, &line->settings->drop_n, line->rest);
}

/* The rest is a number that is not far above 4 GiB. */
static bool number(struct wst_slice rest, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < rest.n; i++) {
        if (rest.p[i] < '0' || rest.p[i] > '9' || *value > UINT32_MAX) return false;
        *value = *value * 10 + (rest.p[i] - '0');
    }
    return rest.n > 0;
}

static const char *take_max_payload(struct line *line)
{
    if (number(line->rest, &line->settings->max_payload)) return NULL;
    return "a number of bytes below 4 GiB was expected";
}

static const char *take_conn(struct line *line)
{
    uint64_t conn;

    if (!number(line->rest, &conn) || conn == 0) return "the number of a connection was expected";
    if (line->settings->conn) return "a second connection; a golden is of one, or of all";
    line->settings->conn = conn;
    return NULL;
}

/* Whether it is one, the capture's link type decides. */
static const char *take_filter(struct line *line)
{
    if (line->rest.n == 0) return "a BPF expression was expected";
    if (line->settings->filter) return "a second filter; join them with \"and\" or \"or\"";
    char *filter = malloc(line->rest.n + 1);
    if (filter == NULL) return "out of memory";
    memcpy(filter, line->rest.p, line->rest.n);
    filter[line->rest.n] = '\0';
    line->settings->filter = filter;
    return NULL;
}

static const char *flag(struct line *line, bool *value)
{
    *value = true;
    return line->rest.n ? "nothing may follow this word" : NULL;
}
static const char *take_strict_order(struct line *line)
{
    return flag(line, &line->settings->strict_order);
}
static const char *take_frames(struct line *line)
{
    return flag(line, &line->settings->frames);
}
static const char *take_no_control(struct line *line)
{
    return flag(line, &line->settings->no_control);
}

static const struct {
    const char *word;
    const char *(*take)(struct line *line);
} words[] = {
    {"ignore", take_ignore},
    {"redact", take_redact},
    {"reply", take_reply},
    {"header", take_header},
    {"drop-header", take_drop_header},
    {"max-payload", take_max_payload},
    {"strict-order", take_strict_order},
    {"frames", take_frames},
    {"no-control", take_no_control},
    {"filter", take_filter},
    {"conn", take_conn},
};

/* Writes why not to `why`; returns it, or NULL. */
static const char *take(struct line *line, struct wst_slice word, char *why, size_t room)
{
    struct wst_near near = wst_near_to(word);
    char meant[WST_NEAR_SIZE];

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (wst_slice_is(word, words[i].word)) return words[i].take(line);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) wst_near_try(&near, words[i].word);
    wst_near_put(&near, meant, sizeof meant);
    snprintf(why, room, "unknown setting%s",
             *meant ? meant
                    : "; there are ignore, redact, reply, header, drop-header, max-payload, "
                      "strict-order, frames, no-control, filter, conn");
    line->at = 0;
    return why;
}

/* What would not be read back from a golden as it was given; text.n: nothing. */
static size_t line_end(struct wst_slice text)
{
    size_t i = 0;

    while (i < text.n && text.p[i] != '\n' && text.p[i] != '\r' && text.p[i] != '\0') i++;
    return i;
}

static const char *read_line(struct line *line, struct wst_slice text, size_t word, char *why,
                             size_t room)
{
    size_t end = line_end(text);

    if (text.n > WST_SETTINGS_LINE) return "the line is longer than 4096 bytes";
    if (end == text.n) return take(line, wst_slice_head(text, word), why, room);
    line->at = end;
    return "a setting is one line, without line ends and zero bytes";
}

int wst_check_set(struct wst_check_settings *settings, struct wst_slice text,
                  struct wst_check_error *error)
{
    struct line line = {.settings = settings};
    size_t word = 0;
    const char *wrong;
    char why[256];

    while (word < text.n && text.p[word] != ' ') word++;
    line.at = word;
    while (line.at < text.n && text.p[line.at] == ' ') line.at++;
    line.rest = wst_slice_skip(text, line.at);
    while (line.rest.n && line.rest.p[line.rest.n - 1] == ' ') line.rest.n--;
    wrong = read_line(&line, text, word, why, sizeof why);
    if (wrong == NULL) return 0;
    error->line = 0;
    error->column = (uint32_t)line.at + 1;
    snprintf(error->what, sizeof error->what, "%s", wrong);
    return -1;
}

/* -- used ------------------------------------------------------------------------------------ */

static bool listed(char *const *names, uint32_t n, struct wst_slice name)
{
    for (uint32_t i = 0; i < n; i++)
        if (wst_slice_is_nocase(name, names[i])) return true;
    return false;
}

bool wst_settings_header(const struct wst_check_settings *s, struct wst_slice name)
{
    static const char *const never[] = {"Sec-WebSocket-Key", "Sec-WebSocket-Accept", "Date"};

    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (wst_slice_is_nocase(name, never[i])) return false;
    if (listed(s->drop, s->drop_n, name)) return false;
    return s->keep_all || listed(s->keep, s->keep_n, name);
}

void wst_check_options(const struct wst_check_settings *s, struct wst_options *options)
{
    options->headers = s->keep_all || s->keep_n > 0;
}

const char *wst_check_filter(const struct wst_check_settings *s)
{
    return s->filter;
}

static void write_line(struct wst_ink *ink, const char *word, const char *value)
{
    wst_ink_text(ink, word);
    if (value) {
        wst_ink_byte(ink, ' ');
        wst_ink_text(ink, value);
    }
    wst_ink_byte(ink, '\n');
}

void wst_settings_write(const struct wst_check_settings *s, struct wst_ink *ink)
{
    if (s->filter) write_line(ink, "filter", s->filter);
    if (s->conn) wst_ink_format(ink, "conn %llu\n", (unsigned long long)s->conn);
    for (uint32_t i = 0; i < s->ignore_n; i++) write_line(ink, "ignore", s->ignore[i].text);
    for (uint32_t i = 0; i < s->redact.n; i++) {
        const struct wst_redact_rule *rule = &s->redact.rules[i];
        wst_ink_text(ink, rule->name[0] ? "redact " : "ignore /");
        wst_ink_text(ink, rule->name);
        wst_ink_text(ink, rule->name[0] ? " " : "");
        wst_ink_text(ink, rule->pattern.text);
        wst_ink_text(ink, rule->name[0] ? "\n" : "/\n");
    }
    for (uint32_t i = 0; i < s->reply_n; i++) write_line(ink, "reply", s->reply[i].text);
    if (s->keep_all) write_line(ink, "header", "*");
    for (uint32_t i = 0; i < s->keep_n; i++) write_line(ink, "header", s->keep[i]);
    for (uint32_t i = 0; i < s->drop_n; i++) write_line(ink, "drop-header", s->drop[i]);
    if (s->strict_order) write_line(ink, "strict-order", NULL);
    if (s->frames) write_line(ink, "frames", NULL);
    if (s->no_control) write_line(ink, "no-control", NULL);
    if (s->max_payload != WST_SETTINGS_PAYLOAD)
        wst_ink_format(ink, "max-payload %llu\n", (unsigned long long)s->max_payload);
}
