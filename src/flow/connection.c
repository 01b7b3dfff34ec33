/* SPDX-License-Identifier: MIT
 *
 * In: one segment. Out: what it means for its connection: begun, go on, ended, or another one
 * in the same place (RFC 9293 section 3.3.2, as far as a bystander can tell).
 * Refuses a SYN in the place of a connection that is open, until it is answered (successor.c).
 */
#include "seldom.h"
#include "slice.h"
#include "table.h"
#include "waiting.h"

enum {
    /* Bytes that a side may have sent before its SYN was captured: else it is another connection.
     */
    SYN_LATE = 1 << 20,
    ACK_DOUBTS = 16, /* acknowledgments in a row that overrule an earlier one from far ahead */
    STALE_ACKS = 16, /* acknowledgments in a row that seem to be from long ago, and are not */
    SYN_COPY_MS = 10 /* sooner nobody asks again: the capture has the SYN twice */
};

static inline bool connection_is_reset(const struct wst_flow *f)
{
    return (f->half[0].flags | f->half[1].flags) & WST_HALF_RESET;
}

void wst_flow_close(struct wst_flow_table *t, struct wst_flow *f, enum wst_tcp_end how,
                    const struct wst_arrival *a)
{
    if (f->state == WST_FLOW_CLOSED || f->state == WST_FLOW_FREE) return;
    if (f->state == WST_FLOW_EMBRYONIC) wst_flow_grown_up(t, f);
    if (connection_is_reset(f) && how != WST_TCP_EVICTED) how = WST_TCP_RST;
    for (unsigned side = 0; side < 2; side++)
        if (!f->ignored) wst_half_flush(t, f, side, a);
    if (f->remember) wst_stall_over(t, f, a);
    if (f->succeeding) wst_successor_over(t, f, how, a);
    t->sink.end(t->sink.user, f, how, a);
    f->followed = !f->ignored;
    wst_flow_ignore(t, f);
    for (unsigned side = 0; side < 2; side++) f->half[side].stale = f->half[side].stale_acks = 0;
    f->state = WST_FLOW_CLOSED;
    if (!f->precious) wst_flow_line_up(t, f);
    f->precious = f->remember = false;
}

/* Is this SYN the first of another connection? A repeated one carries the number we know. */
static bool syn_is_new(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side];
    if (h->flags & WST_HALF_SYN) return f->rare[side].isn != s->seq;
    if (f->state == WST_FLOW_CLOSED) return !wst_flow_answers(f, side, s); /* it came late */
    /* Bytes of this side were seen before its SYN: reordered when the numbers fit, else new. */
    if (h->flags & WST_HALF_STARTED) {
        int32_t ahead = wst_seq_diff(h->next, s->seq + 1);
        return ahead < 0 || ahead > SYN_LATE;
    }
    /* The other side's SYN says what this one must acknowledge. */
    const struct wst_half *o = &f->half[!side];
    if ((s->flags & WST_TCP_FLAG_ACK) && (o->flags & WST_HALF_SYN))
        return wst_seq_diff(s->ack, f->rare[!side].isn) <= 0;
    return (f->half[!side].flags & WST_HALF_STARTED) && !(o->flags & WST_HALF_SYN) &&
           !(s->flags & WST_TCP_FLAG_ACK) && f->state == WST_FLOW_OPEN;
}

bool wst_flow_asks_again(uint32_t *asked_ms, uint32_t *marks, const struct wst_segment *s,
                         const struct wst_when *when)
{
    uint32_t now = (uint32_t)(when->ns / 1000000);
    uint16_t mark = wst_segment_mark(s);
    if ((int32_t)(now - *asked_ms) < SYN_COPY_MS) return false;
    if (mark && (mark == (*marks & 0xffff) || mark == *marks >> 16)) return false;
    *asked_ms = now;
    *marks = *marks << 16 | mark;
    return true;
}

/* The client asks once more: told when nobody answers (wst_half.stale). */
static void connection_syn_again(struct wst_flow *f, unsigned side, const struct wst_segment *s,
                                 const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (wst_flow_asks_again(&f->rare[side].asked_ms, &h->acked, s, &a->when))
        h->stale += h->stale < UINT8_MAX;
}

/* Both sides have agreed on it: the host that gets another SYN goes on with what it has. */
static bool connection_is_agreed(const struct wst_flow *f)
{
    const unsigned a = f->half[0].flags, b = f->half[1].flags, had = WST_HALF_SYN | WST_HALF_ACKED;
    return f->state == WST_FLOW_OPEN ||
           (f->state == WST_FLOW_EMBRYONIC && ((a & b & WST_HALF_SYN) || ((a | b) & had) == had));
}

/* True: the SYN is not the flow's, and waits for its answer. */
static bool connection_syn(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                           const struct wst_segment *s, const struct wst_arrival *a)
{
    bool doubtful = false;
    if (f->succeeding) wst_flow_succeeded(t, f, a);
    if (syn_is_new(f, side, s)) {
        /* A connection that was open: its end was not captured, or this SYN is not its peer's. The
         * answer to it will tell; without memory for that, its first byte (connection_confirm). */
        doubtful = connection_is_agreed(f) && !f->ignored;
        if (doubtful && wst_successor_asks(t, f, side, s, a)) return true;
        f->obscure |= doubtful;
        wst_flow_close(t, f, WST_TCP_TIMEOUT, a);
        uint32_t stream;
        if (wst_successor_number(t, f, side, s, &stream))
            wst_flow_renew_as(t, f, stream);
        else
            wst_flow_renew(t, f, true);
    }
    struct wst_half *h = &f->half[side], *o = &f->half[!side];
    if (h->flags == (WST_HALF_SYN | WST_HALF_STARTED) && !o->flags &&
        f->state == WST_FLOW_EMBRYONIC)
        connection_syn_again(f, side, s, a);
    if ((h->flags & WST_HALF_SYN) || f->state == WST_FLOW_CLOSED) return false;
    o->stale = 0;
    if (!h->flags && !o->flags) wst_flow_asks(&f->rare[side].asked_ms, &h->acked, s, &a->when);
    bool answer = (s->flags & WST_TCP_FLAG_ACK) && (o->flags & WST_HALF_SYN);
    f->witnessed = !doubtful && (!answer || f->witnessed || wst_flow_answers(f, side, s));
    h->flags |= WST_HALF_SYN;
    f->rare[side].isn = s->seq;
    if (!(h->flags & WST_HALF_STARTED)) h->next = s->seq + 1;
    h->flags |= WST_HALF_STARTED;
    h->flags &= (uint16_t)~WST_HALF_HINT;
    return false;
}

/* Acknowledgments never go back, but for one that was overtaken. When several in a row say less
 * than an earlier one, that one was not the receiver's. */
static void connection_doubt(struct wst_flow *f, unsigned side, uint32_t ack)
{
    struct wst_half *h = &f->half[side];
    struct wst_waiting *w = f->rare[side].waiting;
    if (wst_seq_diff(ack, h->acked) >= 0) {
        w->doubts = 0;
    } else if (++w->doubts >= ACK_DOUBTS) {
        h->acked = ack;
        w->packets = w->doubts = 0;
    }
}

/* Acknowledgments that say far less than was delivered. */
static void connection_ack_stale(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                 uint32_t ack, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    if (!wst_flow_stale(t, a, wst_seq_diff(ack, h->next)) || ++h->stale_acks < STALE_ACKS) return;
    wst_half_round(t, f, side, ack, a);
}

/* A SYN is answered with an acknowledgment of what was never sent: its receiver still has the
 * connection before it (TIME-WAIT, or half-open). The sender resets that one, and asks again (RFC
 * 9293 section 3.5.1). */
static bool connection_ack_before(const struct wst_flow *f, unsigned side, uint32_t ack)
{
    const struct wst_half *h = &f->half[side], *o = &f->half[!side];
    if (h->flags != (WST_HALF_SYN | WST_HALF_STARTED)) return false;
    if (o->flags & (WST_HALF_SYN | WST_HALF_STARTED)) return false;
    int32_t d = wst_seq_diff(ack, f->rare[side].isn);
    return d <= 0 || d > FIN_NEAR;
}

/* What side sends next, told by the other side's acknowledgment. */
static void connection_ack(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                           const struct wst_segment *s, const struct wst_arrival *a)
{
    struct wst_half *h = &f->half[side];
    const uint32_t ack = s->ack;
    if (connection_ack_before(f, side, ack)) return;
    if (h->flags & WST_HALF_STARTED) {
        int32_t more = h->flags & WST_HALF_ACKED ? wst_seq_diff(ack, h->acked) : 1;
        if (more > 0) {
            h->acked = ack;
            h->flags |= WST_HALF_ACKED;
            h->stale_acks = 0;
        } else if (more < -STALE_FAR) {
            connection_ack_stale(t, f, side, ack, a);
            if (f->ignored) return;
        }
        if (h->flags & WST_HALF_FAR) wst_fin_believed(t, f, side, ack, a);
        if (wst_seq_diff(ack, h->next) > 0) wst_half_acked(t, f, side, a);
        if (h->flags & WST_HALF_WAITING) connection_doubt(f, side, ack);
        return;
    }
    /* Its SYN was lost, or not captured: this acknowledges it. Behind bytes that are not there it
     * may have overtaken them, and acknowledge more. */
    if (f->witnessed && wst_seq_diff(s->seq, f->half[!side].next) <= 0) {
        int32_t more = h->flags & WST_HALF_ACKED ? wst_seq_diff(h->acked, ack) : 0;
        h->next = ack;
        if (more <= 0 || more > FIN_NEAR) h->acked = ack; /* else one that was captured too early */
        h->flags |= WST_HALF_STARTED | WST_HALF_ACKED;
        wst_half_acked(t, f, side, a);
        return;
    }
    /* Joined in the middle, nothing sent by this side yet: bytes acknowledged from here on and
     * never seen are missing. Its first segment may still be older (captures reorder), so this is
     * only a hint. */
    if (!(h->flags & WST_HALF_HINT)) h->next = ack;
    if (!(h->flags & WST_HALF_ACKED) || wst_seq_diff(ack, h->acked) > 0) h->acked = ack;
    h->flags |= WST_HALF_HINT | WST_HALF_ACKED;
}

/* The first payload after a doubtful SYN: it follows the SYN, or the connection of before goes on.
 */
static void connection_confirm(struct wst_flow *f, unsigned side, uint32_t seq)
{
    struct wst_half *h = &f->half[side];
    uint32_t first = f->rare[side].isn + 1;
    int32_t away = wst_seq_diff(seq, first);
    if (seq == first) {
        f->witnessed = true;
    } else if (h->next == first && (away < 0 || away > FIN_NEAR)) {
        h->next = seq;
        h->flags &= (uint16_t)~WST_HALF_SYN;
    }
}

static void connection_payload(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                               const struct wst_segment *s, const struct wst_arrival *a)
{
    uint32_t seq = s->seq + (s->flags & WST_TCP_FLAG_SYN ? 1 : 0);
    struct wst_half *h = &f->half[side];
    if (s->payload_len) {
        if (!f->witnessed && (h->flags & WST_HALF_SYN)) connection_confirm(f, side, seq);
        if (f->state == WST_FLOW_EMBRYONIC) wst_flow_grown_up(t, f);
        wst_half_joined(h, seq);
        if (!f->ignored) wst_half_data(t, f, side, seq, s->payload, s->payload_len, a);
    }
    if (f->ignored) h->next = seq + s->payload_len;
    if (s->flags & WST_TCP_FLAG_FIN)
        wst_fin_came(t, f, side, seq + s->payload_len, s, a);
    else if (!s->payload_len && !f->ignored && wst_half_skips(h, s->seq))
        wst_fin_skipped(f, side, s->seq);
}

/* Both ends have sent their last byte, and it was delivered, or nobody wants it. */
static bool connection_over(const struct wst_flow *f)
{
    uint8_t need = f->ignored ? WST_HALF_FIN : WST_HALF_ENDED;
    return (f->half[0].flags & need) && (f->half[1].flags & need);
}

void wst_flow_settle(struct wst_flow_table *t, struct wst_flow *f, const struct wst_arrival *a)
{
    if (connection_over(f))
        wst_flow_close(t, f, WST_TCP_FIN, a);
    else if (connection_is_reset(f) && !wst_reset_waits(f))
        wst_flow_close(t, f, WST_TCP_RST, a);
}

/* Bytes nobody wants, and nothing in the header that changes what is known of the flow: most of a
 * capture of everything. */
static inline bool connection_chatter(const struct wst_flow *f, unsigned side,
                                      const struct wst_segment *s)
{
    const uint8_t events = WST_TCP_FLAG_SYN | WST_TCP_FLAG_FIN | WST_TCP_FLAG_RST;
    return f->ignored && f->witnessed && f->state == WST_FLOW_OPEN && !(s->flags & events) &&
           (f->half[side].flags & WST_HALF_STARTED) && !connection_over(f);
}

/* Nearly always known already; and a byte just written delays whoever reads the four around it. */
static inline void connection_heard(struct wst_flow *f, unsigned side)
{
    unsigned heard = f->heard | 1u << side;
    if (f->touched && f->heard == heard) return;
    f->touched = true;
    f->heard = heard & 3;
}

static inline int32_t connection_now(const struct wst_flow_table *t, const struct wst_when *when)
{
    int64_t ns = wst_elapsed_of(&t->time, when->ns);
    return wst_flow_coarse(t->time.now > ns ? t->time.now : ns);
}

/* Once in four seconds it is looked where the bytes are that nobody wants: from far off another
 * connection may have begun unseen (false). More often would cost every packet of a capture of
 * everything some. */
static inline bool connection_goes_on(const struct wst_flow_table *t, struct wst_flow *f,
                                      unsigned side, const struct wst_segment *s,
                                      const struct wst_when *when)
{
    int32_t now = connection_now(t, when);
    if (f->active == now) return true;
    if (wst_seq_is_far(s->seq, f->half[side].next)) return false;
    f->half[side].next = s->seq + s->payload_len;
    f->active = now;
    return true;
}

static void connection_segment(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                               const struct wst_segment *s, const struct wst_arrival *a);

/* What waited of `side` comes now: to the flow whose it turned out to be. */
static void connection_waited(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                              struct wst_succession *taken, const struct wst_arrival *a)
{
    size_t at = 0;
    for (unsigned i = 0; i < taken->n; at += taken->segment[i++].captured) {
        const struct wst_successor_segment *of = &taken->segment[i];
        struct wst_arrival carried = {.when = a->when, .from = of->when.pkt, .there = of->when};
        struct wst_segment s = {
            .flags = of->flags,
            .seq = of->seq,
            .ack = of->ack,
            .window = of->window,
            .payload_len = of->payload_len,
            .payload = {of->captured ? taken->bytes.p + at : NULL, of->captured}};
        connection_segment(t, f, side, &s, &carried);
    }
    wst_buf_free(&taken->bytes, t->budget);
}

/* What was acknowledged from there on is the next connection's. */
static void connection_not_acked(struct wst_half *h, uint32_t from)
{
    if ((h->flags & WST_HALF_ACKED) && wst_seq_diff(h->acked, from) >= 0 &&
        wst_seq_diff(h->acked, h->next) > 0)
        h->acked = h->next;
}

/* Another connection has its place: what waits of `side`, and was answered, is the first of it. The
 * end of the old one was not captured: nobody is blamed for it. */
WST_SELDOM static void connection_succeeded(struct wst_flow_table *t, struct wst_flow *f,
                                            unsigned side, const struct wst_arrival *a)
{
    struct wst_succession taken = wst_successor_take(t, f, side);
    if (taken.near) {
        connection_not_acked(&f->half[side], taken.segment[0].seq);
        connection_not_acked(&f->half[!side], taken.segment[0].ack);
    }
    f->obscure = true;
    wst_flow_close(t, f, WST_TCP_TIMEOUT, a);
    if (taken.numbered)
        wst_flow_renew_as(t, f, taken.stream);
    else
        wst_flow_renew(t, f, false);
    connection_waited(t, f, side, &taken, a);
}

/* What waits behind a hole is the flow's own. */
WST_SELDOM static void connection_denied(struct wst_flow_table *t, struct wst_flow *f,
                                         const struct wst_segment *s, const struct wst_arrival *a)
{
    for (unsigned side = 0; side < 2 && f->state == WST_FLOW_OPEN; side++) {
        if (!wst_successor_denied(t, f, side, s)) continue;
        struct wst_succession taken = wst_successor_take(t, f, side);
        connection_waited(t, f, side, &taken, a);
    }
}

WST_SELDOM bool wst_flow_succeeded(struct wst_flow_table *t, struct wst_flow *f,
                                   const struct wst_arrival *a)
{
    unsigned caller;
    if (f->ignored || !wst_successor_alone(t, f, a->when.ns, &caller)) return false;
    connection_succeeded(t, f, caller, a);
    return true;
}

/* What of that side waits may not have to wait any more. */
static void connection_look(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                            const struct wst_arrival *a)
{
    if (f->half[side].flags & WST_HALF_WAITING)
        wst_half_waited(t, f, side, wst_waiting_now(t, a), a);
}

static void connection_reset(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                             const struct wst_segment *s, const struct wst_arrival *a)
{
    if (!wst_reset_counts(f, side, s)) return;
    wst_reset_came(f, side, s);
    if (!f->ignored) wst_half_acked(t, f, !side, a);
    connection_look(t, f, !side, a);
    wst_flow_settle(t, f, a);
}

WST_APART static void connection_segment(struct wst_flow_table *t, struct wst_flow *f,
                                         unsigned side, const struct wst_segment *s,
                                         const struct wst_arrival *a)
{
    unsigned caller;
    bool waits = false;
    if (f->succeeding && !wst_reset_is_own(f, side, s) &&
        wst_successor_answered(t, f, side, s, &a->when, &caller))
        connection_succeeded(t, f, caller, a);
    if (s->flags & WST_TCP_FLAG_SYN)
        waits = connection_syn(t, f, side, s, a);
    else if (f->state == WST_FLOW_CLOSED)
        wst_flow_goes_on(t, f, side, s, a);
    else if (f->succeeding)
        waits = wst_successor_follows(t, f, side, s, &a->when);
    else if (f->ignored && wst_seq_is_far(s->seq, f->half[side].next))
        wst_flow_begins_unheard(t, f, side, s, a);
    if (!waits) connection_heard(f, side);
    if (t->sink.segment && !a->there.pkt) /* else it was told when it came */
        t->sink.segment(t->sink.user, f, side, s, a);
    if (waits) return;
    if (wst_successor_is_far(f, side, s) && wst_successor_waits(t, f, side, s, &a->when)) return;
    if (wst_flow_may_be_near(f, side, s, a) && wst_successor_near(t, f, side, s, &a->when)) return;
    if (f->state == WST_FLOW_CLOSED) return; /* a straggler */
    f->active = connection_now(t, &a->when);
    if (s->flags & WST_TCP_FLAG_RST) {
        connection_reset(t, f, side, s, a);
        return;
    }
    if (f->remember) wst_stall_segment(t, f, side, s, a);
    /* Before its bytes: whoever reads them may ask what their sender had received. */
    if ((s->flags & WST_TCP_FLAG_ACK) && !f->ignored) connection_ack(t, f, !side, s, a);
    connection_payload(t, f, side, s, a);
    if (!f->ignored) {
        connection_look(t, f, side, a);
        connection_look(t, f, !side, a);
    }
    if (f->succeeding && !a->there.pkt) connection_denied(t, f, s, a);
    wst_flow_settle(t, f, a);
}

/* The next bytes, or none, of a conversation in which nothing is missing, ends or has yet to be
 * found out: what connection_segment does for nearly all that is left, and nothing it would ask. */
static inline bool connection_in_order(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                       const struct wst_segment *s, const struct wst_when *when)
{
    const unsigned known = WST_HALF_STARTED | WST_HALF_FIN | WST_HALF_ENDED | WST_HALF_HINT |
                           WST_HALF_WAITING | WST_HALF_FAR | WST_HALF_LATE_ONCE | WST_HALF_RESENT |
                           WST_HALF_UNHEARD | WST_HALF_SHUT;
    const uint8_t events =
        WST_TCP_FLAG_SYN | WST_TCP_FLAG_FIN | WST_TCP_FLAG_RST | WST_TCP_FLAG_ACK;
    struct wst_half *h = &f->half[side], *o = &f->half[!side];
    if (f->state != WST_FLOW_OPEN || f->succeeding || f->ignored || !f->witnessed ||
        (s->flags & events) != WST_TCP_FLAG_ACK || !s->window ||
        (h->flags & known) != WST_HALF_STARTED ||
        (o->flags & (known | WST_HALF_ACKED)) != (WST_HALF_STARTED | WST_HALF_ACKED) ||
        wst_seq_diff(s->ack, o->acked) < 0 || wst_seq_diff(s->ack, o->next) > 0 ||
        s->seq != h->next || s->payload.n != s->payload_len)
        return false;
    connection_heard(f, side);
    f->active = connection_now(t, when);
    if (s->ack != o->acked) o->stale_acks = 0;
    o->acked = s->ack;
    struct wst_arrival a = {.when = {when->pkt, when->ns}, .from = when->pkt};
    if (s->payload_len) wst_half_deliver(t, f, side, s->payload, &a);
    return true;
}

/* The conversation of a SYN, of what belongs to none that is known, or to a copy of one. NULL:
 * there was no room for it. */
WST_APART static struct wst_flow *connection_of(struct wst_flow_table *t, struct wst_flow *f,
                                                unsigned side, const struct wst_segment *s,
                                                uint64_t hash, const struct wst_when *when)
{
    uint8_t syn = s->flags & (WST_TCP_FLAG_SYN | WST_TCP_FLAG_ACK);
    if (f && f->copy) {
        struct wst_flow *of = wst_flow_copy_of(t, f, side, s, when);
        if (of != f) return of; /* last is the copy, in whose stream it came */
    }
    if (syn == (WST_TCP_FLAG_SYN | WST_TCP_FLAG_ACK))
        f = wst_flow_network_answer(t, f, side, s, when);
    const bool new = !f;
    if (new) f = wst_flow_create(t, s, side, hash, when);
    t->last = f;
    if (f && syn == WST_TCP_FLAG_SYN)
        wst_flow_network_asked(t, s, f);
    else if (f && new)
        return wst_flow_copy_joined(t, f, side, s, when);
    return f;
}

void wst_flow_push(struct wst_flow_table *t, struct wst_segment *s, const struct wst_when *when)
{
    if (t->networks.joined) s->domain = wst_flow_network_as(t, s->domain);
    unsigned side;
    uint64_t hash;
    struct wst_flow *f = wst_flow_find(t, s, &side, &hash);
    t->last = f;
    if (f && !t->sink.segment) {
        if (connection_chatter(f, side, s) && connection_goes_on(t, f, side, s, when)) {
            connection_heard(f, side);
            return;
        }
        if (connection_in_order(t, f, side, s, when)) return;
    }
    if (!f || (s->flags & WST_TCP_FLAG_SYN) || f->copy)
        f = connection_of(t, f, side, s, hash, when);
    if (!f) return;
    struct wst_arrival a = {.when = {when->pkt, when->ns}, .from = when->pkt};
    connection_segment(t, f, side, s, &a);
}
