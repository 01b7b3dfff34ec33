/* SPDX-License-Identifier: MIT
 *
 * In: captures and what is expected of them. Out: what differs, for people and for build servers.
 * Refuses to renew a golden on a build server, where nobody would look at it.
 */
#include "command.h"
#include "inlet.h"
#include "lesson.h"
#include "processors.h"
#include "reports.h"
#include "say.h"
#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORKERS = 256 };

struct request {
    struct wst_tool_lesson lesson; /* first: see wst_tool_lesson_take_colour */
    const char **words;            /* owned; into argv */
    int words_n;
    struct wst_tool_report_wishes reports;
    const char *filter, *captures;
    uint64_t jobs, differences;
    bool update, force, quiet, help;
};

/* -- options ----------------------------------------------------------------------------------- */

static int take_word(void *target, const char *text)
{
    struct request *r = target;

    r->words[r->words_n++] = text;
    return 0;
}

static int take_report(void *target, const char *text)
{
    struct request *r = target;

    return wst_tool_reports_wish(&r->reports, text);
}

/* Somebody who has just used it with snapshot. */
static int refuse_setting(const char *name, const char *text)
{
    return wst_tool_misuse(
        "%s%s%s: what is compared stands in the head of the golden; edit it there, or make the "
        "golden anew with wstrace snapshot",
        name, text ? " " : "", text ? text : "");
}

#define SETTINGS(ROW)                       \
    ROW(conn, "conn", "N")                  \
    ROW(ignore, "ignore", "PATH")           \
    ROW(redact, "redact", "REGEX=NAME")     \
    ROW(header, "header", "NAME")           \
    ROW(drop_header, "drop-header", "NAME") \
    ROW(reply, "reply", "PATH")             \
    ROW(strict_order, "strict-order", NULL) \
    ROW(frames, "frames", NULL)             \
    ROW(no_control, "no-control", NULL)     \
    ROW(max_payload, "max-payload", "SIZE")
#define REFUSE(id, name, value)                            \
    static int refuse_##id(void *target, const char *text) \
    {                                                      \
        (void)target;                                      \
        return refuse_setting("--" name, text);            \
    }
SETTINGS(REFUSE)

#define AT(field) offsetof(struct request, field)
/* clang-format off */
#define SETTING(id, name, value) {NULL, 0, name, value, WST_TOOL_CALL, 0, 0, 0, refuse_##id, ""},
static const struct wst_tool_arg rows[] = {
    {"Input", 'f', "filter", "FILTER", WST_TOOL_WORD, AT(filter), 0, 0, NULL, "only packets that this BPF filter picks"},
    WST_TOOL_LESSON_KEYLOG,
    WST_TOOL_LESSON_RSA_KEY,
    {NULL, 0, "captures", "FOLDER", WST_TOOL_WORD, AT(captures), 0, 0, NULL, "look for the captures of a suite there, not beside the goldens"},
    {NULL, 'j', "jobs", "N", WST_TOOL_NUMBER, AT(jobs), 1, WORKERS, NULL, "captures read at a time (default: one a processor)"},
    WST_TOOL_LESSON_SAFETY(struct request),
    {"Goldens", 'u', "update", NULL, WST_TOOL_FLAG, AT(update), 0, 0, NULL, "show what differs, then make it the golden, whose head stays (but -f)"},
    {NULL, 0, "force", NULL, WST_TOOL_FLAG, AT(force), 0, 0, NULL, "update where CI=true, too, or from what lacks bytes or connections"},
    {"Output", 0, "report", "KIND[=FILE]", WST_TOOL_CALL, 0, 0, 0, take_report, "also as junit, tap, github, json or text; may be given several times"},
    {NULL, 0, "max-differences", "N", WST_TOOL_NUMBER, AT(differences), 0, UINT64_MAX, NULL, "differences shown of a case (default 20; 0: all)"},
    {NULL, 'q', "quiet", NULL, WST_TOOL_FLAG, AT(quiet), 0, 0, NULL, "no word about what is the same"},
    {NULL, 0, "color", "WHEN", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_colour, "auto (default), always or never"},
    {NULL, 0, "colour", "WHEN", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_colour, NULL},
    SETTINGS(SETTING)
    {"Help", 'h', "help", NULL, WST_TOOL_FLAG, AT(help), 0, 0, NULL, "this text; docs/CHECKS.md tells more"},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof *rows };

static int help(void)
{
    puts("Usage: wstrace check [OPTION...] CAPTURE EXPECTED...   a golden or rules; several may be "
         "named\n"
         "       wstrace check [OPTION...] CAPTURE               what lies beside it: NAME.golden, "
         "NAME.rules\n"
         "       wstrace check [OPTION...] FOLDER...             all goldens and rules in it\n"
         "Exit status: 0 as expected, 1 different, 2 trouble.");
    wst_tool_args_help(stdout, rows, ROWS);
    return wst_tool_stdout_done();
}

/* -- what is to be done ------------------------------------------------------------------------ */

static void say_unexpected(const char *capture)
{
    wst_tool_say("%s: nothing is expected of this capture", capture);
}

/* A folder of captures apart may hold many that this suite is not about. */
static void say_nothing(const char *capture)
{
    (void)capture;
}

static bool is_folder(const char *name)
{
    struct stat st;

    return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

static int gather_folders(const struct request *r, struct wst_tool_suite *suite)
{
    for (int i = 0; i < r->words_n; i++) {
        struct wst_tool_trouble trouble = {0};
        if (!is_folder(r->words[i]))
            return wst_tool_misuse("'%s' is no folder, but '%s' is", r->words[i], r->words[0]);
        if (!wst_tool_suite_folder(suite, r->words[i], r->captures,
                                   r->captures ? say_nothing : say_unexpected, &trouble)) {
            wst_tool_say("%s", trouble.what);
            return WST_TOOL_TROUBLE;
        }
    }
    if (suite->n) return 0;
    wst_tool_say("%s: no .golden and no .rules file in it: nothing was checked", r->words[0]);
    return WST_TOOL_TROUBLE;
}

static int gather(const struct request *r, struct wst_tool_suite *suite)
{
    if (r->words_n == 0)
        return wst_tool_misuse("check wants a capture and what is expected of it, or a folder");
    if (is_folder(r->words[0])) return gather_folders(r, suite);
    if (r->captures) return wst_tool_misuse("--captures goes with a folder of goldens");
    for (int i = 1; i < r->words_n; i++) wst_tool_suite_pair(suite, r->words[0], r->words[i]);
    if (r->words_n > 1) return 0;
    if (wst_tool_suite_beside(suite, r->words[0])) return 0;
    if (access(r->words[0], R_OK) != 0)
        wst_tool_say("%s: %s", r->words[0], strerror(errno));
    else
        return wst_tool_misuse(
            "what is expected of %s? Name a golden or rules, or put them beside it", r->words[0]);
    return WST_TOOL_TROUBLE;
}

/* A build server sets CI; its checkout is thrown away, and nobody would look at what was renewed.
 */
static bool on_build_server(void)
{
    const char *ci = getenv("CI");

    return ci && *ci && strcmp(ci, "0") != 0 && strcmp(ci, "false") != 0;
}

/* -- the work: whoever is free takes the next case; they are told in order -------------------- */

struct work {
    struct wst_tool_suite *suite;
    struct wst_tool_case_options options;
    atomic_size_t next;
    pthread_mutex_t lock;
    pthread_cond_t ready;
    bool *done; /* by case; under the lock */
};

static void *work(void *user)
{
    struct work *w = user;
    size_t i;

    while ((i = atomic_fetch_add(&w->next, 1)) < w->suite->n) {
        wst_tool_case_run(&w->suite->cases[i], &w->options);
        pthread_mutex_lock(&w->lock);
        w->done[i] = true;
        pthread_cond_broadcast(&w->ready);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

static void await(struct work *w, size_t i)
{
    pthread_mutex_lock(&w->lock);
    while (!w->done[i]) pthread_cond_wait(&w->ready, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static int say_trouble(const struct wst_tool_case *one)
{
    wst_tool_say("%s", one->trouble.what);
    if (one->trouble.more)
        wst_tool_say("%s: and %u more of the kind", one->name, one->trouble.more);
    return WST_TOOL_TROUBLE;
}

/* The golden is renewed before it is said to be. Returns what the case makes of the exit status. */
static int finish_case(const struct request *r, struct wst_tool_reports *reports,
                       struct wst_tool_case *one)
{
    bool renew = r->update && wst_tool_case_is_renewed(one);
    bool renewed = renew && wst_tool_case_rewrite(one, r->force);
    struct wst_check_case told;
    int status = one->status == WST_CHECK_DIFFERENT && !renewed ? WST_TOOL_FOUND : 0;

    if (renew && !renewed && one->outcome == NULL) one->status = WST_CHECK_TROUBLE;
    told = wst_tool_case_told(one);
    told.updated = renewed;
    wst_tool_reports_case(reports, &told);
    if (wst_tool_trouble_is(&one->trouble)) status = say_trouble(one);
    if (r->update && one->rules && one->status == WST_CHECK_DIFFERENT)
        wst_tool_say("%s: rules are not updated; edit them", one->expected);
    wst_tool_case_say_undecided(one);
    wst_tool_case_hint_missing(one);
    wst_tool_case_hint_unknown(one);
    wst_tool_case_hint(one->capture, &one->facts);
    wst_tool_case_lighten(one);
    wst_outcome_free(one->outcome);
    one->outcome = NULL;
    return status;
}

static int run_all(const struct request *r, struct wst_tool_suite *suite,
                   const struct wst_tool_source *source, size_t wanted,
                   struct wst_tool_reports *reports)
{
    struct work w = {.suite = suite, .options = {source, r->update}};
    pthread_t threads[WORKERS];
    size_t n = 0;
    int status = 0;

    w.done = calloc(suite->n, sizeof *w.done);
    if (w.done == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.ready, NULL);
    if (wanted > WORKERS) wanted = WORKERS;
    while (n < wanted && n < suite->n && suite->n > 1 &&
           pthread_create(&threads[n], NULL, work, &w) == 0)
        n++;
    if (n == 0) work(&w); /* one case, or no thread to be had */
    for (size_t i = 0; i < suite->n; i++) {
        await(&w, i);
        int worse = finish_case(r, reports, &suite->cases[i]);
        if (worse > status) status = worse;
    }
    while (n > 0) pthread_join(threads[--n], NULL);
    pthread_cond_destroy(&w.ready);
    pthread_mutex_destroy(&w.lock);
    free(w.done);
    return status;
}

/* -- what is opened before, and by whom what is opened later ------------------------------------
 */

enum { SPARE = 64, EACH = 2 }; /* descriptors: for everything else; of a capture (see capture.h) */

/* The reports' files, then all expectations: the cases learn their numbers. */
static bool name_files(const struct request *r, struct wst_tool_suite *suite,
                       struct wst_tool_inlet *in)
{
    if (!wst_tool_inlet_begin(in, r->filter, &r->lesson.keys, suite->n,
                              WST_TOOL_REPORTS + suite->n))
        return false;
    wst_tool_reports_name(&r->reports, in);
    for (size_t i = 0; i < suite->n; i++) {
        struct wst_tool_case *one = &suite->cases[i];
        one->readable = wst_tool_inlet_readable(in, one->expected);
        one->place.name = one->expected;
        if (r->update) one->place.which = wst_tool_inlet_replaced(in, one->expected);
    }
    return true;
}

static bool crossed(const struct request *r, const struct wst_tool_suite *suite,
                    const struct wst_tool_inlet *in, struct wst_tool_trouble *trouble)
{
    const char **captures = calloc(suite->n, sizeof *captures);
    bool found = captures == NULL;

    if (found) wst_tool_trouble_add(trouble, "out of memory");
    for (size_t i = 0; captures && i < suite->n; i++) captures[i] = suite->cases[i].capture;
    found = found || wst_tool_reports_crossed(&r->reports, in, captures, suite->n, trouble);
    free(captures);
    return found;
}

/* For as many captures as this process may hold open; it asks for all that it can get. */
static size_t room_for_captures(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= SPARE) return 0;
    return (size_t)(limit.rlim_cur - SPARE) / EACH;
}

/* Those that do not fit stay closed until their turn; `later` are their names. */
static size_t open_captures(struct wst_tool_suite *suite, const struct wst_tool_source *source,
                            const char **later)
{
    size_t room = room_for_captures(), n = 0;
    bool taken = false; /* standard input */

    for (size_t i = 0; i < suite->n; i++) {
        struct wst_tool_case *one = &suite->cases[i];
        bool standard = one->capture && strcmp(one->capture, "-") == 0;
        if (one->expected) wst_tool_case_await(one);
        if (standard && taken)
            wst_tool_trouble_add(&one->trouble, "standard input can be read only once");
        else if (standard || i < room)
            wst_tool_case_open(one, source);
        else if (one->capture)
            later[n++] = one->capture;
        taken |= standard;
    }
    return n;
}

static int confine(const struct request *r, struct wst_tool_suite *suite,
                   const struct wst_tool_source *source)
{
    const char **later = calloc(suite->n, sizeof *later);
    int status = WST_TOOL_TROUBLE;

    if (later)
        status =
            wst_tool_confine(&r->lesson.confinement, later, open_captures(suite, source, later));
    else
        wst_tool_say("out of memory");
    free(later);
    return status;
}

/* -- the command ------------------------------------------------------------------------------- */

static int run_suite(const struct request *r, struct wst_tool_suite *suite,
                     struct wst_tool_inlet *in, struct wst_tool_reports *reports)
{
    size_t jobs = r->jobs ? (size_t)r->jobs : wst_tool_processors();
    int status, end;

    in->source.alone = suite->n == 1;
    for (size_t i = 0; i < suite->n; i++) suite->cases[i].place.broker = in->source.broker;
    status = confine(r, suite, &in->source);
    if (status) {
        wst_tool_reports_close(reports, false);
        return status;
    }
    status = run_all(r, suite, &in->source, jobs, reports);
    end = wst_tool_reports_close(reports, true);
    return end > status ? end : status;
}

static int check_suite(const struct request *r, struct wst_tool_suite *suite)
{
    struct wst_tool_inlet in = {0};
    struct wst_tool_trouble trouble = {0};
    struct wst_tool_reports reports = {.output = {.fd = -1}};
    struct wst_check_report_options options = {
        .colour = wst_tool_lesson_colour(&r->lesson, STDOUT_FILENO),
        .differences = r->differences,
        .quiet = r->quiet};
    int status = WST_TOOL_TROUBLE;

    if (suite->failed || !name_files(r, suite, &in))
        wst_tool_trouble_add(&trouble, "out of memory");
    else if (!crossed(r, suite, &in, &trouble) &&
             wst_tool_inlet_serve(&in, wst_tool_confine_owner(&r->lesson.confinement), &trouble)) {
        if (wst_tool_reports_open(&reports, &r->reports, &options, in.source.broker, &trouble))
            status = run_suite(r, suite, &in, &reports);
        else
            wst_tool_reports_close(&reports, false);
    }
    if (wst_tool_trouble_is(&trouble)) wst_tool_say("%s", trouble.what);
    wst_tool_inlet_end(&in);
    return status;
}

static int check(const struct request *r)
{
    struct wst_tool_suite suite = {0};
    int status;

    if (r->update && !r->force && on_build_server()) {
        wst_tool_say("CI=%s: nothing is updated on a build server (--force does it all the same)",
                     getenv("CI"));
        return WST_TOOL_TROUBLE;
    }
    status = gather(r, &suite);
    if (status == 0) status = check_suite(r, &suite);
    wst_tool_suite_free(&suite);
    return status;
}

int wst_tool_check(int argc, char **argv)
{
    struct request r = {.words = calloc((size_t)argc + 1, sizeof(char *)), .differences = 20};
    int status = wst_tool_lesson_begin(&r.lesson, argc);

    if (status == 0 && r.words == NULL) {
        wst_tool_say("out of memory");
        status = WST_TOOL_TROUBLE;
    }
    if (status == 0) status = wst_tool_args(rows, ROWS, argc, argv, &r, take_word);
    if (status == 0 && r.help)
        status = help();
    else if (status == 0 && (status = wst_tool_reports_apart(&r.reports)) == 0)
        status = check(&r);
    wst_tool_lesson_end(&r.lesson);
    free(r.words);
    return status;
}
