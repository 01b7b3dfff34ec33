/* SPDX-License-Identifier: MIT
 *
 * Connections whose beginning is not in the capture: which secret of the key log is theirs, from
 * which number on, in which generation; what is not found, and what looking for it costs.
 */
#include "talk.h"

/* The key log has so many secrets of others before the connection's own. */
static void begin_with(uint32_t others, uint32_t version, int kind, size_t to_client,
                       size_t to_server)
{
    room_init(&room);
    conn_init(&conn, &room, 1, version, kind, to_client, to_server);
    room.offer_at = others;
    room.offers = others + WST_QUIC_LABELS;
    room.offered = ~0u & ~(1u << WST_QUIC_SECRET_EARLY);
    room.offer_of = 1;
    room.offer_n = kind == SEAL_AES_256_GCM ? 48 : 32;
}

static void begin(size_t to_client, size_t to_server)
{
    begin_with(7, SEAL_V1, SEAL_AES_128_GCM, to_client, to_server);
}

/* Pieces of a stream that has been open for long, in both directions. */
static void goes_on(uint64_t from, unsigned pieces, size_t n)
{
    for (unsigned i = 0; i < pieces; i++) {
        conn_stream(&conn, WST_C2S, 0, from + i * n, n, false);
        conn_stream(&conn, WST_S2C, 0, from + i * n, n, false);
    }
}

/* -- the beginning ----------------------------------------------------------------------------- */

/* The client's first datagram; what both say first; the whole handshake. */
static void first_missing(void **state)
{
    static const size_t ids[][2] = {{8, 8}, {0, 8}, {8, 0}, {0, 0}, {1, 1}, {20, 20}, {4, 17}};
    static const uint8_t ping[] = {1};
    (void)state;
    for (int version = 0; version < 2; version++)
        for (int kind = 0; kind < SEAL_KINDS; kind++)
            for (size_t i = 0; i < ARRAY(ids); i++)
                for (int missing = version && i ? 3 : 1; missing <= 3; missing++) {
                    begin_with(7, version ? SEAL_V2 : SEAL_V1, kind, ids[i][0], ids[i][1]);
                    conn_first(&conn);
                    size_t n = conn_answer(&conn);
                    if (missing < 2) conn_push(&conn, WST_S2C, room_out, n);
                    n = conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, room_out, ping, 1);
                    if (missing < 3) conn_push(&conn, WST_C2S, room_out, n);
                    for (uint64_t s = 0; s < 40; s += 4) talk(&conn, s);
                    for (uint64_t s = 0; s < 40; s += 4) talked(s);
                    conn_close(&conn, WST_S2C, 0);
                    assert_int_equal(room.opened, 1);
                    assert_int_equal(room.ended, 1);
                    assert_int_equal(room.how, WST_TCP_FIN);
                    assert_int_equal(wst_quic_strangers(room.quic), 0);
                    assert_int_equal(room.problems[WST_PROBLEM_QUIC_UNREAD], 0);
                    end();
                    assert_int_equal(room.opened, 1);
                }
}

/* Too few packets to try it before the end. */
static void short_capture(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n++) {
        begin(8, 8);
        goes_on(0, 1, 10);
        if (n > 1) conn_stream(&conn, WST_C2S, 0, 10, 10, false);
        assert_int_equal(room.opened, 0);
        room_finish(&room);
        assert_int_equal(room.opened, 1);
        assert_int_equal(half(0, WST_C2S)->at, n > 1 ? 20 : 10);
        assert_int_equal(half(0, WST_S2C)->at, 10);
        room_free(&room);
    }
}

/* Half of a ClientHello is missing: the connection is there, and its random is not. */
static void half_a_hello(void **state)
{
    uint8_t m[42], payload[1190];
    (void)state;
    begin(8, 8);
    size_t n = client_hello(&conn, m);
    memset(payload, 0, sizeof payload);
    put_crypto(payload, 30, m + 30, n - 30);
    conn.next[WST_C2S][0]++;
    conn_push(&conn, WST_C2S, room_out,
              conn_packet(&conn, WST_C2S, SEAL_INITIAL, room_out, payload, sizeof payload));
    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
    talk(&conn, 0);
    talk(&conn, 4);
    talked(0);
    talked(4);
    assert_int_equal(wst_quic_count(room.quic), 1);
    end();
    assert_int_equal(room.opened, 1);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 0);
}

/* The client's first comes behind so much that it was picked up without it. */
static void turned(void **state)
{
    static uint8_t first[ROOM_DATAGRAM];
    (void)state;
    for (int nameless = 0; nameless < 2; nameless++)
        for (unsigned before = 0; before < 3; before++) {
            begin(nameless ? 0 : 8, 8);
            size_t n = conn_first(&conn);
            memcpy(first, room_out, n);
            conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
            for (uint64_t s = 0; s < 4 * before; s += 4) talk(&conn, s);
            conn_push(&conn, WST_C2S, first, n);
            for (uint64_t s = 4 * before; s < 20; s += 4) talk(&conn, s);
            for (uint64_t s = 0; s < 20; s += 4) talked(s);
            assert_int_equal(wst_quic_count(room.quic), 1);
            end();
            assert_int_equal(room.opened, 1);
        }
}

/* -- amid it ----------------------------------------------------------------------------------- */

/* Numbers that do not say how large they are, and keys that were renewed. */
static void amid(void **state)
{
    static const uint64_t numbers[] = {0, 100, 300, 5000, 70000, 1000000};
    (void)state;
    for (size_t number_n = 1; number_n <= 4; number_n++)
        for (size_t i = 0; i < ARRAY(numbers); i++)
            for (unsigned updates = 0; updates < 8; updates += 1 + i) {
                if (updates > 1 && !numbers[i]) continue;
                begin_with(3, SEAL_V1, SEAL_CHACHA20, 5, 8);
                conn.number_n = number_n;
                for (int d = 0; d < 2; d++) {
                    conn.next[d][2] = numbers[i] + 77 * (unsigned)d;
                    for (unsigned u = 0; u < updates; u++) conn_update(&conn, (enum wst_dir)d);
                }
                goes_on(5000, 20, 50);
                conn_update(&conn, WST_C2S);
                goes_on(6000, 20, 50);
                assert_int_equal(room.opening, 1);
                end();
                for (int d = 0; d < 2; d++) {
                    assert_int_equal(half(0, (enum wst_dir)d)->lost, 5000);
                    assert_int_equal(half(0, (enum wst_dir)d)->at, 7000);
                }
            }
}

/* What the streams said before is not waited for until the end. */
static void told_soon(void **state)
{
    static const uint64_t numbers[] = {3, 70, 40000};
    (void)state;
    for (size_t i = 0; i < ARRAY(numbers); i++) {
        begin(8, 8);
        for (int d = 0; d < 2; d++) conn.next[d][2] = numbers[i];
        goes_on(5000, 60, 50);
        for (int d = 0; d < 2; d++) {
            assert_true(half(0, (enum wst_dir)d)->at > 5000);
            assert_int_equal(half(0, (enum wst_dir)d)->lost, 5000);
        }
        end();
    }
}

/* One side speaks first, and the other long after. */
static void one_side_first(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++)
        for (size_t id = 0; id <= 8; id += 4) {
            begin(id, id);
            conn.number_n = 1;
            for (int d = 0; d < 2; d++) conn.next[d][2] = 40000;
            for (unsigned i = 0; i < 100; i++)
                conn_stream(&conn, (enum wst_dir)first, 0, 10 * i, 10, false);
            assert_int_equal(half(0, (enum wst_dir)first)->at, 1000);
            for (unsigned i = 0; i < 100; i++)
                conn_stream(&conn, (enum wst_dir) !first, 0, 10 * i, 10, false);
            assert_int_equal(half(0, (enum wst_dir) !first)->at, 1000);
            assert_int_equal(wst_quic_count(room.quic), 1);
            end();
        }
}

/* Only one of its secrets is in the key log. */
static void one_secret(void **state)
{
    (void)state;
    for (unsigned label = WST_QUIC_SECRET_CLIENT; label < WST_QUIC_LABELS; label++) {
        begin(8, 8);
        room.known = room.offered = 1u << label;
        goes_on(0, 40, 10);
        end();
        bool client = label == WST_QUIC_SECRET_CLIENT;
        assert_int_equal(half(0, client ? WST_C2S : WST_S2C)->at, 400);
        assert_int_equal(half(0, client ? WST_S2C : WST_C2S)->at, 0);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
    }
}

/* The ID changes among the first packets, and what announced it is missing. */
static void id_changes(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 12; at++) {
        begin(8, 8);
        for (unsigned i = 0; i < 40; i++) {
            if (i == at) memset(conn.id[WST_C2S], 0xab, 8);
            conn_stream(&conn, WST_C2S, 0, 10 * i, 10, false);
        }
        assert_int_equal(half(0, WST_C2S)->at, 400);
        assert_int_equal(half(0, WST_C2S)->gaps, 0);
        end();
    }
}

static void late_keys(void **state)
{
    (void)state;
    for (unsigned before = 1; before < 200; before += 33) {
        begin(8, 8);
        wst_quic_keys_may_come(room.quic, true);
        room.offered = room.known = 0;
        goes_on(0, before, 10);
        assert_true(wst_quic_last(room.quic).undecided);
        uint64_t number = wst_quic_last(room.quic).number;
        wst_quic_wake(room.quic, &room.now);
        room.offer_at = room.offers; /* they come behind those that were tried */
        room.offers += WST_QUIC_LABELS;
        room.offered = room.known = ~1u;
        wst_quic_wake(room.quic, &room.now);
        goes_on(10 * before, 40, 10);
        assert_ptr_equal(wst_quic_last(room.quic).upper, &room);
        assert_int_equal(wst_quic_last(room.quic).number, number);
        end();
        assert_int_equal(half(0, WST_C2S)->at, 10 * (before + 40));
        assert_int_equal(half(0, WST_S2C)->gaps, 0);
    }
}

/* Some of the packets were damaged on their way. */
static void damaged(void **state)
{
    static uint8_t payload[256];
    (void)state;
    for (unsigned every = 2; every < 9; every++) {
        unsigned seed = every;
        begin(8, 8);
        for (unsigned i = 0; i < 200; i++)
            for (int d = 0; d < 2; d++) {
                size_t n = put_stream(payload, (enum wst_dir)d, 0, 10 * i, 10, false);
                n = conn_packet(&conn, (enum wst_dir)d, SEAL_SHORT, room_out, payload, n);
                seed = seed * 1103515245 + 12345;
                if (i % every == 1) room_out[9 + (seed >> 16) % (n - 9)] ^= 0x10;
                conn_push(&conn, (enum wst_dir)d, room_out, n);
            }
        end();
        assert_int_equal(room.opened, 1);
        for (int d = 0; d < 2; d++) assert_true(half(0, (enum wst_dir)d)->at >= 1000);
    }
}

/* -- what is not found, and what it costs ------------------------------------------------------ */

static void wrong_secrets(void **state)
{
    (void)state;
    for (int may_come = 0; may_come < 2; may_come++) {
        begin_with(400, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        wst_quic_keys_may_come(room.quic, may_come);
        room.offered = 0;
        goes_on(0, 100, 50);
        room_finish(&room);
        assert_int_equal(room.opened, 0);
        assert_int_equal(wst_quic_count(room.quic), 0);
        assert_int_equal(room.problems[WST_PROBLEM_QUIC_UNREAD], 1);
        room_free(&room);
    }
}

/* A long key log is found through. */
static void many_secrets(void **state)
{
    (void)state;
    begin_with(20000, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    goes_on(0, 70, 50);
    end();
    assert_int_equal(half(0, WST_C2S)->at, 3500);
}

/* Many addresses and a long key log: what is looked at grows with the datagrams, and not with the
 * product of both. */
static void purse(void **state)
{
    enum { ADDRESSES = 400, SECRETS = 100000, MOST = 1 << 23, INCOME = 8, LOOK = 1 };
    (void)state;
    begin_with(SECRETS, SEAL_V1, SEAL_AES_256_GCM, 8, 8);
    room.offer_at = 2 * SECRETS;
    for (unsigned i = 0; i < ADDRESSES; i++) {
        conn.port++;
        goes_on(0, 10, 10);
        assert_true(room.quic->purse <= MOST);
    }
    room_finish(&room);
    assert_int_equal(room.opened, 0);
    /* Each secret costs a mask at least, whatever came of it. */
    assert_true(room.looked < MOST / 40 + 20 * ADDRESSES * (INCOME + 2) + (1 << 21) / 40);
    room_free(&room);
}

/* No secret is offered: nothing is derived. */
static void nothing_offered(void **state)
{
    (void)state;
    begin(8, 8);
    room.offers = 0;
    goes_on(0, 100, 50);
    assert_int_equal(room.quic->purse, 1 << 23);
    assert_null(room.quic->crypto.hkdf.hashes[0].hmac);
    end();
    assert_int_equal(room.opened, 0);
}

/* More addresses than are kept, in turn; those that speak get their places. */
static void crowd(void **state)
{
    (void)state;
    begin(8, 8);
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 300; i++) {
            uint8_t noise[64];
            memset(noise, 0x41 + (int)(i % 20), sizeof noise);
            conn.port = (uint16_t)(1000 + i);
            conn_push(&conn, WST_C2S, noise, sizeof noise);
        }
    conn.port = 999;
    goes_on(0, 40, 10);
    end();
    assert_int_equal(half(0, WST_C2S)->at, 400);
}

/* Those that were silent longest give way: who speaks now and then is kept until its keys come. */
static void crowd_between(void **state)
{
    uint16_t others = 1000;
    (void)state;
    begin(8, 8);
    uint32_t offers = room.offers;
    room.offers = 0;
    wst_quic_keys_may_come(room.quic, true);
    for (unsigned i = 0; i < 20; i++) {
        uint8_t noise[64];
        memset(noise, 0x41 + (int)i, sizeof noise);
        for (unsigned k = 0; k < 50; k++) {
            conn.port = others++;
            conn_push(&conn, WST_C2S, noise, sizeof noise);
        }
        conn.port = 999;
        conn_stream(&conn, WST_C2S, 0, 10 * i, 10, false);
    }
    room.offers = offers;
    wst_quic_wake(room.quic, &room.now);
    goes_on(200, 20, 10);
    end();
    assert_int_equal(half(0, WST_C2S)->at, 400);
    assert_int_equal(half(0, WST_C2S)->gaps, 0);
}

static void scarce(void **state)
{
    (void)state;
    for (size_t max = 0; max < 200000; max += max < 4000 ? 61 : 1467) {
        begin(8, 8);
        room.budget.max = max;
        goes_on(100, 30, 50);
        end();
    }
    assert_int_equal(half(0, WST_C2S)->at, 1600);
}

/* -- strangers --------------------------------------------------------------------------------- */

/* Datagrams whose first bytes are as under a mask: bits of them vary. */
static void unknown(unsigned times, size_t n, uint8_t bits)
{
    uint8_t packet[64] = {0};
    for (unsigned i = 0; i < times; i++) {
        packet[0] = (uint8_t)(0x40 | ((0xaa + i * 0x55) & bits));
        conn_push(&conn, i % 3 ? WST_C2S : WST_S2C, packet, n);
    }
}

/* The shortest packet under protection has 21 bytes (RFC 9001 section 5.4.2: one of the header,
 * four of a number, 16 that are sampled). Each pair of addresses counts once, the first is told. */
static void strangers(void **state)
{
    static const struct {
        unsigned times;
        size_t n;
        uint8_t bits;
        bool counts;
    } pairs[] = {{31, 21, 0x1f, false}, {40, 20, 0x1f, false}, {40, 40, 0x0f, false},
                 {40, 40, 0x1e, false}, {40, 21, 0x1f, true},  {32, 40, 0x1f, true},
                 {99, 30, 0x3f, true}};
    unsigned told = 0;
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    for (size_t i = 0; i < ARRAY(pairs); i++) {
        conn.port++;
        unknown(pairs[i].times, pairs[i].n, pairs[i].bits);
        told += pairs[i].counts;
        assert_int_equal(room.problems[WST_PROBLEM_QUIC_UNREAD], told ? 1 : 0);
        assert_int_equal(wst_quic_strangers(room.quic), told ? told - 1 : 0);
    }
    conn.port++;
    unknown(20, 40, 0x1f); /* and one that is none among them */
    conn_push(&conn, WST_C2S, (const uint8_t[]){0xc0, 1, 2, 3, 4, 5}, 6);
    unknown(40, 40, 0x1f);
    assert_int_equal(wst_quic_strangers(room.quic), told - 1);
    end();
    room_init(&room); /* packets are cut: then it is that */
    wst_quic_cut(room.quic);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    unknown(40, 40, 0x1f);
    assert_int_equal(wst_quic_strangers(room.quic), 0);
    assert_int_equal(room.problems[WST_PROBLEM_QUIC_UNREAD], 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_missing),
        cmocka_unit_test(short_capture),
        cmocka_unit_test(half_a_hello),
        cmocka_unit_test(turned),
        cmocka_unit_test(amid),
        cmocka_unit_test(told_soon),
        cmocka_unit_test(one_side_first),
        cmocka_unit_test(one_secret),
        cmocka_unit_test(id_changes),
        cmocka_unit_test(late_keys),
        cmocka_unit_test(damaged),
        cmocka_unit_test(wrong_secrets),
        cmocka_unit_test(many_secrets),
        cmocka_unit_test(purse),
        cmocka_unit_test(nothing_offered),
        cmocka_unit_test(crowd),
        cmocka_unit_test(crowd_between),
        cmocka_unit_test(scarce),
        cmocka_unit_test(strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
