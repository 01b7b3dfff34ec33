/* SPDX-License-Identifier: MIT
 *
 * In: a run that has ended, or cannot begin. Out: what a person should know of it; the exit status.
 * Refuses to let a verdict about nothing look like a good one.
 */
#include "run.h"

#include "say.h"
#include "stop.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Words that are files here and a filter there are the commonest slip. Looked for while files can
 * still be looked at. */
void wst_tool_run_look_at_words(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;

    run->wrong_filter = o->filter && access(o->filter, R_OK) == 0;
    for (size_t i = 0; i < o->files_n && o->files_n > 1; i++)
        if (o->files[i].word && strpbrk(o->files[i].name, "./-") == NULL &&
            access(o->files[i].name, F_OK) != 0)
            run->wrong_file = o->files[i].name;
}

void wst_tool_run_hint_at_words(const struct wst_tool_run *run)
{
    if (run->wrong_filter)
        wst_tool_say_bare(run->options->devices_n
                              ? "With -i other words are the filter; files are read without it."
                              : "With -r other words are the filter; write -r before each file.");
    else if (run->wrong_file)
        wst_tool_say_bare("If '%s' belongs to a filter: the file needs -r in front then.",
                          run->wrong_file);
}

/* The one asked for may not exist. Returns the exit status; of a device, or after the end that was
 * not waited for, it might have come. */
static int say_no_such_conn(const struct wst_tool_run *run, const struct wst_event_stats *stats)
{
    uint64_t conns = stats->connections + stats->refused;
    bool whole = !run->options->devices_n && !run->left && !wst_tool_stopped();

    if (run->options->conn <= conns) return 0;
    wst_tool_say(whole ? "there is no connection %" PRIu64 "; the capture has %" PRIu64
                       : "there was no connection %" PRIu64 " yet; so far %" PRIu64,
                 run->options->conn, conns);
    return whole ? WST_TOOL_TROUBLE : 0;
}

/* A verdict about nothing must not look like a good one. Returns the exit status. */
static int judge(const struct wst_tool_run *run, const struct wst_event_stats *stats)
{
    bool none = stats->connections + stats->refused == 0;

    wst_tool_keys_say_closed(stats, "checked");
    if (none) wst_tool_say("no WebSocket connection was found: nothing was checked");
    if (none && !run->options->devices_n) return WST_TOOL_TROUBLE;
    return wst_render_lint_errors(run->render) ? WST_TOOL_FOUND : 0;
}

/* An empty timeline needs a reason where a condition was set that nothing met. */
static void say_what_never_came(const struct wst_tool_run *run, const struct wst_event_stats *stats)
{
    const struct wst_tool_options *o = run->options;
    uint64_t secrets = run->keys.logs_n ? wst_context_secrets(run->context) : 0;
    bool filtered = o->filter != NULL;

    for (size_t i = 0; i < o->files_n; i++) filtered |= o->files[i].filter != NULL;
    if (run->packets == 0 && filtered)
        wst_tool_say("no packet passed the filter%s%s", o->filter ? ": " : "",
                     o->filter ? o->filter : "");
    if (secrets && stats->tls_no_key && !run->secrets_fit)
        wst_tool_say("the %" PRIu64 " secret%s of the key log belong%s to no TLS %sconnection here",
                     secrets, secrets == 1 ? "" : "s", secrets == 1 ? "s" : "",
                     stats->quic ? "or QUIC " : "");
}

/* As grep: nothing found is an exit status of its own. What nobody saw may have held it. */
static int judge_search(const struct wst_grep *grep)
{
    uint64_t unsure = wst_grep_unsure(grep);

    if (unsure)
        wst_tool_say(
            "%" PRIu64
            " more message%s or frame%s may match: not all of %s is known or could be searched",
            unsure, unsure == 1 ? "" : "s", unsure == 1 ? "" : "s", unsure == 1 ? "it" : "them");
    return wst_grep_matches(grep) ? 0 : WST_TOOL_FOUND;
}

/* What was found, or was not there to be found, counts when all else went well. */
int wst_tool_run_verdict(const struct wst_tool_run *run, int status)
{
    struct wst_event_stats stats;
    int found = 0;

    wst_context_stats(run->context, &stats);
    say_what_never_came(run, &stats);
    if (run->options->lint) found = judge(run, &stats);
    if (run->grep) found = judge_search(run->grep);
    if (run->payloads || run->har || run->options->report) wst_tool_keys_say_closed(&stats, "read");
    if ((run->har || run->options->report) && stats.connections + stats.refused == 0)
        wst_tool_say("no WebSocket connection was found: there is none in the %s",
                     run->har ? "archive" : "page");
    if (run->payloads && wst_tool_payloads_end(run->payloads)) found = WST_TOOL_TROUBLE;
    if (run->har && wst_tool_run_har_left(run)) found = WST_TOOL_TROUBLE;
    if (run->options->conn && say_no_such_conn(run, &stats)) found = WST_TOOL_TROUBLE;
    return status ? status : found;
}
