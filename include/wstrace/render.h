/* SPDX-License-Identifier: MIT
 *
 * Renderers: one struct of functions each, fed every event, giving bytes to a writer.
 */
#ifndef WSTRACE_RENDER_H
#define WSTRACE_RENDER_H

#include <wstrace/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What listens to a timeline. `event` is called for every event in order; `flush` when the
 * caller wants what is buffered to leave now (may be NULL). Neither may call back into the
 * context. */
struct wst_listener {
    void *user;
    void (*event)(void *user, const struct wst_event *event);
    void (*flush)(void *user);
};

/* Takes finished output. Returns 0, or a negative number when it cannot (a closed pipe, a full
 * disk): the renderer then writes nothing more and wst_render_failed says so. */
typedef int (*wst_write_fn)(void *user, const uint8_t *p, size_t n);

/* What tcpdump's -t and its repeats say. */
enum wst_time_format {
    WST_TIME_CLOCK, /* 12:00:01.123456 (default) */
    WST_TIME_NONE,  /* -t      */
    WST_TIME_EPOCH, /* -tt     seconds since 1970 */
    WST_TIME_DELTA, /* -ttt    since the line before */
    WST_TIME_DATE,  /* -tttt   date and clock */
    WST_TIME_SINCE  /* -ttttt  since the first line */
};

enum wst_dump {
    WST_DUMP_NONE,
    WST_DUMP_TEXT, /* -A: payloads in full below their line */
    WST_DUMP_HEX   /* -X: in hexadecimal and ASCII */
};

struct wst_text_options {
    bool colour;
    enum wst_time_format time;
    bool local_time; /* false: UTC */
    size_t max_text; /* columns for the payload on a line; 0: all of it. A cut is always marked */
    enum wst_dump dump; /* of messages, control frames and closes */
    bool frames;        /* show the frames of a message of several frames, too */
    bool headers;       /* handshake header lines */
    unsigned width;     /* of the terminal: payloads end with its line, if that leaves some of them;
                         * 0: max_text alone counts */
    /* What was looked for: where the payload of the next line lies around it, it is shown, and in
     * colour. May be NULL; borrowed. */
    const struct wst_slice *found;
};

struct wst_render; /* a renderer with its output buffer; owned by the caller */

/* Newline-delimited JSON, docs/EVENTS.md. NULL when out of memory. */
WST_API struct wst_render *wst_render_json_new(wst_write_fn write, void *user);
/* Lines for people. NULL when out of memory. */
WST_API struct wst_render *wst_render_text_new(const struct wst_text_options *options,
                                               wst_write_fn write, void *user);
/* What a connection comes to, as the Autobahn test suite words it. */
enum wst_verdict {
    WST_VERDICT_PASS,       /* nothing was found */
    WST_VERDICT_INFO,       /* notes, and what the capture or a limit kept from being seen */
    WST_VERDICT_NON_STRICT, /* an endpoint did something doubtful: a warning */
    WST_VERDICT_FAIL,       /* an endpoint broke a MUST: an error */
    WST_VERDICTS
};
WST_API const char *wst_verdict_name(enum wst_verdict verdict); /* "Non-Strict" */

struct wst_lint_options {
    bool json;   /* docs/EVENTS.md, "wstrace lint --json" */
    bool colour; /* text only */
    bool all;    /* text: connections without findings, too */
    unsigned width; /* text: columns of the terminal, which longer lines are folded for; 0: none */
};
/* Findings only, for each connection when it is over, with a verdict; with the stats a table by id.
 * It wants every finding: wst_options.problems = WST_PROBLEMS_ALL. NULL when out of memory. */
WST_API struct wst_render *wst_render_lint_new(const struct wst_lint_options *options,
                                               wst_write_fn write, void *user);
/* How many findings of level error it was told; 0 for any other renderer. */
WST_API uint64_t wst_render_lint_errors(const struct wst_render *render);
/* The renderer as a listener. Valid as long as the renderer. */
WST_API struct wst_listener wst_render_listener(struct wst_render *render);
/* Hands over what is buffered. Returns 0, or a negative number as the writer did. */
WST_API int wst_render_flush(struct wst_render *render);
WST_API bool wst_render_failed(const struct wst_render *render);
WST_API void wst_render_free(struct wst_render *render);

/* A regular expression (POSIX extended) that payloads are searched for: of messages, of pings and
 * other frames that have one, and the reasons of closes. Not of one that spans two messages. */
struct wst_grep;
enum { WST_GREP_ERROR = 128 };
/* NULL: `error` says what is wrong with the pattern, or that there is no memory. */
WST_API struct wst_grep *wst_grep_new(const char *pattern, bool ignore_case,
                                      char error[WST_GREP_ERROR]);
WST_API void wst_grep_free(struct wst_grep *grep); /* may be NULL */
/* Whether the event's payload matches; then *wst_grep_found is where, until the next call. */
WST_API bool wst_grep_event(struct wst_grep *grep, const struct wst_event *event);
WST_API const struct wst_slice *wst_grep_found(const struct wst_grep *grep);
/* How many events matched; and of how many nobody knows, for they are not whole, or a match may be
 * longer than half of the 16 KiB that are searched at a time. */
WST_API uint64_t wst_grep_matches(const struct wst_grep *grep);
WST_API uint64_t wst_grep_unsure(const struct wst_grep *grep);

/* A frame until its message or close comes, the very next event, if it comes: for listeners to whom
 * both are one. Nothing in it is borrowed. */
struct wst_held_frame {
    bool waiting;           /* false at first */
    struct wst_event event; /* its payload is null */
};
WST_API void wst_held_frame_keep(struct wst_held_frame *held, const struct wst_event *frame);
/* Whether `event` is the message that this frame is all of, or its close. Then it waits no more,
 * and can still be looked at. */
WST_API bool wst_held_frame_take(struct wst_held_frame *held, const struct wst_event *event);

/* Only some of the timeline: a listener that passes on what matches. Totals (`end`, `stats`) and
 * `meta` always pass; with `conn` set, so do only events of that connection. Zeros select all, but
 * of `dir`. */
struct wst_select {
    uint64_t conn;    /* 0: all */
    enum wst_dir dir; /* WST_DIR_NONE: both; 0 is WST_C2S */
    uint16_t ops;     /* bit 1 << opcode; 0: all. Concerns frame, message and close */
    struct wst_listener next;
    /* NULL: all. Else, of what is left by the above, only messages, closes, and control and
     * reserved frames that it finds something in. With a message or close comes its last frame.
     * Gaps always pass, for something may have been in them; handshakes, findings and ends of
     * connections do not. */
    struct wst_grep *grep;
    struct wst_held_frame held; /* the last frame, while it is not known what it belongs to */
};
/* `select` must outlive the listener. */
WST_API struct wst_listener wst_select_listener(struct wst_select *select);

#ifdef __cplusplus
}
#endif
#endif
