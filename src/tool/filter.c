/* SPDX-License-Identifier: MIT
 *
 * In: the file of -F. Out: its text as one BPF expression.
 * Refuses what cannot be read, is larger than a filter ever is, or holds a zero byte.
 */
#include "filter.h"

#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILTER_MAX = 1 << 20 }; /* bytes */

static void blank_comments(char *text)
{
    for (char *p = text; *p;) {
        if (*p == '#')
            while (*p && *p != '\n') *p++ = ' ';
        else
            p++;
    }
}

static const char *read_all(FILE *from, char *text)
{
    size_t n;

    errno = 0;
    n = fread(text, 1, FILTER_MAX + 1, from);
    if (ferror(from)) return strerror(errno);
    if (n > FILTER_MAX) return "more than 1 MiB; that is no filter";
    text[n] = '\0';
    return memchr(text, '\0', n) ? "a zero byte; that is no filter" : NULL;
}

int wst_tool_filter_read(const char *name, char **text)
{
    FILE *from = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    const char *wrong;

    *text = NULL;
    if (from == NULL) {
        wst_tool_say("%s: %s", name, strerror(errno));
        return WST_TOOL_TROUBLE;
    }
    *text = malloc(FILTER_MAX + 2);
    wrong = *text ? read_all(from, *text) : "out of memory";
    if (from != stdin) fclose(from);
    if (wrong) {
        wst_tool_say("%s: %s", name, wrong);
        free(*text);
        *text = NULL;
        return WST_TOOL_TROUBLE;
    }
    blank_comments(*text);
    return 0;
}
