/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 64, COUNTS_FIRST = 4 };

/* -- counts ------------------------------------------------------------------------------------ */

void wst_counts_free(struct wst_counts *c, struct wst_budget *budget)
{
    wst_budget_give(budget, c->room * sizeof *c->row);
    free(c->row);
    *c = (struct wst_counts){0};
}

static bool counts_grow(struct wst_counts *c, struct wst_budget *budget)
{
    uint32_t more = c->room ? c->room : COUNTS_FIRST;
    struct wst_finding *row =
        wst_budget_resize(budget, c->row, c->room * sizeof *row, (c->room + more) * sizeof *row);
    if (!row) return false;
    c->row = row;
    c->room += more;
    return true;
}

bool wst_counts_add(struct wst_counts *c, struct wst_budget *budget, enum wst_problem problem)
{
    uint32_t at = 0;
    while (at < c->n && c->row[at].problem < problem) at++;
    if (at == c->n || c->row[at].problem != problem) {
        if (c->n == c->room && !counts_grow(c, budget)) return false;
        memmove(c->row + at + 1, c->row + at, (c->n - at) * sizeof *c->row);
        c->row[at] = (struct wst_finding){problem, 0};
        c->n++;
    }
    c->row[at].times++;
    return true;
}

void wst_counts_levels(const struct wst_counts *c, uint64_t levels[WST_LEVELS])
{
    for (uint32_t i = 0; i < c->n; i++)
        levels[wst_problem_row(c->row[i].problem)->level] += c->row[i].times;
}

/* -- connections ------------------------------------------------------------------------------- */

/* Numbers come one after the other: the low bits are as good as any. */
static struct wst_tally **tally_place(const struct wst_tallies *t, uint64_t conn)
{
    struct wst_tally **at = &t->buckets[conn & (t->buckets_n - 1)];
    while (*at && (*at)->conn != conn) at = &(*at)->next;
    return at;
}

static bool tallies_grow(struct wst_tallies *t)
{
    size_t n = t->buckets_n ? t->buckets_n * 2 : BUCKETS_FIRST;
    struct wst_tallies next = {.buckets = wst_budget_new(t->budget, n * sizeof *t->buckets),
                               .buckets_n = n};
    if (!next.buckets) return false;
    for (size_t i = 0; i < t->buckets_n; i++)
        for (struct wst_tally *one = t->buckets[i], *after; one; one = after) {
            after = one->next;
            one->next = NULL;
            *tally_place(&next, one->conn) = one;
        }
    wst_budget_give(t->budget, t->buckets_n * sizeof *t->buckets);
    free(t->buckets);
    t->buckets = next.buckets;
    t->buckets_n = n;
    return true;
}

struct wst_tally *wst_tally_of(struct wst_tallies *t, uint64_t conn, bool make)
{
    struct wst_tally *one = t->n ? *tally_place(t, conn) : NULL;
    if (one || !make || t->n >= t->max) return one;
    if (t->n >= t->buckets_n && !tallies_grow(t) && !t->buckets_n) return NULL;
    one = wst_budget_new(t->budget, sizeof *one);
    if (!one) return NULL;
    one->conn = conn;
    *tally_place(t, conn) = one;
    t->n++;
    return one;
}

static void tally_free(struct wst_tallies *t, struct wst_tally *one)
{
    wst_counts_free(&one->counts, t->budget);
    wst_budget_give(t->budget, sizeof *one);
    free(one);
}

void wst_tally_drop(struct wst_tallies *t, uint64_t conn)
{
    struct wst_tally **at = t->n ? tally_place(t, conn) : NULL;
    if (!at || !*at) return;
    struct wst_tally *one = *at;
    *at = one->next;
    t->n--;
    tally_free(t, one);
}

void wst_tallies_free(struct wst_tallies *t)
{
    for (size_t i = 0; i < t->buckets_n; i++)
        for (struct wst_tally *one = t->buckets[i], *after; one; one = after) {
            after = one->next;
            tally_free(t, one);
        }
    wst_budget_give(t->budget, t->buckets_n * sizeof *t->buckets);
    free(t->buckets);
    t->buckets = NULL;
    t->buckets_n = t->n = 0;
}

bool wst_tally_tell(struct wst_tally *one, enum wst_problem problem, enum wst_dir dir)
{
    uint64_t *word = &one->told[dir + 1][problem / 64], bit = (uint64_t)1 << (problem % 64);
    bool first = !(*word & bit);
    *word |= bit;
    return first;
}
