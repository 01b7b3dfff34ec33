/* SPDX-License-Identifier: MIT
 *
 * The door of the http2 room. An input is a connection:
 *
 *  | limits 1 | step | step | …    limits: 16 nobody saw the first packet; 32 it began before; 48 …
 * and frames were found step:  | what 1 | length 2 | bytes … |   what: 0 client, 1 server says the
 * bytes 2, 3: `length` bytes of it are lost 4, 5: so many at most; 6, 7: it ends | what 1 | type 1
 * | flags 1 | stream 1 | length 1 | bytes … |   8, 9: it says a frame
 *
 * Said whole, by the byte and in pieces, what is told of each direction is the same; of a stream it
 * is told in an order that makes sense.
 */
#include "http2/http2.h"

#include "heard.h"
#include "slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    struct heard heard; /* first: the sink's user */
    struct wst_http2_env env;
    struct wst_http2 http2;
    bool held; /* the server was ahead of the client */
};
static_assert((int)WST_HTTP2_STREAMS < HEARD_STREAMS, "each has a place");

static void begin(struct said *s, uint8_t limits)
{
    memset(s, 0, sizeof *s);
    struct wst_connect_sink sink = heard_begin(&s->heard, limits, 8192);
    wst_http2_env_init(&s->env, &s->heard.options, &s->heard.budget);
    s->env.sink = sink;
    wst_http2_init(&s->http2, s);
    if (limits & 16) wst_http2_late(&s->http2);
    if (limits & 32) wst_http2_join(&s->http2, 9);
    for (int d = 0; d < 2 && (limits & 48) == 48; d++)
        wst_http2_framed(&s->http2, (enum wst_dir)d, 0);
}

/* What speaks for frames is asked of any bytes; those that lead to a place do. */
static void look(const uint8_t *p, size_t n)
{
    struct wst_http2_midst m;
    struct wst_slice s = {p, n};
    for (size_t at = 0; at < n && at < 64; at++) {
        bool good = wst_http2_midst_look(wst_slice_skip(s, at), &m);
        size_t back = good ? wst_http2_midst_back(s, at) : at;
        if (m.bits < 0 || back > at) abort();
        if (back < at &&
            !wst_http2_midst_look(wst_slice_head(wst_slice_skip(s, back), at - back), &m))
            abort();
    }
}

static void push_piece(struct heard *h, enum wst_dir d, uint64_t id, struct wst_slice bytes)
{
    struct said *s = (struct said *)h;
    (void)id;
    wst_http2_push(&s->http2, &s->env, d, bytes, &h->arrival);
    s->held |= s->http2.holding;
}

static void push(struct said *s, enum wst_dir d, const uint8_t *p, size_t n, size_t piece)
{
    heard_push(&s->heard, d, 0, wst_slice_of(p, n), piece, push_piece);
}

static void mark(struct said *s, unsigned what, size_t n)
{
    enum wst_dir d = what % 2 ? WST_S2C : WST_C2S;
    const struct wst_arrival *a = heard_arrive(&s->heard);
    if (what < 6)
        wst_http2_gap(&s->http2, &s->env, d, n, what < 4, a);
    else
        wst_http2_fin(&s->http2, &s->env, d, a);
}

/* A frame as it is sent, from five bytes; how many of the input it took. */
static size_t push_frame(struct said *s, enum wst_dir d, const uint8_t *p, size_t n, size_t piece)
{
    uint8_t frame[WST_HTTP2_HEADER + 255] = {0};
    if (n < 4) return n;
    size_t length = p[3] < n - 4 ? p[3] : n - 4;
    frame[2] = (uint8_t)length;
    frame[3] = p[0];
    frame[4] = p[1];
    frame[8] = p[2];
    memcpy(frame + WST_HTTP2_HEADER, p + 4, length);
    push(s, d, frame, WST_HTTP2_HEADER + length, piece);
    return 4 + length;
}

static size_t step(struct said *s, const uint8_t *p, size_t n, size_t piece)
{
    unsigned what = p[0] % 10;
    if (what >= 8) return 1 + push_frame(s, (enum wst_dir)(what - 8), p + 1, n - 1, piece);
    if (n < 3) return n;
    size_t length = (size_t)p[1] << 8 | p[2];
    if (what >= 2) {
        mark(s, what, length);
        return 3;
    }
    if (length > n - 3) length = n - 3;
    push(s, (enum wst_dir)what, p + 3, length, piece);
    return 3 + length;
}

static void run(struct said *s, const uint8_t *data, size_t size, size_t piece)
{
    begin(s, data[0]);
    for (size_t at = 1; at < size;) at += step(s, data + at, size - at, piece);
    if (!(data[0] & 8)) {
        wst_http2_end(&s->http2, &s->env, WST_TCP_FIN, heard_arrive(&s->heard));
        heard_over(&s->heard);
    }
    wst_http2_free(&s->http2, &s->env);
    if (s->heard.budget.used) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said whole, bytes;
    if (size < 1) return 0;
    look(data + 1, size - 1);
    run(&whole, data, size, SIZE_MAX / 2);
    for (size_t piece = 1; piece < 10; piece += 6) {
        run(&bytes, data, size, piece);
        /* Limits matter, and who was first. */
        if (!(data[0] & 7) && !whole.held && !bytes.held) heard_same(&whole.heard, &bytes.heard);
    }
    return 0;
}
