/* SPDX-License-Identifier: MIT
 *
 * In: what --report asked for. Out: reports, written as the cases come.
 * Refuses an unknown kind, and a file without a name.
 */
#ifndef WST_TOOL_REPORTS_H
#define WST_TOOL_REPORTS_H

#include "output.h"
#include "whole.h"

#include <wstrace/check.h>

enum { WST_TOOL_REPORTS = 8 };

struct wst_tool_report_wish {
    enum wst_check_report_kind kind;
    const char *file; /* NULL: standard output */
};

/* KIND or KIND=FILE. Returns 0, or the exit status after a complaint. */
int wst_tool_reports_wish(struct wst_tool_report_wish *wish, const char *text);

/* Two into one file make neither. Annotations may stand between the lines for people. Returns 0, or
 * the exit status after a complaint. */
int wst_tool_reports_apart(const struct wst_tool_report_wish *wishes, int n);

struct wst_tool_sink { /* a report and where it goes */
    struct wst_check_report *report;
    struct wst_tool_whole whole; /* where to, unless to standard output */
    bool file;
};

struct wst_tool_reports {
    struct wst_tool_sink sinks[WST_TOOL_REPORTS + 1];
    int n;
    struct wst_tool_output output; /* standard output, for all that go there */
};

/* Opens n of them, and one for people where standard output is free: `options` are its own. The
 * broker replaces the i-th wish's file as its i-th. Close in either case. */
bool wst_tool_reports_open(struct wst_tool_reports *reports,
                           const struct wst_tool_report_wish *wishes, int n,
                           const struct wst_check_report_options *options,
                           struct wst_tool_broker *broker, struct wst_tool_trouble *trouble);
void wst_tool_reports_case(struct wst_tool_reports *reports, const struct wst_check_case *one);
/* `keep`: what was written is whole. Returns 0, or the exit status after a complaint. */
int wst_tool_reports_close(struct wst_tool_reports *reports, bool keep);

#endif
