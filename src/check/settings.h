/* SPDX-License-Identifier: MIT
 *
 * In: lines such as "ignore $.ts". Out: what a snapshot keeps, and how.
 * Refuses lines it does not know, with the place.
 */
#ifndef WST_CHECK_SETTINGS_H
#define WST_CHECK_SETTINGS_H

#include "ink.h"
#include "path.h"
#include "redact.h"

#include <wstrace/check.h>

enum {
    WST_SETTINGS_PATHS = 256, /* of each sort */
    WST_SETTINGS_HEADERS = 64,
    WST_SETTINGS_LINE = 4096, /* bytes of one line */
    WST_SETTINGS_PAYLOAD =
        65536 /* bytes of a payload in a golden; what is longer has a hash there */
};

struct wst_check_settings {
    struct wst_path *ignore, *reply; /* owned */
    uint32_t ignore_n, reply_n;
    struct wst_redact redact;
    char *keep[WST_SETTINGS_HEADERS], *drop[WST_SETTINGS_HEADERS]; /* owned header names */
    uint32_t keep_n, drop_n;
    bool keep_all; /* "header *" */
    bool strict_order, frames, no_control;
    uint64_t max_payload;
    uint64_t conn; /* only this connection of a capture; 0: all */
    char *filter; /* owned; NULL: none */
};

/* Whether the header line belongs into the golden. Keys and dates never do. */
bool wst_settings_header(const struct wst_check_settings *settings, struct wst_slice name);
/* The settings as lines of a golden. */
void wst_settings_write(const struct wst_check_settings *settings, struct wst_ink *ink);

#endif
