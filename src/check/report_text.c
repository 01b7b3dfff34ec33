/* SPDX-License-Identifier: MIT
 *
 * In: cases. Out: a line for what is the same; for what is not, what a person needs to understand
 * it: which connection, which message, which field, what stands around it, where to look.
 * Refuses to let a stranger's bytes steer the terminal: everything is clean before it comes here.
 */
#include "report.h"

static void plural(struct wst_check_report *r, uint64_t n, const char *word)
{
    wst_ink_number(&r->ink, n);
    wst_ink_byte(&r->ink, ' ');
    wst_ink_text(&r->ink, word);
    if (n != 1) wst_ink_byte(&r->ink, 's');
}

static void colour(struct wst_check_report *r, const char *code)
{
    if (!r->options.colour) return;
    wst_ink_text(&r->ink, "\x1b[");
    wst_ink_text(&r->ink, code);
    wst_ink_byte(&r->ink, 'm');
}

static void facts(struct wst_check_report *r, const struct wst_check_case *one)
{
    wst_ink_text(&r->ink, " (");
    plural(r, one->facts.connections, "connection");
    wst_ink_text(&r->ink, ", ");
    plural(r, one->facts.messages, "message");
    wst_ink_byte(&r->ink, ')');
}

static void same(struct wst_check_report *r, const struct wst_check_case *one)
{
    wst_check_report_safe(r, one->capture);
    wst_ink_text(&r->ink, one->rules ? " keeps the rules of " : " is the same as ");
    wst_check_report_safe(r, one->expected);
    facts(r, one);
    wst_ink_byte(&r->ink, '\n');
}

static void context(struct wst_check_report *r, const char *text)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        bool minus = text[0] == '-', plus = text[0] == '+';
        wst_ink_text(&r->ink, "      ");
        if (minus || plus) colour(r, minus ? "31" : "32");
        wst_ink_bytes(&r->ink, wst_slice_of(text, n));
        if (minus || plus) colour(r, "0");
        wst_ink_byte(&r->ink, '\n');
        text += n + (end != NULL);
    }
}

static void fields(struct wst_check_report *r, const struct wst_difference *d)
{
    for (size_t i = 1; i < d->fields_n; i++) { /* the first stands in `what` */
        const struct wst_field_change *f = &d->fields[i];
        wst_ink_text(&r->ink, "    ");
        wst_ink_text(&r->ink, f->path);
        if (f->before && f->after) {
            wst_ink_text(&r->ink, " was ");
            wst_ink_text(&r->ink, f->before);
            wst_ink_text(&r->ink, ", is ");
            wst_ink_text(&r->ink, f->after);
        } else {
            wst_ink_text(&r->ink, f->after ? " is new: " : " is gone; it was ");
            wst_ink_text(&r->ink, f->after ? f->after : f->before);
        }
        wst_ink_byte(&r->ink, '\n');
    }
}

static void difference(struct wst_check_report *r, const struct wst_check_case *one,
                       const struct wst_difference *d)
{
    size_t before;

    wst_ink_text(&r->ink, "  ");
    colour(r, "1");
    wst_ink_text(&r->ink, d->what);
    colour(r, "0");
    wst_ink_text(&r->ink, "\n    ");
    before = r->ink.buf.n;
    wst_check_report_place(r, one, d);
    if (r->ink.buf.n == before)
        wst_ink_cut(&r->ink, before - 4);
    else
        wst_ink_byte(&r->ink, '\n');
    fields(r, d);
    context(r, d->context);
    wst_ink_byte(&r->ink, '\n');
}

static void connection(struct wst_check_report *r, const struct wst_difference *d)
{
    if (d->connection[0] == '\0') return;
    wst_ink_text(&r->ink, "connection ");
    wst_ink_text(&r->ink, d->connection);
    if (d->conn) wst_ink_format(&r->ink, " (#%llu of the capture)", (unsigned long long)d->conn);
    wst_ink_text(&r->ink, "\n\n");
}

static void updated(struct wst_check_report *r, const struct wst_check_case *one, const char *how)
{
    wst_check_report_safe(r, one->expected);
    wst_ink_text(&r->ink, how);
    facts(r, one);
    wst_ink_byte(&r->ink, '\n');
}

static void different(struct wst_check_report *r, const struct wst_check_case *one)
{
    uint64_t count = wst_check_report_differences(one), shown = 0;
    const struct wst_difference *d, *last = NULL;

    wst_check_report_safe(r, one->capture);
    wst_ink_text(&r->ink, one->rules ? " does not keep the rules of " : " differs from ");
    wst_check_report_safe(r, one->expected);
    wst_ink_text(&r->ink, ": ");
    plural(r, count, one->rules ? "failure" : "difference");
    wst_ink_text(&r->ink, "\n\n");
    for (size_t i = 0; (d = wst_outcome_difference(one->outcome, i)) != NULL; i++) {
        if (r->options.differences && shown == r->options.differences) break;
        if (last == NULL || last->conn != d->conn || strcmp(last->connection, d->connection) != 0)
            connection(r, d);
        difference(r, one, d);
        last = d;
        shown++;
    }
    if (shown < count) {
        wst_ink_text(&r->ink, "and ");
        plural(r, count - shown, "more difference");
        wst_ink_text(&r->ink, "\n\n");
    }
    if (one->facts.gaps && !one->rules) { /* a rule that they could turn has no verdict */
        wst_ink_text(&r->ink, "The capture lacks bytes (");
        plural(r, one->facts.gaps, "gap");
        wst_ink_text(&r->ink, "): what differs may be missing from it only.\n");
    }
    if (!one->updated && one->outcome && wst_outcome_settings_newer(one->outcome))
        wst_ink_text(&r->ink, "The settings in its head seem newer than what stands below them: "
                              "wstrace check --update renews that.\n");
    if (one->updated) updated(r, one, " is updated");
}

static void one_case(struct wst_check_report *r, const struct wst_check_case *one)
{
    if (one->status == WST_CHECK_SAME) {
        if (!r->options.quiet) same(r, one);
        if (one->updated) updated(r, one, " is updated"); /* its head */
    } else if (one->status == WST_CHECK_DIFFERENT && one->outcome == NULL) {
        updated(r, one, " is made");
    } else if (one->status == WST_CHECK_DIFFERENT) {
        different(r, one);
    } /* trouble is told on standard error, by who had it */
}

static void end(struct wst_check_report *r)
{
    if (r->totals.cases < 2 || (r->options.quiet && !r->totals.different && !r->totals.troubles))
        return;
    plural(r, r->totals.cases, "case");
    wst_ink_text(&r->ink, ", ");
    wst_ink_number(&r->ink, r->totals.different);
    wst_ink_text(&r->ink, " different, ");
    wst_ink_number(&r->ink, r->totals.troubles);
    wst_ink_text(&r->ink, " in trouble\n");
}

const struct wst_check_report_format wst_check_report_text = {one_case, end, false};
