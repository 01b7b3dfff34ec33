/* SPDX-License-Identifier: MIT
 *
 * A capture that begins at every packet of a session, with both directions or one: from the second
 * whole frame on, all frames are right.
 */
#include "flows.h"

enum { FRAMES_MAX = 4000 };
struct frame {
    uint64_t pkt, len, msg;
    uint8_t opcode, key[4];
    bool fin, masked, message; /* its message was told, too */
    uint64_t sum;              /* of the message's payload */
};
struct heard {
    struct frame frames[2][FRAMES_MAX];
    size_t n[2];
    unsigned accepted, refused, wrong;
    enum wst_carrier carrier;
};

static uint64_t sum(struct wst_slice s)
{
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < s.n; i++) h = (h ^ s.p[i]) * 1099511628211u;
    return h;
}

static void hear(void *user, const struct wst_event *e)
{
    struct heard *h = user;
    if (e->type == WST_EVENT_HANDSHAKE) {
        h->accepted += e->handshake.accepted;
        h->refused += !e->handshake.accepted;
        h->carrier = e->handshake.carrier;
    } else if (e->type == WST_EVENT_FRAME && h->n[e->dir] < FRAMES_MAX) {
        struct frame *f = &h->frames[e->dir][h->n[e->dir]++];
        *f = (struct frame){.pkt = e->when.pkt,
                            .len = e->frame.len,
                            .msg = e->frame.msg,
                            .opcode = e->frame.opcode,
                            .fin = e->frame.fin,
                            .masked = e->frame.masked};
        memcpy(f->key, e->frame.mask_key, 4);
    } else if (e->type == WST_EVENT_MESSAGE && h->n[e->dir]) {
        struct frame *f = &h->frames[e->dir][h->n[e->dir] - 1];
        f->message = f->msg == e->message.msg && e->message.certain;
        f->sum = sum(e->message.payload);
    }
}

/* Sessions of different tempers. */
enum style { CHAT, PINGS, MIXED, TINY, STYLES };
static const char *const style_names[] = {"chat", "pings", "mixed", "tiny"};

static void send_frame(struct tcp *t, uint64_t *seed, int server, enum style style)
{
    static uint8_t payload[70000], bytes[70020];
    size_t n = style == TINY ? 1 + rnd_below(seed, 3) : 20 + rnd_below(seed, 100), size;
    unsigned op = style == PINGS && rnd_below(seed, 2) ? 9 + (unsigned)server : 1;
    if (style == MIXED && rnd_below(seed, 4) == 0) n = 200 + rnd_below(seed, 5000);
    for (size_t i = 0; i < n; i++) payload[i] = (uint8_t)('a' + rnd_below(seed, 26));
    if (style == MIXED && rnd_below(seed, 3) == 0) {
        op = 2;
        rnd_fill(seed, payload, n);
    }
    size = put_frame(bytes, 0x80 | op, !server, seed, payload, n);
    for (size_t at = 0; at < size; at += 1460)
        tcp_data(t, server, bytes + at, size - at < 1460 ? size - at : 1460);
}

static void session(struct packets *k, enum style style, uint64_t seed, unsigned frames)
{
    struct tcp t;
    tcp_open(&t, k, 40000);
    tcp_syn(&t);
    tcp_data(&t, 0, REQUEST, strlen(REQUEST));
    tcp_data(&t, 1, ANSWER, strlen(ANSWER));
    for (unsigned i = 0; i < frames; i++) send_frame(&t, &seed, (int)rnd_below(&seed, 2), style);
    tcp_data(&t, 0, "\x88\x82\0\0\0\0\x03\xe8", 8);
    tcp_data(&t, 1, "\x88\x02\x03\xe8", 4);
    tcp_fin(&t);
}

/* Only packets of `side` are in the capture; -1: both. */
static void replay(const struct packets *k, size_t from, int side, struct heard *h)
{
    memset(h, 0, sizeof *h);
    struct wst_context *c = context_open((struct wst_listener){.user = h, .event = hear});
    for (size_t i = from; i < k->n; i++)
        if (side < 0 || (k->all[i].p[15] == 2) == side) context_feed(c, k, i);
    context_close(c);
}

static bool same(const struct frame *a, const struct frame *b)
{
    return a->pkt == b->pkt && a->len == b->len && a->opcode == b->opcode && a->fin == b->fin &&
           a->masked == b->masked && !memcmp(a->key, b->key, 4) && a->message == b->message &&
           a->sum == b->sum;
}

/* What was heard must be the end of what is true, and lack at most the first frame that lies whole
 * in the capture. Frames wait for evidence, so their packet may be a later one. */
static void check(const struct heard *truth, const struct heard *h, size_t from, int d,
                  const char *name)
{
    const struct frame *t = truth->frames[d], *f = h->frames[d];
    size_t whole = 0; /* frames that end in the capture; the first may begin before it */
    for (size_t i = 0; i < truth->n[d]; i++) whole += t[i].pkt > from;
    if (h->n[d] > whole || h->n[d] + 2 < whole)
        fail_msg("%s from packet %zu, side %d: %zu frames of %zu", name, from + 1, d, h->n[d],
                 whole);
    t += truth->n[d] - h->n[d];
    for (size_t i = 0; i < h->n[d]; i++) {
        struct frame late = f[i];
        if (late.pkt > t[i].pkt) late.pkt = t[i].pkt;
        if (!same(&t[i], &late))
            fail_msg("%s from packet %zu, side %d: frame %zu of %zu differs", name, from + 1, d, i,
                     h->n[d]);
    }
}

static void every_packet(void **state)
{
    static struct heard truth, h;
    unsigned attached = 0, silent = 0;
    (void)state;
    for (enum style style = 0; style < STYLES; style++)
        for (int side = -1; side < 2; side++) {
            struct packets k = {0};
            session(&k, style, 40 + style, 60);
            replay(&k, 0, -1, &truth);
            assert_int_equal(truth.accepted, 1);
            assert_int_equal(truth.n[0] + truth.n[1], 62);
            for (size_t from = 0; from < k.n; from++) {
                replay(&k, from, side, &h);
                /* Too little is left to tell; a single side needs more. A side that was not
                 * captured has no frames. */
                size_t left = 0;
                for (int d = 0; d < 2; d++)
                    for (size_t i = 0; i < truth.n[d]; i++)
                        left += truth.frames[d][i].pkt > from && (side < 0 || d == side);
                size_t need = style == TINY ? 12 : style == CHAT ? 3 : 6;
                if (side == 1) need = style == TINY ? 24 : 8; /* unmasked: like many a protocol */
                if (!h.accepted) {
                    silent++;
                    if (left >= need)
                        fail_msg("%s, side %d, from packet %zu: not recognised, %zu frames left",
                                 style_names[style], side, from + 1, left);
                    continue;
                }
                attached++;
                assert_int_equal(h.accepted, 1);
                if (side < 0) assert_true((h.carrier == WST_CARRIER_HTTP1) == (from < 4));
                for (int d = 0; d < 2; d++)
                    if (side < 0 || side == d)
                        check(&truth, &h, from, d, style_names[style]);
                    else
                        assert_int_equal(h.n[d], 0);
            }
            packets_free(&k);
        }
    print_message("attached in mid-stream %u times; %u times too near the end to tell\n", attached,
                  silent);
    assert_true(attached > 700);
}

/* A connection whose SYN was seen and that does not speak HTTP is never taken for WebSocket. */
static void witnessed(void **state)
{
    static struct heard h;
    struct packets k = {0};
    struct tcp t;
    uint64_t seed = 4;
    (void)state;
    tcp_open(&t, &k, 40001);
    tcp_syn(&t);
    for (int i = 0; i < 50; i++) send_frame(&t, &seed, i & 1, CHAT);
    tcp_fin(&t);
    replay(&k, 0, -1, &h);
    assert_int_equal(h.accepted + h.n[0] + h.n[1], 0);
    replay(&k, 3, -1, &h); /* the same frames without the SYN */
    assert_int_equal(h.accepted, 1);
    packets_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_packet), cmocka_unit_test(witnessed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
