/* SPDX-License-Identifier: MIT
 *
 * In: a timeline. Out: what top shows: each connection in figures, and its latest lines.
 * Refuses to grow: so many connections, so many bytes of lines; the oldest go first.
 */
#ifndef WST_TOOL_WATCH_H
#define WST_TOOL_WATCH_H

#include <sys/queue.h>
#include <wstrace/render.h>

enum {
    WST_WATCH_CONNS = 2000,
    WST_WATCH_DETAIL = 1024,    /* bytes of a payload kept */
    WST_WATCH_BYTES = 64 << 20, /* of lines, all together */
    WST_WATCH_BUCKETS = 4096,
};

struct wst_tool_watch_line {
    struct wst_tool_watch_line *next;  /* of the same connection */
    struct wst_tool_watch_line *newer; /* of all */
    uint64_t conn, number;             /* of its connection; of the line, over all */
    struct wst_when when;
    enum wst_dir dir;
    enum wst_event_type type;
    enum wst_level level;         /* of a problem */
    bool has_frame;               /* the one frame that the line is about */
    struct wst_event_frame frame; /* its payload is null */
    bool text, compressed, certain;
    uint8_t opcode;
    uint64_t len, wire_len, frames; /* of a message */
    int32_t code;                   /* of a close */
    size_t n;
    char bytes[]; /* the payload's first, or words */
};

struct wst_tool_watch_conn {
    struct wst_tool_watch_conn *next; /* in its bucket */
    TAILQ_ENTRY(wst_tool_watch_conn) place; /* among those that are open, or over */
    uint64_t number;
    char client[64], server[64]; /* address:port */
    char path[128], protocol[64];
    char app[32];   /* what rides on it, for people: "Socket.IO"; "": not known */
    char last[128]; /* the message said last; of one not accepted, why */
    int64_t began_ns, last_ns;
    uint64_t bytes, frames, messages, problems;
    uint64_t bytes_before; /* when the rate was computed */
    double rate;           /* bytes a second */
    bool ended;            /* or never was one: refused, without an answer */
    struct wst_tool_watch_line *first, *newest;
};

/* Whoever was silent for longest comes first. */
TAILQ_HEAD(wst_tool_watch_row, wst_tool_watch_conn);

struct wst_tool_watch {
    struct wst_tool_watch_conn *buckets[WST_WATCH_BUCKETS];
    struct wst_tool_watch_row open, over;
    size_t n;             /* connections kept */
    uint64_t newest_conn; /* the largest number so far: they are given in the order in which one
                           * is first told of */
    uint64_t all, frames, bytes, numbers;
    uint64_t forgotten; /* connections */
    struct wst_tool_watch_line *oldest, *newest;
    size_t line_bytes;
    int64_t now_ns; /* of the event told last */
    struct wst_held_frame held;
};

struct wst_tool_watch *wst_tool_watch_new(void); /* NULL: out of memory */
void wst_tool_watch_free(struct wst_tool_watch *watch);
struct wst_listener wst_tool_watch_listener(struct wst_tool_watch *watch);
/* NULL: forgotten. */
struct wst_tool_watch_conn *wst_tool_watch_find(const struct wst_tool_watch *watch, uint64_t conn);
/* The rates, over the time since the last call. */
void wst_tool_watch_rates(struct wst_tool_watch *watch, double seconds);

#endif
