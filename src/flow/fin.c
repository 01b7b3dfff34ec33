/* SPDX-License-Identifier: MIT
 *
 * In: FINs, and numbers that show more was sent than was captured. Out: the end of a side, and
 * whose was sent first, which no order of capture tells (RFC 9293 section 3.6). Refuses an end far
 * ahead of what was seen, until the other side acknowledges it.
 */
#include "slice.h"
#include "table.h"

void wst_fin_skipped(struct wst_flow *f, unsigned side, uint32_t until)
{
    const struct wst_half *h = &f->half[side];
    if (h->flags & (WST_HALF_FIN | WST_HALF_FAR)) return;
    if (!(f->skipped & 1u << side) || wst_seq_diff(until, f->rare[side].fin) > 0)
        f->rare[side].fin = until;
    f->skipped |= (1u << side) & 3;
    f->half[!side].flags &= (uint16_t)~WST_HALF_FIRST; /* until the FIN itself tells */
}

/* Is this FIN one of which an earlier copy was not captured? */
static bool fin_again(struct wst_flow *f, unsigned side, uint32_t end)
{
    unsigned bit = 1u << side;
    bool again = (f->skipped & bit) && wst_seq_diff(f->rare[side].fin, end) > 0;
    if (!again) f->skipped &= ~bit & 3;
    return again;
}

/* Whose FIN was sent first? The other one acknowledges it, in whatever order they were captured.
 * Where neither does, both were sent at once. The first that is captured may acknowledge one that
 * is not. */
static void fin_order(struct wst_flow *f, unsigned side, uint32_t end, const struct wst_segment *s)
{
    bool again = fin_again(f, side, end), acks = s->flags & WST_TCP_FLAG_ACK;
    struct wst_half *h = &f->half[side], *o = &f->half[!side];
    if (!(o->flags & WST_HALF_FIN)) {
        if (acks && wst_half_skips(o, s->ack))
            wst_fin_skipped(f, !side, s->ack);
        else
            h->flags |= WST_HALF_FIRST;
        return;
    }
    if (acks && wst_seq_diff(s->ack, f->rare[!side].fin) > 0) {
        o->flags = (uint16_t)(again ? o->flags & ~WST_HALF_FIRST : o->flags | WST_HALF_FIRST);
        return;
    }
    o->flags &= (uint16_t)~WST_HALF_FIRST;
    if ((h->flags & WST_HALF_ACKED) && wst_seq_diff(h->acked, end) > 0) h->flags |= WST_HALF_FIRST;
}

void wst_fin_came(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t end,
                  const struct wst_segment *s, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    wst_half_joined(h, end);
    int32_t ahead = wst_seq_diff(end, h->next);
    if (!f->ignored && ahead > FIN_NEAR && !(h->flags & WST_HALF_FIN)) {
        h->flags |= WST_HALF_FAR;
        f->rare[side].fin = end;
        f->skipped &= ~(1u << side) & 3;
    }
    if (!f->ignored && (ahead < 0 || ahead > FIN_NEAR)) return;
    if ((h->flags & WST_HALF_FIN) && wst_seq_diff(end, f->rare[side].fin) >= 0) return;
    if (!(h->flags & WST_HALF_FIN)) fin_order(f, side, end, s);
    h->flags |= WST_HALF_FIN;
    h->flags &= (uint16_t)~WST_HALF_FAR;
    f->rare[side].fin = end;
    wst_half_fin(t, f, side, a);
}

void wst_fin_believed(struct wst_flow_table *t, struct wst_flow *f, unsigned side, uint32_t ack,
                      const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (ack != f->rare[side].fin + 1) return;
    h->flags |= WST_HALF_FIN;
    h->flags &= (uint16_t)~WST_HALF_FAR;
    if (!(f->half[!side].flags & WST_HALF_FIN)) h->flags |= WST_HALF_FIRST;
    wst_half_fin(t, f, side, a);
}
