/* SPDX-License-Identifier: MIT
 *
 * In: a segment for a connection that ended, or that nobody follows. Out: whether the place is
 * taken up again: by another connection whose SYN was not captured, or by the same one, when nobody
 * believed its end.
 * Refuses stragglers: what was sent before the end, and the last acknowledgments.
 */
#include "slice.h"
#include "table.h"

enum {
    SIGNS_OF_LIFE = 3,     /* of one side, each more than the one before */
    GOES_ON_NEAR = 1 << 20 /* so far behind the end what lies between is taken to be missing */
};

/* Where the bytes of a side ended. False: nobody followed them. */
static bool end_known(const struct wst_flow *f, unsigned side, uint32_t *end)
{
    const struct wst_half *h = &f->half[side];
    *end = h->flags & WST_HALF_FIN ? f->rare[side].fin : h->next;
    return (h->flags & WST_HALF_FIN) || (f->followed && (h->flags & WST_HALF_STARTED));
}

static bool begins(const struct wst_flow_table *t, const struct wst_segment *s)
{
    return t->sink.begins && t->sink.begins(t->sink.user, s->payload, false);
}

/* Bytes that cannot be the old connection's: far from its last, or the first of a conversation
 * and not right behind them. Far alone would not do: with the same ports a host begins the next
 * connection near, by a clock (RFC 6528 section 3: 4 microseconds a number; some are faster). */
static bool is_another(const struct wst_flow_table *t, const struct wst_flow *f, unsigned side,
                       const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side];
    if (!s->payload_len || !(h->flags & (WST_HALF_STARTED | WST_HALF_FIN))) return false;
    int32_t behind = wst_seq_diff(s->seq, h->flags & WST_HALF_FIN ? f->rare[side].fin : h->next);
    if (behind < -FIN_NEAR || behind > FIN_NEAR) return true;
    return behind > 1 && begins(t, s);
}

/* The FIN's own number a keep-alive may repeat, with a byte; else nobody sends behind it. */
static bool is_behind_fin(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    if (!(f->half[side].flags & WST_HALF_FIN) || !s->payload_len) return false;
    int32_t behind = wst_seq_diff(s->seq, f->rare[side].fin);
    return behind > 1 || (behind >= 0 && s->payload_len > 1);
}

/* After a reset nobody sends from where it was sent, and nobody acknowledges what was sent later.
 * A count for each side of what it did send, and of what of that was acknowledged. */
static bool is_alive(struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    struct wst_half *h = &f->half[side], *o = &f->half[!side];
    uint32_t end;
    if ((h->flags & WST_HALF_RESET) && s->payload_len && end_known(f, side, &end) &&
        wst_seq_diff(s->seq, end) >= 0 && ++h->stale >= SIGNS_OF_LIFE)
        return true;
    if (!(s->flags & WST_TCP_FLAG_ACK) || (o->flags & WST_HALF_FIN) || !end_known(f, !side, &end))
        return false;
    int32_t more = wst_seq_diff(s->ack, end);
    if (more <= 0 || more > FIN_NEAR) return false;
    if ((o->flags & WST_HALF_ACKED) && wst_seq_diff(s->ack, o->acked) <= 0) return false;
    o->flags |= WST_HALF_ACKED;
    o->acked = s->ack;
    return ++o->stale_acks >= SIGNS_OF_LIFE;
}

/* A side goes on at `place`: where does what is missing begin? False: nobody knows, or it is too
 * far for the same connection to be likely. */
static bool missing_from(const struct wst_flow *f, unsigned side, uint32_t place, uint32_t *from)
{
    if (!end_known(f, side, from)) return false;
    if (wst_seq_diff(place, *from) < 0) *from = f->rare[side].fin; /* the reset said too much */
    int32_t n = wst_seq_diff(place, *from);
    return n >= 0 && n <= GOES_ON_NEAR;
}

/* The same connection, as far as anybody can tell: what its sides sent meanwhile is a hole. */
static void take_up(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                    const struct wst_segment *s, enum wst_unbelieved end,
                    const struct wst_arrival *a)
{
    uint32_t from[2];
    bool known[2];
    known[side] = missing_from(f, side, s->seq, &from[side]);
    known[!side] = (s->flags & WST_TCP_FLAG_ACK) && missing_from(f, !side, s->ack, &from[!side]);
    t->sink.unbelieved(t->sink.user, f, side, 0, end, a);
    wst_flow_renew(t, f, false);
    f->resumed = true;
    for (unsigned i = 0; i < 2; i++) {
        if (!known[i]) continue;
        f->half[i].next = from[i];
        f->half[i].flags = WST_HALF_HINT;
    }
}

void wst_flow_begins_unheard(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                             const struct wst_segment *s, const struct wst_arrival *a)
{
    if ((f->heard & 1u << !side) || !s->payload_len || !begins(t, s)) return;
    f->obscure = true;
    wst_flow_close(t, f, WST_TCP_TIMEOUT, a);
    wst_flow_renew(t, f, false);
}

bool wst_flow_goes_on(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                      const struct wst_segment *s, const struct wst_arrival *a)
{
    bool reset = (f->half[0].flags | f->half[1].flags) & WST_HALF_RESET;
    if (s->flags & WST_TCP_FLAG_RST) return false;
    if (is_another(t, f, side, s))
        wst_flow_renew(t, f, false);
    else if (is_behind_fin(f, side, s))
        take_up(t, f, side, s, WST_UNBELIEVED_FIN, a);
    else if (reset && is_alive(f, side, s))
        take_up(t, f, side, s, WST_UNBELIEVED_RESET, a);
    else
        return false;
    return true;
}
