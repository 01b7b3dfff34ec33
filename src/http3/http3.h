/* SPDX-License-Identifier: MIT
 *
 * The door of the http3 room. In: the bytes of each stream of an HTTP/3 connection (RFC 9114), in
 * order. Out: each stream that a CONNECT opened (RFC 9220; RFC 9114 section 4.4): its request, its
 * answer, the bytes of its DATA frames, what is missing among them, how it ended. Other streams
 * pass by. A frame that breaks a rule is told.
 *
 *   stream 0, 4, 8 … ─▶ frames ─▶ field section ─▶ fields ─▶ request │ answer
 *                         │ ▲          ▲
 *                         │ └── seek   └── table ◀── the encoder's stream
 *                         │      ▲       ▲
 *                         │     gap    settings ◀── the control streams
 *                         └───▶ DATA ─▶ data │ gap │ fin │ end
 *
 * Streams know no order among each other: what a server says may be captured before what it
 * answers, and a field section before what it refers to. Then that stream waits, and no other.
 * A gap inside the payload of DATA costs only what is missing; any other this stream's framing,
 * until DATA is found that carries whole frames of WebSocket. After a gap in an encoder's stream
 * what refers to its table cannot be read any more.
 */
#ifndef WST_HTTP3_HTTP3_H
#define WST_HTTP3_HTTP3_H

#include <nghttp3/nghttp3.h>
#include <wstrace/wstrace.h>

#include "arrival.h"
#include "buf.h"
#include "charged.h"
#include "connect.h"
#include "queue.h"
#include "sorted.h"
#include "varint.h"

enum {
    WST_HTTP3_HEADER = 16,         /* of a frame's header: two of them, RFC 9114 section 7.1 */
    WST_HTTP3_SOUGHT = 256,        /* bytes that are looked at to find a frame */
    WST_HTTP3_TABLE_MAX = 1 << 20, /* bytes that a table may cost: more than anybody uses */
    WST_HTTP3_STREAMS = 1000,      /* at a time: opened by CONNECT, or nobody knows yet */
    WST_HTTP3_BLOCKED = 128,       /* of these, whose fields wait for the table */
    WST_HTTP3_DONE = 1024,         /* streams of which it is remembered that nobody wants them */
    WST_HTTP3_UNTYPED = 8,         /* unidirectional, whose type is not whole */
    WST_HTTP3_PATIENCE = 64,       /* pieces of the client for which a server's bytes wait */
};

/* Which streams of a kind, counted one by one, are over or nobody's: all below `from`, too. */
struct wst_http3_numbers {
    uint64_t from;
    uint64_t bits[WST_HTTP3_DONE / 64];
};

struct wst_http3_frames { /* of one direction of a stream */
    uint64_t type, left;  /* of the frame; bytes of its payload still to come */
    uint64_t lost;        /* bytes missing or passed over since framing was lost */
    uint8_t head[WST_HTTP3_HEADER], have;
    bool begun;          /* the header was read, the payload is next */
    bool wanted;         /* its field section is read */
    bool opaque;         /* its payload is passed over */
    bool torn;           /* bytes of the field section are missing, or too many to keep */
    bool first;          /* a HEADERS frame came; of a control stream: any frame */
    bool seeking;        /* framing was lost */
    bool sought;         /* framing was lost, once at least: the field sections are past */
    uint64_t part_from;  /* the packet in which `part` begins */
    struct wst_buf part; /* of a field section or setting that is not whole; or what may be a frame
                          * where one is sought */
};

enum wst_http3_known {
    WST_HTTP3_ASKING, /* its request is not whole */
    WST_HTTP3_ASKED,  /* by CONNECT; base.upper is set */
    WST_HTTP3_UNKNOWN /* the request is lost; base.upper is set when its bytes are wanted */
};

struct wst_http3_stream {
    struct wst_connect_stream base;
    struct wst_http3_frames frames[2];
    uint8_t known;      /* enum wst_http3_known */
    bool answer_lost;   /* or it could not be read */
    bool ended[2];      /* no more bytes of that direction */
    bool broken;        /* one side broke it off; the other's end is still to come */
    bool told[2];       /* that it breaks rules, or that something of it is not read */
    bool spoke;         /* bytes of the client came before the answer, kept or not */
    bool wait_inexact;  /* of what is missing in `wait` it is known how much at most */
    bool blocked[2];    /* the section in `part` waits for `needs` fields of the table */
    bool fin_behind[2], reset_behind[2]; /* behind what waits in `behind` */
    bool held;          /* bytes of the server wait for the request */
    uint64_t needs[2];
    uint64_t since;             /* of pieces of the client, when the server's began to wait */
    struct wst_queue behind[2]; /* bytes of the stream that wait until what is before is read */
    struct wst_queue wait;      /* DATA of the client that came before the answer */
    /* Missing before there was an answer: behind what waits; in front of the server's first byte
     * that is handed on, at most. */
    uint64_t untold[2];
    uint64_t unseen; /* lost with the server's answer, at most */
};

struct wst_http3_table { /* what the field sections of one direction refer to, RFC 9204 */
    nghttp3_qpack_decoder *decoder;
    nghttp3_mem memory;         /* its own … */
    struct wst_charged charged; /* … paid for from the budget */
    uint64_t capacity;          /* that the reader allows */
    bool known;                 /* the capacity is */
    bool lost;                  /* what fills it is, or was not understood */
    bool doubted;               /* but only because the type of a stream is missing */
    struct wst_buf early;       /* of the encoder's stream, while the capacity is not known */
};

struct wst_http3_untyped {
    uint64_t id;
    uint8_t head[WST_VARINT], have; /* 0: nobody's place */
};

struct wst_http3_side {            /* what one side sends, but for the streams of requests */
    struct wst_http3_numbers done; /* unidirectional */
    struct wst_http3_untyped untyped[WST_HTTP3_UNTYPED];
    uint64_t control, encoder, decoder; /* streams, plus one; 0: none yet */
    struct wst_http3_frames frames;     /* of the control stream */
    struct wst_http3_table table;
    uint64_t allows; /* bytes of the other side's table, by the settings */
    uint64_t least;  /* no blocked section of this side needs fewer fields of the table */
    bool settled;    /* these came */
    bool closing;    /* a stream ended that stays open while there is anything to say */
    bool unsettled;  /* they are missing */
    bool told;       /* that it breaks rules, or that something of it is not read */
};

/* Shared by all connections of one context. */
struct wst_http3_env {
    const struct wst_options *options;
    struct wst_budget *budget;
    struct wst_connect_sink sink;
};
void wst_http3_env_init(struct wst_http3_env *env, const struct wst_options *options,
                        struct wst_budget *budget);

struct wst_http3 { /* one connection */
    void *conversation;
    struct wst_http3_side side[2];
    /* Of struct wst_http3_stream; those with base.upper were asked for. */
    struct wst_sorted streams;
    uint32_t blocked;              /* directions of them that are */
    uint32_t asked;                /* of them, those with base.upper */
    uint32_t waiting;              /* of them, those that are `held` */
    uint64_t pieces;               /* of the client so far */
    struct wst_http3_numbers done; /* streams of requests */
    struct wst_buf fields;         /* of the section that was read last */
    bool lacked;                   /* it was told that a request may be missing */
    bool enabled;                  /* the server's settings allow extended CONNECT */
    uint64_t served;               /* the server does nothing on streams from this one on */
    uint64_t away[2];              /* the last GOAWAY of each, and one more; 0: none */
    bool goaway;                   /* the server said that it ends the connection */
    bool mute;                     /* the server is not heard so far */
    bool deaf;                     /* the client is not heard: nothing waits for its requests */
    bool crowded;                  /* it was told that there are too many streams */
    bool midst;                    /* its beginning was not captured */
    bool doubtful;                 /* … and what it speaks may be something else than HTTP/3 */
};

/* `http3` is all zeros. */
void wst_http3_init(struct wst_http3 *http3, void *conversation);
void wst_http3_free(struct wst_http3 *http3, struct wst_http3_env *env); /* tells nothing */
/* The next bytes of stream `id`. */
void wst_http3_push(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                    enum wst_dir dir, struct wst_slice bytes, const struct wst_arrival *arrival);
/* n bytes of it are missing. */
void wst_http3_gap(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                   enum wst_dir dir, uint64_t n, const struct wst_arrival *arrival);
/* The side sends nothing more on it. */
void wst_http3_fin(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                   enum wst_dir dir, const struct wst_arrival *arrival);
/* The side broke it off, or wants to read no more of it. */
void wst_http3_reset(struct wst_http3 *http3, struct wst_http3_env *env, uint64_t id,
                     enum wst_dir dir, uint64_t code, const struct wst_arrival *arrival);
/* Its beginning was not captured: settings may be missing, or (`late`) are. `doubtful`: and nobody
 * said that it is HTTP/3. */
void wst_http3_midst(struct wst_http3 *http3, struct wst_http3_env *env, bool late, bool doubtful,
                     const struct wst_arrival *arrival);
/* The client was not captured: nothing waits for its requests. */
void wst_http3_one_sided(struct wst_http3 *http3);
/* Whether the server was not captured so far: then what a client says on a stream that it asked for
 * proves that it had a good answer. */
void wst_http3_mute(struct wst_http3 *http3, bool mute);
/* Whether bytes of that direction wait, or are looked through for frames. */
bool wst_http3_behind(const struct wst_http3 *http3, uint64_t id, enum wst_dir dir);
/* Whether what comes of the stream matters: it is one of those in `streams`, or says how these are
 * to be read. */
bool wst_http3_wants(const struct wst_http3 *http3, uint64_t id);
/* The connection is over; so is every stream. */
void wst_http3_end(struct wst_http3 *http3, struct wst_http3_env *env, enum wst_tcp_end how,
                   const struct wst_arrival *arrival);

/* frame.c: numbers (RFC 9000 section 16), and one frame's header (RFC 9114 section 7.1). */
enum wst_http3_type {
#define WST_HTTP3_ROW(NAME, type, where) WST_HTTP3_##NAME = type,
#include "frames.def"
#undef WST_HTTP3_ROW
};
/* Takes bytes of the header; with its last one frames->begun, type and left are set. How many were
 * taken. */
size_t wst_http3_header(struct wst_http3_frames *frames, struct wst_slice bytes);
/* Why a frame may not come from `dir` on a control stream, or on one of a request; NULL: it may. */
const char *wst_http3_misplaced(uint64_t type, enum wst_dir dir, bool control);

/* errors.c: "H3_REQUEST_REJECTED (0x10b): nothing was done on it …" (RFC 9114 section 8.1). */
void wst_http3_error(uint64_t code, char *to, size_t room);

/* seek.c: DATA that begins a place that nobody knows. */
enum wst_http3_found { WST_HTTP3_NONE, WST_HTTP3_PERHAPS, WST_HTTP3_FOUND };
/* Whether what begins here is DATA that carries a whole frame of WebSocket sent by `dir`; PERHAPS:
 * more bytes are needed to say so, never more than WST_HTTP3_SOUGHT. `last`: there are none. */
enum wst_http3_found wst_http3_sought(struct wst_slice bytes, enum wst_dir dir, bool last);

/* qpack.c: field sections (RFC 9204). */
enum wst_qpack_read {
    WST_QPACK_READ,    /* or the first fields show that it is no CONNECT's */
    WST_QPACK_WAITS,   /* for `needs` fields of the table, or for the settings */
    WST_QPACK_MISSING, /* it refers to what is missing */
    WST_QPACK_REFUSED, /* there is no memory to read it */
    WST_QPACK_BROKEN   /* it breaks rules */
};
/* The fields of a section; not `whole`: of its beginning, as far as they can be read, and MISSING.
 * `connects`: they are read if it is a CONNECT's. */
enum wst_qpack_read wst_qpack_read(struct wst_http3_table *table, struct wst_http3_env *env,
                                   struct wst_slice section, bool whole, bool connects,
                                   struct wst_buf *fields, uint64_t *needs);
/* Bytes of the encoder's stream. False: they break rules, and the table is lost. */
bool wst_qpack_insert(struct wst_http3_table *table, struct wst_http3_env *env,
                      struct wst_slice bytes);
/* The reader's settings came. False: as above, of what came before them. */
bool wst_qpack_allow(struct wst_http3_table *table, struct wst_http3_env *env, uint64_t capacity);
/* How many fields the table has had. */
uint64_t wst_qpack_inserted(const struct wst_http3_table *table);
/* What sections refer to is not known any more. */
void wst_qpack_lose(struct wst_http3_table *table, struct wst_http3_env *env);
void wst_qpack_free(struct wst_http3_table *table, struct wst_http3_env *env);

/* numbers.c */
bool wst_http3_is_done(const struct wst_http3_numbers *numbers, uint64_t n);
void wst_http3_done(struct wst_http3_numbers *numbers, uint64_t n);

#endif
