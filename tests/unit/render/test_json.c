/* SPDX-License-Identifier: MIT */
#include "random_event.h"

#include <jansson.h>
#include <stdio.h>
#include <wstrace/wstrace.h>

#include "utf8.h"

#define TIME 1795176001123456789 /* 2026-11-20T12:00:01.123456789Z */
#define HEAD "\"ts\":\"2026-11-20T12:00:01.123456Z\",\"pkt\":7,\"conn\":3"

/* The line that `event` becomes, newline included; the caller frees. */
static char *line_of(const struct wst_event *event)
{
    struct sink sink = {.fail_after = -1};
    struct wst_render *render = wst_render_json_new(sink_write, &sink);
    struct wst_listener listener = wst_render_listener(render);
    listener.event(listener.user, event);
    assert_int_equal(wst_render_flush(render), 0);
    assert_false(wst_render_failed(render));
    wst_render_free(render);
    return sink.p;
}

static void expect(struct wst_event event, const char *expected)
{
    char *line = line_of(&event);
    json_t *value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_string_equal(line, expected);
    assert_non_null(value);
    json_decref(value);
    free(line);
}

static struct wst_event event_of(enum wst_event_type type, enum wst_dir dir)
{
    return (struct wst_event){.type = type, .dir = dir, .conn = 3, .when = {7, TIME}};
}

/* -- line by line ------------------------------------------------------------------------------ */

static void meta(void **state)
{
    const char *sources[] = {"a.pcap", "gr\xfc\xdf\x1b.pcap"}, *links[] = {"EN10MB", "RAW"};
    struct wst_event e = event_of(WST_EVENT_META, WST_DIR_NONE);
    char expected[300];
    (void)state;
    e.meta = (struct wst_event_meta){sources, 2, links, 2, "tcp port 80"};
    snprintf(expected, sizeof expected,
             "{\"type\":\"meta\",\"schema\":1,\"tool\":\"wstrace\",\"version\":\"%s\","
             "\"sources\":[\"a.pcap\",\"gr\xc3\xbc\xc3\x9f\\u001b.pcap\"],"
             "\"link_types\":[\"EN10MB\",\"RAW\"],\"filter\":\"tcp port 80\"}\n",
             wst_version());
    expect(e, expected);
    e.meta = (struct wst_event_meta){.filter = NULL};
    snprintf(expected, sizeof expected,
             "{\"type\":\"meta\",\"schema\":1,\"tool\":\"wstrace\",\"version\":\"%s\","
             "\"sources\":[],\"link_types\":[],\"filter\":null}\n",
             wst_version());
    expect(e, expected);
}

static void frames(void **state)
{
    struct wst_event e = event_of(WST_EVENT_FRAME, WST_C2S);
    (void)state;
    e.frame = (struct wst_event_frame){.n = 1,
                                       .len = 5,
                                       .msg = 1,
                                       .opcode = 1,
                                       .header_len = 6,
                                       .fin = true,
                                       .masked = true,
                                       .complete = true,
                                       .mask_key = {0x37, 0xfa, 0x21, 0x3d}};
    expect(e, "{\"type\":\"frame\"," HEAD ",\"dir\":\"c2s\",\"n\":1,\"fin\":true,\"rsv1\":false,"
              "\"rsv2\":false,\"rsv3\":false,\"opcode\":1,\"op\":\"text\",\"masked\":true,"
              "\"mask_key\":\"37fa213d\",\"header_len\":6,\"len\":5,\"offset\":0,\"msg\":1,"
              "\"complete\":true}\n");
    e.dir = WST_S2C;
    e.nanos = true;
    e.frame = (struct wst_event_frame){.n = 9223372036854775807,
                                       .len = 4,
                                       .offset = 12345678901,
                                       .opcode = 11,
                                       .header_len = 2,
                                       .rsv1 = true,
                                       .rsv3 = true,
                                       .payload = SLICE("\xff"
                                                        "abc"),
                                       .payload_omitted = 9};
    expect(e, "{\"type\":\"frame\",\"ts\":\"2026-11-20T12:00:01.123456789Z\",\"pkt\":7,\"conn\":3,"
              "\"dir\":\"s2c\",\"n\":9223372036854775807,\"fin\":false,\"rsv1\":true,"
              "\"rsv2\":false,\"rsv3\":true,\"opcode\":11,\"op\":\"reserved-11\",\"masked\":false,"
              "\"mask_key\":null,\"header_len\":2,\"len\":4,\"offset\":12345678901,\"msg\":null,"
              "\"complete\":false,\"b64\":\"/2FiYw==\",\"omitted\":9}\n");
    e.nanos = false;
    e.frame = (struct wst_event_frame){.n = 2,
                                       .opcode = 9,
                                       .header_len = 2,
                                       .fin = true,
                                       .rsv2 = true,
                                       .complete = true,
                                       .payload = SLICE(""),
                                       .utf8 = true};
    expect(e, "{\"type\":\"frame\"," HEAD ",\"dir\":\"s2c\",\"n\":2,\"fin\":true,\"rsv1\":false,"
              "\"rsv2\":true,\"rsv3\":false,\"opcode\":9,\"op\":\"ping\",\"masked\":false,"
              "\"mask_key\":null,\"header_len\":2,\"len\":0,\"offset\":0,\"msg\":null,"
              "\"complete\":true,\"text\":\"\"}\n");
}

static void messages(void **state)
{
    struct wst_event e = event_of(WST_EVENT_MESSAGE, WST_S2C);
    (void)state;
    e.message = (struct wst_event_message){.msg = 2,
                                           .opcode = 1,
                                           .compressed = true,
                                           .certain = true,
                                           .utf8 = true,
                                           .first_pkt = 6,
                                           .frames = 3,
                                           .wire_len = 9,
                                           .len = 12,
                                           .payload = SLICE("H\xc3\xa9 \"\x1b\"\n\0\xc2\x9b")};
    expect(e, "{\"type\":\"message\"," HEAD ",\"dir\":\"s2c\",\"msg\":2,\"op\":\"text\","
              "\"first_pkt\":6,\"frames\":3,\"wire_len\":9,\"len\":12,\"compressed\":true,"
              "\"text\":\"H\xc3\xa9 \\\"\\u001b\\\"\\n\\u0000\\u009b\",\"omitted\":0,"
              "\"certain\":true}\n");
    e.message = (struct wst_event_message){.msg = 3,
                                           .opcode = 2,
                                           .first_pkt = 7,
                                           .frames = 1,
                                           .wire_len = 5,
                                           .len = 5,
                                           .omitted = 2,
                                           .payload = SLICE("\x00\x01\x02")};
    expect(e, "{\"type\":\"message\"," HEAD ",\"dir\":\"s2c\",\"msg\":3,\"op\":\"binary\","
              "\"first_pkt\":7,\"frames\":1,\"wire_len\":5,\"len\":5,\"compressed\":false,"
              "\"b64\":\"AAEC\",\"omitted\":2,\"certain\":false}\n");
    e.message = (struct wst_event_message){
        .msg = 4, .opcode = 1, .certain = true, .utf8 = true, .first_pkt = 7, .frames = 1};
    expect(e, "{\"type\":\"message\"," HEAD ",\"dir\":\"s2c\",\"msg\":4,\"op\":\"text\","
              "\"first_pkt\":7,\"frames\":1,\"wire_len\":0,\"len\":0,\"compressed\":false,"
              "\"text\":\"\",\"omitted\":0,\"certain\":true}\n");
}

static void closes(void **state)
{
    struct wst_event e = event_of(WST_EVENT_CLOSE, WST_C2S);
    (void)state;
    e.close = (struct wst_event_close){1000, "normal closure", SLICE("bye"), 0, true};
    expect(e, "{\"type\":\"close\"," HEAD ",\"dir\":\"c2s\",\"code\":1000,"
              "\"name\":\"normal closure\",\"reason\":\"bye\"}\n");
    e.close.omitted = 7;
    expect(e, "{\"type\":\"close\"," HEAD ",\"dir\":\"c2s\",\"code\":1000,"
              "\"name\":\"normal closure\",\"reason\":\"bye\",\"omitted\":7}\n");
    e.close = (struct wst_event_close){-1, NULL, {NULL, 0}, 0, false};
    expect(e, "{\"type\":\"close\"," HEAD ",\"dir\":\"c2s\",\"code\":null,\"name\":null,"
              "\"reason\":\"\"}\n");
    e.close = (struct wst_event_close){4711, NULL, SLICE("\xff\xfe"), 0, false};
    expect(e, "{\"type\":\"close\"," HEAD ",\"dir\":\"c2s\",\"code\":4711,\"name\":null,"
              "\"reason\":null,\"reason_b64\":\"//4=\"}\n");
}

static void gaps_and_problems(void **state)
{
    struct wst_event e = event_of(WST_EVENT_GAP, WST_S2C);
    (void)state;
    e.gap = (struct wst_event_gap){.bytes = 1460, .offset = 77};
    expect(e, "{\"type\":\"gap\"," HEAD ",\"dir\":\"s2c\",\"bytes\":1460,\"offset\":77}\n");
    e.gap.offset = -1;
    expect(e, "{\"type\":\"gap\"," HEAD ",\"dir\":\"s2c\",\"bytes\":1460,\"offset\":null}\n");
    e.gap.inexact = true;
    expect(e, "{\"type\":\"gap\"," HEAD
              ",\"dir\":\"s2c\",\"bytes\":1460,\"offset\":null,\"exact\":false}\n");
    e.gap.least = true;
    expect(e, "{\"type\":\"gap\"," HEAD
              ",\"dir\":\"s2c\",\"bytes\":1460,\"offset\":null,\"exact\":false,\"least\":true}\n");
    e = event_of(WST_EVENT_PROBLEM, WST_C2S);
    e.problem = (struct wst_event_problem){WST_PROBLEM_FRAME_UNMASKED_CLIENT, 4, 2,
                                           "frame 4 is \"bare\"", 99};
    expect(e, "{\"type\":\"problem\"," HEAD ",\"dir\":\"c2s\",\"id\":\"frame.unmasked-client\","
              "\"level\":\"error\",\"rfc\":\"RFC 6455 \xc2\xa7"
              "5.1\",\"n\":4,\"msg\":2,"
              "\"detail\":\"frame 4 is \\\"bare\\\"\",\"offset\":99}\n");
    e = event_of(WST_EVENT_PROBLEM, WST_DIR_NONE);
    e.conn = 0;
    e.problem = (struct wst_event_problem){WST_PROBLEM_CAPTURE_EVICTED, 0, 0, "x", -1};
    expect(e, "{\"type\":\"problem\",\"ts\":\"2026-11-20T12:00:01.123456Z\",\"pkt\":7,"
              "\"conn\":null,\"dir\":null,\"id\":\"capture.evicted\",\"level\":\"warning\","
              "\"rfc\":null,\"n\":null,\"msg\":null,\"detail\":\"x\",\"offset\":null}\n");
}

/* Each line says what the registry says, also of a number that has no row. */
static void every_finding(void **state)
{
    struct wst_event e = event_of(WST_EVENT_PROBLEM, WST_S2C);
    char expected[300];
    (void)state;
    for (unsigned i = 0; i <= WST_PROBLEMS; i++) {
        const struct wst_problem_row *row = wst_problem_row((enum wst_problem)i);
        const char *rfc = row ? row->rfc : NULL, *quote = rfc ? "\"" : "";
        e.problem = (struct wst_event_problem){.problem = (enum wst_problem)i, .offset = -1};
        snprintf(expected, sizeof expected,
                 "{\"type\":\"problem\"," HEAD ",\"dir\":\"s2c\",\"id\":\"%s\",\"level\":\"%s\","
                 "\"rfc\":%s%s%s,\"n\":null,\"msg\":null,\"detail\":\"\",\"offset\":null}\n",
                 row ? row->id : "unknown", wst_level_name(row ? row->level : WST_NOTE), quote,
                 rfc ? rfc : "null", quote);
        expect(e, expected);
    }
}

static void ends(void **state)
{
    struct wst_event e = event_of(WST_EVENT_END, WST_DIR_NONE);
    (void)state;
    struct wst_finding findings[] = {{WST_PROBLEM_FRAME_RSV, 41}, {WST_PROBLEM_CLOSE_ONE_BYTE, 1}};
    e.end = (struct wst_event_end){.tcp = WST_TCP_FIN,
                                   .clean = true,
                                   .by = WST_S2C,
                                   .code = 1001,
                                   .duration_ns = 2000000999,
                                   .dir = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}},
                                   .tcp_by = WST_C2S,
                                   .tls_by = WST_DIR_NONE,
                                   .problems = {[WST_ERROR] = 42},
                                   .findings = findings,
                                   .findings_n = 2};
    expect(e, "{\"type\":\"end\"," HEAD ",\"tcp\":\"fin\",\"clean\":true,\"by\":\"server\","
              "\"code\":1001,\"duration\":2.000000,\"c2s\":{\"frames\":1,\"messages\":2,"
              "\"wire_bytes\":3,\"bytes\":4,\"gaps\":5},\"s2c\":{\"frames\":6,\"messages\":7,"
              "\"wire_bytes\":8,\"bytes\":9,\"gaps\":10},\"tcp_by\":\"client\","
              "\"problems\":{\"error\":42,\"warning\":0,\"note\":0},"
              "\"findings\":{\"frame.rsv\":41,\"close.one-byte\":1}}\n");
    e.end.clean = false;
    e.end.no_reply = WST_REPLY_NO_TIME;
    e.end.findings_n = 0;
    expect(e, "{\"type\":\"end\"," HEAD ",\"tcp\":\"fin\",\"clean\":false,"
              "\"no_reply\":\"no-time\",\"by\":\"server\","
              "\"code\":1001,\"duration\":2.000000,\"c2s\":{\"frames\":1,\"messages\":2,"
              "\"wire_bytes\":3,\"bytes\":4,\"gaps\":5},\"s2c\":{\"frames\":6,\"messages\":7,"
              "\"wire_bytes\":8,\"bytes\":9,\"gaps\":10},\"tcp_by\":\"client\","
              "\"problems\":{\"error\":42,\"warning\":0,\"note\":0},\"findings\":{}}\n");
    e.nanos = true;
    e.end = (struct wst_event_end){.tcp = WST_TCP_EVICTED,
                                   .by = WST_DIR_NONE,
                                   .code = -1,
                                   .duration_ns = -1,
                                   .tcp_by = WST_DIR_NONE,
                                   .tls_by = WST_DIR_NONE};
    expect(e, "{\"type\":\"end\",\"ts\":\"2026-11-20T12:00:01.123456789Z\",\"pkt\":7,\"conn\":3,"
              "\"tcp\":\"evicted\",\"clean\":false,\"by\":null,\"code\":null,"
              "\"duration\":0.000000000,\"c2s\":{\"frames\":0,\"messages\":0,\"wire_bytes\":0,"
              "\"bytes\":0,\"gaps\":0},\"s2c\":{\"frames\":0,\"messages\":0,\"wire_bytes\":0,"
              "\"bytes\":0,\"gaps\":0},\"tcp_by\":null,"
              "\"problems\":{\"error\":0,\"warning\":0,\"note\":0},\"findings\":{}}\n");
}

static void stats(void **state)
{
    struct wst_event e = event_of(WST_EVENT_STATS, WST_DIR_NONE);
    (void)state;
    e.stats = (struct wst_event_stats){.packets = 1,
                                       .bytes = 2,
                                       .tcp_streams = 3,
                                       .connections = 4,
                                       .refused = 5,
                                       .frames = 6,
                                       .messages = 7,
                                       .gaps = 8,
                                       .problems = {9, 10, 11},
                                       .captured = -1,
                                       .received = -1,
                                       .dropped = -1,
                                       .tls = 12,
                                       .http = 13,
                                       .other = 14,
                                       .tls_no_key = 15};
    expect(e, "{\"type\":\"stats\",\"packets\":1,\"bytes\":2,\"tcp_streams\":3,\"connections\":4,"
              "\"refused\":5,\"frames\":6,\"messages\":7,\"problems\":{\"error\":11,"
              "\"warning\":10,\"note\":9},\"gaps\":8,\"captured\":null,\"received\":null,"
              "\"dropped\":null,\"tls\":12,\"http\":13,\"other\":14,\"tls_no_key\":15,"
              "\"findings\":{}}\n");
    e.stats.captured = 0;
    e.stats.received = 20;
    e.stats.dropped = 1;
    e.stats.quic = 2;
    e.stats.findings = &(struct wst_finding){WST_PROBLEM_CLOSE_MISSING, 10};
    e.stats.findings_n = 1;
    expect(e, "{\"type\":\"stats\",\"packets\":1,\"bytes\":2,\"tcp_streams\":3,\"connections\":4,"
              "\"refused\":5,\"frames\":6,\"messages\":7,\"problems\":{\"error\":11,"
              "\"warning\":10,\"note\":9},\"gaps\":8,\"captured\":0,\"received\":20,"
              "\"dropped\":1,\"tls\":12,\"http\":13,\"other\":14,\"tls_no_key\":15,"
              "\"quic\":2,\"findings\":{\"close.missing\":10}}\n");
}

static void handshake_full(void **state)
{
    static const struct wst_slice protocols[] = {{(const uint8_t *)"chat", 4},
                                                 {(const uint8_t *)"mqtt", 4}};
    static const struct wst_tls_info tls = {"TLS 1.3", "TLS_AES_128_GCM_SHA256", "example.com",
                                            NULL};
    static const struct wst_header headers[] = {
        {{(const uint8_t *)"Host", 4}, {(const uint8_t *)"example.com", 11}},
        {{(const uint8_t *)"X", 1}, {(const uint8_t *)"\xfc", 1}}};
    struct wst_event e = event_of(WST_EVENT_HANDSHAKE, WST_DIR_NONE);
    (void)state;
    e.handshake = (struct wst_event_handshake){.carrier = WST_CARRIER_HTTP1,
                                               .tls = &tls,
                                               .tcp_stream = 0,
                                               .stream_id = -1,
                                               .client_ip = "10.0.0.1",
                                               .server_ip = "2001:db8::2",
                                               .client_port = 51846,
                                               .server_port = 443,
                                               .request_pkt = 6,
                                               .method = SLICE("GET"),
                                               .host = SLICE("example.com"),
                                               .uri = SLICE("/chat?a=\"b\""),
                                               .origin = SLICE("https://example.com"),
                                               .version = 13,
                                               .status = 101,
                                               .reason = SLICE("Switching Protocols"),
                                               .accepted = true,
                                               .client_key = SLICE("k=="),
                                               .server_accept = SLICE("a="),
                                               .accept_expected = SLICE("a="),
                                               .accept_ok = 1,
                                               .client_protocols = protocols,
                                               .client_protocols_n = 2,
                                               .subprotocol = SLICE("chat"),
                                               .client_extensions = SLICE("permessage-deflate"),
                                               .server_extensions = SLICE("permessage-deflate"),
                                               .deflate = {true, true, false, 15, 12},
                                               .rtt_ns = 333999,
                                               .request_headers = headers,
                                               .request_headers_n = 2,
                                               .headers = true};
    expect(e, "{\"type\":\"handshake\"," HEAD ",\"carrier\":\"http/1.1\",\"tls\":{\"version\":"
              "\"TLS 1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"sni\":\"example.com\","
              "\"alpn\":null},\"tcp_stream\":0,\"stream_id\":null,\"client_ip\":\"10.0.0.1\","
              "\"client_port\":51846,\"server_ip\":\"2001:db8::2\",\"server_port\":443,"
              "\"request_pkt\":6,\"method\":\"GET\",\"host\":\"example.com\","
              "\"uri\":\"/chat?a=\\\"b\\\"\",\"origin\":\"https://example.com\","
              "\"user_agent\":null,\"version\":13,\"status\":101,\"accepted\":true,"
              "\"client_key\":\"k==\",\"server_accept\":\"a=\",\"accept_expected\":\"a=\","
              "\"accept_ok\":true,\"client_protocols\":[\"chat\",\"mqtt\"],"
              "\"subprotocol\":\"chat\",\"client_extensions\":\"permessage-deflate\","
              "\"server_extensions\":\"permessage-deflate\",\"deflate\":{"
              "\"server_no_context_takeover\":true,\"client_no_context_takeover\":false,"
              "\"server_max_window_bits\":15,\"client_max_window_bits\":12},\"rtt\":0.000333,"
              "\"request_headers\":[[\"Host\",\"example.com\"],[\"X\",\"\xc3\xbc\"]],"
              "\"response_headers\":[]}\n");
}

static void handshake_empty(void **state)
{
    struct wst_event e = event_of(WST_EVENT_HANDSHAKE, WST_DIR_NONE);
    (void)state;
    e.handshake = (struct wst_event_handshake){.carrier = WST_CARRIER_UNKNOWN,
                                               .tcp_stream = -1,
                                               .stream_id = 4,
                                               .client_ip = "::1",
                                               .server_ip = "::1",
                                               .client_port = 1,
                                               .server_port = 2,
                                               .version = -1,
                                               .status = -1,
                                               .accept_ok = -1,
                                               .rtt_ns = -1};
    expect(e, "{\"type\":\"handshake\"," HEAD ",\"carrier\":\"unknown\",\"tls\":null,"
              "\"tcp_stream\":null,\"stream_id\":4,\"client_ip\":\"::1\",\"client_port\":1,"
              "\"server_ip\":\"::1\",\"server_port\":2,\"request_pkt\":null,\"method\":null,"
              "\"host\":null,\"uri\":null,\"origin\":null,\"user_agent\":null,\"version\":null,"
              "\"status\":null,\"accepted\":false,\"client_key\":null,\"server_accept\":null,"
              "\"accept_expected\":null,\"accept_ok\":null,\"client_protocols\":[],"
              "\"subprotocol\":null,\"client_extensions\":null,\"server_extensions\":null,"
              "\"deflate\":null,\"rtt\":null}\n");
}

/* -- time ------------------------------------------------------------------------------------- */

static void times(void **state)
{
    static const struct {
        int64_t ns;
        const char *ts;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000000Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {951782400000000000, "2000-02-29T00:00:00.000000000Z"},
        {951868799999999999, "2000-02-29T23:59:59.999999999Z"},
        {4107542399000000001, "2100-02-28T23:59:59.000000001Z"},
        {4107542400000000000, "2100-03-01T00:00:00.000000000Z"},
        {1735689599123456789, "2024-12-31T23:59:59.123456789Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wst_event e = event_of(WST_EVENT_GAP, WST_S2C);
        char *line;
        e.when.ns = rows[i].ns;
        e.nanos = true;
        line = line_of(&e);
        assert_memory_equal(line, "{\"type\":\"gap\",\"ts\":\"", 20);
        assert_memory_equal(line + 20, rows[i].ts, strlen(rows[i].ts));
        free(line);
    }
}

/* Lines that share their head with the one before, over many flushes: the same as alone. */
static void shared_heads(void **state)
{
    struct sink sink = {.fail_after = -1};
    struct wst_render *render = wst_render_json_new(sink_write, &sink);
    struct wst_listener listener = wst_render_listener(render);
    uint64_t seed = 5;
    struct sink all = {.fail_after = -1};
    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct wst_event e = event_of(WST_EVENT_GAP, (enum wst_dir)(random_next(&seed) % 2));
        char *line;
        e.when.pkt = random_next(&seed) % 2;
        e.when.ns = (int64_t)(random_next(&seed) % 2) * 1000000000;
        e.conn = 1 + random_next(&seed) % 2;
        e.gap.bytes = random_next(&seed) % 100000;
        listener.event(listener.user, &e);
        if (i % 777 == 0) listener.flush(listener.user);
        line = line_of(&e);
        sink_write(&all, (const uint8_t *)line, strlen(line));
        free(line);
    }
    assert_int_equal(wst_render_flush(render), 0);
    assert_int_equal(sink.n, all.n);
    assert_memory_equal(sink.p, all.p, all.n);
    wst_render_free(render);
    free(sink.p);
    free(all.p);
}

/* -- whatever comes --------------------------------------------------------------------------- */

static void expect_field(json_t *line, const char *key, struct wst_slice s)
{
    json_t *value = json_object_get(line, key);
    if (s.p == NULL) {
        assert_true(json_is_null(value));
        return;
    }
    assert_true(json_is_string(value));
    if (!wst_utf8_valid(s)) return;
    assert_int_equal(json_string_length(value), s.n);
    assert_memory_equal(json_string_value(value), s.p, s.n);
}

static void expect_values(json_t *line, const struct wst_event *e)
{
    assert_string_equal(json_string_value(json_object_get(line, "type")),
                        wst_event_type_name(e->type));
    if (e->type == WST_EVENT_HANDSHAKE) {
        expect_field(line, "uri", e->handshake.uri);
        expect_field(line, "user_agent", e->handshake.user_agent);
        expect_field(line, "server_extensions", e->handshake.server_extensions);
        assert_int_equal(json_array_size(json_object_get(line, "client_protocols")),
                         e->handshake.client_protocols_n);
    }
    if (e->type == WST_EVENT_MESSAGE) {
        struct wst_slice payload = e->message.payload;
        if (payload.p == NULL) payload = SLICE("");
        if (e->message.utf8) expect_field(line, "text", payload);
        assert_non_null(json_object_get(line, e->message.utf8 ? "text" : "b64"));
    }
    if (e->type == WST_EVENT_FRAME && e->frame.payload.p && e->frame.utf8)
        expect_field(line, "text", e->frame.payload);
}

/* Makes it true what the event says of its payload. */
static void be_honest(struct wst_event *e)
{
    if (e->type == WST_EVENT_FRAME) e->frame.utf8 = wst_utf8_valid(e->frame.payload);
    if (e->type == WST_EVENT_MESSAGE)
        e->message.utf8 = e->message.utf8 && wst_utf8_valid(e->message.payload);
}

static void random_events(void **state)
{
    uint64_t seed = 2026;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        struct random_event r;
        char *line;
        json_t *value;
        size_t n;
        random_event_make(&r, &seed);
        be_honest(&r.event);
        if (r.event.type == WST_EVENT_FRAME) r.event.frame.n &= INT64_MAX;
        /* jansson has no unsigned numbers */
        if (r.event.type == WST_EVENT_FRAME) r.event.frame.len = r.event.frame.offset = 1;
        if (r.event.type == WST_EVENT_MESSAGE)
            r.event.message.len = r.event.message.wire_len = r.event.message.first_pkt = 1;
        if (r.event.type == WST_EVENT_GAP) r.event.gap.bytes = 1;
        if (r.event.type == WST_EVENT_STATS) r.event.stats.packets = 1;
        line = line_of(&r.event);
        n = strlen(line);
        assert_true(line[n - 1] == '\n');
        assert_ptr_equal(strchr(line, '\n'), line + n - 1);
        for (size_t k = 0; k + 1 < n; k++) assert_true((uint8_t)line[k] >= 0x20 && line[k] != 0x7f);
        value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        expect_values(value, &r.event);
        json_decref(value);
        free(line);
        random_event_free(&r);
    }
}

/* An event that says UTF-8 and has none spoils the text of its payload, nothing else of the line.
 */
static void payloads_that_are_not_what_they_are_called(void **state)
{
    uint64_t seed = 73;
    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[300];
        size_t n = random_next(&seed) % sizeof bytes;
        random_bytes(&seed, bytes, n);
        struct wst_event e = {.type = WST_EVENT_MESSAGE, .dir = WST_S2C};
        e.message = (struct wst_event_message){.opcode = 1, .utf8 = true, .payload = {bytes, n}};
        char *line = line_of(&e);
        for (char *p = line; *p; p++) {
            assert_true((uint8_t)*p >= 0x20 || (*p == '\n' && !p[1]));
            if (*p & 0x80) *p = '?';
        }
        json_t *value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        assert_non_null(value);
        assert_true(json_is_false(json_object_get(value, "certain")));
        json_decref(value);
        free(line);
    }
}

static void large_message(void **state)
{
    size_t n = 2 << 20;
    uint8_t *text = malloc(n);
    struct wst_event e = event_of(WST_EVENT_MESSAGE, WST_C2S);
    char *line;
    json_t *value;
    (void)state;
    for (size_t i = 0; i < n; i++) text[i] = (uint8_t)(i % 128);
    e.message = (struct wst_event_message){.opcode = 1, .utf8 = true, .payload = {text, n}};
    line = line_of(&e);
    value = json_loads(line, JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    expect_field(value, "text", (struct wst_slice){text, n});
    json_decref(value);
    free(line);
    free(text);
}

static void failure_sticks(void **state)
{
    struct sink sink = {.fail_after = 0};
    struct wst_render *render = wst_render_json_new(sink_write, &sink);
    struct wst_listener listener = wst_render_listener(render);
    struct wst_event e = event_of(WST_EVENT_GAP, WST_C2S);
    (void)state;
    assert_false(wst_render_failed(render));
    for (int i = 0; i < 10000; i++) listener.event(listener.user, &e);
    assert_true(wst_render_failed(render));
    assert_int_equal(wst_render_flush(render), -7);
    assert_int_equal(sink.n, 0);
    wst_render_free(render);
}

/* -- select ------------------------------------------------------------------------------------ */

static void count_event(void *user, const struct wst_event *event)
{
    ((int *)user)[event->type]++;
}

static void selection(void **state)
{
    int counts[WST_EVENT_TYPES] = {0};
    struct wst_select select = {
        .conn = 3, .dir = WST_S2C, .ops = 1 << 1, .next = {counts, count_event, NULL}};
    struct wst_listener l = wst_select_listener(&select);
    struct wst_event e;
    (void)state;
    for (int type = 0; type < WST_EVENT_TYPES; type++)
        for (uint64_t conn = 0; conn < 5; conn++)
            for (int dir = WST_DIR_NONE; dir <= WST_S2C; dir++) {
                e = event_of((enum wst_event_type)type, (enum wst_dir)dir);
                e.conn = conn;
                if (type == WST_EVENT_FRAME) e.frame.opcode = 1;
                if (type == WST_EVENT_MESSAGE) e.message.opcode = 2;
                l.event(l.user, &e);
            }
    l.flush(l.user); /* the next has none: nothing happens */
    assert_int_equal(counts[WST_EVENT_META], 15);
    assert_int_equal(counts[WST_EVENT_STATS], 15);
    assert_int_equal(counts[WST_EVENT_END], 3);
    assert_int_equal(counts[WST_EVENT_FRAME], 2); /* dir none or s2c */
    assert_int_equal(counts[WST_EVENT_MESSAGE], 0);
    assert_int_equal(counts[WST_EVENT_CLOSE], 0);
    assert_int_equal(counts[WST_EVENT_PROBLEM], 2);
    assert_int_equal(counts[WST_EVENT_GAP], 2);
    assert_int_equal(counts[WST_EVENT_HANDSHAKE], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta),
        cmocka_unit_test(frames),
        cmocka_unit_test(messages),
        cmocka_unit_test(closes),
        cmocka_unit_test(ends),
        cmocka_unit_test(gaps_and_problems),
        cmocka_unit_test(every_finding),
        cmocka_unit_test(stats),
        cmocka_unit_test(handshake_full),
        cmocka_unit_test(times),
        cmocka_unit_test(handshake_empty),
        cmocka_unit_test(shared_heads),
        cmocka_unit_test(random_events),
        cmocka_unit_test(payloads_that_are_not_what_they_are_called),
        cmocka_unit_test(large_message),
        cmocka_unit_test(failure_sticks),
        cmocka_unit_test(selection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
