/* SPDX-License-Identifier: MIT
 *
 * In: an open source. Out: what its format's reader makes of it; this is where the first four
 * bytes choose one.
 */
#ifndef WST_CAPTURE_READER_H
#define WST_CAPTURE_READER_H

#include "feed.h"
#include "source.h"

/* Finds the link types named up to the first packet and calls `link` for each (several times for
 * several interfaces of one type). Takes bytes: hold the source before. 0; -1 when this is no
 * capture file, with a sentence in `error`. */
int wst_reader_peek(struct wst_source *source, void (*link)(void *user, uint32_t link_type),
                    void *user, char error[WST_CAPTURE_ERROR_SIZE]);
/* Reads all of it. */
void wst_reader_run(struct wst_source *source, struct wst_feed *feed);

/* Runs through a source for its decryption secrets alone; only a pcapng has any. */
void wst_reader_secrets(struct wst_source *source, struct wst_feed *feed);

#endif
