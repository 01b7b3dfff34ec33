/* SPDX-License-Identifier: MIT
 *
 * Inside the har room.
 *
 *     har.c        events: which entry they are of, and when that is over
 *     entry.c      a handshake  ->  an entry's request and response (address.c, cookies.c)
 *     items.c      messages, control frames, gaps, findings  ->  lines of lists
 *     spool.c      where all of it waits
 *     document.c   what waited  ->  entries, one after the other, in one document
 *
 * Parts of an entry, in this order, each a strand of the spool. Lists are rows of items, each on a
 * line of its own that begins with the line's end, so that the document can be cut between two.
 */
#ifndef WST_HAR_HAR_H
#define WST_HAR_HAR_H

#include "clock.h"
#include "conns.h"
#include "outlet.h"
#include "slice.h"
#include "spool.h"

enum wst_har_part {
    WST_HAR_HEAD, /* from its brace on: what the handshake tells */
    WST_HAR_MESSAGES,
    WST_HAR_CONTROL,
    WST_HAR_CLOSE, /* one member, of the first close frame */
    WST_HAR_GAPS,
    WST_HAR_PROBLEMS,
    WST_HAR_TAIL, /* what its end tells */
    WST_HAR_PARTS
};

/* Findings of no connection are a part of no entry, and come last. */
#define WST_HAR_NO_ENTRY INT64_MAX

struct wst_har_conn { /* a connection that is not over */
    struct wst_conn_node node;
    int64_t start_ns, wait_ns;
    bool accepted, asked, answered, lost; /* lost: its head found no place */
    bool cut_close; /* of the close frame that is told next, the capture has not all */
    uint64_t left_out, gaps, doubtful, bare; /* bare: messages without their payload */
    struct wst_strand strands[WST_HAR_PARTS];
};

enum wst_har_level { WST_HAR_NOWHERE, WST_HAR_ENTRIES, WST_HAR_ENTRY, WST_HAR_FINDINGS };

struct wst_har_place { /* where the document could be cut */
    uint64_t at;       /* bytes before */
    enum wst_har_level level;
    uint64_t part; /* in an entry: the list */
};

struct wst_har {
    struct wst_har_options options;
    struct wst_spool spool;
    struct wst_conns open;
    struct wst_har_conn *refused_conn; /* it is over before the next handshake */
    struct wst_har_conn whole;         /* what is of no connection */
    struct wst_har_left left;
    uint64_t wire,
        total; /* of all messages: payload on the wire, and as it stands in the archive */
    struct wst_clock clock;
    bool begun, done;
    struct wst_event_stats stats;

    /* The item being written: to a strand of `conn`, when `item` overflows or ends. */
    struct wst_out item;
    struct wst_har_conn *conn;
    enum wst_har_part part;
    bool refused_item, doubtful_item;
    bool in_piece,  /* the open string is not of its payload, but of the last list in it, … */
        piece_open; /* … and was when it was handed on */
    uint64_t taken;                           /* bytes of it that the spool has, … */
    uint64_t payload, payload_taken, omitted; /* … and how many of its payload's these say */

    /* The document. */
    struct wst_out out;
    wst_write_fn write;
    void *user;
    uint64_t written; /* bytes that the writer took */
    struct wst_har_place now, safe,
        safer;                  /* the last, the last that was written, the one before, … */
    struct wst_har_place first; /* … the one before any entry */
    enum wst_har_level level;
    struct wst_spool_key key; /* of the strand that is being written */
    bool any_entry, any_messages, cut;
    int failed;
};

/* -- an item ----------------------------------------------------------------------------------- */

/* Begins one of conn's `part`: what is put into har->item until wst_har_item_end belongs to it. */
struct wst_out *wst_har_item(struct wst_har *har, struct wst_har_conn *conn,
                             enum wst_har_part part);
/* Inside its string of payload: what was put so far is handed on, and says `payload` bytes of it.
 * False: there is no place for it, nor for more. */
bool wst_har_item_more(struct wst_har *har, uint64_t payload);
/* False: it is not in the spool. What had been handed on before is ended in good order. */
bool wst_har_item_end(struct wst_har *har);

/* -- values ------------------------------------------------------------------------------------ */

/* A member: `key` with its comma and colon; then a value. */
void wst_har_text(struct wst_out *out, const char *key, const char *value);
void wst_har_slice(struct wst_out *out, const char *key, struct wst_slice value); /* no value: "" */
void wst_har_number(struct wst_out *out, const char *key, uint64_t value);
void wst_har_bool(struct wst_out *out, const char *key, bool value);
void wst_har_seconds(struct wst_out *out, const char *key, int64_t ns); /* 1795176001.123456 */

/* -- parts ------------------------------------------------------------------------------------- */

/* entry.c: the head of an entry and its tail; `end` NULL: a refused one, or one whose end was not
 * told. */
bool wst_har_entry(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event);
void wst_har_no_times(struct wst_out *out);
void wst_har_tail(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event_end *end);

/* items.c: false: it was left out. */
bool wst_har_message(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event);
bool wst_har_frame(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event);
bool wst_har_close(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event);
bool wst_har_gap(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event);
bool wst_har_problem(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event);

/* address.c: `"url":"ws://…"` and `"queryString":[…]`, a comma in front of each. False: the
 * address had to be written in another way than it was sent. */
bool wst_har_address(struct wst_out *out, const struct wst_event_handshake *h);
void wst_har_query(struct wst_out *out, struct wst_slice target);

/* cookies.c: of the lines so named, `"cookies":[…]`. */
void wst_har_cookies(struct wst_out *out, const struct wst_header *headers, size_t n, bool set);

/* document.c */
void wst_har_document_init(struct wst_har *har);
void wst_har_document_begin(struct wst_har *har, const struct wst_event_meta *meta);
void wst_har_document_end(struct wst_har *har);

#endif
