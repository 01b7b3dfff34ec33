/* SPDX-License-Identifier: MIT
 *
 * In: a network device. Out: its packets as they pass, until stopped.
 * Refuses devices it may not open, and says how to be allowed.
 */
#ifndef WST_CAPTURE_LIVE_H
#define WST_CAPTURE_LIVE_H

#include "feed.h"

enum wst_live_cap {
    WST_LIVE_SNAPLEN = 262144, /* tcpdump's; whole packets even with segmentation offload */
    WST_LIVE_POLL_MS = 50,     /* how late a silent device may notice wst_capture_stop */
};

struct wst_live;

/* Copies the options; opens nothing. NULL: out of memory. */
struct wst_live *wst_live_new(const struct wst_live_options *options);
void wst_live_free(struct wst_live *live);
/* The device's name; the number as text until it has been opened. */
const char *wst_live_name(const struct wst_live *live);
/* Opens the device with a filter for the kernel (NULL or "": none). 0, or -1 with a sentence. */
int wst_live_open(struct wst_live *live, const char *filter, char error[WST_CAPTURE_ERROR_SIZE]);
uint32_t wst_live_link_type(const struct wst_live *live); /* once open */
/* Until wst_feed_over, or the device is gone. */
void wst_live_run(struct wst_live *live, struct wst_feed *feed);
/* Adds its counts; those of the kernel stay 0 where it has none. */
void wst_live_counters(struct wst_live *live, uint64_t *captured, uint64_t *received,
                       uint64_t *dropped);

#endif
