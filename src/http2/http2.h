/* SPDX-License-Identifier: MIT
 *
 * The door of the http2 room. In: the bytes of both sides of an HTTP/2 connection (RFC 9113). Out:
 * each stream that a CONNECT opened (RFC 8441; RFC 9113 section 8.5): its request, its answer, the
 * bytes of its DATA frames, what is missing among them, how it ended. Other streams pass by.
 * Refuses what cannot be frames: then a direction is read no further. That, and a frame that breaks
 * a rule, is told.
 *
 *   bytes ─▶ frame ─▶ header block ─▶ fields ─▶ request │ answer
 *              │ ▲
 *              │ └── seek ◀── gap
 *              └───▶ DATA of a stream ─▶ data │ gap │ fin │ end
 *
 * A gap inside the payload of DATA costs only what is missing. Any other costs the framing, until a
 * header is found that no other bytes would look like by chance, and the header table: it is empty
 * again, so that a field that refers to what was lost cannot be read rather than be read wrongly.
 */
#ifndef WST_HTTP2_HTTP2_H
#define WST_HTTP2_HTTP2_H

#include <nghttp2/nghttp2.h>
#include <wstrace/wstrace.h>

#include "arrival.h"
#include "buf.h"
#include "charged.h"
#include "connect.h"
#include "queue.h"
#include "sorted.h"

enum {
    WST_HTTP2_HEADER = 9,          /* bytes of a frame's header, RFC 9113 section 4.1 */
    WST_HTTP2_PART = 8,            /* bytes in front of a payload, at most */
    WST_HTTP2_SETTING = 6,         /* bytes of one, section 6.5.1 */
    WST_HTTP2_SAID = 80,           /* bytes behind those of GOAWAY that are read */
    WST_HTTP2_FRAME_MAX = 16384,   /* bytes of a payload unless more was allowed, section 4.2 */
    WST_HTTP2_TABLE_MAX = 1 << 20, /* bytes of a header table: more than anybody allows. Who sends
                                    * says how many of them he uses (RFC 7541 section 4.2) */
    WST_HTTP2_STREAMS = 1000,      /* opened by CONNECT at a time */
    WST_HTTP2_MISSED = 16,         /* streams whose request was lost that are remembered */
    WST_HTTP2_AHEAD = 254,         /* by so much a stream's number may be larger than the largest
                                    * so far, where the next frame is looked for: a header of
                                    * stream 1 that lacks its first byte says 256 or more */
};

struct wst_http2_window { /* of flow control, for what a direction sends */
    int64_t left;
    int64_t closed_ns; /* `closed`: since then nothing is left */
    bool closed;
};

struct wst_http2_ping {
    int32_t waiting;  /* so many were not acknowledged; < 0: so many acknowledgments were captured
                       * before what they answer */
    int64_t since_ns; /* waiting > 0: one of them has waited at least since then */
};

struct wst_http2_stream {
    struct wst_connect_stream base;
    struct wst_http2_window window[2];
    bool answer_lost;      /* or it could not be read */
    bool ended[2];         /* no more bytes of that direction */
    bool late[2];          /* it was told that bytes of that direction came behind its end */
    bool hasty;            /* the request did not wait for the settings of the server */
    bool spoke;            /* bytes of the client came before the answer, kept or not */
    bool wait_inexact;     /* of what is missing among what waits it is known how much at most */
    struct wst_queue wait; /* bytes of the client that came before the answer */
    /* Missing before there was an answer: behind what waits; in front of the server's first byte
     * that is handed on, at most. */
    uint64_t untold[2];
    uint64_t gone[2]; /* of side.gone, what it has been told of */
    uint64_t said_at; /* side.gone, when what waits in base.said came */
    /* A RST_STREAM captured before bytes that its sender had: they come first. */
    bool reset;
    uint8_t reset_by;      /* enum wst_dir */
    uint8_t reset_how;     /* enum wst_tcp_end */
    int64_t reset_code;    /* -1: not captured */
    uint32_t reset_behind; /* the other direction's TCP number up to which they reach */
    struct wst_arrival reset_arrival;
};

/* How far TCP is in a direction: what was handed on, and what its receiver has. */
struct wst_http2_reach {
    uint32_t next, acked;
};

/* Shared by all connections of one context. */
struct wst_http2_env {
    const struct wst_options *options;
    struct wst_budget *budget;
    struct wst_charged charged;
    nghttp2_mem memory; /* paid for from the budget */

    struct wst_connect_sink sink;
};
void wst_http2_env_init(struct wst_http2_env *env, const struct wst_options *options,
                        struct wst_budget *budget);

struct wst_http2_side {
    nghttp2_hd_inflater *inflater; /* made with the first header block */
    struct wst_buf fields;         /* of the block being read */
    uint64_t lost;                 /* bytes missing or passed over since framing was lost */
    uint64_t gone;                 /* all of them until it was found again: any stream's */
    uint32_t doubtful;             /* bytes of the frame at which it was found again, while no
                                    * frame has followed; 0: none */
    uint32_t frame_max;            /* bytes of a payload that the other side allows */
    uint32_t left;                 /* bytes still to come of the frame's payload … */
    uint32_t pad;                  /* … of them, at its end, padding */
    uint32_t stream;               /* the frame's */
    uint32_t block;                /* stream of the header block that is not whole; 0: none */
    uint8_t head[WST_HTTP2_HEADER], have;
    uint8_t part[WST_HTTP2_PART], part_n, part_have;
    uint8_t type, flags;
    uint8_t preface;   /* bytes of it still to come, section 3.4 */
    uint8_t upgrade;   /* inside the answer that granted HTTP/2: 1 in a line of it, 2 where one
                        * begins; 0: not */
    bool begun;        /* the header was read, the payload is next */
    bool opaque;       /* what the frame carries is not known any more */
    bool block_ends;   /* END_STREAM stood in its HEADERS */
    bool block_pushed; /* it is a promise's */
    bool unwanted;     /* nobody reads its fields, or those that are still to come */
    bool connects;     /* they are read if it is a CONNECT's */
    bool unreadable;   /* the block */
    bool bounded;      /* the other side's settings were seen: frame_max is what it allows */
    bool seeking;      /* framing was lost */
    bool holed;        /* … at least once, or a header block was */
    bool dead;         /* it is read no further */
    bool told;         /* that it breaks rules, or that something of it is not read */
    bool finished;
};

struct wst_http2 { /* one connection */
    void *conversation;
    struct wst_http2_side side[2];
    struct wst_sorted streams; /* of struct wst_http2_stream */
    uint32_t last_client;  /* the largest number of a stream that the client opened */
    uint32_t missed[WST_HTTP2_MISSED]; /* streams whose request was lost, a ring; 0: none */
    uint8_t missed_at;
    struct wst_queue held; /* what the server sent on streams that were not opened yet */
    bool holding;          /* its next frame is one of these */
    bool lacking;          /* the client's next request may be among what is missing */
    bool deaf;             /* they may never be: a request was lost */
    bool mute;             /* the server was not captured so far */
    uint64_t passed;       /* bytes of DATA on such streams that were not kept */
    bool fin_held;         /* and behind it the server's end */
    bool settled, enabled; /* the server's settings came; they allow extended CONNECT */
    bool crowded;          /* it was told that there are too many streams */
    bool late;             /* the capture may have begun behind its beginning … */
    bool joined;           /* … and did … */
    bool midst;            /* … and no request was seen since */
    uint32_t ahead;        /* joined: the largest number of a stream that a client opened, as far as
                            * frames tell it that were seen */
    uint32_t before; /* streams up to this number may have been opened before the capture … */
    uint32_t over[WST_HTTP2_MISSED]; /* … but for these, which are over; a ring */
    uint8_t over_at;
    struct wst_http2_reach reach[2];
    uint32_t read[2]; /* of reach.next, what was read to its end */
    uint32_t resets;  /* streams whose reset waits */
    struct wst_http2_window window[2]; /* by direction of what is sent */
    int64_t initial[2];                /* what a stream begins with */
    bool uncounted;                    /* something that changes windows was not seen */
    struct wst_http2_ping ping[2];
    uint16_t changes; /* times that settings changed what windows begin with … */
    uint8_t closings; /* … and that the connection's window was told to have been closed */
    uint8_t goaway;   /* a bit for each kind that was seen: two of each direction */
    uint32_t served;  /* on streams of larger numbers the server did nothing, it says */
};

/* `http2` is all zeros. */
void wst_http2_init(struct wst_http2 *http2, void *conversation);
void wst_http2_free(struct wst_http2 *http2, struct wst_http2_env *env); /* tells nothing */
void wst_http2_push(struct wst_http2 *http2, struct wst_http2_env *env, enum wst_dir dir,
                    struct wst_slice bytes, const struct wst_arrival *arrival);
/* Before bytes of `dir` are pushed, or are missing: where TCP is with them. Not called: what is
 * reset ends at once. */
void wst_http2_reaches(struct wst_http2 *http2, struct wst_http2_env *env, enum wst_dir dir,
                       const struct wst_http2_reach reach[2], const struct wst_arrival *arrival);
/* The capture may have begun behind the connection's beginning: if the client does not begin as one
 * does, it did. */
void wst_http2_late(struct wst_http2 *http2);
/* It did; `largest`: see wst_http2_midst. Frames are sought in both directions … */
void wst_http2_join(struct wst_http2 *http2, uint32_t largest);
/* … unless they are known to begin with the next byte, behind n that are passed over. */
void wst_http2_framed(struct wst_http2 *http2, enum wst_dir dir, uint64_t n);
/* n bytes were passed over before that, and frames are still sought. */
void wst_http2_passed(struct wst_http2 *http2, enum wst_dir dir, uint64_t n);
/* n bytes are missing; not `exact`: so many at most, or nobody knows. */
void wst_http2_gap(struct wst_http2 *http2, struct wst_http2_env *env, enum wst_dir dir, uint64_t n,
                   bool exact, const struct wst_arrival *arrival);
/* The client was not captured: nothing waits for its requests. */
void wst_http2_one_sided(struct wst_http2 *http2, struct wst_http2_env *env,
                         const struct wst_arrival *arrival);
/* Whether the server was not captured so far: then what a client says on a stream that it asked for
 * proves that it had a good answer. */
void wst_http2_mute(struct wst_http2 *http2, bool mute);
/* The side sends nothing more. */
void wst_http2_fin(struct wst_http2 *http2, struct wst_http2_env *env, enum wst_dir dir,
                   const struct wst_arrival *arrival);
/* The connection is over; so is every stream. */
void wst_http2_end(struct wst_http2 *http2, struct wst_http2_env *env, enum wst_tcp_end how,
                   const struct wst_arrival *arrival);

/* frame.c: one frame's header (RFC 9113 section 4.1). */
struct wst_http2_frame {
    uint32_t length, stream;
    uint8_t type, flags;
    bool reserved; /* the bit that must be 0 */
};
enum wst_http2_type {
#define WST_HTTP2_ROW(NAME, type, flags, on, least, step) WST_HTTP2_##NAME = type,
#include "frames.def"
#undef WST_HTTP2_ROW
    WST_HTTP2_TYPES
};
enum wst_http2_flag {
    WST_HTTP2_END_STREAM = 0x01,
    WST_HTTP2_ACK = 0x01,
    WST_HTTP2_END_HEADERS = 0x04,
    WST_HTTP2_PADDED = 0x08,
    WST_HTTP2_PRIORITY_FLAG = 0x20,
};
struct wst_http2_frame wst_http2_frame_read(const uint8_t head[WST_HTTP2_HEADER]);
/* What is wrong with its length or its stream; NULL: nothing. Of an unknown type: nothing. */
const char *wst_http2_frame_wrong(const struct wst_http2_frame *frame);
/* Whether nine bytes that happen to lie there would hardly look like it. */
bool wst_http2_frame_plausible(const struct wst_http2_frame *frame, uint32_t length_max,
                               uint32_t last_client);
/* Whether it is empty and has no reason to be: zeros are common, and small numbers among them. */
bool wst_http2_frame_idle(const struct wst_http2_frame *frame);

/* errors.c: "REFUSED_STREAM (0x7): nothing was done on it …" (RFC 9113 section 7). */
void wst_http2_error(uint64_t code, char *to, size_t room);

/* midst.c: a connection whose beginning nobody has seen. */
struct wst_http2_midst { /* what speaks for frames of HTTP/2 */
    int bits;            /* what chance would have to guess */
    int client;          /* above 0: a client sends such; below: a server */
    unsigned frames;     /* that say something */
    uint32_t largest;    /* number of a stream that a client opened */
};
/* Whether a closer look pays: of most bytes it does not. */
static inline bool wst_http2_midst_may_begin(struct wst_slice bytes)
{
    return bytes.n >= WST_HTTP2_HEADER && bytes.p[0] == 0 && bytes.p[3] <= 0x10;
}
/* Frames from the front of `bytes` on. False: there they are none, or become none. */
bool wst_http2_midst_look(struct wst_slice bytes, struct wst_http2_midst *midst);
/* The first place from which frames lead exactly to those at `found`; else that. */
size_t wst_http2_midst_back(struct wst_slice bytes, size_t found);

/* hpack.c: header blocks (RFC 7541). */
/* Bytes of the block that is being read; its fields go to side->fields, unless nobody wants them: a
 * byte may stand for 64 KiB. False: it cannot be read, and the table is empty again. */
bool wst_hpack_push(struct wst_http2_side *side, struct wst_http2_env *env, struct wst_slice bytes,
                    bool last);
/* What later blocks refer to is not known any more. */
void wst_hpack_lose(struct wst_http2_side *side);

#endif
