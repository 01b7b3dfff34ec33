/* SPDX-License-Identifier: MIT
 *
 * In: bytes of many strands. Out: runs of them in order of their keys (spool_merge.c joins these).
 * Refuses bytes when memory is full and there is no file, or none any longer.
 */
#include "spool.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "spool_run.h"

enum {
    ALIGN = 8,
    FIRST = 128,     /* bytes of a strand's first piece; each is as large as all before … */
    LARGEST = 16384, /* … but not larger: what is not used is lost until memory is empty */
    RESERVE = 8,     /* one part in so many */
    LAST = 8192,     /* bytes for what is WST_SPOOL_END */
    WRITE = 1 << 16, /* bytes of a run handed over at a time */
};

bool wst_spool_init(struct wst_spool *s, const struct wst_har_spool *file, size_t memory)
{
    if (memory < WST_SPOOL_LEAST) memory = WST_SPOOL_LEAST;
    if (memory > WST_SPOOL_MOST) memory = WST_SPOOL_MOST;
    memory = memory / ALIGN * ALIGN;
    *s = (struct wst_spool){.file = file,
                            .memory = malloc(memory), /* not touched before it is used */
                            .size = memory,
                            .used = ALIGN, /* so that no place is 0 */
                            .reserve = memory / RESERVE,
                            .round = 1};
    return s->memory != NULL;
}

void wst_spool_free(struct wst_spool *s)
{
    free(s->memory);
    free(s->runs);
}

/* -- memory ------------------------------------------------------------------------------------ */

static size_t room_left(const struct wst_spool *s, enum wst_spool_need need)
{
    size_t kept = need == WST_SPOOL_DATA ? s->reserve : need == WST_SPOOL_SENSE ? LAST : 0;
    size_t taken = s->used + s->heads_n * sizeof(uint32_t) + kept;
    return taken < s->size ? s->size - taken : 0;
}

static struct wst_spool_head *head_at(const struct wst_spool *s, uint32_t at)
{
    return (struct wst_spool_head *)(void *)(s->memory + at);
}

static struct wst_spool_piece *piece_at(const struct wst_spool *s, uint32_t at)
{
    return (struct wst_spool_piece *)(void *)(s->memory + at);
}

uint32_t *wst_spool_heads(const struct wst_spool *s)
{
    return (uint32_t *)(void *)(s->memory + s->size) - s->heads_n;
}

static size_t aligned(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* What adding n bytes takes at most: a new head, a new piece. */
static size_t needed(bool fresh, size_t n)
{
    size_t head = fresh ? sizeof(struct wst_spool_head) + sizeof(uint32_t) : 0;
    return head + sizeof(struct wst_spool_piece) + aligned(n) + ALIGN;
}

static struct wst_spool_head *new_head(struct wst_spool *s, struct wst_strand *strand,
                                       const struct wst_spool_key *key)
{
    struct wst_spool_head *h = head_at(s, (uint32_t)s->used);
    *h = (struct wst_spool_head){.key = *key};
    *strand = (struct wst_strand){(uint32_t)s->used, s->round};
    s->used += sizeof *h;
    s->heads_n++;
    *wst_spool_heads(s) = strand->at;
    return h;
}

/* A piece for `n` bytes and as many more as seem sensible. */
static struct wst_spool_piece *new_piece(struct wst_spool *s, struct wst_spool_head *h, size_t n,
                                         enum wst_spool_need need)
{
    size_t room = h->n < FIRST ? FIRST : h->n < LARGEST ? (size_t)h->n : LARGEST, left;
    struct wst_spool_piece *p = piece_at(s, (uint32_t)s->used);
    left = room_left(s, need) - sizeof *p;
    if (room < n) room = n;
    room = aligned(room);
    if (room > left) room = left / ALIGN * ALIGN;
    if (h->last)
        piece_at(s, h->last)->next = (uint32_t)s->used;
    else
        h->first = (uint32_t)s->used;
    h->last = (uint32_t)s->used;
    *p = (struct wst_spool_piece){.room = (uint32_t)room};
    s->used += sizeof *p + room;
    return p;
}

static void put(struct wst_spool *s, struct wst_spool_head *h, struct wst_slice bytes,
                enum wst_spool_need need)
{
    struct wst_spool_piece *p = h->last ? piece_at(s, h->last) : NULL;
    h->n += bytes.n;
    if (p) {
        size_t n = p->room - p->n < bytes.n ? p->room - p->n : bytes.n;
        memcpy(p->bytes + p->n, bytes.p, n);
        p->n += (uint32_t)n;
        bytes.p += n;
        bytes.n -= n;
    }
    if (bytes.n == 0) return;
    p = new_piece(s, h, bytes.n, need);
    memcpy(p->bytes, bytes.p, bytes.n);
    p->n = (uint32_t)bytes.n;
}

/* -- order ------------------------------------------------------------------------------------- */

int wst_spool_compare(const struct wst_spool_key *a, const struct wst_spool_key *b)
{
    if (a->ns != b->ns) return a->ns < b->ns ? -1 : 1;
    if (a->conn != b->conn) return a->conn < b->conn ? -1 : 1;
    return a->part < b->part ? -1 : a->part > b->part;
}

static bool heads_less(const struct wst_spool *s, uint32_t a, uint32_t b)
{
    int order = wst_spool_compare(&head_at(s, a)->key, &head_at(s, b)->key);
    return order ? order < 0 : a < b;
}

static void sift(const struct wst_spool *s, uint32_t *heap, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && heads_less(s, heap[child], heap[child + 1])) child++;
        if (!heads_less(s, heap[at], heap[child])) return;
        uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

/* In place: there may be no memory to be had. */
void wst_spool_sort(struct wst_spool *s)
{
    uint32_t *heads = wst_spool_heads(s);
    for (size_t i = s->heads_n / 2; i-- > 0;) sift(s, heads, i, s->heads_n);
    for (size_t n = s->heads_n; n-- > 1;) {
        uint32_t largest = heads[0];
        heads[0] = heads[n];
        heads[n] = largest;
        sift(s, heads, 0, n);
    }
}

/* -- a run ------------------------------------------------------------------------------------- */

struct writer {
    const struct wst_har_spool *file;
    uint64_t n;
    size_t waiting;
    bool failed;
    uint8_t buffer[WRITE];
};

static void hand_over(struct writer *w, const uint8_t *p, size_t n)
{
    if (!w->failed && n > 0) w->failed = w->file->write(w->file->user, p, n) != 0;
}

static void write_bytes(struct writer *w, const void *p, size_t n)
{
    w->n += n;
    if (n > WRITE - w->waiting) {
        hand_over(w, w->buffer, w->waiting);
        w->waiting = 0;
    }
    if (n > WRITE) {
        hand_over(w, p, n);
        return;
    }
    memcpy(w->buffer + w->waiting, p, n);
    w->waiting += n;
}

static void write_strand(const struct wst_spool *s, struct writer *w,
                         const struct wst_spool_head *h)
{
    struct wst_spool_record record = {.key = h->key, .n = h->n};
    write_bytes(w, &record, sizeof record);
    for (uint32_t at = h->first; at; at = piece_at(s, at)->next)
        write_bytes(w, piece_at(s, at)->bytes, piece_at(s, at)->n);
}

static bool more_runs(struct wst_spool *s)
{
    if (s->runs_n < s->runs_room) return true;
    void *runs = wst_array_double(s->runs, &s->runs_room, sizeof *s->runs, 16);
    if (runs) s->runs = runs;
    return runs;
}

/* What memory holds becomes a run. False: it stays, and so does all that comes. */
static bool write_out(struct wst_spool *s)
{
    struct writer *w = s->file && !s->file_failed && more_runs(s) ? malloc(sizeof *w) : NULL;
    if (w == NULL) return false;
    *w = (struct writer){.file = s->file};
    wst_spool_sort(s);
    for (size_t i = 0; i < s->heads_n && !w->failed; i++)
        write_strand(s, w, head_at(s, wst_spool_heads(s)[i]));
    hand_over(w, w->buffer, w->waiting);
    bool failed = w->failed;
    if (!failed) {
        s->runs[s->runs_n++] = (struct wst_spool_run){s->written, w->n};
        s->written += w->n;
        s->used = ALIGN;
        s->heads_n = 0;
        s->round++;
    } else { /* a piece of a run lies behind the last whole one: nothing can follow it */
        s->file_failed = true;
        if (s->file->cut)
            s->file->cut(s->file->user, s->written); /* the output may lie beside it */
    }
    free(w);
    return !failed;
}

bool wst_spool_add(struct wst_spool *s, struct wst_strand *strand, const struct wst_spool_key *key,
                   struct wst_slice bytes, enum wst_spool_need need)
{
    bool fresh = strand->round != s->round;
    if (bytes.n == 0) return true;
    if (needed(fresh, bytes.n) > room_left(s, need)) {
        bool fits = bytes.n < s->size && needed(true, bytes.n) + ALIGN <= s->size - s->reserve;
        if (!fits || !write_out(s)) {
            s->full = true;
            return false;
        }
        fresh = true;
    }
    put(s, fresh ? new_head(s, strand, key) : head_at(s, strand->at), bytes, need);
    return true;
}

bool wst_spool_ensure(struct wst_spool *s, size_t n)
{
    size_t pieces = n / WRITE + 2, all = n + pieces * needed(true, 0);
    if (n > s->size) return false;
    if (all <= room_left(s, WST_SPOOL_DATA)) return true;
    return all + ALIGN <= s->size - s->reserve && write_out(s);
}
