/* SPDX-License-Identifier: MIT
 *
 * In: cases. Out: what programs read: JUnit's XML, and JSON.
 * Refuses characters that XML 1.0 does not have.
 */
#include "report.h"

/* -- JUnit ----------------------------------------------------------------------------------- */

/* Clean text for an attribute or element. U+FFFE and U+FFFF are no characters of XML (section 2.2);
 * control characters have been made visible before. */
static void xml(struct wst_check_report *r, const char *text)
{
    for (const uint8_t *p = (const uint8_t *)text; *p; p++) {
        switch (*p) {
        case '<': wst_ink_text(&r->ink, "&lt;"); break;
        case '>': wst_ink_text(&r->ink, "&gt;"); break;
        case '&': wst_ink_text(&r->ink, "&amp;"); break;
        case '"': wst_ink_text(&r->ink, "&quot;"); break;
        case '\n': wst_ink_text(&r->ink, "&#10;"); break;
        case 0xef:
            if (p[1] == 0xbf && (p[2] == 0xbe || p[2] == 0xbf)) {
                wst_ink_text(&r->ink, p[2] == 0xbe ? "\\ufffe" : "\\uffff");
                p += 2;
                break;
            }
            __attribute__((fallthrough));
        default: wst_ink_byte(&r->ink, (char)*p);
        }
    }
}

static void xml_safe(struct wst_check_report *r, const char *text)
{
    struct wst_ink safe = {.budget = &r->budget};

    wst_ink_safe(&safe, wst_slice_text(text));
    wst_ink_byte(&safe, '\0');
    if (!safe.failed) xml(r, (const char *)safe.buf.p);
    wst_ink_free(&safe);
}

static void xml_attribute(struct wst_check_report *r, const char *name, const char *value)
{
    wst_ink_byte(&r->ink, ' ');
    wst_ink_text(&r->ink, name);
    wst_ink_text(&r->ink, "=\"");
    xml_safe(r, value);
    wst_ink_byte(&r->ink, '"');
}

static void xml_seconds(struct wst_check_report *r, int64_t ns)
{
    if (ns < 0) return;
    wst_ink_format(&r->ink, " time=\"%lld.%03lld\"", (long long)(ns / 1000000000),
                   (long long)(ns / 1000000 % 1000));
}

/* `verdict` stands in front of what it says. */
static void junit_difference(struct wst_check_report *r, const struct wst_check_case *one,
                             const struct wst_difference *d, const char *verdict)
{
    struct wst_check_report place = {.budget = r->budget, .ink = {.budget = &place.budget}};

    xml(r, d->connection);
    wst_ink_text(&r->ink, *d->connection ? ": " : "");
    wst_ink_text(&r->ink, verdict);
    xml(r, d->what);
    wst_ink_text(&r->ink, "&#10;    ");
    wst_check_report_place(&place, one, d);
    if (place.ink.buf.n) wst_ink_text(&place.ink, "\n");
    wst_ink_byte(&place.ink, '\0');
    if (!place.ink.failed) xml(r, (const char *)place.ink.buf.p);
    wst_ink_free(&place.ink);
    xml(r, d->context);
    wst_ink_text(&r->ink, "&#10;");
}

static void junit_undecided(struct wst_check_report *r, const struct wst_check_case *one)
{
    const struct wst_difference *d;

    for (size_t i = 0; (d = wst_check_report_undecided(one, i)) != NULL; i++)
        junit_difference(r, one, d, WST_CHECK_NO_VERDICT);
}

static void junit_failure(struct wst_check_report *r, const struct wst_check_case *one)
{
    const struct wst_difference *d = wst_check_report_difference(one, 0);
    uint64_t count = wst_check_report_differences(one);

    wst_ink_text(&r->ink, "      <failure");
    xml_attribute(r, "type", d ? wst_difference_kind_name(d->kind) : "different");
    wst_ink_text(&r->ink, " message=\"");
    xml(r, d ? d->connection : "");
    wst_ink_text(&r->ink, d && *d->connection ? ": " : "");
    xml(r, d ? d->what : WST_CHECK_NO_GOLDEN);
    wst_ink_text(&r->ink, "\">");
    for (size_t i = 0; (d = wst_check_report_difference(one, i)) != NULL; i++, count--)
        junit_difference(r, one, d, "");
    if (count) wst_ink_format(&r->ink, "and %llu more differences&#10;", (unsigned long long)count);
    junit_undecided(r, one);
    wst_ink_text(&r->ink, "</failure>\n");
}

static void junit_error(struct wst_check_report *r, const struct wst_check_case *one)
{
    wst_ink_text(&r->ink, "      <error type=\"trouble\"");
    xml_attribute(r, "message", one->trouble);
    wst_ink_byte(&r->ink, '>');
    junit_undecided(r, one);
    wst_ink_text(&r->ink, "</error>\n");
}

static void junit_one(struct wst_check_report *r, const struct wst_check_case *one)
{
    wst_ink_format(&r->ink, "    <testcase classname=\"wstrace.%s\"", r->diff ? "diff" : "check");
    xml_attribute(r, "name", one->name);
    xml_seconds(r, one->took_ns);
    if (one->status == WST_CHECK_SAME) {
        wst_ink_text(&r->ink, "/>\n");
        return;
    }
    wst_ink_text(&r->ink, ">\n");
    if (one->status == WST_CHECK_DIFFERENT)
        junit_failure(r, one);
    else
        junit_error(r, one);
    wst_ink_text(&r->ink, "    </testcase>\n");
}

/* The totals stand in front, so the cases wait in the ink and are written behind them. */
static void junit_end(struct wst_check_report *r)
{
    const struct wst_check_report_totals *t = &r->totals;
    struct wst_ink cases = r->ink;

    r->ink = (struct wst_ink){.budget = &r->budget, .failed = cases.failed};
    wst_ink_text(&r->ink, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    wst_ink_format(&r->ink,
                   "  <testsuite name=\"wstrace %s\" tests=\"%llu\" failures=\"%llu\" "
                   "errors=\"%llu\" skipped=\"0\"",
                   r->diff ? "diff" : "check", (unsigned long long)t->cases,
                   (unsigned long long)t->different, (unsigned long long)t->troubles);
    xml_seconds(r, t->took_ns ? t->took_ns : -1);
    wst_ink_text(&r->ink, ">\n");
    wst_ink_bytes(&r->ink, wst_ink_slice(&cases));
    wst_ink_text(&r->ink, "  </testsuite>\n</testsuites>\n");
    wst_ink_free(&cases);
}

const struct wst_check_report_format wst_check_report_junit = {junit_one, junit_end, true};

/* -- JSON ------------------------------------------------------------------------------------ */

static void json_string(struct wst_check_report *r, const char *text)
{
    if (text == NULL) {
        wst_ink_text(&r->ink, "null");
        return;
    }
    struct wst_ink safe = {.budget = &r->budget}; /* a file name need not be UTF-8 */
    wst_ink_safe(&safe, wst_slice_text(text));
    wst_ink_byte(&r->ink, '"');
    wst_ink_escaped(&r->ink, wst_ink_slice(&safe));
    wst_ink_byte(&r->ink, '"');
    wst_ink_free(&safe);
}

static void json_member(struct wst_check_report *r, const char *name, const char *value)
{
    wst_ink_format(&r->ink, ",\"%s\":", name);
    json_string(r, value);
}

static void json_number(struct wst_check_report *r, const char *name, uint64_t value)
{
    if (value)
        wst_ink_format(&r->ink, ",\"%s\":%llu", name, (unsigned long long)value);
    else
        wst_ink_format(&r->ink, ",\"%s\":null", name);
}

static void json_difference(struct wst_check_report *r, const struct wst_difference *d)
{
    wst_ink_text(&r->ink, "{\"kind\":");
    json_string(r, wst_difference_kind_name(d->kind));
    json_member(r, "connection", d->connection);
    json_number(r, "conn", d->conn);
    json_member(r, "what", d->what);
    json_number(r, "first_pkt", d->pkt_first);
    json_number(r, "pkt", d->pkt);
    json_number(r, "expected_first_pkt", d->other_first);
    json_number(r, "expected_pkt", d->other_pkt);
    json_number(r, "line", d->line);
    wst_ink_text(&r->ink, ",\"fields\":[");
    for (size_t i = 0; i < d->fields_n; i++) {
        wst_ink_text(&r->ink, i ? ",{\"path\":" : "{\"path\":");
        json_string(r, d->fields[i].path);
        json_member(r, "before", d->fields[i].before);
        json_member(r, "after", d->fields[i].after);
        wst_ink_byte(&r->ink, '}');
    }
    wst_ink_byte(&r->ink, ']');
    json_member(r, "context", d->context);
    wst_ink_byte(&r->ink, '}');
}

static void json_one(struct wst_check_report *r, const struct wst_check_case *one)
{
    static const char *const words[] = {"same", "different", "trouble"};
    const struct wst_difference *d;

    wst_ink_text(&r->ink, r->totals.cases == 1 ? "{\"schema\":1,\"cases\":[\n" : ",\n");
    wst_ink_text(&r->ink, "{\"name\":");
    json_string(r, one->name);
    json_member(r, "capture", one->capture);
    json_member(r, "expected", one->expected);
    json_member(r, "status", words[one->status]);
    json_member(r, "trouble", one->trouble);
    wst_ink_format(&r->ink, ",\"connections\":%llu,\"messages\":%llu,\"gaps\":%llu,\"count\":%llu",
                   (unsigned long long)one->facts.connections,
                   (unsigned long long)one->facts.messages, (unsigned long long)one->facts.gaps,
                   (unsigned long long)wst_check_report_differences(one));
    wst_ink_text(&r->ink, ",\"differences\":[");
    for (size_t i = 0; one->outcome && (d = wst_outcome_difference(one->outcome, i)); i++) {
        wst_ink_text(&r->ink, i ? ",\n" : "\n");
        json_difference(r, d);
    }
    wst_ink_text(&r->ink, "],\"undecided\":[");
    for (size_t i = 0; (d = wst_check_report_undecided(one, i)) != NULL; i++) {
        wst_ink_format(&r->ink, "%s{\"line\":%llu", i ? ",\n" : "\n", (unsigned long long)d->line);
        json_member(r, "connection", d->connection);
        json_number(r, "conn", d->conn);
        json_member(r, "what", d->what);
        wst_ink_byte(&r->ink, '}');
    }
    wst_ink_text(&r->ink, "]}");
}

static void json_end(struct wst_check_report *r)
{
    const struct wst_check_report_totals *t = &r->totals;

    if (t->cases == 0) wst_ink_text(&r->ink, "{\"schema\":1,\"cases\":[");
    wst_ink_format(&r->ink, "],\n\"total\":%llu,\"different\":%llu,\"trouble\":%llu}\n",
                   (unsigned long long)t->cases, (unsigned long long)t->different,
                   (unsigned long long)t->troubles);
}

const struct wst_check_report_format wst_check_report_json = {json_one, json_end, true};
