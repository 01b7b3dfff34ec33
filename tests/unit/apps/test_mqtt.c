/* SPDX-License-Identifier: MIT
 *
 * MQTT: every packet of 3.1.1 and 5.0, the first of them figures of the specifications; cut, split,
 * and with something lost in between.
 */
#include "said.h"

struct row {
    enum wst_dir dir;
    struct wst_slice bytes;
    const char *said;
};
#define C(bytes, said)              \
    {                               \
        WST_C2S, SLICE(bytes), said \
    }
#define S(bytes, said)              \
    {                               \
        WST_S2C, SLICE(bytes), said \
    }

/* 3.1.1: figure 3.6 is the variable header of the CONNECT. */
static const struct row three[] = {
    C("\x10\x1e\0\4MQTT\4\xce\0\x0a\0\3abc\0\1w\0\2\xff\x01\0\2me\0\2pw",
      "[{\"name\":\"CONNECT\",\"fields\":{\"protocol_name\":\"MQTT\",\"protocol_version\":4,"
      "\"clean_session\":true,\"keep_alive\":10,\"client_id\":\"abc\",\"will_topic\":\"w\","
      "\"will_qos\":1,\"user_name\":\"me\",\"password\":true},\"b64\":\"/wE=\"}]"),
    S("\x20\2\1\0", "[{\"name\":\"CONNACK\",\"fields\":{\"session_present\":true,\"return_code\":0,"
                    "\"reason\":\"Connection Accepted\"},\"answers\":1,\"after\":1.0}]"),
    C("\x3b\x09\0\3a/b\0\x0ahi", "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"a/b\",\"qos\":1,"
                                 "\"id\":10,\"dup\":true,\"retain\":true},\"text\":\"hi\"}]"),
    S("\x40\2\0\x0a", "[{\"name\":\"PUBACK\",\"fields\":{\"id\":10},\"answers\":3,\"after\":1.0}]"),
    S("\x34\x07\0\3a/b\0\x0a", "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"a/b\",\"qos\":2,"
                               "\"id\":10},\"text\":\"\"}]"),
    C("\x50\2\0\x0a", "[{\"name\":\"PUBREC\",\"fields\":{\"id\":10},\"answers\":5,\"after\":1.0}]"),
    S("\x62\2\0\x0a", "[{\"name\":\"PUBREL\",\"fields\":{\"id\":10},\"answers\":6,\"after\":1.0}]"),
    C("\x70\2\0\x0a",
      "[{\"name\":\"PUBCOMP\",\"fields\":{\"id\":10},\"answers\":7,\"after\":1.0}]"),
    C("\x82\x0e\0\x0a\0\3a/b\1\0\3c/d\2", /* figure 3.23 */
      "[{\"name\":\"SUBSCRIBE\",\"fields\":{\"id\":10,\"topic_filters\":[\"a/b\",\"c/d\"],"
      "\"requested_qos\":[1,2]}}]"),
    S("\x90\5\0\x0a\0\2\x80", /* figure 3.26 */
      "[{\"name\":\"SUBACK\",\"error\":true,\"fields\":{\"id\":10,\"return_codes\":[0,2,128],"
      "\"reasons\":[\"Maximum QoS 0\",\"Maximum QoS 2\",\"Failure\"]},\"answers\":9,"
      "\"after\":1.0}]"),
    C("\xa2\x0c\0\x0a\0\3a/b\0\3c/d", /* figure 3.30 */
      "[{\"name\":\"UNSUBSCRIBE\",\"fields\":{\"id\":10,\"topic_filters\":[\"a/b\",\"c/d\"]}}]"),
    S("\xb0\2\0\x0a",
      "[{\"name\":\"UNSUBACK\",\"fields\":{\"id\":10},\"answers\":11,\"after\":1.0}]"),
    C("\xc0\0", "[{\"name\":\"PINGREQ\"}]"),
    S("\xd0\0", "[{\"name\":\"PINGRESP\",\"answers\":13,\"after\":1.0}]"),
    C("\xe0\0", "[{\"name\":\"DISCONNECT\"}]"),
};
static const char three_end[] =
    "mqtt {\"certain\":true,"
    "\"c2s\":{\"packets\":8,\"asked\":6,\"answered\":6,\"slowest_msg\":1,\"slowest\":1.0},"
    "\"s2c\":{\"packets\":7,\"errors\":1,\"asked\":2,\"answered\":2,\"slowest_msg\":5,"
    "\"slowest\":1.0}}";

/* 5.0: each property once, each in a packet that may have it. */
static const struct row five[] = {
    C("\x10\x71\0\4MQTT\5\x26\0\x3c"
      "\x2b\x11\0\0\0\x0a\x21\0\5\x22\0\7\x27\0\0\1\0\x19\1\x17\0\x15\0\1m\x16\0\2\xff\xfe"
      "\x26\0\1k\0\1v\x26\0\1k\0\1w"
      "\0\0"
      "\x2f\x18\0\0\0\5\x01\1\x02\0\0\0\6\x03\0\1t\x08\0\1r\x09\0\1\xff"
      "\x26\0\1a\0\1b\x26\0\1c\0\x0a"
      "0123456789"
      "\0\1w\0\4will",
      "[{\"name\":\"CONNECT\",\"fields\":{\"protocol_name\":\"MQTT\",\"protocol_version\":5,"
      "\"clean_start\":true,\"keep_alive\":60,\"session_expiry_interval\":10,"
      "\"receive_maximum\":5,\"topic_alias_maximum\":7,\"maximum_packet_size\":256,"
      "\"request_response_information\":1,\"request_problem_information\":0,"
      "\"authentication_method\":\"m\",\"authentication_data\":true,"
      "\"user_property\":[[\"k\",\"v\"],[\"k\",\"w\"]],\"client_id\":\"\","
      "\"will_delay_interval\":5,\"will_payload_format_indicator\":1,"
      "\"will_message_expiry_interval\":6,\"will_content_type\":\"t\","
      "\"will_response_topic\":\"r\",\"will_correlation_data\":{\"b64\":\"/w==\"},"
      "\"will_user_property\":[[\"a\",\"b\"],[\"c\",\"0123456789\"]],\"will_topic\":\"w\","
      "\"will_qos\":0,\"will_retain\":true},\"text\":\"will\"}]"),
    S("\xf0\6\x18\4\x15\0\1m",
      "[{\"name\":\"AUTH\",\"fields\":{\"reason_code\":24,\"reason\":\"Continue authentication\","
      "\"authentication_method\":\"m\"}}]"),
    C("\xf0\6\x18\4\x15\0\1m",
      "[{\"name\":\"AUTH\",\"fields\":{\"reason_code\":24,\"reason\":\"Continue authentication\","
      "\"authentication_method\":\"m\"},\"answers\":2,\"after\":1.0}]"),
    S("\x20\x20\0\x87\x1d\x12\0\1i\x13\0\x1e\x1a\0\1q\x1c\0\1s\x1f\0\1r\x24\1\x25\0\x28\0\x29\1"
      "\x2a\0",
      "[{\"name\":\"CONNACK\",\"error\":true,\"fields\":{\"session_present\":false,"
      "\"reason_code\":135,\"reason\":\"Not authorized\",\"assigned_client_identifier\":\"i\","
      "\"server_keep_alive\":30,\"response_information\":\"q\",\"server_reference\":\"s\","
      "\"reason_string\":\"r\",\"maximum_qos\":1,\"retain_available\":0,"
      "\"wildcard_subscription_available\":0,\"subscription_identifier_available\":1,"
      "\"shared_subscription_available\":0},\"answers\":1,\"after\":3.0}]"),
    C("\x82\x18\0\1\3\x0b\xff\1\0\1a\x2d\0\1b\0\0\1\"\1\0\3\xe2\x80\xae\0",
      "[{\"name\":\"SUBSCRIBE\",\"fields\":{\"id\":1,\"subscription_identifier\":255,"
      "\"topic_filters\":[\"a\",\"b\",\"\\\"\",\"\xe2\x80\xae\"],\"requested_qos\":[1,0,1,0],"
      "\"no_local\":[1,0,0,0],\"retain_as_published\":[1,0,0,0],\"retain_handling\":[2,0,0,0]}}]"),
    S("\x90\7\0\1\0\1\0\x87\x77",
      "[{\"name\":\"SUBACK\",\"error\":true,\"fields\":{\"id\":1,\"reason_codes\":[1,0,135,119],"
      "\"reasons\":[\"Granted QoS 1\",\"Granted QoS 0\",\"Not authorized\",\"\"]},\"answers\":5,"
      "\"after\":1.0}]"),
    S("\x30\x0d\0\1t\7\x23\0\2\x0b\1\x0b\2hi",
      "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":0,\"topic_alias\":2,"
      "\"subscription_identifier\":[1,2]},\"text\":\"hi\"}]"),
    S("\x30\x07\0\0\3\x23\0\2x" /* the topic is another in the next, and in this one is not */
      "\x30\x07\0\1u\3\x23\0\2"
      "\x30\x06\0\0\3\x23\0\2"
      "\x30\x06\0\0\3\x23\0\3",
      "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":0,\"topic_alias\":2},"
      "\"text\":\"x\"},{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"u\",\"qos\":0,"
      "\"topic_alias\":2},\"text\":\"\"},{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"u\","
      "\"qos\":0,\"topic_alias\":2},\"text\":\"\"},{\"name\":\"PUBLISH\",\"fields\":{\"qos\":0,"
      "\"topic_alias\":3},\"text\":\"\"}]"),
    C("\x34\6\0\1t\0\x09\0", "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":2,"
                             "\"id\":9},\"text\":\"\"}]"),
    S("\x50\3\0\x09\x97", "[{\"name\":\"PUBREC\",\"error\":true,\"fields\":{\"id\":9,"
                          "\"reason_code\":151,\"reason\":\"Quota exceeded\"},\"answers\":9,"
                          "\"after\":1.0}]"),
    C("\xa2\6\0\2\0\0\1a", "[{\"name\":\"UNSUBSCRIBE\",\"fields\":{\"id\":2,"
                           "\"topic_filters\":[\"a\"]}}]"),
    S("\xb0\4\0\2\0\x11",
      "[{\"name\":\"UNSUBACK\",\"fields\":{\"id\":2,\"reason_codes\":[17],"
      "\"reasons\":[\"No subscription existed\"]},\"answers\":11,\"after\":1.0}]"),
    C("\xf0\1\x19", "[{\"name\":\"AUTH\",\"fields\":{\"reason_code\":25,"
                    "\"reason\":\"Re-authenticate\"}}]"),
    S("\xf0\0", "[{\"name\":\"AUTH\",\"answers\":13,\"after\":1.0}]"),
    S("\xe0\2\0\0", "[{\"name\":\"DISCONNECT\",\"fields\":{\"reason_code\":0,"
                    "\"reason\":\"Normal disconnection\"}}]"),
    C("\xe0\1\x8d", "[{\"name\":\"DISCONNECT\",\"error\":true,\"fields\":{\"reason_code\":141,"
                    "\"reason\":\"Keep Alive timeout\"}}]"),
};

static void talk(struct said *s, const char *subprotocol, const struct row *rows, size_t n)
{
    said_again(s);
    said_open(s, subprotocol, "/mqtt");
    for (size_t i = 0; i < n; i++)
        said_is(said_bytes(s, rows[i].dir, 2, rows[i].bytes.p, rows[i].bytes.n), rows[i].said);
}

static void every_packet(void **state)
{
    struct said *s = *state;
    talk(s, "mqtt", three, ARRAY(three));
    said_is(said_end(s), three_end);
    talk(s, "mqtt", five, ARRAY(five));
    talk(s, NULL, three, ARRAY(three)); /* nobody says what is spoken: a CONNECT does */
    said_is(said_end(s), three_end);
    talk(s, NULL, five, ARRAY(five));
}

/* What was said but for the message that a packet began in, and when it came: these differ. */
static char *timeless(const char *said)
{
    json_t *all = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL), *one;
    size_t i;
    assert_non_null(all);
    json_array_foreach(all, i, one)
    {
        json_object_del(one, "first_msg");
        json_object_del(one, "answers");
        json_object_del(one, "after");
    }
    char *text = json_dumps(all, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(all);
    return text;
}

static void same_but_for_time(const char *said, const char *expected)
{
    char *a = timeless(said), *b = timeless(expected);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* Every packet in two messages, split everywhere, and in messages of one byte. */
static void split(struct said *s, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct wst_slice b = rows[i].bytes;
        if (b.n != (size_t)(2 + b.p[1])) continue; /* several: one ends with the first part */
        for (size_t at = 1; at < b.n; at++) {
            talk(s, "mqtt", rows, i);
            said_is(said_bytes(s, rows[i].dir, 2, b.p, at), "[] unfinished");
            same_but_for_time(said_bytes(s, rows[i].dir, 2, b.p + at, b.n - at), rows[i].said);
        }
        talk(s, "mqtt", rows, i);
        for (size_t at = 0; at + 1 < b.n; at++)
            said_is(said_bytes(s, rows[i].dir, 2, b.p + at, 1), "[] unfinished");
        same_but_for_time(said_bytes(s, rows[i].dir, 2, b.p + b.n - 1, 1), rows[i].said);
    }
}

static void split_anywhere(void **state)
{
    split(*state, three, ARRAY(three));
    split(*state, five, ARRAY(five));
}

/* Fewer bytes that are a packet, too: filters, codes and reasons may be fewer. */
static bool may_end(bool is_five, uint8_t type, uint8_t size)
{
    switch (type) {
    case 2: return is_five && size == 2; /* how 3.1.1 refuses */
    case 5: return is_five && size == 2;
    case 8: return is_five ? size == 10 || size == 14 || size == 18 : size == 8;
    case 9: return size > (is_five ? 3 : 2);
    case 10: return !is_five && size == 7;
    case 14: return is_five && size < 2;
    case 15: return size < 2;
    default: return false;
    }
}

/* A packet that announces fewer bytes than it needs is none; what follows is not told. */
static void too_short(struct said *s, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct wst_slice b = rows[i].bytes;
        uint8_t cut[256], type = b.p[0] >> 4;
        if (type == 3) continue; /* its payload is what is left */
        for (uint8_t size = 0; size < b.p[1]; size++) {
            if (may_end(rows == five, type, size)) continue;
            talk(s, "mqtt", rows, i);
            memcpy(cut, b.p, b.n);
            cut[1] = size;
            said_is(said_bytes(s, rows[i].dir, 2, cut, 2u + size), "[] strange");
            said_is(said_bytes(s, rows[i].dir, 2, "\xc0\0", 2), "[]");
        }
    }
}

static void cut_everywhere(void **state)
{
    too_short(*state, three, ARRAY(three));
    too_short(*state, five, ARRAY(five));
}

#define CONNECT_3 "\x10\x0c\0\4MQTT\4\2\0\0\0\0"
#define CONNECT_5 "\x10\x0d\0\4MQTT\5\2\0\0\0\0\0"

static void strange(void **state)
{
    struct said *s = *state;
    static const struct {
        bool five;
        struct wst_slice bytes;
    } rows[] = {
        {false, SLICE("\x00\0")},                         /* no type */
        {false, SLICE("\xc1\0")},                         /* flags */
        {false, SLICE("\x60\2\0\1")},                     /* PUBREL has one */
        {false, SLICE("\x36\5\0\1t\0\1")},                /* QoS 3 */
        {false, SLICE("\x38\3\0\1t")},                    /* DUP without QoS */
        {false, SLICE("\x32\5\0\1t\0\0")},                /* id 0 */
        {false, SLICE("\x30\2\0\0")},                     /* no topic */
        {false, SLICE("\x30\4\0\2\xc3(")},                /* not UTF-8 */
        {false, SLICE("\x30\3\0\1\0")},                   /* U+0000 */
        {false, SLICE("\x30\xff\xff\xff\xff\x7f")},       /* a length of five bytes */
        {false, SLICE("\xc0\1x")},                        /* something behind */
        {false, SLICE("\xd0\0")},                         /* a server's */
        {false, SLICE("\xf0\0")},                         /* 5.0's */
        {false, SLICE("\x40\3\0\1\0")},                   /* a reason, too */
        {false, SLICE("\x82\2\0\1")},                     /* no filters */
        {false, SLICE("\x82\6\0\1\0\1a\3")},              /* QoS 3 */
        {false, SLICE("\x82\6\0\1\0\1a\4")},              /* options of 5.0 */
        {false, SLICE("\x10\x0c\0\4MQTX\4\2\0\0\0\0")},   /* another protocol */
        {false, SLICE("\x10\x0c\0\4MQTT\4\3\0\0\0\0")},   /* a reserved flag */
        {false, SLICE("\x10\x0c\0\4MQTT\4\x42\0\0\0\0")}, /* a password without a name */
        {true, SLICE("\x30\6\0\1t\2\x01\2")},             /* a flag of 2 */
        {true, SLICE("\x30\x08\0\1t\4\x01\1\x01\1")},     /* a property twice */
        {true, SLICE("\x30\x09\0\1t\5\x11\0\0\0\1")},     /* of another packet */
        {true, SLICE("\x30\5\0\1t\1\x04")},               /* of none */
        {true, SLICE("\x30\5\0\1t\2\x01")},               /* longer than the packet */
        {true, SLICE("\x30\6\0\1t\1\x01\1")},             /* longer than all of them */
        {true, SLICE("\x30\3\0\0\0")},                    /* no topic, no alias */
        {true, SLICE("\x82\7\0\1\0\0\1a\x40")},           /* reserved options */
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(s);
        said_open(s, "mqtt", "/");
        if (rows[i].five)
            said_bytes(s, WST_C2S, 2, CONNECT_5, sizeof CONNECT_5 - 1);
        else
            said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1);
        said_is(said_bytes(s, WST_C2S, 2, rows[i].bytes.p, rows[i].bytes.n), "[] strange");
        said_is(said_bytes(s, WST_S2C, 2, "\x20\2\0\0", 4),
                "[{\"name\":\"CONNACK\",\"fields\":{\"session_present\":false,\"return_code\":0,"
                "\"reason\":\"Connection Accepted\"},\"answers\":1,\"after\":2.0}]");
        assert_null(strstr(said_end(s), "certain"));
    }
    said_again(s);
    said_open(s, "mqtt", "/");
    said_is(said_text(s, WST_C2S, "\xc0"), "[] strange"); /* section 6: binary frames alone */
}

/* Behind a hole nothing is told, until three messages were whole packets. Ids that were asked with
 * before it are forgotten: they are used again. */
static void lost(void **state)
{
    struct said *s = *state;
    static const char ping[] = "[{\"name\":\"PINGREQ\"}]";
    said_again(s);
    said_open(s, "mqtt", "/");
    said_bytes(s, WST_C2S, 2, CONNECT_5, sizeof CONNECT_5 - 1);
    said_is(said_bytes(s, WST_C2S, 2, "\x32\7\0\1t\0\1\0x\x82", 10),
            "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":1,\"id\":1},"
            "\"text\":\"x\"}] unfinished");
    said_gap(s, WST_C2S);
    said_is(said_bytes(s, WST_S2C, 2, "\x40\2\0\1", 4),
            "[{\"name\":\"PUBACK\",\"fields\":{\"id\":1}}]");
    for (int i = 0; i < 2; i++) said_is(said_bytes(s, WST_C2S, 2, "\xc0\0\xc0\0", 4), "[]");
    said_is(said_bytes(s, WST_C2S, 2, "\xc0\0\xc0", 3), "[]"); /* not whole: from the beginning */
    for (int i = 0; i < 3; i++) said_is(said_bytes(s, WST_C2S, 2, "\xc0\0", 2), "[]");
    said_is(said_bytes(s, WST_C2S, 2, "\xc0\0", 2), ping);
    said_is(said_bytes(s, WST_S2C, 2, "\xd0\0", 2),
            "[{\"name\":\"PINGRESP\",\"answers\":10,\"after\":1.0}]");
    assert_null(strstr(said_end(s), "certain"));

    said_again(s); /* an alias of before the hole */
    said_open(s, "mqtt", "/");
    said_bytes(s, WST_C2S, 2, CONNECT_5, sizeof CONNECT_5 - 1);
    said_bytes(s, WST_C2S, 2, "\x30\7\0\1t\3\x23\0\1", 9);
    said_is(said_cut(s, WST_C2S, 2, "\x30\7\0\1u\3\x23\0\1", 9, 1), "[]");
    for (int i = 0; i < 3; i++) said_is(said_bytes(s, WST_C2S, 2, "\xc0\0", 2), "[]");
    said_is(said_bytes(s, WST_C2S, 2, "\x30\6\0\0\3\x23\0\1", 8),
            "[{\"name\":\"PUBLISH\",\"fields\":{\"qos\":0,\"topic_alias\":1},\"text\":\"\"}]");
}

/* Nobody heard whether the question was answered behind the hole: what bears its id later is
 * another. The same where what was heard was not MQTT. */
static void unheard(void **state)
{
    static const char ask[] = "\x32\5\0\1t\0\1", answer[] = "\x40\2\0\1";
    struct said *s = *state;
    for (int strange = 0; strange < 2; strange++) {
        said_again(s);
        said_open(s, "mqtt", "/");
        said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1);
        said_bytes(s, WST_S2C, 2, "\x20\2\0\0", 4);
        if (!strange) said_gap(s, WST_C2S);
        said_bytes(s, WST_S2C, 2, ask, 7); /* message 3 */
        if (strange) said_is(said_text(s, WST_C2S, "x"), "[] strange");
        said_bytes(s, WST_C2S, 2, answer, 4); /* in doubt */
        for (int i = 0; i < 2; i++) said_bytes(s, WST_C2S, 2, "\xc0\0", 2);
        said_bytes(s, WST_S2C, 2, ask, 7);
        said_is(said_bytes(s, WST_C2S, 2, answer, 4),
                strange
                    ? "[{\"name\":\"PUBACK\",\"fields\":{\"id\":1},\"answers\":8,\"after\":1.0}]"
                    : "[{\"name\":\"PUBACK\",\"fields\":{\"id\":1},\"answers\":7,\"after\":1.0}]");
        assert_null(strstr(said_end(s), "unanswered_msg"));
    }
}

/* What is sent again is the same question, of which one answer may come, or two. */
static void sent_again(void **state)
{
    static const char ask[] = "\x32\5\0\1t\0\1", again[] = "\x3a\5\0\1t\0\1";
    struct said *s = *state;
    for (int answers = 1; answers <= 2; answers++) {
        said_again(s);
        said_open(s, "mqtt", "/");
        said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1);
        said_bytes(s, WST_S2C, 2, "\x20\2\0\0", 4);
        said_bytes(s, WST_C2S, 2, ask, 7);
        said_bytes(s, WST_C2S, 2, again, 7);
        said_is(said_bytes(s, WST_S2C, 2, "\x40\2\0\1", 4),
                "[{\"name\":\"PUBACK\",\"fields\":{\"id\":1},\"answers\":3,\"after\":2.0}]");
        if (answers == 2)
            said_is(said_bytes(s, WST_S2C, 2, "\x40\2\0\1", 4),
                    "[{\"name\":\"PUBACK\",\"fields\":{\"id\":1}}]");
        said_bytes(s, WST_C2S, 2, ask, 7);
        const char *puback = said_bytes(s, WST_S2C, 2, "\x40\2\0\1", 4);
        assert_non_null(strstr(puback, answers == 2 ? "\"answers\":7" : "\"answers\":6"));
        const char *end = said_end(s);
        assert_non_null(strstr(end, "\"asked\":3,\"answered\":3"));
        assert_null(strstr(end, "unanswered_msg"));
    }
    said_again(s);
    said_open(s, "mqtt", "/");
    said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1);
    for (int i = 0; i < 2; i++) {
        said_bytes(s, WST_C2S, 2, i ? "\x3c\5\0\1t\0\1" : "\x34\5\0\1t\0\1", 7);
        said_bytes(s, WST_S2C, 2, "\x50\2\0\1", 4);
    }
    said_bytes(s, WST_C2S, 2, "\x62\2\0\1", 4);
    said_bytes(s, WST_S2C, 2, "\x70\2\0\1", 4);
    assert_non_null(strstr(said_end(s), "\"s2c\":{\"packets\":3,\"asked\":1,\"answered\":1,"));
}

/* Without the CONNECT nobody knows the version: what is laid out alike is told. */
static void version_unknown(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, "mqtt", "/");
    said_gap(s, WST_C2S);
    said_is(said_bytes(s, WST_S2C, 2, "\x30\6\0\1t\0hi", 8),
            "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":0}}]");
    said_is(said_bytes(s, WST_S2C, 2, "\x90\3\0\1\0", 5),
            "[{\"name\":\"SUBACK\",\"fields\":{\"id\":1}}]");
    said_is(said_bytes(s, WST_S2C, 2, "\x20\3\0\0\0", 5), /* one of 5.0 */
            "[{\"name\":\"CONNACK\",\"fields\":{\"session_present\":false,\"reason_code\":0,"
            "\"reason\":\"Success\"}}]");
    said_is(said_bytes(s, WST_S2C, 2, "\x30\6\0\1t\0hi", 8),
            "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":0},\"text\":\"hi\"}]");
    said_again(s); /* of 3.1 or 3.1.1: DUP is of the former */
    said_open(s, "mqtt", "/");
    said_gap(s, WST_C2S);
    said_bytes(s, WST_S2C, 2, "\x20\2\0\0", 4);
    for (int i = 0; i < 3; i++) said_is(said_bytes(s, WST_C2S, 2, "\x6a\2\0\1", 4), "[]");
    said_is(said_bytes(s, WST_C2S, 2, "\x6a\2\0\1", 4),
            "[{\"name\":\"PUBREL\",\"fields\":{\"id\":1}}]");
    said_again(s); /* of the future */
    said_open(s, "mqtt", "/");
    said_is(said_bytes(s, WST_C2S, 2, "\x10\x0c\0\4MQTT\6whoof", 14),
            "[{\"name\":\"CONNECT\",\"fields\":{\"protocol_name\":\"MQTT\","
            "\"protocol_version\":6}}]");
}

/* 3.1: its name, DUP on what is sent again, names that are announced and not there, bridges. */
static void older(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, "mqttv3.1", "/");
    said_is(said_bytes(s, WST_C2S, 2, "\x10\x0f\0\6MQIsdp\x83\xc2\0\0\0\1c", 17),
            "[{\"name\":\"CONNECT\",\"fields\":{\"protocol_name\":\"MQIsdp\","
            "\"protocol_version\":3,\"bridge\":true,\"clean_session\":true,\"keep_alive\":0,"
            "\"client_id\":\"c\"}}]");
    said_is(said_bytes(s, WST_C2S, 2, "\x8a\6\0\1\0\1a\1", 8),
            "[{\"name\":\"SUBSCRIBE\",\"fields\":{\"id\":1,\"topic_filters\":[\"a\"],"
            "\"requested_qos\":[1]}}]");
    said_is(said_bytes(s, WST_S2C, 2, "\x20\2\0\2", 4),
            "[{\"name\":\"CONNACK\",\"error\":true,\"fields\":{\"session_present\":false,"
            "\"return_code\":2,\"reason\":\"Connection Refused, identifier rejected\"},"
            "\"answers\":1,\"after\":2.0}]");
}

/* Of a packet over many messages a part is kept; the rest is counted. What follows in the same
 * message does not spoil what was said. */
static void large(void **state)
{
    struct said *s = *state;
    enum { PIECE = 65536, PIECES = 20 };
    static uint8_t piece[PIECE];
    const size_t size = (size_t)PIECE * PIECES;
    uint8_t head[] = {
        0x30, 0x80 | (size & 0x7f), 0x80 | (size >> 7 & 0x7f), (uint8_t)(size >> 14), 0, 1, 't'};
    said_again(s);
    said_open(s, "mqtt", "/");
    said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1);
    memset(piece, 'x', PIECE);
    said_is(said_bytes(s, WST_C2S, 2, head, sizeof head), "[] unfinished");
    for (int i = 0; i < PIECES - 1; i++)
        said_is(said_bytes(s, WST_C2S, 2, piece, PIECE), "[] unfinished");
    piece[PIECE - 3] = 0x32;
    piece[PIECE - 2] = 50;
    const char *said = said_bytes(s, WST_C2S, 2, piece, PIECE - 1);
    json_t *all = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL), *one = json_array_get(all, 0);
    assert_int_equal(json_array_size(all), 1);
    size_t kept = json_string_length(json_object_get(one, "text"));
    assert_true(kept > 1000000 && kept < size);
    assert_int_equal(kept + (size_t)json_integer_value(json_object_get(one, "omitted")), size - 3);
    assert_int_equal(strspn(json_string_value(json_object_get(one, "text")), "x"), kept);
    json_decref(all);
    assert_non_null(strstr(said, "unfinished"));
    assert_null(strstr(said_end(s), "certain"));
}

/* Two that are spread: the bytes of the first are still there when the second begins. */
static void two_spread(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, "mqtt", "/");
    said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1);
    said_bytes(s, WST_C2S, 2, "\x30\5\0\1t", 5);
    said_is(said_bytes(s, WST_C2S, 2, "ab\x30\5\0\1uc", 8),
            "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"t\",\"qos\":0},\"text\":\"ab\","
            "\"first_msg\":2}] unfinished");
    said_is(said_bytes(s, WST_C2S, 2, "d\xe0\1", 3),
            "[{\"name\":\"PUBLISH\",\"fields\":{\"topic\":\"u\",\"qos\":0},\"text\":\"cd\","
            "\"first_msg\":3}] unfinished");
    said_is(said_bytes(s, WST_C2S, 2, "\0", 1), "[] strange"); /* a reason, of 3.1.1 */
}

/* No other talk is taken for it. */
static void not_of_it(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, NULL, "/mqtt");
    said_is(said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 2), "");
    said_is(said_bytes(s, WST_C2S, 2, CONNECT_3, sizeof CONNECT_3 - 1), ""); /* not the first */
    said_again(s);
    said_open(s, NULL, "/mqtt");
    said_is(said_bytes(s, WST_S2C, 2, CONNECT_3, sizeof CONNECT_3 - 1), "");
    said_again(s);
    said_open(s, NULL, "/mqtt");
    said_is(said_bytes(s, WST_C2S, 1, CONNECT_3, sizeof CONNECT_3 - 1), "");
}

/* Whatever comes: what is said is JSON, and no byte is read that is not there. */
static void noise(void **state)
{
    struct said *s = *state;
    uint64_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        const struct row *rows = i & 1 ? five : three;
        size_t n = i & 1 ? ARRAY(five) : ARRAY(three);
        said_again(s);
        said_open(s, "mqtt", "/");
        for (size_t r = 0; r < n; r++) {
            uint8_t bytes[256];
            memcpy(bytes, rows[r].bytes.p, rows[r].bytes.n);
            if (rnd_below(&seed, 4) == 0)
                bytes[rnd_below(&seed, rows[r].bytes.n)] = (uint8_t)rnd_below(&seed, 256);
            said_bytes(s, rows[r].dir, 2, bytes, rows[r].bytes.n);
        }
        said_end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet),   cmocka_unit_test(split_anywhere),
        cmocka_unit_test(cut_everywhere), cmocka_unit_test(strange),
        cmocka_unit_test(lost),           cmocka_unit_test(version_unknown),
        cmocka_unit_test(older),          cmocka_unit_test(large),
        cmocka_unit_test(two_spread),     cmocka_unit_test(not_of_it),
        cmocka_unit_test(noise),          cmocka_unit_test(unheard),
        cmocka_unit_test(sent_again),
    };
    return cmocka_run_group_tests(tests, said_set_up, said_take_down);
}
