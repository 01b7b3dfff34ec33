/* SPDX-License-Identifier: MIT
 *
 * Inside the flow room: the table and what its files share.
 */
#ifndef WST_FLOW_TABLE_H
#define WST_FLOW_TABLE_H

#include <assert.h>
#include <sys/queue.h>

#include "buf.h"
#include "elapsed.h"
#include "flow.h"
#include "overlap.h"
#include "slice.h"

enum {
    FLOW_CHUNK = 256,       /* records allocated at a time: 32 KiB */
    FLOW_NONE = UINT32_MAX, /* no record */
    AHEAD_FROM = 4096,      /* conversations; so many lie in the processor's second cache */
    AHEAD_ROW = 16,         /* segments told ahead and remembered */
    RECENT_BITS = 8,        /* 256 conversations, 8 KiB; as many of IPv6, 14 KiB */
    FLOW_WORDS6 = 5,        /* two IPv6 addresses, ports, domain */
    AHEAD_RECORD = 5,       /* a slot told so many segments ago has come: its record is next … */
    AHEAD_UPPER = 10,       /* … and then what the pipeline keeps for it */
    NETWORKS_MAX = 64,      /* of which it is known whether they are part of another */
    NETWORKS_ASKED =
        256, /* connections of which a SYN may be answered in another network: a power of 2 */
    NETWORKS_ONE = 4 /* in so many the same connection may be seen */
};
enum {
    FIN_NEAR = 16 << 20, /* so far ahead of what was seen an end is believed */
    STALE_FAR = 64 << 20 /* so long before what was acknowledged nothing is sent again */
};

/* Where a conversation met lately was found: most packets follow one of their own kind. It may be
 * wrong by now, and is looked at before it is believed. */
struct wst_flow_place {
    uint64_t hash;         /* of addresses, ports and domain */
    struct wst_flow *flow; /* or NULL */
};
struct wst_flow_recent {
    uint64_t ends[2]; /* IPv4: address, port, half of the domain; by side */
    struct wst_flow_place place;
};
struct wst_flow_recent6 {
    uint64_t words[FLOW_WORDS6];
    struct wst_flow_place place;
};

struct wst_flow_ahead {                      /* segments told ahead (ahead.c) */
    struct wst_flow_place *place[AHEAD_ROW]; /* of each */
    uint64_t hash[AHEAD_ROW];
    struct wst_flow *flow[AHEAD_ROW]; /* of those with payload: the others need no more of it */
    bool payload[AHEAD_ROW];
    uint32_t told; /* so far */
};

struct wst_flow_network {
    uint32_t domain, as; /* the network it is part of: itself, or another */
    bool whole;          /* connections in it are complete */
};
struct wst_flow_asker { /* a SYN, and the conversation that it began */
    uint64_t hash;      /* the conversation's; another: the record is not its any more */
    struct wst_flow *flow;
    uint32_t domain;
};
struct wst_flow_asked {
    uint64_t ends; /* a hash of addresses and ports alone */
    unsigned n;
    struct wst_flow_asker by[NETWORKS_ONE]; /* one in each network, the last first */
    /* The last one that began without a SYN, between these ends, which may be others: copy.c */
    uint64_t joined_ends;
    struct wst_flow_asker joined;
    uint32_t joined_at[2]; /* the numbers of its first segment, by side */
};
struct wst_flow_networks { /* network.c */
    struct wst_flow_network at[NETWORKS_MAX];
    struct wst_flow_asked asked[NETWORKS_ASKED];
    uint32_t n;
    bool plain;  /* connections without any tag are complete */
    bool joined; /* some are part of another */
    bool several; /* there were SYNs of the same ends in two */
};

/* Open addressing. Index 0 is empty, else record index + 1; hash: its lower half. */
struct wst_flow_slot {
    uint32_t hash, index;
};
static_assert(sizeof(struct wst_flow) == 128 || sizeof(void *) < 8, "two cache lines");

struct wst_flow_table {
    const struct wst_limits *limits;
    struct wst_budget *budget;
    struct wst_area *area; /* of the records */
    struct wst_flow_sink sink;
    uint64_t seed[2];

    struct wst_flow_slot *slots;
    uint32_t slots_mask; /* their number, a power of two, less one */
    uint32_t used;       /* slots in use */

    struct wst_flow **chunks;
    uint32_t chunks_n, chunks_room;
    uint32_t free_first; /* list of free records, by `newer` */

    uint32_t embryo_oldest, embryo_newest, embryos;
    uint32_t closed_oldest, closed_newest, closed; /* those that were not precious */
    TAILQ_HEAD(, wst_waiting) holes;               /* halves with a hole, by when it opened */

    const struct wst_flow *last; /* of the segment before */
    uint32_t streams;            /* numbers given out */
    uint32_t renewed;            /* conversations that begin anew under the number they had */
    uint64_t evicted, outnumbered; /* not precious, and forgotten: for want of memory; for newer */
    struct wst_elapsed time; /* all that waits or is silent is held against it */
    int64_t dropped_ns;      /* in it: the capture dropped packets then; INT64_MIN: never */
    int64_t due; /* when there is something to look at: holes_due, hand_due, or at once */
    int64_t holes_due;
    uint32_t hand;    /* of the sweep: next record to look at */
    int64_t hand_due; /* when the next round of the sweep begins; during a round: 0 */
    struct wst_overlap overlap;
    struct wst_stall *stalls; /* stall.c; NULL: none yet */
    struct wst_successors *successors; /* successor.c; NULL: none yet */
    struct wst_flow_ahead ahead;
    struct wst_flow_networks networks;
    _Alignas(64) struct wst_flow_recent recent[1 << RECENT_BITS]; /* two in a cache line */
    struct wst_flow_recent6 recent6[1 << RECENT_BITS];
};

static inline struct wst_flow *wst_flow_at(const struct wst_flow_table *t, uint32_t index)
{
    return &t->chunks[index / FLOW_CHUNK][index % FLOW_CHUNK];
}
/* The unit of wst_flow.active: 4.3 s. Fine enough for timeouts, and every time fits four bytes. */
#define FLOW_COARSE_NS ((int64_t)1 << 32)
static inline int32_t wst_flow_coarse(int64_t ns)
{
    return (int32_t)(ns >> 32);
}
/* `ahead`: how far a sequence number lies ahead of what is expected. Whether it seems to be from
 * long ago, though the packet is not. Numbers are compared half way round, so a side that sent more
 * than 2 GiB which were not captured seems to have gone back. So do packets that are truly older,
 * as when files are given in the wrong order: the time of the packet tells these apart. */
static inline bool wst_flow_stale(const struct wst_flow_table *t, const struct wst_arrival *a,
                                  int32_t ahead)
{
    return ahead < -STALE_FAR &&
           wst_ns_between(a->when.ns, wst_elapsed_newest(&t->time)) <= 1000000000;
}
static inline int32_t wst_seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

/* A server's SYN that answers the client's, which was seen: it acknowledges that, and maybe of the
 * bytes that came with it (TCP Fast Open, RFC 7413 section 4.1.2). */
static inline bool wst_flow_answers(const struct wst_flow *f, unsigned side,
                                    const struct wst_segment *s)
{
    const uint32_t first = f->rare[!side].isn + 1;
    int32_t had = wst_seq_diff(f->half[!side].next, first);
    return (s->flags & WST_TCP_FLAG_ACK) && (f->half[!side].flags & WST_HALF_SYN) &&
           s->ack - first <= (uint32_t)(had < 0            ? 0
                                        : had > UINT16_MAX ? UINT16_MAX
                                                           : had);
}

/* So far from what is expected that a usual hole does not explain it. */
static inline bool wst_seq_is_far(uint32_t seq, uint32_t next)
{
    return seq - next + STALE_FAR > (uint32_t)STALE_FAR + FIN_NEAR;
}

/* No byte of before, sent again: it lies ahead, or far back. */
static inline bool wst_flow_is_early(const struct wst_flow *f, unsigned side,
                                     const struct wst_segment *s)
{
    uint32_t next = f->half[side].next;
    return wst_seq_diff(s->seq, next) > 0 || wst_seq_is_far(s->seq, next);
}

/* Early bytes of a WebSocket, or what may come of such; not what waited already. */
static inline bool wst_flow_may_be_near(const struct wst_flow *f, unsigned side,
                                        const struct wst_segment *s, const struct wst_arrival *a)
{
    return f->precious && (f->succeeding || wst_flow_is_early(f, side, s)) && !a->there.pkt;
}

/* table.c */
struct wst_flow *wst_flow_find(struct wst_flow_table *t, const struct wst_segment *s,
                               unsigned *side, uint64_t *hash);
struct wst_flow *wst_flow_create(struct wst_flow_table *t, const struct wst_segment *s,
                                 unsigned side, uint64_t hash, const struct wst_when *when);
void wst_flow_remove(struct wst_flow_table *t, struct wst_flow *f);
/* `numbered`: as a stream of its own, for Wireshark gives one only to what begins with a SYN.
 * Without, it keeps the number of the one before, and adds to `renewed`. */
void wst_flow_renew(struct wst_flow_table *t, struct wst_flow *f, bool numbered);
void wst_flow_renew_as(struct wst_flow_table *t, struct wst_flow *f, uint32_t stream);
/* Its addresses, ports and domain have another hash from now on; what was there ends. */
void wst_flow_move(struct wst_flow_table *t, struct wst_flow *f, uint64_t hash,
                   const struct wst_when *when);
void wst_flow_grown_up(struct wst_flow_table *t, struct wst_flow *f);
void wst_flow_line_up(struct wst_flow_table *t, struct wst_flow *f);
/* By the number that wst_flow_at takes. */
uint32_t wst_flow_index(const struct wst_flow_table *t, const struct wst_flow *f);

/* An IPv4 end as a number: | address 32 | port 16 | */
static inline uint64_t wst_flow_end4(const uint8_t *address, uint16_t port)
{
    return (uint64_t)wst_be32(address) << 16 | port;
}

/* Another conversation's now: of these ends. */
struct wst_flow_place *wst_flow_recent_replace(const struct wst_flow_table *t,
                                               struct wst_flow_recent *r, uint64_t e0, uint64_t e1);
struct wst_flow_place *wst_flow_recall6(struct wst_flow_table *t, const struct wst_segment *s,
                                        unsigned *side);

/* The place of a segment's conversation among the recent ones, its hash filled in, and the
 * segment's side. Chosen by a hash that anybody can predict: all that can be won by it is a slower
 * one. */
static inline struct wst_flow_place *wst_flow_recall(struct wst_flow_table *t,
                                                     const struct wst_segment *s, unsigned *side)
{
    if (s->family != 4) return wst_flow_recall6(t, s, side);
    uint64_t src = wst_flow_end4(s->src, s->src_port), dst = wst_flow_end4(s->dst, s->dst_port);
    *side = src > dst;
    uint64_t e0 = (uint64_t)(s->domain >> 16) << 48 | (src > dst ? dst : src),
             e1 = (uint64_t)(s->domain & 0xffff) << 48 | (src > dst ? src : dst),
             place = (e0 * 0x9e3779b97f4a7c15u ^ e1) * 0xd6e8feb86659fd93u;
    struct wst_flow_recent *r = &t->recent[place >> (64 - RECENT_BITS)];
    return r->ends[0] == e0 && r->ends[1] == e1 ? &r->place : wst_flow_recent_replace(t, r, e0, e1);
}

/* network.c */
/* The network that `domain` is part of: mostly itself. */
uint32_t wst_flow_network_as(struct wst_flow_table *t, uint32_t domain);
/* A client's SYN, and the conversation it belongs to. */
void wst_flow_network_asked(struct wst_flow_table *t, const struct wst_segment *s,
                            struct wst_flow *f);
/* A server's SYN of `f`, which may be NULL. The conversation that it belongs to; NULL: a new one.
 */
struct wst_flow *wst_flow_network_answer(struct wst_flow_table *t, struct wst_flow *f,
                                         unsigned side, const struct wst_segment *s,
                                         const struct wst_when *when);

/* Where is noted what began between the segment's ends, whichever of them sends. */
struct wst_flow_asked *wst_flow_network_place(struct wst_flow_table *t,
                                              const struct wst_segment *s);
/* A hash of the segment's ends alone. `f` is its conversation. */
uint64_t wst_flow_network_ends(struct wst_flow_table *t, const struct wst_segment *s,
                               const struct wst_flow *f);

/* copy.c */
/* The server's SYN of `f` was seen, and answers its client's; where another network has the same
 * connection, one of the two becomes a copy. The one that is none. */
struct wst_flow *wst_flow_copy_found(struct wst_flow_table *t, const struct wst_flow_asked *asked,
                                     struct wst_flow *f, unsigned side, const struct wst_segment *s,
                                     const struct wst_when *when);
/* `f` is new, and `s` its first segment, which is no client's SYN. Where another network has the
 * same connection `f` becomes a copy of it. The one that is none. */
struct wst_flow *wst_flow_copy_joined(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                      const struct wst_segment *s, const struct wst_when *when);
/* Whose the segment is, that came where `copy` is. */
struct wst_flow *wst_flow_copy_of(struct wst_flow_table *t, struct wst_flow *copy, unsigned side,
                                  const struct wst_segment *s, const struct wst_when *when);

/* connection.c */
/* The flow would end, but another one is in its place since. False: it ends. */
bool wst_flow_succeeded(struct wst_flow_table *t, struct wst_flow *f, const struct wst_arrival *a);
void wst_flow_close(struct wst_flow_table *t, struct wst_flow *f, enum wst_tcp_end how,
                    const struct wst_arrival *a);
/* Ends it when both sides have, or one was reset, and what was sent before that was captured. */
void wst_flow_settle(struct wst_flow_table *table, struct wst_flow *flow,
                     const struct wst_arrival *arrival);

/* fin.c */
/* The side's last byte is the one before `end`. An end far ahead is not believed, and one that
 * comes nearer corrects it. */
void wst_fin_came(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t end,
                  const struct wst_segment *s, const struct wst_arrival *a);
/* The other side has the end that came from far ahead: it was the sender's. */
void wst_fin_believed(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t ack,
                      const struct wst_arrival *a);
/* It has sent up to `until`, which was not captured: that may have been its FIN, lost on the way to
 * where the capture is, or by the capture. One that comes again acknowledges what the first did
 * not, and who had sent his first nobody knows. */
void wst_fin_skipped(struct wst_flow *f, unsigned side, uint32_t until);

/* reset.c */
/* A reset of that side is the connection's. */
bool wst_reset_counts(const struct wst_flow *f, unsigned side, const struct wst_segment *s);
/* The segment is one of the flow's, whatever it answers; not the one of number 0. */
bool wst_reset_is_own(const struct wst_flow *f, unsigned side, const struct wst_segment *s);
/* It counts: says how much its sender sent, and had; what of that was not captured is missing. */
void wst_reset_came(struct wst_flow *f, unsigned side, const struct wst_segment *s);
/* Bytes that the sender of a reset had before it may yet be captured: the end waits for them. */
bool wst_reset_waits(const struct wst_flow *f);

/* stall.c: of flows with `remember` */
/* A segment, before anything comes of it. */
void wst_stall_segment(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                       const struct wst_segment *s, const struct wst_arrival *a);
/* The flow ends. */
void wst_stall_over(struct wst_flow_table *t, struct wst_flow *f, const struct wst_arrival *a);
void wst_stall_free(struct wst_flow_table *t);

/* connection.c: when a SYN was sent last, in ms modulo 2^32, and the marks of the last two. */
static inline void wst_flow_asks(uint32_t *asked_ms, uint32_t *marks, const struct wst_segment *s,
                                 const struct wst_when *when)
{
    *asked_ms = (uint32_t)(when->ns / 1000000);
    *marks = wst_segment_mark(s);
}
/* It is sent once more. False: it is a copy of the packet, which may have an earlier time, or a
 * later one behind a queue. */
bool wst_flow_asks_again(uint32_t *asked_ms, uint32_t *marks, const struct wst_segment *s,
                         const struct wst_when *when);

/* renew.c */
/* A segment of a closed flow that is no straggler: the flow has begun anew, and the segment is the
 * first of it. */
bool wst_flow_goes_on(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                      const struct wst_segment *s, const struct wst_arrival *a);
/* A segment from far off of an open flow that is ignored. Where only its side is captured, and it
 * begins a conversation, that is another one: there is no answer to wait for (successor.c), and
 * nothing to be lost. */
void wst_flow_begins_unheard(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                             const struct wst_segment *s, const struct wst_arrival *a);

/* successor.c: another connection in the place of an open one, of which the end was not captured.
 * It begins with a SYN; or, where that was not captured, what it sends and what it acknowledges
 * both lie far from all that was seen, and it begins a conversation: of the numbers one alone a
 * hole may explain. The other side answers it; before that it may be anybody's. */
enum { WST_SUCCESSOR_SEGMENTS = 16 }; /* of one; a first window is 10 (RFC 6928) */
struct wst_successor_segment {
    struct wst_when when;
    uint32_t seq, ack, payload_len, captured;
    uint16_t window;
    uint8_t flags;
};
/* What waited, in the order in which it came. */
struct wst_succession {
    struct wst_successor_segment segment[WST_SUCCESSOR_SEGMENTS];
    unsigned n;
    struct wst_buf bytes; /* all that they held, one behind the other; the caller's now */
    bool near;            /* its numbers may have been the flow's */
    bool numbered;        /* the first is a SYN, which has a number as a stream: */
    uint32_t stream;
};
/* Both of the segment's numbers are far from what the flow had. */
bool wst_successor_is_far(const struct wst_flow *f, unsigned side, const struct wst_segment *s);
/* One that is far waits: it begins a conversation, or follows what does. One without bytes is
 * passed over: what it acknowledges is not the flow's. */
bool wst_successor_waits(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                         const struct wst_segment *s, const struct wst_when *when);
/* Early bytes of a WebSocket that begin a conversation, as no frame does, wait, too; and what comes
 * behind them. So do acknowledgments of them, which are not the flow's. */
bool wst_successor_near(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                        const struct wst_segment *s, const struct wst_when *when);
/* What waits so of `side` is the flow's own after all: its hole was filled; or `s`, of the other
 * side, lies where an answer begins, and is none. */
bool wst_successor_denied(const struct wst_flow_table *t, const struct wst_flow *f, unsigned side,
                          const struct wst_segment *s);
/* A SYN with a number of its own, which nobody has answered. It waits, and has a number as a
 * stream. False: there is no memory. */
bool wst_successor_asks(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                        const struct wst_segment *s, const struct wst_arrival *a);
/* The flow ended while a SYN waited, which is this one, or is answered by it: the number it has. */
bool wst_successor_number(struct wst_flow_table *t, const struct wst_flow *f, unsigned side,
                          const struct wst_segment *s, uint32_t *stream);
/* It comes behind a SYN that waits, and is not the flow's: it waits, too. False: it is the flow's,
 * which lives. */
bool wst_successor_follows(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                           const struct wst_segment *s, const struct wst_when *when);
/* It answers what `caller` sent, and waits; or, where only one side is captured, goes on behind its
 * own SYN. Where the other side was captured before, and neither is any more, that takes longer. */
bool wst_successor_answered(const struct wst_flow_table *t, const struct wst_flow *f, unsigned side,
                            const struct wst_segment *s, const struct wst_when *when,
                            unsigned *caller);
/* The flow would end: has what waits of `caller` its place, without an answer in the capture? */
bool wst_successor_alone(const struct wst_flow_table *t, const struct wst_flow *f, int64_t now,
                         unsigned *caller);
/* What waits of the side, there is some. */
struct wst_succession wst_successor_take(struct wst_flow_table *t, struct wst_flow *f,
                                         unsigned side);
/* The flow ends: what waits is left out. */
void wst_successor_over(struct wst_flow_table *t, struct wst_flow *f, enum wst_tcp_end how,
                        const struct wst_arrival *a);
/* The flow has another hash from now on, by which what waits is found. */
void wst_successor_moved(struct wst_flow_table *t, const struct wst_flow *f, uint64_t hash);
void wst_successor_free(struct wst_flow_table *t);

/* expire.c */
void wst_flow_free_record(struct wst_flow_table *t, const struct wst_arrival *a);
/* `count`: of those that were not precious. */
void wst_flow_evict(struct wst_flow_table *t, struct wst_flow *f, uint64_t *count,
                    const struct wst_arrival *a);

/* reassemble.c: one half of a flow. All of these may call the sink, which may ignore the flow; then
 * the half has nothing that waits any more. `a` is the packet because of which something happens.
 */
/* `bytes` are the next ones: tells them. */
void wst_half_deliver(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                      struct wst_slice bytes, const struct wst_arrival *a);
/* A segment's payload of `len` bytes at `seq`, of which `bytes` were captured: tells what is next,
 * keeps what is early, compares what was told before. The half is STARTED. */
void wst_half_data(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                   struct wst_slice bytes, uint32_t len, const struct wst_arrival *a);
/* WST_HALF_FIN was set: tells the end when all before it was told. */
void wst_half_fin(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                  const struct wst_arrival *a);
/* The first that is seen of a side is at `seq`. What the other side had acknowledged before, and
 * what was on its way when the capture began, is a hole. */
void wst_half_joined(struct wst_half *h, uint32_t seq);
/* Something that it sent before `until` was not captured. */
bool wst_half_skips(const struct wst_half *h, uint32_t until);
/* Bytes that the other side has are missing. */
bool wst_half_lacks(const struct wst_flow *flow, unsigned side);
/* `acked` has gone on: if bytes are missing now, the half begins to wait for them. */
void wst_half_acked(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                    const struct wst_arrival *a);
/* A packet of the flow, or the time until `now`, went by while the half waits: a hole that has
 * waited long enough is told as a gap. */
void wst_half_waited(struct wst_flow_table *t, struct wst_flow *f, unsigned side, int64_t now,
                     const struct wst_arrival *a);
/* Memory is short: each hole is told as a gap, and what waits behind it as bytes. Afterwards the
 * caller asks wst_flow_settle whether that was the end. */
void wst_half_let_go(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                     const struct wst_arrival *a);
/* What comes next is at `seq`, more than half of all numbers ahead of what was told. */
void wst_half_round(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t seq,
                    const struct wst_arrival *a);
/* The flow ends: nothing is waited for any more, and what is known to be missing is told. */
void wst_half_flush(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                    const struct wst_arrival *a);

#endif
