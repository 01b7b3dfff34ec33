/* SPDX-License-Identifier: MIT
 *
 * In: packets, by the context. Out: events, selected and rendered into the output.
 * Refuses nothing; out of memory it makes no chain.
 */
#include "processors.h"
#include "run.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void tap_event(void *user, const struct wst_event *event)
{
    struct wst_tool_run *run = user;
    const struct wst_tool_options *o = run->options;

    if (run->silent) return;
    /* -q: no summary. In JSON `stats` is part of the contract and stays; a report and an archive
     * end with it. */
    if (event->type == WST_EVENT_STATS && o->quiet && !o->json && !o->report && !o->har) return;
    run->sink.event(run->sink.user, event);
}

void wst_tool_run_flush(void *user)
{
    struct wst_tool_run *run = user;

    if (run->sink.flush) run->sink.flush(run->sink.user);
}

static bool want_colour(const struct wst_tool_run *run)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

    if (run->options->colour != WST_TOOL_COLOUR_AUTO)
        return run->options->colour == WST_TOOL_COLOUR_ALWAYS;
    return isatty(run->output.fd) && !(no && *no) && terminal && strcmp(terminal, "dumb") != 0;
}

static unsigned terminal_width(int fd)
{
    struct winsize size;

    if (!isatty(fd)) return 0;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static bool make_watch(struct wst_tool_run *run)
{
    run->watch = wst_tool_watch_new();
    if (run->watch) run->sink = wst_tool_watch_listener(run->watch);
    return run->watch != NULL;
}

static bool make_report(struct wst_tool_run *run)
{
    struct wst_report_options options = {run->options->max_payload, run->options->max_page};

    run->report = wst_report_new(&options, wst_tool_output_write, &run->output);
    if (run->report) run->sink = wst_report_listener(run->report);
    return run->report != NULL;
}

static bool make_renderer(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;
    struct wst_text_options text = {
        .colour = want_colour(run),
        .time = (enum wst_time_format)o->times,
        .local_time = !o->utc,
        .max_text = o->max_text,
        .dump = o->dump_hex    ? WST_DUMP_HEX
                : o->dump_text ? WST_DUMP_TEXT
                               : WST_DUMP_NONE,
        .frames = o->verbose > 0,
        .headers = o->headers || o->verbose > 0,
        .width = o->max_text == WST_TOOL_MAX_TEXT ? terminal_width(run->output.fd) : 0,
        .found = run->grep ? wst_grep_found(run->grep) : NULL,
    };

    if (o->report) return make_report(run);
    if (o->har) return wst_tool_run_make_har(run);
    if (o->extract) return wst_tool_run_make_payloads(run);
    if (o->top) return make_watch(run);
    if (o->lint) {
        struct wst_lint_options lint = {o->json, text.colour, o->verbose > 0, text.width};
        run->render = wst_render_lint_new(&lint, wst_tool_output_write, &run->output);
    } else if (o->json) {
        run->render = wst_render_json_new(wst_tool_output_write, &run->output);
    } else {
        run->render = wst_render_text_new(&text, wst_tool_output_write, &run->output);
    }
    if (run->render) run->sink = wst_render_listener(run->render);
    return run->render != NULL;
}

/* How many threads: where somebody waits for each packet's lines, or asked for one, no more than
 * this one. */
static uint64_t jobs(const struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;

    if (run->prompt || o->jobs == 1) return 1;
    if (o->jobs > 0) return o->jobs;
    return o->devices_n ? 1 : wst_tool_jobs_for(wst_capture_total_bytes(run->capture));
}

int wst_tool_run_make_grep(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;
    char error[WST_GREP_ERROR];

    if (o->grep == NULL) return 0;
    run->grep = wst_grep_new(o->grep, o->ignore_case, error);
    return run->grep ? 0 : wst_tool_misuse("--grep '%s': %s", o->grep, error);
}

/* Lines for people, pages and the screen say what rides on WebSocket; JSON says it when asked. */
static bool want_apps(const struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;

    if (o->no_apps || run->silent || o->har || o->lint || o->extract) return false;
    return o->apps || !o->json;
}

/* Before anything is left out: what one message says may have begun in another. */
static bool make_apps(struct wst_tool_run *run, struct wst_listener *first)
{
    run->apps = wst_apps_new(NULL, first);
    if (run->apps) *first = wst_apps_listener(run->apps);
    return run->apps != NULL;
}

static void tell_both(void *user, const struct wst_event *event)
{
    const struct wst_tool_run *run = user;

    run->also.event(run->also.user, event);
    run->all.event(run->all.user, event);
}

static struct wst_listener both(struct wst_tool_run *run, struct wst_listener first)
{
    if (run->also.event == NULL) return first;
    run->all = first;
    return (struct wst_listener){run, tell_both, wst_tool_run_flush};
}

bool wst_tool_run_make_chain(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;
    struct wst_listener first;
    struct wst_options options;

    wst_options_init(&options);
    if (!make_renderer(run)) return false;
    options.headers = o->headers || o->verbose > 0 || o->report || o->har;
    options.verify_checksums = o->verify_checksums;
    if (!o->report) options.max_payload = o->max_payload; /* a report cuts by itself, no finding */
    if (o->report) options.wire = wst_report_wire(run->report);
    options.problems = o->lint ? WST_PROBLEMS_ALL : o->problems;
    options.limits.max_message = o->max_message;
    options.limits.memory = o->memory;
    options.jobs = (uint32_t)jobs(run);
    if (!run->prompt) options.batch = WST_BATCH_MAX;
    wst_capture_set_read_ahead(run->capture, options.jobs > 1);
    /* Nothing to leave out: the timeline speaks to the renderer itself. */
    bool all = !o->conn && o->dir == WST_DIR_NONE && !o->ops && !run->grep &&
               !(o->quiet && !o->json) && !run->silent;
    run->select = (struct wst_select){.conn = o->conn,
                                      .dir = o->dir,
                                      .ops = o->ops,
                                      .next = {run, tap_event, wst_tool_run_flush},
                                      .grep = run->grep};
    first = all ? run->sink : wst_select_listener(&run->select);
    if (want_apps(run) && !make_apps(run, &first)) return false;
    first = both(run, first);
    run->context = wst_context_new(&options, &first);
    if (run->context && o->only_websocket)
        wst_context_chosen(run->context, wst_tool_save_websocket, &run->save);
    return run->context != NULL;
}
