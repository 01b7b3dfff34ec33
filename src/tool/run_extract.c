/* SPDX-License-Identifier: MIT
 *
 * In: a run that extracts payloads. Out: the folder they go into, and their sink.
 * Refuses a folder that holds something: what was there and what is new could not be told apart.
 */
#include "create.h"
#include "folder.h"
#include "run.h"
#include "say.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int wst_tool_run_open_folder(struct wst_tool_run *run)
{
    const char *name = run->options->output;
    int status = wst_tool_output_open(&run->output, NULL, NULL, run->read, run->read_n);

    if (status || strcmp(name, "-") == 0) return status;
    run->folder = wst_tool_create_folder(name, wst_tool_confine_owner(&run->options->confinement));
    if (run->folder >= 0) return 0;
    wst_tool_say("%s: %s", name,
                 errno == ENOTEMPTY ? "there are files in it; extract wants a new folder, or an "
                                      "empty one"
                 : errno == ELOOP && geteuid() == 0 ? WST_TOOL_CROSSED
                                                    : strerror(errno));
    return WST_TOOL_TROUBLE;
}

bool wst_tool_run_make_payloads(struct wst_tool_run *run)
{
    const struct wst_tool_options *o = run->options;

    run->payloads = wst_tool_payloads_new();
    if (run->payloads == NULL) return false;
    run->payloads->streams = o->streams;
    run->payloads->max_files = o->max_files;
    run->payloads->max_total = o->max_total;
    run->payloads->output = &run->output;
    run->payloads->tell = o->list_files;
    run->sink = wst_tool_payloads_listener(run->payloads);
    return true;
}
