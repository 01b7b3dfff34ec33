/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: the WebSocket connections of the captures it names as an HTTP Archive.
 * Refuses to pour an archive over a terminal.
 */
#include "command.h"
#include "devices.h"
#include "options.h"
#include "output.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct wst_tool_options, field)

/* clang-format off */
static const struct wst_tool_arg own[] = {
    {"Archive", 'o', "output", "FILE", WST_TOOL_WORD, AT(output), 0, 0, NULL, "write the archive to FILE instead of standard output"},
    {NULL, 0, "max-payload", "SIZE", WST_TOOL_SIZE, AT(max_payload), 0, UINT64_MAX, NULL, "bytes of a message's payload in the archive (default: all of it)"},
    {NULL, 'q', "quiet", NULL, WST_TOOL_FLAG, AT(quiet), 0, 0, NULL, "no progress"},
};
/* clang-format on */
enum { OWN = sizeof own / sizeof *own };

static int help(const struct wst_tool_arg *rows, size_t n)
{
    puts("Usage: wstrace har [OPTION...] FILE... -o ARCHIVE\n\n"
         "Writes an HTTP Archive (HAR 1.2): an entry for each WebSocket connection, refused ones,\n"
         "too, with its messages as Chrome writes them. Browsers and other tools import it. It\n"
         "holds cookies, keys and payloads as they were sent: mind who gets it. Written at the\n"
         "end; what does not fit into memory waits in an unnamed file beside the archive, else in\n"
         "TMPDIR, /var/tmp or /tmp.");
    wst_tool_args_help(stdout, rows, n);
    return wst_tool_stdout_done();
}

static int har(struct wst_tool_options *options, const struct wst_tool_arg *rows, size_t n)
{
    if (options->help) return help(rows, n);
    if (options->version) return wst_tool_version();
    if (options->list_devices) return wst_tool_devices_list();
    if (options->list_link_types)
        return wst_tool_devices_link_types(options->devices_n ? options->devices[0] : NULL);
    if ((options->output == NULL || strcmp(options->output, "-") == 0) && isatty(STDOUT_FILENO))
        return wst_tool_misuse("the archive goes to a file: give -o FILE");
    return wst_tool_trace_run(options);
}

int wst_tool_har(int argc, char **argv)
{
    struct wst_tool_options options;
    struct wst_tool_arg *rows = calloc(wst_tool_trace_args_n + OWN, sizeof *rows);
    size_t n;
    int status;

    if (rows == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    memcpy(rows, own, sizeof own);
    n = OWN + wst_tool_reading_args(rows + OWN);
    wst_tool_options_defaults(&options);
    options.har = true;
    status = wst_tool_options_parse(&options, rows, n, argc, argv);
    if (status == 0) status = har(&options, rows, n);
    wst_tool_options_free(&options);
    free(rows);
    return status;
}
