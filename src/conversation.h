/* SPDX-License-Identifier: MIT
 *
 * Inside the corridor: one conversation, which is what rides on one flow: what there is to know of
 * it for each kind, and what is told of it.
 */
#ifndef WST_CONVERSATION_H
#define WST_CONVERSATION_H

#include <assert.h>
#include <sys/queue.h>

#include "flow/flow.h"
#include "http1/http1.h"
#include "http2/http2.h"
#include "http3/http3.h"
#include "quic/quic.h"
#include "sniff/sniff.h"
#include "tls/tls.h"
#include "ws/ws.h"

struct wst_context; /* pipeline.h */

/* wst_flow.kind: what a conversation is, and so what wst_flow.upper points to. */
enum wst_kind {
    KIND_NEW,     /* not known yet; struct conversation_new, or NULL when nothing had to wait */
    KIND_SOCKS,   /* a SOCKS tunnel being opened; struct conversation_new */
    KIND_HTTP,    /* struct conversation_http */
    KIND_IDLE0,   /* HTTP between two requests, side 0 asks; NULL */
    KIND_IDLE1,   /* … side 1 asks */
    KIND_PICKUP,  /* joined in the middle: is it WebSocket? struct conversation_pickup */
    KIND_WS,      /* struct conversation_ws */
    KIND_TLS,     /* struct conversation_tls */
    KIND_HTTP2,   /* struct conversation_http2 */
    KIND_HTTP3,   /* struct conversation_http3 */
    KIND_QUIC,    /* struct conversation_quic; no TCP connection */
    KIND_IGNORED, /* nobody wants it; NULL */
};
static_assert(KIND_IGNORED < 16, "wst_flow.kind has four bits");

enum { WST_BROKEN = 320 }; /* bytes of the longest words of broken.c */

struct conversation { /* what every kind begins with; `conversation` of the rooms' callbacks */
    struct wst_flow *flow;
    uint64_t conn;      /* its number in the timeline; 0: none yet */
    uint8_t client;     /* the side that asked, when the kind knows */
    uint8_t missing[2]; /* enum wst_ws_missing: how well it is known how many bytes are missing; by
                         * direction, but in KIND_NEW and KIND_PICKUP by side */
    /* KIND_WS, when another thread works on it (work.c): */
    uint8_t worker;     /* which, counted from 1; 0: none does */
    uint32_t unsettled; /* bytes given to it and not told yet */
};

struct conversation_new { /* KIND_NEW, KIND_SOCKS */
    struct conversation base;
    struct wst_buf early[2]; /* bytes too few to tell by; by side */
    uint64_t from[2];        /* the packets in which they begin */
    uint64_t lost[2];        /* bytes missing so far, by side */
    struct wst_socks socks;
};

struct conversation_http {
    struct conversation base;
    struct wst_http http;
    uint64_t lost[2]; /* bytes missing so far, by direction */
};

struct conversation_ws {
    struct conversation base;
    struct wst_ws ws;        /* its worker's alone */
    struct wst_ws_held held; /* what it held when it was told of last */
    uint32_t latest;         /* low bits of the number of the last operation its worker was given */
};

struct conversation_pickup { /* KIND_PICKUP; also waits in a list, the oldest is given up first */
    struct conversation base;
    struct wst_seek *seek[2];        /* by side */
    uint64_t bytes;                  /* seen so far */
    uint64_t lost[2];                /* bytes missing so far, by side */
    uint32_t segments;               /* seen so far … */
    uint32_t look_at;                /* … and at how many it is looked again */
    bool http;                       /* its heads were lost, but it was HTTP */
    struct conversation_http *asked; /* the upgrade request was seen, its answer was not; or NULL */
    TAILQ_ENTRY(conversation_pickup) place;
};

/* What lies inside a conversation, as a flow that walks on like any other; no record of the table.
 */
struct conversation_inside {
    struct wst_flow flow;
    struct wst_flow *outer;
};

struct conversation_tls { /* KIND_TLS; too large for the pool of the others */
    struct conversation base;
    struct wst_tls tls;
    struct conversation_inside inside;
    struct wst_tls_info info;
    bool opened;           /* something was decrypted: it counts as what is inside, not as TLS */
    bool waits;            /* it is among encrypted_waiting */
    bool round[2];         /* TCP numbers went round in what is not read yet; by direction */
    bool left;             /* one side said that TLS ends (close_notify) … */
    bool left_heard;       /* … and the other acknowledged that before it said so, too */
    uint8_t left_by;       /* who did, enum wst_dir */
    uint32_t left_end;     /* TCP's number behind it … */
    int64_t left_ns;       /* … and when */
    uint64_t plain[2];     /* bytes decrypted so far … */
    uint64_t lost[2];      /* … and those that are missing, and the hook was not told of */
    TAILQ_ENTRY(conversation_tls) place; /* among encrypted_waiting */
};

struct conversation_multiplexed { /* what KIND_HTTP2 and KIND_HTTP3 begin with */
    struct conversation base;
    bool counted;   /* among what is not WebSocket */
    bool asked;     /* a stream asked for WebSocket: a handshake will be told */
    bool round[2];  /* TCP numbers went round in what its streams were not told of yet */
    bool missed[2]; /* bytes of the connection are missing */
};

struct conversation_http2 { /* KIND_HTTP2 */
    struct conversation_multiplexed shared;
    struct wst_http2 http2;
};

struct conversation_http3 { /* KIND_HTTP3: what lies inside QUIC */
    struct conversation_multiplexed shared;
    struct wst_http3 http3;
};

struct conversation_stream { /* one stream, which a CONNECT opened; wst_connect_stream.upper */
    struct conversation base;
    struct conversation_inside inside;
    uint64_t id;
    uint64_t since;      /* of HTTP/3: the packet from which on the server may have answered */
    uint32_t refused;    /* the body of the answer that refused it is being read … */
    struct wst_buf kept; /* … and this is of it (http1/refusal.c) */
};

struct conversation_quic { /* KIND_QUIC */
    struct conversation base;
    struct wst_flow flow; /* no record of the table */
    struct conversation_inside inside;
    const struct wst_quic_connection *connection; /* borrowed from the quic room … */
    const struct wst_quic_terms *terms;           /* … as these are, while the connection lives */
    struct wst_tls_info info;                     /* made of them, for events */
    char ended[WST_BROKEN];                       /* who closed it, and why; "": not known */
};

/* One pool serves all kinds, for one becomes another: the largest is the size of a block, which is
 * also what an idle WebSocket connection costs beside its flow. */
union conversation_any {
    struct conversation_new first;
    struct conversation_http http;
    struct conversation_pickup pickup;
    struct conversation_ws ws;
};
static_assert(sizeof(union conversation_any) <= 320, "five cache lines");

/* conversation.c */
/* What the flow room calls. */
extern const struct wst_flow_sink wst_conversation_sink;
/* Of the packet whose flow this is. */
enum wst_fate wst_conversation_fate(const struct wst_flow *f);
/* The TCP connection, from inside whatever it carries. */
const struct wst_flow *wst_conversation_carrier(const struct wst_flow *f);
/* Whether a packet of that side was captured. */
bool wst_conversation_heard(const struct wst_flow *f, unsigned side);
/* The flow that one with `inner` set lies in. */
static inline struct wst_flow *wst_conversation_outer(const struct wst_flow *inner)
{
    return ((const struct conversation_inside *)(const void *)inner)->outer;
}
/* How many conversations the flow lies in. */
unsigned wst_conversation_depth(const struct wst_flow *f);
/* Makes `inside`, which is all zeros, a flow that lies in `outer`: it has its addresses and its
 * number. */
void wst_conversation_inside(struct wst_context *c, struct conversation_inside *inside,
                             struct wst_flow *outer);
/* Tells a finding about one side of the flow to each WebSocket conversation that it carries. False:
 * there is none. */
bool wst_conversation_tell(struct wst_context *c, struct wst_flow *f, enum wst_problem problem,
                           unsigned side, const char *detail, const struct wst_arrival *a);
/* The flow's new upper layer, zeroed; NULL: no memory. */
void *wst_conversation_alloc(struct wst_context *c, struct wst_flow *f);
void wst_conversation_release(struct wst_context *c, void *conversation);
/* Lets go of whatever a flow carries. */
void wst_conversation_free(struct wst_context *c, struct wst_flow *f);
void wst_conversation_ignore(struct wst_context *c, struct wst_flow *f);
/* The same, and it counts as one of those. */
void wst_conversation_is(struct wst_context *c, struct wst_flow *f, uint64_t *count);
static inline unsigned wst_conversation_side(const struct conversation *base, enum wst_dir dir)
{
    return dir == WST_C2S ? base->client : !base->client;
}
static inline enum wst_dir wst_conversation_direction(const struct conversation *base,
                                                      unsigned side)
{
    return side == base->client ? WST_C2S : WST_S2C;
}

/* told.c: what the http1 and ws rooms call; `user` is the context. */
void wst_conversation_handshake(void *user, void *conversation, struct wst_event_handshake *event,
                                const struct wst_arrival *arrival);
void wst_conversation_problem(void *user, void *conversation, enum wst_problem problem,
                              enum wst_dir dir, const char *detail,
                              const struct wst_arrival *arrival);
uint64_t wst_conversation_network(void *user, void *conversation);
void wst_conversation_emit(void *user, void *conversation, struct wst_event *event);
struct wst_ws_place wst_conversation_place(void *user, void *conversation, enum wst_dir dir);
/* Tells of bytes, by direction, that were missing before the handshake. */
void wst_conversation_lost(struct wst_context *c, void *conversation, const uint64_t lost[2],
                           const struct wst_arrival *a);
/* What a cause says of the number of bytes that are missing; `i`: see conversation.missing. */
enum wst_ws_missing wst_conversation_missing(struct conversation *base, unsigned i,
                                             enum wst_gap_cause cause);
/* The flow of `base` is WebSocket from here on. NULL: no memory. */
struct conversation_ws *wst_conversation_websocket(struct wst_context *c,
                                                   const struct conversation *base,
                                                   const struct wst_ws_terms *terms,
                                                   int64_t began_ns);
/* A finding of no WebSocket connection: whose it is stands in front of `detail`. */
void wst_conversation_note(struct wst_context *c, const struct conversation *base,
                           enum wst_problem problem, enum wst_dir dir, const char *detail,
                           const struct wst_arrival *a);
/* It was accepted, but there is no memory to follow it. */
void wst_conversation_stillborn(struct wst_context *c, struct conversation *base,
                                const uint64_t lost[2], const struct wst_arrival *a);

#endif
