/* SPDX-License-Identifier: MIT
 *
 * In: canonical texts. Out: their lines with a sign before each, as a difference shows them.
 * Refuses to show more than WST_COMPARE_LINES lines of an item.
 */
#include "compare.h"

#include <stdlib.h>

static void put_line(struct wst_ink *ink, const char *sign, struct wst_slice line)
{
    enum { LINE_MAX_BYTES = 400 };
    size_t n = line.n < LINE_MAX_BYTES ? line.n : LINE_MAX_BYTES;

    while (n < line.n && n > 0 && (line.p[n] & 0xc0) == 0x80) n--;
    wst_ink_text(ink, sign);
    wst_ink_bytes(ink, wst_slice_head(line, n));
    if (n < line.n) wst_ink_format(ink, "... %llu bytes more", (unsigned long long)(line.n - n));
    wst_ink_byte(ink, '\n');
}

struct wst_slice wst_lines_take(struct wst_slice *text)
{
    const uint8_t *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end ? (size_t)(end - text->p) : text->n;
    struct wst_slice line = wst_slice_head(*text, n);

    *text = wst_slice_skip(*text, n + 1);
    return line;
}

void wst_lines_item(struct wst_ink *ink, const char *sign, struct wst_slice text, unsigned most)
{
    while (text.n) {
        if (most-- == 0) {
            put_line(ink, sign, wst_slice_text("      ..."));
            return;
        }
        put_line(ink, sign, wst_lines_take(&text));
    }
}

/* What an item says, on one line and without its direction, cut. */
void wst_lines_short(struct wst_ink *ink, struct wst_slice text)
{
    enum { SHORT = 60 };
    struct wst_slice line = wst_lines_take(&text);
    size_t n;

    line = wst_slice_skip(line, line.n > 3 && line.p[3] == ' ' ? 4 : 2);
    n = line.n < SHORT ? line.n : SHORT;
    while (n < line.n && n > 0 && (line.p[n] & 0xc0) == 0x80) n--;
    wst_ink_bytes(ink, wst_slice_head(line, n));
    if (n < line.n || text.n) wst_ink_text(ink, "...");
}

struct lines {
    struct wst_slice *of[2];
};

static bool same_line(const void *user, uint32_t i, uint32_t j)
{
    const struct lines *l = user;

    return wst_slice_same(l->of[0][i], l->of[1][j]);
}

static uint32_t count_lines(struct wst_slice text)
{
    uint32_t n = 0;

    while (text.n) {
        wst_lines_take(&text);
        n++;
    }
    return n;
}

/* The lines of a hunk with what stands around it; what is far from any change is left out. */
static void put_line_hunks(struct wst_ink *ink, const struct wst_align *al, const struct lines *l)
{
    unsigned written = 0;
    bool left_out = false;

    for (uint32_t i = 0, j = 0; i < al->n || j < al->m;) {
        bool equal = i < al->n && al->to[i] == j, near = false;
        uint32_t from = i > WST_COMPARE_CONTEXT ? i - WST_COMPARE_CONTEXT : 0;
        for (uint32_t k = from; equal && k <= i + WST_COMPARE_CONTEXT && k < al->n; k++)
            near |= al->to[k] == WST_ALONE || (k + 1 < al->n && al->to[k + 1] != al->to[k] + 1) ||
                    (k + 1 == al->n && al->to[k] + 1 != al->m);
        bool minus = !equal && i < al->n && al->to[i] == WST_ALONE;
        if (written >= 2 * WST_COMPARE_LINES || (equal && !near && i > 0)) {
            if (!left_out) put_line(ink, "  ", wst_slice_text("      ..."));
            left_out = true;
        } else {
            put_line(ink,
                     equal   ? "  "
                     : minus ? "- "
                             : "+ ",
                     minus || equal ? l->of[0][i] : l->of[1][j]);
            left_out = false;
            written++;
        }
        i += equal || minus;
        j += equal || !minus;
    }
}

/* A changed item: its lines, the changed ones among them marked. */
void wst_lines_change(struct wst_ink *ink, struct wst_slice before, struct wst_slice after)
{
    uint32_t n = count_lines(before), m = count_lines(after);
    struct wst_slice *room = malloc(((size_t)n + m + 1) * sizeof *room);
    uint32_t *to = malloc((n + 1) * sizeof *to);
    struct lines l = {{room, room ? room + n : NULL}};
    struct wst_align align = {n, m, same_line, &l, to};

    if (room && to) {
        for (uint32_t i = 0; i < n; i++) l.of[0][i] = wst_lines_take(&before);
        for (uint32_t j = 0; j < m; j++) l.of[1][j] = wst_lines_take(&after);
        if (wst_align(&align)) put_line_hunks(ink, &align, &l);
    } else {
        ink->failed = true;
    }
    free(room);
    free(to);
}
