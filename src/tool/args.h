/* SPDX-License-Identifier: MIT
 *
 * In: a table of options and a command line. Out: a structure filled in, or a help text.
 * Refuses what the table does not know: one line and a hint, exit status 2.
 *
 * One row makes the letter, the long name, the check of the value and the line of the help; so the
 * help can neither forget an option nor invent one.
 */
#ifndef WST_TOOL_ARGS_H
#define WST_TOOL_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum wst_tool_kind {
    WST_TOOL_ACCEPTED, /* known, without effect */
    WST_TOOL_FLAG,     /* bool: true */
    WST_TOOL_COUNT,    /* unsigned: one more */
    WST_TOOL_WORD,     /* const char *: into argv */
    WST_TOOL_NUMBER,   /* uint64_t, least to most */
    WST_TOOL_ONCE,     /* the same, but for 0, which is "not given"; a second time is refused */
    WST_TOOL_SIZE,     /* uint64_t, least to most; K, M and G are powers of 1024 */
    WST_TOOL_CALL      /* call() takes it */
};

struct wst_tool_arg {
    const char *group; /* heading above this row; NULL: goes on under the one before */
    char letter;       /* 0: none */
    const char *name;  /* long name, or NULL */
    const char *value; /* what the help calls the value; NULL: takes none */
    enum wst_tool_kind kind;
    size_t at;                                    /* offset in the structure */
    uint64_t least, most;                         /* of a number or size */
    int (*call)(void *target, const char *value); /* 0, or the exit status after complaining */
    const char *help; /* NULL: not shown; an alias of the row above. "": not shown */
};

/* Goes through argv[1..] in order. `word` takes what is no option. Returns 0, or the exit status
 * after a complaint on standard error. Values stay in argv. */
int wst_tool_args(const struct wst_tool_arg *rows, size_t n, int argc, char **argv, void *target,
                  int (*word)(void *target, const char *value));

/* The rows for people: grouped, aligned. */
void wst_tool_args_help(FILE *to, const struct wst_tool_arg *rows, size_t n);

#endif
