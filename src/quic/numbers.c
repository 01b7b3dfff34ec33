/* SPDX-License-Identifier: MIT */
#include "numbers.h"

#include <string.h>

static unsigned word_of(uint64_t number)
{
    return (unsigned)(number / 64 % WST_QUIC_NUMBER_WORDS);
}

/* Room for numbers up to this one; the oldest fall out. */
static void numbers_reach(struct wst_quic_numbers *n, uint64_t number)
{
    if (number < n->top) return;
    if (number - n->top >= WST_QUIC_NUMBERS) {
        memset(n->seen, 0, sizeof n->seen);
        memset(n->acked, 0, sizeof n->acked);
    } else {
        /* Whole words: those of the ring that the new numbers begin anew. */
        for (uint64_t w = (n->top + 63) / 64; w <= number / 64; w++)
            n->seen[w % WST_QUIC_NUMBER_WORDS] = n->acked[w % WST_QUIC_NUMBER_WORDS] = 0;
    }
    n->top = number + 1;
}

/* The oldest number that is still known: its word was not begun anew. */
static uint64_t numbers_bottom(const struct wst_quic_numbers *n)
{
    uint64_t words = (n->top + 63) / 64;
    return words > WST_QUIC_NUMBER_WORDS ? (words - WST_QUIC_NUMBER_WORDS) * 64 : 0;
}

bool wst_quic_numbers_seen(const struct wst_quic_numbers *n, uint64_t number)
{
    if (number >= n->came) return false;
    return number < numbers_bottom(n) || n->seen[word_of(number)] >> number % 64 & 1;
}

bool wst_quic_numbers_see(struct wst_quic_numbers *n, uint64_t number)
{
    if (wst_quic_numbers_seen(n, number)) return false;
    if (number >= n->came) n->came = number + 1;
    numbers_reach(n, number);
    if (number < numbers_bottom(n)) return true; /* acknowledged far ahead of itself */
    n->seen[word_of(number)] |= UINT64_C(1) << number % 64;
    return true;
}

/* The bits of [from, to] in the word of number `at`, which is a multiple of 64. */
static uint64_t bits_of(uint64_t at, uint64_t from, uint64_t to)
{
    uint64_t bits = UINT64_MAX;
    if (from > at) bits &= UINT64_MAX << (from - at);
    if (to < at + 63) bits &= UINT64_MAX >> (at + 63 - to);
    return bits;
}

void wst_quic_numbers_ack(struct wst_quic_numbers *n, uint64_t from, uint64_t to)
{
    if (to >= n->top + WST_QUIC_NUMBERS) return; /* of packets that were hardly sent */
    numbers_reach(n, to);
    if (from < numbers_bottom(n)) from = numbers_bottom(n);
    if (from > to) return;
    for (uint64_t at = from & ~UINT64_C(63); at <= to; at += 64)
        n->acked[word_of(at)] |= bits_of(at, from, to);
}

void wst_quic_numbers_told(struct wst_quic_numbers *n, uint64_t low, uint64_t high)
{
    if (low > high || high >= n->top) return;
    if (low > n->low) n->low = low;
    if (low > n->told) {
        if (!n->untold[1]) n->untold[0] = n->told;
        n->untold[1] = low;
    }
    if (high >= n->told) n->told = high + 1;
}

void wst_quic_numbers_begin(struct wst_quic_numbers *n, uint64_t first)
{
    if (!first) return;
    numbers_reach(n, first - 1);
    wst_quic_numbers_ack(n, 0, first - 1);
}

enum wst_quic_lost wst_quic_numbers_lost(const struct wst_quic_numbers *n, uint64_t after,
                                         uint64_t before)
{
    enum wst_quic_lost lost = WST_QUIC_LACKS;
    if (before > n->top || before < 2 || after >= before - 1 || after + 1 < numbers_bottom(n))
        return lost;
    uint64_t from = after + 1, to = before - 1;
    for (uint64_t at = from & ~UINT64_C(63); at <= to; at += 64) {
        uint64_t missing = bits_of(at, from, to) & ~n->seen[word_of(at)];
        uint64_t unsaid = missing & ~n->acked[word_of(at)];
        uint64_t kept = n->low < at + 64 ? bits_of(at, n->low, UINT64_MAX) : 0;
        if (unsaid & kept) return WST_QUIC_LACKS;
        if (unsaid)
            lost = WST_QUIC_SILENT;
        else if (missing && lost == WST_QUIC_LACKS)
            lost = WST_QUIC_HAS;
    }
    return lost;
}

bool wst_quic_numbers_missed(const struct wst_quic_numbers *n, uint64_t since)
{
    uint64_t from = since > numbers_bottom(n) ? since : numbers_bottom(n);
    if (from >= n->top) return false;
    for (uint64_t at = from & ~UINT64_C(63); at < n->top; at += 64) {
        uint64_t missing = bits_of(at, from, n->top - 1) & ~n->seen[word_of(at)];
        bool any = at < n->untold[1] && at + 64 > n->untold[0];
        uint64_t untold = any ? bits_of(at, n->untold[0], n->untold[1] - 1) : 0;
        if (missing & (n->acked[word_of(at)] | untold)) return true;
    }
    return false;
}

bool wst_quic_numbers_unsaid(const struct wst_quic_numbers *n, uint64_t since)
{
    uint64_t from = since > n->told ? since : n->told;
    if (from < numbers_bottom(n)) from = numbers_bottom(n);
    for (uint64_t at = from & ~UINT64_C(63); from < n->came && at < n->came; at += 64)
        if (bits_of(at, from, n->came - 1) & ~n->seen[word_of(at)]) return true;
    return false;
}
