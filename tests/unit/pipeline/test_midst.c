/* SPDX-License-Identifier: MIT
 *
 * WebSocket in HTTP/2 and HTTP/2 in WebSocket, joined in the middle, where headers are segments of
 * their own: a segment holds whole frames of the inner protocol, and it is the outer one.
 */
#include "flows.h"

enum { CUTS = 12, ROUNDS = 24, HALVES = 4 /* what follows the header is two segments, too */ };

struct heard {
    unsigned streams, others;
    unsigned wrong, accused, messages;
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    if (e->type == WST_EVENT_HANDSHAKE) {
        h->streams += e->handshake.stream_id >= 0;
        h->others += e->handshake.stream_id < 0;
        h->wrong += e->handshake.client_port == 8080;
    } else if (e->type == WST_EVENT_MESSAGE) {
        h->messages++;
    } else if (e->type == WST_EVENT_PROBLEM) {
        h->accused += e->problem.problem == WST_PROBLEM_FRAME_ORPHAN_CONTINUATION;
    }
}

static void put_header(uint8_t *p, size_t n, uint8_t type, uint8_t flags, uint32_t stream)
{
    uint8_t header[9] = {0, (uint8_t)(n >> 8), (uint8_t)n, type, flags, 0, 0, 0, (uint8_t)stream};
    memcpy(p, header, sizeof header);
}

/* Three frames of HTTP/2 that say much, and that a server sends them. */
static size_t put_framed(uint8_t *p, uint64_t *seed)
{
    static const struct {
        uint8_t n, type, flags, stream;
    } frames[] = {{4, 8, 0, 0}, {8, 6, 0, 0}, {10, 1, 4, 3}};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY(frames); i++) {
        put_header(p + n, frames[i].n, frames[i].type, frames[i].flags, frames[i].stream);
        n += 9;
        rnd_fill(seed, p + n, frames[i].n);
        p[n] = frames[i].type == 1 ? 0x88 : 0; /* :status 200; a window below 2^31 */
        n += frames[i].n;
    }
    return n;
}

/* Segments before `cut` were not captured. */
static struct heard play(bool tunnel, int apart, unsigned cut)
{
    static const char text[] =
        "{\"symbol\":\"ABCDEF\",\"bid\":88.02,\"ask\":4981,\"name\":\"A company that nobody "
        "knows, in a country that nobody knows\",\"note\":\"closed on holidays\"}";
    struct packets k = {0};
    struct heard h = {0};
    struct tcp t;
    uint64_t seed = 7;
    tcp_open(&t, &k, 40000);
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (int server = 0; server < 2; server++) {
            uint8_t b[1000], inner[200];
            size_t head = 9, n = head;
            if (tunnel) {
                size_t framed = put_framed(inner, &seed);
                n = put_frame(b, 0x82, !server, &seed, inner, framed);
                head = n - framed;
            } else {
                for (unsigned m = 0; m < (apart & HALVES ? 1 : 3); m++)
                    n += put_frame(b + n, 0x81, !server, &seed, text, sizeof text - 1 - m);
                put_header(b, n - head, 0, 0, 1 + 2 * (i % 3));
            }
            if (apart & 1 << server) {
                tcp_data(&t, server, b, head);
                size_t half = apart & HALVES ? (n - head) / 2 : 0;
                tcp_data(&t, server, b + head, half);
                tcp_data(&t, server, b + head + half, n - head - half);
            } else {
                tcp_data(&t, server, b, n);
            }
        }
    }
    struct wst_context *c = context_open((struct wst_listener){.user = &h, .event = hear});
    for (size_t i = cut; i < k.n; i++) context_feed(c, &k, i);
    context_close(c);
    packets_free(&k);
    return h;
}

static void in_http2(void **state)
{
    (void)state;
    for (int apart = 0; apart < 2 * HALVES; apart++) {
        for (unsigned cut = 0; cut < CUTS; cut++) {
            struct heard h = play(false, apart, cut);
            if (h.streams != 3 || h.others || h.wrong || h.accused)
                fail_msg("%d, without %u: %u streams, %u others", apart, cut, h.streams, h.others);
            assert_true(h.messages >= 2 * (ROUNDS - cut) - 6);
        }
    }
}

/* Of what a client masks nobody takes the inside for frames. */
static void in_websocket(void **state)
{
    (void)state;
    for (unsigned cut = 0; cut < CUTS; cut++) {
        struct heard h = play(true, 2, cut);
        if (h.streams || h.others != 1 || h.wrong || h.accused)
            fail_msg("without %u: %u streams, %u others", cut, h.streams, h.others);
        assert_true(h.messages >= 2 * (ROUNDS - cut) - 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_http2), cmocka_unit_test(in_websocket)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
