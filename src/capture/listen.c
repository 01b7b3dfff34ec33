/* SPDX-License-Identifier: MIT
 *
 * In: devices. Out: packets, what the kernel dropped and when, and moments of rest.
 * Refuses to lose a packet itself: while the ring is full it reads nothing, and counts on. And, of
 * several devices, to hand on a packet before an older one that another's buffer may still bring.
 */
#include "listen.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

int wst_listen_add(struct wst_listen *l, struct wst_live *live)
{
    struct wst_listen_device *devices = realloc(l->devices, (l->n + 1) * sizeof *devices);
    if (!devices) return -1;
    l->devices = devices;
    l->devices[l->n++] = (struct wst_listen_device){.live = live};
    return 0;
}

void wst_listen_free(struct wst_listen *l)
{
    wst_ring_free(&l->ring);
    free(l->devices);
}

/* -- the reading thread ------------------------------------------------------------------------ */

static int64_t clock_now(const struct wst_listen *l)
{
    return l->sink->now ? l->sink->now(l->sink->user) : 0;
}

/* What was dropped passed after the look before this one. */
static void look_at_counters(struct wst_listen *l)
{
    uint64_t received = 0, dropped = 0, more = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct wst_listen_device *d = &l->devices[i];
        uint64_t before = d->dropped;
        if (!d->gone) wst_live_count(d->live, &d->received, &d->dropped);
        more += d->dropped - before;
        received += d->received;
        dropped += d->dropped;
    }
    if (more && !l->lost) l->lost_since_ns = l->counted_ns;
    l->lost += more;
    atomic_store(&l->received, received);
    atomic_store(&l->dropped, dropped);
}

static void count(struct wst_listen *l, int64_t now)
{
    if (l->sink->now && now - l->counted_ns < WST_LISTEN_COUNT_NS && now >= l->counted_ns) return;
    look_at_counters(l);
    l->counted_ns = now;
}

/* NULL only when nobody will ever take it. While waiting it counts: the kernel may be dropping. */
static uint8_t *begin(struct wst_listen *l, const struct wst_ring_record *head)
{
    uint8_t *at;
    while (!(at = wst_ring_begin(&l->ring, head))) {
        if (atomic_load_explicit(&l->over, memory_order_relaxed)) return NULL;
        wst_ring_wake(&l->ring);
        wst_ring_wait_room(&l->ring, WST_CAPTURE_PAUSE_MS);
        count(l, clock_now(l));
    }
    return at;
}

static void tell_lost(struct wst_listen *l)
{
    struct wst_ring_record record = {
        .kind = WST_RING_DROPPED, .ns = l->lost_since_ns, .count = l->lost};
    int64_t counted_ns = l->counted_ns;
    if (!begin(l, &record)) return; /* may wait, and count more meanwhile */
    wst_ring_commit(&l->ring);
    l->lost -= record.count;
    l->lost_since_ns = counted_ns;
}

static void on_packet(void *user, const struct wst_packet *p)
{
    struct wst_listen *l = user;
    struct wst_ring_record record = {.kind = WST_RING_PACKET,
                                     .n = (uint32_t)p->data.n,
                                     .ns = p->when.ns,
                                     .wire_len = p->wire_len,
                                     .link_type = p->link_type,
                                     .device = l->now,
                                     .nanos = p->nanos};
    uint8_t *at;
    if (l->lost && p->when.ns >= l->lost_since_ns) tell_lost(l);
    if (!(at = begin(l, &record))) {
        wst_live_break(l->devices[l->now].live);
        return;
    }
    memcpy(at, p->data.p, p->data.n);
    wst_ring_commit(&l->ring);
}

static void tell(struct wst_listen *l, const char *why)
{
    struct wst_ring_record record = {
        .kind = WST_RING_TROUBLE, .n = (uint32_t)strlen(why) + 1, .device = l->now};
    uint8_t *at = begin(l, &record);
    if (!at) return;
    memcpy(at, why, record.n);
    wst_ring_commit(&l->ring);
}

/* Who listens for a month outlives the interface's being set down and up. */
static void look_whether_down(struct wst_listen *l, struct wst_listen_device *d, int read)
{
    bool down = read == 0 && wst_live_is_down(d->live);
    if (down == d->down) return;
    d->down = down;
    tell(l, down ? "the interface went down; listening goes on when it is up again"
                 : "the interface is up again");
}

/* After `now` was asked for its packets. Returns their number, 0 when it is gone. */
static int after_asking(struct wst_listen *l, int n, const char *why)
{
    struct wst_listen_device *d = &l->devices[l->now];
    if (n < 0) {
        look_at_counters(l);
        d->gone = true;
        tell(l, why);
        return 0;
    }
    look_whether_down(l, d, n);
    return n;
}

static int read_one(struct wst_listen *l)
{
    char why[WST_CAPTURE_ERROR_SIZE];
    l->now = 0;
    int n = after_asking(l, wst_live_read(l->devices[0].live, on_packet, l, why), why);
    return l->devices[0].gone ? -1 : n;
}

/* -- several devices --------------------------------------------------------------------------- */

/* All that have no packet waiting. Returns how many devices are left. */
static size_t ask_all(struct wst_listen *l, int64_t now)
{
    char why[WST_CAPTURE_ERROR_SIZE];
    size_t left = 0;
    for (l->now = 0; l->now < l->n; l->now++) {
        struct wst_listen_device *d = &l->devices[l->now];
        if (!d->gone && !d->has) {
            d->has = after_asking(l, wst_live_next(d->live, &d->head, why), why) > 0;
            d->until_ns = now - WST_LIVE_LATE_MS * 1000000ll;
        }
        left += !d->gone;
    }
    return left;
}

/* The oldest packet that waits; NULL: none. */
static struct wst_listen_device *oldest(const struct wst_listen *l)
{
    struct wst_listen_device *first = NULL;
    for (size_t i = 0; i < l->n; i++) {
        struct wst_listen_device *d = &l->devices[i];
        if (d->has && (!first || d->head.when.ns < first->head.when.ns)) first = d;
    }
    return first;
}

/* Whether an older one may come. A clock that is ahead of ours, as some devices have, says nothing
 * about that: nothing waits for it. */
static bool may_come(const struct wst_listen *l, int64_t ns, int64_t now)
{
    for (size_t i = 0; i < l->n && ns <= now; i++) {
        const struct wst_listen_device *d = &l->devices[i];
        if (!d->gone && !d->has && d->until_ns < ns) return true;
    }
    return false;
}

/* One turn of all devices, the oldest packet first. Returns packets handed on, or -1 when no device
 * is left. */
static int read_several(struct wst_listen *l)
{
    struct wst_listen_device *d;
    int64_t now = clock_now(l);
    int n = 0;
    if (!ask_all(l, now)) return -1;
    while (n < WST_LIVE_TURN && (d = oldest(l))) {
        char why[WST_CAPTURE_ERROR_SIZE];
        if (d->head.when.ns > now) now = clock_now(l); /* a full ring makes a turn long */
        if (may_come(l, d->head.when.ns, now)) break;
        l->now = (uint32_t)(d - l->devices);
        on_packet(l, &d->head);
        n++;
        if (d->until_ns < d->head.when.ns) d->until_ns = d->head.when.ns;
        d->has = after_asking(l, wst_live_next(d->live, &d->head, why), why) > 0;
        if (atomic_load_explicit(&l->over, memory_order_relaxed)) break;
    }
    return n;
}

/* Everything that passed before is in the ring, if all was `asked` then. */
static int64_t read_until(const struct wst_listen *l, int64_t asked)
{
    const struct wst_listen_device *d = oldest(l);
    return d && d->head.when.ns <= asked ? d->head.when.ns - 1 : asked;
}

static void wait_for_packets(struct wst_listen *l, struct pollfd *fds)
{
    nfds_t n = 0;
    int ms = oldest(l) ? WST_LIVE_BLOCK_MS : WST_CAPTURE_PAUSE_MS;
    for (size_t i = 0; i < l->n; i++) {
        if (l->devices[i].gone || l->devices[i].has) continue;
        fds[n] = (struct pollfd){.fd = wst_live_fd(l->devices[i].live), .events = POLLIN};
        if (fds[n].fd < 0) ms = WST_LIVE_BLOCK_MS;
        n++;
    }
    (void)poll(fds, n, ms);
}

static void read_until_over(struct wst_listen *l, struct pollfd *fds)
{
    while (!atomic_load_explicit(&l->over, memory_order_relaxed)) {
        int64_t asked = clock_now(l);
        int n = l->n > 1 ? read_several(l) : read_one(l);
        if (n < 0) break;
        count(l, asked);
        if (n == 0 && l->lost) tell_lost(l);
        if (n == 0) atomic_store(&l->read_until_ns, read_until(l, asked));
        wst_ring_wake(&l->ring);
        if (n == 0) wait_for_packets(l, fds);
    }
    if (l->lost) tell_lost(l);
}

static void *reading_thread(void *user)
{
    struct wst_listen *l = user;
    struct pollfd *fds = calloc(l->n, sizeof *fds);
    if (fds) read_until_over(l, fds);
    free(fds);
    atomic_store(&l->ended, true);
    wst_ring_wake(&l->ring);
    return NULL;
}

/* Signals are for the caller's thread: they end its waiting. */
static int start(struct wst_listen *l, pthread_t *thread)
{
    sigset_t all, before;
    int rc;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(thread, NULL, reading_thread, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

/* -- the caller's thread ----------------------------------------------------------------------- */

static void push_packet(struct wst_listen *l, struct wst_feed *feed,
                        const struct wst_ring_record *r)
{
    struct wst_packet packet = {.data = {(const uint8_t *)(r + 1), r->n},
                                .wire_len = r->wire_len,
                                .link_type = r->link_type,
                                .when.ns = r->ns,
                                .nanos = r->nanos,
                                .device = r->device};
    l->captured++;
    wst_feed_take(feed, &packet);
    wst_feed_flush(feed); /* nobody knows when the next one comes */
}

static void push(struct wst_listen *l, struct wst_feed *feed, const struct wst_ring_record *r)
{
    switch ((enum wst_ring_kind)r->kind) {
    case WST_RING_PACKET: push_packet(l, feed, r); break;
    case WST_RING_DROPPED:
        if (feed->sink->dropped) feed->sink->dropped(feed->sink->user, r->count, r->ns);
        break;
    case WST_RING_TROUBLE:
        feed->source = wst_live_name(l->devices[r->device].live);
        wst_feed_trouble_nowhere(feed, (const char *)(r + 1));
        break;
    case WST_RING_SKIP: break;
    }
}

/* The time is asked for before looking: what passed until then is in the ring, if it is not empty.
 */
static void take_all(struct wst_listen *l, struct wst_feed *feed)
{
    while (!wst_feed_over(feed)) {
        bool ended = atomic_load(&l->ended);
        int64_t until = atomic_load(&l->read_until_ns);
        const struct wst_ring_record *record = wst_ring_look(&l->ring);
        if (record) {
            push(l, feed, record);
            wst_ring_take(&l->ring);
            continue;
        }
        if (feed->sink->pause) feed->sink->pause(feed->sink->user, until);
        if (ended) return;
        wst_ring_wait_record(&l->ring, WST_CAPTURE_PAUSE_MS);
    }
}

/* What the kernel dropped until the very end, and nobody had looked at. */
static void last_look(struct wst_listen *l, struct wst_feed *feed)
{
    const struct wst_ring_record *record;
    while ((record = wst_ring_look(&l->ring))) {
        if (record->kind == WST_RING_DROPPED) l->lost += record->count;
        wst_ring_take(&l->ring);
    }
    look_at_counters(l);
    if (l->lost && feed->sink->dropped)
        feed->sink->dropped(feed->sink->user, l->lost, l->lost_since_ns);
    l->lost = 0;
}

void wst_listen_run(struct wst_listen *l, struct wst_feed *feed)
{
    pthread_t thread;
    if (l->done) return;
    l->done = true;
    l->sink = feed->sink;
    l->counted_ns = clock_now(l);
    if (wst_ring_init(&l->ring, l->queue) != 0 || start(l, &thread) != 0) {
        wst_feed_trouble_nowhere(feed, "cannot listen: out of memory, descriptors or threads");
        return;
    }
    l->running = true;
    take_all(l, feed);
    atomic_store(&l->over, true);
    pthread_join(thread, NULL);
    l->running = false;
    last_look(l, feed);
}

void wst_listen_counters(struct wst_listen *l, uint64_t *captured, uint64_t *received,
                         uint64_t *dropped)
{
    if (l->n && !l->running && !l->done) look_at_counters(l);
    *captured = l->captured;
    *received = atomic_load(&l->received);
    *dropped = atomic_load(&l->dropped);
}

void wst_listen_queue(const struct wst_listen *l, size_t *used, size_t *size)
{
    *size = l->running ? l->ring.size : 0;
    *used = l->running ? wst_ring_used(&l->ring) : 0;
}
