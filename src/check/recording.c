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
    wst_budget_give(budget, sizeof *r + r->requests_room * sizeof *r->requests);
    free(r->requests);
    for (int dir = 0; dir < 2; dir++) wst_ink_free(&r->frames[dir]);
    free(r);
    c->recording = NULL;
}

struct wst_recording *wst_recording_of(struct wst_connection *c, struct wst_budget *budget)
{
    if (c->recording || !wst_budget_take(budget, sizeof *c->recording)) return c->recording;
    c->recording = calloc(1, sizeof *c->recording);
    if (c->recording == NULL) {
        wst_budget_give(budget, sizeof *c->recording);
        return NULL;
    }
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

static bool grow(struct wst_recording *r, struct wst_budget *budget)
{
    uint32_t room = r->requests_room ? r->requests_room * 2 : 16;
    size_t more = (size_t)(room - r->requests_room) * sizeof *r->requests;
    struct wst_recording_request *slots;

    if (room > WST_RECORDING_REQUESTS || !wst_budget_take(budget, more)) return false;
    slots = calloc(room, sizeof *slots);
    if (slots == NULL) {
        wst_budget_give(budget, more);
        return false;
    }
    for (uint32_t i = 0; i < r->requests_room; i++) {
        uint32_t to = (uint32_t)r->requests[i].id & (room - 1);
        if (r->requests[i].id == 0) continue;
        while (slots[to].id) to = (to + 1) & (room - 1);
        slots[to] = r->requests[i];
    }
    free(r->requests);
    r->requests = slots;
    r->requests_room = room;
    return true;
}

struct wst_recording_request *wst_recording_request(struct wst_recording *r,
                                                    struct wst_budget *budget, uint64_t id)
{
    enum { LOOK_MAX = 4096 }; /* slots in a row; only ids chosen to collide need so many */
    uint32_t i;

    if (id == 0) id = 1;
    if (r->requests_n * 2 >= r->requests_room && !grow(r, budget)) return NULL;
    i = (uint32_t)id & (r->requests_room - 1);
    for (uint32_t looked = 0; looked < LOOK_MAX; looked++, i = (i + 1) & (r->requests_room - 1)) {
        if (r->requests[i].id == id) return &r->requests[i];
        if (r->requests[i].id) continue;
        r->requests[i].id = id;
        r->requests_n++;
        return &r->requests[i];
    }
    return NULL;
}
