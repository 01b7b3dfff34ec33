/* SPDX-License-Identifier: MIT
 *
 * In: connections. Out: a table of those that match, sorted.
 * Refuses more rows than the watch keeps.
 */
#if WST_HAVE_CURSES

#include "screen_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const struct wst_tool_screen *s, const struct wst_tool_watch_conn *c)
{
    return !s->filter[0] || strcasestr(c->client, s->filter) || strcasestr(c->server, s->filter) ||
           strcasestr(c->path, s->filter) || strcasestr(c->protocol, s->filter) ||
           strcasestr(c->app, s->filter) || strcasestr(c->last, s->filter);
}

static int order(double a, double b)
{
    return a > b ? -1 : a < b;
}
static enum sorting sorting_now; /* qsort hands nothing over */
static int compare(const void *left, const void *right)
{
    const struct wst_tool_watch_conn *a = &((const struct row *)left)->conn;
    const struct wst_tool_watch_conn *b = &((const struct row *)right)->conn;
    int way = 0;

    switch (sorting_now) {
    case BY_AGE: way = order((double)b->began_ns, (double)a->began_ns); break;
    case BY_LAST: way = order((double)a->last_ns, (double)b->last_ns); break;
    case BY_PROBLEMS: way = order((double)a->problems, (double)b->problems); break;
    default: way = order(a->rate, b->rate);
    }
    if (way == 0) way = order((double)a->bytes, (double)b->bytes);
    return way ? way : order((double)b->number, (double)a->number);
}

void wst_tool_screen_gather(struct wst_tool_screen *s)
{
    if (s->paused) return;
    s->rows_n = 0;
    for (size_t i = 0; i < WST_WATCH_BUCKETS; i++)
        for (const struct wst_tool_watch_conn *c = s->watch->buckets[i]; c; c = c->next)
            if (matches(s, c) && s->rows_n < WST_WATCH_CONNS) s->rows[s->rows_n++].conn = *c;
    sorting_now = s->sorting;
    qsort(s->rows, s->rows_n, sizeof *s->rows, compare);
}

size_t wst_tool_screen_chosen_row(const struct wst_tool_screen *s)
{
    for (size_t i = 0; i < s->rows_n; i++)
        if (s->rows[i].conn.number == s->chosen) return i;
    return 0;
}

void wst_tool_screen_draw_status(const struct wst_tool_screen *s,
                                 const struct wst_tool_screen_status *status)
{
    const struct wst_tool_watch *w = s->watch;
    const char *name = strrchr(status->source, '/');
    char line[512], a[16], b[16], c[16];
    double rate = 0;
    int n;

    for (size_t i = 0; i < s->rows_n; i++) rate += s->rows[i].conn.rate;
    n = snprintf(
        line, sizeof line, "%s%.24s  %" PRIu64 " conns  %s frames  %sB  %sB/s  %" PRIu64 " dropped",
        s->paused ? "PAUSED  " : "", name ? name + 1 : status->source, w->all,
        wst_tool_screen_amount(a, (double)w->frames), wst_tool_screen_amount(b, (double)w->bytes),
        wst_tool_screen_amount(c, rate), status->dropped);
    if (COLS >= 100)
        snprintf(line + n, sizeof line - (size_t)n, "  %.0f MiB", (double)status->memory / 1048576);
    attron(A_BOLD);
    wst_tool_screen_put(0, 0, COLS, line);
    attroff(A_BOLD);
}

enum { WHERE = 256 };

/* "/chat Socket.IO 10.1.0.2:8080"; where that does not fit, without the application, and then
 * "/chat :8080", with it if that fits. */
static void where_of(const struct wst_tool_watch_conn *c, size_t wide, char where[WHERE])
{
    const char *port = strrchr(c->server, ':');
    size_t path = strlen(c->path) + 1, app = c->app[0] ? strlen(c->app) + 1 : 0;
    bool whole = port == NULL || path + app + strlen(c->server) <= wide;
    const char *server = whole || path + strlen(c->server) <= wide ? c->server : port;

    if (path + app + strlen(server) > wide) app = 0; /* the server is more than its application */
    snprintf(where, WHERE, "%s%s%s%s%s", c->path, app ? " " : "", app ? c->app : "",
             c->server[0] ? " " : "", server);
}

static void draw_conn(const struct wst_tool_screen *s, int y, const struct wst_tool_watch_conn *c,
                      bool chosen)
{
    char line[512], where[WHERE], a[16], b[16], d[16], e[16], f[16];
    int wide = (COLS - 43) / 2 > 44 ? 44 : (COLS - 43) / 2;

    if (wide < 8) wide = 8;
    snprintf(line, sizeof line, "%4" PRIu64 " %6s %6s %5s %6s %6s ", c->number,
             wst_tool_screen_span(a, (c->ended ? c->last_ns : s->now_ns) - c->began_ns),
             wst_tool_screen_span(b, s->now_ns - c->last_ns),
             wst_tool_screen_amount(d, (double)c->messages),
             wst_tool_screen_amount(e, (double)c->bytes),
             c->ended ? "-" : wst_tool_screen_amount(f, c->rate));
    where_of(c, (size_t)wide, where);
    if (chosen) attron(A_REVERSE);
    if (c->ended) attron(A_DIM);
    mvhline(y, 0, ' ', COLS);
    wst_tool_screen_put(y, 0, COLS, line);
    snprintf(line, sizeof line, "%2s",
             c->problems ? wst_tool_screen_amount(a, (double)c->problems) : "");
    attron(wst_tool_screen_ink(c->problems ? WARN : PLAIN));
    wst_tool_screen_put(y, 39, 3, line);
    attroff(wst_tool_screen_ink(c->problems ? WARN : PLAIN));
    wst_tool_screen_put(y, 43, wide, where);
    wst_tool_screen_put(y, 44 + wide, COLS - 44 - wide, c->last);
    attroff(A_REVERSE | A_DIM);
}

void wst_tool_screen_draw_table(struct wst_tool_screen *s)
{
    int room = LINES - 3 > 0 ? LINES - 3 : 0, wide = (COLS - 43) / 2 > 44 ? 44 : (COLS - 43) / 2;
    size_t at = wst_tool_screen_chosen_row(s),
           from = room && at >= (size_t)room ? at - (size_t)room + 1 : 0;

    if (wide < 8) wide = 8;
    attron(A_REVERSE);
    mvhline(1, 0, ' ', COLS);
    wst_tool_screen_put(1, 0, COLS, "   #    AGE   LAST  MSGS  BYTES    B/s  !");
    wst_tool_screen_put(1, 43, wide, "PATH AND SERVER");
    wst_tool_screen_put(1, 44 + wide, COLS, "LAST MESSAGE");
    attroff(A_REVERSE);
    for (int i = 0; i < room && from + (size_t)i < s->rows_n; i++)
        draw_conn(s, 2 + i, &s->rows[from + (size_t)i].conn, from + (size_t)i == at);
    if (s->rows_n == 0)
        wst_tool_screen_put(3, 2, COLS,
                            s->filter[0] ? "no connection matches" : "no WebSocket connection yet");
}

#else

typedef int wst_tool_no_curses; /* a file must have something in it */

#endif
