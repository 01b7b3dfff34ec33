/* SPDX-License-Identifier: MIT
 *
 * In: bytes, one by one. Out: 64 bits that stand for them (FNV-1a), where nobody gains by a
 * collision, or where equal ones are compared.
 */
#ifndef WST_BASE_FNV_H
#define WST_BASE_FNV_H

#include <stdint.h>

#define WST_FNV_BEGIN 0xcbf29ce484222325u

static inline uint64_t wst_fnv_byte(uint64_t h, uint8_t byte)
{
    return (h ^ byte) * 0x100000001b3u;
}

#endif
