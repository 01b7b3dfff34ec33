/* SPDX-License-Identifier: MIT
 *
 * The newest packet numbers of one direction: which were captured, which the other side says it
 * has (RFC 9000 section 13). What it has and nobody captured will not be sent again.
 */
#ifndef WST_QUIC_NUMBERS_H
#define WST_QUIC_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

enum { WST_QUIC_NUMBERS = 4096, WST_QUIC_NUMBER_WORDS = WST_QUIC_NUMBERS / 64 };

struct wst_quic_numbers {
    uint64_t top; /* one more than the largest of either kind; 0: none */
    uint64_t low; /* of older ones the other side says nothing any more */
    /* One more than the largest that an acknowledgment was about, and those about some of which
     * none that was captured was: from [0] to before [1]. */
    uint64_t told, untold[2];
    /* One more than the largest that was captured: what is acknowledged is a claim. */
    uint64_t came;
    uint64_t seen[WST_QUIC_NUMBER_WORDS], acked[WST_QUIC_NUMBER_WORDS]; /* by number, a ring */
};

/* False: it was captured before, or is so old that nobody can tell. */
bool wst_quic_numbers_see(struct wst_quic_numbers *numbers, uint64_t number);
bool wst_quic_numbers_seen(const struct wst_quic_numbers *numbers, uint64_t number);
/* The other side has [from, to]. */
void wst_quic_numbers_ack(struct wst_quic_numbers *numbers, uint64_t from, uint64_t to);
/* An acknowledgment, whose ranges were told before this, was about those in [low, high]: what it
 * left out among them the other side lacked. It leaves out what is older, too, when it knows that
 * the sender knows (section 13.2.4). */
void wst_quic_numbers_told(struct wst_quic_numbers *numbers, uint64_t low, uint64_t high);

/* The capture begins amid them: what was sent before is waited for as if the other side had it. */
void wst_quic_numbers_begin(struct wst_quic_numbers *numbers, uint64_t first);

enum wst_quic_lost {
    WST_QUIC_LACKS,  /* the other side lacks one of them, or all were captured */
    WST_QUIC_SILENT, /* it has all, or says nothing of them any more */
    WST_QUIC_HAS     /* it has all */
};
/* Of the packets in (after, before) that were not captured. */
enum wst_quic_lost wst_quic_numbers_lost(const struct wst_quic_numbers *numbers, uint64_t after,
                                         uint64_t before);
/* Whether the other side has, or may have had, one of those from `since` on that was not captured.
 * It had none that it said it lacked, and never that it has: that was lost on its way, or a number
 * that its sender left out (section 21.4). */
bool wst_quic_numbers_missed(const struct wst_quic_numbers *numbers, uint64_t since);
/* Whether one of those from `since` on was not captured, and a newer one was, and no acknowledgment
 * was about any of them yet. */
bool wst_quic_numbers_unsaid(const struct wst_quic_numbers *numbers, uint64_t since);

#endif
