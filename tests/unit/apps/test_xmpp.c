/* SPDX-License-Identifier: MIT */
#include "said.h"

#define NS "xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\""

/* The example of RFC 7395 section 3.5 and those of RFC 6120 section 6 and 8, shortened. */
static void conversation(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S, "<open " NS " to=\"example.com\" version=\"1.0\" />",
         "[{\"name\":\"open\",\"fields\":{\"to\":\"example.com\",\"version\":\"1.0\"}}]"},
        {WST_S2C, "<open " NS " from=\"example.com\" id='++TR84' version=\"1.0\"/>",
         "[{\"name\":\"open\",\"fields\":{\"id\":\"++TR84\",\"from\":\"example.com\","
         "\"version\":\"1.0\"},\"answers\":1,\"after\":1.0}]"},
        {WST_S2C, "<stream:features xmlns:stream='s'><x/></stream:features>",
         "[{\"name\":\"stream:features\",\"text\":\"<x/>\"}]"},
        {WST_C2S, "<auth xmlns='x' mechanism='SCRAM-SHA-1'>biwsbj1qdWxp</auth>",
         "[{\"name\":\"auth\",\"fields\":{\"mechanism\":\"SCRAM-SHA-1\"}}]"},
        {WST_S2C, "<challenge>cj1v</challenge>",
         "[{\"name\":\"challenge\",\"answers\":4,\"after\":1.0}]"},
        {WST_C2S, "<response>Yz1i</response>",
         "[{\"name\":\"response\",\"answers\":5,\"after\":1.0}]"},
        {WST_S2C, "<success>dj1w</success>",
         "[{\"name\":\"success\",\"answers\":6,\"after\":1.0}]"},
        {WST_C2S, "<iq id='1' type='set'><bind/></iq>",
         "[{\"name\":\"iq\",\"fields\":{\"type\":\"set\",\"id\":\"1\"},\"text\":\"<bind/>\"}]"},
        {WST_S2C, "<iq type='get' id='1' from='a@b'><ping/></iq>",
         "[{\"name\":\"iq\",\"fields\":{\"type\":\"get\",\"id\":\"1\",\"from\":\"a@b\"},"
         "\"text\":\"<ping/>\"}]"},
        {WST_S2C, "<iq type='get' id='1' from='c@d'/>",
         "[{\"name\":\"iq\",\"fields\":{\"type\":\"get\",\"id\":\"1\",\"from\":\"c@d\"}}]"},
        {WST_S2C, "<iq id='1' type='result' from='x'></iq >",
         "[{\"name\":\"iq\",\"fields\":{\"type\":\"result\",\"id\":\"1\",\"from\":\"x\"},"
         "\"answers\":8,\"after\":3.0}]"},
        {WST_C2S, "<iq id='1' type='error' to='c@d'><error/></iq>",
         "[{\"name\":\"iq\",\"error\":true,\"fields\":{\"type\":\"error\",\"id\":\"1\","
         "\"to\":\"c@d\"},\"text\":\"<error/>\",\"answers\":10,\"after\":2.0}]"},
        {WST_C2S, "<message to='a' type='chat'><body>hé &lt;</body></message>",
         "[{\"name\":\"message\",\"fields\":{\"type\":\"chat\",\"to\":\"a\"},"
         "\"text\":\"<body>hé &lt;</body>\"}]"},
        {WST_C2S, "<presence/>", "[{\"name\":\"presence\"}]"},
        {WST_C2S, "<r xmlns='urn:xmpp:sm:3'/>", "[{\"name\":\"r\"}]"},
        {WST_S2C, "<a xmlns='urn:xmpp:sm:3' h='1'/>",
         "[{\"name\":\"a\",\"fields\":{\"h\":\"1\"},\"answers\":15,\"after\":1.0}]"},
        {WST_S2C, "<stream:error><x/></stream:error>",
         "[{\"name\":\"stream:error\",\"error\":true,\"fields\":{\"condition\":\"x\"},"
         "\"text\":\"<x/>\"}]"},
        {WST_S2C, "<new:thing a=\">\" id='7'/>",
         "[{\"name\":\"element\",\"fields\":{\"name\":\"new:thing\",\"id\":\"7\"}}]"},
        {WST_S2C, "<close " NS " see-other-uri='wss://o'/>",
         "[{\"name\":\"close\",\"fields\":{\"see_other_uri\":\"wss://o\"}}]"},
        {WST_C2S, "<close " NS "/>", "[{\"name\":\"close\",\"answers\":19,\"after\":1.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, NULL, "/ws"); /* by its sound */
    said_talk(&s, rows, ARRAY(rows));
    said_is(said_end(&s), "xmpp {\"certain\":true,\"c2s\":{\"packets\":9,\"errors\":1,\"asked\":5,"
                          "\"answered\":5,\"slowest_msg\":8,\"slowest\":3.0},\"s2c\":{"
                          "\"packets\":11,\"errors\":1,\"asked\":4,\"answered\":3,"
                          "\"slowest_msg\":10,\"slowest\":2.0,\"unanswered_msg\":9}}");
    said_free(&s);
}

/* XEP-0388, of which nothing is shown that shows who somebody is. */
static void sasl2(void **state)
{
    static const struct said_row rows[] = {
        {WST_C2S,
         "<authenticate mechanism='PLAIN'><initial-response>AGEAYg==</initial-response>"
         "</authenticate>",
         "[{\"name\":\"authenticate\",\"fields\":{\"mechanism\":\"PLAIN\"}}]"},
        {WST_S2C, "<continue><tasks><task>TOTP</task></tasks></continue>",
         "[{\"name\":\"continue\",\"answers\":1,\"after\":1.0}]"},
        {WST_C2S, "<next task='TOTP'>123456</next>", "[{\"name\":\"next\"}]"},
        {WST_S2C, "<success><authorization-identifier>a@b</authorization-identifier></success>",
         "[{\"name\":\"success\",\"answers\":3,\"after\":1.0}]"},
    };
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "xmpp", "/");
    said_talk(&s, rows, ARRAY(rows));
    said_free(&s);
}

/* The name that says why; NULL: nothing does. */
static void conditions(void **state)
{
    static const struct {
        const char *inside, *of_stanza, *of_failure;
    } rows[] = {
        {"<error><gone/></error>", "gone", "error"},
        {"<error type='cancel'><text>no</text><gone a='>'>x</gone></error>", "gone", "error"},
        {"<query><item><error><no/></error></item></query><error ><gone/></error>", "gone",
         "query"},
        {"<error/><b><not/></b>", NULL, "error"},
        {"<error><text>&lt;a></text></error>", NULL, "error"},
        {"<text>because</text> <gone/>", NULL, "gone"},
        {"<text><a/></text><p:gone\nx=\"'/>\"/>", NULL, "p:gone"},
        {"because", NULL, NULL},
        {"<![CDATA[<error>]]><error><gone/></error>", NULL, NULL},
        {"</r><error><gone/></error>", NULL, NULL},
        {"<error", NULL, NULL},
        {"<error a='", NULL, NULL},
        {"<", NULL, NULL},
    };
    struct said s;
    char text[256], told[512], why[64];
    (void)state;
    said_new(&s);
    said_open(&s, "xmpp", "/");
    for (size_t i = 0; i < 2 * ARRAY(rows); i++) {
        bool stanza = i % 2;
        const char *name = stanza ? "message" : "failure", *inside = rows[i / 2].inside,
                   *is = stanza ? rows[i / 2].of_stanza : rows[i / 2].of_failure,
                   *type = stanza ? "\"type\":\"error\"" : "";
        snprintf(text, sizeof text, "<%s%s>%s</%s>", name, stanza ? " type='error'" : "", inside,
                 name);
        snprintf(why, sizeof why, "%s\"condition\":\"%s\"", stanza ? "," : "", is ? is : "");
        snprintf(told, sizeof told, "[{\"name\":\"%s\",\"error\":true%s%s%s%s,", name,
                 *type || is ? ",\"fields\":{" : "", type, is ? why : "", *type || is ? "}" : "");
        assert_int_equal(strncmp(said_text(&s, WST_S2C, text), told, strlen(told)), 0);
    }
    said_free(&s);
}

static void strangers(void **state)
{
    static const char *const rows[] = {
        "",
        " <r/>",
        "<r/> ",
        "r",
        "<",
        "<>",
        "</r>",
        "<r",
        "<r/",
        "<r / >",
        "<!-- r -->",
        "<?xml v='1'?><r/>",
        "<r></a>",
        "<r></rr>",
        "<rr></r>",
        "<r>",
        "<r></r",
        "<r a/>",
        "<r a=/>",
        "<r a=b/>",
        "<r a='b/>",
        "<r a='b\"/>",
        "<r a='<'/>",
        "<r a='b'c='d'/>",
        "<r/><r/>x",
        "<r></ r>",
        "<r =''/>",
        "<r></r><r/>",
        "<r id='1' id='2'/>",
    };
    static const char whole[] = "<iq id='1' type='set'><bind a='>'/></iq>";
    char many[1024] = "<r";
    struct said s;
    (void)state;
    said_new(&s);
    said_open(&s, "xmpp", "/");
    for (size_t i = 0; i < ARRAY(rows); i++) said_is(said_text(&s, WST_C2S, rows[i]), "[] strange");
    said_is(said_bytes(&s, WST_C2S, 2, whole, sizeof whole - 1), "[] strange");
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        said_is(said_bytes(&s, WST_C2S, 1, whole, n), "[] strange");
        said_is(said_cut(&s, WST_C2S, 1, whole, sizeof whole - 1, sizeof whole - 1 - n), "[]");
    }
    for (int i = 0; i < 70; i++) strcat(many, " a=''");
    said_is(said_text(&s, WST_C2S, strcat(many, "/>")), "[] strange");
    said_is(said_end(&s), "xmpp {}");
    for (size_t i = 0; i < 2; i++) {
        static const char *const others[] = {"<open to='a'/>", "<message " NS "/>"};
        said_again(&s);
        said_open(&s, NULL, "/");
        said_is(said_text(&s, WST_C2S, others[i]), "");
    }
    said_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversation),
        cmocka_unit_test(sasl2),
        cmocka_unit_test(conditions),
        cmocka_unit_test(strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
