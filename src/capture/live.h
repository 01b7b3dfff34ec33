/* SPDX-License-Identifier: MIT
 *
 * In: a network device. Out: the packets that have come, when asked for.
 * Refuses devices it may not open, and says how to be allowed.
 */
#ifndef WST_CAPTURE_LIVE_H
#define WST_CAPTURE_LIVE_H

#include <wstrace/capture.h>

enum wst_live_cap {
    WST_LIVE_SNAPLEN = 262144, /* tcpdump's; whole packets even with segmentation offload */
    WST_LIVE_BLOCK_MS = 10, /* how long the kernel may gather packets before it hands them over */
    WST_LIVE_LATE_MS = 30,  /* so long after it passed a packet has been handed over */
    WST_LIVE_TURN = 512,    /* packets read before the counters are looked at */
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

/* Hands over what has come, WST_LIVE_TURN packets at most, without waiting. Returns how many; -1
 * with a sentence when the device is gone. The packets are valid during the call, unnumbered. */
int wst_live_read(struct wst_live *live,
                  void (*packet)(void *user, const struct wst_packet *packet), void *user,
                  char error[WST_CAPTURE_ERROR_SIZE]);
/* The same of one packet, which stays until the device is asked again. */
int wst_live_next(struct wst_live *live, struct wst_packet *packet,
                  char error[WST_CAPTURE_ERROR_SIZE]);
/* Whether the interface is there, and down: nothing comes until it is up again. */
bool wst_live_is_down(const struct wst_live *live);
/* From `packet`: wst_live_read returns before the next one. */
void wst_live_break(struct wst_live *live);
/* Readable when packets have come; -1: this system has no such thing, ask again after a moment. */
int wst_live_fd(const struct wst_live *live);
/* Since it was opened: packets that passed the filter, and those of them the kernel dropped.
 * Not while another thread reads. */
void wst_live_count(struct wst_live *live, uint64_t *received, uint64_t *dropped);

#endif
