/* SPDX-License-Identifier: MIT
 *
 * Inside the lint renderer. In: a timeline. Out: for each connection, when it is over, what was
 * found and a verdict; at last a table by id (lint.c collects, lint_text.c and lint_json.c write).
 * Refuses to remember more than LINT_OPEN_MAX connections at a time: the findings of others are
 * counted, and the summary says so.
 */
#ifndef WST_RENDER_LINT_H
#define WST_RENDER_LINT_H

#include "conns.h"
#include "text.h"

struct wst_lint_finding { /* the first of those that are alike, and how many there were */
    enum wst_problem problem;
    enum wst_dir dir;
    uint64_t times, pkt, n, msg;
    int64_t offset;
    char *detail; /* owned; NULL: no memory */
};

struct wst_lint_conn {
    struct wst_conn_node node; /* 0: what belongs to no connection */
    char client_ip[46], server_ip[46];
    uint16_t client_port, server_port;
    bool known; /* its handshake was told */
    bool accepted;
    int16_t status;       /* of the answer; -1: there was none */
    struct wst_slice uri; /* owned copy, cut at LINT_URI */
    bool uri_cut;
    struct wst_lint_finding *findings; /* owned */
    size_t findings_n, findings_room;
};

struct wst_lint {
    struct wst_text text; /* first: for its colours; a wst_render is freed as one */
    bool json, all;
    struct wst_conns open;
    struct wst_lint_conn *refused; /* told with the next handshake, or before a flush */
    uint64_t verdicts[WST_VERDICTS];
    uint64_t times[WST_PROBLEMS], conns[WST_PROBLEMS];
    uint64_t forgotten; /* findings that found no place */
};

enum wst_verdict wst_lint_verdict(const struct wst_lint_conn *conn);

/* One connection, and everything. */
void wst_lint_text_conn(struct wst_lint *lint, const struct wst_lint_conn *conn);
void wst_lint_text_summary(struct wst_lint *lint, const struct wst_event_stats *stats);
void wst_lint_json_conn(struct wst_lint *lint, const struct wst_lint_conn *conn);
void wst_lint_json_summary(struct wst_lint *lint, const struct wst_event_stats *stats);

#endif
