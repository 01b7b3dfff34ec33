/* SPDX-License-Identifier: MIT
 *
 * In: a capture and a URL. Out: what its client sent, sent to that server; the conversation that
 * comes of it.
 * Refuses to send anything of a recording that is not whole, unless told to; sends cookies and
 * credentials only when told to.
 *
 * Three processes: this one reads the recording, and what the server says, confined from before the
 * first packet on; a broker opens key logs (broker.h); a dialer has the connection (dial.h).
 */
#include "command.h"
#include "dial.h"
#include "inlet.h"
#include "run.h"
#include "say.h"
#include "stop.h"
#include "talk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct request {
    struct wst_tool_options options; /* first: rows of tracing are read into it */
    const char *capture, *url_text;
    struct wst_replay_url url;
    struct wst_replay_proxy proxy; /* without a host: none */
    const char **headers; /* owned */
    size_t headers_n;
    int64_t timeout_ns;
    bool pace, send_headers, skip_uncertain, insecure, plain, fragments;
};

/* -- the command line -------------------------------------------------------------------------- */

static int take_timeout(void *target, const char *text)
{
    struct request *r = target;
    size_t digits = strspn(text, "0123456789.");
    char *end;
    double s = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : 0;

    if (s >= 0.001 && s <= 86400 && end == text + digits && *end == '\0') {
        r->timeout_ns = (int64_t)(s * 1e9);
        return 0;
    }
    return wst_tool_misuse("--timeout wants seconds, 0.001 to 86400, not '%s'", text);
}

static int take_pace(void *target, const char *text)
{
    struct request *r = target;

    r->pace = strcmp(text, "recorded") == 0;
    if (r->pace || strcmp(text, "fast") == 0) return 0;
    return wst_tool_misuse("--pace wants fast or recorded, not '%s'", text);
}

static int take_proxy(void *target, const char *text)
{
    struct request *r = target;
    char error[WST_REPLAY_ERROR_SIZE];

    if (wst_replay_proxy_read(&r->proxy, text, error) == 0) return 0;
    /* not what was given: it may hold a password */
    return wst_tool_misuse("--proxy wants http://HOST:PORT or socks5://HOST:PORT: %s", error);
}

static int take_header(void *target, const char *text)
{
    struct request *r = target;

    r->headers[r->headers_n++] = text;
    return 0;
}

#define FLAG(field) WST_TOOL_FLAG, offsetof(struct request, field), 0, 0, NULL
#define CALL(function) WST_TOOL_CALL, 0, 0, 0, function
/* clang-format off */
static const struct wst_tool_arg own[] = {
    {"Replay", 0, "timeout", "SECONDS", CALL(take_timeout), "how long the server may say nothing that is waited for (default 5)"},
    {NULL, 0, "pace", "PACE", CALL(take_pace), "fast (default), or recorded: leave as much time as the recording has"},
    {NULL, 0, "send-headers", NULL, FLAG(send_headers), "send the recorded header lines, cookies and credentials among them"},
    {NULL, 0, "header", "LINE", CALL(take_header), "send 'Name: value', in place of others of that name; 'Name:' sends none"},
    {NULL, 0, "no-deflate", NULL, FLAG(plain), "offer no compression, where the recording has it, either"},
    {NULL, 0, "fragments", NULL, FLAG(fragments), "send messages in as many frames as the recording has"},
    {NULL, 0, "skip-uncertain", NULL, FLAG(skip_uncertain), "leave out what is not whole in the recording"},
    {NULL, 0, "proxy", "URL", CALL(take_proxy), "go through http://[NAME:PASSWORD@]HOST:PORT, by CONNECT, or socks5://..."},
    {NULL, 0, "insecure", NULL, FLAG(insecure), "wss: talk to a server whose certificate is not trusted, too"},
};
/* Rows of tracing, by name; some have another group here, or mean another thing. */
static const struct {
    const char *name, *group, *help;
} taken[] = {
    {"conn", "Recording", "connection N, as wstrace numbers them; needed when there are several"},
    {"keylog", "", NULL}, {"rsa-key", "", NULL},
    {"w", NULL, "save the packets in FILE and print nothing; *.pcapng: in that format"},
    {"print", NULL, NULL},
    {"relinquish-privileges", NULL, NULL}, {"no-sandbox", NULL, NULL},
    {"json", "Output", NULL}, {"output", NULL, "write to FILE, not standard output"}, {"t", NULL, NULL},
    {"utc", NULL, NULL}, {"verbose", NULL, NULL}, {"quiet", NULL, "less: no summary at the end of text"},
    {"headers", NULL, NULL}, {"apps", NULL, NULL}, {"no-apps", NULL, NULL}, {"max-text", NULL, NULL},
    {"color", NULL, NULL}, {"colour", NULL, NULL}, {"A", NULL, NULL}, {"X", NULL, NULL},
    {"max-message", "Limits", NULL}, {"memory", NULL, NULL},
    {"help", NULL, NULL}, {"version", NULL, NULL},
};
/* clang-format on */
enum {
    OWN = sizeof own / sizeof *own,
    TAKEN = sizeof taken / sizeof *taken,
    FIRST = 3 /* of `taken` stand before our own */
};

static void make_rows(struct wst_tool_arg rows[OWN + TAKEN])
{
    size_t n = 0;

    for (size_t i = 0; i < TAKEN; i++) {
        const struct wst_tool_arg *row = wst_tool_trace_row(taken[i].name);
        if (i == FIRST) {
            memcpy(rows + n, own, sizeof own);
            n += OWN;
        }
        rows[n] = *row;
        if (taken[i].group) rows[n].group = *taken[i].group ? taken[i].group : NULL;
        if (taken[i].help) rows[n].help = taken[i].help;
        n++;
    }
}

static const char wants[] = "replay wants a capture and a URL";
static const char usage[] =
    "Usage: wstrace replay [OPTION...] CAPTURE URL\n\n"
    "Sends again what the client of a captured connection sent, to the server of a ws:// or\n"
    "wss:// URL, and shows the conversation that comes of it. Each message waits until the\n"
    "server has said as many as it had when the client sent it. Exit status: 0 all was sent,\n"
    "and the server said as many messages as in the recording, or more; 1 it did not; 2 trouble.";

static int help(const struct wst_tool_arg *rows)
{
    puts(usage);
    wst_tool_args_help(stdout, rows, OWN + TAKEN);
    return wst_tool_stdout_done();
}

static int settle(struct request *r)
{
    char error[WST_REPLAY_ERROR_SIZE];

    if (r->options.files_n != 2) return wst_tool_misuse("%s", wants);
    r->capture = r->options.files[0].name;
    r->url_text = r->options.files[1].name;
    if (wst_replay_url_read(&r->url, r->url_text, error) != 0)
        return wst_tool_misuse("'%s' cannot be connected to: %s", r->url_text, error);
    return 0;
}

/* -- the recording ----------------------------------------------------------------------------- */

static int say_trouble(const struct wst_tool_trouble *trouble)
{
    if (wst_tool_trouble_is(trouble)) wst_tool_say("%s", trouble->what);
    if (trouble->more) wst_tool_say("and %u more of the kind", trouble->more);
    return WST_TOOL_TROUBLE;
}

static int refuse(const struct request *r, const struct wst_replay_script *script,
                  enum wst_replay_end end, const char *error)
{
    uint64_t unread = wst_replay_script_facts(script).unread;
    static const char *const advice[] = {
        [WST_REPLAY_FINE] = "",
        [WST_REPLAY_NONE] = "",
        [WST_REPLAY_MANY] = "; choose one with --conn N",
        [WST_REPLAY_UNCERTAIN] =
            "; nothing was sent (--skip-uncertain leaves out what is not whole)",
        [WST_REPLAY_MEMORY] = " (--memory)",
    };

    if (end == WST_REPLAY_NONE && unread)
        wst_tool_say("%s: %s; %" PRIu64 " TLS or QUIC connection%s could not be read: no secrets "
                     "for %s (--keylog FILE)",
                     r->capture, error, unread, unread == 1 ? "" : "s",
                     unread == 1 ? "it" : "them");
    else
        wst_tool_say("%s: %s%s", r->capture, error, advice[end]);
    return WST_TOOL_TROUBLE;
}

/* Confined by now. */
static int read_recording(const struct request *r, struct wst_capture *capture,
                          const struct wst_tool_source *source, struct wst_replay_script *script)
{
    struct wst_listener listener = wst_replay_script_listener(script);
    struct wst_tool_trouble trouble = {0};
    struct wst_options options;
    char error[WST_REPLAY_ERROR_SIZE];
    enum wst_replay_end end;

    wst_options_init(&options);
    options.headers = true;
    options.problems = WST_PROBLEMS_FIRST;
    options.limits.max_message = (size_t)r->options.max_message;
    options.limits.memory = (size_t)r->options.memory;
    wst_tool_feed(capture, r->capture, source, &options, &listener, &trouble);
    end = wst_replay_script_end(script, error);
    if (wst_tool_trouble_is(&trouble) && !r->skip_uncertain) return say_trouble(&trouble);
    if (wst_tool_trouble_is(&trouble)) say_trouble(&trouble);
    if (end != WST_REPLAY_FINE) return refuse(r, script, end, error);
    if (*error) wst_tool_say("%s: left out what is not whole, first: %s", r->capture, error);
    return 0;
}

/* -- the conversation -------------------------------------------------------------------------- */

/* Once it has answered, the system's answers to such short questions do not fail. */
static bool have_random(void)
{
    uint8_t byte;

    return getentropy(&byte, 1) == 0;
}

static void random_bytes(void *user, uint8_t *p, size_t n)
{
    (void)user;
    while (getentropy(p, n) != 0) continue;
}

static void begin(const struct request *r, struct wst_tool_run *run)
{
    char name[64];
    const char *link_type = wst_capture_link_type_name(WST_REPLAY_LINK_TYPE, name);
    struct wst_event_meta meta = {
        .sources = &r->url_text, .sources_n = 1, .link_types = &link_type, .link_types_n = 1};

    wst_context_begin(run->context, &meta);
}

static int converse(const struct request *r, struct wst_tool_run *run, struct wst_replay *replay,
                    int dial)
{
    bool opened = false;
    struct wst_tool_talk talk = {.dial = dial,
                                 .replay = replay,
                                 .save = &run->save,
                                 .flush = wst_tool_run_flush,
                                 .user = run,
                                 .timeout_ns = r->timeout_ns,
                                 .opened = &opened};
    int status, closed;

    run->also = wst_replay_listener(replay);
    run->prompt = true; /* the replay goes by what is told */
    if (!wst_tool_run_make_chain(run)) return -1;
    talk.context = run->context;
    wst_tool_stop_on_signals(run->capture);
    begin(r, run);
    if (wst_tool_save_begin(&run->save, WST_REPLAY_LINK_TYPE) != 0) return WST_TOOL_TROUBLE;
    status = wst_tool_talk(&talk, r->url_text);
    /* People need no figures of nothing. */
    if (opened || run->options->json) wst_context_finish(run->context, NULL);
    wst_tool_run_flush(run);
    run->save_status = wst_tool_save_close(&run->save, NULL);
    closed = wst_tool_run_close_outputs(run);
    return closed ? closed : status;
}

static int replay(const struct request *r, struct wst_tool_run *run,
                  const struct wst_replay_script *script, int dial)
{
    struct wst_replay_options options = {.url = &r->url,
                                         .headers = r->headers,
                                         .headers_n = r->headers_n,
                                         .recorded_headers = r->send_headers,
                                         .recorded_pace = r->pace,
                                         .plain = r->plain,
                                         .fragments = r->fragments,
                                         .timeout_ns = r->timeout_ns,
                                         .random = random_bytes};
    char error[WST_REPLAY_ERROR_SIZE] = "the system has no random numbers";
    struct wst_replay *played = have_random() ? wst_replay_new(script, &options, error) : NULL;
    int status;

    if (played == NULL) {
        wst_tool_say("%s", error);
        return WST_TOOL_TROUBLE;
    }
    status = converse(r, run, played, dial);
    wst_replay_free(played);
    return status;
}

/* -- the order of it all ----------------------------------------------------------------------- */

struct stage { /* what is open */
    struct wst_tool_inlet inlet;
    struct wst_capture *recording; /* owned until it is read */
    struct wst_replay_script *script;
    struct wst_tool_run run;
    const char **inputs;
    int dial;
};

static int start_dialer(const struct request *r, struct stage *s)
{
    struct wst_tool_dialled to = {.host = r->url.host,
                                  .port = r->url.port,
                                  .proxy = *r->proxy.host ? &r->proxy : NULL,
                                  .secure = r->url.secure,
                                  .insecure = r->insecure,
                                  .timeout_ms = (int)((r->timeout_ns + 999999) / 1000000),
                                  .confinement = &r->options.confinement};

    s->dial = wst_tool_dial_start(&to);
    if (s->dial >= 0) return 0;
    wst_tool_say("cannot start another process: %s", strerror(errno));
    return WST_TOOL_TROUBLE;
}

/* Everything is opened, and then nothing can be any more. The dialer comes last: it lets go of what
 * is open by then. */
static int open_all(const struct request *r, struct stage *s)
{
    const struct wst_tool_options *o = &r->options;
    struct wst_replay_script_options script = {
        .conn = o->conn, .memory = (size_t)o->memory, .skip_uncertain = r->skip_uncertain};
    struct wst_tool_trouble trouble = {0};
    size_t inputs_n = 1;
    int status;

    s->run.capture = wst_capture_new(); /* of nothing: signals stop it */
    s->script = wst_replay_script_new(&script);
    s->inputs = calloc(WST_TOOL_KEYS_NAMES(&o->keys) + 1, sizeof *s->inputs);
    if (!s->run.capture || !s->script || !s->inputs ||
        !wst_tool_inlet_begin(&s->inlet, NULL, &o->keys, 0, 0))
        return -1;
    s->inputs[0] = r->capture;
    inputs_n += wst_tool_keys_names(&o->keys, s->inputs + 1);
    s->inlet.source.alone = true;
    s->recording = wst_tool_feed_open(r->capture, &s->inlet.source, &trouble);
    if (s->recording == NULL) return say_trouble(&trouble);
    s->run.read = s->inputs;
    s->run.read_n = inputs_n;
    if ((status = wst_tool_run_open_outputs(&s->run)) != 0) return status;
    if (!wst_tool_inlet_serve(&s->inlet, NULL, &trouble)) return say_trouble(&trouble);
    if ((status = start_dialer(r, s)) != 0) return status;
    return wst_tool_confine(&o->confinement, NULL, 0);
}

static int run_all(const struct request *r, struct stage *s)
{
    struct wst_capture *recording;
    int status = open_all(r, s);

    if (status) return status;
    recording = s->recording;
    s->recording = NULL;
    status = read_recording(r, recording, &s->inlet.source, s->script);
    return status ? status : replay(r, &s->run, s->script, s->dial);
}

static int run(struct request *r)
{
    struct wst_tool_options shown = r->options; /* --conn is about the recording */
    struct stage s = {.run = {.options = &shown,
                              .output = {.fd = -1},
                              .save.output.fd = -1,
                              .scratch.output.fd = -1},
                      .dial = -1};
    int status;

    shown.conn = 0;
    status = run_all(r, &s);
    if (status < 0) {
        wst_tool_say("out of memory");
        status = WST_TOOL_TROUBLE;
    }
    wst_tool_stop_on_signals(NULL);
    if (s.dial >= 0) close(s.dial);
    wst_tool_save_free(&s.run.save);
    wst_context_free(s.run.context);
    wst_render_free(s.run.render);
    wst_apps_free(s.run.apps);
    wst_capture_free(s.run.capture);
    wst_capture_free(s.recording);
    wst_replay_script_free(s.script);
    wst_tool_inlet_end(&s.inlet);
    free(s.inputs);
    return status;
}

int wst_tool_replay(int argc, char **argv)
{
    struct wst_tool_arg rows[OWN + TAKEN];
    struct request r = {.timeout_ns = 5000000000};
    int status;

    r.headers = calloc((size_t)argc + 1, sizeof *r.headers);
    if (r.headers == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    make_rows(rows);
    wst_tool_options_defaults(&r.options);
    r.options.wants = wants;
    status = wst_tool_options_parse(&r.options, rows, OWN + TAKEN, argc, argv);
    if (status == 0 && r.options.help)
        status = help(rows);
    else if (status == 0 && r.options.version)
        status = wst_tool_version();
    else if (status == 0 && (status = settle(&r)) == 0)
        status = run(&r);
    wst_tool_options_free(&r.options);
    free(r.headers);
    return status;
}
