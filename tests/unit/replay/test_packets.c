/* SPDX-License-Identifier: MIT
 *
 * Packets of bytes: a context that verifies checksums reads back what went in, however it was cut;
 * and a whole replay, its frames read by the same context.
 */
#include "events.h"

#include <stdio.h>
#include <wstrace/wstrace.h>

struct back { /* what came back */
    struct wst_context *context;
    struct wst_replay_packets *packets;
    uint64_t pkt;
    int64_t ns;
    uint64_t handshakes, messages[2], problems, ends;
    enum wst_tcp_end tcp;
    char text[2][64];
    size_t longest;
};

static void on_event(void *user, const struct wst_event *e)
{
    struct back *b = user;

    if (e->type == WST_EVENT_HANDSHAKE) b->handshakes += e->handshake.accepted;
    if (e->type == WST_EVENT_PROBLEM) b->problems++;
    if (e->type == WST_EVENT_END) b->tcp = e->end.tcp;
    b->ends += e->type == WST_EVENT_END;
    if (e->type != WST_EVENT_MESSAGE) return;
    assert_true(e->message.certain);
    b->messages[e->dir]++;
    if (e->message.payload.n > b->longest) b->longest = (size_t)e->message.payload.n;
    snprintf(b->text[e->dir], sizeof b->text[0], "%.*s",
             (int)(e->message.payload.n < 60 ? e->message.payload.n : 60),
             (const char *)e->message.payload.p);
}

static void on_packet(void *user, const struct wst_packet *packet)
{
    struct back *b = user;

    assert_int_equal(packet->when.pkt, b->pkt + 1);
    assert_true(packet->when.ns >= b->ns);
    assert_int_equal(packet->wire_len, packet->data.n);
    assert_int_equal(packet->link_type, 101);
    b->pkt++;
    b->ns = packet->when.ns;
    wst_context_packet(b->context, packet);
}

static void begin(struct back *b, uint8_t family)
{
    struct wst_replay_ends ends = {family, {10, 0, 0, 1}, {10, 0, 0, 2}, 40000, 80};
    struct wst_listener listener = {b, on_event, NULL};
    struct wst_event_meta meta = {0};
    struct wst_options options;

    *b = (struct back){0};
    wst_options_init(&options);
    options.verify_checksums = true; /* a wrong one would cost its packet */
    b->context = wst_context_new(&options, &listener);
    b->packets = wst_replay_packets_new(&ends, on_packet, b);
    assert_true(b->context && b->packets);
    wst_context_begin(b->context, &meta);
    wst_replay_packets_open(b->packets, 5);
}

static void end(struct back *b)
{
    wst_context_finish(b->context, NULL);
    wst_context_free(b->context);
    wst_replay_packets_free(b->packets);
}

static const char request[] =
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/* RFC 6455 section 5.7. */
static const uint8_t hello_masked[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                       0x7f, 0x9f, 0x4d, 0x51, 0x58};
static const uint8_t hello[] = {0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f};

static void push(struct back *b, enum wst_dir from, const void *p, size_t n, size_t piece)
{
    for (size_t at = 0; at < n; at += piece) {
        size_t now = n - at < piece ? n - at : piece;
        wst_replay_packets_data(b->packets, from, wst_slice_of((const uint8_t *)p + at, now),
                                (int64_t)(10 + at));
    }
}

static void test_back(void **state)
{
    static const size_t pieces[] = {1, 2, 7, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (int way = 0; way < 8; way++) {
            struct back b;
            begin(&b, way & 1 ? 6 : 4);
            push(&b, WST_C2S, request, sizeof request - 1, pieces[i]);
            push(&b, WST_S2C, answer, sizeof answer - 1, pieces[i]);
            push(&b, WST_C2S, hello_masked, sizeof hello_masked, pieces[i]);
            push(&b, WST_S2C, hello, sizeof hello, pieces[i]);
            wst_replay_packets_close(b.packets, way & 2 ? WST_C2S : WST_S2C, way & 4, 3); /* late */
            if (!(way & 4))
                wst_replay_packets_close(b.packets, way & 2 ? WST_S2C : WST_C2S, false, 99);
            end(&b);
            assert_int_equal(b.handshakes, 1);
            assert_int_equal(b.messages[0], 1);
            assert_int_equal(b.messages[1], 1);
            assert_string_equal(b.text[0], "Hello");
            assert_string_equal(b.text[1], "Hello");
            assert_int_equal(b.ends, 1);
            assert_int_equal(b.tcp, way & 4 ? WST_TCP_RST : WST_TCP_FIN);
        }
}

/* -- a whole replay, against a server that answers each message with "Hello" ------------------- */

static void some_bytes(void *user, uint8_t *p, size_t n)
{
    (void)user;
    memset(p, 0, n);
    if (n == 16) memcpy(p, "the sample nonce", 16); /* RFC 6455 section 1.3 */
    if (n == 4) memcpy(p, "\x37\xfa\x21\x3d", 4);
}

struct both {
    struct back *back;
    struct wst_listener replay;
};

static void tell_both(void *user, const struct wst_event *e)
{
    struct both *both = user;

    both->replay.event(both->replay.user, e);
    on_event(both->back, e);
}

static void test_whole_replay(void **state)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 200000};
    static char text[200001];
    enum { N = sizeof lengths / sizeof *lengths };
    struct wst_replay_script_options script_options = {0};
    struct wst_replay_script *script = wst_replay_script_new(&script_options);
    struct wst_listener recording = wst_replay_script_listener(script);
    struct wst_replay_options options = {.timeout_ns = 1000, .random = some_bytes};
    struct wst_replay_ends ends = {4, {10, 0, 0, 1}, {10, 0, 0, 2}, 40000, 80};
    struct wst_replay_url url;
    char error[WST_REPLAY_ERROR_SIZE];
    struct wst_event_meta meta = {0};
    struct back b = {0};
    struct both both = {.back = &b};
    struct wst_listener listener = {&both, tell_both, NULL};
    struct wst_replay *replay;
    struct wst_replay_turn turn;
    int64_t now = 0;
    uint64_t answered = 0;

    (void)state;
    memset(text, 'x', sizeof text - 1);
    tell_handshake(&recording, 1, "/", 101, true);
    for (size_t i = 0; i < N; i++) {
        text[lengths[i]] = '\0';
        tell_message(&recording, 1, WST_C2S, text, 1);
        tell_message(&recording, 1, WST_S2C, "Hello", 1);
        text[lengths[i]] = 'x';
    }
    tell_close(&recording, 1, WST_C2S, 1000, "bye", 2);
    assert_int_equal(wst_replay_script_end(script, error), WST_REPLAY_FINE);
    assert_int_equal(wst_replay_url_read(&url, "ws://h", error), 0);
    options.url = &url;
    replay = wst_replay_new(script, &options, error);
    both.replay = wst_replay_listener(replay);
    b.context = wst_context_new(NULL, &listener);
    b.packets = wst_replay_packets_new(&ends, on_packet, &b);
    wst_context_begin(b.context, &meta);
    wst_replay_packets_open(b.packets, 1);
    while ((turn = wst_replay_next(replay, now++)).act != WST_REPLAY_CLOSE) {
        assert_true(now < 5000);
        if (turn.act == WST_REPLAY_SEND) wst_replay_packets_data(b.packets, WST_C2S, turn.bytes, 1);
        if (turn.act == WST_REPLAY_SEND) continue;
        if (!b.handshakes) push(&b, WST_S2C, answer, sizeof answer - 1, 1);
        for (; answered < b.messages[WST_C2S]; answered++)
            push(&b, WST_S2C, hello, sizeof hello, 1); /* a byte at a time */
    }
    assert_null(wst_replay_failure(replay));
    end(&b);
    assert_int_equal(b.handshakes, 1);
    assert_int_equal(b.messages[WST_C2S], N);
    assert_int_equal(b.messages[WST_S2C], N);
    assert_int_equal(b.longest, 200000);
    wst_replay_free(replay);
    wst_replay_script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_whole_replay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
