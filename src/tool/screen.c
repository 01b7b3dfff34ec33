/* SPDX-License-Identifier: MIT
 *
 * In: what watch.c gathered, and keys. Out: a full screen on the terminal.
 * Refuses to show a stranger's bytes as they are: all words pass wst_tool_safe.
 */
#include "screen.h"

#include "say.h"

#if WST_HAVE_CURSES

#include <curses.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

enum { KEY_ESC = 27, KEY_CTRL_C = 3, WORDS = 2048, DETAIL_ROWS = 8 };
static const int64_t draw_ns = 200000000, rate_ns = 1000000000;

enum sorting { BY_TRAFFIC, BY_AGE, BY_LAST, BY_PROBLEMS, SORTINGS };
static const char *const sorting_names[SORTINGS] = {"traffic", "age", "last message", "problems"};

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

/* SIGTERM and SIGHUP while nothing is captured any more. */
static volatile sig_atomic_t told_to_end;
static void on_end(int number)
{
    (void)number;
    told_to_end = 1;
}

static int64_t monotonic(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* -- words ------------------------------------------------------------------------------------- */

enum ink { PLAIN, CLIENT, SERVER, WARN, BAD };
static int ink(enum ink i)
{
    return has_colors() ? COLOR_PAIR(i) : i >= WARN ? (int)A_BOLD : 0;
}

/* As many columns of UTF-8 as fit; what this locale cannot show is a question mark. */
static void put(int y, int x, int width, const char *text)
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
static const char *amount(char to[16], double n)
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

static const char *span(char to[16], int64_t ns)
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

static const char *clock_text(char to[32], int64_t ns)
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
static void words_of(const struct wst_tool_watch_line *l, char words[WORDS])
{
    size_t n = 0;

    if (l->type == WST_EVENT_CLOSE) {
        const char *name = wst_close_code_name(l->code);
        n = (size_t)snprintf(words, WORDS, l->code < 0 ? "no code " : "%d %s ", (int)l->code,
                             name ? name : "");
    }
    n += wst_tool_safe(words + n, WORDS - n, l->bytes, l->n);
    if (l->type == WST_EVENT_MESSAGE && l->len > l->n && n + 8 < WORDS)
        snprintf(words + n, WORDS - n, "...");
}

static const char *kind_of(const struct wst_tool_watch_line *l)
{
    switch (l->type) {
    case WST_EVENT_HANDSHAKE: return "open";
    case WST_EVENT_GAP: return "gap";
    case WST_EVENT_END: return "end";
    case WST_EVENT_PROBLEM: return wst_level_name(l->level);
    default: return wst_opcode_name(l->opcode);
    }
}

/* -- the table --------------------------------------------------------------------------------- */

static bool matches(const struct wst_tool_screen *s, const struct wst_tool_watch_conn *c)
{
    return !s->filter[0] || strcasestr(c->client, s->filter) || strcasestr(c->server, s->filter) ||
           strcasestr(c->path, s->filter) || strcasestr(c->protocol, s->filter) ||
           strcasestr(c->last, s->filter);
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

static void gather(struct wst_tool_screen *s)
{
    if (s->paused) return;
    s->rows_n = 0;
    for (size_t i = 0; i < WST_WATCH_BUCKETS; i++)
        for (const struct wst_tool_watch_conn *c = s->watch->buckets[i]; c; c = c->next)
            if (matches(s, c) && s->rows_n < WST_WATCH_CONNS) s->rows[s->rows_n++].conn = *c;
    sorting_now = s->sorting;
    qsort(s->rows, s->rows_n, sizeof *s->rows, compare);
}

static size_t chosen_row(const struct wst_tool_screen *s)
{
    for (size_t i = 0; i < s->rows_n; i++)
        if (s->rows[i].conn.number == s->chosen) return i;
    return 0;
}

static void draw_status(const struct wst_tool_screen *s,
                        const struct wst_tool_screen_status *status)
{
    const struct wst_tool_watch *w = s->watch;
    const char *name = strrchr(status->source, '/');
    char line[512], a[16], b[16], c[16];
    double rate = 0;
    int n;

    for (size_t i = 0; i < s->rows_n; i++) rate += s->rows[i].conn.rate;
    n = snprintf(line, sizeof line,
                 "%s%.24s  %" PRIu64 " conns  %s frames  %sB  %sB/s  %" PRIu64 " dropped",
                 s->paused ? "PAUSED  " : "", name ? name + 1 : status->source, w->all,
                 amount(a, (double)w->frames), amount(b, (double)w->bytes), amount(c, rate),
                 status->dropped);
    if (COLS >= 100)
        snprintf(line + n, sizeof line - (size_t)n, "  %.0f MiB", (double)status->memory / 1048576);
    attron(A_BOLD);
    put(0, 0, COLS, line);
    attroff(A_BOLD);
}

enum { WHERE = 256 };

/* "/chat 10.1.0.2:8080"; where that does not fit, "/chat :8080". */
static void where_of(const struct wst_tool_watch_conn *c, size_t wide, char where[WHERE])
{
    const char *port = strrchr(c->server, ':');
    bool fits = strlen(c->path) + 1 + strlen(c->server) <= wide;

    snprintf(where, WHERE, "%s%s%s", c->path, c->server[0] ? " " : "",
             fits || port == NULL ? c->server : port);
}

static void draw_conn(const struct wst_tool_screen *s, int y, const struct wst_tool_watch_conn *c,
                      bool chosen)
{
    char line[512], where[WHERE], a[16], b[16], d[16], e[16], f[16];
    int wide = (COLS - 43) / 2 > 44 ? 44 : (COLS - 43) / 2;

    if (wide < 8) wide = 8;
    snprintf(line, sizeof line, "%4" PRIu64 " %6s %6s %5s %6s %6s ", c->number,
             span(a, (c->ended ? c->last_ns : s->now_ns) - c->began_ns),
             span(b, s->now_ns - c->last_ns), amount(d, (double)c->messages),
             amount(e, (double)c->bytes), c->ended ? "-" : amount(f, c->rate));
    where_of(c, (size_t)wide, where);
    if (chosen) attron(A_REVERSE);
    if (c->ended || c->refused) attron(A_DIM);
    mvhline(y, 0, ' ', COLS);
    put(y, 0, COLS, line);
    snprintf(line, sizeof line, "%2s", c->problems ? amount(a, (double)c->problems) : "");
    attron(ink(c->problems ? WARN : PLAIN));
    put(y, 39, 3, line);
    attroff(ink(c->problems ? WARN : PLAIN));
    put(y, 43, wide, where);
    put(y, 44 + wide, COLS - 44 - wide, c->refused ? "refused" : c->last);
    attroff(A_REVERSE | A_DIM);
}

static void draw_table(struct wst_tool_screen *s)
{
    int room = LINES - 3 > 0 ? LINES - 3 : 0, wide = (COLS - 43) / 2 > 44 ? 44 : (COLS - 43) / 2;
    size_t at = chosen_row(s), from = room && at >= (size_t)room ? at - (size_t)room + 1 : 0;

    if (wide < 8) wide = 8;
    attron(A_REVERSE);
    mvhline(1, 0, ' ', COLS);
    put(1, 0, COLS, "   #    AGE   LAST  MSGS  BYTES    B/s  !");
    put(1, 43, wide, "PATH AND SERVER");
    put(1, 44 + wide, COLS, "LAST MESSAGE");
    attroff(A_REVERSE);
    for (int i = 0; i < room && from + (size_t)i < s->rows_n; i++)
        draw_conn(s, 2 + i, &s->rows[from + (size_t)i].conn, from + (size_t)i == at);
    if (s->rows_n == 0)
        put(3, 2, COLS, s->filter[0] ? "no connection matches" : "no WebSocket connection yet");
}

/* -- one connection ---------------------------------------------------------------------------- */

static bool shown(const struct wst_tool_screen *s, const struct wst_tool_watch_line *l)
{
    char words[WORDS];

    if (s->paused && l->number > s->paused_at) return false;
    if (!s->filter[0]) return true;
    words_of(l, words);
    return strcasestr(words, s->filter) || strcasestr(kind_of(l), s->filter);
}

/* The lines shown, in order; *n of them, in memory of the caller's. */
static const struct wst_tool_watch_line **lines_of(const struct wst_tool_screen *s, size_t *n)
{
    const struct wst_tool_watch_conn *c = wst_tool_watch_find(s->watch, s->opened);
    const struct wst_tool_watch_line **all = NULL;
    size_t count = 0;

    *n = 0;
    for (const struct wst_tool_watch_line *l = c ? c->first : NULL; l; l = l->next) count++;
    if (count == 0 || !(all = calloc(count, sizeof *all))) return NULL;
    for (const struct wst_tool_watch_line *l = c->first; l; l = l->next)
        if (shown(s, l)) all[(*n)++] = l;
    return all;
}

static size_t chosen_line(const struct wst_tool_screen *s, const struct wst_tool_watch_line **all,
                          size_t n)
{
    for (size_t i = 0; s->line && i < n; i++)
        if (all[i]->number >= s->line) return i;
    return n ? n - 1 : 0;
}

static void draw_line(int y, const struct wst_tool_watch_line *l, bool chosen)
{
    char line[128], time_[32], words[WORDS];
    bool data = l->type == WST_EVENT_MESSAGE || l->type == WST_EVENT_FRAME;
    enum ink with = l->type == WST_EVENT_PROBLEM ? (l->level == WST_ERROR  ? BAD
                                                    : l->level == WST_NOTE ? PLAIN
                                                                           : WARN)
                    : l->type == WST_EVENT_GAP   ? WARN
                    : l->dir == WST_C2S          ? CLIENT
                    : l->dir == WST_S2C          ? SERVER
                                                 : PLAIN;

    snprintf(line, sizeof line, "%s %2s %-8.8s", clock_text(time_, l->when.ns),
             l->dir == WST_C2S   ? "> "
             : l->dir == WST_S2C ? " <"
                                 : "",
             kind_of(l));
    words_of(l, words);
    if (chosen) attron(A_REVERSE);
    mvhline(y, 0, ' ', COLS);
    attron(ink(with));
    put(y, 0, 28, line);
    attroff(ink(with));
    if (data) {
        snprintf(line, sizeof line, "%8" PRIu64, l->len);
        put(y, 27, 8, line);
    }
    put(y, data ? 37 : 28, COLS, words);
    attroff(A_REVERSE);
}

static int draw_frame(int y, const struct wst_tool_watch_line *l)
{
    const struct wst_event_frame *f = &l->frame;
    char line[256], time_[32];

    snprintf(line, sizeof line, "packet %" PRIu64 "  %s  %s", l->when.pkt,
             clock_text(time_, l->when.ns),
             l->dir == WST_C2S   ? "client to server"
             : l->dir == WST_S2C ? "server to client"
                                 : "");
    put(y++, 1, COLS, line);
    if (l->has_frame) {
        snprintf(line, sizeof line,
                 "frame %" PRIu64 "  FIN %d  RSV %d%d%d  opcode %u (%s)  MASK %d%s%02x%02x%02x%02x",
                 f->n, f->fin, f->rsv1, f->rsv2, f->rsv3, f->opcode, wst_opcode_name(f->opcode),
                 f->masked, f->masked ? "  key " : "", f->mask_key[0], f->mask_key[1],
                 f->mask_key[2], f->mask_key[3]);
        if (!f->masked) *strstr(line, "MASK 0") = '\0', strcat(line, "MASK 0");
        put(y++, 1, COLS, line);
        snprintf(line, sizeof line, "header %u bytes, payload %" PRIu64 " bytes%s", f->header_len,
                 f->len, f->complete ? "" : ", not all of them captured");
        put(y++, 1, COLS, line);
    }
    if (l->type == WST_EVENT_MESSAGE) {
        snprintf(line, sizeof line, "message of %" PRIu64 " frame%s, %" PRIu64 " bytes%s%s",
                 l->frames, l->frames == 1 ? "" : "s", l->len,
                 l->compressed ? ", compressed on the wire" : "", l->certain ? "" : ", uncertain");
        put(y++, 1, COLS, line);
    }
    return y;
}

static void draw_bytes(const struct wst_tool_screen *s, int y, const struct wst_tool_watch_line *l)
{
    char line[256], words[WORDS];
    bool ours = l->type != WST_EVENT_MESSAGE && l->type != WST_EVENT_FRAME &&
                l->type != WST_EVENT_CLOSE; /* words, not bytes of anybody's */
    bool as_text = ours || (l->text && !s->hex);

    words_of(l, words);
    for (size_t at = 0, step = as_text && COLS > 2 ? (size_t)COLS - 2 : 16; y < LINES - 1;
         y++, at += step) {
        if (as_text) {
            if (at >= strlen(words)) return;
            while (at && ((unsigned char)words[at] & 0xc0) == 0x80) at--;
            put(y, 1, COLS - 2, words + at);
            continue;
        }
        if (at >= l->n) return;
        int n = snprintf(line, sizeof line, "%04zx ", at);
        for (size_t i = at; i < at + 16; i++)
            n += i < l->n ? snprintf(line + n, sizeof line - (size_t)n, " %02x",
                                     (unsigned)(unsigned char)l->bytes[i])
                          : snprintf(line + n, sizeof line - (size_t)n, "   ");
        line[n++] = ' ';
        for (size_t i = at; i < at + 16 && i < l->n; i++)
            line[n++] = l->bytes[i] > 0x20 && l->bytes[i] < 0x7f ? l->bytes[i] : '.';
        line[n] = '\0';
        put(y, 1, COLS - 2, line);
    }
}

static void draw_opened(struct wst_tool_screen *s)
{
    const struct wst_tool_watch_conn *c = wst_tool_watch_find(s->watch, s->opened);
    int below = LINES - 1 - DETAIL_ROWS, room = below - 3 > 0 ? below - 3 : 0;
    const struct wst_tool_watch_line **all;
    size_t n, at, from;
    char line[512];

    if (!c) {
        put(3, 2, COLS, "this connection was forgotten to make room for others");
        return;
    }
    snprintf(line, sizeof line, "#%" PRIu64 "  %s > %s  %s  %s", c->number, c->client, c->server,
             c->path, c->protocol);
    attron(A_REVERSE);
    mvhline(1, 0, ' ', COLS);
    put(1, 0, COLS, line);
    attroff(A_REVERSE);
    all = lines_of(s, &n);
    at = chosen_line(s, all, n);
    from = room && at >= (size_t)room ? at - (size_t)room + 1 : 0;
    for (int i = 0; i < room && from + (size_t)i < n; i++)
        draw_line(2 + i, all[from + (size_t)i], from + (size_t)i == at);
    mvhline(below - 1, 0, ACS_HLINE, COLS);
    if (n) draw_bytes(s, draw_frame(below, all[at]), all[at]);
    free(all);
}

/* -- the screen -------------------------------------------------------------------------------- */

static void draw_foot(const struct wst_tool_screen *s)
{
    char line[256];

    if (s->typing)
        snprintf(line, sizeof line, "/%s", s->filter);
    else if (s->opened)
        snprintf(line, sizeof line,
                 "esc back  up/down choose  end newest  x hex  / filter%s%s  p pause  q quit",
                 s->filter[0] ? ": " : "", s->filter);
    else
        snprintf(line, sizeof line, "enter open  s sorted by %s  / filter%s%s  p pause  q quit",
                 sorting_names[s->sorting], s->filter[0] ? ": " : "", s->filter);
    attron(A_DIM);
    put(LINES - 1, 0, COLS - 1, line);
    attroff(A_DIM);
    if (s->typing) move(LINES - 1, (int)strlen(s->filter) + 1);
    curs_set(s->typing);
}

static void draw(struct wst_tool_screen *s, const struct wst_tool_screen_status *status)
{
    if (!s->paused) s->now_ns = status->live ? status->now_ns : s->watch->now_ns;
    gather(s);
    erase();
    draw_status(s, status);
    if (s->opened)
        draw_opened(s);
    else
        draw_table(s);
    draw_foot(s);
    refresh();
}

/* -- keys -------------------------------------------------------------------------------------- */

static void type(struct wst_tool_screen *s, int key)
{
    size_t n = strlen(s->filter);

    if (key == '\n' || key == '\r' || key == KEY_ENTER) {
        s->typing = false;
    } else if (key == KEY_ESC) {
        s->filter[0] = '\0';
        s->typing = false;
    } else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
        while (n > 0 && ((unsigned char)s->filter[--n] & 0xc0) == 0x80) continue;
        s->filter[n] = '\0';
    } else if (key >= 0x20 && key < 0x100 && n + 1 < sizeof s->filter) {
        s->filter[n] = (char)key;
        s->filter[n + 1] = '\0';
    }
}

static size_t moved(size_t at, size_t n, int by)
{
    if (n == 0) return 0;
    if (by < 0) return at > (size_t)-by ? at - (size_t)-by : 0;
    return at + (size_t)by < n ? at + (size_t)by : n - 1;
}

static void move_by(struct wst_tool_screen *s, int by)
{
    if (s->opened) {
        size_t n;
        const struct wst_tool_watch_line **all = lines_of(s, &n);
        size_t to = moved(chosen_line(s, all, n), n, by);
        if (n) s->line = to == n - 1 && by > 0 ? 0 : all[to]->number; /* 0 follows the newest */
        free(all);
    } else if (s->rows_n) {
        s->chosen = s->rows[moved(chosen_row(s), s->rows_n, by)].conn.number;
    }
}

static void pause_or_go_on(struct wst_tool_screen *s)
{
    s->paused = !s->paused;
    s->paused_at = s->watch->numbers;
}

static void open_chosen(struct wst_tool_screen *s)
{
    if (s->opened || s->rows_n == 0) return;
    s->chosen = s->opened = s->rows[chosen_row(s)].conn.number;
    s->line = 0;
    s->filter[0] = '\0';
}

static void obey(struct wst_tool_screen *s, int key)
{
    int page = s->opened ? LINES - DETAIL_ROWS - 4 : LINES - 4;

    if (key == KEY_CTRL_C) {
        s->leaving = true;
    } else if (s->typing) {
        type(s, key);
        return;
    }
    switch (key) {
    case 'q': s->leaving = true; break;
    case 'p':
    case ' ': pause_or_go_on(s); break;
    case '/':
        s->typing = true;
        s->filter[0] = '\0';
        break;
    case 's': s->sorting = (enum sorting)((s->sorting + 1) % SORTINGS); break;
    case 'x': s->hex = !s->hex; break;
    case KEY_ESC:
    case KEY_BACKSPACE:
    case KEY_LEFT:
    case 127:
        if (s->filter[0])
            s->filter[0] = '\0';
        else
            s->opened = 0;
        break;
    case '\n':
    case '\r':
    case KEY_RIGHT:
    case KEY_ENTER: open_chosen(s); break;
    case KEY_UP:
    case 'k': move_by(s, -1); break;
    case KEY_DOWN:
    case 'j': move_by(s, 1); break;
    case KEY_PPAGE: move_by(s, -page); break;
    case KEY_NPAGE: move_by(s, page); break;
    case KEY_HOME:
    case 'g': move_by(s, -WST_WATCH_BYTES); break;
    case KEY_END:
    case 'G': move_by(s, WST_WATCH_BYTES); break;
    default: break;
    }
}

bool wst_tool_screen_attend(struct wst_tool_screen *s, const struct wst_tool_screen_status *status)
{
    int64_t now = monotonic();
    bool pressed = false;

    for (int key; (key = getch()) != ERR; pressed = true) obey(s, key);
    if (now - s->rated_ns >= rate_ns) {
        if (!s->paused)
            wst_tool_watch_rates(s->watch, s->rated_ns ? (double)(now - s->rated_ns) / 1e9 : 0);
        s->rated_ns = now;
    }
    if (pressed || now - s->drawn_ns >= draw_ns) {
        s->drawn_ns = now;
        draw(s, status);
    }
    return s->leaving;
}

void wst_tool_screen_stay(struct wst_tool_screen *s, const struct wst_tool_screen_status *status)
{
    struct sigaction action = {.sa_handler = on_end};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    wst_tool_watch_rates(s->watch, 0);
    timeout(100);
    s->drawn_ns = 0;
    while (!told_to_end && !wst_tool_screen_attend(s, status)) continue;
}

/* -- the terminal ------------------------------------------------------------------------------ */

/* Lines for standard error would tear the screen: they wait in a file of no name. */
static void put_stderr_aside(struct wst_tool_screen *s)
{
    s->aside = tmpfile();
    s->stderr_was = s->aside ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    if (s->stderr_was >= 0) dup2(fileno(s->aside), STDERR_FILENO);
}

static void bring_stderr_back(struct wst_tool_screen *s)
{
    char piece[4096];
    size_t n;

    if (s->stderr_was >= 0) dup2(s->stderr_was, STDERR_FILENO);
    if (s->aside && s->stderr_was >= 0) {
        rewind(s->aside);
        while ((n = fread(piece, 1, sizeof piece, s->aside)) > 0)
            if (write(STDERR_FILENO, piece, n) < 0) break;
    }
    if (s->stderr_was >= 0) close(s->stderr_was);
    if (s->aside) fclose(s->aside);
}

static void set_up(void)
{
    const char *no = getenv("NO_COLOR");

    raw(); /* ^C is a key: the terminal must be given back in any case */
    noecho();
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    if (!has_colors() || (no && *no)) return;
    start_color();
    use_default_colors();
    init_pair(CLIENT, COLOR_CYAN, -1);
    init_pair(SERVER, COLOR_GREEN, -1);
    init_pair(WARN, COLOR_YELLOW, -1);
    init_pair(BAD, COLOR_RED, -1);
}

/* Not standard input, which may be the capture. */
static bool take_terminal(struct wst_tool_screen *s)
{
    setlocale(LC_CTYPE, "");
    s->out = fopen("/dev/tty", "w");
    s->in = fopen("/dev/tty", "r");
    if (!s->in || !s->out || !(s->terminal = newterm(NULL, s->out, s->in))) {
        wst_tool_say("top needs a terminal that TERM describes");
        return false;
    }
    set_up();
    put_stderr_aside(s);
    return true;
}

struct wst_tool_screen *wst_tool_screen_new(struct wst_tool_watch *watch)
{
    struct wst_tool_screen *s = calloc(1, sizeof *s);

    if (!s || !(s->rows = calloc(WST_WATCH_CONNS, sizeof *s->rows))) {
        free(s);
        wst_tool_say("out of memory");
        return NULL;
    }
    s->watch = watch;
    s->stderr_was = -1;
    if (take_terminal(s)) return s;
    wst_tool_screen_free(s);
    return NULL;
}

void wst_tool_screen_free(struct wst_tool_screen *s)
{
    if (!s) return;
    if (s->terminal) {
        endwin();
        delscreen(s->terminal);
        bring_stderr_back(s);
    }
    if (s->in) fclose(s->in);
    if (s->out) fclose(s->out);
    free(s->rows);
    free(s);
}

#else

struct wst_tool_screen *wst_tool_screen_new(struct wst_tool_watch *watch)
{
    (void)watch;
    wst_tool_say("top is not in this build: there was no ncurses");
    return NULL;
}

void wst_tool_screen_free(struct wst_tool_screen *screen)
{
    (void)screen;
}

bool wst_tool_screen_attend(struct wst_tool_screen *screen,
                            const struct wst_tool_screen_status *status)
{
    (void)screen;
    (void)status;
    return true;
}

void wst_tool_screen_stay(struct wst_tool_screen *screen,
                          const struct wst_tool_screen_status *status)
{
    (void)screen;
    (void)status;
}

#endif
