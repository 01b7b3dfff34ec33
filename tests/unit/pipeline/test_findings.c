/* SPDX-License-Identifier: MIT
 *
 * A finding about a TCP connection that carries many WebSockets: all are told, until that is more
 * lines than packets; and one of them always.
 */
#include "flows.h"

enum { STREAMS = 100, AGAIN = 1000, FRAME = 9 + 9 };

struct told {
    unsigned lines;           /* of tcp.overlap-differs */
    unsigned of[STREAMS + 1]; /* by connection */
    uint64_t pkt;             /* of the last one */
    unsigned packets;         /* that brought one about */
};

static void event(void *user, const struct wst_event *e)
{
    struct told *told = user;
    if (e->type != WST_EVENT_PROBLEM || e->problem.problem != WST_PROBLEM_TCP_OVERLAP) return;
    assert_true(e->conn >= 1 && e->conn <= STREAMS);
    told->lines++;
    told->of[e->conn]++;
    told->packets += e->when.pkt != told->pkt;
    told->pkt = e->when.pkt;
}

static void put_head(uint8_t head[9], size_t n, uint8_t type, uint8_t flags, unsigned stream)
{
    memset(head, 0, 9);
    head[2] = (uint8_t)n;
    head[3] = type;
    head[4] = flags;
    head[7] = (uint8_t)(stream >> 8);
    head[8] = (uint8_t)stream;
}

static void open_stream(struct tcp *t, unsigned stream)
{
    /* literals that are not indexed (RFC 7541 section 6.2.2) */
    static const char fields[] =
        "\0\7:method\7CONNECT\0\11:protocol\11websocket\0\7:scheme\5https\0\5:path\1/"
        "\0\12:authority\10wss.test";
    uint8_t request[9 + sizeof fields - 1], answer[10];
    put_head(request, sizeof fields - 1, 1, 4, stream);
    memcpy(request + 9, fields, sizeof fields - 1);
    put_head(answer, 1, 1, 4, stream);
    answer[9] = 0x88; /* :status 200 */
    tcp_data(t, 0, request, sizeof request);
    tcp_data(t, 1, answer, sizeof answer);
}

/* A message, and the same segment with another one. */
static void say_twice(struct tcp *t, unsigned stream)
{
    uint8_t frame[FRAME];
    put_head(frame, FRAME - 9, 0, 0, stream);
    memcpy(frame + 9, "\x81\x83\0\0\0\0Hi!", FRAME - 9);
    tcp_data(t, 0, frame, sizeof frame);
    t->seq[0] -= FRAME;
    frame[FRAME - 1] = '?';
    tcp_data(t, 0, frame, sizeof frame);
}

static void of_many(void **state)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
    struct packets k = {0};
    struct tcp t;
    struct told told = {0};
    (void)state;
    tcp_open(&t, &k, 40001);
    tcp_syn(&t);
    tcp_data(&t, 0, hello, sizeof hello);
    tcp_data(&t, 1, "\0\0\6\4\0\0\0\0\0\0\10\0\0\0\1", 15);
    for (unsigned i = 0; i < STREAMS; i++) open_stream(&t, 2 * i + 1);
    for (unsigned i = 0; i < AGAIN; i++) say_twice(&t, 2 * (i % STREAMS) + 1);
    struct wst_context *c = context_open((struct wst_listener){&told, event, NULL});
    for (size_t i = 0; i < k.n; i++) context_feed(c, &k, i);
    context_close(c);
    assert_int_equal(told.packets, AGAIN);
    assert_true(told.lines <= 10000 + 4 * k.n + AGAIN);
    for (unsigned i = 1; i <= STREAMS; i++) assert_true(told.of[i] >= 100);
    packets_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
