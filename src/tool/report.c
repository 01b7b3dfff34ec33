/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: the captures it names as one HTML page.
 * Refuses to pour a page over a terminal.
 */
#include "command.h"
#include "reading.h"

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

static const char help[] =
    "Usage: wstrace report [OPTION...] FILE... -o PAGE\n\n"
    "Writes one HTML page that needs nothing else: the messages, a ladder of each\n"
    "connection, frames bit by bit, handshakes, findings (all, unless --problems says\n"
    "otherwise), traffic over time. It loads nothing from the network. The page states\n"
    "what its limits left out.";

int wst_tool_report(int argc, char **argv)
{
    const struct wst_tool_reading reading = {help, own, sizeof own / sizeof *own, "page", NULL};
    struct wst_report_options page;
    struct wst_tool_options options;

    wst_tool_options_defaults(&options);
    wst_report_options_init(&page);
    options.report = true;
    options.problems = WST_PROBLEMS_ALL; /* each is shown where it happened */
    options.max_payload = page.max_payload;
    options.max_page = page.max_page;
    return wst_tool_reading_run(&reading, &options, argc, argv);
}
