/* SPDX-License-Identifier: MIT
 *
 * In: numbers of streams. Out: which of them were opened by requests that nobody saw, for the
 * capture lacks them or began later: only what they carry can tell what they are.
 */
#include "missed.h"

/* -- opened before the capture ----------------------------------------------------------------- */

bool wst_missed_early(const struct wst_http2 *h, uint32_t id)
{
    if (id % 2 == 0 || id > h->before) return false;
    for (unsigned i = 0; i < WST_HTTP2_MISSED; i++)
        if (h->over[i] == id) return false;
    return true;
}

void wst_missed_early_over(struct wst_http2 *h, uint32_t id)
{
    if (wst_missed_early(h, id)) h->over[h->over_at++ % WST_HTTP2_MISSED] = id;
}

void wst_missed_joins(struct wst_http2 *h, uint32_t id)
{
    if (!h->midst) return;
    h->midst = false;
    h->before = h->last_client = id > 1 ? id - 2 : 0;
}

/* -- requests that were lost ------------------------------------------------------------------- */

void wst_missed_add(struct wst_http2 *h, uint32_t id)
{
    h->missed[h->missed_at++ % WST_HTTP2_MISSED] = id;
}

/* Its place; WST_HTTP2_MISSED: it is none of them. */
static unsigned missed_place(const struct wst_http2 *h, uint32_t id)
{
    unsigned i = 0;
    while (i < WST_HTTP2_MISSED && (!id || h->missed[i] != id)) i++;
    return i;
}

bool wst_missed_is(const struct wst_http2 *h, uint32_t id)
{
    return missed_place(h, id) < WST_HTTP2_MISSED;
}

bool wst_missed_take(struct wst_http2 *h, uint32_t id)
{
    unsigned i = missed_place(h, id);
    if (i == WST_HTTP2_MISSED) return false;
    h->missed[i] = 0;
    return true;
}

void wst_missed_before(struct wst_http2 *h, uint32_t id)
{
    uint32_t from = h->last_client ? h->last_client + 2 : 1;
    if (!h->side[WST_C2S].holed) return;
    if (id > 2 * WST_HTTP2_MISSED && from < id - 2 * WST_HTTP2_MISSED)
        from = id - 2 * WST_HTTP2_MISSED;
    for (; from < id; from += 2) wst_missed_add(h, from);
}

void wst_missed_request(struct wst_http2 *h, uint32_t id)
{
    if (h->midst) {
        h->before = h->last_client = id;
        return;
    }
    wst_missed_before(h, id);
    wst_missed_add(h, id);
    h->last_client = id;
}
