/* SPDX-License-Identifier: MIT
 *
 * A side door for tests and fuzzers: a capture file that lies in memory. It walks the way of
 * standard input (peeked at, rewound, read on), so all of the room is behind it.
 */
#ifndef WST_CAPTURE_MEMORY_H
#define WST_CAPTURE_MEMORY_H

#include <wstrace/capture.h>

/* As wst_capture_add_file; the bytes are borrowed until the capture is freed. */
int wst_capture_add_memory(struct wst_capture *capture, const char *name, struct wst_slice bytes,
                           const char *filter);

#endif
