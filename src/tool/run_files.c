/* SPDX-License-Identifier: MIT
 *
 * In: options. Out: every file and device open that this run reads or writes, and its sandbox.
 * Refuses to write over an input, or an old output when an input is missing.
 */
#include "broker.h"
#include "confine.h"
#include "run.h"
#include "say.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One name, or all that a pattern matches. */
static bool add_files(struct wst_tool_run *run, size_t i)
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

bool wst_tool_run_add_sources(struct wst_tool_run *run)
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

/* Looked at before an old output loses its bytes. Returns how many inputs are not there. */
int wst_tool_run_missing_inputs(const struct wst_tool_run *run)
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

/* Captures, and what else somebody may name by mistake where an output belongs. */
bool wst_tool_run_note_read(struct wst_tool_run *run)
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

int wst_tool_run_open_outputs(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;
    const char *owner = wst_tool_confine_owner(&o->confinement);
    int status = 0;

    run->silent = o->write && !o->print;
    run->blind = run->silent && !o->only_websocket && !o->stats_seconds;
    if (o->extract)
        status = wst_tool_run_open_folder(run);
    else if (!run->silent)
        status = wst_tool_output_open(&run->output, o->output, owner, run->read, run->read_n);
    if (status) return status;
    if (o->har) wst_tool_run_open_scratch(run);
    return wst_tool_save_open(&run->save, o, run->read, run->read_n);
}

/* A connection without its key: the secrets may stand behind the packets. */
static void on_wanted(void *user)
{
    struct wst_tool_run *run = user;

    wst_capture_secrets_ahead(run->capture, wst_tool_keys_secrets, &run->keys);
}

static void on_plain(void *user, const struct wst_tls_plain *plain)
{
    struct wst_tool_run *run = user;

    wst_tool_plaintext_write(&run->plaintext, plain);
}

static void on_used_secrets(void *user, struct wst_slice lines)
{
    struct wst_tool_run *run = user;

    run->secrets_fit = true;
    if (wst_tool_sensitive_wanted(&run->embedded)) wst_tool_embed_secrets(&run->embedded, lines);
}

/* A pipe that may still grow while it is read. */
static bool reads_pipe(const struct wst_tool_run *run)
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
int wst_tool_run_open_encrypted(struct wst_tool_run *run)
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
    if (wst_tool_sensitive_wanted(&run->embedded) || run->keys.logs_n)
        hooks.secrets = on_used_secrets;
    wst_context_tls(run->context, &hooks);
    run->busy = follow || wst_tool_sensitive_wanted(&run->embedded) || o->write;
    return 0;
}

/* Lines leave packet by packet when asked to, or when a person or a running pipe is at either end.
 * A device pauses when it has nothing more (attend.c), which is as soon and costs less. Not event
 * by event: text joins a frame and its message, which one packet completes. */
bool wst_tool_run_want_prompt(const struct wst_tool_run *run)
{
    if (run->options->line_buffered) return true;
    if (run->options->har) return false; /* nothing leaves before the end */
    if (run->options->devices_n) return false;
    return (isatty(run->output.fd) && !run->options->extract) || reads_pipe(run);
}

/* Whoever has to open files later does it through another process: this one will not be able to. */
int wst_tool_run_start_broker(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;
    struct wst_tool_brokered brokered = {.owner = wst_tool_confine_owner(&o->confinement)};
    const char **names = calloc(WST_TOOL_KEYS_NAMES(&o->keys), sizeof *names);
    int status = 0;

    if (names == NULL) return -1;
    brokered.readable = names;
    if (run->save.rotates) brokered.naming = run->save.naming;
    if (run->keys.follow) brokered.readable_n = wst_tool_keys_names(&o->keys, names);
    brokered.deposits = run->folder >= 0;
    brokered.folder = run->folder;
    if (run->save.rotates || brokered.readable_n || brokered.deposits) {
        run->broker = wst_tool_broker_start(&brokered);
        if (run->broker == NULL) {
            wst_tool_say("cannot start another process: %s", strerror(errno));
            status = WST_TOOL_TROUBLE;
        }
    }
    free(names);
    run->save.broker = run->keys.broker = run->broker;
    if (run->payloads && brokered.deposits) run->payloads->broker = run->broker;
    if (run->folder >= 0) close(run->folder); /* the broker has it */
    run->folder = -1;
    return status;
}

int wst_tool_run_confine(const struct wst_tool_run *run)
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
int wst_tool_run_close_outputs(struct wst_tool_run *run)
{
    int status = wst_tool_output_close(&run->output);

    if (wst_tool_sensitive_close(&run->plaintext)) status = WST_TOOL_TROUBLE;
    if (wst_tool_sensitive_close(&run->embedded)) status = WST_TOOL_TROUBLE;
    return run->save_status ? run->save_status : status;
}
