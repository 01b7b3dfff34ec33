/* SPDX-License-Identifier: MIT
 *
 * libwstrace: packets in, a WebSocket timeline out.
 *
 *     struct wst_context *c = wst_context_new(&options, &listener);
 *     wst_context_begin(c, &meta);
 *     … wst_context_packet(c, &packet) for each packet …
 *     wst_context_finish(c, NULL);
 *     wst_context_free(c);
 *
 * `listener` (struct wst_listener, render.h) is called with each event (event.h); a renderer is one
 * that is there already. Packets come from wst_capture_run (capture.h), or from anywhere else.
 *
 * The library never prints, never exits and never reads a clock: time comes with the packets.
 * Everything hangs on the context; any number of contexts may live in one process, each used by
 * one thread at a time. After an error every call stays defined: it does nothing.
 */
#ifndef WSTRACE_WSTRACE_H
#define WSTRACE_WSTRACE_H

#include <wstrace/capture.h>
#include <wstrace/event.h>
#include <wstrace/render.h>
#include <wstrace/tls.h>
#include <wstrace/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

WST_API const char *wst_version(void); /* "0.1.0" */

/* Every cap there is, with its reason. A context takes a copy. Times are capture time. */
struct wst_limits {
    /* -- one message, one head: what a single peer can make us hold -- */
    /* 16 MiB: bytes of a message kept, compressed or not; the rest is counted. */
    size_t max_message;
    uint64_t max_inflate; /* 1 GiB: output of one message; a bomb costs a second at most */
    size_t max_head;      /* 256 KiB: one HTTP head; servers refuse at 8–64 KiB */
    size_t max_early;  /* 1 MiB: bytes that wait for the other side (client bytes before the 101),
                        * with 16 more a segment */
    size_t max_resync; /* 256 KiB: bytes kept to find frames again after a gap */
    size_t max_wire;   /* 16 MiB: bytes of a frame kept as they were on the wire; only with
                          options.wire */
    uint32_t max_pipeline; /* 1024: requests waiting for their responses */
    uint32_t max_keys;     /* 4096: Sec-WebSocket-Keys remembered, to know one that is used again */
    uint32_t max_findings; /* 65536: open connections whose findings are counted by id */
    size_t tls_wait; /* 256 KiB: bytes of a TLS connection that wait for keys or the other side */
    int64_t tls_wait_ns; /* 60 s: how long they wait for keys; libraries log them at once */
    /* -- TCP and IP -- */
    size_t reorder_bytes; /* 4 MiB: out-of-order bytes a direction; a full scaled window is seldom
                             more */
    uint32_t reorder_segments; /* 4096: their number */
    uint32_t reorder_packets;  /* 16: packets of a flow an acknowledged hole waits for a late
                                  segment, when bytes wait behind it */
    int64_t reorder_acked_ns;  /* 0.5 s: the same in time, in any case */
    int64_t reorder_ns;       /* 10 s: time a hole waits that nobody acknowledged */
    size_t overlap_bytes; /* 256 KiB: delivered bytes remembered, to hold retransmissions against */
    size_t fragment_bytes; /* 4 MiB: IP fragments waiting */
    int64_t fragment_ns;   /* 30 s: RFC 791 says 15, Linux 30 */
    uint32_t tunnel_depth; /* 8: headers inside headers */
    /* -- the tables -- */
    uint32_t max_embryonic; /* 65536: flows with a SYN and nothing else; a flood's share */
    /* 1024: flows of other traffic that ended; their last stragglers come soon. */
    uint32_t max_closed;
    int64_t idle_embryonic_ns; /* 60 s */
    int64_t idle_closed_ns;    /* 30 s: stragglers of a finished connection */
    int64_t idle_other_ns;     /* 10 min: not WebSocket */
    int64_t idle_websocket_ns; /* 24 h: silent ones live long */
    size_t memory;             /* 1 GiB: all of it */
};
WST_API extern const struct wst_limits wst_limits_default;

/* Which findings about endpoints are told. Counted are all; what the capture lacks is always told.
 */
enum wst_problems_told {
    WST_PROBLEMS_ALL,
    WST_PROBLEMS_FIRST, /* of each id in each direction of a connection */
    WST_PROBLEMS_NONE,
};

enum { WST_JOBS_MAX = 16, WST_BATCH_MAX = 8192 };

struct wst_options {
    struct wst_limits limits;
    enum wst_problems_told problems;
    bool headers;          /* handshake events carry all header lines */
    uint64_t max_payload;  /* payload bytes of a message in an event; UINT64_MAX: all */
    bool verify_checksums; /* drop packets with a wrong IP or TCP checksum (off: offload) */
    uint32_t jobs; /* threads for what takes time, which is compressed messages; 0 and 1: the
                    * caller's alone; WST_JOBS_MAX at most. What is told is the same, only later:
                    * see wst_context_settle. With `wire` it is always the caller's alone */
    /* Steps of compressed connections that may wait, to be done one connection after another: with
     * many, what each refers back to is found in the cache. 0: each at once; WST_BATCH_MAX at most.
     * What is told is the same, only later, as above. */
    uint32_t batch;
    /* … while more connections than that are busy, and as long as that is found to take less time
     * than each at once; 128: what fewer refer to is near enough. 0: always. */
    uint32_t batch_from;
    /* Who wants bytes as they were on the wire (copied); NULL: nobody. */
    const struct wst_wire *wire;
    uint64_t hash_seed[2]; /* keys the flow table; both 0: from the operating system */
};
/* The defaults: wst_limits_default, no headers, whole payloads. */
WST_API void wst_options_init(struct wst_options *options);

struct wst_context; /* owned by the caller */

/* A context that tells `listener` (copied) what it finds. `options` NULL: the defaults.
 * NULL when out of memory. */
WST_API struct wst_context *wst_context_new(const struct wst_options *options,
                                            const struct wst_listener *listener);
/* Emits `meta`. Once, before the first packet; may be left out: then there is no such event. */
WST_API void wst_context_begin(struct wst_context *context, const struct wst_event_meta *meta);
/* One packet, in the order of the capture. `packet->data` may be reused when it returns. */
WST_API void wst_context_packet(struct wst_context *context, const struct wst_packet *packet);
/* The same for `n` of them, which are all there at once: what is told does not change, but what the
 * later ones need is fetched from memory while the earlier ones are worked on. */
WST_API void wst_context_packets(struct wst_context *context, const struct wst_packet *packets,
                                 size_t n);
/* Whether packets of this link type (a LINKTYPE_ number) can be read; others are counted and
 * passed over. */
WST_API bool wst_context_reads_link_type(uint32_t link_type);
/* What the packet pushed last is to those who want WebSocket only, and the conversation it
 * belongs to (tcp_stream; one of QUIC has a larger number; UINT64_MAX: none). */
WST_API enum wst_fate wst_context_fate(const struct wst_context *context, uint64_t *stream);
/* Tells when such a conversation turns out to be WebSocket, by the number that wst_context_fate
 * gave for its packets: with a packet, or with the time that goes on, or at the end, for what has
 * one direction may not be known sooner. Whoever keeps packets that were undecided wants them then.
 * It is called from inside the calls that take packets, tick and finish, which it must not call. */
WST_API void wst_context_chosen(struct wst_context *context,
                                void (*chosen)(void *user, uint64_t stream), void *user);
/* With options.jobs or options.batch, events come some packets after the one that completes them,
 * in the same order and from the same thread, in any call that takes a context that is not const.
 * This one waits until all of the packets so far have come. */
WST_API void wst_context_settle(struct wst_context *context);
/* Capture time has reached `ns` without a packet (a silent interface). */
WST_API void wst_context_tick(struct wst_context *context, int64_t ns);
/* The capture dropped `packets` here, `ns` or later: what is missing now was not late, and nobody
 * sends it again. Emits `capture.dropped`. */
WST_API void wst_context_dropped(struct wst_context *context, uint64_t packets, int64_t ns);
/* A finding of the caller's own about no connection (a capture that dropped packets …). */
WST_API void wst_context_problem(struct wst_context *context, enum wst_problem problem,
                                 const char *detail);
struct wst_counters { /* packets, as wst_capture_counters gives them; -1: not known, as in stats */
    int64_t captured, received, dropped;
};
/* The capture is over: ends everything still open, emits `end` events and `stats`. Once.
 * `counters`: of a live capture, or NULL. */
WST_API void wst_context_finish(struct wst_context *context, const struct wst_counters *counters);
/* The totals so far, also after finish. */
WST_API void wst_context_stats(const struct wst_context *context, struct wst_event_stats *stats);
/* Bytes the context holds now (flows, waiting bytes, histories); for `--stats` and tests. */
WST_API size_t wst_context_memory(const struct wst_context *context);
WST_API void wst_context_free(struct wst_context *context); /* may be NULL */

#ifdef __cplusplus
}
#endif
#endif
