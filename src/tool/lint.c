/* SPDX-License-Identifier: MIT
 *
 * In: nothing. Out: what lint is for, and those options of a trace that matter to it.
 * Refuses to list what says how a timeline looks: lint prints none.
 */
#include "command.h"
#include "options.h"
#include "output.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct wst_tool_arg own[] = {
    {"Output", 0, "json", NULL, WST_TOOL_ACCEPTED, 0, 0, 0, NULL, "a JSON object for each connection, and one for the table"},
    {NULL, 'o', "output", "FILE", WST_TOOL_ACCEPTED, 0, 0, 0, NULL, "write to FILE instead of standard output"},
    {NULL, 'v', "verbose", NULL, WST_TOOL_ACCEPTED, 0, 0, 0, NULL, "connections without findings, too"},
    {NULL, 'q', "quiet", NULL, WST_TOOL_ACCEPTED, 0, 0, 0, NULL, "no table at the end, no progress"},
    {NULL, 0, "color", "WHEN", WST_TOOL_ACCEPTED, 0, 0, 0, NULL, "auto (default), always or never"},
};
/* clang-format on */
enum { OWN = sizeof own / sizeof *own };

/* All findings are judged, whatever opcode they are about. */
static bool without_effect(const struct wst_tool_arg *row)
{
    return row->name && (strcmp(row->name, "op") == 0 || strcmp(row->name, "problems") == 0);
}

int wst_tool_lint_help(void)
{
    size_t n, kept = OWN;
    struct wst_tool_arg *rows = wst_tool_reading_rows(own, OWN, &n);

    if (rows == NULL) return WST_TOOL_TROUBLE;
    for (size_t i = OWN; i < n; i++)
        if (!without_effect(&rows[i])) rows[kept++] = rows[i];
    puts("Usage: wstrace lint [OPTION...] FILE...\n"
         "       wstrace lint [OPTION...] -r FILE [FILTER]\n"
         "       wstrace lint [OPTION...] -i NAME [FILTER]\n\n"
         "Only what was found: for each connection a verdict, Fail, Non-Strict, Info or\n"
         "Pass, and its findings; at the end how often each finding came.\n"
         "Exit status: 0 no finding of level error, 1 there is one, 2 trouble, or no\n"
         "connection in the files that could be judged.");
    wst_tool_args_help(stdout, rows, kept);
    free(rows);
    return wst_tool_stdout_done();
}
