/* SPDX-License-Identifier: MIT
 *
 * What a capture lacks is told, whatever the reason: nothing is missing in silence.
 */
#include "flows.h"
#include "pipeline.h"

struct heard {
    unsigned handshakes, ends, messages, uncertain, findings[WST_PROBLEMS];
    uint64_t gaps, gap_bytes, ended_gaps, streams, kinds, http;
    bool inexact, least[2];    /* by direction */
    struct wst_budget *starve; /* empty from the handshake on */
    char detail[256];          /* of the last finding */
    enum wst_dir closed_by;    /* of the last end */
    int32_t close_code;
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    switch (e->type) {
    case WST_EVENT_HANDSHAKE:
        h->handshakes += e->handshake.accepted;
        if (h->starve) h->starve->max = h->starve->used;
        break;
    case WST_EVENT_END:
        h->ends++;
        for (int d = 0; d < 2; d++) h->ended_gaps += e->end.dir[d].gaps;
        h->closed_by = e->end.by;
        h->close_code = e->end.code;
        break;
    case WST_EVENT_MESSAGE:
        h->messages += e->message.certain;
        h->uncertain += !e->message.certain;
        break;
    case WST_EVENT_GAP:
        h->gaps++;
        h->gap_bytes += e->gap.bytes;
        h->inexact |= e->gap.inexact;
        h->least[e->dir] |= e->gap.inexact && e->gap.least;
        break;
    case WST_EVENT_PROBLEM:
        h->findings[e->problem.problem]++;
        snprintf(h->detail, sizeof h->detail, "%s", e->problem.detail);
        break;
    case WST_EVENT_STATS:
        h->streams = e->stats.tcp_streams;
        h->http = e->stats.http;
        h->kinds = e->stats.tls + e->stats.http + e->stats.other;
        break;
    default: break;
    }
}

static void begin(struct tcp *t, struct packets *k)
{
    tcp_open(t, k, 40000);
    tcp_syn(t);
    tcp_data(t, 0, REQUEST, strlen(REQUEST));
    tcp_data(t, 1, ANSWER, strlen(ANSWER));
}

static void replay(struct packets *k, size_t from, struct heard *h)
{
    *h = (struct heard){0};
    packets_play(k, from, (struct wst_listener){.user = h, .event = hear});
}

/* The capture stood still while both sides sent gigabytes: numbers went round. */
static void round_once(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    begin(&t, &k);
    for (int i = 0; i < 5; i++) send_text(&t, i & 1, "before it stood still");
    t.seq[0] += 2600000000u;
    t.seq[1] += 3900000000u;
    for (int i = 0; i < 60; i++) send_text(&t, i & 1, "and after that, again and again");
    tcp_fin(&t);
    replay(&k, 0, &h);
    assert_int_equal(h.findings[WST_PROBLEM_TCP_SEQUENCE_ROUND], 2);
    assert_int_equal(h.gaps, 2);
    assert_true(h.least[0] && h.least[1]);
    assert_true(h.inexact && h.gap_bytes > 6500000000u && h.gap_bytes < 6500003000u);
    assert_in_range(h.messages, 5 + 2 * (30 - 8), 65);
    assert_int_equal(h.ends, 1);
    assert_int_equal(h.uncertain, 0);
}

/* Bytes in flight when the capture began: acknowledged before, or later, and never seen. */
static void in_flight(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    begin(&t, &k);
    size_t from = k.n;
    send_text(&t, 1, "a message of the server, so that its peer's place is known");
    t.seq[0] += 3000;
    for (int i = 0; i < 30; i++) send_text(&t, i & 1, "joined in the middle of this");
    tcp_fin(&t);
    replay(&k, from, &h);
    assert_int_equal(h.handshakes, 1);
    assert_int_equal(h.messages, 31);
    assert_int_equal(h.gaps, 1);
    assert_int_equal(h.gap_bytes, 3000);
}

/* A segment that the receiver never had, far ahead; and one behind the end. */
static void left_out(void **state)
{
    struct packets k = {0};
    struct tcp t, other;
    struct heard h;
    (void)state;
    begin(&t, &k);
    for (int i = 0; i < 4; i++) send_text(&t, i & 1, "these are the sender's");
    other = t;
    other.seq[1] += 1000000;
    send_text(&other, 1, "and this is not");
    for (int i = 0; i < 4; i++) send_text(&t, i & 1, "these are, too");
    replay(&k, 0, &h);
    assert_int_equal(h.messages, 8);
    assert_int_equal(h.gaps, 0);
    assert_int_equal(h.findings[WST_PROBLEM_TCP_UNBELIEVED], 1);
    assert_non_null(strstr(h.detail, "17 bytes lie far ahead"));

    begin(&t, &k);
    send_text(&t, 1, "the last");
    tcp_packet(&t, 1, FIN | ACK, NULL, 0);
    t.seq[1]--;
    send_text(&t, 1, "not quite");
    replay(&k, 0, &h);
    assert_int_equal(h.messages, 1);
    assert_int_equal(h.findings[WST_PROBLEM_TCP_UNBELIEVED], 1);
}

/* How much its sender had sent is in a reset, too. */
static void reset(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    begin(&t, &k);
    send_text(&t, 0, "one");
    t.seq[0] += 500;
    tcp_packet(&t, 0, RST, NULL, 0);
    replay(&k, 0, &h);
    assert_int_equal(h.messages, 1);
    assert_int_equal(h.gap_bytes, 500);
    assert_int_equal(h.ends, 1);
}

/* The first close frame waits behind a hole; its answer is told before it. */
static void closed_first(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    uint8_t frame[20];
    uint64_t seed = 7;
    (void)state;
    for (int first = 0; first < 2; first++) {
        begin(&t, &k);
        send_text(&t, first, "one");
        t.seq[first] += 40;
        for (int i = 0; i < 2; i++) {
            int side = i ? !first : first;
            const char *code = i ? "\x03\xe9" : "\x03\xe8";
            tcp_data(&t, side, frame, put_frame(frame, 0x88, !side, &seed, code, 2));
        }
        tcp_fin(&t);
        replay(&k, 0, &h);
        assert_int_equal(h.gap_bytes, 40);
        assert_int_equal(h.closed_by, first ? WST_S2C : WST_C2S);
        assert_int_equal(h.close_code, 1000);
    }
}

/* The answer that is lost refused an upgrade, as 401 does: the client asks again on the same
 * connection, before that answer is given up and long after. */
static void refusal_lost(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    for (unsigned acks = 0; acks < 400; acks += 399) {
        tcp_open(&t, &k, 40000);
        tcp_syn(&t);
        tcp_data(&t, 0, REQUEST, strlen(REQUEST));
        t.seq[1] += 60;
        for (unsigned i = 0; i < 1 + acks; i++) tcp_packet(&t, 0, ACK, NULL, 0);
        tcp_data(&t, 0, REQUEST, strlen(REQUEST));
        tcp_data(&t, 1, ANSWER, strlen(ANSWER));
        for (int i = 0; i < 6; i++) send_text(&t, i & 1, "let in at last");
        tcp_fin(&t);
        replay(&k, 0, &h);
        assert_int_equal(h.findings[WST_PROBLEM_HANDSHAKE_NO_RESPONSE], 1);
        assert_int_equal(h.findings[WST_PROBLEM_HANDSHAKE_PICKED_UP], 0);
        assert_int_equal(h.findings[WST_PROBLEM_STREAM_RESYNC], 0);
        assert_int_equal(h.handshakes, 1);
        assert_int_equal(h.messages, 6);
        assert_int_equal(h.gap_bytes, 60);
        assert_int_equal(h.streams, h.handshakes + h.kinds);
    }
}

/* Of both heads the end is missing, as when packets were cut: what it is then is counted once,
 * frames or none. */
static void heads_cut(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    for (int frames = 0; frames < 2; frames++) {
        tcp_open(&t, &k, 40000);
        tcp_syn(&t);
        tcp_data(&t, 0, REQUEST, 60);
        t.seq[0] += (uint32_t)strlen(REQUEST) - 60;
        tcp_data(&t, 1, ANSWER, 60);
        t.seq[1] += (uint32_t)strlen(ANSWER) - 60;
        for (int i = 0; i < 20; i++) {
            char text[64];
            int n = snprintf(text, sizeof text, "<p>and on it goes, %d", i);
            frames ? send_text(&t, i & 1, text) : tcp_data(&t, i & 1, text, (size_t)n);
        }
        tcp_fin(&t);
        replay(&k, 0, &h);
        assert_int_equal(h.handshakes, frames);
        assert_int_equal(h.messages > 0, frames);
        assert_int_equal(h.http, !frames);
        assert_int_equal(h.streams, h.handshakes + h.kinds);
    }
}

/* A reset that was injected: both sides go on, and what they say is read again. */
static void reset_ignored(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    begin(&t, &k);
    send_text(&t, 0, "one");
    send_text(&t, 1, "two");
    t.seq[0] += 40000;
    tcp_packet(&t, 0, RST, NULL, 0);
    t.seq[0] -= 40000;
    for (int i = 0; i < 30; i++) send_text(&t, i & 1, "nobody believed that we are gone");
    tcp_fin(&t);
    replay(&k, 0, &h);
    assert_int_equal(h.findings[WST_PROBLEM_TCP_RESET_IGNORED], 1);
    assert_int_equal(h.findings[WST_PROBLEM_HANDSHAKE_PICKED_UP], 1);
    assert_int_equal(h.ends, 2);
    assert_int_equal(h.uncertain, 0);
    assert_in_range(h.messages, 2 + 30 - 8, 2 + 30 - 4); /* those until it was sure are missing */
    assert_true(h.gap_bytes > 40000);                    /* what lay before the reset; and they */
}

/* The same, again and again: a few are told, then they are counted. The server's own reset said
 * that it had sent more: what was missed of it is a gap all the same. */
static void resets_ignored(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    begin(&t, &k);
    for (int times = 0; times < 15; times++) {
        for (int i = 0; i < 20; i++) send_text(&t, i & 1, "nobody believed that we are gone");
        t.seq[1] += times ? 0 : 30000;
        tcp_packet(&t, 1, RST, NULL, 0);
        t.seq[1] -= times ? 0 : 30000;
    }
    replay(&k, 0, &h);
    assert_int_equal(h.findings[WST_PROBLEM_TCP_RESET_IGNORED], 11);
    assert_string_equal(h.detail, "4 more times a side goes on after a reset");
    assert_int_equal(h.gaps, 1 + 2 * 14);
    assert_true(h.streams >= h.handshakes + h.kinds);
}

/* FINs of neither side: nothing is lost. */
static void fins_ignored(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    begin(&t, &k);
    send_text(&t, 0, "one");
    send_text(&t, 1, "two");
    tcp_fin(&t);
    t.seq[0]--, t.seq[1]--;
    /* The same twice is no evidence: the first of them would be passed over. */
    for (int i = 0; i < 20; i++) {
        char text[64];
        snprintf(text, sizeof text, "nobody believes that I am gone, %d", i);
        send_text(&t, i & 1, text);
    }
    tcp_fin(&t);
    replay(&k, 0, &h);
    assert_int_equal(h.findings[WST_PROBLEM_TCP_FIN_IGNORED], 1);
    assert_int_equal(h.findings[WST_PROBLEM_HANDSHAKE_PICKED_UP], 1);
    assert_int_equal(h.findings[WST_PROBLEM_STREAM_RESYNC], 0);
    assert_int_equal(h.messages, 2 + 20);
    assert_int_equal(h.uncertain, 0);
    assert_int_equal(h.gaps, 0);
    assert_int_equal(h.ends, 2);
}

/* The same addresses and ports again, numbers far away or near, and the capture lacks both SYNs. */
static void another(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(&t, &k);
        send_text(&t, 0, "one");
        i & 1 ? tcp_packet(&t, 0, RST | ACK, NULL, 0) : tcp_fin(&t);
        t.seq[0] += i & 2 ? 900000000 : 2000000;
        t.seq[1] += i & 2 ? 900000000 : 2000000;
        tcp_data(&t, 0, REQUEST, strlen(REQUEST));
        tcp_data(&t, 1, ANSWER, strlen(ANSWER));
        send_text(&t, 0, "two");
        tcp_fin(&t);
        replay(&k, 0, &h);
        assert_int_equal(h.handshakes, 2);
        assert_int_equal(h.ends, 2);
        assert_int_equal(h.messages, 2);
        assert_int_equal(h.gaps, 0);
        assert_int_equal(h.streams, 2);
        assert_int_equal(h.findings[WST_PROBLEM_TCP_RESET_IGNORED], 0);
        assert_int_equal(h.findings[WST_PROBLEM_TCP_FIN_IGNORED], 0);
    }
}

/* Memory runs out between a handshake and what follows it: what was accepted has an end. */
static void no_memory(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h = {0};
    (void)state;
    begin(&t, &k);
    send_text(&t, 0, "nobody reads this");
    struct wst_context *c = context_open((struct wst_listener){.user = &h, .event = hear});
    for (size_t i = 0; i < 4; i++) context_feed(c, &k, i);
    h.starve = &c->budget;
    for (size_t i = 4; i < k.n; i++) context_feed(c, &k, i);
    context_close(c);
    packets_free(&k);
    assert_int_equal(h.handshakes, 1);
    assert_int_equal(h.ends, 1);
    assert_int_equal(h.findings[WST_PROBLEM_CAPTURE_EVICTED], 1);
}

/* Joined in the middle, the client has the greater address, numbers went round before its frames
 * were known; with memory for what follows and without. */
static void picked_up(void **state)
{
    (void)state;
    for (int starved = 0; starved < 2; starved++) {
        struct packets k = {0};
        struct tcp t;
        struct heard h = {0};
        uint64_t seed = 5;
        tcp_open(&t, &k, 40000);
        tcp_data(&t, 1, "\x3b\x9c\x12\xf0\x77\xe1\x05", 7);
        t.seq[1] += 2600000000u;
        for (int i = 0; i < 20; i++) {
            uint8_t frame[100];
            size_t n = put_frame(frame, 0x81, true, &seed, "all of it is a text", 19);
            tcp_data(&t, 1, frame, n);
        }
        struct wst_context *c = context_open((struct wst_listener){.user = &h, .event = hear});
        if (starved) h.starve = &c->budget;
        for (size_t i = 0; i < k.n; i++) context_feed(c, &k, i);
        context_close(c);
        packets_free(&k);
        assert_int_equal(h.handshakes, 1);
        assert_int_equal(h.ends, 1);
        assert_int_equal(h.findings[WST_PROBLEM_CAPTURE_EVICTED], starved);
        assert_int_equal(h.gaps, 1);
        assert_true(h.least[WST_C2S] && !h.least[WST_S2C]);
    }
}

/* The client spoke before the answer came, and not all of it was captured. */
static void before_answer(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    tcp_data(&t, 0, REQUEST, strlen(REQUEST));
    send_text(&t, 0, "whole");
    size_t cut = k.n;
    send_text(&t, 0, "cut off by the snap length");
    k.all[cut].n -= 3;
    send_text(&t, 0, "whole again");
    tcp_data(&t, 1, ANSWER, strlen(ANSWER));
    tcp_fin(&t);
    replay(&k, 0, &h);
    assert_int_equal(h.messages, 2);
    assert_int_equal(h.uncertain, 1);
    assert_int_equal(h.gaps, 1);
    assert_int_equal(h.gap_bytes, 3);
    assert_int_equal(h.findings[WST_PROBLEM_STREAM_RESYNC], 0);
}

/* Only the server was captured, whose answer waits for a request, and so does what follows; its
 * last acknowledgment is far off. A hole behind the answer is told once, where it is. */
static void behind_answer(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h;
    (void)state;
    tcp_open(&t, &k, 40000);
    t.seq[0]++;
    tcp_packet(&t, 1, SYN | ACK, NULL, 0);
    t.seq[0] += (uint32_t)strlen(REQUEST);
    tcp_data(&t, 1, ANSWER, strlen(ANSWER));
    send_text(&t, 1, "one");
    t.seq[0] += 1900000000;
    t.seq[1] += 40;
    tcp_packet(&t, 1, FIN | ACK, NULL, 0);
    replay(&k, 0, &h);
    assert_int_equal(h.handshakes, 1);
    assert_int_equal(h.messages, 1);
    assert_int_equal(h.gaps, 1);
    assert_int_equal(h.gap_bytes, 40);
    assert_int_equal(h.ended_gaps, 1);
}

/* The second file of two was given first: said so, once for each time it goes back. */
static void wrong_order(void **state)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h = {0};
    (void)state;
    begin(&t, &k);
    for (int i = 0; i < 20; i++) send_text(&t, i & 1, "one after the other");
    struct wst_context *c = context_open((struct wst_listener){.user = &h, .event = hear});
    for (size_t i = 0; i < k.n; i++) {
        struct wst_packet packet = {.data = {k.all[i].p, k.all[i].n},
                                    .wire_len = (uint32_t)k.all[i].n,
                                    .link_type = RAW,
                                    .when = {i + 1, 1700000000000000000 + (int64_t)i * 1000000}};
        if (i == 3) packet.when.ns -= 900000000; /* a little */
        if (i >= 10) packet.when.ns -= 3600000000000;
        wst_context_packet(c, &packet);
    }
    context_close(c);
    packets_free(&k);
    assert_int_equal(h.messages, 20);
    assert_int_equal(h.findings[WST_PROBLEM_CAPTURE_TIME], 1);
    assert_string_equal(h.detail, "the packet is 3599.999 s older than the one before it");
}

/* Neither the answer nor anything behind the request was captured: nothing to recognise frames in,
 * and still HTTP. */
static void nothing_but_a_gap(void **state)
{
    struct packets k = {0};
    struct heard h = {0};
    struct tcp t;
    (void)state;
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    tcp_data(&t, 0, REQUEST, strlen(REQUEST));
    t.seq[0] += 100;
    for (int i = 0; i < 20; i++) tcp_packet(&t, 1, ACK, NULL, 0);
    struct wst_context *c = context_open((struct wst_listener){&h, hear, NULL});
    for (size_t i = 0; i < k.n; i++) context_feed(c, &k, i);
    context_close(c);
    packets_free(&k);
    assert_int_equal(h.findings[WST_PROBLEM_HANDSHAKE_NO_RESPONSE], 1);
    assert_int_equal(h.http, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_but_a_gap),
                                       cmocka_unit_test(round_once),
                                       cmocka_unit_test(in_flight),
                                       cmocka_unit_test(left_out),
                                       cmocka_unit_test(reset),
                                       cmocka_unit_test(closed_first),
                                       cmocka_unit_test(refusal_lost),
                                       cmocka_unit_test(heads_cut),
                                       cmocka_unit_test(reset_ignored),
                                       cmocka_unit_test(another),
                                       cmocka_unit_test(no_memory),
                                       cmocka_unit_test(picked_up),
                                       cmocka_unit_test(wrong_order),
                                       cmocka_unit_test(resets_ignored),
                                       cmocka_unit_test(fins_ignored),
                                       cmocka_unit_test(before_answer),
                                       cmocka_unit_test(behind_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
