/* SPDX-License-Identifier: MIT
 *
 * In: integers. Out: decimal and hexadecimal digits at a bare pointer that has the room.
 * Inline, because a line of JSON holds a dozen of them.
 */
#ifndef WST_BASE_DIGITS_H
#define WST_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { WST_DIGITS_MAX = 20 }; /* UINT64_MAX is 18446744073709551615 */

/* "00" "01" … "99", one after the other (clock.c). */
extern const char wst_digit_pairs[200];

static inline void wst_digits_pair(uint8_t *at, unsigned value)
{
    memcpy(at, wst_digit_pairs + 2 * (size_t)value, 2);
}

/* How many digits `value` has. */
static inline unsigned wst_digits_count(uint64_t value)
{
    unsigned n = 1;
    for (; value >= 10000; value /= 10000) n += 4;
    return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* `value` in four digits, zeros in front. */
static inline uint8_t *wst_digits_four(uint8_t *at, uint32_t value)
{
    wst_digits_pair(at, value / 100);
    wst_digits_pair(at + 2, value % 100);
    return at + 4;
}

/* Any value, slowly (clock.c). */
uint8_t *wst_digits_large(uint8_t *at, uint64_t value);

/* value < 10000. */
static inline uint8_t *wst_digits_small(uint8_t *at, uint32_t value)
{
    if (value < 10) {
        *at = (uint8_t)('0' + value);
        return at + 1;
    }
    if (value < 100) {
        wst_digits_pair(at, value);
        return at + 2;
    }
    if (value >= 1000) return wst_digits_four(at, value);
    *at = (uint8_t)('0' + value / 100);
    wst_digits_pair(at + 1, value % 100);
    return at + 3;
}

/* `value` in decimal; returns the place after it. By fours from the left: no digit waits for the
 * division of the one before. */
static inline uint8_t *wst_digits(uint8_t *at, uint64_t value)
{
    uint32_t low;
    if (value < 10000) return wst_digits_small(at, (uint32_t)value);
    if (value >= 100000000) { /* once, twice at most */
        at = value < 1000000000000 ? wst_digits_small(at, (uint32_t)(value / 100000000))
                                   : wst_digits_large(at, value / 100000000);
        low = (uint32_t)(value % 100000000);
        return wst_digits_four(wst_digits_four(at, low / 10000), low % 10000);
    }
    low = (uint32_t)value;
    return wst_digits_four(wst_digits_small(at, low / 10000), low % 10000);
}

/* The same where one digit is what to expect. */
static inline uint8_t *wst_digits_few(uint8_t *at, uint64_t value)
{
    if (value >= 10) return wst_digits(at, value);
    *at = (uint8_t)('0' + value);
    return at + 1;
}

/* `value` in `width` digits, zeros in front; value < 10^width. Width 6 or 9: a fraction. */
static inline uint8_t *wst_digits_fixed(uint8_t *at, uint32_t value, unsigned width)
{
    unsigned left = width;
    for (; left >= 2; left -= 2, value /= 100) wst_digits_pair(at + left - 2, value % 100);
    if (left == 1) *at = (uint8_t)('0' + value);
    return at + width;
}

/* Nanoseconds as seconds: "1.234567", or nine digits. Room: 32 bytes. Cuts, never rounds: a time
 * must not be later than it was. */
static inline uint8_t *wst_digits_seconds(uint8_t *at, int64_t ns, int nanos)
{
    uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    if (ns < 0) *at++ = '-';
    at = wst_digits(at, n / 1000000000u);
    *at++ = '.';
    if (nanos) return wst_digits_fixed(at, (uint32_t)(n % 1000000000u), 9);
    return wst_digits_fixed(at, (uint32_t)(n % 1000000000u) / 1000, 6);
}

/* Two lower-case hexadecimal digits. */
static inline uint8_t *wst_digits_hex(uint8_t *at, uint8_t byte)
{
    static const char hex[16] = "0123456789abcdef";
    at[0] = (uint8_t)hex[byte >> 4];
    at[1] = (uint8_t)hex[byte & 15];
    return at + 2;
}

#endif
