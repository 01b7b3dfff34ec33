/* SPDX-License-Identifier: MIT
 *
 * In: options. Out: settings. Refuses what the library refuses.
 */
#include "wishes.h"

#include "say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int wst_tool_wishes_begin(struct wst_tool_wishes *w, int argc)
{
    *w = (struct wst_tool_wishes){.settings = wst_check_settings_new(), .max_payload = UINT64_MAX};
    if (w->settings) return wst_tool_lesson_begin(&w->lesson, argc);
    wst_tool_say("out of memory");
    return WST_TOOL_TROUBLE;
}

void wst_tool_wishes_end(struct wst_tool_wishes *w)
{
    wst_check_settings_free(w->settings);
    wst_tool_lesson_end(&w->lesson);
}

/* The setting "WORD VALUE", as it would stand in a golden. */
static int set(struct wst_tool_wishes *w, const char *word, const char *value, size_t n,
               const char *given)
{
    size_t before = strlen(word) + 1;
    char *line = malloc(before + n + 1);
    struct wst_check_error error;
    int failed;

    if (line == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    snprintf(line, before + n + 1, "%s %.*s", word, (int)n, value);
    failed =
        wst_check_set(w->settings, (struct wst_slice){(const uint8_t *)line, strlen(line)}, &error);
    free(line);
    if (!failed) return 0;
    if (given == value && error.column > before)
        return wst_tool_misuse("--%s '%s', character %u: %s", word, given,
                               (unsigned)(error.column - before), error.what);
    return wst_tool_misuse("--%s '%s': %s", word, given, error.what);
}

static int set_whole(void *target, const char *word, const char *value)
{
    return set(target, word, value, strlen(value), value);
}
int wst_tool_wishes_ignore(void *target, const char *value)
{
    return set_whole(target, "ignore", value);
}
int wst_tool_wishes_reply(void *target, const char *value)
{
    return set_whole(target, "reply", value);
}
int wst_tool_wishes_header(void *target, const char *value)
{
    return set_whole(target, "header", value);
}
int wst_tool_wishes_drop_header(void *target, const char *value)
{
    return set_whole(target, "drop-header", value);
}

int wst_tool_wishes_filter(struct wst_tool_wishes *wishes, const char *value)
{
    return value[strspn(value, " ")] ? set_whole(wishes, "filter", value) : 0;
}

/* The line of a golden is NAME REGEX: a blank in the name, or around the expression, would make
 * another one of it. Returns the character that is wrong and why, or 0. */
static size_t wrong_redact(const char *value, const char *equals, const char **why)
{
    size_t regex = (size_t)(equals - value), name = strcspn(equals + 1, " ");

    *why = "a name is a letter, then up to 30 letters, digits or _";
    if (name == 0 || equals[1 + name]) return regex + 2 + name;
    *why = "a regular expression was expected";
    if (regex == 0) return 1;
    *why = "at either end of an expression a blank is written [ ], where it can be seen";
    if (*value == ' ') return 1;
    return equals[-1] == ' ' ? regex : 0;
}

/* REGEX=NAME: an expression may hold "=", a name not. */
int wst_tool_wishes_redact(void *target, const char *value)
{
    const char *equals = strrchr(value, '=');
    const char *why;
    size_t wrong = equals ? wrong_redact(value, equals, &why) : 0;
    char *line;
    int status;

    if (equals == NULL)
        return wst_tool_misuse("--redact wants REGEX=NAME, such as '[0-9a-f]{32}=ID', not '%s'",
                               value);
    if (wrong) return wst_tool_misuse("--redact '%s', character %zu: %s", value, wrong, why);
    line = malloc(strlen(value) + 2);
    if (line == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    sprintf(line, "%s %.*s", equals + 1, (int)(equals - value), value);
    status = set(target, "redact", line, strlen(line), value);
    free(line);
    return status;
}

int wst_tool_wishes_settle(struct wst_tool_wishes *w)
{
    char bytes[32], conn[32];
    int status = 0;

    snprintf(bytes, sizeof bytes, "%" PRIu64, w->max_payload);
    snprintf(conn, sizeof conn, "%" PRIu64, w->conn);
    if (w->conn) status |= set_whole(w, "conn", conn);
    if (w->strict_order) status |= set_whole(w, "strict-order", "");
    if (w->frames) status |= set_whole(w, "frames", "");
    if (w->no_control) status |= set_whole(w, "no-control", "");
    if (w->max_payload != UINT64_MAX) status |= set_whole(w, "max-payload", bytes);
    return status;
}
