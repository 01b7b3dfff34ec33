/* SPDX-License-Identifier: MIT
 *
 * In: "cap-*.pcapng". Out: the files meant, in the order in which their packets came.
 * Refuses to trust names with that order: cap10 comes before cap2 in a list, and a ring of files
 * (-C with -W) begins anywhere.
 */
#include "pattern.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wstrace/capture.h>

struct dated {
    char *name;
    int64_t ns; /* of the first packet; INT64_MAX: there is none */
};

static int first_packet(void *user, const struct wst_packet *packet)
{
    *(int64_t *)user = packet->when.ns;
    return 1;
}

static int64_t begins(const char *name)
{
    struct wst_capture *capture = wst_capture_new();
    int64_t ns = INT64_MAX;
    struct wst_capture_sink sink = {.user = &ns, .packet = first_packet};
    char error[WST_CAPTURE_ERROR_SIZE];

    if (capture && wst_capture_add_file(capture, name, NULL) == 0 &&
        wst_capture_open(capture, error) == 0)
        wst_capture_run(capture, &sink);
    wst_capture_free(capture);
    return ns;
}

/* Two that begin alike stay in the order of their names. */
static int compare(const void *left, const void *right)
{
    const struct dated *a = left, *b = right;

    if (a->ns != b->ns) return a->ns < b->ns ? -1 : 1;
    return strcmp(a->name, b->name);
}

static bool take(struct wst_tool_pattern *pattern, const glob_t *found)
{
    struct dated *all = calloc(found->gl_pathc + 1, sizeof *all);

    pattern->names = calloc(found->gl_pathc + 1, sizeof *pattern->names);
    if (all == NULL || pattern->names == NULL) {
        free(all);
        return false;
    }
    for (size_t i = 0; i < found->gl_pathc; i++)
        all[i] = (struct dated){found->gl_pathv[i], begins(found->gl_pathv[i])};
    qsort(all, found->gl_pathc, sizeof *all, compare);
    for (; pattern->n < found->gl_pathc; pattern->n++)
        if ((pattern->names[pattern->n] = strdup(all[pattern->n].name)) == NULL) break;
    free(all);
    return pattern->n == found->gl_pathc;
}

bool wst_tool_pattern_find(struct wst_tool_pattern *pattern, const char *name)
{
    glob_t found;
    bool taken;

    *pattern = (struct wst_tool_pattern){NULL, 0};
    if (strpbrk(name, "*?[") == NULL || access(name, F_OK) == 0) return false;
    if (glob(name, 0, NULL, &found) != 0) return false;
    taken = take(pattern, &found);
    globfree(&found);
    return taken;
}

void wst_tool_pattern_free(struct wst_tool_pattern *pattern)
{
    for (size_t i = 0; i < pattern->n; i++) free(pattern->names[i]);
    free(pattern->names);
    *pattern = (struct wst_tool_pattern){NULL, 0};
}
