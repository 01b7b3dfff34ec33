/* SPDX-License-Identifier: MIT
 *
 * Who ended TCP: by FIN, by a reset, or by a FIN that the other side did not care for and that was
 * followed by a reset.
 */
#include "flows.h"

struct heard {
    struct wst_event_end end;
    char detail[160];
    unsigned client_first;
};

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    if (e->type == WST_EVENT_END) h->end = e->end;
    if (e->type != WST_EVENT_PROBLEM) return;
    h->client_first += e->problem.problem == WST_PROBLEM_CLOSE_CLIENT_FIRST;
    if (e->problem.problem == WST_PROBLEM_CLOSE_MISSING ||
        e->problem.problem == WST_PROBLEM_CLOSE_NO_REPLY)
        snprintf(h->detail, sizeof h->detail, "%s", e->problem.detail);
}

static void send_frame(struct tcp *t, int server, unsigned first, const char *payload, size_t n)
{
    uint8_t frame[64];
    uint64_t seed = 5;
    tcp_packet(t, server, ACK | PSH, frame, put_frame(frame, first, !server, &seed, payload, n));
}

static void send_close(struct tcp *t, int server)
{
    send_frame(t, server, 0x88, "\x03\xe8", 2);
}

static void send_text(struct tcp *t, int server)
{
    send_frame(t, server, 0x81, "text", 4);
}

/* `steps`, one after the other, of the client in small letters, of the server in capitals: t text,
 * c close frame, f FIN, r reset. */
static struct heard play(const char *steps)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h = {.end.tcp = WST_TCP_EOF};
    tcp_open(&t, &k, 4000);
    tcp_syn(&t);
    tcp_data(&t, 0, REQUEST, sizeof REQUEST - 1);
    tcp_data(&t, 1, ANSWER, sizeof ANSWER - 1);
    for (; *steps; steps++) {
        int server = *steps < 'a';
        switch (*steps | 0x20) {
        case 't': send_text(&t, server); break;
        case 'c': send_close(&t, server); break;
        case 'f': tcp_packet(&t, server, FIN | ACK, NULL, 0); break;
        default: tcp_packet(&t, server, RST | ACK, NULL, 0); break;
        }
    }
    struct wst_context *c = context_open((struct wst_listener){.event = hear, .user = &h});
    for (size_t i = 0; i < k.n; i++) context_feed(c, &k, i);
    context_close(c);
    packets_free(&k);
    return h;
}

static void who(void **state)
{
    static const char nobody[] = "TCP ended with FIN, and neither side had sent a close frame; ";
    static const char missing[] = ", and neither side had sent a close frame";
    static const struct {
        const char *steps, *before, *detail, *behind;
        enum wst_tcp_end how;
        enum wst_dir by;
    } rows[] = {
        {"tTfF", nobody, "first to end TCP was the client", "", WST_TCP_FIN, WST_C2S},
        {"tTFf", nobody, "first to end TCP was the server", "", WST_TCP_FIN, WST_S2C},
        {"tTr", "TCP ended with a reset", " by the client", missing, WST_TCP_RST, WST_C2S},
        {"tTR", "TCP ended with a reset", " by the server", missing, WST_TCP_RST, WST_S2C},
        {"tfTr", "TCP ended with a reset", missing, "; first to end TCP was the client",
         WST_TCP_RST, WST_C2S},
        {"TFtR", "TCP ended with a reset", missing, "; first to end TCP was the server",
         WST_TCP_RST, WST_S2C},
        {"tfR", "TCP ended with a reset", missing, "; first to end TCP was the client", WST_TCP_RST,
         WST_C2S},
        {"tcR", "the client sent a close frame, the server none", "; TCP was reset by the server",
         "", WST_TCP_RST, WST_S2C},
        {"Cr", "the server sent a close frame, the client none", "; TCP was reset by the client",
         "", WST_TCP_RST, WST_C2S},
        {"CFtR", "the server sent a close frame, the client none",
         "; first to end TCP was the server", "", WST_TCP_RST, WST_S2C},
        {"tcCr", "", "", "", WST_TCP_RST, WST_C2S},
        {"tcCFr", "", "", "", WST_TCP_RST, WST_S2C},
        {"tT", "", "", "", WST_TCP_EOF, WST_DIR_NONE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct heard h = play(rows[i].steps);
        char detail[320];
        snprintf(detail, sizeof detail, "%s%s%s", rows[i].before, rows[i].detail, rows[i].behind);
        assert_string_equal(h.detail, detail);
        assert_int_equal(h.end.tcp, rows[i].how);
        assert_int_equal(h.end.tcp_by, rows[i].by);
        assert_int_equal(h.client_first, 0); /* which is about FINs */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
