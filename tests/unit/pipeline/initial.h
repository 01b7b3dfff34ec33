/* SPDX-License-Identifier: MIT
 *
 * Clients that begin QUIC connections.
 */
#ifndef WST_TEST_PIPELINE_INITIAL_H
#define WST_TEST_PIPELINE_INITIAL_H

#include "flows.h"
#include "quic/sealer.h"

static inline void push_initial(struct packets *k, uint16_t name, uint8_t number)
{
    struct packets one = {0};
    struct tcp t;
    uint8_t id[SEAL_HELLO_ID] = {(uint8_t)name, (uint8_t)(name >> 8 ^ 1), 2, 3, 4, 5, 6, 7},
            random[SEAL_HELLO_RANDOM], out[SEAL_HELLO_ROOM];
    memset(random, (uint8_t)name, sizeof random);
    size_t n = seal_hello(out, id, number, random);
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
