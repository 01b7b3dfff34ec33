/* SPDX-License-Identifier: MIT
 *
 * In: a kind of crowd and its size. Out, mostly into a pipe: a capture in which all of them are
 * there at once, and none leaves, but for one kind.
 *
 *   ws      WebSocket connections: handshake, a message each way, silence
 *   deflate the same, with permessage-deflate agreed and used
 *   syn     connections opened, never used
 *   http    a request and its response, kept alive
 *   tls     two hellos and a record of data
 *   middle  joined without a SYN, other bytes than anybody knows
 *   quic    the first datagrams of clients that nobody answers
 *   beside  WebSocket connections, among them COUNT of these
 *   pieces  WebSocket connections, and COUNT bytes of theirs, each behind one that lacks
 *   calm    as deflate, and a TLS connection with each; all end, and one WebSocket ticks on
 *   flood   one WebSocket connection; around its ticks, SYNs from addresses that do not exist
 *   bomb    one message of COUNT zeros, deflated
 */
#include "quic/sealer.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SERVER = 0xc0000201 };

/* "Hello" and "Hi!" as RFC 7692 section 7.2.3.1 compresses them. */
static const uint8_t hello_packed[] = {0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00};

static void websocket(struct wire *w, struct wire_conn *c, bool deflate)
{
    wire_ws_open(w, c, deflate);
    for (int dir = 0; dir < 2; dir++) {
        uint8_t frame[64];
        if (!deflate) {
            wire_message(w, c, dir, "hello", 5);
            continue;
        }
        size_t n = wire_frame(w, frame, 0xc1, dir, hello_packed, sizeof hello_packed);
        wire_tcp(w, c, dir, PSH | ACK, frame, n);
        wire_count(w, dir, sizeof hello_packed, 5, true);
    }
}

static void http(struct wire *w, struct wire_conn *c)
{
    static const char request[] = "GET /index.html HTTP/1.1\r\nHost: www.example.test\r\n"
                                  "User-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n";
    static const char response[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                   "Content-Length: 12\r\n\r\nHello world\n";
    wire_handshake(w, c);
    wire_tcp(w, c, C2S, PSH | ACK, request, sizeof request - 1);
    wire_tcp(w, c, S2C, PSH | ACK, response, sizeof response - 1);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

/* Records as RFC 8446 section 5.1 has them; what is in them does not matter. */
static void tls(struct wire *w, struct wire_conn *c)
{
    uint8_t hello[200] = {22, 3, 1, 0, 195, 1, 0, 0, 191, 3, 3};
    uint8_t data[100] = {23, 3, 3, 0, 95};
    wire_handshake(w, c);
    wire_tcp(w, c, C2S, PSH | ACK, hello, sizeof hello);
    hello[2] = 3;
    hello[5] = 2;
    wire_tcp(w, c, S2C, PSH | ACK, hello, sizeof hello);
    wire_tcp(w, c, C2S, PSH | ACK, data, sizeof data);
}

static void middle(struct wire *w, struct wire_conn *c)
{
    for (int i = 0; i < 4; i++) {
        uint64_t bytes[32];
        for (int k = 0; k < 32; k++) bytes[k] = wire_random(w);
        wire_tcp(w, c, i & 1 ? S2C : C2S, PSH | ACK, bytes, sizeof bytes);
    }
}

static void quic(struct wire *w, struct wire_conn *c)
{
    uint8_t id[SEAL_HELLO_ID], random[SEAL_HELLO_RANDOM], out[SEAL_HELLO_ROOM];
    for (size_t i = 0; i < sizeof id; i++) id[i] = (uint8_t)wire_random(w);
    for (size_t i = 0; i < sizeof random; i++) random[i] = (uint8_t)wire_random(w);
    wire_udp(w, c, C2S, out, seal_hello(out, id, 0, random));
}

static void one(struct wire *w, const char *kind, uint32_t number)
{
    struct wire_conn c;
    wire_conn(w, &c, number, SERVER + number % 16, strcmp(kind, "quic") ? 8080 : 443);
    if (!strcmp(kind, "ws")) websocket(w, &c, false);
    if (!strcmp(kind, "deflate")) websocket(w, &c, true);
    if (!strcmp(kind, "syn")) wire_tcp(w, &c, C2S, SYN, NULL, 0);
    if (!strcmp(kind, "http")) http(w, &c);
    if (!strcmp(kind, "tls")) tls(w, &c);
    if (!strcmp(kind, "middle")) middle(w, &c);
    if (!strcmp(kind, "quic")) quic(w, &c);
}

/* WebSocket connections, and behind them clients over QUIC that nobody answers; some that are asked
 * for before those, and accepted behind them. */
static void beside(struct wire *w, uint64_t count)
{
    enum { CONNS = 1000, ASKED = 10 };
    static struct wire_conn conns[CONNS], asked[ASKED];
    char keys[ASKED][32];
    for (uint32_t i = 0; i < CONNS; i++) {
        wire_conn(w, &conns[i], i, SERVER, 8080);
        wire_ws_open(w, &conns[i], false);
    }
    for (uint32_t i = 0; i < ASKED; i++) {
        wire_conn(w, &asked[i], CONNS + i, SERVER, 8080);
        wire_handshake(w, &asked[i]);
        wire_upgrade(w, &asked[i], false, keys[i]);
    }
    for (uint32_t i = 0; i < count; i++) one(w, "quic", CONNS + ASKED + i);
    for (uint32_t i = 0; i < ASKED; i++) wire_upgraded(w, &asked[i], false, keys[i]);
    for (uint32_t i = 0; i < CONNS; i++) {
        wire_message(w, &conns[i], C2S, "still here?", 11);
        wire_ws_close(w, &conns[i]);
    }
}

static void pieces(struct wire *w, uint64_t count)
{
    enum { CONNS = 1000 };
    static struct wire_conn conns[CONNS];
    for (uint32_t i = 0; i < CONNS; i++) {
        wire_conn(w, &conns[i], i, SERVER, 8080);
        wire_ws_open(w, &conns[i], false);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct wire_conn *c = &conns[i % CONNS];
        c->seq[C2S]++; /* nobody saw that one */
        wire_tcp(w, c, C2S, PSH | ACK, "x", 1);
    }
}

static void flood(struct wire *w, uint64_t count)
{
    enum { BETWEEN = 10000 }; /* spoofed packets between two ticks */
    struct wire_conn victim, nobody;
    wire_conn(w, &victim, 1, SERVER, 8080);
    wire_ws_open(w, &victim, false);
    for (uint64_t i = 0; i < count; i++) {
        if (i % BETWEEN == 0) {
            wire_message(w, &victim, C2S, "still here?", 11);
            wire_message(w, &victim, S2C, "still here.", 11);
        }
        wire_conn(w, &nobody, 0, SERVER, 8080);
        nobody.ip[0] = 0x0b000000 + wire_below(w, 0xd0000000);
        nobody.port[0] = (uint16_t)(1024 + wire_below(w, 60000));
        wire_tcp(w, &nobody, C2S, SYN, NULL, 0);
    }
    wire_ws_close(w, &victim);
}

static void calm(struct wire *w, uint64_t count)
{
    enum { TICKS = 20000 };
    struct wire_conn *conns = calloc((size_t)count, sizeof *conns), last, other;
    if (!conns) exit(1);
    for (uint32_t i = 0; i < count; i++) {
        wire_conn(w, &conns[i], i, SERVER, 8080);
        websocket(w, &conns[i], true);
        wire_conn(w, &other, i, SERVER, 443);
        tls(w, &other);
        wire_tcp(w, &other, C2S, RST, NULL, 0);
    }
    for (uint32_t i = 0; i < count; i++) wire_ws_close(w, &conns[i]);
    free(conns);
    wire_conn(w, &last, (uint32_t)count, SERVER, 8080);
    wire_ws_open(w, &last, false);
    w->gap_us = 10000;
    for (int i = 0; i < TICKS; i++) wire_message(w, &last, S2C, "tick", 4);
}

static void bomb(struct wire *w, uint64_t count)
{
    static uint8_t zeros[1 << 16];
    struct wire_conn c;
    size_t room = (size_t)(count / 900 + 4096);
    uint8_t *packed = malloc(room), *frame = malloc(room + WIRE_FRAME_HEAD);
    z_stream z = {0};
    wire_conn(w, &c, 1, SERVER, 8080);
    if (!packed || !frame || deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        exit(1);
    z.next_out = packed;
    z.avail_out = (uInt)room;
    for (uint64_t left = count; left;) {
        z.next_in = zeros;
        z.avail_in = left < sizeof zeros ? (uInt)left : (uInt)sizeof zeros;
        left -= z.avail_in;
        deflate(&z, left ? Z_NO_FLUSH : Z_SYNC_FLUSH);
    }
    size_t n = room - z.avail_out - 4;
    deflateEnd(&z);
    wire_ws_open(w, &c, true);
    wire_stream(w, &c, S2C, frame, wire_frame(w, frame, 0xc2, S2C, packed, n));
    wire_count(w, S2C, n, count, false);
    wire_ws_close(w, &c);
    free(packed);
    free(frame);
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"ws", "deflate", "syn", "http", "tls", "middle", "quic"};
    static struct wire w;
    if (argc != 4) {
        fputs("usage: crowd ws|deflate|syn|http|tls|middle|quic|beside|pieces|calm|flood|bomb "
              "COUNT FILE\n",
              stderr);
        return 2;
    }
    uint64_t count = wire_number(argv[2]);
    w.gap_us = 2; /* a million flows in seconds: none is idle for long */
    wire_begin(&w, argv[3], 1);
    if (!strcmp(argv[1], "beside")) beside(&w, count);
    if (!strcmp(argv[1], "pieces")) pieces(&w, count);
    if (!strcmp(argv[1], "calm")) calm(&w, count);
    if (!strcmp(argv[1], "flood")) flood(&w, count);
    if (!strcmp(argv[1], "bomb")) bomb(&w, count);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(argv[1], kinds[i]))
            for (uint32_t k = 0; k < count; k++) one(&w, kinds[i], k);
    wire_end(&w, argv[1]);
    return 0;
}
