/* SPDX-License-Identifier: MIT
 *
 * In: the options that say what is compared. Out: settings of a session.
 * Refuses what the library refuses, with the option's name in front.
 */
#ifndef WST_TOOL_WISHES_H
#define WST_TOOL_WISHES_H

#include "args.h"
#include "lesson.h"

#include <stdbool.h>
#include <wstrace/check.h>

struct wst_tool_wishes {
    struct wst_tool_lesson lesson;       /* first: its calls, too, take the target */
    struct wst_check_settings *settings; /* owned */
    bool strict_order, frames, no_control;
    uint64_t max_payload; /* UINT64_MAX: not given */
    uint64_t conn;        /* 0: not given */
};

/* Returns 0, or the exit status after a complaint. End in either case. */
int wst_tool_wishes_begin(struct wst_tool_wishes *wishes, int argc);
void wst_tool_wishes_end(struct wst_tool_wishes *wishes);
/* The flags among them are settings, too. Once, after the options were read. */
int wst_tool_wishes_settle(struct wst_tool_wishes *wishes);

/* WST_TOOL_CALLs; `target` begins with struct wst_tool_wishes. */
int wst_tool_wishes_ignore(void *target, const char *value);
int wst_tool_wishes_redact(void *target, const char *value);
int wst_tool_wishes_reply(void *target, const char *value);
int wst_tool_wishes_header(void *target, const char *value);
int wst_tool_wishes_drop_header(void *target, const char *value);
/* The filter of -f as a setting. */
int wst_tool_wishes_filter(struct wst_tool_wishes *wishes, const char *value);

/* clang-format off */
#define WST_TOOL_WISHES_ROWS(type) \
    {"What is compared", 0, "conn", "N", WST_TOOL_ONCE, offsetof(type, wishes.conn), 1, UINT32_MAX, NULL, "only connection N, as wstrace numbers them (default: all)"}, \
    {NULL, 0, "ignore", "PATH", WST_TOOL_CALL, 0, 0, 0, wst_tool_wishes_ignore, "a JSON value that does not matter: '$.ts', '$..id'; or text: '/[0-9]+/'"}, \
    {NULL, 0, "redact", "REGEX=NAME", WST_TOOL_CALL, 0, 0, 0, wst_tool_wishes_redact, "what matches is <NAME-1>, <NAME-2> ...: the same value, the same name"}, \
    {NULL, 0, "reply", "PATH", WST_TOOL_CALL, 0, 0, 0, wst_tool_wishes_reply, "a message answers the one that has the same value there: '$.id'"}, \
    {NULL, 0, "header", "NAME", WST_TOOL_CALL, 0, 0, 0, wst_tool_wishes_header, "a header line of the handshake that matters; '*': all"}, \
    {NULL, 0, "drop-header", "NAME", WST_TOOL_CALL, 0, 0, 0, wst_tool_wishes_drop_header, "one that does not, of all"}, \
    {NULL, 0, "strict-order", NULL, WST_TOOL_FLAG, offsetof(type, wishes.strict_order), 0, 0, NULL, "the order between the two sides matters, too"}, \
    {NULL, 0, "frames", NULL, WST_TOOL_FLAG, offsetof(type, wishes.frames), 0, 0, NULL, "fragmentation and compression matter, too"}, \
    {NULL, 0, "no-control", NULL, WST_TOOL_FLAG, offsetof(type, wishes.no_control), 0, 0, NULL, "pings and pongs do not matter"}, \
    {NULL, 0, "max-payload", "SIZE", WST_TOOL_SIZE, offsetof(type, wishes.max_payload), 0, UINT32_MAX, NULL, "longer payloads are shown as a hash (default 64K)"}
/* clang-format on */

#endif
