/* SPDX-License-Identifier: MIT
 *
 * In: a pair of connections whose equal items are aligned. Out: which of the others were moved, and
 * which became which. Refuses to match more than HUNK_MAX items of a hunk by likeness.
 */
#include "pairing.h"

/* An unaligned item that is equal to one elsewhere was moved. */
static void find_moved(struct wst_pairing *p)
{
    enum { LOOK_MAX = 1 << 22 };
    uint32_t looked = 0;

    for (uint32_t i = 0; i < p->a->n; i++) {
        if (p->to[i] != WST_ALONE) continue;
        for (uint32_t j = 0; j < p->b->n && looked < LOOK_MAX; j++, looked++) {
            if (p->from[j] != WST_ALONE || p->came[j] != WST_ALONE || !wst_pairing_same(p, i, j))
                continue;
            p->went[i] = j;
            p->came[j] = i;
            break;
        }
    }
}

/* How alike two texts are: equal bytes at both ends, in thousandths of the longer one. */
static uint32_t likeness(struct wst_slice a, struct wst_slice b)
{
    size_t most = a.n > b.n ? a.n : b.n, least = a.n + b.n - most, head = 0, tail = 0;

    while (head < least && a.p[head] == b.p[head]) head++;
    while (tail < least - head && a.p[a.n - 1 - tail] == b.p[b.n - 1 - tail]) tail++;
    return most ? (uint32_t)((head + tail) * 1000 / most) : 0;
}

/* What a line of a handshake is about: its first word, or for header lines, its first two. */
static struct wst_slice subject(struct wst_slice line)
{
    struct wst_slice text = wst_slice_skip(line, 2);
    bool header = wst_slice_starts(text, "request ") || wst_slice_starts(text, "response ");
    size_t n = 0;

    if (wst_slice_starts(text, "accepted") || wst_slice_starts(text, "refused") ||
        wst_slice_starts(text, "no response"))
        return wst_slice_text("outcome");
    while (n < text.n && text.p[n] != '\n' && text.p[n] != (header ? ':' : ' ')) n++;
    return wst_slice_head(text, n);
}

static bool comparable(const struct wst_item *x, const struct wst_item *y)
{
    if (x->dir != y->dir || x->kind != y->kind) return false;
    if (x->kind != WST_ITEM_HEAD) return true;
    return wst_slice_same(subject(wst_item_text(x)), subject(wst_item_text(y)));
}

enum { HUNK_MAX = 48 }; /* items of a hunk that are matched by likeness */

struct hunk { /* places alone, between two aligned ones */
    uint32_t a[HUNK_MAX], b[HUNK_MAX], n, m;
};

/* The changed ones: the pairs, in order, that are the most alike together. */
static void match_hunk(struct wst_pairing *p, const struct hunk *h)
{
    static const uint32_t none = 0;
    uint32_t best[HUNK_MAX + 1][HUNK_MAX + 1];
    uint32_t i, j;

    memset(best, none, sizeof best);
    for (i = h->n; i-- > 0;)
        for (j = h->m; j-- > 0;) {
            const struct wst_item *x = wst_connection_item(p->a, h->a[i]);
            const struct wst_item *y = wst_connection_item(p->b, h->b[j]);
            uint32_t skip = best[i + 1][j] > best[i][j + 1] ? best[i + 1][j] : best[i][j + 1];
            uint32_t gain = comparable(x, y) ? 1 + best[i + 1][j + 1] +
                                                   likeness(wst_item_text(x), wst_item_text(y))
                                             : 0;
            best[i][j] = gain > skip ? gain : skip;
        }
    for (i = j = 0; i < h->n && j < h->m;) {
        if (best[i][j] == best[i + 1][j]) {
            i++;
        } else if (best[i][j] == best[i][j + 1]) {
            j++;
        } else {
            p->became[h->a[i]] = h->b[j];
            p->was[h->b[j++]] = h->a[i++];
        }
    }
}

static void find_changed(struct wst_pairing *p)
{
    uint32_t i = 0, j = 0;

    while (i < p->a->n || j < p->b->n) {
        struct hunk h = {.n = 0};
        for (; i < p->a->n && p->to[i] == WST_ALONE; i++)
            if (p->went[i] == WST_ALONE && h.n < HUNK_MAX) h.a[h.n++] = i;
        for (; j < p->b->n && p->from[j] == WST_ALONE; j++)
            if (p->came[j] == WST_ALONE && h.m < HUNK_MAX) h.b[h.m++] = j;
        if (h.n && h.m) match_hunk(p, &h);
        i++;
        j++;
    }
}

void wst_pairing_match(struct wst_pairing *p)
{
    find_moved(p);
    find_changed(p);
}
