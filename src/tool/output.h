/* SPDX-License-Identifier: MIT
 *
 * In: finished output. Out: the same bytes in a file descriptor.
 * Refuses to write into one of its own inputs.
 */
#ifndef WST_TOOL_OUTPUT_H
#define WST_TOOL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat;
struct wst_tool_attend;
struct wst_tool_progress;

struct wst_tool_output {
    int fd;
    const char *name;                   /* for messages */
    int error;                          /* errno of the first failed write; 0: all is well */
    int cut;                            /* errno of the one after which it was taken back */
    bool named;                         /* a file that has a name, or had one when it was opened */
    int64_t start;                      /* where in a file the output begins; -1: it is no file */
    struct wst_tool_progress *progress; /* taken off the screen before each write; or NULL */
    struct wst_tool_attend *attend;     /* told when the output blocks; NULL: blocks in silence */
};

/* Whether writing to `out` (as stat(2) tells it) would write into one of `inputs`: names as given,
 * "-" for standard input. Asked before the sandbox, which answers nothing. */
bool wst_tool_output_is_input(const struct stat *out, const char *const *inputs, size_t inputs_n);

/* `name` NULL or "-": standard output. `owner`: see create.h. Nothing is cut off an existing file
 * before `inputs` (names as given, "-" for standard input) are seen not to be that file. Returns 0,
 * or the exit status. */
int wst_tool_output_open(struct wst_tool_output *output, const char *name, const char *owner,
                         const char *const *inputs, size_t inputs_n);
/* A wst_write_fn; `user` is the output. After a failure it does nothing more. */
int wst_tool_output_write(void *user, const uint8_t *p, size_t n);
/* Takes a file back to the first n bytes of the output, after a write that failed, so that other
 * bytes may end it; what failed is complained about all the same. Returns 0, or -1: it is no file,
 * or shorter. `user` is the output. */
int wst_tool_output_cut(void *user, uint64_t n);
/* The reader has gone (SIGPIPE in other tools): nothing to complain about, nothing left to do. */
bool wst_tool_output_unwanted(const struct wst_tool_output *output);
/* Closes, and complains when not everything arrived. Returns 0 or the exit status. */
int wst_tool_output_close(struct wst_tool_output *output);

/* The same judgement about what went to stdout by stdio: call last. */
int wst_tool_stdout_done(void);

#endif
