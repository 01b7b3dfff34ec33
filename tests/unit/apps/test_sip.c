/* SPDX-License-Identifier: MIT
 *
 * SIP: the examples of RFC 7118 section 8; cut at every byte; transactions; what is no SIP.
 */
#include "said.h"

static const char invite[] = /* section 8.2, F1 */
    "INVITE sip:bob@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks\r\n"
    "From: sip:alice@example.com;tag=asdyka899\r\n"
    "To: sip:bob@example.com\r\n"
    "Call-ID: asidkj3ss\r\n"
    "CSeq: 1 INVITE\r\n"
    "Max-Forwards: 70\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "v=0\n";
static const char invite_said[] =
    "[{\"name\":\"INVITE\",\"fields\":{\"method\":\"INVITE\","
    "\"request_uri\":\"sip:bob@example.com\",\"branch\":\"z9hG4bK56sdasks\","
    "\"call_id\":\"asidkj3ss\",\"cseq\":\"1 INVITE\","
    "\"from\":\"sip:alice@example.com;tag=asdyka899\",\"to\":\"sip:bob@example.com\","
    "\"max_forwards\":70,\"content_type\":\"application/sdp\",\"content_length\":4},"
    "\"text\":\"v=0\\n\"}]";

static const char *send(struct said *s, enum wst_dir dir, const char *start, const char *cseq)
{
    char text[512];
    snprintf(text, sizeof text,
             "%s\r\nv: SIP/2.0/WS a;rport; Branch = z9hG4bK1 ;x=y, SIP/2.0/TCP "
             "b;branch=z9hG4bK9\r\nI: c1\r\nCSeq: %s\r\n\r\n",
             start, cseq);
    return said_text(s, dir, text);
}

#define SAID(name, cseq, more)                                                                   \
    "[{\"name\":" name ",\"branch\":\"z9hG4bK1\",\"call_id\":\"c1\",\"cseq\":\"" cseq "\"}" more \
    "}]"

/* Header values that are numbers, and one that ought to be. */
static void numbers(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, "sip", "/");
    said_is(
        said_text(s, WST_C2S,
                  "NOTIFY sip:b SIP/2.0\r\nCall-ID: c\r\nCSeq: 6 NOTIFY\r\nMax-Forwards: many\r\n"
                  "Expires: 3600\r\nRSeq: 4294967295\r\nl: 0\r\n\r\n"),
        "[{\"name\":\"NOTIFY\",\"fields\":{\"method\":\"NOTIFY\",\"request_uri\":\"sip:b\","
        "\"call_id\":\"c\",\"cseq\":\"6 NOTIFY\",\"max_forwards\":\"many\",\"expires\":3600,"
        "\"rseq\":4294967295,\"content_length\":0}}]");
}

static void dialog(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, "sip", "/");
    said_is(said_text(s, WST_C2S, invite), invite_said);
    said_is(send(s, WST_C2S, "FETCH tel:1 SIP/2.0", "7 FETCH"),
            SAID("\"request\",\"fields\":{\"method\":\"FETCH\",\"request_uri\":\"tel:1\"",
                 "7 FETCH", ""));
    said_is(send(s, WST_C2S, "INVITE sip:b SIP/2.0", "8 INVITE"),
            SAID("\"INVITE\",\"fields\":{\"method\":\"INVITE\",\"request_uri\":\"sip:b\"",
                 "8 INVITE", ""));
    said_is(send(s, WST_S2C, "SIP/2.0 180 Ringing", "8 INVITE"), /* not yet the answer */
            SAID("\"response\",\"fields\":{\"status_code\":180,\"reason_phrase\":\"Ringing\"",
                 "8 INVITE", ""));
    said_is(send(s, WST_C2S, "CANCEL sip:b SIP/2.0", "8 CANCEL"), /* of the same branch */
            SAID("\"CANCEL\",\"fields\":{\"method\":\"CANCEL\",\"request_uri\":\"sip:b\"",
                 "8 CANCEL", ""));
    said_is(send(s, WST_S2C, "SIP/2.0 200 ", "8 CANCEL"),
            SAID("\"response\",\"fields\":{\"status_code\":200,\"reason_phrase\":\"\"", "8 CANCEL",
                 ",\"answers\":5,\"after\":1.0"));
    said_is(send(s, WST_S2C, "SIP/2.0 487 Request Terminated", "8 INVITE"),
            SAID("\"response\",\"error\":true,\"fields\":{\"status_code\":487,"
                 "\"reason_phrase\":\"Request Terminated\"",
                 "8 INVITE", ",\"answers\":3,\"after\":4.0"));
    said_is(send(s, WST_C2S, "ACK sip:b SIP/2.0", "8 ACK"), /* asks nothing */
            SAID("\"ACK\",\"fields\":{\"method\":\"ACK\",\"request_uri\":\"sip:b\"", "8 ACK", ""));
    said_is(
        send(s, WST_C2S, "BYE sip:b SIP/2.0", "9 INVITE"), /* they disagree: no transaction */
        SAID("\"BYE\",\"fields\":{\"method\":\"BYE\",\"request_uri\":\"sip:b\"", "9 INVITE", ""));
    said_is(said_text(s, WST_C2S, "\r\n\r\n"), "[{\"name\":\"ping\"}]");
    said_is(said_text(s, WST_S2C, "\r\n"), "[{\"name\":\"pong\",\"answers\":10,\"after\":1.0}]");
    said_is(said_end(s), "sip {\"certain\":true,\"c2s\":{\"packets\":7,\"asked\":5,\"answered\":3,"
                         "\"slowest_msg\":3,\"slowest\":4.0,\"unanswered_msg\":1},"
                         "\"s2c\":{\"packets\":4,\"errors\":1}}");
}

/* Passwords are not told; lines that go on are. */
static void headers(void **state)
{
    struct said *s = *state;
    said_again(s);
    said_open(s, NULL, "/"); /* it sounds like it */
    said_is(said_text(s, WST_C2S,
                      "REGISTER sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 2\r\n\tREGISTER\r\n"
                      "Authorization: Digest response=\"1\"\r\nSubject: none\r\n\r\n"),
            "[{\"name\":\"REGISTER\",\"fields\":{\"method\":\"REGISTER\",\"request_uri\":\"sip:a\","
            "\"call_id\":\"x\",\"cseq\":\"2\\r\\n\\tREGISTER\",\"authorization\":true}}]");
    /* Of each the first, by whichever of its names, in any case. */
    said_is(said_text(s, WST_C2S,
                      "OPTIONS sip:a SIP/2.0\r\nX: 1\r\nI: x\r\ncall-id: y\r\ni: z\r\n"
                      "CSEQ: 3 OPTIONS\r\nE: 4\r\nt:\r\nTo: b\r\n\r\n"),
            "[{\"name\":\"OPTIONS\",\"fields\":{\"method\":\"OPTIONS\",\"request_uri\":\"sip:a\","
            "\"call_id\":\"x\",\"cseq\":\"3 OPTIONS\",\"to\":\"\"}}]");
    said_is(
        said_text(s, WST_C2S, "REGISTER sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 2REGISTER\r\n\r\n"),
        "[] strange");
}

/* Fewer bytes are no message: its length or its empty line tells. */
static void cut_everywhere(void **state)
{
    struct said *s = *state;
    for (size_t n = 1; n < sizeof invite - 1; n++) {
        said_again(s);
        said_open(s, "sip", "/");
        said_is(said_bytes(s, WST_C2S, 1, invite, n), "[] strange");
        said_again(s);
        said_open(s, NULL, "/");
        said_is(said_bytes(s, WST_C2S, 1, invite, n), "");
    }
    said_again(s);
    said_open(s, NULL, "/");
    said_is(said_bytes(s, WST_C2S, 2, invite, sizeof invite - 1), invite_said);
}

static void not_of_it(void **state)
{
    struct said *s = *state;
    static const char *const rows[] = {
        "GET sip:a HTTP/1.1\r\nCall-ID: x\r\nCSeq: 1 GET\r\n\r\n",
        "INVITE sip:a SIP/2.0\nCall-ID: x\nCSeq: 1 INVITE\n\n",       /* lines end with CR LF */
        "INVITE sip:a SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n",             /* no Call-ID */
        "INVITE sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: INVITE\r\n\r\n", /* no number */
        "INVITE sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1\r\n\r\n",      /* no method */
        "INVITE a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",   /* no URI */
        "INVITE  sip:a SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
        "SIP/2.0 99 Low\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
        "SIP/2.0 700 High\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
        "SIP/3.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
        "SIP/2.0 200 OK\r\nCall-ID x\r\nCSeq: 1 INVITE\r\n\r\n", /* no colon */
        "SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nl: 1\r\n\r\n",
        "SIP/2.0 200 OK\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nl: 1\r\n\r\nab",
        "\r\n\r\n\r\n",
        "",
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        said_again(s);
        said_open(s, NULL, "/");
        said_is(said_text(s, WST_C2S, rows[i]), "");
        said_again(s);
        said_open(s, "sip", "/");
        said_is(said_text(s, WST_C2S, rows[i]), "[] strange");
    }
}

/* Whatever comes: what is said is JSON, and no byte is read that is not there. */
static void noise(void **state)
{
    struct said *s = *state;
    static const char odd[] = "\0\n\r:; ,=\xff";
    uint64_t seed = 11;
    said_again(s);
    said_open(s, "sip", "/");
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[sizeof invite];
        memcpy(bytes, invite, sizeof invite);
        for (int k = 0; k < 2; k++)
            bytes[rnd_below(&seed, sizeof invite - 1)] =
                (uint8_t)odd[rnd_below(&seed, sizeof odd - 1)];
        said_bytes(s, WST_C2S, 1, bytes, sizeof invite - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),        cmocka_unit_test(dialog),    cmocka_unit_test(headers),
        cmocka_unit_test(cut_everywhere), cmocka_unit_test(not_of_it), cmocka_unit_test(noise),
    };
    return cmocka_run_group_tests(tests, said_set_up, said_take_down);
}
