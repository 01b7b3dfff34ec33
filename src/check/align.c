/* SPDX-License-Identifier: MIT
 *
 * In: two rows. Out: which places of the first are which of the second.
 * Refuses to look for more than WST_ALIGN_EDITS edits: what lies between the equal ends is then
 * paired where it is equal place by place.
 *
 * E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986: furthest paths along the
 * diagonals k = i - j with d edits, d = 0, 1, 2 …; each round is remembered to find the way back.
 */
#include "compare.h"

#include <stdlib.h>

struct myers {
    struct wst_align *a;
    uint32_t from, n, m; /* equal items before; lengths between the equal ends */
    int32_t *rounds;     /* of round d: 2 d + 1 furthest places, one behind the other */
};

static int32_t *round_of(const struct myers *y, int32_t d)
{
    return y->rounds + (size_t)d * (size_t)d + d; /* its diagonal 0 */
}

/* The furthest place on diagonal k with d edits, before the equal items there. */
static int32_t furthest(const struct myers *y, int32_t d, int32_t k, bool *down)
{
    const int32_t *before = d ? round_of(y, d - 1) : NULL;

    *down = false;
    if (d == 0) return 0;
    *down = k == -d || (k != d && before[k - 1] < before[k + 1]);
    if (k == -d) return before[k + 1];
    if (k == d) return before[k - 1] + 1;
    return *down ? before[k + 1] : before[k - 1] + 1;
}

static int32_t slide(const struct myers *y, int32_t i, int32_t k)
{
    int32_t j = i - k;

    while (i >= 0 && j >= 0 && i < (int32_t)y->n && j < (int32_t)y->m &&
           y->a->same(y->a->user, y->from + (uint32_t)i, y->from + (uint32_t)j)) {
        i++;
        j++;
    }
    return i;
}

/* How many edits lead to the end; -1: too many. */
static int32_t search(const struct myers *y)
{
    int32_t end = (int32_t)y->n - (int32_t)y->m;
    bool down;

    for (int32_t d = 0; d <= WST_ALIGN_EDITS; d++)
        for (int32_t k = -d; k <= d; k += 2) {
            int32_t *row = round_of(y, d);
            row[k] = slide(y, furthest(y, d, k, &down), k);
            if (k == end && row[k] >= (int32_t)y->n) return d;
        }
    return -1;
}

static void walk_back(const struct myers *y, int32_t d)
{
    int32_t k = (int32_t)y->n - (int32_t)y->m, i = (int32_t)y->n;

    for (; d >= 0; d--) {
        bool down;
        int32_t start = furthest(y, d, k, &down);
        while (i > start) {
            i--;
            y->a->to[y->from + (uint32_t)i] = y->from + (uint32_t)(i - k);
        }
        i = down ? start : start - 1;
        k = down ? k + 1 : k - 1;
    }
}

static void by_place(const struct myers *y)
{
    for (uint32_t i = 0; i < y->n && i < y->m; i++)
        if (y->a->same(y->a->user, y->from + i, y->from + i)) y->a->to[y->from + i] = y->from + i;
}

bool wst_align(struct wst_align *a)
{
    struct myers y = {.a = a, .n = a->n, .m = a->m};
    size_t most;
    int32_t d;

    for (uint32_t i = 0; i < a->n; i++) a->to[i] = UINT32_MAX;
    while (y.n && y.m && a->same(a->user, y.from, y.from)) {
        a->to[y.from] = y.from;
        y.from++;
        y.n--;
        y.m--;
    }
    while (y.n && y.m && a->same(a->user, y.from + y.n - 1, y.from + y.m - 1)) {
        a->to[y.from + y.n - 1] = y.from + y.m - 1;
        y.n--;
        y.m--;
    }
    if (y.n == 0 || y.m == 0) return true;
    most = (size_t)y.n + y.m < WST_ALIGN_EDITS ? (size_t)y.n + y.m : WST_ALIGN_EDITS;
    y.rounds = malloc((most + 2) * (most + 2) * sizeof *y.rounds);
    if (y.rounds == NULL) return false;
    d = y.n > INT32_MAX / 2 || y.m > INT32_MAX / 2 ? -1 : search(&y);
    if (d >= 0)
        walk_back(&y, d);
    else
        by_place(&y);
    free(y.rounds);
    return true;
}
