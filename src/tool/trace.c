/* SPDX-License-Identifier: MIT
 *
 * In: options. Out: the timeline: capture -> context -> selection -> renderer -> descriptor.
 * Refuses to go on when the output cannot be written; a damaged capture is printed as far as it
 * goes, and makes the exit status 2.
 */
#include "broker.h"
#include "command.h"
#include "run.h"
#include "say.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>

/* tcpdump's words; with several interfaces, their names and link types in a row. */
static void say_listening(const struct wst_tool_run *run, const struct wst_event_meta *meta)
{
    char names[1024] = "", types[256] = "";

    for (size_t i = 0, n = 0; i < run->sources_n && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", run->sources[i]);
    for (size_t i = 0, n = 0; i < meta->link_types_n && n < sizeof types; i++)
        n += (size_t)snprintf(types + n, sizeof types - n, "%s%s", i ? ", " : "",
                              meta->link_types[i]);
    wst_tool_say_bare("listening on %s, link-type %s, snapshot length %d bytes", names,
                      types[0] ? types : "unknown",
                      run->options->snaplen ? (int)run->options->snaplen : 262144);
}

static void begin(struct wst_tool_run *run)
{
    struct wst_event_meta meta = {
        .sources = run->sources, .sources_n = run->sources_n, .filter = run->options->filter};

    meta.link_types = wst_capture_link_types(run->capture, &meta.link_types_n);
    if (run->options->devices_n && !run->options->quiet) say_listening(run, &meta);
    wst_context_begin(run->context, &meta);
    if (run->prompt || run->options->devices_n) wst_tool_run_flush(run);
}

static void finish(struct wst_tool_run *run)
{
    uint64_t captured, received, dropped;
    struct wst_counters counters;
    bool live = wst_capture_counters(run->capture, &captured, &received, &dropped);

    counters = (struct wst_counters){(int64_t)captured, (int64_t)received, (int64_t)dropped};
    wst_context_finish(run->context, live ? &counters : NULL);
    wst_tool_run_flush(run);
    wst_tool_progress_erase(&run->progress);
    run->save_status = wst_tool_save_close(&run->save, live ? &counters : NULL);
    /* Last, as in tcpdump. */
    if (live && !wst_tool_output_unwanted(&run->output)) wst_tool_attend_counters(&counters);
}

static int open_inputs(struct wst_tool_run *run)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    int status;

    if ((status = wst_tool_run_make_grep(run)) != 0) return status;
    if (!wst_tool_run_add_sources(run) || !wst_tool_run_note_read(run)) return -1;
    wst_tool_run_look_at_words(run);
    if (wst_capture_open(run->capture, error) != 0) {
        wst_tool_say("%s", error);
        wst_tool_run_hint_at_words(run);
        return WST_TOOL_TROUBLE;
    }
    /* Only now: a capture that cannot be read must not cost an old output its bytes. */
    if (run->options->output && wst_tool_run_missing_inputs(run)) {
        wst_tool_run_hint_at_words(run);
        wst_tool_say("nothing was written to %s", run->options->output);
        return WST_TOOL_TROUBLE;
    }
    return 0;
}

/* Outputs, the chain behind the capture, and who shows it; behind that nothing is opened, and the
 * rights that opening needs are given up. */
static int open_chain(struct wst_tool_run *run)
{
    int status;

    if ((status = wst_tool_run_open_outputs(run)) != 0) return status;
    run->prompt = wst_tool_run_want_prompt(run); /* of the output; the chain has no threads then */
    if (!wst_tool_run_make_chain(run)) return -1;
    if ((status = wst_tool_run_open_encrypted(run)) != 0) return status;
    if ((status = wst_tool_run_start_broker(run)) != 0) return status;
    if (run->watch && !(run->screen = wst_tool_screen_new(run->watch))) return WST_TOOL_TROUBLE;
    return wst_tool_run_confine(run);
}

/* Who watches meanwhile: the line of progress, and of a device the signals and counts. */
static void attend(struct wst_tool_run *run)
{
    run->busy = run->busy || run->options->devices_n || run->prompt || run->screen;
    wst_tool_progress_start(&run->progress, run->capture,
                            !run->options->quiet && run->options->devices_n == 0);
    run->output.progress = &run->progress;
    if (run->options->devices_n) {
        wst_tool_attend_start(&run->attend, run->capture, run->context, run->render, &run->progress,
                              run->options->stats_seconds);
        run->output.attend = &run->attend;
        /* of -w, too, where it is no file: a pipe to another host may stall as well */
        if (run->save.output.start < 0) run->save.output.attend = &run->attend;
    }
}

static int run_trace(struct wst_tool_run *run)
{
    struct wst_capture_sink sink = wst_tool_run_sink(run);
    int status, troubles;

    if ((status = open_inputs(run)) != 0) return status;
    if ((status = open_chain(run)) != 0) return status;
    attend(run);
    wst_tool_stop_on_signals(run->capture);
    run->link_type = UINT32_MAX;
    begin(run);
    if (wst_tool_save_begin(&run->save, wst_capture_first_link_type(run->capture)) != 0)
        return WST_TOOL_TROUBLE;
    troubles = wst_capture_run(run->capture, &sink);
    wst_tool_run_turn(run, NULL);
    wst_tool_keys_look(&run->keys, true);
    finish(run);
    if (run->screen && !run->left && !wst_tool_stopped()) wst_tool_run_screen(run, true);
    if (troubles) wst_tool_run_hint_at_words(run);
    status = wst_tool_run_close_outputs(run);
    if (troubles || run->links_unread) status = WST_TOOL_TROUBLE;
    return wst_tool_run_verdict(run, status);
}

/* Who sends the file of -w to somebody must not believe that nothing else is in it. Of a replay it
 * is not said: there --conn chooses the recording. */
static bool chooses_in_vain(const struct wst_tool_options *o)
{
    return o->write && !o->print && (o->conn || o->dir != WST_DIR_NONE || o->ops);
}

int wst_tool_trace_run(const struct wst_tool_options *options)
{
    struct wst_tool_run run = {.options = options,
                               .output = {.fd = -1},
                               .save.output.fd = -1,
                               .scratch.output.fd = -1,
                               .folder = -1};
    int status;

    if (chooses_in_vain(options))
        return wst_tool_misuse("-w saves the packets of all connections; --conn, --dir and --op "
                               "choose what is printed: add --print, or give a filter");
    status = run_trace(&run);
    if (status < 0) {
        wst_tool_say("out of memory");
        status = WST_TOOL_TROUBLE;
    }
    wst_tool_stop_on_signals(NULL);
    wst_tool_save_free(&run.save);
    wst_tool_broker_end(run.broker);
    wst_context_free(run.context);
    wst_tool_keys_close(&run.keys);
    wst_tool_sensitive_close(&run.plaintext);
    wst_tool_sensitive_close(&run.embedded);
    wst_tool_screen_free(run.screen);
    wst_tool_watch_free(run.watch);
    wst_render_free(run.render);
    wst_report_free(run.report);
    wst_apps_free(run.apps);
    wst_grep_free(run.grep);
    wst_har_free(run.har);
    wst_tool_payloads_free(run.payloads);
    wst_tool_scratch_close(&run.scratch);
    wst_capture_free(run.capture);
    for (size_t i = 0; i < options->files_n && run.patterns; i++)
        wst_tool_pattern_free(&run.patterns[i]);
    free(run.patterns);
    free(run.sources);
    free(run.read);
    free(run.device_names);
    return status;
}

/* -- the options that are commands of their own ------------------------------------------------ */

int wst_tool_version(void)
{
    printf("wstrace %s\n", wst_version());
    return wst_tool_stdout_done();
}

enum kind { TRACE, LINT, LESSON };

/* Another input, or words beside it: where one is given they may have become a filter. */
static int refuse_beside(const struct wst_tool_options *o)
{
    for (size_t i = 0; o->files_n > 1 && i + 1 < o->files_n; i++)
        if (o->files[i].word)
            return wst_tool_misuse("demo traces its lesson alone; '%s' is one word too many "
                                   "(-f FILTER picks packets)",
                                   o->files[i].name);
    if (o->devices_n == 0 && o->files_n == 1 && o->files[0].word) return 0;
    return wst_tool_misuse("demo traces its lesson alone; -i and -r are for 'wstrace trace'");
}

static int command(int argc, char **argv, enum kind kind)
{
    bool lint = kind == LINT;
    struct wst_tool_options options;
    int status;

    wst_tool_options_defaults(&options);
    options.lint = lint;
    status =
        wst_tool_options_parse(&options, wst_tool_trace_args, wst_tool_trace_args_n, argc, argv);
    if (status == 0) {
        if (options.help)
            status = lint ? wst_tool_lint_help() : wst_tool_help();
        else if (options.version)
            status = wst_tool_version();
        else if (options.list_devices)
            status = wst_tool_devices_list();
        else if (options.list_link_types)
            status = wst_tool_devices_link_types(options.devices_n ? options.devices[0] : NULL);
        else if (kind == LESSON && (status = refuse_beside(&options)) != 0)
            ;
        else
            status = wst_tool_trace_run(&options);
    }
    wst_tool_options_free(&options);
    return status;
}

int wst_tool_trace(int argc, char **argv)
{
    return command(argc, argv, TRACE);
}

int wst_tool_lint(int argc, char **argv)
{
    return command(argc, argv, LINT);
}

int wst_tool_trace_lesson(int argc, char **argv)
{
    return command(argc, argv, LESSON);
}
