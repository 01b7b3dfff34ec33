/* SPDX-License-Identifier: MIT
 *
 * One packet's header (RFC 9000 section 17). In: what is left of a datagram. Out: its parts, up to
 * the packet number, which is still under its mask. Refuses what ends inside a header, and versions
 * it does not know.
 */
#ifndef WST_QUIC_PACKET_H
#define WST_QUIC_PACKET_H

#include "protect.h"
#include "slice.h"

enum {
    WST_QUIC_ID = 20,     /* bytes of a connection ID, RFC 9000 section 17.2 */
    WST_QUIC_NUMBER = 4,  /* bytes of a packet number, at most */
    WST_QUIC_PART = 2048, /* bytes of a header that is read: a token is the longest of it */
    /* of the first byte */
    WST_QUIC_LONG = 0x80,
    WST_QUIC_FIXED = 0x40, /* unless the other side said that it may vary (RFC 9287) */
    WST_QUIC_PHASE = 0x04, /* short header: which keys, RFC 9001 section 6 */
};

enum wst_quic_type {
    WST_QUIC_INITIAL,
    WST_QUIC_EARLY, /* 0-RTT */
    WST_QUIC_HANDSHAKE,
    WST_QUIC_RETRY,
    WST_QUIC_SHORT /* 1-RTT */
};

struct wst_quic_packet {
    enum wst_quic_type type;
    uint32_t version;          /* of a long header */
    struct wst_slice to, from; /* connection IDs; `to` of a short header: not known yet */
    struct wst_slice bytes;    /* the whole packet */
    size_t number;             /* place of the packet number in it */
};

enum wst_quic_read {
    WST_QUIC_READ,
    WST_QUIC_NOT,    /* of a version that is not known */
    WST_QUIC_ABSENT, /* it ends too early */
};

/* The packet at the front of `datagram`. A short header goes on to the end; packet->number and
 * `to` are then the caller's to find. */
enum wst_quic_read wst_quic_packet_read(struct wst_slice datagram, struct wst_quic_packet *packet);
/* A short header's connection ID has n bytes. */
static inline void wst_quic_packet_named(struct wst_quic_packet *packet, size_t n)
{
    packet->to = wst_slice_head(wst_slice_skip(packet->bytes, 1), n);
    packet->number = 1 + n;
}
/* Whether it may begin a connection: an Initial packet of a version that is known. A glance. */
bool wst_quic_packet_begins(struct wst_slice datagram);

/* The number that `low`, of `n` bytes, is the end of, when `next` is expected (RFC 9000 A.3). */
uint64_t wst_quic_number(uint64_t next, uint32_t low, size_t n);

#endif
