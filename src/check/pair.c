/* SPDX-License-Identifier: MIT
 *
 * In: two sessions. Out: which connection of one is which of the other.
 * Refuses to pair connections with different paths.
 *
 * 1. Those that are equal as a whole, in order. 2. Of those with one URI that are left, the pairs
 * of one subprotocol with the most items in common, as long as there are few; 3. the others in
 * order.
 * 4. Of the rest those whose URIs differ behind the "?" only, if half of all items are equal.
 */
#include "compare.h"

#include <stdlib.h>

enum { LIKENESS_MAX = 64 }; /* connections of one URI compared each with each */

static bool equal(const struct wst_session *s, const struct wst_connection *a,
                  const struct wst_connection *b)
{
    if (a->n != b->n || a->whole != b->whole) return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!wst_item_same(s, wst_connection_item(a, i), wst_connection_item(b, i))) return false;
    return true;
}

static int by_key(const void *p, const void *q)
{
    const struct wst_connection *a = *(struct wst_connection *const *)p;
    const struct wst_connection *b = *(struct wst_connection *const *)q;

    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    if (a->whole != b->whole) return a->whole < b->whole ? -1 : 1;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return a->conn < b->conn ? -1 : a->conn > b->conn;
}

/* The connections of a session by key, then as a whole. */
static struct wst_connection **sorted(const struct wst_session *s)
{
    struct wst_connection **list = malloc((s->n + 1) * sizeof(struct wst_connection *));

    if (list == NULL) return NULL;
    for (uint32_t i = 0; i < s->n; i++) {
        list[i] = s->connections[i];
        list[i]->pair = NULL;
        list[i]->shifted = false;
    }
    qsort(list, s->n, sizeof(struct wst_connection *), by_key);
    return list;
}

static void join(struct wst_connection *a, struct wst_connection *b)
{
    a->pair = b;
    b->pair = a;
}

struct group { /* connections of one key */
    struct wst_connection **list;
    uint32_t n;
};

static struct group group_at(struct wst_connection **list, uint32_t n)
{
    struct group g = {list, 0};

    while (g.n < n && list[g.n]->key == list[0]->key) g.n++;
    return g;
}

static void pair_equal(const struct wst_session *s, struct group a, struct group b)
{
    for (uint32_t i = 0, j = 0; i < a.n && j < b.n;) {
        struct wst_connection *x = a.list[i], *y = b.list[j];
        if (x->whole == y->whole && equal(s, x, y)) join(x, y);
        i += x->whole <= y->whole;
        j += y->whole <= x->whole;
    }
}

static uint32_t next_free(struct group g, uint32_t i)
{
    while (i < g.n && g.list[i]->pair) i++;
    return i;
}

static int by_value(const void *p, const void *q)
{
    const uint64_t *a = p, *b = q;

    return *a < *b ? -1 : *a > *b;
}

static uint64_t *keys_of(const struct wst_connection *c)
{
    uint64_t *keys = malloc((c->n + 1) * sizeof *keys);

    if (keys == NULL) return NULL;
    for (uint32_t i = 0; i < c->n; i++) keys[i] = wst_connection_item(c, i)->key;
    qsort(keys, c->n, sizeof *keys, by_value);
    return keys;
}

static uint32_t in_common(const uint64_t *a, uint32_t n, const uint64_t *b, uint32_t m)
{
    uint32_t common = 0;

    for (uint32_t i = 0, j = 0; i < n && j < m;) {
        common += a[i] == b[j];
        if (a[i] < b[j])
            i++;
        else if (a[i] > b[j])
            j++;
        else
            i++, j++;
    }
    return common;
}

/* The subprotocol's key; 0: none. */
static uint64_t subprotocol(const struct wst_connection *c)
{
    for (uint32_t i = 1; i < c->n; i++) {
        const struct wst_item *item = wst_connection_item(c, i);
        if (item->kind != WST_ITEM_HEAD) break;
        if (wst_slice_starts(wst_item_text(item), "  subprotocol ")) return item->key;
    }
    return 0;
}

/* First that the subprotocol is the same, then items in common, then that few are left over. */
static uint64_t likeness_of(const struct wst_connection *a, const uint64_t *keys_a,
                            const struct wst_connection *b, const uint64_t *keys_b)
{
    uint64_t common = in_common(keys_a, a->n, keys_b, b->n);
    uint64_t over = (uint64_t)a->n + b->n - 2 * common, most = ((uint64_t)1 << 31) - 1;

    return (uint64_t)(subprotocol(a) == subprotocol(b)) << 63 | common << 31 |
           (most - (over < most ? over : most));
}

struct likeness {
    uint64_t *keys[2][LIKENESS_MAX];
    uint64_t like[LIKENESS_MAX][LIKENESS_MAX];
};

static void measure(struct likeness *l, struct group a, struct group b)
{
    for (uint32_t i = 0; i < a.n; i++) l->keys[0][i] = a.list[i]->pair ? NULL : keys_of(a.list[i]);
    for (uint32_t j = 0; j < b.n; j++) l->keys[1][j] = b.list[j]->pair ? NULL : keys_of(b.list[j]);
    for (uint32_t i = 0; i < a.n; i++)
        for (uint32_t j = 0; j < b.n; j++)
            l->like[i][j] = l->keys[0][i] && l->keys[1][j]
                                ? likeness_of(a.list[i], l->keys[0][i], b.list[j], l->keys[1][j])
                                : 0;
    for (int k = 0; k < LIKENESS_MAX; k++) {
        free(l->keys[0][k]);
        free(l->keys[1][k]);
    }
}

/* The likest pair first, again and again; of equally like ones the first. */
static void pair_likest(struct group a, struct group b)
{
    struct likeness *l = calloc(1, sizeof *l);

    if (l == NULL) return; /* in order, then */
    measure(l, a, b);
    for (;;) {
        struct wst_connection *x = NULL, *y = NULL;
        uint64_t most = 0;
        for (uint32_t i = 0; i < a.n; i++)
            for (uint32_t j = 0; j < b.n; j++) {
                if (a.list[i]->pair || b.list[j]->pair || (x && l->like[i][j] <= most)) continue;
                x = a.list[i];
                y = b.list[j];
                most = l->like[i][j];
            }
        if (x == NULL) break;
        join(x, y);
    }
    free(l);
}

/* Sorted in place by where they stand, so that "in order" is the order people see. */
static int by_place(const void *p, const void *q)
{
    const struct wst_connection *a = *(struct wst_connection *const *)p;
    const struct wst_connection *b = *(struct wst_connection *const *)q;

    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return a->conn < b->conn ? -1 : a->conn > b->conn;
}

static void pair_group(const struct wst_session *s, struct group a, struct group b)
{
    pair_equal(s, a, b);
    qsort(a.list, a.n, sizeof(struct wst_connection *), by_place);
    qsort(b.list, b.n, sizeof(struct wst_connection *), by_place);
    if (a.n <= LIKENESS_MAX && b.n <= LIKENESS_MAX) pair_likest(a, b);
    for (uint32_t i = next_free(a, 0), j = next_free(b, 0); i < a.n && j < b.n;
         i = next_free(a, i), j = next_free(b, j))
        join(a.list[i], b.list[j]);
}

/* -- of different URIs ------------------------------------------------------------------------- */

/* "connection /chat", without what stands behind the "?". */
static struct wst_slice path_of(const struct wst_connection *c)
{
    struct wst_slice text = c->n ? wst_item_text(wst_connection_item(c, 0)) : wst_slice_text("");
    size_t n = 0;

    while (n < text.n && text.p[n] != '?' && text.p[n] != '\n') n++;
    return wst_slice_head(text, n);
}

/* The same conversation under another query: most of it is equal. */
static bool requeried(const struct wst_connection *a, const struct wst_connection *b)
{
    struct wst_slice p = path_of(a), q = path_of(b);
    uint64_t *keys[2] = {NULL, NULL};
    uint32_t most = a->n > b->n ? a->n : b->n;
    bool like = false;

    if (p.n != q.n || p.n == 0 || memcmp(p.p, q.p, p.n) != 0) return false;
    keys[0] = keys_of(a);
    keys[1] = keys_of(b);
    if (keys[0] && keys[1]) like = in_common(keys[0], a->n, keys[1], b->n) >= most / 2 + most % 2;
    free(keys[0]);
    free(keys[1]);
    return like;
}

static uint32_t left_over(const struct wst_session *s, struct wst_connection *list[LIKENESS_MAX])
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        if (s->connections[i]->pair) continue;
        if (n == LIKENESS_MAX) return 0;
        list[n++] = s->connections[i];
    }
    return n;
}

static void pair_paths(const struct wst_session *expected, const struct wst_session *seen)
{
    struct wst_connection *a[LIKENESS_MAX], *b[LIKENESS_MAX];
    uint32_t n = left_over(expected, a), m = left_over(seen, b);

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < m && a[i]->pair == NULL; j++)
            if (b[j]->pair == NULL && requeried(a[i], b[j])) join(a[i], b[j]);
}

bool wst_pair(struct wst_session *expected, struct wst_session *seen)
{
    struct wst_connection **a = sorted(expected), **b = sorted(seen);
    uint32_t i = 0, j = 0;

    while (a && b && i < expected->n && j < seen->n) {
        struct group x = group_at(a + i, expected->n - i), y = group_at(b + j, seen->n - j);
        if (x.list[0]->key == y.list[0]->key) pair_group(expected, x, y);
        uint64_t first = a[i]->key, other = b[j]->key;
        if (first <= other) i += x.n;
        if (other <= first) j += y.n;
    }
    if (a && b) pair_paths(expected, seen);
    free(a);
    free(b);
    return a && b;
}
