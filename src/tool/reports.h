/* SPDX-License-Identifier: MIT
 *
 * In: what --report asked for. Out: reports, written as the cases come.
 * Refuses an unknown kind, and a file without a name.
 */
#ifndef WST_TOOL_REPORTS_H
#define WST_TOOL_REPORTS_H

#include "inlet.h"
#include "output.h"
#include "whole.h"

#include <wstrace/check.h>

enum { WST_TOOL_REPORTS = 8 };

struct wst_tool_report_wish {
    enum wst_check_report_kind kind;
    const char *file; /* NULL: standard output */
};

struct wst_tool_report_wishes {
    struct wst_tool_report_wish list[WST_TOOL_REPORTS];
    int n;
};

/* One more: KIND or KIND=FILE. Returns 0, or the exit status after a complaint. */
int wst_tool_reports_wish(struct wst_tool_report_wishes *wishes, const char *text);
/* Two into one file make neither. Annotations may stand between the lines for people. Returns 0, or
 * the exit status after a complaint. */
int wst_tool_reports_apart(const struct wst_tool_report_wishes *wishes);
/* Their files are the first that the inlet's broker replaces. */
void wst_tool_reports_name(const struct wst_tool_report_wishes *wishes,
                           struct wst_tool_inlet *inlet);
/* One in the place of a capture, or of another input, is a slip of the pen. */
bool wst_tool_reports_crossed(const struct wst_tool_report_wishes *wishes,
                              const struct wst_tool_inlet *inlet, const char *const *captures,
                              size_t captures_n, struct wst_tool_trouble *trouble);

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

/* Opens them, and one for people where standard output is free: `options` are its own. Close in
 * either case. */
bool wst_tool_reports_open(struct wst_tool_reports *reports,
                           const struct wst_tool_report_wishes *wishes,
                           const struct wst_check_report_options *options,
                           struct wst_tool_broker *broker, struct wst_tool_trouble *trouble);
void wst_tool_reports_case(struct wst_tool_reports *reports, const struct wst_check_case *one);
/* `keep`: what was written is whole. Returns 0, or the exit status after a complaint. */
int wst_tool_reports_close(struct wst_tool_reports *reports, bool keep);

#endif
