/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of both sides of a TCP connection, in the order in which they were seen. Out: IP
 * packets, as a capture on this host would have them: numbers, checksums, acknowledgments.
 * Refuses to let time go back: what is later in the capture is not earlier on its clock.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT = 1440, /* of an Ethernet's 1500 bytes with the larger header */
    IP4 = 20,
    IP6 = 40,
    TCP = 20,
};
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct wst_replay_packets {
    struct wst_replay_ends ends;
    void (*packet)(void *user, const struct wst_packet *packet);
    void *user;
    struct wst_when when;
    uint32_t seq[2]; /* the next byte of each side */
    uint16_t id[2];
    uint8_t bytes[IP6 + TCP + SEGMENT];
};

struct wst_replay_packets *
wst_replay_packets_new(const struct wst_replay_ends *ends,
                       void (*packet)(void *user, const struct wst_packet *packet), void *user)
{
    struct wst_replay_packets *p = calloc(1, sizeof *p);

    if (p == NULL) return NULL;
    p->ends = *ends;
    p->packet = packet;
    p->user = user;
    return p;
}

void wst_replay_packets_free(struct wst_replay_packets *p)
{
    free(p);
}

static void put16(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}
static void put32(uint8_t *to, uint32_t v)
{
    put16(to, v >> 16);
    put16(to + 2, v & 0xffff);
}

/* RFC 1071: the sum of 16-bit words, with what is carried out of it. */
static uint32_t sum(uint32_t before, const uint8_t *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2) before += wst_be16(p);
    if (n) before += (uint32_t)p[0] << 8;
    return before;
}
static uint16_t folded(uint32_t s)
{
    while (s >> 16) s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

/* RFC 791. Returns the header's length, and of its addresses and protocol the sum. */
static size_t ip4(struct wst_replay_packets *p, enum wst_dir from, size_t n, uint32_t *pseudo)
{
    uint8_t *h = p->bytes;
    const uint8_t *ips[2] = {p->ends.client_ip, p->ends.server_ip};

    memset(h, 0, IP4);
    h[0] = 0x45;
    put16(h + 2, (uint32_t)(IP4 + n));
    put16(h + 4, p->id[from]++);
    h[6] = 0x40; /* not to be fragmented */
    h[8] = 64;
    h[9] = 6;
    memcpy(h + 12, ips[from], 4);
    memcpy(h + 16, ips[!from], 4);
    put16(h + 10, folded(sum(0, h, IP4)));
    *pseudo = sum(6 + (uint32_t)n, h + 12, 8);
    return IP4;
}

/* RFC 8200. */
static size_t ip6(struct wst_replay_packets *p, enum wst_dir from, size_t n, uint32_t *pseudo)
{
    uint8_t *h = p->bytes;
    const uint8_t *ips[2] = {p->ends.client_ip, p->ends.server_ip};

    memset(h, 0, IP6);
    h[0] = 0x60;
    put16(h + 4, (uint32_t)n);
    h[6] = 6;
    h[7] = 64;
    memcpy(h + 8, ips[from], 16);
    memcpy(h + 24, ips[!from], 16);
    *pseudo = sum(6 + (uint32_t)n, h + 8, 32);
    return IP6;
}

/* RFC 9293 section 3.1; everything that was seen is acknowledged. */
static void emit(struct wst_replay_packets *p, enum wst_dir from, int flags, struct wst_slice data,
                 int64_t ns)
{
    uint16_t ports[2] = {p->ends.client_port, p->ends.server_port};
    uint32_t pseudo;
    size_t n = TCP + data.n;
    size_t at = p->ends.family == 6 ? ip6(p, from, n, &pseudo) : ip4(p, from, n, &pseudo);
    uint8_t *h = p->bytes + at;
    struct wst_packet packet = {.link_type = WST_REPLAY_LINK_TYPE, .nanos = true};

    memset(h, 0, TCP);
    put16(h, ports[from]);
    put16(h + 2, ports[!from]);
    put32(h + 4, p->seq[from]);
    if (flags & ACK) put32(h + 8, p->seq[!from]);
    h[12] = TCP / 4 << 4;
    h[13] = (uint8_t)flags;
    put16(h + 14, UINT16_MAX);
    if (data.n) memcpy(h + TCP, data.p, data.n);
    put16(h + 16, folded(sum(pseudo, h, n)));
    p->seq[from] += (uint32_t)data.n + (flags & (SYN | FIN) ? 1 : 0);
    p->when.pkt++;
    if (ns > p->when.ns) p->when.ns = ns;
    packet.data = (struct wst_slice){p->bytes, at + n};
    packet.wire_len = (uint32_t)(at + n);
    packet.when = p->when;
    p->packet(p->user, &packet);
}

static const struct wst_slice none = {NULL, 0};

void wst_replay_packets_open(struct wst_replay_packets *p, int64_t ns)
{
    emit(p, WST_C2S, SYN, none, ns);
    emit(p, WST_S2C, SYN | ACK, none, ns);
    emit(p, WST_C2S, ACK, none, ns);
}

void wst_replay_packets_data(struct wst_replay_packets *p, enum wst_dir from,
                             struct wst_slice bytes, int64_t ns)
{
    while (bytes.n > 0) {
        struct wst_slice segment = wst_slice_head(bytes, SEGMENT);
        bytes = wst_slice_skip(bytes, segment.n);
        emit(p, from, bytes.n ? ACK : ACK | PSH, segment, ns);
    }
}

void wst_replay_packets_close(struct wst_replay_packets *p, enum wst_dir from, bool reset,
                              int64_t ns)
{
    emit(p, from, reset ? RST | ACK : FIN | ACK, none, ns);
    if (!reset) emit(p, !from, ACK, none, ns);
}
