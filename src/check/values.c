/* SPDX-License-Identifier: MIT
 *
 * In: two sessions, and items that are the same but for the numbers of redacted values. Out: where
 * a value is another one than before: <ID-1> must be the same <ID-n> everywhere. Refuses to say it
 * twice of one value.
 */
#include "compare.h"

#include <stdlib.h>

enum { NUMBERS_MAX = 1 << 20 }; /* as many as redact.h gives */

struct map { /* of one rule: number here -> number there; 0: not met */
    uint32_t *to;
    uint32_t room;
};

struct values {
    struct wst_outcome *outcome;
    struct wst_session *expected;
    struct map map[2][WST_REDACT_RULES]; /* expected to seen, and back */
};

static uint32_t *slot(struct map *map, uint32_t number)
{
    if (number >= NUMBERS_MAX) return NULL;
    if (number >= map->room) {
        uint32_t room = map->room ? map->room : 64;
        uint32_t *to;
        while (room <= number) room *= 2;
        to = realloc(map->to, room * sizeof *to);
        if (to == NULL) return NULL;
        memset(to + map->room, 0, (room - map->room) * sizeof *to);
        map->to = to;
        map->room = room;
    }
    return &map->to[number];
}

/* Whether the two numbers go together so far; they do from now on. */
static bool agree(struct values *v, uint32_t rule, uint32_t here, uint32_t there, uint32_t *was)
{
    uint32_t *to = slot(&v->map[0][rule], here), *back = slot(&v->map[1][rule], there);

    if (to == NULL || back == NULL) return true; /* beyond what is counted */
    if (*to == there && *back == here) return true;
    *was = *to;
    if (*to == 0 && *back == 0) {
        *to = there;
        *back = here;
        return true;
    }
    return false;
}

static void tell(struct values *v, const struct wst_connection *a, const struct wst_item *x,
                 const struct wst_connection *b, const struct wst_item *y, uint32_t rule,
                 uint32_t number)
{
    struct wst_difference *d = wst_outcome_add(v->outcome, WST_DIFFERENCE_VALUE);
    struct wst_ink ink = {.budget = &v->outcome->budget};
    struct wst_slice title = wst_item_text(wst_connection_item(a, 0));

    if (d == NULL) return;
    d->connection = wst_outcome_text(
        v->outcome, wst_slice_skip(wst_slice_head(title, title.n - 1), strlen("connection ")));
    d->conn = b->conn;
    d->line = x->line;
    d->pkt_first = y->first_pkt;
    d->pkt = y->pkt;
    wst_ink_format(&ink, "<%s-%u> is not the value here that it is elsewhere",
                   v->expected->settings->redact.rules[rule].name, (unsigned)number);
    d->what = wst_outcome_text(v->outcome, wst_ink_slice(&ink));
    ink.buf.n = 0;
    wst_ink_text(&ink, "- ");
    wst_ink_bytes(&ink, wst_item_text(x));
    wst_ink_text(&ink, "+ ");
    wst_ink_bytes(&ink, wst_item_text(y));
    d->context = wst_outcome_text(v->outcome, wst_ink_slice(&ink));
    wst_ink_free(&ink);
}

static void compare_item(struct values *v, const struct wst_connection *a, const struct wst_item *x,
                         const struct wst_connection *b, const struct wst_item *y)
{
    struct wst_slice p = wst_item_text(x), q = wst_item_text(y);
    uint32_t rule, here, there, was;

    while (p.n && q.n) {
        size_t n = p.p[0] == '<' ? wst_session_value(v->expected, p, &rule, &here) : 0;
        size_t m = n ? wst_session_value(v->expected, q, &rule, &there) : 0;
        if (m && !agree(v, rule, here, there, &was)) {
            tell(v, a, x, b, y, rule, here);
            return;
        }
        p = wst_slice_skip(p, n ? n : 1);
        q = wst_slice_skip(q, m ? m : 1);
    }
}

void wst_compare_values(struct wst_outcome *outcome, struct wst_session *expected)
{
    struct values *v = expected->settings->redact.n ? calloc(1, sizeof *v) : NULL;

    if (v == NULL) return;
    v->outcome = outcome;
    v->expected = expected;
    for (uint32_t i = 0; i < expected->n; i++) {
        const struct wst_connection *a = expected->connections[i], *b = a->pair;
        if (b == NULL || a->shifted) continue; /* which value is whose is not certain then */
        for (uint32_t k = 0; k < a->n && k < b->n; k++) {
            const struct wst_item *x = wst_connection_item(a, k), *y = wst_connection_item(b, k);
            if (x->redacted && wst_item_same(expected, x, y)) compare_item(v, a, x, b, y);
        }
    }
    for (int side = 0; side < 2; side++)
        for (int rule = 0; rule < WST_REDACT_RULES; rule++) free(v->map[side][rule].to);
    free(v);
}
