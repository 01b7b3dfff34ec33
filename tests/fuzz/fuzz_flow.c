/* SPDX-License-Identifier: MIT
 *
 * The door of the flow room: any segments, with limits so small that each is reached.
 *
 *     | options 1 | segment | segment | …
 *     segment:  | who 1 | flags 1 | sequence 2 | acknowledgment 2 | length 1 | payload … |
 *     who:      bits 0–1 address, 2 side, 3–4 time step, 5 payload was cut, 6 far away, 7 the
 *               callbacks ignore the flow, or make room, as bits 6 and 7 of flags say
 *     flags:    bits 6–7 the network, unless the callbacks do something
 *
 * What is checked, beside what the sanitizers see: nothing is told about a flow after its end, or
 * after it was ignored; every flow ends once; what was taken from the budget is given back.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"

static void on_stalled(void *user, struct wst_flow *f, unsigned side,
                       const struct wst_flow_stalled *x, const struct wst_arrival *a)
{
    (void)user;
    (void)side;
    (void)a;
    if (x->what == WST_FLOW_STALL_ASKED ? x->times < 2 : !f->remember || x->ns < 1000000000)
        abort();
}

static bool on_begins(void *user, struct wst_slice bytes, bool answer)
{
    (void)user;
    return bytes.n && (bytes.p[0] == 'G' || (answer && bytes.p[0] == 'H'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct state {
    struct wst_flow_table *table;
    bool ignore;
    uint64_t calls, ended; /* SYNs; flows */
    volatile uint8_t sum;
};

enum { ENDED = 1, MET = 2 }; /* wst_flow.kind, which is ours here */

static void told(struct state *s, struct wst_flow *f)
{
    if (f->ignored || f->kind == ENDED) abort();
    f->kind = MET;
    f->precious = f->hash & 1;
    f->remember = f->hash & 2;
    if (s->ignore) wst_flow_ignore(s->table, f);
}

static void on_data(void *user, struct wst_flow *f, unsigned side, struct wst_slice bytes,
                    const struct wst_arrival *a)
{
    struct state *s = user;
    (void)a;
    for (size_t i = 0; i < bytes.n; i++) s->sum ^= bytes.p[i];
    if (!bytes.n || (f->half[side].flags & WST_HALF_ENDED)) abort();
    told(s, f);
}

static void on_gap(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                   enum wst_gap_cause cause, const struct wst_arrival *a)
{
    uint64_t most = cause == WST_GAP_ROUND ? UINT32_MAX : INT32_MAX;
    (void)a;
    if (!bytes || bytes > most || (f->half[side].flags & WST_HALF_ENDED)) abort();
    told(user, f);
}

static void on_fin(void *user, struct wst_flow *f, unsigned side, const struct wst_arrival *a)
{
    (void)a;
    if (!(f->half[side].flags & WST_HALF_ENDED)) abort();
    told(user, f);
}

static void on_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    struct state *s = user;
    (void)a;
    (void)how;
    if (f->kind == ENDED) abort();
    f->kind = ENDED;
    s->ended++;
}

static void on_conflict(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                        const struct wst_arrival *a)
{
    (void)a;
    (void)side;
    if (!bytes) abort();
    told(user, f);
}

static void on_unbelieved(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                          enum wst_unbelieved why, const struct wst_arrival *a)
{
    if (why == WST_UNBELIEVED_RESET || why == WST_UNBELIEVED_FIN) { /* an end was not believed */
        if (bytes || f->kind != ENDED) abort();
        return;
    }
    on_conflict(user, f, side, bytes, a);
}

static uint32_t wide(const uint8_t *p, bool far)
{
    uint32_t v = (uint32_t)p[0] << 8 | p[1];
    return far ? v << 16 : v - 0x100; /* near: around the wrap */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t steps[4] = {1000, 300000000, 11000000000, INT64_MAX / 3};
    static const uint64_t seed[2] = {1, 2};
    if (size < 1) return 0;
    struct wst_limits limits = {.reorder_bytes = 64 + (data[0] & 0xf0),
                                .reorder_segments = 4,
                                .reorder_packets = 5,
                                .reorder_acked_ns = 2000000000,
                                .reorder_ns = 10000000000,
                                .overlap_bytes = data[0] & 1 ? 4096 : 0,
                                .max_embryonic = data[0] & 2 ? 2 : 0,
                                .max_closed = data[0] & 1 ? 1 : 100,
                                .idle_embryonic_ns = 60000000000,
                                .idle_closed_ns = 30000000000,
                                .idle_other_ns = 600000000000,
                                .idle_websocket_ns = 86400000000000};
    struct wst_budget budget = {.max = data[0] & 4 ? 200000 : 131072 + 600};
    struct wst_area area = {0};
    struct state s = {0};
    struct wst_flow_sink sink = {&s,   on_data, on_gap,        on_fin,     on_end,   on_conflict,
                                 NULL, NULL,    on_unbelieved, on_stalled, on_begins};
    s.table = wst_flow_table_new(&limits, seed, &budget, &area, &sink);
    if (!s.table) return 0;
    struct wst_when when = {0, data[0] & 8 ? INT64_MIN : 1};
    for (size_t at = 1; at + 7 <= size;) {
        uint8_t who = data[at], n = data[at + 6];
        size_t have = size - at - 7;
        if (have > n) have = n;
        uint8_t *payload = malloc(have ? have : 1); /* of its own, so that its end is watched */
        if (!payload) break;
        memcpy(payload, data + at + 7, have);
        uint8_t address[2][4] = {{10, 0, 0, who & 3}, {10, 0, 1, who & 3}};
        unsigned side = who >> 2 & 1;
        uint32_t len = (uint32_t)have;
        if (who & 0x20) len += who & 0x40 ? 1u << 29 : 9;
        struct wst_segment segment = {.src = address[side],
                                      .dst = address[!side],
                                      .family = 4,
                                      .flags = data[at + 1],
                                      .domain = who & 0x80 ? 0 : data[at + 1] >> 6,
                                      .src_port = side ? 80 : 4000,
                                      .dst_port = side ? 4000 : 80,
                                      .window = data[at + 1] & 0x20,
                                      .seq = wide(data + at + 2, who & 0x40),
                                      .ack = wide(data + at + 4, who & 0x40),
                                      .payload_len = len,
                                      .payload = {payload, have}};
        s.calls += segment.flags & WST_TCP_FLAG_SYN ? 1 : 0;
        int64_t step = steps[who >> 3 & 3];
        if (__builtin_add_overflow(when.ns, step, &when.ns)) when.ns = INT64_MIN;
        when.pkt++;
        s.ignore = who & 0x80 && data[at + 1] & 0x40;
        wst_flow_tick(s.table, &when);
        if (who & 0x80 && data[at + 1] & 0x80)
            wst_flow_make_room(s.table, 100000, who & 1 ? 0 : INT64_MAX, &when);
        wst_flow_push(s.table, &segment, &when);
        free(payload);
        at += 7 + have;
    }
    s.ignore = false;
    wst_flow_finish(s.table, &when);
    /* A SYN into an open flow has a number, and is no flow before it is answered. */
    uint64_t streams = wst_flow_streams(s.table);
    if (s.ended > streams || s.ended + s.calls < streams) abort();
    wst_flow_table_free(s.table);
    wst_area_free(&area);
    if (budget.used) abort();
    return 0;
}
