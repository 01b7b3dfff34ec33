/* SPDX-License-Identifier: MIT
 *
 * Inside the explain room: who collects what is needed for an explanation while a capture goes by.
 */
#ifndef WST_EXPLAIN_EXPLAIN_H
#define WST_EXPLAIN_EXPLAIN_H

#include "subject.h"

enum {
    EXPLAIN_CONNS = 1024, /* looked after at a time, when it is not known which will be wanted */
    EXPLAIN_CHAINS = 256, /* they hang in */
    EXPLAIN_SYNS = 1024,  /* conversations whose first packets are remembered */
    EXPLAIN_SYN = 3,
    EXPLAIN_CLOSING = 64,  /* packets and close frames of one ending */
    EXPLAIN_LISTED = 1000, /* connections in the list */
    EXPLAIN_SIGHTS = 16,
};

enum wst_want_kind { WANT_FRAMES, WANT_HANDSHAKE, WANT_CLOSING, WANT_PACKET };

struct wst_want {
    enum wst_want_kind kind;
    uint64_t conn, first, last; /* WANT_PACKET: first is its number */
    bool found;
    bool met;        /* the connection is in the capture */
    bool lost;       /* a frame that cannot be shown: its bytes are missing, or were too many */
    uint64_t frames; /* of the connection, so far */
};

struct wst_ending_row { /* something that happened while the connection ended */
    uint64_t pkt;
    int64_t ns;
    enum wst_dir dir;
    bool frame;   /* a close frame; else a TCP packet … */
    bool stream;  /* … or the end of a stream … */
    bool quic;    /* … inside QUIC */
    int32_t code; /* of the close frame */
    char reason[408]; /* of 100 bytes, each of which may be shown as \xNN, and … */
    uint8_t flags;    /* of the packet */
    int64_t seq, ack; /* relative; of a close frame: of the packet that completed it */
    uint32_t len;
};

struct wst_ending { /* of a connection whose closing is wanted */
    uint64_t conn;
    int64_t tcp_stream;
    uint8_t client_side;
    bool stream; /* of HTTP/2 or HTTP/3: what carries it goes on */
    int32_t status; /* of the answer; -1: none */
    bool seen, accepted, ended, clean, fin[2];
    bool missing; /* neither side sent a close frame */
    bool told; /* the last acknowledgment has come, too */
    int64_t end[2],
        ack[2]; /* of each side's newest packet: behind its last byte; what it has heard */
    enum wst_tcp_end tcp;
    enum wst_dir by, tls_by;
    enum wst_no_reply no_reply;
    struct wst_ending_row rows[EXPLAIN_CLOSING];
    unsigned rows_n;
    struct wst_ending *next;
};

struct wst_conn { /* one that is looked after */
    struct wst_conn *next;
    uint64_t conn;
    enum wst_known deflate;
    enum wst_inside inside;
    bool takeover[2];
    struct wst_stream stream[2];
};

struct wst_listed {
    uint64_t conn, frames, messages, compressed, problems;
    int32_t status;
    bool accepted, deflate;
    char uri[168]; /* of 40 bytes, each of which may be shown as \xNN, and … */
};

struct wst_sight { /* the first frame of a kind */
    const char *what;
    uint64_t conn, n, pkt;
};

struct wst_explain {
    struct wst_explain_options options;
    struct wst_paper paper;
    struct wst_want *wants;
    size_t wants_n, wants_room;
    bool any_conn; /* a wanted packet may be of any connection */
    bool starved;
    int64_t found;
    struct wst_conn *conns[EXPLAIN_CHAINS]; /* by number: each frame looks for its own */
    unsigned conns_n;
    struct wst_ending *endings;
    struct {
        int64_t stream; /* + 1; 0: free */
        unsigned n;
        struct wst_wire_packet packets[EXPLAIN_SYN];
    } * syns;
    struct { /* what is open on the paper, and may have findings of its own */
        bool open, findings;
        uint64_t conn, n;
    } now;
    struct wst_listed *listed;
    size_t listed_n, listed_room;
    uint64_t unlisted, closed_tls; /* connections: too many; that could not be opened */
    bool quic;                     /* there was some, which the latter may be of */
    struct wst_sight sights[EXPLAIN_SIGHTS];
    struct wst_conn typed; /* of wst_explain_hex */
    uint64_t typed_n[2];
};

/* explain.c: takes the frame into its stream; explains it when `wanted`. */
void wst_explain_frame(struct wst_explain *x, struct wst_subject *s, struct wst_stream *stream,
                       bool wanted);
/* wants.c: whether it is wanted. `kept`: the frame can be shown. */
bool wst_wants_frame(struct wst_explain *x, const struct wst_wire_frame *f, bool kept);
bool wst_wants_handshake(struct wst_explain *x, const struct wst_wire_handshake *h);
bool wst_wants_frames_of(const struct wst_explain *x, uint64_t conn); /* or may want one later */
/* listing.c */
void wst_listing_event(struct wst_explain *x, const struct wst_event *e);
void wst_listing_write(struct wst_explain *x);
/* closing.c */
void wst_closing_handshake(struct wst_explain *x, const struct wst_wire_handshake *h);
void wst_closing_packet(struct wst_explain *x, const struct wst_wire_packet *packet);
void wst_closing_event(struct wst_explain *x, const struct wst_event *e);
void wst_closing_write(struct wst_explain *x);
void wst_closing_free(struct wst_explain *x);

#endif
