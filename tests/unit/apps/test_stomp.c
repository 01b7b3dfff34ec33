/* SPDX-License-Identifier: MIT
 *
 * STOMP: every frame of the specifications; cut, split, and with something lost in between.
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

static const struct row frames[] = {
    C("CONNECT\naccept-version:1.0,1.1,1.2\nhost:a\\b\nlogin:me\npasscode:secret\n"
      "heart-beat:0,10\nx:y\n\n\0",
      "[{\"name\":\"CONNECT\",\"fields\":{\"accept_version\":\"1.0,1.1,1.2\",\"host\":\"a\\\\b\","
      "\"login\":\"me\",\"passcode\":true,\"heart_beat\":\"0,10\"}}]"),
    S("CONNECTED\r\nversion:1.2\r\nsession:7\r\nserver:lab/1\r\n\r\n\0\r\n",
      "[{\"name\":\"CONNECTED\",\"fields\":{\"version\":\"1.2\",\"server\":\"lab/1\","
      "\"session\":\"7\"},\"answers\":1,\"after\":1.0}]"),
    C("SEND\ndestination:/queue/a\\cb\\\\\\r\\n\ncontent-type:text/plain\nreceipt:r1\n\nhello\0\n",
      "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"/queue/a:b\\\\\\r\\n\","
      "\"receipt\":\"r1\",\"content_type\":\"text/plain\"},\"text\":\"hello\"}]"),
    S("RECEIPT\nreceipt-id:r1\n\n\0", "[{\"name\":\"RECEIPT\",\"fields\":{\"receipt_id\":\"r1\"},"
                                      "\"answers\":3,\"after\":1.0}]"),
    C("SUBSCRIBE\nid:0\ndestination:/queue/foo\nack:client\n\n\0",
      "[{\"name\":\"SUBSCRIBE\",\"fields\":{\"destination\":\"/queue/foo\",\"id\":\"0\","
      "\"ack\":\"client\"}}]"),
    S("MESSAGE\nsubscription:0\nmessage-id:007\nack:x\ndestination:/queue/a\nmessage-id:8\n"
      "content-length:3\n\na\0\xff\0",
      "[{\"name\":\"MESSAGE\",\"fields\":{\"destination\":\"/queue/a\",\"ack\":\"x\","
      "\"subscription\":\"0\",\"message_id\":\"007\",\"content_length\":3},\"b64\":\"YQD/\"}]"),
    C("NACK\nid:x\ntransaction:t\n\n\0",
      "[{\"name\":\"NACK\",\"error\":true,\"fields\":{\"id\":\"x\",\"transaction\":\"t\"},"
      "\"answers\":6,\"after\":1.0}]"),
    C("ACK\nid:y\n\n\0", "[{\"name\":\"ACK\",\"fields\":{\"id\":\"y\"}}]"),
    C("BEGIN\ntransaction:t\n\n\0", "[{\"name\":\"BEGIN\",\"fields\":{\"transaction\":\"t\"}}]"),
    C("COMMIT\ntransaction:t\n\n\0", "[{\"name\":\"COMMIT\",\"fields\":{\"transaction\":\"t\"}}]"),
    C("ABORT\ntransaction:t\n\n\0", "[{\"name\":\"ABORT\",\"fields\":{\"transaction\":\"t\"}}]"),
    C("UNSUBSCRIBE\nid:0\n\n\0", "[{\"name\":\"UNSUBSCRIBE\",\"fields\":{\"id\":\"0\"}}]"),
    C("DISCONNECT\nreceipt:77\n\n\0",
      "[{\"name\":\"DISCONNECT\",\"fields\":{\"receipt\":\"77\"}}]"),
    S("ERROR\nreceipt-id:77\nmessage:malformed frame\ncontent-type:text/plain\n\nwhy\0",
      "[{\"name\":\"ERROR\",\"error\":true,\"fields\":{\"receipt_id\":\"77\","
      "\"message\":\"malformed frame\",\"content_type\":\"text/plain\"},\"text\":\"why\","
      "\"answers\":13,\"after\":1.0}]"),
};

static void talk(struct said *s, const char *subprotocol, size_t n)
{
    said_again(s);
    said_open(s, subprotocol, "/stomp");
    for (size_t i = 0; i < n; i++)
        said_is(said_bytes(s, frames[i].dir, 1, frames[i].bytes.p, frames[i].bytes.n),
                frames[i].said);
}

static void every_frame(void **state)
{
    struct said *s = *state;
    static const char end[] =
        "stomp {\"certain\":true,"
        "\"c2s\":{\"packets\":10,\"errors\":1,\"asked\":3,\"answered\":3,\"slowest_msg\":1,"
        "\"slowest\":1.0},"
        "\"s2c\":{\"packets\":4,\"errors\":1,\"asked\":1,\"answered\":1,\"slowest_msg\":6,"
        "\"slowest\":1.0}}";
    talk(s, "v12.stomp", ARRAY(frames));
    said_is(said_end(s), end);
    talk(s, NULL, ARRAY(frames)); /* nobody says what is spoken: a CONNECT does */
    said_is(said_end(s), end);
}

static bool only_line_ends(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\n' && s.p[i] != '\r') return false;
    return true;
}

/* What was said, but for the message that a frame began in, and when it came. */
static char *timeless(const char *said)
{
    json_t *all = json_loads(said, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL), *one;
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

/* Every frame in two messages, split everywhere, and in messages of one byte. */
static void split_anywhere(void **state)
{
    struct said *s = *state;
    for (size_t i = 0; i < ARRAY(frames); i++) {
        struct wst_slice b = frames[i].bytes;
        while (only_line_ends((struct wst_slice){b.p + b.n - 1, 1})) b.n--;
        for (size_t at = 1; at < b.n; at++) {
            talk(s, "v12.stomp", i);
            said_is(said_bytes(s, frames[i].dir, 1, b.p, at), "[] unfinished");
            same_but_for_time(said_bytes(s, frames[i].dir, 1, b.p + at, b.n - at), frames[i].said);
        }
        talk(s, "v12.stomp", i);
        for (size_t at = 0; at + 1 < b.n; at++)
            said_is(said_bytes(s, frames[i].dir, 2, b.p + at, 1), "[] unfinished");
        same_but_for_time(said_bytes(s, frames[i].dir, 2, b.p + b.n - 1, 1), frames[i].said);
    }
}

#define HELLO "CONNECT\naccept-version:1.2\n\n"

static void several(void **state)
{
    struct said *s = *state;
    static const char two[] = "BEGIN\ntransaction:t\n\n\0\n\nSEND\ndestination:a\n\nab";
    said_again(s);
    said_open(s, "v12.stomp", "/");
    said_is(said_text(s, WST_S2C, "\n"), "[{\"name\":\"heart-beat\"}]");
    said_is(said_text(s, WST_C2S, "\r\n\n"), "[{\"name\":\"heart-beat\"}]");
    said_is(said_bytes(s, WST_C2S, 1, two, sizeof two - 1),
            "[{\"name\":\"BEGIN\",\"fields\":{\"transaction\":\"t\"}}] unfinished");
    said_is(said_text(s, WST_C2S, "\n"), "[] unfinished"); /* of the body, no heart-beat */
    said_is(said_bytes(s, WST_C2S, 1, "c\0SEND\ndestination:b\n\nd", 23),
            "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"a\"},\"text\":\"ab\\nc\","
            "\"first_msg\":3}] unfinished");
    said_is(said_bytes(s, WST_C2S, 1, "e", 2),
            "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"b\"},\"text\":\"de\","
            "\"first_msg\":5}]");
}

static void strange(void **state)
{
    struct said *s = *state;
    static const struct wst_slice rows[] = {
        SLICE("HELLO\n\n\0"),                                  /* no command */
        SLICE("send\ndestination:a\n\n\0"),                    /* they are in capitals */
        SLICE("RECEIPT\nreceipt-id:1\n\n\0"),                  /* a server's */
        SLICE("SEND\ndestination\n\n\0"),                      /* a header without a colon */
        SLICE("SEND\n:a\n\n\0"),                               /* and one without a name */
        SLICE("SEND\ndestination:\0\n\n\0"),                   /* NUL in a head */
        SLICE("SEND\ndestination:a\ncontent-length:-1\n\n\0"), /* lengths that are none */
        SLICE("SEND\ndestination:a\ncontent-length:\n\n\0"),
        SLICE("SEND\ndestination:a\ncontent-length:9999999999999999\n\n\0"),
        SLICE("SEND\ndestination:a\ncontent-length:1\n\nab\0"), /* a body that is longer */
        SLICE("{\"a\":1}\n\n"),
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(s);
        said_open(s, "v12.stomp", "/");
        said_bytes(s, WST_C2S, 1, HELLO, sizeof HELLO);
        said_is(said_bytes(s, WST_C2S, 1, rows[i].p, rows[i].n), "[] strange");
        said_is(said_text(s, WST_C2S, "\n"), "[]"); /* may be the end of anything */
        said_is(said_bytes(s, WST_C2S, 1, "ACK\nid:1\n\n", 11),
                "[{\"name\":\"ACK\",\"fields\":{\"id\":\"1\"}}]");
        assert_null(strstr(said_end(s), "certain"));
    }
    said_again(s); /* no destination; an escape of no version. Where they end is certain */
    said_open(s, "v12.stomp", "/");
    said_bytes(s, WST_C2S, 1, HELLO, sizeof HELLO);
    said_is(said_bytes(s, WST_C2S, 1, "SEND\n\nx", 8), "[] strange");
    said_is(said_bytes(s, WST_C2S, 1, "SEND\ndestination:a\\t\n\nx", 24), "[] strange");
    said_is(said_text(s, WST_C2S, "\n"), "[{\"name\":\"heart-beat\"}]");
}

/* Escapes of versions: 1.0 has none; of no known version an escaped value is not told. */
static void versions(void **state)
{
    struct said *s = *state;
    static const char send[] = "SEND\ndestination:a\\c\n\n";
    static const struct {
        const char *subprotocol, *connected, *said;
    } rows[] = {
        {"v12.stomp", NULL, "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"a:\"}}]"},
        {"v10.stomp", NULL, "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"a\\\\c\"}}]"},
        {"stomp", NULL, "[{\"name\":\"SEND\"}]"},
        {"stomp", "CONNECTED\nversion:1.1\n\n",
         "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"a:\"}}]"},
        {"stomp", "CONNECTED\n\n", "[{\"name\":\"SEND\",\"fields\":{\"destination\":\"a\\\\c\"}}]"},
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(s);
        said_open(s, rows[i].subprotocol, "/");
        if (rows[i].connected)
            said_bytes(s, WST_S2C, 1, rows[i].connected, strlen(rows[i].connected) + 1);
        said_is(said_bytes(s, WST_C2S, 1, send, sizeof send), rows[i].said);
    }
}

static void lost(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, "v12.stomp", "/");
    said_bytes(s, WST_C2S, 1, "SEND\ndestination:a\nreceipt:1\n\n", 31);
    said_bytes(s, WST_C2S, 1, "SEND\ndestination:a\n\nx", 21);
    said_gap(s, WST_C2S);
    said_is(said_text(s, WST_C2S, "ACK\nid:1\n\n"), "[]");                /* not whole */
    said_is(said_bytes(s, WST_C2S, 1, "x", 2), "[]");                     /* an end of another */
    said_is(said_bytes(s, WST_C2S, 1, "ACK\nid:1\n\n\0ACK\n", 15), "[]"); /* not all of it */
    said_is(said_bytes(s, WST_S2C, 1, "RECEIPT\nreceipt-id:1\n\n", 23),
            "[{\"name\":\"RECEIPT\",\"fields\":{\"receipt_id\":\"1\"}}]");
    said_is(said_bytes(s, WST_C2S, 1, "ACK\nid:2\n\n\0\n", 12),
            "[{\"name\":\"ACK\",\"fields\":{\"id\":\"2\"}}]");
    said_is(said_cut(s, WST_C2S, 1, "ACK\nid:3\n\n", 11, 3), "[]");
    said_is(said_text(s, WST_C2S, "\n"), "[]");
    assert_null(strstr(said_end(s), "certain"));

    said_again(s); /* the answer was not heard: what bears its id later is another */
    said_open(s, "v12.stomp", "/");
    said_gap(s, WST_S2C);
    said_bytes(s, WST_C2S, 1, "BEGIN\ntransaction:a\nreceipt:1\n\n", 32);
    said_is(said_bytes(s, WST_S2C, 1, "1\n\n\0RECEIPT\nreceipt-id:1\n\n", 27), "[]");
    said_bytes(s, WST_C2S, 1, "COMMIT\ntransaction:a\nreceipt:1\n\n", 33);
    said_is(said_bytes(s, WST_S2C, 1, "RECEIPT\nreceipt-id:1\n\n", 23),
            "[{\"name\":\"RECEIPT\",\"fields\":{\"receipt_id\":\"1\"},\"answers\":3,"
            "\"after\":1.0}]");
    assert_null(strstr(said_end(s), "unanswered_msg"));
}

/* More fields than there is room for: a frame is told with all that it has, or counted. */
static void many_fields(void **state)
{
    static const char frame[] = "SEND\ndestination:a\nversion:1\nhost:h\nserver:s\nsession:1\n"
                                "id:1\nack:1\nsubscription:1\nmessage-id:1\n\n";
    static char all[230 * sizeof frame];
    struct said *s = *state;
    size_t n = 0, told = 0;
    for (; n < sizeof all; n += sizeof frame) memcpy(all + n, frame, sizeof frame);
    said_again(s);
    said_open(s, "v12.stomp", "/");
    const char *said = said_bytes(s, WST_C2S, 1, all, n);
    for (const char *at = said; (at = strstr(at, "\"name\"")); at++, told++) {
        const char *end = strstr(at, "}");
        const char *last = strstr(at, "\"message_id\"");
        assert_true(last && last < end);
    }
    assert_int_equal(told, 2048 / 9);
    assert_non_null(strstr(said, "] omitted"));
    assert_non_null(strstr(said_end(s), "\"packets\":230"));
}

/* Of a frame over many messages a part is kept. */
static void large(void **state)
{
    struct said *s = *state;
    enum { PIECE = 65536, PIECES = 20 };
    static char piece[PIECE];
    said_again(s);
    said_open(s, "v12.stomp", "/");
    said_is(said_text(s, WST_C2S, "SEND\ndestination:a\n\n"), "[] unfinished");
    memset(piece, 'x', PIECE);
    for (int i = 0; i < PIECES; i++)
        said_is(said_bytes(s, WST_C2S, 1, piece, PIECE), "[] unfinished");
    const char *said = said_bytes(s, WST_C2S, 1, "", 1);
    json_t *all = json_loads(said, JSON_DISABLE_EOF_CHECK, NULL), *one = json_array_get(all, 0);
    size_t kept = json_string_length(json_object_get(one, "text"));
    assert_true(kept > 1000000 && kept < (size_t)PIECE * PIECES);
    assert_int_equal(kept + (size_t)json_integer_value(json_object_get(one, "omitted")),
                     PIECE * PIECES);
    json_decref(all);
    said_is(said_bytes(s, WST_C2S, 1, "ACK\nid:1\n\n", 11),
            "[{\"name\":\"ACK\",\"fields\":{\"id\":\"1\"}}]");
    for (int i = 0; i < 2; i++) /* a head that never ends */
        said = said_bytes(s, WST_C2S, 1, piece, PIECE);
    said_is(said, "[]");
    assert_null(strstr(said_end(s), "certain"));
}

/* No other talk is taken for it. */
static void not_of_it(void **state)
{
    struct said *s = *state;
    static const struct row rows[] = {
        C("CONNECT\nhost:a\n\n", ""), /* no NUL */
        C("CONNECT a\nhost:a\n\n\0", ""),   C("CONNECTED\nversion:1.2\n\n\0", ""),
        C("SEND\ndestination:a\n\n\0", ""), C("\n", ""),
        S("CONNECT\nhost:a\n\n\0", ""),     C("CONNECT\nhost:a\n\n\0more", ""),
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(s);
        said_open(s, NULL, "/stomp");
        said_is(said_bytes(s, rows[i].dir, 1, rows[i].bytes.p, rows[i].bytes.n), "");
    }
}

/* Whatever comes: what is said is JSON, and no byte is read that is not there. */
static void noise(void **state)
{
    struct said *s = *state;
    static const char odd[] = "\0\n\r:\\\xff";
    uint64_t seed = 9;
    for (int i = 0; i < 3000; i++) {
        said_again(s);
        said_open(s, "v12.stomp", "/");
        for (size_t r = 0; r < ARRAY(frames); r++) {
            uint8_t bytes[256];
            size_t n = frames[r].bytes.n;
            memcpy(bytes, frames[r].bytes.p, n);
            if (rnd_below(&seed, 4) == 0)
                bytes[rnd_below(&seed, n)] = (uint8_t)odd[rnd_below(&seed, sizeof odd - 1)];
            if (rnd_below(&seed, 8) == 0) n = rnd_below(&seed, n);
            said_bytes(s, frames[r].dir, 1, bytes, n);
        }
        said_end(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame), cmocka_unit_test(split_anywhere),
        cmocka_unit_test(several),     cmocka_unit_test(strange),
        cmocka_unit_test(versions),    cmocka_unit_test(lost),
        cmocka_unit_test(large),       cmocka_unit_test(many_fields),
        cmocka_unit_test(not_of_it),   cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, said_set_up, said_take_down);
}
