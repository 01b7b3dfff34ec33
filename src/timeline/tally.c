/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

enum { COUNTS_FIRST = 4 };

/* -- counts ------------------------------------------------------------------------------------ */

void wst_counts_free(struct wst_counts *c, struct wst_budget *budget)
{
    wst_budget_give(budget, c->room * sizeof *c->row);
    free(c->row);
    *c = (struct wst_counts){0};
}

static bool counts_grow(struct wst_counts *c, struct wst_budget *budget)
{
    void *row = wst_array_double_paid(budget, c->row, &c->room, sizeof *c->row, COUNTS_FIRST);
    if (row) c->row = row;
    return row;
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

static void tally_free(struct wst_tallies *t, struct wst_tally *one)
{
    wst_counts_free(&one->counts, t->conns.budget);
    wst_budget_give(t->conns.budget, sizeof *one);
    free(one);
}

struct wst_tally *wst_tally_of(struct wst_tallies *t, uint64_t conn, bool make)
{
    struct wst_tally *one = wst_conns_find(&t->conns, conn);
    if (one || !make || t->conns.n >= t->max) return one;
    one = wst_budget_new(t->conns.budget, sizeof *one);
    if (!one) return NULL;
    one->node.conn = conn;
    if (wst_conns_add(&t->conns, &one->node)) return one;
    tally_free(t, one);
    return NULL;
}

void wst_tally_drop(struct wst_tallies *t, uint64_t conn)
{
    struct wst_tally *one = wst_conns_find(&t->conns, conn);
    if (!one) return;
    wst_conns_take(&t->conns, &one->node);
    tally_free(t, one);
}

void wst_tallies_free(struct wst_tallies *t)
{
    for (struct wst_tally *one = wst_conns_next(&t->conns, NULL), *after; one; one = after) {
        after = wst_conns_next(&t->conns, &one->node);
        tally_free(t, one);
    }
    wst_conns_free(&t->conns);
}

bool wst_tally_tell(struct wst_tally *one, enum wst_problem problem, enum wst_dir dir)
{
    uint64_t *word = &one->told[dir + 1][problem / 64], bit = (uint64_t)1 << (problem % 64);
    bool first = !(*word & bit);
    *word |= bit;
    return first;
}
