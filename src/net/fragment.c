/* SPDX-License-Identifier: MIT
 *
 * In: IP fragments, in any order, repeated, overlapping. Out: the whole payload, once it is there.
 * Refuses what cannot be completed (cut by the snap length), what contradicts itself, and to hold
 * more bytes, datagrams or pieces than it may: the oldest datagram goes first.
 *
 * Overlaps. IPv4: the byte that arrived first wins. Receivers differ here and a capture cannot
 * know which one it watches; no sound sender makes overlaps. IPv6: the datagram is dropped, with
 * the fragments still to come (RFC 5722), but a fragment repeated byte for byte is only that
 * (RFC 8200 section 4.5).
 *
 * Repetitions. Captures on several interfaces show each fragment more than once. The copies that
 * follow a completed datagram would wait in vain, and be mixed into a later one with the same id:
 * so a completed datagram is remembered a moment longer than copies are late.
 */
#include "fragment.h"
#include "walk.h"
#include <stdlib.h>

enum {
    DATAGRAM_MAX = 65535, /* what the length fields of both versions can say */
    UNIT = 8,             /* all fragments but the last are multiples of this */
};

/* At 65536 ids a pair of hosts must send 655360 datagrams a second to reuse one within it. */
static const int64_t finished_ns = 100 * 1000 * 1000;

/* Pieces do not overlap and lie in order:
 *
 *  datagram -> [0 .. 1480) -> [1480 .. 2960) ->            -> [4440 .. 5000) */
struct piece {
    struct piece *next;
    uint32_t start, end; /* half open */
    uint8_t bytes[];
};

struct key {
    uint8_t src[16], dst[16];
    uint32_t domain, id;
    uint8_t family, protocol, zero[2]; /* no padding: keys are compared by their bytes */
};
_Static_assert(sizeof(struct key) == 44, "a key has padding");

struct wst_datagram {
    struct key key;
    struct wst_datagram *chain; /* next in the bucket */
    TAILQ_ENTRY(wst_datagram) place;
    int64_t since; /* first fragment, or completion; capture time */
    struct piece *pieces;
    uint32_t n_pieces;
    uint32_t received; /* bytes in the pieces */
    uint32_t total;    /* bytes in all; 0: the last fragment has not come */
    uint8_t protocol;  /* of the first fragment */
    bool finished;     /* complete and gone */
    bool dropped;      /* contradicted itself: swallows its fragments (version 6) */
};

struct wst_whole {
    struct wst_whole *next;
    uint32_t n;
    uint8_t bytes[];
};

/* -- the table -- */

static struct wst_datagram **bucket_of(struct wst_fragments *f, const struct key *key)
{
    uint64_t hash = f->seed;
    for (size_t i = 0; i < sizeof *key; i += 4)
        hash = wst_net_mix(hash + wst_be32((const uint8_t *)key + i));
    return &f->buckets[hash % WST_FRAGMENT_BUCKETS];
}

static struct wst_fragment_row *row_of(struct wst_fragments *f, const struct wst_datagram *d)
{
    return d->finished ? &f->finished : &f->waiting;
}

static struct wst_datagram *row_oldest(const struct wst_fragment_row *row)
{
    return TAILQ_FIRST(&row->row);
}

static void row_append(struct wst_fragment_row *row, struct wst_datagram *d)
{
    TAILQ_INSERT_TAIL(&row->row, d, place);
    row->n++;
}

static void row_remove(struct wst_fragment_row *row, struct wst_datagram *d)
{
    TAILQ_REMOVE(&row->row, d, place);
    row->n--;
}

static void free_pieces(struct wst_fragments *f, struct wst_datagram *d)
{
    while (d->pieces) {
        struct piece *piece = d->pieces;
        d->pieces = piece->next;
        f->memory -= sizeof *piece + (piece->end - piece->start);
        free(piece);
    }
    d->n_pieces = 0;
    d->received = 0;
}

static void forget(struct wst_fragments *f, struct wst_datagram *d)
{
    struct wst_datagram **link = bucket_of(f, &d->key);
    while (*link != d) link = &(*link)->chain;
    *link = d->chain;
    row_remove(row_of(f, d), d);
    free_pieces(f, d);
    f->memory -= sizeof *d;
    free(d);
}

/* Time may jump, in either direction, where captures were joined. */
static bool is_stale(const struct wst_fragments *f, const struct wst_datagram *d, int64_t now)
{
    int64_t limit = d->finished ? finished_ns : f->max_ns;
    uint64_t apart =
        now > d->since ? (uint64_t)now - (uint64_t)d->since : (uint64_t)d->since - (uint64_t)now;
    return limit < 0 || apart > (uint64_t)limit;
}

static void sweep(struct wst_fragments *f, struct wst_fragment_row *row, int64_t now)
{
    struct wst_datagram *d;
    while ((d = row_oldest(row)) && is_stale(f, d, now)) forget(f, d);
}

static struct wst_datagram *find(struct wst_fragments *f, const struct key *key, int64_t now)
{
    struct wst_datagram *d = *bucket_of(f, key);
    while (d && memcmp(&d->key, key, sizeof *key) != 0) d = d->chain;
    if (d && is_stale(f, d, now)) {
        forget(f, d);
        d = NULL;
    }
    return d;
}

/* NULL: out of memory. */
static struct wst_datagram *add(struct wst_fragments *f, const struct key *key, int64_t now)
{
    if (f->waiting.n >= WST_FRAGMENT_DATAGRAMS) forget(f, row_oldest(&f->waiting));
    struct wst_datagram *d = calloc(1, sizeof *d);
    f->refused += !d;
    if (!d) return NULL;
    struct wst_datagram **bucket = bucket_of(f, key);
    d->key = *key;
    d->chain = *bucket;
    *bucket = d;
    d->since = now;
    row_append(&f->waiting, d);
    f->memory += sizeof *d;
    return d;
}

/* Ids of version 4 come round too soon to swallow the rest for as long as RFC 5722 wants. */
static void drop(struct wst_fragments *f, struct wst_datagram *d)
{
    if (d->key.family == 4) {
        forget(f, d);
        return;
    }
    free_pieces(f, d);
    d->dropped = true;
}

/* Memories of finished datagrams go first: they hold no bytes. */
static void evict(struct wst_fragments *f)
{
    while (f->memory > f->max_memory) {
        struct wst_datagram *d = row_oldest(f->finished.n ? &f->finished : &f->waiting);
        if (!d) return;
        forget(f, d);
    }
}

/* -- one datagram -- */

static bool new_piece(struct wst_fragments *f, struct wst_datagram *d, struct piece **link,
                      struct wst_slice bytes, uint32_t start)
{
    if (d->n_pieces >= WST_FRAGMENT_PIECES) return false;
    struct piece *piece = malloc(sizeof *piece + bytes.n);
    f->refused += !piece;
    if (!piece) return false;
    piece->start = start;
    piece->end = start + (uint32_t)bytes.n;
    memcpy(piece->bytes, bytes.p, bytes.n);
    piece->next = *link;
    *link = piece;
    f->memory += sizeof *piece + bytes.n;
    d->received += (uint32_t)bytes.n;
    d->n_pieces++;
    return true;
}

/* Fills the holes and keeps what is there. False: out of memory or of pieces.
 *
 *  held:         [aaaa]        [bbbbbb]
 *  fragment:  [..........................]
 *  new:       [..]    [........]      [..] */
static bool fill(struct wst_fragments *f, struct wst_datagram *d, struct wst_slice bytes,
                 uint32_t start)
{
    struct piece **link = &d->pieces;
    uint32_t end = start + (uint32_t)bytes.n;
    for (uint32_t at = start; at < end;) {
        while (*link && (*link)->end <= at) link = &(*link)->next;
        uint32_t stop = *link && (*link)->start < end ? (*link)->start : end;
        if (at < stop) {
            struct wst_slice part = wst_slice_head(wst_slice_skip(bytes, at - start), stop - at);
            if (!new_piece(f, d, link, part, at)) return false;
            at = stop;
        } else {
            at = (*link)->end;
        }
    }
    return true;
}

enum overlap { APART, REPEATED, OVERLAPS };

static enum overlap compare(const struct wst_datagram *d, struct wst_slice bytes, uint32_t start)
{
    const struct piece *piece = d->pieces;
    uint32_t end = start + (uint32_t)bytes.n;
    while (piece && piece->end <= start) piece = piece->next;
    if (!piece || piece->start >= end) return APART;
    if (piece->start != start || piece->end != end) return OVERLAPS;
    return memcmp(piece->bytes, bytes.p, bytes.n) == 0 ? REPEATED : OVERLAPS;
}

/* One last fragment there is, and nothing lies beyond its end. */
static bool contradicts(const struct wst_datagram *d, uint32_t end, bool more)
{
    if (d->total != 0) return end > d->total || (!more && end != d->total);
    if (more) return false;
    for (const struct piece *piece = d->pieces; piece; piece = piece->next)
        if (piece->end > end) return true;
    return false;
}

/* Hands the bytes over to a buffer that lives until the next walk. */
static enum wst_net_result finish(struct wst_walk *w, struct wst_datagram *d)
{
    struct wst_fragments *f = &w->net->fragments;
    struct wst_whole *whole = malloc(sizeof *whole + d->total);
    f->refused += !whole;
    if (!whole) {
        forget(f, d);
        return WST_NET_HELD;
    }
    for (const struct piece *piece = d->pieces; piece; piece = piece->next)
        memcpy(whole->bytes + piece->start, piece->bytes, piece->end - piece->start);
    whole->n = d->total;
    whole->next = f->whole;
    f->whole = whole;
    f->memory += sizeof *whole + whole->n;

    uint8_t protocol = d->protocol;
    free_pieces(f, d);
    row_remove(&f->waiting, d);
    d->finished = true;
    d->since = w->now;
    row_append(&f->finished, d);
    if (f->finished.n > WST_FRAGMENT_DATAGRAMS) forget(f, row_oldest(&f->finished));

    w->at = wst_slice_of(whole->bytes, whole->n);
    w->len = whole->n;
    w->quirks |= WST_NET_JOINED;
    return wst_net_transport(w, protocol);
}

/* -- the door -- */

static struct key key_of(const struct wst_walk *w, const struct wst_fragment *fragment)
{
    struct key key = {.domain = w->out->domain, .id = fragment->id, .family = w->out->family};
    size_t size = key.family == 4 ? 4 : 16;
    memcpy(key.src, w->out->src, size);
    memcpy(key.dst, w->out->dst, size);
    if (key.family == 4) key.protocol = fragment->protocol;
    return key;
}

/* A fragment cut by the snap length never completes anything, so nothing of it is held. One without
 * a length (RFC 2675 section 3 forbids it) might hold padding. */
static bool is_sound(const struct wst_walk *w, const struct wst_fragment *fragment)
{
    if (wst_walk_is_cut(w) || (w->quirks & WST_NET_GUESSED) || w->at.n == 0) return false;
    if (fragment->more && w->at.n % UNIT != 0) return false;
    return fragment->start + w->at.n <= DATAGRAM_MAX;
}

/* Takes the bytes in. False: the datagram is beyond repair. */
static bool take(struct wst_fragments *f, struct wst_datagram *d, struct wst_slice bytes,
                 const struct wst_fragment *fragment)
{
    uint32_t end = fragment->start + (uint32_t)bytes.n;
    if (contradicts(d, end, fragment->more)) return false;
    if (d->key.family == 6) {
        enum overlap overlap = compare(d, bytes, fragment->start);
        if (overlap != APART) return overlap == REPEATED;
    }
    if (!fill(f, d, bytes, fragment->start)) return false;
    if (!fragment->more) d->total = end;
    if (fragment->start == 0) d->protocol = fragment->protocol;
    return true;
}

enum wst_net_result wst_net_fragment(struct wst_walk *w, const struct wst_fragment *fragment)
{
    struct wst_fragments *f = &w->net->fragments;
    if (!is_sound(w, fragment)) return WST_NET_SHORT;
    sweep(f, &f->waiting, w->now);
    sweep(f, &f->finished, w->now);

    struct key key = key_of(w, fragment);
    struct wst_datagram *d = find(f, &key, w->now);
    if (!d) d = add(f, &key, w->now);
    if (!d || d->finished || d->dropped) return WST_NET_HELD;
    if (!take(f, d, w->at, fragment)) {
        drop(f, d);
        return WST_NET_SHORT;
    }
    if (d->total != 0 && d->received == d->total) return finish(w, d);
    evict(f);
    return WST_NET_HELD;
}

void wst_fragments_init(struct wst_fragments *fragments, const struct wst_options *options)
{
    TAILQ_INIT(&fragments->waiting.row);
    TAILQ_INIT(&fragments->finished.row);
    fragments->max_memory = options->limits.fragment_bytes;
    fragments->max_ns = options->limits.fragment_ns;
    fragments->seed = wst_net_mix(options->hash_seed[0]) ^ options->hash_seed[1];
}

void wst_fragments_release(struct wst_fragments *fragments, const struct wst_whole *until)
{
    while (fragments->whole && fragments->whole != until) {
        struct wst_whole *whole = fragments->whole;
        fragments->whole = whole->next;
        fragments->memory -= sizeof *whole + whole->n;
        free(whole);
    }
}

void wst_fragments_clear(struct wst_fragments *fragments)
{
    wst_fragments_release(fragments, NULL);
    while (fragments->waiting.n) forget(fragments, row_oldest(&fragments->waiting));
    while (fragments->finished.n) forget(fragments, row_oldest(&fragments->finished));
}
