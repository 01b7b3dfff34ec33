/* SPDX-License-Identifier: MIT
 *
 * In: a BPF expression, then packets of any link type. Out: whether each one matches. An
 * expression means different bytes on each link type, so it is compiled once for each, when the
 * first packet of that type comes. Never installed on a file's handle: packets that do not match
 * must still be counted, as Wireshark does.
 */
#ifndef WST_CAPTURE_FILTER_H
#define WST_CAPTURE_FILTER_H

#include <wstrace/capture.h>

/* A capture of more link types than this is hostile, and each costs a compilation. */
enum { WST_FILTER_LINK_TYPES_MAX = 32 };

struct wst_filter_program;
struct wst_filter {
    char *text; /* NULL: everything matches */
    struct wst_filter_program *programs;
    size_t n;
    bool full_told; /* that there are too many link types */
};

/* Copies the expression; NULL and "" match everything. An all-zero filter may be freed and set.
 * 0, or -1 out of memory. */
int wst_filter_set(struct wst_filter *filter, const char *text);
void wst_filter_free(struct wst_filter *filter);

/* 0, or -1 with a sentence in `error` that quotes libpcap. Compiling again says the same again. */
int wst_filter_compile(struct wst_filter *filter, uint32_t link_type,
                       char error[WST_CAPTURE_ERROR_SIZE]);
/* 1 or 0. -1, only the first time for a link type the expression does not compile for, with a
 * sentence in `error`; 0 from then on. */
int wst_filter_matches(struct wst_filter *filter, const struct wst_packet *packet,
                       char error[WST_CAPTURE_ERROR_SIZE]);

#endif
