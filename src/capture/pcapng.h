/* SPDX-License-Identifier: MIT
 *
 * In: a source that holds pcapng (draft-ietf-opsawg-pcapng). Out: packets, secrets, comments.
 * Refuses damage: one trouble, and no more of that source.
 */
#ifndef WST_CAPTURE_PCAPNG_H
#define WST_CAPTURE_PCAPNG_H

#include "feed.h"
#include "source.h"

enum wst_pcapng_cap {
    /* Largest block. libpcap takes 16 MiB; key logs of long runs are larger. Also what a length
     * field full of noise can make us hold. */
    WST_PCAPNG_BLOCK_MAX = 64 << 20,
    /* Interfaces of one section. Packets of the obsolete kind count them in 16 bits. */
    WST_PCAPNG_INTERFACES_MAX = 65536,
    /* Options of one block that are looked at; a block of 64 MiB could hold 16 million empty
     * comments. Later ones are not told. */
    WST_PCAPNG_OPTIONS_MAX = 1024,
};

/* How to make nanoseconds of an interface's ticks: ticks * mul >> shift, or ticks / div; + add. */
struct wst_pcapng_interface {
    uint32_t link_type; /* LINKTYPE_ */
    uint32_t snaplen;   /* 0: none; only the simple packet block needs it */
    uint64_t div;       /* or 1 */
    uint32_t mul;       /* or 1, or 0: ticks too fine to matter */
    uint8_t shift;
    bool nanos;      /* finer than microseconds */
    int64_t seconds; /* if_tsoffset */
};

struct wst_pcapng {
    struct wst_source *source;               /* borrowed */
    bool in_section;                         /* a section header has been read */
    bool big;                                /* the section's byte order */
    struct wst_pcapng_interface *interfaces; /* of the section */
    size_t n, cap;
};

/* Whether the first four bytes of a file are those of a section header. */
bool wst_pcapng_is(const uint8_t magic[4]);
void wst_pcapng_init(struct wst_pcapng *ng, struct wst_source *source);
void wst_pcapng_free(struct wst_pcapng *ng);
/* Reads blocks until the end, damage, or wst_feed_over. What it was told of interfaces stays. */
void wst_pcapng_run(struct wst_pcapng *ng, struct wst_feed *feed);

#endif
