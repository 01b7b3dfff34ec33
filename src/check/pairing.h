/* SPDX-License-Identifier: MIT
 *
 * Inside the room: a pair of connections at work. compare.c aligns what is equal, match.c finds
 * what was moved or changed, tell.c tells.
 */
#ifndef WST_CHECK_PAIRING_H
#define WST_CHECK_PAIRING_H

#include "compare.h"

struct wst_pairing {
    struct wst_outcome *outcome;
    struct wst_session *expected, *seen;
    struct wst_connection *a;
    const struct wst_connection *b;
    uint32_t *to, *from;    /* equal items: places of a in b, of b in a */
    uint32_t *became, *was; /* changed ones, likewise */
    uint32_t *went, *came;  /* moved ones, likewise */
    uint32_t said[2][2];    /* messages so far: of a and b, by direction */
    struct wst_ink context, what;
    const struct wst_compare_options *options;
};

/* Whether item i of a equals item j of b; `pairing` is one. */
bool wst_pairing_same(const void *pairing, uint32_t i, uint32_t j);
/* match.c: fills in `became`, `was`, `went`, `came`. */
void wst_pairing_match(struct wst_pairing *pairing);
/* tell.c: all that is different between the two. */
void wst_pairing_tell(struct wst_pairing *pairing);

#endif
