/* SPDX-License-Identifier: MIT
 *
 * In: two sessions. Out: an outcome: what is different, with what stands around it.
 * Refuses to keep more than WST_DIFFERENCES_MAX differences; the others are counted.
 */
#include "compare.h"

#include <stdlib.h>

/* -- the outcome ----------------------------------------------------------------------------- */

struct wst_outcome *wst_outcome_new(size_t memory)
{
    struct wst_outcome *v = calloc(1, sizeof *v);

    if (v == NULL) return NULL;
    v->budget.max = memory;
    v->arena.budget = &v->budget;
    return v;
}

void wst_outcome_free(struct wst_outcome *v)
{
    if (v == NULL) return;
    wst_arena_free(&v->arena);
    free(v->list);
    free(v);
}

struct wst_difference *wst_outcome_add(struct wst_outcome *v, enum wst_difference_kind kind)
{
    struct wst_difference *d;

    v->count++;
    if (v->n == WST_DIFFERENCES_MAX) return NULL;
    if (v->n == v->room) {
        size_t room = v->room ? v->room * 2 : 16;
        d = realloc(v->list, room * sizeof *d);
        if (d == NULL) {
            v->failed = true;
            return NULL;
        }
        v->list = d;
        v->room = room;
    }
    d = &v->list[v->n++];
    *d = (struct wst_difference){.kind = kind, .connection = "", .what = "", .context = ""};
    return d;
}

const char *wst_outcome_text(struct wst_outcome *v, struct wst_slice text)
{
    struct wst_ink ink = {.budget = &v->budget};
    const char *copy;

    wst_ink_safe(&ink, text);
    copy = ink.failed ? NULL : wst_arena_text(&v->arena, wst_ink_slice(&ink));
    wst_ink_free(&ink);
    if (copy) return copy;
    v->failed = true;
    return "";
}

uint64_t wst_outcome_count(const struct wst_outcome *v)
{
    return v->count;
}

const struct wst_difference *wst_outcome_difference(const struct wst_outcome *v, size_t i)
{
    return i < v->n ? &v->list[i] : NULL;
}

const char *wst_difference_kind_name(enum wst_difference_kind kind)
{
    static const char *const names[WST_DIFFERENCE_KINDS] = {
        [WST_DIFFERENCE_CHANGED] = "changed",
        [WST_DIFFERENCE_MISSING] = "missing",
        [WST_DIFFERENCE_EXTRA] = "extra",
        [WST_DIFFERENCE_MOVED] = "moved",
        [WST_DIFFERENCE_VALUE] = "value",
        [WST_DIFFERENCE_NO_CONNECTION] = "no-connection",
        [WST_DIFFERENCE_MORE_CONNECTION] = "more-connection",
        [WST_DIFFERENCE_TIMING] = "timing",
        [WST_DIFFERENCE_RULE] = "rule",
    };

    return (unsigned)kind < WST_DIFFERENCE_KINDS ? names[kind] : "unknown";
}

/* -- a pair of connections ------------------------------------------------------------------- */

/* What became of an item: the place on the other side, or one of these. */
enum { ALONE = UINT32_MAX };

struct pairing {
    struct wst_outcome *outcome;
    struct wst_session *expected, *seen;
    struct wst_connection *a;
    const struct wst_connection *b;
    uint32_t *to, *from;    /* equal items: places of a in b, of b in a */
    uint32_t *became, *was; /* changed ones, likewise */
    uint32_t *went, *came;  /* moved ones, likewise */
    uint32_t said[2][2];    /* messages so far: of a and b, by direction */
    struct wst_ink context, what;
    const struct wst_compare_options *options;
};

static bool same(const void *user, uint32_t i, uint32_t j)
{
    const struct pairing *p = user;

    return wst_item_same(p->expected, wst_connection_item(p->a, i), wst_connection_item(p->b, j));
}

/* An unaligned item that is equal to one elsewhere was moved. */
static void find_moved(struct pairing *p)
{
    enum { LOOK_MAX = 1 << 22 };
    uint32_t looked = 0;

    for (uint32_t i = 0; i < p->a->n; i++) {
        if (p->to[i] != ALONE) continue;
        for (uint32_t j = 0; j < p->b->n && looked < LOOK_MAX; j++, looked++) {
            if (p->from[j] != ALONE || p->came[j] != ALONE || !same(p, i, j)) continue;
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
    struct wst_slice a, b;

    if (x->dir != y->dir || x->kind != y->kind) return false;
    if (x->kind != WST_ITEM_HEAD) return true;
    a = subject(wst_item_text(x));
    b = subject(wst_item_text(y));
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

enum { HUNK_MAX = 48 }; /* items of a hunk that are matched by likeness */

struct hunk { /* places alone, between two aligned ones */
    uint32_t a[HUNK_MAX], b[HUNK_MAX], n, m;
};

/* The changed ones: the pairs, in order, that are the most alike together. */
static void match_hunk(struct pairing *p, const struct hunk *h)
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

static void find_changed(struct pairing *p)
{
    uint32_t i = 0, j = 0;

    while (i < p->a->n || j < p->b->n) {
        struct hunk h = {.n = 0};
        for (; i < p->a->n && p->to[i] == ALONE; i++)
            if (p->went[i] == ALONE && h.n < HUNK_MAX) h.a[h.n++] = i;
        for (; j < p->b->n && p->from[j] == ALONE; j++)
            if (p->came[j] == ALONE && h.m < HUNK_MAX) h.b[h.m++] = j;
        if (h.n && h.m) match_hunk(p, &h);
        i++;
        j++;
    }
}

/* -- words ----------------------------------------------------------------------------------- */

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

static struct wst_slice take_line(struct wst_slice *text)
{
    const uint8_t *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    size_t n = end ? (size_t)(end - text->p) : text->n;
    struct wst_slice line = wst_slice_head(*text, n);

    *text = wst_slice_skip(*text, n + 1);
    return line;
}

static void put_item(struct wst_ink *ink, const char *sign, struct wst_slice text, unsigned most)
{
    while (text.n) {
        if (most-- == 0) {
            put_line(ink, sign, wst_slice_text("      ..."));
            return;
        }
        put_line(ink, sign, take_line(&text));
    }
}

struct lines {
    struct wst_slice *of[2];
};

static bool same_line(const void *user, uint32_t i, uint32_t j)
{
    const struct lines *l = user;

    return l->of[0][i].n == l->of[1][j].n &&
           memcmp(l->of[0][i].p, l->of[1][j].p, l->of[0][i].n) == 0;
}

static uint32_t count_lines(struct wst_slice text)
{
    uint32_t n = 0;

    while (text.n) {
        take_line(&text);
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
            near |= al->to[k] == ALONE || (k + 1 < al->n && al->to[k + 1] != al->to[k] + 1) ||
                    (k + 1 == al->n && al->to[k] + 1 != al->m);
        bool minus = !equal && i < al->n && al->to[i] == ALONE;
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
static void put_change(struct wst_ink *ink, struct wst_slice before, struct wst_slice after)
{
    uint32_t n = count_lines(before), m = count_lines(after);
    struct wst_slice *room = malloc(((size_t)n + m + 1) * sizeof *room);
    uint32_t *to = malloc((n + 1) * sizeof *to);
    struct lines l = {{room, room + n}};
    struct wst_align align = {n, m, same_line, &l, to};

    if (room && to) {
        for (uint32_t i = 0; i < n; i++) l.of[0][i] = take_line(&before);
        for (uint32_t j = 0; j < m; j++) l.of[1][j] = take_line(&after);
        if (wst_align(&align)) put_line_hunks(ink, &align, &l);
    } else {
        ink->failed = true;
    }
    free(room);
    free(to);
}

static const char *noun(const struct wst_item *item)
{
    static const char *const nouns[] = {"handshake", "message", "ping", "pong", "close", "item"};

    return nouns[item->kind];
}

/* "message 3 from the server" */
static void put_name(const struct pairing *p, struct wst_ink *ink, const struct wst_item *item,
                     int which)
{
    wst_ink_text(ink, noun(item));
    if (item->kind == WST_ITEM_MESSAGE)
        wst_ink_format(ink, " %u", (unsigned)p->said[which][item->dir == WST_S2C]);
    if (item->kind != WST_ITEM_HEAD)
        wst_ink_text(ink, item->dir == WST_C2S ? " from the client" : " from the server");
}

static void put_around(struct wst_ink *ink, const struct wst_connection *c, uint32_t from,
                       uint32_t to)
{
    enum { AROUND_LINES = 3 }; /* of one item */

    for (uint32_t i = from; i < to && i < c->n; i++)
        put_item(ink, "  ", wst_item_text(wst_connection_item(c, i)), AROUND_LINES);
}

static const char *title(struct wst_outcome *v, const struct wst_connection *c)
{
    struct wst_slice text;

    if (c->n == 0) return "";
    text = wst_item_text(wst_connection_item(c, 0));
    return wst_outcome_text(v, wst_slice_skip(take_line(&text), strlen("connection ")));
}

/* -- what is told ---------------------------------------------------------------------------- */

/* The difference about item i of a or j of b (ALONE: not there), its places and context. */
static struct wst_difference *add(struct pairing *p, enum wst_difference_kind kind, uint32_t i,
                                  uint32_t j)
{
    struct wst_difference *d = wst_outcome_add(p->outcome, kind);
    const struct wst_item *x = i == ALONE ? NULL : wst_connection_item(p->a, i);
    const struct wst_item *y = j == ALONE ? NULL : wst_connection_item(p->b, j);

    if (d == NULL) return NULL;
    d->connection = title(p->outcome, p->a);
    d->conn = p->b->conn;
    d->line = x ? x->line : p->a->line;
    if (x && x->line == 0) {
        d->other_first = x->first_pkt;
        d->other_pkt = x->pkt;
    }
    if (y) {
        d->pkt_first = y->first_pkt;
        d->pkt = y->pkt;
    }
    p->what.buf.n = p->context.buf.n = 0;
    put_name(p, &p->what, x ? x : y, x ? 0 : 1);
    return d;
}

static void finish(struct pairing *p, struct wst_difference *d)
{
    d->what = wst_outcome_text(p->outcome, wst_ink_slice(&p->what));
    d->context = wst_outcome_text(p->outcome, wst_ink_slice(&p->context));
    if (p->what.failed || p->context.failed) p->outcome->failed = true;
}

static void put_before(struct pairing *p, const struct wst_connection *c, uint32_t at)
{
    put_around(&p->context, c, at > WST_COMPARE_CONTEXT ? at - WST_COMPARE_CONTEXT : 0, at);
}
static void put_behind(struct pairing *p, const struct wst_connection *c, uint32_t at)
{
    put_around(&p->context, c, at + 1, at + 1 + WST_COMPARE_CONTEXT);
}

/* What an item says, on one line and without its direction, cut. */
static void put_short(struct wst_ink *ink, struct wst_slice text)
{
    enum { SHORT = 60 };
    struct wst_slice line = take_line(&text);
    size_t n;

    line = wst_slice_skip(line, line.n > 3 && line.p[3] == ' ' ? 4 : 2);
    n = line.n < SHORT ? line.n : SHORT;
    while (n < line.n && n > 0 && (line.p[n] & 0xc0) == 0x80) n--;
    wst_ink_bytes(ink, wst_slice_head(line, n));
    if (n < line.n || text.n) wst_ink_text(ink, "...");
}

static void put_field(struct wst_ink *ink, const struct wst_field_change *f)
{
    wst_ink_text(ink, f->path);
    if (f->before == NULL) {
        wst_ink_text(ink, " is new: ");
        wst_ink_text(ink, f->after);
    } else if (f->after == NULL) {
        wst_ink_text(ink, " is gone; it was ");
        wst_ink_text(ink, f->before);
    } else {
        wst_ink_text(ink, " was ");
        wst_ink_text(ink, f->before);
        wst_ink_text(ink, ", is ");
        wst_ink_text(ink, f->after);
    }
}

static void keep_fields(struct pairing *p, struct wst_difference *d,
                        const struct wst_field_list *list)
{
    struct wst_field_change *copy = wst_arena_take(&p->outcome->arena, list->n * sizeof *copy);

    if (copy == NULL) return;
    memcpy(copy, list->list, list->n * sizeof *copy);
    d->fields = copy;
    d->fields_n = list->n;
}

static void tell_changed(struct pairing *p, uint32_t i, uint32_t j)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_CHANGED, i, j);
    struct wst_slice before = wst_item_text(wst_connection_item(p->a, i));
    struct wst_slice after = wst_item_text(wst_connection_item(p->b, j));
    struct wst_field_list fields;

    if (d == NULL) return;
    wst_ink_text(&p->what, ": ");
    if (wst_fields(p->outcome, p->expected, before, after, &fields)) {
        put_field(&p->what, &fields.list[0]);
        if (fields.count > 1)
            wst_ink_format(&p->what, " (and %llu more)", (unsigned long long)(fields.count - 1));
        keep_fields(p, d, &fields);
    } else {
        wst_ink_text(&p->what, "was ");
        put_short(&p->what, before);
        wst_ink_text(&p->what, ", is ");
        put_short(&p->what, after);
    }
    put_before(p, p->a, i);
    put_change(&p->context, before, after);
    put_behind(p, p->a, i);
    finish(p, d);
}

/* What n items in a row say, behind a name that stands for all of them. */
static void put_row(struct pairing *p, const struct wst_connection *c, uint32_t at, uint32_t n,
                    const char *one, const char *many)
{
    struct wst_slice text = wst_item_text(wst_connection_item(c, at));

    if (n == 1) {
        wst_ink_text(&p->what, one);
    } else {
        wst_ink_format(&p->what, " and %u more behind it ", (unsigned)(n - 1));
        wst_ink_text(&p->what, many);
    }
    put_short(&p->what, text);
}

static void put_items(struct wst_ink *ink, const char *sign, const struct wst_connection *c,
                      uint32_t at, uint32_t n)
{
    enum { SHOWN = 20, LINES = 6 }; /* of a row; a single one has more room */

    if (n == 1) {
        put_item(ink, sign, wst_item_text(wst_connection_item(c, at)), WST_COMPARE_LINES);
        return;
    }
    for (uint32_t i = 0; i < n && i < SHOWN; i++)
        put_item(ink, sign, wst_item_text(wst_connection_item(c, at + i)), LINES);
    if (n > SHOWN) wst_ink_format(ink, "%s  ... %u more\n", sign, (unsigned)(n - SHOWN));
}

static void tell_missing(struct pairing *p, uint32_t i, uint32_t n, uint32_t j)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_MISSING, i, ALONE);
    uint64_t pkt = j ? wst_connection_item(p->b, j - 1)->pkt : 0;

    if (d == NULL) return;
    put_row(p, p->a, i, n, " is missing: ", "are missing: ");
    if (pkt) wst_ink_format(&p->what, " (expected behind packet %llu)", (unsigned long long)pkt);
    put_before(p, p->a, i);
    put_items(&p->context, "- ", p->a, i, n);
    put_behind(p, p->a, i + n - 1);
    finish(p, d);
}

static void tell_extra(struct pairing *p, uint32_t i, uint32_t j, uint32_t n)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_EXTRA, ALONE, j);

    if (d == NULL) return;
    if (i && i <= p->a->n) d->line = wst_connection_item(p->a, i - 1)->line;
    d->pkt = wst_connection_item(p->b, j + n - 1)->pkt;
    put_row(p, p->b, j, n, " was not expected: ", "were not expected: ");
    put_before(p, p->b, j);
    put_items(&p->context, "+ ", p->b, j, n);
    put_behind(p, p->b, j + n - 1);
    finish(p, d);
}

static void tell_moved(struct pairing *p, uint32_t i, uint32_t j)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_MOVED, i, j);
    const struct wst_item *x = wst_connection_item(p->a, i);

    if (d == NULL) return;
    wst_ink_text(&p->what, " is at another place: ");
    put_short(&p->what, wst_item_text(x));
    put_before(p, p->a, i);
    put_item(&p->context, "- ", wst_item_text(x), WST_COMPARE_LINES);
    put_behind(p, p->a, i);
    wst_ink_text(&p->context, "but\n");
    put_before(p, p->b, j);
    put_item(&p->context, "+ ", wst_item_text(x), WST_COMPARE_LINES);
    put_behind(p, p->b, j);
    finish(p, d);
}

static void tell_timing(struct pairing *p, uint32_t i, uint32_t j)
{
    const struct wst_item *x = wst_connection_item(p->a, i), *y = wst_connection_item(p->b, j);
    int64_t difference = y->silence_ns - x->silence_ns;
    struct wst_difference *d;

    if (difference <= p->options->timing_ns && -difference <= p->options->timing_ns) return;
    d = add(p, WST_DIFFERENCE_TIMING, i, j);
    if (d == NULL) return;
    wst_ink_format(&p->what,
                   " came after %.3f s of silence, not %.3f s: ", (double)y->silence_ns / 1e9,
                   (double)x->silence_ns / 1e9);
    put_short(&p->what, wst_item_text(x));
    put_before(p, p->a, i);
    put_item(&p->context, "- ", wst_item_text(x), 1);
    put_item(&p->context, "+ ", wst_item_text(y), 1);
    finish(p, d);
}

static void count(struct pairing *p, int which, const struct wst_connection *c, uint32_t at)
{
    const struct wst_item *item = wst_connection_item(c, at);

    if (item->kind == WST_ITEM_MESSAGE) p->said[which][item->dir == WST_S2C]++;
}

static bool is_missing(const struct pairing *p, uint32_t i)
{
    return i < p->a->n && p->to[i] == ALONE && p->went[i] == ALONE && p->became[i] == ALONE;
}
static bool is_extra(const struct pairing *p, uint32_t j)
{
    return j < p->b->n && p->from[j] == ALONE && p->came[j] == ALONE && p->was[j] == ALONE;
}

/* What is at i, of which b has nothing at j; returns how many items that was. */
static uint32_t tell_expected(struct pairing *p, uint32_t i, uint32_t j)
{
    uint32_t n = 1;

    count(p, 0, p->a, i);
    if (p->became[i] == ALONE) p->a->shifted = true;
    if (p->went[i] != ALONE) {
        tell_moved(p, i, p->went[i]);
    } else if (p->became[i] != ALONE) {
        tell_changed(p, i, p->became[i]);
    } else {
        while (is_missing(p, i + n)) n++;
        tell_missing(p, i, n, j);
        for (uint32_t k = 1; k < n; k++) count(p, 0, p->a, i + k);
    }
    return n;
}

static uint32_t tell_seen(struct pairing *p, uint32_t i, uint32_t j)
{
    uint32_t n = 1;

    count(p, 1, p->b, j);
    if (!is_extra(p, j)) return 1; /* told where it was expected */
    p->a->shifted = true;
    while (is_extra(p, j + n)) n++;
    tell_extra(p, i, j, n);
    for (uint32_t k = 1; k < n; k++) count(p, 1, p->b, j + k);
    return n;
}

/* Both rows at once, so that differences come in the order in which one reads. */
static void tell_all(struct pairing *p)
{
    uint32_t i = 0, j = 0;

    while (i < p->a->n || j < p->b->n) {
        if (i < p->a->n && p->to[i] == ALONE) {
            i += tell_expected(p, i, j);
        } else if (i < p->a->n && p->to[i] == j) {
            count(p, 0, p->a, i);
            count(p, 1, p->b, j);
            if (p->options && p->options->timing_ns) tell_timing(p, i, j);
            i++;
            j++;
        } else {
            j += tell_seen(p, i, j);
        }
    }
}

static bool compare_pair(struct pairing *p)
{
    size_t n = p->a->n, m = p->b->n;
    uint32_t *room = malloc(3 * (n + m + 1) * sizeof *room);
    struct wst_align align = {(uint32_t)n, (uint32_t)m, same, p, room};
    bool told = room && wst_align(&align);

    if (told) {
        p->to = room;
        p->became = room + n;
        p->went = room + 2 * n;
        p->from = room + 3 * n;
        p->was = p->from + m;
        p->came = p->was + m;
        memset(p->became, 0xff, (2 * n + 3 * m) * sizeof *room);
        for (uint32_t i = 0; i < n; i++)
            if (p->to[i] != ALONE) p->from[p->to[i]] = i;
        find_moved(p);
        find_changed(p);
        tell_all(p);
    }
    free(room);
    return told;
}

/* -- sessions -------------------------------------------------------------------------------- */

static void tell_connection(struct wst_outcome *v, const struct wst_connection *c, bool missing)
{
    enum { SHOWN_ITEMS = 6 };
    struct wst_difference *d =
        wst_outcome_add(v, missing ? WST_DIFFERENCE_NO_CONNECTION : WST_DIFFERENCE_MORE_CONNECTION);
    struct wst_ink context = {.budget = &v->budget};

    if (d == NULL) return;
    d->connection = title(v, c);
    d->what = missing ? "this connection is missing" : "this connection was not expected";
    d->line = c->line;
    if (!missing && c->n) {
        d->conn = c->conn;
        d->pkt_first = d->pkt = wst_connection_item(c, 0)->pkt;
    }
    for (uint32_t i = 0; i < c->n && i < SHOWN_ITEMS; i++)
        put_item(&context, missing ? "- " : "+ ", wst_item_text(wst_connection_item(c, i)), 3);
    if (c->n > SHOWN_ITEMS)
        wst_ink_format(&context, "%s  ... %u more\n", missing ? "- " : "+ ",
                       (unsigned)(c->n - SHOWN_ITEMS));
    d->context = wst_outcome_text(v, wst_ink_slice(&context));
    wst_ink_free(&context);
}

/* Byte for byte: nearly always the answer, and nothing else has to be computed for it. */
static bool identical(const struct wst_session *a, const struct wst_session *b)
{
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct wst_connection *x = a->connections[i], *y = b->connections[i];
        if (x->n != y->n) return false;
        for (uint32_t k = 0; k < x->n; k++) {
            struct wst_slice p = wst_item_text(wst_connection_item(x, k));
            struct wst_slice q = wst_item_text(wst_connection_item(y, k));
            if (p.n != q.n || memcmp(p.p, q.p, p.n) != 0) return false;
        }
    }
    return true;
}

static bool compare_sessions(struct wst_outcome *v, struct wst_session *expected,
                             struct wst_session *seen, const struct wst_compare_options *options)
{
    bool told = true;

    wst_session_keys(expected);
    wst_session_keys(seen);
    if (!wst_pair(expected, seen)) return false;
    for (uint32_t i = 0; i < expected->n && told; i++) {
        struct wst_connection *c = expected->connections[i];
        struct pairing p = {.outcome = v,
                            .expected = expected,
                            .seen = seen,
                            .a = c,
                            .b = c->pair,
                            .options = options};
        if (c->pair == NULL) {
            tell_connection(v, c, true);
            continue;
        }
        p.context.budget = p.what.budget = &v->budget;
        told = compare_pair(&p);
        wst_ink_free(&p.context);
        wst_ink_free(&p.what);
    }
    for (uint32_t i = 0; i < seen->n && told; i++)
        if (seen->connections[i]->pair == NULL) tell_connection(v, seen->connections[i], false);
    if (told) wst_compare_values(v, expected, seen);
    return told && !expected->failed && !seen->failed;
}

struct wst_outcome *wst_session_compare(struct wst_session *expected, struct wst_session *seen,
                                        const struct wst_compare_options *options,
                                        struct wst_check_error *error)
{
    struct wst_outcome *v = wst_outcome_new(WST_CHECK_MEMORY);
    bool timing = options && options->timing_ns;

    *error = (struct wst_check_error){0, 0, "more than fits into memory"};
    if (v == NULL || wst_golden_is_text_of(expected, seen)) return v;
    if (wst_golden_read_body(expected, error)) {
        *error = (struct wst_check_error){0, 0, "more than fits into memory"};
        if (!timing && identical(expected, seen)) return v;
        if (compare_sessions(v, expected, seen, options) && !v->failed) return v;
    }
    wst_outcome_free(v);
    return NULL;
}
