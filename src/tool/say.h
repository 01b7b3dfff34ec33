/* SPDX-License-Identifier: MIT
 *
 * In: what the tool has to tell a person. Out: one line on standard error.
 * Refuses to obey it: control characters, terminal escapes and the marks that turn text around,
 * wherever they come from (a file name, a library's message), are shown as \x1b or \u{202e}.
 */
#ifndef WST_TOOL_SAY_H
#define WST_TOOL_SAY_H

#include <stddef.h>

enum wst_tool_exit {
    WST_TOOL_FINE = 0,
    WST_TOOL_FOUND = 1, /* findings or differences, as with grep and diff: lint, quiz; tracing with
                         * --grep: nothing was found */
    WST_TOOL_TROUBLE = 2
};

/* "wstrace: " and the message, made safe, as one write: lines of two processes do not mix. */
void wst_tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same without "wstrace: ", for the words that are tcpdump's. */
void wst_tool_say_bare(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The command that is at work, for the hint of wst_tool_misuse. `name` must live on. */
void wst_tool_say_command(const char *name);
/* What every complaint about the command line ends in: the message, a hint, WST_TOOL_TROUBLE. */
int wst_tool_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes text[0..n) to `to` as it may be shown, and a NUL; returns the length. `size` >= 16; what
 * does not fit is left out and "..." says so. */
size_t wst_tool_safe(char *to, size_t size, const char *text, size_t n);

#endif
