/* SPDX-License-Identifier: MIT
 *
 * In: records. Out: the same, in another thread.
 * Refuses to grow. One writer, one taker; neither ever holds a lock the other could want.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 8, PAGE = 4096 };

static int bell_make(int bell[2])
{
    if (pipe(bell) != 0) {
        bell[0] = bell[1] = -1;
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(bell[i], F_SETFL, O_NONBLOCK);
        (void)fcntl(bell[i], F_SETFD, FD_CLOEXEC);
    }
    return 0;
}

int wst_ring_init(struct wst_ring *r, size_t size)
{
    if (size < WST_RING_MIN) size = WST_RING_MIN;
    if (size > SIZE_MAX / 2) return -1;
    memset(r, 0, sizeof *r);
    r->size = (size + PAGE - 1) / PAGE * PAGE;
    r->parser_bell[0] = r->parser_bell[1] = r->reader_bell[0] = r->reader_bell[1] = -1;
    r->bytes = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->bytes == MAP_FAILED) r->bytes = NULL;
    if (r->bytes && bell_make(r->parser_bell) == 0 && bell_make(r->reader_bell) == 0) return 0;
    wst_ring_free(r);
    return -1;
}

void wst_ring_free(struct wst_ring *r)
{
    if (!r->size) return;
    if (r->bytes) munmap(r->bytes, r->size);
    for (int i = 0; i < 2; i++) {
        if (r->parser_bell[i] >= 0) close(r->parser_bell[i]);
        if (r->reader_bell[i] >= 0) close(r->reader_bell[i]);
    }
    r->size = 0;
}

size_t wst_ring_used(const struct wst_ring *r)
{
    uint64_t tail = atomic_load(&r->tail); /* first: so that it is not ahead of the head */
    return (size_t)(atomic_load(&r->head) - tail);
}

/* -- bells -------------------------------------------------------------------------------------
 *
 * Who finds nothing to do says so (sleeps), looks once more, and only then sleeps. Who has done
 * something looks for that word after it. Both are sequentially consistent, so one of the two
 * sees the other.
 */
static void ring_bell(int fd)
{
    while (write(fd, "", 1) < 0 && errno == EINTR) {
    } /* full: it rings already */
}

static void sleep_on(int fd, int ms)
{
    uint8_t heard[64];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, ms) > 0)
        while (read(fd, heard, sizeof heard) == (ssize_t)sizeof heard) {
        }
}

void wst_ring_wake(struct wst_ring *r)
{
    if (atomic_exchange(&r->parser_sleeps, false)) ring_bell(r->parser_bell[1]);
}

void wst_ring_wait_record(struct wst_ring *r, int ms)
{
    atomic_store(&r->parser_sleeps, true);
    if (wst_ring_used(r) == 0) sleep_on(r->parser_bell[0], ms);
    atomic_store(&r->parser_sleeps, false);
}

/* Half of it free at least, or it would be rung for every packet. */
static bool roomy(const struct wst_ring *r)
{
    return wst_ring_used(r) <= r->size / 2;
}

void wst_ring_wait_room(struct wst_ring *r, int ms)
{
    atomic_store(&r->reader_sleeps, true);
    if (!roomy(r)) sleep_on(r->reader_bell[0], ms);
    atomic_store(&r->reader_sleeps, false);
}

/* -- the reader's side ------------------------------------------------------------------------ */

static struct wst_ring_record *at(const struct wst_ring *r, uint64_t place)
{
    return (struct wst_ring_record *)(void *)(r->bytes + place % r->size);
}

/* From `head` to the end of the ring nothing is written. */
static void skip_to_front(struct wst_ring *r, uint64_t head, size_t left)
{
    if (left >= sizeof(struct wst_ring_record))
        *at(r, head) = (struct wst_ring_record){.kind = WST_RING_SKIP};
    atomic_store_explicit(&r->head, head + left, memory_order_release);
}

/* The ring is empty and the next record goes to its front: what a burst filled is given back, or
 * one slow minute would stay in memory for a month. */
static void give_back(struct wst_ring *r, size_t offset)
{
    if (offset > r->reached) r->reached = offset;
    if (r->reached <= WST_RING_KEEP || r->size <= WST_RING_KEEP) return;
    madvise(r->bytes + WST_RING_KEEP, r->size - WST_RING_KEEP, MADV_DONTNEED);
    r->reached = 0;
}

uint8_t *wst_ring_begin(struct wst_ring *r, const struct wst_ring_record *head)
{
    uint64_t place = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    size_t need = (sizeof *head + head->n + ALIGN - 1) / ALIGN * ALIGN;
    size_t offset = (size_t)(place % r->size), left = r->size - offset;
    struct wst_ring_record *record;
    bool idle = place == tail && offset > WST_RING_FRONT && offset >= need;

    if (need > r->size / 2) return NULL; /* no snap length is that long */
    if (left < need || idle) {
        if (r->size - (place - tail) < left + need) return NULL;
        if (idle)
            give_back(r, offset);
        else
            r->reached = r->size;
        skip_to_front(r, place, left);
        place += left;
    } else if (r->size - (place - tail) < need) {
        return NULL;
    }
    record = at(r, place);
    *record = *head;
    record->room = (uint32_t)need;
    return (uint8_t *)(record + 1);
}

void wst_ring_commit(struct wst_ring *r)
{
    uint64_t place = atomic_load_explicit(&r->head, memory_order_relaxed);
    atomic_store(&r->head, place + at(r, place)->room);
}

/* -- the parser's side ------------------------------------------------------------------------ */

const struct wst_ring_record *wst_ring_look(struct wst_ring *r)
{
    for (;;) {
        uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        if (tail == atomic_load(&r->head)) return NULL;
        size_t left = r->size - (size_t)(tail % r->size);
        const struct wst_ring_record *record = at(r, tail);
        if (left >= sizeof *record && record->kind != WST_RING_SKIP) return record;
        atomic_store(&r->tail, tail + left);
    }
}

void wst_ring_take(struct wst_ring *r)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    atomic_store(&r->tail, tail + at(r, tail)->room);
    if (atomic_load(&r->reader_sleeps) && roomy(r) && atomic_exchange(&r->reader_sleeps, false))
        ring_bell(r->reader_bell[1]);
}
