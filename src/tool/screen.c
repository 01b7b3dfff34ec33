/* SPDX-License-Identifier: MIT
 *
 * In: what watch.c gathered, and keys. Out: a full screen on the terminal.
 * Refuses to show a stranger's bytes as they are: all words pass wst_tool_safe.
 */
#include "screen.h"

#include "now.h"
#include "say.h"

#if WST_HAVE_CURSES

#include "screen_parts.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_ESC = 27, KEY_CTRL_C = 3 };
static const int64_t draw_ns = 200000000, rate_ns = 1000000000;
static const char *const sorting_names[SORTINGS] = {"traffic", "age", "last message", "problems"};

/* SIGTERM and SIGHUP while nothing is captured any more. */
static volatile sig_atomic_t told_to_end;
static void on_end(int number)
{
    (void)number;
    told_to_end = 1;
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
    wst_tool_screen_put(LINES - 1, 0, COLS - 1, line);
    attroff(A_DIM);
    if (s->typing) move(LINES - 1, (int)strlen(s->filter) + 1);
    curs_set(s->typing);
}

static void draw(struct wst_tool_screen *s, const struct wst_tool_screen_status *status)
{
    if (!s->paused) s->now_ns = status->live ? status->now_ns : s->watch->now_ns;
    wst_tool_screen_gather(s);
    erase();
    wst_tool_screen_draw_status(s, status);
    if (s->opened)
        wst_tool_screen_draw_opened(s);
    else
        wst_tool_screen_draw_table(s);
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
        const struct wst_tool_watch_line **all = wst_tool_screen_lines(s, &n);
        size_t to = moved(wst_tool_screen_chosen_line(s, all, n), n, by);
        if (n) s->line = to == n - 1 && by > 0 ? 0 : all[to]->number; /* 0 follows the newest */
        free(all);
    } else if (s->rows_n) {
        s->chosen = s->rows[moved(wst_tool_screen_chosen_row(s), s->rows_n, by)].conn.number;
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
    s->chosen = s->opened = s->rows[wst_tool_screen_chosen_row(s)].conn.number;
    s->line = 0;
    s->filter[0] = '\0';
}

static void obey(struct wst_tool_screen *s, int key)
{
    int page = s->opened ? wst_tool_screen_lines_room() : LINES - 4;

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
    int64_t now = wst_tool_now_steady();
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
