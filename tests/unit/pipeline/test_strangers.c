/* SPDX-License-Identifier: MIT
 *
 * Other protocols, joined in the middle, cut into segments at random: none may be taken for
 * WebSocket. Prints how many were, for the documentation to state.
 */
#include "flows.h"

enum { FLOW_MAX = 24 * 1024 };

struct maker { /* fills a stream from its beginning; the flow begins at a random byte of it */
    uint64_t seed;
    uint8_t *p;
    size_t n;
};

static uint64_t r_(struct maker *m)
{
    return rnd(&m->seed);
}
static size_t below(struct maker *m, size_t n)
{
    return rnd_below(&m->seed, n);
}
static void put8(struct maker *m, unsigned v)
{
    m->p[m->n++] = (uint8_t)v;
}
static void put16(struct maker *m, unsigned v)
{
    put8(m, v >> 8);
    put8(m, v);
}
static void put32(struct maker *m, uint32_t v)
{
    put16(m, v >> 16);
    put16(m, v);
}
static void put_le32(struct maker *m, uint32_t v)
{
    for (int i = 0; i < 4; i++) put8(m, v >> 8 * i);
}
static void put_noise(struct maker *m, size_t n)
{
    rnd_fill(&m->seed, m->p + m->n, n);
    m->n += n;
}
static void put_text(struct maker *m, const char *text)
{
    size_t n = strlen(text);
    memcpy(m->p + m->n, text, n);
    m->n += n;
}
static void put_words(struct maker *m, size_t n)
{
    static const char *const words[] = {
        "the ",   "INFO ",  "request ", "took ",  "ms\n",
        "<div>",  "</p>\n", "error ",   "value=", "\"id\":",
        "{",      "}, ",    "user ",    "0x7f ",  "2026-01-02T03:04:05Z ",
        "GET /x "};
    size_t end = m->n + n;
    while (m->n < end) {
        if (below(m, 3) == 0)
            m->n += (size_t)sprintf((char *)m->p + m->n, "%u ", (unsigned)below(m, 100000));
        else
            put_text(m, words[below(m, ARRAY(words))]);
    }
}

/* -- one unit of each protocol; `server`: which side says it -- */

static void http_body(struct maker *m, int server)
{
    (void)server;
    put_words(m, 500);
}
static void http_image(struct maker *m, int server) /* compressed bodies, requests between */
{
    if (server)
        put_noise(m, 1400);
    else
        put_words(m, 60);
}
static void tls(struct maker *m, int server)
{
    size_t n = below(m, 4) ? 40 + below(m, 300) : 16384;
    (void)server;
    put8(m, 0x17);
    put16(m, 0x0303);
    put16(m, (unsigned)n);
    put_noise(m, n);
}
static void ssh(struct maker *m, int server) /* encrypted, its length too */
{
    (void)server;
    put_noise(m, 16 * (2 + below(m, 20)));
}
static void noise(struct maker *m, int server)
{
    (void)server;
    put_noise(m, 1000);
}
static void zeros(struct maker *m, int server)
{
    (void)server;
    for (int i = 0; i < 400; i++) put8(m, below(m, 40) ? 0 : (unsigned)r_(m));
}
static void same_byte(struct maker *m, int server)
{
    unsigned v = (unsigned)(m->seed & 1 ? 0x81 : r_(m) & 0xff);
    (void)server;
    memset(m->p + m->n, (int)v, 300);
    m->n += 300;
}
static void log_lines(struct maker *m, int server)
{
    (void)server;
    put_words(m, 120);
    put8(m, '\n');
}
static void mqtt(struct maker *m, int server) /* publish; pings of two bytes: c0 00, d0 00 */
{
    if (below(m, 3) == 0) {
        put16(m, server ? 0xd000 : 0xc000);
        return;
    }
    size_t n = 12 + below(m, 100);
    put8(m, 0x30);
    put8(m, (unsigned)n);
    put16(m, 8);
    put_text(m, "a/b/c/d/");
    for (size_t i = 10; i < n; i++) put8(m, 32 + (unsigned)below(m, 90));
}
static void dns(struct maker *m, int server)
{
    size_t at = m->n;
    put16(m, 0);
    put16(m, (unsigned)r_(m));
    put16(m, server ? 0x8180 : 0x0100);
    put32(m, 0x00010000u | (server ? 1u : 0));
    put32(m, 0);
    put_text(m, "\7example\3com");
    put8(m, 0);
    put32(m, 0x00010001);
    if (server) {
        put16(m, 0xc00c);
        put32(m, 0x00010001);
        put32(m, 300);
        put16(m, 4);
        put_noise(m, 4);
    }
    m->p[at + 1] = (uint8_t)(m->n - at - 2);
}
static void grpc(struct maker *m, int server) /* HTTP/2 DATA with length-prefixed protobuf */
{
    size_t n = 5 + below(m, 120), at;
    (void)server;
    put8(m, 0);
    put16(m, (unsigned)(n + 5));
    put8(m, below(m, 8) ? 0 : 1);
    put8(m, 0);
    put32(m, 1 + 2 * (uint32_t)below(m, 4));
    put8(m, 0);
    put32(m, (uint32_t)n);
    for (at = m->n; m->n < at + n;) {
        put8(m, (unsigned)(8 * (1 + below(m, 6)) + (below(m, 2) ? 2 : 0)));
        if (m->p[m->n - 1] & 2) {
            size_t k = below(m, 20);
            put8(m, (unsigned)k);
            while (k--) put8(m, 'a' + (unsigned)below(m, 26));
        } else {
            put8(m, 0x80 | (unsigned)below(m, 128));
            put8(m, (unsigned)below(m, 128));
        }
    }
    m->n = at + n;
}
static void mpeg_ts(struct maker *m, int server)
{
    if (!server) {
        put_text(m, "ok");
        return;
    }
    put32(m, 0x47010010u | (uint32_t)below(m, 16));
    put_noise(m, 184);
}
static void rtp(struct maker *m, int server) /* RFC 4571: a length, then 80 60 … */
{
    size_t n = server ? 200 + below(m, 1200) : 40;
    put16(m, (unsigned)n);
    put16(m, below(m, 10) ? 0x8060 : 0x80e0);
    put16(m, (unsigned)m->n);
    put_noise(m, n - 4);
}
static void rtsp(struct maker *m, int server) /* interleaved: $ channel length, RTP */
{
    size_t n = server ? 300 + below(m, 900) : 30;
    put8(m, '$');
    put8(m, 0);
    put16(m, (unsigned)n);
    put16(m, 0x8060);
    put_noise(m, n - 2);
}
static void flv(struct maker *m, int server)
{
    size_t n = 100 + below(m, 2000);
    (void)server;
    put8(m, below(m, 3) ? 9 : 8);
    put8(m, 0);
    put16(m, (unsigned)n);
    put32(m, (uint32_t)m->n);
    put16(m, 0);
    put8(m, 0);
    put_noise(m, n);
    put32(m, (uint32_t)n + 11);
}
static void rtmp(struct maker *m, int server) /* chunks of 128 bytes, each behind c4 or c6 */
{
    (void)server;
    put8(m, below(m, 2) ? 0xc4 : 0x44);
    if (m->p[m->n - 1] == 0x44) {
        put_noise(m, 3);
        put8(m, 0);
        put16(m, 1000);
        put8(m, 9);
    }
    put_noise(m, 128);
}
static void redis(struct maker *m, int server)
{
    size_t n = 1 + below(m, 60);
    m->n += (size_t)sprintf((char *)m->p + m->n,
                            server ? "$%zu\r\n" : "*2\r\n$3\r\nGET\r\n$%zu\r\n", n);
    while (n--) put8(m, 33 + (unsigned)below(m, 90));
    put_text(m, "\r\n");
}
static void postgres(struct maker *m, int server)
{
    size_t n = below(m, 90);
    put8(m, server ? "DTCZ"[below(m, 4)] : "QPBE"[below(m, 4)]);
    put32(m, (uint32_t)n + 4);
    while (n--) put8(m, below(m, 3) ? 'a' + (unsigned)below(m, 26) : 0);
}
static void mongo(struct maker *m, int server)
{
    size_t n = 30 + below(m, 200);
    (void)server;
    put_le32(m, (uint32_t)n + 16);
    put_le32(m, (uint32_t)m->n);
    put_le32(m, 0);
    put_le32(m, 2013);
    while (n--) put8(m, below(m, 2) ? (unsigned)below(m, 20) : 'a' + (unsigned)below(m, 26));
}
static void kafka(struct maker *m, int server)
{
    size_t n = 20 + below(m, 300);
    put32(m, (uint32_t)n);
    put32(m, server ? (uint32_t)m->n : 0x00000009);
    n -= 4;
    while (n--) put8(m, below(m, 3) ? 0 : (unsigned)r_(m));
}
static void amqp(struct maker *m, int server) /* type channel length … ce; heartbeats */
{
    size_t n = below(m, 4) ? 20 + below(m, 100) : 0;
    (void)server;
    put8(m, n ? 1 + (unsigned)below(m, 3) : 8);
    put16(m, n ? 1 : 0);
    put32(m, (uint32_t)n);
    while (n--) put8(m, below(m, 2) ? (unsigned)below(m, 4) : 'a' + (unsigned)below(m, 26));
    put8(m, 0xce);
}
static void pcm(struct maker *m, int server) /* 16-bit sound around zero */
{
    (void)server;
    for (int i = 0; i < 400; i++) put16(m, (unsigned)(below(m, 600) - 300) & 0xffff);
}
static void bitmap(struct maker *m, int server) /* runs of a few colours: rfb, rdp */
{
    (void)server;
    for (int i = 0; i < 60; i++) {
        uint32_t colour = (uint32_t)below(m, 5) * 0x01010100u + 0x81820000u * (uint32_t)below(m, 2);
        for (size_t k = below(m, 20); k--;) put32(m, colour);
    }
}
static void short_tlv(struct maker *m,
                      int server) /* type, length of a byte, text: as near as it gets */
{
    size_t n = below(m, 100);
    (void)server;
    put8(m, 1 + (unsigned)below(m, 250));
    put8(m, (unsigned)n);
    while (n--) put8(m, 32 + (unsigned)below(m, 90));
}
static void short_tlv_fixed(struct maker *m, int server) /* the same with one type of 81 … 8f */
{
    size_t n = 1 + below(m, 60);
    put8(m, 0x83 + (unsigned)server);
    put8(m, (unsigned)n);
    put_noise(m, n);
}
static void keepalives(struct maker *m, int server)
{
    put16(m, server ? 0x0001 : 0x0000);
}

struct stranger {
    const char *name;
    void (*put)(struct maker *m, int server);
    bool whole; /* segments hold whole units more often than not */
};

static const struct stranger strangers[] = {
    {"HTTP bodies", http_body, false},
    {"HTTP bodies, compressed", http_image, false},
    {"TLS", tls, true},
    {"SSH", ssh, true},
    {"random bytes", noise, false},
    {"zeros", zeros, false},
    {"one byte repeated", same_byte, false},
    {"log lines", log_lines, true},
    {"MQTT", mqtt, true},
    {"DNS over TCP", dns, true},
    {"gRPC", grpc, true},
    {"MPEG-TS", mpeg_ts, true},
    {"RTP, RFC 4571", rtp, true},
    {"RTSP, interleaved", rtsp, true},
    {"FLV", flv, false},
    {"RTMP", rtmp, false},
    {"Redis", redis, true},
    {"PostgreSQL", postgres, true},
    {"MongoDB", mongo, true},
    {"Kafka", kafka, true},
    {"AMQP", amqp, true},
    {"PCM sound", pcm, false},
    {"bitmaps", bitmap, false},
    {"type, length, text", short_tlv, true},
    {"type 83 or 84, length, bytes", short_tlv_fixed, true},
    {"two-byte keep-alives", keepalives, true},
};

struct verdict {
    unsigned accepted;
};
static void hear(void *user, const struct wst_event *e)
{
    struct verdict *v = user;
    if (e->type == WST_EVENT_HANDSHAKE) v->accepted += e->handshake.accepted;
}

/* Both sides speak in turns, from the middle of a unit; a third of the flows has one side only. */
static void make_flow(struct packets *k, const struct stranger *s, uint64_t seed, uint16_t port)
{
    static uint8_t room[FLOW_MAX + 70000];
    struct maker m = {.seed = seed, .p = room};
    struct tcp t;
    tcp_open(&t, k, port);
    int only = below(&m, 3) ? -1 : (int)below(&m, 2);
    size_t total = 200 + below(&m, below(&m, 4) ? 8000 : FLOW_MAX), sent = 0;
    bool first = true;
    while (sent < total) {
        int server = only >= 0 ? only : (int)below(&m, 2);
        m.n = 0;
        for (size_t i = below(&m, 3) + 1; i-- && m.n < 40000;) s->put(&m, server);
        size_t at = first ? below(&m, m.n) : 0; /* joined in mid-stream */
        first = s->whole ? false : below(&m, 3) == 0;
        bool cut = below(&m, 10) < (s->whole ? 2u : 8u);
        while (at < m.n) {
            size_t n = cut ? 1 + below(&m, 1460) : 1460;
            if (n > m.n - at) n = m.n - at;
            tcp_data(&t, server, room + at, n);
            at += n;
            sent += n;
        }
        sent++;
    }
    if (below(&m, 2)) tcp_fin(&t);
}

static void strangers_stay_strangers(void **state)
{
    const char *more = getenv("WSTRACE_STRANGERS"); /* flows of each kind */
    unsigned flows = more ? (unsigned)atoi(more) : 100;
    unsigned taken = 0, all = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY(strangers); i++) {
        unsigned here = 0;
        for (unsigned flow = 0; flow < flows; flow++) {
            struct packets k = {0};
            struct verdict v = {0};
            make_flow(&k, &strangers[i], 1 + flow + i * 0x9e3779b97f4a7c15u,
                      (uint16_t)(1024 + flow));
            struct wst_context *c = context_open((struct wst_listener){.user = &v, .event = hear});
            for (size_t p = 0; p < k.n; p++) context_feed(c, &k, p);
            context_close(c);
            here += v.accepted;
            packets_free(&k);
        }
        if (here) print_message("  %s: %u of %u flows\n", strangers[i].name, here, flows);
        taken += here;
        all += flows;
    }
    print_message("strangers taken for WebSocket: %u of %u flows, %zu protocols\n", taken, all,
                  ARRAY(strangers));
    assert_int_equal(taken, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strangers_stay_strangers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
