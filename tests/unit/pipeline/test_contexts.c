/* SPDX-License-Identifier: MIT
 *
 * Two contexts in one process, fed in turns, tell what each tells alone. And a context that is let
 * go at any packet gives everything back (the leak checker watches).
 */
#include <wstrace/render.h>
#include <zlib.h>

#include "flows.h"
#include "text.h"

static void capture(struct packets *k, uint64_t seed)
{
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    struct tcp t[5];
    z_stream z[5];
    for (unsigned i = 0; i < 5; i++) {
        tcp_open(&t[i], k, (uint16_t)(41000 + i)); /* the same addresses in both captures */
        if (i != 3) tcp_syn(&t[i]);
        tcp_data(&t[i], 0, REQUEST, strlen(REQUEST));
        tcp_data(&t[i], 1, answer, strlen(answer));
        memset(&z[i], 0, sizeof z[i]);
        assert_int_equal(deflateInit2(&z[i], 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    }
    for (unsigned m = 0; m < 300; m++) {
        char message[200];
        uint8_t out[400], frame[500];
        size_t i = rnd_below(&seed, 5);
        int n = snprintf(message, sizeof message, "{\"capture\":%llu,\"flow\":%zu,\"message\":%u}",
                         (unsigned long long)seed % 1000, i, m);
        z[i].next_in = (Bytef *)message;
        z[i].avail_in = (uInt)n;
        z[i].next_out = out;
        z[i].avail_out = sizeof out;
        assert_int_equal(deflate(&z[i], Z_SYNC_FLUSH), Z_OK);
        size_t size = put_frame(frame, 0xc1, true, &seed, out, sizeof out - z[i].avail_out - 4);
        if (m % 50 == 49) t[i].seq[0] += 1000; /* bytes that are not in the capture */
        tcp_data(&t[i], 0, frame, size / 2);
        tcp_data(&t[i], 0, frame + size / 2, size - size / 2);
        if (m % 7 == 0) tcp_packet(&t[i], 1, ACK, NULL, 0);
    }
    for (unsigned i = 0; i < 5; i++) {
        tcp_fin(&t[i]);
        deflateEnd(&z[i]);
    }
}

struct run {
    struct text text;
    struct wst_render *render;
    struct wst_context *context;
};

static void run_open(struct run *r)
{
    memset(r, 0, sizeof *r);
    r->render = wst_render_json_new(text_keep, &r->text);
    assert_non_null(r->render);
    r->context = context_open(wst_render_listener(r->render));
}
static void run_close(struct run *r)
{
    context_close(r->context);
    wst_render_flush(r->render);
    wst_render_free(r->render);
}

static void in_turns(void **state)
{
    struct packets k[2] = {{0}};
    struct run alone[2], both[2];
    uint64_t seed = 6;
    (void)state;
    for (int i = 0; i < 2; i++) {
        capture(&k[i], 100 + (uint64_t)i);
        run_open(&alone[i]);
        for (size_t p = 0; p < k[i].n; p++) context_feed(alone[i].context, &k[i], p);
        run_close(&alone[i]);
        assert_true(alone[i].text.n > 50000);
    }
    assert_false(alone[0].text.n == alone[1].text.n &&
                 !memcmp(alone[0].text.p, alone[1].text.p, alone[0].text.n));
    run_open(&both[0]);
    run_open(&both[1]);
    for (size_t at[2] = {0}; at[0] < k[0].n || at[1] < k[1].n;) {
        size_t i = rnd_below(&seed, 2);
        if (at[i] < k[i].n) context_feed(both[i].context, &k[i], at[i]), at[i]++;
    }
    for (int i = 0; i < 2; i++) {
        run_close(&both[i]);
        assert_int_equal(both[i].text.n, alone[i].text.n);
        assert_memory_equal(both[i].text.p, alone[i].text.p, alone[i].text.n);
        free(alone[i].text.p);
        free(both[i].text.p);
        packets_free(&k[i]);
    }
}

static void let_go_at_any_packet(void **state)
{
    struct packets k = {0};
    (void)state;
    capture(&k, 100);
    for (size_t until = 0; until < k.n; until += 7) {
        struct run r;
        run_open(&r);
        for (size_t p = 0; p < until; p++) context_feed(r.context, &k, p);
        wst_context_free(r.context); /* without the end */
        wst_render_free(r.render);
        free(r.text.p);
    }
    packets_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_turns),
                                       cmocka_unit_test(let_go_at_any_packet)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
