/* SPDX-License-Identifier: MIT
 *
 * In: findings, by connection. Out: how often each came, and whether it was told before.
 * Refuses more connections than limits.max_findings at a time: what is not counted is told.
 */
#ifndef WST_TIMELINE_TALLY_H
#define WST_TIMELINE_TALLY_H

#include <wstrace/event.h>

#include "conns.h"

struct wst_counts { /* findings by id, in the order of problems.def */
    struct wst_finding *row;
    uint32_t n, room;
};

enum { WST_TALLY_WORDS = (WST_PROBLEMS + 63) / 64 };

struct wst_tally { /* of one connection */
    struct wst_conn_node node;
    struct wst_counts counts;
    uint64_t told[3][WST_TALLY_WORDS]; /* by direction (none, c2s, s2c): a bit an id */
};

struct wst_tallies { /* only connections with findings */
    struct wst_conns conns;
    size_t max;
};

void wst_tallies_free(struct wst_tallies *tallies);
/* NULL: none so far; with `make`: no memory, or too many. `conn` is not 0. */
struct wst_tally *wst_tally_of(struct wst_tallies *tallies, uint64_t conn, bool make);
void wst_tally_drop(struct wst_tallies *tallies, uint64_t conn);

/* One more of `problem`. False: no memory, and nothing is counted. */
bool wst_counts_add(struct wst_counts *counts, struct wst_budget *budget, enum wst_problem problem);
void wst_counts_free(struct wst_counts *counts, struct wst_budget *budget);
void wst_counts_levels(const struct wst_counts *counts, uint64_t levels[WST_LEVELS]);

/* True the first time. */
bool wst_tally_tell(struct wst_tally *tally, enum wst_problem problem, enum wst_dir dir);

#endif
