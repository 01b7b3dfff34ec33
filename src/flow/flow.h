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

/* What is known of a half. "Its bytes" are those that this side sends; "acknowledged" is what the
 * other side said of them. */
enum wst_half_flag {
    WST_HALF_STARTED = 0x01, /* `next` is valid */
    WST_HALF_SYN = 0x02,     /* its SYN was captured: `isn` is valid */
    WST_HALF_ACKED = 0x04,   /* `acked` is valid */
    WST_HALF_FIN = 0x08,     /* its FIN was captured, and is believed: `fin` is valid */
    WST_HALF_ENDED = 0x10,   /* all up to its FIN was delivered, and sink.fin was called */
    WST_HALF_HINT = 0x20,    /* nothing of it was delivered yet: `next` is only where its bytes were
                              * first acknowledged, and an older segment may still come */
    WST_HALF_WAITING = 0x40, /* it has a hole, and `waiting` is valid */
    WST_HALF_FIRST = 0x80,   /* its FIN was sent before the other side's, as far as is known */
    WST_HALF_FAR = 0x100, /* a FIN came that lies too far ahead to be believed yet: `fin` is where,
                           * and WST_HALF_FIN is not set */
    WST_HALF_BEHIND = 0x200, /* the sink was told of bytes behind its FIN; once is enough */
    WST_HALF_RESET = 0x400, /* it sent a reset. The connection is over, or will be when the bytes it
                             * had acknowledged before have had their time to come */
    /* Its last segment was captured after its acknowledgment; the last two were. Then the capture
     * has this direction late, and packets are no measure of how long a hole has waited. */
    WST_HALF_LATE_ONCE = 0x800,
    WST_HALF_LATE = 0x1000,
    /* A stall of this side is under way (stall.c): it sends again what was not acknowledged; what
     * was; its receive window is 0. */
    WST_HALF_RESENT = 0x2000,
    WST_HALF_UNHEARD = 0x4000,
    WST_HALF_SHUT = 0x8000,
};

/* What one side of a connection sends (RFC 9293 section 3.3.1). Numbers are sequence numbers as on
 * the wire; they wrap, so they are compared by wst_seq_diff. What every packet needs lies here,
 * what few do in struct wst_half_rare. */
struct wst_half {
    uint32_t next;  /* of the first byte that was not delivered yet */
    /* The highest that the other side acknowledged; of a SYN without an answer: the marks of the
     * last two segments (wst_segment.mark). */
    uint32_t acked;
    uint16_t flags; /* enum wst_half_flag */
    /* Counts in a row, of what seems to be from long before: segments, acknowledgments. When there
     * are many, it is not old: the numbers went round (reassemble.c). They serve twice more: until
     * its SYN is answered `stale` counts the SYNs behind the first, and once the flow is closed
     * both count signs that its end was none (renew.c). */
    uint8_t stale, stale_acks;
};
struct wst_half_rare {
    uint32_t isn; /* of its SYN */
    union {
        /* With WST_HALF_FIN or WST_HALF_FAR: the number of its FIN, one behind its last byte. In a
         * closed flow without a FIN: where its bytes ended, before what a reset or an
         * acknowledgment said that there were more of. Before its FIN: see `skipped`. */
        uint32_t fin;
        /* Until its SYN is answered: capture time of the last one, in ms modulo 2^32. */
        uint32_t asked_ms;
    };
    struct wst_waiting *waiting; /* owned; NULL without WST_HALF_WAITING */
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
 * it would take a run of luck of one in 2^24 captures.
 *
 * Fields marked "pipeline's" are written by the sink's owner; here they are at most read, and
 * cleared when the flow ends or begins anew. */
struct wst_flow {
    void *upper;   /* pipeline's: what it keeps of the conversation; let go in sink.end */
    uint64_t hash; /* of addresses, ports and domain */
    struct wst_half half[2];
    uint32_t stream;       /* Wireshark's tcp.stream */
    int32_t active;        /* capture time of the last packet, in units of 2^32 ns */
    uint32_t newer, older; /* neighbours in the list of embryonic, or closed, or free records */
    uint8_t family : 3;    /* 4 or 6 */
    bool resumed : 1; /* it goes on behind an end that was told and was none: the pipeline let go
                       * of what it was before */
    bool chosen : 1;  /* pipeline's: it is in the timeline */
    bool obscure : 1;      /* how it ended was not captured: by a reset after bytes that are
                            * missing, or before its addresses were used again */
    bool lined_up : 1;     /* in the list of closed flows */
    bool followed : 1;     /* closed, and its bytes were wanted until then */
    uint8_t state : 4;     /* enum wst_flow_state */
    bool copy : 1; /* the same connection in another network; its segments are the other record's
                    * (copy.c), and nothing but its addresses is valid here */
    bool succeeding : 1;   /* another connection may have begun in its place (successor.c) */
    /* Bit 1 << side: it acknowledged something when it had sent more than was captured, up to
     * `fin`; with WST_HALF_FIN: that FIN was among it, and came again. */
    uint8_t skipped : 2;
    uint8_t kind : 4;      /* pipeline's */
    uint8_t tunnels : 4;   /* pipeline's: how many lead to what its bytes are now */
    bool witnessed : 1;    /* a SYN was seen, so the first byte delivered is the first there was */
    bool ignored : 1;      /* nobody wants its bytes: wst_flow_ignore */
    bool touched : 1;      /* a packet of it came since the sweep looked at it last */
    bool precious : 1;     /* pipeline's: forget it last, and give it the long idle time */
    bool remember : 1;     /* pipeline's: hold retransmissions against what was delivered */
    bool inner : 1;        /* pipeline's: no TCP connection, but what lies inside one; then it is no
                            * record of the table either */
    uint8_t heard : 2;     /* bit 1 << side: a packet of that side was captured */
    uint16_t port[2];      /* by side */

    struct wst_half_rare rare[2];
    uint8_t addr[2][16]; /* by side; IPv4 in the first 4 bytes */
};

enum wst_gap_cause {
    WST_GAP_LOST,    /* the capture lacks them */
    WST_GAP_SNAPPED, /* the packet is there, cut at the snap length */
    WST_GAP_LIMIT,   /* they may yet have come, but more waits behind them than a limit allows */
    WST_GAP_ROUND,   /* more than sequence numbers can tell: so many at least */
    WST_GAP_SEALED,  /* pipeline's: they lay inside records of TLS; so many at most */
};

/* Why bytes of a half are left out; or, of the last two, which end of a flow was none. */
enum wst_unbelieved {
    WST_UNBELIEVED_FAR,    /* they lie far ahead of all that the receiver ever had */
    WST_UNBELIEVED_BEHIND, /* they lie behind its FIN; told once, of the first */
    WST_UNBELIEVED_CALL,   /* they begin another connection, which the other side did not answer */
    WST_UNBELIEVED_RESET,  /* after a reset it went on, so the flow begins anew */
    WST_UNBELIEVED_FIN,    /* after its FIN it went on, so the flow begins anew */
};

/* Why a flow with `remember` stood still. */
enum wst_flow_stall {
    WST_FLOW_STALL_RESENT = 1, /* a side sent again what was not acknowledged */
    WST_FLOW_STALL_UNHEARD,    /* … what was acknowledged: it had not heard of that */
    WST_FLOW_STALL_SHUT,       /* a side had no room for more */
    WST_FLOW_STALL_ASKED       /* silence: a side asked for another connection in its place, and
                                * nobody answered */
};
struct wst_flow_stalled {
    enum wst_flow_stall what;
    uint32_t bytes; /* of the first segment that was sent again; else 0 */
    uint32_t times; /* that it was sent again; ASKED: the SYN, in all; SHUT: 0 */
    int64_t ns;     /* since it was sent again first, or since the window was 0 */
    bool least;     /* `times` may have been more: the capture has packets twice */
    bool over;      /* it went on; false: the flow ends while it stands still */
};

/* What the table calls, from inside the functions below. Any of them may ignore the flow
 * (wst_flow_ignore), and is then told none of its bytes any more. None may push segments,
 * tick or make room. Whatever is handed over is borrowed until the call returns: bytes lie in the
 * packet, or, when they had to wait, in memory that is freed right after. */
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
    /* A segment of the conversation, before anything else is called because of it. May be NULL. */
    void (*segment)(void *user, struct wst_flow *flow, unsigned side,
                    const struct wst_segment *segment, const struct wst_arrival *arrival);
    /* `bytes` that were captured are hardly this connection's, and were left out. 0 bytes: an end
     * that was told was none, and the conversation begins anew behind it (RESET, FIN). */
    void (*unbelieved)(void *user, struct wst_flow *flow, unsigned side, uint64_t bytes,
                       enum wst_unbelieved why, const struct wst_arrival *arrival);
    /* The side stood still for a second or more. May be NULL. */
    void (*stalled)(void *user, struct wst_flow *flow, unsigned side,
                    const struct wst_flow_stalled *stalled, const struct wst_arrival *arrival);
    /* Are `bytes` the first of a conversation, as its client or its server begins one? `answer`: as
     * a server answers one that began where these numbers say. May be NULL: nobody knows. */
    bool (*begins)(void *user, struct wst_slice bytes, bool answer);
};

struct wst_flow_table;

/* `limits`, `budget`, `area` and the sink's user must outlive the table; `sink` is copied. `seed`
 * keys the hash of addresses. NULL: out of memory. */
struct wst_flow_table *wst_flow_table_new(const struct wst_limits *limits, const uint64_t seed[2],
                                          struct wst_budget *budget, struct wst_area *area,
                                          const struct wst_flow_sink *sink);
/* Tells the sink nothing: whoever wants the flows that are open to end calls wst_flow_finish
 * before, else their `upper` is not let go. NULL: nothing to do. */
void wst_flow_table_free(struct wst_flow_table *table);
/* The next segment of the capture, at its time. This one and wst_flow_ahead put the network that
 * the segment's domain is part of in place of it (network.c). Never fails: where there is no room
 * for a new conversation even after others were forgotten, the segment is passed over. */
void wst_flow_push(struct wst_flow_table *table, struct wst_segment *segment,
                   const struct wst_when *when);
/* A segment of these addresses, ports, domain and payload_len (nothing else is read) will be pushed
 * soon: what it needs is fetched from memory, step by step, while those before it are pushed.
 * False: the table is so small that it lies in the cache anyhow. */
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
/* Forgets until `bytes` could be taken from the budget, or nothing is left that may go. With
 * INT64_MAX for `silent_ns` the flows that are not precious; else, and then it is too late for
 * those, what waits behind holes, then what precious flows can do without, then those of them that
 * were silent for so long. True: the bytes are there. */
bool wst_flow_make_room(struct wst_flow_table *table, size_t bytes, int64_t silent_ns,
                        const struct wst_when *when);

/* The flow of the segment pushed last; NULL: there was no room for it. Until the next push. */
const struct wst_flow *wst_flow_last(const struct wst_flow_table *table);
/* Of which it is a copy, and whose events tell what it carried; itself, if it is none. */
const struct wst_flow *wst_flow_original(const struct wst_flow_table *table,
                                         const struct wst_flow *flow);
uint32_t wst_flow_streams(const struct wst_flow_table *table); /* conversations so far */
/* Not precious, and forgotten early: for want of memory; because more than limits.max_embryonic had
 * not said anything. */
uint64_t wst_flow_evicted(const struct wst_flow_table *table);
uint64_t wst_flow_outnumbered(const struct wst_flow_table *table);

#endif
