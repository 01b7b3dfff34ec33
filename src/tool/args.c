/* SPDX-License-Identifier: MIT
 *
 * In: a table of options. Out: what getopt_long wants to hear, checked values, help lines.
 * Refuses unknown options, missing values, numbers out of range.
 */
#include "args.h"

#include "say.h"
#include "spelling.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What getopt_long returns: the letter, or for a row without one LONG + its index. */
enum { LONG = 256, ROWS_MAX = 96 };

struct grammar {
    char letters[2 + 2 * ROWS_MAX + 1];
    struct option names[ROWS_MAX + 1];
};

/* An alias answers as the row above it, so that what both begin with is not ambiguous. */
static int key(const struct wst_tool_arg *rows, size_t i)
{
    if (i > 0 && rows[i].help == NULL) i--;
    return rows[i].letter ? rows[i].letter : LONG + (int)i;
}

/* "-:" in front: words come in their places as option 1, so that -f can stand before its file; a
 * missing value is told apart from an unknown option. */
static void grammar_make(struct grammar *g, const struct wst_tool_arg *rows, size_t n)
{
    char *letter = g->letters;
    size_t names = 0;

    *letter++ = '-';
    *letter++ = ':';
    for (size_t i = 0; i < n && i < ROWS_MAX; i++) {
        if (rows[i].letter) *letter++ = rows[i].letter;
        if (rows[i].letter && rows[i].value) *letter++ = ':';
        if (rows[i].name)
            g->names[names++] = (struct option){
                rows[i].name, rows[i].value ? required_argument : no_argument, NULL, key(rows, i)};
    }
    *letter = '\0';
    g->names[names] = (struct option){0};
}

static const struct wst_tool_arg *row_of(const struct wst_tool_arg *rows, size_t n, int c)
{
    for (size_t i = 0; i < n; i++)
        if (key(rows, i) == c) return &rows[i];
    return NULL;
}

/* The option as the user spelled it: long when the word was. */
static const char *spelled(char to[64], const struct wst_tool_arg *row, const char *word)
{
    if (row->name && (row->letter == 0 || (word[0] == '-' && word[1] == '-')))
        snprintf(to, 64, "--%s", row->name);
    else
        snprintf(to, 64, "-%c", row->letter);
    return to;
}

/* 2^10, 2^20, 2^30 for K, M, G; 0 for anything else. "KB" and "KiB" mean the same. */
static uint64_t unit(const char *suffix)
{
    static const char letters[] = "KMG";
    const char *found;
    uint64_t factor = 1;

    if (*suffix == '\0') return 1;
    found = strchr(letters, *suffix >= 'a' ? *suffix - 'a' + 'A' : *suffix);
    if (found == NULL) return 0;
    if (suffix[1] && strcasecmp(suffix + 1, "B") != 0 && strcasecmp(suffix + 1, "iB") != 0)
        return 0;
    for (const char *p = letters; p <= found; p++) factor *= 1024;
    return factor;
}

static bool number(const struct wst_tool_arg *row, const char *text, uint64_t *value)
{
    char *end;
    uint64_t factor;

    if (text[0] < '0' || text[0] > '9') return false; /* strtoull takes "-1" and blanks */
    errno = 0;
    *value = strtoull(text, &end, 10);
    if (errno != 0) return false;
    factor = row->kind == WST_TOOL_SIZE ? unit(end) : *end == '\0';
    if (factor == 0 || *value > UINT64_MAX / factor) return false;
    *value *= factor;
    return *value >= row->least && *value <= row->most;
}

static int number_refused(const struct wst_tool_arg *row, const char *word, const char *text)
{
    char name[64];
    const char *sort = row->kind == WST_TOOL_SIZE ? "size such as 64K or 16M" : "number";

    spelled(name, row, word);
    if (row->most >= INT64_MAX)
        return wst_tool_misuse("%s wants a %s, %" PRIu64 " or more, not '%s'", name, sort,
                               row->least, text);
    return wst_tool_misuse("%s wants a %s from %" PRIu64 " to %" PRIu64 ", not '%s'", name, sort,
                           row->least, row->most, text);
}

static int set(const struct wst_tool_arg *row, const char *word, const char *text, void *target)
{
    char *at = (char *)target + row->at, name[64];
    uint64_t value;

    switch (row->kind) {
    case WST_TOOL_ACCEPTED: return 0;
    case WST_TOOL_FLAG: *(bool *)at = true; return 0;
    case WST_TOOL_COUNT: ++*(unsigned *)at; return 0;
    case WST_TOOL_WORD: *(const char **)at = text; return 0;
    case WST_TOOL_ONCE:
        if (*(uint64_t *)at)
            return wst_tool_misuse("%s is given twice; it takes one number",
                                   spelled(name, row, word));
        /* fall through */
    case WST_TOOL_NUMBER:
    case WST_TOOL_SIZE:
        if (!number(row, text, &value)) return number_refused(row, word, text);
        *(uint64_t *)at = value;
        return 0;
    case WST_TOOL_CALL: return row->call(target, text);
    }
    return 0;
}

/* The long name that may be meant by text[0..length), or NULL. */
static const char *nearest(const struct wst_tool_arg *rows, size_t n, const char *text,
                           size_t length)
{
    struct wst_tool_spelling spelling = wst_tool_spelling_of(text, length);

    for (size_t i = 0; i < n; i++)
        if (rows[i].name) wst_tool_spelling_try(&spelling, rows[i].name);
    return spelling.meant;
}

/* A long name nobody knows, or the beginning of several. */
static int refused_long(const struct wst_tool_arg *rows, size_t n, const char *word)
{
    int length = (int)strcspn(word, "=");
    const char *could[2] = {NULL, NULL}, *near;

    for (size_t i = 0; i < n; i++)
        if (rows[i].name && rows[i].help && !strncmp(rows[i].name, word + 2, (size_t)length - 2))
            could[could[0] != NULL] = rows[i].name;
    if (could[1])
        return wst_tool_misuse("%.*s may mean --%s or --%s", length, word, could[0], could[1]);
    if ((near = nearest(rows, n, word + 2, (size_t)length - 2)))
        return wst_tool_misuse("unknown option %.*s; did you mean --%s?", length, word, near);
    return wst_tool_misuse("unknown option %.*s", length, word);
}

/* getopt_long said '?' or ':'. A '?' with a known optopt is a long flag that was given a value. */
static int refused(const struct wst_tool_arg *rows, size_t n, int c, const char *word)
{
    const struct wst_tool_arg *row = optopt ? row_of(rows, n, optopt) : NULL;
    char name[64];

    if (row && c == ':')
        return wst_tool_misuse("%s wants a value: %s", spelled(name, row, word), row->value);
    if (row) return wst_tool_misuse("%s takes no value", spelled(name, row, word));
    if (word[0] == '-' && word[1] == '-') return refused_long(rows, n, word);
    return wst_tool_misuse("unknown option -%c", optopt);
}

int wst_tool_args(const struct wst_tool_arg *rows, size_t n, int argc, char **argv, void *target,
                  int (*word)(void *target, const char *value))
{
    struct grammar g;
    int c, status = 0;

    grammar_make(&g, rows, n);
    opterr = 0;
    optind = 1;
    while (status == 0 && (c = getopt_long(argc, argv, g.letters, g.names, NULL)) != -1) {
        if (c == 1)
            status = word(target, optarg);
        else if (c == '?' || c == ':')
            status = refused(rows, n, c, argv[optind - 1]);
        else
            status = set(row_of(rows, n, c), argv[optind - 1], optarg, target);
    }
    while (status == 0 && optind < argc) status = word(target, argv[optind++]); /* after "--" */
    return status;
}

void wst_tool_args_help(FILE *to, const struct wst_tool_arg *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct wst_tool_arg *row = &rows[i];
        char left[64];
        int at = 2; /* "-x", or as many blanks */

        if (row->help == NULL || *row->help == '\0') continue;
        if (row->group) fprintf(to, "\n%s\n", row->group);
        if (row->letter)
            snprintf(left, sizeof left, "-%c", row->letter);
        else
            snprintf(left, sizeof left, "  ");
        if (row->name)
            at += snprintf(left + at, sizeof left - (size_t)at, "%s--%s", row->letter ? ", " : "  ",
                           row->name);
        if (row->value) snprintf(left + at, sizeof left - (size_t)at, " %s", row->value);
        fprintf(to, "  %-25s %s%s\n", left, strlen(left) > 24 ? " " : "", row->help);
    }
}
