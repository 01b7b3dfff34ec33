/* SPDX-License-Identifier: MIT
 *
 * A flow table on a bench. In: segments in a little language. Out: what the sink was told, as text.
 *
 *   segment   c|s  flags  seq [,ack][=payload] [+cut] [#mark]    c: client, s: server
 *             flags of S F R; seq and ack count from the side's SYN, which is 0
 *             +3: three bytes more were sent, but cut off by the snap length
 *             #7: the packet's mark
 *   time      @5     five seconds go by        @-5    the clock jumps back
 *             ~      the clock ticks without a packet
 *             !      the capture drops packets
 *   end       $      the capture is over
 *
 *   told      c"ab"  bytes        c-3  gap      c~3 cut off    c^3 gap because of a limit
 *             c@9    gap of so many or 4 GiB more
 *             c.     fin          c!2  conflict of two bytes
 *             c?9    bytes from far ahead, c>9 from behind the end, c:9 of a call that nobody
 *                    answers, left out
 *             c%3    another SYN was sent three times, and nobody answered
 *             c+0    its reset was none, it goes on; c=0 its FIN was none. G: begins another;
 *                    H: answers it
 *             (fin) (rst) (eof) (timeout) (evicted)
 *
 * Neighbouring bytes of a side are told as one: how they were cut is nobody's business.
 */
#ifndef WST_TEST_FLOW_RIG_H
#define WST_TEST_FLOW_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/table.h"

#define SECOND 1000000000ll

struct rig {
    struct wst_limits limits;
    struct wst_budget budget;
    struct wst_area area;
    struct wst_flow_table *table;
    struct wst_when when;
    uint32_t isn[2];       /* of the client, of the server */
    bool swapped;          /* the client has the greater address */
    bool twice;            /* every packet comes twice */
    bool v6;               /* over IPv6 */
    uint16_t client;       /* its port: another one is another connection */
    uint32_t domain[2];    /* of what the client, the server sends */
    const char *ignore_at; /* the flow is ignored from inside a callback that tells this letter */
    bool precious;
    unsigned ends;
    char told[4096];
    char *last; /* where the closing quote of the last bytes is; NULL: something else came */
    unsigned last_side;
};

static inline void rig_tell(struct rig *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void rig_tell(struct rig *r, const char *format, ...)
{
    size_t n = strlen(r->told);
    va_list args;
    va_start(args, format);
    if (n && n + 2 < sizeof r->told) r->told[n++] = ' ';
    vsnprintf(r->told + n, sizeof r->told - n, format, args);
    va_end(args);
    r->last = NULL;
}

static inline char rig_side(const struct rig *r, unsigned side)
{
    return side == r->swapped ? 'c' : 's';
}

/* Not an ignored flow, not one that ended; and maybe it is ignored now. */
static inline void rig_told(struct rig *r, struct wst_flow *f, char what)
{
    assert_false(f->ignored);
    assert_int_not_equal(f->state, WST_FLOW_CLOSED);
    if (r->ignore_at && strchr(r->ignore_at, what)) wst_flow_ignore(r->table, f);
}

static inline void rig_data(void *user, struct wst_flow *f, unsigned side, struct wst_slice bytes,
                            const struct wst_arrival *a)
{
    struct rig *r = user;
    char c = rig_side(r, side);
    (void)a;
    assert_true(bytes.n > 0);
    if (r->last && r->last_side == side &&
        (size_t)(r->last - r->told) + bytes.n + 2 < sizeof r->told) {
        memcpy(r->last, bytes.p, bytes.n);
        r->last += bytes.n;
        memcpy(r->last, "\"", 2);
    } else {
        rig_tell(r, "%c\"%.*s\"", c, (int)bytes.n, (const char *)bytes.p);
        r->last = r->told + strlen(r->told) - 1;
        r->last_side = side;
    }
    rig_told(r, f, 'd');
}
static inline void rig_gap(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                           enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct rig *r = user;
    (void)a;
    rig_tell(r, "%c%c%llu", rig_side(r, side), "-~^@"[cause], (unsigned long long)bytes);
    rig_told(r, f, 'g');
}
static inline void rig_fin(void *user, struct wst_flow *f, unsigned side,
                           const struct wst_arrival *a)
{
    struct rig *r = user;
    (void)a;
    rig_tell(r, "%c.", rig_side(r, side));
    rig_told(r, f, 'f');
}
static inline void rig_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                           const struct wst_arrival *a)
{
    static const char *const names[] = {"fin", "rst", "eof", "timeout", "evicted"};
    struct rig *r = user;
    (void)a;
    assert_int_not_equal(f->state, WST_FLOW_CLOSED);
    if (r->ends < 100) rig_tell(r, "(%s)", names[how]);
    r->ends++;
    if (r->ignore_at && strchr(r->ignore_at, 'e')) wst_flow_ignore(r->table, f);
}
static inline void rig_conflict(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                                const struct wst_arrival *a)
{
    struct rig *r = user;
    (void)a;
    rig_tell(r, "%c!%llu", rig_side(r, side), (unsigned long long)bytes);
    rig_told(r, f, 'c');
}

static inline void rig_unbelieved(void *user, struct wst_flow *f, unsigned side, uint64_t bytes,
                                  enum wst_unbelieved why, const struct wst_arrival *a)
{
    struct rig *r = user;
    (void)a;
    rig_tell(r, "%c%c%llu", rig_side(r, side), "?>:+="[why], (unsigned long long)bytes);
    if (why < WST_UNBELIEVED_RESET) rig_told(r, f, 'u');
}

/* "c&2x3/4": sent again twice, three bytes, four seconds; '&' unheard, '*' window 0; "…": to the
 * end. */
static inline void rig_stalled(void *user, struct wst_flow *f, unsigned side,
                               const struct wst_flow_stalled *x, const struct wst_arrival *a)
{
    struct rig *r = user;
    (void)a;
    if (x->what == WST_FLOW_STALL_ASKED) {
        rig_tell(r, "%c%%%u", rig_side(r, side), x->times);
        return;
    }
    rig_tell(r, "%c%c%s%ux%llu/%lld%s", rig_side(r, side), " +&*"[x->what], x -> least ? ">=" : "",
             x->times, (unsigned long long)x->bytes, (long long)(x->ns / SECOND),
             x->over ? "" : "...");
    assert_true(f->remember);
}

static inline bool rig_begins(void *user, struct wst_slice bytes, bool answer)
{
    (void)user;
    return bytes.n && (bytes.p[0] == 'G' || (answer && bytes.p[0] == 'H'));
}

/* Small limits, so that a row reaches them. */
static inline void rig_init(struct rig *r)
{
    *r = (struct rig){.budget = {0, 64 << 20}, .when = {0, 1700000000 * SECOND}, .client = 40000};
    r->limits = (struct wst_limits){.reorder_bytes = 40,
                                    .reorder_segments = 4,
                                    .reorder_packets = 5,
                                    .reorder_acked_ns = 2 * SECOND,
                                    .reorder_ns = 10 * SECOND,
                                    .overlap_bytes = 4096,
                                    .max_embryonic = 1000,
                                    .max_closed = 1000,
                                    .idle_embryonic_ns = 60 * SECOND,
                                    .idle_closed_ns = 30 * SECOND,
                                    .idle_other_ns = 600 * SECOND,
                                    .idle_websocket_ns = 86400 * SECOND};
}
static inline void rig_open(struct rig *r)
{
    static const uint64_t seed[2] = {11, 13};
    struct wst_flow_sink sink = {
        r,    rig_data, rig_gap,        rig_fin,     rig_end,   rig_conflict,
        NULL, NULL,     rig_unbelieved, rig_stalled, rig_begins};
    r->table = wst_flow_table_new(&r->limits, seed, &r->budget, &r->area, &sink);
    assert_non_null(r->table);
}
/* Whatever happened, everything taken from the budget comes back. */
static inline void rig_close(struct rig *r)
{
    wst_flow_table_free(r->table);
    wst_area_free(&r->area);
    r->table = NULL;
    assert_int_equal(r->budget.used, 0);
}

static inline void rig_push(struct rig *r, const struct wst_segment *s)
{
    r->when.pkt++;
    wst_flow_tick(r->table, &r->when);
    struct wst_segment pushed = *s;
    wst_flow_push(r->table, &pushed, &r->when);
    unsigned side;
    uint64_t hash;
    struct wst_flow *f = wst_flow_find(r->table, s, &side, &hash);
    if (!f || f->state == WST_FLOW_CLOSED) return;
    f->remember = true; /* as the pipeline does, when it is WebSocket */
    f->precious = r->precious;
}

static inline void rig_segment(struct rig *r, char who, const char *p, const char *end)
{
    static const uint8_t addr[2][16] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
    unsigned from = who == 's';
    struct wst_segment s = {.src = addr[from ^ r->swapped],
                            .dst = addr[!from ^ r->swapped],
                            .family = r->v6 ? 6 : 4,
                            .domain = r->domain[from],
                            .window = 1000,
                            .src_port = from ? 80 : r->client,
                            .dst_port = from ? r->client : 80};
    for (; p < end && strchr("SFRW", *p); p++)
        if (*p == 'W')
            s.window = 0;
        else
            s.flags |= *p == 'S'   ? WST_TCP_FLAG_SYN
                       : *p == 'F' ? WST_TCP_FLAG_FIN
                                   : WST_TCP_FLAG_RST;
    char *q;
    s.seq = r->isn[from] + (uint32_t)strtoll(p, &q, 10);
    if (*q == ',') {
        s.flags |= WST_TCP_FLAG_ACK;
        s.ack = r->isn[!from] + (uint32_t)strtoll(q + 1, &q, 10);
    }
    p = q;
    if (*q == '=') {
        p = ++q;
        while (q < end && *q != '+' && *q != '#') q++;
    }
    size_t n = (size_t)(q - p);
    uint8_t *copy = malloc(n + !n); /* its end is watched */
    assert_non_null(copy);
    memcpy(copy, p, n);
    s.payload = (struct wst_slice){copy, n};
    s.payload_len = (uint32_t)n;
    if (*q == '+') s.payload_len += (uint32_t)strtoul(q + 1, &q, 10);
    if (*q == '#') s.ip_id = (uint16_t)strtoul(q + 1, &q, 10);
    assert_ptr_equal(q, end); /* else the row is misspelt */
    rig_push(r, &s);
    if (r->twice) rig_push(r, &s);
    free(copy);
}

static inline void rig_run(struct rig *r, const char *script)
{
    for (const char *p = script; *p;) {
        const char *end = p + strcspn(p, " ");
        switch (*p) {
        case 'c':
        case 's': rig_segment(r, *p, p + 1, end); break;
        case '@': r->when.ns += strtoll(p + 1, NULL, 10) * SECOND; break;
        case '~': wst_flow_tick(r->table, &r->when), wst_flow_tick(r->table, &r->when); break;
        case '!': wst_flow_dropped(r->table, &r->when); break;
        case '1': break;
        case '$': wst_flow_finish(r->table, &r->when); break;
        default: fail_msg("what is %s?", p);
        }
        p = end + (*end == ' ');
    }
}

struct row {
    const char *name, *script, *told;
};
#define ONCE "1x " /* what the row shows does not survive that every packet comes twice */

/* A row must say the same wherever the sequence numbers wrap, whichever address is greater, over
 * either IP, and when the capture has every packet twice. */
static inline void rig_row(const struct row *row, const struct rig *like)
{
    static const uint32_t isns[][2] = {
        {1000, 5000}, {0xfffffffe, 0xfffffff0}, {0xfffffffb, 0x7ffffffa}, {0x7ffffffc, 0x80000000}};
    for (unsigned i = 0; i < 16; i++) {
        struct rig r = *like;
        memcpy(r.isn, isns[i / 4], sizeof r.isn);
        r.swapped = r.v6 = i & 1;
        r.twice = i & 2 && *row->script != '1';
        rig_open(&r);
        rig_run(&r, row->script);
        if (strcmp(r.told, row->told))
            fail_msg("%s (isn %x %x%s%s)\n  script %s\n  told   %s\n  wanted %s", row->name,
                     r.isn[0], r.isn[1], r.swapped ? ", swapped" : "", r.twice ? ", twice" : "",
                     row->script, r.told, row->told);
        rig_close(&r);
    }
}
#define RIG_ROWS(rows, like)                                               \
    for (size_t row_i = 0; row_i < sizeof(rows) / sizeof *(rows); row_i++) \
    rig_row(&(rows)[row_i], like)

#endif
