/* SPDX-License-Identifier: MIT
 *
 * In: decrypted bytes. Out: a pcap of raw IP packets: the same connections, as if they had not been
 * encrypted, so that every reader of captures puts them together again. Sequence numbers count
 * plaintext; what is missing is missing there, too. Addresses, ports and times are the true ones; a
 * TLS connection inside another has its client port moved up by its depth, to be told apart.
 */
#include "say.h"
#include "sensitive.h"

#include <wstrace/compose.h>

enum { SNAPLEN = 262144 };

int wst_tool_plaintext_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                            const char *const *inputs, size_t inputs_n)
{
    /* magic of nanoseconds, version 2.4, zone, accuracy, snap length, link type: in our byte order
     */
    const uint32_t head[6] = {0xa1b23c4d, 0, 0, 0, SNAPLEN, WST_COMPOSE_LINK_TYPE};
    const uint16_t version[2] = {2, 4};
    int status = wst_tool_sensitive_open(file, name, owner, "plaintext", inputs, inputs_n);

    if (status || file->buf == NULL) return status;
    wst_tool_say("warning: %s will hold decrypted traffic; keep it as safe as the key log", name);
    wst_tool_sensitive_put(file, head, 4);
    wst_tool_sensitive_put(file, version, 4);
    wst_tool_sensitive_put(file, head + 2, 16);
    return 0;
}

static void put_packet(struct wst_tool_sensitive *file, const struct wst_tls_plain *p,
                       bool from_client, uint32_t seq, uint32_t ack, uint8_t flags,
                       struct wst_slice bytes)
{
    uint8_t head[WST_COMPOSE_HEAD_MAX];
    uint16_t client = (uint16_t)(p->client_port + p->depth);
    struct wst_compose_segment segment = {.family = p->family,
                                          .src_ip = from_client ? p->client_ip : p->server_ip,
                                          .dst_ip = from_client ? p->server_ip : p->client_ip,
                                          .src_port = from_client ? client : p->server_port,
                                          .dst_port = from_client ? p->server_port : client,
                                          .flags = flags,
                                          .seq = seq,
                                          .ack = ack};
    size_t head_n = wst_compose_head(&segment, bytes, head);
    uint32_t total = (uint32_t)(head_n + bytes.n);
    int64_t seconds = p->when.ns / 1000000000, ns = p->when.ns % 1000000000;
    uint32_t record[4] = {(uint32_t)seconds, (uint32_t)(ns < 0 ? 0 : ns), total, total};

    if (head_n == 0) return;
    wst_tool_sensitive_put(file, record, sizeof record);
    wst_tool_sensitive_put(file, head, head_n);
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
        put_packet(file, p, true, c, 0, WST_COMPOSE_SYN, none);
        put_packet(file, p, false, s, c + 1, WST_COMPOSE_SYN | WST_COMPOSE_ACK, none);
        put_packet(file, p, true, c + 1, s + 1, WST_COMPOSE_ACK, none);
    }
    if (p->bytes.n == 0) return;
    put_packet(file, p, client, isn + 1 + (uint32_t)p->offset,
               other + 1 + (uint32_t)p->other_offset, WST_COMPOSE_PSH | WST_COMPOSE_ACK, p->bytes);
}
