/* SPDX-License-Identifier: MIT
 *
 * In: a text. Out: how many bytes at its beginning are plain: printable ASCII without quotes and
 * backslashes, which mean themselves in JSON and hide nothing. Most of what is said is.
 * Refuses nothing.
 */
#ifndef WST_CHECK_PLAIN_H
#define WST_CHECK_PLAIN_H

#include "slice.h"

/* Eight at a time: a byte below 0x20, above 0x7e or equal to a quote or backslash sets its highest
 * bit; the lowest one set is exact, those above it may be borrowed. (S. Anderson, "Bit Twiddling
 * Hacks": determine if a word has a byte less than n, equal to n.) */
static inline uint64_t wst_plain_odd(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\'), del = w ^ (ones * 0x7f);

    return (w | (w - ones * 0x20) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
            ((del - ones) & ~del)) &
           highs;
}

static inline size_t wst_plain(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = p;

    for (; end - at >= 8; at += 8) {
        uint64_t w, odd;
        memcpy(&w, at, 8);
        odd = wst_plain_odd(w);
        if (odd == 0) continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return (size_t)(at - p) + ((unsigned)__builtin_ctzll(odd) >> 3);
#else
        break;
#endif
    }
    while (at < end && *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\') at++;
    return (size_t)(at - p);
}

/* Whether a byte of valid UTF-8 may begin a character that wst_utf8_hidden() knows, is a control
 * character, a quote or a backslash; the others need no look. U+0080 begins with C2, U+061C with
 * D8, U+180E with E1, U+2000 with E2, U+FEFF with EF, U+1BCA0 with F0, U+E0000 with F3. */
static inline bool wst_plain_suspect(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7f || c == 0xc2 || c == 0xd8 || c == 0xe1 ||
           c == 0xe2 || c == 0xef || c == 0xf0 || c == 0xf3;
}

/* As wst_plain(), of valid UTF-8, from the beginning of a character. */
static inline size_t wst_plain_text(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = p;

    while (at < end) {
        at += wst_plain(at, end);
        while (at < end && *at >= 0x80 && !wst_plain_suspect(*at)) at++;
        if (at < end && wst_plain_suspect(*at)) break;
    }
    return (size_t)(at - p);
}

static inline bool wst_plain_digits(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *from = *at;

    while (*at < end && **at >= '0' && **at <= '9') ++*at;
    return *at > from;
}

/* A number up to its exponent, of RFC 8259 section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? */
static inline bool wst_plain_decimal(const uint8_t **at, const uint8_t *end)
{
    const uint8_t *first;

    if (**at == '-') ++*at;
    first = *at;
    if (!wst_plain_digits(at, end) || (*first == '0' && *at - first > 1)) return false;
    if (*at == end || **at != '.') return true;
    ++*at;
    return wst_plain_digits(at, end);
}

#endif
