/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room: the last 32 KiB that a direction inflated, in a ring of their own or in the
 * window of an inflater. False, of any: there is no memory for it.
 */
#ifndef WST_WS_HISTORY_H
#define WST_WS_HISTORY_H

#include "deflate.h"

void wst_history_free(struct wst_inflaters *all, struct wst_history *h);
bool wst_history_append(struct wst_inflaters *all, struct wst_history *h, struct wst_slice s);
/* It takes no memory, until an inflater has put something behind it. Nothing is appended to it. */
void wst_history_make_up(struct wst_inflaters *all, struct wst_history *h, uint8_t with);
/* What zlib holds is the history: after output that was not kept whole. */
bool wst_history_take(struct wst_inflaters *all, struct wst_history *h, struct wst_inflater *by);
bool wst_history_give(struct wst_inflaters *all, const struct wst_history *h,
                      struct wst_inflater *by);
/* The inflater that holds the bytes is about to lose them. */
bool wst_history_fetch(struct wst_inflaters *all, struct wst_history *h, struct wst_inflater *by);
/* len bytes came out; an inflater has the last of them. Charged as what is kept outside: `whole`
 * says whether it was. */
bool wst_history_held(struct wst_inflaters *all, struct wst_history *h, uint64_t len, bool whole);

#endif
