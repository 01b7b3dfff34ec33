/* SPDX-License-Identifier: MIT
 *
 * In: decrypted bytes. Out: a pcap of raw IP packets: the same connections, as if they had not been
 * encrypted, so that every reader of captures puts them together again. Sequence numbers count
 * plaintext; what is missing is missing there, too. Addresses, ports and times are the true ones; a
 * TLS connection inside another has its client port moved up by its depth, to be told apart.
 */
#include "say.h"
#include "sensitive.h"

#include <string.h>

enum { LINKTYPE_RAW = 101, SNAPLEN = 262144, IP_MAX = 40, TCP = 20 };
enum { SYN = 2, PSH = 8, ACK = 16 };

static void put16(uint8_t *to, unsigned v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}
static void put32(uint8_t *to, uint32_t v)
{
    put16(to, v >> 16);
    put16(to + 2, v & 0xffff);
}

/* RFC 1071 */
static uint32_t add(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (n & 1) sum += (uint32_t)p[n - 1] << 8;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

int wst_tool_plaintext_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                            const char *const *inputs, size_t inputs_n)
{
    /* magic of nanoseconds, version 2.4, zone, accuracy, snap length, link type: in our byte order
     */
    const uint32_t head[6] = {0xa1b23c4d, 0, 0, 0, SNAPLEN, LINKTYPE_RAW};
    const uint16_t version[2] = {2, 4};
    int status = wst_tool_sensitive_open(file, name, owner, "plaintext", inputs, inputs_n);

    if (status || file->buf == NULL) return status;
    wst_tool_say("warning: %s will hold decrypted traffic; keep it as safe as the key log", name);
    wst_tool_sensitive_put(file, head, 4);
    wst_tool_sensitive_put(file, version, 4);
    wst_tool_sensitive_put(file, head + 2, 16);
    return 0;
}

/* The IP header: RFC 791 section 3.1, RFC 8200 section 3. Returns its length. */
static size_t ip_header(uint8_t *ip, const struct wst_tls_plain *p, bool from_client, size_t n)
{
    const uint8_t *src = from_client ? p->client_ip : p->server_ip,
                  *dst = from_client ? p->server_ip : p->client_ip;

    memset(ip, 0, IP_MAX);
    if (p->family == 6) {
        ip[0] = 0x60;
        put16(ip + 4, (unsigned)(TCP + n));
        ip[6] = 6;
        ip[7] = 64;
        memcpy(ip + 8, src, 16);
        memcpy(ip + 24, dst, 16);
        return 40;
    }
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(20 + TCP + n));
    ip[6] = 0x40; /* don't fragment */
    ip[8] = 64;
    ip[9] = 6;
    memcpy(ip + 12, src, 4);
    memcpy(ip + 16, dst, 4);
    put16(ip + 10, ~add(0, ip, 20) & 0xffff);
    return 20;
}

static void tcp_checksum(const uint8_t *ip, size_t ip_n, uint8_t *tcp, struct wst_slice bytes)
{
    size_t addresses = ip_n == 40 ? 8 : 12, length = TCP + bytes.n;
    uint32_t sum = add(6 + (uint32_t)length, ip + addresses, ip_n - addresses);

    sum = add(sum, tcp, TCP);
    put16(tcp + 16, ~add(sum, bytes.p, bytes.n) & 0xffff);
}

static void put_packet(struct wst_tool_sensitive *file, const struct wst_tls_plain *p,
                       bool from_client, uint32_t seq, uint32_t ack, uint8_t flags,
                       struct wst_slice bytes)
{
    uint8_t ip[IP_MAX], tcp[TCP] = {0};
    size_t ip_n = ip_header(ip, p, from_client, bytes.n);
    uint16_t client = (uint16_t)(p->client_port + p->depth);
    uint32_t total = (uint32_t)(ip_n + TCP + bytes.n);
    int64_t seconds = p->when.ns / 1000000000, ns = p->when.ns % 1000000000;
    uint32_t record[4] = {(uint32_t)seconds, (uint32_t)(ns < 0 ? 0 : ns), total, total};

    put16(tcp, from_client ? client : p->server_port);
    put16(tcp + 2, from_client ? p->server_port : client);
    put32(tcp + 4, seq);
    put32(tcp + 8, ack);
    tcp[12] = TCP / 4 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 65535);
    tcp_checksum(ip, ip_n, tcp, bytes);
    wst_tool_sensitive_put(file, record, sizeof record);
    wst_tool_sensitive_put(file, ip, ip_n);
    wst_tool_sensitive_put(file, tcp, TCP);
    wst_tool_sensitive_put(file, bytes.p, bytes.n);
}

/* Sequence numbers begin elsewhere for each connection, for ports are used again. */
static uint32_t first_number(const struct wst_tls_plain *p, bool client)
{
    return (p->tcp_stream + 1) * 2654435761u + (client ? 0 : 1u << 31) + p->depth;
}

void wst_tool_plaintext_write(void *user, const struct wst_tls_plain *p)
{
    struct wst_tool_sensitive *file = user;
    struct wst_slice none = {NULL, 0};
    bool client = p->dir == WST_C2S;
    uint32_t isn = first_number(p, client), other = first_number(p, !client);

    if (p->offset == p->lost && p->other_offset == 0) {
        uint32_t c = first_number(p, true), s = first_number(p, false);
        put_packet(file, p, true, c, 0, SYN, none);
        put_packet(file, p, false, s, c + 1, SYN | ACK, none);
        put_packet(file, p, true, c + 1, s + 1, ACK, none);
    }
    if (p->bytes.n == 0) return;
    put_packet(file, p, client, isn + 1 + (uint32_t)p->offset,
               other + 1 + (uint32_t)p->other_offset, PSH | ACK, p->bytes);
}
