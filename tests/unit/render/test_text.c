/* SPDX-License-Identifier: MIT */
#include "random_event.h"

#include <stdio.h>
#include <time.h>
#include <wstrace/wstrace.h>

#include "escape.h"
#include "utf8.h"

#define START 1795176001123456789 /* 2026-11-20T12:00:01.123456789Z */

/* A renderer, what it wrote, and a clock that goes on by a millisecond an event. */
struct fixture {
    struct sink sink;
    struct wst_render *render;
    int64_t now;
    uint64_t pkt;
};

static struct fixture *start(struct fixture *f, struct wst_text_options options)
{
    *f = (struct fixture){.sink = {.fail_after = -1}, .now = START, .pkt = 1};
    f->render = wst_render_text_new(&options, sink_write, &f->sink);
    assert_non_null(f->render);
    return f;
}

static void tell(struct fixture *f, struct wst_event event)
{
    struct wst_listener listener = wst_render_listener(f->render);
    event.when = (struct wst_when){f->pkt, f->now};
    listener.event(listener.user, &event);
}

static void later(struct fixture *f)
{
    f->now += 1000000;
    f->pkt++;
}

/* Compares all that was written, and ends the fixture. */
static void expect(struct fixture *f, const char *expected)
{
    assert_int_equal(wst_render_flush(f->render), 0);
    assert_string_equal(f->sink.p ? f->sink.p : "", expected);
    free(f->sink.p);
    wst_render_free(f->render);
}

/* -- events ------------------------------------------------------------------------------------ */

static struct wst_event frame_of(enum wst_dir dir, uint8_t opcode, uint64_t msg, uint64_t len)
{
    struct wst_event e = {.type = WST_EVENT_FRAME, .dir = dir, .conn = 1};
    e.frame = (struct wst_event_frame){.n = 1,
                                       .len = len,
                                       .msg = msg,
                                       .opcode = opcode,
                                       .header_len = 6,
                                       .fin = true,
                                       .complete = true,
                                       .masked = dir == WST_C2S,
                                       .mask_key = {0x37, 0xfa, 0x21, 0x3d}};
    return e;
}

static struct wst_event message_of(enum wst_dir dir, uint8_t opcode, uint64_t msg,
                                   struct wst_slice payload)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .dir = dir, .conn = 1};
    e.message = (struct wst_event_message){.msg = msg,
                                           .opcode = opcode,
                                           .certain = true,
                                           .utf8 = opcode == 1,
                                           .first_pkt = 1,
                                           .frames = 1,
                                           .wire_len = payload.n,
                                           .len = payload.n,
                                           .payload = payload};
    return e;
}

static struct wst_event close_of(enum wst_dir dir, int32_t code, struct wst_slice reason)
{
    struct wst_event e = {.type = WST_EVENT_CLOSE, .dir = dir, .conn = 1};
    e.close = (struct wst_event_close){code, wst_close_code_name(code), reason, 0, true};
    return e;
}

static struct wst_event handshake_of(void)
{
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE, .conn = 1};
    e.handshake =
        (struct wst_event_handshake){.carrier = WST_CARRIER_HTTP1,
                                     .tcp_stream = 0,
                                     .stream_id = -1,
                                     .client_ip = "10.0.0.1",
                                     .server_ip = "10.0.0.2",
                                     .client_port = 51846,
                                     .server_port = 8080,
                                     .request_pkt = 4,
                                     .method = SLICE("GET"),
                                     .uri = SLICE("/chat"),
                                     .host = SLICE("example.com"),
                                     .version = 13,
                                     .status = 101,
                                     .reason = SLICE("Switching Protocols"),
                                     .accepted = true,
                                     .client_key = SLICE("dGhlIHNhbXBsZSBub25jZQ=="),
                                     .server_accept = SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                                     .accept_expected = SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
                                     .accept_ok = 1,
                                     .subprotocol = SLICE("chat"),
                                     .deflate = {true, false, false, 15, 15},
                                     .rtt_ns = -1};
    return e;
}

/* -- the lines of a conversation --------------------------------------------------------------- */

static void conversation(void **state)
{
    struct fixture f;
    struct wst_event end = {.type = WST_EVENT_END, .dir = WST_DIR_NONE, .conn = 1};
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    tell(&f, (struct wst_event){.type = WST_EVENT_META, .dir = WST_DIR_NONE});
    tell(&f, handshake_of());
    later(&f);
    tell(&f, frame_of(WST_C2S, 1, 1, 5));
    tell(&f, message_of(WST_C2S, 1, 1, SLICE("Hello")));
    later(&f);
    tell(&f, frame_of(WST_S2C, 1, 2, 5));
    tell(&f, message_of(WST_S2C, 1, 2, SLICE("Hello")));
    later(&f);
    tell(&f, frame_of(WST_C2S, 8, 0, 5));
    tell(&f, close_of(WST_C2S, 1000, SLICE("bye")));
    later(&f);
    tell(&f, frame_of(WST_S2C, 8, 0, 0));
    tell(&f, close_of(WST_S2C, -1, SLICE("")));
    later(&f);
    end.end = (struct wst_event_end){.tcp = WST_TCP_FIN,
                                     .clean = true,
                                     .by = WST_C2S,
                                     .code = 1000,
                                     .duration_ns = 2001000000,
                                     .dir = {{2, 1, 5, 5, 0}, {2, 1, 3, 5, 0}}};
    tell(&f, end);
    expect(&f,
           "12:00:01.123456 #1  10.0.0.1:51846 > 10.0.0.2:8080  GET /chat  host example.com"
           "  101 Switching Protocols\n"
           "    key dGhlIHNhbXBsZSBub25jZQ==  accept s3pPLMBiTxaQ9kYGzzhZRbK+xOo= ok"
           "  protocol chat  deflate 15/15\n"
           "12:00:01.124456 #1 >  text   FIN  mask 37fa213d      5  \"Hello\"\n"
           "12:00:01.125456 #1  < text   FIN                     5  \"Hello\"\n"
           "12:00:01.126456 #1 >  close  FIN  mask 37fa213d      5  1000 normal closure \"bye\"\n"
           "12:00:01.127456 #1  < close  FIN                     0  no code\n"
           "12:00:01.128456 #1    end    closed by client, 1000 normal closure, TCP closed"
           " after 2.001 s  > 1 message 5 bytes  < 1 message 5 bytes (3 on the wire)\n");
}

static void tell_fragments(struct fixture *f)
{
    struct wst_event part = frame_of(WST_C2S, 2, 1, 3), ping = frame_of(WST_C2S, 9, 0, 4);
    struct wst_event whole = message_of(WST_C2S, 2, 1,
                                        SLICE("\x00\x01\x1b\xff"
                                              "A"));
    part.frame.fin = false;
    tell(f, part);
    ping.frame.payload = SLICE("a\x1b\n\"");
    ping.frame.utf8 = true;
    tell(f, ping);
    tell(f, frame_of(WST_C2S, 0, 1, 2));
    whole.message.frames = 2;
    tell(f, whole);
}

static void fragments(void **state)
{
    struct fixture f;
    (void)state;
    tell_fragments(start(&f, (struct wst_text_options){.frames = true}));
    expect(&f, "12:00:01.123456 #1 >  binary      mask 37fa213d      3\n"
               "12:00:01.123456 #1 >  ping   FIN  mask 37fa213d      4  \"a\\x1b\\n\\\"\"\n"
               "12:00:01.123456 #1 >  cont   FIN  mask 37fa213d      2\n"
               "12:00:01.123456 #1 >  binary 2 frames                5  "
               "\"\\x00\\x01\\x1b\\xffA\"\n");
    tell_fragments(start(&f, (struct wst_text_options){.frames = false}));
    expect(&f, "12:00:01.123456 #1 >  ping   FIN  mask 37fa213d      4  \"a\\x1b\\n\\\"\"\n"
               "12:00:01.123456 #1 >  binary 2 frames                5  "
               "\"\\x00\\x01\\x1b\\xffA\"\n");
}

static void compressed_and_cut(void **state)
{
    struct fixture f;
    struct wst_event frame = frame_of(WST_S2C, 1, 1, 12);
    struct wst_event message =
        message_of(WST_S2C, 1, 1, SLICE("Hello hello hello h\xc3\xa9llo hello"));
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 20});
    frame.frame.rsv1 = true;
    message.message.compressed = true;
    message.message.wire_len = 12;
    tell(&f, frame);
    tell(&f, message);
    frame.frame.rsv2 = frame.frame.rsv3 = true; /* not compressed: every bit is told */
    message.message.compressed = false;
    message.message.payload = SLICE("x");
    message.message.len = message.message.wire_len = 1;
    frame.frame.len = 1;
    tell(&f, frame);
    tell(&f, message);
    expect(&f, "12:00:01.123456 #1  < text   FIN                    30  deflate 12→30"
               "  \"Hello hello hello hé\"… +9 bytes\n"
               "12:00:01.123456 #1  < text   FIN                     1  rsv1  rsv2  rsv3  \"x\"\n");
}

static void loss(void **state)
{
    struct fixture f;
    struct wst_event gap = {.type = WST_EVENT_GAP, .dir = WST_S2C, .conn = 1};
    struct wst_event frame = frame_of(WST_S2C, 1, 1, 1465);
    struct wst_event message = message_of(WST_S2C, 1, 1, SLICE("Hello"));
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    gap.gap = (struct wst_event_gap){.bytes = 1460, .offset = 77};
    tell(&f, gap);
    gap.gap = (struct wst_event_gap){.bytes = 1, .offset = -1};
    tell(&f, gap);
    frame.frame.complete = false;
    message.message.certain = false;
    message.message.len = message.message.wire_len = 1465;
    message.message.omitted = 1460;
    tell(&f, frame);
    tell(&f, message);
    message.message.frames = 3;
    tell(&f, message);
    expect(&f, "12:00:01.123456 #1  < gap                         1460  bytes missing from the"
               " capture, from offset 77\n"
               "12:00:01.123456 #1  < gap                            1  byte missing from the"
               " capture\n"
               "12:00:01.123456 #1  < text   FIN                  1465  incomplete  uncertain"
               "  \"Hello\"  1460 bytes not known\n"
               "12:00:01.123456 #1  < text   3 frames             1465  uncertain"
               "  \"Hello\"  1460 bytes not known\n");
}

/* The sketch of a text: 'known' behind `before` bytes that are not, with as many behind it. */
static void pieces(void **state)
{
    static const uint8_t sketch[] = "He\xff\xff\xff\xff\xff\xff\xff world\xff\xff ok \xff, bye";
    struct fixture f;
    struct wst_event message = message_of(WST_S2C, 1, 1, SLICE("He"));
    (void)state;
    message.message.compressed = true;
    message.message.certain = false;
    message.message.len = sizeof sketch - 1;
    message.message.wire_len = 9;
    message.message.frames = 3;
    message.message.omitted = sizeof sketch - 3;
    message.message.sketch = (struct wst_slice){sketch, sizeof sketch - 1};
    start(&f, (struct wst_text_options){.max_text = 0});
    tell(&f, message);
    message.message.payload.n = 0;
    message.message.omitted = sizeof sketch - 1;
    tell(&f, message);
    expect(&f, "12:00:01.123456 #1  < text   3 frames               27  deflate 9→27  uncertain"
               "  \"He\" 7? \" world\" 2? \" ok \" 1? \", bye\"  10 bytes not known\n"
               "12:00:01.123456 #1  < text   3 frames               27  deflate 9→27  uncertain"
               "  9? \" world\" 2? \" ok \" 1? \", bye\"  12 bytes not known\n");
    start(&f, (struct wst_text_options){.max_text = 18});
    tell(&f, message);
    expect(&f, "12:00:01.123456 #1  < text   3 frames               27  deflate 9→27  uncertain"
               "  9? \" world\" …  12 bytes not known\n");
    start(&f,
          (struct wst_text_options){.max_text = 18, .found = &(struct wst_slice){sketch + 18, 2}});
    tell(&f, message);
    expect(&f, "12:00:01.123456 #1  < text   3 frames               27  deflate 9→27  uncertain"
               "  … 2? \" ok \" …  12 bytes not known\n");
    start(&f, (struct wst_text_options){.max_text = 0, .width = 110});
    tell(&f, message);
    expect(&f, "12:00:01.123456 #1  < text   3 frames               27  deflate 9→27"
               "  9? \" world\" …  12 bytes not known\n");
}

/* More pieces than a buffer holds: what was written of a line and is gone counts all the same. */
static void many_pieces(void **state)
{
    enum { MOST = 300000, PIECES = 100000, BESIDE = 200 };
    static uint8_t sketch[5 * PIECES];
    struct fixture f;
    struct wst_event message = message_of(WST_S2C, 1, 1, SLICE(""));
    (void)state;
    for (size_t i = 0; i < sizeof sketch; i++) sketch[i] = i % 5 < 4 ? 'a' : 0xff;
    message.message.compressed = true;
    message.message.certain = false;
    message.message.len = message.message.omitted = sizeof sketch;
    message.message.sketch = (struct wst_slice){sketch, sizeof sketch};
    start(&f, (struct wst_text_options){.max_text = MOST});
    tell(&f, message);
    assert_int_equal(wst_render_flush(f.render), 0);
    size_t n = strlen((const char *)f.sink.p);
    assert_true(n > MOST - BESIDE && n < MOST + BESIDE);
    free(f.sink.p);
    wst_render_free(f.render);
}

/* A held frame whose message does not come next gets its own line, in its place. */
static void held_frames(void **state)
{
    struct fixture f;
    struct wst_event other = message_of(WST_C2S, 1, 1, SLICE("a"));
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    tell(&f, frame_of(WST_C2S, 1, 1, 5));
    other.conn = 2;
    tell(&f, other);
    tell(&f, frame_of(WST_C2S, 1, 7, 6));
    wst_render_flush(f.render);
    tell(&f, frame_of(WST_C2S, 1, 2, 7));
    tell(&f, frame_of(WST_S2C, 2, 3, 8));
    tell(&f, message_of(WST_S2C, 2, 3, SLICE("b")));
    tell(&f, frame_of(WST_C2S, 8, 0, 9));
    expect(&f, "12:00:01.123456 #1 >  text   FIN  mask 37fa213d      5\n"
               "12:00:01.123456 #2 >  text                           1  \"a\"\n"
               "12:00:01.123456 #1 >  text   FIN  mask 37fa213d      6\n"
               "12:00:01.123456 #1 >  text   FIN  mask 37fa213d      7\n"
               "12:00:01.123456 #1  < binary FIN                     1  \"b\"\n"
               "12:00:01.123456 #1 >  close  FIN  mask 37fa213d      9\n");
}

static void odd_frames(void **state)
{
    struct fixture f;
    struct wst_event orphan = frame_of(WST_S2C, 0, 0, 3),
                     reserved = frame_of(WST_C2S, 11, 0, 123456789);
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 8});
    orphan.frame.fin = false;
    reserved.frame.payload = SLICE("\xff\xfe\xfd");
    reserved.frame.payload_omitted = 10;
    tell(&f, orphan);
    tell(&f, reserved);
    tell(&f, close_of(WST_C2S, 4711, SLICE("\xff\x1b[2J")));
    expect(&f, "12:00:01.123456 #1  < cont                           3\n"
               "12:00:01.123456 #1 >  op 11  FIN  mask 37fa213d  123456789"
               "  \"\\xff\\xfe\"… +11 bytes\n"
               "12:00:01.123456 #1 >  close                          7"
               "  4711 \"\\xff\\x1b\"… +3 bytes\n");
}

/* A length never runs into the masking key before it, however many digits it has. */
static void long_frames(void **state)
{
    static const uint64_t lengths[] = {999999, 1000000, 9999999, 10000000};
    struct fixture f;
    (void)state;
    start(&f, (struct wst_text_options){.frames = true});
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        tell(&f, frame_of(WST_C2S, 11, 0, lengths[i]));
        tell(&f, frame_of(WST_S2C, 11, 0, lengths[i]));
    }
    expect(&f, "12:00:01.123456 #1 >  op 11  FIN  mask 37fa213d 999999\n"
               "12:00:01.123456 #1  < op 11  FIN                999999\n"
               "12:00:01.123456 #1 >  op 11  FIN  mask 37fa213d  1000000\n"
               "12:00:01.123456 #1  < op 11  FIN               1000000\n"
               "12:00:01.123456 #1 >  op 11  FIN  mask 37fa213d  9999999\n"
               "12:00:01.123456 #1  < op 11  FIN               9999999\n"
               "12:00:01.123456 #1 >  op 11  FIN  mask 37fa213d  10000000\n"
               "12:00:01.123456 #1  < op 11  FIN                 10000000\n");
}

static void problems(void **state)
{
    struct fixture f;
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = WST_S2C, .conn = 1};
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    e.problem = (struct wst_event_problem){WST_PROBLEM_FRAME_MASKED_SERVER, 7, 2,
                                           "frame 7 is \"masked\"\x1b", -1};
    tell(&f, e);
    e.problem = (struct wst_event_problem){WST_PROBLEM_LIMIT_PAYLOAD, 0, 3, "16 of 99 bytes", -1};
    tell(&f, e);
    e.conn = 0;
    e.dir = WST_DIR_NONE;
    e.problem = (struct wst_event_problem){WST_PROBLEM_CAPTURE_EVICTED, 0, 0, NULL, -1};
    tell(&f, e);
    expect(&f, "12:00:01.123456 #1  < ERROR  frame.masked-server  frame 7 is \"masked\"\\x1b"
               "  (frame 1.7, RFC 6455 §5.1)\n"
               "12:00:01.123456 #1  < note   limit.payload  16 of 99 bytes  (message 3)\n"
               "12:00:01.123456       WARN   capture.evicted\n");
}

static void told_once(bool each, const char *expected)
{
    struct fixture f;
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = WST_C2S},
                     stats = {.type = WST_EVENT_STATS, .dir = WST_DIR_NONE};
    start(&f, (struct wst_text_options){.max_text = 0, .frames = each});
    for (uint64_t conn = 1; conn < 4; conn++) {
        e.conn = conn;
        e.problem = (struct wst_event_problem){WST_PROBLEM_HANDSHAKE_PICKED_UP, 0, 0,
                                               "it is not in the capture", -1};
        tell(&f, e);
        char detail[64];
        snprintf(detail, sizeof detail, "not known from byte %d on", (int)conn * 7);
        e.problem =
            (struct wst_event_problem){WST_PROBLEM_MESSAGE_CONTEXT_LOST, conn, 2, detail, -1};
        tell(&f, e);
    }
    /* Other words are another reason. */
    e.problem = (struct wst_event_problem){WST_PROBLEM_MESSAGE_CONTEXT_LOST, 9, 2, "no memory", -1};
    tell(&f, e);
    stats.stats = (struct wst_event_stats){.captured = -1, .received = -1, .dropped = -1};
    tell(&f, stats);
    expect(&f, expected);
}

static void problems_told_once(void **state)
{
    (void)state;
#define PICKED(c) "12:00:01.123456 #" c " >  note   handshake.picked-up  it is not in the capture\n"
#define LOST(c, words) \
    "12:00:01.123456 #" c " >  WARN   message.context-lost  " words ", RFC 7692 §7.2.2)\n"
#define TOTALS "no WebSocket; 0 TCP connections\n0 packets, 0 bytes\n"
    told_once(false, PICKED("1") LOST("1", "not known from byte 7 on  (frame 1.1")
                         LOST("3", "no memory  (frame 3.9") TOTALS
              "not told again: handshake.picked-up 2 times, message.context-lost 2 times"
              "  (-v tells each)\n");
    told_once(true, PICKED("1") LOST("1", "not known from byte 7 on  (frame 1.1") PICKED("2")
                        LOST("2", "not known from byte 14 on  (frame 2.2") PICKED("3")
                            LOST("3", "not known from byte 21 on  (frame 3.3")
                                LOST("3", "no memory  (frame 3.9") TOTALS);
#undef PICKED
#undef LOST
#undef TOTALS
}

/* -- handshakes ------------------------------------------------------------------------------- */

static void handshakes(void **state)
{
    struct fixture f;
    struct wst_event e = handshake_of();
    static const struct wst_slice protocols[] = {{(const uint8_t *)"chat", 4},
                                                 {(const uint8_t *)"a b", 3}};
    static const struct wst_tls_info tls = {"TLS 1.3", "TLS_AES_128_GCM_SHA256", "example.com",
                                            "h2"};
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    e.handshake.server_accept = SLICE("AAAA");
    e.handshake.accept_ok = 0;
    e.handshake.subprotocol.p = NULL;
    e.handshake.client_protocols = protocols;
    e.handshake.client_protocols_n = 2;
    e.handshake.deflate.agreed = false;
    e.handshake.server_extensions = SLICE("x-foo; a=1");
    e.handshake.version = 8;
    e.handshake.rtt_ns = 812000;
    memcpy(e.handshake.client_ip, "::1", 4);
    memcpy(e.handshake.server_ip, "2001:db8::1", 12);
    tell(&f, e);
    e.handshake.server_accept.p = NULL;
    e.handshake.rtt_ns = -1;
    e.handshake.client_protocols_n = 0;
    e.handshake.server_extensions.p = NULL;
    tell(&f, e);
    expect(&f, "12:00:01.123456 #1  [::1]:51846 > [2001:db8::1]:8080  GET /chat  host example.com"
               "  101 Switching Protocols\n"
               "    key dGhlIHNhbXBsZSBub25jZQ==  accept AAAA WRONG, expected"
               " s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  version 8  offered chat, \"a b\""
               "  extensions \"x-foo; a=1\"  rtt 812 µs\n"
               "12:00:01.123456 #1  [::1]:51846 > [2001:db8::1]:8080  GET /chat  host example.com"
               "  101 Switching Protocols\n"
               "    key dGhlIHNhbXBsZSBub25jZQ==  accept MISSING, expected"
               " s3pPLMBiTxaQ9kYGzzhZRbK+xOo=  version 8\n");

    start(&f, (struct wst_text_options){.max_text = 0});
    e = handshake_of();
    e.conn = 12;
    e.handshake.carrier = WST_CARRIER_H2;
    e.handshake.stream_id = 3;
    e.handshake.tls = &tls;
    e.handshake.method = SLICE("CONNECT");
    e.handshake.uri = SLICE("/a\x1b[31m \xe2\x80\xae");
    e.handshake.status = 200;
    e.handshake.reason.p = e.handshake.client_key.p = e.handshake.server_accept.p = NULL;
    e.handshake.reason.n = 0;
    e.handshake.accept_ok = -1;
    e.handshake.deflate = (struct wst_deflate_terms){true, true, false, 15, 12};
    tell(&f, e);
    tell(&f, frame_of(WST_C2S, 10, 0, 0));
    expect(&f, "12:00:01.123456 #12  10.0.0.1:51846 > 10.0.0.2:8080  h2 stream 3"
               "  CONNECT \"/a\\x1b[31m \\u{202e}\"  host example.com  200\n"
               "    protocol chat  deflate 12/15 no server context takeover"
               "  TLS 1.3 TLS_AES_128_GCM_SHA256  alpn h2\n"
               "12:00:01.123456 #1  >  pong   FIN  mask 37fa213d      0\n");
}

static void handshakes_that_failed(void **state)
{
    struct fixture f;
    struct wst_event e = handshake_of();
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    e.handshake.accepted = false;
    e.handshake.status = 403;
    e.handshake.reason = SLICE("For\x1b"
                               "bidden");
    e.handshake.server_accept.p = e.handshake.subprotocol.p = NULL;
    e.handshake.accept_ok = -1;
    e.handshake.deflate.agreed = false;
    e.handshake.origin = SLICE("https://evil.example");
    tell(&f, e);
    e.handshake.status = -1;
    tell(&f, e);
    e.handshake = (struct wst_event_handshake){.carrier = WST_CARRIER_UNKNOWN,
                                               .stream_id = -1,
                                               .client_ip = "10.0.0.1",
                                               .server_ip = "10.0.0.2",
                                               .client_port = 1,
                                               .server_port = 2,
                                               .version = -1,
                                               .status = -1,
                                               .accepted = true,
                                               .accept_ok = -1,
                                               .rtt_ns = -1};
    tell(&f, e);
    expect(&f, "12:00:01.123456 #1  10.0.0.1:51846 > 10.0.0.2:8080  GET /chat  host example.com"
               "  403 For\\x1bbidden  refused\n"
               "    key dGhlIHNhbXBsZSBub25jZQ==  origin https://evil.example\n"
               "12:00:01.123456 #1  10.0.0.1:51846 > 10.0.0.2:8080  GET /chat  host example.com"
               "  no response\n"
               "    key dGhlIHNhbXBsZSBub25jZQ==  origin https://evil.example\n"
               "12:00:01.123456 #1  10.0.0.1:1 > 10.0.0.2:2  picked up without its handshake\n");
}

static void header_lines(void **state)
{
    static const struct wst_header request[] = {
        {{(const uint8_t *)"Host", 4}, {(const uint8_t *)"example.com", 11}},
        {{(const uint8_t *)"User-Agent", 10}, {(const uint8_t *)"a \"b\" \xff\x9b", 8}}};
    struct fixture f;
    struct wst_event e = handshake_of();
    (void)state;
    start(&f, (struct wst_text_options){.headers = true, .time = WST_TIME_NONE});
    e.handshake.headers = true;
    e.handshake.request_headers = request;
    e.handshake.request_headers_n = 2;
    e.handshake.response_headers = request;
    e.handshake.response_headers_n = 1;
    tell(&f, e);
    expect(&f, "#1  10.0.0.1:51846 > 10.0.0.2:8080  GET /chat  host example.com"
               "  101 Switching Protocols\n"
               "    key dGhlIHNhbXBsZSBub25jZQ==  accept s3pPLMBiTxaQ9kYGzzhZRbK+xOo= ok"
               "  protocol chat  deflate 15/15\n"
               "    > Host: example.com\n"
               "    > User-Agent: a \"b\" \\xff\\x9b\n"
               "    < Host: example.com\n");
}

/* -- ends and totals --------------------------------------------------------------------------- */

static void ends(void **state)
{
    struct fixture f;
    struct wst_event e = {.type = WST_EVENT_END, .dir = WST_DIR_NONE, .conn = 1};
    (void)state;
    start(&f, (struct wst_text_options){.time = WST_TIME_NONE});
    e.end = (struct wst_event_end){.tcp = WST_TCP_RST,
                                   .by = WST_DIR_NONE,
                                   .code = -1,
                                   .duration_ns = 200000000000,
                                   .tcp_by = WST_DIR_NONE,
                                   .tls_by = WST_DIR_NONE,
                                   .reset_by = WST_DIR_NONE,
                                   .dir = {{4, 2, 5, 5, 0}, {3, 2, 60, 80, 1}}};
    tell(&f, e);
    e.end.reset_by = WST_S2C;
    tell(&f, e);
    e.end.tcp = WST_TCP_EOF;
    e.end.duration_ns = 3723000000000;
    tell(&f, e);
    e.end.tcp_by = WST_S2C;
    tell(&f, e);
    e.end.by = WST_S2C;
    e.end.code = 4000;
    e.end.no_reply = WST_REPLY_NONE;
    e.end.tcp = WST_TCP_TIMEOUT;
    e.end.duration_ns = 12999;
    e.end.dir[WST_S2C].gaps = 0;
    tell(&f, e);
    e.end.dir[WST_C2S] = (struct wst_event_direction){.frames = 1, .bytes = 2, .wire_bytes = 2};
    e.end.dir[WST_S2C] = (struct wst_event_direction){.frames = 0};
    tell(&f, e);
    e.end.dir[WST_C2S].gaps = 1; /* the answer may lie in it */
    e.end.no_reply = WST_REPLY_UNSEEN;
    tell(&f, e);
    e.end.dir[WST_C2S].gaps = 0;
    for (int why = WST_REPLY_LATE; why <= WST_REPLY_OPEN; why++) {
        e.end.no_reply = (enum wst_no_reply)why;
        if (why != WST_REPLY_UNSEEN) tell(&f, e);
    }
    expect(&f,
           "#1    end    no close frame, TCP reset after 3 min 20 s"
           "  > 2 messages 5 bytes  < 2 messages 80 bytes (60 on the wire) 1 gap\n"
           "#1    end    no close frame, TCP reset by server after 3 min 20 s"
           "  > 2 messages 5 bytes  < 2 messages 80 bytes (60 on the wire) 1 gap\n"
           "#1    end    still open, capture over after 1 h 2 min"
           "  > 2 messages 5 bytes  < 2 messages 80 bytes (60 on the wire) 1 gap\n"
           "#1    end    no close frame, server ended TCP, capture over after 1 h 2 min"
           "  > 2 messages 5 bytes  < 2 messages 80 bytes (60 on the wire) 1 gap\n"
           "#1    end    closed by server, 4000, not answered, silent too long after 12 µs"
           "  > 2 messages 5 bytes  < 2 messages 80 bytes (60 on the wire)\n"
           "#1    end    closed by server, 4000, not answered, silent too long after 12 µs"
           "  > no message, 1 frame 2 bytes  < 0 messages 0 bytes\n"
           "#1    end    closed by server, 4000, no answer captured, silent too long after 12 µs"
           "  > no message, 1 frame 2 bytes 1 gap  < 0 messages 0 bytes\n"
           "#1    end    closed by server, 4000, client had ended TCP, silent too long after 12 µs"
           "  > no message, 1 frame 2 bytes  < 0 messages 0 bytes\n"
           "#1    end    closed by server, 4000, no time to answer, silent too long after 12 µs"
           "  > no message, 1 frame 2 bytes  < 0 messages 0 bytes\n"
           "#1    end    closed by server, 4000, not answered yet, silent too long after 12 µs"
           "  > no message, 1 frame 2 bytes  < 0 messages 0 bytes\n");
}

static void totals(void **state)
{
    struct fixture f;
    struct wst_event e = {.type = WST_EVENT_STATS, .dir = WST_DIR_NONE};
    (void)state;
    start(&f, (struct wst_text_options){.max_text = 0});
    e.stats = (struct wst_event_stats){.packets = 57,
                                       .bytes = 6100,
                                       .tcp_streams = 4,
                                       .connections = 2,
                                       .refused = 1,
                                       .frames = 7,
                                       .messages = 1,
                                       .gaps = 1,
                                       .problems = {0, 1, 2},
                                       .captured = -1,
                                       .received = -1,
                                       .dropped = -1,
                                       .tls = 1,
                                       .first_ns = 1,
                                       .last_ns = 12345000001};
    tell(&f, e);
    expect(&f, "2 connections, 1 refused, 1 message in 7 frames; 2 errors, 1 warning, 1 gap\n"
               "57 packets, 6100 bytes in 12.345 s; 4 TCP connections, 1 looks like TLS\n");
    start(&f, (struct wst_text_options){.max_text = 0});
    e.stats = (struct wst_event_stats){.packets = 57,
                                       .bytes = 6100,
                                       .tcp_streams = 12,
                                       .captured = 57,
                                       .received = 61,
                                       .dropped = 4,
                                       .tls = 9,
                                       .http = 2,
                                       .other = 1,
                                       .unknown_link = 5};
    tell(&f, e);
    expect(&f,
           "no WebSocket; 12 TCP connections, 9 look like TLS, 2 plain HTTP,"
           " 1 something else\n"
           "57 packets, 6100 bytes\n"
           "5 packets of an unknown link type not read; 4 packets dropped before we saw them\n");
}

/* -- times ------------------------------------------------------------------------------------- */

static void expect_times(struct wst_text_options options, bool nanos, const char *expected)
{
    static const int64_t steps[] = {0, 1500000000, -2000000000};
    struct fixture f;
    start(&f, options);
    for (int i = 0; i < 3; i++) {
        struct wst_event pong = frame_of(WST_S2C, 10, 0, 0);
        pong.nanos = nanos;
        f.now += steps[i];
        tell(&f, pong);
    }
    expect(&f, expected);
}

#define PONG " #1  < pong   FIN                     0\n"

static void time_formats(void **state)
{
    (void)state;
    expect_times((struct wst_text_options){.time = WST_TIME_CLOCK}, false,
                 "12:00:01.123456" PONG "12:00:02.623456" PONG "12:00:00.623456" PONG);
    expect_times((struct wst_text_options){.time = WST_TIME_EPOCH}, true,
                 "1795176001.123456789" PONG "1795176002.623456789" PONG
                 "1795176000.623456789" PONG);
    expect_times((struct wst_text_options){.time = WST_TIME_DELTA}, false,
                 " 00:00:00.000000" PONG " 00:00:01.500000" PONG "-00:00:02.000000" PONG);
    expect_times((struct wst_text_options){.time = WST_TIME_SINCE}, false,
                 " 00:00:00.000000" PONG " 00:00:01.500000" PONG "-00:00:00.500000" PONG);
    expect_times((struct wst_text_options){.time = WST_TIME_DATE}, true,
                 "2026-11-20 12:00:01.123456789" PONG "2026-11-20 12:00:02.623456789" PONG
                 "2026-11-20 12:00:00.623456789" PONG);
    setenv("TZ", "UTC-5:30", 1); /* POSIX signs: east */
    tzset();
    expect_times((struct wst_text_options){.time = WST_TIME_DATE, .local_time = true}, false,
                 "2026-11-20 17:30:01.123456" PONG "2026-11-20 17:30:02.623456" PONG
                 "2026-11-20 17:30:00.623456" PONG);
    unsetenv("TZ");
    tzset();
}

/* -- colour, and whatever comes
 * ---------------------------------------------------------------------- */

static void colours(void **state)
{
    struct fixture f;
    struct wst_event e = handshake_of();
    (void)state;
    start(&f, (struct wst_text_options){.colour = true});
    tell(&f, frame_of(WST_C2S, 1, 1, 5));
    tell(&f, message_of(WST_C2S, 1, 1, SLICE("Hello")));
    e.handshake.accept_ok = 0;
    tell(&f, e);
    assert_int_equal(wst_render_flush(f.render), 0);
    assert_non_null(strstr(f.sink.p, "\x1b[2m12:00:01.123456 \x1b[0m#1 \x1b[36m>  \x1b[0mtext   "
                                     "\x1b[2mFIN  mask 37fa213d\x1b[0m      5  \"Hello\"\n"));
    assert_non_null(
        strstr(f.sink.p, "\x1b[31m WRONG, expected s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\x1b[0m"));
    free(f.sink.p);
    wst_render_free(f.render);
}

static void expect_safe(const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n;
    assert_true(wst_utf8_valid((struct wst_slice){p, n}));
    while (p < end) {
        size_t len = wst_utf8_char(p, end);
        if (*p < 0x20) assert_int_equal(*p, '\n');
        assert_true(*p != 0x7f);
        if (len == 2) assert_false(wst_utf8_hidden((uint32_t)(p[0] & 31) << 6 | (p[1] & 63)));
        if (len == 3)
            assert_false(wst_utf8_hidden((uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 |
                                         (p[2] & 63)));
        p += len;
    }
}

static void random_events(void **state)
{
    uint64_t seed = 77;
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct sink sink = {.fail_after = -1};
        struct wst_text_options options = {.time = (enum wst_time_format)(round % 6),
                                           .local_time = round % 2,
                                           .max_text = (size_t)round % 50,
                                           .frames = round % 3,
                                           .headers = round % 5};
        struct wst_render *render = wst_render_text_new(&options, sink_write, &sink);
        struct wst_listener listener = wst_render_listener(render);
        for (int i = 0; i < 100; i++) {
            struct random_event r;
            random_event_make(&r, &seed);
            listener.event(listener.user, &r.event);
            random_event_free(&r);
        }
        assert_int_equal(wst_render_flush(render), 0);
        expect_safe((const uint8_t *)sink.p, sink.n);
        assert_true(sink.p[sink.n - 1] == '\n');
        wst_render_free(render);
        free(sink.p);
    }
}

/* -A and -X: all of it, below; a line break breaks the line, anything else is shown. */
/* Of a message that is not known whole, too: all that is, each piece in its place. */
static void dumped_pieces(enum wst_dump dump, const char *expected)
{
    static const uint8_t sketch[] = "He\xff\xff\xff\xff\xff\xff\xff world\xff\xff";
    struct fixture f;
    struct wst_event message = message_of(WST_S2C, 1, 1, SLICE("He"));
    message.message.certain = false;
    message.message.len = sizeof sketch - 1;
    message.message.omitted = sizeof sketch - 3;
    message.message.sketch = (struct wst_slice){sketch, sizeof sketch - 1};
    start(&f, (struct wst_text_options){.time = WST_TIME_NONE, .dump = dump});
    tell(&f, message);
    assert_int_equal(wst_render_flush(f.render), 0);
    assert_string_equal(strchr(f.sink.p, '\n'), expected);
    free(f.sink.p);
    wst_render_free(f.render);
}

static void test_pieces_in_full(void **state)
{
    (void)state;
    dumped_pieces(WST_DUMP_TEXT,
                  "\n\tHe\n\t… 7 bytes not known\n\t world\n\t… 2 bytes not known\n");
    dumped_pieces(WST_DUMP_HEX, "\n\t0x0000:  4865                                     He\n"
                                "\t… 7 bytes not known\n"
                                "\t0x0009:  2077 6f72 6c64                           .world\n"
                                "\t… 2 bytes not known\n");
}

static void test_payloads_in_full(void **state)
{
    (void)state;
    struct fixture f;
    start(&f,
          (struct wst_text_options){.time = WST_TIME_NONE, .max_text = 4, .dump = WST_DUMP_TEXT});
    tell(&f, message_of(WST_S2C, 1, 1, (struct wst_slice)SLICE("Dear\r\n\x1b[1m you\n")));
    assert_int_equal(wst_render_flush(f.render), 0);
    assert_non_null(strstr(f.sink.p, "\n\tDear\n\t\\x1b[1m you\n"));
    free(f.sink.p);
    wst_render_free(f.render);
    start(&f, (struct wst_text_options){.time = WST_TIME_NONE, .dump = WST_DUMP_HEX});
    tell(&f, message_of(WST_S2C, 2, 1, (struct wst_slice)SLICE("0123456789 abcdef\n")));
    assert_int_equal(wst_render_flush(f.render), 0);
    assert_non_null(
        strstr(f.sink.p, "\n\t0x0000:  3031 3233 3435 3637 3839 2061 6263 6465  0123456789.abcde\n"
                         "\t0x0010:  660a                                     f.\n"));
    free(f.sink.p);
    wst_render_free(f.render);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payloads_in_full),
        cmocka_unit_test(test_pieces_in_full),
        cmocka_unit_test(conversation),
        cmocka_unit_test(fragments),
        cmocka_unit_test(loss),
        cmocka_unit_test(compressed_and_cut),
        cmocka_unit_test(pieces),
        cmocka_unit_test(many_pieces),
        cmocka_unit_test(held_frames),
        cmocka_unit_test(odd_frames),
        cmocka_unit_test(long_frames),
        cmocka_unit_test(problems),
        cmocka_unit_test(problems_told_once),
        cmocka_unit_test(handshakes),
        cmocka_unit_test(header_lines),
        cmocka_unit_test(handshakes_that_failed),
        cmocka_unit_test(ends),
        cmocka_unit_test(totals),
        cmocka_unit_test(time_formats),
        cmocka_unit_test(colours),
        cmocka_unit_test(random_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
