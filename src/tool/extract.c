/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: payloads of the captures it names, in files or on standard output.
 * Refuses to mix: standard output is one direction of one connection.
 */
#include "command.h"
#include "payloads.h"
#include "reading.h"
#include "say.h"

#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct wst_tool_options, field)
#define FLAG(field) WST_TOOL_FLAG, AT(field), 0, 0, NULL

/* clang-format off */
static const struct wst_tool_arg own[] = {
    {"Files", 'o', "output", "FOLDER", WST_TOOL_WORD, AT(output), 0, 0, NULL, "a folder for the files, new or empty; '-': standard output, see above"},
    {NULL, 0, "stream", NULL, FLAG(streams), "a file for each direction of a connection, not for each message"},
    {NULL, 0, "list", NULL, FLAG(list_files), "print the names of the files, a line each, instead of figures"},
    {NULL, 0, "max-files", "N", WST_TOOL_NUMBER, AT(max_files), 1, UINT64_MAX, NULL, "no more files than N (default 100000); what is left out is counted"},
    {NULL, 0, "max-total", "SIZE", WST_TOOL_SIZE, AT(max_total), 1, UINT64_MAX, NULL, "no more bytes in all than SIZE (default: any number); the same"},
    {NULL, 0, "max-payload", "SIZE", WST_TOOL_SIZE, AT(max_payload), 0, UINT64_MAX, NULL, "bytes of a message's payload written (default: all of it)"},
    {NULL, 0, "grep", "REGEX", WST_TOOL_WORD, AT(grep), 0, 0, NULL, "only messages that match; exit status 1: none"},
    {NULL, 0, "ignore-case", NULL, FLAG(ignore_case), "--grep takes capital and small letters of ASCII for the same"},
    {NULL, 'q', "quiet", NULL, FLAG(quiet), "no progress, no figures in the end"},
};
/* clang-format on */

static const char help[] =
    "Usage: wstrace extract [OPTION...] FILE... -o FOLDER\n"
    "       wstrace extract --conn N --dir DIRECTION [OPTION...] FILE... -o -\n\n"
    "Writes payloads as they are, put together, unmasked and inflated: a file for each text\n"
    "or binary message, conn1-msg4-s2c.txt (all of it UTF-8) or .bin. With --stream a file\n"
    "for each direction, conn1-s2c.bin, nothing between the messages, as tunnels want it; so\n"
    "does '-o -' with the one direction that --conn and --dir choose. What lacks bytes does\n"
    "not look whole: conn1-msg4-s2c.beginning.bin is as much as is known to be right, and\n"
    "behind a hole a stream goes on in conn1-s2c.2.bin; standard output ends there.";

static int settle(struct wst_tool_options *o)
{
    bool one = o->output && strcmp(o->output, "-") == 0;

    if (o->output == NULL)
        return wst_tool_misuse("extract makes many files: give -o FOLDER for them");
    if (o->ops & ~(1u << 1 | 1u << 2))
        return wst_tool_misuse("extract writes messages: --op text or binary (--json has the "
                               "payloads of control frames)");
    o->streams |= one;
    if (o->streams && o->grep)
        return wst_tool_misuse("--grep picks messages, and a stream is all that was said");
    if (!one) return 0;
    if (o->conn == 0 || o->dir == WST_DIR_NONE)
        return wst_tool_misuse("-o - is one direction of one connection: give --conn and --dir");
    if (o->list_files) return wst_tool_misuse("-o - makes no files that --list could list");
    if (isatty(STDOUT_FILENO))
        return wst_tool_misuse("payloads as they are do not go to a terminal: give -o FOLDER");
    return 0;
}

int wst_tool_extract(int argc, char **argv)
{
    const struct wst_tool_reading reading = {help, own, sizeof own / sizeof *own, NULL, settle};
    struct wst_tool_options options;

    wst_tool_options_defaults(&options);
    options.extract = true;
    options.max_files = WST_TOOL_PAYLOADS_FILES;
    options.max_total = UINT64_MAX;
    return wst_tool_reading_run(&reading, &options, argc, argv);
}
