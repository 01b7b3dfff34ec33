/* SPDX-License-Identifier: MIT
 *
 * In: one connection. Out: its lines, and the chosen one in detail.
 * Refuses to show what was forgotten: it says so.
 */
#if WST_HAVE_CURSES

#include "screen_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool shown(const struct wst_tool_screen *s, const struct wst_tool_watch_line *l)
{
    char words[WORDS];

    if (s->paused && l->number > s->paused_at) return false;
    if (!s->filter[0]) return true;
    wst_tool_screen_words(l, words);
    return strcasestr(words, s->filter) || strcasestr(wst_tool_screen_kind(l), s->filter);
}

/* The lines shown, in order; *n of them, in memory of the caller's. */
const struct wst_tool_watch_line **wst_tool_screen_lines(const struct wst_tool_screen *s, size_t *n)
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

size_t wst_tool_screen_chosen_line(const struct wst_tool_screen *s,
                                   const struct wst_tool_watch_line **all, size_t n)
{
    for (size_t i = 0; s->line && i < n; i++)
        if (all[i]->number >= s->line) return i;
    return n ? n - 1 : 0;
}

static void draw_line(int y, const struct wst_tool_watch_line *l, bool chosen)
{
    char line[128], time_[32], words[WORDS];
    bool data = l->type == WST_EVENT_MESSAGE || l->type == WST_EVENT_FRAME;
    enum wst_tool_ink with = l->type == WST_EVENT_PROBLEM ? (l->level == WST_ERROR  ? BAD
                                                             : l->level == WST_NOTE ? PLAIN
                                                                                    : WARN)
                             : l->type == WST_EVENT_GAP   ? WARN
                             : l->dir == WST_C2S          ? CLIENT
                             : l->dir == WST_S2C          ? SERVER
                                                          : PLAIN;

    snprintf(line, sizeof line, "%s %2s %-8.8s", wst_tool_screen_clock(time_, l->when.ns),
             l->dir == WST_C2S   ? "> "
             : l->dir == WST_S2C ? " <"
                                 : "",
             wst_tool_screen_kind(l));
    wst_tool_screen_words(l, words);
    if (chosen) attron(A_REVERSE);
    mvhline(y, 0, ' ', COLS);
    attron(wst_tool_screen_ink(with));
    wst_tool_screen_put(y, 0, 28, line);
    attroff(wst_tool_screen_ink(with));
    if (data) {
        snprintf(line, sizeof line, "%8" PRIu64, l->len);
        wst_tool_screen_put(y, 27, 8, line);
    }
    wst_tool_screen_put(y, data ? 37 : 28, COLS, words);
    attroff(A_REVERSE);
}

/* Rows for the line chosen, below a rule: less than half of a low screen, none of a very low one.
 */
static int detail_rows(void)
{
    int half = (LINES - 4) / 2;
    return half > DETAIL_ROWS ? DETAIL_ROWS : half > 0 ? half : 0;
}

int wst_tool_screen_lines_room(void)
{
    int detail = detail_rows(), room = LINES - 3 - detail - (detail > 0);
    return room > 0 ? room : 0;
}

/* The next row, if there is one above the foot. */
static int put_below(int y, const char *line)
{
    if (y < LINES - 1) wst_tool_screen_put(y++, 1, COLS, line);
    return y;
}

static int draw_frame(int y, const struct wst_tool_watch_line *l)
{
    const struct wst_event_frame *f = &l->frame;
    char line[256], time_[32];

    snprintf(line, sizeof line, "packet %" PRIu64 "  %s  %s", l->when.pkt,
             wst_tool_screen_clock(time_, l->when.ns),
             l->dir == WST_C2S   ? "client to server"
             : l->dir == WST_S2C ? "server to client"
                                 : "");
    y = put_below(y, line);
    if (l->has_frame) {
        snprintf(line, sizeof line,
                 "frame %" PRIu64 "  FIN %d  RSV %d%d%d  opcode %u (%s)  MASK %d%s%02x%02x%02x%02x",
                 f->n, f->fin, f->rsv1, f->rsv2, f->rsv3, f->opcode, wst_opcode_name(f->opcode),
                 f->masked, f->masked ? "  key " : "", f->mask_key[0], f->mask_key[1],
                 f->mask_key[2], f->mask_key[3]);
        if (!f->masked) *strstr(line, "MASK 0") = '\0', strcat(line, "MASK 0");
        y = put_below(y, line);
        snprintf(line, sizeof line, "header %u bytes, payload %" PRIu64 " bytes%s", f->header_len,
                 f->len, f->complete ? "" : ", not all of them captured");
        y = put_below(y, line);
    }
    if (l->type == WST_EVENT_MESSAGE) {
        snprintf(line, sizeof line, "message of %" PRIu64 " frame%s, %" PRIu64 " bytes%s%s",
                 l->frames, l->frames == 1 ? "" : "s", l->len,
                 l->compressed ? ", compressed on the wire" : "", l->certain ? "" : ", uncertain");
        y = put_below(y, line);
    }
    return y;
}

static void draw_bytes(const struct wst_tool_screen *s, int y, const struct wst_tool_watch_line *l)
{
    char line[256], words[WORDS];
    bool ours = l->type != WST_EVENT_MESSAGE && l->type != WST_EVENT_FRAME &&
                l->type != WST_EVENT_CLOSE; /* words, not bytes of anybody's */
    bool as_text = ours || (l->text && !s->hex);

    wst_tool_screen_words(l, words);
    for (size_t at = 0, step = as_text && COLS > 2 ? (size_t)COLS - 2 : 16; y < LINES - 1;
         y++, at += step) {
        if (as_text) {
            if (at >= strlen(words)) return;
            while (at && ((unsigned char)words[at] & 0xc0) == 0x80) at--;
            wst_tool_screen_put(y, 1, COLS - 2, words + at);
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
        wst_tool_screen_put(y, 1, COLS - 2, line);
    }
}

void wst_tool_screen_draw_opened(struct wst_tool_screen *s)
{
    const struct wst_tool_watch_conn *c = wst_tool_watch_find(s->watch, s->opened);
    int below = LINES - 1 - detail_rows(), room = wst_tool_screen_lines_room();
    const struct wst_tool_watch_line **all;
    size_t n, at, from;
    char line[512];

    if (!c) {
        wst_tool_screen_put(3, 2, COLS, "this connection was forgotten to make room for others");
        return;
    }
    snprintf(line, sizeof line, "#%" PRIu64 "  %s > %s  %s  %s%s%s", c->number, c->client,
             c->server, c->path, c->protocol, c->protocol[0] && c->app[0] ? "  " : "", c->app);
    attron(A_REVERSE);
    mvhline(1, 0, ' ', COLS);
    wst_tool_screen_put(1, 0, COLS, line);
    attroff(A_REVERSE);
    all = wst_tool_screen_lines(s, &n);
    at = wst_tool_screen_chosen_line(s, all, n);
    from = room && at >= (size_t)room ? at - (size_t)room + 1 : 0;
    for (int i = 0; i < room && from + (size_t)i < n; i++)
        draw_line(2 + i, all[from + (size_t)i], from + (size_t)i == at);
    if (below < LINES - 1) mvhline(below - 1, 0, ACS_HLINE, COLS);
    if (n) draw_bytes(s, draw_frame(below, all[at]), all[at]);
    free(all);
}

#else

typedef int wst_tool_no_curses; /* a file must have something in it */

#endif
