/* SPDX-License-Identifier: MIT
 *
 * In: cases. Out: a report, by way of its format. Refuses to go on after the writer has failed.
 */
#include "report.h"

#include <stdlib.h>

struct wst_check_report *wst_check_report_new(enum wst_check_report_kind kind,
                                              const struct wst_check_report_options *options,
                                              wst_write_fn write, void *user)
{
    static const struct wst_check_report_format *const formats[WST_CHECK_REPORT_KINDS] = {
        [WST_CHECK_REPORT_TEXT] = &wst_check_report_text,
        [WST_CHECK_REPORT_JUNIT] = &wst_check_report_junit,
        [WST_CHECK_REPORT_TAP] = &wst_check_report_tap,
        [WST_CHECK_REPORT_GITHUB] = &wst_check_report_github,
        [WST_CHECK_REPORT_JSON] = &wst_check_report_json,
    };
    struct wst_check_report *r =
        (unsigned)kind < WST_CHECK_REPORT_KINDS ? calloc(1, sizeof *r) : NULL;

    if (r == NULL) return NULL;
    r->format = formats[kind];
    if (options) r->options = *options;
    r->write = write;
    r->user = user;
    r->budget.max = WST_CHECK_MEMORY;
    r->ink.budget = &r->budget;
    for (int i = 0; i < WST_CHECK_RANKS; i++) r->annotations[i].ink.budget = &r->budget;
    return r;
}

static void flush(struct wst_check_report *r)
{
    if (r->ink.failed && r->failed == 0) r->failed = -1;
    if (r->failed == 0 && r->ink.buf.n) r->failed = r->write(r->user, r->ink.buf.p, r->ink.buf.n);
    r->ink.buf.n = 0;
}

void wst_check_report_case(struct wst_check_report *r, const struct wst_check_case *one)
{
    r->diff |= one->capture_expected;
    r->totals.cases++;
    r->totals.different += one->status == WST_CHECK_DIFFERENT;
    r->totals.troubles += one->status == WST_CHECK_TROUBLE;
    if (one->took_ns > 0) r->totals.took_ns += one->took_ns;
    r->format->one(r, one);
    if (!r->format->whole) flush(r);
}

int wst_check_report_end(struct wst_check_report *r)
{
    if (r->format->end) r->format->end(r);
    flush(r);
    return r->failed;
}

void wst_check_report_free(struct wst_check_report *r)
{
    if (r == NULL) return;
    wst_ink_free(&r->ink);
    for (int i = 0; i < WST_CHECK_RANKS; i++) wst_ink_free(&r->annotations[i].ink);
    free(r);
}

void wst_check_report_safe(struct wst_check_report *r, const char *text)
{
    wst_ink_safe(&r->ink, wst_slice_text(text));
}

void wst_check_report_packets(struct wst_ink *ink, uint64_t first, uint64_t last)
{
    if (last == 0) return;
    if (first && first != last)
        wst_ink_format(ink, "packets %llu to %llu", (unsigned long long)first,
                       (unsigned long long)last);
    else
        wst_ink_format(ink, "packet %llu", (unsigned long long)last);
}

void wst_check_report_place(struct wst_check_report *r, const struct wst_check_case *one,
                            const struct wst_difference *d)
{
    bool before = false;

    if (d->other_pkt) {
        wst_check_report_safe(r, one->expected);
        wst_ink_byte(&r->ink, ' ');
        wst_check_report_packets(&r->ink, d->other_first, d->other_pkt);
        before = true;
    } else if (d->line) {
        wst_check_report_safe(r, one->expected);
        wst_ink_format(&r->ink, ":%llu", (unsigned long long)d->line);
        before = true;
    }
    if (d->pkt == 0) return;
    if (before) wst_ink_text(&r->ink, ", ");
    wst_check_report_safe(r, one->capture);
    wst_ink_byte(&r->ink, ' ');
    wst_check_report_packets(&r->ink, d->pkt_first, d->pkt);
}
