/* SPDX-License-Identifier: MIT
 *
 * In: a pair of connections, matched. Out: what is different, in the order in which one reads:
 * which message, which field, and what stands around it. Refuses to tell of anything twice.
 */
#include "pairing.h"

#include <stdio.h>

/* -- words ----------------------------------------------------------------------------------- */

static const char *noun(const struct wst_item *item)
{
    static const char *const nouns[] = {"handshake", "message", "ping", "pong", "close", "item"};

    return nouns[item->kind];
}

/* "message 3 from the server" */
static void put_name(const struct wst_pairing *p, struct wst_ink *ink, const struct wst_item *item,
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
        wst_lines_item(ink, "  ", wst_item_text(wst_connection_item(c, i)), AROUND_LINES);
}

static const char *title(struct wst_outcome *v, const struct wst_connection *c)
{
    struct wst_slice text;

    if (c->n == 0) return "";
    text = wst_item_text(wst_connection_item(c, 0));
    return wst_outcome_text(v, wst_slice_skip(wst_lines_take(&text), strlen("connection ")));
}

/* -- what is told ---------------------------------------------------------------------------- */

/* The difference about item i of a or j of b (WST_ALONE: not there), its places and context. */
static struct wst_difference *add(struct wst_pairing *p, enum wst_difference_kind kind, uint32_t i,
                                  uint32_t j)
{
    struct wst_difference *d = wst_outcome_add(p->outcome, kind);
    const struct wst_item *x = i == WST_ALONE ? NULL : wst_connection_item(p->a, i);
    const struct wst_item *y = j == WST_ALONE ? NULL : wst_connection_item(p->b, j);

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

static void finish(struct wst_pairing *p, struct wst_difference *d)
{
    d->what = wst_outcome_text(p->outcome, wst_ink_slice(&p->what));
    d->context = wst_outcome_text(p->outcome, wst_ink_slice(&p->context));
    if (p->what.failed || p->context.failed) p->outcome->failed = true;
}

static void put_before(struct wst_pairing *p, const struct wst_connection *c, uint32_t at)
{
    put_around(&p->context, c, at > WST_COMPARE_CONTEXT ? at - WST_COMPARE_CONTEXT : 0, at);
}
static void put_behind(struct wst_pairing *p, const struct wst_connection *c, uint32_t at)
{
    put_around(&p->context, c, at + 1, at + 1 + WST_COMPARE_CONTEXT);
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

static void keep_fields(struct wst_pairing *p, struct wst_difference *d,
                        const struct wst_field_list *list)
{
    struct wst_field_change *copy = wst_arena_take(&p->outcome->arena, list->n * sizeof *copy);

    if (copy == NULL) return;
    memcpy(copy, list->list, list->n * sizeof *copy);
    d->fields = copy;
    d->fields_n = list->n;
}

/* What a field became that is ignored now, and was not when the golden was written. */
static bool newly_ignored(const struct wst_field_change *f)
{
    static const char ignored[] = "\"<ignored>\"";

    return f->before && f->after && strcmp(f->after, ignored) == 0 &&
           strcmp(f->before, ignored) != 0;
}

/* A value that has a name now, and stood there as it was. */
static bool newly_named(const struct wst_pairing *p, struct wst_slice before,
                        struct wst_slice after)
{
    const struct wst_redact *redact = &p->expected->settings->redact;

    for (uint32_t i = 0; i < redact->n; i++) {
        const char *name = redact->rules[i].name;
        char named[WST_REDACT_NAME + 2] = WST_REDACT_IGNORED;
        size_t n = *name ? (size_t)snprintf(named, sizeof named, "<%s-", name) : strlen(named);
        if (memmem(after.p, after.n, named, n) && !memmem(before.p, before.n, named, n))
            return true;
    }
    return false;
}

static void tell_changed(struct wst_pairing *p, uint32_t i, uint32_t j)
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
        for (size_t k = 0; k < fields.n; k++)
            p->outcome->settings_newer |= newly_ignored(&fields.list[k]);
    } else {
        wst_ink_text(&p->what, "was ");
        wst_lines_short(&p->what, before);
        wst_ink_text(&p->what, ", is ");
        wst_lines_short(&p->what, after);
    }
    p->outcome->settings_newer |= newly_named(p, before, after);
    put_before(p, p->a, i);
    wst_lines_change(&p->context, before, after);
    put_behind(p, p->a, i);
    finish(p, d);
}

/* What n items in a row say, behind a name that stands for all of them. */
static void put_row(struct wst_pairing *p, const struct wst_connection *c, uint32_t at, uint32_t n,
                    const char *one, const char *many)
{
    struct wst_slice text = wst_item_text(wst_connection_item(c, at));

    if (n == 1) {
        wst_ink_text(&p->what, one);
    } else {
        wst_ink_format(&p->what, " and %u more behind it ", (unsigned)(n - 1));
        wst_ink_text(&p->what, many);
    }
    wst_lines_short(&p->what, text);
}

static void put_items(struct wst_ink *ink, const char *sign, const struct wst_connection *c,
                      uint32_t at, uint32_t n)
{
    enum { SHOWN = 20, LINES = 6 }; /* of a row; a single one has more room */

    if (n == 1) {
        wst_lines_item(ink, sign, wst_item_text(wst_connection_item(c, at)), WST_COMPARE_LINES);
        return;
    }
    for (uint32_t i = 0; i < n && i < SHOWN; i++)
        wst_lines_item(ink, sign, wst_item_text(wst_connection_item(c, at + i)), LINES);
    if (n > SHOWN) wst_ink_format(ink, "%s  ... %u more\n", sign, (unsigned)(n - SHOWN));
}

static void tell_missing(struct wst_pairing *p, uint32_t i, uint32_t n, uint32_t j)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_MISSING, i, WST_ALONE);
    uint64_t pkt = j ? wst_connection_item(p->b, j - 1)->pkt : 0;
    uint8_t kind;

    if (d == NULL) return;
    put_row(p, p->a, i, n, " is missing: ", "are missing: ");
    kind = wst_connection_item(p->a, i)->kind;
    p->outcome->settings_newer |=
        p->expected->settings->no_control && (kind == WST_ITEM_PING || kind == WST_ITEM_PONG);
    if (pkt) wst_ink_format(&p->what, " (expected behind packet %llu)", (unsigned long long)pkt);
    put_before(p, p->a, i);
    put_items(&p->context, "- ", p->a, i, n);
    put_behind(p, p->a, i + n - 1);
    finish(p, d);
}

static void tell_extra(struct wst_pairing *p, uint32_t i, uint32_t j, uint32_t n)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_EXTRA, WST_ALONE, j);

    if (d == NULL) return;
    if (i && i <= p->a->n) d->line = wst_connection_item(p->a, i - 1)->line;
    d->pkt = wst_connection_item(p->b, j + n - 1)->pkt;
    put_row(p, p->b, j, n, " was not expected: ", "were not expected: ");
    put_before(p, p->b, j);
    put_items(&p->context, "+ ", p->b, j, n);
    put_behind(p, p->b, j + n - 1);
    finish(p, d);
}

static void tell_moved(struct wst_pairing *p, uint32_t i, uint32_t j)
{
    struct wst_difference *d = add(p, WST_DIFFERENCE_MOVED, i, j);
    const struct wst_item *x = wst_connection_item(p->a, i);

    if (d == NULL) return;
    wst_ink_text(&p->what, " is at another place: ");
    wst_lines_short(&p->what, wst_item_text(x));
    put_before(p, p->a, i);
    wst_lines_item(&p->context, "- ", wst_item_text(x), WST_COMPARE_LINES);
    put_behind(p, p->a, i);
    wst_ink_text(&p->context, "but\n");
    put_before(p, p->b, j);
    wst_lines_item(&p->context, "+ ", wst_item_text(x), WST_COMPARE_LINES);
    put_behind(p, p->b, j);
    finish(p, d);
}

static void tell_timing(struct wst_pairing *p, uint32_t i, uint32_t j)
{
    const struct wst_item *x = wst_connection_item(p->a, i), *y = wst_connection_item(p->b, j);
    int64_t difference = y->silence_ns - x->silence_ns;
    int digits = p->options->timing_ns < 1000000 ? 6 : 3;
    struct wst_difference *d;

    if (difference <= p->options->timing_ns && -difference <= p->options->timing_ns) return;
    d = add(p, WST_DIFFERENCE_TIMING, i, j);
    if (d == NULL) return;
    wst_ink_format(&p->what, " came after %.*f s of silence, not %.*f s: ", digits,
                   (double)y->silence_ns / 1e9, digits, (double)x->silence_ns / 1e9);
    wst_lines_short(&p->what, wst_item_text(x));
    put_before(p, p->a, i);
    wst_lines_item(&p->context, "  ", wst_item_text(y), 1); /* it says the same */
    finish(p, d);
}

static void count(struct wst_pairing *p, int which, const struct wst_connection *c, uint32_t at)
{
    const struct wst_item *item = wst_connection_item(c, at);

    if (item->kind == WST_ITEM_MESSAGE) p->said[which][item->dir == WST_S2C]++;
}

static bool is_missing(const struct wst_pairing *p, uint32_t i)
{
    return i < p->a->n && p->to[i] == WST_ALONE && p->went[i] == WST_ALONE &&
           p->became[i] == WST_ALONE;
}
static bool is_extra(const struct wst_pairing *p, uint32_t j)
{
    return j < p->b->n && p->from[j] == WST_ALONE && p->came[j] == WST_ALONE &&
           p->was[j] == WST_ALONE;
}

/* What is at i, of which b has nothing at j; returns how many items that was. */
static uint32_t tell_expected(struct wst_pairing *p, uint32_t i, uint32_t j)
{
    uint32_t n = 1;

    count(p, 0, p->a, i);
    if (p->became[i] == WST_ALONE) p->a->shifted = true;
    if (p->went[i] != WST_ALONE) {
        tell_moved(p, i, p->went[i]);
    } else if (p->became[i] != WST_ALONE) {
        tell_changed(p, i, p->became[i]);
    } else {
        while (is_missing(p, i + n)) n++;
        tell_missing(p, i, n, j);
        for (uint32_t k = 1; k < n; k++) count(p, 0, p->a, i + k);
    }
    return n;
}

static uint32_t tell_seen(struct wst_pairing *p, uint32_t i, uint32_t j)
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
void wst_pairing_tell(struct wst_pairing *p)
{
    uint32_t i = 0, j = 0;

    while (i < p->a->n || j < p->b->n) {
        if (i < p->a->n && p->to[i] == WST_ALONE) {
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

/* -- one that stands alone -------------------------------------------------------------------- */

void wst_tell_connection(struct wst_outcome *v, const struct wst_connection *c, bool missing)
{
    enum { SHOWN_ITEMS = 6 };
    struct wst_difference *d =
        wst_outcome_add(v, missing ? WST_DIFFERENCE_NO_CONNECTION : WST_DIFFERENCE_MORE_CONNECTION);
    struct wst_ink context = {.budget = &v->budget};

    if (d == NULL) return;
    d->connection = title(v, c);
    d->what = missing ? "this connection is missing" : "this connection was not expected";
    d->line = c->line;
    if (missing && c->n && c->line == 0)
        d->other_first = d->other_pkt = wst_connection_item(c, 0)->pkt;
    if (!missing && c->n) {
        d->conn = c->conn;
        d->pkt_first = d->pkt = wst_connection_item(c, 0)->pkt;
    }
    for (uint32_t i = 0; i < c->n && i < SHOWN_ITEMS; i++)
        wst_lines_item(&context, missing ? "- " : "+ ", wst_item_text(wst_connection_item(c, i)),
                       3);
    if (c->n > SHOWN_ITEMS)
        wst_ink_format(&context, "%s  ... %u more\n", missing ? "- " : "+ ",
                       (unsigned)(c->n - SHOWN_ITEMS));
    d->context = wst_outcome_text(v, wst_ink_slice(&context));
    wst_ink_free(&context);
}
