/* SPDX-License-Identifier: MIT
 *
 * In: two sessions. Out: an outcome: what is different, with what stands around it.
 * Refuses to look into what is the same byte for byte.
 */
#include "pairing.h"

#include <stdlib.h>

/* -- a pair of connections ------------------------------------------------------------------- */

bool wst_pairing_same(const void *user, uint32_t i, uint32_t j)
{
    const struct wst_pairing *p = user;

    return wst_item_same(p->expected, wst_connection_item(p->a, i), wst_connection_item(p->b, j));
}

static bool compare_pair(struct wst_pairing *p)
{
    size_t n = p->a->n, m = p->b->n;
    uint32_t *room = malloc(3 * (n + m + 1) * sizeof *room);
    struct wst_align align = {(uint32_t)n, (uint32_t)m, wst_pairing_same, p, room};
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
            if (p->to[i] != WST_ALONE) p->from[p->to[i]] = i;
        wst_pairing_match(p);
        wst_pairing_tell(p);
    }
    free(room);
    return told;
}

/* -- sessions -------------------------------------------------------------------------------- */

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
        struct wst_pairing p = {.outcome = v,
                                .expected = expected,
                                .seen = seen,
                                .a = c,
                                .b = c->pair,
                                .options = options};
        if (c->pair == NULL) {
            wst_tell_connection(v, c, true);
            continue;
        }
        p.context.budget = p.what.budget = &v->budget;
        told = compare_pair(&p);
        wst_ink_free(&p.context);
        wst_ink_free(&p.what);
    }
    for (uint32_t i = 0; i < seen->n && told; i++)
        if (seen->connections[i]->pair == NULL) wst_tell_connection(v, seen->connections[i], false);
    if (told) wst_compare_values(v, expected);
    return told && !expected->failed && !seen->failed;
}

struct wst_outcome *wst_session_compare(struct wst_session *expected, struct wst_session *seen,
                                        const struct wst_compare_options *options,
                                        struct wst_check_error *error)
{
    struct wst_outcome *v = wst_outcome_new();
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
