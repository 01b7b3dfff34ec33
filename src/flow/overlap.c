/* SPDX-License-Identifier: MIT */
#include "overlap.h"

#include <stdlib.h>
#include <string.h>

enum { STRETCH = 64 }; /* records: so many steps by one, or over so many, lead through all */

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

static uint64_t *overlap_chain(struct wst_overlap *o, uint32_t stream, unsigned side)
{
    return &o->newest[(stream * 2 + side) % OVERLAP_CHAINS];
}

/* Of a chain, counted from 1; 0: none, or it is forgotten. `ago`: how long before number i. */
static uint64_t overlap_ago(const struct wst_overlap *o, uint64_t i, uint64_t ago)
{
    return ago && ago < i && o->records_n - (i - ago) < OVERLAP_RECORDS ? i - ago : 0;
}

static struct wst_overlap_record *overlap_at(const struct wst_overlap *o, uint64_t i)
{
    return &o->records[(i - 1) % OVERLAP_RECORDS];
}

/* Links number i to the one before it, and to the last one of a stretch before its own. */
static void overlap_link(struct wst_overlap *o, uint64_t i, uint64_t before)
{
    struct wst_overlap_record *r = overlap_at(o, i);
    if (!before || i - before >= OVERLAP_RECORDS) return;
    r->before = r->far = (uint16_t)(i - before);
    if (before / STRETCH != i / STRETCH) return;
    uint64_t far = overlap_ago(o, before, overlap_at(o, before)->far);
    r->far = (uint16_t)(far ? i - far : 0);
}

void wst_overlap_remember(struct wst_overlap *o, uint32_t stream, unsigned side, uint32_t seq,
                          struct wst_slice bytes)
{
    if (bytes.n > o->size) { /* only the end of it fits */
        seq += (uint32_t)(bytes.n - o->size);
        bytes = (struct wst_slice){bytes.p + (bytes.n - o->size), o->size};
    }
    if (!bytes.n) return;
    uint64_t *newest = overlap_chain(o, stream, side);
    o->records[o->records_n++ % OVERLAP_RECORDS] =
        (struct wst_overlap_record){.at = o->written,
                                    .stream = stream,
                                    .seq = seq,
                                    .len = (uint32_t)bytes.n,
                                    .side = (uint8_t)side};
    overlap_link(o, o->records_n, *newest);
    *newest = o->records_n;
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
static size_t overlap_hold(const struct wst_overlap *o, const struct wst_overlap_record *r,
                           uint32_t seq, struct wst_slice bytes, uint64_t *differing)
{
    int32_t shift = (int32_t)(seq - r->seq);
    uint32_t from = shift > 0 ? (uint32_t)shift : 0, skip = shift < 0 ? 0u - (uint32_t)shift : 0;
    if (from >= r->len || skip >= bytes.n) return 0;
    size_t n = r->len - from < bytes.n - skip ? r->len - from : bytes.n - skip;
    size_t place = (r->at + from) & (o->size - 1);
    if (place + n <= o->size && memcmp(o->ring + place, bytes.p + skip, n) == 0) return n;
    for (size_t i = 0; i < n; i++)
        *differing += o->ring[(place + i) & (o->size - 1)] != bytes.p[skip + i];
    return n;
}

static bool overlap_is(const struct wst_overlap_record *r, uint32_t stream, unsigned side)
{
    return r->stream == stream && r->side == side;
}

/* The next piece to look at behind number i, whose record is r: where one of this direction from
 * far before begins behind the bytes, too, all between them do. */
static uint64_t overlap_next(const struct wst_overlap *o, uint64_t i, uint32_t end)
{
    const struct wst_overlap_record *r = overlap_at(o, i);
    uint64_t far = r->far > r->before ? overlap_ago(o, i, r->far) : 0;
    const struct wst_overlap_record *f = far ? overlap_at(o, far) : NULL;
    if (f && overlap_is(f, r->stream, r->side) && (int32_t)(f->seq - end) >= 0 &&
        (int32_t)(r->seq - f->seq) > 0)
        return far;
    return overlap_ago(o, i, r->before);
}

/* From the newest piece back: what is sent again was nearly always sent just before. Pieces of a
 * direction were delivered in order, so behind one that ends where the bytes begin there is nothing
 * to find: bytes that come after their gap was told were never delivered. */
uint64_t wst_overlap_differing(struct wst_overlap *o, uint32_t stream, unsigned side, uint32_t seq,
                               struct wst_slice bytes)
{
    if (!o->size) return 0;
    uint64_t differing = 0;
    size_t held = 0; /* a byte is delivered once: when all were found there are no more */
    uint32_t end = seq + (uint32_t)bytes.n;
    uint64_t i = *overlap_chain(o, stream, side);
    while (held < bytes.n && i && o->records_n - i < OVERLAP_RECORDS) {
        const struct wst_overlap_record *r = overlap_at(o, i);
        if (o->written - r->at > o->size) break; /* overwritten, and so are all before it */
        if (!overlap_is(r, stream, side)) {
            i = overlap_ago(o, i, r->before);
            continue;
        }
        if ((int32_t)(seq - (r->seq + r->len)) >= 0) break;
        held += overlap_hold(o, r, seq, bytes, &differing);
        i = overlap_next(o, i, end);
    }
    return differing;
}
