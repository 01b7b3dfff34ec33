/* SPDX-License-Identifier: MIT
 *
 * In: a capture and a golden. Out: what is different.
 * Refuses to judge what could not be read to its end.
 */
#include "case.h"

#include "attend.h"
#include "now.h"
#include "output.h"
#include "relay.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wstrace/apps.h>

static struct wst_slice slice(const uint8_t *p, size_t n)
{
    return (struct wst_slice){p, n};
}

/* -- captures (case_open.c opens them) --------------------------------------------------------- */

static bool wanted(const void *session, const struct wst_event *event)
{
    return wst_session_wants(session, event);
}

static void feed(struct wst_capture *input, const char *capture,
                 const struct wst_tool_source *source, const struct wst_options *options,
                 const struct wst_tool_relay_end_point *end, struct wst_tool_trouble *trouble)
{
    struct wst_tool_relay *relay = source->alone ? wst_tool_relay_begin(end) : NULL;
    struct wst_listener relayed = end->to;

    if (relay) relayed = wst_tool_relay_listener(relay);
    wst_tool_feed(input, capture, source, options, &relayed, trouble);
    wst_tool_relay_end(relay);
}

struct wst_session *wst_tool_case_session(struct wst_capture *input, const char *capture,
                                          const struct wst_tool_source *source,
                                          const struct wst_check_settings *settings,
                                          struct wst_tool_trouble *trouble)
{
    struct wst_session *session = wst_session_new(settings, WST_CHECK_MEMORY);
    struct wst_options options;
    struct wst_tool_relay_end_point end = {.wants = wanted};
    const char *wrong;

    if (session == NULL) {
        wst_capture_free(input);
        wst_tool_trouble_add(trouble, "out of memory");
        return NULL;
    }
    wst_options_init(&options);
    wst_check_options(settings, &options);
    end.to = wst_session_listener(session);
    feed(input, capture, source, &options, &end, trouble);
    wrong = wst_session_seal(session);
    if (wrong) wst_tool_trouble_add(trouble, "%s: %s", capture, wrong);
    if (!wst_tool_trouble_is(trouble)) return session;
    wst_session_free(session);
    return NULL;
}

/* The case's own, with its capture, which is gone afterwards. */
static struct wst_session *see(struct wst_tool_case *c, const struct wst_tool_source *source,
                               const struct wst_check_settings *settings)
{
    struct wst_capture *input = c->input;

    c->input = NULL;
    return wst_tool_case_session(input, c->capture, source, settings, &c->trouble);
}

/* -- goldens ----------------------------------------------------------------------------------- */

static void say_place(struct wst_tool_trouble *trouble, const char *name,
                      const struct wst_check_error *error)
{
    if (error->line && error->column)
        wst_tool_trouble_add(trouble, "%s:%u:%u: %s", name, (unsigned)error->line,
                             (unsigned)error->column, error->what);
    else if (error->line)
        wst_tool_trouble_add(trouble, "%s:%u: %s", name, (unsigned)error->line, error->what);
    else
        wst_tool_trouble_add(trouble, "%s: %s", name, error->what);
}

static int64_t read_piece(void *user, uint64_t at, uint8_t *to, size_t n)
{
    const struct wst_tool_case *c = user;
    ssize_t got;

    do {
        got = pread(c->file, to, n, (off_t)at);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Whether it is worth it, and all of it may be read. Keeps the file then. */
static bool in_pieces(struct wst_tool_case *c, int fd)
{
    enum { LARGE = 4 << 20 };
    struct stat st;
    uint8_t begin[32];

    c->pieces = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= LARGE &&
                (uint64_t)st.st_size <= WST_CHECK_FILE_MAX &&
                pread(fd, begin, sizeof begin, 0) == sizeof begin &&
                wst_golden_is(slice(begin, sizeof begin));
    c->file = fd;
    return c->pieces;
}

/* Whether its capture was opened with the filter that it names: one that came through a pipe, or
 * has a long head, could not be asked before. */
static bool filtered(struct wst_tool_case *c, const struct wst_tool_source *source)
{
    const char *filter = wst_check_filter(wst_session_settings(c->golden));
    const char *used = source->filter ? source->filter : c->filter;

    if (source->filter || strcmp(filter ? filter : "", used ? used : "") == 0) return true;
    wst_tool_trouble_add(&c->trouble,
                         "%s: its filter was not known when the capture was opened; give it by -f",
                         c->expected);
    return false;
}

/* -f, when the golden is made anew by what it picks: a check needs no options. */
static bool refilter(struct wst_tool_case *c, const char *wanted)
{
    const char *filter = wst_check_filter(wst_session_settings(c->golden));
    struct wst_check_error error;

    if (strcmp(filter ? filter : "", wanted) == 0) return true;
    c->refiltered = wst_session_refilter(c->golden, wanted, &error) == 0;
    if (!c->refiltered) say_place(&c->trouble, "--filter", &error);
    return c->refiltered;
}

/* Its text; or in pieces. */
static void hold_against_golden(struct wst_tool_case *c, struct wst_slice text,
                                const struct wst_tool_case_options *options)
{
    const struct wst_tool_source *source = options->source;
    struct wst_golden_source pieces = {c, read_piece};
    struct wst_check_error error;

    c->golden = c->pieces ? wst_golden_open(&pieces, WST_CHECK_MEMORY, &error)
                          : wst_golden_read(text, WST_CHECK_MEMORY, &error);
    if (c->golden == NULL) {
        say_place(&c->trouble, c->expected, &error);
        return;
    }
    if (!filtered(c, source)) return;
    if (options->update && source->filter && !refilter(c, source->filter)) return;
    c->seen = see(c, source, wst_session_settings(c->golden));
    if (c->seen == NULL) return;
    c->facts = wst_session_facts(c->seen);
    c->outcome = wst_session_compare(c->golden, c->seen, NULL, &error);
    if (c->outcome == NULL) say_place(&c->trouble, c->expected, &error);
}

#define UNDECIDED "%s:%u: cannot be decided: %s"

/* Rules without a verdict are trouble, unless another one was broken anyway. */
static void leave_undecided(struct wst_tool_case *c)
{
    const struct wst_difference *d = wst_outcome_undecided(c->outcome, 0);

    if (d == NULL || wst_tool_trouble_is(&c->trouble)) return;
    wst_tool_trouble_add(&c->trouble, UNDECIDED, c->expected, (unsigned)d->line, d->what);
    c->undecided = true;
}

static void hold_against_rules(struct wst_tool_case *c, struct wst_slice text,
                               const struct wst_tool_source *source)
{
    struct wst_check_error error;
    struct wst_check_rules *rules = wst_check_rules_read(text, &error);
    struct wst_trial *trial = rules ? wst_trial_new(rules, WST_CHECK_MEMORY) : NULL;
    struct wst_options options;
    struct wst_tool_relay_end_point end = {.wants = NULL};
    struct wst_listener listener;
    struct wst_apps *apps = NULL;

    c->rules = true;
    if (trial) {
        wst_options_init(&options);
        wst_check_rules_options(rules, &options);
        listener = end.to = wst_trial_listener(trial);
        if (wst_check_rules_apps(rules)) {
            apps = wst_apps_new(NULL, &listener);
            if (apps) end.to = wst_apps_listener(apps);
        }
        feed(c->input, c->capture, source, &options, &end, &c->trouble);
        c->input = NULL;
        if (wst_check_rules_apps(rules) && apps == NULL)
            wst_tool_trouble_add(&c->trouble, "out of memory");
        c->outcome = wst_trial_end(trial);
        c->facts = wst_trial_facts(trial);
        if (c->outcome == NULL)
            wst_tool_trouble_add(&c->trouble, "%s: more than fits into memory", c->capture);
        else if (wst_outcome_count(c->outcome) == 0)
            leave_undecided(c);
    } else {
        say_place(&c->trouble, c->expected, &error);
    }
    wst_apps_free(apps);
    wst_trial_free(trial);
    wst_check_rules_free(rules);
}

static bool set_filter(struct wst_check_settings *settings, const char *filter,
                       struct wst_check_error *error)
{
    size_t n = strlen("filter ") + strlen(filter);
    char *line = malloc(n + 1);
    bool set = line != NULL;

    *error = (struct wst_check_error){0, 0, "out of memory"};
    if (line) snprintf(line, n + 1, "filter %s", filter);
    set = set && wst_check_set(settings, slice((const uint8_t *)line, n), error) == 0;
    free(line);
    return set;
}

static void begin_golden(struct wst_tool_case *c, const struct wst_tool_source *source)
{
    struct wst_check_error error;

    c->trouble = (struct wst_tool_trouble){0};
    c->fresh = true;
    c->settings = wst_check_settings_new();
    if (c->settings == NULL) {
        wst_tool_trouble_add(&c->trouble, "out of memory");
        return;
    }
    if (source->filter && *source->filter && !set_filter(c->settings, source->filter, &error))
        say_place(&c->trouble, "--filter", &error);
    else
        c->seen = see(c, source, c->settings);
    if (c->seen) c->facts = wst_session_facts(c->seen);
}

/* A golden says so in its first line; what is called one and does not is a broken one. */
static bool is_rules(const char *name, struct wst_slice text)
{
    static const char golden[] = ".golden";
    size_t n = strlen(name), end = sizeof golden - 1;

    return !wst_golden_is(text) && !(n >= end && strcmp(name + n - end, golden) == 0);
}

static int open_expected(struct wst_tool_case *c, const struct wst_tool_source *source)
{
    if (!c->piped) return wst_tool_broker_read(source->broker, c->readable);
    c->piped = false; /* whoever reads it closes it */
    return c->pipe;
}

static void run(struct wst_tool_case *c, const struct wst_tool_case_options *options)
{
    uint8_t *text;
    size_t n;
    bool missing;
    int fd = open_expected(c, options->source);

    if (fd >= 0 && in_pieces(c, fd)) {
        hold_against_golden(c, slice(NULL, 0), options);
        return;
    }
    wst_tool_whole_read(fd, c->expected, WST_CHECK_FILE_MAX, &text, &n, &missing, &c->trouble);
    if (text && is_rules(c->expected, slice(text, n)))
        hold_against_rules(c, slice(text, n), options->source);
    else if (text)
        hold_against_golden(c, slice(text, n), options);
    else if (missing && options->update)
        begin_golden(c, options->source);
    c->text = text;
}

void wst_tool_case_run(struct wst_tool_case *c, const struct wst_tool_case_options *options)
{
    int64_t began = wst_tool_now_steady();

    if (c->input == NULL) wst_tool_case_open(c, options->source);
    if (!wst_tool_trouble_is(&c->trouble)) run(c, options);
    wst_capture_free(c->input);
    c->input = NULL;
    if (wst_tool_trouble_is(&c->trouble))
        c->status = WST_CHECK_TROUBLE;
    else
        c->status =
            c->fresh || wst_outcome_count(c->outcome) ? WST_CHECK_DIFFERENT : WST_CHECK_SAME;
    if (!options->update || !wst_tool_case_is_renewed(c)) wst_tool_case_lighten(c);
    c->took_ns = wst_tool_now_steady() - began;
}

void wst_tool_case_say_undecided(const struct wst_tool_case *c)
{
    enum { SAID = 20 };
    const struct wst_difference *d;
    size_t i = c->undecided ? 1 : 0;

    if (c->outcome == NULL) return;
    for (; i < SAID && (d = wst_outcome_undecided(c->outcome, i)); i++)
        wst_tool_say(UNDECIDED, c->expected, (unsigned)d->line, d->what);
    if (wst_outcome_undecided(c->outcome, i))
        wst_tool_say("%s: and others cannot be decided", c->expected);
}

#define NO_CONN "%s: there is no connection %" PRIu64 "; the capture has %" PRIu64

bool wst_tool_case_nothing(const char *capture, const struct wst_session_facts *facts,
                           const char *advice, struct wst_tool_trouble *trouble)
{
    if (facts->connections) return false;
    if (facts->conn)
        wst_tool_trouble_add(trouble, NO_CONN "%s", capture, facts->conn, facts->known, advice);
    else
        wst_tool_trouble_add(trouble,
                             "%s: has no WebSocket connection; a golden of nothing guards "
                             "nothing%s",
                             capture, advice);
    return true;
}

void wst_tool_case_hint_unread(const char *capture, const struct wst_session_facts *facts)
{
    if (facts->unread)
        wst_tool_say("%s: hint: %" PRIu64 " TLS %sconnection%s could not be read: no secrets for "
                     "%s (--keylog FILE)",
                     capture, facts->unread, facts->quic ? "or QUIC " : "",
                     facts->unread == 1 ? "" : "s", facts->unread == 1 ? "it" : "them");
}

/* Differences that are of no connection of the capture. */
static bool connections_lack(const struct wst_tool_case *c)
{
    const struct wst_difference *d;

    for (size_t i = 0; c->outcome && (d = wst_outcome_difference(c->outcome, i)); i++)
        if (d->kind == WST_DIFFERENCE_NO_CONNECTION || d->conn == 0) return true;
    return false;
}

static void hint_why(const char *capture, const struct wst_session_facts *facts)
{
    wst_tool_case_hint_unread(capture, facts);
    if (facts->late)
        wst_tool_say("%s: hint: %" PRIu64 " connection%s joined in the middle: the handshake is "
                     "not in the capture, and so the address is not known",
                     capture, facts->late, facts->late == 1 ? " was" : "s were");
}

void wst_tool_case_hint_missing(const struct wst_tool_case *c)
{
    if (!connections_lack(c)) return;
    if (c->facts.conn && c->facts.connections == 0)
        wst_tool_say(NO_CONN, c->capture, c->facts.conn, c->facts.known);
    hint_why(c->capture, &c->facts);
}

void wst_tool_case_hint_more(const struct wst_tool_case *c)
{
    const struct wst_difference *d;
    bool more = false;

    for (size_t i = 0; c->outcome && (d = wst_outcome_difference(c->outcome, i)); i++)
        more |= d->kind == WST_DIFFERENCE_MORE_CONNECTION;
    if (more) {
        struct wst_session_facts facts = wst_session_facts(c->golden);
        hint_why(c->expected, &facts);
    }
}

void wst_tool_case_hint_unknown(const struct wst_tool_case *c)
{
    if (c->facts.unknown)
        wst_tool_say("%s: hint: no known protocol is spoken in the messages that %s:%u is about; "
                     "anything keeps that rule",
                     c->capture, c->expected, (unsigned)c->facts.unknown);
}

void wst_tool_case_hint(const char *capture, const struct wst_session_facts *facts)
{
    if (facts->cut)
        wst_tool_say("%s: %" PRIu64 " time%s a text was longer than %zu KiB, and of what an "
                     "expression matches there only %zu KiB are certain to be found",
                     capture, facts->cut, facts->cut == 1 ? "" : "s",
                     WST_CHECK_PATTERN_WINDOW >> 10, WST_CHECK_PATTERN_WINDOW >> 11);
}

struct wst_check_case wst_tool_case_told(const struct wst_tool_case *c)
{
    return (struct wst_check_case){.name = c->name,
                                   .capture = c->capture ? c->capture : "",
                                   .expected = c->expected ? c->expected : "",
                                   .status = c->status,
                                   .trouble = c->trouble.what,
                                   .undecided = c->undecided,
                                   .outcome = c->outcome,
                                   .facts = c->facts,
                                   .rules = c->rules,
                                   .took_ns = c->took_ns};
}

/* -- writing ----------------------------------------------------------------------------------- */

static bool write_out(const char *source, struct wst_session *session,
                      const struct wst_session *old, struct wst_tool_trouble *trouble)
{
    struct wst_tool_output output;

    if (wst_tool_output_open(&output, NULL, NULL, NULL, 0) != 0) return false;
    if (wst_golden_write(session, old, source, wst_tool_output_write, &output) != 0 &&
        output.error == 0)
        wst_tool_trouble_add(trouble, "out of memory");
    return wst_tool_output_close(&output) == 0 && !wst_tool_trouble_is(trouble);
}

bool wst_tool_case_write(const struct wst_tool_place *place, const char *source,
                         struct wst_session *session, const struct wst_session *old,
                         struct wst_tool_trouble *trouble)
{
    struct wst_tool_whole whole;
    int failed;

    if (place == NULL) return write_out(source, session, old, trouble);
    if (!wst_tool_whole_begin(&whole, place, trouble)) return false;
    failed = wst_golden_write(session, old, source, wst_tool_whole_write, &whole);
    if (failed && whole.output.error == 0)
        wst_tool_trouble_add(trouble, "%s: out of memory", place->name);
    wst_tool_whole_end(&whole, !failed, trouble);
    return !wst_tool_trouble_is(trouble);
}

bool wst_tool_case_rewrite(struct wst_tool_case *c, bool force)
{
    if (c->facts.gaps && !force) {
        wst_tool_trouble_add(&c->trouble,
                             "%s: lacks bytes; a golden made of it would lack them, too (--force "
                             "makes it)",
                             c->capture);
        return false;
    }
    /* a recorder that failed, a key log that was forgotten: snapshot makes none of it, either */
    if (!force && wst_tool_case_nothing(c->capture, &c->facts, " (--force makes it)", &c->trouble))
        return false;
    return wst_tool_case_write(&c->place, c->capture, c->seen, c->golden, &c->trouble);
}

void wst_tool_case_lighten(struct wst_tool_case *c)
{
    wst_session_free(c->seen); /* uses the golden's settings */
    wst_session_free(c->golden);
    wst_check_settings_free(c->settings);
    free(c->text);
    if (c->pieces) close(c->file);
    c->pieces = false;
    c->seen = c->golden = NULL;
    c->text = NULL;
    c->settings = NULL;
}

void wst_tool_case_free(struct wst_tool_case *c)
{
    wst_tool_case_lighten(c);
    wst_capture_free(c->input);
    if (c->piped) close(c->pipe);
    wst_outcome_free(c->outcome);
    free(c->name);
    free(c->filter);
    free(c->capture);
    free(c->expected);
}
