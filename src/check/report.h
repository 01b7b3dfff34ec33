/* SPDX-License-Identifier: MIT
 *
 * Inside the room: a report is one struct of functions, and a format is a file.
 */
#ifndef WST_CHECK_REPORT_H
#define WST_CHECK_REPORT_H

#include "compare.h"

struct wst_check_report_totals {
    uint64_t cases, different, troubles;
    int64_t took_ns;
};

/* GitHub shows ten errors of a step: these ranks come first. */
enum wst_check_rank { WST_CHECK_TROUBLES, WST_CHECK_FIRST, WST_CHECK_OTHERS, WST_CHECK_RANKS };
enum { WST_CHECK_ANNOTATIONS = 10 };

struct wst_check_annotations { /* of one rank */
    struct wst_ink ink;
    size_t ends[WST_CHECK_ANNOTATIONS];  /* in the ink */
    size_t heads[WST_CHECK_ANNOTATIONS]; /* bytes before the message */
    unsigned n;
};

struct wst_check_report {
    const struct wst_check_report_format *format;
    struct wst_check_report_options options;
    wst_write_fn write;
    void *user;
    struct wst_budget budget;
    struct wst_ink ink; /* what is not written yet */
    struct wst_check_report_totals totals;
    struct wst_check_annotations annotations[WST_CHECK_RANKS]; /* GitHub's */
    uint64_t annotations_n; /* that there would be, were there no end to them */
    bool diff;              /* of captures against captures */
    int failed;
};

struct wst_check_report_format {
    void (*one)(struct wst_check_report *report, const struct wst_check_case *one);
    void (*end)(struct wst_check_report *report); /* or NULL */
    bool whole;                                   /* nothing is written before the end */
};

extern const struct wst_check_report_format wst_check_report_text, wst_check_report_junit,
    wst_check_report_tap, wst_check_report_github, wst_check_report_json;

/* Any string, made safe. */
void wst_check_report_safe(struct wst_check_report *report, const char *text);
/* "packet 17" | "packets 12 to 17" | "": where the difference is in the capture. */
void wst_check_report_packets(struct wst_ink *ink, uint64_t first, uint64_t last);
/* "chat.pcap packet 17, chat.golden:23" */
void wst_check_report_place(struct wst_check_report *report, const struct wst_check_case *one,
                            const struct wst_difference *d);
/* The i-th difference that counts; NULL behind the last. */
static inline const struct wst_difference *
wst_check_report_difference(const struct wst_check_case *one, size_t i)
{
    bool counts = one->outcome && one->status != WST_CHECK_TROUBLE;

    return counts ? wst_outcome_difference(one->outcome, i) : NULL;
}
/* What a case without an outcome says that is different. */
#define WST_CHECK_NO_GOLDEN "there was no golden; it is made"
/* The i-th rule without a verdict; its `what` says why, behind these words. NULL behind the last.
 */
#define WST_CHECK_NO_VERDICT "cannot be decided: "
static inline const struct wst_difference *
wst_check_report_undecided(const struct wst_check_case *one, size_t i)
{
    return one->outcome ? wst_outcome_undecided(one->outcome, i) : NULL;
}
static inline uint64_t wst_check_report_differences(const struct wst_check_case *one)
{
    return one->outcome ? wst_outcome_count(one->outcome) : 0;
}

#endif
