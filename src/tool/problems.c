/* SPDX-License-Identifier: MIT
 *
 * In: nothing, or ids of findings. Out: the registry as a list, or the rows asked for in full.
 * Refuses ids that name no row.
 */
#include "args.h"
#include "command.h"
#include "output.h"
#include "say.h"
#include "spelling.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/event.h>

struct request {
    const char **ids; /* owned; into argv, argc of them at most */
    int ids_n;
    bool help;
};

static const struct wst_tool_arg rows[] = {
    {NULL, 'h', "help", NULL, WST_TOOL_FLAG, offsetof(struct request, help), 0, 0, NULL,
     "this text"},
};

static int take_id(void *target, const char *text)
{
    struct request *request = target;

    request->ids[request->ids_n++] = text;
    return 0;
}

/* printf counts bytes, and the section sign has two. */
static int columns(const char *text, int wanted)
{
    for (const char *p = text; *p; p++) wanted += (*p & 0xc0) == 0x80;
    return wanted;
}

static void list(const struct wst_problem_row *row)
{
    const char *rfc = row->rfc ? row->rfc : "-";

    printf("%-8s %-33s %-*s %s\n", wst_level_name(row->level), row->id, columns(rfc, 20), rfc,
           row->meaning);
}

static void explain(const struct wst_problem_row *row)
{
    printf("%s\n  level    %s\n", row->id, wst_level_name(row->level));
    if (row->rfc) printf("  rule     %s\n", row->rfc);
    printf("  meaning  %s\n  advice   %s\n", row->meaning, row->advice);
}

/* "frame.rsv", or with only "frame" every row of that family. */
static bool named(const char *id, const char *word)
{
    size_t n = strlen(word);

    return strncmp(id, word, n) == 0 && (id[n] == '\0' || (id[n] == '.' && !strchr(word, '.')));
}

/* How many rows `word` names; NULL: all, as a list. */
static int show(const char *word)
{
    int found = 0;

    for (int i = 0; i < WST_PROBLEMS; i++) {
        const struct wst_problem_row *row = wst_problem_row((enum wst_problem)i);
        if (word && !named(row->id, word)) continue;
        if (word && found) putchar('\n');
        if (word)
            explain(row);
        else
            list(row);
        found++;
    }
    return found;
}

static void say_unknown(const char *word)
{
    struct wst_tool_spelling spelling = wst_tool_spelling_of(word, strlen(word));
    const char *begin[2] = {NULL, NULL};

    for (int i = 0; i < WST_PROBLEMS; i++) {
        const char *id = wst_problem_row((enum wst_problem)i)->id;
        wst_tool_spelling_try(&spelling, id);
        if (*word && strncmp(id, word, strlen(word)) == 0) begin[begin[0] != NULL] = id;
    }
    if (begin[1])
        wst_tool_say("no finding is called '%s'; did you mean %s or %s?", word, begin[0], begin[1]);
    else if (begin[0])
        wst_tool_say("no finding is called '%s'; did you mean %s?", word, begin[0]);
    else if (spelling.meant)
        wst_tool_say("no finding is called '%s'; did you mean %s?", word, spelling.meant);
    else
        wst_tool_say("no finding is called '%s'; 'wstrace problems' lists them", word);
}

static int show_each(const struct request *request)
{
    int status = 0;

    if (request->ids_n == 0) show(NULL);
    for (int i = 0; i < request->ids_n; i++) {
        if (i) putchar('\n');
        if (show(request->ids[i])) continue;
        fflush(stdout);
        say_unknown(request->ids[i]);
        status = WST_TOOL_TROUBLE;
    }
    return wst_tool_stdout_done() ? WST_TOOL_TROUBLE : status;
}

static int help(void)
{
    puts("Usage: wstrace problems [ID...]\n\n"
         "Lists the findings wstrace can report: level, id, rule, meaning. With IDs, or the\n"
         "first word of some (frame, close ...), explains those.");
    return wst_tool_stdout_done();
}

int wst_tool_problems(int argc, char **argv)
{
    struct request request = {calloc((size_t)argc + 1, sizeof(char *)), 0, false};
    int status = request.ids ? 0 : WST_TOOL_TROUBLE;

    if (status == 0)
        status = wst_tool_args(rows, sizeof rows / sizeof *rows, argc, argv, &request, take_id);
    if (status == 0) status = request.help ? help() : show_each(&request);
    free(request.ids);
    return status;
}
