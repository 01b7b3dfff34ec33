/* SPDX-License-Identifier: MIT
 *
 * In: what a TCP segment says. Out: the headers of the IP packet that carries it. Refuses data that
 * no packet could hold.
 */
#include <string.h>
#include <wstrace/compose.h>

#include "slice.h"

enum { IP4 = 20, IP6 = 40, TCP = 20, PROTOCOL = 6, HOPS = 64 };

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

/* RFC 1071: the sum of 16-bit words; 65,535 bytes of them leave room in 32 bits. */
static uint32_t sum(uint32_t before, const uint8_t *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2) before += wst_be16(p);
    if (n) before += (uint32_t)p[0] << 8;
    return before;
}
static uint16_t checksum(uint32_t s)
{
    while (s >> 16) s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

/* RFC 791 section 3.1. Returns where its addresses are. */
static uint8_t *head_ip4(uint8_t *h, const struct wst_compose_segment *s, uint32_t n)
{
    memset(h, 0, IP4);
    h[0] = 4 << 4 | IP4 / 4;
    put16(h + 2, IP4 + n);
    put16(h + 4, s->id);
    h[6] = 0x40; /* not to be fragmented */
    h[8] = HOPS;
    h[9] = PROTOCOL;
    memcpy(h + 12, s->src_ip, 4);
    memcpy(h + 16, s->dst_ip, 4);
    put16(h + 10, checksum(sum(0, h, IP4)));
    return h + 12;
}

/* RFC 8200 section 3. */
static uint8_t *head_ip6(uint8_t *h, const struct wst_compose_segment *s, uint32_t n)
{
    memset(h, 0, IP6);
    h[0] = 6 << 4;
    put16(h + 4, n);
    h[6] = PROTOCOL;
    h[7] = HOPS;
    memcpy(h + 8, s->src_ip, 16);
    memcpy(h + 24, s->dst_ip, 16);
    return h + 8;
}

size_t wst_compose_head(const struct wst_compose_segment *s, struct wst_slice data,
                        uint8_t head[WST_COMPOSE_HEAD_MAX])
{
    if (data.n > WST_COMPOSE_DATA_MAX) return 0;
    uint32_t n = TCP + (uint32_t)data.n;
    const uint8_t *addresses = s->family == 6 ? head_ip6(head, s, n) : head_ip4(head, s, n);
    size_t ip = s->family == 6 ? IP6 : IP4;
    uint8_t *h = head + ip;

    memset(h, 0, TCP);
    put16(h, s->src_port);
    put16(h + 2, s->dst_port);
    put32(h + 4, s->seq);
    if (s->flags & WST_COMPOSE_ACK) put32(h + 8, s->ack);
    h[12] = TCP / 4 << 4;
    h[13] = s->flags;
    put16(h + 14, UINT16_MAX);
    uint32_t pseudo = sum(PROTOCOL + n, addresses, (size_t)(head + ip - addresses));
    put16(h + 16, checksum(sum(sum(pseudo, h, TCP), data.p, data.n)));
    return ip + TCP;
}
