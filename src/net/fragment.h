/* SPDX-License-Identifier: MIT
 *
 * IP fragments that wait for the others, private to this room.
 */
#ifndef WST_NET_FRAGMENT_H
#define WST_NET_FRAGMENT_H

#include <sys/queue.h>

#include "net.h"

struct wst_walk;
struct wst_datagram; /* one IP packet in the making */
struct wst_whole;    /* the bytes of one that is complete */

enum {
    /* Far more than wait at a time on a sound network. It also bounds a lookup should all their
     * keys collide. */
    WST_FRAGMENT_DATAGRAMS = 1024,
    WST_FRAGMENT_BUCKETS = 1024,
    /* 64 KiB in pieces of 256 bytes; at the MTU of 576, the smallest met in earnest, it is 119. */
    WST_FRAGMENT_PIECES = 256,
};

/* Datagrams in the order of their `since`, oldest first. */
struct wst_fragment_row {
    TAILQ_HEAD(, wst_datagram) row;
    size_t n;
};

struct wst_fragments {
    struct wst_datagram *buckets[WST_FRAGMENT_BUCKETS];
    struct wst_fragment_row waiting;
    struct wst_fragment_row finished; /* remembered for a moment, to swallow repetitions */
    struct wst_whole *whole;          /* handed out in this walk */
    size_t memory;                    /* bytes of all of them */
    uint64_t refused;                 /* times the system refused more */
    size_t max_memory;
    int64_t max_ns;
    uint64_t seed;
};

/* What the header of a fragment says. */
struct wst_fragment {
    uint32_t id;
    uint32_t start;   /* bytes from the beginning of the whole payload */
    uint8_t protocol; /* IPv4: part of the key. IPv6: counts in the first fragment only */
    bool more;        /* others follow */
};

void wst_fragments_init(struct wst_fragments *fragments, const struct wst_options *options);
void wst_fragments_clear(struct wst_fragments *fragments);
/* Forgets the datagrams handed out since `whole` was the last; NULL: all, at the beginning of the
 * next walk. */
void wst_fragments_release(struct wst_fragments *fragments, const struct wst_whole *whole);
/* Takes the fragment at w->at; addresses, family and domain in w->out. The one that completes a
 * datagram goes on with its payload; the others are WST_NET_HELD. */
enum wst_net_result wst_net_fragment(struct wst_walk *w, const struct wst_fragment *fragment);

#endif
