/* SPDX-License-Identifier: MIT
 *
 * In: a segment's addresses. Out: the record of its conversation, found or made.
 * Refuses nothing: when memory is short the least valuable record makes room (expire.c).
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "seldom.h"
#include "siphash.h"
#include "slice.h"

enum { SLOTS_FIRST = 8192 }; /* 64 KiB: for most captures of everything they need not grow */

struct wst_flow_table *wst_flow_table_new(const struct wst_limits *limits, const uint64_t seed[2],
                                          struct wst_budget *budget, struct wst_area *area,
                                          const struct wst_flow_sink *sink)
{
    struct wst_flow_table *t = aligned_alloc(64, sizeof *t);
    if (!t) return NULL;
    memset(t, 0, sizeof *t);
    t->limits = limits;
    t->budget = budget;
    t->area = area;
    t->sink = *sink;
    TAILQ_INIT(&t->holes);
    memcpy(t->seed, seed, sizeof t->seed);
    t->slots = calloc(SLOTS_FIRST, sizeof *t->slots);
    t->slots_mask = SLOTS_FIRST - 1;
    t->free_first = t->embryo_oldest = t->embryo_newest = FLOW_NONE;
    t->closed_oldest = t->closed_newest = FLOW_NONE;
    t->time.now = t->dropped_ns = INT64_MIN;
    /* Ends that cannot be, for the first is the smaller: zeroed they would be those of
     * 0.0.0.0:0, or [::]:0, with itself, which lie here, without their hash. */
    t->recent[0].ends[0] = t->recent6[0].words[0] = UINT64_MAX;
    if (!wst_overlap_init(&t->overlap, limits->overlap_bytes) || !t->slots) {
        wst_flow_table_free(t);
        return NULL;
    }
    return t;
}

void wst_flow_table_free(struct wst_flow_table *t)
{
    if (!t) return;
    for (uint32_t i = 0; i < t->chunks_n; i++)
        for (unsigned k = 0; k < FLOW_CHUNK; k++)
            if (t->chunks[i][k].state != WST_FLOW_FREE) wst_flow_ignore(t, &t->chunks[i][k]);
    if (t->slots) wst_budget_give(t->budget, (t->slots_mask + 1 - SLOTS_FIRST) * sizeof *t->slots);
    if (t->chunks_n) wst_budget_give(t->budget, t->chunks_n * sizeof(struct wst_flow) * FLOW_CHUNK);
    free(t->chunks);
    free(t->slots);
    wst_overlap_free(&t->overlap);
    wst_stall_free(t);
    wst_successor_free(t);
    free(t);
}

const struct wst_flow *wst_flow_last(const struct wst_flow_table *t)
{
    return t->last;
}
uint32_t wst_flow_streams(const struct wst_flow_table *t)
{
    return t->streams + t->renewed;
}
uint64_t wst_flow_evicted(const struct wst_flow_table *t)
{
    return t->evicted;
}

uint64_t wst_flow_outnumbered(const struct wst_flow_table *t)
{
    return t->outnumbered;
}

/* Another conversation takes the place. */
WST_APART struct wst_flow_place *wst_flow_recent_replace(const struct wst_flow_table *t,
                                                         struct wst_flow_recent *r, uint64_t e0,
                                                         uint64_t e1)
{
    *r = (struct wst_flow_recent){.ends = {e0, e1}};
    r->place.hash = wst_siphash13(t->seed, r->ends, 2);
    return &r->place;
}

/* The smaller address (then port) is side 0. */
static unsigned table_side6(const struct wst_segment *s)
{
    int c = memcmp(s->src, s->dst, 16);
    return c ? c > 0 : s->src_port > s->dst_port;
}

WST_APART struct wst_flow_place *wst_flow_recall6(struct wst_flow_table *t,
                                                  const struct wst_segment *s, unsigned *side)
{
    uint64_t w[FLOW_WORDS6];
    unsigned swap = *side = table_side6(s);
    memcpy(w, swap ? s->dst : s->src, 16);
    memcpy(w + 2, swap ? s->src : s->dst, 16);
    uint32_t ports = swap ? (uint32_t)s->dst_port << 16 | s->src_port
                          : (uint32_t)s->src_port << 16 | s->dst_port;
    w[4] = (uint64_t)ports << 32 | s->domain;
    uint64_t place =
        ((w[1] ^ w[3]) * 0x9e3779b97f4a7c15u ^ w[4] ^ w[0] ^ w[2]) * 0xd6e8feb86659fd93u;
    struct wst_flow_recent6 *r = &t->recent6[place >> (64 - RECENT_BITS)];
    if (memcmp(r->words, w, sizeof w) != 0) {
        memcpy(r->words, w, sizeof w);
        r->place = (struct wst_flow_place){wst_siphash13(t->seed, w, FLOW_WORDS6), NULL};
    }
    return &r->place;
}

WST_APART static struct wst_flow *table_probe(const struct wst_flow_table *t, uint64_t hash)
{
    uint32_t low = (uint32_t)hash;
    for (uint32_t i = low & t->slots_mask;; i = (i + 1) & t->slots_mask) {
        const struct wst_flow_slot *slot = &t->slots[i];
        if (!slot->index) return NULL;
        if (slot->hash != low) continue;
        struct wst_flow *f = wst_flow_at(t, slot->index - 1);
        if (f->hash == hash) return f;
    }
}

struct wst_flow *wst_flow_find(struct wst_flow_table *t, const struct wst_segment *s,
                               unsigned *side, uint64_t *hash)
{
    struct wst_flow_place *p = wst_flow_recall(t, s, side);
    *hash = p->hash;
    if (p->flow && p->flow->hash == p->hash && p->flow->state != WST_FLOW_FREE) return p->flow;
    return p->flow = table_probe(t, p->hash);
}

static void table_insert(struct wst_flow_table *t, uint32_t hash, uint32_t index)
{
    uint32_t i = hash & t->slots_mask;
    while (t->slots[i].index) i = (i + 1) & t->slots_mask;
    t->slots[i] = (struct wst_flow_slot){hash, index + 1};
}

/* Up to 13 of 16 are in use: what is there is found in three steps on average then, what is not
 * known in fifteen, which lie in three cache lines. Slots cost at most 20 bytes a flow. */
static bool table_grow(struct wst_flow_table *t)
{
    if (t->used < (t->slots_mask + 1) / 16 * 13) return true;
    uint32_t old_n = t->slots_mask + 1;
    if (old_n > UINT32_MAX / 4) return false;
    struct wst_flow_slot *old = t->slots;
    struct wst_flow_slot *slots = calloc((size_t)old_n * 2, sizeof *slots);
    if (!slots) {
        wst_budget_refused(t->budget, 0);
        return false;
    }
    t->slots = slots;
    t->slots_mask = old_n * 2 - 1;
    for (uint32_t i = 0; i < old_n; i++)
        if (old[i].index) table_insert(t, old[i].hash, old[i].index - 1);
    free(old);
    t->budget->used +=
        (size_t)old_n * sizeof *slots; /* counted, never refused: it halves what follows */
    return true;
}

/* Removal from a linear-probing table: later entries of the run move up into the hole. */
static void table_delete(struct wst_flow_table *t, uint32_t hash, uint32_t index)
{
    uint32_t i = hash & t->slots_mask;
    while (t->slots[i].index != index + 1) i = (i + 1) & t->slots_mask;
    for (uint32_t k = (i + 1) & t->slots_mask; t->slots[k].index; k = (k + 1) & t->slots_mask) {
        uint32_t home = t->slots[k].hash & t->slots_mask;
        if (((k - home) & t->slots_mask) < ((k - i) & t->slots_mask)) continue;
        t->slots[i] = t->slots[k];
        i = k;
    }
    t->slots[i] = (struct wst_flow_slot){0, 0};
}

uint32_t wst_flow_index(const struct wst_flow_table *t, const struct wst_flow *f)
{
    /* The slot knows the index; the record need not. */
    uint32_t i = (uint32_t)f->hash & t->slots_mask;
    while (!t->slots[i].index || wst_flow_at(t, t->slots[i].index - 1) != f)
        i = (i + 1) & t->slots_mask;
    return t->slots[i].index - 1;
}

WST_APART void wst_flow_move(struct wst_flow_table *t, struct wst_flow *f, uint64_t hash,
                             const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    struct wst_flow *there = table_probe(t, hash);
    if (there) {
        wst_flow_close(t, there, WST_TCP_TIMEOUT, &a);
        wst_flow_remove(t, there);
    }
    uint32_t index = wst_flow_index(t, f);
    table_delete(t, (uint32_t)f->hash, index);
    if (f->succeeding) wst_successor_moved(t, f, hash);
    f->hash = hash;
    table_insert(t, (uint32_t)hash, index);
}

static bool table_more_records(struct wst_flow_table *t)
{
    if (t->chunks_n == t->chunks_room) {
        uint32_t room = t->chunks_room ? t->chunks_room * 2 : 16;
        struct wst_flow **chunks = realloc(t->chunks, room * sizeof *chunks);
        if (!chunks) {
            wst_budget_refused(t->budget, 0);
            return false;
        }
        t->chunks = chunks;
        t->chunks_room = room;
    }
    /* Records are never given back; half of the budget stays for what they carry and what waits. */
    size_t bytes = sizeof(struct wst_flow) * FLOW_CHUNK;
    if (t->chunks_n && (t->chunks_n + 1) * bytes > t->budget->max / 2) return false;
    if (!wst_budget_take(t->budget, bytes)) return false;
    struct wst_flow *chunk = wst_area_take(t->area, bytes);
    if (!chunk) {
        wst_budget_refused(t->budget, bytes);
        return false;
    }
    memset(chunk, 0, bytes);
    uint32_t base = t->chunks_n * FLOW_CHUNK;
    t->chunks[t->chunks_n++] = chunk;
    for (uint32_t i = 0; i < FLOW_CHUNK; i++)
        chunk[i].newer = i + 1 < FLOW_CHUNK ? base + i + 1 : t->free_first;
    t->free_first = base;
    return true;
}

static void embryo_link(struct wst_flow_table *t, uint32_t index)
{
    struct wst_flow *f = wst_flow_at(t, index);
    f->older = t->embryo_newest;
    f->newer = FLOW_NONE;
    if (t->embryo_newest != FLOW_NONE)
        wst_flow_at(t, t->embryo_newest)->newer = index;
    else
        t->embryo_oldest = index;
    t->embryo_newest = index;
    t->embryos++;
}

static void embryo_unlink(struct wst_flow_table *t, struct wst_flow *f)
{
    if (f->older != FLOW_NONE)
        wst_flow_at(t, f->older)->newer = f->newer;
    else
        t->embryo_oldest = f->newer;
    if (f->newer != FLOW_NONE)
        wst_flow_at(t, f->newer)->older = f->older;
    else
        t->embryo_newest = f->older;
    t->embryos--;
}

/* Payload was seen: no longer what a flood of SYNs leaves behind. */
void wst_flow_grown_up(struct wst_flow_table *t, struct wst_flow *f)
{
    embryo_unlink(t, f);
    f->state = WST_FLOW_OPEN;
}

static void closed_unlink(struct wst_flow_table *t, struct wst_flow *f)
{
    if (!f->lined_up) return;
    f->lined_up = false;
    if (f->older != FLOW_NONE)
        wst_flow_at(t, f->older)->newer = f->newer;
    else
        t->closed_oldest = f->newer;
    if (f->newer != FLOW_NONE)
        wst_flow_at(t, f->newer)->older = f->older;
    else
        t->closed_newest = f->older;
    t->closed--;
}

/* It ended, and was nothing special. Its record absorbs the last acknowledgments: the first to go
 * when there are many of its kind. */
void wst_flow_line_up(struct wst_flow_table *t, struct wst_flow *f)
{
    uint32_t index = wst_flow_index(t, f);
    f->older = t->closed_newest;
    f->newer = FLOW_NONE;
    f->lined_up = true;
    if (t->closed_newest != FLOW_NONE)
        wst_flow_at(t, t->closed_newest)->newer = index;
    else
        t->closed_oldest = index;
    t->closed_newest = index;
    t->closed++;
}

/* A record for a conversation not seen before. NULL: no memory, and nothing could make room. */
WST_APART struct wst_flow *wst_flow_create(struct wst_flow_table *t, const struct wst_segment *s,
                                           unsigned side, uint64_t hash,
                                           const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    if (t->embryos && t->embryos >= t->limits->max_embryonic)
        wst_flow_evict(t, wst_flow_at(t, t->embryo_oldest), &t->outnumbered, &a);
    while (t->closed > t->limits->max_closed) wst_flow_remove(t, wst_flow_at(t, t->closed_oldest));
    if (!table_grow(t)) return NULL;
    if (t->free_first == FLOW_NONE && !table_more_records(t)) {
        wst_flow_free_record(t, &a);
        if (t->free_first == FLOW_NONE) return NULL;
    }
    uint32_t index = t->free_first;
    struct wst_flow *f = wst_flow_at(t, index);
    t->free_first = f->newer;
    *f = (struct wst_flow){.hash = hash, .family = s->family};
    size_t n = s->family == 4 ? 4 : 16;
    memcpy(f->addr[side], s->src, n);
    memcpy(f->addr[!side], s->dst, n);
    f->port[side] = s->src_port;
    f->port[!side] = s->dst_port;
    f->state = WST_FLOW_EMBRYONIC;
    f->stream = t->streams++;
    table_insert(t, (uint32_t)hash, index);
    t->used++;
    embryo_link(t, index);
    return f;
}

/* The same addresses and ports, a new connection: a fresh record in the same place. */
void wst_flow_renew_as(struct wst_flow_table *t, struct wst_flow *f, uint32_t stream)
{
    closed_unlink(t, f);
    struct wst_flow fresh = {.hash = f->hash, .family = f->family};
    memcpy(fresh.addr, f->addr, sizeof fresh.addr);
    memcpy(fresh.port, f->port, sizeof fresh.port);
    fresh.stream = stream;
    fresh.state = WST_FLOW_EMBRYONIC;
    *f = fresh;
    embryo_link(t, wst_flow_index(t, f));
}

void wst_flow_renew(struct wst_flow_table *t, struct wst_flow *f, bool numbered)
{
    t->renewed += !numbered;
    wst_flow_renew_as(t, f, numbered ? t->streams++ : f->stream);
}

/* After wst_flow_close. */
void wst_flow_remove(struct wst_flow_table *t, struct wst_flow *f)
{
    uint32_t index = wst_flow_index(t, f);
    closed_unlink(t, f);
    table_delete(t, (uint32_t)f->hash, index);
    t->used--;
    f->state = WST_FLOW_FREE;
    f->newer = t->free_first;
    t->free_first = index;
}
