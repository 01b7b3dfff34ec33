/* SPDX-License-Identifier: MIT
 *
 * In: a source that holds a classic pcap file. Out: its packets.
 * Refuses headers that libpcap refuses, in its words, and records it would not read.
 */
#ifndef WST_CAPTURE_CLASSIC_H
#define WST_CAPTURE_CLASSIC_H

#include "feed.h"
#include "source.h"

enum wst_classic_cap {
    WST_CLASSIC_HEAD = 24, /* the file header */
};

/* Whether the first four bytes of a file are a magic of classic pcap. */
bool wst_classic_is(const uint8_t magic[4]);
/* Reads the header only. 0, or -1 with a sentence in `error`. */
int wst_classic_link_type(struct wst_source *source, uint32_t *link_type,
                          char error[WST_CAPTURE_ERROR_SIZE]);
/* Reads all of it; nothing of the source may have been taken. */
void wst_classic_run(struct wst_source *source, struct wst_feed *feed);

#endif
