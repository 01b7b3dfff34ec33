/* SPDX-License-Identifier: MIT
 *
 * What may be told of a stream that a CONNECT opened, and when (base/connect.h): for the tests and
 * the fuzzers of all that carries such streams. A fuzzer says first what TOLD_MUST does.
 */
#ifndef WST_TEST_TOLD_H
#define WST_TEST_TOLD_H

#ifndef TOLD_MUST
#include "guard.h"
#define TOLD_MUST(ok) assert_true(ok)
#endif

#include "connect.h"
#include "fields.h"

struct told { /* a stream; what its `upper` is begins with it */
    bool live, answered, accepted, fin[2];
};

static inline struct told *told_of(const struct wst_connect_stream *s)
{
    struct told *one = s->upper;
    TOLD_MUST(one && one->live);
    return one;
}

/* Fields are whole: no length leads out of them. */
static inline void told_fields(struct wst_slice fields, size_t cap)
{
    struct wst_header f;
    TOLD_MUST(fields.n <= cap);
    while (wst_fields_next(&fields, &f)) TOLD_MUST(f.name.n <= cap && f.value.n <= cap);
    TOLD_MUST(!fields.n);
}

static inline void told_request(const struct wst_connect_stream *s, const struct wst_arrival *a,
                                size_t cap)
{
    TOLD_MUST(a && !s->upper && s->asks <= WST_CONNECT_UNSEEN);
    TOLD_MUST(s->request_when.pkt == a->when.pkt);
    TOLD_MUST(!s->request.n == (s->asks == WST_CONNECT_UNSEEN));
    told_fields(wst_buf_slice(&s->request), cap);
}

/* It is followed from here on. */
static inline void told_begin(struct wst_connect_stream *s, void *upper)
{
    s->upper = upper;
    *(struct told *)upper = (struct told){.live = true};
}

/* Returns whether it is accepted. Of refusals with 500 and 503 the body is wanted. */
static inline bool told_answer(struct wst_connect_stream *s, struct wst_slice fields, int status,
                               const struct wst_arrival *a, size_t cap)
{
    struct told *one = told_of(s);
    TOLD_MUST(a && !one->answered);
    TOLD_MUST(status == -1 || status == 0 || status == 101 || (status >= 200 && status < 1000));
    told_fields(fields, cap);
    one->answered = true;
    one->accepted = status == 0 || status / 100 == 2;
    s->refused = status == 500 || status == 503;
    return one->accepted;
}

static inline struct told *told_open(const struct wst_connect_stream *s, enum wst_dir dir)
{
    struct told *one = told_of(s);
    TOLD_MUST(one->accepted || (s->refused && dir == WST_S2C));
    TOLD_MUST(!one->fin[dir]);
    return one;
}

/* Of a body no more is wanted behind a `!`. */
static inline void told_data(struct wst_connect_stream *s, enum wst_dir dir, struct wst_slice bytes,
                             const struct wst_arrival *a)
{
    told_open(s, dir);
    TOLD_MUST(bytes.n && a->from && a->from <= a->when.pkt);
    if (memchr(bytes.p, '!', bytes.n)) s->refused = false;
}

static inline void told_gap(struct wst_connect_stream *s, enum wst_dir dir, uint64_t n,
                            const struct wst_arrival *a)
{
    told_open(s, dir);
    TOLD_MUST(n && a);
    s->refused = false;
}

static inline void told_fin(const struct wst_connect_stream *s, enum wst_dir dir,
                            const struct wst_arrival *a)
{
    told_open(s, dir)->fin[dir] = true;
    TOLD_MUST(a);
}

static inline void told_end(const struct wst_connect_stream *s, const struct wst_arrival *a)
{
    TOLD_MUST(a && told_of(s)->answered);
    told_of(s)->live = false;
}

#endif
