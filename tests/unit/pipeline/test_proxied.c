/* SPDX-License-Identifier: MIT
 *
 * Whom a connection is for, as the header of a PROXY protocol before it says: however it comes, and
 * of each connection its own.
 */
#include "flows.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define SIGNED(text)           \
    {                          \
        text, sizeof(text) - 1 \
    }

struct heard {
    unsigned handshakes, messages, limits;
    char first[64], last[64]; /* where the first and the last handshake came from */
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    h->messages += e->type == WST_EVENT_MESSAGE;
    h->limits += e->type == WST_EVENT_PROBLEM && e->problem.problem == WST_PROBLEM_LIMIT_PROXIES;
    if (e->type != WST_EVENT_HANDSHAKE) return;
    const struct wst_event_handshake *s = &e->handshake;
    snprintf(h->last, sizeof h->last, *s->proxied_ip ? "%s %u" : "%s", s->proxied_ip,
             s->proxied_port);
    if (!h->handshakes++) memcpy(h->first, h->last, sizeof h->first);
}

static struct heard replay(struct packets *k)
{
    struct heard h = {0};
    packets_play(k, 0, (struct wst_listener){.user = &h, .event = hear});
    return h;
}

static void hello(struct tcp *t)
{
    uint8_t frame[16];
    uint64_t seed = 3;
    tcp_data(t, 0, frame, put_frame(frame, 0x81, true, &seed, "hi", 2));
    tcp_fin(t);
}

static void talk(struct tcp *t)
{
    tcp_data(t, 1, ANSWER, strlen(ANSWER));
    hello(t);
}

static const struct row {
    struct {
        const char *p;
        size_t n;
    } header;
    const char *from;
} rows[] = {
    {SIGNED("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"), "192.0.2.1 4711"},
    {SIGNED("PROXY TCP6 2001:DB8:0::1 2001:db8::2 65535 80\r\n"), "2001:db8::1 65535"},
    {SIGNED("PROXY TCP4 192.0.2.1 192.0.2.2 0 80\n"), "192.0.2.1 0"},
    {SIGNED("PROXY UNKNOWN\r\n"), ""},
    {SIGNED("PROXY UNKNOWN 192.0.2.1 192.0.2.2 4711 80\r\n"), ""},
    {SIGNED("PROXY TCP4 192.0.2.1 192.0.2.2\r\n"), ""},
    {SIGNED("PROXY TCP4 192.0.2.1 192.0.2.2 65536 80\r\n"), ""},
    {SIGNED("PROXY TCP4 192.0.2.1 192.0.2.2 +1 80\r\n"), ""},
    {SIGNED("PROXY TCP4 192.0.2.256 192.0.2.2 1 80\r\n"), ""},
    {SIGNED("PROXY TCP4 2001:db8::1 192.0.2.2 1 80\r\n"), ""},
    {SIGNED("PROXY TCP4  192.0.2.2 1 80\r\n"), ""},
    {SIGNED("PROXY TCP6 2001:db8:1111:2222:3333:4444:5555:6666:77777777 ::1 1 80\r\n"), ""},
    {SIGNED("PROXY \r\n"), ""},
    {SIGNED(V2 "\x21\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\2\x12\x67\0\x50"), "203.0.113.7 4711"},
    {SIGNED(V2 "\x21\x11\0\x10\xcb\0\x71\x07\x0a\0\0\2\x12\x67\0\x50\x04\0\x01\0"),
     "203.0.113.7 4711"}, /* with a TLV behind */
    {SIGNED(V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
               "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\x50\x1f\x90"),
     "2001:db8::1 80"},
    {SIGNED(V2 "\x20\x11\0\x0c\xcb\0\x71\x07\x0a\0\0\2\x12\x67\0\x50"), ""}, /* LOCAL */
    {SIGNED(V2 "\x21\0\0\0"), ""},                                           /* UNSPEC */
    {SIGNED(V2 "\x21\x11\0\x0b\xcb\0\x71\x07\x0a\0\0\2\x12\x67\0"), ""},     /* too short */
    {SIGNED(V2 "\x21\x21\0\x0c\xcb\0\x71\x07\x0a\0\0\2\x12\x67\0\x50"), ""},
    {SIGNED(V2 "\x21\x12\0\x0c\xcb\0\x71\x07\x0a\0\0\2\x12\x67\0\x50"), ""}, /* datagrams */
};

/* In one segment with the request; cut in two anywhere; by the byte. */
static void each_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        uint8_t all[512];
        size_t n = r->header.n + strlen(REQUEST);
        memcpy(all, r->header.p, r->header.n);
        memcpy(all + r->header.n, REQUEST, strlen(REQUEST));
        for (size_t cut = 0; cut <= r->header.n + 1; cut++) {
            struct packets k = {0};
            struct tcp t;
            tcp_open(&t, &k, 40000);
            tcp_syn(&t);
            if (cut > r->header.n)
                for (size_t at = 0; at < n; at++) tcp_data(&t, 0, all + at, 1);
            else {
                tcp_data(&t, 0, all, cut);
                tcp_data(&t, 0, all + cut, n - cut);
            }
            talk(&t);
            struct heard h = replay(&k);
            if (h.handshakes != 1 || h.messages != 1 || strcmp(h.first, r->from) != 0)
                fail_msg("row %zu cut at %zu: %u handshakes, from '%s'", i, cut, h.handshakes,
                         h.first);
        }
    }
}

/* The answer was captured before the request. */
static void overtaken(void **state)
{
    static const char proxied[] = "PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n" REQUEST;
    struct packets k = {0};
    struct tcp t;
    (void)state;
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    tcp_data(&t, 0, proxied, strlen(proxied));
    tcp_data(&t, 1, ANSWER, strlen(ANSWER));
    packets_swap(&k, k.n - 2, k.n - 1);
    hello(&t);
    struct heard h = replay(&k);
    assert_string_equal(h.first, "192.0.2.1 5");
    assert_int_equal(h.messages, 1);
}

/* A refusal and a second try, on the same connection; then the same ports, without a header. */
static void own(void **state)
{
    static const char refusal[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
                      header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\n";
    struct packets k = {0};
    struct tcp t;
    (void)state;
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    tcp_data(&t, 0, header, strlen(header));
    tcp_data(&t, 0, REQUEST, strlen(REQUEST));
    tcp_data(&t, 1, refusal, strlen(refusal));
    tcp_data(&t, 0, REQUEST, strlen(REQUEST));
    talk(&t);
    struct heard h = replay(&k);
    assert_int_equal(h.handshakes, 2);
    assert_string_equal(h.first, "192.0.2.1 5");
    assert_string_equal(h.last, "192.0.2.1 5");

    k = (struct packets){0};
    for (int round = 0; round < 2; round++) {
        tcp_open(&t, &k, 40000);
        t.seq[0] += (uint32_t)round * 100000;
        tcp_syn(&t);
        if (!round) tcp_data(&t, 0, header, strlen(header));
        tcp_data(&t, 0, REQUEST, strlen(REQUEST));
        talk(&t);
    }
    h = replay(&k);
    assert_int_equal(h.handshakes, 2);
    assert_string_equal(h.first, "192.0.2.1 5");
    assert_string_equal(h.last, "");
}

/* Many at once, each with its own; those that end without a handshake are forgotten. */
static void crowd(void **state)
{
    enum { MANY = 3000 };
    struct packets k = {0};
    static struct tcp t[MANY];
    struct heard h = {0};
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        char header[64];
        tcp_open(&t[i], &k, (uint16_t)(10000 + i));
        tcp_syn(&t[i]);
        snprintf(header, sizeof header, "PROXY TCP4 192.0.2.1 192.0.2.2 %u 80\r\n", i);
        tcp_data(&t[i], 0, header, strlen(header));
    }
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 3 == 0) tcp_fin(&t[i]);
        if (i % 3 == 0) continue;
        tcp_data(&t[i], 0, REQUEST, strlen(REQUEST));
        tcp_data(&t[i], 1, ANSWER, strlen(ANSWER));
    }
    struct wst_context *c = context_open((struct wst_listener){.user = &h, .event = hear});
    for (size_t i = 0; i < k.n; i++) {
        unsigned before = h.handshakes;
        context_feed(c, &k, i);
        if (h.handshakes == before) continue;
        char want[64];
        unsigned nth = before / 2 * 3 + before % 2 + 1; /* 1 2 4 5 7 8 … */
        snprintf(want, sizeof want, "192.0.2.1 %u", nth);
        assert_string_equal(h.last, want);
    }
    assert_int_equal(h.handshakes, MANY / 3 * 2);
    context_close(c);
    packets_free(&k);
}

/* Proxies one behind another, all in two segments: what is behind eight is found. Behind more is
 * nothing that anybody would want, and thousands of them take neither time nor stack. */
static unsigned behind(unsigned proxies, const char *asks, const char *grants)
{
    struct packets k = {0};
    struct tcp t;
    char *said[2] = {calloc(1, 1 << 20), calloc(1, 1 << 20)};
    size_t n[2] = {0};
    const char *const each[2] = {asks, grants}, *const last[2] = {REQUEST, ANSWER};
    for (unsigned side = 0; side < 2; side++) {
        assert_non_null(said[side]);
        for (unsigned i = 0; i < proxies; i++)
            n[side] += (size_t)sprintf(said[side] + n[side], "%s", each[side]);
        n[side] += (size_t)sprintf(said[side] + n[side], "%s", last[side]);
    }
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    for (int side = 0; side < 2; side++) tcp_data(&t, side, said[side], n[side]);
    hello(&t);
    for (int side = 0; side < 2; side++) free(said[side]);
    struct heard h = replay(&k);
    assert_int_equal(h.messages, h.handshakes);
    assert_int_equal(h.limits, !h.handshakes);
    return h.handshakes;
}
static void many_proxies(void **state)
{
    static const char connect[] = "CONNECT a:1 HTTP/1.1\r\n\r\n",
                      granted[] = "HTTP/1.1 200 OK\r\n\r\n", header[] = "PROXY UNKNOWN\r\n";
    (void)state;
    assert_int_equal(behind(8, connect, granted), 1);
    assert_int_equal(behind(9, connect, granted), 0);
    assert_int_equal(behind(40000, connect, granted), 0);
    assert_int_equal(behind(8, header, ""), 1);
    assert_int_equal(behind(9, header, ""), 0);
    assert_int_equal(behind(60000, header, ""), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_header), cmocka_unit_test(overtaken),
                                       cmocka_unit_test(own), cmocka_unit_test(crowd),
                                       cmocka_unit_test(many_proxies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
