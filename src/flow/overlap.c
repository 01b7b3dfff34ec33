/* SPDX-License-Identifier: MIT */
#include "overlap.h"

#include <stdlib.h>
#include <string.h>

bool wst_overlap_init(struct wst_overlap *o, size_t size)
{
    *o = (struct wst_overlap){0};
    if (!size) return true;
    size_t power = 4096;
    while (power * 2 <= size) power *= 2;
    o->ring = malloc(power);
    o->records = calloc(OVERLAP_RECORDS, sizeof *o->records);
    o->size = power;
    return o->ring && o->records;
}

void wst_overlap_free(struct wst_overlap *o)
{
    free(o->ring);
    free(o->records);
    *o = (struct wst_overlap){0};
}

void wst_overlap_remember(struct wst_overlap *o, uint32_t stream, unsigned side, uint32_t seq,
                          struct wst_slice bytes)
{
    if (bytes.n > o->size) { /* only the end of it fits */
        seq += (uint32_t)(bytes.n - o->size);
        bytes = (struct wst_slice){bytes.p + (bytes.n - o->size), o->size};
    }
    if (!bytes.n) return;
    o->records[o->records_n++ % OVERLAP_RECORDS] =
        (struct wst_overlap_record){.at = o->written,
                                    .stream = stream,
                                    .seq = seq,
                                    .len = (uint32_t)bytes.n,
                                    .side = (uint8_t)side};
    size_t place = o->written & (o->size - 1), first = o->size - place;
    if (first > bytes.n) first = bytes.n;
    memcpy(o->ring + place, bytes.p, first);
    memcpy(o->ring, bytes.p + first, bytes.n - first);
    o->written += bytes.n;
}

/* One remembered piece against the part of `bytes` it covers:
 *
 *      remembered     seq ├────────────┤
 *      sent again              ├────────────┤ seq
 *      held together           ├───────┤
 */
static uint64_t overlap_hold(const struct wst_overlap *o, const struct wst_overlap_record *r,
                             uint32_t seq, struct wst_slice bytes)
{
    int32_t shift = (int32_t)(seq - r->seq);
    uint32_t from = shift > 0 ? (uint32_t)shift : 0, skip = shift < 0 ? 0u - (uint32_t)shift : 0;
    if (from >= r->len || skip >= bytes.n) return 0;
    size_t n = r->len - from < bytes.n - skip ? r->len - from : bytes.n - skip;
    uint64_t differing = 0;
    for (size_t i = 0; i < n; i++)
        differing += o->ring[(r->at + from + i) & (o->size - 1)] != bytes.p[skip + i];
    return differing;
}

uint64_t wst_overlap_differing(const struct wst_overlap *o, uint32_t stream, unsigned side,
                               uint32_t seq, struct wst_slice bytes)
{
    if (!o->size) return 0;
    uint64_t differing = 0;
    uint64_t n = o->records_n < OVERLAP_RECORDS ? o->records_n : OVERLAP_RECORDS;
    for (uint64_t i = 1; i <= n; i++) {
        const struct wst_overlap_record *r = &o->records[(o->records_n - i) % OVERLAP_RECORDS];
        if (o->written - r->at > o->size) break; /* overwritten, and so are all before it */
        if (r->stream == stream && r->side == side) differing += overlap_hold(o, r, seq, bytes);
    }
    return differing;
}
