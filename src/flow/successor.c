/* SPDX-License-Identifier: MIT
 *
 * In: segments of an open flow that may be the first of another connection in its place: a SYN, or
 * what begins a conversation where the SYN was not captured. Out: they, once the other side has
 * answered. Refuses to let them end anything before that: anybody may send a segment in another's
 * name, and the endpoints go on (RFC 9293 section 3.10.7.4: one acknowledges what it has).
 *
 *      SYN x         waits         an acknowledgment of what the flow had: it was nobody's
 *                                  SYN ACK x+1: another one has the flow's place
 *      SYN x, ACK y, ACK y+n       nothing more of the flow: another one, of which the capture has
 *                                  one direction
 *      request x, ACK y            a response y, ACK x+n: another one, whose SYN was not captured.
 *                                  Near the flow's own numbers both lie behind a hole; no frame of
 *                                  a WebSocket begins as they do
 */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "seldom.h"
#include "table.h"

enum {
    /* Connections that wait for their answer, of all flows and sides. A new one takes the place of
     * the one that began first. They are looked through one by one, and not found by the hash of
     * the flow, whose seed is another at each run: then chance would say whose place is taken. */
    SUCCESSORS = 64,
    SEGMENTS = WST_SUCCESSOR_SEGMENTS,
    BYTES = 16384,        /* of one */
    ANSWER_NEAR = 1 << 20 /* so far apart a call and its answer are at most, in either's numbers */
};

/* So long a host that has the flow takes at most to say so, when it gets a SYN in its place, or
 * what comes behind that. */
static const int64_t challenge_ns = 500000000;

struct wst_successor {
    uint8_t side;  /* that was heard */
    uint8_t n;     /* segments; 0: the place is free */
    bool near;     /* its numbers may be the flow's own, behind a hole */
    bool numbered; /* it was a SYN, which has a number as a stream, and may still come again … */
    bool lives;    /* the flow's own sides were heard since then */
    bool heard_of; /* what follows the SYN acknowledges more and more: somebody answers */
    uint8_t again; /* times that the SYN came again */
    uint32_t acked;       /* heard_of, near: by the last of them, which may not wait itself */
    uint32_t stream, isn; /* … this, and its sequence number */
    uint32_t asked_ms, marks; /* of the last: wst_flow_asks_again */
    struct wst_successor_segment segment[SEGMENTS];
    struct wst_buf bytes;
    uint64_t left_out; /* bytes, of this one and of those in whose place it came */
    uint64_t turn;     /* how many began up to this one */
};

struct wst_successors {
    uint64_t turns;
    uint64_t hash[SUCCESSORS]; /* of the flow whose it is; apart from the rest, to be near */
    struct wst_successor at[SUCCESSORS];
};

/* NULL: there is none, not even one that is only numbered. */
static struct wst_successor *successor_known(const struct wst_flow_table *t,
                                             const struct wst_flow *f, unsigned side)
{
    struct wst_successors *all = t->successors;
    for (unsigned i = 0; all && i < SUCCESSORS; i++) {
        struct wst_successor *x = &all->at[i];
        if (all->hash[i] == f->hash && x->side == side && (x->n || x->numbered)) return x;
    }
    return NULL;
}

static struct wst_successor *successor_find(const struct wst_flow_table *t,
                                            const struct wst_flow *f, unsigned side)
{
    if (!f->succeeding) return NULL;
    struct wst_successor *x = successor_known(t, f, side);
    return x && x->n ? x : NULL;
}

/* Its own, else one that is free, that is only numbered, or that began first. */
static struct wst_successor *successor_place(const struct wst_flow_table *t,
                                             const struct wst_flow *f, unsigned side)
{
    struct wst_successors *all = t->successors;
    struct wst_successor *x = successor_known(t, f, side), *best = &all->at[0];
    for (unsigned i = 1; !x && i < SUCCESSORS; i++) {
        struct wst_successor *y = &all->at[i];
        if (!!y->n != !!best->n ? !y->n : y->turn < best->turn) best = y;
    }
    x = x ? x : best;
    all->hash[x - all->at] = f->hash;
    return x;
}

static void successor_drop(struct wst_flow_table *t, struct wst_successor *x)
{
    wst_buf_free(&x->bytes, t->budget);
    *x = (struct wst_successor){0};
}

static bool is_near(uint32_t a, uint32_t b)
{
    int32_t d = wst_seq_diff(a, b);
    return d >= -ANSWER_NEAR && d <= ANSWER_NEAR;
}

static bool is_call(const struct wst_successor *x)
{
    return x->segment[0].flags & WST_TCP_FLAG_SYN;
}

static bool is_plain(const struct wst_segment *s)
{
    return (s->flags & (WST_TCP_FLAG_SYN | WST_TCP_FLAG_ACK | WST_TCP_FLAG_RST)) ==
           WST_TCP_FLAG_ACK;
}

static bool is_reset(const struct wst_segment *s)
{
    return (s->flags & (WST_TCP_FLAG_SYN | WST_TCP_FLAG_RST)) == WST_TCP_FLAG_RST;
}

/* It waits already: the capture has it twice, or it was sent again. */
static bool successor_has(const struct wst_successor *x, const struct wst_segment *s)
{
    for (unsigned i = 0; i < x->n; i++)
        if (x->segment[i].seq == s->seq && x->segment[i].flags == s->flags &&
            x->segment[i].payload_len == s->payload_len)
            return true;
    return false;
}

static bool successor_add(struct wst_flow_table *t, struct wst_successor *x,
                          const struct wst_segment *s, const struct wst_when *when)
{
    if (x->n == SEGMENTS) return false;
    bool room = wst_buf_append(&x->bytes, t->budget, s->payload, BYTES);
    if (!room && !(s->flags & WST_TCP_FLAG_SYN)) return false;
    /* A SYN for whose bytes there is no room waits without them: it may not end anything yet. */
    x->segment[x->n++] =
        (struct wst_successor_segment){.when = *when,
                                       .seq = s->seq,
                                       .ack = s->ack,
                                       .flags = s->flags,
                                       .window = s->window,
                                       .payload_len = room ? s->payload_len : 0,
                                       .captured = room ? (uint32_t)s->payload.n : 0};
    x->left_out += s->payload_len;
    return true;
}

/* A connection was asked for in the place of one that is silent since, and nobody answered. */
static void successor_unanswered(struct wst_flow_table *t, struct wst_flow *f,
                                 const struct wst_successor *x, const struct wst_arrival *a)
{
    if (!x->numbered || !x->again || x->lives || f->ignored || !t->sink.stalled) return;
    if (x->segment[0].flags & WST_TCP_FLAG_ACK) return; /* an answer */
    const struct wst_flow_stalled s = {.what = WST_FLOW_STALL_ASKED, .times = x->again + 1u};
    t->sink.stalled(t->sink.user, f, x->side, &s, a);
}

/* NULL: no memory. */
static struct wst_successor *successor_begin(struct wst_flow_table *t, struct wst_flow *f,
                                             unsigned side, const struct wst_segment *s,
                                             const struct wst_when *when)
{
    struct wst_successor *x = successor_find(t, f, side);
    if (!t->successors) t->successors = wst_budget_new(t->budget, sizeof *t->successors);
    if (!t->successors) return NULL;
    uint64_t left_out = x ? x->left_out : 0;
    x = successor_place(t, f, side);
    successor_drop(t, x);
    if (!successor_add(t, x, s, when)) return NULL;
    x->side = (uint8_t)side;
    x->turn = ++t->successors->turns;
    x->left_out += left_out;
    f->succeeding = true;
    return x;
}

WST_APART bool wst_successor_waits(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                   const struct wst_segment *s, const struct wst_when *when)
{
    if (!s->payload_len) return !(s->flags & WST_TCP_FLAG_FIN);
    struct wst_successor *x = successor_find(t, f, side);
    if (x && is_near(s->seq, x->segment[0].seq)) {
        (void)successor_add(t, x, s, when); /* what there is no room for is a hole in it */
        return true;
    }
    if (!t->sink.begins || !t->sink.begins(t->sink.user, s->payload, false)) return false;
    return successor_begin(t, f, side, s, when);
}

WST_SELDOM bool wst_successor_asks(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                   const struct wst_segment *s, const struct wst_arrival *a)
{
    struct wst_successor *x = successor_find(t, f, side);
    if (x && is_call(x) && x->segment[0].seq == s->seq) {
        if (wst_flow_asks_again(&x->asked_ms, &x->marks, s, &a->when))
            x->again += x->again < UINT8_MAX;
        return true;
    }
    if (x) successor_unanswered(t, f, x, a);
    if (!(x = successor_begin(t, f, side, s, &a->when))) return false;
    wst_flow_asks(&x->asked_ms, &x->marks, s, &a->when);
    x->stream = t->streams++;
    x->isn = s->seq;
    x->numbered = true;
    return true;
}

WST_SELDOM bool wst_successor_number(struct wst_flow_table *t, const struct wst_flow *f,
                                     unsigned side, const struct wst_segment *s, uint32_t *stream)
{
    for (unsigned i = 0; i < 2; i++) {
        struct wst_successor *x = successor_known(t, f, i);
        uint32_t isn = i == side ? s->seq : s->ack - 1;
        if (!x || x->n || x->isn != isn) continue;
        x->numbered = false;
        *stream = x->stream;
        return true;
    }
    return false;
}

/* Its sender has had what waits, and sends where the caller expects it. */
static bool near_acknowledges(const struct wst_successor *x, const struct wst_segment *s)
{
    const struct wst_successor_segment *first = &x->segment[0];
    int32_t more = wst_seq_diff(s->ack, first->seq);
    if (!x->near || !is_plain(s) || more <= 0 || more > ANSWER_NEAR) return false;
    if (s->seq == x->acked) return true;
    for (unsigned i = 0; i < x->n; i++)
        if (first[i].ack == s->seq) return true;
    return false;
}

/* Of the flow's own, one that waits because of its bytes is nothing but those that lie behind. */
static bool near_goes_on(const struct wst_successor *x, const struct wst_segment *s)
{
    int32_t behind = wst_seq_diff(s->seq, x->segment[0].seq);
    return x->near && is_plain(s) && behind >= 0 && behind <= ANSWER_NEAR;
}

WST_APART bool wst_successor_near(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                  const struct wst_segment *s, const struct wst_when *when)
{
    struct wst_successor *x = successor_find(t, f, side), *o = successor_find(t, f, !side);
    if (o && near_acknowledges(o, s) && !s->payload_len) return true;
    if (x && near_goes_on(x, s)) {
        x->acked = s->ack;
        if ((s->payload_len || (s->flags & WST_TCP_FLAG_FIN)) && !successor_has(x, s))
            (void)successor_add(t, x, s, when); /* what there is no room for is a hole in it */
        return true;
    }
    if (!f->precious || f->ignored || !s->payload_len || !is_plain(s) || !t->sink.begins ||
        !(f->half[0].flags & f->half[1].flags & WST_HALF_STARTED) ||
        !wst_flow_is_early(f, side, s) || !t->sink.begins(t->sink.user, s->payload, false))
        return false;
    if (!(x = successor_begin(t, f, side, s, when))) return false;
    x->acked = s->ack;
    return x->near = true;
}

/* Right behind the SYN, or behind what waits; or it has come before. */
static bool call_is_next(const struct wst_successor *x, const struct wst_segment *s)
{
    const struct wst_successor_segment *last = &x->segment[x->n - 1];
    uint32_t end = last->seq + last->payload_len + (last->flags & WST_TCP_FLAG_SYN ? 1 : 0);
    const uint32_t from = x->segment[0].seq + 1;
    return s->seq == from || s->seq - from <= end - from;
}

/* A segment of the side whose SYN waits. One that is near the flow's own is the SYN's where it is
 * right behind it, and acknowledges what the flow never had. */
static bool call_follows(const struct wst_flow *f, const struct wst_successor *x,
                         const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[x->side], *o = &f->half[!x->side];
    int32_t behind = wst_seq_diff(s->seq, x->segment[0].seq + 1),
            had = wst_seq_diff(s->ack, o->next);
    if (!is_call(x) || behind < 0 || behind > ANSWER_NEAR) return false;
    if (!is_plain(s)) return is_reset(s) && x->heard_of && call_is_next(x, s);
    if (wst_seq_is_far(s->seq, h->next)) return true;
    return call_is_next(x, s) && s->seq != h->next && (had > 0 || had < -STALE_FAR);
}

/* What `s` acknowledges is more than what its side acknowledged first. */
static bool call_heard_of(const struct wst_successor *x, const struct wst_segment *s)
{
    const struct wst_successor_segment *first = x->segment;
    while (first < x->segment + x->n && !(first->flags & WST_TCP_FLAG_ACK)) first++;
    return x->heard_of || (first < x->segment + x->n && wst_seq_diff(s->ack, first->ack) > 0);
}

/* A connection of its own, of which one direction is captured: it begins as one does, somebody
 * acknowledges what it sends, or it what somebody sends, and of the flow nothing was heard since. A
 * stranger's would not be left alone so long: who has the flow answers him (RFC 5961 section 4). */
static bool call_is_alone(const struct wst_flow_table *t, const struct wst_successor *x,
                          bool heard_of, int64_t now)
{
    const struct wst_successor_segment *p = x->segment, *end = p + x->n;
    if (!is_call(x) || x->lives || !heard_of || !t->sink.begins) return false;
    if (wst_ns_between(p->when.ns, now) < challenge_ns) return false;
    while (p < end && !p->captured) p++;
    return p < end &&
           t->sink.begins(t->sink.user, (struct wst_slice){x->bytes.p, p->captured}, false);
}

WST_APART bool wst_successor_follows(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                     const struct wst_segment *s, const struct wst_when *when)
{
    struct wst_successor *x = successor_find(t, f, side), *o = successor_find(t, f, !side);
    if (!x || !call_follows(f, x, s)) {
        if (x) x->lives = true;
        if (o) o->lives = true;
        return false;
    }
    if (call_heard_of(x, s)) {
        if (!x->heard_of || ((s->flags & WST_TCP_FLAG_ACK) && wst_seq_diff(s->ack, x->acked) > 0))
            x->acked = s->ack;
        x->heard_of = true;
    }
    bool matters =
        s->payload_len || (s->flags & (WST_TCP_FLAG_FIN | WST_TCP_FLAG_RST)) || x->n == 1;
    if (matters && !successor_has(x, s)) (void)successor_add(t, x, s, when);
    return true;
}

bool wst_successor_is_far(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side], *o = &f->half[!side];
    return wst_seq_is_far(s->seq, h->next) && /* seldom, so it is asked first */
           (f->state == WST_FLOW_OPEN || f->state == WST_FLOW_EMBRYONIC) &&
           (s->flags & (WST_TCP_FLAG_ACK | WST_TCP_FLAG_RST)) == WST_TCP_FLAG_ACK &&
           (h->flags & o->flags & WST_HALF_STARTED) && wst_seq_is_far(s->ack, o->next);
}

/* Its first bytes lie where the caller says, and answer; or the capture lacks those, and the caller
 * has had them. */
static bool near_answered(const struct wst_flow_table *t, const struct wst_successor *x,
                          const struct wst_segment *s)
{
    if (!s->payload_len || !near_acknowledges(x, s)) return false;
    return s->seq != x->segment[0].ack || t->sink.begins(t->sink.user, s->payload, true);
}

WST_SELDOM bool wst_successor_denied(const struct wst_flow_table *t, const struct wst_flow *f,
                                     unsigned side, const struct wst_segment *s)
{
    const struct wst_successor *x = successor_find(t, f, side);
    if (!x || !x->near) return false;
    int32_t past = wst_seq_diff(f->half[side].next, x->segment[0].seq);
    if (past >= 0 && past <= FIN_NEAR) return true;
    return s->seq == x->segment[0].ack && s->payload_len && near_acknowledges(x, s);
}

/* Whose numbers say that he has had what waits. A SYN ACK, or a reset, acknowledges the SYN itself.
 * Where that was not captured what comes behind it does; near the flow's own numbers only what also
 * goes on where the caller says. */
static bool call_answered(const struct wst_flow *f, const struct wst_successor *x,
                          const struct wst_segment *s)
{
    const struct wst_successor_segment *first = &x->segment[0];
    if (!is_call(x))
        return is_plain(s) && is_near(s->seq, first->ack) && is_near(s->ack, first->seq);
    int32_t more = wst_seq_diff(s->ack, first->seq + 1);
    if (!(s->flags & WST_TCP_FLAG_ACK) || more < 0 || more > ANSWER_NEAR) return false;
    if (!is_plain(s))
        return !(first->flags & WST_TCP_FLAG_ACK) && (uint32_t)more <= first->payload_len;
    if (wst_seq_is_far(first->seq, f->half[x->side].next)) return true;
    for (unsigned i = 0; i < x->n; i++)
        if ((first[i].flags & WST_TCP_FLAG_ACK) && first[i].ack == s->seq) return true;
    return false;
}

bool wst_successor_answered(const struct wst_flow_table *t, const struct wst_flow *f, unsigned side,
                            const struct wst_segment *s, const struct wst_when *when,
                            unsigned *caller)
{
    const struct wst_successor *own = successor_find(t, f, side), *x = successor_find(t, f, !side);
    bool alone = !(f->heard & 1u << !side); /* whoever answers is not captured */
    *caller = side;
    if (own && call_follows(f, own, s) &&
        (alone || call_is_alone(t, own, call_heard_of(own, s), when->ns)))
        return true;
    *caller = !side;
    if (x && x->near) return near_answered(t, x, s);
    return !alone && x && call_answered(f, x, s);
}

WST_SELDOM bool wst_successor_alone(const struct wst_flow_table *t, const struct wst_flow *f,
                                    int64_t now, unsigned *caller)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct wst_successor *x = successor_find(t, f, side);
        *caller = side;
        if (x && call_is_alone(t, x, x->heard_of, now)) return true;
    }
    return false;
}

struct wst_succession wst_successor_take(struct wst_flow_table *t, struct wst_flow *f,
                                         unsigned side)
{
    struct wst_successor *x = successor_find(t, f, side);
    struct wst_succession taken = {
        .n = x->n, .bytes = x->bytes, .numbered = is_call(x), .near = x->near, .stream = x->stream};
    memcpy(taken.segment, x->segment, sizeof taken.segment);
    if (x->heard_of) taken.segment[x->n - 1].ack = x->acked;
    x->bytes = (struct wst_buf){0};
    x->n = 0;
    x->numbered = false;
    f->succeeding = successor_find(t, f, !side);
    return taken;
}

WST_SELDOM void wst_successor_over(struct wst_flow_table *t, struct wst_flow *f,
                                   enum wst_tcp_end how, const struct wst_arrival *a)
{
    for (unsigned side = 0; side < 2; side++) {
        struct wst_successor *x = successor_find(t, f, side);
        if (!x) continue;
        uint64_t left_out = x->left_out;
        if (how != WST_TCP_EVICTED) successor_unanswered(t, f, x, a);
        struct wst_successor was = *x;
        successor_drop(t, x);
        if (was.numbered) /* it may be the next one's first */
            *x = (struct wst_successor){.side = was.side,
                                        .numbered = true,
                                        .stream = was.stream,
                                        .isn = was.isn,
                                        .turn = was.turn};
        if (!f->ignored && left_out)
            t->sink.unbelieved(t->sink.user, f, side, left_out, WST_UNBELIEVED_CALL, a);
    }
    f->succeeding = false;
}

WST_SELDOM void wst_successor_moved(struct wst_flow_table *t, const struct wst_flow *f,
                                    uint64_t hash)
{
    for (unsigned i = 0; i < SUCCESSORS; i++)
        if (t->successors->hash[i] == hash) /* its flow has ended: it is only numbered */
            successor_drop(t, &t->successors->at[i]);
        else if (t->successors->hash[i] == f->hash)
            t->successors->hash[i] = hash;
}

void wst_successor_free(struct wst_flow_table *t)
{
    if (!t->successors) return;
    for (unsigned i = 0; i < SUCCESSORS; i++) wst_buf_free(&t->successors->at[i].bytes, t->budget);
    wst_budget_give(t->budget, sizeof *t->successors);
    free(t->successors);
}
