/* SPDX-License-Identifier: MIT
 *
 * In: options. Out: the timeline: capture -> context -> selection -> renderer -> descriptor.
 * Refuses to go on when the output cannot be written; a damaged capture is printed as far as it
 * goes, and makes the exit status 2.
 */
#include "attend.h"
#include "broker.h"
#include "command.h"
#include "confine.h"
#include "devices.h"
#include "feed.h"
#include "keys.h"
#include "options.h"
#include "output.h"
#include "pattern.h"
#include "processors.h"
#include "progress.h"
#include "save.h"
#include "say.h"
#include "screen.h"
#include "sensitive.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wstrace/report.h>
#include <wstrace/wstrace.h>

enum {
    UNREAD_MAX = 16,     /* unknown link types told one by one */
    SCREEN_PACKETS = 64, /* between looks at the keys */
};

struct run {
    const struct wst_tool_options *options;
    const char **sources; /* names as given: files, or the interface */
    size_t sources_n;
    const char **read; /* every file that is read; none of them may be written */
    size_t read_n;
    struct wst_tool_pattern *patterns; /* for each file named, what it matched */
    struct wst_capture *capture;
    struct wst_context *context;
    struct wst_select select;
    struct wst_render *render; /* or the report; `sink` is the one there is */
    struct wst_report *report;
    struct wst_tool_watch *watch; /* of top, and what shows it */
    struct wst_tool_screen *screen;
    struct wst_listener sink;
    struct wst_tool_output output;
    struct wst_tool_progress progress;
    struct wst_tool_attend attend;
    struct wst_tool_keys keys;
    struct wst_tool_sensitive plaintext, embedded;
    struct wst_tool_save save;
    struct wst_tool_broker *broker; /* opens files for a sandboxed process; or NULL */
    bool silent;                    /* -w without --print: packets are saved, nothing is told … */
    bool blind;                     /* … and nobody has to look into them */
    bool wrong_filter;              /* the filter is the name of a file */
    int save_status;                /* the exit status, as far as -w goes */
    const char *wrong_file;         /* a file that does not exist and looks like part of a filter */
    char (*device_names)[WST_TOOL_DEVICE_SIZE]; /* of those given by number */
    bool busy;             /* packets need more than the context: see on_packet */
    uint64_t packets;      /* that passed the filter */
    bool left;             /* the screen */
    bool prompt;           /* somebody waits for each packet's lines */
    uint32_t link_type;    /* of the packet before */
    unsigned links_unread; /* link types that nobody here can read */
    uint32_t unread[UNREAD_MAX];
};

/* -- the end of the chain: what is printed when ------------------------------------------------ */

static void tap_event(void *user, const struct wst_event *event)
{
    struct run *run = user;
    const struct wst_tool_options *o = run->options;

    if (run->silent) return;
    /* -q: no summary. In JSON `stats` is part of the contract and stays; a report ends with it. */
    if (event->type == WST_EVENT_STATS && o->quiet && !o->json && !o->report) return;
    run->sink.event(run->sink.user, event);
}

static void tap_flush(void *user)
{
    struct run *run = user;

    if (run->sink.flush) run->sink.flush(run->sink.user);
}

/* -- what the capture tells -------------------------------------------------------------------- */

/* A link type met for the first time that cannot be read: said once, and the rest is still read. */
static void meet_link_type(struct run *run, uint32_t link_type)
{
    char name[64];

    run->link_type = link_type;
    if (wst_context_reads_link_type(link_type)) return;
    for (unsigned i = 0; i < run->links_unread; i++)
        if (run->unread[i] == link_type) return;
    if (run->links_unread == UNREAD_MAX) return;
    run->unread[run->links_unread++] = link_type;
    wst_tool_progress_erase(&run->progress);
    wst_tool_say("link type %" PRIu32 " (%s) is not known here; its packets are passed over",
                 link_type, wst_capture_link_type_name(link_type, name));
}

/* Keys and drawing; with `stay` until the user leaves. True: the user has left. */
static bool attend_screen(struct run *run, bool stay)
{
    struct wst_tool_screen_status status = {.source = run->sources_n ? run->sources[0] : "",
                                            .live = run->options->devices_n && !stay,
                                            .now_ns = wst_tool_clock()};
    uint64_t captured, received;
    size_t used, size;

    wst_capture_counters(run->capture, &captured, &received, &status.dropped);
    wst_capture_queue(run->capture, &used, &size);
    status.memory = wst_context_memory(run->context) + run->watch->line_bytes + used;
    if (!stay) return run->left = wst_tool_screen_attend(run->screen, &status);
    wst_tool_screen_stay(run->screen, &status);
    return true;
}

static int on_packet(void *user, const struct wst_packet *packet)
{
    struct run *run = user;

    if (packet->link_type != run->link_type) meet_link_type(run, packet->link_type);

    if (!run->blind) wst_context_packet(run->context, packet);
    if (run->busy) {
        wst_tool_keys_look(&run->keys, false);
        if (wst_tool_sensitive_wanted(&run->embedded))
            wst_tool_embed_packet(&run->embedded, packet);
        if (wst_tool_save_packet(&run->save, packet, run->context)) return 1;
    }
    wst_tool_progress_step(&run->progress);
    wst_tool_attend_packet(&run->attend);
    if (run->prompt) tap_flush(run);
    if (run->output.error) return 1;
    if (run->screen && run->packets % SCREEN_PACKETS == 0 && attend_screen(run, false)) return 1;
    return ++run->packets == run->options->count;
}

static bool on_ahead(void *user, const struct wst_packet *packet)
{
    struct run *run = user;

    return wst_context_ahead(run->context, packet);
}

/* Everything that the packets so far have told. */
static void show_all(struct run *run)
{
    wst_context_settle(run->context);
    tap_flush(run);
}

/* Comments are no events (docs/EVENTS.md), so only text shows them, between its lines. */
static void on_comment(void *user, uint64_t pkt, struct wst_slice text)
{
    struct run *run = user;
    char line[4096];
    size_t n = 0;

    if (run->options->verbose == 0 || run->options->json) return;
    if (pkt)
        n = (size_t)snprintf(line, sizeof line, "comment on packet %" PRIu64 ": ", pkt);
    else
        n = (size_t)snprintf(line, sizeof line, "comment: ");
    n += wst_tool_safe(line + n, sizeof line - n - 1, (const char *)text.p, text.n);
    line[n++] = '\n';
    show_all(run);
    wst_tool_output_write(&run->output, (const uint8_t *)line, n);
}

static void on_secrets(void *user, uint32_t type, struct wst_slice secrets)
{
    struct run *run = user;

    wst_tool_keys_secrets(&run->keys, type, secrets);
}

/* A connection without its key: the secrets may stand behind the packets. */
static void on_wanted(void *user)
{
    struct run *run = user;

    wst_capture_secrets_ahead(run->capture, wst_tool_keys_secrets, &run->keys);
}

static void on_plain(void *user, const struct wst_tls_plain *plain)
{
    struct run *run = user;

    wst_tool_plaintext_write(&run->plaintext, plain);
}

static void on_used_secrets(void *user, struct wst_slice lines)
{
    struct run *run = user;

    wst_tool_embed_secrets(&run->embedded, lines);
}

static void on_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                       const char *what)
{
    struct run *run = user;

    show_all(run); /* on one terminal: after what could still be read */
    wst_tool_progress_erase(&run->progress);
    if (pkt || byte)
        wst_tool_say("%s: packet %" PRIu64 ", byte %" PRIu64 ": %s", source, pkt, byte, what);
    else
        wst_tool_say("%s: %s", source, what);
}

/* -- what a live capture tells ----------------------------------------------------------------- */

static void on_dropped(void *user, uint64_t packets, int64_t ns)
{
    wst_context_dropped(((struct run *)user)->context, packets, ns);
}

static void on_pause(void *user, int64_t ns)
{
    struct run *run = user;

    wst_tool_keys_look(&run->keys, false); /* before capture time goes on: late keys are in time */
    wst_tool_attend_pause(&run->attend, ns);
    wst_tool_save_flush(&run->save);
    if (run->screen && attend_screen(run, false)) wst_capture_stop(run->capture);
}

static int64_t on_clock(void *user)
{
    (void)user;
    return wst_tool_clock();
}

/* -- setting up -------------------------------------------------------------------------------- */

/* One name, or all that a pattern matches. */
static bool add_files(struct run *run, size_t i)
{
    const struct wst_tool_file *file = &run->options->files[i];
    struct wst_tool_pattern *pattern = &run->patterns[i];
    const char *const *names = &file->name;
    const char **more;
    size_t n = 1;

    if (wst_tool_pattern_find(pattern, file->name)) {
        names = (const char *const *)pattern->names;
        n = pattern->n;
    }
    more = realloc(run->sources, (run->sources_n + n + 1) * sizeof *more);
    if (more == NULL) return false;
    run->sources = more;
    for (size_t k = 0; k < n; k++) {
        run->sources[run->sources_n++] = names[k];
        if (wst_capture_add_file(run->capture, names[k], file->filter) != 0) return false;
    }
    return true;
}

static bool add_sources(struct run *run)
{
    const struct wst_tool_options *o = run->options;

    run->capture = wst_capture_new();
    run->sources = calloc(o->devices_n + 1, sizeof *run->sources);
    run->patterns = calloc(o->files_n + 1, sizeof *run->patterns);
    run->device_names = calloc(o->devices_n + 1, sizeof *run->device_names);
    if (run->capture == NULL || run->sources == NULL || run->device_names == NULL ||
        run->patterns == NULL)
        return false;
    for (size_t i = 0; i < o->devices_n; i++) {
        const char *device = wst_tool_devices_name(o->devices[i], run->device_names[i]);
        struct wst_live_options live = {device, (int)o->snaplen, o->no_promiscuous,
                                        (int)o->buffer_kib, o->link_type};
        run->sources[run->sources_n++] = device;
        if (wst_capture_add_live(run->capture, &live) != 0) return false;
    }
    wst_capture_set_queue(run->capture, (size_t)o->queue);
    for (size_t i = 0; i < o->files_n; i++)
        if (!add_files(run, i)) return false;
    return o->filter == NULL || wst_capture_set_filter(run->capture, o->filter) == 0;
}

static bool want_colour(const struct run *run)
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

static bool make_watch(struct run *run)
{
    run->watch = wst_tool_watch_new();
    if (run->watch) run->sink = wst_tool_watch_listener(run->watch);
    return run->watch != NULL;
}

static bool make_report(struct run *run)
{
    struct wst_report_options options = {run->options->max_payload, run->options->max_page};

    run->report = wst_report_new(&options, wst_tool_output_write, &run->output);
    if (run->report) run->sink = wst_report_listener(run->report);
    return run->report != NULL;
}

static bool make_renderer(struct run *run)
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
    };

    if (o->report) return make_report(run);
    if (o->top) return make_watch(run);
    if (o->lint) {
        struct wst_lint_options lint = {o->json, text.colour, o->verbose > 0};
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
static uint64_t jobs(const struct run *run)
{
    const struct wst_tool_options *o = run->options;

    if (run->prompt || o->jobs == 1) return 1;
    if (o->jobs > 0) return o->jobs;
    return o->devices_n ? 1 : wst_tool_jobs_for(wst_capture_total_bytes(run->capture));
}

static bool make_chain(struct run *run)
{
    const struct wst_tool_options *o = run->options;
    struct wst_listener first;
    struct wst_options options;

    wst_options_init(&options);
    if (!make_renderer(run)) return false;
    options.headers = o->headers || o->verbose > 0 || o->report;
    options.verify_checksums = o->verify_checksums;
    if (!o->report) options.max_payload = o->max_payload; /* a report cuts by itself, no finding */
    if (o->report) options.wire = wst_report_wire(run->report);
    options.problems = o->lint ? WST_PROBLEMS_ALL : o->problems;
    options.limits.max_message = o->max_message;
    options.limits.memory = o->memory;
    options.jobs = (uint32_t)jobs(run);
    /* Nothing to leave out: the timeline speaks to the renderer itself. */
    bool all =
        !o->conn && o->dir == WST_DIR_NONE && !o->ops && !(o->quiet && !o->json) && !run->silent;
    run->select = (struct wst_select){o->conn, o->dir, o->ops, {run, tap_event, tap_flush}};
    first = all ? run->sink : wst_select_listener(&run->select);
    run->context = wst_context_new(&options, &first);
    return run->context != NULL;
}

/* A pipe that may still grow while it is read. */
static bool reads_pipe(const struct run *run)
{
    const struct wst_tool_options *o = run->options;
    struct stat input;

    for (size_t i = 0; i < o->files_n; i++)
        if (strcmp(o->files[i].name, "-") == 0 && fstat(STDIN_FILENO, &input) == 0 &&
            !S_ISREG(input.st_mode))
            return true;
    return false;
}

/* Secrets in, and the two files in which they or what they open go out. */
static int open_encrypted(struct run *run)
{
    const struct wst_tool_options *o = run->options;
    bool follow = wst_tool_keys_may_come(&o->keys, o->devices_n || reads_pipe(run));
    const char *owner = wst_tool_confine_owner(&o->confinement);
    int status =
        wst_tool_plaintext_open(&run->plaintext, o->plaintext, owner, run->read, run->read_n);

    if (status == 0)
        status = wst_tool_embed_open(&run->embedded, o->embed, owner, run->read, run->read_n);
    if (status == 0) status = wst_tool_keys_open(&run->keys, run->context, &o->keys, NULL, follow);
    if (status) return status;
    struct wst_tls_hooks hooks = {.user = run, .wanted = on_wanted, .keys_may_come = follow};
    if (wst_tool_sensitive_wanted(&run->plaintext)) hooks.plain = on_plain;
    if (wst_tool_sensitive_wanted(&run->embedded)) hooks.secrets = on_used_secrets;
    wst_context_tls(run->context, &hooks);
    run->busy = follow || wst_tool_sensitive_wanted(&run->embedded) || o->write;
    return 0;
}

/* Lines leave packet by packet when asked to, or when a person or a running pipe is at either end.
 * A device pauses when it has nothing more (attend.c), which is as soon and costs less. Not event
 * by event: text joins a frame and its message, which one packet completes. */
static bool want_prompt(const struct run *run)
{
    if (run->options->line_buffered) return true;
    if (run->options->devices_n) return false;
    return isatty(run->output.fd) || reads_pipe(run);
}

/* -- the run ----------------------------------------------------------------------------------- */

/* tcpdump's words; with several interfaces, their names and link types in a row. */
static void say_listening(const struct run *run, const struct wst_event_meta *meta)
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

static void begin(struct run *run)
{
    struct wst_event_meta meta = {
        .sources = run->sources, .sources_n = run->sources_n, .filter = run->options->filter};

    meta.link_types = wst_capture_link_types(run->capture, &meta.link_types_n);
    if (run->options->devices_n && !run->options->quiet) say_listening(run, &meta);
    wst_context_begin(run->context, &meta);
    if (run->prompt || run->options->devices_n) tap_flush(run);
}

static void finish(struct run *run)
{
    uint64_t captured, received, dropped;
    struct wst_counters counters;
    bool live = wst_capture_counters(run->capture, &captured, &received, &dropped);

    counters = (struct wst_counters){(int64_t)captured, (int64_t)received, (int64_t)dropped};
    wst_context_finish(run->context, live ? &counters : NULL);
    tap_flush(run);
    wst_tool_progress_erase(&run->progress);
    if (live && !wst_tool_output_unwanted(&run->output)) wst_tool_attend_counters(&counters);
    run->save_status = wst_tool_save_close(&run->save, live ? &counters : NULL);
}

/* Looked at before an old output loses its bytes. Returns how many inputs are not there. */
static int missing_inputs(const struct run *run)
{
    int missing = 0;

    for (size_t i = 0; i < run->options->files_n; i++) {
        const char *name = run->options->files[i].name;
        if (run->patterns[i].n > 0 || strcmp(name, "-") == 0 || access(name, R_OK) == 0) continue;
        wst_tool_say("%s: %s", name, strerror(errno));
        missing++;
    }
    return missing;
}

/* Words that are files here and a filter there are the commonest slip. Looked for while files can
 * still be looked at. */
static void look_at_words(struct run *run)
{
    const struct wst_tool_options *o = run->options;

    run->wrong_filter = o->filter && access(o->filter, R_OK) == 0;
    for (size_t i = 0; i < o->files_n && o->files_n > 1; i++)
        if (o->files[i].word && strpbrk(o->files[i].name, "./-") == NULL &&
            access(o->files[i].name, F_OK) != 0)
            run->wrong_file = o->files[i].name;
}

static void hint_at_words(const struct run *run)
{
    if (run->wrong_filter)
        wst_tool_say_bare("With -r other words are the filter; write -r before each file.");
    else if (run->wrong_file)
        wst_tool_say_bare("If '%s' belongs to a filter: the file needs -r in front then.",
                          run->wrong_file);
}

/* The one asked for may not exist. Returns the exit status; of a device, or after the end that was
 * not waited for, it might have come. */
static int say_no_such_conn(const struct run *run, const struct wst_event_stats *stats)
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
static int judge(const struct run *run, const struct wst_event_stats *stats)
{
    bool none = stats->connections + stats->refused == 0;

    if (stats->tls_no_key)
        wst_tool_say("%" PRIu64 " TLS connection%s stayed closed and %s not checked: no key",
                     stats->tls_no_key, stats->tls_no_key == 1 ? "" : "s",
                     stats->tls_no_key == 1 ? "was" : "were");
    if (none) wst_tool_say("no WebSocket connection was found: nothing was checked");
    if (none && !run->options->devices_n) return WST_TOOL_TROUBLE;
    return wst_render_lint_errors(run->render) ? WST_TOOL_FOUND : 0;
}

/* Captures, and what else somebody may name by mistake where an output belongs. */
static bool note_what_is_read(struct run *run)
{
    const struct wst_tool_options *o = run->options;
    size_t n = run->sources_n + WST_TOOL_KEYS_NAMES(&o->keys) + 1;

    run->read = calloc(n, sizeof *run->read);
    if (run->read == NULL) return false;
    for (size_t i = 0; !o->devices_n && i < run->sources_n; i++)
        run->read[run->read_n++] = run->sources[i];
    run->read_n += wst_tool_keys_names(&o->keys, run->read + run->read_n);
    if (o->filter_file) run->read[run->read_n++] = o->filter_file;
    return true;
}

static int open_outputs(struct run *run)
{
    const struct wst_tool_options *o = run->options;
    const char *owner = wst_tool_confine_owner(&o->confinement);
    int status = 0;

    run->silent = o->write && !o->print;
    run->blind = run->silent && !o->only_websocket && !o->stats_seconds;
    if (!run->silent)
        status = wst_tool_output_open(&run->output, o->output, owner, run->read, run->read_n);
    if (status) return status;
    return wst_tool_save_open(&run->save, o, run->read, run->read_n);
}

/* Whoever has to open files later does it through another process: this one will not be able to. */
static int start_broker(struct run *run)
{
    const struct wst_tool_options *o = run->options;
    struct wst_tool_brokered brokered = {.owner = wst_tool_confine_owner(&o->confinement)};
    const char **names = calloc(WST_TOOL_KEYS_NAMES(&o->keys), sizeof *names);
    int status = 0;

    if (names == NULL) return -1;
    brokered.readable = names;
    if (run->save.rotates) brokered.naming = run->save.naming;
    if (run->keys.follow) brokered.readable_n = wst_tool_keys_names(&o->keys, names);
    if (run->save.rotates || brokered.readable_n) {
        run->broker = wst_tool_broker_start(&brokered);
        if (run->broker == NULL) {
            wst_tool_say("cannot start another process: %s", strerror(errno));
            status = WST_TOOL_TROUBLE;
        }
    }
    free(names);
    run->save.broker = run->keys.broker = run->broker;
    return status;
}

static int confine(const struct run *run)
{
    const struct wst_tool_options *o = run->options;
    struct wst_tool_confinement confinement = o->confinement;
    size_t n;
    const char *const *later = wst_capture_unopened(run->capture, &n);

    confinement.live = o->devices_n > 0;
    confinement.verbose = o->verbose > 0;
    return wst_tool_confine(&confinement, later, n);
}

/* Returns 0 or the exit status. */
static int close_outputs(struct run *run)
{
    int status = wst_tool_output_close(&run->output);

    if (wst_tool_sensitive_close(&run->plaintext)) status = WST_TOOL_TROUBLE;
    if (wst_tool_sensitive_close(&run->embedded)) status = WST_TOOL_TROUBLE;
    return run->save_status ? run->save_status : status;
}

/* What was found, or was not there to be found, counts when all else went well. */
static int verdict(const struct run *run, int status)
{
    struct wst_event_stats stats;
    int found = 0;

    wst_context_stats(run->context, &stats);
    if (run->options->lint) found = judge(run, &stats);
    if (run->options->conn && say_no_such_conn(run, &stats)) found = WST_TOOL_TROUBLE;
    return status ? status : found;
}

static int run_trace(struct run *run)
{
    struct wst_capture_sink sink = {.user = run,
                                    .packet = on_packet,
                                    .secrets = on_secrets,
                                    .comment = on_comment,
                                    .trouble = on_trouble,
                                    .ahead = on_ahead,
                                    .dropped = on_dropped,
                                    .pause = on_pause,
                                    .now = on_clock};
    char error[WST_CAPTURE_ERROR_SIZE];
    int status, troubles;

    if (!add_sources(run) || !note_what_is_read(run)) return -1;
    look_at_words(run);
    if (wst_capture_open(run->capture, error) != 0) {
        wst_tool_say("%s", error);
        hint_at_words(run);
        return WST_TOOL_TROUBLE;
    }
    /* Only now: a capture that cannot be read must not cost an old output its bytes. */
    if (run->options->output && missing_inputs(run)) {
        hint_at_words(run);
        wst_tool_say("nothing was written to %s", run->options->output);
        return WST_TOOL_TROUBLE;
    }
    if ((status = open_outputs(run)) != 0) return status;
    if (!make_chain(run)) return -1;
    if ((status = open_encrypted(run)) != 0) return status;
    if ((status = start_broker(run)) != 0) return status;
    if (run->watch && !(run->screen = wst_tool_screen_new(run->watch))) return WST_TOOL_TROUBLE;
    if ((status = confine(run)) != 0) return status;
    run->prompt = want_prompt(run);
    wst_tool_progress_start(&run->progress, run->capture,
                            !run->options->quiet && run->options->devices_n == 0);
    run->output.progress = &run->progress;
    if (run->options->devices_n) {
        wst_tool_attend_start(&run->attend, run->capture, run->context, run->render, &run->progress,
                              run->options->stats_seconds);
        run->output.attend = &run->attend;
    }
    wst_tool_stop_on_signals(run->capture);
    run->link_type = UINT32_MAX;
    begin(run);
    if (wst_tool_save_begin(&run->save, wst_capture_first_link_type(run->capture)) != 0)
        return WST_TOOL_TROUBLE;
    troubles = wst_capture_run(run->capture, &sink);
    wst_tool_keys_look(&run->keys, true);
    finish(run);
    if (run->screen && !run->left && !wst_tool_stopped()) attend_screen(run, true);
    if (troubles) hint_at_words(run);
    status = close_outputs(run);
    if (troubles || run->links_unread) status = WST_TOOL_TROUBLE;
    return verdict(run, status);
}

int wst_tool_trace_run(const struct wst_tool_options *options)
{
    struct run run = {.options = options, .output = {.fd = -1}, .save.output.fd = -1};
    int status = run_trace(&run);

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

static int command(int argc, char **argv, bool lint)
{
    struct wst_tool_options options;
    int status;

    wst_tool_options_defaults(&options);
    status =
        wst_tool_options_parse(&options, wst_tool_trace_args, wst_tool_trace_args_n, argc, argv);

    options.lint = lint;
    if (status == 0) {
        if (options.help)
            status = wst_tool_help();
        else if (options.version)
            status = wst_tool_version();
        else if (options.list_devices)
            status = wst_tool_devices_list();
        else if (options.list_link_types)
            status = wst_tool_devices_link_types(options.devices_n ? options.devices[0] : NULL);
        else
            status = wst_tool_trace_run(&options);
    }
    wst_tool_options_free(&options);
    return status;
}

int wst_tool_trace(int argc, char **argv)
{
    return command(argc, argv, false);
}

int wst_tool_lint(int argc, char **argv)
{
    return command(argc, argv, true);
}
