/* SPDX-License-Identifier: MIT
 *
 * In: cases as they are finished. Out: each in all reports that were asked for, on standard output
 * or in files. Refuses to leave half a file, and to mix two in one.
 */
#include "reports.h"

#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const kinds[WST_CHECK_REPORT_KINDS] = {"text", "junit", "tap", "github", "json"};

int wst_tool_reports_wish(struct wst_tool_report_wishes *wishes, const char *text)
{
    struct wst_tool_report_wish *wish = &wishes->list[wishes->n];
    size_t n = strcspn(text, "=");

    if (wishes->n == WST_TOOL_REPORTS)
        return wst_tool_misuse("more than %d reports", WST_TOOL_REPORTS);
    *wish = (struct wst_tool_report_wish){.file = text[n] ? text + n + 1 : NULL};
    if (wish->file && *wish->file == '\0')
        return wst_tool_misuse("--report '%s' names no file", text);
    if (wish->file && strcmp(wish->file, "-") == 0) wish->file = NULL;
    for (int i = 0; i < WST_CHECK_REPORT_KINDS; i++) {
        if (strlen(kinds[i]) != n || memcmp(kinds[i], text, n) != 0) continue;
        wish->kind = (enum wst_check_report_kind)i;
        wishes->n++;
        return 0;
    }
    return wst_tool_misuse("--report wants junit, tap, github, json or text, and =FILE, not '%s'",
                           text);
}

/* The folder that a file is in or will be in. */
static bool folder_of(const char *file, struct stat *st)
{
    const char *slash = strrchr(file, '/');
    char *folder = slash ? strndup(file, (size_t)(slash - file) + 1) : strdup(".");
    bool found = folder && stat(folder, st) == 0;

    free(folder);
    return found;
}

static bool same_inode(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_file(const char *a, const char *b)
{
    const char *p = strrchr(a, '/'), *q = strrchr(b, '/');
    struct stat st[2];

    if (stat(a, &st[0]) == 0 && stat(b, &st[1]) == 0) return same_inode(&st[0], &st[1]);
    return strcmp(p ? p + 1 : a, q ? q + 1 : b) == 0 && folder_of(a, &st[0]) &&
           folder_of(b, &st[1]) && same_inode(&st[0], &st[1]);
}

static bool mixed(const struct wst_tool_report_wish *a, const struct wst_tool_report_wish *b)
{
    int both = 1 << a->kind | 1 << b->kind;

    if (a->file && b->file) return same_file(a->file, b->file);
    return !a->file && !b->file &&
           both != (1 << WST_CHECK_REPORT_TEXT | 1 << WST_CHECK_REPORT_GITHUB);
}

int wst_tool_reports_apart(const struct wst_tool_report_wishes *wishes)
{
    const struct wst_tool_report_wish *list = wishes->list;

    for (int i = 0; i < wishes->n; i++)
        for (int k = 0; k < i; k++)
            if (mixed(&list[k], &list[i]))
                return wst_tool_misuse(
                    "--report %s and %s would go to %s both; each wants its own: "
                    "--report KIND=FILE",
                    kinds[list[k].kind], kinds[list[i].kind],
                    list[i].file ? list[i].file : "standard output");
    return 0;
}

void wst_tool_reports_name(const struct wst_tool_report_wishes *wishes, struct wst_tool_inlet *in)
{
    for (int i = 0; i < wishes->n; i++) wst_tool_inlet_replaced(in, wishes->list[i].file);
}

bool wst_tool_reports_crossed(const struct wst_tool_report_wishes *wishes,
                              const struct wst_tool_inlet *in, const char *const *captures,
                              size_t captures_n, struct wst_tool_trouble *trouble)
{
    for (int i = 0; i < wishes->n; i++) {
        const char *file = wishes->list[i].file;
        if (file && wst_tool_inlet_crossed(in, file, captures, captures_n, trouble)) return true;
    }
    return false;
}

static bool open_sink(struct wst_tool_reports *reports, const struct wst_tool_report_wish *wish,
                      const struct wst_tool_place *place,
                      const struct wst_check_report_options *options,
                      struct wst_tool_trouble *trouble)
{
    struct wst_tool_sink *s = &reports->sinks[reports->n];

    *s = (struct wst_tool_sink){.file = wish->file != NULL};
    if (s->file && !wst_tool_whole_begin(&s->whole, place, trouble)) return false;
    reports->n++;
    s->report = wst_check_report_new(wish->kind, options,
                                     s->file ? wst_tool_whole_write : wst_tool_output_write,
                                     s->file ? (void *)&s->whole : &reports->output);
    if (s->report == NULL) wst_tool_trouble_add(trouble, "out of memory");
    return s->report != NULL;
}

/* People read standard output, unless a report for programs goes there; annotations are only marks
 * in the log that they read. */
static bool taken(const struct wst_tool_report_wishes *wishes)
{
    for (int i = 0; i < wishes->n; i++)
        if (wishes->list[i].file == NULL && wishes->list[i].kind != WST_CHECK_REPORT_GITHUB)
            return true;
    return false;
}

bool wst_tool_reports_open(struct wst_tool_reports *reports,
                           const struct wst_tool_report_wishes *wishes,
                           const struct wst_check_report_options *options,
                           struct wst_tool_broker *broker, struct wst_tool_trouble *trouble)
{
    struct wst_tool_report_wish text = {WST_CHECK_REPORT_TEXT, NULL};
    struct wst_check_report_options plain = {.differences = options->differences};

    if (wst_tool_output_open(&reports->output, NULL, NULL, NULL, 0) != 0) return false;
    if (!taken(wishes) && !open_sink(reports, &text, NULL, options, trouble)) return false;
    for (int i = 0; i < wishes->n; i++) {
        struct wst_tool_place place = {wishes->list[i].file, broker, (size_t)i};
        bool usual = wishes->list[i].kind == WST_CHECK_REPORT_TEXT && !place.name;
        if (!open_sink(reports, &wishes->list[i], &place, usual ? options : &plain, trouble))
            return false;
    }
    return true;
}

void wst_tool_reports_case(struct wst_tool_reports *reports, const struct wst_check_case *one)
{
    for (int i = 0; i < reports->n; i++) wst_check_report_case(reports->sinks[i].report, one);
}

int wst_tool_reports_close(struct wst_tool_reports *reports, bool keep)
{
    struct wst_tool_trouble trouble = {0};
    int status = 0;

    for (int i = 0; i < reports->n; i++) {
        struct wst_tool_sink *s = &reports->sinks[i];
        int failed = keep && s->report ? wst_check_report_end(s->report) : 0;
        if (failed && (s->file ? s->whole.output.error : reports->output.error) == 0)
            wst_tool_trouble_add(&trouble, "a report needs more memory than it may have");
        if (s->file) wst_tool_whole_end(&s->whole, keep && !failed, &trouble);
        wst_check_report_free(s->report);
    }
    if (wst_tool_output_close(&reports->output) != 0) status = WST_TOOL_TROUBLE;
    if (!wst_tool_trouble_is(&trouble)) return status;
    wst_tool_say("%s", trouble.what);
    return WST_TOOL_TROUBLE;
}
