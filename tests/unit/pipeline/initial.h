/* SPDX-License-Identifier: MIT
 *
 * Clients that begin QUIC connections.
 */
#ifndef WST_TEST_PIPELINE_INITIAL_H
#define WST_TEST_PIPELINE_INITIAL_H

#include "flows.h"
#include "quic/sealer.h"

/* The first datagram of a client's QUIC connection: CRYPTO with a ClientHello, in an Initial
 * packet. */
static inline void push_initial(struct packets *k, uint16_t name, uint8_t number)
{
    static const uint8_t hello[] = {6, 0, 45, 1, 0, 0, 41, 3, 3};
    struct packets one = {0};
    struct tcp t;
    struct sealer s[2];
    uint8_t id[8] = {(uint8_t)name, (uint8_t)(name >> 8 ^ 1), 2, 3, 4, 5, 6, 7},
            payload[1172] = {0}, out[1300];
    struct seal_head head = {.type = SEAL_INITIAL,
                             .version = SEAL_V1,
                             .to = id,
                             .to_n = sizeof id,
                             .from = id,
                             .from_n = sizeof id,
                             .number = number,
                             .number_n = 1};
    memcpy(payload, hello, sizeof hello);
    memset(payload + sizeof hello, (uint8_t)name, 32);
    memcpy(payload + sizeof hello + 33, "\0\2\x13\1\1", 5);
    sealer_initial(s, SEAL_V1, id, sizeof id);
    size_t n = seal_packet(&s[0], &head, out, payload, sizeof payload);
    tcp_open(&t, &one, (uint16_t)(5000 + name)); /* a TCP header is 12 bytes longer than UDP's */
    tcp_packet(&t, 0, 0, out, n);
    uint8_t *p = one.all[0].p;
    size_t size = one.all[0].n - 12;
    p[2] = (uint8_t)(size >> 8), p[3] = (uint8_t)size, p[9] = 17;
    p[24] = (uint8_t)((n + 8) >> 8), p[25] = (uint8_t)(n + 8), p[26] = p[27] = 0;
    memmove(p + 28, p + 40, n);
    one.all[0].n = size;
    if (k->n == k->room) {
        k->room += 64;
        k->all = realloc(k->all, k->room * sizeof *k->all);
        assert_non_null(k->all);
    }
    k->all[k->n++] = one.all[0];
    free(one.all);
}

#endif
