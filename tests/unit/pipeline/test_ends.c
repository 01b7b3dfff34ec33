/* SPDX-License-Identifier: MIT
 *
 * Who ended TCP: by FIN, by a reset, or by a FIN that the other side did not care for and that was
 * followed by a reset.
 */
#include "flows.h"

struct heard {
    struct wst_event_end end;
    unsigned client_first, missing, silent;
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    if (e->type == WST_EVENT_END) h->end = e->end;
    if (e->type != WST_EVENT_PROBLEM) return;
    h->client_first += e->problem.problem == WST_PROBLEM_CLOSE_CLIENT_FIRST;
    if (e->problem.problem != WST_PROBLEM_CLOSE_MISSING) return;
    h->missing++;
    h->silent += strstr(e->problem.detail, "5.00") && strstr(e->problem.detail, "of silence");
}

/* The last `lost` bytes of it are not in the capture. */
static void send_part(struct tcp *t, int server, unsigned first, const char *payload, size_t n,
                      size_t lost)
{
    uint8_t frame[64];
    uint64_t seed = 5;
    size_t size = put_frame(frame, first, !server, &seed, payload, n);
    tcp_packet(t, server, ACK | PSH, frame, size - lost);
    t->seq[server] += (uint32_t)lost;
}

static void send_frame(struct tcp *t, int server, unsigned first, const char *payload, size_t n)
{
    send_part(t, server, first, payload, n, 0);
}

static void send_close(struct tcp *t, int server)
{
    send_frame(t, server, 0x88, "\x03\xe8", 2);
}

static void send_short(struct tcp *t, int server)
{
    send_frame(t, server, 0x81, "text", 4);
}

/* `steps`, one after the other, of the client in small letters, of the server in capitals: t text,
 * c close frame, f FIN, r reset, l text of which the end is not captured, a acknowledgment. A
 * digit: so many seconds go by. */
static struct heard play(const char *steps)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h = {.end.tcp = WST_TCP_EOF};
    tcp_open(&t, &k, 4000);
    tcp_syn(&t);
    tcp_data(&t, 0, REQUEST, sizeof REQUEST - 1);
    tcp_data(&t, 1, ANSWER, sizeof ANSWER - 1);
    struct wst_context *c = context_open((struct wst_listener){.event = hear, .user = &h});
    size_t fed = 0;
    int64_t ns = 0;
    for (; *steps; steps++) {
        int server = *steps < 'a';
        for (; fed < k.n; fed++) context_feed_at(c, &k, fed, ns += 1000000);
        if (*steps >= '0' && *steps <= '9') {
            ns += (*steps - '0') * 1000000000ll;
            continue;
        }
        switch (*steps | 0x20) {
        case 't': send_short(&t, server); break;
        case 'c': send_close(&t, server); break;
        case 'f': tcp_packet(&t, server, FIN | ACK, NULL, 0); break;
        case 'a': tcp_packet(&t, server, ACK, NULL, 0); break;
        case 'l': send_part(&t, server, 0x81, "half of it", 10, 5); break;
        default: tcp_packet(&t, server, RST | ACK, NULL, 0); break;
        }
    }
    for (; fed < k.n; fed++) context_feed_at(c, &k, fed, ns += 1000000);
    context_close(c);
    packets_free(&k);
    return h;
}

/* The words of findings are those of tests/judge/test_endings.py. */
static void who(void **state)
{
    static const struct {
        const char *steps;
        enum wst_tcp_end how;
        enum wst_dir by, reset_by;
    } rows[] = {
        {"tTfF", WST_TCP_FIN, WST_C2S, WST_DIR_NONE},
        {"tTFf", WST_TCP_FIN, WST_S2C, WST_DIR_NONE},
        {"tTr", WST_TCP_RST, WST_DIR_NONE, WST_C2S},
        {"tTR", WST_TCP_RST, WST_DIR_NONE, WST_S2C},
        {"tfTr", WST_TCP_RST, WST_C2S, WST_C2S},
        {"TFtR", WST_TCP_RST, WST_S2C, WST_S2C},
        {"tfR", WST_TCP_RST, WST_C2S, WST_S2C},
        {"tcR", WST_TCP_RST, WST_DIR_NONE, WST_S2C},
        {"Cr", WST_TCP_RST, WST_DIR_NONE, WST_C2S},
        {"CFtR", WST_TCP_RST, WST_S2C, WST_S2C},
        {"tcCr", WST_TCP_RST, WST_DIR_NONE, WST_C2S},
        {"tcCFr", WST_TCP_RST, WST_S2C, WST_C2S},
        {"tT", WST_TCP_EOF, WST_DIR_NONE, WST_DIR_NONE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct heard h = play(rows[i].steps);
        assert_int_equal(h.end.tcp, rows[i].how);
        assert_int_equal(h.end.tcp_by, rows[i].by);
        assert_int_equal(h.end.reset_by, rows[i].reset_by);
        assert_int_equal(h.client_first, 0); /* which is about FINs */
    }
}

/* Bytes that are missing were somebody's words. */
static void silence(void **state)
{
    static const struct {
        const char *steps;
        unsigned silent;
    } rows[] = {
        {"tT5fF", 1},
        {"tT5R", 1},
        {"tT5tTfF", 0},
        {"tTl5AfF", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct heard h = play(rows[i].steps);
        assert_int_equal(h.missing, 1);
        if (h.silent != rows[i].silent) fail_msg("%s: %u", rows[i].steps, h.silent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence),
        cmocka_unit_test(who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
