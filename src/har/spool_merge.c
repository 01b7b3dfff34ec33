/* SPDX-License-Identifier: MIT
 *
 * In: runs in a file, and what is in memory. Out: strands in order of their keys.
 * Refuses to go on when the file does not give back what was written.
 *
 * The bytes of one strand lie in several runs; the earlier run has the earlier ones, and memory the
 * last.
 */
#include <stdlib.h>
#include <string.h>

#include "spool_run.h"

struct source {
    struct wst_spool_key key; /* of the strand that is next */
    uint64_t left;            /* its bytes in this run that were not given out */
    size_t number;            /* of the run; memory has the highest */
    uint64_t at, end;         /* what of the run was not read yet */
    uint8_t *buffer;
    size_t from, to; /* in the buffer */
    size_t head;     /* memory: which of the heads */
};

struct merge {
    const struct wst_spool *spool;
    const struct wst_spool_sink *sink;
    struct source *sources, **heap;
    size_t n; /* of the heap */
    uint8_t *buffers;
    size_t buffer; /* bytes of each */
    bool failed, enough;
};

/* -- one source -------------------------------------------------------------------------------- */

static bool is_memory(const struct merge *m, const struct source *s)
{
    return s->number == m->spool->runs_n;
}

/* False: the run is over, or cannot be read. */
static bool fill(struct merge *m, struct source *s)
{
    uint64_t left = s->end - s->at;
    size_t keep = s->to - s->from;
    size_t n = left < m->buffer - keep ? (size_t)left : m->buffer - keep;
    if (keep) memmove(s->buffer, s->buffer + s->from, keep);
    s->from = 0;
    s->to = keep;
    while (n > 0) {
        int64_t got = m->spool->file->read(m->spool->file->user, s->at, s->buffer + s->to, n);
        if (got <= 0 || (uint64_t)got > n) {
            m->failed = true;
            return false;
        }
        s->at += (uint64_t)got;
        s->to += (size_t)got;
        n -= (size_t)got;
    }
    return s->to > 0;
}

static bool next_in_memory(const struct merge *m, struct source *s)
{
    const struct wst_spool *spool = m->spool;
    if (s->head == spool->heads_n) return false;
    const struct wst_spool_head *h =
        (const void *)(spool->memory + wst_spool_heads(spool)[s->head]);
    s->key = h->key;
    return true;
}

static bool next_in_run(struct merge *m, struct source *s)
{
    struct wst_spool_record record;
    if (s->to - s->from < sizeof record && !fill(m, s)) return false;
    if (s->to - s->from < sizeof record) {
        m->failed = true;
        return false;
    }
    memcpy(&record, s->buffer + s->from, sizeof record);
    s->from += sizeof record;
    s->key = record.key;
    s->left = record.n;
    return true;
}

/* Its next strand, if there is one. */
static bool next(struct merge *m, struct source *s)
{
    return is_memory(m, s) ? next_in_memory(m, s) : next_in_run(m, s);
}

static bool give(struct merge *m, const struct wst_spool_key *key, const uint8_t *p, size_t n)
{
    if (!m->enough && n > 0)
        m->enough = !m->sink->bytes(m->sink->user, key, (struct wst_slice){p, n});
    return !m->enough;
}

static void give_memory(struct merge *m, struct source *s)
{
    const struct wst_spool *spool = m->spool;
    const struct wst_spool_head *h =
        (const void *)(spool->memory + wst_spool_heads(spool)[s->head++]);
    for (uint32_t at = h->first; at;) {
        const struct wst_spool_piece *p = (const void *)(spool->memory + at);
        if (!give(m, &h->key, p->bytes, p->n)) return;
        at = p->next;
    }
}

static void give_run(struct merge *m, struct source *s)
{
    while (s->left > 0) {
        if (s->from == s->to && !fill(m, s)) {
            m->failed = true;
            return;
        }
        size_t n = s->to - s->from;
        if (n > s->left) n = (size_t)s->left;
        if (!give(m, &s->key, s->buffer + s->from, n)) return;
        s->from += n;
        s->left -= n;
    }
}

/* -- all of them ------------------------------------------------------------------------------- */

static bool before(const struct source *a, const struct source *b)
{
    int order = wst_spool_compare(&a->key, &b->key);
    return order ? order < 0 : a->number < b->number;
}

static void sink_down(struct merge *m, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < m->n; at = child) {
        if (child + 1 < m->n && before(m->heap[child + 1], m->heap[child])) child++;
        if (!before(m->heap[child], m->heap[at])) return;
        struct source *swap = m->heap[at];
        m->heap[at] = m->heap[child];
        m->heap[child] = swap;
    }
}

static void run(struct merge *m)
{
    for (size_t i = m->n / 2; i-- > 0;) sink_down(m, i);
    while (m->n > 0 && !m->failed && !m->enough) {
        struct source *first = m->heap[0];
        if (is_memory(m, first))
            give_memory(m, first);
        else
            give_run(m, first);
        if (m->failed || m->enough) return;
        if (!next(m, first)) m->heap[0] = m->heap[--m->n];
        sink_down(m, 0);
    }
}

static bool get_buffers(struct merge *m)
{
    size_t runs = m->spool->runs_n;
    m->buffer = runs ? WST_SPOOL_BUFFERS / runs : 0;
    if (m->buffer > WST_SPOOL_BUFFER_MOST) m->buffer = WST_SPOOL_BUFFER_MOST;
    if (m->buffer < WST_SPOOL_BUFFER_LEAST) m->buffer = WST_SPOOL_BUFFER_LEAST;
    while (runs && !(m->buffers = malloc(runs * m->buffer))) {
        if (m->buffer == WST_SPOOL_BUFFER_LEAST) return false;
        m->buffer = m->buffer / 2 < WST_SPOOL_BUFFER_LEAST ? WST_SPOOL_BUFFER_LEAST : m->buffer / 2;
    }
    return true;
}

static bool begin(struct merge *m)
{
    const struct wst_spool *spool = m->spool;
    size_t n = spool->runs_n + 1;
    m->sources = calloc(n, sizeof *m->sources);
    m->heap = calloc(n, sizeof *m->heap);
    if (!m->sources || !m->heap || !get_buffers(m)) return false;
    for (size_t i = 0; i < n; i++) {
        struct source *s = &m->sources[i];
        s->number = i;
        if (i < spool->runs_n) {
            s->buffer = m->buffers + i * m->buffer;
            s->at = spool->runs[i].at;
            s->end = s->at + spool->runs[i].n;
        }
        if (next(m, s)) m->heap[m->n++] = s;
    }
    return !m->failed;
}

bool wst_spool_merge(struct wst_spool *spool, const struct wst_spool_sink *sink)
{
    struct merge m = {.spool = spool, .sink = sink};
    wst_spool_sort(spool);
    m.failed = !begin(&m);
    if (!m.failed) run(&m);
    free(m.sources);
    free(m.heap);
    free(m.buffers);
    return !m.failed;
}
