/* SPDX-License-Identifier: MIT
 *
 * The report: a timeline as one HTML file that needs nothing else.
 *
 * The file holds the events as JSON and a page that shows them: messages, a ladder of each
 * connection, frames bit by bit, handshakes, findings. It loads nothing from anywhere, and a
 * Content-Security-Policy in it forbids any script and style but its own; no byte of a capture is
 * ever markup.
 */
#ifndef WSTRACE_REPORT_H
#define WSTRACE_REPORT_H

#include <wstrace/render.h>
#include <wstrace/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Browsers hold a string of half a gigabyte at most (V8: 2^29 - 24 characters); a page whose data
 * are larger does not open. */
#define WST_REPORT_PAGE_MOST (UINT64_C(500) << 20)

struct wst_report_options {
    uint64_t max_payload; /* 64 KiB: bytes of a message's payload shown; the rest is counted */
    uint64_t max_page;    /* 64 MiB: bytes of all events in the page, WST_REPORT_PAGE_MOST at most.
                           * When half of it is used, a payload keeps its first 256 bytes; at 7/8
                           * frames and messages, at the end all events are counted only. The page
                           * says so, and from which packet on. */
};
WST_API void wst_report_options_init(struct wst_report_options *options);

struct wst_report; /* owned by the caller; its size does not grow with the timeline */

/* A report that gives the bytes of the file to `write`. `options` NULL: the defaults. NULL when out
 * of memory. */
WST_API struct wst_report *wst_report_new(const struct wst_report_options *options,
                                          wst_write_fn write, void *user);
/* The report as a listener, valid as long as it. The file begins with the event `meta` and is
 * whole after `stats`. Handshakes are shown header by header if wst_options.headers is set. */
WST_API struct wst_listener wst_report_listener(struct wst_report *report);
/* For wst_options.wire, valid as long as the report: with it the page has the bytes of frames that
 * do not follow from the messages (compressed ones, parts of messages, cut ones), the first 128 of
 * each, and the packet in which each frame began. The page is right without it, and shows less. */
WST_API const struct wst_wire *wst_report_wire(struct wst_report *report);
/* The writer has failed; nothing more is written. */
WST_API bool wst_report_failed(const struct wst_report *report);
WST_API void wst_report_free(struct wst_report *report);

#ifdef __cplusplus
}
#endif
#endif
