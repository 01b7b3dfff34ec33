/* SPDX-License-Identifier: MIT
 *
 * The door of the http3 room. An input is a connection:
 *
 *  | limits 1 | step | step | …
 *  step:  | what 1 | stream 1 | length 1 | bytes … |   what: 0 client, 1 server says the bytes
 *                                                      2, 3: `length` bytes of it are lost
 *                                                      4, 5: it ends the stream
 *                                                      6, 7: it breaks it off
 *         | what 1 | stream 1 | type 1 | length 1 | bytes … |   8, 9: it says a frame
 *
 * Said whole, by the byte and in pieces, what is told of each direction of each stream is the same;
 * of a stream it is told in an order that makes sense.
 */
#include "http3/http3.h"

#include "heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    struct heard heard; /* first: the sink's user */
    struct wst_http3_env env;
    struct wst_http3 http3;
};
static_assert((int)WST_HTTP3_STREAMS < HEARD_STREAMS, "each has a place");

static void begin(struct said *s, uint8_t limits)
{
    memset(s, 0, sizeof *s);
    struct wst_connect_sink sink = heard_begin(&s->heard, limits, 12000);
    s->heard.apart = true;
    wst_http3_env_init(&s->env, &s->heard.options, &s->heard.budget);
    s->env.sink = sink;
    wst_http3_init(&s->http3, s);
    if (limits & 16) wst_http3_one_sided(&s->http3);
}

static void push_piece(struct heard *h, enum wst_dir d, uint64_t id, struct wst_slice bytes)
{
    struct said *s = (struct said *)h;
    wst_http3_push(&s->http3, &s->env, id, d, bytes, &h->arrival);
}

static void push(struct said *s, enum wst_dir d, uint64_t id, const uint8_t *p, size_t n,
                 size_t piece)
{
    heard_push(&s->heard, d, id, wst_slice_of(p, n), piece, push_piece);
}

static void mark(struct said *s, unsigned what, uint64_t id, size_t n)
{
    enum wst_dir d = what % 2 ? WST_S2C : WST_C2S;
    const struct wst_arrival *a = heard_arrive(&s->heard);
    if (what < 4)
        wst_http3_gap(&s->http3, &s->env, id, d, n, a);
    else if (what < 6)
        wst_http3_fin(&s->http3, &s->env, id, d, a);
    else
        wst_http3_reset(&s->http3, &s->env, id, d, 0x100 + n, a);
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
    if (!(data[0] & 8)) {
        wst_http3_end(&s->http3, &s->env, WST_TCP_FIN, heard_arrive(&s->heard));
        heard_over(&s->heard);
        if (s->http3.blocked || s->http3.waiting || s->http3.asked) abort();
    }
    wst_http3_free(&s->http3, &s->env);
    if (s->heard.budget.used) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said whole, bytes;
    if (size < 1) return 0;
    run(&whole, data, size, SIZE_MAX / 2);
    for (size_t piece = 1; piece < 10; piece += 6) {
        run(&bytes, data, size, piece);
        /* Limits matter, and how long the server was ahead. */
        if (!(data[0] & 7) && bytes.http3.pieces <= WST_HTTP3_PATIENCE)
            heard_same(&whole.heard, &bytes.heard);
    }
    return 0;
}
