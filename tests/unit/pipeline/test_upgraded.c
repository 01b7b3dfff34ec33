/* SPDX-License-Identifier: MIT
 *
 * HTTP/2 that begins with an upgrade: in the order in which it was sent, and in others.
 */
#include "flows.h"

struct heard {
    unsigned handshakes, messages, findings[WST_PROBLEMS];
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    h->handshakes += e->type == WST_EVENT_HANDSHAKE && e->handshake.accepted;
    h->messages += e->type == WST_EVENT_MESSAGE && e->message.certain;
    if (e->type == WST_EVENT_PROBLEM) h->findings[e->problem.problem]++;
}

static void replay(struct packets *k, size_t from, struct heard *h)
{
    *h = (struct heard){0};
    packets_play(k, from, (struct wst_listener){.user = h, .event = hear});
}

/* RFC 7540 section 3.2, and a WebSocket stream in it. */
static const char asks[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                           "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
static const char answers[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                              "Upgrade: h2c\r\n\r\n";
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
static const char allows[] = "\0\0\6\4\0\0\0\0\0\0\x08\0\0\0\1";
static const char ack[] = "\0\0\0\4\1\0\0\0\0";
static const char opens[] = "\0\0\x43\1\4\0\0\0\3"
                            "\x02\7CONNECT"
                            "\0\x09:protocol\x09websocket"
                            "\x04\5/chat\x86\x01\1h"
                            "\0\x15sec-websocket-version\x02"
                            "13";
static const char opened[] = "\0\0\1\1\4\0\0\0\3\x88";
static const char says[] = "\0\0\4\0\0\0\0\0\3\x81\2hi";

/* Segments of it: captured in another order, without the SYNs, or the second of them late. */
static void http2_reordered(void **state)
{
    static const struct {
        size_t from, swap[2];
    } rows[] = {
        {0, {0, 0}}, /* as it was sent */
        {3, {3, 6}}, /* the preface before all else */
        {3, {4, 6}}, /* … before the answer */
        {0, {1, 5}}, /* the server's settings before its SYN */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct packets k = {0};
        struct tcp t;
        struct heard h;
        (void)state;
        tcp_open(&t, &k, 40000);
        tcp_syn(&t);
        tcp_data(&t, 0, asks, sizeof asks - 1);
        tcp_data(&t, 1, answers, sizeof answers - 1);
        tcp_data(&t, 1, allows, sizeof allows - 1);
        tcp_data(&t, 0, preface, sizeof preface - 1);
        tcp_data(&t, 0, ack, sizeof ack - 1);
        tcp_data(&t, 0, opens, sizeof opens - 1);
        tcp_data(&t, 1, ack, sizeof ack - 1);
        tcp_data(&t, 1, opened, sizeof opened - 1);
        tcp_data(&t, 1, says, sizeof says - 1);
        tcp_fin(&t);
        packets_swap(&k, rows[i].swap[0], rows[i].swap[1]);
        replay(&k, rows[i].from, &h);
        assert_int_equal(h.findings[WST_PROBLEM_HTTP2_BROKEN], 0);
        assert_int_equal(h.handshakes, 1);
        assert_int_equal(h.messages, 1);
    }
}

/* The end of a request for HTTP/2 is missing, and its answer comes behind what the client goes on
 * with: of that, what was passed over to find the next request is no fault of the client's. */
static void request_for_http2_torn(void **state)
{
    static const char settings[] = "\0\0\0\4\0\0\0\0\0";
    for (int torn = 0; torn < 2; torn++) {
        struct packets k = {0};
        struct tcp t;
        struct heard h;
        (void)state;
        tcp_open(&t, &k, 40000);
        tcp_syn(&t);
        tcp_data(&t, 0, asks, strlen(asks) - (torn ? 2 : 0));
        t.seq[0] += torn ? 2 : 0;
        tcp_data(&t, 0, preface, sizeof preface - 1);
        tcp_data(&t, 1, answers, strlen(answers));
        tcp_data(&t, 1, settings, sizeof settings - 1);
        for (int i = 0; i < 4; i++) tcp_data(&t, 0, ack, sizeof ack - 1);
        tcp_fin(&t);
        replay(&k, 0, &h);
        assert_int_equal(h.findings[WST_PROBLEM_HTTP2_BROKEN], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(http2_reordered),
                                       cmocka_unit_test(request_for_http2_torn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
