/* SPDX-License-Identifier: MIT
 *
 * What is kept of connections that are not over, by their number. Whoever keeps it makes it and
 * frees it; here it is only found. Refuses a new one only when there is no memory for the first
 * row of buckets: later rows are a matter of speed.
 */
#ifndef WST_BASE_CONNS_H
#define WST_BASE_CONNS_H

#include "budget.h"

struct wst_conn_node { /* the first member of what is kept */
    uint64_t conn;
    struct wst_conn_node *next; /* in its bucket */
};

struct wst_conns { /* zeroed but for the budget: empty */
    struct wst_conn_node **buckets;
    size_t buckets_n, n;
    struct wst_budget *budget; /* pays for the buckets; NULL: nobody does */
};

/* NULL: there is none. */
void *wst_conns_find(const struct wst_conns *conns, uint64_t conn);
/* `node->conn` is a number that none has yet. False: there is no memory. */
bool wst_conns_add(struct wst_conns *conns, struct wst_conn_node *node);
/* Takes one out that is there. */
void wst_conns_take(struct wst_conns *conns, struct wst_conn_node *node);
/* The one behind `node`, in no order; NULL: the first; NULL at the end. Who takes `node` out asks
 * before. */
void *wst_conns_next(const struct wst_conns *conns, const struct wst_conn_node *node);
/* Those that are left are nobody's. */
void wst_conns_free(struct wst_conns *conns);

#endif
