/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: what it names as a live table on the terminal.
 * Refuses nothing of its own; the screen needs a terminal.
 */
#include "command.h"
#include "reading.h"

static const char help[] =
    "Usage: wstrace top [OPTION...] -i NAME [FILTER]\n"
    "       wstrace top [OPTION...] FILE...\n\n"
    "A table of the connections, as they are now. Keys:\n\n"
    "  up, down, page up, page down    choose a connection, or a line of one\n"
    "  enter, esc                      open the connection chosen; back to the table\n"
    "  s                               sort by traffic, age, last message, problems\n"
    "  /                               show only what holds a text; esc: everything again\n"
    "  p                               pause: nothing moves, nothing is lost\n"
    "  x                               the payload chosen in hex, or as text again\n"
    "  q                               quit";

int wst_tool_top(int argc, char **argv)
{
    const struct wst_tool_reading reading = {.help = help};
    struct wst_tool_options options;

    wst_tool_options_defaults(&options);
    options.top = options.quiet = true;
    return wst_tool_reading_run(&reading, &options, argc, argv);
}
