/* SPDX-License-Identifier: MIT
 *
 * What the commands of the classroom share (explain, quiz, demo): reading one capture, looks.
 */
#ifndef WST_TOOL_LESSON_H
#define WST_TOOL_LESSON_H

#include "options.h"

#include <wstrace/wstrace.h>

/* Reads `file` ("-": standard input) and pushes all of it. Returns 0, or the exit status after a
 * complaint; what could be read was pushed all the same. */
int wst_tool_lesson_read(const char *file, const struct wst_options *options,
                         const struct wst_listener *listener);

/* A WST_TOOL_CALL for --color; `target` begins with an enum wst_tool_colour. */
int wst_tool_lesson_take_colour(void *target, const char *text);
bool wst_tool_lesson_colour(enum wst_tool_colour wish, int fd);
unsigned wst_tool_lesson_width(int fd); /* 80 when it is no terminal */

/* Where the shipped captures are: with the build, else installed beside the program, else
 * installed where it was configured to be. NULL: nowhere. */
const char *wst_tool_lesson_captures(char *path, size_t size);

#endif
