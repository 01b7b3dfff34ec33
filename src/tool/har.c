/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: the WebSocket connections of the captures it names as an HTTP Archive.
 * Refuses to pour an archive over a terminal.
 */
#include "command.h"
#include "reading.h"

#define AT(field) offsetof(struct wst_tool_options, field)

/* clang-format off */
static const struct wst_tool_arg own[] = {
    {"Archive", 'o', "output", "FILE", WST_TOOL_WORD, AT(output), 0, 0, NULL, "write the archive to FILE instead of standard output"},
    {NULL, 0, "max-payload", "SIZE", WST_TOOL_SIZE, AT(max_payload), 0, UINT64_MAX, NULL, "bytes of a message's payload in the archive (default: all of it)"},
    {NULL, 0, "max-total", "SIZE", WST_TOOL_SIZE, AT(max_total), 1, UINT64_MAX, NULL, "no more of all payloads than SIZE (default: what no capture but a bomb has)"},
    {NULL, 'q', "quiet", NULL, WST_TOOL_FLAG, AT(quiet), 0, 0, NULL, "no progress"},
};
/* clang-format on */

static const char help[] =
    "Usage: wstrace har [OPTION...] FILE... -o ARCHIVE\n\n"
    "Writes an HTTP Archive (HAR 1.2): an entry for each WebSocket connection, refused ones,\n"
    "too, with its messages as Chrome writes them. Browsers and other tools import it. It\n"
    "holds cookies, keys and payloads as they were sent: mind who gets it. Written at the\n"
    "end; what does not fit into memory waits in an unnamed file beside the archive, else in\n"
    "TMPDIR, /var/tmp or /tmp.";

int wst_tool_har(int argc, char **argv)
{
    const struct wst_tool_reading reading = {help, own, sizeof own / sizeof *own, "archive", NULL};
    struct wst_tool_options options;

    wst_tool_options_defaults(&options);
    options.har = true;
    return wst_tool_reading_run(&reading, &options, argc, argv);
}
