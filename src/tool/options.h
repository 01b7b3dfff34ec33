/* SPDX-License-Identifier: MIT
 *
 * In: the command line of a trace. Out: struct wst_tool_options.
 * Refuses contradictions: -r beside -i, a filter for no file, two filters for one.
 */
#ifndef WST_TOOL_OPTIONS_H
#define WST_TOOL_OPTIONS_H

#include "args.h"
#include "confine.h"
#include "keys.h"

#include <stdbool.h>
#include <wstrace/wstrace.h>

/* Columns for the payload: with what stands before it, a line of a wide terminal. */
enum { WST_TOOL_MAX_TEXT = 64 };

enum wst_tool_colour { WST_TOOL_COLOUR_AUTO, WST_TOOL_COLOUR_ALWAYS, WST_TOOL_COLOUR_NEVER };

struct wst_tool_item { /* in the order of the command line, until it is known what words are */
    enum { WST_TOOL_READ, WST_TOOL_FILE_FILTER, WST_TOOL_PLAIN_WORD } sort;
    const char *text;
};

struct wst_tool_file {
    const char *name;
    const char *filter; /* -f, or NULL */
    bool word;          /* named without -r */
};

struct wst_tool_options {
    struct wst_tool_item *items; /* owned; freed when settled */
    size_t items_n;
    struct wst_tool_file *files; /* owned */
    size_t files_n;
    char *filter;            /* owned; trailing words or the text of -F; NULL: none */
    const char *filter_file; /* -F */
    const char **devices;    /* -i, owned; none: files */
    size_t devices_n;
    const char *link_type;            /* -y */
    const char *wants;                /* said when no capture is named; NULL: the usual */
    const char *output;               /* -o */
    const char *grep;                 /* --grep; NULL: all */
    struct wst_tool_key_options keys; /* --keylog, --rsa-key; lists owned */
    const char *plaintext;            /* --tls-plaintext */
    const char *embed;                /* --embed-keys */
    uint64_t count;                   /* -c; 0: no end */
    uint64_t snaplen, buffer_kib, queue, conn;
    uint64_t stats_seconds;                              /* --stats; 0: never */
    const char *write;                                   /* -w */
    uint64_t rotate_seconds, rotate_bytes, rotate_files; /* -G, -C, -W; 0: not */
    uint64_t max_text, max_payload, max_message, memory;
    uint64_t jobs;           /* --jobs; 0: as seems best */
    unsigned times, verbose; /* how many -t, how many -v */
    enum wst_dir dir;
    uint16_t ops;
    enum wst_tool_colour colour;
    enum wst_problems_told problems;
    uint64_t max_page; /* of a report */
    struct wst_tool_confinement confinement;
    bool report, json, quiet, line_buffered, headers, utc, no_promiscuous, verify_checksums;
    bool only_websocket, packet_buffered, print, ignore_case, apps, no_apps;
    bool dump_text, dump_hex; /* -A, -X */
    bool list_devices, list_link_types, help, version;
    bool lint; /* findings only */
    bool top;  /* on a screen of its own */
    bool har;  /* an HTTP Archive */
    bool extract, streams, list_files; /* payloads into files: of messages, or of directions */
    uint64_t max_files, max_total;     /* bytes of all of them */
};

/* The table of tracing. */
extern const struct wst_tool_arg wst_tool_trace_args[];
extern const size_t wst_tool_trace_args_n;

/* A command's own rows, and behind them those that every command reading captures has: all groups
 * of trace's but "Output" and "Saving packets". To be freed; NULL after a complaint. */
struct wst_tool_arg *wst_tool_reading_rows(const struct wst_tool_arg *own, size_t own_n, size_t *n);

/* The row of tracing that has this long name, or (one character) this letter. */
const struct wst_tool_arg *wst_tool_trace_row(const char *name);

void wst_tool_options_defaults(struct wst_tool_options *options);
/* Fills *options, which hold their defaults, by the rows. Returns 0, or the exit status after a
 * complaint. Free in either case. */
int wst_tool_options_parse(struct wst_tool_options *options, const struct wst_tool_arg *rows,
                           size_t n, int argc, char **argv);
void wst_tool_options_free(struct wst_tool_options *options);
/* Help, version and lists: no capture is read, and nothing else of the options settled. */
bool wst_tool_options_only_words(const struct wst_tool_options *options);

/* Reads the captures that the options name, and writes what they ask for. Returns the exit status.
 */
int wst_tool_trace_run(const struct wst_tool_options *options);

#endif
