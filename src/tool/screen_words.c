/* SPDX-License-Identifier: MIT
 *
 * In: figures, times, lines. Out: words, and the columns they take on the screen.
 * Refuses to run over the edge.
 */
#if WST_HAVE_CURSES

#include "screen_parts.h"

#include "say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

int wst_tool_screen_ink(enum wst_tool_ink i)
{
    return has_colors() ? COLOR_PAIR(i) : i >= WARN ? (int)A_BOLD : 0;
}

/* As many columns of UTF-8 as fit; what this locale cannot show is a question mark. */
void wst_tool_screen_put(int y, int x, int width, const char *text)
{
    mbstate_t state = {0};
    size_t left = strlen(text);

    if (y < 0 || y >= LINES || x >= COLS) return;
    if (width > COLS - x) width = COLS - x;
    move(y, x);
    while (left > 0) {
        wchar_t c = L'?';
        size_t n = mbrtowc(&c, text, left, &state);
        if (n == 0 || n > left) {
            memset(&state, 0, sizeof state);
            c = L'?';
            n = 1;
        }
        int columns = wcwidth(c);
        if (columns < 0) {
            c = L'?';
            columns = 1;
        }
        if (columns > width) return;
        addnwstr(&c, 1);
        width -= columns;
        text += n;
        left -= n;
    }
}

/* "999", "12.3k", "4.56M": five columns. */
const char *wst_tool_screen_amount(char to[16], double n)
{
    static const char units[] = " kMGTP";
    int u = 0;

    while (n >= 1000 && units[u + 1]) {
        n /= 1000;
        u++;
    }
    if (u == 0)
        snprintf(to, 16, "%.0f", n);
    else
        snprintf(to, 16, "%.*f%c", n < 10 ? 2 : n < 100 ? 1 : 0, n, units[u]);
    return to;
}

const char *wst_tool_screen_span(char to[16], int64_t ns)
{
    int64_t s = ns > 0 ? ns / 1000000000 : 0;

    if (s < 60)
        snprintf(to, 16, "%.1fs", ns > 0 ? (double)ns / 1e9 : 0.0);
    else if (s < 3600)
        snprintf(to, 16, "%dm%02ds", (int)(s / 60), (int)(s % 60));
    else
        snprintf(to, 16, "%dh%02dm", (int)(s / 3600 % 10000), (int)(s / 60 % 60));
    return to;
}

const char *wst_tool_screen_clock(char to[32], int64_t ns)
{
    time_t second = (time_t)(ns / 1000000000);
    struct tm tm;
    size_t n;

    localtime_r(&second, &tm);
    n = strftime(to, 32, "%H:%M:%S", &tm);
    snprintf(to + n, 32 - n, ".%06d", (int)(ns % 1000000000 / 1000));
    return to;
}

/* What a line says behind its columns. */
void wst_tool_screen_words(const struct wst_tool_watch_line *l, char words[WORDS])
{
    size_t n = 0;

    if (l->type == WST_EVENT_CLOSE) {
        const char *name = wst_close_code_name(l->code);
        const char *form = l->code == -2 ? "code not captured"
                           : l->code < 0 ? "no code"
                                         : "%d%s%s%s";
        n = (size_t)snprintf(words, WORDS, form, (int)l->code, name ? " " : "", name ? name : "",
                             l->n ? " \"" : "");
    }
    n += wst_tool_safe(words + n, WORDS - n, l->bytes, l->n);
    if (l->type == WST_EVENT_CLOSE && l->n && n + 1 < WORDS) snprintf(words + n, WORDS - n, "\"");
    if (l->type == WST_EVENT_MESSAGE && l->len > l->n && n + 8 < WORDS)
        snprintf(words + n, WORDS - n, "...");
}

const char *wst_tool_screen_kind(const struct wst_tool_watch_line *l)
{
    switch (l->type) {
    case WST_EVENT_HANDSHAKE: return "open";
    case WST_EVENT_GAP: return "gap";
    case WST_EVENT_END: return "end";
    case WST_EVENT_PROBLEM: return wst_level_name(l->level);
    default: return wst_opcode_name(l->opcode);
    }
}

#else

typedef int wst_tool_no_curses; /* a file must have something in it */

#endif
