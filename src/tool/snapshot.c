/* SPDX-License-Identifier: MIT
 *
 * In: a capture. Out: its golden. Or two captures, and what is different.
 * Refuses a capture without a WebSocket connection: its golden would guard nothing.
 */
#include "case.h"
#include "command.h"
#include "lesson.h"
#include "output.h"
#include "say.h"
#include "wishes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct request {
    struct wst_tool_wishes wishes; /* first: see wst_tool_wishes_ignore */
    const char *words[3];
    int words_n;
    const char *output, *filter;
    int64_t timing_ns;
    bool help;
};

static int take_word(void *target, const char *text)
{
    struct request *r = target;

    if (r->words_n < 3) r->words[r->words_n++] = text;
    return 0;
}

/* Seconds, with a fraction; "ms" behind it for milliseconds. */
static int take_timing(void *target, const char *text)
{
    struct request *r = target;
    char *end;
    double seconds = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;

    if (seconds >= 0 && strcmp(end, "ms") == 0)
        seconds /= 1000;
    else if (seconds >= 0 && *end && strcmp(end, "s") != 0)
        seconds = -1;
    if (!(seconds > 0 && seconds < 1e9))
        return wst_tool_misuse("--timing wants a time such as 0.5, 2s or 100ms, not '%s'", text);
    r->timing_ns = (int64_t)(seconds * 1e9);
    return 0;
}

#define AT(field) offsetof(struct request, field), 0, 0, NULL
/* clang-format off */
#define INPUT_ROWS \
    {"Input", 'f', "filter", "FILTER", WST_TOOL_WORD, AT(filter), "only packets that this BPF filter picks"}, \
    WST_TOOL_LESSON_KEYLOG, WST_TOOL_LESSON_RSA_KEY
#define HELP_ROW {"Help", 'h', "help", NULL, WST_TOOL_FLAG, AT(help), "this text; docs/CHECKS.md tells more"}
static const struct wst_tool_arg snapshot_rows[] = {
    INPUT_ROWS,
    WST_TOOL_WISHES_ROWS(struct request),
    {"Output", 'o', "output", "FILE", WST_TOOL_WORD, AT(output), "write the golden to FILE instead of standard output"},
    HELP_ROW,
};
static const struct wst_tool_arg diff_rows[] = {
    INPUT_ROWS,
    WST_TOOL_WISHES_ROWS(struct request),
    {NULL, 0, "timing", "TIME", WST_TOOL_CALL, 0, 0, 0, take_timing, "tell, too, when a silence became longer or shorter by more than TIME (2s, 100ms)"},
    {"Output", 0, "color", "WHEN", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_colour, "auto (default), always or never"},
    {NULL, 0, "colour", "WHEN", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_colour, NULL},
    HELP_ROW,
};
/* clang-format on */

static int say_trouble(const struct wst_tool_trouble *trouble)
{
    if (wst_tool_trouble_is(trouble)) wst_tool_say("%s", trouble->what);
    if (trouble->more) wst_tool_say("and %u more of the kind", trouble->more);
    return WST_TOOL_TROUBLE;
}

/* -- snapshot ---------------------------------------------------------------------------------- */

static int snapshot(const struct request *r)
{
    struct wst_tool_trouble trouble = {0};
    const char *capture = r->words[0];
    struct wst_tool_source source = {r->filter, &r->wishes.lesson.keys, true};
    struct wst_session *session =
        wst_tool_case_session(capture, &source, r->wishes.settings, &trouble);
    struct wst_session_facts facts;

    if (session == NULL) return say_trouble(&trouble);
    facts = wst_session_facts(session);
    if (facts.connections == 0)
        wst_tool_trouble_add(&trouble,
                             "%s: has no WebSocket connection; a golden of nothing guards nothing",
                             capture);
    if (facts.gaps)
        wst_tool_say("%s: lacks bytes (%" PRIu64 " gap%s), and so does the golden", capture,
                     facts.gaps, facts.gaps == 1 ? "" : "s");
    bool written = facts.connections &&
                   wst_tool_case_write(r->output && strcmp(r->output, "-") ? r->output : NULL,
                                       capture, session, NULL, &trouble);
    wst_session_free(session);
    return written ? 0 : say_trouble(&trouble);
}

/* -- diff -------------------------------------------------------------------------------------- */

static int tell(const struct request *r, struct wst_tool_case *one)
{
    struct wst_tool_output output;
    struct wst_check_case told = wst_tool_case_told(one);
    int status = wst_tool_output_open(&output, NULL, NULL, 0);

    if (status) return status;
    struct wst_check_report_options options = {
        .colour = wst_tool_lesson_colour(&r->wishes.lesson, output.fd)};
    struct wst_check_report *report =
        wst_check_report_new(WST_CHECK_REPORT_TEXT, &options, wst_tool_output_write, &output);
    told.capture_expected = true;
    if (report) wst_check_report_case(report, &told);
    bool failed = report == NULL || (wst_check_report_end(report) != 0 && output.error == 0);
    if (failed) wst_tool_say("out of memory");
    wst_check_report_free(report);
    status = wst_tool_output_close(&output);
    if (failed || status) return WST_TOOL_TROUBLE;
    return one->status == WST_CHECK_DIFFERENT ? WST_TOOL_FOUND : 0;
}

static int diff(const struct request *r)
{
    struct wst_tool_trouble *trouble;
    struct wst_tool_case one = {.name = NULL, .took_ns = -1};
    struct wst_compare_options options = {r->timing_ns};
    struct wst_tool_source source = {r->filter, &r->wishes.lesson.keys, true};
    struct wst_check_error error = {0, 0, "out of memory"};
    int status = WST_TOOL_TROUBLE;

    trouble = &one.trouble;
    one.expected = strdup(r->words[0]);
    one.capture = strdup(r->words[1]);
    if (one.expected && one.capture)
        one.golden = wst_tool_case_session(one.expected, &source, r->wishes.settings, trouble);
    if (one.golden)
        one.seen = wst_tool_case_session(one.capture, &source, r->wishes.settings, trouble);
    if (one.seen) {
        one.facts = wst_session_facts(one.seen);
        one.outcome = wst_session_compare(one.golden, one.seen, &options, &error);
    }
    if (one.outcome) {
        one.status = wst_outcome_count(one.outcome) ? WST_CHECK_DIFFERENT : WST_CHECK_SAME;
        status = tell(r, &one);
    } else {
        if (!wst_tool_trouble_is(trouble)) wst_tool_trouble_add(trouble, "%s", error.what);
        say_trouble(trouble);
    }
    wst_tool_case_free(&one);
    return status;
}

/* -- both -------------------------------------------------------------------------------------- */

struct command {
    const struct wst_tool_arg *rows;
    size_t rows_n;
    int words;
    const char *wants;
    const char *usage;
    int (*run)(const struct request *r);
};

static int help(const struct command *command)
{
    puts(command->usage);
    wst_tool_args_help(stdout, command->rows, command->rows_n);
    return wst_tool_stdout_done();
}

static int run(const struct command *command, int argc, char **argv)
{
    struct request r = {.words_n = 0};
    int status = wst_tool_wishes_begin(&r.wishes, argc);

    if (status == 0)
        status = wst_tool_args(command->rows, command->rows_n, argc, argv, &r, take_word);
    if (status == 0) status = wst_tool_wishes_settle(&r.wishes);
    if (status == 0 && r.help)
        status = help(command);
    else if (status == 0 && r.words_n != command->words)
        status = wst_tool_misuse("%s", command->wants);
    else if (status == 0)
        status = command->run(&r);
    wst_tool_wishes_end(&r.wishes);
    return status;
}

int wst_tool_snapshot(int argc, char **argv)
{
    static const struct command command = {
        snapshot_rows,
        sizeof snapshot_rows / sizeof *snapshot_rows,
        1,
        "snapshot wants one capture",
        "Usage: wstrace snapshot [OPTION...] CAPTURE -o GOLDEN\n"
        "What was said, without what is chance: to be read, kept, and checked against.",
        snapshot};

    return run(&command, argc, argv);
}

int wst_tool_diff(int argc, char **argv)
{
    static const struct command command = {
        diff_rows,
        sizeof diff_rows / sizeof *diff_rows,
        2,
        "diff wants two captures",
        "Usage: wstrace diff [OPTION...] OLD NEW\n"
        "What was said differently. Exit status: 0 the same, 1 different, 2 trouble.",
        diff};

    return run(&command, argc, argv);
}
