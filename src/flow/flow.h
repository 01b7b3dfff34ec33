/* SPDX-License-Identifier: MIT
 *
 * The door of the flow room. In: TCP segments in the order of the capture. Out: for each
 * connection and direction its bytes in order, each lost byte stated as a gap, and how it ended.
 * Refuses to hold more than its limits: then a hole is declared lost, or a flow forgotten.
 *
 *      net ──segment──▶ table ──▶ half of a flow ──▶ data │ gap │ fin │ end ──▶ pipeline
 *                                     │   ▲
 *                                     ▼   │ only out-of-order bytes
 *                                   waiting
 *
 * In-order bytes are handed on where they lie; nothing is copied, nothing allocated.
 */
#ifndef WST_FLOW_FLOW_H
#define WST_FLOW_FLOW_H

#include <wstrace/wstrace.h>

#include "area.h"
#include "arrival.h"
#include "budget.h"
#include "segment.h"

struct wst_waiting; /* out-of-order bytes of one half; waiting.h */

enum wst_half_flag {
    WST_HALF_STARTED = 0x01,    /* `next` is valid */
    WST_HALF_SYN = 0x02,        /* `isn` is valid */
    WST_HALF_ACKED = 0x04,      /* `acked` is valid */
    WST_HALF_FIN = 0x08,        /* `fin` is valid */
    WST_HALF_ENDED = 0x10,      /* the end of the stream was delivered */
    WST_HALF_HINT = 0x20,       /* nothing delivered yet; `next` is where its bytes were first
                                 * acknowledged */
    WST_HALF_WAITING = 0x40,    /* a hole; see waiting.h */
    WST_HALF_FIRST = 0x80,      /* its FIN was sent before the other side's, as far as known */
    WST_HALF_FAR = 0x100,       /* a FIN so far ahead that it is not believed yet: `fin` is where */
    WST_HALF_BEHIND = 0x200,    /* it was told that there are bytes behind the end */
    WST_HALF_LATE_ONCE = 0x800, /* its last segment was captured after its acknowledgment */
    WST_HALF_LATE = 0x1000,     /* … and the one before it, too */
    WST_HALF_RESENT = 0x2000,   /* stall.c: it sends again what was not acknowledged … */
    WST_HALF_UNHEARD = 0x4000,  /* … what was acknowledged … */
    WST_HALF_SHUT = 0x8000,     /* … its receive window is 0 */
    WST_HALF_RESET = 0x400,     /* it sent the reset that ended the connection, or that will when
                                 * what it had before has had its time to come */
};

/* What one side of a connection sends (RFC 9293 section 3.3.1). Sequence numbers wrap. What every
 * packet needs, and what few do, lie apart. */
struct wst_half {
    uint32_t next;  /* of the first byte not delivered yet */
    uint32_t acked; /* highest acknowledgment by the other side */
    uint16_t flags; /* enum wst_half_flag */
    uint8_t stale, stale_acks; /* segments, acknowledgments in a row from long ago; before there is
                                * an answer: SYNs after the first */
};
struct wst_half_rare {
    uint32_t isn; /* of its SYN */
    union {
        uint32_t fin;      /* of its FIN: the end of its bytes; closed without one: where they ended
                            * before what a reset or an acknowledgment said */
        uint32_t asked_ms; /* until its SYN is answered: when it was sent last, capture time */
    };
    struct wst_waiting *waiting; /* valid with WST_HALF_WAITING, else NULL */
};

enum wst_flow_state {
    WST_FLOW_FREE,
    WST_FLOW_EMBRYONIC, /* no payload from anyone yet */
    WST_FLOW_OPEN,
    WST_FLOW_CLOSED, /* ended; kept a little to absorb stragglers */
};

/* One TCP conversation: two cache lines, of which a packet in order touches the first. There may be
 * a million. Sides 0 and 1 are ordered by address and port, so that both directions find the same
 * record. A keyed 64-bit hash stands for the addresses: two conversations of a million that meet in
 * it would take a run of luck of one in 2^24 captures. */
struct wst_flow {
    void *upper;   /* the pipeline's */
    uint64_t hash; /* of addresses, ports and domain */
    struct wst_half half[2];
    uint32_t stream;       /* Wireshark's tcp.stream */
    int32_t active;        /* capture time of the last packet, in units of 2^32 ns */
    uint32_t newer, older; /* neighbours in the list of embryonic, or closed, or free records */
    uint8_t family : 3;    /* 4 or 6 */
    bool resumed : 1;      /* it goes on behind an end that was none: that let go what it was */
    bool chosen : 1;       /* the pipeline's: it is in the timeline */
    bool obscure : 1;      /* how it ended was not captured: by a reset after bytes that are
                            * missing, or before its addresses were used again */
    bool lined_up : 1;     /* in the list of closed flows */
    bool followed : 1;     /* closed, and its bytes were wanted until then */
    uint8_t state;         /* enum wst_flow_state */
    uint8_t kind : 4;      /* the pipeline's */
    uint8_t tunnels : 4;   /* the pipeline's: how many lead to what its bytes are now */
    bool witnessed : 1;    /* a SYN was seen: the first byte is the first */
    bool ignored : 1;      /* nobody wants its bytes */
    bool touched : 1;      /* since the sweep came by */
    bool precious : 1;     /* the pipeline's: forget it last, and give it the long idle time */
    bool remember : 1;     /* the pipeline's: hold retransmissions against what was delivered */
    bool inner : 1;        /* the pipeline's: no TCP connection, but what lies inside one */
    uint8_t heard : 2;     /* bit 1 << side: a packet of that side was captured */
    uint16_t port[2];

    struct wst_half_rare rare[2];
    uint8_t addr[2][16]; /* IPv4 in the first 4 bytes */
};

enum wst_gap_cause {
    WST_GAP_LOST,
    WST_GAP_SNAPPED,
    WST_GAP_LIMIT,
    WST_GAP_ROUND,  /* more than sequence numbers can tell: so many at least */
    WST_GAP_SEALED, /* the pipeline's: inside records of TLS; so many bytes at most */
};

enum wst_unbelieved {                        /* why bytes of a half are left out */
                      WST_UNBELIEVED_FAR,    /* far ahead of what the receiver ever had */
                      WST_UNBELIEVED_BEHIND, /* behind the end; told once, of the first */
                      WST_UNBELIEVED_RESET,  /* of a flow that ended: its reset was none, and it
                                              * begins anew */
                      WST_UNBELIEVED_FIN,    /* the same behind its FIN */
};

enum wst_flow_stall {                            /* why a flow that matters stood still */
                      WST_FLOW_STALL_RESENT = 1, /* a side sent again what was not acknowledged */
                      WST_FLOW_STALL_UNHEARD, /* … what was: the acknowledgment did not arrive */
                      WST_FLOW_STALL_SHUT     /* a side had no room for more */
};
struct wst_flow_stalled {
    enum wst_flow_stall what;
    uint32_t bytes; /* of the first segment that was sent again */
    uint32_t times; /* so often; SHUT: 0 */
    int64_t ns;     /* since it was sent again first, or the window was 0 */
    bool over;      /* it went on; else the flow ends so */
};

/* What the table calls. Any may ignore the flow, none may push segments. */
struct wst_flow_sink {
    void *user;
    void (*data)(void *user, struct wst_flow *flow, unsigned side, struct wst_slice bytes,
                 const struct wst_arrival *arrival);
    void (*gap)(void *user, struct wst_flow *flow, unsigned side, uint64_t bytes,
                enum wst_gap_cause cause, const struct wst_arrival *arrival);
    /* The side has sent its last byte. */
    void (*fin)(void *user, struct wst_flow *flow, unsigned side,
                const struct wst_arrival *arrival);
    /* The conversation is over; `upper` must be let go. Called once, also for ignored flows. */
    void (*end)(void *user, struct wst_flow *flow, enum wst_tcp_end how,
                const struct wst_arrival *arrival);
    /* A retransmission carries `bytes` other bytes than those delivered. */
    void (*conflict)(void *user, struct wst_flow *flow, unsigned side, uint64_t bytes,
                     const struct wst_arrival *arrival);
    /* Memory is short: the flow should let go of what it can do without. May be NULL. */
    void (*shrink)(void *user, struct wst_flow *flow, const struct wst_arrival *arrival);
    /* A segment of the conversation, before anything comes of it. May be NULL. */
    void (*segment)(void *user, struct wst_flow *flow, unsigned side,
                    const struct wst_segment *segment, const struct wst_arrival *arrival);
    /* `bytes` that were captured are hardly this connection's, and were left out. 0 bytes: an end
     * that was told was none, the conversation begins anew behind it. */
    void (*unbelieved)(void *user, struct wst_flow *flow, unsigned side, uint64_t bytes,
                       enum wst_unbelieved why, const struct wst_arrival *arrival);
    /* A second or more the side stood still. May be NULL. */
    void (*stalled)(void *user, struct wst_flow *flow, unsigned side,
                    const struct wst_flow_stalled *stalled, const struct wst_arrival *arrival);
    /* Are `bytes` the first of a conversation, as its client or its server begins one? May be
     * NULL: nobody knows. */
    bool (*begins)(void *user, struct wst_slice bytes);
};

struct wst_flow_table;

/* `limits`, `budget`, `area` and the sink's user must outlive the table. NULL: out of memory. */
struct wst_flow_table *wst_flow_table_new(const struct wst_limits *limits, const uint64_t seed[2],
                                          struct wst_budget *budget, struct wst_area *area,
                                          const struct wst_flow_sink *sink);
void wst_flow_table_free(struct wst_flow_table *table);
/* Of both: the segment's domain becomes that of the network which its own is part of (network.c). */
void wst_flow_push(struct wst_flow_table *table, struct wst_segment *segment,
                   const struct wst_when *when);
/* A segment of these addresses, ports, domain and payload_len will be pushed soon: has its records
 * fetched from memory, in steps, as others are told. False: the table is so small that it lies near
 * anyhow. */
bool wst_flow_ahead(struct wst_flow_table *table, struct wst_segment *segment);
/* Capture time went on: ends what has been idle, declares old holes. A few steps at a time. */
void wst_flow_tick(struct wst_flow_table *table, const struct wst_when *when);
/* The same on a silent line, where a call comes a few times a second: many steps. */
void wst_flow_tick_idle(struct wst_flow_table *table, const struct wst_when *when);
/* The capture dropped packets about now: bytes missing since, that nobody acknowledges, are as
 * surely lost as if somebody had. */
void wst_flow_dropped(struct wst_flow_table *table, const struct wst_when *when);
/* The capture is over: every flow still open is flushed and ended, in the order of its stream
 * number. */
void wst_flow_finish(struct wst_flow_table *table, const struct wst_when *when);
/* Nobody wants the bytes of this flow any more: they are neither ordered nor handed on. */
void wst_flow_ignore(struct wst_flow_table *table, struct wst_flow *flow);
/* Bytes of that side wait behind a hole. */
bool wst_flow_waits(const struct wst_flow *flow, unsigned side);
/* Forgets the least valuable until `bytes` could be taken from the budget, or nothing is left
 * that may go. Idle flows nobody wants first, then holes, then the others. */
bool wst_flow_make_room(struct wst_flow_table *table, size_t bytes, const struct wst_when *when);

/* The flow of the segment pushed last; NULL: there was no room for it. Until the next push. */
const struct wst_flow *wst_flow_last(const struct wst_flow_table *table);
uint32_t wst_flow_streams(const struct wst_flow_table *table); /* conversations so far */
uint64_t wst_flow_evicted(const struct wst_flow_table *table); /* not precious, forgotten early */

#endif
