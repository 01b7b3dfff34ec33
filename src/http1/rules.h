/* SPDX-License-Identifier: MIT
 *
 * Inside rules.c and its neighbours: the rules of a handshake, and how a broken one is told.
 *
 *   rules_request.c   what the client asked
 *   rules_answer.c    what the server said to that, or did not
 *   rules.c           both together; how it is told
 */
#ifndef WST_HTTP1_RULES_H
#define WST_HTTP1_RULES_H

#include "report.h"

struct wst_shown { /* room for a stranger's value in a sentence */
    char text[64];
};

/* Printable ASCII of it, in `to`. */
const char *wst_upgrade_show(struct wst_slice s, struct wst_shown *to);
__attribute__((format(printf, 4, 5))) void wst_upgrade_broken(struct wst_report *r,
                                                              enum wst_problem p, enum wst_dir dir,
                                                              const char *format, ...);
unsigned wst_upgrade_header_count(const struct wst_head *h, const char *name);
void wst_upgrade_header_once(struct wst_report *r, const struct wst_head *h, enum wst_dir dir,
                             const char *name);

/* RFC 6455 section 4.1; RFC 8441 section 4 and RFC 9220 section 3. */
void wst_upgrade_judge_request(struct wst_report *r);
void wst_extended_judge_request(struct wst_report *r, const struct wst_extended *x);

/* A 101, RFC 6455 sections 4.1 and 4.2.2; what an extended CONNECT was accepted with. */
void wst_upgrade_judge_accepted(struct wst_report *r);
void wst_extended_judge_accepted(struct wst_report *r);
/* Nobody knows whether it was answered. */
void wst_upgrade_forgotten(struct wst_report *r);
/* Any answer; and none, or nothing that could be read as one. */
void wst_upgrade_judge_answer(struct wst_report *r);
void wst_upgrade_judge_no_answer(struct wst_report *r);

#endif
