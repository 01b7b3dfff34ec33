/* SPDX-License-Identifier: MIT
 *
 *       0                   1                   2                   3
 *       0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *      +-+-+-+-+-------+-+-------------+-------------------------------+
 *      |F|R|R|R| opcode|M| Payload len |  126: 16 bits of length       |
 *      |I|S|S|S|  (4)  |A|     (7)     |  127: 64 bits of length       |
 *      |N|1|2|3|       |K|             |  then the key, when M is set  |
 *      +-+-+-+-+-------+-+-------------+-------------------------------+
 */
#include "frame.h"

size_t wst_frame_parse(const uint8_t *p, size_t n, struct wst_frame *f)
{
    if (n < 2) return 0;
    unsigned len7 = p[1] & 0x7f, at = 2;
    f->masked = p[1] >> 7;
    unsigned header = 2 + (len7 == 126 ? 2u : len7 == 127 ? 8u : 0u) + (f->masked ? 4u : 0u);
    if (n < header) return 0;
    f->fin = p[0] >> 7;
    f->rsv = p[0] >> 4 & 7;
    f->opcode = p[0] & 0xf;
    f->len = len7;
    f->length_bits = 7;
    if (len7 == 126) {
        f->len = wst_be16(p + 2);
        f->length_bits = 16;
        at = 4;
    } else if (len7 == 127) {
        f->len = wst_be64(p + 2);
        f->length_bits = 64;
        at = 10;
    }
    if (f->masked)
        memcpy(f->key, p + at, 4);
    else
        memset(f->key, 0, 4);
    f->header_len = (uint8_t)header;
    return header;
}

void wst_frame_unmask(uint8_t *dst, const uint8_t *src, size_t n, const uint8_t key[4],
                      uint64_t phase)
{
    uint8_t turned[8];
    for (unsigned i = 0; i < 8; i++) turned[i] = key[(phase + i) & 3];
    uint64_t k, a, b, c, d;
    memcpy(&k, turned, 8);
    for (; n >= 32;
         n -= 32, src += 32, dst += 32) { /* memcpy: any alignment, no aliasing rule broken */
        memcpy(&a, src, 8);
        memcpy(&b, src + 8, 8);
        memcpy(&c, src + 16, 8);
        memcpy(&d, src + 24, 8);
        a ^= k;
        b ^= k;
        c ^= k;
        d ^= k;
        memcpy(dst, &a, 8);
        memcpy(dst + 8, &b, 8);
        memcpy(dst + 16, &c, 8);
        memcpy(dst + 24, &d, 8);
    }
    for (; n >= 8; n -= 8, src += 8, dst += 8) {
        memcpy(&a, src, 8);
        a ^= k;
        memcpy(dst, &a, 8);
    }
    for (size_t i = 0; i < n; i++) dst[i] = src[i] ^ turned[i & 7];
}
