/* SPDX-License-Identifier: MIT
 *
 * In: resets. Out: whether one is the connection's, and what it says was sent, and not captured.
 * Refuses one that does not fit the sequence numbers: it would not reset the endpoints either.
 */
#include "table.h"
#include "waiting.h"

enum {
    /* Bytes. A RST counts when it lies this near to what we have seen; endpoints demand an exact
     * match (RFC 5961), but the capture may lack what was in flight. */
    RST_NEAR = 65535
};

/* Who has sent a SYN, and nothing else, believes a reset that acknowledges it (RFC 9293 section
 * 3.10.7.3); another one is for a connection of before. */
static bool reset_refuses(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side], *o = &f->half[!side];
    bool asked = f->state == WST_FLOW_EMBRYONIC && !h->flags &&
                 o->flags == (WST_HALF_SYN | WST_HALF_STARTED);
    int32_t d = wst_seq_diff(s->ack, f->rare[!side].isn + 1);
    return !asked || ((s->flags & WST_TCP_FLAG_ACK) && d >= 0 && d <= RST_NEAR);
}

bool wst_reset_counts(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side];
    if (!(h->flags & WST_HALF_STARTED)) return reset_refuses(f, side, s);
    int32_t d = wst_seq_diff(s->seq, h->next);
    if (d >= 0 && d <= RST_NEAR) return true;
    /* A host that knows nothing of the connection takes the number from an acknowledgment, which
     * may be older than what is on the way. */
    if (d < 0 && (h->flags & WST_HALF_ACKED) && wst_seq_diff(s->seq, h->acked) >= 0) return true;
    const struct wst_waiting *w = f->rare[side].waiting;
    return w && (h->flags & WST_HALF_ACKED) && wst_seq_diff(s->seq, h->acked) >= 0 &&
           wst_seq_diff(s->seq, h->acked) <= RST_NEAR;
}

/* A reset of the flow's, whatever it answers; but the one that answers a SYN has 0 (RFC 9293
 * section 3.10.7.1). */
bool wst_reset_is_own(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    return (s->flags & WST_TCP_FLAG_RST) && s->seq != 0 && wst_reset_counts(f, side, s);
}

/* Sent after bytes, or by one who has bytes, that were not captured: nobody knows what they were.
 * One number more may be a FIN's, and is no frame in any case. */
static bool reset_hides(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side], *o = &f->half[!side];
    if ((h->flags & WST_HALF_STARTED) && wst_seq_diff(s->seq, h->next) > 1) return true;
    return (s->flags & WST_TCP_FLAG_ACK) && (o->flags & WST_HALF_STARTED) &&
           wst_seq_diff(s->ack, o->next) > 1;
}

/* A reset says that its sender had sent, or received, all before `until`. What of that was not
 * captured becomes a hole, by way of `acked`: as if the other side had acknowledged it. Not
 * believed when it is farther ahead of what was delivered than `near` bytes; and one byte more is
 * none, for a FIN takes a number, too. */
static void reset_sent(struct wst_half *h, uint32_t until, int32_t near)
{
    int32_t ahead = wst_seq_diff(until, h->next);
    bool acked = h->flags & WST_HALF_ACKED;
    if (!(h->flags & WST_HALF_STARTED) || ahead == 1 || ahead > near) return;
    if (acked ? wst_seq_diff(until, h->acked) <= 0 : ahead <= 0) return; /* nothing new */
    h->acked = until;
    h->flags |= WST_HALF_ACKED;
}

/* It says how much its sender sent, and had: what of that was not captured is missing. */
void wst_reset_came(struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    f->obscure = reset_hides(f, side, s);
    f->half[side].flags |= WST_HALF_RESET;
    reset_sent(&f->half[side], s->seq, RST_NEAR);
    if (s->flags & WST_TCP_FLAG_ACK) reset_sent(&f->half[!side], s->ack, FIN_NEAR);
}

/* Bytes that the sender of a reset had before it may yet be captured: the directions may come from
 * two taps. The end waits for them as any hole does. */
bool wst_reset_waits(const struct wst_flow *f)
{
    for (unsigned side = 0; side < 2 && !f->ignored; side++) {
        const struct wst_waiting *w = f->rare[side].waiting;
        if ((f->half[!side].flags & WST_HALF_RESET) && w && !w->doubts && wst_half_lacks(f, side))
            return true;
    }
    return false;
}
