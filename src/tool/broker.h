/* SPDX-License-Identifier: MIT
 *
 * In: the name of -w, and names of key logs. Out: open files, one after another, for a process that
 * may not open any itself. Refuses any other name: what it is sent are numbers.
 *
 *   parser (nobody, sandboxed) ── numbers ──▶ broker (as started) ── descriptor ──▶ parser
 */
#ifndef WST_TOOL_BROKER_H
#define WST_TOOL_BROKER_H

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
};

/* Starts the broker: a process of its own that ends when its other end is closed. Returns a socket,
 * or -1 with errno. */
int wst_tool_broker_start(const struct wst_tool_brokered *brokered);
/* The next file, emptied. Returns a descriptor, or -1 with errno. */
int wst_tool_broker_create(int broker, int64_t second, unsigned count);
/* One of `readable`, from its beginning. Returns a descriptor, or -1 with errno. */
int wst_tool_broker_read(int broker, size_t which);

#endif
