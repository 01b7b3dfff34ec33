/* SPDX-License-Identifier: MIT
 *
 * In: names of -w, of key logs, of files that are written anew; a folder. Out: open files, one
 * after another, for a process that may not open any itself. Refuses any other name: what it is
 * sent are numbers.
 *
 *   parser (nobody, sandboxed) ── numbers ──▶ broker (as started) ── descriptor ──▶ parser
 */
#ifndef WST_TOOL_BROKER_H
#define WST_TOOL_BROKER_H

#include "deposit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WST_TOOL_NAME_SIZE = 4096 };

struct wst_tool_naming {
    const char *pattern; /* of -w */
    int by_time;         /* -G: strftime fills in the pattern */
    int counted;         /* -C: a number behind it, from the second file on … */
    int digits;          /* … or, with -W, always, with so many digits at least */
};

/* tcpdump's name of a file that begins in `second` (since 1970) and is the count-th. Returns 0; -1:
 * it is too long. */
int wst_tool_naming(const struct wst_tool_naming *naming, int64_t second, unsigned count,
                    char name[WST_TOOL_NAME_SIZE]);

struct wst_tool_brokered {
    struct wst_tool_naming naming; /* of new files; no pattern: there are none */
    const char *owner;             /* a user whose these shall be, or NULL */
    const char *const *readable;   /* files that may be read; need not exist yet */
    size_t readable_n;
    const char *const *replaced; /* files that may be written anew: see replace.h */
    size_t replaced_n;
    bool deposits; /* payloads go into … */
    int folder;    /* … this one */
};

struct wst_tool_broker;

/* Starts the broker: a process of its own that ends with this one, at the latest. The names must
 * outlive this call only. NULL with errno. */
struct wst_tool_broker *wst_tool_broker_start(const struct wst_tool_brokered *brokered);
/* Ends it; what was begun and not kept is dropped. NULL: does nothing. */
void wst_tool_broker_end(struct wst_tool_broker *broker);

/* These may be called by several threads. -1: errno says why. */

/* The next file of -w, emptied: a descriptor. */
int wst_tool_broker_create(struct wst_tool_broker *broker, int64_t second, unsigned count);
/* One of `readable`, from its beginning: a descriptor. */
int wst_tool_broker_read(struct wst_tool_broker *broker, size_t which);
/* A payload's file in `folder`: see deposit.h. */
int wst_tool_broker_deposit(struct wst_tool_broker *broker, const struct wst_tool_deposit *which);
/* One of `replaced`: a descriptor of a new file beside it, which waits to be … */
int wst_tool_broker_replace(struct wst_tool_broker *broker, size_t which);
/* … put in its place, or thrown away. Returns 0. */
int wst_tool_broker_settle(struct wst_tool_broker *broker, size_t which, bool keep);

#endif
