/* SPDX-License-Identifier: MIT
 *
 * Conversations held against what is expected of them: a golden file, a file of rules, another
 * capture. docs/CHECKS.md says what the files look like and what counts as the same.
 *
 *     struct wst_session *expected = wst_golden_read(text, memory, &error);
 *     struct wst_session *seen = wst_session_new(wst_session_settings(expected), memory);
 *     struct wst_listener listener = wst_session_listener(seen);
 *     … a context with this listener, and with the options of wst_check_options …
 *     if (wst_session_seal(seen) == NULL)
 *         struct wst_outcome *outcome = wst_session_compare(expected, seen, NULL, &error);
 *
 * Nothing here reads a file: texts come from the caller and go to a wst_write_fn. Objects may be
 * used by one thread at a time; settings and a sealed session that nobody changes by several.
 */
#ifndef WSTRACE_CHECK_H
#define WSTRACE_CHECK_H

#include <wstrace/wstrace.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

/* Where a text is wrong. `line` and `column` (bytes) begin at 1; 0: the whole of it. */
struct wst_check_error {
    uint32_t line, column;
    char what[256]; /* one sentence without a newline; printable */
};

/* Bytes that one golden, rule file or session may take when the caller has no better idea: several
 * times what a capture of 100 MB becomes. */
#define WST_CHECK_MEMORY ((size_t)1 << 30)
/* A golden or rule file larger than this is refused unread. */
#define WST_CHECK_FILE_MAX ((size_t)512 << 20)
/* Regular expressions are looked for in windows of so many bytes, each half a window behind the
 * one before, because with some of them the C library takes the square of the length. So what
 * matches is found wherever it stands, when it is no longer than half a window. */
#define WST_CHECK_PATTERN_WINDOW ((size_t)16 << 10)

/* -- settings: what is compared ---------------------------------------------------------------- */

struct wst_check_settings; /* owned by who made it */

/* The defaults: everything is compared but times, packets, ports, keys, masks, fragmentation and
 * compression. NULL when out of memory. */
WST_API struct wst_check_settings *wst_check_settings_new(void);
/* One setting, as a line in the head of a golden, without its end: "ignore $.ts", "redact ID
 * [0-9a-f]{32}", "reply $.id", "header Origin", "drop-header Cookie", "max-payload 4096",
 * "strict-order", "frames", "no-control", "filter tcp port 80", "conn 3". Returns 0, or -1 with the
 * place in `error` (line 0) and nothing changed. */
WST_API int wst_check_set(struct wst_check_settings *settings, struct wst_slice line,
                          struct wst_check_error *error);
/* What the settings want of a context: sets options->headers. */
WST_API void wst_check_options(const struct wst_check_settings *settings,
                               struct wst_options *options);
/* The BPF expression that captures are to be read with, borrowed; NULL: none. Whoever opens them
 * sees to it. */
WST_API const char *wst_check_filter(const struct wst_check_settings *settings);
WST_API void wst_check_settings_free(struct wst_check_settings *settings);

/* -- sessions: what was said, by meaning ------------------------------------------------------- */

struct wst_outcome; /* what is different; owned by who asked for it */

struct wst_session; /* a capture's or a golden's; owned by who made it */

/* An empty session that takes at most `memory` bytes. `settings` must outlive it. NULL when out of
 * memory. */
WST_API struct wst_session *wst_session_new(const struct wst_check_settings *settings,
                                            size_t memory);
/* Feeds the session. Valid as long as the session; not after it was sealed. */
WST_API struct wst_listener wst_session_listener(struct wst_session *session);
/* Whether the session would do anything with this event: who hands events to another thread may
 * keep the others. May be asked while another thread feeds the session. */
WST_API bool wst_session_wants(const struct wst_session *session, const struct wst_event *event);
/* All was told: puts everything into canonical order. Returns NULL, or in one sentence why the
 * session cannot be used (static storage). Once. */
WST_API const char *wst_session_seal(struct wst_session *session);
WST_API void wst_session_free(struct wst_session *session);

struct wst_session_facts {
    uint64_t connections; /* refused ones among them */
    uint64_t conn;        /* the only one that the settings pick; 0: all */
    uint64_t known;       /* connections of the capture, whether they are picked or not */
    uint64_t items;       /* messages, control frames, findings */
    uint64_t messages;
    uint64_t gaps;      /* holes in the capture: what is missing may be the capture's fault */
    uint64_t late;      /* connections that were joined in the middle: without their handshake */
    uint64_t unread;    /* TLS and QUIC connections that stayed closed */
    bool quic;          /* there was QUIC, of which they may be */
    uint64_t cut;       /* how often an expression that may match more than half a window had a text
                           before it that is longer than WST_CHECK_PATTERN_WINDOW */
    uint32_t undecided; /* of a trial that has ended: the line of the first rule that has no
                           verdict; 0: none */
    uint32_t unknown;   /* of a trial: the line of the first rule "no message ... app ..." that
                           anything keeps, for in none of the messages that it is about a known
                           protocol was spoken; 0: none */
};
WST_API struct wst_session_facts wst_session_facts(const struct wst_session *session);

/* Reads the head of a golden; the rest when it is compared. `text` is borrowed and must outlive the
 * session. NULL with the place in `error`. */
WST_API struct wst_session *wst_golden_read(struct wst_slice text, size_t memory,
                                            struct wst_check_error *error);
/* Where a golden lies that is not in memory. `read` gives up to n bytes from `at` on and returns
 * how many; 0 at the end, a negative number when it cannot. Asked for no more than a piece at a
 * time as long as nothing differs; then for all of it once more. */
struct wst_golden_source {
    void *user;
    int64_t (*read)(void *user, uint64_t at, uint8_t *to, size_t n);
};
/* As wst_golden_read(), of a golden that lies elsewhere; what `source` names must outlive the
 * session. */
WST_API struct wst_session *wst_golden_open(const struct wst_golden_source *source, size_t memory,
                                            struct wst_check_error *error);
/* Whether the text claims to be a golden; if not, it is a file of rules. */
WST_API bool wst_golden_is(struct wst_slice text);
/* The settings in a golden's head, or those the session was made with; the session's. */
WST_API const struct wst_check_settings *wst_session_settings(const struct wst_session *session);
/* Another filter for a golden that was read, "" or NULL for none: its settings have it from now on,
 * and so has the head of what is written over it. Returns 0, or -1 with the place in `error` (line
 * 0; in "filter …") and nothing changed. */
WST_API int wst_session_refilter(struct wst_session *golden, const char *filter,
                                 struct wst_check_error *error);
/* Writes a sealed session as a golden. `source` is named in its head. With `old`, a session that
 * was read from a golden, the head is that golden's, comments and all, but for what it says of the
 * capture and for another filter. Returns 0, or a negative number as the writer did, or -1 when out
 * of memory. */
WST_API int wst_golden_write(struct wst_session *session, const struct wst_session *old,
                             const char *source, wst_write_fn write, void *user);

/* -- rules: what must be true of a capture, whatever else was said ----------------------------- */

struct wst_check_rules; /* owned by who read them */

/* Reads a file of rules (docs/CHECKS.md). NULL with the place in `error`. */
WST_API struct wst_check_rules *wst_check_rules_read(struct wst_slice text,
                                                     struct wst_check_error *error);
/* What the rules want of a context: sets options->headers. */
WST_API void wst_check_rules_options(const struct wst_check_rules *rules,
                                     struct wst_options *options);
/* Whether some rule is about what messages say in their application's protocol: then a wst_apps
 * (apps.h) has to stand before the trial. */
WST_API bool wst_check_rules_apps(const struct wst_check_rules *rules);
WST_API void wst_check_rules_free(struct wst_check_rules *rules);

struct wst_trial; /* a capture under rules; owned by who made it */

/* Takes at most `memory` bytes. `rules` must outlive it; several trials may use them at a time.
 * NULL when out of memory. */
WST_API struct wst_trial *wst_trial_new(const struct wst_check_rules *rules, size_t memory);
/* Feeds the trial. Valid as long as it. */
WST_API struct wst_listener wst_trial_listener(struct wst_trial *trial);
WST_API struct wst_session_facts wst_trial_facts(const struct wst_trial *trial);
/* All was told: the rules that were not kept. Once. NULL when it took more memory than it may.
 * Without any the rules are kept only if there is none that has no verdict. */
WST_API struct wst_outcome *wst_trial_end(struct wst_trial *trial);
WST_API void wst_trial_free(struct wst_trial *trial);

/* -- outcomes: what is different --------------------------------------------------------------- */

enum wst_difference_kind {
    WST_DIFFERENCE_CHANGED, /* an item is there with other contents */
    WST_DIFFERENCE_MISSING, /* expected, not seen */
    WST_DIFFERENCE_EXTRA,   /* seen, not expected */
    WST_DIFFERENCE_MOVED,   /* seen at another place */
    WST_DIFFERENCE_VALUE,   /* a redacted value is not the one it was elsewhere */
    WST_DIFFERENCE_NO_CONNECTION,
    WST_DIFFERENCE_MORE_CONNECTION,
    WST_DIFFERENCE_TIMING, /* only with a threshold */
    WST_DIFFERENCE_RULE,   /* a rule is not kept */
    WST_DIFFERENCE_KINDS
};
WST_API const char *wst_difference_kind_name(enum wst_difference_kind kind); /* "changed" */

struct wst_field_change {       /* of a JSON payload; NULL: the field was not there, or is gone */
    const char *path;           /* "$.user.name" */
    const char *before, *after; /* canonical JSON, cut when long */
};

/* Everything a report tells of one place. Strings are clean (no control or hidden characters but
 * newlines), never NULL unless said, and live as long as the outcome. */
struct wst_difference {
    enum wst_difference_kind kind;
    const char *connection; /* "GET /chat", or "" */
    const char *what;       /* "message from the server: $.user.name" */
    const char *context;    /* lines: "  " as before and after, "- " expected, "+ " seen */
    const struct wst_field_change *fields;
    size_t fields_n;
    uint64_t conn;                   /* of the capture seen, as the timeline numbers it; 0: none */
    uint64_t pkt_first, pkt;         /* in the capture seen; 0: none */
    uint64_t other_first, other_pkt; /* in the other capture, when the expectation is one */
    uint64_t line;                   /* in the golden or rule file; 0: none */
};

enum { WST_DIFFERENCES_MAX = 1000 }; /* kept in one outcome; more are counted */

struct wst_compare_options {
    int64_t timing_ns; /* tell when the silence before an item changed by more; 0: times do not
                          matter */
};
/* Holds `seen` against `expected`; both must outlive the outcome's making only. `options` may be
 * NULL. NULL with what was wrong in `error`: a golden that cannot be read, with the place; memory.
 */
WST_API struct wst_outcome *wst_session_compare(struct wst_session *expected,
                                                struct wst_session *seen,
                                                const struct wst_compare_options *options,
                                                struct wst_check_error *error);
/* How many differences there are; 0: the same. May be more than WST_DIFFERENCES_MAX. */
WST_API uint64_t wst_outcome_count(const struct wst_outcome *outcome);
/* Whether there are differences that a setting makes which was put into the golden's head after
 * what stands below it was written. */
WST_API bool wst_outcome_settings_newer(const struct wst_outcome *outcome);
/* The i-th of those kept; NULL behind the last. */
WST_API const struct wst_difference *wst_outcome_difference(const struct wst_outcome *outcome,
                                                            size_t i);
/* The i-th rule of a trial that has no verdict, because what the capture lacks could have decided
 * otherwise: `line`, `connection`, `conn`, and in `what` why. NULL behind the last. Not among the
 * differences. */
WST_API const struct wst_difference *wst_outcome_undecided(const struct wst_outcome *outcome,
                                                           size_t i);
WST_API void wst_outcome_free(struct wst_outcome *outcome);

/* -- reports: outcomes for people and for build servers ---------------------------------------- */

enum wst_check_status { WST_CHECK_SAME, WST_CHECK_DIFFERENT, WST_CHECK_TROUBLE };

/* One capture held against one expectation. All strings are borrowed for the call; they may hold
 * any bytes but NUL and are made safe. */
struct wst_check_case {
    const char *name;               /* of the test case: "chat" */
    const char *capture, *expected; /* file names as given */
    enum wst_check_status status;
    const char *trouble;               /* why there is no verdict; with WST_CHECK_TROUBLE */
    bool undecided;                    /* it is that of the first rule that has none */
    const struct wst_outcome *outcome; /* NULL: none. With trouble only its undecided rules count */
    struct wst_session_facts facts;    /* of the capture seen; all 0 when unknown */
    bool rules;                        /* the expectation is a file of rules */
    bool capture_expected;             /* it is another capture: `diff` */
    bool updated;                      /* it is now made or rewritten; without an outcome: made */
    int64_t took_ns;                   /* -1: unknown */
};

enum wst_check_report_kind {
    WST_CHECK_REPORT_TEXT,   /* for people */
    WST_CHECK_REPORT_JUNIT,  /* the XML that Jenkins, GitLab and others read; written at the end */
    WST_CHECK_REPORT_TAP,    /* Test Anything Protocol, version 13 */
    WST_CHECK_REPORT_GITHUB, /* annotations of GitHub Actions: ten at most, for it shows no more a
                                step, troubles first, then one of each case; written at the end */
    WST_CHECK_REPORT_JSON,   /* one object, docs/CHECKS.md; written at the end */
    WST_CHECK_REPORT_KINDS
};

struct wst_check_report_options {
    bool colour;          /* of text */
    uint64_t differences; /* shown of a case in text; 0: all that are kept */
    bool quiet;           /* text: no word about what is the same */
};

struct wst_check_report; /* owned by who made it */
/* `options` may be NULL. NULL when out of memory. */
WST_API struct wst_check_report *
wst_check_report_new(enum wst_check_report_kind kind,
                     const struct wst_check_report_options *options, wst_write_fn write,
                     void *user);
WST_API void wst_check_report_case(struct wst_check_report *report,
                                   const struct wst_check_case *one);
/* Writes what is left. Once. Returns 0, or a negative number: the writer's, or out of memory. */
WST_API int wst_check_report_end(struct wst_check_report *report);
WST_API void wst_check_report_free(struct wst_check_report *report);

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif
