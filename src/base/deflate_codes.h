/* SPDX-License-Identifier: MIT
 *
 * The tables of DEFLATE, RFC 1951 section 3.2: what a symbol stands for before its extra bits.
 */
#ifndef WST_DEFLATE_CODES_H
#define WST_DEFLATE_CODES_H

#include <stdint.h>

/* Section 3.2.7: in which order the lengths of the code for code lengths come. */
static const uint8_t wst_deflate_order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                              11, 4,  12, 3, 13, 2, 14, 1, 15};

/* Section 3.2.5: lengths 3 to 258 of symbols 257 to 285, distances 1 to 32768 of 0 to 29. */
static const uint16_t wst_deflate_length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                     15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                     67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t wst_deflate_length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                     2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t wst_deflate_distance_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

#endif
