/* SPDX-License-Identifier: MIT
 *
 * What the generators write with. In: who says what to whom. Out: a classic pcap file (Ethernet,
 * microseconds) with right checksums and a clock of its own; the same calls give the same bytes.
 * Refuses nothing; a failed write ends the program. Not for hostile input: it makes the input.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { WIRE_SEGMENT = 1448, WIRE_FRAME_HEAD = 14 }; /* MSS with timestamps; longest frame header */
enum wire_dir { C2S, S2C };
enum wire_flag { FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10 };

struct wire_record {
    size_t n; /* 0: none is held back */
    int wait; /* packets that pass it yet */
    uint8_t bytes[16 + 2048];
};

/* What the file holds; printed as one line of JSON. */
struct wire_truth {
    uint64_t packets, bytes, conns, ws_packets, lost, dup, reordered;
    uint64_t messages[2], wire[2];       /* by direction; payload bytes as they travel */
    uint64_t raw, text, binary, control; /* payload bytes when inflated; messages; control frames */
};

struct wire {
    FILE *out;
    uint64_t random, now_us;
    uint32_t gap_us;                   /* mean time between packets */
    unsigned loss, duplicate, reorder; /* of 1000 packets */
    uint16_t ip_id;
    struct wire_record held;
    struct wire_truth truth;
};

struct wire_conn {
    uint32_t number;
    uint32_t ip[2]; /* client, server; host byte order */
    uint16_t port[2];
    uint32_t seq[2];
};

/* "-" is standard output. */
void wire_begin(struct wire *w, const char *file, uint64_t seed);
/* Writes what is held back, closes, prints the truth to standard error. */
void wire_end(struct wire *w, const char *profile);

uint64_t wire_random(struct wire *w);
uint32_t wire_below(struct wire *w, uint32_t n); /* 0 … n - 1 */

/* Connection `number` from an address of its own (10.0.0.0/8) to a server. */
void wire_conn(struct wire *w, struct wire_conn *c, uint32_t number, uint32_t server,
               uint16_t port);
/* One segment; n <= WIRE_SEGMENT. */
void wire_tcp(struct wire *w, struct wire_conn *c, enum wire_dir dir, unsigned flags, const void *p,
              size_t n);
void wire_udp(struct wire *w, const struct wire_conn *c, enum wire_dir dir, const void *p,
              size_t n);
/* As many segments as it takes; the other side acknowledges every second one. */
void wire_stream(struct wire *w, struct wire_conn *c, enum wire_dir dir, const void *p, size_t n);
void wire_handshake(struct wire *w, struct wire_conn *c); /* of TCP */

/* A frame of final fragment into `to` (n + WIRE_FRAME_HEAD bytes); the client's is masked. Returns
 * its length. `first`: FIN, RSV and opcode. */
size_t wire_frame(struct wire *w, uint8_t *to, unsigned first, enum wire_dir dir, const void *p,
                  size_t n);
/* One data message in one frame that fits one segment, counted. */
void wire_message(struct wire *w, struct wire_conn *c, enum wire_dir dir, const void *p, size_t n);
void wire_count(struct wire *w, enum wire_dir dir, size_t wire, size_t raw, bool text);
void wire_control(struct wire *w, struct wire_conn *c, enum wire_dir dir, unsigned opcode,
                  const void *p, size_t n);

/* The opening handshake in two halves, the key remembered between them. */
void wire_upgrade(struct wire *w, struct wire_conn *c, bool deflate, char key[32]);
void wire_upgraded(struct wire *w, struct wire_conn *c, bool deflate, const char *key);
void wire_ws_open(struct wire *w, struct wire_conn *c, bool deflate); /* TCP and both halves */
void wire_ws_close(struct wire *w, struct wire_conn *c);              /* frames and FINs */

/* "20M": powers of 1000 (K, M, G). */
uint64_t wire_number(const char *text);

#endif
