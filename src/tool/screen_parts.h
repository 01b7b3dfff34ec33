/* SPDX-License-Identifier: MIT
 *
 * The screen of top, private to its files: screen.c (the terminal, keys), screen_table.c (all
 * connections), screen_conn.c (one of them), screen_words.c (what both write with).
 * Refuses to show a stranger's bytes as they are: all words pass wst_tool_safe.
 */
#ifndef WST_TOOL_SCREEN_PARTS_H
#define WST_TOOL_SCREEN_PARTS_H

#include "screen.h"

#include <curses.h>
#include <stdio.h>

enum { WORDS = 2048, DETAIL_ROWS = 8 };
enum sorting { BY_TRAFFIC, BY_AGE, BY_LAST, BY_PROBLEMS, SORTINGS };
enum wst_tool_ink { PLAIN, CLIENT, SERVER, WARN, BAD };

/* A line as shown; copies, so that a pause holds still whatever happens behind it. */
struct row {
    struct wst_tool_watch_conn conn;
};

struct wst_tool_screen {
    struct wst_tool_watch *watch;
    SCREEN *terminal;
    FILE *in, *out, *aside; /* aside: what standard error is told meanwhile */
    int stderr_was;
    int64_t drawn_ns, rated_ns;
    bool paused, leaving, typing, hex;
    uint64_t paused_at; /* number of the last line shown */
    int64_t now_ns;     /* of the status; stands still in a pause */
    enum sorting sorting;
    char filter[64];
    struct row *rows;
    size_t rows_n;
    uint64_t chosen; /* connection under the cursor; 0: the first */
    uint64_t opened; /* the connection shown; 0: the table is */
    uint64_t line;   /* chosen in it; 0: the newest */
};

/* -- screen_words.c */

int wst_tool_screen_ink(enum wst_tool_ink i);
/* As many columns of UTF-8 as fit; what this locale cannot show is a question mark. */
void wst_tool_screen_put(int y, int x, int width, const char *text);
/* "999", "12.3k", "4.56M": five columns. */
const char *wst_tool_screen_amount(char to[16], double n);
/* "4.2s", "3m07s", "5h12m" */
const char *wst_tool_screen_span(char to[16], int64_t ns);
const char *wst_tool_screen_clock(char to[32], int64_t ns);
/* What a line says behind its columns, and what it is. */
void wst_tool_screen_words(const struct wst_tool_watch_line *line, char words[WORDS]);
const char *wst_tool_screen_kind(const struct wst_tool_watch_line *line);

/* -- screen_table.c */

/* The rows that match the filter, sorted; nothing in a pause. */
void wst_tool_screen_gather(struct wst_tool_screen *screen);
size_t wst_tool_screen_chosen_row(const struct wst_tool_screen *screen);
void wst_tool_screen_draw_status(const struct wst_tool_screen *screen,
                                 const struct wst_tool_screen_status *status);
void wst_tool_screen_draw_table(struct wst_tool_screen *screen);

/* -- screen_conn.c */

/* The lines shown, in order; *n of them, in memory of the caller's. */
const struct wst_tool_watch_line **wst_tool_screen_lines(const struct wst_tool_screen *screen,
                                                         size_t *n);
size_t wst_tool_screen_chosen_line(const struct wst_tool_screen *screen,
                                   const struct wst_tool_watch_line **all, size_t n);
/* How many of them the screen has room for. */
int wst_tool_screen_lines_room(void);
void wst_tool_screen_draw_opened(struct wst_tool_screen *screen);

#endif
