/* SPDX-License-Identifier: MIT
 *
 * Connections that nobody took, and upgrades that nobody answered: what is said of it, and what is
 * not where the capture may lack a packet, or has one twice.
 */
#include <wstrace/tls.h>

#include "initial.h"

/* `steps`: of the client in small letters, of the server in capitals: s SYN, a ACK, q the request
 * or its answer, f FIN, r reset, z one of number 0, as it answers a SYN, x one that acknowledges
 * what was long ago, n a SYN with another number. A digit: so many seconds go by. '=' the packet is
 * captured again, '<' with a time before it, '~' behind a queue. `said`: a part of what is found;
 * NULL: nothing is. */
struct row {
    const char *steps;
    enum wst_problem problem;
    const char *said;
};

struct heard {
    unsigned times;
    const char *part;
    enum wst_problem problem;
    bool said;
};

static bool of_interest(enum wst_problem p)
{
    return p == WST_PROBLEM_TCP_REFUSED || p == WST_PROBLEM_TCP_UNANSWERED ||
           p == WST_PROBLEM_QUIC_UNANSWERED || p == WST_PROBLEM_HANDSHAKE_LATE ||
           p == WST_PROBLEM_HANDSHAKE_NO_RESPONSE;
}

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    if (e->type != WST_EVENT_PROBLEM || !of_interest(e->problem.problem)) return;
    h->times++;
    h->said |= e->problem.problem == h->problem && h->part && strstr(e->problem.detail, h->part);
}

static void syn(struct tcp *t, int server, unsigned more)
{
    uint32_t at = t->seq[server];
    tcp_packet(t, server, SYN | more, NULL, 0);
    t->seq[server] = at + 1;
}

static void step(struct tcp *t, char what)
{
    int server = what < 'a';
    switch (what | 0x20) {
    case 'n':
    case 's': syn(t, server, server ? ACK : 0); break;
    case 'a': tcp_packet(t, server, ACK, NULL, 0); break;
    case 'f': tcp_packet(t, server, FIN | ACK, NULL, 0); break;
    case 'x':
        t->seq[!server] -= 700;
        tcp_packet(t, server, RST | ACK, NULL, 0);
        t->seq[!server] += 700;
        break;
    case 'r': tcp_packet(t, server, RST | ACK, NULL, 0); break;
    case 'z': { /* RFC 9293 section 3.10.7.1 */
        uint32_t next = t->seq[server];
        t->seq[server] = 0;
        tcp_packet(t, server, RST | ACK, NULL, 0);
        t->seq[server] = next;
        break;
    }
    default:
        tcp_data(t, server, server ? ANSWER : REQUEST,
                 (server ? sizeof ANSWER : sizeof REQUEST) - 1);
        break;
    }
}

static void play(const struct row *row)
{
    struct packets k = {0};
    struct tcp t;
    struct heard h = {.part = row->said, .problem = row->problem};
    struct wst_context *c = context_open((struct wst_listener){.event = hear, .user = &h});
    int64_t ns = 0;
    uint32_t isn;
    tcp_open(&t, &k, 4000);
    isn = t.seq[0];
    for (const char *s = row->steps; *s; s++) {
        if (*s >= '0' && *s <= '9') {
            ns += (*s - '0') * 1000000000ll;
            continue;
        }
        if (*s == 's') t.seq[0] = isn;
        if (*s == 'n') t.seq[0] = isn + 50000000;
        if (*s != '=' && *s != '<' && *s != '~') step(&t, *s);
        ns += *s == '=' ? 50000 : *s == '<' ? -2000000 : *s == '~' ? 600000000 : 1000000;
        context_feed_at(c, &k, k.n - 1, ns);
    }
    context_close(c);
    packets_free(&k);
    if (h.times != (row->said != NULL) || h.said != (row->said != NULL))
        fail_msg("%s: %u findings, %s", row->steps, h.times, h.said ? "said" : "not said");
}

static void connections(void **state)
{
    static const struct row rows[] = {
        {"sR", WST_PROBLEM_TCP_REFUSED, "answered with a reset"},
        {"s1s2sR", WST_PROBLEM_TCP_REFUSED, "answered with a reset"},
        {"saR", 0, NULL}, /* the server's SYN is not in the capture */
        {"sSaR", 0, NULL},
        {"s1s2s", WST_PROBLEM_TCP_UNANSWERED, "sent 3 times"},
        {"s=1s=2s=", WST_PROBLEM_TCP_UNANSWERED, "sent 3 times"},
        {"s~1s~2s~", WST_PROBLEM_TCP_UNANSWERED, "sent 3 times"},
        {"s=", 0, NULL},
        {"s~", 0, NULL},
        {"s<", 0, NULL},
        {"s=<s3=<", WST_PROBLEM_TCP_UNANSWERED, "sent 2 times"},
        {"sXSa", 0, NULL}, /* the reset is for a connection of before */
        {"sX1s2sR", WST_PROBLEM_TCP_REFUSED, "answered with a reset"},
        {"s", 0, NULL},
        {"s1s2sSa", 0, NULL},
        {"sSaqQn1n2n", WST_PROBLEM_TCP_UNANSWERED, "another SYN was sent 3 times"},
        {"sSaqQn1n2nSa", 0, NULL},
        {"sSaqQn1n2nZ", WST_PROBLEM_TCP_REFUSED, "answered with a reset"},
        {"sSaqQn", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) play(&rows[i]);
}

static void requests(void **state)
{
    static const struct row rows[] = {
        {"sSaq3R", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "in 3.001 s; then the server reset TCP"},
        {"sSaq3F", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "in 3.001 s; then the server ended TCP"},
        {"sSaq3f", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "in 3.001 s; then the client ended TCP"},
        {"sSaFq", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "the server had ended TCP before it came"},
        {"sSaFqR", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "the server had ended TCP before it came"},
        {"sSaFaqRR", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "the server had ended TCP before it came"},
        {"sSaqFqR", WST_PROBLEM_HANDSHAKE_NO_RESPONSE, "in 1.000 ms; then the server ended TCP"},
        {"sSaq3fQ", WST_PROBLEM_HANDSHAKE_LATE, "the client waited 3.001 s"},
        {"sSaqf3Q", 0, NULL}, /* all that it had to ask, not the end of its patience */
        {"sSaq3Q", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) play(&rows[i]);
}

/* Of many the first are told, and how many more there are. */
static void quic(void **state)
{
    static const char keys[] = "CLIENT_RANDOM "
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                               "202122232425262728292a2b2c2d2e2f\n";
    (void)state;
    for (unsigned clients = 1; clients <= 13; clients += 12) {
        struct packets k = {0};
        struct heard h = {.part = clients == 1 ? "nothing came back" : "3 more QUIC connections",
                          .problem = WST_PROBLEM_QUIC_UNANSWERED};
        struct wst_context *c = context_open((struct wst_listener){.event = hear, .user = &h});
        wst_context_tls(c, &(struct wst_tls_hooks){0});
        wst_context_keylog(c, (struct wst_slice){(const uint8_t *)keys, sizeof keys - 1}, true);
        for (unsigned round = 0; round < 2; round++)
            for (unsigned i = 0; i < clients; i++) {
                push_initial(&k, (uint8_t)(i + 1), (uint8_t)round);
                context_feed_at(c, &k, k.n - 1, round * 300000000ll + i * 1000ll);
            }
        context_close(c);
        packets_free(&k);
        assert_int_equal(h.times, clients == 1 ? 1 : 11);
        assert_true(h.said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections),
        cmocka_unit_test(requests),
        cmocka_unit_test(quic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
