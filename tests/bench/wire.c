/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum { ETHER = 14, IP = 20, TCP_HEAD = 20, UDP_HEAD = 8, RECORD = 16 };

/* -- chance ------------------------------------------------------------------------------------ */

uint64_t wire_random(struct wire *w) /* splitmix64 */
{
    uint64_t x = w->random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint32_t wire_below(struct wire *w, uint32_t n)
{
    return (uint32_t)((wire_random(w) >> 32) * n >> 32);
}

/* -- the file ---------------------------------------------------------------------------------- */

static void write_bytes(struct wire *w, const void *p, size_t n)
{
    if (fwrite(p, 1, n, w->out) != n) {
        perror("writing the capture");
        exit(1);
    }
    w->truth.bytes += n;
}

void wire_begin(struct wire *w, const char *file, uint64_t seed)
{
    static const uint32_t head[] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1};
    w->out = strcmp(file, "-") == 0 ? stdout : fopen(file, "wb");
    if (!w->out) {
        perror(file);
        exit(1);
    }
    setvbuf(w->out, NULL, _IOFBF, 1 << 20);
    w->random = seed;
    w->now_us = 1700000000u * UINT64_C(1000000);
    if (!w->gap_us) w->gap_us = 8;
    write_bytes(w, head, sizeof head);
}

static void write_record(struct wire *w, const uint8_t *p, size_t n)
{
    write_bytes(w, p, n);
    w->truth.packets++;
}

static void put_time(const struct wire *w, uint8_t *record)
{
    uint32_t time[] = {(uint32_t)(w->now_us / 1000000), (uint32_t)(w->now_us % 1000000)};
    memcpy(record, time, sizeof time);
}

static void let_go(struct wire *w)
{
    put_time(w, w->held.bytes);
    write_record(w, w->held.bytes, w->held.n);
    w->held.n = 0;
}

static bool held_back(struct wire *w, const uint8_t *record, size_t n)
{
    if (w->held.n || n > sizeof w->held.bytes) return false;
    memcpy(w->held.bytes, record, n);
    w->held.n = n;
    w->held.wait = 1 + (int)wire_below(w, 4);
    w->truth.reordered++;
    return true;
}

/* `record` begins with room for the record header; the packet has `n` bytes. */
static void packet(struct wire *w, uint8_t *record, size_t n)
{
    uint32_t lengths[] = {(uint32_t)n, (uint32_t)n};
    w->now_us += 1 + wire_below(w, 2 * w->gap_us);
    put_time(w, record);
    memcpy(record + 8, lengths, sizeof lengths);
    n += RECORD;
    if (w->loss || w->duplicate || w->reorder) {
        unsigned fate = wire_below(w, 1000);
        if (fate < w->loss) {
            w->truth.lost++;
            return;
        }
        fate -= w->loss;
        if (fate < w->duplicate) {
            w->truth.dup++;
            write_record(w, record, n);
        } else if (fate - w->duplicate < w->reorder && held_back(w, record, n)) {
            return;
        }
    }
    write_record(w, record, n);
    if (w->held.n && --w->held.wait <= 0) let_go(w);
}

void wire_end(struct wire *w, const char *profile)
{
    const struct wire_truth *t = &w->truth;
    if (w->held.n) let_go(w);
    if (fclose(w->out)) {
        perror("closing the capture");
        exit(1);
    }
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"file_bytes", t->bytes},
        {"packets", t->packets},
        {"conns", t->conns},
        {"c2s_msgs", t->messages[0]},
        {"s2c_msgs", t->messages[1]},
        {"c2s_wire", t->wire[0]},
        {"s2c_wire", t->wire[1]},
        {"raw_bytes", t->raw},
        {"text", t->text},
        {"binary", t->binary},
        {"control", t->control},
        {"ws_packets", t->ws_packets},
        {"lost", t->lost},
        {"dup", t->dup},
        {"reordered", t->reordered},
    };
    fprintf(stderr, "{\"profile\":\"%s\"", profile);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(stderr, ",\"%s\":%llu", rows[i].name, (unsigned long long)rows[i].value);
    fputs("}\n", stderr);
}

/* -- headers ----------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    *p++ = (uint8_t)(v >> 8);
    *p++ = (uint8_t)v;
    return p;
}
static uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v >> 16), v & 0xffff);
}

/* Ones' complement sum of RFC 1071, in the machine's byte order: stored as it comes out. */
static uint64_t add(uint64_t sum, const uint8_t *p, size_t n)
{
    for (; n >= 4; p += 4, n -= 4) {
        uint32_t v;
        memcpy(&v, p, 4);
        sum += v;
    }
    uint8_t rest[4] = {0};
    uint32_t v;
    memcpy(rest, p, n);
    memcpy(&v, rest, 4);
    return sum + v;
}
static void put_sum(uint8_t *to, uint64_t sum)
{
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    uint16_t v = (uint16_t)~sum;
    memcpy(to, &v, 2);
}

static uint8_t *put_ip(struct wire *w, uint8_t *at, const struct wire_conn *c, enum wire_dir dir,
                       unsigned protocol, size_t payload)
{
    static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
    memcpy(at, mac[!dir], 6);
    memcpy(at + 6, mac[dir], 6);
    uint8_t *ip = put16(at + 12, 0x0800);
    put16(ip, 0x4500);
    put16(ip + 2, (uint32_t)(IP + payload));
    put16(ip + 4, w->ip_id++);
    put16(ip + 6, 0x4000); /* do not fragment */
    put16(ip + 8, 64u << 8 | protocol);
    put16(ip + 10, 0);
    put32(put32(ip + 12, c->ip[dir]), c->ip[!dir]);
    put_sum(ip + 10, add(0, ip, IP));
    return ip + IP;
}

/* Over the pseudo header (RFC 9293 section 3.1) and everything behind the IP header at `p`. */
static void sum_transport(uint8_t *p, size_t n, unsigned protocol, size_t where)
{
    uint8_t pseudo[4] = {0, (uint8_t)protocol, (uint8_t)(n >> 8), (uint8_t)n};
    put_sum(p + where, add(add(add(0, p - 8, 8), pseudo, 4), p, n));
}

void wire_tcp(struct wire *w, struct wire_conn *c, enum wire_dir dir, unsigned flags, const void *p,
              size_t n)
{
    static const uint8_t syn_options[] = {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7}; /* MSS SACK scale */
    uint8_t record[RECORD + ETHER + IP + TCP_HEAD + 40 + WIRE_SEGMENT];
    size_t head = flags & SYN ? 40 : 32;
    uint8_t *tcp = put_ip(w, record + RECORD, c, dir, 6, head + n);
    uint8_t *at = put16(put16(tcp, c->port[dir]), c->port[!dir]);
    at = put32(put32(at, c->seq[dir]), flags & ACK ? c->seq[!dir] : 0);
    at = put16(at, (uint32_t)(head / 4) << 12 | flags);
    at = put32(put16(at, 0xffff), 0); /* window; checksum and urgent pointer */
    if (flags & SYN) {
        memcpy(at, syn_options, sizeof syn_options);
        at += sizeof syn_options;
    } else {
        at = put16(at, 0x0101);
    }
    uint32_t stamp = (uint32_t)(w->now_us / 1000);
    at = put32(put32(put16(at, 0x080a), stamp), flags & ACK ? stamp - 1 : 0);
    if (n) memcpy(at, p, n);
    sum_transport(tcp, head + n, 6, 16);
    c->seq[dir] += (uint32_t)n + (flags & (SYN | FIN) ? 1 : 0);
    packet(w, record, ETHER + IP + head + n);
}

void wire_udp(struct wire *w, const struct wire_conn *c, enum wire_dir dir, const void *p, size_t n)
{
    uint8_t record[RECORD + ETHER + IP + UDP_HEAD + WIRE_SEGMENT];
    uint8_t *udp = put_ip(w, record + RECORD, c, dir, 17, UDP_HEAD + n);
    uint8_t *at = put16(put16(udp, c->port[dir]), c->port[!dir]);
    at = put16(put16(at, (uint32_t)(UDP_HEAD + n)), 0);
    memcpy(at, p, n);
    sum_transport(udp, UDP_HEAD + n, 17, 6);
    packet(w, record, ETHER + IP + UDP_HEAD + n);
}

void wire_stream(struct wire *w, struct wire_conn *c, enum wire_dir dir, const void *p, size_t n)
{
    const uint8_t *at = p;
    for (unsigned k = 1; n; k++) {
        size_t part = n < WIRE_SEGMENT ? n : WIRE_SEGMENT;
        wire_tcp(w, c, dir, part == n ? PSH | ACK : ACK, at, part);
        at += part;
        n -= part;
        if (k % 2 == 0 && n) wire_tcp(w, c, !dir, ACK, NULL, 0);
    }
}

/* -- connections ------------------------------------------------------------------------------- */

void wire_conn(struct wire *w, struct wire_conn *c, uint32_t number, uint32_t server, uint16_t port)
{
    /* An odd factor permutes the 24 bits: no two of 16 million share an address. */
    *c = (struct wire_conn){
        .number = number,
        .ip = {0x0a000000u | (number * 0x9e3779b1u & 0xffffffu), server},
        .port = {(uint16_t)(20000 + number % 40000), port},
        .seq = {(uint32_t)wire_random(w), (uint32_t)wire_random(w)},
    };
}

void wire_handshake(struct wire *w, struct wire_conn *c)
{
    wire_tcp(w, c, C2S, SYN, NULL, 0);
    wire_tcp(w, c, S2C, SYN | ACK, NULL, 0);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

/* -- WebSocket --------------------------------------------------------------------------------- */

/* RFC 6455 section 5.2, drawn in src/ws/frame.c. */
size_t wire_frame(struct wire *w, uint8_t *to, unsigned first, enum wire_dir dir, const void *p,
                  size_t n)
{
    const unsigned masked = dir == C2S ? 0x80 : 0;
    const uint8_t *from = p;
    uint8_t *at = to;
    *at++ = (uint8_t)first;
    *at++ = (uint8_t)(masked | (n < 126 ? (unsigned)n : n < 65536 ? 126u : 127u));
    if (n >= 65536)
        at = put32(put32(at, (uint32_t)((uint64_t)n >> 32)), (uint32_t)n);
    else if (n >= 126)
        at = put16(at, (uint32_t)n);
    if (masked) {
        uint8_t key[4];
        put32(key, (uint32_t)wire_random(w));
        memcpy(at, key, 4);
        at += 4;
        for (size_t i = 0; i < n; i++) at[i] = from[i] ^ key[i & 3];
    } else if (n) {
        memcpy(at, from, n);
    }
    return (size_t)(at - to) + n;
}

void wire_count(struct wire *w, enum wire_dir dir, size_t wire, size_t raw, bool text)
{
    struct wire_truth *t = &w->truth;
    t->messages[dir]++;
    t->wire[dir] += wire;
    t->raw += raw;
    ++*(text ? &t->text : &t->binary);
}

void wire_message(struct wire *w, struct wire_conn *c, enum wire_dir dir, const void *p, size_t n)
{
    uint8_t frame[WIRE_SEGMENT];
    wire_tcp(w, c, dir, PSH | ACK, frame, wire_frame(w, frame, 0x81, dir, p, n));
    wire_count(w, dir, n, n, true);
}

void wire_control(struct wire *w, struct wire_conn *c, enum wire_dir dir, unsigned opcode,
                  const void *p, size_t n)
{
    uint8_t frame[WIRE_FRAME_HEAD + 125];
    wire_tcp(w, c, dir, PSH | ACK, frame, wire_frame(w, frame, 0x80 | opcode, dir, p, n));
    w->truth.control++;
}

/* RFC 6455 section 4.1. */
void wire_upgrade(struct wire *w, struct wire_conn *c, bool deflate, char key[32])
{
    char request[1024];
    uint64_t nonce[2] = {wire_random(w), wire_random(w)};
    EVP_EncodeBlock((unsigned char *)key, (const unsigned char *)nonce, sizeof nonce);
    int n = snprintf(request, sizeof request,
                     "GET /stream/%u HTTP/1.1\r\n"
                     "Host: ws%u.example.test\r\n"
                     "Connection: Upgrade\r\n"
                     "Pragma: no-cache\r\n"
                     "Cache-Control: no-cache\r\n"
                     "User-Agent: Mozilla/5.0 (X11; Linux x86_64) bench\r\n"
                     "Upgrade: websocket\r\n"
                     "Origin: http://app.example.test\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: %s\r\n%s\r\n",
                     c->number, c->number % 7, key,
                     deflate ? "Sec-WebSocket-Extensions: permessage-deflate; "
                               "client_max_window_bits\r\n"
                             : "");
    wire_tcp(w, c, C2S, PSH | ACK, request, (size_t)n);
}

void wire_upgraded(struct wire *w, struct wire_conn *c, bool deflate, const char *key)
{
    char response[512], accept[32];
    unsigned char digest[SHA_DIGEST_LENGTH];
    int n = snprintf(response, sizeof response, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((const unsigned char *)response, (size_t)n, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    n = snprintf(response, sizeof response,
                 "HTTP/1.1 101 Switching Protocols\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                 accept, deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
    wire_tcp(w, c, S2C, PSH | ACK, response, (size_t)n);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
    w->truth.conns++;
}

void wire_ws_open(struct wire *w, struct wire_conn *c, bool deflate)
{
    char key[32];
    wire_handshake(w, c);
    wire_upgrade(w, c, deflate, key);
    wire_upgraded(w, c, deflate, key);
}

void wire_ws_close(struct wire *w, struct wire_conn *c)
{
    static const uint8_t normal[2] = {1000 >> 8, 1000 & 0xff};
    wire_control(w, c, C2S, 8, normal, 2);
    wire_control(w, c, S2C, 8, normal, 2);
    wire_tcp(w, c, S2C, FIN | ACK, NULL, 0);
    wire_tcp(w, c, C2S, FIN | ACK, NULL, 0);
    wire_tcp(w, c, S2C, ACK, NULL, 0);
}

uint64_t wire_number(const char *text)
{
    char *end;
    double v = strtod(text, &end);
    switch (*end) {
    case 'k':
    case 'K': v *= 1e3; break;
    case 'm':
    case 'M': v *= 1e6; break;
    case 'g':
    case 'G': v *= 1e9; break;
    }
    return (uint64_t)v;
}
