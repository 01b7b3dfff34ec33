/* SPDX-License-Identifier: MIT
 *
 * The public door: packets in, events out. Wires the rooms together; conversation.c walks a byte
 * through them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "pipeline.h"
#include "seldom.h"

const char *wst_version(void)
{
    return WST_VERSION;
}

#define MIB ((size_t)1 << 20)
#define SECOND_NS 1000000000ll
#define JUMP_NS SECOND_NS /* captures joined from several queues are out of order by less */

const struct wst_limits wst_limits_default = {
    .max_message = 16 * MIB,
    .max_inflate = 1024 * MIB,
    .max_head = 256 * 1024,
    .max_early = 1 * MIB,
    .max_resync = 256 * 1024,
    .max_wire = 16 * MIB,
    .max_pipeline = 1024,
    .max_keys = 4096,
    .max_findings = 65536,
    .tls_wait = 256 * 1024,
    .tls_wait_ns = 60 * SECOND_NS,
    .reorder_bytes = 4 * MIB,
    .reorder_segments = 4096,
    .reorder_packets = 16,
    .reorder_acked_ns = SECOND_NS / 2,
    .reorder_ns = 10 * SECOND_NS,
    .overlap_bytes = 256 * 1024,
    .fragment_bytes = 4 * MIB,
    .fragment_ns = 30 * SECOND_NS,
    .tunnel_depth = 8,
    .max_embryonic = 65536,
    .max_closed = 1024,
    .idle_embryonic_ns = 60 * SECOND_NS,
    .idle_closed_ns = 30 * SECOND_NS,
    .idle_other_ns = 600 * SECOND_NS,
    .idle_websocket_ns = 86400 * SECOND_NS,
    .memory = 1024 * MIB,
};

void wst_options_init(struct wst_options *o)
{
    *o = (struct wst_options){
        .limits = wst_limits_default, .max_payload = UINT64_MAX, .batch_from = 128};
}

static void context_seed(uint64_t seed[2])
{
    if (seed[0] || seed[1]) return;
    if (getrandom(seed, 2 * sizeof *seed, GRND_NONBLOCK) != (ssize_t)(2 * sizeof *seed))
        seed[0] = (uintptr_t)seed; /* the loader's choice of addresses must do */
}

struct wst_context *wst_context_new(const struct wst_options *options,
                                    const struct wst_listener *listener)
{
    struct wst_context *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    TAILQ_INIT(&c->pickups);
    TAILQ_INIT(&c->encrypted_waiting);
    if (options)
        c->options = *options;
    else
        wst_options_init(&c->options);
    context_seed(c->options.hash_seed);
    c->budget.max = c->options.limits.memory;
    c->scarce = c->budget.max - c->budget.max / 16;
    wst_pool_init(&c->pool, &c->area, sizeof(union conversation_any));
    wst_timeline_init(&c->timeline, listener, &c->options, &c->budget);
    c->http.options = &c->options;
    c->http.budget = &c->budget;
    c->proxied.budget = &c->budget;
    c->http.user = c->ws.user = c;
    c->http.handshake = wst_conversation_handshake;
    c->http.problem = wst_conversation_problem;
    c->http.network = wst_conversation_network;
    wst_multiplexed_init(c);
    c->ws.emit = wst_conversation_emit;
    c->ws.place = wst_conversation_place;
    struct wst_flow_sink sink = wst_conversation_sink;
    sink.user = c;
    if (c->options.wire) wst_wire_init(c, c->options.wire, &sink);
    c->sink = sink;
    c->net = wst_net_new(&c->options);
    c->flows =
        wst_flow_table_new(&c->options.limits, c->options.hash_seed, &c->budget, &c->area, &sink);
    if (!c->net || !c->flows || !wst_ws_env_init(&c->ws, &c->options, &c->budget) ||
        !wst_encrypted_init(c) || !wst_datagrams_init(c)) {
        wst_context_free(c);
        return NULL;
    }
    return c;
}

size_t wst_context_empty(struct wst_context *c)
{
    if (c->flows && c->quic && !c->finished) { /* lets go of every conversation, telling nobody */
        c->timeline.listener.event = NULL;
        wst_context_tls(c, &(struct wst_tls_hooks){0});
        wst_context_chosen(c, NULL, NULL);
        wst_flow_finish(c->flows, &c->now);
        wst_quic_finish(c->quic, &c->now);
        wst_work_settle(c);
    }
    wst_work_free(c);
    wst_quic_free(c->quic);
    wst_flow_table_free(c->flows);
    wst_proxied_free(c);
    wst_wire_free(c);
    wst_net_free(c->net);
    wst_http_env_free(&c->http);
    wst_ws_env_free(&c->ws);
    wst_timeline_free(&c->timeline);
    wst_tls_env_free(&c->tls);
    wst_area_free(&c->area);
    return c->budget.used;
}

void wst_context_free(struct wst_context *c)
{
    if (c) wst_context_empty(c);
    free(c);
}

void wst_context_begin(struct wst_context *c, const struct wst_event_meta *meta)
{
    if (c->begun) return;
    c->begun = true;
    struct wst_event e = {.type = WST_EVENT_META, .dir = WST_DIR_NONE};
    e.meta = *meta;
    wst_timeline_emit(&c->timeline, &e, NULL);
}

/* Files in the wrong order, or a clock that was set: what looks like sent again may be new, and
 * what is older than its connection is not read. */
WST_SELDOM static void context_backwards(struct wst_context *c, const struct wst_packet *p)
{
    char detail[96];
    int64_t by_ns = wst_ns_between(p->when.ns, c->timeline.stats.last_ns);
    if (by_ns <= JUMP_NS || c->jumps++ >= WST_CONTEXT_TOLD) return;
    snprintf(detail, sizeof detail, "the packet is %lld.%03lld s older than the one before it",
             (long long)(by_ns / SECOND_NS), (long long)(by_ns % SECOND_NS / 1000000));
    wst_context_problem(c, WST_PROBLEM_CAPTURE_TIME, detail);
}

/* Of a row: the first of all sets the clock. */
static inline void context_first(struct wst_context *c, const struct wst_packet *p)
{
    struct wst_event_stats *s = &c->timeline.stats;
    if (!s->packets) s->first_ns = s->last_ns = p->when.ns;
}

static inline void context_clock(struct wst_context *c, const struct wst_packet *p)
{
    struct wst_event_stats *s = &c->timeline.stats;
    c->now.pkt = p->when.pkt; /* not as one: see CMakeLists.txt */
    c->now.ns = p->when.ns;
    c->timeline.nanos = p->nanos;
    if (p->when.ns < s->last_ns) context_backwards(c, p);
    s->last_ns = p->when.ns;
    s->packets++;
    s->bytes += p->wire_len > p->data.n ? p->wire_len : p->data.n;
}

static void context_several(struct wst_context *c)
{
    c->several.under_way = true;
    c->several.taken = 0;
    c->several.fate = WST_FATE_OTHER;
    c->several.stream = UINT64_MAX;
    c->several.undecoded = c->timeline.stats.undecoded;
}

static void context_other(struct wst_context *c, enum wst_net_result what)
{
    c->fate = WST_FATE_OTHER;
    c->fate_stream = UINT64_MAX;
    switch (what) {
    case WST_NET_HELD: c->fate = WST_FATE_WEBSOCKET; break; /* it may become one */
    case WST_NET_UNKNOWN_LINK: c->timeline.stats.unknown_link++; break;
    case WST_NET_SHORT:
    case WST_NET_BAD_CHECKSUM: c->timeline.stats.undecoded++; break;
    case WST_NET_SEVERAL: context_several(c); break;
    default: break;
    }
}

/* For those who keep packets, one of several frames is one of the conversation that matters most;
 * two that are undecided cannot both wait with it. */
static void several_fate(struct wst_context *c)
{
    uint64_t stream, *most = &c->several.stream;
    enum wst_fate fate = wst_context_fate(c, &stream);
    bool same = stream == *most && stream != UINT64_MAX;
    if (fate == WST_FATE_UNDECIDED && c->several.fate == fate && !same)
        fate = WST_FATE_WEBSOCKET, stream = UINT64_MAX;
    if (fate > c->several.fate || same) c->several.fate = fate, *most = stream;
}

/* The next frame of such a packet is taken as if it were a packet of its own, in the same place:
 * what every packet passes is in one piece only where it is asked for once. */
WST_SELDOM static bool context_next(struct wst_context *c, enum wst_net_result *what,
                                    struct wst_segment *segment)
{
    if (c->several.taken++) several_fate(c);
    if (wst_net_next(c->net, what, segment)) return true;
    uint64_t *undecoded = &c->timeline.stats.undecoded;
    if (*undecoded > c->several.undecoded) *undecoded = c->several.undecoded + 1;
    c->several.under_way = c->segment = c->datagram = false;
    c->fate = c->several.fate;
    c->fate_stream = c->several.stream;
    return false;
}

/* Of TCP and QUIC what nobody wants goes first, and then what was silent longest. When all of that
 * is not enough, more packets must bring what may go before it is asked for again. */
WST_SELDOM static void context_make_room(struct wst_context *c, const struct wst_when *when)
{
    enum { PACKETS = 256 };
    static const int64_t silent_ns[] = {INT64_MAX,      3600 * SECOND_NS, 600 * SECOND_NS,
                                        60 * SECOND_NS, 10 * SECOND_NS,   0};
    size_t bytes = c->budget.max / 8;
    if (c->timeline.stats.packets < c->room_from) return;
    for (size_t i = 0; i < sizeof silent_ns / sizeof *silent_ns; i++)
        if (wst_flow_make_room(c->flows, bytes, silent_ns[i], when) ||
            wst_quic_make_room(c->quic, bytes, silent_ns[i], when))
            return;
    c->room_from = c->timeline.stats.packets + PACKETS;
}

static inline enum wst_net_result packet_begins(struct wst_context *c, const struct wst_packet *p,
                                                struct wst_segment *segment)
{
    context_clock(c, p);
    if (c->work) wst_work_packet(c);
    wst_flow_tick(c->flows, &p->when);
    if (c->budget.used > c->scarce) context_make_room(c, &p->when);
    return wst_net_segment(c->net, p, segment);
}

static inline void packet_turn(struct wst_context *c, const struct wst_packet *p)
{
    struct wst_segment segment;
    enum wst_net_result what;
    if (!c->several.under_way)
        what = packet_begins(c, p, &segment);
    else if (!context_next(c, &what, &segment))
        return;
    c->segment = what == WST_NET_TCP;
    c->datagram = what == WST_NET_UDP;
    if (what == WST_NET_TCP)
        wst_flow_push(c->flows, &segment, &p->when);
    else if (what == WST_NET_UDP)
        wst_datagrams_push(c, &segment);
    else
        context_other(c, what);
}

/* So many packets before its turn a packet is told to the flow room, where there are many
 * connections: what it needs has come from memory by then. */
enum { AHEAD = 15 };

/* A packet will have its turn soon. False: that is no use. */
static bool packet_ahead(struct wst_context *c, const struct wst_packet *p)
{
    struct wst_segment segment;
    return !wst_net_glance(p, &segment) || wst_flow_ahead(c->flows, &segment);
}

void wst_context_packets(struct wst_context *c, const struct wst_packet *packets, size_t n)
{
    if (c->finished || n == 0) return;
    context_first(c, packets);
    size_t told = 1; /* packets told ahead; the first is not worth it */
    for (size_t i = 0; i < n; i += !c->several.under_way) {
        while (told < n && told <= i + AHEAD)
            told = packet_ahead(c, &packets[told]) ? told + 1 : n;
        packet_turn(c, &packets[i]);
    }
}

void wst_context_packet(struct wst_context *c, const struct wst_packet *p)
{
    wst_context_packets(c, p, 1);
}

enum wst_fate wst_context_fate(const struct wst_context *c, uint64_t *stream)
{
    const struct wst_flow *f = c->segment ? wst_flow_last(c->flows) : NULL;
    if (c->datagram) return wst_datagrams_fate(c, stream);
    *stream = f ? f->stream : c->segment ? UINT64_MAX : c->fate_stream;
    if (f) return wst_conversation_fate(wst_flow_original(c->flows, f));
    return c->segment ? WST_FATE_OTHER : c->fate; /* a segment for whose record there was no room */
}

void wst_context_chosen(struct wst_context *c, void (*chosen)(void *user, uint64_t stream),
                        void *user)
{
    c->chosen = chosen;
    c->chosen_user = user;
}

bool wst_context_reads_link_type(uint32_t link_type)
{
    return wst_net_knows_link(link_type);
}

void wst_context_tick(struct wst_context *c, int64_t ns)
{
    struct wst_when when = {c->now.pkt, ns};
    if (c->finished) return;
    wst_flow_tick_idle(c->flows, &when);
    wst_quic_tick(c->quic, &when, 1024);
}

void wst_context_dropped(struct wst_context *c, uint64_t packets, int64_t ns)
{
    char detail[96];
    if (c->finished) return;
    if (ns > c->now.ns) c->now.ns = ns; /* the timeline never goes back */
    snprintf(detail, sizeof detail, "%llu packet%s of this time %s not captured",
             (unsigned long long)packets, packets == 1 ? "" : "s", packets == 1 ? "was" : "were");
    wst_context_problem(c, WST_PROBLEM_CAPTURE_DROPPED, detail);
    wst_flow_dropped(c->flows, &c->now);
}

void wst_context_problem(struct wst_context *c, enum wst_problem problem, const char *detail)
{
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = WST_DIR_NONE, .when = c->now};
    e.problem = (struct wst_event_problem){.problem = problem, .detail = detail, .offset = -1};
    if (!c->finished) wst_work_emit(c, &e, NULL);
}

void wst_context_settle(struct wst_context *c)
{
    wst_work_settle(c);
}

void wst_context_stats(const struct wst_context *c, struct wst_event_stats *stats)
{
    *stats = c->timeline.stats;
    stats->tcp_streams = wst_flow_streams(c->flows);
    stats->quic = wst_quic_count(c->quic);
}

static void context_evicted(struct wst_context *c, uint64_t n, const char *what)
{
    char detail[128];
    if (!n) return;
    snprintf(detail, sizeof detail,
             "%llu %s that were not WebSocket so far were forgotten to stay inside "
             "the memory budget",
             (unsigned long long)n, what);
    wst_context_problem(c, WST_PROBLEM_CAPTURE_FORGOTTEN, detail);
}

/* However much memory there is: `most` are followed at a time. */
static void context_outnumbered(struct wst_context *c, uint64_t n, const char *what, uint64_t most)
{
    char detail[160];
    if (!n) return;
    snprintf(detail, sizeof detail,
             "%llu %s were forgotten for newer ones: of such, %llu are followed at a time",
             (unsigned long long)n, what, (unsigned long long)most);
    wst_context_problem(c, WST_PROBLEM_CAPTURE_FORGOTTEN, detail);
}

static void context_refused(struct wst_context *c)
{
    char detail[128];
    uint64_t n = c->budget.refused + wst_work_refused(c) + wst_net_refused(c->net);
    if (!n) return;
    snprintf(detail, sizeof detail,
             "the system refused memory %llu time%s: what could not be kept for that is missing",
             (unsigned long long)n, n == 1 ? "" : "s");
    wst_context_problem(c, WST_PROBLEM_CAPTURE_MEMORY, detail);
}

/* Behind those that were told one by one. */
static void context_more(struct wst_context *c, enum wst_problem problem, uint64_t n,
                         const char *what)
{
    char detail[96];
    if (n <= WST_CONTEXT_TOLD) return;
    snprintf(detail, sizeof detail, "%llu more %s", (unsigned long long)(n - WST_CONTEXT_TOLD),
             what);
    wst_context_problem(c, problem, detail);
}

void wst_context_finish(struct wst_context *c, const struct wst_counters *counters)
{
    if (c->finished) return;
    wst_flow_finish(c->flows, &c->now);
    wst_datagrams_finish(c);
    wst_work_settle(c);
    context_evicted(c, wst_flow_evicted(c->flows), "TCP conversations");
    context_evicted(c, wst_quic_evicted(c->quic), "QUIC connections");
    context_outnumbered(c, wst_flow_outnumbered(c->flows), "TCP connections without a byte of data",
                        c->options.limits.max_embryonic);
    context_outnumbered(c, wst_quic_outnumbered(c->quic),
                        "QUIC connections that were not WebSocket so far", WST_QUIC_CONNECTIONS);
    context_refused(c);
    context_more(c, WST_PROBLEM_CAPTURE_TIME, c->jumps,
                 "packets are older than the one before them");
    context_more(c, WST_PROBLEM_TCP_RESET_IGNORED, c->ends_ignored[0],
                 "times a side goes on after a reset");
    context_more(c, WST_PROBLEM_TCP_FIN_IGNORED, c->ends_ignored[1],
                 "times a side goes on after its FIN");
    context_more(c, WST_PROBLEM_LIMIT_PROXIES, c->proxies_many,
                 "connections go through as many proxies");
    context_more(c, WST_PROBLEM_TCP_UNANSWERED, c->unopened[0],
                 "TCP connections were not answered");
    context_more(c, WST_PROBLEM_TCP_REFUSED, c->unopened[1], "TCP connections were refused");
    context_more(c, WST_PROBLEM_QUIC_UNANSWERED, c->unopened_quic,
                 "QUIC connections were not answered");
    struct wst_event e = {.type = WST_EVENT_STATS, .dir = WST_DIR_NONE, .when = c->now};
    if (counters) {
        c->timeline.stats.captured = counters->captured;
        c->timeline.stats.received = counters->received;
        c->timeline.stats.dropped = counters->dropped;
    }
    wst_context_stats(c, &e.stats);
    c->finished = true;
    wst_timeline_emit(&c->timeline, &e, NULL);
    if (c->timeline.listener.flush) c->timeline.listener.flush(c->timeline.listener.user);
}

size_t wst_context_memory(const struct wst_context *c)
{
    return wst_work_memory(c) + wst_net_memory(c->net);
}
