/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: the captures it names as one HTML page.
 * Refuses to pour a page over a terminal.
 */
#include "command.h"
#include "devices.h"
#include "options.h"
#include "output.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wstrace/report.h>

#define AT(field) offsetof(struct wst_tool_options, field)

/* clang-format off */
static const struct wst_tool_arg own[] = {
    {"Page", 'o', "output", "FILE", WST_TOOL_WORD, AT(output), 0, 0, NULL, "write the page to FILE instead of standard output"},
    {NULL, 0, "max-payload", "SIZE", WST_TOOL_SIZE, AT(max_payload), 0, UINT64_MAX, NULL, "bytes of a message's payload in the page (default 64K)"},
    {NULL, 0, "max-page", "SIZE", WST_TOOL_SIZE, AT(max_page), 1 << 16, WST_REPORT_PAGE_MOST, NULL, "bytes of all events in the page (default 64M, at most 500M)"},
    {NULL, 'q', "quiet", NULL, WST_TOOL_FLAG, AT(quiet), 0, 0, NULL, "no progress"},
};
/* clang-format on */
enum { OWN = sizeof own / sizeof *own };

static int help(const struct wst_tool_arg *rows, size_t n)
{
    puts("Usage: wstrace report [OPTION...] FILE... -o PAGE\n\n"
         "Writes one HTML page that needs nothing else: the messages, a ladder of each\n"
         "connection, frames bit by bit, handshakes, findings (all, unless --problems says\n"
         "otherwise), traffic over time. It loads nothing from the network. The page states\n"
         "what its limits left out.");
    wst_tool_args_help(stdout, rows, n);
    return wst_tool_stdout_done();
}

static int report(struct wst_tool_options *options, const struct wst_tool_arg *rows, size_t n)
{
    if (options->help) return help(rows, n);
    if (options->version) return wst_tool_version();
    if (options->list_devices) return wst_tool_devices_list();
    if (options->list_link_types)
        return wst_tool_devices_link_types(options->devices_n ? options->devices[0] : NULL);
    if (options->output == NULL && isatty(STDOUT_FILENO))
        return wst_tool_misuse("the page goes to a file: give -o FILE");
    return wst_tool_trace_run(options);
}

int wst_tool_report(int argc, char **argv)
{
    struct wst_report_options page;
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
    wst_report_options_init(&page);
    options.report = true;
    options.problems = WST_PROBLEMS_ALL; /* each is shown where it happened */
    options.max_payload = page.max_payload;
    options.max_page = page.max_page;
    status = wst_tool_options_parse(&options, rows, n, argc, argv);
    if (status == 0) status = report(&options, rows, n);
    wst_tool_options_free(&options);
    free(rows);
    return status;
}
