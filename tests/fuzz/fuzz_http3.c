/* SPDX-License-Identifier: MIT
 *
 * The door of the http3 room. An input is a connection:
 *
 *  | limits 1 | step | step | …
 *  step:  | what 1 | stream 1 | length 1 | bytes … |   what: 0 client, 1 server says the bytes
 *                                                      2, 3: `length` bytes of it are lost
 *                                                      4, 5: it ends the stream; 6, 7: breaks it
 * off | what 1 | stream 1 | type 1 | length 1 | bytes … |    8, 9: it says a frame
 *
 * Said whole, by the byte and in pieces, what is told of each direction of each stream is the same;
 * of a stream it is told in an order that makes sense.
 */
#include "http3/http3.h"

#include <stdlib.h>

#include "fields.h"
#include "slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told { /* a stream */
    bool live, answered, accepted, fin[2];
};

struct said {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_http3_env env;
    struct wst_http3 http3;
    struct wst_arrival arrival;
    struct told told[WST_HTTP3_STREAMS + 1];
    uint64_t sum[64][2], data[2]; /* of what was told, but the problems */
};

static void note(uint64_t *sum, uint64_t what)
{
    for (int i = 0; i < 8; i++) *sum = (*sum ^ (uint8_t)(what >> 8 * i)) * 1099511628211u;
}

static uint64_t *sum_of(struct said *s, const struct wst_connect_stream *stream, enum wst_dir dir)
{
    return &s->sum[stream->id / 4 % 64][dir];
}

static struct told *told_of(struct wst_connect_stream *stream)
{
    struct told *one = stream->upper;
    if (!one || !one->live) abort();
    return one;
}

/* Fields are whole: no length leads out of them. */
static void fields_whole(struct wst_slice fields, size_t cap)
{
    struct wst_header f;
    if (fields.n > cap) abort();
    while (wst_fields_next(&fields, &f))
        if (f.name.n > cap || f.value.n > cap) abort();
    if (fields.n) abort();
}

static bool on_request(void *user, void *conversation, struct wst_connect_stream *stream,
                       const struct wst_arrival *a)
{
    struct said *s = user;
    if (conversation != s || !a || stream->asks > WST_CONNECT_UNSEEN || stream->upper) abort();
    if (stream->asks == WST_CONNECT_UNSEEN && stream->request.n) abort();
    fields_whole(wst_buf_slice(&stream->request), s->options.limits.max_head);
    note(sum_of(s, stream, WST_C2S), 1 + stream->asks);
    if (stream->id % 64 == 60) return false;
    for (size_t i = 0; i < sizeof s->told / sizeof s->told[0]; i++)
        if (!s->told[i].live) {
            s->told[i] = (struct told){.live = true};
            stream->upper = &s->told[i];
            return true;
        }
    abort();
}

static bool on_answer(void *user, void *conversation, struct wst_connect_stream *stream,
                      struct wst_slice fields, int status, const struct wst_arrival *a)
{
    struct said *s = user;
    struct told *one = told_of(stream);
    if (conversation != s || !a || one->answered || status < -1 || status > 999) abort();
    if (status > 0 && status < 200 && status != 101) abort();
    fields_whole(fields, s->options.limits.max_head);
    one->answered = true;
    one->accepted = status == 0 || status / 100 == 2;
    note(sum_of(s, stream, WST_S2C), (uint64_t)status << 32);
    return one->accepted;
}

static void on_data(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                    struct wst_slice bytes, const struct wst_arrival *a)
{
    struct said *s = user;
    struct told *one = told_of(stream);
    if (!one->accepted || one->fin[dir] || !bytes.n || a->from > a->when.pkt) abort();
    for (size_t i = 0; i < bytes.n; i++) note(sum_of(s, stream, dir), bytes.p[i]);
    s->data[dir] += bytes.n;
}

static void on_gap(void *user, struct wst_connect_stream *stream, enum wst_dir dir, uint64_t bytes,
                   bool exact, const struct wst_arrival *a)
{
    struct told *one = told_of(stream);
    if (!one->accepted || one->fin[dir] || !bytes || !a) abort();
    note(sum_of(user, stream, dir), bytes << 32 | (uint64_t)exact << 31);
}

static void on_fin(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    struct told *one = told_of(stream);
    if (!one->accepted || one->fin[dir] || !a) abort();
    one->fin[dir] = true;
    note(sum_of(user, stream, dir), UINT64_C(1) << 62);
}

static void on_end(void *user, struct wst_connect_stream *stream, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    struct told *one = told_of(stream);
    if (!one->answered || !a) abort();
    note(sum_of(user, stream, WST_S2C), how);
    one->live = false;
}

static bool on_problem(void *user, void *conversation, struct wst_connect_stream *stream,
                       enum wst_problem problem, enum wst_dir dir, const char *detail,
                       const struct wst_arrival *a)
{
    struct said *s = user;
    if (stream) told_of(stream);
    if (conversation != s || !wst_problem_row(problem) || !*detail || !a || dir > WST_S2C) abort();
    return true;
}

static void begin(struct said *s, uint8_t limits)
{
    memset(s, 0, sizeof *s);
    s->options.limits.max_head = limits & 1 ? 300 : 65536;
    s->options.limits.max_early = limits & 2 ? 100 : 1 << 22; /* a segment a byte, 17 each */
    s->budget.max = limits & 4 ? 12000 : 1 << 26;
    wst_http3_env_init(&s->env, &s->options, &s->budget);
    s->env.sink = (struct wst_connect_sink){.user = s,
                                            .request = on_request,
                                            .answer = on_answer,
                                            .data = on_data,
                                            .gap = on_gap,
                                            .fin = on_fin,
                                            .end = on_end,
                                            .problem = on_problem};
    wst_http3_init(&s->http3, s);
    if (limits & 16) wst_http3_one_sided(&s->http3);
}

static void push(struct said *s, enum wst_dir d, uint64_t id, const uint8_t *p, size_t n,
                 size_t piece)
{
    for (size_t i = 0; i < n; i += piece) {
        size_t k = n - i < piece ? n - i : piece;
        s->arrival.when.pkt++;
        s->arrival.from = s->arrival.when.pkt;
        uint8_t *exact = malloc(k);
        if (!exact) return;
        memcpy(exact, p + i, k);
        wst_http3_push(&s->http3, &s->env, id, d, (struct wst_slice){exact, k}, &s->arrival);
        free(exact);
    }
}

static void mark(struct said *s, unsigned what, uint64_t id, size_t n)
{
    enum wst_dir d = what % 2 ? WST_S2C : WST_C2S;
    s->arrival.when.pkt++;
    s->arrival.from = s->arrival.when.pkt;
    if (what < 4)
        wst_http3_gap(&s->http3, &s->env, id, d, n, &s->arrival);
    else if (what < 6)
        wst_http3_fin(&s->http3, &s->env, id, d, &s->arrival);
    else
        wst_http3_reset(&s->http3, &s->env, id, d, 0x100 + n, &s->arrival);
}

/* A frame as it is sent; how many bytes of the input it took. */
static size_t push_frame(struct said *s, enum wst_dir d, uint64_t id, const uint8_t *p, size_t n,
                         size_t piece)
{
    uint8_t frame[3 + 255];
    size_t length = p[1] < n - 2 ? p[1] : n - 2, at = 0;
    frame[at++] = p[0] & 0x3f;
    if (length > 63) frame[at++] = (uint8_t)(0x40 | length >> 8);
    frame[at++] = (uint8_t)length;
    memcpy(frame + at, p + 2, length);
    push(s, d, id, frame, at + length, piece);
    return 2 + length;
}

static size_t step(struct said *s, const uint8_t *p, size_t n, size_t piece)
{
    unsigned what = p[0] % 10;
    if (n < 4) return n;
    uint64_t id = p[1];
    if (what >= 8) return 2 + push_frame(s, (enum wst_dir)(what - 8), id, p + 2, n - 2, piece);
    size_t length = p[2];
    if (what >= 2) {
        mark(s, what, id, length);
        return 3;
    }
    if (length > n - 3) length = n - 3;
    push(s, (enum wst_dir)what, id, p + 3, length, piece);
    return 3 + length;
}

static void run(struct said *s, const uint8_t *data, size_t size, size_t piece)
{
    begin(s, data[0]);
    for (size_t at = 1; at < size;) at += step(s, data + at, size - at, piece);
    s->arrival.when.pkt++;
    if (!(data[0] & 8)) wst_http3_end(&s->http3, &s->env, WST_TCP_FIN, &s->arrival);
    for (size_t i = 0; !(data[0] & 8) && i < sizeof s->told / sizeof s->told[0]; i++)
        if (s->told[i].live) abort(); /* each that began has ended */
    if (!(data[0] & 8) && (s->http3.blocked || s->http3.waiting || s->http3.asked)) abort();
    wst_http3_free(&s->http3, &s->env);
    if (s->budget.used) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said whole, bytes;
    if (size < 1) return 0;
    run(&whole, data, size, SIZE_MAX / 2);
    for (size_t piece = 1; piece < 10; piece += 6) {
        run(&bytes, data, size, piece);
        if (data[0] & 7 || bytes.http3.pieces > WST_HTTP3_PATIENCE)
            continue; /* limits matter, and how long the server was ahead */
        if (memcmp(whole.sum, bytes.sum, sizeof whole.sum) != 0) abort();
        for (int d = 0; d < 2; d++)
            if (whole.data[d] != bytes.data[d]) abort();
    }
    return 0;
}
