/* SPDX-License-Identifier: MIT
 *
 * Who is forgotten for want of memory.
 */
#include <wstrace/tls.h>

#include "initial.h"

enum { SOCKETS = 20, STRANGERS = 3000 };

struct seen {
    unsigned evicted, open;
    bool strangers;
};

static void see(void *user, const struct wst_event *e)
{
    struct seen *s = user;
    if (e->type == WST_EVENT_END) (*(e->end.tcp == WST_TCP_EVICTED ? &s->evicted : &s->open))++;
    s->strangers |= e->type == WST_EVENT_PROBLEM &&
                    e->problem.problem == WST_PROBLEM_CAPTURE_FORGOTTEN &&
                    strstr(e->problem.detail, "QUIC connections");
}

/* Whoever begins QUIC connections, ever new ones, has WebSocket over TCP not forgotten. */
static void strangers_first(void **state)
{
    static const char keys[] = "CLIENT_TRAFFIC_SECRET_0 "
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    struct packets k = {0};
    struct seen seen = {0};
    struct tcp t[SOCKETS];
    (void)state;
    struct wst_context *c =
        context_open_in((struct wst_listener){.event = see, .user = &seen}, 4 << 20);
    wst_context_tls(c, &(struct wst_tls_hooks){0});
    wst_context_keylog(c, (struct wst_slice){(const uint8_t *)keys, sizeof keys - 1}, true);
    for (unsigned i = 0; i < SOCKETS; i++) {
        tcp_open(&t[i], &k, (uint16_t)(1000 + i));
        tcp_syn(&t[i]);
        tcp_data(&t[i], 0, REQUEST, strlen(REQUEST));
        tcp_data(&t[i], 1, ANSWER, strlen(ANSWER));
        send_text(&t[i], 1, "hello");
    }
    for (uint16_t i = 0; i < STRANGERS; i++) push_initial(&k, i, 0);
    for (size_t i = 0; i < k.n; i++) context_feed_at(c, &k, i, (int64_t)i * 1000);
    context_close(c);
    packets_free(&k);
    assert_true(seen.strangers);
    assert_int_equal(seen.evicted, 0);
    assert_int_equal(seen.open, SOCKETS);
}

/* A flood of SYNs: it is their number that has the older ones forgotten, for there is memory. */
static void see_flood(void *user, const struct wst_event *e)
{
    unsigned *told = user;
    if (e->type != WST_EVENT_PROBLEM || e->problem.problem != WST_PROBLEM_CAPTURE_FORGOTTEN) return;
    assert_string_equal(
        e->problem.detail,
        "7 TCP connections without a byte of data were forgotten for newer ones: of "
        "such, 65536 are followed at a time");
    ++*told;
}

static void flood(void **state)
{
    enum { SYNS = 65536 + 7 };
    struct packets k = {0};
    struct tcp t;
    unsigned told = 0;
    (void)state;
    struct wst_context *c =
        context_open_in((struct wst_listener){.event = see_flood, .user = &told}, 64 << 20);
    tcp_open(&t, &k, 1000);
    tcp_syn(&t);
    for (unsigned i = 0; i < SYNS; i++) {
        k.all[0].p[15] = (uint8_t)(1 + i / 60000); /* the client's address, and its port */
        k.all[0].p[20] = (uint8_t)(i % 60000 >> 8), k.all[0].p[21] = (uint8_t)(i % 60000);
        context_feed_at(c, &k, 0, (int64_t)i);
    }
    context_close(c);
    packets_free(&k);
    assert_int_equal(told, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strangers_first), cmocka_unit_test(flood)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
