/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include "command.h"
#include "devices.h"
#include "output.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int help(const struct wst_tool_reading *r, const struct wst_tool_arg *rows, size_t n)
{
    puts(r->help);
    wst_tool_args_help(stdout, rows, n);
    return wst_tool_stdout_done();
}

static int run(const struct wst_tool_reading *r, const struct wst_tool_options *o,
               const struct wst_tool_arg *rows, size_t n)
{
    if (o->help) return help(r, rows, n);
    if (o->version) return wst_tool_version();
    if (o->list_devices) return wst_tool_devices_list();
    if (o->list_link_types) return wst_tool_devices_link_types(o->devices_n ? o->devices[0] : NULL);
    if (r->thing && (o->output == NULL || strcmp(o->output, "-") == 0) && isatty(STDOUT_FILENO))
        return wst_tool_misuse("the %s goes to a file: give -o FILE", r->thing);
    return wst_tool_trace_run(o);
}

int wst_tool_reading_run(const struct wst_tool_reading *r, struct wst_tool_options *options,
                         int argc, char **argv)
{
    size_t n;
    struct wst_tool_arg *rows = wst_tool_reading_rows(r->own, r->own_n, &n);
    int status;

    if (rows == NULL) return WST_TOOL_TROUBLE;
    status = wst_tool_options_parse(options, rows, n, argc, argv);
    if (status == 0 && r->settle && !wst_tool_options_only_words(options))
        status = r->settle(options);
    if (status == 0) status = run(r, options, rows, n);
    wst_tool_options_free(options);
    free(rows);
    return status;
}
