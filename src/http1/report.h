/* SPDX-License-Identifier: MIT
 *
 * Inside the http1 room: one handshake while it is put together (upgrade.c) and judged (rules.h).
 */
#ifndef WST_HTTP1_REPORT_H
#define WST_HTTP1_REPORT_H

#include "http1.h"

enum { WST_ACCEPT_LENGTH = 28, WST_PROTOCOLS_MAX = 256, WST_REFUSAL_LINES = 8 };

struct wst_report {
    struct wst_http *http; /* NULL: over HTTP/2 */
    struct wst_http_env *env;
    void *conversation;
    struct wst_when request_when;
    struct wst_upgrade_terms *terms;
    const struct wst_arrival *arrival;
    const struct wst_head *request, *response; /* either may be NULL */
    struct wst_event_handshake event;
    struct wst_slice *protocols; /* room for WST_PROTOCOLS_MAX */
    char accept[WST_ACCEPT_LENGTH + 1]; /* what the key demands; "": none */
    bool hixie;
    bool secure; /* the bytes came out of TLS */
    const char *deflate_wrong;
    struct wst_header refusal[WST_REFUSAL_LINES];
};

/* What the event says of the request, and of an answer that accepted it. */
void wst_upgrade_request(struct wst_report *report);
void wst_upgrade_response(struct wst_report *report);
void wst_upgrade_agreed(struct wst_report *report);
/* For values that are joined: they are borrowed from one buffer, which must not move while it
 * fills. */
void wst_upgrade_text(struct wst_http_env *env);
/* An event that says nothing yet. */
struct wst_event_handshake wst_upgrade_event(const struct wst_http_env *env,
                                             enum wst_carrier carrier);

/* Raises what is wrong with it. The event was told before. */
void wst_report_judge(struct wst_report *report);
/* The same of an extended CONNECT (RFC 8441). */
void wst_extended_judge(struct wst_report *report, const struct wst_extended *extended);

#endif
