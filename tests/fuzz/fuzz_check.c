/* SPDX-License-Identifier: MIT
 *
 * The doors of the room check: goldens, rules, settings, and payloads in canonical form.
 * The first byte says which; goldens and rules are then held against a small session.
 */
#include "slice.h"
#include "utf8.h"

#include <wstrace/check.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(const struct wst_listener *to, struct wst_slice payload)
{
    struct wst_event e = {
        .type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE, .conn = 1, .when = {1, 1}};

    e.handshake = (struct wst_event_handshake){
        .carrier = WST_CARRIER_HTTP1, .status = 101, .accepted = true, .rtt_ns = 5};
    e.handshake.uri = (struct wst_slice){(const uint8_t *)"/chat?x=1", 9};
    to->event(to->user, &e);
    for (int i = 0; i < 4; i++) {
        e = (struct wst_event){.type = WST_EVENT_MESSAGE,
                               .dir = i & 1 ? WST_S2C : WST_C2S,
                               .conn = 1,
                               .when = {2 + i, 10 + i}};
        e.message = (struct wst_event_message){.msg = 1,
                                               .opcode = i < 3 ? 1 : 2,
                                               .certain = true,
                                               .utf8 = false,
                                               .frames = 1,
                                               .len = payload.n,
                                               .payload = payload,
                                               .first_pkt = 2};
        if (i == 1) {
            e.message.payload =
                (struct wst_slice){(const uint8_t *)"{\"jsonrpc\":\"2.0\",\"id\":1}", 24};
            e.message.len = 24;
            e.message.utf8 = true;
        }
        to->event(to->user, &e);
    }
    e = (struct wst_event){.type = WST_EVENT_CLOSE, .dir = WST_C2S, .conn = 1, .when = {9, 90}};
    e.close = (struct wst_event_close){.code = 1000, .reason = payload, .utf8 = false};
    to->event(to->user, &e);
}

static int nowhere(void *user, const uint8_t *p, size_t n)
{
    (void)user;
    (void)p;
    (void)n;
    return 0;
}

/* In all reports; no outcome: a golden that is made. */
static void reported(const struct wst_outcome *outcome)
{
    bool undecided = outcome && wst_outcome_undecided(outcome, 0);
    struct wst_check_case one = {.name = "x",
                                 .capture = "x",
                                 .expected = "x",
                                 .trouble = "",
                                 .undecided = undecided,
                                 .outcome = outcome,
                                 .status = undecided ? WST_CHECK_TROUBLE : WST_CHECK_DIFFERENT};

    for (int kind = 0; kind < WST_CHECK_REPORT_KINDS; kind++) {
        struct wst_check_report *r =
            wst_check_report_new((enum wst_check_report_kind)kind, NULL, nowhere, NULL);
        if (r) wst_check_report_case(r, &one);
        if (r) wst_check_report_end(r);
        wst_check_report_free(r);
    }
}

/* Reports and a new golden of what is different; how much that is, or UINT64_MAX. */
static uint64_t compared(struct wst_session *expected, struct wst_session *seen)
{
    struct wst_compare_options timing = {1};
    struct wst_check_error error;
    struct wst_outcome *outcome = wst_session_compare(expected, seen, &timing, &error);
    uint64_t count = outcome ? wst_outcome_count(outcome) : UINT64_MAX;

    reported(outcome);
    wst_golden_write(seen, expected, "x", nowhere, NULL);
    if (wst_session_refilter(expected, "tcp", &error) == 0)
        wst_golden_write(seen, expected, "x", nowhere, NULL);
    wst_outcome_free(outcome);
    return count;
}

static int64_t few(void *user, uint64_t at, uint8_t *to, size_t n)
{
    const struct wst_slice *text = user;
    size_t left = at < text->n ? text->n - (size_t)at : 0;

    if (n > 7) n = 7;
    if (n > left) n = left;
    if (n) memcpy(to, text->p + at, n);
    return (int64_t)n;
}

/* A golden in memory and the same one a few bytes at a time. */
static void golden(struct wst_slice text)
{
    struct wst_golden_source source = {&text, few};
    struct wst_check_error error;
    struct wst_session *whole = wst_golden_read(text, 1 << 24, &error);
    struct wst_session *pieces = wst_golden_open(&source, 1 << 24, &error), *seen;

    if ((whole == NULL) != (pieces == NULL)) __builtin_trap();
    if (whole == NULL) return;
    seen = wst_session_new(wst_session_settings(whole), 1 << 24);
    if (seen) {
        struct wst_listener listener = wst_session_listener(seen);
        feed(&listener, text);
        if (wst_session_seal(seen) == NULL && compared(whole, seen) != compared(pieces, seen))
            __builtin_trap();
    }
    wst_session_free(seen);
    wst_session_free(pieces);
    wst_session_free(whole);
}

static void rules(struct wst_slice text)
{
    struct wst_check_error error;
    struct wst_check_rules *read = wst_check_rules_read(text, &error);
    struct wst_trial *trial = read ? wst_trial_new(read, 1 << 24) : NULL;
    struct wst_outcome *outcome;

    if (trial) {
        struct wst_listener listener = wst_trial_listener(trial);
        feed(&listener, text);
        outcome = wst_trial_end(trial);
        reported(outcome);
        wst_outcome_free(outcome);
    }
    wst_trial_free(trial);
    wst_check_rules_free(read);
}

/* Each line is a message, of one side and then of the other; one of a single byte is binary. */
static void talk(const struct wst_listener *to, struct wst_slice text)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .dir = WST_C2S, .conn = 1, .when = {1, 1}};

    for (; text.n; e.when.pkt++, e.when.ns++, e.dir = (enum wst_dir) !e.dir) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        struct wst_slice line = wst_slice_head(text, end ? (size_t)(end - text.p) : text.n);
        struct wst_utf8 utf8;
        wst_utf8_init(&utf8);
        e.message =
            (struct wst_event_message){.msg = e.when.pkt,
                                       .opcode = line.n == 1 ? 2 : 1,
                                       .certain = true,
                                       .utf8 = wst_utf8_feed(&utf8, line) && wst_utf8_done(&utf8),
                                       .frames = 1,
                                       .len = line.n,
                                       .payload = line,
                                       .first_pkt = e.when.pkt};
        to->event(to->user, &e);
        text = wst_slice_skip(text, line.n + 1);
    }
}

struct text {
    uint8_t bytes[1 << 20];
    size_t n;
};

static int keep(void *user, const uint8_t *p, size_t n)
{
    struct text *text = user;

    if (n > sizeof text->bytes - text->n) return -1;
    memcpy(text->bytes + text->n, p, n);
    text->n += n;
    return 0;
}

/* What was said, written as a golden, is the same as what was said. */
static void said(struct wst_slice text)
{
    static struct text written;
    struct wst_check_settings *settings = wst_check_settings_new();
    struct wst_session *seen = settings ? wst_session_new(settings, 1 << 24) : NULL, *golden = NULL;
    struct wst_outcome *outcome = NULL;
    struct wst_check_error error;

    written.n = 0;
    if (seen) {
        struct wst_listener listener = wst_session_listener(seen);
        talk(&listener, text);
        if (wst_session_seal(seen) == NULL &&
            wst_golden_write(seen, NULL, "x", keep, &written) == 0)
            golden = wst_golden_read((struct wst_slice){written.bytes, written.n}, 1 << 24, &error);
        if (golden) outcome = wst_session_compare(golden, seen, NULL, &error);
        if (golden && (!outcome || wst_outcome_count(outcome))) __builtin_trap();
    }
    wst_outcome_free(outcome);
    wst_session_free(golden);
    wst_session_free(seen);
    wst_check_settings_free(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wst_slice rest = {data + 1, size - 1};
    struct wst_check_settings *settings;
    struct wst_check_error error;

    if (size < 2 || size > 4096) return 0;
    if (data[0] == '>') { /* no input of the other doors began so */
        said(rest);
        return 0;
    }
    switch (data[0] % 3) {
    case 0: golden(rest); return 0;
    case 1: rules(rest); return 0;
    default:
        settings = wst_check_settings_new();
        if (settings) wst_check_set(settings, rest, &error);
        wst_check_settings_free(settings);
        return 0;
    }
}
