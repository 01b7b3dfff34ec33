/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: what it names as a live table on the terminal.
 * Refuses nothing of its own; the screen needs a terminal.
 */
#include "command.h"
#include "devices.h"
#include "options.h"
#include "output.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>

static int help(const struct wst_tool_arg *rows, size_t n)
{
    puts("Usage: wstrace top [OPTION...] -i NAME [FILTER]\n"
         "       wstrace top [OPTION...] FILE...\n\n"
         "A table of the connections, as they are now. Keys:\n\n"
         "  up, down, page up, page down    choose a connection, or a line of one\n"
         "  enter, esc                      open the connection chosen; back to the table\n"
         "  s                               sort by traffic, age, last message, problems\n"
         "  /                               show only what holds a text; esc: everything again\n"
         "  p                               pause: nothing moves, nothing is lost\n"
         "  x                               the payload chosen in hex, or as text again\n"
         "  q                               quit");
    wst_tool_args_help(stdout, rows, n);
    return wst_tool_stdout_done();
}

int wst_tool_top(int argc, char **argv)
{
    struct wst_tool_options options;
    struct wst_tool_arg *rows = calloc(wst_tool_trace_args_n, sizeof *rows);
    size_t n;
    int status;

    if (rows == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    n = wst_tool_reading_args(rows);
    wst_tool_options_defaults(&options);
    options.top = options.quiet = true;
    status = wst_tool_options_parse(&options, rows, n, argc, argv);
    if (status == 0)
        status = options.help           ? help(rows, n)
                 : options.version      ? wst_tool_version()
                 : options.list_devices ? wst_tool_devices_list()
                 : options.list_link_types
                     ? wst_tool_devices_link_types(options.devices_n ? options.devices[0] : NULL)
                     : wst_tool_trace_run(&options);
    wst_tool_options_free(&options);
    free(rows);
    return status;
}
