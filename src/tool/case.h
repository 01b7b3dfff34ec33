/* SPDX-License-Identifier: MIT
 *
 * In: a capture and what is expected of it. Out: an outcome, or why there is none.
 * Refuses to judge a capture that could not be read to its end.
 */
#ifndef WST_TOOL_CASE_H
#define WST_TOOL_CASE_H

#include "feed.h"
#include "whole.h"

#include <wstrace/check.h>

struct wst_tool_case {
    char *name;                  /* owned: "login/chat.golden" */
    char *capture, *expected;    /* owned: file names */
    char *filter;                /* owned: the golden's, if it has one */
    struct wst_capture *input;   /* owned; the capture, open until it is read */
    size_t readable;             /* the expectation's number, for a broker that opens it … */
    struct wst_tool_place place; /* … and for one that writes it anew */
    int pipe;                    /* the expectation itself, if … */
    bool piped;                  /* … it is a pipe with a name; owned until it is read */
    int file;                    /* or a large golden, which … */
    bool pieces;                 /* … is read by the piece; owned as long as the golden */
    enum wst_check_status status;
    struct wst_tool_trouble trouble;
    struct wst_session *golden, *seen;   /* kept only while a golden may have to be rewritten */
    uint8_t *text;                       /* owned: of the golden */
    struct wst_check_settings *settings; /* owned; of a golden that is to be made */
    struct wst_outcome *outcome;
    struct wst_session_facts facts;
    bool rules;
    bool undecided;  /* the trouble is the first rule without a verdict */
    bool fresh;      /* there is no golden yet; it is to be made */
    bool refiltered; /* an update gives it another filter */
    int64_t took_ns;
};

/* An expectation that is a pipe with a name is opened; that waits until somebody writes. Any other
 * is opened when it is needed; but the filter in a golden's head is looked up. */
void wst_tool_case_await(struct wst_tool_case *one);
/* Opens the capture, unless there is trouble already. */
void wst_tool_case_open(struct wst_tool_case *one, const struct wst_tool_source *source);

struct wst_tool_case_options {
    const struct wst_tool_source *source;
    bool update; /* what differs will be rewritten: keep what that takes */
};

/* Whether an update has anything to write. */
static inline bool wst_tool_case_is_renewed(const struct wst_tool_case *one)
{
    return !one->rules && (one->status == WST_CHECK_DIFFERENT ||
                           (one->status == WST_CHECK_SAME && one->refiltered));
}
/* Fills in the rest. A capture that is not open yet is opened. Any number of threads at a time. */
void wst_tool_case_run(struct wst_tool_case *one, const struct wst_tool_case_options *options);
/* On standard error: what may have been missed although all could be read. */
/* Says which rules could not be decided; the first is trouble already unless others were broken. */
void wst_tool_case_say_undecided(const struct wst_tool_case *one);
/* Whether the capture has no connection, or not the one that is wanted; then that is trouble, said
 * with `advice` behind it. */
bool wst_tool_case_nothing(const char *capture, const struct wst_session_facts *facts,
                           const char *advice, struct wst_tool_trouble *trouble);
/* Why connections may be missing, if some are. */
void wst_tool_case_hint_missing(const struct wst_tool_case *one);
/* Of two captures: why the first may lack connections that the second has. */
void wst_tool_case_hint_more(const struct wst_tool_case *one);
/* That a rule about what is said in a protocol was kept by messages in none. */
void wst_tool_case_hint_unknown(const struct wst_tool_case *one);
void wst_tool_case_hint_unread(const char *capture, const struct wst_session_facts *facts);
void wst_tool_case_hint(const char *capture, const struct wst_session_facts *facts);
/* As a report wants it; borrowed from the case. */
struct wst_check_case wst_tool_case_told(const struct wst_tool_case *one);
/* Writes what was seen as the golden; `force` even of a capture that lacks bytes or has no
 * connection. False: trouble. */
bool wst_tool_case_rewrite(struct wst_tool_case *one, bool force);
/* Gives back what the outcome does not need. */
void wst_tool_case_lighten(struct wst_tool_case *one);
void wst_tool_case_free(struct wst_tool_case *one);

/* Whether the file begins like one. What cannot be read a second time, a pipe, does not. */
bool wst_tool_case_is_golden(const char *name);
/* Opens `capture` (see feed.h), which must not be a golden. NULL after trouble. */
struct wst_capture *wst_tool_case_capture(const char *capture, const struct wst_tool_source *source,
                                          struct wst_tool_trouble *trouble);
/* Reads it (and frees it) into a new session with these settings, sealed. NULL after trouble. */
struct wst_session *wst_tool_case_session(struct wst_capture *input, const char *capture,
                                          const struct wst_tool_source *source,
                                          const struct wst_check_settings *settings,
                                          struct wst_tool_trouble *trouble);
/* Writes a session as a golden: to `place`, or when NULL to standard output. False: trouble. */
bool wst_tool_case_write(const struct wst_tool_place *place, const char *source,
                         struct wst_session *session, const struct wst_session *old,
                         struct wst_tool_trouble *trouble);

#endif
