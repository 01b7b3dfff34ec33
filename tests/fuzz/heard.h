/* SPDX-License-Identifier: MIT
 *
 * What a fuzzer hears of streams that a CONNECT opened: told by the rules (told.h), and summed up,
 * so that two runs can be held against each other.
 */
#ifndef WST_FUZZ_HEARD_H
#define WST_FUZZ_HEARD_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_MUST(ok) ((ok) ? (void)0 : abort())
#include "told.h"

enum { HEARD_STREAMS = 1025 };

struct heard {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_arrival arrival;
    bool apart; /* between streams there is no order */
    struct told told[HEARD_STREAMS];
    uint64_t sum[64][2], data[2], requests; /* of what was told, but the problems */
};

static inline void heard_note(struct heard *h, const struct wst_connect_stream *s, enum wst_dir dir,
                              uint64_t what)
{
    uint64_t *sum = &h->sum[h->apart ? s->id / 4 % 64 : 0][dir];
    what ^= s->id * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 8; i++) *sum = (*sum ^ (uint8_t)(what >> 8 * i)) * 1099511628211u;
}

static inline bool heard_request(void *user, void *conversation, struct wst_connect_stream *s,
                                 const struct wst_arrival *a)
{
    struct heard *h = user;
    TOLD_MUST(conversation == h);
    told_request(s, a, h->options.limits.max_head);
    if (h->apart)
        heard_note(h, s, WST_C2S, 1 + s->asks);
    else
        h->requests = h->requests * 31 + s->id;
    if (s->id % 64 >= 60) return false;
    struct told *one = h->told;
    while (one < h->told + HEARD_STREAMS && one->live) one++;
    TOLD_MUST(one < h->told + HEARD_STREAMS);
    told_begin(s, one);
    return true;
}

/* Proof enough for a script: bytes that begin as a frame does. */
static inline bool heard_proves(void *user, const struct wst_connect_stream *s, bool end)
{
    uint64_t from;
    struct wst_slice said = wst_queue_first(&s->said, &from);
    (void)user;
    (void)end;
    return said.n && said.p[0] >> 4 == 8;
}

static inline bool heard_answer(void *user, void *conversation, struct wst_connect_stream *s,
                                struct wst_slice fields, int status, const struct wst_arrival *a)
{
    struct heard *h = user;
    TOLD_MUST(conversation == h);
    heard_note(h, s, WST_S2C, (uint64_t)status << 32);
    return told_answer(s, fields, status, a, h->options.limits.max_head);
}

static inline void heard_data(void *user, struct wst_connect_stream *s, enum wst_dir dir,
                              struct wst_slice bytes, const struct wst_arrival *a)
{
    struct heard *h = user;
    const uint8_t *last = s->refused ? memchr(bytes.p, '!', bytes.n) : NULL; /* as in told_data */
    told_data(s, dir, bytes, a);
    if (last) bytes.n = (size_t)(last - bytes.p) + 1;
    for (size_t i = 0; i < bytes.n; i++) heard_note(h, s, dir, bytes.p[i]);
    h->data[dir] += bytes.n;
}

static inline void heard_gap(void *user, struct wst_connect_stream *s, enum wst_dir dir,
                             uint64_t bytes, bool exact, const struct wst_arrival *a)
{
    if (s->refused) bytes = 1; /* the body of its answer ends there, however much is missing */
    told_gap(s, dir, bytes, a);
    heard_note(user, s, dir, bytes << 32 | (uint64_t)exact << 31);
}

static inline void heard_fin(void *user, struct wst_connect_stream *s, enum wst_dir dir,
                             const struct wst_arrival *a)
{
    told_fin(s, dir, a);
    heard_note(user, s, dir, UINT64_C(1) << 62);
}

static inline void heard_end(void *user, struct wst_connect_stream *s, enum wst_tcp_end how,
                             const struct wst_arrival *a)
{
    struct heard *h = user;
    told_end(s, a);
    if (h->apart) heard_note(h, s, WST_S2C, how);
}

static inline bool heard_problem(void *user, void *conversation, struct wst_connect_stream *s,
                                 enum wst_problem problem, enum wst_dir dir, const char *detail,
                                 const struct wst_arrival *a)
{
    if (s) told_of(s);
    TOLD_MUST(conversation == user && wst_problem_row(problem) && *detail && a && dir <= WST_S2C);
    return true;
}

/* The input's first byte says how much there may be of all. */
static inline struct wst_connect_sink heard_begin(struct heard *h, uint8_t limits, size_t little)
{
    h->options.limits.max_head = limits & 1 ? 300 : 65536;
    h->options.limits.max_early = limits & 2 ? 100 : 1 << 22; /* a segment a byte, 17 each */
    h->budget.max = limits & 4 ? little : 1 << 26;
    return (struct wst_connect_sink){.user = h,
                                     .request = heard_request,
                                     .answer = heard_answer,
                                     .proves = heard_proves,
                                     .data = heard_data,
                                     .gap = heard_gap,
                                     .fin = heard_fin,
                                     .end = heard_end,
                                     .problem = heard_problem};
}

static inline const struct wst_arrival *heard_arrive(struct heard *h)
{
    h->arrival.from = ++h->arrival.when.pkt;
    return &h->arrival;
}

/* In pieces, behind none of which a byte may be read. */
static inline void
heard_push(struct heard *h, enum wst_dir d, uint64_t id, struct wst_slice bytes, size_t piece,
           void (*push)(struct heard *h, enum wst_dir d, uint64_t id, struct wst_slice bytes))
{
    for (; bytes.n; bytes = wst_slice_skip(bytes, piece)) {
        struct wst_slice one = wst_slice_head(bytes, piece);
        uint8_t *exact = malloc(one.n);
        if (!exact) return;
        memcpy(exact, one.p, one.n);
        heard_arrive(h);
        push(h, d, id, wst_slice_of(exact, one.n));
        free(exact);
    }
}

/* Each that began has ended. */
static inline void heard_over(const struct heard *h)
{
    for (size_t i = 0; i < HEARD_STREAMS; i++) TOLD_MUST(!h->told[i].live);
}

static inline void heard_same(const struct heard *h, const struct heard *other)
{
    TOLD_MUST(h->requests == other->requests);
    TOLD_MUST(!memcmp(h->sum, other->sum, sizeof h->sum));
    TOLD_MUST(!memcmp(h->data, other->data, sizeof h->data));
}

#endif
