/* SPDX-License-Identifier: MIT
 *
 * In: packets of undecided conversations. Out: those of the ones that matter, in order.
 * Refuses to grow beyond its cap.
 */
#include "hold.h"

#include <stdlib.h>
#include <string.h>

struct wst_held {
    struct wst_held *next;
    struct wst_packet packet;
    uint8_t bytes[];
};

static size_t cost(const struct wst_held *held)
{
    return sizeof *held + held->packet.data.n;
}

int wst_hold_init(struct wst_hold *h, size_t max)
{
    *h = (struct wst_hold){.buckets = calloc(WST_HOLD_BUCKETS, sizeof *h->buckets), .max = max};
    return h->buckets ? 0 : -1;
}

static struct wst_hold_stream **place(const struct wst_hold *h, uint64_t stream)
{
    struct wst_hold_stream **at = &h->buckets[stream % WST_HOLD_BUCKETS];
    while (*at && (*at)->stream != stream) at = &(*at)->next;
    return at;
}

static void unlink_age(struct wst_hold *h, struct wst_hold_stream *s)
{
    *(s->older ? &s->older->newer : &h->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &h->newest) = s->older;
}

static void link_newest(struct wst_hold *h, struct wst_hold_stream *s)
{
    s->newer = NULL;
    s->older = h->newest;
    *(h->newest ? &h->newest->newer : &h->oldest) = s;
    h->newest = s;
}

static void drop_first(struct wst_hold *h, struct wst_hold_stream *s)
{
    struct wst_held *held = s->first;
    s->first = held->next;
    if (!s->first) s->last = NULL;
    s->bytes -= cost(held);
    h->bytes -= cost(held);
    s->packets--;
    s->lost++;
    free(held);
}

static void drop(struct wst_hold *h, struct wst_hold_stream *s)
{
    struct wst_hold_stream **at = place(h, s->stream);
    while (s->first) drop_first(h, s);
    *at = s->next;
    unlink_age(h, s);
    h->bytes -= sizeof *s;
    free(s);
}

static void give_up(struct wst_hold *h, struct wst_hold_stream *s)
{
    h->given_up += s->packets + s->lost;
    h->given_up_streams++;
    drop(h, s);
}

void wst_hold_free(struct wst_hold *h)
{
    while (h->oldest) drop(h, h->oldest);
    free(h->buckets);
    free(h->out);
}

static struct wst_hold_stream *stream_of(struct wst_hold *h, uint64_t stream)
{
    struct wst_hold_stream **at = place(h, stream), *s = *at;
    if (s) {
        unlink_age(h, s);
    } else {
        if (!(s = calloc(1, sizeof *s))) return NULL;
        s->stream = stream;
        h->bytes += sizeof *s;
        *at = s;
    }
    link_newest(h, s);
    return s;
}

void wst_hold_keep(struct wst_hold *h, uint64_t stream, const struct wst_packet *p)
{
    struct wst_hold_stream *s = stream_of(h, stream);
    struct wst_held *held;
    if (!s) {
        h->given_up++;
        h->given_up_streams++;
        return;
    }
    held = malloc(sizeof *held + p->data.n);
    if (!held) {
        s->lost++;
        return;
    }
    held->next = NULL;
    held->packet = *p;
    held->packet.data.p = held->bytes;
    memcpy(held->bytes, p->data.p, p->data.n);
    *(s->last ? &s->last->next : &s->first) = held;
    s->last = held;
    s->packets++;
    s->bytes += cost(held);
    h->bytes += cost(held);
    while (s->first != s->last && s->bytes > h->max / WST_HOLD_SHARE) drop_first(h, s);
    while (h->bytes > h->max && h->oldest != s) give_up(h, h->oldest);
}

void wst_hold_forget(struct wst_hold *h, uint64_t stream)
{
    struct wst_hold_stream *s = *place(h, stream);
    if (s) drop(h, s);
}

bool wst_hold_take(struct wst_hold *h, uint64_t stream, struct wst_packet *p)
{
    struct wst_hold_stream *s = *place(h, stream);
    free(h->out);
    h->out = NULL;
    if (!s) return false;
    if (!s->first) {
        h->forgotten += s->lost;
        drop(h, s);
        return false;
    }
    h->out = s->first;
    s->first = h->out->next;
    if (!s->first) s->last = NULL;
    s->packets--;
    s->bytes -= cost(h->out);
    h->bytes -= cost(h->out);
    *p = h->out->packet;
    return true;
}
