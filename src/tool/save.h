/* SPDX-License-Identifier: MIT
 *
 * In: packets, and what the timeline made of them. Out: the files of -w, rotated as -G, -C and -W
 * say. Refuses to write over one of its own inputs.
 */
#ifndef WST_TOOL_SAVE_H
#define WST_TOOL_SAVE_H

#include "broker.h"
#include "options.h"
#include "output.h"

#include <wstrace/save.h>
#include <wstrace/wstrace.h>

struct wst_tool_save {
    const struct wst_tool_options *options; /* NULL: nothing is saved, all calls do nothing */
    struct wst_tool_naming naming;
    struct wst_tool_output output;
    struct wst_save *save;
    bool rotates;
    char name[WST_TOOL_NAME_SIZE];  /* of a row's newest file */
    bool lacks;                     /* the row: a file that could not be had, or was removed */
    struct wst_tool_broker *broker; /* opens the files of a row; set it before the first */
    int64_t began_ns;               /* when the period of -G began */
    unsigned count;                 /* of files in it */
    unsigned files;                 /* of periods so far, for -W */
    uint32_t link_type;             /* of the files */
    uint64_t refused;               /* packets of another link type, left out */
};

/* Opens the file, unless there will be a row of them, as who the tool was started as. Returns 0 or
 * the exit status after a complaint. Close in either case. */
int wst_tool_save_open(struct wst_tool_save *save, const struct wst_tool_options *options,
                       const char *const *inputs, size_t inputs_n);
/* `link_type`: of the capture's first source. */
int wst_tool_save_begin(struct wst_tool_save *save, uint32_t link_type);
/* Returns 0, or 1 when saving has come to its end: -W, or an error. */
int wst_tool_save_packet(struct wst_tool_save *save, const struct wst_packet *packet,
                         const struct wst_context *context);
/* What waited of this conversation is wanted. `user` is the wst_tool_save; see wst_context_chosen.
 */
void wst_tool_save_websocket(void *user, uint64_t stream);
void wst_tool_save_flush(struct wst_tool_save *save);
/* `counters`: of a live capture, or NULL. Returns 0 or the exit status. */
int wst_tool_save_close(struct wst_tool_save *save, const struct wst_counters *counters);

void wst_tool_save_free(struct wst_tool_save *save); /* any number of times */

#endif
