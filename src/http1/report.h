/* SPDX-License-Identifier: MIT
 *
 * Inside the http1 room: one handshake while it is put together (upgrade.c) and judged (rules.c).
 */
#ifndef WST_HTTP1_REPORT_H
#define WST_HTTP1_REPORT_H

#include "http1.h"

enum { WST_ACCEPT_LENGTH = 28, WST_PROTOCOLS_MAX = 256 };

struct wst_report {
    struct wst_http *http;
    struct wst_http_env *env;
    const struct wst_arrival *arrival;
    const struct wst_head *request, *response; /* either may be NULL */
    struct wst_event_handshake event;
    struct wst_slice *protocols; /* room for WST_PROTOCOLS_MAX */
    char accept[WST_ACCEPT_LENGTH + 1]; /* what the key demands; "": none */
    bool hixie;
    const char *deflate_wrong;
};

/* Raises what is wrong with it. The event was told before. */
void wst_report_judge(struct wst_report *report);

#endif
