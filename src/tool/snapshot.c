/* SPDX-License-Identifier: MIT
 *
 * In: a capture. Out: its golden. Or two captures, and what is different.
 * Refuses a capture without a WebSocket connection: its golden would guard nothing.
 */
#include "case.h"
#include "command.h"
#include "inlet.h"
#include "lesson.h"
#include "reports.h"
#include "say.h"
#include "wishes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    struct wst_tool_wishes wishes; /* first: see wst_tool_wishes_ignore */
    const char *words[3];
    int words_n;
    const char *output, *filter; /* output NULL: to standard output */
    struct wst_tool_report_wishes reports;
    int64_t timing_ns;
    bool force, quiet, help;
};

static int take_word(void *target, const char *text)
{
    struct request *r = target;

    if (r->words_n < 3) r->words[r->words_n++] = text;
    return 0;
}

/* Units as in rules, with a fraction; seconds without one. */
static int take_timing(void *target, const char *text)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"", 1e9}};
    struct request *r = target;
    size_t digits = strspn(text, "0123456789."), i = 0;
    char *end;
    double ns = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : 0;

    r->timing_ns = 0; /* what was given before */
    while (i < sizeof units / sizeof *units && strcmp(units[i].name, text + digits) != 0) i++;
    if (ns > 0 && end == text + digits && i < sizeof units / sizeof *units)
        r->timing_ns = ns * units[i].ns < 1e18 ? (int64_t)(ns * units[i].ns) : 0;
    if (r->timing_ns > 0) return 0;
    return wst_tool_misuse("--timing wants a time above 0 such as 250us, 100ms, 0.5, 2s, 1.5m or "
                           "1h, not '%s'",
                           text);
}

static int take_report(void *target, const char *text)
{
    struct request *r = target;

    return wst_tool_reports_wish(&r->reports, text);
}

#define AT(field) offsetof(struct request, field), 0, 0, NULL
/* clang-format off */
#define INPUT_ROWS \
    {"Input", 'f', "filter", "FILTER", WST_TOOL_WORD, AT(filter), "only packets that this BPF filter picks"}, \
    WST_TOOL_LESSON_KEYLOG, WST_TOOL_LESSON_RSA_KEY, \
    WST_TOOL_CONFINE_ROWS(struct request, wishes.lesson.confinement)
#define HELP_ROW {"Help", 'h', "help", NULL, WST_TOOL_FLAG, AT(help), "this text; docs/CHECKS.md tells more"}
static const struct wst_tool_arg snapshot_rows[] = {
    INPUT_ROWS,
    WST_TOOL_WISHES_ROWS(struct request),
    {"Output", 'o', "output", "FILE", WST_TOOL_WORD, AT(output), "write the golden to FILE instead of standard output"},
    {NULL, 0, "force", NULL, WST_TOOL_FLAG, AT(force), "write it over a golden, whose settings and comments are lost"},
    HELP_ROW,
};
static const struct wst_tool_arg diff_rows[] = {
    INPUT_ROWS,
    WST_TOOL_WISHES_ROWS(struct request),
    {NULL, 0, "timing", "TIME", WST_TOOL_CALL, 0, 0, 0, take_timing, "also silences that became longer or shorter by more than TIME (100ms)"},
    {"Output", 0, "report", "KIND[=FILE]", WST_TOOL_CALL, 0, 0, 0, take_report, "also as junit, tap, github, json or text; may be given several times"},
    {NULL, 'q', "quiet", NULL, WST_TOOL_FLAG, AT(quiet), "no word when they are the same"},
    {NULL, 0, "color", "WHEN", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_colour, "auto (default), always or never"},
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

/* -- what both need open before they are confined ---------------------------------------------- */

struct inlet {
    struct wst_tool_inlet files;
    struct wst_capture *captures[2]; /* owned until they are read */
};

static void close_inlet(struct inlet *in)
{
    for (int i = 0; i < 2; i++) wst_capture_free(in->captures[i]);
    wst_tool_inlet_end(&in->files);
}

/* What somebody wrote into its head would be lost without a word. */
static bool golden_in_place(const struct request *r, struct wst_tool_trouble *trouble)
{
    if (r->force || !wst_tool_case_is_golden(r->output)) return false;
    wst_tool_trouble_add(trouble,
                         "%s: is a golden already; wstrace check --update renews it and keeps its "
                         "settings and comments, --force writes a new one over it",
                         r->output);
    return true;
}

/* Close in either case. */
static bool start_broker(const struct request *r, struct inlet *in,
                         struct wst_tool_trouble *trouble)
{
    size_t words = (size_t)r->words_n;

    *in = (struct inlet){0};
    if (!wst_tool_inlet_begin(&in->files, r->filter, &r->wishes.lesson.keys, 0,
                              WST_TOOL_REPORTS + 1)) {
        wst_tool_trouble_add(trouble, "out of memory");
        return false;
    }
    in->files.source.alone = true;
    wst_tool_reports_name(&r->reports, &in->files);
    if (wst_tool_reports_crossed(&r->reports, &in->files, r->words, words, trouble)) return false;
    if (r->output) {
        wst_tool_inlet_replaced(&in->files, r->output); /* snapshot: there are no reports */
        if (wst_tool_inlet_crossed(&in->files, r->output, r->words, words, trouble) ||
            golden_in_place(r, trouble))
            return false;
    }
    return wst_tool_inlet_serve(&in->files, wst_tool_confine_owner(&r->wishes.lesson.confinement),
                                trouble);
}

/* Opens all there is, and gives up opening more. Returns 0, or the exit status: after a complaint,
 * or with trouble. */
static int open_captures(const struct request *r, struct inlet *in,
                         struct wst_tool_trouble *trouble)
{
    for (int i = 0; i < r->words_n; i++) {
        if (i && strcmp(r->words[0], "-") == 0 && strcmp(r->words[i], "-") == 0)
            wst_tool_trouble_add(trouble, "standard input can be read only once");
        else
            in->captures[i] = wst_tool_case_capture(r->words[i], &in->files.source, trouble);
        if (in->captures[i] == NULL) return WST_TOOL_TROUBLE;
    }
    return wst_tool_confine(&r->wishes.lesson.confinement, NULL, 0);
}

static struct wst_session *session_of(const struct request *r, struct inlet *in, int i,
                                      struct wst_tool_trouble *trouble)
{
    struct wst_capture *capture = in->captures[i];

    in->captures[i] = NULL;
    return wst_tool_case_session(capture, r->words[i], &in->files.source, r->wishes.settings,
                                 trouble);
}

/* -- snapshot ---------------------------------------------------------------------------------- */

static bool write_golden(const struct request *r, struct inlet *in,
                         struct wst_tool_trouble *trouble)
{
    const char *capture = r->words[0];
    struct wst_tool_place place = {r->output, in->files.source.broker, 0};
    struct wst_session *session = session_of(r, in, 0, trouble);
    struct wst_session_facts facts;

    if (session == NULL) return false;
    facts = wst_session_facts(session);
    wst_tool_case_nothing(capture, &facts, "", trouble);
    wst_tool_case_hint(capture, &facts);
    if (facts.connections == 0) wst_tool_case_hint_unread(capture, &facts);
    if (facts.gaps)
        wst_tool_say("%s: lacks bytes (%" PRIu64 " gap%s), and so does the golden", capture,
                     facts.gaps, facts.gaps == 1 ? "" : "s");
    bool written = facts.connections &&
                   wst_tool_case_write(r->output ? &place : NULL, capture, session, NULL, trouble);
    wst_session_free(session);
    return written;
}

static int snapshot(const struct request *r)
{
    struct wst_tool_trouble trouble = {0};
    struct inlet in;
    int status =
        start_broker(r, &in, &trouble) ? open_captures(r, &in, &trouble) : WST_TOOL_TROUBLE;

    if (status == 0 && !write_golden(r, &in, &trouble)) status = WST_TOOL_TROUBLE;
    close_inlet(&in);
    return wst_tool_trouble_is(&trouble) ? say_trouble(&trouble) : status;
}

/* -- diff -------------------------------------------------------------------------------------- */

static bool lacks(const char *capture, const struct wst_session_facts *facts,
                  struct wst_tool_case *one)
{
    if (!wst_tool_case_nothing(capture, facts, "", &one->trouble)) return false;
    wst_tool_case_hint_unread(capture, facts);
    return true;
}

static void compare(const struct request *r, struct inlet *in, struct wst_tool_case *one)
{
    struct wst_compare_options options = {r->timing_ns};
    struct wst_check_error error = {0, 0, "out of memory"};
    struct wst_session_facts facts;

    one->golden = session_of(r, in, 0, &one->trouble);
    if (one->golden == NULL) return;
    facts = wst_session_facts(one->golden);
    wst_tool_case_hint(r->words[0], &facts);
    one->seen = session_of(r, in, 1, &one->trouble);
    if (one->seen == NULL) return;
    one->facts = wst_session_facts(one->seen);
    if (facts.connections + one->facts.connections == 0 && facts.conn == 0) {
        wst_tool_case_hint_unread(r->words[0], &facts);
        wst_tool_case_hint_unread(r->words[1], &one->facts);
        wst_tool_trouble_add(&one->trouble,
                             "neither %s nor %s has a WebSocket connection: nothing was compared",
                             r->words[0], r->words[1]);
        return;
    }
    /* of one connection: without it nothing would be the same as nothing */
    if (facts.conn && (lacks(r->words[0], &facts, one) || lacks(r->words[1], &one->facts, one)))
        return;
    one->outcome = wst_session_compare(one->golden, one->seen, &options, &error);
    if (one->outcome == NULL)
        wst_tool_trouble_add(&one->trouble, "%s", error.what);
    else
        one->status = wst_outcome_count(one->outcome) ? WST_CHECK_DIFFERENT : WST_CHECK_SAME;
}

/* Trouble is in the reports, too. Returns what the case makes of the exit status. */
static int tell(struct wst_tool_case *one, struct wst_tool_reports *reports)
{
    struct wst_check_case told;

    if (wst_tool_trouble_is(&one->trouble)) one->status = WST_CHECK_TROUBLE;
    told = wst_tool_case_told(one);
    told.capture_expected = true;
    wst_tool_reports_case(reports, &told);
    if (one->status == WST_CHECK_TROUBLE) return say_trouble(&one->trouble);
    return one->status == WST_CHECK_DIFFERENT ? WST_TOOL_FOUND : 0;
}

static int hold_against(const struct request *r, struct inlet *in, struct wst_tool_case *one,
                        struct wst_tool_reports *reports)
{
    int status = open_captures(r, in, &one->trouble), end;
    bool confined = status == 0 || wst_tool_trouble_is(&one->trouble);

    if (status == 0) compare(r, in, one);
    wst_tool_case_hint(one->capture, &one->facts);
    if (confined) status = tell(one, reports);
    wst_tool_case_hint_missing(one);
    wst_tool_case_hint_more(one);
    end = wst_tool_reports_close(reports, confined);
    return end > status ? end : status;
}

static int diff(const struct request *r)
{
    struct wst_tool_case one = {.took_ns = -1};
    struct wst_tool_reports reports = {.output = {.fd = -1}};
    struct wst_check_report_options options = {
        .colour = wst_tool_lesson_colour(&r->wishes.lesson, STDOUT_FILENO), .quiet = r->quiet};
    struct inlet in;
    int status = WST_TOOL_TROUBLE;

    one.expected = strdup(r->words[0]);
    one.capture = strdup(r->words[1]);
    one.name = strdup(r->words[1]);
    if (!start_broker(r, &in, &one.trouble) || !one.expected || !one.capture || !one.name ||
        !wst_tool_reports_open(&reports, &r->reports, &options, in.files.source.broker,
                               &one.trouble)) {
        wst_tool_reports_close(&reports, false);
        if (!wst_tool_trouble_is(&one.trouble)) wst_tool_trouble_add(&one.trouble, "out of memory");
        say_trouble(&one.trouble);
    } else {
        status = hold_against(r, &in, &one, &reports);
    }
    close_inlet(&in);
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
    if (status == 0 && r.filter) status = wst_tool_wishes_filter(&r.wishes, r.filter);
    if (r.output && strcmp(r.output, "-") == 0) r.output = NULL;
    if (status == 0 && r.help)
        status = help(command);
    else if (status == 0 && r.words_n != command->words)
        status = wst_tool_misuse("%s", command->wants);
    else if (status == 0 && (status = wst_tool_reports_apart(&r.reports)) == 0)
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
