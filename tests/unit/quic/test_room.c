/* SPDX-License-Identifier: MIT
 *
 * Whole connections, made and sealed here: order, loss, doubled packets, key updates, IDs, keys
 * that come late or never, ends, caps, damage.
 */
#include <time.h>

#include "talk.h"

static void begin(size_t to_client, size_t to_server)
{
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, to_client, to_server);
    conn_hellos(&conn);
}

/* -- plain ------------------------------------------------------------------------------------- */

static void ciphers_and_ids(void **state)
{
    static const size_t ids[][2] = {{8, 8}, {0, 8}, {8, 0}, {0, 0}, {1, 1}, {20, 20}, {4, 17}};
    (void)state;
    for (int version = 0; version < 2; version++)
        for (int kind = 0; kind < SEAL_KINDS; kind++)
            for (size_t i = 0; i < ARRAY(ids); i++)
                for (int quiet = 0; quiet < 2; quiet++) {
                    room_init(&room);
                    conn_init(&conn, &room, 1, version ? SEAL_V2 : SEAL_V1, kind, ids[i][0],
                              ids[i][1]);
                    conn.quiet = quiet;
                    conn_hellos(&conn);
                    talk(&conn, 0);
                    talked(0);
                    assert_int_equal(room.opened, 1);
                    assert_int_equal(room.opening, 1);
                    end();
                    assert_int_equal(room.ended, 1);
                }
}

/* -- order and loss ---------------------------------------------------------------------------- */

enum { DATAGRAMS = 200, PIECE = 100 };

struct sent { /* one datagram, kept to be sent later or twice */
    size_t n;
    uint8_t bytes[256];
};

static void shuffled(void **state)
{
    static struct sent sent[DATAGRAMS];
    uint8_t payload[256];
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t s = seed;
        begin(8, 8);
        for (uint64_t i = 0; i < DATAGRAMS; i++) {
            size_t n =
                put_stream(payload, WST_C2S, i % 4 * 4, i / 4 * PIECE, PIECE, i >= DATAGRAMS - 4);
            n = conn_packet(&conn, WST_C2S, SEAL_SHORT, room_out, payload, n);
            memcpy(sent[i].bytes, room_out, n);
            sent[i].n = n;
        }
        for (size_t i = 0; i < DATAGRAMS; i++) { /* late by up to 30, some doubled */
            size_t k = i + rnd_below(&s, DATAGRAMS - i < 30 ? DATAGRAMS - i : 30);
            struct sent swap = sent[i];
            sent[i] = sent[k];
            sent[k] = swap;
            conn_push(&conn, WST_C2S, sent[i].bytes, sent[i].n);
            if (!rnd_below(&s, 4)) conn_push(&conn, WST_C2S, sent[i / 2].bytes, sent[i / 2].n);
        }
        for (uint64_t id = 0; id < 16; id += 4) {
            assert_int_equal(half(id, WST_C2S)->at, DATAGRAMS / 4 * PIECE);
            assert_int_equal(half(id, WST_C2S)->fins, 1);
            assert_int_equal(half(id, WST_C2S)->gaps, 0);
        }
        end();
    }
}

/* The capture lacks a packet that the other side has. */
static void lost(void **state)
{
    (void)state;
    begin(8, 8);
    conn_stream(&conn, WST_C2S, 0, 0, 100, false); /* 0 */
    conn_lost(&conn, WST_C2S);                     /* 1 */
    conn_stream(&conn, WST_C2S, 0, 250, 100, false);
    uint64_t waits = room.now.pkt;
    for (int i = 0; i < 100; i++) conn_stream(&conn, WST_S2C, 0, 100 * (uint64_t)i, 100, false);
    assert_int_equal(half(0, WST_C2S)->at, 100); /* nobody has it: it is waited for */
    conn_ack(&conn, WST_S2C, 0, 2);
    uint32_t n = 1;
    while (!half(0, WST_C2S)->gaps && n < 100) {
        conn_stream(&conn, WST_S2C, 0, 9900 + 100 * (uint64_t)n, 100, false);
        n++;
    }
    assert_in_range(n, room.options.limits.reorder_packets,
                    room.options.limits.reorder_packets + 32);
    assert_int_equal(half(0, WST_C2S)->lost, 150);
    assert_int_equal(half(0, WST_C2S)->at, 350);
    assert_int_equal(half(0, WST_C2S)->from, waits);
    conn_stream(&conn, WST_C2S, 0, 350, 10, true);
    assert_int_equal(half(0, WST_C2S)->at, 360);
    assert_int_equal(half(0, WST_C2S)->from, room.now.pkt);
    assert_int_equal(half(0, WST_C2S)->gaps, 1);
    end();
}

/* Two holes of one direction are given up while the other one talks; the second is younger than
 * what is acknowledged. */
static void lost_twice(void **state)
{
    (void)state;
    begin(8, 8);
    for (int i = 0; i < 40; i++) conn_stream(&conn, WST_C2S, 4, (uint64_t)i * 10, 10, false);
    conn_stream(&conn, WST_C2S, 0, 0, 100, false); /* 40 */
    conn_lost(&conn, WST_C2S);                     /* 41 */
    conn_stream(&conn, WST_C2S, 0, 200, 100, false);
    conn_lost(&conn, WST_C2S); /* 43: lost on the way, too */
    conn_stream(&conn, WST_C2S, 0, 400, 100, false);
    conn_ack(&conn, WST_S2C, 0, 42);
    for (int i = 0; i < 100; i++) conn_stream(&conn, WST_S2C, 0, 100 * (uint64_t)i, 100, false);
    assert_int_equal(half(0, WST_C2S)->gaps, 1);
    assert_int_equal(half(0, WST_C2S)->at, 300);
    conn_stream(&conn, WST_C2S, 0, 300, 100, true); /* sent again */
    assert_int_equal(half(0, WST_C2S)->gaps, 1);
    assert_int_equal(half(0, WST_C2S)->at, 500);
    end();
}

/* … or the other side has both: neither is waited for. */
static void lost_both(void **state)
{
    (void)state;
    begin(8, 8);
    for (int i = 0; i < 200; i++) conn_stream(&conn, WST_C2S, 4, (uint64_t)i * 10, 10, false);
    for (uint64_t i = 0; i < 3; i++) {
        conn_stream(&conn, WST_C2S, 0, 200 * i, 100, false);
        conn_lost(&conn, WST_C2S);
    }
    conn_ack(&conn, WST_S2C, 0, 205);
    for (int i = 0; i < 100; i++) conn_stream(&conn, WST_S2C, 0, 100 * (uint64_t)i, 100, false);
    assert_int_equal(half(0, WST_C2S)->gaps, 2);
    assert_int_equal(half(0, WST_C2S)->at, 500);
    end();
}

/* A packet that the other side said it lacks, or a number that nobody sent, held nothing of the
 * stream that it has, also when it says nothing of that number any more. */
static void lost_and_said_so(void **state)
{
    static const uint8_t but_2[] = {2, 3, 0, 1, 0, 0, 1}; /* ACK: 3, and 0 to 1 */
    (void)state;
    begin(8, 8);
    const struct wst_quic_connection *c = TAILQ_FIRST(&room.quic->by_first);
    conn_stream(&conn, WST_C2S, 0, 0, 10, false); /* 0 */
    conn_stream(&conn, WST_C2S, 4, 0, 10, false); /* 1 */
    conn_lost(&conn, WST_C2S);                    /* 2 */
    conn_stream(&conn, WST_C2S, 4, 10, 10, false);
    conn_short(&conn, WST_S2C, but_2, sizeof but_2);
    assert_false(wst_quic_behind(c, 0, WST_C2S));
    conn_ack(&conn, WST_S2C, 3, 3);
    assert_false(wst_quic_behind(c, 0, WST_C2S));
    conn_lost(&conn, WST_C2S); /* 4: what it said of it nobody captured */
    conn_stream(&conn, WST_C2S, 4, 20, 10, false);
    conn_ack(&conn, WST_S2C, 5, 5);
    assert_true(wst_quic_behind(c, 0, WST_C2S));
    conn_stream(&conn, WST_C2S, 0, 10, 10, false);
    assert_false(wst_quic_behind(c, 0, WST_C2S));
    end();
}

static void sent_again(void **state)
{
    (void)state;
    begin(8, 8);
    conn_stream(&conn, WST_C2S, 0, 0, 100, false); /* 0 */
    conn_lost(&conn, WST_C2S);
    conn_stream(&conn, WST_C2S, 0, 200, 100, false); /* 2 */
    conn_ack(&conn, WST_S2C, 2, 2);
    conn_ack(&conn, WST_S2C, 0, 0);
    for (int i = 0; i < 200; i++) conn_stream(&conn, WST_S2C, 0, 100 * (uint64_t)i, 100, false);
    assert_int_equal(half(0, WST_C2S)->at, 100);
    conn_stream(&conn, WST_C2S, 0, 50, 400, true);
    assert_int_equal(half(0, WST_C2S)->at, 450);
    assert_int_equal(half(0, WST_C2S)->gaps, 0);
    assert_int_equal(half(0, WST_C2S)->fins, 1);
    end();
}

/* A hole is told at the end, one before a FIN, too; and after a time, also when the clock of the
 * capture is set back meanwhile. */
static void holes_at_the_end(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        begin(8, 8);
        conn_stream(&conn, WST_C2S, 0, 0, 100, false);
        conn_lost(&conn, WST_C2S);
        conn_stream(&conn, WST_C2S, 0, 200, how == 1 ? 0 : 50, true);
        if (how == 2) room.now.ns += room.options.limits.reorder_ns;
        for (int i = 0; i < 40 && how == 2; i++)
            conn_stream(&conn, WST_S2C, 0, 100 * (uint64_t)i, 100, false);
        if (how == 3) room.now.ns -= INT64_C(3600000000000);
        for (int i = 0; i < 60 && how == 3; i++) {
            room.now.ns += room.options.limits.reorder_ns / 20;
            conn_stream(&conn, WST_S2C, 0, 100 * (uint64_t)i, 100, false);
        }
        if (how >= 2) assert_int_equal(half(0, WST_C2S)->lost, 100);
        end();
        assert_int_equal(half(0, WST_C2S)->lost, 100);
        assert_int_equal(half(0, WST_C2S)->fins, 1);
    }
}

/* The capture lacks more packets than one byte of a number can tell apart. */
static void many_lost(void **state)
{
    (void)state;
    for (uint64_t missing = 100; missing < 10000; missing += 331)
        for (int acked = 0; acked < 2; acked++) {
            begin(8, 8);
            conn_stream(&conn, WST_C2S, 0, 0, 100, false);
            conn_stream(&conn, WST_S2C, 0, 0, 100, false);
            conn.next[0][2] += missing;
            conn.next[1][2] += missing;
            conn.number_n = 1;
            conn_stream(&conn, WST_C2S, 0, 200, 100, false);
            conn_stream(&conn, WST_S2C, 0, 200, 100, false);
            for (uint64_t i = 0; i < 40; i++) {
                conn_ack(&conn, WST_S2C, 0, conn.next[0][2] - 1);
                conn_ack(&conn, WST_C2S, 0, conn.next[1][2] - 1);
            }
            room.now.ns += room.options.limits.reorder_ns;
            for (uint64_t i = 0; i < 40; i++) conn_stream(&conn, WST_C2S, 4, i * 10, 10, false);
            assert_int_equal(half(0, WST_C2S)->lost, 100);
            assert_int_equal(half(0, WST_C2S)->at, 300);
            assert_int_equal(half(0, WST_S2C)->at, 300);
            end();
        }
}

/* -- keys -------------------------------------------------------------------------------------- */

static void key_updates(void **state)
{
    (void)state;
    for (int kind = 0; kind < SEAL_KINDS; kind++)
        for (int quiet = 0; quiet < 2; quiet++) {
            uint64_t at = 0;
            room_init(&room);
            conn_init(&conn, &room, 1, SEAL_V1, kind, 8, 8);
            conn.quiet = quiet;
            conn_hellos(&conn);
            for (int round = 0; round < 12; round++) {
                for (int d = 0; d < 2; d++) conn_stream(&conn, (enum wst_dir)d, 0, at, 100, false);
                at += 100;
                conn_update(&conn, (enum wst_dir)(round & 1));
                if (round % 3 == 0) conn_update(&conn, (enum wst_dir)(round & 1));
                if (round % 4 == 0) conn_update(&conn, WST_S2C);
            }
            for (int d = 0; d < 2; d++) assert_int_equal(half(0, (enum wst_dir)d)->at, at);
            end();
        }
}

/* Packets of the generation before that come late. */
static void update_out_of_order(void **state)
{
    uint8_t late[2][512], payload[256];
    size_t n[2];
    (void)state;
    begin(8, 8);
    conn_stream(&conn, WST_C2S, 0, 0, 100, false);
    for (int i = 0; i < 2; i++)
        n[i] = conn_packet(&conn, WST_C2S, SEAL_SHORT, late[i], payload,
                           put_stream(payload, WST_C2S, 0, 100 + 100 * (uint64_t)i, 100, false));
    conn_update(&conn, WST_C2S);
    conn_stream(&conn, WST_C2S, 0, 300, 100, false);
    for (int i = 1; i >= 0; i--) conn_push(&conn, WST_C2S, late[i], n[i]);
    conn_stream(&conn, WST_C2S, 0, 400, 100, false);
    assert_int_equal(half(0, WST_C2S)->at, 500);
    end();
}

static void late_keys(void **state)
{
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.known = 0;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_CHACHA20, 8, 20);
    conn_hellos(&conn);
    talk(&conn, 0);
    assert_int_equal(room.opened, 0);
    assert_true(wst_quic_last(room.quic).undecided);
    wst_quic_wake(room.quic, &room.now); /* of others */
    room.known = 1u << WST_QUIC_SECRET_CLIENT_HS | 1u << WST_QUIC_SECRET_SERVER_HS;
    wst_quic_wake(room.quic, &room.now);
    assert_int_equal(room.opened, 0);
    room.known = ~0u;
    wst_quic_wake(room.quic, &room.now);
    talked(0);
    talk(&conn, 4);
    talked(4);
    assert_false(wst_quic_last(room.quic).undecided);
    end();
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 0);
}

/* They come only after it was given up; or never. Waiting for one does not begin anew with the
 * secrets of others. */
static void keys_never_come(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        room_init(&room);
        wst_quic_keys_may_come(room.quic, how != 0);
        room.known = 0;
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conn);
        talk(&conn, 0);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], how == 0);
        for (int i = 0; i < 6 && how == 2; i++) {
            room.now.ns += room.options.limits.tls_wait_ns / 5;
            if (i < 3) room.known = (2u << i) - 1; /* of the handshake: what waits is tried */
            wst_quic_tick(room.quic, &room.now, 5);
            wst_quic_wake(room.quic, &room.now);
            wst_quic_tick(room.quic, &room.now, 5);
        }
        if (how == 2) assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
        talk(&conn, 4);
        room_finish(&room);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
        assert_non_null(strstr(room.detail, "no key"));
        assert_int_equal(room.opened, 0);
        room_free(&room);
    }
}

static void too_much_waits(void **state)
{
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.options.limits.tls_wait = 10000;
    room.known = 0;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    for (uint64_t i = 0; i < 30; i++) conn_stream(&conn, WST_S2C, 0, i * 1000, 1000, false);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
    room.known = ~0u;
    wst_quic_wake(room.quic, &room.now);
    end();
    assert_int_equal(room.opened, 0);
}

/* Keys may still come, but not those of the handshake and of early data: what can be read goes on
 * when the time to wait for the others is over. */
static void some_keys_never_come(void **state)
{
    static const unsigned missing[] = {1u << WST_QUIC_SECRET_CLIENT_HS |
                                           1u << WST_QUIC_SECRET_SERVER_HS,
                                       1u << WST_QUIC_SECRET_SERVER, 1u << WST_QUIC_SECRET_CLIENT};
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        room_init(&room);
        wst_quic_keys_may_come(room.quic, true);
        room.known = ~missing[how];
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conn);
        talk(&conn, 0);
        for (int i = 0; i < 6; i++) {
            room.now.ns += room.options.limits.tls_wait_ns / 5;
            conn_stream(&conn, WST_C2S, 8, (uint64_t)i * 10, 10, false);
            conn_stream(&conn, WST_S2C, 8, (uint64_t)i * 10, 10, false);
            wst_quic_tick(room.quic, &room.now, 5);
        }
        talk(&conn, 4);
        for (int d = 0; d < 2; d++) {
            bool read = how == 0 || (how == 1) == (d == WST_C2S);
            assert_int_equal(half(0, (enum wst_dir)d)->fins, read);
            assert_int_equal(half(4, (enum wst_dir)d)->fins, read);
            assert_int_equal(half(8, (enum wst_dir)d)->at, read ? 60 : 0);
        }
        assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], how != 0);
        assert_int_equal(room.ended, 0);
        end();
    }
}

/* They come late: what waited was said when its packets came. */
static void said_before_its_keys(void **state)
{
    uint64_t of[2];
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.known = 0;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    for (int d = 0; d < 2; d++) {
        conn_stream(&conn, (enum wst_dir)d, 0, 0, 100, false);
        of[d] = room.now.pkt;
    }
    talk(&conn, 4);
    assert_int_equal(half(0, WST_C2S)->at, 0);
    room.known = ~0u;
    wst_quic_wake(room.quic, &room.now);
    for (int d = 0; d < 2; d++) {
        assert_int_equal(half(0, (enum wst_dir)d)->at, 100);
        assert_int_equal(half(0, (enum wst_dir)d)->there, of[d]);
    }
    end();
}

/* So much of one direction waits for its secret that it is given up: the other is read on. */
static void too_much_of_one_waits(void **state)
{
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.options.limits.tls_wait = 10000;
    room.known = ~(1u << WST_QUIC_SECRET_SERVER);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    talk(&conn, 0);
    for (uint64_t i = 0; i < 30; i++) conn_stream(&conn, WST_S2C, 8, i * 1000, 1000, false);
    talk(&conn, 4);
    assert_int_equal(half(0, WST_C2S)->fins, 1);
    assert_int_equal(half(4, WST_C2S)->fins, 1);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
    assert_int_equal(room.ended, 0);
    end();
}

/* What waits behind a hole is told before a connection is given up. */
static void hole_when_sealed(void **state)
{
    static uint8_t payload[2000];
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.options.limits.tls_wait = 10000;
    room.known = 1u << WST_QUIC_SECRET_EARLY;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    size_t n = conn_first(&conn);
    size_t k = put_stream(payload, WST_C2S, 0, 100, 200, false);
    n += conn_packet(&conn, WST_C2S, SEAL_EARLY, room_out + n, payload, k);
    conn_push(&conn, WST_C2S, room_out, n);
    for (uint64_t i = 0; i < 30; i++) conn_stream(&conn, WST_S2C, 8, i * 1000, 1000, false);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
    assert_int_equal(half(0, WST_C2S)->at, 300);
    assert_int_equal(half(0, WST_C2S)->lost, 100);
    end();
}

/* Anybody makes Initial packets, and any that do not open say nothing about secrets. */
static void false_initials(void **state)
{
    static uint8_t payload[1200];
    (void)state;
    for (int n = 1; n <= 300; n += 299) {
        static struct conn liar;
        room_init(&room);
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
        for (int i = 0; i < n; i++) {
            liar = conn;
            memset(liar.first, 0xee, 8);
            conn_seal(&liar, SEAL_V1);
            conn_push(&conn, WST_S2C, room_out,
                      conn_packet(&liar, WST_S2C, SEAL_INITIAL, room_out, payload, 1000));
        }
        if (n > 1) {
            conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
            talk(&conn, 0);
            talked(0);
        }
        room_finish(&room);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_WRONG_KEY], 0);
        room_free(&room);
    }
}

/* Nor do packets that anybody made who saw an ID, when the handshake has opened. */
static void false_shorts(void **state)
{
    static uint8_t packet[100];
    (void)state;
    for (int n = 1; n <= 300; n += 299) {
        begin(8, 8);
        for (int i = 0; i < n; i++) {
            memset(packet, 0x11 + i, sizeof packet);
            packet[0] = 0x40;
            memcpy(packet + 1, conn.id[WST_S2C], 8);
            conn_push(&conn, WST_S2C, packet, sizeof packet);
        }
        if (n > 1) {
            talk(&conn, 0);
            talked(0);
        }
        room_finish(&room);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_WRONG_KEY], 0);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_LOST], 1);
        room_free(&room);
    }
}

static void wrong_keys(void **state)
{
    (void)state;
    for (int quiet = 0; quiet < 2; quiet++) {
        room_init(&room);
        room.wrong = true;
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn.quiet = quiet;
        conn_hellos(&conn);
        for (uint64_t i = 0; i < 200; i++) conn_stream(&conn, WST_S2C, 0, i * 1000, 1000, false);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_WRONG_KEY], 1);
        end();
        assert_int_equal(room.opened, 0);
    }
    room_init(&room); /* so few packets that it is told at the end */
    room.wrong = true;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    for (uint64_t i = 0; i < 5; i++) conn_stream(&conn, WST_S2C, 0, i * 1000, 1000, false);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_WRONG_KEY], 0);
    end();
    assert_int_equal(room.opened, 0);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_WRONG_KEY], 1);
}

static void one_direction(void **state)
{
    (void)state;
    for (int d = 0; d < 2; d++) {
        room_init(&room);
        room.known = ~(1u << (d ? WST_QUIC_SECRET_CLIENT : WST_QUIC_SECRET_SERVER));
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conn);
        talk(&conn, 0);
        talk(&conn, 4);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
        assert_int_equal(half(0, (enum wst_dir)d)->fins, 1);
        assert_int_equal(half(4, (enum wst_dir)d)->fins, 1);
        assert_int_equal(half(0, (enum wst_dir) !d)->at, 0);
        end();
    }
}

static void early_data(void **state)
{
    static uint8_t payload[2000];
    static const uint8_t ping[] = {1};
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    size_t n = conn_first(&conn);
    size_t k = put_stream(payload, WST_C2S, 0, 0, 300, false);
    n += conn_packet(&conn, WST_C2S, SEAL_EARLY, room_out + n, payload, k);
    conn_push(&conn, WST_C2S, room_out, n);
    assert_int_equal(half(0, WST_C2S)->at, 300);
    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
    conn_push(&conn, WST_C2S, room_out,
              conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, room_out, ping, 1));
    conn_stream(&conn, WST_C2S, 0, 300, 100, true);
    assert_int_equal(half(0, WST_C2S)->at, 400);
    assert_int_equal(room.opening, 1);
    end();
}

/* -- handshakes -------------------------------------------------------------------------------- */

static void retry(void **state)
{
    (void)state;
    for (int seen = 0; seen < 2; seen++)
        for (int second = 0; second < 2; second++) {
            uint8_t packet[64];
            size_t n = 0;
            room_init(&room);
            conn_init(&conn, &room, 1, second ? SEAL_V2 : SEAL_V1, SEAL_AES_128_GCM, 8, 8);
            conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
            packet[n++] = second ? 0xc0 : 0xf0;
            n += seal_number(packet + n, conn.version, 4);
            packet[n++] = 8;
            memcpy(packet + n, conn.id[WST_S2C], 8);
            n += 8;
            packet[n++] = 8;
            memset(packet + n, 0x99, 8);
            n += 8;
            memset(packet + n, 0x11, 20); /* a token, the tag */
            if (seen) conn_push(&conn, WST_S2C, packet, n + 20);
            memset(conn.first, 0x99,
                   8);               /* where the client sends now, and what it is sealed with */
            if (seen) conn.name = 7; /* some make another hello, with other secrets */
            conn_seal(&conn, conn.version);
            conn_hellos(&conn);
            talk(&conn, 0);
            talked(0);
            end();
            assert_int_equal(room.opened, 1);
        }
}

static void compatible_version(void **state)
{
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
    conn_seal(&conn, SEAL_V2);
    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
    talk(&conn, 0);
    talked(0);
    end();
}

/* The ClientHello in small pieces, last first, in datagrams of their own. */
static void split_hello(void **state)
{
    uint8_t m[42], payload[1190];
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    size_t n = client_hello(&conn, m);
    for (size_t at = n - 2;; at -= 4) {
        memset(payload, 0, sizeof payload);
        put_crypto(payload, at, m + at, n - at < 4 ? n - at : 4);
        conn_push(&conn, WST_C2S, room_out,
                  conn_packet(&conn, WST_C2S, SEAL_INITIAL, room_out, payload, sizeof payload));
        if (at < 4) break;
    }
    assert_int_equal(room.messages, 1);
    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
    talk(&conn, 0);
    talked(0);
    end();
}

/* Half of it comes last, when both sides have talked already: what waited for it is read then. */
static void hello_last(void **state)
{
    uint8_t m[42], payload[1190] = {0}, early[sizeof payload] = {0}, late[1400];
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    client_hello(&conn, m);
    put_crypto(early, 0, m, 20);
    conn_push(&conn, WST_C2S, room_out,
              conn_packet(&conn, WST_C2S, SEAL_INITIAL, room_out, early, sizeof early));
    put_crypto(payload, 20, m + 20, 22);
    size_t n = conn_packet(&conn, WST_C2S, SEAL_INITIAL, late, payload, sizeof payload);
    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
    talk(&conn, 0);
    assert_int_equal(room.opened, 0);
    conn_push(&conn, WST_C2S, late, n);
    talked(0);
    end();
}

static void new_ids(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 20; n++)
        for (int d = 0; d < 2; d++) {
            uint8_t payload[64] = {0x18, 1, 0, (uint8_t)n};
            begin(8, 8);
            talk(&conn, 0);
            memset(payload + 4, 0xa0 + d, n);
            conn_short(&conn, (enum wst_dir)d, payload, 4 + n + 16);
            memset(conn.id[!d], 0xa0 + d, n);
            conn.id_n[!d] = n;
            conn.port++; /* it moved */
            talk(&conn, 4);
            talked(4);
            end();
            assert_int_equal(room.opened, 1);
        }
}

/* Nobody gets the packets of another connection by choosing its ID. */
static void stolen_id(void **state)
{
    static struct conn thief;
    uint8_t payload[64] = {0x18, 1, 0, 8};
    (void)state;
    begin(8, 8);
    talk(&conn, 0);
    conn_init(&thief, &room, 2, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&thief);
    for (int d = 0; d < 2; d++)
        for (int k = 0; k < 2; k++) {
            memcpy(payload + 4, conn.id[k], 8);
            conn_short(&thief, (enum wst_dir)d, payload, 4 + 8 + 16);
        }
    talk(&conn, 4);
    talked(4);
    talk(&thief, 8);
    talked(8);
    end();
}

/* A client without an ID moves: the server's packets follow it. */
static void nameless_moves(void **state)
{
    (void)state;
    begin(0, 8);
    for (uint64_t i = 0; i < 100; i++) {
        conn.port++;
        talk(&conn, 4 * i);
        talked(4 * i);
    }
    end();
    assert_int_equal(room.opened, 1);
}

/* Another connection between the same addresses, after one without IDs. */
static void same_addresses(void **state)
{
    static struct conn again;
    (void)state;
    begin(0, 8);
    talk(&conn, 0);
    conn_init(&again, &room, 2, SEAL_V1, SEAL_AES_128_GCM, 0, 8);
    again.port = conn.port;
    conn_hellos(&again);
    talk(&again, 4);
    talked(4);
    end();
    assert_int_equal(room.ended, 2);
}

/* -- strangers --------------------------------------------------------------------------------- */

/* Initial packets prove nothing: anybody makes them who saw the first. */
static void forged(void **state)
{
    static struct conn liar;
    static uint8_t payload[1200];
    (void)state;
    begin(8, 8);
    talk(&conn, 0);
    for (unsigned i = 0; i < 300; i++) {
        liar = conn;
        enum wst_dir d = (enum wst_dir)(i & 1);
        memset(payload, 0, sizeof payload);
        payload[0] = 0x1c; /* CONNECTION_CLOSE */
        memset(liar.id[!d], 0xb0, 20);
        liar.id[!d][0] = (uint8_t)i; /* IDs of its own */
        liar.id[!d][1] = (uint8_t)(i >> 8);
        if (i >= 150) {
            memcpy(liar.first, liar.id[d], 8); /* as after a Retry */
            conn_seal(&liar, i >= 200 ? SEAL_V2 : SEAL_V1);
        }
        conn_push(&conn, d, room_out,
                  conn_packet(&liar, d, SEAL_INITIAL, room_out, payload, sizeof payload));
    }
    for (unsigned i = 0; i < 100; i++) { /* Retry */
        uint8_t packet[64] = {0xf0, 0, 0, 0, 1, 8};
        memcpy(packet + 6, conn.id[WST_S2C], 8);
        packet[14] = 8;
        memset(packet + 15, (int)i, 8);
        conn_push(&conn, WST_S2C, packet, sizeof packet);
    }
    talk(&conn, 4);
    talked(4);
    end();
}

/* Sealed as after a Retry, when the server has answered: the true ones are read on. */
static void forged_retry(void **state)
{
    static struct conn liar;
    static uint8_t payload[1200] = {1};
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
    conn_push(&conn, WST_S2C, room_out,
              conn_packet(&conn, WST_S2C, SEAL_INITIAL, room_out, payload, sizeof payload));
    liar = conn;
    memcpy(liar.first, liar.id[WST_C2S], 8);
    conn_seal(&liar, SEAL_V1);
    conn_push(&conn, WST_C2S, room_out,
              conn_packet(&liar, WST_C2S, SEAL_INITIAL, room_out, payload, sizeof payload));
    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
    assert_int_equal(room.messages, 3);
    talk(&conn, 0);
    talked(0);
    end();
}

/* What is no hello is not believed in an Initial packet. */
static void forged_extensions(void **state)
{
    static const uint8_t extensions[] = {8, 0, 0, 2, 0, 0};
    uint8_t payload[1190] = {0};
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
    put_crypto(payload, 0, extensions, sizeof extensions);
    conn_push(&conn, WST_S2C, room_out,
              conn_packet(&conn, WST_S2C, SEAL_INITIAL, room_out, payload, sizeof payload));
    assert_int_equal(room.messages, 1);
    end();
}

/* That one connection has waited long enough is nothing to the others. */
static void another_waits(void **state)
{
    static struct conn later;
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.known = ~(1u << WST_QUIC_SECRET_SERVER);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    talk(&conn, 0);
    room.now.ns += room.options.limits.tls_wait_ns;
    wst_quic_tick(room.quic, &room.now, 5);
    room.now.ns += room.options.limits.tls_wait_ns;
    wst_quic_tick(room.quic, &room.now, 5);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
    room.known = 0;
    conn_init(&later, &room, 2, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&later);
    talk(&later, 4);
    room.known = ~0u;
    wst_quic_wake(room.quic, &room.now);
    talked(4);
    assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], 1);
    end();
}

/* Secrets of others come by the thousand: what waits is not looked through for each. */
static void secrets_of_others(void **state)
{
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    room.known = 0;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    for (uint64_t i = 0; i < 300; i++) conn_stream(&conn, WST_C2S, 0, i * 10, 10, false);
    room.asked = 0;
    for (int i = 0; i < 100; i++) wst_quic_wake(room.quic, &room.now);
    assert_in_range(room.asked, 1, 100 * WST_QUIC_LABELS);
    room.known = ~0u;
    wst_quic_wake(room.quic, &room.now);
    assert_int_equal(half(0, WST_C2S)->at, 3000);
    end();
}

/* A capture may have a block of secrets for each connection: it is brought to those that wait for
 * some, not to all that are open. */
static void who_waits(void **state)
{
    static struct conn later;
    (void)state;
    room_init(&room);
    wst_quic_keys_may_come(room.quic, true);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    talk(&conn, 0);
    talked(0);
    assert_true(TAILQ_EMPTY(&room.quic->waiting));
    room.known = 0;
    conn_init(&later, &room, 2, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&later);
    talk(&later, 4);
    assert_false(TAILQ_EMPTY(&room.quic->waiting));
    wst_quic_wake(room.quic, &room.now); /* of others */
    assert_ptr_equal(TAILQ_NEXT(TAILQ_FIRST(&room.quic->waiting), by_wait), NULL);
    room.known = ~0u;
    wst_quic_wake(room.quic, &room.now);
    talked(4);
    assert_true(TAILQ_EMPTY(&room.quic->waiting));
    end();
}

/* Packets that were copied, from elsewhere. */
static void replayed(void **state)
{
    (void)state;
    begin(0, 8);
    uint8_t payload[256], copy[512];
    size_t n = conn_packet(&conn, WST_C2S, SEAL_SHORT, copy, payload,
                           put_stream(payload, WST_C2S, 0, 0, 100, false));
    conn_push(&conn, WST_C2S, copy, n);
    for (int i = 0; i < 100; i++) {
        conn.port = (uint16_t)(1000 + i);
        conn_push(&conn, WST_C2S, copy, n);
    }
    conn.port = 40001;
    conn_stream(&conn, WST_S2C, 0, 0, 100, true);
    assert_int_equal(half(0, WST_S2C)->at, 100);
    end();
}

/* Random bytes behind a connection's ID, and everywhere. What they cost is bounded: a datagram of
 * one byte over and over looks as if it were many that were captured as one. */
static void garbage(void **state)
{
    static uint8_t bytes[65000];
    uint64_t s = 5;
    (void)state;
    begin(8, 8);
    talk(&conn, 0);
    for (int i = 0; i < 3000; i++) {
        size_t n = 1 + rnd_below(&s, 1400);
        rnd_fill(&s, bytes, n);
        if (i % 3) bytes[0] = 0x40, memcpy(bytes + 1, conn.id[i & 1], n < 9 ? n - 1 : 8);
        conn_push(&conn, (enum wst_dir)(i & 1), bytes, n);
        if (i % 50 == 0) conn_stream(&conn, WST_C2S, 4, (uint64_t)i / 50 * 10, 10, false);
    }
    assert_int_equal(half(4, WST_C2S)->at, 600);
    end();
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    memset(conn.id[WST_C2S], 0x40, 20);
    conn_hellos(&conn);
    memset(bytes, 0x40, sizeof bytes);
    clock_t from = clock();
    for (uint64_t i = 0; i < 300; i++) {
        conn_push(&conn, WST_C2S, bytes, sizeof bytes);
        if (i % 2) conn_stream(&conn, WST_C2S, 0, i / 2 * 10, 10, false);
    }
    assert_true(clock() - from < 20 * CLOCKS_PER_SEC);
    assert_int_equal(half(0, WST_C2S)->at, 1500);
    end();
}

/* -- several datagrams captured as one --------------------------------------------------------- */

static void offload(void **state)
{
    static uint8_t payload[ROOM_DATAGRAM], all[ROOM_DATAGRAM];
    static const size_t sizes[] = {30, 60, 200, 1000, 1200, 1350, 1452};
    (void)state;
    for (size_t i = 0; i < ARRAY(sizes); i++)
        for (size_t id = 0; id <= 8; id += 4)
            for (int behind = 0; behind < 2; behind++)
                for (int late = 0; late < 2; late++) {
                    size_t n = 0, each = sizes[i];
                    uint64_t at = 0;
                    /* Without an ID only usual sizes are tried, or few bytes. */
                    if (id < 4 && each < 1000 && each * 4 > 240) continue;
                    if (each < 1 + id + 2 + 16 + 12) continue;
                    room_init(&room);
                    wst_quic_keys_may_come(room.quic, late);
                    room.known = late ? 0 : ~0u;
                    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, id);
                    conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
                    conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
                    if (behind)
                        n = conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, all, (const uint8_t *)"\1",
                                        1);
                    for (int k = 0; k < 4; k++) {
                        size_t head = 1 + id + 2, room_for = each - head - 16;
                        if (k == 3) room_for -= room_for / 3; /* the last is shorter */
                        if (!k && behind) room_for -= n; /* one datagram with what is before it */
                        if (room_for < 12 ||
                            room_for > each) { /* no room: it has a datagram of its own */
                            room_for = each - head - 16;
                            n = 0;
                        }
                        memset(payload, 0, room_for);
                        size_t data = room_for - 5;
                        if (data > 60) data -= 3; /* larger integers */
                        put_stream(payload, WST_C2S, 0, at, data, false);
                        at += data;
                        n += conn_packet(&conn, WST_C2S, SEAL_SHORT, all + n, payload, room_for);
                    }
                    conn_push(&conn, WST_C2S, all, n);
                    room.known = ~0u;
                    wst_quic_wake(room.quic, &room.now);
                    if (half(0, WST_C2S)->at != at)
                        print_message("size %zu, ID %zu, behind %d, late %d: %llu of %llu\n", each,
                                      id, behind, late, (unsigned long long)half(0, WST_C2S)->at,
                                      (unsigned long long)at);
                    assert_int_equal(half(0, WST_C2S)->at, at);
                    end();
                }
}

/* -- ends -------------------------------------------------------------------------------------- */

/* What is told of windows. `steps`: b, B the client's stream, its connection has more than 100
 * bytes to send; m, M the server allows 200, o 100, of the stream, of the connection; L a packet of
 * the server that was not captured, A the client has all of them; d the client goes on, f to the
 * end; r it resets. A digit: so many seconds go by. */
static void windows(void **state)
{
    static const struct {
        const char *steps, *said; /* NULL: nothing */
    } rows[] = {
        {"b2m", "0 1 its window for the stream was closed for 2.001 s: the client had more to "
                "send"},
        {"B2M", "-1 1 its window for the connection was closed for 2.001 s: the client had more "
                "to send"},
        {"b1b1m", "0 1 its window for the stream was closed for 2.002 s: the client had more to "
                  "send"},
        {"b3", "0 1 its window for the stream was closed for the last 3.000 s: the client had "
               "more to send"},
        {"b3r", "0 1 its window for the stream was closed for the last 3.001 s: the client had "
                "more to send"},
        {"bm3", NULL}, /* soon enough */
        {"mb3", NULL}, /* what allowed more was on its way */
        {"b2o", "0 1 its window for the stream was closed for the last 2.001 s: the client had "
                "more to send"},
        {"b2d3", NULL}, /* what opened it was not captured */
        {"B2d3M", NULL},
        {"b1L1A1m", NULL},
        {"b1L1A1", NULL},
        {"bmdf3", NULL},
        {"3m", NULL},
        {"3", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        room_init(&room);
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conn);
        conn_stream(&conn, WST_C2S, 0, 0, 100, false);
        conn_stream(&conn, WST_S2C, 0, 0, 10, false);
        for (const char *s = rows[i].steps; *s; s++) {
            static const uint8_t blocked[] = {0x15, 0, 0x40, 100},
                                 all_blocked[] = {0x14, 0x40, 100}, more[] = {0x11, 0, 0x40, 200},
                                 all_more[] = {0x10, 0x40, 200}, same[] = {0x11, 0, 0x40, 100},
                                 reset[] = {4, 0, 0, 0x40, 100};
            switch (*s) {
            case 'b': conn_short(&conn, WST_C2S, blocked, sizeof blocked); break;
            case 'B': conn_short(&conn, WST_C2S, all_blocked, sizeof all_blocked); break;
            case 'm': conn_short(&conn, WST_S2C, more, sizeof more); break;
            case 'M': conn_short(&conn, WST_S2C, all_more, sizeof all_more); break;
            case 'o': conn_short(&conn, WST_S2C, same, sizeof same); break;
            case 'r': conn_short(&conn, WST_C2S, reset, sizeof reset); break;
            case 'd': conn_stream(&conn, WST_C2S, 0, 100, 20, false); break;
            case 'f': conn_stream(&conn, WST_C2S, 0, 120, 1, true); break;
            case 'L': conn_lost(&conn, WST_S2C); break;
            case 'A': conn_ack(&conn, WST_C2S, 0, conn.next[WST_S2C][2] - 1); break;
            default: room.now.ns += (*s - '0') * INT64_C(1000000000); break;
            }
        }
        end();
        if (room.stalled != (rows[i].said != NULL) ||
            (rows[i].said && strcmp(room.detail, rows[i].said) != 0))
            fail_msg("%s: %u times, %s", rows[i].steps, room.stalled, room.detail);
    }
}

static void resets(void **state)
{
    uint8_t payload[] = {0x04, 0, 0x41, 0x00, 0x40, 0xff};
    (void)state;
    begin(8, 8);
    conn_stream(&conn, WST_C2S, 0, 0, 100, false);
    conn_lost(&conn, WST_C2S);
    conn_stream(&conn, WST_C2S, 0, 150, 50, false);
    conn_short(&conn, WST_C2S, payload, sizeof payload);
    assert_int_equal(half(0, WST_C2S)->at, 255); /* its final size */
    assert_int_equal(half(0, WST_C2S)->lost, 50 + 55);
    assert_int_equal(half(0, WST_C2S)->resets, 1);
    conn_stream(&conn, WST_C2S, 0, 200, 50, true); /* behind its end */
    conn_short(&conn, WST_C2S, payload, sizeof payload);
    conn_stream(&conn, WST_S2C, 0, 0, 50, true);
    assert_int_equal(half(0, WST_S2C)->fins, 1);
    conn_short(&conn, WST_S2C, payload, sizeof payload);
    end();
}

/* One direction comes from a tap that is early: what ends there waits for the packets of the other
 * one that its sender had, and not longer than a hole does. */
static void ends_early(void **state)
{
    uint8_t reset[] = {0x04, 0, 0x41, 0x00, 0x40, 0xff};
    (void)state;
    for (unsigned row = 0; row < 4; row++) {
        bool closes = row & 1, comes = row < 2;
        begin(8, 8);
        conn_stream(&conn, WST_C2S, 0, 0, 255, false);
        conn_stream(&conn, WST_S2C, 0, 0, 100, false);
        uint64_t ahead = conn.next[WST_S2C][2];
        conn_ack(&conn, WST_C2S, ahead, ahead + 1); /* two that were not captured yet */
        if (closes)
            conn_close(&conn, WST_C2S, 0);
        else
            conn_short(&conn, WST_C2S, reset, sizeof reset);
        assert_int_equal(room.ended + half(0, WST_C2S)->resets, 0);
        if (comes) {
            conn_stream(&conn, WST_S2C, 0, 100, 50, false);
            assert_int_equal(room.ended + half(0, WST_C2S)->resets, 0);
            conn_stream(&conn, WST_S2C, 0, 150, 50, false);
            assert_int_equal(half(0, WST_S2C)->at, 200);
        } else {
            room.now.ns += room.options.limits.reorder_acked_ns + 1000000;
            wst_quic_tick(room.quic, &room.now, 1);
            wst_quic_tick(room.quic, &room.now, 1);
        }
        assert_int_equal(room.ended, closes);
        assert_int_equal(half(0, WST_C2S)->resets, !closes);
        end();
        assert_int_equal(room.ended, 1);
        assert_int_equal(half(0, WST_C2S)->resets, !closes);
    }
}

/* RFC 9000 section 10.3: random bytes, and a token that the server gave with an ID. `of`: 0 it is
 * right; 1 it is another; 2 it is the client that seems to send it; 3 nobody gave one; 4 the server
 * gave it in its handshake, behind another parameter. */
static void stateless_reset(void **state)
{
    static const uint8_t gives[] = {0x18, 1,   0,   8,   9,   9,   9,   9,   9,   9,
                                    9,    9,   'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h',
                                    'i',  'j', 'k', 'l', 'm', 'n', 'o', 'p'};
    (void)state;
    for (int of = 0; of < 5; of++) {
        uint8_t out[43], parameters[22] = {1, 2, 0x40, 30, 2, 16};
        bool right = of == 0 || of == 4;
        begin(8, 8);
        memcpy(parameters + 6, gives + 12, 16);
        if (of == 4)
            wst_quic_parameters(&TAILQ_FIRST(&room.quic->by_first)->terms,
                                wst_slice_of(parameters, sizeof parameters));
        talk(&conn, 0);
        conn_stream(&conn, WST_C2S, 4, 0, 100, false);
        if (of < 3) conn_short(&conn, WST_S2C, gives, sizeof gives);
        for (size_t i = 0; i < sizeof out; i++) out[i] = (uint8_t)(0x40 + 37 * i % 64);
        memcpy(out + sizeof out - 16, gives + 12, 16);
        out[sizeof out - 1] ^= of == 1;
        conn_push(&conn, of == 2 ? WST_C2S : WST_S2C, out, sizeof out);
        assert_int_equal(room.ended, right);
        assert_int_equal(room.closed, right);
        if (right) assert_true(room.close.stateless && room.close.dir == WST_S2C);
        if (right) assert_int_equal(room.how, WST_TCP_RST);
        conn_stream(&conn, WST_C2S, 4, 100, 100, false);
        assert_int_equal(half(4, WST_C2S)->at, right ? 100 : 200);
        end();
    }
}

static void closes(void **state)
{
    (void)state;
    for (uint8_t code = 0; code < 2; code++) {
        begin(8, 8);
        talk(&conn, 0);
        conn_stream(&conn, WST_C2S, 4, 0, 100, false);
        conn_lost(&conn, WST_C2S);
        conn_stream(&conn, WST_C2S, 4, 150, 50, false);
        conn_close(&conn, WST_S2C, code);
        assert_int_equal(room.ended, 1);
        assert_int_equal(room.how, code ? WST_TCP_RST : WST_TCP_FIN);
        assert_int_equal(half(4, WST_C2S)->lost, 50);
        assert_int_equal(room.closed, 1);
        assert_true(room.close.dir == WST_S2C && room.close_open);
        assert_true(room.close.code == code && !room.close.application && !room.close.handshake);
        assert_string_equal(room.reason, "");
        size_t held = room.budget.used;
        talk(&conn, 8);
        assert_int_equal(half(8, WST_C2S)->at, 0);
        assert_true(room.budget.used <= held);
        room.now.ns += room.options.limits.idle_closed_ns + 1000000;
        wst_quic_tick(room.quic, &room.now, 1);
        wst_quic_tick(room.quic, &room.now, 1);
        assert_int_equal(wst_quic_last(room.quic).number, 0);
        end();
        assert_int_equal(room.ended, 1);
    }
}

/* The application's code is told as such, with what is said of it. */
static void closes_with_words(void **state)
{
    (void)state;
    begin(8, 8);
    talk(&conn, 0);
    conn_close_application(&conn, WST_C2S);
    conn_close_application(&conn, WST_C2S); /* and again, until the other side falls silent */
    assert_int_equal(room.closed, 1);
    assert_true(room.close.dir == WST_C2S && room.close.application && !room.close.handshake);
    assert_int_equal(room.close.code, 0x102);
    assert_string_equal(room.reason, "why \xff");
    assert_int_equal(room.how, WST_TCP_RST);
    end();
    assert_int_equal(room.closed, 1);
}

/* A handshake that fails: no stream was there, and would have been. */
static void closes_in_the_handshake(void **state)
{
    static const uint8_t alert[] = {0x1c, 0x41, 0x30, 0x06, 0}; /* unknown_ca, for CRYPTO */
    (void)state;
    begin(8, 8);
    conn_push(&conn, WST_C2S, room_out,
              conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, room_out, alert, sizeof alert));
    assert_int_equal(room.closed, 1);
    assert_true(room.close.dir == WST_C2S && room.close.handshake && room.close_open);
    assert_int_equal(room.close.code, 0x130);
    end();
    assert_int_equal(room.closed, 1);
    assert_int_equal(room.ended, 0);
}

/* Without the keys behind the handshake: what the server says there before the client has seen its
 * handshake hides nothing; what the client says there shows that it took it. */
static void closes_without_keys(void **state)
{
    static const uint8_t alert[] = {0x1c, 0x41, 0x30, 0x06, 0}, ping[] = {1};
    (void)state;
    for (int row = 0; row < 3; row++) {
        begin(8, 8);
        room.known = 1u << WST_QUIC_SECRET_CLIENT_HS | 1u << WST_QUIC_SECRET_SERVER_HS;
        conn_push(&conn, WST_S2C, room_out,
                  conn_packet(&conn, WST_S2C, SEAL_HANDSHAKE, room_out, ping, sizeof ping));
        conn_short(&conn, WST_S2C, ping, sizeof ping);
        if (row == 1) conn_short(&conn, WST_C2S, ping, sizeof ping);
        if (row < 2)
            conn_push(&conn, WST_C2S, room_out,
                      conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, room_out, alert, sizeof alert));
        assert_int_equal(room.closed, row == 0);
        end();
        assert_int_equal(room.closed, row == 0);
        assert_int_equal(room.problems[WST_PROBLEM_TLS_NO_KEY], row != 0);
    }
}

/* Nothing came back, though the client began again; or something did; or it gave up at once. */
static void unanswered(void **state)
{
    static const uint8_t none[] = {1}, ack[1100] = {2, 0, 0, 0, 0};
    (void)state;
    for (int row = 0; row < 8; row++) {
        room_init(&room);
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
        conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
        if (row != 1) room.now.ns += 300000000;
        conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
        if (row == 2) conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
        if (row == 3) /* its answer was not captured */
            conn_push(&conn, WST_C2S, room_out,
                      conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, room_out, none, 1));
        if (row == 4) conn_short(&conn, WST_S2C, none, 1); /* that does not open, or is a reset */
        if (row == 5) /* its answer was not captured, and is acknowledged */
            conn_push(&conn, WST_C2S, room_out,
                      conn_packet(&conn, WST_C2S, SEAL_INITIAL, room_out, ack, sizeof ack));
        if (row == 6) conn_push(&conn, WST_S2C, room_out, conn_answer(&conn) / 8); /* it is cut */
        if (row == 7) /* early data, which need no answer */
            conn_push(&conn, WST_C2S, room_out,
                      conn_packet(&conn, WST_C2S, SEAL_EARLY, room_out, none, 1));
        end();
        assert_int_equal(room.problems[WST_PROBLEM_QUIC_UNANSWERED], row == 0 || row == 7);
        if (row == 0)
            assert_string_equal(room.detail, "QUIC: the client went on to begin for 0.302 s, and "
                                             "nothing came back");
    }
}

/* A server's word that it does not speak the version, by the ID that it names. */
static void version_refused(void **state)
{
    (void)state;
    for (int row = 0; row < 8; row++) {
        bool nameless = row == 4;
        room_init(&room);
        conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, nameless ? 0 : 8, 8);
        conn_push(&conn, WST_C2S, room_out, conn_first(&conn));
        size_t n = conn_first(&conn), to = room_out[5], from = room_out[6 + to];
        uint8_t said[64] = {0xc0, 0, 0, 0, 0, (uint8_t)from};
        assert_true(n > 40 && from == (nameless ? 0 : 8));
        memcpy(said + 6, room_out + 7 + to, from);
        said[6 + from] = (uint8_t)to;
        memcpy(said + 7 + from, room_out + 6, to);
        n = 7 + from + to;
        memcpy(said + n, "\x6b\x33\x43\xcf\xff\0\0\x1d", 8);
        if (row == 1) said[6] ^= 1;
        if (row == 2) n = 9; /* it is cut */
        if (row == 3) conn_push(&conn, WST_S2C, room_out, conn_answer(&conn));
        if (row == 5) memcpy(said + n + 4, "\0\0\0\1", 4); /* its own is among them */
        if (row == 6) said[7 + from] ^= 1;
        if (row == 7) { /* it does not name the client */
            memmove(said + 6, said + 6 + from, n + 8 - 6 - from);
            said[5] = 0;
            n -= from;
        }
        conn_push(&conn, WST_S2C, said, row == 2 ? n : n + 8);
        assert_int_equal(room.problems[WST_PROBLEM_QUIC_VERSION], row == 0 || nameless);
        if (row == 0)
            assert_string_equal(room.detail, "QUIC: the server does not speak version 0x00000001; "
                                             "it offers 0x6b3343cf, 0xff00001d");
        end();
    }
}

/* Who is of no interest costs no more than its IDs. */
static void lets_go(void **state)
{
    (void)state;
    room_init(&room);
    room.unwanted = true;
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conn);
    size_t before = room.budget.used;
    talk(&conn, 0);
    assert_true(room.budget.used < before);
    for (uint64_t i = 4; i < 400; i += 4) talk(&conn, i);
    assert_true(room.budget.used < before);
    assert_int_equal(room.opened, 1);
    end();
}

static void idle(void **state)
{
    (void)state;
    begin(8, 8);
    talk(&conn, 0);
    room.now.ns += room.options.limits.idle_other_ns - 5000000;
    for (int i = 0; i < 3; i++) wst_quic_tick(room.quic, &room.now, 1);
    assert_int_equal(room.ended, 0);
    room.now.ns += 6000000;
    for (int i = 0; i < 3; i++) wst_quic_tick(room.quic, &room.now, 1);
    assert_int_equal(room.ended, 1);
    assert_int_equal(room.how, WST_TCP_TIMEOUT);
    end();
}

/* One packet from the future moves nothing. */
static void future(void **state)
{
    static struct conn other;
    (void)state;
    begin(8, 8);
    talk(&conn, 0);
    conn_init(&other, &room, 2, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    for (int i = 0; i < 40; i++) {
        int64_t ns = room.now.ns;
        room.now.ns += INT64_C(100000000000000);
        if (i % 2)
            conn_push(&other, WST_C2S, room_out, conn_first(&other));
        else
            conn_stream(&conn, WST_C2S, 8, (uint64_t)i * 5, 10, false);
        room.now.ns = ns;
        conn_stream(&conn, WST_S2C, 4, (uint64_t)i * 10, 10, false);
        assert_int_equal(room.ended, 0);
    }
    room.now.ns += room.options.limits.idle_other_ns + 1000000;
    for (int i = 0; i < 6; i++) wst_quic_tick(room.quic, &room.now, 1);
    assert_int_equal(room.ended, 1);
    end();
}

/* … than there is now. */
static bool make_room_for_more(size_t bytes)
{
    size_t left = room.budget.max - room.budget.used;
    return wst_quic_make_room(room.quic, left + bytes, INT64_MAX, &room.now) ||
           wst_quic_make_room(room.quic, left + bytes, 0, &room.now);
}

static void evicted(void **state)
{
    static struct conn conns[20];
    (void)state;
    room_init(&room);
    for (uint8_t i = 0; i < 20; i++) {
        conn_init(&conns[i], &room, (uint8_t)(i + 1), SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conns[i]);
        conn_stream(&conns[i], WST_C2S, 4 * i, 0, 100, false);
    }
    conn_stream(&conns[0], WST_C2S, 0, 100, 100, false); /* no longer the oldest */
    for (unsigned i = 1; i < 10; i++) {
        while (room.quic->sweep != TAILQ_FIRST(&room.quic->by_last))
            wst_quic_tick(room.quic, &room.now, 1);
        assert_true(make_room_for_more(1));
        assert_int_equal(room.ended, i);
        assert_int_equal(room.how, WST_TCP_EVICTED);
    }
    for (uint8_t i = 0; i < 20; i++)
        conn_stream(&conns[i], WST_C2S, 4 * i, i ? 100 : 200, 100, false);
    for (uint8_t i = 0; i < 20; i++)
        assert_int_equal(half(4 * i, WST_C2S)->at, i == 0 ? 300 : i < 10 ? 100 : 200);
    assert_true(room.quic->evicted == 9);
    assert_false(make_room_for_more(room.budget.used + 1));
    assert_int_equal(room.ended, 20);
    end();
}

/* When all that are open are kept, who begins is not forgotten for each packet: of those that were
 * silent longest many go, once. */
static void evicted_though_kept(void **state)
{
    static struct conn conns[20];
    (void)state;
    room_init(&room);
    room.precious = true;
    for (uint8_t i = 0; i < 20; i++) {
        conn_init(&conns[i], &room, (uint8_t)(i + 1), SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conns[i]);
        if (i < 19) conn_stream(&conns[i], WST_C2S, 4 * i, 0, 100, false);
    }
    assert_true(make_room_for_more(room.budget.used / 4));
    assert_in_range(room.ended, 3, 6);
    assert_true(room.quic->evicted == 1); /* of the last one nothing is wanted so far */
    conn_init(&conns[0], &room, 21, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    conn_hellos(&conns[0]);
    assert_true(make_room_for_more(0));
    conn_stream(&conns[0], WST_C2S, 80, 0, 100, false);
    assert_int_equal(half(80, WST_C2S)->at, 100);
    end();
}

/* When there are as many as are followed at a time it is not for want of memory that one goes. */
static void outnumbered(void **state)
{
    static struct conn conns[2];
    (void)state;
    room_init(&room);
    for (uint8_t i = 0; i < 2; i++) {
        if (i) room.quic->connections_n = WST_QUIC_CONNECTIONS;
        conn_init(&conns[i], &room, (uint8_t)(i + 1), SEAL_V1, SEAL_AES_128_GCM, 8, 8);
        conn_hellos(&conns[i]);
        conn_stream(&conns[i], WST_C2S, 4 * i, 0, 100, false);
    }
    room.quic->connections_n = 1;
    assert_int_equal(room.ended, 1);
    assert_int_equal(wst_quic_outnumbered(room.quic), 1);
    assert_int_equal(wst_quic_evicted(room.quic), 0);
    end();
}

/* -- caps -------------------------------------------------------------------------------------- */

/* Each frame opens as many streams as one may; those that nobody follows give way. */
static void many_streams(void **state)
{
    static uint8_t payload[ROOM_DATAGRAM];
    (void)state;
    begin(8, 8);
    room.followed = 40;
    for (uint64_t id = 0; id < 40; id += 4) conn_stream(&conn, WST_C2S, id, 0, 10, false);
    uint64_t id = 40;
    clock_t from = clock();
    for (int i = 0; i < 20; i++) {
        size_t n = 0;
        while (n < 60000) {
            payload[n++] = 0x0a;
            n += seal_varint(payload + n, id, 1);
            payload[n++] = 0;
            id += 129 * 4;
        }
        conn_short(&conn, WST_C2S, payload, n);
        id = (id / ROOM_STREAMS + 1) * ROOM_STREAMS + 1024; /* its place is nobody else's */
        conn_stream(&conn, WST_C2S, id, 0, 10, true);       /* there is always room for one more */
        assert_int_equal(half(id % ROOM_STREAMS, WST_C2S)->at, 10);
        memset(&room.half[id % ROOM_STREAMS], 0, sizeof *room.half);
        id += 4;
    }
    assert_true(clock() - from < 60 * CLOCKS_PER_SEC);
    assert_true(room.budget.used < 8 << 20);
    for (id = 0; id < 40; id += 4) conn_stream(&conn, WST_C2S, id, 10, 10, true);
    for (id = 0; id < 40; id += 4) assert_int_equal(half(id, WST_C2S)->at, 20);
    end();
}

/* So many streams a packet may open before its own; those before them count as over. */
static void skipped_streams(void **state)
{
    uint8_t payload[64];
    (void)state;
    begin(8, 8);
    size_t n = put_stream(payload, WST_C2S, 4 * 100, 0, 1, false);
    n += put_stream(payload + n, WST_C2S, 4 * 120, 0, 1, false);
    n += put_stream(payload + n, WST_C2S, 4 * 220, 0, 1, false);
    conn_short(&conn, WST_C2S, payload, n);
    for (uint64_t i = 0; i < 4 * 128; i += 4) {
        conn_stream(&conn, WST_C2S, i, 0, 10, false);
        assert_int_equal(half(i, WST_C2S)->at, i <= 4 * 120 ? 10 : 0);
    }
    end();
}

static void too_many_followed(void **state)
{
    (void)state;
    begin(8, 8);
    for (uint64_t i = 0; i < WST_QUIC_STREAMS + 200; i++) {
        conn_stream(&conn, WST_C2S, 4 * i, 0, 0, false);
    }
    conn_stream(&conn, WST_C2S, 4, 0, 10, true);
    assert_int_equal(half(4, WST_C2S)->at, 10);
    end();
}

static void order_caps(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        begin(8, 8);
        if (how)
            room.options.limits.reorder_segments = 8;
        else
            room.options.limits.reorder_bytes = 1000;
        conn_lost(&conn, WST_C2S);
        for (uint64_t i = 0; i < 30; i++) conn_stream(&conn, WST_C2S, 0, 500 + 100 * i, 100, false);
        assert_int_equal(half(0, WST_C2S)->lost, 500);
        assert_int_equal(half(0, WST_C2S)->at, 3500);
        /* Bytes before what waits do not go with the hole. */
        conn_lost(&conn, WST_C2S);
        for (uint64_t i = 0; i < 10; i++)
            conn_stream(&conn, WST_C2S, 0, 6000 - 200 * i, 100, false);
        conn_stream(&conn, WST_C2S, 0, 8000, 0, true);
        end();
        assert_int_equal(half(0, WST_C2S)->at, 8000);
        assert_int_equal(half(0, WST_C2S)->lost, 500 + 4500 - 1000 + (how ? 100 : 0));
    }
}

static void many_ids(void **state)
{
    (void)state;
    begin(8, 8);
    size_t used = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t payload[64] = {0x18, 1, 0, 8, 0xaa, (uint8_t)i, (uint8_t)(i >> 8)};
        conn_short(&conn, WST_S2C, payload, 4 + 8 + 16);
        if (i == 100) used = room.budget.used;
    }
    assert_true(room.budget.used < 1 << 17);
    assert_int_equal(room.budget.used, used); /* what was forgotten is not counted, either */
    memset(conn.id[WST_C2S], 0, 20);
    conn.id[WST_C2S][0] = 0xaa, conn.id[WST_C2S][1] = 999 & 255, conn.id[WST_C2S][2] = 999 >> 8;
    talk(&conn, 0);
    assert_int_equal(half(0, WST_C2S)->at, 150);
    end();
}

static void unknown_frame(void **state)
{
    uint8_t payload[128] = {0};
    (void)state;
    begin(8, 8);
    size_t n = put_stream(payload, WST_C2S, 0, 0, 10, false);
    payload[n++] = 0x3f;
    n += put_stream(payload + n, WST_C2S, 4, 0, 10, false);
    for (int i = 0; i < 3; i++) conn_short(&conn, WST_C2S, payload, n);
    assert_int_equal(room.problems[WST_PROBLEM_QUIC_UNREAD], 1);
    assert_non_null(strstr(room.detail, "0x3f"));
    assert_int_equal(half(0, WST_C2S)->at, 10);
    assert_int_equal(half(4, WST_C2S)->at, 0);
    end();
}

/* -- damage ------------------------------------------------------------------------------------ */

enum { STORY = 24 };
static struct story {
    enum wst_dir dir;
    size_t n;
    uint8_t bytes[1300];
} story[STORY];

/* A connection as datagrams. */
static size_t record_story(void)
{
    static const uint8_t ping[] = {1};
    uint8_t payload[600];
    size_t k = 0;
#define TELL(direction, length)                       \
    do {                                              \
        story[k].dir = (direction);                   \
        story[k].n = (length);                        \
        memcpy(story[k].bytes, room_out, story[k].n); \
        k++;                                          \
    } while (0)
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    TELL(WST_C2S, conn_first(&conn));
    TELL(WST_S2C, conn_answer(&conn));
    TELL(WST_C2S, conn_packet(&conn, WST_C2S, SEAL_HANDSHAKE, room_out, ping, 1));
    for (uint64_t i = 0; i < 6; i++) {
        enum wst_dir d = (enum wst_dir)(i & 1);
        size_t n = put_stream(payload, d, 0, i / 2 * 60, 60, i >= 4);
        n += put_ack(payload + n, 0, i);
        if (i == 2) conn_update(&conn, d);
        TELL(d, conn_packet(&conn, d, SEAL_SHORT, room_out, payload, n));
    }
#undef TELL
    return k;
}

static void damaged(void **state)
{
    size_t n = 0, told = 0;
    (void)state;
    room_init(&room);
    n = record_story();
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < story[i].n; at += i ? 1 : 7)
            for (int flip = 0; flip < 2; flip++) {
                memset(room.half, 0, sizeof room.half);
                for (size_t k = 0; k < n; k++) {
                    static uint8_t bytes[1300];
                    memcpy(bytes, story[k].bytes, story[k].n);
                    if (k == i && flip) bytes[at] ^= (uint8_t)(1 << (at % 8));
                    conn_push(&conn, story[k].dir, bytes, k == i && !flip ? at : story[k].n);
                }
                room_finish(&room);
                told += half(0, WST_C2S)->at + half(0, WST_S2C)->at;
                wst_quic_free(room.quic);
                assert_int_equal(room.budget.used, 0);
                room_new(&room);
            }
    assert_true(told > 0);
    room_free(&room);
}

/* Memory ends at some place of the story. */
static void scarce(void **state)
{
    (void)state;
    room_init(&room);
    size_t n = record_story();
    for (size_t max = 0; max < 200000; max += max < 4000 ? 61 : 467) {
        room.budget.max = max;
        memset(room.half, 0, sizeof room.half);
        for (size_t k = 0; k < n; k++) {
            size_t swap = k > 3 && k + 1 < n ? k ^ 1 : k;
            conn_push(&conn, story[swap].dir, story[swap].bytes, story[swap].n);
        }
        room_finish(&room);
        wst_quic_free(room.quic);
        assert_int_equal(room.budget.used, 0);
        room_new(&room);
    }
    assert_int_equal(half(0, WST_C2S)->at, 180);
    room_free(&room);
}

/* A stream that there was no memory for is read when there is: what went by is a gap. */
static void no_memory_for_a_stream(void **state)
{
    (void)state;
    begin(8, 8);
    conn_stream(&conn, WST_C2S, 0, 0, 10, false);
    for (uint64_t id = 4; id < 40; id += 4) conn_stream(&conn, WST_C2S, id, 0, 10, false);
    room.budget.max = room.budget.used;
    conn_stream(&conn, WST_C2S, 40, 0, 10, false);
    room.budget.max = room.options.limits.memory;
    conn_stream(&conn, WST_C2S, 40, 10, 10, true);
    end();
    assert_int_equal(half(40, WST_C2S)->at, 20);
    assert_int_equal(half(40, WST_C2S)->lost, 10);
    assert_int_equal(half(40, WST_C2S)->fins, 1);
}

/* Half of a message that could not be kept: what follows is not taken for another. */
static void no_memory_for_a_message(void **state)
{
    uint8_t m[62] = {1, 0, 0, 58}, payload[1190] = {1};
    (void)state;
    room_init(&room);
    conn_init(&conn, &room, 1, SEAL_V1, SEAL_AES_128_GCM, 8, 8);
    for (int i = 0; i < 3; i++) {
        if (i) memset(payload, 0, sizeof payload);
        if (i == 1) put_crypto(payload, 0, m, 20);
        if (i == 2) client_hello(&conn, m + 20), put_crypto(payload, 20, m + 20, 42);
        if (i == 1) room.budget.max = room.budget.used;
        conn_push(&conn, WST_C2S, room_out,
                  conn_packet(&conn, WST_C2S, SEAL_INITIAL, room_out, payload, sizeof payload));
        room.budget.max = room.options.limits.memory;
    }
    assert_int_equal(room.messages, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ciphers_and_ids),
        cmocka_unit_test(shuffled),
        cmocka_unit_test(lost),
        cmocka_unit_test(lost_twice),
        cmocka_unit_test(lost_both),
        cmocka_unit_test(lost_and_said_so),
        cmocka_unit_test(sent_again),
        cmocka_unit_test(holes_at_the_end),
        cmocka_unit_test(many_lost),
        cmocka_unit_test(key_updates),
        cmocka_unit_test(update_out_of_order),
        cmocka_unit_test(late_keys),
        cmocka_unit_test(keys_never_come),
        cmocka_unit_test(too_much_waits),
        cmocka_unit_test(some_keys_never_come),
        cmocka_unit_test(said_before_its_keys),
        cmocka_unit_test(too_much_of_one_waits),
        cmocka_unit_test(hole_when_sealed),
        cmocka_unit_test(false_initials),
        cmocka_unit_test(false_shorts),
        cmocka_unit_test(wrong_keys),
        cmocka_unit_test(one_direction),
        cmocka_unit_test(early_data),
        cmocka_unit_test(retry),
        cmocka_unit_test(compatible_version),
        cmocka_unit_test(split_hello),
        cmocka_unit_test(hello_last),
        cmocka_unit_test(new_ids),
        cmocka_unit_test(stolen_id),
        cmocka_unit_test(nameless_moves),
        cmocka_unit_test(same_addresses),
        cmocka_unit_test(forged),
        cmocka_unit_test(forged_retry),
        cmocka_unit_test(forged_extensions),
        cmocka_unit_test(another_waits),
        cmocka_unit_test(secrets_of_others),
        cmocka_unit_test(who_waits),
        cmocka_unit_test(replayed),
        cmocka_unit_test(garbage),
        cmocka_unit_test(offload),
        cmocka_unit_test(resets),
        cmocka_unit_test(windows),
        cmocka_unit_test(ends_early),
        cmocka_unit_test(closes),
        cmocka_unit_test(stateless_reset),
        cmocka_unit_test(closes_with_words),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(version_refused),
        cmocka_unit_test(closes_without_keys),
        cmocka_unit_test(closes_in_the_handshake),
        cmocka_unit_test(lets_go),
        cmocka_unit_test(idle),
        cmocka_unit_test(future),
        cmocka_unit_test(evicted),
        cmocka_unit_test(evicted_though_kept),
        cmocka_unit_test(outnumbered),
        cmocka_unit_test(many_streams),
        cmocka_unit_test(skipped_streams),
        cmocka_unit_test(too_many_followed),
        cmocka_unit_test(order_caps),
        cmocka_unit_test(many_ids),
        cmocka_unit_test(unknown_frame),
        cmocka_unit_test(damaged),
        cmocka_unit_test(scarce),
        cmocka_unit_test(no_memory_for_a_stream),
        cmocka_unit_test(no_memory_for_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
