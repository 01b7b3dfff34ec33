/* SPDX-License-Identifier: MIT */
#include "conns.h"

#include <stdlib.h>

/* Numbers come one after the other: the low bits are as good as any. */
static struct wst_conn_node **place(const struct wst_conns *c, uint64_t conn)
{
    struct wst_conn_node **at = &c->buckets[conn & (c->buckets_n - 1)];
    while (*at && (*at)->conn != conn) at = &(*at)->next;
    return at;
}

static struct wst_conn_node **buckets_new(struct wst_budget *budget, size_t n)
{
    size_t each = sizeof(struct wst_conn_node *);
    return budget ? wst_budget_new(budget, n * each) : calloc(n, each);
}

static void buckets_free(struct wst_conns *c)
{
    if (c->budget) wst_budget_give(c->budget, c->buckets_n * sizeof *c->buckets);
    free(c->buckets);
}

static bool grow(struct wst_conns *c)
{
    enum { FIRST = 256 };
    struct wst_conns larger = *c;
    larger.buckets_n = c->buckets_n ? 2 * c->buckets_n : FIRST;
    larger.buckets = buckets_new(c->budget, larger.buckets_n);
    if (!larger.buckets) return false;
    for (size_t i = 0; i < c->buckets_n; i++)
        for (struct wst_conn_node *node = c->buckets[i], *after; node; node = after) {
            after = node->next;
            node->next = NULL;
            *place(&larger, node->conn) = node;
        }
    buckets_free(c);
    *c = larger;
    return true;
}

void *wst_conns_find(const struct wst_conns *c, uint64_t conn)
{
    return c->n ? *place(c, conn) : NULL;
}

bool wst_conns_add(struct wst_conns *c, struct wst_conn_node *node)
{
    if (c->n >= c->buckets_n && !grow(c) && !c->buckets_n) return false;
    node->next = NULL;
    *place(c, node->conn) = node;
    c->n++;
    return true;
}

void wst_conns_take(struct wst_conns *c, struct wst_conn_node *node)
{
    *place(c, node->conn) = node->next;
    c->n--;
}

void *wst_conns_next(const struct wst_conns *c, const struct wst_conn_node *node)
{
    if (node && node->next) return node->next;
    size_t i = node ? (node->conn & (c->buckets_n - 1)) + 1 : 0;
    while (i < c->buckets_n && !c->buckets[i]) i++;
    return i < c->buckets_n ? c->buckets[i] : NULL;
}

void wst_conns_free(struct wst_conns *c)
{
    buckets_free(c);
    *c = (struct wst_conns){.budget = c->budget};
}
