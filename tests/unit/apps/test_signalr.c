/* SPDX-License-Identifier: MIT */
#include "said.h"

#define RS "\x1e"
#define ASK(protocol) "{\"protocol\":\"" protocol "\",\"version\":1}" RS
#define ASKED(protocol) \
    "[{\"name\":\"HandshakeRequest\",\"fields\":{\"protocol\":\"" protocol "\",\"version\":1}}]"
#define ANSWERED "[{\"name\":\"HandshakeResponse\",\"answers\":1,\"after\":1.0}]"

/* "JSON Encoding": the examples. */
static const struct said_row json[] = {
    {WST_C2S, ASK("json"), ASKED("json")},
    {WST_S2C, "{}" RS, ANSWERED},
    {WST_C2S,
     "{\"type\":1,\"invocationId\":\"123\",\"target\":\"Send\",\"arguments\":[42,\"Test\"]}" RS,
     "[{\"name\":\"Invocation\",\"fields\":{\"invocation_id\":\"123\",\"target\":\"Send\"},"
     "\"json\":[42,\"Test\"]}]"},
    {WST_S2C, "{\"type\":1,\"target\":\"Send\",\"arguments\":[42]}" RS "{\"type\":6}" RS,
     "[{\"name\":\"Invocation\",\"fields\":{\"target\":\"Send\"},\"json\":[42]},"
     "{\"name\":\"Ping\"}]"},
    {WST_S2C, "{\"type\":2,\"invocationId\":\"123\",\"item\":42}" RS,
     "[{\"name\":\"StreamItem\",\"fields\":{\"invocation_id\":\"123\"},\"json\":42}]"},
    {WST_S2C, "{\"type\":3,\"invocationId\":\"123\",\"result\":42}" RS,
     "[{\"name\":\"Completion\",\"fields\":{\"invocation_id\":\"123\"},\"json\":42,"
     "\"answers\":3,\"after\":3.0}]"},
    {WST_C2S,
     "{\"type\":4,\"invocationId\":\"4\",\"target\":\"S\",\"arguments\":[],\"streamIds\":[\"5\"]"
     "}" RS,
     "[{\"name\":\"StreamInvocation\",\"fields\":{\"invocation_id\":\"4\",\"target\":\"S\","
     "\"stream_ids\":[\"5\"]},\"json\":[]}]"},
    {WST_C2S, "{\"type\":5,\"invocationId\":\"4\"}" RS,
     "[{\"name\":\"CancelInvocation\",\"fields\":{\"invocation_id\":\"4\"}}]"},
    {WST_S2C, "{\"type\":3,\"invocationId\":\"4\",\"error\":\"It didn't work!\"}" RS,
     "[{\"name\":\"Completion\",\"error\":true,\"fields\":{\"invocation_id\":\"4\","
     "\"error\":\"It didn't work!\"},\"answers\":7,\"after\":2.0}]"},
    {WST_C2S, "{\"type\":8,\"sequenceId\":3}" RS,
     "[{\"name\":\"Ack\",\"fields\":{\"sequence_id\":3}}]"},
    {WST_C2S, "{\"type\":9,\"sequenceId\":4}" RS,
     "[{\"name\":\"Sequence\",\"fields\":{\"sequence_id\":4}}]"},
    {WST_S2C, "{\"type\":7,\"error\":\"Gone\",\"allowReconnect\":true}" RS,
     "[{\"name\":\"Close\",\"error\":true,\"fields\":{\"allow_reconnect\":true,"
     "\"error\":\"Gone\"}}]"},
};

static void in_json(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/hub?id=abc");
    for (size_t i = 0; i < ARRAY(json); i++)
        said_is(said_text(&s, json[i].dir, json[i].text), json[i].said);
    said_is(said_end(&s),
            "signalr {\"certain\":true,\"c2s\":{\"packets\":6,\"asked\":3,\"answered\":3,"
            "\"slowest_msg\":3,\"slowest\":3.0},\"s2c\":{\"packets\":7,\"errors\":2}}");
    said_free(&s);
}

struct bytes {
    enum wst_dir dir;
    struct wst_slice bytes; /* without its length */
    const char *said;
};

/* "MessagePack (MsgPack) encoding": the examples. */
static const struct bytes msgpack[] = {
    {WST_C2S, SLICE("\x96\x01\x80\xa3xyz\xa6method\x91\x2a\x90"),
     "[{\"name\":\"Invocation\",\"fields\":{\"invocation_id\":\"xyz\",\"target\":\"method\","
     "\"stream_ids\":[]},\"json\":[42]}]"},
    {WST_S2C, SLICE("\x95\x01\x80\xc0\xa6method\x91\x2a"),
     "[{\"name\":\"Invocation\",\"fields\":{\"target\":\"method\"},\"json\":[42]}]"},
    {WST_S2C, SLICE("\x94\x02\x80\xa3xyz\x2a"),
     "[{\"name\":\"StreamItem\",\"fields\":{\"invocation_id\":\"xyz\"},\"json\":42}]"},
    {WST_S2C,
     SLICE("\x95\x03\x80\xa3xyz\x01\xa5"
           "Error"),
     "[{\"name\":\"Completion\",\"error\":true,\"fields\":{\"invocation_id\":\"xyz\","
     "\"error\":\"Error\"},\"answers\":3,\"after\":3.0}]"},
    {WST_C2S, SLICE("\x95\x04\x80\xa3xyz\xa6method\x91\x2a"),
     "[{\"name\":\"StreamInvocation\",\"fields\":{\"invocation_id\":\"xyz\","
     "\"target\":\"method\"},\"json\":[42]}]"},
    {WST_S2C, SLICE("\x94\x03\x80\xa3xyz\x02"),
     "[{\"name\":\"Completion\",\"fields\":{\"invocation_id\":\"xyz\"},"
     "\"answers\":7,\"after\":1.0}]"},
    {WST_S2C, SLICE("\x95\x03\x80\xa3xyz\x03\x2a"),
     "[{\"name\":\"Completion\",\"fields\":{\"invocation_id\":\"xyz\"},\"json\":42}]"},
    {WST_C2S, SLICE("\x93\x05\x80\xa3xyz"),
     "[{\"name\":\"CancelInvocation\",\"fields\":{\"invocation_id\":\"xyz\"}}]"},
    {WST_C2S, SLICE("\x91\x06"), "[{\"name\":\"Ping\"}]"},
    {WST_S2C, SLICE("\x92\x07\xa3xyz"),
     "[{\"name\":\"Close\",\"error\":true,\"fields\":{\"error\":\"xyz\"}}]"},
    {WST_S2C, SLICE("\x93\x07\xc0\xc3"),
     "[{\"name\":\"Close\",\"fields\":{\"allow_reconnect\":true}}]"},
    {WST_S2C, SLICE("\x92\x08\x05"), "[{\"name\":\"Ack\",\"fields\":{\"sequence_id\":5}}]"},
    {WST_S2C, SLICE("\x92\x09\x06"), "[{\"name\":\"Sequence\",\"fields\":{\"sequence_id\":6}}]"},
    /* What JSON cannot say: the bytes as they are. */
    {WST_S2C, SLICE("\x94\x02\x80\xa1x\x81\x90\xc0"),
     "[{\"name\":\"StreamItem\",\"fields\":{\"invocation_id\":\"x\"},\"b64\":\"gZDA\"}]"},
};

static const char *send_one(struct said *s, enum wst_dir dir, struct wst_slice b)
{
    uint8_t framed[100] = {(uint8_t)b.n};
    memcpy(framed + 1, b.p, b.n);
    return said_bytes(s, dir, 2, framed, b.n + 1);
}

static void begin(struct said *s)
{
    said_again(s);
    said_open(s, NULL, "/hub");
    said_is(said_text(s, WST_C2S, ASK("messagepack")), ASKED("messagepack"));
    said_is(said_bytes(s, WST_S2C, 2, "{}" RS, 3), ANSWERED);
}

static void in_msgpack(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    begin(&s);
    for (size_t i = 0; i < ARRAY(msgpack); i++)
        said_is(send_one(&s, msgpack[i].dir, msgpack[i].bytes), msgpack[i].said);
    /* Two in a message; a length in more bytes than it needs; none at all. */
    said_is(said_bytes(&s, WST_C2S, 2, "\2\x91\6\x82\x80\0\x91\6", 8),
            "[{\"name\":\"Ping\"},{\"name\":\"Ping\"}]");
    said_is(said_bytes(&s, WST_C2S, 2, "", 0), "[]");
    said_free(&s);
}

/* Every message cut at every byte, its length with it or not: strange, and no packet. */
static void cut(void **state)
{
    struct said s;
    uint8_t framed[100];
    (void)state;
    said_new(&s);
    begin(&s);
    for (size_t i = 0; i < ARRAY(msgpack); i++)
        for (size_t n = 1; n < msgpack[i].bytes.n; n++) {
            framed[0] = (uint8_t)msgpack[i].bytes.n;
            memcpy(framed + 1, msgpack[i].bytes.p, n);
            said_is(said_bytes(&s, msgpack[i].dir, 2, framed, n + 1), "[] strange");
            framed[0] = (uint8_t)n;
            said_is(said_bytes(&s, msgpack[i].dir, 2, framed, n + 1), "[] strange");
        }
    for (size_t i = 0; i < ARRAY(json); i++) {
        said_again(&s);
        said_text(&s, WST_C2S, ASK("json"));
        for (size_t n = 1; n + 1 < strlen(json[i].text); n++) {
            const char *got = said_bytes(&s, json[i].dir, 1, json[i].text, n);
            assert_true(!strstr(got, "strange") == (json[i].text[n - 1] == 0x1e));
            assert_true(got == strstr(got, "[]") || memchr(json[i].text, 0x1e, n));
        }
    }
    said_free(&s);
}

static void strange(void **state)
{
    static const char *const in_text[] = {RS,
                                          "{}" RS,
                                          "[]" RS,
                                          "{\"type\":10}" RS,
                                          "{\"type\":0}" RS,
                                          "{\"type\":\"1\"}" RS,
                                          "{\"type\":1,\"target\":\"a\"}" RS,
                                          "{\"type\":1,\"target\":1,\"arguments\":[]}" RS,
                                          "{\"type\":2}" RS,
                                          "{\"type\":3,\"invocationId\":3}" RS,
                                          "{\"type\":8}" RS,
                                          "{\"type\":4,\"target\":\"a\",\"arguments\":[]}" RS,
                                          "{\"type\":6}",
                                          "x" RS,
                                          ASK("json")};
    static const struct wst_slice in_bytes[] = {SLICE("\x90"),
                                                SLICE("\x91\x0a"),
                                                SLICE("\x06"),
                                                SLICE("\x91\xa1"
                                                      "6"),
                                                SLICE("\x91\x06\x06"),
                                                SLICE("\x94\x01\x80\xc0\xa1m"),
                                                SLICE("\x95\x01\x80\x01\xa1m\x90"),
                                                SLICE("\x95\x04\x80\xc0\xa1m\x90"),
                                                SLICE("\x95\x01\x80\xc0\xa1m\x80"),
                                                SLICE("\x93\x02\x80\xa1x"),
                                                SLICE("\x93\x03\x80\xa1x"),
                                                SLICE("\x94\x03\x80\xa1x\x04"),
                                                SLICE("\x94\x03\x80\xa1x\x01"),
                                                SLICE("\x95\x03\x80\xa1x\x01\xc0"),
                                                SLICE("\x92\x05\x80"),
                                                SLICE("\x91\x07"),
                                                SLICE("\x91\x08"),
                                                SLICE("\x92\x09\xa1x"),
                                                SLICE("\xdd\xff\xff\xff\xff\x06")};
    struct said s;
    (void)state;
    said_new(&s);
    said_text(&s, WST_C2S, ASK("json"));
    said_text(&s, WST_S2C, "{}" RS);
    for (size_t i = 0; i < ARRAY(in_text); i++)
        said_is(said_text(&s, i % 2 ? WST_C2S : WST_S2C, in_text[i]), "[] strange");
    begin(&s);
    for (size_t i = 0; i < ARRAY(in_bytes); i++)
        said_is(send_one(&s, WST_C2S, in_bytes[i]), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, "\xff\xff\xff\xff\xff\1", 6), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, "\xff\xff\xff\xff\x0f\1", 6), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, "\x80", 1), "[] strange");
    said_is(said_text(&s, WST_C2S, "{\"type\":6}" RS), "[] strange");
    said_free(&s);
}

/* A refusal; hub messages right behind the handshake; a hub protocol of one's own; the handshake
 * lost. */
static void handshakes(void **state)
{
    struct said s;
    (void)state;
    said_new(&s);
    said_text(&s, WST_C2S, ASK("json"));
    said_is(said_text(&s, WST_S2C, "{\"error\":\"Requested protocol 'x' is not available.\"}" RS),
            "[{\"name\":\"HandshakeResponse\",\"error\":true,\"fields\":{\"error\":"
            "\"Requested protocol 'x' is not available.\"},\"answers\":1,\"after\":1.0}]");
    said_again(&s);
    said_is(said_text(&s, WST_C2S, ASK("json") "{\"type\":6}" RS),
            "[{\"name\":\"HandshakeRequest\",\"fields\":{\"protocol\":\"json\",\"version\":1}},"
            "{\"name\":\"Ping\"}]");
    said_again(&s);
    said_text(&s, WST_C2S, ASK("messagepack"));
    said_is(said_bytes(&s, WST_S2C, 2, "{}" RS "\2\x91\6", 6),
            "[{\"name\":\"HandshakeResponse\",\"answers\":1,\"after\":1.0},{\"name\":\"Ping\"}]");
    said_again(&s);
    said_text(&s, WST_C2S, ASK("own"));
    said_is(said_text(&s, WST_S2C, "{}" RS), ANSWERED);
    said_is(said_bytes(&s, WST_S2C, 2, "abc", 3), "[]");
    said_again(&s); /* joined late: JSON is known by its types, MessagePack is not */
    said_is(said_bytes(&s, WST_S2C, 2, "\2\x91\6", 3), "");
    said_is(said_text(&s, WST_S2C, "{\"type\":6}" RS), "[{\"name\":\"Ping\"}]");
    said_gap(&s, WST_S2C);
    said_is(said_bytes(&s, WST_S2C, 2, "\2\x91\6", 3), "[]");
    said_is(said_text(&s, WST_S2C, "{\"type\":6}" RS), "[{\"name\":\"Ping\"}]");
    said_again(&s); /* the handshake's answer was not seen: what has a type is none */
    said_is(said_text(&s, WST_S2C, "{\"type\":7,\"error\":\"x\"}" RS),
            "[{\"name\":\"Close\",\"error\":true,\"fields\":{\"error\":\"x\"}}]");
    said_again(&s);
    said_text(&s, WST_C2S, ASK("json"));
    said_gap(&s, WST_S2C);
    said_is(said_text(&s, WST_S2C, "{\"type\":3,\"invocationId\":\"1\",\"error\":\"x\"}" RS),
            "[{\"name\":\"Completion\",\"error\":true,\"fields\":{\"invocation_id\":\"1\","
            "\"error\":\"x\"}}]");
    begin(&s);
    said_gap(&s, WST_S2C); /* each message stands alone */
    said_is(said_bytes(&s, WST_S2C, 2, "\2\x91\6", 3), "[{\"name\":\"Ping\"}]");
    said_free(&s);
}

static void others(void **state)
{
    static const char *const texts[] = {"{\"type\":1}",
                                        "{\"type\":1}" RS,
                                        "{}" RS,
                                        RS,
                                        "x" RS,
                                        "{\"protocol\":\"json\",\"version\":1}",
                                        "",
                                        "{\"protocol\":\"json\"}" RS,
                                        "{\"type\":\"ping\"}" RS};
    struct said s;
    (void)state;
    said_new(&s);
    for (size_t i = 0; i < ARRAY(texts); i++) {
        said_again(&s);
        said_is(said_text(&s, WST_C2S, texts[i]), "");
    }
    said_is(said_text(&s, WST_S2C, ASK("json")), "");
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_json), cmocka_unit_test(in_msgpack), cmocka_unit_test(cut),
        cmocka_unit_test(strange), cmocka_unit_test(handshakes), cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
