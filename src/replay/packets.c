/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of both sides of a TCP connection, in the order in which they were seen. Out: IP
 * packets, as a capture on this host would have them: numbers, checksums, acknowledgments.
 * Refuses to let time go back: what is later in the capture is not earlier on its clock.
 */
#include "replay.h"

#include "dir.h"

#include <stdlib.h>
#include <string.h>
#include <wstrace/compose.h>

enum { SEGMENT = 1440 }; /* of an Ethernet's 1500 bytes with the larger headers */

struct wst_replay_packets {
    struct wst_replay_ends ends;
    void (*packet)(void *user, const struct wst_packet *packet);
    void *user;
    struct wst_when when;
    uint32_t seq[2]; /* the next byte of each side */
    uint16_t id[2];
    uint8_t bytes[WST_COMPOSE_HEAD_MAX + SEGMENT];
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

/* Everything that was seen is acknowledged. */
static void emit(struct wst_replay_packets *p, enum wst_dir from, uint8_t flags,
                 struct wst_slice data, int64_t ns)
{
    const uint8_t *ips[2] = {p->ends.client_ip, p->ends.server_ip};
    uint16_t ports[2] = {p->ends.client_port, p->ends.server_port};
    enum wst_dir to = wst_dir_other(from);
    struct wst_compose_segment segment = {.family = p->ends.family,
                                          .src_ip = ips[from],
                                          .dst_ip = ips[to],
                                          .src_port = ports[from],
                                          .dst_port = ports[to],
                                          .id = p->id[from]++,
                                          .flags = flags,
                                          .seq = p->seq[from],
                                          .ack = p->seq[to]};
    struct wst_packet packet = {.link_type = WST_REPLAY_LINK_TYPE, .nanos = true};
    size_t head = wst_compose_head(&segment, data, p->bytes);

    if (data.n) memcpy(p->bytes + head, data.p, data.n);
    p->seq[from] += (uint32_t)data.n + (flags & (WST_COMPOSE_SYN | WST_COMPOSE_FIN) ? 1 : 0);
    p->when.pkt++;
    if (ns > p->when.ns) p->when.ns = ns;
    packet.data = (struct wst_slice){p->bytes, head + data.n};
    packet.wire_len = (uint32_t)packet.data.n;
    packet.when = p->when;
    p->packet(p->user, &packet);
}

static const struct wst_slice none = {NULL, 0};

void wst_replay_packets_open(struct wst_replay_packets *p, int64_t ns)
{
    emit(p, WST_C2S, WST_COMPOSE_SYN, none, ns);
    emit(p, WST_S2C, WST_COMPOSE_SYN | WST_COMPOSE_ACK, none, ns);
    emit(p, WST_C2S, WST_COMPOSE_ACK, none, ns);
}

void wst_replay_packets_data(struct wst_replay_packets *p, enum wst_dir from,
                             struct wst_slice bytes, int64_t ns)
{
    while (bytes.n > 0) {
        struct wst_slice segment = wst_slice_head(bytes, SEGMENT);
        bytes = wst_slice_skip(bytes, segment.n);
        emit(p, from, bytes.n ? WST_COMPOSE_ACK : WST_COMPOSE_ACK | WST_COMPOSE_PSH, segment, ns);
    }
}

void wst_replay_packets_close(struct wst_replay_packets *p, enum wst_dir from, bool reset,
                              int64_t ns)
{
    emit(p, from, reset ? WST_COMPOSE_RST | WST_COMPOSE_ACK : WST_COMPOSE_FIN | WST_COMPOSE_ACK,
         none, ns);
    if (!reset) emit(p, wst_dir_other(from), WST_COMPOSE_ACK, none, ns);
}
