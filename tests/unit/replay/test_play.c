/* SPDX-License-Identifier: MIT
 *
 * What is sent, when, and what is said of a server that does otherwise. The clock is the test's.
 */
#include "events.h"

struct play {
    struct wst_replay_script *script;
    struct wst_listener recording, heard;
    struct wst_replay_url url;
    struct wst_replay_options options;
    struct wst_replay *replay;
    int64_t now;   /* ms */
    int64_t takes; /* ms that a piece takes to be sent */
    uint8_t sent[1 << 16];
    size_t n;
    uint8_t chance;
};

static void some_bytes(void *user, uint8_t *p, size_t n)
{
    struct play *play = user;

    for (size_t i = 0; i < n; i++) p[i] = ++play->chance;
}

static struct play *begin(void)
{
    static struct play play;
    struct wst_replay_script_options options = {0};
    char error[WST_REPLAY_ERROR_SIZE];

    play = (struct play){.script = wst_replay_script_new(&options), .now = 1000};
    play.recording = wst_replay_script_listener(play.script);
    assert_int_equal(wst_replay_url_read(&play.url, "ws://h:81", error), 0);
    play.options = (struct wst_replay_options){
        .url = &play.url, .timeout_ns = 100 * MS, .user = &play, .random = some_bytes};
    event_pkt = 0;
    tell_handshake(&play.recording, 1, "/chat", 101, true);
    return &play;
}

static void start(struct play *p)
{
    char error[WST_REPLAY_ERROR_SIZE];

    assert_int_equal(wst_replay_script_end(p->script, error), WST_REPLAY_FINE);
    p->replay = wst_replay_new(p->script, &p->options, error);
    assert_non_null(p->replay);
    p->heard = wst_replay_listener(p->replay);
}

static void finish(struct play *p)
{
    wst_replay_free(p->replay);
    wst_replay_script_free(p->script);
}

/* All that can be sent now; then what the replay wants. Returns when it wants to be asked again, in
 * ms of the test's clock; -1: it wants the connection closed. */
static int64_t turn(struct play *p)
{
    p->n = 0;
    for (;;) {
        struct wst_replay_turn t = wst_replay_next(p->replay, p->now * MS);
        if (t.act == WST_REPLAY_CLOSE) return -1;
        if (t.act == WST_REPLAY_WAIT) return t.until_ns / MS;
        assert_true(t.bytes.n > 0 && p->n + t.bytes.n <= sizeof p->sent);
        memcpy(p->sent + p->n, t.bytes.p, t.bytes.n);
        p->n += t.bytes.n;
        p->now += p->takes;
    }
}

/* One masked frame at `at` of what was sent; returns what is behind it. */
static size_t is_frame(const struct play *p, size_t at, uint8_t opcode, const char *payload)
{
    size_t n = strlen(payload);
    const uint8_t *f = p->sent + at;

    assert_true(n < 126 && at + 6 + n <= p->n);
    assert_int_equal(f[0], 0x80 | opcode);
    assert_int_equal(f[1], 0x80 | n);
    for (size_t i = 0; i < n; i++) assert_int_equal(f[6 + i] ^ f[2 + i % 4], (uint8_t)payload[i]);
    return at + 6 + n;
}

static void accepted(struct play *p)
{
    assert_int_equal(turn(p), p->now + 100);
    assert_memory_equal(p->sent, "GET /chat HTTP/1.1\r\nHost: h:81\r\n", 32);
    tell_handshake(&p->heard, 1, "/chat", 101, true);
}

static void said_otherwise(const struct play *p, const char *word)
{
    const char *failure = wst_replay_failure(p->replay);

    if (failure == NULL) fail_msg("no failure, wanted: %s", word);
    if (strstr(failure, word) == NULL) fail_msg("'%s' is not in: %s", word, failure);
}

/* -- all goes well ----------------------------------------------------------------------------- */

static void test_causal(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_C2S, "one", 1);
    tell_message(&p->recording, 1, WST_C2S, "two", 50);
    tell_message(&p->recording, 1, WST_S2C, "a", 60);
    tell_message(&p->recording, 1, WST_S2C, "b", 61);
    tell_message(&p->recording, 1, WST_C2S, "three", 62);
    tell_close(&p->recording, 1, WST_C2S, 1000, "", 63);
    tell_close(&p->recording, 1, WST_S2C, 1000, "", 64);
    start(p);
    accepted(p);
    assert_int_equal(turn(p), p->now + 100); /* one and two at once; three waits */
    assert_int_equal(is_frame(p, is_frame(p, 0, 1, "one"), 1, "two"), p->n);
    p->now += 99;
    tell_message(&p->heard, 1, WST_S2C, "x", 0);
    assert_int_equal(turn(p), p->now + 100); /* it said something: patience anew */
    assert_int_equal(p->n, 0);
    p->now += 99;
    tell_message(&p->heard, 1, WST_S2C, "y", 0);
    assert_int_equal(turn(p), p->now + 100);
    assert_int_equal(is_frame(p, is_frame(p, 0, 1, "three"), 8, "\x03\xe8"), p->n);
    tell_close(&p->heard, 1, WST_S2C, 1000, "", 0);
    p->now += 5;
    assert_int_equal(turn(p), p->now + 100); /* for the server's end */
    wst_replay_ended(p->replay, false);
    assert_int_equal(turn(p), -1);
    assert_null(wst_replay_failure(p->replay));
    assert_int_equal(wst_replay_sent(p->replay).steps, 4);
    assert_int_equal(wst_replay_sent(p->replay).said, 2);
    finish(p);
}

static void test_pace(void **state)
{
    struct play *p = begin();

    (void)state;
    p->options.recorded_pace = true;
    tell_message(&p->recording, 1, WST_C2S, "one", 300);
    tell_message(&p->recording, 1, WST_S2C, "a", 301);
    tell_message(&p->recording, 1, WST_C2S, "two", 1000);
    start(p);
    accepted(p);
    assert_int_equal(turn(p), p->now + 300);
    assert_int_equal(p->n, 0);
    p->now += 300;
    assert_int_equal(turn(p), p->now + 800); /* the recording's 700, and patience behind them */
    assert_int_equal(is_frame(p, 0, 1, "one"), p->n);
    tell_message(&p->heard, 1, WST_S2C, "x", 0);
    p->now += 100;
    assert_int_equal(turn(p), p->now + 600);
    p->now += 600;
    assert_int_equal(turn(p), -1);
    assert_int_equal(is_frame(p, 0, 1, "two"), p->n);
    assert_null(wst_replay_failure(p->replay));
    finish(p);
}

/* On a busy machine: what went late puts off what follows, so that no distance is shorter. */
static void test_pace_when_late(void **state)
{
    struct play *p = begin();

    (void)state;
    p->options.recorded_pace = true;
    tell_message(&p->recording, 1, WST_C2S, "one", 0);
    tell_message(&p->recording, 1, WST_C2S, "two", 50);
    tell_message(&p->recording, 1, WST_C2S, "three", 80);
    tell_message(&p->recording, 1, WST_S2C, "a", 81);
    start(p);
    accepted(p);
    p->takes = 40;
    assert_int_equal(turn(p), 1040 + 50);
    assert_int_equal(is_frame(p, 0, 1, "one"), p->n);
    tell(&p->heard, control(1, WST_S2C, 9, "p"), 0);
    assert_int_equal(turn(p), 1040 + 50); /* a pong puts off nothing */
    assert_int_equal(is_frame(p, 0, 10, "p"), p->n);
    p->now = 1090;
    assert_int_equal(turn(p), 1130 + 30);
    assert_int_equal(is_frame(p, 0, 1, "two"), p->n);
    p->now = 1160;
    assert_int_equal(turn(p), 1200 + 100);
    assert_int_equal(is_frame(p, 0, 1, "three"), p->n);
    tell_message(&p->heard, 1, WST_S2C, "a", 0);
    assert_int_equal(turn(p), -1);
    assert_null(wst_replay_failure(p->replay));
    finish(p);
}

static void test_pings_are_answered(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_S2C, "a", 1);
    tell_message(&p->recording, 1, WST_C2S, "one", 2);
    start(p);
    accepted(p);
    tell(&p->heard, control(1, WST_S2C, 9, "p1"), 0);
    tell(&p->heard, control(1, WST_S2C, 9, "p2"), 0);
    p->now += 10;
    assert_int_equal(turn(p), p->now + 100); /* since the handshake was seen */
    assert_int_equal(is_frame(p, 0, 10, "p2"), p->n);
    for (int i = 0; i < 9; i++) { /* pings do not count as something that was waited for */
        p->now += 10;
        tell(&p->heard, control(1, WST_S2C, 9, ""), 0);
        assert_int_equal(turn(p), 1000 + 10 + 100);
        assert_int_equal(is_frame(p, 0, 10, ""), p->n);
    }
    p->now += 10;
    tell(&p->heard, control(1, WST_S2C, 9, "last"), 0);
    assert_int_equal(turn(p), -1);
    assert_int_equal(is_frame(p, is_frame(p, 0, 10, "last"), 1, "one"), p->n);
    said_otherwise(p, "waited 0.1 s for message 1 of the server in vain: it had said 0");
    finish(p);
}

static void test_server_closes_as_recorded(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_C2S, "bye?", 1);
    tell_close(&p->recording, 1, WST_S2C, 4001, "yes", 2);
    tell_close(&p->recording, 1, WST_C2S, 4001, "ok", 3);
    start(p);
    accepted(p);
    assert_int_equal(turn(p), p->now + 100);
    assert_int_equal(is_frame(p, 0, 1, "bye?"), p->n);
    tell_close(&p->heard, 1, WST_S2C, 4001, "yes", 0);
    wst_replay_ended(p->replay, false); /* in one breath: the close is answered all the same */
    assert_int_equal(turn(p), -1);
    assert_int_equal(is_frame(p, 0, 8, "\x0f\xa1ok"), p->n);
    assert_null(wst_replay_failure(p->replay));
    finish(p);
}

/* It closes before the client of the recording did, but all was said. */
static void test_server_closes_first(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_C2S, "x", 1);
    tell_close(&p->recording, 1, WST_C2S, 1000, "mine", 3);
    tell_close(&p->recording, 1, WST_S2C, 1000, "mine", 3);
    start(p);
    accepted(p);
    tell_close(&p->heard, 1, WST_S2C, 1001, "", 0);
    (void)turn(p);
    said_otherwise(p, "closed with 1001 before step 1 of 2 (text, 1 byte, packet 2");
    assert_int_equal(is_frame(p, 0, 8, "\x03\xe9"), p->n);
    finish(p);
}

/* A client that had gone when the server closed does not answer now, either. */
static void test_no_answer_to_a_close(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_C2S, "x", 1);
    tell_close(&p->recording, 1, WST_S2C, 1000, "", 3);
    start(p);
    accepted(p);
    assert_int_equal(turn(p), p->now + 100);
    tell_close(&p->heard, 1, WST_S2C, 1000, "", 0);
    assert_int_equal(turn(p), -1);
    assert_int_equal(p->n, 0);
    assert_null(wst_replay_failure(p->replay));
    finish(p);
}

/* The recording has no close at all: then one of the server is answered as the RFC wants it. */
static void test_answer_to_a_new_close(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_C2S, "x", 1);
    tell_message(&p->recording, 1, WST_S2C, "y", 1);
    start(p);
    accepted(p);
    (void)turn(p);
    tell_close(&p->heard, 1, WST_S2C, 1011, "", 0);
    (void)turn(p);
    assert_int_equal(is_frame(p, 0, 8, "\x03\xf3"), p->n);
    p->now += 100;
    assert_int_equal(turn(p), -1);
    said_otherwise(p, "closed when it had said 0 of 1 messages");
    finish(p);
}

/* A server that talks on and on, and does not close, is not waited for longer than one that is
 * silent. */
static void test_flood(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_S2C, "y", 1);
    tell_close(&p->recording, 1, WST_C2S, 1000, "", 2);
    tell_close(&p->recording, 1, WST_S2C, 1000, "", 2);
    start(p);
    accepted(p);
    for (int i = 0; i < 10; i++) tell_message(&p->heard, 1, WST_S2C, "z", 0);
    assert_int_equal(turn(p), p->now + 100);
    assert_int_equal(is_frame(p, 0, 8, "\x03\xe8"), p->n);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(turn(p), 1100);
        tell_message(&p->heard, 1, WST_S2C, "z", 0);
        p->now += 10;
    }
    assert_int_equal(turn(p), -1);
    said_otherwise(p, "did not close within 0.1 s");
    finish(p);
}

/* A message longer than a piece. */
static void test_pieces(void **state)
{
    static char text[50001];
    struct play *p = begin();

    (void)state;
    memset(text, 'x', 50000);
    tell_message(&p->recording, 1, WST_C2S, text, 1);
    start(p);
    accepted(p);
    assert_int_equal(turn(p), -1);
    assert_int_equal(p->n, 50000 + 4 + 4);
    assert_int_equal(p->sent[1], 0x80 | 126);
    assert_int_equal(wst_be16(p->sent + 2), 50000);
    for (size_t i = 0; i < 50000; i++) assert_int_equal(p->sent[8 + i] ^ p->sent[4 + i % 4], 'x');
    finish(p);
}

/* -- it does not ------------------------------------------------------------------------------- */

static void test_written_off_once(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_S2C, "a", 1);
    tell_message(&p->recording, 1, WST_C2S, "one", 2);
    tell_message(&p->recording, 1, WST_S2C, "b", 3);
    tell_message(&p->recording, 1, WST_C2S, "two", 4);
    tell_message(&p->recording, 1, WST_C2S, "three", 5);
    start(p);
    accepted(p);
    p->now += 10;
    assert_int_equal(turn(p), p->now + 100);
    p->now += 100;
    assert_int_equal(turn(p), p->now + 100); /* one is sent without its cause; two waits for b */
    assert_int_equal(is_frame(p, 0, 1, "one"), p->n);
    tell_message(&p->heard, 1, WST_S2C, "b", 0);
    assert_int_equal(turn(p), -1);
    assert_int_equal(is_frame(p, is_frame(p, 0, 1, "two"), 1, "three"), p->n);
    said_otherwise(p, "step 1 of 3 (text, 3 bytes, packet 3 of the recording) waited 0.1 s for "
                      "message 1 of the server in vain: it had said 0");
    assert_int_equal(wst_replay_sent(p->replay).misses, 1);
    finish(p);
}

static void test_less_at_the_end(void **state)
{
    struct play *p = begin();

    (void)state;
    tell_message(&p->recording, 1, WST_C2S, "one", 1);
    tell_message(&p->recording, 1, WST_S2C, "a", 2);
    tell_message(&p->recording, 1, WST_S2C, "b", 2);
    start(p);
    accepted(p);
    (void)turn(p);
    tell_message(&p->heard, 1, WST_S2C, "a", 0);
    (void)turn(p);
    p->now += 100;
    assert_int_equal(turn(p), -1);
    said_otherwise(p, "said 1 of 2 messages");
    finish(p);
}

static void test_handshakes(void **state)
{
    static const struct {
        int32_t status;
        bool accepted;
        int8_t accept_ok;
        const char *word;
    } rows[] = {
        {404, false, -1, "answered 404, not 101"},
        {101, false, -1, "101 is no agreement"},
        {101, true, 0, "Sec-WebSocket-Accept"},
        {-1, true, -1, "did not answer"}, /* frames without an answer */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct play *p = begin();
        struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .conn = 1, .dir = WST_DIR_NONE};
        tell_message(&p->recording, 1, WST_C2S, "one", 1);
        start(p);
        (void)turn(p);
        e.handshake.status = rows[i].status;
        e.handshake.accepted = rows[i].accepted;
        e.handshake.accept_ok = rows[i].accept_ok;
        tell(&p->heard, e, 0);
        p->now += 100;
        assert_int_equal(turn(p), -1);
        assert_int_equal(p->n, 0); /* nothing of the script went to it */
        said_otherwise(p, rows[i].word);
        assert_int_equal(wst_replay_sent(p->replay).steps, 0);
        finish(p);
    }
}

static void test_ends(void **state)
{
    static const struct {
        int told; /* 0: nothing, 1: handshake, 2: and a message */
        bool reset;
        const char *word;
    } rows[] = {
        {0, false, "ended the connection without an answer"},
        {0, true, "reset the connection without an answer"},
        {1, false, "ended the connection before step 1 of 1"},
        {2, true, "reset the connection when it had said 1 of 2 messages"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct play *p = begin();
        tell_message(&p->recording, 1, WST_S2C, "a", 1);
        tell_message(&p->recording, 1, WST_C2S, "one", 1);
        tell_message(&p->recording, 1, WST_S2C, "b", 1);
        start(p);
        (void)turn(p);
        if (rows[i].told) tell_handshake(&p->heard, 1, "/", 101, true);
        if (rows[i].told == 2) tell_message(&p->heard, 1, WST_S2C, "a", 1);
        (void)turn(p);
        wst_replay_ended(p->replay, rows[i].reset);
        assert_int_equal(turn(p), -1);
        said_otherwise(p, rows[i].word);
        assert_int_equal(turn(p), -1);
        finish(p);
    }
}

/* -- the request ------------------------------------------------------------------------------- */

static const struct {
    const char *const headers[4];
    bool recorded;
    const char *wanted[5], *unwanted[4];
} requests[] = {
    {{NULL},
     false,
     {"Origin: https://o\r\n", "Sec-WebSocket-Protocol: a, b\r\n", "Host: h:81\r\n"},
     {"Cookie", "User-Agent", "Sec-WebSocket-Extensions"}},
    {{NULL},
     true,
     {"Cookie: c=1\r\n", "user-agent: u\r\n", "Origin: https://o\r\n"},
     {"old.example", "Sec-WebSocket-Extensions", ":path", "OLDKEY"}},
    {{"cookie: d=2", "Origin:", "Host: other"},
     true,
     {"cookie: d=2\r\n", "Host: other\r\n"},
     {"c=1", "https://o", "h:81"}},
    {{"X-Trace:  on ", "sec-websocket-protocol: c"},
     false,
     {"X-Trace: on\r\n", "sec-websocket-protocol: c\r\n"},
     {"a, b"}},
};

static void tell_request(const struct wst_listener *to, const struct wst_header *fields, size_t n)
{
    static const struct wst_slice protocols[] = {{(const uint8_t *)"a", 1},
                                                 {(const uint8_t *)"b", 1}};
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .conn = 1, .dir = WST_DIR_NONE};

    e.handshake.request_pkt = 1;
    e.handshake.uri = wst_slice_text("http://old.example/chat?x");
    e.handshake.origin = wst_slice_text("https://o");
    e.handshake.client_protocols = protocols;
    e.handshake.client_protocols_n = 2;
    e.handshake.request_headers = fields;
    e.handshake.request_headers_n = n;
    e.handshake.accepted = true;
    e.handshake.status = 101;
    tell(to, e, 0);
}

static struct wst_header field(const char *name, const char *value)
{
    return (struct wst_header){wst_slice_text(name), wst_slice_text(value)};
}

static void begin_with(struct play *p, const struct wst_header *fields, size_t n)
{
    struct wst_replay_script_options options = {0};

    wst_replay_script_free(p->script);
    p->script = wst_replay_script_new(&options);
    p->recording = wst_replay_script_listener(p->script);
    tell_request(&p->recording, fields, n);
}

static void test_request(void **state)
{
    const struct wst_header fields[] = {
        field("Host", "old.example"), field("Cookie", "c=1"),
        field("user-agent", "u"),     field("Sec-WebSocket-Key", "OLDKEY"),
        field(":path", "/h2"),        field("Sec-WebSocket-Extensions", "permessage-deflate"),
        field("Origin", "https://o"), field("Content-Length", "5"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct play *p = begin();
        size_t n = 0;
        begin_with(p, fields, sizeof fields / sizeof *fields);
        while (requests[i].headers[n]) n++;
        p->options.headers = requests[i].headers;
        p->options.headers_n = n;
        p->options.recorded_headers = requests[i].recorded;
        start(p);
        (void)turn(p);
        p->sent[p->n] = '\0';
        const char *text = (const char *)p->sent;
        assert_memory_equal(text, "GET /chat?x HTTP/1.1\r\n", 22);
        assert_memory_equal(text + p->n - 4, "\r\n\r\n", 4);
        assert_non_null(strstr(text, "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"));
        for (int k = 0; k < 5 && requests[i].wanted[k]; k++)
            assert_non_null(strstr(text, requests[i].wanted[k]));
        for (int k = 0; k < 4 && requests[i].unwanted[k]; k++)
            assert_null(strstr(text, requests[i].unwanted[k]));
        finish(p);
    }
}

/* What would end a line, or is the handshake's own, is sent by nobody's wish. */
static void test_request_refused(void **state)
{
    static const char *const bad[] = {
        "no colon",          "a b: c",        ": x",        "x: a\r\nb: c",
        "x: a\nb",           "Connection: x", "upgrade: x", "Sec-WebSocket-Key: x",
        "content-length: 1", "x\r: y",
    };
    const struct wst_header evil[] = {field("Cookie", "a\r\nX: y"), field("a\r\nb", "c")};
    char error[WST_REPLAY_ERROR_SIZE];
    struct play *p;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p = begin();
        p->options.headers = &bad[i];
        p->options.headers_n = 1;
        assert_int_equal(wst_replay_script_end(p->script, error), WST_REPLAY_FINE);
        assert_null(wst_replay_new(p->script, &p->options, error));
        assert_non_null(strstr(error, "the header line"));
        finish(p);
    }
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        p = begin();
        begin_with(p, &evil[i], 1);
        p->options.recorded_headers = true;
        assert_int_equal(wst_replay_script_end(p->script, error), WST_REPLAY_FINE);
        assert_null(wst_replay_new(p->script, &p->options, error));
        assert_non_null(strstr(error, "cannot be sent"));
        finish(p);
    }
}

static void test_target(void **state)
{
    static const struct {
        const char *recorded, *url, *line; /* NULL: refused */
    } rows[] = {
        {"/a?b", "ws://h", "GET /a?b HTTP"},
        {"/a?b", "ws://h/", "GET / HTTP"},
        {"/a", "ws://h/c?d", "GET /c?d HTTP"},
        {"/a", "ws://h?d", "GET /?d HTTP"},
        {"ws://x", "ws://h", "GET / HTTP"},
        {"a b", "ws://h", NULL},
        {"/a b", "ws://h", NULL},
        {"/a\r\nX: y", "ws://h", NULL},
        {"*", "ws://h", NULL},
        {"", "ws://h", NULL},
        {NULL, "ws://h", NULL},
        {NULL, "ws://h/x", "GET /x HTTP"},
    };
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wst_replay_script_options options = {0};
        struct play *p = begin();
        wst_replay_script_free(p->script);
        p->script = wst_replay_script_new(&options);
        p->recording = wst_replay_script_listener(p->script);
        tell_handshake(&p->recording, 1, rows[i].recorded, 101, true);
        assert_int_equal(wst_replay_url_read(&p->url, rows[i].url, error), 0);
        if (rows[i].line) {
            start(p);
            (void)turn(p);
            assert_memory_equal(p->sent, rows[i].line, strlen(rows[i].line));
        } else {
            assert_int_equal(wst_replay_script_end(p->script, error), WST_REPLAY_FINE);
            assert_null(wst_replay_new(p->script, &p->options, error));
        }
        finish(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causal),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_pace_when_late),
        cmocka_unit_test(test_pings_are_answered),
        cmocka_unit_test(test_server_closes_as_recorded),
        cmocka_unit_test(test_server_closes_first),
        cmocka_unit_test(test_no_answer_to_a_close),
        cmocka_unit_test(test_answer_to_a_new_close),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_written_off_once),
        cmocka_unit_test(test_less_at_the_end),
        cmocka_unit_test(test_handshakes),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_request_refused),
        cmocka_unit_test(test_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
