/* SPDX-License-Identifier: MIT
 *
 * In: cases. Out: what build servers read: TAP, and the annotations of GitHub Actions.
 * Refuses to let a text end a line or a property early.
 */
#include "report.h"

/* -- TAP 13: https://testanything.org/tap-version-13-specification.html ------------------------ */

/* A line of a description: no newline, and # would begin a directive. */
static void tap_words(struct wst_check_report *r, const char *text)
{
    size_t from = r->ink.buf.n;

    wst_check_report_safe(r, text);
    for (size_t i = from; !r->ink.failed && i < r->ink.buf.n; i++)
        if (r->ink.buf.p[i] == '#' || r->ink.buf.p[i] == '\n') r->ink.buf.p[i] = ' ';
}

static void tap_comment(struct wst_check_report *r, const char *text)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        wst_ink_text(&r->ink, "#     ");
        wst_ink_bytes(&r->ink, wst_slice_of(text, n));
        wst_ink_byte(&r->ink, '\n');
        text += n + (end != NULL);
    }
}

/* `verdict` stands in front of what it says. */
static void tap_difference(struct wst_check_report *r, const struct wst_check_case *one,
                           const struct wst_difference *d, const char *verdict)
{
    wst_ink_text(&r->ink, "# ");
    wst_ink_text(&r->ink, d->connection);
    wst_ink_text(&r->ink, *d->connection ? ": " : "");
    wst_ink_text(&r->ink, verdict);
    wst_ink_text(&r->ink, d->what);
    wst_ink_text(&r->ink, "\n#   ");
    wst_check_report_place(r, one, d);
    wst_ink_byte(&r->ink, '\n');
    tap_comment(r, d->context);
}

static void tap_one(struct wst_check_report *r, const struct wst_check_case *one)
{
    const struct wst_difference *d;

    if (r->totals.cases == 1) wst_ink_text(&r->ink, "TAP version 13\n");
    wst_ink_format(&r->ink, "%s %llu - ", one->status == WST_CHECK_SAME ? "ok" : "not ok",
                   (unsigned long long)r->totals.cases);
    tap_words(r, one->name);
    wst_ink_byte(&r->ink, '\n');
    if (one->status == WST_CHECK_TROUBLE && !one->undecided) {
        wst_ink_text(&r->ink, "# ");
        tap_words(r, one->trouble);
        wst_ink_byte(&r->ink, '\n');
    }
    if (one->outcome == NULL && one->status == WST_CHECK_DIFFERENT)
        wst_ink_text(&r->ink, "# " WST_CHECK_NO_GOLDEN "\n");
    for (size_t i = 0; (d = wst_check_report_difference(one, i)); i++)
        tap_difference(r, one, d, "");
    for (size_t i = 0; (d = wst_check_report_undecided(one, i)); i++)
        tap_difference(r, one, d, WST_CHECK_NO_VERDICT);
}

static void tap_end(struct wst_check_report *r)
{
    wst_ink_format(&r->ink, "%s1..%llu\n", r->totals.cases ? "" : "TAP version 13\n",
                   (unsigned long long)r->totals.cases);
}

const struct wst_check_report_format wst_check_report_tap = {tap_one, tap_end, false};

/* -- GitHub Actions: "Workflow commands", ::error file=…,line=…,title=…::message --------------- */

static void github_escaped(struct wst_check_report *r, const char *text, bool property)
{
    for (; *text; text++) {
        if (*text == '%' || *text == '\n' || *text == '\r' ||
            (property && (*text == ':' || *text == ',')))
            wst_ink_format(&r->ink, "%%%02X", (unsigned)*text);
        else
            wst_ink_byte(&r->ink, *text);
    }
}

/* A file name or sentence from outside, made safe first. */
static void github_safe(struct wst_check_report *r, const char *text, bool property)
{
    struct wst_ink safe = {.budget = &r->budget};

    wst_ink_safe(&safe, wst_slice_text(text));
    wst_ink_byte(&safe, '\0');
    if (!safe.failed) github_escaped(r, (const char *)safe.buf.p, property);
    wst_ink_free(&safe);
}

/* As GitHub knows the file: without "./" and what "../" takes back. */
static void github_file(struct wst_check_report *r, const char *file)
{
    struct wst_ink path = {.budget = &r->budget};
    size_t root = *file == '/';

    if (root) wst_ink_byte(&path, '/');
    while (*file) {
        size_t n = strcspn(file, "/");
        struct wst_slice part = wst_slice_of(file, n);
        size_t last = path.buf.n; /* where the part before begins */
        while (last > root && path.buf.p[last - 1] != '/') last--;
        bool inside =
            path.buf.n > root && !wst_slice_is(wst_slice_skip(wst_ink_slice(&path), last), "..");
        if (wst_slice_is(part, "..") && inside) {
            wst_ink_cut(&path, last > root ? last - 1 : last);
        } else if (n && !wst_slice_is(part, ".")) {
            if (path.buf.n > root) wst_ink_byte(&path, '/');
            wst_ink_bytes(&path, part);
        }
        file += n + (file[n] == '/');
    }
    wst_ink_byte(&path, '\0');
    if (!path.failed) github_safe(r, (const char *)path.buf.p, true);
    wst_ink_free(&path);
}

static void github_begin(struct wst_check_report *r, const char *file, uint64_t line,
                         const char *title)
{
    wst_ink_text(&r->ink, "::error file=");
    github_file(r, file);
    if (line) wst_ink_format(&r->ink, ",line=%llu", (unsigned long long)line);
    wst_ink_text(&r->ink, ",title=");
    github_safe(r, title, true);
    wst_ink_text(&r->ink, "::");
}

static void github_difference(struct wst_check_report *r, const struct wst_check_case *one,
                              const struct wst_difference *d, const char *verdict)
{
    github_escaped(r, d->connection, false);
    wst_ink_text(&r->ink, *d->connection ? ": " : "");
    wst_ink_text(&r->ink, verdict);
    github_escaped(r, d->what, false);
    if (d->pkt) {
        wst_ink_text(&r->ink, " (");
        github_safe(r, one->capture, false);
        wst_ink_byte(&r->ink, ' ');
        wst_check_report_packets(&r->ink, d->pkt_first, d->pkt);
        wst_ink_byte(&r->ink, ')');
    }
    wst_ink_text(&r->ink, "%0A");
    github_escaped(r, d->context, false);
}

/* d == NULL: trouble. */
static void github_annotation(struct wst_check_report *r, const struct wst_check_case *one,
                              const struct wst_difference *d, const char *verdict,
                              enum wst_check_rank rank)
{
    const char *file = one->capture_expected || !one->expected || *one->expected == '\0'
                           ? one->capture
                           : one->expected;
    struct wst_check_annotations *a = &r->annotations[rank];

    r->annotations_n++;
    if (a->n == WST_CHECK_ANNOTATIONS) return;
    r->ink.buf.n = 0;
    github_begin(r, file, d ? d->line : 0, one->name);
    a->heads[a->n] = r->ink.buf.n;
    if (d)
        github_difference(r, one, d, verdict);
    else
        github_safe(r, one->trouble, false);
    wst_ink_byte(&r->ink, '\n');
    wst_ink_bytes(&a->ink, wst_ink_slice(&r->ink));
    a->ends[a->n++] = a->ink.buf.n;
    if (a->ink.failed) r->ink.failed = true;
    r->ink.buf.n = 0;
}

static void github_one(struct wst_check_report *r, const struct wst_check_case *one)
{
    bool trouble = one->status == WST_CHECK_TROUBLE;
    const struct wst_difference *d;
    size_t n = 0;

    if (trouble && !one->undecided) github_annotation(r, one, NULL, NULL, WST_CHECK_TROUBLES);
    for (; (d = wst_check_report_difference(one, n)); n++)
        github_annotation(r, one, d, "", n ? WST_CHECK_OTHERS : WST_CHECK_FIRST);
    if (!trouble) r->annotations_n += wst_check_report_differences(one) - n;
    for (size_t i = 0; (d = wst_check_report_undecided(one, i)); i++)
        github_annotation(r, one, d, WST_CHECK_NO_VERDICT,
                          i == 0 && one->undecided ? WST_CHECK_TROUBLES : WST_CHECK_OTHERS);
}

/* One annotation of a rank; the last there may be tells of all the others. */
static void github_put(struct wst_check_report *r, const struct wst_check_annotations *a,
                       unsigned i, uint64_t more)
{
    size_t from = i ? a->ends[i - 1] : 0;
    struct wst_slice text =
        wst_slice_skip(wst_slice_head(wst_ink_slice(&a->ink), a->ends[i]), from);

    wst_ink_bytes(&r->ink, more ? wst_slice_head(text, a->heads[i]) : text);
    if (more)
        wst_ink_format(&r->ink, "and %llu more, here and elsewhere; the log has them\n",
                       (unsigned long long)more);
}

static void github_end(struct wst_check_report *r)
{
    unsigned shown = 0;

    for (int rank = 0; rank < WST_CHECK_RANKS && !r->ink.failed; rank++) {
        const struct wst_check_annotations *a = &r->annotations[rank];
        for (unsigned i = 0; i < a->n && shown < WST_CHECK_ANNOTATIONS; i++) {
            bool last = ++shown == WST_CHECK_ANNOTATIONS && r->annotations_n > shown;
            github_put(r, a, i, last ? r->annotations_n - shown + 1 : 0);
        }
    }
}

const struct wst_check_report_format wst_check_report_github = {github_one, github_end, true};
