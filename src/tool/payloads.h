/* SPDX-License-Identifier: MIT
 *
 * In: messages. Out: their payloads, as they are: a file for each, or one for each direction of a
 * connection, or standard output.
 * Refuses to let what lacks bytes look like what is whole: a beginning is called one, and behind a
 * hole a stream goes on in another file.
 */
#ifndef WST_TOOL_PAYLOADS_H
#define WST_TOOL_PAYLOADS_H

#include "broker.h"
#include "output.h"

#include <stdbool.h>
#include <wstrace/wstrace.h>

enum {
    WST_TOOL_PAYLOADS_FILES = 100000, /* unless more are asked for */
    WST_TOOL_PAYLOADS_OPEN = 3072,    /* files of streams held open, where the system allows it */
    WST_TOOL_PAYLOADS_BUCKETS = 1024,
};

struct wst_tool_payload_stream;

struct wst_tool_payloads {
    /* Filled in by whoever made it. */
    bool streams;
    uint64_t max_files, max_total;  /* total: bytes */
    struct wst_tool_broker *broker; /* NULL: there is one stream, and it goes to `output` */
    struct wst_tool_output *output; /* told figures in the end, or … */
    bool tell;                      /* … the names of files */

    /* Read by him. */
    bool broken; /* no use going on: … */

    struct wst_tool_payload_stream *buckets[WST_TOOL_PAYLOADS_BUCKETS];
    struct wst_tool_payload_stream *open[WST_TOOL_PAYLOADS_OPEN];
    unsigned places; /* in `open` that may be taken */
    unsigned turn;   /* whose place is wanted next */

    uint64_t messages, bytes, files; /* written */
    uint64_t beginnings;             /* of these messages: less than all is known */
    uint64_t unknown;                /* messages of which nothing is */
    uint64_t unfinished;             /* messages that only have a beginning, by who sent it */
    uint64_t holes;                  /* that streams have */
    uint64_t forgotten;              /* connections for which there was no memory any more */
    uint64_t late;                   /* streams that were picked up without a handshake */
    uint64_t left_out;               /* messages beyond max_files */
    uint64_t too_much;               /* … and from the first one on that went beyond max_total */
    int error;                       /* … errno of what failed, or 0: the one stream has a hole */
    char name[WST_TOOL_DEPOSIT_NAME]; /* of the file that failed */
};

/* To be filled in. NULL: out of memory. */
struct wst_tool_payloads *wst_tool_payloads_new(void);
struct wst_listener wst_tool_payloads_listener(struct wst_tool_payloads *payloads);
/* Closes, and says what was not written, or not whole. Returns 0 or the exit status. */
int wst_tool_payloads_end(struct wst_tool_payloads *payloads);
void wst_tool_payloads_free(struct wst_tool_payloads *payloads);

#endif
