/* SPDX-License-Identifier: MIT
 *
 * A QUIC connection of a capture that two packets are added to, sealed with its own secrets: the
 * client says that a window holds it up, two seconds later the server opens it. Of a WebSocket's
 * stream, and of the connection, that is told of the WebSocket; of a stream that is none, it is
 * not.
 * Or the server gives a token, and ends the connection with it (RFC 9000 section 10.3).
 */
#include <wstrace/tls.h>

#include "flows.h"
#include "quic/sealer.h"

enum { UP_TO = 34, UDP_DATA = 42, RECORD = 16, FILE_HEAD = 24 };

struct heard {
    unsigned times, resets;
    uint64_t conn;
    enum wst_dir dir;
    char detail[160];
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    h->resets += e->type == WST_EVENT_END && e->end.tcp == WST_TCP_RST;
    if (e->type != WST_EVENT_PROBLEM || (e->problem.problem != WST_PROBLEM_QUIC_WINDOW_CLOSED &&
                                         e->problem.problem != WST_PROBLEM_QUIC_STATELESS_RESET))
        return;
    h->times++;
    h->conn = e->conn;
    h->dir = e->dir;
    snprintf(h->detail, sizeof h->detail, "%s", e->problem.detail);
}

static size_t read_all(const char *path, uint8_t *to, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(to, 1, room, f);
    fclose(f);
    return n;
}

static void secret_of(const char *keys, const char *label, struct sealer *s)
{
    uint8_t secret[32];
    char hex[65];
    const char *at = strstr(keys, label);
    assert_non_null(at);
    assert_int_equal(sscanf(at, "%*s %*s %64s", hex), 1);
    for (size_t i = 0; i < sizeof secret; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], 0};
        secret[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    sealer_init(s, SEAL_CHACHA20, SEAL_V1, secret);
}

/* What the client says, and the server; `last`: a datagram of the server, as it is. */
static struct heard play(const uint8_t *blocked, size_t blocked_n, const uint8_t *more,
                         size_t more_n, const uint8_t *last, size_t last_n)
{
    static uint8_t file[1 << 20], keys[4096];
    size_t n = read_all(WST_TEST_CAPTURES "/07_h3_basic.pcap", file, sizeof file);
    size_t keys_n = read_all(WST_TEST_CAPTURES "/07_h3_basic.keys", keys, sizeof keys - 1);
    const uint8_t *id[2] = {NULL, NULL}, *ends[2] = {NULL, NULL}; /* by side that chose, sends */
    struct heard h = {0};
    struct sealer s[2];
    struct wst_context *c = context_open((struct wst_listener){.event = hear, .user = &h});
    struct wst_packet p = {.link_type = 1};
    assert_true(keys_n > 0 && n < sizeof file);
    secret_of((const char *)keys, "CLIENT_TRAFFIC_SECRET_0", &s[0]);
    secret_of((const char *)keys, "SERVER_TRAFFIC_SECRET_0", &s[1]);
    wst_context_tls(c, &(struct wst_tls_hooks){0});
    wst_context_keylog(c, (struct wst_slice){keys, keys_n}, true);
    p.when.ns = 1700000000000000000;
    for (size_t at = FILE_HEAD; at + RECORD < n && p.when.pkt < UP_TO;) {
        uint32_t size;
        memcpy(&size, file + at + 8, 4); /* a file of this machine's order */
        const uint8_t *data = file + at + RECORD, *quic = data + UDP_DATA;
        int server = data[34] == 24001 >> 8 && data[35] == (24001 & 0xff);
        if (!id[server] && quic[0] & 0x80) id[server] = quic + 6 + quic[5], ends[server] = data;
        p.data = (struct wst_slice){data, size};
        p.wire_len = size;
        p.when.pkt++;
        p.when.ns += 1000000;
        wst_context_packet(c, &p);
        at += RECORD + size;
    }
    assert_true(id[0] && id[1]);
    for (int turn = 0; turn < (last ? 3 : 2); turn++) {
        int server = turn > 0;
        uint8_t out[256];
        struct seal_head head = {.type = SEAL_SHORT,
                                 .to = id[!server] + 1,
                                 .to_n = id[!server][0],
                                 .number = 300,
                                 .number_n = 4};
        memcpy(out, ends[server], UDP_DATA);
        size_t k = last_n;
        if (turn < 2)
            k = seal_packet(&s[server], &head, out + UDP_DATA, server ? more : blocked,
                            server ? more_n : blocked_n);
        else
            memcpy(out + UDP_DATA, last, last_n);
        out[16] = 0, out[17] = (uint8_t)(28 + k), out[38] = 0, out[39] = (uint8_t)(8 + k);
        p.data = (struct wst_slice){out, UDP_DATA + k};
        p.wire_len = (uint32_t)p.data.n;
        p.when.pkt++;
        p.when.ns += server ? 2000000000 : 1000000;
        wst_context_packet(c, &p);
    }
    context_close(c);
    return h;
}

static void windows(void **state)
{
    static const uint8_t blocked[] = {0x15, 0, 0x90, 0, 0, 0}, more[] = {0x11, 0, 0x90, 0, 0, 1},
                         other[] = {0x15, 2, 0x90, 0, 0, 0}, it[] = {0x11, 2, 0x90, 0, 0, 1},
                         all[] = {0x14, 0x90, 0, 0, 0}, of_all[] = {0x10, 0x90, 0, 0, 1};
    (void)state;
    struct heard h = play(blocked, sizeof blocked, more, sizeof more, NULL, 0);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.conn, 1);
    assert_int_equal(h.dir, WST_S2C);
    assert_string_equal(h.detail, "its window for the stream was closed for 2.000 s: the client "
                                  "had more to send");
    h = play(all, sizeof all, of_all, sizeof of_all, NULL, 0);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.conn, 1);
    assert_string_equal(h.detail, "its window for the connection was closed for 2.000 s: the "
                                  "client had more to send");
    h = play(other, sizeof other, it, sizeof it, NULL, 0);
    assert_int_equal(h.times, 0);
}

static void stateless_reset(void **state)
{
    static const uint8_t ping[] = {1}, gives[] = {0x18, 9,   0,   8,   9,   9,   9,   9,   9,   9,
                                                  9,    9,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h',
                                                  'i',  'j', 'k', 'l', 'm', 'n', 'o', 'p'};
    static const uint8_t last[] = "ABCDEFGHIJKLMNOPQRSTUVWXabcdefghijklmnop";
    (void)state;
    struct heard h = play(ping, sizeof ping, gives, sizeof gives, last, sizeof last - 1);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.conn, 1);
    assert_int_equal(h.dir, WST_S2C);
    assert_int_equal(h.resets, 1);
    assert_non_null(strstr(h.detail, "the server knows nothing of the connection any more: a "
                                     "stateless reset"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows),
                                       cmocka_unit_test(stateless_reset)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
