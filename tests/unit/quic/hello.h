/* SPDX-License-Identifier: MIT
 *
 * What stands in for the tls room and the network, for the tests and the fuzzer: whoever reads the
 * hellos, and the datagrams of one client and one server.
 */
#ifndef WST_TEST_QUIC_HELLO_H
#define WST_TEST_QUIC_HELLO_H

#include "quic/connection.h"
#include "quic/sealer.h"

/* RFC 8446 section 4.1: the random of a ClientHello, the suite of a ServerHello that resumes
 * nothing. */
static inline void hello_read(struct wst_quic_terms *terms, enum wst_dir dir, struct wst_slice m)
{
    seal_must(m.n >= 4 && m.n == 4 + (wst_be32(m.p) & 0xffffff));
    if (m.p[0] == 1 && dir == WST_C2S && m.n >= 38) {
        memcpy(terms->random, m.p + 6, 32);
        terms->client = true;
    } else if (m.p[0] == 2 && dir == WST_S2C && m.n >= 41) {
        terms->suite = wst_be16(m.p + 39);
        terms->server = true;
    }
}

static inline struct wst_segment hello_datagram(unsigned dir, uint16_t client_port,
                                                struct wst_slice bytes)
{
    static const uint8_t client[4] = {10, 0, 0, 1}, server[4] = {192, 0, 2, 1};
    return (struct wst_segment){.src = dir ? server : client,
                                .dst = dir ? client : server,
                                .family = 4,
                                .src_port = dir ? 443 : client_port,
                                .dst_port = dir ? client_port : 443,
                                .payload_len = (uint32_t)bytes.n,
                                .payload = bytes};
}

#endif
