/* SPDX-License-Identifier: MIT
 *
 * In: what the readers of single sources find. Out: the caller's sink. Here packets get their
 * numbers, which go on from source to source, and here they are filtered, counted and stopped.
 *
 * A sink that takes packets by the row is told them when the row is full, when something else is to
 * be told, and before the bytes they lie in go away.
 */
#ifndef WST_CAPTURE_FEED_H
#define WST_CAPTURE_FEED_H

#include "filter.h"
#include "source.h"

#include <stdatomic.h>

struct wst_feed {
    const struct wst_capture_sink *sink;
    const atomic_bool *stop;        /* wst_capture_stop was called */
    bool refused;                   /* the sink wants no more */
    uint64_t number;                /* of the packet read last */
    int troubles;                   /* told */
    const char *source;             /* being read now */
    struct wst_filter *filters[2];  /* all that are there must match; none behind a NULL */
    struct wst_packet *place, *end; /* in the row: where the next packet belongs; when it is full */
    struct wst_packet row[WST_CAPTURE_ROW];
};

void wst_feed_begin(struct wst_feed *feed, const struct wst_capture_sink *sink,
                    const atomic_bool *stop, const char *source);

/* Nothing more is to be read, of any source. */
static inline bool wst_feed_over(const struct wst_feed *feed)
{
    return feed->refused || atomic_load_explicit(feed->stop, memory_order_relaxed);
}

bool wst_feed_passes(struct wst_feed *feed, const struct wst_packet *packet);

/* Numbers the packet. Whether it passes the filters. Inline as wst_feed_push is: a capture has
 * millions of packets, and the whole tool spends some 100 ns on each. */
static inline bool wst_feed_admit(struct wst_feed *feed, struct wst_packet *packet)
{
    packet->when.pkt = ++feed->number;
    return !feed->filters[0] || wst_feed_passes(feed, packet);
}
/* Tells the sink of the packets in the row. */
void wst_feed_flush(struct wst_feed *feed);
/* A packet that was admitted; best written where feed->place is, behind which nothing else may have
 * been done with the feed. False: nothing more is to be read. */
static inline bool wst_feed_push(struct wst_feed *feed, const struct wst_packet *packet)
{
    if (packet != feed->place) *feed->place = *packet;
    if (++feed->place != feed->end) return true;
    wst_feed_flush(feed);
    return !wst_feed_over(feed);
}
/* Both: a packet about which nothing else is to be told. */
static inline bool wst_feed_take(struct wst_feed *feed, struct wst_packet *packet)
{
    if (!wst_feed_admit(feed, packet)) return !wst_feed_over(feed);
    return wst_feed_push(feed, packet);
}
/* As wst_source_want, for a source whose packets are pushed here. Fewer, too, when nothing more is
 * to be read: a pipe is not waited for then. */
static inline size_t wst_feed_want(struct wst_feed *feed, struct wst_source *source, size_t n)
{
    size_t have = source->end - source->pos;
    if (have >= n) return have;
    wst_feed_flush(feed);
    return wst_feed_over(feed) ? have : wst_source_fill(source, n);
}

void wst_feed_secrets(struct wst_feed *feed, uint32_t type, struct wst_slice secrets);
/* `pkt` 0: on the file. A packet's comment is told before the packet is pushed. */
void wst_feed_comment(struct wst_feed *feed, uint64_t pkt, struct wst_slice text);
/* Reading stopped at `byte`, after packet feed->number. */
__attribute__((format(printf, 3, 4))) void wst_feed_trouble(struct wst_feed *feed, uint64_t byte,
                                                            const char *what, ...);
/* Something wrong with the source as a whole: no packet, no byte. */
void wst_feed_trouble_nowhere(struct wst_feed *feed, const char *what);

#endif
