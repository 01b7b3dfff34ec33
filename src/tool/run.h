/* SPDX-License-Identifier: MIT
 *
 * One reading of captures, as trace, lint, report, har and top share it: what is open, and what was
 * met.
 *
 *     run_files.c  sources and outputs: what is opened before anything is read, and closed behind
 *     run_chain.c  context, selection and renderer
 *     run_har.c    an archive, and where it waits
 *     run_extract.c  a folder of payloads
 *     run_tells.c  what the capture tells while it is read
 *     run_words.c  what is said of the command line and of the whole in the end
 *     trace.c      the order of it all
 */
#ifndef WST_TOOL_RUN_H
#define WST_TOOL_RUN_H

#include "attend.h"
#include "devices.h"
#include "heap.h"
#include "keys.h"
#include "options.h"
#include "output.h"
#include "pattern.h"
#include "payloads.h"
#include "progress.h"
#include "save.h"
#include "scratch.h"
#include "screen.h"
#include "sensitive.h"
#include "turns.h"

#include <stdbool.h>
#include <wstrace/apps.h>
#include <wstrace/report.h>
#include <wstrace/wstrace.h>

enum { WST_TOOL_UNREAD_MAX = 16 }; /* unknown link types told one by one */

struct wst_tool_run {
    const struct wst_tool_options *options;
    const char **sources; /* names as given: files, or the interface */
    size_t sources_n;
    const char **read; /* every file that is read; none of them may be written */
    size_t read_n;
    struct wst_tool_pattern *patterns; /* for each file named, what it matched */
    struct wst_capture *capture;
    struct wst_context *context;
    struct wst_select select;
    struct wst_grep *grep;     /* or NULL */
    struct wst_apps *apps;     /* or NULL: nobody wants to know what rides on WebSocket */
    struct wst_render *render; /* or the report; `sink` is the one there is */
    struct wst_report *report;
    struct wst_har *har;
    struct wst_tool_scratch scratch; /* of the archive */
    char selection[512];             /* in words; "": everything */
    struct wst_tool_payloads *payloads; /* of extract, … */
    int folder;                         /* … and where they go; -1: not open */
    struct wst_tool_watch *watch; /* of top, and what shows it */
    struct wst_tool_screen *screen;
    struct wst_listener sink;
    struct wst_listener also, all; /* `also` is told everything, before anything is left out, and
                                    * before `all`; or there is none */
    struct wst_tool_output output;
    struct wst_tool_progress progress;
    struct wst_tool_attend attend;
    struct wst_tool_heap heap;
    struct wst_tool_keys keys;
    struct wst_tool_sensitive plaintext, embedded;
    struct wst_tool_save save;
    struct wst_tool_broker *broker; /* opens files for a sandboxed process; or NULL */
    bool silent;                    /* -w without --print: packets are saved, nothing is told … */
    bool blind;                     /* … and nobody has to look into them */
    bool wrong_filter;              /* the filter is the name of a file */
    int save_status;                /* the exit status, as far as -w goes */
    const char *wrong_file;         /* a file that does not exist and looks like part of a filter */
    char (*device_names)[WST_TOOL_DEVICE_SIZE]; /* of those given by number */
    bool busy;             /* packets need more than the context: see look_after */
    uint64_t packets;      /* that passed the filter */
    bool left;             /* the screen */
    bool secrets_fit;      /* some of a key log, to some connection */
    bool prompt;           /* somebody waits for each packet's lines */
    uint32_t link_type;    /* of the packet before */
    struct wst_tool_turns turns;
    unsigned links_unread; /* link types that nobody here can read */
    uint32_t unread[WST_TOOL_UNREAD_MAX];
};

/* -- files ------------------------------------------------------------------------------------- */

/* False: out of memory. */
bool wst_tool_run_add_sources(struct wst_tool_run *run);
bool wst_tool_run_note_read(struct wst_tool_run *run);
/* Looked at before an old output loses its bytes. Returns how many inputs are not there. */
int wst_tool_run_missing_inputs(const struct wst_tool_run *run);
/* These return 0 or the exit status; -1: out of memory. */
int wst_tool_run_open_outputs(struct wst_tool_run *run);
int wst_tool_run_open_encrypted(struct wst_tool_run *run);
int wst_tool_run_start_broker(struct wst_tool_run *run);
int wst_tool_run_confine(const struct wst_tool_run *run);
int wst_tool_run_close_outputs(struct wst_tool_run *run);
/* Whether lines leave packet by packet. */
bool wst_tool_run_want_prompt(const struct wst_tool_run *run);

/* -- chain ------------------------------------------------------------------------------------- */

/* Before anything is opened. Returns 0 or the exit status. */
int wst_tool_run_make_grep(struct wst_tool_run *run);
/* Behind the outputs, for what is written depends on them. False: out of memory. */
bool wst_tool_run_make_chain(struct wst_tool_run *run);
/* What is written so far goes out. `user` is the run. */
void wst_tool_run_flush(void *user);

/* -- an archive -------------------------------------------------------------------------------- */

/* Before the sandbox. Says so when there is none to be had. */
void wst_tool_run_open_scratch(struct wst_tool_run *run);
/* False: out of memory. */
bool wst_tool_run_make_har(struct wst_tool_run *run);
/* Says what is not in the archive. Returns 0 or the exit status. */
int wst_tool_run_har_left(const struct wst_tool_run *run);

/* -- a folder of payloads ---------------------------------------------------------------------- */

/* Makes it, before anything is read. Returns 0 or the exit status. */
int wst_tool_run_open_folder(struct wst_tool_run *run);
/* False: out of memory. */
bool wst_tool_run_make_payloads(struct wst_tool_run *run);

/* -- what the capture tells -------------------------------------------------------------------- */

struct wst_capture_sink wst_tool_run_sink(struct wst_tool_run *run);
/* The turn of the next file; NULL: there are no more. */
void wst_tool_run_turn(void *user, const char *name);
/* Keys and drawing; with `stay` until the user leaves. True: the user has left. */
bool wst_tool_run_screen(struct wst_tool_run *run, bool stay);

/* -- words ------------------------------------------------------------------------------------- */

/* While files can still be looked at: what may be meant otherwise, … */
void wst_tool_run_look_at_words(struct wst_tool_run *run);
/* … and said when something is wrong. */
void wst_tool_run_hint_at_words(const struct wst_tool_run *run);
/* What was found, or was not there to be found, counts when all else went well: the exit status. */
int wst_tool_run_verdict(const struct wst_tool_run *run, int status);

#endif
