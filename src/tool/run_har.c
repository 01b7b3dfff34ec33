/* SPDX-License-Identifier: MIT
 *
 * In: a run that writes an archive. Out: the archive's sink; in the end what is not in it.
 * Refuses nothing.
 */
#include "run.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ALONE = 256 << 20 }; /* bytes of memory, when there is no file to go on with */

void wst_tool_run_open_scratch(struct wst_tool_run *run)
{
    if (wst_tool_scratch_open(&run->scratch, run->options->output)) return;
    wst_tool_say("no temporary file (%s); what does not fit into %d MiB of memory will be left out",
                 strerror(errno), ALONE >> 20);
}

static void add(char *text, size_t size, const char *word)
{
    size_t n = strlen(text);

    snprintf(text + n, size - n, "%s%s", n ? ", " : "only a selection: ", word);
}

/* What is not there because it was not asked for must not look as if it had not been said. */
static const char *selection(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;
    char *text = run->selection, word[64];
    const size_t size = sizeof run->selection;

    if (o->conn) {
        snprintf(word, sizeof word, "connection %" PRIu64, o->conn);
        add(text, size, word);
    }
    if (o->dir != WST_DIR_NONE)
        add(text, size, o->dir == WST_C2S ? "what clients sent" : "what servers sent");
    for (unsigned i = 0; i < 16; i++) {
        if (!(o->ops >> i & 1)) continue;
        snprintf(word, sizeof word, "opcode %u", i);
        add(text, size, word);
    }
    if (o->count) {
        snprintf(word, sizeof word, "the first %" PRIu64 " packets", o->count);
        add(text, size, word);
    }
    return *text ? text : NULL;
}

bool wst_tool_run_make_har(struct wst_tool_run *run)
{
    struct wst_har_options options;

    wst_har_options_init(&options);
    if (run->scratch.output.fd >= 0)
        options.spool = &run->scratch.spool;
    else
        options.memory = ALONE;
    options.cut = wst_tool_output_cut;
    options.comment = selection(run);
    options.max_total = run->options->max_total;
    run->har = wst_har_new(&options, wst_tool_output_write, &run->output);
    if (run->har) run->sink = wst_har_listener(run->har);
    return run->har != NULL;
}

static void say_bare(uint64_t max_total, uint64_t n)
{
    char most[96];

    snprintf(most, sizeof most, "%" PRIu64 " byte%s", max_total, max_total == 1 ? "" : "s");
    if (max_total == 0)
        snprintf(most, sizeof most, "%d times what was on the wire, and than %d GiB",
                 WST_HAR_GROWTH, (int)(WST_HAR_TOTAL >> 30));
    wst_tool_say("%" PRIu64 " message%s in the archive without %s: more than %s in all "
                 "(--max-total)",
                 n, n == 1 ? " is" : "s are", n == 1 ? "its payload" : "their payloads", most);
}

int wst_tool_run_har_left(const struct wst_tool_run *run)
{
    struct wst_har_left left = wst_har_left(run->har);
    const char *why = run->scratch.output.error ? strerror(run->scratch.output.error) : NULL;

    if (left.unread)
        wst_tool_say("the temporary file cannot be read: %s; the archive ends early",
                     why ? why : "out of memory");
    else if (left.connections || left.items)
        wst_tool_say("the archive lacks %" PRIu64 " connection%s and %" PRIu64
                     " message%s and the like: %s%s",
                     left.connections, left.connections == 1 ? "" : "s", left.items,
                     left.items == 1 ? "" : "s", why ? "temporary file: " : "out of memory",
                     why ? why : "");
    if (left.payloads) say_bare(run->options->max_total, left.payloads);
    return left.unread || left.connections || left.items || left.payloads ? WST_TOOL_TROUBLE : 0;
}
