/* SPDX-License-Identifier: MIT
 *
 * In: messages, with strangers' strings in them. Out: safe lines on standard error.
 * Refuses nothing; what is longer than a screen is cut with a mark.
 */
#include "say.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SAY_TEXT = 4096, SAY_LINE = 8192 };

/* Length of the well-formed UTF-8 character at p (RFC 3629 section 4), 0 when there is none. */
static size_t character(const uint8_t *p, size_t n, uint32_t *value)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = p[0] < 0x80       ? 1
                    : p[0] >> 5 == 6  ? 2
                    : p[0] >> 4 == 14 ? 3
                    : p[0] >> 3 == 30 ? 4
                                      : 0;
    uint32_t v;

    if (length == 0 || length > n) return 0;
    v = length == 1 ? p[0] : p[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    if (v < least[length] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) return 0;
    *value = v;
    return length;
}

/* C0, DEL and C1 steer terminals; line separators, direction marks (UAX 9) and characters without
 * width make a line read as another one. The joiners U+200C and U+200D are left: they are spelling.
 */
static int steers(uint32_t v)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (v >= ranges[i].first && v <= ranges[i].last) return 1;
    return 0;
}

/* How the character or byte at p is shown; *used says how many bytes of p that covers. */
static size_t show(char to[16], const uint8_t *p, size_t n, size_t *used)
{
    uint32_t v = 0;

    *used = character(p, n, &v);
    if (*used == 0) {
        *used = 1;
        return (size_t)snprintf(to, 16, "\\x%02x", p[0]);
    }
    if (!steers(v)) {
        memcpy(to, p, *used);
        return *used;
    }
    if (v == '\n') return (size_t)snprintf(to, 16, "\\n");
    if (v == '\t') return (size_t)snprintf(to, 16, "\\t");
    if (v == '\r') return (size_t)snprintf(to, 16, "\\r");
    return (size_t)snprintf(to, 16, v < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)v);
}

size_t wst_tool_safe(char *to, size_t size, const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t at = 0;

    for (size_t i = 0, used; i < n; i += used) {
        char shown[16];
        size_t length = show(shown, p + i, n - i, &used);
        if (at + length + 4 > size) {
            memcpy(to + at, "...", 3);
            at += 3;
            break;
        }
        memcpy(to + at, shown, length);
        at += length;
    }
    to[at] = '\0';
    return at;
}

static void say(const char *before, const char *after, const char *format, va_list arguments)
{
    char text[SAY_TEXT], line[SAY_LINE];
    size_t n = strlen(before), tail = strlen(after);

    vsnprintf(text, sizeof text, format, arguments);
    memcpy(line, before, n);
    n += wst_tool_safe(line + n, sizeof line - n - tail, text, strlen(text));
    memcpy(line + n, after, tail);
    if (write(STDERR_FILENO, line, n + tail) < 0) return; /* nowhere left to complain */
}

void wst_tool_say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("wstrace: ", "\n", format, arguments);
    va_end(arguments);
}

void wst_tool_say_bare(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("", "\n", format, arguments);
    va_end(arguments);
}

static const char *command; /* NULL: none was named */

void wst_tool_say_command(const char *name)
{
    command = name;
}

int wst_tool_misuse(const char *format, ...)
{
    char hint[64];
    va_list arguments;

    snprintf(hint, sizeof hint, " (wstrace %s%s--help tells more)\n", command ? command : "",
             command ? " " : "");
    va_start(arguments, format);
    say("wstrace: ", hint, format, arguments);
    va_end(arguments);
    return WST_TOOL_TROUBLE;
}
