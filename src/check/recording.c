/* SPDX-License-Identifier: MIT
 *
 * In: pings, pongs, ids. Out: what answers what. Refuses to remember more than the caps.
 */
#include "recording.h"

#include "session.h"

#include <stdlib.h>

void wst_recording_free(struct wst_connection *c, struct wst_budget *budget)
{
    struct wst_recording *r = c->recording;

    if (r == NULL) return;
    wst_ids_free(&r->requests, sizeof(struct wst_recording_request), budget);
    wst_budget_give(budget, sizeof *r);
    for (int dir = 0; dir < 2; dir++) wst_ink_free(&r->frames[dir]);
    free(r);
    c->recording = NULL;
}

struct wst_recording *wst_recording_of(struct wst_connection *c, struct wst_budget *budget)
{
    if (c->recording) return c->recording;
    c->recording = wst_budget_new(budget, sizeof *c->recording);
    if (c->recording == NULL) return NULL;
    for (int dir = 0; dir < 2; dir++) c->recording->frames[dir].budget = budget;
    return c->recording;
}

void wst_recording_ping(struct wst_recording *r, unsigned dir, uint64_t payload, uint32_t item)
{
    r->pings[dir][r->pings_n[dir]++ % WST_RECORDING_PINGS] =
        (struct wst_recording_ping){payload, item};
}

uint32_t wst_recording_pong(struct wst_recording *r, unsigned dir, uint64_t payload)
{
    struct wst_recording_ping *pings = r->pings[!dir];
    uint32_t n = r->pings_n[!dir];

    for (uint32_t i = 0; i < WST_RECORDING_PINGS; i++) {
        struct wst_recording_ping *ping = &pings[(n + i) % WST_RECORDING_PINGS];
        uint32_t item = ping->item;
        if (item == 0 || ping->payload != payload) continue;
        ping->item = 0;
        return item;
    }
    return 0;
}

struct wst_recording_request *wst_recording_request(struct wst_recording *r,
                                                    struct wst_budget *budget, uint64_t id)
{
    return wst_ids_slot(&r->requests, sizeof(struct wst_recording_request), id, budget);
}
