/* SPDX-License-Identifier: MIT
 *
 * Which answer is which request's, when a capture lacks some of either.
 */
#include "flows.h"
#include "pipeline.h"

struct heard {
    unsigned handshakes, messages, findings[WST_PROBLEMS];
    int status[4];
    char uri[4][16];
    bool accepted[4];
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    if (e->type == WST_EVENT_PROBLEM) h->findings[e->problem.problem]++;
    if (e->type == WST_EVENT_MESSAGE) h->messages += e->message.certain;
    if (e->type != WST_EVENT_HANDSHAKE) return;
    const struct wst_event_handshake *s = &e->handshake;
    assert_true(h->handshakes < 4);
    h->status[h->handshakes] = s->status;
    h->accepted[h->handshakes] = s->accepted;
    snprintf(h->uri[h->handshakes++], sizeof h->uri[0], "%.*s", (int)s->uri.n,
             (const char *)s->uri.p);
}

static void say(struct tcp *t, int server, const char *text)
{
    tcp_data(t, server, text, strlen(text));
}

static const char headers[] =
    " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* An upgrade is asked for, in one segment or with the first `cut` bytes in their own. */
static void ask(struct tcp *t, const char *line, size_t cut)
{
    char text[512];
    int n = snprintf(text, sizeof text, "%s%s", line, headers);
    assert_true(n > 0 && (size_t)n < sizeof text);
    if (cut) tcp_data(t, 0, text, cut);
    tcp_data(t, 0, text + cut, (size_t)n - cut);
}

static void replay(struct packets *k, struct heard *h)
{
    *h = (struct heard){0};
    packets_play(k, 0, (struct wst_listener){.user = h, .event = hear});
}

/* A refusal is lost, wholly or but for its body. However the client asks again, what follows is the
 * second attempt's, and nothing is said to have granted the first. */
static void asked_again(void **state)
{
    static const struct {
        const char *line;
        size_t cut;
    } again[] = {{"GET /two", 0}, {"\r\nGET /two", 0}, {"GET /two", 6}, {"\r\nGET /two", 7}};
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof again / sizeof *again); i++) {
        bool body = i & 1;
        tcp_open(&t, &k, 40000);
        tcp_syn(&t);
        ask(&t, "GET /one", 0);
        t.seq[1] += 60;
        if (body) say(&t, 1, "<p>no entry without a word");
        tcp_packet(&t, 0, ACK, NULL, 0);
        ask(&t, again[i / 2].line, again[i / 2].cut);
        say(&t, 1,
            "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
        for (int n = 0; n < 8; n++) send_text(&t, n & 1, "let in at last");
        tcp_fin(&t);
        replay(&k, &h);
        assert_int_equal(h.handshakes, 2);
        assert_string_equal(h.uri[0], "/one");
        assert_false(h.accepted[0]);
        assert_int_equal(h.findings[WST_PROBLEM_HANDSHAKE_NO_RESPONSE], 1);
        assert_string_equal(h.uri[1], "/two");
        assert_true(h.accepted[1]);
        assert_int_equal(h.status[1], body ? -1 : 101);
        assert_int_equal(h.messages, 8);
    }
}

/* A piece of a page's request is lost, and waited for; meanwhile it is answered, and two upgrades
 * are asked for and refused. `late`: so is a piece of the page, which the refusal waits behind. */
static void request_lost(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    for (int late = 0; late < 2; late++) {
        tcp_open(&t, &k, 40000);
        tcp_syn(&t);
        say(&t, 0, "GET /page HTTP/1.1\r\nHost: a\r\nX-L");
        t.seq[0] += 20;
        say(&t, 0, "ost: 1\r\n\r\n");
        say(&t, 1, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n12345678901234567890");
        if (late) {
            t.seq[1] += 10;
            say(&t, 1, "1234567890");
        } else {
            say(&t, 1, "12345678901234567890");
        }
        ask(&t, "GET /one", 0);
        say(&t, 1, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
        ask(&t, "GET /two", 0);
        say(&t, 1, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
        for (int i = 0; i < 20; i++) tcp_packet(&t, i & 1, ACK, NULL, 0);
        tcp_fin(&t);
        replay(&k, &h);
        assert_int_equal(h.handshakes, 2);
        assert_string_equal(h.uri[0], "/one");
        assert_int_equal(h.status[0], 401);
        assert_string_equal(h.uri[1], "/two");
        assert_int_equal(h.status[1], 404);
    }
}

/* Two requests are lost, and a piece of the first one's answer; the second one's waits behind it
 * until an upgrade was asked for. */
static void answer_older(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    t.seq[0] += 120; /* two requests */
    say(&t, 1, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n");
    for (int i = 0; i < 40; i++) tcp_packet(&t, i & 1, ACK, NULL, 0);
    t.seq[1] += 30;
    say(&t, 1, "HTTP/1.1 426 No\r\nContent-Length: 0\r\n\r\n");
    ask(&t, "GET /one", 0);
    for (int i = 0; i < 40; i++) tcp_packet(&t, i & 1, ACK, NULL, 0);
    say(&t, 1, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
    tcp_fin(&t);
    replay(&k, &h);
    assert_int_equal(h.handshakes, 1);
    assert_int_equal(h.status[0], 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(asked_again),
                                       cmocka_unit_test(request_lost),
                                       cmocka_unit_test(answer_older)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
